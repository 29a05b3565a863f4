"""Drift: whether the documents of late, or the answers to them, are like those of a reference window, however often one looks.

Decided here: what is watched (the mix of kinds, stated confidence, which fields are filled, tokens, cost, cache hit rate) and the test. Each new
document gets the rank of its value among all before it; as long as documents come in no particular order, ranks are uniform and independent, so that
betting on them wins nothing in the long run. The wealth of such a bettor is the evidence (a conformal test martingale; Vovk, Gammerman and Shafer
2022): if nothing drifts, the probability that it ever reaches 1 / a is at most a, whenever and however often one looks (Ville 1939). The chance of
any false alarm, over all measures and all looks, is at most FALSE_ALARMS. Called by the command `evaluate`, which raises the alerts, and by the
notebook 30_classification.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final

import duckdb
import polars as pl

from . import journal, metrics, store
from .alerts import Alert, Alerts, earlier
from .report import first_columns
from .settings import Settings

FALSE_ALARMS: Final = 0.05
REFERENCE: Final = 200  # documents that the others are compared with
WATCHED: Final = 20_000  # documents after the start that are looked at
BETS: Final = (-1.6, -0.6, 0.0, 0.6, 1.6)  # stakes on high or low ranks
JUMPS: Final = 0.001  # share of the wealth that moves to another stake with each document
KINDS: Final = 8  # kinds of document watched one by one, the commonest of the reference; the others together
NUMBERS: Final = ("confidence_score", "input_tokens", "output_tokens", "usd", "share_cached")
FILLED: Final = ("issuer_filled", "recipient_filled", "primary_date_filled", "total_amount_filled", "currency_filled")
MEASURES: Final = ("doc_type", *NUMBERS, *FILLED)
SCHEMA: Final[dict[str, Any]] = {
    "measure": pl.String,
    "is_simulated": pl.Boolean,
    "documents": pl.Int64,
    "reference": pl.Float64,
    "recent": pl.Float64,
    "evidence": pl.Float64,
    "evidence_needed": pl.Float64,
    "has_moved": pl.Boolean,
    "moved_at": pl.Datetime("us", "UTC"),
    "what": pl.String,
    "example_sha256s": pl.List(pl.String),
}


def wealth(values: Sequence[float], reference: int, random: Random) -> tuple[list[float], list[float]]:
    """The bettor's wealth after each value beyond the reference, from 1 on, and each value's rank among all up to it, 0 to 1, ties at random."""
    known = sorted(values[:reference])
    shares, rich, ranks = [1 / len(BETS)] * len(BETS), [], []
    for value in values[reference:]:
        below, upto = bisect_left(known, value), bisect_right(known, value)
        rank = (below + random.random() * (upto - below + 1)) / (len(known) + 1)
        known.insert(upto, value)
        total = sum(shares)
        moved = [(1 - JUMPS) * share + JUMPS * total / len(BETS) for share in shares]
        shares = [share * (1 + bet * (rank - 0.5)) for share, bet in zip(moved, BETS, strict=True)]
        rich.append(sum(shares))
        ranks.append(rank)
        if rich[-1] > 1e100:  # enough said, and no float for more
            shares = [share / rich[-1] * 1e100 for share in shares]
    return rich, ranks


def drift(con: duckdb.DuckDBPyConnection, *, is_simulated: bool, since: str = "", reference: int = REFERENCE) -> pl.DataFrame:
    """What has moved since the reference window, the first `reference` documents answered from the UTC day `since` on, most evidence first.

    measure str · is_simulated bool · documents int, beyond the reference · reference, recent float, the mean of the window and of as many of the
    newest documents (of doc_type the share of the kind that moved most) · evidence float, the most there ever was · evidence_needed float ·
    has_moved bool · moved_at UTC, null unless moved · what str, the kind that moved · example_sha256s list of str, of late, that differ most. No
    rows until there are twice as many documents as the reference has.   Source: the view documents_in_order
    """
    sql = "from documents_in_order where is_simulated = $is_simulated and answered_at >= coalesce(cast($since as date), date '0001-01-01')"
    parameters = {"is_simulated": is_simulated, "since": since or None}
    documents = metrics.read(con, f"{sql} order by answered_at, document_sha256 limit {WATCHED}", parameters)
    if documents.height < 2 * reference:
        return pl.DataFrame(schema=SCHEMA)
    rows = [row for measure in MEASURES if (row := _measured(documents, measure, reference)) is not None]
    frame = pl.DataFrame([{"is_simulated": is_simulated, **row} for row in rows], schema=SCHEMA)
    return frame.sort("evidence", "measure", descending=[True, False])


def _measured(documents: pl.DataFrame, measure: str, reference: int) -> dict[str, Any] | None:
    """One measure; None where the reference or the documents after it have too few values of it."""
    known = documents.drop_nulls(measure)
    if measure in NUMBERS:
        known = known.filter(pl.col(measure).cast(pl.Float64).is_finite())
    after = known.height - reference
    if after < reference:
        return None
    if measure == "doc_type":
        kinds = known["doc_type"].to_list()
        named = known["doc_type"].head(reference).value_counts(sort=True)["doc_type"].to_list()[:KINDS]
        series = {kind: [float(each == kind) for each in kinds] for kind in named}
        series["another kind"] = [float(each not in named) for each in kinds]
    else:
        series = {measure: known[measure].cast(pl.Float64).to_list()}
    paths = {}
    for name, values in series.items():
        ties = Random(f"{measure} {name}")  # noqa: S311 - it breaks ties, it keeps no secret
        paths[name] = wealth(values, reference, ties)
    # The mean of several bettors' wealth is the wealth of one who splits the stake among them.
    total = [math.fsum(each) / len(paths) for each in zip(*(rich for rich, _ in paths.values()), strict=True)]
    what = max(paths, key=lambda name: max(paths[name][0]))
    values, ranks = series[what], paths[what][1]
    before, recent = math.fsum(values[:reference]) / reference, math.fsum(values[-reference:]) / reference
    newest = sorted(range(after - reference, after), key=lambda place: (ranks[place] if recent < before else -ranks[place], -place))[:3]
    needed = len(MEASURES) / FALSE_ALARMS
    crossed = next((place for place, each in enumerate(total) if each >= needed), None)
    return {
        "measure": measure,
        "documents": after,
        "reference": before,
        "recent": recent,
        "evidence": max(total),
        "evidence_needed": needed,
        "has_moved": crossed is not None,
        "moved_at": None if crossed is None else known["answered_at"][reference + crossed],
        "what": what if measure == "doc_type" else "",
        "example_sha256s": [known["document_sha256"][reference + place] for place in newest],
    }


def alerts(found: pl.DataFrame, since: str = "") -> Iterator[Alert]:
    """An alert for each measure that has moved, once for each start of the reference. Takes `drift`."""
    for row in found.filter(pl.col("has_moved")).iter_rows(named=True):
        of = f" of {row['what']}" if row["what"] else ""
        yield Alert(
            severity="warning",
            component="drift",
            message=f"{row['measure']}{of} has moved from {row['reference']:.3g} in the reference to {row['recent']:.3g} of late "
            f"(evidence {row['evidence']:.3g}, needed {row['evidence_needed']:.3g}). See 30_classification; if it is meant, set a later start.",
            dedupe_key=row["measure"],
            dedupe_window=since or "ever",
            is_simulated=row["is_simulated"],
        )


def watch(settings: Settings, since: str = "") -> list[Alert]:
    """Raises an alert for what has moved and was not told before; returns those.

    Raises: WorkspaceUnusable, WorkspaceBusy.
    """
    with store.reading(settings.home) as con:
        kinds = [kind for (kind,) in con.execute("select distinct is_simulated from documents_in_order order by all").fetchall()]
        found = [alert for kind in kinds for alert in alerts(drift(con, is_simulated=kind, since=since), since)]
        before = earlier(con, settings.home)
    new = [alert for alert in found if alert.identity not in before.identities]
    if new:
        with journal.Journal(settings.home) as segment:
            arguments = {"drift_since": since or None}
            segment.write("run_started", **first_columns("evaluate", arguments))
            with Alerts(settings, segment, before) as raised:
                for alert in new:
                    raised.raise_once(alert)
            segment.write("run_finished", exit_status=0, state="finished", seconds=0.0, summary={"alerts": len(new)})
        store.load(settings.home)
    return new
