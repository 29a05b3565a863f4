"""The prompt cache as a model: what a request reads from it and what it writes to it.

Decided here: every rule of matching, lifetime and spill. Promised: the same requests at the same times give the same reads and writes; a token is
read, written or plain, never two of them. Called by server.py. The clock is passed in, nothing is sent and no text is kept, only hashes.

Rules (provider's guide on prompt caching; where users' reports differ, an option):
- Nothing below 1,024 tokens is cached. A change of key, model, schema, tools, effort or verbosity is another prefix.
- Before gpt-5.6: the longest common prefix, in steps of 128 tokens, automatically; writing is free and reported as 0.
- From gpt-5.6: a prefix matches exactly at a breakpoint. Explicit mode reads and writes at the request's breakpoints only. Implicit mode adds one at
  the end of the newest message, and either reads nothing else, or also the end of the leading system messages (`reads_system`).
- A stretch between two written breakpoints counts under the lifetime of the one that ends it. A read renews an entry for the lifetime it has.
- What a request writes can be read once that request is answered: calls that start together each write the prefix.
- One machine takes about 15 requests a minute for one key and prefix; what is beyond goes to the next machine, which has a cache of its own.
  From gpt-5.6 on a request without `prompt_cache_key` lands on any of a few machines in turn. Of a batch nobody says so: there the caller names one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

MINIMUM_TOKENS = 1024
STEP_TOKENS = 128
PER_MACHINE_A_MINUTE = 15
MACHINES_WITHOUT_KEY = 4
LIFETIMES_S = {"30m": 1800.0, "12h": 43_200.0, "in_memory": 600.0, "24h": 86_400.0}
EXPLICIT_BESIDE_IMPLICIT = 3  # the latest so many are kept, as the fourth is the implicit one
ENTRIES_KEPT = 500_000


class Segment(NamedTuple):
    """A run of input tokens with one origin: the schema, or one part of a message.

    `identity` tells contents apart; `ids` are the tokens, None where only their number is known. `breakpoint` is the lifetime of an explicit
    breakpoint at its end ("" for none). `ends_static` marks the last segment of the leading system messages.
    """

    tokens: int
    identity: int
    ids: tuple[int, ...] | None = None
    breakpoint: str = ""
    ends_static: bool = False


class Asked(NamedTuple):
    """What a request says about caching. `settings` is a hash of all that is rendered before the input."""

    has_breakpoints: bool
    settings: int
    key: str | None
    mode: str
    lifetime: str


class CacheUse(NamedTuple):
    """Input tokens read from the cache, and written to it by lifetime."""

    cached: int = 0
    written_30m: int = 0
    written_12h: int = 0


@dataclass
class _Entry:
    lifetime_s: float
    since: float
    until: float


@dataclass
class _Minute:
    since: float
    requests: int = 0


@dataclass
class PromptCache:
    """All machines' caches. `reads_system`: which of the two reports about implicit mode holds; `a_machine`: requests a minute, 0 for any number."""

    reads_system: bool = False
    a_machine: int = PER_MACHINE_A_MINUTE
    _entries: dict[int, _Entry] = field(default_factory=dict)
    _minutes: dict[int, _Minute] = field(default_factory=dict)
    _turn: int = 0

    def use(self, segments: Sequence[Segment], asked: Asked, now: float, takes_s: float = 0.0, machine: str | None = None) -> CacheUse:
        """Read and write what a request of these segments would that comes at this time in seconds and takes so long to answer.

        `machine` names the one it comes to; without, the rules choose.
        """
        if sum(segment.tokens for segment in segments) < MINIMUM_TOKENS:
            return CacheUse()
        if len(self._entries) > ENTRIES_KEPT:
            self._forget(now)
        place = hash((asked.settings, asked.key, self._machine(segments, asked, now) if machine is None else machine))
        rule = self._at_breakpoints if asked.has_breakpoints else self._by_steps
        return rule(segments, asked, place, now, now + takes_s)

    def _by_steps(self, segments: Sequence[Segment], asked: Asked, place: int, now: float, ready: float) -> CacheUse:
        lifetime_s, cached, reading = LIFETIMES_S[asked.lifetime], 0, True
        for tokens, prefix in _steps(segments, place):
            if tokens < MINIMUM_TOKENS:
                continue
            reading = reading and self._is_kept(prefix, now)
            if reading:
                cached = tokens
            self._write(prefix, lifetime_s, now, ready)
        return CacheUse(cached)

    def _at_breakpoints(self, segments: Sequence[Segment], asked: Asked, place: int, now: float, ready: float) -> CacheUse:
        marks = list(_marks(segments, asked, place, self.reads_system))
        cached = 0
        for mark in marks:
            if self._is_kept(mark.prefix, now):
                cached = mark.tokens
        written, reached = {"30m": 0, "12h": 0}, cached
        for mark in marks:
            if mark.tokens <= cached:
                continue
            written[mark.lifetime] += mark.tokens - reached
            reached = mark.tokens
            self._write(mark.prefix, LIFETIMES_S[mark.lifetime], now, ready)
        return CacheUse(cached, written["30m"], written["12h"])

    def _write(self, prefix: int, lifetime_s: float, now: float, ready: float) -> None:
        before = self._entries.get(prefix)
        since = min(before.since, ready) if before is not None and before.until >= now else ready
        self._entries[prefix] = _Entry(lifetime_s, since, ready + lifetime_s)

    def _is_kept(self, prefix: int, now: float) -> bool:
        entry = self._entries.get(prefix)
        if entry is None or not entry.since <= now <= entry.until:
            return False
        entry.until = now + entry.lifetime_s
        return True

    def _machine(self, segments: Sequence[Segment], asked: Asked, now: float) -> int:
        if asked.has_breakpoints and not asked.key:
            self._turn += 1
            return self._turn % MACHINES_WITHOUT_KEY
        route = hash((asked.settings, asked.key, segments[0].identity))
        minute = self._minutes.get(route)
        if minute is None or now - minute.since >= 60:
            minute = self._minutes[route] = _Minute(now)
        minute.requests += 1
        return (minute.requests - 1) // self.a_machine if self.a_machine else 0

    def _forget(self, now: float) -> None:
        """Drop what has expired and, if that is not half, the oldest half too: memory stays bounded in a long benchmark."""
        kept = [(prefix, entry) for prefix, entry in self._entries.items() if entry.until >= now]
        self._entries = dict(kept[-ENTRIES_KEPT // 2 :])
        self._minutes = {route: minute for route, minute in self._minutes.items() if now - minute.since < 60}


class _Mark(NamedTuple):
    tokens: int
    prefix: int
    lifetime: str


def _marks(segments: Sequence[Segment], asked: Asked, place: int, reads_system: bool) -> Iterator[_Mark]:
    """The breakpoints of a request that are long enough, in order."""
    implicit, tokens, prefix = asked.mode == "implicit", 0, place
    explicit = [index for index, segment in enumerate(segments) if segment.breakpoint][-EXPLICIT_BESIDE_IMPLICIT if implicit else 0 :]
    last = len(segments) - 1 if implicit else max(explicit, default=-1)
    for index, segment in enumerate(segments[: last + 1]):
        tokens, prefix = tokens + segment.tokens, hash((prefix, segment.identity))
        by_rule = implicit and (index == last or (reads_system and segment.ends_static))
        marked = segment.breakpoint if index in explicit else (asked.lifetime if by_rule else "")
        if marked and tokens >= MINIMUM_TOKENS:
            yield _Mark(tokens, prefix, marked)


def _steps(segments: Sequence[Segment], place: int) -> Iterator[tuple[int, int]]:
    """(tokens, hash of the prefix) after every whole step. A stretch of unknown tokens is told apart by its origin and position."""
    prefix, reached, gathered = place, 0, 0
    block: list[object] = []
    for segment in segments:
        start = 0
        while start < segment.tokens:
            end = min(segment.tokens, start + STEP_TOKENS - gathered)
            block += segment.ids[start:end] if segment.ids is not None else ((segment.identity, start, end),)
            gathered, start = gathered + end - start, end
            if gathered == STEP_TOKENS:
                prefix, reached = hash((prefix, *block)), reached + STEP_TOKENS
                gathered, block = 0, []
                yield reached, prefix
