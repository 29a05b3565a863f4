"""kill -9, again and again: what is lost, what is paid twice?   `make crash` for the long form; tests/test_crash.py walks the quick one.

A series is one inbox, one workspace and one loopback API with a log of what it answered. The command `autod ingest` is begun and killed from outside,
at a random instant or as soon as its journal holds the n-th event of a kind, until it ends by itself; then the same command runs undisturbed, and
the ledger is held against the API's own log. Nothing in the library knows of it.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from autod_lib import journal, store
from autod_lib.local_api import running

from .pipeline import PROJECT, answered, autod, begin, make_inbox, one, rows

# Every step that the journal tells of, in the order of a run; `loaded` is the database's file being written.
STEPS: Final = (
    *("run_started", "look", "sighting", "document_read", "prompt_version", "cache_decided", "call_started", "call_finished", "extraction"),
    *("document_status", "run_finished", "loaded"),
)
IN_FLIGHT: Final = 4
LATENCY_S: Final = 0.1
PATIENCE_S: Final = 120.0
FIGURES: Final = PROJECT / "docs" / "reliability.md"


@dataclass
class Figures:
    """What came of it. All but the first four have to be 0."""

    kills: int = 0
    in_flight_at_kill: int = 0
    asked_again: int = 0
    named_unsettled: int = 0
    documents_lost: int = 0
    received_answers_asked_again: int = 0
    asked_again_beyond_those_in_flight: int = 0
    unsettled_without_name_or_bound: int = 0
    databases_that_did_not_open: int = 0
    sums_that_differ: int = 0
    at: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def wrong(self) -> list[str]:
        """What should be 0 and is not."""
        return [each.name for each in fields(self)[4:10] if getattr(self, each.name)]

    def add(self, other: "Figures") -> None:
        """Takes another series in."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


def series(folder: Path, kills: Iterator[str], draw: random.Random, documents: int = 24, faults: str = "") -> Figures:
    """One inbox, read under as many of these kills as it takes (`random`, or a step) to its end; gives what was found.

    Raises: StopIteration when there are no more kills, never before the record was looked at.
    """
    found, begun = Figures(), time.monotonic()
    inbox, home, log = make_inbox(folder / "in", documents, lines=3), folder / "home", folder / "api.jsonl"
    command = ("ingest", inbox, "--input", "file-low", "--in-flight", str(IN_FLIGHT))
    with running(answers="canned", latency=LATENCY_S, log=log, faults=faults, seed=draw.randrange(1000)) as address:
        for how in kills:
            before = set(_segments(home))
            process = begin(*command, home=home, address=address)
            try:
                was_killed = _killed(process, home, before, how, draw)
            finally:
                process.kill()
                process.communicate()
            if not was_killed:
                break
            found.kills += 1
            found.at[how] += 1
            found.in_flight_at_kill += sum(map(len, _open_calls(set(_segments(home)) - before)))
            try:
                one(home, "select count(*) from documents")
            except Exception as error:  # whatever it is, the database did not open
                print(f"after {how}: {type(error).__name__}: {error}", file=sys.stderr)
                found.databases_that_did_not_open += 1
        last = autod(*command, "--json", home=home, address=address)
    report = json.loads(last.stdout)
    _compare(home, documents, report, [line for line in answered(log) if line["status"] == 200], found)
    found.seconds = time.monotonic() - begun
    return found


def _killed(process: "subprocess.Popen[str]", home: Path, before: set[Path], how: str, draw: random.Random) -> bool:
    """Kills it at that instant; False when it had ended by itself. The segments of `before` are not its own."""
    until = time.monotonic() + PATIENCE_S
    if how == "random":
        if draw.random() < 0.7:  # else also while it starts
            _wait(process, lambda: set(_segments(home)) > before, until)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(draw.random() * 1.5)
    elif how == "loaded":
        _wait(process, lambda: bool(_events(home, before, "run_started")), until)
        database = store.database(home)
        seen = database.stat().st_mtime_ns if database.exists() else 0
        _wait(process, lambda: database.exists() and database.stat().st_mtime_ns != seen, until)
    else:
        wanted = draw.randrange(1, 6) if how in ("document_read", "call_started", "call_finished", "extraction", "document_status", "sighting") else 1
        _wait(process, lambda: _events(home, before, how) >= wanted, until)
    if process.poll() is not None:
        return False
    process.kill()
    return True


def _wait(process: "subprocess.Popen[str]", happened: Callable[[], bool], until: float) -> None:
    while process.poll() is None and not happened():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.0005)


def _segments(home: Path) -> list[Path]:
    folder = home / journal.SEGMENTS
    return sorted(folder.glob("*.jsonl")) if folder.is_dir() else []


def _events(home: Path, before: set[Path], kind: str) -> int:
    """How many events of a kind the segment of the run under way holds."""
    return sum(path.read_bytes().count(b'{"kind":"%s"' % kind.encode()) for path in set(_segments(home)) - before)


def _lines(segments: Iterable[Path]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every whole line of these segments, with the place of its segment among them."""
    for number, path in enumerate(segments):
        for line in path.read_bytes().split(b"\n")[:-1]:
            with contextlib.suppress(ValueError):
                yield number, json.loads(line)


def _open_calls(segments: Collection[Path]) -> list[set[str]]:
    """The calls of each of these segments that have a start and no end, by the journal alone."""
    opened: list[set[str]] = [set() for _ in segments]
    for number, event in _lines(segments):
        if event["kind"] == "call_started":
            opened[number].add(event["call_id"])
        elif event["kind"] == "call_finished":
            opened[number].discard(event["call_id"])
    return opened


def _compare(home: Path, documents: int, report: dict[str, Any], log: list[dict[str, Any]], found: Figures) -> None:
    """Holds journal, ledger and the API's log against each other."""
    done = report["processed"] + report["reused"]
    found.documents_lost = abs(documents - report["documents"]) + documents - done
    found.documents_lost += documents - one(home, "select count(*) from documents where processing_status = 'processed'")
    received: set[str] = set()
    for _, event in _lines(_segments(home)):
        if event["kind"] == "call_started":
            found.received_answers_asked_again += event["document_sha256"] in received
        elif event["kind"] == "call_finished" and event["status"] == "answered":
            received.add(event["document_sha256"])

    asked = Counter(line["document_sha256"] for line in log)
    unsettled = Counter(dict(rows(home, "select document_sha256, count(*) from calls_unsettled group by all")))
    found.asked_again = sum(asked.values()) - len(asked)
    found.named_unsettled = sum(unsettled.values())
    found.asked_again_beyond_those_in_flight = max(0, found.asked_again - found.in_flight_at_kill)
    found.asked_again_beyond_those_in_flight += sum(max(0, count - 1 - unsettled[sha]) for sha, count in asked.items())

    open_calls = set().union(*_open_calls(_segments(home)))
    named = {str(call_id) for (call_id,) in rows(home, "select call_id from calls_unsettled where cost_upper_usd > 0")}
    found.unsettled_without_name_or_bound = len(open_calls - named) + len(named) - found.named_unsettled

    tokens = "coalesce(sum(input_tokens + output_tokens), 0)::bigint"
    ledger = dict(rows(home, f"select document_sha256, {tokens} from api_calls where status = 'answered' group by all"))
    billed: Counter[str] = Counter()
    for line in log:
        if asked[line["document_sha256"]] == 1:
            billed[line["document_sha256"]] += line["usage"]["input_tokens"] + line["usage"]["output_tokens"]
    found.sums_that_differ = sum(ledger.get(sha) != sum_ for sha, sum_ in billed.items())
    sums = "select (select sum(cost_usd) from api_calls), (select sum(cost_usd) from cost_by_document), (select sum(cost_usd) from cost_by_run)"
    before = rows(home, sums)
    found.sums_that_differ += len(set(before[0])) - 1
    for path in home.glob("autod.duckdb*"):
        path.unlink()
    found.sums_that_differ += rows(home, sums) != before


def schedule(kills: int, draw: random.Random) -> list[str]:
    """So many kills, half of them at random instants, the others spread over every step."""
    steps = [STEPS[number % len(STEPS)] for number in range(kills // 2)]
    both = ["random"] * (kills - len(steps)) + steps
    draw.shuffle(both)
    return both


def table(found: Figures) -> str:
    """The figures as the documentation has them."""
    named = ", ".join(f"{how} {count}" for how, count in sorted(found.at.items(), key=lambda item: STEPS.index(item[0]) if item[0] in STEPS else -1))
    lines = [f"| {each.name.replace('_', ' ')} | {getattr(found, each.name)} |" for each in fields(found)[:10]]
    return "\n".join(["| | |", "|---|---|", *lines, f"| killed at | {named} |"])


def write(found: Figures) -> None:
    """Puts the figures into the documentation, between their marks."""
    text = FIGURES.read_text()
    start, end = "<!-- make crash -->\n", "<!-- end -->"
    head, rest = text.split(start)
    FIGURES.write_text(f"{head}{start}{table(found)}\n{end}{rest.split(end, 1)[1]}")


def main() -> int:
    """Kills as often as asked, prints the figures as they come, and puts them into the documentation. Exit 1 when anything is wrong."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=220)
    options.add_argument("--seed", type=int, default=20261126)
    options.add_argument("--write", action="store_true", help="put the figures into docs/reliability.md")
    given = options.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    draw, total, number = random.Random(given.seed), Figures(), 0
    wanted = schedule(given.kills, draw)
    with contextlib.suppress(KeyboardInterrupt):  # what was found by then counts
        while total.kills < given.kills:
            faults = "429=0.05,500=0.05" if number % 3 == 2 else ""
            with tempfile.TemporaryDirectory() as folder:
                found = series(Path(folder), iter(wanted[total.kills :]), draw, faults=faults)
            total.add(found)
            number += 1
            print(f"series {number}: {found.kills} kills, {total.kills} in all; {', '.join(found.wrong()) or 'nothing wrong'}", flush=True)
    print(table(total))
    if given.write:
        write(total)
    return 1 if total.wrong() else 0


if __name__ == "__main__":
    for name in [name for name in os.environ if name.startswith(("AUTOD_", "OPENAI_"))]:
        del os.environ[name]
    sys.exit(main())
