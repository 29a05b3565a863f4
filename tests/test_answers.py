"""What came back has one name each, and docs/reliability.md says what is done about it: the table is walked over the faults of the loopback API."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from autod_lib import api
from autod_lib.answers import is_same_model
from autod_lib.local_api import running
from autod_lib.local_api.faults import ANSWER, TRANSPORT

from .pipeline import PROJECT, make_pdf, rows, run, settings_for

CUT_OFF = {"drop-after", "drop-middle", "drip"}  # no answer came: tests/test_api.py has them


class Row(NamedTuple):
    """A line of the table."""

    fault: str
    status: str
    outcome: str
    kind: str | None
    asked: int
    document: str


def table() -> dict[str, Row]:
    """The table as the documentation has it, by fault."""
    found = {}
    for line in (PROJECT / "docs/reliability.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 7 and re.fullmatch(r"`[\w-]+`", cells[0]):
            name = cells[0].strip("`")
            found[name] = Row(name, cells[1], cells[2], None if cells[3] == "–" else cells[3], int(cells[4]), cells[5])
    return found


class Faulty:
    """The client, with the fault that a request's document is named after on each of its calls."""

    def __init__(self, client: Any) -> None:
        self.close = client.close
        self.plain = client
        self.clients = {fault: client.with_options(default_headers={"x-autod-fault": fault}) for fault in table()}

    async def answer(self, body: bytes) -> Any:
        """What the API says to this body."""
        named = re.search(rb"fault-([\w-]+)\.pdf", body)
        return await (self.clients[named[1].decode()] if named else self.plain).answer(body)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """One run over a document for each fault and some without: what became of each, by fault."""
    folder, patch = tmp_path_factory.mktemp("walked"), pytest.MonkeyPatch()
    for fault in table():
        make_pdf(folder / "in" / f"fault-{fault}.pdf", fault)
    for number in range(3):
        make_pdf(folder / "in" / f"fine-{number}.pdf", f"fine {number}")
    made = api.client_for
    patch.setattr(api, "client_for", lambda settings, key: Faulty(made(settings, key)))
    patch.setattr(api, "FIRST_WAIT_S", 0.02)
    with running(answers="canned") as address:
        settings = settings_for(folder / "home", address, max_answer_bytes=1_000_000, breaker_failures=1000, input_mode="text")
        report = run(folder / "in", settings)
    patch.undo()
    found = rows(
        folder / "home",
        """with told as (select document_sha256, file_name, processing_status, error_sentence from documents)
        select regexp_extract(file_name, 'fault-(.*)\\.pdf', 1), processing_status, status, outcome, error_kind, count(*), count(body),
               count(cost_usd), any_value(error_sentence), bool_and(cost_upper_usd > 0)
        from told join api_calls using (document_sha256) left join call_bodies using (run_id, call_id) group by all order by all""",
    )
    assert report.exit_status == 1
    names = ("fault", "document", "status", "outcome", "kind", "calls", "bodies", "priced", "sentence", "is_bounded")
    kept: dict[str, list[dict[str, Any]]] = {}
    for row in found:
        kept.setdefault(row[0], []).append(dict(zip(names, row, strict=True)))
    assert all(len(lines) == 1 for lines in kept.values()), [lines for lines in kept.values() if len(lines) > 1]
    return {fault: lines[0] for fault, lines in kept.items()}


def test_the_table_has_every_fault_that_brings_an_answer() -> None:
    """A new kind of odd answer gets its line, with its name and its rule."""
    assert set(table()) == (set(ANSWER) | set(TRANSPORT)) - CUT_OFF


@pytest.mark.parametrize("fault", table())
def test_what_came_is_named_asked_and_judged_as_the_table_says(walked: dict[str, dict[str, Any]], fault: str) -> None:
    """Status, outcome, kind, how often it was asked, and what its document became: the documentation is the test."""
    found, row = walked[fault], table()[fault]

    assert (found["status"], found["outcome"], found["kind"], found["calls"], found["document"]) == row[1:]
    assert found["bodies"] == (0 if fault == "huge" else found["calls"])
    assert found["is_bounded"]
    if row.document != "processed":
        assert len(found["sentence"]) > 20


def test_an_answer_that_is_fine_has_no_kind_and_one_call(walked: dict[str, dict[str, Any]]) -> None:
    """The neighbours of all these faults are answered, once each."""
    fine = walked[""]

    assert (fine["document"], fine["status"], fine["outcome"], fine["kind"], fine["calls"], fine["priced"]) == (
        *("processed", "answered", "completed", None),
        *(3, 3),
    )


@pytest.mark.parametrize(
    ("asked", "answered", "same"),
    [
        ("gpt-6-luna", "gpt-6-luna", True),
        ("gpt-5-mini", "gpt-5-mini-2025-08-07", True),
        ("gpt-5", "openai/gpt-5-2025-08-07", True),
        ("gpt-5", "gpt-5-mini", False),
        ("gpt-5", "gpt-5-mini-2025-08-07", False),
        ("gpt-6-luna", "gpt-6-sol", False),
        ("gpt-5-mini", "gpt-5", False),
    ],
)
def test_a_dated_snapshot_is_the_model_that_was_asked(asked: str, answered: str, same: bool) -> None:
    """Its day in the name makes no other model of it; a smaller or larger sibling is one."""
    assert is_same_model(asked, answered) is same


def test_an_answer_of_another_model_raises_an_alert_once(tmp_path: Path) -> None:
    """Both models are named, and two documents raise one alert."""
    for number in range(2):
        make_pdf(tmp_path / "in" / f"{number}.pdf", f"No. {number}")
    with running(answers="canned", faults="other-model:gpt-6-sol=1") as address:
        report = run(tmp_path / "in", settings_for(tmp_path / "home", address))

    assert (report.needs_review, report.exit_status) == (2, 0)
    ((severity, message),) = rows(tmp_path / "home", "select severity, message from alerts")
    assert severity == "warning"
    assert "'gpt-6-sol', not from 'gpt-6-luna'" in message
