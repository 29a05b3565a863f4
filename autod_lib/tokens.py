"""Counting tokens before a call: exact for text, an estimate with an upper bound for files.

Decided here: which encoding a model has (tiktoken is asked; for a model it does not know, o200k_base is assumed and said), where the
vocabularies are (shipped with the project: counting needs no network), and what a page is taken to cost as an image. Called by ingest.py
and the estimate. Knows no prices.
"""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import tiktoken

ASSUMED_ENCODING: Final = "o200k_base"
MESSAGE_TOKENS: Final = 4  # role and delimiters of a message: OpenAI cookbook, "How to count tokens with tiktoken"
# A page image. Low detail is a fixed 85 tokens (OpenAI vision guide); high detail is 32-pixel patches, at most 1,536 (same guide),
# of which an A4 page at the usual resolution takes about 1,100.
PAGE_IMAGE_TOKENS: Final = {"file-low": 85, "file-high": 1100}
PAGE_IMAGE_TOKENS_AT_MOST: Final = {"file-low": 300, "file-high": 3000}
# What stands around a document in the user message: role, file name, page count, fence. A file name has 255 bytes at most.
FRAME_TOKENS: Final = 30
FRAME_TOKENS_AT_MOST: Final = 300
PAGE_TEXT_TOKENS: Final = 450  # when the text was not read: the median of business documents
PAGE_TEXT_TOKENS_AT_MOST: Final = 6000


def vocabulary() -> Path:
    """The folder of the vocabularies: in the checkout, or in the installed package."""
    here = Path(__file__).resolve().parent
    shipped = here / "vocab"
    return shipped if shipped.is_dir() else here.parent / "data" / "vocab"


@lru_cache(maxsize=64)
def encoding_for(model: str) -> tuple["tiktoken.Encoding", bool]:
    """The encoding of a model, and whether it had to be assumed because tiktoken does not know the model."""
    os.environ["TIKTOKEN_CACHE_DIR"] = str(vocabulary())  # any other folder, or none, would mean a download
    import tiktoken

    name, is_assumed = encoding_name(model)
    return tiktoken.get_encoding(name), is_assumed


def encoding_name(model: str) -> tuple[str, bool]:
    """The name of a model's encoding, and whether it had to be assumed; loads no vocabulary."""
    import tiktoken

    try:
        return tiktoken.encoding_name_for_model(model), False
    except KeyError:
        return ASSUMED_ENCODING, True


def count(text: str, model: str) -> int:
    """Tokens of a text, special tokens taken as plain text."""
    return len(encoding_for(model)[0].encode_ordinary(text))


@dataclass(frozen=True, slots=True)
class Estimate:
    """Input tokens expected of a document's own part, and at most."""

    tokens: int
    at_most: int


def estimate_document(input_mode: str, page_count: int, text_tokens: int | None) -> Estimate:
    """Input tokens of a document beyond the static prefix: in mode text its counted tokens, else the text plus an image of every page.

    `text_tokens` None means that the text was not read.
    """
    if input_mode == "text":
        return Estimate((text_tokens or 0) + FRAME_TOKENS, (text_tokens or 0) + FRAME_TOKENS_AT_MOST)
    text = page_count * PAGE_TEXT_TOKENS if text_tokens is None else text_tokens
    text_at_most = page_count * PAGE_TEXT_TOKENS_AT_MOST if text_tokens is None else text_tokens * 2 + 200
    images = page_count * PAGE_IMAGE_TOKENS[input_mode]
    return Estimate(text + images + FRAME_TOKENS, text_at_most + page_count * PAGE_IMAGE_TOKENS_AT_MOST[input_mode] + FRAME_TOKENS_AT_MOST)
