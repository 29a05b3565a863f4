"""Estimates beside bills: errors singly and in bulk."""

import pytest

from autod_lib.tokens import compare, compare_all


@pytest.mark.parametrize(
    ("estimated", "actual", "error", "within"),
    [(100, 100, 0.0, True), (110, 100, 0.1, True), (111, 100, 0.11, False), (89, 100, -0.11, False), (0, 0, 0.0, True), (5, 0, 5.0, False)],
)
def test_an_estimate_is_good_within_the_tolerance_on_either_side(estimated: int, actual: int, error: float, within: bool) -> None:
    """The error is relative to what was billed, and positive where the estimate was too high."""
    found = compare(estimated, actual)
    assert (round(found.error, 9), found.is_within) == (error, within)


def test_in_bulk_the_errors_have_a_mean_a_median_and_a_95th_percentile() -> None:
    """Of a hundred estimates that are wrong by 0 to 99 %, half are within 50 %, and bias keeps the sign that errors lose."""
    found = compare_all([(100 - wrong, 100) for wrong in range(100)], tolerance=0.495)
    assert found is not None
    assert found.count == 100
    assert (round(found.mean_error, 6), round(found.median_error, 6), round(found.bias, 6)) == (0.495, 0.495, -0.495)
    assert (round(found.p95_error, 4), found.share_within) == (0.9405, 0.5)


def test_of_one_estimate_every_figure_is_its_error_and_of_none_there_is_nothing() -> None:
    """No figure is made up."""
    found = compare_all([(120, 100)])
    assert found is not None
    assert (found.median_error, found.p95_error, found.share_within) == (0.2, 0.2, 0.0)
    assert compare_all([]) is None
