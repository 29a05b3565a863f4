"""A PDF read by a guarded worker process: its hash, pages, text and problems.

Decided here: which limits a document has, and what a stopped or dead worker means for the document it was reading. Promised: `Readers.read`
gives one Reading for every path, whatever the file is, and raises for no document; a worker that is over its time or dies takes only its own
document with it; hash, page count, text and base64 come from one read of the file; what an ended worker had already told is kept.

Called by ingest.py. It parses no PDF itself (pdf_worker.py does, in processes of its own, without this process's keys and settings), and it sends
nothing anywhere.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from .errors import AutodError
from .pdf_worker import COUNT, FILE, HEADER, TEXT, frame
from .settings import Settings

START_SECONDS = 60.0
"""How long a worker may take to start: half a second of imports, a hundred times over for a loaded machine."""

BUSY = 3
"""How many times its processor time a document may take by the clock: a worker has half a core at worst, one that hangs is ended all the same."""

LONGEST_COUNTED = 60_000
"""Bytes of a text whose tokens are counted on request: it goes out in one piece."""

LONGEST_REQUEST = 16_384
"""Two paths of Linux's longest (4,096 bytes) and room to spare; well below what a socket takes at once."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may take. The seconds are of processor time, and three times as many by the clock; the memory is the whole address space of a
    worker, 60 MB of which are taken before any document.
    """

    max_bytes: int = 50_000_000
    seconds: float = 10.0
    memory_bytes: int = 1_000_000_000
    max_pages: int = 5_000
    max_text_characters: int = 2_000_000


def limits_for(settings: Settings) -> Limits:
    """The limits that the settings name; the others as they are."""
    return Limits(max_bytes=settings.max_pdf_bytes, seconds=settings.reader_seconds, memory_bytes=settings.reader_memory_bytes)


REJECTED = [
    "not_a_file",
    "outside_inbox",
    "unreadable",
    "too_large",
    "changed_while_read",
    "empty_file",
    "not_a_pdf",
    "truncated",
    "damaged",
    "no_pages",
    "page_tree_loop",
    "too_deep",
    "limit_reached",
    "encrypted",
    "missing_package",
]
"""Problems of a document that is not sent; the first five have no hash."""

QUARANTINED = ["time_limit", "memory_limit", "text_limit", "too_many_pages", "reader_died"]
"""Problems of a document that a limit stopped, and that is sent only when a person says so."""

FLAGS = [
    "encrypted_empty_password",
    "active_content",
    "polyglot",
    "repaired",
    "damaged_pages",
    "damaged_objects",
    "bad_metadata",
    "text_failed",
    "text_limit",
    "text_cut",
    "empty_text",
    "suspicious_text",
]
"""What may be odd about a readable document. Annotations and text are looked at only when the text is asked for."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of one path.

    path: as given, in the surrogateescape form when it is not UTF-8 · document_sha256, sha256_base64, size_bytes: None when the bytes could
    not be had · page_count: counted by walking · pages_text: one string a page, None when not asked for or not readable · text_layer: good,
    poor, none or unread, and text_reason why · metadata: safe strings, each at most 1,000 characters, dates in ISO 8601 · status: readable,
    rejected or quarantined (waits for a person) · problem: its reason code, None when readable · flags: what is odd about a readable one ·
    sentence: what happened and what to do · file_base64: the bytes, when asked for · text_tokens: of all pages joined by form feeds, when the text
    was asked for and an encoding is set · seconds: wall time.
    """

    path: str
    document_sha256: str | None = None
    sha256_base64: str | None = None
    size_bytes: int | None = None
    page_count: int | None = None
    pages_text: tuple[str, ...] | None = None
    text_layer: str = "unread"
    text_reason: str = "the text was not asked for"
    metadata: dict[str, str] = field(default_factory=dict)
    status: str = "readable"
    problem: str | None = None
    flags: tuple[str, ...] = ()
    sentence: str = ""
    file_base64: bytes | None = None
    text_tokens: int | None = None
    seconds: float = 0.0


class ReaderUnavailable(AutodError):
    """The worker processes cannot be started; no document is to blame."""

    exit_status = 6


class Readers:
    """A few worker processes, each with its own socket, deadline and memory limit: `async with Readers(2, Limits()) as readers`.

    Workers start when they are first needed and stay warm. They end with the block, and at once when this process dies.
    """

    def __init__(self, workers: int, limits: Limits, *, encoding: str = "", vocabulary: str = "") -> None:
        self._limits = limits
        self._counting = {"encoding": encoding, "vocabulary": vocabulary}
        self._free = asyncio.Semaphore(workers)
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._is_closed = False

    async def __aenter__(self) -> "Readers":
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._is_closed = True
        for worker in list(self._all):
            self._end(worker)

    async def read(self, path: Path | str, *, text: bool, file: bool, inbox: Path | None = None) -> Reading:
        """What is known of the file at `path`, with its text and its bytes in base64 if asked for.

        `inbox` is the folder that the file, and the target of a link, must be in; without it no link is followed.

        Raises: ReaderUnavailable when no worker can be started; never for a bad document.
        """
        name = os.fspath(path)
        try:
            request = bytes([TEXT * text + FILE * file]) + os.fsencode(name) + b"\0" + (os.fsencode(inbox) if inbox else b"")
        except UnicodeEncodeError:
            request = b""
        if request.count(b"\0", 1) != 1 or len(request) > LONGEST_REQUEST:
            return Reading(name, status="rejected", problem="not_a_file", sentence="No file can have such a path. Check it.")
        async with self._free:
            facts = await self._ask(request)
            if facts.get("problem") == "reader_died" and "document_sha256" not in facts:
                facts = await self._ask(request)  # it was dead before it read a byte: no document is to blame
        facts |= {key: tuple(facts[key]) for key in ("flags", "pages_text") if key in facts}
        if facts.get("status", "readable") != "readable":
            facts |= {"pages_text": None, "text_layer": "unread", "text_reason": "the document was not read to its end"}
        return Reading(name, **facts)

    async def count(self, text: str) -> int:
        """Tokens of a text of ours, at most 60,000 bytes of it, in the encoding that the readers were made with."""
        async with self._free:
            facts = await self._ask(bytes([COUNT]) + text.encode("utf-8", "replace")[:LONGEST_COUNTED].decode("utf-8", "ignore").encode())
        counted: int | None = facts.get("text_tokens")
        if counted is None:
            raise ReaderUnavailable("Tokens cannot be counted: the vocabulary is missing. Install autoD anew, or restore data/vocab.")
        return counted

    async def _ask(self, request: bytes) -> dict[str, Any]:
        worker = self._idle.pop() if self._idle else self._start()
        while worker.is_dead:
            self._end(worker)
            worker = self._idle.pop() if self._idle else self._start()
        try:
            facts = await worker.ask(request)
        finally:
            if worker.is_idle:
                self._idle.append(worker)
            else:
                self._end(worker)
        if not (worker.is_idle or self._is_closed):
            self._idle.append(self._start())  # at once, so that it is warm when the next document comes
        return facts

    def _start(self) -> "_Worker":
        worker = _Worker(self._limits, self._counting)
        self._all.add(worker)
        return worker

    def _end(self, worker: "_Worker") -> None:
        self._all.discard(worker)
        worker.end()


def read_all(
    paths: Iterable[tuple[Path | str, Path | None]],
    limits: Limits,
    *,
    workers: int = 2,
    encoding: str = "",
    vocabulary: str = "",
    file: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> list[Reading]:
    """What is known of many files, each with its inbox or None, their text read; in the order of the paths.

    For whoever has no event loop to wait in, or one that is busy, as a notebook's is. Raises: ReaderUnavailable.
    """
    wanted = list(paths)
    done = 0

    async def all_of_them() -> list[Reading]:
        async with Readers(workers, limits, encoding=encoding, vocabulary=vocabulary) as readers:

            async def one(path: Path | str, inbox: Path | None) -> Reading:
                nonlocal done
                reading = await readers.read(path, text=True, file=file, inbox=inbox)
                done += 1
                if progress:
                    progress(done, len(wanted))
                return reading

            return await asyncio.gather(*(one(path, inbox) for path, inbox in wanted))

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, all_of_them()).result()


def _nameless_file() -> int:
    """The descriptor of a file without a name, in memory where the system can."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("autod", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def guarded_environment() -> dict[str, str]:
    """The environment of a process that opens documents.

    Neither key nor proxy nor any other setting of this process is its business; an empty PATH finds no outside program.
    """
    library = str(Path(__file__).resolve().parent.parent)
    environment = {"PATH": "", "PYTHONPATH": library, "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "1"}
    return environment | {key: os.environ[key] for key in ("LD_LIBRARY_PATH",) if key in os.environ}


def _begin(connection: int, shared: int, told: str) -> "subprocess.Popen[bytes]":
    """A process of `pdf_worker` with these two descriptors."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "autod_lib.pdf_worker", str(connection), told],
        pass_fds=[connection, shared],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=guarded_environment(),
        start_new_session=True,  # a terminal's Ctrl-C is for the command, which lets documents in work end
    )


class _Worker:
    """One process and its end of the socket; at most one document at a time."""

    def __init__(self, limits: Limits, counting: dict[str, str]) -> None:
        self._limits = limits
        self._shared = _nameless_file()
        self._loop = asyncio.get_running_loop()
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)
        told = asdict(limits) | counting | {"shared_file": self._shared}
        with theirs:
            self._process = _begin(theirs.fileno(), self._shared, json.dumps(told))
        self._received = bytearray()
        self._longest_frame = 8 * limits.max_text_characters + 1_000_000
        self._facts: dict[str, Any] = {}
        self._is_stopped = False
        self._ready: asyncio.Future[bool] = self._loop.create_future()
        self._done: asyncio.Future[bool] = self._loop.create_future()
        self._start_error = "it ended before it was ready"
        self.is_idle = False
        self.is_dead = False
        self._loop.add_reader(self._socket.fileno(), self._on_readable)

    async def ask(self, request: bytes) -> dict[str, Any]:
        """The fields of a Reading, as far as the worker told them before it was done, stopped or dead."""
        self.is_idle = False
        if not self._ready.done():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._ready), START_SECONDS)
        if not self._ready.done() or not self._ready.result():
            raise ReaderUnavailable(
                f"The process that reads PDFs cannot be started: {self._start_error}. No document was read, nothing was spent. "
                "Run `make setup` (or install the package that is named), then try again."
            )
        self._facts, self._done = {}, self._loop.create_future()
        started = self._loop.time()
        deadline = self._loop.call_later(BUSY * self._limits.seconds, self._stop)
        try:
            self._socket.send(frame(b"q", request))
            finished = not self.is_dead and await self._done
        except OSError:
            finished = False
        finally:
            deadline.cancel()
        if not finished:
            self._facts |= self._verdict()
        self.is_idle = finished and self._facts.get("problem") != "memory_limit"
        return self._facts | {"seconds": self._loop.time() - started}

    def end(self) -> None:
        """Kill the process and take back everything that belonged to it."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        self._process.kill()
        self._process.wait()
        if self._shared >= 0:
            os.close(self._shared)
            self._shared = -1
        self.is_dead = True
        self.is_idle = False

    def _stop(self) -> None:
        self._is_stopped = True
        self._process.kill()
        if not self._done.done():
            self._done.set_result(False)

    def _verdict(self) -> dict[str, Any]:
        """What it means for the document that its worker was stopped or died."""
        self._process.kill()  # it has closed its socket: whatever still runs is of no use
        ended_by = -self._process.wait()
        facts: dict[str, Any] = {"status": "quarantined"}
        if self._is_stopped or ended_by in (signal.SIGPROF, signal.SIGXCPU):
            return facts | {
                "problem": "time_limit",
                "sentence": f"Reading it takes more than {self._limits.seconds:g} seconds of processor time. Look at it, then allow it.",
            }
        return facts | {
            "problem": "reader_died",
            "sentence": "The process that read it ended unexpectedly, most likely for want of memory. Look at it, then allow it.",
        }

    def _on_readable(self) -> None:
        try:
            part = self._socket.recv(1 << 16)  # room for more would be asked of the system anew each time
        except BlockingIOError:
            return
        except OSError:
            part = b""
        if not part:
            self._loop.remove_reader(self._socket.fileno())
            self.is_dead = True
            for waiting in (self._ready, self._done):
                if not waiting.done():
                    waiting.set_result(False)
            return
        self._received += part
        while len(self._received) >= HEADER.size:
            kind, length = HEADER.unpack_from(self._received)
            if length > self._longest_frame:
                self._process.kill()  # no honest worker sends it; the end of the socket follows
                return
            end = HEADER.size + length
            if len(self._received) < end:
                return
            payload = bytes(memoryview(self._received)[HEADER.size : end])
            del self._received[:end]
            self._on_frame(kind, payload)

    def _on_frame(self, kind: bytes, payload: bytes) -> None:
        if kind == b"j":
            self._facts |= orjson.loads(payload)
        elif kind == b"f":
            self._facts["file_base64"] = os.pread(self._shared, int(payload), 0)
        elif kind == b"e" and not self._done.done():
            self._done.set_result(True)
        elif kind == b"r" and not self._ready.done():
            self._ready.set_result(True)
        elif kind == b"x":
            self._start_error = payload.decode()
