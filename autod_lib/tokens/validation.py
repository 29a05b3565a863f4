"""How near estimates are to what was billed, singly and in bulk.

Decided here: that an error is relative to what was billed, and that one estimate is good when it lies within a tolerance of it. What follows from the
errors for later estimates is learned in the ledger: the view `estimate_calibration`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import mean, median, quantiles
from typing import Final

TOLERANCE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Comparison:
    """One estimate beside what was billed; `error` is relative, positive where the estimate was too high."""

    estimated: int
    actual: int
    error: float
    is_within: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """Many comparisons: relative errors without their sign, their mean with it (`bias`), and the share within the tolerance (0–1)."""

    count: int
    bias: float
    mean_error: float
    median_error: float
    p95_error: float
    share_within: float
    tolerance: float


def compare(estimated: int, actual: int, tolerance: float = TOLERANCE) -> Comparison:
    """An estimate of tokens beside what the answer's usage says.

    >>> compare(105, 100)
    Comparison(estimated=105, actual=100, error=0.05, is_within=True)
    """
    error = 0.0 if estimated == actual else (estimated - actual) / max(actual, 1)
    return Comparison(estimated, actual, error, abs(error) <= tolerance)


def compare_all(pairs: Iterable[tuple[int, int]], tolerance: float = TOLERANCE) -> Summary | None:
    """Many estimates, each with what was billed; None where there is none.

    >>> summary = compare_all([(100, 100), (110, 100), (150, 100)])
    >>> summary.count, round(summary.bias, 3), summary.median_error, round(summary.p95_error, 3), round(summary.share_within, 3)
    (3, 0.2, 0.1, 0.46, 0.667)
    """
    found = [compare(estimated, actual, tolerance) for estimated, actual in pairs]
    if not found:
        return None
    errors = [abs(each.error) for each in found]
    p95 = quantiles(errors, n=20, method="inclusive")[-1] if len(errors) > 1 else errors[0]
    within = sum(each.is_within for each in found) / len(found)
    return Summary(len(found), mean(each.error for each in found), mean(errors), median(errors), p95, within, tolerance)
