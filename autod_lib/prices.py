"""Dated token prices, and what one call cost.

The price is the one in force when the request was *sent*, by genai-prices. Money is Decimal USD. An input token is counted once: uncached,
read from the cache or written to it. A model nobody prices costs None, never 0, and the views count such calls apart; so does a usage that
cannot be true. Called by budget.py (before a call) and api.py (after it). Touches neither the network nor the database.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Final

MILLION: Final = Decimal(1_000_000)
ABSURD_TOKENS: Final = 100_000_000  # no model's window comes near; such a usage is a fault of the answer
TWELVE_HOURS: Final = 2  # a write for 12 hours bills 2.5 times the input rate, one for 30 minutes 1.25 times: the provider's prompt-caching guide
USUAL_OUTPUT_TOKENS: Final = 600  # of a record: what an expectation takes for the answer, the cap being the bound
STANDARD: Final = "standard"
TIERS: Final = (STANDARD, "flex", "batch", "priority", "fast")  # as billed; "scale" is bought by the hour, and has no price a token
USUAL: Final = frozenset({None, "", "auto", "default", STANDARD})
# What a call that asks for a tier can be billed in: the answer names the tier that was used, and `auto` leaves it to the project's setting.
CAN_BECOME: Final = {
    "auto": (STANDARD, "priority", "fast"),
    "flex": ("flex", STANDARD),
    "priority": ("priority", "fast", STANDARD),
    "fast": ("fast", "priority", STANDARD),
}


@dataclass(frozen=True, slots=True)
class Rates:
    """USD a million tokens for one request, on one day, in one service tier (as billed: one of TIERS)."""

    model: str
    day: str
    input: Decimal
    cached: Decimal
    written: Decimal
    output: Decimal
    source: str
    service_tier: str = STANDARD

    def columns(self) -> dict[str, str]:
        """The four rates as text, as the ledger keeps them."""
        return {"input": str(self.input), "cached": str(self.cached), "written": str(self.written), "output": str(self.output)}

    @property
    def dearest_input(self) -> Decimal:
        """The highest rate that an input token can be billed at."""
        return max(self.input, self.cached, self.written)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of an answer; None where it does not say."""

    input_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_30m_tokens: int | None = None
    cache_write_12h_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call cost: None, with a warning, when it cannot be known."""

    cost_usd: Decimal | None
    rates: Rates | None
    warning: str | None = None
    parts: dict[str, Decimal] = field(default_factory=dict)

    def columns(self) -> dict[str, Any]:
        """The cost as the ledger keeps it: the sum, its four parts, and the rates they were made with."""
        rates = self.rates
        return {
            "cost_usd": self.cost_usd,
            **self.parts,
            "price_source": rates.source if rates else None,
            "price_date": rates.day if rates else None,
            "price_rates": rates.columns() if rates else None,
            "input_rate": rates.input if rates else None,
        }


def billed_tier(service_tier: str | None) -> str:
    """The tier that a call is billed in, by what the answer names or the request asked: none, auto and default are the standard one.

    >>> billed_tier(None), billed_tier("default"), billed_tier("flex")
    ('standard', 'standard', 'flex')
    """
    return STANDARD if service_tier in USUAL else str(service_tier)


@lru_cache(maxsize=1024)
def _model_price(model: str, day: str, tier: str) -> Any:
    from genai_prices import calc_price
    from genai_prices.types import Usage as Tokens

    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    context = {STANDARD: {}, "batch": {"processing": "batch"}}.get(tier, {"service_tier": tier})
    try:
        found = calc_price(
            Tokens(input_tokens=1, output_tokens=1), model_ref=model, provider_id="openai", genai_request_timestamp=at, price_context=context
        )
    except LookupError:
        return None
    # A tier that the list does not have is priced as the standard one there, without a word.
    known = tier == STANDARD or any(
        variant.when == context and (variant.constraint is None or variant.constraint.active(at)) for variant in found.model.price_variants or ()
    )
    return found.model_price if known else None


def _rate(price: Any, input_tokens: int) -> Decimal | None:
    steps = getattr(price, "tiers", None)
    if steps is None:
        return price if isinstance(price, Decimal) else None
    rate: Decimal = price.base
    for step in steps:
        if input_tokens > step.start:
            rate = step.price
    return rate


@lru_cache(maxsize=4096)
def _rates_by_day(model: str, day: str, input_tokens: int, tier: str) -> Rates | None:
    price = _model_price(model, day, tier)
    if price is None:
        return None
    full = _rate(price.input_mtok, input_tokens)
    output = _rate(price.output_mtok, input_tokens)
    if full is None or output is None:
        return None
    cached = _rate(price.cache_read_mtok, input_tokens)
    written = _rate(price.cache_write_mtok, input_tokens)
    # A model without a rate of its own for reads or writes bills these tokens as any other.
    source = f"genai-prices {version('genai-prices')}"
    return Rates(model, day, full, full if cached is None else cached, full if written is None else written, output, source, tier)


@lru_cache(maxsize=1024)
def _steps(model: str, day: str, tier: str) -> tuple[int, ...]:
    price = _model_price(model, day, tier)
    found = (price.input_mtok, price.output_mtok, price.cache_read_mtok, price.cache_write_mtok) if price is not None else ()
    return tuple(sorted({step.start for part in found for step in getattr(part, "tiers", ())}))


def rates_for(model: str, at: datetime, input_tokens: int = 0, service_tier: str | None = None) -> Rates | None:
    """The rates of a model for a prompt of this length at this time in a service tier; None when no price list knows them.

    Source: genai-prices, provider openai. A step by prompt length begins above its threshold of input tokens. Tiers: see `billed_tier`.
    """
    day, tier = at.astimezone(UTC).date().isoformat(), billed_tier(service_tier)
    length = max((start + 1 for start in _steps(model, day, tier) if input_tokens > start), default=0)
    return _rates_by_day(model, day, length, tier)


def is_priced(model: str, at: datetime, service_tier: str | None = None) -> bool:
    """Whether a price list knows the model on that day, in that service tier."""
    return rates_for(model, at, service_tier=service_tier) is not None


def price_call(model: str, usage: Usage, at: datetime, service_tier: str | None = None) -> Cost:
    """What a call sent at `at` to `model` cost, by its usage and the service tier that the answer names.

    >>> from datetime import datetime, UTC
    >>> used, at = Usage(input_tokens=2000, cached_tokens=1000, cache_write_tokens=200, output_tokens=300), datetime(2026, 11, 24, tzinfo=UTC)
    >>> price_call("gpt-6-luna", used, at).cost_usd, price_call("gpt-6-luna", used, at, "batch").cost_usd
    (Decimal('0.000265'), Decimal('0.0001325'))
    """
    problem = _doubt(usage)
    if problem:
        return Cost(None, rates_for(model, at, service_tier=service_tier), problem)
    assert usage.input_tokens is not None
    assert usage.output_tokens is not None
    rates = rates_for(model, at, usage.input_tokens, service_tier)
    if rates is None:
        if is_priced(model, at):
            return Cost(None, None, f"no price of {model!r} is known for the service tier {service_tier!r}")
        return Cost(None, None, f"no price list knows the model {model!r}")
    cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
    uncached = usage.input_tokens - cached - written
    written_rates = written + (TWELVE_HOURS - 1) * (usage.cache_write_12h_tokens or 0)
    parts = {
        "uncached_usd": uncached * rates.input / MILLION,
        "cached_usd": cached * rates.cached / MILLION,
        "cache_write_usd": written_rates * rates.written / MILLION,
        "output_usd": usage.output_tokens * rates.output / MILLION,
    }
    silent = usage.cached_tokens is None
    warning = "the answer says nothing of cached tokens: all input is priced in full" if silent else None
    return Cost(sum(parts.values(), Decimal(0)), rates, warning, parts)


def upper_bound(
    model: str, at: datetime, input_tokens: int, output_cap: int, cache_lifetime: str = "30m", service_tier: str | None = None
) -> Decimal | None:
    """The most a call can cost: its input at the dearest rate, and the whole output cap, in the dearest tier that the answer may name.

    None when nobody prices the model in the tier asked for. A tier that may be named and has no price makes no bound: its call costs None.
    """
    if not is_priced(model, at, service_tier):
        return None
    bounds = []
    for tier in CAN_BECOME.get(str(service_tier), (billed_tier(service_tier),)):
        rates = rates_for(model, at, input_tokens, tier)
        if rates is not None:
            dearest = max(rates.dearest_input, rates.written * TWELVE_HOURS) if cache_lifetime == "12h" else rates.dearest_input
            bounds.append((input_tokens * dearest + output_cap * rates.output) / MILLION)
    return max(bounds)


def expected_cost(model: str, at: datetime, prefix_tokens: int, document_tokens: int, service_tier: str | None = None) -> Decimal | None:
    """What a call will cost if its static prefix is read from the cache, as every call's but the first is. None when nobody prices the model."""
    used = Usage(input_tokens=prefix_tokens + document_tokens, cached_tokens=prefix_tokens, output_tokens=USUAL_OUTPUT_TOKENS)
    return price_call(model, used, at, service_tier).cost_usd


def _doubt(usage: Usage) -> str | None:
    if usage.input_tokens is None or usage.output_tokens is None:
        return "the answer has no usage"
    parts = [getattr(usage, name) or 0 for name in Usage.__slots__]
    if min(parts) < 0:
        return "the usage is negative"
    if max(parts) > ABSURD_TOKENS:
        return "the usage is absurdly large"
    if (usage.cached_tokens or 0) + (usage.cache_write_tokens or 0) > usage.input_tokens:
        return "more tokens were cached than were sent"
    if (usage.cache_write_30m_tokens or 0) + (usage.cache_write_12h_tokens or 0) > (usage.cache_write_tokens or 0):
        return "more tokens were written for a lifetime than were written"
    if (usage.reasoning_tokens or 0) > usage.output_tokens:
        return "more tokens of reasoning than of output"
    return None
