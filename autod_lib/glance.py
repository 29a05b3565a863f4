"""A second look that needs no database: is everything as it was when the last run had left nothing to do?

Decided here: what such a run notes (a hash over path, size and time of change of every file, the name and size of every segment of the journal, the
settings and this library), and that while none of it has changed, a further run is told from the walk alone. Promised: such a run takes the
workspace's lock and writes the same events as any other; whatever changed sends it the long way. The note is a copy that may be deleted at any
time. Called by the command `ingest` and by ingest.py. Opens no document and no database.
"""

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson

from . import journal, workspace
from .errors import WorkspaceBusy
from .look import documents_below
from .report import Options, Report, finish_columns, ingest_columns
from .settings import Settings

NOTE: Final = "glance.json"
TOLD: Final = ("documents", "reused", "failed", "duplicates", "needs_review", "problems", "exit_status")


def nothing_new(roots: list[str], settings: Settings, options: Options) -> Report | None:
    """The report of a run that has nothing to do, which is recorded as any other; None when the long way must tell.

    Raises: MissingKey, WorkspaceUnusable.
    """
    if options.retry_failed or options.take_purged or options.move_to is not None or options.limit is not None:
        return None
    begun = time.perf_counter()
    settings.require_key()
    run_id = journal.new_run_id()
    try:
        with workspace.held(settings.home, run_id, "ingest"):
            noted = as_noted(roots, settings)
            return None if noted is None else _recorded(noted, roots, settings, options, run_id, begun)
    except WorkspaceBusy:  # the long way waits, or names the holder
        return None


def as_noted(roots: list[str], settings: Settings) -> dict[str, Any] | None:
    """The note, if files, journal, settings and library are still as it says; else None."""
    try:
        noted = orjson.loads((settings.home / NOTE).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    if not isinstance(noted, dict) or noted.get("setup") != setup(roots, settings) or noted.get("segments") != segments(settings.home):
        return None
    return noted if noted.get("listing") == listing(roots) else None


def _recorded(noted: dict[str, Any], roots: list[str], settings: Settings, options: Options, run_id: str, begun: float) -> Report:
    report = Report(run_id, settings.is_simulated, **{name: noted["report"][name] for name in TOLD})
    with journal.Journal(settings.home, run_id) as segment:
        segment.write("run_started", **ingest_columns(settings, roots, options))
        seconds = round(time.perf_counter() - begun, 6)
        for root in roots:
            unchanged = {"files": noted["files"], "unchanged": noted["files"], "changed": 0, "vanished": 0}
            segment.write("look", root=journal.path_text(root), seconds=seconds, **unchanged)
        report.seconds = round(time.perf_counter() - begun, 3)
        segment.write("run_finished", **finish_columns(report))
    _write(settings.home, noted | {"segments": noted["segments"] | {segment.path.name: segment.bytes}})
    return report


def note(settings: Settings, roots: list[str], before: tuple[dict[str, int], str | None], files: int, report: Report) -> None:
    """Notes that nothing is left to do; `before` is what `segments` and `listing` gave before the look that found so."""
    told = {name: getattr(report, name) for name in TOLD}
    _write(
        settings.home,
        {"setup": setup(roots, settings), "segments": before[0], "listing": before[1], "files": files, "report": told},
    )


def _write(home: Path, noted: dict[str, Any]) -> None:
    with suppress(OSError):  # without it the next run takes the long way
        beside = home / f"{NOTE}.{os.getpid()}"
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(orjson.dumps(noted))
        beside.replace(home / NOTE)


def setup(roots: list[str], settings: Settings) -> str:
    """Hash of what else decides whether there is something to do: the folders, the settings, and the files of this library."""
    # The address of the simulated API changes with every command; whether it is simulated is what counts.
    given = settings.printable() | {"base_url": str(settings.is_simulated)}
    with os.scandir(Path(__file__).parent) as entries:
        library = sorted((entry.name, entry.stat().st_size, entry.stat().st_mtime_ns) for entry in entries if entry.name.endswith(".py"))
    return hashlib.sha256(repr((roots, sorted(given.items()), library)).encode("utf-8", "surrogateescape")).hexdigest()


def segments(home: Path) -> dict[str, int]:
    """Every segment of the journal with its size in bytes."""
    return {segment.name: segment.stat().st_size for segment in journal.segments(home)}


def listing(roots: list[str]) -> str | None:
    """Hash over path, size and time of change of every document below the folders; None when a folder cannot be listed."""
    unreadable: list[str] = []
    lines = [f"{path}\0{status.st_size}\0{status.st_mtime_ns}" for root in roots for path, status in documents_below(root, unreadable)]
    return None if unreadable else hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
