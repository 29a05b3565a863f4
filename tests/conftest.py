"""What all tests share: no setting of the machine reaches them, and each starts in a folder of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from autod_lib import store

for _name in [name for name in os.environ if name.startswith(("AUTOD_", "OPENAI_"))]:
    del os.environ[_name]

# The same examples each time, whatever the machine's speed, and no folder of found ones.
hypothesis.settings.register_profile("autod", database=None, deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("autod")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the folder it is started in, and no `.env` of that folder reaches one."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which nothing has happened, to be copied into a workspace: making one takes a third of a second."""
    home = tmp_path_factory.mktemp("empty")
    store.load(home)
    return store.database(home)


@pytest.fixture
def quickly_made(empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is made anew begins as a copy of an empty one: migrating a new one would take longer than all else in such a test."""
    opened = store._open

    def instead(home: Path, **given: Any) -> Any:
        if not store.database(home).exists():
            shutil.copyfile(empty_database, store.database(home))
        return opened(home, **given)

    monkeypatch.setattr(store, "_open", instead)


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
