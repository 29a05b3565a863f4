"""The DuckDB side of the workspace: the gate, migrations, loading the journal, hardened reading.

Decided here: that nobody holds the database. Every function opens it, works and closes it behind a fair gate (two `flock` files), because a
database that is open in one process refuses all others, and because reading the file's bytes in the process that has it open silently drops
DuckDB's own lock: nothing in autoD opens it as a file. Promised: loading is one transaction a few pieces of a segment together with the offset they
reach, so that an interrupted load changes nothing and a repeated one adds nothing; a line that cannot be loaded is quarantined alone; a database
that is gone or damaged is rebuilt from the journal. One table is no record of what happened: `price_list`, which holds what the price lists of
this machine say of the models in the ledger, and is made anew when they or the day change. Called by ingest.py, runs.py, metrics.py and the
commands.
"""

import fcntl
import hashlib
import os
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.resources import files
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import duckdb
import orjson

from . import journal, prices
from .errors import StoreDamaged, StoreTooNew, WorkspaceBusy, WorkspaceUnusable

DATABASE: Final = "autod.duckdb"
SQL: Final = files("autod_lib") / "sql"
PACK_AFTER_S: Final = 86_400.0  # a segment that is loaded and closed is compressed a day after its run wrote to it last
FORMULA: Final = frozenset("=+-@\t\r\n＝＋－＠")  # what a spreadsheet takes for the beginning of a formula, full-width forms too
LOAD_MEMORY: Final = "16MB"  # of DuckDB's own while loading: more would only keep blocks that are not read again
SMALL_BYTES: Final = 64_000_000  # a database, of which one thread reads as quickly as two
TOGETHER: Final = 4  # pieces loaded in one transaction: a commit costs as much as a third of a piece's rows
FEW: Final = 20  # events of a kind, for which planning a statement takes longer than running it
BLOCK_BYTES: Final = 65_536  # of a new database: of DuckDB's own 262,144, most of a small table's blocks stay empty, and are written at each load
MERGE_EVERY: Final = 16  # segments: DuckDB would merge after every load, and so write each row of a long run four times or more

# The tables that each kind of event is loaded into; a kind that is not here is of a newer autoD, and its events are quarantined.
TABLES: Final = {
    "run_started": ("runs_started",),
    "run_finished": ("runs_finished",),
    "prompt_version": ("prompt_versions",),
    "sighting": ("sightings_log",),
    "look": ("looks",),
    "document_read": ("documents_read",),
    "cache_decided": ("cache_decisions",),
    "forecast": ("forecasts",),
    "call_started": ("calls_started",),
    "call_finished": ("calls_finished", "call_bodies"),
    "breaker_changed": ("breaker_changes",),
    "rate_changed": ("rate_changes",),
    "extraction": ("extractions",),
    "document_status": ("document_statuses",),
    "deletion": ("deletions",),
    "purge": ("purges",),
    "label": ("labels_log",),
    "label_withdrawn": ("label_withdrawals",),
    "review_action": ("review_actions",),
    "policy": ("policies",),
    "alert": ("alerts",),
    "reconciled": ("reconciliation_steps",),
    "call_reconciled": ("call_reconciliations",),
    "remote_object": ("remote_objects",),
    "search": ("searches",),
    "batch": ("batch_events",),
    "notebook_run": ("notebook_runs",),
}

FULL: Final = ("No space left", "File too large", "quota exceeded")  # of the disk, of the process, of the user
DAMAGE: Final = (duckdb.IOException, duckdb.FatalException, duckdb.SerializationException)


def database(home: Path) -> Path:
    """Where the database of a workspace is."""
    return home / DATABASE


@contextmanager
def _locked(path: Path, mode: int, deadline: float) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(path.parent, error) from error
    try:
        wait = 0.002
        while True:
            try:
                fcntl.flock(handle, mode | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise WorkspaceBusy(
                        f"The database {str(path.parent / DATABASE)!r} is in use by another process and did not become free in time. "
                        "The journal keeps everything; run `autod load` when the other has ended."
                    ) from None
                time.sleep(wait)
                wait = min(wait * 1.5, 0.05)
        yield
    finally:
        os.close(handle)


@contextmanager
def _gate(home: Path, *, alone: bool, wait_s: float) -> Iterator[None]:
    """Waits in a turnstile, then enters the room alone or with other readers: no stream of readers can starve a writer."""
    deadline = time.monotonic() + wait_s
    room = _locked(home / f"{DATABASE}.room.lock", fcntl.LOCK_EX if alone else fcntl.LOCK_SH, deadline)
    with _locked(home / f"{DATABASE}.turnstile.lock", fcntl.LOCK_EX, deadline):
        room.__enter__()
    try:
        yield
    finally:
        room.__exit__(None, None, None)


def _unusable(folder: Path, error: OSError) -> WorkspaceUnusable:
    return WorkspaceUnusable(
        f"The workspace {str(folder)!r} cannot be used ({error.strerror}); nothing was sent, nothing was spent. "
        "Make the folder readable and writable, or name another with AUTOD_HOME."
    )


def _open(home: Path, *, read_only: bool, wait_s: float, memory_limit: str | None = None, merge: bool = False) -> duckdb.DuckDBPyConnection:
    path, is_new = str(database(home)), not database(home).exists()
    # Hardened: a read-only connection alone could still read and write any file, attach databases and load extensions.
    hardened = {
        "enable_external_access": "false",
        "autoload_known_extensions": "false",
        "autoinstall_known_extensions": "false",
        "python_enable_replacements": "false",
    }
    if is_new or not read_only or database(home).stat().st_size < SMALL_BYTES:
        hardened["threads"] = "1"  # loading small groups is quicker so and takes a third less memory; a small read takes a tenth less processor time
    if not read_only:
        hardened["checkpoint_threshold"] = "64MB"  # closing makes one checkpoint; one every 16 MB writes the last rows of every table again
        hardened["max_vacuum_tasks"] = "100" if merge else "0"
        hardened["disabled_optimizers"] = "expression_rewriter"  # it works out the JSON of a load while it plans, each value in a box of its own
        hardened["default_block_size"] = str(BLOCK_BYTES)
        if memory_limit:
            hardened["memory_limit"] = memory_limit
    deadline = time.monotonic() + wait_s
    while True:
        try:
            con = duckdb.connect(path, read_only=read_only, config=hardened)  # type: ignore[arg-type]
            if is_new:
                os.chmod(path, 0o600)
            return _in_utc(con)
        except duckdb.IOException as error:
            text = str(error)
            is_held = "Could not set lock" in text  # by a program that does not know the gate, such as the duckdb shell
            if is_held and time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            if is_held:
                raise WorkspaceBusy(
                    f"The database {path!r} is held by a program outside autoD ({text.split('PID')[-1].strip(' ).') or 'unknown'}). Close it there."
                ) from error
            raise _damaged(home, error) from error
        except duckdb.Error as error:
            raise _damaged(home, error) from error


_SETTING_UP: Final = threading.Lock()


def _in_utc(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Makes every time come back in UTC whatever the machine's zone, then locks the configuration, which connections of a process share."""
    with _SETTING_UP, _interrupts():
        if con.execute("select current_setting('lock_configuration')").fetchall() != [(True,)]:
            con.execute("set global TimeZone = 'UTC'")
            con.execute("set lock_configuration = true")
    return con


@contextmanager
def _interrupts() -> Iterator[None]:
    """An interrupt that strikes within a query is still an interrupt: DuckDB makes a RuntimeError of it."""
    try:
        yield
    except RuntimeError as error:
        if str(error) == "Query interrupted":
            raise KeyboardInterrupt from error
        raise


def _damaged(home: Path, error: Exception) -> WorkspaceUnusable:
    if isinstance(error, duckdb.IOException) and ("Permission denied" in str(error) or "Read-only file system" in str(error)):
        return WorkspaceUnusable(f"The database {str(database(home))!r} cannot be opened ({str(error).splitlines()[0]}). Make the folder writable.")
    return StoreDamaged(
        f"The database {str(database(home))!r} cannot be read ({str(error).splitlines()[0]}). Nothing is lost: move it and its .wal away, "
        "then run `autod load`, which makes it again from the journal."
    )


@lru_cache(maxsize=1)
def _migrations() -> tuple[tuple[int, str, str], ...]:
    found = [(int(entry.name[:4]), entry.name, entry.read_text()) for entry in (SQL / "migrations").iterdir() if entry.name.endswith(".sql")]
    return tuple(sorted(found))


def _views() -> list[str]:
    return [entry.read_text() for entry in sorted((SQL / "views").iterdir(), key=lambda entry: entry.name) if entry.name.endswith(".sql")]


def migrate(con: duckdb.DuckDBPyConnection) -> None:
    """Brings an open database to this version: each missing migration in a transaction of its own, then the views if any changed.

    Raises: StoreTooNew if the database has a migration that this autoD does not know.
    """
    (known, views), steps, fingerprint = _version(con), _migrations(), _views_hash()
    con.execute("create table if not exists schema_migrations (version integer primary key, name varchar not null, applied_at timestamptz not null)")
    con.execute("create table if not exists schema_views (hash varchar not null)")
    if known and max(known) > steps[-1][0]:
        raise StoreTooNew(
            f"The database is of version {max(known)}, this autoD knows {steps[-1][0]}. Nothing was changed. Update autoD, or name another workspace."
        )
    for version, name, sql in steps:
        if version not in known:
            with _transaction(con):
                con.execute(sql)
                con.execute("insert into schema_migrations values (?, ?, ?)", [version, name, journal.now()])
    if views != fingerprint:
        with _transaction(con):
            for sql in _views():
                con.execute(sql)
            con.execute("delete from schema_views")
            con.execute("insert into schema_views values (?)", [fingerprint])
            con.execute("comment on table schema_migrations is 'Migrations applied. One row a version.'")
            con.execute("comment on column schema_migrations.version is 'Number of the migration.'")
            con.execute("comment on column schema_migrations.name is 'Its file.'")
            con.execute("comment on column schema_migrations.applied_at is 'When, UTC.'")
            con.execute("comment on table schema_views is 'Hash of the definitions of the views as they stand.'")
            con.execute("comment on column schema_views.hash is 'SHA-256.'")


def _version(con: duckdb.DuckDBPyConnection) -> tuple[set[int], str | None]:
    """The migrations that an open database has, and the hash of its views; none of either if it is new."""
    try:
        [(known, views)] = con.execute("select list(version), (select any_value(hash) from schema_views) from schema_migrations").fetchall()
    except duckdb.CatalogException:
        return set(), None
    return set(known or ()), views


def _is_current(con: duckdb.DuckDBPyConnection) -> bool:
    return _version(con) == ({version for version, _, _ in _migrations()}, _views_hash())


def _older_version(con: duckdb.DuckDBPyConnection) -> int | None:
    """The version of a database that has migrations before it; None for one that is new, up to date, or newer than this autoD."""
    known, _ = _version(con)
    steps = {version for version, _, _ in _migrations()}
    return max(known) if known and steps - known and max(known) <= max(steps) else None


def _keep_copy(home: Path, version: int) -> None:
    """Copies the database, which nobody has open, before its version changes; the copy before that one goes."""
    source = database(home)
    copy = source.with_name(f"{DATABASE}.of-version-{version:04}")
    beside = source.with_name(f"{DATABASE}.copying")
    try:
        shutil.copyfile(source, beside)
        beside.chmod(0o600)
        beside.replace(copy)
        for older in copies(home):
            if older != copy:
                older.unlink()
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise WorkspaceUnusable(
            f"The database {str(source)!r} is of version {version}, and could not be copied before it is brought to this one ({error.strerror}). "
            "Nothing was changed. Make room, then run the same command again."
        ) from error


@lru_cache(maxsize=1)
def _views_hash() -> str:
    return hashlib.sha256("\0".join(_views()).encode()).hexdigest()


@contextmanager
def _transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    con.execute("begin")
    try:
        yield
    except BaseException:
        with suppress(duckdb.Error):  # what went wrong is the error to tell, not that it took the transaction with it
            con.execute("rollback")
        raise
    con.execute("commit")


@contextmanager
def writing(home: Path, *, wait_s: float = 30.0, memory_limit: str | None = None, merge: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """The database, open for writing and migrated, alone behind the gate; DuckDB may keep no more than `memory_limit` in memory.

    With `merge`, what was appended in small groups is written anew as one when it is closed.

    Raises: WorkspaceBusy, WorkspaceUnusable, StoreDamaged, StoreTooNew.
    """
    with _interrupts(), _gate(home, alone=True, wait_s=wait_s):
        con = _open(home, read_only=False, wait_s=wait_s, memory_limit=memory_limit, merge=merge)
        try:
            if not _is_current(con):
                if (version := _older_version(con)) is not None:
                    con.close()
                    _keep_copy(home, version)
                    con = _open(home, read_only=False, wait_s=wait_s, memory_limit=memory_limit, merge=merge)
                migrate(con)
            yield con
        except duckdb.Error as error:
            if any(full in str(error) for full in FULL):
                raise WorkspaceUnusable(
                    f"The disk of {str(home)!r} is full. Everything acknowledged is kept; make room and run the command again."
                ) from error
            if isinstance(error, DAMAGE):
                raise _damaged(home, error) from error
            raise
        finally:
            con.close()


@contextmanager
def reading(home: Path, *, wait_s: float = 10.0, up_to_date: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
    """The database, up to date with the journal, open for reading only and hardened: SQL reaches no file, network or variable.

    Where that is not asked for, it is as the last load left it. Raises: WorkspaceBusy, WorkspaceUnusable, StoreDamaged, StoreTooNew.
    """
    if not database(home).exists():
        load(home, wait_s=wait_s)
    elif up_to_date and _looks_behind(home):
        with suppress(WorkspaceUnusable, WorkspaceBusy, OSError):  # what the database itself says decides, below
            load(home, wait_s=0)
            os.utime(database(home))
    for may_load in (True, False) if up_to_date else (False,):
        with _interrupts(), _gate(home, alone=False, wait_s=wait_s):
            con = _open(home, read_only=True, wait_s=wait_s)
            try:
                behind = may_load and _is_behind(con, home)
                if not behind and not (may_load and _prices_are_old(con)):
                    yield con
                    return
            except DAMAGE as error:  # a damaged block is found when it is read
                raise _damaged(home, error) from error
            finally:
                con.close()
        # Prices of yesterday are no reason not to read: the views tell their day.
        with nullcontext() if behind else suppress(WorkspaceUnusable, WorkspaceBusy):
            load(home, wait_s=wait_s)


def _looks_behind(home: Path) -> bool:
    """Whether a segment was written after the database: then opening it only to see that it is behind, and opening it again, can be saved."""
    try:
        as_of = database(home).stat().st_mtime_ns
        return any(segment.suffix != ".gz" and segment.stat().st_mtime_ns > as_of for segment in journal.segments(home))
    except FileNotFoundError:  # packed or purged meanwhile
        return False


def _prices_are_old(con: duckdb.DuckDBPyConnection) -> bool:
    return con.execute("select fingerprint, today from price_list_state").fetchall() != [(prices.fingerprint(), journal.now().date())]


def _is_behind(con: duckdb.DuckDBPyConnection, home: Path) -> bool:
    try:
        loaded = {row[0]: row[1:] for row in con.execute("select run_id, loaded_bytes, is_closed from segments").fetchall()}
    except duckdb.CatalogException:
        return True
    return not _is_current(con) or any(_unloaded(segment, loaded.get(journal.run_of(segment))) for segment in journal.segments(home))


def _unloaded(segment: Path, loaded: tuple[int, bool] | None) -> bool:
    """Whether a segment may hold more than the database: one that was loaded to its end and is closed never does."""
    if loaded is None:
        return True
    return not loaded[1] and (segment.suffix == ".gz" or segment.stat().st_size > loaded[0])


@dataclass
class LoadReport:
    """What a load did: events and lines, and which segments hold lines that are no events."""

    events: int = 0
    poison: int = 0
    torn_bytes: int = 0
    segments: list[str] = field(default_factory=list)


def load(home: Path, *, wait_s: float = 30.0, only: Path | None = None) -> LoadReport:
    """Loads what the journal holds beyond the database, segment by segment. The same load again adds nothing.

    Raises: WorkspaceBusy when another process keeps the database for longer than `wait_s`; the journal waits.
    """
    try:
        return _load(home, wait_s, only, LOAD_MEMORY)
    except (duckdb.OutOfMemoryException, duckdb.TransactionException):
        # An event of unusual size, or a commit that found no room: what was loaded stays loaded, the rest gets all the memory it needs.
        return _load(home, wait_s, only, None)


def _load(home: Path, wait_s: float, only: Path | None, memory_limit: str | None) -> LoadReport:
    report = LoadReport()
    merge = only is None and len(journal.segments(home)) % MERGE_EVERY == 0
    with writing(home, wait_s=wait_s, memory_limit=memory_limit, merge=merge) as con:
        if _prices_are_old(con):
            with _transaction(con):
                con.execute("delete from price_list")
                con.execute("delete from price_list_state")
                con.execute("insert into price_list_state values (?, ?)", [prices.fingerprint(), journal.now().date()])
                _list_prices(con, set(con.execute(MODELS_BY_DAY).fetchall()))
        loaded = {row[0]: row[1:] for row in con.execute("select run_id, loaded_bytes, is_closed from segments").fetchall()}
        for segment in journal.segments(home) if only is None else [only]:
            run_id = journal.run_of(segment)
            if not _unloaded(segment, loaded.get(run_id)):
                continue
            is_over = not journal.is_alive(segment)  # before it is read, so that what it wrote last is
            _load_segment(con, segment, loaded[run_id][0] if run_id in loaded else None, report, is_over=is_over)
        closed = set() if only else {run_id for (run_id,) in con.execute("select run_id from segments where is_closed").fetchall()}
    for segment in journal.segments(home) if closed else []:
        if segment.suffix != ".gz" and journal.run_of(segment) in closed and time.time() - segment.stat().st_mtime > PACK_AFTER_S:
            with suppress(OSError):  # no room: it stays as it is
                journal.pack(segment)
    return report


def make_anew(home: Path, place: Callable[[], None] | None = None, *, wait_s: float = 30.0) -> LoadReport:
    """Makes the database from the journal again, so that nothing else is left in its file, after other segments have taken their places.

    Without `place`, those are the segments that were written anew.

    Killed at any instant, it is ended by doing it again. Raises: WorkspaceBusy, WorkspaceUnusable.
    """
    spilled, log = (home / f"{DATABASE}.{end}" for end in ("tmp", "wal"))
    with _gate(home, alone=True, wait_s=wait_s):
        try:
            shutil.rmtree(spilled, ignore_errors=True)
            for path in (*copies(home), log, database(home)):  # the database last: what it holds tells that this is not done
                path.unlink(missing_ok=True)
            place() if place else journal.place_rewritten(home)
        except OSError as error:
            raise _unusable(home, error) from error
    return load(home, wait_s=wait_s)


def copy_database(home: Path, target: Path) -> None:
    """Copies the database as it is while nobody has it open. Raises: StoreDamaged, WorkspaceBusy, WorkspaceUnusable; OSError of the target."""
    with writing(home):  # which leaves nothing in a .wal
        pass
    with _gate(home, alone=True, wait_s=30.0):
        source = database(home)
        shutil.copyfile(source, target)
        target.chmod(0o600)


def copies(home: Path) -> list[Path]:
    """The copies of the database that were made before its version changed."""
    return sorted(home.glob(f"{DATABASE}.of-version-*"))


def _note_segment(con: duckdb.DuckDBPyConnection, run_id: str, end: int, done: LoadReport, torn: int, *, is_closed: bool, is_known: bool) -> None:
    told = {"run_id": run_id, "end": end, "events": done.events, "poison": done.poison, "torn": torn, "closed": is_closed, "at": journal.now()}
    if is_known:  # two statements: one that inserts or updates takes three times as long to plan
        con.execute(
            """update segments set loaded_bytes = $end, events = events + $events, poison = poison + $poison, torn_bytes = $torn,
            is_closed = $closed, loaded_at = $at where run_id = $run_id""",
            told,
        )
    else:
        con.execute("insert into segments values ($run_id, $end, $events, $poison, $torn, $closed, $at)", told)


def rows(con: duckdb.DuckDBPyConnection, sql: str, parameters: Any = None) -> list[dict[str, Any]]:
    """What a statement gives, a dictionary a row; frames come from metrics.py."""
    cursor = con.execute(sql, parameters or [])
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def inert(value: Any) -> Any:
    """A value for a spreadsheet: text that a spreadsheet would take for a formula gets an apostrophe before it.

    Source: OWASP, CSV injection.

    >>> inert("=1+1"), inert("Total"), inert(-3)
    ("'=1+1", 'Total', -3)
    """
    return f"'{value}" if isinstance(value, str) and value[:1] in FORMULA else value


def _load_segment(
    con: duckdb.DuckDBPyConnection, segment: Path, offset: int | None, report: LoadReport, *, is_over: bool, together: int = TOGETHER
) -> None:
    """Loads a segment from an offset on (None: it is new), so many pieces and the offset they reach in one transaction.

    The segment of a run that is over is closed with its last piece. A bad line keeps no other out: the pieces from its group on are loaded one by
    one, and its own without it.
    """
    run_id, is_known, is_closed, torn = journal.run_of(segment), offset is not None, False, 0
    offset = offset or 0
    listed = set(con.execute("select distinct model, day from price_list").fetchall())
    pieces = journal.read(segment, offset)
    for first in pieces:
        torn = first.torn
        if not (first.events or first.poison):
            continue
        done, taken = LoadReport(), 0
        try:
            with _transaction(con):
                for piece in chain([first], islice(pieces, together - 1)):
                    taken += 1
                    _insert_piece(con, run_id, piece, listed, done)
                    piece.events.clear()  # so that no two pieces stand in memory
                is_closed = is_over and taken < together  # there is no further piece
                _note_segment(con, run_id, piece.end, done, piece.torn if is_closed else 0, is_closed=is_closed, is_known=is_known)
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            if together > 1:
                return _load_segment(con, segment, offset if is_known else None, report, is_over=is_over, together=1)
            done, piece = LoadReport(), _without_refused(con, first)
            with _transaction(con):
                _insert_piece(con, run_id, piece, listed, done)
                _note_segment(con, run_id, piece.end, done, 0, is_closed=False, is_known=is_known)
        offset, torn, is_known = piece.end, piece.torn, True
        report.events += done.events
        report.poison += done.poison
        report.segments += [run_id] if done.events or done.poison else []
    if is_over:  # nobody will finish its last line
        report.torn_bytes += torn
        if not is_closed:
            _note_segment(con, run_id, offset, LoadReport(), torn, is_closed=True, is_known=is_known)
    return None


def _without_refused(con: duckdb.DuckDBPyConnection, piece: journal.Piece) -> journal.Piece:
    """A piece whose events all fit their tables; those that do not are among its poison."""
    reasons = [(event, _refused(con, event)) for event in piece.events]
    refused = [(orjson.dumps(event), reason) for event, reason in reasons if reason]
    return replace(piece, events=[event for event, reason in reasons if not reason], poison=[*piece.poison, *refused])


def _insert_piece(con: duckdb.DuckDBPyConnection, run_id: str, piece: journal.Piece, listed: set[tuple[str, date]], done: LoadReport) -> None:
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in piece.events:
        by_kind[event["kind"]].append(event)
    unknown = [event for kind, group in by_kind.items() if kind not in TABLES for event in group]
    poison = piece.poison + [(orjson.dumps(event), f"unknown kind {event['kind']!r}: written by a newer autoD?") for event in unknown]
    for kind, group in by_kind.items():
        for table in TABLES.get(kind, ()):
            # from_json costs what an Arrow table would, without pyarrow; executemany costs 25 times as much.
            con.execute(f"insert into {table} by name {_rows(con, table, is_few=len(group) <= FEW)}", [_json_rows(con, table, group)])
    for line, reason in poison:
        text = line[:10_000].decode("utf-8", "backslashreplace")
        con.execute("insert into quarantined_lines values (?, ?, ?, ?)", [run_id, journal.now(), reason, text])
    new = _models_by_day(by_kind["call_finished"]) - listed
    _list_prices(con, new)
    listed |= new
    done.events += len(piece.events) - len(unknown)
    done.poison += len(poison)


MODELS_BY_DAY: Final = """
select distinct coalesce(model_answered, model) as model, cast(make_timestamp(epoch_us(started_at)) as date) as day from calls_finished
where model is not null and started_at is not null order by all"""


def _models_by_day(calls: list[dict[str, Any]]) -> set[tuple[str, date]]:
    """The same of calls on their way into the table; a time that only the database can read has no day here."""
    found = set()
    for call in calls:
        model, sent = call.get("model_answered") or call.get("model"), call.get("started_at")
        if model and sent:
            with suppress(ValueError):
                found.add((str(model), datetime.fromisoformat(str(sent)).astimezone(UTC).date()))
    return found


def _list_prices(con: duckdb.DuckDBPyConnection, asked: set[tuple[str, date]]) -> None:
    """Adds to `price_list` what these models cost on these days and cost today."""
    if not asked:
        return
    [(today,)] = con.execute("select today from price_list_state").fetchall()
    known = set(con.execute("select distinct model, day from price_list").fetchall())
    missing = {*asked, *((model, today) for model, _ in asked)} - known
    listed = [rates.listing() | {"model": model, "day": day} for model, day in sorted(missing) for rates in prices.all_rates(model, day)]
    if listed:
        con.execute(f"insert into price_list by name {_rows(con, 'price_list')}", [_json_rows(con, "price_list", listed)])


def _refused(con: duckdb.DuckDBPyConnection, event: dict[str, Any]) -> str:
    for table in TABLES.get(event["kind"], ()):
        try:
            con.execute(f"select count(*) from ({_rows(con, table)})", [_json_rows(con, table, [event])]).fetchall()
        except duckdb.Error as error:
            return f"does not fit {table}: {str(error).splitlines()[0][:500]}"
    return ""


def _rows(con: duckdb.DuckDBPyConnection, table: str, *, is_few: bool = False) -> str:
    """The statement that makes rows of the text that `_json_rows` gives; columns go by name, as databases of one version may order them otherwise."""
    structure = orjson.dumps([_columns(con, table)]).decode()
    if is_few:  # planned in four fifths of the time; each row takes half as long again
        return f"select unnest(from_json_strict(?, '{structure}'), max_depth := 2)"
    return f"select event.* from (select unnest(from_json_strict(?, '{structure}')) as event)"


def _json_rows(con: duckdb.DuckDBPyConnection, table: str, events: list[dict[str, Any]]) -> str:
    columns = _columns(con, table)
    # One by one: a group's rows stand in memory once, as text.
    return (b"[" + b",".join(orjson.dumps({column: event.get(column) for column in columns}) for event in events) + b"]").decode()


def _columns(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """The columns of a table of this version: the migrations alone decide them, so they are asked for once a process."""
    if table not in _COLUMNS:
        _COLUMNS[table] = {name: kind for name, kind, *_ in con.execute(f"describe {table}").fetchall()}
    return _COLUMNS[table]


_COLUMNS: Final[dict[str, dict[str, str]]] = {}
