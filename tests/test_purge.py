"""Documents that are deleted come back at no cost; those that are purged are gone, from every file of the workspace and from the provider."""

import gzip
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest

from autod_lib import doctor, journal, purge, rendering, resources, store, workspace
from autod_lib.errors import MissingKey, SettingsError, WorkspaceBusy
from autod_lib.labels import import_labels
from autod_lib.local_api import running
from autod_lib.settings import Settings

from .pipeline import autod, make_inbox, make_pdf, one, rows, run, settings_for
from .test_ledger_adds_up import PARTS

NAME = "letter to <Zuckmayer>.pdf"
SECRETS = [b"Zuckmayer", b"Quittenbrot"]  # the file's name, and a word of its text
SECOND = b"Zwiebelfisch"
MONEY = "select status, is_simulated, document_sha256, count(*), sum(cost_usd), sum(input_tokens) from api_calls group by all order by all"


@dataclass(frozen=True)
class Kept:
    """A workspace with answers, its server, and the document that is to go."""

    home: Path
    inbox: Path
    address: str
    sha256: str

    @property
    def settings(self) -> Settings:
        """The settings of its runs."""
        return settings_for(self.home, self.address)

    @property
    def file(self) -> Path:
        """The document's file."""
        return self.inbox / NAME


def health(settings: Settings) -> tuple[str, str]:
    """What `autod doctor` says of purges."""
    [check] = [check for check in doctor.examine(settings) if check.part == "purge"]
    return check.state, check.finding


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """A secret document: read, labelled, searchable, shown on a page, seen at two places, named in a command, told of in a damaged line.

    Beside it three others, one of which has taken the place of a second secret one that bore its name.
    """
    folder = tmp_path_factory.mktemp("purge")
    with running() as address:
        inbox, home = make_inbox(folder / "in", 2), folder / "home"
        settings = settings_for(home, address)
        secret, same = make_pdf(inbox / NAME, "Quittenbrot"), make_pdf(inbox / "same.pdf", "Zwiebelfisch")
        first = run(inbox, settings)
        shutil.move(secret, inbox / "elsewhere Zuckmayer.pdf")
        make_pdf(same, "harmless")
        run(inbox, settings)
        shutil.move(inbox / "elsewhere Zuckmayer.pdf", secret)
        run(secret, settings)
        sha256 = one(home, "select document_sha256 from documents where file_name = ?", NAME)
        labels = folder / "labels.csv"
        labels.write_text(f"sha256,issuer\n{sha256},Quittenbrot & Sons\n")
        import_labels(home, labels)
        resources.index(settings)
        page = home / purge.PAGES / "some-run" / "90_report.html"
        page.parent.mkdir(parents=True)
        page.write_text("Quittenbrot")
        (home / f"{store.DATABASE}.of-version-0003").write_bytes(b"Quittenbrot")
        with (home / journal.SEGMENTS / f"{first.run_id}.jsonl").open("ab") as file:
            file.write(b'{"kind":"sighting","path":"/in/letter to <Zuckmayer>.pdf"\n{"kind":"torn Zuck')
        journal.pack(home / journal.SEGMENTS / f"{first.run_id}.jsonl")
        store.load(home)
        yield Kept(home, inbox, address, sha256)


@pytest.fixture
def kept(made: Kept, tmp_path: Path) -> Kept:
    """A workspace and inbox of its own with all this."""
    shutil.copytree(made.home, tmp_path / "home")
    return Kept(tmp_path / "home", made.inbox, made.address, made.sha256)


def found_in(home: Path, words: list[bytes]) -> list[str]:
    """The files of a workspace that hold one of these words, compressed ones included."""
    contents = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    contents = {path: gzip.decompress(data) if path.suffix == ".gz" else data for path, data in contents.items()}
    return sorted(str(path.relative_to(home)) for path, data in contents.items() if any(word in data for word in words))


def uploads(kept: Kept) -> set[str]:
    """The ids of the copies of the secret document that are at the provider."""
    sdk = openai.OpenAI(base_url=kept.address, api_key="local")
    return {file.id for file in sdk.files.list(limit=1000) if kept.sha256 in file.filename}


def test_a_deleted_document_leaves_the_figures_and_comes_back_without_a_call(kept: Kept, tmp_path: Path) -> None:
    """It is in no classification, queue or search any more; its file at whatever path brings it back, and nothing is asked."""
    told = purge.delete(kept.settings, [kept.sha256[:12]])
    before = one(kept.home, "select sum(documents) from classification")
    hits = resources.search(kept.settings, "invoice Quittenbrot green cloth")
    again = run(Path(shutil.copytree(kept.inbox, tmp_path / "elsewhere")), kept.settings)

    assert (told.documents, told.still_there) == ({kept.sha256: NAME}, [str(kept.file)])
    assert before == 4
    assert not hits.is_empty()
    assert kept.sha256 not in hits["document_sha256"].to_list()
    assert (again.calls, again.reused, again.failed) == (0, 4, 0)
    assert one(kept.home, "select sum(documents) from classification") == 5
    assert purge.purge(kept.settings, days=0).documents == []


def test_nothing_is_left_of_a_purged_document_but_its_hash_and_its_money(kept: Kept, tmp_path: Path) -> None:
    """No file of the workspace holds a word of it, every row of money is as it was; seen again it is refused, until it is taken on purpose."""
    home, settings = kept.home, kept.settings
    second = one(home, "select document_sha256 from documents_read where file_name = 'same.pdf' order by logged_at limit 1")
    money, segments, before = rows(home, MONEY), len(journal.segments(home)), found_in(home, [*SECRETS, SECOND])
    dry_delete = autod("delete", kept.sha256[:10], "--dry-run", home=home)
    wrong = autod("delete", kept.sha256[:10], "nothing.pdf", home=home)
    deletions = one(home, "select count(*) from deletions")
    deleted = autod("delete", str(kept.file), second, "--yes", "--json", home=home)
    early, dry = purge.purge(settings), purge.purge(settings, days=0, dry_run=True)
    still = found_in(home, [*SECRETS, SECOND])
    command = autod("purge", "--days", "0", "--json", home=home, address=kept.address, OPENAI_API_KEY="local")
    done = json.loads(command.stdout)

    assert dry_delete.stdout.startswith(f"would be deleted: {NAME} · {kept.sha256}")
    assert (wrong.returncode, deletions, set(json.loads(deleted.stdout)["documents"])) == (2, 0, {kept.sha256, second})
    assert len(before) >= 5
    assert set(before) <= set(still)
    assert (early.documents, dry.documents, done["documents"]) == ([], *[sorted([kept.sha256, second])] * 2)
    assert (command.returncode, done["left"], done["pages"], len(done["copies"])) == (0, {}, ["some-run/90_report.html"], 1)
    assert found_in(home, [*SECRETS, SECOND]) == []
    assert uploads(kept) == set()
    assert rows(home, MONEY) == money
    assert len(journal.segments(home)) == segments + 2
    assert one(home, "select count(*) from documents") == 3
    assert rows(home, "select problem, file_name from sightings join documents using (document_sha256) where path like '%same.pdf'") == [
        (None, "same.pdf")
    ]
    assert one(home, "select count(*) from quarantined_lines") == 0
    assert rows(home, "select is_done from documents_purged") == [(True,), (True,)]
    assert health(settings) == ("healthy", "2 documents were purged, and nothing of them is left")
    steps = "select state from remote_objects where document_sha256 = ? and object_kind = 'file' order by logged_at, seq"
    assert [state for (state,) in rows(home, steps, kept.sha256)] == ["intended", "made", "removing", "gone"]
    with store.reading(home) as con:
        whole = con.execute("select count(*), sum(cost_usd) from api_calls").fetchall()[0]
        summing = con.execute(
            "select table_name from duckdb_columns() where column_name in ('cost_usd', 'calls') and not internal group by all having count(*) = 2"
        ).fetchall()
        views = {name for (name,) in summing} - PARTS.keys()
        sums = {view: con.execute(f"select sum(calls), sum(cost_usd) from {view}").fetchall()[0] for view in views}
    assert len(sums) > 4
    assert {view: found for view, found in sums.items() if found != whole} == {}

    inbox = Path(shutil.copytree(kept.inbox, tmp_path / "again"))
    refused = [run(inbox, settings) for _ in range(2)]
    nothing = purge.purge(settings, days=0)
    sentence = one(home, "select sentence from sightings where problem = 'purged'")
    with pytest.raises(SettingsError, match="was purged on"):
        purge.delete(settings, [kept.sha256])
    taken = run(inbox, settings, take_purged=True)
    known = run(inbox, settings)

    assert [(each.failed, each.reused, each.calls, each.problems, each.exit_status) for each in refused] == [(1, 3, 0, {"purged": 1}, 1)] * 2
    assert nothing.sentences() == ["0 documents purged: nothing that was deleted is due."]
    assert "--take-purged" in sentence
    assert (taken.processed, taken.reused, taken.calls) == (1, 3, 1)
    assert (known.reused, known.calls, known.exit_status) == (4, 0, 0)
    assert one(home, "select count(*) from api_calls") == whole[0] + 1
    assert rows(home, "select document_sha256 from documents_purged") == [(second,)]
    assert one(home, "select count(*) from documents where not is_deleted") == 4


class Killed(BaseException):
    """The process ended here."""


STEPS = {  # every step that changes something, by the name it is called by
    (journal.Journal, "write_all"),
    (journal, "_rewrite_one"),
    (journal, "_remove_folder"),
    (journal.Path, "rename"),
    (journal.Path, "replace"),
    (journal.Path, "unlink"),
    (store, "load"),
    (rendering, "write_index"),
}


def killed_at(nth: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ends the process at the n-th step, in the middle: what the step does is done or not, by turns. Gives the count of steps."""
    count = [0]

    def watched(place: Any, name: str) -> None:
        step = getattr(place, name)

        def instead(*given: Any, **further: Any) -> Any:
            count[0] += 1
            if count[0] == nth:
                if nth % 2:
                    step(*given, **further)
                raise Killed
            return step(*given, **further)

        monkeypatch.setattr(place, name, instead)

    for place, name in STEPS:
        watched(place, name)
    return count


def test_a_purge_killed_at_any_step_is_ended_by_the_same_command(made: Kept, tmp_path: Path) -> None:
    """Whatever it was killed at, the ledger is whole, the document is refused from the first step on, and the same command leaves nothing of it."""
    steps, nth = 99, 5
    money = rows(made.home, MONEY)
    while nth < steps:
        home = tmp_path / f"home-{nth}"
        kept = Kept(Path(shutil.copytree(made.home, home)), made.inbox, made.address, made.sha256)
        purge.delete(kept.settings, [kept.sha256])
        with pytest.MonkeyPatch.context() as patch:
            count = killed_at(nth, patch)
            try:
                purge.purge(kept.settings, days=0)
                steps = count[0]
            except Killed:
                pass
        assert rows(home, MONEY) == money, nth
        assert one(home, "select count(*) from documents_purged") == 1, nth
        done = purge.purge(kept.settings, days=0)

        assert done.left == {}, nth
        assert found_in(home, SECRETS) == [], nth
        assert rows(home, MONEY) == money, nth
        assert rows(home, "select is_done from documents_purged") == [(True,)], nth
        shutil.rmtree(home)
        nth += 9

    assert nth > 20


def test_a_copy_that_cannot_be_removed_is_named_and_tried_again(kept: Kept) -> None:
    """The workspace is purged all the same; exit 1 names what is left at the provider, and the next purge that reaches it ends it."""
    with running() as elsewhere:
        pass
    with journal.Journal(kept.home) as segment:
        for kind, object_id, sha256 in (("vector_store", "vs_real", None), ("file", "file-real", kept.sha256)):
            segment.write("remote_object", state="made", object_kind=kind, object_id=object_id, document_sha256=sha256, is_simulated=False)
    purge.delete(kept.settings, [kept.sha256])
    away = purge.purge(settings_for(kept.home, elsewhere, attempts=1), days=0)
    left = found_in(kept.home, SECRETS)
    back = purge.purge(kept.settings, days=0)
    with pytest.raises(MissingKey):
        purge.purge(settings_for(kept.home, "https://api.openai.com/v1"), days=0)

    assert (away.exit_status, len(away.left), back.exit_status) == (1, 2, 1)
    assert left == []
    assert uploads(kept) == set()
    assert back.documents == [kept.sha256]
    assert back.left == {"file-real": "it is at the real API, and these settings reach the simulated one."}
    assert rows(kept.home, "select is_done from documents_purged") == [(False,)]
    assert health(kept.settings)[0] == "degraded"
    assert "of 1 purged documents 1 are not purged to the end" in health(kept.settings)[1]


def test_a_purge_waits_for_whoever_writes(kept: Kept) -> None:
    """A run that holds the workspace, and a segment with something of the document that is still being written: exit 5, and nothing has changed."""
    purge.delete(kept.settings, [kept.sha256])
    before = found_in(kept.home, SECRETS)
    with workspace.held(kept.home, "other", "ingest"), pytest.raises(WorkspaceBusy, match="held by run other"):
        purge.purge(kept.settings, days=0)
    with journal.Journal(kept.home) as other:
        other.write("label", document_sha256=kept.sha256, field="issuer", value="Quittenbrot")
        with pytest.raises(WorkspaceBusy, match=f"{other.run_id} is still writing"):
            purge.purge(kept.settings, days=0)

    assert set(before) <= set(found_in(kept.home, SECRETS))
