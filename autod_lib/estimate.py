"""What a run over some paths would cost, before anything is spent: nothing is sent, nothing is recorded.

Decided here: that an estimate reads the new documents as a run would, and counts by the same rules, so that it differs from the bill only by what
the model answers and by how pages are rendered. Called by the commands `estimate` and `ingest --dry-run`, and by the notebooks.
"""

import asyncio
from collections.abc import Callable, Container, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from . import prices, prompt, store, tokens
from .ingest import answers_known, due, setup_hash
from .journal import now
from .look import Found, Known, absolute_roots, inbox_of, look
from .pdf import Readers, Reading, limits_for
from .report import Options
from .settings import Settings


@dataclass
class ModeEstimate:
    """What the new documents would take in one input mode: input tokens, and USD expected and at most (None without a price)."""

    documents: int = 0
    input_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)
    cost_upper_usd: Decimal | None = Decimal(0)


@dataclass
class Estimate:
    """Files found, those known, and what the new contents would cost; `chosen` is the mode of the settings, with auto resolved for each."""

    model: str
    simulated: bool
    input_mode: str
    files: int = 0
    known: int = 0
    new_documents: int = 0
    unreadable: int = 0
    pages: int = 0
    by_input_mode: dict[str, ModeEstimate] = field(default_factory=dict)

    def columns(self) -> dict[str, Any]:
        """The estimate as one JSON object, decimals as strings."""
        modes = {
            mode: {name: str(value) if isinstance(value, Decimal) else value for name, value in vars(part).items()}
            for mode, part in self.by_input_mode.items()
        }
        return vars(self) | {"by_input_mode": modes}

    def rows(self) -> list[dict[str, Any]]:
        """One row an input mode: documents, input_tokens, cost_usd and cost_upper_usd (None without a price)."""
        return [{"input_mode": mode, **vars(part)} for mode, part in self.by_input_mode.items()]

    def sentences(self) -> list[str]:
        """The estimate for a person."""
        money = "simulated USD" if self.simulated else "USD"
        found = f"{self.files} files: {self.known} known, {self.new_documents} new documents ({self.pages} pages), {self.unreadable} unreadable."
        chosen = self.by_input_mode.get(self.input_mode)
        if chosen is None:
            return [found, "There is nothing to send: this run costs 0."]
        if chosen.cost_usd is None:
            return [found, f"No price list knows {self.model}: what it costs is unknown."]
        return [found, f"With {self.model} and input {self.input_mode}: about {chosen.cost_usd:.4f} {money}, at most {chosen.cost_upper_usd:.4f}."]


def estimate(paths: Iterable[Path], settings: Settings, progress: Callable[[int, int], None] | None = None) -> Estimate:
    """What `ingest` would do with these paths under these settings. Needs no key.

    Raises: SettingsError for a path that is not there.
    """
    roots = absolute_roots(paths)
    with store.reading(settings.home) as con:
        found = look(con, roots, setup_hash(settings))
        unread = due(found, Options(), settings)
        answered = answers_known(con, settings) if unread else {}
    total = Estimate(settings.model, settings.is_simulated, settings.input_mode, found.files, found.files - len(unread))
    settled = {known.document_sha256 for known in found.known} - {item.document_sha256 for item in unread if isinstance(item, Known)}
    readings, prefix = _apart(_read(unread, settings, progress))
    for reading in readings:
        if reading.document_sha256 is not None and reading.document_sha256 in settled:
            total.known += 1
        else:
            _add(total, reading, prefix, settings, answered)
    return total


def _apart(work: Coroutine[Any, Any, tuple[list[Reading], int]]) -> tuple[list[Reading], int]:
    """Runs it in a thread of its own: a notebook's thread has a loop already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def _read(unread: list[Found | Known], settings: Settings, progress: Callable[[int, int], None] | None) -> tuple[list[Reading], int]:
    readings: dict[str, Reading] = {}

    encoding, _ = tokens.encoding_name(settings.model)
    async with Readers(settings.readers, limits_for(settings), encoding=encoding, vocabulary=str(tokens.vocabulary())) as readers:

        async def one(item: Found | Known) -> None:
            inbox = None if settings.links_outside else inbox_of(item.root)
            reading = await readers.read(item.path, text=True, file=False, inbox=inbox)
            readings[reading.document_sha256 or item.path] = reading
            if progress:
                progress(len(readings), len(unread))

        await asyncio.gather(*(one(item) for item in unread))
        prefix = sum(await asyncio.gather(*(readers.count(part) for part in prompt.prefix_parts(settings.fields)))) + 2 * tokens.MESSAGE_TOKENS
    return list(readings.values()), prefix


def _add(total: Estimate, reading: Reading, prefix: int, settings: Settings, answered: Container[str]) -> None:
    if reading.status != "readable":
        total.unreadable += 1
        return
    pages, tier = reading.page_count or 1, settings.service_tier
    auto = "text" if reading.text_layer == "good" else "file-low"
    for mode in ("auto", "text", "file-low", "file-high"):
        real = auto if mode == "auto" else mode
        if real == "text" and (reading.text_tokens is None or reading.text_layer == "none"):
            continue
        is_answered = prompt.request_key(settings, reading.document_sha256 or "", real) in answered
        if mode == settings.input_mode:
            total.known += is_answered
            total.new_documents += not is_answered
            total.pages += 0 if is_answered else pages
        if is_answered:
            continue
        part = total.by_input_mode.setdefault(mode, ModeEstimate())
        guess = tokens.estimate_document(real, pages, reading.text_tokens, settings.model)
        part.documents += 1
        part.input_tokens += prefix + guess.tokens
        part.cost_usd = _sum(part.cost_usd, prices.expected_cost(settings.model, now(), prefix, guess.tokens, tier))
        part.cost_upper_usd = _sum(
            part.cost_upper_usd,
            prices.upper_bound(settings.model, now(), prefix + 64 + guess.at_most, settings.max_output_tokens, settings.cache_lifetime, tier),
        )


def _sum(total: Decimal | None, part: Decimal | None) -> Decimal | None:
    return None if total is None or part is None else total + part
