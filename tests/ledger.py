"""Ledgers made up for the tests, written through the journal as a run would write them: the same seed gives the same bytes, times included.

`full` is three weeks of two models with two cold days, labels, rejected files and calls without an end; `tiny` is one document;
`simulated` is a week of simulated answers; `mixed` holds both kinds of money; `empty` is a workspace in which nothing has happened yet.
"""

import hashlib
import random
import uuid
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from autod_lib.journal import Journal

FIRST_DAY = date(2026, 10, 12)
HOSTILE_NAME = "<script>alert(1)</script> **bold** [x](javascript:alert(1)).pdf"
HOSTILE_ISSUER = "<img src=x onerror=alert(2)> & Söhne | `code`"
RATES = {  # USD a million tokens, invented
    "gpt-6-luna": {"input": "0.25", "cached": "0.025", "written": "0.3125", "output": "2"},
    "gpt-6-nano": {"input": "0.05", "cached": "0.005", "written": "0.0625", "output": "0.4"},
}
KINDS = {"Invoice": 40, "Letter": 20, "Contract": 12, "Receipt": 10, "BankStatement": 8, "UtilityBill": 6, "Report": 4, "Other": 3}
ISSUERS = ["Nordlicht Energie GmbH", "Alder & Finch Ltd", "Banque du Rhône SA", "Maple Leaf Dental", "City of Larkhaven", "Officine Ferri S.p.A."]
REASONS = {
    "encrypted": "It needs a password to open; nothing was sent. Save an unlocked copy and ingest that.",
    "not_a_pdf": "It does not begin as a PDF does; nothing was sent. Look at what the file is.",
    "memory": "Reading it took more memory than is allowed; nothing was sent. Raise AUTOD_READER_MEMORY_BYTES if you trust it.",
}


@dataclass(frozen=True)
class Made:
    """One invented document and the truth about it."""

    sha256: str
    file_name: str
    path: str
    pages: int
    truth: dict[str, str | None]


def _document(rng: random.Random, number: int, day: date, receipts: int) -> Made:
    sha256 = hashlib.sha256(f"document {number} of {day}".encode()).hexdigest()
    kind = rng.choices(list(KINDS), [weight + (receipts if name == "Receipt" else 0) for name, weight in KINDS.items()])[0]
    has_money = kind not in ("Letter", "Contract", "Report", "Other")
    name = HOSTILE_NAME if number == 3 else f"{kind.lower()}-{day:%m%d}-{number:04d}.pdf"
    dated = day - timedelta(days=rng.randrange(1, 120))
    truth = {
        "doc_type": kind,
        "issuer": HOSTILE_ISSUER if number == 3 else rng.choice(ISSUERS),
        "recipient": rng.choice(["Harbour Books", "J. Weber", None]),
        "primary_date": dated.isoformat(),
        "secondary_date": (dated + timedelta(days=30)).isoformat() if kind == "Invoice" else None,
        "total_amount": str(Decimal(rng.randrange(500, 900_000)) / 100) if has_money else None,
        "currency": rng.choices(["USD", "EUR", "CHF"], [6, 3, 1])[0] if has_money else None,
        "language_detected": rng.choices(["en", "de", "fr"], [7, 2, 1])[0],
    }
    return Made(sha256, name, f"/inbox/{day:%Y-%m}/{name}", rng.choice([1, 1, 2, 2, 3, 4, 7, 12]), truth)


def _guess(rng: random.Random, truth: dict[str, str | None], skill: float) -> dict[str, str | None]:
    answer = dict(truth)
    for field, ease in {"currency": 0.1, "language_detected": 0.1, "doc_type": 0.5, "total_amount": 0.6, "primary_date": 0.6, "issuer": 0.9}.items():
        if rng.random() < (1 - skill) * ease * 2:
            answer[field] = {"doc_type": rng.choice(["Other", "Receipt", "Letter"]), "currency": None, "language_detected": "it"}.get(field)
    for field in ("recipient", "secondary_date"):
        if rng.random() < (1 - skill) * 2:
            answer[field] = None
    return answer


def _cost(rates: dict[str, str] | None, uncached: int, cached: int, written: int, output: int) -> dict[str, Any]:
    if rates is None:
        return {}
    kinds = {
        "uncached_usd": ("input", uncached),
        "cached_usd": ("cached", cached),
        "cache_write_usd": ("written", written),
        "output_usd": ("output", output),
    }
    parts = {name: Decimal(rates[kind]) * tokens / 1_000_000 for name, (kind, tokens) in kinds.items()}
    return parts | {"cost_usd": sum(parts.values(), Decimal(0)), "input_rate": rates["input"]}


def _run_start(journal: Journal, at: datetime, simulated: bool, command: str = "ingest") -> None:
    journal.write(
        "run_started",
        logged_at=at,
        command=command,
        arguments={"paths": ["/inbox"]},
        settings={"model": "gpt-6-luna", "input_mode": "auto", "reasoning_effort": "low", "in_flight": "16", "api_key": "set"},
        version="0.1.0",
        host="scanner",
        pid=4711,
        environment="default",
        base_url="http://127.0.0.1:9000/v1" if simulated else "https://api.openai.com/v1",
        is_simulated=simulated,
        budget_day_usd="0.08",
        budget_month_usd="5",
    )


def _call(rng: random.Random, document: Made, at: datetime, **given: Any) -> dict[str, Any]:
    """The columns of a call's start."""
    model, mode, prompt, repeat = given["model"], given["input_mode"], given["prompt_hash"], given.get("repeat", 0)
    return {
        "call_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "request_key": hashlib.sha256(f"{document.sha256}{model}{mode}{prompt}{repeat or ''}".encode()).hexdigest(),
        "document_sha256": document.sha256,
        "arm": f"{model} {mode} low {prompt}" + (f" · repeat {repeat}" if repeat else ""),
        "purpose": "extract",
        "model": model,
        "input_mode": mode,
        "reasoning_effort": "low",
        "verbosity": "low",
        "prompt_hash": prompt,
        "schema_version": "1",
        "repeat": repeat,
        "attempt": 1,
        "service_tier_asked": "default",
        "cache_policy": "automatic",
        "cache_key": f"{prompt}-{rng.randrange(2)}",
        "estimated_input_tokens": 2200 + 380 * document.pages,
        "rule_input_tokens": 2250 + 400 * document.pages,
        "estimated_pages": document.pages,
        "estimated_output_tokens": 600,
        "estimate_confidence": "high",
        "estimate_usd": "0.001",
        "cost_upper_usd": "0.010240000000",
        "is_simulated": given["is_simulated"],
        "batch_key": given.get("batch_key"),
        "logged_at": at,
    }


def _answer(
    journal: Journal, rng: random.Random, document: Made, at: datetime, *, cold: bool, skill: float, priced: bool = True, **arm: Any
) -> datetime:
    """One call, answered: start, end and extraction. Gives the time of the end."""
    start = _call(rng, document, at, **arm)
    journal.write("call_started", **start)
    latency = rng.lognormvariate(7.6, 0.5)
    end = at + timedelta(milliseconds=latency)
    prefix, body = 1664, 300 + int(document.pages * rng.uniform(280, 460)) + (900 if arm["input_mode"].startswith("file") else 0)
    cached, written = (0, prefix) if cold else (prefix, 0)
    output = rng.randrange(420, 780)
    rates = RATES[arm["model"]] if priced else None
    journal.write(
        "call_finished",
        **start
        | {
            "logged_at": end,
            "started_at": at,
            "finished_at": end,
            "status": "answered",
            "outcome": "completed",
            "http_status": 200,
            "model_answered": arm["model"],
            "service_tier": "default",
            "response_id": f"resp_{rng.getrandbits(64):016x}",
            "request_id": f"req_{rng.getrandbits(64):016x}",
            "latency_ms": latency,
            "input_tokens": prefix + body,
            "cached_tokens": cached,
            "cache_write_tokens": written,
            "cache_write_30m_tokens": written,
            "prefix_tokens": prefix,
            "expected_cached_tokens": prefix,
            "expected_write_tokens": 0,
            "cache_write_12h_tokens": 0,
            "output_tokens": output,
            "reasoning_tokens": output // 5,
            **_cost(rates, body, cached, written, output),
            "price_source": "test list 1",
            "price_date": at.date(),
            "price_rates": rates,
            "price_warning": None if rates else "no price is known for this model",
            "body": "{}",
        },
    )
    answer = _guess(rng, document.truth, skill)
    right = answer["doc_type"] == document.truth["doc_type"]
    confidence = min(0.99, max(0.05, rng.gauss(0.9, 0.07) if right else rng.gauss(0.68, 0.15)))
    journal.write(
        "extraction",
        logged_at=end,
        **{
            name: start[name]
            for name in ("call_id", "request_key", "document_sha256", "arm", "model", "input_mode", "reasoning_effort", "prompt_hash")
        },
        is_simulated=arm["is_simulated"],
        is_valid=True,
        review_reasons=["confidence below 0.7"] if confidence < 0.7 else [],
        schema_version="1",
        file_name=document.file_name,
        page_count=document.pages,
        confidence_score=round(confidence, 3),
        summary=f"A {answer['doc_type']} of {answer['issuer']}.",
        action_items=[],
        deadlines=[],
        urgency_level="low",
        tags=["paper"],
        extraction_quality="good",
        requires_review=confidence < 0.7,
        ocr_text_excerpt="…",
        **answer,
    )
    if not arm.get("is_experiment"):
        journal.write(
            "document_status",
            logged_at=end,
            document_sha256=document.sha256,
            request_key=start["request_key"],
            arm=start["arm"],
            is_simulated=arm["is_simulated"],
            status="needs_review" if confidence < 0.7 else "processed",
            error_kind="needs_review" if confidence < 0.7 else None,
            sentence="The stated confidence is below 0.7: look at it." if confidence < 0.7 else None,
            seconds=latency / 1000,
        )
    return end


def _read(journal: Journal, document: Made, at: datetime, problem: str | None = None) -> None:
    journal.write(
        "sighting",
        logged_at=at,
        path=document.path,
        document_sha256=document.sha256,
        size_bytes=80_000 * document.pages,
        modified_ns=1,
        problem=problem,
        sentence=problem and REASONS[problem],
    )
    journal.write(
        "document_read",
        logged_at=at,
        document_sha256=document.sha256,
        sha256_base64=b64encode(bytes.fromhex(document.sha256)).decode(),
        file_name=document.file_name,
        path=document.path,
        size_bytes=80_000 * document.pages,
        page_count=None if problem else document.pages,
        status="rejected" if problem else "readable",
        problem=problem,
        flags=[],
        sentence=problem and REASONS[problem],
        text_layer="unread" if problem else "good",
        text_characters=None if problem else 1800 * document.pages,
        metadata={"title": document.file_name},
        seconds=0.05,
    )


def _label(journal: Journal, document: Made, at: datetime) -> None:
    for field, value in document.truth.items():
        journal.write(
            "label",
            logged_at=at,
            document_sha256=document.sha256,
            field=field,
            value=value,
            is_absent=value is None,
            labeller="anna",
            source="labels.csv",
        )


def _compared(home: Path, day: date, simulated: bool, seed: int, call_id: str | None) -> None:
    """The first day beside an invoice that has a little more, and the proof that an unsettled call was not billed; the figures are invented."""
    at = datetime(day.year, day.month, day.day, 23, tzinfo=UTC)
    with Journal(home, f"{at:%Y%m%d-%H%M%S}-{seed:08x}") as journal:
        _run_start(journal, at, simulated, "reconcile")
        for step, model, calls, usd in (
            ("ledger", None, 14, "0.0100"),
            ("unsettled", "gpt-6-luna", 1, "0.0007"),
            ("price", "gpt-6-luna", 0, "0.0011"),
            ("unexplained", None, 0, "-0.0002"),
            ("invoice", None, 15, "0.0116"),
        ):
            said = {"step": step, "model": model, "calls": calls, "usd": usd, "sentence": f"{step}: {usd} USD."}
            journal.write("reconciled", logged_at=at, day_utc=day, is_simulated=simulated, source="invoice.csv", **said)
        if call_id:
            proof = {"call_id": call_id, "is_simulated": simulated, "source": "invoice.csv", "day_utc": day, "is_billed": False, "calls_together": 1}
            journal.write("call_reconciled", logged_at=at, **proof, sentence="It was not billed.")
        journal.write("run_finished", logged_at=at, exit_status=1, state="finished", seconds=1.0, summary={})


def write(home: Path, *, first_day: date = FIRST_DAY, days: int = 21, a_day: int = 14, simulated: bool = False, seed: int = 7) -> None:
    """A ledger of so many days in a workspace that exists or not."""
    rng = random.Random(seed)
    labelled: list[Made] = []
    number = 0
    proved = None
    for index in range(days):
        day = first_day + timedelta(days=index)
        if index % 7 == 6:  # nobody scans on a Sunday
            continue
        at = datetime(day.year, day.month, day.day, 2, 0, tzinfo=UTC)
        cold = index in (9, 10)
        prompt = "p1a2b3c4" if index < 9 else "q9d8e7f6"
        killed = index == 12
        with Journal(home, f"{at:%Y%m%d-%H%M%S}-{seed:08x}") as journal:
            _run_start(journal, at, simulated)
            journal.write(
                "prompt_version",
                logged_at=at,
                prompt_hash=prompt,
                schema_version="1",
                system="s",
                developer="d",
                schema={},
                prefix_tokens=1664,
                encoding="o200k_base",
            )
            journal.write(
                "cache_decided",
                logged_at=at,
                model="gpt-6-luna",
                tier="sync",
                prompt_hash=prompt,
                is_simulated=simulated,
                cache_policy="automatic",
                shards=2,
                warming="first-call",
                reason="Invented.",
                break_even_calls=1,
                prefix_tokens=1664,
                expected_calls=a_day,
                calls_a_minute=30.0,
                rounds=1,
                between_s=0.0,
                expected_usd="0.0112",
                no_cache_usd="0.0192",
                choices=[
                    {"name": "automatic · 2 keys", "is_chosen": True, "expected_usd": "0.0112", "uncached_tokens": 9, "cached_tokens": 8},
                    {"name": "no cache", "is_chosen": False, "expected_usd": "0.0192", "uncached_tokens": 17, "cached_tokens": 0},
                ],
            )
            journal.write(
                "forecast",
                logged_at=at,
                basis="read" if index % 2 else "size",
                model="gpt-6-luna",
                tier="sync",
                input_mode="auto",
                is_simulated=simulated,
                is_chosen=True,
                documents=a_day,
                documents_seen=index * a_day,
                input_tokens=2600 * a_day,
                cached_tokens=1664 * (a_day - 1),
                cache_write_tokens=1664,
                output_tokens=600 * a_day,
                expected_usd=Decimal("0.0006") * a_day,
                low_usd=Decimal("0.0004") * a_day,
                high_usd=Decimal("0.0009") * a_day,
                upper_usd=Decimal("0.0102") * a_day,
                spread=0.31,
            )
            batch_key = f"{journal.run_id}-1" if index == 1 else None
            if batch_key:
                batch = {"batch_key": batch_key, "model": "gpt-6-luna", "requests": a_day, "is_simulated": simulated}
                journal.write("batch", logged_at=at, state="intended", bytes=80_000, base_url="https://api.openai.com/v1", setup={}, **batch)
                journal.write("batch", logged_at=at, state="created", batch_id="batch_1", file_id="file_1", **batch)
            for position in range(a_day + rng.randrange(-3, 6) if a_day > 3 else a_day):
                number += 1
                document = _document(rng, number, day, receipts=40 if index >= 14 else 0)
                at += timedelta(minutes=rng.randrange(1, 30))
                if number % 17 == 0:
                    problem = rng.choice(list(REASONS))
                    _read(journal, document, at, problem)
                    journal.write(
                        "document_status",
                        logged_at=at,
                        document_sha256=document.sha256,
                        is_simulated=simulated,
                        status="rejected",
                        error_kind=problem,
                        sentence=REASONS[problem],
                        seconds=0.05,
                    )
                    continue
                _read(journal, document, at)
                arm = {
                    "model": "gpt-6-luna",
                    "input_mode": "file-low" if rng.random() < 0.2 else "text",
                    "prompt_hash": prompt,
                    "is_simulated": simulated,
                    "batch_key": batch_key,
                }
                end = _answer(journal, rng, document, at, cold=cold or position == 0, skill=0.93, priced=number != 40, **arm)
                if rng.random() < 0.3:
                    labelled.append(document)
                    other = arm | {"model": "gpt-6-nano", "input_mode": "text", "is_experiment": True}
                    _answer(journal, rng, document, end, cold=position == 0, skill=0.8, **other)
            if batch_key:
                journal.write("batch", logged_at=at, state="collected", remote_status="completed", completed=a_day, failed=0, **batch)
            if killed:
                start = _call(rng, document, at, **arm)
                journal.write("call_started", **start)
                continue
            if index in (3, 4):
                start = _call(rng if index == 4 else random.Random(3), document, at, **arm)
                journal.write("call_started", **start)
                proved = start["call_id"] if index == 3 else proved
                lost = {
                    "started_at": at,
                    "finished_at": at + timedelta(seconds=120),
                    "status": "unsettled",
                    "outcome": "error",
                    "error_kind": "connection_lost",
                    "error_message": "The connection was closed after the request was sent.",
                    "latency_ms": 120_000.0,
                }
                journal.write("call_finished", **start | lost)
            if index == 4:
                told = {"calls_at_once": 16, "requests_limit": 500, "tokens_limit": 200_000, "ended": 1, "refused": 0, "is_simulated": simulated}
                journal.write("rate_changed", logged_at=at, reason="the API tells its limits", **told)
                for state, probes, away_s in (("open", 0, 0.0), ("half_open", 1, 2.0), ("closed", 1, 2.4)):
                    change = {"state": state, "failures": 10, "probes": probes, "away_s": away_s, "is_simulated": simulated}
                    journal.write("breaker_changed", logged_at=at, reason="10 attempts in a row brought no answer.", **change)
                journal.write(
                    "alert",
                    logged_at=at,
                    severity="warning",
                    component="api",
                    message="A call was cut off after it was sent; it may have cost up to 0.01 USD.",
                    dedupe_key="cut",
                    is_simulated=simulated,
                )
            journal.write(
                "run_finished", logged_at=at, exit_status=1 if number % 17 < 5 else 0, state="finished", reason=None, seconds=840.0, summary={}
            )
    _compared(home, first_day, simulated, seed, proved)
    if labelled:
        at = datetime(first_day.year, first_day.month, first_day.day, 9, tzinfo=UTC) + timedelta(days=days)
        with Journal(home, f"{at:%Y%m%d-%H%M%S}-{seed:08x}") as journal:
            _run_start(journal, at, simulated, "labels")
            for document in labelled[:60]:
                _label(journal, document, at)
            for number, document in enumerate(labelled[:12]):  # a second labeller, who calls one document in six another kind
                said = {"field": "doc_type", "value": document.truth["doc_type"] if number % 6 else "Other", "is_absent": False, "labeller": "ben"}
                journal.write("label", logged_at=at, document_sha256=document.sha256, source="second.csv", **said)
            for number, document in enumerate(labelled[:12]):  # who skipped one in six
                done = {"action": "accept" if number % 6 else "skip", "fields": ["doc_type"] if number % 6 else [], "is_undo": False}
                shown = {"document_sha256": document.sha256, "labeller": "ben", "is_random": number % 5 == 0, "seconds": 4.5}
                journal.write("review_action", logged_at=at, **shown, **done)
            for document in labelled[:30] if days > 1 else ():  # read by rules, of neither kind of money, always as an invoice
                by_rules = document.truth | {"doc_type": "Invoice", "arm": "rules", "input_mode": "text", "is_valid": True}
                journal.write("extraction", logged_at=at, document_sha256=document.sha256, **by_rules)
            journal.write("run_finished", logged_at=at, exit_status=0, state="finished", seconds=1.0, summary={})


def full(home: Path) -> None:
    """Three weeks of real money."""
    write(home)


def modes(home: Path) -> None:
    """An hour in which two documents were asked in two input modes."""
    rng, at = random.Random(11), datetime(2026, 11, 2, 12, tzinfo=UTC)
    with Journal(home, "20261102-120000-0000000b") as journal:
        _run_start(journal, at, False)
        for number in (901, 902):
            document, arm = _document(rng, number, at.date(), 0), {"model": "gpt-6-nano", "prompt_hash": "q9d8e7f6", "is_simulated": False}
            _read(journal, document, at)
            _label(journal, document, at)
            at = _answer(journal, rng, document, at, cold=False, skill=0.9, input_mode="text", **arm)
            at = _answer(journal, rng, document, at, cold=False, skill=0.9, input_mode="file-low", is_experiment=True, **arm)
        journal.write("run_finished", logged_at=at, exit_status=0, state="finished", reason=None, seconds=60.0, summary={})


def again(home: Path) -> None:
    """A document that was asked twice on purpose, in one arm."""
    rng, at = random.Random(12), datetime(2026, 11, 2, 12, tzinfo=UTC)
    with Journal(home, "20261102-120000-0000000c") as journal:
        _run_start(journal, at, False, "experiment")
        document, arm = _document(rng, 903, at.date(), 0), {"model": "gpt-6-nano", "prompt_hash": "q9d8e7f6", "is_simulated": False}
        _read(journal, document, at)
        for repeat in (0, 1):
            at = _answer(journal, rng, document, at, cold=False, skill=0.3, input_mode="text", is_experiment=True, repeat=repeat, **arm)
        journal.write("run_finished", logged_at=at, exit_status=0, state="finished", reason=None, seconds=60.0, summary={})


def bought(home: Path) -> None:
    """A policy that was saved, and nothing read by it yet."""
    at = datetime(2026, 11, 2, 12, tzinfo=UTC)
    promise = {"field": "doc_type", "target": 0.9, "sure": 0.9, "tested_documents": 60, "errors": 2, "accuracy_at_least": 0.914}
    price = {"person_usd": None, "usd_a_thousand": "0.42", "usd_a_thousand_low": "0.31", "usd_a_thousand_high": "0.55"}
    with Journal(home, "20261102-120000-0000000d") as journal:
        _run_start(journal, at, False, "buy")
        stages = [{"arm": "gpt-6-nano · text · low · q9d8e7", "least": None, "model": "gpt-6-nano", "input_mode": "text"}]
        journal.write("policy", logged_at=at, name="cheap", saved_by="anna", is_simulated=False, is_vote=False, stages=stages, **promise, **price)
        journal.write("run_finished", logged_at=at, exit_status=0, state="finished", reason=None, seconds=0.0, summary={"saved": "cheap"})


def tiny(home: Path) -> None:
    """One document, asked once."""
    write(home, days=1, a_day=1, seed=1)


def simulated(home: Path) -> None:
    """A week of simulated answers."""
    write(home, days=6, a_day=8, simulated=True, seed=3)


def mixed(home: Path) -> None:
    """A real week, and a simulated one of other documents."""
    write(home, days=8, a_day=8, seed=5)
    write(home, first_day=FIRST_DAY + timedelta(days=8), days=5, a_day=5, simulated=True, seed=6)


def empty(home: Path) -> None:
    """A workspace in which nothing has happened."""
    home.mkdir(parents=True, exist_ok=True)


WORKSPACES = {"full": full, "modes": modes, "again": again, "bought": bought, "tiny": tiny, "simulated": simulated, "mixed": mixed, "empty": empty}
