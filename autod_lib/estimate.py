"""What a run over some paths would take, before anything is spent: nothing is asked of a model, nothing is recorded.

Decided here: that an estimate reads the new documents as a run would, and counts by the same rules, so that it differs from the bill only by what
the model answers and by how pages are rendered; and what stands beside it: other input modes, service tiers and models. With `exact`, the documents
are sent to the API to be counted there, which costs nothing and keeps nothing. Called by the commands `estimate` and `ingest --dry-run`, and by the
notebooks.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from . import cache, forecast, prices, prompt, store, tokens
from .forecast import Forecast
from .ingest import answers_known, due, in_batches, setup_of
from .journal import now
from .look import Found, Known, absolute_roots, inbox_of, look
from .pdf import Readers, Reading, limits_for
from .report import Options
from .settings import Settings, unit_of_money

MODES: Final = ("auto", *tokens.MODES)
TIERS: Final[tuple[cache.Tier, ...]] = ("sync", "flex", "batch")
Counter = Callable[[bytes], Awaitable[int | None]]


@dataclass
class Estimate:
    """Files found, those known, and what the new contents would take.

    `chosen` is what the settings would do, `by_input_mode`, `by_tier` and `by_model` what else could be done; each is 0 where nothing is new.
    `counted` documents were counted by the API.
    """

    model: str
    simulated: bool
    input_mode: str
    chosen: Forecast
    files: int = 0
    known: int = 0
    new_documents: int = 0
    unreadable: int = 0
    pages: int = 0
    counted: int = 0
    by_input_mode: dict[str, Forecast] = field(default_factory=dict)
    by_tier: dict[str, Forecast] = field(default_factory=dict)
    by_model: dict[str, Forecast] = field(default_factory=dict)

    def columns(self) -> dict[str, Any]:
        """The estimate as one JSON object, decimals as strings."""
        plain = {name: value for name, value in vars(self).items() if not isinstance(value, dict | Forecast)}
        tables = {name: {key: _texts(row) for key, row in table.items()} for name, table in self.tables().items()}
        return plain | {"chosen": _texts(self.chosen)} | tables

    def tables(self) -> dict[str, dict[str, Forecast]]:
        """What stands side by side: `by_input_mode`, `by_tier`, and `by_model` where other models were asked for."""
        return {"by_input_mode": self.by_input_mode, "by_tier": self.by_tier, "by_model": self.by_model}

    def forecasts(self) -> list[Forecast]:
        """Every way that was weighed, the chosen one first: what a run records of what it was expected to take."""
        others = [row for table in self.tables().values() for row in table.values() if row != self.chosen]
        return [self.chosen, *others] if self.chosen.documents else []

    def rows(self) -> list[dict[str, Any]]:
        """One row a way: compared (input mode, tier or model), way, documents, tokens, and USD expected, between what, and at most (None without
        a price)."""
        names = (
            "documents",
            "input_tokens",
            "cached_tokens",
            "cache_write_tokens",
            "output_tokens",
            "expected_usd",
            "low_usd",
            "high_usd",
            "upper_usd",
        )
        return [
            {"compared": table.removeprefix("by_").replace("_", " "), "way": way} | {name: getattr(row, name) for name in names}
            for table, ways in self.tables().items()
            for way, row in ways.items()
        ]

    def sentences(self) -> list[str]:
        """The estimate for a person."""
        money, chosen = unit_of_money(self.simulated), self.chosen
        found = f"{self.files} files: {self.known} known, {self.new_documents} new documents ({self.pages} pages), {self.unreadable} unreadable."
        if not chosen.documents:
            return [found, "There is nothing to send: this run costs 0."]
        if chosen.expected_usd is None:
            return [found, f"No price list knows {self.model}: what it costs is unknown."]
        basis = (
            f"as {chosen.documents_seen:,} documents of the ledger were billed"
            if chosen.documents_seen
            else "half to double of it, as no such document was billed yet"
        )
        counted = f" The API counted {self.counted} of them exactly." if self.counted else ""
        return [
            found,
            f"With {self.model} and input {self.input_mode}: about {chosen.expected_usd:.4f} {money}, in four of five runs {chosen.low_usd:.4f} to "
            f"{chosen.high_usd:.4f} ({basis}), at most {chosen.upper_usd:.4f}.{counted}",
        ]


def _texts(row: Forecast) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in row.columns().items()}


@dataclass(frozen=True, slots=True)
class _Read:
    """What an estimate keeps of a document that it has read."""

    document_sha256: str | None
    is_readable: bool
    page_count: int
    text_tokens: int | None
    text_layer: str
    exact_tokens: int | None


def estimate(
    paths: Iterable[Path],
    settings: Settings,
    progress: Callable[[int, int], None] | None = None,
    *,
    options: Options | None = None,
    models: Sequence[str] = (),
    exact: bool = False,
) -> Estimate:
    """What `ingest` would do with these paths under these settings and options, beside other input modes and tiers, and beside other `models`.

    Needs no key, but for `exact`. Raises: SettingsError for a path that is not there; with `exact` also MissingKey, ApiRefused, ApiUnavailable.
    """
    options = options or Options()
    roots = absolute_roots(paths)
    with store.reading(settings.home) as con:
        found = look(con, roots, setup_of(settings, options), settings.max_pdf_bytes)
        todo = due(found, options, settings)
        unread = todo[: options.limit]
        answered = answers_known(con, settings) | in_batches(con, settings)[0] if unread else {}
        seen = {name: forecast.seen(con, settings.model_copy(update={"model": name})) for name in (settings.model, *models)}
        prompt_hash = prompt.version(settings.fields)
        cached = {(name, tier): cache.observed(con, name, tier, prompt_hash, is_simulated=settings.is_simulated) for name in seen for tier in TIERS}
    tier = prompt.tier_of(settings)
    nothing = Forecast("read", settings.model, tier, settings.input_mode)
    total = Estimate(settings.model, settings.is_simulated, settings.input_mode, nothing, found.files, found.files - len(todo))
    settled = {known.document_sha256 for known in found.known} - {item.document_sha256 for item in unread if isinstance(item, Known)}
    readings, prefix = _apart(_read(unread, settings, progress, exact)) if unread else ([], 0)
    documents: dict[str, list[forecast.Document]] = {}
    for reading in readings:
        if reading.document_sha256 is not None and reading.document_sha256 in settled:
            total.known += 1
        elif not reading.is_readable:
            total.unreadable += 1
        else:
            _sort_in(total, reading, settings, answered, documents, options.repeat)

    def weighed(mode: str, tier: cache.Tier, model: str = settings.model) -> Forecast:
        under = settings if model == settings.model else settings.model_copy(update={"model": model})
        of = documents.get(mode, [])
        return forecast.of_documents(of, under, seen[model], cached[model, tier], prefix, tier=tier, input_mode=mode)

    total.chosen = weighed(settings.input_mode, tier)
    if total.chosen.documents:
        total.by_input_mode = {mode: weighed(mode, tier) for mode in MODES if documents.get(mode)}
        total.by_tier = {each: weighed(settings.input_mode, each) for each in TIERS if _is_sold(settings, each)}
        total.by_model = {name: weighed(settings.input_mode, tier, name) for name in seen} if models else {}
    return total


def _is_sold(settings: Settings, tier: cache.Tier) -> bool:
    return prices.is_priced(settings.model, now(), settings.service_tier if tier == "sync" else tier) or not prices.is_priced(settings.model, now())


def _apart(work: Coroutine[Any, Any, tuple[list[_Read], int]]) -> tuple[list[_Read], int]:
    """Runs it in a thread of its own: a notebook's thread has a loop already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def _read(unread: list[Found | Known], settings: Settings, progress: Callable[[int, int], None] | None, exact: bool) -> tuple[list[_Read], int]:
    from .api import counting

    found: dict[str, _Read] = {}
    encoding, _ = tokens.encoding_name(settings.model)
    in_flight = asyncio.Semaphore(settings.in_flight if exact else len(unread))
    async with AsyncExitStack() as stack:
        count = await stack.enter_async_context(counting(settings)) if exact else None
        vocabulary = str(tokens.vocabulary())
        readers = await stack.enter_async_context(Readers(settings.readers, limits_for(settings), encoding=encoding, vocabulary=vocabulary))
        prefix = sum(await asyncio.gather(*(readers.count(part) for part in prompt.prefix_parts(settings.fields)))) + 2 * tokens.MESSAGE_TOKENS

        async def one(item: Found | Known) -> None:
            inbox = None if settings.links_outside else inbox_of(item.root)
            async with in_flight:
                reading = await readers.read(item.path, text=True, file=exact, inbox=inbox)
                counted = await _counted(reading, settings, count) if count and reading.status == "readable" else None
            own = None if counted is None else counted - prefix
            kept = _Read(
                reading.document_sha256,
                reading.status == "readable",
                reading.page_count or 1,
                reading.text_tokens,
                reading.text_layer,
                own,
            )
            found[reading.document_sha256 or item.path] = kept
            if progress:
                progress(len(found), len(unread))

        await asyncio.gather(*(one(item) for item in unread))
    return list(found.values()), prefix


async def _counted(reading: Reading, settings: Settings, count: Counter) -> int | None:
    """Tokens of the request that would be made of this document, as the API counts them."""
    mode = _auto(reading.text_layer) if settings.input_mode == "auto" else settings.input_mode
    name, pages = os.path.basename(reading.path), reading.page_count
    if mode == "text":
        content = prompt.text_parts(prompt.text_of(name, pages, reading.pages_text or ()))
    else:
        content = prompt.file_parts(name, pages, reading.file_base64 or b"", mode.removeprefix("file-"))
    return await count(prompt.frame_for(settings, policy="none").body(content))


def _auto(text_layer: str) -> str:
    return "text" if text_layer == "good" else "file-low"


def _sort_in(total: Estimate, reading: _Read, settings: Settings, answered: Any, documents: dict[str, list[forecast.Document]], repeat: int) -> None:
    """Adds a document to every mode in which it can be sent and is neither answered nor in a batch."""
    for mode in MODES:
        real = _auto(reading.text_layer) if mode == "auto" else mode
        if real == "text" and (reading.text_tokens is None or reading.text_layer == "none"):
            continue
        is_answered = prompt.request_key(settings, reading.document_sha256 or "", real, repeat=repeat) in answered
        is_chosen = mode == settings.input_mode
        if is_chosen:
            total.known += is_answered
            total.new_documents += not is_answered
            total.pages += 0 if is_answered else reading.page_count
            total.counted += not is_answered and reading.exact_tokens is not None
        if not is_answered:
            chosen = _auto(reading.text_layer) if settings.input_mode == "auto" else settings.input_mode
            exact = reading.exact_tokens if real == chosen else None
            documents.setdefault(mode, []).append(forecast.Document(real, reading.page_count, reading.text_tokens, exact))
