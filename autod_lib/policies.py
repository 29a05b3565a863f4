"""What would it cost to be right enough: cascades, votes and a person, tried on answers that were paid for already.

Decided here: what a policy is (arms asked one after the other, the answer of each standing where its confidence is high enough; or two that agree),
that a threshold is never judged on the documents it was chosen on, and what is promised of a policy that is bought for a target. Asks nobody, writes
nothing. Called by the command `buy` and by 40_experiments, on answers of comparison.py.

The promise is that of Learn then Test (Angelopoulos, Bates, Candès, Jordan, Lei 2021, arXiv:2110.01052, Theorem 1 with fixed-sequence testing): half
of the documents orders the policies from safe to cheap; on the other half each is tested in this order, with the exact binomial p-value of "it is
wrong more often than allowed", until one test fails; every policy before that one is wrong no more often than allowed, all of them at once with the
probability that is asked for, whatever the answers and confidences are like, if the labelled documents are drawn as the others will be. The p-value
is at most δ exactly where the upper bound of Clopper and Pearson (1934) is within what is allowed. A threshold on a stated confidence is also one on
any rising recalibration of it: nothing is assumed of the confidence, a poor one only buys less.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from itertools import combinations, product
from math import ceil, log
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from .comparison import DRAWS, SEED, Answers, Floats, between, binomial_at_most, drawn, in_common, usd
from .errors import SettingsError
from .intervals import wilson

PERSON: Final = "person"
GRID: Final = 9  # thresholds tried of an arm: at quantiles of its confidence, and none
STAGES: Final = 3  # arms at most in a cascade, a person beside them
FOLDS: Final = 5
MOST: Final = 5_000  # documents that an offer is worked out on: thousands of policies are tried on each
SURE: Final = 0.9  # probability with which a promise is to hold

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Policy:
    """Arms in the order in which they are asked: the answer of each stands where its confidence is at least its threshold, that of the last always.

    With `is_vote`, the first two are both asked, and their answer stands where they agree; else the last one's does.
    """

    stages: tuple[str, ...]
    thresholds: tuple[float, ...] = ()
    is_vote: bool = False

    def sentence(self) -> str:
        """The policy for a person."""
        if self.is_vote:
            return f"{self.stages[0]} and {self.stages[1]}; where they disagree {self.stages[2]}"
        parts = [f"{arm} where its confidence is at least {least:.3g}" for arm, least in zip(self.stages, self.thresholds, strict=False)]
        return ", else ".join([*parts, self.stages[-1]])


def with_person(given: Answers, person_usd: Decimal) -> Answers:
    """The answers with one arm more: a person, whose answer is the label, at so many USD a document."""
    person = np.full((len(given.documents), 1), float(person_usd))

    def beside(part: Any, column: Any) -> Any:
        return np.hstack([part, column])

    return replace(
        given,
        arms=[*given.arms, PERSON],
        right_fields=beside(given.right_fields, given.labelled[:, None]),
        cost_usd=beside(given.cost_usd, person),
        latency_s=beside(given.latency_s, np.full_like(person, np.nan)),
        confidence=beside(given.confidence, np.ones_like(person)),
        answer=beside(given.answer, np.full(person.shape, None, dtype=object)),
    )


def policies(given: Answers, *, votes: bool = False) -> list[Policy]:
    """Every policy that is tried: each arm alone, and every cascade of at most three arms, the cheaper first, with or without a person at its end.

    With `votes`, also every two arms with a dearer one or a person to decide between them; answers of several fields cannot be put to a vote.
    """
    costs = dict(zip(given.arms, np.nanmean(given.cost_usd, axis=0), strict=True))
    arms = [arm for arm in sorted(costs, key=lambda arm: (costs[arm], arm)) if arm != PERSON and not np.isnan(costs[arm])]
    ends = [PERSON] if PERSON in given.arms else []
    grids = {arm: _grid(given.confidence[:, given.arms.index(arm)]) for arm in arms}
    found = [Policy((arm,)) for arm in [*arms, *ends]]
    for size in range(1, min(STAGES, len(arms)) + 1):
        for chosen in combinations(arms, size):
            for stages in [chosen, *[(*chosen, end) for end in ends]]:
                if len(stages) > 1:
                    found += [Policy(stages, thresholds) for thresholds in product(*(grids[arm] for arm in stages[:-1]))]
    if votes:
        found += [Policy((*two, third), is_vote=True) for two in combinations(arms, 2) for third in [*arms[arms.index(two[1]) + 1 :], *ends]]
    return found


def _grid(confidence: Floats) -> list[float]:
    known = confidence[~np.isnan(confidence)]
    return sorted(set(np.quantile(known, np.linspace(0, 1, GRID)[1:]).tolist())) if known.size else []


def tried(given: Answers, tested: Sequence[Policy]) -> tuple[Bools, Floats]:
    """Whether each policy is right in every labelled field, and what it costs in USD: two arrays of policies × documents.

    An answer without a confidence never stands before the last arm.
    """
    place = {arm: index for index, arm in enumerate(given.arms)}
    is_right, sure = given.is_right, np.nan_to_num(given.confidence, nan=-1.0)
    right, cost = np.zeros((len(tested), len(given.documents)), dtype=bool), np.zeros((len(tested), len(given.documents)))
    for row, policy in enumerate(tested):
        columns = [place[arm] for arm in policy.stages]
        if policy.is_vote:
            first, second, third = columns
            differs = np.asarray(given.answer[:, first] != given.answer[:, second])
            right[row] = np.where(differs, is_right[:, third], is_right[:, first])
            cost[row] = given.cost_usd[:, first] + given.cost_usd[:, second] + np.where(differs, given.cost_usd[:, third], 0)
            continue
        left = np.ones(len(given.documents), dtype=bool)
        for number, column in enumerate(columns):
            cost[row] += np.where(left, given.cost_usd[:, column], 0)
            stands = left if number == len(columns) - 1 else left & (sure[:, column] >= policy.thresholds[number])
            right[row] |= stands & is_right[:, column]
            left = left & ~stands
    return right, cost


def best(right: Bools, cost: Floats, *, target: float | None = None, usd_a_thousand: Decimal | None = None) -> int:
    """The place of the policy that these documents would choose: the cheapest of those that reach the target, else the most right within the price.

    Where none does, the most right, or the cheapest. Raises: SettingsError unless one of the two is given.
    """
    if (target is None) == (usd_a_thousand is None):
        raise SettingsError("Give a target or a price, and not both. Example: --target 0.99")
    shares, costs = right.mean(axis=1), cost.mean(axis=1)
    if target is not None:
        reached = shares >= target
        return int(np.lexsort((-shares, costs, ~reached))[0]) if reached.any() else int(np.lexsort((costs, -shares))[0])
    affordable = costs * 1000 <= float(usd_a_thousand or 0)
    return int(np.lexsort((costs, -shares, ~affordable))[0]) if affordable.any() else int(np.lexsort((-shares, costs))[0])


FRONTIER: Final[dict[str, Any]] = {
    "policy": pl.String,
    "documents": pl.Int64,
    "accuracy": pl.Float64,
    "accuracy_low": pl.Float64,
    "accuracy_high": pl.Float64,
    "usd_a_thousand": pl.Decimal(24, 6),
}


def frontier(given: Answers, tested: Sequence[Policy]) -> pl.DataFrame:
    """The policies that no other one beats on these documents, the cheapest first: what could be had, seen from behind.

    policy str · documents int · accuracy, accuracy_low, accuracy_high float 0–1 (Wilson, 95 %) · usd_a_thousand Decimal, USD for 1,000 documents. The
    best of many on the documents it was chosen on looks better than it is: `cross_validated` says what to expect.
    """
    right, cost = tried(given, tested)
    shares, costs = right.mean(axis=1), cost.mean(axis=1) * 1000
    rows, highest = [], -1.0
    for place in np.lexsort((-shares, costs)):
        if shares[place] > highest and not np.isnan(costs[place]):
            highest = float(shares[place])
            found = wilson(highest * len(given.documents), len(given.documents))
            rows.append(
                {
                    "policy": tested[place].sentence(),
                    "documents": len(given.documents),
                    "accuracy": highest,
                    "accuracy_low": found.low,
                    "accuracy_high": found.high,
                    "usd_a_thousand": usd(costs[place]),
                }
            )
    return pl.DataFrame(rows, schema=FRONTIER)


@dataclass(frozen=True, slots=True)
class Expected:
    """What choosing a policy by a target or a price brings on documents it was not chosen on; intervals 95 %, costs in USD for 1,000 documents.

    `policy` is what all documents together would choose; `seen_accuracy` and `seen_usd_a_thousand` are its figures on these same documents.
    """

    policy: Policy
    documents: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    usd_a_thousand: Decimal | None
    usd_a_thousand_low: Decimal | None
    usd_a_thousand_high: Decimal | None
    seen_accuracy: float
    seen_usd_a_thousand: Decimal | None


def cross_validated(
    given: Answers, tested: Sequence[Policy], *, target: float | None = None, usd_a_thousand: Decimal | None = None, folds: int = FOLDS
) -> Expected:
    """What to expect of choosing among these policies: each fifth of the documents is judged by the policy that the other four would choose.

    Raises: SettingsError with fewer documents than folds, or unless a target or a price is given.
    """
    documents = len(given.documents)
    if documents < folds:
        raise SettingsError(f"{documents} labelled documents were answered by all of these arms; {folds} are the fewest that can be judged.")
    right, cost = tried(given, tested)
    chosen = best(right, cost, target=target, usd_a_thousand=usd_a_thousand)
    fold = np.random.default_rng(SEED).permutation(documents) % folds
    hits, spent = np.zeros(documents, dtype=bool), np.zeros(documents)
    for number in range(folds):
        held = fold == number
        place = best(right[:, ~held], cost[:, ~held], target=target, usd_a_thousand=usd_a_thousand)
        hits[held], spent[held] = right[place, held], cost[place, held]
    found = wilson(float(hits.sum()), documents)
    assert found.low is not None, "there are documents"
    assert found.high is not None
    return Expected(
        tested[chosen],
        documents,
        float(hits.mean()),
        found.low,
        found.high,
        *_price(spent),
        float(right[chosen].mean()),
        usd(float(cost[chosen].mean() * 1000)),
    )


def _price(spent: Floats) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """The mean for 1,000 documents, with its bootstrap interval."""
    low, high = between(drawn(len(spent), DRAWS) @ spent / len(spent) * 1000)
    return usd(float(spent.mean() * 1000)), usd(low), usd(high)


@dataclass(frozen=True, slots=True)
class Promise:
    """A policy that is right at least as often as the target, with the probability `sure`; `policy` is None when these documents can promise none.

    `tested_documents` of these were wrong `errors` times; `accuracy_at_least` is the lower bound that they allow at `sure`. Costs: USD for 1,000
    documents, with their 95 % interval. `documents_needed`: tested documents without a single error from which a promise begins.
    """

    target: float
    sure: float
    policy: Policy | None
    tested_documents: int
    errors: int
    accuracy_at_least: float
    usd_a_thousand: Decimal | None
    usd_a_thousand_low: Decimal | None
    usd_a_thousand_high: Decimal | None
    documents_needed: int

    def sentences(self, money: str = "USD") -> list[str]:
        """The promise for a person, or why there is none; `money` names the kind of USD."""
        if self.policy is None:
            return [
                f"No policy can be promised to be right {self.target:.1%} of the time with {self.sure:.0%} certainty: "
                f"{self.tested_documents} documents were left to test on, and the safest policy was wrong {self.errors} times. Without any error, "
                f"{self.documents_needed} tested documents are needed, so {2 * self.documents_needed} with labels; or lower the target, or add a "
                "person."
            ]
        return [
            f"{self.policy.sentence()}.",
            f"It is right at least {self.target:.1%} of the time, with {self.sure:.0%} certainty: {self.errors} errors in {self.tested_documents} "
            f"tested documents allow {self.accuracy_at_least:.1%} at least. It costs {self.usd_a_thousand:.4f} {money} for 1,000 documents "
            f"({self.usd_a_thousand_low:.4f} to {self.usd_a_thousand_high:.4f}). Both hold as long as further documents are like these.",
        ]


def promised(given: Answers, tested: Sequence[Policy], target: float, *, sure: float = SURE, seed: int = SEED) -> Promise:
    """The cheapest of these policies that can be promised to reach a target, by Learn then Test; see the head of this module.

    Raises: SettingsError for a target or certainty that is no share between 0 and 1.
    """
    if not (0 < target < 1 and 0 < sure < 1):
        raise SettingsError(f"target={target}, sure={sure}: must lie between 0 and 1. Example: 0.99")
    right, cost = tried(given, tested)
    order = np.random.default_rng(seed).permutation(len(given.documents))
    learn, test = order[: len(order) // 2], order[len(order) // 2 :]
    allowed, needed = 1 - target, ceil(log(1 - sure) / log(target))
    sequence = _sequence(right[:, learn], cost[:, learn]) if learn.size else []
    held: int | None = None
    errors = int((~right[sequence[0], test]).sum()) if sequence else 0
    for place in sequence:
        wrong = int((~right[place, test]).sum())
        if binomial_at_most(wrong, test.size, allowed) > 1 - sure:
            break
        held, errors = place, wrong
    if held is None:
        return Promise(target, sure, None, test.size, errors, 0.0, None, None, None, needed)
    return Promise(target, sure, tested[held], test.size, errors, lower_bound(errors, test.size, sure), *_price(cost[held, test]), needed)


def _sequence(right: Bools, cost: Floats) -> list[int]:
    """The policies that no other beats on these documents, from the safest, which is the dearest, to the cheapest."""
    wrong, costs = (~right).mean(axis=1), cost.mean(axis=1)
    found, cheapest = [], np.inf
    for place in np.lexsort((costs, wrong)):
        if costs[place] < cheapest:
            cheapest = costs[place]
            found.append(int(place))
    return found


def lower_bound(errors: int, documents: int, sure: float) -> float:
    """The share that is right at least, by so many errors in so many documents, with the certainty `sure` (Clopper and Pearson 1934, one-sided)."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if binomial_at_most(errors, documents, middle) > 1 - sure else (low, middle)
    return 1 - high


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be had for a target or a price: what to expect, and what is promised (None for a price: only a target can be promised)."""

    frontier: pl.DataFrame
    expected: Expected
    promise: Promise | None

    def columns(self) -> dict[str, Any]:
        """All of it as one JSON object."""
        return {
            "frontier": self.frontier.to_dicts(),
            "expected": asdict(self.expected),
            "promise": None if self.promise is None else asdict(self.promise),
        }

    def sentences(self, money: str = "USD") -> list[str]:
        """All of it for a person; `money` names the kind of USD."""
        expected = self.expected
        cost = f"{expected.usd_a_thousand:.4f} {money} for 1,000 ({expected.usd_a_thousand_low:.4f} to {expected.usd_a_thousand_high:.4f})"
        lines = [
            f"Of all policies tried on {expected.documents:,} documents: {expected.policy.sentence()}. On documents it was not chosen on, expect "
            f"{expected.accuracy:.1%} right ({expected.accuracy_low:.1%} to {expected.accuracy_high:.1%}) at {cost}."
        ]
        return lines if self.promise is None else [*lines, "Promised: " + " ".join(self.promise.sentences(money))]


def offered(
    given: Answers,
    *,
    target: float | None = None,
    usd_a_thousand: Decimal | None = None,
    person_usd: Decimal | None = None,
    sure: float = SURE,
    votes: bool = False,
) -> Offer:
    """The best policy for a target or a price, of the arms that answered most of the labelled documents; with a person where one has a price.

    Arms of unknown cost are left out, and of more than MOST documents so many are drawn.
    Raises: SettingsError without a target or a price, or with too few documents.
    """
    common = in_common(given)
    priced = [arm for place, arm in enumerate(common.arms) if not np.isnan(common.cost_usd[:, place]).any()]
    common = common.of(priced)
    if not common.documents:
        raise SettingsError("No arm of known cost has answered a labelled document: autod experiment PLAN.toml, and autod labels import FILE.")
    if len(common.documents) > MOST:
        common = common.at(np.sort(np.random.default_rng(SEED).permutation(len(common.documents))[:MOST]))
    whole = common if person_usd is None else with_person(common, person_usd)
    tested = policies(whole, votes=votes)
    expected = cross_validated(whole, tested, target=target, usd_a_thousand=usd_a_thousand)
    return Offer(frontier(whole, tested), expected, None if target is None else promised(whole, tested, target, sure=sure))
