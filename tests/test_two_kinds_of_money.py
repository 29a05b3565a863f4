"""Real and simulated money are never added, and neither stands for the other: what a reader of any figure relies on."""

import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from autod_lib import cli, local_api, metrics, store
from autod_lib.errors import SettingsError
from autod_lib.ingest import _left
from autod_lib.journal import Journal, now
from autod_lib.report import Options, Report
from autod_lib.show import describe

from .pipeline import make_inbox, one, rows, run, settings_for

SHA = "ab" * 32


def _about_one_document(home: Path, *, simulated: bool, cost: str | None, status: str, doc_type: str | None) -> None:
    with Journal(home) as segment:
        segment.write("run_started", command="ingest", is_simulated=simulated)
        segment.write(
            "document_read", document_sha256=SHA, file_name="a.pdf", path="/inbox/a.pdf", page_count=1, status="readable", flags=[], metadata={}
        )
        segment.write("sighting", path="/inbox/a.pdf", document_sha256=SHA)
        call: dict[str, Any] = {
            "call_id": str(uuid.uuid4()),
            "document_sha256": SHA,
            "is_simulated": simulated,
            "model": "gpt-6-luna",
            "request_key": "k",
        }
        segment.write(
            "call_finished",
            **call,
            status="answered",
            outcome="completed",
            cost_usd=cost,
            input_tokens=2000,
            cached_tokens=1000,
            started_at=now(),
            finished_at=now(),
        )
        if doc_type:
            segment.write("extraction", **call, is_valid=True, review_reasons=[], doc_type=doc_type, arm="arm")
        segment.write("document_status", document_sha256=SHA, status=status, is_simulated=simulated, request_key="k", sentence="", error_kind=None)
        segment.write("run_finished", exit_status=0, state="finished", seconds=1.0)


def test_a_document_shows_its_real_side_alone(tmp_path: Path) -> None:
    """A later trial without a key changes neither the state nor the cost nor the fields of a document that was really read."""
    _about_one_document(tmp_path, simulated=False, cost="0.01", status="needs_review", doc_type="Letter")
    _about_one_document(tmp_path, simulated=True, cost="5", status="processed", doc_type="Invoice")

    found = rows(tmp_path, "select is_simulated, cost_usd, processing_status, doc_type, calls from documents")
    assert found == [(False, Decimal("0.01"), "needs_review", "Letter", 1)]
    assert one(tmp_path, "select count(*) from review_queue where not is_simulated") == 1


def test_a_cost_that_nobody_knows_is_called_so(tmp_path: Path) -> None:
    """Neither the list of problems nor `autod show` turns it into 0."""
    _about_one_document(tmp_path, simulated=False, cost=None, status="failed", doc_type=None)

    with store.reading(tmp_path) as con:
        assert metrics.document_problems(con)["cost_usd"].to_list() == [None]
        assert metrics.document_problems(con, is_simulated=True).is_empty()
        assert "Cost: unknown USD in 1 calls" in describe(con, SHA[:8]).sentences()
        day = metrics.cost_by_day(con).row(0, named=True)
        assert (day["uncached_tokens"], day["calls_unpriced"]) == (1000, 1)
        assert metrics.cache_by_day(con).row(0, named=True)["saved_by_reading_usd"] is None


def test_a_simulated_answer_never_stands_for_a_real_one(tmp_path: Path) -> None:
    """An address that is taken for a real one, and whose answers say that they are simulated, ends the run; its documents stay pending."""
    inbox = make_inbox(tmp_path / "inbox", 2)
    with local_api.running(answers="canned") as address:
        settings = settings_for(tmp_path / "home", address, api_key="sk-test-12345678")
        vars(settings)["is_loopback"] = False  # as a name that leads to a simulation elsewhere would be taken
        assert not settings.is_simulated
        report = run(inbox, settings)

    assert report.exit_status == 2
    assert "AUTOD_SIMULATED" in str(report.stopped_by)
    assert (report.processed, report.pending) == (0, 2)
    assert rows(tmp_path / "home", "select distinct is_simulated from api_calls") == [(True,)]


def test_a_tier_without_a_price_is_refused_unless_allowed(tmp_path: Path) -> None:
    """Where a model is not sold in a tier, its upper bound is not known, so no budget could hold."""
    inbox = make_inbox(tmp_path / "inbox", 1)
    given: dict[str, str] = {"model": "gpt-5-nano", "service_tier": "priority"}
    with local_api.running(answers="canned") as address:
        report = run(inbox, settings_for(tmp_path / "home", address, **given))
        allowed = run(inbox, settings_for(tmp_path / "home", address, **given, allow_unpriced=True))

    assert (report.exit_status, report.calls) == (2, 0)
    assert (allowed.calls, allowed.calls_unpriced) == (1, 1)


def test_a_watched_folder_has_one_budget_and_not_one_a_round() -> None:
    """What the rounds before have spent, or may have, is not there to be spent again."""
    spent = Report("r", True, cost_usd=Decimal("3"), unsettled_upper_usd=Decimal("0.5"))

    assert _left(Options(max_usd=Decimal(5)), spent) == Options(max_usd=Decimal("1.5"))
    assert _left(Options(max_usd=Decimal(3)), spent) == Options(max_usd=Decimal(0))
    assert _left(Options(), spent) == Options()


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (["run", "20_cost", "-p", "since", "2026-10-01"], ["run", "20_cost", "-p", "since=2026-10-01"]),
        (["run", "-p", "since=2026-10-01", "--all"], ["run", "-p", "since=2026-10-01", "--all"]),
        (["local-api", "-p", "1", "2"], ["local-api", "-p", "1", "2"]),
        (["run", "-p"], ["run", "-p"]),
    ],
)
def test_a_parameter_is_given_as_two_words_or_as_one(given: list[str], taken: list[str]) -> None:
    """`-p NAME VALUE` and `-p NAME=VALUE` mean the same."""
    assert cli._paired(given) == taken


def test_a_lone_word_after_p_is_an_error_of_use(tmp_path: Path) -> None:
    """It is said what a parameter looks like."""
    with pytest.raises(SettingsError, match="-p since 2026-01-01"):
        cli._pair("since")
