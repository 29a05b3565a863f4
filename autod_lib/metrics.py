"""The views of the ledger as polars frames: one function a view, in a total order, with nothing computed on the way.

Decided here: how a view becomes a frame (DECIMAL stays Decimal, times are UTC, whole numbers are Int64) and in which order its rows come. What a
metric means is decided in sql/views, where every column has its unit. Promised: an empty ledger gives the same columns and no rows; the same
ledger gives the same rows in the same order; `provenance` says from what a figure was made, with a hash that anyone can compute again.
Called by the notebooks, the commands and the report, with a connection of `store.reading`. Never writes, never does arithmetic.

Every function takes `is_simulated`: None for both kinds of money in their own rows, else only the one. Those with `since` and `until` take the
first and the last UTC day that count, both included; None leaves that end open.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import polars as pl

from .errors import SettingsError, WorkspaceUnusable

ONE_KIND = "($is_simulated is null or is_simulated = $is_simulated)"
NEWEST_FIRST = "started_at desc, call_id"
ONE_KIND_OR_NONE = "($is_simulated is null or is_simulated is null or is_simulated = $is_simulated)"


def in_period(day: str, last_day: str = "") -> str:
    """The condition that a row lies in the period of the parameters `since` and `until`, or, if it is of several days, reaches into it."""
    return f"{last_day or day} >= coalesce(cast($since as date), date '0001-01-01') and {day} <= coalesce(cast($until as date), date '9999-12-31')"


def utc_day(moment: str) -> str:
    """The UTC day of a TIMESTAMPTZ expression, whatever the time zone of the session."""
    return f"cast(make_timestamp(epoch_us({moment})) as date)"


def read(con: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any] | None = None) -> pl.DataFrame:
    """The rows of a query of autoD's own as a frame.

    Raises: WorkspaceUnusable if a view is missing, which means that the database was made by another autoD; `autod migrate` makes the views again.
    """
    try:
        return frame(con, sql, parameters)
    except duckdb.CatalogException as error:
        raise WorkspaceUnusable(
            f"The database lacks what this figure reads ({str(error).splitlines()[0]}). Nothing was changed; run `autod migrate`."
        ) from error


def frame(con: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any] | None = None) -> pl.DataFrame:
    """The rows of any query as a frame: DECIMAL as Decimal, HUGEINT sums as Int64, times in UTC. Raises: duckdb.Error."""
    found = con.sql(sql, params=parameters) if parameters else con.sql(sql)
    if found is None:
        raise duckdb.InvalidInputException("There is no statement that gives rows.")
    rows = pl.DataFrame(found)
    plain: list[pl.Expr] = []
    for name, kind in rows.schema.items():
        if isinstance(kind, pl.Decimal) and kind.scale == 0:
            plain.append(pl.col(name).cast(pl.Int64))
        elif isinstance(kind, pl.Datetime):
            plain.append(pl.col(name).dt.convert_time_zone("UTC") if kind.time_zone else pl.col(name).dt.replace_time_zone("UTC"))
    return rows.with_columns(plain)


def choose_money(con: duckdb.DuckDBPyConnection, simulated: str = "auto") -> bool:
    """Whether the figures of a notebook are to show simulated money, which is never added to real money.

    `yes` and `no` decide; `auto` shows real money as soon as there is a real call or document, else simulated if there is any.
    Raises: SettingsError for any other word.
    """
    if simulated in ("yes", "no"):
        return simulated == "yes"
    if simulated != "auto":
        raise SettingsError(f"simulated={simulated!r}: must be auto, yes or no.")
    kinds = {row[0] for row in con.execute("select distinct is_simulated from headline_by_day").fetchall()}
    return kinds == {True}


def headline(
    con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """What a period did and cost, in one row a kind of money.

    is_simulated bool · first_day, last_day date · documents, answered, needs_review, failed, pending int · pages int, of the answered · calls,
    calls_unpriced, calls_unsettled int · unsettled_upper_usd Decimal, null when none · cost_usd Decimal, null when no call had a price ·
    share_cached float 0–1, null without input · cost_a_document_usd, cost_a_thousand_pages_usd Decimal.
    Source: the macro headline in sql/views/50_headline_by_day.sql
    """
    sql = f"from headline($since, $until) where {ONE_KIND} order by is_simulated"
    return read(con, sql, {"is_simulated": is_simulated, "since": since, "until": until})


def headline_by_day(
    con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """The same day by day, for small lines.

    day_utc date · is_simulated bool · documents, answered, needs_review, failed, pending, pages, calls, calls_unpriced, calls_unsettled int ·
    unsettled_upper_usd, cost_usd Decimal · input_tokens, cached_tokens, output_tokens int.   Source: sql/views/50_headline_by_day.sql
    """
    return _by_day(con, "headline_by_day", "day_utc, is_simulated", is_simulated, since, until)


def _by_day(
    con: duckdb.DuckDBPyConnection,
    view: str,
    order: str,
    is_simulated: bool | None,
    since: date | None,
    until: date | None,
    day: str = "day_utc",
    limit: int | None = None,
) -> pl.DataFrame:
    sql = f"from {view} where {ONE_KIND} and {in_period(day, LAST_DAYS.get(view, ''))} order by {order} limit $limit"
    return read(con, sql, {"is_simulated": is_simulated, "since": since, "until": until, "limit": limit})


def _all(con: duckdb.DuckDBPyConnection, view: str, order: str, is_simulated: bool | None) -> pl.DataFrame:
    return read(con, f"from {view} where {ONE_KIND} order by {order}", {"is_simulated": is_simulated})


def api_calls(
    con: duckdb.DuckDBPyConnection,
    *,
    is_simulated: bool | None = None,
    since: date | None = None,
    until: date | None = None,
    limit: int | None = None,
) -> pl.DataFrame:
    """The ledger, newest call first, at most `limit` rows.

    call_id str · run_id, document_sha256, arm, model, input_mode, status, outcome, error_kind str · started_at, finished_at UTC · input_tokens,
    cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens int · cost_usd, cost_upper_usd Decimal · price_date date · latency_ms float ·
    is_simulated bool, and the further columns of the view.   Source: sql/views/01_api_calls.sql
    """
    return _by_day(con, "api_calls", NEWEST_FIRST, is_simulated, since, until, DAYS["api_calls"], limit)


def calls_unsettled(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """Calls whose end nobody knows, oldest first.

    call_id, run_id, document_sha256, model str · is_simulated bool · started_at UTC · attempt int · error_kind, error_message str ·
    cost_upper_usd Decimal, what it may have cost at most.   Source: sql/views/02_calls_unsettled.sql
    """
    return _all(con, "calls_unsettled", "started_at, call_id", is_simulated)


def cost_by_day(
    con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """What the API cost each day, by model.

    day_utc date · model str · is_simulated bool · calls, calls_unpriced, calls_unsettled int · input_tokens, and of these uncached_tokens,
    cached_tokens, cache_write_tokens int · output_tokens int · cost_usd Decimal, null when no call had a price · uncached_usd, cached_usd,
    cache_write_usd, output_usd Decimal, its parts · unsettled_upper_usd Decimal, what the unsettled calls can have cost at most, null when none.
    Source: sql/views/03_cost_by_day.sql
    """
    return _by_day(con, "cost_by_day", "day_utc, model, is_simulated", is_simulated, since, until)


def cost_by_model(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """What each model and input mode cost, dearest first.

    model, input_mode str · is_simulated bool · calls, documents, calls_unpriced, calls_unsettled, input_tokens, cached_tokens, cache_write_tokens,
    output_tokens int · cost_usd, cost_a_document_usd Decimal, null without a price · unsettled_upper_usd Decimal, null when none is unsettled.
    Source: sql/views/04_cost_by_model.sql
    """
    return _all(con, "cost_by_model", "cost_usd desc nulls last, model, input_mode nulls last, is_simulated", is_simulated)


def cost_by_document(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """What each document has cost so far, dearest first; re-runs and experiments included.

    document_sha256 str, null for calls of no document · is_simulated bool · calls, calls_unpriced, calls_unsettled, input_tokens, cached_tokens,
    cache_write_tokens, output_tokens, reasoning_tokens int · cost_usd Decimal, null when none of its calls had a price · unsettled_upper_usd
    Decimal, what its unsettled calls can have cost at most · file_name, doc_type str · page_count int.
    Source: sql/views/05_cost_by_document.sql, with name, kind and pages of sql/views/12_documents.sql
    """
    sql = (
        "select cost.*, documents.file_name, documents.doc_type, documents.page_count "
        f"from (from cost_by_document where {ONE_KIND}) as cost left join documents using (document_sha256) "
        "order by cost_usd desc nulls last, document_sha256 nulls last, cost.is_simulated"
    )
    return read(con, sql, {"is_simulated": is_simulated})


def cost_by_run(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """What each run cost, newest first.

    run_id str · is_simulated bool · calls, documents, calls_unpriced, calls_unsettled, input_tokens, cached_tokens, cache_write_tokens,
    output_tokens int · cost_usd, unsettled_upper_usd Decimal.   Source: sql/views/06_cost_by_run.sql
    """
    return _all(con, "cost_by_run", "run_id desc, is_simulated", is_simulated)


def batches(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """Every batch, where it stands and what its calls cost, newest first.

    batch_key, batch_id, model, state, remote_status, reason, file_id, base_url, setup str · is_simulated, is_open bool · requests, bytes, calls,
    calls_answered, calls_failed, calls_unpriced, calls_unsettled, input_tokens, cached_tokens, cache_write_tokens, output_tokens int · cost_usd,
    unsettled_upper_usd Decimal · intended_at, created_at, ended_at UTC · age_s float.   Source: sql/views/71_batches.sql
    """
    return _all(con, "batches", "intended_at desc, batch_key", is_simulated)


def calls_as_billed(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, limit: int | None = None) -> pl.DataFrame:
    """The bill, call by call and newest first, at most `limit` rows: tokens, the rates stored with the call, and what they come to.

    call_id, run_id, document_sha256, model, model_billed, status, service_tier str · is_simulated bool · started_at UTC · input_tokens,
    uncached_tokens, cached_tokens, cache_write_tokens, cache_write_12h_tokens, output_tokens int · input_rate, cached_rate, written_rate,
    written_12h_rate, output_rate Decimal, USD a million tokens · uncached_usd, cached_usd, cache_write_usd, output_usd, cost_usd,
    unsettled_upper_usd Decimal · price_date date · price_source, price_warning str.   Source: sql/views/60_calls_as_billed.sql
    """
    return _calls(con, "calls_as_billed", "started_at desc, call_id", is_simulated, limit)


def calls_at_todays_price(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, limit: int | None = None) -> pl.DataFrame:
    """What each call would cost today, newest first, at most `limit` rows; never a bill.

    call_id, run_id, document_sha256, model, model_billed, status, service_tier str · is_simulated bool · started_at UTC · as_billed_usd,
    at_todays_price_usd Decimal, null when unknown · price_date, price_since date · price_source str.
    Source: sql/views/61_calls_at_todays_price.sql
    """
    return _calls(con, "calls_at_todays_price", "started_at desc, call_id", is_simulated, limit)


def calls_in_another_tier(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, limit: int | None = None) -> pl.DataFrame:
    """What each call would have cost in each other service tier, newest first, at most `limit` rows; never a bill, never added over tiers.

    call_id, run_id, document_sha256, model, model_billed, service_tier_billed, service_tier str · is_simulated bool · started_at UTC ·
    as_billed_usd, in_tier_usd Decimal, null when unknown · price_date, price_since date · price_source str.
    Source: sql/views/62_calls_in_another_tier.sql
    """
    return _calls(con, "calls_in_another_tier", "started_at desc, call_id, service_tier", is_simulated, limit)


def _calls(con: duckdb.DuckDBPyConnection, view: str, order: str, is_simulated: bool | None, limit: int | None) -> pl.DataFrame:
    return read(con, f"from {view} where {ONE_KIND} order by {order} limit $limit", {"is_simulated": is_simulated, "limit": limit})


def cost_by_price(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """The ledger as billed, at the price of today and in each other tier: only `as billed` is a bill.

    price str: `as billed`, `today` or a service tier · model str · is_simulated bool · calls, calls_unpriced, calls_unsettled int ·
    unsettled_upper_usd Decimal · as_billed_usd, repriced_usd Decimal, of the same calls.   Source: sql/views/63_cost_by_price.sql
    """
    return _all(con, "cost_by_price", "price, model, is_simulated", is_simulated)


def reconciliation(
    con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """What lies between the ledger and the provider's invoice, each day by its newest comparison.

    day_utc date · place int, of the step · model str, null for all or none · step str · is_simulated bool · calls int · usd Decimal · sentence,
    source, run_id str · reconciled_at UTC.   Source: sql/views/66_reconciliation.sql
    """
    return _by_day(con, "reconciliation", "day_utc, is_simulated, place, model nulls first, sentence", is_simulated, since, until)


def reconciliation_waterfall(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """The steps from the ledger to the invoice over all days compared, in their order.

    place int · step str · is_simulated bool · calls int · usd, from_usd, to_usd Decimal · first_day, last_day date.
    Source: sql/views/66_reconciliation.sql
    """
    return _all(con, "reconciliation_waterfall", "is_simulated, place", is_simulated)


def calls_reconciled(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """Unsettled calls whose end the provider's data told, newest first.

    call_id, run_id, document_sha256, model str · is_simulated bool · started_at UTC · is_billed bool · calls_together int · cost_usd Decimal, null
    when it was not billed · cost_upper_usd Decimal · source, sentence str · reconciled_at UTC.   Source: sql/views/67_calls_reconciled.sql
    """
    return _all(con, "calls_reconciled", "started_at desc, call_id", is_simulated)


def cache_by_day(
    con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """How much of the input was read from the prompt cache each day, by model.

    day_utc date · model str · is_simulated bool · calls, calls_unknown, calls_reading, calls_writing, input_tokens, cached_tokens,
    cache_write_tokens, expected_cached_tokens, expected_write_tokens int · share_cached float 0–1 ·
    saved_by_reading_usd, spent_on_writing_usd Decimal.   Source: sql/views/07_cache_by_day.sql
    """
    return _by_day(con, "cache_by_day", "day_utc, model, is_simulated", is_simulated, since, until)


def cache_by_key(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """Which cache keys are read and which are written for nobody; most calls first.

    cache_key, prompt_hash, model, cache_policy str · is_simulated bool · calls, calls_reading, calls_writing, cached_tokens, cache_write_tokens,
    expected_cached_tokens, expected_write_tokens int · share_cached float 0–1 · balance_usd Decimal · first_at, last_at UTC.
    Source: sql/views/08_cache_by_key.sql
    """
    return _all(con, "cache_by_key", "calls desc, cache_key, prompt_hash, model, cache_policy nulls last, is_simulated", is_simulated)


def cache_by_policy(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """What each way of using the prompt cache expected, what it did, and whether it paid; most calls first.

    model, service_tier, cache_policy, cache_lifetime str · is_simulated bool · calls, calls_unknown, calls_expected_to_read, calls_reading,
    calls_expected_to_write, calls_writing, input_tokens, expected_cached_tokens, cached_tokens, expected_write_tokens, cache_write_tokens int ·
    balance_usd Decimal, null without a price · keys int · last_at UTC.   Source: sql/views/64_cache_by_policy.sql
    """
    return _all(con, "cache_by_policy", "calls desc, model, service_tier, cache_policy, cache_lifetime, is_simulated", is_simulated)


def cache_by_run(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """The same by run, newest first.

    run_id, model, cache_policy, prompt_hash str · is_simulated bool · calls, calls_unknown, calls_expected_to_read, calls_reading,
    calls_expected_to_write, calls_writing, input_tokens, expected_cached_tokens, cached_tokens, expected_write_tokens, cache_write_tokens,
    keys int · balance_usd Decimal, null without a price · first_at UTC.   Source: sql/views/64_cache_by_run.sql
    """
    return _all(con, "cache_by_run", "first_at desc, run_id, model, cache_policy, prompt_hash, is_simulated", is_simulated)


def cache_by_prompt(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """The same by version of the static prefix, newest first.

    prompt_hash, model, cache_policy str · is_simulated bool · calls, calls_unknown, calls_expected_to_read, calls_reading,
    calls_expected_to_write, calls_writing, input_tokens, expected_cached_tokens, cached_tokens, expected_write_tokens, cache_write_tokens,
    prefix_tokens int, the last as counted before · read_tokens int, the middle of what reading calls read · balance_usd Decimal, null without a
    price · first_at, last_at UTC.   Source: sql/views/64_cache_by_prompt.sql
    """
    return _all(con, "cache_by_prompt", "first_at desc, prompt_hash, model, cache_policy, is_simulated", is_simulated)


def cache_choices(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """Every way to use the prompt cache that each run weighed, newest run first, cheapest way first.

    run_id, model, tier, prompt_hash, choice, reason str · decided_at UTC · is_simulated, is_chosen bool · expected_usd Decimal, null without a
    price · uncached_tokens, cached_tokens, cache_write_tokens, break_even_calls, prefix_tokens, expected_calls, rounds int · calls_a_minute float.
    Source: sql/views/64_cache_choices.sql
    """
    order = "decided_at desc, run_id, tier, model, expected_usd nulls last, is_chosen desc, choice"
    return _all(con, "cache_choices", order, is_simulated)


def cache_flags(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """What is wrong with the use of the prompt cache, dearest first.

    flag, subject, model, sentence str · is_simulated bool · calls int · balance_usd Decimal · since UTC.   Source: sql/views/64_cache_flags.sql
    """
    return _all(con, "cache_flags", "balance_usd nulls last, flag, subject, model, is_simulated", is_simulated)


def sightings(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Every path at which something was seen.

    document_sha256, path, problem, sentence str · size_bytes, modified_ns int · first_seen_at, changed_at where the view has it, last_seen_at UTC.
    Source: sql/views/11_sightings.sql
    """
    return read(con, "from sightings order by path")


def documents(
    con: duckdb.DuckDBPyConnection,
    *,
    is_simulated: bool | None = None,
    since: date | None = None,
    until: date | None = None,
    limit: int | None = None,
) -> pl.DataFrame:
    """Everything known of each document that is not deleted, last processed first; a period is that of `processed_at`.

    document_sha256, file_name str · page_count, size_bytes int · the fields of the record by their own names · processing_status, error_kind,
    error_sentence str · needs_review bool · is_simulated bool, null without an answer · cost_usd Decimal, of real and simulated calls together, and
    and the further columns of the view.   Source: sql/views/12_documents.sql
    """
    sql = (
        f"from documents where not is_deleted and {ONE_KIND_OR_NONE} and {in_period(utc_day('coalesce(processed_at, created_at)'))} "
        "order by processed_at desc nulls last, document_sha256 limit $limit"
    )
    return read(con, sql, {"is_simulated": is_simulated, "since": since, "until": until, "limit": limit})


def classification(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """What kinds of document there are, commonest first.

    doc_type str · is_simulated bool · documents int · share float 0–1 · pages int · mean_confidence float 0–1 · needs_review int ·
    least_sure_sha256s list of str.   Source: sql/views/20_classification.sql
    """
    return _all(con, "classification", "documents desc, doc_type, is_simulated", is_simulated)


def classification_by_week(
    con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """How the mix of kinds moves: first valid answers by week.

    week_utc date, its Monday · doc_type str · is_simulated bool · documents int · mean_confidence float 0–1.
    Source: sql/views/21_classification_by_week.sql
    """
    return _by_day(con, "classification_by_week", "week_utc, doc_type, is_simulated", is_simulated, since, until, "week_utc")


def classification_by_month(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """Of which months the documents themselves are.

    month date, its first day · doc_type str · is_simulated bool · documents int.   Source: sql/views/22_classification_by_month.sql
    """
    return _all(con, "classification_by_month", "month, doc_type, is_simulated", is_simulated)


def amounts_by_currency(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """What the documents ask for or confirm, each currency apart.

    currency str, null when none is named · doc_type str · is_simulated bool · documents int · total_amount, smallest_amount, largest_amount Decimal,
    in `currency`.   Source: sql/views/51_amounts_by_currency.sql
    """
    return _all(con, "amounts_by_currency", "currency nulls last, documents desc, doc_type nulls last, is_simulated", is_simulated)


def documents_in_order(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """The first valid answer of each document, in the order of time.

    document_sha256 str · is_simulated bool · answered_at UTC · doc_type str · confidence_score float 0–1 · issuer_filled, recipient_filled,
    primary_date_filled, total_amount_filled, currency_filled bool · input_tokens, output_tokens int · share_cached float 0–1 · usd Decimal.
    Source: sql/views/80_documents_in_order.sql
    """
    return _all(con, "documents_in_order", "answered_at, document_sha256, is_simulated", is_simulated)


def labels_current(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The truth: of the labeller who settled a field last, else labelled it first, the newest statement.

    document_sha256, field, value str · is_absent bool · alternatives, labeller, source str · labelled_at, settled_at UTC · statements, labellers int.
    Source: sql/views/10_labels_current.sql
    """
    return read(con, "from labels_current order by document_sha256, field")


def label_agreement(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """How far labellers agree on the documents that both labelled.

    field, labeller, other_labeller str · documents, agreed int · share_agreed, share_agreed_low, share_agreed_high float 0–1 (Wilson, 95 %) · kappa
    float, Cohen's, null when both always say one and the same.   Source: sql/views/30_label_agreement.sql
    """
    return read(con, "from label_agreement order by field, labeller, other_labeller")


def label_contradictions(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Labels that contradict the one that counts, those nobody settled first.

    document_sha256, field, labeller, value, other_labeller, other_value str · is_settled bool.   Source: sql/views/30_label_agreement.sql
    """
    return read(con, "from label_contradictions order by is_settled, document_sha256, field, other_labeller")


def scoring_rules(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """What counts as right, field by field.

    field, kind str · threshold float 0–1, null where nothing is nearly right · rule str.   Source: sql/views/30_rules.sql
    """
    return read(con, "from scoring_rules order by kind, field")


def scored_fields(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """Every labelled field of every arm, judged.

    document_sha256, field, arm str · is_simulated bool · call_id, input_mode str · confidence_score float 0–1 · requires_review bool · answer, truth
    str · is_absent, is_right, is_right_strict bool · score float 0–1 · items_right, items_answered, items_true int.
    Source: sql/views/30_scored_fields.sql
    """
    return _all(con, "scored_fields", "arm, field, document_sha256, is_simulated", is_simulated)


def accuracy_by_field(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """How often each field is right, by arm, best known arm first, its field `(all)` first.

    arm, field str · is_simulated bool · labelled, answered, right_answers int · accuracy, accuracy_low, accuracy_high float 0–1 (Wilson, 95 %) ·
    accuracy_strict, score, precision, recall, f1 float 0–1 · precision_low, precision_high, recall_low, recall_high float 0–1 (Wilson, 95 %) ·
    labels_in_effect float: how many independent labels these are worth, those of one document hanging together.
    Source: sql/views/31_accuracy_by_field.sql
    """
    sql = (
        f"from accuracy_by_field where {ONE_KIND} "
        "order by max(case when field = '(all)' then labelled end) over (partition by arm, is_simulated) desc, "
        "max(case when field = '(all)' then accuracy end) over (partition by arm, is_simulated) desc, arm, is_simulated, field"
    )
    return read(con, sql, {"is_simulated": is_simulated})


def accuracy_in_use(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """How often what stands in `documents` is right, whichever arm gave it; the field `(all)` first.

    field str · is_simulated bool · documents, labelled, answered, right_answers int · accuracy, accuracy_low, accuracy_high float 0–1 (Wilson, 95 %)
    · labels_in_effect float: how many independent labels these are worth.   Source: sql/views/34_accuracy_in_use.sql
    """
    return _all(con, "accuracy_in_use", "field, is_simulated", is_simulated)


def confusion(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """Which kinds are taken for which.

    arm, truth, answer, taken (both in words) str · is_simulated bool · documents, accepted int · document_sha256s list of str.
    Source: sql/views/32_confusion.sql
    """
    return _all(con, "confusion", "arm, truth nulls last, answer, is_simulated", is_simulated)


def accuracy_by_slice(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """How often each field is right by what the document is like, and `(all)` fields together.

    arm, field, slice (doc_type, language, pages, text_layer or input_mode), value str · is_simulated bool · labelled, right_answers int · accuracy,
    accuracy_low, accuracy_high float 0–1 (Wilson, 95 %) · precision, recall, f1 float 0–1.   Source: sql/views/35_accuracy_by_slice.sql
    """
    return _all(con, "accuracy_by_slice", "arm, field, slice, value, is_simulated", is_simulated)


def accuracy_by_class(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """How well each kind of document is recognised, commonest first.

    arm, doc_type str · is_simulated bool · labelled, answered, right_answers int · precision, precision_low, precision_high, recall, recall_low,
    recall_high float 0–1 (Wilson, 95 %) · f1 float 0–1.   Source: sql/views/36_accuracy_by_class.sql
    """
    return _all(con, "accuracy_by_class", "arm, labelled desc, doc_type, is_simulated", is_simulated)


def labelled_by_kind(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """Which answers were labelled and which not, by the kind that was answered and whether a person was asked to look.

    arm, field, doc_type str · is_asked, is_simulated bool · documents, labelled, right_answers int.   Source: sql/views/36_accuracy_by_class.sql
    """
    return _all(con, "labelled_by_kind", "arm, field, doc_type, is_asked, is_simulated", is_simulated)


def confidence_map(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """What a stated confidence is worth, by isotonic regression on the labels.

    arm str · is_simulated bool · fold int, -1 for the fit on all labels · stated_from float 0–1 · labels int · calibrated float 0–1.
    Source: sql/views/37_confidence.sql
    """
    return _all(con, "confidence_map", "arm, fold, stated_from, is_simulated", is_simulated)


def confidence_crossfitted(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """Labelled answers with their stated confidence and the one fitted on the labels of other documents.

    document_sha256, arm str · is_simulated bool · confidence_score float 0–1 · is_right bool · calibrated float 0–1, null with too few labels.
    Source: sql/views/37_confidence.sql
    """
    return _all(con, "confidence_crossfitted", "arm, document_sha256, is_simulated", is_simulated)


def confidence_use(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """Whether the recalibrated confidence is better than the stated one, and so used.

    arm str · is_simulated bool · labels, right_answers int · brier_stated, brier_calibrated float · is_used bool.
    Source: sql/views/37_confidence.sql
    """
    return _all(con, "confidence_use", "arm, is_simulated", is_simulated)


def worth_of_api(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """Each arm against the rules baseline on the same documents, field by field.

    arm, field str · is_simulated bool · documents, right_answers, right_by_rules, only_api, only_rules int · cost_a_thousand_usd,
    cost_a_right_more_usd Decimal, null without a price or when nothing more is right.   Source: sql/views/39_worth_of_api.sql
    """
    return _all(con, "worth_of_api", "documents desc, arm, field, is_simulated", is_simulated)


def errors_by_effort(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """How many errors a person catches who looks at the least sure answers first.

    arm str · is_simulated bool · confidence_score float 0–1 · reviewed, caught, documents, errors int · share_reviewed, share_caught float 0–1.
    Source: sql/views/38_review_effort.sql
    """
    return _all(con, "errors_by_effort", "arm, confidence_score, is_simulated", is_simulated)


def review_as_classifier(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """Whether the model asks for a person when a field is wrong.

    arm str · is_simulated bool · documents, asked, errors, asked_errors int · precision, precision_low, precision_high, recall, recall_low,
    recall_high, share_missed, share_missed_low, share_missed_high float 0–1 (Wilson, 95 %).   Source: sql/views/38_review_effort.sql
    """
    return _all(con, "review_as_classifier", "documents desc, arm, is_simulated", is_simulated)


def audit_sample(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, size: int = 20) -> pl.DataFrame:
    """Confident answers, drawn at random, that a person should check all the same.

    document_sha256, file_name, arm, doc_type str · confidence_score float 0–1 · is_simulated bool · turn int, the order of the draw.
    Source: the macro audit_sample in sql/views/38_review_effort.sql
    """
    return read(con, f"from audit_sample($size) where {ONE_KIND} order by is_simulated, turn", {"is_simulated": is_simulated, "size": size})


def policy_promises(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """What each saved policy promised, and what became of it on documents that were labelled since, the newest first.

    policy_run_id, name, version, is_newest, is_simulated, saved_at, field · documents, labelled, right_documents int · accuracy float 0–1 with
    accuracy_low, accuracy_high (Wilson, 95 %), beside target, accuracy_at_least, sure · usd_a_thousand_since beside usd_a_thousand,
    usd_a_thousand_low, usd_a_thousand_high Decimal · verdict str, labels_needed int · calls_unsettled, unsettled_upper_usd.
    Source: the view policy_promises
    """
    return _all(con, "policy_promises", "saved_at desc, policy_run_id", is_simulated)


def calibration(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """Stated confidence against how often it is right.

    arm str · is_simulated bool · bin int 0–9 · confidence_low, confidence_high float 0–1 · documents int · mean_confidence, share_right,
    share_right_low, share_right_high float 0–1 (Wilson, 95 %).   Source: sql/views/33_calibration.sql
    """
    return _all(con, "calibration", "arm, bin, is_simulated", is_simulated)


def estimate_vs_bill(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """How good the estimates were, newest run first.

    run_id, model, input_mode str · is_simulated bool · calls, estimated_input_tokens, input_tokens int · estimate_usd, cost_usd Decimal ·
    median_error, p95_error float, relative.   Source: sql/views/40_estimate_vs_bill.sql
    """
    return _all(con, "estimate_vs_bill", "run_id desc, model, input_mode nulls last, is_simulated", is_simulated)


def estimate_error(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """How far estimates of input tokens were from the bill, by the published rules alone and with what was learned.

    model, input_mode, confidence str · is_simulated bool · calls int · rules_median_error, rules_p95_error, median_error, p95_error, signed_error
    float, relative · share_within_tenth float 0–1.   Source: sql/views/40_estimate_vs_bill.sql
    """
    return _all(con, "estimate_error", "model, input_mode nulls last, confidence nulls last, is_simulated", is_simulated)


def estimate_by_run(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, limit: int | None = None) -> pl.DataFrame:
    """The forecast of each run beside its bill, newest first, at most `limit` rows.

    run_id, basis, model, tier, input_mode str · is_simulated, is_comparable, is_within bool · logged_at UTC · documents, documents_seen, calls,
    calls_unpriced, calls_unsettled int · expected_usd, low_usd, high_usd, upper_usd, cost_usd, unsettled_upper_usd Decimal · spread, bill_ratio,
    distance float; is_within, bill_ratio and distance are null where the bill cannot be compared.   Source: sql/views/65_estimate_coverage.sql
    """
    sql = f"from estimate_by_run where {ONE_KIND} order by logged_at desc, run_id desc, is_simulated limit $limit"
    return read(con, sql, {"is_simulated": is_simulated, "limit": limit})


def estimate_coverage(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """How often the 80 % interval of a forecast held the bill.

    is_simulated, has_seen bool · basis, input_mode str · runs, runs_within, runs_of_width int · share_within, share_low, share_high (Wilson, 95 %),
    share_promised float 0–1 · median_error, p95_error float, relative · width float, in spreads.   Source: sql/views/65_estimate_coverage.sql
    """
    return _all(con, "estimate_coverage", "is_simulated, basis, input_mode, has_seen", is_simulated)


def latency_by_hour(
    con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """How long answers take.

    hour_utc UTC · model str · is_simulated bool · calls int · p50_ms, p95_ms, p99_ms, max_ms float, milliseconds.
    Source: sql/views/41_latency_by_hour.sql
    """
    return _by_day(con, "latency_by_hour", "hour_utc, model, is_simulated", is_simulated, since, until, "cast(hour_utc as date)")


def errors_by_kind(
    con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """What went wrong, how often, and what it cost.

    day_utc date · error_kind, outcome, model str · is_simulated bool · calls, documents, calls_unsettled int · cost_usd,
    unsettled_upper_usd Decimal.   Source: sql/views/42_errors_by_kind.sql
    """
    return _by_day(con, "errors_by_kind", "day_utc, error_kind, outcome nulls last, model nulls last, is_simulated", is_simulated, since, until)


def calls_with_errors(
    con: duckdb.DuckDBPyConnection,
    *,
    is_simulated: bool | None = None,
    since: date | None = None,
    until: date | None = None,
    limit: int | None = None,
) -> pl.DataFrame:
    """The calls that went wrong, newest first, at most `limit`: those that errors_by_kind counts.

    day_utc date · started_at UTC · document_sha256, null when it was about none, model, error_kind, outcome str · attempt int · error_message str ·
    cost_usd, cost_upper_usd Decimal · run_id, call_id str · is_simulated bool.   Source: sql/views/42_errors_by_kind.sql
    """
    return _by_day(con, "calls_with_errors", NEWEST_FIRST, is_simulated, since, until, limit=limit)


def calls_by_hour(
    con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """How much was done hour by hour, and how much of it failed.

    hour_utc UTC · is_simulated bool · calls, calls_answered, calls_failed, calls_unsettled, calls_repeated, calls_refused, documents, input_tokens,
    output_tokens int.   Source: sql/views/87_operations.sql
    """
    return _by_day(con, "calls_by_hour", "hour_utc, is_simulated", is_simulated, since, until, "cast(hour_utc as date)")


def calls_by_window(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """How the last hour, day, week and month went, and everything, the shortest window first.

    window_name str · hours int, null: everything · is_simulated bool · calls, documents, calls_answered, calls_failed, calls_unpriced,
    calls_unsettled, calls_repeated, calls_refused int · share_failed, share_cached float 0–1 · p50_ms, p95_ms, p99_ms float, milliseconds ·
    cost_usd, unsettled_upper_usd Decimal.   Source: sql/views/87_operations.sql
    """
    return _all(con, "calls_by_window", "hours nulls last, is_simulated", is_simulated)


def backlog(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """What waits to be read or answered, in one row.

    documents int · oldest_at UTC · open_batches int · oldest_batch_at UTC; the times are null when nothing waits.
    Source: sql/views/87_operations.sql
    """
    return read(con, "from backlog")


def api_outages(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """When the API was away as runs saw it, newest first.

    run_id str · outage int · is_simulated bool · opened_at, ended_at UTC · state str · away_s float · probes int · reason, last_reason str.
    Source: sql/views/47_api_outages.sql
    """
    return _all(con, "api_outages", "opened_at desc, run_id, outage", is_simulated)


def rate_by_run(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """How fast runs could ask, newest first.

    run_id str · is_simulated bool · calls_at_once, calls_at_once_least int · requests_limit, tokens_limit float · reason str · changed_at UTC ·
    calls, calls_refused int · seconds, let_through_a_minute float.   Source: sql/views/48_rate_by_run.sql
    """
    return _all(con, "rate_by_run", "changed_at desc, run_id", is_simulated)


def runs_with_parts(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, limit: int | None = None) -> pl.DataFrame:
    """Runs that a person or a schedule started, each with the runs it started itself, newest first.

    run_id, command, chain str · is_simulated bool · started_at, finished_at UTC · seconds float · state str · exit_status int · reason str · steps,
    steps_failed, steps_skipped, runs_started, documents, processed, needs_review, failed, calls, calls_unpriced, calls_unsettled int · cost_usd,
    unsettled_upper_usd Decimal.   Source: sql/views/86_runs_with_parts.sql
    """
    sql = f"from runs_with_parts where {ONE_KIND_OR_NONE} order by started_at desc, run_id desc limit $limit"
    return read(con, sql, {"is_simulated": is_simulated, "limit": limit})


def runs_overview(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, limit: int | None = None) -> pl.DataFrame:
    """Every run, newest first.

    run_id, command, notebook, parent_run_id, environment, version str · is_simulated bool · started_at, finished_at UTC · seconds float · state str ·
    exit_status int · reason str · documents, processed, needs_review, failed, calls, calls_unpriced, calls_unsettled int · cost_usd,
    unsettled_upper_usd Decimal · arguments, settings, summary JSON text.   Source: sql/views/43_runs_overview.sql
    """
    sql = f"from runs_overview where {ONE_KIND_OR_NONE} order by started_at desc, run_id desc limit $limit"
    return read(con, sql, {"is_simulated": is_simulated, "limit": limit})


def budget_status(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """How much of each budget is left in the newest run, this UTC day and this UTC month.

    period str · is_simulated bool · period_name str · budget_usd Decimal, null: no limit · settled_usd, open_usd Decimal · left_usd Decimal.
    Source: sql/views/44_budget_status.sql
    """
    return _all(con, "budget_status", "period, is_simulated", is_simulated)


def review_queue(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """What a person should look at, by what a look is worth.

    document_sha256, file_name, doc_type str · confidence_score, confidence_used (recalibrated where that is better) float 0–1 · issuer str ·
    primary_date date · total_amount Decimal · currency str · is_valid bool · review_reasons JSON text · error_sentence str · is_simulated bool ·
    processed_at UTC · uncertainty float 0–1 · stake float 0.5–1.5 · worth float, their product.   Source: sql/views/45_review_queue.sql
    """
    return read(con, f"from review_queue where {ONE_KIND_OR_NONE} order by worth desc, document_sha256", {"is_simulated": is_simulated})


def review_order(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, size: int = 50, share: float = 0.2) -> pl.DataFrame:
    """The first documents in the order of a review, a `share` of them drawn at random among those that nobody was asked to look at.

    place int · document_sha256, file_name, doc_type str · confidence_score, confidence_used float 0–1 · issuer str · total_amount Decimal ·
    currency str · review_reasons JSON text · error_sentence str · is_simulated bool · uncertainty, stake, worth float · is_random bool; of those
    drawn, all from confidence_used to error_sentence and from uncertainty to worth are null.
    Source: the macro review_order in sql/views/45_review_queue.sql
    """
    sql = f"from review_order($size, $share) where {ONE_KIND} order by is_simulated, place"
    return read(con, sql, {"is_simulated": is_simulated, "size": size, "share": share})


def review_sessions(con: duckdb.DuckDBPyConnection, *, limit: int | None = None) -> pl.DataFrame:
    """Who reviewed when, how long, and what came of it; newest first.

    run_id, labeller str · first_action_at, last_action_at UTC · documents, documents_at_random, accepted, skipped, corrections, labels, undone int ·
    seconds, seconds_a_document float.   Source: sql/views/88_review_sessions.sql
    """
    return read(con, "from review_sessions order by first_action_at desc, run_id, labeller limit $limit", {"limit": limit})


def search_record(
    con: duckdb.DuckDBPyConnection, query: str, *, doc_type: str | None = None, is_simulated: bool | None = None, limit: int = 10
) -> pl.DataFrame:
    """The documents (of a kind) that answer a query best by the words that the record holds of them; no call is made.

    place int · document_sha256, file_name str · is_simulated bool · score float 0–1, the share of the most that could be scored · words_found int ·
    doc_type, issuer str · primary_date date · total_amount Decimal · currency, excerpt str.   Source: sql/views/73_search_record.sql
    """
    sql = f"from search_record($query, $doc_type, $limit) where {ONE_KIND} order by is_simulated, place"
    return read(con, sql, {"query": query, "doc_type": doc_type, "limit": limit, "is_simulated": is_simulated})


def search_reach(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """How much of the record can be searched for at the provider.

    is_simulated bool · documents, searchable, stored_bytes int · first_expiry_at UTC, null without a copy · searches int · searches_usd Decimal,
    null without a search or a price.   Source: sql/views/74_search_reach.sql
    """
    return _all(con, "search_reach", "is_simulated", is_simulated)


def document_problems(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """Files without an answer, with the reason and what to do.

    path, document_sha256, processing_status, problem, sentence str · cost_usd Decimal, null when it is not known · is_simulated bool, null when
    nothing was asked · last_seen_at UTC.   Source: sql/views/46_document_problems.sql
    """
    sql = f"from document_problems where {ONE_KIND_OR_NONE} order by problem, path nulls last, document_sha256"
    return read(con, sql, {"is_simulated": is_simulated})


def alerts(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, since: date | None = None, until: date | None = None) -> pl.DataFrame:
    """What somebody should know, newest first.

    run_id str · seq int · logged_at UTC · severity, component, message, dedupe_key str · is_simulated bool, null when it concerns no money ·
    dedupe_window str.   Source: the table alerts in sql/migrations/0001_tables.sql and 0006_alerts.sql
    """
    sql = f"from alerts where {ONE_KIND_OR_NONE} and {in_period(utc_day('logged_at'))} order by logged_at desc, run_id, seq"
    return read(con, sql, {"is_simulated": is_simulated, "since": since, "until": until})


def prompt_versions(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Every static prefix ever sent, newest first.

    prompt_hash, schema_version str · prefix_tokens int · encoding str · first_at, last_at UTC · runs int.
    Source: the table prompt_versions in sql/migrations/0001_tables.sql
    """
    sql = (
        "select prompt_hash, any_value(schema_version) as schema_version, any_value(prefix_tokens) as prefix_tokens, "
        "any_value(encoding) as encoding, "
        "min(logged_at) as first_at, max(logged_at) as last_at, count(distinct run_id) as runs "
        "from prompt_versions group by prompt_hash order by last_at desc, prompt_hash"
    )
    return read(con, sql)


def cost_by_arm(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """What each arm cost, dearest first.

    arm str · is_simulated bool · calls, documents, calls_unpriced, calls_unsettled, input_tokens, output_tokens int · cost_usd, unsettled_upper_usd,
    cost_a_document_usd Decimal, null without a price.   Source: sql/views/69_cost_by_more.sql
    """
    return _all(con, "cost_by_arm", "cost_usd desc nulls last, arm, is_simulated", is_simulated)


def cost_by_document_and_arm(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """What each arm took for each document.

    document_sha256, arm str · is_simulated bool · calls, calls_unpriced, calls_unsettled, input_tokens, output_tokens int · cost_usd,
    unsettled_upper_usd Decimal · latency_s float, seconds.   Source: sql/views/91_cost_by_document_and_arm.sql
    """
    return _all(con, "cost_by_document_and_arm", "document_sha256, arm, is_simulated", is_simulated)


def answers_repeated(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """The first answer of an arm beside each repetition that was asked for on purpose.

    document_sha256, field, arm str · repeat int · is_simulated bool · answer, answer_again str, as they are compared · differs bool.
    Source: sql/views/92_stability_by_field.sql
    """
    return _all(con, "answers_repeated", "arm, field, document_sha256, repeat, is_simulated", is_simulated)


def stability_by_field(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """How often the same request gets another answer, the least stable field of an arm first.

    arm, field str · is_simulated bool · documents, pairs, differing int · share_differing, share_low, share_high float 0–1 (Wilson, 95 %).
    Source: sql/views/92_stability_by_field.sql
    """
    return _all(con, "stability_by_field", "arm, is_simulated, share_differing desc, field", is_simulated)


def cost_by_doc_type(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """What each kind of document cost, dearest first.

    doc_type str, null when none is known · is_simulated bool · documents, pages, calls, calls_unpriced, calls_unsettled int · cost_usd,
    unsettled_upper_usd, cost_a_document_usd, cost_a_page_usd Decimal.
    Source: sql/views/69_cost_by_more.sql
    """
    return _all(con, "cost_by_doc_type", "cost_usd desc nulls last, doc_type nulls last, is_simulated", is_simulated)


def cost_by_pages(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """What documents cost by their length, shortest first.

    pages_from, pages_to int, the ends of a class; null: no end, or not known · is_simulated bool · documents, pages, calls,
    calls_unpriced, calls_unsettled int · cost_usd, unsettled_upper_usd, cost_a_document_usd, cost_a_page_usd Decimal.
    Source: sql/views/69_cost_by_more.sql
    """
    return _all(con, "cost_by_pages", "pages_from nulls last, is_simulated", is_simulated)


def cost_reasons(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, limit: int | None = None) -> pl.DataFrame:
    """Why each document cost what it did, dearest first, at most `limit` rows.

    document_sha256, file_name str · is_simulated bool · calls, arms, repairs, page_count int · input_mode str · input_tokens, output_tokens int, of
    the first call · cost_usd, input_usd, cache_write_usd, output_usd, further_calls_usd Decimal · reason str, the part that lies furthest above the
    median document's.   Source: sql/views/69_cost_by_more.sql, with the name of sql/views/12_documents.sql
    """
    sql = (
        f"select reasons.*, file_name from (from cost_reasons where {ONE_KIND}) as reasons left join documents using (document_sha256) "
        "order by reasons.cost_usd desc nulls last, document_sha256, reasons.is_simulated limit $limit"
    )
    return read(con, sql, {"is_simulated": is_simulated, "limit": limit})


def input_modes_compared(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """What each input mode costs and gives on the same documents, cheapest first.

    model, prompt_hash, reasoning_effort, input_mode str · is_simulated bool · documents, pages, input_tokens, output_tokens int · cost_usd,
    cost_a_document_usd Decimal · labelled int · labels_in_effect float · accuracy, accuracy_low, accuracy_high float 0–1, null without labels.
    Source: sql/views/69_cost_by_more.sql
    """
    order = "documents desc, model, prompt_hash, reasoning_effort, cost_usd, input_mode, is_simulated"
    return _all(con, "input_modes_compared", order, is_simulated)


def documents_right(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """How many of the labelled documents are right in every labelled field.

    is_simulated bool · labelled, right_documents int · share_right, share_low, share_high float 0–1 (Wilson, 95 %).
    Source: sql/views/70_unit_economics.sql
    """
    return _all(con, "documents_right", "is_simulated", is_simulated)


def unit_economics(
    con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """What a document, 1,000 pages and a correct document cost in a period, in one row a kind of money.

    is_simulated bool · cost_usd Decimal · answered, pages int · cost_a_document_usd, cost_a_thousand_pages_usd Decimal · labelled, right_documents
    int · share_right float 0–1, over the whole ledger · cost_a_correct_document_usd, correct_low_usd, correct_high_usd Decimal, null without labels.
    Source: the macro unit_economics in sql/views/70_unit_economics.sql
    """
    sql = f"from unit_economics($since, $until) where {ONE_KIND} order by is_simulated"
    return read(con, sql, {"is_simulated": is_simulated, "since": since, "until": until})


def month_forecast(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, today: date | None = None) -> pl.DataFrame:
    """What the UTC month of `today` (None: of now) will have cost, in one row a kind of money.

    is_simulated bool · month_first, today, month_last date · days_left, days_seen int · spent_usd, mean_a_day_usd, forecast_usd Decimal ·
    forecast_low_usd, forecast_high_usd Decimal, the 80 % interval, null with less than 7 days seen.
    Source: the macro month_forecast in sql/views/70_unit_economics.sql
    """
    day = today or datetime.now(UTC).date()
    sql = f"from month_forecast($day) where {ONE_KIND} order by is_simulated"
    return read(con, sql, {"is_simulated": is_simulated, "day": day})


@dataclass(frozen=True, slots=True)
class Provenance:
    """From what a figure was made.

    `sql` gives the rows again (`autod sql "…"`), `rows` is their number, `sha256` the hash of their sorted hashes, columns in the view's order.
    `calls` are the ledger rows in the same kind of money and period, `unpriced` those of them that were answered and have no price; `price_first` and
    `price_last` the days whose prices they were billed at, None without any.
    """

    view: str
    sql: str
    rows: int
    sha256: str
    calls: int
    unpriced: int
    price_first: date | None
    price_last: date | None


OF_NEITHER = (
    "documents",
    "document_problems",
    "review_queue",
    "runs_overview",
    "alerts",
)  # views with rows that belong to no kind of money and are shown with both
DAYS = {  # the expression by which a view is cut to a period
    "headline_by_day": "day_utc",
    "cost_by_day": "day_utc",
    "priced_calls": "day_utc",
    "reconciliation": "day_utc",
    "cache_by_day": "day_utc",
    "errors_by_kind": "day_utc",
    "calls_with_errors": "day_utc",
    "classification_by_week": "week_utc",
    "latency_by_hour": "cast(hour_utc as date)",
    "calls_by_hour": "cast(hour_utc as date)",
    "api_calls": utc_day("coalesce(finished_at, started_at)"),
    "documents": utc_day("coalesce(processed_at, created_at)"),
    "alerts": utc_day("logged_at"),
}


LAST_DAYS = {"classification_by_week": "week_utc + 6"}  # a week that reaches into the period counts


def rows_sql(view: str, *, is_simulated: bool | None = None, since: date | None = None, until: date | None = None) -> str:
    """The statement that gives the rows of a view that a figure shows. A period is applied to the views that have days."""
    conditions = []
    if is_simulated is not None:
        kind = "is_simulated" if is_simulated else "not is_simulated"
        conditions.append(f"(is_simulated is null or {kind})" if view in OF_NEITHER else kind)
    if view == "documents":
        conditions.append("not is_deleted")
    if view in DAYS and since is not None:
        conditions.append(f"{LAST_DAYS.get(view, DAYS[view])} >= '{since.isoformat()}'")
    if view in DAYS and until is not None:
        conditions.append(f"{DAYS[view]} <= '{until.isoformat()}'")
    return f"from {view}" + (f" where {' and '.join(conditions)}" if conditions else "")


def provenance(
    con: duckdb.DuckDBPyConnection, view: str, *, is_simulated: bool | None = None, since: date | None = None, until: date | None = None
) -> Provenance:
    """From what a figure that reads this view was made. A period is applied to the views that have days.

    Floating columns are rounded to nine places and times are hashed as microseconds, so that neither the order of addition nor the session's time
    zone moves the hash. Raises: SettingsError if there is no such view.
    """
    columns = con.execute(
        "select column_name, data_type from duckdb_columns() where schema_name = 'main' and not internal and table_name = $view "
        "order by column_index",
        {"view": view},
    ).fetchall()
    if not columns:
        raise SettingsError(f"{view!r}: the database has no such view or table.")
    is_of_kinds = "is_simulated" in {name for name, _ in columns}
    sql = rows_sql(view, is_simulated=is_simulated if is_of_kinds else None, since=since, until=until)
    text = ", ".join(_as_text(name, kind) for name, kind in columns)
    lines = f"select sha256(concat_ws(chr(31), {text})) as line from ({sql})"
    [(rows, sha256)] = con.execute(f"select count(*), sha256(coalesce(string_agg(line, '' order by line), '')) from ({lines})").fetchall()
    day = utc_day("coalesce(finished_at, started_at)")
    [found] = con.execute(
        "select count(*), count(*) filter (where cost_usd is null and status = 'answered'), min(price_date), max(price_date) "
        f"from api_calls where {ONE_KIND} and {in_period(day)}",
        {"is_simulated": is_simulated, "since": since if view in DAYS else None, "until": until if view in DAYS else None},
    ).fetchall()
    return Provenance(view, sql, rows, sha256, *found)


def _as_text(name: str, kind: str) -> str:
    value = f'"{name}"'
    if kind in ("DOUBLE", "FLOAT"):
        value = f"round({value}, 9)"
    elif kind == "TIMESTAMP WITH TIME ZONE":
        value = f"epoch_us({value})"
    return f"coalesce(cast({value} as varchar), chr(30))"
