"""The locks of a workspace: one command that may pay at a time, and one chain of steps at a time.

Decided here: that the lock is the operating system's (`flock`), so that it is free the instant its holder dies, however it dies; the file's
content only names the holder. Called by ingest.py and runs.py. Reading, labelling and reviewing need no lock.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import orjson

from . import logs
from .errors import WorkspaceBusy, WorkspaceUnusable
from .journal import now

LOCK: Final = "autod.lock"
BACKUP_LOCK: Final = "backup.lock"  # no purge while a backup is made, and the other way round
CHAIN_LOCK: Final = "chain.lock"  # the steps of a chain take the other one themselves


@contextmanager
def held(home: Path, run_id: str, command: str, *, lock: str = LOCK) -> Iterator[None]:
    """Holds the workspace for a run that may pay, or for a chain; what is logged inside says that it is about this run.

    Raises: WorkspaceBusy naming the holder, WorkspaceUnusable if the folder cannot be written.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(home / lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise WorkspaceUnusable(
            f"The workspace {str(home)!r} cannot be written ({error.strerror}); nothing was sent, nothing was spent. "
            "Make the folder writable, or name another with AUTOD_HOME."
        ) from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if lock == CHAIN_LOCK:
                raise WorkspaceBusy(f"A chain is under way in {str(home)!r}: {_holder(file)}. Nothing was started. Wait for it.") from None
            raise WorkspaceBusy(
                f"The workspace {str(home)!r} is held by {_holder(file)}. Nothing was sent, nothing was spent. "
                "Wait for it, add --wait, or name another workspace with AUTOD_HOME."
            ) from None
        _name_holder(file, {"run_id": run_id, "command": command, "pid": os.getpid(), "since": now()})
        with logs.about(run_id=run_id):
            yield
    finally:
        os.close(file)


def holder(home: Path) -> str | None:
    """Who holds the workspace, in words; None when it is free."""
    try:
        file = os.open(home / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return _holder(file)
    finally:
        os.close(file)


def _name_holder(file: int, named: dict[str, object]) -> None:
    with suppress(OSError):  # on a full disk the lock holds all the same, and the journal is what says so
        os.ftruncate(file, 0)
        os.pwrite(file, orjson.dumps(named), 0)


def _holder(file: int) -> str:
    try:
        named = orjson.loads(os.pread(file, 4096, 0))
        return f"run {named['run_id']} (autod {named['command']}, process {named['pid']}, since {named['since'][:19]} UTC)"
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "another run that has just started"
