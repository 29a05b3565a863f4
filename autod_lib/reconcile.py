"""The ledger against the provider's invoice: what differs, day by day and model by model, and what explains it.

Decided here: how a difference is taken apart. First by number of requests: calls of other keys, calls whose cost the ledger does not know, unsettled
calls that were billed, calls that the ledger has never seen or the provider does not show; then, where requests agree, by tokens and by service tier;
then, where tokens agree, by amount: price, rounding, and services that are no model calls. What is left is *unexplained*, never hidden in another
step. Promised: ledger + steps = invoice, to the last decimal; nothing of the ledger is changed, but that `settle` closes unsettled calls which the
provider's data proves billed or not billed, as events of their own. Called by the command `reconcile`.

Calls count for the UTC day of the answer's own time, where it was kept, else for that of their end: the provider knows no other.
"""

import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import duckdb

from . import alerts, journal, prices, store
from .errors import SettingsError
from .invoice import Charged, Invoice, Tokens, fetch, read_exports
from .report import start_columns
from .settings import Settings, unit_of_money

NOTHING: Final = Tokens()
MILLION: Final = Decimal(1_000_000)
SNAPSHOT: Final = re.compile(r"-\d{4}-\d{2}-\d{2}$")  # an alias and its snapshots are one model here
LAG: Final = timedelta(days=1)  # usage may be told late: only of a day that ended so long ago is it proof that a call was not billed

# The steps from the ledger to the invoice, in their order, each with what it means.
STEPS: Final = {
    "other_keys": "calls of other keys",
    "cost_unknown": "calls whose cost the ledger does not know",
    "unsettled": "unsettled calls that were billed",
    "not_in_ledger": "calls that are not in the ledger",
    "not_shown": "calls that the provider does not show",
    "tokens": "tokens counted differently",
    "service_tier": "calls booked in another service tier",
    "price": "other prices than ours",
    "rounding": "rounding of amounts",
    "other_services": "services that are no model calls",
    "unexplained": "unexplained",
}

CALLS_SQL: Final = """
with calls as (
    select coalesce(model_answered, model) as model_billed, model, price_tier, status, call_id, cost_usd, cost_upper_usd, estimate_usd,
           uncached_tokens, cached_tokens, cache_write_tokens, cache_write_12h_tokens, output_tokens, started_at, error_kind,
           coalesce(to_timestamp(try_cast(body ->> '$.created_at' as bigint)), finished_at, started_at) as answered_at
    from api_calls left join call_bodies using (run_id, call_id)
    where is_simulated = $simulated and status <> 'failed'
      and coalesce(finished_at, started_at) >= cast($first as date) - interval 2 days and started_at < cast($last as date) + interval 2 days
)
select *, cast(make_timestamp(epoch_us(answered_at)) as date) as day_utc from calls
where day_utc between $first and $last order by answered_at, call_id"""


@dataclass(frozen=True, slots=True)
class Call:
    """A call whose cost the ledger does not know: answered without one, unsettled, or (`is_open`) in a batch that may still do it."""

    call_id: UUID
    estimate_usd: Decimal
    upper_usd: Decimal | None
    is_open: bool = False


@dataclass
class Cell:
    """A UTC day and model in the ledger: priced calls by tier as billed, and the calls whose cost is not known."""

    tokens: dict[str, Tokens] = field(default_factory=lambda: defaultdict(Tokens))
    usd: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    unknown: list[Call] = field(default_factory=list)
    unsettled: list[Call] = field(default_factory=list)


Key = tuple[date, str]  # a UTC day and a model


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the difference: its name in STEPS, a UTC day, a model (None: of no single one), calls, USD and a sentence."""

    name: str
    day: date
    model: str | None
    calls: int
    usd: Decimal
    sentence: str


@dataclass(frozen=True, slots=True)
class Proof:
    """An unsettled call that the provider's data proves billed or not billed; `together` calls share the proof, and tokens are the call's share."""

    call_id: UUID
    day: date
    model: str
    is_billed: bool
    together: int
    service_tier: str = prices.STANDARD
    tokens: Tokens = NOTHING
    usd: Decimal = Decimal(0)


@dataclass
class Reconciliation:
    """The whole comparison. ledger_usd + the steps' usd = invoice_usd."""

    first: date
    last: date
    source: str
    is_simulated: bool
    own_key: str | None
    ledger: dict[Key, Cell]
    provider: dict[Key, dict[str, Tokens]]
    steps: list[Step]
    proofs: list[Proof]

    @property
    def ledger_usd(self) -> Decimal:
        """USD of the calls whose cost the ledger knows."""
        return sum((usd for cell in self.ledger.values() for usd in cell.usd.values()), Decimal(0))

    @property
    def invoice_usd(self) -> Decimal:
        """USD that the provider says."""
        return self.ledger_usd + sum((step.usd for step in self.steps), Decimal(0))

    @property
    def is_balanced(self) -> bool:
        """Whether nothing differs at all, to the token and the last decimal."""
        return not self.steps

    @property
    def is_explained(self) -> bool:
        """Whether everything that differs is explained."""
        return not any(step.name == "unexplained" for step in self.steps)

    def waterfall(self) -> list[dict[str, Any]]:
        """From the ledger to the invoice: step, calls and usd of each step that there is, in order."""
        rows = [
            {"step": "ledger", "calls": sum(part.requests for cell in self.ledger.values() for part in cell.tokens.values()), "usd": self.ledger_usd}
        ]
        for name, meaning in STEPS.items():
            own = [step for step in self.steps if step.name == name]
            if own:
                rows.append({"step": meaning, "calls": sum(step.calls for step in own), "usd": sum((step.usd for step in own), Decimal(0))})
        return [*rows, {"step": "invoice", "calls": sum(row["calls"] for row in rows), "usd": self.invoice_usd}]

    def cells(self) -> list[dict[str, Any]]:
        """Ledger and provider side by side, a row a day, model and service tier."""
        rows = []
        for key in sorted({*self.ledger, *self.provider}):
            own, theirs = self.ledger.get(key, Cell()), self.provider.get(key, {})
            for tier in sorted({*own.tokens, *theirs}):
                ours, shown = own.tokens.get(tier, NOTHING), theirs.get(tier, NOTHING)
                rows.append(
                    {
                        "day_utc": key[0],
                        "model": key[1],
                        "service_tier": tier or "not told",
                        "ledger_calls": ours.requests,
                        "provider_calls": shown.requests,
                        "ledger_input_tokens": ours.all - ours.output,
                        "provider_input_tokens": shown.all - shown.output,
                        "ledger_output_tokens": ours.output,
                        "provider_output_tokens": shown.output,
                        "ledger_usd": own.usd.get(tier, Decimal(0)),
                    }
                )
        return rows

    def columns(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "from": self.first,
            "to": self.last,
            "source": self.source,
            "simulated": self.is_simulated,
            "own_key": self.own_key,
            "balanced": self.is_balanced,
            "explained": self.is_explained,
            "ledger_usd": self.ledger_usd,
            "invoice_usd": self.invoice_usd,
            "waterfall": self.waterfall(),
            "differences": [{name: getattr(step, name) for name in Step.__slots__} for step in self.steps],
            "cells": self.cells(),
            "unsettled_proved": len(self.proofs),
        }

    def sentences(self) -> list[str]:
        """The outcome for a person."""
        money = unit_of_money(self.is_simulated)
        span = f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"
        lines = [f"{span}, {self.source}: the ledger has {self.ledger_usd.normalize():f} {money}, the provider {self.invoice_usd.normalize():f}."]
        if self.is_balanced:
            lines.append("They agree to the token and the last decimal.")
        lines += [f"{step.day} {step.model or 'all models'}: {step.sentence}" for step in self.steps]
        if not self.is_explained:
            lines.append("Something is left unexplained: compare it with the provider's own dashboard.")
        if self.proofs:
            lines.append(f"The data proves how {len(self.proofs)} unsettled calls ended; --settle notes it in the ledger.")
        return lines


def reconcile(settings: Settings, first: date, last: date, *, exports: list[Path] | None = None, settle: bool = False) -> Reconciliation:
    """Compares ledger and provider over these UTC days, both included, and records the outcome in the journal.

    `exports` are files of the provider's dashboard; without any, its endpoints are asked. `settle` notes the unsettled calls that are proved.
    Raises: SettingsError for days or files that are none; MissingKey, ApiRefused, ApiUnavailable when the provider is to be asked and does not tell.
    """
    begun = time.monotonic()
    if last < first:
        raise SettingsError(f"--to {last} lies before --from {first}.")
    invoice = (read_exports(exports) if exports else fetch(settings, first, last)).within(first, last)
    if exports and not (invoice.used or invoice.charged):
        raise SettingsError(f"{invoice.source} says nothing of {first} to {last}: name the days that it is of with --from and --to.")
    with store.reading(settings.home) as con:
        ledger = ledger_cells(con, invoice, first, last, is_simulated=settings.is_simulated)
        raised = alerts.earlier(con, settings.home)
    own_key = settings.api_key_id or own_key_of(ledger, invoice)
    result = compare(ledger, invoice, first, last, own_key=own_key, is_simulated=settings.is_simulated)
    _record(settings, result, raised, begun, settle=settle)
    return result


def base_name(model: str) -> str:
    """A model without the date of its snapshot.

    >>> base_name("gpt-5-mini-2025-08-07"), base_name("gpt-6-luna")
    ('gpt-5-mini', 'gpt-6-luna')
    """
    return SNAPSHOT.sub("", model)


def ledger_cells(con: duckdb.DuckDBPyConnection, invoice: Invoice, first: date, last: date, *, is_simulated: bool) -> dict[Key, Cell]:
    """What the ledger has of these UTC days, by day and model, in the form that the invoice has: with or without tiers and lifetimes of writes."""
    shown = {(row.day, base_name(row.model)) for row in invoice.used or ()}
    has_tiers = all(row.service_tier is not None for row in invoice.used or ())
    cells: dict[Key, Cell] = defaultdict(Cell)
    for row in store.rows(con, CALLS_SQL, {"simulated": is_simulated, "first": first, "last": last}):
        key = (row["day_utc"], base_name(row["model_billed"]))
        if row["cost_usd"] is not None:
            longer = row["cache_write_12h_tokens"] or 0 if invoice.splits_writes else 0
            written = (row["cache_write_tokens"] or 0) - longer
            tokens = Tokens(1, row["uncached_tokens"], row["cached_tokens"] or 0, written, longer, row["output_tokens"])
            tier = row["price_tier"] if has_tiers else ""
            cells[key].tokens[tier] = cells[key].tokens[tier].plus(tokens)
            cells[key].usd[tier] += row["cost_usd"]
            continue
        if key not in shown:  # an answer may name a model that it was not billed as
            key = (row["day_utc"], base_name(row["model"]))
        call = Call(row["call_id"], row["estimate_usd"] or Decimal(0), row["cost_upper_usd"], row["error_kind"] == "in_batch")
        (cells[key].unsettled if row["status"] == "unsettled" else cells[key].unknown).append(call)
    return dict(cells)


def own_key_of(ledger: dict[Key, Cell], invoice: Invoice) -> str | None:
    """The one key whose usage holds every call of the ledger; None when no key or several do, or keys are not told."""
    asked: dict[str | None, dict[Key, int]] = defaultdict(lambda: defaultdict(int))
    for row in invoice.used or ():
        asked[row.api_key_id][row.day, base_name(row.model)] += row.tokens.requests
    needed = {key: sum(part.requests for part in cell.tokens.values()) for key, cell in ledger.items()}
    fitting = [name for name, found in asked.items() if any(needed.values()) and all(found.get(key, 0) >= calls for key, calls in needed.items())]
    return fitting[0] if len(fitting) == 1 else None


def usd_of(model: str, day: date, tier: str, tokens: Tokens) -> Decimal | None:
    """What tokens cost by our price lists, at the rates for prompts of usual length; None without a price. An unknown tier is the standard one."""
    rates = prices.rates_for(model, datetime(day.year, day.month, day.day, tzinfo=UTC), service_tier=tier or None)
    if rates is None:
        return None
    longer = rates.written if rates.written_12h is None else rates.written_12h
    each = (rates.input, rates.cached, rates.written, longer, rates.output)
    return sum((count * rate for count, rate in zip(tokens[1:], each, strict=True)), Decimal(0)) / MILLION


def compare(ledger: dict[Key, Cell], invoice: Invoice, first: date, last: date, *, own_key: str | None, is_simulated: bool) -> Reconciliation:
    """Takes the difference between a ledger and an invoice apart. Pure: the price lists are all it asks."""
    own, others = _by_key(invoice, own_key)
    charged, other_charged, services = _charges(invoice, own_key, {model for _, model in (*ledger, *own)})
    steps: list[Step] = []
    proofs: list[Proof] = []
    expected: dict[Key, Decimal] = {}
    for key in sorted({*ledger, *own}):
        cell = ledger.get(key, Cell())
        expected[key] = sum(cell.usd.values(), Decimal(0))
        if invoice.used is not None:
            difference = _Difference(key, cell, own.get(key, {}))
            found = difference.steps()
            expected[key] += sum((step.usd for step in found), Decimal(0))
            steps += found
            proofs += difference.proofs(is_simulated=is_simulated, is_own=own_key is not None)
    for key in sorted({*others, *other_charged}):
        calls = sum(part.requests for part in others.get(key, {}).values())
        usd = _usd_by_tier(key, others[key]) or Decimal(0) if invoice.charged is None else other_charged.get(key, Decimal(0))
        steps.append(Step("other_keys", *key, calls, usd, f"{_calls(calls)} of other keys, {_usd(usd, '')}."))
    if invoice.charged is not None:
        lines = [line for line in invoice.charged if own_key is None or line.api_key_id in (own_key, None)]
        steps += _amounts(ledger, own if invoice.used is not None else None, expected, charged, lines, _unit(invoice))
    for day, line_item, usd in services:
        steps.append(Step("other_services", day, None, 0, usd, f"{line_item}: {_usd(usd, '')}, which is no call to a model of the ledger."))
    order = list(STEPS)
    steps.sort(key=lambda step: (step.day, order.index(step.name), step.model or ""))
    everything: dict[Key, dict[str, Tokens]] = defaultdict(dict)
    for usage in (own, others):
        for key, parts in usage.items():
            for tier, part in parts.items():
                everything[key][tier] = everything[key].get(tier, NOTHING).plus(part)
    return Reconciliation(first, last, invoice.source, is_simulated, own_key, ledger, dict(everything), steps, proofs)


def _usd(amount: Decimal, sign: str = "+") -> str:
    return f"{amount.normalize():{sign}f} USD"


def _calls(count: int) -> str:
    return f"{count} call{'' if count == 1 else 's'}"


def _by_key(invoice: Invoice, own_key: str | None) -> tuple[dict[Key, dict[str, Tokens]], dict[Key, dict[str, Tokens]]]:
    """Usage by day, model and tier: of our key (or of all, if ours is not known), and of the others."""
    has_tiers = all(row.service_tier is not None for row in invoice.used or ())
    own: dict[Key, dict[str, Tokens]] = defaultdict(dict)
    others: dict[Key, dict[str, Tokens]] = defaultdict(dict)
    for row in invoice.used or ():
        tokens = row.tokens if invoice.splits_writes else row.tokens._replace(written=row.tokens.written + row.tokens.written_12h, written_12h=0)
        parts = (own if own_key is None or row.api_key_id in (own_key, None) else others)[row.day, base_name(row.model)]
        tier = row.service_tier if has_tiers and row.service_tier else ""
        parts[tier] = parts.get(tier, NOTHING).plus(tokens)
    return dict(own), dict(others)


def _charges(
    invoice: Invoice, own_key: str | None, models: set[str]
) -> tuple[dict[tuple[date, str | None], Decimal], dict[Key, Decimal], list[tuple[date, str, Decimal]]]:
    """Charges by day and model (None where lines name none): ours, those of other keys, and the lines of what is no model of ours."""
    charged: dict[tuple[date, str | None], Decimal] = defaultdict(Decimal)
    others: dict[Key, Decimal] = defaultdict(Decimal)
    services: list[tuple[date, str, Decimal]] = []
    for line in invoice.charged or ():
        model = base_name(line.model) if line.model else None
        if line.line_item is None:
            charged[line.day, None] += line.usd
        elif own_key is not None and line.api_key_id not in (own_key, None) and model:
            others[line.day, model] += line.usd
        elif model not in models:
            services.append((line.day, line.line_item, line.usd))
        else:
            charged[line.day, model] += line.usd
    return dict(charged), dict(others), services


def _usd_by_tier(key: Key, parts: dict[str, Tokens]) -> Decimal | None:
    values = [usd_of(key[1], key[0], tier, part) for tier, part in parts.items()]
    return None if None in values else sum((value for value in values if value is not None), Decimal(0))


class _Difference:
    """What usage says of a day and model beside what the ledger has, taken apart."""

    def __init__(self, key: Key, cell: Cell, shown: dict[str, Tokens]) -> None:
        self.key, self.cell = key, cell
        tiers = {*cell.tokens, *shown}
        self.by_tier = {tier: shown.get(tier, NOTHING).minus(cell.tokens.get(tier, NOTHING)) for tier in tiers}
        self.by_tier = {tier: part for tier, part in self.by_tier.items() if part != NOTHING}
        self.total = NOTHING
        for part in self.by_tier.values():
            self.total = self.total.plus(part)

    @property
    def moves(self) -> bool:
        """Whether calls stand in another tier than in the ledger."""
        requests = [part.requests for part in self.by_tier.values()]
        return any(count < 0 for count in requests) and any(count > 0 for count in requests)

    def usd(self) -> tuple[Decimal, Decimal]:
        """What the difference costs by our prices: further or missing calls and tokens, and calls that moved to another tier. 0 without a price."""
        by_tier = _usd_by_tier(self.key, self.by_tier)
        if not self.moves or by_tier is None:
            return by_tier or Decimal(0), Decimal(0)
        home = max(self.cell.tokens or self.by_tier, key=lambda tier: self.cell.tokens.get(tier, NOTHING).requests)
        calls = usd_of(self.key[1], self.key[0], home, self.total) or Decimal(0)
        return calls, by_tier - calls

    def counts(self) -> dict[str, int]:
        """Requests of the difference by what they are."""
        further = self.total.requests
        unknown = max(0, min(further, len(self.cell.unknown)))
        unsettled = max(0, min(further - unknown, len(self.cell.unsettled)))
        return {
            "cost_unknown": unknown,
            "unsettled": unsettled,
            "not_in_ledger": max(0, further - unknown - unsettled),
            "not_shown": min(0, further),
        }

    def steps(self) -> list[Step]:
        """The difference as steps; those of several kinds of further calls share its tokens by what each kind was estimated to cost."""
        calls_usd, tier_usd = self.usd()
        counts = {name: count for name, count in self.counts().items() if count}
        found = []
        if not counts and (self.total != NOTHING or calls_usd):
            found.append(self._step("tokens", 0, calls_usd))
        left = calls_usd
        for place, (name, count) in enumerate(counts.items()):
            usd = left if place == len(counts) - 1 else min(left, self._estimate(name, count))
            found.append(self._step(name, count, usd))
            left -= usd
        if self.moves:
            moved = sum(part.requests for part in self.by_tier.values() if part.requests > 0) - max(0, self.total.requests)
            found.append(Step("service_tier", *self.key, 0, tier_usd, f"{_calls(moved)} booked in {self._moved_to()}, {_usd(tier_usd)}."))
        return found

    def _estimate(self, name: str, count: int) -> Decimal:
        calls = (self.cell.unknown if name == "cost_unknown" else self.cell.unsettled)[:count]
        return sum((call.estimate_usd for call in calls), Decimal(0))

    def _moved_to(self) -> str:
        return " and ".join(sorted(tier for tier, part in self.by_tier.items() if part.requests > 0))

    def _step(self, name: str, count: int, usd: Decimal) -> Step:
        total = _usd(usd)
        upper = sum((call.upper_usd or Decimal(0) for call in self.cell.unsettled), Decimal(0))
        sentence = {
            "cost_unknown": f"{_calls(count)} answered without a known cost, and billed, {total}.",
            "unsettled": f"{count} of {len(self.cell.unsettled)} unsettled calls billed, {total}; they can have cost {_usd(upper, '')} at most.",
            "not_in_ledger": f"{_calls(count)} not in this ledger, {total}: another program or workspace uses the same key or project.",
            "not_shown": f"{_calls(-count)} of the ledger not shown, {total}: usage of the last hours may come later.",
            "tokens": f"the same calls have {self.total.all - self.total.output:+,} input and {self.total.output:+,} output tokens, {total}.",
        }[name]
        return Step(name, *self.key, count, usd, sentence)

    def proofs(self, *, is_simulated: bool, is_own: bool) -> list[Proof]:
        """The unsettled calls whose end the data proves: none was billed, as nothing is new at all; or all were, as nothing else is.

        The second needs usage of our key alone (`is_own`): another's calls could pass for them.
        """
        calls, (day, model) = self.cell.unsettled, self.key
        if not calls or self.cell.unknown or any(call.is_open for call in calls):
            return []
        if not self.by_tier:
            is_over = is_simulated or journal.now() - datetime(day.year, day.month, day.day, tzinfo=UTC) >= timedelta(days=1) + LAG
            return [Proof(call.call_id, day, model, False, len(calls)) for call in calls] if is_over else []
        uppers = [call.upper_usd for call in calls if call.upper_usd is not None]
        if not is_own or len(self.by_tier) > 1 or self.total.requests != len(calls) or min(self.total) < 0 or len(uppers) < len(calls):
            return []
        ((tier, total),) = self.by_tier.items()
        found = []
        for place, call in enumerate(calls):
            share = Tokens(*(count // len(calls) + (place < count % len(calls)) for count in total))
            usd = usd_of(model, day, tier, share)
            if usd is None:
                return []
            found.append(Proof(call.call_id, day, model, True, len(calls), tier or prices.STANDARD, share, usd))
        return found if sum(proof.usd for proof in found) <= sum(uppers) else []


def _unit(invoice: Invoice) -> Decimal:
    """The last decimal that the invoice's amounts have: a cent, or finer."""
    places = (-int(line.usd.normalize().as_tuple().exponent) for line in invoice.charged or ())
    return Decimal(1).scaleb(-max(2, *places, 0))


def _amounts(
    ledger: dict[Key, Cell],
    usage: dict[Key, dict[str, Tokens]] | None,
    expected: dict[Key, Decimal],
    charged: dict[tuple[date, str | None], Decimal],
    lines: list[Charged],
    unit: Decimal,
) -> list[Step]:
    """What is charged beside what is expected for the same tokens: price, rounding, or unexplained. Lines that name no model compare a whole day."""
    whole_days = {day for day, model in charged if model is None}
    places: set[tuple[date, str | None]] = {(day, None if day in whole_days else model) for day, model in (*expected, *charged)}
    found = []
    for place in sorted(places, key=lambda place: (place[0], place[1] or "")):
        day, model = place
        keys = [key for key in expected if key[0] == day and model in (None, key[1])]
        amount = sum((usd for at, usd in charged.items() if at[0] == day and (model is None or at[1] == model)), Decimal(0))
        ours = sum((expected[key] for key in keys), Decimal(0))
        own = [line for line in lines if line.day == day and (model is None or (line.model and base_name(line.model) == model))]
        step = partial(Step, day=day, model=model, calls=0, usd=amount - ours)
        if amount == ours:
            continue
        if abs(amount - ours) <= unit / 2 * len(own):
            found.append(step("rounding", sentence=f"amounts are rounded to {unit:f} USD, {_usd(amount - ours)} over {len(own)} lines."))
        elif usage is None:
            upper = sum((call.upper_usd or Decimal(0) for key in keys for call in (*ledger[key].unsettled, *ledger[key].unknown)), Decimal(0))
            if 0 < amount - ours <= upper:
                said = f"{_usd(amount - ours)}, which unsettled calls and calls without a cost can explain: they can have cost {_usd(upper, '')}."
                found.append(step("unsettled", sentence=said))
            else:
                found.append(step("unexplained", sentence=f"{_usd(amount - ours)}; with the usage of that day more could be told."))
        elif _same_tokens(usage, keys, own) and ours:
            ratio = (amount / ours).quantize(Decimal("0.0001"), ROUND_HALF_UP)
            found.append(step("price", sentence=f"the same tokens are charged at {ratio} times our prices, {_usd(amount - ours)}."))
        elif any(sum(ledger[key].usd.values(), Decimal(0)) == 0 and usd_of(key[1], day, "", NOTHING) is None for key in keys if key in ledger):
            found.append(step("cost_unknown", sentence=f"no price list of ours knows the model, {_usd(amount - ours)}."))
        else:
            what = "nothing is charged" if not own else "the lines are of other tokens than the usage shows"
            found.append(step("unexplained", sentence=f"{what}, {_usd(amount - ours)}."))
    return found


def _same_tokens(usage: dict[Key, dict[str, Tokens]], keys: list[Key], lines: list[Charged]) -> bool:
    """Whether the lines of the invoice, as far as they tell, are of the tokens that the usage shows."""
    shown = sum(part.all for key in keys for part in usage.get(key, {}).values())
    quantities = [line.quantity for line in lines]
    return bool(lines) and (None in quantities or sum(quantity or 0 for quantity in quantities) == shown)


def _record(settings: Settings, result: Reconciliation, raised: alerts.Earlier, begun: float, *, settle: bool) -> None:
    """Writes what was compared, and what it proves, to a segment of its own, loads it, and raises an alert of what is unexplained."""
    common = {"is_simulated": result.is_simulated, "source": result.source}
    with journal.Journal(settings.home) as segment:
        arguments = {"from": result.first.isoformat(), "to": result.last.isoformat(), "settle": settle}
        segment.write("run_started", **start_columns(settings, "reconcile", arguments))
        for offset in range((result.last - result.first).days + 1):
            day = result.first + timedelta(days=offset)
            cells = [row for row in result.cells() if row["day_utc"] == day]
            calls = sum(row["ledger_calls"] for row in cells)
            usd = sum((row["ledger_usd"] for row in cells), Decimal(0))
            rows = [Step("ledger", day, None, calls, usd, "what the ledger has")]
            rows += [step for step in result.steps if step.day == day]
            total = sum((step.usd for step in rows), Decimal(0))
            rows.append(Step("invoice", day, None, sum(step.calls for step in rows), total, "what the provider says"))
            for step in rows:
                columns = {
                    "day_utc": step.day,
                    "model": step.model,
                    "step": step.name,
                    "calls": step.calls,
                    "usd": step.usd,
                    "sentence": step.sentence,
                }
                segment.write("reconciled", **common, **columns)
        for proof in result.proofs if settle else ():
            segment.write("call_reconciled", **common, **_closing(proof))
        if not result.is_explained:
            usd = sum((step.usd for step in result.steps if step.name == "unexplained"), Decimal(0))
            said = f"{result.source}, {result.first} to {result.last}: {_usd(usd)} of the invoice are unexplained; see 20_cost."
            with alerts.Alerts(settings, segment, raised) as channel:
                window = f"{result.first} to {result.last}"
                channel.raise_once(alerts.Alert("warning", "reconcile", said, "unexplained", window, result.is_simulated))
        segment.write(
            "run_finished",
            exit_status=0 if result.is_explained else 1,
            state="finished",
            seconds=round(time.monotonic() - begun, 3),
            summary={"settled": settle},
        )
    store.load(settings.home)


def _closing(proof: Proof) -> dict[str, Any]:
    """The columns of the event that closes an unsettled call."""
    used = proof.tokens
    parts = {"uncached_usd": used._replace(cached=0, written=0, written_12h=0, output=0), "cached_usd": Tokens(cached=used.cached)}
    parts |= {"cache_write_usd": Tokens(written=used.written, written_12h=used.written_12h), "output_usd": Tokens(output=used.output)}
    shared = f", of {proof.together} together: its tokens are its share" if proof.together > 1 else ""
    columns: dict[str, Any] = {
        "call_id": proof.call_id,
        "day_utc": proof.day,
        "is_billed": proof.is_billed,
        "calls_together": proof.together,
        "sentence": f"The provider's usage proves that it was {'billed' if proof.is_billed else 'not billed'}{shared}.",
    }
    if proof.is_billed:
        columns |= {"model_answered": proof.model, "price_tier": proof.service_tier, "price_date": proof.day, "cost_usd": proof.usd}
        columns |= {name: usd_of(proof.model, proof.day, proof.service_tier, part) for name, part in parts.items()}
        columns |= {"input_tokens": used.all - used.output, "cached_tokens": used.cached, "output_tokens": used.output}
        columns |= {"cache_write_tokens": used.written + used.written_12h, "cache_write_12h_tokens": used.written_12h}
    return columns
