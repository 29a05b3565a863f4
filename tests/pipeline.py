"""What the tests of the pipeline share: small PDFs, settings, the real command as a process, the real loopback server's log, and the ledger."""

import atexit
import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from tempfile import mkdtemp
from threading import Thread
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas

from autod_lib import store
from autod_lib.ingest import ingest
from autod_lib.report import Options, Report
from autod_lib.settings import Settings, load_settings

from . import forked

PROJECT = Path(__file__).resolve().parent.parent
SHARED: list[Path] = []  # the folder, if there is one, in which all processes of a test run find what they need only once
PATIENCE_S = 120  # how long a process may take on a machine that has other work to do


def make_pdf(path: Path, title: str, *, lines: int = 30, pages: int = 1) -> Path:
    """A small invoice with a text layer; the title makes its content its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_drawn(title, lines, pages))
    return path


@cache
def _drawn(title: str, lines: int, pages: int) -> bytes:
    drawn = BytesIO()
    page = canvas.Canvas(drawn, pagesize=A4, invariant=1)
    for number in range(pages):
        page.setFont("Helvetica", 11)
        page.drawString(60, 790, f"INVOICE {title}")
        page.drawString(60, 770, "Alder & Finch Ltd, 4 Mill Lane, Larkhaven")
        page.drawString(60, 750, "Invoice date: 2026-03-14    Due date: 2026-04-13")
        for line in range(lines):
            page.drawString(60, 725 - 18 * line, f"{line + 1}. Binding of volume {line * 7 + number} in green cloth, per piece 12.00 EUR")
        page.drawString(60, 90, "Total: 360.00 EUR")
        page.showPage()
    page.save()
    return drawn.getvalue()


def make_inbox(folder: Path, count: int, *, first: int = 0, **form: Any) -> Path:
    """A folder with so many different invoices."""
    for number in range(first, first + count):
        make_pdf(folder / f"invoice-{number:03d}.pdf", f"No. {number}", **form)
    return folder


@cache
def empty_database() -> Path:
    """A database in which nothing has happened, to be copied: making one takes over a second, for its views and their comments."""
    home = Path(mkdtemp(prefix="autod-empty-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    shared = SHARED[0] if SHARED else home
    with (shared / "lock").open("w") as lock:  # by whoever comes first; the others copy it
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not store.database(shared).exists():
            store.load(shared)
        if shared != home:
            shutil.copyfile(store.database(shared), store.database(home))
    return store.database(home)


def copy_empty_database(home: Path) -> None:
    """Gives a workspace without a database one in which nothing has happened, as the first command would make it."""
    if not store.database(home).exists() and not store.database(home).is_symlink():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(empty_database(), store.database(home))
        store.database(home).chmod(0o600)


def settings_for(home: Path, address: str, **given: Any) -> Settings:
    """Settings of this workspace and address; nothing of the environment is in them. One reader is enough for a handful of documents."""
    return load_settings({}, home=home, base_url=address, **{"readers": 1} | given)


def run(inbox: Path, settings: Settings, **options: Any) -> Report:
    """One run of the library over a folder."""
    return ingest([inbox], settings, Options(**options))


def rows(home: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """What the database says, up to date with the journal."""
    with store.reading(home) as con:
        return con.execute(sql, list(values)).fetchall()


def one(home: Path, sql: str, *values: Any) -> Any:
    """The only value of the only row."""
    ((value,),) = rows(home, sql, *values)
    return value


def answered(log: Path) -> list[dict[str, Any]]:
    """The requests that the server answered, by its own log."""
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [line for line in lines if line["path"] == "/v1/responses"]


def environment(home: Path, address: str | None, **further: str) -> dict[str, str]:
    """The environment of a command: this one's without anything of autoD or OpenAI, then what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AUTOD_", "OPENAI_"))}
    return kept | {"AUTOD_HOME": str(home)} | ({"OPENAI_BASE_URL": address, "OPENAI_API_KEY": "sk-test"} if address else {}) | further


def begin(
    *arguments: str | Path, home: Path, address: str | None, cwd: Path | None = None, entry: str = "command", **further: str
) -> subprocess.Popen[str]:
    """The command `autod`, or another entry of `forked.MODULES`, as a process of its own, in its own session."""
    if not home.exists():
        copy_empty_database(home)
    environ = environment(home, address, **{"PYTHONPATH": str(PROJECT), "AUTOD_READERS": "1"} | further)
    folder = cwd or home.parent
    return forked.process(entry, [*map(str, arguments)], env=environ, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def autod(
    *arguments: str | Path, home: Path, address: str | None = None, cwd: Path | None = None, entry: str = "command", **further: str
) -> subprocess.CompletedProcess[str]:
    """The command `autod`, or another entry of `forked.MODULES`, run to its end."""
    process = begin(*arguments, home=home, address=address, cwd=cwd, entry=entry, **further)
    with process:
        out, err = process.communicate(timeout=PATIENCE_S)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def state_columns(report: Report) -> tuple[int, int, int, int]:
    """processed, reused, failed, pending."""
    return report.processed, report.reused, report.failed, report.pending


@contextmanager
def answering(handle: Any) -> Iterator[tuple[str, list[bytes]]]:
    """A tiny server whose answers `handle(handler, body)` writes itself; gives its base address and the bodies it received."""
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            received.append(body)
            handle(self, body)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reply(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    """Writes an answer; underscores in the names of headers stand for dashes."""
    handler.send_response(status)
    for name, value in {"content_type": "application/json", **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
