"""The log: one line an event, whatever a name holds, and the key in none of them."""

import asyncio
import json
import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autod_lib.errors import WorkspaceUnusable
from autod_lib.journal import Journal
from autod_lib.logs import LOGGERS, about, one_line, set_up, turn_to
from autod_lib.settings import Settings
from autod_lib.workspace import held

KEY = "sk-canary-7f3a9b"
HOSTILE = "a\nb\r\x1b[2Jc\u202egnp\u2028\x85\x00\udce9.pdf"


@pytest.fixture(autouse=True)
def _logger_as_it_was() -> Iterator[logging.Logger]:
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger.handlers, logger.level, logger.propagate) for logger in loggers]
    yield loggers[0]
    for logger, (handlers, level, propagates) in zip(loggers, before, strict=True):
        for handler in set(logger.handlers) - set(handlers):
            handler.close()
        logger.handlers, logger.level, logger.propagate = handlers, level, propagates


def _log_all(settings: Settings) -> None:
    set_up(settings)
    log = logging.getLogger("autod.ingest")
    log.info("reading %s", HOSTILE)
    log.warning("the key is %s and %r", KEY, {"authorization": f"Bearer {KEY}"})
    try:
        raise ValueError(f"refused {KEY}")
    except ValueError:
        log.exception("a call failed")
    log.debug("not wanted")
    logging.getLogger("opentelemetry.exporter").info("not wanted either")


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_event_is_one_line_on_standard_error_and_in_the_file(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names, control characters, directions and tracebacks included; standard output stays free for --json."""
    file = tmp_path / "logs" / "autod.log"
    _log_all(Settings(api_key=KEY, log_file=file, log_format=form))  # type: ignore[arg-type]
    shown = capsys.readouterr()
    assert shown.out == ""
    for text in (shown.err, file.read_text()):
        lines = text.splitlines()
        assert len(lines) == 3
        assert KEY not in text
        assert text.count("[key]") == 3
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800-\udfff]", text)
        assert "Traceback" in lines[2]
    assert shown.err == file.read_text()
    if form == "json":
        events = [json.loads(line) for line in file.read_text().splitlines()]
        assert [event["level"] for event in events] == ["INFO", "WARNING", "ERROR"]
        assert events[0]["message"] == f"reading {one_line(HOSTILE)}"
        assert all({"time", "name"} <= event.keys() for event in events)
    else:
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ INFO autod\.ingest reading a\\nb", lines[0])


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_line_says_which_run_and_document_it_is_about(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever logs names neither: a run is that of its lock or journal, a document that of its task, and each ends with them."""
    set_up(Settings(log_format=form, log_file=tmp_path / "autod.log"))  # type: ignore[arg-type]
    log = logging.getLogger("autod")

    async def work(document: str) -> None:
        turn_to(document)
        await asyncio.sleep(0)
        log.info("read %s", document)

    async def both() -> None:
        await asyncio.gather(work("aa"), work("bb"))
        log.info("read both")

    log.info("before")
    with held(tmp_path, "outer", "ingest"):
        with Journal(tmp_path, "inner"):
            asyncio.run(both())
        with about(step="a\nb"):
            log.info("a step")
    log.info("after")

    shown = capsys.readouterr().err
    assert shown == (tmp_path / "autod.log").read_text()
    if form == "json":
        lines = [json.loads(line) for line in shown.splitlines()]
        told = [(line["message"], *(line.get(name) for name in ("run_id", "document_sha256", "step"))) for line in lines]
        assert told == [
            ("before", None, None, None),
            ("read aa", "inner", "aa", None),
            ("read bb", "inner", "bb", None),
            ("read both", "inner", None, None),
            ("a step", "outer", None, "a\\nb"),
            ("after", None, None, None),
        ]
    else:
        assert [line.partition("INFO autod ")[2] for line in shown.splitlines()] == [
            "before",
            "read aa [run_id=inner document_sha256=aa]",
            "read bb [run_id=inner document_sha256=bb]",
            "read both [run_id=inner]",
            "a step [run_id=outer step=a\\nb]",
            "after",
        ]


def test_the_time_of_a_line_is_utc(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs of several machines can be laid side by side."""
    monkeypatch.setattr(time, "time", lambda: 0.0)
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    for form in ("text", "json"):
        set_up(Settings(log_format=form))  # type: ignore[arg-type]
        logging.getLogger("autod").warning("x")
    monkeypatch.undo()
    time.tzset()
    plain, as_json = capsys.readouterr().err.splitlines()
    assert plain == "1970-01-01T00:00:00Z WARNING autod x"
    assert json.loads(as_json)["time"] == "1970-01-01T00:00:00Z"


def test_only_lines_of_the_level_asked_for_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    """Setting up again replaces the handlers: no line comes twice."""
    set_up(Settings())
    set_up(Settings(log_level="ERROR"))
    logging.getLogger("autod.api").warning("a")
    logging.getLogger("autod.api").error("b")
    assert capsys.readouterr().err.count("\n") == 1


def test_the_file_is_rotated_and_old_ones_are_dropped(tmp_path: Path) -> None:
    """A watcher that runs for months does not fill the disk."""
    file = tmp_path / "autod.log"
    set_up(Settings(log_file=file, log_file_bytes=10_000, log_backups=2))
    for _ in range(100):
        logging.getLogger("autod").info("x" * 500)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["autod.log", "autod.log.1", "autod.log.2"]
    assert all(path.stat().st_size <= 10_000 for path in tmp_path.iterdir())


def test_a_notebook_leaves_the_file_to_the_command_that_runs_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two processes would turn one file over: the kernel's lines stand in its cell alone."""
    set_up(Settings(log_file=tmp_path / "autod.log"), to_file=False)
    logging.getLogger("autod").warning("of a kernel")

    assert "of a kernel" in capsys.readouterr().err
    assert not (tmp_path / "autod.log").exists()


def test_a_log_file_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    """With the variable to correct."""
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceUnusable, match="AUTOD_LOG_FILE"):
        set_up(Settings(log_file=tmp_path / "file" / "autod.log"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain ä 請求", "plain ä 請求"),
        ("a\nb", "a\\nb"),
        ("\x1b]0;t\x07", "\\x1b]0;t\\x07"),
        ("\u2066x", "\\u2066x"),
        ("\udcff", "\\udcff"),
        ("", ""),
    ],
)
def test_only_what_moves_the_cursor_is_escaped(text: str, line: str) -> None:
    """Letters of any script stay readable, and escaping twice changes nothing."""
    assert one_line(text) == line == one_line(one_line(text))
