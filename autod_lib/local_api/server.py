"""The server: routes, keys, limits, the order of work for one response, and the log.

Decided here: what happens between a request's arrival and its answer. Promised: the log has one line for every request that was answered, written
before the answer leaves, and one for every line of a batch that was done; a request whose client has gone is not answered and not logged.
Called by __main__.py. Listens on 127.0.0.1 and nowhere else, calls nobody, and keeps nothing on disk but the log.
"""

import asyncio
import gc
import hashlib
import os
import secrets
import signal
import socket
import sys
import threading
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from . import billing, counting, wire
from .answers import answer_text
from .batches import BYTES, Batch, Batches, Line
from .delivery import Broken, with_connection
from .faults import DRIP_S, SLOW_S, Fault, altered, chance, drawn, fault_named, refused, transported
from .files import SentFile, Upload, Uploads
from .limits import Limits
from .models import LISTED, model_named
from .options import Options
from .prompt_cache import Asked, CacheUse, PromptCache, Segment
from .reading import Readers
from .validate import BODY_BYTES, LONG_CHARACTERS, Part, request_of
from .validate import Request as Checked
from .vector_stores import VectorStores
from .wire import ApiError, JsonObject, Usage

GRACE_S = 2.0  # how long the server may take to end once its parent is gone
FORM_BYTES = 100_000  # of an upload's body that are not the file
IDLE_S = 600  # an idle connection is kept: closing it sooner would race with a client's next request
KNOWN_SINCE = 1_750_000_000  # `created` of every model in the list
Handler = Callable[["Call"], Awaitable[JsonObject | bytes]]


class Call:
    """One request on its way through the server; what is learned of it on the way goes into its log line.

    `batch_id` and `custom_id` are those of a line of a batch, None for a request of its own.
    """

    def __init__(self, method: str, path: str, batch_id: str | None = None, custom_id: str | None = None) -> None:
        self.method, self.path, self.batch_id, self.custom_id = method, path, batch_id, custom_id
        self.parameters: dict[str, str] = {}
        self.query = QueryParams()
        self.content_type = ""
        self.started = time.perf_counter()
        self.request_id = f"req_{secrets.token_hex(16)}"
        self.key = ""
        self.fault: Fault | None = None
        self.body = b""
        self.model = ""
        self.documents: list[SentFile] = []
        self.usage: JsonObject | None = None
        self.service_tier = ""
        self.headers: dict[str, str] = {}

    def log_line(self, status: int) -> bytes:
        """The line of this request, with its line feed."""
        line: JsonObject = {
            "time": datetime.now(UTC).isoformat(timespec="microseconds"),
            "method": self.method,
            "path": self.path,
            "status": status,
            "request_id": self.request_id,
            "request_sha256": hashlib.sha256(self.body).hexdigest(),
            "model": self.model or None,
            "usage": self.usage,
            "service_tier": self.service_tier or None,
            "api_key_id": billing.key_id(self.key) if self.key else None,
            "fault": str(self.fault) if self.fault else None,
            "seconds": round(time.perf_counter() - self.started, 6),
        }
        if self.batch_id:
            line |= {"batch_id": self.batch_id, "custom_id": self.custom_id}
        if self.documents:
            line["document_sha256"] = self.documents[0].sha256
        return orjson.dumps(line) + b"\n"


class LocalApi:
    """What the server knows while it runs: uploads, the prompt cache, the limits, the readers and the open log."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.uploads, self.readers = Uploads(), Readers()
        self.cache = PromptCache(options.implicit == "reads-system", options.requests_a_machine)
        self.limits = Limits(options.requests_per_minute)
        self.batches = Batches(self.uploads, options.batch_seconds, options.seed)
        self.vector_stores = VectorStores(self.uploads, self._text)
        self.orders: Counter[str] = Counter()
        self.log = None if options.log is None else os.open(options.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    # Every path goes through here.

    def route(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """A handler as an endpoint: key, limit and fault before it; headers, log and fault after it."""

        async def endpoint(http: Request) -> Response:
            call = Call(http.method, http.url.path)
            call.parameters, call.query = http.path_params, http.query_params
            call.content_type = http.headers.get("content-type", "")
            status = 200
            try:
                call.key = _key(http)
                call.fault = self._fault(http)
                self.limits.take(call.key, time.monotonic())
                if call.fault is None or call.fault.name != "drop-before":
                    call.body = await _body(http)
                await self._before(call)
                answer = await handler(call)
                body = answer if isinstance(answer, bytes) else orjson.dumps(answer)
            except ApiError as error:
                status = error.status
                body = orjson.dumps(wire.error_object(error.message, error.kind, error.param, error.code))
                call.headers.update(error.headers)
            except (_Dropped, ClientDisconnect):
                return Broken("drop")
            except Exception:
                status, body = 500, orjson.dumps(_mistake())
            return await self._answer(call, status, body, http.scope["connection"])

        return endpoint

    def _fault(self, http: Request) -> Fault | None:
        asked = http.headers.get("x-autod-fault")
        if asked:
            try:
                return fault_named(asked)
            except ValueError as problem:
                raise ApiError(400, str(problem), param="x-autod-fault", code="invalid_value") from problem
        path = http.url.path
        others = ("files", "batches", "vector_stores")
        place = "responses" if path == "/v1/responses" else next((name for name in others if path.startswith(f"/v1/{name}")), "")
        return self._drawn(place)

    def _drawn(self, place: str) -> Fault | None:
        """The fault of the next request, batch or line at this place."""
        if not self.options.faults:
            return None
        self.orders[place] += 1
        return drawn(self.options.faults, self.options.seed, self.orders[place] - 1, place)

    async def _before(self, call: Call) -> None:
        if call.fault is not None and call.fault.name == "no-flex" and b'"service_tier":"flex"' not in call.body:
            call.fault = None
        if call.fault is None:
            return
        if error := refused(call.fault):
            raise error
        if call.fault.name == "slow":
            await asyncio.sleep(call.fault.number(SLOW_S))
        if call.fault.name == "drop-before":
            raise _Dropped

    async def _answer(self, call: Call, status: int, body: bytes, connection: Any) -> Response:
        if self.options.latency and call.method == "POST":
            share = self.options.jitter * (2 * chance(self.options.seed, "latency", self.orders["responses"]) - 1)
            await asyncio.sleep(self.options.latency * (1 + share) - (time.perf_counter() - call.started))
        content_type = call.headers.pop("content-type", "application/json")
        if call.fault and status == 200:
            body, content_type = transported(call.fault, body)
        if connection.disconnected:
            return Broken("drop")
        self._note(call, status)
        headers = {
            "content-type": content_type,
            "x-autod-simulated": "1",
            "x-request-id": call.request_id,
            "openai-processing-ms": str(int(1000 * (time.perf_counter() - call.started))),
            "openai-version": "2020-10-01",
            **self.limits.headers(call.key, time.monotonic()),
            **call.headers,
        }
        if call.fault and status == 200 and call.fault.name in ("drop-after", "drop-middle", "drip"):
            return Broken(call.fault.name, body, headers, pause_s=call.fault.number(DRIP_S))
        return Response(body, status, headers)

    def _note(self, call: Call, status: int) -> None:
        if self.log is not None:
            os.write(self.log, call.log_line(status))

    # Responses.

    async def create(self, call: Call) -> JsonObject:
        """POST /v1/responses."""
        request = request_of(_json(call.body), self.uploads.of(call.key))
        call.model = request.model.name
        pages, segments = await self._input(call, request)
        input_tokens = sum(segment.tokens for segment in segments)
        cached = self._cached(call, request, segments)
        output: list[JsonObject] = []
        output_tokens = reasoning = 0
        incomplete: str | None = None
        item_id = call.request_id[4:]
        if not request.prewarm:
            text = await answer_text(request, call.documents[0] if call.documents else None, pages, self.options, self.readers)
            reasoning = counting.reasoning_tokens(request.effort, self.options.seed, _digest(call, request))
            text, output_tokens, reasoning, incomplete = _cut(request, text, reasoning, self.options)
            if reasoning:
                output.append(wire.reasoning_item(item_id))
            if text:
                output.append(wire.message_item(item_id, text, "incomplete" if incomplete else "completed"))
        usage = _usage(request, input_tokens, cached, output_tokens, reasoning)
        call.usage = usage.as_object()
        answer = wire.response_object(
            request.body,
            response_id=item_id,
            created_at=time.time(),
            output=output,
            usage=call.usage,
            effort=request.effort or None,
            cache_options=_cache_options(request),
            incomplete_reason=incomplete,
        )
        call.service_tier = str(answer["service_tier"])
        return altered(call.fault, answer) if call.fault else answer

    async def count(self, call: Call) -> JsonObject:
        """POST /v1/responses/input_tokens."""
        request = request_of(_json(call.body), self.uploads.of(call.key), counting=True)
        call.model = request.model.name
        _, segments = await self._input(call, request)
        return {"object": "response.input_tokens", "input_tokens": sum(segment.tokens for segment in segments)}

    async def _input(self, call: Call, request: Checked) -> tuple[tuple[str, ...] | None, list[Segment]]:
        """(the pages of the file, if one was opened; the input in the order of the prompt)."""
        await counting.load(request.model.name)
        uploads = self.uploads.of(call.key)
        contents: dict[Part, counting.Content] = {}
        pages: tuple[str, ...] | None = None
        for part in request.files:
            upload = uploads.get(part.file_id)
            file = SentFile(part.filename or (upload.filename if upload else ""), part.file_data, upload)
            if self.log is not None:
                file.decode()
            call.documents.append(file)
            identity = hash(part.file_data) if part.file_data else hash(part.file_id)
            if self.options.answers != "rules":
                contents[part] = counting.Content(file.size, identity)
                continue
            reading = await self.readers.read(file.sha256, file.content)
            if not reading.pages:
                problem = reading.problem or "it has no pages"
                message = f"The file {file.name!r} could not be processed: {problem}."
                raise ApiError(400, message, param="input", code="invalid_file")
            contents[part] = counting.Content(file.size, identity, reading.pages, reading.page_points)
            pages = (*(pages or ()), *reading.pages)
        if request.is_long or sum(map(len, pages or ())) > LONG_CHARACTERS:
            return pages, await asyncio.to_thread(counting.segments_of, request, contents, self.options.page_tokens)
        return pages, counting.segments_of(request, contents, self.options.page_tokens)

    def _cached(self, call: Call, request: Checked, segments: list[Segment]) -> CacheUse:
        asked, now = self._asked(call, request), time.monotonic()
        if call.batch_id is None:
            left_s = self.options.latency * (1 - self.options.jitter) - (
                time.perf_counter() - call.started
            )  # what is written is there with the answer
            return self.cache.use(segments, asked, now, takes_s=max(0.0, left_s))
        is_warm = chance(self.options.seed, "batch-reads", call.custom_id) < self.options.batch_reads
        return self.cache.use(segments, asked, now, machine="batch" if is_warm else call.request_id)

    def _asked(self, call: Call, request: Checked) -> Asked:
        settings = hash((call.key, request.model.name, request.schema_text, request.effort, request.verbosity))
        return Asked(request.model.has_breakpoints, settings, request.cache_key, request.cache_mode, request.lifetime)

    # Batches.

    async def create_batch(self, call: Call) -> JsonObject:
        """POST /v1/batches."""
        key = call.key

        async def do(batch: Batch, line: Line) -> tuple[int, str, JsonObject]:
            return await self._line(key, batch, line)

        return self.batches.create(key, _json(call.body), self._drawn("batch"), do).as_object()

    async def _line(self, key: str, batch: Batch, line: Line) -> tuple[int, str, JsonObject]:
        """One line of a batch, as a request of its own would be answered."""
        call = Call("POST", "/v1/responses", batch.batch_id, line.custom_id)
        call.key, call.body, call.fault = key, orjson.dumps(line.body), self._drawn("line")
        status = 200
        try:
            await self._before(call)
            answer = await self.create(call)
        except ApiError as error:
            status, answer = error.status, wire.error_object(error.message, error.kind, error.param, error.code)
        except Exception:
            status, answer = 500, _mistake()
        self._note(call, status)
        return status, call.request_id, answer

    async def list_batches(self, call: Call) -> JsonObject:
        """GET /v1/batches."""
        return self.batches.listing(call.key, call.query)

    async def show_batch(self, call: Call) -> JsonObject:
        """GET /v1/batches/{id}."""
        return self.batches.one(call.key, call.parameters["batch_id"]).as_object()

    async def cancel_batch(self, call: Call) -> JsonObject:
        """POST /v1/batches/{id}/cancel."""
        return self.batches.cancel(call.key, call.parameters["batch_id"]).as_object()

    # Vector stores.

    async def _text(self, upload: Upload) -> str:
        """The text of an upload that a vector store indexes. Raises: ValueError when it has none."""
        if not upload.content.startswith(b"%PDF"):
            return upload.content.decode("utf-8", "replace")
        reading = await self.readers.read(hashlib.sha256(upload.content).hexdigest(), upload.content)
        if not reading.pages:
            raise ValueError(f"The file could not be parsed: {reading.problem or 'it has no pages'}.")
        return "\n\n".join(reading.pages)

    async def create_store(self, call: Call) -> JsonObject:
        """POST /v1/vector_stores."""
        return self.vector_stores.create(call.key, _json(call.body or b"{}"), self._drawn("indexing")).as_object()

    async def list_stores(self, call: Call) -> JsonObject:
        """GET /v1/vector_stores."""
        return self.vector_stores.listing(call.key, call.query)

    async def show_store(self, call: Call) -> JsonObject:
        """GET /v1/vector_stores/{id}."""
        return self.vector_stores.one(call.key, call.parameters["store_id"]).as_object()

    async def change_store(self, call: Call) -> JsonObject:
        """POST /v1/vector_stores/{id}."""
        return self.vector_stores.change(call.key, call.parameters["store_id"], _json(call.body)).as_object()

    async def delete_store(self, call: Call) -> JsonObject:
        """DELETE /v1/vector_stores/{id}."""
        return self.vector_stores.remove(call.key, call.parameters["store_id"])

    async def search_store(self, call: Call) -> JsonObject:
        """POST /v1/vector_stores/{id}/search."""
        return self.vector_stores.search(call.key, call.parameters["store_id"], _json(call.body))

    async def attach_file(self, call: Call) -> JsonObject:
        """POST /v1/vector_stores/{id}/files."""
        return self.vector_stores.attach(call.key, call.parameters["store_id"], _json(call.body), self._drawn("indexing")).as_object()

    async def list_attached(self, call: Call) -> JsonObject:
        """GET /v1/vector_stores/{id}/files."""
        return self.vector_stores.files(call.key, call.parameters["store_id"], call.query)

    async def show_attached(self, call: Call) -> JsonObject:
        """GET /v1/vector_stores/{id}/files/{id}."""
        return self.vector_stores.file(call.key, call.parameters["store_id"], call.parameters["file_id"]).as_object()

    async def describe_attached(self, call: Call) -> JsonObject:
        """POST /v1/vector_stores/{id}/files/{id}."""
        store_id, file_id = call.parameters["store_id"], call.parameters["file_id"]
        return self.vector_stores.describe(call.key, store_id, file_id, _json(call.body)).as_object()

    async def attached_content(self, call: Call) -> JsonObject:
        """GET /v1/vector_stores/{id}/files/{id}/content."""
        return self.vector_stores.content(call.key, call.parameters["store_id"], call.parameters["file_id"])

    async def detach_file(self, call: Call) -> JsonObject:
        """DELETE /v1/vector_stores/{id}/files/{id}."""
        return self.vector_stores.detach(call.key, call.parameters["store_id"], call.parameters["file_id"])

    # The organization.

    async def usage(self, call: Call) -> JsonObject:
        """GET /v1/organization/usage/completions."""
        _require_admin(call)
        return billing.usage(call.query, self.options.log, self.options.discrepancies, time.time())

    async def costs(self, call: Call) -> JsonObject:
        """GET /v1/organization/costs."""
        _require_admin(call)
        return billing.costs(call.query, self.options.log, self.options.discrepancies, time.time())

    # Files and models.

    async def upload(self, call: Call) -> JsonObject:
        """POST /v1/files."""
        return self.uploads.add(call.key, call.content_type, call.body).as_object()

    async def list_files(self, call: Call) -> JsonObject:
        """GET /v1/files."""
        return self.uploads.listing(call.key, dict(call.query))

    async def show_file(self, call: Call) -> JsonObject:
        """GET /v1/files/{id}."""
        return self.uploads.one(call.key, call.parameters["file_id"]).as_object()

    async def file_content(self, call: Call) -> bytes:
        """GET /v1/files/{id}/content."""
        call.headers["content-type"] = "application/octet-stream"
        return self.uploads.one(call.key, call.parameters["file_id"]).content

    async def delete_file(self, call: Call) -> JsonObject:
        """DELETE /v1/files/{id}."""
        return self.uploads.remove(call.key, call.parameters["file_id"])

    async def list_models(self, _call: Call) -> JsonObject:
        """GET /v1/models."""
        return {"object": "list", "data": [_model_object(name) for name in LISTED]}

    async def show_model(self, call: Call) -> JsonObject:
        """GET /v1/models/{id}."""
        name = call.parameters["model"]
        if model_named(name) is None:
            message = f"The model '{name}' does not exist or you do not have access to it."
            raise ApiError(404, message, param="model", code="model_not_found")
        return _model_object(name)

    async def unknown(self, call: Call) -> JsonObject:
        """Every other path."""
        message = f"Invalid URL ({call.method} {call.path})"
        raise ApiError(404, message)


class _Dropped(Exception):
    """The connection is to be closed without an answer."""


def create_app(options: Options) -> tuple[ASGIApp, LocalApi]:
    """The application, and the state behind it."""
    api = LocalApi(options)
    paths: list[tuple[str, str, Handler]] = [
        ("POST", "/v1/responses", api.create),
        ("POST", "/v1/responses/input_tokens", api.count),
        ("POST", "/v1/files", api.upload),
        ("GET", "/v1/files", api.list_files),
        ("GET", "/v1/files/{file_id}", api.show_file),
        ("DELETE", "/v1/files/{file_id}", api.delete_file),
        ("GET", "/v1/files/{file_id}/content", api.file_content),
        ("POST", "/v1/batches", api.create_batch),
        ("GET", "/v1/batches", api.list_batches),
        ("GET", "/v1/batches/{batch_id}", api.show_batch),
        ("POST", "/v1/batches/{batch_id}/cancel", api.cancel_batch),
        ("POST", "/v1/vector_stores", api.create_store),
        ("GET", "/v1/vector_stores", api.list_stores),
        ("GET", "/v1/vector_stores/{store_id}", api.show_store),
        ("POST", "/v1/vector_stores/{store_id}", api.change_store),
        ("DELETE", "/v1/vector_stores/{store_id}", api.delete_store),
        ("POST", "/v1/vector_stores/{store_id}/search", api.search_store),
        ("POST", "/v1/vector_stores/{store_id}/files", api.attach_file),
        ("GET", "/v1/vector_stores/{store_id}/files", api.list_attached),
        ("GET", "/v1/vector_stores/{store_id}/files/{file_id}", api.show_attached),
        ("POST", "/v1/vector_stores/{store_id}/files/{file_id}", api.describe_attached),
        ("DELETE", "/v1/vector_stores/{store_id}/files/{file_id}", api.detach_file),
        ("GET", "/v1/vector_stores/{store_id}/files/{file_id}/content", api.attached_content),
        ("GET", "/v1/organization/usage/completions", api.usage),
        ("GET", "/v1/organization/costs", api.costs),
        ("GET", "/v1/models", api.list_models),
        ("GET", "/v1/models/{model}", api.show_model),
    ]
    routes = [Route(path, api.route(handler), methods=[method]) for method, path, handler in paths]
    every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    routes.append(Route("/{path:path}", api.route(api.unknown), methods=every))
    return with_connection(Starlette(routes=routes)), api


def serve(options: Options, *, port: int, exit_with_parent: bool) -> int:
    """Listen on 127.0.0.1, say where, and serve until a signal comes (or the parent is gone)."""
    app, api = create_app(options)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as problem:
        print(f"Port {port} on 127.0.0.1 cannot be had ({problem.strerror}); take another with --port.", file=sys.stderr)
        return 2
    server = _Announced(
        uvicorn.Config(
            app,
            log_level="critical",
            access_log=False,
            lifespan="off",
            loop="auto",
            http="httptools",
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=1,
        )
    )
    if exit_with_parent:
        threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
    threading.Thread(target=counting.encoding_for, args=("gpt-5",), daemon=True).start()
    gc.freeze()
    server.run(sockets=[listener])
    api.readers.close()
    return 0


class _Announced(uvicorn.Server):
    """A server that prints its address once it listens, and ends as asked instead of by the signal."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if sockets:
            print(f"http://127.0.0.1:{sockets[0].getsockname()[1]}/v1", flush=True)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn does, but the signal is not raised once more: the reading processes are to be ended first."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)
        yield


def _end_with_parent(server: uvicorn.Server) -> None:
    """Standard input ends when the parent does, killed or not."""
    while os.read(0, 4096):
        pass
    server.should_exit = server.force_exit = True
    time.sleep(GRACE_S)
    os._exit(0)


def _key(http: Request) -> str:
    scheme, _, key = http.headers.get("authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise ApiError(401, "You didn't provide an API key in an Authorization header.", code="invalid_api_key")
    if key.startswith("wrong"):
        raise ApiError(401, "Incorrect API key provided.", code="invalid_api_key")
    if key.startswith("forbidden"):
        raise ApiError(403, "You do not have permission to do this.", kind="permission_error", code="forbidden")
    return key


def _require_admin(call: Call) -> None:
    if not call.key.startswith("sk-admin"):
        message = "You have insufficient permissions for this operation. Missing scopes: api.usage.read."
        raise ApiError(403, message, kind="permission_error", code="insufficient_permissions")


async def _body(http: Request) -> bytes:
    most = BYTES + FORM_BYTES if http.url.path == "/v1/files" else BODY_BYTES
    if int(http.headers.get("content-length") or 0) > most:
        raise ApiError(413, f"The body has more than {most} bytes.", code="request_too_large")
    pieces, size = [], 0
    async for piece in http.stream():
        size += len(piece)
        if size > most:
            raise ApiError(413, f"The body has more than {most} bytes.", code="request_too_large")
        pieces.append(piece)
    return b"".join(pieces)


def _mistake() -> JsonObject:
    """The answer where this server, not the request, is wrong; said aloud, and the run goes on."""
    traceback.print_exc()
    return wire.error_object("The simulated API failed; see its standard error.", "server_error", None, "server_error")


def _json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        message = f"We could not parse the JSON body of your request: {problem}."
        raise ApiError(400, message, code="invalid_json") from problem


def _digest(call: Call, request: Checked) -> int:
    return zlib.crc32(call.body) if counting.REASONING_TOKENS[request.effort] else 0


def _cut(request: Checked, text: str, reasoning: int, options: Options) -> tuple[str, int, int, str | None]:
    """(text, output tokens, reasoning tokens, why it is incomplete) under the request's cap."""
    name = request.model.name
    ids = counting.static_ids(text, name) if options.answers == "canned" else counting.token_ids(text, name)
    cap = request.max_output_tokens
    if cap is None or reasoning + len(ids) <= cap:
        return text, reasoning + len(ids), reasoning, None
    reasoning = min(reasoning, cap)
    kept = list(ids[: cap - reasoning])
    return counting.encoding_for(name).decode(kept), cap, reasoning, "max_output_tokens"


def _usage(request: Checked, input_tokens: int, cached: CacheUse, output_tokens: int, reasoning: int) -> Usage:
    return Usage(
        input_tokens=input_tokens,
        cached_tokens=cached.cached,
        written_30m=cached.written_30m,
        written_12h=cached.written_12h,
        output_tokens=output_tokens,
        reasoning_tokens=reasoning,
        has_lifetimes=request.model.has_breakpoints,
    )


def _cache_options(request: Checked) -> JsonObject | None:
    return {"mode": request.cache_mode, "ttl": request.lifetime} if request.model.has_breakpoints else None


def _model_object(name: str) -> JsonObject:
    return {"id": name, "object": "model", "created": KNOWN_SINCE, "owned_by": "openai"}
