"""A real browser for the tests that look at pages; they are skipped where none is installed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Seen:
    """A page in a browser, and what it did there."""

    page: Any
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def open(self, path: Path) -> None:
        """Opens a page and waits until it is quiet."""
        self.page.goto(path.as_uri(), wait_until="load")
        self.page.wait_for_timeout(200)

    def further(self) -> list[str]:
        """What was asked for besides the pages that were opened and what is in them."""
        return [url for url in self.requests if not url.startswith(("file:", "data:"))]


@contextmanager
def browsing(*, offline: bool = True, width: int = 1280) -> Iterator[Seen]:
    """A real browser with a page of this width in it."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
    if program is None:
        pytest.skip("no Chromium is installed")
    with sync_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        page = browser.new_context(offline=offline, viewport={"width": width, "height": 900}).new_page()
        seen = Seen(page)
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("console", lambda message: seen.messages.append(message.text))
        page.on("pageerror", lambda error: seen.messages.append(str(error)))
        page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
        try:
            yield seen
        finally:
            browser.close()
