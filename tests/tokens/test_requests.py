"""Request bodies: equal to the published examples, to tiktoken, and to what the API says of the very same bytes."""

import base64
import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from openai import OpenAI
from PIL import Image

from autod_lib import prompt
from autod_lib.local_api import running
from autod_lib.settings import load_settings
from autod_lib.tokens import api_of, count, count_request, count_requests, encoding_for, rule_for

from ..pipeline import make_pdf

# The examples of OpenAI's cookbook, "How to count tokens with tiktoken", which shows beside each what the API billed (MIT licence).
JARGON = [
    {"role": "system", "content": "You are a helpful, pattern-following assistant that translates corporate jargon into plain English."},
    {"role": "system", "name": "example_user", "content": "New synergies will help drive top-line growth."},
    {"role": "system", "name": "example_assistant", "content": "Things working well together will increase revenue."},
    {
        "role": "system",
        "name": "example_user",
        "content": "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
    },
    {"role": "system", "name": "example_assistant", "content": "Let's talk later when we're less busy about how to do better."},
    {"role": "user", "content": "This late pivot means we don't have time to boil the ocean for the client deliverable."},
]
WEATHER = [
    {"role": "system", "content": "You are a helpful assistant that can answer to questions about the weather."},
    {"role": "user", "content": "What's the weather like in San Francisco?"},
]
WEATHER_TOOL = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
                "unit": {"type": "string", "description": "The unit of temperature to return", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["location"],
        },
    },
}


@pytest.fixture(scope="module")
def client() -> Iterator[OpenAI]:
    """The SDK before a server that reads what it is sent."""
    with running(answers="rules") as address:
        yield OpenAI(api_key="local", base_url=address, max_retries=0)


@pytest.mark.parametrize(("model", "billed"), [("gpt-3.5-turbo-0613", 129), ("gpt-4", 129), ("gpt-4o", 124), ("gpt-4o-mini", 124)])
def test_the_overhead_of_chat_messages_is_that_of_the_published_example(model: str, billed: int) -> None:
    """Roles, names and the start of the reply are counted as they were billed."""
    counted = count_request({"model": model, "messages": JARGON})
    assert (counted.api, counted.tokens, counted.is_estimated) == ("chat", billed, False)
    assert sum(counted.parts.values()) == billed


@pytest.mark.parametrize(("model", "billed"), [("gpt-3.5-turbo", 105), ("gpt-4", 105), ("gpt-4o", 101), ("gpt-4o-mini", 101)])
@pytest.mark.parametrize("form", ["tools", "functions"])
def test_a_tool_costs_what_the_published_example_does(model: str, billed: int, form: str) -> None:
    """As a tool, and as a function in the older form."""
    offered = [WEATHER_TOOL] if form == "tools" else [WEATHER_TOOL["function"]]
    assert count_request({"model": model, "messages": WEATHER, form: offered}).tokens == billed


def responses_body(settings: Any, content: tuple[bytes, ...]) -> dict[str, Any]:
    """A body as ingest sends it."""
    found: dict[str, Any] = json.loads(prompt.frame_for(settings).body(content))
    return found


@pytest.mark.parametrize("model", ["gpt-6-luna", "gpt-5-mini", "gpt-4.1"])
def test_a_request_as_it_is_sent_counts_what_the_api_bills(client: OpenAI, model: str) -> None:
    """In mode text to the token, and what the endpoint for counting says is the same."""
    pages = ("INVOICE No. 7\nTotal: 1.234,56 €", "second page, <document> and </document>, 請求書番号 30977")
    settings = load_settings({}, base_url=str(client.base_url), model=model)
    body = responses_body(settings, prompt.text_parts(prompt.text_of("Rechnung 7.pdf", 2, pages)))
    counted = count_request(body)
    answer = client.responses.create(**body)
    asked = client.responses.input_tokens.count(**{name: body[name] for name in ("model", "input", "text")})

    assert answer.usage is not None
    assert counted.tokens == answer.usage.input_tokens == asked.input_tokens
    assert (counted.is_estimated, counted.api) == (False, "responses")
    assert set(counted.parts) == {"schema", "frames", "system", "developer", "user"}


def test_the_parts_of_a_request_are_what_tiktoken_counts_of_each() -> None:
    """The schema as compact JSON, each text as it stands, instructions as a developer message."""
    body = {
        "model": "gpt-5",
        "instructions": "Be brief.",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "One."}, {"type": "input_text", "text": "Two."}]}],
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object", "properties": {}}}},
        "tools": [{"type": "function", "name": "look"}],
    }
    encoding: tiktoken.Encoding = encoding_for("gpt-5")[0]
    parts = count_request(body).parts
    assert parts == {
        "schema": len(encoding.encode('{"type":"object","properties":{}}')),
        "tools": len(encoding.encode('[{"type":"function","name":"look"}]')),
        "frames": 8,
        "developer": count("Be brief.", "gpt-5"),
        "user": count("One.", "gpt-5") + count("Two.", "gpt-5"),
    }


def test_calls_of_tools_and_their_results_are_counted() -> None:
    """Names and arguments, in either API."""
    responses = count_request(
        {
            "model": "gpt-5",
            "input": [
                {"type": "function_call", "name": "look", "arguments": '{"at":1}', "call_id": "c"},
                {"type": "function_call_output", "call_id": "c", "output": "found"},
                {"type": "item_reference", "id": "x"},
            ],
        }
    )
    asked = {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}]}
    chat = count_request({"model": "gpt-5", "messages": [asked, {"role": "user", "content": [{"type": "refusal", "refusal": "no"}]}]})

    assert responses.parts["assistant"] == count('look{"at":1}', "gpt-5")
    assert responses.parts["tool"] == count("found", "gpt-5")
    assert responses.parts["other"] > 0
    assert (chat.parts["assistant"], chat.parts["user"]) == (count("look{}", "gpt-5"), count("no", "gpt-5"))


def test_an_unknown_model_says_which_encoding_was_assumed() -> None:
    """As a field of the result and as a sentence, never silently."""
    known, unknown = (count_request({"model": model, "input": "one"}) for model in ("gpt-5", "gpt-99-terra"))
    assert (known.encoding, known.is_encoding_assumed, known.notes) == ("o200k_base", False, ())
    assert (unknown.encoding, unknown.is_encoding_assumed) == ("o200k_base", True)
    assert unknown.notes == ("tiktoken does not know 'gpt-99-terra'; o200k_base was assumed",)


def image(size: tuple[int, int]) -> str:
    """A PNG as an address."""
    file = BytesIO()
    Image.new("RGB", size).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize("detail", ["low", "high"])
def test_images_count_by_their_size_and_detail_in_both_apis(detail: str) -> None:
    """By the rule of the model; nothing but the model's own rule is assumed."""
    expected = rule_for("gpt-4o").tokens(2048, 4096, detail)  # type: ignore[arg-type]
    address = image((2048, 4096))
    responses = {"role": "user", "content": [{"type": "input_image", "image_url": address, "detail": detail}]}
    chat = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": address, "detail": detail}}]}
    for body in ({"model": "gpt-4o", "input": [responses]}, {"model": "gpt-4o", "messages": [chat]}):
        counted = count_request(body)
        assert (counted.parts["images"], counted.is_estimated, counted.notes) == (expected, False, ())


def test_an_image_elsewhere_has_an_interval_and_a_note() -> None:
    """Its size is not in the request."""
    part = {"type": "input_image", "image_url": "https://example.com/a.png"}
    counted = count_request({"model": "gpt-4o", "input": [{"role": "user", "content": [part]}]})
    assert counted.low < counted.tokens < counted.high
    assert any("size of an image" in note for note in counted.notes)


def test_a_pdf_in_a_request_is_opened_and_its_text_counted(client: OpenAI, tmp_path: Path) -> None:
    """What the API bills lies in the interval; text is exact, so that only the page's image is open."""
    path = make_pdf(tmp_path / "invoice.pdf", "No. 7")
    settings = load_settings({}, base_url=str(client.base_url), input_mode="file-low")
    body = responses_body(settings, prompt.file_parts(path.name, 1, base64.b64encode(path.read_bytes()), "low"))
    counted = count_request(body)
    answer = client.responses.create(**body)

    assert answer.usage is not None
    assert counted.is_estimated
    assert counted.low <= answer.usage.input_tokens <= counted.high


def test_a_file_that_is_not_in_the_request_is_a_usual_one() -> None:
    """And that is said."""
    part = {"type": "input_file", "file_id": "file-1"}
    counted = count_request({"model": "gpt-5", "input": [{"role": "user", "content": [part]}]})
    assert counted.parts["files"] > 0
    assert any("usual document" in note for note in counted.notes)


def test_the_two_apis_are_told_apart_and_other_bodies_refused() -> None:
    """By what only one of them has."""
    assert [api_of(body) for body in ({"messages": []}, {"input": ""}, {"instructions": "x"})] == ["chat", "responses", "responses"]
    for body in ({}, {"input": "", "messages": []}):
        with pytest.raises(ValueError, match="no body of a request"):
            count_request(body)


def test_many_requests_are_counted_in_their_order() -> None:
    """One result each."""
    bodies = [{"model": "gpt-5", "input": "a " * length} for length in (1, 50, 10)]
    counted = [each.tokens for each in count_requests(bodies)]
    assert counted[0] < counted[2] < counted[1]
