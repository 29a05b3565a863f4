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
PRICED_TIERS: Final = frozenset({None, "", "auto", "default"})


@dataclass(frozen=True, slots=True)
class Rates:
    """USD a million tokens for one request, on one day."""

    model: str
    day: str
    input: Decimal
    cached: Decimal
    written: Decimal
    output: Decimal
    source: str

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


@lru_cache(maxsize=1024)
def _model_price(model: str, day: str) -> Any:
    from genai_prices import calc_price
    from genai_prices.types import Usage as Tokens

    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    try:
        return calc_price(Tokens(input_tokens=1, output_tokens=1), model_ref=model, provider_id="openai", genai_request_timestamp=at).model_price
    except LookupError:
        return None


def _rate(price: Any, input_tokens: int) -> Decimal | None:
    tiers = getattr(price, "tiers", None)
    if tiers is None:
        return price if isinstance(price, Decimal) else None
    rate: Decimal = price.base
    for tier in tiers:
        if input_tokens > tier.start:
            rate = tier.price
    return rate


@lru_cache(maxsize=4096)
def _rates_by_day(model: str, day: str, input_tokens: int) -> Rates | None:
    price = _model_price(model, day)
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
    return Rates(model, day, full, full if cached is None else cached, full if written is None else written, output, source)


@lru_cache(maxsize=1024)
def _steps(model: str, day: str) -> tuple[int, ...]:
    price = _model_price(model, day)
    found = (price.input_mtok, price.output_mtok, price.cache_read_mtok, price.cache_write_mtok) if price is not None else ()
    return tuple(sorted({tier.start for part in found for tier in getattr(part, "tiers", ())}))


def rates_for(model: str, at: datetime, input_tokens: int = 0) -> Rates | None:
    """The rates of a model for a prompt of this length at this time; None when no price list knows the model.

    Source: genai-prices, provider openai. A tier begins above its threshold of input tokens.
    """
    day = at.astimezone(UTC).date().isoformat()
    tier = max((start + 1 for start in _steps(model, day) if input_tokens > start), default=0)
    return _rates_by_day(model, day, tier)


def is_priced(model: str, at: datetime) -> bool:
    """Whether a price list knows the model on that day."""
    return rates_for(model, at) is not None


def price_call(model: str, usage: Usage, at: datetime, service_tier: str | None = None) -> Cost:
    """What a call sent at `at` to `model` cost, by its usage.

    >>> from datetime import datetime, UTC
    >>> used = Usage(input_tokens=2000, cached_tokens=1000, cache_write_tokens=200, output_tokens=300)
    >>> price_call("gpt-6-luna", used, datetime(2026, 11, 24, tzinfo=UTC)).cost_usd
    Decimal('0.000265')
    """
    problem = _doubt(usage)
    if problem:
        return Cost(None, rates_for(model, at), problem)
    assert usage.input_tokens is not None
    assert usage.output_tokens is not None
    rates = rates_for(model, at, usage.input_tokens)
    if rates is None:
        return Cost(None, None, f"no price list knows the model {model!r}")
    if service_tier not in PRICED_TIERS:
        return Cost(None, rates, f"no price is known for the service tier {service_tier!r}")
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


def upper_bound(model: str, at: datetime, input_tokens: int, output_cap: int, cache_lifetime: str = "30m") -> Decimal | None:
    """The most a call can cost: its input at the dearest rate, and the whole output cap. None when nobody prices the model."""
    rates = rates_for(model, at, input_tokens)
    if rates is None:
        return None
    dearest = max(rates.dearest_input, rates.written * TWELVE_HOURS) if cache_lifetime == "12h" else rates.dearest_input
    return (input_tokens * dearest + output_cap * rates.output) / MILLION


def expected_cost(model: str, at: datetime, prefix_tokens: int, document_tokens: int) -> Decimal | None:
    """What a call will cost if its static prefix is read from the cache, as every call's but the first is. None when nobody prices the model."""
    used = Usage(input_tokens=prefix_tokens + document_tokens, cached_tokens=prefix_tokens, output_tokens=USUAL_OUTPUT_TOKENS)
    return price_call(model, used, at).cost_usd


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
