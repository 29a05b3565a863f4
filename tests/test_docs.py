"""The documentation says what is so: the tutorial is run, the reference is what the code says, and every link of the site leads somewhere."""

import doctest
import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .pipeline import PROJECT, autod

DOCS = PROJECT / "docs"
SAMPLES = PROJECT / "data" / "samples"
PAPERS = """invoice_kestrel_0112 invoice_quillbury_30977 rechnung_bergahorn_R-1083 facture_encre_vive_2026-031 kontoauszug_ahrenfels_q2
    receipt_bluebell_cafe letter_complaint_delivery mietvertrag_gartenstrasse_23 water_bill_marshwater rechnung_halbmond_26-0311_scan""".split()  # noqa: SIM905
BLOCKS = re.compile(r"```sh\n(.*?)```\n(?:\n```text\n(.*?)```)?", re.DOTALL)


def test_every_command_of_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    """In an empty folder, in their order, each ends with status 0, and prints what stands behind it; an ellipsis stands for what differs."""
    (tmp_path / "papers").mkdir()
    for name in PAPERS:
        shutil.copy(SAMPLES / f"{name}.pdf", tmp_path / "papers")
    shutil.copy(SAMPLES / "labels.csv", tmp_path)
    checker, odd = doctest.OutputChecker(), []
    for commands, wanted in BLOCKS.findall((DOCS / "tutorial.md").read_text()):
        printed = ""
        for command in commands.splitlines():
            done = autod(*shlex.split(command)[1:], home=tmp_path / "data", cwd=tmp_path)
            assert done.returncode == 0, (command, done.stderr)
            printed += done.stdout
        if wanted and not checker.check_output(wanted, printed, doctest.ELLIPSIS):
            odd.append((commands, wanted, printed))

    assert not odd


@pytest.mark.parametrize("page", ["settings.md", "commands.md", "record.md"])
def test_the_reference_is_what_the_code_says(page: str) -> None:
    """Nobody has to remember it: `python docs/make_reference.py` writes the pages anew."""
    spec = importlib.util.spec_from_file_location("make_reference", DOCS / "make_reference.py")
    assert spec is not None
    assert spec.loader is not None
    make_reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_reference)

    assert make_reference.PAGES[page]() == (DOCS / "reference" / page).read_text()


def test_the_site_is_made_and_no_link_of_it_is_dead(tmp_path: Path) -> None:
    """`make docs` ends with an error where a page leads nowhere."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "tutorial" / "index.html").exists()
