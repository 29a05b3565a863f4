"""Files, batches and vector stores at the provider: the requests that are no question to a model.

Decided here: which of them are tried again by themselves, and that nothing of what comes back is believed before it is looked at. Promised: an
upload or a creation whose outcome is unknown is never repeated blindly: `OutcomeUnknown` says so, and the caller looks for it first. They go through
the client of api.py, with its limits. Called by batch.py and
resources.py. Costs nothing, and writes nothing to the ledger.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from .api import FIRST_WAIT_S, AnswerTooLarge, client_for, must_be_simulated, refusal_of
from .errors import ApiRefused, ApiUnavailable
from .settings import Settings

TRANSFER_DEADLINE_S: Final = 3600.0  # a file of 200 MB may take its time
PAGE: Final = 100  # batches in one page of their list, the most there can be
LIST_MARGIN_S: Final = 3600  # by so much the provider's clock may differ from ours
JSON: Final = {"Accept-Encoding": "identity"}
FOUND: Final = "vector_store.search_results.page"
WITHOUT_ID: Final = ("list", FOUND)


class OutcomeUnknown(Exception):
    """It was sent, and nobody knows whether it was done."""


class Missing(Exception):
    """The provider has no such object."""


class _Again(Exception):
    """This attempt failed in a way that another may not."""

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Connection:
    """The SDK's client, and the settings it was made by."""

    client: Any
    settings: Settings
    key: str


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Connection]:
    """A connection for as long as the block lasts. Raises: MissingKey."""
    key = settings.require_key()
    client = client_for(settings, key)
    try:
        yield Connection(client, settings, key)
    finally:
        await client.close()


async def done(api: Connection, what: str, send: Callable[[Any], Awaitable[Any]], *, once: bool = False, deadline_s: float | None = None) -> Any:
    """What `send` makes of the SDK's client, tried again as often as a request is; `once` where a second attempt could do it twice.

    Raises: Missing on 404, ApiRefused on 401 and 403, ApiUnavailable, OutcomeUnknown for what is to be done once.
    """
    settings, last = api.settings, ""
    for number in range(settings.attempts):
        try:
            return await _attempt(api, what, send, once, deadline_s or settings.call_deadline_s)
        except _Again as error:
            last = str(error)
            spread = random.uniform(0, min(settings.longest_wait_s, FIRST_WAIT_S * 2**number))  # noqa: S311
            await asyncio.sleep(min(error.wait_s, settings.longest_wait_s) + spread)
    raise ApiUnavailable(
        f"{settings.base_url} did not {what} in {settings.attempts} attempts; the last said: {last.rstrip('. ')}. Run the same command again later."
    )


async def _attempt(api: Connection, what: str, send: Callable[[Any], Awaitable[Any]], once: bool, deadline_s: float) -> Any:
    import httpx2
    import openai

    try:
        async with asyncio.timeout(deadline_s):
            return await send(api.client)
    except openai.APIStatusError as error:
        end = refusal_of(error.response, api.key)
        if end.http_status == 404:
            raise Missing(end.message) from None
        if once and (end.http_status or 0) >= 500:
            raise OutcomeUnknown(end.message) from None
        if end.try_again:
            raise _Again(end.message, end.wait_s or 0.0) from None
        kind = ApiRefused if end.http_status in (401, 403) else ApiUnavailable
        raise kind(f"{api.settings.base_url} refuses to {what}: {end.message} Nothing was spent by that.") from None
    except (TimeoutError, openai.APIError, httpx2.HTTPError, OSError, AnswerTooLarge, orjson.JSONDecodeError) as error:
        message = f"{type(error).__name__}: {error}".rstrip(": ")
        raise (OutcomeUnknown if once else _Again)(message) from None


def object_of(api: Connection, answer: Any, kind: str) -> dict[str, Any]:
    """The object that an answer holds. Raises: JSONDecodeError where it is none of this kind, as a proxy's page is not; SettingsError."""
    must_be_simulated(api.settings, "x-autod-simulated" in answer.headers)
    found = orjson.loads(answer.content)
    if not isinstance(found, dict) or found.get("object") != kind or (kind not in WITHOUT_ID and not isinstance(found.get("id"), str)):
        raise orjson.JSONDecodeError(f"the answer is no {kind}", "", 0)
    return found


async def upload(api: Connection, path: Path, kept_s: int) -> str:
    """The id of the batch file uploaded; the provider deletes it after so many seconds. Raises: OutcomeUnknown."""
    expiry: Any = {"anchor": "created_at", "seconds": kept_s}

    async def send(client: Any) -> str:
        with path.open("rb") as file:
            made = await client.files.with_raw_response.create(file=(path.name, file), purpose="batch", expires_after=expiry, extra_headers=JSON)
        return str(object_of(api, made, "file")["id"])

    return str(await done(api, "take the batch file", send, once=True, deadline_s=TRANSFER_DEADLINE_S))


async def upload_bytes(api: Connection, name: str, content: bytes, kept_s: int) -> str:
    """The id of a document uploaded for searching; the provider deletes it after so many seconds. Raises: OutcomeUnknown."""
    expiry: Any = {"anchor": "created_at", "seconds": kept_s}

    async def send(client: Any) -> str:
        made = await client.files.with_raw_response.create(file=(name, content), purpose="user_data", expires_after=expiry, extra_headers=JSON)
        return str(object_of(api, made, "file")["id"])

    return str(await done(api, "take a document", send, once=True, deadline_s=TRANSFER_DEADLINE_S))


async def files(api: Connection, purpose: str) -> list[dict[str, Any]]:
    """All files of a purpose, newest first."""
    return await _listed(api, "list its files", lambda client: client.files, purpose=purpose, order="desc", limit=1000)


async def has_file(api: Connection, file_id: str) -> bool:
    """Whether an uploaded file is still there."""

    async def send(client: Any) -> dict[str, Any]:
        return object_of(api, await client.files.with_raw_response.retrieve(file_id, extra_headers=JSON), "file")

    try:
        await done(api, "show a file", send)
    except Missing:
        return False
    return True


async def find_file(api: Connection, name: str, purpose: str = "batch") -> str | None:
    """The id of a file uploaded under this name; None without one."""
    return next((str(each["id"]) for each in await files(api, purpose) if each.get("filename") == name), None)


async def vector_stores(api: Connection) -> list[dict[str, Any]]:
    """All vector stores, newest first."""
    return await _listed(api, "list its vector stores", lambda client: client.vector_stores, limit=PAGE)


async def vector_store(api: Connection, store_id: str) -> dict[str, Any]:
    """A vector store as it stands. Raises: Missing."""
    return await _told(api, "show the vector store", "vector_store", lambda stores: stores.retrieve(store_id, extra_headers=JSON))


async def create_vector_store(api: Connection, name: str, metadata: dict[str, str]) -> str:
    """The id of a new vector store. Raises: OutcomeUnknown."""

    async def send(client: Any) -> str:
        made = await client.vector_stores.with_raw_response.create(name=name, metadata=metadata, extra_headers=JSON)
        return str(object_of(api, made, "vector_store")["id"])

    return str(await done(api, "make a vector store", send, once=True))


async def delete_vector_store(api: Connection, store_id: str) -> None:
    """Deletes a vector store; one that is not there is deleted already."""
    with suppress(Missing):
        await _told(api, "delete a vector store", "vector_store.deleted", lambda stores: stores.delete(store_id, extra_headers=JSON))


async def attach(api: Connection, store_id: str, file_id: str, attributes: dict[str, Any]) -> None:
    """Puts an uploaded file into a vector store; doing it twice is doing it once. Raises: Missing."""
    await _told(
        api,
        "take a file into the vector store",
        "vector_store.file",
        lambda files: files.create(store_id, file_id=file_id, attributes=attributes, extra_headers=JSON),
        inner=True,
    )


async def attached(api: Connection, store_id: str, file_id: str) -> dict[str, Any]:
    """A file of a vector store as it stands. Raises: Missing."""
    return await _told(
        api,
        "show a file of the vector store",
        "vector_store.file",
        lambda files: files.retrieve(file_id, vector_store_id=store_id, extra_headers=JSON),
        inner=True,
    )


async def describe(api: Connection, store_id: str, file_id: str, attributes: dict[str, Any]) -> None:
    """Gives a file of a vector store other attributes. Raises: Missing."""
    await _told(
        api,
        "describe a file of the vector store",
        "vector_store.file",
        lambda files: files.update(file_id, vector_store_id=store_id, attributes=attributes, extra_headers=JSON),
        inner=True,
    )


async def detach(api: Connection, store_id: str, file_id: str) -> None:
    """Takes a file out of a vector store; one that is not there is out already."""
    with suppress(Missing):
        await _told(
            api,
            "take a file out of the vector store",
            "vector_store.file.deleted",
            lambda files: files.delete(file_id, vector_store_id=store_id, extra_headers=JSON),
            inner=True,
        )


async def search(api: Connection, store_id: str, query: str, filters: dict[str, Any] | None, limit: int) -> list[dict[str, Any]]:
    """The chunks that a vector store finds for a query, best first. Raises: Missing."""
    wish: dict[str, Any] = {} if filters is None else {"filters": filters}

    async def send(client: Any) -> list[dict[str, Any]]:
        raw = client.vector_stores.with_raw_response
        page = object_of(
            api, await raw.search(store_id, query=query, max_num_results=limit, extra_headers=JSON, **wish), "vector_store.search_results.page"
        )
        return [each for each in page["data"] if isinstance(each, dict)]

    return list(await done(api, "search the vector store", send))


async def _told(api: Connection, what: str, kind: str, ask: Callable[[Any], Awaitable[Any]], *, inner: bool = False) -> dict[str, Any]:
    """The object that a request about vector stores, or about the files of one (`inner`), gives."""

    async def send(client: Any) -> dict[str, Any]:
        of = client.vector_stores.files if inner else client.vector_stores
        return object_of(api, await ask(of.with_raw_response), kind)

    return dict(await done(api, what, send))


async def _listed(api: Connection, what: str, of: Callable[[Any], Any], **wish: Any) -> list[dict[str, Any]]:
    """All objects of a listing, page by page."""
    found: list[dict[str, Any]] = []
    while True:

        async def send(client: Any, after: str | None = found[-1]["id"] if found else None) -> dict[str, Any]:
            further = {} if after is None else {"after": after}
            return object_of(api, await of(client).with_raw_response.list(extra_headers=JSON, **wish, **further), "list")

        page = await done(api, what, send)
        new = [each for each in page["data"] if isinstance(each, dict) and isinstance(each.get("id"), str)]
        found += new
        if not page.get("has_more") or not new:
            return found


async def create_batch(api: Connection, file_id: str, metadata: dict[str, str], kept_s: int) -> dict[str, Any]:
    """The batch made of an uploaded file. Raises: OutcomeUnknown; Missing where the file is not there."""
    expiry: Any = {"anchor": "created_at", "seconds": kept_s}

    async def send(client: Any) -> dict[str, Any]:
        made = await client.batches.with_raw_response.create(
            input_file_id=file_id,
            endpoint="/v1/responses",
            completion_window="24h",
            metadata=metadata,
            output_expires_after=expiry,
            extra_headers=JSON,
        )
        return object_of(api, made, "batch")

    return dict(await done(api, "create the batch", send, once=True))


async def find_batch(api: Connection, metadata: dict[str, str], since_s: float) -> dict[str, Any] | None:
    """The batch with this metadata, created since about then (seconds since 1970); None without one."""
    after: dict[str, str] = {}
    while True:

        async def send(client: Any, after: dict[str, str] = after) -> dict[str, Any]:
            return object_of(api, await client.batches.with_raw_response.list(limit=PAGE, extra_headers=JSON, **after), "list")

        page = await done(api, "list its batches", send)
        found = [each for each in page["data"] if isinstance(each, dict) and isinstance(each.get("id"), str)]
        for each in found:
            if metadata.items() <= (each.get("metadata") or {}).items():
                return each
        if not page.get("has_more") or not found or found[-1].get("created_at", 0) < since_s - LIST_MARGIN_S:
            return None
        after = {"after": found[-1]["id"]}


async def batch(api: Connection, batch_id: str) -> dict[str, Any]:
    """A batch as it stands. Raises: Missing."""

    async def send(client: Any) -> dict[str, Any]:
        return object_of(api, await client.batches.with_raw_response.retrieve(batch_id, extra_headers=JSON), "batch")

    return dict(await done(api, "show the batch", send))


async def cancel_batch(api: Connection, batch_id: str) -> None:
    """Lets no further line of a batch begin; one that has ended stays as it is."""

    async def send(client: Any) -> None:
        import openai

        try:
            await client.batches.with_raw_response.cancel(batch_id, extra_headers=JSON)
        except openai.ConflictError:
            return

    await done(api, "cancel the batch", send)


async def delete_file(api: Connection, file_id: str) -> None:
    """Deletes a file; one that is not there is deleted already."""

    async def send(client: Any) -> None:
        await client.files.with_raw_response.delete(file_id, extra_headers=JSON)

    try:
        await done(api, "delete a file", send)
    except Missing:
        return


async def read_lines(api: Connection, file_id: str, take: Callable[[list[bytes]], Awaitable[None]], group: int) -> None:
    """Hands the lines of a file to `take`, up to `group` at once, as they arrive; from the first again when the connection breaks.

    A line longer than the longest answer that is read (AUTOD_MAX_ANSWER_BYTES) is cut off behind it, and is no line of JSON then.
    Raises: Missing.
    """
    most = api.settings.max_answer_bytes

    async def send(client: Any) -> None:
        rest, lines = bytearray(), []
        async with client.files.with_streaming_response.content(file_id, extra_headers=JSON) as answer:
            async for chunk in answer.iter_bytes(1 << 16):
                first, *further = chunk.split(b"\n")
                rest += first[: max(0, most - len(rest))]
                for piece in further:
                    lines.append(bytes(rest))
                    rest = bytearray(piece)
                    if len(lines) == group:
                        await take(lines)
                        lines = []
        await take([line for line in (*lines, bytes(rest)) if line])

    await done(api, "give the batch's answers", send, deadline_s=TRANSFER_DEADLINE_S)
