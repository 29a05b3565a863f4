"""Alerts: once each in their window, kept through a kill, handed on within a time limit, and never a run's failure."""

import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from autod_lib import journal, store
from autod_lib.alerts import FILE, Alert, Alerts, earlier
from autod_lib.budget import Budget, Taken, exhausted_alert, spend_alerts
from autod_lib.errors import BudgetExhausted
from autod_lib.journal import Journal
from autod_lib.local_api import running
from autod_lib.settings import Settings

from .pipeline import answering, autod, begin, make_inbox, one, reply, rows, run, settings_for

CALM = Alert("warning", "drift", "Answers differ from last month's.", "doc_type", "2026-11")
SCRIPT = """
import json, os, sys, time
with open(sys.argv[1], "a") as file:
    file.write(json.dumps({"event": json.load(sys.stdin), "words": sys.argv[2:], "environ": dict(os.environ), "pid": os.getpid()}) + "\\n")
time.sleep(float(os.environ.get("HOOK_SLEEPS", "0")))
sys.exit(int(os.environ.get("HOOK_STATUS", "0")))
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server that always gives the same record."""
    with running(answers="canned") as base:
        yield base


@pytest.fixture
def hook(tmp_path: Path) -> tuple[str, Path]:
    """A command that writes down what it is given, and the file in which it does."""
    script, said = tmp_path / "hook.py", tmp_path / "said.jsonl"
    script.write_text(SCRIPT)
    return f"{sys.executable} {script} {said}", said


def lines(path: Path) -> list[dict[str, Any]]:
    """The JSON lines of a file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def raised(settings: Settings, *alerts: Alert) -> list[bool]:
    """Raises alerts in a run of their own; whether each was raised."""
    with store.reading(settings.home) as con:
        before = earlier(con, settings.home)
    with Journal(settings.home) as segment:
        segment.write("run_started", command="ingest")
        with Alerts(settings, segment, before) as channel:
            done = [channel.raise_once(alert) for alert in alerts]
        segment.write("run_finished", state="finished")
    return done


def offline(tmp_path: Path, **given: Any) -> Settings:
    """Settings of a workspace that calls nobody."""
    return settings_for(tmp_path / "home", "http://127.0.0.1:9/v1", **given)


def test_an_alert_is_raised_once_in_its_window_by_whichever_run(tmp_path: Path) -> None:
    """The same component, key, window and kind of money is one alert; another of any of them is another."""
    under = offline(tmp_path)
    others = [
        Alert("warning", "api", CALM.message, "doc_type", "2026-11"),
        Alert("warning", "drift", CALM.message, "issuer", "2026-11"),
        Alert("warning", "drift", CALM.message, "doc_type", "2026-12"),
        Alert("warning", "drift", CALM.message, "doc_type", "2026-11", is_simulated=True),
    ]

    assert raised(under, CALM, CALM, *others) == [True, False, True, True, True, True]
    assert raised(under, Alert("critical", "drift", "Other words.", "doc_type", "2026-11"), *others) == [False] * 5

    kept = rows(under.home, "select severity, component, message, dedupe_key, dedupe_window, is_simulated from alerts order by seq")
    assert kept[0] == ("warning", "drift", CALM.message, "doc_type", "2026-11", None)
    assert len(kept) == 5
    assert [line["alert_id"] for line in lines(under.home / FILE)] == [
        f"{run_id}:{seq}" for run_id, seq in rows(under.home, "select run_id, seq from alerts order by seq")
    ]


def test_the_log_has_each_alert_by_its_severity(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """info, warning and critical are the log's own levels."""
    with caplog.at_level(logging.INFO, "autod"):
        raised(offline(tmp_path), *(Alert(severity, "disk", f"It is {severity}.", severity, "") for severity in ("info", "warning", "critical")))

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "alert of disk: It is info."),
        ("WARNING", "alert of disk: It is warning."),
        ("CRITICAL", "alert of disk: It is critical."),
    ]


def test_each_threshold_is_an_alert_of_its_month(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What this month's calls are known to have cost counts, bounds of unsettled calls do not; the next month begins anew."""
    budget = Budget({}, {date(2026, 10, 31): Taken(Decimal(500)), date(2026, 11, 3): Taken(Decimal(49), Decimal(60))})
    under = offline(tmp_path)

    def at(*moment: int) -> list[tuple[str, str, str]]:
        monkeypatch.setattr(journal, "now", lambda: datetime(*moment, tzinfo=UTC))  # type: ignore[misc, arg-type]
        return [(alert.severity, alert.dedupe_key, alert.dedupe_window) for alert in spend_alerts(budget, under)]

    assert at(2026, 11, 30, 23, 59, 59) == [("warning", "spent 10", "2026-11")]
    budget.days[date(2026, 11, 30)] = Taken(Decimal(51))
    assert at(2026, 11, 30, 23, 59, 59) == [
        ("warning", "spent 10", "2026-11"),
        ("warning", "spent 50", "2026-11"),
        ("critical", "spent 100", "2026-11"),
    ]
    assert at(2026, 12, 1) == []


def test_a_run_raises_each_threshold_once_a_month(address: str, tmp_path: Path, hook: tuple[str, Path]) -> None:
    """Three thresholds, two runs: three alerts in the record, the file, the hook, the status and what needs attention; never a fourth."""
    under = settings_for(tmp_path / "home", address, alert_usd="0.0005,0.001,0.0015", alert_hook=hook[0])
    run(make_inbox(tmp_path / "in", 12, lines=3), under)
    run(make_inbox(tmp_path / "in", 4, lines=3, first=12), under)

    keys = ["spent 0.0005", "spent 0.001", "spent 0.0015"]
    assert rows(under.home, "select dedupe_key, severity, component, is_simulated from alerts order by run_id, seq") == [
        (key, severity, "budget", True) for key, severity in zip(keys, ("warning", "warning", "critical"), strict=True)
    ]
    assert [line["dedupe_key"] for line in lines(under.home / FILE)] == keys
    assert [line["event"]["dedupe_key"] for line in lines(hook[1])] == keys
    assert "simulated USD" in lines(under.home / FILE)[0]["message"]

    status = json.loads(autod("status", "--json", home=under.home).stdout)
    assert [row["severity"] for row in status["alerts"]] == ["critical", "warning", "warning"]
    assert "0.0015 of AUTOD_ALERT_USD" in autod("status", home=under.home).stdout


def test_an_outage_that_many_runs_meet_is_one_alert(address: str, tmp_path: Path) -> None:
    """It begins and gives up once, until a call is answered; the next outage is another one."""
    patience = {"breaker_failures": 2, "breaker_pause_s": 0.02, "breaker_give_up_unanswered_s": 0.05, "attempts": 2}
    away = settings_for(tmp_path / "home", "http://127.0.0.1:9/v1", **patience)
    inbox = make_inbox(tmp_path / "in", 2, lines=3)
    met = [run(inbox, away).run_id for _ in range(3)]
    first = rows(away.home, "select run_id, dedupe_key, dedupe_window, severity from alerts order by seq")
    assert run(inbox, settings_for(away.home, address)).processed == 2
    later = run(make_inbox(inbox, 1, first=2, lines=3), away).run_id

    assert first == [(met[0], "outage", met[0], "warning"), (met[0], "outage given up", met[0], "critical")]
    assert len({*met, later}) == 4
    assert rows(away.home, "select dedupe_key, dedupe_window from alerts where run_id <> ? order by seq", met[0]) == [
        ("outage", later),
        ("outage given up", later),
    ]


def test_an_alert_outlives_a_kill_and_is_handed_on_once(address: str, tmp_path: Path, hook: tuple[str, Path]) -> None:
    """Killed behind the alert's event, before anybody heard of it: the resumed run hands it on under its own id, and raises no second one."""
    home, inbox = tmp_path / "home", make_inbox(tmp_path / "in", 10, lines=3)
    given = {"AUTOD_ALERT_USD": "0.0005,5", "AUTOD_ALERT_HOOK": hook[0]}
    killed = begin("ingest", inbox, home=home, address=address, AUTOD_CRASH_AT="alert", **given)
    killed.communicate(timeout=60)
    assert killed.returncode == -9
    assert (lines(home / FILE), lines(hook[1])) == ([], [])

    for _ in range(2):
        assert autod("ingest", inbox, home=home, address=address, **given).returncode == 0

    ((alert_id, logged_at),) = rows(home, "select run_id || ':' || seq, logged_at from alerts")
    (line,) = lines(home / FILE)
    assert line["alert_id"] == alert_id
    assert datetime.fromisoformat(line["raised_at"]) == logged_at
    assert [said["event"]["alert_id"] for said in lines(hook[1])] == [alert_id]


def test_the_hook_runs_without_a_shell_and_without_the_keys(tmp_path: Path, hook: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The event comes as JSON on standard input, words stay words, and no key is in its environment."""
    for name in ("OPENAI_API_KEY", "AUTOD_ALERT_WEBHOOK"):
        monkeypatch.setenv(name, "sk-canary")
    raised(offline(tmp_path, alert_hook=f"{hook[0]} ';' touch 'a b' $HOME `id`"), CALM)

    (said,) = lines(hook[1])
    assert said["words"] == [";", "touch", "a b", "$HOME", "`id`"]
    assert said["event"]["message"] == CALM.message
    assert "sk-canary" not in json.dumps(said)
    assert "PATH" in said["environ"]


def is_running(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("command", "environ", "told"),
    [
        ("/no/such/command", {}, "FileNotFoundError"),
        ("HOOK", {"HOOK_STATUS": "3"}, "it ended with status 3"),
        ("HOOK", {"HOOK_SLEEPS": "60"}, "it had not ended after 1 s and was ended"),
    ],
    ids=["missing", "fails", "hangs"],
)
def test_a_hook_that_fails_is_logged_and_fails_no_run(
    address: str,
    tmp_path: Path,
    hook: tuple[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    command: str,
    environ: dict[str, str],
    told: str,
) -> None:
    """Missing, failing or hanging: the run ends as it would have, the alert is in the file, and a hanging one is ended after its time."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    under = settings_for(tmp_path / "home", address, alert_usd="0.0001", alert_hook=command.replace("HOOK", hook[0]), alert_timeout_s=1)
    begun = time.monotonic()
    report = run(make_inbox(tmp_path / "in", 2, lines=3), under)

    assert report.exit_status == 0
    assert time.monotonic() - begun < 30
    assert f"the alert hook failed: {told}" in caplog.text
    assert len(lines(under.home / FILE)) == 1
    assert not any(is_running(said["pid"]) for said in lines(hook[1]))


def test_a_webhook_gets_the_event_and_its_address_stays_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One POST of the JSON; an error of the address is logged by its status, and the address is in no log, journal or settings."""
    for status, told in ((204, ""), (500, "the alert webhook failed: it was answered with HTTP 500"), (302, "HTTP 302")):
        with answering(lambda handler, body, status=status: reply(handler, status, b"")) as (base, received):
            under = settings_for(tmp_path / str(status), "http://127.0.0.1:9/v1", alert_webhook=f"{base}/hook-canary")
            assert raised(under, CALM) == [True]
        assert [json.loads(body)["message"] for body in received] == [CALM.message]
        assert told in caplog.text
        written = "".join(path.read_text("utf-8", "replace") for path in under.home.rglob("*") if path.is_file())
        assert "hook-canary" not in written + caplog.text + str(under.printable()) + repr(under)


def test_a_webhook_that_does_not_answer_is_left_after_its_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A byte now and then keeps nobody waiting beyond the limit, and an address where nobody listens is logged."""

    def drip(handler: Any, body: bytes) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100):
            try:
                handler.wfile.write(b"x-more: 1\r\n")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.4)

    begun = time.monotonic()
    with answering(drip) as (base, _):
        raised(offline(tmp_path, alert_webhook=base, alert_timeout_s=0.5), CALM)
        waited = time.monotonic() - begun
    raised(offline(tmp_path, alert_webhook="http://127.0.0.1:9/nobody"), Alert("info", "api", "Again.", "again", ""))

    assert waited < 20
    assert "the alert webhook failed: TimeoutError" in caplog.text
    assert "the alert webhook failed: ConnectError" in caplog.text


def test_a_file_that_cannot_be_written_fails_no_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The record has the alert all the same, and the log says what became of the file."""
    under = offline(tmp_path)
    (under.home / FILE).mkdir(parents=True)

    assert raised(under, CALM) == [True]
    assert one(under.home, "select count(*) from alerts") == 1
    assert "the alert file failed: IsADirectoryError" in caplog.text


def test_a_budget_that_stops_a_run_is_an_alert_of_its_period(address: str, tmp_path: Path) -> None:
    """A month's budget is a warning once a month; a run's, which may be meant to stop it, is a note for each run."""
    under = settings_for(tmp_path / "home", address, budget_month_usd="0.001")
    inbox = make_inbox(tmp_path / "in", 2)
    assert [run(inbox, under).exit_status for _ in range(2)] == [3, 3]
    assert run(inbox, under, max_usd=Decimal(0)).exit_status == 3

    kept = rows(under.home, "select severity, dedupe_key, dedupe_window from alerts order by logged_at")
    assert kept[0] == ("warning", "month exhausted", f"{journal.now():%Y-%m}")
    assert kept[1][:2] == ("info", "run exhausted")
    assert len(kept) == 2


def test_the_window_of_a_day_is_the_day(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A day's budget is told of once a UTC day."""
    monkeypatch.setattr(journal, "now", lambda: datetime(2026, 11, 26, tzinfo=UTC))
    alert = exhausted_alert(BudgetExhausted("Nothing is left.", "day"), offline(tmp_path), "a run")

    assert (alert.severity, alert.dedupe_key, alert.dedupe_window) == ("warning", "day exhausted", "2026-11-26")
