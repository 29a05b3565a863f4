"""Is this workspace fit to run? Every part that can fail by itself, with its state and what to do.

Decided here: what is healthy, degraded (works, but somebody should know) and unhealthy (a run would fail), and which of it raises an alert. Called by
the commands `doctor` and `metrics`, and by runs.py when a run of steps ends. Asks no network: of the API it tells what the record says.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from . import alerts, journal, prices, prompt, store, workspace
from .errors import AutodError, MissingKey
from .settings import Settings, unit_of_money

FEW_CALLS: Final = 10  # a share of fewer says nothing
# The parts that alert when they are not healthy; budgets do it by themselves.
ALERTED: Final = ("disk", "journal", "api", "backlog", "vector store", "purge")
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
    """Checks every part, settings first, then disk and record; each finding says what was found or what to do."""
    return [_key(settings), _price(settings), _vocabulary(settings), _disk(settings), *_record(settings)]


def raise_alerts(settings: Settings, segment: journal.Journal, *further: alerts.Alert) -> None:
    """Raises an alert, once a day, of each part that somebody should look at, and those given; hands them on.

    Raises: WorkspaceUnusable when the journal or the database cannot be used.
    """
    with store.reading(settings.home) as con:
        before = alerts.earlier(con, settings.home)
    with alerts.Alerts(settings, segment, before) as channel:
        for alert in further:
            channel.raise_once(alert)
        for check in [_disk(settings), *_record(settings)]:
            if check.part in ALERTED and check.state != "healthy":
                kind = settings.is_simulated if check.part in ("api", "vector store") else None
                channel.raise_once(alerts.Alert("warning", check.part, check.finding, check.state, f"{journal.now():%Y-%m-%d}", kind))


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
    free = shutil.disk_usage(existing(settings.home)).free
    if free >= settings.alert_free_bytes:
        return Check("disk", "healthy", f"{free / 1e9:.1f} GB free for {str(settings.home)!r}")
    return Check("disk", "degraded", f"only {free / 1e9:.1f} GB free for {str(settings.home)!r}: make room, a run on a full disk stops in order")


def existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _record(settings: Settings) -> list[Check]:
    holder = workspace.holder(settings.home)
    found = [Check("workspace", "healthy", f"held by {holder}" if holder else f"{str(settings.home)!r} is free")]
    try:
        with store.reading(settings.home) as con:
            quarantined, torn = con.execute("select sum(poison), sum(torn_bytes) from segments").fetchall()[0]
            unsettled = con.execute("select is_simulated, count(*), sum(cost_upper_usd) from calls_unsettled group by all order by all").fetchall()
            missing = _lost(settings, con)
            behind, size = _behind(settings, con), store.database(settings.home).stat().st_size
            further = [_api(settings, con), *_budgets(settings, con), _backlog(settings, con), _vector_store(settings, con), _purges(con)]
            further.append(_last_run(settings, con))
    except AutodError as error:
        return [*found, Check("database", "unhealthy", str(error))]
    bad = bool(quarantined)
    note = f"{len(journal.segments(settings.home))} segments, {quarantined or 0} lines quarantined (autod sql 'from quarantined_lines')"
    note += f", {torn or 0} bytes of unfinished last lines dropped, {behind:,} bytes not loaded yet"
    found.append(Check("journal", "degraded" if bad else "healthy", note))
    found.append(Check("database", "degraded" if missing else "healthy", missing or f"open, migrated, as long as the journal, {size / 1e6:,.1f} MB"))
    for is_simulated, calls, upper in unsettled:
        money = unit_of_money(is_simulated)
        finding = f"{calls} unsettled, which can have cost up to {upper or 0:.6f} {money}: autod sql 'from calls_unsettled'"
        found.append(Check("calls", "healthy" if is_simulated else "degraded", finding))
    return found + further


def _behind(settings: Settings, con: Any) -> int:
    """Bytes of the journal that the database does not hold yet."""
    loaded = dict(con.execute("select run_id, loaded_bytes from segments").fetchall())
    plain = [path for path in journal.segments(settings.home) if path.suffix != ".gz"]
    return sum(max(0, path.stat().st_size - loaded.get(journal.run_of(path), 0)) for path in plain)


def _api(settings: Settings, con: Any) -> Check:
    """By the last day's calls, and by the breaker of the newest ingest."""
    kind = [settings.is_simulated]
    row = con.execute("select calls, share_failed from calls_by_window where window_name = 'day' and is_simulated = ?", kind).fetchone()
    outage = con.execute(
        "select state, last_reason from api_outages where is_simulated = ? "
        "and run_id = (select max(run_id) from runs_started where command = 'ingest') order by outage desc limit 1",
        kind,
    ).fetchone()
    if outage is not None and outage[0] != "closed":
        return Check("api", "degraded", f"the newest ingest had it for away ({outage[0]}: {outage[1]}): run it again, autod sql 'from api_outages'")
    if row is None or not row[0]:
        return Check("api", "healthy", "not asked within the last day")
    said = f"{row[0]:,} calls within the last day, {row[1] or 0:.0%} of them without an answer"
    if row[0] >= FEW_CALLS and (row[1] or 0) >= settings.alert_failed_share:
        return Check("api", "degraded", f"{said}: autod sql 'from errors_by_kind order by day_utc desc'")
    return Check("api", "healthy", said)


def _budgets(settings: Settings, con: Any) -> list[Check]:
    rows = con.execute(
        "select period, budget_usd, left_usd from budget_status "
        "where budget_usd is not null and period <> 'run' and is_simulated = ? order by period",
        [settings.is_simulated],
    ).fetchall()
    if not rows:
        return [Check("budget", "healthy", "no limit of a day or a month is set")]
    return [
        Check("budget", "healthy", f"{left:.2f} of {budget:.2f} USD of the {period} left")
        if left > 0
        else Check(
            "budget", "degraded", f"nothing left of {budget:.2f} USD of the {period}: wait for the next, or raise AUTOD_BUDGET_{period.upper()}_USD"
        )
        for period, budget, left in rows
    ]


def _backlog(settings: Settings, con: Any) -> Check:
    documents, oldest, open_batches, oldest_batch = con.execute("from backlog").fetchall()[0]
    said = f"{documents:,} documents pending, {open_batches} batches open"
    seen = [instant for instant in (oldest, oldest_batch) if instant is not None]
    hours = (journal.now() - min(seen)).total_seconds() / 3600 if seen else 0.0
    if hours < settings.alert_backlog_hours:
        return Check("backlog", "healthy", said)
    return Check("backlog", "degraded", f"{said}, the oldest for {hours:,.0f} hours: autod ingest PATH, autod batch collect")


def _vector_store(settings: Settings, con: Any) -> Check:
    """By the record: what is held, and what a step that failed has left behind."""
    kind = [settings.is_simulated]
    [(held,)] = con.execute("select count(*) from remote_objects_held where object_kind = 'vector_store_file' and is_simulated = ?", kind).fetchall()
    [(left,)] = con.execute(
        "select count(*) from (from remote_objects where is_simulated = ? and object_id is not null "
        "qualify row_number() over (partition by object_kind, object_id, parent_id order by logged_at desc, run_id desc, seq desc) = 1) "
        "where state = 'left'",
        kind,
    ).fetchall()
    if left:
        return Check("vector store", "degraded", f"{left} objects at the provider are left over: autod sweep")
    return Check("vector store", "healthy", f"{held:,} documents can be searched" if held else "holds nothing")


def _purges(con: Any) -> Check:
    """Whether a person's document that was to be gone is gone: no purge stands half done, and no restored backup brought one back."""
    [(documents, undone)] = con.execute("select count(*), count(*) filter (not is_done) from documents_purged").fetchall()
    if not documents:
        return Check("purge", "healthy", "nothing was purged")
    [(held,)] = con.execute("select count(*) from purged_in_record").fetchall()
    if undone or held:
        found = f"of {documents:,} purged documents {undone:,} are not purged to the end, and the record holds something of {held:,}"
        return Check("purge", "degraded", f"{found}: autod purge goes on with them")
    return Check("purge", "healthy", f"{documents:,} documents were purged, and nothing of them is left")


def _last_run(settings: Settings, con: Any) -> Check:
    """The newest run that was to read or to make pages, and is not going on."""
    row = con.execute(
        "select run_id, command, chain, state, reason, started_at from runs_with_parts "
        "where command in ('ingest', 'run') or starts_with(command, 'batch') order by started_at desc, run_id desc limit 1"
    ).fetchone()
    if row is None:
        return Check("last run", "healthy", "nothing ran yet")
    run_id, command, chain, state, reason, started_at = row
    said = f"{command}{' ' + chain if chain else ''} of {started_at:%Y-%m-%d %H:%M} UTC"
    if any(journal.run_of(path) == run_id and journal.is_alive(path) for path in journal.segments(settings.home)):
        return Check("last run", "healthy", f"{said} is going on")
    if state == "finished":
        return Check("last run", "healthy", f"{said} finished")
    do = f"autod run --rerun {run_id}" if command == "run" else "the same command goes on where it ended"
    return Check("last run", "degraded", f"{said} {state}{f' ({reason})' if reason else ''}: {do}")


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
