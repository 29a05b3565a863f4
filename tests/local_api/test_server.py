"""The loopback API as a client meets it: the real SDK over real HTTP, a real process."""

import csv
import doctest
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import httpx2
import openai
import pytest
from openai import OpenAI
from pypdf import PdfReader

from autod_lib.local_api import counting, faults, models, running

from .conftest import client_of
from .requests_to_send import RULES_OF_READING, SCHEMA, body, file_part, pdf, text_part, with_breakpoint

INVOICE = pdf("INVOICE No 7 of Example Ltd", "Total amount due: 119.00 EUR")


def refusal(client: OpenAI, **request: object) -> dict[str, object]:
    """Status, code and param of the error that answers a request."""
    with pytest.raises(openai.APIStatusError) as caught:
        client.post("/responses", body=request, cast_to=object)
    error = caught.value.response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return {"status": caught.value.status_code, "code": error["code"], "param": error["param"]}


# Answers


def test_an_answer_follows_the_schema_that_was_sent(client):
    """Exactly the fields asked for, each of its own type, in one output text."""
    answer = client.responses.create(**body())
    record = json.loads(answer.output_text)

    assert answer.status == "completed"
    assert set(record) == set(SCHEMA["required"])
    assert record["doc_type"] in SCHEMA["properties"]["doc_type"]["enum"]


def test_a_schema_that_is_no_record_gets_its_smallest_instance(client):
    """Null where it may be, the first enum value, the least number, an empty list."""
    schema = {
        "type": "object",
        "properties": {
            "colour": {"type": "string", "enum": ["red", "blue"]},
            "count": {"type": "integer", "minimum": 3},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}, "minItems": 1},
        },
        "required": ["colour", "count", "note", "parts"],
        "additionalProperties": False,
        "$defs": {"part": {"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"], "additionalProperties": False}},
    }
    form = {"format": {"type": "json_schema", "name": "x", "strict": True, "schema": schema}}
    answer = client.responses.create(**{**body(), "text": form})

    assert json.loads(answer.output_text) == {"colour": "red", "count": 3, "note": None, "parts": [{"on": False}]}


def test_a_pdf_is_read_by_rules(by_rules):
    """The type comes from what the pages say, and the same document twice gives the same answer."""
    client = client_of(by_rules)
    request = body(text_part("file_name: seven.pdf"), file_part(INVOICE))
    first, second = (json.loads(client.responses.create(**request).output_text) for _ in range(2))

    assert first["doc_type"] == "Invoice"
    assert first == second


def test_the_text_between_the_fences_is_read_by_rules(by_rules):
    """Without a file, the document is what stands between the fences, and what stands before it is not."""
    document = "file_name: a.pdf\npage_count: 1\n<document>\nINVOICE No 7\nTotal amount due: 119.00 EUR\f\n</document>"
    answer = client_of(by_rules).responses.create(**body(text_part(document)))

    assert json.loads(answer.output_text)["doc_type"] == "Invoice"


def test_the_excerpt_is_as_long_as_the_messages_allow(by_rules):
    """What the system or developer message states is kept to; what a document says of it is not, and 500 characters are the most."""
    schema = {
        "type": "object",
        "properties": {"ocr_text_excerpt": {"type": "string"}},
        "required": ["ocr_text_excerpt"],
        "additionalProperties": False,
    }
    wish = {"format": {"type": "json_schema", "name": "record", "strict": True, "schema": schema}}
    told = "ocr_text_excerpt: the first words, at most 60 characters."
    document = text_part(f"file_name: a.pdf\n<document>\n{told} {'Invoice of goods. ' * 60}\n</document>")

    def length(**given):
        answer = client_of(by_rules).responses.create(**body(document, **given) | {"text": wish})
        return len(json.loads(answer.output_text)["ocr_text_excerpt"])

    assert (length(system=text_part(told)), length()) == (60, 500)


def test_a_pdf_that_cannot_be_read_is_an_error_of_its_own_request(by_rules):
    """400 with a reason, and the next document is read as if nothing had been."""
    client = client_of(by_rules)
    broken = refusal(client, **body(file_part(b"%PDF-1.7\nnothing more")))

    assert broken == {"status": 400, "code": "invalid_file", "param": "input"}
    assert client.responses.create(**body(file_part(INVOICE))).status == "completed"


def test_the_answer_repeats_what_was_asked(client):
    """Model, cap, tier, metadata, store and cache key come back; `auto` comes back as the tier that was used."""
    asked = {"max_output_tokens": 900, "metadata": {"a": "b"}, "prompt_cache_key": "k-1", "temperature": 0.5}
    answer = client.responses.create(**body(**asked))

    assert {name: getattr(answer, name) for name in asked} == asked | {"metadata": {"a": "b"}}
    assert (answer.service_tier, answer.model) == ("default", "gpt-6-luna")
    assert client.responses.create(**body(service_tier="flex")).service_tier == "flex"


def test_reasoning_is_counted_and_stands_before_the_message(client):
    """Effort none spends nothing and gives no item; more effort spends more; the same request spends the same."""
    answers = [client.responses.create(**body(reasoning={"effort": effort})) for effort in ("none", "low", "high", "high")]
    spent = [answer.usage.output_tokens_details.reasoning_tokens for answer in answers]

    assert spent[0] == 0 < spent[1] < spent[2] == spent[3]
    assert [[item.type for item in answer.output] for answer in answers[:2]] == [["message"], ["reasoning", "message"]]


def test_a_low_cap_cuts_the_answer_and_says_so(client, vocabulary):
    """Incomplete by max_output_tokens, never more tokens than the cap; with much reasoning there is no message at all."""
    cut = client.responses.create(**body(max_output_tokens=16, reasoning={"effort": "none"}))
    thought = client.responses.create(**body(max_output_tokens=64, reasoning={"effort": "high"}))

    for answer, cap in ((cut, 16), (thought, 64)):
        assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
        assert answer.usage.output_tokens == cap
    assert len(vocabulary("o200k_base").encode(cut.output_text)) <= 16
    assert [item.type for item in thought.output] == ["reasoning"]


# Tokens


@pytest.mark.parametrize(("model", "encoding"), [("gpt-6-luna", "o200k_base"), ("gpt-4o", "o200k_base"), ("gpt-4", "cl100k_base")])
def test_text_is_counted_by_tiktoken_to_the_token(client, vocabulary, model, encoding):
    """Schema, system text and user text by the model's encoding, and 4 a message; the count endpoint says the same beforehand."""
    user = "Rechnung Nr. 7 über 119,00 € — 請求書 <|endoftext|>"
    request = body(text_part(user), model=model)
    tokens = vocabulary(encoding)
    schema = json.dumps(SCHEMA, separators=(",", ":"))
    expected = sum(len(tokens.encode_ordinary(text)) for text in (schema, RULES_OF_READING, user)) + 2 * 4
    answer = client.responses.create(**request)
    counted = client.responses.input_tokens.count(**{name: request[name] for name in ("model", "input", "text")})

    assert answer.usage.input_tokens == expected == counted.input_tokens
    visible = answer.usage.output_tokens - answer.usage.output_tokens_details.reasoning_tokens
    assert visible == len(tokens.encode_ordinary(answer.output_text))


def test_a_page_costs_its_text_and_its_image(by_rules, vocabulary):
    """Two A4 pages: their text, and 85 tokens each at low or 900 each at high."""
    client = client_of(by_rules)
    count = client.responses.input_tokens.count
    without = count(model="gpt-6-luna", input=[{"role": "user", "content": [text_part("x")]}]).input_tokens
    low, high = (
        count(model="gpt-6-luna", input=[{"role": "user", "content": [text_part("x"), file_part(INVOICE, detail=detail)]}]).input_tokens
        for detail in ("low", "high")
    )
    text = sum(len(vocabulary("o200k_base").encode(page.extract_text())) for page in PdfReader(BytesIO(INVOICE)).pages)

    assert (low - without, high - without) == (2 * 85 + text, 2 * 900 + text)


def test_page_tokens_can_be_fixed_for_a_study():
    """`--page-tokens 10,20` replaces the rule."""
    with running(page_tokens="10,20") as address:
        count = client_of(address).responses.input_tokens.count
        low, high = (
            count(model="gpt-5", input=[{"role": "user", "content": [file_part(INVOICE, detail=detail)]}]).input_tokens for detail in ("low", "high")
        )

    assert high - low == 2 * 10


# The prompt cache over HTTP


def test_a_prefix_written_at_a_breakpoint_is_read_by_the_next_document(client):
    """Written once under its lifetime, then read; the document itself is neither."""
    options = {"mode": "explicit", "ttl": "12h"}
    first, second = (
        client.responses.create(
            **body(text_part(f"document {number}"), system=with_breakpoint(), prompt_cache_key="read-after-write", prompt_cache_options=options)
        ).usage
        for number in range(2)
    )
    written = first.input_tokens_details

    assert written.cached_tokens == 0 < written.cache_write_tokens == written.cache_write_tokens_details.ttl_12h_tokens
    assert second.input_tokens_details.cached_tokens == written.cache_write_tokens
    assert second.input_tokens_details.cache_write_tokens == 0
    assert first.input_tokens == second.input_tokens > written.cache_write_tokens


def test_prewarming_writes_the_prefix_and_produces_nothing(client):
    """No output, no output tokens; the first real call already reads."""
    key = {"prompt_cache_key": "prewarmed", "system": with_breakpoint()}
    warm = client.responses.create(**body(**key, prompt_cache_options={"mode": "explicit", "prewarm": True}))
    real = client.responses.create(**body(**key, prompt_cache_options={"mode": "explicit"}))

    assert (warm.output, warm.usage.output_tokens) == ([], 0)
    assert real.usage.input_tokens_details.cached_tokens == warm.usage.input_tokens_details.cache_write_tokens > 1024


def test_an_older_model_reports_no_writes_and_reads_steps_of_128(client):
    """gpt-5-mini caches by itself and for nothing."""
    usages = [client.responses.create(**body(text_part(f"{n}"), model="gpt-5-mini", prompt_cache_key="old")).usage for n in range(2)]

    assert [usage.input_tokens_details.cache_write_tokens for usage in usages] == [0, 0]
    read = usages[1].input_tokens_details.cached_tokens
    assert read >= 1024
    assert read % 128 == 0


# Refusals

STRICT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def nested(levels: int) -> dict[str, object]:
    """An object inside an object, so many levels deep."""
    inner: dict[str, object] = {"type": "string"}
    for _ in range(levels):
        inner = {"type": "object", "properties": {"a": inner}, "required": ["a"], "additionalProperties": False}
    return inner


@pytest.mark.parametrize(
    "schema",
    [
        STRICT | {"additionalProperties": True},
        {name: value for name, value in STRICT.items() if name != "additionalProperties"},
        STRICT | {"required": []},
        STRICT | {"required": ["a", "b"]},
        STRICT | {"properties": {"a": {"type": "string", "minLength": 1}}},
        STRICT | {"properties": {"a": {"type": "string", "maxLength": 9}}},
        STRICT | {"properties": {"a": {"type": "string", "format": "uri"}}},
        STRICT | {"properties": {"a": {"type": "array"}}},
        STRICT | {"properties": {"a": {"type": "array", "items": {"type": "string"}, "uniqueItems": True}}},
        STRICT | {"properties": {"a": {"oneOf": [{"type": "string"}]}}},
        STRICT | {"properties": {"a": {"description": "of no type"}}},
        STRICT | {"properties": {"a": {"type": "string", "default": "x"}}},
        STRICT | {"properties": {"a": {"$ref": "#/$defs/b", "description": "beside"}}, "$defs": {"b": {"type": "string"}}},
        {"type": "array", "items": STRICT},
        {"anyOf": [STRICT]},
        nested(11),
        STRICT | {"properties": (many := {f"a{n}": {"type": "null"} for n in range(5001)}), "required": list(many)},
        STRICT | {"properties": {"a": {"type": "string", "enum": [f"{n}" for n in range(1001)]}}},
    ],
)
def test_a_schema_outside_the_strict_subset_is_refused(client, schema):
    """As the API does: 400 invalid_json_schema at text.format.schema; unless the schema is not asked to be strict."""
    form = {"type": "json_schema", "name": "x", "strict": True, "schema": schema}
    found = refusal(client, **{**body(), "text": {"format": form}})

    assert found == {"status": 400, "code": "invalid_json_schema", "param": "text.format.schema"}
    assert client.responses.create(**{**body(), "text": {"format": form | {"strict": False}}}).status == "completed"


@pytest.mark.parametrize(
    "schema", [STRICT, nested(10), STRICT | {"properties": {"a": {"type": ["string", "null"], "pattern": "^a", "format": "date"}}}]
)
def test_a_schema_inside_the_strict_subset_is_taken(client, schema):
    """Ten levels, nullable types, patterns and the named formats."""
    form = {"type": "json_schema", "name": "x", "strict": True, "schema": schema}

    assert client.responses.create(**{**body(), "text": {"format": form}}).status == "completed"


@pytest.mark.parametrize(
    ("change", "status", "code", "param"),
    [
        ({"colour": "red"}, 400, "unknown_parameter", "colour"),
        ({"model": "llama-3"}, 404, "model_not_found", "model"),
        ({"input": None}, 400, "missing_required_parameter", "input"),
        ({"max_output_tokens": 15}, 400, "integer_below_min_value", "max_output_tokens"),
        ({"max_output_tokens": "many"}, 400, "invalid_type", "max_output_tokens"),
        ({"reasoning": {"effort": "huge"}}, 400, "unsupported_value", "reasoning.effort"),
        ({"reasoning": {"effort": "low"}, "model": "gpt-4.1"}, 400, "unsupported_parameter", "reasoning.effort"),
        ({"reasoning": {"effort": "minimal"}, "model": "o3"}, 400, "unsupported_value", "reasoning.effort"),
        ({"prompt_cache_options": {"mode": "explicit"}, "model": "gpt-5.5"}, 400, "unsupported_parameter", "prompt_cache_options"),
        ({"prompt_cache_options": {"ttl": "1h"}}, 400, "invalid_value", "prompt_cache_options.ttl"),
        ({"prompt_cache_retention": "24h"}, 400, "unsupported_parameter", "prompt_cache_retention"),
        ({"service_tier": "turbo"}, 400, "invalid_value", "service_tier"),
        ({"temperature": 3}, 400, "decimal_out_of_range", "temperature"),
        ({"metadata": {"a": "x" * 513}}, 400, "invalid_value", "metadata.a"),
        ({"stream": True}, 400, "unsupported_parameter", "stream"),
        ({"previous_response_id": "resp_1"}, 400, "previous_response_not_found", "previous_response_id"),
        ({"text": {"verbosity": "loud"}}, 400, "invalid_value", "text.verbosity"),
        ({"text": {"format": {"type": "json_schema", "name": "a b", "schema": STRICT}}}, 400, "invalid_value", "text.format.name"),
        ({"text": {"format": {"type": "json_schema", "schema": STRICT}}}, 400, "missing_required_parameter", "text.format.name"),
    ],
)
def test_a_wrong_parameter_is_named(client, change, status, code, param):
    """Each is answered with the status, the code and the parameter that the API names."""
    assert refusal(client, **{**body(), **change}) == {"status": status, "code": code, "param": param}


@pytest.mark.parametrize(
    ("part", "status", "code", "at"),
    [
        ({"type": "input_audio"}, 400, "invalid_value", ".type"),
        ({"type": "input_text", "text": "a", "colour": "red"}, 400, "unknown_parameter", ".colour"),
        ({"type": "input_text"}, 400, "invalid_type", ".text"),
        ({"type": "input_file", "file_id": "file-none"}, 404, "file_not_found", ".file_id"),
        ({"type": "input_file", "filename": "a.pdf"}, 400, "missing_required_parameter", ""),
        ({"type": "input_file", "filename": "a.pdf", "file_data": "aGVsbG8="}, 400, "invalid_value", ".file_data"),
        (file_part(b"x", detail="medium"), 400, "invalid_value", ".detail"),
        ({"type": "input_file", "file_url": "https://example.com/a.pdf"}, 400, "unsupported_parameter", ".file_url"),
        (
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64," + "A" * 73_400_320},
            400,
            "string_above_max_length",
            ".file_data",
        ),
        ({"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64," + "A" * 68_000_000}, 400, "file_too_large", "="),
    ],
)
def test_a_wrong_part_is_named_by_its_place(client, part, status, code, at):
    """The param says which message and which part."""
    param = "input" if at == "=" else f"input[1].content[0]{at}"

    assert refusal(client, **body(part)) == {"status": status, "code": code, "param": param}


def test_broken_base64_is_refused(by_rules):
    """Where the file would be read, its encoding must be right."""
    part = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE$$$$"}

    assert refusal(client_of(by_rules), **body(part))["code"] == "invalid_base64"


def test_breakpoints_belong_to_gpt_5_6_and_later_and_are_at_most_four(client):
    """On gpt-5.5 a breakpoint is refused; on gpt-5.6 four are taken and five are not."""
    five = [with_breakpoint(f"{number}") for number in range(5)]

    assert refusal(client, **body(five[0], model="gpt-5.5"))["code"] == "unsupported_parameter"
    assert client.responses.create(**body(*five[:4], model="gpt-5.6-luna")).status == "completed"
    assert refusal(client, **body(*five, model="gpt-5.6-luna"))["code"] == "too_many_cache_breakpoints"


def test_a_body_that_is_no_json_is_refused(canned):
    """400 in the API's own form."""
    answer = httpx2.post(f"{canned}/responses", content=b"{nonsense", headers={"authorization": "Bearer sk-1"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")


@pytest.mark.parametrize(("key", "expected"), [("wrong-key", openai.AuthenticationError), ("forbidden-key", openai.PermissionDeniedError)])
def test_a_bad_key_is_refused(canned, key, expected):
    """401 for a wrong key and 403 for one that may not."""
    with pytest.raises(expected):
        client_of(canned, key).models.list()


def test_a_missing_key_is_refused(canned):
    """401 invalid_api_key, on any path."""
    answer = httpx2.get(f"{canned}/models")

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


def test_an_unknown_path_is_answered_in_the_form_of_an_error(client):
    """404 with an error object, not a page."""
    with pytest.raises(openai.NotFoundError) as caught:
        client.get("/nowhere", cast_to=object)

    assert "Invalid URL" in caught.value.response.json()["error"]["message"]


# Files and models


def test_an_uploaded_file_can_be_listed_read_used_and_deleted(by_rules):
    """The whole life of a file, as another key never sees it."""
    client = client_of(by_rules)
    kept = client.files.create(file=("seven.pdf", INVOICE), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600})
    used = client.responses.create(**body({"type": "input_file", "file_id": kept.id}))

    assert (kept.filename, kept.bytes, kept.expires_at - kept.created_at) == ("seven.pdf", len(INVOICE), 3600)
    assert json.loads(used.output_text)["doc_type"] == "Invoice"
    assert client.files.content(kept.id).read() == INVOICE
    assert [each.id for each in client.files.list()] == [kept.id]
    assert list(client_of(by_rules, "sk-other").files.list()) == []
    assert client.files.delete(kept.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(kept.id)


def test_listing_goes_page_by_page(canned):
    """Three files by pages of two, newest first, none twice."""
    client = client_of(canned, "sk-pages")
    ids = [client.files.create(file=(f"{n}.pdf", b"x"), purpose="batch").id for n in range(3)]

    assert [each.id for each in client.files.list(limit=2)] == ids[::-1]


def test_models_are_listed_and_known_by_pattern(client):
    """What is listed can be asked for, and so can a dated name of a known family."""
    assert "gpt-6-luna" in [model.id for model in client.models.list()]
    assert client.models.retrieve("gpt-5-mini-2026-01-31").id == "gpt-5-mini-2026-01-31"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-9")


# The oracle


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    """100 documents whose issuer and type are known, by file name."""
    path = tmp_path_factory.mktemp("truth") / "truth.csv"
    with path.open("w", newline="") as lines:
        table = csv.writer(lines)
        table.writerow(["file", "sha256", "doc_type", "issuer", "total_amount"])
        table.writerows([f"{n}.pdf", hashlib.sha256(b"%d" % n).hexdigest(), "Invoice", f"Company {n}", n] for n in range(100))
    return path


def test_the_oracle_is_right_as_often_as_asked_and_never_opens_the_file(truth):
    """At 0.8, about 80 % of 200 fields (4 deviations: 69 to 91); at 1, all; what it is given is no PDF at all."""
    right = {}
    for accuracy in (0.8, 1):
        with running(answers="oracle", truth=truth, accuracy=accuracy, seed=5) as address:
            client = client_of(address)
            records = [
                json.loads(client.responses.create(**body(text_part(f'file_name: "{n}.pdf"'), file_part(b"no pdf"))).output_text) for n in range(100)
            ]
            by_hash = json.loads(client.responses.create(**body(file_part(b"17", "renamed.pdf"))).output_text)
        right[accuracy] = sum(record["doc_type"] == "Invoice" for record in records)
        right[accuracy] += sum(record["issuer"] == f"Company {n}" for n, record in enumerate(records))

    assert 0.69 * 200 < right[0.8] < 0.91 * 200
    assert right[1] == 200
    assert by_hash["issuer"] == "Company 17"


def test_the_oracle_can_differ_by_model(truth):
    """`gpt-5-nano=0,1`: the small model is never right, the others always."""
    with running(answers="oracle", truth=truth, accuracy="gpt-5-nano=0,1") as address:
        client = client_of(address)
        found = {
            model: json.loads(client.responses.create(**body(text_part("file_name: 3.pdf"), model=model)).output_text)["doc_type"]
            for model in ("gpt-5-nano", "gpt-6-sol")
        }

    assert found["gpt-5-nano"] != "Invoice"
    assert found["gpt-6-sol"] == "Invoice"


# The log, limits, latency


def test_the_log_has_one_line_for_every_answer(tmp_path):
    """Time, path, status, both hashes, usage; the line is there when the answer is; errors have lines without usage."""
    log = tmp_path / "log.jsonl"
    with running(answers="canned", log=log) as address:
        client = client_of(address)
        answer = client.responses.with_raw_response.create(**body(file_part(INVOICE)))
        assert len(log.read_text().splitlines()) == 1
        refusal(client, **body(max_output_tokens=1))
    good, bad = map(json.loads, log.read_text().splitlines())

    assert (good["path"], good["status"], good["model"]) == ("/v1/responses", 200, "gpt-6-luna")
    assert good["document_sha256"] == hashlib.sha256(INVOICE).hexdigest()
    assert good["request_sha256"] == hashlib.sha256(answer.http_request.content).hexdigest()
    assert good["request_id"] == answer.headers["x-request-id"]
    assert good["usage"] == json.loads(answer.content)["usage"]
    assert good["time"].endswith("+00:00")
    assert (bad["status"], bad["usage"]) == (400, None)


def test_a_request_whose_client_has_gone_is_not_in_the_log(tmp_path):
    """A client that hangs up during the latency got no answer, so the log has none."""
    log = tmp_path / "log.jsonl"
    with running(answers="canned", log=log, latency=0.8) as address:
        with pytest.raises(openai.APITimeoutError):
            client_of(address).with_options(timeout=0.3).responses.create(**body())
        client_of(address).responses.create(**body())

    assert len(log.read_text().splitlines()) == 1


def test_more_requests_than_allowed_get_429_with_the_wait():
    """Two a minute: the third is told to wait about half a minute, and other keys are not held up."""
    with running(answers="canned", requests_per_minute=2) as address:
        client = client_of(address)
        left = [client.responses.with_raw_response.create(**body()).headers["x-ratelimit-remaining-requests"] for _ in range(2)]
        with pytest.raises(openai.RateLimitError) as caught:
            client.responses.create(**body())
        client_of(address, "sk-other").responses.create(**body())
    headers = caught.value.response.headers

    assert left == ["1", "0"]
    assert 20 <= int(headers["retry-after"]) <= 30
    assert headers["x-ratelimit-limit-requests"] == "2"


def test_every_answer_says_that_it_is_simulated(client):
    """Answers and errors carry the mark, an id and the limits."""
    good = client.models.with_raw_response.list().headers
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-9")
    for headers in (good, caught.value.response.headers):
        assert headers["x-autod-simulated"] == "1"
        assert headers["x-request-id"].startswith("req_")
        assert int(headers["openai-processing-ms"]) >= 0
        assert headers["x-ratelimit-remaining-tokens"].isdigit()


def test_latency_is_waited_and_other_requests_are_not_held_up(canned):
    """Ten requests at once take the latency once, not ten times."""
    import asyncio

    async def ten(address: str) -> float:
        async with openai.AsyncOpenAI(base_url=address, api_key="sk-1", max_retries=0) as client:
            await client.responses.create(**body())
            start = time.perf_counter()
            await asyncio.gather(*(client.responses.create(**body()) for _ in range(10)))
            return time.perf_counter() - start

    with running(answers="canned", latency=0.4) as address:
        assert 0.4 <= asyncio.run(ten(address)) < 2


# Beginning and end


def test_the_server_ends_with_the_one_who_started_it():
    """After kill -9 of the parent nothing listens any more."""
    code = "import sys; from autod_lib.local_api import running\nwith running(answers='rules') as a: print(a, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        address = parent.stdout.readline().strip()
        client_of(address).responses.create(**body(file_part(INVOICE)))
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    port = int(address.rsplit(":", 1)[1].split("/")[0])
    for _ in range(60):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                break
        time.sleep(0.1)
    else:
        pytest.fail("the server outlived its parent")


def test_the_server_says_one_line_and_listens_on_loopback_alone():
    """Standard output has the address and nothing else, also after an end by signal."""
    command = [sys.executable, "-m", "autod_lib.local_api", "--answers", "canned"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        address = server.stdout.readline().strip()
        client_of(address).responses.create(**body())
        table = Path(f"/proc/{server.pid}/net/tcp")
        if table.exists():
            port = f"{int(address.rsplit(':', 1)[1].split('/')[0]):04X}"
            assert any(f"0100007F:{port}" in line for line in table.read_text().splitlines())
            assert not any(f"00000000:{port}" in line for line in table.read_text().splitlines())
        server.send_signal(signal.SIGTERM)
        rest, errors = server.communicate(timeout=5)

    assert address.startswith("http://127.0.0.1:")
    assert (rest, errors, server.returncode) == ("", "", 0)


@pytest.mark.parametrize(
    "wrong", [{"faults": "nonsense=1"}, {"faults": "429=2"}, {"answers": "oracle"}, {"page_tokens": "85"}, {"accuracy": 1.5}, {"port": "99999999"}]
)
def test_a_wrong_option_ends_the_start_with_a_reason(wrong, capfd):
    """The caller gets an error at once, and standard error says what is wrong."""
    with pytest.raises(RuntimeError, match="before it was ready"), running(**wrong):
        pass

    assert capfd.readouterr().err


@pytest.mark.parametrize("module", [counting, faults, models])
def test_the_examples_in_the_docstrings_are_true(module):
    """What a docstring shows is what happens."""
    found = doctest.testmod(module)

    assert found.attempted > 0 == found.failed


def test_importing_the_package_imports_nothing_heavy():
    """A command that may start the server pays for the standard library alone."""
    code = "import sys, autod_lib.local_api; print(*{'starlette', 'uvicorn', 'orjson', 'tiktoken', 'pypdf'} & set(sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
