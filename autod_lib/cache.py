"""How the prompt cache is asked for, by model family.

Before gpt-5.6 the provider caches by itself, and breakpoints are refused; from gpt-5.6 on, only an explicit breakpoint at the end of the
static prefix keeps the documents themselves from being written at 1.25 times the price. Source: the provider's prompt-caching guide, 2026-11.
Called by prompt.py. Pure.
"""

import re
from typing import Final, Literal

Policy = Literal["automatic", "explicit"]
FIRST_EXPLICIT: Final = (5, 6)
FIRST_REASONING: Final = (5, 0)
KEY_CHARACTERS: Final = 64  # of a prompt_cache_key, by the API's description


def family(model: str) -> tuple[int, int] | None:
    """The version in a model's name: (5, 6) for gpt-5.6-luna, (6, 0) for gpt-6-luna, (5, 0) for an o-model; None when there is none.

    >>> family("gpt-5.6-luna"), family("gpt-6-sol"), family("gpt-4o-mini"), family("o3")
    ((5, 6), (6, 0), (4, 0), (5, 0))
    """
    if re.match(r"o\d", model):
        return (5, 0)
    found = re.search(r"gpt-(\d+)(?:\.(\d+))?", model)
    return (int(found[1]), int(found[2] or 0)) if found else None


def policy_for(model: str) -> Policy:
    """automatic before gpt-5.6 and for models of unknown family, explicit from it on."""
    version = family(model)
    return "explicit" if version is not None and version >= FIRST_EXPLICIT else "automatic"


def takes_reasoning(model: str) -> bool:
    """Whether the model takes `reasoning` and `text.verbosity`; the chat variants of reasoning families do not."""
    version = family(model)
    return version is not None and version >= FIRST_REASONING and "-chat" not in model


def cache_key(prompt_hash: str, model: str) -> str:
    """The prompt_cache_key under which all documents of one prompt version and model meet."""
    return f"autod-{model[: KEY_CHARACTERS - len(prompt_hash) - 7]}-{prompt_hash}"
