"""What an image costs in input tokens, by its size, its detail and the model.

Decided here: which rule a model has. The provider's guide on images and vision, "Calculating costs", has two: squares of 512 pixels at a price each
beside a base, and patches of 32 pixels times a factor. A model that the guide does not name is given the rule of the newest, and that is said.
A page of a PDF is taken as an A4 page at 96 dots an inch: at what size the provider renders pages is not published, so that estimates of files learn
from the ledger.
"""

import re
from dataclasses import dataclass, replace
from functools import cache
from math import ceil, floor, sqrt
from typing import Final, Literal, Protocol

Detail = Literal["auto", "low", "high", "original"]
PATCH_PX: Final = 32
SQUARE_PX: Final = 512
PAGE_PX: Final = (794, 1123)
UNKNOWN_PX: Final = (1024, 1024)  # of an image whose size cannot be read from its first bytes


class Rule(Protocol):
    """How the images of a model are counted; `is_assumed` where the guide does not name the model."""

    @property
    def is_assumed(self) -> bool:
        """Whether the rule is that of another model."""

    def tokens(self, width: int, height: int, detail: Detail) -> int:
        """Tokens of an image of this size in pixels."""

    def at_most(self, detail: Detail) -> int:
        """Tokens of the dearest image that there can be."""


@dataclass(frozen=True, slots=True)
class Squares:
    """A base for every image and, in high detail, a price for each square of 512 pixels of it."""

    base: int
    square: int
    is_assumed: bool = False

    def tokens(self, width: int, height: int, detail: Detail) -> int:
        """Scaled down to fit 2,048 pixels, then until the shorter side has 768; low detail is the base alone."""
        if detail == "low":
            return self.base
        width, height = _within(width, height, 2048)
        scale = min(1.0, 768 / min(width, height))
        return self.base + self.square * ceil(width * scale / SQUARE_PX) * ceil(height * scale / SQUARE_PX)

    def at_most(self, detail: Detail) -> int:
        """A strip of 768 by 2,048 pixels has eight squares."""
        return self.base if detail == "low" else self.base + 8 * self.square


@dataclass(frozen=True, slots=True)
class Patches:
    """A price for each patch of 32 pixels, within a budget of patches; `low_px` is the side that low detail shrinks an image to, if it does."""

    budget: int
    factor: float
    low_px: int | None = None
    original_budget: int | None = None
    is_assumed: bool = False

    def tokens(self, width: int, height: int, detail: Detail) -> int:
        """Scaled down to fit the longest side allowed, then until the patches fit the budget."""
        side, budget = self._limits(detail)
        width, height = _within(width, height, side)
        patches = ceil(width / PATCH_PX) * ceil(height / PATCH_PX)
        if patches > budget:
            shrink = sqrt(PATCH_PX**2 * budget / (width * height))
            across, down = width * shrink / PATCH_PX, height * shrink / PATCH_PX
            shrink *= min(max(1, floor(across)) / across, max(1, floor(down)) / down)
            patches = min(budget, ceil(int(width * shrink) / PATCH_PX) * ceil(int(height * shrink) / PATCH_PX))
        return ceil(round(patches * self.factor, 6))

    def at_most(self, detail: Detail) -> int:
        """The whole budget."""
        return ceil(round(self._limits(detail)[1] * self.factor, 6))

    def _limits(self, detail: Detail) -> tuple[int, int]:
        if detail == "low" and self.low_px:
            return self.low_px, (self.low_px // PATCH_PX) ** 2
        if detail == "original" and self.original_budget:
            return 6000, self.original_budget
        return 2048, self.budget


NEWEST: Final = Patches(2500, 1.2, low_px=512, original_budget=10_000)
# First match wins. Source: the guide as read in 2026; its factor for gpt-5.4 and later as read in September 2026.
RULES: Final[tuple[tuple[str, Rule], ...]] = (
    (r"gpt-4o-mini", Squares(2833, 5667)),
    (r"gpt-(4\.1|5|5\.4)-mini", Patches(1536, 1.62)),
    (r"gpt-(4\.1|5|5\.4)-nano", Patches(1536, 2.46)),
    (r"o4-mini|codex-mini", Patches(1536, 1.72)),
    (r"(chat)?gpt-4", Squares(85, 170)),
    (r"o[13]", Squares(75, 150)),
    (r"computer-use-preview", Squares(65, 129)),
    (r"gpt-5(\.1)?(-chat-latest|-\d{4}-\d\d-\d\d|$)", Squares(70, 140)),
    (r"gpt-5(\.[123])?-", Patches(1536, 1.2)),
    (r"gpt-5\.[23]", Patches(1536, 1.2)),
    (r"gpt-(5\.\d|[6-9])", NEWEST),
)


def rule_for(model: str) -> Rule:
    """The rule by which the images of a model are counted.

    >>> rule_for("gpt-4o").tokens(1024, 1024, "high"), rule_for("gpt-6-luna").tokens(640, 480, "low"), rule_for("of-nobody").is_assumed
    (765, 231, True)
    """
    return next((rule for pattern, rule in RULES if re.match(pattern, model)), replace(NEWEST, is_assumed=True))


@cache
def page_image_tokens(model: str, detail: Detail) -> tuple[int, int]:
    """Tokens of the image of a page of a PDF: expected, and at most.

    >>> page_image_tokens("gpt-6-luna", "low"), page_image_tokens("gpt-6-luna", "high"), page_image_tokens("gpt-4o", "high")
    ((231, 308), (1080, 3000), (1105, 1445))
    """
    rule = rule_for(model)
    return rule.tokens(*PAGE_PX, detail), rule.at_most(detail)


def image_size(content: bytes) -> tuple[int, int] | None:
    """Width and height in pixels by the first bytes of a PNG, GIF, JPEG or WebP; None for anything else."""
    if content[:8] == b"\x89PNG\r\n\x1a\n":
        found = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    elif content[:6] in (b"GIF87a", b"GIF89a"):
        found = int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little")
    elif content[:2] == b"\xff\xd8":
        found = _jpeg_size(content)
    elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        found = _webp_size(content)
    else:
        return None
    return found if found[0] > 0 and found[1] > 0 else None


def _within(width: int, height: int, side: int) -> tuple[int, int]:
    scale = min(1.0, side / max(width, height))
    return max(1, int(width * scale)), max(1, int(height * scale))


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """Of the first segment that starts a frame (ITU T.81, table B.1)."""
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        kind = content[at + 1]
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(content[at + 7 : at + 9], "big"), int.from_bytes(content[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return 0, 0


def _webp_size(content: bytes) -> tuple[int, int]:
    """By the container's first chunk (WebP container specification)."""
    kind = content[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(content[26:28], "little") & 0x3FFF, int.from_bytes(content[28:30], "little") & 0x3FFF
