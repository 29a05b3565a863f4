"""The journal: append-only segments of what happened, one JSON line an event, one segment a run.

Decided here: the form of a line, how it reaches the disk, how a segment is read back, and the lock that says whether its run is alive.
Promised: an event is one `write`, so it survives kill -9 once `write` returned; a write that cannot be made whole raises and leaves a segment
in which every other line is still readable; `sync` bounds what a power cut can take. The journal is the truth: the database is made from it
(store.py) and can be made again. Nothing here interprets an event; whoever wants to hear of them is handed each once it is written (telemetry.py).

Events carry `kind, run_id, seq, logged_at` and the columns of the table that their kind is loaded into (sql/migrations).
"""

import fcntl
import gzip
import os
import secrets
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import unquote_to_bytes

import orjson

from . import logs, telemetry
from .errors import WorkspaceBusy, WorkspaceUnusable

SEGMENTS: Final = "journal"
REWRITTEN: Final = "rewritten"  # folder of the journal: segments written anew that are all there and wait for their places


def now() -> datetime:
    """This instant in UTC: the one clock by which events are dated."""
    return datetime.now(UTC)


def new_run_id(at: datetime | None = None) -> str:
    """An id that sorts by time, to a 4096th of a second, and that no other run has: `20261124-155900-3f2a9c81`."""
    at = at or now()
    return f"{at:%Y%m%d-%H%M%S}-{at.microsecond * 4096 // 1_000_000:03x}{secrets.randbits(20):05x}"


def path_text(path: str | os.PathLike[str]) -> str:
    """A path as text that every database stores: itself, or a file: address when its name is not UTF-8."""
    text = os.fspath(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return Path(text).absolute().as_uri()
    return text


def text_path(text: str) -> Path:
    """The path that `path_text` was given."""
    return Path(os.fsdecode(unquote_to_bytes(text.removeprefix("file://")))) if text.startswith("file://") else Path(text)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Path):
        return path_text(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"an event cannot hold a {type(value).__name__}")


class Journal:
    """The segment of one run, open for appending; its lock is held until it is closed or the process ends.

    What is logged inside its `with` says that it is about this run.
    Raises: WorkspaceUnusable when the segment cannot be made, or an event cannot be written whole (a full disk).
    """

    def __init__(self, home: Path, run_id: str | None = None) -> None:
        self.run_id = run_id or new_run_id()
        self.path = home / SEGMENTS / f"{self.run_id}.jsonl"
        self.events = 0
        self.bytes = 0
        self._torn = False
        self._latest = now()
        self._crash_kind, _, nth = os.environ.get("AUTOD_CRASH_AT", "").partition(":")
        self._until_crash = int(nth or 1)
        self._write_lock = threading.Lock()
        self._listener = telemetry.listener(self.run_id)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise WorkspaceUnusable(
                f"The journal {str(self.path.parent)!r} cannot be written ({error.strerror}); nothing was sent, nothing was spent. "
                "Make the folder writable, or name another workspace with AUTOD_HOME."
            ) from error
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def write(self, kind: str, **columns: Any) -> None:
        """Appends one event. When this returns, no end of this process can lose it.

        With AUTOD_CRASH_AT=KIND[:N] the process kills itself behind the N-th event of that kind: what holds after a crash can so be shown.
        """
        self.write_all([(kind, columns)])

    def write_all(self, events: list[tuple[str, dict[str, Any]]]) -> None:
        """Appends events that become known at one instant, kind and columns of each, in one write."""
        with self._write_lock:
            lines = []
            self._latest = max(self._latest, now())  # what comes later is later, also when somebody sets the clock back
            for place, (kind, columns) in enumerate(events, self.events):
                event = {"kind": kind, "run_id": self.run_id, "seq": place, "logged_at": self._latest} | columns
                lines.append(orjson.dumps(event, default=_plain, option=orjson.OPT_APPEND_NEWLINE))
            whole = b"".join([b"\n", *lines] if self._torn else lines)
            try:
                written = os.write(self._file, whole)
            except OSError as error:
                raise self._unwritable(kind, error.strerror or "") from error
            self.events += len(events)  # what was taken may be a whole event without its newline: its place is not given again
            self._torn = written != len(whole)
            if self._torn:
                raise self._unwritable(kind, f"only {written} of {len(whole)} bytes were taken")
            self.bytes += written
            for kind, _ in events:
                if kind == self._crash_kind:
                    self._until_crash -= 1
                    if self._until_crash == 0:
                        os.kill(os.getpid(), signal.SIGKILL)
        if self._listener is not None:
            for kind, columns in events:
                self._listener.hear(kind, columns)

    def _unwritable(self, kind: str, reason: str) -> WorkspaceUnusable:
        return WorkspaceUnusable(
            f"The journal {str(self.path)!r} could not take a {kind!r} event ({reason}). No further call is sent; everything before it is kept. "
            "Make room, then run the same command again."
        )

    def sync(self) -> None:
        """Forces what was written to the disk, against a power cut.

        Raises: WorkspaceUnusable when the disk does not take it.
        """
        try:
            os.fdatasync(self._file)
        except OSError as error:
            raise self._unwritable("sync", error.strerror or "") from error

    def close(self) -> None:
        """Syncs and ends the segment; its lock is free from here on."""
        if self._file < 0:
            return
        try:
            self.sync()
        finally:
            os.close(self._file)
            self._file = -1
            if self._listener is not None:
                self._listener.close()

    def __enter__(self) -> "Journal":
        self._logged = logs.about(run_id=self.run_id)
        self._logged.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.close()
        finally:
            self._logged.__exit__(None, None, None)


@dataclass(frozen=True, slots=True)
class Piece:
    """What a segment holds beyond an offset: whole lines that are events, lines that are not, and the end.

    `lines` and `events` go together, `poison` has (line, reason), `end` is the offset behind the last newline read, `torn` the bytes of an
    unfinished last line.
    """

    events: list[dict[str, Any]]
    poison: list[tuple[bytes, str]]
    end: int
    torn: int


def segments(home: Path) -> list[Path]:
    """All segments of a workspace that hold something, one a run, in the order of their runs, compressed ones included.

    An empty one may be a moment old, without its lock, and would look like that of a dead run.
    """
    folder = home / SEGMENTS
    found = (*folder.glob("*.jsonl.gz"), *folder.glob("*.jsonl")) if folder.is_dir() else ()
    one_a_run = {run_of(path): path for path in found if path.stat().st_size}  # a kill while it was packed leaves both
    return [one_a_run[run_id] for run_id in sorted(one_a_run)]


def pack(segment: Path) -> None:
    """Compresses a segment that nobody writes any more. Killed at any instant, it leaves the segment or both, each whole.

    Raises: OSError when there is no room for it; the segment stays as it is.
    """
    packed = segment.with_suffix(".jsonl.gz")
    beside = packed.with_suffix(f".{os.getpid()}")
    try:
        with segment.open("rb") as plain, open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            with gzip.open(file, "wb") as whole:
                shutil.copyfileobj(plain, whole, 1_000_000)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(packed)
    finally:
        beside.unlink(missing_ok=True)
    segment.unlink()


def rewrite(home: Path, change: Callable[[bytes], bytes | None], own: Path) -> list[str]:
    """Writes segments anew, each line as `change` gives it (None: without it), and returns their names; `place_rewritten` puts them in place.

    Only those that change are written, all but `own`. Killed at any instant it leaves the journal as it was, or all of them whole.
    Raises: WorkspaceBusy when one that would change is still being written; WorkspaceUnusable when there is no room.
    """
    assert not are_rewritten(home)
    folder = home / SEGMENTS
    ready, unfinished = folder / REWRITTEN, folder / f"{REWRITTEN}.unfinished"
    try:
        _remove_folder(unfinished)
        unfinished.mkdir(mode=0o700)
        names = []
        for segment in segments(home):
            if segment != own and _changes(segment, change):
                if is_alive(segment):
                    raise WorkspaceBusy(f"The run {run_of(segment)} is still writing {str(segment)!r}. Run the same command again when it has ended.")
                _rewrite_one(segment, unfinished / segment.name, change)
                names.append(segment.name)
        if names:
            unfinished.rename(ready)
        _remove_folder(unfinished)
        return names
    except OSError as error:
        raise WorkspaceUnusable(
            f"The journal {str(folder)!r} could not be written anew ({error.strerror}); it is as it was. Make room, then run the same command again."
        ) from error


def is_beginning(segment: Path, of: Path) -> bool:
    """Whether a segment is the beginning of another file and no more: it was cut short, or copied while its run went on."""
    with _open(segment) as short, _open(of) as whole:
        while piece := short.read(1_000_000):
            if whole.read(len(piece)) != piece:
                return False
        return bool(whole.read(1))


def are_rewritten(home: Path) -> bool:
    """Whether segments written anew wait for their places."""
    return (home / SEGMENTS / REWRITTEN).exists()


def place_rewritten(home: Path) -> None:
    """Puts segments written anew in place of the old ones; whatever it was killed at, doing it again ends it."""
    ready = home / SEGMENTS / REWRITTEN
    for path in sorted(ready.iterdir()) if ready.exists() else []:
        packed = path.name.removesuffix(".gz") + ".gz"
        path.replace(path.parent.parent / path.name)
        for other in {packed, packed.removesuffix(".gz")} - {path.name}:  # a kill while it was packed left both
            (path.parent.parent / other).unlink(missing_ok=True)
    _remove_folder(ready)


def _remove_folder(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _open(segment: Path) -> IO[bytes]:
    return gzip.open(segment) if segment.suffix == ".gz" else segment.open("rb")  # type: ignore[return-value]


def _changes(segment: Path, change: Callable[[bytes], bytes | None]) -> bool:
    with _open(segment) as lines:
        return any(change(line) != line for line in lines)


def _rewrite_one(segment: Path, beside: Path, change: Callable[[bytes], bytes | None]) -> None:
    with _open(segment) as lines, open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        with gzip.open(file, "wb") if segment.suffix == ".gz" else nullcontext(file) as whole:
            for line in lines:
                whole.write(change(line) or b"")
        file.flush()
        os.fsync(file.fileno())


def run_of(segment: Path) -> str:
    """The run that a segment's name tells."""
    return segment.name.split(".")[0]


def is_alive(segment: Path) -> bool:
    """Whether the run that writes this segment still runs: it holds the lock, and no PID is asked."""
    with segment.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def read(segment: Path, offset: int = 0, at_most: int = 2_000_000) -> Iterator[Piece]:
    """The whole lines of a segment from an offset to its end as it is now, in pieces of about `at_most` bytes.

    What is appended meanwhile is left for the next read: to run after a run that writes would be to load it in crumbs.

    An event of another run than the segment's, or without its place, is poison: it would be counted twice or overwrite another.
    """
    run_id = run_of(segment)
    with gzip.open(segment) if segment.suffix == ".gz" else segment.open("rb") as file:
        end = sys.maxsize if segment.suffix == ".gz" else os.fstat(file.fileno()).st_size
        file.seek(offset)
        rest = b""
        while chunk := file.read(min(at_most, max(0, end - file.tell()))):
            data = rest + chunk
            cut = data.rfind(b"\n") + 1
            rest = data[cut:]
            if not cut:
                continue
            events: list[dict[str, Any]] = []
            poison: list[tuple[bytes, str]] = []
            for line in data[:cut].split(b"\n"):
                if not line:
                    continue
                reason = _wrong(line, run_id, events)
                if reason:
                    poison.append((line, reason))
            offset += cut
            yield Piece(events, poison, offset, 0)
        if rest:
            yield Piece([], [], offset, len(rest))


def _wrong(line: bytes, run_id: str, events: list[dict[str, Any]]) -> str:
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return f"not JSON: {error}"
    if not isinstance(event, dict) or not isinstance(event.get("kind"), str) or not isinstance(event.get("seq"), int):
        return "not an event"
    if event.get("run_id") != run_id:
        return "an event of another run"
    events.append(event)
    return ""
