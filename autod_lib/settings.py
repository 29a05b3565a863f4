"""One frozen Settings object, made once by a command or a notebook and passed to whatever needs it.

Decided here: the names, defaults and limits of all settings, and where they come from: an argument, else the environment variable
(`AUTOD_<SETTING>`, and OPENAI_API_KEY and OPENAI_BASE_URL by their own names), else a line of the file `.env` in the current folder, else the
default. Promised: a wrong value names the variable, the value and what is allowed; the key is never part of a text. Read by everything;
reads only the price file that a setting names. Plain pydantic, because pydantic-settings would add 0.2 s to the start of every command.
"""

import os
import re
import shlex
from collections.abc import Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from . import prices
from .errors import MissingKey, SettingsError

PROJECT = Path(__file__).resolve().parent.parent
InputMode = Literal["auto", "text", "file-low", "file-high"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
OWN_NAMES = {"api_key": "OPENAI_API_KEY", "admin_key": "OPENAI_ADMIN_KEY", "base_url": "OPENAI_BASE_URL", "home": "AUTOD_HOME"}
SECRETS = ("api_key", "admin_key", "alert_webhook")  # written nowhere but as whether they are set


def default_home() -> Path:
    """The workspace when none is named: `data/` of the project's checkout, else of the current folder."""
    return (PROJECT if (PROJECT / "pyproject.toml").exists() else Path.cwd()) / "data"


class Settings(BaseModel):
    """All settings, with their defaults; the description of a field is its line in the settings reference."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    api_key: SecretStr | None = Field(None, description="Key of the API; never written anywhere.")
    admin_key: SecretStr | None = Field(None, description="Admin key of the organization, for `autod reconcile` alone; never written anywhere.")
    project_id: str | None = Field(None, description="Project that `autod reconcile` asks about; unset: all that the admin key sees.", max_length=128)
    api_key_id: str | None = Field(None, description="Id of our API key at the provider; unset: told from the calls.", max_length=128)
    base_url: str = Field("https://api.openai.com/v1", description="Address of the API.")
    home: Path = Field(default_factory=default_home, description="The workspace: database, journal, runs.")
    environment: str = Field("default", description="A name for this installation, kept with each run.", max_length=64)
    simulated: bool | None = Field(None, description="Whether answers are simulated; unset: loopback addresses are.")

    model: str = Field("gpt-6-luna", description="The model that reads the documents.", min_length=1, max_length=128)
    models_allowed: tuple[str, ...] = Field(("gpt-*", "o[134]*"), description="Patterns of models that may be asked.")
    allow_unpriced: bool = Field(False, description="Ask a model that no price list knows; its calls cost NULL.")
    reasoning_effort: Effort = Field("low", description="Effort of reasoning, always sent: it is part of the cached prefix.")
    verbosity: Literal["low", "medium", "high"] = Field("low", description="Verbosity, always sent, for the same reason.")
    input_mode: InputMode = Field("auto", description="What is sent: the text where its layer is good, else the file.")
    fields: str = Field("all", description="Fields that are asked for: all, core, or names with commas; the others stay NULL.", max_length=1000)
    max_output_tokens: int = Field(4096, description="Ceiling of the output tokens of a call.", ge=256, le=128_000)
    max_input_tokens: int = Field(250_000, description="Largest document that is sent, in estimated input tokens.", ge=1000)
    service_tier: Literal["auto", "default", "flex", "priority"] = Field("default", description="Service tier asked for.")
    repair: bool = Field(True, description="Ask once more when an answer breaks the record's rules.")
    cache_policy: Literal["auto", "explicit", "implicit", "none"] = Field("auto", description="Use of the prompt cache; auto: what pays.")
    cache_lifetime: Literal["auto", "30m", "12h"] = Field("auto", description="Lifetime of a written prefix (gpt-5.6 and later); auto: what pays.")
    cache_shards: int | None = Field(None, description="Cache keys that calls are spread over; unset: by the load.", ge=1, le=10_000)
    cache_warming: Literal["auto", "first-call", "prewarm", "none"] = Field("auto", description="What writes a key's prefix before others use it.")

    request_timeout_s: float = Field(120.0, description="Longest wait for the next byte, in seconds.", gt=0, le=3600)
    call_deadline_s: float = Field(300.0, description="Longest time for one whole attempt, in seconds.", gt=0, le=7200)
    max_answer_bytes: int = Field(8_000_000, description="Longest answer that is read, in bytes.", ge=10_000)
    attempts: int = Field(5, description="Attempts a request may take within a run.", ge=1, le=20)
    longest_wait_s: float = Field(120.0, description="Longest wait between two attempts, in seconds.", ge=0, le=3600)
    paid_retries: int = Field(2, description="Further attempts after one that was or may have been billed and brought no answer.", ge=0, le=20)
    document_deadline_s: float = Field(1800.0, description="Longest time for all calls of a document, in seconds, outages apart.", gt=0)
    run_deadline_s: float | None = Field(None, description="Longest time of a run, in seconds; what is left undone stays pending.", gt=0)
    breaker_failures: int = Field(10, description="Attempts in a row without an answer after which a run pauses.", ge=1, le=1000)
    breaker_pause_s: float = Field(2.0, description="First such pause, in seconds; each probe that fails doubles it, up to a minute.", gt=0, le=60)
    breaker_give_up_s: float = Field(600.0, description="Longest outage that a run waits out, in seconds.", ge=0)
    breaker_give_up_unanswered_s: float = Field(30.0, description="The same while the API has not answered this run once, in seconds.", ge=0)
    document_attempts: int = Field(3, description="Runs in which a failed document is tried again by --retry-failed.", ge=1, le=100)
    in_flight: int = Field(16, description="Calls under way at once.", ge=1, le=1024)
    requests_per_minute: int | None = Field(None, description="Limit of requests a minute; unset: learned from the headers.", ge=1)
    tokens_per_minute: int | None = Field(None, description="Limit of tokens a minute; unset: learned from the headers.", ge=1)
    batch_size: int = Field(10_000, description="Requests in one batch file.", ge=1, le=50_000)
    batch_bytes: int = Field(150_000_000, description="Size of one batch file, in bytes; a larger request goes alone.", ge=1, le=200_000_000)
    batch_deadline_s: float = Field(86_400.0, description="Age of a batch, in seconds, at which ingest --batch asks the rest one by one.", ge=0)

    budget_run_usd: Decimal | None = Field(None, description="What one run may cost.", ge=0)
    budget_day_usd: Decimal | None = Field(None, description="What a UTC day may cost.", ge=0)
    budget_month_usd: Decimal | None = Field(None, description="What a UTC month may cost.", ge=0)
    prices_file: Path | None = Field(None, description="File of your own prices; its form is that of data/prices/overrides.toml.")
    alert_usd: tuple[Decimal, ...] = Field((Decimal(10), Decimal(50), Decimal(100)), description="Spend of a month that raises an alert.")
    alert_failed_share: float = Field(0.2, description="Share of the last day's calls without an answer that raises an alert, 0 to 1.", ge=0, le=1)
    alert_backlog_hours: float = Field(48.0, description="Age of a pending document or batch that raises an alert, in hours.", gt=0)
    alert_free_bytes: int = Field(2_000_000_000, description="Room on the disk of the workspace below which an alert is raised, in bytes.", ge=0)
    alert_hook: str | None = Field(None, description="Command that gets each alert as JSON on its standard input; it runs without a shell.")
    alert_webhook: SecretStr | None = Field(None, description="Address that each alert is posted to as JSON; never written anywhere.")
    alert_timeout_s: float = Field(10.0, description="Longest time that the command, and the address, may take, in seconds.", gt=0, le=300)

    readers: int = Field(2, description="Worker processes that read PDFs.", ge=1, le=64)
    max_pdf_bytes: int = Field(50_000_000, description="Largest PDF that is read, in bytes.", ge=1)
    reader_seconds: float = Field(
        10.0, description="Longest processor time a PDF may take to read, in seconds; by the clock three times as long.", gt=0, le=600
    )
    reader_memory_bytes: int = Field(1_000_000_000, description="Memory a PDF may take to read, in bytes.", ge=200_000_000)
    keep_text: bool = Field(True, description="Keep what documents say in their words: raw answers, excerpts, summaries, lists, notes, titles.")
    links_outside: bool = Field(False, description="Follow links that lead out of the folder named.")

    vector_store: str = Field("autod", description="Name of the vector store.", min_length=1, max_length=128)
    vector_store_days: int = Field(30, description="Days after which the provider deletes the copy of a document by itself.", ge=1, le=30)
    index_deadline_s: float = Field(120.0, description="Longest wait until an uploaded document can be searched.", gt=0)
    retention_days: int = Field(400, description="Days that runs are kept, and deleted documents until `autod purge` takes them for good.", ge=1)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe line of the log.")
    log_format: Literal["text", "json"] = Field("text", description="Form of the log lines.")
    log_file: Path | None = Field(None, description="File that the log goes to besides standard error.")
    log_file_bytes: int = Field(10_000_000, description="Size at which the log file is rotated.", ge=10_000)
    log_backups: int = Field(5, description="Rotated log files that are kept.", ge=0, le=1000)

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an http(s) address such as https://api.openai.com/v1")
        if parts.username or parts.password:
            raise ValueError("must not carry a user name or password")
        return value.rstrip("/")

    @field_validator("home", "log_file", "prices_file")
    @classmethod
    def _is_absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().absolute()

    @field_validator("alert_hook")
    @classmethod
    def _is_a_command(cls, value: str | None) -> str | None:
        if value is not None and not shlex.split(value):  # which itself says so when a quotation mark is missing
            raise ValueError("must be a command such as: /usr/local/bin/notify --quiet")
        return value

    @field_validator("alert_webhook")
    @classmethod
    def _is_a_web_address(cls, value: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(value.get_secret_value() if value else "http://none")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an http(s) address")
        return value

    @field_validator("models_allowed", "alert_usd", mode="before")
    @classmethod
    def _is_a_list(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _model_is_allowed(self) -> "Settings":
        if not any(fnmatchcase(self.model, pattern) for pattern in self.models_allowed):
            raise ValueError(f"model {self.model!r} is not allowed by AUTOD_MODELS_ALLOWED={','.join(self.models_allowed)}")
        return self

    @cached_property
    def is_loopback(self) -> bool:
        """Whether the address is on this machine, where only the simulated API answers."""
        return is_loopback(self.base_url)

    @property
    def is_simulated(self) -> bool:
        """Whether calls made with these settings are simulated and cost nothing real."""
        return self.is_loopback if self.simulated is None else self.simulated

    def require_key(self) -> str:
        """The key to send. On a loopback address any word does.

        Raises: MissingKey when there is none.
        """
        if self.api_key is not None and self.api_key.get_secret_value():
            return self.api_key.get_secret_value()
        if self.is_loopback:
            return "local"
        raise MissingKey(
            "There is no API key; nothing was sent, nothing was spent. Two ways on: "
            "export OPENAI_API_KEY=…, or add --local, where the command has it, to use the simulated API on this machine."
        )

    def require_admin_key(self) -> str:
        """The admin key to send. On a loopback address the simulated API takes one of its own.

        Raises: MissingKey when there is none.
        """
        if self.admin_key is not None and self.admin_key.get_secret_value():
            return self.admin_key.get_secret_value()
        if self.is_loopback:
            return "sk-admin-local"
        raise MissingKey(
            "There is no admin key; nothing was asked. Ways on: export OPENAI_ADMIN_KEY=…, or add --file with an export of the provider's dashboard, "
            "or add --local to ask the simulated API of this machine."
        )

    def printable(self) -> dict[str, str | None]:
        """Every setting by name as text, a secret reduced to whether it is set."""
        values = self.model_dump(mode="json", exclude=set(SECRETS))
        return {name: None if getattr(self, name) is None else "set" for name in SECRETS} | {
            name: None if value is None else ",".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in values.items()
        }


def is_loopback(address: str) -> bool:
    """Whether an address is on this machine."""
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def unit_of_money(is_simulated: bool) -> str:
    """What an amount is in, for a person: USD, or simulated USD, so that neither is ever taken for the other."""
    return "simulated USD" if is_simulated else "USD"


def variable(setting: str) -> str:
    """The environment variable of a setting."""
    return OWN_NAMES.get(setting, f"AUTOD_{setting.upper()}")


def load_settings(environ: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """The settings of this process: given arguments (None: not given), then the environment, then `.env`, then the defaults.

    The price file that they name is in force from here on, in this process.
    Raises: SettingsError naming each wrong variable, its value and what is allowed, AUTOD_ variables that no setting has, and a mistake in the
    price file.
    """
    found = dict(os.environ if environ is None else environ)
    if environ is None and Path(".env").is_file():
        from dotenv import dotenv_values

        found = {name: value for name, value in dotenv_values(".env").items() if value is not None} | found
    values: dict[str, Any] = {name: found[variable(name)] for name in Settings.model_fields if found.get(variable(name), "") != ""}
    unknown = sorted(name for name in found if name.startswith("AUTOD_") and name not in KNOWN_VARIABLES)
    if unknown:
        raise SettingsError(f"{', '.join(unknown)}: no such setting; `autod doctor` lists those there are.")
    values |= {name: value for name, value in given.items() if value is not None}
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise SettingsError("; ".join(_sentence(problem, values) for problem in error.errors())) from None
    prices.use_file(settings.prices_file)
    return settings


def setting_rows() -> list[dict[str, str]]:
    """Every setting: variable, description, allowed (empty: anything), default (empty: unset); that of the workspace depends on where it is asked."""
    values: dict[str, Any] = {"home": Path("data")}
    defaults = Settings(**values).printable()
    return [
        {
            "variable": variable(name),
            "description": schema["description"],
            "allowed": _allowed(schema),
            "default": str(defaults[name] or ""),
        }
        for name, schema in Settings.model_json_schema()["properties"].items()
    ]


def env_text(home: Path) -> str:
    """The text of a `.env` for this workspace: every setting with what it does, what is allowed and its default, commented out."""
    lines = ["# Settings of autoD. Remove the # before a line and change its value; the environment and options of a command go before this file."]
    for row in setting_rows():
        lines.append(f"\n# {row['description']}" + (f" Allowed: {row['allowed']}." if row["allowed"] else ""))
        is_home = row["variable"] == variable("home")
        lines.append(f"{row['variable']}='{home}'" if is_home else f"# {row['variable']}={row['default']}")
    return "\n".join(lines) + "\n"


def _allowed(schema: Mapping[str, Any]) -> str:
    """The limits of a setting in words; of one that may be unset, those of its value."""
    parts = [part for part in schema.get("anyOf", [schema]) if part.get("type") != "null"]
    words = {"minimum": "at least {}", "exclusiveMinimum": "more than {}", "maximum": "at most {}"}
    told = [", ".join(part["enum"]) for part in parts if "enum" in part]
    told += [text.format(f"{part[word]:g}" if part[word] < 1e6 else part[word]) for part in parts for word, text in words.items() if word in part]
    told += ["a list with commas" for part in parts if part.get("type") == "array"] + [
        "true, false" for part in parts if part.get("type") == "boolean"
    ]
    return ", ".join(dict.fromkeys(told))


# Beside the settings: the run of `autod run` that started this process, and where a crash test wants it to die.
KNOWN_VARIABLES = frozenset(variable(name) for name in Settings.model_fields) | {"AUTOD_PARENT_RUN", "AUTOD_CRASH_AT"}


def _sentence(problem: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    message = re.sub(r"^Value error, ", "", problem["msg"])
    if not problem["loc"]:
        return message
    name = str(problem["loc"][0])
    text = re.sub(r"//[^/@]*@", "//…@", str(values.get(name, "")))  # a password in an address is not repeated
    shown = "" if name in SECRETS else f"={text[:200]!r}"
    return f"{variable(name)}{shown}: {message}"
