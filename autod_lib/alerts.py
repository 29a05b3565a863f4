"""Alerts: the one way in which anything in autoD says that somebody should know.

Decided here: what makes two alerts the same (component, key, window and kind of money; within its window an alert is raised once, by whichever run),
and where each goes: the journal, and from there the table `alerts`; the log; `alerts.jsonl` in the workspace; and, if they are set, a command
(AUTOD_ALERT_HOOK) and an address (AUTOD_ALERT_WEBHOOK). Promised: an alert is in the journal before anything else is done with it; one whose run was
killed before it was handed on is handed on by the next run, under the same `alert_id`; command and address have a time limit, and whatever
becomes of them is a line of the log, never a failure of the run. Called by ingest.py, and by whatever has something to say.
"""

import asyncio
import logging
import os
import shlex
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import duckdb
import orjson

from .journal import Journal, now
from .logs import about
from .settings import SECRETS, Settings, is_loopback, variable

FILE: Final = "alerts.jsonl"
LEVELS: Final = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.CRITICAL}
COLUMNS: Final = ("severity", "component", "message", "dedupe_key", "dedupe_window", "is_simulated")
# Alerts of runs that never ended: they may have been killed before they had handed them on.
WAITING_SQL: Final = """
select run_id || ':' || seq as alert_id, logged_at, severity, component, message, dedupe_key, dedupe_window, is_simulated
from alerts anti join runs_finished using (run_id) order by logged_at, alert_id"""
log = logging.getLogger("autod")


@dataclass(frozen=True, slots=True)
class Alert:
    """What somebody should know. `dedupe_window` names the time in which it is not raised again: a month `2026-11`, a day, a run; empty: ever."""

    severity: Literal["info", "warning", "critical"]
    component: str
    message: str
    dedupe_key: str
    dedupe_window: str
    is_simulated: bool | None = None

    @property
    def identity(self) -> tuple[str, str, str, bool | None]:
        """What makes two alerts the same."""
        return self.component, self.dedupe_key, self.dedupe_window, self.is_simulated


@dataclass
class Earlier:
    """The alerts that the record holds already: what they are, and those that may not have been handed on."""

    identities: set[tuple[str, str, str, bool | None]] = field(default_factory=set)
    waiting: list[dict[str, Any]] = field(default_factory=list)


def earlier(con: duckdb.DuckDBPyConnection, home: Path) -> Earlier:
    """The alerts that were raised before this run."""
    identities = set(con.execute("select distinct component, dedupe_key, dedupe_window, is_simulated from alerts").fetchall())
    waiting = con.execute(WAITING_SQL).fetchall()
    if waiting:
        handed_on = _handed_on(home)
        waiting = [row for row in waiting if row[0] not in handed_on]
    return Earlier(identities, [dict(zip(("alert_id", "raised_at", *COLUMNS), row, strict=True)) for row in waiting])


def _handed_on(home: Path) -> set[str]:
    found = set()
    with suppress(OSError):
        for line in (home / FILE).read_bytes().splitlines():
            with suppress(orjson.JSONDecodeError, AttributeError):  # a line that was cut off by a full disk or a kill
                found.add(str(orjson.loads(line).get("alert_id")))
    return found


class Alerts:
    """The alerts of one run, a context manager: leaving it waits until all are handed on, each within its time limit."""

    def __init__(self, settings: Settings, segment: Journal, before: Earlier) -> None:
        self.settings, self.segment, self.before = settings, segment, before
        self._beside: ThreadPoolExecutor | None = None

    def raise_once(self, alert: Alert) -> bool:
        """Raises an alert unless it was raised in its window; returns whether it was. Handing it on makes nobody wait.

        Raises: WorkspaceUnusable when the journal cannot take it.
        """
        if alert.identity in self.before.identities:
            return False
        columns = {name: getattr(alert, name) for name in COLUMNS}
        alert_id = f"{self.segment.run_id}:{self.segment.events}"
        self.segment.write("alert", **columns)
        self.before.identities.add(alert.identity)
        self._hand_on({"alert_id": alert_id, "raised_at": now(), **columns})
        return True

    def _hand_on(self, event: dict[str, Any]) -> None:
        if self._beside is None:
            self._beside = ThreadPoolExecutor(1, "autod-alerts")
        self._beside.submit(_deliver, self.settings, event)

    def __enter__(self) -> "Alerts":
        for event in self.before.waiting:
            self._hand_on(event)
        return self

    def __exit__(self, *_: object) -> None:
        if self._beside is not None:
            self._beside.shutdown()


def _deliver(settings: Settings, event: dict[str, Any]) -> None:
    """Hands an alert on; the line in the file comes last, so that one that is there was handed on."""
    body = orjson.dumps(event)
    with about(run_id=event["alert_id"].split(":")[0], alert_id=event["alert_id"]):
        log.log(LEVELS[event["severity"]], "alert of %s: %s", event["component"], event["message"])
        if settings.alert_hook:
            _attempt("hook", lambda: _run_hook(settings, body))
        if settings.alert_webhook:
            address = settings.alert_webhook.get_secret_value()
            _attempt("webhook", lambda: asyncio.run(_post(address, body, settings.alert_timeout_s)))
        _attempt("file", lambda: _append(settings.home / FILE, body + b"\n"))


def _attempt(what: str, deliver: Any) -> None:
    try:
        deliver()
    except _Failed as error:
        log.warning("the alert %s failed: %s", what, error)
    except Exception as error:  # its words may hold the address, which is a secret
        log.warning("the alert %s failed: %s", what, type(error).__name__)


class _Failed(Exception):
    """An alert could not be handed on, for a reason that may be written down."""


def _run_hook(settings: Settings, body: bytes) -> None:
    assert settings.alert_hook is not None
    environ = {name: value for name, value in os.environ.items() if name not in {variable(secret) for secret in SECRETS}}
    process = subprocess.Popen(
        shlex.split(settings.alert_hook),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environ,
        start_new_session=True,
    )
    try:
        process.communicate(body, settings.alert_timeout_s)
    except subprocess.TimeoutExpired:
        raise _Failed(f"it had not ended after {settings.alert_timeout_s:g} s and was ended") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode:
        raise _Failed(f"it ended with status {process.returncode}")


async def _post(address: str, body: bytes, limit_s: float) -> None:
    import httpx2

    async with (
        asyncio.timeout(limit_s),
        httpx2.AsyncClient(follow_redirects=False, trust_env=not is_loopback(address)) as client,
        client.stream("POST", address, content=body, headers={"content-type": "application/json"}) as response,
    ):
        if not response.is_success:
            raise _Failed(f"it was answered with HTTP {response.status_code}")


def _append(path: Path, line: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        if os.write(file, line) != len(line):
            raise _Failed("the disk is full")
    finally:
        os.close(file)
