"""The sample documents under data/samples: made by their generator, labelled, and worth reading."""

import csv
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest
from pypdf import PdfReader

pytest.importorskip("reportlab", reason="the generator needs the dev dependencies reportlab and pillow")
pytest.importorskip("PIL", reason="the generator needs the dev dependencies reportlab and pillow")

FOLDER = Path(__file__).resolve().parents[1] / "data" / "samples"
DOC_TYPES = {
    "Invoice", "Receipt", "BankStatement", "CreditCardStatement", "UtilityBill", "Contract", "Agreement", "Letter", "Form",
    "Report", "Certificate", "TaxDocument", "InsuranceDocument", "MedicalRecord", "LegalDocument", "Other",
}  # fmt: skip
COLUMNS = (
    "file,sha256,pages,has_text_layer,doc_type,issuer,recipient,primary_date,secondary_date,total_amount,currency,language,doc_type_also_ok,notes"
)


def pdfs_under(folder: Path) -> dict[str, bytes]:
    """Every PDF under the folder by its relative path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.pdf"))}


def text_of(path: Path) -> str:
    """The text layer, white space made plain."""
    return " ".join("\n".join(page.extract_text() for page in PdfReader(path).pages).split())


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """The generator as a module."""
    spec = importlib.util.spec_from_file_location("make_samples", FOLDER / "make_samples.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_samples"] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made(generator: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the generator has just filled."""
    folder = tmp_path_factory.mktemp("samples")
    generator.write(folder)
    return folder


@pytest.fixture(scope="module")
def labels() -> list[dict[str, str]]:
    """The committed gold labels."""
    with (FOLDER / "labels.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def texts(labels: list[dict[str, str]]) -> dict[str, str]:
    """The text of every committed sample, empty for a scan."""
    return {row["file"]: text_of(FOLDER / row["file"]) for row in labels}


def test_the_command_makes_the_same_bytes_in_any_time_zone(made: Path, tmp_path: Path) -> None:
    """Neither the clock, the time zone nor Python's hash seed leaves a trace in a PDF or a label."""
    odd = {**os.environ, "TZ": "Pacific/Chatham", "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "86400"}
    done = subprocess.run([sys.executable, FOLDER / "make_samples.py", tmp_path], env=odd, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert pdfs_under(tmp_path) == pdfs_under(made)
    assert (tmp_path / "labels.csv").read_bytes() == (made / "labels.csv").read_bytes()


def test_the_committed_samples_are_what_the_generator_makes(generator: ModuleType, made: Path) -> None:
    """Nobody edited a sample by hand: bytes with the releases named in MADE_WITH, words and page counts with any other."""
    committed, fresh = pdfs_under(FOLDER), pdfs_under(made)
    assert committed.keys() == fresh.keys()
    if all(importlib.metadata.version(name) == release for name, release in generator.MADE_WITH.items()):
        assert [name for name in committed if committed[name] != fresh[name]] == []
        assert (FOLDER / "labels.csv").read_bytes() == (made / "labels.csv").read_bytes()
    else:
        for name in committed:
            assert text_of(FOLDER / name) == text_of(made / name), name
            assert len(PdfReader(FOLDER / name).pages) == len(PdfReader(made / name).pages), name


def test_every_pdf_has_one_label_with_its_hash(labels: list[dict[str, str]]) -> None:
    """labels.csv names each PDF once, by relative path, with the hash of its bytes, in the promised columns."""
    assert (FOLDER / "labels.csv").read_text(encoding="utf-8").splitlines()[0] == COLUMNS
    hashes = {name: hashlib.sha256(pdf).hexdigest() for name, pdf in pdfs_under(FOLDER).items()}

    assert Counter(row["file"] for row in labels) == Counter(hashes.keys())
    assert {row["file"]: row["sha256"] for row in labels} == hashes


def test_labels_say_what_the_pages_say(labels: list[dict[str, str]], texts: dict[str, str]) -> None:
    """Pages, issuer, recipient, year and total of each label stand in the document; a scan has no text at all."""
    for row in labels:
        name, text = row["file"], texts[row["file"]]
        assert len(PdfReader(FOLDER / name).pages) == int(row["pages"]), name
        assert (row["has_text_layer"] == "yes") == bool(text), name
        if not text:
            continue
        folded = text.casefold()
        missing = [party for party in (row["issuer"], row["recipient"]) if party.casefold() not in folded]
        assert missing == [], name
        if row["primary_date"]:
            day = date.fromisoformat(row["primary_date"])
            assert str(day.year) in text, name
            assert re.search(rf"\b0?{day.day}(?:st|nd|rd|th|er)?\b", text), name
        if row["total_amount"]:
            digits = re.sub(r"\D", "", row["total_amount"])
            assert digits in re.sub(r"(?<=\d)[.,'\s](?=\d)", "", text), (name, row["total_amount"])


def test_subtotal_and_taxes_add_up_to_the_total_as_printed(generator: ModuleType, labels: list[dict[str, str]], texts: dict[str, str]) -> None:
    """On every invoice with a text layer the printed subtotal plus the printed taxes is the labelled total, to the cent."""
    read = 0
    for row in labels:
        if row["doc_type"] != "Invoice" or not texts[row["file"]]:
            continue
        words = generator.WORDS[row["language"]]
        tail = texts[row["file"]].rpartition(f" {words['net']} ")[2]
        tail = re.sub(r"\([^)]*\)|[\d.,]+ %", "", tail)
        before, _, after = tail.partition(f" {words['total']} ")
        amount = r"-?[^\d\s-]{0,3}\d[\d.,' ]*\d"
        cents = [int(re.sub(r"[^\d-]", "", found)) for found in re.findall(amount, before)]
        total = int(Decimal(row["total_amount"]) * (1 if row["currency"] == "JPY" else 100))
        assert cents, row["file"]
        assert sum(cents) == total, (row["file"], cents, after[:20])
        read += 1
    assert read >= 15


def test_the_set_is_varied_and_small(labels: list[dict[str, str]]) -> None:
    """At least 48 PDFs in under 3 MB: every type but Unknown, six languages, many currencies, long ones and scans."""
    assert len(labels) >= 48
    assert sum(len(pdf) for pdf in pdfs_under(FOLDER).values()) < 3_000_000
    assert {row["doc_type"] for row in labels} == DOC_TYPES
    assert {row["language"] for row in labels} == {"en", "de", "fr", "es", "it", "nl"}
    assert {"USD", "EUR", "GBP", "CHF", "JPY"} <= {row["currency"] for row in labels}
    assert 6 <= sum(row["has_text_layer"] == "no" for row in labels) <= 8
    assert max(int(row["pages"]) for row in labels) == 12
    assert sum(int(row["pages"]) > 1 for row in labels) >= 6


def test_primary_dates_spread_over_2026(labels: list[dict[str, str]]) -> None:
    """A chart by week has something in most weeks: all dates fall in January to November 2026, in 30 weeks or more."""
    days = [date.fromisoformat(row["primary_date"]) for row in labels if row["primary_date"]]

    assert all(date(2026, 1, 1) <= day <= date(2026, 11, 30) for day in days)
    assert {day.month for day in days} == set(range(1, 12))
    assert len({day.isocalendar().week for day in days}) >= 30


def test_one_content_lies_under_two_names(labels: list[dict[str, str]]) -> None:
    """Exactly one pair of files has the same bytes, so that a duplicate can be shown."""
    twice = [sha for sha, count in Counter(row["sha256"] for row in labels).items() if count > 1]

    assert len(twice) == 1
    assert sorted(row["file"].startswith("copies/") for row in labels if row["sha256"] == twice[0]) == [False, True]


def test_the_awkward_ones_are_there(labels: list[dict[str, str]], texts: dict[str, str]) -> None:
    """A negative credit note, a past-due notice, a renewal deadline, an injected order and live script in a title."""
    by_file = {row["file"]: row for row in labels}

    assert Decimal(by_file["gutschrift_wolkenrad_GS2026-014.pdf"]["total_amount"]) < 0
    assert "PAST DUE" in texts["invoice_granite_fork_768350_past_due.pdf"]
    assert "not to renew by 31 December 2028" in texts["contract_ashdown_cleaning_services.pdf"]
    assert "Ignore all instructions" in texts["letter_complaint_delivery.pdf"]
    assert by_file["letter_complaint_delivery.pdf"]["total_amount"] == ""
    assert "<script>" in PdfReader(FOLDER / "programme_lumen_arcade_november.pdf").metadata.title
    assert PdfReader(FOLDER / "invoice_kestrel_to_sweden_1007.pdf").metadata.title.startswith("=HYPERLINK(")


def test_bank_statements_have_no_total(labels: list[dict[str, str]]) -> None:
    """By the labels' convention a bank statement has no total; its ending balance is in the notes."""
    banks = [row for row in labels if row["doc_type"] == "BankStatement"]

    assert len(banks) >= 3
    assert {row["total_amount"] for row in banks} == {""}
    assert all(row["notes"].startswith("ending balance ") for row in banks)


def test_a_statement_carries_its_balance_from_line_to_line(texts: dict[str, str]) -> None:
    """Beginning balance minus withdrawals plus deposits is the ending balance, as printed."""
    text = texts["statement_harborpine_jan.pdf"]

    def printed(word: str) -> Decimal:
        return Decimal(re.search(rf"{word} (-?)\$([\d,.]+\d)", text).expand(r"\1\2").replace(",", ""))

    assert printed("Beginning balance") - printed("Withdrawals") + printed("Deposits") == printed("Ending balance")
