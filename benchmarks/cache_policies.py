"""What each way of using the prompt cache costs, by the ledger: `python benchmarks/cache_policies.py [--documents N] [--in-flight N] [--markdown]`.

The real pipeline reads the same generated documents under every policy, each in a workspace of its own, against the simulated API, once for each of
the two behaviours that users report of implicit mode. Tokens are what the answers say, dollars what the ledger makes of them.
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import corpus

from autod_lib import local_api, store
from autod_lib.ingest import ingest
from autod_lib.settings import load_settings

LATENCY_S = 0.5
BEHAVIOURS = ("reads-nothing", "reads-system")
POLICIES: dict[str, dict[str, Any]] = {
    "no cache": {"cache_policy": "none"},
    "implicit": {"cache_policy": "implicit"},
    "explicit, 1 key": {"cache_policy": "explicit", "cache_shards": 1, "cache_lifetime": "30m"},
    "explicit, 1 key, not warmed": {"cache_policy": "explicit", "cache_shards": 1, "cache_lifetime": "30m", "cache_warming": "none"},
    "explicit, keys by load, prewarm": {"cache_policy": "explicit", "cache_lifetime": "30m", "cache_warming": "prewarm"},
    "explicit, keys by load, first call": {"cache_policy": "explicit", "cache_lifetime": "30m", "cache_warming": "first-call"},
    "auto (the default)": {},
}
SUMS = """
select count(*), count(distinct cache_key) filter (where cache_policy <> 'none'), sum(input_tokens - cached_tokens - cache_write_tokens),
       sum(cached_tokens), sum(cache_write_tokens), sum(expected_cached_tokens), sum(expected_write_tokens),
       sum(uncached_usd + cached_usd + cache_write_usd), sum(cost_usd), epoch(max(finished_at)) - epoch(min(started_at))
from calls_finished where status = 'answered'"""


@dataclass(frozen=True)
class Row:
    """One policy under one behaviour: tokens, USD of input and of all, and the calls' seconds from the first sent to the last answered."""

    behaviour: str
    policy: str
    calls: int
    keys: int
    uncached: int
    read: int
    written: int
    expected_read: int
    expected_written: int
    input_usd: Decimal
    cost_usd: Decimal
    seconds: float


def measured(folder: Path, inbox: Path, in_flight: int, model: str) -> Iterator[Row]:
    """Every policy under both behaviours, each in a fresh workspace and with a fresh server."""
    for behaviour in BEHAVIOURS:
        for name, settings in POLICIES.items():
            home = folder / "home"
            shutil.rmtree(home, ignore_errors=True)
            with local_api.running(latency=LATENCY_S, answers="canned", implicit=behaviour) as address:
                ingest([inbox], load_settings({}, home=home, base_url=address, in_flight=in_flight, input_mode="text", model=model, **settings))
            with store.reading(home) as con:
                [sums] = con.execute(SUMS).fetchall()
            yield Row(behaviour, name, *sums)


def table(rows: list[Row], *, markdown: bool) -> Iterator[str]:
    """The rows as text."""
    heads = ("implicit mode", "policy", "calls", "keys", "uncached", "read", "written", "expected read / written", "input USD", "of no cache", "s")
    widths = (14, 35, 6, 5, 10, 10, 10, 24, 10, 12, 5)
    edge = "| " if markdown else ""
    between, end = (" | ", " |") if markdown else ("  ", "")
    yield edge + between.join(f"{head:<{width}}" for head, width in zip(heads, widths, strict=True)) + end
    if markdown:
        yield "|" + "|".join("---" if place < 2 else "---:" for place in range(len(heads))) + "|"
    for row in rows:
        plain = next(each.input_usd for each in rows if each.behaviour == row.behaviour and each.policy == "no cache")
        cells = (
            *(row.behaviour, row.policy, f"{row.calls:,}", f"{row.keys}", f"{row.uncached:,}", f"{row.read:,}", f"{row.written:,}"),
            *(f"{row.expected_read:,} / {row.expected_written:,}", f"{row.input_usd:.6f}", f"{row.input_usd / plain:.1%}", f"{row.seconds:.1f}"),
        )
        yield edge + between.join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)) + end


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--documents", type=int, default=300)
    options.add_argument("--in-flight", type=int, default=64)
    options.add_argument("--model", default="gpt-6-luna")
    options.add_argument("--markdown", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        inbox = corpus.make(folder / "inbox", given.documents)
        for line in table(list(measured(folder, inbox, given.in_flight, given.model)), markdown=given.markdown):
            print(line, flush=True)


if __name__ == "__main__":
    main()
