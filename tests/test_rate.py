"""The rate: how many calls at once, how far apart, and what the API's own limits leave. Instants are numbers, so nothing here waits."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autod_lib.rate import Rate, duration_s
from autod_lib.settings import load_settings


def rate(in_flight: int = 16, **given: Any) -> Rate:
    """The rate of a run with so many calls in flight."""
    return Rate(load_settings({}, in_flight=in_flight, **given))


def told(kind: str, limit: object, left: object, reset: str) -> dict[str, str]:
    """The three headers of one limit."""
    return {f"x-ratelimit-limit-{kind}": str(limit), f"x-ratelimit-remaining-{kind}": str(left), f"x-ratelimit-reset-{kind}": reset}


def hear(made: Rate, headers: dict[str, str], at: float = 0.0, *, refused: bool = False, wait_s: float = 0.0) -> str:
    """One call of 2,000 tokens goes and is answered with these headers; gives the reason of the change, if it is worth recording."""
    made.begun(2000, at)
    change = made.heard(headers, 2000, at, is_refused=refused, wait_s=wait_s)
    made.ended(2000)
    return change.reason if change else ""


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, 0.0),
        (told("requests", 60, 0, "1m0s"), 1.0),
        (told("requests", 60, 1, "59s"), 0.0),
        (told("requests", 60, 30, "30s"), 0.0),
        (told("requests", 600, 0, "60000ms"), 0.1),
        (told("requests", 200, 0, "24h"), 432.0),
        (told("tokens", 120_000, 1000, "59.5s"), 0.5),
        (told("tokens", 120_000, 100_000, "10s"), 0.0),
        (told("requests", 60, 0, "1m") | told("tokens", 120_000, 0, "2m"), 2.0),
        (told("tokens", 1500, 0, "60s"), 60.0),
        (told("requests", "many", 0, "1m"), 0.0),
        (told("requests", 60, 60, "0s"), 0.0),
        (told("requests", 60, 0, "soon"), 0.0),
    ],
)
def test_the_next_call_waits_until_the_limits_bear_it(headers: dict[str, str], wait_s: float) -> None:
    """A call of 2,000 tokens goes at once while enough is left, else when the limit has refilled so far; one larger than the limit waits for all."""
    made = rate()
    hear(made, headers)
    assert made.wait_s(2000, 0.0) == pytest.approx(wait_s)
    assert made.wait_s(2000, 1000.0) == 0.0


def test_calls_under_way_are_taken_for_not_yet_counted() -> None:
    """Three left and three more under way: the next waits, for it could be one too many."""
    made = rate()
    for _ in range(3):
        made.begun(2000, 0.0)
    hear(made, told("requests", 60, 3, "57s"))
    assert made.wait_s(2000, 0.0) == pytest.approx(1.0)


def test_what_goes_is_taken_off_what_is_left() -> None:
    """Five left are five calls at once, then one a second."""
    made = rate()
    hear(made, told("requests", 60, 5, "55s"))
    for _ in range(5):
        assert made.wait_s(2000, 0.0) == 0.0
        made.begun(2000, 0.0)
    assert made.wait_s(2000, 0.0) == pytest.approx(1.0)


def test_the_settings_hold_whatever_the_api_says() -> None:
    """600 requests a minute are a tenth of a second apart, 1,200,000 tokens a minute likewise for calls of 2,000."""
    for limits in ({"requests_per_minute": 600}, {"tokens_per_minute": 1_200_000}):
        made = rate(**limits)
        made.begun(2000, 5.0)
        made.begun(2000, 5.1)
        assert made.wait_s(2000, 5.1) == pytest.approx(0.1)


def test_no_more_calls_are_under_way_than_may_be() -> None:
    """The next one waits for an end, not for a time."""
    made = rate(2)
    made.begun(10, 0.0)
    assert made.wait_s(10, 0.0) == 0.0
    made.begun(10, 0.0)
    assert made.wait_s(10, 0.0) == math.inf
    made.ended(10)
    assert made.wait_s(10, 0.0) == 0.0


def test_concurrency_halves_while_all_is_refused_and_climbs_again() -> None:
    """16, 8, 4, 2, 1 as a storm goes on; then an eighth of 16 more each time as many calls have ended as may be under way."""
    made, falls = rate(), []
    for _ in range(16 + 8 + 4 + 2):
        if hear(made, {}, refused=True):
            falls.append(made.calls_at_once)
    assert falls == [8, 4, 2, 1]
    climbs, ends = [], 0
    while made.calls_at_once < 16:
        ends += 1
        reason = hear(made, {})
        if climbs[-1:] != [made.calls_at_once]:
            climbs.append(made.calls_at_once)
    assert climbs == [3, 5, 7, 9, 11, 13, 15, 16]
    assert reason == "all calls go at once again"
    assert ends < 100


def test_refusals_that_have_nothing_to_do_with_the_rate_leave_it_open() -> None:
    """One call in five refused, however few are under way: more of them at once do no harm, and the run does not crawl."""
    made = rate(64)
    for number in range(2000):
        hear(made, {}, refused=number % 5 == 0)
    assert made.calls_at_once >= 58


def test_all_wait_for_as_long_as_a_refusal_asks() -> None:
    """A 429 with retry-after 7 holds every call for so long; without it, calls go further apart only when one at once is still too many."""
    made = rate()
    hear(made, {}, at=100.0, refused=True, wait_s=7.0)
    assert made.wait_s(10, 100.0) == 7.0
    one = rate(1)
    hear(one, {}, at=100.0, refused=True)
    assert one.wait_s(10, 100.0) == 1.0


def test_what_the_api_tells_first_is_recorded_once() -> None:
    """The record says under which limits a run went, not each answer that repeats them."""
    made = rate()
    headers = told("requests", 500, 400, "12s")
    assert [hear(made, headers) for _ in range(3)] == ["the API tells its limits", "", ""]
    assert made.requests.a_reset == 500


@pytest.mark.parametrize(("text", "seconds"), [("1h2m3s", 3723.0), ("6ms", 0.006), ("1m30.5s", 90.5), ("2d", 172_800.0), ("", None), ("-", None)])
def test_durations_are_read_as_the_headers_write_them(text: str, seconds: float | None) -> None:
    """Days to milliseconds; what is no duration is none."""
    assert duration_s(text) == seconds


class Api:
    """An API that bears so many requests a minute, from a bucket as large, and answers after a time."""

    def __init__(self, a_minute: int, left: float) -> None:
        self.a_minute, self.left, self.since = a_minute, left, 0.0

    def asked(self, at: float) -> bool:
        """Whether a request is let through."""
        self._refill(at)
        if self.left < 1:
            return False
        self.left -= 1
        return True

    def headers(self, at: float) -> dict[str, str]:
        """What an answer says."""
        self._refill(at)
        return told("requests", self.a_minute, int(self.left), f"{(self.a_minute - self.left) * 60 / self.a_minute:.3f}s")

    def _refill(self, at: float) -> None:
        self.left, self.since = min(self.a_minute, self.left + (at - self.since) * self.a_minute / 60), at


@given(st.integers(30, 3000), st.floats(0.01, 5.0), st.integers(1, 64), st.integers(0, 20))
def test_a_limit_is_reached_and_hardly_ever_passed(a_minute: int, latency_s: float, in_flight: int, left: int) -> None:
    """Over ten minutes of a simulated clock: at least 90 % of what limit and concurrency bear, and less than 1 % refused beyond the first calls."""
    made, api, at, under_way, sent, refused = rate(in_flight), Api(a_minute, float(left)), 0.0, list[tuple[float, bool]](), 0, 0
    while at < 600.0:
        while made.wait_s(2000, at) <= 0:
            made.begun(2000, at)
            sent += 1
            under_way.append((at + latency_s, api.asked(at)))
        due = min(under_way)[0] if under_way else math.inf
        at = max(at, min(due, at + max(made.wait_s(2000, at), 1e-4)))
        while under_way and min(under_way)[0] <= at:
            end, is_answered = min(under_way)
            under_way.remove((end, is_answered))
            refused += not is_answered
            made.heard(api.headers(at), 2000, at, is_refused=not is_answered)
            made.ended(2000)

    bearable = min(a_minute * 10, 600 / latency_s * in_flight)
    assert sent - refused >= 0.9 * bearable - in_flight
    assert refused <= in_flight + 0.01 * sent
