"""The command line: exit statuses, one JSON object and nothing else, messages that say what to do, and no way out of the read-only database."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from autod_lib import cli, journal, store
from autod_lib.local_api import running

from .pipeline import PATIENCE_S, autod, begin, make_inbox, make_pdf, one, settings_for
from .pipeline import run as ingest

CANARY = "sk-canary-51c0-never-to-be-seen"


@dataclass
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, object]:
        """Standard output, which is one JSON object and nothing else."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


Command = Callable[..., Ended]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server that always gives the same record."""
    with running(answers="canned") as base:
        yield base


@pytest.fixture(scope="module")
def read(address: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A workspace with three documents read and one rejected, and its inbox; tests leave both as they are."""
    folder = tmp_path_factory.mktemp("read")
    inbox = make_inbox(folder / "in", 3)
    (inbox / "=cmd|' calc'!A0.pdf").write_text("no PDF")
    ingest(inbox, settings_for(folder / "home", address))
    return folder / "home", inbox


@pytest.fixture
def command(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Runs the command's own `main` in this process, with an environment that holds nothing else of autoD."""
    for name in [name for name in os.environ if name.startswith(("AUTOD_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    monkeypatch.setenv("COLUMNS", "200")
    handler = signal.getsignal(signal.SIGTERM)

    def run(*arguments: str | Path, **environ: str | Path | None) -> Ended:
        with monkeypatch.context() as patch:
            for name, value in environ.items():
                patch.delenv(name) if value is None else patch.setenv(name, str(value))
            patch.setattr("sys.argv", ["autod", *map(str, arguments)])
            capfd.readouterr()
            try:
                cli.main()
                status: object = 0
            except SystemExit as end:
                status = end.code or 0
            out, err = capfd.readouterr()
        assert isinstance(status, int)
        return Ended(status, out, err)

    yield run
    signal.signal(signal.SIGTERM, handler)


def test_ingest_prints_one_json_object_and_nothing_else(address: str, tmp_path: Path) -> None:
    """As a process of its own: the object has decimals as text, whatever is logged, and each line of the log says what it is about."""
    inbox = make_inbox(tmp_path / "in", 2)
    (inbox / "bad.pdf").write_text("no PDF")
    (tmp_path / "file").touch()
    said = {"AUTOD_LOG_LEVEL": "DEBUG", "AUTOD_LOG_FORMAT": "json", "AUTOD_ALERT_USD": "0.000001"}
    ended = autod("ingest", inbox, "--json", "--move-to", tmp_path / "file", home=tmp_path / "home", address=address, **said)
    report = json.loads(ended.stdout)
    lines = [json.loads(line) for line in ended.stderr.splitlines()]

    assert ended.returncode == 1
    assert (report["documents"], report["processed"], report["failed"]) == (3, 2, 1)
    assert isinstance(report["cost_usd"], str)
    assert {line["run_id"] for line in lines} == {report["run_id"]}
    states = [line for line in lines if line["level"] == "DEBUG"]
    assert len(states) == 3
    assert all(line["document_sha256"] in line["message"] for line in states)  # each line its own document, though all are worked on at once
    unmoved = [line for line in lines if "could not be moved" in line["message"]]
    assert {line["document_sha256"] for line in unmoved} == {line["document_sha256"] for line in states}
    assert [line["alert_id"].split(":")[0] for line in lines if "alert_id" in line] == [report["run_id"]]
    assert all("document_sha256" not in line for line in lines if "alert_id" in line)


def test_local_needs_neither_key_nor_server(tmp_path: Path) -> None:
    """--local starts the simulated API for the command's life, and what it reads is marked simulated."""
    ended = autod("ingest", make_inbox(tmp_path / "in", 1), "--local", "--json", home=tmp_path / "home")

    assert ended.returncode == 0
    assert json.loads(ended.stdout)["simulated"] is True


def test_without_a_key_both_ways_on_are_named(command: Command, tmp_path: Path) -> None:
    """Exit 2, nothing on standard output, one line that names the variable and --local."""
    ended = command("ingest", make_inbox(tmp_path / "in", 1), "--json", OPENAI_BASE_URL=None)

    assert (ended.status, ended.out) == (2, "")
    assert "OPENAI_API_KEY" in ended.err
    assert "--local" in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        (["ingest", "nowhere"], {}, "no such file or folder"),
        (["ingest", ".", "--model", "claude-9"], {}, "AUTOD_MODELS_ALLOWED"),
        (["ingest", ".", "--input", "video"], {}, "AUTOD_INPUT_MODE"),
        (["ingest", "."], {"AUTOD_IN_FLIGHT": "many"}, "AUTOD_IN_FLIGHT='many'"),
        (["ingest", "."], {"AUTOD_INFLIGHT": "3"}, "AUTOD_INFLIGHT"),
        (["ingest", "."], {"OPENAI_BASE_URL": "api.openai.com"}, "OPENAI_BASE_URL"),
        (["ingest", ".", "--max-usd", "-1"], {}, "--max-usd"),
        (["ingest", ".", "--max-usd", "nan"], {}, "max"),
        (["ingest", ".", "--limit", "0"], {}, "--limit"),
        (["ingest"], {}, "PATH"),
        (["ingest", ".", "--nonsense"], {}, "--nonsense"),
        (["estimate", "nowhere"], {}, "no such file or folder"),
        (["prices", "gpt-nobody-prices"], {}, "gpt-nobody-prices"),
        (["show", "nothing-of-that-name"], {}, "autod ingest"),
        (["sql", "selekt 1"], {}, "selekt"),
        (["sql", ""], {}, ""),
        (["run"], {}, "autod run"),
        (["nonsense"], {}, "nonsense"),
    ],
)
def test_wrong_use_is_exit_2_and_says_what_is_wrong(command: Command, arguments: list[str], environ: dict[str, str], said: str) -> None:
    """One sentence on standard error, nothing on standard output, no trace."""
    ended = command(*arguments, **environ)

    assert ended.status == 2, ended.err
    assert said in ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("key", "faults", "options", "status"),
    [
        ("wrong-key", "", [], 2),
        ("forbidden-key", "", [], 2),
        ("sk-test", "", ["--model", "gpt-9-nowhere", "--allow-unpriced"], 2),
        ("sk-test", "", ["--model", "gpt-9-nowhere"], 2),
        ("sk-test", "", ["--max-usd", "0"], 3),
        ("sk-test", "insufficient-quota=1", [], 4),
        ("sk-test", "429-retry-after:9999=1", [], 4),
    ],
    ids=["401", "403", "404", "no price", "budget", "quota", "told to wait"],
)
def test_what_stops_a_run_has_its_exit_status(command: Command, tmp_path: Path, key: str, faults: str, options: list[str], status: int) -> None:
    """The report is still one JSON object; it says what stopped the run, and the document is pending, not failed."""
    inbox = make_inbox(tmp_path / "in", 1)
    with running(answers="canned", faults=faults) as address:
        ended = command("ingest", inbox, "--json", *options, OPENAI_BASE_URL=address, OPENAI_API_KEY=key)

    assert ended.status == status
    assert ended.json["exit_status"] == status
    assert (ended.json["pending"], ended.json["failed"]) == (1, 0)
    assert ended.json["stopped_by"]


def test_a_workspace_that_is_no_folder_is_exit_6(command: Command, tmp_path: Path) -> None:
    """Before any call, naming the folder and the remedy."""
    inbox, file = make_inbox(tmp_path / "in", 1), tmp_path / "file"
    file.touch()
    for arguments in (["ingest", inbox], ["status"], ["estimate", inbox], ["doctor"]):
        ended = command(*arguments, AUTOD_HOME=file)
        assert ended.status == 6, arguments
        assert str(file) in ended.out + ended.err
        assert "AUTOD_HOME" in ended.out + ended.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_workspace_is_exit_6(command: Command, tmp_path: Path) -> None:
    """A folder that cannot be written stops a run before any call."""
    (tmp_path / "home").mkdir(mode=0o500)
    assert command("ingest", make_inbox(tmp_path / "in", 1)).status == 6


def test_hostile_names_stay_on_one_line(command: Command, tmp_path: Path) -> None:
    """A name with a line feed, an escape and a turned direction makes no second line and moves no cursor, in reports and in messages."""
    name = "a\n\x1b[2Jb\u202ec.pdf"
    make_pdf(tmp_path / "in" / name, "hostile")
    (tmp_path / "in" / f"bad{name}").write_text("no PDF")
    ended = command("ingest", tmp_path / "in")
    shown = [command("show", tmp_path / "in" / name), command("show", tmp_path / "in" / f"bad{name}"), command("show", name)]
    told = command("ingest", tmp_path / f"no{name}")
    table = command("sql", "select path from sightings")

    assert (ended.status, told.status) == (1, 2)
    assert [each.status for each in shown] == [0, 0, 0]
    for each in (ended, *shown, told, table):
        assert "\x1b" not in each.out + each.err
        assert "\u202e" not in each.out + each.err
    assert len(told.err.splitlines()) == 1
    assert len(table.out.splitlines()) == 3


def test_the_key_appears_nowhere(command: Command, tmp_path: Path) -> None:
    """Not in what is printed, logged or kept, at the most talkative level, after success and after failure."""
    inbox = make_inbox(tmp_path / "in", 1)
    environ = {"OPENAI_API_KEY": CANARY, "AUTOD_LOG_LEVEL": "DEBUG", "AUTOD_LOG_FILE": str(tmp_path / "log.txt")}
    said = "".join(
        ended.out + ended.err
        for ended in (
            command("ingest", inbox, "--json", **environ),
            command("ingest", inbox, "--model", "gpt-9-nowhere", "--allow-unpriced", **environ),
            command("doctor", "--json", **environ),
            command("status", "--json", **environ),
            command("ingest", inbox, **environ | {"AUTOD_IN_FLIGHT": "many"}),
        )
    )
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    assert CANARY not in said
    assert CANARY.encode() not in kept


@pytest.mark.parametrize(
    "statement",
    [
        "create table t (a integer)",
        "delete from calls_started",
        "insert into labels_log select * from labels_log",
        "copy (select 1) to '/tmp/autod-must-not-be.csv'",
        "select * from read_text('/etc/hostname')",
        "select * from read_csv('/etc/passwd')",
        "select * from glob('/etc/*')",
        "attach '/tmp/autod-must-not-be.duckdb'",
        "export database '/tmp/autod-must-not-be'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "from statement",
        "select * from 'https://example.com/a.csv'",
    ],
)
def test_sql_changes_nothing_and_reaches_nothing(command: Command, read: tuple[Path, Path], statement: str) -> None:
    """No write, no file, no network, no setting, no variable of the program: exit 2 and the reason."""
    ended = command("sql", statement, AUTOD_HOME=read[0])

    assert ended.status == 2
    assert ended.out == ""
    assert ended.err
    assert not list(Path("/tmp").glob("autod-must-not-be*"))


def test_sql_gives_rows_in_three_forms(command: Command, read: tuple[Path, Path]) -> None:
    """A table for people, JSON with decimals as text, CSV in which a formula is only text."""
    table = command("sql", "select count(*) as n from documents", AUTOD_HOME=read[0])
    rows = command(
        "sql",
        "select sum(cost_usd) as cost, 1.5::decimal(9,2) as d, 10::hugeint * 10000000000000000000000 as big from api_calls",
        "--json",
        AUTOD_HOME=read[0],
    )
    sheet = command("sql", "select file_name, -1 as n from documents where processing_status = 'rejected'", "--csv", AUTOD_HOME=read[0])

    assert table.out.split() == ["n", "4"]
    (row,) = rows.json["rows"]  # type: ignore[misc]
    assert isinstance(row["cost"], str)
    assert row["d"] == "1.50"
    assert int(row["big"]) == 10**23
    assert list(csv.reader(io.StringIO(sheet.out))) == [["file_name", "n"], ["'=cmd|' calc'!A0.pdf", "-1"]]


def test_a_spreadsheet_finds_no_formula_in_a_heading_either(command: Command, read: tuple[Path, Path]) -> None:
    """Column names can come out of documents, too."""
    assert command("sql", 'select 1 as "=1+1"', "--csv", AUTOD_HOME=read[0]).out.splitlines()[0] == "'=1+1"


def test_show_finds_a_document_by_file_and_by_hash(command: Command, read: tuple[Path, Path]) -> None:
    """Both lead to the same document, with its state, cost, path and what to do next; a file that was rejected tells why."""
    home, inbox = read
    sha256 = one(home, "select document_sha256 from documents where file_name = 'invoice-001.pdf'")
    by_file, by_hash = (command("show", name, AUTOD_HOME=home) for name in (inbox / "invoice-001.pdf", sha256[:12]))
    as_json = command("show", sha256, "--json", AUTOD_HOME=home)
    (rejected,) = inbox.glob("=cmd*")

    assert by_file.status == by_hash.status == 0
    assert by_file.out == by_hash.out
    assert "State: processed" in by_file.out
    assert str(inbox / "invoice-001.pdf") in by_file.out
    assert "Next: " in by_file.out
    assert as_json.json["document"]["document_sha256"] == sha256  # type: ignore[index]
    assert "rejected" in command("show", rejected, AUTOD_HOME=home).out


def test_status_tells_where_the_workspace_stands(command: Command, read: tuple[Path, Path]) -> None:
    """Documents by state, money with its kind, the last run, and whether somebody holds it; for people and as JSON."""
    as_json, text = command("status", "--json", AUTOD_HOME=read[0]), command("status", AUTOD_HOME=read[0])

    assert as_json.json["documents"] == {"processed": 3, "rejected": 1}
    assert as_json.json["held_by"] is None
    (money,) = as_json.json["money"]  # type: ignore[misc]
    assert money["is_simulated"] is True
    assert isinstance(money["cost_usd"], str)
    assert "3 processed" in text.out
    assert "free" in text.out


def test_status_of_an_empty_workspace_says_how_to_begin(command: Command) -> None:
    """Nothing is there, and that is no error."""
    ended = command("status")

    assert ended.status == 0
    assert "autod ingest" in ended.out


def test_doctor_tells_healthy_degraded_and_unhealthy_apart(command: Command, read: tuple[Path, Path], tmp_path: Path) -> None:
    """Exit 0, 1 and 6: a good workspace, one with a line that could not be loaded, and a damaged database."""
    home, _ = read
    healthy = command("doctor", "--json", AUTOD_HOME=home)
    ill = tmp_path / "ill"
    shutil.copytree(home / "journal", ill / "journal")
    segment = journal.segments(ill)[0]
    segment.write_bytes(b'{"kind": "torn\n' + segment.read_bytes())
    degraded = command("doctor", "--json", AUTOD_HOME=ill)
    store.database(ill).write_bytes(b"no database at all" * 1000)
    unhealthy = command("doctor", "--json", AUTOD_HOME=ill)

    assert [(each.status, each.json["state"]) for each in (healthy, degraded, unhealthy)] == [(0, "healthy"), (1, "degraded"), (6, "unhealthy")]
    assert "autod load" in unhealthy.out


def test_a_damaged_database_is_made_again_from_the_journal(command: Command, read: tuple[Path, Path], tmp_path: Path) -> None:
    """Moved away and loaded anew, it gives the same figures."""
    home = tmp_path / "again"
    shutil.copytree(read[0] / "journal", home / "journal")
    ended = command("load", AUTOD_HOME=home)

    assert ended.status == 0
    assert one(home, "select sum(cost_usd) from api_calls") == one(read[0], "select sum(cost_usd) from api_calls")
    assert command("load", AUTOD_HOME=home).out.startswith("0 events")


def test_estimate_and_dry_run_say_the_same(command: Command, tmp_path: Path) -> None:
    """Neither needs a key, and neither sends anything."""
    inbox = make_inbox(tmp_path / "in", 2)
    first, second = command("estimate", inbox, "--json", OPENAI_BASE_URL=None), command("ingest", inbox, "--dry-run", "--json", OPENAI_BASE_URL=None)

    assert first.json == second.json
    assert first.json["new_documents"] == 2
    assert command("estimate", inbox, OPENAI_BASE_URL=None).status == 0


def test_a_dry_run_takes_the_input_mode(command: Command, tmp_path: Path) -> None:
    """--dry-run tells the cost of the run it stands for, not of another."""
    ended = command("ingest", make_inbox(tmp_path / "in", 1), "--dry-run", "--input", "file-high", "--json")

    assert ended.status == 0
    assert ended.json["input_mode"] == "file-high"


def test_prices_tell_every_tier_since_when_and_their_source(command: Command) -> None:
    """Rates of input, cached, written and output tokens in each service tier, with the list they are from and the first day."""
    ended = command("prices", "gpt-6-luna", "--at", "2026-11-24", "--json")

    assert ended.status == 0
    standard, batch = (next(row for row in ended.json["rates"] if row["service_tier"] == tier) for tier in ("standard", "batch"))
    assert "genai-prices" in standard["source"]
    assert (standard["input_usd_per_million"], batch["input_usd_per_million"], batch["since"]) == ("0.1", "0.05", "2026-10-14")
    assert ended.json["vector_store"]["storage_gb_day"] == "0.10"
    assert ended.json["unpriced_tiers"] == []
    printed = command("prices", "gpt-4.1")
    assert "No price is known for the service tiers flex" in printed.out


def test_prices_of_an_unknown_model_or_day_are_refused_with_a_way_on(command: Command) -> None:
    """Exit 2: near names for a misspelt model, an example for a day that is none, and no table of zeros."""
    for arguments, hint in (
        (["gpt-6-lunna"], "Near names: gpt-6-luna"),
        (["gpt-6-luna", "--at", "yesterday"], "Example: --at 2026-11-24"),
        (["gpt-6-luna", "--at", "1999-12-31"], "no prices before 2025-03-11"),
    ):
        ended = command("prices", *arguments)
        assert (ended.status, ended.out) == (2, "")
        assert hint in ended.err


def test_prices_of_ones_own_file_are_in_force_and_a_mistake_in_it_stops_every_command(command: Command, tmp_path: Path) -> None:
    """A self-hosted model is priced on purpose; a wrong file ends any command before anything is sent."""
    own = tmp_path / "own.toml"
    own.write_text('[[model]]\nmodel = "llama-9"\nsince = 2026-01-01\nsource = "our own electricity"\ninput = 0.02\noutput = 0.08\n')
    shown = command("prices", "llama-9", "--json", AUTOD_PRICES_FILE=str(own))
    assert shown.status == 0
    assert [(row["input_usd_per_million"], row["source"]) for row in shown.json["rates"]] == [("0.02", "own.toml: our own electricity")]
    own.write_text(own.read_text().replace("0.02", "-1"))
    refused = command("status", AUTOD_PRICES_FILE=str(own))
    assert (refused.status, refused.out) == (2, "")
    assert "own.toml" in refused.err
    assert "line 5" in refused.err


def test_help_and_version_are_there_for_every_command(command: Command) -> None:
    """Each command explains itself; the exit statuses are part of the help."""
    assert "130 interrupted" in command("--help").out
    assert command("--version").out.startswith("autod ")
    for name in (
        "ingest",
        "estimate",
        "run",
        "report",
        "status",
        "show",
        "labels",
        "evaluate",
        "prices",
        "doctor",
        "load",
        "migrate",
        "sql",
        "local-api",
    ):
        ended = command(name, "--help")
        assert ended.status == 0
        assert "--help" in ended.out


def test_local_api_says_where_it_is_and_stops_when_told(tmp_path: Path) -> None:
    """It prints its address first, answers there, and ends in order at an interrupt."""
    process = begin("local-api", "--port", "0", home=tmp_path / "home", address=None)
    with process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        report = ingest(make_inbox(tmp_path / "in", 1), settings_for(tmp_path / "home", address))
        process.send_signal(signal.SIGINT)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()

    assert report.processed == 1
    assert process.returncode in (0, 130)
