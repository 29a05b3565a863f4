"""Batches over the real loopback API: a request is submitted once and a line settled once, whatever ends where, with the record of one by one."""

import asyncio
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import openai
import pytest

from autod_lib import batch, journal, store
from autod_lib.errors import SettingsError, WorkspaceBusy
from autod_lib.local_api import running
from autod_lib.report import Options, Report
from autod_lib.settings import Settings

from . import pipeline
from .pipeline import PATIENCE_S, answered, autod, begin, make_inbox, one, rows, run, state_columns

KEY = "sk-test"  # as the commands of the tests have it


@contextmanager
def served(log: Path, faults: str = "", **further: Any) -> Iterator[str]:
    """A server of its own with this log."""
    with running(answers="canned", log=log, faults=faults, **further) as address:
        yield address


def settings_for(home: Path, address: str, **given: Any) -> Settings:
    """Settings of this workspace, at the account of the commands."""
    return pipeline.settings_for(home, address, **{"api_key": KEY, "readers": 1} | given)


def submissions(log: Path) -> Counter[str]:
    """How often each request was done by the server, by its own log."""
    return Counter(line["request_sha256"] for line in answered(log))


def client(address: str) -> openai.OpenAI:
    """The SDK, at the same account."""
    return openai.OpenAI(base_url=address, api_key=KEY, max_retries=0)


def the_ledger_agrees(home: Path, log: Path) -> None:
    """Every request was done once, each has its one settled call and its one extraction, and all sums are those of the server's own log."""
    done = answered(log)
    with store.reading(home) as con:
        [(calls, *used, by_call)] = con.execute(
            "select count(*) filter (where status = 'answered'), sum(input_tokens), sum(output_tokens), sum(cost_usd) from api_calls"
        ).fetchall()
        [(ends, ended)] = con.execute("select count(*), count(distinct call_id) from calls_finished").fetchall()
        [(extractions, extracted)] = con.execute("select count(*), count(distinct request_key) from extractions").fetchall()
        [(by_batch, open_batches)] = con.execute("select sum(cost_usd), count(*) filter (where is_open) from batches").fetchall()
        [(by_run,)] = con.execute("select sum(cost_usd) from cost_by_run").fetchall()
        [(unsettled,)] = con.execute("select count(*) from calls_unsettled").fetchall()

    assert set(submissions(log).values()) == {1}
    assert calls == extractions == extracted == len(done)
    assert ends == ended
    assert used == [sum(line["usage"][kind] for line in done) for kind in ("input_tokens", "output_tokens")]
    assert by_call == by_batch == by_run > 0
    assert (unsettled, open_batches) == (0, 0)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A workspace that is not there yet."""
    return tmp_path / "home"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the server writes its log."""
    return tmp_path / "api.jsonl"


def test_a_batch_gives_the_same_record_at_half_the_price(home: Path, log: Path, tmp_path: Path) -> None:
    """`ingest --batch` ends with every document read; the calls name their batch and tier, and cost half of what the same calls cost one by one."""
    inbox = make_inbox(tmp_path / "in", 5)
    with served(log) as address:
        done = autod("ingest", inbox, "--batch", "--json", home=home, address=address, AUTOD_BATCH_SIZE="2")
        report = json.loads(done.stdout)
        left = client(address).files.list().data
    with served(tmp_path / "single.jsonl") as address:
        alone = run(inbox, settings_for(tmp_path / "alone", address, cache_policy="none"))
    tiers = "select distinct service_tier, price_tier, service_tier_asked, cache_policy from api_calls"
    fields = "select document_sha256, doc_type, total_amount, summary, processing_status from documents order by all"

    assert done.returncode == 0, done.stderr
    assert [report[name] for name in ("documents", "processed", "reused", "failed", "pending", "calls")] == [5, 5, 0, 0, 0, 5]
    assert Decimal(report["cost_usd"]) * 2 == alone.cost_usd
    assert rows(home, fields) == rows(tmp_path / "alone", fields)
    assert rows(home, tiers) == [("batch", "batch", "batch", "none")]
    assert rows(home, "select requests, calls_answered from batches where state = 'collected' order by batch_key") == [(2, 2), (2, 2), (1, 1)]
    assert left == [], "every file is deleted once it is collected"
    assert list((home / batch.FOLDER).iterdir()) == []
    the_ledger_agrees(home, log)


def test_the_key_of_a_request_knows_nothing_of_batches(home: Path, log: Path, tmp_path: Path) -> None:
    """What was answered in a batch is never asked one by one, and the other way round; the bodies are the same bytes."""
    inbox = make_inbox(tmp_path / "in", 2)
    with served(log) as address:
        settings = settings_for(home, address, cache_policy="none")
        by_batch = batch.ingest_in_batches([inbox], settings)
        by_day = run(inbox, settings)
        again = batch.ingest_in_batches([inbox], settings)
        elsewhere = run(inbox, settings_for(tmp_path / "other", address, cache_policy="none"))

    assert (by_batch.calls, by_day.calls, again.calls, elsewhere.calls) == (2, 0, 0, 2)
    assert state_columns(by_day) == state_columns(again) == (0, 2, 0, 0)
    assert set(submissions(log).values()) == {2}, "once in a batch and once from the other workspace, byte for byte"


@pytest.mark.parametrize(
    ("point", "how"),
    [
        ("batch:1", "before the upload"),
        ("uploaded", "after the upload"),
        ("batch:2", "before the creation"),
        ("created", "after the creation"),
        ("batch:3", "once the creation is recorded"),
    ],
)
def test_a_submission_killed_at_any_step_is_submitted_once(home: Path, log: Path, tmp_path: Path, point: str, how: str) -> None:
    """kill -9 at each step: the same command goes on where it stopped; the server's own log has each request once, and the sums agree."""
    inbox = make_inbox(tmp_path / "in", 3)
    with served(log) as address:
        if ":" in point:
            killed = autod("batch", "submit", inbox, home=home, address=address, AUTOD_CRASH_AT=point)
        else:
            killed = autod(point, "batch", "submit", inbox, home=home, address=address, entry="killed")
        status = rows(home, "select requests, calls_unsettled from batches where is_open")
        after = batch.ingest_in_batches([inbox], settings_for(home, address))
        made = client(address).batches.list().data
        left = client(address).files.list().data

    assert killed.returncode == -signal.SIGKILL, how
    assert status == [(3, 3)]
    assert (after.exit_status, after.processed) == (0, 3)
    assert (len(made), left) == (1, []), how
    the_ledger_agrees(home, log)


def test_a_batch_whose_calls_were_not_all_recorded_is_never_sent(home: Path, log: Path, tmp_path: Path) -> None:
    """A power cut in the middle of the intent: what could not be settled later is not uploaded; its documents go in another batch."""
    inbox = make_inbox(tmp_path / "in", 3)
    with served(log) as address:
        autod("batch", "submit", inbox, home=home, address=address, AUTOD_CRASH_AT="batch:1")
        [segment] = journal.segments(home)
        lines = segment.read_bytes().splitlines(keepends=True)
        second = [number for number, line in enumerate(lines) if b'"kind":"call_started"' in line][1]
        segment.write_bytes(b"".join(lines[:second]) + lines[second][:40])
        report = batch.ingest_in_batches([inbox], settings_for(home, address))

    assert (report.exit_status, report.processed) == (0, 3)
    assert rows(home, "select state, requests, calls_failed, calls_answered from batches order by intended_at") == [
        ("gone", 3, 1, 0),
        ("collected", 3, 0, 3),
    ]
    the_ledger_agrees(home, log)


@pytest.mark.parametrize("point", ["call_finished", "extraction", "collected"])
def test_a_collection_killed_in_the_middle_loses_no_line(home: Path, log: Path, tmp_path: Path, point: str) -> None:
    """kill -9 when some lines are settled, or all and the files deleted: the rest is collected once, nothing is asked again."""
    inbox = make_inbox(tmp_path / "in", 5)
    with served(log) as address:
        batch.submit([inbox], settings_for(home, address))
        _until_ended(address)
        if point == "collected":
            killed = autod(point, "batch", "collect", home=home, address=address, entry="killed")
        else:
            killed = autod("never", "batch", "collect", home=home, address=address, entry="killed", AUTOD_CRASH_AT=point)
        halfway = one(home, "select count(*) from calls_finished")
        after = batch.ingest_in_batches([inbox], settings_for(home, address))

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert halfway == (5 if point == "collected" else 2)
    assert after.exit_status == 0
    assert one(home, "select count(*) from documents where processing_status = 'processed'") == 5
    the_ledger_agrees(home, log)


def _until_ended(address: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while any(each.status not in batch.ENDED for each in client(address).batches.list().data):
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("fault", ["drop-after@batches", "drop-after@files", "drop-before@batches", "500@batches", "429@files", "html@batches"])
def test_an_answer_that_is_lost_makes_no_second_submission(home: Path, log: Path, tmp_path: Path, fault: str) -> None:
    """A creation or upload that happened and whose answer did not arrive is found again; one that did not happen is made again."""
    inbox = make_inbox(tmp_path / "in", 2)
    with served(log, f"{fault}=first1") as address:
        report = batch.ingest_in_batches([inbox], settings_for(home, address))
        made = client(address).batches.list().data
        left = client(address).files.list().data

    assert (report.exit_status, report.processed) == (0, 2)
    assert (len(made), left) == (1, [])
    the_ledger_agrees(home, log)


def test_two_collections_at_once_settle_each_line_once(home: Path, log: Path, tmp_path: Path) -> None:
    """The second waits for the workspace, or is told who holds it; either way the sums are those of one."""
    inbox = make_inbox(tmp_path / "in", 6)
    with served(log) as address:
        batch.submit([inbox], settings_for(home, address))
        _until_ended(address)
        both = [begin("batch", "collect", "--json", *wish, home=home, address=address) for wish in ((), ("--wait",))]
        told = []
        for process in both:
            with process:
                out, err = process.communicate(timeout=PATIENCE_S)
            told.append((process.returncode, json.loads(out)["processed"] if out else err))

    assert {status for status, _ in told} <= {0, 5}
    assert sum(count for _, count in told if isinstance(count, int)) == 6
    the_ledger_agrees(home, log)


def test_a_document_in_an_open_batch_is_pending_with_the_reason(home: Path, log: Path, tmp_path: Path) -> None:
    """Neither an ordinary run nor another submission asks for it again; its open calls are open intents of every budget; `show` tells the batch."""
    inbox = make_inbox(tmp_path / "in", 2)
    with served(log, batch_seconds=600) as address:
        settings = settings_for(home, address)
        first = batch.submit([inbox], settings)
        by_day, again, collected = run(inbox, settings), batch.submit([inbox], settings), batch.collect(settings)
        shown = autod("show", str(next(inbox.iterdir())), home=home)
        told = autod("status", home=home)

    assert [state_columns(report) for report in (first, by_day, again)] == [(0, 0, 0, 2)] * 3
    assert (by_day.calls, again.calls, collected.calls, answered(log)) == (0, 0, 0, [])
    assert rows(home, "select distinct processing_status, error_kind from documents") == [("pending", "in_batch")]
    assert rows(home, "select count(*), count(cost_upper_usd) from calls_unsettled where error_kind = 'in_batch'") == [(2, 2)]
    assert one(home, "select count(*) from batches") == 1
    assert "autod batch collect" in shown.stdout
    assert "Batch: " in shown.stdout
    assert "Open batches" in told.stdout


def test_open_batches_take_their_part_of_every_budget(home: Path, log: Path, tmp_path: Path) -> None:
    """What the open calls can cost at most is not there for another run of the day; once they are settled, only what they cost is gone."""
    with served(log, batch_seconds=600) as address:
        inbox = make_inbox(tmp_path / "in", 2)
        settings = settings_for(home, address, budget_day_usd="0.003")
        batch.submit([inbox], settings)
        blocked = run(make_inbox(tmp_path / "more", 1, first=7), settings)
        client(address).batches.cancel(client(address).batches.list().data[0].id)
        _until_ended(address)
        batch.collect(settings)
        free = run(tmp_path / "more", settings)

    assert (blocked.exit_status, blocked.calls) == (3, 0)
    assert (free.exit_status, free.processed) == (0, 1)


def test_what_does_not_fit_the_budget_is_not_sent(home: Path, log: Path, tmp_path: Path) -> None:
    """A file holds what the budget bears; the rest goes in the next, when the first has settled for less, and all is read in the end."""
    inbox = make_inbox(tmp_path / "in", 4)
    with served(log) as address:
        alone = batch.submit([inbox], settings_for(home, address), Options(max_usd=Decimal("0.0025")))
        sent = one(home, "select sum(requests) from batches")
        whole = batch.ingest_in_batches([inbox], settings_for(home, address), Options(max_usd=Decimal("0.0025")))

    assert (alone.exit_status, alone.pending) == (3, 4)
    assert 0 < sent < 4
    assert (whole.exit_status, whole.processed, whole.pending) == (0, 4, 0)
    the_ledger_agrees(home, log)


@pytest.mark.parametrize("fault", ["500@line=first2", "expired@batch=first1", "refusal@line=0"])
def test_what_came_back_with_nothing_is_asked_again_and_only_that(home: Path, log: Path, tmp_path: Path, fault: str) -> None:
    """Lines in the error file, and those that an expired batch left undone, go into the next batch; the others are paid and kept."""
    inbox = make_inbox(tmp_path / "in", 4)
    with served(log, fault) as address:
        report = batch.ingest_in_batches([inbox], settings_for(home, address))
    [(failed, batches, extractions, attempts)] = rows(
        home,
        """select (select count(*) from api_calls where status = 'failed'), (select count(*) from batches), (select count(*) from extractions),
        (select max(attempt) from calls_started)""",
    )

    assert (report.exit_status, report.processed, report.failed) == (0, 4, 0)
    assert failed == {"500@line=first2": 2, "expired@batch=first1": 2, "refusal@line=0": 0}[fault]
    assert report.calls == 4 + failed
    assert batches == attempts == (2 if failed else 1)
    assert extractions == 4


@pytest.mark.parametrize(
    ("fault", "unsettled", "reason"),
    [
        ("duplicate-lines", 0, "3 repeated"),
        ("unknown-line", 0, "1 unknown lines"),
        ("missing-lines", 1, "1 without a line"),
        ("torn-line", 0, None),
        ("output-gone", 3, "3 without a line"),
    ],
)
def test_an_odd_output_file_is_settled_line_by_line(home: Path, log: Path, tmp_path: Path, fault: str, unsettled: int, reason: str | None) -> None:
    """Repeated and unknown lines change nothing; a line that is not there leaves its call unsettled with its upper bound, and is asked again."""
    inbox = make_inbox(tmp_path / "in", 3)
    with served(log, f"{fault}@batch=first1") as address:
        report = batch.ingest_in_batches([inbox], settings_for(home, address))
    torn = fault == "torn-line"
    [(bounded, told, extractions, answers)] = rows(
        home,
        """select (select count(*) from calls_unsettled where cost_upper_usd > 0), (select reason from batches order by intended_at limit 1),
        (select count(*) from extractions), (select count(*) from api_calls where status = 'answered')""",
    )

    assert (report.exit_status, report.processed) == (0, 3)
    assert report.unsettled == bounded == unsettled + torn
    assert told == reason
    assert extractions == answers == 3


def test_a_batch_that_fails_as_a_whole_costs_nothing_and_says_why(home: Path, log: Path, tmp_path: Path) -> None:
    """Exit 4 with the provider's own words; its documents stay pending, and the same command asks for them again."""
    inbox = make_inbox(tmp_path / "in", 2)
    with served(log, "failed-validation@batch=first1") as address:
        failed = batch.ingest_in_batches([inbox], settings_for(home, address))
        pending = rows(home, "select distinct processing_status, error_kind from documents")
        again = batch.ingest_in_batches([inbox], settings_for(home, address))

    assert failed.exit_status == 4
    assert "token_limit_exceeded: Enqueued token limit reached" in str(failed.stopped_by)
    assert pending == [("pending", "ask_again")]
    assert rows(home, "select distinct status, cost_usd from api_calls where error_kind = 'batch_failed'") == [("failed", None)]
    assert (again.exit_status, again.processed) == (0, 2)


def test_a_request_that_a_batch_always_fails_is_given_up(home: Path, log: Path, tmp_path: Path) -> None:
    """After AUTOD_ATTEMPTS batches its document has failed, with what the API said; the loop ends by itself."""
    inbox = make_inbox(tmp_path / "in", 1)
    with served(log, "500@line=1") as address:
        report = batch.ingest_in_batches([inbox], settings_for(home, address, attempts=2))

    assert (report.exit_status, report.failed, report.calls) == (1, 1, 2)
    assert "After 2 attempts" in one(home, "select error_sentence from documents")


def test_a_batch_that_was_cancelled_elsewhere_is_collected(home: Path, log: Path, tmp_path: Path) -> None:
    """Nothing of it was billed; its documents are pending and can be asked again."""
    inbox = make_inbox(tmp_path / "in", 2)
    with served(log, batch_seconds=600) as address:
        settings = settings_for(home, address)
        batch.submit([inbox], settings)
        client(address).batches.cancel(client(address).batches.list().data[0].id)
        _until_ended(address)
        report = batch.collect(settings)

        assert (report.pending, report.cost_usd) == (2, 0)
        assert rows(home, "select state, remote_status, calls_failed from batches") == [("collected", "cancelled", 2)]
        assert run(inbox, settings).processed == 2


def test_past_the_deadline_the_rest_is_asked_one_by_one(home: Path, log: Path, tmp_path: Path) -> None:
    """A batch that takes too long is cancelled, what it did is kept, and what it did not do is paid at the full price, once."""
    inbox = make_inbox(tmp_path / "in", 3)
    with served(log, batch_seconds=600) as address:
        report = batch.ingest_in_batches([inbox], settings_for(home, address, batch_deadline_s=1))

    assert (report.exit_status, report.processed) == (0, 3)
    assert rows(home, "select remote_status, calls_failed from batches") == [("cancelled", 3)]
    assert rows(home, "select distinct price_tier from api_calls where status = 'answered'") == [("standard",)]
    assert set(submissions(log).values()) == {1}


def test_past_the_deadline_nothing_is_spent_beyond_the_budget(home: Path, log: Path, tmp_path: Path) -> None:
    """Exit 3: the rest stays pending when the full price does not fit."""
    inbox = make_inbox(tmp_path / "in", 2)
    with served(log, batch_seconds=600) as address:
        settings = settings_for(home, address, batch_deadline_s=1)
        report = batch.ingest_in_batches([inbox], settings, Options(max_usd=Decimal("0.0024")))

    assert (report.exit_status, report.processed + report.pending) == (3, 2)
    assert report.pending >= 1
    assert report.cost_usd + report.unsettled_upper_usd <= Decimal("0.0024")


@pytest.mark.parametrize(("fault", "calls"), [("invalid-answer:doc_type@line=first1", 3), ("incomplete@line=first1", 3)])
def test_an_answer_that_is_not_good_enough_is_mended_in_the_next_batch(home: Path, log: Path, tmp_path: Path, fault: str, calls: int) -> None:
    """A broken answer is repaired, a cut one gets a higher cap, both at batch prices; what was received first is not paid again."""
    inbox = make_inbox(tmp_path / "in", 2)
    with served(log, fault) as address:
        report = batch.ingest_in_batches([inbox], settings_for(home, address))

    assert (report.exit_status, report.processed, report.needs_review, report.calls) == (0, 2, 0, calls)
    assert rows(home, "select distinct price_tier from api_calls") == [("batch",)]
    assert one(home, "select count(*) from extractions where is_valid") == 2
    assert set(submissions(log).values()) == {1}


def test_a_batch_is_read_by_the_settings_it_was_sent_with(home: Path, log: Path, tmp_path: Path) -> None:
    """Fewer fields, another model: whoever collects it may have other settings, and its answers count for the ones it was sent with."""
    inbox = make_inbox(tmp_path / "in", 1)
    with served(log) as address:
        core = settings_for(home, address, fields="core", model="gpt-5-mini", reasoning_effort="minimal")
        batch.submit([inbox], core)
        _until_ended(address)
        report = batch.collect(settings_for(home, address))
        again = run(inbox, core)

    assert (report.processed, again.calls, again.reused) == (1, 0, 1)
    assert rows(home, "select model, summary, is_valid from extractions") == [("gpt-5-mini", None, True)]


def test_a_batch_of_a_server_that_has_forgotten_it_is_gone_and_unsettled(home: Path, log: Path, tmp_path: Path) -> None:
    """Nobody knows what it cost: the calls keep their upper bounds, and the documents are asked again."""
    inbox = make_inbox(tmp_path / "in", 2)
    with served(log) as address:
        batch.submit([inbox], settings_for(home, address))
    with served(tmp_path / "other.jsonl") as address:
        report = batch.ingest_in_batches([inbox], settings_for(home, address))

    assert (report.processed, report.unsettled) == (2, 2)
    assert one(home, "select count(*) from calls_unsettled where error_kind = 'answers_gone' and cost_upper_usd > 0") == 2


def test_marks_in_a_batch_follow_what_the_ledger_has_seen(home: Path, log: Path, tmp_path: Path) -> None:
    """Nothing is marked by default; once marked batches were seen to read their prefix, batches are marked, and cost less."""
    settings: dict[str, Any] = {"in_flight": 4}
    with served(log, batch_reads=1) as address:
        plain = batch.ingest_in_batches([make_inbox(tmp_path / "a", 3)], settings_for(home, address, **settings))
        batch.ingest_in_batches([make_inbox(tmp_path / "b", 24, first=10, lines=3)], settings_for(home, address, cache_policy="explicit", **settings))
        learned = batch.ingest_in_batches([make_inbox(tmp_path / "c", 3, first=50)], settings_for(home, address, **settings))

    assert (plain.cached_tokens, plain.cache_write_tokens) == (0, 0)
    assert learned.cached_tokens > 0
    assert learned.cost_usd < plain.cost_usd
    assert rows(home, "select tier, cache_policy from cache_decisions order by logged_at") == [
        ("batch", "none"),
        ("batch", "explicit"),
        ("batch", "explicit"),
    ]


def test_a_notebook_waits_for_a_batch_until_it_is_interrupted(home: Path, log: Path, tmp_path: Path) -> None:
    """Inside a running loop, as a notebook's is: it works there, and an interrupt ends the waiting; the batch goes on."""
    inbox = make_inbox(tmp_path / "in", 1)

    async def cell(settings: Settings) -> Report:
        return batch.ingest_in_batches([inbox], settings)

    with served(log, batch_seconds=600) as address:
        settings = settings_for(home, address)
        interrupt = threading.Thread(target=lambda: (_until_created(home), os.kill(os.getpid(), signal.SIGINT)))
        interrupt.start()
        loop = asyncio.new_event_loop()
        report = loop.run_until_complete(cell(settings))
        loop.close()
        interrupt.join()

    assert (report.exit_status, report.pending) == (130, 1)
    assert "autod batch collect" in str(report.stopped_by)
    assert one(home, "select count(*) from batches where is_open") == 1


def _until_created(home: Path) -> None:
    until = time.monotonic() + PATIENCE_S
    while not any('"state":"created"' in segment.read_text() for segment in journal.segments(home)) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1.5)  # by then it waits


def test_what_does_not_go_with_a_batch_is_refused(home: Path, tmp_path: Path) -> None:
    """Nothing is sent, and the message says what to leave out."""
    settings = settings_for(home, "http://127.0.0.1:9/v1")
    with pytest.raises(SettingsError, match="--move-to"):
        batch.submit([tmp_path], settings, Options(move_to=tmp_path))
    both = autod("ingest", tmp_path, "--batch", "--watch", home=home, address="http://127.0.0.1:9/v1")

    assert both.returncode == 2
    assert "--watch" in both.stderr


def test_a_workspace_in_use_is_not_collected(home: Path, log: Path, tmp_path: Path) -> None:
    """The lock is the same as that of every command that may pay."""
    from autod_lib import workspace

    with served(log) as address, workspace.held(home, "somebody", "ingest"), pytest.raises(WorkspaceBusy, match="somebody"):
        batch.collect(settings_for(home, address))
