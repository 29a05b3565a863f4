"""Gold labels: what is true of a document, who says so, and how often the answers agree.

Decided here: which columns of a label file are fields, how a row finds its document (SHA-256, else the path's end, else a file name that only one
document has), and that a label which says nothing new adds nothing. A blank is never scored; `<absent>` says that the document has none. What
counts as right is the view scored_fields. Called by the commands `labels` and `evaluate` and by the notebooks. Calls no API.
"""

import csv
import os
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson

from . import __version__, journal, store
from .document import DocType
from .errors import SettingsError, WorkspaceUnusable

ABSENT: Final = "<absent>"
FIELDS: Final = ("doc_type", "issuer", "recipient", "primary_date", "secondary_date", "total_amount", "currency", "language_detected")
NAMES: Final = {"language": "language_detected", "type": "doc_type", "date": "primary_date", "total": "total_amount"}
HASH_COLUMNS: Final = ("sha256", "document_sha256")
FILE_COLUMNS: Final = ("path", "file", "file_name")  # the first that says something counts
ALTERNATIVES: Final = "_also_ok"
LEFT_OUT: Final = ("pages", "has_text_layer", "notes", "source", "licence", "label_source")  # known columns that hold no label
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
    rows, columns, problems = _rows(path, mapping or {})
    unknown = [name for name, target in columns.items() if target is None and name not in LEFT_OUT]
    report = ImportReport(rows=len(rows), unknown_columns=unknown, problems=problems)
    with store.reading(home) as con:
        find = _finder(con)
        known = {
            (sha, name): (value, is_absent, tuple(orjson.loads(others or "[]") or ()))
            for sha, name, value, is_absent, others in con.execute(
                "select document_sha256, field, value, is_absent, alternatives from labels_current"
            ).fetchall()
        }
    stated: list[dict[str, Any]] = []
    touched: set[str] = set()
    for number, row in rows:
        found, named = find(row), row.get("file") or row.get("sha256") or f"row {number}"
        if len(found) > 1:
            report.problems.append(f"row {number}: {len(found)} documents have the name {named!r}; give their path or sha256")
        if not found:
            report.unknown_documents.append(named)
        if len(found) != 1:
            continue
        (sha,) = found
        for name in FIELDS:
            text = row.get(name, "")
            if not text:
                continue
            value, problem = _value(name, text)
            if problem:
                report.problems.append(f"row {number}, {name}={text[:60]!r}: {problem}")
                continue
            label = (value, text == ABSENT)
            before = known.get((sha, name))
            others = _alternatives(name, row, number, report.problems)
            if others is None:  # the file does not speak of alternatives: those that belong to this value stay
                others = before[2] if before and before[:2] == label else ()
            if before == (*label, others):
                report.unchanged += 1
                continue
            known[sha, name] = (*label, others)
            touched.add(sha)
            stated.append({"document_sha256": sha, "field": name, "value": value, "is_absent": text == ABSENT, "alternatives": others})
    report.added, report.documents = len(stated), len(touched)
    if stated:
        _write(home, stated, path, labeller)
    return report


def _alternatives(name: str, row: Mapping[str, str], number: int, problems: list[str]) -> tuple[str, ...] | None:
    """The valid alternatives of a field, or None when the file has no column for them."""
    column = name + ALTERNATIVES
    if column not in row:
        return None
    valid = []
    for text in filter(None, map(str.strip, row[column].split(";"))):
        value, problem = _value(name, text)
        if problem or value is None:
            problems.append(f"row {number}, {column}={text[:60]!r}: {problem or 'the absence of a value is no alternative to one'}")
        else:
            valid.append(value)
    return tuple(valid)


def _write(home: Path, stated: list[dict[str, Any]], path: Path, labeller: str) -> None:
    with journal.Journal(home) as segment:
        parent = os.environ.get("AUTOD_PARENT_RUN")
        segment.write(
            "run_started", command="labels", arguments={"file": journal.path_text(path)}, version=__version__, pid=os.getpid(), parent_run_id=parent
        )
        for label in stated:
            segment.write("label", **label, labeller=labeller or "unnamed", source=journal.path_text(path.name))
        segment.write("run_finished", exit_status=0, state="finished", seconds=0.0, summary={"labels": len(stated)})
    store.load(home)


def _rows(path: Path, mapping: Mapping[str, str]) -> tuple[list[tuple[int, dict[str, str]]], dict[str, str | None], list[str]]:
    """The rows that say something, each with its number in a spreadsheet; what each column is for; which rows do not fit the header."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"The labels {str(path)!r} cannot be read ({error}). Give a CSV file in UTF-8.") from error
    header = lines[0] if lines else []
    columns = {name: _target(name, mapping) for name in header if name.strip()}
    targets = {target for target in columns.values() if target}
    if not targets & {"file", "sha256"} or not targets & set(FIELDS):
        raise SettingsError(
            f"The labels {str(path)!r} need a column file or sha256, and at least one of {', '.join(FIELDS)}; "
            f"there are: {', '.join(map(repr, columns)) or 'none'}."
        )
    order = sorted(range(len(header)), key=lambda index: FILE_COLUMNS.index(header[index]) if header[index] in FILE_COLUMNS else -1)
    rows, problems = [], []
    for number, cells in enumerate(lines[1:], start=2):
        if len(cells) > len(header):
            problems.append(f"row {number}: {len(cells)} cells under {len(header)} columns; put what has a comma in quotes")
        elif any(cell.strip() for cell in cells):
            row: dict[str, str] = {}
            for index in order:
                target = columns.get(header[index])
                if target:
                    row[target] = row.get(target) or _bare(cells[index].strip() if index < len(cells) else "")
            rows.append((number, row))
    return rows, columns, problems


def _guarded(text: str) -> str:
    """Text for a cell of a spreadsheet, where it is no formula; `_bare` gives the text back, one that begins with an apostrophe included."""
    return f"'{text}" if store.inert(text.lstrip("'")) != text.lstrip("'") else text


def _bare(text: str) -> str:
    return text[1:] if text.startswith("'") and _guarded(text[1:]) == text else text


def _target(name: str, mapping: Mapping[str, str]) -> str | None:
    plain = mapping.get(name, name).strip()
    if plain in HASH_COLUMNS:
        return "sha256"
    if plain in FILE_COLUMNS:
        return "file"
    stem = plain.removesuffix(ALTERNATIVES)
    stem = NAMES.get(stem, stem)
    return (stem + ALTERNATIVES if plain.endswith(ALTERNATIVES) else stem) if stem in FIELDS else None


def _finder(con: Any) -> Callable[[Mapping[str, str]], set[str]]:
    """A function from a row to the hashes of the documents it can mean: by hash, by the end of a path, or by a name."""
    by_name: dict[str, set[str]] = defaultdict(set)
    paths: dict[str, str] = {}
    for path, sha in con.execute("select path, document_sha256 from sightings_log where document_sha256 is not null order by logged_at").fetchall():
        paths[path] = sha
        by_name[os.path.basename(path)].add(sha)
    for name, sha in con.execute("select file_name, document_sha256 from documents").fetchall():
        by_name[name].add(sha)

    def find(row: Mapping[str, str]) -> set[str]:
        sha = row.get("sha256", "").lower()
        if re.fullmatch(r"[0-9a-f]{64}", sha):
            return {sha}
        name = row.get("file", "")
        ending = {sha for path, sha in paths.items() if path == name or path.endswith(f"/{name}")} if "/" in name else set()
        return ending or by_name.get(os.path.basename(name), set())

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
        # As many digits as the comparison in the view scored_fields holds.
        return (f"{Decimal(text):f}", "") if re.fullmatch(r"[+-]?[0-9]{1,18}(\.[0-9]{1,4})?", text) else (None, "not a plain number such as 1234.50")
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
    documents: dict[str, dict[str, str]] = defaultdict(dict)
    for sha, name, value, is_absent, alternatives in rows:
        documents[sha][name] = ABSENT if is_absent else _guarded(value) if name in ("issuer", "recipient") else value
        others = orjson.loads(alternatives or "[]")
        if others:
            documents[sha][name + ALTERNATIVES] = ";".join(others) if name == "total_amount" else _guarded(";".join(others))
    extra = sorted({name for fields in documents.values() for name in fields if name.endswith(ALTERNATIVES)})
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["file", "sha256", *FIELDS, *extra])
            writer.writeheader()
            for sha, fields in documents.items():
                writer.writerow({"file": _guarded(names.get(sha) or ""), "sha256": sha, **fields})
    except OSError as error:
        raise WorkspaceUnusable(f"The file {str(path)!r} cannot be written ({error.strerror}). Name another.") from error
    return len(documents)


def evaluation(home: Path) -> dict[str, Any]:
    """The views accuracy_by_field, calibration and confusion as lists of rows."""
    result: dict[str, Any] = {}
    with store.reading(home) as con:
        for view, order in (("accuracy_by_field", "arm, field"), ("calibration", "arm, bin"), ("confusion", "arm, truth, answer")):
            result[view] = store.rows(con, f"from {view} order by {order}, is_simulated")
    return result
