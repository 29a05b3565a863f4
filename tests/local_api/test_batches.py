"""Batches at the loopback API, as the SDK meets them: files in, files out, states, limits, faults, and what the cache does there."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from autod_lib.local_api import running
from autod_lib.local_api.faults import parse_faults

from .conftest import client_of
from .requests_to_send import body, text_part, with_breakpoint
from .test_conformance import problems

MARKED = {"system": with_breakpoint(), "prompt_cache_key": "k", "prompt_cache_options": {"mode": "explicit"}}


def line(number: int, **given: Any) -> dict[str, Any]:
    """A line of an input file, about a document of its own."""
    text = text_part(f"file_name: {number}.pdf\n<document>\nInvoice {number}\n</document>")
    return {"custom_id": f"call-{number}", "method": "POST", "url": "/v1/responses", "body": body(text, **given)}


def uploaded(client: openai.OpenAI, lines: list[Any], purpose: Any = "batch") -> str:
    """The id of an input file of these lines."""
    content = b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in lines)
    return client.files.create(file=("in.jsonl", content), purpose=purpose, expires_after={"anchor": "created_at", "seconds": 3600}).id


def begun(client: openai.OpenAI, lines: list[Any], **given: Any) -> openai.types.Batch:
    """A batch of these lines."""
    wish = {"endpoint": "/v1/responses", "completion_window": "24h", "input_file_id": uploaded(client, lines)} | given
    return client.batches.create(**wish)  # type: ignore[arg-type]


def ended(client: openai.OpenAI, batch: openai.types.Batch) -> openai.types.Batch:
    """The batch once it has ended."""
    until = time.monotonic() + 30
    while (now := client.batches.retrieve(batch.id)).status not in ("completed", "failed", "expired", "cancelled"):
        assert time.monotonic() < until, now
        time.sleep(0.02)
    return now


def lines_of(client: openai.OpenAI, file_id: str | None) -> list[dict[str, Any]]:
    """The lines of a file; none without one."""
    return [json.loads(each) for each in client.files.content(file_id).text.splitlines()] if file_id else []


@contextmanager
def served(faults: str = "", **further: Any) -> Iterator[openai.OpenAI]:
    """The SDK at a server of its own."""
    with running(answers="canned", faults=faults, **further) as address:
        yield client_of(address)


def test_a_batch_answers_every_line_in_an_order_of_its_own(client: openai.OpenAI) -> None:
    """All lines come back in the output file, each a response as described; the usage of the batch is their sum."""
    batch = begun(client, [line(number) for number in range(12)], metadata={"ours": "1"})
    done = ended(client, batch)
    output = lines_of(client, done.output_file_id)
    answers = [each["response"]["body"] for each in output]

    assert (batch.status, done.status, done.error_file_id, done.metadata) == ("validating", "completed", None, {"ours": "1"})
    assert done.request_counts is not None
    assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (12, 12, 0)
    assert {each["custom_id"] for each in output} == {f"call-{number}" for number in range(12)}
    assert [each["custom_id"] for each in output] != [f"call-{number}" for number in range(12)]
    assert {each["response"]["status_code"] for each in output} == {200}
    assert [problem for answer in answers for problem in problems("components/schemas/Response", _older(answer))] == []
    assert done.usage is not None
    assert done.usage.input_tokens == sum(answer["usage"]["input_tokens"] for answer in answers)
    assert done.usage.output_tokens == sum(answer["usage"]["output_tokens"] for answer in answers)


def _older(answer: dict[str, Any]) -> dict[str, Any]:
    answer["usage"]["input_tokens_details"].pop("cache_write_tokens_details", None)
    return answer


def test_batches_are_as_described(client: openai.OpenAI) -> None:
    """Creation, look-up and listing against the published description, in every state met."""
    request = {"input_file_id": uploaded(client, [line(1)]), "endpoint": "/v1/responses", "completion_window": "24h"}
    made = json.loads(client.batches.with_raw_response.create(**request).content)  # type: ignore[arg-type]
    done = ended(client, client.batches.retrieve(made["id"]))
    shown = json.loads(client.batches.with_raw_response.retrieve(done.id).content)
    listed = json.loads(client.batches.with_raw_response.list(limit=5).content)

    assert problems("components/schemas/CreateBatchRequest", request) == []
    assert problems("components/schemas/Batch", made) == problems("components/schemas/Batch", shown) == []
    assert problems("components/schemas/ListBatchesResponse", listed) == []
    assert listed["data"][0]["id"] == made["id"]


def test_the_newest_batches_are_listed_first_page_by_page(client: openai.OpenAI) -> None:
    """`after` goes on behind a batch; another key sees none of them."""
    made = [begun(client, [line(number)]).id for number in range(3)]

    assert [each.id for each in client.batches.list(limit=2).data] == made[:0:-1]
    assert [each.id for each in client.batches.list(limit=2)][:3] == made[::-1]
    assert client_of(str(client.base_url), "sk-other").batches.list().data == []


@pytest.mark.parametrize(
    ("lines", "code", "number"),
    [
        ([line(1), b"{nothing"], "invalid_json_line", 2),
        ([line(1), line(1)], "duplicate_custom_id", 2),
        ([line(1) | {"method": "GET"}], "invalid_method", 1),
        ([line(1) | {"url": "/v1/embeddings"}], "invalid_url", 1),
        ([line(1) | {"body": None}], "missing_required_parameter", 1),
        ([line(1), line(2, model="gpt-6-sol")], "mismatched_model", 2),
        ([line(1, model="llama-3")], "model_not_found", 1),
        ([], "empty_file", None),
        (
            [b'{"custom_id":"%d","method":"POST","url":"/v1/responses","body":{"model":"gpt-5"}}' % n for n in range(50_001)],
            "too_many_requests",
            None,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_input_file_with_a_mistake_fails_as_a_whole(client: openai.OpenAI, lines: list[Any], code: str, number: int | None) -> None:
    """Nothing of it is done; the errors name the line."""
    done = ended(client, begun(client, lines))

    assert (done.status, done.output_file_id, done.error_file_id) == ("failed", None, None)
    assert done.errors is not None
    assert done.errors.data is not None
    assert [(error.code, error.line) for error in done.errors.data] == [(code, number)]


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"endpoint": "/v1/embeddings"}, "endpoint"),
        ({"completion_window": "1h"}, "completion_window"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"output_expires_after": {"anchor": "created_at", "seconds": 60}}, "output_expires_after"),
        ({"extra_body": {"colour": 1}}, "colour"),
    ],
)
def test_a_creation_with_a_mistake_is_refused(client: openai.OpenAI, given: dict[str, Any], param: str) -> None:
    """400, naming the parameter."""
    with pytest.raises(openai.BadRequestError) as refused:
        begun(client, [line(1)], **given)

    assert refused.value.param == param


def test_a_batch_needs_a_file_of_its_purpose(client: openai.OpenAI) -> None:
    """An unknown file is 404, one for something else 400."""
    with pytest.raises(openai.NotFoundError):
        begun(client, [line(1)], input_file_id="file-none")
    with pytest.raises(openai.BadRequestError, match="purpose"):
        begun(client, [line(1)], input_file_id=uploaded(client, [line(1)], "user_data"))
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve("batch_none")


def test_a_line_that_would_be_refused_alone_is_in_the_error_file(client: openai.OpenAI) -> None:
    """Status and error as a request of its own would get; the other lines are answered."""
    done = ended(client, begun(client, [line(1), line(2, temperature="warm"), line(3, colour="red")]))
    [first, *rest] = lines_of(client, done.error_file_id)

    assert {each["custom_id"] for each in lines_of(client, done.output_file_id)} | {each["custom_id"] for each in (first, *rest)} == {
        "call-1",
        "call-2",
        "call-3",
    }
    assert first["response"]["status_code"] == 400
    assert problems("components/schemas/ErrorResponse", first["response"]["body"]) == []
    assert first["error"] is None


def test_a_cancelled_batch_keeps_what_was_done() -> None:
    """Cancelling, then cancelled: no further line is done, and each that was not is named; a second time it is 409."""
    with served(batch_seconds=30) as client:
        batch = begun(client, [line(number) for number in range(4)])
        assert client.batches.cancel(batch.id).status == "cancelling"
        done = ended(client, batch)
        errors = lines_of(client, done.error_file_id)
        with pytest.raises(openai.ConflictError):
            client.batches.cancel(batch.id)

    assert (done.status, done.output_file_id) == ("cancelled", None)
    assert {each["error"]["code"] for each in errors} == {"batch_cancelled"}
    assert len(errors) == 4


def test_time_to_completion_is_about_what_was_asked_for() -> None:
    """By seed half to one and a half of it; it is in progress meanwhile."""
    with served(batch_seconds=2) as client:
        begin = time.monotonic()
        batch = begun(client, [line(1)])
        while client.batches.retrieve(batch.id).status == "validating":
            time.sleep(0.01)
        between = client.batches.retrieve(batch.id)
        done = ended(client, batch)

        assert between.status == "in_progress"
        assert time.monotonic() - begin > 0.9
        assert done.in_progress_at is not None
        assert done.completed_at is not None


@pytest.mark.parametrize(
    ("fault", "status", "output", "errors"),
    [
        ("expired", "expired", 2, 2),
        ("duplicate-lines", "completed", 8, 0),
        ("unknown-line", "completed", 5, 0),
        ("missing-lines", "completed", 3, 0),
        ("torn-line", "completed", 4, 0),
    ],
)
def test_a_batch_may_end_oddly(fault: str, status: str, output: int, errors: int) -> None:
    """Expired with half its lines, or with an output file that is not what it should be; all of it is announced by its own fault."""
    with served(f"{fault}@batch=1") as client:
        done = ended(client, begun(client, [line(number) for number in range(4)]))

        assert done.status == status
        assert len(lines_of(client, done.output_file_id)) == output
        assert len(lines_of(client, done.error_file_id)) == errors


def test_a_batch_may_be_refused_and_its_output_be_lost() -> None:
    """The first fails in validation, by its fault; with the other fault the file that is named is gone."""
    with served("failed-validation@batch=first1,output-gone@batch=1") as client:
        failed, lost = (ended(client, begun(client, [line(number)])) for number in range(2))

        assert (failed.status, failed.output_file_id) == ("failed", None)
        assert lost.status == "completed"
        with pytest.raises(openai.NotFoundError):
            client.files.content(str(lost.output_file_id))


def test_faults_strike_lines_files_and_creations_apart() -> None:
    """A place behind the name: no fault of one place strikes at another."""
    with served("500@line=first1,503@files=first1,drop-after@batches=first1") as client:
        with pytest.raises(openai.InternalServerError):
            uploaded(client, [line(1)])
        with pytest.raises(openai.APIConnectionError):
            begun(client, [line(number) for number in range(3)])
        [made] = client.batches.list().data
        done = ended(client, made)
        client.responses.create(**body())

        assert [each["response"]["status_code"] for each in lines_of(client, done.error_file_id)] == [500]
        assert len(lines_of(client, done.output_file_id)) == 2
    with pytest.raises(ValueError, match="no place 'moon'"):
        parse_faults("500@moon=1")
    with pytest.raises(ValueError, match="no fault 'expired'"):
        parse_faults("expired@line=1")


@pytest.mark.parametrize(("share", "reading"), [(0, 0), (1, 7)])
def test_a_batch_reads_the_cache_by_option_alone(share: float, reading: int) -> None:
    """Cold, every marked line writes its prefix and none reads; warm, the first writes and the others read."""
    with served(batch_reads=share) as client:
        done = ended(client, begun(client, [line(number, **MARKED) for number in range(8)]))
        usages = [each["response"]["body"]["usage"]["input_tokens_details"] for each in lines_of(client, done.output_file_id)]

    assert sum(usage["cached_tokens"] > 0 for usage in usages) == reading
    assert sum(usage["cache_write_tokens"] > 0 for usage in usages) == 8 - reading


def test_every_line_is_in_the_log_with_its_batch(tmp_path: Path) -> None:
    """As a request of its own, and told apart from one: which batch, which line."""
    log = tmp_path / "api.jsonl"
    with served(log=log) as client:
        done = ended(client, begun(client, [line(number) for number in range(3)]))
    lines = [json.loads(text) for text in log.read_text().splitlines()]
    asked = [each for each in lines if each["path"] == "/v1/responses"]

    assert sorted(each["custom_id"] for each in asked) == ["call-0", "call-1", "call-2"]
    assert {each["batch_id"] for each in asked} == {done.id}
    assert all(each["usage"]["input_tokens"] for each in asked)
