"""What runs inside one guarded reader process: a PDF's bytes in, facts about it out.

Decided here: how a file is opened (once, regular files only, nothing followed unasked), what counts as a page, which damage rejects a document
and which only flags it, and when a text layer is good. Promised: hash, page count, text and base64 all come from one and the same read; pages
are counted by walking the tree, never taken from /Count; no exception leaves a document; images are never decoded, no script is run, no
external entity is resolved and no other program is started.

Structure is read by pypdf, which has limits for everything. So is the text of large, looping or faulty documents; that of ordinary ones is
read by PDFium, three times as quick on real documents with as many words found, and by pypdf where PDFium finds none.

Started by pdf.py as `python -m autod_lib.pdf_worker`, spoken to over one socket, ended when that socket closes. It never writes a file, never
uses the network, and gets nothing of its parent's environment but the path of shared libraries.
"""

import base64
import errno
import gc
import hashlib
import json
import logging
import os
import re
import resource
import select
import signal
import socket
import stat
import struct
import sys
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pybase64

if TYPE_CHECKING:
    from pypdf import PdfReader
    from pypdf.generic import DictionaryObject

HEADER = struct.Struct(">cI")
"""A frame: one letter (r ready, x cannot start, q request, j facts as JSON, f length of the base64 in the shared file, e end), then its length."""

TEXT, FILE, COUNT = 1, 2, 4
"""Wishes of a request: the text, the file in base64, or only the tokens of the text that is the request's rest."""

MAX_DEPTH = 100
"""Levels of a page tree; pypdf's own limit. Balanced trees of a million pages have fewer than ten."""

Facts = dict[str, Any]


class Stop(Exception):
    """The document is settled before its end: rejected or quarantined, with a reason code and a sentence."""

    def __init__(self, problem: str, sentence: str, *, status: str = "rejected", facts: Facts | None = None) -> None:
        self.facts: Facts = {**(facts or {}), "status": status, "problem": problem, "sentence": sentence}


# ---------------------------------------------------------------- the single read
def read_once(path: bytes, inbox: bytes | None, max_bytes: int) -> bytes:
    """The bytes of a regular file, read once.

    A symbolic link is followed only to a regular file inside `inbox`. Raises: Stop with not_a_file, outside_inbox, unreadable, too_large or
    changed_while_read.
    """
    try:
        seen = os.lstat(path)
        target = path
        if stat.S_ISLNK(seen.st_mode):
            target = os.path.realpath(path)
            seen = os.lstat(target)
        if not stat.S_ISREG(seen.st_mode):
            raise Stop("not_a_file", f"It is {_kind_of(seen.st_mode)}, not a file; it was not opened. Give the path of a PDF file.")
        if (inbox is None and target is not path) or (inbox is not None and not _is_inside(target, inbox)):
            raise Stop(
                "outside_inbox",
                "It leads to a file outside the folder that was named; it was not opened. Name the file itself, or allow links that lead outside.",
            )
        if seen.st_size > max_bytes:
            raise Stop(
                "too_large",
                f"It has {seen.st_size:,} bytes, more than the {max_bytes:,} allowed; not a byte was read. Split it, or raise max_pdf_bytes.",
            )
        # Without O_NONBLOCK a FIFO put there since the look would hang; with O_NOFOLLOW a link put there is an error.
        descriptor = os.open(target, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            before = os.fstat(descriptor)
            data = _read_up_to(descriptor, before.st_size + 1) if _same(seen, before) else b""
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except PermissionError as error:
        raise Stop("unreadable", f"It cannot be opened: {error.strerror}. Give this user the right to read it.") from None
    except (FileNotFoundError, NotADirectoryError):
        raise Stop("not_a_file", "There is no file at this path (or a link that leads nowhere). Check the path.") from None
    except OSError as error:
        if error.errno in _NOT_A_FILE_ERRORS:
            raise Stop("not_a_file", f"There is no file at this path: {error.strerror}. Check the path.") from None
        raise Stop("unreadable", f"It cannot be read: {error.strerror}. Check the disk, then try again.") from None
    if not _same(seen, before) or not _same(before, after) or len(data) != before.st_size:
        raise Stop("changed_while_read", _CHANGED)
    return data


_CHANGED = "It changed while it was read, so someone may still be writing it; nothing of it was used. Ingest it again."
_NOT_A_FILE_ERRORS = {errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO}


def _is_growing(path: bytes, size: int) -> bool:
    """Whether a file that looks cut or damaged is still being written: a copy in progress is longer a moment later."""
    time.sleep(0.1)
    try:
        return os.lstat(os.path.realpath(path)).st_size != size
    except OSError:
        return True


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_ino, one.st_dev, one.st_size, one.st_mtime_ns) == (
        other.st_ino,
        other.st_dev,
        other.st_size,
        other.st_mtime_ns,
    )


def _read_up_to(descriptor: int, size: int) -> bytes:
    first = os.read(descriptor, size)
    parts, total = [first], len(first)
    while total < size and (part := os.read(descriptor, size - total)):
        parts.append(part)
        total += len(part)
    return first if len(parts) == 1 else b"".join(parts)


def _is_inside(target: bytes, inbox: bytes) -> bool:
    folder = os.path.realpath(inbox)
    return os.path.realpath(target).startswith(folder if folder.endswith(b"/") else folder + b"/")


def _kind_of(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFLNK: "a link to itself"}
    return kinds.get(stat.S_IFMT(mode), "a device")


# ---------------------------------------------------------------- before any parser sees it
_SIGNATURES = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "a ZIP archive or an Office document",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"II*\0": "a TIFF image",
    b"MM\0*": "a TIFF image",
    b"MZ": "a Windows program",
    b"\x7fELF": "a program",
    b"#!": "a script",
    b"{\\rtf": "RTF",
    b"%!PS": "PostScript",
}


def looks_like(data: bytes) -> str:
    """What the first bytes look like, in words; '' when nothing known."""
    for signature, name in _SIGNATURES.items():
        if data.startswith(signature):
            return name
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if re.match(rb"<!doctype html|<html|<head|<body|<script|<svg", start):
        return "HTML"
    return "XML" if start.startswith(b"<?xml") else ""


_HEADER_LINE = re.compile(rb"%[^\r\n%]{0,64}?PDF-")
"""The header is a comment that says PDF-; readers take it with something before these letters, too."""


def check_header(data: bytes) -> list[str]:
    """The flags that the first 1,024 bytes earn. Raises: Stop with empty_file or not_a_pdf."""
    if not data:
        raise Stop("empty_file", "It has no bytes. Fetch or scan it again.")
    found = _HEADER_LINE.search(data, 0, 1024)
    start = found.start() if found else -1
    if start < 0:
        other = looks_like(data)
        raise Stop(
            "not_a_pdf",
            "It has no %PDF- in its first 1,024 bytes" + (f"; it looks like {other}" if other else "") + ". Give the PDF itself.",
        )
    return ["polyglot"] if start and looks_like(data) else []


def is_cut(data: bytes) -> bool:
    """Whether the end is missing: no %%EOF, or objects after the last one (a linearized file has one near its start)."""
    end = data.rfind(b"%%EOF")
    return end < 0 or b" obj" in data[end:]


# ---------------------------------------------------------------- structure
class Warnings(logging.Handler):
    """What pypdf says while it repairs; nothing of it reaches a terminal."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first hundred messages of a document."""
        if len(self.messages) < 100:
            self.messages.append(str(record.msg))


def open_pdf(data: bytes) -> tuple["PdfReader", list[str]]:
    """A reader of an unencrypted or emptily encrypted document, and its flags. Raises: Stop, and whatever pypdf raises."""
    from pypdf import PasswordType
    from pypdf.errors import DependencyError

    from .pdf_objects import Reader

    try:
        reader = Reader(data)
        if not reader.is_encrypted:
            return reader, []
        opened = reader.decrypt("")
        if opened == PasswordType.OWNER_PASSWORD and not _opens_for_users(reader):
            opened = PasswordType.NOT_DECRYPTED
    except DependencyError as error:
        raise Stop(
            "missing_package",
            f"It is encrypted, and the package that opens it is missing here ({clean(str(error), 200)}). "
            "Install pypdf[crypto], then ingest it again.",
        ) from None
    except NotImplementedError as error:
        reason = clean(str(error), 200)
        raise Stop("encrypted", f"Its encryption is not supported ({reason}). Save an unlocked copy and ingest that.") from None
    if opened == PasswordType.NOT_DECRYPTED:
        raise Stop("encrypted", "It needs a password to open. Save an unlocked copy and ingest that.")
    return reader, ["encrypted_empty_password"]


def _opens_for_users(reader: "PdfReader") -> bool:
    """Whether the empty *user* password opens it. pypdf tries the owner's first, but a viewer asks whoever is not the user (ISO 32000-2, 7.6.4)."""
    from pypdf._encryption import AlgV4, AlgV5

    encryption = reader._encryption
    if encryption is None:
        return True
    values = encryption.values
    if encryption.V >= 5:
        return bool(AlgV5.verify_user_password(encryption.R, b"", values.U, values.UE))
    return bool(
        AlgV4.verify_user_password(
            b"",
            encryption.R,
            encryption.Length,
            values.O,
            values.U,
            encryption.P,
            encryption.id1_entry,
            encryption.EncryptMetadata,
        )
    )


def count_pages(catalog: "DictionaryObject", max_entries: int) -> tuple[int, int]:
    """Pages found by walking the tree, and entries that lead to no page. Raises: Stop with no_pages, page_tree_loop, too_deep, limit_reached."""
    from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

    def kids_of(node: DictionaryObject) -> Iterator[Any]:
        kids = node.get("/Kids", ArrayObject()).get_object()
        return iter(kids if isinstance(kids, ArrayObject) else ())

    top = _entry(catalog, "/Pages")
    if not isinstance(top, DictionaryObject):
        raise Stop("no_pages", "It has no pages. Save it again from the program that made it.")
    pages = lost = entries = 0
    ancestors = [id(top)]
    stack = [kids_of(top)]
    while stack:
        kid = next(stack[-1], None)
        if kid is None:
            stack.pop()
            ancestors.pop()
            continue
        entries += 1
        if entries > max_entries:
            raise Stop("limit_reached", f"Its page tree has more than {max_entries:,} entries. Split it.")
        node = kid.get_object() if isinstance(kid, IndirectObject) else kid
        if not isinstance(node, DictionaryObject) or not node:
            lost += 1
        elif id(node) in ancestors:
            raise Stop("page_tree_loop", "Its page tree leads back into itself. Save it again from the program that made it.")
        elif node.get("/Type", "/Pages" if "/Kids" in node else "/Page") == "/Pages":
            if len(stack) > MAX_DEPTH:
                raise Stop("too_deep", f"Its page tree is more than {MAX_DEPTH} levels deep. Save it again.")
            ancestors.append(id(node))
            stack.append(kids_of(node))
        elif node.get("/Type", "/Page") == "/Page":
            pages += 1
        else:
            lost += 1
    if not pages:
        raise Stop("no_pages", "It has no readable page. Save it again from the program that made it.")
    return pages, lost


_ACTIVE_ACTIONS = {"/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToE", "/GoToR", "/Rendition"}


def _entry(dictionary: "DictionaryObject", key: str) -> Any:
    return dictionary[key] if key in dictionary else None  # noqa: SIM401  [] resolves a reference, get does not


def has_active_content(catalog: "DictionaryObject") -> bool:
    """Whether the catalog holds scripts, actions on opening, or attached files; they are looked at, never followed."""
    from pypdf.generic import DictionaryObject

    if "/AA" in catalog:
        return True
    action = _entry(catalog, "/OpenAction")
    if isinstance(action, DictionaryObject) and (action.get("/S") in _ACTIVE_ACTIONS or "/Next" in action):
        return True
    names = _entry(catalog, "/Names")
    return isinstance(names, DictionaryObject) and ("/JavaScript" in names or "/EmbeddedFiles" in names)


def has_entities(catalog: "DictionaryObject") -> bool:
    """Whether the XMP packet declares a document type or entities: no honest one does. It is searched, never parsed."""
    from pypdf.generic import StreamObject

    packet = _entry(catalog, "/Metadata")
    if not isinstance(packet, StreamObject):
        return False
    data = packet.get_data()
    return b"<!ENTITY" in data or b"<!DOCTYPE" in data


def looks_of(catalog: "DictionaryObject") -> list[str]:
    """The flags that the catalog earns."""
    flags = []
    for look, flag, failed in ((has_active_content, "active_content", "damaged_objects"), (has_entities, "bad_metadata", "bad_metadata")):
        try:
            if look(catalog):
                flags.append(flag)
        except MemoryError:
            raise
        except Exception:
            flags.append(failed)
    return flags


_INFO = {
    "/Title": "title",
    "/Author": "author",
    "/Subject": "subject",
    "/Keywords": "keywords",
    "/Creator": "creator",
    "/Producer": "producer",
    "/CreationDate": "created",
    "/ModDate": "modified",
}


def metadata_of(reader: "PdfReader") -> tuple[dict[str, str], bool]:
    """Title, author and the like as safe strings of at most 1,000 characters, dates as ISO 8601; and whether some could not be read."""
    from pypdf.generic import ByteStringObject, DictionaryObject, NullObject, TextStringObject

    found: dict[str, str] = {}
    try:
        info = _entry(reader.trailer, "/Info")
        if info is None or isinstance(info, NullObject):
            return found, False
        if not isinstance(info, DictionaryObject):
            return found, True
        values = [(name, _entry(info, key)) for key, name in _INFO.items()]
    except MemoryError:
        raise
    except Exception:
        return found, True
    bad = False
    for name, value in values:
        if isinstance(value, ByteStringObject):
            value = _text_of(bytes(value))
        elif not isinstance(value, TextStringObject):
            bad = bad or not (value is None or isinstance(value, NullObject))
            continue
        text = iso_date(str(value)) if name in {"created", "modified"} else clean(str(value), 1000)
        if text:
            found[name] = text
    return found, bad


def _text_of(data: bytes) -> str:
    """A string that pypdf leaves as bytes because its encoding is broken."""
    for mark, encoding in ((b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"), (b"\xef\xbb\xbf", "utf-8")):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    return data.decode("latin-1")


_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:(Z)|([+-])(\d\d)'?(\d\d)?)?")


def iso_date(text: str) -> str:
    """A PDF date (ISO 32000-1, 7.9.4) as ISO 8601, or '' when it is no real date."""
    match = _DATE.match(text.strip()[:40])
    if not match:
        return ""
    year, month, day, hour, minute, second, zulu, sign, zone_hour, zone_minute = match.groups()
    zone = "+00:00" if zulu else f"{sign}{zone_hour}:{zone_minute or '00'}" if sign else ""
    try:
        return datetime.fromisoformat(f"{year}-{month or '01'}-{day or '01'}T{hour or '00'}:{minute or '00'}:{second or '00'}{zone}").isoformat()
    except ValueError:
        return ""


_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str, length: int) -> str:
    """The text in one line, cut to `length`: controls, direction marks and lone surrogates become U+FFFD, line breaks and tabs a space."""
    text = re.sub(r"[\t\r\n]+", " ", text[: length * 2])
    return _UNSAFE.sub("\ufffd", text).strip()[:length]


def structure_of(data: bytes, flags: list[str], warnings: Warnings, max_pages: int) -> tuple["PdfReader", Facts]:
    """Page count, metadata and flags. Raises: Stop, MemoryError; whatever else goes wrong becomes Stop with truncated, damaged or limit_reached."""
    from pypdf.errors import LimitReachedError

    is_open = False
    try:
        reader, more = open_pdf(data)
        is_open, flags = True, flags + more
        catalog = reader.root_object
        if any("Root" in message for message in warnings.messages):
            flags.append("repaired")
        pages, lost = count_pages(catalog, 100_000)
    except (Stop, MemoryError):
        raise
    except Exception as error:
        if is_cut(data):
            raise Stop("truncated", "Its end is missing. Fetch or scan it again; the whole copy is a new document.") from None
        reason = clean(f"{type(error).__name__}: {error}", 160)
        if is_open and isinstance(error, LimitReachedError):
            raise Stop("limit_reached", f"Its page tree is larger than what is read ({reason}). Split it.") from None
        raise Stop("damaged", f"It cannot be read as a PDF ({reason}). Save it again from the program that made it.") from None
    flags += ["damaged_pages"] if lost else []
    flags += looks_of(catalog)
    metadata, bad = metadata_of(reader)
    flags += ["bad_metadata"] if bad and "bad_metadata" not in flags else []
    facts: Facts = {"page_count": pages, "metadata": metadata, "flags": flags}
    if lost:
        facts["sentence"] = f"Only {pages:,} of the {pages + lost:,} pages that it names can be read."
    if pages > max_pages:
        sentence = f"It has {pages:,} pages, more than the {max_pages:,} that are sent unasked. Look at it, then allow it."
        raise Stop("too_many_pages", sentence, status="quarantined", facts=facts)
    return reader, facts


# ---------------------------------------------------------------- text
_SUSPICIOUS = re.compile(
    r"(ignore|disregard|forget)\s+(all\s+|any\s+|the\s+|your\s+)*(previous|prior|above|earlier|preceding)\s+(instruction|prompt|direction|message)"
    r"|system\s+prompt|developer\s+message|you\s+are\s+(now\s+)?(chatgpt|an?\s+(ai|language\s+model|assistant))"
    r"|(ignoriere|vergiss)\s+(alle\s+)?(vorherigen|bisherigen|obigen)\s+(anweisungen|befehle)",
    re.IGNORECASE,
)
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")

ENOUGH_CHARACTERS = 20
"""Letters and digits that make a page's text layer worth reading; a stamp or a page number alone has fewer."""


MAX_CONTENT_BYTES = 250_000_000
"""Bytes of drawing instructions, unpacked, over all pages that pypdf or PDFium reads of one document. 60 MB of operators took pypdf over 5 s;
blanks are quicker, so that without this the same document would end in time on one machine and not on another."""


def content_of(page: "DictionaryObject") -> bytes:
    """A page's drawing instructions, unpacked; pypdf keeps them, so that nothing is unpacked twice. Raises: whatever pypdf raises."""
    from pypdf.generic import ArrayObject, StreamObject

    content = _entry(page, "/Contents")
    parts = [part.get_object() for part in content] if isinstance(content, ArrayObject) else [content]
    return b"\n".join(part.get_data() for part in parts if isinstance(part, StreamObject))


def content_size(page: "DictionaryObject") -> int:
    """Bytes of a page's drawing instructions; 0 when they cannot be had (reading the text met the same fault, and went on)."""
    try:
        return len(content_of(page))
    except MemoryError:
        raise
    except Exception:
        return 0


ORDINARY_BYTES = 10_000_000
ORDINARY_CHARACTER_MAP = 64_000
"""What PDFium is given: a document whose pages, with every form they draw and as often as they draw it, have fewer bytes of drawing
instructions than the first, and whose fonts have character maps shorter than the second. It is far quicker than pypdf, but has no limits of
its own: everything larger, looping or faulty is pypdf's, which has them."""

_DRAWN = re.compile(rb"(/[^\s/<>\[\]()]+)\s+Do\b")


class NotOrdinary(Exception):
    """The document is not for PDFium."""


def drawn_bytes(node: "DictionaryObject", content: bytes, known: dict[int, int], above: frozenset[int]) -> int:
    """Bytes of drawing instructions that a page or form executes, forms within it counted as often as drawn. Raises: NotOrdinary."""
    from pypdf.generic import DictionaryObject, StreamObject

    resources = _entry(node, "/Resources")
    if not isinstance(resources, DictionaryObject):
        return len(content)
    fonts, total = _entry(resources, "/Font"), len(content)
    for name in fonts if isinstance(fonts, DictionaryObject) else ():
        font = _entry(fonts, name)
        if isinstance(font, DictionaryObject) and id(font) not in known:
            characters = _entry(font, "/ToUnicode")
            known[id(font)] = len(characters.get_data()) if isinstance(characters, StreamObject) else 0
            if known[id(font)] > ORDINARY_CHARACTER_MAP:
                raise NotOrdinary
    forms = _entry(resources, "/XObject")
    for name, times in Counter(_DRAWN.findall(content)).items() if isinstance(forms, DictionaryObject) else ():
        form = _entry(forms, name.decode("latin-1"))
        if isinstance(form, StreamObject) and form.get("/Subtype") == "/Form":
            if id(form) in above:
                raise NotOrdinary
            if id(form) not in known:
                known[id(form)] = drawn_bytes(form, form.get_data(), known, above | {id(form)})
            total += times * known[id(form)]
    if total > ORDINARY_BYTES:
        raise NotOrdinary
    return total


def quick_document(reader: "PdfReader", data: bytes, count: int) -> Any:
    """The document in PDFium if it is an ordinary one and both agree on its pages, else None."""
    try:
        known: dict[int, int] = {}
        total = 0
        for number in range(count):
            page = reader.pages[number]
            total += drawn_bytes(page, content_of(page), known, frozenset())
            if total > ORDINARY_BYTES:
                return None
        import pypdfium2

        document = pypdfium2.PdfDocument(data)
        return document if len(document) == count else None
    except MemoryError:
        raise
    except Exception:
        return None


def quick_text(document: Any, number: int) -> str:
    """A page's text by PDFium; '' when it finds none, or meets a character that it cannot name (U+FFFE): then pypdf reads the page."""
    try:
        page = document[number]
        words = page.get_textpage()
        text = str(words.get_text_range()).replace("\r\n", "\n").strip()
        words.close()
        page.close()
    except MemoryError:
        raise
    except Exception:
        return ""
    return "" if "\ufffe" in text else text


def pages_of(reader: "PdfReader", data: bytes, count: int, max_characters: int) -> list[str]:
    """The text of each page. Raises: Stop with text_limit or time_limit (quarantined), and whatever pypdf raises."""
    quick = quick_document(reader, data, count)
    if quick is None:
        reader, _ = open_pdf(data)  # afresh: what failed in the first reader fails there in another way
    pages, total, work = [], 0, 0
    try:
        for number in range(count):
            page = reader.pages[number]
            text = quick_text(quick, number) if quick is not None else ""
            text = _NO_TEXT.sub("\ufffd", text or page.extract_text())
            work += content_size(page)
            if work > MAX_CONTENT_BYTES:
                raise Stop(
                    "time_limit",
                    f"Its pages unpack to more than {MAX_CONTENT_BYTES:,} bytes: more work than the time for one document allows. "
                    "Look at it, then allow it.",
                    status="quarantined",
                )
            total += len(text)
            if total > max_characters:
                raise Stop(
                    "text_limit",
                    f"Its text is longer than {max_characters:,} characters. Look at it, then allow it.",
                    status="quarantined",
                )
            pages.append(text)
    finally:
        if quick is not None:
            quick.close()
    return pages


def notes_of(reader: "PdfReader", count: int) -> tuple[str, set[str]]:
    """What the first thousand annotations say, and the flags they earn."""
    from pypdf.generic import ArrayObject, DictionaryObject, TextStringObject

    words, left, flags = [], 1000, set()
    for number in range(count):
        notes = _entry(reader.pages[number], "/Annots")
        for reference in notes[:left] if isinstance(notes, ArrayObject) else ():
            left -= 1
            note = reference.get_object()
            if not isinstance(note, DictionaryObject):
                flags.add("damaged_objects")
                continue
            if isinstance(content := _entry(note, "/Contents"), TextStringObject):
                words.append(str(content)[:10_000])
            action = _entry(note, "/A")
            if "/AA" in note or (isinstance(action, DictionaryObject) and action.get("/S") in _ACTIVE_ACTIONS):
                flags.add("active_content")
    return " ".join(words), flags


def layer_of(pages: list[str]) -> tuple[str, str]:
    """good, poor or none, and why.

    A page counts when it has at least ENOUGH_CHARACTERS letters and digits, and when at most a tenth of its characters other than spaces are
    no writing (replacement, control, private use, unassigned). good: four pages in five count. none: no page has a letter or digit.
    """
    readable = [sum(map(str.isalnum, text)) for text in pages]
    if not any(readable):
        return "none", "no page has text; it is probably a scan"
    enough = [text for text, found in zip(pages, readable, strict=True) if found >= ENOUGH_CHARACTERS]
    clear = sum(not _is_garbage(text) for text in enough)
    of = f"of {len(pages)} page{'s' if len(pages) > 1 else ''}"
    if clear >= 0.8 * len(pages):
        return "good", f"{clear} {of} have readable text"
    if len(enough) > clear:
        return "poor", f"only {clear} {of} have readable text; {len(enough) - clear} hold unreadable characters"
    return "poor", f"only {clear} {of} have {ENOUGH_CHARACTERS} letters or digits or more"


def _is_garbage(text: str) -> bool:
    characters = "".join(text.split())
    odd = sum(c == "\ufffd" or unicodedata.category(c) in {"Cc", "Co", "Cn"} for c in characters if c > "~")
    return odd > 0.1 * len(characters)


def text_facts(reader: "PdfReader", data: bytes, count: int, max_characters: int, flags: list[str], warnings: Warnings) -> Facts:
    """Text, its quality, and what it made suspicious. Raises: Stop, MemoryError; other failures leave the text NULL with a reason."""
    from pypdf.errors import LimitReachedError

    try:
        pages = pages_of(reader, data, count, max_characters)
    except (Stop, MemoryError):
        raise
    except Exception as error:
        reason = clean(f"{type(error).__name__}: {error}", 160)
        if isinstance(error, LimitReachedError) and "tokens" in str(error):
            raise Stop(
                "time_limit",
                f"Reading its text takes more work than one document is given ({reason}). Look at it, then allow it.",
                status="quarantined",
            ) from None
        limit = isinstance(error, LimitReachedError) and "loop" not in str(error)
        return {
            "flags": [*flags, "text_limit" if limit else "text_failed"],
            "text_reason": f"the text could not be read: {reason}",
        }
    try:
        notes, more = notes_of(reader, count)
    except MemoryError:
        raise
    except Exception:
        notes, more = "", {"damaged_objects"}
    layer, why = layer_of(pages)
    if layer == "none":
        more.add("empty_text")
    if any("limit" in message.lower() for message in warnings.messages):
        more.add("text_cut")
    if any(map(_SUSPICIOUS.search, [*pages, notes])):
        more.add("suspicious_text")
    return {"pages_text": pages, "text_layer": layer, "text_reason": why, "flags": flags + sorted(more.difference(flags))}


# ---------------------------------------------------------------- one document
def answers(path: bytes, inbox: bytes | None, *, text: bool, file: bool, limits: Facts, warnings: Warnings) -> Iterator[bytes]:
    """The frames of one document, each sent as soon as it is known, so that a worker killed later has not worked in vain."""
    try:
        data = read_once(path, inbox, limits["max_bytes"])
        digest = hashlib.sha256(data).digest()
        identity = {"document_sha256": digest.hex(), "sha256_base64": base64.b64encode(digest).decode(), "size_bytes": len(data)}
        yield frame(b"j", _json(identity)) + (_shared(data, limits["shared_file"]) if file else b"")
        try:
            reader, facts = structure_of(data, check_header(data), warnings, limits["max_pages"])
        except Stop as stop:
            if stop.facts["problem"] in {"truncated", "damaged"} and _is_growing(path, len(data)):
                raise Stop("changed_while_read", _CHANGED, facts=dict.fromkeys([*identity, "file_base64"])) from None
            raise
        yield frame(b"j", _json(facts)) + (b"" if text else frame(b"e"))
        if text:
            found = text_facts(reader, data, facts["page_count"], limits["max_text_characters"], facts["flags"], warnings)
            yield frame(b"j", _json(found))
            tokens = count_tokens("\f".join(found["pages_text"]), limits) if "pages_text" in found else None
            yield frame(b"j", _json({"text_tokens": tokens})) + frame(b"e")
    except Stop as stop:
        yield frame(b"j", _json(stop.facts)) + frame(b"e")


def _shared(data: bytes, descriptor: int) -> bytes:
    """Leaves the base64 in the file that parent and worker share: a socket would copy it twice, in small parts."""
    encoded = memoryview(pybase64.b64encode(data))
    written = 0
    while written < len(encoded):
        written += os.pwrite(descriptor, encoded[written:], written)
    return frame(b"f", str(written).encode())


def count_tokens(text: str, limits: Facts) -> int | None:
    """Tokens of a text in the encoding asked for; None when none was. Here, because a tokenizer is slow on hostile text and takes 80 MB."""
    if not limits["encoding"]:
        return None
    os.environ["TIKTOKEN_CACHE_DIR"] = limits["vocabulary"]
    import tiktoken

    return len(tiktoken.get_encoding(limits["encoding"]).encode_ordinary(text))


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    """One frame of the socket's protocol."""
    return HEADER.pack(kind, len(payload)) + payload


def _json(facts: Facts) -> bytes:
    return json.dumps(facts, ensure_ascii=False).encode("utf-8", "replace")


# ---------------------------------------------------------------- the process
def serve(connection: socket.socket, limits: Facts) -> None:
    """Answer requests until the socket closes, or until one document has used up the memory."""
    import pypdf

    # No outside program (jbig2dec), and no look for old constants on every open: a tenth of a page count.
    pypdf.overwrite_configuration(jbig2dec_binary=None, disable_legacy_handling=True)
    warnings = Warnings()
    log = logging.getLogger("pypdf")
    log.addHandler(warnings)
    log.propagate = False
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)  # a document is thousands of objects and few cycles: a look at every 700 costs a tenth of its time
    connection.sendall(frame(b"r"))
    while request := _request(connection):
        wants = request[0]
        warnings.messages.clear()
        signal.setitimer(signal.ITIMER_PROF, limits["seconds"])  # of processor time: a machine that is busy makes no document slow
        try:
            if wants & COUNT:
                connection.sendall(frame(b"j", _json({"text_tokens": count_tokens(request[1:].decode(), limits)})) + frame(b"e"))
                continue
            path, inbox = request[1:].split(b"\0")
            for answer in answers(path, inbox or None, text=bool(wants & TEXT), file=bool(wants & FILE), limits=limits, warnings=warnings):
                connection.sendall(answer)
        except MemoryError:
            facts = {
                "status": "quarantined",
                "problem": "memory_limit",
                "sentence": f"Reading it takes more than {limits['memory_bytes']:,} bytes of memory. Look at it, then allow it.",
            }
            connection.sendall(frame(b"j", _json(facts)) + frame(b"e"))
            return


def _request(connection: socket.socket) -> bytes:
    head = connection.recv(HEADER.size, socket.MSG_WAITALL)
    if len(head) < HEADER.size:
        return b""
    return connection.recv(HEADER.unpack(head)[1], socket.MSG_WAITALL)


def set_limit(kind: int, value: int) -> None:
    """Set a soft limit of this process, as far as a hard one that is already there lets it."""
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _end_with(connection: socket.socket) -> None:
    watch = select.poll()
    watch.register(connection, 0)
    watch.poll()
    os._exit(0)


def main() -> None:
    """Serve the socket whose number is the first argument, within the limits that the second holds as JSON."""
    connection, limits = socket.socket(fileno=int(sys.argv[1])), json.loads(sys.argv[2])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    set_limit(resource.RLIMIT_AS, limits["memory_bytes"])
    set_limit(resource.RLIMIT_CORE, 0)
    # A worker in the middle of a document reads no socket: this thread sees that the parent is gone.
    threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
    try:
        serve(connection, limits)
    except ImportError as error:
        connection.sendall(frame(b"x", str(error).encode("utf-8", "replace")))
    except (BrokenPipeError, ConnectionResetError):
        return


if __name__ == "__main__":
    main()
