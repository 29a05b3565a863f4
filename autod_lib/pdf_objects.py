"""pypdf's reader, quicker where an object is plainly written: the same objects, from less work.

Decided here: what counts as plain. An object that stands where the cross-reference table says, under its own number, closed by `endobj`, no stream,
short and shallow, and written in the commonest forms alone: everything else is pypdf's, which mends what is broken and has limits for everything.
Promised: an object read here is, to its last part, the one that pypdf would have read (tests/test_pdf_objects.py holds them against each other).
Called by pdf_worker.py, in the guarded process.
"""

import re
from io import BytesIO
from typing import Any, Final

from pypdf import PdfReader
from pypdf.generic import ArrayObject, BooleanObject, DictionaryObject, FloatObject, IndirectObject, NameObject, NullObject, NumberObject, PdfObject
from pypdf.generic import create_string_object as string

LONGEST: Final = 20_000  # bytes of an object: it has fewer parts than pypdf's limits allow
DEEPEST: Final = 20
HEADER: Final = re.compile(rb"(\d{1,9}) (\d{1,5}) obj[\t\n\f\r ]*(?=[^\0\s%])")
END: Final = re.compile(rb"\s*endobj\b")
AFTER: Final = rb"(?=[\s()<>\[\]/])"
# What comes next: a name, a reference, a number with or without a point, a string, one in hexadecimal digits, a bracket, a word. What a number
# leaves open (it may begin a reference in an odd form) matches nothing.
TOKEN: Final = re.compile(
    rb"\s*(?:(/[!\"$&'*-.0-;=?-Z\\^-z|~]{1,120})" + AFTER + rb"|(\d{1,7})\s(\d{1,5})\sR" + AFTER + rb"|([+-]?\d{1,10})" + AFTER + rb"(?!\s+\d+\s+R)"
    rb"|([+-]?\d{1,8}\.\d{1,8})" + AFTER + rb"|\(([^()\\]*(?:\\[()\\][^()\\]*)*)\)|<((?:[0-9A-Fa-f]{2})*)>|(<<|>>|\[|\])"
    rb"|(true|false|null)" + AFTER + rb")"
)
NAME, NUMBER, GENERATION, WHOLE, BROKEN, STRING, DIGITS, BRACKET, WORD = range(1, 10)
WORDS: Final = {b"true": lambda: BooleanObject(True), b"false": lambda: BooleanObject(False), b"null": NullObject}


class Reader(PdfReader):
    """A PdfReader of a file's bytes that reads plain objects itself."""

    def __init__(self, data: bytes) -> None:
        self._bytes, self._file, self._is_ready = data, BytesIO(data), False
        super().__init__(self._file, strict=False)
        self._is_ready = True  # until then the cross-reference table is being read, and mended

    def read_object_header(self, stream: Any) -> tuple[int, int]:
        """Number and generation of the object at the stream's place, which moves behind them; pypdf asks for those of every object."""
        if stream is self._file and (header := self._header(stream.tell())):
            stream.seek(header.end())
            return int(header[1]), int(header[2])
        return super().read_object_header(stream)

    def _header(self, start: int) -> re.Match[bytes] | None:
        return HEADER.match(self._bytes, start, start + LONGEST)

    def get_object(self, indirect_reference: int | IndirectObject) -> PdfObject | None:
        """The object of a reference, as pypdf gives it."""
        if self._is_ready and self._encryption is None and isinstance(indirect_reference, IndirectObject):
            number, generation = indirect_reference.idnum, indirect_reference.generation
            start = self.xref.get(generation, {}).get(number)
            is_elsewhere = (
                (generation, number) in self.resolved_objects
                or (generation == 0 and number in self.xref_objStm)
                or self.xref_free_entry.get(generation, {}).get(number, False)
            )
            header = None if start is None or start < 0 or is_elsewhere else self._header(start)
            if header and (int(header[1]), int(header[2])) == (number, generation):
                found = plain(self._bytes, header.end(), self)
                if found is not None:
                    return self.cache_indirect_object(generation, number, found)
        return super().get_object(indirect_reference)


def plain(data: bytes, start: int, reader: PdfReader) -> PdfObject | None:
    """The object that begins there, if it is plain; else None."""
    limit = start + LONGEST
    parts: list[Any] = []
    above: list[tuple[list[Any], bool]] = []
    is_dictionary = False
    made: Any
    while token := TOKEN.match(data, start, limit):
        start, kind = token.end(), token.lastindex
        if kind == NAME:
            made = NameObject(token[NAME].decode("ascii"))
        elif kind == GENERATION:
            made = IndirectObject(int(token[NUMBER]), int(token[GENERATION]), reader)
        elif kind == WHOLE:
            made = NumberObject(token[WHOLE])
        elif kind == BROKEN:
            made = FloatObject(token[BROKEN])
        elif kind == STRING:
            made = string(re.sub(rb"\\(.)", rb"\1", token[STRING]))
        elif kind == DIGITS:
            made = string(bytes.fromhex(token[DIGITS].decode("ascii")))
        elif kind == WORD:
            made = WORDS[token[WORD]]()
        elif token[BRACKET] in (b"<<", b"["):
            above.append((parts, is_dictionary))
            parts, is_dictionary = [], token[BRACKET] == b"<<"
            if len(above) > DEEPEST:
                return None
            continue
        else:
            if not above or is_dictionary != (token[BRACKET] == b">>"):
                return None
            made = _dictionary(parts) if is_dictionary else ArrayObject(parts)
            if made is None:
                return None
            parts, is_dictionary = above.pop()
        parts.append(made)
        if not above:
            return made if END.match(data, start, limit) else None
    return None


def _dictionary(parts: list[Any]) -> DictionaryObject | None:
    """Names and values in turn; None where a name is missing or stands twice."""
    names = parts[::2]
    if len(parts) % 2 or not all(isinstance(name, NameObject) for name in names):
        return None
    made = DictionaryObject()
    made.update(zip(names, parts[1::2], strict=True))
    return made if len(made) == len(names) else None
