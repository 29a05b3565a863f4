"""The statistics of arms, held against scipy and statsmodels, worked examples, and simulations of a known truth."""

import warnings
from typing import Any

import numpy as np
import pytest

from autod_lib import comparison
from autod_lib.comparison import Answers


def made(right: Any, cost: Any = None, labelled: Any = None, **further: Any) -> Answers:
    """Answers of arms a, b, … to documents, from right or wrong (or fields right) of each."""
    right = np.asarray(right, dtype=float)
    shape = right.shape
    cost = np.full(shape, 0.001) if cost is None else np.broadcast_to(np.asarray(cost, dtype=float), shape)
    empty = np.full(shape, None, dtype=object)
    return Answers(
        [f"{number:064x}" for number in range(shape[0])],
        list("abcdefgh"[: shape[1]]),
        right,
        np.ones(shape[0]) if labelled is None else np.asarray(labelled, dtype=float),
        cost,
        further.get("latency", np.ones(shape)),
        further.get("confidence", np.full(shape, 0.9)),
        further.get("answer", empty),
    )


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 0), (10, 2), (121, 59), (300, 340), (2000, 1800)])
def test_the_exact_test_of_pairs_is_that_of_the_textbooks(first: int, second: int) -> None:
    """McNemar's exact p-value, also for thousands of documents; 121 against 59 is Agresti's vote example."""
    from statsmodels.stats.contingency_tables import mcnemar

    table = [[100, first], [second, 100]]

    assert comparison.mcnemar(first, second) == pytest.approx(mcnemar(table, exact=True).pvalue if first + second else 1.0, rel=1e-8)


@pytest.mark.parametrize(("hits", "n", "share"), [(0, 5, 0.1), (3, 20, 0.2), (17, 2000, 0.01), (5, 5, 0.3), (-1, 5, 0.3), (2, 5, 0.0), (2, 5, 1.0)])
def test_binomial_chances_are_exact(hits: int, n: int, share: float) -> None:
    """As scipy has them."""
    from scipy import stats

    assert comparison.binomial_at_most(hits, n, share) == pytest.approx(stats.binom.cdf(hits, n, share), rel=1e-9)


def test_many_comparisons_are_corrected_as_holm_did() -> None:
    """In the order given, never below what was measured, never above 1."""
    from statsmodels.stats.multitest import multipletests

    values = [0.04, 0.001, 0.03, 0.5, 0.01]

    assert comparison.holm(values) == pytest.approx(multipletests(values, method="holm")[1])
    assert comparison.holm([]) == []


def test_the_better_arm_is_called_better_and_an_equal_one_undecided() -> None:
    """A sure difference, and a small one with the documents that would decide it."""
    rng = np.random.default_rng(1)
    right = rng.random((400, 1)) < 0.9
    worse, alike = right & (rng.random((400, 1)) < 0.85), right.copy()
    alike[:3] = ~alike[:3]

    pairs = {(row["arm"], row["other"]): row for row in comparison.pairs(made(np.hstack([right, worse, alike]))).to_dicts()}

    assert pairs["a", "b"]["verdict"] == "better"
    assert pairs["a", "b"]["difference_low"] > 0
    undecided = pairs["a", "c"]
    assert undecided["verdict"] == "not decided"
    assert undecided["difference_low"] <= 0 <= undecided["difference_high"]
    assert undecided["documents_needed"] is None or undecided["documents_needed"] > 400
    assert "not decided" in comparison.sentence(undecided)
    assert comparison.sentence(pairs["a", "b"]).endswith("better.")


def test_the_documents_that_are_said_to_decide_do() -> None:
    """With so many, four of five experiments find a difference of 5 points; with a quarter of them, few do."""
    rng, only_first, only_second = np.random.default_rng(2), 0.11, 0.06
    needed = comparison.documents_needed(only_first - only_second, only_first + only_second)
    assert needed is not None

    def found(documents: int) -> float:
        counts = rng.multinomial(documents, [only_first, only_second, 1 - only_first - only_second], size=400)
        return float(np.mean([comparison.mcnemar(a, b) < 0.05 for a, b, _ in counts]))

    assert 0.72 < found(needed) < 0.88
    assert found(needed // 4) < 0.4
    assert comparison.documents_needed(0.0, 0.1) is None
    assert comparison.smallest_difference(needed, 0.17) == pytest.approx(0.05, rel=0.1)


def test_equal_arms_are_seldom_told_apart() -> None:
    """Of a hundred families of comparisons among four equal arms, about five or fewer find a difference that is not there."""
    rng = np.random.default_rng(3)
    false = [bool((comparison.pairs(made(rng.random((60, 4)) < 0.8))["verdict"] != "not decided").any()) for _ in range(40)]

    assert sum(false) <= 5


def test_fields_of_one_document_are_not_taken_as_independent() -> None:
    """Documents that are right in all of ten fields or in none: the interval is that of documents, three times as wide as that of fields."""
    rng = np.random.default_rng(4)
    right = 10.0 * (rng.random((200, 2)) < (0.8, 0.7))
    row = comparison.pairs(made(right, labelled=np.full(200, 10.0))).row(0, named=True)

    by_document = np.std((right[:, 0] - right[:, 1]) / 10) / np.sqrt(200) * 2 * 1.96
    assert row["difference_high"] - row["difference_low"] == pytest.approx(by_document, rel=0.15)
    assert row["p_value"] == pytest.approx(comparison.mcnemar(row["only_arm_right"], row["only_other_right"]), abs=0.02)


def test_documents_are_named_on_which_arms_differ_the_most() -> None:
    """The largest difference first, with an arm that is best and one that is worst; where all are alike, or one alone was asked, nothing differs."""
    given = made([[3, 1, 2], [2, 2, 2], [np.nan, 1, np.nan], [0, 1, np.nan]], labelled=[3, 3, 3, 3])

    found = comparison.differing(given)

    assert found.drop("document_sha256").rows() == [("a", "b", 3, 1, 3), ("b", "a", 1, 0, 3)]
    assert found["document_sha256"].to_list() == [given.documents[0], given.documents[3]]
    assert comparison.differing(made(np.zeros((0, 0)))).schema == found.schema


def test_the_front_holds_who_is_beaten_by_nobody() -> None:
    """Cheap and fair, dear and good stay; dear and bad goes; an unknown cost is on no front."""
    accuracy, cost = np.array([[0.8, 0.95, 0.7, 0.99]]), np.array([[1.0, 5.0, 6.0, np.nan]])
    assert comparison.on_front(accuracy, cost).tolist() == [[True, True, False, False]]

    rng = np.random.default_rng(5)
    frame = comparison.plane(made(rng.random((500, 3)) < (0.8, 0.95, 0.7), cost=(0.001, 0.005, 0.006)))
    assert frame["arm"].to_list() == ["a", "b", "c"]
    assert frame["is_on_front"].to_list() == [True, True, False]
    assert frame["front_share"].to_list() == pytest.approx([1, 1, 0])
    assert [str(value) for value in frame["usd_a_thousand"]] == ["1.000000", "5.000000", "6.000000"]
    assert (frame["accuracy_low"] < frame["accuracy"]).all()
    assert (frame["accuracy"] < frame["accuracy_high"]).all()


def test_odd_answers_give_figures_all_the_same() -> None:
    """No documents, one, all right, unknown costs and unknown times: a figure that says so, never a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert comparison.plane(made(np.zeros((0, 2)))).is_empty()
        assert comparison.pairs(made(np.zeros((0, 2)))).is_empty()
        nan = np.full((30, 2), np.nan)
        row = comparison.plane(made(np.ones((30, 2)), cost=nan, latency=nan)).row(0, named=True)
    assert (row["usd_a_thousand"], row["latency_s"], row["is_on_front"], row["accuracy_high"]) == (None, None, False, 1.0)
    assert row["accuracy_low"] < 0.95


def test_arms_are_compared_on_documents_that_all_of_them_answered() -> None:
    """An arm that was asked few documents does not take the others' documents away; two by two it is compared all the same."""
    right = np.ones((100, 3))
    right[5:, 2] = np.nan
    common = comparison.in_common(made(right))

    assert (common.arms, len(common.documents)) == (["a", "b"], 100)
    assert comparison.pairs(made(right)).filter(other="c")["documents"].to_list() == [5, 5]
