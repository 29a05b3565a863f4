"""Bottom lines: what the frames of metrics.py say, in sentences, tiles and matters for a person, before any figure is shown.

Decided here: which sentence a number deserves. Promised: nothing is said that the frames do not hold; simulated money is called so, and a sentence
about real money never includes it; an empty ledger gets the way on instead. Called by the notebooks; reads no database, defines no metric.
"""

import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import polars as pl

from .doctor import Check
from .document import PROFILES
from .page import NOTHING_YET, Html, Matter, Period, Tile, bold, change, count, escape, share, usd, words
from .page import days as page_days
from .settings import Settings


def _only(frame: pl.DataFrame) -> dict[str, Any] | None:
    """The one row of a frame, or None of an empty one."""
    return frame.row(0, named=True) if frame.height else None


def _money(is_simulated: bool) -> str:
    return " (simulated)" if is_simulated else ""


def left_out(every: pl.DataFrame, is_simulated: bool) -> str:
    """A sentence about the other kind of money, which the page leaves out. Takes metrics.headline of both kinds."""
    other = every.filter(pl.col("is_simulated") != is_simulated)
    calls = int(other["calls"].sum())
    if not calls:
        return ""
    return (
        f"{count(calls, 'call', 'calls')} {'of real money' if is_simulated else 'that were simulated'} {'is' if calls == 1 else 'are'} left out here."
    )


def cost(now: pl.DataFrame, before: pl.DataFrame | None = None, period: Period | None = None, *, note: str = "") -> Html:
    """What the period cost and how that compares. Takes metrics.headline of one kind of money, twice where there is a time before."""
    row = _only(now)
    if row is None:
        return words(_nothing_in(period), note)
    first = bold(_what_it_cost(row))
    each = (
        f", {usd(row['cost_a_document_usd'])} an answered document and {usd(row['cost_a_thousand_pages_usd'])} a thousand pages."
        if row["pages"]
        else "."
    )
    unpriced = (
        f"{count(row['calls_unpriced'], 'call has', 'calls have')} no known price and {'is' if row['calls_unpriced'] == 1 else 'are'} not in it."
    )
    unsettled = (
        f"{count(row['calls_unsettled'], 'call', 'calls')} never reported back and may have cost up to {usd(row['unsettled_upper_usd'])} more."
    )
    parts: list[str | Html] = [
        first + Html(each),
        _compared(row, _only(before) if before is not None else None, period),
        unpriced if row["calls_unpriced"] else "",
        unsettled if row["calls_unsettled"] else "",
        note,
    ]
    return words(*parts)


def _what_it_cost(row: dict[str, Any]) -> str:
    documents, money = count(row["documents"], "document", "documents"), _money(row["is_simulated"])
    if row["cost_usd"] is not None:
        return f"{documents} cost {usd(row['cost_usd'])}{money}"
    if row["calls_unpriced"] or row["calls_unsettled"]:
        return f"{documents}: what the calls cost is not known{money}"
    return f"{documents} cost nothing{money}"


def _nothing_in(period: Period | None) -> str:
    if period is None or (period.since is None and period.until is None):
        return NOTHING_YET
    return f"Nothing was read or asked in this period ({period.name}). Widen since and until."


def _compared(row: dict[str, Any], before: dict[str, Any] | None, period: Period | None) -> str:
    if period is None or not period.is_compared:
        return ""
    if before is None:
        return f"There is nothing to compare with: {period.before_name} holds no call."
    money, documents = _than(row["cost_usd"], before["cost_usd"], "less"), _than(row["documents"], before["documents"], "fewer")
    if not money:
        return f"The cost cannot be compared with {period.before_name}."
    where = "on" if period.before_since == period.before_until else "in"
    than = f"{money} than {where}" if money != "as much" else f"as much as {where}"
    return f"That is {than} {period.before_name}" + (
        f", for {documents} documents." if documents not in ("", "as much") else ", for as many documents."
    )


def _than(now: Decimal | int | None, before: Decimal | int | None, less: str) -> str:
    """`8 % less` or `6 % more` than before, `as much`, or nothing when that cannot be said."""
    text = change(now, before)
    return "as much" if text == "unchanged" else f"{text[1:]} {'more' if text[0] == '+' else less}" if text else ""


def cache(by_day: pl.DataFrame, *, note: str = "") -> Html:
    """How much the cache gave. Takes metrics.cache_by_day of one kind of money."""
    if by_day.is_empty():
        return words(NOTHING_YET, note)
    read, given = int(by_day["cached_tokens"].sum()), int(by_day["input_tokens"].sum())
    saved, spent = _total(by_day["saved_by_reading_usd"]), _total(by_day["spent_on_writing_usd"])
    unknown = int(by_day["calls_unknown"].sum())
    money = _money(bool(by_day["is_simulated"].any()))
    balance = (
        f"Reading saved {usd(saved)} and writing cost {usd(spent)} over the plain price: {usd(saved - spent)} to the good{money}."
        if saved >= spent
        else f"Reading saved {usd(saved)}, but writing cost {usd(spent)} over the plain price: the cache lost {usd(spent - saved)}{money}."
    )
    return words(
        bold(f"{share(read / given if given else None)} of the input was read from the cache."),
        balance if saved or spent else "No price says what that was worth.",
        f"{count(unknown, 'answer says', 'answers say')} nothing of the cache and {'is' if unknown == 1 else 'are'} left out." if unknown else "",
        note,
    )


def _total(values: pl.Series) -> Decimal:
    return sum((value for value in values.to_list() if value is not None), Decimal(0))


def classification(kinds: pl.DataFrame, *, note: str = "") -> Html:
    """What the documents are. Takes metrics.classification of one kind of money."""
    if kinds.is_empty():
        return words(NOTHING_YET, note)
    total, review = int(kinds["documents"].sum()), int(kinds["needs_review"].sum())
    named = [f"{row['doc_type']} {share(row['share'])}" for row in kinds.head(3).iter_rows(named=True)]
    first = f"{count(total, 'document is', 'documents are')} of {count(kinds.height, 'kind', 'kinds')}{_money(bool(kinds['is_simulated'].any()))}"
    return words(
        bold(first) + Html(": ") + Html(", ".join(bold(name).markup for name in named) + ("." if kinds.height <= 3 else ", then others.")),
        f"{count(review, 'waits', 'wait')} for a person to look." if review else "None waits for a person.",
        note,
    )


def search(question: str, hits: pl.DataFrame, reach: pl.DataFrame, *, note: str = "") -> Html:
    """What a question finds, and in how much of the record it was looked for. Takes resources.side_by_side and metrics.search_reach."""
    row = _only(reach)
    if row is None:
        return words(NOTHING_YET, note)
    by_index, both = hits.filter(pl.col("place_index").is_not_null()).height, hits.filter(pl.col("found_by") == "both").height
    by_record = hits.filter(pl.col("place_record").is_not_null()).height
    if not row["searchable"]:
        first = f"The words of the record name {count(by_record, 'document', 'documents')} for “{question}”{_money(row['is_simulated'])}"
        return words(bold(first + "."), "No document is in the vector store yet: autod index puts them there, and then both ways are compared.", note)
    first = f"For “{question}” the vector store names {count(by_index, 'document', 'documents')}{_money(row['is_simulated'])}"
    price = "" if row["searches_usd"] is None else f" {count(row['searches'], 'search has', 'searches have')} cost {usd(row['searches_usd'])} so far."
    return words(
        bold(first) + Html(f", the words of the record {by_record}, and {both} of these are the same."),
        f"{share(row['searchable'] / row['documents'])} of {count(row['documents'], 'answered document', 'answered documents')} can be searched for."
        + price,
        note,
    )


ONE_LABELLER: Final = (
    "No two people labelled the same field of a document, so nobody knows how far the labels themselves can be trusted. "
    "Let a second person label some: autod labels import FILE --labeller NAME."
)


def accuracy(in_use: pl.DataFrame, *, note: str = "") -> Html:
    """How often the answers are right. Takes metrics.accuracy_in_use of one kind of money."""
    row = _only(in_use.filter(pl.col("field") == "(all)"))
    if row is None:
        return words("No answer has a label yet, so nobody knows how often they are right. Label some: autod labels import FILE.", note)
    return words(bold(_right(row) + "."), _labels(row), _weakest(in_use), note)


def drift(found: pl.DataFrame) -> Html:
    """What has moved since the reference window. Takes drift.drift."""
    if found.is_empty():
        return words("Too few documents to look for drift: it takes a reference of 200 answered documents, and as many after them.")
    moved = found.filter(pl.col("has_moved"))
    if moved.is_empty():
        return words(
            bold("Nothing has drifted"), f"in {max(found['documents'].to_list()):,} documents beyond the reference, by {found.height} measures."
        )
    names = [f"{row['measure']}{' of ' + row['what'] if row['what'] else ''}" for row in moved.iter_rows(named=True)]
    first = moved.row(0, named=True)
    when = f"{first['moved_at']:%d %B %Y}"
    return words(bold(f"{', '.join(names)} {'has' if len(names) == 1 else 'have'} drifted."), f"{names[0]} was seen to move on {when}.")


NO_BASELINE: Final = (
    "No labelled document was read by rules yet, so there is nothing free of charge to hold the API against: autod evaluate --rules reads them."
)
NOTHING_TO_AUDIT: Final = "Every confident answer has a label, or there is none yet: nothing is left to draw."


def confidence(worth: pl.DataFrame, used: pl.DataFrame, arm: str) -> Html:
    """Whether the confidence of an arm means anything. Takes evaluate.confidence and metrics.confidence_use."""
    here = worth.filter(pl.col("arm") == arm)
    if here.is_empty():
        return words("No labelled answer states a confidence, so nobody knows whether it means anything. Label some: autod labels import FILE.")
    stated = here.row(0, named=True)
    if stated["auroc"] is None:
        alike = "right" if stated["share_right"] == 1 else "wrong"
        return words(bold(f"All {stated['labelled']:,} labelled answers are {alike}."), "Whether confidence tells them apart cannot be known.")
    tells = "tells right from wrong" if stated["auroc_low"] > 0.5 else "is not known to tell right from wrong"
    between = f"{stated['auroc_low']:.2f} to {stated['auroc_high']:.2f}"
    text = f"(AUROC {stated['auroc']:.2f}, {between}); on average it lies {share(stated['ece'], 1)} from the share that is right."
    use = used.filter(pl.col("arm") == arm).row(0, named=True)
    if use["brier_calibrated"] is None:
        return words(bold(f"Confidence {tells}"), text, "To recalibrate it takes 30 labels in each four fifths, some right and some wrong.")
    better = "better, and is what the review queue uses" if use["is_used"] else "no better, and is not used"
    return words(bold(f"Confidence {tells}"), text, f"Recalibrated on other documents' labels it is {better}.")


def _right(row: dict[str, Any]) -> str:
    return f"{share(row['accuracy'], 1)} of the answers are right{_money(row['is_simulated'])}"


def _labels(row: dict[str, Any]) -> str:
    interval = f"{share(row['accuracy_low'], 1)} to {share(row['accuracy_high'], 1)}"
    few = " That is few: the interval is wide, label more before deciding." if row["labelled"] < 100 else ""
    on = f"{count(row['labelled'], 'label', 'labels')} on {count(row['documents'], 'document', 'documents')}"
    return f"By {on} the true share lies within {interval} (95 %).{few}"


def _weakest(in_use: pl.DataFrame) -> str:
    fields = in_use.filter(pl.col("field") != "(all)").sort("accuracy", "field")
    if fields.height < 2 or fields["accuracy"].min() == fields["accuracy"].max():
        return ""
    row = fields.row(0, named=True)
    return f"Weakest is {row['field']} with {share(row['accuracy'])}."


def report(now: pl.DataFrame, before: pl.DataFrame, period: Period, in_use: pl.DataFrame, matters: Sequence[Matter], *, note: str = "") -> Html:
    """The answer of the report: cost, comparison, accuracy, cache, and what is open."""
    row = _only(now)
    if row is None:
        return words(_nothing_in(period), note)
    right = _only(in_use.filter(pl.col("field") == "(all)"))
    first = bold(_what_it_cost(row))
    each = Html(f", {usd(row['cost_a_document_usd'])} an answered one." if row["answered"] else ".")
    interval = (
        f" (95 % interval {share(right['accuracy_low'], 1)} to {share(right['accuracy_high'], 1)}, {count(right['labelled'], 'label', 'labels')})"
        if right
        else ""
    )
    truth = bold(_right(right)) + Html(interval + ".") if right else "How often the answers are right is not known: none has a label."
    cached = f"{share(row['share_cached'])} of the input was read from the cache." if row["share_cached"] is not None else ""
    still = (
        bold(f"{count(len(matters), 'matter is', 'matters are')} open:") + Html(" " + escape("; ".join(matter.what for matter in matters) + "."))
        if matters
        else "Nothing is open."
    )
    return words(first + each, _compared(row, _only(before), period), truth, cached, still, note)


def unit_economics(units: pl.DataFrame) -> Html:
    """What a document, a thousand pages and a correct document cost. Takes metrics.unit_economics of one kind of money."""
    row = _only(units)
    if row is None or row["cost_a_document_usd"] is None:
        return words("No document has been answered at a known price, so there is nothing to divide.")
    first = f"An answered document costs {usd(row['cost_a_document_usd'])}{_money(row['is_simulated'])}"
    thousand = f", 1,000 pages cost {usd(row['cost_a_thousand_pages_usd'])}." if row["pages"] else "."
    return words(bold(first) + Html(thousand), _correct(row))


def _correct(row: dict[str, Any]) -> str:
    if not row["labelled"]:
        return "What a correct one costs is not known: none has a label."
    if row["cost_a_correct_document_usd"] is None:
        return f"None of {count(row['labelled'], 'labelled document', 'labelled documents')} is right in every field: a correct one has no price."
    return (
        f"A document that is right in every labelled field costs {usd(row['cost_a_correct_document_usd'])}, with 95 % certainty "
        f"{usd(row['correct_low_usd'])} to {usd(row['correct_high_usd'])}: {row['right_documents']:,} of {row['labelled']:,} are right."
    )


def fields(prices: pl.DataFrame) -> Html:
    """Which fields are worth asking for. Takes price_tags.field_prices of one kind of money."""
    named = prices.filter(pl.col("share_filled").is_not_null())
    if named.is_empty():
        return words(NOTHING_YET)
    fewer = named.filter(~pl.col("field").is_in(PROFILES["core"]))
    part, each = float(fewer["share_of_output"].sum()), _total(fewer["cost_a_thousand_usd"])
    unlabelled = named.filter((pl.col("labelled") == 0) & pl.col("field").is_in(PROFILES["core"]))["field"].to_list()
    money = _money(bool(prices["is_simulated"].any()))
    return words(
        bold(f"The {count(fewer.height, 'field', 'fields')} beyond core take {share(part)} of the output") + Html(":"),
        f"AUTOD_FIELDS=core would cost {usd(each)} less a thousand answers{money}.",
        f"Nobody has labelled {', '.join(unlabelled[:4])}: how right they are is not known." if unlabelled else "",
    )


def tiles(
    now: pl.DataFrame, before: pl.DataFrame, by_day: pl.DataFrame, in_use: pl.DataFrame, period: Period, units: pl.DataFrame | None = None
) -> list[Tile]:
    """The headline numbers with what they are compared with and their days.

    Takes metrics.headline twice, headline_by_day, accuracy_in_use, and unit_economics for the cost of a correct document.
    """
    row, old = _only(now), _only(before)
    if row is None:
        return []
    right = _only(in_use.filter(pl.col("field") == "(all)"))
    half = (right["accuracy_high"] - right["accuracy_low"]) / 2 if right else 0.0
    shares = [item["cached_tokens"] / item["input_tokens"] if item["input_tokens"] else None for item in by_day.iter_rows(named=True)]
    return [
        Tile(
            "documents",
            count(row["documents"]),
            _against(row, old, "documents", period) or page_days(row["first_day"], row["last_day"]),
            by_day["documents"].to_list(),
        ),
        Tile(
            "cost",
            usd(row["cost_usd"]),
            _against(row, old, "cost_usd", period) or f"{count(row['calls'], 'call', 'calls')}",
            _floats(by_day["cost_usd"]),
        ),
        Tile(
            "per 1,000 pages",
            usd(row["cost_a_thousand_pages_usd"]) if row["pages"] else "–",
            _against(row, old, "cost_a_thousand_pages_usd", period) or count(row["pages"], "page", "pages"),
            [
                float(item["cost_usd"]) / item["pages"] if item["cost_usd"] is not None and item["pages"] else None
                for item in by_day.iter_rows(named=True)
            ],
        ),
        *_correct_tile(_only(units) if units is not None else None),
        Tile("read from cache", share(row["share_cached"]), _points(row, old, period) or "of input tokens", shares),
        Tile(
            "right, all fields",
            f"{share(right['accuracy'], 1)}" if right else "unknown",
            f"± {half * 100:.1f} points, {right['labelled']:,} labels" if right else "no labels yet",
        ),
        Tile(
            "needs a person",
            count(row["needs_review"] + row["failed"]),
            f"{row['needs_review']:,} to review, {row['failed']:,} without answer",
            [item["needs_review"] + item["failed"] for item in by_day.iter_rows(named=True)],
            is_warning=bool(row["needs_review"] + row["failed"]),
        ),
    ]


def _correct_tile(row: dict[str, Any] | None) -> list[Tile]:
    """The cost of a correct document, where labels tell it."""
    if row is None or row["cost_a_correct_document_usd"] is None:
        return []
    note = f"{usd(row['correct_low_usd'])} to {usd(row['correct_high_usd'])}, {row['labelled']:,} labelled"
    return [Tile("per correct document", usd(row["cost_a_correct_document_usd"]), note)]


def days(now: pl.DataFrame, period: Period) -> str:
    """The days on which something happened, for the head of a page that names no period. Takes metrics.headline of one kind of money."""
    row = _only(now)
    return f"{page_days(row['first_day'], row['last_day'])} · " if row and period.since is None else ""


def _floats(values: pl.Series) -> list[float | None]:
    return [None if value is None else float(value) for value in values.to_list()]


def _against(row: dict[str, Any], old: dict[str, Any] | None, column: str, period: Period) -> str:
    text = change(row[column], old[column]) if old else ""
    return f"{text} on {period.before_name}" if text else ""


def _points(row: dict[str, Any], old: dict[str, Any] | None, period: Period) -> str:
    if not old or old["share_cached"] is None or row["share_cached"] is None:
        return ""
    moved = round((row["share_cached"] - old["share_cached"]) * 100)
    return f"{'+' if moved >= 0 else '−'}{abs(moved)} points on {period.before_name}"


def matters(
    now: pl.DataFrame, unsettled: pl.DataFrame, problems: pl.DataFrame, queue: pl.DataFrame, alerts: pl.DataFrame, budgets: pl.DataFrame
) -> list[Matter]:
    """What waits for a person, dearest first. Takes metrics.headline, calls_unsettled, document_problems, review_queue, alerts and budget_status."""
    found: list[Matter] = []
    if unsettled.height:
        kinds = _counted(unsettled["error_kind"].to_list())
        upper = f"at most {usd(_total(unsettled['cost_upper_usd']))}"
        found.append(
            Matter(
                count(unsettled.height, "call unsettled", "calls unsettled"),
                f"sent, and the end is not known: {kinds}",
                upper,
                ("show the calls", "unsettled"),
            )
        )
    row = _only(now)
    if row and row["calls_unpriced"]:
        why = "no price list knows what they cost; ask models that have a price"
        found.append(Matter(count(row["calls_unpriced"], "call unpriced", "calls unpriced"), why, "unknown", ("show the ledger", "calls")))
    for budget in budgets.filter(pl.col("left_usd") < 0).iter_rows(named=True):
        why = f"{usd(budget['settled_usd'])} of {usd(budget['budget_usd'])} spent in {budget['period_name']}"
        found.append(Matter(f"budget of the {budget['period']} overdrawn", why, usd(-budget["left_usd"])))
    if problems.height:
        kinds = _counted(problems["problem"].to_list())
        found.append(
            Matter(
                count(problems.height, "file without an answer", "files without an answer"),
                kinds,
                usd(_total(problems["cost_usd"])),
                ("show the files", "problems"),
            )
        )
    if queue.height:
        lowest = queue["confidence_score"].drop_nulls().sort()
        why = f"least confident {share(float(lowest[0]))}" if lowest.len() else "no confidence was stated"
        found.append(Matter(count(queue.height, "document to review", "documents to review"), why, "", ("show the queue", "review")))
    urgent = alerts.filter(pl.col("severity") != "info")
    if urgent.height:
        why = " ".join(map(str, urgent["message"].head(3)))
        found.append(Matter(count(urgent.height, "alert", "alerts"), why, "", ("show the alerts", "alerts")))
    return found


def operations(windows: pl.DataFrame, waiting: pl.DataFrame, checks: Sequence[Check]) -> Html:
    """Whether all is well, what the last day did, and what waits.

    Takes metrics.calls_by_window of one kind of money, metrics.backlog and doctor.examine.
    """
    ill = [check for check in checks if check.state != "healthy"]
    health = f"{count(len(ill), 'part needs', 'parts need')} somebody: {', '.join(check.part for check in ill)}." if ill else "All parts are healthy."
    row = _only(windows.filter(pl.col("window_name") == "day"))
    if not row or not row["calls"]:
        day_said = "The API was not asked within the last 24 hours."
    else:
        missed = "every one was answered" if not row["share_failed"] else f"{share(row['share_failed'])} of them brought no answer"
        slow = f", one answer in twenty took over {row['p95_ms'] / 1000:.1f} s" if row["p95_ms"] is not None else ""
        day_said = (
            f"In the last 24 hours {count(row['calls'], 'call', 'calls')} for {count(row['documents'], 'document', 'documents')}: {missed}{slow}."
        )
    pending, batches = waiting["documents"][0], waiting["open_batches"][0]
    left = f"{count(pending, 'document waits', 'documents wait')}" if pending else "Nothing waits to be read"
    return words(bold(health), day_said, f"{left}{f', {batches} batches are open' if batches else ''}.")


def _counted(kinds: list[str | None]) -> str:
    """Words with how often each occurs, commonest first."""
    names = [kind or "unknown" for kind in kinds]
    ordered = sorted(set(names), key=lambda name: (-names.count(name), name))
    return ", ".join(f"{names.count(name):,} {name.replace('_', ' ')}" for name in ordered)


def standing(settings: Settings, every: pl.DataFrame) -> Html:
    """Where this workspace stands and what to do next. Takes metrics.headline of both kinds of money."""
    key = (
        "An API key is set."
        if settings.api_key is not None
        else "No API key is set: export OPENAI_API_KEY=…, or add --local to use the simulated API on this machine."
    )
    done = []
    for row in every.iter_rows(named=True):
        read = f"{count(row['documents'], 'document', 'documents')} {'simulated' if row['is_simulated'] else 'read for real'}"
        done.append(f"{read}, {usd(row['cost_usd'])}{_money(row['is_simulated'])}")
    where = bold(f"The workspace is {settings.home}.")
    return words(where, key, ("So far: " + "; ".join(done) + ".") if done else "It is empty so far.")


def next_steps(settings: Settings, every: pl.DataFrame, in_use: pl.DataFrame, queue: pl.DataFrame) -> pl.DataFrame:
    """What to do next, most useful first, as rows of (step, why, command)."""
    steps: list[tuple[str, str, str]] = []
    is_trial = settings.api_key is None and not every.filter(~pl.col("is_simulated")).height
    local = " --local" if is_trial else ""
    if every.is_empty():
        steps.append(("Estimate a folder", "counts pages and tokens, calls nothing", "autod estimate ~/scans"))
        steps.append(("Read it", "each PDF is asked once; stops at the amount given", f"autod ingest ~/scans{local} --max-usd 5"))
        steps.append(("Try it on samples", "no key, no network; figures are marked simulated", "make demo"))
    else:
        steps.append(("Read what is new", "known documents are not paid again", f"autod ingest ~/scans{local} --max-usd 5"))
        if queue.height:
            steps.append(("Review", f"{count(queue.height, 'document waits', 'documents wait')} for a person: notebook 32_review", "autod lab"))
        if in_use.is_empty():
            steps.append(("Label some documents", "without labels nobody knows how often answers are right", "autod labels import labels.csv"))
        steps.append(("Report", "runs the notebooks and renders one page", "autod report"))
    return pl.DataFrame(steps, schema=["step", "why", "command"], orient="row")


def last_settings(runs: pl.DataFrame) -> pl.DataFrame:
    """The settings of the newest ingest as rows of (setting, value). Takes metrics.runs_overview."""
    ingests = runs.filter((pl.col("command") == "ingest") & pl.col("settings").is_not_null())
    values = json.loads(ingests["settings"][0]) if ingests.height else {}
    return pl.DataFrame(
        [(name, None if value is None else str(value)) for name, value in sorted(values.items())],
        schema={"setting": pl.String, "value": pl.String},
        orient="row",
    )


def versions() -> pl.DataFrame:
    """What made this page, as rows of (package, version)."""
    rows = [("python", platform.python_version())]
    for name in ("autod", "duckdb", "polars", "openai", "genai-prices", "tiktoken", "pypdf", "altair", "vl-convert-python", "papermill"):
        try:
            rows.append((name, version(name)))
        except PackageNotFoundError:
            rows.append((name, "not installed"))
    return pl.DataFrame(rows, schema=["package", "version"], orient="row")


def made_at() -> str:
    """When the page was made, for its head."""
    return f"made {datetime.now(UTC):%-d %B %Y %H:%M} UTC"
