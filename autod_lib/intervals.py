"""How sure a figure is: intervals, sample sizes and tests, as pure functions of numbers.

Decided here: which interval goes with which figure. A share has Wilson's; a share of what hangs together in a document, and one of unevenly drawn
strata, has Wilson's at the effective number of labels (the former also in SQL: macro trials_in_effect); what has no formula is bootstrapped by
document, because the fields of a document are right or wrong together; a difference of paired shares has Bonett and Price's. What each interval
really holds is simulated by benchmarks/coverage.py and stands in docs/accuracy.md. Touches no file and no database; called by evaluate.py and whoever
compares arms. numpy is imported where it is needed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np

CONFIDENCE: Final = 0.95
POWER: Final = 0.8
DRAWS: Final = 1000
BINS: Final = 10


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the ends of its interval; all None where there is nothing to estimate it from."""

    value: float | None
    low: float | None
    high: float | None


NOTHING: Final = Estimate(None, None, None)


def z_of(confidence: float = CONFIDENCE) -> float:
    """The normal quantile of a two-sided interval: 1.959964 for 0.95."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(hits: float, trials: float, confidence: float = CONFIDENCE) -> Estimate:
    """A share with Wilson's score interval (Wilson 1927), as the macros wilson_low and wilson_high have it; trials need not be whole."""
    if trials <= 0:
        return NOTHING
    z, share = z_of(confidence), hits / trials
    middle = share + z * z / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return Estimate(share, max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale))


def trials_in_effect(hits: "np.ndarray", trials: "np.ndarray") -> float:
    """Of how many independent trials those of several documents are worth, as the macro of this name has it (Korn and Graubard 1998).

    Takes hits and trials of each document.
    """
    hits, trials = hits[trials > 0], trials[trials > 0]
    documents, right, counted = len(trials), float(hits.sum()), float(trials.sum())
    if (trials * trials).sum() == counted:
        return counted
    if documents == 1:
        return 1.0
    effective = counted
    if right in (0, counted):
        effective = documents
    elif spread := float(((hits - right / counted * trials) ** 2).sum()):
        effective = min(counted, right * (counted - right) * (1 - 1 / documents) / spread)
    return float(effective / (1 + (z_of() ** 2 + 1) / (4 * (documents - 1))) ** 2)


def width(found: Estimate) -> float:
    """How wide an interval is; that of nothing is without end."""
    return math.inf if found.low is None or found.high is None else found.high - found.low


def labels_needed(share: float, half_width: float, confidence: float = CONFIDENCE) -> int:
    """The fewest labels with which Wilson's interval of a share is at most `half_width` to either side of its middle.

    >>> labels_needed(0.9, 0.05), labels_needed(0.5, 0.05)
    (141, 381)
    """
    low, high = 1, 4

    def is_enough(labels: int) -> bool:
        found = wilson(share * labels, labels, confidence)
        return width(found) / 2 <= half_width

    while not is_enough(high):
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle + 1, high)
    return high


def smallest_difference(share: float, labels: float, power: float = POWER, confidence: float = CONFIDENCE) -> float | None:
    """The smallest difference from `share` that two samples of so many labels show with this power (Fleiss, Levin and Paik 2003); None: none does.

    The other share lies towards 0.5, where a difference is hardest to show. Of the same documents asked twice, less suffices.
    """
    z, z_power, sign = z_of(confidence), NormalDist().inv_cdf(power), -1.0 if share > 0.5 else 1.0

    def shown(difference: float) -> bool:
        other = share + sign * difference
        mean = (share + other) / 2
        spread = z * math.sqrt(2 * mean * (1 - mean)) + z_power * math.sqrt(share * (1 - share) + other * (1 - other))
        return difference * math.sqrt(labels) >= spread

    low, high = 0.0, share if share > 0.5 else 1 - share
    if labels <= 0 or not shown(high):
        return None
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if shown(middle) else (middle, high)
    return high


def paired_difference(only_first: int, only_second: int, pairs: int, confidence: float = CONFIDENCE) -> Estimate:
    """How much oftener the first of two ways is right on the same documents, with the interval of Bonett and Price (2012).

    Takes how often only the first was right, how often only the second, and all pairs.
    """
    if not pairs:
        return NOTHING
    first, second = (only_first + 1) / (pairs + 2), (only_second + 1) / (pairs + 2)
    half = z_of(confidence) * math.sqrt((first + second - (first - second) ** 2) / (pairs + 2))
    return Estimate((only_first - only_second) / pairs, max(-1.0, first - second - half), min(1.0, first - second + half))


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided probability of a split at least as uneven if both ways were equally often right (McNemar 1947, binomial).

    >>> round(mcnemar(1, 9), 4), mcnemar(0, 0)
    (0.0215, 1.0)
    """
    only_first, only_second = int(only_first), int(only_second)  # a number of numpy has 64 bits, which their powers leave
    discordant = only_first + only_second
    tail = sum(math.comb(discordant, hits) for hits in range(min(only_first, only_second) + 1))
    return float(min(Fraction(1), Fraction(2 * tail, 1 << discordant)))


def stratified(strata: Sequence[tuple[int, int, int]], confidence: float = CONFIDENCE) -> tuple[Estimate, float]:
    """A share of a population that was sampled unevenly, and the share of the population that the strata with labels cover.

    Takes a stratum as (documents in it, labels, right answers). Each stratum weighs what it has documents, whatever was labelled of it (Cochran
    1977); one without labels is left out. Interval: Wilson's at the effective number of labels, after Korn and Graubard (1998).
    """
    known = [(documents, labels, hits) for documents, labels, hits in strata if labels]
    all_documents, covered = sum(documents for documents, *_ in strata), sum(documents for documents, *_ in known)
    if not covered:
        return NOTHING, 0.0
    weights = [documents / covered for documents, *_ in known]
    labels = sum(labels for _, labels, _ in known)
    share = sum(weight * hits / count for weight, (_, count, hits) in zip(weights, known, strict=True))
    # Each stratum's spread from its share with one right and one wrong added, so that a small stratum without errors is not taken for certain.
    variance = sum(
        weight**2 * (smooth := (hits + 1) / (count + 2)) * (1 - smooth) / count for weight, (_, count, hits) in zip(weights, known, strict=True)
    )
    pooled = sum(weight * (hits + 1) / (count + 2) for weight, (_, count, hits) in zip(weights, known, strict=True))
    effective = min(float(labels), pooled * (1 - pooled) / variance)
    return wilson(share * effective, effective, confidence), covered / all_documents


def clustered(measure: Callable[[Any], Any], sums: "np.ndarray", *, draws: int = DRAWS, confidence: float = CONFIDENCE, seed: int = 1) -> Estimate:
    """A measure with its percentile bootstrap interval, whole documents drawn with replacement (Efron and Tibshirani 1993).

    `sums` has a row a document and a column a count; `measure` takes the column sums, along the last axis, and gives the figure. Draws whose measure
    is undefined are left out.
    """
    import numpy as np

    documents = len(sums)
    if not documents:
        return NOTHING
    generator = np.random.default_rng(seed)
    chunk = max(1, 2_000_000 // documents)
    found = []
    for start in range(0, draws, chunk):
        here = min(chunk, draws - start)
        drawn = generator.integers(0, documents, (here, documents)) + documents * np.arange(here)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=here * documents).reshape(here, documents)
        found.append(measure(weights @ sums))
    return _between(float(measure(sums.sum(axis=0))), np.concatenate(found), confidence)


def _between(value: float, drawn: Any, confidence: float) -> Estimate:
    import numpy as np

    drawn = drawn[~np.isnan(drawn)]
    if math.isnan(value) or not len(drawn):
        return NOTHING
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(value, float(low), float(high))


def macro_f1(sums: Any) -> Any:
    """The mean of F1 over the kinds that are labelled, from the columns right, answered and labelled of each kind, one after the other."""
    import numpy as np

    kinds = sums.shape[-1] // 3
    right, answered, labelled = (sums[..., part * kinds : (part + 1) * kinds] for part in range(3))
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = np.where(labelled > 0, 2 * right / (answered + labelled), np.nan)
        counted = np.sum(labelled > 0, axis=-1)
        return np.nansum(f1, axis=-1) / counted


def calibration_error(stated: "np.ndarray", right: "np.ndarray") -> float:
    """Expected calibration error: the distance of mean confidence from share right, over tenths weighted by their answers (Naeini et al. 2015)."""
    import numpy as np

    bins = np.minimum((stated * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=stated - right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(stated))


def brier(stated: "np.ndarray", right: "np.ndarray") -> float:
    """Brier score: the mean squared distance of the confidence from 1 (right) or 0 (wrong); 0.25 is that of always saying 0.5 (Brier 1950)."""
    return float(((stated - right) ** 2).mean())


def separation(stated: "np.ndarray", right: "np.ndarray") -> float:
    """AUROC: the chance that a right answer is surer than a wrong one, ties half (Hanley and McNeil 1982); NaN when all are right or wrong."""
    import numpy as np

    hits = right.sum()
    misses = len(right) - hits
    if not hits or not misses:
        return math.nan
    _, places, counts = np.unique(stated, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return float((ranks[right > 0].sum() - hits * (hits + 1) / 2) / (hits * misses))


def resampled(
    measure: Callable[["np.ndarray", "np.ndarray"], float],
    stated: "np.ndarray",
    right: "np.ndarray",
    *,
    draws: int = DRAWS,
    confidence: float = CONFIDENCE,
    seed: int = 1,
) -> Estimate:
    """A measure of answers, one a document, with its percentile bootstrap interval."""
    import numpy as np

    if not len(stated):
        return NOTHING
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        drawn = generator.integers(0, len(stated), len(stated))
        found.append(measure(stated[drawn], right[drawn]))
    return _between(measure(stated, right), np.array(found), confidence)
