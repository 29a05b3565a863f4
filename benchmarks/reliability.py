"""What holds when things fail, in figures: `python benchmarks/reliability.py [--hostile FOLDER]`, as part of `make crash`.

Hostile files with time and memory, throughput under faults as a share of that without, the time from a dead API's return to full speed, and a folder
of 100,000 files. Everything runs on loopback. The figures and the catalogue of faults go into docs/reliability.md, between their marks.
"""

import argparse
import asyncio
import csv
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import corpus

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))  # the tests are no package that is installed

from autod_lib import journal, store  # noqa: E402
from autod_lib.ingest import ingest  # noqa: E402
from autod_lib.local_api import running  # noqa: E402
from autod_lib.pdf import Readers, Reading, limits_for  # noqa: E402
from autod_lib.settings import load_settings  # noqa: E402
from tests import faults as catalogue  # noqa: E402
from tests.test_injection import INJECTIONS  # noqa: E402

DOCUMENT = PROJECT / "docs" / "reliability.md"
MEANING = {"accept": "readable", "accept_flag": "readable", "reject": "rejected", "quarantine": "quarantined"}
LATENCY_S = 0.25
FILES = 100_000


def hostile(folder: Path) -> list[tuple[str, str, str]]:
    """Every hostile file, in time and memory, and whether it ended as it must."""
    with (folder / "expected.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["stored"] == "yes"]

    async def read() -> list[Reading]:
        async with Readers(2, limits_for(load_settings({}))) as readers:
            return await asyncio.gather(*(readers.read(folder / row["file"], text=True, file=False, inbox=folder) for row in rows))

    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    readings = {row["file"]: reading for row, reading in zip(rows, asyncio.run(read()), strict=True)}
    seconds = time.monotonic() - begun
    wrong = [row["file"] for row in rows if readings[row["file"]].status != MEANING[row["must"]]]
    here = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3
    longest = max(reading.seconds for reading in readings.values())
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    return [
        ("hostile files that ended as they must", f"{len(rows) - len(wrong)} of {len(rows)}{': not ' + ', '.join(wrong) if wrong else ''}", "all"),
        ("all of them together, two readers", f"{seconds:.1f} s", "< 60 s"),
        ("the longest", f"{longest:.1f} s", "<= 10 s and its start"),
        ("memory: this process grew by; largest reader", f"{here:.0f} MB; {worker:.0f} MB", "< 50 MB; <= 1 GB"),
    ]


def _ingested(inbox: Path, folder: Path, faults: str, **given: Any) -> tuple[float, dict[str, Any], list[float]]:
    """Documents a second by the server's log, the report, and when each answer was given, for one run."""
    log = folder / "api.jsonl"
    log.unlink(missing_ok=True)
    home = Path(tempfile.mkdtemp(dir=folder))
    with running(answers="canned", latency=LATENCY_S, log=log, faults=faults) as address:
        report = ingest([inbox], load_settings({}, home=home, base_url=address, input_mode="file-low", **given))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    times = sorted(datetime.fromisoformat(line["time"]).timestamp() for line in lines if line["path"] == "/v1/responses" and line["status"] == 200)
    return len(times) / (times[-1] - times[0]), vars(report), times


def throughput(folder: Path) -> list[tuple[str, str, str]]:
    """The same inbox without faults and with every fifth request failing."""
    inbox = corpus.make(folder / "inbox", 400)
    plain, _, _ = _ingested(inbox, folder, "", in_flight=16)
    faulty, report, _ = _ingested(inbox, folder, "500=0.07,429=0.07,503=0.06", in_flight=16)
    few, _, _ = _ingested(inbox, folder, "500=0.02,429=0.02,503=0.01", in_flight=16)
    return [
        ("throughput with 20 % of faults, of that without", f"{faulty / plain:.0%} ({faulty:.0f} of {plain:.0f} documents a second)", ">= 70 %"),
        ("documents that failed by them", str(report["failed"]), "next to none"),
        ("throughput with 5 % of faults, of that without", f"{few / plain:.0%}", ">= 85 %"),
    ]


def recovery(folder: Path) -> list[tuple[str, str, str]]:
    """An API that fails its first 60 requests, then is well: how long until as many answers come as before."""
    inbox = corpus.make(folder / "inbox", 400)
    plain, _, _ = _ingested(inbox, folder, "", in_flight=16)
    _, report, times = _ingested(inbox, folder, "503=first60", in_flight=16, breaker_give_up_unanswered_s=300)
    back, window = times[0], 1.0
    full = next(at for at in times if sum(at <= other < at + window for other in times) >= 0.9 * plain * window)
    return [
        ("an API away for its first 60 requests: documents failed", str(report["failed"]), "0"),
        ("from its first answer to nine tenths of full speed", f"{full - back:.1f} s", ""),
    ]


def many_files(folder: Path) -> list[tuple[str, str, str]]:
    """A folder of 100,000 files, 20 contents of them: looked at, told apart, and looked at again."""
    inbox = folder / "many"
    inbox.mkdir()
    for path in corpus.make(folder / "few", 20).iterdir():
        content = path.read_bytes()[:600]  # cut off: rejected with a reason each, so that reading is quick
        for number in range(FILES // 20):
            (inbox / f"{path.stem}_{number:05}.pdf").write_bytes(content + b"%" + str(number % 5).encode())
    home = folder / "many_home"
    with running(answers="canned") as address:
        settings = load_settings({}, home=home, base_url=address)
        begun = time.monotonic()
        first = ingest([inbox], settings)
        middle = time.monotonic()
        second = ingest([inbox], settings)
        end = time.monotonic()
    with store.reading(home) as con:
        ((paths,),) = con.execute("select count(*) from sightings").fetchall()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return [
        (f"a folder of {FILES:,} files: paths in the record, contents", f"{paths:,}, {first.documents}", f"{FILES:,}, 100"),
        ("first look; second look", f"{middle - begun:.0f} s; {end - middle:.1f} s", ""),
        ("calls; peak memory of this process", f"{first.calls + second.calls}; {peak:.0f} MB", "0; <= 500 MB"),
    ]


def write(mark: str, end: str, text: str) -> None:
    """Puts a text into the documentation, between its marks."""
    head, rest = DOCUMENT.read_text().split(f"<!-- {mark} -->\n")
    DOCUMENT.write_text(f"{head}<!-- {mark} -->\n{text}<!-- {end} -->{rest.split(f'<!-- {end} -->', 1)[1]}")


def main() -> None:
    """Measures, prints and writes what was asked for; everything without an option."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--hostile", type=Path, default=PROJECT.parent / "shared" / "hostile_pdfs", help="hostile files with their expected.csv")
    options.add_argument("--catalogue", action="store_true", help="only write the catalogue of faults")
    given = options.parse_args()
    write("catalogue", "end of the catalogue", catalogue.table())
    if given.catalogue:
        return
    measures: list[Callable[[Path], list[tuple[str, str, str]]]] = [throughput, recovery, many_files]
    rows = [("orders to the model, by text, name, title and invisible text", str(len(INJECTIONS)), ">= 30")]
    if (given.hostile / "expected.csv").exists():
        rows += hostile(given.hostile)
    for measure in measures:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(Path(folder))
        rows += found
        print("\n".join(f"{what}: {value}   goal {goal}" for what, value, goal in found), flush=True)
    lines = [f"| {what} | {value} | {goal} |" for what, value, goal in rows]
    measured = f"Measured on {journal.now():%Y-%m-%d}, {os.cpu_count()} processors.\n\n"
    write("measured", "end of what was measured", measured + "\n".join(["| | | goal |", "|---|---|---|", *lines]) + "\n")


if __name__ == "__main__":
    for name in [name for name in os.environ if name.startswith(("AUTOD_", "OPENAI_"))]:
        del os.environ[name]
    main()
