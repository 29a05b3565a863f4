"""A review: the order, the share drawn at random, what each action records, taking back, and the desk in a real browser."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from autod_lib import labels, metrics, review, store
from autod_lib.errors import SettingsError
from autod_lib.journal import Journal
from autod_lib.labels import Label
from autod_lib.review import Session
from autod_lib.settings import Settings, load_settings

from .pipeline import one, rows


def answered(home: Path, *documents: dict[str, Any]) -> list[str]:
    """Documents with these answers; returns their hashes, that of document n being n in hexadecimal."""
    shas = []
    with Journal(home) as journal:
        for number, given in enumerate(documents, 1):
            sha = f"{number:064x}"
            asked = given.get("requires_review", True)
            said = {"document_sha256": sha, "arm": "an arm", "is_simulated": False}
            journal.write("document_read", document_sha256=sha, file_name=f"{number}.pdf", path=f"/in/{number}.pdf", status="readable")
            answer = {
                "doc_type": "Invoice",
                "is_valid": True,
                "requires_review": asked,
                "review_reasons": ["the model asks for a person"] if asked else [],
            }
            journal.write("extraction", call_id=str(uuid.uuid4()), request_key=f"k{number}", **said, **answer | given)
            journal.write("document_status", status="needs_review" if asked else "processed", request_key=f"k{number}", **said)
            shas.append(sha)
    return shas


def order(home: Path, **asked: Any) -> list[int]:
    """The numbers of the documents in the order of a review."""
    with store.reading(home) as con:
        return [int(sha, 16) for sha in review.queue(con, **asked)["document_sha256"]]


def test_the_least_sure_and_the_dearest_come_first(home: Path) -> None:
    """Worth is uncertainty times stake: amounts are ranked within their currency, so that a million yen is no million euros."""
    answered(
        home,
        {"confidence_score": 0.5, "total_amount": "10.00", "currency": "EUR"},
        {"confidence_score": 0.5, "total_amount": "9000.00", "currency": "EUR"},
        {"confidence_score": 0.5, "total_amount": "1000000", "currency": "JPY"},
        {"confidence_score": 0.9},
        {"confidence_score": None, "total_amount": "20.00", "currency": "EUR"},
        {"confidence_score": float("nan")},
        {"confidence_score": 0.5, "total_amount": "-9000.00", "currency": "EUR"},
    )

    with store.reading(home) as con:
        worth = {int(row["document_sha256"], 16): row for row in metrics.review_queue(con).to_dicts()}
        waiting = review.queue(con, size=20, share=0)

    assert [worth[n]["uncertainty"] for n in range(1, 8)] == pytest.approx([0.5, 0.5, 0.5, 0.1, 1, 1, 0.5])
    assert [worth[n]["stake"] for n in range(1, 8)] == pytest.approx([0.625, 1.25, 1, 1, 0.875, 1, 1.25])
    assert all(row["worth"] == pytest.approx(row["uncertainty"] * row["stake"]) for row in worth.values())
    assert [int(sha, 16) for sha in waiting["document_sha256"]] == [6, 5, 2, 7, 3, 1, 4]
    assert waiting["why"].to_list()[0] == "the model asks for a person; its confidence is not known"


def test_one_in_five_is_drawn_at_random_among_those_nobody_was_asked_to_look_at(home: Path) -> None:
    """The draw is the same for everybody, does not look at confidence, and goes on where labels left it."""
    count = 60
    shas = answered(home, *({"confidence_score": number / 100, "requires_review": number < 20} for number in range(count)))

    first = order(home, size=15, share=0.2)
    drawn = [number for number in first if number > 20]

    assert [place for place, number in enumerate(first, 1) if number > 20] == [5, 10, 15]
    assert [number for number in first if number <= 20] == list(range(1, 13))
    assert order(home, size=5, share=0) == [1, 2, 3, 4, 5]
    whole = order(home, size=count, share=1)
    assert whole[:3] == drawn
    assert sorted(whole) == list(range(21, count + 1)) != whole
    labels.record(home, [Label(shas[drawn[0] - 1], "doc_type", "Invoice", "anna")])
    assert order(home, size=count, share=1) == whole[1:]


@pytest.mark.parametrize("asked", [{"size": 0, "share": 0.2}, {"size": 5, "share": 1.5}])
def test_a_size_or_share_that_makes_no_sense_is_named(home: Path, asked: dict[str, Any]) -> None:
    """Nothing is shown of a queue that nobody can have meant."""
    with pytest.raises(SettingsError, match="share"):
        order(home, **asked)


def test_a_notebook_is_seen_in_jupyterlab_alone() -> None:
    """A run of autoD that was started from a notebook has that notebook's variables, and nobody before it."""
    assert review.is_seen("auto", {"JPY_SESSION_NAME": "32_review.ipynb"})
    assert not review.is_seen("auto", {"JPY_SESSION_NAME": "32_review.ipynb", "AUTOD_PARENT_RUN": "a run"})
    assert not review.is_seen("auto", {})
    assert (review.is_seen("yes", {}), review.is_seen("no", {"JPY_SESSION_NAME": "x"})) == (True, False)
    with pytest.raises(SettingsError, match="maybe"):
        review.is_seen("maybe")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time in seconds."""
        return self.now


def settings_of(home: Path) -> Settings:
    """The settings of a workspace."""
    return load_settings({}, home=home)


LABELS = "select document_sha256[-1], field, value, labeller, source from labels_current order by all"


def test_every_action_is_a_label_at_once_and_the_last_ones_can_be_taken_back(home: Path) -> None:
    """What was said before an action counts again when it is taken back, and the record keeps both."""
    answered(home, {"confidence_score": 0.1, "issuer": "Alder"}, {"confidence_score": 0.2, "total_amount": "12.50"}, {"confidence_score": 0.3})
    clock = Clock()
    session = Session(settings_of(home), labeller="anna", share=0, clock=clock)

    clock.now += 7
    assert session.correct("doc_type", "Letter") == "doc_type is 'Letter'."
    assert rows(home, LABELS) == [("1", "doc_type", "Letter", "anna", "review")]
    assert "no such value" in session.correct("doc_type", "Lettr")
    assert "not recorded" in session.correct("issuer", "  ")
    assert "no field" in session.correct("notes", "x")
    clock.now += 3
    assert session.accept() == "1.pdf: 7 values accepted."
    assert len(rows(home, LABELS)) == 8
    assert ("1", "recipient", None, "anna", "review") in rows(home, LABELS)
    clock.now += 100_000
    session.skip()
    assert session.document is not None
    assert session.document.file_name == "3.pdf"

    assert session.undo() == "2.pdf: skip taken back."
    assert session.undo() == "1.pdf: accept taken back."
    assert rows(home, LABELS) == [("1", "doc_type", "Letter", "anna", "review")]
    session.correct("doc_type", "Receipt")
    session.undo()
    assert rows(home, LABELS) == [("1", "doc_type", "Letter", "anna", "review")]
    session.undo()
    assert rows(home, LABELS) == []
    assert session.document.values["doc_type"] == "Invoice"
    assert session.undo() == "There is nothing to take back."
    assert one(home, "select count(*) from review_queue") == 3

    for _ in range(3):
        session.accept()
    assert session.document is None
    assert rows(home, "select command, state from runs_overview") == [("review", "finished")]
    columns = "labeller, documents, accepted, skipped, corrections, labels, undone, seconds"
    assert rows(home, f"select {columns} from review_sessions") == [("anna", 3, 3, 0, 0, 24, 4, 310.0)]


def test_nobodys_label_is_replaced_but_ones_own(home: Path) -> None:
    """Another labeller who was quicker counts; both are kept, and the reviewer is told."""
    (sha,) = answered(home, {"confidence_score": 0.1, "issuer": "Alder"})
    session = Session(settings_of(home), labeller="anna", share=0)
    labels.record(home, [Label(sha, "issuer", "Birch", "bert"), Label(sha, "doc_type", "Invoice", "bert")])

    told = session.accept()

    assert "issuer (bert says 'Birch')" in told
    assert "doc_type" not in told
    assert one(home, "select value from labels_current where field = 'issuer'") == "Birch"
    assert rows(home, "select value, other_value from label_contradictions") == [("Birch", "Alder")]


def test_a_purged_document_leaves_no_trace_of_its_review(home: Path) -> None:
    """Events of a review go with their document."""
    from autod_lib.purge import OWN

    kinds = {kind for kind, tables in store.TABLES.items() if {"review_actions", "label_withdrawals", "labels_log"} & set(tables)}

    assert kinds <= set(OWN)
