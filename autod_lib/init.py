"""The beginning: a folder with a workspace and a file of settings, each line of which is there to be uncommented.

Decided here: where both go. Promised: nothing is overwritten, nothing is asked, and no key is written: the settings file is made from settings.py,
so that it names what there is. Called by the command `init`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from . import store
from .errors import WorkspaceUnusable
from .settings import env_text, variable


@dataclass
class Beginning:
    """What there is now; `is_new` tells whether the settings file was written or had been there."""

    folder: str
    home: str
    settings_file: str
    is_new: bool
    has_key: bool
    exit_status: int = 0

    def sentences(self) -> list[str]:
        """The report for a person."""
        written = "every setting, commented out" if self.is_new else "was there already and stays as it is"
        lines = [f"Workspace: {self.home}", f"Settings: {self.settings_file} ({written}). It is read by commands that start in {self.folder}."]
        if self.has_key:
            return [*lines, "A key is set. Next: autod estimate PATH, then autod ingest PATH --max-usd 5"]
        return [*lines, f"Next: put a key into it ({variable('api_key')}=…), or try without one: autod ingest PATH --local"]


def init(folder: Path, environ: Mapping[str, str] = os.environ) -> Beginning:
    """Makes the folder, its `.env` and its workspace, as far as they are not there.

    The workspace is the one that the environment or the settings file names, else `data` in the folder. Raises: WorkspaceUnusable.
    """
    folder = Path(os.path.abspath(folder))  # as it is named, without the steps up
    file = folder / ".env"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        given = {name: value for name, value in dotenv_values(file).items() if value} if file.exists() else {}
        home = Path(environ.get(variable("home")) or given.get(variable("home")) or folder / "data").expanduser().absolute()
        is_new = not file.exists()
        if is_new:
            with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w", encoding="utf-8") as text:
                text.write(env_text(home))
    except OSError as error:
        raise WorkspaceUnusable(f"{str(folder)!r} cannot be written ({error.strerror}). Make it writable, or name another folder.") from error
    store.load(home)
    key = variable("api_key")
    return Beginning(str(folder), str(home), str(file), is_new, bool(environ.get(key) or given.get(key)))
