"""How many tokens a request and an answer have.

Decided here: every rule of counting. Promised: texts are counted by tiktoken on exactly what was sent; the same request counts the same wherever
it is asked. Called by server.py. Text that never changes (schema, system messages) is tokenised once and remembered.

Rules: the schema as compact JSON, the tools likewise · 4 tokens a message for its frame · a PDF is the text of its pages plus an image of each ·
a page image at `low` is 85 tokens, else one token a patch of 32 × 32 pixels at 96 dpi, the page scaled down until its longer side has 1,568 pixels,
at most 1,536 a page · a file that was not opened counts by its size · reasoning by effort, times 0.5 to 1.5 by seed, in steps of 64. These are
stand-ins: the provider publishes how text is cut, not what a page costs; `--page-tokens` lets a study vary it.
"""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from .faults import chance
from .prompt_cache import Segment
from .validate import Message, Part, Request

if TYPE_CHECKING:
    import tiktoken

MESSAGE_TOKENS = 4
LOW_PAGE_TOKENS = 85
PATCH_PX = 32
LONG_SIDE_PX = 1568
MOST_PAGE_TOKENS = 1536
PX_A_POINT = 96 / 72
A4_POINTS = (595.0, 842.0)
BYTES_A_PAGE = 32_000  # of a file that was not opened
TEXT_TOKENS_A_PAGE = 450  # likewise
REASONING_TOKENS = {"": 0, "none": 0, "minimal": 0, "low": 64, "medium": 256, "high": 1024, "xhigh": 2048, "max": 4096}
FRAME = (-1,) * MESSAGE_TOKENS  # stands for the frame's tokens, which are no text
STATIC_ROLES = ("system", "developer")


@dataclass(frozen=True)
class Content:
    """What is known of a file: its size in bytes and, if it was opened, the text and size in points of every page."""

    size: int
    identity: int
    pages: tuple[str, ...] | None = None
    page_points: tuple[tuple[float, float], ...] = ()


def encoding_for(model: str) -> "tiktoken.Encoding":
    """tiktoken's own choice for the model; o200k_base for names it does not know. The vocabulary comes from this project's files, offline."""
    import tiktoken

    try:
        return _encoding(tiktoken.encoding_name_for_model(model))
    except KeyError:
        return _encoding("o200k_base")


@lru_cache(maxsize=4)
def _encoding(name: str) -> "tiktoken.Encoding":
    import tiktoken

    if "TIKTOKEN_CACHE_DIR" not in os.environ:
        package = Path(__file__).resolve().parents[1]
        for folder in (package / "vocab", package.parent / "data" / "vocab"):
            if folder.is_dir():
                os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
                break
    return tiktoken.get_encoding(name)


_models_loaded: set[str] = set()


async def load(model: str) -> None:
    """Have the model's vocabulary at hand; its 0.3 s of reading hold up nobody else."""
    if model not in _models_loaded:
        await asyncio.to_thread(encoding_for, model)
        _models_loaded.add(model)


def token_ids(text: str, model: str) -> tuple[int, ...]:
    """The tokens of a text for the model; special tokens are text like any other."""
    return tuple(encoding_for(model).encode_ordinary(text))


@lru_cache(maxsize=256)
def static_ids(text: str, model: str) -> tuple[int, ...]:
    """`token_ids` of a text that will come again."""
    return token_ids(text, model)


def segments_of(request: Request, contents: dict[Part, Content], page_tokens: tuple[int, int] | None) -> list[Segment]:
    """The request's input in the order of the prompt: what stands before the messages, then every part of every message."""
    segments = list(_before_messages(request))
    static_end = len(segments) - 1
    leading = True
    for message in request.messages:
        segments.append(Segment(MESSAGE_TOKENS, hash(message.role), FRAME))
        for part in message.parts:
            segments.append(_segment(request, message, part, contents, page_tokens))
        leading = leading and message.role in STATIC_ROLES
        if leading:
            static_end = len(segments) - 1
    if static_end >= 0:
        segments[static_end] = segments[static_end]._replace(ends_static=True)
    return segments


def _before_messages(request: Request) -> Iterator[Segment]:
    model = request.model.name
    tools = request.body.get("tools")
    for text in (request.schema_text, orjson.dumps(tools).decode() if tools else ""):
        if text:
            yield _text_segment(text, static_ids(text, model))


def _segment(request: Request, message: Message, part: Part, contents: dict[Part, Content], page_tokens: tuple[int, int] | None) -> Segment:
    model = request.model.name
    if part.kind == "input_file":
        content = contents[part]
        images = sum(page_image_tokens(points, part.detail, page_tokens) for points in page_sizes(content))
        identity = hash((content.identity, part.detail, page_tokens))
        if content.pages is None:
            text_tokens = TEXT_TOKENS_A_PAGE * len(page_sizes(content))
            return Segment(text_tokens + images, identity, None, part.breakpoint)
        text_tokens = sum(len(token_ids(page, model)) for page in content.pages)
        return Segment(text_tokens + images, identity, None, part.breakpoint)
    if part.kind == "input_image":
        count = page_image_tokens(A4_POINTS, part.detail, page_tokens)
        return Segment(count, hash((part.text, part.detail)), None, part.breakpoint)
    ids = static_ids(part.text, model) if message.role in STATIC_ROLES else token_ids(part.text, model)
    return _text_segment(part.text, ids, part.breakpoint)


def _text_segment(text: str, ids: tuple[int, ...], breakpoint_lifetime: str = "") -> Segment:
    return Segment(len(ids), hash(text), ids, breakpoint_lifetime)


def page_sizes(content: Content) -> tuple[tuple[float, float], ...]:
    """The pages' sizes in points; of a file that was not opened, as many A4 pages as its size suggests."""
    if content.pages is not None:
        return content.page_points
    return (A4_POINTS,) * max(1, round(content.size / BYTES_A_PAGE))


def page_image_tokens(points: tuple[float, float], detail: str, fixed: tuple[int, int] | None = None) -> int:
    """Tokens of one page's image. `fixed`: (low, high) in place of the rule.

    >>> page_image_tokens((595.0, 842.0), "low"), page_image_tokens((595.0, 842.0), "high")
    (85, 900)
    """
    if fixed:
        return fixed[0] if detail == "low" else fixed[1]
    if detail == "low":
        return LOW_PAGE_TOKENS
    width, height = (max(1.0, side * PX_A_POINT) for side in points)
    scale = min(1.0, LONG_SIDE_PX / max(width, height))
    return min(MOST_PAGE_TOKENS, ceil(width * scale / PATCH_PX) * ceil(height * scale / PATCH_PX))


def reasoning_tokens(effort: str, seed: int, request_digest: int) -> int:
    """Tokens of reasoning: the same for the same seed, effort and request."""
    usual = REASONING_TOKENS[effort]
    return 64 * max(1, round(usual * (0.5 + chance(seed, effort, request_digest)) / 64)) if usual else 0
