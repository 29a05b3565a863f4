"""What schedules autoD: that each file is of its form, names only what there is, and gives away no right that a night run does not need."""

import re
import shlex
import shutil
import subprocess
import tomllib
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from autod_lib.cli import _refused, app
from autod_lib.settings import load_settings, variable

PROJECT = Path(__file__).resolve().parents[1]
DEPLOY = PROJECT / "deploy"
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))
DOCS = [PROJECT / "README.md", *(PROJECT / "docs" / name for name in ("night.md", "monitoring.md", "scheduling.md", "runbook.md"))]


def commands(text: str) -> list[str]:
    """Every command of autoD in a text with its options, up to the end of its line, a quotation of it, or where its output goes."""
    return re.findall(r"(?:^|`|bin/|bash_command=\")autod ([a-z][a-z-]*[^\n`|>;·]*)", text, re.MULTILINE)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_units_are_sound_and_little_exposed(tmp_path: Path) -> None:
    """As systemd itself says, with a program in its place that is there; and the timer starts the service."""
    service = (DEPLOY / "systemd" / "autod-night.service").read_text()
    placed = re.sub(r"^(User|Group)=.*$", "", service.replace("/opt/autod/bin/autod", "/bin/true"), flags=re.MULTILINE)
    (tmp_path / "autod-night.service").write_text(placed)
    shutil.copy(DEPLOY / "systemd" / "autod-night.timer", tmp_path)

    verified = subprocess.run(["systemd-analyze", "verify", *map(str, tmp_path.iterdir())], capture_output=True, text=True, check=False)
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=30", str(tmp_path / "autod-night.service")], capture_output=True, check=False
    )

    assert (verified.returncode, verified.stderr) == (0, "")
    assert rated.returncode == 0  # at most 3.0 of 10


def test_the_service_runs_a_command_that_there_is_as_a_user_of_its_own() -> None:
    """And it may finish in order: SIGTERM goes to autoD alone, which has its time to end what it started."""
    unit = RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(DEPLOY / "systemd" / "autod-night.service")
    service = unit["Service"]

    assert _refused(shlex.split(service["ExecStart"])[1:]) == ""
    assert service["User"] == "autod"
    assert service["KillMode"] == "mixed"
    assert int(service["TimeoutStopSec"]) > 30
    assert service["SuccessExitStatus"] == "1"


def test_the_cron_table_has_five_times_a_user_and_commands_that_there_are() -> None:
    """Cron tells nobody of a line that it does not understand."""
    lines = [line for line in (DEPLOY / "cron" / "autod").read_text().splitlines() if line and not re.match(r"#|[A-Z_]+=", line)]

    assert len(lines) == 2
    for line in lines:
        assert re.match(r"([\d*/,-]+\s+){5}autod\s+\S", line), line
        assert [_refused(shlex.split(words)) for words in commands(line)] == [""]


def test_the_settings_to_fill_in_are_settings_and_hold_no_key() -> None:
    """A wrong name would be refused on the first night."""
    lines = [line.lstrip("# ") for line in (DEPLOY / "autod.env").read_text().splitlines() if re.match(r"#? ?[A-Z_]+=", line)]
    given = dict(line.split("=", 1) for line in lines)

    assert given["OPENAI_API_KEY"] == ""
    assert load_settings({name: value for name, value in given.items() if value and not value.startswith("http")}).budget_day_usd
    assert variable("alert_webhook") in given


def test_the_image_holds_what_the_package_needs_and_runs_as_nobody_special() -> None:
    """Everything that pyproject.toml puts into the package is copied and let through; no key, no root, no shell as its start."""
    text = (DEPLOY / "Dockerfile").read_text()
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    needed = {*project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"], "autod_lib", "pyproject.toml", "README.md", "LICENSE"}
    let_through = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")}

    assert needed <= let_through
    assert all(re.search(rf"^COPY .*{re.escape(name)}", text, re.MULTILINE) for name in needed)
    assert all((PROJECT / name).exists() for name in let_through)
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["10001"]
    assert all(":" in image and "latest" not in image for image in re.findall(r"^FROM (\S+)", text, re.MULTILINE))
    assert "KEY" not in text
    start = re.search(r"^CMD (\[.*\])$", text, re.MULTILINE)
    assert start
    assert _refused(yaml.safe_load(start[1])) == ""


def test_the_container_may_write_its_workspace_and_nothing_else() -> None:
    """Read-only, without capabilities, with limits, the documents mounted for reading."""
    [service] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"].values()

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == "10001:10001"
    assert [mount for mount in service["volumes"] if not mount.endswith(":ro")] == ["workspace:/var/lib/autod"]
    assert {"pids_limit", "mem_limit", "stop_grace_period"} <= service.keys()
    assert _refused(service["command"]) == ""


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_asks_for_no_right_beyond_its_own_and_names_only_verbs_there_are(path: Path) -> None:
    """Reading is the default, every job has a time limit, no event's text is put into a script, and each `make` verb is one of the project."""
    workflow: dict[Any, Any] = yaml.safe_load(path.read_text())
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    scripts = "\n".join(step.get("run", "") for step in steps)
    verbs = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))

    assert workflow["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] <= 360 for job in workflow["jobs"].values())
    assert "${{" not in scripts
    assert set(re.findall(r"\bmake ([a-z-]+)", scripts)) <= verbs
    assert {_refused(shlex.split(words)) for words in commands(scripts)} <= {""}
    for step in steps:
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False


def test_the_workflows_test_every_python_that_the_project_names() -> None:
    """From the least to the newest."""
    matrix = yaml.safe_load((PROJECT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]["test"]["strategy"]["matrix"]["python"]
    least = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")

    assert matrix == ["3.11", "3.12", "3.13", "3.14"]
    assert matrix[0] == least


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.stem)
def test_the_pages_for_operations_name_commands_and_settings_and_pages_there_are(path: Path) -> None:
    """Whoever is woken at night types what is written there."""
    text = path.read_text()
    named = {words.split()[0] for words in commands(text)}
    settings = {variable(name) for name in type(load_settings({})).model_fields}

    assert named
    assert named <= set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert {name for name in re.findall(r"\bAUTOD_[A-Z_]+\b", text) if not name.endswith("_")} <= settings
    for link in re.findall(r"\]\(([\w./]+)\)", text):
        assert (path.parent / link).exists(), link
