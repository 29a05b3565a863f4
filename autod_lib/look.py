"""A look over files and folders: what is there, and what of it is new, changed or gone since the last look.

Decided here: which files count as documents (the ending .pdf in any case; a file that is named counts whatever its ending; hidden folders are
passed over, links to folders are not followed), and that a file with the path, size and time of change of a known one is that one: it is not opened,
and no event is written for it. Called by ingest.py. Opens no document.
"""

import os
import stat
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .errors import SettingsError
from .journal import path_text

if TYPE_CHECKING:
    import duckdb

KNOWN_SQL = """
with newest as (
    select path, max_by(struct_pack(document_sha256, size_bytes, modified_ns, problem), (logged_at, run_id, seq)) as last
    from sightings_log where {under} group by path
), states as (
    select document_sha256, max_by(struct_pack(status, error_kind), (logged_at, run_id, seq)) as last,
           count(*) filter (where status = 'failed') as failed_runs
    from document_statuses where setup_hash = $setup or status in ('rejected', 'quarantined') group by document_sha256
), gone as (
    select document_sha256 from deletions group by document_sha256 having max_by(is_deleted, (logged_at, run_id, seq))
)
select path, newest.last.size_bytes, newest.last.modified_ns, document_sha256, newest.last.problem, states.last.status, failed_runs,
       gone.document_sha256 is not null and newest.last.problem is distinct from 'purged', states.last.error_kind
from (select path, last, last.document_sha256 as document_sha256 from newest) as newest
left join states using (document_sha256) left join gone using (document_sha256)
where newest.last.problem is distinct from 'vanished'"""

UNCERTAIN = frozenset({"changed_while_read", "unreadable"})
"""Problems of the moment: such a file is looked at again although it has not changed."""

PURGED = "purged"
"""The problem of a file whose document was purged: it is read again only on purpose."""

TOO_LARGE = "too_large"
"""The problem of a file beyond the size that is read; it is looked at again when larger ones are allowed."""


class Found(NamedTuple):
    """A file that is to be read: its path, the folder it was found under, and what the file system says of it."""

    path: str
    root: str
    size: int
    modified_ns: int


class Known(NamedTuple):
    """A file that is as it was: its document and what became of it under the present settings."""

    path: str
    root: str
    document_sha256: str | None
    problem: str | None
    status: str | None
    failed_runs: int
    is_deleted: bool
    error_kind: str | None = None


@dataclass(slots=True)
class Look:
    """What a look found; `vanished` are paths that are no longer there, `unreadable` folders that could not be listed.

    `unread` are files that are new, changed or uncertain; `unreadable_still` are those of them that could not be read before and have not changed.
    """

    unread: list[Found] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    unreadable_still: list[str] = field(default_factory=list)
    roots: list[str] = field(default_factory=list)
    files: int = 0
    seconds: float = 0.0


def _status(path: str) -> os.stat_result | None:
    """The stat of what a path leads to, else its own; None when it has gone since it was listed."""
    for of in (os.stat, os.lstat):
        with suppress(OSError):
            return of(path)
    return None


def walk(root: str, unreadable: list[str] | None = None) -> Iterator[tuple[str, os.stat_result]]:
    """Every document below a folder with its stat, in the order of names; the stat of a link is that of what it leads to, else its own.

    A folder that cannot be listed is added to `unreadable`, and the walk goes on.
    """
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name, reverse=True)
        except OSError:
            if unreadable is not None:
                unreadable.append(folder)
            continue
        below = []
        while entries:  # each is let go with its stat once it was given
            entry = entries.pop()
            if entry.name[-4:].lower() == ".pdf":
                try:
                    yield entry.path, entry.stat()
                except OSError:  # a link that leads nowhere, or a file that has gone since it was listed
                    status = _status(entry.path)
                    if status is not None:
                        yield entry.path, status
            elif entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                below.append(entry.path)
        folders.extend(reversed(below))


def documents_below(root: str, unreadable: list[str]) -> Iterator[tuple[str, os.stat_result]]:
    """What `walk` gives for a folder; for a path that is named itself, that path."""
    status = _status(root)
    if status is None:
        return
    if stat.S_ISDIR(status.st_mode):
        yield from walk(root, unreadable)
    else:
        yield root, status


def _walked(root: str, unreadable: list[str]) -> list[tuple[str, int, int]]:
    """Path, size and time of change of every document; a whole stat is four times as large."""
    return [(path, status.st_size, status.st_mtime_ns) for path, status in documents_below(root, unreadable)]


def seen_now(known: Known) -> Found | Known:
    """A known file as one to be read anew; as it was, where it has gone meanwhile."""
    status = _status(known.path)
    return known if status is None else Found(known.path, known.root, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def inbox_of(root: str) -> Path:
    """The folder that a link found under this root may not leave."""
    return Path(root) if os.path.isdir(root) else Path(root).parent


def absolute_roots(paths: Iterable[Path]) -> list[str]:
    """The paths made absolute, without those that lie below another.

    Raises: SettingsError naming each that does not exist.
    """
    absolute = sorted({os.path.abspath(path) for path in paths})
    missing = [path for path in absolute if not os.path.lexists(path)]
    if missing:
        raise SettingsError(f"{', '.join(map(repr, missing))}: no such file or folder; nothing was read, nothing was spent.")
    return [path for path in absolute if not any(path.startswith(f"{other.rstrip('/')}/") for other in absolute if other != path)]


def look(con: "duckdb.DuckDBPyConnection", roots: list[str], setup_hash: str, max_bytes: int) -> Look:
    """Compares what is there with what the record knows under the settings of `setup_hash`, which let files of `max_bytes` be read."""
    begun = time.perf_counter()
    # A name that is not UTF-8 is recorded as an address, also below a folder whose own name is plain.
    forms = [form for root in roots for form in dict.fromkeys((path_text(root), Path(root).as_uri()))]
    names = {f"root{number}": form for number, form in enumerate(forms)}
    under = " or ".join(f"starts_with(path, ${name})" for name in names)
    found = Look(roots=roots)
    with ThreadPoolExecutor(1) as beside:  # the disk is asked while the database answers
        walked = beside.submit(lambda: [(root, _walked(root, found.unreadable)) for root in roots])
        rows = con.execute(KNOWN_SQL.format(under=under), {"setup": setup_hash} | names).fetchall()
        files = walked.result()
    known = {row[0]: row for row in rows}
    for root, there in files:
        found.files += len(there)
        for path, size, modified_ns in there:
            before = known.pop(path if path.isascii() else path_text(path), None)
            is_same = before is not None and before[1] == size and before[2] == modified_ns
            problem = before[4] if before is not None else None
            if before is not None and is_same and problem not in UNCERTAIN and not (problem == TOO_LARGE and size <= max_bytes):
                found.known.append(Known(path, root, *before[3:]))
            else:
                if is_same and problem == "unreadable":
                    found.unreadable_still.append(path)
                found.unread.append(Found(path, root, size, modified_ns))
    # What lies in a folder that cannot be listed now has not vanished.
    hidden = tuple(f"{form.rstrip('/')}/" for folder in found.unreadable for form in (path_text(folder), Path(folder).as_uri()))
    looked_at = [text for text in known if any(text == form or text.startswith(f"{form.rstrip('/')}/") for form in forms)]
    found.vanished = [text for text in looked_at if not f"{text}/".startswith(hidden)]
    found.seconds = time.perf_counter() - begun
    return found


def has_news(found: Look, tried: set[tuple[str, int]]) -> bool:
    """Whether a look found something that the last one of a watcher had not.

    A file that cannot be read is news once, and again when its rights change: `tried` has path and time of status change of each, and is brought
    up to date.
    """
    still = {(path, status.st_ctime_ns) for path in found.unreadable_still if (status := _status(path)) is not None}
    is_news = len(found.unread) > len(found.unreadable_still) or bool(found.vanished) or still != tried
    tried.clear()
    tried.update(still)
    return is_news
