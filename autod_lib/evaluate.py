"""Gold labels: what is true of a document, who says so, and how often the answers agree.

Decided here: which columns of a label file are fields, how a row finds its document (SHA-256, else the path's end, else a file name that only one
document has), and that a label which says nothing new adds nothing. A blank is never scored; `<absent>` says that the document has none. What
counts as right is the view scored_fields. Called by the commands `labels` and `evaluate` and by the notebooks. Calls no API.
"""

import csv
import os
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from . import __version__, journal, store
from .document import DocType
from .errors import SettingsError, WorkspaceUnusable

ABSENT: Final = "<absent>"
FIELDS: Final = ("doc_type", "issuer", "recipient", "primary_date", "secondary_date", "total_amount", "currency", "language_detected")
NAMES: Final = {"language": "language_detected", "type": "doc_type", "date": "primary_date", "total": "total_amount"}
HASH_COLUMNS: Final = ("sha256", "document_sha256")
FILE_COLUMNS: Final = ("file", "file_name", "path")
ALTERNATIVES: Final = "_also_ok"
SHOWN: Final = 20


@dataclass
class ImportReport:
    """What an import did: rows and labels, and what was left out and why."""

    rows: int = 0
    documents: int = 0
    added: int = 0
    unchanged: int = 0
    unknown_documents: list[str] = field(default_factory=list)
    unknown_columns: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def sentence(self) -> str:
        """All of it for a person."""
        parts = [f"{self.rows} rows: {self.added} labels added on {self.documents} documents, {self.unchanged} were there before."]
        if self.unknown_documents:
            more = f" and {len(self.unknown_documents) - SHOWN} more" if len(self.unknown_documents) > SHOWN else ""
            named = ", ".join(map(repr, self.unknown_documents[:SHOWN]))
            parts.append(f"No document is known for {named}{more}: read them first (autod ingest), or give their sha256.")
        if self.unknown_columns:
            parts.append(f"Columns left out: {', '.join(map(repr, self.unknown_columns))}.")
        if self.problems:
            parts.append("Left out: " + "; ".join(self.problems[:SHOWN]) + ".")
        return " ".join(parts)


def import_labels(home: Path, path: Path, *, labeller: str = "", mapping: Mapping[str, str] | None = None) -> ImportReport:
    """Imports a CSV of labels; `mapping` gives other column names their field. The same file again adds nothing.

    Raises: SettingsError when the file is missing or has no column to use.
    """
    rows, columns = _rows(path, mapping or {})
    report = ImportReport(unknown_columns=[name for name, target in columns.items() if target is None])
    with store.reading(home) as con:
        find = _finder(con)
        known = {
            (sha, name): tuple(rest)
            for sha, name, *rest in con.execute("select document_sha256, field, value, is_absent from labels_current").fetchall()
        }
    stated: list[dict[str, Any]] = []
    touched: set[str] = set()
    for number, row in enumerate(rows, start=2):
        report.rows += 1
        sha = find(row)
        if sha is None:
            report.unknown_documents.append(row.get("file") or row.get("sha256") or f"row {number}")
            continue
        for name in FIELDS:
            text = (row.get(name) or "").strip()
            if not text:
                continue
            value, problem = _value(name, text)
            if problem:
                report.problems.append(f"row {number}, {name}={text[:60]!r}: {problem}")
                continue
            if known.get((sha, name)) == (value, text == ABSENT):
                report.unchanged += 1
                continue
            known[sha, name] = (value, text == ABSENT)
            others = [part.strip() for part in (row.get(name + ALTERNATIVES) or "").split(";") if part.strip()]
            touched.add(sha)
            stated.append({"document_sha256": sha, "field": name, "value": value, "is_absent": text == ABSENT, "alternatives": others})
    report.added, report.documents = len(stated), len(touched)
    if stated:
        _write(home, stated, path, labeller)
    return report


def _write(home: Path, stated: list[dict[str, Any]], path: Path, labeller: str) -> None:
    with journal.Journal(home) as segment:
        segment.write("run_started", command="labels", arguments={"file": str(path)}, version=__version__, pid=os.getpid())
        for label in stated:
            segment.write("label", **label, labeller=labeller or "unnamed", source=path.name)
        segment.write("run_finished", exit_status=0, state="finished", seconds=0.0, summary={"labels": len(stated)})
    store.load(home)


def _rows(path: Path, mapping: Mapping[str, str]) -> tuple[list[dict[str, str]], dict[str, str | None]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The labels {str(path)!r} cannot be read ({error}). Give a CSV file in UTF-8.") from error
    reader = csv.DictReader(text.splitlines())
    columns = {name: _target(name, mapping) for name in reader.fieldnames or []}
    targets = {target for target in columns.values() if target}
    if not targets & {"file", "sha256"} or not targets & set(FIELDS):
        raise SettingsError(
            f"The labels {str(path)!r} need a column file or sha256, and at least one of {', '.join(FIELDS)}; "
            f"there are: {', '.join(map(repr, columns)) or 'none'}."
        )
    rows = [{target: row.get(name) or "" for name, target in columns.items() if target} for row in reader]
    return rows, {
        name: target for name, target in columns.items() if name not in ("pages", "has_text_layer", "notes", "source", "licence", "label_source")
    }


def _target(name: str, mapping: Mapping[str, str]) -> str | None:
    plain = mapping.get(name, name).strip()
    if plain in HASH_COLUMNS:
        return "sha256"
    if plain in FILE_COLUMNS:
        return "file"
    stem = plain.removesuffix(ALTERNATIVES)
    stem = NAMES.get(stem, stem)
    return (stem + ALTERNATIVES if plain.endswith(ALTERNATIVES) else stem) if stem in FIELDS else None


def _finder(con: Any) -> Any:
    """A function from a row to the hash of its document: by hash, by the end of a path, or by a name that only one document has."""
    by_name: dict[str, set[str]] = defaultdict(set)
    paths: dict[str, str] = {}
    for path, sha in con.execute("select path, document_sha256 from sightings_log where document_sha256 is not null order by logged_at").fetchall():
        paths[path] = sha
        by_name[os.path.basename(path)].add(sha)
    for name, sha in con.execute("select file_name, document_sha256 from documents").fetchall():
        by_name[name].add(sha)

    def find(row: Mapping[str, str]) -> str | None:
        sha = row.get("sha256", "").strip().lower()
        if re.fullmatch(r"[0-9a-f]{64}", sha):
            return sha
        name = row.get("file", "").strip()
        if not name:
            return None
        ending = {sha for path, sha in paths.items() if path.endswith(f"/{name}")} if "/" in name else set()
        found = ending or by_name.get(os.path.basename(name), set())
        return next(iter(found)) if len(found) == 1 else None

    return find


def _value(name: str, text: str) -> tuple[str | None, str]:
    """A label as it is stored, or what is wrong with it."""
    if text == ABSENT:
        return None, ""
    if name == "doc_type":
        return text, "" if text in set(DocType) else f"no such type; there are {', '.join(DocType)}"
    if name in ("primary_date", "secondary_date"):
        try:
            return date.fromisoformat(text).isoformat(), ""
        except ValueError:
            return None, "not a day as YYYY-MM-DD"
    if name == "total_amount":
        try:
            amount = Decimal(text)
        except InvalidOperation:
            return None, "not a plain number"
        return (str(amount), "") if amount.is_finite() else (None, "not a plain number")
    if name == "currency":
        return text.upper(), "" if re.fullmatch(r"[A-Za-z]{3}", text) else "not an ISO 4217 code"
    if name == "language_detected":
        return text.lower(), "" if re.fullmatch(r"[A-Za-z]{2}", text) else "not an ISO 639-1 code"
    return text, ""


def export_labels(home: Path, path: Path) -> int:
    """Writes the current labels as a CSV that `import_labels` takes; returns the number of documents.

    Raises: WorkspaceUnusable when the file cannot be written.
    """
    with store.reading(home) as con:
        rows = con.execute(
            "select document_sha256, field, value, is_absent, alternatives from labels_current order by document_sha256, field"
        ).fetchall()
        names = dict(con.execute("select document_sha256, file_name from documents").fetchall())
    import orjson

    documents: dict[str, dict[str, str]] = defaultdict(dict)
    for sha, name, value, is_absent, alternatives in rows:
        documents[sha][name] = ABSENT if is_absent else str(store.inert(value))
        others = orjson.loads(alternatives or "[]")
        if others:
            documents[sha][name + ALTERNATIVES] = ";".join(others)
    extra = sorted({name for fields in documents.values() for name in fields if name.endswith(ALTERNATIVES)})
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["file", "sha256", *FIELDS, *extra])
            writer.writeheader()
            for sha, fields in documents.items():
                writer.writerow({"file": store.inert(names.get(sha, "")), "sha256": sha, **fields})
    except OSError as error:
        raise WorkspaceUnusable(f"The file {str(path)!r} cannot be written ({error.strerror}). Name another.") from error
    return len(documents)


def evaluation(home: Path) -> dict[str, Any]:
    """The views accuracy_by_field, calibration and confusion as lists of rows."""
    result: dict[str, Any] = {}
    with store.reading(home) as con:
        for view, order in (("accuracy_by_field", "arm, field"), ("calibration", "arm, bin"), ("confusion", "arm, truth, answer")):
            cursor = con.execute(f"from {view} order by {order}, is_simulated")
            names = [column[0] for column in cursor.description]
            result[view] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return result
