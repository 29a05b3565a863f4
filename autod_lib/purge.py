"""Deleting documents: softly at first, for good after a time.

Decided here: what a deletion is (an event: whoever sees the file again brings the document back, and nothing is asked), and what is left of a
document that is purged: its hash, so that it is refused when it is seen again, and its calls with what they cost, so that every sum stays.
Promised: from its first step on a purged document is refused; a purge killed at any instant is ended by the same command; no file of the user's
own is touched. Called by the commands `delete` and `purge`.
"""

import json
import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson

from . import journal, rendering, resources, store
from .backup import backups, write_backup
from .errors import SettingsError
from .logs import one_line
from .look import PURGED
from .report import start_columns
from .settings import Settings
from .show import describe
from .workspace import BACKUP_LOCK, held

PAGES: Final = "runs"  # of the workspace: pages, executed notebooks, and what commands printed
# Events that go with their document.
OWN: Final = ("sighting", "document_read", "extraction", "document_status", "label", "label_withdrawn", "review_action")
TELLING: Final = ("body", "error_message", "attributes")  # what the events that stay say of its content
SPEAKING: Final = ("run_started", "run_finished", "look", "notebook_run", "alert", "search", "batch", "reconciled")  # they may name its file

DUE_SQL: Final = """
select document_sha256, created_at as first_seen_at from documents where is_deleted and deleted_at <= $before
order by document_sha256"""
WAITING_SQL: Final = "select distinct document_sha256 from calls_in_batches where is_open"
LEFT_SQL: Final = "select count(*) from purged_in_record"


@dataclass
class Deletion:
    """What was or would be deleted softly: file names by hash; `still_there` are their files, which bring them back when they are looked at."""

    dry_run: bool
    documents: dict[str, str] = field(default_factory=dict)
    still_there: list[str] = field(default_factory=list)
    retention_days: int = 0
    exit_status: int = 0

    def sentences(self) -> list[str]:
        """The report for a person."""
        did = "would be deleted" if self.dry_run else "deleted"
        lines = [f"{did}: {one_line(name)} · {sha256}" for sha256, name in self.documents.items()]
        lines += [f"Still there: {one_line(path)}: the next ingest of it brings the document back. Move it away." for path in self.still_there]
        return [*lines, f"They can come back at no cost until `autod purge`, which takes what was deleted {self.retention_days} days ago."]


def delete(settings: Settings, names: Sequence[str], *, dry_run: bool = False) -> Deletion:
    """Deletes documents softly, by file or beginning of their hash: they leave every figure but the ledger's until they are seen again.

    Raises: SettingsError for a name that fits no document, or several, before anything is deleted; WorkspaceUnusable.
    """
    done = Deletion(dry_run, retention_days=settings.retention_days)
    with store.reading(settings.home) as con:
        for name in names:
            found = describe(con, name)
            if found.document is None:
                raise SettingsError(f"{name!r} was never read as a document; nothing was deleted. There is nothing of it but its path.")
            done.documents[found.document["document_sha256"]] = found.document["file_name"]
            places = [place["path"] for place in found.paths if place["problem"] is None]
            done.still_there += [path for path in places if journal.text_path(path).exists()]
    if not dry_run:
        with journal.Journal(settings.home) as segment:
            segment.write("run_started", **start_columns(settings, "delete", {"documents": list(done.documents)}))
            for sha256 in done.documents:
                segment.write("deletion", document_sha256=sha256, is_deleted=True, reason="asked for")
            segment.write("run_finished", exit_status=0, state="finished", summary={"documents": len(done.documents)})
        store.load(settings.home)
    return done


@dataclass
class Purge:
    """What a purge did or would do.

    `documents` are hashes; `waiting` those that cannot be purged yet, and `left` objects at the provider that could not be removed, each with why;
    `segments` of the journal were written anew, `pages` (relative to the runs folder) and `copies`, backups in the workspace
    among them, removed: one backup is made anew. The ledger's calls
    and `cost_usd` are the same before and after.
    """

    dry_run: bool
    documents: list[str] = field(default_factory=list)
    waiting: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    segments: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    log_file: str | None = None
    calls: int = 0
    cost_usd: Decimal | None = None
    seconds: float = 0.0
    exit_status: int = 0

    def sentences(self) -> list[str]:
        """The report for a person."""
        would = "would be " if self.dry_run else ""
        lines = [f"{len(self.documents)} documents {would}purged{'.' if self.documents else ': nothing that was deleted is due.'}"]
        if self.documents and not self.dry_run:
            lines.append(f"{len(self.segments)} segments of the journal were written anew; its {self.calls} calls and their cost are as they were.")
        if self.pages:
            lines.append(f"{len(self.pages)} pages, notebooks and logs of runs that may show them {would}removed: autod run --all makes new ones.")
        if self.copies:
            lines.append(f"Copies of the database and backups that hold them {would}removed: {', '.join(self.copies)}.")
        lines += [f"{sha256[:12]} waits: {why}" for sha256, why in self.waiting.items()]
        lines += [f"{object_id} is left at the provider: {why} Run `autod purge` again." for object_id, why in self.left.items()]
        if self.documents:
            lines.append("Copies of the workspace that were taken elsewhere still hold them, and so do the files themselves.")
        if self.documents and self.log_file:
            lines.append(f"The log {self.log_file} may name their files; it is not rewritten.")
        return lines


def purge(settings: Settings, *, days: int | None = None, dry_run: bool = False) -> Purge:
    """Takes everything that was deleted at least `days` ago (None: the retention days) out of journal, database, pages and the provider's stores.

    Raises: WorkspaceBusy while a run holds the workspace or writes a segment that would change, MissingKey where copies at the provider are to be
    removed without one, WorkspaceUnusable; whatever of it stops the purge, the same command goes on.
    """
    run_id, begun = journal.new_run_id(), time.monotonic()
    with held(settings.home, run_id, "purge"), held(settings.home, run_id, "purge", lock=BACKUP_LOCK):
        done = _purge(settings, settings.retention_days if days is None else days, dry_run, run_id)
    done.seconds = round(time.monotonic() - begun, 3)
    return done


def _purge(settings: Settings, days: int, dry_run: bool, run_id: str) -> Purge:
    home = settings.home
    done = Purge(dry_run, log_file=None if settings.log_file is None else str(settings.log_file))
    if journal.are_rewritten(home) and not dry_run:
        store.make_anew(home)
    with store.reading(home) as con:
        in_batch = {sha256 for (sha256,) in con.execute(WAITING_SQL).fetchall()}
        deleted = {row["document_sha256"]: row for row in store.rows(con, DUE_SQL, {"before": journal.now() - timedelta(days=days)})}
        begun = dict(con.execute("select document_sha256, first_seen_at from documents_purged where not is_done").fetchall())
        is_left = con.execute(LEFT_SQL).fetchall() != [(0,)]
        ((done.calls, done.cost_usd),) = con.execute("select count(*), sum(cost_usd) from api_calls").fetchall()
    done.waiting = dict.fromkeys(sorted(deleted.keys() & in_batch), "its request is in a batch that is not collected yet: autod batch collect.")
    due = {sha256: row["first_seen_at"] for sha256, row in deleted.items() if sha256 not in in_batch}
    done.documents = sorted(begun | due)
    pages = _pages(home, min((at for at in (begun | due).values() if at is not None), default=None))
    done.pages = [str(path.relative_to(home / PAGES)) for path in pages]
    old = backups(home) if done.documents or is_left else []
    done.copies = [path.name for path in (*store.copies(home), *old)] if done.documents or is_left else []
    done.exit_status = 1 if done.waiting else 0
    if dry_run or not (done.documents or is_left):
        return done
    with journal.Journal(home, run_id) as segment:
        segment.write("run_started", **start_columns(settings, "purge", {"days": days}))
        segment.write_all([("purge", {"document_sha256": sha256, "state": "intended", "first_seen_at": at}) for sha256, at in due.items()])
        segment.sync()
        done.left = resources.withdraw(settings, segment, done.documents)
        store.load(home)
        with store.reading(home) as con:
            purged = {sha256 for (sha256,) in con.execute("select document_sha256 from documents_purged").fetchall()}
            still_held = {sha256 for (sha256,) in con.execute("select document_sha256 from remote_objects_held").fetchall()}
            is_left = con.execute(LEFT_SQL).fetchall() != [(0,)]
        done.segments = journal.rewrite(home, _without(home, purged), segment.path)
        if done.segments or is_left:
            store.make_anew(home)
        if old:
            write_backup(home)
        for path in (*old, *pages):
            path.unlink(missing_ok=True)
        if pages:
            rendering.write_index(home)
        ended = [("purge", {"document_sha256": sha256, "state": "done"}) for sha256 in done.documents if sha256 not in still_held]
        done.exit_status = 1 if done.waiting or done.left else 0
        summary = {"documents": done.documents, "left": done.left, "segments": len(done.segments), "pages": len(done.pages)}
        segment.write_all([*ended, ("run_finished", {"exit_status": done.exit_status, "state": "finished", "summary": summary})])
    store.load(home)
    return done


def _pages(home: Path, since: datetime | None) -> list[Path]:
    """Pages, executed notebooks and what commands printed since then; the page of all runs shows no document."""
    if since is None:
        return []
    return sorted(path for path in (home / PAGES).glob("*/**/*") if path.is_file() and path.stat().st_mtime >= since.timestamp())


def _without(home: Path, purged: Collection[str]) -> Callable[[bytes], bytes | None]:
    """What becomes of each line of the journal: None where it is a purged document's own, else the line, without what it says of one."""
    theirs = _names(home, purged)
    words = re.compile("|".join(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])" for name in sorted(theirs, key=len, reverse=True))) if theirs else None

    def unnamed(value: Any) -> Any:
        if isinstance(value, str) and words:
            return words.sub(lambda found: f"purged-{theirs[found[0]][:12]}", value)
        if isinstance(value, dict):
            return {name: unnamed(inner) for name, inner in value.items()}
        return [unnamed(inner) for inner in value] if isinstance(value, list) else value

    def changed(line: bytes) -> bytes | None:
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            event = None
        if not isinstance(event, dict):  # poison: what it was about cannot be told, only whether it names one
            text = line.decode("utf-8", "replace")
            return None if any(sha256 in text for sha256 in purged) or (words and words.search(text)) else line
        kind, sha256, path = event.get("kind"), event.get("document_sha256"), event.get("path")
        if sha256 in purged:
            if kind in OWN:
                return line if event.get("problem") == PURGED else None
            kept = {name: value for name, value in event.items() if name not in TELLING}
        elif kind == "sighting" and sha256 is None and path in theirs:
            return None
        else:
            kept = unnamed(event) if kind in SPEAKING else event
        if kept == event:
            return line
        exact = json.loads(line)  # orjson makes a float of a whole number beyond 64 bits
        kept = {name: value for name, value in exact.items() if name in kept} if sha256 in purged else unnamed(exact)
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    return changed


def _names(home: Path, purged: Collection[str]) -> dict[str, str]:
    """Paths and names under which purged documents, and no others, were seen, with the hash of each."""
    theirs: dict[str, str] = {}
    others = set()
    for segment in journal.segments(home):
        for piece in journal.read(segment):
            for event in piece.events:
                sha256, path = event.get("document_sha256"), event.get("path")
                if event["kind"] in ("sighting", "document_read") and isinstance(path, str) and sha256 and event.get("problem") != PURGED:
                    names = {path, path.rpartition("/")[2]}
                    if sha256 in purged:
                        theirs |= dict.fromkeys(names, sha256)
                    else:
                        others |= names
    return {name: sha256 for name, sha256 in theirs.items() if name not in others}
