"""Which of two ways is better, and is it sure: the statistics of arms that answered the same documents.

Decided here: that arms are compared on the documents that both answered, how sure a difference must be (5 %, after Holm's correction over all pairs),
and that "not decided" is an answer, given with the number of documents that would decide. Called by policies.py, the command `compare` and
40_experiments, with a connection of `store.reading` or with answers of any other origin. Asks nobody, writes nothing.

A document is the unit that is drawn: everything is resampled by document, so that fields of one document are never taken as independent. The exact
test of McNemar (1947) is used where a document is right or wrong; where several fields count, its extension, the sign-flip test of the documents'
differences (Fisher 1935). Holm (1979): Scandinavian Journal of Statistics 6. Sample size for paired shares: Connor (1987), Biometrics 43.
Intervals of a difference: percentile bootstrap by document (Efron 1979). Random draws have a fixed seed: the same record gives the same figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from math import ceil, log, sqrt
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from .intervals import mcnemar, trials_in_effect, wilson

EVERY: Final = "(all)"
SURE: Final = 0.05  # chance of calling one difference real, over all pairs, where there is none
POWER: Final = 0.8  # chance of deciding, with the documents that are said to be needed
Z_SURE, Z_POWER = 1.959964, 0.841621  # of the normal distribution, for the two above
DRAWS: Final = 2000
SEED: Final = 20261126
LEAST_SHARE: Final = 0.5  # an arm that leaves fewer of the documents in common is compared pair by pair only

Floats = npt.NDArray[np.float64]

ANSWERS_SQL: Final = """
with scored as (
    select document_sha256, arm, sum(cast(is_right as integer)) as right_fields, count(*) as labelled, any_value(confidence_score) as confidence,
           any_value(answer) as answer
    from scored_fields where is_simulated = $simulated and (field = $field or $field = '(all)') and not regexp_matches(arm, ' · repeat [0-9]+$')
    group by document_sha256, arm
)
select document_sha256, arm, right_fields, labelled, confidence, answer, case when arm = 'rules' then 0 else cost_usd end as cost_usd,
       case when arm = 'rules' then 0 else latency_s end as latency_s
from scored left join (from cost_by_document_and_arm where is_simulated = $simulated) as cost using (document_sha256, arm)
order by document_sha256, arm"""


@dataclass(frozen=True)
class Answers:
    """What arms answered to labelled documents: arrays of documents × arms, NaN (answer: None) where an arm was not asked.

    right_fields: labelled fields answered rightly, `labelled` (documents): of how many. cost_usd, latency_s, confidence (0–1) as recorded.
    `answer` is what a vote compares; None: no answer.
    """

    documents: list[str]
    arms: list[str]
    right_fields: Floats
    labelled: Floats
    cost_usd: Floats
    latency_s: Floats
    confidence: Floats
    answer: npt.NDArray[np.object_]

    def of(self, arms: Sequence[str]) -> "Answers":
        """These arms, in this order, on the documents that all of them answered."""
        columns = [self.arms.index(arm) for arm in arms]
        return self.at(np.asarray(~np.isnan(self.right_fields[:, columns]).any(axis=1)), columns)

    def at(self, rows: npt.NDArray[Any], columns: Sequence[int] | None = None) -> "Answers":
        """Some of the documents: a mask, or their places; of some arms."""
        chosen = list(range(len(self.arms))) if columns is None else list(columns)
        parts = [part[rows][:, chosen] for part in (self.right_fields, self.cost_usd, self.latency_s, self.confidence, self.answer)]
        documents = [str(name) for name in np.array(self.documents, dtype=object)[rows]]
        return Answers(documents, [self.arms[place] for place in chosen], parts[0], self.labelled[rows], *parts[1:])

    @property
    def is_right(self) -> npt.NDArray[np.bool_]:
        """Whether every labelled field of a document is right, by arm."""
        return np.asarray(self.right_fields == self.labelled[:, None])


def answers(con: Any, field: str = EVERY, *, is_simulated: bool) -> Answers:
    """What the record holds of labelled documents: of one field, or of all labelled fields together. Repetitions of an arm are left out.

    Source: sql/views/30_scored_fields.sql, 91_cost_by_document_and_arm.sql
    """
    rows = con.execute(ANSWERS_SQL, {"simulated": is_simulated, "field": field}).fetchall()
    documents, arms = sorted({row[0] for row in rows}), sorted({row[1] for row in rows})
    place, column = {name: index for index, name in enumerate(documents)}, {name: index for index, name in enumerate(arms)}
    right, cost, latency, confidence = (np.full((len(documents), len(arms)), np.nan) for _ in range(4))
    said = np.full((len(documents), len(arms)), None, dtype=object)
    labelled = np.zeros(len(documents))
    for sha256, arm, hits, fields, sure, answer, usd, seconds in rows:
        at = place[sha256], column[arm]
        right[at], labelled[at[0]], said[at] = hits, fields, answer
        for values, value in ((cost, usd), (latency, seconds), (confidence, sure)):
            values[at] = np.nan if value is None else float(value)
    return Answers(documents, arms, right, labelled, cost, latency, confidence, said)


def in_common(given: Answers) -> Answers:
    """The arms that answered the most documents, on those that all of them answered; arms that would halve these are left out."""
    counts = {arm: int((~np.isnan(given.right_fields[:, place])).sum()) for place, arm in enumerate(given.arms)}
    kept: list[str] = []
    for arm in sorted(counts, key=lambda name: (-counts[name], name)):
        if len(given.of([*kept, arm]).documents) >= LEAST_SHARE * max(counts.values()):
            kept.append(arm)
    return given.of(sorted(kept))


def log_choose(n: int) -> Floats:
    """Logarithms of n over 0, 1, … n."""
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    return np.asarray(factorials[n] - factorials - factorials[::-1])


def binomial_at_most(hits: int, n: int, share: float) -> float:
    """Chance of at most so many hits in n trials."""
    if hits >= n or share <= 0:
        return 1.0
    if hits < 0 or share >= 1:
        return 0.0
    k = np.arange(hits + 1)
    return float(min(1.0, np.exp(log_choose(n)[: hits + 1] + k * log(share) + (n - k) * log(1 - share)).sum()))


def sign_flips(differences: Floats, draws: int = DRAWS) -> float:
    """Two-sided p-value of the documents' differences, whose signs chance alone would have set; drawn, so never below 1 / (draws + 1)."""
    differences = differences[differences != 0]
    if not differences.size:
        return 1.0
    signs = np.random.default_rng(SEED).integers(0, 2, (draws, differences.size)) * 2 - 1
    return float((1 + (np.abs(signs @ differences) >= abs(differences.sum()) - 1e-9).sum()) / (draws + 1))


def holm(values: Sequence[float]) -> list[float]:
    """The p-values, corrected for being many: all that lie below 5 % together are wrong in at most one such family of twenty."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    adjusted, highest = [0.0] * len(values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - rank) * values[place]))
        adjusted[place] = highest
    return adjusted


def documents_needed(difference: float, apart: float) -> int | None:
    """Documents that decide such a difference with 80 % power at 5 %; None: no number does.

    `apart` is the mean square of the documents' differences.
    """
    if difference == 0:
        return None
    spread = max(apart - difference**2, 0.0)
    return max(ceil((Z_SURE * sqrt(apart) + Z_POWER * sqrt(spread)) ** 2 / difference**2), 1)


def smallest_difference(documents: int, apart: float) -> float:
    """The smallest difference, as a share, that so many documents decide with 80 % power, disagreement being what it was."""
    return min(1.0, (Z_SURE + Z_POWER) * sqrt(max(apart, 1 / documents) / documents))


@lru_cache(maxsize=4)
def drawn(documents: int, draws: int = DRAWS) -> Floats:
    """How often each document is in each of the bootstrap's draws: draws × documents."""
    return np.random.default_rng(SEED).multinomial(documents, np.full(documents, 1 / documents), size=draws).astype(np.float64)


def between(values: Floats) -> tuple[float, float]:
    """The middle 95 % of the draws."""
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


PAIR: Final[dict[str, Any]] = {
    "arm": pl.String,
    "other": pl.String,
    "documents": pl.Int64,
    "only_arm_right": pl.Int64,
    "only_other_right": pl.Int64,
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "p_value": pl.Float64,
    "p_corrected": pl.Float64,
    "verdict": pl.String,
    "documents_needed": pl.Int64,
    "smallest_difference": pl.Float64,
    "cost_difference_usd": pl.Float64,
}

DIFFERING: Final[dict[str, Any]] = {
    "document_sha256": pl.String,
    "better": pl.String,
    "worse": pl.String,
    "right_by_better": pl.Int64,
    "right_by_worse": pl.Int64,
    "labelled": pl.Int64,
}


def pairs(given: Answers) -> pl.DataFrame:
    """Each two arms on the documents that both answered, the surest difference first.

    arm, other str · documents int · only_arm_right, only_other_right int: documents right in every labelled field by one alone · difference float, of
    the shares right, arm less other, and difference_low, difference_high, its 95 % interval by bootstrap · p_value float, exact, and p_corrected over
    all pairs (Holm) · verdict: `better`, `worse` or `not decided` · documents_needed int, that would decide a difference such as this; null: none
    would · smallest_difference float, that these documents can show · cost_difference_usd float, for 1,000 documents, null when unknown.
    """
    rows: list[dict[str, Any]] = []
    for first, arm in enumerate(given.arms):
        for other in given.arms[first + 1 :]:
            two = given.of([arm, other])
            if two.documents:
                rows.append(_pair(two))
    for row, corrected in zip(rows, holm([row["p_value"] for row in rows]), strict=True):
        row["p_corrected"] = corrected
        row["verdict"] = "not decided" if corrected >= SURE else "better" if row["difference"] > 0 else "worse"
    return pl.DataFrame(rows, schema=PAIR).sort("p_corrected", "arm", "other")


def _pair(two: Answers) -> dict[str, Any]:
    right, labelled, documents = two.right_fields, two.labelled, len(two.documents)
    apart = (right[:, 0] - right[:, 1]) / labelled.mean()
    weights = drawn(documents)
    resampled = (weights @ (right[:, 0] - right[:, 1])) / (weights @ labelled)
    low, high = between(resampled)
    only_first, only_second = (int((two.is_right[:, a] & ~two.is_right[:, b]).sum()) for a, b in ((0, 1), (1, 0)))
    difference, square = float((right[:, 0] - right[:, 1]).sum() / labelled.sum()), float((apart**2).mean())
    dearer = float((two.cost_usd[:, 0] - two.cost_usd[:, 1]).mean() * 1000)
    return {
        "arm": two.arms[0],
        "other": two.arms[1],
        "documents": documents,
        "only_arm_right": only_first,
        "only_other_right": only_second,
        "difference": difference,
        "difference_low": low,
        "difference_high": high,
        "p_value": mcnemar(only_first, only_second) if (labelled == 1).all() else sign_flips(right[:, 0] - right[:, 1]),
        "documents_needed": documents_needed(difference, square),
        "smallest_difference": smallest_difference(documents, square),
        "cost_difference_usd": None if np.isnan(dearer) else dearer,
    }


def differing(given: Answers) -> pl.DataFrame:
    """The documents that one arm answered better than another, the largest difference first.

    document_sha256 str · better, worse str: an arm with most fields right and one with least · right_by_better, right_by_worse int: these fields ·
    labelled int: fields with a label.
    """
    rows = []
    for sha256, right, labelled in zip(given.documents, given.right_fields, given.labelled, strict=True):
        asked = [(int(hits), arm) for hits, arm in zip(right, given.arms, strict=True) if not np.isnan(hits)]
        (most, better), (least, worse) = max(asked, key=lambda each: each[0]), min(asked, key=lambda each: each[0])
        if most > least:
            rows.append((sha256, better, worse, most, least, int(labelled)))
    found = pl.DataFrame(rows, schema=DIFFERING, orient="row")
    return found.sort(pl.col("right_by_better") - pl.col("right_by_worse"), "document_sha256", descending=[True, False])


def sentence(row: Mapping[str, Any]) -> str:
    """A row of `pairs` for a person: the difference, its interval, and what would decide it if nothing does yet."""
    points = f"{100 * row['difference']:+.1f} points ({100 * row['difference_low']:+.1f} to {100 * row['difference_high']:+.1f})"
    two = f"{row['arm']} against {row['other']} on {row['documents']:,} documents: {points}, p = {row['p_corrected']:.3f} after correction"
    if row["verdict"] != "not decided":
        return f"{two}: {row['verdict']}."
    needed = row["documents_needed"]
    more = f"about {needed:,} documents would decide such a difference" if needed else "the two are equally often right"
    return f"{two}: not decided; {more}; these can show one of {100 * row['smallest_difference']:.1f} points or more."


PLANE: Final[dict[str, Any]] = {
    "arm": pl.String,
    "documents": pl.Int64,
    "accuracy": pl.Float64,
    "accuracy_low": pl.Float64,
    "accuracy_high": pl.Float64,
    "usd_a_thousand": pl.Decimal(24, 6),
    "usd_a_thousand_low": pl.Decimal(24, 6),
    "usd_a_thousand_high": pl.Decimal(24, 6),
    "usd_a_correct_document": pl.Decimal(24, 9),
    "latency_s": pl.Float64,
    "latency_slow_s": pl.Float64,
    "is_on_front": pl.Boolean,
    "front_share": pl.Float64,
}


def plane(given: Answers) -> pl.DataFrame:
    """Cost against accuracy of arms on the documents that all of them answered, the cheapest first.

    arm str · documents int · accuracy float 0–1 of the labelled fields, with its 95 % interval (Wilson at the labels in effect) · usd_a_thousand
    Decimal, USD for 1,000 documents, with its interval (bootstrap by document); null when a cost is unknown · usd_a_correct_document Decimal, of
    those right in every labelled field; null without one · latency_s, latency_slow_s float: the middle one and the slowest in twenty, seconds ·
    is_on_front bool: no other arm is at least as good at no more cost, and better in one of them · front_share float: share of the bootstrap's draws
    of documents in which that is so.
    """
    if not given.documents:
        return pl.DataFrame(schema=PLANE)
    weights = drawn(len(given.documents))
    accuracies = (weights @ given.right_fields) / (weights @ given.labelled)[:, None]
    costs = (weights @ given.cost_usd) / len(given.documents) * 1000
    accuracy, cost = given.right_fields.sum(axis=0) / given.labelled.sum(), given.cost_usd.mean(axis=0) * 1000
    front, shares = on_front(accuracy[None], cost[None])[0], on_front(accuracies, costs).mean(axis=0)
    rows = []
    for place, arm in enumerate(given.arms):
        right, seconds = int(given.is_right[:, place].sum()), given.latency_s[:, place]
        trials = trials_in_effect(given.right_fields[:, place], given.labelled)
        found = wilson(accuracy[place] * trials, trials)
        cheap, dear = between(costs[:, place]) if not np.isnan(cost[place]) else (np.nan, np.nan)
        known = seconds[~np.isnan(seconds)]
        rows.append(
            {
                "arm": arm,
                "documents": len(given.documents),
                "accuracy": float(accuracy[place]),
                "accuracy_low": found.low,
                "accuracy_high": found.high,
                "usd_a_thousand": usd(cost[place]),
                "usd_a_thousand_low": usd(cheap),
                "usd_a_thousand_high": usd(dear),
                "usd_a_correct_document": usd(cost[place] * len(given.documents) / 1000 / right, 9) if right else None,
                "latency_s": float(np.median(known)) if known.size else None,
                "latency_slow_s": float(np.quantile(known, 0.95)) if known.size else None,
                "is_on_front": bool(front[place]),
                "front_share": float(shares[place]),
            }
        )
    return pl.DataFrame(rows, schema=PLANE).sort("usd_a_thousand", "arm", nulls_last=True)


def usd(value: float, places: int = 6) -> Decimal | None:
    """A mean as an amount; None when it is unknown."""
    return None if np.isnan(value) else Decimal(f"{value:.{places}f}")


def on_front(accuracy: Floats, cost: Floats) -> npt.NDArray[np.bool_]:
    """Which arms no other one beats, of each row: rows × arms. An arm of unknown cost is on no front, and beats none."""
    known = ~np.isnan(cost)
    other = known[:, :, None] & (accuracy[:, :, None] >= accuracy[:, None, :]) & (cost[:, :, None] <= cost[:, None, :])
    better = other & ((accuracy[:, :, None] > accuracy[:, None, :]) | (cost[:, :, None] < cost[:, None, :]))
    return known & ~better.any(axis=1)
