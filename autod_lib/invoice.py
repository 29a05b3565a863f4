"""What the provider says it did and charged: from its usage and costs endpoints, or from a file that its dashboard exports.

Decided here: how pages and files are read, which of their fields count, and what is a mistake in one. Promised: money is read as it is written, never
through a float; a file that cannot be read to its end is refused as a whole, by name and line, so that nothing is compared with half an invoice.
Called by reconcile.py. Reads usage and costs alone; sends no document and changes nothing.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, NamedTuple

from . import prices
from .errors import ApiRefused, ApiUnavailable, SettingsError
from .settings import Settings

LARGEST_BYTES: Final = 200_000_000
DAY_S: Final = 86_400
USAGE_GROUPS: Final = ("model", "service_tier", "batch", "api_key_id")
COST_GROUPS: Final = ("line_item", "api_key_id")
USAGE, COSTS = "organization.usage.completions.result", "organization.costs.result"
# A line item names its model first, as in "gpt-6-luna, cached input"; a tier may stand in brackets behind it.
LINE_ITEM: Final = re.compile(r"\s*(?P<model>[^,(]+?)\s*(?:\((?P<tier>[^)]*)\)\s*)?(?:,|$)")


class Tokens(NamedTuple):
    """Requests, and their tokens by the rate that each is billed at."""

    requests: int = 0
    uncached: int = 0
    cached: int = 0
    written: int = 0
    written_12h: int = 0
    output: int = 0

    def plus(self, other: "Tokens") -> "Tokens":
        """The sum, part by part."""
        return Tokens(*(one + two for one, two in zip(self, other, strict=True)))

    def minus(self, other: "Tokens") -> "Tokens":
        """The difference, part by part."""
        return Tokens(*(one - two for one, two in zip(self, other, strict=True)))

    @property
    def all(self) -> int:
        """All tokens, input and output."""
        return sum(self[1:])


@dataclass(frozen=True, slots=True)
class Used:
    """Usage of a UTC day: a model, a tier as billed (None: not told) and a key (None: not told)."""

    day: date
    model: str
    service_tier: str | None
    api_key_id: str | None
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Charged:
    """A charge of a UTC day. `model` is that of its line item, None where it names none; `quantity` its tokens, None where they are not told."""

    day: date
    line_item: str | None
    api_key_id: str | None
    usd: Decimal
    quantity: int | None = None

    @property
    def model(self) -> str | None:
        """The model that the line item names, if it is of the form of a model's line."""
        found = LINE_ITEM.match(self.line_item or "")
        return found["model"] if found else None


@dataclass
class Invoice:
    """What the provider says; `used` or `charged` is None when it was not asked or is not in the file."""

    source: str
    used: list[Used] | None = None
    charged: list[Charged] | None = None
    splits_writes: bool = field(default=True)  # whether cache writes are told by lifetime

    def within(self, first: date, last: date) -> "Invoice":
        """What it says of these days."""
        used = None if self.used is None else [row for row in self.used if first <= row.day <= last]
        charged = None if self.charged is None else [row for row in self.charged if first <= row.day <= last]
        return Invoice(self.source, used, charged, self.splits_writes)


def fetch(settings: Settings, first: date, last: date) -> Invoice:
    """Usage and costs of these UTC days, both included, from the provider.

    Raises: MissingKey without an admin key; ApiRefused when the provider refuses it or the question; ApiUnavailable when it does not answer.
    """
    import openai

    key = settings.require_admin_key()
    client = openai.OpenAI(
        base_url=settings.base_url,
        api_key=key,  # the SDK wants one; it sends the admin key to these endpoints
        admin_api_key=key,
        timeout=settings.request_timeout_s,
        http_client=openai.DefaultHttpxClient(follow_redirects=False, trust_env=not settings.is_loopback),
    )
    query: dict[str, Any] = {"start_time": _seconds(first), "end_time": _seconds(last + timedelta(days=1)), "bucket_width": "1d"}
    if settings.project_id:
        query["project_ids"] = [settings.project_id]
    endpoints = client.admin.organization.usage.with_raw_response
    try:
        with client:
            usage = list(_pages(endpoints.completions, query | {"group_by": [*USAGE_GROUPS], "limit": 31}))
            costs = list(_pages(endpoints.costs, query | {"group_by": [*COST_GROUPS], "limit": 180}))
    except openai.APIStatusError as error:
        kind = ApiRefused if error.status_code < 500 and error.status_code != 429 else ApiUnavailable
        said = error.message.replace(key, "[key]")
        raise kind(
            f"{settings.base_url} refuses usage and costs (HTTP {error.status_code}): {said} They need an admin key of the organization: set "
            "OPENAI_ADMIN_KEY, or give --file with an export of its dashboard."
        ) from None
    except openai.APIConnectionError as error:
        raise ApiUnavailable(
            f"{settings.base_url} does not answer ({type(error.__cause__ or error).__name__}). Nothing was changed; try it again."
        ) from None
    return _invoice(settings.base_url, [_Place(settings.base_url, bucket) for bucket in (*usage, *costs)], usage=True, costs=True)


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _pages(endpoint: Any, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
    page: dict[str, Any] = {}
    while True:
        page = json.loads(endpoint(**query).content, parse_float=Decimal)
        yield from page["data"]
        if not page.get("has_more") or not page.get("next_page"):
            return
        query = query | {"page": page["next_page"]}


def read_exports(paths: Iterable[Path]) -> Invoice:
    """What files of the provider's dashboard say: CSV as it exports them, or the JSON of its endpoints; usage, costs or both.

    Raises: SettingsError naming the file, the line, the value and what is allowed.
    """
    buckets = [place for path in paths for place in _read(path)]
    results = [result for place in buckets for result in place.value["results"]]
    kinds = {result.get("object") for result in results}
    return _invoice(", ".join(path.name for path in paths), buckets, usage=USAGE in kinds, costs=COSTS in kinds)


@dataclass(frozen=True, slots=True)
class _Place:
    """A bucket and where it stands, for a message."""

    name: str
    value: dict[str, Any]

    def mistake(self, key: str, value: Any, allowed: str) -> SettingsError:
        return SettingsError(f"{self.name}: {key} is {str(value)[:100]!r}; allowed: {allowed}. Nothing was compared.")


def _read(path: Path) -> list[_Place]:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise SettingsError(f"The file {str(path)!r} is larger than {LARGEST_BYTES:,} bytes: it is no export of usage or costs.")
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"The file {str(path)!r} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise SettingsError(f"The file {str(path)!r} is not UTF-8 text.") from None
    return _of_json(path, text) if text.lstrip()[:1] in ("{", "[") else _of_csv(path, text)


def _of_json(path: Path, text: str) -> list[_Place]:
    try:
        found = json.loads(text, parse_float=Decimal)
    except (json.JSONDecodeError, RecursionError) as error:
        raise SettingsError(f"The file {str(path)!r} is not JSON: {error}.") from None
    places = []
    for page in found if isinstance(found, list) else [found]:
        if isinstance(page, dict) and page.get("has_more"):
            raise SettingsError(f"The file {str(path)!r} is one page of several (has_more is true); fetch the others too. Nothing was compared.")
        buckets = page.get("data", [page]) if isinstance(page, dict) else None
        if not isinstance(buckets, list) or not all(isinstance(bucket, dict) and isinstance(bucket.get("results"), list) for bucket in buckets):
            raise SettingsError(f"The file {str(path)!r} has no list of buckets with results, as the endpoints for usage and costs give them.")
        places += [_Place(f"The file {str(path)!r}, bucket {number}", bucket) for number, bucket in enumerate(buckets, 1)]
    return places


def _of_csv(path: Path, text: str) -> list[_Place]:
    head = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",\t;", key=head.count))
    names = set(reader.fieldnames or ())
    is_costs = "amount_value" in names
    if not names & {"start_time", "start_time_iso"} or not (is_costs or "num_model_requests" in names):
        raise SettingsError(
            f"The file {str(path)!r} is no export of usage or costs: its first line has neither start_time with num_model_requests nor start_time "
            "with amount_value."
        )
    places = []
    try:
        for row in reader:
            given = {name: value for name, value in row.items() if name and value not in ("", None)}
            if not given.keys() & {"amount_value", "num_model_requests"}:  # a day on which nothing happened
                continue
            result = {"object": COSTS if is_costs else USAGE} | given
            if is_costs:
                result["amount"] = {"value": given.get("amount_value"), "currency": given.get("amount_currency", "usd")}
            bucket = {"start_time": given.get("start_time", given.get("start_time_iso")), "end_time": given.get("end_time"), "results": [result]}
            places.append(_Place(f"The file {str(path)!r}, line {reader.line_num}", bucket))
    except csv.Error as error:
        raise SettingsError(f"The file {str(path)!r}, line {reader.line_num}: {error}.") from None
    return places


def _invoice(source: str, buckets: list[_Place], *, usage: bool, costs: bool) -> Invoice:
    used, charged, splits = [], [], True
    for place in buckets:
        day = _day(place)
        for result in place.value["results"]:
            kind = result.get("object") if isinstance(result, dict) else None
            if kind == USAGE:
                used.append(_used(place, day, result))
                splits = splits and result.get("input_cache_write_30m_tokens") is not None
            elif kind == COSTS:
                charged.append(_charged(place, day, result))
            else:
                raise place.mistake("object", kind, f"{USAGE} or {COSTS}")
    return Invoice(source, used if usage else None, charged if costs else None, splits)


def _day(place: _Place) -> date:
    start, end = str(place.value.get("start_time")), str(place.value.get("end_time"))
    allowed = "seconds since 1970, or an ISO time"
    try:
        at = datetime.fromtimestamp(int(start), UTC) if start.isdigit() else datetime.fromisoformat(start)
        seconds = int(end) - int(at.timestamp()) if end.isdigit() else 0
    except (ValueError, OverflowError, OSError):
        raise place.mistake("start_time", start, allowed) from None
    if seconds > DAY_S:
        raise place.mistake("end_time", end, "the end of the same day: buckets of a day or less")
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).date()


def _whole(place: _Place, result: dict[str, Any], name: str) -> int:
    value = result.get(name)
    if value is None:
        return 0
    text = str(value)
    if isinstance(value, bool) or not text.isdigit() or len(text) > 15:
        raise place.mistake(name, value, "a whole number from 0 on")
    return int(text)


def _used(place: _Place, day: date, result: dict[str, Any]) -> Used:
    model = result.get("model")
    if not isinstance(model, str) or not model:
        raise place.mistake("model", model, "the name of a model: export or ask grouped by model")
    all_input, cached = _whole(place, result, "input_tokens"), _whole(place, result, "input_cached_tokens")
    written, longer = _whole(place, result, "input_cache_write_tokens"), _whole(place, result, "input_cache_write_12h_tokens")
    if cached + written > all_input or longer > written:
        raise place.mistake("input_tokens", all_input, "at least those read from the cache and written to it")
    is_batch = str(result.get("batch")).lower() == "true"
    tier = "batch" if is_batch else prices.billed_tier(result["service_tier"]) if result.get("service_tier") else None
    tokens = Tokens(
        _whole(place, result, "num_model_requests"),
        all_input - cached - written,
        cached,
        written - longer,
        longer,
        _whole(place, result, "output_tokens"),
    )
    return Used(day, model, tier, result.get("api_key_id") or None, tokens)


def _charged(place: _Place, day: date, result: dict[str, Any]) -> Charged:
    amount = result.get("amount")
    value, currency = (amount.get("value"), amount.get("currency")) if isinstance(amount, dict) else (None, None)
    if str(currency).lower() != "usd":
        raise place.mistake("currency", currency, "usd")
    try:
        usd = Decimal(str(value))
    except InvalidOperation:
        usd = Decimal("nan")
    if isinstance(value, bool) or not usd.is_finite() or abs(usd) > 10**9:
        raise place.mistake("amount", value, "a number of USD")
    quantity, unit = result.get("quantity"), result.get("quantity_unit")
    tokens = int(Decimal(str(quantity))) if quantity not in (None, "") and unit == "tokens" else None
    return Charged(day, result.get("line_item") or None, result.get("api_key_id") or None, usd, tokens)
