"""Cascades tried on answers of known truth: what is chosen, what is expected of it, and how often a promise holds."""

from decimal import Decimal

import numpy as np
import pytest

from autod_lib import policies
from autod_lib.comparison import Answers
from autod_lib.errors import SettingsError
from autod_lib.policies import PERSON, Policy

from . import study
from .test_comparison import made


def three(confidence: list[list[float]]) -> Answers:
    """Two documents, a cheap arm that is right on the first alone and a dear one that is right on both."""
    return made([[1, 1], [0, 1]], cost=(0.001, 0.01), confidence=np.array(confidence))


def test_a_cascade_asks_the_dearer_arm_only_where_the_cheaper_is_not_sure() -> None:
    """What stands, and what it costs: the cheap answer is paid also where it does not stand; an answer without a confidence never stands."""
    cascade = Policy(("a", "b"), (0.8,))

    right, cost = policies.tried(three([[0.9, 0.5], [0.7, 0.5]]), [cascade])
    assert right.tolist() == [[True, True]]
    assert cost.tolist() == [pytest.approx([0.001, 0.011])]
    right, cost = policies.tried(three([[float("nan"), 0.5], [0.8, 0.5]]), [cascade])
    assert right.tolist() == [[True, False]]
    assert cost.tolist() == [pytest.approx([0.011, 0.001])]
    assert cascade.sentence() == "a where its confidence is at least 0.8, else b"


def test_a_vote_asks_the_third_only_where_two_disagree() -> None:
    """Two that agree stand together, also where both are wrong."""
    answer = np.array([["x", "x", "y"], ["x", "z", "z"]], dtype=object)
    given = made([[0, 0, 1], [0, 1, 1]], cost=(1, 2, 4), answer=answer)

    right, cost = policies.tried(given, [Policy(("a", "b", "c"), is_vote=True)])
    assert right.tolist() == [[False, True]]
    assert cost.tolist() == [[3, 7]]
    assert any(policy.is_vote for policy in policies.policies(given, votes=True))
    assert not any(policy.is_vote for policy in policies.policies(given))


def test_a_person_is_right_at_a_price_and_stands_at_the_end() -> None:
    """Every cascade is there with a person and without one."""
    given = policies.with_person(made(np.random.default_rng(1).random((50, 2)) < 0.5, cost=(0.001, 0.002)), Decimal("0.4"))
    tested = policies.policies(given)

    right, cost = policies.tried(given, [Policy((PERSON,))])
    assert (right.all(), cost.mean()) == (True, pytest.approx(0.4))
    assert all(PERSON not in policy.stages[:-1] for policy in tested)
    assert {policy.stages for policy in tested} == {("a",), ("b",), (PERSON,), ("a", "b"), ("a", PERSON), ("b", PERSON), ("a", "b", PERSON)}


def test_a_policy_is_chosen_by_a_target_or_by_a_price() -> None:
    """The cheapest that reaches the one, the most right within the other; without either, the nearest; never by both."""
    right, cost = np.array([[1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]], dtype=bool), np.array([[1.0] * 4, [2.0] * 4, [9.0] * 4])

    assert policies.best(right, cost, target=0.7) == 1
    assert policies.best(right[:2], cost[:2], target=0.99) == 1
    assert policies.best(right, cost, usd_a_thousand=Decimal(2000)) == 1
    assert policies.best(right, cost, usd_a_thousand=Decimal(1)) == 0
    with pytest.raises(SettingsError, match="not both"):
        policies.best(right, cost, target=0.9, usd_a_thousand=Decimal(1))


def test_what_is_known_of_a_policy_is_found_again_on_documents_it_was_not_chosen_on() -> None:
    """The study of known truth: the true share right and the true cost of what is chosen lie in their intervals, near the best there is."""
    sample = study.world(np.random.default_rng(7), study.DOCUMENTS)
    tested = policies.policies(sample)
    expected = policies.cross_validated(sample, tested, target=0.95)
    [share], [cost] = study.truth([expected.policy])
    [_, _, alone], [_, _, dear] = study.truth([Policy((arm,)) for arm in study.ARMS])

    assert expected.accuracy_low <= share <= expected.accuracy_high
    assert float(expected.usd_a_thousand_low or 0) <= cost <= float(expected.usd_a_thousand_high or 0)
    assert alone > 0.95
    assert cost < 0.6 * dear, "a cascade that is right often enough costs less than the one arm that is"
    assert policies.frontier(sample, tested)["accuracy"].is_sorted()


def test_a_promise_holds_as_often_as_it_says() -> None:
    """Promises at 80 % certainty, on labels that hardly suffice: of those made, at most a fifth are broken; and with too few labels none is made."""
    rng = np.random.default_rng(11)
    tested = [Policy(("middle", "large"), (least,)) for least in (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)] + [Policy(("large",)), Policy(("middle",))]
    shares, _ = study.truth(tested)
    place = {policy: number for number, policy in enumerate(tested)}
    held = []
    for number in range(150):
        promise = policies.promised(study.world(rng, 300), tested, 0.95, sure=0.8, seed=number)
        held += [shares[place[promise.policy]] >= 0.95] if promise.policy else []

    assert len(held) > 50
    assert np.mean(held) >= 0.8

    none = policies.promised(study.world(rng, 60), tested, 0.99)
    assert none.policy is None
    assert "230 tested documents are needed" in none.sentences()[0]


@pytest.mark.parametrize(("errors", "documents"), [(0, 30), (3, 200), (5, 5)])
def test_the_bound_of_a_promise_is_that_of_clopper_and_pearson(errors: int, documents: int) -> None:
    """As the beta distribution has it."""
    from scipy import stats

    reference = 1 - stats.beta.ppf(0.9, errors + 1, documents - errors) if errors < documents else 0.0

    assert policies.lower_bound(errors, documents, 0.9) == pytest.approx(reference, abs=1e-9)


def test_an_offer_says_what_to_expect_and_what_is_promised() -> None:
    """For a target both, for a price the first; an arm of unknown cost is in none; without documents or a wish it says so."""
    sample = study.world(np.random.default_rng(3), 500)
    sample.cost_usd[:, 1] = np.nan

    offer = policies.offered(sample, target=0.9, person_usd=Decimal("0.4"))
    assert len(offer.sentences()) == 2
    assert all("middle" not in row["policy"] for row in offer.frontier.to_dicts())
    assert offer.columns()["promise"]["target"] == 0.9
    assert policies.offered(sample, usd_a_thousand=Decimal(1)).promise is None
    with pytest.raises(SettingsError, match="target or a price"):
        policies.offered(sample)
    with pytest.raises(SettingsError, match="autod experiment"):
        policies.offered(made(np.zeros((0, 2))), target=0.9)
    with pytest.raises(SettingsError, match="between 0 and 1"):
        policies.promised(sample, [Policy(("small",))], 1.0)
