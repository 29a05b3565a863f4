"""What the intervals hold, and how often drift is told, each simulated many times with a known truth: `python benchmarks/coverage.py [--write]`.

A nominal 95 % interval should hold the truth in 95 of 100 samples; of streams without drift at most 5 in 100 may ever be called drifting. Takes a
minute or two; nothing is read and nothing is sent.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import duckdb
import numpy as np

from autod_lib import drift, intervals, store
from autod_lib.intervals import Estimate

DOCS = Path(__file__).resolve().parents[1] / "docs" / "accuracy.md"
BEGIN, END = "<!-- coverage: python benchmarks/coverage.py --write -->", "<!-- end of coverage -->"
SIZES = (20, 50, 200)
DRIFT_BEGIN, DRIFT_END = "<!-- drift: python benchmarks/coverage.py --write -->", "<!-- end of drift -->"
TIMES = 1000
STREAMS = 300
DRAWS = 400


def held(truth: float, found: Iterator[Estimate]) -> float:
    """The share of the intervals that hold the truth; one that could not be made holds nothing."""
    every = list(found)
    return sum(each.low is not None and each.high is not None and each.low <= truth <= each.high for each in every) / len(every)


def wilson(share: float) -> Callable[[np.random.Generator, int], Estimate]:
    """A share of independent labels."""
    return lambda random, size: intervals.wilson(int(random.binomial(size, share)), size)


def fields(random: np.random.Generator, size: int) -> tuple[int, np.ndarray]:
    """Labels a document, and how many are right: 0.8 of five, more often than not together (share of the document: Beta(4, 1))."""
    return 5, random.binomial(5, random.beta(4, 1, size))


def in_effect(random: np.random.Generator, size: int) -> Iterator[Estimate]:
    """These documents' fields as the views take them: Wilson's interval at the labels in effect, by the macros themselves."""
    with duckdb.connect() as con:
        con.execute((store.SQL / "views" / "29_wilson.sql").read_text())
        labels, right = fields(random, size * TIMES)
        con.register("samples", {"sample": np.repeat(np.arange(TIMES), size), "hits": right})
        counted = "select sum(hits) / sum($labels) as share, trials_in_effect(hits, $labels) as effective from samples group by sample"
        ends = "wilson_low(share * effective, effective), wilson_high(share * effective, effective)"
        yield from (Estimate(*row) for row in con.execute(f"select share, {ends} from ({counted})", {"labels": labels}).fetchall())


def bootstrapped(random: np.random.Generator, size: int) -> Estimate:
    """The same by bootstrap, whole documents drawn."""
    labels, right = fields(random, size)
    return intervals.clustered(lambda sums: sums[..., 0] / sums[..., 1], np.column_stack([right, np.full(size, labels)]), draws=DRAWS)


def independent(random: np.random.Generator, size: int) -> Estimate:
    """The same, all fields taken as independent."""
    labels, right = fields(random, size)
    return intervals.wilson(int(right.sum()), labels * size)


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


def often(study: Callable[[np.random.Generator, int], Estimate]) -> Callable[[np.random.Generator, int], Iterator[Estimate]]:
    """One sample after the other."""
    return lambda random, size: (study(random, size) for _ in range(TIMES))


STUDIES: dict[str, tuple[float, Callable[[np.random.Generator, int], Iterator[Estimate]]]] = {
    "share of 0.9, Wilson": (0.9, often(wilson(0.9))),
    "share of 0.99, Wilson": (0.99, often(wilson(0.99))),
    "fields by document, Wilson at the labels in effect": (0.8, in_effect),
    "the same, bootstrap": (0.8, often(bootstrapped)),
    "the same, Wilson as if independent": (0.8, often(independent)),
    "paired difference, Bonett and Price": (0.1, often(paired)),
    "uneven sample, weighted": (0.905, often(stratified)),
    "Brier score, bootstrap": (1 / 6, often(brier)),
    "AUROC, bootstrap": (0.7602, often(auroc)),
}


def table() -> str:
    """The coverage of every interval at every size, in Markdown."""
    lines = [f"| interval | {' | '.join(f'n = {size}' for size in SIZES)} |", f"|---|{'---|' * len(SIZES)}"]
    for name, (truth, study) in STUDIES.items():
        cells = []
        for size in SIZES:
            random = np.random.default_rng(size)
            cells.append(f"{held(truth, study(random, size)):.1%}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def told(number: int, share: float, documents: int, measures: int = 1) -> int | None:
    """After how many documents beyond the reference a stream is called drifting: a share that was 0.3 in the reference, in each of some measures."""
    needed, first = measures / drift.FALSE_ALARMS, None
    for measure in range(measures):
        random = Random(f"{number} {measure}")
        values = [float(random.random() < 0.3) for _ in range(drift.REFERENCE)] + [float(random.random() < share) for _ in range(documents)]
        rich, _ = drift.wealth(values, drift.REFERENCE, random)
        place = next((place for place, each in enumerate(rich, 1) if each >= needed), None)
        first = place if first is None else min(first, place or first)
    return first


def drift_table() -> str:
    """How often streams without drift are ever called drifting, and how soon those with drift are, in Markdown."""
    measures, documents = len(drift.MEASURES), 400
    lines = [f"| {STREAMS} streams, looked at after each of {documents} documents | ever told | median documents until then |", "|---|---|---|"]
    for name, share, of in (
        ("nothing moves, one measure", 0.3, 1),
        (f"nothing moves, all {measures} measures", 0.3, measures),
        ("a share moves from 0.3 to 0.4, one measure", 0.4, 1),
        ("from 0.3 to 0.5", 0.5, 1),
        ("from 0.3 to 0.7", 0.7, 1),
    ):
        found = [place for number in range(STREAMS) if (place := told(number, share, documents, of)) is not None]
        lines.append(f"| {name} | {len(found) / STREAMS:.1%} | {np.median(found):.0f} |" if found else f"| {name} | 0.0% | – |")
    return "\n".join(lines)


def written(text: str, begin: str, end: str, made: str) -> str:
    """The text with what was made between its marks."""
    return text[: text.index(begin) + len(begin)] + f"\n\n{made}\n\n" + text[text.index(end) :]


def main() -> None:
    """Prints the tables, or writes them between their marks in docs/accuracy.md."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--write", action="store_true", help="put the tables into docs/accuracy.md")
    given = options.parse_args()
    made, drifting = table(), drift_table()
    print(f"{made}\n\n{drifting}")
    if given.write:
        DOCS.write_text(written(written(DOCS.read_text(), BEGIN, END, made), DRIFT_BEGIN, DRIFT_END, drifting))


if __name__ == "__main__":
    main()
