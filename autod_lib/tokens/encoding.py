"""Which encoding a model has, and how many tokens a text has in it.

Decided here: that tiktoken is asked for the encoding, that o200k_base is assumed for a model it does not know, and said so, and where the
vocabularies are (shipped with the project: counting needs no network).
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import tiktoken

ASSUMED_ENCODING: Final = "o200k_base"


def vocabulary() -> Path:
    """The folder of the vocabularies: in the checkout, or in the installed package."""
    package = Path(__file__).resolve().parents[1]
    shipped = package / "vocab"
    return shipped if shipped.is_dir() else package.parent / "data" / "vocab"


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
