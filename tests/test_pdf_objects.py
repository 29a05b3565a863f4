"""Plain objects are read here, all others by pypdf: whichever it is, nobody can tell from what comes out."""

import logging
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject, StreamObject, TextStringObject

from autod_lib.pdf_objects import HEADER, Reader, plain

SAMPLES = sorted((Path(__file__).parents[1] / "data" / "samples").glob("*.pdf"))


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """pypdf tells of everything that it mends."""
    caplog.set_level(logging.CRITICAL, "pypdf")


def whole(part: Any) -> Any:
    """All that there is to an object, with the types of its parts."""
    kind = type(part)
    if isinstance(part, DictionaryObject):
        data = part._data if isinstance(part, StreamObject) else None
        return kind, [(whole(name), whole(value)) for name, value in part.items()], data
    if isinstance(part, ArrayObject):
        return kind, [whole(each) for each in part]
    if isinstance(part, IndirectObject):
        return kind, part.idnum, part.generation
    if isinstance(part, TextStringObject):
        marks = part.autodetect_utf16, part.autodetect_pdfdocencoding, part.utf16_bom
        return kind, str(part), part.original_bytes, marks
    return kind, repr(part)


def read(reader: PdfReader, number: int, generation: int = 0) -> Any:
    """An object with its own reference, or what it failed by."""
    try:
        found = IndirectObject(number, generation, reader).get_object()
        return whole(found), whole(getattr(found, "indirect_reference", None))
    except Exception as error:
        return type(error), str(error)


def document(text: bytes, number: int = 1) -> bytes:
    """A PDF whose object of that number is this text."""
    start = b"%PDF-1.7\n"
    objects = [b"%d 0 obj\n%s\nendobj\n" % (number, text), b"2 0 obj\n<</Type/Catalog/Pages 3 0 R>>\nendobj\n"]
    table = b"".join(b"%010d 00000 n \n" % (len(start) + len(b"".join(objects[:place]))) for place in range(2))
    body = start + b"".join(objects)
    return body + b"xref\n0 1\n0000000000 65535 f \n1 2\n" + table + b"trailer\n<</Size 3/Root 2 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(body)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_object_of_a_document_is_as_pypdf_reads_it(path: Path) -> None:
    """Streams, and objects within streams, too."""
    data = path.read_bytes()
    ours, theirs = Reader(data), PdfReader(BytesIO(data))
    places = [(number, generation) for generation, known in theirs.xref.items() for number in known] + [(number, 0) for number in theirs.xref_objStm]
    assert places
    assert [read(ours, *place) for place in places] == [read(theirs, *place) for place in places]


PLAIN = [
    b"<< /Type /Page /MediaBox [0 0 595.28 -841.89] /Parent 7 0 R /Rotate +90 /Resources << /Font << /F1 12 0 R >> /ProcSet [/PDF/Text] >> >>",
    rb"<</Title(a \(b\) \\ c)/Trapped/False/ID[<00ff><>]/Creator(two" + b"\n" + rb"lines)/Empty()/T true/F false/N null>>",
    b"[1 0 R 2 3 4.5 /Name (\xfe\xff\x00a) <FEFF0061> (caf\xe9) [] <<>>]",
    b"42",
    b"(alone)",
    b"null",
]
ODD = [
    b"<< /A 1 /A 2 >>",
    b"<< /A#20B 1 >>",
    b"<< /A % comment\n 1 >>",
    b"<< 1 2 >>",
    b"<< [1] 2 >>",
    b"<< /A >>",
    b"[1  0 R +1 0 R 1 0 Rx 1 0\nR 12345678901234567890 1 0 R 1. .5 --3 1,2 1-2]",
    rb"(\101 \x nested (round) \n)",
    b"<0 0f>",
    b"<abc>",
    b"<</Length 3>>\nstream\nabc\nendstream",
    b"[" * 40 + b"]" * 40,
    b"<< /A [1 2 >> ]",
    b"[1 2",
    b"]",
    b"trueish",
    b"/" + b"n" * 300,
    b"/caf\xc3\xa9",
    b"[" + b"1 " * 12_000 + b"]",
    b"1 0 obj",
    b"",
]


@pytest.mark.parametrize("text", PLAIN + ODD, ids=lambda text: repr(text[:30]))
def test_an_object_is_as_pypdf_reads_it_however_it_is_written(text: bytes) -> None:
    """Or fails as it does there; those that are plain are read here."""
    data = document(text)
    assert read(Reader(data), 1) == read(PdfReader(BytesIO(data)), 1)
    start = HEADER.match(data, data.index(b"1 0 obj"))
    found = plain(data, start.end(), PdfReader(BytesIO(data))) if start else None
    assert (found is not None) == (text in PLAIN)


WORDS = r"<< >> [ ] /A /B /Kids /a#41 0 3 5 -2 +7 1.5 .5 2. 99999999 (a) (b\)c) (\( ( ) <41> <4> < > true false null nul % \ { } R obj endobj stream"
PARTS = st.sampled_from([*WORDS.split(), "1 0 R", "1  0 R"])


@settings(max_examples=400)
@given(st.lists(st.tuples(PARTS, st.sampled_from(["", " ", " ", "\n", "\r\n", "\0", "  "])), max_size=14), st.booleans())
def test_any_parts_in_any_order_are_as_pypdf_reads_them(parts: list[tuple[str, str]], is_dictionary: bool) -> None:
    """Whatever stands where an object should."""
    text = "".join(part + space for part, space in parts)
    data = document((f"<<{text}>>" if is_dictionary else text).encode())
    assert read(Reader(data), 1) == read(PdfReader(BytesIO(data)), 1)


def test_an_object_under_another_number_is_left_to_pypdf() -> None:
    """It looks for the right one elsewhere in the file; names are those of pypdf, too."""
    data = document(b"<</Type/Font>>", number=9)
    assert read(Reader(data), 1) == read(PdfReader(BytesIO(data)), 1)
    assert isinstance(next(iter(Reader(data).root_object)), NameObject)
