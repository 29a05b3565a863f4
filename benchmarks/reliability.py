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
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import corpus
import openai

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))  # the tests are no package that is installed

from autod_lib import journal, resources, store  # noqa: E402
from autod_lib.ingest import ingest  # noqa: E402
from autod_lib.local_api import running  # noqa: E402
from autod_lib.pdf import Readers, Reading, limits_for  # noqa: E402
from autod_lib.settings import load_settings  # noqa: E402
from tests import faults as catalogue  # noqa: E402
from tests.pipeline import autod, make_inbox  # noqa: E402
from tests.test_injection import INJECTIONS  # noqa: E402

DOCUMENT = PROJECT / "docs" / "reliability.md"
MEANING = {"accept": "readable", "accept_flag": "readable", "reject": "rejected", "quarantine": "quarantined"}
LATENCY_S = 1.0  # so long that the machine's own speed hardly counts
IN_FLIGHT = 8
DOCUMENTS = 320
AWAY_S = 10.0
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
        ("the longest, by the clock", f"{longest:.1f} s", "<= 30 s: 10 s of processor time"),
        ("memory: this process grew by; largest reader", f"{here:.0f} MB; {worker:.0f} MB", "< 50 MB; <= 1 GB"),
    ]


def _ingested(inbox: Path, folder: Path, faults: str) -> tuple[float, int]:
    """Documents a second by the server's log, and documents that failed, of one run."""
    log = folder / "api.jsonl"
    log.unlink(missing_ok=True)
    home = Path(tempfile.mkdtemp(dir=folder))
    with running(answers="canned", latency=LATENCY_S, log=log, faults=faults) as address:
        report = ingest([inbox], load_settings({}, home=home, base_url=address, input_mode="file-low", in_flight=IN_FLIGHT))
    times = _answered_at(log)
    return len(times) / (times[-1] - times[0]), report.failed


def _answered_at(log: Path) -> list[float]:
    """When each answer was given, by the server's log."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return sorted(datetime.fromisoformat(line["time"]).timestamp() for line in lines if line["path"] == "/v1/responses" and line["status"] == 200)


def throughput(folder: Path) -> list[tuple[str, str, str]]:
    """The same inbox without faults and with every fifth request failing."""
    inbox = corpus.make(folder / "inbox", DOCUMENTS)
    plain, _ = _ingested(inbox, folder, "")
    faulty, failed = _ingested(inbox, folder, "500=0.07,429=0.07,503=0.06")
    few, _ = _ingested(inbox, folder, "500=0.02,429=0.02,503=0.01")
    return [
        ("throughput with 20 % of faults, of that without", f"{faulty / plain:.0%} ({faulty:.1f} of {plain:.1f} documents a second)", ">= 70 %"),
        ("documents that failed by them", str(failed), "next to none"),
        ("throughput with 5 % of faults, of that without", f"{few / plain:.0%}", ">= 85 %"),
    ]


def recovery(folder: Path) -> list[tuple[str, str, str]]:
    """An API where nothing listens for ten seconds, then one that is well: how long until as many answers come as can."""
    inbox, log = corpus.make(folder / "inbox", DOCUMENTS), folder / "api.jsonl"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = load_settings({}, home=folder / "home", base_url=f"http://127.0.0.1:{port}/v1", input_mode="file-low", in_flight=IN_FLIGHT)
    with ThreadPoolExecutor(1) as beside:
        run = beside.submit(ingest, [inbox], settings)
        time.sleep(AWAY_S)
        with running(answers="canned", latency=LATENCY_S, log=log, port=port):
            back = time.time()
            report = run.result()
    times = _answered_at(log)
    window_s = 3 * LATENCY_S
    full = next(at for at in times if sum(at <= other < at + window_s for other in times) >= 0.9 * IN_FLIGHT / LATENCY_S * window_s)
    return [
        (f"an API away for {AWAY_S:.0f} s: documents that failed by it", str(report.failed), "0"),
        ("from its return to nine tenths of full speed", f"{full - LATENCY_S - back:.1f} s", "the pause before the next probe"),
    ]


def orphans(folder: Path) -> list[tuple[str, str, str]]:
    """The searchable copy made while it is killed behind every event of a remote object in turn, then swept: what is at the API beside the record."""
    inbox, home, key, kills = make_inbox(folder / "in", 4), folder / "home", "sk-test", 0
    with running() as address:
        settings = load_settings({}, home=home, base_url=address, api_key=key)
        ingest([inbox], settings)
        while autod("index", home=home, address=address, AUTOD_CRASH_AT=f"remote_object:{kills % 3 + 1}").returncode == -signal.SIGKILL:
            kills += 1
        resources.sweep(settings)
        sdk = openai.OpenAI(base_url=address, api_key=key)
        there = {found.id for found in sdk.files.list(limit=1000)} | {found.id for found in sdk.vector_stores.list(limit=100)}
    with store.reading(home) as con:
        held = {name for (name,) in con.execute("select object_id from remote_objects_held where object_kind <> 'vector_store_file'").fetchall()}
    return [("objects left at the provider, or missing there, after kills while indexing and a sweep", f"{len(there ^ held)} ({kills} kills)", "0")]


def many_files(folder: Path) -> list[tuple[str, str, str]]:
    """A folder of 100,000 files of 100 contents: looked at, told apart, asked about once each, and looked at again."""
    inbox = folder / "many"
    inbox.mkdir()
    for path in make_inbox(folder / "few", 100, lines=1).iterdir():
        for number in range(FILES // 100):
            os.link(path, inbox / f"{path.stem}_{number:05}.pdf")
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
        ("calls; peak memory of this process", f"{first.calls + second.calls}; {peak:.0f} MB", "100; <= 500 MB"),
    ]


def write(mark: str, end: str, text: str) -> None:
    """Puts a text into the documentation, between its marks."""
    head, rest = DOCUMENT.read_text().split(f"<!-- {mark} -->\n")
    DOCUMENT.write_text(f"{head}<!-- {mark} -->\n{text}<!-- {end} -->{rest.split(f'<!-- {end} -->', 1)[1]}")


def write_measured(rows: list[tuple[str, str, str]]) -> None:
    """Puts the figures into their table, in place of those of the same name."""
    text = DOCUMENT.read_text().split("<!-- measured -->\n")[1].split("<!-- end of what was measured -->")[0]
    before = {line.split(" | ")[0].removeprefix("| "): line for line in text.splitlines()[2:]}
    new = {what: f"| {what} | {value} | {goal} | {journal.now():%Y-%m-%d} |" for what, value, goal in rows}
    write("measured", "end of what was measured", "\n".join(["| | | goal | measured |", "|---|---|---|---|", *(before | new).values()]) + "\n")


def main() -> None:
    """Measures, prints and writes what was asked for by name; everything without one."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASURES))
    options.add_argument("--hostile", type=Path, default=PROJECT.parent / "shared" / "hostile_pdfs", help="hostile files with their expected.csv")
    options.add_argument("--catalogue", action="store_true", help="only write the catalogue of faults")
    given = options.parse_args()
    write("catalogue", "end of the catalogue", catalogue.table())
    for name in [] if given.catalogue else given.names or MEASURES:
        if name == "hostile" and not (given.hostile / "expected.csv").exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            rows = MEASURES[name](given.hostile if name == "hostile" else Path(folder))
        print("\n".join(f"{what}: {value}   goal {goal}" for what, value, goal in rows), flush=True)
        write_measured(rows)


MEASURES: dict[str, Callable[[Path], list[tuple[str, str, str]]]] = {
    "injections": lambda _: [("orders to the model, by text, name, title and invisible text", str(len(INJECTIONS)), ">= 30")],
    "hostile": hostile,
    "throughput": throughput,
    "recovery": recovery,
    "orphans": orphans,
    "many_files": many_files,
}

if __name__ == "__main__":
    for variable in [name for name in os.environ if name.startswith(("AUTOD_", "OPENAI_"))]:
        del os.environ[variable]
    main()
