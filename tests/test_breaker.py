"""The breaker: when a run stops asking, who may try, and when it gives up. Instants are numbers, so nothing here waits."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autod_lib.breaker import LONGEST_PAUSE_S, Breaker
from autod_lib.settings import load_settings


def breaker(**given: Any) -> Breaker:
    """A breaker that opens after three failures, pauses 2 s first, and gives up after 100 s, or 20 s if nobody was ever answered."""
    return Breaker(
        load_settings({}, **{"breaker_failures": 3, "breaker_pause_s": 2, "breaker_give_up_s": 100, "breaker_give_up_unanswered_s": 20, **given})
    )


def failing(made: Breaker, times: int, at: float = 0.0) -> list[str]:
    """So many attempts end without an answer; gives the states that were recorded."""
    changes = (made.failed(at, "HTTP 503", is_probe=False) for _ in range(times))
    return [change.state for change in changes if change is not None]


def test_it_opens_after_so_many_failures_in_a_row_and_not_before() -> None:
    """An answer between them begins the count anew."""
    made = breaker()
    assert failing(made, 2) == []
    assert made.answered(0.0) is None
    assert failing(made, 2) == []
    assert failing(made, 1) == ["open"]
    assert failing(made, 5) == []  # those that were under way add nothing
    assert made.outages == 1


def test_one_probe_goes_when_the_pause_is_over_and_nobody_beside_it() -> None:
    """Not a moment earlier, and a second one only when the first has failed."""
    made = breaker()
    failing(made, 3, at=10.0)
    assert made.probing(11.9) is None
    probe = made.probing(12.0)
    assert probe is not None
    assert (probe.state, probe.probes) == ("half_open", 1)
    assert made.probing(50.0) is None


def test_each_probe_that_fails_doubles_the_pause_up_to_a_minute() -> None:
    """2, 4, 8 … seconds, so that a dead API hears less and less, and one that is back is noticed within a minute."""
    made = breaker(breaker_give_up_unanswered_s=10_000)
    failing(made, 3)
    pauses, at = [made.probe_at], made.probe_at
    for _ in range(7):
        made.probing(at)
        made.failed(at, "HTTP 503", is_probe=True)
        pauses.append(made.probe_at - at)
        at = made.probe_at
    assert pauses == [2, 4, 8, 16, 32, LONGEST_PAUSE_S, LONGEST_PAUSE_S, LONGEST_PAUSE_S]


def test_a_failure_of_somebody_else_ends_no_probe() -> None:
    """A call that was sent before the breaker opened and fails late says nothing of the probe."""
    made = breaker()
    failing(made, 3)
    made.probing(2.0)
    assert made.failed(3.0, "timeout", is_probe=False) is None
    assert made.state == "half_open"


def test_an_answer_closes_it_whoever_got_it() -> None:
    """The next outage begins with the first pause again."""
    made = breaker()
    failing(made, 3)
    made.probing(2.0)
    change = made.answered(2.5)
    assert change is not None
    assert (change.state, change.away_s, made.state) == ("closed", 2.5, "closed")
    assert failing(made, 3, at=7.0) == ["open"]
    assert (made.outages, made.probe_at) == (2, 9.0)


def test_a_wait_that_the_api_asks_for_is_kept_by_the_probe() -> None:
    """A 503 that says retry-after 15 is not asked again after two seconds."""
    made = breaker()
    failing(made, 2)
    made.failed(0.0, "HTTP 503", is_probe=False, wait_s=15.0)
    assert made.probing(14.9) is None
    assert made.probing(15.0) is not None


@pytest.mark.parametrize(("answered_before", "patience_s"), [(True, 100.0), (False, 20.0)])
def test_it_gives_up_after_the_time_of_the_settings(answered_before: bool, patience_s: float) -> None:
    """An API that never answered this run gets less patience than one that was there a moment ago; it is recorded once."""
    made = breaker()
    if answered_before:
        made.answered(0.0)
    failing(made, 3, at=5.0)
    assert made.given_up(5.0 + patience_s - 0.1) is None
    change = made.given_up(5.0 + patience_s)
    assert change is not None
    assert (change.state, change.away_s) == ("given_up", patience_s)
    assert made.given_up(5.0 + patience_s + 1) is None
    assert made.probing(500.0) is None


@given(st.lists(st.tuples(st.sampled_from(["answer", "failure", "probe", "open", "give up"]), st.floats(0, 30)), max_size=60))
def test_whatever_happens_it_closes_by_an_answer_alone_and_lets_one_probe_go(steps: list[tuple[str, float]]) -> None:
    """Any order of events: no probe before its time or beside another, no way out of giving up but an answer, and time away only grows."""
    made, at, away, under_way = breaker(), 0.0, 0.0, False
    for step, later in steps:
        at += later
        before = made.state
        if step == "answer":
            made.answered(at)
            under_way = False
            assert made.state == "closed"
        elif step == "failure":
            made.failed(at, "x", is_probe=under_way)
            under_way = False
        elif step == "probe" and made.probing(at) is not None:
            assert before == "open"
            assert at >= made.probe_at
            assert not under_way
            under_way = True
        elif step == "open":
            made.opened(at, "x")
        elif step == "give up" and made.given_up(at) is not None:
            assert at >= made.give_up_at
        if before != "closed" and step != "answer":
            assert made.state != "closed"
        assert away <= made.away_s(at)
        away = made.away_s(at)
