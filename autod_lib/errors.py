"""The errors of autoD: one class for each thing that a caller can do something about.

    AutodError
    ├── SettingsError        a setting, option, key, model or path is wrong: correct it            exit 2
    │   └── MissingKey       no key and no loopback API: set one, or add --local                   exit 2
    ├── BudgetExhausted      the budget allows no further call: raise it, or wait for the period   exit 3
    ├── RunTimeUp            the run's own time limit is over: run the same command again          exit 3
    ├── ApiUnavailable       the API does not answer, or the quota is used up: try again later     exit 4
    │   └── ApiRefused       the API refuses the key, the model or the account's access            exit 2
    ├── WorkspaceBusy        another run holds the workspace: wait for it                          exit 5
    └── WorkspaceUnusable    the workspace cannot be read or written                               exit 6
        ├── StoreTooNew      a newer autoD wrote the database: update                              exit 6
        └── StoreDamaged     the database is damaged: rebuild it from the journal                  exit 6

A bad document raises none of these: it gets a row with a reason, and the run goes on. Each class carries the exit status of the commands.
"""


class AutodError(Exception):
    """Whatever stops a command in order; the message says what happened, what it cost and what to do."""

    exit_status = 1


class SettingsError(AutodError):
    """A setting, an option, a model or a path is wrong."""

    exit_status = 2


class MissingKey(SettingsError):
    """There is no API key, and the address is not a loopback one."""


class BudgetExhausted(AutodError):
    """What is left of a budget, that of the run, the day or the month, does not cover the upper bound of the next call."""

    exit_status = 3

    def __init__(self, message: str, period: str) -> None:
        super().__init__(message)
        self.period = period


class RunTimeUp(AutodError):
    """The time that a run may take is over; like a budget, it is a limit of its owner's."""

    exit_status = 3


class ApiUnavailable(AutodError):
    """The API cannot be reached, keeps failing, or the account's quota is used up."""

    exit_status = 4


class ApiRefused(ApiUnavailable):
    """The API refuses this key, model or access for good (401, 403, 404)."""

    exit_status = 2


class WorkspaceBusy(AutodError):
    """Another command that may pay holds the workspace."""

    exit_status = 5


class WorkspaceUnusable(AutodError):
    """The workspace cannot be read or written: full, read-only, or not a folder."""

    exit_status = 6


class StoreTooNew(WorkspaceUnusable):
    """The database was written by a newer autoD than this one."""


class StoreDamaged(WorkspaceUnusable):
    """The database file is damaged; the journal still holds everything."""
