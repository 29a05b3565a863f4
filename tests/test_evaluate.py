"""Gold labels: how a row finds its document, what an import says and leaves out, the way out and back in, and what counts as right."""

import csv
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autod_lib.errors import SettingsError, WorkspaceUnusable
from autod_lib.evaluate import FIELDS, evaluation, export_labels, import_labels
from autod_lib.journal import Journal
from autod_lib.store import database

from . import ledger
from .pipeline import one, rows

SHA = {letter: letter * 64 for letter in "abcdef"}
LABELS = "select document_sha256, field, value, is_absent, alternatives from labels_current order by all"


@pytest.fixture
def home(tmp_path: Path, empty_database: Path) -> Path:
    """A workspace in which nothing has happened."""
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copyfile(empty_database, database(folder))
    return folder


@pytest.fixture
def labels(tmp_path: Path) -> Callable[..., Path]:
    """Writes a label file as it is given, byte for byte."""

    def write(text: str, name: str = "labels.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return write


def seen(home: Path, **paths: str) -> None:
    """Documents of these hashes at these paths."""
    with Journal(home) as journal:
        for letter, path in paths.items():
            columns = {"document_sha256": SHA[letter[0]], "path": path}
            journal.write("sighting", **columns)
            journal.write("document_read", **columns, file_name=Path(path).name, status="readable", page_count=1)


def answer(home: Path, letter: str, **fields: Any) -> None:
    """A valid answer about a document."""
    with Journal(home) as journal:
        journal.write(
            "extraction",
            call_id=str(uuid.uuid4()),
            document_sha256=SHA[letter],
            arm="an arm",
            is_simulated=False,
            is_valid=True,
            confidence_score=0.9,
            **fields,
        )


def judged(home: Path, field: str) -> list[tuple[Any, ...]]:
    """(document, is_right, is_right_strict) of a field."""
    return rows(home, "select document_sha256[:1], is_right, is_right_strict from scored_fields where field = ? order by all", field)


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
    import_labels(home, labels(f"sha256,doc_type\n{SHA['a']},Invoice\n"))
    answer(home, "a", doc_type="Invoice")

    assert judged(home, "doc_type") == [("a", True, True)]


def test_a_blank_is_not_scored_and_absent_says_that_there_is_none(home: Path, labels: Callable[..., Path]) -> None:
    """Not to have looked and to have found nothing are two things."""
    for letter in "abc":
        answer(home, letter, total_amount="5.00" if letter == "b" else None)
    import_labels(home, labels(f"sha256,doc_type,total_amount\n{SHA['a']},Other,<absent>\n{SHA['b']},Other,<absent>\n{SHA['c']},Other,  \n"))

    assert judged(home, "total_amount") == [("a", True, True), ("b", False, False)]


def test_an_alternative_is_right_but_not_strictly(home: Path, labels: Callable[..., Path]) -> None:
    """A kind that a careful reader could defend counts in one figure and not in the other."""
    answer(home, "a", doc_type="Contract")
    answer(home, "b", doc_type="Agreement")
    answer(home, "c", doc_type="Letter")
    text = "sha256,doc_type,doc_type_also_ok\n" + "".join(f"{SHA[letter]},Agreement,Contract; Report\n" for letter in "abc")
    import_labels(home, labels(text))

    assert judged(home, "doc_type") == [("a", True, False), ("b", True, True), ("c", False, False)]
    [by_field] = [row for row in evaluation(home)["accuracy_by_field"] if row["field"] == "doc_type"]
    assert (by_field["accuracy"], by_field["accuracy_strict"]) == (pytest.approx(2 / 3), pytest.approx(1 / 3))


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
    assert not rows(home, "select value from labels_current where field = ?", column)
    assert rows(home, "select value from labels_current where field = 'issuer' order by all") == [("Alder",), ("Finch",)]
    assert rows(home, "select distinct alternatives from labels_current") == [("[]",)]


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
    ],
)
def test_a_file_without_labels_is_refused_in_words(home: Path, tmp_path: Path, content: bytes | None, said: str) -> None:
    """Missing, empty, of other columns, or no text: the message names the file and what it needs, and nothing is recorded."""
    path = tmp_path / "labels.csv"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SettingsError, match=said) as caught:
        import_labels(home, path)

    assert str(path) in str(caught.value)
    assert one(home, "select count(*) from runs_overview") == 0


def test_a_later_label_overrides_an_earlier_one_and_both_are_kept(home: Path, labels: Callable[..., Path]) -> None:
    """Corrections are statements too: who said what, and when, stays."""
    import_labels(home, labels(f"sha256,doc_type\n{SHA['a']},Invoice\n"), labeller="anna")
    import_labels(home, labels(f"sha256,doc_type\n{SHA['a']},Receipt\n"), labeller="ben")

    assert rows(home, "select value, labeller, statements from labels_current") == [("Receipt", "ben", 2)]
    assert rows(home, "select value, labeller from labels_log order by logged_at") == [("Invoice", "anna"), ("Receipt", "ben")]


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

    assert export_labels(home, tmp_path / "out.csv") == 6
    other = tmp_path / "other"
    report = import_labels(other, tmp_path / "out.csv")

    assert rows(other, LABELS) == stored
    assert (report.problems, report.unknown_columns, report.added) == ([], [], len(stored))
    with (tmp_path / "out.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    cells = [row[name] for row in table for name in ("file", "issuer", "recipient", "doc_type", "doc_type_also_ok")]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")]
    assert {row["total_amount"] for row in table} == {"-5.00"}


def test_an_export_that_cannot_be_written_says_so(home: Path, tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(WorkspaceUnusable, match=r"nowhere/out\.csv"):
        export_labels(home, tmp_path / "nowhere" / "out.csv")


@pytest.fixture(scope="module")
def judged_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three weeks with labels."""
    folder = tmp_path_factory.mktemp("ledger")
    ledger.full(folder)
    return folder


def test_accuracy_comes_with_the_interval_that_scipy_gives(judged_ledger: Path) -> None:
    """Wilson's interval, checked against an implementation of other people for every arm and field."""
    from scipy.stats import binomtest

    by_field = evaluation(judged_ledger)["accuracy_by_field"]

    assert {row["field"] for row in by_field} == {*FIELDS, "(all)"}
    assert len({row["labelled"] for row in by_field}) > 2
    for row in by_field:
        interval = binomtest(row["right_answers"], row["labelled"]).proportion_ci(method="wilson")
        assert row["accuracy"] == row["right_answers"] / row["labelled"]
        assert (row["accuracy_low"], row["accuracy_high"]) == pytest.approx((interval.low, interval.high), abs=1e-6)


def test_an_evaluation_counts_what_scored_fields_lists(judged_ledger: Path) -> None:
    """Confusion and calibration hold each labelled kind once, and the accuracy of all fields is theirs together."""
    result = evaluation(judged_ledger)
    kinds = one(judged_ledger, "select count(*) from scored_fields where field = 'doc_type'")

    assert sum(row["documents"] for row in result["confusion"]) == kinds
    assert sum(row["documents"] for row in result["calibration"]) == kinds
    every = sum(row["labelled"] for row in result["accuracy_by_field"] if row["field"] == "(all)")
    assert every == sum(row["labelled"] for row in result["accuracy_by_field"] if row["field"] != "(all)") > 0


NAMES = [  # answered, true, whether that is right
    ("Banque du Rhône SA", "BANQUE DU RHONE, SA.", True),  # accents, case and punctuation apart
    ("Müller & Söhne", "Muller Sohne", True),
    ("Nordlicht Energie", "Nordlicht Energie GmbH", True),  # one within the other
    ("Nordlicht Energie GmbH, Kiel", "Nordlicht Energie GmbH", True),
    ("Volv", "AB Volvo", True),
    ("AB", "AB Volvo", False),  # within, but shorter than four characters
    ("Martha", "Marhta", True),  # Jaro-Winkler 0.961
    ("Alder & Finch Ltd", "Alder & Finch Limited", True),  # 0.969
    ("Dwayne", "Duane", False),  # 0.840
    ("Dixon", "Dicksonx", False),  # 0.813
    ("...", "Alder", False),
    (None, "Alder", False),
]
CODES = [  # field, answered, true, whether that is right
    ("total_amount", "360", "360.00", True),
    ("total_amount", "360.004", "360.00", True),
    ("total_amount", "360.01", "360.00", False),
    ("total_amount", "-5.00", "-5", True),
    ("primary_date", "2026-03-14", "2026-03-14", True),
    ("primary_date", "2026-03-15", "2026-03-14", False),
    ("currency", "EUR", "eur", True),
    ("language_detected", "de", "DE", True),
    ("language_detected", None, "de", False),
]


def scored(home: Path, cases: list[tuple[str, str | None, str, bool]], labels: Callable[..., Path]) -> dict[tuple[str, str | None, str, bool], bool]:
    """Each case (field, answered, true, expected) as a document of its own, and whether it is scored as right."""
    shas = [f"{number:064x}" for number in range(len(cases))]
    with Journal(home) as journal:
        for sha, (field, said, _, _) in zip(shas, cases, strict=True):
            answered = {field: said, "confidence_score": 0.9, "is_valid": True, "is_simulated": False}
            journal.write("extraction", call_id=str(uuid.uuid4()), document_sha256=sha, arm="an arm", **answered)
    table = "".join(f'{sha},"{truth}",{field}\n' for sha, (field, _, truth, _) in zip(shas, cases, strict=True))
    for field in {case[0] for case in cases}:
        lines = [line.rsplit(",", 1)[0] for line in table.splitlines() if line.endswith(field)]
        import_labels(home, labels("\n".join([f"sha256,{field}", *lines])))
    right = dict(rows(home, "select document_sha256, is_right from scored_fields"))
    return {case: right[sha] for sha, case in zip(shas, cases, strict=True)}


def test_a_name_is_right_when_a_person_would_say_so(home: Path, labels: Callable[..., Path]) -> None:
    """Accents, case and punctuation apart; one within the other from four characters on; nearly equal by Jaro-Winkler (0.93)."""
    cases: list[tuple[str, str | None, str, bool]] = [("issuer", *case) for case in NAMES]

    assert scored(home, cases, labels) == {case: case[3] for case in cases}


def test_the_edge_of_nearly_equal_lies_at_0_93(home: Path, labels: Callable[..., Path]) -> None:
    """The similarity is computed here by another library: just above the threshold is right, just below is wrong."""
    from rapidfuzz.distance import JaroWinkler

    pairs = [("abcdefghij", "abcdefgxyz"), ("abcdefghij", "abcdefxhij"), ("abcdefghij", "abcxyfghij"), ("abcdefghij", "axcdexghij")]
    near = {pair: JaroWinkler.similarity(*pair) for pair in pairs}
    cases: list[tuple[str, str | None, str, bool]] = [("issuer", *pair, near[pair] >= 0.93) for pair in pairs]

    assert {case[3] for case in cases} == {True, False}
    assert scored(home, cases, labels) == {case: case[3] for case in cases}


def test_amounts_dates_and_codes_must_be_the_same(home: Path, labels: Callable[..., Path]) -> None:
    """The same cent, the same day, the same code: nothing is nearly right."""
    cases: list[tuple[str, str | None, str, bool]] = list(CODES)

    assert scored(home, cases, labels) == {case: case[3] for case in cases}
