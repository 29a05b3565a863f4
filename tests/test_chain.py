"""Chains of steps: how a file is read, what goes to which step, and that every mistake is named before anything starts."""

from pathlib import Path

import pytest

from autod_lib.chain import Chain, find_notebooks, read_chain, resolved
from autod_lib.cli import _refused
from autod_lib.errors import SettingsError

from .test_runs import CANARY, PARAMETERS, notebook

GOOD = """
name = "night"
retries = 2

[parameters]
inbox = "scans"
days = 30
share = 1

[[step]]
notebook = "books/60_typed.ipynb"
timeout_s = 60
parameters = { deep = true, days = 7 }

[[step]]
command = "batch collect --json"
needs = ["60_typed"]

[[step]]
notebook = "20_cost"
retries = 0
parameters = { since = 2026-11-01 }
"""


def write(folder: Path, text: str) -> Path:
    """A chain file beside a notebook with parameters of every type."""
    notebook(folder / "books", "60_typed", "print(1)", parameters=PARAMETERS)
    path = folder / "night.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_each_step_gets_what_it_knows_and_what_is_nearest_to_it(tmp_path: Path) -> None:
    """The command line before the step, the step before the chain; paths from the folder of the file, or where they were typed; limits filled in."""
    typed, collect, cost = resolved(read_chain(write(tmp_path, GOOD)), {"share": "0.25", "home": "there"}, refused=_refused)

    assert (typed.name, collect.name, cost.name) == ("60_typed", "batch collect", "20_cost")
    assert typed.parameters == {"home": str(Path.cwd() / "there"), "days": 7, "share": 0.25, "deep": True, "inbox": str(tmp_path / "scans")}
    assert cost.parameters == {"home": str(Path.cwd() / "there"), "since": "2026-11-01"}
    assert [(step.retries, step.timeout_s, step.cell_timeout_s) for step in (typed, collect, cost)] == [
        (2, 60, 1800),
        (2, 14400, 1800),
        (0, 14400, 1800),
    ]
    assert Path(cost.notebook) == find_notebooks(["20_cost"])[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps = []", [r"steps is unknown; there are name, parameters, retries"]),
        (
            "[[step]]\nnotebok = '20_cost'\nretries = -1",
            [r"step\.1\.notebok is unknown; there are notebook, command", r"step\.1\.retries: .*greater"],
        ),
        ("[[step]", [r"night\.toml' is refused, nothing was started"]),
        ("[[step]]\nnotebook = '25_nothing'", [r"no notebook '25_nothing'; there are .*20_cost"]),
        ("name = 'nothing'", [r"step: a chain has at least one step"]),
        ("[[step]]\ncommand = 'x'\nname = '../x'", [r"step\.1\.name: String should match"]),
    ],
)
def test_a_file_of_another_form_is_refused_with_every_mistake(tmp_path: Path, text: str, said: list[str]) -> None:
    """Unknown keys are named with those there are."""
    for pattern in said:
        with pytest.raises(SettingsError, match=pattern):
            read_chain(write(tmp_path, text))


def test_all_mistakes_of_a_chain_are_named_at_once(tmp_path: Path) -> None:
    """Whoever writes one mends it once; what looks like a key is not repeated."""
    text = f"""
    parameters = {{ since = "2026-01-01", labels = "{CANARY}" }}
    [[step]]
    notebook = "books/60_typed.ipynb"
    parameters = {{ days = "7", dyas = 3, deep = 1, share = true }}
    [[step]]
    notebook = "books/60_typed.ipynb"
    needs = ["later"]
    [[step]]
    command = "batch colect"
    [[step]]
    command = "ingest --in-flight many /inbox"
    [[step]]
    command = "run --all"
    name = "nested"
    [[step]]
    name = "later"
    [[step]]
    command = "evaluate"
    parameters = {{ days = 7 }}
    """
    with pytest.raises(SettingsError) as caught:
        resolved(read_chain(write(tmp_path, text)), {}, refused=_refused)
    said = str(caught.value)

    for part in (
        "The parameter days='7' must be of type int. how many days",
        "The step '60_typed' has no parameter dyas; there are home, days, share, deep, inbox",
        "The parameter deep=1 must be of type bool",
        "The parameter share=True must be of type float",
        "Two steps have the name '60_typed'",
        "The step '60_typed' needs 'later', which is no step before it",
        "The step 'batch colect' is no command of autoD ('batch colect': there are submit, collect, status)",
        "Input should be a valid integer",
        "The step 'nested' cannot be the command 'run --all'",
        "The step 'later' must have either a notebook or a command",
        "The step 'evaluate' is a command: it takes options, not parameters",
        "The parameter 'labels' looks like a key",
        "Nothing was started.",
    ):
        assert part in said, part
    assert CANARY not in said


def test_a_key_in_a_command_is_refused_and_not_repeated() -> None:
    """Steps are stored in the clear, as parameters are."""
    with pytest.raises(SettingsError, match="looks like a key") as caught:
        resolved(Chain.model_validate({"step": [{"command": f"search {CANARY}"}]}), {}, refused=_refused)
    assert CANARY not in str(caught.value)


def test_the_chain_that_comes_with_it_is_sound() -> None:
    """Whoever copies it starts from one that runs."""
    chain = read_chain(Path(__file__).resolve().parents[1] / "data" / "night.toml")

    steps = resolved(chain, {}, refused=_refused)

    assert (steps[0].name, steps[-1].name) == ("10_ingest", "90_report")
