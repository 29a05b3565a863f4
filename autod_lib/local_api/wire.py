"""Objects in the provider's form: errors, responses, output items, usage.

Decided here: which keys an answer has and in which form. Promised: what `response_object` and `error_object` give is accepted by the SDK's types
and by the published description, but for the fields the SDK is newer in. Called by every module that answers. Knows no HTTP server.

Source of the shapes: the published description 2.3.0 and the types of SDK 3.57 (cache lifetimes in usage and options).
"""

from collections.abc import Iterable
from dataclasses import dataclass

JsonObject = dict[str, object]
METADATA_PAIRS, METADATA_KEY, METADATA_VALUE = 16, 64, 512


class ApiError(Exception):
    """A request that is answered with an error; carries what the answer says."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code, self.kind = status, message, param, code, kind
        self.headers = headers or {}


@dataclass(frozen=True)
class Usage:
    """Tokens of one call. `written_30m` and `written_12h` are inside `input_tokens`, as `cached_tokens` is; the rest of it is plain."""

    input_tokens: int
    cached_tokens: int
    written_30m: int
    written_12h: int
    output_tokens: int
    reasoning_tokens: int
    has_lifetimes: bool

    def as_object(self) -> JsonObject:
        """The usage as it stands in an answer."""
        details: JsonObject = {
            "cached_tokens": self.cached_tokens,
            "cache_write_tokens": self.written_30m + self.written_12h,
        }
        if self.has_lifetimes:
            details["cache_write_tokens_details"] = {
                "ttl_30m_tokens": self.written_30m,
                "ttl_12h_tokens": self.written_12h,
            }
        return {
            "input_tokens": self.input_tokens,
            "input_tokens_details": details,
            "output_tokens": self.output_tokens,
            "output_tokens_details": {"reasoning_tokens": self.reasoning_tokens},
            "total_tokens": self.input_tokens + self.output_tokens,
        }


def error_object(message: str, kind: str, param: str | None, code: str | None) -> JsonObject:
    """The body of every error answer."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def metadata_of(given: object) -> JsonObject | None:
    """The metadata of a request, as every object keeps them. Raises: ApiError 400."""
    if given is None:
        return None
    pairs: Iterable[tuple[str, object]] = given.items() if isinstance(given, dict) and len(given) <= METADATA_PAIRS else ()
    good: JsonObject = {name: text for name, text in pairs if len(name) <= METADATA_KEY and isinstance(text, str) and len(text) <= METADATA_VALUE}
    if good != given:
        message = f"'metadata' holds up to {METADATA_PAIRS} texts of {METADATA_VALUE} characters, under names of up to {METADATA_KEY}."
        raise ApiError(400, message, param="metadata", code="invalid_value")
    return good


def message_item(item_id: str, text: str, status: str = "completed") -> JsonObject:
    """An output message of one text."""
    content: JsonObject = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
    return {"id": f"msg_{item_id}", "type": "message", "status": status, "role": "assistant", "content": [content]}


def refusal_item(item_id: str, reason: str) -> JsonObject:
    """An output message that refuses."""
    content: JsonObject = {"type": "refusal", "refusal": reason}
    return {"id": f"msg_{item_id}", "type": "message", "status": "completed", "role": "assistant", "content": [content]}


def reasoning_item(item_id: str) -> JsonObject:
    """The item that stands for reasoning; its content is never shown."""
    return {"id": f"rs_{item_id}", "type": "reasoning", "summary": []}


def response_object(
    request: JsonObject,
    *,
    response_id: str,
    created_at: float,
    output: list[JsonObject],
    usage: JsonObject | None,
    effort: str | None,
    cache_options: JsonObject | None,
    incomplete_reason: str | None = None,
) -> JsonObject:
    """A `response`, with the parameters of the request given back as the API does.

    `effort` is the one used (None for models that do not reason); `cache_options` None for models before gpt-5.6.
    """
    text = request.get("text")
    text = text if isinstance(text, dict) else {}
    tier = request.get("service_tier") or "auto"
    reasoning = request.get("reasoning")
    summary = reasoning.get("summary") if isinstance(reasoning, dict) else None
    answer: JsonObject = {
        "id": f"resp_{response_id}",
        "object": "response",
        "created_at": int(created_at),
        "status": "incomplete" if incomplete_reason else "completed",
        "background": False,
        "error": None,
        "incomplete_details": {"reason": incomplete_reason} if incomplete_reason else None,
        "instructions": request.get("instructions"),
        "max_output_tokens": request.get("max_output_tokens"),
        "max_tool_calls": request.get("max_tool_calls"),
        "model": request["model"],
        "output": output,
        "parallel_tool_calls": request.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "prompt_cache_key": request.get("prompt_cache_key"),
        "reasoning": {"effort": effort, "summary": summary},
        "safety_identifier": request.get("safety_identifier"),
        "service_tier": TIERS_USED.get(str(tier), tier),
        "store": request.get("store", True),
        "temperature": request.get("temperature", 1.0),
        "text": {"format": echoed_format(text.get("format")), "verbosity": text.get("verbosity") or "medium"},
        "tool_choice": request.get("tool_choice", "auto"),
        "tools": request.get("tools") or [],
        "top_logprobs": request.get("top_logprobs", 0),
        "top_p": request.get("top_p", 1.0),
        "truncation": request.get("truncation") or "disabled",
        "usage": usage,
        "metadata": request.get("metadata") or {},
    }
    if not incomplete_reason:
        answer["completed_at"] = int(created_at)
    if cache_options is not None:
        answer["prompt_cache_options"] = cache_options
    elif request.get("prompt_cache_retention"):
        answer["prompt_cache_retention"] = request["prompt_cache_retention"]
    if request.get("user"):
        answer["user"] = request["user"]
    return answer


TIERS_USED = {"auto": "default", "fast": "priority"}


def echoed_format(asked: object) -> JsonObject:
    """`text.format` as the answer repeats it."""
    if not isinstance(asked, dict):
        return {"type": "text"}
    if asked.get("type") != "json_schema":
        return asked
    return {"strict": False, **asked}
