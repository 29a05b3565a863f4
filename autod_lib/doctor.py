"""Is this workspace fit to run? Every part that can fail by itself, with its state and what to do.

Decided here: what is healthy, degraded (works, but somebody should know) and unhealthy (a run would fail). Called by the commands `doctor` and
`status`. Sends nothing.
"""

import shutil
from dataclasses import dataclass
from typing import Any, Final

from . import journal, prices, prompt, store, workspace
from .errors import AutodError, MissingKey
from .settings import Settings

FREE_BYTES: Final = 500_000_000
EXIT: Final = {"healthy": 0, "degraded": 1, "unhealthy": 6}


@dataclass(frozen=True, slots=True)
class Check:
    """One part: healthy, degraded or unhealthy, and what was found."""

    part: str
    state: str
    finding: str


def worst(checks: list[Check]) -> str:
    """The state of the whole."""
    return max((check.state for check in checks), key=lambda state: EXIT[state], default="healthy")


def examine(settings: Settings) -> list[Check]:
    """Checks settings, prices, vocabulary, disk, workspace, journal and database, in this order; each finding says what to do."""
    checks = [_key(settings), _price(settings), _vocabulary(settings), _disk(settings)]
    return checks + _record(settings)


def _key(settings: Settings) -> Check:
    try:
        settings.require_key()
    except MissingKey as error:
        return Check("key", "degraded", str(error))
    return Check("key", "healthy", f"set, for {settings.base_url}" + (" (simulated)" if settings.is_simulated else ""))


def _price(settings: Settings) -> Check:
    rates = prices.rates_for(settings.model, journal.now(), service_tier=settings.service_tier)
    if rates is None:
        finding = f"no price of {settings.model!r} is known for the service tier {settings.service_tier!r}: runs refuse it without --allow-unpriced"
        return Check("prices", "degraded", finding)
    return Check(
        "prices",
        "healthy",
        f"{settings.model}, {rates.service_tier}: {rates.input} input, {rates.output} output USD a million tokens ({rates.source})",
    )


def _vocabulary(settings: Settings) -> Check:
    try:
        return Check("tokens", "healthy", f"the static prefix has {prompt.prefix_tokens(settings.model, settings.fields)} tokens")
    except Exception as error:  # whatever tiktoken raises without its file, the finding is the same
        return Check("tokens", "unhealthy", f"the vocabulary cannot be loaded ({type(error).__name__}): install autoD anew, or restore data/vocab")


def _disk(settings: Settings) -> Check:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    state = "healthy" if free > FREE_BYTES else "degraded"
    return Check("disk", state, f"{free / 1e9:.1f} GB free for {str(settings.home)!r}")


def _record(settings: Settings) -> list[Check]:
    holder = workspace.holder(settings.home)
    found = [Check("workspace", "healthy", f"held by {holder}" if holder else f"{str(settings.home)!r} is free")]
    try:
        with store.reading(settings.home) as con:
            quarantined, torn = con.execute("select sum(poison), sum(torn_bytes) from segments").fetchall()[0]
            unsettled = con.execute("select is_simulated, count(*), sum(cost_upper_usd) from calls_unsettled group by all order by all").fetchall()
            missing = _lost(settings, con)
    except AutodError as error:
        return [*found, Check("database", "unhealthy", str(error))]
    bad = bool(quarantined)
    note = f"{len(journal.segments(settings.home))} segments, {quarantined or 0} lines quarantined (autod sql 'from quarantined_lines')"
    found.append(Check("journal", "degraded" if bad else "healthy", f"{note}, {torn or 0} bytes of unfinished last lines dropped"))
    found.append(Check("database", "degraded" if missing else "healthy", missing or "open, migrated, as long as the journal"))
    for is_simulated, calls, upper in unsettled:
        money = "simulated USD" if is_simulated else "USD"
        finding = f"{calls} unsettled, which can have cost up to {upper or 0:.6f} {money}: autod sql 'from calls_unsettled'"
        found.append(Check("calls", "healthy" if is_simulated else "degraded", finding))
    return found


def _lost(settings: Settings, con: Any) -> str:
    """Notices rows that a damaged or deleted .wal took: DuckDB itself does not."""
    counted = dict(con.execute("select run_id, events from segments").fetchall())
    parts = " union all ".join(f"select run_id from {tables[0]}" for tables in store.TABLES.values())
    have = dict(con.execute(f"select run_id, count(*) from ({parts}) group by run_id").fetchall())
    short = [run_id for run_id, events in counted.items() if have.get(run_id, 0) < events]
    gone = [path.name for path in journal.segments(settings.home) if journal.run_of(path) not in counted]
    if short or gone:
        return f"rows of {len(short) + len(gone)} runs are missing: move the database and its .wal away, then run `autod load`"
    return ""
