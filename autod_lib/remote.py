"""Files and batches at the provider: the requests that are no question to a model.

Decided here: which of them are tried again by themselves, and that nothing of what comes back is believed before it is looked at. Promised: an
upload or a creation whose outcome is unknown is never repeated blindly: `OutcomeUnknown` says so, and the caller looks for it first. They go through
the client of api.py, with its limits. Called by batch.py. Costs nothing, and writes nothing to the ledger.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
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


async def _done(api: Connection, what: str, send: Callable[[Any], Awaitable[Any]], *, once: bool = False, deadline_s: float | None = None) -> Any:
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


def _object(api: Connection, answer: Any, kind: str) -> dict[str, Any]:
    """The object that an answer holds. Raises: JSONDecodeError where it is none of this kind, as a proxy's page is not; SettingsError."""
    must_be_simulated(api.settings, "x-autod-simulated" in answer.headers)
    found = orjson.loads(answer.content)
    if not isinstance(found, dict) or found.get("object") != kind or (kind != "list" and not isinstance(found.get("id"), str)):
        raise orjson.JSONDecodeError(f"the answer is no {kind}", "", 0)
    return found


async def upload(api: Connection, path: Path, kept_s: int) -> str:
    """The id of the batch file uploaded; the provider deletes it after so many seconds. Raises: OutcomeUnknown."""
    expiry: Any = {"anchor": "created_at", "seconds": kept_s}

    async def send(client: Any) -> str:
        with path.open("rb") as file:
            made = await client.files.with_raw_response.create(file=(path.name, file), purpose="batch", expires_after=expiry, extra_headers=JSON)
        return str(_object(api, made, "file")["id"])

    return str(await _done(api, "take the batch file", send, once=True, deadline_s=TRANSFER_DEADLINE_S))


async def find_file(api: Connection, name: str) -> str | None:
    """The id of a batch file uploaded under this name; None without one."""

    async def send(client: Any) -> str | None:
        listed = _object(api, await client.files.with_raw_response.list(purpose="batch", order="desc", extra_headers=JSON), "list")
        return next((str(each["id"]) for each in listed["data"] if isinstance(each, dict) and each.get("filename") == name), None)

    found = await _done(api, "list its files", send)
    return None if found is None else str(found)


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
        return _object(api, made, "batch")

    return dict(await _done(api, "create the batch", send, once=True))


async def find_batch(api: Connection, metadata: dict[str, str], since_s: float) -> dict[str, Any] | None:
    """The batch with this metadata, created since about then (seconds since 1970); None without one."""
    after: dict[str, str] = {}
    while True:

        async def send(client: Any, after: dict[str, str] = after) -> dict[str, Any]:
            return _object(api, await client.batches.with_raw_response.list(limit=PAGE, extra_headers=JSON, **after), "list")

        page = await _done(api, "list its batches", send)
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
        return _object(api, await client.batches.with_raw_response.retrieve(batch_id, extra_headers=JSON), "batch")

    return dict(await _done(api, "show the batch", send))


async def cancel_batch(api: Connection, batch_id: str) -> None:
    """Lets no further line of a batch begin; one that has ended stays as it is."""

    async def send(client: Any) -> None:
        import openai

        try:
            await client.batches.with_raw_response.cancel(batch_id, extra_headers=JSON)
        except openai.ConflictError:
            return

    await _done(api, "cancel the batch", send)


async def delete_file(api: Connection, file_id: str) -> None:
    """Deletes a file; one that is not there is deleted already."""

    async def send(client: Any) -> None:
        await client.files.with_raw_response.delete(file_id, extra_headers=JSON)

    try:
        await _done(api, "delete a file", send)
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

    await _done(api, "give the batch's answers", send, deadline_s=TRANSFER_DEADLINE_S)
