"""Drift: seen where there is some, and seldom where there is none, however often one looks."""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from autod_lib import drift, words
from autod_lib.journal import Journal
from autod_lib.store import reading

from .pipeline import one, rows, settings_for

START = datetime(2026, 5, 1, tzinfo=UTC)


def write(home: Path, documents: int, moved_from: int) -> None:
    """Answers an hour apart; from one on, half of the invoices are letters, and no letter has a total."""
    random = Random(4)
    with Journal(home) as journal:
        for number in range(documents):
            at, sha = START + timedelta(hours=number), hashlib.sha256(str(number).encode()).hexdigest()
            is_letter = random.random() < (0.7 if number >= moved_from else 0.2)
            said = {"doc_type": "Letter" if is_letter else "Invoice", "total_amount": None if is_letter else "5.00", "currency": "EUR"}
            call = {"call_id": str(uuid.uuid4()), "document_sha256": sha, "is_simulated": False, "logged_at": at}
            journal.write("extraction", **call, **said, confidence_score=round(random.random(), 2), is_valid=True)
            tokens = {"input_tokens": random.randint(900, 1100), "output_tokens": 100, "cached_tokens": 512}
            journal.write("call_finished", **call, **tokens, status="answered", cost_usd="0.001")


def test_a_bettor_against_chance_seldom_gets_rich_however_often_one_looks() -> None:
    """Of 80 streams without drift, looked at after each of 150 documents, hardly one makes a hundred of its stake; ties included."""
    random = Random(2)
    for draw in (random.random, lambda: float(random.random() < 0.3)):
        ever = [max(drift.wealth([draw() for _ in range(200)], 50, random)[0]) for _ in range(40)]
        assert sum(rich >= 100 for rich in ever) <= 2  # one in a hundred at most in the long run


def test_a_bettor_gets_rich_where_values_have_moved() -> None:
    """Wealth grows by each document that differs, and the ranks tell in which direction."""
    random = Random(2)
    rich, ranks = drift.wealth([random.gauss(0, 1) for _ in range(200)] + [random.gauss(1, 1) for _ in range(150)], 200, random)

    assert rich[0] == pytest.approx(1, abs=0.9)
    assert rich[-1] > len(drift.MEASURES) / drift.FALSE_ALARMS
    assert sum(ranks) / len(ranks) > 0.6


def test_what_has_moved_is_named_with_its_day_and_told_once(tmp_path: Path) -> None:
    """Kinds and totals moved after 280 documents, nothing else did; examples are of those that differ; a second look raises nothing new."""
    home = tmp_path / "home"
    write(home, 500, moved_from=280)
    settings = settings_for(home, "http://127.0.0.1:9/v1")

    told = drift.watch(settings)
    with reading(home) as con:
        found = drift.drift(con, is_simulated=False)
        later = drift.drift(con, is_simulated=False, since="2026-05-14")

    moved = {row["measure"]: row for row in found.to_dicts() if row["has_moved"]}
    assert moved.keys() == {"doc_type", "total_amount_filled"}
    assert found.height == len(drift.MEASURES)
    assert moved["doc_type"]["moved_at"] > START + timedelta(hours=280)
    assert moved["total_amount_filled"]["reference"] > 0.7 > 0.4 > moved["total_amount_filled"]["recent"]
    examples = moved["total_amount_filled"]["example_sha256s"]
    assert rows(home, "select distinct total_amount from extractions where document_sha256 in (select unnest(?))", examples) == [(None,)]
    assert {alert.dedupe_key for alert in told} == moved.keys()
    assert "30_classification" in told[0].message
    assert drift.watch(settings) == []
    assert one(home, "select count(*) from alerts where component = 'drift' and severity = 'warning'") == 2
    assert "total_amount_filled" in words.drift(found).markup
    assert later.is_empty()  # from that day on there are too few documents for a reference


def test_too_few_documents_are_no_drift(tmp_path: Path) -> None:
    """Without a reference and as much after it nothing is said but what it takes."""
    with Journal(tmp_path) as journal:
        journal.write("extraction", document_sha256="a" * 64, doc_type="Letter", is_valid=True, is_simulated=False)

    with reading(tmp_path) as con:
        found = drift.drift(con, is_simulated=False)

    assert found.is_empty()
    assert "200 answered documents" in words.drift(found).markup
    assert drift.watch(settings_for(tmp_path, "http://127.0.0.1:9/v1")) == []
