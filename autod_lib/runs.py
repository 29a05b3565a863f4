"""Notebooks without a person: executed by papermill, recorded in the journal, rendered to pages that open offline.

Decided here: which notebooks there are and in which order, that parameters are checked before the start, what counts as unchanged, and what a page
holds (no code, no script, nothing from outside). Promised: a notebook that fails fails itself, is saved as far as it came and shown; the rest goes
on. A kernel has the settings of the command, wherever they came from. A key is refused as a parameter, because parameters are stored in the clear.
Called by the commands `run` and `report`.
"""

import hashlib
import html
import json
import math
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from . import __version__, errors, journal, store
from .errors import SettingsError
from .report import start_columns
from .settings import PROJECT, SECRETS, Settings, variable

HERE: Final = Path(__file__).resolve().parent
FOLDER: Final = "runs"  # of the workspace
WRITING: Final = ("10_ingest", "32_review")  # they change the record: what they do cannot be told from what is there
PATHS: Final = ("inbox", "labels", "home")  # parameters that hold a path, made absolute where the command was typed
SECRET_NAME: Final = re.compile(r"(key|secret|token|password)$", re.IGNORECASE)
SECRET_VALUE: Final = re.compile(r"\bsk-[\w-]{16,}")
ERROR_LENGTH: Final = 2000


@dataclass(frozen=True, slots=True)
class NotebookRun:
    """How one notebook ended: finished, failed, timeout or unchanged; where its page and executed copy are."""

    notebook: str
    state: str
    seconds: float
    html: Path
    executed: Path
    error: str | None = None
    exit_status: int = 0


def folder() -> Path:
    """Where the notebooks are: in the checkout, or in the installed package."""
    checkout = PROJECT / "notebooks"
    return checkout if checkout.is_dir() else HERE / "notebooks"


def find_notebooks(names: Sequence[str]) -> list[Path]:
    """Notebooks by name (`20_cost`), file name or path; all of them, in their order, without a name.

    Raises: SettingsError naming those there are.
    """
    there = sorted(folder().glob("[0-9]*.ipynb"))
    if not names:
        return there
    found = []
    for name in names:
        named = [path for path in there if name in (path.stem, path.name)]
        path = named[0] if named else Path(name)
        if path.suffix != ".ipynb" or not path.is_file():
            raise SettingsError(f"There is no notebook {name!r}; there are {', '.join(path.stem for path in there)}.")
        found.append(path.absolute())
    return found


def checked_parameters(notebooks: Sequence[Path], given: Mapping[str, str]) -> dict[Path, dict[str, Any]]:
    """The parameters of each notebook with the types of its parameters cell; each goes only to notebooks that know it.

    Raises: SettingsError for a name that none of them knows, a value of the wrong type, what looks like a key, or a file that is no notebook.
    """
    import papermill

    for name, value in given.items():
        if SECRET_NAME.search(name) or SECRET_VALUE.search(value):
            raise SettingsError(f"The parameter {name!r} looks like a key; parameters are stored in the clear. Use OPENAI_API_KEY.")
    known = {}
    for path in notebooks:
        try:
            known[path] = papermill.inspect_notebook(str(path))
        except Exception as error:  # of any kind: the file is whatever somebody named
            raise SettingsError(f"{str(path)!r} cannot be read as a notebook ({type(error).__name__}: {str(error)[:200]}).") from error
    names = {name for parameters in known.values() for name in parameters}
    unknown = sorted(set(given) - names)
    if unknown:
        raise SettingsError(f"No notebook of this run has the parameter {', '.join(unknown)}; there are {', '.join(sorted(names)) or 'none'}.")
    return {path: {name: _typed(name, given[name], parameters[name]) for name in parameters if name in given} for path, parameters in known.items()}


def _typed(name: str, text: str, parameter: Mapping[str, Any]) -> Any:
    kind = parameter["inferred_type_name"]
    try:
        if kind == "bool":
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
        if kind == "int":
            return int(text)
        if kind == "float":
            return {True: float(text)}[math.isfinite(float(text))]
    except (KeyError, ValueError):
        raise SettingsError(f"The parameter {name}={text!r} must be of type {kind}. {parameter['help']}") from None
    return os.path.abspath(text) if name in PATHS and text else text


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


def run_notebooks(
    settings: Settings,
    notebooks: Sequence[Path],
    *,
    parameters: Mapping[str, str],
    environ: Mapping[str, str] | None = None,
    cell_timeout_s: int = 1800,
    force: bool = False,
    progress: Callable[[str], None] | None = None,
) -> list[NotebookRun]:
    """Executes the notebooks in their order in one recorded run, and renders each.

    A notebook whose source, library, parameters and data are as at its last good run is not run again, unless forced.
    Raises: SettingsError before the start; never for a notebook that fails.
    """
    typed = checked_parameters(notebooks, parameters)
    say = progress or (lambda line: None)
    handed = environment_of(settings) | dict(environ or {})
    begun = time.monotonic()
    done: list[NotebookRun] = []
    with journal.Journal(settings.home) as segment:
        place = settings.home / FOLDER / segment.run_id
        place.mkdir(parents=True, mode=0o700)
        arguments = {"notebooks": [path.stem for path in notebooks], "parameters": dict(parameters)}
        segment.write("run_started", **start_columns(settings, "run", arguments))
        for path in sorted(notebooks, key=lambda path: path.stem not in WRITING):  # what changes the record comes first: the others show it
            mark = fingerprint(settings, path, typed[path])
            kept = None if force or path.stem in WRITING else _unchanged(settings.home, path.stem, mark)
            if kept is None:
                say(f"{path.stem} …")
                result = _run_one(path, typed[path], place, handed | {"AUTOD_PARENT_RUN": segment.run_id}, cell_timeout_s)
                render(result.executed, result.html, problem=result.error, links=_links(settings.home, path, notebooks))
                mark = fingerprint(settings, path, typed[path])
                result = replace(result, exit_status=max(result.exit_status, _exit_status_within(settings.home, segment.run_id)))
            else:
                result = kept
            say(
                f"{path.stem} {result.state}"
                + (f" in {result.seconds:.1f} s" if kept is None else "")
                + (f": {result.error}" if result.error else "")
            )
            done.append(result)
            segment.write(
                "notebook_run",
                notebook=path.stem,
                state=result.state,
                seconds=round(result.seconds, 3),
                html=str(result.html.relative_to(settings.home / FOLDER)),
                executed=str(result.executed.relative_to(settings.home / FOLDER)),
                parameters=typed[path],
                error=result.error,
                fingerprint=mark,
            )
        failed = [result.notebook for result in done if result.state not in ("finished", "unchanged")]
        segment.write(
            "run_finished",
            exit_status=max((result.exit_status for result in done), default=0),
            state="failed" if failed else "finished",
            reason=f"failed: {', '.join(failed)}" if failed else None,
            seconds=round(time.monotonic() - begun, 3),
            summary={"notebooks": len(done), "failed": failed},
        )
    store.load(settings.home)
    _keep_latest(settings.home, done)
    return done


def _exit_status_within(home: Path, run_id: str) -> int:
    """The gravest exit status of the runs that the notebooks of a run have started: a scheduler must tell a spent budget from an outage."""
    with store.reading(home) as con:
        return int(con.execute("select coalesce(max(exit_status), 0) from runs_overview where parent_run_id = ?", [run_id]).fetchall()[0][0])


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings as variables: a kernel works in another folder, where no `.env` of this one reaches it."""
    given = {variable(name): text for name, text in settings.printable().items() if text is not None and name not in SECRETS}
    needed = {"OPENAI_API_KEY": settings.api_key, variable("alert_webhook"): settings.alert_webhook}
    return given | {name: secret.get_secret_value() for name, secret in needed.items() if secret is not None}


def _run_one(path: Path, parameters: dict[str, Any], place: Path, environ: Mapping[str, str], cell_timeout_s: int) -> NotebookRun:
    import warnings

    import papermill
    from nbclient.exceptions import CellTimeoutError
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    executed, page = place / path.name, place / f"{path.stem}.html"
    begun = time.monotonic()
    state, problem, exit_status = "finished", None, 0
    # Kernels talk over encrypted loopback connections where the installed ipykernel can.
    encrypted = {"transport_encryption": "auto"}
    config = Config({"KernelManager": encrypted, "AsyncKernelManager": encrypted})
    try:
        with _environment(environ), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            papermill.execute_notebook(
                str(path), str(executed), parameters, progress_bar=False, execution_timeout=cell_timeout_s, cwd=str(path.parent), config=config
            )
    except CellTimeoutError:
        state, problem, exit_status = "timeout", f"a cell took longer than {cell_timeout_s} s; allow more with --cell-timeout", 1
    except PapermillExecutionError as error:
        state, problem = "failed", f"cell {error.exec_count}: {error.ename}: {error.evalue}"[:ERROR_LENGTH]
        exit_status = getattr(getattr(errors, error.ename, None), "exit_status", 1)
    except Exception as error:  # no kernel, a dead one, a full disk: whatever it is, it is this notebook's
        state, problem, exit_status = "failed", f"{type(error).__name__}: {error}"[:ERROR_LENGTH], 1
    if not executed.exists():
        shutil.copy(path, executed)
    return NotebookRun(path.stem, state, time.monotonic() - begun, page, executed, problem, exit_status)


@cache
def _library_hash() -> str:
    """Hash of the library's own files: when one changes, every notebook may show something else."""
    digest = hashlib.sha256()
    for path in sorted((*HERE.rglob("*.py"), *HERE.rglob("*.sql"), *HERE.rglob("*.j2"), *HERE.rglob("*.css"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()


DATA_TABLES: Final = tuple(
    table
    for tables in store.TABLES.values()
    for table in tables
    if table not in ("runs_started", "runs_finished", "notebook_runs", "looks", "call_bodies", "prompt_versions")
)


def fingerprint(settings: Settings, path: Path, parameters: Mapping[str, Any]) -> str:
    """Hash of all that a notebook shows: its source, the library, its parameters with the files they name, the settings (but not the address, which
    is a new one each time with --local), the UTC day that budgets are of, and the state of the data (but not which notebooks ran).
    """
    counts = " union all ".join(f"select '{table}', count(*), max(logged_at) from {table}" for table in DATA_TABLES)
    with store.reading(Path(parameters.get("home") or settings.home)) as con:
        data = con.execute(f"select * from ({counts}) order by all").fetchall()
    files = [Path(parameters[name]) for name in PATHS if parameters.get(name)]
    contents = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()]
    shown = settings.printable() | {"base_url": str(settings.is_simulated)}
    texts = (_library_hash(), json.dumps([parameters, contents, shown], sort_keys=True), f"{journal.now():%Y-%m-%d}", repr(data))
    parts = (path.read_bytes(), *(text.encode() for text in texts))
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _unchanged(home: Path, notebook: str, fingerprint: str) -> NotebookRun | None:
    with store.reading(home) as con:
        row = con.execute(
            "select html, executed, fingerprint, state from notebook_runs where notebook = ? order by logged_at desc, run_id desc limit 1", [notebook]
        ).fetchone()
    if row is None or row[2] != fingerprint or row[3] not in ("finished", "unchanged"):
        return None
    page, executed = home / FOLDER / row[0], home / FOLDER / row[1]
    return NotebookRun(notebook, "unchanged", 0.0, page, executed) if page.is_file() else None


def svg_title(svg: str) -> str:
    """The title of a figure, for those who hear the page."""
    found = re.search(r"<title[^>]*>(.*?)</title>", svg, re.DOTALL) or re.search(r'aria-label="([^"]*)"', svg)
    return html.unescape(found[1]).strip() if found else "figure"


def _links(home: Path, path: Path, notebooks: Sequence[Path]) -> list[dict[str, Any]]:
    """The pages that a page leads to: those that are there, or will be when this run has ended."""
    coming = {other.stem for other in notebooks}
    names = [other.stem for other in find_notebooks([])]
    return [
        {"href": f"../latest/{quote(name)}.html", "name": re.sub(r"^\d+_", "", name).replace("_", " "), "current": name == path.stem}
        for name in names
        if name in coming or (home / FOLDER / "latest" / f"{name}.html").is_file()
    ]


def render(executed: Path, page: Path, *, problem: str | None = None, links: Sequence[Mapping[str, Any]] = ()) -> None:
    """Renders an executed notebook as one page without code, script or anything from outside; what it failed of stands at its top."""
    import nbformat
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    notebook = nbformat.read(executed, as_version=4)  # type: ignore[no-untyped-call]
    # papermill's own marks of an error are about cells that the page does not show.
    notebook.cells = [cell for cell in notebook.cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])]
    titles = (re.search(r"^# (.+)$", cell.source, re.MULTILINE) for cell in notebook.cells if cell.cell_type == "markdown")
    heading = next((found[1] for found in titles if found), executed.stem)
    # A figure is its SVG here; the interactive form is for JupyterLab.
    config = Config({"NbConvertBase": {"display_data_priority": ["text/html", "image/svg+xml", "image/png", "text/markdown", "text/plain"]}})
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        config=config,
        template_name="autod",
        extra_template_basedirs=[str(HERE / "templates")],
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    exporter.register_filter("svg_title", svg_title)  # type: ignore[no-untyped-call]
    made = f"autoD {__version__} · {executed.stem} · {journal.now():%Y-%m-%d %H:%M} UTC · run {executed.parent.name}"
    resources = {
        "autod": {
            "title": f"{heading} · autoD",
            "style": (HERE / "templates" / "page.css").read_text(),
            "links": [{"href": "../index.html", "name": "all runs", "current": False}, *links],
            "problem": problem,
            "footer": made,
        }
    }
    body, _ = exporter.from_notebook_node(notebook, resources=resources)
    head, main, rest = body.partition("<main>")
    # The policy stops scripts and requests, but not a page that sends its reader elsewhere or looks up a name beforehand.
    page.write_text(head + main + re.sub(r"<(?=(?:meta|link|base)\b)", "&lt;", rest, flags=re.IGNORECASE), encoding="utf-8")


def _keep_latest(home: Path, done: Sequence[NotebookRun]) -> None:
    """Keeps the newest page of each notebook at a path that does not change."""
    latest = home / FOLDER / "latest"
    latest.mkdir(parents=True, exist_ok=True)
    for result in done:
        shutil.copyfile(result.html, latest / result.html.name)


def write_index(home: Path, most: int = 200) -> Path:
    """Writes the page of all runs, newest first, and returns its path."""
    with store.reading(home) as con:
        runs = store.rows(
            con,
            "select run_id, command, state, started_at, seconds, documents, calls, cost_usd, is_simulated, reason from runs_overview "
            "order by started_at desc, run_id desc limit ?",
            [most],
        )
        pages: dict[str, list[tuple[str, str, str]]] = {}
        for run_id, notebook, state, page in con.execute("select run_id, notebook, state, html from notebook_runs order by notebook").fetchall():
            pages.setdefault(run_id, []).append((notebook, state, page))
    place = home / FOLDER
    rows = "\n".join(_index_row(run, [page for page in pages.get(run["run_id"], []) if (place / page[2]).is_file()]) for run in runs)
    newest = " <a href='latest/90_report.html'>The newest report</a>" if (place / "latest" / "90_report.html").is_file() else ""
    style = (HERE / "templates" / "page.css").read_text()
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    heads = "".join(f"<th scope='col'>{name}</th>" for name in ("started, UTC", "command", "state", "pages", "documents", "calls", "USD", "seconds"))
    index = place / "index.html"
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text(
        f"<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><meta http-equiv='Content-Security-Policy' content=\"{policy}\">"
        f"<meta name='viewport' content='width=device-width, initial-scale=1'><title>All runs · autoD</title><style>{style}</style></head>"
        f"<body><main class='runs'><h1>All runs</h1><p>Newest first.{newest}</p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>\n{rows}\n</tbody></table></main>"
        f"<footer>autoD {__version__} · written {journal.now():%Y-%m-%d %H:%M} UTC</footer></body></html>\n",
        encoding="utf-8",
    )
    return index


def _index_row(run: Mapping[str, Any], pages: Sequence[tuple[str, str, str]]) -> str:
    links = " ".join(
        f"<a href='{html.escape(quote(page))}'>{html.escape(name)}</a>{'' if state in ('finished', 'unchanged') else ' (' + html.escape(state) + ')'}"
        for name, state, page in pages
    )
    cost = "" if run["cost_usd"] is None else f"{run['cost_usd']:.4f}{' simulated' if run['is_simulated'] else ''}"
    reason = f"<br>{html.escape(run['reason'])}" if run["reason"] else ""
    seconds = "" if run["seconds"] is None else f"{run['seconds']:.1f}"
    return (
        f"<tr><td>{run['started_at']:%Y-%m-%d %H:%M}</td><td>{html.escape(run['command'] or '')}</td>"
        f"<td><span class='state {html.escape(run['state'])}'>{html.escape(run['state'])}</span>{reason}</td><td>{links}</td>"
        f"<td class='number'>{run['documents'] or ''}</td><td class='number'>{run['calls'] or ''}</td><td class='number'>{cost}</td>"
        f"<td class='number'>{seconds}</td></tr>"
    )
