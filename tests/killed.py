"""The command `autod`, killed when the record of a step of a batch is about to be written: the step was done, and nobody knows."""

import os
import signal
import sys
from typing import Any

from autod_lib import batch, cli, journal


def main() -> None:
    """Runs the command after its first argument, the state of a batch that is not recorded any more; few lines are settled at once."""
    step = sys.argv.pop(1)
    write = journal.Journal.write
    batch.LINES_AT_ONCE = 2  # type: ignore[misc]

    def die(self: journal.Journal, kind: str, **columns: Any) -> None:
        if kind == "batch" and columns["state"] == step:
            os.kill(os.getpid(), signal.SIGKILL)
        write(self, kind, **columns)

    journal.Journal.write = die  # type: ignore[method-assign]
    cli.main()


if __name__ == "__main__":
    main()
