"""The organization's endpoints of the loopback API, asked by the real SDK: they know what was answered, to the token, and nothing else."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openai
import pytest
from genai_prices import Usage, calc_price
from openai import OpenAI

from autod_lib.local_api import running
from autod_lib.local_api.billing import DISCREPANCIES, PROJECT, key_id, parse_discrepancies

from .requests_to_send import body, text_part, with_breakpoint
from .test_conformance import problems

DAY_S = 86_400
TIERS = ["default", "default", "flex", "priority"]


def admin_of(address: str) -> OpenAI:
    """The SDK with both keys."""
    return OpenAI(base_url=address, api_key="sk-test", admin_api_key="sk-admin-test", max_retries=0, timeout=10)


def ask(address: str) -> list[dict[str, Any]]:
    """Asks a few requests of several models and tiers; what their answers say."""
    client = admin_of(address)
    answers = []
    for place, tier in enumerate(TIERS):
        for model in ("gpt-6-luna", "gpt-5-mini"):
            request = body(text_part(f"Document {place}."), model=model, service_tier=tier)
            answers.append(json.loads(client.responses.with_raw_response.create(**request).content))
    marked = body(system=with_breakpoint(), prompt_cache_key="k", prompt_cache_options={"mode": "explicit", "ttl": "12h"})
    answers += [json.loads(client.responses.with_raw_response.create(**marked).content) for _ in range(2)]
    return answers


def today() -> int:
    """The beginning of the UTC day, in seconds since 1970."""
    return int(time.time()) // DAY_S * DAY_S


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[dict[str, Any]], Path]]:
    """A server that was asked, its answers, and its log."""
    log = tmp_path_factory.mktemp("billing") / "log.jsonl"
    with running(answers="canned", log=log) as address:
        yield address, ask(address), log


def results(page: Any) -> list[dict[str, Any]]:
    """The results of all buckets of a raw page."""
    return [result for bucket in json.loads(page.content, parse_float=Decimal)["data"] for result in bucket["results"]]


def usage(address: str, **query: Any) -> list[dict[str, Any]]:
    """Usage of this UTC day."""
    return results(admin_of(address).admin.organization.usage.with_raw_response.completions(start_time=today(), **query))


def costs(address: str, **query: Any) -> list[dict[str, Any]]:
    """Costs of this UTC day."""
    return results(admin_of(address).admin.organization.usage.with_raw_response.costs(start_time=today(), **query))


def test_usage_is_what_was_answered(asked: tuple[str, list[dict[str, Any]], Path]) -> None:
    """By model, tier, key and batch: requests and tokens of every kind are the sums over the answers themselves."""
    address, answers, _ = asked
    shown = usage(address, group_by=["model", "service_tier", "api_key_id", "project_id", "batch"])

    for row in shown:
        own = [answer["usage"] for answer in answers if (answer["model"], answer["service_tier"]) == (row["model"], row["service_tier"])]
        assert row["num_model_requests"] == len(own)
        assert row["input_tokens"] == sum(each["input_tokens"] for each in own)
        assert row["output_tokens"] == sum(each["output_tokens"] for each in own)
        details = [each["input_tokens_details"] for each in own]
        assert row["input_cached_tokens"] == sum(each["cached_tokens"] for each in details)
        assert row["input_cache_write_tokens"] == sum(each["cache_write_tokens"] for each in details)
        assert row["input_cache_write_tokens"] == row["input_cache_write_30m_tokens"] + row["input_cache_write_12h_tokens"]
        assert row["input_uncached_tokens"] == row["input_tokens"] - row["input_cached_tokens"] - row["input_cache_write_tokens"]
        assert (row["api_key_id"], row["project_id"], row["batch"]) == (key_id("sk-test"), PROJECT, False)
    assert sum(row["num_model_requests"] for row in shown) == len(answers) == 10
    assert max(row["input_cache_write_12h_tokens"] for row in shown) > 1024
    assert [row["num_model_requests"] for row in usage(address)] == [10], "without groups there is one row"


def test_costs_are_the_tokens_at_the_list_prices(asked: tuple[str, list[dict[str, Any]], Path]) -> None:
    """Each line item is a model, tier and kind of token; together they are what a price library makes of the answers."""
    address, answers, _ = asked
    lines = costs(address, group_by=["line_item"])

    expected = Decimal(0)
    for answer in answers:
        used, details = answer["usage"], answer["usage"]["input_tokens_details"]
        longer = (details.get("cache_write_tokens_details") or {}).get("ttl_12h_tokens", 0)
        tokens = Usage(
            input_tokens=used["input_tokens"] - longer,
            cache_read_tokens=details["cached_tokens"],
            cache_write_tokens=details["cache_write_tokens"] - longer,
            output_tokens=used["output_tokens"],
        )
        tier = {} if answer["service_tier"] == "default" else {"service_tier": answer["service_tier"]}
        at = datetime.now(UTC)
        price = calc_price(tokens, model_ref=answer["model"], provider_id="openai", genai_request_timestamp=at, price_context=tier)
        expected += price.total_price + longer * Decimal("2.5") * Decimal("0.1") / 1_000_000  # gpt-6-luna: 0.10 a million
    assert sum(line["amount"]["value"] for line in lines) == expected
    assert {line["amount"]["currency"] for line in lines} == {"usd"}
    names = {line["line_item"] for line in lines}
    assert {
        "gpt-6-luna, input",
        "gpt-5-mini, output",
        "gpt-5-mini (flex), output",
        "gpt-6-luna (flex), cache write",
        "gpt-6-luna, cache write 12h",
    } <= names
    shown = usage(address, group_by=["model"])
    assert sum(line["quantity"] for line in lines) == sum(row["input_tokens"] + row["output_tokens"] for row in shown)
    assert {line["quantity_unit"] for line in lines} == {"tokens"}


def test_pages_are_as_described_and_lead_to_the_last(asked: tuple[str, list[dict[str, Any]], Path]) -> None:
    """Both endpoints, page by page: empty days are buckets too, `next_page` goes on, and the form is the published one."""
    address, answers, _ = asked
    endpoints = admin_of(address).admin.organization.usage.with_raw_response
    for endpoint, groups in ((endpoints.completions, ["model"]), (endpoints.costs, ["line_item"])):
        page: Any = {"next_page": openai.omit}
        pages = []
        while page["next_page"] is not None:
            query = {"start_time": today() - 4 * DAY_S, "end_time": today() + DAY_S, "limit": 2, "page": page["next_page"]}
            page = json.loads(endpoint(**query, group_by=groups).content)
            without_newer = json.loads(
                json.dumps(page).replace('"input_cache_write_30m_tokens"', '"a"').replace('"input_cache_write_12h_tokens"', '"b"')
            )
            assert problems("components/schemas/UsageResponse", without_newer) == []
            pages.append(page)
        assert [len(each["data"]) for each in pages] == [2, 2, 1]
        assert [each["has_more"] for each in pages] == [True, True, False]
        buckets = [bucket for each in pages for bucket in each["data"]]
        assert [bucket["start_time"] for bucket in buckets] == [today() + day * DAY_S for day in range(-4, 1)]
        assert [bool(bucket["results"]) for bucket in buckets] == [False] * 4 + [True]
    minutes = usage(address, bucket_width="1m", limit=1440, end_time=today() + DAY_S)
    assert sum(row["num_model_requests"] for row in minutes) == len(answers)


def test_filters_keep_what_is_asked_for(asked: tuple[str, list[dict[str, Any]], Path]) -> None:
    """Projects, keys, models and batches."""
    address, answers, _ = asked

    def requests(**query: Any) -> int:
        return sum(row["num_model_requests"] for row in usage(address, **query))

    assert requests(models=["gpt-5-mini"]) == 4
    assert requests(project_ids=[PROJECT], api_key_ids=[key_id("sk-test")], batch=False) == len(answers)
    assert requests(project_ids=["proj_other"]) == requests(api_key_ids=["key_other"]) == requests(batch=True) == 0


@pytest.mark.parametrize("query", [{"limit": 32}, {"limit": 0}, {"group_by": ["colour"]}, {"page": "page_nowhere"}, {"bucket_width": "1w"}])
def test_a_wrong_parameter_is_named(asked: tuple[str, list[dict[str, Any]], Path], query: dict[str, Any]) -> None:
    """400 with the name of the parameter."""
    with pytest.raises(openai.BadRequestError) as caught:
        usage(asked[0], **query)

    assert caught.value.param == next(iter(query))
    assert problems("components/schemas/ErrorResponse", caught.value.response.json()) == []


def test_only_an_admin_key_may_ask(asked: tuple[str, list[dict[str, Any]], Path], tmp_path: Path) -> None:
    """403 for the key of a project; and a server without a log says that it knows nothing instead of saying zero."""
    usual = OpenAI(base_url=asked[0], api_key="sk-test", admin_api_key="sk-test", max_retries=0)
    with pytest.raises(openai.PermissionDeniedError):
        usual.admin.organization.usage.costs(start_time=today())
    with running(answers="canned") as without_log, pytest.raises(openai.BadRequestError, match="keeps no log"):
        costs(without_log)


def test_what_did_not_arrive_is_billed_all_the_same(tmp_path: Path) -> None:
    """A dropped answer and one that says nothing of its usage were done, and are billed; a refused request was not."""
    log = tmp_path / "log.jsonl"
    with running(answers="canned", log=log) as address:
        client = admin_of(address)
        for fault in ("drop-after", "no-usage", "500"):
            with suppress(openai.APIError):
                client.responses.create(**body(), extra_headers={"x-autod-fault": fault})
        (row,) = usage(address)
    assert row["num_model_requests"] == 2

    with log.open("a") as file:
        file.write('{"path": "/v1/resp')
    with running(answers="canned", log=log) as address:
        assert usage(address) == [row], "another server over the same log knows the same, a torn line aside"


@pytest.mark.parametrize("name", DISCREPANCIES)
def test_each_discrepancy_changes_what_it_says(asked: tuple[str, list[dict[str, Any]], Path], name: str) -> None:
    """Usage or costs, and nothing else; several can be switched on together."""
    address, _, log = asked

    def told(base: str) -> dict[str, Any]:
        shown = usage(base, group_by=["service_tier", "api_key_id"])
        total = sum(line["amount"]["value"] for line in costs(base, group_by=["line_item"]))
        sums = {"calls": "num_model_requests", "output": "output_tokens"}
        return {key: sum(row[column] for row in shown) for key, column in sums.items()} | {
            "keys": len({row["api_key_id"] for row in shown}),
            "priority": sum(row["num_model_requests"] for row in shown if row["service_tier"] == "priority"),
            "usd": total,
        }

    with running(answers="canned", log=log, discrepancies=name) as other:
        before, after = told(address), told(other)
    changed = {key for key in before if before[key] != after[key]}
    expected = {
        "foreign-calls": {"calls", "keys", "usd", "output", "priority"},
        "missing-calls": {"calls", "usd", "output"},
        "tier": {"priority", "usd"},
        "more-output": {"output", "usd"},
    }
    assert changed - {"priority"} == expected.get(name, {"usd"}) - {"priority"}


def test_an_unknown_discrepancy_is_told_with_all_there_are() -> None:
    """As with faults."""
    assert parse_discrepancies("price, tier") == ("price", "tier")
    with pytest.raises(ValueError, match=r"no discrepancy 'luck'; known: .*foreign-calls"):
        parse_discrepancies("luck")
