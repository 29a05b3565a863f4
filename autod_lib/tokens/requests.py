"""How many input tokens the body of a request has, for the Responses and the Chat Completions API.

Decided here: which API a body is for (`messages` or `input`), and the rule of every part of it. Texts are counted by tiktoken on exactly what is
sent. Around them stand the frames of messages and of tools: for chat as OpenAI's cookbook publishes them ("How to count tokens with tiktoken"); for
the Responses API, where nothing is published, 4 tokens a message, the schema and the tools as compact JSON. What is an image or a file is estimated,
and `is_estimated` and the interval say so.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson

from .documents import Estimate, Learned, estimate_base64, estimate_size
from .encoding import encoding_for
from .images import UNKNOWN_PX, Detail, image_size, rule_for

Api = Literal["responses", "chat"]
Body = Mapping[str, Any]
MESSAGE_TOKENS: Final = 4  # of the Responses API: role and delimiters of a message
CHAT_MESSAGE_TOKENS: Final = 3
CHAT_NAME_TOKENS: Final = 1
CHAT_REPLY_TOKENS: Final = 3  # every reply begins as a message of the assistant
# Of a function offered in chat, by the cookbook: its start (by encoding), its properties, each of them, an enumeration and its items, the end of all.
FUNCTION_TOKENS: Final = {"cl100k_base": 10}
FUNCTION_TOKENS_ELSE: Final = 7
PROPERTIES_TOKENS: Final = 3
PROPERTY_TOKENS: Final = 3
ENUM_TOKENS: Final = -3
ENUM_ITEM_TOKENS: Final = 3
FUNCTIONS_END_TOKENS: Final = 12


@dataclass(frozen=True, slots=True)
class RequestCount:
    """Input tokens of a request: in all, by part, and by which encoding.

    `parts` names roles (their texts), frames, tools, schema, images and files. `low` and `high` differ from `tokens` where images or files are in it;
    `notes` say what was assumed, one sentence each.
    """

    api: Api
    model: str
    encoding: str
    is_encoding_assumed: bool
    tokens: int
    low: int
    high: int
    parts: dict[str, int]
    notes: tuple[str, ...] = ()

    @property
    def is_estimated(self) -> bool:
        """Whether a part of it could not be counted."""
        return self.low != self.high


@dataclass
class _Sum:
    """The parts of a request as they are found."""

    model: str
    learned: Learned | None
    parts: dict[str, int] = field(default_factory=dict)
    spread: list[Estimate] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.encoding, self.is_assumed = encoding_for(self.model)
        if self.is_assumed:
            self.note(f"tiktoken does not know {self.model!r}; {self.encoding.name} was assumed")

    def note(self, sentence: str) -> None:
        self.notes[sentence] = None

    def add(self, part: str, tokens: int) -> None:
        self.parts[part] = self.parts.get(part, 0) + tokens

    def text(self, part: str, text: object) -> None:
        self.add(part, len(self.encoding.encode_ordinary(text if isinstance(text, str) else _compact(text))))

    def guess(self, part: str, estimate: Estimate) -> None:
        self.add(part, estimate.tokens)
        self.spread.append(estimate)

    def image(self, source: object, detail: object) -> None:
        rule = rule_for(self.model)
        if rule.is_assumed:
            self.note(f"no rule for images of {self.model!r} is published; that of the newest models was assumed")
        chosen: Detail = detail if detail in ("low", "high", "original") else "high"
        size = _size_of(source)
        if size is None:
            self.note("the size of an image is not known; 1,024 by 1,024 pixels were assumed")
        tokens = rule.tokens(*(size or UNKNOWN_PX), chosen)
        low, high = (tokens, tokens) if size and not rule.is_assumed else (min(tokens, rule.tokens(32, 32, chosen)), rule.at_most(chosen))
        self.guess("images", Estimate(tokens, low, high, rule.at_most(chosen)))

    def file(self, file: Body) -> None:
        mode = "file-low" if file.get("detail") == "low" else "file-high"
        data = file.get("file_data")
        if isinstance(data, str):
            found = estimate_base64(data, self.model, mode, learned=self.learned)
        else:
            found = estimate_size(None, self.model, mode)
            self.note("a file is not in the request itself; a usual document was assumed")
        self.guess("files", found)


def count_request(body: Body, *, learned: Learned | None = None) -> RequestCount:
    """The input tokens of a request body of either API; files in it are opened by the guarded reader.

    Raises: ValueError when it is a body of neither.

    >>> counted = count_request({"model": "gpt-5", "input": "What is the date?"})
    >>> counted.tokens, counted.parts, counted.encoding
    (9, {'frames': 4, 'user': 5}, 'o200k_base')
    """
    api = api_of(body)
    total = _Sum(str(body.get("model") or ""), learned)
    (_chat if api == "chat" else _responses)(body, total)
    tokens = sum(total.parts.values())
    low, high = (tokens + sum(getattr(each, end) - each.tokens for each in total.spread) for end in ("low", "high"))
    return RequestCount(api, total.model, total.encoding.name, total.is_assumed, tokens, low, high, total.parts, tuple(total.notes))


def count_requests(bodies: Iterable[Body], *, learned: Learned | None = None) -> list[RequestCount]:
    """The counts of many request bodies, in their order. Raises: as count_request."""
    return [count_request(body, learned=learned) for body in bodies]


def api_of(body: Body) -> Api:
    """Which API a body is for. Raises: ValueError when it has neither `messages` nor `input` or `instructions`, or both."""
    is_chat, is_responses = "messages" in body, "input" in body or "instructions" in body
    if is_chat == is_responses:
        has = "both `messages` and `input`" if is_chat else "neither `messages` nor `input`"
        raise ValueError(f"This is no body of a request to the Responses or the Chat Completions API: it has {has}.")
    return "chat" if is_chat else "responses"


def _responses(body: Body, total: _Sum) -> None:
    form = (body.get("text") or {}).get("format") or {}
    if form.get("type") == "json_schema":
        total.text("schema", form.get("schema"))
    if body.get("tools"):
        total.text("tools", body["tools"])
    for role, content in _messages(body):
        total.add("frames", MESSAGE_TOKENS)
        for part in _parts_of(content):
            match part.get("type"):
                case "input_image":
                    total.image(part.get("image_url"), part.get("detail"))
                case "input_file":
                    total.file(part)
                case _:
                    total.text(role, part.get("text") or "")


def _messages(body: Body) -> Iterator[tuple[str, object]]:
    if body.get("instructions"):
        yield "developer", body["instructions"]
    given = body.get("input") or []
    if isinstance(given, str):
        yield "user", given
        return
    for item in given:
        match item.get("type", "message"):
            case "message":
                yield item.get("role", "user"), item.get("content")
            case "function_call_output":
                yield "tool", item.get("output")
            case "function_call":
                yield "assistant", f"{item.get('name')}{item.get('arguments')}"
            case _:
                yield "other", _compact(item)


def _chat(body: Body, total: _Sum) -> None:
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        total.text("schema", (form.get("json_schema") or {}).get("schema"))
    functions = [tool.get("function") or {} for tool in body.get("tools") or []] + list(body.get("functions") or [])
    if functions:
        for function in functions:
            _function(function, total)
        total.add("tools", FUNCTIONS_END_TOKENS)
    for message in body["messages"]:
        role = str(message.get("role") or "user")
        total.add("frames", CHAT_MESSAGE_TOKENS)
        for name, value in message.items():
            if name == "content":
                _chat_content(value, role, total)
            elif name in ("tool_calls", "function_call"):
                for call in value if isinstance(value, list) else [{"function": value}]:
                    asked = call.get("function") or {}
                    total.text(role, f"{asked.get('name')}{asked.get('arguments')}")
            elif value is not None:
                total.text("frames" if name in ("role", "name") else role, value)
            if name == "name":
                total.add("frames", CHAT_NAME_TOKENS)
    total.add("frames", CHAT_REPLY_TOKENS)


def _chat_content(content: object, role: str, total: _Sum) -> None:
    for part in _parts_of(content):
        match part.get("type"):
            case "image_url":
                image = part.get("image_url") or {}
                total.image(image.get("url"), image.get("detail"))
            case "file":
                total.file(part.get("file") or {})
            case "input_audio":
                total.note("sound is not counted")
            case _:
                total.text(role, part.get("text") or part.get("refusal") or "")


def _function(function: Body, total: _Sum) -> None:
    description = str(function.get("description") or "").removesuffix(".")
    total.add("tools", FUNCTION_TOKENS.get(total.encoding.name, FUNCTION_TOKENS_ELSE))
    total.text("tools", f"{function.get('name')}:{description}")
    properties = (function.get("parameters") or {}).get("properties") or {}
    if properties:
        total.add("tools", PROPERTIES_TOKENS)
    for name, form in properties.items():
        total.add("tools", PROPERTY_TOKENS)
        if "enum" in form:
            total.add("tools", ENUM_TOKENS)
            for item in form["enum"]:
                total.add("tools", ENUM_ITEM_TOKENS)
                total.text("tools", str(item))
        total.text("tools", f"{name}:{form.get('type')}:{str(form.get('description') or '').removesuffix('.')}")
        if "properties" in form or "items" in form:
            total.note("a function has nested properties; the published rule does not cover them, and their JSON was counted")
            total.text("tools", form.get("properties") or form.get("items"))


def _parts_of(content: object) -> Iterator[Body]:
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    elif isinstance(content, list):
        yield from content


def _size_of(source: object) -> tuple[int, int] | None:
    """The size of an image that is in the request itself, by its first 64 kB."""
    if not isinstance(source, str) or not source.startswith("data:"):
        return None
    try:
        return image_size(base64.b64decode(source.partition(",")[2][: 4 * 16_384] + "==="))
    except (binascii.Error, ValueError):
        return None


def _compact(value: object) -> str:
    return orjson.dumps(value).decode()
