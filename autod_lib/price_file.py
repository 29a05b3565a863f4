"""Price files: the few dated rates that no price list has, and those of a user's own models.

Decided here: the form of such a file (TOML; its own head describes it) and what is a mistake in one. Promised: every line has a day from which it
holds and a source; a mistake names the file, the entry and its line, the value and what is allowed, so that nothing is ever priced by half of a
file. Called by prices.py, which decides what comes before what. Touches only the file it is given.
"""

import difflib
import itertools
import re
import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from .errors import SettingsError

LARGEST_BYTES: Final = 1_000_000
LARGEST_RATE: Final = Decimal(1_000_000)  # USD a million tokens, one a token: beyond it somebody took the wrong unit
DECIMALS: Final = 6  # of a rate a million tokens: the ledger keeps 12 of the cost of one


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a price file; what it does not say is None. Days are UTC; `until` is the first day on which it no longer holds."""

    kind: str
    since: date
    source: str
    until: date | None = None
    models: tuple[str, ...] = ("*",)
    service_tier: str = "standard"
    lifetime: str | None = None
    factor: Decimal | None = None
    cached_factor: Decimal | None = None
    input: Decimal | None = None
    cached: Decimal | None = None
    written: Decimal | None = None
    written_12h: Decimal | None = None
    output: Decimal | None = None
    storage_gb_day: Decimal | None = None
    free_gb: Decimal | None = None
    search_thousand: Decimal | None = None

    def holds(self, day: date, model: str = "") -> bool:
        """Whether it holds on that day, for that model."""
        in_time = self.since <= day and (self.until is None or day < self.until)
        return in_time and any(fnmatchcase(model.lower(), pattern.lower()) for pattern in self.models)


@dataclass(frozen=True, slots=True)
class PriceFile:
    """A price file that has no mistake: its name, its text and its lines."""

    name: str
    text: str
    lines: tuple[Line, ...]

    def line(self, kind: str, day: date, model: str = "", service_tier: str = "standard") -> Line | None:
        """The newest line of that kind that holds; of two of one day the later one in the file."""
        found = [line for line in self.lines if line.kind == kind and line.service_tier == service_tier and line.holds(day, model)]
        return max(reversed(found), key=lambda line: line.since, default=None)


NOTHING: Final = PriceFile("", "", ())
COMMON: Final = {"since", "source", "until"}
KEYS: Final = {  # of each kind of entry: what it must have, and what it may have
    "model": ({"model", "input", "output"}, {"cached", "written", "written_12h", "service_tier"}),
    "tier": ({"service_tier", "models", "factor"}, {"cached_factor"}),
    "cache_write": ({"lifetime", "models", "factor"}, set()),
    "vector_store": ({"storage_gb_day", "free_gb", "search_thousand"}, set()),
}
RATES: Final = {"input", "cached", "written", "written_12h", "output", "storage_gb_day", "free_gb", "search_thousand"}
FACTORS: Final = {"factor", "cached_factor"}


def shipped_path() -> Path:
    """Where the project's own price file is: in the checkout, or in the installed package."""
    here = Path(__file__).resolve().parent
    installed = here / "price_data" / "overrides.toml"
    return installed if installed.is_file() else here.parent / "data" / "prices" / "overrides.toml"


@lru_cache(maxsize=1)
def shipped() -> PriceFile:
    """The project's own price file."""
    return read_price_file(shipped_path())


def read_price_file(path: Path) -> PriceFile:
    """The lines of a price file.

    Raises: SettingsError naming the file, the entry and its line, the value and what is allowed.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise SettingsError(f"The price file {str(path)!r} is larger than {LARGEST_BYTES:,} bytes: it is no price file.")
        text = path.read_text("utf-8")
    except OSError as error:
        raise SettingsError(f"The price file {str(path)!r} cannot be read ({error.strerror}). Correct AUTOD_PRICES_FILE, or unset it.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"The price file {str(path)!r} is not UTF-8 text.") from None
    try:
        found = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The price file {str(path)!r} is not TOML: {error}.") from None
    lines: list[Line] = []
    for kind, entries in found.items():
        if kind not in KEYS or not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            place = next((at for at, line in enumerate(text.splitlines(), 1) if re.match(rf"[\s\[\"]*{re.escape(kind)}\b", line)), 1)
            raise SettingsError(
                f"The price file {str(path)!r}, line {place}: {kind!r} is no entry of a price file{_near(kind, KEYS)}. "
                f"Allowed: {', '.join(f'[[{name}]]' for name in KEYS)}."
            )
        for number, entry in enumerate(entries, 1):
            lines.append(_line(_Place(path, text, kind, number), entry))
            same = [line for line in lines[:-1] if _identity(line) == _identity(lines[-1])]
            if same:
                raise _Place(path, text, kind, number).mistake("since", entry["since"], "a day that no other entry for the same has")
    return PriceFile(path.name, text, tuple(lines))


def _identity(line: Line) -> tuple[Any, ...]:
    return line.kind, line.models, line.service_tier, line.lifetime, line.since


@dataclass(frozen=True, slots=True)
class _Place:
    path: Path
    text: str
    kind: str
    number: int

    def mistake(self, key: str, value: Any, allowed: str) -> SettingsError:
        """What is wrong with an entry; `value` is None where the key is missing."""
        lines = self.text.splitlines()
        heads = [at for at, line in enumerate(lines) if re.match(rf"\s*\[\[\s*{self.kind}\s*\]\]", line)]
        head = heads[self.number - 1] if self.number <= len(heads) else 0  # a list written on one line has no heads
        block = itertools.takewhile(lambda at: not re.match(r"\s*\[", lines[at]), range(head + 1, len(lines)))
        line = next((at for at in block if re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", lines[at])), head)
        what = f"{key} is missing" if value is None else f"{key} = {str(value)[:100]!r}"
        return SettingsError(
            f"The price file {str(self.path)!r}, line {line + 1}, entry {self.number} of [[{self.kind}]]: {what}; "
            f"allowed: {allowed}. Nothing was priced, nothing was sent."
        )


def _near(name: str, names: Any) -> str:
    close = difflib.get_close_matches(name, list(names), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _line(place: _Place, entry: dict[str, Any]) -> Line:
    needed, further = KEYS[place.kind]
    allowed = needed | further | COMMON
    for key, value in entry.items():
        if key not in allowed:
            raise place.mistake(key, value, f"{', '.join(sorted(allowed))}{_near(key, allowed)}")
    for key in sorted(needed | COMMON - {"until"}):
        if key not in entry:
            raise place.mistake(key, None, _allowed(key))
    values = {key: _value(place, key, value) for key, value in entry.items()}
    if "until" in values and values["until"] <= values["since"]:
        raise place.mistake("until", values["until"], "a day after since")
    if "model" in values:
        values["models"] = (values.pop("model"),)
    return Line(place.kind, **values)


def _allowed(key: str) -> str:
    if key in ("since", "until"):
        return "a day such as 2026-11-24, without quotation marks"
    if key in RATES:
        return f"a number of USD from 0 to {LARGEST_RATE:,} with at most {DECIMALS} decimals"
    if key in FACTORS:
        return "a number above 0 and up to 100"
    if key == "models":
        return 'a list of names or patterns such as ["gpt-6*"]'
    if key == "service_tier":
        return "standard, or a tier that answers name, such as flex, batch or priority; of [[tier]] not the standard one"
    return "12h" if key == "lifetime" else "text that is not empty"


def _value(place: _Place, key: str, value: Any) -> Any:
    if key in ("since", "until"):
        good = isinstance(value, date) and not isinstance(value, datetime)
    elif key in RATES | FACTORS:
        good = isinstance(value, int | Decimal) and not isinstance(value, bool) and Decimal(value).is_finite()
        if good and key in FACTORS:
            good = 0 < value <= 100
        elif good:
            good = 0 <= value <= LARGEST_RATE and round(Decimal(value), DECIMALS) == value
        value = Decimal(value) if good else value
    elif key == "models":
        good = isinstance(value, list) and bool(value) and all(isinstance(item, str) and item for item in value)
        value = tuple(value) if good else value
    elif key == "lifetime":
        good = value == "12h"
    elif key == "service_tier":
        good = isinstance(value, str) and value.strip() not in ("", "auto", "default") and (place.kind, value) != ("tier", "standard")
    else:
        good = isinstance(value, str) and bool(value.strip())
    if not good:
        raise place.mistake(key, value, _allowed(key))
    return value
