"""Answers from known values, right as often as asked: for benchmarks and studies that need an accuracy they can set.

Decided here: how the truth is looked up (file name, else hash), which fields are made wrong, and how. Promised: the same
document, model and seed give the same answer; no PDF is opened. Called by answers.py.
"""

import csv
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from .faults import chance
from .files import SentFile

RENAMED = {"language": "language_detected"}
DATES = ("primary_date", "secondary_date")
OTHER_VALUES = {
    "currency": ("EUR", "USD", "GBP", "CHF", "JPY"),
    "language_detected": ("en", "de", "fr", "es", "it"),
    "doc_type": ("Invoice", "Receipt", "Contract", "Letter", "Report", "Form", "BankStatement", "Certificate"),
}
FIELDS = ("doc_type", "issuer", "recipient", "primary_date", "total_amount", "currency", "language_detected")

PLAIN: dict[str, object] = {
    "schema_version": "1",
    "file_name": "document.pdf",
    "page_count": 1,
    "doc_type": "Invoice",
    "doc_subtype": None,
    "confidence_score": 0.9,
    "issuer": "Example Ltd",
    "recipient": "Sample AG",
    "primary_date": "2026-01-31",
    "secondary_date": None,
    "total_amount": 119.0,
    "currency": "EUR",
    "summary": "An invoice of Example Ltd to Sample AG.",
    "action_items": [{"description": "Pay the invoice", "deadline": "2026-02-28", "priority": "medium"}],
    "deadlines": [{"date": "2026-02-28", "description": "Payment is due", "type": "payment"}],
    "urgency_level": "medium",
    "tags": ["invoice"],
    "language_detected": "en",
    "ocr_text_excerpt": "Invoice",
    "extraction_quality": "good",
    "requires_review": False,
    "notes": None,
}


def truth_from(path: Path) -> dict[str, dict[str, str]]:
    """The rows of a truth file by file name and by hash. Raises: ValueError if it has neither column."""
    with path.open(newline="", encoding="utf-8") as lines:
        rows = [{RENAMED.get(name, name): value for name, value in row.items() if name} for row in csv.DictReader(lines)]
    if rows and not {"file", "sha256"} & rows[0].keys():
        raise ValueError(f"{path} has neither a column file nor a column sha256; it has {', '.join(rows[0])}")
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        for name in ("sha256", "file"):
            if row.get(name):
                found[row[name]] = row
    return found


@lru_cache(maxsize=8)
def truth(path: Path) -> dict[str, dict[str, str]]:
    """`truth_from`, read once."""
    return truth_from(path)


def oracle_record(row: dict[str, str], *, name: str, model: str, seed: int, accuracy: float, confidence: float | None) -> dict[str, object]:
    """A record whose known fields are each right with probability `accuracy`.

    Without a fixed `confidence`, a record with a wrong document type is less sure on average, not always: between 0.35 and 0.95 against 0.6 and 1.
    """
    record: dict[str, object] = {**PLAIN, "file_name": name}
    identity = row.get("sha256") or name
    type_is_right = True
    for field in FIELDS:
        if field not in row:
            continue
        right = _typed(field, row[field])
        is_right = chance(seed, model, identity, field) < accuracy
        record[field] = right if is_right else _wrong(field, right, int(chance(seed, identity, field) * 1000))
        type_is_right = type_is_right and (is_right or field != "doc_type")
    if row.get("pages", "").isdigit():
        record["page_count"] = int(row["pages"])
    drawn = chance(seed, model, identity, "confidence")
    spread = 0.6 + 0.4 * drawn if type_is_right else 0.35 + 0.6 * drawn
    record["confidence_score"] = round(spread if confidence is None else confidence, 2)
    record["summary"] = f"{record['doc_type']} of {record['issuer'] or 'an unknown issuer'}."
    return record


def row_of(rows: dict[str, dict[str, str]], file: SentFile | None, file_name: str) -> dict[str, str]:
    """The row of a document; by hash only where the name is unknown, as hashing costs; empty if it has none."""
    row = rows.get(file_name)
    if row is None and file is not None:
        row = rows.get(file.sha256)
    return row or {}


def _typed(field: str, text: str) -> object:
    if text == "":
        return None
    return float(text) if field == "total_amount" else text


def _wrong(field: str, right: object, draw: int) -> object:
    """A value that could be true and is not."""
    if field in OTHER_VALUES:
        others = [value for value in OTHER_VALUES[field] if value != right]
        return others[draw % len(others)]
    if field in DATES:
        known = date.fromisoformat(str(right)) if right else date(2026, 1, 1)
        return (known + timedelta(days=1 + draw % 40)).isoformat()
    if field == "total_amount":
        return round(right * (1.1 + draw / 1000), 2) if isinstance(right, float) and right else 10.0 + draw
    return f"{right} Holding" if right and draw % 2 else (None if right else "Unnamed Company")
