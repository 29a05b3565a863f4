"""The beginning: a workspace and a settings file that names every setting there is, and nothing that was there before is touched."""

import re
from pathlib import Path

from dotenv import dotenv_values

from autod_lib.init import init
from autod_lib.settings import Settings, load_settings, variable

from .pipeline import autod


def test_the_settings_file_is_all_settings_with_their_defaults(tmp_path: Path, empty_database: Path) -> None:
    """Uncommented whole, it gives the defaults; each setting has its description and what is allowed; the workspace is ready, all of it private."""
    home = tmp_path / "my books" / "data"
    home.mkdir(parents=True)
    (home / "autod.duckdb").write_bytes(empty_database.read_bytes())
    told = init(tmp_path / "my books", {})
    text = (tmp_path / "my books" / ".env").read_text()
    (tmp_path / "whole").write_text(re.sub(r"^# (?=[A-Z_]+=)", "", text, flags=re.MULTILINE))
    whole = {name: value for name, value in dotenv_values(tmp_path / "whole").items() if value is not None}

    assert (told.home, told.is_new, told.has_key) == (str(home), True, False)
    assert list(whole) == [variable(name) for name in Settings.model_fields]
    assert load_settings(whole) == load_settings({"AUTOD_HOME": str(home)})
    assert dict(dotenv_values(tmp_path / "my books" / ".env")) == {"AUTOD_HOME": str(home)}
    assert all(field.description in text for field in Settings.model_fields.values() if field.description)
    assert "Allowed: auto, text, file-low, file-high." in text
    assert "Allowed: at least 1, at most 1024." in text
    assert (tmp_path / "my books" / ".env").stat().st_mode & 0o777 == 0o600


def test_nothing_is_overwritten_and_what_is_known_is_not_asked(tmp_path: Path) -> None:
    """A settings file that is there stays, and so does the workspace it names; the command ends without a question."""
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-mine\n")
    done = autod("init", home=tmp_path / "elsewhere", cwd=tmp_path)
    again = autod("init", home=tmp_path / "elsewhere", cwd=tmp_path)

    assert (done.returncode, again.returncode, again.stdout) == (0, 0, done.stdout)
    assert f"Workspace: {tmp_path / 'elsewhere'}" in done.stdout
    assert "was there already" in done.stdout
    assert "A key is set" in done.stdout
    assert "sk-mine" not in done.stdout
    assert (tmp_path / ".env").read_text() == "OPENAI_API_KEY=sk-mine\n"
    assert (tmp_path / "elsewhere" / "autod.duckdb").is_file()
