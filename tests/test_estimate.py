"""Estimates: what a run would cost, told before it, near what it then costs, and without leaving a trace."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from autod_lib.errors import SettingsError
from autod_lib.estimate import Estimate, estimate
from autod_lib.local_api import running
from autod_lib.settings import load_settings

from .pipeline import make_inbox, make_pdf, one, rows, run, settings_for


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server that reads what it is sent."""
    with running(answers="rules") as base:
        yield base


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Six invoices, of one page and of three."""
    make_inbox(tmp_path / "in", 3)
    return make_inbox(tmp_path / "in", 3, first=3, pages=3)


def test_an_estimate_is_near_the_bill(address: str, tmp_path: Path, inbox: Path) -> None:
    """Tokens within 5 %, money between half and twice, and the bill never above the upper bound."""
    under = settings_for(tmp_path / "home", address)
    told = estimate([inbox], under).by_input_mode["auto"]
    report = run(inbox, under)

    assert told.cost_usd is not None
    assert told.cost_upper_usd is not None
    assert told.documents == report.processed == 6
    assert abs(told.input_tokens - report.input_tokens) < 0.05 * report.input_tokens
    assert report.cost_usd / 2 < told.cost_usd < report.cost_usd * 2
    assert report.cost_usd <= told.cost_upper_usd
    assert one(tmp_path / "home", "select max(p95_error) from estimate_vs_bill") < 0.05


def test_files_are_estimated_too(address: str, tmp_path: Path, inbox: Path) -> None:
    """In mode file-low no call costs more than its bound, and the tokens are within a half of the bill."""
    under = settings_for(tmp_path / "home", address, input_mode="file-low")
    told = estimate([inbox], under).by_input_mode["file-low"]
    report = run(inbox, under)

    assert report.input_tokens / 2 < told.input_tokens < report.input_tokens * 1.5
    assert one(tmp_path / "home", "select count(*) from api_calls where cost_usd > cost_upper_usd") == 0


def test_an_estimate_records_nothing_and_needs_no_key(tmp_path: Path, inbox: Path) -> None:
    """No key, no call, no journal: of the workspace there is only the empty database and its locks; twice gives the same."""
    home = tmp_path / "home"
    under = load_settings({}, home=home)
    first, second = estimate([inbox], under), estimate([inbox], under)

    assert first == second
    assert first.new_documents == 6
    assert {path.name for path in home.rglob("*") if path.is_file()} <= {
        "autod.duckdb",
        "autod.duckdb.wal",
        "autod.duckdb.room.lock",
        "autod.duckdb.turnstile.lock",
    }
    assert rows(home, "select count(*) from documents") == [(0,)]


def test_known_documents_and_copies_cost_nothing(address: str, tmp_path: Path, inbox: Path) -> None:
    """What the record knows is not counted again: as it was, moved, or copied; what is new is."""
    under = settings_for(tmp_path / "home", address)
    run(inbox, under)
    (inbox / "invoice-001.pdf").rename(inbox / "moved.pdf")
    (inbox / "copy.pdf").write_bytes((inbox / "invoice-002.pdf").read_bytes())
    make_pdf(inbox / "new.pdf", "a new one")
    (inbox / "copy of the new one.pdf").write_bytes((inbox / "new.pdf").read_bytes())
    told = estimate([inbox], under)
    report = run(inbox, under)

    assert told.new_documents == 1
    assert told.by_input_mode["auto"].documents == report.calls == 1


def test_what_a_stopped_run_left_pending_is_counted(address: str, tmp_path: Path, inbox: Path) -> None:
    """Documents that were read but not asked cost what they cost, whenever they are asked."""
    under = settings_for(tmp_path / "home", address)
    before = estimate([inbox], under)
    stopped = run(inbox, under, max_usd=Decimal(0))
    after = estimate([inbox], under)

    assert stopped.pending == 6
    assert after.by_input_mode == before.by_input_mode


def test_unreadable_files_are_told_apart(tmp_path: Path, inbox: Path) -> None:
    """They are counted and cost nothing."""
    (inbox / "bad.pdf").write_text("no PDF")
    told = estimate([inbox], load_settings({}, home=tmp_path / "home"))

    assert (told.files, told.new_documents, told.unreadable) == (7, 6, 1)


def test_a_model_without_a_price_has_no_estimate(tmp_path: Path, inbox: Path) -> None:
    """Unknown is not zero."""
    told = estimate([inbox], load_settings({}, home=tmp_path / "home", model="gpt-5-of-nobody"))

    assert (told.by_input_mode["auto"].cost_usd, told.by_input_mode["auto"].cost_upper_usd) == (None, None)
    assert told.by_input_mode["auto"].input_tokens > 0


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """As for a run, and before anything is read."""
    with pytest.raises(SettingsError, match="no such file"):
        estimate([tmp_path / "nothing"], load_settings({}, home=tmp_path / "home"))


def test_the_estimate_as_json_holds_decimals_as_text(tmp_path: Path, inbox: Path) -> None:
    """Money survives JSON to the last digit."""
    columns = estimate([inbox], load_settings({}, home=tmp_path / "home")).columns()

    assert isinstance(columns["by_input_mode"]["auto"]["cost_usd"], str)
    assert isinstance(Estimate("m", True, "auto").columns()["by_input_mode"], dict)
