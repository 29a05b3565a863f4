"""Is a workspace fit to run: what doctor sees, and that it sees what DuckDB itself does not."""

import json
import shutil
import uuid
from datetime import timedelta
from pathlib import Path

import pytest

from autod_lib import doctor, journal, prompt, store, workspace
from autod_lib.alerts import Alert
from autod_lib.doctor import EXIT, Check, examine, worst
from autod_lib.journal import Journal, now
from autod_lib.settings import Settings

RUN = "20261124-020000-0000000a"
PARTS = ["key", "prices", "tokens", "disk", "workspace", "journal", "database", "api", "budget", "backlog", "vector store", "purge", "last run"]


@pytest.fixture(autouse=True)
def _database(tmp_path: Path, empty_database: Path) -> None:
    shutil.copy(empty_database, tmp_path)


def _settings(home: Path, **given: object) -> Settings:
    return Settings(home=home, base_url="http://127.0.0.1:9/v1", **given)  # type: ignore[arg-type]


def _states(settings: Settings) -> dict[str, str]:
    return {check.part: check.state for check in examine(settings)}


def _finding(settings: Settings, part: str) -> str:
    return next(check.finding for check in examine(settings) if check.part == part)


def _run(home: Path, run_id: str, events: int = 3) -> None:
    with Journal(home, run_id) as writer:
        for number in range(events):
            writer.write("look", root="/inbox", files=number)


def test_a_workspace_in_which_nothing_has_happened_is_healthy(tmp_path: Path) -> None:
    """Every part is named, with what was found; nothing is sent."""
    checks = examine(_settings(tmp_path / "new" / "home"))
    assert [check.part for check in checks] == PARTS
    assert {check.state for check in checks} == {"healthy"}
    assert worst(checks) == "healthy"
    assert all(check.finding for check in checks)


def test_the_state_of_the_whole_is_the_worst_of_its_parts() -> None:
    """With the exit status of the command."""
    checks = [Check("a", "healthy", ""), Check("b", "unhealthy", ""), Check("c", "degraded", "")]
    assert [EXIT[worst(checks[:count])] for count in (0, 1, 2, 3)] == [0, 0, 6, 6]
    assert EXIT[worst([checks[0], checks[2]])] == 1


def test_without_a_key_or_a_price_it_is_degraded(tmp_path: Path) -> None:
    """The simulated API still works; each finding says what to do."""
    settings = Settings(home=tmp_path, model="gpt-99")
    assert _states(settings) == dict.fromkeys(PARTS, "healthy") | {"key": "degraded", "prices": "degraded"}
    assert "--local" in _finding(settings, "key")
    assert "--allow-unpriced" in _finding(settings, "prices")
    keyed = Settings(home=tmp_path, api_key="sk-canary")  # type: ignore[arg-type]
    assert _states(keyed)["key"] == "healthy"
    assert "sk-canary" not in str(examine(keyed))


def test_without_a_vocabulary_it_is_unhealthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing could be counted, so nothing could be bounded."""

    def broken(_: str) -> int:
        raise OSError("no such file")

    monkeypatch.setattr(prompt, "prefix_tokens", broken)
    assert _states(_settings(tmp_path))["tokens"] == "unhealthy"
    assert "data/vocab" in _finding(_settings(tmp_path), "tokens")


def test_a_disk_that_is_nearly_full_is_told(tmp_path: Path) -> None:
    """Before a run stops on it."""
    assert _states(_settings(tmp_path, alert_free_bytes=shutil.disk_usage(tmp_path).total * 2))["disk"] == "degraded"


def _bad_day(home: Path) -> None:
    """A run of today that failed half of its calls, gave the API up, spent its budget, left a file behind and a document pending for a year."""
    call = {"is_simulated": True, "model": "gpt-6-luna", "started_at": now(), "finished_at": now(), "attempt": 1}
    with Journal(home, RUN) as writer:
        writer.write("run_started", command="ingest", is_simulated=True, budget_day_usd="0.01")
        writer.write("document_read", logged_at=now() - timedelta(days=365), document_sha256="ab" * 32, file_name="a.pdf", status="readable")
        for number in range(12):
            ended = {"status": "answered", "cost_usd": "0.001"} if number % 2 else {"status": "failed", "error_kind": "http_500"}
            writer.write("call_finished", call_id=str(uuid.uuid4()), **call, **ended, latency_ms=100.0 * number)
        writer.write("call_finished", call_id=str(uuid.uuid4()), **call, status="answered", cost_usd="0.01", latency_ms=50.0)
        for state, probes in (("open", 0), ("given_up", 3)):
            writer.write("breaker_changed", is_simulated=True, state=state, reason="no answer", failures=6, probes=probes, away_s=30.0)
        writer.write("remote_object", object_kind="file", object_id="file-1", state="made", is_simulated=True)
        writer.write("remote_object", object_kind="file", object_id="file-1", state="left", is_simulated=True)
        writer.write("run_finished", exit_status=4, state="stopped", reason="the API is away")


def test_each_part_that_a_bad_day_has_hurt_is_named_with_what_to_do(tmp_path: Path) -> None:
    """API, budget, backlog, vector store and last run, each by what the record says; nothing is asked."""
    _bad_day(tmp_path)
    settings = _settings(tmp_path)
    said = {check.part: check.finding for check in examine(settings) if check.state == "degraded"}

    assert said.keys() == {"api", "budget", "backlog", "vector store", "last run"}
    assert "given_up: no answer" in said["api"]
    assert "AUTOD_BUDGET_DAY_USD" in said["budget"]
    assert "1 documents pending" in said["backlog"]
    assert "the oldest for 8,7" in said["backlog"]
    assert "autod sweep" in said["vector store"]
    assert "stopped (the API is away)" in said["last run"]
    assert EXIT[worst(examine(settings))] == 1


def test_many_failed_calls_are_told_when_no_breaker_opened(tmp_path: Path) -> None:
    """By the share of the last day, above a number that says something."""
    _bad_day(tmp_path)
    with Journal(tmp_path, RUN[:-1] + "b") as writer:
        writer.write("run_started", command="ingest", is_simulated=True)
        writer.write("run_finished", exit_status=0, state="finished")

    assert "13 calls within the last day, 46% of them without an answer: autod sql" in _finding(_settings(tmp_path), "api")
    assert _states(_settings(tmp_path, alert_failed_share=0.5))["api"] == "healthy"
    assert _states(_settings(tmp_path))["last run"] == "healthy"


def test_what_is_ill_raises_an_alert_once_a_day(tmp_path: Path) -> None:
    """Whichever run of that day sees it; a budget is told by the run that spent it, and settings by nobody at night."""
    _bad_day(tmp_path)
    settings = _settings(tmp_path)
    for letter in "cd":
        with Journal(tmp_path, RUN[:-1] + letter) as writer:
            doctor.raise_alerts(settings, writer, Alert("critical", "run", "night failed", "night", letter))
            writer.write("run_finished", exit_status=0, state="finished")

    told = [json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text().splitlines()]
    assert sorted((alert["component"], alert["severity"]) for alert in told) == [
        ("api", "warning"),
        ("backlog", "warning"),
        ("run", "critical"),
        ("run", "critical"),
        ("vector store", "warning"),
    ]
    with store.reading(tmp_path) as con:
        assert con.execute("select count(*) from alerts").fetchall() == [(5,)]


def test_who_holds_the_workspace_is_told(tmp_path: Path) -> None:
    """A run that goes on is no fault."""
    with workspace.held(tmp_path, "run-a", "ingest"):
        assert "run-a" in _finding(_settings(tmp_path), "workspace")
        assert _states(_settings(tmp_path))["workspace"] == "healthy"


def test_a_quarantined_line_degrades_it_and_is_named(tmp_path: Path) -> None:
    """With the query that shows it; a torn last line is counted only."""
    _run(tmp_path, RUN)
    path = tmp_path / "journal" / f"{RUN}.jsonl"
    path.write_bytes(path.read_bytes() + b"\0\0\0\n" + json.dumps({"kind": "teleported", "run_id": RUN, "seq": 9}).encode() + b'\n{"torn')
    settings = _settings(tmp_path)
    assert _states(settings) == dict.fromkeys(PARTS, "healthy") | {"journal": "degraded"}
    assert "2 lines quarantined" in _finding(settings, "journal")
    assert "6 bytes" in _finding(settings, "journal")
    assert "quarantined_lines" in _finding(settings, "journal")


def test_a_run_that_has_only_begun_is_no_fault(tmp_path: Path) -> None:
    """Its segment is still empty."""
    with Journal(tmp_path, RUN):
        assert worst(examine(_settings(tmp_path))) == "healthy"


@pytest.mark.parametrize("lost", ["rows", "all rows of a run"])
def test_rows_that_a_damaged_log_took_are_missed(tmp_path: Path, empty_database: Path, lost: str) -> None:
    """DuckDB opens such a database without a word; the journal's counts tell, and the remedy works."""
    _run(tmp_path, RUN)
    _run(tmp_path, RUN[:-1] + "b")
    settings = _settings(tmp_path)
    assert worst(examine(settings)) == "healthy"
    with store.writing(tmp_path) as con:
        con.execute("delete from looks where run_id = ? and (seq > 0 or ?)", [RUN, lost != "rows"])
    assert _states(settings) == dict.fromkeys(PARTS, "healthy") | {"database": "degraded"}
    assert "rows of 1 runs are missing" in _finding(settings, "database")
    shutil.copy(empty_database, tmp_path)
    assert worst(examine(settings)) == "healthy"


def test_calls_whose_end_nobody_knows_are_told_with_what_they_may_have_cost(tmp_path: Path) -> None:
    """A run that was killed with a call under way."""
    with Journal(tmp_path, RUN) as writer:
        writer.write("run_started", command="ingest", is_simulated=False)
        writer.write("call_started", call_id=str(uuid.uuid4()), cost_upper_usd="0.0125", is_simulated=False, model="gpt-6-luna")
    assert "1 unsettled, which can have cost up to 0.012500 USD" in _finding(_settings(tmp_path), "calls")
    assert worst(examine(_settings(tmp_path))) == "degraded"


@pytest.mark.parametrize("damage", ["text", "later", "file"])
def test_a_workspace_in_which_a_run_would_fail_is_unhealthy(tmp_path: Path, damage: str) -> None:
    """Exit 6, with what to do, and no traceback."""
    home = tmp_path / "home"
    _run(home, RUN)
    store.load(home)
    if damage == "text":
        (home / store.DATABASE).write_text("x" * 20_000)
    elif damage == "later":
        with store.writing(home) as con:
            con.execute("insert into schema_migrations values (9999, 'x', now())")
            con.execute("update schema_views set hash = 'x'")
    else:
        shutil.rmtree(home)
        home.write_text("")
    checks = examine(_settings(home))
    assert EXIT[worst(checks)] == 6
    assert [check.part for check in checks if check.state == "unhealthy"] == ["database"]


def test_the_journal_is_counted(tmp_path: Path) -> None:
    """How many segments there are."""
    for letter in "abc":
        _run(tmp_path, RUN[:-1] + letter)
    assert len(journal.segments(tmp_path)) == 3
    assert "3 segments" in _finding(_settings(tmp_path), "journal")
