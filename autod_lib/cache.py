"""How the prompt cache is used: what is marked, for how long, under how many keys, and what that is expected to cost.

Before gpt-5.6 the provider caches by itself, and breakpoints are refused; from gpt-5.6 on, only an explicit breakpoint at the end of the
static prefix keeps the documents themselves from being written at 1.25 times the price. One key and prefix stay on one machine for about 15
requests a minute; what is beyond spills to others, which write anew, so keys are sharded by load. Source: the provider's prompt-caching guide,
2026-11. Decided here, by `decide`: mark or no mark, lifetime, shards, how a shard is warmed, and from how many calls that pays. Promised: what is
chosen of free choice is under this model never dearer than no cache at all, and what pays for some calls pays for more of them.
Called by prompt.py, ingest.py and whoever sends a batch. Pure but for `observed`, which reads a view through the connection it is handed.
"""

import heapq
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final, Literal

from .prices import MILLION, Rates

Policy = Literal["automatic", "explicit", "implicit", "none"]
Lifetime = Literal["30m", "12h"]
Warming = Literal["first-call", "prewarm", "none"]
Tier = Literal["sync", "flex", "batch"]
FIRST_EXPLICIT: Final = (5, 6)
FIRST_REASONING: Final = (5, 0)
KEY_CHARACTERS: Final = 64  # of a prompt_cache_key, by the API's description
MINIMUM_TOKENS: Final = 1024  # nothing shorter is cached
STEP_TOKENS: Final = 128  # before gpt-5.6 a prefix is read in whole steps
SHARD_CALLS: Final = 15  # requests a minute that stay on one machine
MINUTE_S: Final = 60.0
TWELVE_HOURS: Final = 2  # a write for 12 hours bills 2.5 times the input rate, one for 30 minutes 1.25 times: where no price list says otherwise
LIFETIME_S: Final[dict[Lifetime, float]] = {"30m": 1800.0, "12h": 43_200.0}
TRUSTED_READS: Final = 20  # the guide's word weighs as much as so many reads seen; a batch, of which it says nothing, needs so many of its own
USUAL_LATENCY_S: Final = 4.0  # of a model whose answers nobody has timed yet
GUIDE: Final = Rates("any", "", Decimal(1), Decimal("0.1"), Decimal("1.25"), Decimal(0), "ratios of the provider's prompt-caching guide")


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


def cache_key(prompt_hash: str, model: str, shard: int = 0) -> str:
    """The prompt_cache_key under which the documents of one prompt version, model and shard meet; shards are counted from 0."""
    end = f"-{prompt_hash}" + (f"-{shard}" if shard else "")
    return f"autod-{model[: KEY_CHARACTERS - len(end) - 6]}{end}"


@dataclass(frozen=True, slots=True)
class Load:
    """The calls that are expected under one prompt and model.

    `calls` of one round, `calls_a_minute` at most while it lasts, `in_flight` of them at once; `rounds` in all, `between_s` seconds apart, for
    work that comes back. `document_tokens` is what a call sends behind the prefix, on average.
    """

    calls: int
    calls_a_minute: float = MINUTE_S
    in_flight: int = 1
    rounds: int = 1
    between_s: float = 0.0
    document_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Observed:
    """What the ledger says of calls like these: how many were expected to read, how many did, how many wrote instead; the middle latency in
    seconds; how often a run came back within 12 hours, and after how many seconds as a rule; the mean of tokens behind the prefix."""

    expected_reads: int = 0
    reads: int = 0
    writes: int = 0
    latency_s: float | None = None
    returns: int = 0
    between_s: float = 0.0
    document_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody has set on purpose; None leaves the choice to `decide`."""

    policy: Policy | None = None
    lifetime: Lifetime | None = None
    shards: int | None = None
    warming: Warming | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to use the cache, and what it is expected to cost: input tokens over all rounds, and USD of them, None without a price.

    `writes` and `reads` count calls; `shards` is 0 where no key matters.
    """

    policy: Policy
    lifetime: Lifetime
    shards: int
    warming: Warming
    writes: int
    reads: int
    uncached_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    expected_usd: Decimal | None

    @property
    def name(self) -> str:
        """The policy in words, such as "explicit · 30m · 4 keys · first-call"."""
        if not self.shards:
            return {"none": "no cache", "implicit": "implicit"}.get(self.policy, self.policy)
        keys = "1 key" if self.shards == 1 else f"{self.shards} keys"
        lifetime = [self.lifetime] if self.policy == "explicit" else []
        warming = [] if self.warming == "none" else [self.warming]
        return " · ".join([self.policy, *lifetime, keys, *warming])


@dataclass(frozen=True, slots=True)
class Decision:
    """What was chosen, why, and beside what. `break_even_calls`: calls a shard and lifetime from which a mark pays; None if it never does."""

    choice: Choice
    reason: str
    break_even_calls: int | None
    prefix_tokens: int
    no_cache_usd: Decimal | None
    choices: tuple[Choice, ...]
    load: Load
    may_grow: bool = True  # further shards may be opened when the load is higher than expected

    def expected_use(self, *, leads: bool, input_tokens: int) -> tuple[int, int]:
        """Tokens that one call is expected to read and to write: the first of a shard writes what the others read."""
        policy = self.choice.policy
        if policy == "implicit":
            return 0, input_tokens if input_tokens >= MINIMUM_TOKENS else 0
        if policy == "none" or self.prefix_tokens < MINIMUM_TOKENS:
            return 0, 0
        if policy == "automatic":
            return (0 if leads else self.prefix_tokens // STEP_TOKENS * STEP_TOKENS), 0
        return (0, self.prefix_tokens) if leads else (self.prefix_tokens, 0)

    def columns(self) -> dict[str, Any]:
        """The decision as the ledger keeps it."""
        choice, load = self.choice, self.load
        return {
            "cache_policy": choice.policy,
            "cache_lifetime": choice.lifetime if choice.policy in ("explicit", "implicit") else None,
            "shards": choice.shards,
            "warming": choice.warming,
            "reason": self.reason,
            "break_even_calls": self.break_even_calls,
            "prefix_tokens": self.prefix_tokens,
            "expected_calls": load.calls,
            "calls_a_minute": round(load.calls_a_minute, 3),
            "rounds": load.rounds,
            "between_s": round(load.between_s, 3),
            "expected_usd": choice.expected_usd,
            "no_cache_usd": self.no_cache_usd,
            "choices": [
                {
                    "name": each.name,
                    "is_chosen": each == choice,
                    "expected_usd": each.expected_usd,
                    "uncached_tokens": each.uncached_tokens,
                    "cached_tokens": each.cached_tokens,
                    "cache_write_tokens": each.cache_write_tokens,
                }
                for each in self.choices
            ],
        }


def calls_a_minute(in_flight: int, latency_s: float | None, requests_per_minute: int | None = None) -> float:
    """Calls a minute that so many in flight can make, within a limit if there is one.

    >>> calls_a_minute(64, 0.5), calls_a_minute(16, None), calls_a_minute(16, 2.0, 60)
    (7680.0, 240.0, 60.0)
    """
    rate = MINUTE_S * in_flight / (latency_s or USUAL_LATENCY_S)
    return min(rate, float(requests_per_minute)) if requests_per_minute else rate


def observed(con: Any, model: str, tier: Tier, prompt_hash: str, *, is_simulated: bool) -> Observed:
    """What the ledger says of this model, tier and prompt; nothing, if it has no such call. Source: sql/views/64_cache_observed.sql"""
    row = con.execute(
        "select expected_reads, reads, writes, latency_s, returns, between_s, document_tokens from cache_observed "
        "where model = $model and tier = $tier and prompt_hash = $prompt and is_simulated = $simulated",
        {"model": model, "tier": tier, "prompt": prompt_hash, "simulated": is_simulated},
    ).fetchone()
    return Observed(*row) if row else Observed()


def break_even(rates: Rates, lifetime: Lifetime = "30m", *, read: Decimal = Decimal(1), written: Decimal = Decimal(0)) -> int | None:
    """Calls of one shard and lifetime from which marking its prefix is cheaper than sending it plain: one writes it, the others read it.

    `read` and `written` are the shares of those others that read it, and that write it anew. None: it never pays.

    >>> break_even(GUIDE), break_even(GUIDE, "12h"), break_even(GUIDE, read=Decimal(0))
    (2, 3, None)
    """
    write = _written(rates, lifetime)
    following = read * rates.cached + written * write + (1 - read - written) * rates.input
    if following >= rates.input:
        return None
    return int((write - following) // (rates.input - following)) + 1


def _written(rates: Rates, lifetime: Lifetime) -> Decimal:
    return rates.written if lifetime == "30m" else rates.written_12h if rates.written_12h is not None else rates.written * TWELVE_HOURS


def decide(
    model: str,
    prefix_tokens: int,
    load: Load,
    rates: Rates | None,
    *,
    tier: Tier = "sync",
    seen: Observed | None = None,
    wish: Wish | None = None,
) -> Decision:
    """How calls to this model with a static prefix of so many tokens should use the cache.

    `rates` are those of the tier; None (nobody prices the model) decides by the guide's ratios and gives no USD. In a batch nobody has published
    how often a prefix is read, so that none is marked there until `seen` holds reads of batches.
    """
    seen, wish = seen or Observed(), wish or Wish()
    math = _Model(prefix_tokens, load, rates, tier, seen, has_breakpoints=policy_for(model) == "explicit")
    plain = math.plain()
    if not math.has_breakpoints:
        choices = [*math.automatic(wish), plain]
        chosen, why = choices[0], f"{model} caches by itself; a breakpoint would be refused"
        if prefix_tokens < MINIMUM_TOKENS:
            why += f", and a prefix of {prefix_tokens} tokens is too short to be read"
        return Decision(chosen, f"{why}.", 1, prefix_tokens, plain.expected_usd, (*choices,), load, wish.shards is None)
    marked = list(math.explicit(wish))
    choices = [plain, *marked, math.one_key(wish.lifetime or "30m"), math.implicit()]
    if wish.policy == "explicit":
        wished = [each for each in marked if each.shards] or list(math.explicit(replace(wish, shards=1)))
    else:
        wished = [each for each in choices if each.policy == wish.policy]
    if wish.policy != "implicit" and prefix_tokens < MINIMUM_TOKENS:
        wished, free, why = [], [plain], f"A prefix of {prefix_tokens} tokens is under {MINIMUM_TOKENS} and cannot be cached"
    elif tier == "batch" and seen.expected_reads < TRUSTED_READS:
        free, why = [plain], "Nothing is marked in a batch until the ledger holds batches that read their prefix"
    else:
        free, why = [plain, *marked], ""
    chosen = min(wished or free, key=lambda each: _usd(each, rates))
    even = break_even(rates or GUIDE, chosen.lifetime, read=math.read, written=math.written)
    if wished:
        why = "Set on purpose"
    elif not why:
        why = _why(chosen, even, load)
    return Decision(chosen, f"{why}.", even, prefix_tokens, plain.expected_usd, _distinct(chosen, choices), load, wish.shards is None)


def _usd(choice: Choice, rates: Rates | None) -> Decimal:
    return _cost(choice, rates or GUIDE)


def _cost(choice: Choice, rates: Rates) -> Decimal:
    write = _written(rates, choice.lifetime)
    return (choice.uncached_tokens * rates.input + choice.cached_tokens * rates.cached + choice.cache_write_tokens * write) / MILLION


def _why(chosen: Choice, even: int | None, load: Load) -> str:
    if even is None:
        return "By what the ledger has seen, a marked prefix is not read often enough to pay for its writing"
    if chosen.policy == "none":
        return f"{_calls(load)} expected: too few, or too far apart; a mark pays from {even} calls a key within its lifetime"
    kept = f"{chosen.lifetime}, as runs come back after {load.between_s / 60:.0f} minutes" if chosen.lifetime == "12h" else chosen.lifetime
    keys = "1 key" if chosen.shards == 1 else f"{chosen.shards} keys"
    return f"{_calls(load)} expected, under {keys} for {kept}; a mark pays from {even} calls a key within its lifetime"


def _calls(load: Load) -> str:
    return "1 call" if load.calls == 1 else f"{load.calls:,} calls"


def _distinct(chosen: Choice, choices: list[Choice]) -> tuple[Choice, ...]:
    """The choices by name, the chosen one first."""
    return tuple({each.name: each for each in (*choices, chosen)}[name] for name in dict.fromkeys([chosen.name, *(each.name for each in choices)]))


@dataclass(frozen=True)
class _Model:
    """The arithmetic behind `decide`: calls into tokens, tokens into USD."""

    prefix: int
    load: Load
    rates: Rates | None
    tier: Tier
    seen: Observed
    has_breakpoints: bool
    read: Decimal = field(init=False)
    written: Decimal = field(init=False)

    def __post_init__(self) -> None:
        trust = 0 if self.tier == "batch" else TRUSTED_READS
        of = max(1, self.seen.expected_reads + trust)
        object.__setattr__(self, "read", min(Decimal(1), Decimal(self.seen.reads + trust) / of))
        object.__setattr__(self, "written", min(1 - self.read, Decimal(self.seen.writes) / of) if self.has_breakpoints else Decimal(0))

    @property
    def total(self) -> int:
        return self.load.calls * self.load.rounds

    @property
    def busiest(self) -> int:
        """Calls of the busiest minute."""
        return max(1, min(self.load.calls, -int(-self.load.calls_a_minute // 1)))

    def choice(self, policy: Policy, lifetime: Lifetime, shards: int, warming: Warming, leading: int, following: int, *, prewarms: int = 0) -> Choice:
        """Tokens and USD of so many calls that write, and so many that should read."""
        size = self.prefix if self.has_breakpoints else self.prefix // STEP_TOKENS * STEP_TOKENS
        sent = self.total * (self.prefix + self.load.document_tokens) + prewarms * self.prefix
        if policy == "implicit":
            written, cached = sent, 0
        else:
            cached = int(following * self.read * size)
            written = int((leading + following * self.written) * self.prefix) if policy == "explicit" else 0
        made = Choice(policy, lifetime, shards, warming, leading, following, sent - cached - written, cached, written, None)
        return replace(made, expected_usd=None if self.rates is None else _cost(made, self.rates))

    def plain(self) -> Choice:
        return self.choice("none", "30m", 0, "none", 0, 0)

    def implicit(self) -> Choice:
        """By the guide: every call writes all it sends, and another document reads nothing of it."""
        return self.choice("implicit", "30m", 0, "none", self.total, 0)

    def one_key(self, lifetime: Lifetime) -> Choice:
        """All calls under one key, one of them first: what spills to a machine that has no prefix yet writes it, and what comes with it too."""
        machines = -(-self.busiest // SHARD_CALLS)
        together = min(SHARD_CALLS, self.load.in_flight)
        spilled = min(self.load.calls - 1, (machines - 1) * together) if machines > 1 else 0
        leading = (1 + spilled) * self._written_rounds(lifetime)
        return self.choice("explicit", lifetime, 1, "first-call", min(self.total, leading), max(0, self.total - leading))

    def automatic(self, wish: Wish) -> Iterator[Choice]:
        shards = wish.shards or -(-self.busiest // SHARD_CALLS)
        if self.prefix < MINIMUM_TOKENS:
            yield self.choice("automatic", "30m", 1, "none", self.total, 0)
            return
        warming: Warming = "none" if self.tier == "batch" or wish.warming == "none" else "first-call"
        leading = min(self.total, shards * self._written_rounds("30m"))
        yield self.choice("automatic", "30m", shards, warming, leading, self.total - leading)

    def explicit(self, wish: Wish) -> Iterator[Choice]:
        """Sharded by load, for each lifetime and way of warming that is not ruled out."""
        lifetimes: tuple[Lifetime, ...] = (wish.lifetime,) if wish.lifetime else ("30m", "12h")
        warmings: tuple[Warming, ...] = ("none",) if self.tier == "batch" else (wish.warming,) if wish.warming else ("first-call", "prewarm")
        for lifetime in lifetimes:
            for warming in warmings:
                yield self.sharded(lifetime, warming, wish.shards)

    def sharded(self, lifetime: Lifetime, warming: Warming, wished: int | None) -> Choice:
        """As many shards as the busiest minute fills; one that would hold fewer calls than pay is not opened, its calls go plain."""
        even = break_even(self.rates or GUIDE, lifetime, read=self.read, written=self.written)
        calls, rounds = self.load.calls, self._written_rounds(lifetime)
        kept = self.load.rounds if rounds == 1 else 1
        full, rest = (1, 0) if self.tier == "batch" else divmod(self.busiest, SHARD_CALLS - (warming == "prewarm"))
        rest_calls = calls * rest // self.busiest
        full_calls = calls - rest_calls
        shards, marked = 0, 0
        if wished:
            shards, marked = wished, calls
        elif even is not None and not self._is_sparse(lifetime):
            if full and full_calls * kept >= even * full:
                shards, marked = full, full_calls
            if rest and rest_calls * kept >= even:
                shards, marked = shards + 1, marked + rest_calls
        if not shards:
            return replace(self.plain(), lifetime=lifetime)
        writing = self.total if self._is_sparse(lifetime) else shards * rounds
        prewarms = writing if warming == "prewarm" else 0
        following = marked * self.load.rounds - (0 if prewarms else min(writing, marked * self.load.rounds))
        return self.choice("explicit", lifetime, shards, warming, writing if prewarms else min(writing, self.total), following, prewarms=prewarms)

    def _is_sparse(self, lifetime: Lifetime) -> bool:
        """Whether a prefix has expired before the next call comes."""
        return self.load.calls_a_minute > 0 and MINUTE_S / self.load.calls_a_minute > LIFETIME_S[lifetime]

    def _written_rounds(self, lifetime: Lifetime) -> int:
        """Rounds in which a shard is written: the first alone, if its prefix lives until the next."""
        return 1 if self.load.between_s <= LIFETIME_S[lifetime] else self.load.rounds


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call goes: its shard (None: without a mark), whether it is the one that warms it, and whether it must wait for that one."""

    shard: int | None
    leads: bool = False
    waits: bool = False


class Shards:
    """Which shard each call of a run goes under, as the run goes; the clock is passed in.

    The decided number is opened first, each by a call that leads. After that a call takes the lowest shard that is warm and has room in its last
    minute; when the room left is less than what is about to be in flight, it opens the next, so that nobody waits at a higher rate than expected.
    """

    def __init__(self, decision: Decision, calls: int) -> None:
        self.decision = decision
        self.left = calls
        self._counts: list[int] = []
        self._warm: list[bool] = []
        self._taken: deque[tuple[float, int]] = deque()
        self._free: list[int] = []  # a heap of warm shards that have room
        self._room = 0

    def take(self, now: float) -> Place:
        """The place of the next call, at this time in seconds."""
        self.left = max(0, self.left - 1)
        choice = self.decision.choice
        if not choice.shards or choice.policy not in ("explicit", "automatic"):
            return Place(None if choice.policy == "none" else 0)
        if choice.warming == "none":
            return self._placed(self._open(warm=True) if not self._counts else 0, now)
        self._let_go(now)
        needed = min(self.left + 1, self.decision.load.in_flight)
        if len(self._counts) < choice.shards or (self._room < needed and self.decision.may_grow):
            if self._pays():
                shard = self._open()
                if choice.warming == "prewarm":  # a request of this minute, too
                    self._placed(shard, now)
                return self._placed(shard, now, leads=True)
            if self._room <= 0:
                return Place(None) if choice.policy == "explicit" else self._placed(0, now)
        return self._placed(self._next(), now)

    def warmed(self, shard: int) -> None:
        """The call that leads this shard has been answered."""
        self._warm[shard] = True
        if self._counts[shard] < SHARD_CALLS:
            heapq.heappush(self._free, shard)

    def _pays(self) -> bool:
        """Whether the calls left beyond the room there is would pay for another shard."""
        return self.left + 1 - max(0, self._room) >= (self.decision.break_even_calls or 1)

    def _open(self, *, warm: bool = False) -> int:
        self._counts.append(0)
        self._warm.append(warm)
        self._room += SHARD_CALLS
        return len(self._counts) - 1

    def _next(self) -> int:
        while self._free and self._counts[self._free[0]] >= SHARD_CALLS:
            heapq.heappop(self._free)
        if self._free:
            return self._free[0]
        cold = (shard for shard, is_warm in enumerate(self._warm) if not is_warm and self._counts[shard] < SHARD_CALLS)
        return next(cold, min(range(len(self._counts)), key=self._counts.__getitem__))

    def _placed(self, shard: int, now: float, *, leads: bool = False) -> Place:
        self._counts[shard] += 1
        self._room -= 1
        self._taken.append((now, shard))
        return Place(shard, leads, not leads and not self._warm[shard])

    def _let_go(self, now: float) -> None:
        while self._taken and now - self._taken[0][0] >= MINUTE_S:
            _, shard = self._taken.popleft()
            self._counts[shard] -= 1
            self._room += 1
            if self._warm[shard] and self._counts[shard] == SHARD_CALLS - 1:
                heapq.heappush(self._free, shard)
