"""Faults on demand: which request is hit by which, and what each does to an answer that would have been right.

Decided here: the names of the faults, the form of `--faults`, and that one seed and one order of requests give the same faults. A request is
hit by at most one. Called by options.py (reading the form) and server.py (drawing, altering). Sends nothing itself; the ones that cut or slow
a connection are carried out by server.py.

Three kinds. *Before*: no work is done, nothing is billed. *Answer*: the work is done and billed, the response object is odd. *Transport*: the
work is done and billed, and what arrives is not that response, or not whole. A batch has some of its own: what becomes of it, and of its output; so
has the indexing of a file by a vector store.
"""

import hashlib
from dataclasses import dataclass

import orjson

from .wire import ApiError, JsonObject, error_object, message_item, refusal_item

BEFORE = ("429", "429-retry-after", "500", "502", "503", "insufficient-quota", "no-flex", "slow", "drop-before", "redirect")
ANSWER = (
    "invalid-json",
    "invalid-answer",
    "refusal",
    "incomplete",
    "content-filter",
    "failed",
    "queued",
    "two-messages",
    "no-usage",
    "negative-usage",
    "wrong-usage",
    "other-model",
    "other-tier",
)
TRANSPORT = ("truncated", "html", "array", "error-200", "empty", "huge", "drop-after", "drop-middle", "drip")
BATCH = ("failed-validation", "expired", "duplicate-lines", "unknown-line", "missing-lines", "torn-line", "output-gone")
INDEXING = ("indexing-failed", "indexing-stuck")
NAMES = frozenset(BEFORE + ANSWER + TRANSPORT)
# Where a fault strikes, and which can: a request by its path, a batch as a whole, a line of one, or a file that a vector store indexes.
PLACES = {
    "responses": NAMES,
    "files": frozenset(BEFORE + TRANSPORT),
    "batches": frozenset(BEFORE + TRANSPORT),
    "vector_stores": frozenset(BEFORE + TRANSPORT),
    "batch": frozenset(BATCH),
    "indexing": frozenset(INDEXING),
    "line": frozenset((*ANSWER, "429", "500", "502", "503", "slow")),
}

SLOW_S = 5.0  # `slow` without an argument
DRIP_S = 0.05  # pause after each byte of `drip` without an argument
HUGE_MB = 20  # size of `huge` without an argument


@dataclass(frozen=True)
class Fault:
    """One fault, with its argument where it takes one: seconds, a header's value, a field's name, an address."""

    name: str
    argument: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.argument}" if self.argument else self.name

    def number(self, default: float) -> float:
        """The argument as a number, or the default."""
        return float(self.argument) if self.argument else default


@dataclass(frozen=True)
class FaultRate:
    """A fault, where and how often it strikes: a share of requests, or only the first so many."""

    fault: Fault
    rate: float = 1.0
    first: int | None = None
    place: str = "responses"


def parse_faults(spec: str) -> tuple[FaultRate, ...]:
    """Read `name[:argument][@place]=rate,…`; a rate is a share from 0 to 1, or `firstN` for the first N requests only; a place is one of PLACES.

    >>> [(str(each.fault), each.place) for each in parse_faults("429=0.05,slow:2=first3,expired@batch")]
    [('429', 'responses'), ('slow:2', 'responses'), ('expired', 'batch')]

    Raises: ValueError naming the unknown fault or place, with all known ones, or the rate that is not one.
    """
    return tuple(_rate(item.strip()) for item in spec.split(",") if item.strip())


def _rate(item: str) -> FaultRate:
    name, equals, rate = item.rpartition("=")
    if not equals:
        name, rate = item, "1"
    name, _, place = name.partition("@")
    place = place or "responses"
    if place not in PLACES:
        raise ValueError(f"there is no place {place!r} for a fault; known: {', '.join(PLACES)}")
    fault = fault_named(name, PLACES[place])
    if rate.startswith("first") and rate[5:].isdigit():
        return FaultRate(fault, first=int(rate[5:]), place=place)
    try:
        share = float(rate)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError(f"the rate of fault {name!r} is a share from 0 to 1 or firstN, not {rate!r}")
    return FaultRate(fault, rate=share, place=place)


def fault_named(text: str, names: frozenset[str] = NAMES) -> Fault:
    """A fault from `name[:argument]`. Raises: ValueError if there is none of that name."""
    name, _, argument = text.strip().partition(":")
    if name not in names:
        raise ValueError(f"there is no fault {name!r}; known: {', '.join(sorted(names))}")
    return Fault(name, argument)


def drawn(rates: tuple[FaultRate, ...], seed: int, order: int, place: str = "responses") -> Fault | None:
    """The fault that strikes the request of this order (from 0) at a place, the first of those that would."""
    for each in rates:
        if each.place != place:
            continue
        if each.first is not None:
            if order < each.first:
                return each.fault
        elif each.rate and chance(seed, each.fault, order) < each.rate:
            return each.fault
    return None


def chance(*parts: object) -> float:
    """A number from 0 to 1 that depends on the parts alone, the same in every process."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def refused(fault: Fault) -> ApiError | None:
    """The error of a fault that answers before any work is done, or None if this one does not."""
    if fault.name == "429":
        return ApiError(429, "Rate limit reached for requests.", code="rate_limit_exceeded", kind="requests")
    if fault.name == "429-retry-after":
        headers = {"retry-after": fault.argument or "1"}
        return ApiError(429, "Rate limit reached for requests.", code="rate_limit_exceeded", kind="requests", headers=headers)
    if fault.name == "insufficient-quota":
        message = "You exceeded your current quota, please check your plan and billing details."
        return ApiError(429, message, code="insufficient_quota", kind="insufficient_quota")
    if fault.name == "no-flex":
        message = "Resource unavailable: there is no capacity for flex processing."
        return ApiError(429, message, code="resource_unavailable", kind="resource_unavailable")
    if fault.name in ("500", "502", "503"):
        message = "The server had an error while processing your request."
        return ApiError(int(fault.name), message, kind="server_error", code="server_error")
    if fault.name == "redirect":
        return ApiError(307, "Moved.", headers={"location": fault.argument or "http://127.0.0.1:9/v1/responses"})
    return None


def altered(fault: Fault, answer: JsonObject) -> JsonObject:
    """The response object as the fault leaves it; the same one if this fault does not touch it."""
    name, text = fault.name, output_text(answer)
    if name == "invalid-json":
        return with_text(answer, text[: len(text) // 2] + '",,')
    if name == "invalid-answer":
        return with_text(answer, _spoiled(text, fault.argument))
    if name == "refusal":
        return {**answer, "output": [refusal_item("refusal", "I'm sorry, but I can't help with that.")]}
    if name in ("incomplete", "content-filter"):
        reason = "content_filter" if name == "content-filter" else "max_output_tokens"
        cut = with_text(answer, text[: len(text) // 2], "incomplete")
        return {
            **{key: value for key, value in cut.items() if key != "completed_at"},
            "status": "incomplete",
            "incomplete_details": {"reason": reason},
        }
    if name == "failed":
        error = {"code": "server_error", "message": "The model failed to generate a response."}
        return {**answer, "status": "failed", "output": [], "error": error, "completed_at": None}
    if name == "queued":
        return {**answer, "status": "queued", "output": [], "usage": None, "completed_at": None}
    if name == "two-messages":
        output = answer["output"]
        assert isinstance(output, list)
        return {**answer, "output": [*output, message_item("second", text)]}
    if name == "no-usage":
        return {**answer, "usage": None}
    if name == "negative-usage":
        return {**answer, "usage": _scaled(answer["usage"], -1)}
    if name == "wrong-usage":
        return {**answer, "usage": {"input_tokens": "ten", "output_tokens": None}}
    if name == "other-model":
        return {**answer, "model": fault.argument or "gpt-9-unheard-of"}
    if name == "other-tier":
        return {**answer, "service_tier": fault.argument or "priority"}
    return answer


def transported(fault: Fault, body: bytes) -> tuple[bytes, str]:
    """What arrives in place of the body, and its content type."""
    json = "application/json"
    if fault.name == "truncated":
        return body[: len(body) // 2], json
    if fault.name == "html":
        return b"<!DOCTYPE html><html><body><h1>Just a moment</h1></body></html>", "text/html"
    if fault.name == "array":
        return b"[" + body + b"]", json
    if fault.name == "error-200":
        return orjson.dumps(error_object("Something went wrong.", "server_error", None, "server_error")), json
    if fault.name == "empty":
        return b"", json
    if fault.name == "huge":
        return body[:-1] + b',"padding":"' + b"x" * int(fault.number(HUGE_MB) * 1_000_000) + b'"}', json
    return body, json


def output_text(answer: JsonObject) -> str:
    """The text of an answer's first message, or an empty one."""
    for item in answer["output"] if isinstance(answer["output"], list) else []:
        if item.get("type") == "message" and item["content"][0].get("type") == "output_text":
            return str(item["content"][0]["text"])
    return ""


def with_text(answer: JsonObject, text: str, status: str = "completed") -> JsonObject:
    """The same answer with another text in its message."""
    output = answer["output"]
    assert isinstance(output, list)
    changed = [message_item(str(item["id"])[4:], text, status) if item["type"] == "message" else item for item in output]
    return {**answer, "output": changed}


def _spoiled(text: str, field: str) -> str:
    """The answer with one field of a type that no schema of this field would take; the first field if none is named."""
    try:
        record = orjson.loads(text)
    except ValueError:
        return text
    if isinstance(record, dict) and record:
        record[field or next(iter(record))] = {"unexpected": True}
    return orjson.dumps(record).decode()


def _scaled(usage: object, factor: int) -> object:
    if isinstance(usage, dict):
        return {key: _scaled(value, factor) for key, value in usage.items()}
    return usage * factor if isinstance(usage, int) else usage
