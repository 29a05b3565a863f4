"""Documents in the vector store: made, described, found, taken back when a step fails, found again after a kill, and swept."""

import shutil
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openai
import pytest

from autod_lib import journal, metrics, resources, store
from autod_lib.errors import SettingsError
from autod_lib.local_api import running
from autod_lib.settings import Settings

from .pipeline import autod, make_inbox, one, rows, run, settings_for


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server that reads what it is sent."""
    with running() as address:
        yield address


@pytest.fixture(scope="module")
def ingested(server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with three answered documents, to be copied."""
    folder = tmp_path_factory.mktemp("ingested")
    make_inbox(folder / "in", 3)
    run(folder / "in", settings_for(folder / "home", server))
    return folder / "home"


@pytest.fixture
def home(ingested: Path, tmp_path: Path) -> Path:
    """A workspace of its own with these documents."""
    return shutil.copytree(ingested, tmp_path / "home")


def client(settings: Settings) -> openai.OpenAI:
    """The SDK at the same server with the same key."""
    return openai.OpenAI(base_url=settings.base_url, api_key=settings.require_key(), max_retries=10)


def at_provider(settings: Settings, home: Path) -> tuple[set[str], set[str]]:
    """What this workspace has at the provider, by the provider's own listings: file ids and stores."""
    owner = one(home, "select any_value(attributes ->> 'autod_workspace') from remote_objects where object_kind = 'vector_store'")
    sdk = client(settings)
    files = {file.id for file in sdk.files.list(limit=1000) if file.filename.startswith(f"autod-{owner}-")}
    return files, {found.id for found in sdk.vector_stores.list(limit=100) if found.metadata == {"autod_workspace": owner}}


def held(home: Path, kind: str) -> set[str]:
    """What the record says is there."""
    return {object_id for (object_id,) in rows(home, "select object_id from remote_objects_held where object_kind = ?", kind)}


def test_a_document_becomes_searchable_once(server: str, home: Path) -> None:
    """Each has one upload that expires and one place in the store; the record and the provider agree; again nothing is done."""
    settings = settings_for(home, server)
    first, second = resources.index(settings), resources.index(settings)
    files, stores = at_provider(settings, home)

    assert (first.documents, first.indexed, first.failed, first.exit_status) == (3, 3, 0, 0)
    assert (second.indexed, second.updated, second.known) == (0, 0, 3)
    assert first.vector_store_id == second.vector_store_id
    assert (files, stores) == (held(home, "file"), {first.vector_store_id})
    assert held(home, "vector_store_file") == files
    assert all(file.expires_at - file.created_at == 30 * 86_400 for file in client(settings).files.list() if file.id in files)
    assert (
        one(home, "select count(*) from documents where vector_store_file_id is not null and json_exists(vector_store_attributes, 'doc_type')") == 3
    )
    steps = rows(home, "select object_kind, state, count(*) from remote_objects group by all order by all")
    assert steps == [
        (kind, state, 1 if kind == "vector_store" else 3) for kind in ("file", "vector_store", "vector_store_file") for state in ("intended", "made")
    ]


def test_a_search_leads_back_to_the_record_and_costs_what_the_list_says(server: str, home: Path) -> None:
    """Hits have the hash of their document, an excerpt and a score; the search is in the ledger with its price; a filter keeps to it."""
    settings = settings_for(home, server)
    resources.index(settings)
    hits = resources.search(settings, "invoice No. 1", limit=2)
    none = resources.search(settings, "invoice", filters=resources.filters_of(["doc_type=Letter"]))

    assert hits["place"].to_list() == [1, 2]
    assert hits["file_name"][0] == "invoice-001.pdf"
    assert "No. 1" in hits["excerpt"][0]
    assert 0 < hits["score"][1] <= hits["score"][0] <= 1
    assert set(hits["document_sha256"]) <= {sha for (sha,) in rows(home, "select document_sha256 from documents")}
    assert none.is_empty()
    assert none.columns == hits.columns
    price = Decimal("0.0025")  # 2.50 USD a thousand searches: the provider's price page
    assert rows(home, "select query, hits, cost_usd from searches order by logged_at") == [("invoice No. 1", 2, price), ("invoice", 0, price)]


def test_both_ways_of_searching_stand_side_by_side(server: str, home: Path) -> None:
    """A row a document, with its place by each way; without a store the record alone answers, and nothing is sent."""
    settings = settings_for(home, server)
    alone = resources.search_if_there(settings, "No. 1 volume 7", is_simulated=True)
    resources.index(settings)
    by_index = resources.search_if_there(settings, "No. 1 volume 7", is_simulated=True)
    real = resources.search_if_there(settings, "No. 1 volume 7", is_simulated=False)
    with store.reading(home) as con:
        by_record = metrics.search_record(con, "No. 1 volume 7", is_simulated=True, limit=2)
        reach = metrics.search_reach(con).row(0, named=True)
    both = resources.side_by_side(by_index, by_record)

    assert (alone, real) == (None, None)
    assert by_index is not None
    assert both.columns == resources.side_by_side(None, by_record).columns
    assert sorted(both["place_record"].drop_nulls()) == [1, 2]
    assert both["place_index"].to_list() == sorted(both["place_index"])
    assert both["document_sha256"].n_unique() == both.height == 3
    assert set(both["found_by"]) == {"both", "index"}
    assert (reach["documents"], reach["searchable"], reach["searches"]) == (3, 3, 1)


def test_a_changed_label_is_said_in_the_store_too(server: str, home: Path) -> None:
    """Only the document whose record changed is described anew; nothing is uploaded again."""
    settings = settings_for(home, server)
    resources.index(settings)
    sha = one(home, "select min(document_sha256) from documents")
    with journal.Journal(home) as segment:
        segment.write(
            "label", document_sha256=sha, field="doc_type", value="Letter", is_absent=False, alternatives=[], labeller="test", source="test"
        )
    report = resources.index(settings)

    assert (report.indexed, report.updated, report.known) == (0, 1, 2)
    assert resources.search(settings, "invoice", filters=resources.filters_of(["doc_type=Letter"]))["document_sha256"].to_list() == [sha]


@pytest.mark.parametrize(
    ("faults", "left"),
    [
        ("503@files=first6", set()),
        ("503@vector_stores=first2", None),
        ("indexing-failed@indexing=1", set()),
        ("indexing-stuck@indexing=1", set()),
    ],
)
def test_when_a_step_fails_those_before_it_are_taken_back(home: Path, faults: str, left: set[str] | None) -> None:
    """Upload, store, indexing: whatever fails, no upload stays behind, the record says so, and the documents are named as not searchable."""
    with running(faults=faults) as address:
        settings = settings_for(home, address, attempts=1, longest_wait_s=0.05, index_deadline_s=0.5)
        report = resources.index(settings)
        files, stores = at_provider(settings, home)

    assert (report.indexed, report.exit_status != 0) == (0, True)
    assert report.failed + report.pending == 3
    assert files == held(home, "file") == set()
    assert stores == held(home, "vector_store")
    assert one(home, "select count(*) from documents where vector_store_file_id is not null") == 0
    if left == set() and report.problems:
        assert all("autod index" in problem for problem in report.problems.values())
        sql = "select list(object_kind order by logged_at, seq) from remote_objects where state = 'gone' group by document_sha256"
        assert {tuple(kinds) for (kinds,) in rows(home, sql)} == {("vector_store_file", "file")}


def test_a_failure_of_the_way_back_hides_nothing(home: Path) -> None:
    """The first error is what is told; what could not be removed is *left*, still held, and a sweep removes it when the provider is well again."""
    with running(faults="indexing-failed@indexing=1") as address:
        settings = settings_for(home, address, attempts=1)
        sdk = client(settings)
        real = resources.remote.delete_file

        async def refused(*_: Any) -> None:
            raise resources.ApiUnavailable("the provider is away")

        resources.remote.delete_file = refused  # type: ignore[assignment]  # a provider that goes away between two steps
        try:
            report = resources.index(settings, limit=1)
        finally:
            resources.remote.delete_file = real
        assert "could not index" in next(iter(report.problems.values()))
        assert len(held(home, "file")) == 1
        (reason,) = [reason for (reason,) in rows(home, "select reason from remote_objects where state = 'left'")]
        assert "the provider is away" in reason
        assert len(list(sdk.files.list())) == 1


def test_an_upload_whose_answer_was_lost_is_found_and_not_made_twice(home: Path) -> None:
    """The connection drops after the work was done: the file is found by its name."""
    with running(faults="drop-after@files=first1") as address:
        settings = settings_for(home, address)
        report = resources.index(settings, limit=1)
        files, _ = at_provider(settings, home)

    assert (report.indexed, len(files)) == (1, 1)
    assert held(home, "file") == files


@pytest.mark.parametrize("place", range(1, 8))
def test_after_a_kill_at_any_step_the_same_command_goes_on_and_a_sweep_leaves_no_orphan(server: str, home: Path, place: int) -> None:
    """Killed behind each event of a remote object in turn: afterwards every document is searchable and the provider has just what the record has."""
    settings = settings_for(home, server)
    killed = autod("index", home=home, address=server, AUTOD_CRASH_AT=f"remote_object:{place}", OPENAI_API_KEY=settings.require_key())
    again = resources.index(settings)
    resources.sweep(settings)
    files, stores = at_provider(settings, home)

    assert killed.returncode == -9
    assert again.indexed + again.known == 3
    assert files == held(home, "file")
    assert len(files) == 3
    assert stores == held(home, "vector_store") == {again.vector_store_id}


@pytest.mark.parametrize("harm", ["deleted", "taken over"])
def test_a_store_that_is_gone_or_not_ours_any_more_is_made_anew(server: str, home: Path, harm: str) -> None:
    """Deleted by somebody, or with other metadata: the record says what happened, and every document is searchable again."""
    settings = settings_for(home, server)
    first = resources.index(settings)
    assert first.vector_store_id is not None
    if harm == "deleted":
        client(settings).vector_stores.delete(first.vector_store_id)
        with pytest.raises(SettingsError, match="autod index"):
            resources.search(settings, "invoice")
    else:
        client(settings).vector_stores.update(first.vector_store_id, metadata={"autod_workspace": "somebody"})
    second = resources.index(settings)

    assert (second.indexed, second.vector_store_id != first.vector_store_id) == (3, True)
    assert resources.search(settings, "invoice").height == 3
    assert one(home, "select reason from remote_objects where state = 'gone' and object_kind = 'vector_store'") in (
        "it is not there any more",
        "it is not ours any more: its metadata were changed",
    )


def test_a_sweep_removes_ours_alone_and_a_dry_run_nothing(server: str, home: Path, tmp_path: Path) -> None:
    """Another workspace's files, and files that only look like ours, stay; what somebody deleted is noted as gone."""
    settings, other = settings_for(home, server), settings_for(shutil.copytree(home, tmp_path / "other"), server)
    resources.index(settings)
    theirs, _ = at_provider(other, tmp_path / "other") if resources.index(other).indexed else (set(), set())
    owner = one(home, "select any_value(attributes ->> 'autod_workspace') from remote_objects where object_kind = 'vector_store'")
    sdk = client(settings)
    orphan = sdk.files.create(file=(f"autod-{owner}-orphan.pdf", b"x"), purpose="user_data").id
    strange = sdk.files.create(file=(f"my-autod-{owner}-notes.pdf", b"x"), purpose="user_data").id
    lost = min(held(home, "file"))
    sdk.files.delete(lost)
    plan = resources.sweep(settings, dry_run=True)
    before = {file.id for file in sdk.files.list(limit=1000)}
    done = resources.sweep(settings)
    after = {file.id for file in sdk.files.list(limit=1000)}

    assert (plan.orphans, plan.missing, plan.removed) == ([orphan], [lost], 0)
    assert (done.orphans, done.removed, done.exit_status) == ([orphan], 1, 0)
    assert before - after == {orphan}
    assert {strange, *theirs} <= after
    assert lost not in held(home, "file")
    assert len(theirs) == 3


def test_a_document_that_has_gone_or_changed_is_not_uploaded(server: str, home: Path, tmp_path: Path) -> None:
    """What is searchable is what was read: another content under the same path is refused by name."""
    path = Path(one(home, "select min(path) from sightings"))
    kept = path.read_bytes()
    try:
        path.write_bytes(kept + b"% changed")
        report = resources.index(settings_for(home, server))
    finally:
        path.write_bytes(kept)

    assert (report.indexed, report.failed, report.exit_status) == (2, 1, 1)
    assert "has changed since it was read" in report.problems[path.name]


def test_attributes_keep_to_the_limits_of_the_api() -> None:
    """At most sixteen, texts cut, what is unknown left out, a day as a number too."""
    row: dict[str, Any] = dict.fromkeys(
        (
            "file_name",
            "doc_type",
            "issuer",
            "recipient",
            "primary_date",
            "total_amount",
            "currency",
            "language_detected",
            "page_count",
            "urgency_level",
        )
    )
    row |= {"document_sha256": "ab", "confidence_score": 0.5, "needs_review": False, "tags": None}
    full = row | {"issuer": "x" * 600, "primary_date": date(2026, 3, 31), "total_amount": Decimal("12.50"), "tags": '["a","b"]', "page_count": 2}
    said = resources.attributes_of(full)

    assert resources.attributes_of(row) == {"document_sha256": "ab", "confidence_score": 0.5, "needs_review": False}
    assert (said["issuer"], said["primary_date"], said["primary_day"], said["total_amount"], said["tags"]) == (
        "x" * 512,
        "2026-03-31",
        20260331,
        12.5,
        "a, b",
    )
    assert len(said) <= 16


def test_a_wrong_filter_or_an_empty_question_is_refused_before_anything_is_sent(server: str, home: Path) -> None:
    """So is a search before anything was indexed."""
    settings = settings_for(home, server)
    for ask, words in [
        (lambda: resources.filters_of(["doc_type"]), "is no filter"),
        (lambda: resources.search(settings, " "), "needs a question"),
        (lambda: resources.search(settings, "x"), "autod index"),
    ]:
        with pytest.raises(SettingsError, match=words):
            ask()
    assert resources.filters_of([]) is None
    assert rows(home, "select * from searches") == []


def test_commands_say_what_they_did(server: str, home: Path) -> None:
    """index, search and sweep, with their exit status and as JSON."""
    key = settings_for(home, server).require_key()
    done = autod("index", home=home, address=server, OPENAI_API_KEY=key)
    found = autod("search", "Alder & Finch", "--limit", "1", "--json", home=home, address=server, OPENAI_API_KEY=key)
    free = autod("search", "invoice", "--record", home=home, address=server, OPENAI_API_KEY=key)
    swept = autod("sweep", "--dry-run", home=home, address=server, OPENAI_API_KEY=key)

    assert (done.returncode, found.returncode, free.returncode, swept.returncode) == (0, 0, 0, 0)
    assert "3 documents: 3 indexed" in done.stdout
    assert '"place": 1' in found.stdout
    assert "invoice-00" in free.stdout
    assert "0 objects" in swept.stdout
