"""Gold labels: how a row finds its document, what an import says and leaves out, whose label counts, and the way out and back in."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from autod_lib.errors import SettingsError, WorkspaceUnusable
from autod_lib.journal import Journal
from autod_lib.labels import UNNAMED, Label, export_labels, import_labels, record

from .pipeline import one, rows

SHA = {letter: letter * 64 for letter in "abcdef"}
LABELS = "select document_sha256, field, value, is_absent, alternatives from labels_current order by all"


def seen(home: Path, **paths: str) -> None:
    """Documents of these hashes at these paths."""
    with Journal(home) as journal:
        for letter, path in paths.items():
            columns = {"document_sha256": SHA[letter[0]], "path": path}
            journal.write("sighting", **columns)
            journal.write("document_read", **columns, file_name=Path(path).name, status="readable", page_count=1)


def test_the_same_file_twice_adds_nothing(home: Path, labels: Callable[..., Path]) -> None:
    """A schedule may import the labels every night: what is known is not stated again, and no run is recorded for nothing."""
    path = labels(f"sha256,doc_type,issuer,total_amount\n{SHA['a']},Invoice,Alder,10.00\n{SHA['b']},Letter,,<absent>\n")

    first, second = import_labels(home, path, labeller="anna"), import_labels(home, path, labeller="anna")

    assert (first.rows, first.added, first.unchanged, first.documents) == (2, 5, 0, 2)
    assert (second.rows, second.added, second.unchanged, second.documents) == (2, 0, 5, 0)
    assert one(home, "select count(*) from labels_log") == 5
    assert rows(home, "select command, state from runs_overview") == [("labels", "finished")]
    assert rows(home, "select distinct labeller, source from labels_log") == [("anna", "labels.csv")]


def test_a_row_finds_its_document_by_hash_name_or_path(home: Path, labels: Callable[..., Path]) -> None:
    """The hash decides; a path is matched from its end or whole; a name alone suffices where only one document has it."""
    seen(home, a="/in/2025/same.pdf", b="/in/2026/same.pdf", c="/in/2026/alone.pdf", d="/in/odd, name.pdf")
    path = labels(
        "file,sha256,doc_type\n"
        "2025/same.pdf,,Invoice\n"
        "/in/2026/same.pdf,,Letter\n"
        "alone.pdf,,Receipt\n"
        '"odd, name.pdf",,Report\n'
        f"alone.pdf,{SHA['e'].upper()},Contract\n"
    )

    report = import_labels(home, path)

    assert (report.added, report.unknown_documents, report.problems) == (5, [], [])
    found = rows(home, "select document_sha256[:1], value from labels_current order by all")
    assert found == [("a", "Invoice"), ("b", "Letter"), ("c", "Receipt"), ("d", "Report"), ("e", "Contract")]


def test_a_name_that_two_documents_have_is_reported_and_not_guessed(home: Path, labels: Callable[..., Path]) -> None:
    """A label on the wrong document would count as a wrong answer for ever."""
    seen(home, a="/in/2025/same.pdf", b="/in/2026/same.pdf")

    report = import_labels(home, labels("file,doc_type\nsame.pdf,Invoice\nnever-seen.pdf,Letter\n"))

    assert report.added == 0
    assert report.problems == ["row 2: 2 documents have the name 'same.pdf'; give their path or sha256"]
    assert report.unknown_documents == ["never-seen.pdf"]
    assert "autod ingest" in report.sentence()
    assert "2 documents have the name 'same.pdf'" in report.sentence()


def test_a_path_column_beats_a_name_column_in_any_order(home: Path, labels: Callable[..., Path]) -> None:
    """A file that has both names each document as precisely as it can."""
    seen(home, a="/in/2025/same.pdf", b="/in/2026/same.pdf")

    import_labels(home, labels("path,file_name,doc_type\n2025/same.pdf,same.pdf,Invoice\n", "one.csv"))
    import_labels(home, labels("file_name,path,doc_type\nsame.pdf,2026/same.pdf,Letter\n", "two.csv"))

    assert rows(home, "select document_sha256[:1], value from labels_current order by all") == [("a", "Invoice"), ("b", "Letter")]


def test_labels_of_a_document_that_is_not_known_yet_are_kept(home: Path, labels: Callable[..., Path]) -> None:
    """Labels may come before the document: by its hash nothing can be mistaken."""
    assert import_labels(home, labels(f"sha256,doc_type\n{SHA['a']},Invoice\n")).added == 1

    assert rows(home, LABELS) == [(SHA["a"], "doc_type", "Invoice", False, "[]")]


def test_alternatives_that_come_later_are_taken_and_a_file_without_them_takes_none_away(home: Path, labels: Callable[..., Path]) -> None:
    """A column that is not there says nothing; one that is there and blank says that there are none."""
    said = "select alternatives from labels_current"
    import_labels(home, labels(f"sha256,doc_type\n{SHA['a']},Agreement\n"))
    assert import_labels(home, labels(f"sha256,doc_type,doc_type_also_ok\n{SHA['a']},Agreement,Contract\n")).added == 1
    assert import_labels(home, labels(f"sha256,doc_type\n{SHA['a']},Agreement\n")).added == 0
    assert one(home, said) == '["Contract"]'

    assert import_labels(home, labels(f"sha256,doc_type,doc_type_also_ok\n{SHA['a']},Agreement,\n")).added == 1
    assert one(home, said) == "[]"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("doc_type", "Rechnung"),
        ("primary_date", "14.03.2026"),
        ("secondary_date", "2026-02-30"),
        ("total_amount", "1,234.50"),
        ("total_amount", "1e999"),
        ("total_amount", "NaN"),
        ("total_amount", "1_000"),
        ("currency", "€"),
        ("urgency_level", "soon"),
        ("tags", "["),
        ("language_detected", "english"),
        ("doc_type_also_ok", "Rechnung"),
        ("doc_type_also_ok", "<absent>"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_row_and_keeps_nothing_else_out(
    home: Path, labels: Callable[..., Path], column: str, value: str
) -> None:
    """The rest of the row, and the rows around it, are taken."""
    others = ",doc_type" if column != "doc_type" else ""
    kinds = [",Invoice", ",Letter"] if others else ["", ""]
    report = import_labels(home, labels(f'sha256,issuer,{column}{others}\n{SHA["a"]},Alder,{kinds[0]}\n{SHA["b"]},Finch,"{value}"{kinds[1]}\n'))

    [problem] = report.problems
    assert problem.startswith(f"row 3, {column}={value!r}: ")
    taken = rows(home, "select field, value, alternatives from labels_current order by all")
    assert column not in {field for field, _, _ in taken}
    assert [value for field, value, _ in taken if field == "issuer"] == ["Alder", "Finch"]
    assert {alternatives for _, _, alternatives in taken} == {"[]"}


def test_columns_that_hold_no_label_are_named(home: Path, labels: Callable[..., Path]) -> None:
    """A column with a typing error would otherwise be lost in silence; those that labels usually come with are no news."""
    report = import_labels(home, labels(f"sha256,doc_type,isuer,notes,pages\n{SHA['a']},Invoice,Alder,seen,2\n"))

    assert report.unknown_columns == ["isuer"]
    assert "Columns left out: 'isuer'." in report.sentence()


def test_other_column_names_can_be_given_their_field(home: Path, labels: Callable[..., Path]) -> None:
    """The short names work without being told, any other with a mapping."""
    path = labels(f"sha256,type,date,total,language,Absender\n{SHA['a']},Invoice,2026-03-14,5.00,DE,Alder\n")

    import_labels(home, path, mapping={"Absender": "issuer"})

    expected = {"doc_type": "Invoice", "primary_date": "2026-03-14", "total_amount": "5.00", "language_detected": "de", "issuer": "Alder"}
    assert dict(rows(home, "select field, value from labels_current")) == expected


def test_a_byte_order_mark_quoted_line_ends_and_empty_rows_are_read_as_a_spreadsheet_means_them(home: Path, labels: Callable[..., Path]) -> None:
    """Rows are numbered as a spreadsheet numbers them, whatever is inside a cell."""
    text = f'\ufeffsha256,issuer,currency\r\n{SHA["a"]},"Alder\n& Finch\u2028Ltd",EUR\r\n\r\n,,\r\n{SHA["b"]},"Say ""B""",euros\r\n'

    report = import_labels(home, labels(text))

    assert rows(home, "select value from labels_current where field = 'issuer' order by document_sha256") == [
        ("Alder\n& Finch\u2028Ltd",),
        ('Say "B"',),
    ]
    assert (report.rows, report.unknown_columns, report.unknown_documents) == (2, [], [])
    assert report.problems == ["row 5, currency='euros': not an ISO 4217 code"]


def test_a_row_with_more_cells_than_columns_is_left_out_and_named(home: Path, labels: Callable[..., Path]) -> None:
    """A comma that was not quoted would move every value behind it into the wrong field."""
    report = import_labels(home, labels(f"sha256,issuer,recipient\n{SHA['a']},Alder, Ltd,Weber\n{SHA['b']},Finch\n"))

    assert report.problems == ["row 2: 4 cells under 3 columns; put what has a comma in quotes"]
    assert rows(home, "select document_sha256, value from labels_current") == [(SHA["b"], "Finch")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        (b"", "there are: none"),
        (b"file,page\n", "there are: 'file', 'page'"),
        (b"doc_type\nInvoice\n", "a column file or sha256"),
        (b"file,issuer\na.pdf,\xff\n", "in UTF-8"),
        (b"file,issuer\n" + b"x" * 200_000 + b",A\n", "cannot be read"),
        (b"PAR1", "cannot be read"),
        (b"{", "cannot be read"),
    ],
)
def test_a_file_without_labels_is_refused_in_words(home: Path, tmp_path: Path, content: bytes | None, said: str) -> None:
    """Missing, empty, of other columns, or no text: the message names the file and what it needs, and nothing is recorded."""
    path = tmp_path / {b"PAR1": "labels.parquet", b"{": "labels.json"}.get(content or b"", "labels.csv")
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SettingsError, match=said) as caught:
        import_labels(home, path)

    assert str(path) in str(caught.value)
    assert one(home, "select count(*) from runs_overview") == 0


def test_of_one_labeller_the_newest_label_counts_and_every_one_is_kept(home: Path, labels: Callable[..., Path]) -> None:
    """Corrections are statements too: who said what, and when, stays; the report says how many took an earlier one's place."""
    first = import_labels(home, labels(f"sha256,doc_type\n{SHA['a']},Invoice\n"), labeller="anna")
    second = import_labels(home, labels(f"sha256,doc_type\n{SHA['a']},Receipt\n"), labeller="anna")

    assert (first.replaced, second.replaced) == (0, 1)
    assert "1 of them take the place of what the same labeller said before" in second.sentence()
    assert rows(home, "select value, labeller, statements from labels_current") == [("Receipt", "anna", 2)]
    assert rows(home, "select value, labeller from labels_log order by logged_at") == [("Invoice", "anna"), ("Receipt", "anna")]


def test_a_label_never_takes_the_place_of_another_labellers(home: Path, labels: Callable[..., Path]) -> None:
    """The one who labelled first counts, the contradiction is named each time it is imported, and settling it is a statement of its own."""
    seen(home, a="/in/a.pdf")
    head, one_says, other_says = "file,doc_type,doc_type_also_ok,issuer\n", "a.pdf,Invoice,,Alder Ltd\n", "a.pdf,Receipt,,ALDER LTD.\n"
    import_labels(home, labels(head + one_says), labeller="anna")
    for added in (2, 0):
        report = import_labels(home, labels(head + other_says), labeller="ben")

        assert (report.added, report.contradictions) == (added, ["'a.pdf', doc_type: anna says 'Invoice', ben says 'Receipt'"])
        assert "Labellers contradict each other (1): 'a.pdf', doc_type: anna says 'Invoice', ben says 'Receipt'." in report.sentence()
    assert rows(home, "select value, labeller, labellers from labels_current where field = 'doc_type'") == [("Invoice", "anna", 2)]
    assert one(home, "select doc_type from documents") == "Invoice"

    settled = import_labels(home, labels(head + other_says), labeller="ben", settles=True)

    assert (settled.added, settled.contradictions) == (2, [])
    assert rows(home, "select value, labeller from labels_current where field = 'doc_type'") == [("Receipt", "ben")]
    assert rows(home, "select field, other_labeller, is_settled from label_contradictions") == [("doc_type", "anna", True)]
    assert import_labels(home, labels(head + other_says), labeller="ben", settles=True).added == 0


def test_an_alternative_of_one_labeller_is_no_contradiction_of_the_other(home: Path, labels: Callable[..., Path]) -> None:
    """Who could defend both does not disagree."""
    import_labels(home, labels(f"sha256,doc_type,doc_type_also_ok\n{SHA['a']},Agreement,Contract\n"), labeller="anna")

    assert import_labels(home, labels(f"sha256,doc_type\n{SHA['a']},Contract\n"), labeller="ben").contradictions == []


def test_a_correction_made_elsewhere_outlives_the_nightly_import_of_the_file_it_corrects(home: Path, labels: Callable[..., Path]) -> None:
    """The file says nothing new; once it does, it counts."""
    path = labels(f"sha256,doc_type\n{SHA['a']},Invoice\n")
    import_labels(home, path, labeller="anna")
    assert record(home, [Label(SHA["a"], "doc_type", "Receipt", "anna", "32_review")]) == 1

    assert import_labels(home, path, labeller="anna").added == 0
    assert one(home, "select value from labels_current") == "Receipt"
    assert import_labels(home, labels(f"sha256,doc_type\n{SHA['a']},Letter\n"), labeller="anna").added == 1
    assert one(home, "select value from labels_current") == "Letter"


def test_two_rows_that_say_different_things_of_one_document_are_named(home: Path, labels: Callable[..., Path]) -> None:
    """Which of them is right a file cannot say: the first stays, and the second is no silent correction of it."""
    report = import_labels(home, labels(f"sha256,doc_type\n{SHA['a']},Invoice\n{SHA['b']},Letter\n{SHA['a']},Receipt\n{SHA['b']},Letter\n"))

    assert report.problems == ["row 4, doc_type='Receipt': row 2 says otherwise of the same document, and is kept"]
    assert (report.added, report.unchanged) == (2, 1)
    assert rows(home, "select value from labels_current order by document_sha256") == [("Invoice",), ("Letter",)]


def test_a_row_says_who_labelled_it_when_and_how(home: Path, labels: Callable[..., Path]) -> None:
    """One file of two labellers; what was said later counts, whichever row or file comes first."""
    text = (
        "sha256,labeller,labelled_at,label_source,currency\n"
        f"{SHA['a']},anna,2026-03-02T10:00:00+02:00,by eye,EUR\n{SHA['b']},ben,2026-03-02,,USD\n{SHA['c']},ben,soon,,CHF\n"
    )
    report = import_labels(home, labels(text), labeller="nobody")
    import_labels(home, labels(f"sha256,labeller,labelled_at,currency\n{SHA['a']},anna,2026-03-01,GBP\n", "older.csv"))

    assert report.problems == ["row 4, labelled_at='soon': not a time as YYYY-MM-DDTHH:MM:SS"]
    said = rows(home, "select value, labeller, source, labelled_at from labels_current where document_sha256 < ? order by value", SHA["c"])
    assert [row[:3] for row in said] == [("EUR", "anna", "labels.csv: by eye"), ("USD", "ben", "labels.csv")]
    assert [f"{row[3]:%d %H:%M}" for row in said] == ["02 08:00", "02 00:00"]


TYPED = [
    {"sha256": SHA["a"], "doc_type": "Invoice", "doc_type_also_ok": ["Receipt"], "total_amount": 119.5, "tags": ["green", "cloth"], "issuer": None},
    {"sha256": SHA["b"], "doc_type": "Letter", "doc_type_also_ok": None, "total_amount": None, "tags": [], "issuer": "=A"},
]


@pytest.mark.parametrize("kind", ["labels.json", "labels.ndjson", "labels.parquet"])
def test_typed_files_say_the_same_as_a_csv(home: Path, tmp_path: Path, kind: str) -> None:
    """Lists are lists, numbers are numbers, null is a blank and an empty list says that there is none."""
    path = tmp_path / kind
    if kind == "labels.parquet":
        pl.DataFrame(TYPED).write_parquet(path)
    else:
        path.write_text(json.dumps(TYPED) if kind == "labels.json" else "\n".join(map(json.dumps, TYPED)))

    report = import_labels(home, path)

    assert (report.added, report.problems) == (6, [])
    assert rows(home, "select field, value, is_absent, alternatives from labels_current order by document_sha256, field") == [
        ("doc_type", "Invoice", False, '["Receipt"]'),
        ("tags", '["green","cloth"]', False, "[]"),
        ("total_amount", "119.5", False, "[]"),
        ("doc_type", "Letter", False, "[]"),
        ("issuer", "=A", False, "[]"),
        ("tags", None, True, "[]"),
    ]


@pytest.mark.parametrize(
    ("field", "text", "stored"),
    [
        ("tags", "green; cloth", ["green", "cloth"]),
        ("tags", '["a;b"]', ["a;b"]),
        ("deadlines", "2026-04-13 payment; 2026-05-01", [("2026-04-13", "payment"), ("2026-05-01", None)]),
        ("deadlines", "soon", None),
        ("deadlines", "2026-04-13 lunch", None),
        ("deadlines", "[1]", None),
        ("action_items", "Pay it; Sign it", ["Pay it", "Sign it"]),
        ("action_items", '[{"description": "Pay it", "priority": "high"}]', ["Pay it"]),
        ("action_items", "[{}]", None),
        ("tags", "[", None),
    ],
)
def test_a_list_is_written_as_json_or_between_semicolons(home: Path, tmp_path: Path, field: str, text: str, stored: list[Any] | None) -> None:
    """What is no item of its kind is named, and the whole list with it left out: half a list would be a wrong label."""
    path = tmp_path / "labels.json"
    path.write_text(json.dumps([{"sha256": SHA["a"], field: text, "currency": "EUR"}]))

    report = import_labels(home, path)

    items = [json.loads(value) for (value,) in rows(home, "select value from labels_current where field = ?", field)]
    plain = {"tags": lambda item: item, "deadlines": lambda item: (item["date"], item["type"]), "action_items": lambda item: item["description"]}
    assert [list(map(plain[field], value)) for value in items] == ([] if stored is None else [stored])
    assert len(report.problems) == (stored is None)


def test_what_is_exported_comes_back_the_same_in_another_workspace(home: Path, tmp_path: Path, labels: Callable[..., Path]) -> None:
    """Names that a spreadsheet would take for formulas, negative amounts, absent values and alternatives survive the way out and in."""
    names = {"=A": "=A", "-B & Co": "-B & Co", "'@home": "@home", "'quoted": "'quoted", "''=A": "'=A", "'''+A": "''+A"}  # as written: as meant
    seen(home, a="/in/=1+1.pdf", b="/in/b.pdf")
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sha256", "doc_type", "doc_type_also_ok", "issuer", "recipient", "total_amount", "total_amount_also_ok", "currency"])
        for letter, name in zip("abcdef", names, strict=True):
            kind = ["Invoice", "Receipt;Statement"] if letter == "a" else ["Other", ""]
            writer.writerow([SHA[letter], *kind, name, "<absent>", "-5.00", "-4.90", "chf"])
    import_labels(home, tmp_path / "labels.csv")
    stored = rows(home, LABELS)
    assert [value for (value,) in rows(home, "select value from labels_current where field = 'issuer' order by document_sha256")] == list(
        names.values()
    )

    import_labels(home, labels(f"sha256,doc_type,tags\n{SHA['a']},Letter,green;cloth\n"), labeller="=ben")
    stored = rows(home, LABELS)
    for kind in ("json", "parquet"):
        assert export_labels(home, tmp_path / f"out.{kind}") == 6
        import_labels(tmp_path / kind, tmp_path / f"out.{kind}")
        assert rows(tmp_path / kind, LABELS) == stored
    assert export_labels(home, tmp_path / "out.csv") == 6
    other = tmp_path / "other"
    report = import_labels(other, tmp_path / "out.csv")

    assert rows(other, LABELS) == stored
    assert (report.problems, report.unknown_columns, report.added, len(report.contradictions)) == ([], [], len(stored) + 1, 1)
    assert rows(other, "select labeller, count(*) from labels_by_labeller group by all order by all") == [("=ben", 2), (UNNAMED, len(stored) - 1)]
    with (tmp_path / "out.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    cells = [row[name] for row in table for name in ("file", "labeller", "issuer", "recipient", "doc_type", "doc_type_also_ok")]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")]
    assert {row["total_amount"] for row in table} == {"-5.00", ""}


def test_an_export_that_cannot_be_written_says_so(home: Path, tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(WorkspaceUnusable, match=r"nowhere/out\.csv"):
        export_labels(home, tmp_path / "nowhere" / "out.csv")
