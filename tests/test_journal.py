"""The journal: what was written is there, whatever happened next; what is broken is put aside alone."""

import errno
import gzip
import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autod_lib import journal
from autod_lib.errors import WorkspaceUnusable
from autod_lib.journal import Journal, Piece, is_alive, path_text, read, run_of, segments, text_path

Start = Callable[..., subprocess.Popen[str]]
RUN = "20261124-020000-0000000a"

HOLDER = """
import sys
from pathlib import Path
from autod_lib.journal import Journal
journal = Journal(Path(sys.argv[1]), sys.argv[2])
for number in range(20):
    journal.write("look", files=number)
print("ready", flush=True)
sys.stdin.read()
"""


def _events(segment: Path, **given: Any) -> list[dict[str, Any]]:
    return [event for piece in read(segment, **given) for event in piece.events]


def _segment(home: Path, lines: list[bytes], run_id: str = RUN) -> Path:
    path = home / "journal" / f"{run_id}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(lines))
    return path


def _line(seq: int, **columns: Any) -> bytes:
    return json.dumps({"kind": "look", "run_id": RUN, "seq": seq} | columns).encode() + b"\n"


def test_an_event_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, one system call, so that no end of the process can tear it."""
    written: list[bytes] = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: written.append(data) or real(file, data))
    with Journal(tmp_path) as opened:
        opened.write("look", root="/inbox", files=3)
        opened.write("label", value="x\ny", amount=Decimal("0.10"), at=datetime(2026, 1, 1, tzinfo=UTC), path=Path("/a"), names={"b", "a"})
    assert len(written) == 2
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in written)
    assert opened.bytes == opened.path.stat().st_size
    first, second = _events(opened.path)
    assert first.items() >= {"kind": "look", "run_id": opened.run_id, "seq": 0, "root": "/inbox", "files": 3}.items()
    assert second.items() >= {"value": "x\ny", "amount": "0.10", "at": "2026-01-01T00:00:00+00:00", "path": "/a", "names": ["a", "b"]}.items()
    assert datetime.fromisoformat(second["logged_at"]).utcoffset() == datetime.now(UTC).utcoffset()


def test_events_stay_in_their_order_when_the_clock_is_set_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour back in the middle of a run: what is written later is not dated earlier, so that the newest is still the newest."""
    times = [datetime(2026, 10, 25, hour, tzinfo=UTC) for hour in (1, 2, 1, 3)]
    monkeypatch.setattr(journal, "now", iter(times).__next__)
    with Journal(tmp_path, "20261025-010000-0000000a") as segment:
        for number in range(3):
            segment.write("look", files=number)
    (piece,) = journal.read(segment.path)

    assert [event["logged_at"] for event in piece.events] == [f"2026-10-25T0{hour}:00:00+00:00" for hour in (2, 2, 3)]


def test_many_threads_write_whole_lines_with_a_place_each(tmp_path: Path) -> None:
    """Calls end at the same time; their events do not mix."""
    with Journal(tmp_path) as opened:
        writers = [threading.Thread(target=lambda: [opened.write("look", text="x" * 5000) for _ in range(50)]) for _ in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
    events = _events(opened.path)
    assert [event["seq"] for event in events] == list(range(200))


def test_a_segment_cut_at_any_byte_loads_all_lines_before_the_cut(tmp_path: Path) -> None:
    """A torn tail costs the line it tore, and says how many bytes it was."""
    lines = [_line(0, text="ä€"), _line(1, text='"\\'), _line(2, amount="0.000000000001"), b"\n", _line(3)]
    whole = b"".join(lines)
    ends = [len(b"".join(lines[: count + 1])) for count in range(len(lines))]
    path = _segment(tmp_path, [])
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        pieces = list(read(path))
        complete = [end for end in ends if end <= cut]
        assert [event["seq"] for piece in pieces for event in piece.events] == [0, 1, 2, 3][: len(complete) - (len(complete) > 3)]
        assert not any(piece.poison for piece in pieces)
        assert sum(piece.torn for piece in pieces) == cut - (complete[-1] if complete else 0)
        assert [piece.end for piece in pieces if not piece.torn][-1:] == complete[-1:]


POISON = {
    "surrogate": (_line(7, text="a\ud800"), "not JSON"),
    "NaN": (_line(7, cost=float("nan")), "not JSON"),
    "not UTF-8": (_line(7).replace(b"look", b"l\xffok"), "not JSON"),
    "zeros": (b"\0" * 512 + b"\n", "not JSON"),
    "half a line and a whole one": (_line(7)[:20] + _line(8), "not JSON"),
    "not an object": (b"[1]\n", "not an event"),
    "without a kind": (b'{"run_id":"%s","seq":1}\n' % RUN.encode(), "not an event"),
    "without a place": (b'{"kind":"look","run_id":"%s"}\n' % RUN.encode(), "not an event"),
    "of another run": (_line(7).replace(RUN.encode(), b"other"), "another run"),
}


@pytest.mark.parametrize("kind", POISON)
def test_a_broken_line_in_the_middle_is_put_aside_alone(tmp_path: Path, kind: str) -> None:
    """With a reason, and every other line is loaded."""
    line, reason = POISON[kind]
    path = _segment(tmp_path, [_line(0), line, _line(1), line, _line(2)])
    (piece,) = read(path)
    assert [event["seq"] for event in piece.events] == [0, 1, 2]
    assert [(bad + b"\n", reason in why) for bad, why in piece.poison] == [(line, True)] * 2


@pytest.mark.parametrize("taken", [0, 1, 17, -1])
def test_a_line_that_the_disk_took_in_part_is_told_and_spoils_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    """On a full disk the system takes less without an error; the next event begins on a line of its own, in a place of its own."""
    real = os.write
    with Journal(tmp_path) as opened:
        opened.write("look", files=1)
        monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:taken]))
        with pytest.raises(WorkspaceUnusable, match=r"'look' event \(only \d+ of \d+ bytes.*Make room"):
            opened.write("look", files=2)
        monkeypatch.setattr(os, "write", real)
        opened.write("look", files=3)
        opened.write("look", files=4)
    events = _events(opened.path)
    told_as_failed = {2} if taken == -1 else set()  # all of it but its newline arrived
    assert [event["files"] for event in events if event["files"] not in told_as_failed] == [1, 3, 4]
    assert len({event["seq"] for event in events}) == len(events)


def test_a_full_disk_stops_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 6, before any call that could not be recorded."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Journal(tmp_path) as opened:
        opened.write("look")
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full)
            with pytest.raises(WorkspaceUnusable, match="No space left") as told:
                opened.write("call_started")
        opened.write("look")
    assert told.value.exit_status == 6
    assert [event["seq"] for event in _events(opened.path)] == [0, 1]


def test_a_journal_that_cannot_be_made_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    """The folder is a file, or the run exists: nothing is overwritten."""
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceUnusable, match="nothing was sent"):
        Journal(tmp_path / "file")
    _segment(tmp_path, [_line(0)])
    with pytest.raises(WorkspaceUnusable):
        Journal(tmp_path, RUN)
    assert len(_events(tmp_path / "journal" / f"{RUN}.jsonl")) == 1


def test_an_event_that_cannot_be_kept_is_refused_without_a_trace(tmp_path: Path) -> None:
    """A program error does not become a line that nobody can load."""
    with Journal(tmp_path) as opened:
        with pytest.raises(TypeError):
            opened.write("look", thing=object())
        with pytest.raises(TypeError):
            opened.write("look", text="\ud800")
        opened.write("look")
    assert [event["seq"] for event in _events(opened.path)] == [0]


def test_a_run_is_alive_as_long_as_its_process_and_no_longer(tmp_path: Path, start: Start) -> None:
    """A real process, ended by kill -9: its lock is free at once, and all it wrote is there."""
    process = start(HOLDER, tmp_path, RUN)
    path = tmp_path / "journal" / f"{RUN}.jsonl"
    assert is_alive(path)
    assert is_alive(path)  # asking does not take the lock away
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not is_alive(path)
    assert [event["files"] for event in _events(path)] == list(range(20))


def test_a_segment_without_a_line_is_no_segment_yet(tmp_path: Path) -> None:
    """A run that has made its file and not yet locked it must not be taken for a dead one."""
    opened = Journal(tmp_path)
    assert segments(tmp_path) == []
    opened.write("look")
    assert segments(tmp_path) == [opened.path]
    assert is_alive(opened.path)
    opened.close()
    opened.close()
    assert not is_alive(opened.path)


def test_segments_come_in_the_order_of_their_runs_compressed_or_not(tmp_path: Path) -> None:
    """A compressed segment is read as it was."""
    assert segments(tmp_path) == []
    later = _segment(tmp_path, [_line(0)], "20261125-000000-00000001")
    packed = tmp_path / "journal" / f"{RUN}.jsonl.gz"
    packed.write_bytes(gzip.compress(_line(0) + _line(1) + b'{"torn'))
    (tmp_path / "journal" / "notes.txt").write_text("x")
    assert segments(tmp_path) == [packed, later]
    assert run_of(packed) == RUN
    *_, last = read(packed)
    assert [event["seq"] for event in _events(packed)] == [0, 1]
    assert last.torn == 6
    assert [event["seq"] for event in _events(packed, offset=len(_line(0)))] == [1]


def test_run_ids_sort_by_time_and_differ() -> None:
    """The order of runs is that of their names."""
    at = datetime(2026, 11, 24, 15, 59, tzinfo=UTC)
    ids = {journal.new_run_id(at) for _ in range(100)}
    assert len(ids) == 100
    assert all(run_id.startswith("20261124-155900-") for run_id in ids)
    instants = [at + timedelta(milliseconds=milliseconds) for milliseconds in range(0, 3000, 7)]
    in_order = [journal.new_run_id(instant) for instant in instants]
    assert in_order == sorted(in_order)


@pytest.mark.parametrize(
    "raw", [b"/inbox/a.pdf", "/inbox/ä €.pdf".encode(), b"/inbox/a\xff\xfe.pdf", b"/in%20box/a\nb.pdf", b"/inbox/%FF\xff.pdf", b"/a b\xe4#?.pdf"]
)
def test_a_path_leads_back_to_the_file_also_when_its_name_is_not_utf8(raw: bytes) -> None:
    """The text can be stored anywhere, and names the file byte for byte."""
    text = path_text(os.fsdecode(raw))
    text.encode()
    assert os.fsencode(text_path(text)) == raw
    assert path_text(text_path(text)) == text


@given(st.binary(min_size=1, max_size=30).filter(lambda raw: b"\0" not in raw and b"/" not in raw and raw not in (b".", b"..")))
def test_every_name_a_file_can_have_leads_back_to_it(name: bytes) -> None:
    """Any bytes but the two that no name has."""
    path = os.fsdecode(b"/inbox/" + name)
    assert os.fsencode(text_path(path_text(path))) == b"/inbox/" + name


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
COLUMNS = st.dictionaries(st.text("abcdef", min_size=1), VALUES, max_size=4)


@given(st.lists(COLUMNS, max_size=12), st.integers(1, 200), st.integers(0, 11))
def test_the_size_of_the_pieces_changes_nothing(columns: list[dict[str, Any]], at_most: int, stop: int) -> None:
    """Read in pieces of any size, and gone on with from any piece's end, a segment holds the same events."""
    with tempfile.TemporaryDirectory() as folder:
        with Journal(Path(folder), RUN) as opened:
            for each in columns:
                opened.write("look", **each)
        pieces = list(read(opened.path, at_most=at_most))
        assert [event for piece in pieces for event in piece.events] == _events(opened.path)
        assert [{key: event[key] for key in each} for event, each in zip(_events(opened.path), columns, strict=True)] == columns
        if pieces:
            kept: list[Piece] = pieces[: stop % len(pieces) + 1]
            rest = _events(opened.path, offset=kept[-1].end, at_most=at_most)
            assert [event for piece in kept for event in piece.events] + rest == _events(opened.path)
