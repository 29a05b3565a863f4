"""Price files: what they add to the price list, and that no mistake in one is ever taken for a price."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import genai_prices
import pytest
from genai_prices.types import Usage as Tokens

from autod_lib import price_file, prices
from autod_lib.errors import SettingsError
from autod_lib.price_file import read_price_file
from autod_lib.prices import Usage, price_call, rates_for
from autod_lib.settings import load_settings

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
MODEL = 'model = "llama-9"\nsince = 2026-01-01\nsource = "our own electricity"\ninput = 0.02\noutput = 0.08\n'
OWN = f"# ours\n[[model]]\n{MODEL}"


@pytest.fixture(autouse=True)
def _no_file_is_left_in_force() -> Iterator[None]:
    """Each test begins and ends with the prices that everybody has."""
    yield
    prices.use_file(None)


def use(folder: Path, text: str) -> None:
    """Puts a price file of this text in force, as the setting does."""
    (folder / "own.toml").write_text(text)
    load_settings({"AUTOD_PRICES_FILE": str(folder / "own.toml")})


def test_the_projects_own_file_has_no_mistake_and_a_source_in_every_line() -> None:
    """What is shipped is read by the same rules as anybody's file."""
    shipped = price_file.shipped()
    assert {line.kind for line in shipped.lines} == {"tier", "cache_write", "vector_store"}
    assert all(line.source.startswith("https://") for line in shipped.lines)


def test_the_projects_own_file_never_hides_what_the_price_list_knows() -> None:
    """Where the list has a rate of a tier, the rate is the list's: the factors end on the day its own rates begin."""
    for tier, first in (("batch", date(2026, 10, 14)), ("flex", date(2026, 10, 12))):
        before, after = (rates_for("gpt-6-luna", datetime(2026, 10, day, tzinfo=UTC), service_tier=tier) for day in (first.day - 1, first.day))
        assert before is not None
        assert after is not None
        assert "overrides.toml" in before.source
        assert after.source.startswith("genai-prices")
        assert "overrides" not in after.source
        assert (before.input, before.cached, before.written, before.output) == (after.input, after.cached, after.written, after.output)
        assert after.since == first


def test_the_price_of_a_search_is_the_one_the_price_list_has_too() -> None:
    """The list prices a search with the model; the file prices it without one, and the two agree."""
    listed = genai_prices.calc_price(Tokens(input_tokens=1), "gpt-6-luna", provider_id="openai", genai_request_timestamp=AT).model_price
    line = prices.vector_store_prices(AT)
    assert line is not None
    assert line.search_thousand == listed.storage_searches_kcount


def test_storage_costs_nothing_up_to_the_free_gigabyte_and_is_unpriced_before_there_was_a_price() -> None:
    """Binary gigabytes beyond the first, each day; None, never 0, for a day without a price."""
    gigabyte = 2**30
    assert prices.vector_store_cost(AT, gigabyte, Decimal(30)) == 0
    assert prices.vector_store_cost(AT, 3 * gigabyte, Decimal("0.5")) == Decimal("0.10")
    assert prices.vector_store_cost(AT, 0, Decimal(1), 400) == Decimal("1")
    assert prices.vector_store_cost(datetime(2020, 1, 1, tzinfo=UTC), gigabyte, Decimal(1)) is None


def test_a_model_that_no_list_knows_is_priced_by_ones_own_file(tmp_path: Path) -> None:
    """On purpose, from its first day on, in the standard tier alone; without the file it costs None again."""
    use(tmp_path, OWN)
    used = Usage(1_000_000, 500_000, 0, output_tokens=1_000_000)
    assert price_call("llama-9", used, AT).cost_usd == Decimal("0.10")
    assert price_call("LLAMA-9", used, AT).cost_usd == Decimal("0.10")
    assert price_call("llama-9", used, datetime(2025, 12, 31, tzinfo=UTC)).cost_usd is None
    assert price_call("llama-9", used, AT, "flex").cost_usd is None
    assert "llama-9" in prices.names()
    before = prices.fingerprint()
    prices.use_file(None)
    assert price_call("llama-9", used, AT).cost_usd is None
    assert prices.fingerprint() != before


def test_a_price_of_ones_own_comes_before_the_list_and_the_newest_line_holds(tmp_path: Path) -> None:
    """A discount that was agreed: by its dates, until it ends."""
    agreed = 'model = "gpt-6-luna"\nsource = "contract 7"\ncached = 0.005\noutput = 0.4\n'
    use(tmp_path, f"[[model]]\n{agreed}since = 2026-11-01\nuntil = 2026-12-01\ninput = 0.09\n[[model]]\n{agreed}since = 2026-11-20\ninput = 0.08\n")
    rates = [rates_for("gpt-6-luna", datetime(2026, 11, day, tzinfo=UTC)) for day in (1, 19, 20)]
    assert [part and part.input for part in rates] == [Decimal("0.09"), Decimal("0.09"), Decimal("0.08")]
    listed = rates_for("gpt-6-luna", datetime(2026, 10, 31, tzinfo=UTC))
    assert listed is not None
    assert listed.input == Decimal("0.1")
    assert rates[2] is not None
    assert rates[2].written == rates[2].input, "without a rate of its own a write bills as any input"
    assert rates[2].source == "own.toml: contract 7"


def test_a_factor_of_ones_own_makes_a_tier_that_no_list_has(tmp_path: Path) -> None:
    """Each rate times the factor, to the last decimal that the ledger can hold of one token, and the source names the factor."""
    use(tmp_path, '[[tier]]\nservice_tier = "scale"\nmodels = ["gpt-6-*"]\nfactor = 0.3333333\nsince = 2026-01-01\nsource = "contract 8"\n')
    rates = rates_for("gpt-6-luna", AT, service_tier="scale")
    assert rates is not None
    assert (rates.input, rates.cached, rates.written, rates.output) == tuple(map(Decimal, ("0.033333", "0.003333", "0.041667", "0.166667")))
    assert "0.3333333" in rates.source
    assert rates.columns()["service_tier"] == "scale"
    assert rates_for("gpt-5-mini", AT, service_tier="scale") is None
    assert "scale" in {part.service_tier for part in prices.all_rates("gpt-6-luna", AT.date())}


MISTAKES: dict[str, tuple[str, list[str]]] = {
    "not TOML": ("[[model]\n", ["is not TOML", "line 1"]),
    "unknown entry": ("[[modle]]\nx = 1\n", ["'modle'", "did you mean 'model'?", "line 1", "[[vector_store]]"]),
    "a table instead of a list": (f"[model]\n{MODEL}", ["'model' is no entry", "[[model]]"]),
    "a plain value": ("input = 3\n", ["'input' is no entry", "line 1"]),
    "unknown key": (OWN + "outptu = 3\n", ["outptu = '3'", "did you mean 'output'?", "line 8"]),
    "missing key": (OWN.replace("output = 0.08\n", ""), ["output is missing", "entry 1 of [[model]]", "line 2"]),
    "missing source": (OWN.replace('source = "our own electricity"\n', ""), ["source is missing", "text that is not empty"]),
    "missing day": (OWN.replace("since = 2026-01-01\n", ""), ["since is missing", "2026-11-24"]),
    "empty source": (OWN.replace("our own electricity", "  "), ["source = '  '", "not empty", "line 5"]),
    "negative": (OWN.replace("0.02", "-0.02"), ["input = '-0.02'", "from 0 to", "line 6"]),
    "not a number": (OWN.replace("0.02", "nan"), ["input = 'NaN'"]),
    "infinite": (OWN.replace("0.02", "inf"), ["input = 'Infinity'"]),
    "quoted number": (OWN.replace("0.02", '"0.02"'), ["input = '0.02'", "a number of USD"]),
    "true": (OWN.replace("0.02", "true"), ["input = 'True'"]),
    "per token instead of per million": (OWN.replace("0.02", "0.00000002"), ["input = '", "at most 6 decimals"]),
    "absurd": (OWN.replace("0.02", "2e9"), ["from 0 to 1,000,000"]),
    "quoted day": (OWN.replace("2026-01-01", '"2026-01-01"'), ["since = '2026-01-01'", "without quotation marks"]),
    "day with an hour": (OWN.replace("2026-01-01", "2026-01-01T00:00:00Z"), ["since = ", "a day such as"]),
    "ends before it begins": (OWN + "until = 2025-01-01\n", ["until = '2025-01-01'", "a day after since"]),
    "twice": (OWN + f"[[model]]\n{MODEL}", ["entry 2 of [[model]]", "a day that no other entry for the same has", "line 10"]),
    "empty model": (OWN.replace("llama-9", ""), ["model = ''"]),
    "models as text": ('[[cache_write]]\nlifetime = "12h"\nmodels = "*"\nfactor = 2\nsince = 2026-01-01\nsource = "x"\n', ["models = '*'", "a list"]),
    "unknown lifetime": ('[[cache_write]]\nlifetime = "1h"\nmodels = ["*"]\nfactor = 2\nsince = 2026-01-01\nsource = "x"\n', ["lifetime = '1h'"]),
    "factor of nothing": (
        '[[tier]]\nservice_tier = "flex"\nmodels = ["*"]\nfactor = 0\nsince = 2026-01-01\nsource = "x"\n',
        ["factor = '0'", "above 0 and up to 100", "line 4"],
    ),
    "the standard tier by a factor of itself": (
        '[[tier]]\nservice_tier = "default"\nmodels = ["*"]\nfactor = 1\nsince = 2026-01-01\nsource = "x"\n',
        ["service_tier = 'default'"],
    ),
    "second entry": (OWN + f"[[model]]\n{MODEL}".replace("llama-9", "llama-10").replace("0.08", "-1"), ["output = '-1'", "entry 2", "line 13"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_names_the_line_the_value_and_what_is_allowed(tmp_path: Path, mistake: str) -> None:
    """Nothing is priced by half of a file: the one in force before stays in force."""
    use(tmp_path, OWN)
    text, told = MISTAKES[mistake]
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text)
    with pytest.raises(SettingsError) as error:
        load_settings({"AUTOD_PRICES_FILE": str(wrong)})
    assert [part for part in ["wrong.toml", *told] if part not in str(error.value)] == []
    assert price_call("llama-9", Usage(100, 0, output_tokens=1), AT).cost_usd is not None


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """Missing, a folder, not text, or far too large."""
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large.toml").write_bytes(b"#" * 1_000_001)
    for name, told in (("none.toml", "cannot be read"), (".", "cannot be read"), ("binary.toml", "not UTF-8"), ("large.toml", "larger than")):
        with pytest.raises(SettingsError, match=told):
            read_price_file(tmp_path / name)
