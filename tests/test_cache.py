"""How the prompt cache is asked for: what a model's name tells, what pays from when, and which key each call goes under."""

import doctest
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autod_lib import cache
from autod_lib.cache import (
    Decision,
    Load,
    Observed,
    Policy,
    Shards,
    Tier,
    Wish,
    break_even,
    cache_key,
    decide,
    family,
    policy_for,
    takes_reasoning,
)
from autod_lib.local_api.models import LISTED, model_named
from autod_lib.local_api.prompt_cache import Asked, PromptCache, Segment
from autod_lib.prices import Rates


@pytest.mark.parametrize(
    ("model", "version", "policy", "reasons"),
    [
        ("gpt-4o", (4, 0), "automatic", False),
        ("gpt-4.1-mini", (4, 1), "automatic", False),
        ("gpt-5", (5, 0), "automatic", True),
        ("gpt-5-mini-2025-08-07", (5, 0), "automatic", True),
        ("gpt-5.5", (5, 5), "automatic", True),
        ("gpt-5.6-luna", (5, 6), "explicit", True),
        ("gpt-5.10", (5, 10), "explicit", True),
        ("gpt-6-luna", (6, 0), "explicit", True),
        ("gpt-6.1-terra", (6, 1), "explicit", True),
        ("o3", (5, 0), "automatic", True),
        ("o4-mini", (5, 0), "automatic", True),
        ("ft:gpt-4.1-mini:acme::abc", (4, 1), "automatic", False),
        ("gpt-5-chat-latest", (5, 0), "automatic", False),
        ("llama-3", None, "automatic", False),
        ("", None, "automatic", False),
    ],
)
def test_a_model_is_asked_as_its_family_wants(model: str, version: tuple[int, int] | None, policy: str, reasons: bool) -> None:
    """Breakpoints are refused before gpt-5.6, and cost money to leave out from then on."""
    assert (family(model), policy_for(model), takes_reasoning(model)) == (version, policy, reasons)


@pytest.mark.parametrize("name", LISTED)
def test_the_loopback_api_reads_the_names_in_the_same_way(name: str) -> None:
    """Two independent readings of the same documents agree for every model it lists."""
    model = model_named(name)
    assert model is not None
    assert (policy_for(name) == "explicit") is model.has_breakpoints
    assert takes_reasoning(name) is model.reasons


def test_documents_of_one_prompt_and_model_meet_under_one_key() -> None:
    """Another prompt or model has another key, and no key is longer than the API takes."""
    assert cache_key("a1", "gpt-6-luna") == cache_key("a1", "gpt-6-luna")
    assert len({cache_key("a1", "gpt-6-luna"), cache_key("b2", "gpt-6-luna"), cache_key("a1", "gpt-6-sol")}) == 3
    long = "ft:gpt-4.1-mini:" + "organisation" * 8
    assert len(cache_key("a1b2c3d4e5f6", long)) <= 64
    assert len(cache_key("a1b2c3d4e5f6", long, 4711)) <= 64
    assert len({cache_key("a1", "gpt-6-luna", shard) for shard in range(100)}) == 100
    assert cache_key("a1b2c3d4e5f6", long) != cache_key("000000000000", long)


def test_the_examples_in_the_module_hold() -> None:
    """Documentation that is run."""
    assert doctest.testmod(cache) == doctest.TestResults(failed=0, attempted=3)


RATES = Rates("any", "2026-11-24", Decimal("0.1"), Decimal("0.01"), Decimal("0.125"), Decimal("0.5"), "test")
loads = st.builds(
    Load,
    calls=st.integers(1, 5000),
    calls_a_minute=st.floats(0.001, 20_000),
    in_flight=st.integers(1, 256),
    rounds=st.integers(1, 30),
    between_s=st.floats(0, 200_000),
    document_tokens=st.integers(0, 20_000),
)
rates = st.builds(
    lambda full, cached, written: replace(RATES, input=full, cached=full * cached, written=full * written),
    st.decimals("0.01", "10", places=2),
    st.sampled_from([Decimal("0.05"), Decimal("0.1"), Decimal("0.5"), Decimal(1)]),
    st.sampled_from([Decimal(1), Decimal("1.25")]),
)
observations = st.builds(lambda expected, read, written: Observed(expected, min(read, expected), min(written, expected)), *[st.integers(0, 400)] * 3)
tiers = st.sampled_from(["sync", "flex", "batch"])


@given(load=loads, rates=rates, seen=observations, tier=tiers, prefix=st.integers(0, 9000))
def test_what_is_chosen_is_never_dearer_than_no_cache(load: Load, rates: Rates, seen: Observed, tier: Tier, prefix: int) -> None:
    """Whatever the load, the prices, the tier and what was seen: under the model, the policy costs at most what plain calls cost."""
    decision = decide("gpt-6-luna", prefix, load, rates, tier=tier, seen=seen)
    assert decision.choice.expected_usd is not None
    assert decision.no_cache_usd is not None
    assert decision.choice.expected_usd <= decision.no_cache_usd
    assert all(
        decision.choice.expected_usd <= each.expected_usd for each in decision.choices if each.policy == "none" and each.expected_usd is not None
    )


@given(load=loads, rates=rates, seen=observations, tier=tiers, more=st.integers(1, 100))
def test_what_pays_for_some_calls_pays_for_more(load: Load, rates: Rates, seen: Observed, tier: Tier, more: int) -> None:
    """With more calls at the same rate the bill does not fall, what the cache saves does not either, and a mark stays."""
    few = decide("gpt-6-luna", 2500, load, rates, tier=tier, seen=seen)
    many = decide("gpt-6-luna", 2500, replace(load, calls=load.calls + more), rates, tier=tier, seen=seen)
    token = rates.input * 5000 / 1_000_000 * load.rounds  # shares of calls are rounded to whole ones
    assert saved(many) >= saved(few) - token
    assert usd(many) >= usd(few) - token
    assert many.choice.policy == "explicit" or few.choice.policy == "none"


def usd(decision: Decision) -> Decimal:
    """What the chosen policy is expected to cost."""
    assert decision.choice.expected_usd is not None
    return decision.choice.expected_usd


def saved(decision: Decision) -> Decimal:
    """What it saves against no cache."""
    assert decision.no_cache_usd is not None
    return decision.no_cache_usd - usd(decision)


@given(load=loads, rates=rates, tier=tiers, prefix=st.integers(0, 1023), policy=st.sampled_from([None, "explicit"]))
def test_a_prefix_that_cannot_be_cached_is_never_marked(load: Load, rates: Rates, tier: Tier, prefix: int, policy: Policy | None) -> None:
    """Below 1,024 tokens nothing is marked, wished for or not; the call that would lead expects to write nothing."""
    decision = decide("gpt-6-luna", prefix, load, rates, tier=tier, wish=Wish(policy=policy))
    assert decision.choice.policy == "none"
    assert decision.expected_use(leads=True, input_tokens=5000) == (0, 0)


def test_the_break_even_is_two_calls_for_half_an_hour_and_three_for_twelve() -> None:
    """1.25 + 0.1 is less than 2, and 2.5 + 2 × 0.1 less than 3; with one call fewer the mark costs more than it saves."""
    assert (break_even(RATES), break_even(RATES, "12h")) == (2, 3)
    for calls, policy in ((1, "none"), (2, "explicit")):
        assert decide("gpt-6-luna", 2500, Load(calls), RATES).choice.policy == policy


def test_twelve_hours_are_chosen_when_runs_come_back_after_half_an_hour() -> None:
    """Twenty runs, an hour apart: 2.5 once is less than 1.25 each time. Twenty minutes apart, half an hour is enough."""
    hourly = Load(10, rounds=20, between_s=3600)
    assert decide("gpt-6-luna", 2500, hourly, RATES).choice.lifetime == "12h"
    assert decide("gpt-6-luna", 2500, replace(hourly, between_s=1200), RATES).choice.lifetime == "30m"
    assert decide("gpt-6-luna", 2500, replace(hourly, between_s=86_400), RATES).choice.lifetime == "30m"


def test_a_key_is_opened_for_every_fifteen_calls_of_the_busiest_minute() -> None:
    """240 a minute need 16 keys; 30 calls in all need two; a sixteenth call alone pays for none and goes without a mark."""
    shards = {calls: decide("gpt-6-luna", 2500, Load(calls, 240, 16), RATES).choice.shards for calls in (15, 16, 17, 30, 240, 5000)}
    assert shards == {15: 1, 16: 1, 17: 2, 30: 2, 240: 16, 5000: 16}


def test_a_batch_is_marked_only_once_batches_were_seen_to_read() -> None:
    """Without rows of its own nothing is marked; with reads it is, with writes that nobody reads it is not."""
    load = Load(1000)
    policies = [
        decide("gpt-6-luna", 2500, load, RATES, tier="batch", seen=seen).choice.policy
        for seen in (None, Observed(19, 19), Observed(200, 150, 50), Observed(200, 10, 190))
    ]
    assert policies == ["none", "none", "explicit", "none"]


def test_bad_reading_seen_in_the_ledger_ends_the_marking() -> None:
    """A day on which followers wrote instead of reading outweighs the guide."""
    decision = decide("gpt-6-luna", 2500, Load(1000, 240, 16), RATES, seen=Observed(500, 20, 480))
    assert decision.choice.policy == "none"
    assert "not read often enough" in decision.reason


def test_what_is_wished_for_is_done_and_said() -> None:
    """Somebody who sets a policy gets it, priced, whether it pays or not."""
    load = Load(100, 240, 16, document_tokens=500)
    implicit = decide("gpt-6-luna", 2500, load, RATES, wish=Wish(policy="implicit"))
    assert (implicit.choice.policy, implicit.reason) == ("implicit", "Set on purpose.")
    assert usd(implicit) == Decimal(100 * 3000) * Decimal("0.125") / 1_000_000
    prewarmed = decide("gpt-6-luna", 2500, load, RATES, wish=Wish(policy="explicit", warming="prewarm", shards=3))
    assert (prewarmed.choice.shards, prewarmed.choice.warming, prewarmed.choice.reads) == (3, "prewarm", 100)
    assert decide("gpt-6-luna", 2500, Load(1), RATES, wish=Wish(policy="explicit")).choice.policy == "explicit"


def test_a_prewarm_is_never_cheaper_than_a_first_call() -> None:
    """It adds a read of the prefix for every key, so that it is chosen only on purpose."""
    for calls in (2, 10, 14):
        decision = decide("gpt-6-luna", 2500, Load(calls, 240, 16), RATES)
        by_warming = {each.warming: each.expected_usd for each in decision.choices if each.policy == "explicit" and each.lifetime == "30m"}
        assert decision.choice.warming == "first-call"
        assert by_warming["prewarm"] - usd(decision) == decision.choice.shards * 2500 * RATES.cached / 1_000_000  # type: ignore[operator]


def test_without_a_price_it_decides_by_the_guide_and_names_no_money() -> None:
    """A model that nobody prices is cached all the same."""
    decision = decide("gpt-6-luna", 2500, Load(100), None)
    assert decision.choice.policy == "explicit"
    assert decision.choice.expected_usd is None
    assert decision.no_cache_usd is None


@given(
    load=st.builds(Load, calls=st.integers(1, 400), calls_a_minute=st.floats(1, 3000), in_flight=st.integers(1, 64)),
    old=st.booleans(),
)
def test_the_keys_of_a_run_read_what_the_decision_expects(load: Load, old: bool) -> None:
    """Against the loopback API's cache, whatever the rate: no call but those that lead writes the prefix, and all others that are marked read it."""
    model = "gpt-5-mini" if old else "gpt-6-luna"
    decision = decide(model, 2048, load, RATES)
    shards, machines = Shards(decision, load.calls), PromptCache()
    now, expected, used = 0.0, [0, 0], [0, 0]
    ready: dict[int, float] = {}
    for number in range(load.calls):
        now += 60 / load.calls_a_minute
        for shard in [shard for shard, at in ready.items() if at <= now]:
            shards.warmed(shard)
            del ready[shard]
        place = shards.take(now)
        if place.waits:
            assert place.shard is not None
            now = ready.pop(place.shard)
            shards.warmed(place.shard)
        if place.leads and place.shard is not None:
            ready[place.shard] = now + 0.5
        mark = "30m" if place.shard is not None and not old else ""
        asked = Asked(not old, 1, f"key{place.shard}", "automatic" if old else "explicit", "in_memory" if old else "30m")
        text = Segment(2048, 1, tuple(range(2048)), mark, True)
        use = machines.use([text, Segment(300, number + 2, tuple(range(10_000 * number, 10_000 * number + 300)))], asked, now, takes_s=0.5)
        wanted = decision.expected_use(leads=place.leads, input_tokens=2348) if place.shard is not None else (0, 0)
        expected = [expected[0] + wanted[0], expected[1] + wanted[1]]
        used = [used[0] + use.cached, used[1] + use.written_30m]
    assert used == expected
