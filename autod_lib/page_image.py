"""One page of a PDF as an image, and where values stand in the document, made by a process of its own.

Decided here: how large an image is, how many pages are searched, and what a spelling of a value on a page is. Promised: the bytes that are shown are
those whose hash was asked for; the process has the limits of a reader, gets nothing of this one's keys and settings, runs no script and fills no
form, and whatever the file is, `look` gives a page or a sentence. Called by review.py.
"""

import hashlib
import json
import os
import re
import resource
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from .pdf_worker import Stop, read_once, set_limit

WIDTH, HEIGHT = 1000, 2000  # pixels of an image at most
SEARCHED: Final = 20  # pages
PLACES: Final = 6  # of one value
LARGEST: Final = 16_000_000  # bytes of a header and an image: no image of that size takes more
UNIT: Final = 1_000_000  # PDFium gives places as whole numbers of a page that is so wide and high


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: the page, from 1, and the box as shares of its width and height from the upper left."""

    page: int
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Page:
    """One page, `number` of `count`, as a PNG image, and the places of each value that was found; without an image, `problem` says why."""

    number: int = 0
    count: int = 0
    png: bytes = b""
    places: dict[str, list[Place]] = field(default_factory=dict)
    problem: str = ""


def look(
    paths: Iterable[Path],
    sha256: str,
    values: Mapping[str, str | None],
    environment: Mapping[str, str],
    *,
    number: int | None = None,
    seconds: float = 10.0,
    memory_bytes: int = 1_000_000_000,
    max_bytes: int = 50_000_000,
) -> Page:
    """A page of the document of this hash at any of these paths; without a number, that of the first of `values` (by field) that is found.

    The process gets `environment`, `seconds` and `memory_bytes`. Raises nothing for a document.
    """
    wanted = {name: pattern for name, value in values.items() if value and (pattern := spelling(name, value))}
    limits = {"seconds": seconds, "memory_bytes": memory_bytes, "max_bytes": max_bytes}
    asked = {"paths": [os.fsencode(path).hex() for path in paths], "sha256": sha256, "wanted": wanted, "number": number} | limits
    command = [sys.executable, "-P", "-m", "autod_lib.page_image"]
    with tempfile.TemporaryFile() as answer:  # not a pipe: its size is limited in the process that writes it
        try:
            done = subprocess.run(
                command,
                input=json.dumps(asked).encode(),
                stdout=answer,
                stderr=subprocess.DEVNULL,
                env=dict(environment),
                timeout=seconds + 2,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Page(problem=f"Drawing the page takes more than {seconds:g} seconds. Open the file itself, with care.")
        answer.seek(0)
        header, _, png = answer.read(LARGEST).partition(b"\n")
    try:
        facts = json.loads(header)
        if "problem" in facts:
            return Page(problem=str(facts["problem"]))
        places = {name: [Place(*place) for place in found] for name, found in facts["places"].items()}
        return Page(facts["number"], facts["count"], png, places)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Page(problem=f"The process that draws the page ended with {done.returncode}, most likely for want of memory.")


# ---------------------------------------------------------------- what is looked for
MONTHS: Final = (
    *("jan|ene|gen|sty", "feb|fe[vb]|fév|lut", "mar|mär|maa|mrz", "apr|abr|avr|kwi", "may|mai|maj|mag|mei", "jun|juin|giu|cze"),
    *("jul|juil|lug|lip", "aug|ago|ao[uû]|sie", "sep|set|wrz", "o[ckt]t|out|paź", "nov|lis", "de[cz]|dic|déc|gru"),
)
"""Beginnings of the months in the languages of western Europe and Polish."""

SIGNS: Final = {"EUR": "€", "USD": r"\$", "GBP": "£", "JPY": "¥", "INR": "₹", "CHF": r"Fr\.", "PLN": "zł"}


def spelling(name: str, value: str) -> str | None:
    """A regular expression of the ways in which a page may spell a field's value; None where it is no text to be looked for.

    >>> bool(re.search(spelling("total_amount", "1234.50"), "Summe 1.234,50 EUR")), spelling("language_detected", "de")
    (True, None)
    """
    if name in ("language_detected", "urgency_level"):
        return None
    if name in ("primary_date", "secondary_date"):
        with suppress(ValueError):
            return _day(date.fromisoformat(value))
    if name == "total_amount":
        with suppress(InvalidOperation):
            return _amount(Decimal(value))
    if name == "currency":
        return rf"\b{re.escape(value)}\b" + (f"|{SIGNS[value]}" if value in SIGNS else "")
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", value).split() if name == "doc_type" else value.split()
    return r"(?<!\w)" + r"\s+".join(map(re.escape, words)) + r"(?!\w)" if words else None


def _amount(amount: Decimal) -> str:
    whole, _, cents = f"{abs(amount):,.2f}".partition(".")
    end = r"(?:[.,](?:00?|-+))?" if cents == "00" else rf"[.,]{cents}"
    return r"(?<![\d.,])(?<!\d[ '’])" + r"[.,'’\s]?".join(whole.split(",")) + end + r"(?![.,]?\d)"


def _day(day: date) -> str:
    year, month, number = rf"(?:{day.year}|'?{day.year % 100:02d})", MONTHS[day.month - 1], rf"0?{day.day}"
    gap, ordinal = r"\s?[-./]\s?", r"(?:st|nd|rd|th|º|\.)?"
    ways = (
        rf"{day.year}{gap}0?{day.month}{gap}{number}",
        rf"{number}{gap}0?{day.month}{gap}{year}",
        rf"0?{day.month}{gap}{number}{gap}{year}",
        rf"{number}{ordinal}[\s-]*(?:(?:of|de)\s+)?(?:{month})\w*\.?,?[\s-]*(?:de\s+)?{year}",
        rf"(?:{month})\w*\.?\s*{number}{ordinal}\s*,?\s*{year}",
    )
    return rf"(?<!\d)(?:{'|'.join(ways)})(?!\d)"


# ---------------------------------------------------------------- within the process
def find(document: Any, wanted: Mapping[str, str]) -> dict[str, list[tuple[int, float, float, float, float]]]:
    """The places of each pattern in the first SEARCHED pages, at most PLACES of each, as the fields of a Place."""
    import pypdfium2

    patterns = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in wanted.items()}
    places: dict[str, list[tuple[int, float, float, float, float]]] = {}
    for number in range(min(len(document), SEARCHED)):
        page = document[number]
        words = page.get_textpage()
        text = words.get_text_range()
        to_shares = pypdfium2.PdfPosConv(page, (0, 0, UNIT, UNIT, 0))
        for name, pattern in patterns.items():
            found = places.setdefault(name, [])
            for match in pattern.finditer(text):
                if len(found) >= PLACES:
                    break
                first, last = (pypdfium2.raw.FPDFText_GetCharIndexFromTextIndex(words, place) for place in (match.start(), match.end() - 1))
                for box in range(words.count_rects(first, last - first + 1)) if 0 <= first <= last else ():
                    left, bottom, right, top = words.get_rect(box)
                    across, down = zip(to_shares.to_bitmap(left, top), to_shares.to_bitmap(right, bottom), strict=True)
                    found.append((number + 1, min(across) / UNIT, min(down) / UNIT, max(across) / UNIT, max(down) / UNIT))
    return {name: found for name, found in places.items() if found}


def draw(page: Any) -> bytes:
    """A page as a PNG image of at most WIDTH by HEIGHT pixels."""
    width, height = page.get_size()
    if not (width > 0 and height > 0):
        raise ValueError("the page has no size")
    bitmap = page.render(scale=min(WIDTH / width, HEIGHT / height), may_draw_forms=False, rev_byteorder=True)
    pixels, stride = bytes(bitmap.buffer), bitmap.stride
    rows = b"".join(b"\0" + pixels[row * stride : row * stride + 3 * bitmap.width] for row in range(bitmap.height))
    header = struct.pack(">IIBBBBB", bitmap.width, bitmap.height, 8, 2, 0, 0, 0)  # eight bits, red, green and blue
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 3)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _data(asked: Mapping[str, Any]) -> bytes:
    """The bytes of the document. Raises: Stop when no path has them."""
    reason = "No path of it is known."
    for path in map(bytes.fromhex, asked["paths"]):
        try:
            data = read_once(os.path.realpath(path), None, asked["max_bytes"])
        except Stop as stop:
            reason = str(stop.facts["sentence"])
            continue
        if hashlib.sha256(data).hexdigest() == asked["sha256"]:
            return data
        reason = "The file has changed since it was read."
    raise Stop("not_a_file", reason)


def answer(asked: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """What is said of the document, and the image."""
    try:
        data = _data(asked)
        import pypdfium2

        with pypdfium2.PdfDocument(data) as document:
            places = find(document, asked["wanted"])
            first = next((places[name][0][0] for name in asked["wanted"] if name in places), 1)
            number = min(max(asked["number"] or first, 1), len(document))
            return {"number": number, "count": len(document), "places": places}, draw(document[number - 1])
    except Stop as stop:
        return {"problem": stop.facts["sentence"]}, b""
    except MemoryError:
        return {"problem": "Drawing the page takes more memory than a document may take."}, b""
    except Exception as error:
        return {"problem": f"The page cannot be drawn ({type(error).__name__}: {str(error)[:200]})."}, b""


def main() -> None:
    """Answer the one request on standard input, within its limits."""
    asked = json.loads(sys.stdin.buffer.read())
    set_limit(resource.RLIMIT_AS, asked["memory_bytes"])
    set_limit(resource.RLIMIT_CPU, int(asked["seconds"]) + 1)
    set_limit(resource.RLIMIT_CORE, 0)
    set_limit(resource.RLIMIT_FSIZE, LARGEST)
    facts, png = answer(asked)
    sys.stdout.buffer.write(json.dumps(facts).encode() + b"\n" + png)


if __name__ == "__main__":
    main()
