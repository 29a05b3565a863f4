"""Do the intervals of forecasts hold what they promise? `python benchmarks/forecasts.py FOLDER [--seed N]`.

The folder is cut at random into runs of one to twelve documents; each run is forecast and then done, in two input modes, against the simulated API,
in one workspace that learns as it goes. That is done twice: with every document read before the run (`autod estimate`, the notebook), and with the
sizes of the files alone (`autod ingest`). What is printed is read from the ledger by the views estimate_coverage and estimate_error.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from autod_lib import local_api, store
from autod_lib.estimate import estimate
from autod_lib.ingest import ingest
from autod_lib.look import walk
from autod_lib.settings import load_settings

BASES = ("read", "size")
MODES = ("auto", "file-high")
COVERAGE = """
select basis, input_mode, has_seen, runs, runs_within, round(share_within, 3) as share, round(share_low, 3) as share_low,
       round(share_high, 3) as share_high, round(median_error, 4) as median_error, round(p95_error, 4) as p95_error, round(width, 3) as width
from estimate_coverage order by all"""
LATE = """
select basis, input_mode, count(*) as runs, count(*) filter (where is_within) as runs_within, round(median(abs(bill_ratio - 1)), 4) as median_error,
       round(median(high_usd / expected_usd), 3) as times_high
from (select *, row_number() over (partition by basis, input_mode order by logged_at) as place from estimate_by_run where is_within is not null)
where place > 6 group by all order by all"""
ERROR = """
select input_mode, confidence, calls, round(rules_median_error, 4) as median_by_rules, round(rules_p95_error, 4) as p95_by_rules,
       round(median_error, 4) as median, round(p95_error, 4) as p95
from estimate_error order by all"""


def runs(documents: list[Path], seed: int) -> Iterator[list[Path]]:
    """The documents in runs of one to twelve."""
    rng = random.Random(seed)
    rng.shuffle(documents)
    while documents:
        size = rng.choice([1, 2, 3, 4, 6, 8, 12])
        yield documents[:size]
        del documents[:size]


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("folder", type=Path)
    given.add_argument("--seed", type=int, default=1)
    given.add_argument("--basis", choices=BASES, nargs="*", default=BASES)
    options = given.parse_args()
    everything = [Path(path) for path, _ in walk(str(options.folder))]
    with tempfile.TemporaryDirectory() as temporary, local_api.running(answers="rules") as address:
        for basis in options.basis:
            home = Path(temporary) / basis
            for place, chunk in enumerate(runs(list(everything), options.seed)):
                for mode in MODES:
                    settings = load_settings({}, home=home, base_url=address, input_mode=mode)
                    ingest(chunk, settings, forecasts=estimate(chunk, settings).forecasts() if basis == "read" else ())
                print(f"\r{basis}: {place + 1} runs in each of {len(MODES)} modes", end="", file=sys.stderr)
            print(file=sys.stderr)
            with store.reading(home) as con:
                print(f"\nForecast by {basis}")
                for title, sql in (("coverage", COVERAGE), ("from the 7th run of a mode on", LATE), ("error of input tokens", ERROR)):
                    print(f"  {title}")
                    for row in store.rows(con, sql):
                        print("   ", *(f"{name}={value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
