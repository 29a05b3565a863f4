"""The circuit breaker of a run: whether the API may be asked at present.

Decided here: when the API counts as away, how long nobody asks it then, that one probe goes alone before all others, and when waiting is given up.
Closed, everybody asks. Open, nobody does until the pause is over. Half-open, one probe is under way: an answer closes the breaker, anything else
opens it again for twice as long. Promised: no clock of its own and no waiting: instants are passed in (seconds of a clock that nobody sets), and
each change comes back as a value to be recorded. Called by api.py, which waits, and writes the changes into the journal. And decided here: when two
outages are the same one for whoever gets the alerts.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import duckdb

from .alerts import Alert
from .settings import Settings

LONGEST_PAUSE_S: Final = 60.0  # between two probes: what a run loses at most when the API is back
REASON_LENGTH: Final = 500
OUTAGE: Final = "outage"  # key of the alert
State = Literal["closed", "open", "half_open", "given_up"]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the state as the record keeps it; `away_s` is the time since the breaker opened, in seconds."""

    state: State
    reason: str
    failures: int
    probes: int
    away_s: float
    kind: ClassVar[str] = "breaker_changed"

    def columns(self) -> dict[str, Any]:
        """The columns of its event."""
        return {name: getattr(self, name) for name in ("state", "reason", "failures", "probes")} | {"away_s": round(self.away_s, 3)}


def outage_alert(change: Change, settings: Settings, window: str) -> Alert | None:
    """The alert of an outage that begins, and of one that ended a run, each once in the window of `outage_window`; None for any other change."""
    if change.state == "open" and not change.probes:
        message = f"{settings.base_url} is away: {change.reason} The run pauses, asks again by single probes, and gives up in time."
        return Alert("warning", "api", message, OUTAGE, window, settings.is_simulated)
    if change.state == "given_up":
        message = f"{settings.base_url} stayed away for {change.away_s:.0f} s; the run ended in order, and what was left undone is pending."
        return Alert("critical", "api", message, f"{OUTAGE} given up", window, settings.is_simulated)
    return None


def outage_window(con: duckdb.DuckDBPyConnection, run_id: str, *, is_simulated: bool) -> str:
    """The window of a run's outages: the run itself, or the earlier one whose outage goes on, because no call has been answered since its alert.

    So an outage that many runs meet is one alert, and a run that sees the API come and go raises no more than one.
    """
    newest = "select dedupe_window, logged_at from alerts where component = 'api' and dedupe_key = ? and is_simulated = ?"
    known = con.execute(f"{newest} order by logged_at desc limit 1", [OUTAGE, is_simulated]).fetchone()
    if known is None:
        return run_id
    window, told_at = known
    since = "select count(*) from calls_finished where status = 'answered' and is_simulated = ? and finished_at > ?"
    [(answered,)] = con.execute(since, [is_simulated, told_at]).fetchall()
    return run_id if answered else str(window)


class Breaker:
    """The breaker of one run, under the thresholds of its settings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.state: State = "closed"
        self.failures = 0
        self.outages = 0
        self.has_answered = False
        self.reason = ""  # why it was opened last
        self.probes = 0
        self.probe_at = 0.0
        self._opened_at = 0.0
        self._pause_s = 0.0
        self._away_before_s = 0.0

    def away_s(self, at: float) -> float:
        """Seconds that the breaker has not been closed, up to this instant."""
        return self._away_before_s + (0.0 if self.state == "closed" else at - self._opened_at)

    @property
    def give_up_at(self) -> float:
        """The instant at which an open breaker is given up. An API that never answered this run gets less patience: its address may be wrong."""
        settings = self.settings
        return self._opened_at + (settings.breaker_give_up_s if self.has_answered else settings.breaker_give_up_unanswered_s)

    def answered(self, at: float) -> Change | None:
        """The API answered somebody: it is back, whoever that was."""
        self.has_answered = True
        self.failures = 0
        if self.state == "closed":
            return None
        change = self._change("closed", "it answered", at)
        self._away_before_s = self.away_s(at)
        self.state = "closed"
        return change

    def failed(self, at: float, reason: str, *, is_probe: bool, wait_s: float = 0.0) -> Change | None:
        """An attempt ended without an answer; `wait_s` is what the API asked to be left alone for, if it said anything."""
        self.failures += 1
        if self.state == "half_open" and is_probe:
            self.state = "open"
            self._pause_s = min(LONGEST_PAUSE_S, 2 * self._pause_s)
            self.probe_at = at + max(self._pause_s, wait_s)
            self.reason = f"the probe failed: {reason}"
            return self._change("open", self.reason, at)
        if self.state == "closed" and self.failures >= self.settings.breaker_failures:
            return self.opened(at, f"{self.failures} attempts in a row brought no answer, the last: {reason}", wait_s=wait_s)
        return None

    def opened(self, at: float, reason: str, *, wait_s: float = 0.0) -> Change | None:
        """Opens it, if it is closed, for a reason that the caller knows."""
        if self.state != "closed":
            return None
        self.state, self._opened_at, self.probes = "open", at, 0
        self.outages += 1
        self.reason = reason
        self._pause_s = self.settings.breaker_pause_s
        self.probe_at = at + max(self._pause_s, wait_s)
        return self._change("open", reason, at)

    def wait_s(self, at: float) -> float:
        """Seconds until somebody may ask: 0 is now, infinity not before the probe has ended."""
        if self.state == "closed":
            return 0.0
        return max(0.0, self.probe_at - at) if self.state == "open" else math.inf

    def probing(self, at: float) -> Change | None:
        """Lets one caller go as the probe, if the pause is over; None: not yet, or another is under way."""
        if self.state != "open" or at < self.probe_at:
            return None
        self.state = "half_open"
        self.probes += 1
        return self._change("half_open", "one probe goes alone", at)

    def given_up(self, at: float) -> Change | None:
        """Ends the waiting, if it has lasted too long: nobody asks any more in this run."""
        if self.state in ("closed", "given_up") or at < self.give_up_at:
            return None
        self.state = "given_up"
        return self._change("given_up", f"no answer for {at - self._opened_at:.0f} s", at)

    def _change(self, state: State, reason: str, at: float) -> Change:
        return Change(state, reason[:REASON_LENGTH], self.failures, self.probes, at - self._opened_at)
