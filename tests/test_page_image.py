"""A page as an image: where values stand, whatever the file is."""

import hashlib
import re
import struct
import zlib
from pathlib import Path

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas

from autod_lib.page_image import HEIGHT, WIDTH, Page, look, spelling
from autod_lib.pdf import guarded_environment

from .pipeline import make_pdf


def looked(path: Path, values: dict[str, str | None], **further: object) -> Page:
    """A look at a file as it is now."""
    return look([path], hashlib.sha256(path.read_bytes()).hexdigest(), values, guarded_environment(), **further)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value", "on_the_page", "is_there"),
    [
        ("total_amount", "1234.50", "Summe 1.234,50 EUR", True),
        ("total_amount", "1234.50", "$1,234.50", True),
        ("total_amount", "1234.50", "1 234,50 zł", True),
        ("total_amount", "360.00", "Total: 360 EUR", True),
        ("total_amount", "360.00", "1,360.00", False),
        ("total_amount", "60.00", "360.00", False),
        ("total_amount", "12.50", "12.505", False),
        ("total_amount", "-12.50", "-12.50", True),
        ("primary_date", "2026-03-04", "4. März 2026", True),
        ("primary_date", "2026-03-04", "March 4th, 2026", True),
        ("primary_date", "2026-03-04", "04/03/26", True),
        ("primary_date", "2026-03-04", "2026-03-04", True),
        ("primary_date", "2026-03-04", "4 de marzo de 2026", True),
        ("primary_date", "2026-03-04", "14. März 2026", False),
        ("primary_date", "2026-03-04", "4 May 2026", False),
        ("primary_date", "no day", "no day", True),
        ("doc_type", "BankStatement", "BANK STATEMENT", True),
        ("issuer", "Alder & Finch (Ltd.)", "Alder & Finch\r\n(Ltd.)", True),
        ("issuer", "Al", "Alder", False),
        ("currency", "EUR", "12 €", True),
    ],
)
def test_a_value_is_found_as_pages_spell_it(field: str, value: str, on_the_page: str, is_there: bool) -> None:
    """Dates and amounts as half of Europe writes them, and no part of another number."""
    pattern = spelling(field, value)

    assert pattern is not None
    assert (re.search(pattern, on_the_page, re.IGNORECASE) is not None) == is_there


def test_the_page_of_the_first_value_is_shown_with_frames_around_what_was_found(tmp_path: Path) -> None:
    """Frames are shares of the page from its upper left, on a turned page too."""
    path = tmp_path / "two.pdf"
    paper = canvas.Canvas(str(path), pagesize=A4, invariant=1)
    paper.drawString(60, 790, "Cover")
    paper.showPage()
    paper.setPageRotation(90)
    paper.drawString(60, 90, "360.00 EUR")
    paper.save()

    page = looked(path, {"issuer": "Nobody", "total_amount": "360.00", "recipient": None})
    width, height = struct.unpack(">II", page.png[16:24])

    assert (page.number, page.count, page.problem) == (2, 2, "")
    assert (width, height <= HEIGHT) == (WIDTH, True)
    assert len(zlib.decompress(page.png[page.png.index(b"IDAT") + 4 : -16])) == height * (3 * width + 1)
    assert set(page.places) == {"total_amount"}
    (place,) = page.places["total_amount"]
    assert place.page == 2
    assert place.left == pytest.approx(90 / A4[0], abs=0.01)  # turned to the right: what was 90 from below is 90 from the left
    assert place.top == pytest.approx(60 / A4[1], abs=0.01)
    assert 0 < place.right - place.left < place.bottom - place.top < 0.2  # its letters stand one below the other
    assert looked(path, {}, number=7).number == 2
    assert looked(path, {}).number == 1


def test_a_file_that_is_another_now_is_not_shown(tmp_path: Path) -> None:
    """What is beside the values is what they were read from."""
    path = make_pdf(tmp_path / "one.pdf", "No. 1")

    page = look([tmp_path / "gone.pdf", path], "0" * 64, {}, guarded_environment())

    assert (page.png, page.problem) == (b"", "The file has changed since it was read.")
    assert "no file" in look([tmp_path / "gone.pdf"], "0" * 64, {}, guarded_environment()).problem
    assert look([], "0" * 64, {}, guarded_environment()).problem == "No path of it is known."


def _bomb(path: Path) -> Path:
    """A page whose form draws ten forms that draw ten each, nine levels deep."""
    paper = canvas.Canvas(str(path), pagesize=A4, invariant=1)
    for level in range(10):
        paper.beginForm(f"level{level}")
        for _ in range(10):
            paper.doForm(f"level{level - 1}") if level else paper.line(0, 0, 500, 500)
        paper.endForm()
    paper.doForm("level9")
    paper.save()
    return path


def test_a_hostile_file_costs_its_picture_alone(tmp_path: Path) -> None:
    """Too long, too large, no PDF: a sentence, within the time, and this process is none the worse."""
    rubbish = tmp_path / "rubbish.pdf"
    rubbish.write_bytes(b"%PDF-1.7\n" + b"\0" * 5000)

    slow = looked(_bomb(tmp_path / "bomb.pdf"), {"doc_type": "Invoice"}, seconds=1.0)

    assert slow.png == b""
    assert "more than 1 seconds" in slow.problem or "ended with" in slow.problem
    assert "cannot be drawn" in looked(rubbish, {}).problem
    small = looked(make_pdf(tmp_path / "one.pdf", "No. 1"), {}, memory_bytes=40_000_000)
    assert small.png == b""
    assert "memory" in small.problem or "cannot be drawn" in small.problem
    assert "bytes" in looked(tmp_path / "one.pdf", {}, max_bytes=10).problem
