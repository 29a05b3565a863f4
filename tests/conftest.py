"""What all tests share: no setting of the machine reaches them, and each starts in a folder of its own."""

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import duckdb
import hypothesis
import pytest

from autod_lib import local_api, pdf, store

from . import forked, ledger, pipeline

for _name in [name for name in os.environ if name.startswith(("AUTOD_", "OPENAI_"))]:
    del os.environ[_name]

# The same examples each time, whatever the machine's speed, and no folder of found ones.
hypothesis.settings.register_profile("autod", database=None, deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("autod")


def _simulated_api(arguments: list[str]) -> subprocess.Popen[str]:
    return forked.process("api", arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=local_api._environment())


local_api._begin = _simulated_api
BEGIN_A_READER: Final = pdf._begin
if sys.platform == "linux":
    pdf._begin = forked.reader
    forked.fork_kernels()
OPEN: Final = store._open
LONGEST: Final = """notebooks_run batch api store runs metrics recovery cli labels ledger_adds_up docs ingest pdf resources evaluate charts reconcile
    glance review_desk estimate doctor backup bought alerts purge budget measures forecast samples""".split()  # noqa: SIM905


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Of a fresh clone, each process of a test run prepares the asserts of a share of the modules, so that none is prepared by all of them."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder, number, count = Path(__file__).parent, os.environ["PYTEST_XDIST_WORKER"], os.environ["PYTEST_XDIST_WORKER_COUNT"]
        for path in sorted(folder.rglob("test_*.py"))[int(number.removeprefix("gw")) :: int(count)]:
            if not any((path.parent / "__pycache__").glob(f"{path.stem}.*-pytest-*")):
                with suppress(Exception):  # the collection will say it
                    import_module(".".join(("tests", *path.relative_to(folder).with_suffix("").parts)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest modules begin first: a short one at the end leaves no processor idle for long."""
    place = {f"test_{name}": number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


def pytest_collection_finish() -> None:
    """What was imported and collected stays: no search for garbage goes through it again, and those that come are far between."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the folder it is started in, and no `.env` of that folder reaches one."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def _databases_are_copied(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A database that would be made is a copy of one that was; `databases_are_made` is for the tests of the making."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        pipeline.SHARED.append(tmp_path_factory.getbasetemp().parent / "empty")
        pipeline.SHARED[0].mkdir(exist_ok=True)
    pipeline.empty_database()
    store._open = _open_or_copy


@pytest.fixture
def databases_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is not there is made, statement by statement."""
    monkeypatch.setattr(store, "_open", OPEN)


@pytest.fixture
def readers_start_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that reads PDFs is started as an installed autoD starts it, and not forked."""
    monkeypatch.setattr(pdf, "_begin", BEGIN_A_READER)


@pytest.fixture
def kernels_start_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel is started as an installed autoD starts it, and not forked."""
    monkeypatch.setattr("jupyter_client.launcher.Popen", subprocess.Popen)


def _open_or_copy(home: Path, *, read_only: bool, **further: Any) -> duckdb.DuckDBPyConnection:
    if not read_only:
        with suppress(OSError):  # the opening says what is wrong
            pipeline.copy_empty_database(home)
    return OPEN(home, read_only=read_only, **further)


@pytest.fixture(scope="session")
def empty_database() -> Path:
    """A database in which nothing has happened, to be copied into a workspace."""
    return pipeline.empty_database()


@pytest.fixture(scope="session")
def workspaces(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives a workspace of `ledger.WORKSPACES`, loaded, that is made once for all tests: to be read, and copied by who writes into it."""
    folder = tmp_path_factory.mktemp("workspaces")

    def made(name: str) -> Path:
        home = folder / name
        if not home.exists():
            ledger.WORKSPACES[name](home)
            store.load(home)
        return home

    return made


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A workspace in which nothing has happened."""
    pipeline.copy_empty_database(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def labels(tmp_path: Path) -> Callable[..., Path]:
    """Writes a label file as it is given, byte for byte."""

    def write(text: str, name: str = "labels.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return write


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts Python source as a process of its own and waits for its first line, if it is to print one; kills what is left at the end."""
    started: list[subprocess.Popen[str]] = []

    def begin(source: str, *arguments: object, first_line: str = "ready", **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", source, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        started.append(process)
        if first_line:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            if line != first_line:
                process.kill()
                raise AssertionError(f"the process said {line!r}: {process.communicate()[1]}")
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()
