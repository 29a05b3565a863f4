"""The log: one line an event, on standard error and, if wanted, in a rotating file; no key is in any.

Decided here: the two forms (text, json), what a line says it is about (its run, its document), that control characters are escaped so that a file
name cannot make a second line or move the terminal's cursor, and that keys and other secrets are blotted out whatever they stand in. Called by the
commands, and by the notebooks that call the API, once, at their start; `about` where a run takes the workspace or its journal, `turn_to` where a
document is taken, so that no line has to name them itself.
"""

import logging
import logging.handlers
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

from .errors import WorkspaceUnusable
from .settings import SECRETS, Settings

UTC_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
LINE: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"
LOGGERS: Final = {"autod": None, "opentelemetry": "WARNING"}  # ours, and that of what speaks beside it (telemetry.py), each with a level of its own
KEY_LENGTH: Final = 8  # a shorter word, such as "local", is no key: it may stand anywhere
FACTS: Final[ContextVar[Mapping[str, str | None]]] = ContextVar("facts", default=MappingProxyType({}))
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def one_line(text: str) -> str:
    """The text with control and direction characters, and bytes of a name that are not UTF-8, escaped.

    >>> one_line("a\\nb")
    'a\\\\nb'
    """
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


@contextmanager
def about(**facts: str | None) -> Iterator[None]:
    """Every line that is logged inside, by this thread or task and the tasks it begins, carries these facts.

    They are `run_id`, `document_sha256`, `step` and `alert_id`; None takes one away. A thread begins without any.
    """
    before = FACTS.get()
    FACTS.set({**before, **facts})
    try:
        yield
    finally:
        FACTS.set(before)


def turn_to(document_sha256: str | None) -> None:
    """From here on, the lines of this task are about this document; None: about none."""
    FACTS.set({**FACTS.get(), "document_sha256": document_sha256})


class _Blotted(logging.Filter):
    def __init__(self, secrets: list[str]) -> None:
        super().__init__()
        self.secrets = secrets

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if record.exc_info:
            message += " | " + logging.Formatter().formatException(record.exc_info)
        record.exc_info, record.exc_text, record.args = None, None, None
        for secret in self.secrets:
            message = message.replace(secret, "[key]")
        record.msg = one_line(message)
        record.__dict__.update({name: one_line(fact) for name, fact in FACTS.get().items() if fact is not None})
        return True


class _Readable(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{name}={getattr(record, name)}" for name, fact in FACTS.get().items() if fact is not None)
        return f"{super().format(record)} [{facts}]" if facts else super().format(record)


def set_up(settings: Settings, *, to_file: bool = True) -> None:
    """Sends what autoD logs to standard error, and to the log file if one is set.

    A notebook says `to_file=False`: the file is that of the command which runs it, and two processes that turn one file over lose lines.

    Raises: WorkspaceUnusable when the log file cannot be written.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if settings.log_file and to_file:
        try:
            settings.log_file.parent.mkdir(parents=True, exist_ok=True)
            handlers.append(
                logging.handlers.RotatingFileHandler(
                    settings.log_file, maxBytes=settings.log_file_bytes, backupCount=settings.log_backups, encoding="utf-8"
                )
            )
        except OSError as error:
            raise WorkspaceUnusable(
                f"The log file {str(settings.log_file)!r} cannot be written ({error.strerror}); nothing was sent. Correct AUTOD_LOG_FILE."
            ) from error
    given = [secret.get_secret_value() for name in SECRETS if (secret := getattr(settings, name)) is not None]
    secrets = [secret for secret in given if len(secret) >= KEY_LENGTH]
    for handler in handlers:
        handler.setFormatter(_formatter(settings.log_format))
        handler.addFilter(_Blotted(secrets))
    for name, level in LOGGERS.items():
        logger = logging.getLogger(name)
        logger.handlers = handlers
        logger.setLevel(level or settings.log_level)
        logger.propagate = False


def _formatter(form: str) -> logging.Formatter:
    if form == "json":
        from pythonjsonlogger.json import JsonFormatter

        formatter: logging.Formatter = JsonFormatter(LINE, datefmt=UTC_TIME, rename_fields={"levelname": "level", "asctime": "time"})
    else:
        formatter = _Readable(LINE, datefmt=UTC_TIME)
    formatter.converter = time.gmtime
    return formatter
