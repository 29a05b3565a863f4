"""The look that needs no database: it must say exactly what the long way says, and step aside as soon as anything changed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autod_lib import glance, journal
from autod_lib.local_api import running
from autod_lib.report import Options, Report
from autod_lib.settings import Settings

from .pipeline import PROJECT, autod, environment, make_inbox, make_pdf, one, rows, run, settings_for


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A simulated API."""
    with running() as address:
        yield address


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Three invoices, a copy of one, and a file that is no PDF."""
    folder = make_inbox(tmp_path / "in", 3)
    (folder / "copy.pdf").write_bytes((folder / "invoice-000.pdf").read_bytes())
    (folder / "bad.pdf").write_text("no PDF")
    return folder


@pytest.fixture
def settings(tmp_path: Path, address: str) -> Settings:
    """A workspace of its own."""
    return settings_for(tmp_path / "home", address)


def told(report: Report) -> dict[str, object]:
    """What a report says of the documents, without what belongs to the single run."""
    return {name: value for name, value in report.columns().items() if name not in ("run_id", "seconds")}


def noted(inbox: Path, settings: Settings) -> bool:
    """Whether the note holds."""
    return glance.as_noted([str(inbox)], settings) is not None


def test_it_says_what_the_long_way_says(inbox: Path, settings: Settings) -> None:
    """The same report, from the note and from the database, and both are in the record."""
    run(inbox, settings)
    assert noted(inbox, settings)
    short = run(inbox, settings)
    (settings.home / glance.NOTE).unlink()
    assert told(short) == told(run(inbox, settings))
    assert (short.documents, short.reused, short.failed, short.duplicates, short.exit_status) == (4, 3, 1, 1, 1)
    assert one(settings.home, "select count(*) from runs_overview where state = 'finished'") == 3
    assert rows(settings.home, "select files, unchanged from looks order by logged_at")[1:] == [(5, 5), (5, 5)]


def test_no_database_is_opened_for_it(inbox: Path, settings: Settings) -> None:
    """A damaged database does not even come up, and is still found by the next who needs it."""
    run(inbox, settings)
    (settings.home / "autod.duckdb").write_bytes(b"no database at all" * 1000)
    report = run(inbox, settings)
    assert (report.reused, report.stopped_by) == (3, None)


def test_the_command_imports_no_database_for_it(inbox: Path, settings: Settings) -> None:
    """What makes a run without news quick is what it leaves out."""
    assert autod("ingest", inbox, home=settings.home, address=settings.base_url).returncode == 1
    script = (
        "import sys\nfrom autod_lib.cli import app\n"
        f"try: app(['ingest', {str(inbox)!r}, '--json'], standalone_mode=False)\nexcept BaseException as end: pass\n"
        "print([name for name in ('duckdb', 'openai', 'tiktoken', 'genai_prices', 'rich') if name in sys.modules], file=sys.stderr)"
    )
    environ = environment(settings.home, settings.base_url, PYTHONPATH=str(PROJECT), AUTOD_READERS="1")
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout)["reused"] == 3
    assert done.stderr.strip() == "[]"


def _touched(inbox: Path, home: Path) -> None:
    os.utime(inbox / "invoice-001.pdf", ns=(1, 1))


def _longer(inbox: Path, home: Path) -> None:
    status = (inbox / "invoice-001.pdf").stat()
    with (inbox / "invoice-001.pdf").open("ab") as file:
        file.write(b"% more\n")
    os.utime(inbox / "invoice-001.pdf", ns=(status.st_atime_ns, status.st_mtime_ns))


def _one_more(inbox: Path, home: Path) -> None:
    make_pdf(inbox / "deep" / "new.pdf", "new")


def _one_less(inbox: Path, home: Path) -> None:
    (inbox / "copy.pdf").unlink()


def _another_event(inbox: Path, home: Path) -> None:
    with journal.Journal(home) as segment:
        segment.write("deletion", document_sha256="0" * 64, is_deleted=True, reason="test")


def _note_torn(inbox: Path, home: Path) -> None:
    (home / glance.NOTE).write_bytes((home / glance.NOTE).read_bytes()[:-5])


def _note_of_another_form(inbox: Path, home: Path) -> None:
    (home / glance.NOTE).write_text("[]")


@pytest.mark.parametrize("change", [_touched, _longer, _one_more, _one_less, _another_event, _note_torn, _note_of_another_form])
def test_whatever_changed_sends_the_run_the_long_way(change: Callable[[Path, Path], None], inbox: Path, settings: Settings) -> None:
    """A file, the journal or the note itself; afterwards there is a note again."""
    run(inbox, settings)
    change(inbox, settings.home)
    assert not noted(inbox, settings)
    run(inbox, settings)
    assert noted(inbox, settings)


def test_other_settings_are_another_question(inbox: Path, settings: Settings, address: str) -> None:
    """Another model has answered nothing yet."""
    run(inbox, settings)
    other = settings_for(settings.home, address, model="gpt-5-nano")
    assert not noted(inbox, other)
    assert run(inbox, other).processed == 3


def test_the_simulated_api_may_have_another_address(inbox: Path, settings: Settings) -> None:
    """A loopback port changes with every command; that the answers are simulated does not."""
    run(inbox, settings)
    assert noted(inbox, settings_for(settings.home, "http://127.0.0.1:9/v1"))
    assert not noted(inbox, settings_for(settings.home, "http://127.0.0.1:9/v1", simulated=False))


@pytest.mark.parametrize("options", [Options(retry_failed=True), Options(limit=1), Options(move_to=Path("done"))])
def test_a_wish_beyond_looking_goes_the_long_way(options: Options, inbox: Path, settings: Settings) -> None:
    """Who wants failed files tried again or finished ones moved is not told that nothing is new."""
    run(inbox, settings)
    assert glance.nothing_new([str(inbox)], settings, options) is None


def test_work_that_is_left_leaves_no_note(inbox: Path, settings: Settings) -> None:
    """A run that took only some documents has news for the next."""
    run(inbox, settings, limit=2)
    assert not (settings.home / glance.NOTE).exists()
    assert run(inbox, settings).processed == 2
