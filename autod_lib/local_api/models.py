"""Which models the server knows, and what each of them takes.

Decided here, by one pure reading of the name: family and version, and from these whether a model reasons, which efforts it takes, whether it
has cache breakpoints. Promised: a name is read the same way everywhere. Called by validate.py, prompt_cache.py, counting.py and server.py.

Sources: SDK 3.57 (`prompt_cache_options` from gpt-5.6 on, `prompt_cache_retention` before; the effort values). Which model takes which effort
is documented only in prose; the table below is the reading of it that this server uses.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

NAME = re.compile(r"(?:chat)?gpt-(?P<major>[456])(?:\.(?P<minor>\d{1,2}))?o?(?P<variant>(?:-[a-z0-9][a-z0-9.]*)*)")
REASONER = re.compile(r"o(?P<major>[134])(?P<variant>(?:-[a-z0-9][a-z0-9.]*)*)")
BREAKPOINTS_FROM = (5, 6)

LISTED = (
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
    "gpt-5.4-nano",
    "gpt-5.6-luna",
    "gpt-5.6-sol",
    "gpt-6-luna",
    "gpt-6-sol",
    "gpt-6.1-terra",
    "o3",
    "o4-mini",
)


@dataclass(frozen=True)
class Model:
    """One model's name and what follows from it."""

    name: str
    family: str
    version: tuple[int, int]
    variant: str

    @property
    def reasons(self) -> bool:
        """Whether the model spends reasoning tokens and takes `reasoning`."""
        return self.family == "o" or (self.version >= (5, 0) and "-chat" not in self.variant)

    @property
    def has_breakpoints(self) -> bool:
        """Whether prefixes are cached at breakpoints, and writing them is counted."""
        return self.family == "gpt" and self.version >= BREAKPOINTS_FROM

    @property
    def efforts(self) -> tuple[str, ...]:
        """The values of `reasoning.effort` that the model takes; empty if it does not reason."""
        if not self.reasons:
            return ()
        if self.family == "o":
            return ("low", "medium", "high")
        if self.version < (5, 1):
            return ("minimal", "low", "medium", "high")
        if self.version < (5, 2):
            return ("none", "low", "medium", "high")
        if self.version < BREAKPOINTS_FROM:
            return ("none", "low", "medium", "high", "xhigh")
        return ("none", "minimal", "low", "medium", "high", "xhigh", "max")


@lru_cache(maxsize=256)
def model_named(name: str) -> Model | None:
    """The model of that name, or None if the server does not know it.

    >>> model_named("gpt-6.1-terra").version, model_named("gpt-4o").has_breakpoints, model_named("llama-3")
    ((6, 1), False, None)
    """
    if found := NAME.fullmatch(name):
        return Model(name, "gpt", (int(found["major"]), int(found["minor"] or 0)), found["variant"])
    if found := REASONER.fullmatch(name):
        return Model(name, "o", (int(found["major"]), 0), found["variant"])
    return None
