"""Every fault of the loopback API, as the SDK meets it."""

import json
import time
from typing import Any

import httpx2
import openai
import pytest

from autod_lib.local_api import running
from autod_lib.local_api.faults import NAMES, drawn, parse_faults

from .conftest import client_of
from .requests_to_send import body


def faulty(client: openai.OpenAI, fault: str) -> Any:
    """The SDK's answer to a request that asks for a fault."""
    return client.responses.create(**body(), extra_headers={"x-autod-fault": fault})


def raw(address: str, fault: str, **further: Any) -> httpx2.Response:
    """The HTTP answer to a request that asks for a fault."""
    headers = {"authorization": "Bearer sk-1", "x-autod-fault": fault}
    return httpx2.post(f"{address}/responses", json=body(), headers=headers, **further)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("429", 429, "rate_limit_exceeded"),
        ("insufficient-quota", 429, "insufficient_quota"),
        ("500", 500, "server_error"),
        ("502", 502, "server_error"),
        ("503", 503, "server_error"),
    ],
)
def test_an_error_before_the_work(client, fault, status, code):
    """Its status and its code; nothing was done."""
    with pytest.raises(openai.APIStatusError) as caught:
        faulty(client, fault)

    assert (caught.value.status_code, caught.value.code) == (status, code)


@pytest.mark.parametrize(("fault", "header"), [("429-retry-after", "1"), ("429-retry-after:-5", "-5"), ("429-retry-after:soon", "soon")])
def test_a_retry_after_header_is_what_was_asked_for(canned, fault, header):
    """Any text, sensible or not."""
    assert raw(canned, fault).headers["retry-after"] == header


def test_a_redirect_names_another_place(canned):
    """307 and a location; whether to follow it is the client's mistake to make."""
    answer = raw(canned, "redirect:http://127.0.0.1:1/elsewhere", follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (307, "http://127.0.0.1:1/elsewhere")


@pytest.mark.parametrize("fault", ["drop-before", "drop-after", "drop-middle"])
def test_a_dropped_connection_is_a_connection_error(client, fault):
    """No status at all."""
    with pytest.raises(openai.APIConnectionError) as caught:
        faulty(client, fault)

    assert not isinstance(caught.value, openai.APITimeoutError)


def test_slow_answers_come_late_and_whole(client):
    """Half a second later, otherwise as ever."""
    start = time.perf_counter()
    answer = faulty(client, "slow:0.5")

    assert time.perf_counter() - start >= 0.5
    assert json.loads(answer.output_text)


def test_a_drip_never_waits_long_and_never_comes_to_an_end(canned):
    """A byte every 20 ms passes a timeout of 0.3 s between reads for as long as one cares to listen."""
    headers = {"authorization": "Bearer sk-1", "x-autod-fault": "drip:0.02"}
    start, received = time.perf_counter(), b""
    with httpx2.stream("POST", f"{canned}/responses", json=body(), headers=headers, timeout=0.3) as answer:
        for piece in answer.iter_raw():
            received += piece
            if time.perf_counter() - start > 0.8:
                break

    assert 10 < len(received) < 60
    assert b'{"id":"resp_'.startswith(received[:12])


@pytest.mark.parametrize(
    ("fault", "begins", "is_json"),
    [("truncated", b'{"id"', False), ("html", b"<!DOCTYPE", False), ("array", b"[{", True), ("error-200", b'{"error"', True), ("empty", b"", False)],
)
def test_a_success_that_is_none(canned, fault, begins, is_json):
    """Status 200 and a body that is no response."""
    answer = raw(canned, fault)

    assert answer.status_code == 200
    assert answer.content.startswith(begins)
    try:
        json.loads(answer.content)
    except ValueError:
        assert not is_json
    else:
        assert is_json


def test_a_huge_answer_is_as_large_as_asked(canned):
    """Two megabytes of nothing behind a good answer."""
    assert len(raw(canned, "huge:2").content) > 2_000_000


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("failed", {"status": "failed", "error.code": "server_error"}),
        ("queued", {"status": "queued", "usage": None}),
        ("incomplete", {"status": "incomplete", "incomplete_details.reason": "max_output_tokens"}),
        ("content-filter", {"status": "incomplete", "incomplete_details.reason": "content_filter"}),
        ("refusal", {"status": "completed", "output_text": ""}),
        ("no-usage", {"status": "completed", "usage": None}),
        ("other-model", {"model": "gpt-9-unheard-of"}),
        ("other-tier:scale", {"service_tier": "scale"}),
    ],
)
def test_an_odd_answer(client, fault, expected):
    """A response object that a client must look at twice."""
    answer = faulty(client, fault)
    for path, value in expected.items():
        found = answer
        for name in path.split("."):
            found = getattr(found, name)
        assert found == value, path


def test_an_invalid_answer_breaks_the_schema_and_the_other_kind_is_no_json(client):
    """One field of a wrong type, the named one if it is named; or text that cannot be parsed."""
    first = json.loads(faulty(client, "invalid-answer").output_text)
    named = json.loads(faulty(client, "invalid-answer:issuer").output_text)

    assert isinstance(first["doc_type"], dict)
    assert isinstance(named["issuer"], dict)
    with pytest.raises(json.JSONDecodeError):
        json.loads(faulty(client, "invalid-json").output_text)


def test_usage_can_be_negative_or_nonsense(client):
    """Numbers that no bill could have."""
    assert faulty(client, "negative-usage").usage.input_tokens < 0
    assert faulty(client, "wrong-usage").usage.input_tokens == "ten"


def test_two_messages_come_in_one_answer(client):
    """The same text twice, as two items."""
    assert [item.type for item in faulty(client, "two-messages").output].count("message") == 2


def test_an_unknown_fault_is_refused(client):
    """A typing error in a test must not pass for a good answer."""
    with pytest.raises(openai.BadRequestError, match="there is no fault"):
        faulty(client, "typo")


def test_faults_that_were_billed_are_logged_and_others_have_no_usage(tmp_path):
    """An answer that was worked out is in the log with its usage, also when it never arrived; a connection dropped before the work is not there."""
    log = tmp_path / "log.jsonl"
    with running(answers="canned", log=log) as address:
        client = client_of(address)
        for fault in ("drop-before", "drop-after", "no-usage", "500"):
            try:
                faulty(client, fault)
            except openai.APIError:
                continue
    lines = [json.loads(line) for line in log.read_text().splitlines()]

    assert [(line["fault"], line["status"], bool(line["usage"])) for line in lines] == [
        ("drop-after", 200, True),
        ("no-usage", 200, True),
        ("500", 500, False),
    ]


def test_the_first_requests_fail_and_the_next_do_not():
    """`503=first2` is an outage that ends."""
    with running(answers="canned", faults="503=first2") as address:
        outcomes = []
        for _ in range(4):
            try:
                outcomes.append(client_of(address).responses.create(**body()).status)
            except openai.InternalServerError:
                outcomes.append("503")

    assert outcomes == ["503", "503", "completed", "completed"]


def test_faults_strike_at_their_rate_and_the_same_ones_for_the_same_seed():
    """10,000 requests at 10 %: within 4 deviations (880 to 1,120), equal for equal seeds, not for another."""
    rates = parse_faults("429=0.1,500=0.05")

    def struck(seed: int) -> list[str]:
        return [str(drawn(rates, seed, order)) for order in range(10_000)]

    assert 880 < struck(1).count("429") < 1120
    assert struck(1) == struck(1) != struck(2)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_fault_has_a_name_that_the_option_takes(name):
    """With a rate and without."""
    assert [str(each.fault) for each in parse_faults(f"{name}=0.5,{name}")] == [name, name]
