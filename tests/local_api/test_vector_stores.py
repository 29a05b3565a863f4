"""Vector stores at the loopback API, as the SDK meets them: files in, chunks ranked, attributes filtered, and what is refused."""

import json
import time
from typing import Any

import openai
import pytest

from autod_lib.local_api import running

from .conftest import client_of
from .requests_to_send import pdf
from .test_conformance import problems

INVOICE = "INVOICE No 7 from Northwind Traders. Total 1,200.00 EUR, to be paid by 31 March 2026 for office chairs."
LETTER = "Dear Ms Miller, we confirm your new seat in the library, and that the reading room is open on Sundays."


def stored(client: openai.OpenAI, store_id: str, content: bytes, name: str = "a.pdf", **given: Any) -> Any:
    """A file of the store once its indexing has ended, well or not."""
    upload = client.files.create(file=(name, content), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600})
    client.vector_stores.files.create(store_id, file_id=upload.id, **given)
    until = time.monotonic() + 20
    while (found := client.vector_stores.files.retrieve(upload.id, vector_store_id=store_id)).status == "in_progress":
        assert time.monotonic() < until, found
        time.sleep(0.02)
    return found


@pytest.fixture
def store_id(client: openai.OpenAI) -> str:
    """A store with an invoice and a letter in it."""
    store = client.vector_stores.create(name="autod", metadata={"workspace": "7"})
    stored(client, store.id, pdf(INVOICE), "invoice.pdf", attributes={"doc_type": "Invoice", "total_amount": 1200.0, "paid": False})
    stored(client, store.id, LETTER.encode(), "letter.txt", attributes={"doc_type": "Letter"})
    return store.id


def found(client: openai.OpenAI, store_id: str, query: Any, **given: Any) -> list[Any]:
    """What a search finds."""
    return client.vector_stores.search(store_id, query=query, **given).data


def test_a_search_ranks_what_has_its_words(client: openai.OpenAI, store_id: str) -> None:
    """The file with the rarer words comes first, with its excerpt, attributes and a score from 0 to 1; other words find nothing."""
    hits = found(client, store_id, "office chairs of Northwind in")
    both = found(client, store_id, ["invoice total", "the reading room is open"])

    assert [hit.filename for hit in hits] == ["invoice.pdf", "letter.txt"]
    assert "Northwind Traders" in hits[0].content[0].text
    assert hits[0].attributes == {"doc_type": "Invoice", "total_amount": 1200.0, "paid": False}
    assert 0 < hits[1].score < hits[0].score <= 1
    assert {hit.filename for hit in both} == {"invoice.pdf", "letter.txt"}
    assert found(client, store_id, "zebra") == []
    assert [hit.filename for hit in found(client, store_id, "office chairs of Northwind in", max_num_results=1)] == ["invoice.pdf"]
    least = {"score_threshold": hits[0].score}
    assert [hit.filename for hit in found(client, store_id, "office chairs of Northwind in", ranking_options=least)] == ["invoice.pdf"]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"type": "eq", "key": "doc_type", "value": "Letter"}, ["letter.txt"]),
        ({"type": "ne", "key": "doc_type", "value": "Letter"}, ["invoice.pdf"]),
        ({"type": "gte", "key": "total_amount", "value": 1200}, ["invoice.pdf"]),
        ({"type": "lt", "key": "total_amount", "value": 1200}, []),
        ({"type": "gt", "key": "doc_type", "value": 5}, []),
        ({"type": "in", "key": "doc_type", "value": ["Letter", "Invoice"]}, ["invoice.pdf", "letter.txt"]),
        ({"type": "nin", "key": "doc_type", "value": ["Letter"]}, ["invoice.pdf"]),
        ({"type": "eq", "key": "paid", "value": False}, ["invoice.pdf"]),
        (
            {"type": "or", "filters": [{"type": "eq", "key": "paid", "value": True}, {"type": "eq", "key": "doc_type", "value": "Letter"}]},
            ["letter.txt"],
        ),
        (
            {"type": "and", "filters": [{"type": "eq", "key": "paid", "value": False}, {"type": "eq", "key": "doc_type", "value": "Letter"}]},
            [],
        ),
    ],
)
def test_a_search_keeps_to_its_filter(client: openai.OpenAI, store_id: str, filters: Any, names: list[str]) -> None:
    """A file that lacks the attribute, or has it in another type, is not found."""
    assert sorted(hit.filename for hit in found(client, store_id, "of the chairs in the library for you", filters=filters)) == names


def test_a_long_file_is_cut_into_chunks_that_overlap(client: openai.OpenAI) -> None:
    """Each of at most the tokens asked for; the text can be had back, and a word deep inside is found in its own chunk."""
    store = client.vector_stores.create(name="long")
    text = " ".join(f"word{number}" for number in range(600))
    strategy = {"type": "static", "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50}}
    file = stored(client, store.id, text.encode(), "long.txt", chunking_strategy=strategy)
    pieces = [part.text for part in client.vector_stores.files.content(file.id, vector_store_id=store.id).data]

    assert len(pieces) > 5
    assert file.usage_bytes == sum(len(piece) for piece in pieces) > len(text)
    assert {word for piece in pieces for word in piece.split()} >= set(text.split())
    hits = found(client, store.id, "word300")
    assert all("word300" in hit.content[0].text for hit in hits)
    assert 1 <= len(hits) <= 2


def test_objects_are_as_described(client: openai.OpenAI, store_id: str) -> None:
    """Stores, their files, listings, searches and deletions have the published form."""
    stores = client.vector_stores
    file_id = stores.files.list(store_id).data[0].id

    def raw(answer: Any) -> Any:
        return json.loads(answer.content)

    checks = {
        "VectorStoreObject": [raw(stores.with_raw_response.retrieve(store_id)), raw(stores.with_raw_response.update(store_id, name="n"))],
        "ListVectorStoresResponse": [raw(stores.with_raw_response.list())],
        "VectorStoreFileObject": [
            raw(stores.files.with_raw_response.retrieve(file_id, vector_store_id=store_id)),
            raw(stores.files.with_raw_response.update(file_id, vector_store_id=store_id, attributes={"a": 1})),
        ],
        "ListVectorStoreFilesResponse": [raw(stores.files.with_raw_response.list(store_id, limit=1))],
        "VectorStoreFileContentResponse": [raw(stores.files.with_raw_response.content(file_id, vector_store_id=store_id))],
        "VectorStoreSearchResultsPage": [raw(stores.with_raw_response.search(store_id, query="chairs library"))],
        "DeleteVectorStoreFileResponse": [raw(stores.files.with_raw_response.delete(file_id, vector_store_id=store_id))],
        "DeleteVectorStoreResponse": [raw(stores.with_raw_response.delete(store_id))],
    }
    wrong = {f"{name}: {each}" for name, answers in checks.items() for answer in answers for each in problems(f"components/schemas/{name}", answer)}

    assert wrong == set()


def test_what_is_gone_is_found_no_more(client: openai.OpenAI, store_id: str) -> None:
    """A file taken out, an upload deleted, a store deleted: each is missed at once, and only by those who ask for it."""
    invoice, letter = (found(client, store_id, word)[0].file_id for word in ("Northwind", "library"))
    client.vector_stores.files.delete(invoice, vector_store_id=store_id)
    client.files.delete(letter)
    after = found(client, store_id, "Northwind library")
    kept = client.files.retrieve(invoice).id
    client.vector_stores.delete(store_id)

    assert after == []
    assert kept == invoice
    for ask in (lambda: client.vector_stores.retrieve(store_id), lambda: found(client, store_id, "x")):
        with pytest.raises(openai.NotFoundError, match=store_id):
            ask()


def test_another_key_sees_nothing_of_it(client: openai.OpenAI, canned: str, store_id: str) -> None:
    """Neither by its id nor in a listing."""
    other = client_of(canned, "sk-other")
    with pytest.raises(openai.NotFoundError):
        other.vector_stores.retrieve(store_id)
    assert [store.id for store in other.vector_stores.list()] == []


def test_a_listing_goes_page_by_page(client: openai.OpenAI) -> None:
    """Newest first, each once, also over several pages."""
    store = client.vector_stores.create(name="paged")
    names = [stored(client, store.id, f"text {number}".encode(), f"{number}.txt").id for number in range(5)]

    assert [file.id for file in client.vector_stores.files.list(store.id, limit=2)] == names[::-1]
    assert [file.id for file in client.vector_stores.files.list(store.id, limit=2, order="asc")] == names
    assert client.vector_stores.retrieve(store.id).file_counts.completed == 5


def test_a_file_that_cannot_be_read_fails_alone(client: openai.OpenAI) -> None:
    """It says why; its neighbour is indexed."""
    store = client.vector_stores.create(name="hostile", expires_after={"anchor": "last_active_at", "days": 3})
    broken = stored(client, store.id, b"%PDF-1.7\nnothing", "broken.pdf")
    good = stored(client, store.id, b"good text", "good.txt")

    assert (broken.status, broken.last_error.code, good.status) == ("failed", "invalid_file", "completed")
    assert client.vector_stores.retrieve(store.id).expires_at == client.vector_stores.retrieve(store.id).last_active_at + 3 * 86_400


def test_indexing_can_fail_or_never_end() -> None:
    """By fault, in this order."""
    with running(answers="canned", faults="indexing-failed@indexing=first1,indexing-stuck@indexing=first2,500@vector_stores=0") as address:
        client = client_of(address)
        store = client.vector_stores.create(name="faults")  # takes the first place in the order
        upload = client.files.create(file=("a.txt", b"text"), purpose="user_data")
        client.vector_stores.files.create(store.id, file_id=upload.id)
        time.sleep(0.3)
        assert client.vector_stores.files.retrieve(upload.id, vector_store_id=store.id).status == "in_progress"


@pytest.mark.parametrize(
    ("ask", "param"),
    [
        (lambda stores, store_id: stores.create(name="x", extra_body={"nmae": "y"}), "nmae"),
        (lambda stores, store_id: stores.create(expires_after={"anchor": "last_active_at", "days": 0}), "expires_after"),
        (lambda stores, store_id: stores.create(metadata={str(number): "x" for number in range(17)}), "metadata"),
        (lambda stores, store_id: stores.search(store_id, query=" "), "query"),
        (lambda stores, store_id: stores.search(store_id, query="x", max_num_results=51), "max_num_results"),
        (lambda stores, store_id: stores.search(store_id, query="x", filters={"type": "like", "key": "a", "value": 1}), "filters"),
        (lambda stores, store_id: stores.search(store_id, query="x", ranking_options={"score_threshold": 2}), "ranking_options"),
        (lambda stores, store_id: stores.files.create(store_id, file_id="file-none"), "id"),
        (lambda stores, store_id: stores.files.create(store_id, file_id="x", extra_body={"file_id": None}), "file_id"),
        (lambda stores, store_id: stores.list(limit=101), "limit"),
    ],
)
def test_a_wrong_request_is_refused_by_name(client: openai.OpenAI, store_id: str, ask: Any, param: str) -> None:
    """The answer names the field."""
    with pytest.raises(openai.APIStatusError) as refused:
        ask(client.vector_stores, store_id)
    assert (refused.value.status_code in (400, 404), refused.value.param) == (True, param)


@pytest.mark.parametrize("attributes", [{str(number): 1 for number in range(17)}, {"k" * 65: 1}, {"a": "x" * 513}, {"a": [1]}, {"a": None}], ids=str)
def test_attributes_beyond_the_limits_are_refused(client: openai.OpenAI, store_id: str, attributes: Any) -> None:
    """Sixteen numbers, truth values or short texts, no more; what was there stays."""
    file = client.vector_stores.files.list(store_id).data[0]
    with pytest.raises(openai.BadRequestError, match="attributes"):
        client.vector_stores.files.update(file.id, vector_store_id=store_id, attributes=attributes)
    assert client.vector_stores.files.retrieve(file.id, vector_store_id=store_id).attributes == file.attributes
