"""Budgets that hold: what is left = budget − settled − what open calls can still cost.

Decided here: a call is let through only if its upper bound fits what is left of every limit (run, UTC day, UTC month); if it does not fit but
calls are in flight, it waits for them to settle for less than their bound; if none is, the budget is exhausted. Derived from the record:
the sums of the ledger at the start of the run, and the starts and ends that the run itself writes. Simulated and real money are kept apart.
Called by api.py around every call. Never asks the network.
"""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

import duckdb

from .errors import BudgetExhausted
from .settings import Settings

SPENT_SQL = """
select period, settled_usd + open_usd from (
    select 'day' as period, coalesce(sum(cost_usd), 0) as settled_usd,
           coalesce(sum(cost_upper_usd) filter (where cost_usd is null and status <> 'failed'), 0) as open_usd
    from api_calls where is_simulated = $simulated and started_at >= cast(cast(now() at time zone 'UTC' as date) as timestamp) at time zone 'UTC'
    union all
    select 'month', coalesce(sum(cost_usd), 0), coalesce(sum(cost_upper_usd) filter (where cost_usd is null and status <> 'failed'), 0)
    from api_calls where is_simulated = $simulated and started_at >= date_trunc('month', now() at time zone 'UTC') at time zone 'UTC'
)"""


def spent_before(con: duckdb.DuckDBPyConnection, *, is_simulated: bool) -> dict[str, Decimal]:
    """USD of this UTC day and month so far: settled, and the upper bounds of calls whose cost nobody knows."""
    return dict(con.execute(SPENT_SQL, {"simulated": is_simulated}).fetchall())


@dataclass
class Budget:
    """The limits of a run and what its calls have taken of them. All amounts are USD."""

    limits: dict[str, Decimal]
    before: dict[str, Decimal]
    settled: Decimal = Decimal(0)
    unsettled: Decimal = Decimal(0)
    open: dict[UUID, Decimal] = field(default_factory=dict)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def left(self) -> tuple[str, Decimal] | None:
        """The tightest limit and what is left of it; None without a limit."""
        taken = self.settled + self.unsettled + sum(self.open.values(), Decimal(0))
        rest = [(limit - self.before.get(period, Decimal(0)) - taken, period) for period, limit in self.limits.items()]
        if not rest:
            return None
        amount, period = min(rest)
        return period, amount

    async def reserve(self, call_id: UUID, upper: Decimal | None, *, waits: bool = True) -> None:
        """Lets a call through, if need be and if it may wait after others have settled. A call without a bound (allowed on purpose) takes nothing.

        Raises: BudgetExhausted when it does not fit and no open call can make room.
        """
        bound = upper or Decimal(0)
        if not self.limits:
            self.open[call_id] = bound
            return
        async with self.changed:
            while (left := self.left()) is not None and left[1] < bound:
                if not self.open or not waits:
                    raise BudgetExhausted(
                        f"The budget of the {left[0]} ({self.limits[left[0]]} USD) has {left[1]:.6f} USD left, and the next call can cost "
                        f"{bound:.6f} USD. No further call is sent; what is left undone stays pending. Raise it with --max-usd or "
                        f"AUTOD_BUDGET_{left[0].upper()}_USD, then run the same command again."
                    )
                await self.changed.wait()
            self.open[call_id] = bound

    async def settle(self, call_id: UUID, cost: Decimal | None, *, is_unsettled: bool) -> None:
        """Replaces a reservation by what the call cost, or keeps its bound when nobody knows."""
        bound = self.open.pop(call_id, Decimal(0))
        if cost is not None:
            self.settled += cost
        elif is_unsettled:
            self.unsettled += bound
        if self.limits:
            async with self.changed:
                self.changed.notify_all()


def budget_for(settings: Settings, before: dict[str, Decimal], max_usd: Decimal | None = None) -> Budget:
    """The budget of a run under these settings; `max_usd` is the limit of the run given with the command."""
    run = max_usd if max_usd is not None else settings.budget_run_usd
    limits = {"run": run, "day": settings.budget_day_usd, "month": settings.budget_month_usd}
    return Budget({period: limit for period, limit in limits.items() if limit is not None}, before)
