"""The log: one line an event, on standard error and, if wanted, in a rotating file; no key is in any.

Decided here: the two forms (text, json), that control characters are escaped so that a file name cannot make a second line or move the
terminal's cursor, and that keys and other secrets are blotted out whatever they stand in. Called by the commands and the notebooks once, at their
start.
"""

import logging
import logging.handlers
import re
import sys
import time
from typing import Final

from .errors import WorkspaceUnusable
from .settings import SECRETS, Settings

UTC_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
LINE: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"
KEY_LENGTH: Final = 8  # a shorter word, such as "local", is no key: it may stand anywhere
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def one_line(text: str) -> str:
    """The text with control and direction characters, and bytes of a name that are not UTF-8, escaped.

    >>> one_line("a\\nb")
    'a\\\\nb'
    """
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


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
        return True


def set_up(settings: Settings) -> None:
    """Sends what autoD logs to standard error, and to the log file if one is set.

    Raises: WorkspaceUnusable when the log file cannot be written.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if settings.log_file:
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
    logger = logging.getLogger("autod")
    logger.handlers = handlers
    logger.setLevel(settings.log_level)
    logger.propagate = False


def _formatter(form: str) -> logging.Formatter:
    if form == "json":
        from pythonjsonlogger.json import JsonFormatter

        formatter: logging.Formatter = JsonFormatter(LINE, datefmt=UTC_TIME, rename_fields={"levelname": "level", "asctime": "time"})
    else:
        formatter = logging.Formatter(LINE, datefmt=UTC_TIME)
    formatter.converter = time.gmtime
    return formatter
