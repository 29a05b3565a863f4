"""Calls: what is written before and after them, which are tried again, what each odd answer becomes. The server is real, on loopback."""

import asyncio
import gzip
import json
import logging
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from autod_lib import api, journal, prices, prompt
from autod_lib.answers import Answer, retry_after
from autod_lib.api import Api, Request
from autod_lib.budget import Budget, budget_for
from autod_lib.errors import ApiRefused, ApiUnavailable, AutodError, SettingsError
from autod_lib.local_api import running
from autod_lib.local_api.oracle import PLAIN
from autod_lib.settings import Settings

from .pipeline import answered, answering, make_inbox, reply, rows, run, settings_for, state_columns

CANARY = "sk-canary-7f3a9b2c-never-to-be-seen"
PLAIN_TEXT = json.dumps(PLAIN | {"file_name": "plain.pdf"})
PLAIN_BODY = {
    "id": "r1",
    "model": "gpt-6-luna",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": PLAIN_TEXT}]}],
    "usage": {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server that always gives the same record, and its log."""
    log = tmp_path_factory.mktemp("server") / "api.jsonl"
    with running(answers="canned", log=log) as address:
        yield address, log


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "FIRST_WAIT_S", 0.02)


@dataclass
class Asked:
    """One request's end: an answer or an error, and the calls in the ledger."""

    answer: Answer | None
    error: AutodError | None
    api: Api
    calls: list[dict[str, Any]]

    @property
    def only(self) -> dict[str, Any]:
        """The one call that there is."""
        (call,) = self.calls
        return call


def request_under(settings: Settings, text: str = "An invoice.", cap: int | None = None) -> Request:
    """A request as ingest would make it, about no document."""
    frame = prompt.frame_for(settings, cap)
    return Request(
        body=frame.body(prompt.text_parts(text)),
        request_key=f"key of {text}",
        document_sha256=None,
        arm="arm",
        purpose="extract",
        model=settings.model,
        input_mode="text",
        prompt_hash=frame.prompt_hash,
        schema_version="1",
        cache_policy=frame.cache_policy,
        cache_key=frame.cache_key(),
        estimated_input_tokens=2000,
        input_tokens_at_most=2500,
        output_cap=frame.output_cap,
    )


def ask(home: Path, address: str, fault: str = "", **given: Any) -> Asked:
    """Asks once, with this fault on every attempt, and looks into the ledger afterwards."""
    settings = settings_for(home, address, **{"attempts": 1, "breaker_give_up_unanswered_s": 0.0, **given})

    async def asking() -> tuple[Answer | None, AutodError | None, Api]:
        with journal.Journal(home) as segment:
            async with Api(settings, segment, budget_for(settings, {})) as calls:
                if fault:
                    assert calls._client is not None
                    calls._client = calls._client.with_options(default_headers={"x-autod-fault": fault})
                try:
                    return await calls.ask(request_under(settings)), None, calls
                except AutodError as error:
                    return None, error, calls

    answer, error, calls = asyncio.run(asking())
    return Asked(answer, error, calls, ledger(home))


def ledger(home: Path) -> list[dict[str, Any]]:
    """All calls, in their order, with what the view leaves out."""
    names = (
        "status, outcome, error_kind, error_message, input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_usd, "
        "cost_upper_usd, price_warning, price_tier, price_rates, service_tier, "
        "model, model_answered, is_simulated, attempt, started_at, finished_at, latency_ms"
    )
    return [dict(zip(names.split(", "), row, strict=True)) for row in rows(home, f"select {names} from api_calls order by started_at, attempt")]


def events(home: Path, kind: str) -> list[dict[str, Any]]:
    """The events of a kind, as they stand in the journal."""
    lines = [json.loads(line) for segment in journal.segments(home) for line in segment.read_text().splitlines()]
    return [line for line in lines if line["kind"] == kind]


def test_an_answer_is_settled_to_the_token_of_the_servers_log(server: tuple[str, Path], tmp_path: Path) -> None:
    """Usage, cost and model of a call are what the API said, and its cost follows from them."""
    address, log = server
    asked = ask(tmp_path, address)
    usage = answered(log)[-1]["usage"]
    call = asked.only

    assert asked.answer is not None
    assert asked.answer.outcome == "completed"
    assert json.loads(asked.answer.text or "")["schema_version"] == "1"
    assert (call["input_tokens"], call["output_tokens"]) == (usage["input_tokens"], usage["output_tokens"])
    assert call["cached_tokens"] == usage["input_tokens_details"]["cached_tokens"]
    assert call["cache_write_tokens"] == usage["input_tokens_details"]["cache_write_tokens"]
    assert call["reasoning_tokens"] == usage["output_tokens_details"]["reasoning_tokens"]
    used = prices.Usage(call["input_tokens"], call["cached_tokens"], call["cache_write_tokens"], None, None, call["output_tokens"])
    assert call["cost_usd"] == prices.price_call("gpt-6-luna", used, call["started_at"]).cost_usd
    assert 0 < call["cost_usd"] <= call["cost_upper_usd"]
    assert call["is_simulated"] is True


def test_the_start_is_in_the_journal_before_the_request_leaves(tmp_path: Path) -> None:
    """When the server sees the request, the segment on the disk already names it."""
    seen: list[list[str]] = []

    def look(handler: Any, _body: bytes) -> None:
        (segment,) = journal.segments(tmp_path)
        seen.append([json.loads(line)["kind"] for line in segment.read_text().splitlines()])
        reply(handler, 400, b'{"error": {"message": "no"}}')

    with answering(look) as (address, _):
        ask(tmp_path, address)

    assert seen == [["call_started"]]


def test_every_attempt_is_two_entries_of_the_ledger(tmp_path: Path) -> None:
    """Two failures and a success are three starts and three ends, numbered, each end with the id of its start."""
    with running(answers="canned", faults="500=first2") as address:
        asked = ask(tmp_path, address, attempts=5)
    starts, ends = events(tmp_path, "call_started"), events(tmp_path, "call_finished")

    assert asked.answer is not None
    assert asked.answer.calls == 3
    assert [start["attempt"] for start in starts] == [1, 2, 3]
    assert [start["call_id"] for start in starts] == [end["call_id"] for end in ends]
    assert [(call["status"], call["error_kind"]) for call in asked.calls] == [("failed", "http_500"), ("failed", "http_500"), ("answered", None)]


@pytest.mark.parametrize("fault", ["500", "502", "503", "429"])
def test_failures_of_the_moment_are_tried_again(server: tuple[str, Path], tmp_path: Path, fault: str) -> None:
    """5xx and 429 are asked again until the attempts are used up; none costs anything, and nobody being answered, it is the API that failed."""
    asked = ask(tmp_path, server[0], fault, attempts=3)

    assert isinstance(asked.error, ApiUnavailable)
    assert asked.error.exit_status == 4
    assert [call["error_kind"] for call in asked.calls] == [f"http_{fault}"] * 3
    assert {(call["status"], call["cost_usd"]) for call in asked.calls} == {("failed", None)}


def test_a_request_that_the_api_finds_wrong_is_not_tried_again(tmp_path: Path) -> None:
    """400 is the request's own fault: one attempt, with the API's own words in the ledger."""
    with answering(lambda handler, _: reply(handler, 400, b'{"error": {"message": "no such field"}}')) as (address, received):
        asked = ask(tmp_path, address, attempts=5)

    assert len(received) == 1
    assert (asked.only["status"], asked.only["error_kind"], asked.only["error_message"]) == ("failed", "http_400", "no such field")


@pytest.mark.parametrize(
    ("key", "model", "word"),
    [("wrong-key", "gpt-6-luna", "the key"), ("forbidden-key", "gpt-6-luna", "access"), ("sk-test", "gpt-nowhere", "gpt-nowhere")],
    ids=["401", "403", "404"],
)
def test_a_refused_key_or_model_stops_at_once(server: tuple[str, Path], tmp_path: Path, key: str, model: str, word: str) -> None:
    """401, 403 and 404 end the run with exit status 2 after one request, in words that say what to correct."""
    asked = ask(tmp_path, server[0], api_key=key, model=model, allow_unpriced=True, attempts=5)

    assert isinstance(asked.error, ApiRefused)
    assert asked.error.exit_status == 2
    assert word in str(asked.error)
    assert len(asked.calls) == 1


def test_a_used_up_quota_ends_the_run(server: tuple[str, Path], tmp_path: Path) -> None:
    """insufficient_quota is a 429 that no waiting mends: one request, exit status 4."""
    asked = ask(tmp_path, server[0], "insufficient-quota", attempts=5)

    assert isinstance(asked.error, ApiUnavailable)
    assert asked.error.exit_status == 4
    assert "quota" in str(asked.error)
    assert asked.only["error_kind"] == "insufficient_quota"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("refusal", "refusal"),
        ("incomplete", "incomplete_max_tokens"),
        ("content-filter", "incomplete_content_filter"),
        ("failed", "failed_response"),
        ("invalid-json", "invalid"),
        ("two-messages", "completed"),
    ],
)
def test_odd_answers_have_a_name_and_are_billed(server: tuple[str, Path], tmp_path: Path, fault: str, outcome: str) -> None:
    """Whatever an answer says, its usage is settled: a refusal and a failure cost what they cost."""
    asked = ask(tmp_path, server[0], fault)

    assert asked.answer is not None
    assert asked.answer.outcome == outcome
    assert asked.only["status"] == "answered"
    assert asked.only["cost_usd"] > 0
    assert asked.api.tally.cost_usd == asked.only["cost_usd"]


@pytest.mark.parametrize("fault", ["empty", "html", "array", "error-200", "truncated"])
def test_what_is_no_response_is_unsettled_with_its_upper_bound(server: tuple[str, Path], tmp_path: Path, fault: str) -> None:
    """A 200 that holds no response may have been billed: it is tried again, kept raw, and named with what it can have cost."""
    asked = ask(tmp_path, server[0], fault, attempts=2)

    assert asked.answer is not None
    assert asked.answer.outcome == "malformed"
    assert [(call["status"], call["outcome"], call["cost_usd"]) for call in asked.calls] == [("unsettled", "malformed", None)] * 2
    assert asked.api.tally.unsettled == 2
    assert asked.api.tally.unsettled_upper_usd == sum(call["cost_upper_usd"] for call in asked.calls) > 0
    assert all(isinstance(end["body"], str) for end in events(tmp_path, "call_finished"))


@pytest.mark.parametrize(
    ("fault", "warning"),
    [
        ("no-usage", "no usage"),
        ("wrong-usage", "no usage"),
        ("negative-usage", "negative"),
        ("other-tier:scale", "tier"),
        ("other-model", "gpt-9-unheard-of"),
    ],
)
def test_a_cost_that_nobody_knows_is_null_and_never_zero(server: tuple[str, Path], tmp_path: Path, fault: str, warning: str) -> None:
    """Without a usable usage, model or tier the cost is NULL, with a warning that says why, and the report counts it apart."""
    asked = ask(tmp_path, server[0], fault)

    assert asked.only["status"] == "answered"
    assert asked.only["cost_usd"] is None
    assert warning in asked.only["price_warning"]
    assert asked.api.tally.unpriced == 1
    assert asked.answer is not None
    assert asked.answer.outcome == "completed"


def test_an_answer_of_another_model_is_priced_as_that_model(server: tuple[str, Path], tmp_path: Path) -> None:
    """Asked and used are both kept, and the money follows what was used."""
    asked = ask(tmp_path, server[0], "other-model:gpt-6-sol")
    call = asked.only
    used = prices.Usage(call["input_tokens"], call["cached_tokens"], call["cache_write_tokens"], None, None, call["output_tokens"])

    assert (call["model"], call["model_answered"]) == ("gpt-6-luna", "gpt-6-sol")
    assert call["cost_usd"] == prices.price_call("gpt-6-sol", used, call["started_at"]).cost_usd
    assert call["cost_usd"] != prices.price_call("gpt-6-luna", used, call["started_at"]).cost_usd


def test_an_answer_of_another_tier_is_priced_by_that_tier_with_its_rates_kept(server: tuple[str, Path], tmp_path: Path) -> None:
    """The tier that the answer names is billed, whatever was asked; the rates stored are those of that tier."""
    asked = ask(tmp_path, server[0], "other-tier:flex")
    call = asked.only
    used = prices.Usage(call["input_tokens"], call["cached_tokens"], call["cache_write_tokens"], None, None, call["output_tokens"])

    assert asked.api.settings.service_tier == "default"
    assert (call["service_tier"], call["price_tier"]) == ("flex", "flex")
    assert call["cost_usd"] == prices.price_call("gpt-6-luna", used, call["started_at"], "flex").cost_usd
    assert '"service_tier":"flex"' in call["price_rates"].replace(" ", "")


def test_without_capacity_for_flex_a_request_goes_at_the_default_tier(server: tuple[str, Path], tmp_path: Path) -> None:
    """Both attempts are in the ledger: the first asked for flex and cost nothing, the second is billed in full; other failures change no tier."""
    asked = ask(tmp_path, server[0], "no-flex", service_tier="flex", attempts=3)
    tiers = "select service_tier_asked, status, error_kind, price_tier, cost_usd > 0 from api_calls order by started_at"

    assert rows(tmp_path, tiers) == [("flex", "failed", "resource_unavailable", None, None), ("default", "answered", None, "standard", True)]
    assert asked.answer is not None
    assert asked.answer.outcome == "completed"

    other = tmp_path / "other"
    ask(other, server[0], "500", service_tier="flex", attempts=2)
    assert rows(other, "select distinct service_tier_asked from api_calls") == [("flex",)]


def test_a_usage_that_cannot_be_true_spoils_no_sum_of_tokens(server: tuple[str, Path], tmp_path: Path) -> None:
    """The ledger's tokens are NULL as its cost is, the warning says why, and the raw answer keeps what was claimed."""
    call = ask(tmp_path, server[0], "negative-usage").only

    assert (call["input_tokens"], call["cached_tokens"], call["output_tokens"], call["cost_usd"]) == (None, None, None, None)
    assert "negative" in call["price_warning"]
    assert rows(tmp_path, "select count(*) from call_bodies where body like '%-%'") == [(1,)]


def test_a_clock_that_goes_back_during_a_call_is_told(server: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call keeps its price, with a warning that its day may be wrong."""
    moments = iter([datetime(2026, 11, 24, 12, tzinfo=UTC) - timedelta(hours=hours) for hours in range(100)])
    monkeypatch.setattr("autod_lib.api.now", lambda: next(moments))
    call = ask(tmp_path, server[0]).only

    assert call["finished_at"] < call["started_at"]
    assert call["cost_usd"] is not None
    assert "the clock went back by" in call["price_warning"]


@pytest.mark.parametrize("fault", ["drop-before", "drop-after", "drop-middle"])
def test_a_connection_that_drops_leaves_an_unsettled_call(server: tuple[str, Path], tmp_path: Path, fault: str) -> None:
    """Nobody knows whether the work was done: each attempt stays in every total with its upper bound, and the second is no secret."""
    asked = ask(tmp_path, server[0], fault, attempts=2)

    assert [(call["status"], call["error_kind"], call["attempt"]) for call in asked.calls] == [
        ("unsettled", "connection", 1),
        ("unsettled", "connection", 2),
    ]
    assert asked.api.tally.unsettled_upper_usd == 2 * asked.calls[0]["cost_upper_usd"]
    assert rows(tmp_path, "select count(*), sum(cost_upper_usd) from calls_unsettled") == [(2, asked.api.tally.unsettled_upper_usd)]


def test_nothing_listening_costs_nothing(tmp_path: Path) -> None:
    """A refused connection sent nothing: the call failed, it is not unsettled."""
    asked = ask(tmp_path, "http://127.0.0.1:9/v1", attempts=2)

    assert {(call["status"], call["error_kind"]) for call in asked.calls} == {("failed", "connection")}
    assert asked.api.tally.unsettled == 0


@pytest.mark.parametrize(("fault", "kind"), [("drip:0.05", "deadline"), ("slow:30", "timeout")])
def test_a_deadline_ends_what_never_comes_to_an_end(server: tuple[str, Path], tmp_path: Path, fault: str, kind: str) -> None:
    """A byte now and then keeps no call alive beyond its deadline, and silence none beyond the timeout; both are unsettled."""
    limits = {"call_deadline_s": 1.0, "request_timeout_s": 30.0} if kind == "deadline" else {"request_timeout_s": 0.5}
    asked = ask(tmp_path, server[0], fault, **limits)

    assert (asked.only["status"], asked.only["error_kind"]) == ("unsettled", kind)
    assert asked.only["latency_ms"] < 20_000


def test_an_answer_beyond_the_limit_is_cut_off(server: tuple[str, Path], tmp_path: Path) -> None:
    """20 MB are not taken where 100 kB are allowed; asking again would only bring them again, so it is not done."""
    asked = ask(tmp_path, server[0], "huge:20", max_answer_bytes=100_000, attempts=3)

    assert (asked.only["status"], asked.only["error_kind"]) == ("unsettled", "too_large")


def test_a_compressed_answer_is_not_unpacked(tmp_path: Path) -> None:
    """No compression was asked for, so an answer that unpacks to 200 MB stays the few kilobytes that it is."""
    bomb = gzip.compress(b'{"output": [], "padding": "' + bytes(200_000_000) + b'"}', 1)
    with answering(lambda handler, _: reply(handler, 200, bomb, content_encoding="gzip")) as (address, _):
        asked = ask(tmp_path, address)

    assert (asked.only["status"], asked.only["outcome"]) == ("unsettled", "malformed")


def test_a_redirect_is_not_followed(server: tuple[str, Path], tmp_path: Path) -> None:
    """The document goes to no host that nobody named."""
    with answering(lambda handler, _: reply(handler, 200, b"{}")) as (elsewhere, received):
        asked = ask(tmp_path, server[0], f"redirect:{elsewhere}/responses", attempts=3)

    assert received == []
    assert (asked.only["status"], asked.only["error_kind"]) == ("failed", "http_307")


def test_a_compatible_server_that_says_less_works(tmp_path: Path) -> None:
    """Usage without details, no tier, no status: the answer counts, its input is priced in full, and the ledger says so."""
    with answering(lambda handler, _: reply(handler, 200, json.dumps(PLAIN_BODY).encode())) as (address, _):
        asked = ask(tmp_path, address)
    rates = prices.rates_for("gpt-6-luna", datetime.now(UTC))

    assert rates is not None
    assert asked.answer is not None
    assert asked.answer.outcome == "completed"
    assert asked.only["cost_usd"] == (1000 * rates.input + 100 * rates.output) / prices.MILLION
    assert asked.only["cached_tokens"] is None
    assert "priced in full" in asked.only["price_warning"]


NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "Tue, 24 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Tue, 24 Nov 2026 10:00:30 GMT", "date": "Tue, 24 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Tue, 24 Nov 2026 11:00:00 GMT"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": "86400"}, 86400.0),
    ],
)
def test_retry_after_is_read_as_it_was_meant(headers: dict[str, str], seconds: float | None) -> None:
    """Milliseconds before seconds before dates; a date is measured by the server's clock; nonsense asks for nothing."""
    assert retry_after(headers, NOW) == seconds


def test_a_wait_that_was_asked_for_is_kept(tmp_path: Path) -> None:
    """After a 429 that says one second, the next attempt leaves no earlier."""
    with running(answers="canned", faults="429-retry-after:1=first1") as address:
        asked = ask(tmp_path, address, attempts=2)
    first, second = asked.calls

    assert second["status"] == "answered"
    assert (second["started_at"] - first["finished_at"]).total_seconds() >= 0.99


def test_a_wait_beyond_the_limit_ends_the_run(server: tuple[str, Path], tmp_path: Path) -> None:
    """Who is told to come back tomorrow does not wait, does not knock again and loses no document: exit status 4."""
    asked = ask(tmp_path, server[0], "429-retry-after:86400", attempts=5)

    assert isinstance(asked.error, ApiUnavailable)
    assert "86400 s" in str(asked.error)
    assert len(asked.calls) == 1


def test_a_stopped_run_sends_nothing_more(server: tuple[str, Path], tmp_path: Path) -> None:
    """A request that waits for its slot or for another attempt is given up when the run is stopped, at once."""
    settings = settings_for(tmp_path, server[0], attempts=5, requests_per_minute=1)

    async def stop_while_waiting() -> list[object]:
        with journal.Journal(tmp_path) as segment:
            async with Api(settings, segment, budget_for(settings, {})) as calls:
                asking = [asyncio.create_task(calls.ask(request_under(settings, f"document {number}"))) for number in range(3)]
                await asking[0]
                calls.stopping.set()
                return list(await asyncio.gather(*asking, return_exceptions=True))

    ends = asyncio.run(asyncio.wait_for(stop_while_waiting(), 30))

    assert [type(end).__name__ for end in ends] == ["Answer", "Stopped", "Stopped"]
    assert len(ledger(tmp_path)) == 1


def test_requests_keep_the_pace_of_the_setting(server: tuple[str, Path], tmp_path: Path) -> None:
    """At 600 requests a minute, four requests that are ready at once leave a tenth of a second apart."""
    settings = settings_for(tmp_path, server[0], requests_per_minute=600)

    async def four() -> None:
        with journal.Journal(tmp_path) as segment:
            async with Api(settings, segment, budget_for(settings, {})) as calls:
                await asyncio.gather(*(calls.ask(request_under(settings, f"document {number}")) for number in range(4)))

    asyncio.run(four())
    starts = sorted(call["started_at"] for call in ledger(tmp_path))

    assert (starts[-1] - starts[0]).total_seconds() >= 0.29


def test_tokens_keep_the_pace_of_the_setting(server: tuple[str, Path], tmp_path: Path) -> None:
    """Requests of 2,000 tokens at 1,200,000 tokens a minute leave a tenth of a second apart."""
    settings = settings_for(tmp_path, server[0], tokens_per_minute=1_200_000)

    async def four() -> None:
        with journal.Journal(tmp_path) as segment:
            async with Api(settings, segment, budget_for(settings, {})) as calls:
                await asyncio.gather(*(calls.ask(request_under(settings, f"document {number}")) for number in range(4)))

    asyncio.run(four())
    starts = sorted(call["started_at"] for call in ledger(tmp_path))

    assert (starts[-1] - starts[0]).total_seconds() >= 0.29


def all_asked(home: Path, settings: Settings, count: int, workers: int = 16) -> tuple[list[Answer | AutodError], Api]:
    """So many requests by so many workers, who stop when one of them is told to; gives the ends, and the calls."""

    async def asking() -> tuple[list[Answer | AutodError], Api]:
        with journal.Journal(home) as segment:
            async with Api(settings, segment, budget_for(settings, {})) as calls:
                queue, ends = iter(range(count)), list[Answer | AutodError]()

                async def worker() -> None:
                    for number in queue:
                        try:
                            ends.append(await calls.ask(request_under(settings, f"document {number}")))
                        except AutodError as error:
                            calls.stopping.set()
                            ends.append(error)
                            return

                await asyncio.gather(*(worker() for _ in range(workers)))
                return ends, calls

    return asyncio.run(asking())


def test_a_rate_limit_is_reached_and_costs_no_document(tmp_path: Path) -> None:
    """240 a minute: what the bucket holds goes at once, the rest at about four a second; each is answered, less than 1 % was refused.

    How close it comes is what `benchmarks/run.py rate` measures.
    """
    with running(answers="canned", requests_per_minute=240) as address:
        begun = time.monotonic()
        ends, calls = all_asked(tmp_path, settings_for(tmp_path, address), 290)
        seconds = time.monotonic() - begun

    assert [end.outcome for end in ends if isinstance(end, Answer)] == ["completed"] * 290
    assert calls.tally.calls - 290 < 2.9
    assert seconds * 4 <= 50 * 2
    assert rows(tmp_path, "select requests_limit, calls, calls_refused < 2.9 from rate_by_run") == [(240, calls.tally.calls, True)]


def test_a_storm_of_refusals_halves_the_calls_at_once_and_they_climb_again(tmp_path: Path) -> None:
    """40 times 429 without a word of when to come back: the record shows fewer calls at once, then all of them, and every request is answered."""
    with running(answers="canned", faults="429=first40") as address:
        ends, calls = all_asked(tmp_path, settings_for(tmp_path, address, attempts=12), 200)
    seen = [event["calls_at_once"] for event in events(tmp_path, "rate_changed") if "refused" in event["reason"]]

    assert len([end for end in ends if isinstance(end, Answer) and end.outcome == "completed"]) == 200
    assert seen[:2] == [8, 4]
    assert calls.rate.calls_at_once == 16
    assert events(tmp_path, "rate_changed")[-1]["reason"] == "all calls go at once again"


@pytest.mark.parametrize("status", [429, 500])
def test_a_dead_api_is_not_hammered(tmp_path: Path, status: int) -> None:
    """300 requests to an API that only fails: no more than 1.1 attempts a request, and the run ends by itself with exit status 4."""
    with answering(lambda handler, _: reply(handler, status, b"{}")) as (address, received):
        ends, _ = all_asked(tmp_path, settings_for(tmp_path, address, attempts=3, breaker_give_up_unanswered_s=1, breaker_pause_s=0.2), 300)

    assert len(received) <= 330
    unavailable = [end for end in ends if isinstance(end, ApiUnavailable)]
    assert unavailable
    assert unavailable[0].exit_status == 4
    assert rows(tmp_path, "select state, outage from api_outages") == [("given_up", 1)]


def test_a_run_waits_an_outage_out_and_every_request_is_answered(tmp_path: Path) -> None:
    """20 times 503, four at once, then an API that is well: single probes find out, the breaker closes, and nobody's attempts were used up by it."""
    with running(answers="canned", faults="503=first20") as address:
        settings = settings_for(tmp_path, address, breaker_pause_s=0.02, attempts=3, in_flight=4)
        ends, calls = all_asked(tmp_path, settings, 60)
    ((state, probes, away_s, reason),) = rows(tmp_path, "select state, probes, away_s, reason from api_outages")

    assert {end.outcome for end in ends if isinstance(end, Answer)} == {"completed"}
    assert len(ends) == 60
    assert (state, calls.breaker.outages) == ("closed", 1)
    assert 1 < probes <= 11
    assert away_s == pytest.approx(calls.breaker.away_s(0.0), abs=0.01)
    assert "10 attempts in a row brought no answer, the last: http_503" in reason


def test_while_the_breaker_is_open_nobody_but_the_probe_asks(tmp_path: Path) -> None:
    """Between two changes of the record that say open and half-open, no call begins."""
    with running(answers="canned", faults="503=first19") as address:
        all_asked(tmp_path, settings_for(tmp_path, address, breaker_pause_s=0.05), 40)
    open_since = False
    begun = 0
    for event in sorted(events(tmp_path, "breaker_changed") + events(tmp_path, "call_started"), key=lambda event: event["seq"]):
        if event["kind"] == "breaker_changed":
            open_since, begun = event["state"] != "closed", 0
            allowed = 1 if event["state"] == "half_open" else 0
        elif open_since:
            begun += 1
            assert begun <= allowed, event


def test_a_request_that_fails_while_others_are_answered_has_failed(tmp_path: Path) -> None:
    """Its attempts used up, it is the request and not the API: the others go on, and the breaker stays closed."""

    def answer(handler: Any, body: bytes) -> None:
        if b"document 7" in body:
            return reply(handler, 500, b"{}")
        return reply(handler, 200, json.dumps(PLAIN_BODY).encode())

    with answering(answer) as (address, _):
        ends, calls = all_asked(tmp_path, settings_for(tmp_path, address, attempts=3), 40, workers=2)

    failed = [end for end in ends if isinstance(end, Answer) and end.outcome == "error"]
    assert [(end.error_kind, end.calls) for end in failed] == [("http_500", 3)]
    assert len(ends) == 40
    assert calls.breaker.outages == 0


def test_what_may_have_been_billed_is_asked_again_only_so_often(tmp_path: Path) -> None:
    """A request whose answers are lost on the way, while others are answered: 1 + AUTOD_PAID_RETRIES attempts, each unsettled with its bound."""

    def answer(handler: Any, body: bytes) -> None:
        if b"document 7" in body:
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return None
        return reply(handler, 200, json.dumps(PLAIN_BODY).encode())

    with answering(answer) as (address, _):
        ends, calls = all_asked(tmp_path, settings_for(tmp_path, address, attempts=5, paid_retries=1), 40, workers=2)

    failed = [end for end in ends if isinstance(end, Answer) and end.outcome == "error"]
    assert [(end.error_kind, end.calls) for end in failed] == [("connection", 2)]
    assert (calls.tally.unsettled, rows(tmp_path, "select count(*) from calls_unsettled where cost_upper_usd > 0")) == (2, [(2,)])


def test_the_time_of_a_document_ends_its_attempts_and_the_one_under_way(server: tuple[str, Path], tmp_path: Path) -> None:
    """AUTOD_DOCUMENT_DEADLINE_S holds for all attempts together: a call that hangs is cut off at it, and no other begins."""
    inbox = make_inbox(tmp_path / "in", 1)
    with running(answers="canned", faults="slow:20=1") as address:
        begun = time.monotonic()
        report = run(inbox, settings_for(tmp_path / "home", address, document_deadline_s=1.5, attempts=5))

    assert time.monotonic() - begun < 15
    assert state_columns(report) == (0, 0, 1, 0)
    assert rows(tmp_path / "home", "select status, error_kind from api_calls") == [("unsettled", "deadline")]


def test_the_time_of_a_run_ends_it_in_order(tmp_path: Path) -> None:
    """AUTOD_RUN_DEADLINE_S over, calls in flight end, the rest stays pending, exit status 3, and the same command goes on."""
    inbox = make_inbox(tmp_path / "in", 30)
    with running(answers="canned", latency=0.3) as address:
        first = run(inbox, settings_for(tmp_path / "home", address, run_deadline_s=1.0, in_flight=2))
        second = run(inbox, settings_for(tmp_path / "home", address))

    assert first.exit_status == 3
    assert "AUTOD_RUN_DEADLINE_S" in (first.stopped_by or "")
    assert first.pending > 0
    assert (first.failed, first.unsettled) == (0, 0)
    assert state_columns(second) == (first.pending, first.processed, 0, 0)


@pytest.mark.parametrize(
    ("status", "headers", "attempts"),
    [
        (408, {}, 3),
        (409, {}, 3),
        (504, {}, 3),
        (529, {}, 3),
        (422, {}, 1),
        (413, {}, 1),
        (400, {"x_should_retry": "true"}, 3),
        (503, {"x_should_retry": "false"}, 1),
        (503, {"x_should_retry": "perhaps"}, 3),
    ],
)
def test_what_is_tried_again_is_what_another_attempt_may_mend(tmp_path: Path, status: int, headers: dict[str, str], attempts: int) -> None:
    """408, 409, 429 and 5xx are; another 4xx is not; the API's own x-should-retry beats both."""
    with answering(lambda handler, _: reply(handler, status, b"{}", **headers)) as (address, received):
        asked = ask(tmp_path, address, attempts=3)

    assert len(received) == attempts
    assert [call["error_kind"] for call in asked.calls] == [f"http_{status}"] * attempts


def test_an_outage_fails_no_document_for_good(tmp_path: Path) -> None:
    """A run against an API that is down ends with exit status 4; its documents stay pending and the same command reads them later."""
    inbox = make_inbox(tmp_path / "in", 30)
    with running(faults="503=1") as address:
        down = run(inbox, settings_for(tmp_path / "home", address, breaker_give_up_unanswered_s=1))
    with running() as address:
        up = run(inbox, settings_for(tmp_path / "home", address))

    assert down.exit_status == 4
    assert "is not available" in (down.stopped_by or "")
    assert (down.documents, state_columns(down)) == (30, (0, 0, 0, 30))
    assert down.calls <= 33
    assert (down.outages, up.outages) == (1, 0)
    assert state_columns(up) == (30, 0, 0, 0)


def test_a_model_without_a_price_is_refused_unless_allowed(server: tuple[str, Path], tmp_path: Path) -> None:
    """No budget could hold for it, so nothing is sent; allowed on purpose, its calls cost NULL."""
    settings = settings_for(tmp_path, server[0], model="gpt-nobody-prices")
    with journal.Journal(tmp_path) as segment, pytest.raises(SettingsError, match="--allow-unpriced"):
        Api(settings, segment, budget_for(settings, {}))
    assert Api(settings_for(tmp_path, server[0], model="gpt-nobody-prices", allow_unpriced=True), segment, Budget({}, {})).tally.calls == 0


@pytest.mark.parametrize("fault", ["", "500", "drop-after", "html", "negative-usage"])
def test_the_key_is_written_nowhere(server: tuple[str, Path], tmp_path: Path, fault: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither journal, database, log nor any error's text holds the key, whatever went wrong."""
    with caplog.at_level(logging.DEBUG):
        asked = ask(tmp_path, server[0], fault, api_key=CANARY, attempts=2)
    left = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    assert left
    assert CANARY.encode() not in left
    assert CANARY not in caplog.text
    assert CANARY not in repr(asked.answer) + repr(asked.api.settings) + str(asked.error)


def test_a_refused_key_is_not_repeated_to_the_reader(server: tuple[str, Path], tmp_path: Path) -> None:
    """The one error that is about the key does not show it."""
    asked = ask(tmp_path, server[0], api_key=f"wrong-{CANARY}")

    assert isinstance(asked.error, ApiRefused)
    assert CANARY not in str(asked.error)
    assert CANARY not in repr(asked.error)


def test_an_answer_that_cannot_be_recorded_is_unsettled(server: tuple[str, Path], tmp_path: Path) -> None:
    """When the end of a call cannot be written, the ledger's start stands, its bound stays taken, and no waiter is left waiting."""
    settings = settings_for(tmp_path, server[0], attempts=1)
    budget = Budget({"run": Decimal(1)}, {})

    async def fail_at_the_end() -> tuple[str, Any]:
        with journal.Journal(tmp_path) as segment:
            async with Api(settings, segment, budget) as calls:
                write = segment.write

                def full(kind: str, **columns: Any) -> None:
                    if kind == "call_finished":
                        raise segment._unwritable(kind, "No space left on device")
                    write(kind, **columns)

                segment.write = full  # type: ignore[method-assign]
                try:
                    await calls.ask(request_under(settings))
                except AutodError as error:
                    return type(error).__name__, calls.tally
        raise AssertionError("it should have been refused")

    name, tally = asyncio.run(fail_at_the_end())

    assert name == "WorkspaceUnusable"
    assert (tally.unsettled, tally.cost_usd) == (1, 0)
    assert budget.open == {}
    assert budget.run.open == tally.unsettled_upper_usd > 0


def test_time_is_measured_by_a_clock_that_nobody_sets(server: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that jumps back an hour in the middle of a call makes no latency negative and loses no call."""
    monkeypatch.setattr(journal, "now", lambda: datetime(2026, 11, 24, 12, tzinfo=UTC))  # when it is let through
    monkeypatch.setattr(api, "now", lambda: datetime(2026, 11, 24, 11, tzinfo=UTC))  # when it ends
    before = time.monotonic()
    asked = ask(tmp_path, server[0])

    assert 0 < asked.only["latency_ms"] <= (time.monotonic() - before) * 1000
    assert asked.only["status"] == "answered"
