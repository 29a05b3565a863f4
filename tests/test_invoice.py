"""What the provider says: the same from its endpoints and from every form of its exports, and a mistake in a file is named."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from autod_lib.errors import ApiRefused, ApiUnavailable, MissingKey, SettingsError
from autod_lib.invoice import Charged, Invoice, Tokens, Used, fetch, read_exports
from autod_lib.local_api import running

from .local_api.test_billing import admin_of, ask, today
from .pipeline import answering, reply, settings_for

DAY = date(2026, 11, 3)
START = int(datetime(2026, 11, 3, tzinfo=UTC).timestamp())
USAGE_HEAD = (
    "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,api_key_id,model,batch,service_tier,input_tokens,output_tokens"
)
COSTS_HEAD = "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id,organization_id"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that was asked a few requests, and knows it."""
    with running(answers="canned", log=tmp_path_factory.mktemp("invoice") / "log.jsonl") as base:
        ask(base)
        yield base


def pages(address: str) -> dict[str, Any]:
    """The raw pages of usage and costs of this day."""
    endpoints = admin_of(address).admin.organization.usage.with_raw_response
    usage = endpoints.completions(start_time=today(), group_by=["model", "service_tier", "batch", "api_key_id"]).content
    costs = endpoints.costs(start_time=today(), group_by=["line_item", "api_key_id"]).content
    return {"usage": json.loads(usage), "costs": json.loads(costs)}


def as_csv(path: Path, page: dict[str, Any], delimiter: str = ",") -> Path:
    """A page as the dashboard exports it: a row a result, and a bare row for a day on which nothing happened."""
    rows = []
    for bucket in page["data"]:
        times = {"start_time": bucket["start_time"], "end_time": bucket["end_time"]}
        for result in bucket["results"] or [{}]:
            flat = {name: value for name, value in result.items() if name not in ("object", "amount")}
            if "amount" in result:
                flat |= {"amount_value": f"{Decimal(str(result['amount']['value'])):f}000", "amount_currency": "usd"}
            rows.append(times | flat)
    names = {name: None for row in rows for name in row}
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, list(names), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def plain(invoice: Invoice) -> tuple[Any, Any]:
    """What an invoice says, whatever its order."""
    return sorted(map(repr, invoice.used or ())), sorted(
        repr((row.day, row.line_item, row.api_key_id, row.usd.normalize())) for row in invoice.charged or ()
    )


def test_exports_say_what_the_endpoints_say(address: str, tmp_path: Path) -> None:
    """JSON pages, a list of them, and CSV with commas or tabs: the same usage and the same costs, to the last decimal."""
    day = datetime.now(UTC).date()
    asked = fetch(settings_for(tmp_path, address), day - timedelta(days=40), day)
    raw = pages(address)
    whole, usage, costs = tmp_path / "both.json", tmp_path / "usage.json", tmp_path / "costs.json"
    whole.write_text(json.dumps([raw["usage"], raw["costs"]]))
    usage.write_text(json.dumps(raw["usage"]))
    costs.write_text(json.dumps(raw["costs"]["data"]))

    assert sum(row.tokens.requests for row in asked.used or ()) == 10
    assert asked.splits_writes
    for files in (
        [whole],
        [usage, costs],
        [as_csv(tmp_path / "usage.csv", raw["usage"]), as_csv(tmp_path / "costs.tsv", raw["costs"], "\t")],
    ):
        told = read_exports(files)
        assert plain(told) == plain(asked), files
    assert read_exports([usage]).charged is None
    assert read_exports([costs]).used is None


def test_more_days_than_a_page_holds_are_asked_page_by_page(address: str, tmp_path: Path) -> None:
    """Usage has 31 days a page: what lies before is not lost."""
    day = datetime.now(UTC).date()
    far = fetch(settings_for(tmp_path, address), day - timedelta(days=200), day)

    assert plain(far) == plain(fetch(settings_for(tmp_path, address), day, day))
    assert plain(far.within(day, day)) == plain(far)
    assert plain(far.within(DAY - timedelta(days=400), DAY - timedelta(days=300))) == ([], [])


def test_a_csv_row_is_read_as_it_is_written(tmp_path: Path) -> None:
    """Tiers as billed, batches, days by their ISO time, and amounts with more decimals than a float has."""
    file = tmp_path / "export.csv"
    file.write_text(f"{USAGE_HEAD}\n{START},,,,p,3,key_a,gpt-5,False,default,900,30\n{START},,,,p,1,,gpt-5,True,,100,7\n{START},,,,,,,,,,,\n")
    costs = tmp_path / "costs.csv"
    costs.write_text(f'{COSTS_HEAD}\n,,2026-11-03T00:00:00+00:00,,0.12345678901234567891,usd,"gpt-5, cached input",p,o\n{START},,,,1e-7,USD,,p,o\n')
    told = read_exports([file, costs])

    assert told.used == [
        Used(DAY, "gpt-5", "standard", "key_a", Tokens(3, 900, 0, 0, 0, 30)),
        Used(DAY, "gpt-5", "batch", None, Tokens(1, 100, 0, 0, 0, 7)),
    ]
    assert told.charged == [
        Charged(DAY, "gpt-5, cached input", None, Decimal("0.12345678901234567891")),
        Charged(DAY, None, None, Decimal("1e-7")),
    ]
    assert [row.model for row in told.charged] == ["gpt-5", None]
    assert not told.splits_writes


@pytest.mark.parametrize(
    ("line_item", "model"),
    [("gpt-6-luna, input", "gpt-6-luna"), ("gpt-6-luna (batch), output", "gpt-6-luna"), ("gpt-5", "gpt-5"), ("", None), (None, None)],
)
def test_a_line_item_names_its_model_first(line_item: str | None, model: str | None) -> None:
    """Before the comma, and before a tier in brackets."""
    assert Charged(DAY, line_item, None, Decimal(1)).model == model


WRONG = {
    "no file": (None, "cannot be read"),
    "not UTF-8": (b"\xff\xfe\x00", "is not UTF-8 text"),
    "neither usage nor costs": (b"name,age\nann,3\n", "no export of usage or costs"),
    "empty": (b"", "no export of usage or costs"),
    "broken JSON": (b'{"data": [', "is not JSON"),
    "deep JSON": (b"[" * 100_000, "is not JSON"),
    "other JSON": (b'{"data": 3}', "no list of buckets with results"),
    "one page of several": (b'{"data": [], "has_more": true}', "one page of several"),
    "negative": (f"{USAGE_HEAD}\n{START},,,,p,-3,k,gpt-5,,,1,1\n".encode(), r"line 2: num_model_requests is '-3'; allowed: a whole number"),
    "no number": (f"{USAGE_HEAD}\n{START},,,,p,3,k,gpt-5,,,many,1\n".encode(), "line 2: input_tokens is 'many'"),
    "no model": (f"{USAGE_HEAD}\n{START},,,,p,3,k,,,,5,1\n".encode(), "grouped by model"),
    "no time": (f"{USAGE_HEAD}\nyesterday,,,,p,3,k,gpt-5,,,5,1\n".encode(), "start_time is 'yesterday'"),
    "a month in one row": (f"{USAGE_HEAD}\n{START},{START + 30 * 86400},,,p,3,k,gpt-5,,,5,1\n".encode(), "buckets of a day or less"),
    "other currency": (f"{COSTS_HEAD}\n{START},,,,1.0,eur,,p,o\n".encode(), "currency is 'eur'; allowed: usd"),
    "no amount": (f"{COSTS_HEAD}\n{START},,,,much,usd,,p,o\n".encode(), "line 2: amount is 'much'"),
    "nan": (f"{COSTS_HEAD}\n{START},,,,nan,usd,,p,o\n".encode(), "amount is 'nan'"),
    "more cached than sent": (
        b'[{"start_time": 1, "results": [{"object": "organization.usage.completions.result", "model": "m", "input_tokens": 1, '
        b'"input_cached_tokens": 2}]}]',
        "bucket 1: input_tokens is '1'",
    ),
    "another endpoint": (b'[{"start_time": 1, "results": [{"object": "organization.usage.images.result"}]}]', "object is 'organization.usage.images"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_in_a_file_is_named(name: str, tmp_path: Path) -> None:
    """The file, the line or bucket, the value and what is allowed; nothing of it is taken."""
    content, told = WRONG[name]
    file = tmp_path / "export.csv"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError, match=told) as caught:
        read_exports([file])
    assert "export.csv" in str(caught.value)


def test_without_an_admin_key_nothing_is_asked(tmp_path: Path) -> None:
    """The message names the ways on; on this machine the simulated API takes a key of its own."""
    under = settings_for(tmp_path, "https://api.example.org/v1", api_key="sk-test")

    with pytest.raises(MissingKey, match=r"OPENAI_ADMIN_KEY.*--file.*--local"):
        fetch(under, DAY, DAY)
    assert settings_for(tmp_path, "http://127.0.0.1:9/v1").require_admin_key() == "sk-admin-local"


def test_a_refusal_is_told_without_the_key(address: str, tmp_path: Path) -> None:
    """A key that is no admin key: what the provider says, and the way on; an address where nobody answers is another error."""
    with pytest.raises(ApiRefused, match=r"HTTP 403.*api\.usage\.read.*OPENAI_ADMIN_KEY") as caught:
        fetch(settings_for(tmp_path, address, admin_key="sk-usual-canary"), DAY, DAY)
    assert "canary" not in str(caught.value)

    def repeat_the_key(handler: Any, body: bytes) -> None:
        reply(handler, 401, json.dumps({"error": {"message": f"Wrong key: {handler.headers['authorization']}"}}).encode())

    with answering(repeat_the_key) as (base, _), pytest.raises(ApiRefused, match=r"\[key\]") as caught:
        fetch(settings_for(tmp_path, base, admin_key="sk-admin-canary"), DAY, DAY)
    assert "canary" not in str(caught.value)
    with pytest.raises(ApiUnavailable, match="does not answer"):
        fetch(settings_for(tmp_path, "http://127.0.0.1:9/v1"), DAY, DAY)
