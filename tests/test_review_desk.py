"""The desk of a review: in a real JupyterLab, in a real browser, by keyboard; and what it refuses."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from autod_lib import labels
from autod_lib.labels import Label
from autod_lib.local_api import running
from autod_lib.review import Session
from autod_lib.review_desk import Desk
from autod_lib.settings import Settings

from .browser import browsing
from .pipeline import PROJECT, environment, make_inbox, one, rows, run, settings_for

TRUTHS = ("Alder & Finch Limited", "Alder and Finch Ltd", "Alder, Finch Ltd")


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A workspace with four invoices of two pages that the simulated API has read; the first is labelled."""
    folder = tmp_path_factory.mktemp("reviewed")
    with running() as address:
        settings = settings_for(folder / "home", address)
        run(make_inbox(folder / "inbox", 4, pages=2), settings)
    sha = one(settings.home, "select document_sha256 from documents where file_name = 'invoice-000.pdf'")
    labels.record(settings.home, [Label(sha, "doc_type", "Invoice", "bert")])
    return settings


@pytest.fixture
def read(once: Settings, tmp_path: Path) -> Settings:
    """A copy of it to be written into."""
    shutil.copytree(once.home, tmp_path / "home")
    return once.model_copy(update={"home": tmp_path / "home"})


def test_a_key_that_was_pressed_before_the_answer_came_does_nothing(read: Settings) -> None:
    """Enter twice would accept a document that nobody has seen; a message that makes no sense changes nothing either."""
    desk = Desk(Session(read, labeller="anna", size=3, share=1.0))
    step = desk.widget.shown["step"]

    desk.on_message({"step": step, "do": "accept"})
    desk.on_message({"step": step, "do": "accept"})
    desk.on_message({"step": step + 1, "do": "page", "page": 2})
    desk.on_message({"step": step + 2, "do": "dance"})

    shown = desk.widget.shown
    assert one(read.home, "select count(*) from review_actions") == 1
    assert (shown["place"], shown["documents"], shown["can_undo"]) == (1, 3, True)
    assert re.fullmatch(r"100\s% of 1 labelled values right before, 100\s% of 9 labelled values right now", shown["accuracy"])
    assert desk.widget.picture.startswith(b"\x89PNG")


def test_a_document_that_is_gone_is_reviewed_without_its_page(read: Settings) -> None:
    """The values stand there all the same, with a sentence instead of the page; at the end the desk says so, and the session is recorded."""
    session = Session(read, labeller="anna", size=3, share=1.0)
    for document in session.documents:
        document.paths[:] = [document.paths[0].with_name("gone.pdf")]
    desk = Desk(session)

    assert "no file" in desk.widget.shown["document"]["problem"]
    assert desk.widget.picture == b""
    for do in ("accept", "skip", "accept"):
        desk.on_message({"step": desk.widget.shown["step"], "do": do})

    assert "document" not in desk.widget.shown
    assert rows(read.home, "select state from runs_overview where command = 'review'") == [("finished",)]


def test_an_action_that_cannot_be_recorded_is_told_and_can_be_repeated(read: Settings) -> None:
    """Nothing is accepted that is not in the journal, and the desk waits for no answer that never comes."""
    desk = Desk(Session(read, labeller="anna", size=3, share=1.0))
    journal = read.home / "journal"
    aside = journal.rename(read.home / "aside")
    journal.write_text("in the way")

    desk.on_message({"step": desk.widget.shown["step"], "do": "accept"})
    assert "cannot be written" in desk.widget.shown["message"]
    assert (desk.widget.shown["place"], desk.widget.shown["can_undo"]) == (0, False)

    journal.unlink()
    aside.rename(journal)
    desk.on_message({"step": desk.widget.shown["step"], "do": "accept"})
    assert desk.widget.shown["place"] == 1


@contextmanager
def lab(folder: Path, home: Path) -> Iterator[str]:
    """A JupyterLab on loopback over the notebooks of a folder; gives its address, token included."""
    folder.mkdir(exist_ok=True)
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0", f"--ServerApp.root_dir={folder}", "--IdentityProvider.token=a-token"]
    options.append("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")
    environ = environment(home, None, HOME=str(folder), PYTHONPATH=str(PROJECT), JUPYTER_RUNTIME_DIR=str(folder / "runtime"))
    log = folder / "lab.log"
    with log.open("w") as written:
        server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *options], env=environ, cwd=folder, stdout=written, stderr=written)
    try:
        found = None
        while found is None and server.poll() is None:
            found = re.search(r"http://127\.0\.0\.1:\d+/lab", log.read_text())
        assert found is not None, log.read_text()
        yield f"{found[0]}/tree/32_review.ipynb?token=a-token"
    finally:
        server.terminate()  # it ends its kernels
        server.wait(60)


def press(page: Any, key: str) -> None:
    """Presses a key and waits until the kernel has answered."""
    step = page.get_attribute(".autod-desk", "data-step")
    page.keyboard.press(key)
    page.wait_for_selector(f".autod-desk:not([data-step='{step}'])")


def test_three_documents_are_corrected_by_keyboard_in_jupyterlab(read: Settings, tmp_path: Path) -> None:
    """Labels are in the table as soon as the keys are pressed, the accuracy falls, and a single key never reaches JupyterLab's own commands."""
    notebook = json.loads((PROJECT / "notebooks" / "32_review.ipynb").read_text())
    [cell] = [cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", [])]
    given = {'labeller: str = ""': 'labeller: str = "anna"', "size: int = 50": "size: int = 3", "share: float = 0.2": "share: float = 1.0"}
    text = "".join(cell["source"])
    for old, new in given.items():
        assert old in text
        text = text.replace(old, new)
    cell["source"] = text
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "32_review.ipynb").write_text(json.dumps(notebook))

    with lab(folder, read.home) as address, browsing(offline=False) as seen:
        page = seen.page
        page.set_default_timeout(60_000)
        page.goto(address)
        page.wait_for_selector("text=/ipykernel. . Idle/")
        cells = page.locator(".jp-Cell").count()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.wait_for_selector(".autod-paper img")
        page.focus(".autod-desk")
        for truth in TRUTHS:
            page.keyboard.press("ArrowDown")
            page.wait_for_selector("tr.autod-chosen >> text=issuer")
            page.keyboard.press("e")
            page.wait_for_selector(".autod-desk input:focus")
            page.keyboard.type(truth)
            press(page, "Enter")
            press(page, "Enter")
        assert "That was the last document." in page.inner_text(".autod-desk")
        press(page, "u")
        assert page.locator(".autod-mark.autod-chosen, .autod-mark").count() > 0
        press(page, "Enter")
        accuracy = page.inner_text(".autod-about")
        assert page.locator(".jp-Cell").count() == cells
        if place := os.environ.get("REVIEW_SCREENSHOT"):
            page.screenshot(path=place)

    said = rows(read.home, "select value, labeller, source from labels_current where field = 'issuer' order by labelled_at")
    assert [value for value, _, _ in said] == list(TRUTHS)
    assert {(who, source) for _, who, source in said} == {("anna", "review")}
    assert one(read.home, "select count(*) from labels_current") == 1 + 3 * 8
    right, labelled = rows(read.home, "select right_answers, labelled from accuracy_in_use where field = '(all)'")[0]
    assert labelled == 25
    assert right < labelled
    assert re.search(r"100\s% of 1 labelled values right before, \d+\s% of 25 labelled values right now", accuracy)
    assert rows(read.home, "select documents, accepted, corrections, undone from review_sessions where labels > 8") == [(3, 3, 3, 0)]
    assert {re.match(r"(?:https?|wss?)://[^/:]+", url)[0] for url in seen.requests if not url.startswith(("data:", "blob:"))} == {"http://127.0.0.1"}  # type: ignore[index]
