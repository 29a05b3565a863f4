"""What the organization is told of its usage and its costs: the two admin endpoints, over the server's own log.

Decided here: what a logged answer is billed at, how buckets, groups and pages are cut, the names of line items, and the discrepancies that can be
switched on. Promised: what was answered is billed once, whatever became of the answer on its way; without discrepancies the usage is that of the
log, to the token, and the costs are its tokens at the list prices of their day. Called by server.py. Keeps nothing: the log is read each time.

Source of the shapes: the published description 2.3.0 and the types of SDK 3.57 (cache writes by lifetime). The names of line items are not published:
these are `MODEL, KIND`, with the tier in brackets where it is not the default one. Prices: genai-prices; a write for 12 hours is 2.5 times the input.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from starlette.datastructures import QueryParams

from .wire import ApiError, JsonObject

PROJECT = "proj_local"
WIDTHS_S = {"1m": 60, "1h": 3600, "1d": 86_400}
USAGE_LIMITS = {"1m": (60, 1440), "1h": (24, 168), "1d": (7, 31)}  # default and most buckets of a page
COST_LIMITS = {"1d": (7, 180)}
USAGE_GROUPS = ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier", "api_source")
COST_GROUPS = ("project_id", "line_item", "api_key_id")
KINDS = {"input": "uncached", "cached input": "cached", "cache write": "written_30m", "cache write 12h": "written_12h", "output": "output"}
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Billed:
    """One answer as it is billed: when, for which model and tier, and its tokens by rate."""

    at: float
    model: str
    service_tier: str
    batch: bool
    api_key_id: str | None
    uncached: int
    cached: int
    written_30m: int
    written_12h: int
    output: int

    @property
    def tier(self) -> str:
        """The tier whose rates it is billed at."""
        return "batch" if self.batch else "standard" if self.service_tier == "default" else self.service_tier

    def charges(self) -> Iterator[tuple[str, int, Decimal]]:
        """(line item, tokens, USD) of each kind of token it has."""
        rates = _rates(self.model, datetime.fromtimestamp(self.at, UTC).date(), self.tier)
        in_tier = "" if self.tier == "standard" else f" ({self.tier})"
        for kind, name in KINDS.items():
            if tokens := getattr(self, name):
                rate = rates(kind, self.uncached + self.cached + self.written_30m + self.written_12h)
                yield f"{self.model}{in_tier}, {kind}", tokens, tokens * rate / 1_000_000


def key_id(key: str) -> str:
    """The id under which the organization knows a key."""
    return f"key_{hashlib.sha256(key.encode()).hexdigest()[:12]}"


@lru_cache(maxsize=256)
def _rates(model: str, day: date, tier: str) -> Callable[[str, int], Decimal]:
    """USD a million tokens, by kind and length of the prompt; 0 for a model that the list does not know."""
    from genai_prices import calc_price
    from genai_prices.types import Usage

    at, context = datetime(day.year, day.month, day.day, tzinfo=UTC), {"batch": {"processing": "batch"}}.get(tier, {"service_tier": tier})
    try:
        found = calc_price(
            Usage(input_tokens=1, output_tokens=1),
            model_ref=model,
            provider_id="openai",
            genai_request_timestamp=at,
            price_context={} if tier == "standard" else context,
        ).model_price
    except LookupError:
        return lambda kind, input_tokens: Decimal(0)

    def rate(kind: str, input_tokens: int) -> Decimal:
        name = {"input": "input_mtok", "cached input": "cache_read_mtok", "output": "output_mtok"}.get(kind, "cache_write_mtok")
        price: Any = getattr(found, name) or found.input_mtok
        if kind == "cache write 12h" and found.cache_write_mtok:
            price = found.input_mtok
        value = getattr(price, "base", price)
        for step in getattr(price, "tiers", ()):
            if input_tokens > step.start:
                value = step.price
        return Decimal(value) * (Decimal("2.5") if kind == "cache write 12h" and found.cache_write_mtok else 1)

    return rate


def billed(log: Path | None) -> list[Billed]:
    """Every answer in the log that has a usage. Raises: ApiError when the server keeps no log."""
    if log is None:
        raise ApiError(400, "This simulated API keeps no log, and so knows no usage; start it with --log FILE.", code="no_log")
    found = []
    for text in log.read_bytes().splitlines():
        try:
            line = orjson.loads(text)
        except orjson.JSONDecodeError:  # a line that a killed server left
            continue
        usage = line.get("usage")
        if line.get("path") != "/v1/responses" or line.get("status") != 200 or not usage:
            continue
        details = usage["input_tokens_details"]
        longer = (details.get("cache_write_tokens_details") or {}).get("ttl_12h_tokens", 0)
        cached, written = details["cached_tokens"], details["cache_write_tokens"]
        found.append(
            Billed(
                at=datetime.fromisoformat(line["time"]).timestamp(),
                model=line["model"],
                service_tier=line.get("service_tier") or "default",
                batch=bool(line.get("batch_id")),
                api_key_id=line.get("api_key_id"),
                uncached=usage["input_tokens"] - cached - written,
                cached=cached,
                written_30m=written - longer,
                written_12h=longer,
                output=usage["output_tokens"],
            )
        )
    return found


# Discrepancies: what an organization may be told that its own ledger does not know. Each strikes every day and model on which something was billed.


def _foreign(rows: list[Billed]) -> list[Billed]:
    """Somebody else's calls with another key of the project: three for every model of a day."""
    firsts = {(row.at // 86_400, row.model): row for row in rows}
    return rows + [
        replace(row, api_key_id=key_id("somebody else's"), uncached=500, cached=0, output=100) for row in firsts.values() for _ in range(3)
    ]


def _missing(rows: list[Billed]) -> list[Billed]:
    """The first answer of every day and model is not shown."""
    firsts = {id(row) for row in {(row.at // 86_400, row.model): row for row in reversed(rows)}.values()}
    return [row for row in rows if id(row) not in firsts]


def _in_priority(rows: list[Billed]) -> list[Billed]:
    """Every second answer is booked under priority, whatever it said itself."""
    return [replace(row, service_tier="priority") if place % 2 and not row.batch else row for place, row in enumerate(rows)]


def _more_output(rows: list[Billed]) -> list[Billed]:
    """Every answer has ten output tokens more than it said."""
    return [replace(row, output=row.output + 10) for row in rows]


OF_USAGE: dict[str, Callable[[list[Billed]], list[Billed]]] = {
    "foreign-calls": _foreign,
    "missing-calls": _missing,
    "tier": _in_priority,
    "more-output": _more_output,
}
OF_COSTS = ("price", "rounding", "other-service", "phantom")  # a tenth dearer · whole cents a line · no model's line · tokens of nobody
DISCREPANCIES = (*OF_USAGE, *OF_COSTS)


def parse_discrepancies(spec: str) -> tuple[str, ...]:
    """Names with commas. Raises: ValueError naming the unknown one and all there are."""
    names = tuple(name.strip() for name in spec.split(",") if name.strip())
    for name in names:
        if name not in DISCREPANCIES:
            raise ValueError(f"there is no discrepancy {name!r}; known: {', '.join(sorted(DISCREPANCIES))}")
    return names


def _shown(log: Path | None, discrepancies: tuple[str, ...]) -> list[Billed]:
    rows = billed(log)
    for name in discrepancies:
        if name in OF_USAGE:
            rows = OF_USAGE[name](rows)
    return rows


# The endpoints.


@dataclass(frozen=True)
class Asked:
    """A request for buckets, checked: seconds since 1970, the width of a bucket, its groups, and which rows are wanted."""

    start: int
    end: int
    width: int
    limit: int
    groups: tuple[str, ...]
    wanted: dict[str, set[str]]

    def buckets(self) -> range:
        """The beginnings of the page's buckets."""
        return range(self.start, self.end, self.width)[: self.limit]

    def next_page(self) -> str | None:
        """The cursor of the page behind this one."""
        behind = self.start + self.limit * self.width
        return None if behind >= self.end else f"page_{urlsafe_b64encode(str(behind).encode()).decode()}"

    def takes(self, row: Billed) -> bool:
        """Whether a row is wanted."""
        values = {"project_ids": PROJECT, "api_key_ids": row.api_key_id, "models": row.model, "batch": str(row.batch).lower(), "user_ids": None}
        return all(values[name] in wanted for name, wanted in self.wanted.items())


def _asked(query: QueryParams, limits: dict[str, tuple[int, int]], groups: tuple[str, ...], filters: tuple[str, ...], now: float) -> Asked:
    def refuse(name: str, allowed: str) -> ApiError:
        return ApiError(400, f"Invalid value for '{name}': expected {allowed}.", param=name, code="invalid_value")

    def whole(name: str, default: str) -> int:
        text = query.get(name, default)
        if not text.isdigit():
            raise refuse(name, "a whole number")
        return int(text)

    def listed(name: str) -> list[str]:
        return [*query.getlist(name), *query.getlist(f"{name}[]")]

    if "start_time" not in query:
        raise ApiError(400, "Missing required parameter: 'start_time'.", param="start_time", code="missing_required_parameter")
    width = query.get("bucket_width", "1d")
    if width not in limits:
        raise refuse("bucket_width", " or ".join(limits))
    default, most = limits[width]
    limit = whole("limit", str(default))
    if not 1 <= limit <= most:
        raise refuse("limit", f"a number from 1 to {most}")
    wanted_groups = tuple(listed("group_by"))
    if set(wanted_groups) - set(groups):
        raise refuse("group_by", ", ".join(groups))
    seconds = WIDTHS_S[width]
    start = whole("start_time", "")
    if page := query.get("page"):
        try:
            start = int(urlsafe_b64decode(page.removeprefix("page_")))
        except ValueError:
            raise refuse("page", "the next_page of another answer") from None
    end = whole("end_time", str(int(now) + 1))
    wanted = {name: set(found) for name in filters if (found := listed(name))}
    return Asked(start - start % seconds, end, seconds, limit, wanted_groups, wanted)


def _page(asked: Asked, rows: list[Billed], results: Callable[[list[Billed]], list[JsonObject]]) -> JsonObject:
    by_bucket: dict[int, list[Billed]] = defaultdict(list)
    for row in rows:
        if asked.takes(row):
            by_bucket[int(row.at) - int(row.at) % asked.width].append(row)
    data: list[JsonObject] = [
        {"object": "bucket", "start_time": start, "end_time": start + asked.width, "results": results(by_bucket[start])} for start in asked.buckets()
    ]
    return {"object": "page", "data": data, "has_more": asked.next_page() is not None, "next_page": asked.next_page()}


def usage(query: QueryParams, log: Path | None, discrepancies: tuple[str, ...], now: float) -> JsonObject:
    """GET /v1/organization/usage/completions. Raises: ApiError 400 naming the parameter that is wrong."""
    asked = _asked(query, USAGE_LIMITS, USAGE_GROUPS, ("project_ids", "user_ids", "api_key_ids", "models", "batch"), now)

    def results(rows: list[Billed]) -> list[JsonObject]:
        groups: dict[tuple[object, ...], list[Billed]] = defaultdict(list)
        for row in rows:
            values = {"project_id": PROJECT, "user_id": None, "api_source": "unlabeled"}
            groups[tuple(values.get(name, getattr(row, name, None)) for name in asked.groups)].append(row)
        return [_usage_result(dict(zip(asked.groups, group, strict=True)), found) for group, found in groups.items()]

    return _page(asked, _shown(log, discrepancies), results)


def _usage_result(group: dict[str, object], rows: list[Billed]) -> JsonObject:
    tokens = {name: sum(getattr(row, name) for row in rows) for name in KINDS.values()}
    written = tokens["written_30m"] + tokens["written_12h"]
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": tokens["uncached"] + tokens["cached"] + written,
        "input_cached_tokens": tokens["cached"],
        "input_cache_write_tokens": written,
        "input_cache_write_30m_tokens": tokens["written_30m"],
        "input_cache_write_12h_tokens": tokens["written_12h"],
        "input_uncached_tokens": tokens["uncached"],
        "output_tokens": tokens["output"],
        "num_model_requests": len(rows),
        **{name: group.get(name) for name in USAGE_GROUPS},
    }


def costs(query: QueryParams, log: Path | None, discrepancies: tuple[str, ...], now: float) -> JsonObject:
    """GET /v1/organization/costs. Raises: ApiError 400 naming the parameter that is wrong."""
    asked = _asked(query, COST_LIMITS, COST_GROUPS, ("project_ids", "api_key_ids"), now)

    def results(rows: list[Billed]) -> list[JsonObject]:
        lines: dict[tuple[str, str | None], tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
        for row in rows:
            for item, tokens, amount in row.charges():
                before = lines[item, row.api_key_id]
                lines[item, row.api_key_id] = before[0] + tokens, before[1] + amount
        charged = [(item, key, tokens, _as_discrepant(amount, discrepancies)) for (item, key), (tokens, amount) in lines.items()]
        if rows and "phantom" in discrepancies:
            charged.append((f"{rows[0].model}, input", rows[0].api_key_id, 5000, CENT))
        if rows and "other-service" in discrepancies:
            charged.append(("file search, storage", None, 0, Decimal("0.03")))
        groups: dict[tuple[object, ...], list[tuple[int, Decimal]]] = defaultdict(list)
        for item, key, tokens, amount in charged:
            values = {"project_id": PROJECT, "line_item": item, "api_key_id": key}
            groups[tuple(values[name] for name in asked.groups)].append((tokens, amount))
        return [_cost_result(dict(zip(asked.groups, group, strict=True)), found) for group, found in groups.items()]

    return _page(asked, _shown(log, discrepancies), results)


def _as_discrepant(amount: Decimal, discrepancies: tuple[str, ...]) -> Decimal:
    dearer = amount * Decimal("1.1") if "price" in discrepancies else amount
    return dearer.quantize(CENT, ROUND_HALF_UP) if "rounding" in discrepancies else dearer


def _cost_result(group: dict[str, object], lines: list[tuple[int, Decimal]]) -> JsonObject:
    tokens = sum(tokens for tokens, _ in lines)
    by_item = "line_item" in group and tokens > 0
    return {
        "object": "organization.costs.result",
        "amount": {"value": float(sum(amount for _, amount in lines)), "currency": "usd"},
        "quantity": tokens if by_item else None,
        "quantity_unit": "tokens" if by_item else None,
        **{name: group.get(name) for name in COST_GROUPS},
    }
