"""A study of arms whose truth is known: are the front, the best cascade and its cost found again, and does a promise hold as often as it says?

Three arms answer documents of known difficulty. The first is cheap and too sure of itself, the second fair, the third dear and good; what each is
right in truth is worked out, and what any policy is, is taken from a large population. `python -m tests.study --write` writes the figures into
docs/experiments.md; tests/test_policies.py runs a smaller one.
"""

import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np

from autod_lib import comparison, policies
from autod_lib.comparison import Answers, Floats
from autod_lib.policies import PERSON, Policy

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "experiments.md"
BEGIN, END = "<!-- study: begin -->", "<!-- study: end -->"
ARMS = ("small", "middle", "large")
USD = np.array([0.0002, 0.0011, 0.0060])  # of a document, on average
PERSON_USD = Decimal("0.40")
POPULATION = 200_000
DIFFICULTY = (1.2, 2.8)  # of a beta distribution
DOCUMENTS = 2_000


def world(rng: np.random.Generator, documents: int) -> Answers:
    """So many documents, each asked by three arms: a difficulty from 0 to 1, shared by the arms, decides how likely each is right."""
    chance = chances(rng.beta(*DIFFICULTY, (documents, 1)))
    right = rng.random((documents, 3)) < chance
    stated = np.clip(chance + np.array([0.5, 0.0, 0.0]) * (1 - chance) + rng.normal(0, [0.06, 0.05, 0.03], (documents, 3)), 0.01, 0.99)
    spent = USD * rng.lognormal(-0.08, 0.4, (documents, 1))
    empty = np.full((documents, 3), None, dtype=object)
    names = [str(number) for number in range(documents)]
    return Answers(names, list(ARMS), right.astype(float), np.ones(documents), spent, np.ones((documents, 3)), stated, empty)


def chances(difficulty: Floats) -> Floats:
    """How likely each arm is right about documents of this difficulty: documents × arms."""
    return np.clip(np.array([1.02, 1.03, 1.02]) - difficulty * np.array([0.75, 0.33, 0.08]), 0.02, 0.998)


def truth_of_arms() -> tuple[Floats, Floats]:
    """Share right and USD for 1,000 documents of each arm alone, by the distributions that `world` draws from."""
    from scipy import stats

    middles = (np.arange(POPULATION) + 0.5) / POPULATION
    return chances(stats.beta.ppf(middles, *DIFFICULTY)[:, None]).mean(axis=0), USD * 1000 * np.exp(-0.08 + 0.4**2 / 2)


def truth(tested: Sequence[Policy], seed: int = 1) -> tuple[Floats, Floats]:
    """Share right and USD for 1,000 documents of each policy, in truth."""
    found = []
    population = policies.with_person(world(np.random.default_rng(seed), POPULATION), PERSON_USD)
    for policy in tested:
        right, cost = policies.tried(population, [policy])
        found.append((right.mean(), cost.mean() * 1000))
    shares, costs = np.array(found).T
    return shares, costs


def found_again(rng: np.random.Generator, times: int) -> tuple[list[str], int]:
    """How often the intervals of each arm held its truth when as many documents were drawn anew, and how often all arms were on the front."""
    shares, costs = truth_of_arms()
    held, fronts = np.zeros((2, len(ARMS)), dtype=int), 0
    for _ in range(times):
        rows = comparison.plane(world(rng, DOCUMENTS)).to_dicts()
        held[0] += [row["accuracy_low"] <= share <= row["accuracy_high"] for row, share in zip(rows, shares, strict=True)]
        held[1] += [row["usd_a_thousand_low"] <= Decimal(cost) <= row["usd_a_thousand_high"] for row, cost in zip(rows, costs, strict=True)]
        fronts += all(row["is_on_front"] for row in rows)
    return [f"| {arm} | {held[0, place]} | {held[1, place]} |" for place, arm in enumerate(ARMS)], fronts


def kept(rng: np.random.Generator, documents: int, target: float, times: int, tested: Sequence[Policy], shares: Floats) -> tuple[int, int]:
    """Of so many promises, each made by documents of its own: how many were made, and how many of these hold in truth."""
    place = {policy: number for number, policy in enumerate(tested)}
    made = held = 0
    for number in range(times):
        sample = policies.with_person(world(rng, documents), PERSON_USD)
        promise = policies.promised(sample, tested, target, seed=number)
        made += promise.policy is not None
        held += promise.policy is not None and shares[place[promise.policy]] >= target
    return made, held


def report(times: int = 300) -> list[str]:
    """The study as lines of Markdown."""
    rng = np.random.default_rng(7)
    sample = world(rng, DOCUMENTS)
    shares, costs = truth_of_arms()
    lines = [
        f"{DOCUMENTS:,} documents drawn from a population of known truth, three arms, and a person at {PERSON_USD} USD a document.",
        "",
        "| arm | right in truth | found, 95 % interval | USD for 1,000 in truth | found, 95 % interval | on the front |",
        "|---|---|---|---|---|---|",
    ]
    for row, share, cost in zip(comparison.plane(sample).to_dicts(), shares, costs, strict=True):
        money = f"{row['usd_a_thousand']:.4f} ({row['usd_a_thousand_low']:.4f} to {row['usd_a_thousand_high']:.4f})"
        found = f"{row['accuracy']:.2%} ({row['accuracy_low']:.2%} to {row['accuracy_high']:.2%})"
        lines.append(f"| {row['arm']} | {share:.2%} | {found} | {cost:.4f} | {money} | {row['front_share']:.0%} of draws |")
    again, fronts = found_again(np.random.default_rng(8), 100)
    lines += [
        "",
        f"The same with other {DOCUMENTS:,} documents, 100 times: all arms were on the front {fronts} times, and the interval held the truth",
        "",
        "| arm | of the share right, times | of the cost, times |",
        "|---|---|---|",
        *again,
    ]
    tested = policies.policies(sample)
    shares, costs = truth(tested)
    lines += [
        "",
        f"The cheapest of {len(tested):,} policies without a person, chosen and judged on different documents (cross-validated).",
        "*Best*: what the cheapest of them that reaches the target in truth would cost, in truth.",
        "",
        "| target | policy | right in truth | expected, 95 % interval | USD for 1,000 in truth | expected, 95 % interval | best |",
        "|---|---|---|---|---|---|---|",
    ]
    for target in (0.90, 0.95, 0.97):
        expected, place = policies.cross_validated(sample, tested, target=target), {policy: number for number, policy in enumerate(tested)}
        money = f"{expected.usd_a_thousand:.4f} ({expected.usd_a_thousand_low:.4f} to {expected.usd_a_thousand_high:.4f})"
        found = f"{expected.accuracy:.2%} ({expected.accuracy_low:.2%} to {expected.accuracy_high:.2%})"
        at = place[expected.policy]
        least = costs[shares >= target].min()
        lines.append(f"| {target:.0%} | {expected.policy.sentence()} | {shares[at]:.2%} | {found} | {costs[at]:.4f} | {money} | {least:.4f} |")
    given = policies.with_person(sample, PERSON_USD)
    bought = [policy for policy in policies.policies(given) if len(policy.stages) < 3 or policy.stages[-1] == PERSON][::7]
    bought += [Policy((PERSON,))]
    right, _ = truth(bought)
    lines += [
        "",
        f"Promises at 90 % certainty, {times} times, each time by other documents:",
        "",
        "| labelled documents | target | promises made | of these hold in truth |",
        "|---|---|---|---|",
    ]
    for documents, target in ((200, 0.95), (400, 0.95), (1000, 0.97), (2000, 0.99)):
        made, held = kept(rng, documents, target, times, bought, right)
        lines.append(
            f"| {documents:,} | {target:.0%} | {made} of {times} | {held / made:.1%} |" if made else f"| {documents:,} | {target:.0%} | 0 | – |"
        )
    return lines


def main() -> None:
    """Prints the study, and with --write puts it into the documentation."""
    lines = report()
    print("\n".join(lines))
    if "--write" in sys.argv:
        text = DOCUMENT.read_text()
        head, rest = text.split(BEGIN)
        DOCUMENT.write_text(f"{head}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
