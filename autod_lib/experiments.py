"""Experiments: the same documents asked in several ways, to learn which way is worth its money.

Decided here: the form of a plan, which documents it takes (those named, else all with a label), and the order: arm by arm, each in the order of
names, so that what a budget leaves undone is a whole arm rather than half of each. Promised: the price of a plan is known before it is run; an
answer that the ledger has is reused, whoever paid for it; a plan that was stopped or killed is resumed by the same command; no document gets a
status, so that what stands in `documents` is not changed by trying. Called by the command `experiment` and by 40_experiments.
"""

import difflib
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from . import prices, store
from .errors import SettingsError
from .estimate import Estimate, estimate
from .ingest import ingest, setup_hash
from .journal import now
from .report import Options, Progress, Report
from .settings import Settings, unit_of_money

if TYPE_CHECKING:
    import polars as pl

OWN: Final = ("model", "input_mode", "reasoning_effort", "verbosity", "fields", "max_output_tokens")  # settings that make an arm
LABELLED_SQL: Final = """
select arg_max(path, (logged_at, run_id, seq)) as path
from sightings_log semi join (select distinct document_sha256 from labels_current) using (document_sha256)
anti join (select document_sha256 from deletions group by document_sha256 having max_by(is_deleted, (logged_at, run_id, seq))) using (document_sha256)
where problem is null group by document_sha256 order by path"""
PROMPTS_SQL: Final = """
select prompt_hash, arg_max(system, logged_at) as system, arg_max(developer, logged_at) as developer,
       arg_max(cast(schema as varchar), logged_at) as schema
from prompt_versions where starts_with(prompt_hash, $prompt) group by prompt_hash order by prompt_hash"""


class Arm(BaseModel):
    """A way to ask; what is not given is that of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = Field(None, description="Model.")
    input_mode: Literal["text", "file-low", "file-high"] | None = Field(None, description="What is sent of each document.")
    reasoning_effort: str | None = Field(None, description="Effort of reasoning.")
    verbosity: str | None = Field(None, description="Verbosity.")
    fields: str | None = Field(None, description="Fields that are asked for: all, core, or names with commas.")
    max_output_tokens: int | None = Field(None, description="Ceiling of the output tokens of a call.")
    repeats: int = Field(0, description="How often it is asked once more on purpose, to see whether its answers are stable.", ge=0, le=20)


class Plan(BaseModel):
    """Arms, the documents that each of them is asked, and what that may cost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("", description="Name of the experiment; that of the file without it.", max_length=80)
    max_usd: Decimal = Field(description="What it may cost, all arms together.", ge=0)
    paths: tuple[str, ...] = Field((), description="Files and folders, relative to the plan; all documents with a label without any.")
    limit: int | None = Field(None, description="Take at most so many documents.", ge=1)
    arm: tuple[Arm, ...] = Field(description="The arms, in their order, each a table [[arm]].", min_length=1)


@dataclass(frozen=True)
class Part:
    """One arm of a plan, asked once: a run of its own."""

    settings: Settings
    options: Options

    @property
    def name(self) -> str:
        """The arm for a person."""
        own = f"{self.settings.model} · {self.settings.input_mode} · {self.settings.reasoning_effort}"
        fewer = "" if self.settings.fields == "all" else f" · {self.settings.fields}"
        return own + fewer + (f" · repeat {self.options.repeat}" if self.options.repeat else "")


@dataclass
class Outcome:
    """What an experiment did: a report of each part that was begun, and of what was left undone."""

    name: str
    simulated: bool
    parts: list[tuple[str, Report]] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)

    @property
    def cost_usd(self) -> Decimal:
        """USD of the calls made now."""
        return sum((report.cost_usd for _, report in self.parts), Decimal(0))

    @property
    def exit_status(self) -> int:
        """That of the part that stopped it, else of the worst."""
        stopped = [report.exit_status for _, report in self.parts if report.stopped_by]
        return stopped[0] if stopped else max((report.exit_status for _, report in self.parts), default=0)

    def columns(self) -> dict[str, Any]:
        """All of it as one JSON object."""
        parts = [{"arm": name} | report.columns() for name, report in self.parts]
        return {"name": self.name, "simulated": self.simulated, "cost_usd": self.cost_usd, "arms": parts, "undone": self.undone}

    def sentences(self) -> list[str]:
        """All of it for a person."""
        money = unit_of_money(self.simulated)
        lines = [
            f"{name}: {report.processed} documents asked, {report.reused} answered before, {report.failed} failed, {report.pending} pending; "
            f"{report.calls} calls cost {report.cost_usd:.6f} {money}."
            for name, report in self.parts
        ]
        lines += [report.stopped_by for _, report in self.parts if report.stopped_by]
        if self.undone:
            lines.append(f"Not begun: {'; '.join(self.undone)}. The same command goes on where this one stopped.")
        return [*lines, f"{self.name!r} cost {self.cost_usd:.6f} {money}. What it shows: autod compare, or autod run 40_experiments."]


def read_plan(path: Path) -> Plan:
    """The plan of a TOML file, its paths made absolute.

    Raises: SettingsError naming every mistake of its form.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        plan = Plan.model_validate({"name": path.stem} | found)
    except OSError as error:
        raise SettingsError(f"The plan {str(path)!r} cannot be read ({error.strerror}); nothing was asked.") from error
    except ValueError as error:  # of TOML, of its encoding, or of what stands in it
        raise SettingsError(f"The plan {str(path)!r} is refused, nothing was asked: {_mistakes(error)}.") from error
    beside = path.absolute().parent
    return plan.model_copy(update={"paths": tuple(str(beside / Path(name).expanduser()) for name in plan.paths)})


def _mistakes(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())


def documents(plan: Plan, settings: Settings) -> list[Path]:
    """The files and folders that a plan asks about.

    Raises: SettingsError when none is named and no document has a label.
    """
    if plan.paths:
        return list(map(Path, plan.paths))
    with store.reading(settings.home) as con:
        known = [Path(path) for (path,) in con.execute(LABELLED_SQL).fetchall()]
    there = [path for path in known if path.is_file()]
    if not there:
        raise SettingsError(
            "The plan names no paths, and no document with a label is where it was seen; nothing was asked. Give paths, or import labels first: "
            "autod labels import FILE."
        )
    return there


def parts(plan: Plan, settings: Settings) -> list[Part]:
    """Each arm of a plan with the settings it asks with, and once more for every repetition.

    Raises: SettingsError for an arm that is none, or that is there twice.
    """
    found: list[Part] = []
    for number, arm in enumerate(plan.arm, 1):
        given = {name: value for name, value in arm.model_dump().items() if name in OWN and value is not None}
        try:
            own = Settings.model_validate(settings.model_dump() | given)
        except ValidationError as error:
            raise SettingsError(f"Arm {number} of {plan.name!r} is refused, nothing was asked: {_mistakes(error)}.") from error
        if own.input_mode == "auto":
            raise SettingsError(
                f"Arm {number} of {plan.name!r} is refused, nothing was asked: with input_mode auto, documents would be in two arms. "
                "Give it text, file-low or file-high."
            )
        if not prices.is_priced(own.model, now()) and not own.allow_unpriced:
            raise SettingsError(
                f"Arm {number} of {plan.name!r} is refused, nothing was asked: no price list knows {own.model!r}, so no budget could hold. "
                "Choose another model, or allow it on purpose with AUTOD_ALLOW_UNPRICED=true."
            )
        for repeat in range(arm.repeats + 1):
            found.append(Part(own, Options(limit=plan.limit, experiment=plan.name, repeat=repeat)))
    keys = [(setup_hash(part.settings), part.options.repeat) for part in found]
    twice = [part.name for place, part in enumerate(found) if keys[place] in keys[:place]]
    if twice:
        raise SettingsError(
            f"{plan.name!r} has the same arm twice ({'; '.join(twice)}); nothing was asked. To ask again on purpose, give it repeats."
        )
    return found


def price(plan: Plan, settings: Settings, progress: Callable[[int, int], None] | None = None) -> list[tuple[str, Estimate]]:
    """What each part of a plan would take, answers that are there already left out; asks no model.

    Raises: SettingsError.
    """
    there = documents(plan, settings)
    return [(part.name, estimate(there, part.settings, progress, options=part.options)) for part in parts(plan, settings)]


def price_rows(priced: list[tuple[str, Estimate]]) -> list[dict[str, Any]]:
    """One row a part, and one of all together.

    arm · documents to be asked · known, answered before · USD expected, between what (four of five times), and at most; None without a price.
    """
    names = ("expected_usd", "low_usd", "high_usd", "upper_usd")
    rows: list[dict[str, Any]] = []
    for arm, each in priced:
        rows.append({"arm": arm, "documents": each.new_documents, "known": each.known} | {name: getattr(each.chosen, name) for name in names})
    total: dict[str, Any] = {"arm": "all together", "documents": sum(row["documents"] for row in rows), "known": sum(row["known"] for row in rows)}
    for name in names:
        values = [row[name] for row in rows]
        total[name] = None if None in values else sum(values, Decimal(0))
    return [*rows, total]


def run(plan: Plan, settings: Settings, progress: Callable[[str, Progress], None] | None = None) -> Outcome:
    """Asks what is not answered yet, arm by arm, within the plan's budget and those of the settings.

    Raises: SettingsError, MissingKey, WorkspaceBusy, WorkspaceUnusable before anything is sent; what stops it later is in the reports.
    """
    there, todo = documents(plan, settings), parts(plan, settings)
    outcome, left = Outcome(plan.name, settings.is_simulated), plan.max_usd
    for place, part in enumerate(todo):

        def shown(state: Progress, name: str = part.name) -> None:
            if progress:
                progress(name, state)

        options = Options(max_usd=left, limit=part.options.limit, experiment=plan.name, repeat=part.options.repeat)
        report = ingest(there, part.settings, options, shown)
        outcome.parts.append((part.name, report))
        left = max(Decimal(0), left - report.cost_usd - report.unsettled_upper_usd)
        if report.stopped_by:
            outcome.undone = [later.name for later in todo[place + 1 :]]
            break
    return outcome


def prompt_difference(con: Any, first: str, second: str) -> "pl.DataFrame":
    """What one prompt version says and another does not: line str, the unified diff of system message, developer message and schema.

    `first` and `second` are beginnings of a prompt_hash, such as arms end with. Raises: SettingsError unless each names one recorded version.
    """
    import orjson
    import polars as pl

    texts = []
    for prompt in (first, second):
        found = con.execute(PROMPTS_SQL, {"prompt": prompt}).fetchall()
        if len(found) != 1:
            raise SettingsError(f"{prompt!r} begins {len(found)} prompt versions of the record, not one: autod sql 'from prompt_versions'.")
        [(name, system, developer, schema)] = found
        shape = orjson.dumps(orjson.loads(schema or "{}"), option=orjson.OPT_INDENT_2).decode()
        texts.append((name, f"{system}\n{developer}\n{shape}".splitlines()))
    lines = list(difflib.unified_diff(texts[0][1], texts[1][1], texts[0][0], texts[1][0], lineterm="", n=1))
    return pl.DataFrame({"line": lines}, schema={"line": pl.String})
