"""Budgets: what is let through, what is kept apart, and that nothing leaks, whatever becomes of the calls."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autod_lib import journal, store
from autod_lib.api import Api
from autod_lib.budget import Budget, Taken, budget_for, taken_before
from autod_lib.errors import AutodError, BudgetExhausted, SettingsError
from autod_lib.journal import Journal, now
from autod_lib.local_api import running

from .pipeline import answered, autod, begin, make_inbox, one, rows, run, settings_for, state_columns
from .test_api import request_under

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
    excess = unsettled = Decimal(0)

    def taken() -> Decimal:
        return budget.run.settled + budget.run.open

    async def call(bound: Decimal, cost: Decimal, end: str) -> None:
        nonlocal excess, unsettled
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
                unsettled += bound if end != "failed" else 0
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
    assert budget.run.open == unsettled
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
    budget = Budget({"run": Decimal(5), "day": Decimal(2)}, {now().date(): Taken(Decimal(1), Decimal("0.5"))})

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
    assert len(first.undone) == min(first.pending, 20)
    assert all(Path(path).parent == inbox for path in first.undone)
    assert f"Left undone: {first.undone[0]!r}" in first.sentences()[-1]
    assert first.sentences()[-1].endswith(f" and {first.pending - 3} more.")
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

    assert (len(budget.open), budget.run) == (1, Taken(open=Decimal(1)))


def _at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(journal, "now", lambda: moment)


LAST = datetime(2026, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC)
NEXT = LAST + timedelta(microseconds=1)


@pytest.mark.parametrize("period", ["day", "month"])
def test_a_period_ends_at_midnight_utc(period: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last microsecond belongs to the old day and month; with the next one the whole budget is there, and a call counts where it was sent."""
    budget = Budget({period: Decimal(1)}, {LAST.date(): Taken(Decimal("0.7"))})
    across = uuid.uuid4()

    async def around_midnight() -> None:
        _at(monkeypatch, LAST)
        assert await budget.reserve(across, Decimal("0.3")) == LAST
        _at(monkeypatch, NEXT)
        assert budget.left() == (period, Decimal(1))
        assert await budget.reserve(uuid.uuid4(), Decimal(1)) == NEXT
        await budget.settle(across, Decimal("0.2"), is_unsettled=False)

    asyncio.run(around_midnight())

    assert budget.days == {LAST.date(): Taken(Decimal("0.9")), NEXT.date(): Taken(open=Decimal(1))}


def test_a_clock_that_goes_back_widens_no_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a jump back over a day or a month, what was sent before the jump still counts."""
    budget = Budget({"day": Decimal(1), "month": Decimal(3)}, {})

    async def jumping() -> list[tuple[str, Decimal] | None]:
        seen = []
        for moment in (NEXT, LAST, NEXT - timedelta(days=60)):
            _at(monkeypatch, moment)
            await budget.reserve(uuid.uuid4(), Decimal("0.25"))
            seen.append(budget.left())
        return seen

    assert asyncio.run(jumping()) == [("day", Decimal("0.75")), ("day", Decimal("0.5")), ("day", Decimal("0.25"))]
    assert budget.settled_this_month() == 0


def test_a_request_that_nobody_can_price_is_refused_unless_allowed() -> None:
    """Without a bound no budget can hold, with or without a limit; allowed on purpose it takes nothing."""
    for limits in ({}, {"run": Decimal(1)}):
        with pytest.raises(SettingsError, match=r"cannot be priced.*--allow-unpriced"):
            asyncio.run(Budget(limits, {}).reserve(uuid.uuid4(), None))
        allowed = Budget(limits, {}, allow_unpriced=True)
        asyncio.run(allowed.reserve(uuid.uuid4(), None))
        assert allowed.run == Taken()


FATES = ["", "", "drop-after", "500", "no-usage", "negative-usage", "other-model", "refusal", "incomplete", "empty", "429", "html"]


def test_what_a_run_takes_is_what_the_view_says_afterwards(address: str, tmp_path: Path) -> None:
    """Calls of every fate, 64 at once: the sums that the run decided by are those of `budget_taken`, to the last decimal, and nothing is reserved."""
    under = settings_for(tmp_path, address, in_flight=64, attempts=2, longest_wait_s=0.01, budget_month_usd="100")
    budget = budget_for(under, {})

    async def all_at_once() -> None:
        with journal.Journal(tmp_path) as segment:
            segment.write("run_started", command="ingest", is_simulated=True, budget_month_usd="100")
            async with Api(under, segment, budget) as calls:
                plain, send = calls._client, calls._client.answer
                assert send is not None
                turn = iter(FATES * 20)

                async def faulty(body: bytes) -> Any:
                    fault = next(turn)
                    return await (plain.with_options(default_headers={"x-autod-fault": fault}) if fault else plain).answer(body)

                class Client:
                    answer = staticmethod(faulty)
                    close = plain.close

                calls._client = Client()
                asked = [calls.ask(request_under(under, f"Document {number}.")) for number in range(96)]
                for ended in await asyncio.gather(*asked, return_exceptions=True):
                    assert not isinstance(ended, BaseException) or isinstance(ended, AutodError), ended

    asyncio.run(all_at_once())

    assert budget.open == {}
    assert min(budget.run.settled, budget.run.open) > 0
    with store.reading(tmp_path) as con:
        assert taken_before(con, is_simulated=True) == budget.days
        assert con.execute("select settled_usd, open_usd from budget_status where period = 'month'").fetchall() == [
            (budget.run.settled, budget.run.open)
        ]


@pytest.fixture(scope="module")
def dear(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server whose pages have far more tokens than anyone estimates, and whose answers are long; and its log."""
    folder = tmp_path_factory.mktemp("dear")
    truth, log = folder / "truth.csv", folder / "log.jsonl"
    truth.write_text("file,doc_type\n" + "".join(f"invoice-{number:03d}.pdf,Invoice\n" for number in range(200)))
    with running(answers="oracle", truth=truth, output_tokens=3500, page_tokens="30000,30000", latency=0.1, log=log) as base:
        yield base, log


def _walk(home: Path, limit: Decimal) -> tuple[Decimal, Decimal]:
    """Goes through the events of a workspace's runs: no call started that did not fit by what was known then.

    Gives what was taken in the end, and by how much calls cost more than their bound.
    """
    taken, excess, open_calls = Decimal(0), Decimal(0), 0
    most = 0
    for segment in journal.segments(home):
        for piece in journal.read(segment):
            for event in piece.events:
                if event["kind"] == "call_started":
                    taken += Decimal(event["cost_upper_usd"])
                    open_calls += 1
                    most = max(most, open_calls)
                    assert taken <= limit, "it did not fit"
                elif event["kind"] == "call_finished":
                    open_calls -= 1
                    upper, cost = Decimal(event["cost_upper_usd"]), event["cost_usd"]
                    if event["status"] == "failed" or cost is not None:
                        taken += Decimal(cost or 0) - upper
                        excess += max(Decimal(0), Decimal(cost or 0) - upper)
    assert most <= 64
    return taken, excess


def test_wrong_estimates_pass_the_limit_by_no_more_than_their_error(dear: tuple[str, Path], tmp_path: Path) -> None:
    """64 in flight, answers near the cap, pages ten times dearer than the bound: the overrun is the error of the calls in flight, and exit is 3."""
    home, limit = tmp_path / "home", Decimal("0.2")
    under = settings_for(home, dear[0], in_flight=64, input_mode="file-low", budget_month_usd=limit, repair=False)
    report = run(make_inbox(tmp_path / "in", 120, lines=3), under)

    taken, excess = _walk(home, limit)
    assert (report.exit_status, report.unsettled) == (3, 0)
    assert 0 < report.processed < 120
    assert report.cost_usd == taken > limit, "the estimates were meant to be wrong"
    assert taken - limit <= excess
    assert one(home, "select left_usd from budget_status where period = 'month'") == limit - taken


def test_a_killed_run_leaves_its_open_calls_in_the_budget(dear: tuple[str, Path], tmp_path: Path) -> None:
    """Killed with calls in flight, then resumed twice: what nobody knows the end of still counts, so that all runs together keep the limit."""
    home, inbox, limit = tmp_path / "home", make_inbox(tmp_path / "in", 60, lines=3), Decimal("0.1")
    inherited = {"AUTOD_BUDGET_MONTH_USD": str(limit), "AUTOD_INPUT_MODE": "text"}
    before = len(answered(dear[1]))
    killed = begin("ingest", inbox, "--in-flight", "64", home=home, address=dear[0], AUTOD_CRASH_AT="call_finished:20", **inherited)
    killed.communicate(timeout=60)
    assert killed.returncode == -9
    lost = one(home, "select open_usd from budget_status where period = 'month'")
    assert lost > 0, "calls were in flight"

    again = [autod("ingest", inbox, "--in-flight", "64", home=home, address=dear[0], **inherited) for _ in range(2)]

    assert [done.returncode for done in again] == [3, 3], again
    assert "Left undone: " in again[0].stdout
    taken, excess = _walk(home, limit)
    assert excess == 0
    (status,) = rows(home, "select settled_usd, open_usd, left_usd from budget_status where period = 'month'")
    assert status == (taken - lost, lost, limit - taken)
    assert 0 <= status[2] < Decimal("0.01"), "the rest is less than a call's bound"
    billed = answered(dear[1])[before:]
    known = rows(home, "select count(*) from api_calls where status = 'answered'")[0][0]
    assert known <= len(billed) <= known + rows(home, "select count(*) from calls_unsettled")[0][0]


def test_two_runs_after_each_other_share_the_days_budget(address: str, tmp_path: Path) -> None:
    """The second run has what the first has left, and a budget of the run is each run's own."""
    home = tmp_path / "home"
    under = settings_for(home, address, in_flight=64, budget_month_usd="0.014", budget_run_usd="0.01")
    reports = [run(make_inbox(tmp_path / "in", 90, lines=5), under) for _ in range(3)]

    assert [report.exit_status for report in reports] == [3, 3, 3]
    assert ["run" in (report.stopped_by or "").split(" (")[0] for report in reports] == [True, False, False]
    assert Decimal("0.007") < reports[0].cost_usd <= Decimal("0.01")
    assert sum(report.cost_usd for report in reports) <= Decimal("0.014")
    assert reports[2].calls == 0
