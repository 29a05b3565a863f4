"""Forecasts: what they are made of, how wide they are, and that four of five bills lie within."""

import random
import uuid
from dataclasses import replace
from decimal import Decimal
from math import exp, log
from pathlib import Path
from typing import Any

import pytest

from autod_lib import cache, forecast, prices, prompt, store, tokens
from autod_lib.forecast import Calibration, Document, Forecast, Seen, of_documents, of_sizes, seen
from autod_lib.journal import Journal, now
from autod_lib.settings import Settings, load_settings

PREFIX = 1600
KNOWN = Calibration(
    documents=40,
    runs=11,
    unit_tokens=-100.0,
    unit_tokens_low=-120.0,
    unit_tokens_high=-80.0,
    output_tokens=300.0,
    own_tokens=700.0,
    bill_ratio=1.1,
    document_spread=0.22,
    run_spread=0.05,
    document_worth=4000.0,
    document_worth_spread=0.6,
    run_worth_spread=0.1,
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a workspace that does not exist yet."""
    return load_settings({}, home=tmp_path / "home", simulated=True)


def asked(settings: Settings, documents: int, known: Seen, mode: str = "text", **given: Any) -> Forecast:
    """The forecast of so many documents of two pages and 800 tokens of text."""
    wanted = [Document(mode, 2, 800)] * documents
    return of_documents(wanted, settings, known, cache.Observed(), PREFIX, **{"tier": "sync", "input_mode": "text"} | given)


def times(row: Forecast) -> float:
    """How many times the forecast its upper end is."""
    assert row.high_usd is not None
    assert row.expected_usd
    return float(row.high_usd / row.expected_usd)


def test_before_any_bill_the_interval_is_from_half_to_double(settings: Settings) -> None:
    """The prior is stated, and is the same for one document and for many."""
    for documents in (1, 50):
        row = asked(settings, documents, Seen())
        assert (round(times(row), 4), row.documents_seen) == (2.0, 0)
        assert row.low_usd == pytest.approx(row.expected_usd / 2 if row.expected_usd else 0, rel=Decimal("0.0001"))
    assert times(of_sizes([60_000, 2_000], settings, Seen(), cache.Observed(), PREFIX, tier="sync")) == pytest.approx(4.0, rel=1e-4)


def test_the_expected_usd_are_tokens_times_rates(settings: Settings) -> None:
    """The prefix as the cache's decision has it, each document's own tokens, and the usual answer; nothing else."""
    row = asked(settings, 1, Seen())
    own = tokens.estimate_document("text", 2, 800, settings.model).tokens
    assert (row.input_tokens, row.cached_tokens, row.cache_write_tokens) == (PREFIX + own, 0, 0)
    assert row.expected_usd == prices.expected_cost(settings.model, now(), PREFIX + own)
    many = asked(settings, 100, Seen())
    decided = prompt.decide_cache(settings, PREFIX, 100, cache.Observed())
    assert many.cache_write_tokens == decided.choice.shards * PREFIX
    assert many.cached_tokens == (100 - decided.choice.shards) * PREFIX
    assert many.expected_usd is not None
    assert row.expected_usd is not None
    assert many.expected_usd < 100 * row.expected_usd


def test_what_was_billed_moves_the_forecast_and_sets_its_width(settings: Settings) -> None:
    """Usual answers, repairs and images as billed; more documents and known distances make it narrower."""
    known = Seen({("file-low", "high"): KNOWN})
    one, many = (asked(settings, documents, known, "file-low") for documents in (1, 100))
    told = asked(settings, 100, replace(known, widths={("read", "text"): 1.0}), "file-low")

    assert one.output_tokens == 300
    assert one.input_tokens == PREFIX + 800 + 2 * (231 - 100) + 30
    assert one.expected_usd == prices.expected_cost(settings.model, now(), one.input_tokens, output_tokens=300) * Decimal("1.1")  # type: ignore[operator]
    assert times(one) == pytest.approx(exp(1.372 * (0.2**2 + 0.05**2) ** 0.5), rel=1e-4)
    assert times(many) == pytest.approx(exp(1.372 * (0.02**2 + 0.05**2) ** 0.5), rel=1e-4)
    assert times(told) == pytest.approx(exp((0.02**2 + 0.05**2) ** 0.5), rel=1e-4)
    assert one.documents_seen == 40


def test_a_mode_that_was_never_billed_widens_the_whole(settings: Settings) -> None:
    """By its share of the expected USD."""
    known = Seen({("text", "high"): KNOWN})
    wanted = [Document("text", 1, 500)] * 10 + [Document("file-low", 1, 500)]
    row = of_documents(wanted, settings, known, cache.Observed(), PREFIX, tier="sync", input_mode="auto")
    assert row.documents_seen == 0
    assert times(asked(settings, 11, known)) < times(row) < 2


def test_of_nothing_the_forecast_is_exactly_nothing(settings: Settings) -> None:
    """However it is made."""
    for row in (asked(settings, 0, Seen()), of_sizes([], settings, Seen(), cache.Observed(), PREFIX, tier="sync")):
        assert (row.documents, row.expected_usd, row.low_usd, row.high_usd, row.spread) == (0, 0, 0, 0, 0.0)


def test_a_model_without_a_price_is_forecast_in_tokens_alone(settings: Settings) -> None:
    """Unknown is not zero."""
    other = settings.model_copy(update={"model": "gpt-5-of-nobody"})
    for row in (asked(other, 3, Seen()), of_sizes([1], other, Seen(), cache.Observed(), PREFIX, tier="sync")):
        assert (row.expected_usd, row.low_usd, row.high_usd, row.upper_usd) == (None, None, None, None)
    assert asked(other, 3, Seen()).input_tokens


def test_by_sizes_a_run_costs_what_its_documents_usually_do(settings: Settings) -> None:
    """The usual document over the modes that auto chooses from, at the rates of the tier; before any, what the sizes say."""
    scan = replace(KNOWN, documents=10, own_tokens=1700.0, output_tokens=200.0, bill_ratio=1.0, document_worth=6000.0)
    known = Seen({("text", "high"): KNOWN, ("file-low", "medium"): scan})
    auto, batch = (of_sizes([1, 2, None], settings, known, cache.Observed(), PREFIX, tier=tier) for tier in ("sync", "batch"))
    own, answer = (40 * 700 + 10 * 1700) // 50, (40 * 300 + 10 * 200) // 50
    rates = prices.rates_for(settings.model, now())
    assert rates is not None
    assert (auto.documents_seen, auto.output_tokens, auto.input_tokens) == (50, 3 * answer, 3 * (PREFIX + own))
    assert batch.cached_tokens == 0
    assert batch.expected_usd == 3 * ((PREFIX + own) * rates.input + answer * rates.output) / 2_000_000 * Decimal("1.08")
    small, large = (of_sizes([size], settings, Seen(), cache.Observed(), PREFIX, tier="sync") for size in (60_000, 6_000_000))
    assert small.expected_usd is not None
    assert large.expected_usd is not None
    assert large.expected_usd > small.expected_usd


def test_texts_of_files_are_counted_until_enough_is_learned() -> None:
    """Thirty of each mode that sends files; never where the text is read anyway."""
    known = Seen({("file-low", "high"): replace(KNOWN, documents=12)})
    assert [known.texts_wanted(mode) for mode in ("file-low", "file-high", "text", "auto")] == [18, 30, 0, 0]
    assert Seen({("file-low", "high"): KNOWN}).texts_wanted("file-low") == 0


def write_run(home: Path, settings: Settings, row: Forecast, bills: list[Decimal]) -> None:
    """A run that was forecast, and whose documents were billed so."""
    with Journal(home) as journal:
        journal.write("run_started", command="ingest", is_simulated=True)
        journal.write("forecast", **row.columns(), is_chosen=True, is_simulated=True)
        for usd in bills:
            call = {
                "call_id": uuid.uuid4(),
                "document_sha256": uuid.uuid4().hex * 2,
                "purpose": "extract",
                "model": settings.model,
                "input_mode": "text",
                "reasoning_effort": settings.reasoning_effort,
                "schema_version": "1",
                "is_simulated": True,
                "rule_input_tokens": 2000,
                "estimated_input_tokens": 2000,
                "estimate_confidence": "high",
                "estimated_pages": 1,
            }
            end = {"status": "answered", "outcome": "completed", "input_tokens": 2000, "output_tokens": 400, "cost_usd": usd, "input_rate": "0.1"}
            journal.write("call_finished", **call, **end, price_rates={"cached": "0.01", "written": "0.125", "output": "0.5"})
        journal.write("run_finished", state="finished", exit_status=0)


def test_an_interval_of_80_percent_holds_four_of_five_bills(tmp_path: Path, settings: Settings) -> None:
    """Fifty runs whose bills follow a law that the forecast does not know: it learns the mean, the spread and the width from the ledger alone."""
    rng, home = random.Random(5), settings.home
    for _ in range(50):
        store.load(home)
        with store.reading(home) as con:
            known = seen(con, settings)
        documents = rng.choice([1, 3, 10, 30])
        row = of_sizes([50_000] * documents, settings, known, cache.Observed(), PREFIX, tier="sync")
        of_run = rng.gauss(0, 0.15)
        write_run(home, settings, row, [Decimal(f"{0.0004 * exp(of_run + rng.gauss(0, 0.6)):.12f}") for _ in range(documents)])
    with store.reading(home) as con:
        ((runs, within, width),) = con.execute("select runs, runs_within, width from estimate_coverage where has_seen").fetchall()
        ((late,),) = con.execute("select avg(cast(is_within as integer)) from (from estimate_by_run order by logged_at desc limit 30)").fetchall()
        known = seen(con, settings)
    assert runs == 49
    assert 0.68 < within / runs < 0.92
    assert 0.68 < late < 0.92
    assert known.widths == {("size", "auto"): width}
    found = known.of("text")
    assert found is not None
    assert found.document_worth is not None
    assert abs(log(found.document_worth / (4000 * exp((0.15**2 + 0.6**2) / 2)))) < 0.15


def test_the_examples_in_the_modules_hold() -> None:
    """Documentation that is run."""
    import doctest

    for module in (forecast, tokens.documents, tokens.images, tokens.requests, tokens.validation):  # type: ignore[attr-defined]
        assert doctest.testmod(module).failed == 0
