"""Policies that were bought: kept by name in the record, and run document by document.

Decided here: that only a promise is saved, under a name whose earlier versions stay; that a stage is a run of its own over the same paths, with the
settings of its arm, and takes just the documents whose answer did not stand before; and that an arm which this autoD would ask otherwise (another
prompt, say) is refused, because nothing was promised of it. An answer stands by the confidence that it states, as policies.py has tested it: a
threshold on it is also one on any rising recalibration of it. Promised: an answer that the ledger has is reused, whoever paid for it; a run that was
stopped or killed anywhere is taken up by the same command; documents that are done cost nothing again. Called by the commands `buy`, `policy` and
`ingest`, which hands in the rules.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb
import orjson
from pydantic import ValidationError

from . import journal, prompt, store
from .baseline import ARM as RULES
from .comparison import EVERY
from .errors import SettingsError
from .estimate import Estimate, estimate
from .experiments import price_rows
from .ingest import ingest
from .labels import FIELDS
from .look import absolute_roots, look
from .policies import PERSON, Policy, Promise
from .report import Options, Progress, Report, Rules, Stage, first_columns
from .settings import Settings, unit_of_money

LONGEST: Final = 80  # characters of a name
PROFILES: Final = ("all", "core")  # what an arm may have been asked for, beside what the settings ask for
ASKED_SQL: Final = """
select model, input_mode, reasoning_effort, verbosity from calls_finished
where arm = $arm and is_simulated = $simulated and purpose = 'extract' order by logged_at desc limit 1"""
SAID_SQL: Final = """
select document_sha256, last.confidence_score, last.answer from (
    select document_sha256, max_by(struct_pack(is_valid, confidence_score, answer := {field}), (logged_at, run_id, seq)) as last
    from extractions where arm = $arm and (is_simulated = $simulated or is_simulated is null) group by document_sha256
) where last.is_valid"""


@dataclass(frozen=True)
class Bought:
    """A saved policy, as the view policy_versions has it; money of the kind `is_simulated`, persons included."""

    policy_run_id: str
    name: str
    version: int
    is_newest: bool
    saved_at: datetime
    saved_by: str
    is_simulated: bool
    field: str
    target: float
    sure: float
    is_vote: bool
    stages: list[dict[str, Any]]
    person_usd: Decimal | None
    tested_documents: int
    errors: int
    accuracy_at_least: float
    usd_a_thousand: Decimal
    usd_a_thousand_low: Decimal
    usd_a_thousand_high: Decimal

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name!r} (version {self.version})"

    @property
    def money(self) -> str:
        """The kind of its USD."""
        return unit_of_money(self.is_simulated)

    @property
    def policy(self) -> Policy:
        """What is asked in which order."""
        thresholds = tuple(float(stage["least"]) for stage in self.stages if stage["least"] is not None)
        return Policy(tuple(stage["arm"] for stage in self.stages), thresholds, self.is_vote)

    def columns(self) -> dict[str, Any]:
        """All of it as one JSON object."""
        return asdict(self) | {"sentence": self.policy.sentence()}

    def sentences(self) -> list[str]:
        """All of it for a person."""
        of = "every labelled field" if self.field == EVERY else self.field
        return [
            f"{self.title}, saved {self.saved_at:%Y-%m-%d %H:%M} UTC by {self.saved_by}: {self.policy.sentence()}.",
            f"Promised: {of} right at least {self.target:.1%} of the time, with {self.sure:.0%} certainty ({self.errors} errors in "
            f"{self.tested_documents} tested documents allow {self.accuracy_at_least:.1%} at least), at {self.usd_a_thousand:.4f} {self.money} "
            f"for 1,000 documents ({self.usd_a_thousand_low:.4f} to {self.usd_a_thousand_high:.4f}).",
        ]


def save(settings: Settings, name: str, promise: Promise | None, of: str, *, is_simulated: bool, person_usd: Decimal | None = None) -> Bought:
    """Keeps a promised policy for the field `of`, as the newest version of its name; earlier ones stay.

    Raises: SettingsError for a name that is none, where nothing is promised, or where an arm could not be asked as it was; WorkspaceUnusable.
    """
    name = name.strip()
    if not 0 < len(name) <= LONGEST or not name.isprintable():
        raise SettingsError(f"{name!r} is no name of a policy: 1 to {LONGEST} printable characters. Nothing was saved.")
    if promise is None or promise.policy is None:
        raise SettingsError("Nothing was promised, so nothing was saved: only a policy that can be promised for a --target is kept by name.")
    if promise.policy.stages == (PERSON,):
        raise SettingsError("What can be promised is a person who reads every document: there is nothing to ask, so nothing was saved.")
    with store.reading(settings.home) as con:
        stages = [_stage_of(con, arm, place, promise.policy, settings, is_simulated) for place, arm in enumerate(promise.policy.stages)]
    with journal.Journal(settings.home) as segment:
        segment.write("run_started", **first_columns("buy", {"save": name}))
        segment.write(
            "policy",
            name=name,
            saved_by=os.environ.get("USER") or f"user {os.getuid()}",
            is_simulated=is_simulated,
            field=of,
            is_vote=promise.policy.is_vote,
            stages=stages,
            person_usd=person_usd if PERSON in promise.policy.stages else None,
            **{column: getattr(promise, column) for column in ("target", "sure", "tested_documents", "errors", "accuracy_at_least")},
            **{column: getattr(promise, column) for column in ("usd_a_thousand", "usd_a_thousand_low", "usd_a_thousand_high")},
        )
        segment.write("run_finished", exit_status=0, state="finished", seconds=0.0, summary={"saved": name})
    return find(settings.home, name)


def _stage_of(con: duckdb.DuckDBPyConnection, arm: str, place: int, policy: Policy, settings: Settings, is_simulated: bool) -> dict[str, Any]:
    """A stage as it is kept: its arm, the confidence from which its answer stands (None: always, or by a vote), and the settings that ask it."""
    stage: dict[str, Any] = {"arm": arm, "least": policy.thresholds[place] if place < len(policy.thresholds) else None}
    if arm in (PERSON, RULES):
        return stage
    found = con.execute(ASKED_SQL, {"arm": arm, "simulated": is_simulated}).fetchone()
    names = ("model", "input_mode", "reasoning_effort", "verbosity")
    asked = dict(zip(names, found, strict=True)) if found else {}
    for fields in (settings.fields, *PROFILES):
        whole = stage | {name: value for name, value in asked.items() if value is not None} | {"fields": fields}
        if found and _settings_of(whole, settings) is not None:
            return whole
    raise _otherwise(arm, "nothing was saved")


def _settings_of(stage: Mapping[str, Any], settings: Settings) -> Settings | None:
    """The settings that ask an arm; None where they would make another arm of it."""
    own = {name: value for name, value in stage.items() if name not in ("arm", "least")}
    try:
        found = Settings.model_validate(settings.model_dump() | own)
    except ValidationError:
        return None
    return found if prompt.arm(found, found.input_mode) == stage["arm"] else None


def _otherwise(arm: str, outcome: str) -> SettingsError:
    return SettingsError(
        f"The arm {arm!r} would be asked otherwise now than when its answers were given (its prompt or fields are others), so no promise "
        f"holds of it; {outcome}. Have it answered anew (autod experiment PLAN.toml), then buy again."
    )


def saved(home: Path) -> list[Bought]:
    """Every saved policy, all versions: by name, the newest first."""
    with store.reading(home) as con:
        rows = store.rows(con, "from policy_versions order by name, version desc")
    return [Bought(**row | {"stages": orjson.loads(row["stages"])}) for row in rows]


def find(home: Path, name: str) -> Bought:
    """The newest policy of a name.

    Raises: SettingsError where there is none.
    """
    known = saved(home)
    for each in known:
        if each.name == name and each.is_newest:
            return each
    names = ", ".join(repr(each.name) for each in known if each.is_newest) or "none"
    raise SettingsError(f"There is no policy {name!r}; saved are: {names}. One is saved by autod buy --target SHARE --save NAME.")


def verdict(row: Mapping[str, Any]) -> str:
    """A row of the view policy_promises for a person: what became of the promise, beside what it was."""
    money = unit_of_money(row["is_simulated"])
    cost = "an unknown cost" if row["usd_a_thousand_since"] is None else f"{row['usd_a_thousand_since']:.4f} {money} for 1,000"
    run = f"{row['name']!r} (version {row['version']}) has settled {row['documents']} documents"
    told = f"{row['verdict']}: {row['target']:.1%} at {row['usd_a_thousand']:.4f} {money} for 1,000 were promised"
    if row["labels_needed"] is not None:
        told += f"; about {row['labels_needed']:,} labels would tell"
    if not row["labelled"]:
        return f"{run}, none of them labelled since it was saved; {told}."
    between = f"{row['accuracy_low']:.1%} to {row['accuracy_high']:.1%}"
    return f"{run} at {cost}; of {row['labelled']} labelled since it was saved {row['accuracy']:.1%} are right ({between}): {told}."


def verdicts(home: Path) -> dict[str, dict[str, Any]]:
    """What became of each saved policy, by policy_run_id: the rows of the view policy_promises."""
    with store.reading(home) as con:
        return {row["policy_run_id"]: row for row in store.rows(con, "from policy_promises")}


def _stages(bought: Bought, settings: Settings, rules: Rules) -> list[tuple[Stage, Settings]]:
    """What is asked, in order, each with the settings that ask it; without what stands, which is known when the stage begins.

    Raises: SettingsError for an arm that would be asked otherwise now, or for the other kind of money.
    """
    if bought.is_simulated != settings.is_simulated:
        kind, way = ("simulated", "add --local") if bought.is_simulated else ("real", "leave --local out")
        raise SettingsError(f"The policy {bought.title} was tested on {kind} answers and promises nothing of others; nothing was asked: {way}.")
    found = []
    arms = [stage for stage in bought.stages if stage["arm"] != PERSON]
    for number, each in enumerate(arms, 1):
        own = settings.model_copy(update={"input_mode": "text"}) if each["arm"] == RULES else _settings_of(each, settings)
        if own is None:
            raise _otherwise(each["arm"], "nothing was asked")
        ends = number == len(arms)
        stage = Stage(bought.policy_run_id, bought.title, number, each["arm"], then_person=ends and len(arms) < len(bought.stages))
        found.append((replace(stage, rules=rules) if each["arm"] == RULES else stage, own))
    return found


def _with_standing(con: duckdb.DuckDBPyConnection, stage: Stage, bought: Bought) -> Stage:
    """The stage with what decides which of its answers stand: their confidence, or that they agree with those of the stage before."""
    if stage.number == len(bought.stages):
        return stage
    before = bought.is_vote and stage.number == 2
    said = _said(con, stage.arm, bought)
    others = _said(con, bought.stages[0]["arm"], bought) if before else {}
    least = bought.stages[stage.number - 1]["least"]

    def stands(sha256: str, record: Mapping[str, Any] | None) -> bool:
        if record is not None:
            sure, voice = record["confidence_score"], None if bought.field == EVERY else voiced(bought.field, record[bought.field])
        elif sha256 in said:
            sure, voice = said[sha256]
        else:
            return False
        if bought.is_vote:
            return sha256 in others and others[sha256][1] == voice
        return sure is not None and sure >= least

    return replace(stage, stands=stands)


def _said(con: duckdb.DuckDBPyConnection, arm: str, bought: Bought) -> dict[str, tuple[float | None, Any]]:
    """The newest answer of an arm to each document, where it is valid: its confidence, and what it says of the policy's field."""
    column = bought.field if bought.field in FIELDS else "null"
    rows = con.execute(SAID_SQL.format(field=column), {"arm": arm, "simulated": bought.is_simulated}).fetchall()
    return {sha256: (sure, voiced(bought.field, answer)) for sha256, sure, answer in rows}


def voiced(field: str, value: Any) -> Any:
    """An answer to a field in the form in which two that say the same are equal, whether it comes from a model or from the record.

    >>> voiced("total_amount", "12.5") == voiced("total_amount", Decimal("12.5000")), voiced("tags", "[]")
    (True, None)
    """
    if value in (None, [], "[]"):
        return None
    if field == "total_amount":
        return Decimal(str(value)).quantize(Decimal("0.0001"))
    if field in ("tags", "action_items", "deadlines") and isinstance(value, str):
        return orjson.loads(value)
    return value.isoformat() if isinstance(value, date) else value


@dataclass
class Ran:
    """What a policy did: the report of all its stages together, and one of each that was asked."""

    bought: Bought
    report: Report
    stages: list[tuple[str, Report]] = field(default_factory=list)

    @property
    def exit_status(self) -> int:
        """That of all stages together."""
        return self.report.exit_status

    def columns(self) -> dict[str, Any]:
        """The report as the contract's JSON object, with the policy and its stages."""
        names = ("run_id", "processed", "reused", "pending", "calls", "cost_usd")
        stages = [{"arm": arm} | {name: report.columns()[name] for name in names} for arm, report in self.stages]
        return self.report.columns() | {"policy": self.bought.name, "policy_version": self.bought.version, "stages": stages}

    def sentences(self) -> list[str]:
        """All of it for a person."""
        asked = [
            f"Stage {number}, {arm}: {report.calls} calls, {report.cost_usd:.6f} {self.bought.money}; {report.pending} documents were left."
            for number, (arm, report) in enumerate(self.stages, 1)
        ]
        return [f"By the policy {self.bought.title}: {self.bought.policy.sentence()}.", *asked, *self.report.sentences()]


def run(
    bought: Bought,
    paths: Iterable[Path],
    settings: Settings,
    options: Options,
    rules: Rules,
    progress: Callable[[str, Progress], None] | None = None,
) -> Ran:
    """Reads every document under the paths that is not done by this policy, stage by stage, within the budgets.

    Raises: SettingsError, MissingKey, WorkspaceBusy, WorkspaceUnusable before anything is sent; what stops it later is in the report.
    """
    there = list(paths)
    whole: Report | None = None
    told: list[tuple[str, Report]] = []
    for stage, own in _stages(bought, settings, rules):
        left = options.max_usd
        if left is not None and whole is not None:
            left = max(Decimal(0), left - whole.cost_usd - whole.unsettled_upper_usd)
        with store.reading(settings.home) as con:
            standing = _with_standing(con, stage, bought)

        def shown(state: Progress, arm: str = stage.arm) -> None:
            if progress:
                progress(arm, state)

        report = ingest(there, own, replace(options, stage=standing, max_usd=left, limit=options.limit if stage.number == 1 else None), shown)
        told.append((stage.arm, report))
        whole = report if whole is None else whole.plus(report)
        if report.stopped_by or not report.pending:
            break
    assert whole is not None
    return Ran(bought, whole, told)


@dataclass
class Priced:
    """What a policy would take of the documents that are not done by it, at the price it was tested at, and at most, stage by stage."""

    bought: Bought
    documents: int
    rows: list[dict[str, Any]]  # as price_rows has them: every stage asked of every document, answers that are there already left out

    def usd(self) -> dict[str, Decimal]:
        """USD expected, and the 95 % interval, persons included."""
        each = {"expected_usd": "usd_a_thousand", "low_usd": "usd_a_thousand_low", "high_usd": "usd_a_thousand_high"}
        return {name: getattr(self.bought, column) * self.documents / 1000 for name, column in each.items()}

    def columns(self) -> dict[str, Any]:
        """All of it as one JSON object."""
        return {"policy": self.bought.name, "policy_version": self.bought.version, "documents": self.documents, **self.usd(), "stages": self.rows}

    def sentences(self) -> list[str]:
        """All of it for a person."""
        usd, money, most = self.usd(), self.bought.money, self.rows[-1]["upper_usd"]
        persons = ", persons included" if self.bought.policy.stages[-1] == PERSON else ""
        between = f"{usd['low_usd']:.4f} to {usd['high_usd']:.4f}{persons}"
        return [
            f"By the policy {self.bought.title}: {self.bought.policy.sentence()}.",
            f"{self.documents} documents: {usd['expected_usd']:.4f} {money} expected ({between}), as those it was tested on; its calls cost at most "
            f"{'an unknown sum' if most is None else f'{most:.4f} {money}'}, were every stage asked of all.",
        ]


def price(
    bought: Bought,
    paths: Iterable[Path],
    settings: Settings,
    options: Options,
    rules: Rules,
    progress: Callable[[int, int], None] | None = None,
) -> Priced:
    """What `run` would take; asks no model.

    Raises: SettingsError.
    """
    there = list(paths)
    stages = _stages(bought, settings, rules)
    with store.reading(settings.home) as con:
        found = look(con, absolute_roots(there), stages[0][0].setup, settings.max_pdf_bytes)
    waiting = sum(known.problem is None and known.status in (None, "pending") for known in found.known)
    documents = len(found.unread) + waiting
    priced: list[tuple[str, Estimate]] = [
        (stage.arm, estimate(there, own, progress, options=replace(options, stage=replace(stage, number=1))))
        for stage, own in stages
        if stage.rules is None
    ]
    return Priced(bought, documents if options.limit is None else min(documents, options.limit), price_rows(priced))
