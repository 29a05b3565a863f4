"""Views and tables as files: every row, in three forms, with nothing in them that comes to life."""

import csv
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from autod_lib import store
from autod_lib.errors import SettingsError, WorkspaceUnusable
from autod_lib.export import export
from autod_lib.journal import Journal

from .ledger import tiny
from .pipeline import autod, rows, settings_for


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One document, and a second whose name and issuer would be formulas."""
    home = tmp_path_factory.mktemp("export")
    tiny(home)
    with Journal(home) as segment:
        segment.write("document_read", document_sha256="cd" * 32, file_name="=cmd|' /C calc'!A0", status="readable", metadata={"Title": "=1+1"})
        segment.write("document_status", document_sha256="cd" * 32, status="processed", is_simulated=False)
        segment.write(
            "extraction", document_sha256="cd" * 32, is_valid=True, is_simulated=False, issuer="＝HYPERLINK(1)", recipient="\tx", tags=["+a"]
        )
    store.load(home)
    return home


def test_every_form_holds_every_row_and_money_to_the_last_decimal(home: Path, tmp_path: Path) -> None:
    """CSV, JSON and Parquet say the same as the database; decimals are exact; every view is written, with --all every table too."""
    settings = settings_for(home, "http://127.0.0.1:9/v1")
    done = {form: export(settings, tmp_path / form, ["cost_by_document", "documents"], form=form) for form in ("csv", "json", "parquet")}
    whole = export(settings, tmp_path / "all", tables=True)
    ((cost,),) = rows(home, "select cost_usd from cost_by_document")

    assert all(each.files == {f"cost_by_document.{form}": 1, f"documents.{form}": 2} for form, each in done.items())
    with (tmp_path / "csv" / "cost_by_document.csv").open(newline="") as file:
        assert [Decimal(row["cost_usd"]) for row in csv.DictReader(file)] == [cost]
    assert [Decimal(row["cost_usd"]) for row in json.loads((tmp_path / "json" / "cost_by_document.json").read_text())] == [cost]
    assert pl.read_parquet(tmp_path / "parquet" / "cost_by_document.parquet")["cost_usd"].to_list() == [cost]
    assert {"api_calls.csv", "calls_finished.csv", "documents_purged.csv", "call_bodies.csv"} <= whole.files.keys()
    assert {path.name for path in (tmp_path / "all").iterdir()} == whole.files.keys()
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "all").iterdir()} == {0o600}


def test_the_tables_of_a_period_hold_its_days_alone(home: Path, tmp_path: Path) -> None:
    """What has days is cut to them, both ends counting; what has none is whole."""
    settings = settings_for(home, "http://127.0.0.1:9/v1")
    names = ["api_calls", "cost_by_day", "cost_by_run"]
    calls, days, runs = (rows(home, f"select count(*) from {name}")[0][0] for name in names)
    [(day,)] = rows(home, "select distinct day_utc from cost_by_day")
    within = export(settings, tmp_path / "within", names, since=day, until=day).files
    after = export(settings, tmp_path / "after", names, since=day + timedelta(days=1)).files

    assert within == {"api_calls.csv": calls, "cost_by_day.csv": days, "cost_by_run.csv": runs}
    assert after == {"api_calls.csv": 0, "cost_by_day.csv": 0, "cost_by_run.csv": runs}


def test_a_spreadsheet_finds_no_live_formula(home: Path, tmp_path: Path) -> None:
    """Whatever a document says, no cell of a CSV begins as a formula does, full-width signs and tabs included."""
    done = autod("export", tmp_path / "out", "documents", "extractions", "--json", home=home)
    cells = []
    for path in (tmp_path / "out").iterdir():
        with path.open(newline="") as file:
            cells += [cell for row in csv.reader(file) for cell in row]

    assert (done.returncode, json.loads(done.stdout)["files"]) == (0, {"documents.csv": 2, "extractions.csv": 3})
    assert "'=cmd|' /C calc'!A0" in cells
    assert "'＝HYPERLINK(1)" in cells
    numbers = [cell for cell in cells if cell[:1] in ("-", "+") and cell[1:].replace(".", "").isdigit()]
    assert [cell for cell in cells if cell[:1] in store.FORMULA and cell not in numbers] == []


def test_what_is_not_there_is_named(home: Path, tmp_path: Path) -> None:
    """An unknown view or form is exit 2 and names those there are; a folder that is a file is exit 6."""
    settings = settings_for(home, "http://127.0.0.1:9/v1")
    with pytest.raises(SettingsError, match=r"no view or table 'nothing'; there are .*cost_by_day"):
        export(settings, tmp_path, ["nothing"])
    with pytest.raises(SettingsError, match="'xlsx' is no form to export to; there are csv, parquet, json"):
        export(settings, tmp_path, form="xlsx")
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceUnusable, match="cannot be written"):
        export(settings, tmp_path / "file")
