"""The lock of a workspace: one command that may pay, and everybody else is told who it is."""

import errno
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from autod_lib.errors import WorkspaceBusy, WorkspaceUnusable
from autod_lib.workspace import LOCK, held, holder

Start = Callable[..., subprocess.Popen[str]]
HOLDER = """
import sys
from pathlib import Path
from autod_lib.workspace import held
with held(Path(sys.argv[1]), sys.argv[2], "ingest"):
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_told_who_holds_the_workspace(tmp_path: Path, start: Start) -> None:
    """Run, command, process and since when; exit 5, and nothing spent."""
    process = start(HOLDER, tmp_path, "run-a")
    for _ in range(20):
        with pytest.raises(WorkspaceBusy) as told, held(tmp_path, "run-b", "ingest"):
            raise AssertionError("two runs hold the workspace")
        assert told.value.exit_status == 5
        for part in ("run run-a", "autod ingest", f"process {process.pid}", "since 20", "Nothing was sent", "--wait"):
            assert part in str(told.value)
    named = holder(tmp_path)
    assert named is not None
    assert "run-a" in named


def test_the_workspace_is_free_the_instant_its_holder_dies(tmp_path: Path, start: Start) -> None:
    """kill -9 leaves the file with its content, and no lock."""
    process = start(HOLDER, tmp_path, "run-a")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert b"run-a" in (tmp_path / LOCK).read_bytes()
    assert holder(tmp_path) is None
    with held(tmp_path, "run-b", "ingest"):
        assert "run-b" in str(holder(tmp_path))
    assert holder(tmp_path) is None


OF_A_LIVING_PROCESS = orjson.dumps({"run_id": "x", "command": "c", "pid": os.getpid(), "since": "2026-01-01"})


@pytest.mark.parametrize(
    "content", [b"", b"junk\xff", b"[]", b'{"run_id": 1}', OF_A_LIVING_PROCESS], ids=["empty", "junk", "list", "half", "of a living process"]
)
def test_what_the_lock_file_says_does_not_matter(tmp_path: Path, content: bytes, start: Start) -> None:
    """Neither a stale content nor the number of a process that lives, this one, keeps anybody out; a junk content does not hide a holder."""
    (tmp_path / LOCK).write_bytes(content)
    assert holder(tmp_path) is None
    with held(tmp_path, "run-b", "ingest"):
        pass
    start(HOLDER, tmp_path, "run-a")
    (tmp_path / LOCK).write_bytes(content)
    assert holder(tmp_path) is not None
    with pytest.raises(WorkspaceBusy), held(tmp_path, "run-c", "ingest"):
        pass


def test_the_lock_is_given_back_after_an_error(tmp_path: Path) -> None:
    """A run that fails does not keep the next one out, in the same process either."""
    with pytest.raises(KeyError), held(tmp_path, "run-a", "ingest"):
        raise KeyError
    with held(tmp_path, "run-b", "ingest"), pytest.raises(WorkspaceBusy), held(tmp_path, "run-c", "ingest"):
        pass
    assert holder(tmp_path) is None


def test_a_full_disk_does_not_take_the_lock_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The content only names the holder; the journal is what must be written."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with held(tmp_path, "run-a", "ingest"):
        assert holder(tmp_path) == "another run that has just started"


def test_a_workspace_that_cannot_be_written_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    """Exit 6, with the folder and the way out."""
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceUnusable, match=r"nothing was sent.*AUTOD_HOME") as told, held(tmp_path / "file", "r", "ingest"):
        pass
    assert told.value.exit_status == 6
    assert holder(tmp_path / "nowhere") is None
