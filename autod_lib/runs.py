"""Steps without a person: notebooks executed by papermill and commands of autoD, one after the other, recorded in the journal and rendered.

Decided here: what counts as unchanged, how long a step may take, what is tried again, what is skipped, and what is kept of a run. Promised: a step
that fails fails itself, is saved as far as it came and shown; the rest goes on unless it needs that step. A kernel and a command have the settings of
the run, wherever they came from. One chain at a time works in a workspace. Called by the commands `run` and `report`.
"""

import hashlib
import json
import logging
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson

from . import doctor, errors, journal, logs, rendering, store, workspace
from .alerts import Alert
from .chain import PATHS, Step
from .errors import SettingsError, WorkspaceBusy
from .quick_imports import without_grammar
from .report import start_columns
from .settings import SECRETS, Settings, variable

HERE: Final = Path(__file__).resolve().parent
WRITING: Final = ("10_ingest",)  # it changes the record: what it does cannot be told from what is there; a review writes only where it is seen
GOOD: Final = rendering.GOOD
FINAL: Final = (2, 3, 6, 130)  # exit statuses that the same step would end with again: settings, budget, workspace, interrupted
ERROR_LENGTH: Final = 2000
GRACE_S: Final = 30.0  # for a command that was told to end
SOFTWARE: Final = 70  # of sysexits.h: a command ended by a fault of its own, which Python tells by the 1 that here means failed documents
COMMAND: Final = f"""
import sys, traceback
from autod_lib.cli import main
try:
    main()
except Exception:
    traceback.print_exc()
    sys.exit({SOFTWARE})"""
RUN_ID: Final = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")
log = logging.getLogger("autod")


@dataclass(frozen=True, slots=True)
class StepRun:
    """How the last attempt of one step ended: finished, unchanged, failed, timeout, interrupted or skipped; where page, executed copy and log are."""

    step: str
    state: str
    seconds: float = 0.0
    exit_status: int = 0
    error: str | None = None
    attempts: int = 1
    html: Path | None = None
    executed: Path | None = None
    log: Path | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A run of steps that has ended: its id, exit status, steps in their order, and the list of all runs."""

    run_id: str
    exit_status: int
    steps: tuple[StepRun, ...]
    index: Path


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Gives the kernels these variables: a kernel has the environment of the process that starts it."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def in_order(notebooks: Sequence[Path]) -> list[Path]:
    """Notebooks with those first that change the record: the others show it."""
    return sorted(notebooks, key=lambda path: path.stem not in WRITING)


def run_steps(
    settings: Settings,
    steps: Sequence[Step],
    *,
    chain: str = "",
    rerun_of: str | None = None,
    environ: Mapping[str, str] | None = None,
    force: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Run:
    """Executes steps of `chain.resolved` in their order in one recorded run; renders, summarizes and lists it.

    A notebook whose source, library, parameters and data are as at its last good run is not run again, unless forced; nor is a step tried again that
    would end the same way. What goes on is told to `progress`, line by line, else to the log.
    Raises: WorkspaceBusy if another chain is under way; KeyboardInterrupt, once everything is recorded; never for a step that fails.
    """
    run_id = journal.new_run_id()
    lock = workspace.held(settings.home, run_id, f"run --chain {chain}", lock=workspace.CHAIN_LOCK) if chain else nullcontext()
    begun = time.monotonic()
    with lock, journal.Journal(settings.home, run_id) as segment:
        place = settings.home / "runs" / run_id
        place.mkdir(parents=True, mode=0o700)
        arguments = {"chain": chain, "rerun_of": rerun_of, "steps": [step.model_dump(mode="json", exclude_defaults=True) for step in steps]}
        segment.write("run_started", **start_columns(settings, "run", arguments))
        handed = environment_of(settings) | dict(environ or {}) | {"AUTOD_PARENT_RUN": run_id}
        night = _Night(settings, steps, segment, handed, force, progress)
        try:
            for step in steps:
                with logs.about(step=step.name):
                    night.do(step)
        except KeyboardInterrupt:
            night.is_interrupted = True
        done = tuple(night.done.values())
        exit_status = 130 if night.is_interrupted else max((result.exit_status for result in done), default=0)
        failed = [result.step for result in done if result.state not in GOOD]
        at, names = journal.now(), ", ".join(failed)
        told = f"{chain} of {at:%Y-%m-%d %H:%M} UTC failed in {names}: autod run --rerun {run_id}"
        alert = Alert("critical", "run", told, f"{chain}: {names}", f"{at:%Y-%m-%d}")
        try:
            doctor.raise_alerts(settings, segment, *([alert] if chain and failed else []))
        except WorkspaceBusy as error:  # the steps are done, and the record says so
            log.warning("no alerts were raised: %s", error)
        segment.write(
            "run_finished",
            exit_status=exit_status,
            state="interrupted" if night.is_interrupted else "failed" if failed else "finished",
            reason=f"failed: {', '.join(failed)}" if failed else None,
            seconds=round(time.monotonic() - begun, 3),
            summary={"steps": len(done), "failed": failed},
        )
        store.load(settings.home)
        pages = {True: dict[str, Path](), False: dict[str, Path]()}
        for result in done:
            if result.html is not None:
                pages[result.state in GOOD][result.step] = result.html
        rendering.keep_latest(settings.home, pages[True], pages[False])
        _forget(settings)
        (place / "summary.json").write_bytes(orjson.dumps(summary(settings.home, run_id), default=str, option=orjson.OPT_INDENT_2))
        index = rendering.write_index(settings.home)
    if night.is_interrupted:
        raise KeyboardInterrupt
    return Run(run_id, exit_status, done, index)


@dataclass
class _Night:
    """One run under way: what it has done so far, and what of it the next step needs."""

    settings: Settings
    steps: Sequence[Step]
    segment: journal.Journal
    environ: Mapping[str, str]
    force: bool
    progress: Callable[[str], None] | None
    done: dict[str, StepRun] = field(default_factory=dict)
    is_interrupted: bool = False

    def do(self, step: Step) -> None:
        """Does one step, with its attempts, or says why not, and records it. Raises KeyboardInterrupt behind what it interrupted."""
        missing = [need for need in step.needs if need in self.done and self.done[need].state not in GOOD]
        if missing:
            return self._end(step, StepRun(step.name, "skipped", error=f"needs {', '.join(missing)}"))
        mark = fingerprint(self.settings, step)
        kept = None if self.force or mark is None else _unchanged(self.settings.home, step, mark)
        if kept is not None:
            return self._end(step, kept, mark)
        for attempt in range(1, (step.retries or 0) + 2):
            self._say(step, f"{step.name} …" if attempt == 1 else f"{step.name} … attempt {attempt}")
            begun = journal.now()
            result = replace(_attempt(step, self.settings.home / "runs" / self.segment.run_id, self.environ), attempts=attempt)
            if step.notebook:
                status = max(result.exit_status, _exit_status_within(self.settings.home, self.segment.run_id, begun))
                result = replace(result, exit_status=status)
                assert result.executed is not None
                assert result.html is not None
                links = rendering.links(self.settings.home, step.name, [other.name for other in self.steps])
                rendering.render(result.executed, result.html, problem=result.error, links=links)
            self._end(step, result, fingerprint(self.settings, step))
            if result.state == "interrupted":
                raise KeyboardInterrupt
            if result.state in GOOD or result.exit_status in FINAL or attempt > (step.retries or 0):
                return None
            time.sleep(step.retry_wait_s or 0)
        return None

    def _say(self, step: Step, line: str) -> None:
        if self.progress is not None:
            self.progress(line)
        else:
            log.info("%s", line)

    def _end(self, step: Step, result: StepRun, mark: str | None = None) -> None:
        self.done[step.name] = result
        took = f" in {result.seconds:.1f} s" if result.state not in ("unchanged", "skipped") else ""
        self._say(step, f"{step.name} {result.state}{took}" + (f": {result.error}" if result.error else ""))
        runs = self.settings.home / "runs"
        self.segment.write(
            "notebook_run",
            step=step.name,
            notebook=Path(step.notebook).stem if step.notebook else None,
            command=step.command or None,
            state=result.state,
            attempt=result.attempts,
            exit_status=result.exit_status,
            seconds=round(result.seconds, 3),
            **{name: str(path.relative_to(runs)) for name in ("html", "executed", "log") if (path := getattr(result, name)) is not None},
            parameters=step.parameters,
            error=result.error,
            fingerprint=mark,
        )


def _exit_status_within(home: Path, run_id: str, since: Any) -> int:
    """The gravest exit status of the runs that a notebook has started: a scheduler must tell a spent budget from an outage."""
    sql = "select coalesce(max(exit_status), 0) from runs_overview where parent_run_id = ? and started_at >= ?"
    with store.reading(home) as con:
        return int(con.execute(sql, [run_id, since]).fetchall()[0][0])


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings as variables: a kernel works in another folder, where no `.env` of this one reaches it."""
    given = {variable(name): text for name, text in settings.printable().items() if text is not None and name not in SECRETS}
    needed = {"OPENAI_API_KEY": settings.api_key, variable("alert_webhook"): settings.alert_webhook}
    return given | {name: secret.get_secret_value() for name, secret in needed.items() if secret is not None}


def _attempt(step: Step, place: Path, environ: Mapping[str, str]) -> StepRun:
    begun = time.monotonic()
    result = _notebook(step, place, environ) if step.notebook else _command(step, place, environ)
    return replace(result, seconds=time.monotonic() - begun)


def _notebook(step: Step, place: Path, environ: Mapping[str, str]) -> StepRun:
    import warnings

    with without_grammar():
        import papermill
    from nbclient.exceptions import CellTimeoutError
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    path, executed, page = Path(step.notebook), place / f"{step.name}.ipynb", place / f"{step.name}.html"
    state, problem, exit_status = "finished", None, 0
    # Kernels talk over encrypted loopback connections where the installed ipykernel can.
    encrypted = {"transport_encryption": "auto"}
    config = Config({"KernelManager": encrypted, "AsyncKernelManager": encrypted})
    cell_s, step_s = step.cell_timeout_s or 0.0, step.timeout_s or 0.0
    end = time.monotonic() + step_s
    executed.unlink(missing_ok=True)  # that of an attempt before
    try:
        with _environment(environ), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            papermill.execute_notebook(
                str(path),
                str(executed),
                dict(step.parameters),
                progress_bar=False,
                timeout_func=lambda cell: max(0.001, min(cell_s, end - time.monotonic())),
                cwd=str(path.parent),
                config=config,
            )
    except CellTimeoutError:
        is_cell = time.monotonic() < end
        problem = (
            f"a cell took longer than {cell_s:g} s; allow more with --cell-timeout"
            if is_cell
            else f"it took longer than {step_s:g} s; allow more with --timeout"
        )
        state, exit_status = "timeout", 1
    except PapermillExecutionError as error:
        state, problem = "failed", f"cell {error.exec_count}: {error.ename}: {error.evalue}"[:ERROR_LENGTH]
        exit_status = getattr(getattr(errors, error.ename, None), "exit_status", 1)
    except KeyboardInterrupt:
        state, problem, exit_status = "interrupted", "the run was interrupted", 130
    except Exception as error:  # no kernel, a dead one, a full disk: whatever it is, it is this notebook's
        state, problem, exit_status = "failed", f"{type(error).__name__}: {error}"[:ERROR_LENGTH], 1
    if not executed.exists():
        shutil.copy(path, executed)
    return StepRun(step.name, state, exit_status=exit_status, error=problem, html=page, executed=executed)


def _command(step: Step, place: Path, environ: Mapping[str, str]) -> StepRun:
    """A command of autoD as a process of its own; what it prints is its log."""
    path = place / f"{step.name}.log"
    state, problem = "", None
    with path.open("wb") as file:
        words = [sys.executable, "-c", COMMAND, *shlex.split(step.command)]
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=os.environ | dict(environ), start_new_session=True)
        try:
            process.wait(step.timeout_s)
        except subprocess.TimeoutExpired:
            state, problem = "timeout", f"it took longer than {step.timeout_s:g} s; allow more with --timeout"
        except KeyboardInterrupt:
            state, problem = "interrupted", "the run was interrupted"
        finally:
            _end_process(process)
    status = 130 if state == "interrupted" else 1 if process.returncode == SOFTWARE or process.returncode < 0 else process.returncode
    if not state:
        state = "finished" if process.returncode in (0, 1) else "failed"
    if state == "failed":
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        problem = (lines[-1] if lines else f"it ended with status {process.returncode}")[:ERROR_LENGTH]
    return StepRun(step.name, state, exit_status=status, error=problem, log=path)


def _end_process(process: "subprocess.Popen[bytes]") -> None:
    """Ends a command that is still there: first in order, then with all that it has started."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@cache
def _library_hash() -> str:
    """Hash of the library's own files: when one changes, every notebook may show something else."""
    digest = hashlib.sha256()
    for path in sorted((*HERE.rglob("*.py"), *HERE.rglob("*.sql"), *HERE.rglob("*.j2"), *HERE.rglob("*.css"), *HERE.rglob("*.js"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()


DATA_TABLES: Final = tuple(
    table
    for tables in store.TABLES.values()
    for table in tables
    if table not in ("runs_started", "runs_finished", "notebook_runs", "looks", "call_bodies", "prompt_versions")
)


def fingerprint(settings: Settings, step: Step) -> str | None:
    """Hash of all that a notebook shows; None for a command and for a notebook that writes.

    That is its source, the library, its parameters with the files they name, the settings (but not the address, which is a new one each time with
    --local), the UTC day that budgets are of, and the state of the data (but not which notebooks ran).
    """
    path, parameters = Path(step.notebook), step.parameters
    if step.command or path.stem in WRITING:
        return None
    counts = " union all ".join(f"select '{table}', count(*), max(logged_at) from {table}" for table in DATA_TABLES)
    with store.reading(Path(str(parameters.get("home") or settings.home))) as con:
        data = con.execute(f"select * from ({counts}) order by all").fetchall()
    files = [Path(str(parameters[name])) for name in PATHS if parameters.get(name)]
    contents = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()]
    shown = settings.printable() | {"base_url": str(settings.is_simulated)}
    texts = (_library_hash(), json.dumps([parameters, contents, shown], sort_keys=True, default=str), f"{journal.now():%Y-%m-%d}", repr(data))
    parts = (path.read_bytes(), *(text.encode() for text in texts))
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _unchanged(home: Path, step: Step, mark: str) -> StepRun | None:
    sql = "select html, executed, fingerprint, state from notebook_runs where coalesce(step, notebook) = ? and html is not null"
    with store.reading(home) as con:
        row = con.execute(f"{sql} order by logged_at desc, run_id desc limit 1", [step.name]).fetchone()
    if row is None or row[2] != mark or row[3] not in GOOD:
        return None
    page, executed = home / "runs" / row[0], home / "runs" / row[1]
    return StepRun(step.name, "unchanged", html=page, executed=executed) if page.is_file() else None


def _forget(settings: Settings) -> None:
    """Removes what is kept of runs beyond the retention days; the record of them stays."""
    oldest = f"{journal.now() - timedelta(days=settings.retention_days):%Y%m%d-%H%M%S}"
    for place in (settings.home / "runs").iterdir():
        if RUN_ID.fullmatch(place.name) and place.name < oldest:
            shutil.rmtree(place, ignore_errors=True)


def summary(home: Path, run_id: str) -> dict[str, Any]:
    """A run and its parts for a machine: `run_id, chain, state, exit_status, seconds, documents, …, steps, money, index`.

    The names are those of the views runs_with_parts and run_steps; `steps` has an entry a step, `money` one a kind of it. Pages, executed notebooks
    and logs of steps are relative to the folder of `index`, the page of all runs.

    Raises: SettingsError when there is no such run.
    """
    money = ("is_simulated", "calls", "cost_usd", "calls_unpriced", "calls_unsettled", "unsettled_upper_usd")
    with store.reading(home) as con:
        found = store.rows(con, "from runs_with_parts where run_id = ? order by is_simulated", [run_id])
        steps = store.rows(con, "select * exclude (run_id, seq) from run_steps where run_id = ? order by seq", [run_id])
    if not found:
        raise SettingsError(f"There is no run {run_id!r}: autod sql 'select run_id, command from runs_with_parts order by started_at desc'")
    whole = {name: value for name, value in found[0].items() if name not in money and name != "steps"}
    decoded = [step | {"parameters": orjson.loads(step["parameters"] or "{}")} for step in steps]
    return whole | {"steps": decoded, "money": [{name: row[name] for name in money} for row in found], "index": str(home / rendering.INDEX)}


def steps_again(home: Path, run_id: str, names: Sequence[str] = ()) -> tuple[str, list[Step]]:
    """The chain and the steps of an earlier run with the parameters they had: those named, else all that did not end well.

    Raises: SettingsError when there is no such run or step, or nothing to do again.
    """
    with store.reading(home) as con:
        if run_id == "last":
            [(run_id,)] = con.execute("select coalesce(max(run_id), 'last') from runs_started where command = 'run'").fetchall()
        row = con.execute("select arguments from runs_started where command = 'run' and run_id = ?", [run_id]).fetchone()
        good = {name for (name,) in con.execute(f"select step from run_steps where run_id = ? and state in {GOOD}", [run_id]).fetchall()}
    if row is None or "steps" not in (arguments := orjson.loads(row[0])):
        raise SettingsError(
            f"There is no run {run_id!r} of steps; autod sql \"select run_id, chain, state from runs_with_parts where command = 'run'\""
        )
    steps = [Step(**step) for step in arguments["steps"]]
    unknown = sorted(set(names) - {step.name for step in steps})
    if unknown:
        raise SettingsError(f"The run {run_id!r} has no step {', '.join(unknown)}; there are {', '.join(step.name for step in steps)}.")
    again = [step for step in steps if (step.name in names if names else step.name not in good)]
    if not again:
        raise SettingsError(f"Every step of the run {run_id!r} ended well: name one with --step to run it again.")
    return arguments["chain"], again
