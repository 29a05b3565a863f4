"""What is known of one document, and what to do next.   Called by the command `show`. Reads the views only."""

import os
from dataclasses import dataclass, field
from typing import Any

import duckdb

from .errors import SettingsError
from .journal import path_text
from .logs import one_line
from .settings import unit_of_money
from .store import rows

NEXT = {
    "processed": "Nothing to do.",
    "needs_review": "Look at it in the notebook 32_review (autod lab), or correct its fields with labels: autod labels import FILE.",
    "rejected": "Mend or replace the file; a changed file is read again by the next autod ingest.",
    "quarantined": "Raise the limit named above on purpose, then: autod ingest PATH --retry-failed.",
    "failed": "Try it again: autod ingest PATH --retry-failed.",
    "pending": "Run autod ingest PATH again.",
}
FIELDS = (
    "doc_type",
    "doc_subtype",
    "issuer",
    "recipient",
    "primary_date",
    "secondary_date",
    "total_amount",
    "currency",
    "language_detected",
    "summary",
)


@dataclass
class Description:
    """A document's row, its paths, its calls, and those of them that were sent in batches; or only a path and its problem, when it has no hash."""

    document: dict[str, Any] | None
    paths: list[dict[str, Any]]
    calls: list[dict[str, Any]] = field(default_factory=list)
    batches: list[dict[str, Any]] = field(default_factory=list)

    def columns(self) -> dict[str, Any]:
        """All of it as one JSON object."""
        return vars(self)

    def sentences(self) -> list[str]:
        """All of it for a person."""
        if self.document is None:
            return [f"{one_line(row['path'])}: {row['problem']}. {one_line(row['sentence'] or '')}" for row in self.paths]
        row = self.document
        status = str(row["processing_status"])
        lines = [f"{one_line(str(row['file_name']))} · {row['document_sha256']} · {row['page_count']} pages", f"State: {status}"]
        if row["error_sentence"]:
            lines.append(f"Reason: {one_line(row['error_sentence'])}")
        lines += [f"{name}: {one_line(str(row[name]))}" for name in FIELDS if row[name] is not None]
        money = unit_of_money(row["is_simulated"])
        cost = "0" if not row["calls"] else "unknown" if row["cost_usd"] is None else f"{row['cost_usd']:f}"
        lines.append(f"Cost: {cost} {money} in {row['calls'] or 0} calls")
        lines += [
            f"  {call['started_at']:%Y-%m-%d %H:%M:%S} UTC {call['model']} {call['purpose']} {call['status']} {call['outcome']} "
            f"{'cost unknown' if call['cost_usd'] is None else format(call['cost_usd'], 'f')}"
            for call in self.calls
        ]
        lines += [
            f"Batch: {one['batch_key']} ({one['batch_id'] or 'not created yet'}) since {one['started_at']:%Y-%m-%d %H:%M} UTC: {one['status']}"
            for one in self.batches
        ]
        lines += [f"Path: {one_line(place['path'])}{' (' + place['problem'] + ')' if place['problem'] else ''}" for place in self.paths]
        waits = any(one["is_open"] for one in self.batches)
        return [*lines, f"Next: {'Fetch its answer when the batch has ended: autod batch collect.' if waits else NEXT[status]}"]


def describe(con: duckdb.DuckDBPyConnection, name: str) -> Description:
    """A document by file, or by the beginning of its hash.

    Raises: SettingsError when nothing or more than one document fits.
    """
    path = path_text(os.path.abspath(name))
    places = rows(con, "select path, problem, sentence, document_sha256 from sightings where path = ?", [path])
    sha = places[0]["document_sha256"] if places else name.lower()
    if places and sha is None:
        return Description(None, places)
    found = rows(con, "select * from documents where starts_with(document_sha256, ?) order by document_sha256 limit 3", [sha])
    if not found:
        found = rows(con, "select * from documents where file_name = ? order by document_sha256 limit 3", [name])
    if not found and (purged := rows(con, "from documents_purged where starts_with(document_sha256, ?)", [sha])):
        raise SettingsError(
            f'{name!r} was purged on {purged[0]["purged_at"]:%Y-%m-%d}: only what its calls cost is left, autod sql "from cost_by_document where '
            f"document_sha256 = '{purged[0]['document_sha256']}'\". To read it again on purpose: autod ingest PATH --take-purged."
        )
    if not found:
        raise SettingsError(f"{name!r} is neither a file that was seen nor the beginning of a known SHA-256. Read it first: autod ingest PATH")
    if len(found) > 1:
        raise SettingsError(f"{name!r} fits several documents: {', '.join(row['document_sha256'][:12] for row in found)}. Give more of the hash.")
    sha = found[0]["document_sha256"]
    return Description(
        found[0],
        rows(con, "select path, problem, sentence from sightings where document_sha256 = ? order by path", [sha]),
        rows(con, "from api_calls where document_sha256 = ? order by started_at", [sha]),
        rows(con, "from calls_in_batches where document_sha256 = ? order by started_at, call_id", [sha]),
    )
