"""All notebooks as somebody runs them who has nothing yet."""

import subprocess
import sys
from pathlib import Path

from autod_lib import store

from .pipeline import PROJECT, environment


def test_every_notebook_runs_in_a_workspace_in_which_nothing_has_happened(tmp_path: Path) -> None:
    """No notebook needs a key, a network or a document to say that there is nothing yet; two at a time do not disturb each other."""
    home = tmp_path / "home"
    notebooks = sorted(map(str, (PROJECT / "notebooks").glob("*.ipynb")))
    command = [sys.executable, "-m", "pytest", "--nbmake", "--nbmake-timeout=120", "-p", "no:cacheprovider", "-n", "2", "--dist", "load", *notebooks]

    done = subprocess.run(command, cwd=PROJECT, env=environment(home, None), capture_output=True, text=True, timeout=280, check=False)

    assert done.returncode == 0, done.stdout[-4000:]
    assert f"{len(notebooks)} passed" in done.stdout
    with store.reading(home) as con:
        assert con.execute("select (select count(*) from calls_started), (select count(*) from runs_started)").fetchone() == (0, 0)
