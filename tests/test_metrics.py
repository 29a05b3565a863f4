"""The views as frames: their columns and types, their order, and that nothing is lost or added on the way from the ledger."""

import inspect
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from autod_lib import intervals, metrics
from autod_lib.errors import SettingsError, WorkspaceUnusable
from autod_lib.local_api.vector_stores import Chunk, ranking, words_of
from autod_lib.store import reading

Connect = Callable[[str], duckdb.DuckDBPyConnection]
Frame = Callable[..., pl.DataFrame]
NOT_VIEWS = {"read", "frame", "provenance", "rows_sql", "in_period", "utc_day", "choose_money", "search_record"}
FUNCTIONS = {
    name: function
    for name, function in vars(metrics).items()
    if inspect.isfunction(function) and function.__module__ == metrics.__name__ and not name.startswith("_") and name not in NOT_VIEWS
}
SUMMED = {  # views that add up all calls with a known end
    "cost_by_day": "cost_usd",
    "cost_by_model": "cost_usd",
    "cost_by_arm": "cost_usd",
    "cost_by_doc_type": "cost_usd",
    "cost_by_pages": "cost_usd",
    "cost_by_document": "cost_usd",
    "cost_by_run": "cost_usd",
    "headline": "cost_usd",
    "headline_by_day": "cost_usd",
    "runs_overview": "cost_usd",
    "estimate_vs_bill": "cost_usd",
}
OWN_LEDGER = {
    "input_modes_compared": "modes",
    "answers_repeated": "again",
    "stability_by_field": "again",
    "policy_promises": "bought",
}  # where there is something to see
DEFINITIONS = ("scoring_rules",)  # say what something means, whatever happened
MACROS = ("unit_economics", "month_forecast", "audit_sample", "review_order")  # of views, which have the rows
FILTERED = [name for name, function in FUNCTIONS.items() if "is_simulated" in inspect.signature(function).parameters]
DATED = [name for name, function in FUNCTIONS.items() if "since" in inspect.signature(function).parameters]


@pytest.fixture(scope="module")
def connect(workspaces: Callable[[str], Path]) -> Iterator[Connect]:
    """Opens one of the workspaces as the notebooks do; each once for this file."""
    opened = {}
    with ExitStack() as stack:

        def begin(name: str) -> duckdb.DuckDBPyConnection:
            if name not in opened:
                opened[name] = stack.enter_context(reading(workspaces(name)))
            return opened[name]

        yield begin


@pytest.fixture(scope="module")
def frame(connect: Connect) -> Frame:
    """What a function gives of a workspace, within a kind of money or a period if one is given; asked once for this file."""
    return cache(lambda name, workspace, **scope: FUNCTIONS[name](connect(workspace), **scope))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_empty_ledger_gives_the_same_columns_and_no_rows(name: str, frame: Frame) -> None:
    """A figure of a workspace in which nothing happened has the columns it always has, of the same types."""
    full, empty = frame(name, OWN_LEDGER.get(name, "full")), frame(name, "empty")

    assert full.height > 0
    assert empty.height == (full.height if name in DEFINITIONS else name == "backlog")  # that nothing waits is something to say
    assert empty.schema == full.schema


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_docstring_names_every_column_of_the_frame(name: str, frame: Frame) -> None:
    """Whoever reads help() finds the columns that the frame has, save where the view is said to have further ones."""
    text = FUNCTIONS[name].__doc__ or ""
    missing = [column for column in frame(name, "empty").columns if column not in text]

    assert not missing or "further columns of the view" in text or "the same day by day" in text.lower()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_money_stays_decimal_counts_are_whole_and_times_are_utc(name: str, frame: Frame) -> None:
    """No amount passes through a float, no count is a Decimal, and no time carries the machine's own zone."""
    for column, kind in frame(name, "full").schema.items():
        if column.endswith(("_usd", "_amount")):
            assert isinstance(kind, pl.Decimal), column
            assert kind.scale in (4, 12), column
        if column.endswith("_tokens") or column in ("calls", "documents", "pages"):
            assert kind == pl.Int64, column
        if column.endswith("_at") or column == "hour_utc":
            assert kind == pl.Datetime("us", "UTC"), column
        if column == "day_utc":
            assert kind == pl.Date


def test_the_same_ledger_gives_the_same_rows_in_the_same_order(workspaces: Callable[[str], Path], frame: Frame) -> None:
    """The order is total and no sum depends on it: every frame read twice, by connections of their own, is the same to the last bit."""
    with reading(workspaces("full")) as con:
        differ = [name for name, function in FUNCTIONS.items() if not function(con).equals(frame(name, "full"))]

    assert not differ


@pytest.mark.parametrize(("name", "column"), SUMMED.items())
def test_every_view_adds_up_to_the_ledger_to_the_last_decimal(name: str, column: str, connect: Connect) -> None:
    """Whatever a figure groups by, its amounts add up to the ledger's, exactly."""
    con = connect("mixed")
    truth = con.execute("select sum(cost_usd) from calls_finished").fetchall()[0][0]

    assert sum((value for value in FUNCTIONS[name](con)[column].to_list() if value is not None), Decimal(0)) == truth > 0


def test_the_parts_of_a_day_add_up_to_its_cost(connect: Connect) -> None:
    """The colours of a bar are the whole bar."""
    for row in metrics.cost_by_day(connect("full")).iter_rows(named=True):
        assert sum(row[part] for part in ("uncached_usd", "cached_usd", "cache_write_usd", "output_usd")) == row["cost_usd"]


def test_an_unpriced_call_is_counted_and_never_costs_zero(connect: Connect) -> None:
    """A call without a price makes no amount smaller or larger, and the page can say how many there are."""
    con = connect("full")
    headline = metrics.headline(con, is_simulated=False).row(0, named=True)
    unpriced = metrics.api_calls(con).filter(pl.col("cost_usd").is_null() & (pl.col("status") == "answered"))

    assert headline["calls_unpriced"] == unpriced.height == 1
    assert metrics.cost_by_document(con).filter(pl.col("document_sha256") == unpriced["document_sha256"][0])["cost_usd"].to_list() != [Decimal(0)]


@pytest.mark.parametrize("name", FILTERED)
def test_one_kind_of_money_holds_no_row_of_the_other(name: str, frame: Frame) -> None:
    """Asked for real money, no function gives a simulated row, and the other way round."""
    for kind in (True, False):
        rows = frame(name, "mixed", is_simulated=kind)
        assert set(rows["is_simulated"].drop_nulls().to_list()) <= {kind}


@pytest.mark.parametrize("name", DATED)
def test_two_periods_that_meet_hold_every_row_once(name: str, connect: Connect, frame: Frame) -> None:
    """Both days of a period count, and a day is in one period only."""
    con = connect("full")
    edge = date(2026, 10, 18)  # a Sunday: no week is cut
    early = FUNCTIONS[name](con, until=edge)
    late = FUNCTIONS[name](con, since=edge + timedelta(days=1))
    whole = frame(name, "full")

    if name in ("headline", "unit_economics"):
        column = "documents" if name == "headline" else "answered"
        assert early[column][0] + late[column][0] == whole[column][0]
    else:
        assert early.height + late.height == whole.height
        assert min(early.height, late.height) > 0 or name in ("alerts", "errors_by_kind", "reconciliation")


def test_calls_that_went_wrong_are_those_that_are_counted(connect: Connect) -> None:
    """Behind each number of errors_by_kind stand as many calls."""
    con = connect("full")
    listed = Counter(metrics.calls_with_errors(con)["error_kind"].to_list())

    assert listed == Counter(dict(con.execute("select error_kind, sum(calls) from errors_by_kind group by 1").fetchall()))
    assert len(listed) > 1


def test_the_headline_counts_a_document_once_however_often_it_was_asked(connect: Connect) -> None:
    """Experiments and re-runs make calls, not documents."""
    con = connect("full")
    row = metrics.headline(con).row(0, named=True)

    assert row["documents"] == metrics.documents(con).height
    assert row["documents"] == row["answered"] + row["failed"] + row["pending"]
    assert row["calls"] > row["answered"]
    assert row["calls"] == metrics.api_calls(con).height
    assert row["calls_unsettled"] == metrics.calls_unsettled(con).height == 2
    assert row["cost_usd"] / row["answered"] - row["cost_a_document_usd"] < Decimal("1e-11")


def test_an_experiment_changes_no_document(connect: Connect) -> None:
    """What another model answered in an experiment never stands in the table of documents, however new it is."""
    con = connect("full")

    assert "gpt-6-nano" in metrics.api_calls(con)["model"].to_list()
    assert set(metrics.documents(con)["model"].drop_nulls().to_list()) == {"gpt-6-luna"}


def test_accuracy_in_use_is_that_of_the_arm_when_there_is_only_one(connect: Connect) -> None:
    """Both views of accuracy share one definition of right and of the interval."""
    con = connect("tiny")
    used = metrics.accuracy_in_use(con)
    arm = metrics.documents(con)["arm"][0]
    by_arm = metrics.accuracy_by_field(con).filter(pl.col("arm") == arm)
    columns = ["field", "labelled", "right_answers", "accuracy", "accuracy_low", "accuracy_high"]

    assert used.select(columns).sort("field").equals(by_arm.select(columns).sort("field"))


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (10, 10), (43, 60), (1, 1), (412, 480)])
def test_the_interval_is_wilsons(hits: int, trials: int, connect: Connect) -> None:
    """The macro gives what scipy gives, and stays within 0 and 1."""
    binomtest = pytest.importorskip("scipy.stats").binomtest
    truth = binomtest(hits, trials).proportion_ci(method="wilson")
    [(low, high)] = (
        connect("empty").execute("select wilson_low($hits, $trials), wilson_high($hits, $trials)", {"hits": hits, "trials": trials}).fetchall()
    )

    assert (low, high) == (pytest.approx(truth.low, abs=1e-7), pytest.approx(truth.high, abs=1e-7))
    assert 0 <= low <= high <= 1


def in_effect(con: duckdb.DuckDBPyConnection, documents: list[tuple[int, int]]) -> float:
    """What the macro makes of documents with so many right of so many labels, and intervals.py with it."""
    values = ", ".join(f"({hits}, {trials})" for hits, trials in documents)
    [(found,)] = con.execute(f"select trials_in_effect(hits, trials) from (values {values}) as t(hits, trials)").fetchall()
    assert intervals.trials_in_effect(*np.array(documents, dtype=float).T) == pytest.approx(found, rel=1e-7)
    return float(found)


def test_labels_of_one_document_count_as_what_they_tell(connect: Connect) -> None:
    """The design effect is that of statsmodels' cluster-robust variance, the rest scipy's Student's t over z; one label a document is itself."""
    sm, t = pytest.importorskip("statsmodels.api"), pytest.importorskip("scipy.stats").t
    con = connect("empty")
    rng = random.Random(5)
    documents = [(sum(rng.random() < ease for _ in range(trials)), trials) for trials in range(1, 9) for ease in (0.5, 0.7, 0.9, 0.99) * 2]
    right = [int(place < hits) for hits, trials in documents for place in range(trials)]
    groups = [number for number, (_, trials) in enumerate(documents) for _ in range(trials)]
    fitted = sm.OLS(right, [1.0] * len(right)).fit(cov_type="cluster", cov_kwds={"groups": groups})
    share = sum(right) / len(right)
    degrees = len(documents) - 1

    expected = share * (1 - share) / fitted.bse[0] ** 2 * (1.959964 / t.ppf(0.975, degrees)) ** 2
    assert in_effect(con, documents) == pytest.approx(expected, rel=0.001)
    assert expected < len(right)
    assert in_effect(con, [(1, 1), (0, 1), (0, 0), (1, 1)]) == 3
    assert in_effect(con, [(4, 4)] * 20) == pytest.approx(20, rel=0.15)
    assert in_effect(con, [(3, 4)]) == 1
    assert in_effect(con, [(0, 0), (0, 0)]) == 0


def test_amounts_of_different_currencies_stand_in_rows_of_their_own(connect: Connect) -> None:
    """No sum goes across currencies, and every document with an amount is in exactly one."""
    con = connect("full")
    amounts = metrics.amounts_by_currency(con)

    assert amounts["currency"].n_unique() > 2
    assert amounts["documents"].sum() == metrics.documents(con)["total_amount"].drop_nulls().len()


@pytest.mark.parametrize(("name", "auto"), [("full", False), ("tiny", False), ("simulated", True), ("mixed", False), ("empty", False)])
def test_real_money_is_shown_as_soon_as_there_is_any(name: str, auto: bool, connect: Connect) -> None:
    """auto shows simulated figures only where nothing was real; yes and no decide; another word is refused."""
    con = connect(name)

    assert metrics.choose_money(con) is auto
    assert metrics.choose_money(con, "yes") is True
    assert metrics.choose_money(con, "no") is False
    with pytest.raises(SettingsError, match="must be auto, yes or no"):
        metrics.choose_money(con, "perhaps")


def test_how_we_know_can_be_computed_again_and_moves_with_the_rows(connect: Connect) -> None:
    """The statement given yields as many rows as it says; the hash is stable and differs between periods."""
    con = connect("full")
    made = metrics.provenance(con, "cost_by_day", is_simulated=False, since=date(2026, 10, 15))

    assert con.execute(f"select count(*) from ({made.sql})").fetchall() == [(made.rows,)]
    assert made.rows == metrics.cost_by_day(con, is_simulated=False, since=date(2026, 10, 15)).height
    assert made == metrics.provenance(con, "cost_by_day", is_simulated=False, since=date(2026, 10, 15))
    assert made.sha256 != metrics.provenance(con, "cost_by_day", is_simulated=False).sha256
    assert (made.price_first, made.price_last) == (date(2026, 10, 15), date(2026, 10, 31))


def test_the_hash_holds_instants_and_rounded_numbers_not_how_a_session_writes_them() -> None:
    """Neither the time zone of a machine nor the order of an addition moves a hash."""
    con = duckdb.connect()
    time = metrics._as_text("x", "TIMESTAMP WITH TIME ZONE")
    number = metrics._as_text("x", "DOUBLE")

    assert con.execute(f"select {time} from (select timestamptz '1970-01-01 02:00:00+02' as x)").fetchall() == [("0",)]
    assert con.execute(f"select {number} from (select 0.1::double + 0.2::double as x)").fetchall() == [("0.3",)]


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in ("headline", "prompt_versions", *MACROS)])
def test_how_we_know_names_the_very_rows_that_are_shown(name: str, connect: Connect, frame: Frame) -> None:
    """The statement under a figure gives as many rows as the figure was drawn from, for either kind of money and for a period."""
    con = connect("mixed")
    given = inspect.signature(FUNCTIONS[name]).parameters
    for scope in ({"is_simulated": False}, {"is_simulated": True, "since": date(2026, 10, 19), "until": date(2026, 10, 21)}):
        scope = {argument: value for argument, value in scope.items() if argument in given}
        if scope:
            made = metrics.provenance(con, name, **scope)
            assert made.rows == frame(name, "mixed", **scope).height
            assert con.execute(f"select count(*) from ({made.sql})").fetchall() == [(made.rows,)]


def test_a_view_that_does_not_exist_is_refused_before_any_sql_is_built(connect: Connect) -> None:
    """A name that is no view reaches no statement."""
    with pytest.raises(SettingsError, match="no such view"):
        metrics.provenance(connect("tiny"), "documents; drop table labels_log")


def test_a_database_without_the_views_says_what_to_do() -> None:
    """A database that another version left without its views is named as such, not as a bug."""
    with pytest.raises(WorkspaceUnusable, match="autod migrate"):
        metrics.cost_by_day(duckdb.connect(config={"python_enable_replacements": "false"}))


def test_times_are_utc_and_say_so() -> None:
    """An instant written in another zone and a plain UTC timestamp both come as UTC."""
    frame = metrics.read(duckdb.connect(), "select timestamptz '2026-10-12 04:00:00+02' as seen_at, make_timestamp(0) as hour_utc")

    assert frame["seen_at"][0] == datetime(2026, 10, 12, 2, tzinfo=UTC)
    assert frame.schema == {"seen_at": pl.Datetime("us", "UTC"), "hour_utc": pl.Datetime("us", "UTC")}


def test_a_correct_document_costs_what_an_answered_one_does_over_the_share_that_is_right(connect: Connect) -> None:
    """The figure of the notebook, of the report and of this test come from the same two views."""
    con = connect("full")
    units, right = metrics.unit_economics(con).row(0, named=True), metrics.documents_right(con).row(0, named=True)
    headline = metrics.headline(con).row(0, named=True)

    assert units["cost_a_document_usd"] == headline["cost_a_document_usd"]
    assert units["cost_a_thousand_pages_usd"] == headline["cost_a_thousand_pages_usd"]
    assert abs(units["cost_a_correct_document_usd"] * right["right_documents"] / right["labelled"] - units["cost_a_document_usd"]) < Decimal("1e-11")
    assert units["correct_low_usd"] < units["cost_a_correct_document_usd"] < units["correct_high_usd"]


def test_the_forecast_adds_the_mean_of_the_days_before_to_what_is_spent(connect: Connect) -> None:
    """Quiet days count as nothing, today as spent, and the interval holds the forecast; after the last day nothing is left to guess."""
    con = connect("full")
    row = metrics.month_forecast(con, today=date(2026, 10, 28)).row(0, named=True)
    by_day = {item["day_utc"]: item["cost_usd"] or Decimal(0) for item in metrics.headline_by_day(con).iter_rows(named=True)}
    before = [by_day.get(date(2026, 10, 12) + timedelta(days=index), Decimal(0)) for index in range(16)]

    assert (row["days_left"], row["days_seen"]) == (3, 16)
    assert row["spent_usd"] == sum(value for moment, value in by_day.items() if moment <= date(2026, 10, 28))
    assert abs(row["forecast_usd"] - row["spent_usd"] - 3 * sum(before) / 16) < Decimal("1e-9")
    assert row["spent_usd"] <= row["forecast_low_usd"] < row["forecast_usd"] < row["forecast_high_usd"]

    ended = metrics.month_forecast(con, today=date(2026, 10, 31)).row(0, named=True)
    assert ended["forecast_low_usd"] == ended["forecast_usd"] == ended["forecast_high_usd"] == ended["spent_usd"]


def test_a_forecast_needs_a_day_before_today_and_its_interval_a_week(connect: Connect) -> None:
    """What nobody can know is NULL, never a number."""
    con = connect("full")
    first, third = (metrics.month_forecast(con, today=date(2026, 10, day)).row(0, named=True) for day in (12, 15))

    assert first["forecast_usd"] is None
    assert third["forecast_usd"] is not None
    assert third["forecast_low_usd"] is third["forecast_high_usd"] is None


def test_input_modes_are_compared_on_the_same_documents_alone(connect: Connect) -> None:
    """A mode never looks cheaper because it was given the shorter documents."""
    rows = {row["input_mode"]: row for row in metrics.input_modes_compared(connect("modes")).iter_rows(named=True)}

    assert set(rows) == {"text", "file-low", "auto"}
    assert {row["documents"] for row in rows.values()} == {2}
    assert rows["auto"]["cost_usd"] == rows["text"]["cost_usd"]  # both have a good text layer
    assert all(row["labelled"] == 16 and row["accuracy_low"] <= row["accuracy"] <= row["accuracy_high"] for row in rows.values())


def test_the_parts_of_a_document_are_its_cost_and_the_reason_is_one_of_them(connect: Connect) -> None:
    """Why a document was dear is told by the part that stands out, and no part is lost."""
    for row in metrics.cost_reasons(connect("full")).iter_rows(named=True):
        assert row["input_usd"] + row["cache_write_usd"] + row["output_usd"] + row["further_calls_usd"] == row["cost_usd"]
        assert row["reason"]


def test_the_record_is_searched_by_words_and_ranked_as_bm25_does(connect: Connect) -> None:
    """The same documents in the same order with the same scores as another implementation of the same formula gives."""
    con, query = connect("full"), "A receipt of Northwind, please: INVOICE"
    hits = metrics.search_record(con, query, is_simulated=False, limit=5)
    columns = "file_name, doc_type, doc_subtype, issuer, recipient, summary, tags, notes, ocr_text_excerpt"
    texts = con.execute(f"select document_sha256, {columns} from documents where not is_simulated and not is_deleted").fetchall()
    words = {sha: words_of(" ".join(str(part).replace("_", " ") for part in parts if part is not None)) for sha, *parts in texts}
    ranked = ranking([(sha, Chunk("", Counter(found), len(found))) for sha, found in words.items()], query)
    best = sorted((-score, sha) for score, (sha, _) in ranked)[:5]

    assert hits["place"].to_list() == [1, 2, 3, 4, 5]
    assert hits["document_sha256"].to_list() == [sha for _, sha in best]
    assert hits["score"].to_list() == pytest.approx([-score for score, _ in best], abs=1e-5)
    assert metrics.search_record(con, "zebra !?").is_empty()
    assert metrics.search_record(con, "").is_empty()
