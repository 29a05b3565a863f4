"""One document's page: everything the record holds of it, its image as long as the file is what was read, and links that lead there."""

import re
from pathlib import Path

import polars as pl
import pytest

from autod_lib import charts, document_page, labels, metrics, page
from autod_lib.errors import SettingsError
from autod_lib.labels import Label
from autod_lib.local_api import running
from autod_lib.settings import Settings, load_settings
from autod_lib.store import reading

from . import ledger
from .pipeline import make_inbox, one, rows, run, settings_for


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A workspace with two documents, the first of them labelled: one value rightly, one wrongly, one absent."""
    folder = tmp_path_factory.mktemp("page")
    with running() as address:
        settings = settings_for(folder / "home", address)
        run(make_inbox(folder / "in", 2, lines=3), settings)
    sha = one(settings.home, "select min(document_sha256) from documents")
    [(kind, issuer)] = rows(settings.home, "select doc_type, issuer from documents where document_sha256 = ?", sha)
    labels.record(
        settings.home,
        [
            Label(sha, "doc_type", kind, "anna", "a file"),
            Label(sha, "issuer", f"not {issuer[::-1]}", "anna", "a file"),
            Label(sha, "recipient", None, "bert", "a file"),
        ],
    )
    return settings


def test_it_holds_the_answer_the_label_every_call_and_an_image(read: Settings) -> None:
    """Right is marked right and wrong wrong, as scored_fields has it; the calls are the ledger's; a value that is found has a frame."""
    sha = one(read.home, "select min(document_sha256) from documents")
    made = document_page.document(read, sha[:10])
    shown = " ".join(re.sub(r"<[^>]*>", " ", made.markup).split())

    with reading(read.home) as con:
        right = dict(metrics.scored_fields(con).select("field", "is_right").rows())
        calls = metrics.api_calls(con).filter(document_sha256=sha)
    assert right["doc_type"]
    assert not right["issuer"]
    assert {mark in shown for mark in ("✓ ", "✗ ")} == {True}
    assert "(none)" in shown
    assert {"anna" in shown, "bert" in shown} == {True}
    assert calls.height == 1
    assert f"{calls['input_tokens'][0]:,}" in shown
    assert calls["run_id"][0] in shown
    assert re.search(r'<img alt="page 1 of 1" src="data:image/png;base64,iVBOR', made.markup)
    assert len(re.findall("<rect ", made.markup)) > 0
    assert re.search(r"<details[^>]* open>", made.markup)


def test_it_is_found_by_name_and_an_unknown_or_ambiguous_one_says_what_to_give(read: Settings) -> None:
    """What fits nothing, and what fits two, is no document."""
    name = one(read.home, "select min(file_name) from documents")

    assert name in repr(document_page.document(read, name, images=0))
    with pytest.raises(SettingsError, match="fits no document"):
        document_page.document(read, "nothing.pdf")
    with reading(read.home) as con:
        shas = metrics.documents(con)["document_sha256"].to_list()
    common = next(sha[:length] for length in range(64) for sha in shas[:1] if sum(each.startswith(sha[:length]) for each in shas) == 1)[:-1]
    with pytest.raises(SettingsError, match="fits" if common else "fits no document"):
        document_page.document(read, common)


def test_a_file_that_changed_or_went_is_a_sentence_and_the_rest_stays(read: Settings, tmp_path: Path) -> None:
    """The page shows only the bytes that were read; what was read of them does not go with the file."""
    sha, path = rows(read.home, "select document_sha256, path from sightings order by path desc limit 1")[0]
    kept = Path(path).read_bytes()
    Path(path).write_bytes(kept + b"%")
    try:
        shown = document_page.document(read, sha).markup
    finally:
        Path(path).write_bytes(kept)

    assert "has changed since it was read" in shown
    assert "<img" not in shown
    assert "What was read" in shown


def test_a_link_leads_to_the_page_of_each_document_that_is_shown(read: Settings) -> None:
    """Of a table only the documents whose pages follow are links; without any, a sentence stands there."""
    with reading(read.home) as con:
        documents = metrics.documents(con)
    shown = documents["document_sha256"].head(1).to_list()

    table, pages = page.table(documents, page.DOCUMENTS, link_documents=shown), document_page.pages(read, shown, images=0)

    assert re.findall(r'href="#([^"]+)"', table.markup) == re.findall(r' id="(document-[^"]+)"', pages.markup)
    assert repr(document_page.pages(read, [])) == "No document to show."


def test_a_cell_of_the_confusion_leads_to_its_documents(workspaces: object) -> None:
    """The figure's links and the table's rows are the same, and a list of documents is a list of links."""
    home = workspaces("full")  # type: ignore[operator]
    with reading(home) as con:
        pairs = metrics.confusion(con)
    pairs = pairs.filter(arm=pairs["arm"][0])
    drawn = charts.svg(charts.confusion(pairs))
    table = page.table(pairs, ["taken", "documents", "document_sha256s"], row_anchor="taken", link_documents=True).markup

    assert set(re.findall(r'href="#([^"]+)"', drawn)) == set(re.findall(r' id="(taken-[^"]+)"', table))
    linked = set(re.findall(r'href="#document-([^"]+)"', table))
    assert linked == {sha[:12] for shas in pairs["document_sha256s"] for sha in shas[: page.MOST_LINKS]}
    assert 'role="group"' in drawn


def test_a_bar_of_a_kind_leads_to_its_least_sure_documents(workspaces: object) -> None:
    """Each bar has its row, whose documents are of that kind, none of the others of which is less sure."""
    home = workspaces("full")  # type: ignore[operator]
    with reading(home) as con:
        kinds = metrics.classification(con, is_simulated=True)
        documents = metrics.documents(con, is_simulated=True)
    table = page.table(kinds, ["doc_type", "least_sure_sha256s"], row_anchor="doc_type", link_documents=True).markup

    assert set(re.findall(r'href="#([^"]+)"', charts.svg(charts.classification(kinds)))) == set(re.findall(r' id="(doc_type-[^"]+)"', table))
    for row in kinds.iter_rows(named=True):
        of_kind = documents.filter(doc_type=row["doc_type"]).sort(pl.col("confidence_score").fill_null(0), "document_sha256")
        assert row["least_sure_sha256s"] == of_kind["document_sha256"].head(10).to_list()


def test_arms_that_are_asked_for_stand_first(workspaces: object) -> None:
    """Of a document that more arms answered than stand side by side, those are shown that the page is about."""
    settings = load_settings({}, home=workspaces("full"))  # type: ignore[operator]
    sql = "select document_sha256, list(distinct arm order by arm) from extractions group by 1 having count(distinct arm) > 1 order by 1 limit 1"
    [(sha, arms)] = rows(settings.home, sql)
    for first in arms:
        markup = document_page.pages(settings, [sha], images=0, arms=[first]).markup
        heads = re.findall(r"<th[^>]*>([^<]*)</th>", markup)
        assert heads[2].startswith(first)


def test_what_a_document_says_stays_text_on_its_page(workspaces: object) -> None:
    """A name and an issuer that are markup are shown, and do nothing."""
    settings = load_settings({}, home=workspaces("full"))  # type: ignore[operator]
    sha = rows(settings.home, "select document_sha256 from documents where file_name = ? limit 1", ledger.HOSTILE_NAME)[0][0]
    markup = document_page.document(settings, sha).markup

    assert "alert(1)" in markup
    assert not re.search(r"<script|<img|javascript:[^&]*\"|onerror=alert", re.sub(r"&[a-z#0-9]+;[^<]*", "", markup))
