"""What other choices would have cost: the ledger repriced call by call, what autoD's choices saved, and what to change.

Decided here: which rates the repricing is given (the price lists of each call's own day, by tier and for other models), the words of an advice, and
the assumptions it names. The arithmetic is that of the macros left_on_table and savings, exact to the last decimal. Promised: nothing is said to save
that the ledger's own calls would not have saved; a policy whose rates nobody publishes is left out, never guessed. Called by the command `advise` and
by the notebooks. Sends nothing, writes nothing.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

import duckdb
import polars as pl

from . import prices
from .metrics import ONE_KIND, in_period, read
from .page import count, share, usd
from .tokens import page_image_tokens

BEST: Final = "best of those that ask the same"
TIERS: Final = {prices.STANDARD: "default", "batch": "batch", "flex": "flex"}
NOT_ADVICE: Final = ("as billed", BEST, "implicit, prefix read")  # what is billed, a sum of others, and a behaviour that cannot be chosen

CHANGES: Final = {
    "no mark": "AUTOD_CACHE_POLICY=none",
    "mark after the prefix": "AUTOD_CACHE_POLICY=explicit",
    "implicit": "AUTOD_CACHE_POLICY=implicit",
    "batch": "autod ingest --batch",
    "flex": "AUTOD_SERVICE_TIER=flex",
    "input text": "--input text",
    "input file-low": "--input file-low",
    "input file-high": "--input file-high",
    "no retries": "AUTOD_REPAIR=false",
}
ASSUMPTIONS: Final = {
    "no mark": "the same tokens, all input at the plain rate",
    "mark after the prefix": "a call reads the prefix if one of the same prefix had ended in the 30 minutes before; 15 calls a minute share it",
    "implicit": "all input is written and nothing is read",
    "batch": "the batch rates of each day, nothing read from the cache; answers come within 24 hours",
    "flex": "the flex rates of each day, the cache as it was; answers are slower and may be refused when capacity is short",
    "no retries": "each document is asked once a run: what was repaired or asked again would have no valid answer",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """One change: what to set, what it would have saved in USD and as a share (0–1) of the bill, and under which assumption."""

    policy: str
    change: str
    saved_usd: Decimal
    share_saved: float
    changes_answers: bool
    assumption: str
    sentence: str


def rates(
    con: duckdb.DuckDBPyConnection,
    *,
    is_simulated: bool | None = None,
    since: date | None = None,
    until: date | None = None,
    models: Iterable[str] = (),
) -> str:
    """The rates that the macros take, as JSON: for every model and day of the ledger those of each tier, and those of every other model.

    Other models are those that the ledger has asked, and `models`. Source: prices.all_rates.
    """
    found = con.execute(
        f"select distinct model_priced, price_date from priced_calls where {ONE_KIND} and {in_period('day_utc')} order by all",
        {"is_simulated": is_simulated, "since": since, "until": until},
    ).fetchall()
    others = sorted({model for model, _ in found} | set(models))
    rows = [
        {
            "model": model,
            "day": day.isoformat(),
            "policy": policy,
            "above": each.above_input_tokens,
            "below": each.up_to_input_tokens,
            **each.columns(),
        }
        for model, day in found
        for other in others
        for each in prices.all_rates(other, day)
        if (policy := _policy(model, other, each.service_tier))
    ]
    return json.dumps(rows)


def _policy(model: str, other: str, tier: str) -> str | None:
    """What these rates would be a choice of: another tier of the same model, or another model in the standard tier."""
    if model == other:
        return TIERS.get(tier)
    return f"model:{other}" if tier == prices.STANDARD else None


def left_on_table(
    con: duckdb.DuckDBPyConnection,
    *,
    is_simulated: bool | None = None,
    since: date | None = None,
    until: date | None = None,
    models: Iterable[str] = (),
) -> pl.DataFrame:
    """The calls of a period under every other policy, what would have saved most first.

    policy str · is_simulated bool · kind str: cache, tier, input mode, model, retries, all · calls int, those it can be applied to · calls_measured
    int, of these those known without an estimate · calls_kept int · cost_usd, repriced_usd, saved_usd Decimal, negative where the policy is dearer ·
    share_saved float · changes_answers bool.   Source: the macro left_on_table in sql/views/70_left_on_table.sql
    """
    return _macro(con, "left_on_table", "saved_usd desc, policy, is_simulated", is_simulated, since, until, models)


def savings(
    con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """From the naive client's bill to ours, day by day.

    day_utc date · is_simulated bool · calls, calls_estimated, duplicates int · naive_usd, saved_by_dedupe_usd, saved_by_input_mode_usd,
    saved_by_cache_usd, saved_by_tier_usd, cost_usd Decimal: the first less the next four is the last.
    Source: the macro savings in sql/views/70_left_on_table.sql
    """
    return _macro(con, "savings", "day_utc, is_simulated", is_simulated, since, until, ())


def _macro(
    con: duckdb.DuckDBPyConnection,
    name: str,
    order: str,
    is_simulated: bool | None,
    since: date | None,
    until: date | None,
    models: Iterable[str],
) -> pl.DataFrame:
    given = rates(con, is_simulated=is_simulated, since=since, until=until, models=models)
    sql = f"from {name}($since, $until, $rates, $low, $high) where {ONE_KIND} order by {order}"
    pages = {"low": page_image_tokens("", "low")[0], "high": page_image_tokens("", "high")[0]}
    return read(con, sql, {"is_simulated": is_simulated, "since": since, "until": until, "rates": given, **pages})


def advice(table: pl.DataFrame) -> list[Advice]:
    """What to change, what saves most first. Takes left_on_table of one kind of money; what saves nothing is no advice."""
    found = []
    for row in table.iter_rows(named=True):
        if row["policy"] in NOT_ADVICE or row["saved_usd"] <= 0:
            continue
        change = CHANGES.get(row["policy"]) or f"--model {row['policy'].removeprefix('model:')}"
        money = " (simulated)" if row["is_simulated"] else ""
        found.append(
            Advice(
                row["policy"],
                change,
                row["saved_usd"],
                row["share_saved"],
                row["changes_answers"],
                _assumption(row),
                f"{change} would have saved {usd(row['saved_usd'])}{money}, {share(row['share_saved'])} of the bill"
                f"{'; it changes the answers: compare them on labelled documents first' if row['changes_answers'] else ''}. "
                f"Assumed: {_assumption(row)}.",
            )
        )
    return found


def _assumption(row: dict[str, Any]) -> str:
    if row["kind"] == "model":
        return "the same tokens at the other model's price of each day; another model thinks, answers and errs differently"
    if row["kind"] == "input mode":
        measured = f"{count(row['calls_measured'], 'call', 'calls')} by the answer that the same document had in this mode"
        others = row["calls"] - row["calls_measured"]
        low, high = page_image_tokens("", "low")[0], page_image_tokens("", "high")[0]
        images = f"{low} (low) or {high:,} (high) tokens for the image of a page"
        return measured + (f", {count(others, 'call', 'calls')} by {images}; text only where its layer is good" if others else "")
    return ASSUMPTIONS[row["policy"]]


def advice_table(found: list[Advice]) -> pl.DataFrame:
    """Advices as a frame: change str · saved_usd Decimal · share_saved float 0–1 · changes_answers bool · assumption str."""
    schema: dict[str, Any] = {
        "change": pl.String,
        "saved_usd": pl.Decimal(24, 12),
        "share_saved": pl.Float64,
        "changes_answers": pl.Boolean,
        "assumption": pl.String,
    }
    return pl.DataFrame([{name: getattr(item, name) for name in schema} for item in found], schema=schema)


def summary(table: pl.DataFrame) -> str:
    """What the best choice would have saved, in a sentence. Takes left_on_table of one kind of money."""
    best = table.filter(pl.col("policy") == BEST)
    if best.is_empty():
        return "No call has a price yet, so no other choice can be priced."
    row = best.row(0, named=True)
    money = " (simulated)" if row["is_simulated"] else ""
    spent = f"{count(row['calls'] + row['calls_kept'], 'call', 'calls')} cost {usd(row['cost_usd'])}{money}."
    single = table.filter(~pl.col("changes_answers") & ~pl.col("policy").is_in(NOT_ADVICE) & (pl.col("saved_usd") > 0))
    if row["saved_usd"] <= 0 or single.is_empty():
        return f"{spent} No other cache policy and no other tier would have been cheaper."
    first = single.row(0, named=True)
    change, alone = CHANGES.get(first["policy"], first["policy"]), usd(first["saved_usd"])
    return (
        f"{spent} {usd(row['saved_usd'])}, {share(row['share_saved'])} of it, was left on the table: the cheapest mark and tier for every call, "
        f"the same questions to the same model. One change alone, {change}, would have saved {alone}."
    )


def saved(frame: pl.DataFrame) -> str:
    """What autoD's choices saved against the naive client, in a sentence. Takes savings of one kind of money."""
    if frame.is_empty():
        return ""
    sums = {name: sum(frame[name].to_list(), Decimal(0)) for name in frame.columns if name.endswith("_usd")}
    if not sums["naive_usd"]:
        return ""
    money = " (simulated)" if frame["is_simulated"].any() else ""
    names = {
        "dedupe": sums["saved_by_dedupe_usd"],
        "the input mode": sums["saved_by_input_mode_usd"],
        "the cache": sums["saved_by_cache_usd"],
        "the tier": sums["saved_by_tier_usd"],
    }
    parts = ", ".join(f"{name} {usd(value)}" for name, value in names.items() if value)
    return (
        f"The naive client would have paid {usd(sums['naive_usd'])}{money}, autoD paid {usd(sums['cost_usd'])}: "
        f"{share(float(sums['cost_usd'] / sums['naive_usd']))} of it. Saved by: {parts or 'nothing'}."
    )
