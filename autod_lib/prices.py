"""Dated token prices, and what one call cost.

The price is the one in force when the request was *sent*, in the service tier that the answer names. Where from, first to last: the user's own
price file (AUTOD_PRICES_FILE), genai-prices, the project's overrides of what that list lacks. Money is Decimal USD. An input token is counted
once: uncached, read from the cache or written to it. A model or tier nobody prices costs None, never 0, and the views count such calls apart; so
does a usage that cannot be true. Called by budget.py (before a call), api.py (after it), store.py and the command `prices`. Touches neither the
network nor the database.
"""

import difflib
import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from . import price_file
from .errors import SettingsError
from .price_file import Line, PriceFile

MILLION: Final = Decimal(1_000_000)
GIGABYTE: Final = Decimal(2**30)  # the provider bills binary ones
ABSURD_TOKENS: Final = 100_000_000  # no model's window comes near; such a usage is a fault of the answer
FIRST_DAY: Final = date(2025, 3, 11)  # of the Responses API, by the provider's changelog: a call dated before it has a clock that is wrong
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
    written_12h: Decimal | None = None  # a write for 12 hours; None where nobody prices one
    since: date | None = None  # first day of this price; None: as far back as the list goes
    above_input_tokens: int = 0  # prompts longer than this have these rates,
    up_to_input_tokens: int | None = None  # up to this length; None: of any

    def columns(self) -> dict[str, str | None]:
        """The rates as text, as the ledger keeps them, with the tier that they are of."""
        rates = {"input": self.input, "cached": self.cached, "written": self.written, "written_12h": self.written_12h, "output": self.output}
        return {name: None if rate is None else f"{rate:f}" for name, rate in rates.items()} | {"service_tier": self.service_tier}

    def listing(self) -> dict[str, Any]:
        """The columns of the table `price_list`, rates as text, but model and day."""
        rates = {f"{name}_rate": rate for name, rate in self.columns().items() if name != "service_tier"}
        return rates | {
            "service_tier": self.service_tier,
            "above_input_tokens": self.above_input_tokens,
            "up_to_input_tokens": self.up_to_input_tokens,
            "price_since": self.since,
            "price_source": self.source,
        }

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
    service_tier: str | None = None
    parts: dict[str, Decimal] = field(default_factory=dict)

    def columns(self) -> dict[str, Any]:
        """The cost as the ledger keeps it: the sum, its four parts, and the rates they were made with."""
        rates = self.rates
        return {
            "cost_usd": self.cost_usd,
            **self.parts,
            "price_source": rates.source if rates else None,
            "price_date": rates.day if rates else None,
            "price_tier": self.service_tier,
            "price_rates": rates.columns() if rates else None,
            "input_rate": rates.input if rates else None,
        }


def billed_tier(service_tier: str | None) -> str:
    """The tier that a call is billed in, by what the answer names or the request asked: none, auto and default are the standard one.

    >>> billed_tier(None), billed_tier("default"), billed_tier("flex")
    ('standard', 'standard', 'flex')
    """
    return STANDARD if service_tier in USUAL else str(service_tier)


_own: PriceFile = price_file.NOTHING


def use_file(path: Path | None) -> None:
    """Makes a price file the own one of this process, or none; `load_settings` does so by AUTOD_PRICES_FILE.

    Raises: SettingsError naming the entry that is a mistake; the file in use stays as it was.
    """
    global _own
    found = price_file.NOTHING if path is None else price_file.read_price_file(path)
    if found != _own:
        _own = found
        _prices.cache_clear()
        _rates_by_length.cache_clear()


@lru_cache(maxsize=1)
def _list_version() -> str:
    from importlib.metadata import version

    return version("genai-prices")


def fingerprint() -> str:
    """A hash of everything that prices are read from here: the same one means the same prices."""
    return hashlib.sha256("\0".join([_list_version(), price_file.shipped().text, _own.name, _own.text]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Prices:
    """What one model costs on one day in one tier: a rate is a Decimal, or one that has steps by prompt length, or None."""

    input: Any
    cached: Any
    written: Any
    output: Any
    source: str
    since: date | None = None
    written_12h: Decimal | None = None
    factor: Decimal = Decimal(1)
    cached_factor: Decimal = Decimal(1)

    def steps(self) -> list[int]:
        return sorted({0} | {step.start for rate in (self.input, self.cached, self.written, self.output) for step in getattr(rate, "tiers", ())})


def _by_factor(lines: PriceFile, model: str, day: date, tier: str) -> _Prices | None:
    """The standard prices times the factor that a price file has for the tier."""
    line, standard = lines.line("tier", day, model, tier), _prices(model, day, STANDARD)
    if line is None or line.factor is None or standard is None:
        return None
    return replace(
        standard,
        source=f"{standard.source} × {line.factor} ({lines.name}: {line.source})",
        since=max(line.since, standard.since or line.since),
        written_12h=None if standard.written_12h is None else _rounded(standard.written_12h * line.factor),
        factor=line.factor,
        cached_factor=line.factor if line.cached_factor is None else line.cached_factor,
    )


def _listed(model: str, day: date, tier: str) -> _Prices | None:
    """What genai-prices says of the provider's model."""
    from genai_prices import calc_price
    from genai_prices.types import Usage as Tokens

    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    context = {STANDARD: {}, "batch": {"processing": "batch"}}.get(tier, {"service_tier": tier})
    try:
        usage = Tokens(input_tokens=1, output_tokens=1)
        found = calc_price(usage, model_ref=model, provider_id="openai", genai_request_timestamp=at, price_context=context)
    except LookupError:
        return None
    holding = [part for part in found.model.price_variants or () if part.when == context and (part.constraint is None or part.constraint.active(at))]
    if tier != STANDARD and not holding:  # the list prices a tier that it does not have as the standard one, without a word
        return None
    dated: list[Any] = found.model.prices if isinstance(found.model.prices, list) else []
    in_force = [part for part in dated if part.constraint is not None and part.constraint.active(at)][-1:]
    starts = [start for part in [*in_force, *holding] if (start := getattr(part.constraint, "start_date", None))]
    price = found.model_price
    source = f"genai-prices {_list_version()}"
    return _Prices(price.input_mtok, price.cache_read_mtok, price.cache_write_mtok, price.output_mtok, source, max(starts, default=None))


@lru_cache(maxsize=4096)
def _prices(model: str, day: date, tier: str) -> _Prices | None:
    if day < FIRST_DAY:
        return None
    own = _own.line("model", day, model, tier)
    if own is not None:
        source = f"{_own.name}: {own.source}"
        return _Prices(own.input, own.cached, own.written, own.output, source, own.since, own.written_12h)
    if tier == STANDARD:
        return _listed(model, day, tier)
    return _by_factor(_own, model, day, tier) or _listed(model, day, tier) or _by_factor(price_file.shipped(), model, day, tier)


def _rate(price: Any, input_tokens: int, factor: Decimal) -> Decimal | None:
    rate = price if isinstance(price, Decimal) else getattr(price, "base", None)
    for step in getattr(price, "tiers", ()):
        if input_tokens > step.start:
            rate = step.price
    return rate if rate is None or factor == 1 else _rounded(rate * factor)


def _rounded(rate: Decimal) -> Decimal:
    """As many decimals as the ledger can hold of one token; a factor may make more of them."""
    return Decimal(f"{round(rate, price_file.DECIMALS).normalize():f}")


@lru_cache(maxsize=4096)
def _rates_by_length(model: str, day: date, tier: str) -> dict[int, Rates | None]:
    """The rates of each step of prompt length, by the number of input tokens above which it begins; empty when nobody prices the model."""
    found = _prices(model, day, tier)
    return {} if found is None else {above: _rates_above(found, model, day, above, tier) for above in found.steps()}


def _rates_above(found: _Prices, model: str, day: date, above: int, tier: str) -> Rates | None:
    full, output = _rate(found.input, above + 1, found.factor), _rate(found.output, above + 1, found.factor)
    if full is None or output is None:
        return None
    cached, written = _rate(found.cached, above + 1, found.cached_factor), _rate(found.written, above + 1, found.factor)
    longer = found.written_12h
    if longer is None and written is not None:
        line = _own.line("cache_write", day, model) or price_file.shipped().line("cache_write", day, model)
        longer = None if line is None or line.factor is None else _rounded(full * line.factor)
    # A model without a rate of its own for reads or writes bills these tokens as any other.
    cached, written = full if cached is None else cached, full if written is None else written
    up_to = next((start for start in found.steps() if start > above), None)
    return Rates(model, day.isoformat(), full, cached, written, output, found.source, tier, longer, found.since, above, up_to)


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def rates_for(model: str, at: datetime, input_tokens: int = 0, service_tier: str | None = None) -> Rates | None:
    """The rates of a model for a prompt of this length at this time in a service tier; None when nobody prices it.

    Source: the own price file, else genai-prices (provider openai), else the project's overrides. A step by prompt length begins above its
    threshold of input tokens. Tiers: see `billed_tier`.
    """
    day, tier = _day(at), billed_tier(service_tier)
    found = _rates_by_length(model, day, tier)
    return found[max(above for above in found if above == 0 or input_tokens > above)] if found else None


def all_rates(model: str, day: date) -> list[Rates]:
    """Every rate of a model on this UTC day: one for each service tier and step of prompt length; empty when nobody prices it."""
    tiers = [*TIERS, *sorted({line.service_tier for line in _own.lines} - set(TIERS))]
    return [rates for tier in tiers for rates in _rates_by_length(model, day, tier).values() if rates is not None]


def names() -> list[str]:
    """Every name of a model that has a price: those of the provider in genai-prices, and those of the own price file."""
    from genai_prices.data import providers

    listed = [model.id for provider in providers if provider.id == "openai" for model in provider.models]
    return sorted({*listed, *(line.models[0] for line in _own.lines if line.kind == "model")})


def vector_store_prices(at: datetime) -> Line | None:
    """What vector stores cost at this time: `storage_gb_day` USD a binary gigabyte and day beyond `free_gb`, `search_thousand` USD a thousand
    searches. None when nobody prices them.
    """
    return _own.line("vector_store", _day(at)) or price_file.shipped().line("vector_store", _day(at))


def vector_store_cost(at: datetime, stored_bytes: int, days: Decimal, searches: int = 0) -> Decimal | None:
    """What keeping so many bytes for so many days, and searching them so often, costs in USD at the prices of `at`; None without a price.

    >>> vector_store_cost(datetime(2026, 11, 24, tzinfo=UTC), 3 * 2**30, Decimal(10), 2000)
    Decimal('7.00')
    """
    line = vector_store_prices(at)
    if line is None or line.storage_gb_day is None or line.free_gb is None or line.search_thousand is None:
        return None
    billed = max(Decimal(stored_bytes) / GIGABYTE - line.free_gb, Decimal(0))
    return billed * days * line.storage_gb_day + searches * line.search_thousand / 1000


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
    problem = _untrue(usage) or ("the answer has no usage" if usage.input_tokens is None or usage.output_tokens is None else None)
    tier = billed_tier(service_tier)
    if problem:
        return Cost(None, rates_for(model, at, service_tier=tier), problem, tier)
    assert usage.input_tokens is not None
    assert usage.output_tokens is not None
    rates = rates_for(model, at, usage.input_tokens, tier)
    if rates is None:
        return Cost(None, None, _why_not(model, at, tier), tier)
    cached, written, longer = usage.cached_tokens or 0, usage.cache_write_tokens or 0, usage.cache_write_12h_tokens or 0
    if longer and rates.written_12h is None:
        return Cost(None, rates, f"no price of {model!r} is known for cache writes of 12 hours", tier)
    parts = {
        "uncached_usd": (usage.input_tokens - cached - written) * rates.input / MILLION,
        "cached_usd": cached * rates.cached / MILLION,
        "cache_write_usd": ((written - longer) * rates.written + longer * (rates.written_12h or 0)) / MILLION,
        "output_usd": usage.output_tokens * rates.output / MILLION,
    }
    silent = usage.cached_tokens is None
    warning = "the answer says nothing of cached tokens: all input is priced in full" if silent else None
    return Cost(sum(parts.values(), Decimal(0)), rates, warning, tier, parts)


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
            dearest = max(rates.dearest_input, rates.written_12h or 0) if cache_lifetime == "12h" else rates.dearest_input
            bounds.append((input_tokens * dearest + output_cap * rates.output) / MILLION)
    return max(bounds)


def expected_cost(
    model: str,
    at: datetime,
    input_tokens: int,
    *,
    cached_tokens: int = 0,
    written_tokens: int = 0,
    output_tokens: int = USUAL_OUTPUT_TOKENS,
    cache_lifetime: str | None = None,
    service_tier: str | None = None,
) -> Decimal | None:
    """What a call of so many tokens will cost, where so many are expected to be read from the cache and written to it for this lifetime.

    None when nobody prices the model.
    """
    longer = written_tokens if cache_lifetime == "12h" else 0
    used = Usage(input_tokens, cached_tokens, written_tokens, written_tokens - longer, longer, output_tokens)
    return price_call(model, used, at, service_tier).cost_usd


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Everything that is known of what a model costs on one UTC day; `unpriced_tiers` are the usual tiers in which nobody prices it."""

    model: str
    day: date
    rates: list[Rates]
    unpriced_tiers: list[str]
    vector_store: Line | None

    def rows(self) -> list[dict[str, Any]]:
        """One row a service tier and step of prompt length: rates in USD a million tokens, first day, and source."""
        return [
            {
                "service_tier": part.service_tier,
                "above_input_tokens": part.above_input_tokens,
                "input": part.input,
                "cached": part.cached,
                "written": part.written,
                "written_12h": part.written_12h,
                "output": part.output,
                "since": part.since,
                "source": part.source,
            }
            for part in self.rates
        ]

    def columns(self) -> dict[str, Any]:
        """The table as one JSON object: `rates` as in `rows`, with their unit, and the vector store's prices."""
        kept = self.vector_store
        names = ("storage_gb_day", "free_gb", "search_thousand", "since", "source")
        store = None if kept is None else {name: getattr(kept, name) for name in names}
        units = {name: f"{name}_usd_per_million" for name in ("input", "cached", "written", "written_12h", "output")}
        rates = [{units.get(name, name): value for name, value in row.items()} for row in self.rows()]
        return {"model": self.model, "day": self.day, "rates": rates, "unpriced_tiers": self.unpriced_tiers, "vector_store": store}

    def sentences(self) -> list[str]:
        """What the numbers are, then what is not priced, and what vector stores cost."""
        found = [f"{self.model} on {self.day}, USD a million tokens; a prompt longer than above_input_tokens has the rates of that row throughout."]
        if self.unpriced_tiers:
            found.append(f"No price is known for the service tiers {', '.join(self.unpriced_tiers)}: a call billed in one costs NULL.")
        if (kept := self.vector_store) is not None:
            found.append(
                f"Vector stores: {kept.storage_gb_day} USD a gigabyte and day beyond {kept.free_gb} GB, {kept.search_thousand} USD a thousand "
                f"searches, since {kept.since} ({kept.source})."
            )
        return [*found, "A since that is empty is as far back as the list goes. Rates of your own: AUTOD_PRICES_FILE."]


def price_table(model: str, day: str | None = None) -> PriceTable:
    """What a model costs on a UTC day (an ISO day; None: today), in every tier.

    Raises: SettingsError for a day that is none, and for a model that nobody prices, with the nearest names.
    """
    try:
        chosen = datetime.now(UTC).date() if day is None else date.fromisoformat(day)
    except ValueError:
        raise SettingsError(f"--at {day!r} is no day. Example: --at 2026-11-24") from None
    if chosen < FIRST_DAY:
        raise SettingsError(f"There are no prices before {FIRST_DAY}, the first day of the API that is asked.")
    found = all_rates(model, chosen)
    if not found:
        near = difflib.get_close_matches(model.lower(), names(), 3, 0.5)
        known = f" Near names: {', '.join(near)}." if near else ""
        raise SettingsError(
            f"No price list knows the model {model!r} on {chosen}; its calls would cost NULL.{known} A price of your own: name a file with "
            "AUTOD_PRICES_FILE."
        )
    priced = {part.service_tier for part in found}
    at = datetime(chosen.year, chosen.month, chosen.day, tzinfo=UTC)
    return PriceTable(model, chosen, found, [tier for tier in TIERS if tier not in priced], vector_store_prices(at))


def believable(usage: Usage) -> Usage:
    """The usage, or none at all where it cannot be true: no sum of tokens is spoilt by what an answer makes up. The raw answer keeps it."""
    return Usage() if _untrue(usage) else usage


def _why_not(model: str, at: datetime, service_tier: str) -> str:
    if _day(at) < FIRST_DAY:
        return f"the clock says {_day(at)}, before there were prices"
    if is_priced(model, at):
        return f"no price of {model!r} is known for the service tier {service_tier!r}"
    return f"no price list knows the model {model!r}"


def _untrue(usage: Usage) -> str | None:
    parts = [getattr(usage, name) or 0 for name in Usage.__slots__]
    cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
    if min(parts) < 0:
        return "the usage is negative"
    if max(parts) > ABSURD_TOKENS:
        return "the usage is absurdly large"
    if usage.input_tokens is not None and cached + written > usage.input_tokens:
        return "more tokens were cached than were sent"
    if (usage.cache_write_30m_tokens or 0) + (usage.cache_write_12h_tokens or 0) > written:
        return "more tokens were written for a lifetime than were written"
    if usage.output_tokens is not None and (usage.reasoning_tokens or 0) > usage.output_tokens:
        return "more tokens of reasoning than of output"
    return None
