"""Views and tables as files for other programs: CSV, Parquet or JSON.

Decided here: what a value looks like in each form. Promised: text that a spreadsheet would take for a formula is inert in CSV; a file is whole or
as it was before. Called by the command `export`. Reads one state of the database; while it does, a run goes on and loads later.
"""

import csv
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Final

import duckdb
import orjson

from . import metrics, store
from .errors import SettingsError, WorkspaceUnusable
from .settings import Settings

ROWS_AT_ONCE: Final = 10_000
NAMES_SQL: Final = """
select view_name, false as is_table from duckdb_views() where not internal union all select table_name, true from duckdb_tables() where not internal
order by all"""


OF_THE_REPORT: Final = (
    *("headline_by_day", "cost_by_day", "cost_by_model", "cost_by_run", "priced_calls", "cache_by_day", "accuracy_in_use", "accuracy_by_field"),
    *("classification", "classification_by_week", "amounts_by_currency", "documents_in_order", "latency_by_hour", "calls_unsettled"),
    *("document_problems", "review_queue", "alerts", "documents", "api_calls"),
)
"""The views that the figures and tables of 90_report read."""


@dataclass
class Export:
    """The files that were written, each with its rows."""

    folder: str
    files: dict[str, int] = field(default_factory=dict)
    exit_status: int = 0

    def sentences(self) -> list[str]:
        """The report for a person."""
        return [f"{len(self.files)} files in {self.folder}: {sum(self.files.values()):,} rows. They hold what the documents say."]


def export(
    settings: Settings,
    folder: Path,
    names: Sequence[str] = (),
    *,
    form: str = "csv",
    tables: bool = False,
    since: date | None = None,
    until: date | None = None,
) -> Export:
    """Writes views and tables by name into files of a folder; without names every view, and with `tables` every table too.

    With `since` or `until`, the first and the last UTC day that count, views that have days hold the rows of this period alone, as figures do.
    Raises: SettingsError for a name or form that is none; WorkspaceUnusable where the folder cannot be written.
    """
    if form not in FORMS:
        raise SettingsError(f"{form!r} is no form to export to; there are {', '.join(FORMS)}.")
    done = Export(str(folder.absolute()))
    with store.reading(settings.home) as con:
        there = dict(con.execute(NAMES_SQL).fetchall())
        unknown = sorted(set(names) - there.keys())
        if unknown:
            raise SettingsError(f"There is no view or table {', '.join(map(repr, unknown))}; there are {', '.join(there)}.")
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for name in names or [name for name, is_table in there.items() if tables or not is_table]:
                target = folder / f"{name}.{form}"
                unfinished = folder / f".{target.name}.unfinished"
                try:
                    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
                        sql = metrics.rows_sql(name, since=since, until=until) if since or until else f'from "{name}"'
                        done.files[target.name] = FORMS[form](con, sql, file)
                    unfinished.replace(target)
                finally:
                    unfinished.unlink(missing_ok=True)
        except OSError as error:
            raise WorkspaceUnusable(
                f"The folder {str(folder)!r} cannot be written ({error.strerror}); what is there is whole. Make room, or name another."
            ) from error
    return done


def _csv(con: duckdb.DuckDBPyConnection, sql: str, file: IO[bytes]) -> int:
    cursor, count = con.execute(sql), 0
    with open(file.fileno(), "w", newline="", encoding="utf-8", closefd=False) as text:
        writer = csv.writer(text)
        writer.writerow(store.inert(name) for name, *_ in cursor.description or [])
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            writer.writerows([store.inert(_plain(value)) for value in row] for row in rows)
            count += len(rows)
    return count


def _json(con: duckdb.DuckDBPyConnection, sql: str, file: IO[bytes]) -> int:
    """A list of objects, one a line; decimals are strings."""
    cursor, count = con.execute(sql), 0
    names = [name for name, *_ in cursor.description or []]
    file.write(b"[")
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        for row in rows:
            file.write(b",\n" if count else b"\n")
            file.write(_object(dict(zip(names, row, strict=True))))
            count += 1
    file.write(b"\n]\n")
    return count


def _object(row: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(row, default=_text)
    except TypeError:  # a whole number beyond 64 bits, which orjson does not take
        return json.dumps(row, default=_text).encode()


def _parquet(con: duckdb.DuckDBPyConnection, sql: str, file: IO[bytes]) -> int:
    frame = metrics.read(con, sql)
    frame.write_parquet(file)
    return frame.height


FORMS: Final[dict[str, Callable[[duckdb.DuckDBPyConnection, str, IO[bytes]], int]]] = {"csv": _csv, "parquet": _parquet, "json": _json}


def _text(value: Any) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _plain(value: Any) -> Any:
    """A value in one cell: lists as JSON, times as ISO 8601, decimals without an exponent."""
    if isinstance(value, list | dict):
        return orjson.dumps(value, default=_text).decode()
    if isinstance(value, datetime):
        return value.isoformat()
    return _text(value) if isinstance(value, Decimal) else value
