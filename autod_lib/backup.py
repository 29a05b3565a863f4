"""A copy of the workspace in one file, taken while a run goes on, and the way back.

Decided here: what a backup holds (the database and every segment of the journal, with the hash of each), and that bringing one back only adds:
a segment that is missing, or of which there is only a beginning, comes back; what is there and whole stays. Promised: a backup is consistent at
whatever instant it is taken, because it holds the database first and then a journal that is at least as long; nothing is overwritten; a damaged
backup changes nothing. Called by the commands `backup` and `restore`, and by purge.py.
"""

import gzip
import hashlib
import os
import re
import shutil
import tarfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final

import orjson

from . import __version__, journal, store
from .errors import SettingsError, StoreDamaged, WorkspaceBusy, WorkspaceUnusable
from .settings import Settings
from .workspace import BACKUP_LOCK, held

FOLDER: Final = "backups"  # of the workspace, where they go unless told otherwise
MANIFEST: Final = "manifest.json"
RESTORING: Final = "restoring"
MEMBER: Final = re.compile(rf"{journal.SEGMENTS}/[\w-]+\.jsonl(\.gz)?|{re.escape(store.DATABASE)}|{re.escape(MANIFEST)}")
DAMAGE: Final = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, orjson.JSONDecodeError)


@dataclass
class Backup:
    """A backup that was made: its file, the segments in it, and whether the database is in it (a damaged one is not)."""

    file: str
    segments: int = 0
    has_database: bool = True
    bytes: int = 0
    seconds: float = 0.0
    exit_status: int = 0

    def sentences(self) -> list[str]:
        """The report for a person."""
        database = "the database" if self.has_database else "no database, for it cannot be read: `autod doctor` says why"
        lines = [f"{self.file}: {self.segments} segments of the journal and {database}; {self.bytes:,} bytes; {self.seconds:.1f} s."]
        return [*lines, "It holds what the documents say: keep it as you keep them."]


def backups(home: Path) -> list[Path]:
    """The backups that lie in the workspace itself, oldest first."""
    return sorted((home / FOLDER).glob("autod-*.tar.gz"))


def backup(settings: Settings, to: Path | None = None) -> Backup:
    """Writes database and journal into one file; without `to`, into the workspace's own folder of backups. A run that goes on is not held up.

    Raises: SettingsError if the file is there already or there is nothing to copy; WorkspaceBusy, WorkspaceUnusable.
    """
    begun, run_id = time.monotonic(), journal.new_run_id()
    with held(settings.home, run_id, "backup", lock=BACKUP_LOCK):
        done = write_backup(settings.home, to)
    done.seconds = round(time.monotonic() - begun, 3)
    return done


def write_backup(home: Path, to: Path | None = None) -> Backup:
    """The same for one who holds the lock of backups. Raises: SettingsError, WorkspaceUnusable."""
    target = home / FOLDER / f"autod-{journal.new_run_id()}.tar.gz" if to is None else to.absolute()
    if target.exists():
        raise SettingsError(f"{str(target)!r} is there already; nothing was written. Name another file.")
    if not journal.segments(home):
        raise SettingsError(f"The workspace {str(home)!r} holds nothing yet; nothing was written.")
    done = Backup(str(target))
    unfinished, copy = (target.with_name(f".{target.name}.{end}") for end in ("unfinished", "database"))
    try:
        if to is None:
            target.parent.mkdir(mode=0o700, exist_ok=True)
        with suppress(WorkspaceBusy):  # what is not loaded is in the journal
            store.load(home)
        try:
            store.copy_database(home, copy)
        except StoreDamaged:
            done.has_database = False
        with _private(unfinished) as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as archive:
                files = {store.DATABASE: _add(archive, store.DATABASE, copy)} if done.has_database else {}
                for segment in journal.segments(home):  # they go on growing: each is copied as long as it is now
                    found = segment if segment.exists() else segment.with_suffix(".jsonl.gz")  # packed since it was listed
                    name = f"{journal.SEGMENTS}/{found.name}"
                    files[name] = _add(archive, name, found)
                    done.segments += 1
                text = orjson.dumps({"autod": __version__, "made_at": journal.now(), "files": files}, option=orjson.OPT_INDENT_2)
                archive.addfile(_member(MANIFEST, len(text)), BytesIO(text))
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(target)
    except OSError as error:
        raise WorkspaceUnusable(
            f"The backup {str(target)!r} cannot be written ({error.strerror}); the workspace is as it was. Make room, or name another file."
        ) from error
    finally:
        for path in (unfinished, copy):
            path.unlink(missing_ok=True)
    done.bytes = target.stat().st_size
    return done


def _private(path: Path) -> IO[bytes]:
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb")


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(time.time())
    return member


class _Hashed:
    """A file that is hashed as it is read or written."""

    def __init__(self, file: Any) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def read(self, size: int) -> bytes:
        data: bytes = self.file.read(size)
        self.digest.update(data)
        return data


def _add(archive: tarfile.TarFile, name: str, path: Path) -> str:
    """Adds a file as it is now, and gives the hash of what was added."""
    with path.open("rb") as file:
        hashed = _Hashed(file)
        archive.addfile(_member(name, os.fstat(file.fileno()).st_size), hashed)  # type: ignore[arg-type]
    return hashed.digest.hexdigest()


@dataclass
class Restored:
    """What a restore did: segments that were missing and came back, those that were cut short and are whole again, and those left as they are."""

    file: str
    added: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    kept: int = 0
    purged_again: int = 0
    seconds: float = 0.0
    exit_status: int = 0

    def sentences(self) -> list[str]:
        """The report for a person."""
        lines = [
            f"{len(self.added)} segments came back, {len(self.mended)} were cut short and are whole again, {self.kept} were there already and stay "
            f"as they are; {self.seconds:.1f} s."
        ]
        if self.purged_again:
            lines.append(f"With them came back what {self.purged_again} purged documents said: run `autod purge`.")
        return lines


def restore(settings: Settings, source: Path) -> Restored:
    """Brings back what a backup holds and the workspace lacks; what the workspace holds besides, or has whole, stays as it is.

    Raises: SettingsError if the file is no backup; WorkspaceBusy while a run holds the workspace; WorkspaceUnusable if the backup is damaged, before
    anything has changed, or there is no room.
    """
    begun, run_id, home = time.monotonic(), journal.new_run_id(), settings.home
    if not source.is_file():
        raise SettingsError(f"{str(source)!r} is no file; nothing was changed. Name a backup that `autod backup` made.")
    with held(home, run_id, "restore"), held(home, run_id, "restore", lock=BACKUP_LOCK), _unpacked(source, home / RESTORING) as folder:
        done = Restored(str(source))
        there = {journal.run_of(path): path for path in journal.segments(home)}
        moves = []
        for path in sorted((folder / journal.SEGMENTS).iterdir()):
            known = there.get(journal.run_of(path))
            if known is None:
                done.added.append(path.name)
            elif not journal.is_alive(known) and journal.is_beginning(known, path):
                done.mended.append(path.name)
            else:
                done.kept += 1
                continue
            moves.append((path, known))

        def place() -> None:
            target = home / journal.SEGMENTS
            target.mkdir(mode=0o700, exist_ok=True)
            for path, known in moves:
                path.replace(target / path.name)
                if known is not None and known.name != path.name:
                    known.unlink()
            if not there and (folder / store.DATABASE).exists():
                (folder / store.DATABASE).replace(store.database(home))

        if moves:
            store.make_anew(home, place)
        with store.reading(home) as con:
            ((done.purged_again,),) = con.execute("select count(*) from purged_in_record").fetchall()
    done.seconds = round(time.monotonic() - begun, 3)
    return done


@contextmanager
def _unpacked(source: Path, folder: Path) -> Iterator[Path]:
    """The files of a backup, each compared with its hash, in a folder that is there for as long as the block lasts.

    Raises: SettingsError, WorkspaceUnusable.
    """
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=0o700)
        (folder / journal.SEGMENTS).mkdir(mode=0o700)
        hashes: dict[str, str] = {}
        with tarfile.open(source, "r:gz") as archive:
            for member in archive:
                if not (member.isreg() and MEMBER.fullmatch(member.name)):
                    raise SettingsError(f"{str(source)!r} is no backup of autoD: it holds {member.name!r}. Nothing was changed.")
                hashed = _Hashed(archive.extractfile(member))
                with _private(folder / member.name) as file:
                    while data := hashed.read(1_000_000):
                        file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                hashes[member.name] = hashed.digest.hexdigest()
        wanted = orjson.loads((folder / MANIFEST).read_bytes())["files"] if MANIFEST in hashes else {}
        hashes.pop(MANIFEST, None)
        if hashes != wanted or not wanted:
            raise tarfile.ReadError("what it holds is not what it says")
        yield folder
    except DAMAGE as error:
        raise WorkspaceUnusable(f"The backup {str(source)!r} is damaged ({error}); nothing was changed. Restore from another.") from error
    except OSError as error:
        raise WorkspaceUnusable(
            f"The backup {str(source)!r} cannot be restored ({error.strerror or error}). What was there is as it was, what came back is whole. "
            "Mend that, then run the same command again."
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
