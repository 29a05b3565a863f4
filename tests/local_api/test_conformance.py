"""Requests and answers of the loopback API against the provider's published description.

The description (2.3.0) is older than the SDK. Where the SDK's types add fields, exactly those are taken out before the check: lifetimes of cache
writes in usage, the 12 hour lifetime, and prewarming.
"""

import copy
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import openai
import pytest

from .requests_to_send import body, file_part, pdf, with_breakpoint


def with_overlaps(node: Any) -> Any:
    """The description with `anyOf` where it says `oneOf` beside a discriminator: a message fits two of those kinds in its own examples."""
    if isinstance(node, list):
        return [with_overlaps(each) for each in node]
    if not isinstance(node, dict):
        return node
    overlaps = "discriminator" in node and "oneOf" in node
    return {("anyOf" if overlaps and key == "oneOf" else key): with_overlaps(value) for key, value in node.items()}


DESCRIPTION = with_overlaps(json.loads((Path(__file__).resolve().parents[1] / "data" / "openapi_subset.json").read_text()))


@lru_cache
def validator(pointer: str) -> Any:
    """A validator of the schema at that place of the description."""
    return jsonschema_rs.Draft202012Validator({"$ref": f"#/{pointer}", "components": DESCRIPTION["components"]})


def problems(pointer: str, value: Any) -> list[str]:
    """What the description would find wrong."""
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message[:200]}" for error in validator(pointer).iter_errors(value)]


def without_newer_fields(value: dict[str, Any]) -> dict[str, Any]:
    """The same without what only the SDK knows."""
    older = copy.deepcopy(value)
    if older.get("usage"):
        older["usage"]["input_tokens_details"].pop("cache_write_tokens_details", None)
    options = older.get("prompt_cache_options")
    if options:
        options.pop("prewarm", None)
        options["ttl"] = "30m"
    return older


REQUESTS = {
    "plain": {"model": "gpt-6-luna", "input": "hello"},
    "record": body(reasoning={"effort": "low"}, max_output_tokens=900, metadata={"a": "b"}, service_tier="flex"),
    "file": body(file_part(pdf("INVOICE No 7"), detail="low"), model="gpt-5-mini", prompt_cache_key="k"),
    "explicit": body(system=with_breakpoint(), prompt_cache_key="k", prompt_cache_options={"mode": "explicit", "ttl": "12h"}),
    "cut": body(max_output_tokens=16, reasoning={"effort": "none"}),
    "no reasoning": body(model="gpt-4.1-mini", instructions="Be brief.", temperature=0.2),
    "prewarm": body(system=with_breakpoint(), prompt_cache_options={"mode": "explicit", "prewarm": True}),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_response_and_its_request_are_as_described(client, name):
    """What this server takes, the description takes; what it answers, the description knows."""
    answer = json.loads(client.responses.with_raw_response.create(**REQUESTS[name]).content)

    assert problems("components/schemas/CreateResponse", without_newer_fields(REQUESTS[name])) == []
    assert problems("components/schemas/Response", without_newer_fields(answer)) == []


@pytest.mark.parametrize("fault", ["refusal", "incomplete", "content-filter", "failed", "two-messages", "other-tier"])
def test_odd_answers_are_as_described_too(client, fault):
    """These faults are the API's own ways of not answering, not breaches of its form."""
    raw = client.responses.with_raw_response.create(**body(), extra_headers={"x-autod-fault": fault})

    assert problems("components/schemas/Response", without_newer_fields(json.loads(raw.content))) == []


@pytest.mark.parametrize("field", ["id", "output", "model", "metadata", "tool_choice"])
def test_the_check_would_notice_a_missing_field(client, field):
    """A response without one of its required fields does not pass."""
    answer = json.loads(client.responses.with_raw_response.create(**body()).content)
    del answer[field]

    assert problems("components/schemas/Response", without_newer_fields(answer))


def test_counts_are_as_described(client):
    """`/responses/input_tokens`, request and answer."""
    request = {name: value for name, value in body().items() if name in ("model", "input", "text")}
    answer = json.loads(client.responses.input_tokens.with_raw_response.count(**request).content)

    assert problems("components/schemas/TokenCountsBody", request) == []
    assert problems("components/schemas/TokenCountsResource", answer) == []


def test_files_are_as_described(client):
    """Upload, listing, look-up and deletion."""
    upload = client.files.with_raw_response.create
    made = json.loads(upload(file=("a.pdf", b"x"), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}).content)
    shown = json.loads(client.files.with_raw_response.retrieve(made["id"]).content)
    listed = json.loads(client.files.with_raw_response.list().content)
    deleted = json.loads(client.files.with_raw_response.delete(made["id"]).content)

    assert problems("components/schemas/OpenAIFile", made) == problems("components/schemas/OpenAIFile", shown) == []
    assert problems("components/schemas/ListFilesResponse", listed) == []
    assert problems("components/schemas/DeleteFileResponse", deleted) == []


def test_models_are_as_described(client):
    """Listing and look-up."""
    listed = json.loads(client.models.with_raw_response.list().content)
    one = json.loads(client.models.with_raw_response.retrieve("gpt-6-luna").content)

    assert problems("components/schemas/ListModelsResponse", listed) == []
    assert problems("components/schemas/Model", one) == []


@pytest.mark.parametrize("request_body", [{"model": "gpt-9", "input": "x"}, {"model": "gpt-5"}, {"model": "gpt-5", "input": "x", "colour": 1}])
def test_errors_are_as_described(client, request_body):
    """Status apart, every refusal has the one form."""
    with pytest.raises(openai.APIStatusError) as caught:
        client.post("/responses", body=request_body, cast_to=object)

    assert problems("components/schemas/ErrorResponse", caught.value.response.json()) == []
