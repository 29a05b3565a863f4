"""Writes docs/reference from the code: settings, commands, and the tables and views of the record: `python docs/make_reference.py [--check]`.

Nothing there is written by hand, so that it cannot say what is not so; `--check` ends with status 1 where a page is not what the code says.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from autod_lib import store
from autod_lib.cli import app
from autod_lib.settings import setting_rows

FOLDER = Path(__file__).resolve().parent / "reference"


def cell(text: object) -> str:
    """A value in a table."""
    return " ".join(str(text or "").split()).replace("|", "\\|").replace("<", "&lt;")


def table(names: list[str], rows: list[list[object]]) -> list[str]:
    """The lines of a table."""
    return [f"| {' | '.join(names)} |", "|" + "---|" * len(names), *(f"| {' | '.join(map(cell, row))} |" for row in rows), ""]


def settings() -> str:
    """Every setting with what it does, what is allowed and its default."""
    rows: list[list[object]] = []
    for row in setting_rows():
        default = "data" if row["variable"] == "AUTOD_HOME" else row["default"]
        rows.append([f"`{row['variable']}`", row["description"], row["allowed"], f"`{default}`" if default else ""])
    head = ["# Settings", "", "Variables of the environment, or lines of `.env`; `autod doctor` prints what is in force, secrets hidden.", ""]
    return "\n".join(head + table(["variable", "what it does", "allowed", "default"], rows))


def commands() -> str:
    """Every command with its arguments and options."""
    lines = ["# Commands", "", "`autod COMMAND --help` says the same. Exit status and `--json` are as the README says.", ""]
    for name, command in _commands(typer.main.get_command(app), "autod"):
        context = command.make_context(name, [], resilient_parsing=True)
        lines += [f"## {name}", "", cell(command.help), "", f"    {' '.join([name, *command.collect_usage_pieces(context)])}", ""]
        rows: list[list[object]] = []
        for parameter in command.params:
            if parameter.name == "help" or parameter.hidden:
                continue
            written = (
                ", ".join([*parameter.opts, *parameter.secondary_opts])
                if parameter.param_type_name == "option"
                else parameter.metavar or parameter.name
            )
            value = parameter.metavar if parameter.param_type_name == "option" and not parameter.is_flag else ""
            rows.append([f"`{(written + ' ' + (value or '')).strip()}`", parameter.help])
        lines += table(["", ""], rows) if rows else []
        lines += [cell(command.epilog), ""] if command.epilog else []
    return "\n".join(lines)


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    for word, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, f"{name} {word}")
    if not hasattr(command, "commands"):
        yield name, command


def record() -> str:
    """Every table and view, with what its rows and columns are."""
    lines = [
        "# Tables and views",
        "",
        "`autod sql` and the notebooks read them; the views come first. Sums of money hold one kind of USD each: `is_simulated` tells it.",
        "",
    ]
    with tempfile.TemporaryDirectory() as home:
        store.load(Path(home))
        with store.reading(Path(home)) as con:
            relations = con.execute(
                "select view_name, comment, 'view' from duckdb_views() where not internal union all "
                "select table_name, comment, 'table' from duckdb_tables() order by 3 desc, 1"
            ).fetchall()
            columns = con.execute(
                "select table_name, column_name, data_type, comment from duckdb_columns() where not internal order by column_index"
            ).fetchall()
    for relation, comment, kind in relations:
        lines += [f"## {relation}", "", f"*{kind}.* {cell(comment)}", ""]
        lines += table(["column", "type", "what it is"], [[f"`{name}`", type_, about] for owner, name, type_, about in columns if owner == relation])
    return "\n".join(lines)


PAGES = {"settings.md": settings, "commands.md": commands, "record.md": record}


def main() -> None:
    """Writes or checks the pages."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="write nothing; end with status 1 where a page is not what the code says")
    is_check = options.parse_args().check
    old = []
    for name, make in PAGES.items():
        path, text = FOLDER / name, make()
        if is_check and (not path.exists() or path.read_text() != text):
            old.append(name)
        elif not is_check:
            FOLDER.mkdir(exist_ok=True)
            path.write_text(text)
    if old:
        sys.exit(f"docs/reference: {', '.join(old)} are not what the code says. Run `python docs/make_reference.py`.")


if __name__ == "__main__":
    for variable in [name for name in os.environ if name.startswith(("AUTOD_", "OPENAI_"))]:
        del os.environ[variable]
    main()
