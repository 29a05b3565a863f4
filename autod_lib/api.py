"""The only place that talks to OpenAI: one call is one attempt, and every attempt is two entries of the ledger.

Decided here: how a body is sent (the SDK's client with its own retries off, no redirects, a deadline over the whole attempt, a limit on the
answer's size), how often it is tried again and how long is waited, what is settled. Promised: the start is in the journal before the request
leaves, the end with its usage and raw body before anybody acts on it; a call that was sent and whose end is unknown is *unsettled* with its upper
bound. What came back is named by answers.py. Called by ingest.py and batch.py.
"""

import asyncio
import contextlib
import logging
import math
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from . import prices
from .alerts import Alert
from .answers import (
    NO_CAPACITY,
    Answer,
    End,
    Received,
    cut_off,
    end_columns,
    is_of_the_moment,
    lost,
    named,
    price_end,
    refused,
    understood,
    whole,
    without_key,
)
from .breaker import Breaker, outage_alert
from .breaker import Change as BreakerChange
from .budget import Budget
from .errors import ApiRefused, ApiUnavailable, AutodError, SettingsError, WorkspaceUnusable
from .journal import Journal, now
from .rate import Change as RateChange
from .rate import Rate
from .settings import Settings

if TYPE_CHECKING:
    import httpx2

RETRY_QUOTA: Final = 100  # a retry takes one, a success gives one back: a dead API is not hammered (AWS SDK retry quota)
FIRST_WAIT_S: Final = 0.5
UNKNOWN: Final = End()
SHORTEST_CALL_S: Final = 1.0  # an attempt that may begin gets at least so long
COUNTED: Final = frozenset({"model", "instructions", "input", "text", "reasoning", "tools", "tool_choice"})  # what decides the input tokens
log = logging.getLogger("autod")


@dataclass(frozen=True, slots=True)
class Request:
    """One request and what the ledger shall know of it."""

    body: bytes
    request_key: str
    document_sha256: str | None
    arm: str
    purpose: str
    model: str
    input_mode: str | None
    prompt_hash: str
    schema_version: str
    cache_policy: str
    cache_key: str
    estimated_input_tokens: int
    input_tokens_at_most: int
    output_cap: int
    repeat: int = 0
    prefix_tokens: int = 0
    cache_lifetime: str | None = None
    expected_cached_tokens: int | None = None
    expected_write_tokens: int | None = None
    estimated_output_tokens: int = prices.USUAL_OUTPUT_TOKENS
    rule_input_tokens: int | None = None
    estimated_pages: int | None = None
    estimate_confidence: str | None = None
    service_tier: str | None = None  # None: that of the settings

    def at_default_tier(self) -> "Request":
        """The same request at the default tier. Its tier stands in the body before all that a document says."""
        return replace(self, body=self.body.replace(b'"service_tier":"flex"', b'"service_tier":"default"', 1), service_tier="default")


class Stopped(AutodError):
    """The run was stopped before this request was sent, or before it was sent once more."""


class TryAgain(Exception):
    """This attempt failed in a way that another may not; `wait_s` is what the API asked for."""

    def __init__(self, answer: Answer, wait_s: float | None, *, may_be_billed: bool) -> None:
        super().__init__(answer.message)
        self.answer = answer
        self.wait_s = wait_s
        self.may_be_billed = may_be_billed


class AnswerTooLarge(Exception):
    """The answer passed the limit of its size."""


@dataclass
class Tally:
    """What a run's calls add up to so far."""

    calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0
    unsettled: int = 0
    unsettled_upper_usd: Decimal = Decimal(0)

    def add(self, end: "End", cost: prices.Cost, upper_usd: Decimal | None) -> None:
        """Adds a call that has ended."""
        usage = end.usage
        self.calls += 1
        self.input_tokens += usage.input_tokens or 0
        self.cached_tokens += usage.cached_tokens or 0
        self.cache_write_tokens += usage.cache_write_tokens or 0
        self.output_tokens += usage.output_tokens or 0
        self.cost_usd += cost.cost_usd or 0
        if end.status == "unsettled":
            self.unsettled += 1
            self.unsettled_upper_usd += upper_usd or 0
        elif end.status == "answered" and cost.cost_usd is None:
            self.unpriced += 1


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request as the transport reads one: all but its content is the SDK's, made once and in the form that goes over the network."""

    content: bytes
    url: str
    headers: dict[str, str]
    extensions: dict[str, Any]
    method: str = "POST"


def _limited_client(settings: Settings) -> "httpx2.AsyncClient":
    """The SDK's aiohttp client, which closes an answer that grows beyond the limit instead of taking it whole."""
    import httpx2
    from openai import DefaultAioHttpClient

    limit = settings.max_answer_bytes

    class Limited(httpx2.AsyncByteStream):
        def __init__(self, stream: Any) -> None:
            self.stream = stream

        async def __aiter__(self) -> Any:
            taken = 0
            async for chunk in self.stream:
                taken += len(chunk)
                if taken > limit:
                    raise AnswerTooLarge(f"the answer is larger than {limit} bytes")
                yield chunk

        async def aclose(self) -> None:
            await self.stream.aclose()

    class LimitedClient(DefaultAioHttpClient):
        async def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
            response = await super().send(request, stream=True, **options)
            try:
                response.headers.pop("content-encoding", None)  # none was asked for, and unpacked it could be of any size
                if not stream:  # else whoever reads it piece by piece bounds what is kept of it
                    response.stream = Limited(response.stream)
                    await response.aread()
            except BaseException:
                await response.aclose()
                raise
            return response

        async def whole(self, transport: Any, request: Prepared) -> Received:
            """What the transport brings for a request: what lies between for cookies, redirects and logins costs as much as sending it."""
            response = await transport.handle_async_request(request)
            try:
                content = b"".join([chunk async for chunk in Limited(response.stream)])
            finally:
                await response.aclose()
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers.raw}
            return Received(content, response.status_code, headers)

    connections = settings.in_flight + 4
    return LimitedClient(
        timeout=httpx2.Timeout(settings.request_timeout_s, connect=30.0),
        limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
        follow_redirects=False,
        trust_env=not settings.is_loopback,
        # Without TLS nobody's certificate is looked at: reading all that the machine trusts would be most of the client's making.
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if settings.base_url.startswith("http:") else True,
    )


def _client_class() -> Any:
    """The SDK's client, which makes URL, headers and timeouts of a request once: they are the same for all, and making them is a third of a call."""
    from openai import AsyncOpenAI
    from openai._models import FinalRequestOptions

    class Client(AsyncOpenAI):
        _client: Any
        _head: Any = None

        async def answer(self, body: bytes) -> Received:
            """What the API says to this body. Raises: httpx2.HTTPError, aiohttp.ClientError, OSError, AnswerTooLarge."""
            if self._head is None:
                headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
                first = self._build_request(FinalRequestOptions.construct(method="post", url="/responses", headers=headers, content=body))
                del first.headers["content-length"]
                transport = self._client._transport_for_url(first.url)  # the plain one, or that of a proxy
                self._head = transport, str(first.url), dict(first.headers), first.extensions
            transport, url, headers, extensions = self._head
            received: Received = await self._client.whole(transport, Prepared(body, url, headers, extensions))
            return received

    return Client


def client_for(settings: Settings, key: str) -> Any:
    """The SDK's client for these settings: without retries and redirects of its own, its answers limited in size; to be closed by who asks for it."""
    return _client_class()(
        api_key=key,
        base_url=settings.base_url,
        max_retries=0,
        timeout=settings.request_timeout_s,
        http_client=_limited_client(settings),
    )


class Api:
    """Calls under one set of settings, with their journal and budget; an async context manager.

    Raises: MissingKey, SettingsError (a model that nobody prices, unless that is allowed).
    """

    def __init__(self, settings: Settings, journal: Journal, budget: Budget) -> None:
        at = now()
        if not prices.is_priced(settings.model, at) and not settings.allow_unpriced:
            raise SettingsError(
                f"No price list knows the model {settings.model!r}, so no budget could hold; nothing was sent. Choose another with --model, "
                "or allow it on purpose with --allow-unpriced: its calls then cost NULL."
            )
        if not prices.is_priced(settings.model, at, settings.service_tier) and not settings.allow_unpriced:
            raise SettingsError(
                f"No price of {settings.model!r} is known for the service tier {settings.service_tier!r}, so no budget could hold; nothing was sent. "
                "Unset AUTOD_SERVICE_TIER, or allow it on purpose with --allow-unpriced: its calls then cost NULL."
            )
        self.settings = settings
        self.journal = journal
        self.budget = budget
        self.tally = Tally()
        self.key = settings.require_key()
        self.quota = RETRY_QUOTA
        self.breaker = Breaker(settings)
        self.rate = Rate(settings)
        self.answered = 0
        self.stopping = asyncio.Event()
        self.outage_window = journal.run_id
        self.raise_alert: Callable[[Alert], object] = lambda alert: log.warning("%s", alert.message)
        self._ids = random.Random()  # noqa: S311 - seeded by the system once: asking it for every id costs more than all else in it
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()
        self._client: Any = None

    async def __aenter__(self) -> "Api":
        self._client = client_for(self.settings, self.key)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client is not None:
            await self._client.close()

    @property
    def client(self) -> Any:
        """The SDK's client, for what is no question to a model."""
        return self._client

    async def ask(self, request: Request, until: float = math.inf) -> Answer:
        """Asks until there is an answer, the attempts are used up, or trying again would not help. The last attempt's answer is returned.

        No attempt begins, and none lasts, beyond the instant `until` of `clock`. A request whose attempts are used up while nobody was answered,
        and which cost nothing, did not fail: the API did, and the request waits with all others until the breaker lets it begin anew.
        Raises: BudgetExhausted before sending; ApiRefused on 401, 403, 404; ApiUnavailable when the quota is used up or an outage lasts too long;
        Stopped when `stopping` is set before there is an answer that no further attempt could better.
        """
        answered = self.answered
        try:  # most calls need no second attempt, and no machinery for one
            answer = await self._attempt(request, 1, until)
            self.quota = min(RETRY_QUOTA, self.quota + 1)
            return answer
        except TryAgain as first:
            return await self._ask_again(request, first, until, answered)

    def clock(self) -> float:
        """Seconds of a clock that nobody sets and that stands still while the breaker is open: an outage is not a document's own time."""
        at = time.monotonic()
        return at - self.breaker.away_s(at)

    async def _ask_again(self, request: Request, first: "TryAgain", until: float, answered: int) -> Answer:
        from tenacity import AsyncRetrying, RetryError, retry_if_exception_type

        settings = self.settings
        made = since = paid = 0  # attempts in all; at the last outage; and since then those that may have been billed

        def is_over(state: Any) -> bool:
            nonlocal since, paid, answered
            failed = state.outcome.exception()
            paid += failed.may_be_billed
            if self.clock() >= until:
                return True
            if made - since < settings.attempts and paid <= settings.paid_retries:
                if self.quota <= 0:
                    self._record(self.breaker.opened(time.monotonic(), f"the run's {RETRY_QUOTA} retries are used up, the last: {_sentence(failed)}"))
                return False
            if self.breaker.state == "closed" and (failed.may_be_billed or self.answered > answered):
                return True
            self._record(self.breaker.opened(time.monotonic(), f"{made} attempts of one request failed and nobody was answered: {_sentence(failed)}"))
            since, paid, answered = made, 0, self.answered
            return False

        def wait(state: Any) -> float:
            nonlocal request
            failed = state.outcome.exception()
            if failed.answer.error_kind == NO_CAPACITY and settings.service_tier == "flex" and request.service_tier is None:
                request = request.at_default_tier()
                return 0.0
            asked = failed.wait_s
            spread = random.uniform(0, min(settings.longest_wait_s, FIRST_WAIT_S * 2 ** max(0, made - since - 1)))  # noqa: S311
            return min(max(asked or 0.0, 0.0), settings.longest_wait_s) + spread

        retrying = AsyncRetrying(stop=is_over, wait=wait, sleep=self._sleep, retry=retry_if_exception_type(TryAgain))
        try:
            async for attempt in retrying:
                with attempt:
                    made += 1
                    if made == 1:  # it has been made: tenacity hears of its outcome, and rules from here on
                        raise first
                    self.quota = max(0, self.quota - 1)
                    answer = await self._attempt(request, made, until)
                    self.quota = min(RETRY_QUOTA, self.quota + 1)
                    return replace(answer, calls=made)
        except RetryError as error:
            last = error.last_attempt.exception()
            assert isinstance(last, TryAgain)
            return replace(last.answer, calls=made)
        raise AssertionError("tenacity ends with an answer or an error")

    def _record(self, change: BreakerChange | RateChange | None) -> None:
        """Writes a change of the breaker or the rate into the record, and tells of an outage."""
        if change is None:
            return
        self.journal.write(change.kind, is_simulated=self.settings.is_simulated, **change.columns())
        if isinstance(change, BreakerChange):
            self._news.set()
            log.info("%s: %s (%s)", self.settings.base_url, change.state, change.reason)
            if (alert := outage_alert(change, self.settings, self.outage_window)) is not None:
                self.raise_alert(alert)

    async def _admitted(self, tokens: int) -> bool:
        """Waits until the breaker and the rate let a call of so many tokens go; returns whether it is a probe.

        Raises: ApiUnavailable when an outage lasts too long, Stopped.
        """
        while True:
            self._go_on()
            at = time.monotonic()
            wait_s = max(self.rate.wait_s(tokens, at), self.breaker.wait_s(at))
            if self.breaker.state != "closed":
                self._record(self.breaker.given_up(at))
                if self.breaker.state == "given_up":
                    raise ApiUnavailable(
                        f"{self.settings.base_url} is not available, and {self.breaker.probes} probes did not change that: {self.breaker.reason} "
                        f"{self._spent()} Run the same command again when it is back."
                    )
                wait_s = min(wait_s, self.breaker.give_up_at - at)
            if wait_s <= 0:
                probing = self.breaker.probing(at)
                self._record(probing)
                self.rate.begun(tokens, at)
                return probing is not None
            self._news.clear()
            await self._sleep(wait_s, self._news)

    async def _sleep(self, seconds: float, news: asyncio.Event | None = None) -> None:
        """Waits so long, or until the run is stopped, or there is news."""
        if seconds > 0:
            waiting = [asyncio.ensure_future(event.wait()) for event in (self.stopping, news) if event is not None]
            try:
                await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in waiting:
                    task.cancel()

    def _go_on(self) -> None:
        if self.stopping.is_set():
            raise Stopped("The run was stopped; this request was not sent and stays pending.")

    async def _attempt(self, request: Request, number: int, until: float) -> Answer:
        tokens = request.estimated_input_tokens
        async with self._turn:  # one behind the other
            is_probe = await self._admitted(tokens)
        try:
            return await self._admitted_attempt(request, number, until, is_probe=is_probe)
        finally:
            self.rate.ended(tokens)
            self._news.set()
            if is_probe and self.breaker.state == "half_open":  # it ended before it was sent, or was cut off
                self._record(self.breaker.failed(time.monotonic(), "it was not sent", is_probe=True))

    async def _admitted_attempt(self, request: Request, number: int, until: float, *, is_probe: bool) -> Answer:
        settings, tier = self.settings, request.service_tier or self.settings.service_tier
        call_id = UUID(int=self._ids.getrandbits(128), version=4)
        lifetime = request.cache_lifetime or "30m"
        upper = prices.upper_bound(request.model, now(), request.input_tokens_at_most, request.output_cap, lifetime, tier)
        started_at = await self.budget.reserve(call_id, upper)
        if self.stopping.is_set():  # it had waited for others to settle
            await self.budget.settle(call_id, None, is_unsettled=False)
            self._go_on()
        estimate = expected_usd(request, started_at, tier)
        start = start_columns(request, settings, call_id, number, tier, estimate, upper)
        try:
            self.journal.write("call_started", **start)
        except BaseException:
            await self.budget.settle(call_id, None, is_unsettled=False)
            raise
        sent = time.perf_counter()
        end = UNKNOWN
        try:
            end = without_key(await self._send(request.body, min(settings.call_deadline_s, max(SHORTEST_CALL_S, until - self.clock()))), self.key)
            if request.purpose == "prewarm" and end.outcome == "empty":  # it was asked to write the cache and say nothing
                end = replace(end, outcome="completed", error_kind=None, message="", try_again=False)
            end = named(end, request.model, tier, None if request.purpose == "prewarm" else settings.fields)
        except asyncio.CancelledError:
            end = End(status="unsettled", error_kind="interrupted", message="the run was interrupted while the call was under way")
            raise
        finally:
            cost = price_end(end, request.model, started_at, tier)
            if (usage := prices.believable(end.usage)) is not end.usage:
                end = replace(end, usage=usage)
            finished_at = now()
            if finished_at < started_at:
                back = f"the clock went back by {started_at - finished_at} during the call: its day may be wrong"
                cost = replace(cost, warning="; ".join(filter(None, (cost.warning, back))))
            if end.is_simulated is not None and settings.simulated is None:
                start["is_simulated"] = end.is_simulated
            try:
                latency_ms = round((time.perf_counter() - sent) * 1000, 3)
                self.journal.write(
                    "call_finished", **start, **end_columns(end, cost, started_at, finished_at, latency_ms, keep_text=self.settings.keep_text)
                )
            except WorkspaceUnusable:  # the ledger holds only its start: whatever came back, the call is unsettled
                end, cost = UNKNOWN, prices.Cost(None, None)
                raise
            finally:
                self.tally.add(end, cost, upper)
                unknown = end.status == "unsettled" or (end.status == "answered" and cost.cost_usd is None)
                await self.budget.settle(call_id, cost.cost_usd, is_unsettled=unknown)
        answer = end.answer(call_id, cost.cost_usd, bool(start["is_simulated"]), number)
        if end.headers is not None:
            is_refused = end.http_status == 429 and end.try_again and end.error_kind != NO_CAPACITY  # that is said of a tier, not of our rate
            wait_s = min(end.wait_s or 0.0, settings.longest_wait_s)
            self._record(self.rate.heard(end.headers, request.estimated_input_tokens, time.monotonic(), is_refused=is_refused, wait_s=wait_s))
        if end.error_kind == "other_model":
            message = f"{settings.base_url}: {end.message}. Its documents are in the review queue, priced as that model."
            self.raise_alert(Alert("warning", "api", message, f"other model {end.model}", self.journal.run_id, answer.is_simulated))
        self._heed(end, is_probe=is_probe)
        if end.try_again:
            raise TryAgain(answer, end.wait_s, may_be_billed=end.status != "failed")
        return answer

    def _spent(self) -> str:
        return f"{self.tally.cost_usd:.6f} USD were spent by this run so far; what is left undone stays pending."

    def _heed(self, end: "End", *, is_probe: bool) -> None:
        """Tells the breaker, and ends the run when asking further is pointless.

        Raises: ApiRefused, ApiUnavailable.
        """
        at = time.monotonic()
        if end.is_silent or (is_probe and end.try_again):
            reason = f"{end.error_kind}: {_sentence(end.message)}"
            self._record(self.breaker.failed(at, reason, is_probe=is_probe, wait_s=end.wait_s or 0.0))
        elif not end.try_again or end.status == "answered":
            self.answered += 1
            self._record(self.breaker.answered(at))
        if end.http_status in (401, 403, 404):
            what = {401: "the key", 403: "this key's access", 404: f"the model {self.settings.model!r} or the address"}[end.http_status]
            raise ApiRefused(f"{self.settings.base_url} refuses {what}: {end.message} {self._spent()} Correct it, then run the same command again.")
        if end.error_kind == "insufficient_quota":
            raise ApiUnavailable(f"The account's quota is used up: {end.message} {self._spent()} Add credit, then run the same command again.")
        if end.wait_s is not None and end.wait_s > self.settings.longest_wait_s and end.try_again:
            raise ApiUnavailable(
                f"{self.settings.base_url} asks to be left alone for {end.wait_s:.0f} s, longer than AUTOD_LONGEST_WAIT_S="
                f"{self.settings.longest_wait_s:g}: {end.message} {self._spent()} Run the same command again after that time."
            )

    async def _send(self, body: bytes, deadline_s: float) -> "End":
        import aiohttp
        import httpx2

        assert self._client is not None
        try:
            async with asyncio.timeout(deadline_s):
                received = await self._client.answer(body)
        except TimeoutError:
            return cut_off("deadline", f"no whole answer within {deadline_s:g} s")
        except AnswerTooLarge as error:
            return replace(cut_off("too_large", str(error)), try_again=False, is_silent=False)
        except (httpx2.HTTPError, aiohttp.ClientError, OSError) as error:
            return lost(error)
        return understood(received) if 200 <= received.status_code < 300 else refused(received)


@contextlib.asynccontextmanager
async def counting(settings: Settings) -> AsyncIterator[Callable[[bytes], Awaitable[int | None]]]:
    """A function that asks the API how many input tokens a request body has, files included; it gives None for a body that the API refuses.

    It is no entry of the ledger: no model is asked, nothing is billed or kept (the API's description of /responses/input_tokens), so that the SDK's
    own retries may do. Raises: MissingKey; the function ApiRefused on 401, 403, 404, ApiUnavailable when nothing else comes back.
    """
    import httpx2
    import openai

    head: Any = {"headers": {"Content-Type": "application/json"}}
    async with openai.AsyncOpenAI(
        api_key=settings.require_key(),
        base_url=settings.base_url,
        max_retries=settings.attempts - 1,
        timeout=settings.request_timeout_s,
        http_client=_limited_client(settings),
    ) as client:

        async def count(body: bytes) -> int | None:
            asked = orjson.dumps({name: value for name, value in orjson.loads(body).items() if name in COUNTED})
            try:
                answer = await client.post("/responses/input_tokens", cast_to=httpx2.Response, content=asked, options=head)
                return whole(orjson.loads(answer.content).get("input_tokens"))
            except openai.APIStatusError as error:
                if error.status_code in (401, 403, 404):
                    raise ApiRefused(f"{settings.base_url} does not count tokens: {error.message} Nothing was spent. Leave --exact out.") from None
                if not is_of_the_moment(error.status_code):
                    return None
                raise ApiUnavailable(f"{settings.base_url} does not count tokens: {error.message} Nothing was spent. Leave --exact out.") from None
            except (openai.APIConnectionError, httpx2.HTTPError, OSError) as error:
                raise ApiUnavailable(f"{settings.base_url} cannot be reached ({error}). Nothing was spent. Leave --exact out.") from None
            except (orjson.JSONDecodeError, AttributeError, AnswerTooLarge):
                return None

        yield count


def _sentence(words: object) -> str:
    return str(words).rstrip(". ")[:300] + "."


def expected_usd(request: Request, at: datetime, service_tier: str) -> Decimal | None:
    """What a call will cost by its estimates; None when nobody prices the model."""
    cached, written = request.expected_cached_tokens or 0, request.expected_write_tokens or 0
    return prices.expected_cost(
        request.model,
        at,
        max(request.estimated_input_tokens, cached + written),
        cached_tokens=cached,
        written_tokens=written,
        output_tokens=request.estimated_output_tokens,
        cache_lifetime=request.cache_lifetime,
        service_tier=service_tier,
    )


def start_columns(
    request: Request, settings: Settings, call_id: UUID, attempt: int, service_tier: str, estimate_usd: Decimal | None, upper_usd: Decimal | None
) -> dict[str, Any]:
    """What the ledger keeps of a call before it is made, and once more with its end."""
    return {
        "call_id": call_id,
        "request_key": request.request_key,
        "document_sha256": request.document_sha256,
        "arm": request.arm,
        "purpose": request.purpose,
        "model": request.model,
        "input_mode": request.input_mode,
        "reasoning_effort": settings.reasoning_effort,
        "verbosity": settings.verbosity,
        "prompt_hash": request.prompt_hash,
        "schema_version": request.schema_version,
        "repeat": request.repeat,
        "attempt": attempt,
        "service_tier_asked": service_tier,
        "cache_policy": request.cache_policy,
        "cache_key": request.cache_key,
        "cache_lifetime": request.cache_lifetime,
        "prefix_tokens": request.prefix_tokens or None,
        "expected_cached_tokens": request.expected_cached_tokens,
        "expected_write_tokens": request.expected_write_tokens,
        "estimated_input_tokens": request.estimated_input_tokens,
        "rule_input_tokens": request.rule_input_tokens,
        "estimated_pages": request.estimated_pages,
        "estimated_output_tokens": request.estimated_output_tokens,
        "estimate_confidence": request.estimate_confidence,
        "estimate_usd": estimate_usd,
        "cost_upper_usd": upper_usd,
        "is_simulated": settings.is_simulated,
    }


def must_be_simulated(settings: Settings, is_simulated: bool | None) -> None:
    """Raises: SettingsError when a simulated API answers where a real one is expected: none of its answers may stand for a real one."""
    if is_simulated and not settings.is_simulated:
        raise SettingsError(
            f"{settings.base_url} says that its answers are simulated; none may stand for a real one. Set AUTOD_SIMULATED=true to use it "
            "as a simulation, or OPENAI_BASE_URL to the real API, then run the same command again."
        )
