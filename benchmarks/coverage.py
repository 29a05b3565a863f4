"""What the intervals hold: each simulated many times with a known truth, as a table for docs/accuracy.md: `python benchmarks/coverage.py [--write]`.

A nominal 95 % interval should hold the truth in 95 of 100 samples. Takes a minute or two; nothing is read and nothing is sent.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from autod_lib import intervals
from autod_lib.intervals import Estimate

DOCS = Path(__file__).resolve().parents[1] / "docs" / "accuracy.md"
BEGIN, END = "<!-- coverage: python benchmarks/coverage.py --write -->", "<!-- end of coverage -->"
SIZES = (20, 50, 200)
TIMES = 1000
DRAWS = 400


def held(truth: float, found: Iterator[Estimate]) -> float:
    """The share of the intervals that hold the truth; one that could not be made holds nothing."""
    every = list(found)
    return sum(each.low is not None and each.high is not None and each.low <= truth <= each.high for each in every) / len(every)


def wilson(share: float) -> Callable[[np.random.Generator, int], Estimate]:
    """A share of independent labels."""
    return lambda random, size: intervals.wilson(int(random.binomial(size, share)), size)


def clustered(random: np.random.Generator, size: int) -> Estimate:
    """0.8 of the fields right, five a document, a document's fields right together more often than not (share of the document: Beta(4, 1))."""
    right = random.binomial(5, random.beta(4, 1, size))
    return intervals.clustered(intervals.ratio, np.column_stack([right, np.full(size, 5)]), draws=DRAWS)


def clustered_wilson(random: np.random.Generator, size: int) -> Estimate:
    """The same documents, their fields taken as independent."""
    return intervals.wilson(int(random.binomial(5, random.beta(4, 1, size)).sum()), 5 * size)


def paired(random: np.random.Generator, size: int) -> Estimate:
    """Two ways on the same documents: 0.9 and 0.8 right, both 0.75."""
    _, first, second, _ = random.multinomial(size, [0.75, 0.15, 0.05, 0.05])
    return intervals.paired_difference(int(first), int(second), size)


def stratified(random: np.random.Generator, size: int) -> Estimate:
    """Nine in ten documents are right in 0.95, the tenth in 0.5; half of the labels are of the tenth."""
    half = size // 2
    strata = [(900, half, int(random.binomial(half, 0.95))), (100, half, int(random.binomial(half, 0.5)))]
    return intervals.stratified(strata)[0]


def auroc(random: np.random.Generator, size: int) -> Estimate:
    """Confidence normal about 1 where right (0.7 of the answers) and about 0 where wrong: AUROC 0.760."""
    right = (random.random(size) < 0.7).astype(float)
    return intervals.resampled(intervals.separation, random.normal(right, 1), right, draws=DRAWS)


def brier(random: np.random.Generator, size: int) -> Estimate:
    """Confidence uniform and exactly what it says: Brier score 1/6."""
    stated = random.random(size)
    return intervals.resampled(intervals.brier, stated, (random.random(size) < stated).astype(float), draws=DRAWS)


STUDIES: dict[str, tuple[float, Callable[[np.random.Generator, int], Estimate]]] = {
    "share of 0.9, Wilson": (0.9, wilson(0.9)),
    "share of 0.99, Wilson": (0.99, wilson(0.99)),
    "fields by document, bootstrap": (0.8, clustered),
    "the same, Wilson as if independent": (0.8, clustered_wilson),
    "paired difference, Bonett and Price": (0.1, paired),
    "uneven sample, weighted": (0.905, stratified),
    "Brier score, bootstrap": (1 / 6, brier),
    "AUROC, bootstrap": (0.7602, auroc),
}


def table() -> str:
    """The coverage of every interval at every size, in Markdown."""
    lines = [f"| interval | {' | '.join(f'n = {size}' for size in SIZES)} |", f"|---|{'---|' * len(SIZES)}"]
    for name, (truth, study) in STUDIES.items():
        cells = []
        for size in SIZES:
            random = np.random.default_rng(size)
            cells.append(f"{held(truth, (study(random, size) for _ in range(TIMES))):.1%}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Prints the table, or writes it between its marks in docs/accuracy.md."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--write", action="store_true", help="put the table into docs/accuracy.md")
    given = options.parse_args()
    made = table()
    print(made)
    if given.write:
        text = DOCS.read_text()
        DOCS.write_text(text[: text.index(BEGIN) + len(BEGIN)] + f"\n\n{made}\n\n" + text[text.index(END) :])


if __name__ == "__main__":
    main()
