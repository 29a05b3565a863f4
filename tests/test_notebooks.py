"""The notebooks as they are committed: their form, their parameters, and that they name only what the library has."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from autod_lib import charts, metrics, page, review, review_desk, words
from autod_lib.export import OF_THE_REPORT

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NAMES = [path.name for path in NOTEBOOKS]
MODULES = {"charts": charts, "metrics": metrics, "page": page, "review": review, "review_desk": review_desk, "words": words}
TYPES = {"str": str, "int": int, "float": float, "bool": bool}


def cells(name: str, kind: str = "") -> list[dict[str, Any]]:
    """The cells of a notebook, of one kind if given."""
    found: list[dict[str, Any]] = json.loads((FOLDER / name).read_text())["cells"]
    return [cell for cell in found if not kind or cell["cell_type"] == kind]


def source(cell: dict[str, Any]) -> str:
    """What is written in a cell."""
    return "".join(cell["source"])


def parameters(name: str) -> list[str]:
    """The lines of the parameters cell."""
    [cell] = [cell for cell in cells(name) if "parameters" in cell["metadata"].get("tags", [])]
    return source(cell).splitlines()


def test_the_notebooks_of_the_report_are_there() -> None:
    """None was renamed: schedules name them."""
    wanted = {"00_start_here.ipynb", "20_cost.ipynb", "21_cache.ipynb", "30_classification.ipynb", "31_accuracy.ipynb", "90_report.ipynb"}

    assert wanted <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_opens_with_what_it_answers_and_for_whom(name: str) -> None:
    """The first cell is a title, its purpose and its readers; the second the parameters."""
    first, second = cells(name)[:2]

    assert first["cell_type"] == "markdown"
    assert source(first).startswith("# ")
    assert re.search(r"\*For \w+", source(first))
    assert second["metadata"]["tags"] == ["parameters"]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_committed_without_outputs_and_with_stable_cells(name: str) -> None:
    """A commit holds no result of anyone's documents, and a cell keeps its id from one version to the next."""
    notebook = json.loads((FOLDER / name).read_text())
    ids = [cell["id"] for cell in notebook["cells"]]

    assert (notebook["nbformat"], notebook["nbformat_minor"]) >= (4, 5)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells(name, "code"))
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z0-9-]+", cell_id) for cell_id in ids)


@pytest.mark.parametrize("name", NAMES)
def test_code_is_short_enough_to_be_read_in_passing(name: str) -> None:
    """At most fifteen lines a cell: what is longer belongs into the library, where it is tested."""
    for cell in cells(name, "code"):
        assert len(source(cell).splitlines()) <= 15, cell["id"]
        assert "def " not in source(cell), cell["id"]


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_has_a_plain_type_a_default_of_it_and_a_help(name: str) -> None:
    """What papermill can read: one assignment a line, no second equals sign, a comment that says what it is for."""
    for line in parameters(name):
        found = re.fullmatch(r"(\w+): (\w+) = (.+?)  # (\S.{7,})", line)
        assert found, line
        assert isinstance(ast.literal_eval(found[3]), TYPES[found[2]]), line
        assert line.count("=") == 1, line
    assert any(line.startswith("home: str") for line in parameters(name))


@pytest.mark.parametrize("name", NAMES)
def test_papermill_sees_every_parameter_with_type_and_help(name: str) -> None:
    """`autod run NOTEBOOK -p` can list them, and passing one never warns that it is unknown."""
    papermill = pytest.importorskip("papermill")
    seen = papermill.inspect_notebook(str(FOLDER / name))

    assert list(seen) == [line.split(":")[0] for line in parameters(name)]
    assert all(parameter["inferred_type_name"] in TYPES and len(parameter["help"]) > 7 for parameter in seen.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_calls_only_what_the_library_has(name: str) -> None:
    """A function that was renamed is found here, not at night."""
    for cell in cells(name, "code"):
        for node in ast.walk(ast.parse(source(cell))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in MODULES:
                assert hasattr(MODULES[node.value.id], node.attr), f"{cell['id']}: {node.value.id}.{node.attr}"


@pytest.mark.parametrize("name", [name for name in NAMES if name[:2] in ("00", "20", "21", "30", "90")])
def test_a_notebook_that_only_reads_opens_nothing_for_writing(name: str) -> None:
    """Analysis can run while the night run works: every cell opens the database for reading and closes it."""
    text = "\n".join(source(cell) for cell in cells(name, "code"))

    assert "with reading(settings.home) as con:" in text
    assert not re.search(r"\bwriting\(|\bJournal\(|duckdb\.connect|open\(", text)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "00_start_here.ipynb" and name[:2] in ("20", "21", "30", "31", "90")])
def test_every_figure_of_a_notebook_says_how_we_know(name: str) -> None:
    """Each figure is followed by the view, the rows and the hash behind it."""
    for cell in cells(name, "code"):
        if re.search(r"\bcharts\.(?!enable)\w+\(", source(cell)):
            assert "page.know(" in source(cell), cell["id"]


def test_the_tables_beside_the_report_are_those_that_its_figures_read() -> None:
    """A view that the report says it knows something from is written out with it."""
    code = "".join(source(cell) for cell in cells("90_report.ipynb", "code"))

    assert set(re.findall(r'provenance\(con, "(\w+)"', code)) <= set(OF_THE_REPORT)
