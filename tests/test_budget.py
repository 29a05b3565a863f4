"""Budgets: what is let through, what is kept apart, and that nothing leaks, whatever becomes of the calls."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autod_lib.budget import Budget, budget_for
from autod_lib.errors import BudgetExhausted
from autod_lib.journal import Journal, now
from autod_lib.local_api import running

from .pipeline import make_inbox, one, rows, run, settings_for, state_columns

CENTS = st.integers(0, 400).map(lambda cents: Decimal(cents) / 100)
CALLS = st.lists(st.tuples(CENTS, CENTS, st.sampled_from(["answered", "failed", "unsettled", "cancelled", "cancelled while waiting"])), max_size=25)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server that always gives the same record, after a moment, so that calls overlap."""
    with running(answers="canned", latency=0.02) as base:
        yield base


@settings(max_examples=150, deadline=None)
@given(limit=CENTS, calls=CALLS)
def test_what_is_spent_and_open_never_passes_the_limit(limit: Decimal, calls: list[tuple[Decimal, Decimal, str]]) -> None:
    """Under any interleaving of costs, failures and cancellations: taken ≤ limit + what calls cost beyond their bound, and no reservation stays."""
    budget = Budget({"run": limit}, {})
    excess = Decimal(0)

    def taken() -> Decimal:
        return budget.settled + budget.unsettled + sum(budget.open.values(), Decimal(0))

    async def call(bound: Decimal, cost: Decimal, end: str) -> None:
        nonlocal excess
        call_id = uuid.uuid4()
        try:
            await budget.reserve(call_id, bound)
        except BudgetExhausted:
            return
        assert taken() <= limit + excess
        try:
            for _ in range(int(cost * 100) % 4):
                await asyncio.sleep(0)
            if end == "cancelled":
                raise asyncio.CancelledError
        finally:
            if end == "answered":
                excess += max(Decimal(0), cost - bound)
                await budget.settle(call_id, cost, is_unsettled=False)
            else:
                await budget.settle(call_id, None, is_unsettled=end != "failed")
        assert taken() <= limit + excess

    async def all_of_them() -> None:
        tasks = [asyncio.create_task(call(*each)) for each in calls]
        for _ in range(3):
            await asyncio.sleep(0)
        for task, each in zip(tasks, calls, strict=True):
            if each[2] == "cancelled while waiting":
                task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if ended is not None and not isinstance(ended, asyncio.CancelledError):
                raise ended

    asyncio.run(asyncio.wait_for(all_of_them(), 20))

    assert budget.open == {}
    assert taken() <= limit + excess


def test_a_call_waits_for_room_instead_of_being_refused() -> None:
    """While a call in flight may settle for less than its bound, the next one waits; it is let through when there is room."""
    budget = Budget({"run": Decimal(3)}, {})
    first, second = uuid.uuid4(), uuid.uuid4()

    async def two() -> list[bool]:
        await budget.reserve(first, Decimal(2))
        waiting = asyncio.create_task(budget.reserve(second, Decimal(2)))
        await asyncio.sleep(0.01)
        seen = [waiting.done()]
        await budget.settle(first, Decimal("0.5"), is_unsettled=False)
        await asyncio.wait_for(waiting, 5)
        return [*seen, second in budget.open]

    assert asyncio.run(two()) == [False, True]


def test_a_refusal_names_the_limit_and_the_way_on() -> None:
    """The message says which budget, what is left of it, what the next call can cost, and how it is raised."""
    budget = Budget({"run": Decimal(5), "day": Decimal(2)}, {"day": Decimal("1.5")})

    with pytest.raises(BudgetExhausted, match=r"budget of the day \(2 USD\) has 0\.500000 USD left.*1\.000000 USD.*AUTOD_BUDGET_DAY_USD"):
        asyncio.run(budget.reserve(uuid.uuid4(), Decimal(1)))


def test_the_option_of_the_command_beats_the_setting(tmp_path: Path) -> None:
    """--max-usd replaces the run's limit, zero included, and leaves those of day and month."""
    under = settings_for(tmp_path, "http://127.0.0.1:9/v1", budget_run_usd="7", budget_month_usd="9")

    assert budget_for(under, {}).limits == {"run": Decimal(7), "month": Decimal(9)}
    assert budget_for(under, {}, Decimal(0)).limits == {"run": Decimal(0), "month": Decimal(9)}


def test_a_run_stops_at_its_budget_and_the_next_one_goes_on(address: str, tmp_path: Path) -> None:
    """With one cent, 60 documents and 64 in flight: exit 3, at most a cent spent, the rest named as pending; more money reads the rest, once."""
    inbox, home = make_inbox(tmp_path / "in", 60, lines=5), tmp_path / "home"
    under = settings_for(home, address, in_flight=64)
    first = run(inbox, under, max_usd=Decimal("0.01"))

    assert first.exit_status == 3
    assert 0 < first.cost_usd <= Decimal("0.01")
    assert first.processed + first.pending == first.documents == 60
    assert 0 < first.processed < 60
    assert first.stopped_by is not None
    assert "stays pending" in first.stopped_by
    assert one(home, "select sum(cost_usd) from api_calls") == first.cost_usd
    assert rows(home, "select state, exit_status from runs_overview") == [("stopped", 3)]

    second = run(inbox, under, max_usd=Decimal(1))

    assert second.exit_status == 0
    assert state_columns(second) == (first.pending, first.processed, 0, 0)
    assert second.calls == first.pending
    assert one(home, "select count(*) from api_calls") == 60


def test_no_money_sends_nothing(address: str, tmp_path: Path) -> None:
    """A budget of zero is a budget: exit 3 and no call."""
    report = run(make_inbox(tmp_path / "in", 2), settings_for(tmp_path / "home", address), max_usd=Decimal(0))

    assert (report.exit_status, report.calls, report.pending) == (3, 0, 2)


def _call(segment: Journal, **given: Any) -> None:
    """A call of this day that ended somehow, written as a run would write it."""
    at = now()
    columns = {"call_id": uuid.uuid4(), "request_key": uuid.uuid4().hex, "arm": "arm", "purpose": "extract", "model": "gpt-6-luna", "attempt": 1}
    columns |= {"input_mode": "text", "schema_version": "1", "repeat": 0, "is_simulated": True, "prompt_hash": "p", "cost_upper_usd": Decimal(1)}
    segment.write("call_started", **columns)
    if given:
        segment.write("call_finished", **columns | {"started_at": at, "finished_at": at + timedelta(seconds=1), "outcome": "completed", **given})


@pytest.mark.parametrize(
    ("earlier", "counts"),
    [
        ({"status": "answered", "cost_usd": Decimal("0.999")}, True),
        ({"status": "unsettled", "outcome": "error"}, True),
        ({"status": "answered", "cost_usd": None}, True),
        ({}, True),
        ({"status": "failed", "outcome": "error"}, False),
        ({"status": "answered", "cost_usd": Decimal("0.999"), "is_simulated": False}, False),
    ],
    ids=["settled", "unsettled", "no known cost", "no end", "failed costs nothing", "real money is another purse"],
)
def test_the_days_budget_counts_what_earlier_runs_took(address: str, tmp_path: Path, earlier: dict[str, Any], counts: bool) -> None:
    """Settled costs and the upper bounds of calls whose cost nobody knows are gone from the day; failed calls and the other kind of money are not."""
    home = tmp_path / "home"
    with Journal(home) as segment:
        segment.write("run_started", command="ingest", is_simulated=True)
        _call(segment, **earlier)
    report = run(make_inbox(tmp_path / "in", 1), settings_for(home, address, budget_day_usd="1"))

    assert (report.exit_status, report.calls) == ((3, 0) if counts else (0, 1))
    if counts:
        assert "budget of the day" in (report.stopped_by or "")


def test_an_unpriced_model_is_refused_and_can_be_allowed(address: str, tmp_path: Path) -> None:
    """No budget can hold for a model without a price: exit 2 and no call; allowed on purpose, its calls have no cost and are counted apart."""
    inbox = make_inbox(tmp_path / "in", 2)
    refused = run(inbox, settings_for(tmp_path / "home", address, model="gpt-5-of-nobody"))

    assert (refused.exit_status, refused.calls, refused.pending) == (2, 0, 2)
    assert "--allow-unpriced" in (refused.stopped_by or "")


def test_a_waiter_that_is_cancelled_leaves_nothing_behind() -> None:
    """A call that gives up while it waits for room has reserved nothing."""
    budget = Budget({"run": Decimal(1)}, {})

    async def give_up() -> None:
        await budget.reserve(uuid.uuid4(), Decimal(1))
        waiting = asyncio.create_task(budget.reserve(uuid.uuid4(), Decimal(1)))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting

    asyncio.run(give_up())

    assert list(budget.open.values()) == [Decimal(1)]
