"""The text and the size of every page of a PDF that was sent.

Decided here: where a PDF is opened (a process of its own, with a deadline and a memory limit) and how long a reading is remembered. Promised: the
event loop never waits for pypdf or for rules, and no PDF ends the server; what cannot be read is an error of that request, as with the provider.
Called by server.py and answers.py in the answer mode `rules`; the other modes never open a file.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from io import BytesIO
from multiprocessing.connection import wait
from types import FrameType
from typing import NamedTuple, TypeVar

DEADLINE_S = 20.0
MEMORY_BYTES = 2_000_000_000
MOST_PAGES = 2_000
MOST_CHARACTERS = 4_000_000
READINGS_KEPT = 256
READERS = 2


class Reading(NamedTuple):
    """Pages as read; `problem` says why there are none, or why they are not all."""

    pages: tuple[str, ...]
    page_points: tuple[tuple[float, float], ...]
    problem: str = ""


Given = TypeVar("Given")


class TooLong(Exception):
    """The deadline of the work on one document has passed."""


@dataclass
class Readers:
    """The reading processes, started with the first PDF, and the readings they gave."""

    _pool: ProcessPoolExecutor | None = None
    _kept: OrderedDict[str, asyncio.Future[Reading]] = field(default_factory=OrderedDict)

    async def read(self, sha256: str, content: bytes) -> Reading:
        """The reading of this document, from memory if it was read lately."""
        known = self._kept.get(sha256)
        if known is None:
            known = self._kept[sha256] = asyncio.ensure_future(self._in_process(content))
            while len(self._kept) > READINGS_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(sha256)
        return await asyncio.shield(known)

    async def _in_process(self, content: bytes) -> Reading:
        try:
            return await self.run(read_pdf, content)
        except BrokenProcessPool:
            return Reading((), (), "the reading process ended")

    async def run(self, work: Callable[..., Given], *arguments: object) -> Given:
        """What the function gives in a reading process. Raises: BrokenProcessPool if the process ended; the next call starts a new one."""
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(READERS, mp_context=context, initializer=_prepare)
        pool = self._pool
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, within_deadline, work, *arguments)
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
            raise

    def close(self) -> None:
        """End the reading processes."""
        pool, self._pool = self._pool, None
        if pool is not None:
            for process in list((pool._processes or {}).values()):
                process.terminate()
            pool.shutdown(wait=True, cancel_futures=True)


def _prepare() -> None:
    """In a reading process: bound its memory, and end it when the server ends, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, _stop)
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    except (ImportError, ValueError):
        pass  # not on this system; the deadline still holds
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(0)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise TooLong


def within_deadline(work: Callable[..., Given], *arguments: object) -> Given:
    """What the function gives. Raises: TooLong when it has not ended after DEADLINE_S."""
    signal.setitimer(signal.ITIMER_REAL, DEADLINE_S)
    try:
        return work(*arguments)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def read_pdf(content: bytes) -> Reading:
    """Read a PDF; what was read before a problem is kept."""
    import logging

    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    pages: list[str] = []
    points: list[tuple[float, float]] = []
    problem, characters = "", 0
    try:
        reader = PdfReader(BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            return Reading((), (), "the file needs a password")
        for page in reader.pages:
            if len(pages) >= MOST_PAGES or characters > MOST_CHARACTERS:
                problem = "the file has more than can be read"
                break
            text = page.extract_text().encode("utf-8", "replace").decode()
            box = page.mediabox
            points.append((abs(float(box.width)), abs(float(box.height))))
            pages.append(text[:MOST_CHARACTERS])
            characters += len(text)
    except TooLong:
        problem = f"reading took longer than {DEADLINE_S:.0f} seconds"
    except MemoryError:
        problem = "reading needed more memory than is allowed"
    except Exception as error:  # pypdf raises its own, and at least four that are not its own
        problem = f"{type(error).__name__}: {str(error)[:200]}"
    return Reading(tuple(pages), tuple(points[: len(pages)]), problem)
