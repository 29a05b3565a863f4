"""What asking documents is expected to cost, before it is asked: tokens, USD, and an interval that is meant to hold the bill in four of five runs.

Decided here: what is taken from the ledger (the view estimate_calibration: tokens a page beyond the published rules, usual answers, how far bills lie
from forecasts for a document and for a run), what before there is any (PRIOR_TIMES, as wide as it says), and how wide an interval is. The spread of a
forecast, in logarithms, is that of its documents over the square root of their number, with that between runs; the width is how many spreads the last
forecasts would have needed to hold four of five bills, and Student's t before ten of them are known. What the prompt cache does is asked of cache.py.
Called by ingest.py, estimate.py and the notebooks. Reads the ledger through the connection it is handed; sends nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import exp, log, sqrt
from typing import Any, Final, Literal

from . import cache, prices, prompt, tokens
from .document import schema_version
from .journal import now
from .settings import Settings

Basis = Literal["read", "size"]
NORMAL_WIDTH: Final = 1.2816  # spreads to either side that hold 80 % of a normal distribution
# The same of Student's distribution, by degrees of freedom from 1 on.
STUDENT_WIDTHS: Final = (3.078, 1.886, 1.638, 1.533, 1.476, 1.440, 1.415, 1.397, 1.383, 1.372)
PRIOR_TIMES: Final[dict[Basis, float]] = {"read": 2.0, "size": 4.0}  # before a document of the kind was billed: this many times less or more
DOCUMENT_SPREAD: Final = 0.5  # of one document, while a single one was seen
RUN_SPREAD: Final = 0.25  # between runs, while a single one was seen
WIDTHS_TRUSTED: Final = 10  # forecasts whose bills are known, from which on they decide the width
NARROWEST: Final = 0.25
TEXTS_COUNTED: Final = 30  # documents sent as files whose text is counted all the same
FILES: Final = ("file-low", "file-high")
AUTO: Final = ("text", "file-low")  # the input modes that `auto` chooses from

SEEN_SQL = """
select input_mode, confidence, documents, runs, unit_tokens, unit_tokens_low, unit_tokens_high, output_tokens, own_tokens, bill_ratio,
       document_spread, run_spread, document_worth, document_worth_spread, run_worth_spread
from estimate_calibration
where model = $model and reasoning_effort = $effort and schema_version = $schema and is_simulated = $simulated
      and input_mode is not null and confidence is not null"""
WIDTHS_SQL = "select basis, input_mode, width from estimate_coverage where has_seen and is_simulated = $simulated and runs_of_width >= $trusted"


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was seen of a model in an input mode, by estimates of one confidence: columns of the view estimate_calibration."""

    documents: int
    runs: int
    unit_tokens: float
    unit_tokens_low: float
    unit_tokens_high: float
    output_tokens: float
    own_tokens: float
    bill_ratio: float | None
    document_spread: float | None
    run_spread: float | None
    document_worth: float | None
    document_worth_spread: float | None
    run_worth_spread: float | None

    @property
    def learned(self) -> tokens.Learned:
        """What the estimate of a document takes from it."""
        return tokens.Learned(self.documents, self.unit_tokens, self.unit_tokens_low, self.unit_tokens_high)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the ledger has seen of a model under these settings, by input mode and confidence, and the widths that forecasts needed, by basis and
    the input mode that was asked for."""

    calibrations: dict[tuple[str, str], Calibration] = field(default_factory=dict)
    widths: dict[tuple[str, str], float] = field(default_factory=dict)

    def of(self, input_mode: str, confidence: str = "high") -> Calibration | None:
        """What was seen of documents in this mode whose text was counted (high), or only their pages (medium)."""
        return self.calibrations.get((input_mode, confidence))

    def learned(self, input_mode: str, confidence: str = "high") -> tokens.Learned | None:
        """What the estimate of a document takes from it; None before one was billed."""
        found = self.of(input_mode, confidence)
        return None if found is None else found.learned

    def output_tokens(self, input_mode: str) -> int:
        """Tokens of a usual answer."""
        found = self.of(input_mode) or self.of(input_mode, "medium")
        return prices.USUAL_OUTPUT_TOKENS if found is None else round(found.output_tokens)

    def texts_wanted(self, input_mode: str) -> int:
        """Documents whose text is to be counted although only the file is sent: what a page's image costs is learned from them."""
        found = self.of(input_mode)
        return 0 if input_mode not in FILES else TEXTS_COUNTED if found is None else max(0, TEXTS_COUNTED - found.documents)


def seen(con: Any, settings: Settings) -> Seen:
    """What the ledger knows of calls like those of these settings. Source: the views estimate_calibration and estimate_coverage"""
    asked = {
        "model": settings.model,
        "effort": settings.reasoning_effort,
        "schema": schema_version(settings.fields),
        "simulated": settings.is_simulated,
    }
    found = {(mode, confidence): Calibration(*row) for mode, confidence, *row in con.execute(SEEN_SQL, asked).fetchall()}
    if not found:
        return Seen()
    widths = con.execute(WIDTHS_SQL, {"simulated": settings.is_simulated, "trusted": WIDTHS_TRUSTED}).fetchall()
    return Seen(found, {(basis, mode): max(NARROWEST, width) for basis, mode, width in widths})


@dataclass(frozen=True, slots=True)
class Document:
    """A document that is to be asked: the mode it is sent in, its pages, the tokens of its text if it was read, and of its own part as the API counts
    them, if it was asked."""

    input_mode: str
    page_count: int
    text_tokens: int | None
    exact_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What asking some documents one way is expected to take. USD are None without a price; `low_usd` to `high_usd` is the 80 % interval,
    `upper_usd` what it can cost at most. `documents_seen` of the ledger made the interval; 0: the prior did."""

    basis: Basis
    model: str
    tier: cache.Tier
    input_mode: str
    documents: int = 0
    documents_seen: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    expected_usd: Decimal | None = Decimal(0)
    low_usd: Decimal | None = Decimal(0)
    high_usd: Decimal | None = Decimal(0)
    upper_usd: Decimal | None = Decimal(0)
    spread: float = 0.0

    def columns(self) -> dict[str, Any]:
        """The forecast as the ledger keeps it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class _Share:
    """What the documents of one mode add to a forecast, and what was seen of such."""

    documents: int
    usd: Decimal
    calibration: Calibration | None
    document_spread: float | None = None
    run_spread: float | None = None


def of_documents(
    documents: Sequence[Document], settings: Settings, known: Seen, cache_seen: cache.Observed, prefix: int, *, tier: cache.Tier, input_mode: str
) -> Forecast:
    """What asking these documents is expected to take, `prefix` being the tokens of the static prefix."""
    model, at = settings.model, now()
    empty = Forecast("read", model, tier, input_mode)
    if not documents:
        return empty
    service = settings.service_tier if tier == "sync" else tier
    use = _cache_use(settings, len(documents), cache_seen, prefix, tier)
    framed = use.uncached_tokens + use.cached_tokens + use.cache_write_tokens
    own, output, upper, shares = 0, 0, Decimal(0), []
    base = prices.rates_for(model, at, prefix, service)
    for mode in sorted({each.input_mode for each in documents}):
        here = [each for each in documents if each.input_mode == mode]
        estimates = [tokens.estimate_document(mode, each.page_count, each.text_tokens, model, learned=known.learned(mode)) for each in here]
        counted = [each.exact_tokens if each.exact_tokens is not None else guess.tokens for each, guess in zip(here, estimates, strict=True)]
        answer = known.output_tokens(mode)
        own, output = own + sum(counted), output + answer * len(here)
        if base is None:
            continue
        usd = _frame_usd(use, base) * len(here) / len(documents)
        for size, guess in zip(counted, estimates, strict=True):
            rates = prices.rates_for(model, at, prefix + size, service) or base
            usd += (size * rates.input + answer * rates.output) / prices.MILLION
            at_most = prefix + 64 + max(guess.at_most, size)
            upper += prices.upper_bound(model, at, at_most, settings.max_output_tokens, settings.cache_lifetime, service) or 0
        seen_here = known.of(mode)
        if seen_here is not None and seen_here.bill_ratio is not None:
            usd *= Decimal(f"{seen_here.bill_ratio:.6f}")
            spread = None if seen_here.document_spread is None else seen_here.document_spread / seen_here.bill_ratio
            shares.append(_Share(len(here), usd, seen_here, spread, seen_here.run_spread))
        else:
            shares.append(_Share(len(here), usd, None))
    found = replace(
        empty,
        documents=len(documents),
        input_tokens=framed + own,
        cached_tokens=use.cached_tokens,
        cache_write_tokens=use.cache_write_tokens,
        output_tokens=output,
    )
    if base is None:
        return replace(found, expected_usd=None, low_usd=None, high_usd=None, upper_usd=None)
    return _with_interval(found, shares, upper, known)


def of_sizes(sizes: Sequence[int | None], settings: Settings, known: Seen, cache_seen: cache.Observed, prefix: int, *, tier: cache.Tier) -> Forecast:
    """What asking files is expected to take of which only the sizes are known, None where not even these are: as the usual document was billed, and
    before any was, by the sizes. Copies are not told apart from documents."""
    model, at, count = settings.model, now(), len(sizes)
    empty = Forecast("size", model, tier, settings.input_mode, upper_usd=None)
    if not count:
        return empty
    modes = AUTO if settings.input_mode == "auto" else (settings.input_mode,)
    usual = _usual([each for mode in modes for confidence in ("high", "medium") if (each := known.of(mode, confidence)) is not None])
    if usual is None:
        own = sum(tokens.estimate_size(size, model, modes[0]).tokens for size in sizes)
        answer, ratio = prices.USUAL_OUTPUT_TOKENS, 1.0
    else:
        own, answer, ratio = round(usual.own_tokens * count), round(usual.output_tokens), usual.bill_ratio or 1.0
    use = _cache_use(settings, count, cache_seen, prefix, tier)
    found = replace(
        empty,
        documents=count,
        input_tokens=use.uncached_tokens + use.cached_tokens + use.cache_write_tokens + own,
        cached_tokens=use.cached_tokens,
        cache_write_tokens=use.cache_write_tokens,
        output_tokens=answer * count,
    )
    rates = prices.rates_for(model, at, prefix + own // count, settings.service_tier if tier == "sync" else tier)
    if rates is None:
        return replace(found, expected_usd=None, low_usd=None, high_usd=None)
    usd = _frame_usd(use, rates) + (own * rates.input + answer * count * rates.output) / prices.MILLION
    spreads = (None, None) if usual is None else (usual.document_worth_spread, usual.run_worth_spread)
    return _with_interval(found, [_Share(count, usd * Decimal(f"{ratio:.6f}"), usual, *spreads)], None, known)


def _usual(found: list[Calibration]) -> Calibration | None:
    """What was seen of several modes, as of one document that may be sent in any of them; None without a settled bill."""
    billed = [(each, each.documents, each.document_worth) for each in found if each.document_worth is not None]
    total = sum(documents for _, documents, _ in billed)
    if not total:
        return None

    def mean(of: Callable[[Calibration], float | None]) -> float:
        return sum(documents * (of(each) or 0.0) for each, documents, _ in billed) / total

    worth = mean(lambda each: each.document_worth)
    square = sum(documents * here**2 * (1 + (each.document_worth_spread or 0.0) ** 2) for each, documents, here in billed) / total
    return replace(
        billed[0][0],
        documents=total,
        runs=max(each.runs for each, _, _ in billed),
        output_tokens=mean(lambda each: each.output_tokens),
        own_tokens=mean(lambda each: each.own_tokens),
        bill_ratio=mean(lambda each: each.bill_ratio),
        document_worth=worth,
        document_worth_spread=sqrt(max(0.0, square / worth**2 - 1)) if total > 1 else None,
        run_worth_spread=sqrt(mean(lambda each: (each.run_worth_spread or 0.0) ** 2)),
    )


def _cache_use(settings: Settings, calls: int, cache_seen: cache.Observed, prefix: int, tier: cache.Tier) -> cache.Choice:
    """What the calls of one run read and write of their prefixes; the decision looks at runs to come, too."""
    decision = prompt.decide_cache(settings, prefix, calls, cache_seen, tier=tier)
    chosen = decision.choice
    wish = cache.Wish(chosen.policy, chosen.lifetime, chosen.shards or None, chosen.warming)
    load = replace(decision.load, rounds=1, between_s=0.0, document_tokens=0)
    return cache.decide(settings.model, prefix, load, None, tier=tier, seen=cache_seen, wish=wish).choice


def _frame_usd(use: cache.Choice, rates: prices.Rates) -> Decimal:
    """What the prefixes of all calls cost."""
    written = rates.written_12h if use.lifetime == "12h" and rates.written_12h is not None else rates.written
    return (use.uncached_tokens * rates.input + use.cached_tokens * rates.cached + use.cache_write_tokens * written) / prices.MILLION


def _with_interval(found: Forecast, shares: list[_Share], upper: Decimal | None, known: Seen) -> Forecast:
    """The forecast with what it costs: the spread of its shares, and as many of them to either side as four of five bills need."""
    expected = sum((each.usd for each in shares), Decimal(0))
    within, between, runs = 0.0, 0.0, len(STUDENT_WIDTHS) + 1
    for each in shares:
        weight = float(each.usd / expected) if expected else 0.0
        if each.calibration is None:
            between += weight * log(PRIOR_TIMES[found.basis]) / NORMAL_WIDTH
            continue
        runs = min(runs, each.calibration.runs)
        within += (weight * (DOCUMENT_SPREAD if each.document_spread is None else each.document_spread)) ** 2 / each.documents
        between += weight * (RUN_SPREAD if each.run_spread is None or each.calibration.runs < 2 else each.run_spread)
    spread = sqrt(within + between**2)
    is_prior = any(each.calibration is None for each in shares)
    width = (
        NORMAL_WIDTH
        if is_prior
        else known.widths.get((found.basis, found.input_mode), STUDENT_WIDTHS[min(max(runs - 1, 1), len(STUDENT_WIDTHS)) - 1])
    )
    times = Decimal(f"{exp(width * spread):.6f}")
    high = expected * times if upper is None else min(expected * times, max(upper, expected))
    return replace(
        found,
        documents_seen=0 if is_prior else sum(each.calibration.documents for each in shares if each.calibration is not None),
        expected_usd=round(expected, 12),
        low_usd=round(expected / times, 12),
        high_usd=round(high, 12),
        upper_usd=upper,
        spread=spread,
    )
