"""The pipeline over many documents: look, read, ask, validate, record; bounded, resumable, paid once.

Decided here: the order of the steps of a document, what is reused, which answers are repaired, which documents a person should look at, and what
stops a run. Promised: every document ends with a status or stays pending; a killed run is resumed by the same command, an answer that was
received is never paid again, and a request whose key is answered is never sent. Called by the command `ingest` and by 10_ingest. Everything it
knows goes through the journal; the database is loaded beside the work and makes it wait for nothing.
"""

import asyncio
import contextlib
import gc
import hashlib
import logging
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from . import alerts, baseline, cache, forecast, glance, journal, logs, prompt, store, tokens, workspace
from .breaker import outage_window
from .document import IN_WORDS, record_schema, schema_version
from .errors import AutodError, BudgetExhausted, RunTimeUp, WorkspaceBusy, WorkspaceUnusable
from .forecast import Forecast
from .look import PURGED, Found, Known, Look, absolute_roots, has_news, inbox_of, look, seen_now
from .report import NAMED, Options, Progress, Report, finish_columns, ingest_columns
from .settings import Settings

LOAD_EVERY_S: Final = 10.0
LOAD_BYTES: Final = 8_000_000  # of a segment, after which it is loaded sooner: the more at once, the more memory that takes
LOOK_EVERY_S: Final = 0.5  # whether it is time to load, or that much was written
REVIEW_BELOW: Final = 0.5  # the developer message asks for review below this confidence
IN_BATCH: Final = "in_batch"  # error kind of a document that waits for a batch
REPAIRABLE_CAP: Final = 2  # an answer cut at the output cap is asked once more with twice the cap
Of = TypeVar("Of")
DOUBTFUL: Final = ("other_model", "absurd_usage", "no_usage")  # what a person should know of a valid answer
log = logging.getLogger("autod")

RECEIVED_SQL = """
with unread as (
    select calls.* from calls_finished as calls anti join (select run_id from runs_finished where state = 'finished') using (run_id)
    where batch_key is null
    union all
    select calls.* from calls_finished as calls anti join extractions using (request_key) where batch_key is not null
)
select request_key, call_id, body, is_simulated from unread as calls join call_bodies using (run_id, call_id)
anti join extractions as given on given.call_id = calls.call_id
where status = 'answered' and body is not null and document_sha256 is not null and is_simulated = $simulated
      and outcome in ('completed', 'invalid', 'refusal', 'incomplete_max_tokens', 'incomplete_content_filter')"""

IN_BATCH_SQL = """
select request_key, document_sha256, batch_key from calls_in_batches where is_open and is_simulated = $simulated"""

FAILED_SQL = "select request_key, count(*) from calls_finished where batch_key is not null and status <> 'answered' group by request_key"

WITHDRAWN_SQL = """
select document_sha256, false as is_purged from deletions group by document_sha256 having max_by(is_deleted, (logged_at, run_id, seq))
union all select document_sha256, true from documents_purged order by is_purged"""

IS_NEW_SQL = "select not exists (from segments)"

ANSWERED_SQL = """
select request_key, max_by(struct_pack(is_valid, review_reasons), (logged_at, run_id, seq)) from extractions
where prompt_hash = $prompt and model = $model and is_simulated = $simulated group by request_key"""


def setup_hash(settings: Settings) -> str:
    """Hash of the settings that shape an answer: a document with a status under the same hash need not be opened."""
    parts = (
        settings.is_simulated,
        prompt.version(settings.fields),
        schema_version(settings.fields),
        settings.model,
        settings.input_mode,
        settings.reasoning_effort,
        settings.verbosity,
        settings.max_output_tokens,
    )
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]


def setup_of(settings: Settings, options: Options) -> str:
    """What a document must have a status under to be done; experiments give none, so that they take every document, and reuse what is answered."""
    if options.stage:
        return options.stage.setup
    return "experiment" if options.experiment else setup_hash(settings)


class Outbox(Protocol):
    """Where a run's requests go that are to be answered later, all together."""

    async def add(self, request: Any, answers_key: str) -> None:
        """Takes a request, and the key that its answer is for."""

    async def send(self) -> None:
        """Sends what was taken and not yet sent."""


class SentLater(Exception):
    """The request went to the outbox: its document stays pending."""


def ingest(
    paths: Iterable[Path],
    settings: Settings,
    options: Options | None = None,
    progress: Callable[[Progress], None] | None = None,
    outbox: Callable[[Any, dict[str, int]], Outbox] | None = None,
    forecasts: Sequence[Forecast] = (),
) -> Report:
    """Reads every document under the paths that the record does not know, and returns what happened.

    With an `outbox`, made of the run's Api and of how often each request failed in a batch, nothing is asked now: its requests go there, and their
    documents stay pending.
    `forecasts` are what it was expected to take, the first being what is done; without any, the run is forecast by the sizes of its files.
    Interrupts (SIGINT, SIGTERM) end it in order when it runs in the main thread. Works inside a notebook, whose own loop it leaves alone.
    Raises: SettingsError, WorkspaceBusy, WorkspaceUnusable before anything is sent; what stops it later is in the report.
    """
    options = options or Options()
    roots = absolute_roots(paths)
    settings.require_key()
    if not (options.experiment or options.stage) and (report := glance.nothing_new(roots, settings, options)) is not None:
        return report
    run_id = journal.new_run_id()
    with held(settings.home, run_id, "ingest", wait=options.wait):
        interrupts = Interrupts()

        def whole() -> Report:
            return asyncio.run(_run(roots, settings, options, progress, run_id, interrupts, outbox, forecasts))

        return beside(whole, interrupts) if in_a_loop() else whole()


def watch(
    paths: Iterable[Path],
    settings: Settings,
    options: Options | None = None,
    progress: Callable[[Progress], None] | None = None,
    every_s: float = 5.0,
) -> Report:
    """Ingests again and again what appears under the paths, until it is interrupted or something stops it; returns the sum of all rounds.

    A round with nothing new writes nothing. Raises: as `ingest`.
    """
    paths = list(paths)
    total: Report | None = None
    tried: set[tuple[str, int]] = set()
    try:
        while True:
            if total is None or _has_news(paths, settings, tried):
                report = ingest(paths, settings, _left(options, total), progress)
                total = report if total is None else total.plus(report)
                if report.stopped_by:
                    return total
            time.sleep(every_s)
    except KeyboardInterrupt:
        if total is None:
            raise
        total.exit_status = 130
        return total


def _left(options: Options | None, total: "Report | None") -> Options | None:
    """The options of a further round: what the rounds before have spent is no longer there to be spent."""
    if options is None or total is None or options.max_usd is None:
        return options
    return replace(options, max_usd=max(Decimal(0), options.max_usd - total.cost_usd - total.unsettled_upper_usd))


def _has_news(paths: list[Path], settings: Settings, tried: set[tuple[str, int]]) -> bool:
    roots = absolute_roots(paths)
    if glance.as_noted(roots, settings) is not None:
        return False
    with store.reading(settings.home) as con:
        found = look(con, roots, setup_hash(settings), settings.max_pdf_bytes)
    return has_news(found, tried)


class Interrupts:
    """Interrupts on their way from the thread that is told of them to the run, which may not have begun yet."""

    def __init__(self) -> None:
        self.early = 0
        self.hand_on: Callable[[], object] | None = None

    def ask(self) -> None:
        """Hands one on, now or when the run begins."""
        if self.hand_on is None:
            self.early += 1
        else:
            self.hand_on()


def beside(whole: Callable[[], Of], interrupts: Interrupts) -> Of:
    """Runs it in a thread of its own, because this one has a loop already, as a notebook's has; an interrupt is handed on to it."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(copy_context().run, whole)
        while True:
            try:
                return future.result()
            except KeyboardInterrupt:
                interrupts.ask()


def in_a_loop() -> bool:
    """Whether this thread has a loop already, as a notebook's has."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@contextlib.contextmanager
def held(home: Path, run_id: str, command: str, *, wait: bool) -> Iterator[None]:
    """Holds the workspace for a run, if it may wait after another has ended.

    Raises: WorkspaceBusy, WorkspaceUnusable.
    """
    while True:
        try:
            lock = workspace.held(home, run_id, command)
            lock.__enter__()
            break
        except WorkspaceBusy:
            if not wait:
                raise
            time.sleep(1.0)
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


async def _run(
    roots: list[str],
    settings: Settings,
    options: Options,
    progress: Callable[[Progress], None] | None,
    run_id: str,
    interrupts: Interrupts,
    outbox: Callable[[Any, dict[str, int]], Outbox] | None,
    forecasts: Sequence[Forecast],
) -> Report:
    begun = time.monotonic()
    setup = setup_of(settings, options)
    tier = prompt.tier_of(settings) if outbox is None else "batch"
    with store.reading(settings.home) as con:
        found = look(con, roots, setup, settings.max_pdf_bytes)
        todo = due(found, options, settings)
        memory = remembered(con, settings, tier) if todo else Memory()
        raised = alerts.earlier(con, settings.home)
        window = outage_window(con, run_id, is_simulated=settings.is_simulated)
    with journal.Journal(settings.home, run_id) as segment:
        segment.write("run_started", **ingest_columns(settings, roots, options))
        run = _Run(settings, options, segment, setup, found, memory, forecasts)
        run.tier, run.outage_window, run.outbox_of = tier, window, outbox
        with alerts.Alerts(settings, segment, raised) as run.alerts:
            async with _signals(run, interrupts):
                run.note_look()
                try:
                    if todo:
                        await run.work(todo, progress)
                        run.alert_spend()
                except AutodError as error:
                    run.stop(error)
        report = run.report(run_id, time.monotonic() - begun)
        is_whole = not isinstance(run.stopped, WorkspaceUnusable)  # else ends are missing: it stays unfinished, so that the ledger names them
        if is_whole:
            segment.write("run_finished", **finish_columns(report))
    del run, found, todo, memory  # what was known of each document: what follows looks once more
    try:
        if is_whole:
            store.load(settings.home)
            if report.stopped_by is None and not report.pending and setup == setup_hash(settings):
                _note_rest(roots, settings, segment)
    except WorkspaceBusy as error:
        log.warning("%s", error)
    except WorkspaceUnusable as error:
        report.exit_status, report.stopped_by = error.exit_status, report.stopped_by or str(error)
    return report


def _note_rest(roots: list[str], settings: Settings, segment: journal.Journal) -> None:
    """Looks once more and, if nothing is left to do, notes what a further run will say, so that it needs no database."""
    before = glance.segments(settings.home), glance.listing(roots)
    with store.reading(settings.home) as con:
        found = look(con, roots, setup_hash(settings), settings.max_pdf_bytes)
    if not (due(found, Options(), settings) or found.vanished or found.unreadable or any(known.is_deleted for known in found.known)):
        further = _Run(settings, Options(), segment, setup_hash(settings), found, Memory())
        further.settle_known()
        glance.note(settings, roots, before, found.files, further.report(segment.run_id, 0.0))


def answers_known(con: Any, settings: Settings) -> dict[str, Any]:
    """The request keys that have an answer under these settings: is_valid and review_reasons of each."""
    asked = {"prompt": prompt.version(settings.fields), "model": settings.model, "simulated": settings.is_simulated}
    return dict(con.execute(ANSWERED_SQL, asked).fetchall())


@dataclass
class Memory:
    """What earlier runs leave to one that has something to read.

    answered: request keys with an answer, is_valid and review_reasons of each · received: request keys whose answer a killed or stopped run had
    received, with it · taken: USD of the budgets, by UTC day · in_batch: request keys that wait for their answer, with the batch of each · waiting:
    their documents · failed_in_batch: how often each request failed in a batch, if this run sends batches · reads: of the prompt cache · bills:
    against their estimates · withdrawn: documents that were deleted, true where nothing is left of them
    """

    answered: dict[str, Any] = field(default_factory=dict)
    received: dict[str, list[Any]] = field(default_factory=dict)
    taken: dict[date, Any] = field(default_factory=dict)
    in_batch: dict[str, str] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    failed_in_batch: dict[str, int] = field(default_factory=dict)
    reads: cache.Observed = field(default_factory=cache.Observed)
    bills: forecast.Seen = field(default_factory=forecast.Seen)
    withdrawn: dict[str, bool] = field(default_factory=dict)


def remembered(con: Any, settings: Settings, tier: cache.Tier) -> Memory:
    """What the record holds for a run under these settings; where no run was loaded yet, it is not searched."""
    from .budget import taken_before

    if con.execute(IS_NEW_SQL).fetchall() == [(True,)]:
        return Memory()
    simulated = settings.is_simulated
    in_batch, waiting = in_batches(con, settings)
    return Memory(
        answered=answers_known(con, settings),
        received={key: kept for key, *kept in con.execute(RECEIVED_SQL, {"simulated": simulated}).fetchall()},
        taken=taken_before(con, is_simulated=simulated),
        in_batch=in_batch,
        waiting=waiting,
        failed_in_batch=dict(con.execute(FAILED_SQL).fetchall()) if tier == "batch" else {},
        reads=cache.observed(con, settings.model, tier, prompt.version(settings.fields), is_simulated=simulated),
        bills=forecast.seen(con, settings),
        withdrawn=dict(con.execute(WITHDRAWN_SQL).fetchall()),
    )


def in_batches(con: Any, settings: Settings) -> tuple[dict[str, str], set[str]]:
    """The request keys that wait for their answer, with the batch of each, and their documents."""
    found = con.execute(IN_BATCH_SQL, {"simulated": settings.is_simulated}).fetchall()
    return {key: batch for key, _, batch in found}, {sha256 for _, sha256, _ in found}


def due(found: Look, options: Options, settings: Settings) -> list[Found | Known]:
    """The files that a run has to read: new and changed ones, pending ones, and on purpose those that failed before.

    The first stage of a policy leaves those that wait for a later one; a later stage takes those that wait for it.
    """
    stage = options.stage
    waiting = {known.path: known for known in found.known if stage and known.status == "pending" and known.error_kind}
    if stage and stage.number > 1:
        return [known for known in waiting.values() if known.error_kind == stage.waiting]
    again = [
        known
        for known in found.known
        if (
            known.status in (None, "pending")
            and known.path not in waiting
            and known.problem is None
            and not (options.experiment and known.is_deleted)
        )
        or (options.retry_failed and known.status == "quarantined")
        or (options.retry_failed and known.status == "failed" and known.failed_runs < settings.document_attempts)
    ]
    purged = [seen_now(known) for known in found.known if options.take_purged and known.problem == PURGED]
    todo: list[Found | Known] = [*found.unread, *again, *purged]
    return todo


def judged(given: Any, page_count: int | None, flags: Iterable[str]) -> tuple[str, str | None, str, list[str] | None]:
    """What an answer makes of its document: status, error kind, sentence, and why a person should look; None where there is nothing to record."""
    if given.outcome in ("error", "malformed", "failed_response", "empty"):
        attempts = f"After {given.calls} attempts: " if given.calls > 1 else ""
        remedy = "Mend or replace the file." if given.error_kind == "http_400" else "Try it again with --retry-failed."
        return "failed", given.error_kind, f"{attempts}{given.message.rstrip('. ')}. {remedy}", None
    record = given.record
    reasons = list(given.problems)
    if record is None and not reasons:
        reasons = [given.message]
    elif record is not None:
        if given.error_kind in DOUBTFUL:
            reasons.append(given.message)
        if record["requires_review"]:
            reasons.append("the model asks for a person")
        if record["confidence_score"] < REVIEW_BELOW:
            reasons.append(f"confidence {record['confidence_score']:.2f} is below {REVIEW_BELOW}")
        if record["page_count"] not in (None, page_count):
            reasons.append(f"the answer says {record['page_count']} pages, the file has {page_count}")
        if "suspicious_text" in flags:
            reasons.append("the document holds text that looks like instructions to a model")
    if reasons:
        kind = None if record is not None else given.outcome
        return "needs_review", kind, f"For a person to look at: {'; '.join(reasons)}.", reasons
    return "processed", None, "", reasons


def extraction_columns(given: Any, reasons: list[str], *, keep_text: bool) -> dict[str, Any]:
    """An answer as the record keeps it, beside what it was asked for: the fields of a valid one, the text of one that is not, if text is kept."""
    return {
        **{name: value for name, value in (given.record or {}).items() if keep_text or name not in IN_WORDS},
        "call_id": given.call_id,
        "is_simulated": given.is_simulated,
        "is_valid": given.record is not None,
        "review_reasons": reasons,
        "raw_answer": given.text if given.record is None and keep_text else None,
    }


def in_batch_sentence(batch_key: str) -> str:
    """Why a document whose request is in an open batch stays pending."""
    return f"Its request is in batch {batch_key}, which is not collected yet: autod batch collect."


class _Run:
    """One run's state: what is known, what became of each document, and why it stops."""

    def __init__(
        self,
        settings: Settings,
        options: Options,
        segment: journal.Journal,
        setup: str,
        found: Look,
        memory: Memory,
        forecasts: Sequence[Forecast] = (),
    ) -> None:
        self.settings, self.options, self.segment, self.setup, self.found = settings, options, segment, setup, found
        self.memory, self.forecasts = memory, forecasts
        self.texts_wanted = memory.bills.texts_wanted(settings.input_mode)
        self._frame_for = lru_cache(partial(prompt.frame_for, settings))  # the settings take longer to hash than all else of it
        self.stopped: AutodError | None = None
        self.interrupted = False
        self.stopping = asyncio.Event()
        self.states: dict[str, str] = {}  # of each content, or of each path that has none
        self.kinds: dict[str, str] = {}
        self.contents: dict[str, str | None] = {}
        self.reviews: set[str] = set()
        self.records: dict[str, dict[str, Any]] = {}  # what was answered in this run, until its stage has settled it
        self.duplicates = 0
        self.tier: cache.Tier = "sync"
        self.outbox_of: Callable[[Any, dict[str, int]], Outbox] | None = None
        self.outbox: Outbox | None = None
        self.alerts: alerts.Alerts | None = None
        self.outage_window = segment.run_id
        self.api: Any = None
        self.readers: Any = None
        self.prefix_tokens = 0
        self.shards: cache.Shards | None = None
        self.warm: dict[int, asyncio.Event] = {}
        self.tasks: list[asyncio.Task[None]] = []
        self.progress = Progress()
        self.taken = 0

    def note_look(self) -> None:
        """Records the look and what it settles by itself: known documents, vanished files, deleted ones that came back."""
        found, write = self.found, self.segment.write
        for folder in found.unreadable:
            sentence = "This folder cannot be listed, so nothing in it was looked at. Make it readable, then run the same command again."
            write("sighting", path=journal.path_text(folder), problem="unreadable", sentence=sentence)
            self._settle(folder, "failed", "unreadable")
        for path in found.vanished:
            write("sighting", path=path, problem="vanished", sentence="It is no longer there.")
        for sha256 in self.settle_known():
            write("deletion", document_sha256=sha256, is_deleted=False, reason="seen again")
        for root in found.roots:
            share = {"files": found.files, "unchanged": len(found.known), "changed": len(found.unread), "vanished": len(found.vanished)}
            write("look", root=journal.path_text(root), seconds=round(found.seconds, 6), **share)

    def settle_known(self) -> list[str]:
        """Notes the state of every known document that is not taken once more; returns those that were deleted and have come back."""
        returned = []
        retried = {item.path for item in due(self.found, self.options, self.settings)}
        for item in self.found.unread:
            if item.path not in retried:  # a later stage of a policy leaves new files to the next run
                self._settle(item.path, "pending")
        for known in self.found.known:
            if known.path in retried:
                continue
            content = known.document_sha256 or known.path
            if known.is_deleted and known.document_sha256 and content not in self.states and not self.options.experiment:
                returned.append(known.document_sha256)
            if known.status == "needs_review":
                self.reviews.add(content)
            is_answered = known.status in ("processed", "needs_review")
            waits = self.options.stage is not None and known.problem is None and known.status in (None, "pending")
            self._settle(content, "reused" if is_answered else "pending" if waits else "failed", known.problem or known.error_kind or known.status)
        return returned

    def _settle(self, content: str, state: str, kind: str | None = None) -> bool:
        """Notes the state of a content once; further paths of it are duplicates. Returns whether it was the first."""
        if content in self.states:
            self.duplicates += 1
            return False
        self.states[content] = state
        if state == "failed" and kind:
            self.kinds[content] = kind
        return True

    def stop(self, error: AutodError) -> None:
        """Lets no further document begin; the first reason counts, the budget's before others, a full disk's above all."""
        if self.stopped is None or (isinstance(error, BudgetExhausted) and not isinstance(self.stopped, WorkspaceUnusable)):
            self.stopped = error
        self.stopping.set()

    def alert_spend(self) -> None:
        """Raises the alerts that what the month has cost, or a budget that stopped the run, is worth."""
        from .budget import exhausted_alert, spend_alerts

        assert self.alerts is not None
        for alert in spend_alerts(self.api.budget, self.settings):
            self.alerts.raise_once(alert)
        if isinstance(self.stopped, BudgetExhausted):
            self.alerts.raise_once(exhausted_alert(self.stopped, self.settings, self.segment.run_id))

    async def work(self, todo: list[Found | Known], progress: Callable[[Progress], None] | None) -> None:
        """Takes the documents through the pipeline, as many at once as calls may be in flight, and the readers a little ahead of them."""
        from .api import Api
        from .budget import budget_for
        from .pdf import Readers, limits_for

        settings = self.settings
        self.progress.total = len(todo)
        encoding, _ = tokens.encoding_name(settings.model)
        budget = budget_for(settings, self.memory.taken, self.options.max_usd)
        queue = iter(todo)
        async with (
            Readers(settings.readers, limits_for(settings), encoding=encoding, vocabulary=str(tokens.vocabulary())) as readers,
            Api(settings, self.segment, budget) as api,
            self._loading(),
            _modules_are_no_garbage(),
        ):
            self.api, self.readers = api, readers
            self.outbox = None if self.outbox_of is None else self.outbox_of(api, self.memory.failed_in_batch)
            if not (self.options.stage and self.options.stage.rules):
                await self._begin_asking(todo, encoding)
            api.stopping = self.stopping
            if self.alerts is not None:
                api.raise_alert, api.outage_window = self.alerts.raise_once, self.outage_window
            if settings.run_deadline_s is not None:
                asyncio.get_running_loop().call_later(settings.run_deadline_s, self.stop, _time_up(settings.run_deadline_s))
            in_flight = asyncio.Semaphore(settings.in_flight)

            async def worker() -> None:
                for item in queue:
                    if self.stopping.is_set() or (self.options.limit is not None and self.taken >= self.options.limit):
                        return
                    self.taken += 1
                    logs.turn_to(None)
                    try:
                        if not self._waits_in_batch(item):
                            await self._document(item, readers, in_flight)
                        self.alert_spend()
                    except AutodError as error:
                        self.stop(error)
                    except Exception as error:
                        content = self.contents.get(item.path)
                        log.exception("%r failed by a fault of autoD; the run goes on", item.path)
                        sentence = f"A fault of autoD: {type(error).__name__}. Please report it; try again with --retry-failed."
                        self._status(content or item.path, "failed", "internal", sentence, time.monotonic(), has_hash=content is not None)
                    self.progress.done += 1
                    self.progress.cost_usd, self.progress.unsettled = api.tally.cost_usd, api.tally.unsettled
                    if progress:
                        progress(self.progress)

            workers = min(settings.in_flight + 2 * settings.readers, len(todo))
            self.tasks = [asyncio.create_task(worker()) for _ in range(workers)]
            await asyncio.gather(*self.tasks, return_exceptions=True)
            # What fits the budget goes; after an interrupt or without an API nothing does, and its documents are as they were.
            if self.outbox is not None and not self.interrupted and (self.stopped is None or isinstance(self.stopped, BudgetExhausted)):
                try:
                    await self.outbox.send()
                except AutodError as error:
                    self.stop(error)

    async def _begin_asking(self, todo: list[Found | Known], encoding: str) -> None:
        """Counts and records the static prefix, how the run uses the prompt cache, and what it is expected to cost."""
        settings = self.settings
        counts = await asyncio.gather(*(self.readers.count(part) for part in prompt.prefix_parts(settings.fields)))
        self.prefix_tokens = sum(counts) + 2 * tokens.MESSAGE_TOKENS
        self.segment.write(
            "prompt_version",
            prompt_hash=prompt.version(settings.fields),
            schema_version=schema_version(settings.fields),
            system=prompt.SYSTEM,
            developer=prompt.DEVELOPER,
            schema=record_schema(settings.fields),
            prefix_tokens=self.prefix_tokens,
            encoding=encoding,
        )
        self.shards = self._shards(len(todo))
        self._forecast(todo)

    def _forecast(self, todo: list[Found | Known]) -> None:
        """Records what the run is expected to cost, before anything is asked."""
        if not self.forecasts:
            asked = [item for item in todo if not self._waits_in_batch(item)][: self.options.limit]
            sizes = [item.size if isinstance(item, Found) else None for item in asked]
            self.forecasts = [forecast.of_sizes(sizes, self.settings, self.memory.bills, self.memory.reads, self.prefix_tokens, tier=self.tier)]
        rows = [each.columns() | {"is_chosen": place == 0, "is_simulated": self.settings.is_simulated} for place, each in enumerate(self.forecasts)]
        self.segment.write_all([("forecast", row) for row in rows])

    @contextlib.asynccontextmanager
    async def _loading(self) -> AsyncIterator[None]:
        """Loads the segment into the database beside the work, when it is time or much was written.

        When somebody else has the database, the next turn does it.
        """
        ended = asyncio.Event()

        def load() -> None:
            self.segment.sync()
            with contextlib.suppress(WorkspaceBusy):
                store.load(self.settings.home, wait_s=0.2, only=self.segment.path)

        async def loop() -> None:
            until, written = time.monotonic() + LOAD_EVERY_S, 0
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), min(LOAD_EVERY_S, LOOK_EVERY_S))
                if ended.is_set() or (time.monotonic() < until and self.segment.bytes < written + LOAD_BYTES):
                    continue
                written = self.segment.bytes
                try:
                    await asyncio.to_thread(load)
                except AutodError as error:
                    self.stop(error)
                until = time.monotonic() + LOAD_EVERY_S

        task = asyncio.create_task(loop())
        try:
            yield
        finally:
            ended.set()
            await task

    def _waits_in_batch(self, item: Found | Known) -> bool:
        """Whether a document's answer is on its way in a batch, so that it need not be opened; it stays pending."""
        if not isinstance(item, Known) or item.error_kind != IN_BATCH or item.document_sha256 not in self.memory.waiting:
            return False
        self._settle(item.document_sha256, "pending")
        return True

    async def _document(self, item: Found | Known, readers: Any, in_flight: asyncio.Semaphore) -> None:
        begun = time.monotonic()
        mode = self.settings.input_mode
        self.states[item.path] = "pending"
        reading = await readers.read(item.path, text=mode in ("auto", "text"), file=mode != "text", inbox=self._inbox(item))
        self.contents[item.path] = reading.document_sha256
        logs.turn_to(reading.document_sha256)
        content = reading.document_sha256 or item.path
        if self.memory.withdrawn.get(content) and not self.options.take_purged:
            self._refuse(item, content)
            return
        self._note_reading(item, reading)
        del self.states[item.path]
        first = content not in self.states
        if not first:
            self.duplicates += 1
            return
        self.states[content] = "pending"
        if reading.status != "readable":
            self._status(content, reading.status, reading.problem, reading.sentence, begun, has_hash=reading.document_sha256 is not None)
            self._move(item.path, "failed", reading)
            return
        try:
            status, kind, sentence, key = await self._answer(reading, in_flight)
        except SentLater:
            return
        stage, number = self.options.stage, None
        if stage:
            status, kind, sentence, number = stage.settled(status, kind, sentence, content, self.records.pop(content, None))
        if status != "pending" or (kind or "").startswith("stage_"):
            self._status(content, status, kind, sentence, begun, key=key, stage=number)
        if status != "pending":
            self._move(item.path, "failed" if status in ("failed", "quarantined") else "processed", reading)

    def _refuse(self, item: Found | Known, sha256: str) -> None:
        """Leaves a purged document alone; only the file's place is recorded, so that it is not opened again."""
        del self.states[item.path]
        if isinstance(item, Found):
            sentence = "This document was purged, so nothing was sent. To read it again on purpose: autod ingest PATH --take-purged."
            about = {"path": journal.path_text(item.path), "document_sha256": sha256, "problem": PURGED, "sentence": sentence}
            self.segment.write("sighting", size_bytes=item.size, modified_ns=item.modified_ns, **about)
        self._settle(sha256, "failed", PURGED)

    def _inbox(self, item: Found | Known) -> Path | None:
        """The folder that links may not leave; None when they may."""
        if self.settings.links_outside:
            return None
        return inbox_of(item.root)

    def _note_reading(self, item: Found | Known, reading: Any) -> None:
        path = journal.path_text(item.path)
        sha256 = reading.document_sha256
        events: list[tuple[str, dict[str, Any]]] = []
        if isinstance(item, Found):
            sighting = {
                "path": path,
                "document_sha256": sha256,
                "size_bytes": item.size,
                "modified_ns": item.modified_ns,
                "problem": None if sha256 else reading.problem,
                "sentence": None if sha256 else reading.sentence,
            }
            events.append(("sighting", sighting))
        if sha256 is not None and sha256 not in self.states:
            text = reading.pages_text
            document = {
                "document_sha256": sha256,
                "sha256_base64": reading.sha256_base64,
                "file_name": journal.path_text(os.path.basename(item.path)),
                "path": path,
                "size_bytes": reading.size_bytes,
                "page_count": reading.page_count,
                "status": reading.status,
                "problem": reading.problem,
                "flags": list(reading.flags),
                "sentence": reading.sentence,
                "text_layer": reading.text_layer,
                "text_reason": reading.text_reason,
                "text_characters": None if text is None else sum(map(len, text)),
                "metadata": reading.metadata if self.settings.keep_text else None,
                "seconds": round(reading.seconds, 6),
            }
            events.append(("document_read", document))
            if sha256 in self.memory.withdrawn and not self.options.experiment:
                events.append(("deletion", {"document_sha256": sha256, "is_deleted": False, "reason": "seen again"}))
            if self.memory.withdrawn.get(sha256):
                events.append(("purge", {"document_sha256": sha256, "state": "taken_back"}))
        if events:
            self.segment.write_all(events)

    def _status(
        self,
        content: str,
        status: str,
        kind: str | None,
        sentence: str,
        begun: float,
        *,
        key: str | None = None,
        stage: int | None = None,
        has_hash: bool = True,
    ) -> None:
        state = {"needs_review": "processed", "reused_review": "reused", "rejected": "failed", "quarantined": "failed"}.get(status, status)
        self.states[content] = state
        if status in ("needs_review", "reused_review"):
            self.reviews.add(content)
        if state == "failed" and kind:
            self.kinds[content] = kind
        log.debug("%s %s: %s", status, content, sentence)
        if has_hash and not self.options.experiment:
            asked = self.options.stage
            of_policy = {"policy_run_id": asked.policy_run_id, "stage": stage, "arm": asked.arm} if asked and stage else {}
            self.segment.write(
                "document_status",
                document_sha256=content,
                setup_hash=self.setup,
                request_key=key,
                is_simulated=self.settings.is_simulated,
                status={"reused": "processed", "reused_review": "needs_review"}.get(status, status),
                error_kind=kind,
                sentence=sentence,
                seconds=round(time.monotonic() - begun, 6),
                **of_policy,
            )

    def _move(self, path: str, kind: str, reading: Any) -> None:
        """Moves a finished file, when asked to; a name that is taken gets the hash. A file without a hash stays where it is."""
        sha256 = reading.document_sha256
        if self.options.move_to is None or sha256 is None or not os.path.isfile(path) or os.path.islink(path):
            return
        folder = self.options.move_to.absolute() / kind
        target = folder / os.path.basename(path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for beginning in (sha256[:8], sha256):
                if target.exists():
                    target = target.with_name(f"{Path(path).stem}-{beginning}{target.suffix}")
            shutil.move(path, target)
            status = target.stat()
        except OSError as error:
            log.warning("%r is done, but could not be moved to %r (%s); it stays where it is", path, str(target), error.strerror)
            return
        self.segment.write("sighting", path=journal.path_text(path), problem="vanished", sentence=f"Moved to {str(target)!r}.")
        self.segment.write(
            "sighting",
            path=journal.path_text(target),
            document_sha256=sha256,
            size_bytes=status.st_size,
            modified_ns=status.st_mtime_ns,
        )

    def _mode(self, reading: Any) -> tuple[str, str | None]:
        """The input mode of a document, or why it cannot be sent."""
        mode = self.settings.input_mode
        if mode == "auto":
            return ("text", None) if reading.text_layer == "good" else ("file-low" if reading.file_base64 else "text", None)
        if mode == "text" and not any(page.strip() for page in reading.pages_text or ()):
            return mode, "It has no text to send; use --input auto or --input file-low."
        return mode, None

    async def _answer(self, reading: Any, in_flight: asyncio.Semaphore) -> tuple[str, str | None, str, str | None]:
        """Status, error kind, sentence and key of a readable document: reused if its key is answered, else asked for."""
        from .api import Request

        settings = self.settings
        name = os.path.basename(reading.path)
        mode, problem = self._mode(reading)
        if problem:
            return "failed", "no_text", problem, None
        if self.options.stage and self.options.stage.rules:
            return self._judge(reading, mode, None, baseline.answer(self.options.stage.rules, reading.pages_text or (), name, reading.page_count))
        repeat = self.options.repeat
        key = prompt.request_key(settings, reading.document_sha256, mode, repeat=repeat)
        if key in self.memory.answered:
            return self._reused(key)
        if key in self.memory.in_batch:
            return "pending", IN_BATCH, in_batch_sentence(self.memory.in_batch[key]), key
        if mode == "text":
            parts = prompt.text_parts(prompt.text_of(name, reading.page_count, reading.pages_text or ()))
        else:
            parts = prompt.file_parts(name, reading.page_count, reading.file_base64, mode.removeprefix("file-"))
        pages, text_tokens = reading.page_count or 1, await self._text_tokens(reading)
        learned = self.memory.bills.learned(mode, "medium" if text_tokens is None else "high")
        estimate = tokens.estimate_document(mode, pages, text_tokens, settings.model, learned=learned)
        if estimate.tokens > settings.max_input_tokens:
            sentence = (
                f"About {estimate.tokens:,} input tokens, more than AUTOD_MAX_INPUT_TOKENS={settings.max_input_tokens:,}; nothing was sent. "
                "Raise the setting, then try again with --retry-failed."
            )
            return "quarantined", "too_long", sentence, key
        prefix = self.prefix_tokens

        def request(place: cache.Place, purpose: str, content: Iterable[bytes], cap: int | None, extra: int) -> Request:
            frame = self._frame(place, cap)
            is_first = purpose == "extract" and cap is None
            further = partial(prompt.request_key, settings, reading.document_sha256, mode, purpose=purpose, output_cap=cap, repeat=repeat)
            return Request(
                body=frame.body(content, place.shard or 0),
                request_key=key if is_first else further(),
                document_sha256=reading.document_sha256,
                arm=prompt.arm(settings, mode, repeat),
                repeat=repeat,
                purpose=purpose,
                model=settings.model,
                input_mode=mode,
                prompt_hash=frame.prompt_hash,
                schema_version=schema_version(settings.fields),
                estimated_input_tokens=prefix + estimate.tokens + extra,
                rule_input_tokens=prefix + estimate.by_rules + extra,
                estimated_pages=pages,
                estimate_confidence=estimate.confidence,
                estimated_output_tokens=self.memory.bills.output_tokens(mode),
                input_tokens_at_most=prefix + 64 + estimate.at_most + 2 * extra,
                output_cap=frame.output_cap,
                **self._cache_columns(frame, place, prefix + estimate.tokens + extra),
            )

        async def ask(purpose: str, content: Iterable[bytes], cap: int | None = None, extra: int = 0) -> Any:
            async with self._placed() as place:
                return await self._ask(request(place, purpose, content, cap, extra), key, until)

        async with in_flight:
            if self.stopping.is_set():
                return "pending", None, "", key
            until = self.api.clock() + settings.document_deadline_s
            given = await ask("extract", parts)
            if given.outcome == "incomplete_max_tokens" and self.api.clock() < until:
                given = await ask("extract", parts, REPAIRABLE_CAP * settings.max_output_tokens)
            if given.outcome == "invalid" and settings.repair and self.api.clock() < until:
                content = prompt.repair_parts(parts, given.text or "", given.problems)
                extra = await self.readers.count((given.text or "")[:20_000]) + 200
                second = await ask("repair", content, extra=extra)
                if second.outcome in ("completed", "invalid"):
                    given = second
        return self._judge(reading, mode, key, given)

    async def _text_tokens(self, reading: Any) -> int | None:
        """Tokens of the text, also of the first files whose text is not sent: so estimates learn what an image costs. It decides nothing else."""
        if reading.pages_text is not None or self.texts_wanted <= 0:
            return reading.text_tokens  # type: ignore[no-any-return]
        self.texts_wanted -= 1
        return (await self.readers.read(reading.path, text=True, file=False)).text_tokens  # type: ignore[no-any-return]

    def _shards(self, files: int) -> cache.Shards:
        """Decides how the run's calls use the prompt cache, and records it."""
        calls = files if self.options.limit is None else min(files, self.options.limit)
        decision = prompt.decide_cache(self.settings, self.prefix_tokens, calls, self.memory.reads, tier=self.tier)
        start = {"model": self.settings.model, "tier": self.tier, "prompt_hash": prompt.version(self.settings.fields)}
        self.segment.write("cache_decided", is_simulated=self.settings.is_simulated, **start, **decision.columns())
        return cache.Shards(decision, calls)

    @contextlib.asynccontextmanager
    async def _placed(self) -> AsyncIterator[cache.Place]:
        """A call's place among the cache keys: one call of a key goes alone first and writes the static prefix; all at once would write it anew."""
        assert self.shards is not None
        place = self.shards.take(time.monotonic())
        if place.shard is None or not (place.leads or place.waits):
            yield place
            return
        if place.waits:
            await self.warm[place.shard].wait()
            yield place
            return
        self.warm[place.shard] = asyncio.Event()
        try:
            if self.shards.decision.choice.warming == "prewarm":
                await self._prewarm(place)
                place = cache.Place(place.shard)
                self._is_warm(place.shard)
            yield place
        finally:
            self._is_warm(place.shard)

    def _is_warm(self, shard: int | None) -> None:
        if shard is not None and self.shards is not None and not self.warm[shard].is_set():
            self.shards.warmed(shard)
            self.warm[shard].set()

    async def _prewarm(self, place: cache.Place) -> None:
        """Writes the static prefix under a key by a call of its own, which belongs to no document and has no output."""
        from .api import Request

        frame = self._frame(place, None, prewarms=True)
        await self.api.ask(
            Request(
                body=frame.body((), place.shard or 0),
                request_key=prompt.request_key(self.settings, frame.cache_key(place.shard or 0), "", purpose="prewarm"),
                document_sha256=None,
                arm=prompt.arm(self.settings, "prewarm"),
                purpose="prewarm",
                model=self.settings.model,
                input_mode=None,
                prompt_hash=frame.prompt_hash,
                schema_version=schema_version(self.settings.fields),
                estimated_input_tokens=self.prefix_tokens,
                estimated_output_tokens=0,
                input_tokens_at_most=self.prefix_tokens + 64,
                output_cap=frame.output_cap,
                **self._cache_columns(frame, place, self.prefix_tokens),
            )
        )

    def _frame(self, place: cache.Place, cap: int | None, *, prewarms: bool = False) -> prompt.Frame:
        assert self.shards is not None
        choice = self.shards.decision.choice
        policy = choice.policy if place.shard is not None else "none"
        return self._frame_for(cap, policy=policy, lifetime=choice.lifetime, prewarms=prewarms)

    def _cache_columns(self, frame: prompt.Frame, place: cache.Place, input_tokens: int) -> dict[str, Any]:
        """What a request says of the cache, and what is expected of it."""
        assert self.shards is not None
        marked = place.shard is not None
        read, written = self.shards.decision.expected_use(leads=place.leads, input_tokens=input_tokens) if marked else (0, 0)
        return {
            "cache_policy": frame.cache_policy,
            "cache_key": frame.cache_key(place.shard or 0),
            "cache_lifetime": frame.cache_lifetime if frame.cache_policy in ("explicit", "implicit") else None,
            "prefix_tokens": self.prefix_tokens,
            "expected_cached_tokens": read,
            "expected_write_tokens": written,
        }

    async def _ask(self, request: Any, key: str, until: float) -> Any:
        """An answer for the document's key: one that was received for this request before, else a new one.

        Raises: SentLater when there is an outbox, which has the request from here on.
        """
        from .answers import received_answer
        from .api import must_be_simulated

        kept = self.memory.received.pop(request.request_key, None)
        if kept is not None:
            asked = {"model": request.model, "service_tier": self.settings.service_tier, "fields": self.settings.fields}
            return received_answer(*kept, **asked)
        if self.outbox is not None:
            await self.outbox.add(request, key)
            raise SentLater
        answer = await self.api.ask(request, until)
        must_be_simulated(self.settings, answer.is_simulated)
        return answer

    def _reused(self, key: str) -> tuple[str, str | None, str, str | None]:
        import orjson

        known = self.memory.answered[key]
        reasons = orjson.loads(known["review_reasons"] or "[]")
        if known["is_valid"] and not reasons:
            return "reused", None, "Answered before; nothing was asked.", key
        return "reused_review", None, "; ".join(reasons) or "The answer breaks the record's rules.", key

    def _judge(self, reading: Any, mode: str, key: str | None, given: Any) -> tuple[str, str | None, str, str | None]:
        """Records the extraction and decides: processed, for a person to look at, or failed."""
        status, kind, sentence, reasons = judged(given, reading.page_count, reading.flags)
        if reasons is not None:
            if key is None:
                asked = {"arm": baseline.ARM, "input_mode": mode, "schema_version": schema_version()}
            else:
                asked = {
                    "arm": prompt.arm(self.settings, mode, self.options.repeat),
                    "model": self.settings.model,
                    "input_mode": mode,
                    "reasoning_effort": self.settings.reasoning_effort,
                    "prompt_hash": prompt.version(self.settings.fields),
                }
            if given.record is not None and self.options.stage:
                self.records[reading.document_sha256] = given.record
            columns = extraction_columns(given, reasons, keep_text=self.settings.keep_text)
            self.segment.write("extraction", **(columns | asked), request_key=key, document_sha256=reading.document_sha256)
        return status, kind, sentence, key

    def report(self, run_id: str, seconds: float) -> Report:
        """The run in figures."""
        states = list(self.states.values())
        todo = due(self.found, self.options, self.settings)
        begun = [item.path for item in todo[: self.taken] if self.states.get(self.contents.get(item.path) or item.path) == "pending"]
        skipped = [item.path for item in todo[self.taken :]]
        report = Report(
            run_id=run_id,
            simulated=self.settings.is_simulated,
            processed=states.count("processed"),
            reused=states.count("reused"),
            failed=states.count("failed"),
            pending=states.count("pending") + len(skipped),
            duplicates=self.duplicates,
            needs_review=len(self.reviews),
            seconds=round(seconds, 3),
            undone=[journal.path_text(path) for path in [*begun, *skipped][:NAMED]],
        )
        report.documents = report.processed + report.reused + report.failed + report.pending
        if self.api is not None:
            tally = self.api.tally
            report.calls, report.cost_usd = tally.calls, tally.cost_usd
            report.input_tokens, report.output_tokens = tally.input_tokens, tally.output_tokens
            report.cached_tokens, report.cache_write_tokens = tally.cached_tokens, tally.cache_write_tokens
            report.calls_unpriced = tally.unpriced
            report.unsettled, report.unsettled_upper_usd = tally.unsettled, tally.unsettled_upper_usd
            report.outages, report.away_s = self.api.breaker.outages, round(self.api.breaker.away_s(time.monotonic()), 3)
        if self.forecasts:
            expected = self.forecasts[0]
            report.forecast_usd, report.forecast_low_usd, report.forecast_high_usd = expected.expected_usd, expected.low_usd, expected.high_usd
        for kind in self.kinds.values():
            report.problems[kind] = report.problems.get(kind, 0) + 1
        report.exit_status = 1 if report.failed else 0
        if self.stopped is not None:
            report.exit_status, report.stopped_by = self.stopped.exit_status, str(self.stopped)
        if self.interrupted:
            report.exit_status = 130
            report.stopped_by = "Interrupted. Everything known is kept; the same command goes on where this one stopped."
        return report


def _time_up(seconds: float) -> RunTimeUp:
    return RunTimeUp(
        f"The {seconds:g} s of AUTOD_RUN_DEADLINE_S are over. Everything known is kept, what is left undone stays pending; the same command goes on "
        "where this one stopped."
    )


@contextlib.asynccontextmanager
async def _modules_are_no_garbage() -> AsyncIterator[None]:
    """Keeps the collector from walking what was imported (half a million objects), and from looking at every few hundred new ones."""
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(10_000, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


@contextlib.asynccontextmanager
async def _signals(run: _Run, interrupts: Interrupts) -> AsyncIterator[None]:
    """The first SIGINT or SIGTERM lets no document begin and the calls in flight end; a second one cuts these off, too."""
    loop = asyncio.get_running_loop()

    def interrupted() -> None:
        if run.interrupted:
            for task in run.tasks:
                task.cancel()
        run.interrupted = True
        run.stopping.set()

    before = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(RuntimeError, ValueError):  # not the main thread: `beside` calls it instead
            handler = signal.getsignal(number)
            loop.add_signal_handler(number, interrupted)
            before[number] = handler
    interrupts.hand_on = lambda: loop.call_soon_threadsafe(interrupted)
    for _ in range(interrupts.early):
        interrupted()
    try:
        yield
    finally:
        interrupts.hand_on = None
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
