"""Batches: a file of requests that are done in their own time, and the files of their answers.

Decided here: what of an input file is refused, the order of a batch's states, and in which order its lines are done and come back. Promised: every
line of an input file found good is done at most once, and ends in the output file, in the error file or (by fault) in none; only what was done
counts in the usage. Called by server.py, which does the single line. A batch lives in memory and ends with the server.

Time: a batch takes about `seconds`, by seed from half to one and a half of it: a tenth of it validating, a tenth finalizing, the lines between.
Source of shapes and limits: the published description 2.3.0 (50,000 requests, 200 MB, 24 hours) and the provider's batch guide, 2026.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import orjson

from .faults import Fault, chance
from .files import LEAST_EXPIRY_S, MOST_EXPIRY_S, Upload, Uploads
from .models import model_named
from .wire import ApiError, JsonObject, metadata_of

LINES, BYTES = 50_000, 200_000_000
WINDOW_S = 86_400
ENDPOINT = "/v1/responses"
AT_ONCE = 16  # lines of a batch that are under way together
ERRORS_KEPT = 100  # of an input file that is refused
CREATE_FIELDS = ("input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after")
ENDED = ("completed", "failed", "expired", "cancelled")
TOKENS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")


@dataclass
class Line:
    """One request of an input file."""

    custom_id: str
    body: JsonObject


@dataclass
class Batch:
    """A batch and where it stands; `reached` has the time of each state, in whole seconds."""

    batch_id: str
    input_file_id: str
    created_at: int
    metadata: JsonObject | None
    output_expiry_s: int | None
    fault: Fault | None
    status: str = "validating"
    reached: dict[str, int] = field(default_factory=dict)
    model: str | None = None
    total: int = 0
    completed: int = 0
    failed: int = 0
    errors: list[JsonObject] = field(default_factory=list)
    output_file_id: str | None = None
    error_file_id: str | None = None
    tokens: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TOKENS, 0))

    def enter(self, status: str) -> None:
        """From here on it is in this state."""
        self.status = status
        self.reached[status] = int(time.time())

    def count(self, answer: JsonObject) -> None:
        """Adds the usage of an answer."""
        usage = answer.get("usage")
        if not isinstance(usage, dict):
            return
        flat = {**usage, **(usage.get("input_tokens_details") or {}), **(usage.get("output_tokens_details") or {})}
        for name in TOKENS:
            self.tokens[name] += flat.get(name) if isinstance(flat.get(name), int) else 0  # type: ignore[operator]

    def as_object(self) -> JsonObject:
        """The batch object of the API."""
        tokens = self.tokens
        answer: JsonObject = {
            "id": self.batch_id,
            "object": "batch",
            "endpoint": ENDPOINT,
            "input_file_id": self.input_file_id,
            "completion_window": "24h",
            "status": self.status,
            "created_at": self.created_at,
            "expires_at": self.created_at + WINDOW_S,
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed},
            "usage": {
                "input_tokens": tokens["input_tokens"],
                "input_tokens_details": {"cached_tokens": tokens["cached_tokens"]},
                "output_tokens": tokens["output_tokens"],
                "output_tokens_details": {"reasoning_tokens": tokens["reasoning_tokens"]},
                "total_tokens": tokens["input_tokens"] + tokens["output_tokens"],
            },
            "metadata": self.metadata,
            **{f"{status}_at": at for status, at in self.reached.items()},
        }
        found = {"model": self.model, "output_file_id": self.output_file_id, "error_file_id": self.error_file_id}
        errors = {"errors": {"object": "list", "data": self.errors}} if self.errors else {}
        return answer | {name: value for name, value in found.items() if value is not None} | errors


Do = Callable[[Batch, Line], Awaitable[tuple[int, str, JsonObject]]]  # status, request id and body of the answer to a line


@dataclass
class Batches:
    """The batches of all keys; one key's are not seen by another."""

    uploads: Uploads
    seconds: float
    seed: int
    _kept: dict[str, dict[str, Batch]] = field(default_factory=dict)
    _work: set[asyncio.Task[None]] = field(default_factory=set)
    _cancelled: dict[str, asyncio.Event] = field(default_factory=dict)

    def create(self, key: str, given: object, fault: Fault | None, do: Do) -> Batch:
        """A new batch, which is worked on from now on. Raises: ApiError 400 naming what is wrong, 404 without its file."""
        if not isinstance(given, dict):
            raise ApiError(400, "The body must be a JSON object.", code="invalid_json")
        for name in given.keys() - set(CREATE_FIELDS):
            raise ApiError(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
        for name in CREATE_FIELDS[:3]:
            if not isinstance(given.get(name), str):
                raise ApiError(400, f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
        if given["endpoint"] != ENDPOINT:
            message = f"The simulated API does batches for {ENDPOINT} alone, not for {given['endpoint']!r}."
            raise ApiError(400, message, param="endpoint", code="invalid_value")
        if given["completion_window"] != "24h":
            raise ApiError(400, "Invalid value: 'completion_window' must be '24h'.", param="completion_window", code="invalid_value")
        upload = self.uploads.one(key, given["input_file_id"])
        if upload.purpose != "batch":
            message = f"The file '{upload.file_id}' has purpose '{upload.purpose}', not 'batch'."
            raise ApiError(400, message, param="input_file_id", code="invalid_value")
        expiry_s = _output_expiry(given.get("output_expires_after"))
        batch = Batch(f"batch_{secrets.token_hex(12)}", upload.file_id, int(time.time()), metadata_of(given.get("metadata")), expiry_s, fault)
        self._kept.setdefault(key, {})[batch.batch_id] = batch
        self._cancelled[batch.batch_id] = asyncio.Event()
        task = asyncio.create_task(self._whole(key, batch, upload, do))
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return batch

    def one(self, key: str, batch_id: str) -> Batch:
        """A batch by its id. Raises: ApiError 404."""
        found = self._kept.get(key, {}).get(batch_id)
        if found is None:
            raise ApiError(404, f"No batch found with id '{batch_id}'.", param="id", code="batch_not_found")
        return found

    def cancel(self, key: str, batch_id: str) -> Batch:
        """Lets no further line of a batch begin. Raises: ApiError 404, 409 for one that has ended."""
        batch = self.one(key, batch_id)
        if batch.status in ENDED:
            raise ApiError(409, f"Cannot cancel a batch with status '{batch.status}'.", param="id", code="invalid_status")
        if batch.status != "cancelling":
            batch.enter("cancelling")
            self._cancelled[batch_id].set()
        return batch

    def listing(self, key: str, query: Mapping[str, str]) -> JsonObject:
        """One page of the batches of a key, newest first. Raises: ApiError 400 for a limit that is none."""
        limit = query.get("limit", "20")
        if not limit.isdigit() or not 1 <= int(limit) <= 100:
            raise ApiError(400, f"Invalid 'limit': expected a whole number from 1 to 100, but got {limit!r}.", param="limit", code="invalid_value")
        chosen = list(reversed(self._kept.get(key, {}).values()))
        names = [each.batch_id for each in chosen]
        if query.get("after") in names:
            chosen = chosen[names.index(query["after"]) + 1 :]
        page = [each.as_object() for each in chosen[: int(limit)]]
        ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {}
        return {"object": "list", "data": page, **ends, "has_more": len(chosen) > int(limit)}

    async def _whole(self, key: str, batch: Batch, upload: Upload, do: Do) -> None:
        """The life of a batch, from its input file to its output files."""
        begun, cancelled, fault = time.monotonic(), self._cancelled[batch.batch_id], str(batch.fault or "")
        takes_s = self.seconds * (0.5 + chance(self.seed, "batch", len(self._kept[key])))
        await _rest(cancelled, takes_s / 10)
        lines = await asyncio.to_thread(_lines, upload.content, batch)
        if fault == "failed-validation":
            batch.errors = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached.", "param": None, "line": None}]
        if batch.errors:
            return batch.enter("failed")
        batch.total = len(lines)
        if not cancelled.is_set():
            batch.enter("in_progress")
        # In another order than they came in, as nobody promises an order; of one that expires, half are done.
        lines.sort(key=lambda line: chance(self.seed, "order", line.custom_id))
        doing = lines[: len(lines) // 2] if fault == "expired" else lines
        output, errors = await self._done(batch, doing, do, cancelled)
        await _rest(cancelled, takes_s * 0.9 - (time.monotonic() - begun))
        ended = "cancelled" if cancelled.is_set() else "expired" if fault == "expired" else "completed"
        if ended == "completed":
            batch.enter("finalizing")
            await _rest(cancelled, takes_s / 10)
        reason = {"cancelled": "batch_cancelled", "expired": "batch_expired"}.get(ended)
        if reason:
            finished = {line["custom_id"] for line in (*output, *errors)}
            message = "This request was not executed before the batch was cancelled or its completion window expired."
            errors += [_line(each.custom_id, None, {"code": reason, "message": message}) for each in lines if each.custom_id not in finished]
            batch.failed = len(errors)
        batch.output_file_id = self._file(key, batch, "output", _as_the_fault_leaves(output, fault))
        batch.error_file_id = self._file(key, batch, "error", errors)
        if fault == "output-gone" and batch.output_file_id:
            self.uploads.remove(key, batch.output_file_id)
        batch.enter(ended)
        return None

    async def _done(self, batch: Batch, lines: list[Line], do: Do, cancelled: asyncio.Event) -> tuple[list[JsonObject], list[JsonObject]]:
        """(lines of the output file, lines of the error file), until all are done or the batch is cancelled."""
        output: list[JsonObject] = []
        errors: list[JsonObject] = []
        queue = iter(lines)

        async def worker() -> None:
            for line in queue:
                if cancelled.is_set():
                    return
                status, request_id, body = await do(batch, line)
                done = _line(line.custom_id, {"status_code": status, "request_id": request_id, "body": body}, None)
                (output if status == 200 else errors).append(done)
                batch.completed, batch.failed = len(output), len(errors)
                batch.count(body)

        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
        return output, errors

    def _file(self, key: str, batch: Batch, kind: str, lines: list[JsonObject]) -> str | None:
        if not lines:
            return None
        content = b"".join(orjson.dumps(line) + b"\n" for line in lines)
        return self.uploads.keep(key, f"{batch.batch_id}_{kind}.jsonl", "batch_output", content, batch.output_expiry_s).file_id


async def _rest(cancelled: asyncio.Event, seconds: float) -> None:
    """Waits so long, or until the batch is cancelled."""
    if seconds > 0 and not cancelled.is_set():
        try:
            await asyncio.wait_for(cancelled.wait(), seconds)
        except TimeoutError:
            return


def _line(custom_id: str, response: JsonObject | None, error: JsonObject | None) -> JsonObject:
    return {"id": f"batch_req_{secrets.token_hex(12)}", "custom_id": custom_id, "response": response, "error": error}


def _as_the_fault_leaves(output: list[JsonObject], fault: str) -> list[JsonObject]:
    if fault == "duplicate-lines":
        return [each for line in output for each in (line, line)]
    if fault == "unknown-line":
        return [*output, *({**line, "custom_id": "of-somebody-else"} for line in output[:1])]
    if fault == "missing-lines":
        return output[1:]
    if fault == "torn-line" and output:
        return [*output[1:], {"custom_id": output[0]["custom_id"]}]
    return output


def _lines(content: bytes, batch: Batch) -> list[Line]:
    """The requests of an input file; what is wrong with it is put into the batch's errors."""
    found: list[Line] = []
    seen: set[str] = set()
    if len(content) > BYTES:
        batch.errors = [_error("file_too_large", f"The input file has {len(content)} bytes, more than {BYTES}.", None)]
        return found
    for number, text in enumerate(content.splitlines(), 1):
        problem = _wrong(text, found, seen, batch)
        if problem and len(batch.errors) < ERRORS_KEPT:
            batch.errors.append(_error(*problem, number))
        if number > LINES:
            batch.errors = [_error("too_many_requests", f"The input file has more than {LINES} requests.", None)]
            return found
    if not found and not batch.errors:
        batch.errors = [_error("empty_file", "The input file holds no request.", None)]
    return found


def _wrong(text: bytes, found: list[Line], seen: set[str], batch: Batch) -> tuple[str, str] | None:
    """Adds the line to what was found, or says what is wrong with it: code and message."""
    try:
        line = orjson.loads(text)
    except orjson.JSONDecodeError:
        return "invalid_json_line", "This line is not parseable as valid JSON."
    if not isinstance(line, dict) or not isinstance(line.get("custom_id"), str) or not isinstance(line.get("body"), dict):
        return "missing_required_parameter", "This line needs 'custom_id', 'method', 'url' and 'body'."
    if line.get("method") != "POST":
        return "invalid_method", "The method of this line must be 'POST'."
    if line.get("url") != ENDPOINT:
        return "invalid_url", f"The url of this line must be '{ENDPOINT}', the batch's endpoint."
    if line["custom_id"] in seen:
        return "duplicate_custom_id", f"The custom_id {line['custom_id']!r} is used by another line of the file."
    model = line["body"].get("model")
    if not isinstance(model, str) or model_named(model) is None:
        return "model_not_found", f"The model {model!r} does not exist or you do not have access to it."
    if batch.model is not None and model != batch.model:
        return "mismatched_model", f"All requests of a batch are for one model: {batch.model!r}, not {model!r}."
    batch.model = model
    seen.add(line["custom_id"])
    found.append(Line(line["custom_id"], line["body"]))
    return None


def _error(code: str, message: str, line: int | None) -> JsonObject:
    return {"code": code, "message": message, "param": None, "line": line}


def _output_expiry(given: object) -> int | None:
    if given is None:
        return None
    seconds = given.get("seconds") if isinstance(given, dict) and given.get("anchor") == "created_at" else None
    if not isinstance(seconds, int) or not LEAST_EXPIRY_S <= seconds <= MOST_EXPIRY_S:
        message = f"'output_expires_after' needs anchor 'created_at' and seconds from {LEAST_EXPIRY_S} to {MOST_EXPIRY_S}."
        raise ApiError(400, message, param="output_expires_after", code="invalid_value")
    return seconds
