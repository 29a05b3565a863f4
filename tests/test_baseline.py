"""The rules baseline: labelled documents read by rules, free of charge, and held against the API's answers."""

import hashlib
import uuid
from decimal import Decimal

import pytest

from autod_lib import evaluate, metrics
from autod_lib.baseline import read_by_rules
from autod_lib.journal import Journal
from autod_lib.local_api.rules import read_document, strength_of
from autod_lib.settings import Settings
from autod_lib.store import reading

from .pipeline import make_pdf, one, rows, settings_for

STRONGEST = strength_of("sol")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Twelve labelled invoices: the API misses every issuer and every second total, for a cent each; one more was changed since it was read."""
    folder = tmp_path_factory.mktemp("baseline")
    with Journal(folder / "home") as journal:
        for number in range(13):
            path = make_pdf(folder / f"{number}.pdf", f"No. {number}", lines=2)
            sha = hashlib.sha256(path.read_bytes()).hexdigest()
            about = {"document_sha256": sha, "is_simulated": False, "call_id": str(uuid.uuid4()), "arm": "an arm"}
            journal.write("sighting", document_sha256=sha, path=str(path))
            journal.write("document_read", document_sha256=sha, path=str(path), file_name=path.name, status="readable")
            total = "360.00" if number % 2 else "12.00"
            journal.write("extraction", **about, doc_type="Invoice", issuer="Weber", total_amount=total, is_valid=True)
            journal.write("call_finished", **about, status="answered", cost_usd=Decimal("0.01"), model="m")
            for field, value in {"doc_type": "Invoice", "issuer": "Alder & Finch Ltd", "total_amount": "360.00"}.items():
                journal.write("label", document_sha256=sha, field=field, value=value, is_absent=False)
    make_pdf(folder / "12.pdf", "another", lines=2)
    return settings_for(folder / "home", "http://127.0.0.1:9/v1")


@pytest.fixture(scope="module")
def read(settings: Settings) -> int:
    """How many were read the first time."""
    return read_by_rules(settings, lambda pages, name, count: read_document(pages, name, count, STRONGEST))


def test_each_labelled_document_is_read_once_and_stands_for_none(settings: Settings, read: int) -> None:
    """What was changed is left out; the answers are of neither kind of money, and the view documents shows the API's."""
    assert read == 12
    assert read_by_rules(settings, lambda *_: pytest.fail("it was read before")) == 0
    assert rows(settings.home, "select distinct is_simulated, is_valid, call_id from extractions where arm = 'rules'") == [(None, True, None)]
    assert rows(settings.home, "select distinct arm, issuer, cost_usd, is_simulated from documents") == [
        ("an arm", "Alder & Finch Ltd", Decimal("0.01"), False)
    ]
    assert one(settings.home, "select count(*) from classification_by_week where is_simulated is null") == 0
    assert one(settings.home, "select max(documents) from accuracy_in_use") == 13


def test_the_api_is_held_against_the_rules_on_the_same_documents(settings: Settings, read: int) -> None:
    """Where all alike is right nothing is decided; where the rules win it says so, with the price of what was paid for."""
    with reading(settings.home) as con:
        worth = {row["field"]: row for row in evaluate.worth(con).to_dicts()}
        pairs = {row["field"]: row for row in metrics.worth_of_api(con).to_dicts()}

    kinds, issuers, totals = worth["doc_type"], worth["issuer"], worth["total_amount"]
    assert {row["documents"] for row in worth.values()} == {12}
    assert (kinds["verdict"], kinds["difference"], kinds["p_value"]) == ("not decided", 0.0, 1.0)
    assert (issuers["verdict"], issuers["accuracy"], issuers["accuracy_by_rules"]) == ("worse", 0.0, 1.0)
    assert issuers["p_value"] == pytest.approx(3 * 2 / 2**12)
    assert issuers["difference_low"] <= issuers["difference"] < issuers["difference_high"] < 0
    assert (pairs["total_amount"]["only_rules"], totals["verdict"]) == (6, "not decided")
    assert all(row["cost_a_thousand_usd"] == Decimal("10") and row["cost_a_right_more_usd"] is None for row in worth.values())
