"""The ledger repriced: exact to the last decimal, by policies that could have been chosen, with advice that says what it assumes."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pytest

from autod_lib import advise, metrics, store
from autod_lib.journal import Journal
from autod_lib.store import reading

from . import ledger
from .pipeline import autod

AT = datetime(2026, 11, 10, 9, tzinfo=UTC)
LUNA = {"input": "0.1", "cached": "0.01", "written": "0.125", "output": "0.5"}
PAGE_LOW, PAGE_HIGH = 231, 1080


def call(number: int, minutes: float = 0, **given: Any) -> dict[str, Any]:
    """The columns of an answered call of 3,000 input and 400 output tokens, priced as gpt-6-luna, that takes a second."""
    made: dict[str, Any] = {
        "call_id": UUID(int=number),
        "request_key": str(number),
        "document_sha256": f"{number:064d}",
        "arm": "arm",
        "purpose": "extract",
        "model": "gpt-6-luna",
        "model_answered": "gpt-6-luna",
        "input_mode": "text",
        "reasoning_effort": "low",
        "prompt_hash": "p",
        "cache_policy": "none",
        "is_simulated": False,
        "started_at": AT + timedelta(minutes=minutes),
        "finished_at": AT + timedelta(minutes=minutes, seconds=1),
        "status": "answered",
        "outcome": "completed",
        "input_tokens": 3000,
        "cached_tokens": 0,
        "cache_write_tokens": 0,
        "cache_write_12h_tokens": 0,
        "output_tokens": 400,
        "reasoning_tokens": 64,
        "price_date": AT.date(),
        "price_rates": LUNA,
        **given,
    }
    made["cost_usd"] = made.get("cost_usd", cost(made, LUNA))
    return made


def cost(row: dict[str, Any], rates: dict[str, str], share: str = "1") -> Decimal:
    """What the tokens of a call cost at these rates, by hand."""
    written = row["cache_write_tokens"]
    plain = row["input_tokens"] - row["cached_tokens"] - written
    parts = {"input": plain, "cached": row["cached_tokens"], "written": written + row["cache_write_12h_tokens"], "output": row["output_tokens"]}
    return sum((Decimal(rates[kind]) * tokens for kind, tokens in parts.items()), Decimal(0)) * Decimal(share) / 1_000_000


def workspace(home: Path, *calls: dict[str, Any], pages: int = 3, text_layer: str = "good") -> Path:
    """A workspace with these calls; every document has so many pages, and the prefix 1,600 tokens."""
    with Journal(home, "20261110-090000-00000001") as journal:
        journal.write("run_started", command="ingest", is_simulated=False)
        journal.write("prompt_version", prompt_hash="p", prefix_tokens=1600)
        for sha256 in sorted({row["document_sha256"] for row in calls if row["document_sha256"]}):
            journal.write("document_read", document_sha256=sha256, page_count=pages, text_layer=text_layer, status="readable", file_name="a.pdf")
            journal.write("sighting", path=f"/in/{sha256}.pdf", document_sha256=sha256, logged_at=AT)
        for row in calls:
            journal.write("call_finished", **row)
        journal.write("run_finished", exit_status=0, state="finished")
    return home


def policies(home: Path, **scope: Any) -> dict[str, dict[str, Any]]:
    """The table of what was left, by policy."""
    with reading(home) as con:
        return {row["policy"]: row for row in advise.left_on_table(con, **scope).iter_rows(named=True)}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real and simulated weeks of two models."""
    home = tmp_path_factory.mktemp("mixed")
    ledger.mixed(home)
    store.load(home)
    return home


def each_call(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The priced calls of the ledger as its own table has them."""
    return store.rows(con, "from calls_finished where status = 'answered' and cost_usd is not null")


def test_every_policy_is_the_sum_of_its_calls_to_the_last_decimal(mixed: Path) -> None:
    """No float passes through: without a mark, every call is its tokens at the plain rates, added by hand."""
    with reading(mixed) as con:
        table = {(row["policy"], row["is_simulated"]): row for row in advise.left_on_table(con).iter_rows(named=True)}
        calls = each_call(con)
    for kind in (True, False):
        mine = [row for row in calls if row["is_simulated"] is kind]
        plain = sum(
            (
                (Decimal(rates["input"]) * row["input_tokens"] + Decimal(rates["output"]) * row["output_tokens"]) / 1_000_000
                for row in mine
                for rates in [json.loads(row["price_rates"])]
            ),
            Decimal(0),
        )
        assert table["as billed", kind]["repriced_usd"] == table["as billed", kind]["cost_usd"] == sum(row["cost_usd"] for row in mine)
        assert table["no mark", kind]["repriced_usd"] == plain
        assert table["as billed", kind]["saved_usd"] == 0
        assert all(row["calls"] + row["calls_kept"] == len(mine) for (_, simulated), row in table.items() if simulated is kind)
        best = table[advise.BEST, kind]
        assert all(best["saved_usd"] >= table[name, kind]["saved_usd"] for name in ("as billed", "no mark", "mark after the prefix"))


def test_from_the_naive_bill_the_parts_lead_to_ours_exactly(mixed: Path) -> None:
    """What each choice saved adds up, day by day and kind of money by kind of money, and nothing is counted twice."""
    with reading(mixed) as con:
        frame = advise.savings(con)
        truth = dict(con.execute("select is_simulated, sum(cost_usd) from calls_finished group by all").fetchall())
    for row in frame.iter_rows(named=True):
        parts = sum(row[f"saved_by_{part}_usd"] for part in ("dedupe", "input_mode", "cache", "tier"))
        assert row["naive_usd"] - parts == row["cost_usd"]
    for kind in (True, False):
        assert sum(row["cost_usd"] for row in frame.iter_rows(named=True) if row["is_simulated"] is kind) == truth[kind]


def test_a_mark_is_written_once_and_read_until_half_an_hour_has_passed(tmp_path: Path) -> None:
    """Calls without a mark are replayed with one: the first writes, one that begins within 30 minutes of an end reads, a later one writes again."""
    calls = [call(1, 0), call(2, 10), call(3, 39), call(4, 75)]
    home = workspace(tmp_path, *calls)
    writes, reads = (cost({**calls[0], "cache_write_tokens": written, "cached_tokens": cached}, LUNA) for written, cached in ((1600, 0), (0, 1600)))
    found = policies(home)

    assert found["mark after the prefix"]["repriced_usd"] == 2 * writes + 2 * reads
    assert found["implicit"]["repriced_usd"] == 4 * cost({**calls[0], "cache_write_tokens": 3000}, LUNA)


def test_calls_that_start_together_each_write_the_prefix(tmp_path: Path) -> None:
    """A fan-out without a first call alone pays every write, and beyond 15 calls a minute a further machine must write it too."""
    together = policies(workspace(tmp_path / "together", *(call(number, 0) for number in range(1, 6))))
    spread = policies(workspace(tmp_path / "spread", *(call(number, number * 0.03) for number in range(1, 21))))
    writes, reads = (cost({**call(1), "cache_write_tokens": written, "cached_tokens": cached}, LUNA) for written, cached in ((1600, 0), (0, 1600)))

    assert together["mark after the prefix"]["repriced_usd"] == 5 * writes
    assert spread["mark after the prefix"]["repriced_usd"] == 2 * writes + 18 * reads


def test_another_input_mode_is_known_where_the_document_was_asked_in_it(tmp_path: Path) -> None:
    """The other answer's tokens count; where there is none, the images of the pages do, and text only if its layer is good."""
    both = [call(1, 0), call(2, 1, document_sha256=f"{1:064d}", input_mode="file-low", input_tokens=3240, output_tokens=390), call(3, 2)]
    found = policies(workspace(tmp_path, *both))
    billed = sum(row["cost_usd"] for row in both)
    low = found["input file-low"]

    assert (low["calls"], low["calls_measured"], low["calls_kept"]) == (2, 1, 1)
    assert low["repriced_usd"] == billed + (240 * Decimal("0.1") - 10 * Decimal("0.5") + 3 * PAGE_LOW * Decimal("0.1")) / 1_000_000
    assert found["input text"]["repriced_usd"] == billed - (240 * Decimal("0.1") - 10 * Decimal("0.5")) / 1_000_000
    assert found["input text"]["changes_answers"]


def test_text_is_never_advised_for_pages_that_have_none(tmp_path: Path) -> None:
    """A scan costs its images; that text would be cheaper is no advice."""
    scan = call(1, 0, input_mode="file-low")

    assert "input text" not in policies(workspace(tmp_path, scan, text_layer="none"))


def test_a_run_that_did_not_read_the_text_hides_no_text_layer(tmp_path: Path) -> None:
    """What an earlier run found of the text still holds after files were sent as they are."""
    home = workspace(tmp_path, call(1, 0, input_mode="file-low"))
    with Journal(home, "20261110-100000-00000002") as journal:
        journal.write("run_started", command="ingest", is_simulated=False)
        journal.write("document_read", document_sha256=f"{1:064d}", page_count=3, text_layer="unread", status="readable", file_name="a.pdf")
        journal.write("run_finished", exit_status=0, state="finished")

    assert policies(home)["input text"]["saved_usd"] == 3 * PAGE_LOW * Decimal("0.1") / 1_000_000


def test_retries_are_what_a_document_was_asked_beyond_the_first_time(tmp_path: Path) -> None:
    """A repair is billed; another document's call is none."""
    again = call(2, 1, document_sha256=f"{1:064d}", purpose="repair")
    found = policies(workspace(tmp_path, call(1), again, call(3, 2)))["no retries"]

    assert found["saved_usd"] == again["cost_usd"]


def test_a_further_path_of_a_content_is_saved_at_its_naive_cost(tmp_path: Path) -> None:
    """Dedupe is counted from what was seen: a file that moved is no duplicate."""
    home = workspace(tmp_path, call(1, 0), call(2, 0, cache_policy="implicit", input_mode="file-high"))
    with Journal(home, "20261110-100000-00000002") as journal:
        journal.write("run_started", command="ingest", is_simulated=False)
        journal.write("sighting", path="/in/copy.pdf", document_sha256=f"{2:064d}", logged_at=AT + timedelta(hours=1))
        journal.write("sighting", path="/in/gone.pdf", document_sha256=f"{1:064d}", logged_at=AT + timedelta(hours=1))
        journal.write("sighting", path="/in/gone.pdf", problem="vanished", logged_at=AT + timedelta(hours=2))
        journal.write("run_finished", exit_status=0, state="finished")
    with reading(home) as con:
        row = advise.savings(con).row(0, named=True)

    assert row["duplicates"] == 1
    assert row["saved_by_dedupe_usd"] == call(2)["cost_usd"]
    assert row["saved_by_input_mode_usd"] == 3 * PAGE_HIGH * Decimal("0.125") / 1_000_000
    assert row["saved_by_cache_usd"] == 3000 * Decimal("0.025") / 1_000_000


def test_another_models_price_is_that_of_the_calls_own_day(tmp_path: Path) -> None:
    """The same tokens at the rates that the other model had then; a model that nobody prices is left out, never free."""
    found = policies(workspace(tmp_path, call(1)), models=["gpt-5-nano", "gpt-6-nobody"])

    assert found["model:gpt-5-nano"]["repriced_usd"] == (3000 * Decimal("0.05") + 400 * Decimal("0.4")) / 1_000_000
    assert "model:gpt-6-nobody" not in found


def test_batch_and_flex_are_priced_by_the_price_list(tmp_path: Path) -> None:
    """Half the price; a batch reads nothing from the cache, flex keeps it."""
    read = call(1, cached_tokens=1600)
    found = policies(workspace(tmp_path, read))

    assert found["batch"]["repriced_usd"] == cost({**read, "cached_tokens": 0}, LUNA, "0.5")
    assert found["flex"]["repriced_usd"] == cost(read, LUNA, "0.5")


def test_an_advice_names_the_setting_the_amount_and_the_assumption(tmp_path: Path) -> None:
    """Whoever reads it can do it, and knows what it rests on; what saves nothing is no advice."""
    with reading(workspace(tmp_path, call(1), call(2, 5), call(3, 6, document_sha256=f"{1:064d}", purpose="repair"))) as con:
        table = advise.left_on_table(con, models=["gpt-6-sol"])
    found = {item.policy: item for item in advise.advice(table)}

    assert found["mark after the prefix"].change == "AUTOD_CACHE_POLICY=explicit"
    assert "30 minutes" in found["mark after the prefix"].sentence
    assert found["no retries"].changes_answers
    assert "model:gpt-6-sol" not in found
    assert all(item.saved_usd > 0 and item.assumption in item.sentence for item in found.values())
    assert [item.saved_usd for item in advise.advice(table)] == sorted((item.saved_usd for item in found.values()), reverse=True)


def test_a_period_is_repriced_alone(tmp_path: Path) -> None:
    """Advice about October says nothing of November."""
    home = workspace(tmp_path, call(1), call(2, 60 * 24))
    both, one = policies(home), policies(home, since=AT.date(), until=AT.date())

    assert both["as billed"]["calls"] == 2 * one["as billed"]["calls"] == 2
    assert both["no mark"]["cost_usd"] == 2 * one["no mark"]["cost_usd"]


def test_the_command_prints_one_object_with_its_assumptions(tmp_path: Path) -> None:
    """`autod advise --json` gives what the notebook shows; an empty ledger is no error."""
    home = workspace(tmp_path / "home", call(1), call(2, 5))
    told = json.loads(autod("advise", "--json", "--model", "gpt-5-nano", home=home).stdout)
    text = autod("advise", home=home).stdout
    empty = autod("advise", home=tmp_path / "nothing")

    assert {item["policy"] for item in told["policies"]} >= {"as billed", "no mark", "implicit", "model:gpt-5-nano", advise.BEST}
    assert all(item["assumption"] and isinstance(item["saved_usd"], str) for item in told["advice"])
    assert told["is_simulated"] is False
    assert "AUTOD_CACHE_POLICY=explicit would have saved" in text
    assert (empty.returncode, "No call has a price yet" in empty.stdout) == (0, True)


def test_the_notebook_can_say_from_what_it_was_made(mixed: Path) -> None:
    """The repriced figures stand on priced_calls, whose rows and hash anyone can compute again."""
    with reading(mixed) as con:
        made = metrics.provenance(con, "priced_calls", is_simulated=False)
        assert made.rows == con.execute("select count(*) from priced_calls where not is_simulated").fetchall()[0][0] > 0
