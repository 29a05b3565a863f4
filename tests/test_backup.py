"""A workspace in one file and back: taken while a run goes on, merged without losing anything, refused when it is damaged."""

import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from autod_lib import backup as copying
from autod_lib import journal, purge, store, workspace
from autod_lib.errors import SettingsError, WorkspaceBusy, WorkspaceUnusable
from autod_lib.local_api import running
from autod_lib.settings import Settings

from .pipeline import autod, begin, make_inbox, one, rows, run, settings_for
from .test_purge import found_in
from .test_recovery import end, wait_for

FIGURES = "select document_sha256, processing_status, doc_type, total_amount, cost_usd, calls from documents order by all"


@pytest.fixture(scope="module")
def slow() -> Iterator[str]:
    """A server that takes a moment for each answer."""
    with running(answers="canned", latency=0.3) as address:
        yield address


@pytest.fixture(scope="module")
def made(slow: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A workspace with three documents in two runs; to be copied, never changed."""
    folder = tmp_path_factory.mktemp("backup")
    settings = settings_for(folder / "home", slow)
    run(make_inbox(folder / "in", 2), settings)
    run(make_inbox(folder / "in", 1, first=2), settings)
    return settings


def at(home: Path, settings: Settings) -> Settings:
    """The same settings for another workspace."""
    return settings.model_copy(update={"home": home})


def test_a_backup_taken_while_a_run_goes_on_is_whole_and_goes_on_elsewhere(slow: str, tmp_path: Path) -> None:
    """The run is not held up; what had been answered by then is not asked again in the restored workspace; merged back it changes nothing."""
    inbox, home = make_inbox(tmp_path / "in", 12, lines=3), tmp_path / "home"
    settings = settings_for(home, slow)
    process = begin("ingest", inbox, "--in-flight", "1", "--json", home=home, address=slow)
    wait_for(lambda: sum(segment.read_text().count('"extraction"') for segment in journal.segments(home)) > 1, process)
    copied = copying.backup(settings)
    with pytest.raises(WorkspaceBusy, match=f"process {process.pid}"):
        copying.restore(settings, Path(copied.file))
    report, file = json.loads(end(process)[0]), Path(copied.file)
    back = copying.restore(at(tmp_path / "other", settings), file)
    answered = one(tmp_path / "other", "select count(*) from extractions")
    resumed = run(inbox, settings_for(tmp_path / "other", slow))
    merged = copying.restore(settings, file)

    assert (report["processed"], report["calls"]) == (12, 12)
    assert (file.parent, file.stat().st_mode & 0o777) == (home / copying.FOLDER, 0o600)
    assert (len(back.added), back.kept) == (1, 0)
    assert 1 < answered < 12
    assert (resumed.processed + resumed.reused, resumed.calls) == (12, 12 - answered)
    assert one(tmp_path / "other", "select count(*) from calls_unsettled") <= 1
    assert (merged.added, merged.mended, merged.kept) == ([], [], 1)
    assert one(home, "select count(*) from documents where processing_status = 'processed'") == 12


def test_a_restore_brings_back_what_is_missing_and_overwrites_nothing(made: Settings, tmp_path: Path) -> None:
    """A lost segment comes back, one that was cut short is whole again, a damaged database is made anew; what came since stays."""
    home = Path(shutil.copytree(made.home, tmp_path / "home"))
    settings, file = at(home, made), tmp_path / "safe.tar.gz"
    copied = autod("backup", file, "--json", home=home)
    run(make_inbox(tmp_path / "in", 1, first=9), settings)
    figures, (first, second, third) = rows(home, FIGURES), journal.segments(home)
    first.unlink()
    second.write_bytes(second.read_bytes()[:700])
    store.database(home).write_bytes(b"no database")
    newer = third.read_bytes()
    command = autod("restore", file, "--json", home=home)
    done = json.loads(command.stdout)

    assert (copied.returncode, json.loads(copied.stdout)["segments"], command.returncode) == (0, 2, 0)
    assert (done["added"], done["mended"], done["kept"], done["purged_again"]) == ([first.name], [second.name], 0, 0)
    assert third.read_bytes() == newer
    assert rows(home, FIGURES) == figures
    with pytest.raises(SettingsError, match="is there already"):
        copying.backup(settings, file)


def test_a_purge_takes_the_backups_of_the_workspace_with_it(made: Settings, tmp_path: Path) -> None:
    """Those in the workspace are made anew without the document; one from elsewhere, restored later, says that it has to be purged again."""
    home = Path(shutil.copytree(made.home, tmp_path / "home"))
    settings, elsewhere = at(home, made), tmp_path / "elsewhere.tar.gz"
    inside, _ = copying.backup(settings), copying.backup(settings, elsewhere)
    sha256 = one(home, "select document_sha256 from documents where file_name = 'invoice-000.pdf'")
    purge.delete(settings, [sha256])
    done = purge.purge(settings, days=0)
    (kept,) = copying.backups(home)
    with tarfile.open(kept) as archive:
        archive.extractall(tmp_path / "kept", filter="data")
    for segment in journal.segments(home):
        segment.unlink()
    copying.restore(settings, kept)
    again = copying.restore(settings, elsewhere)
    for segment in journal.segments(home)[:1]:
        segment.unlink()
    brought_back = copying.restore(settings, elsewhere)
    purge.purge(settings, days=0)

    assert done.copies == [Path(inside.file).name]
    assert found_in(tmp_path / "kept", [b"invoice-000", b"INVOICE No. 0"]) == []
    assert (again.added, again.kept, again.purged_again) == ([], 2, 0)
    assert brought_back.purged_again == 1
    assert "run `autod purge`" in " ".join(brought_back.sentences())
    assert found_in(home, [b"invoice-000"]) == []


def test_what_is_no_whole_backup_changes_nothing(made: Settings, tmp_path: Path) -> None:
    """Cut, altered, of somebody else or not there: a sentence with what to do, and the workspace is as it was."""
    home, file = Path(shutil.copytree(made.home, tmp_path / "home")), tmp_path / "safe.tar.gz"
    settings = at(home, made)
    copying.backup(settings, file)
    content = file.read_bytes()
    cut, altered, foreign = tmp_path / "cut.tar.gz", tmp_path / "altered.tar.gz", tmp_path / "foreign.tar.gz"
    cut.write_bytes(content[: len(content) // 2])
    with tarfile.open(file) as source, tarfile.open(altered, "w:gz") as target:
        for member in source:
            data = source.extractfile(member).read()  # type: ignore[union-attr]
            target.addfile(member, io.BytesIO(data.replace(b"call_", b"cull_")))
    with tarfile.open(foreign, "w:gz") as target:
        target.addfile(tarfile.TarInfo("../autod.duckdb"))
    before = sorted((path.name, path.stat().st_size) for path in home.rglob("*"))

    for damaged in (cut, altered):
        with pytest.raises(WorkspaceUnusable, match=r"is damaged .*; nothing was changed. Restore from another"):
            copying.restore(settings, damaged)
    with pytest.raises(SettingsError, match=r"no backup of autoD: it holds '../autod.duckdb'"):
        copying.restore(settings, foreign)
    with pytest.raises(SettingsError, match="is no file"):
        copying.restore(settings, tmp_path / "nothing")
    with pytest.raises(SettingsError, match="holds nothing yet"):
        copying.backup(at(tmp_path / "new", made), tmp_path / "new.tar.gz")
    with pytest.raises(WorkspaceUnusable, match="cannot be written"):
        copying.backup(settings, tmp_path / "no" / "such" / "folder.tar.gz")
    with workspace.held(home, "other", "purge", lock=workspace.BACKUP_LOCK), pytest.raises(WorkspaceBusy, match="autod purge"):
        copying.backup(settings)
    after = sorted((path.name, path.stat().st_size) for path in home.rglob("*") if not path.name.endswith(".lock"))
    assert [each for each in before if not each[0].endswith(".lock")] == after
