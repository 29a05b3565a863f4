"""Ends that nobody planned: killed, interrupted, out of disk, two at once. The same command goes on, and nothing that was received is paid again."""

import errno
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autod_lib import ingest as pipeline
from autod_lib import journal, store
from autod_lib.errors import WorkspaceBusy, WorkspaceUnusable
from autod_lib.local_api import running

from .pipeline import PATIENCE_S, answered, autod, begin, environment, make_inbox, one, rows, run, settings_for, state_columns


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server that takes a moment for each answer, so that something is always in flight, and its log."""
    log = tmp_path_factory.mktemp("slow") / "api.jsonl"
    with running(answers="canned", latency=0.15, log=log) as address:
        yield address, log


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A workspace that is not there yet."""
    return tmp_path / "home"


def wait_for(happened: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    """Waits until it happened, or the process has ended."""
    until = time.monotonic() + PATIENCE_S
    while not happened() and (process is None or process.poll() is None):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


def end(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Both outputs of a process that is about to end."""
    with process:
        return process.communicate(timeout=PATIENCE_S)


def nothing_is_paid_twice(home: Path, requests: list[dict[str, Any]], in_flight: int, kills: int) -> None:
    """Compares the ledger with the server's own log."""
    asked = Counter(line["request_sha256"] for line in requests)
    assert one(home, "select count(*) from (select request_key from api_calls where status = 'answered' group by all having count(*) > 1)") == 0
    assert sum(asked.values()) - len(asked) <= in_flight * kills
    assert sum(asked.values()) <= one(home, "select count(*) from api_calls where status in ('answered', 'unsettled')")
    assert one(home, "select count(*) from calls_unsettled where cost_upper_usd is null") == 0


def test_a_run_that_is_killed_again_and_again_loses_and_repeats_nothing(slow: tuple[str, Path], home: Path, tmp_path: Path) -> None:
    """kill -9 at two random moments: the same command ends with all documents; only what was in flight is asked again, and named as unsettled."""
    address, log = slow
    inbox, before, in_flight = make_inbox(tmp_path / "in", 18, lines=5), len(answered(log)), 3
    draw = random.Random(20261124)
    for number in range(2):
        seen = len(answered(log))
        process = begin("ingest", inbox, "--in-flight", str(in_flight), home=home, address=address)
        wanted = draw.randrange(1, 6)
        wait_for(lambda seen=seen, wanted=wanted: len(answered(log)) >= seen + wanted, process)  # type: ignore[misc]
        time.sleep(draw.random() * 0.15)
        process.kill()
        end(process)
        assert process.returncode == -signal.SIGKILL, number
    last = run(inbox, settings_for(home, address, in_flight=in_flight))

    assert last.processed + last.reused == last.documents == 18
    assert last.exit_status == 0
    assert one(home, "select count(*) from documents where processing_status = 'processed'") == 18
    assert one(home, "select count(*) from calls_unsettled") <= 2 * in_flight
    nothing_is_paid_twice(home, answered(log)[before:], in_flight, 2)


@pytest.mark.parametrize(
    ("point", "calls", "unsettled"),
    [("document_read", 2, 0), ("call_started", 2, 1), ("call_finished", 1, 0), ("extraction", 1, 0)],
)
def test_a_crash_behind_any_event_is_made_good(slow: tuple[str, Path], home: Path, tmp_path: Path, point: str, calls: int, unsettled: int) -> None:
    """Killed behind each kind of event with one of two documents begun: the resumed run asks only what no answer was received for."""
    inbox = make_inbox(tmp_path / "in", 2)
    crashed = autod("ingest", inbox, "--in-flight", "1", home=home, address=slow[0], AUTOD_CRASH_AT=point)
    resumed = run(inbox, settings_for(home, slow[0], in_flight=1))

    assert crashed.returncode == -signal.SIGKILL
    assert resumed.calls == calls
    assert (resumed.processed + resumed.reused, resumed.failed, resumed.pending) == (2, 0, 0)
    assert one(home, "select count(*) from calls_unsettled") == unsettled
    assert one(home, "select bool_and(is_simulated) from extractions") is True
    assert one(home, "select count(*) from extractions where is_valid") == 2
    nothing_is_paid_twice(home, [], 1, 1)


@pytest.mark.parametrize(("number", "everyone"), [(signal.SIGTERM, False), (signal.SIGINT, True)], ids=["SIGTERM", "Ctrl-C"])
def test_an_interrupt_ends_a_run_in_order(slow: tuple[str, Path], home: Path, tmp_path: Path, number: signal.Signals, everyone: bool) -> None:
    """Once: no new call, those in flight end, exit 130, one JSON object; a terminal's Ctrl-C, which reaches all its processes, does no more."""
    address, log = slow
    inbox, seen = make_inbox(tmp_path / "in", 30, lines=5), len(answered(log))
    process = begin("ingest", inbox, "--in-flight", "2", "--json", home=home, address=address)
    wait_for(lambda: len(answered(log)) > seen + 1, process)
    (os.killpg if everyone else os.kill)(process.pid, number)
    report = json.loads(end(process)[0])
    resumed = run(inbox, settings_for(home, address))

    assert process.returncode == 130
    assert report["documents"] == report["processed"] + report["pending"] == 30
    assert report["pending"] > 0
    assert report["unsettled"] == 0
    assert rows(home, "select state, exit_status from runs_overview order by started_at limit 1") == [("interrupted", 130)]
    assert (state_columns(resumed), resumed.calls) == ((report["pending"], report["processed"], 0, 0), report["pending"])


def test_ctrl_c_leaves_the_simulated_api_up_until_its_calls_end(home: Path, tmp_path: Path) -> None:
    """With --local the server belongs to the command: the terminal's interrupt does not cut off the calls in flight."""
    inbox = make_inbox(tmp_path / "in", 60, lines=5)
    process = begin("ingest", inbox, "--local", "--in-flight", "2", "--json", home=home, address=None)
    wait_for(lambda: any('"call_finished"' in segment.read_text() for segment in journal.segments(home)), process)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = end(process)

    assert process.returncode == 130
    assert json.loads(out)["unsettled"] == 0
    assert json.loads(out)["failed"] == 0


def test_ctrl_c_makes_no_document_bad(home: Path, tmp_path: Path) -> None:
    """The processes that read PDFs are not the terminal's: a document that was being read stays pending or is read, it is not quarantined."""
    inbox = make_inbox(tmp_path / "in", 2, pages=250)
    with running(answers="canned") as address:
        process = begin("ingest", inbox, "--json", home=home, address=address)
        wait_for(lambda: any('"prompt_version"' in segment.read_text() for segment in journal.segments(home)), process)
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)
        end(process)

    assert process.returncode == 130
    assert rows(home, "select processing_status from documents where processing_status in ('quarantined', 'failed', 'rejected')") == []


def test_a_second_interrupt_cuts_off_what_is_in_flight(home: Path, tmp_path: Path) -> None:
    """Twice: now. The calls that were under way are unsettled, with what they may have cost."""
    inbox = make_inbox(tmp_path / "in", 3)
    with running(answers="canned", latency=60) as address:
        process = begin("ingest", inbox, "--json", home=home, address=address)
        wait_for(lambda: any('"call_started"' in segment.read_text() for segment in journal.segments(home)), process)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        report = json.loads(end(process)[0])

    assert process.returncode == 130
    assert (report["unsettled"], report["pending"]) == (1, 3)
    assert float(report["unsettled_upper_usd"]) > 0
    assert rows(home, "select status, error_kind from api_calls") == [("unsettled", "interrupted")]


def test_the_second_of_two_runs_sends_nothing_or_waits(slow: tuple[str, Path], home: Path, tmp_path: Path) -> None:
    """While a run holds the workspace another names it and exits 5; with --wait it begins afterwards and finds everything known."""
    address, log = slow
    inbox, seen = make_inbox(tmp_path / "in", 12, lines=5), len(answered(log))
    first = begin("ingest", inbox, "--in-flight", "1", "--json", home=home, address=address)
    wait_for(lambda: len(answered(log)) > seen, first)
    with pytest.raises(WorkspaceBusy, match=f"process {first.pid}") as refused:
        run(inbox, settings_for(home, address))
    waiting = begin("ingest", inbox, "--wait", "--json", home=home, address=address)
    reports = [json.loads(end(process)[0]) for process in (first, waiting)]

    assert refused.value.exit_status == 5
    assert [(report["processed"], report["reused"], report["calls"]) for report in reports] == [(12, 0, 12), (0, 12, 0)]
    assert len(answered(log)) == seen + 12


def test_a_lock_of_a_killed_run_is_free_at_once(home: Path, tmp_path: Path) -> None:
    """No stale lock: what the file says of a dead holder is not believed."""
    inbox = make_inbox(tmp_path / "in", 1)
    with running(answers="canned") as address:
        autod("ingest", inbox, home=home, address=address, AUTOD_CRASH_AT="call_started")
        held = (home / "autod.lock").read_text()
        report = run(inbox, settings_for(home, address))

    assert '"pid"' in held
    assert report.exit_status == 0


def full_from(nth: int, monkeypatch: pytest.MonkeyPatch, *, short: bool) -> Callable[[], int]:
    """A disk on which the n-th event, and each one after it, finds no room; gives how many were refused."""
    write, count, refused = os.write, [0], [0]

    def no_room(file: int, data: Any) -> int:
        if not bytes(data[:9]).lstrip().startswith(b'{"kind"'):
            return write(file, data)
        count[0] += 1
        if count[0] < nth:
            return write(file, data)
        refused[0] += 1
        if short:
            return write(file, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(journal.os, "write", no_room)
    return lambda: refused[0]


@pytest.mark.parametrize("short", [False, True], ids=["refused", "cut short"])
def test_a_full_disk_stops_a_run_at_any_event_and_nothing_is_lost(
    slow: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short: bool
) -> None:
    """Whichever event first finds no room, the run ends with exit 6 and sends nothing more; with room again, no received answer is paid twice."""
    address, log = slow
    inbox = make_inbox(tmp_path / "in", 1)
    nth = 7 if short else 1
    while nth < (9 if short else 99):
        home = tmp_path / f"home-{nth}"
        seen = len(answered(log))
        with monkeypatch.context() as patch:
            refused = full_from(nth, patch, short=short)
            try:
                status = run(inbox, settings_for(home, address, readers=1)).exit_status
            except WorkspaceUnusable as error:
                status = error.exit_status
        if not refused():
            break
        sent = len(answered(log)) - seen
        resumed = run(inbox, settings_for(home, address, readers=1))
        [(recorded, lost)] = rows(home, "select count(*) filter (where status = 'answered'), (select count(*) from calls_unsettled) from api_calls")

        assert status == 6, nth
        assert sent <= 1
        assert (resumed.exit_status, resumed.processed + resumed.reused) == (0, 1), nth
        assert recorded == 1
        assert lost == (sent + resumed.calls - 1), nth
        nth += 1

    assert nth >= 9


def test_a_full_disk_lets_nobody_wait_for_ever(slow: tuple[str, Path], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a tight budget, others wait for a call to settle: when its end cannot be written, the run ends all the same and sends nothing more."""
    address, log = slow
    inbox, seen = make_inbox(tmp_path / "in", 8, lines=3), len(answered(log))
    write = journal.Journal.write

    def no_room_for_ends(self: journal.Journal, kind: str, **columns: Any) -> None:
        if kind == "call_finished":
            raise self._unwritable(kind, "No space left on device")
        write(self, kind, **columns)

    with monkeypatch.context() as patch:
        patch.setattr(journal.Journal, "write", no_room_for_ends)
        report = run(inbox, settings_for(home, address, budget_run_usd="0.0026"))

    assert report.exit_status == 6
    assert (report.pending, report.unsettled) == (8, 1)
    assert len(answered(log)) == seen + 1
    assert one(home, "select count(*) from calls_unsettled") == 1


@pytest.mark.usefixtures("databases_are_made")
def test_a_database_that_is_deleted_is_made_again(slow: tuple[str, Path], home: Path, tmp_path: Path) -> None:
    """The journal is the truth: without the database, the same command asks nothing again and the same figures stand."""
    inbox = make_inbox(tmp_path / "in", 2)
    run(inbox, settings_for(home, slow[0]))
    figures = "select document_sha256, doc_type, cost_usd, calls from documents order by all"
    before = rows(home, figures)
    for path in home.glob("autod.duckdb*"):
        path.unlink()
    report = run(inbox, settings_for(home, slow[0]))

    assert (report.calls, report.reused) == (0, 2)
    assert rows(home, figures) == before


def test_watching_reads_what_appears_until_it_is_interrupted(slow: tuple[str, Path], home: Path, tmp_path: Path) -> None:
    """--watch takes a file that comes later, and an interrupt between two looks ends it with the sum of all rounds."""
    address, log = slow
    inbox, seen = make_inbox(tmp_path / "in", 1), len(answered(log))
    process = begin("ingest", inbox, "--watch", "--json", home=home, address=address)
    wait_for(lambda: len(answered(log)) > seen, process)
    make_inbox(inbox, 1, first=7)
    wait_for(lambda: sum(segment.read_text().count('"run_finished"') for segment in journal.segments(home)) == 2, process)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    report = json.loads(end(process)[0])

    assert process.returncode == 130
    assert (report["documents"], report["processed"], report["calls"]) == (2, 2, 2)


def test_the_loop_that_loads_beside_the_work_keeps_up(slow: tuple[str, Path], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """During a run its calls can already be read from the database, by somebody who waits for nothing."""
    monkeypatch.setattr(pipeline, "LOAD_EVERY_S", 0.1)
    inbox = make_inbox(tmp_path / "in", 8, lines=3)
    seen: list[int] = []

    def look(state: Any) -> None:
        if state.done == 6:
            time.sleep(0.5)
            seen.append(one(home, "select count(*) from api_calls"))

    pipeline.ingest([inbox], settings_for(home, slow[0], in_flight=1), None, look)

    assert seen[0] >= 3


def test_with_no_text_kept_nothing_of_a_document_is_written_down_but_its_values(home: Path, tmp_path: Path) -> None:
    """No word of a text, raw answer, excerpt or title is in any file of the workspace, a failed answer's neither; values, money and status are."""
    inbox = make_inbox(tmp_path / "in", 2)
    with running(faults="refusal=first1") as address:
        settings = settings_for(home, address, keep_text=False, in_flight=1)
        report, again = run(inbox, settings), run(inbox, settings)
    contents = {path.name: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    words = (b"green cloth", b"Binding of", b"INVOICE No", b"untitled", b"anonymous", b"output_text")

    assert (report.processed, report.needs_review, again.calls) == (2, 1, 0)
    assert {name: word for name, data in contents.items() for word in words if word in data} == {}
    assert rows(home, "select count(issuer), count(total_amount), count(summary), count(ocr_text_excerpt), count(notes) from documents") == [
        (1, 1, 0, 0, 0)
    ]
    assert one(home, "select count(*) from api_calls where cost_usd > 0") == report.calls


def test_all_that_a_run_leaves_behind_is_its_users_alone(slow: tuple[str, Path], full: Path) -> None:
    """No file or folder of a workspace can be read by another user of the machine, whatever the mask of the process says."""
    assert {path.name: oct(path.stat().st_mode) for path in (full, *full.rglob("*")) if path.stat().st_mode & 0o077} == {}


READING = """
import sys
from pathlib import Path
from autod_lib import store
with store.reading(Path(sys.argv[1])) as con:
    before = con.execute("select count(*) from documents").fetchall()
    print("ready", flush=True)
    sys.stdin.read()
    assert con.execute("select count(*) from documents").fetchall() == before
"""


def test_a_long_query_holds_no_run_up_and_sees_one_state(
    slow: tuple[str, Path], home: Path, tmp_path: Path, start: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While `autod sql` reads, every document is asked and journaled; the query sees the state it began with; when it ends, all of it is loaded."""
    monkeypatch.setattr(pipeline, "LOAD_EVERY_S", 0.05)
    store.load(home)
    reader = start(READING, home)
    asked: list[int] = []

    def look(state: Any) -> None:
        asked.append(sum(segment.read_text().count('"call_finished"') for segment in journal.segments(home)))
        if state.done == 3:
            assert reader.communicate("")[1] == ""

    report = pipeline.ingest([make_inbox(tmp_path / "in", 3, lines=3)], settings_for(home, slow[0], in_flight=1), None, look)

    assert asked == [1, 2, 3]
    assert reader.returncode == 0
    assert (report.exit_status, report.processed) == (0, 3)
    assert one(home, "select count(*) from documents where processing_status = 'processed'") == 3


def test_a_migration_by_a_newer_autod_ends_an_older_run_in_order(
    slow: tuple[str, Path], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a run the database gets a version that the run does not know: it writes nothing there, says so, and loses no answer."""
    monkeypatch.setattr(pipeline, "LOAD_EVERY_S", 0.05)
    steps = store._migrations()
    later = (9998, "9998_later.sql", "create table later (a integer); comment on table later is 'x'; comment on column later.a is 'x'")

    def migrate(state: Any) -> None:
        if state.done == 1:
            with monkeypatch.context() as newer:
                newer.setattr(store, "_migrations", lambda: [*steps, later])
                with store.writing(home):
                    pass

    inbox = make_inbox(tmp_path / "in", 12, lines=3)
    report = pipeline.ingest([inbox], settings_for(home, slow[0], in_flight=1), None, migrate)
    for path in home.glob("autod.duckdb*"):
        path.unlink()
    resumed = run(inbox, settings_for(home, slow[0]))

    assert report.exit_status == 6
    assert "version 9998, this autoD knows" in str(report.stopped_by)
    assert "Update autoD" in str(report.stopped_by)
    assert 0 < report.calls < 12
    assert (resumed.processed + resumed.reused, resumed.calls) == (12, 12 - report.calls)


SMALL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.dont_write_bytecode = True  # a file of it that was cut short would stay
sys.argv = ["autod", *sys.argv[2:]]
from autod_lib.cli import main
main()
"""


@pytest.mark.parametrize(
    ("arguments", "room"),
    [(("load",), 100_000), (("backup", "safe.tar.gz"), 4096), (("export", "out", "api_calls"), 100), (("delete", "{sha}"), 100)],
    ids=lambda value: value[0] if isinstance(value, tuple) else str(value),
)
def test_a_disk_that_takes_no_more_is_exit_6_and_nothing_is_broken(
    slow: tuple[str, Path], tmp_path: Path, arguments: tuple[str, ...], room: int, full: Path
) -> None:
    """Whatever could not be written, what was there is whole, no half file is left, and the same command works when there is room."""
    home = Path(shutil.copytree(full, tmp_path / "home"))
    figures = "select document_sha256, doc_type, cost_usd, calls from documents order by all"
    (sha, *_), *_ = before = rows(full, figures)
    if arguments[0] == "load":
        store.database(home).unlink()
    words = [word.format(sha=sha) for word in arguments]
    small = subprocess.run(
        [sys.executable, "-c", SMALL, str(room), *words], env=environment(home, None), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    left = [path.name for path in tmp_path.rglob("*") if ".unfinished" in path.name or path.suffix in (".gz", ".csv")]
    again = autod(*words, home=home, cwd=tmp_path)

    assert small.returncode == 6, small.stderr
    assert re.search("[Mm]ake room", small.stderr)
    assert "Traceback" not in small.stderr
    assert left == []
    assert again.returncode == 0, again.stderr
    assert rows(home, figures) == before


@pytest.fixture(scope="module")
def full(slow: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two documents; to be copied, never changed."""
    folder = tmp_path_factory.mktemp("full")
    run(make_inbox(folder / "in", 2, lines=3), settings_for(folder / "home", slow[0]))
    return folder / "home"
