"""Notebooks without a person: how each ends, what is recorded, what runs again, and that a page is inert in a real browser."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autod_lib import runs, store
from autod_lib.errors import SettingsError
from autod_lib.journal import Journal
from autod_lib.settings import Settings

PARAMETERS = """home: str = ""  # workspace of the run
count: int = 1  # how many times
quick: bool = False  # whether to hurry
limit_usd: float = 1.5  # a line in the figures"""
HOSTILE = (
    "<script>document.title='RAN'</script><img src=x onerror=\"document.title='RAN'\">"
    "<iframe srcdoc=\"<script>parent.document.title='RAN'</script>\"></iframe><link rel=stylesheet href=http://127.0.0.1:9/a.css>"
    "<style>@import 'http://127.0.0.1:9/b.css'; i{background:url(http://127.0.0.1:9/c.png)}</style><i>marked</i>"
    "<svg><image href=http://127.0.0.1:9/d.png /><script>document.title='RAN'</script></svg>"
    "<a id=trap href=\"javascript:document.title='RAN'\">trap</a>"
)


def notebook(folder: Path, name: str, *cells: str, parameters: str = PARAMETERS) -> Path:
    """A notebook with a title, a parameters cell and these code cells."""
    made = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}})
    tagged = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    made.cells = [nbformat.v4.new_markdown_cell(f"# About {name}"), tagged, *map(nbformat.v4.new_code_cell, cells)]
    nbformat.write(made, folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


def rows(home: Path, sql: str) -> list[dict[str, Any]]:
    """What a query of the ledger gives."""
    with store.reading(home) as con:
        cursor = con.execute(sql)
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, dict[str, Path], dict[str, runs.NotebookRun]]:
    """One run of four notebooks: one fails, one hangs, one kills its kernel, and the last one is fine."""
    folder = tmp_path_factory.mktemp("notebooks")
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    books = {
        "failing": notebook(folder, "01_failing", "print('so far')", "raise ValueError('no such month')", "print('never')"),
        "slow": notebook(folder, "02_slow", "import time", "time.sleep(300)"),
        "dying": notebook(folder, "03_dying", "import os", "os._exit(3)"),
        "fine": notebook(
            folder,
            "04_fine",
            "import json, os\nprint(json.dumps([count, quick, limit_usd, os.environ['AUTOD_HOME'], os.environ['OPENAI_BASE_URL']]))",
            f"from IPython.display import HTML\nHTML({HOSTILE!r})",
        ),
    }
    before = dict(os.environ)
    done = runs.run_notebooks(
        settings, list(books.values()), parameters={"count": "3"}, environ={"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, cell_timeout_s=2
    )
    assert dict(os.environ) == before
    return settings, books, {result.notebook: result for result in done}


Ran = tuple[Settings, dict[str, Path], dict[str, runs.NotebookRun]]


def test_a_notebook_that_fails_hangs_or_dies_takes_no_other_with_it(ran: Ran) -> None:
    """The night's last notebook is done, whatever became of those before it; each ends in its own state with a reason."""
    _, _, done = ran

    assert {name: result.state for name, result in done.items()} == {
        "01_failing": "failed",
        "02_slow": "timeout",
        "03_dying": "failed",
        "04_fine": "finished",
    }
    assert "ValueError: no such month" in (done["01_failing"].error or "")
    assert "2 s" in (done["02_slow"].error or "")
    assert "died" in (done["03_dying"].error or "")
    assert done["04_fine"].error is None


def test_a_failed_notebook_is_kept_as_far_as_it_came_and_its_page_shows_the_error(ran: Ran) -> None:
    """Who comes in the morning sees what was printed before the error, the error, and nothing after it."""
    failed = ran[2]["01_failing"]
    saved = failed.executed.read_text()
    page = failed.html.read_text()

    assert "so far" in page
    assert "no such month" in page
    assert "papermill-error-cell" in saved
    assert [cell["outputs"] for cell in json.loads(saved)["cells"] if "never" in "".join(cell["source"])] == [[]]


def test_every_notebook_of_a_run_is_recorded(ran: Ran) -> None:
    """State, files, parameters and error are in the ledger, and the run says which notebooks failed."""
    settings, _, done = ran
    recorded = rows(settings.home, "from notebook_runs where run_id = (select min(run_id) from notebook_runs) order by notebook")
    [run] = rows(settings.home, "from runs_overview where command = 'run' order by run_id limit 1")

    assert [(row["notebook"], row["state"], row["error"]) for row in recorded] == [
        (name, done[name].state, done[name].error) for name in sorted(done)
    ]
    assert all((settings.home / "runs" / row["html"]).is_file() and (settings.home / "runs" / row["executed"]).is_file() for row in recorded)
    assert [json.loads(row["parameters"]) for row in recorded] == [{"count": 3}] * 4
    assert (run["state"], run["exit_status"]) == ("failed", 1)
    assert run["reason"] == "failed: 01_failing, 02_slow, 03_dying"


def test_a_kernel_gets_typed_parameters_the_workspace_and_what_the_command_adds(ran: Ran) -> None:
    """A notebook works on the workspace of the command that runs it, at the address it was given."""
    settings, _, done = ran
    outputs = [
        output["text"] for cell in json.loads(done["04_fine"].executed.read_text())["cells"] for output in cell.get("outputs", []) if "text" in output
    ]

    assert json.loads("".join(outputs[0])) == [3, False, 1.5, str(settings.home), "http://127.0.0.1:9/v1"]


def test_only_what_changed_runs_again(ran: Ran) -> None:
    """The same notebook on the same data is shown as it is; new data, another parameter or another text make it run."""
    settings, books, done = ran

    def again(**parameters: str) -> runs.NotebookRun:
        [result] = runs.run_notebooks(settings, [books["fine"]], parameters=parameters, environ={"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"})
        return result

    same = again(count="3")
    assert (same.state, same.html) == ("unchanged", done["04_fine"].html)
    assert again(count="3").state == "unchanged"  # an unchanged run is as good a predecessor as a finished one

    with Journal(settings.home) as segment:
        segment.write("label", document_sha256="a" * 64, field="doc_type", value="Letter", is_absent=False)
    newer = again(count="3")
    assert newer.state == "finished"
    assert newer.html != same.html

    newer.html.unlink()  # a page that somebody removed is made again
    assert again(count="3").state == "finished"


def test_what_changes_a_fingerprint(tmp_path: Path) -> None:
    """A notebook's text, its parameters and the data are part of it; that something ran is not."""
    settings = Settings(home=tmp_path / "home")
    path = notebook(tmp_path, "01_one", "print(1)")

    def now(count: int = 3) -> str:
        return runs._fingerprint(settings, path, {"count": count})

    def happened(kind: str, **columns: Any) -> None:
        with Journal(settings.home) as segment:
            segment.write(kind, **columns)

    first = now()
    happened("run_started", command="run")
    happened("notebook_run", notebook="01_one", state="failed")
    assert now() == first

    assert now(count=4) != first
    happened("label", document_sha256="a" * 64, field="doc_type", value="Letter", is_absent=False)
    labelled = now()
    assert labelled != first
    notebook(tmp_path, "01_one", "print(2)")
    assert now() not in (first, labelled)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"colour": "red"}, "colour.*there are count, home, limit_usd, quick"),
        ({"count": "three"}, "count='three'.*int"),
        ({"quick": "perhaps"}, "quick='perhaps'.*bool"),
        ({"limit_usd": "1,5"}, "limit_usd='1,5'.*float"),
        ({"home": "sk-proj-aaaaaaaaaaaaaaaaaaaaaaaa"}, "looks like a key"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_starts(tmp_path: Path, given: dict[str, str], reason: str) -> None:
    """A typing error costs no run, and the message lists what there is; a key never reaches the journal."""
    settings = Settings(home=tmp_path / "home")

    with pytest.raises(SettingsError, match=reason):
        runs.run_notebooks(settings, [notebook(tmp_path, "01_one")], parameters=given)

    assert not settings.home.exists()


@pytest.mark.parametrize("name", ["api_key", "client_secret", "access_token", "password"])
def test_a_parameter_named_like_a_secret_is_refused_even_if_a_notebook_has_it(tmp_path: Path, name: str) -> None:
    """Parameters are stored in the clear: no notebook can ask for a secret."""
    path = notebook(tmp_path, "01_one", parameters=f'{name}: str = ""  # a secret')

    with pytest.raises(SettingsError, match="stored in the clear") as raised:
        runs.checked_parameters([path], {name: "hunter2"})

    assert "hunter2" not in str(raised.value)


def test_a_parameter_goes_only_to_the_notebooks_that_know_it(tmp_path: Path) -> None:
    """One command can give a whole night's notebooks their parameters; paths are those of the folder where it was typed."""
    first = notebook(tmp_path, "01_one", parameters='since: str = ""  # first day')
    second = notebook(tmp_path, "02_two", parameters='inbox: str = ""  # folder of PDFs\ncount: int = 1  # how many')

    assert runs.checked_parameters([first, second], {"since": "2026-03-01", "inbox": "scans", "count": "2"}) == {
        first: {"since": "2026-03-01"},
        second: {"inbox": str(Path.cwd() / "scans"), "count": 2},
    }


def test_notebooks_are_found_by_name_file_name_or_path_in_their_order(tmp_path: Path) -> None:
    """Whatever a person types for a notebook is understood, and what there is is listed when it is not."""
    own = notebook(tmp_path, "my_month")
    everything = runs.find_notebooks([])

    assert everything == sorted(everything)
    assert everything[0].stem == "00_start_here"
    assert runs.find_notebooks(["20_cost", "90_report.ipynb", str(own)]) == [
        *(path for path in everything if path.stem in ("20_cost", "90_report")),
        own,
    ]
    with pytest.raises(SettingsError, match=r"'21_cash'.*21_cache"):
        runs.find_notebooks(["21_cash"])


def test_the_newest_page_of_a_notebook_has_a_path_that_stays(ran: Ran) -> None:
    """A bookmark shows the newest page, and the page of all runs leads to each of them."""
    settings, _, _ = ran
    index = runs.write_index(settings.home)
    text = index.read_text()
    [newest] = rows(settings.home, "select html from notebook_runs where notebook = '01_failing' order by logged_at desc limit 1")

    assert (settings.home / "runs" / "latest" / "01_failing.html").read_bytes() == (settings.home / "runs" / newest["html"]).read_bytes()
    assert f"href='{newest['html']}'" in text
    assert "(timeout)" in text
    assert "class='state failed'" in text


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium of the system."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("there is no Chromium on this machine")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


def opened(browser: Any, page: Path, **options: Any) -> tuple[Any, list[str], list[str]]:
    """A page as the browser shows it, the addresses it asked for beyond itself, and its errors; every request is stopped."""
    asked: list[str] = []
    errors: list[str] = []
    tab = browser.new_page(**options)

    def stop(route: Any) -> None:
        if route.request.url == page.as_uri():
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    tab.route("**/*", stop)
    tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.goto(page.as_uri())
    return tab, asked, errors


def test_a_page_asks_for_nothing_and_runs_nothing_that_an_output_holds(ran: Ran, browser: Any) -> None:
    """A script, handler, frame, style or link that a document smuggled into an output stays text or is refused by the page's policy."""
    tab, asked, _ = opened(browser, ran[2]["04_fine"].html)
    tab.click("#trap")
    tab.wait_for_timeout(200)

    assert tab.inner_text("i") == "marked"  # the output is on the page, and so was its chance to do harm
    assert tab.title() == "About 04_fine · autoD"
    assert asked == []
    tab.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_opens_without_an_error_and_fits_a_phone(ran: Ran, browser: Any, width: int, scheme: str) -> None:
    """A page and the list of runs open offline without a console error, and never scroll sideways; the code is hidden."""
    for page in (ran[2]["01_failing"].html, runs.write_index(ran[0].home)):
        tab, asked, errors = opened(browser, page, viewport={"width": width, "height": 800}, color_scheme=scheme)

        assert (asked, errors) == ([], [])
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert "print('so far')" not in tab.inner_text("body")
        tab.close()


def test_a_page_says_how_its_notebook_ended_when_no_cell_could(ran: Ran) -> None:
    """A timeout and a dead kernel leave no error in a cell: the page says it, first of all."""
    for name in ("02_slow", "03_dying"):
        text = ran[2][name].html.read_text()

        assert text.index('role="alert"') < text.index("<h1")
        assert str(ran[2][name].error) in text


def test_a_notebook_of_an_unknown_kernel_fails_alone(tmp_path: Path) -> None:
    """A notebook made elsewhere is one failed notebook, and the run is recorded to its end."""
    path = notebook(tmp_path, "01_one", "print(1)")
    made = nbformat.read(path, as_version=4)
    made.metadata.kernelspec.name = "nowhere"
    nbformat.write(made, path)

    [result] = runs.run_notebooks(Settings(home=tmp_path / "home"), [path], parameters={})

    assert result.state == "failed"
    assert "nowhere" in (result.error or "")
    assert [row["state"] for row in rows(tmp_path / "home", "from runs_overview")] == ["failed"]


def test_a_value_that_only_ends_like_a_secret_is_a_value(tmp_path: Path) -> None:
    """A folder may be called monkey."""
    path = notebook(tmp_path, "01_one", parameters='inbox: str = ""  # folder of PDFs')

    assert runs.checked_parameters([path], {"inbox": "/scans/monkey"}) == {path: {"inbox": "/scans/monkey"}}


def test_no_output_can_lead_the_reader_away(tmp_path: Path, browser: Any) -> None:
    """A refresh is no request of the page, so its policy does not stop it: it is made text."""
    made = nbformat.v4.new_notebook()
    shown = nbformat.v4.new_output("display_data", data={"text/html": '<META http-equiv=refresh content="0;url=http://127.0.0.1:9/"><i>here</i>'})
    made.cells = [nbformat.v4.new_code_cell("", outputs=[shown])]
    nbformat.write(made, tmp_path / "01_one.ipynb")
    runs.render(tmp_path / "01_one.ipynb", tmp_path / "01_one.html")

    tab, asked, _ = opened(browser, tmp_path / "01_one.html")
    tab.wait_for_timeout(500)

    assert asked == []
    assert tab.url == (tmp_path / "01_one.html").as_uri()
    tab.close()


def test_every_link_of_a_page_leads_somewhere(tmp_path: Path) -> None:
    """Pages of notebooks that never ran are not linked, those that were not run again this time are."""
    settings = Settings(home=tmp_path / "home")
    latest = settings.home / "runs" / "latest"
    latest.mkdir(parents=True)
    (latest / "20_cost.html").write_text("<p>of another run</p>")
    [result] = runs.run_notebooks(settings, [notebook(tmp_path, "21_cache", "print(1)")], parameters={})
    runs.write_index(settings.home)

    for page in (result.html, latest / "21_cache.html", settings.home / "runs" / "index.html"):
        links = re.findall(r"""<a href=["']([^"'#]+)""", page.read_text())
        assert links
        assert [link for link in links if not (page.parent / link).is_file()] == []
    assert "../latest/20_cost.html" in result.html.read_text()
