"""How a server was asked to behave, checked once.

Decided here: the form and the bounds of every option. Called by __main__.py; read by the other modules, changed by none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from .billing import parse_discrepancies
from .faults import FaultRate, parse_faults

Answers = Literal["rules", "oracle", "canned"]
Implicit = Literal["reads-system", "reads-nothing"]


@dataclass(frozen=True)
class Options:
    """What the server does beside answering; times in seconds, shares from 0 to 1."""

    latency: float = 0.0
    jitter: float = 0.0
    faults: tuple[FaultRate, ...] = ()
    log: Path | None = None
    seed: int = 0
    answers: Answers = "rules"
    truth: Path | None = None
    accuracy: tuple[tuple[str, float], ...] = (("", 0.9),)
    confidence: float | None = None
    output_tokens: int = 0
    page_tokens: tuple[int, int] | None = None
    implicit: Implicit = "reads-nothing"
    requests_a_machine: int = 15
    requests_per_minute: int = 0
    discrepancies: tuple[str, ...] = ()
    batch_seconds: float = 0.0
    batch_reads: float = 0.0


def options_from(given: Mapping[str, object]) -> Options:
    """Options from the command line's words.

    Raises: ValueError naming the option and what it should look like; OSError if the truth cannot be read.
    """
    options = Options(
        latency=float(str(given["latency"])),
        jitter=_share("jitter", given["jitter"]),
        faults=parse_faults(str(given["faults"])),
        log=cast(Path | None, given["log"]),
        seed=int(str(given["seed"])),
        answers=cast(Answers, given["answers"]),
        truth=cast(Path | None, given["truth"]),
        accuracy=_accuracy(str(given["accuracy"])),
        confidence=None if given["confidence"] is None else _share("confidence", given["confidence"]),
        output_tokens=int(str(given["output_tokens"])),
        page_tokens=_page_tokens(str(given["page_tokens"])),
        implicit=cast(Implicit, given["implicit"]),
        requests_a_machine=int(str(given["requests_a_machine"])),
        requests_per_minute=int(str(given["requests_per_minute"])),
        discrepancies=parse_discrepancies(str(given["discrepancies"])),
        batch_seconds=float(str(given["batch_seconds"])),
        batch_reads=_share("batch-reads", given["batch_reads"]),
    )
    if min(options.latency, options.batch_seconds, options.output_tokens, options.requests_per_minute, options.requests_a_machine) < 0:
        raise ValueError("--latency, --batch-seconds, --output-tokens, --requests-per-minute and --requests-a-machine cannot be negative")
    if options.answers == "oracle" and options.truth is None:
        raise ValueError("--answers oracle needs --truth CSV, with the columns file and sha256 and one for each known field")
    if options.truth is not None:
        options.truth.stat()
    return options


def _share(name: str, given: object) -> float:
    share = float(str(given))
    if not 0 <= share <= 1:
        raise ValueError(f"--{name} is a share from 0 to 1, not {given}")
    return share


def _accuracy(given: str) -> tuple[tuple[str, float], ...]:
    """(beginning of a model's name, share), longest beginning first; the empty one stands for every other model."""
    pairs = []
    for item in given.split(","):
        name, _, share = item.rpartition("=")
        pairs.append((name.strip(), _share("accuracy", share)))
    if "" not in dict(pairs):
        pairs.append(("", 0.9))
    return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))


def _page_tokens(given: str) -> tuple[int, int] | None:
    if not given:
        return None
    low, comma, high = given.partition(",")
    if not comma or not low.strip().isdigit() or not high.strip().isdigit():
        raise ValueError(f"--page-tokens is LOW,HIGH, two whole numbers such as 85,900, not {given!r}")
    return int(low), int(high)
