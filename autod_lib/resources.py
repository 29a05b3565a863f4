"""What autoD keeps at the provider for searching: a copy of each document in one vector store of this workspace.

Decided here: the store of a workspace, what is said of a document there, in which order the steps are taken and taken back, and what a sweep
may remove. Promised: an intent is in the journal before the step and its effect after it, under a name of our own by which a step whose answer was
lost is found again; when a step fails, those before it are taken back in reverse order, and a failure of that hides nothing; a sweep touches only
what bears this workspace's name. Called by the commands `index`, `search` and `sweep`, and by 50_search. Every upload expires by itself.
"""

import asyncio
import contextlib
import hashlib
import logging
import re
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import uuid4

import orjson
import polars as pl

from . import journal, logs, prices, remote, store
from .errors import ApiUnavailable, AutodError, SettingsError
from .journal import Journal, text_path
from .report import Progress, start_columns
from .settings import Settings
from .workspace import held

OWNER: Final = "autod_workspace"  # the metadata that names our stores
ATTRIBUTES: Final = 16  # that the API allows of a file
LONGEST_ATTRIBUTE: Final = 512
AT_ONCE: Final = 8  # documents on their way into the store
LOOK_AFTER_S: Final = 1.0  # what was sent and got no answer may be under way for so long
FIRST_POLL_S, LONGEST_POLL_S = 0.1, 5.0
Of = TypeVar("Of")
log = logging.getLogger("autod")

WAITING_SQL: Final = """
with seen as (
    select document_sha256, arg_max(path, last_seen_at) as path from sightings where problem is null group by document_sha256
)
select document_sha256, path, file_name, doc_type, issuer, recipient, primary_date, total_amount, currency, language_detected, page_count,
       urgency_level, confidence_score, needs_review, tags, vector_store_file_id, vector_store_attributes
from documents join seen using (document_sha256)
where is_simulated = $simulated and not is_deleted and processing_status in ('processed', 'needs_review') order by document_sha256"""
HELD_SQL: Final = "from remote_objects_held where is_simulated = $simulated order by made_at, object_id"
OWNER_SQL: Final = """
select attributes ->> 'autod_workspace' from remote_objects where object_kind = 'vector_store' and is_simulated = $simulated
order by logged_at, run_id, seq limit 1"""
INTENDED_SQL: Final = """
select object_kind, name from remote_objects where is_simulated = $simulated and name is not null group by all
having count(*) filter (where state = 'intended') > count(*) filter (where state = 'made')"""


class NotIndexed(Exception):
    """A document did not become searchable; whatever was made of it has been taken back, or is named in the record."""


@dataclass
class IndexReport:
    """What a run of `index` did. `documents` = indexed + updated + known + failed + pending."""

    run_id: str
    simulated: bool
    vector_store_id: str | None = None
    documents: int = 0
    indexed: int = 0
    updated: int = 0
    known: int = 0
    failed: int = 0
    pending: int = 0
    seconds: float = 0.0
    exit_status: int = 0
    stopped_by: str | None = None
    problems: dict[str, str] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """The report for a person."""
        lines = [
            f"{self.documents} documents: {self.indexed} indexed, {self.updated} described anew, {self.known} searchable before, "
            f"{self.failed} failed, {self.pending} pending; vector store {self.vector_store_id or 'not made'}; {self.seconds:.1f} s."
        ]
        lines += [f"{name}: {problem}" for name, problem in list(self.problems.items())[:5]]
        return lines + ([self.stopped_by] if self.stopped_by else [])


@dataclass
class SweepReport:
    """What a sweep found: `orphans` are ours and not in the record, `missing` are in the record and not there; `removed` of them are dealt with."""

    simulated: bool
    dry_run: bool
    orphans: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    removed: int = 0
    left: dict[str, str] = field(default_factory=dict)
    exit_status: int = 0

    def sentences(self) -> list[str]:
        """The report for a person."""
        done = "would be removed" if self.dry_run else f"removed ({len(self.left)} could not be)"
        lines = [
            f"{len(self.orphans)} objects at the provider are ours and in no record: {done}. "
            f"{len(self.missing)} of the record are not there any more."
        ]
        return lines + [f"{name}: {problem}" for name, problem in self.left.items()]


def attributes_of(row: dict[str, Any]) -> dict[str, str | float | bool]:
    """What is said of a document in the store: at most 16 attributes, texts of at most 512 characters, what is unknown left out.

    Days are numbers (20260331) too, so that a filter can ask for a period. Source of the limits: the published description.
    """
    day = row["primary_date"]
    told = {
        "document_sha256": row["document_sha256"],
        "file_name": row["file_name"],
        "doc_type": row["doc_type"],
        "issuer": row["issuer"],
        "recipient": row["recipient"],
        "primary_date": day.isoformat() if isinstance(day, date) else None,
        "primary_day": int(f"{day:%Y%m%d}") if isinstance(day, date) else None,
        "total_amount": None if row["total_amount"] is None else float(row["total_amount"]),
        "currency": row["currency"],
        "language_detected": row["language_detected"],
        "page_count": row["page_count"],
        "urgency_level": row["urgency_level"],
        "confidence_score": row["confidence_score"],
        "needs_review": row["needs_review"],
        "tags": ", ".join(orjson.loads(row["tags"])) if row["tags"] else None,
    }
    assert len(told) <= ATTRIBUTES
    return {name: value[:LONGEST_ATTRIBUTE] if isinstance(value, str) else value for name, value in told.items() if value not in (None, "")}


class _Place:
    """The provider and the journal, between which every step is taken."""

    def __init__(
        self, there: remote.Connection, segment: Journal, owner: str, held_rows: list[dict[str, Any]], intended: set[tuple[str, str]]
    ) -> None:
        self.there, self.segment, self.owner, self.intended = there, segment, owner, intended
        self.settings = there.settings
        self.uploads = {row["name"]: row["object_id"] for row in held_rows if row["object_kind"] == "file"}

    def note(self, state: str, kind: str, **about: Any) -> None:
        """Writes one event of an object."""
        self.segment.write("remote_object", state=state, object_kind=kind, is_simulated=self.settings.is_simulated, **about)

    async def kept(self, name: str) -> str | None:
        """The id of an upload that an earlier run left on its way into the store; None if there is none any more."""
        file_id = self.uploads.get(name)
        if file_id is None or await remote.has_file(self.there, file_id):
            return file_id
        self.note("gone", "file", object_id=file_id, name=name, reason="it is not there any more")
        return None

    async def made(self, kind: str, make: Callable[[], Awaitable[str]], find: Callable[[], Awaitable[str | None]], **about: Any) -> str:
        """The id of an object: found where a run that was killed may have made it, else made. Nothing is made twice.

        Raises: what `make` raises; ApiUnavailable when nobody can say whether it was made.
        """
        name = str(about["name"])
        object_id = await find() if (kind, name) in self.intended else None
        if object_id is None:
            self.note("intended", kind, **about)
            try:
                object_id = await make()
            except remote.OutcomeUnknown as error:
                await asyncio.sleep(LOOK_AFTER_S)
                object_id = await find()
                if object_id is None:
                    raise ApiUnavailable(f"{self.settings.base_url} did not say whether it made {name!r}: {error}. Try again later.") from error
        self.note("made", kind, object_id=object_id, **about)
        return object_id

    async def gone(self, kind: str, object_id: str, reason: str, remove: Callable[[], Awaitable[None]], **about: Any) -> Exception | None:
        """Removes an object and says so; what cannot be removed is *left*, and why is returned. Raises nothing but a full disk."""
        self.note("removing", kind, object_id=object_id, reason=reason, **about)
        try:
            await remove()
        except (AutodError, remote.OutcomeUnknown, remote.Missing) as error:
            with logs.about(document_sha256=about.get("document_sha256")):
                log.warning("%s %s could not be removed: %s", kind, object_id, error)
            self.note("left", kind, object_id=object_id, reason=f"{reason}; it could not be removed: {error}", **about)
            return error
        self.note("gone", kind, object_id=object_id, reason=reason, **about)
        return None


async def _store_of(place: _Place, known: list[dict[str, Any]]) -> str:
    """The vector store of this workspace: the one of the record if it is still there and ours, else one found by its metadata, else a new one."""
    there, settings, metadata = place.there, place.settings, {OWNER: place.owner}
    for row in (row for row in known if row["object_kind"] == "vector_store"):
        try:
            found = await remote.vector_store(there, row["object_id"])
        except remote.Missing:
            found = {}
        if found.get("metadata") == metadata and found.get("status") != "expired":
            return str(row["object_id"])
        reason = "it is not ours any more: its metadata were changed" if found else "it is not there any more"
        place.note("gone", "vector_store", object_id=row["object_id"], name=row["name"], reason=reason)

    async def make() -> str:
        return await remote.create_vector_store(there, settings.vector_store, metadata)

    async def find() -> str | None:
        return next((str(each["id"]) for each in await remote.vector_stores(there) if each.get("metadata") == metadata), None)

    lost = await find()
    if lost is not None:
        place.note("made", "vector_store", object_id=lost, name=settings.vector_store, attributes=metadata, reason="found by its metadata")
        return lost
    return await place.made("vector_store", make, find, name=settings.vector_store, attributes=metadata)


async def _index_one(place: _Place, store_id: str, row: dict[str, Any]) -> None:
    """Uploads a document, attaches it and waits until it can be found; when a step fails, those before it are taken back, the last first.

    Raises: NotIndexed; what stops all of it.
    """
    there, settings, sha256 = place.there, place.settings, row["document_sha256"]
    content = await asyncio.to_thread(_content, text_path(row["path"]), sha256)
    name = f"autod-{place.owner}-{sha256}.pdf"
    about = {"document_sha256": sha256, "name": name, "size_bytes": len(content)}
    expires_at = journal.now() + timedelta(days=settings.vector_store_days)
    attributes = attributes_of(row)
    undo: list[Callable[[], Coroutine[Any, Any, object]]] = []
    try:
        file_id = await place.kept(name) or await place.made(
            "file",
            lambda: remote.upload_bytes(there, name, content, int(timedelta(days=settings.vector_store_days).total_seconds())),
            lambda: remote.find_file(there, name, "user_data"),
            expires_at=expires_at,
            **about,
        )
        undo.append(lambda: place.gone("file", file_id, "a later step failed", lambda: remote.delete_file(there, file_id), **about))
        inside = about | {"parent_id": store_id, "attributes": attributes, "expires_at": expires_at}

        async def attach() -> str:
            await remote.attach(there, store_id, file_id, attributes)
            return file_id

        async def attached() -> str | None:
            with contextlib.suppress(remote.Missing):
                return str((await remote.attached(there, store_id, file_id))["id"])
            return None

        await place.made("vector_store_file", attach, attached, **inside)
        undo.append(
            lambda: place.gone("vector_store_file", file_id, "a later step failed", lambda: remote.detach(there, store_id, file_id), **inside)
        )
        await _wait_until_found(place, store_id, file_id)
    except (remote.Missing, NotIndexed, AutodError, asyncio.CancelledError) as error:
        for step in reversed(undo):
            await asyncio.shield(step())
        if isinstance(error, remote.Missing):
            raise NotIndexed(f"the provider does not know it any more: {error}") from error
        raise


async def _wait_until_found(place: _Place, store_id: str, file_id: str) -> None:
    until, pause = time.monotonic() + place.settings.index_deadline_s, FIRST_POLL_S
    while True:
        found = await remote.attached(place.there, store_id, file_id)
        if found.get("status") == "completed":
            return
        if found.get("status") in ("failed", "cancelled"):
            last = found.get("last_error")
            raise NotIndexed(f"the provider could not index it: {last.get('message') if isinstance(last, dict) else found['status']}")
        if time.monotonic() > until:
            raise NotIndexed(f"it was not indexed within AUTOD_INDEX_DEADLINE_S={place.settings.index_deadline_s:g} s")
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_POLL_S)


def _content(path: Path, sha256: str) -> bytes:
    """The bytes of a document as the record knows it. Raises: NotIndexed where it has gone or changed."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NotIndexed(f"{str(path)!r} cannot be read ({error.strerror})") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise NotIndexed(f"{str(path)!r} has changed since it was read; ingest it again")
    return content


async def _describe(place: _Place, store_id: str, row: dict[str, Any]) -> None:
    """Brings the attributes of a document in the store up to what the record says of it now."""
    file_id, attributes = row["vector_store_file_id"], attributes_of(row)
    await remote.describe(place.there, store_id, file_id, attributes)
    about = {"document_sha256": row["document_sha256"], "parent_id": store_id, "attributes": attributes}
    place.note("made", "vector_store_file", object_id=file_id, reason="described anew", **about)


def index(settings: Settings, *, limit: int | None = None, progress: Callable[[Progress], None] | None = None) -> IndexReport:
    """Makes every answered document searchable that is not, and brings what is said of the others up to date.

    Raises: MissingKey, WorkspaceBusy, WorkspaceUnusable before anything is sent; what stops it later is in the report.
    """
    settings.require_key()
    run_id = journal.new_run_id()
    with held(settings.home, run_id, "index"):
        return asyncio.run(_index(settings, run_id, limit, progress))


async def _index(settings: Settings, run_id: str, limit: int | None, progress: Callable[[Progress], None] | None) -> IndexReport:
    begun, simulated = time.monotonic(), {"simulated": settings.is_simulated}
    with store.reading(settings.home) as con:
        rows, known = store.rows(con, WAITING_SQL, simulated), store.rows(con, HELD_SQL, simulated)
        owner = _owner(con, settings)
        intended = set(con.execute(INTENDED_SQL, simulated).fetchall())
    report = IndexReport(run_id, settings.is_simulated, documents=len(rows))
    with Journal(settings.home, run_id) as segment:
        segment.write("run_started", **start_columns(settings, "index", {"limit": limit}))
        try:
            async with remote.connected(settings) as there:
                place = _Place(there, segment, owner, known, intended)
                if rows:
                    report.vector_store_id = await _store_of(place, known)
                await _all(place, report, rows, known, limit, progress)
        except AutodError as error:
            report.exit_status, report.stopped_by = error.exit_status, str(error)
        report.pending = report.documents - report.indexed - report.updated - report.known - report.failed
        report.seconds = round(time.monotonic() - begun, 3)
        report.exit_status = report.exit_status or (1 if report.failed else 0)
        state = "stopped" if report.stopped_by else "finished"
        told = {"exit_status": report.exit_status, "state": state, "reason": report.stopped_by, "seconds": report.seconds, "summary": vars(report)}
        segment.write("run_finished", **told)
    store.load(settings.home)
    return report


async def _all(
    place: _Place,
    report: IndexReport,
    rows: list[dict[str, Any]],
    known: list[dict[str, Any]],
    limit: int | None,
    progress: Callable[[Progress], None] | None,
) -> None:
    """Takes the documents through, a few at once; a bad one is counted and named, what stops all of it ends it in order."""
    store_id = report.vector_store_id
    inside = {row["object_id"] for row in known if row["object_kind"] == "vector_store_file" and row["parent_id"] == store_id}
    state = Progress(total=len(rows))
    queue, taken = iter(rows), 0
    stopped: list[AutodError] = []

    async def worker() -> None:
        nonlocal taken
        assert store_id is not None
        for row in queue:
            if stopped:
                return
            is_inside = row["vector_store_file_id"] in inside
            said = orjson.loads(row["vector_store_attributes"] or "{}") if is_inside else None
            if is_inside and said == orjson.loads(orjson.dumps(attributes_of(row))):
                report.known += 1
            elif limit is None or taken < limit:
                taken += 1
                try:
                    if is_inside:
                        await _describe(place, store_id, row)
                        report.updated += 1
                    else:
                        await _index_one(place, store_id, row)
                        report.indexed += 1
                except (NotIndexed, remote.Missing) as error:
                    report.failed += 1
                    report.problems[row["file_name"]] = f"{error}. Its record is whole; run `autod index` again."
                except AutodError as error:
                    stopped.append(error)
            state.done += 1
            if progress:
                progress(state)

    await asyncio.gather(*(worker() for _ in range(min(AT_ONCE, len(rows)))))
    if stopped:
        raise stopped[0]


def _owner(con: Any, settings: Settings) -> str:
    """The name of this workspace at the provider: that of its first store, else a new one."""
    found = con.execute(OWNER_SQL, {"simulated": settings.is_simulated}).fetchone()
    return str(found[0]) if found and found[0] else uuid4().hex[:12]


def search(settings: Settings, query: str, *, filters: dict[str, Any] | None = None, limit: int = 10) -> pl.DataFrame:
    """What the vector store answers a question with, best first; the search is an event of the ledger, with its price.

    place int · document_sha256, file_name str · is_simulated bool · score float 0–1 · excerpt, doc_type, issuer, primary_date, currency str ·
    total_amount float.
    Raises: SettingsError for an empty query or a store that was never made; MissingKey, ApiUnavailable, ApiRefused.
    """
    if not query.strip():
        raise SettingsError("A search needs a question; nothing was sent. Say what is looked for.")
    settings.require_key()
    with store.reading(settings.home) as con:
        held_rows = store.rows(con, HELD_SQL, {"simulated": settings.is_simulated})
        deleted = {sha256 for (sha256,) in con.execute("select document_sha256 from documents where is_deleted").fetchall()}
    stores = [row["object_id"] for row in held_rows if row["object_kind"] == "vector_store"]
    if not stores:
        raise SettingsError("No document of this workspace is in a vector store yet; nothing was sent. Run `autod index` first.")
    begun = time.monotonic()

    async def ask() -> list[dict[str, Any]]:
        async with remote.connected(settings) as there:
            return await remote.search(there, stores[-1], query, filters, limit)

    try:
        found = _run_anywhere(ask)
    except remote.Missing as error:
        raise SettingsError(
            f"The vector store {stores[-1]!r} is not there any more; nothing was found. Run `autod index`, which makes it anew."
        ) from error
    found = [hit for hit in found if (hit.get("attributes") or {}).get("document_sha256") not in deleted]
    at = journal.now()
    cost = prices.vector_store_cost(at, 0, Decimal(0), searches=1)
    with Journal(settings.home) as segment:
        told = {"query": query, "filters": filters, "hits": len(found), "seconds": round(time.monotonic() - begun, 6), "cost_usd": cost}
        segment.write("search", is_simulated=settings.is_simulated, **told)
    names = ("document_sha256", "file_name", "doc_type", "issuer", "primary_date", "currency", "total_amount")
    rows = []
    for place, hit in enumerate(found, 1):
        said = hit.get("attributes") or {}
        parts = hit.get("content") or []
        excerpt = "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))
        rows.append(
            {"place": place, "is_simulated": settings.is_simulated, "score": hit.get("score"), "excerpt": excerpt}
            | {name: said.get(name) for name in names}
        )
    schema: dict[str, Any] = {"place": pl.Int64, "document_sha256": pl.String, "file_name": pl.String, "is_simulated": pl.Boolean}
    schema |= {
        "score": pl.Float64,
        "excerpt": pl.String,
        "doc_type": pl.String,
        "issuer": pl.String,
        "primary_date": pl.String,
        "total_amount": pl.Float64,
        "currency": pl.String,
    }
    return pl.DataFrame(rows, schema=schema)


def search_if_there(
    settings: Settings, query: str, *, is_simulated: bool, filters: dict[str, Any] | None = None, limit: int = 10
) -> pl.DataFrame | None:
    """The same, or None where there is nothing to ask: no document in a store, no key, or the other kind of money than these settings reach."""
    if is_simulated != settings.is_simulated:
        return None
    with store.reading(settings.home) as con:
        known = con.execute("select count(*) from remote_objects_held where object_kind = 'vector_store_file' and is_simulated = ?", [is_simulated])
        if known.fetchall() == [(0,)]:
            return None
    try:
        return search(settings, query, filters=filters, limit=limit)
    except (SettingsError, ApiUnavailable) as error:
        log.warning("the vector store was not asked: %s", error)
        return None


def side_by_side(by_index: pl.DataFrame | None, by_record: pl.DataFrame) -> pl.DataFrame:
    """What the vector store and the record find for the same question, a row a document, those of the vector store first.

    Takes `search` (None: it was not asked) and metrics.search_record. place_index, place_record int, null where it is not found · found_by str: both,
    index or record · is_simulated bool · document_sha256, file_name, doc_type, issuer str · score_index, score_record float 0–1 · excerpt str.
    """
    columns = ["document_sha256", "file_name", "is_simulated", "doc_type", "issuer", "excerpt", "place", "score"]
    index = by_index if by_index is not None else by_record.clear()
    best = index.select(columns).unique("document_sha256", keep="first", maintain_order=True)
    joined = best.join(by_record.select(columns), on="document_sha256", how="full", coalesce=True, suffix="_record")
    found_by = (
        pl.when(pl.col("place").is_null())
        .then(pl.lit("record"))
        .when(pl.col("place_record").is_null())
        .then(pl.lit("index"))
        .otherwise(pl.lit("both"))
    )
    told = {name: pl.coalesce(name, f"{name}_record") for name in ("is_simulated", "file_name", "doc_type", "issuer", "excerpt")}
    return joined.select(
        place_index="place",
        place_record="place_record",
        found_by=found_by,
        document_sha256="document_sha256",
        score_index="score",
        score_record="score_record",
        **told,
    ).sort("place_index", "place_record", "document_sha256", nulls_last=True)


def filters_of(words: list[str]) -> dict[str, Any] | None:
    """A filter from `NAME=VALUE` words, all of which must hold; numbers and truth values are taken as such.

    >>> filters_of(["doc_type=Invoice", "primary_day>=20260101"])["filters"][1]
    {'type': 'gte', 'key': 'primary_day', 'value': 20260101}

    Raises: SettingsError for a word that is none.
    """
    signs = {">=": "gte", "<=": "lte", "!=": "ne", "=": "eq", ">": "gt", "<": "lt"}
    parts = []
    for word in words:
        found = re.fullmatch(r"(\w+)(>=|<=|!=|=|>|<)(.+)", word)
        if found is None:
            raise SettingsError(f"{word!r} is no filter; nothing was sent. Write NAME=VALUE, or one of != < <= > >= instead of the sign.")
        name, sign, text = found.groups()
        value: Any = {"true": True, "false": False}.get(text, text)
        with contextlib.suppress(ValueError):
            value = int(text) if text.lstrip("-").isdigit() else float(text)
        parts.append({"type": signs[sign], "key": name, "value": value})
    return {"type": "and", "filters": parts} if len(parts) > 1 else parts[0] if parts else None


def sweep(settings: Settings, *, dry_run: bool = False) -> SweepReport:
    """Removes what bears this workspace's name at the provider and is in no record, and notes what of the record is not there any more.

    Files of batches are looked after by their batch, and expire. Raises: MissingKey, WorkspaceBusy, ApiUnavailable, ApiRefused.
    """
    settings.require_key()
    run_id = journal.new_run_id()
    with held(settings.home, run_id, "sweep"):
        return asyncio.run(_sweep(settings, run_id, dry_run))


async def _sweep(settings: Settings, run_id: str, dry_run: bool) -> SweepReport:
    report, simulated = SweepReport(settings.is_simulated, dry_run), {"simulated": settings.is_simulated}
    with store.reading(settings.home) as con:
        known, owner = store.rows(con, HELD_SQL, simulated), _owner(con, settings)
    ids = {row["object_id"] for row in known}
    segment = None if dry_run else Journal(settings.home, run_id)
    with segment or contextlib.nullcontext():
        if segment:
            segment.write("run_started", **start_columns(settings, "sweep", {}))
        async with remote.connected(settings) as there:
            files = {str(each["id"]): each for each in await remote.files(there, "user_data")}
            stores = {str(each["id"]): each for each in await remote.vector_stores(there)}
            ours = {file_id for file_id, each in files.items() if str(each.get("filename")).startswith(f"autod-{owner}-")}
            own_stores = {store_id for store_id, each in stores.items() if each.get("metadata") == {OWNER: owner}}
            orphans = [("file", file_id) for file_id in sorted(ours - ids)] + [("vector_store", each) for each in sorted(own_stores - ids)]
            missing = [row for row in known if row["object_kind"] != "vector_store_file" and row["object_id"] not in {*files, *stores}]
            report.orphans, report.missing = [object_id for _, object_id in orphans], [row["object_id"] for row in missing]
            if segment:
                place = _Place(there, segment, owner, known, set())
                for row in missing:
                    place.note("gone", row["object_kind"], object_id=row["object_id"], name=row["name"], reason="a sweep did not find it")
                for kind, object_id in orphans:
                    delete = remote.delete_file if kind == "file" else remote.delete_vector_store
                    try:
                        await delete(there, object_id)
                    except (AutodError, remote.OutcomeUnknown) as error:
                        report.left[object_id] = str(error)
                    else:
                        place.note("gone", kind, object_id=object_id, reason="a sweep found it in no record")
                        report.removed += 1
        report.exit_status = 1 if report.left else 0
        if segment:
            segment.write("run_finished", exit_status=report.exit_status, state="finished", summary=vars(report))
    if segment:
        store.load(settings.home)
    return report


def withdraw(settings: Settings, segment: Journal, documents: Collection[str]) -> dict[str, str]:
    """Removes the copies of these documents at the provider, noting each before and after; gives those that are left, and why.

    Simulated copies end with the API that held them; real ones need its key. Raises: MissingKey before anything is done; WorkspaceUnusable.
    """
    with store.reading(settings.home) as con:
        rows = [row for row in store.rows(con, "from remote_objects_held order by made_at, object_id") if row["document_sha256"] in documents]
    ours = [row for row in rows if row["is_simulated"] == settings.is_simulated]
    if ours:
        settings.require_key()
    left = {}
    for row in rows:
        if row["is_simulated"] and not settings.is_simulated:
            about = {name: row[name] for name in ("object_kind", "object_id", "parent_id", "document_sha256", "name")}
            segment.write("remote_object", state="gone", is_simulated=True, reason="purged; the simulated API that held it is not asked", **about)
        elif settings.is_simulated and not row["is_simulated"]:
            left[str(row["object_id"])] = "it is at the real API, and these settings reach the simulated one."
    return left | (_run_anywhere(lambda: _withdraw(settings, segment, ours)) if ours else {})


async def _withdraw(settings: Settings, segment: Journal, rows: list[dict[str, Any]]) -> dict[str, str]:
    left: dict[str, str] = {}
    async with remote.connected(settings) as there:
        place = _Place(there, segment, "", [], set())
        waiting = sorted(rows, key=lambda row: row["object_kind"] == "vector_store_file")  # the last goes first: out of the store, then the upload
        while waiting:
            row = waiting.pop()
            object_id, store_id = str(row["object_id"]), row["parent_id"]
            about = {name: row[name] for name in ("parent_id", "document_sha256", "name")}
            remove = partial(remote.detach, there, store_id, object_id) if store_id else partial(remote.delete_file, there, object_id)
            problem = await place.gone(row["object_kind"], object_id, "purged", remove, **about)
            if problem is not None:
                left[object_id] = str(problem)
            if isinstance(problem, ApiUnavailable):  # the others would only wait for it as long
                return left | {str(row["object_id"]): str(problem) for row in waiting}
    return left


def _run_anywhere(work: Callable[[], Coroutine[Any, Any, Of]]) -> Of:
    """Runs it to its end, in a thread of its own where this one has a loop already, as a notebook's has."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, lambda: asyncio.run(work())).result()
