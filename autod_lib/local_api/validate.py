"""What the API would refuse, refused in the API's own words.

Decided here: which requests are well-formed. Promised: `request_of` gives a Request whose every part is checked, or raises the
error that the answer must be; it changes nothing and reads no file. Called by server.py.

Sources: parameters and content parts from the types of SDK 3.57 and the published description 2.3.0; limits (73,400,320 characters, 50 MB)
from the file inputs guide; four breakpoints a request from the prompt caching guide.
"""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

import orjson

from .models import Model, model_named
from .schema import check_strict
from .wire import ApiError, JsonObject

FILE_DATA_CHARACTERS = 73_400_320
FILES_BYTES = 50_000_000
BODY_BYTES = 110_000_000
BREAKPOINTS = 4
LONG_CHARACTERS = 200_000
LEAST_OUTPUT_TOKENS = 16

CREATE_FIELDS = frozenset(
    {
        "access_programs",
        "background",
        "background_options",
        "context_management",
        "conversation",
        "image",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "moderation",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    }
)
COUNT_FIELDS = frozenset(
    {
        "conversation",
        "input",
        "instructions",
        "model",
        "parallel_tool_calls",
        "personality",
        "previous_response_id",
        "reasoning",
        "text",
        "tool_choice",
        "tools",
        "truncation",
    }
)
PART_FIELDS = {
    "input_text": frozenset({"type", "text", "prompt_cache_breakpoint"}),
    "output_text": frozenset({"type", "text", "annotations", "logprobs"}),
    "input_file": frozenset({"type", "file_data", "file_id", "file_url", "filename", "detail", "prompt_cache_breakpoint"}),
    "input_image": frozenset({"type", "image_url", "file_id", "detail", "prompt_cache_breakpoint"}),
}
FORMAT_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
ROLES = ("user", "assistant", "system", "developer")
TIERS = ("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")


class Part(NamedTuple):
    """One checked part of a message: a text, a file (data or an id) or an image."""

    kind: str
    text: str = ""
    file_data: str = ""
    file_id: str = ""
    filename: str = ""
    detail: str = "auto"
    breakpoint: str = ""


class Message(NamedTuple):
    """One checked message, in the order of the prompt; `instructions` are the first."""

    role: str
    parts: tuple[Part, ...]


class Request(NamedTuple):
    """A request found good.

    `schema_text` is the schema as compact JSON; `effort` the one used, asked for or the model's default; `lifetime` that of the cache.
    """

    body: JsonObject
    model: Model
    messages: tuple[Message, ...]
    schema: JsonObject | None
    schema_text: str
    effort: str
    verbosity: str
    max_output_tokens: int | None
    cache_mode: str
    lifetime: str
    cache_key: str | None
    prewarm: bool

    @property
    def is_long(self) -> bool:
        """Whether tokenising the texts takes long enough to be done beside the event loop."""
        return sum(len(part.text) for message in self.messages for part in message.parts) > LONG_CHARACTERS

    @property
    def files(self) -> list[Part]:
        """The parts that are files."""
        return [part for message in self.messages for part in message.parts if part.kind == "input_file"]


def request_of(body: object, known_files: Collection[str], *, counting: bool = False) -> Request:
    """Check a decoded body. `counting`: it is one for `/responses/input_tokens`, which takes fewer fields.

    Raises: ApiError 400 or 404 with the `param` that is wrong.
    """
    if not isinstance(body, dict):
        raise ApiError(400, "The body must be a JSON object.", code="invalid_json")
    for name in body.keys() - (COUNT_FIELDS if counting else CREATE_FIELDS):
        raise ApiError(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    model = _model(body.get("model"))
    _refuse_what_is_not_simulated(body)
    _check_plain(body)
    mode, lifetime, prewarm = _cache_options(body, model)
    messages = _messages(body, lifetime, known_files)
    breakpoints = sum(1 for message in messages for part in message.parts if part.breakpoint)
    if breakpoints and not model.has_breakpoints:
        raise _unsupported("prompt_cache_breakpoint", "input")
    if breakpoints > BREAKPOINTS:
        message = f"At most {BREAKPOINTS} cache breakpoints are allowed in a request, but got {breakpoints}."
        raise ApiError(400, message, param="input", code="too_many_cache_breakpoints")
    schema, schema_text, verbosity = _text(body.get("text"))
    key = body.get("prompt_cache_key")
    return Request(
        body=body,
        model=model,
        messages=messages,
        schema=schema,
        schema_text=schema_text,
        effort=_effort(body.get("reasoning"), model),
        verbosity=verbosity,
        max_output_tokens=_cap(body.get("max_output_tokens")),
        cache_mode=mode,
        lifetime=lifetime,
        cache_key=key if isinstance(key, str) else None,
        prewarm=prewarm,
    )


def _model(name: object) -> Model:
    if name is None:
        raise ApiError(400, "Missing required parameter: 'model'.", param="model", code="missing_required_parameter")
    if not isinstance(name, str):
        raise _wrong_type("model", "a string", name)
    model = model_named(name)
    if model is None:
        message = f"The model '{name}' does not exist or you do not have access to it."
        raise ApiError(404, message, param="model", code="model_not_found")
    return model


def _refuse_what_is_not_simulated(body: JsonObject) -> None:
    """Features that exist, and that this server would answer wrongly if it let them pass."""
    for name in ("stream", "background", "conversation", "prompt"):
        if body.get(name):
            raise ApiError(400, f"'{name}' is not simulated here.", param=name, code="unsupported_parameter")
    if before := body.get("previous_response_id"):
        message = f"Previous response with id '{before}' not found."
        raise ApiError(400, message, param="previous_response_id", code="previous_response_not_found")


def _check_plain(body: JsonObject) -> None:
    for name in ("instructions", "prompt_cache_key", "safety_identifier", "user"):
        if body.get(name) is not None and not isinstance(body[name], str):
            raise _wrong_type(name, "a string", body[name])
    for name in ("store", "parallel_tool_calls"):
        if body.get(name) is not None and not isinstance(body[name], bool):
            raise _wrong_type(name, "a boolean", body[name])
    for name, most in (("temperature", 2), ("top_p", 1)):
        value = body.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise _wrong_type(name, "a number", value)
        if isinstance(value, int | float) and not 0 <= value <= most:
            message = f"Invalid '{name}': expected a value between 0 and {most}, but got {value} instead."
            raise ApiError(400, message, param=name, code="decimal_out_of_range")
    _one_of("service_tier", body.get("service_tier"), TIERS)
    _one_of("truncation", body.get("truncation"), ("auto", "disabled"))
    metadata = body.get("metadata")
    if metadata is not None:
        _check_metadata(metadata)
    if not isinstance(body.get("tools") or [], list):
        raise _wrong_type("tools", "an array", body["tools"])


def _check_metadata(metadata: object) -> None:
    if not isinstance(metadata, dict):
        raise _wrong_type("metadata", "an object", metadata)
    if len(metadata) > 16:
        message = f"Invalid 'metadata': too many properties. Expected at most 16, but got {len(metadata)} instead."
        raise ApiError(400, message, param="metadata", code="object_above_max_properties")
    for key, value in metadata.items():
        if len(key) > 64 or not isinstance(value, str) or len(value) > 512:
            message = f"Invalid 'metadata.{key[:64]}': keys of at most 64 and texts of at most 512 characters are allowed."
            raise ApiError(400, message, param=f"metadata.{key[:64]}", code="invalid_value")


def _cap(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type("max_output_tokens", "an integer", value)
    if value < LEAST_OUTPUT_TOKENS:
        message = f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= {LEAST_OUTPUT_TOKENS}, but got {value} instead."
        raise ApiError(400, message, param="max_output_tokens", code="integer_below_min_value")
    return value


def _effort(reasoning: object, model: Model) -> str:
    if reasoning is None:
        return "medium" if model.reasons else ""
    if not isinstance(reasoning, dict):
        raise _wrong_type("reasoning", "an object", reasoning)
    if not model.reasons:
        raise _unsupported("reasoning.effort", "reasoning.effort")
    for name in reasoning.keys() - {"effort", "summary", "generate_summary", "context", "mode"}:
        raise ApiError(400, f"Unknown parameter: 'reasoning.{name}'.", param=f"reasoning.{name}", code="unknown_parameter")
    effort = reasoning.get("effort")
    if effort is None:
        return "medium"
    if effort not in model.efforts:
        message = (
            f"Unsupported value: '{effort}' is not supported with the '{model.name}' model. "
            f"Supported values are: {', '.join(repr(each) for each in model.efforts)}."
        )
        raise ApiError(400, message, param="reasoning.effort", code="unsupported_value")
    return str(effort)


def _cache_options(body: JsonObject, model: Model) -> tuple[str, str, bool]:
    """(mode, lifetime, prewarm); mode `automatic` before gpt-5.6."""
    retention, options = body.get("prompt_cache_retention"), body.get("prompt_cache_options")
    if not model.has_breakpoints:
        if options is not None:
            raise _unsupported("prompt_cache_options", "prompt_cache_options")
        _one_of("prompt_cache_retention", retention, ("in_memory", "24h"))
        default = "24h" if model.family == "gpt" and model.version >= (5, 1) else "in_memory"
        return "automatic", str(retention or default), False
    if retention is not None:
        raise _unsupported("prompt_cache_retention", "prompt_cache_retention")
    if options is None:
        return "implicit", "30m", False
    if not isinstance(options, dict):
        raise _wrong_type("prompt_cache_options", "an object", options)
    for name in options.keys() - {"mode", "ttl", "prewarm", "comparison_response_id"}:
        param = f"prompt_cache_options.{name}"
        raise ApiError(400, f"Unknown parameter: '{param}'.", param=param, code="unknown_parameter")
    _one_of("prompt_cache_options.mode", options.get("mode"), ("implicit", "explicit"))
    _one_of("prompt_cache_options.ttl", options.get("ttl"), ("30m", "12h"))
    return str(options.get("mode") or "implicit"), str(options.get("ttl") or "30m"), options.get("prewarm") is True


def _text(text: object) -> tuple[JsonObject | None, str, str]:
    """(the schema, if the answer must follow one; the same as compact JSON; verbosity)."""
    if text is None:
        return None, "", "medium"
    if not isinstance(text, dict):
        raise _wrong_type("text", "an object", text)
    for name in text.keys() - {"format", "verbosity"}:
        raise ApiError(400, f"Unknown parameter: 'text.{name}'.", param=f"text.{name}", code="unknown_parameter")
    _one_of("text.verbosity", text.get("verbosity"), ("low", "medium", "high"))
    verbosity = str(text.get("verbosity") or "medium")
    form = text.get("format")
    if form is None:
        return None, "", verbosity
    if not isinstance(form, dict):
        raise _wrong_type("text.format", "an object", form)
    _one_of("text.format.type", form.get("type"), ("text", "json_object", "json_schema"), needed=True)
    if form["type"] != "json_schema":
        return None, "", verbosity
    for name in form.keys() - {"type", "name", "schema", "strict", "description"}:
        param = f"text.format.{name}"
        raise ApiError(400, f"Unknown parameter: '{param}'.", param=param, code="unknown_parameter")
    for name in ("name", "schema"):
        if name not in form:
            param = f"text.format.{name}"
            message = f"Missing required parameter: '{param}'."
            raise ApiError(400, message, param=param, code="missing_required_parameter")
    if not isinstance(form["name"], str) or not FORMAT_NAME.fullmatch(form["name"]):
        message = f"Invalid 'text.format.name': expected 1 to 64 letters, digits, '_' or '-', but got {form['name']!r}."
        raise ApiError(400, message, param="text.format.name", code="invalid_value")
    schema = form["schema"]
    if not isinstance(schema, dict):
        raise _wrong_type("text.format.schema", "an object", schema)
    rendered = orjson.dumps(schema).decode()
    if form.get("strict"):
        check_strict(rendered, str(form["name"]))
    return schema, rendered, verbosity


def _messages(body: JsonObject, lifetime: str, known_files: Collection[str]) -> tuple[Message, ...]:
    given = body.get("input")
    messages = []
    if body.get("instructions"):
        messages.append(Message("developer", (Part("input_text", str(body["instructions"])),)))
    if isinstance(given, str):
        return (*messages, Message("user", (Part("input_text", given),)))
    if not isinstance(given, list):
        if given is None:
            raise ApiError(400, "Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
        raise _wrong_type("input", "a string or an array", given)
    for index, item in enumerate(given):
        messages.append(_message(item, f"input[{index}]", lifetime, known_files))
    total = sum(len(part.file_data) * 3 // 4 for message in messages for part in message.parts)
    if total > FILES_BYTES:
        message = f"The files of a request may have {FILES_BYTES} bytes in all, but got about {total}."
        raise ApiError(400, message, param="input", code="file_too_large")
    return tuple(messages)


def _message(item: object, where: str, lifetime: str, known_files: Collection[str]) -> Message:
    if not isinstance(item, dict):
        raise _wrong_type(where, "an object", item)
    _one_of(f"{where}.type", item.get("type"), ("message",))
    for name in item.keys() - {"type", "role", "content", "id", "status", "phase"}:
        raise ApiError(400, f"Unknown parameter: '{where}.{name}'.", param=f"{where}.{name}", code="unknown_parameter")
    _one_of(f"{where}.role", item.get("role"), ROLES, needed=True)
    content = item.get("content")
    if isinstance(content, str):
        return Message(item["role"], (Part("input_text", content),))
    if not isinstance(content, list):
        raise _wrong_type(f"{where}.content", "a string or an array", content)
    parts = [_part(part, f"{where}.content[{at}]", lifetime, known_files) for at, part in enumerate(content)]
    return Message(item["role"], tuple(parts))


def _part(part: object, where: str, lifetime: str, known_files: Collection[str]) -> Part:
    if not isinstance(part, dict):
        raise _wrong_type(where, "an object", part)
    kind = part.get("type")
    _one_of(f"{where}.type", kind, tuple(PART_FIELDS), needed=True)
    for name in part.keys() - PART_FIELDS[str(kind)]:
        raise ApiError(400, f"Unknown parameter: '{where}.{name}'.", param=f"{where}.{name}", code="unknown_parameter")
    breakpoint_lifetime = _breakpoint(part.get("prompt_cache_breakpoint"), f"{where}.prompt_cache_breakpoint", lifetime)
    if kind in ("input_text", "output_text"):
        if not isinstance(part.get("text"), str):
            raise _wrong_type(f"{where}.text", "a string", part.get("text"))
        return Part("input_text", part["text"], breakpoint=breakpoint_lifetime)
    if kind == "input_image":
        _one_of(f"{where}.detail", part.get("detail"), ("auto", "low", "high", "original"))
        if not part.get("image_url") and not part.get("file_id"):
            raise ApiError(400, f"'{where}' needs 'image_url' or 'file_id'.", param=where, code="missing_required_parameter")
        return Part("input_image", str(part.get("image_url") or part["file_id"]), detail=part.get("detail") or "auto", breakpoint=breakpoint_lifetime)
    return _file(part, where, breakpoint_lifetime, known_files)


def _file(part: Mapping[str, object], where: str, breakpoint_lifetime: str, known_files: Collection[str]) -> Part:
    _one_of(f"{where}.detail", part.get("detail"), ("auto", "low", "high"))
    data, file_id, filename = part.get("file_data"), part.get("file_id"), part.get("filename")
    if part.get("file_url"):
        message = "The simulated API fetches no file from an address; send 'file_data' or 'file_id'."
        raise ApiError(400, message, param=f"{where}.file_url", code="unsupported_parameter")
    if (data is None) == (file_id is None):
        message = f"'{where}' needs exactly one of 'file_data' and 'file_id'."
        raise ApiError(400, message, param=where, code="missing_required_parameter")
    if filename is not None and not isinstance(filename, str):
        raise _wrong_type(f"{where}.filename", "a string", filename)
    if file_id is not None:
        if file_id not in known_files:
            message = f"The file with id '{file_id}' was not found."
            raise ApiError(404, message, param=f"{where}.file_id", code="file_not_found")
        data = ""
    if not isinstance(data, str):
        raise _wrong_type(f"{where}.file_data", "a string", data)
    if len(data) > FILE_DATA_CHARACTERS:
        message = (
            f"Invalid '{where}.file_data': string too long. Expected a string with maximum length "
            f"{FILE_DATA_CHARACTERS}, but got a string with length {len(data)} instead."
        )
        raise ApiError(400, message, param=f"{where}.file_data", code="string_above_max_length")
    if file_id is None and not data.startswith("data:application/pdf;base64,"):
        message = f"Invalid '{where}.file_data': expected a data URL 'data:application/pdf;base64,…'."
        raise ApiError(400, message, param=f"{where}.file_data", code="invalid_value")
    if file_id is None and not filename:
        message = f"Missing required parameter: '{where}.filename'."
        raise ApiError(400, message, param=f"{where}.filename", code="missing_required_parameter")
    return Part(
        "input_file",
        file_data=data,
        file_id=str(file_id or ""),
        filename=filename or "",
        detail=str(part.get("detail") or "auto"),
        breakpoint=breakpoint_lifetime,
    )


def _breakpoint(given: object, where: str, lifetime: str) -> str:
    """The lifetime of an explicit breakpoint; empty if there is none."""
    if given is None:
        return ""
    if not isinstance(given, dict):
        raise _wrong_type(where, "an object", given)
    for name in given.keys() - {"mode", "ttl"}:
        raise ApiError(400, f"Unknown parameter: '{where}.{name}'.", param=f"{where}.{name}", code="unknown_parameter")
    _one_of(f"{where}.mode", given.get("mode"), ("explicit",), needed=True)
    _one_of(f"{where}.ttl", given.get("ttl"), ("30m", "12h"))
    return str(given.get("ttl") or lifetime)


def _one_of(name: str, value: object, allowed: tuple[str, ...], *, needed: bool = False) -> None:
    if value is None and not needed:
        return
    if value not in allowed:
        words = ", ".join(repr(each) for each in allowed)
        message = f"Invalid value: {value!r}. Supported values are: {words}."
        raise ApiError(400, message, param=name, code="invalid_value")


def _unsupported(name: str, param: str) -> ApiError:
    message = f"Unsupported parameter: '{name}' is not supported with this model."
    return ApiError(400, message, param=param, code="unsupported_parameter")


def _wrong_type(name: str, expected: str, value: object) -> ApiError:
    words = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", int: "an integer", type(None): "null"}
    got = words.get(type(value), "a number")
    message = f"Invalid type for '{name}': expected {expected}, but got {got} instead."
    return ApiError(400, message, param=name, code="invalid_type")
