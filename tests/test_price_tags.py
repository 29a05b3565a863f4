"""The price tags of the fields: they add up to what was billed, and say how often a field is filled and right."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autod_lib import charts, local_api, price_tags, store, words
from autod_lib.document import FIELDS, PROFILES
from autod_lib.page import SIMULATED
from autod_lib.price_tags import REASONING, field_prices, shared_out, slices

from .pipeline import make_inbox, one, rows, run, settings_for

VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=5)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three documents asked for all fields, one for the core alone, by the simulated API."""
    folder = tmp_path_factory.mktemp("tags")
    with local_api.running() as address:
        assert run(make_inbox(folder / "all", 3), settings_for(folder / "home", address)).processed == 3
        assert run(make_inbox(folder / "core", 1, first=7), settings_for(folder / "home", address, fields="core")).processed == 1
    return folder / "home"


@given(st.dictionaries(st.text(), VALUES, max_size=6), st.sampled_from([None, 2]))
def test_the_parts_of_an_answer_are_all_of_it(record: dict[str, object], indent: int | None) -> None:
    """Every key is found once with its value, however the answer is spaced and whatever its strings hold."""
    text = json.dumps(record, indent=indent)
    found = slices(text)

    assert {key: value for key, (_, value) in found.items()} == record
    assert all(part in text for part, _ in found.values())


@given(st.integers(0, 10_000), st.dictionaries(st.text(max_size=3), st.integers(0, 500), min_size=1, max_size=22))
def test_a_total_is_shared_out_without_a_rest(total: int, weights: dict[str, int]) -> None:
    """No token is lost or counted twice, and no share is a whole token away from its part."""
    shares = shared_out(total, weights)

    if sum(weights.values()):
        assert sum(shares.values()) == total
        assert all(abs(shares[name] - total * weight / sum(weights.values())) < 1 for name, weight in weights.items())


def test_the_price_tags_add_up_to_the_output_that_was_billed(home: Path) -> None:
    """Fields and reasoning together are the output tokens and the USD of the ledger, to the last decimal."""
    with store.reading(home) as con:
        tags = field_prices(con, is_simulated=True)
    billed_tokens, billed = rows(home, "select sum(output_tokens), sum(output_usd) from calls_finished")[0]

    assert sum(tags["tokens"].to_list()) == billed_tokens
    assert sum(tags["cost_usd"].to_list(), Decimal(0)) == billed
    assert abs(float(tags["share_of_output"].sum()) - 1) < 1e-9
    assert tags.filter(tags["field"] == REASONING)["tokens"].to_list() == [one(home, "select sum(reasoning_tokens) from calls_finished")]
    assert set(tags["field"].to_list()) == {*FIELDS, REASONING}


def test_a_field_that_was_not_asked_for_is_neither_paid_nor_empty(home: Path) -> None:
    """How often a field is filled is told of the answers that had it; in the table it is NULL, and the arm says so."""
    with store.reading(home) as con:
        tags = {row["field"]: row for row in field_prices(con, is_simulated=True).iter_rows(named=True)}
    fewer = rows(home, "select summary, tags, deadlines, doc_type, arm from extractions where arm like '% · 1.core'")
    keys = rows(home, "select distinct schema_version, prompt_hash from calls_finished")

    assert tags["summary"]["share_filled"] == 1.0
    assert tags["summary"]["filled"] == 3
    assert tags["doc_type"]["filled"] == tags["doc_type"]["answers"] == 4
    assert [row[:4] for row in fewer] == [(None, None, None, "Invoice")]
    assert len(keys) == len({schema for schema, _ in keys}) == len({prompt for _, prompt in keys}) == 2


def test_a_sample_is_the_same_each_time_and_says_its_size(home: Path) -> None:
    """A million answers need not be read: what was looked at stands beside the figure."""
    with store.reading(home) as con:
        first, again = (field_prices(con, is_simulated=True, sample=2) for _ in range(2))
        nothing = field_prices(con, is_simulated=False)

    assert first.equals(again)
    assert set(first["answers"].to_list()) == {2}
    assert nothing.is_empty()
    assert nothing.schema == first.schema == price_tags.SCHEMA


def test_the_figure_and_the_words_say_what_fewer_fields_would_save(home: Path) -> None:
    """The dearest field is named, and what the profile `core` leaves out."""
    with store.reading(home) as con:
        tags = field_prices(con, is_simulated=True)
    beyond = sum(row["cost_a_thousand_usd"] for row in tags.iter_rows(named=True) if row["field"] in set(FIELDS) - set(PROFILES["core"]))

    assert tags["field"][0] in charts.svg(charts.field_prices(tags))
    assert SIMULATED in charts.svg(charts.field_prices(tags))
    assert "AUTOD_FIELDS=core" in repr(words.fields(tags))
    assert beyond > 0
    assert "autod ingest" in charts.svg(charts.field_prices(tags.head(0)))
