"""Vector stores: files cut into chunks, attributes that can be filtered by, and a search that ranks.

Decided here: what of a request is refused, how a file is cut, and the score of a chunk. Promised: a file is found only once its indexing has
ended, and no longer when it, its store or the upload behind it is gone; a store is seen by the key that made it and by no other. Called by
server.py, which reads the PDFs. A store lives in memory and ends with the server.

Ranking is by words, Okapi BM25 with its usual constants (k1 1.2, b 0.75), not by meaning: the share of the most that a chunk could score for this
query, so that it lies between 0 and 1 as the provider's does. Source of shapes and limits: the published description 2.3.0.
"""

import asyncio
import math
import re
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .counting import encoding_for
from .faults import Fault
from .files import Upload, Uploads
from .wire import ApiError, JsonObject, metadata_of

CHUNK_TOKENS, OVERLAP_TOKENS = 800, 400  # the provider's own when nothing is asked for
LEAST_CHUNK, MOST_CHUNK = 100, 4096
ATTRIBUTES, ATTRIBUTE_KEY, ATTRIBUTE_TEXT = 16, 64, 512
MOST_RESULTS = 50
DAY_S = 86_400
K1, B = 1.2, 0.75
STORE_FIELDS = ("name", "description", "file_ids", "expires_after", "chunking_strategy", "metadata")
FILE_FIELDS = ("file_id", "attributes", "chunking_strategy")
SEARCH_FIELDS = ("query", "filters", "max_num_results", "ranking_options", "rewrite_query")
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, given: value == given,
    "ne": lambda value, given: value != given,
    "gt": lambda value, given: value > given,
    "gte": lambda value, given: value >= given,
    "lt": lambda value, given: value < given,
    "lte": lambda value, given: value <= given,
    "in": lambda value, given: value in given,
    "nin": lambda value, given: value not in given,
}
Pages = Callable[[Upload], Awaitable[str]]  # the text of an upload; raises ValueError when it has none
Item = TypeVar("Item")


@dataclass
class Chunk:
    """A stretch of a file's text, and how often each word is in it."""

    text: str
    words: Counter[str]
    length: int


@dataclass
class IndexedFile:
    """A file of a store and where its indexing stands."""

    file_id: str
    store_id: str
    filename: str
    created_at: int
    attributes: JsonObject
    chunking: tuple[int, int]
    status: str = "in_progress"
    error: JsonObject | None = None
    chunks: list[Chunk] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of text kept."""
        return sum(len(chunk.text.encode("utf-8", "replace")) for chunk in self.chunks)

    def as_object(self) -> JsonObject:
        """The vector store file object of the API."""
        size, overlap = self.chunking
        return {
            "id": self.file_id,
            "object": "vector_store.file",
            "usage_bytes": self.size,
            "created_at": self.created_at,
            "vector_store_id": self.store_id,
            "status": self.status,
            "last_error": self.error,
            "attributes": self.attributes,
            "chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap}},
        }


@dataclass
class Store:
    """A vector store and its files."""

    store_id: str
    created_at: int
    name: str | None
    metadata: JsonObject | None
    expiry_days: int | None
    last_active_at: int
    files: dict[str, IndexedFile] = field(default_factory=dict)

    @property
    def expires_at(self) -> int | None:
        """When it is gone, unless it is used before; whole seconds since 1970."""
        return None if self.expiry_days is None else self.last_active_at + self.expiry_days * DAY_S

    def as_object(self) -> JsonObject:
        """The vector store object of the API."""
        states = Counter(each.status for each in self.files.values())
        counts = {status: states[status] for status in ("in_progress", "completed", "failed", "cancelled")}
        answer: JsonObject = {
            "id": self.store_id,
            "object": "vector_store",
            "created_at": self.created_at,
            "name": self.name or "",
            "usage_bytes": sum(each.size for each in self.files.values()),
            "file_counts": {**counts, "total": len(self.files)},
            "status": "in_progress" if states["in_progress"] else "completed",
            "last_active_at": self.last_active_at,
            "metadata": self.metadata,
        }
        if self.expiry_days is not None:
            answer |= {"expires_after": {"anchor": "last_active_at", "days": self.expiry_days}, "expires_at": self.expires_at}
        return answer


@dataclass
class VectorStores:
    """The vector stores of all keys."""

    uploads: Uploads
    pages: Pages
    _kept: dict[str, dict[str, Store]] = field(default_factory=dict)
    _work: set[asyncio.Task[None]] = field(default_factory=set)

    def of(self, key: str) -> dict[str, Store]:
        """The stores of a key that have not expired, by id, oldest first."""
        mine = self._kept.setdefault(key, {})
        for store in [each for each in mine.values() if each.expires_at is not None and each.expires_at <= time.time()]:
            del mine[store.store_id]
        return mine

    def one(self, key: str, store_id: str) -> Store:
        """A store by its id. Raises: ApiError 404."""
        found = self.of(key).get(store_id)
        if found is None:
            raise ApiError(404, f"Vector store with id '{store_id}' not found.", param="vector_store_id", code="not_found")
        return found

    def create(self, key: str, given: object, fault: Fault | None) -> Store:
        """A new store, with the files that it is to begin with. Raises: ApiError 400, 404 without such a file."""
        wish = _fields(given, STORE_FIELDS)
        now = int(time.time())
        store = Store(f"vs_{secrets.token_hex(12)}", now, _text(wish, "name"), metadata_of(wish.get("metadata")), _expiry(wish), now)
        chunking = _chunking(wish.get("chunking_strategy"))
        uploads = [self.uploads.one(key, str(file_id)) for file_id in _list(wish.get("file_ids"), "file_ids")]
        self.of(key)[store.store_id] = store
        for upload in uploads:
            self._index(key, store, upload, {}, chunking, fault)
        return store

    def change(self, key: str, store_id: str, given: object) -> Store:
        """The store under another name, metadata or expiry. Raises: ApiError 400, 404."""
        store, wish = self.one(key, store_id), _fields(given, ("name", "expires_after", "metadata"))
        if "name" in wish:
            store.name = _text(wish, "name")
        if "metadata" in wish:
            store.metadata = metadata_of(wish["metadata"])
        if "expires_after" in wish:
            store.expiry_days = _expiry(wish)
        return store

    def remove(self, key: str, store_id: str) -> JsonObject:
        """Delete a store; its files stay among the uploads. Raises: ApiError 404."""
        self.one(key, store_id)
        del self.of(key)[store_id]
        return {"id": store_id, "object": "vector_store.deleted", "deleted": True}

    def attach(self, key: str, store_id: str, given: object, fault: Fault | None) -> IndexedFile:
        """An upload becomes a file of the store, and its indexing begins. Raises: ApiError 400, 404."""
        store, wish = self.one(key, store_id), _fields(given, FILE_FIELDS)
        if not isinstance(wish.get("file_id"), str):
            raise ApiError(400, "Missing required parameter: 'file_id'.", param="file_id", code="missing_required_parameter")
        upload = self.uploads.one(key, str(wish["file_id"]))
        return self._index(key, store, upload, attributes_of(wish.get("attributes")), _chunking(wish.get("chunking_strategy")), fault)

    def file(self, key: str, store_id: str, file_id: str) -> IndexedFile:
        """A file of a store. Raises: ApiError 404."""
        found = self.one(key, store_id).files.get(file_id)
        if found is None:
            raise ApiError(404, f"No file found with id '{file_id}' in vector store '{store_id}'.", param="file_id", code="not_found")
        return found

    def describe(self, key: str, store_id: str, file_id: str, given: object) -> IndexedFile:
        """The file under other attributes. Raises: ApiError 400, 404."""
        found, wish = self.file(key, store_id, file_id), _fields(given, ("attributes",))
        found.attributes = attributes_of(wish.get("attributes"))
        return found

    def detach(self, key: str, store_id: str, file_id: str) -> JsonObject:
        """Take a file out of a store; the upload stays. Raises: ApiError 404."""
        self.file(key, store_id, file_id)
        del self.one(key, store_id).files[file_id]
        return {"id": file_id, "object": "vector_store.file.deleted", "deleted": True}

    def content(self, key: str, store_id: str, file_id: str) -> JsonObject:
        """The text of a file as it was cut. Raises: ApiError 404."""
        chunks = self.file(key, store_id, file_id).chunks
        data = [{"type": "text", "text": chunk.text} for chunk in chunks]
        return {"object": "vector_store.file_content.page", "data": data, "has_more": False, "next_page": None}

    def listing(self, key: str, query: Mapping[str, str]) -> JsonObject:
        """One page of the stores of a key, newest first unless `order=asc`. Raises: ApiError 400."""
        return _page([(store.store_id, store.as_object()) for store in self.of(key).values()], query)

    def files(self, key: str, store_id: str, query: Mapping[str, str]) -> JsonObject:
        """One page of the files of a store, of one status with `filter`. Raises: ApiError 400, 404."""
        wanted = query.get("filter")
        chosen = [each for each in self.one(key, store_id).files.values() if wanted in (None, each.status)]
        return _page([(each.file_id, each.as_object()) for each in chosen], query)

    def search(self, key: str, store_id: str, given: object) -> JsonObject:
        """The chunks that answer a query best. Raises: ApiError 400, 404."""
        store, wish = self.one(key, store_id), _fields(given, SEARCH_FIELDS)
        query = wish.get("query")
        texts = [query] if isinstance(query, str) else _list(query, "query")
        if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
            raise ApiError(400, "'query' must be a text or a list of texts that say something.", param="query", code="invalid_value")
        most = wish.get("max_num_results", 10)
        if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= MOST_RESULTS:
            raise ApiError(400, f"'max_num_results' must be from 1 to {MOST_RESULTS}.", param="max_num_results", code="invalid_value")
        least = _threshold(wish.get("ranking_options"))
        store.last_active_at = int(time.time())
        there = self.uploads.of(key)
        found = [each for each in store.files.values() if each.file_id in there and _passes(each.attributes, wish.get("filters"))]
        ranked = ranking([(each, chunk) for each in found for chunk in each.chunks], " ".join(map(str, texts)))
        data = [
            {
                "file_id": each.file_id,
                "filename": each.filename,
                "score": score,
                "attributes": each.attributes,
                "content": [{"type": "text", "text": chunk.text}],
            }
            for score, (each, chunk) in ranked[:most]
            if score >= least
        ]
        return {"object": "vector_store.search_results.page", "search_query": texts, "data": data, "has_more": False, "next_page": None}

    def _index(self, key: str, store: Store, upload: Upload, attributes: JsonObject, chunking: tuple[int, int], fault: Fault | None) -> IndexedFile:
        indexed = IndexedFile(upload.file_id, store.store_id, upload.filename, int(time.time()), attributes, chunking)
        store.files[upload.file_id] = indexed
        if fault is None or fault.name != "indexing-stuck":
            task = asyncio.create_task(self._cut(indexed, upload, fault))
            self._work.add(task)
            task.add_done_callback(self._work.discard)
        return indexed

    async def _cut(self, indexed: IndexedFile, upload: Upload, fault: Fault | None) -> None:
        """Reads and cuts a file; what cannot be read is a failed file, never a failed server."""
        try:
            if fault is not None and fault.name == "indexing-failed":
                raise RuntimeError("An internal error occurred.")
            text = await self.pages(upload)
            indexed.chunks = await asyncio.to_thread(chunks_of, text, *indexed.chunking)
            indexed.status = "completed"
        except ValueError as problem:
            indexed.error, indexed.status = {"code": "invalid_file", "message": str(problem)}, "failed"
        except RuntimeError as problem:
            indexed.error, indexed.status = {"code": "server_error", "message": str(problem)}, "failed"


def words_of(text: str) -> list[str]:
    """The words of a text as they are compared.

    >>> words_of("Rechnung Nr. 7, Müller & Söhne")
    ['rechnung', 'nr', '7', 'müller', 'söhne']
    """
    return re.findall(r"\w+", text.lower())


def chunks_of(text: str, size: int, overlap: int) -> list[Chunk]:
    """The text in stretches of at most `size` tokens, each with the last `overlap` tokens of the one before it."""
    encoding = encoding_for("gpt-5")
    tokens = encoding.encode_ordinary(text)
    starts = range(0, max(1, len(tokens) - overlap), size - overlap)
    stretches = (encoding.decode(tokens[start : start + size]) for start in starts)
    return [Chunk(stretch, Counter(words), len(words)) for stretch in stretches if (words := words_of(stretch))]


def ranking(chunks: list[tuple[Item, Chunk]], query: str) -> list[tuple[float, tuple[Item, Chunk]]]:
    """The chunks that have a word of the query, best first, each with its share (0 to 1) of the most that could be scored."""
    asked = set(words_of(query))
    usual = sum(chunk.length for _, chunk in chunks) / len(chunks) if chunks else 1.0
    holding = Counter(word for _, chunk in chunks for word in asked & chunk.words.keys())
    rarity = {word: math.log(1 + (len(chunks) - holding[word] + 0.5) / (holding[word] + 0.5)) for word in asked}
    most = sum(rarity.values()) * (K1 + 1)

    def score(chunk: Chunk) -> float:
        norm = K1 * (1 - B + B * chunk.length / usual)
        return round(sum(rarity[word] * chunk.words[word] * (K1 + 1) / (chunk.words[word] + norm) for word in asked) / most, 6)

    ranked = [(score(pair[1]), pair) for pair in chunks if asked & pair[1].words.keys()]
    return sorted(ranked, key=lambda found: -found[0])


def attributes_of(given: object) -> JsonObject:
    """Attributes that the API allows. Raises: ApiError 400."""
    pairs: Iterable[tuple[str, object]] = given.items() if isinstance(given, dict) else ()
    good: JsonObject = {name: value for name, value in pairs if len(name) <= ATTRIBUTE_KEY and _is_attribute(value)}
    if given is not None and (good != given or len(good) > ATTRIBUTES):
        most = f"{ATTRIBUTES} numbers, truth values or texts of {ATTRIBUTE_TEXT} characters, under names of up to {ATTRIBUTE_KEY}"
        raise ApiError(400, f"'attributes' holds up to {most}.", param="attributes", code="invalid_value")
    return good


def _is_attribute(value: object) -> bool:
    return len(value) <= ATTRIBUTE_TEXT if isinstance(value, str) else isinstance(value, int | float)


def _passes(attributes: JsonObject, given: object) -> bool:
    """Whether a file's attributes fit a filter; one that lacks the attribute, or has it in another type, does not. Raises: ApiError 400."""
    if given is None:
        return True
    kind = given.get("type") if isinstance(given, dict) else None
    if isinstance(given, dict) and kind in ("and", "or"):
        each = [_passes(attributes, part) for part in _list(given.get("filters"), "filters.filters")]
        return all(each) if kind == "and" else any(each)
    if not isinstance(given, dict) or kind not in COMPARISONS or not isinstance(given.get("key"), str) or "value" not in given:
        message = f"A filter has type {', '.join(COMPARISONS)} with key and value, or type and, or with filters."
        raise ApiError(400, message, param="filters", code="invalid_value")
    if given["key"] not in attributes:
        return False
    try:
        return COMPARISONS[str(kind)](attributes[given["key"]], given["value"])
    except TypeError:
        return False


def _fields(given: object, known: tuple[str, ...]) -> JsonObject:
    if not isinstance(given, dict):
        raise ApiError(400, "The body must be a JSON object.", code="invalid_json")
    for name in given.keys() - set(known):
        raise ApiError(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    return given


def _text(wish: JsonObject, name: str) -> str | None:
    value = wish.get(name)
    if value is not None and not isinstance(value, str):
        raise ApiError(400, f"'{name}' must be a text.", param=name, code="invalid_type")
    return value


def _list(value: object, name: str) -> list[object]:
    if value is not None and not isinstance(value, list):
        raise ApiError(400, f"'{name}' must be a list.", param=name, code="invalid_type")
    return value or []


def _expiry(wish: JsonObject) -> int | None:
    given = wish.get("expires_after")
    if given is None:
        return None
    days = given.get("days") if isinstance(given, dict) and given.get("anchor") == "last_active_at" else None
    if not isinstance(days, int) or not 1 <= days <= 365:
        raise ApiError(400, "'expires_after' needs anchor 'last_active_at' and days from 1 to 365.", param="expires_after", code="invalid_value")
    return days


def _chunking(given: object) -> tuple[int, int]:
    """(tokens of a chunk, of these shared with the one before)."""
    if given is None or given == {"type": "auto"}:
        return CHUNK_TOKENS, OVERLAP_TOKENS
    static = given.get("static") if isinstance(given, dict) and given.get("type") == "static" else None
    size, overlap = (static.get("max_chunk_size_tokens"), static.get("chunk_overlap_tokens")) if isinstance(static, dict) else (None, None)
    if not isinstance(size, int) or not LEAST_CHUNK <= size <= MOST_CHUNK or not isinstance(overlap, int) or not 0 <= overlap <= size // 2:
        message = f"'chunking_strategy' is auto, or static with {LEAST_CHUNK} to {MOST_CHUNK} tokens, at most half of them shared."
        raise ApiError(400, message, param="chunking_strategy", code="invalid_value")
    return size, overlap


def _threshold(given: object) -> float:
    least = given.get("score_threshold", 0) if isinstance(given, dict) else 0 if given is None else None
    if not isinstance(least, int | float) or not 0 <= least <= 1:
        raise ApiError(400, "'ranking_options.score_threshold' is a number from 0 to 1.", param="ranking_options", code="invalid_value")
    return float(least)


def _page(items: list[tuple[str, JsonObject]], query: Mapping[str, str]) -> JsonObject:
    limit = query.get("limit", "20")
    if not limit.isdigit() or not 1 <= int(limit) <= 100:
        raise ApiError(400, f"Invalid 'limit': expected a whole number from 1 to 100, but got {limit!r}.", param="limit", code="invalid_value")
    chosen = items if query.get("order") == "asc" else items[::-1]
    names = [name for name, _ in chosen]
    if query.get("after") in names:
        chosen = chosen[names.index(str(query["after"])) + 1 :]
    page = chosen[: int(limit)]
    ends = {"first_id": page[0][0], "last_id": page[-1][0]} if page else {"first_id": "", "last_id": ""}
    return {"object": "list", "data": [item for _, item in page], **ends, "has_more": len(chosen) > len(page)}
