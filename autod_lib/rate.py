"""How fast a run asks: calls at once, requests and tokens a minute.

Decided here: how many calls may be under way (it falls with the share of calls that a 429 refused, and climbs again), how far apart calls go under
the limits of the settings, and what the API's own x-ratelimit headers leave. Promised: no clock of its own and no waiting: instants are passed in
(seconds of a clock that nobody sets); nothing here grows with the number of calls. Called by api.py, which waits, and writes what changes into
the journal.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from .settings import Settings

UNIT_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
# The window falls by half of the share refused (as DCTCP's does) and climbs by an eighth of its ceiling, so that refusals which have nothing to do
# with our rate, one call in five, leave it open; when all are refused it halves.
CLIMB: Final = 1 / 8


@dataclass
class Limit:
    """One of the API's limits, of requests or of tokens: what is left of it, as far as its headers tell. Before they tell anything, all is."""

    kind: str
    a_reset: float | None = None  # the limit as told
    _left: float = math.inf
    _refill: float = math.inf  # units a second
    _at: float = 0.0

    def heard(self, headers: Mapping[str, str], at: float, under_way: float, most: float) -> None:
        """Takes what an answer tells. Calls under way may not be counted in it yet; while enough is left for `most` more, nothing needs to wait.

        Source: the x-ratelimit headers, whose `reset` is the time until the whole limit is there again.
        """
        try:
            limit, left = float(headers[f"x-ratelimit-limit-{self.kind}"]), float(headers[f"x-ratelimit-remaining-{self.kind}"])
        except (KeyError, ValueError):
            return
        self.a_reset = limit
        reset_s = duration_s(headers.get(f"x-ratelimit-reset-{self.kind}", "")) if left - under_way < most else None
        if not reset_s or not left < limit:
            self._left = math.inf
            return
        self._left, self._refill, self._at = left - under_way, (limit - left) / reset_s, at

    def wait_s(self, need: float, at: float) -> float:
        """Seconds until so much of it is there; what is more than the whole of it waits for the whole."""
        if self._left == math.inf:
            return 0.0
        return max(0.0, (min(need, self.a_reset or need) - self._left) / self._refill - (at - self._at))

    def taken(self, need: float) -> None:
        """A call goes that counts for so much."""
        self._left -= need


def duration_s(text: str) -> float | None:
    """Seconds of a duration as the headers write it; None for anything else.

    >>> duration_s("1m0s"), duration_s("6ms"), duration_s("soon")
    (60.0, 0.006, None)
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text)
    return sum(float(number) * UNIT_S[unit] for number, unit in parts) if parts else None


@dataclass(frozen=True, slots=True)
class Change:
    """The rate as the record keeps it, at the instants at which it changes."""

    reason: str
    calls_at_once: int
    requests_limit: float | None
    tokens_limit: float | None
    ended: int
    refused: int
    kind: ClassVar[str] = "rate_changed"

    def columns(self) -> dict[str, Any]:
        """The columns of its event."""
        return {name: getattr(self, name) for name in self.__slots__}


class Rate:
    """The rate of one run, under the limits of its settings and those that the API tells."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.window = float(settings.in_flight)
        self.under_way = 0
        self.tokens_under_way = 0
        self.not_before = 0.0  # the API asked to be left alone until then
        self.requests, self.tokens = Limit("requests"), Limit("tokens")
        self._next_slot = 0.0
        self._ended = self._refused = 0

    @property
    def calls_at_once(self) -> int:
        """How many calls may be under way."""
        return max(1, int(self.window))

    def wait_s(self, tokens: int, at: float) -> float:
        """Seconds until a call of so many tokens may go: 0 is now, infinity not before another has ended."""
        if self.under_way >= self.calls_at_once:
            return math.inf
        return max(0.0, self._next_slot - at, self.not_before - at, self.requests.wait_s(1, at), self.tokens.wait_s(tokens, at))

    def begun(self, tokens: int, at: float) -> None:
        """A call of so many tokens goes."""
        self.under_way += 1
        self.tokens_under_way += tokens
        self.requests.taken(1)
        self.tokens.taken(tokens)
        a_minute, tokens_a_minute = self.settings.requests_per_minute, self.settings.tokens_per_minute
        if a_minute or tokens_a_minute:
            apart_s = max(60.0 / a_minute if a_minute else 0.0, 60.0 * tokens / tokens_a_minute if tokens_a_minute else 0.0)
            self._next_slot = max(self._next_slot, at) + apart_s

    def ended(self, tokens: int) -> None:
        """A call of so many tokens is no longer under way, however it ended."""
        self.under_way -= 1
        self.tokens_under_way -= tokens

    def heard(self, headers: Mapping[str, str], tokens: int, at: float, *, is_refused: bool, wait_s: float = 0.0) -> Change | None:
        """The API said something to a call that is still counted as under way: how much it lets through, and whether it refused this one.

        Returns the change, if there is one worth recording: limits that were not known, a window that fell, or one that is wide open again.
        """
        known = self.requests.a_reset
        most = self.calls_at_once
        self.requests.heard(headers, at, self.under_way - 1, most)
        self.tokens.heard(headers, at, self.tokens_under_way - tokens, most * tokens)
        if is_refused and (wait_s or most == 1):  # one call at once, and still too many: they go further apart
            self.not_before = max(self.not_before, at + (wait_s or 1.0))
        self._ended += 1
        self._refused += is_refused
        reason = "the API tells its limits" if known is None and self.requests.a_reset is not None else ""
        ended, refused = self._ended, self._refused
        if ended >= most:
            share = refused / ended
            before, ceiling = self.window, float(self.settings.in_flight)
            self.window = min(ceiling, max(1.0, before * (1 - share / 2) + (1 - share) * ceiling * CLIMB))
            self._ended = self._refused = 0
            if self.window < before:
                reason = f"{refused} of {ended} calls were refused"
            elif before < ceiling == self.window:
                reason = "all calls go at once again"
        if not reason:
            return None
        return Change(reason, self.calls_at_once, self.requests.a_reset, self.tokens.a_reset, ended, refused)
