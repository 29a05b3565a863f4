"""What came back for a call, under one name each: an answer, a refusal, half an answer, no answer at all.

Decided here: what each kind of end is called (`outcome`, `error_kind`), whether it was, was not or may have been billed (`status`), whether another
attempt may mend it, and what it cost. Promised: nothing that came is believed, each part is looked at for its type; whatever is wrong has exactly
one name, and the text is kept as it came. docs/reliability.md has the table of them. Called by api.py and batch.py; asks nobody anything.
"""

import email.utils
import logging
import re
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import orjson

from . import prices
from .document import validate
from .journal import now

RETRY_STATUS: Final = frozenset({408, 409, 429})  # and every 5xx
MESSAGE_LENGTH: Final = 2000
NO_CAPACITY: Final = "resource_unavailable"  # flex has none at the moment; nothing was billed (the provider's guide on flex processing)
KEY_LENGTH: Final = 8  # a shorter word is no key: it may stand anywhere
NO_USAGE: Final = prices.Usage()
log = logging.getLogger("autod")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for a request in the end: `outcome` says what it is, `text` is set for completed, invalid and incomplete answers.

    outcome: completed (`record` holds the record's values), invalid (`problems` says why), refusal, incomplete_max_tokens,
    incomplete_content_filter, failed_response, empty, malformed, error.
    """

    call_id: UUID
    outcome: str
    text: str | None
    usage: prices.Usage
    cost_usd: Decimal | None
    is_simulated: bool
    error_kind: str | None
    message: str
    calls: int
    record: dict[str, Any] | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Received:
    """What came over the network, or stands in a line of a batch's files as if it had; names of headers in lower case."""

    content: bytes
    status_code: int
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class End:
    """How an attempt ended, before it is priced."""

    status: str = "unsettled"
    outcome: str = "error"
    text: str | None = None
    usage: prices.Usage = NO_USAGE
    model: str | None = None
    service_tier: str | None = None
    response_id: str | None = None
    request_id: str | None = None
    http_status: int | None = None
    error_kind: str | None = None
    message: str = ""
    body: str | None = None
    is_simulated: bool | None = None
    try_again: bool = False
    wait_s: float | None = None
    is_silent: bool = False
    headers: Any = None
    record: dict[str, Any] | None = None
    problems: tuple[str, ...] = ()

    def answer(self, call_id: UUID, cost_usd: Decimal | None, is_simulated: bool, calls: int) -> Answer:
        """What it is for the one who asked."""
        whole = (call_id, self.outcome, self.text, self.usage, cost_usd, is_simulated, self.error_kind, self.message, calls)
        return Answer(*whole, self.record, self.problems)


def named(end: End, model: str, service_tier: str, fields: str | None) -> End:
    """An answer under the name of what is wrong with it: its text held against the record's rules, and what it says of itself against what was asked.

    fields: the profile of fields that was asked for; None: there is no text to be read, the call was to fill the cache.
    """
    if end.outcome != "completed" or end.status != "answered":
        return end
    if fields is not None:
        record, problems = _checked(end.text, fields)
        if problems:
            kind = "invalid_values" if _is_json(end.text) else "invalid_json"
            return replace(
                end, outcome="invalid", error_kind=kind, message=f"the answer breaks the record's rules: {problems[0]}", problems=tuple(problems)
            )
        end = replace(end, record=record)
    usage = end.usage
    if end.model and not is_same_model(model, end.model):
        return replace(end, error_kind="other_model", message=f"the answer is from {end.model!r}, not from {model!r} as asked")
    if prices.believable(usage) != usage:
        return replace(end, error_kind="absurd_usage", message="what the answer says it used cannot be true, so its cost is not known")
    if usage.input_tokens is None or usage.output_tokens is None:
        return replace(end, error_kind="no_usage", message="the answer does not say what it used, so its cost is not known")
    if service_tier != "auto" and end.service_tier not in (None, service_tier):
        return replace(end, error_kind="other_tier", message=f"the answer is of the service tier {end.service_tier!r}, not {service_tier!r} as asked")
    return end


def _checked(text: str | None, fields: str) -> tuple[dict[str, Any] | None, list[str]]:
    try:
        return validate(text, fields)
    except Exception as error:  # the answer is paid for: it is kept and looked at by a person, whatever it did to us
        log.exception("an answer could not be checked")
        return None, [f"answer: it could not be checked ({type(error).__name__})"]


def _is_json(text: str | None) -> bool:
    try:
        orjson.loads(text or "")
    except orjson.JSONDecodeError:
        return False
    return True


def is_same_model(asked: str, answered: str) -> bool:
    """Whether an answer's model is the one asked for: itself, a dated snapshot of it, or either behind the name of a gateway's provider.

    >>> is_same_model("gpt-5-mini", "gpt-5-mini-2025-08-07"), is_same_model("gpt-5", "gpt-5-mini"), is_same_model("gpt-5", "openai/gpt-5")
    (True, False, True)
    """
    own = answered.rsplit("/", 1)[-1]
    return own == asked or (own.startswith(f"{asked}-") and re.fullmatch(r"\d{4}-\d{2}-\d{2}", own.removeprefix(f"{asked}-")) is not None)


def without_key(end: End, key: str) -> End:
    """An end in which nobody repeats our key: some gateways put the request's headers into their errors."""
    if len(key) < KEY_LENGTH or key not in f"{end.message}{end.body}":
        return end
    return replace(end, message=end.message.replace(key, "[key]"), body=end.body and end.body.replace(key, "[key]"))


def price_end(end: End, model: str, started_at: datetime, service_tier: str) -> prices.Cost:
    """What a call cost that was sent then to this model in this tier; the model and tier that the answer names go before."""
    if end.status != "answered":
        return prices.Cost(None, None)
    cost = prices.price_call(end.model or model, end.usage, started_at, end.service_tier or service_tier)
    if cost.cost_usd is None and end.model and not prices.is_priced(end.model, started_at):
        return replace(cost, warning=f"the answer is from {end.model!r}, which no price list knows")
    return cost


def end_columns(
    end: End, cost: prices.Cost, started_at: datetime, finished_at: datetime, latency_ms: float | None, *, keep_text: bool
) -> dict[str, Any]:
    """What the ledger keeps of a call's end, beside the columns of its start; without the raw answer where no text is kept."""
    usage = end.usage
    return {
        "started_at": started_at,
        "finished_at": finished_at,
        "status": end.status,
        "outcome": end.outcome,
        "error_kind": end.error_kind,
        "error_message": end.message[:MESSAGE_LENGTH] or None,
        "http_status": end.http_status,
        "model_answered": end.model,
        "service_tier": end.service_tier,
        "response_id": end.response_id,
        "request_id": end.request_id,
        "latency_ms": latency_ms,
        "input_tokens": usage.input_tokens,
        "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "cache_write_30m_tokens": usage.cache_write_30m_tokens,
        "cache_write_12h_tokens": usage.cache_write_12h_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        **cost.columns(),
        "price_warning": cost.warning if end.status == "answered" else None,
        "body": end.body if keep_text else None,
    }


def refusal_of(response: Any, key: str) -> End:
    """What an error's answer says, whatever it was an answer to."""
    return without_key(refused(response), key)


def end_of_line(line: dict[str, Any]) -> End:
    """How a request of a batch ended by its line of the output or error file: named as the answer to a single request is, and tier batch."""
    response, error = line.get("response"), line.get("error")
    if isinstance(response, dict) and "body" in response and isinstance(response.get("status_code"), int):
        request_id = response.get("request_id")
        headers = {"x-request-id": request_id} if isinstance(request_id, str) else {}
        alone = Received(orjson.dumps(response["body"]), response["status_code"], headers)
        # The body names the tier of the model's work; what is billed is that it came in a batch.
        return replace(understood(alone), service_tier="batch") if alone.status_code == 200 else refused(alone)
    if isinstance(error, dict):
        return End(status="failed", error_kind=str(error.get("code") or "batch_error")[:100], message=str(error.get("message") or ""), try_again=True)
    return End(outcome="malformed", error_kind="malformed", message="the line of the batch's file holds neither answer nor error", try_again=True)


def received_answer(call_id: UUID, body: str, is_simulated: bool, *, model: str, service_tier: str, fields: str) -> Answer:
    """An answer that the ledger holds raw, as `Api.ask` would have given it."""
    return named(_outcome(orjson.loads(body), {}), model, service_tier, fields).answer(call_id, None, is_simulated, 0)


def answer_text(body: str) -> str | None:
    """The text of an answer that the ledger holds raw."""
    return _outcome(orjson.loads(body), {}).text


def lost(error: BaseException) -> End:
    """A call whose connection was not made or broke. Only what aiohttp itself raised tells which: the layers above it take a drop for a timeout."""
    import aiohttp

    cause = error
    while cause.__cause__ is not None and not isinstance(cause, aiohttp.ClientError):
        cause = cause.__cause__
    never_sent = isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    kind = "timeout" if isinstance(cause, TimeoutError) else "connection"
    return cut_off(kind, f"{type(cause).__name__}: {cause}", never_sent=never_sent)


def cut_off(kind: str, message: str, *, never_sent: bool = False) -> End:
    """A call that brought no answer; unless it was never sent, nobody knows whether it was billed."""
    status = "failed" if never_sent else "unsettled"
    return End(status=status, error_kind=kind, message=message, try_again=True, is_silent=True)


def _text_of(body: bytes) -> str:
    return body.decode("utf-8", "backslashreplace")


def retry_after(headers: Any, at: datetime) -> float | None:
    """Seconds that an answer asks to wait: `retry-after-ms`, else `retry-after` in seconds or as a date; None when it asks for nothing sensible.

    A date is compared with the answer's own `date`, so that a clock of ours that is wrong shortens no wait.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * unit
        except ValueError:
            try:
                until = email.utils.parsedate_to_datetime(value)
                sent = email.utils.parsedate_to_datetime(headers["date"]) if "date" in headers else at
                seconds = (until - sent).total_seconds()
            except (TypeError, ValueError):
                continue
        if seconds == seconds and seconds >= 0:
            return seconds
    return None


def is_of_the_moment(status: int) -> bool:
    """Whether a status tells of the API's state and not of the request, so that another attempt may do better."""
    return status in RETRY_STATUS or status >= 500


def refused(response: Any) -> End:
    """What an error's status says: never billed, and whether another attempt may mend it."""
    body = response.content
    try:
        error = orjson.loads(body).get("error") or {}
        message, code = str(error.get("message") or ""), error.get("code") or error.get("type")
    except (orjson.JSONDecodeError, AttributeError):
        message, code = _text_of(body[:300]), None
    status = response.status_code
    kind = str(code) if code in ("insufficient_quota", NO_CAPACITY) else f"http_{status}"
    wished = response.headers.get("x-should-retry")
    by_status = is_of_the_moment(status) and kind != "insufficient_quota"
    again = by_status if wished not in ("true", "false") else wished == "true"
    return End(
        status="failed",
        error_kind=kind,
        message=message or f"HTTP {status}",
        http_status=status,
        body=_text_of(body[:100_000]),
        request_id=response.headers.get("x-request-id"),
        is_simulated=True if response.headers.get("x-autod-simulated") else None,
        try_again=again,
        wait_s=retry_after(response.headers, now()),
        headers=response.headers,
        is_silent=status >= 500,
    )


def whole(value: Any) -> int | None:
    """A number that an answer gives, if it is a whole one of a size that the ledger holds."""
    return value if isinstance(value, int) and not isinstance(value, bool) and -(2**62) < value < 2**62 else None


def usage_of(body: dict[str, Any]) -> prices.Usage:
    """The usage of a response; None for whatever it does not say in whole numbers."""
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return prices.Usage()
    read = usage.get("input_tokens_details")
    details = read if isinstance(read, dict) else {}
    lifetimes = details.get("cache_write_tokens_details")
    written = lifetimes if isinstance(lifetimes, dict) else {}
    thought = usage.get("output_tokens_details")
    return prices.Usage(
        whole(usage.get("input_tokens")),
        whole(details.get("cached_tokens")),
        whole(details.get("cache_write_tokens")),
        whole(written.get("ttl_30m_tokens")),
        whole(written.get("ttl_12h_tokens")),
        whole(usage.get("output_tokens")),
        whole(thought.get("reasoning_tokens")) if isinstance(thought, dict) else None,
    )


def understood(response: Any) -> End:
    """Names what a 200 holds. Nothing of it is believed: each part is looked at for its type."""
    raw = response.content
    known = {
        "http_status": response.status_code,
        "headers": response.headers,
        "request_id": response.headers.get("x-request-id"),
        "body": _text_of(raw),
        "is_simulated": True if response.headers.get("x-autod-simulated") else None,
    }
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return End(outcome="malformed", error_kind="malformed", message=f"the answer is not JSON: {error}", try_again=True, is_silent=True, **known)
    if not isinstance(body, dict) or not isinstance(body.get("output"), list):
        fault = body.get("error") if isinstance(body, dict) else None
        message = str(fault.get("message")) if isinstance(fault, dict) else "the answer has no output"
        return End(outcome="malformed", error_kind="malformed", message=message, try_again=True, is_silent=True, **known)
    return _outcome(body, known)


def _outcome(body: dict[str, Any], known: dict[str, Any]) -> End:
    known |= {
        "status": "answered",
        "usage": usage_of(body),
        "model": body["model"] if isinstance(body.get("model"), str) and body["model"] else None,
        "service_tier": body["service_tier"] if isinstance(body.get("service_tier"), str) else None,
        "response_id": body["id"] if isinstance(body.get("id"), str) else None,
    }
    texts, refusals = [], []
    for item in body["output"]:
        parts = item.get("content") if isinstance(item, dict) and item.get("type") == "message" else None
        for part in parts if isinstance(parts, list) else []:
            if isinstance(part, dict) and part.get("type") == "output_text" and isinstance(part.get("text"), str):
                texts.append(part["text"])
            elif isinstance(part, dict) and part.get("type") == "refusal":
                refusals.append(str(part.get("refusal")))
    text = "".join(texts[:1]) if len(texts) <= 1 else texts[-1]
    status = body.get("status")
    if status == "incomplete":
        details = body.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        outcome = "incomplete_content_filter" if reason == "content_filter" else "incomplete_max_tokens"
        return End(outcome=outcome, text=text, error_kind=outcome, message=f"the answer is incomplete: {reason}", **known)
    if status not in ("completed", None):
        fault = body.get("error")
        message = str(fault.get("message")) if isinstance(fault, dict) else f"the answer's status is {status!r}"
        return End(outcome="failed_response", error_kind="failed_response", message=message, try_again=True, **known)
    if refusals:
        return End(outcome="refusal", error_kind="refusal", message=f"the model refused: {refusals[0]}", **known)
    if not text:
        return End(outcome="empty", error_kind="empty", message="the answer is empty", try_again=True, **known)
    return End(outcome="completed", text=text, **known)
