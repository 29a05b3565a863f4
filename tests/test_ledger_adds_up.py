"""The ledger adds up: whatever happened, every view that sums money sums to the calls, to the last decimal, and no kind of money meets another."""

import shutil
import tempfile
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autod_lib import journal, store
from autod_lib.journal import Journal
from autod_lib.prices import Cost, Usage, believable, price_call, upper_bound

# Views with a cost that are no sum over the whole ledger, and why.
PARTS = {
    "calls_by_window": "calls of windows that hold each other",
    "batches": "calls that were sent in batches",
    "errors_by_kind": "calls in which something went wrong",
    "calls_with_errors": "the same calls one by one",
    "estimate_vs_bill": "answered calls that were estimated",
    "estimate_by_run": "runs that were forecast",
    "document_problems": "documents that went wrong",
    "calls_reconciled": "calls that were unsettled until the provider's data told how they ended",
    "documents": "documents that were read, in the one kind of money that is shown of each",
    "priced_calls": "answered calls with a known price, each beside what it would have cost otherwise",
    "cost_reasons": "what the priced calls of a document are made of",
    "input_modes_compared": "documents that were asked in every mode",
}
NO_TOTALS = PARTS.keys() - {"documents", "errors_by_kind"}  # comparisons and lists: what is unsettled has no place in them
ONE_ROW_A_CALL = {"api_calls", "calls_as_billed"}
COUNTS = ("calls", "calls_unpriced", "calls_unsettled", "unsettled_upper_usd", "cost_usd")
# Midnights and changes of the clock, in UTC and as other zones write them, and days on which prices changed.
EDGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # Europe begins summer time
    datetime(2026, 10, 25, 1, tzinfo=UTC),  # and ends it
    datetime(2026, 11, 1, 2, tzinfo=timezone(timedelta(hours=-4))),  # America ends it
    datetime(2026, 7, 30, tzinfo=UTC),
    datetime(2026, 10, 14, tzinfo=timezone(timedelta(hours=14))),
    datetime(2026, 10, 14, tzinfo=timezone(timedelta(hours=-12))),
    datetime(2027, 1, 1, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),  # a machine that lost its clock
]


@dataclass(frozen=True)
class Call:
    """One call as it happened, and what it cost by the prices of its day."""

    call_id: str
    run: int
    fate: str
    model: str
    tier: str | None
    usage: Usage
    is_simulated: bool
    document: str | None
    started_at: datetime
    finished_at: datetime

    @property
    def cost(self) -> Cost:
        """As api.py prices it: only an answer has a price."""
        return price_call(self.model, self.usage, self.started_at, self.tier) if self.fate == "answered" else Cost(None, None)

    @property
    def upper_usd(self) -> Decimal | None:
        """Its bound, as stored with its start."""
        return upper_bound(self.model, self.started_at, 5000, 4096)

    @property
    def is_unsettled(self) -> bool:
        """Whether nobody knows how it ended."""
        return self.fate in ("unsettled", "no end")

    @property
    def day(self) -> Any:
        """The UTC day that it counts for: that of its end, or of its start where it has none."""
        return (self.started_at if self.fate == "no end" else self.finished_at).astimezone(UTC).date()


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """What answers say they used: mostly sound, some silent, some that cannot be true."""
    whole = draw(st.sampled_from([0, 1, 1999, 272_000, 272_001, 10**9]))
    cached = draw(st.sampled_from([None, 0, whole // 3, whole + 1]))
    written = draw(st.sampled_from([None, 0, whole // 3]))
    longer = draw(st.sampled_from([None, 0, (written or 0) // 2]))
    output = draw(st.sampled_from([None, 0, 7, 4096, -1]))
    return Usage(draw(st.sampled_from([whole, whole, whole, None])), cached, written, None, longer, output, None)


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """Calls of every fate."""
    started_at = draw(st.sampled_from(EDGES)) + timedelta(microseconds=draw(st.integers(-3_000_000, 3_000_000)))
    return Call(
        str(uuid.UUID(int=draw(st.integers(0, 2**128 - 1)), version=4)),
        draw(st.integers(0, 2)),
        draw(st.sampled_from(["answered", "answered", "answered", "failed", "unsettled", "no end"])),
        draw(st.sampled_from(["gpt-6-luna", "gpt-5.6-luna", "gpt-4.1", "gpt-9-unheard-of"])),
        draw(st.sampled_from([None, "default", "flex", "batch", "priority", "scale"])),
        draw(usages()),
        draw(st.booleans()),
        draw(st.sampled_from([None, "a" * 64, "b" * 64])),
        started_at,
        started_at + timedelta(seconds=draw(st.sampled_from([0, 2, 90_000, -3600]))),  # the clock can go back during a call
    )


def write(home: Path, made: list[Call]) -> None:
    """Writes the calls as runs do; a run with a call that has no end was killed."""
    for run in sorted({call.run for call in made}):
        own = [call for call in made if call.run == run]
        with Journal(home, f"20261124-00000{run}-00000000") as segment:
            segment.write("run_started", command="ingest", is_simulated=own[0].is_simulated)
            for call in own:
                start = {
                    "call_id": call.call_id,
                    "logged_at": call.started_at,
                    "document_sha256": call.document,
                    "model": call.model,
                    "input_mode": "text",
                    "attempt": 1,
                    "cost_upper_usd": call.upper_usd,
                    "is_simulated": call.is_simulated,
                }
                segment.write("call_started", **start)
                if call.fate == "no end":
                    continue
                used = believable(call.usage) if call.fate == "answered" else Usage()
                segment.write(
                    "call_finished",
                    **start | {"logged_at": call.finished_at},
                    started_at=call.started_at,
                    finished_at=call.finished_at,
                    status=call.fate,
                    outcome="refusal" if call.fate == "answered" else "error",
                    service_tier=call.tier,
                    **{name: getattr(used, name) for name in Usage.__slots__},
                    **call.cost.columns(),
                    price_warning=call.cost.warning,
                )
            if not any(call.fate == "no end" for call in own):
                segment.write("run_finished", exit_status=0, state="finished")


def totals(made: list[Call]) -> dict[str, Any]:
    """What the calls come to: as every view that sums must say it."""
    return {
        "calls": len(made),
        "calls_unpriced": sum(call.fate == "answered" and call.cost.cost_usd is None for call in made),
        "calls_unsettled": sum(call.is_unsettled for call in made),
        "unsettled_upper_usd": sum((call.upper_usd or Decimal(0) for call in made if call.is_unsettled), Decimal(0)),
        "cost_usd": sum((call.cost.cost_usd or Decimal(0) for call in made), Decimal(0)),
    }


def taken_by(made: list[Call], is_simulated: bool) -> tuple[Decimal, Decimal]:
    """What the calls of one kind of money take of a budget: their cost, or the bound of those that may have cost something nobody knows."""
    own = [call for call in made if call.is_simulated == is_simulated]
    unknown = [call.upper_usd or Decimal(0) for call in own if call.is_unsettled or (call.fate == "answered" and call.cost.cost_usd is None)]
    return sum((call.cost.cost_usd or Decimal(0) for call in own), Decimal(0)), sum(unknown, Decimal(0))


def by(made: list[Call], key: Callable[[Call], Any]) -> dict[Any, dict[str, Any]]:
    """The same, group by group."""
    groups = defaultdict(list)
    for call in made:
        groups[key(call)].append(call)
    return {name: totals(group) for name, group in groups.items()}


def said(con: duckdb.DuckDBPyConnection, view: str, *keys: str) -> dict[Any, dict[str, Any]]:
    """What a view says, group by group."""
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in COUNTS)
    rows = con.execute(f"select {', '.join(keys)}, {sums} from {view} group by {', '.join(keys)}").fetchall()
    return {row[0] if len(keys) == 1 else row[: len(keys)]: dict(zip(COUNTS, row[len(keys) :], strict=True)) for row in rows}


def views_with(con: duckdb.DuckDBPyConnection, column: str) -> dict[str, set[str]]:
    """Every view that has such a column, with all its columns."""
    views = {name for (name,) in con.execute("select view_name from duckdb_views() where not internal").fetchall()}
    found = defaultdict(set)
    for table, name in con.execute("select table_name, column_name from duckdb_columns() where not internal").fetchall():
        if table in views:
            found[table].add(name)
    return {view: columns for view, columns in found.items() if column in columns}


@contextmanager
def ledger(made: list[Call], empty_database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A real workspace in which just these calls happened, loaded and open for reading."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copy(empty_database, store.database(home))
        write(home, made)
        with store.reading(home) as con:
            assert con.execute("select count(*) from quarantined_lines").fetchall() == [(0,)]
            yield con


@settings(max_examples=15)
@given(st.lists(calls(), min_size=1, max_size=40, unique_by=lambda call: call.call_id))
def test_every_view_adds_up_to_the_ledger(empty_database: Path, made: list[Call]) -> None:
    """Random ledgers: failed, refused, unsettled, unpriced, simulated and real calls, with and without a document, on every edge of a day."""
    truth = by(made, lambda call: call.is_simulated)
    with ledger(made, empty_database) as con:
        for view in sorted(views_with(con, "cost_usd").keys() - PARTS.keys() - ONE_ROW_A_CALL):
            assert said(con, view, "is_simulated") == truth, view
        assert said(con, "headline(null, null)", "is_simulated") == truth
        bill = con.execute(
            "select is_simulated, sum(calls), coalesce(sum(as_billed_usd), 0) from cost_by_price where price = 'as billed' group by all"
        )
        assert {row[0]: row[1:] for row in bill.fetchall()} == {kind: (part["calls"], part["cost_usd"]) for kind, part in truth.items()}

        taken = con.execute("select is_simulated, sum(settled_usd), sum(open_usd) from budget_taken group by all")
        assert {row[0]: row[1:] for row in taken.fetchall()} == {kind: taken_by(made, kind) for kind in truth}

        for view in ("cost_by_day", "headline_by_day"):
            assert said(con, view, "day_utc", "is_simulated") == by(made, lambda call: (call.day, call.is_simulated))
        assert said(con, "cost_by_document", "document_sha256", "is_simulated") == by(made, lambda call: (call.document, call.is_simulated))
        assert said(con, "cost_by_model", "model", "is_simulated") == by(made, lambda call: (call.model, call.is_simulated))
        assert said(con, "cost_by_run", "right(left(run_id, 15), 1)::int", "is_simulated") == by(made, lambda call: (call.run, call.is_simulated))


@settings(max_examples=12)
@given(st.lists(calls(), min_size=1, max_size=40, unique_by=lambda call: call.call_id))
def test_every_row_adds_up_and_every_price_is_its_own(empty_database: Path, made: list[Call]) -> None:
    """Uncached, read and written tokens are the input; the parts are the cost; as billed, today and another tier are what a pricing of each says."""
    with ledger(made, empty_database) as con:
        for view in ONE_ROW_A_CALL:
            rows = {str(row["call_id"]): row for row in store.rows(con, f"from {view}")}
            assert rows.keys() == {call.call_id for call in made}
            for call in made:
                row = rows[call.call_id]
                assert row["cost_usd"] == call.cost.cost_usd
                if row["input_tokens"] is not None:
                    assert row["uncached_tokens"] + (row["cached_tokens"] or 0) + (row["cache_write_tokens"] or 0) == row["input_tokens"]
                    assert row["uncached_tokens"] >= 0
                if row["cost_usd"] is not None:
                    assert row["uncached_usd"] + row["cached_usd"] + row["cache_write_usd"] + row["output_usd"] == row["cost_usd"]
        known = {call.call_id: call for call in made}
        today = store.rows(con, "from calls_at_todays_price")
        assert len(today) == len(made)
        for row in today:
            call = known[str(row["call_id"])]
            again = price_call(call.model, call.usage, journal.now(), call.tier).cost_usd if call.fate == "answered" else None
            assert (row["as_billed_usd"], row["at_todays_price_usd"]) == (call.cost.cost_usd, again)
        others = store.rows(con, "from calls_in_another_tier")
        assert max(Counter((row["call_id"], row["service_tier"]) for row in others).values(), default=1) == 1
        for row in others:
            call = known[str(row["call_id"])]
            assert row["service_tier"] != row["service_tier_billed"]
            assert row["in_tier_usd"] == price_call(call.model, call.usage, call.started_at, row["service_tier"]).cost_usd


def test_every_view_that_sums_money_shows_what_is_unsettled_beside_it(empty_database: Path) -> None:
    """No total stands alone: a view with a cost has the calls without a price, the unsettled ones and what those can cost, all explained."""
    with ledger([], empty_database) as con:
        for view, columns in views_with(con, "cost_usd").items():
            if view not in ONE_ROW_A_CALL | NO_TOTALS:
                assert {"calls_unsettled", "unsettled_upper_usd", "is_simulated"} <= columns, view


def test_a_later_price_never_prices_the_past_again(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another day and another price list: the bill is the same, only the views that ask "what if" move, and reading is enough to move them."""
    from autod_lib import prices

    shutil.copy(empty_database, store.database(tmp_path))
    used = Usage(1_000_000, 0, 0, output_tokens=0)
    at = datetime(2026, 7, 29, 12, tzinfo=UTC)
    write(tmp_path, [Call(str(uuid.uuid4()), 0, "answered", "gpt-5.6-luna", None, used, False, None, at, at)])
    views = "select (select sum(cost_usd) from api_calls), (select sum(at_todays_price_usd) from calls_at_todays_price)"
    for day, price in (("2026-07-29", "2"), ("2026-07-30", "0.4"), ("2026-11-24", "0.4")):
        monkeypatch.setattr(journal, "now", lambda day=day: datetime.fromisoformat(f"{day}T23:59:59+00:00"))
        with store.reading(tmp_path) as con:
            assert con.execute(views).fetchall() == [(Decimal(2), Decimal(price))]
            assert con.execute("select distinct price_date::varchar from calls_at_todays_price").fetchall() == [(day,)]
    own = tmp_path / "own.toml"
    own.write_text('[[model]]\nmodel = "gpt-5.6-luna"\nsince = 2026-01-01\nsource = "contract 9"\ninput = 0.3\noutput = 1\n')
    try:
        prices.use_file(own)
        with store.reading(tmp_path) as con:
            assert con.execute(views).fetchall() == [(Decimal(2), Decimal("0.3"))]
    finally:
        prices.use_file(None)


def test_a_database_made_again_from_the_journal_has_the_same_prices(tmp_path: Path, empty_database: Path) -> None:
    """The price list is no record of the workspace's own: it comes back by itself, for every day and model of the ledger."""
    shutil.copy(empty_database, store.database(tmp_path))
    used = Usage(3000, 1000, 0, output_tokens=10)
    write(tmp_path, [Call(str(uuid.uuid4()), run, "answered", "gpt-6-luna", tier, used, False, None, at, at) for run, (tier, at) in enumerate(
        [(None, EDGES[0]), ("batch", EDGES[5]), ("flex", EDGES[3])]
    )])  # fmt: skip
    listed = "select * from price_list order by all"
    with store.reading(tmp_path) as con:
        before = con.execute(listed).fetchall()
    for file in tmp_path.glob(f"{store.DATABASE}*"):
        file.unlink()
    with store.reading(tmp_path) as con:
        assert con.execute(listed).fetchall() == before
    assert len({row[1] for row in before}) == 4, "three days of sending, and today"
