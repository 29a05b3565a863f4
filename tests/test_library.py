"""What a script has by `import autod_lib`: the examples of documentation and docstrings, run in a workspace of their own, and in a loop."""

import asyncio
import doctest
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import autod_lib
from autod_lib import library
from autod_lib.errors import MissingKey, SettingsError

from .pipeline import PROJECT, copy_empty_database

PAPERS = ("invoice_kestrel_0112", "rechnung_bergahorn_R-1083", "facture_encre_vive_2026-031", "receipt_bluebell_cafe")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with four papers, their labels and a workspace, in which the page of the documentation was followed to its end."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "papers").mkdir()
    for name in PAPERS:
        shutil.copy(PROJECT / "data" / "samples" / f"{name}.pdf", folder / "papers")
    header, *lines = (PROJECT / "data" / "samples" / "labels.csv").read_text().splitlines()
    own = [line for line in lines if line.startswith(tuple(f"{name}.pdf" for name in PAPERS))]
    (folder / "labels.csv").write_text("\n".join([header, *own]) + "\n")
    copy_empty_database(folder / "home")
    copy_empty_database(folder / "another")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOD_HOME", str(folder / "home"))
        patch.setenv("AUTOD_READERS", "1")
        patch.chdir(folder)
        page = "\n".join(re.findall(r"```python\n(.*?)```", (PROJECT / "docs" / "library.md").read_text(), re.DOTALL))
        assert _failures(doctest.DocTestParser().get_doctest(page, {}, "library.md", "docs/library.md", 0)) == ""
        yield folder


def _failures(example: doctest.DocTest) -> str:
    told: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL).run(example, out=told.append)
    assert example.examples
    return "".join(told)


@pytest.fixture(autouse=True)
def _in_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)


@pytest.mark.parametrize("name", [name for name in autod_lib.__all__ if getattr(vars(library).get(name), "__module__", "") == library.__name__])
def test_the_example_of_each_docstring_is_true(name: str) -> None:
    """Every function of the surface has one."""
    [example] = [found for found in doctest.DocTestFinder().find(getattr(library, name), name, globs={"autod_lib": autod_lib}) if found.examples]

    assert _failures(example) == ""


def test_it_works_where_a_loop_is_running() -> None:
    """As in Jupyter, whose cells run inside one; the loop is left as it was."""

    async def cell() -> tuple[int, int, int]:
        read = autod_lib.read_documents(Path("papers"), local=True, limit=1, settings=autod_lib.load_settings(home="in a loop"))
        priced = autod_lib.price_documents(["papers", Path("papers")], settings=autod_lib.load_settings(home="in a loop"))
        await asyncio.sleep(0)
        return read.processed, priced.new_documents, autod_lib.documents().height

    copy_empty_database(Path("in a loop"))
    assert asyncio.run(cell()) == (1, 4, 4)


def test_mistakes_are_errors_of_autod_before_anything_is_sent() -> None:
    """No key, a word that is no way to ask for costs, no statement, a table that there is not: each says what to do."""
    with pytest.raises(MissingKey, match="OPENAI_API_KEY"):
        autod_lib.read_documents("papers", limit=1)
    with pytest.raises(SettingsError, match="by day, model"):
        autod_lib.costs(by="weather")  # type: ignore[arg-type]
    for statement, told in (("from nowhere", "nowhere"), ("", "no statement"), ("copy documents to 'x.csv'", "disabled|read-only|Permission")):
        with pytest.raises(SettingsError, match=told):
            autod_lib.query(statement)
