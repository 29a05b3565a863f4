"""Requests sent as batches: half the price, answers within a day, and the same record as one by one.

Decided here: what goes into a batch file, the steps of a batch, how its answers are settled, and when the rest is asked one by one. Promised: a step
is in the journal before the next is taken (intended with every call and its upper bound → uploaded → created → collected), and what a killed process
may have done is looked for by our own name before it is done again: no request is submitted twice, no line that came back is lost, and each is
settled once, by the code that settles a single answer. What came back with no line is asked again by the next run; what was uploaded is deleted
once it is collected, and expires by itself if nobody does. Called by the commands `batch` and `ingest --batch`, and by 10_ingest.
"""

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import orjson

from . import journal, logs, prices, remote, store
from .answers import Answer, End, end_columns, end_of_line, named, price_end, without_key
from .api import Api, Request, Tally, expected_usd, start_columns
from .errors import ApiUnavailable, AutodError, SettingsError, WorkspaceUnusable
from .ingest import IN_BATCH, Interrupts, beside, extraction_columns, held, in_a_loop, in_batch_sentence, ingest, judged, setup_hash
from .report import Options, Progress, Report, finish_columns
from .report import start_columns as run_columns
from .settings import Settings

FOLDER: Final = "batches"  # of the workspace: files of requests until their batch is created
TIER: Final = "batch"
NAME: Final = "autod_batch"  # the metadata that names our batches
KEPT_S: Final = 604_800  # a week after which the provider deletes what nobody collected
LOOK_AFTER_S: Final = 1.0  # what was sent by somebody who was killed, or got no answer, may be under way for so long
LINES_AT_ONCE: Final = 500  # of an output file, settled together
FIRST_POLL_S, LONGEST_POLL_S = 0.25, 60.0
ENDED: Final = ("completed", "failed", "expired", "cancelled")
ASK_AGAIN: Final = "ask_again"  # error kind of a document whose request in a batch brought nothing to keep
ERRORS: Final = ("error", "malformed", "failed_response", "empty")
Of = TypeVar("Of")
log = logging.getLogger("autod")

OPEN_SQL: Final = "from batches where is_open and is_simulated = $simulated order by intended_at, batch_key"

# The starts of calls, with what is known of their documents: those of these ids, or so many that have no end yet, by line of the file.
STARTS_SQL: Final = """
with asked as (
    {asked}
), about as (
    select document_sha256, arg_max_null(page_count, (logged_at, run_id, seq)) as page_count, arg_max_null(flags, (logged_at, run_id, seq)) as flags
    from documents_read semi join asked using (document_sha256) group by document_sha256
)
select * from asked left join about using (document_sha256)"""
OF_IDS: Final = """
    select started.*, 0 as line, finished.call_id is not null as is_settled
    from calls_started as started semi join (select unnest($ids::uuid[]) as call_id) using (call_id)
    left join (select call_id from calls_finished where batch_key = $batch) as finished using (call_id) where batch_key = $batch"""
WITHOUT_END: Final = """
    select lines.*, false as is_settled
    from (select *, row_number() over (order by run_id, seq) as line from calls_started where batch_key = $batch) as lines
    anti join (select call_id from calls_finished where batch_key = $batch union all select unnest($seen::uuid[])) using (call_id)
    order by line limit $most"""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as the record knows it: `requests` in its file, `calls` in the ledger; the provider's names are None until they are known."""

    key: str
    batch_id: str | None
    file_id: str | None
    base_url: str
    model: str
    requests: int
    calls: int
    setup: dict[str, Any]
    intended_at: datetime

    @property
    def metadata(self) -> dict[str, str]:
        """What the provider keeps with it, and finds it by."""
        return {NAME: self.key}

    def file(self, home: Path) -> Path:
        """Where its requests are until it is created."""
        return home / FOLDER / f"autod-batch-{self.key}.jsonl"


def open_batches(settings: Settings) -> list[Batch]:
    """The batches of this kind of money that are not collected yet, oldest first."""
    with store.reading(settings.home) as con:
        found = store.rows(con, OPEN_SQL, {"simulated": settings.is_simulated})
    return [
        Batch(
            row["batch_key"],
            row["batch_id"],
            row["file_id"],
            row["base_url"],
            row["model"],
            row["requests"],
            row["calls"],
            orjson.loads(row["setup"]),
            row["intended_at"],
        )
        for row in found
    ]


class Outbox:
    """The requests of one run on their way into batches, by count and size of a file; one file is sent while the next is filled."""

    def __init__(self, api: Api, failed: dict[str, int], setup: dict[str, Any]) -> None:
        at = journal.now()
        if not prices.is_priced(api.settings.model, at, TIER) and not api.settings.allow_unpriced:
            raise SettingsError(
                f"No price of {api.settings.model!r} in a batch is known, so no budget could hold; nothing was sent. Leave out --batch, choose "
                "another with --model, or allow it on purpose with --allow-unpriced."
            )
        self.api, self.settings, self.failed, self.setup = api, api.settings, failed, setup
        self.there = remote.Connection(api.client, api.settings, api.key)
        self._number = 0
        self._turn = asyncio.Lock()
        self._starts: list[dict[str, Any]] = []
        self._bytes = 0
        self._next()

    def _next(self) -> None:
        self._number += 1
        key = f"{self.api.journal.run_id}-{self._number}"
        self.batch = Batch(key, None, None, self.settings.base_url, self.settings.model, 0, 0, self.setup, journal.now())
        self._starts, self._bytes = [], 0

    async def add(self, request: Request, answers_key: str) -> None:
        """Takes a request; a file that is full is sent first.

        Raises: BudgetExhausted when its upper bound does not fit what the budget has left; WorkspaceUnusable; what `send` raises.
        """
        call_id = uuid4()
        line = b'{"custom_id":"%s","method":"POST","url":"/v1/responses","body":%s}\n' % (str(call_id).encode(), request.body)
        async with self._turn:
            settings = self.settings
            if self._starts and (len(self._starts) >= settings.batch_size or self._bytes + len(line) > settings.batch_bytes):
                await self._send()
            at, lifetime = journal.now(), request.cache_lifetime or "30m"
            upper = prices.upper_bound(request.model, at, request.input_tokens_at_most, request.output_cap, lifetime, TIER)
            estimate = expected_usd(request, at, TIER)
            await self.api.budget.reserve(call_id, upper, waits=False)
            try:
                self._append(line)
            except OSError as error:
                raise WorkspaceUnusable(
                    f"The batch file {str(self.batch.file(settings.home))!r} cannot be written ({error.strerror}); it was not sent. Make room, then "
                    "run the same command again."
                ) from error
            attempt = self.failed.get(request.request_key, 0) + 1
            start = start_columns(request, settings, call_id, attempt, TIER, estimate, upper)
            self._starts.append(start | {"batch_key": self.batch.key, "answers_key": answers_key})
            self._bytes += len(line)

    def _append(self, line: bytes) -> None:
        path = self.batch.file(self.settings.home)
        if not self._starts:
            path.parent.mkdir(mode=0o700, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab") as file:
            file.write(line)

    async def send(self) -> None:
        """Sends what was taken. Raises: ApiRefused, ApiUnavailable, WorkspaceUnusable; what is intended by then is sent by the next run."""
        async with self._turn:
            if self._starts:
                await self._send()

    async def _send(self) -> None:
        batch = replace(self.batch, requests=len(self._starts), calls=len(self._starts))
        events: list[tuple[str, dict[str, Any]]] = [("batch", _step(batch, "intended", self.settings, bytes=self._bytes))]
        events += [("call_started", start) for start in self._starts]
        sentence = in_batch_sentence(batch.key)
        events += [_status(batch, start, "pending", IN_BATCH, sentence) for start in self._starts]
        self.api.journal.write_all(events)  # in one write, the intent first: a call that is in the journal has its batch there
        self.api.journal.sync()
        self._next()
        await _create(self.there, self.api.journal, batch, again=False)


def _step(batch: Batch, state: str, settings: Settings, **further: Any) -> dict[str, Any]:
    return {
        "batch_key": batch.key,
        "state": state,
        "batch_id": batch.batch_id,
        "file_id": batch.file_id,
        "model": batch.model,
        "requests": batch.requests,
        "is_simulated": settings.is_simulated,
        "base_url": batch.base_url,
        "setup": batch.setup if state == "intended" else None,
        **further,
    }


def _status(batch: Batch, start: dict[str, Any], status: str, kind: str | None, sentence: str) -> tuple[str, dict[str, Any]]:
    columns = {
        "document_sha256": start["document_sha256"],
        "setup_hash": batch.setup["setup_hash"],
        "request_key": start["answers_key"],
        "is_simulated": start["is_simulated"],
        "status": status,
        "error_kind": kind,
        "sentence": sentence,
    }
    return "document_status", columns


async def _made_once(
    there: remote.Connection, find: Callable[[], Awaitable[Any]], make: Callable[[], Awaitable[Any]], what: str, *, again: bool
) -> Any:
    """What `make` makes, made once: where it may have been made before (`again`, or an attempt without an answer) it is looked for first."""
    for number in range(there.settings.attempts):
        if again or number:
            await asyncio.sleep(LOOK_AFTER_S * max(1, number))
            if (found := await find()) is not None:
                return found
        try:
            return await make()
        except remote.OutcomeUnknown as error:
            last = error
    raise ApiUnavailable(
        f"{there.settings.base_url} gave no answer to {what} {there.settings.attempts} times, and nothing of it is there; the last said: {last}. "
        "Its documents stay pending; run the same command again later."
    )


async def _create(there: remote.Connection, segment: journal.Journal, batch: Batch, *, again: bool) -> None:
    """Takes a batch from its intent to its creation; `again` where a step may have been taken that the record does not know.

    One whose requests are nowhere any more, or are not all in the ledger, is given up before it was sent. Raises: ApiRefused, ApiUnavailable.
    """
    settings, path = there.settings, batch.file(there.settings.home)
    while True:
        if batch.file_id is None:
            if batch.calls < batch.requests:  # the disk was full, or the power was cut, while they were written
                return _never_sent(there, segment, batch, "not all of its calls were recorded, so that nothing was sent")
            find, make = partial(remote.find_file, there, path.name), partial(remote.upload, there, path, KEPT_S)
            file_id = await (_made_once(there, find, make, "the upload of a batch file", again=again) if path.exists() else find())
            if file_id is None:
                return _never_sent(there, segment, batch, "the file of its requests was gone before the batch was created, so that nothing was sent")
            batch, again = replace(batch, file_id=file_id), False  # no batch was created before its file was recorded
            segment.write("batch", **_step(batch, "uploaded", settings))
        assert batch.file_id is not None
        find_batch = partial(remote.find_batch, there, batch.metadata, batch.intended_at.timestamp())
        make_batch = partial(remote.create_batch, there, batch.file_id, batch.metadata, KEPT_S)
        try:
            made = await _made_once(there, find_batch, make_batch, "the creation of a batch", again=again)
        except remote.Missing:  # the file has expired, or was deleted by somebody
            batch, again = replace(batch, file_id=None), False
            continue
        segment.write("batch", **_step(replace(batch, batch_id=str(made["id"])), "created", settings))
        path.unlink(missing_ok=True)
        return None


def _never_sent(there: remote.Connection, segment: journal.Journal, batch: Batch, reason: str) -> None:
    end = End(status="failed", error_kind="not_sent", message=reason, try_again=True)
    store.load(there.settings.home)  # its calls may be a moment old
    _Settling(there, segment, batch).rest(lambda _: end)
    segment.write("batch", **_step(batch, "gone", there.settings, reason=reason))


class _Settling:
    """The calls of one batch, from the lines of its files to the ledger and the record of their documents."""

    def __init__(self, there: remote.Connection, segment: journal.Journal, batch: Batch) -> None:
        self.there, self.segment, self.batch = there, segment, batch
        self.tally = Tally()
        self.states: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.unknown = self.repeated = 0
        self._seen: set[UUID] = set()  # every call of the batch among these has an end, which need not be loaded to be known

    async def take(self, lines: list[bytes]) -> None:
        """Settles lines of an output or error file; those that are settled already, or of no call of this batch, are passed over and counted."""
        found: dict[UUID, dict[str, Any]] = {}
        for text in lines:
            try:
                line = orjson.loads(text)
                call_id = UUID(line["custom_id"])
            except (orjson.JSONDecodeError, TypeError, KeyError, ValueError, AttributeError):
                self.unknown += 1
                continue
            self.repeated += call_id in self._seen
            if call_id not in self._seen:
                found[call_id] = line
                self._seen.add(call_id)
        starts = self._starts(OF_IDS, ids=list(found))
        self.unknown += len(found) - len(starts)
        self._settle([(start, end_of_line(found[start["call_id"]])) for start in starts if not start["is_settled"]])

    def rest(self, end_of: Callable[[dict[str, Any]], End]) -> int:
        """Settles what no line came back for; returns how many calls that were."""
        count, are_more = 0, True
        while are_more:
            starts = self._starts(WITHOUT_END, most=LINES_AT_ONCE, seen=list(self._seen))
            self._settle([(start, end_of(start)) for start in starts])
            self._seen.update(start["call_id"] for start in starts)
            count += len(starts)
            are_more = len(starts) == LINES_AT_ONCE
        return count

    def _starts(self, asked: str, **given: Any) -> list[dict[str, Any]]:
        with store.reading(self.there.settings.home, up_to_date=False) as con:
            return store.rows(con, STARTS_SQL.format(asked=asked), {"batch": self.batch.key} | given)

    def _settle(self, ends: list[tuple[dict[str, Any], End]]) -> None:
        """Ends of calls into the ledger, all of a group, and only then what they say of their documents."""
        finished_at, given = journal.now(), []
        events: list[tuple[str, dict[str, Any]]] = []
        for start, found in ends:
            with logs.about(document_sha256=start["document_sha256"]):
                end = named(without_key(found, self.there.key), start["model"], TIER, self.batch.setup["fields"])
            cost = price_end(end, start["model"], start["logged_at"], TIER)
            end = replace(end, usage=prices.believable(end.usage))
            columns = {name: value for name, value in start.items() if name not in ("run_id", "seq", "logged_at")}
            events.append(
                ("call_finished", columns | end_columns(end, cost, start["logged_at"], finished_at, None, keep_text=self.there.settings.keep_text))
            )
            self.tally.add(end, cost, start["cost_upper_usd"])
            given.append((start, end, end.answer(start["call_id"], cost.cost_usd, start["is_simulated"], start["attempt"])))
        if events:
            self.segment.write_all(events)
            self.segment.write_all([event for start, end, answer in given for event in self._read(start, end, answer)])

    def _read(self, start: dict[str, Any], end: End, given: Answer) -> list[tuple[str, dict[str, Any]]]:
        why = self._why_again(start, end, given)
        if why:
            self.states["pending"] += 1
            return [_status(self.batch, start, "pending", ASK_AGAIN, f"{why.rstrip('. ')}. It is asked again by the next autod ingest.")]
        flags = orjson.loads(start["flags"] or "[]")
        status, kind, sentence, reasons = judged(given, start["page_count"], flags)
        self.states[status] += 1
        if status == "failed" and kind:
            self.kinds[kind] += 1
        told = [_status(self.batch, start, status, kind, sentence)]
        if reasons is None:
            return told
        asked = {name: start[name] for name in ("document_sha256", "arm", "model", "input_mode", "reasoning_effort", "prompt_hash")}
        extraction = extraction_columns(given, reasons, keep_text=self.there.settings.keep_text) | asked | {"request_key": start["answers_key"]}
        return [("extraction", extraction), *told]

    def _why_again(self, start: dict[str, Any], end: End, given: Answer) -> str:
        """Why a document has to be asked again, as a single request would be at once; empty when this answer is the last word."""
        is_repair = start["purpose"] == "repair"
        if given.outcome in ERRORS:
            return given.message if end.try_again and start["attempt"] < self.there.settings.attempts else ""
        if is_repair:
            return "" if given.outcome in ("completed", "invalid") else f"Its corrected answer did not come: {given.message}"
        if given.outcome == "incomplete_max_tokens" and start["answers_key"] == start["request_key"]:
            return "Its answer was cut off at AUTOD_MAX_OUTPUT_TOKENS"
        return f"Its answer broke rules of the record: {given.problems[0]}" if given.problems and self.there.settings.repair else ""


async def _collect(there: remote.Connection, segment: journal.Journal, batch: Batch, now: dict[str, Any] | None) -> tuple[_Settling, str | None]:
    """Settles a batch that has ended, or is not there any more (None), and clears it away; the second is why it failed as a whole."""
    settling = _Settling(there, segment, batch)
    status = "gone" if now is None else str(now.get("status"))
    files = [str(now[name]) for name in ("output_file_id", "error_file_id") if now and isinstance(now.get(name), str)]
    lost = "the batch is not there any more" if now is None else ""
    failure: str | None = None
    for file_id in files:
        try:
            await remote.read_lines(there, file_id, settling.take, LINES_AT_ONCE)
        except remote.Missing:
            lost = "the file of its answers is not there any more"
    named = _errors(now or {})
    if lost:
        kind, settled = "answers_gone", "unsettled"
    elif status == "completed":
        kind, settled, lost = "no_line", "unsettled", "the batch was completed without a line for it"
    else:
        kind, settled, lost = f"batch_{status}", "failed", named.get(0, f"the batch is {status}, and it was not done")

    def end_of(start: dict[str, Any]) -> End:
        own = named.get(start["line"])
        if own and status == "failed":
            return End(status="failed", error_kind="line_refused", message=own)
        return End(status=settled, error_kind=kind, message=lost, try_again=True)

    without = settling.rest(end_of)
    if status == "failed" and not (named.keys() - {0}):
        failure = f"The batch {batch.key} failed: {lost.rstrip('. ')}. Nothing of it was billed; its documents stay pending."
    odd = [f"{count} {name}" for count, name in ((without, "without a line"), (settling.unknown, "unknown lines"), (settling.repeated, "repeated"))]
    reason = failure or ", ".join(text for text in odd if not text.startswith("0 ")) or None
    if reason:
        log.warning("Batch %s of %d requests: %s", batch.key, batch.requests, reason)
    segment.sync()
    for sent_or_given in (batch.file_id, *files):
        if sent_or_given is not None:
            try:
                await remote.delete_file(there, sent_or_given)
            except ApiUnavailable as error:
                log.warning("A file of batch %s could not be deleted (%s); it expires by itself", batch.key, error)
    counts = now.get("request_counts") if now else None
    counted = {name: counts.get(name) for name in ("completed", "failed")} if isinstance(counts, dict) else {}
    segment.write("batch", **_step(batch, "gone" if now is None else "collected", there.settings, remote_status=status, reason=reason, **counted))
    return settling, failure


def _errors(now: dict[str, Any]) -> dict[int, str]:
    """Why a batch failed in validation, by line of its file from 1; 0 where no line is named."""
    data = (now.get("errors") or {}).get("data") or [] if isinstance(now.get("errors"), dict) else []
    return {each.get("line") or 0: f"{each.get('code')}: {each.get('message')}" for each in data if isinstance(each, dict)}


async def _statuses(there: remote.Connection, batches: list[Batch]) -> dict[str, dict[str, Any] | None]:
    """Each created batch as it stands at the provider; None where it is not there any more."""
    found: dict[str, dict[str, Any] | None] = {}
    for batch in batches:
        if batch.batch_id is not None:
            try:
                found[batch.key] = await remote.batch(there, batch.batch_id)
            except remote.Missing:
                found[batch.key] = None
    return found


def _has_ended(now: dict[str, Any] | None) -> bool:
    return now is None or now.get("status") in ENDED


def _mine(settings: Settings, batches: list[Batch]) -> list[Batch]:
    """The batches that this address knows: a simulated one is a new server with every command, a real one keeps them."""
    mine = [batch for batch in batches if settings.is_simulated or batch.base_url == settings.base_url]
    if len(mine) < len(batches):
        log.warning("%d open batches are of another address than %s; they are left alone", len(batches) - len(mine), settings.base_url)
    return mine


def collect(settings: Settings, *, wait: bool = False) -> Report:
    """Settles every batch that has ended, finishes sending what a killed run had begun to send, and returns what that brought.

    A batch that is still under way is left alone. Nothing is written when there is nothing to do. `wait`: for the workspace.
    Raises: WorkspaceBusy, WorkspaceUnusable, MissingKey, ApiRefused, ApiUnavailable.
    """
    settings.require_key()
    run_id = journal.new_run_id()
    with held(settings.home, run_id, "batch collect", wait=wait):
        return _ran(lambda: _collected(settings, run_id))


class _Interrupted(Exception):
    """An interrupt of the thread that waits, told to the one that works."""


def _ran(begin: Callable[[], Coroutine[Any, Any, Of]]) -> Of:
    """Runs it to its end or until an interrupt, in a thread of its own beside the loop of a notebook."""
    if not in_a_loop():
        return asyncio.run(begin())
    interrupts = Interrupts()

    async def whole() -> Of:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        interrupts.hand_on = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            return await begin()
        except asyncio.CancelledError:
            raise _Interrupted from None

    try:
        return beside(lambda: asyncio.run(whole()), interrupts)
    except _Interrupted:
        raise KeyboardInterrupt from None


async def _collected(settings: Settings, run_id: str) -> Report:
    begun, batches = time.monotonic(), _mine(settings, open_batches(settings))
    report = Report(run_id, settings.is_simulated)
    _clear_unsent(settings.home, batches)
    if not batches:
        return report
    async with remote.connected(settings) as there:
        now = await _statuses(there, batches)
        ready = [batch for batch in batches if batch.batch_id is None or _has_ended(now[batch.key])]
        if ready:
            with journal.Journal(settings.home, run_id) as segment:
                segment.write("run_started", **run_columns(settings, "batch collect", {}))
                try:
                    for batch in ready:
                        await _finish(there, segment, batch, now.get(batch.key), report)
                except AutodError as error:
                    report.exit_status, report.stopped_by = error.exit_status, str(error)
                report.seconds = round(time.monotonic() - begun, 3)
                segment.write("run_finished", **finish_columns(report))
            store.load(settings.home)
    return report


async def _finish(there: remote.Connection, segment: journal.Journal, batch: Batch, now: dict[str, Any] | None, report: Report) -> None:
    """One batch: sent, if that was not finished, or settled; what came of it is added to the report."""
    if batch.batch_id is None:
        await _create(there, segment, batch, again=True)
        return
    settling, failure = await _collect(there, segment, batch, now)
    tally, states = settling.tally, settling.states
    report.processed += states["processed"] + states["needs_review"]
    report.needs_review += states["needs_review"]
    report.failed += states["failed"]
    report.pending += states["pending"]
    report.documents = report.processed + report.failed + report.pending
    for name in ("calls", "input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "cost_usd", "unsettled", "unsettled_upper_usd"):
        setattr(report, name, getattr(report, name) + getattr(tally, name))
    report.calls_unpriced += tally.unpriced
    for kind, count in settling.kinds.items():
        report.problems[kind] = report.problems.get(kind, 0) + count
    report.exit_status = 1 if report.failed else 0
    if failure is not None:
        raise ApiUnavailable(f"{failure} Lower AUTOD_BATCH_SIZE or wait, then run the same command again.")


def _clear_unsent(home: Path, batches: list[Batch]) -> None:
    """Deletes the files of requests that no open batch needs: their run ended before it had recorded them."""
    needed = {batch.file(home) for batch in batches}
    for path in (home / FOLDER).glob("autod-batch-*.jsonl"):
        if path not in needed:
            path.unlink(missing_ok=True)


def submit(paths: Iterable[Path], settings: Settings, options: Options | None = None, progress: Callable[[Progress], None] | None = None) -> Report:
    """Sends what the record does not know under the paths in batches, and waits for nothing; the documents stay pending.

    Raises: as `ingest`.
    """
    collected = collect(settings, wait=bool(options and options.wait))
    if collected.stopped_by:
        return collected
    return collected.plus(_submitted(paths, settings, options or Options(), progress))


def _submitted(paths: Iterable[Path], settings: Settings, options: Options, progress: Callable[[Progress], None] | None) -> Report:
    _check(options)
    settings = settings.model_copy(update={"service_tier": "default"})  # the tier of the work inside a batch is the batch's own
    setup = {"setup_hash": setup_hash(settings), "fields": settings.fields}
    return ingest(paths, settings, options, progress, lambda api, failed: Outbox(api, failed, setup))


def _check(options: Options) -> None:
    if options.move_to is not None:
        raise SettingsError("--move-to does not go with a batch: its answers come when the files may lie elsewhere. Leave one of them out.")


def ingest_in_batches(
    paths: Iterable[Path], settings: Settings, options: Options | None = None, progress: Callable[[Progress], None] | None = None
) -> Report:
    """Reads every document under the paths that the record does not know, by batches: submits, waits, collects, until nothing is left to do.

    A batch older than AUTOD_BATCH_DEADLINE_S is cancelled, and what it has not done is asked one by one, as far as the budget allows. An interrupt
    leaves the batches under way: the same command, or `autod batch collect`, goes on. Raises: as `ingest`.
    """
    options, paths = options or Options(), list(paths)
    _check(options)
    total, is_late = collect(settings, wait=options.wait), False
    try:
        while not total.stopped_by:
            wishes = _left(options, settings, total)
            report = ingest(paths, settings, wishes, progress) if is_late else _submitted(paths, settings, wishes, progress)
            total = total.plus(report)
            batches = _mine(settings, open_batches(settings))
            if not batches or report.exit_status not in (0, 1, 3):
                break
            is_late = _ran(partial(_wait, settings, batches))
            total = total.plus(collect(settings, wait=options.wait))
    except KeyboardInterrupt:
        total.exit_status, total.stopped_by = 130, "Interrupted. The batches go on; autod batch collect fetches their answers."
        return total
    if not total.stopped_by:
        total.exit_status = 1 if total.failed else 0
    return total


def _left(options: Options, settings: Settings, total: Report) -> Options:
    """The options of a further round: without what the rounds before have spent, and what the open batches can still cost."""
    limit = options.max_usd if options.max_usd is not None else settings.budget_run_usd
    if limit is None:
        return options
    with store.reading(settings.home) as con:
        query = "select coalesce(sum(unsettled_upper_usd), 0) from batches where is_open and is_simulated = $simulated"
        [(open_usd,)] = con.execute(query, {"simulated": settings.is_simulated}).fetchall()
    return replace(options, max_usd=max(Decimal(0), limit - total.cost_usd - total.unsettled_upper_usd - open_usd))


async def _wait(settings: Settings, batches: list[Batch]) -> bool:
    """Waits until one of the batches has ended. Those past the deadline are cancelled and waited for; returns whether there were such."""
    pause, cancelled = FIRST_POLL_S, False
    async with remote.connected(settings) as there:
        while True:
            late = [batch for batch in batches if _age_s(batch) >= settings.batch_deadline_s]
            if late and not cancelled:
                for batch in late:
                    if batch.batch_id is not None:
                        await remote.cancel_batch(there, batch.batch_id)
                cancelled = True
            now = await _statuses(there, late or batches)
            ended = [_has_ended(status) for status in now.values()]
            if not ended or (all(ended) if late else any(ended)):
                return bool(late)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_POLL_S)


def _age_s(batch: Batch) -> float:
    return (journal.now() - batch.intended_at).total_seconds()
