"""Intervals, sample sizes and tests, against scipy, statsmodels, scikit-learn and published worked examples."""

from math import isnan, sqrt
from typing import Any

import numpy as np
import pytest

from autod_lib import intervals
from autod_lib.intervals import NOTHING, Estimate

RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (10, 10), (1, 29), (81, 263), (15, 148)])
def test_a_share_has_wilsons_interval(hits: int, trials: int) -> None:
    """The same as statsmodels; 81 of 263 and 15 of 148 are the examples of Newcombe (1998): 0.2553 to 0.3662, 0.0624 to 0.1605."""
    from statsmodels.stats.proportion import proportion_confint

    found = intervals.wilson(hits, trials)

    assert (found.low, found.high) == pytest.approx(proportion_confint(hits, trials, method="wilson"))
    published = {(81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605)}.get((hits, trials))
    assert published is None or (found.low, found.high) == pytest.approx(published, abs=6e-5)


def test_nothing_labelled_is_no_share() -> None:
    """Unknown is not 0."""
    assert intervals.wilson(0, 0) == intervals.paired_difference(0, 0, 0) == NOTHING
    assert intervals.stratified([(10, 0, 0)]) == (NOTHING, 0.0)
    assert intervals.clustered(intervals.macro_f1, np.zeros((0, 3))) == NOTHING
    assert intervals.resampled(intervals.brier, np.zeros(0), np.zeros(0)) == NOTHING


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_so_many_labels_are_needed_and_no_fewer(share: float) -> None:
    """With one label fewer the interval is wider than was wanted; near the normal formula z² p (1 - p) / d²."""
    needed = intervals.labels_needed(share, 0.03)
    widths = [intervals.width(intervals.wilson(share * labels, labels)) / 2 for labels in (needed, needed - 1)]

    assert widths[0] <= 0.03 < widths[1]
    assert needed == pytest.approx(1.96**2 * share * (1 - share) / 0.03**2, rel=0.05 if share < 0.99 else 3)


def test_the_smallest_difference_is_the_one_with_which_the_test_has_its_power() -> None:
    """statsmodels needs as many labels for it; 0.6 against 0.5 takes 388 a sample without continuity correction (Fleiss, Levin and Paik 2003)."""
    from statsmodels.stats.proportion import samplesize_proportions_2indep_onetail as size

    difference = intervals.smallest_difference(0.9, 300)

    assert difference is not None
    assert size(-difference, 0.9, power=0.8, alpha=0.05) == pytest.approx(300, rel=0.02)
    assert intervals.smallest_difference(0.6, 388) == pytest.approx(0.1, abs=2e-4)
    assert intervals.smallest_difference(0.9, 2) is None


def test_paired_answers_are_compared_on_the_documents_where_they_differ() -> None:
    """McNemar's exact probability as in statsmodels, and Bonett and Price's interval by their own formula for 43 against 4 of 100."""
    from statsmodels.stats.contingency_tables import mcnemar

    for first, second in ((1, 9), (5, 5), (0, 6), (30, 12)):
        expected = mcnemar([[20, first], [second, 20]], exact=True).pvalue
        assert intervals.mcnemar(first, second) == pytest.approx(min(1.0, expected))
    more, less = 44 / 102, 5 / 102
    half = 1.959964 * sqrt((more + less - (more - less) ** 2) / 102)
    found = intervals.paired_difference(43, 4, 100)
    assert (found.value, found.low, found.high) == pytest.approx((0.39, more - less - half, more - less + half), abs=1e-6)


def test_an_uneven_sample_is_weighted_back_to_all_documents() -> None:
    """Nine in ten documents are of the easy kind, and half of the labels are not; an even sample gives Wilson's own interval nearly."""
    found, covered = intervals.stratified([(900, 50, 48), (100, 50, 25), (50, 0, 0)])

    assert found.value == pytest.approx(0.9 * 0.96 + 0.1 * 0.5)
    assert covered == pytest.approx(1000 / 1050)
    plain = intervals.wilson(73, 100)
    assert found.value > plain.value
    assert intervals.width(found) < intervals.width(plain)
    even, _ = intervals.stratified([(500, 50, 40), (500, 50, 40)])
    assert (even.low, even.high) == pytest.approx((intervals.wilson(80, 100).low, intervals.wilson(80, 100).high), abs=0.005)


def test_documents_are_drawn_whole() -> None:
    """Ten fields that are right or wrong together are one observation, not ten: the interval is as wide as that of the documents."""
    right = (RANDOM.random(200) < 0.8).astype(float)

    def share(sums: Any) -> Any:
        return sums[..., 0] / sums[..., 1]

    alone = intervals.clustered(share, np.column_stack([right, np.ones(200)]))
    together = intervals.clustered(share, np.column_stack([10 * right, np.full(200, 10)]))

    assert together == alone
    by_formula = intervals.wilson(right.sum(), 200)
    assert (alone.low, alone.high) == pytest.approx((by_formula.low, by_formula.high), abs=0.02)


def test_measures_of_confidence_are_those_of_other_people() -> None:
    """Brier, AUROC with ties, and macro F1 against scikit-learn; the calibration error against its definition."""
    from sklearn.metrics import brier_score_loss, f1_score, roc_auc_score

    stated = np.round(RANDOM.random(300), 1)
    right = (RANDOM.random(300) < stated).astype(float)
    truth, answer = RANDOM.integers(0, 4, 300), RANDOM.integers(0, 4, 300)
    kinds = np.eye(4)
    sums = np.concatenate([kinds[truth] * (truth == answer)[:, None], kinds[answer], kinds[truth]], axis=1)

    assert intervals.brier(stated, right) == pytest.approx(brier_score_loss(right, stated))
    assert intervals.separation(stated, right) == pytest.approx(roc_auc_score(right, stated))
    assert intervals.macro_f1(sums.sum(axis=0)) == pytest.approx(f1_score(truth, answer, average="macro"))
    by_hand = np.array([0.95, 0.95, 0.15, 0.15])
    assert intervals.calibration_error(by_hand, np.array([1, 0, 0, 0])) == pytest.approx((2 * 0.45 + 2 * 0.15) / 4)
    assert isnan(intervals.separation(stated, np.ones(300)))
    found = intervals.resampled(intervals.brier, stated, right, draws=200)
    assert found.low < found.value < found.high
    assert intervals.resampled(intervals.separation, stated, np.ones(300), draws=5) == Estimate(None, None, None)
