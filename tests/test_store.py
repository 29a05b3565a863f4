"""The database: made from the journal, remade from it, held by nobody, and closed to whatever SQL a notebook may hold."""

import doctest
import errno
import gzip
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autod_lib import journal, store
from autod_lib.errors import StoreDamaged, StoreTooNew, WorkspaceBusy, WorkspaceUnusable
from autod_lib.journal import Journal

from .ledger import FIRST_DAY, again, modes, write
from .pipeline import copy_empty_database

Start = Callable[..., subprocess.Popen[str]]
Figures = dict[str, list[Any]]
ABOUT_LOADING = {"schema_migrations", "schema_views", "segments", "price_list_state"}
RUN = "20261124-020000-0000000a"

# The contract: these names and columns are relied on by people and scripts.
VIEWS = """api_calls calls_unsettled cost_by_day cost_by_model cost_by_document cost_by_run cache_by_day cache_by_key classification
    classification_by_week accuracy_by_field confusion calibration estimate_vs_bill latency_by_hour errors_by_kind budget_status runs_overview
    review_queue documents sightings""".split()  # noqa: SIM905
COLUMNS = {
    "api_calls": """call_id run_id document_sha256 arm model status outcome started_at finished_at attempt input_tokens cached_tokens
        cache_write_tokens output_tokens reasoning_tokens service_tier cost_usd cost_upper_usd price_date is_simulated error_kind""",
    "sightings": "document_sha256 path problem first_seen_at last_seen_at",
    "documents": """document_sha256 sha256_base64 file_name size_bytes page_count doc_type doc_subtype confidence_score issuer recipient
        primary_date secondary_date total_amount currency summary action_items deadlines urgency_level tags language_detected ocr_text_excerpt
        extraction_quality requires_review notes schema_version vector_store_file_id vector_store_attributes processing_status processed_at
        processing_seconds model input_tokens cached_tokens cache_write_tokens output_tokens reasoning_tokens cost_usd error_kind needs_review
        raw_answer created_at updated_at is_deleted deleted_at""",
}


def _rounded(value: Any) -> Any:
    return round(value, 9) if isinstance(value, float) else value


def _figures(home: Path) -> Figures:
    """Every row of every table that is loaded from the journal, and of two views; all others say what follows from the tables."""
    with store.reading(home) as con:
        tables = [row[0] for row in con.execute("select table_name from duckdb_tables() where not internal order by 1").fetchall()]
        names = [name for name in tables if name not in ABOUT_LOADING] + ["documents", "cost_by_day"]
        return {
            name: sorted(repr(sorted((key, _rounded(value)) for key, value in row.items())) for row in store.rows(con, f"from {name}"))
            for name in names
        }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A loaded ledger of real and simulated calls, labels and open ends; to be copied, never changed."""
    home = tmp_path_factory.mktemp("made")
    write(home, days=5, a_day=6, seed=5)
    write(home, first_day=FIRST_DAY + timedelta(days=8), days=2, a_day=4, simulated=True, seed=6)
    modes(home)
    again(home)
    with Journal(home, "20261101-000000-0000000d") as killed:
        killed.write("run_started", command="ingest", is_simulated=False)
        killed.write("call_started", call_id=str(uuid.uuid4()), document_sha256="ab" * 32, cost_upper_usd="0.01", is_simulated=False)
        killed.write("deletion", document_sha256="ab" * 32, is_deleted=True)
        killed.write("purge", document_sha256="ab" * 32, state="intended")
        killed.write("sighting", document_sha256="ab" * 32, path="/elsewhere/left.pdf")
        killed.write("document_read", document_sha256="cd" * 32, file_name="doubtful.pdf", status="readable")
        killed.write("document_status", document_sha256="cd" * 32, status="needs_review", is_simulated=False)
        for kind, object_id, parent in (("vector_store", "vs_1", None), ("file", "file-1", None), ("vector_store_file", "file-1", "vs_1")):
            about = {"object_kind": kind, "object_id": object_id, "parent_id": parent, "document_sha256": "cd" * 32}
            killed.write("remote_object", state="made", is_simulated=False, **about)
        killed.write("search", query="doubtful", hits=1, cost_usd="0.0025", is_simulated=False)
        policy = {"name": "sure enough", "is_simulated": False, "field": "doc_type", "target": 0.5, "sure": 0.9, "usd_a_thousand": "2"}
        killed.write("policy", **policy, is_vote=False, stages=[{"arm": "an arm", "least": None}])
        for number in range(60):  # enough labels to recalibrate a confidence by
            about = {"document_sha256": hashlib.sha256(bytes([number])).hexdigest(), "doc_type": "Letter", "is_simulated": False}
            killed.write("extraction", **about, arm="an arm", confidence_score=number / 100, is_valid=True)
            killed.write("label", **about, field="doc_type", value="Letter" if number % 3 else "Form", is_absent=False)
        killed.write("notebook_run", step="collect", command="batch collect", state="finished", attempt=1, seconds=1.0)
    store.load(home)
    return home


@pytest.fixture(scope="module")
def expected(made: Path) -> Figures:
    """What its tables say."""
    figures = _figures(made)
    assert sum(map(len, figures.values())) > 250
    return figures


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """A copy of the loaded ledger."""
    return Path(shutil.copytree(made, tmp_path / "home"))


@pytest.fixture
def unloaded(home: Path) -> Path:
    """A copy of its journal alone."""
    _move_away(home)
    return home


def _move_away(home: Path) -> None:
    """What a damaged database's message says to do first."""
    for path in home.glob(f"{store.DATABASE}*"):
        if path.suffix != ".lock":
            path.unlink()


# ------------------------------------------------------------------------------------------------------------------ migrations
def test_every_view_has_something_to_say_of_this_ledger(made: Path) -> None:
    """So that no view can be wrong in all the tests that read it here."""
    with store.reading(made) as con:
        names = [row[0] for row in con.execute("select view_name from duckdb_views() where not internal").fetchall()]
        assert [name for name in names if not con.execute(f"from {name} limit 1").fetchall()] == []


@pytest.mark.usefixtures("databases_are_made")
def test_a_new_database_is_made_whole_and_made_once(tmp_path: Path) -> None:
    """The second time changes nothing, not even a time."""
    states = []
    for _ in range(2):
        with store.writing(tmp_path) as con:
            states.append(
                [
                    con.execute(sql).fetchall()
                    for sql in (
                        "from schema_migrations order by version",
                        "from schema_views",
                        "select table_name, column_name, data_type, comment from duckdb_columns() where not internal order by all",
                    )
                ]
            )
    assert states[0] == states[1]
    assert [row[1] for row in states[0][0]] == sorted(entry.name for entry in (store.SQL / "migrations").iterdir())


@pytest.mark.usefixtures("databases_are_made")
def test_changed_views_are_made_again_over_what_is_there(home: Path, expected: Figures) -> None:
    """A new autoD brings its own definitions; the rows stay, and so do the comments."""
    with store.writing(home) as con:
        con.execute("update schema_views set hash = 'of an older autoD'")
        con.execute("create or replace view classification as select 1 as one")
    assert _figures(home) == expected
    with store.reading(home) as con:
        assert con.execute("select comment from duckdb_views() where view_name = 'classification'").fetchall() != [(None,)]


@pytest.mark.usefixtures("databases_are_made")
def test_an_interrupted_migration_leaves_nothing_behind(home: Path, monkeypatch: pytest.MonkeyPatch, expected: Figures) -> None:
    """A step is whole or absent, with its row in the list of versions."""
    next_version = store._migrations()[-1][0] + 1
    broken = (next_version, f"{next_version:04}_broken.sql", "create table half (a integer); comment on table half is 'x'; select error('cut off')")
    with monkeypatch.context() as patched:
        patched.setattr(store, "_migrations", lambda real=store._migrations: [*real(), broken])
        with pytest.raises(duckdb.Error, match="cut off"), store.writing(home):
            pass
    with store.reading(home) as con:
        assert con.execute("select count(*) from duckdb_tables() where table_name = 'half'").fetchall() == [(0,)]
        assert con.execute("select max(version) from schema_migrations").fetchall() == [(next_version - 1,)]
    assert _figures(home) == expected


@pytest.mark.usefixtures("databases_are_made")
def test_a_step_that_comes_late_puts_no_value_into_another_column(unloaded: Path, monkeypatch: pytest.MonkeyPatch, expected: Figures) -> None:
    """Versions are a set: in a database that got a lower one after a higher one, columns stand in another order, and the figures are the same."""
    with monkeypatch.context() as patched:
        patched.setattr(store, "_migrations", lambda real=store._migrations: [step for step in real() if step[0] != 2])
        patched.setattr(store, "_views", list)
        patched.setattr(store, "_views_hash", lambda: "none")
        with store.writing(unloaded) as con:
            before = con.execute("describe calls_started").fetchall()
    assert _figures(unloaded) == expected
    with store.reading(unloaded) as con:
        after = con.execute("describe calls_started").fetchall()
    assert after[: len(before)] == before
    assert [name for name, *_ in after] != [*store._COLUMNS["calls_started"]], "else this shows nothing"


def test_a_database_of_a_newer_autod_is_refused_and_not_changed(home: Path) -> None:
    """Exit 6, both versions named, and the file is the same to the byte."""
    with store.writing(home) as con:
        con.execute("insert into schema_migrations values (9999, '9999_later.sql', now())")
        con.execute("update schema_views set hash = 'of a newer autoD'")
    file = home / store.DATABASE
    before = file.read_bytes()
    for attempt in (lambda: store.writing(home), lambda: store.reading(home)):
        with pytest.raises(StoreTooNew, match=r"version 9999, this autoD knows \d+\. Nothing was changed") as told, attempt():
            pass
    with pytest.raises(StoreTooNew):
        store.load(home)
    assert told.value.exit_status == 6
    assert file.read_bytes() == before


def test_everything_in_the_database_is_explained_in_it(made: Path) -> None:
    """Every table, view and column has a comment: the reference of the metrics is made from them."""
    with store.reading(made) as con:
        silent = con.execute(
            """select 'table ' || table_name from duckdb_tables() where not internal and coalesce(comment, '') = ''
            union all select 'view ' || view_name from duckdb_views() where not internal and coalesce(comment, '') = ''
            union all select table_name || '.' || column_name from duckdb_columns() where not internal and coalesce(comment, '') = ''"""
        ).fetchall()
        assert silent == []
        assert con.execute("select count(*) > 300 from duckdb_columns() where not internal").fetchall() == [(True,)]


@pytest.mark.parametrize("view", VIEWS)
def test_the_views_that_reports_rely_on_are_there(view: str, made: Path) -> None:
    """With the columns that were promised, and simulated and real money apart wherever money is counted."""
    with store.reading(made) as con:
        columns = [row[0] for row in con.execute(f"describe {view}").fetchall()]
    assert set(COLUMNS.get(view, "").split()) <= set(columns)
    if any(column.endswith("_usd") for column in columns):
        assert "is_simulated" in columns


def test_money_is_decimal_and_times_have_a_zone(made: Path) -> None:
    """No column of money is a float, and none of time is of an unknown zone."""
    with store.reading(made) as con:
        columns = con.execute("select table_name || '.' || column_name, data_type from duckdb_columns() where not internal").fetchall()
    assert {name: kind for name, kind in columns if name.endswith("_usd") and not kind.startswith("DECIMAL")} == {}
    assert {name: kind for name, kind in columns if name.endswith("_at") and kind != "TIMESTAMP WITH TIME ZONE"} == {}


# --------------------------------------------------------------------------------------------------------------------- loading
def test_loading_again_adds_nothing(home: Path, expected: Figures) -> None:
    """Neither by the same load nor by one that has forgotten how far it was told to read."""
    assert store.load(home).events == 0
    assert store.load(home).segments == []
    assert _figures(home) == expected


@pytest.mark.usefixtures("databases_are_made")
def test_a_database_that_is_deleted_is_made_again_with_the_same_figures(unloaded: Path, expected: Figures) -> None:
    """The journal is the truth; whoever reads next has the database remade."""
    assert _figures(unloaded) == expected


def test_a_journal_loaded_in_small_steps_gives_the_same_figures(unloaded: Path, expected: Figures) -> None:
    """While a run goes on, its segment is loaded a few lines at a time, cut anywhere."""
    for segment in journal.segments(unloaded)[2:3]:
        whole = segment.read_bytes()
        writer = Journal(unloaded, "20990101-000000-0000000f")  # holds a lock, as a live run does
        segment.unlink()
        writer.path.rename(segment)
        for start in range(0, len(whole), 20_001):
            with segment.open("ab") as file:
                file.write(whole[start : start + 20_001])
            store.load(unloaded, only=segment)
        writer.close()
    assert _figures(unloaded) == expected


def test_compressing_a_loaded_segment_changes_nothing(home: Path, expected: Figures) -> None:
    """Its content is known to be loaded, and the database can be made anew from it."""
    for segment in journal.segments(home):
        segment.with_suffix(".jsonl.gz").write_bytes(gzip.compress(segment.read_bytes()))
        segment.unlink()
    assert store.load(home).events == 0
    _move_away(home)
    assert _figures(home) == expected


def test_a_segment_is_compressed_a_day_after_its_run_and_stays_as_good(home: Path, expected: Figures) -> None:
    """The next load does it; one that is younger, or that a kill left beside its packed copy, is loaded once, and the same figures come of it."""
    store.load(home)
    old, *_, young = journal.segments(home)
    for segment in journal.segments(home):
        os.utime(segment, (time.time(), time.time() - (0 if segment == young else 2 * store.PACK_AFTER_S)))
    kept = old.read_bytes()
    store.load(home)
    packed = [segment for segment in journal.segments(home) if segment.suffix == ".gz"]
    assert len(packed) == len(journal.segments(home)) - 1
    assert young.exists()
    assert not old.exists()
    assert gzip.decompress(packed[0].read_bytes()) == kept
    old.write_bytes(kept)
    assert len(journal.segments(home)) == len({journal.run_of(segment) for segment in journal.segments(home)})
    _move_away(home)
    assert _figures(home) == expected


@pytest.mark.usefixtures("databases_are_made")
def test_a_database_is_copied_before_its_version_changes(home: Path, expected: Figures, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy is of the version before and holds what was there; the copy of an earlier change goes; without a change there is none."""
    store.load(home)
    assert list(home.glob("*.of-version-*")) == []
    steps = store._migrations()
    version = steps[-1][0]
    (home / f"{store.DATABASE}.of-version-0001").write_bytes(b"older")
    with monkeypatch.context() as patch:
        further = (
            version + 1,
            f"{version + 1:04}_more.sql",
            "create table more (a integer); comment on table more is 'x'; comment on column more.a is 'x'",
        )
        patch.setattr(store, "_migrations", lambda: [*steps, further])
        store.load(home)
    (copy,) = home.glob("*.of-version-*")
    assert copy.name.endswith(f".of-version-{version:04}")
    assert copy.stat().st_mode & 0o777 == 0o600
    with duckdb.connect(str(copy), read_only=True) as con:
        assert con.execute("select max(version) from schema_migrations").fetchall() == [(version,)]
        assert con.execute("select count(*) > 0 from calls_finished").fetchall() == [(True,)]


@pytest.mark.usefixtures("databases_are_made")
def test_without_room_for_the_copy_nothing_changes(home: Path, expected: Figures, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 6, and the database is of the version before."""
    store.load(home)
    steps = store._migrations()

    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store, "_migrations", lambda: [*steps, (9998, "9998_more.sql", "create table more (a integer)")])
        patch.setattr(store.shutil, "copyfile", no_room)
        with pytest.raises(WorkspaceUnusable, match="Nothing was changed"):
            store.load(home)
    assert _figures(home) == expected


KILLED = """
import sys, time
from pathlib import Path
from autod_lib import store
home, at = Path(sys.argv[1]), int(sys.argv[2])
real, calls = store._note_segment, 0
def note(*given, **named):
    global calls
    calls += 1
    if calls == at:  # rows are inserted, the offset is not yet moved, nothing is committed
        print("ready", flush=True)
        time.sleep(60)
    real(*given, **named)
store._note_segment = note
store.load(home)
"""


@pytest.mark.parametrize("at", [1, 6])
def test_a_load_that_is_killed_in_its_middle_is_taken_up_again(unloaded: Path, start: Start, expected: Figures, at: int) -> None:
    """kill -9 between the rows and their commit: no row is lost, none is there twice."""
    process = start(KILLED, unloaded, at)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert _figures(unloaded) == expected


def _segment(home: Path, *lines: bytes) -> Path:
    path = home / "journal" / f"{RUN}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def _line(kind: str, seq: int, **columns: Any) -> bytes:
    return json.dumps({"kind": kind, "run_id": RUN, "seq": seq, "logged_at": "2026-11-24T02:00:00+00:00"} | columns).encode()


POISON = {
    "of an unknown kind": (_line("teleported", 5, to="moon"), "unknown kind 'teleported'"),
    "with an id that is none": (_line("call_started", 5, call_id="x"), "does not fit calls_started"),
    "with a cost that is none": (_line("call_started", 5, call_id=str(uuid.uuid4()), estimate_usd="cheap"), "does not fit calls_started"),
    "with a number out of range": (_line("look", 5, files=2**63), "does not fit looks"),
    "with a time that is none": (_line("look", 5, logged_at="yesterday"), "does not fit looks"),
    "that does not fit its second table": (_line("call_finished", 5, body={"a": 1}, call_id="x"), "does not fit calls_finished"),
    "with a surrogate": (_line("look", 5, root="\ud800"), "not JSON"),
    "of another run": (_line("look", 5).replace(RUN.encode(), b"20261124-020000-0000000b"), "another run"),
    "of zeros": (b"\0" * 100, "not JSON"),
}


@pytest.mark.parametrize("kind", POISON)
def test_a_line_that_cannot_be_loaded_is_put_aside_alone(tmp_path: Path, empty_database: Path, kind: str) -> None:
    """With its text and the reason; the lines before and behind it are loaded, once, and the count is told."""
    line, reason = POISON[kind]
    shutil.copy(empty_database, tmp_path)
    _segment(tmp_path, _line("look", 0, files=1), _line("label", 1, value="a"), line, _line("look", 2, files=2))
    report = store.load(tmp_path)
    assert (report.events, report.poison, report.segments) == (3, 1, [RUN])
    with store.reading(tmp_path) as con:
        assert con.execute("select files from looks order by seq").fetchall() == [(1,), (2,)]
        assert con.execute("select value from labels_log").fetchall() == [("a",)]
        ((run_id, why, text),) = con.execute("select run_id, reason, line from quarantined_lines").fetchall()
        assert con.execute("select events, poison from segments").fetchall() == [(3, 1)]
    assert run_id == RUN
    assert reason in why
    assert text.encode() == line or json.loads(text) == json.loads(line)
    assert store.load(tmp_path).poison == 0


def test_an_unfinished_last_line_waits_while_its_run_is_alive(tmp_path: Path) -> None:
    """It is loaded when it is finished, or dropped and counted once nobody can finish it."""
    with Journal(tmp_path, RUN) as writer:
        writer.write("look", files=1)
        line = _line("look", 1, files=2)
        with writer.path.open("ab") as file:
            file.write(line[:30])
        assert (store.load(tmp_path).events, store.load(tmp_path).torn_bytes) == (1, 0)
        with writer.path.open("ab") as file:
            file.write(line[30:] + b"\n" + line[:11])
        assert (store.load(tmp_path).events, store.load(tmp_path).torn_bytes) == (1, 0)
    assert store.load(tmp_path).torn_bytes == 11
    with store.reading(tmp_path) as con:
        assert con.execute("select events, torn_bytes, is_closed from segments").fetchall() == [(2, 11, True)]


def test_a_run_that_has_only_begun_is_not_taken_for_a_dead_one(tmp_path: Path) -> None:
    """Its file is there before its lock is: a load in that moment must not close it."""
    path = _segment(tmp_path)
    assert path.stat().st_size == 0
    store.load(tmp_path)
    path.unlink()
    with Journal(tmp_path, RUN) as writer:
        writer.write("look", files=1)
    with store.reading(tmp_path) as con:
        assert con.execute("select count(*) from looks").fetchall() == [(1,)]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.lists(TEXT, max_size=2)
EVENTS = st.one_of(
    st.fixed_dictionaries({"kind": st.just("look"), "root": VALUES, "files": VALUES, "seconds": VALUES}),
    st.fixed_dictionaries({"kind": st.just("label"), "value": VALUES, "alternatives": VALUES, "is_absent": VALUES}),
    st.fixed_dictionaries({"kind": st.sampled_from(["alert", "teleported"]), "message": VALUES}),
)


@settings(max_examples=6)
@given(st.lists(EVENTS, min_size=1, max_size=15), st.integers(50, 2000))
def test_any_events_in_pieces_of_any_size_load_to_the_same_tables(empty_database: Path, events: list[dict[str, Any]], at_most: int) -> None:
    """And every line is either a row or put aside: none is lost."""
    tables = []
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        home = Path(shutil.copy(empty_database, folder)).parent
        _segment(home, *(_line(seq=number, **event) for number, event in enumerate(events)))
        real = journal.read
        for size in (at_most, 64_000_000):
            patched.setattr(journal, "read", lambda path, offset=0, size=size: real(path, offset, size))
            store.load(home)
            with store.reading(home) as con:
                names = ("looks", "labels_log", "alerts")
                rows = [repr(con.execute(f"from {name} order by seq").fetchall()) for name in names]
                (counted,) = con.execute(
                    "select sum(n) from (select count(*) as n from looks union all select count(*) from labels_log "
                    "union all select count(*) from alerts union all select count(*) from quarantined_lines)"
                ).fetchall()
            assert counted == (len(events),)
            tables.append(rows)
            shutil.copy(empty_database, home)
    assert tables[0] == tables[1]


def test_texts_are_stored_as_they_are(tmp_path: Path) -> None:
    """Control characters, quotes and SQL are data."""
    texts = ["", "'; drop table looks; --", "a\x00b", "\x1b[2J", "\u202e", "=1+1", "🧾", "{}", "null", "x" * 100_000]
    with Journal(tmp_path) as writer:
        for text in texts:
            writer.write("label", value=text)
    with store.reading(tmp_path) as con:
        assert [row[0] for row in con.execute("select value from labels_log order by seq").fetchall()] == texts


# ----------------------------------------------------------------------------------------------------------- hardened reading
FORBIDDEN = {
    "reads a file": "select * from read_text('{file}')",
    "reads a file's bytes": "select * from read_blob('{file}')",
    "reads a table from a file": "select * from '{file}.csv'",
    "lists a folder": "select * from glob('{folder}/*')",
    "writes a file": "copy (select 1) to '{folder}/out.csv'",
    "exports the database": "export database '{folder}/out'",
    "attaches a database": "attach '{folder}/other.duckdb'",
    "installs an extension": "install httpfs",
    "loads an extension": "load httpfs",
    "asks a network address": "select * from read_csv('http://127.0.0.1:9/x.csv')",
    "sets a setting": "set enable_external_access = true",
    "sets the time zone": "set TimeZone = 'Asia/Tokyo'",
    "unlocks the configuration": "set lock_configuration = false",
    "reads a variable of Python": "select * from secret_frame",
    "reads the environment": "select getenv('HOME')",
    "keeps a secret": "create persistent secret s (type http)",
}


@pytest.mark.parametrize("what", FORBIDDEN)
@pytest.mark.parametrize("way", ["reading", "writing"])
def test_sql_reaches_nothing_outside_the_database(made: Path, tmp_path: Path, what: str, way: str) -> None:
    """Whatever a notebook or `autod sql` is given, and from a second cursor too."""
    secret_frame = {"a": numpy.array([1])}  # noqa: F841
    assert duckdb.sql("select * from secret_frame").fetchall() == [(1,)]
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "secret.txt.csv").write_text("a\n1\n")
    sql = FORBIDDEN[what].format(file=tmp_path / "secret.txt", folder=tmp_path)
    before = set(tmp_path.iterdir())
    with getattr(store, way)(made) as con:
        for each in (con, con.cursor()):
            with pytest.raises(duckdb.Error, match=r"(?i)disabled|locked|does not exist|not available|cannot be loaded|cannot|permission"):
                each.execute(sql)
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("sql", ["delete from looks", "create table t (a int)", "drop view documents", "insert into looks (files) values (1)"])
def test_what_is_open_for_reading_changes_nothing(made: Path, sql: str) -> None:
    """A figure cannot change what it is about; temporary tables may be made."""
    with store.reading(made) as con:
        with pytest.raises(duckdb.Error, match="read-only"):
            con.execute(sql)
        con.execute("create temp table t as select 1 as a")
        assert con.execute("from t").fetchall() == [(1,)]


ELSEWHERE = """
import sys
from pathlib import Path
from autod_lib import store
with store.reading(Path(sys.argv[1])) as con:
    print(con.execute("select current_setting('TimeZone')").fetchone()[0])
    print(con.execute("select started_at from api_calls").fetchone()[0].isoformat())
    print(con.execute("select started_at::varchar from api_calls").fetchone()[0])
    for view in ("cost_by_day", "cache_by_day", "headline_by_day"):
        print(con.execute(f"select day_utc from {view}").fetchone()[0])
    print(con.execute("select hour_utc from latency_by_hour").fetchone()[0])
    print(con.cursor().execute("select started_at from api_calls").fetchone()[0].isoformat())
"""


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles", "UTC"])
def test_times_and_days_are_utc_whatever_zone_the_machine_is_in(tmp_path: Path, start: Start, zone: str) -> None:
    """A call at 23:30 UTC is of that day in every office."""
    at = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    with Journal(tmp_path, RUN) as writer:
        start_of_call = {"call_id": str(uuid.uuid4()), "model": "gpt-6-luna", "is_simulated": True, "started_at": at, "finished_at": at}
        writer.write("call_finished", status="answered", cost_usd="0.1", latency_ms=1.0, **start_of_call)
    copy_empty_database(tmp_path)
    output, errors = start(ELSEWHERE, tmp_path, first_line="", TZ=zone).communicate()
    assert output.splitlines() == [
        "UTC",
        "2026-11-24T23:30:00+00:00",
        "2026-11-24 23:30:00+00",
        *["2026-11-24"] * 3,
        "2026-11-24 23:00:00",
        "2026-11-24T23:30:00+00:00",
    ], errors


# ------------------------------------------------------------------------------------------------------------ many at a time
HOLDING = """
import sys
from pathlib import Path
from autod_lib import store
with store.writing(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.read()
"""
OUTSIDE = """
import sys, duckdb
con = duckdb.connect(sys.argv[1])
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_second_writer_stays_out_and_the_journal_goes_on(home: Path, start: Start, expected: Figures) -> None:
    """It is told what to do; readers wait for their time and are told the same; when the first ends, all is as it should be."""
    process = start(HOLDING, home)
    with Journal(home, "20991231-000000-0000000e") as writer:
        writer.write("look", root="/nowhere", files=0)
        for attempt in (lambda: store.writing(home, wait_s=0.1), lambda: store.reading(home, wait_s=0.1)):
            begun = time.monotonic()
            with pytest.raises(WorkspaceBusy, match=r"in use by another process.*journal keeps everything.*autod load") as told, attempt():
                raise AssertionError("two hold the database")
            assert time.monotonic() - begun < 2
        with pytest.raises(WorkspaceBusy):
            store.load(home, wait_s=0.1)
        writer.write("look", root="/nowhere", files=1)
    assert told.value.exit_status == 5
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert store.load(home, wait_s=0).events == 2
    found = _figures(home)
    assert {name for name, rows in found.items() if rows != expected[name]} == {"looks"}


def test_a_second_writer_stays_out_of_the_same_process_too(home: Path) -> None:
    """And reading beside one's own writing is refused, not a deadlock."""
    with store.writing(home):
        for attempt in (store.writing, store.reading):
            with pytest.raises(WorkspaceBusy), attempt(home, wait_s=0.05):
                pass
    with store.writing(home, wait_s=0):
        pass


def test_a_program_outside_autod_that_holds_the_database_is_named(home: Path, start: Start) -> None:
    """A shell that somebody left open: its process is named, and when it is closed the work goes on."""
    process = start(OUTSIDE, home / store.DATABASE)
    for attempt in (lambda: store.writing(home, wait_s=0.1), lambda: store.reading(home, wait_s=0.1)):
        with pytest.raises(WorkspaceBusy, match=rf"{process.pid}.*Close it there"), attempt():
            pass
    process.communicate("")
    with store.writing(home, wait_s=0):
        pass


READING = """
import sys, time
from pathlib import Path
from autod_lib import store
print("ready", flush=True)
rounds, end = 0, time.monotonic() + 1.5
while time.monotonic() < end:
    with store.reading(Path(sys.argv[1])) as con:
        rows = con.execute("select run_id, count(*) from looks where root = '/pairs' group by run_id").fetchall()
        assert all(count % 2 == 0 for _, count in rows), rows
    rounds += 1
print(rounds, flush=True)
"""


def test_readers_see_whole_states_and_keep_no_writer_waiting(tmp_path: Path, start: Start) -> None:
    """Looping readers of two processes beside a run that loads: the run waits a second at most, and nobody sees half a group."""
    store.load(tmp_path)
    readers = [start(READING, tmp_path) for _ in range(2)]
    longest, loads = 0.0, 0
    with Journal(tmp_path) as writer:
        while any(reader.poll() is None for reader in readers):
            writer.write("look", root="/pairs", files=1)
            writer.write("look", root="/pairs", files=2)
            begun = time.monotonic()
            store.load(tmp_path, only=writer.path)
            longest, loads = max(longest, time.monotonic() - begun), loads + 1
            time.sleep(0.05)
    for reader in readers:
        output, errors = reader.communicate()
        assert reader.returncode == 0, errors
        assert int(output) > 0
    assert loads > 1
    assert longest < 2.0


def test_threads_of_one_process_read_side_by_side(made: Path) -> None:
    """A notebook and its server share a process; neither waits for the other to close."""
    together = threading.Barrier(4, timeout=20)
    zones: list[Any] = []

    def look() -> None:
        with store.reading(made) as con:
            together.wait()
            zones.append(con.execute("select current_setting('TimeZone'), count(*) > 0 from api_calls").fetchone())
            together.wait()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert zones == [("UTC", True)] * 4


def test_segments_that_look_newer_than_the_database_keep_nobody_from_reading(made: Path, tmp_path: Path) -> None:
    """As after a copy that kept no times: what is loaded is in the database, and who reads beside another does not wait to write."""
    home = tmp_path / "home"
    shutil.copytree(made, home)
    os.utime(store.database(home), (1, 1))
    count = "select count(*) from calls_started"
    begun = time.monotonic()

    with store.reading(made) as con, store.reading(home):
        wanted = con.execute(count).fetchall()
        os.utime(store.database(home), (1, 1))
        with store.reading(home) as beside:
            assert beside.execute(count).fetchall() == wanted
    assert time.monotonic() - begun < 5
    assert store.database(home).stat().st_mtime == 1

    with store.reading(home) as again:
        assert again.execute(count).fetchall() == wanted
    assert store.database(home).stat().st_mtime > 1
    with Journal(home, RUN) as further:
        further.write("call_started", call_id=str(uuid.uuid4()), document_sha256="ab" * 32, cost_upper_usd="0.01", is_simulated=False)
    with store.reading(home) as later:
        assert later.execute(count).fetchall() == [(wanted[0][0] + 1,)]


def test_no_module_opens_the_database_as_a_file() -> None:
    """Reading its bytes in the process that has it open drops DuckDB's lock without a word: only duckdb.connect in store.py may open it."""
    library = Path(store.__file__).parent
    for path in library.rglob("*.py"):
        source = path.read_text()
        assert "read_blob" not in source, path
        if path.name != "store.py":
            assert "duckdb.connect" not in source, path
            assert store.DATABASE not in source, path
        for line in source.splitlines():
            if re.search(r"database\(|DATABASE", line):
                assert not re.search(r"\bopen\(|read_bytes|read_text|write_bytes|copyfile|shutil|sha256|file_digest", line), f"{path}: {line}"
    assert len(re.findall(r"duckdb\.connect\(", (library / "store.py").read_text())) == 1


# --------------------------------------------------------------------------------------------------------------------- damage
def _overwritten(content: bytes, at: int, how_much: int) -> bytes:
    return content[:at] + b"\x5a" * how_much + content[at + how_much :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "text": lambda _: b"this is no database\n" * 1000,
    "cut": lambda content: content[: len(content) // 2],
    "header": lambda content: _overwritten(content, 0, 4096),
    "every block": lambda content: _overwritten(content, 12288 + 100, len(content)),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_database_is_told_with_the_remedy_and_the_remedy_works(home: Path, kind: str, expected: Figures) -> None:
    """Exit 6, the file named; moved away and loaded anew, it says the same."""
    file = home / store.DATABASE
    file.write_bytes(DAMAGE[kind](file.read_bytes()))
    with pytest.raises(StoreDamaged, match=r"(?s)autod\.duckdb' cannot be read.*move it and its \.wal away.*`autod load`") as told:
        _figures(home)
    assert told.value.exit_status == 6
    _move_away(home)
    store.load(home)
    assert _figures(home) == expected


def test_a_workspace_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """The path is a file."""
    (tmp_path / "file").write_text("")
    for attempt in (store.writing, store.reading):
        with pytest.raises(WorkspaceUnusable, match="AUTOD_HOME") as told, attempt(tmp_path / "file"):
            pass
    assert told.value.exit_status == 6


@pytest.mark.parametrize("name", ["block", "a lock's place", "Ünï'cödé"])
def test_the_name_of_the_folder_changes_no_message(tmp_path: Path, name: str) -> None:
    """A damaged database in a folder called block is damaged, not busy, and is told at once."""
    home = tmp_path / name
    store.load(home)
    (home / store.DATABASE).write_bytes(b"x" * 20_000)
    begun = time.monotonic()
    with pytest.raises(StoreDamaged), store.writing(home, wait_s=5):
        pass
    assert time.monotonic() - begun < 2


def test_the_figures_of_a_small_ledger_are_those_of_its_events(tmp_path: Path) -> None:
    """Two calls, one priced: counted by hand."""
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    common = {"model": "gpt-6-luna", "document_sha256": "ab" * 32, "started_at": at, "finished_at": at, "status": "answered", "is_simulated": False}
    with Journal(tmp_path, RUN) as writer:
        writer.write(
            "call_finished", call_id=str(uuid.uuid4()), input_tokens=100, cached_tokens=60, output_tokens=5, cost_usd="0.000000000001", **common
        )
        writer.write("call_finished", call_id=str(uuid.uuid4()), input_tokens=10, cached_tokens=0, output_tokens=5, cost_usd=None, **common)
    with store.reading(tmp_path) as con:
        assert con.execute("select day_utc, calls, calls_unpriced, cached_tokens, output_tokens, cost_usd::varchar from cost_by_day").fetchall() == [
            (date(2026, 11, 24), 2, 1, 60, 10, "0.000000000001")
        ]
        assert con.execute("select count(*) from call_bodies").fetchall() == [(2,)]


def test_the_examples_in_the_module_hold() -> None:
    """Documentation that is run."""
    assert doctest.testmod(store) == doctest.TestResults(failed=0, attempted=1)
