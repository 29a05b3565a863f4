"""Notebooks run by a real kernel, and commands: how each ends, what is recorded, what is done again, and what a browser makes of the pages."""

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from pypdf import PdfReader

from autod_lib import rendering, store, workspace
from autod_lib.chain import Chain, Step, chain_of, find_notebooks, resolved
from autod_lib.errors import SettingsError, WorkspaceBusy
from autod_lib.journal import Journal, now, segments
from autod_lib.rendering import keep_latest
from autod_lib.runs import Run, StepRun, fingerprint, in_order, run_steps, steps_again
from autod_lib.settings import Settings, load_settings

from . import ledger
from .browser import browsing
from .pipeline import answering, begin, reply, rows

CANARY = "sk-canary-0123456789abcdefghij"
PARAMETERS = """\
home: str = ""  # workspace; empty: AUTOD_HOME
days: int = 7  # how many days
share: float = 0.5  # which share
deep: bool = False  # whether to look deeper
inbox: str = ""  # folder of documents"""


def notebook(folder: Path, name: str, *cells: str, parameters: str = "", title: str = "") -> Path:
    """A notebook of a title, a cell of parameters and cells of code."""
    code = {"cell_type": "code", "execution_count": None, "outputs": []}
    made: list[dict[str, Any]] = [{"cell_type": "markdown", "id": "title", "metadata": {}, "source": f"# {title or name}"}]
    if parameters:
        made.append(code | {"id": "parameters", "metadata": {"tags": ["parameters"]}, "source": parameters})
    made += [code | {"id": f"cell-{number}", "metadata": {}, "source": source} for number, source in enumerate(cells)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps({"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    return path


def run_notebooks(settings: Settings, paths: Sequence[Path], parameters: dict[str, str] | None = None, **given: Any) -> list[StepRun]:
    """Runs notebooks without a chain file, as `autod run NOTEBOOK…` does."""
    limits = {name: given.pop(name) for name in ("cell_timeout_s", "timeout_s") if name in given}
    chain = chain_of(in_order(paths)).model_copy(update=limits)
    return list(run_steps(settings, resolved(chain, parameters or {}), **given).steps)


@dataclass
class Night:
    """One call of run_steps and what came of it."""

    home: Path
    run: Run
    results: dict[str, StepRun]
    lines: list[str]
    asked: list[bytes]
    address: str
    environment_before: dict[str, str] = field(default_factory=dict)
    environment_after: dict[str, str] = field(default_factory=dict)


HOSTILE = """\
from IPython.display import HTML, Markdown, display
display(HTML('''<script>window.touched = 1; alert(1)</script><img src=x onerror="window.touched = 2; alert(2)"><img src="ADDRESS/a.png">
<iframe src="ADDRESS/frame"></iframe><link rel="stylesheet" href="ADDRESS/a.css"><meta http-equiv="refresh" content="0;url=ADDRESS/gone">
<base href="ADDRESS/"><object data="ADDRESS/object"></object><form action="ADDRESS/form"><button>go</button></form>'''))
display(Markdown('''</script><script>window.touched = 3; alert(3)</script> ![x](ADDRESS/b.png) <img src=x onerror="window.touched = 4">'''))
svg = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><title>A "quoted" &lt;b&gt;</title><image href="ADDRESS/c.png"/>'
svg += '<script>window.touched = 5</script></script><script>window.touched = 6; alert(6)</script></svg>'
display({"image/svg+xml": svg}, raw=True)
display({"application/javascript": "window.touched = 7", "text/plain": "plain"}, raw=True)
print("</pre><script>window.touched = 8</script>")"""


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """A fine notebook, a failing one, one that takes too long, a hostile one and one that writes, in one call."""
    folder = tmp_path_factory.mktemp("night")
    home = folder / "home"
    with answering(lambda handler, body: reply(handler, 200, b"x")) as (address, asked):
        address = address.removesuffix("/v1")
        names = ("AUTOD_HOME", "AUTOD_BUDGET_DAY_USD", "TRIAL", "AUTOD_PARENT_RUN")
        shown = f"import os, json\nprint(json.dumps({{name: os.environ.get(name) for name in {names}}}))"
        key = "from autod_lib.settings import load_settings\nimport os\n"
        key += "print('key of', len(load_settings().require_key()), 'characters')"
        books = folder / "books"
        flaky = "import pathlib\ntried = pathlib.Path('tried')\nif not tried.exists():\n    tried.touch()\n    raise OSError('not yet')"
        steps = [
            {"notebook": notebook(books, "10_ingest", "print('written')")},
            {"notebook": notebook(books, "20_bad", "print('before')", "1/0", "print('behind')", title="Bad & <worse>"), "retries": 0},
            {"notebook": notebook(books, "30_slow", "print('asleep soon')", "import time; time.sleep(60)"), "cell_timeout_s": 2, "retries": 0},
            {"notebook": notebook(books, "35_long", "import time; time.sleep(1)", "time.sleep(60)"), "timeout_s": 3, "retries": 0},
            {"notebook": notebook(books, "40_fine", shown, key, "import sys; print('to stderr', file=sys.stderr)")},
            {"notebook": notebook(books, "50 hostile #1", HOSTILE.replace("ADDRESS", address))},
            {"notebook": notebook(books, "60_flaky", flaky)},
            {"notebook": notebook(books, "70_needs", "print('at last')"), "needs": ["20_bad"]},
            {"command": "evaluate --json", "needs": ["60_flaky"]},
            {"command": f"labels import '{folder / 'late.csv'}'"},
        ]
        texts = [{name: str(value) if name == "notebook" else value for name, value in step.items()} for step in steps]
        chain = Chain.model_validate({"name": "night", "retries": 1, "retry_wait_s": 0, "step": texts})
        settings = load_settings({}, home=home, api_key=CANARY, budget_day_usd="3")
        lines: list[str] = []
        before = dict(os.environ)
        run = run_steps(settings, resolved(chain, {}), chain="night", environ={"TRIAL": "yes"}, progress=lines.append)
        yield Night(home, run, {result.step: result for result in run.steps}, lines, asked, address, before, dict(os.environ))


def text_of(page: Path) -> str:
    """What a page shows."""
    import html

    body = re.sub(r"<style>.*?</style>", "", page.read_text(), flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", "", body))


def test_a_step_that_fails_fails_itself_and_the_rest_goes_on(night: Night) -> None:
    """Each ends in a state of its own; those behind it run, unless they need it; what a second attempt cures is no failure."""
    states = {name: result.state for name, result in night.results.items()}

    assert states == {
        "10_ingest": "finished",
        "20_bad": "failed",
        "30_slow": "timeout",
        "35_long": "timeout",
        "40_fine": "finished",
        "50 hostile #1": "finished",
        "60_flaky": "finished",
        "70_needs": "skipped",
        "evaluate": "finished",
        "labels import": "failed",
    }
    assert {name: result.attempts for name, result in night.results.items() if result.attempts > 1} == {"60_flaky": 2}  # labels: wrong use, for good
    assert night.results["20_bad"].error == "cell 2: ZeroDivisionError: division by zero"
    assert night.results["30_slow"].error == "a cell took longer than 2 s; allow more with --cell-timeout"
    assert night.results["35_long"].error == "it took longer than 3 s; allow more with --timeout"
    assert night.results["70_needs"].error == "needs 20_bad"
    assert "late.csv" in (night.results["labels import"].error or "")
    assert night.run.exit_status == night.results["labels import"].exit_status == 2
    assert any("20_bad failed" in line and "ZeroDivisionError" in line for line in night.lines)


def test_a_command_has_the_settings_of_the_run_and_what_it_prints_is_kept(night: Night) -> None:
    """It read this workspace, as a kernel does, and its log is whole."""
    log = night.results["evaluate"].log
    assert log is not None
    assert json.loads(log.read_text())["accuracy_by_field"] == []


def test_a_run_leaves_a_summary_for_machines(night: Night) -> None:
    """State, exit status, every step, and money by kind, in one file beside the pages."""
    told = json.loads((night.home / "runs" / night.run.run_id / "summary.json").read_text())
    no_calls = {"calls": 0, "cost_usd": None, "calls_unpriced": 0, "calls_unsettled": 0, "unsettled_upper_usd": None}

    assert (told["run_id"], told["chain"], told["state"], told["exit_status"]) == (night.run.run_id, "night", "failed", 2)
    assert (told["steps_failed"], told["steps_skipped"]) == (4, 1)
    assert [(step["step"], step["state"], step["attempts"]) for step in told["steps"]] == [
        (name, result.state, result.attempts) for name, result in night.results.items()
    ]
    assert told["money"] == [{"is_simulated": False} | no_calls]
    assert told["index"] == str(night.run.index)
    assert (night.run.index.parent / told["steps"][0]["html"]).is_file()


def test_a_chain_that_fails_in_the_same_steps_alerts_once_a_day(night: Night) -> None:
    """It is started every hour while something is away: one alert says so."""
    told = "select component, severity, dedupe_key, dedupe_window = logged_at::date::varchar from alerts where run_id = ?"
    kept = rows(night.home, told, night.run.run_id)

    assert kept == [("run", "critical", "night: 20_bad, 30_slow, 35_long, 70_needs, labels import", True)]


def test_what_failed_can_be_done_again_with_the_same_parameters(night: Night) -> None:
    """All that did not end well, or the steps named; what they need and is not done again counts as done."""
    chain, again = steps_again(night.home, night.run.run_id)
    assert (chain, [step.name for step in again]) == ("night", ["20_bad", "30_slow", "35_long", "70_needs", "labels import"])
    with pytest.raises(SettingsError, match=r"no step sixty; there are 10_ingest, 20_bad"):
        steps_again(night.home, night.run.run_id, ["sixty"])
    with pytest.raises(SettingsError, match=r"no run 'yesterday'"):
        steps_again(night.home, "yesterday")

    (night.home.parent / "late.csv").write_text("sha256,doc_type\n")
    _, [labels] = steps_again(night.home, "last", ["labels import"])
    second = run_steps(load_settings({}, home=night.home), [labels], chain=chain, rerun_of=night.run.run_id, force=True)

    assert [(result.step, result.state) for result in second.steps] == [("labels import", "finished")]
    with pytest.raises(SettingsError, match=r"Every step of the run .* ended well"):
        steps_again(night.home, second.run_id)


def test_a_second_chain_at_once_starts_nothing(tmp_path: Path) -> None:
    """It says which holds the workspace; a notebook by hand is no chain, and waits for nobody."""
    settings = load_settings({}, home=tmp_path / "home")
    chain = Chain.model_validate({"step": [{"command": "evaluate"}]})
    with workspace.held(settings.home, "a-run", "run --chain night", lock=workspace.CHAIN_LOCK), pytest.raises(WorkspaceBusy, match=r"a-run .*night"):
        run_steps(settings, resolved(chain, {}), chain="night")
    assert not (settings.home / "runs").exists()
    assert workspace.holder(settings.home) is None


def test_a_chain_that_is_told_to_end_ends_in_order(tmp_path: Path) -> None:
    """The command under way is told so too, what would follow is not begun, and the record says how it ended: exit 130."""
    (tmp_path / "inbox").mkdir()
    (tmp_path / "watch.toml").write_text(f'[[step]]\ncommand = "ingest \'{tmp_path / "inbox"}\' --watch"\n[[step]]\ncommand = "evaluate"\n')
    process = begin("run", "--chain", tmp_path / "watch.toml", home=tmp_path / "home", address="http://127.0.0.1:9/v1", AUTOD_LOG_FORMAT="json")
    with process:
        assert process.stderr is not None
        begun = json.loads(process.stderr.readline())
        assert (begun["message"], begun["step"], begun["level"]) == ("ingest …", "ingest", "INFO")
        while len(segments(tmp_path / "home")) < 2:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)

    assert process.returncode == 130, said
    assert rows(tmp_path / "home", "select run_id, state, exit_status from runs_overview where command = 'run'") == [
        (begun["run_id"], "interrupted", 130)
    ]
    assert rows(tmp_path / "home", "select step, state from run_steps") == [("ingest", "interrupted")]
    assert rows(tmp_path / "home", "select command, runs_started > 0 from runs_with_parts") == [("run", True)]
    assert workspace.holder(tmp_path / "home") is None


def test_a_page_that_failed_never_takes_the_place_of_a_good_one(tmp_path: Path) -> None:
    """The good one stays and says so; the next good one takes its place without a word."""
    latest = tmp_path / "runs" / "latest" / "90_report.html"

    def page(run: str, text: str) -> Path:
        place = tmp_path / "runs" / run / "90_report.html"
        place.parent.mkdir(parents=True)
        place.write_text(f"<body><main>\n{text}</main>", encoding="utf-8")
        return place

    keep_latest(tmp_path, {}, {"90_report": page("r1", '<p class="problem" role="alert">first failed</p>')})
    assert "first failed" in latest.read_text()
    keep_latest(tmp_path, {}, {"90_report": page("r2", '<p class="problem" role="alert">second failed</p>')})
    assert "second failed" in latest.read_text()
    keep_latest(tmp_path, {"90_report": page("r3", "good")}, {})
    for run in ("r4", "r5"):
        keep_latest(tmp_path, {}, {"90_report": page(run, '<p class="problem" role="alert">failed again</p>')})
    kept = latest.read_text()
    assert "good" in kept
    assert "failed again" not in kept
    assert kept.count("This page is not the newest.") == 1
    assert f"{now():%Y-%m-%d}" in kept
    assert "href='../r5/90_report.html'" in kept
    keep_latest(tmp_path, {"90_report": page("r6", "better")}, {})
    assert latest.read_text() == (tmp_path / "runs" / "r6" / "90_report.html").read_text()


def test_what_is_kept_of_runs_goes_after_the_retention_days(tmp_path: Path, empty_database: Path) -> None:
    """Folders of runs alone, by their own day; what else is there stays."""
    home = tmp_path / "home"
    old, young, other = (home / "runs" / name for name in ("20251001-020000-0123abcd", f"{now():%Y%m%d}-000000-0123abcd", "20251001-mine"))
    for place in (old, young, other):
        place.mkdir(parents=True)
    shutil.copyfile(empty_database, store.database(home))
    run_steps(load_settings({}, home=home, retention_days=30), [])

    assert [place.exists() for place in (old, young, other)] == [False, True, True]


def test_what_changes_the_record_runs_before_what_shows_it() -> None:
    """A report made in the same run shows the documents just read, in whatever order they were named."""
    assert [path.stem for path in in_order([Path("90_report.ipynb"), Path("20_cost.ipynb"), Path("10_ingest.ipynb")])] == [
        "10_ingest",
        "90_report",
        "20_cost",
    ]


def test_a_notebook_that_fails_is_saved_as_far_as_it_came_and_shown_with_its_error(night: Night) -> None:
    """Whoever looks in the morning sees where it stopped and why, at the top and at its place, and no line of code that was not at fault."""
    for name, before, error in [("20_bad", "before", "division by zero"), ("30_slow", "asleep soon", "longer than 2 s")]:
        result = night.results[name]
        shown = text_of(result.html)
        cells = json.loads(result.executed.read_text())["cells"]

        assert before in shown
        assert shown.index("This notebook failed.") < shown.index(error) < shown.index(before)
        assert any(output for cell in cells for output in cell.get("outputs", []))
        assert "behind" not in shown
    assert "ZeroDivisionError" in text_of(night.results["20_bad"].html).split("before")[1]
    assert "<title>Bad &amp; &lt;worse&gt; · autoD</title>" in night.results["20_bad"].html.read_text()


def test_a_page_shows_results_without_code_or_noise(night: Night) -> None:
    """Those who read the page read no Python and no warnings of libraries."""
    shown = text_of(night.results["40_fine"].html)

    assert f"key of {len(CANARY)} characters" in shown
    assert "import" not in shown
    assert "to stderr" not in shown
    assert "This notebook failed" not in shown


def test_what_ran_is_recorded(night: Night) -> None:
    """One run with its exit status and reason, and a row for each attempt of a step with the paths of page, copy and log."""
    assert rows(night.home, "select command, state, exit_status, reason from runs_overview where run_id = ?", night.run.run_id) == [
        ("run", "failed", 2, "failed: 20_bad, 30_slow, 35_long, 70_needs, labels import")
    ]
    recorded = rows(
        night.home,
        "select step, html, executed, log, error is null, seconds > 0, length(fingerprint) from notebook_runs where run_id = ? order by seq",
        night.run.run_id,
    )
    assert [row[0] for row in recorded] == [name for name, result in night.results.items() for _ in range(result.attempts)]
    for name, page, executed, log, is_without_error, took_time, length in recorded:
        result = night.results[name]
        assert [path and night.home / "runs" / path for path in (page, executed, log)] == [result.html, result.executed, result.log]
        assert is_without_error == (result.state == "finished") or result.attempts > 1
        assert took_time == (result.state != "skipped")
        assert length == (None if result.html is None or name == "10_ingest" else 64)


def test_a_kernel_has_the_settings_of_the_command_and_the_process_keeps_its_own(night: Night) -> None:
    """Workspace, budget and key come from the settings, wherever these came from; afterwards the environment is as it was."""
    outputs = json.loads(night.results["40_fine"].executed.read_text())["cells"][1]["outputs"]
    given = json.loads("".join(outputs[0]["text"]))

    assert given["AUTOD_HOME"] == str(night.home)
    assert given["AUTOD_BUDGET_DAY_USD"] == "3"
    assert given["TRIAL"] == "yes"
    assert given["AUTOD_PARENT_RUN"] == night.run.run_id
    assert night.environment_after == night.environment_before


def test_the_newest_page_of_each_notebook_is_at_a_path_that_stays(night: Night) -> None:
    """A bookmark keeps working; where none was good yet, it leads to the one that failed."""
    pages = {name: result.html for name, result in night.results.items() if result.html}
    assert len(pages) == 7
    for name, page in pages.items():
        assert (night.home / "runs" / "latest" / f"{name}.html").read_bytes() == page.read_bytes()


def test_the_key_is_in_no_file_of_the_workspace(night: Night) -> None:
    """Pages, executed copies, the journal and the database are shown around."""
    files = [path for path in night.home.rglob("*") if path.is_file() and path.name != store.DATABASE]

    assert sum("runs" in path.parts for path in files) >= 16
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []


def test_a_notebook_runs_again_only_when_something_changed(tmp_path: Path, empty_database: Path) -> None:
    """The second of two like runs costs no kernel; forcing and another parameter do."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(empty_database, store.database(home))
    path = notebook(tmp_path, "60_counted", "with open('count', 'a') as file: file.write('x')", parameters="days: int = 7  # how many days")

    def run(*, force: bool = False, **values: str) -> tuple[list[str], int]:
        done = run_notebooks(load_settings({}, home=home), [path], parameters=values, force=force)
        assert all(result.html.is_file() for result in done)
        return [result.state for result in done], len((tmp_path / "count").read_text())

    assert run() == (["finished"], 1)
    assert run() == (["unchanged"], 1)
    assert run(days="8") == (["finished"], 2)
    assert run(days="8") == (["unchanged"], 2)
    assert run(days="8", force=True) == (["finished"], 3)
    assert rows(home, "select state from notebook_runs where notebook = '60_counted' order by logged_at") == [
        ("finished",),
        ("unchanged",),
        ("finished",),
        ("unchanged",),
        ("finished",),
    ]


def test_what_a_notebook_shows_depends_on_its_source_parameters_files_settings_and_data(tmp_path: Path, empty_database: Path) -> None:
    """Each of them alone makes it run again; runs of notebooks, and the address of a local API that is new each time, do not."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(empty_database, store.database(home))
    path = notebook(tmp_path, "60_any", "print(1)")
    labels = tmp_path / "labels.csv"
    labels.write_text("one")
    given: dict[str, Any] = {"labels": str(labels), "days": 7}

    def mark(*, days: int = 7, **settings: Any) -> str:
        step = Step.model_validate({"notebook": str(path), "name": "60_any", "parameters": given | {"days": days}})
        found = fingerprint(load_settings({}, home=home, **settings), step)
        assert found
        return found

    marks = [mark(), mark(days=8), mark(budget_day_usd="1"), mark(api_key="sk-one"), mark(base_url="http://127.0.0.1:9/v1")]
    assert mark(base_url="http://127.0.0.1:8/v1") == marks[-1]
    assert mark(api_key="sk-two") == marks[-2]
    labels.write_text("two")
    marks.append(mark())
    notebook(tmp_path, "60_any", "print(2)")
    marks.append(mark())
    with Journal(home) as journal:
        journal.write("run_started", command="run")
        journal.write("notebook_run", notebook="20_cost", state="finished")
    assert mark() == marks[-1]
    with Journal(home) as journal:
        journal.write("alert", severity="info", component="journal", message="Something happened.")
    marks.append(mark())

    assert len(set(marks)) == len(marks)
    assert (
        fingerprint(load_settings({}, home=home), Step.model_validate({"notebook": "10_ingest.ipynb"})) is None
    )  # what it does is not what it shows
    given["home"] = str(tmp_path / "other")
    assert mark() not in marks


def test_a_notebook_without_a_kernel_fails_alone(tmp_path: Path) -> None:
    """A kernel that is not installed, or that dies, is the fault of its notebook and no end of the night."""
    unknown = notebook(tmp_path, "20_unknown", "print(1)")
    unknown.write_text(unknown.read_text().replace('"name": "python3"', '"name": "no-such-kernel"'))
    dying = notebook(tmp_path, "30_dying", "print('still here')", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")

    done = run_notebooks(load_settings({}, home=tmp_path / "home"), [unknown, dying], parameters={}, cell_timeout_s=60)

    assert [result.state for result in done] == ["failed", "failed"]
    assert "no-such-kernel" in (done[0].error or "")
    assert "This notebook failed." in text_of(done[0].html)
    assert "DeadKernelError" in (done[1].error or "")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"dyas": "3"}, r"parameter dyas; there are days, deep, home, inbox, share"),
        ({"days": "three"}, r"days='three' must be of type int\. how many days"),
        ({"share": "nan"}, r"share='nan' must be of type float"),
        ({"deep": "perhaps"}, r"deep='perhaps' must be of type bool"),
        ({"inbox": CANARY}, r"'inbox' looks like a key.*OPENAI_API_KEY"),
        ({"api_key": "abc"}, r"'api_key' looks like a key"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_starts(tmp_path: Path, given: dict[str, str], said: str) -> None:
    """The message names what there is; no run is recorded, and no key is repeated."""
    path = notebook(tmp_path, "60_typed", "print(1)", parameters=PARAMETERS)
    home = tmp_path / "home"

    with pytest.raises(SettingsError, match=said) as caught:
        run_notebooks(load_settings({}, home=home), [path], parameters=given)

    assert CANARY not in str(caught.value)
    assert not home.exists()


@pytest.mark.usefixtures("kernels_start_afresh")
def test_parameters_arrive_with_their_types_and_paths_from_where_they_were_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel works in the notebook's folder; a path that was typed in another one means what it meant there. None gets what it has no use for."""
    imports = "import sys\nprint('autod_lib' in sys.modules)\nfrom autod_lib import charts, metrics, page, words"
    path = notebook(tmp_path / "books", "60_typed", imports, "print(repr((days, share, deep, inbox)))", parameters=PARAMETERS)
    other = notebook(tmp_path / "books", "70_other", "print(days)", parameters="days: int = 1  # how many days")
    (tmp_path / "typed").mkdir()
    monkeypatch.chdir(tmp_path / "typed")
    values = {"days": "30", "share": "1", "deep": "yes", "inbox": "scans/turkey"}

    assert resolved(chain_of([path, other]), values)[1].parameters == {"days": 30}
    done = run_notebooks(load_settings({}, home=tmp_path / "home"), [path], parameters=values)

    assert done[0].state == "finished"
    assert "False" in text_of(done[0].html)
    assert str((30, 1.0, True, str(tmp_path / "typed/scans/turkey"))) in text_of(done[0].html)


def test_notebooks_are_found_by_name_file_name_and_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name all of them, in their order; with one that is not there, the message names those that are."""
    mine = notebook(tmp_path, "mine", "print(1)")
    monkeypatch.chdir(tmp_path)
    every = find_notebooks([])

    assert [path.stem for path in every] == sorted(path.stem for path in every)
    assert {"10_ingest", "20_cost", "90_report"} <= {path.stem for path in every}
    assert [path.stem for path in find_notebooks(["20_cost", "90_report.ipynb", "mine.ipynb"])] == ["20_cost", "90_report", "mine"]
    assert find_notebooks(["mine.ipynb"]) == [mine]
    for name in ("25_nothing", "nothing.ipynb", "."):
        with pytest.raises(SettingsError, match=r"no notebook .*20_cost.*90_report"):
            find_notebooks([name])


def test_a_file_that_is_no_notebook_is_refused_by_its_name(tmp_path: Path) -> None:
    """Not a traceback of a parser, but the file and what is wrong with it."""
    path = tmp_path / "letter.ipynb"
    path.write_text("Dear all")

    with pytest.raises(SettingsError, match=r"letter\.ipynb' cannot be read as a notebook"):
        run_notebooks(load_settings({}, home=tmp_path / "home"), [path], parameters={})


def test_what_a_document_smuggles_in_does_nothing_in_a_browser(night: Night) -> None:
    """Scripts, handlers, frames, images, forms and redirections in HTML, Markdown and SVG: none runs, none asks anyone anything."""
    page = night.results["50 hostile #1"].html
    with browsing(offline=False) as seen:
        seen.open(page)
        seen.page.wait_for_timeout(500)

        assert seen.page.evaluate("window.touched") is None
        assert seen.page.url == page.as_uri()
        assert seen.page.evaluate("document.baseURI") == page.as_uri()
        assert seen.dialogs == []
        assert night.asked == []
        assert all("Content Security Policy" in message for message in seen.messages), seen.messages
        assert seen.messages  # the policy is what refused it
        assert seen.page.get_attribute("img[src^='data:image/svg']", "alt") == 'A "quoted" <b>'


def test_a_page_of_a_fine_notebook_is_silent_and_complete_by_itself(night: Night) -> None:
    """Not one message and not one request, offline."""
    with browsing() as seen:
        seen.open(night.results["40_fine"].html)

        assert seen.requests == [night.results["40_fine"].html.as_uri()]
        assert seen.messages == []
        assert "40_fine" in seen.page.title()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs folder of a workspace of ten days, with the pages of 20_cost and 90_report."""
    home = tmp_path_factory.mktemp("report") / "home"
    ledger.write(home, days=10, a_day=8)
    done = run_notebooks(load_settings({}, home=home), find_notebooks(["20_cost", "90_report"]), parameters={})
    assert [(result.state, result.error) for result in done] == [("finished", None)] * 2
    return home / "runs"


class References(HTMLParser):
    """Everything that a page refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.sources: list[str] = []
        self.tags: set[str] = set()
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes a tag and what it refers to."""
        self.tags.add(tag)
        for name, value in attrs:
            if name == "href":
                self.links.append(value or "")
            elif name in ("src", "srcset", "data", "action", "poster", "background"):
                self.sources.append(value or "")
            elif name == "id":
                self.ids.add(value or "")


@cache
def references(page: Path) -> References:
    """What a page refers to, read once."""
    return References(page.read_text())


def dead_links(page: Path) -> list[str]:
    """Links of a page that lead to no file and no place in it, or out of the machine."""

    def is_dead(link: str) -> bool:
        parts = urlsplit(link)
        target = Path(os.path.normpath(page.parent / unquote(parts.path))) if parts.path else page
        if parts.scheme or parts.netloc or not target.is_file():
            return True
        return bool(parts.fragment) and unquote(parts.fragment) not in references(target).ids

    return [link for link in sorted(set(references(page).links)) if is_dead(link)]


def test_pages_hold_no_script_and_refer_to_nothing_outside(report: Path, night: Night) -> None:
    """Every link leads to a file that is there, every image is inside its page."""
    pages = [*report.rglob("*.html"), *(night.home / "runs").rglob("*.html")]

    assert len(pages) == 2 * 2 + 1 + 2 * 7 + 1
    for page in pages:
        if "hostile" in page.name:
            continue
        found = references(page)
        assert not found.tags & {"script", "iframe", "object", "embed", "link", "base"}, page
        assert all(source.startswith("data:") for source in found.sources), page
        assert dead_links(page) == [], page


def test_the_report_and_the_costs_open_offline_on_any_screen(report: Path) -> None:
    """No request, no message; every image has words for those who hear it; nothing reaches beyond a screen of 400 pixels."""
    with browsing(width=400) as seen:
        for name in ("20_cost", "90_report"):
            seen.open(report / "latest" / f"{name}.html")

            assert seen.page.evaluate("document.documentElement.scrollWidth") <= 400, name
            images = seen.page.evaluate("[...document.images].map(image => [image.alt, image.complete && image.naturalWidth > 0])")
            assert all(alt.strip() and is_loaded for alt, is_loaded in images), name
            figures = seen.page.evaluate("document.querySelectorAll('.figure img, .autod-figure svg').length")
            assert figures >= 3, name
        assert seen.further() == []
        assert [url for url in seen.requests if url.startswith("file:")] == [
            (report / "latest" / f"{name}.html").as_uri() for name in ("20_cost", "90_report")
        ]
        assert (seen.messages, seen.dialogs) == ([], [])


def test_the_page_of_all_runs_leads_to_every_page(report: Path, night: Night) -> None:
    """From the list to a report and back, by clicking, also where a name has spaces and signs; a run that failed says why."""
    with browsing() as seen:
        seen.open(report / "index.html")
        seen.page.click("text=The newest report")
        assert seen.page.url == (report / "latest" / "90_report.html").as_uri()
        seen.page.click("nav >> text=all runs")
        assert seen.page.url == (report / "index.html").as_uri()
        seen.page.click("text=20_cost")
        assert "autoD" in seen.page.title()
        assert seen.messages == []

        seen.open(night.home / "runs" / "index.html")
        assert seen.page.locator("td >> text=failed: 20_bad, 30_slow").count() == 1
        assert seen.page.locator("text=60_flaky (2 attempts)").count() == 1
        assert seen.page.locator("text=The newest report").count() == 0
        seen.page.click("text=50 hostile #1")
        assert unquote(seen.page.url) == unquote(night.results["50 hostile #1"].html.as_uri())


def test_a_page_is_printed_where_there_is_a_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real Chromium makes a PDF of it beside the page; without one there is none, and nothing fails."""
    page = tmp_path / "90_report.html"
    page.write_text("<h1>What it cost</h1>")
    if any(map(shutil.which, rendering.BROWSERS)):
        made = rendering.printed(page)
        assert made == tmp_path / "90_report.pdf"
        assert "What it cost" in PdfReader(made).pages[0].extract_text()
    monkeypatch.setenv("PATH", "")
    assert rendering.printed(page) is None
