"""A look over a folder: what is new, changed or gone, without opening what is as it was."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autod_lib import store
from autod_lib.errors import SettingsError
from autod_lib.journal import Journal, path_text
from autod_lib.look import Look, absolute_roots, has_news, inbox_of, look, walk

SETUP = "s1"
NOT_UTF8 = os.fsdecode(b"caf\xe9.pdf")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder with two documents in it."""
    folder = tmp_path / "inbox"
    (folder / "2026").mkdir(parents=True)
    (folder / "a.pdf").write_bytes(b"%PDF-a")
    (folder / "2026" / "b.PDF").write_bytes(b"%PDF-b")
    return folder


@pytest.fixture
def home(tmp_path: Path, empty_database: Path) -> Path:
    """A workspace."""
    (tmp_path / "home").mkdir()
    return Path(shutil.copy(empty_database, tmp_path / "home")).parent


def _look(home: Path, *roots: Path) -> Look:
    with store.reading(home) as con:
        return look(con, absolute_roots(roots), SETUP, 10**9)


def _record(home: Path, found: Look, status: str | None = "processed", problem: str | None = None) -> None:
    """Writes what a run would write of the files that were new."""
    with Journal(home) as journal:
        for number, item in enumerate(found.unread):
            sha = f"{number:02x}" * 32
            journal.write(
                "sighting", path=path_text(item.path), document_sha256=sha, size_bytes=item.size, modified_ns=item.modified_ns, problem=problem
            )
            if status:
                journal.write("document_status", document_sha256=sha, setup_hash=SETUP, status=status, is_simulated=True)
        for text in found.vanished:
            journal.write("sighting", path=text, document_sha256=None, problem="vanished")


def _names(found: Look) -> list[str]:
    return [Path(item.path).name for item in found.unread]


def test_what_is_as_it_was_is_known_and_not_opened(home: Path, inbox: Path) -> None:
    """Same path, size and time of change: the second look has nothing to read and knows what became of each."""
    first = _look(home, inbox)
    assert _names(first) == ["a.pdf", "b.PDF"]
    _record(home, first)
    opened: list[str] = []
    sys_audit(opened, inbox)
    second = _look(home, inbox)
    assert (second.unread, second.vanished, second.files) == ([], [], 2)
    assert [(known.status, known.failed_runs, known.is_deleted) for known in second.known] == [("processed", 0, False)] * 2
    assert [path for path in opened if path.lower().endswith(".pdf")] == []


def sys_audit(opened: list[str], below: Path) -> None:
    """Notes every file below a folder that this process opens from now on."""
    sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" and str(given[0]).startswith(str(below)) else None)


def test_the_note_of_opened_files_notes(inbox: Path) -> None:
    """The hook of the test above would see an opening."""
    opened: list[str] = []
    sys_audit(opened, inbox)
    (inbox / "a.pdf").read_bytes()
    assert opened == [str(inbox / "a.pdf")]


@pytest.mark.parametrize("change", ["size", "time", "both"])
def test_a_changed_file_is_read_again(home: Path, inbox: Path, change: str) -> None:
    """Either sign is enough."""
    _record(home, _look(home, inbox))
    path = inbox / "a.pdf"
    before = path.stat()
    if change != "time":
        path.write_bytes(b"%PDF-a, longer")
    if change == "size":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    if change == "time":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert _names(_look(home, inbox)) == ["a.pdf"]


def test_a_file_that_is_gone_is_told_once(home: Path, inbox: Path) -> None:
    """And when it comes back, it is read."""
    _record(home, _look(home, inbox))
    content = (inbox / "a.pdf").read_bytes()
    (inbox / "a.pdf").unlink()
    gone = _look(home, inbox)
    assert gone.vanished == [str(inbox / "a.pdf")]
    _record(home, gone)
    assert _look(home, inbox).vanished == []
    (inbox / "a.pdf").write_bytes(content)
    assert _names(_look(home, inbox)) == ["a.pdf"]


def test_a_moved_file_is_one_gone_and_one_new(home: Path, inbox: Path) -> None:
    """Its content tells later that it is the same document."""
    _record(home, _look(home, inbox))
    (inbox / "a.pdf").rename(inbox / "2026" / "a.pdf")
    found = _look(home, inbox)
    assert (_names(found), found.vanished) == (["a.pdf"], [str(inbox / "a.pdf")])


def test_a_look_at_one_folder_says_nothing_of_another(home: Path, inbox: Path, tmp_path: Path) -> None:
    """A folder whose name begins the same is another folder."""
    other = tmp_path / "inbox2"
    other.mkdir()
    (other / "c.pdf").write_bytes(b"c")
    _record(home, _look(home, inbox, other))
    (other / "c.pdf").unlink()
    assert _look(home, inbox).vanished == []
    assert _look(home, inbox / "a.pdf").vanished == []
    assert _look(home, inbox, other).vanished == [str(other / "c.pdf")]


@pytest.mark.parametrize("problem", ["unreadable", "changed_while_read"])
def test_a_trouble_of_the_moment_is_looked_at_again(home: Path, inbox: Path, problem: str) -> None:
    """Such a file was never judged; a rejected one was, and is left."""
    _record(home, _look(home, inbox), status=None, problem=problem)
    assert len(_look(home, inbox).unread) == 2
    _record(home, _look(home, inbox), status="rejected", problem="encrypted")
    assert [known.problem for known in _look(home, inbox).known] == ["encrypted"] * 2


def test_a_file_that_was_too_large_is_looked_at_again_when_larger_ones_are_allowed(home: Path, inbox: Path) -> None:
    """Else the setting that its sentence names would have no effect."""
    _record(home, _look(home, inbox), status=None, problem="too_large")
    with store.reading(home) as con:
        assert look(con, [str(inbox)], SETUP, max_bytes=5).unread == []
        assert _names(look(con, [str(inbox)], SETUP, max_bytes=6)) == ["a.pdf", "b.PDF"]


def test_a_watcher_takes_an_unreadable_file_once_and_again_when_its_rights_change(home: Path, inbox: Path) -> None:
    """A run every few seconds for a file that stays as it is would fill the journal."""
    tried: set[tuple[str, int]] = set()
    _record(home, _look(home, inbox), status=None, problem="unreadable")
    assert [has_news(_look(home, inbox), tried) for _ in range(3)] == [True, False, False]
    (inbox / "a.pdf").chmod(0o400)
    assert [has_news(_look(home, inbox), tried) for _ in range(2)] == [True, False]
    (inbox / "new.pdf").write_bytes(b"x")
    assert has_news(_look(home, inbox), tried)


def test_under_other_settings_an_answer_is_not_known(home: Path, inbox: Path) -> None:
    """The file is, so that it is not opened to be hashed; its status is that of the settings asked for. A rejected file stays rejected."""
    _record(home, _look(home, inbox))
    with store.reading(home) as con:
        found = look(con, [str(inbox)], "s2", 10**9)
        assert [(known.status, known.document_sha256 is not None) for known in found.known] == [(None, True)] * 2
    _record(home, _look(home, inbox), status="rejected")


def test_failed_runs_are_counted_and_a_deletion_is_known(home: Path, inbox: Path) -> None:
    """So that a hopeless document is not tried for ever, and a deleted one is not brought back."""
    _record(home, _look(home, inbox), status="failed")
    with Journal(home) as journal:
        journal.write("document_status", document_sha256="00" * 32, setup_hash=SETUP, status="failed", is_simulated=True)
        journal.write("deletion", document_sha256="01" * 32, is_deleted=True)
    assert [(known.failed_runs, known.is_deleted) for known in _look(home, inbox).known] == [(2, False), (1, True)]


@pytest.fixture
def odd(inbox: Path) -> Path:
    """The folder with everything that may lie in one."""
    (inbox / ".git").mkdir()
    (inbox / ".git" / "hidden.pdf").write_bytes(b"x")
    (inbox / ".draft.pdf").write_bytes(b"x")
    (inbox / "notes.txt").write_bytes(b"x")
    (inbox / "PDF").write_bytes(b"x")
    (inbox / "folder.pdf").mkdir()
    (inbox / "folder.pdf" / "inside.pdf").write_bytes(b"x")
    (inbox / "2026" / "up").symlink_to(inbox)
    (inbox / "loop.pdf").symlink_to(inbox / "loop.pdf")
    (inbox / "dangling.pdf").symlink_to(inbox / "nowhere.pdf")
    (inbox / "link.pdf").symlink_to(inbox / "a.pdf")
    os.mkfifo(inbox / "pipe.pdf")
    (inbox / NOT_UTF8).write_bytes(b"%PDF-c")
    (inbox / "line\nbreak.Pdf").write_bytes(b"x")
    return inbox


def test_a_folder_is_walked_to_its_documents_in_order(odd: Path) -> None:
    """Upper case counts; hidden folders, other endings and links to folders do not; what cannot be a document is told, not passed over."""
    names = [str(Path(path).relative_to(odd)) for path, _ in walk(str(odd))]
    here = [".draft.pdf", "a.pdf", NOT_UTF8, "dangling.pdf", "folder.pdf", "line\nbreak.Pdf", "link.pdf", "loop.pdf", "pipe.pdf"]
    assert names == [*sorted(here), "2026/b.PDF"]
    assert list(walk(str(odd / "nowhere"))) == []


def test_a_second_look_at_odd_names_finds_nothing_new(home: Path, odd: Path) -> None:
    """Names that are not UTF-8, below a plain folder or in one of such a name, are known again, and missed when they go."""
    below = odd / os.fsdecode(b"M\xe4rz")
    below.mkdir()
    (below / "plain.pdf").write_bytes(b"x")
    (below / NOT_UTF8).write_bytes(b"x")
    first = _look(home, odd)
    assert len(first.unread) == first.files == 12
    _record(home, first)
    assert _look(home, odd).unread == []
    assert _look(home, below).unread == []
    with Journal(home) as journal:
        journal.write("look", root=path_text(below), seconds=0.0, files=2, unchanged=2, changed=0, vanished=0)
        journal.write("look", root=str(odd), seconds=0.0, files=12, unchanged=12, changed=0, vanished=0)
    with store.reading(home) as con:
        assert con.execute("select bool_and(last_seen_at > first_seen_at) from sightings").fetchall() == [(True,)]
    (odd / NOT_UTF8).unlink()
    (below / "plain.pdf").unlink()
    assert sorted(_look(home, odd).vanished) == sorted(map(path_text, (odd / NOT_UTF8, below / "plain.pdf")))
    assert _look(home, below).vanished == [path_text(below / "plain.pdf")]


def test_a_file_that_is_named_counts_whatever_its_ending(home: Path, odd: Path) -> None:
    """Who names a file means it; a named folder is searched, also one called x.pdf or hidden."""
    assert _names(_look(home, odd / "PDF", odd / "notes.txt")) == ["PDF", "notes.txt"]
    assert _names(_look(home, odd / "folder.pdf")) == ["inside.pdf"]
    assert _names(_look(home, odd / ".git")) == ["hidden.pdf"]
    assert _names(_look(home, odd / "dangling.pdf")) == ["dangling.pdf"]


def test_a_file_that_goes_while_it_is_looked_at_ends_nothing(home: Path, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scanner's folder is always in motion."""
    _record(home, _look(home, inbox))
    real = os.scandir

    @contextmanager
    def listed_then_gone(folder: str) -> Iterator[list[os.DirEntry[str]]]:
        with real(folder) as listing:
            entries = list(listing)
        (inbox / "a.pdf").unlink(missing_ok=True)
        yield entries

    roots = absolute_roots([inbox])
    with store.reading(home) as con, monkeypatch.context() as patched:
        patched.setattr(os, "scandir", listed_then_gone)
        found = look(con, roots, SETUP, 10**9)
    assert (found.files, found.vanished) == (1, [str(inbox / "a.pdf")])
    with store.reading(home) as con:
        assert look(con, [str(inbox / "a.pdf")], SETUP, 10**9).vanished == [str(inbox / "a.pdf")]


def test_paths_are_made_absolute_and_told_when_they_do_not_exist(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is named; a path below another is looked at once."""
    monkeypatch.chdir(inbox)
    assert absolute_roots([Path("2026"), Path(), Path("a.pdf"), Path()]) == [str(inbox)]
    assert absolute_roots([Path("2026"), Path("a.pdf")]) == [str(inbox / "2026"), str(inbox / "a.pdf")]
    with pytest.raises(SettingsError, match=r"'.*/no1', '.*/no2': no such file or folder; nothing was read"):
        absolute_roots([Path("a.pdf"), Path("no1"), Path("no2")])
    assert inbox_of(str(inbox)) == inbox == inbox_of(str(inbox / "a.pdf"))
