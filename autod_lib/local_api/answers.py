"""What the model says: the record of a document, from rules, from known values, or always the same.

Decided here: which document a request is about (its file, else the text between its fences) and how a record becomes the text of an answer. Promised:
the text follows the schema that was sent. Called by server.py.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import orjson

from .files import SentFile
from .options import Options
from .oracle import PLAIN, oracle_record, row_of, truth
from .reading import Readers
from .schema import fitted
from .validate import Request

FENCE_START = re.compile(r"^<document\b[^\n]*$", re.MULTILINE)
FENCE_END = re.compile(r"^</document>", re.MULTILINE)
FILE_NAME = re.compile(r"^\W*file_name\W*:[ \t]*(?P<value>.*)$", re.MULTILINE)
EXCERPT_AT_MOST = re.compile(r"\bocr_text_excerpt\b[^\n]{0,200}?\bat most (?P<characters>\d+) characters")
PAGE_COUNT = re.compile(r"^\W*page_count\W*:\W*(?P<value>\d+)", re.MULTILINE)
CHARACTERS_A_TOKEN = 4


class Document(NamedTuple):
    """The document a request is about, as far as it is known."""

    file_name: str
    page_count: int | None
    pages: tuple[str, ...]


def document_of(request: Request, file: SentFile | None, pages: Sequence[str] | None) -> Document:
    """The document sent: `pages` if a file was opened, else the text inside the fence, else all of the user's text."""
    text = "\n".join(part.text for message in request.messages if message.role == "user" for part in message.parts if part.kind == "input_text")
    start = FENCE_START.search(text)
    said = text[: start.start()] if start else text[:2000]
    name, count = FILE_NAME.search(said), PAGE_COUNT.search(said)
    file_name = _unquoted(name["value"].strip()) if name else (file.name if file else "document.pdf")
    if pages is not None:
        return Document(file_name, len(pages), tuple(pages))
    page_count = int(count["value"]) if count else None
    if file is not None:
        return Document(file_name, page_count, ())
    inside = text
    if start:
        ends = [end.start() for end in FENCE_END.finditer(text, start.end())]
        inside = text[start.end() + 1 : ends[-1] if ends else len(text)]
    return Document(file_name, page_count, tuple(inside.split("\f")))


def _unquoted(name: str) -> str:
    """A name that may stand as a JSON text."""
    try:
        return str(orjson.loads(name)) if name.startswith('"') else name
    except orjson.JSONDecodeError:
        return name.strip('"')


async def answer_text(request: Request, file: SentFile | None, pages: Sequence[str] | None, options: Options, readers: Readers) -> str:
    """The text of the answer: JSON that follows the schema."""
    if options.answers == "canned":
        return canned_text(request.schema_text, options.output_tokens)
    document = document_of(request, file, pages)
    if options.answers == "oracle" and options.truth is not None:
        share = next(share for name, share in options.accuracy if request.model.name.startswith(name))
        record = oracle_record(
            row_of(truth(options.truth), file, document.file_name),
            name=document.file_name,
            model=request.model.name,
            seed=options.seed,
            accuracy=share,
            confidence=options.confidence,
        )
        return _rendered(record, request.schema_text, options.output_tokens)
    record = await readers.run(_by_rules, document, request.model.name)
    return _rendered(_as_short_as_asked(record, request), request.schema_text, 0)


def _as_short_as_asked(record: dict[str, object], request: Request) -> dict[str, object]:
    """The record with an excerpt as long as the system or developer message allows: the one length that this reader keeps to."""
    static = (part.text for message in request.messages if message.role != "user" for part in message.parts)
    limits = [limit for text in static if (limit := _excerpt_at_most(text)) is not None]
    excerpt = record.get("ocr_text_excerpt")
    return record if not limits or not isinstance(excerpt, str) else {**record, "ocr_text_excerpt": excerpt[: min(limits)]}


@lru_cache(maxsize=64)
def _excerpt_at_most(text: str) -> int | None:
    found = EXCERPT_AT_MOST.search(text)
    return int(found["characters"]) if found else None


def _by_rules(document: Document, model: str) -> dict[str, object]:
    from .rules import read_document, strength_of

    return read_document(document.pages, document.file_name, document.page_count, strength_of(model))


@lru_cache(maxsize=64)
def canned_text(schema_text: str, output_tokens: int) -> str:
    """The same valid record whatever was sent."""
    return _rendered(PLAIN, schema_text, output_tokens)


def _rendered(record: dict[str, object], schema_text: str, output_tokens: int) -> str:
    """The record as JSON, fitted to the schema; a longer summary brings it to about so many tokens."""
    text = orjson.dumps(_fitted(record, schema_text)).decode()
    missing = output_tokens - len(text) // CHARACTERS_A_TOKEN
    if missing <= 0:
        return text
    padded = {**record, "summary": f"{record.get('summary') or ''}{' more' * missing}"}
    return orjson.dumps(_fitted(padded, schema_text)).decode()


def _fitted(record: dict[str, object], schema_text: str) -> dict[str, object]:
    """`fitted`, but fields that are PLAIN's own are looked at once for all records: a fifth of the oracle's whole work otherwise."""
    schema = _schema(schema_text)
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return record
    changed = {name: inner for name, inner in properties.items() if name not in PLAIN or record.get(name) is not PLAIN[name]}
    return {**_plain(schema_text), **fitted(record, {**schema, "properties": changed})}


@lru_cache(maxsize=64)
def _plain(schema_text: str) -> dict[str, object]:
    return fitted(PLAIN, _schema(schema_text))


@lru_cache(maxsize=64)
def _schema(schema_text: str) -> dict[str, object]:
    return dict(orjson.loads(schema_text)) if schema_text else {}
