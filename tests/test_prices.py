"""What a call costs: to the last decimal what the price list says, or None with a reason, never 0 instead."""

import doctest
import random
import shutil
import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import genai_prices
import pytest
from genai_prices.types import Usage as Tokens
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autod_lib import prices, store
from autod_lib.journal import Journal
from autod_lib.prices import Usage, is_priced, price_call, rates_for, upper_bound

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
STEP = 272_000
MODELS = [
    "gpt-4.1",
    "gpt-4o-mini",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
    "gpt-5.4",
    "gpt-5.4-nano",
    "gpt-5.6-luna",
    "gpt-6-luna",
    "gpt-6-sol",
    "gpt-6.1-terra",
    "o3",
    "o4-mini",
]


CONTEXTS: dict[str | None, dict[str, str]] = {
    None: {},
    "default": {},
    "flex": {"service_tier": "flex"},
    "batch": {"processing": "batch"},
    "priority": {"service_tier": "priority"},
    "fast": {"service_tier": "fast"},
}


def _listed(model: str, usage: Usage, at: datetime = AT, tier: str | None = None) -> Decimal:
    tokens = Tokens(
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cached_tokens or 0,
        cache_write_tokens=usage.cache_write_tokens or 0,
        output_tokens=usage.output_tokens,
    )
    context = CONTEXTS[tier]
    found = genai_prices.calc_price(tokens, model_ref=model, provider_id="openai", genai_request_timestamp=at, price_context=context)
    return found.total_price


USAGES = st.tuples(st.integers(0, 1_000_000), st.floats(0, 1), st.floats(0, 1), st.integers(0, 200_000)).map(
    lambda drawn: Usage(
        input_tokens=drawn[0],
        cached_tokens=(cached := int(drawn[0] * drawn[1])),
        cache_write_tokens=int((drawn[0] - cached) * drawn[2]),
        output_tokens=drawn[3],
    )
)


@settings(max_examples=300)
@given(st.sampled_from(MODELS), USAGES, st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
@example("gpt-6-luna", Usage(STEP, 0, 0, output_tokens=100), AT)
@example("gpt-6-luna", Usage(STEP + 1, 1000, 1000, output_tokens=100), AT)
@example("gpt-5.4", Usage(STEP, 0, 0, output_tokens=100), AT)
@example("gpt-5.4", Usage(STEP + 1, 0, 0, output_tokens=100), AT)
def test_a_cost_is_that_of_the_price_list_to_the_last_decimal(model: str, usage: Usage, at: datetime) -> None:
    """Any usage, any model, any day, both sides of a tier."""
    try:
        listed = _listed(model, usage, at)
    except LookupError:
        assert price_call(model, usage, at).cost_usd is None
        return
    assert price_call(model, usage, at).cost_usd == listed


def test_ten_thousand_calls_cost_in_the_ledger_what_the_price_list_says(tmp_path: Path, empty_database: Path) -> None:
    """Through the journal and the DECIMAL columns of a real database: every call, every model and tier, both sides of each price change."""
    rng = random.Random(11)
    shutil.copy(empty_database, store.database(tmp_path))
    edges = [datetime(2026, 7, 30, tzinfo=UTC), datetime(2026, 10, 12, tzinfo=UTC), datetime(2026, 10, 14, tzinfo=UTC), AT]
    listed: dict[str, Decimal] = {}
    priced_as_listed = 0
    with Journal(tmp_path) as journal:
        while len(listed) < 10_000:
            model, tier, at = rng.choice(MODELS), rng.choice(list(CONTEXTS)), rng.choice(edges) + timedelta(seconds=rng.uniform(-90_000, 90_000))
            whole = rng.choice([rng.randrange(3000), rng.randrange(STEP), STEP, STEP + 1, rng.randrange(1_000_000)])
            cached = rng.choice([0, rng.randint(0, whole)])
            written = rng.choice([0, rng.randint(0, whole - cached)])
            used = Usage(whole, cached, written, written, 0, rng.randrange(130_000))
            cost = price_call(model, used, at, tier)
            if cost.cost_usd is None:  # a tier that the model does not have on that day
                continue
            assert cost.rates is not None
            if "×" not in cost.rates.source:
                truth = _listed(model, used, at, tier)
                priced_as_listed += 1
            else:  # a day before the list has the tier: half of its standard price, of reads where the family has none by the file
                assert tier in ("flex", "batch")
                truth = _listed(model, used, at) / 2
                if cost.rates.cached == (usual := rates_for(model, at, whole)).cached != usual.cached / 2:
                    truth += cached * usual.cached / 2 / 1_000_000
            call_id = str(uuid.UUID(int=rng.getrandbits(128), version=4))
            listed[call_id] = truth
            journal.write("call_finished", call_id=call_id, model=model, status="answered", started_at=at, finished_at=at, **cost.columns())
    store.load(tmp_path)

    with store.reading(tmp_path) as con:
        stored = con.execute(
            "select call_id, cost_usd, uncached_usd + cached_usd + cache_write_usd + output_usd = cost_usd, "
            "price_tier = price_rates ->> '$.service_tier' "
            "from calls_finished"
        ).fetchall()
    assert len(stored) == 10_000
    assert [call_id for call_id, cost, *_ in stored if cost != listed[str(call_id)]] == []
    assert {row[2:] for row in stored} == {(True, True)}
    assert priced_as_listed > 5_000


@pytest.mark.parametrize("tier", ["flex", "batch", "priority", "fast"])
def test_a_tier_that_the_list_has_costs_what_the_list_says(tier: str) -> None:
    """Reads and writes too, on both sides of a step by length; the list's own silence about a tier never passes for the standard price."""
    known = [model for model in MODELS if rates_for(model, AT, service_tier=tier) is not None]
    assert "gpt-6-luna" in known
    for model in MODELS:
        used = Usage(300_000, 100_000, 50_000, output_tokens=1000)
        cost = price_call(model, used, AT, tier)
        if model in known:
            assert cost.cost_usd == _listed(model, used, tier=tier)
            assert cost.columns()["price_tier"] == tier
            assert cost.cost_usd != _listed(model, used)
        else:
            assert cost.cost_usd is None
            assert f"service tier {tier!r}" in (cost.warning or "")


def test_a_batch_bills_cached_tokens_in_full_where_its_table_has_no_rate_for_them() -> None:
    """Half the price is not half of everything: gpt-4.1 reads the cache at the standard rate in a batch."""
    batch, standard = rates_for("gpt-4.1", AT, service_tier="batch"), rates_for("gpt-4.1", AT)
    assert batch is not None
    assert standard is not None
    assert (batch.input, batch.cached, batch.output) == (standard.input / 2, standard.cached, standard.output / 2)


def test_the_bound_of_a_tier_is_the_dearest_that_the_answer_may_name() -> None:
    """`auto` leaves the tier to the project, flex and priority can fall back to the standard one; a batch and the default are what they are."""
    bound = {tier: upper_bound("gpt-6-luna", AT, 1000, 1000, service_tier=tier) for tier in (None, "default", "auto", "flex", "batch", "priority")}
    assert bound["batch"] is not None
    assert bound["batch"] * 2 == bound["default"] == bound[None] == bound["flex"]
    assert bound["batch"] * 4 == bound["auto"] == bound["priority"]
    assert upper_bound("gpt-4.1", AT, 1000, 1000, service_tier="flex") is None
    assert upper_bound("gpt-5-nano", AT, 1000, 1000, service_tier="auto") == upper_bound("gpt-5-nano", AT, 1000, 1000)


def test_an_expectation_is_that_of_the_tier() -> None:
    """An estimate of a batch is half of one of the standard tier; what is read from the cache is cheaper, what is written for 12 hours dearer."""
    standard, batch = (prices.expected_cost("gpt-6-luna", AT, 2400, service_tier=tier) for tier in (None, "batch"))
    read, written, longer = (
        prices.expected_cost("gpt-6-luna", AT, 2400, **tokens)
        for tokens in ({"cached_tokens": 1600}, {"written_tokens": 1600}, {"written_tokens": 1600, "cache_lifetime": "12h"})
    )
    assert standard == Decimal("0.00054")
    assert batch == standard / 2
    assert (read, written, longer) == (Decimal("0.000396"), Decimal("0.00058"), Decimal("0.00078"))


def test_a_call_that_the_clock_dates_before_there_were_prices_costs_none() -> None:
    """A machine that woke up in 1970 gets a warning, not the oldest price."""
    cost = price_call("gpt-6-luna", Usage(10, 0, 0, output_tokens=1), datetime(1970, 1, 1, tzinfo=UTC))
    assert cost.cost_usd is None
    assert "clock says 1970-01-01" in (cost.warning or "")
    assert upper_bound("gpt-6-luna", datetime(1970, 1, 1, tzinfo=UTC), 10, 10) is None


def test_only_a_usage_that_cannot_be_true_is_kept_out_of_the_sums() -> None:
    """What an answer leaves open is kept as it is; what it makes up counts for nothing."""
    partial = Usage(input_tokens=100, cached_tokens=50)
    assert prices.believable(partial) == partial
    assert prices.believable(Usage(10, 11, 0, output_tokens=1)) == Usage()
    assert prices.believable(Usage(10**15, output_tokens=1)) == Usage()
    assert prices.believable(Usage(cached_tokens=-1)) == Usage()


def test_the_tiers_are_really_tried() -> None:
    """At 272,000 tokens the first rate holds, one token more and all of them cost the second: else the test above shows less than it says."""
    tiered = [model for model in MODELS if rates_for(model, AT, STEP) != rates_for(model, AT, STEP + 1)]
    assert "gpt-6-luna" in tiered
    for model in tiered:
        below, above = rates_for(model, AT, STEP), rates_for(model, AT, STEP + 1)
        assert below is not None
        assert above is not None
        assert above.input > below.input
        assert below == rates_for(model, AT, 1)
        assert above == rates_for(model, AT, 900_000)


def test_the_price_is_that_of_the_day_of_sending() -> None:
    """gpt-5.6-luna fell on 2026-07-30; a call of the day before keeps its price, by the UTC day."""
    used = Usage(input_tokens=1_000_000, cached_tokens=0, output_tokens=0)
    before, after = datetime(2026, 7, 29, 23, 59, tzinfo=UTC), datetime(2026, 7, 30, tzinfo=UTC)
    dear, cheap = price_call("gpt-5.6-luna", used, before), price_call("gpt-5.6-luna", used, after)
    assert dear.cost_usd is not None
    assert cheap.cost_usd is not None
    assert dear.cost_usd > cheap.cost_usd
    assert dear.rates is not None
    assert dear.rates.day == "2026-07-29"
    in_tokyo = after.astimezone(timezone(timedelta(hours=9)))
    assert price_call("gpt-5.6-luna", used, in_tokyo) == cheap


def test_every_part_of_an_input_token_is_billed_once() -> None:
    """Uncached, read and written are parts of the input, not added to it."""
    rates = rates_for("gpt-6-luna", AT)
    assert rates is not None
    cost = price_call("gpt-6-luna", Usage(input_tokens=1_000_000, cached_tokens=400_000, cache_write_tokens=100_000, output_tokens=0), AT)
    high = cost.rates
    assert high is not None
    assert cost.cost_usd == Decimal("0.5") * high.input + Decimal("0.4") * high.cached + Decimal("0.1") * high.written
    assert sum(cost.parts.values()) == cost.cost_usd
    assert cost.columns().keys() >= {"cost_usd", "uncached_usd", "cached_usd", "cache_write_usd", "output_usd", "price_source", "price_date"}
    assert rates.columns().keys() == {"input", "cached", "written", "written_12h", "output", "service_tier"}
    assert rates.source.startswith("genai-prices ")


def test_a_write_for_twelve_hours_costs_twice_one_for_thirty_minutes() -> None:
    """2.5 times the input rate, where the price list holds the 1.25 times of the shorter one."""
    rates = rates_for("gpt-6-luna", AT)
    assert rates is not None
    assert rates.written == Decimal("1.25") * rates.input
    half = Usage(
        input_tokens=2000, cached_tokens=0, cache_write_tokens=2000, cache_write_30m_tokens=1000, cache_write_12h_tokens=1000, output_tokens=0
    )
    assert price_call("gpt-6-luna", half, AT).cost_usd == (1000 * Decimal("1.25") + 1000 * Decimal("2.5")) * rates.input / 1_000_000
    short, long = upper_bound("gpt-6-luna", AT, 1000, 0), upper_bound("gpt-6-luna", AT, 1000, 0, "12h")
    assert short is not None
    assert long == 2 * short


UNPRICED: dict[str, tuple[str, Usage, str | None, str]] = {
    "unknown model": ("gpt-99", Usage(10, 0, 0, output_tokens=10), None, "no price list knows the model 'gpt-99'"),
    "no usage": ("gpt-6-luna", Usage(), None, "has no usage"),
    "no input": ("gpt-6-luna", Usage(output_tokens=1), None, "has no usage"),
    "no output": ("gpt-6-luna", Usage(input_tokens=1), None, "has no usage"),
    "negative input": ("gpt-6-luna", Usage(-5, output_tokens=1), None, "negative"),
    "negative output": ("gpt-6-luna", Usage(5, output_tokens=-1), None, "negative"),
    "negative cached": ("gpt-6-luna", Usage(5, -1, output_tokens=1), None, "negative"),
    "negative written": ("gpt-6-luna", Usage(5, 0, -1, output_tokens=1), None, "negative"),
    "negative for 12 hours": ("gpt-6-luna", Usage(5, 0, 1, None, -1, 1), None, "negative"),
    "absurd": ("gpt-6-luna", Usage(10**9, output_tokens=1), None, "absurdly large"),
    "more cached than sent": ("gpt-6-luna", Usage(10, 11, output_tokens=1), None, "more tokens were cached than were sent"),
    "more cached and written than sent": ("gpt-6-luna", Usage(10, 6, 5, output_tokens=1), None, "more tokens were cached than were sent"),
    "more for a lifetime than written": ("gpt-6-luna", Usage(10, 0, 5, 3, 3, 1), None, "for a lifetime"),
    "more reasoning than output": ("gpt-6-luna", Usage(10, 0, 0, output_tokens=1, reasoning_tokens=2), None, "more tokens of reasoning"),
    "flex where it is not offered": ("gpt-4.1", Usage(10, 0, 0, output_tokens=1), "flex", "service tier 'flex'"),
    "priority where it is not offered": ("gpt-5-nano", Usage(10, 0, 0, output_tokens=1), "priority", "service tier 'priority'"),
    "scale": ("gpt-6-luna", Usage(10, 0, 0, output_tokens=1), "scale", "service tier 'scale'"),
    "12 hours where nobody prices them": ("gpt-4.1", Usage(10, 0, 5, 0, 5, 1), None, "cache writes of 12 hours"),
    "a tier of tomorrow": ("gpt-6-luna", Usage(10, 0, 0, output_tokens=1), "turbo", "service tier 'turbo'"),
}


@pytest.mark.parametrize("case", UNPRICED)
def test_what_nobody_can_price_costs_none_and_says_why(case: str) -> None:
    """Never 0: the views count such calls apart."""
    model, usage, tier, reason = UNPRICED[case]
    cost = price_call(model, usage, AT, tier)
    assert cost.cost_usd is None
    assert cost.warning is not None
    assert reason in cost.warning


NUMBERS = st.none() | st.integers(-10, 10**12)


@given(st.builds(Usage, *[NUMBERS] * 7), st.sampled_from([*MODELS, "gpt-99"]), st.sampled_from([None, "default", "flex", "batch", "priority"]))
def test_no_usage_makes_a_negative_cost_or_an_error(usage: Usage, model: str, tier: str | None) -> None:
    """Whatever an answer claims: a cost that is at most the whole at the dearest rate, or None with a reason."""
    cost = price_call(model, usage, AT, tier)
    if cost.cost_usd is None:
        assert cost.warning
    else:
        bound = upper_bound(model, AT, usage.input_tokens or 0, usage.output_tokens or 0, "12h", tier)
        assert bound is not None
        assert 0 <= cost.cost_usd <= bound


@pytest.mark.parametrize("tier", [None, "", "auto", "default"])
def test_the_usual_tiers_cost_the_same(tier: str | None) -> None:
    """An answer that names no tier, or the usual one, is priced by the list."""
    used = Usage(100, 0, 0, output_tokens=10)
    assert price_call("gpt-6-luna", used, AT, tier) == price_call("gpt-6-luna", used, AT)


def test_an_answer_that_is_silent_about_the_cache_is_priced_in_full_and_says_so() -> None:
    """The cost is then an upper one, and nobody takes it for a cache that failed."""
    silent, told = price_call("gpt-6-luna", Usage(100, output_tokens=10), AT), price_call("gpt-6-luna", Usage(100, 0, output_tokens=10), AT)
    assert silent.cost_usd == told.cost_usd
    assert silent.warning is not None
    assert "cached tokens" in silent.warning
    assert told.warning is None


@given(st.sampled_from(MODELS), USAGES, st.integers(0, 10_000))
def test_no_call_costs_more_than_its_upper_bound(model: str, usage: Usage, spare: int) -> None:
    """The budget's promise: input up to what was counted, output up to the cap, at whatever rates."""
    assert usage.input_tokens is not None
    assert usage.output_tokens is not None
    cost, bound = price_call(model, usage, AT).cost_usd, upper_bound(model, AT, usage.input_tokens + spare, usage.output_tokens + spare)
    assert cost is not None
    assert bound is not None
    assert cost <= bound


def test_an_unknown_model_has_no_rates_and_no_bound() -> None:
    """A request that nobody can price is refused by whoever asks."""
    assert rates_for("gpt-99", AT) is None
    assert upper_bound("gpt-99", AT, 10, 10) is None
    assert not is_priced("gpt-99", AT)
    assert is_priced("gpt-6-luna", AT)


def test_a_dated_name_costs_what_its_model_costs() -> None:
    """An answer names the snapshot that was used."""
    used: dict[str, Any] = {"usage": Usage(1000, 0, 0, output_tokens=10), "at": AT}
    assert price_call("gpt-5-mini-2025-08-07", **used).cost_usd == price_call("gpt-5-mini", **used).cost_usd


def test_the_examples_in_the_module_hold() -> None:
    """Documentation that is run."""
    assert doctest.testmod(prices) == doctest.TestResults(failed=0, attempted=5)
