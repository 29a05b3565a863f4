"""The pipeline: what becomes of each document, what is never paid twice, what every figure of the report means."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from autod_lib import ingest as pipeline
from autod_lib import store
from autod_lib.errors import MissingKey, SettingsError, WorkspaceUnusable
from autod_lib.ingest import ingest
from autod_lib.journal import Journal
from autod_lib.local_api import running
from autod_lib.report import Options
from autod_lib.settings import load_settings

from .pipeline import answered, make_inbox, make_pdf, one, rows, run, settings_for, state_columns

CONTRACT = [
    "run_id",
    "documents",
    "processed",
    "reused",
    "failed",
    "pending",
    "duplicates",
    "needs_review",
    "calls",
    "input_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "output_tokens",
    "cost_usd",
    "unsettled",
    "simulated",
    "seconds",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server that always gives the same record, and its log."""
    log = tmp_path_factory.mktemp("server") / "api.jsonl"
    with running(answers="canned", log=log) as address:
        yield address, log


@pytest.fixture
def address(server: tuple[str, Path]) -> str:
    """Where it is."""
    return server[0]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A workspace that is not there yet."""
    return tmp_path / "home"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Three invoices."""
    return make_inbox(tmp_path / "in", 3)


def adds_up(report: Any) -> bool:
    """The promise of the contract."""
    return report.documents == report.processed + report.reused + report.failed + report.pending


def test_the_report_has_every_figure_of_the_contract(server: tuple[str, Path], home: Path, inbox: Path) -> None:
    """All keys are there, money is text, and tokens and cost are those of the server's log and of the ledger."""
    before = len(answered(server[1]))
    report = run(inbox, settings_for(home, server[0]))
    columns = report.columns()
    usages = [line["usage"] for line in answered(server[1])[before:]]

    assert [name for name in CONTRACT if name not in columns] == []
    assert isinstance(columns["cost_usd"], str)
    assert columns["simulated"] is True
    assert (report.documents, report.calls, report.exit_status) == (3, 3, 0)
    assert report.input_tokens == sum(usage["input_tokens"] for usage in usages)
    assert report.output_tokens == sum(usage["output_tokens"] for usage in usages)
    assert report.cached_tokens == sum(usage["input_tokens_details"]["cached_tokens"] for usage in usages)
    assert report.cost_usd == one(home, "select sum(cost_usd) from api_calls") > 0
    assert rows(home, "select processing_status, count(*) from documents group by all") == [("processed", 3)]


def test_a_second_run_asks_nothing_and_costs_nothing(address: str, home: Path, inbox: Path) -> None:
    """What is known is reused: no call, and a cost of exactly zero."""
    run(inbox, settings_for(home, address))
    report = run(inbox, settings_for(home, address))

    assert state_columns(report) == (0, 3, 0, 0)
    assert report.calls == 0
    assert report.columns()["cost_usd"] == "0"


def test_only_what_is_new_or_changed_is_asked(address: str, home: Path, inbox: Path) -> None:
    """One document more is one call more; one that changed is one call; one that moved or was copied is none."""
    under = settings_for(home, address)
    run(inbox, under)
    make_pdf(inbox / "more.pdf", "one more")
    more = run(inbox, under)
    make_pdf(inbox / "invoice-000.pdf", "No. 0, corrected")
    changed = run(inbox, under)
    (inbox / "invoice-001.pdf").rename(inbox / "renamed.pdf")
    moved = run(inbox, under)
    shutil.copy(inbox / "invoice-002.pdf", inbox / "copy.pdf")
    copied = run(inbox, under)

    assert (more.calls, more.processed, more.reused) == (1, 1, 3)
    assert (changed.calls, changed.processed, changed.reused) == (1, 1, 3)
    assert (moved.calls, moved.reused, moved.documents) == (0, 4, 4)
    assert (copied.calls, copied.reused, copied.documents, copied.duplicates) == (0, 4, 4, 1)
    assert all(map(adds_up, (more, changed, moved, copied)))
    assert rows(home, "select problem from sightings where path = ?", str(inbox / "invoice-001.pdf")) == [("vanished",)]


def test_copies_are_one_document(address: str, home: Path, tmp_path: Path) -> None:
    """The same content at five paths is asked once, is one document, and all its paths are known."""
    first = make_pdf(tmp_path / "in" / "a.pdf", "the same")
    for name in "bcde":
        shutil.copy(first, first.with_name(f"{name}.pdf"))
    report = run(first.parent, settings_for(home, address))

    assert (report.documents, report.duplicates, report.calls, report.processed) == (1, 4, 1, 1)
    assert one(home, "select count(*) from sightings") == 5


def test_bad_files_cost_only_themselves(address: str, home: Path, inbox: Path) -> None:
    """What is no PDF, empty, a pipe or a link to nowhere gets a reason and no call; its neighbours are read; the exit status is 1."""
    (inbox / "empty.pdf").touch()
    (inbox / "text.pdf").write_text("This is no PDF at all.")
    (inbox / "nowhere.pdf").symlink_to("/does/not/exist.pdf")
    os.mkfifo(inbox / "pipe.pdf")
    report = run(inbox, settings_for(home, address))
    again = run(inbox, settings_for(home, address))

    assert (report.documents, report.processed, report.failed, report.calls) == (7, 3, 4, 3)
    assert report.exit_status == 1
    assert sum(report.problems.values()) == 4
    assert adds_up(report)
    assert (
        one(home, "select count(*) from sightings where problem is not null")
        + one(home, "select count(*) from documents where error_kind is not null")
        == 4
    )
    assert (state_columns(again), again.calls) == ((0, 3, 4, 0), 0)


def test_a_soft_deleted_document_comes_back_without_a_call(address: str, home: Path, inbox: Path) -> None:
    """Deleted, then seen again: its answer is still the record's, and nothing is paid."""
    under = settings_for(home, address)
    run(inbox, under)
    sha256 = one(home, "select document_sha256 from documents where file_name = 'invoice-001.pdf'")
    with Journal(home) as segment:
        segment.write("deletion", document_sha256=sha256, is_deleted=True, reason="by hand")
    assert one(home, "select is_deleted from documents where document_sha256 = ?", sha256) is True
    report = run(inbox, under)

    assert (report.calls, report.reused) == (0, 3)
    assert one(home, "select is_deleted from documents where document_sha256 = ?", sha256) is False


def test_a_limit_takes_that_many_and_leaves_the_rest_pending(address: str, home: Path, inbox: Path) -> None:
    """--limit 2 asks two; the third is pending, not forgotten, and the next run asks it alone."""
    first = run(inbox, settings_for(home, address), limit=2)
    second = run(inbox, settings_for(home, address))

    assert (state_columns(first), first.calls) == ((2, 0, 0, 1), 2)
    assert (state_columns(second), second.calls) == ((1, 2, 0, 0), 1)


def test_failed_documents_are_tried_again_only_on_purpose_and_not_for_ever(home: Path, tmp_path: Path, address: str) -> None:
    """A failed document costs nothing in a further run; --retry-failed takes it again until the setting's number of runs is reached."""
    inbox = make_inbox(tmp_path / "in", 1)
    with running(answers="canned", faults="html=1") as broken:
        under = settings_for(home, broken, attempts=1, document_attempts=2)
        reports = [run(inbox, under), run(inbox, under)] + [run(inbox, under, retry_failed=True) for _ in range(2)]
    mended = run(inbox, settings_for(home, address, document_attempts=3), retry_failed=True)

    assert [report.calls for report in reports] == [1, 0, 1, 0]
    assert [state_columns(report) for report in reports] == [(0, 0, 1, 0)] * 4
    assert [report.exit_status for report in reports] == [1] * 4
    assert reports[0].unsettled == 1
    assert (state_columns(mended), mended.calls) == ((1, 0, 0, 0), 1)


def test_a_raised_limit_lets_a_quarantined_document_through(address: str, home: Path, tmp_path: Path) -> None:
    """Too long for one setting, it is sent under another, on purpose: with --retry-failed."""
    inbox = make_inbox(tmp_path / "in", 1, pages=3)
    small = run(inbox, settings_for(home, address, max_input_tokens=1000))
    still = run(inbox, settings_for(home, address))
    raised = run(inbox, settings_for(home, address), retry_failed=True)

    assert (state_columns(small), small.calls, small.problems) == ((0, 0, 1, 0), 0, {"too_long": 1})
    assert (state_columns(still), still.calls) == ((0, 0, 1, 0), 0)
    assert (state_columns(raised), raised.calls) == ((1, 0, 0, 0), 1)


def test_finished_files_are_moved_and_none_is_overwritten(address: str, home: Path, tmp_path: Path) -> None:
    """--move-to sorts by outcome; a name that is taken gets the hash; the moved files are known where they are."""
    inbox, target = make_inbox(tmp_path / "in", 1), tmp_path / "done"
    taken = make_pdf(target / "processed" / "invoice-000.pdf", "another with this name")
    was = taken.read_bytes()
    (inbox / "bad.pdf").write_text("no PDF")
    report = run(inbox, settings_for(home, address), move_to=target)

    assert (report.processed, report.failed) == (1, 1)
    assert list(inbox.iterdir()) == []
    assert taken.read_bytes() == was
    assert len(list((target / "processed").iterdir())) == 2
    assert [path.name for path in (target / "failed").iterdir()] == ["bad.pdf"]
    after = run(target, settings_for(home, address))
    assert (after.calls, after.reused, after.failed, after.documents) == (1, 1, 1, 3)


def test_a_file_that_cannot_be_moved_is_done_all_the_same(address: str, home: Path, tmp_path: Path) -> None:
    """A target that is a file stops no document and loses none: it stays where it is, processed."""
    inbox, target = make_inbox(tmp_path / "in", 1), tmp_path / "done"
    target.write_text("a file in the way")
    report = run(inbox, settings_for(home, address), move_to=target)

    assert (report.processed, report.failed, report.exit_status) == (1, 0, 0)
    assert [path.name for path in inbox.iterdir()] == ["invoice-000.pdf"]


def test_an_invalid_answer_is_settled_then_repaired_once(home: Path, tmp_path: Path) -> None:
    """The first answer's usage is in the journal before the repair is asked; the repair's answer is the record's."""
    inbox = make_inbox(tmp_path / "in", 1)
    with running(answers="canned", faults="invalid-answer=first1") as address:
        report = run(inbox, settings_for(home, address))
    calls = rows(home, "select purpose, status, cost_usd, finished_at, started_at from api_calls order by started_at")

    assert (report.processed, report.needs_review, report.calls) == (1, 0, 2)
    assert [call[:2] for call in calls] == [("extract", "answered"), ("repair", "answered")]
    assert calls[0][3] <= calls[1][4]
    assert report.cost_usd == sum(call[2] for call in calls)
    assert rows(home, "select is_valid from extractions") == [(True,)]


@pytest.mark.parametrize(
    ("fault", "given", "calls", "kind"),
    [
        ("invalid-answer=1", {}, 2, "invalid"),
        ("invalid-json=1", {}, 2, "invalid"),
        ("invalid-answer=1", {"repair": False}, 1, "invalid"),
        ("refusal=1", {}, 1, "refusal"),
        ("content-filter=1", {}, 1, "incomplete_content_filter"),
        ("incomplete=1", {}, 2, "incomplete_max_tokens"),
    ],
)
def test_what_no_further_question_mends_waits_for_a_person(
    home: Path, tmp_path: Path, fault: str, given: dict[str, Any], calls: int, kind: str
) -> None:
    """One repair at most, one larger cap at most, refusals not at all: then the document needs review, with its answer kept raw, exit status 0."""
    inbox = make_inbox(tmp_path / "in", 1)
    with running(answers="canned", faults=fault) as address:
        report = run(inbox, settings_for(home, address, **given))
        again = run(inbox, settings_for(home, address, **given))

    assert (report.processed, report.needs_review, report.calls, report.exit_status) == (1, 1, calls, 0)
    assert report.cost_usd == one(home, "select sum(cost_usd) from api_calls where status = 'answered'") > 0
    assert rows(home, "select processing_status, error_kind, needs_review from documents") == [("needs_review", kind, True)]
    if kind != "refusal":
        assert one(home, "select raw_answer from extractions")
    assert (again.calls, again.reused, again.needs_review) == (0, 1, 1)


def test_an_answer_cut_at_the_cap_is_asked_once_more_with_twice_the_cap(home: Path, tmp_path: Path) -> None:
    """The second question may cost more, and its whole answer counts."""
    inbox = make_inbox(tmp_path / "in", 1)
    with running(answers="canned", faults="incomplete=first1") as address:
        report = run(inbox, settings_for(home, address))
    first, second = (row[0] for row in rows(home, "select cost_upper_usd from api_calls order by started_at"))

    assert (report.processed, report.needs_review, report.calls) == (1, 0, 2)
    assert second > first


def test_a_stop_between_two_questions_pays_neither_twice(home: Path, tmp_path: Path) -> None:
    """The budget allows the first question but not the one with the larger cap: the document stays pending, and the next run asks only that one."""
    inbox = make_inbox(tmp_path / "in", 1)
    with running(answers="canned", faults="incomplete=first1") as address:
        stopped = run(inbox, settings_for(home, address), max_usd=Decimal("0.003"))
        resumed = run(inbox, settings_for(home, address))

    assert (stopped.exit_status, stopped.calls, stopped.pending) == (3, 1, 1)
    assert (resumed.exit_status, resumed.calls, resumed.processed, resumed.needs_review) == (0, 1, 1, 0)
    assert one(home, "select count(*) from api_calls where outcome = 'incomplete_max_tokens'") == 1
    assert one(home, "select bool_and(is_simulated) from extractions") is True


def test_another_answering_side_is_another_question(address: str, home: Path, inbox: Path) -> None:
    """Another model, input mode or output cap asks anew; what was answered before is still there for those who go back."""
    under = [settings_for(home, address), settings_for(home, address, model="gpt-5-nano"), settings_for(home, address, input_mode="file-low")]
    calls = [run(inbox, each).calls for each in (*under, under[0])]

    assert calls == [3, 3, 3, 0]
    assert one(home, "select count(distinct arm) from extractions") == 3


def test_folders_whose_names_begin_alike_are_not_mixed_up(address: str, home: Path, tmp_path: Path) -> None:
    """`in` and `in-2` are two folders: documents left pending in both are read by the next run."""
    folders = [make_inbox(tmp_path / "in", 2), make_inbox(tmp_path / "in-2", 2, first=10)]
    under = settings_for(home, address)
    stopped = ingest(folders, under, Options(max_usd=Decimal(0)))
    report = ingest(folders, under)

    assert (stopped.pending, stopped.failed) == (4, 0)
    assert state_columns(report) == (4, 0, 0, 0)


@pytest.mark.parametrize(
    "name", [b"two\nlines.pdf", b"\x1b[31mred.pdf", "\u202efdp.exe.pdf".encode(), b"caf\xe9.pdf", b"-rf.pdf", b"n" * 251 + b".pdf"]
)
def test_any_name_leads_back_to_its_file(address: str, home: Path, tmp_path: Path, name: bytes) -> None:
    """A document is read whatever its name is made of, and its sighting names the file."""
    inbox = tmp_path / "in"
    source = make_pdf(inbox / "plain.pdf", "a name")
    os.rename(source, os.path.join(os.fsencode(inbox), name))
    report = run(inbox, settings_for(home, address))

    assert (report.processed, report.calls) == (1, 1)
    assert run(inbox, settings_for(home, address)).reused == 1
    (text,) = rows(home, "select path from sightings")[0]
    from autod_lib.journal import text_path

    assert os.fsencode(text_path(text)) == os.path.join(os.fsencode(inbox), name)


def test_it_works_inside_a_running_loop(address: str, home: Path, inbox: Path) -> None:
    """A notebook has a loop of its own; the same call works there."""

    async def cell() -> Any:
        return run(inbox, settings_for(home, address))

    assert asyncio.run(cell()).processed == 3


def test_an_interrupt_in_a_notebook_ends_the_run_in_order(home: Path, tmp_path: Path) -> None:
    """The interrupt reaches the run beside the notebook's loop: calls in flight end, nothing new is asked, and the rest stays pending."""
    inbox = make_inbox(tmp_path / "in", 12)
    with running(answers="canned", latency=0.1) as address:

        async def cell() -> Any:
            sent: list[bool] = []

            def interrupt_once(_: Any) -> None:
                if not sent:
                    sent.append(True)
                    os.kill(os.getpid(), signal.SIGINT)

            return ingest([inbox], settings_for(home, address, in_flight=2), Options(), interrupt_once)

        loop = asyncio.new_event_loop()
        try:
            report = loop.run_until_complete(cell())
        finally:
            loop.close()
        resumed = run(inbox, settings_for(home, address))

    assert report.exit_status == 130
    assert report.unsettled == 0
    assert report.pending > 0
    assert adds_up(report)
    assert (resumed.calls, resumed.processed) == (report.pending, report.pending)


def test_one_call_goes_alone_first_and_writes_the_prefix_for_all(home: Path, tmp_path: Path) -> None:
    """Of 12 documents that are ready at once, one writes the static prefix to the cache and 11 read it."""
    inbox = make_inbox(tmp_path / "in", 12, lines=3)
    with running(answers="canned", latency=0.05) as address:
        report = run(inbox, settings_for(home, address, in_flight=12))

    assert one(home, "select count(*) from api_calls where cache_write_tokens > 0") == 1
    assert one(home, "select count(*) from api_calls where cached_tokens > 1024") == 11
    assert report.cached_tokens == 11 * report.cache_write_tokens


def test_a_run_that_writes_much_is_loaded_before_its_time(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the memory of a load would grow with the speed of the API."""
    monkeypatch.setattr(pipeline, "LOAD_BYTES", 1)
    loaded = []

    def look(state: Any) -> None:
        with store.reading(home, up_to_date=False) as con:
            loaded.append(con.execute("select count(*) from calls_finished").fetchall()[0][0])

    with running(answers="canned", latency=0.3) as address:
        report = pipeline.ingest([make_inbox(tmp_path / "in", 4)], settings_for(home, address, in_flight=1), progress=look)
    assert report.processed == 4
    assert 0 < max(loaded) <= 4


def test_a_database_that_somebody_holds_stops_no_run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program outside autoD opens the database in the middle of a run: all documents are read, and the record has them once it lets go."""
    monkeypatch.setattr(pipeline, "LOAD_EVERY_S", 0.1)
    inbox = make_inbox(tmp_path / "in", 10)
    hold = """
import duckdb, sys
while True:
    try:
        held = duckdb.connect(sys.argv[1])
        break
    except duckdb.IOException:  # the run is just loading
        pass
print("held", flush=True)
sys.stdin.read()
"""
    holders: list[subprocess.Popen[str]] = []

    def meddle(state: Any) -> None:
        if not holders:
            command = [sys.executable, "-c", hold, str(store.database(home))]
            holders.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            while holders[0].poll() is None and holders[0].stdout and holders[0].stdout.readline() != "held\n":
                pass
        if state.done == state.total:
            holders[0].communicate("")

    with running(answers="canned", latency=0.05) as address:
        report = ingest([inbox], settings_for(home, address, in_flight=2), Options(), meddle)

    assert holders[0].returncode == 0
    assert (report.processed, report.exit_status) == (10, 0)
    assert one(home, "select count(*) from documents where processing_status = 'processed'") == 10


def test_what_is_wrong_is_said_before_anything_is_sent(address: str, home: Path, inbox: Path, tmp_path: Path) -> None:
    """A path that is not there, a missing key and a workspace that is a file: each has its error, and no call is made."""
    with pytest.raises(SettingsError, match="no such file"):
        run(tmp_path / "nothing", settings_for(home, address))
    with pytest.raises(MissingKey, match="--local"):
        ingest([inbox], load_settings({}, home=home))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorkspaceUnusable, match="AUTOD_HOME") as raised:
        run(inbox, settings_for(tmp_path / "file", address))
    assert raised.value.exit_status == 6


def test_a_fault_of_ours_costs_one_document(address: str, home: Path, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unforeseen error in one document is that document's failure, with the log's trace; the others are read."""
    judged = pipeline.judged
    seen: list[int] = []

    def fragile(*given: Any) -> Any:
        seen.append(1)
        if len(seen) == 2:
            raise ZeroDivisionError("unforeseen")
        return judged(*given)

    monkeypatch.setattr(pipeline, "judged", fragile)
    report = run(inbox, settings_for(home, address, in_flight=1))

    assert state_columns(report) == (2, 0, 1, 0)
    assert report.problems == {"internal": 1}
    assert report.exit_status == 1


def test_calls_are_spread_over_keys_that_one_call_each_has_written(home: Path, tmp_path: Path) -> None:
    """Of 40 documents at 40 in flight, three keys are written by one call each; no key has more than 15 calls; the rest read what was expected."""
    inbox = make_inbox(tmp_path / "in", 40, lines=3)
    with running(answers="canned", latency=0.2) as address:
        run(inbox, settings_for(home, address, in_flight=40))

    by_key = rows(home, "select count(*), count(*) filter (where cache_write_tokens > 0) from api_calls group by cache_key order by 1")
    assert [writing for _, writing in by_key] == [1, 1, 1]
    assert max(calls for calls, _ in by_key) <= 15
    sums = "select sum(cached_tokens - expected_cached_tokens), sum(cache_write_tokens - expected_write_tokens) from calls_finished"
    assert rows(home, sums) == [(0, 0)]
    columns = "cache_policy, cache_lifetime, shards, decided.expected_calls, choice"
    chosen = f"select {columns} from cache_decisions as decided join cache_choices using (run_id) where is_chosen"
    assert rows(home, chosen) == [("explicit", "30m", 3, 40, "explicit · 30m · 3 keys · first-call")]


def test_a_prewarm_is_a_call_of_no_document_and_counts_in_the_bill(home: Path, tmp_path: Path) -> None:
    """Asked for on purpose, it writes the prefix and says nothing; every document then reads it, and the documents' answers are theirs."""
    inbox = make_inbox(tmp_path / "in", 5, lines=3)
    with running(answers="canned") as address:
        report = run(inbox, settings_for(home, address, cache_warming="prewarm"))

    assert (report.processed, report.calls) == (5, 6)
    prewarm = rows(
        home, "select document_sha256, outcome, output_tokens, cached_tokens, cache_write_tokens > 1024 from api_calls where purpose = 'prewarm'"
    )
    assert prewarm == [(None, "completed", 0, 0, True)]
    assert one(home, "select count(*) from api_calls where purpose = 'extract' and cached_tokens > 1024 and cache_write_tokens = 0") == 5
    assert one(home, "select sum(cost_usd) from api_calls") == report.cost_usd


def test_a_document_alone_is_sent_without_a_mark(home: Path, tmp_path: Path) -> None:
    """One call would write what nobody reads: it goes plain, and so does what a batch of one brings later."""
    inbox = make_inbox(tmp_path / "in", 1, lines=3)
    with running(answers="canned") as address:
        run(inbox, settings_for(home, address))

    assert rows(home, "select cache_policy, cached_tokens, cache_write_tokens from api_calls") == [("none", 0, 0)]


def test_reading_that_does_not_happen_is_flagged_and_ends_the_marking(home: Path, tmp_path: Path) -> None:
    """Where every call lands on another machine, all write and none reads: the flags say so, and the next run marks nothing."""
    with running(answers="canned", requests_a_machine=1) as address:
        run(make_inbox(tmp_path / "in", 60, lines=3), settings_for(home, address))
        first = {flag for (flag,) in rows(home, "select flag from cache_flags")}
        run(make_inbox(tmp_path / "later", 5, first=100, lines=3), settings_for(home, address))

    assert first == {"reads fell short", "policy does not pay", "writes nobody reads"}
    policy, reason = rows(home, "select cache_policy, reason from cache_decisions order by logged_at desc limit 1")[0]
    assert policy == "none"
    assert reason == "5 calls expected: too few, or too far apart; a mark pays from 6 calls a key within its lifetime."
