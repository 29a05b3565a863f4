"""What a run is asked to do, and what it says of itself: options in, figures and sentences out.

Decided here: the fields of the contract's JSON object, the sentences, and the columns of a run's first and last event. Called by ingest.py and
glance.py; imports nothing heavy, so that a run without news ends quickly.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from . import __version__
from .errors import AutodError
from .logs import one_line
from .settings import Settings, unit_of_money

ADDED: Final = (
    *("processed", "calls", "input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens"),
    *("cost_usd", "calls_unpriced", "unsettled", "unsettled_upper_usd", "outages", "away_s", "seconds"),
)
NAMED: Final = 20  # pending documents that a report names; a sentence names fewer
SHOWN: Final = 3
NOT_SENT: Final = ("no_text", "too_long")  # error kinds of documents that one arm cannot be sent, and another can
FORECAST: Final = ("forecast_usd", "forecast_low_usd", "forecast_high_usd")  # None where nobody prices the model


Rules = Callable[[Sequence[str], str, int | None], dict[str, Any]]
"""What reads a document without a model: the text of its pages, its name and their number in; a record out."""


@dataclass(frozen=True)
class Stage:
    """One stage of a saved policy, asked by a run of its own: whose answers stand, and where the other documents go."""

    policy_run_id: str  # names the saved policy
    policy: str  # the same for a person
    number: int  # from 1
    arm: str
    stands: Callable[[str, Mapping[str, Any] | None], bool] | None = (
        None  # of document and record, None: as answered before; without it: every answer
    )
    then_person: bool = False  # a person has the documents whose answer does not stand, else the next stage
    rules: Rules | None = None  # asked instead of a model

    def __str__(self) -> str:
        return f"{self.policy}, stage {self.number}: {self.arm}"

    @property
    def setup(self) -> str:
        """Under which a document is done: the whole policy's, so that a document that stands is not opened again."""
        return f"policy {self.policy_run_id}"

    @property
    def waiting(self) -> str:
        """The error kind of documents that wait for this stage."""
        return f"stage_{self.number}"

    def settled(
        self, status: str, kind: str | None, sentence: str, sha256: str, record: Mapping[str, Any] | None
    ) -> tuple[str, str | None, str, int]:
        """What becomes of a document by this stage's answer: status, error kind, sentence, and the number of the stage that settles it.

        A document that this arm cannot be sent goes on as one whose answer does not stand; one whose call failed stays failed.
        """
        is_reused = status in ("reused", "reused_review")
        is_answered = is_reused or status in ("processed", "needs_review")
        if self.stands is None or not (is_answered or kind in NOT_SENT):
            return status, kind, sentence, self.number
        if (is_reused or record is not None) and self.stands(sha256, record):
            return status, kind, sentence, self.number
        why = f"The answer of {self.arm} does not stand by the policy {self.policy}."
        if self.then_person:
            return "needs_review", None, f"{why} A person is its last stage.", self.number + 1
        return "pending", f"stage_{self.number + 1}", f"{why} The same command asks its next stage.", self.number + 1


@dataclass(frozen=True)
class Options:
    """What one run is asked to do, beyond the settings."""

    max_usd: Decimal | None = None
    limit: int | None = None
    retry_failed: bool = False
    move_to: Path | None = None
    wait: bool = False
    take_purged: bool = False
    experiment: str = ""  # name of the experiment that asks: its answers are kept, and no document gets a status from them
    repeat: int = 0  # asks anew, on purpose, what was answered before: the number of the repetition
    stage: Stage | None = None  # the stage of a saved policy that the run asks


def options(
    *,
    max_usd: float | None = None,
    limit: int | None = None,
    retry_failed: bool = False,
    move_to: Path | None = None,
    wait: bool = False,
    take_purged: bool = False,
) -> Options:
    """The options of a run from plain values, as commands and notebooks have them; None is no limit."""
    return Options(None if max_usd is None else Decimal(str(max_usd)), limit, retry_failed, move_to, wait, take_purged)


@dataclass
class Progress:
    """Where a run stands, for a progress bar."""

    total: int = 0
    done: int = 0
    cost_usd: Decimal = Decimal(0)
    unsettled: int = 0


@dataclass
class Report:
    """What a run did. `documents` = processed + reused + failed + pending, each counted by content."""

    run_id: str
    simulated: bool
    documents: int = 0
    processed: int = 0
    reused: int = 0
    failed: int = 0
    pending: int = 0
    duplicates: int = 0
    needs_review: int = 0
    calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    calls_unpriced: int = 0
    unsettled: int = 0
    unsettled_upper_usd: Decimal = Decimal(0)
    outages: int = 0
    away_s: float = 0.0
    forecast_usd: Decimal | None = Decimal(0)
    forecast_low_usd: Decimal | None = Decimal(0)
    forecast_high_usd: Decimal | None = Decimal(0)
    seconds: float = 0.0
    exit_status: int = 0
    stopped_by: str | None = None
    problems: dict[str, int] = field(default_factory=dict)
    undone: list[str] = field(default_factory=list)  # paths of pending documents, the first NAMED of them

    def columns(self) -> dict[str, Any]:
        """The report as the contract's JSON object."""
        return {name: str(value) if isinstance(value, Decimal) else value for name, value in vars(self).items()}

    def plus(self, later: "Report") -> "Report":
        """This report with a later round's work added; what was known before is as the later round found it."""
        both = Report(later.run_id, later.simulated, exit_status=max(self.exit_status, later.exit_status), stopped_by=later.stopped_by)
        for name in ADDED:
            setattr(both, name, getattr(self, name) + getattr(later, name))
        for name in FORECAST:
            parts = getattr(self, name), getattr(later, name)
            setattr(both, name, None if None in parts else sum(parts))
        both.failed, both.pending, both.duplicates, both.problems = later.failed, later.pending, later.duplicates, later.problems
        both.undone = later.undone
        both.needs_review, both.reused = later.needs_review, max(0, later.reused - self.processed)  # what was moved away is not seen again
        both.documents = both.processed + both.reused + both.failed + both.pending
        return both

    def check(self) -> None:
        """Raises what stopped the run, so that a notebook fails after it has shown everything; failed documents stop nothing."""
        if self.exit_status not in (0, 1):
            raise AutodError(self.stopped_by or f"exit status {self.exit_status}")

    def sentences(self) -> list[str]:
        """The report for a person."""
        money = unit_of_money(self.simulated)
        lines = [
            f"{self.documents} documents: {self.processed} processed ({self.needs_review} need review), {self.reused} known before, "
            f"{self.failed} failed, {self.pending} pending; {self.duplicates} {'duplicate' if self.duplicates == 1 else 'duplicates'}.",
            f"{self.calls} {'call' if self.calls == 1 else 'calls'} cost {self.cost_usd:.6f} {money}: {self.input_tokens:,} input tokens, "
            f"{self.cached_tokens:,} of them read from "
            f"the cache, {self.output_tokens:,} output tokens; {self.seconds:.1f} s.",
        ]
        if self.forecast_usd:
            lines.append(
                f"Expected were {self.forecast_usd:.6f} {money}, in four of five runs {self.forecast_low_usd:.6f} to {self.forecast_high_usd:.6f}."
            )
        if self.unsettled:
            lines.append(f"{self.unsettled} calls are unsettled and can have cost up to {self.unsettled_upper_usd:.6f} {money} more.")
        if self.calls_unpriced:
            lines.append(f"{self.calls_unpriced} answered calls have no known cost and are not in the sum.")
        if self.outages:
            lines.append(f"The API was away {self.outages} times, {self.away_s:.0f} s in all: autod sql 'from api_outages'.")
        if self.problems:
            named = ", ".join(f"{count} {name}" for name, count in sorted(self.problems.items(), key=lambda item: -item[1]))
            lines.append(f"Not answered: {named}. Each has its reason: autod show FILE.")
        if self.stopped_by:
            lines.append(one_line(self.stopped_by))  # it may repeat what the API said
            if self.undone:
                named = ", ".join(repr(path) for path in self.undone[:SHOWN])
                more = f" and {self.pending - SHOWN} more" if self.pending > SHOWN else ""
                lines.append(f"Left undone: {named}{more}.")
        return lines


def first_columns(command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The columns of the first event of a run that asks nobody, so that no setting decides what it does."""
    parent = os.environ.get("AUTOD_PARENT_RUN")
    return {"command": command, "arguments": arguments, "version": __version__, "pid": os.getpid(), "parent_run_id": parent}


def start_columns(settings: Settings, command: str, arguments: dict[str, Any], max_usd: Decimal | None = None) -> dict[str, Any]:
    """The columns of a run's first event; `max_usd` is the limit of the run given with the command."""
    return first_columns(command, arguments) | {
        "settings": settings.printable(),
        "host": os.uname().nodename,
        "environment": settings.environment,
        "base_url": settings.base_url,
        "is_simulated": settings.is_simulated,
        "budget_run_usd": settings.budget_run_usd if max_usd is None else max_usd,
        "budget_day_usd": settings.budget_day_usd,
        "budget_month_usd": settings.budget_month_usd,
    }


def ingest_columns(settings: Settings, roots: list[str], options: Options) -> dict[str, Any]:
    """The columns of the first event of an ingest over these folders, or of an experiment's part."""
    arguments = {"paths": roots, **{name: str(value) for name, value in vars(options).items() if value}}
    return start_columns(settings, "experiment" if options.experiment else "ingest", arguments, options.max_usd)


def finish_columns(report: Report) -> dict[str, Any]:
    """The columns of a run's last event."""
    return {
        "exit_status": report.exit_status,
        "state": "interrupted" if report.exit_status == 130 else "stopped" if report.stopped_by else "finished",
        "reason": report.stopped_by,
        "seconds": report.seconds,
        "summary": report.columns(),
    }
