"""All notebooks as somebody runs them who has nothing yet."""

import subprocess
from pathlib import Path

from autod_lib import store

from .forked import process
from .pipeline import PATIENCE_S, PROJECT, environment


def test_every_notebook_runs_in_a_workspace_in_which_nothing_has_happened(tmp_path: Path) -> None:
    """No notebook needs a key, a network or a document to say that there is nothing yet; two at a time do not disturb each other."""
    home = tmp_path / "home"
    notebooks = sorted(map(str, (PROJECT / "notebooks").glob("*.ipynb")))
    options = ["--nbmake", "--nbmake-timeout=120", "-p", "no:cacheprovider", "-n", "0"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}

    halves = [process("pytest", [*options, *half], cwd=PROJECT, env=environment(home, None), **streams) for half in (notebooks[::2], notebooks[1::2])]

    for half, count in zip(halves, (len(notebooks[::2]), len(notebooks[1::2])), strict=True):
        with half:
            said, _ = half.communicate(timeout=PATIENCE_S * 2)
        assert half.returncode == 0, said[-4000:]
        assert f"{count} passed" in said
    with store.reading(home) as con:
        assert con.execute("select (select count(*) from calls_started), (select count(*) from runs_started)").fetchone() == (0, 0)
