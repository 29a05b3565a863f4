"""Estimates: what a run would cost, told before it, near what it then costs, and without leaving a trace."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from autod_lib.errors import ApiRefused, ApiUnavailable, MissingKey, SettingsError
from autod_lib.estimate import estimate
from autod_lib.ingest import ingest
from autod_lib.local_api import running
from autod_lib.report import Options
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
    """Tokens within 5 %, money in the interval that is taken before any document was billed: half to twice; never above the upper bound."""
    under = settings_for(tmp_path / "home", address)
    told = estimate([inbox], under).chosen
    report = run(inbox, under)

    assert told.expected_usd is not None
    assert told.low_usd is not None
    assert told.high_usd is not None
    assert told.upper_usd is not None
    assert told.input_tokens is not None
    assert told.documents == report.processed == 6
    assert abs(told.input_tokens - report.input_tokens) < 0.05 * report.input_tokens
    assert told.low_usd < report.cost_usd < told.high_usd < told.upper_usd
    assert one(tmp_path / "home", "select max(p95_error) from estimate_vs_bill") < 0.05


def test_files_are_estimated_too(address: str, tmp_path: Path, inbox: Path) -> None:
    """In mode file-low no call costs more than its bound, and the tokens are within a half of the bill."""
    under = settings_for(tmp_path / "home", address, input_mode="file-low")
    told = estimate([inbox], under).chosen
    report = run(inbox, under)

    assert told.input_tokens is not None
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

    for row in (told.chosen, *told.by_input_mode.values(), *told.by_tier.values()):
        assert (row.expected_usd, row.low_usd, row.high_usd, row.upper_usd) == (None, None, None, None)
        assert row.input_tokens
    assert told.sentences()[1] == "No price list knows gpt-5-of-nobody: what it costs is unknown."


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """As for a run, and before anything is read."""
    with pytest.raises(SettingsError, match="no such file"):
        estimate([tmp_path / "nothing"], load_settings({}, home=tmp_path / "home"))


def test_the_estimate_as_json_holds_decimals_as_text(tmp_path: Path, inbox: Path) -> None:
    """Money survives JSON to the last digit."""
    columns = estimate([inbox], load_settings({}, home=tmp_path / "home")).columns()

    assert isinstance(columns["by_input_mode"]["auto"]["expected_usd"], str)
    assert columns["chosen"] == columns["by_input_mode"]["auto"]
    assert orjson.loads(orjson.dumps(columns)) == columns


def test_a_run_with_nothing_new_is_forecast_and_costs_exactly_nothing(address: str, tmp_path: Path, inbox: Path) -> None:
    """Zero, not a small number: in every figure of the forecast, in the report, and no row of a forecast is written."""
    under = settings_for(tmp_path / "home", address)
    run(inbox, under)
    told, report = estimate([inbox], under), run(inbox, under)
    chosen = told.chosen

    assert (chosen.expected_usd, chosen.low_usd, chosen.high_usd, chosen.upper_usd) == (0, 0, 0, 0)
    assert (chosen.documents, chosen.input_tokens, chosen.output_tokens) == (0, 0, 0)
    assert (told.rows(), told.forecasts()) == ([], [])
    assert told.sentences()[-1] == "There is nothing to send: this run costs 0."
    assert (report.cost_usd, report.calls) == (0, 0)
    assert (report.forecast_usd, report.forecast_low_usd, report.forecast_high_usd) == (0, 0, 0)
    assert one(tmp_path / "home", "select count(*) from forecasts") == 1


def test_input_modes_tiers_and_models_stand_side_by_side(tmp_path: Path, inbox: Path) -> None:
    """A batch is cheaper than asking at once, flex is half of it, a dearer model costs more; every way is a row."""
    told = estimate([inbox], load_settings({}, home=tmp_path / "home"), models=["gpt-6-sol"])
    usd = {way: row.expected_usd for table in told.tables().values() for way, row in table.items()}

    assert list(told.by_input_mode) == ["auto", "text", "file-low", "file-high"]
    assert list(told.by_tier) == ["sync", "flex", "batch"]
    assert list(told.by_model) == ["gpt-6-luna", "gpt-6-sol"]
    assert usd["auto"] == usd["text"] == usd["sync"] == usd["gpt-6-luna"] == told.chosen.expected_usd
    assert usd["text"] < usd["file-low"] < usd["file-high"]
    assert usd["flex"] * 2 == usd["sync"]
    assert usd["batch"] < usd["sync"] < usd["gpt-6-sol"]
    assert [row["way"] for row in told.rows()] == list(told.by_input_mode) + list(told.by_tier) + list(told.by_model)


def test_a_tier_in_which_the_model_is_not_sold_is_left_out(tmp_path: Path, inbox: Path) -> None:
    """gpt-4.1 has no flex tier."""
    assert list(estimate([inbox], load_settings({}, home=tmp_path / "home", model="gpt-4.1")).by_tier) == ["sync", "batch"]


def test_the_api_counts_exactly_what_it_bills_where_it_is_asked(address: str, tmp_path: Path, inbox: Path) -> None:
    """Also for files, whose images are only estimated otherwise; nothing is recorded, nothing is spent."""
    under = settings_for(tmp_path / "home", address, input_mode="file-high")
    told = estimate([inbox], under, exact=True)

    assert one(tmp_path / "home", "select count(*) from api_calls") == 0
    assert told.counted == told.new_documents == 6
    assert told.chosen.input_tokens == run(inbox, under).input_tokens


def test_counting_needs_a_key_and_an_api_that_counts(tmp_path: Path, inbox: Path) -> None:
    """Without a key nothing is sent; a refused key and an API that is not there are named."""
    with pytest.raises(MissingKey):
        estimate([inbox], load_settings({}, home=tmp_path / "home"), exact=True)
    with running(answers="rules") as base, pytest.raises(ApiRefused, match="Nothing was spent"):
        estimate([inbox], settings_for(tmp_path / "home", base, api_key="wrong"), exact=True)
    with pytest.raises(ApiUnavailable, match="cannot be reached"):
        estimate([inbox], settings_for(tmp_path / "home", base, attempts=1), exact=True)


def test_an_estimate_takes_the_limit_of_the_run(address: str, tmp_path: Path, inbox: Path) -> None:
    """As many documents as the run would take, and the same ones."""
    under = settings_for(tmp_path / "home", address)
    told = estimate([inbox], under, options=Options(limit=2))
    report = ingest([inbox], under, Options(limit=2), forecasts=told.forecasts())

    assert told.chosen.documents == report.calls == 2
    assert abs(report.input_tokens - (told.chosen.input_tokens or 0)) <= 10


def test_estimates_of_files_learn_from_what_was_billed(address: str, tmp_path: Path, inbox: Path) -> None:
    """What the image of a page costs is not published; after six documents the seventh is estimated within a hundredth."""
    under = settings_for(tmp_path / "home", address, input_mode="file-low")
    new = make_pdf(tmp_path / "more" / "new.pdf", "a new one", pages=2)
    before = estimate([new], under).chosen
    run(inbox, under)
    after = estimate([new], under).chosen
    billed = run(new.parent, under)

    assert abs((after.input_tokens or 0) - billed.input_tokens) < 0.01 * billed.input_tokens < abs((before.input_tokens or 0) - billed.input_tokens)
    assert (before.documents_seen, after.documents_seen) == (0, 6)
    assert after.low_usd is not None
    assert after.high_usd is not None
    assert after.low_usd < billed.cost_usd < after.high_usd
    found = rows(tmp_path / "home", "select calls, p95_error < 0.1 * rules_p95_error, p95_error from estimate_error")
    assert found[0][0] == 7
    assert (
        one(tmp_path / "home", "select estimated_input_tokens < rule_input_tokens - 250 from calls_finished order by started_at desc limit 1") is True
    )


def test_a_run_records_what_it_was_expected_to_cost_before_it_asks(address: str, tmp_path: Path, inbox: Path) -> None:
    """By the estimate that it is given, with all that was weighed, else by the sizes of its files; the bill stands beside it afterwards."""
    under = settings_for(tmp_path / "home", address)
    told = estimate([inbox], under)
    first = ingest([inbox], under, forecasts=told.forecasts())
    make_inbox(inbox, 3, first=10)
    second = run(inbox, under)

    assert first.forecast_usd == told.chosen.expected_usd
    assert second.forecast_usd
    assert f"Expected were {first.forecast_usd:.6f} simulated USD" in "\n".join(first.sentences())
    found = rows(tmp_path / "home", "select basis, documents, documents_seen, expected_usd, cost_usd, is_within from estimate_by_run order by run_id")
    assert found == [
        ("read", 6, 0, told.chosen.expected_usd, first.cost_usd, True),
        ("size", 3, 6, second.forecast_usd, second.cost_usd, True),
    ]
    weighed = rows(tmp_path / "home", "select count(*), count(*) filter (where is_chosen) from forecasts where basis = 'read'")
    assert weighed == [(len(told.forecasts()), 1)]
    before = "select bool_and(forecasts.seq < calls_started.seq) from forecasts join calls_started using (run_id)"
    assert one(tmp_path / "home", before) is True


def test_a_stopped_run_is_not_compared_with_its_forecast(address: str, tmp_path: Path, inbox: Path) -> None:
    """It did not do what was forecast: it is in the list, and in no share."""
    under = settings_for(tmp_path / "home", address)
    run(inbox, under, max_usd=Decimal(0))

    assert rows(tmp_path / "home", "select documents, is_within from estimate_by_run") == [(6, None)]
    assert rows(tmp_path / "home", "from estimate_coverage") == []
