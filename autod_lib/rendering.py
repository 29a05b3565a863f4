"""Pages of what ran: an executed notebook as one HTML file that opens offline, the newest good page of each, and the list of all runs.

Decided here: what a page holds (no code, no script, nothing from outside), that a page which failed never takes the place of a good one but is
announced on it, and what the list shows. Called by runs.py and the command `report`. Runs nothing but a browser that prints.
"""

import html
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from . import __version__, journal, store
from .chain import find_notebooks
from .quick_imports import without_grammar

TEMPLATES: Final = Path(__file__).resolve().parent / "templates"
FAILED: Final = 'class="problem"'  # marks a page of a notebook that failed, here and in templates/autod
NEWER: Final = re.compile(r'<p class="problem newer".*?</p>\n', re.DOTALL)
GOOD: Final = ("finished", "unchanged")
BROWSERS: Final = ("chromium", "google-chrome", "chromium-browser", "chrome")
PRINT_S: Final = 60.0
# A profile that is thrown away, and no name of the network that could be found.
PRINTING: Final = ("--headless", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer", "--host-resolver-rules=MAP * ~NOTFOUND")


def svg_title(svg: str) -> str:
    """The title of a figure, for those who hear the page."""
    found = re.search(r"<title[^>]*>(.*?)</title>", svg, re.DOTALL) or re.search(r'aria-label="([^"]*)"', svg)
    return html.unescape(found[1]).strip() if found else "figure"


def svg_for_both(svg: str) -> str:
    """A figure whose ink is light where the reader's screen is dark; as an image it hears of that by itself."""
    return svg.replace(">", f"><style>{_dark('svg')}</style>", 1)


def _dark(figure: str) -> str:
    """The style of a figure on a dark screen: its ink and lines, while the colours that mean something stay as they are."""
    return f"@media (prefers-color-scheme:dark){{{figure}{{{(TEMPLATES / 'figure_dark.css').read_text()}}}}}"


def links(home: Path, name: str, coming: Sequence[str]) -> list[dict[str, Any]]:
    """The pages that the page `name` leads to: those that are there, or will be when its run has ended."""
    return [
        {"href": f"../latest/{quote(other)}.html", "name": re.sub(r"^\d+_", "", other).replace("_", " "), "current": other == name}
        for other in [path.stem for path in find_notebooks([])]
        if other in coming or (home / "runs" / "latest" / f"{other}.html").is_file()
    ]


def render(executed: Path, page: Path, *, problem: str | None = None, links: Sequence[Mapping[str, Any]] = ()) -> None:
    """Renders an executed notebook as one page without code, script or anything from outside; what it failed of stands at its top."""
    with without_grammar():
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
        extra_template_basedirs=[str(TEMPLATES)],
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    exporter.register_filter("svg_title", svg_title)  # type: ignore[no-untyped-call]
    exporter.register_filter("svg_for_both", svg_for_both)  # type: ignore[no-untyped-call]
    made = f"autoD {__version__} · {executed.stem} · {journal.now():%Y-%m-%d %H:%M} UTC · run {executed.parent.name}"
    resources = {
        "autod": {
            "title": f"{heading} · autoD",
            "style": (TEMPLATES / "page.css").read_text() + _dark("main .autod-figure svg"),
            "links": [{"href": "../index.html", "name": "all runs", "current": False}, *links],
            "problem": problem,
            "footer": made,
        }
    }
    body, _ = exporter.from_notebook_node(notebook, resources=resources)
    head, main, rest = body.partition("<main>")
    # The policy stops scripts and requests, but not a page that sends its reader elsewhere or looks up a name beforehand.
    page.write_text(head + main + re.sub(r"<(?=(?:meta|link|base)\b)", "&lt;", rest, flags=re.IGNORECASE), encoding="utf-8")


def printed(page: Path) -> Path | None:
    """The page as a PDF beside it, made by a Chromium of this machine; None where there is none, or it does not print within PRINT_S."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as profile:
        made = Path(profile) / "page.pdf"
        own = ("--no-sandbox",) if os.geteuid() == 0 else ()  # Chromium refuses to have one for root
        command = [program, *PRINTING, *own, f"--user-data-dir={profile}", f"--print-to-pdf={made}", page.as_uri()]
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PRINT_S, check=False)
        if not made.is_file():
            return None
        return Path(shutil.copyfile(made, page.with_suffix(".pdf")))


def keep_latest(home: Path, pages: Mapping[str, Path], failed: Mapping[str, Path]) -> None:
    """Keeps the newest good page of each notebook at a path that does not change.

    A page that failed goes there only where no good one is; a good one that is there says that a newer one failed, and leads to it.
    """
    latest = home / "runs" / "latest"
    latest.mkdir(parents=True, exist_ok=True)
    for name, page in pages.items():
        shutil.copyfile(page, latest / f"{name}.html")
    for name, page in failed.items():
        kept = latest / f"{name}.html"
        text = NEWER.sub("", kept.read_text(encoding="utf-8")) if kept.is_file() else ""
        if not text or FAILED in text:
            shutil.copyfile(page, kept)
            continue
        link = f"<a href='../{html.escape(quote(f'{page.parent.name}/{page.name}'))}'>what there is of it</a>"
        said = f"<b>This page is not the newest.</b> That of {journal.now():%Y-%m-%d %H:%M} UTC failed: {link}."
        note = f'<p class="problem newer" role="alert">{said}</p>'
        head, main, rest = text.partition("<main>\n")
        kept.write_text(f"{head}{main}{note}\n{rest}", encoding="utf-8")


INDEX: Final = Path("runs", "index.html")  # of a workspace: the page of all runs
COLUMNS: Final = ("started", "what", "state", "steps", "documents", "USD", "duration")


def write_index(home: Path, most: int = 200) -> Path:
    """Writes the page of all runs that a person or a schedule started, newest first, and returns its path."""
    with store.reading(home) as con:
        runs = store.rows(con, "from runs_with_parts order by started_at desc, run_id desc, is_simulated limit ?", [most])
        steps: dict[str, list[dict[str, Any]]] = {}
        for step in store.rows(con, "select run_id, step, state, error, attempts, html, log from run_steps order by seq"):
            steps.setdefault(step["run_id"], []).append(step)
    place = home / "runs"
    rows = "\n".join(_index_row(run, steps.get(run["run_id"], []), place) for run in runs)
    newest = " <a href='latest/90_report.html'>The newest report</a>" if (place / "latest" / "90_report.html").is_file() else ""
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    heads = "".join(f"<th scope='col'>{name}</th>" for name in COLUMNS)
    index = home / INDEX
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text(
        f"<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><meta http-equiv='Content-Security-Policy' content=\"{policy}\">"
        f"<meta name='viewport' content='width=device-width, initial-scale=1'><title>All runs · autoD</title>"
        f"<style>{(TEMPLATES / 'page.css').read_text()}</style></head>"
        f"<body><main class='runs'><h1>All runs</h1><p>Newest first; each with what the runs it started have read and cost.{newest}</p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>\n{rows}\n</tbody></table></main>"
        f"<footer>autoD {__version__} · written {journal.now():%Y-%m-%d %H:%M} UTC</footer></body></html>\n",
        encoding="utf-8",
    )
    return index


def _index_row(run: Mapping[str, Any], steps: Sequence[Mapping[str, Any]], place: Path) -> str:
    money = [] if run["cost_usd"] is None else [f"{run['cost_usd']:.4f}"]
    money += [f"and at most {run['unsettled_upper_usd']:.4f} unsettled"] if run["unsettled_upper_usd"] else []
    money += ["simulated"] if money and run["is_simulated"] else []
    counted = [f"{run['documents']:,}"] if run["documents"] else []
    counted += [f"{run['failed']:,} failed"] if run["failed"] else []
    summary = place / run["run_id"] / "summary.json"
    what = " ".join(part for part in (run["command"], run["chain"]) if part)
    cells = {
        "started": f"{run['started_at']:%Y-%m-%d %H:%M} UTC",
        "what": f"<a href='{quote(run['run_id'])}/summary.json'>{html.escape(what)}</a>" if summary.is_file() else html.escape(what),
        "state": f"<span class='state {html.escape(run['state'])}'>{html.escape(run['state'])}</span>"
        + (f" ({run['exit_status']})" if run["exit_status"] else "")
        + (f"<br>{html.escape(run['reason'])}" if run["reason"] else ""),
        "steps": "<br>".join(_index_step(step, place) for step in steps),
        "documents": ", ".join(counted),
        "USD": " ".join(money),
        "duration": "" if run["seconds"] is None else _duration(run["seconds"]),
    }
    numbers = ("documents", "USD", "duration")
    return (
        f"<tr id='{html.escape(run['run_id'])}'>"
        + "".join(f"<td data-name='{name}'{' class=number' if name in numbers else ''}>{cell}</td>" for name, cell in cells.items())
        + "</tr>"
    )


def _index_step(step: Mapping[str, Any], place: Path) -> str:
    path = step["html"] or step["log"]
    name = html.escape(step["step"])
    told = [] if step["state"] in GOOD else [step["state"]]
    told += [f"{step['attempts']} attempts"] if step["attempts"] > 1 else []
    link = f"<a href='{html.escape(quote(path))}'>{name}</a>" if path and (place / path).is_file() else name
    note = f" ({', '.join(told)})" if told else ""
    return f"<span title='{html.escape(step['error'] or '')}'>{link}{note}</span>"


def _duration(seconds: float) -> str:
    """A duration as people say it.

    >>> _duration(4.21), _duration(75), _duration(7384)
    ('4.2 s', '1 min 15 s', '2 h 3 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{seconds:.1f} s" if seconds < 60 else f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
