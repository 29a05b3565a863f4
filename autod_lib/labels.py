"""Gold labels: what is true of a document, and who says so; the way in and out.

Decided here: which columns of a label file are fields, how a row finds its document (SHA-256, else the path's end, else a file name that only one
document has), and that a label which says nothing new adds nothing. A blank is not scored; `<absent>` says that the document has none.

Whose label counts (the view labels_current): of one labeller, the newest; between labellers, that of whoever settled the field last, else of whoever
labelled it first. A label that contradicts another labeller's is kept, named in the report of the import, and changes no figure until it is imported
as settling. What counts as right is the view scoring_rules. Called by the commands `labels` and by the notebooks. Calls no API.
"""

import csv
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson

from . import journal, store
from .document import DeadlineType, DocType, Level
from .errors import SettingsError, WorkspaceUnusable
from .report import first_columns

ABSENT: Final = "<absent>"
UNNAMED: Final = "unnamed"
LISTS: Final = ("tags", "action_items", "deadlines")
FIELDS: Final = (
    *("doc_type", "issuer", "recipient", "primary_date", "secondary_date", "total_amount", "currency", "language_detected", "urgency_level"),
    *LISTS,
)
NAMES: Final = {"language": "language_detected", "type": "doc_type", "date": "primary_date", "total": "total_amount"}
HASH_COLUMNS: Final = ("sha256", "document_sha256")
FILE_COLUMNS: Final = ("path", "file", "file_name")  # the first that says something counts
SAID: Final = ("labeller", "labelled_at", "label_source")  # who said a row, when, and how it was found
ALTERNATIVES: Final = "_also_ok"
LEFT_OUT: Final = ("pages", "has_text_layer", "notes", "source", "licence")  # known columns that hold no label
CODES: Final[Mapping[str, Iterable[str]]] = {"doc_type": DocType, "urgency_level": Level}
WANTED: Final = {
    "tags": "words",
    "action_items": "a description, or an object with one",
    "deadlines": f"a day, a blank and one of {', '.join(DeadlineType)}, or an object with date and type",
}
SHOWN: Final = 20


@dataclass
class ImportReport:
    """What an import did: rows and labels, what contradicts another labeller, and what was left out and why."""

    rows: int = 0
    documents: int = 0
    added: int = 0
    unchanged: int = 0
    replaced: int = 0  # of those added, how many take the place of an earlier label of the same labeller
    contradictions: list[str] = field(default_factory=list)
    unknown_documents: list[str] = field(default_factory=list)
    unknown_columns: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def sentence(self) -> str:
        """All of it for a person."""
        parts = [f"{self.rows} rows: {self.added} labels added on {self.documents} documents, {self.unchanged} were there before."]
        if self.replaced:
            parts.append(f"{self.replaced} of them take the place of what the same labeller said before; the earlier ones are kept.")
        if self.contradictions:
            parts.append(
                f"Labellers contradict each other ({len(self.contradictions)}): {_some(self.contradictions, '; ')}. "
                "What counted before counts still; to decide otherwise, import the right labels with --settle."
            )
        if self.unknown_documents:
            named = _some([repr(name) for name in self.unknown_documents], ", ")
            parts.append(f"No document is known for {named}: read them first (autod ingest), or give their sha256.")
        if self.unknown_columns:
            parts.append(f"Columns left out: {', '.join(map(repr, self.unknown_columns))}.")
        if self.problems:
            parts.append(f"Left out: {_some(self.problems, '; ')}.")
        return " ".join(parts)


def _some(texts: list[str], between: str) -> str:
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return between.join(texts[:SHOWN]) + more


@dataclass(frozen=True, slots=True)
class Label:
    """What a labeller says of a field: `value` as it is stored, None when the document has none; `labelled_at` in UTC, None: now."""

    document_sha256: str
    field: str
    value: str | None
    labeller: str = UNNAMED
    source: str = ""
    alternatives: tuple[str, ...] = ()
    labelled_at: datetime | None = None

    @property
    def said(self) -> tuple[str | None, tuple[str, ...]]:
        """What makes two statements the same."""
        return self.value, self.alternatives

    def columns(self) -> dict[str, Any]:
        """The columns of its event."""
        return asdict(self) | {"is_absent": self.value is None}


def record(home: Path, labels: Iterable[Label], *, settles: bool = False, **arguments: Any) -> int:
    """Writes labels to the journal and loads them; returns how many. With `settles`, they count over what other labellers said.

    `arguments` are kept with the run. Nothing is compared: who does not know what is there already imports a file.
    Raises: WorkspaceUnusable, WorkspaceBusy.
    """
    stated = list(labels)
    if stated:
        with journal.Journal(home) as segment:
            segment.write("run_started", **first_columns("labels", arguments))
            for label in stated:
                segment.write("label", **label.columns(), settles=settles or None)
            segment.write("run_finished", exit_status=0, state="finished", seconds=0.0, summary={"labels": len(stated)})
        store.load(home)
    return len(stated)


def import_labels(home: Path, path: Path, *, labeller: str = "", mapping: Mapping[str, str] | None = None, settles: bool = False) -> ImportReport:
    """Imports labels from a CSV, a Parquet or a JSON file (an array of rows, or one row a line). The same file again adds nothing.

    `mapping` gives other column names their field. A row's own `labeller` and `labelled_at` beat `labeller` and now. With `settles`, what the file
    says counts over what other labellers said.

    Raises: SettingsError when the file is missing, of another format, or has no column to use.
    """
    rows, columns, problems = _rows(path, mapping or {})
    unknown = [name for name, target in columns.items() if target is None and name not in LEFT_OUT]
    report = ImportReport(rows=len(rows), unknown_columns=unknown, problems=problems)
    with store.reading(home) as con:
        find, known = _finder(con), _Known.of(con)
    stated: list[Label] = []
    here: dict[tuple[str, str, str], int] = {}
    for number, row in rows:
        found, named = find(row), row.get("file") or row.get("sha256") or f"row {number}"
        if len(found) > 1:
            report.problems.append(f"row {number}: {len(found)} documents have the name {named!r}; give their path or sha256")
        if not found:
            report.unknown_documents.append(named)
        if len(found) != 1:
            continue
        (sha,) = found
        at, problem = _time(row.get("labelled_at", ""))
        if problem:
            report.problems.append(f"row {number}, labelled_at={row['labelled_at'][:60]!r}: {problem}")
        who = row.get("labeller") or labeller or UNNAMED
        source = journal.path_text(path.name) + (f": {row['label_source']}" if row.get("label_source") else "")
        for name in FIELDS:
            text = row.get(name, "")
            if not text:
                continue
            value, problem = stored(name, text)
            if problem:
                report.problems.append(f"row {number}, {name}={text[:60]!r}: {problem}")
                continue
            others = _alternatives(name, row, number, report.problems)
            before = known.current.get((sha, name, who))
            if others is None:  # the file does not speak of alternatives: those that belong to this value stay
                others = before[1] if before and before[0] == value else ()
            label = Label(sha, name, value, who, source, others, at)
            earlier = here.setdefault((sha, name, who), number)
            if earlier != number:
                if known.current[sha, name, who] != label.said:
                    report.problems.append(f"row {number}, {name}={text[:60]!r}: row {earlier} says otherwise of the same document, and is kept")
                else:
                    report.unchanged += 1
                continue
            if known.has(label, settles):
                report.unchanged += 1
                known.current[sha, name, who] = label.said
                continue
            report.replaced += before is not None
            known.current[sha, name, who] = label.said
            stated.append(label)
    report.added, report.documents = len(stated), len({label.document_sha256 for label in stated})
    record(home, stated, settles=settles, file=journal.path_text(path))
    report.contradictions = _contradictions(home, set(here))
    return report


@dataclass
class _Known:
    """What was said before: the newest of each labeller, the newest of each labeller in each source, and who has settled a field."""

    current: dict[tuple[str, str, str], tuple[str | None, tuple[str, ...]]]
    by_source: dict[tuple[str, str, str, str], tuple[str | None, tuple[str, ...]]]
    counting: dict[tuple[str, str], str]

    @classmethod
    def of(cls, con: Any) -> "_Known":
        def said(row: Any) -> tuple[str | None, tuple[str, ...]]:
            return row[0], tuple(orjson.loads(row[1] or "[]") or ())

        current = con.execute("select value, alternatives, document_sha256, field, labeller from labels_by_labeller").fetchall()
        by_source = con.execute(
            "select arg_max_null(value, place), arg_max_null(alternatives, place), document_sha256, field, who, source from ("
            "select *, coalesce(labeller, 'unnamed') as who, (logged_at, run_id, seq) as place from label_statements) group by all"
        ).fetchall()
        counting = con.execute("select document_sha256, field, labeller from labels_current").fetchall()
        return cls({row[2:]: said(row) for row in current}, {row[2:]: said(row) for row in by_source}, {row[:2]: row[2] for row in counting})

    def has(self, label: Label, settles: bool) -> bool:
        """Whether a label says nothing new: it is what the labeller says, or what this source said before the labeller corrected it elsewhere."""
        key = (label.document_sha256, label.field, label.labeller)
        if settles and self.counting.get(key[:2], label.labeller) != label.labeller:
            return False
        return label.said in (self.current.get(key), self.by_source.get((*key, label.source)))


def _contradictions(home: Path, keys: set[tuple[str, str, str]]) -> list[str]:
    """Which of these labels contradict another labeller's, in words, as long as nobody settled it."""
    if not keys:
        return []
    with store.reading(home) as con:
        found = con.execute(
            "select contradictions.document_sha256, file_name, field, labeller, value, other_labeller, other_value "
            "from label_contradictions as contradictions left join "
            "(select document_sha256, min(file_name) as file_name from documents_read group by all) using (document_sha256) "
            "where not is_settled order by all"
        ).fetchall()
    return [
        f"{name or sha[:12]!r}, {field}: {who} says {value or ABSENT!r}, {other} says {another or ABSENT!r}"
        for sha, name, field, who, value, other, another in found
        if {(sha, field, who), (sha, field, other)} & keys
    ]


def _alternatives(name: str, row: Mapping[str, str], number: int, problems: list[str]) -> tuple[str, ...] | None:
    """The valid alternatives of a field, or None when the file has no column for them."""
    column = name + ALTERNATIVES
    if column not in row:
        return None
    valid = []
    for text in filter(None, map(str.strip, row[column].split(";"))):
        value, problem = stored(name, text)
        if problem or value is None:
            problems.append(f"row {number}, {column}={text[:60]!r}: {problem or 'the absence of a value is no alternative to one'}")
        else:
            valid.append(value)
    return tuple(valid)


def _time(text: str) -> tuple[datetime | None, str]:
    """When something was said, in UTC; a day is its beginning."""
    if not text:
        return None, ""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None, "not a time as YYYY-MM-DDTHH:MM:SS"
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC), ""


Rows = list[tuple[int, dict[str, str]]]


def _rows(path: Path, mapping: Mapping[str, str]) -> tuple[Rows, dict[str, str | None], list[str]]:
    """The rows that say something, each with its number in the file; what each column is for; which rows do not fit the header."""
    try:
        header, numbered, problems = {".parquet": _parquet, ".json": _json, ".jsonl": _json, ".ndjson": _json}.get(path.suffix.lower(), _csv)(path)
    except (OSError, ValueError, csv.Error) as error:
        raise SettingsError(
            f"The labels {str(path)!r} cannot be read ({str(error).splitlines()[0]}). "
            "Give CSV in UTF-8, Parquet, or JSON as an array of rows or a row a line."
        ) from error
    columns = {name: _target(name, mapping) for name in header if name.strip()}
    targets = {target for target in columns.values() if target}
    if not targets & {"file", "sha256"} or not targets & set(FIELDS):
        raise SettingsError(
            f"The labels {str(path)!r} need a column file or sha256, and at least one of {', '.join(FIELDS)}; "
            f"there are: {', '.join(map(repr, columns)) or 'none'}."
        )
    order = sorted(columns, key=lambda name: FILE_COLUMNS.index(name) if name in FILE_COLUMNS else -1)
    rows: Rows = []
    for number, cells in numbered:
        row: dict[str, str] = {}
        for name in order:
            target = columns[name]
            if target and name in cells:
                row[target] = row.get(target) or cells[name]
        if any(cells.values()):
            rows.append((number, row))
    return rows, columns, problems


Read = tuple[list[str], Rows, list[str]]


def _csv(path: Path) -> Read:
    """Columns, rows numbered as a spreadsheet numbers them, and rows that have more cells than columns."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    header = lines[0] if lines else []
    rows, problems = [], []
    for number, cells in enumerate(lines[1:], start=2):
        if len(cells) > len(header):
            problems.append(f"row {number}: {len(cells)} cells under {len(header)} columns; put what has a comma in quotes")
        else:
            texts = [_bare(cell.strip()) for cell in cells] + [""] * (len(header) - len(cells))
            row: dict[str, str] = {}
            for name, text in zip(header, texts, strict=True):
                row[name] = row.get(name) or text
            rows.append((number, row))
    return header, rows, problems


def _parquet(path: Path) -> Read:
    import polars as pl

    try:
        frame = pl.read_parquet(path.read_bytes())
    except pl.exceptions.PolarsError as error:
        raise ValueError(error) from error
    rows = [(number, {name: _cell(name, value) for name, value in row.items()}) for number, row in enumerate(frame.iter_rows(named=True), start=1)]
    return frame.columns, rows, []


def _json(path: Path) -> Read:
    content = path.read_bytes()
    first = content.lstrip()[:1]
    items = orjson.loads(content) if first == b"[" else [orjson.loads(line) for line in content.splitlines() if line.strip()]
    rows, problems = [], []
    for number, item in enumerate(items, start=1):
        if isinstance(item, dict):
            rows.append((number, {name: _cell(name, value) for name, value in item.items()}))
        else:
            problems.append(f"row {number}: not an object with a value for each column")
    return list(dict.fromkeys(name for _, row in rows for name in row)), rows, problems


def _cell(name: str, value: Any) -> str:
    """A value of a typed file as the text that a CSV would have."""
    if value is None:
        return ""
    if isinstance(value, (list, dict)):
        is_list = not name.endswith(ALTERNATIVES)
        return (orjson.dumps(value, default=str).decode() if value else ABSENT) if is_list else ";".join(map(str, value))
    if isinstance(value, float):  # as many digits as an amount has
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return str(value).strip()


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
    if plain in SAID:
        return plain
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
    for name, sha in con.execute("select distinct file_name, document_sha256 from documents_read where document_sha256 is not null").fetchall():
        by_name[name].add(sha)

    def find(row: Mapping[str, str]) -> set[str]:
        sha = row.get("sha256", "").lower()
        if re.fullmatch(r"[0-9a-f]{64}", sha):
            return {sha}
        name = row.get("file", "")
        ending = {sha for path, sha in paths.items() if path == name or path.endswith(f"/{name}")} if "/" in name else set()
        return ending or by_name.get(os.path.basename(name), set())

    return find


def stored(name: str, text: str) -> tuple[str | None, str]:
    """A label of this field as it is stored, None for ABSENT, and what is wrong with it, empty if nothing is."""
    if text == ABSENT:
        return None, ""
    if name in LISTS:
        return _items(name, text)
    if name in CODES:
        return text, "" if text in set(CODES[name]) else f"no such value; there are {', '.join(CODES[name])}"
    if name in ("primary_date", "secondary_date"):
        return _day(text)
    if name == "total_amount":
        # As many digits as the comparison in the view scored_fields holds.
        return (f"{Decimal(text):f}", "") if re.fullmatch(r"[+-]?[0-9]{1,18}(\.[0-9]{1,4})?", text) else (None, "not a plain number such as 1234.50")
    if name == "currency":
        return text.upper(), "" if re.fullmatch(r"[A-Za-z]{3}", text) else "not an ISO 4217 code"
    if name == "language_detected":
        return text.lower(), "" if re.fullmatch(r"[A-Za-z]{2}", text) else "not an ISO 639-1 code"
    return text, ""


def _day(text: str) -> tuple[str | None, str]:
    try:
        return date.fromisoformat(text).isoformat(), ""
    except ValueError:
        return None, "not a day as YYYY-MM-DD"


def _items(name: str, text: str) -> tuple[str | None, str]:
    """A list as it is stored, JSON: of a JSON array, or of items between semicolons (of a deadline the day, then its type if known)."""
    try:
        given = orjson.loads(text) if text.startswith("[") else [part.strip() for part in text.split(";") if part.strip()]
    except orjson.JSONDecodeError:
        return None, "not a JSON array"
    items = [_item(name, item) for item in given]
    if None in items:
        return None, f"item {items.index(None) + 1} is not {WANTED[name]}"
    return (orjson.dumps(items).decode(), "") if items else (None, "")


def _item(name: str, item: Any) -> Any:
    """An item as the record would have it, what it does not say being null; None if it is none."""
    if name == "deadlines" and isinstance(item, str):
        on, _, of = item.partition(" ")
        item = {"date": on, "type": of or None}
    elif name == "action_items" and isinstance(item, str):
        item = {"description": item}
    if name == "tags":
        return item if isinstance(item, str) and item.strip() else None
    if not isinstance(item, dict):
        return None
    if name == "action_items":
        says = item.get("description")
        return {part: item.get(part) for part in ("description", "deadline", "priority")} if isinstance(says, str) and says.strip() else None
    made = {"date": _day(str(item.get("date")))[0], "description": item.get("description"), "type": item.get("type")}
    return made if made["date"] and made["type"] in (None, *DeadlineType) else None


def export_labels(home: Path, path: Path) -> int:
    """Writes what each labeller says as a file that `import_labels` takes (.parquet, .json or CSV); returns the number of documents.

    One row a document and labeller. What counts comes before what contradicts it, so that it counts wherever the file is imported.
    Raises: WorkspaceUnusable when the file cannot be written.
    """
    with store.reading(home) as con:
        said = con.execute(
            "select document_sha256, labels.labeller, field, labels.value, labels.is_absent, labels.alternatives, labels.labelled_at, "
            "labels.labeller = truth.labeller as counts "
            "from labels_by_labeller as labels join labels_current as truth using (document_sha256, field) "
            "order by document_sha256, counts desc, labels.labeller, field"
        ).fetchall()
        names = dict(con.execute("select document_sha256, min(file_name) from documents_read group by all").fetchall())
    is_text = path.suffix.lower() not in (".parquet", ".json")
    inert = _guarded if is_text else str
    rows: dict[tuple[str, bool, str], dict[str, str]] = defaultdict(dict)
    for sha, labeller, name, value, is_absent, alternatives, at, counts in said:
        row = rows[sha, counts, labeller]
        row |= {"file": inert(names.get(sha) or ""), "sha256": sha, "labeller": inert(labeller)}
        row["labelled_at"] = max(row.get("labelled_at", ""), at.isoformat())
        row[name] = ABSENT if is_absent else inert(value) if name in ("issuer", "recipient") else value
        others = orjson.loads(alternatives or "[]")
        if others:
            row[name + ALTERNATIVES] = ";".join(others) if name == "total_amount" else inert(";".join(others))
    extra = sorted({name for row in rows.values() for name in row if name.endswith(ALTERNATIVES)})
    columns = ["file", "sha256", "labeller", "labelled_at", *FIELDS, *extra]
    table = [{name: row.get(name, "") for name in columns} for row in rows.values()]
    try:
        if is_text:
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, columns)
                writer.writeheader()
                writer.writerows(table)
        elif path.suffix.lower() == ".json":
            path.write_bytes(orjson.dumps(table, option=orjson.OPT_INDENT_2))
        else:
            import polars as pl

            pl.DataFrame(table, schema=dict.fromkeys(columns, pl.String)).write_parquet(path)
    except OSError as error:
        raise WorkspaceUnusable(f"The file {str(path)!r} cannot be written ({error.strerror}). Name another.") from error
    return len({sha for sha, _, _ in rows})
