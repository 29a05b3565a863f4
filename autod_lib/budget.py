"""Budgets that hold: what is left = budget − settled − what open calls can still cost.

Decided here: a call is let through only if its upper bound fits what is left of every limit (run, UTC day, UTC month); if it does not fit but
calls are in flight, it waits for them to settle for less than their bound; if none is, the budget is exhausted. A call that nobody can price is
refused unless that is allowed on purpose. What was taken before the run is the view `budget_taken`; what the run takes is added from the starts
and ends that it writes to the ledger, so that the view says the same afterwards. A period is counted from its beginning on, calls dated in the
future included: a clock that goes back makes a budget tighter, never wider. Simulated and real money are kept apart.
Called by api.py around every call, and by ingest.py for what is worth an alert. Never asks the network.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import duckdb

from . import journal
from .alerts import Alert
from .errors import BudgetExhausted, SettingsError
from .settings import Settings, unit_of_money

TAKEN_SQL = """
select day_utc, sum(settled_usd), sum(open_usd) from budget_taken where is_simulated = $simulated and day_utc >= $first group by day_utc"""


@dataclass
class Taken:
    """USD taken of a budget: `settled` is known, `open` is what calls without a known cost can have cost at most."""

    settled: Decimal = Decimal(0)
    open: Decimal = Decimal(0)


def taken_before(con: duckdb.DuckDBPyConnection, *, is_simulated: bool) -> dict[date, Taken]:
    """What each UTC day of this month, and any later one, has taken so far. Source: sql/views/44_budget_status.sql"""
    first = journal.now().date().replace(day=1)
    found = con.execute(TAKEN_SQL, {"simulated": is_simulated, "first": first}).fetchall()
    return {day: Taken(settled, open_usd) for day, settled, open_usd in found}


@dataclass
class Budget:
    """The limits of a run and what is taken of them: by UTC day of sending, the run's own calls included, and by the run alone. All in USD."""

    limits: dict[str, Decimal]
    days: dict[date, Taken]
    allow_unpriced: bool = False
    run: Taken = field(default_factory=Taken)
    open: dict[UUID, tuple[date, Decimal]] = field(default_factory=dict)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def left(self) -> tuple[str, Decimal] | None:
        """The tightest limit and what is left of it; None without a limit."""
        today = journal.now().date()
        taken = {"run": (self.run,), "day": self._since(today), "month": self._since(today.replace(day=1))}
        rest = [(limit - sum(part.settled + part.open for part in taken[period]), period) for period, limit in self.limits.items()]
        if not rest:
            return None
        amount, period = min(rest)
        return period, amount

    def settled_this_month(self) -> Decimal:
        """USD that the calls of this UTC month are known to have cost."""
        return sum((part.settled for part in self._since(journal.now().date().replace(day=1))), Decimal(0))

    def _since(self, first: date) -> Iterable[Taken]:
        return [part for day, part in self.days.items() if day >= first]

    async def reserve(self, call_id: UUID, upper: Decimal | None, *, waits: bool = True) -> datetime:
        """Lets a call through, if need be and if it `waits` after others have settled, and returns when; a call without a bound takes nothing.

        Raises: BudgetExhausted when it does not fit and no open call can make room; SettingsError when it has no bound and that is not allowed.
        """
        if upper is None and not self.allow_unpriced:
            raise SettingsError(
                f"The next call cannot be priced: no price list knows its model and service tier on {journal.now():%Y-%m-%d}. It was not sent; what "
                "is left undone stays pending. Choose another with --model, or allow it on purpose with --allow-unpriced: its calls then cost NULL."
            )
        bound = upper or Decimal(0)
        if self.limits:
            async with self.changed:
                while (left := self.left()) is not None and left[1] < bound:
                    if not self.open or not waits:
                        raise BudgetExhausted(
                            f"The budget of the {left[0]} ({self.limits[left[0]]} USD) has {left[1]:.6f} USD left, and the next call can cost "
                            f"{bound:.6f} USD. No further call is sent; what is left undone stays pending. Raise it with --max-usd or "
                            f"AUTOD_BUDGET_{left[0].upper()}_USD, then run the same command again.",
                            left[0],
                        )
                    await self.changed.wait()
        at = journal.now()
        self.open[call_id] = (at.date(), bound)
        for part in (self.run, self._day(at.date())):
            part.open += bound
        return at

    async def settle(self, call_id: UUID, cost: Decimal | None, *, is_unsettled: bool) -> None:
        """Replaces a reservation by what the call cost, or keeps its bound when nobody knows."""
        day, bound = self.open.pop(call_id)
        for part in (self.run, self._day(day)):
            if cost is not None:
                part.settled += cost
            if cost is not None or not is_unsettled:
                part.open -= bound
        if self.limits:
            async with self.changed:
                self.changed.notify_all()

    def _day(self, day: date) -> Taken:
        return self.days.setdefault(day, Taken())


def budget_for(settings: Settings, before: dict[date, Taken], max_usd: Decimal | None = None) -> Budget:
    """The budget of a run under these settings; `max_usd` is the limit of the run given with the command."""
    run = max_usd if max_usd is not None else settings.budget_run_usd
    limits = {"run": run, "day": settings.budget_day_usd, "month": settings.budget_month_usd}
    return Budget({period: limit for period, limit in limits.items() if limit is not None}, before, settings.allow_unpriced)


def spend_alerts(budget: Budget, settings: Settings) -> list[Alert]:
    """An alert for each threshold of AUTOD_ALERT_USD that the known cost of this UTC month has reached; the highest threshold's is critical."""
    spent = budget.settled_this_month()
    reached = [threshold for threshold in sorted(settings.alert_usd) if spent >= threshold]
    if not reached:
        return []
    money = unit_of_money(settings.is_simulated)
    month = f"{journal.now():%Y-%m}"
    return [
        Alert(
            "critical" if threshold == max(settings.alert_usd) else "warning",
            "budget",
            f"The calls of {month} have cost {spent:.6f} {money} and so reached the {threshold:f} of AUTOD_ALERT_USD.",
            f"spent {threshold:f}",
            month,
            settings.is_simulated,
        )
        for threshold in reached
    ]


def exhausted_alert(error: BudgetExhausted, settings: Settings, run_id: str) -> Alert:
    """The alert of a budget that stopped a run: a warning for a day or a month, a note for a run, whose limit may be meant to stop it."""
    window = {"day": f"{journal.now():%Y-%m-%d}", "month": f"{journal.now():%Y-%m}"}.get(error.period, run_id)
    is_meant = error.period == "run"
    return Alert("info" if is_meant else "warning", "budget", str(error), f"{error.period} exhausted", window, settings.is_simulated)
