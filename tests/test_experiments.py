"""Experiments over the real SDK and the loopback server: priced first, within a budget, resumed, and without a trace in what is in use."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from autod_lib import cli, comparison, experiments, labels, local_api, store
from autod_lib.errors import SettingsError
from autod_lib.labels import Label
from autod_lib.settings import Settings

from .pipeline import answered, make_inbox, one, rows, run, settings_for

PLAN = """
max_usd = 1
[[arm]]
model = "gpt-6-luna"
input_mode = "text"
repeats = 1
[[arm]]
model = "gpt-5.6-luna"
input_mode = "text"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path, str, Path]]:
    """Home, inbox of three invoices, address and log of a loopback server; one of the three was read the ordinary way."""
    folder = tmp_path_factory.mktemp("experiments")
    inbox, log = make_inbox(folder / "inbox", 3), folder / "server.jsonl"
    with local_api.running(log=log) as address:
        run(inbox / "invoice-000.pdf", settings_for(folder / "home", address, input_mode="text", readers=1))
        yield folder / "home", inbox, address, log


def plan_at(inbox: Path, text: str = PLAN) -> Path:
    """A plan beside the inbox, which names it relative to itself."""
    path = inbox.parent / "plan.toml"
    path.write_text('paths = ["inbox"]\n' + text)
    return path


def test_an_experiment_is_priced_bounded_resumed_and_leaves_no_trace(place: tuple[Path, Path, str, Path]) -> None:
    """The price is shown and nothing asked; a budget stops it; the same command goes on; `documents` is as it was."""
    home, inbox, address, log = place
    settings, plan = settings_for(home, address, readers=1), experiments.read_plan(plan_at(inbox))
    before = len(answered(log)), rows(home, "select document_sha256, processing_status, arm from documents order by all")

    priced = experiments.price_rows(experiments.price(plan, settings))
    assert [(row["arm"], row["documents"], row["known"]) for row in priced] == [
        ("gpt-6-luna · text · low", 2, 1),
        ("gpt-6-luna · text · low · repeat 1", 3, 0),
        ("gpt-5.6-luna · text · low", 3, 0),
        ("all together", 8, 1),
    ]
    assert priced[-1]["upper_usd"] > priced[-1]["expected_usd"] > 0
    assert len(answered(log)) == before[0]

    poor = experiments.run(plan.model_copy(update={"max_usd": Decimal("0.004")}), settings)
    assert poor.exit_status == 3
    assert poor.undone or poor.parts[-1][1].pending
    assert poor.cost_usd <= Decimal("0.004")
    whole = experiments.run(plan, settings)
    assert (whole.exit_status, whole.undone) == (0, [])
    assert [(report.processed + report.reused, report.pending) for _, report in whole.parts] == [(3, 0)] * 3
    assert len(answered(log)) - before[0] == 8, "every request was paid once, in however many runs"

    assert rows(home, "select document_sha256, processing_status, arm from documents where processing_status <> 'pending' order by all") == before[1]
    assert one(home, "select count(*) from document_statuses where is_simulated") == 1
    assert one(home, "select sum(calls) from cost_by_document_and_arm") == one(home, "select count(*) from api_calls")


def test_answers_of_repetitions_are_compared_field_by_field(place: tuple[Path, Path, str, Path]) -> None:
    """A server that answers by rules says the same twice; a repetition is no arm of a comparison."""
    home, inbox, address, _ = place
    settings = settings_for(home, address, readers=1)
    again = experiments.run(experiments.read_plan(plan_at(inbox)), settings)
    assert (again.cost_usd, sum(report.calls for _, report in again.parts)) == (0, 0)

    found = dict(rows(home, "select field, (documents, differing) from stability_by_field"))
    assert found["total_amount"] == (3, 0)
    assert len(found) == 17
    labels.record(home, [Label(sha, "currency", "EUR") for (sha,) in rows(home, "select distinct document_sha256 from extractions")])
    with store.reading(home) as con:
        given = comparison.answers(con, "currency", is_simulated=True)
    assert [arm.split(" · ")[0] for arm in given.arms] == ["gpt-5.6-luna", "gpt-6-luna"]
    assert given.is_right.all()
    assert (given.cost_usd > 0).all()
    assert comparison.pairs(given)["verdict"].to_list() == ["not decided"]

    unnamed = experiments.Plan.model_validate({"max_usd": 1, "arm": [{}]})
    assert len(experiments.documents(unnamed, settings)) == 3, "without paths, all documents with a label"


def test_the_command_tells_price_and_outcome(place: tuple[Path, Path, str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole as JSON, and what it shows."""
    home, inbox, address, _ = place
    monkeypatch.setenv("AUTOD_HOME", str(home))
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    monkeypatch.setenv("AUTOD_READERS", "1")
    plan = str(plan_at(inbox, PLAN.split("[[arm]]")[0] + "[[arm]]" + PLAN.split("[[arm]]")[2]))

    def said(*words: str) -> str:
        done = CliRunner().invoke(cli.app, list(words))
        assert done.exit_code == 0, done.output
        return done.stdout

    assert json.loads(said("experiment", plan, "--json"))["undone"] == []
    assert "not decided; the two are equally often right" in said("compare", "--field", "currency")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("max_usd = 1", "arm: Field required"),
        ('[[arm]]\nmodel = "gpt-6-luna"', "max_usd: Field required"),
        ("max_usd = 1\n[[arm]]\nmodle = 'x'", "arm.0.modle"),
        ("max_usd = ", "Invalid value"),
        ("max_usd = 1\n[[arm]]\ninput_mode = 'auto'", "arm.0.input_mode"),
    ],
)
def test_a_plan_with_a_mistake_is_refused_by_name(tmp_path: Path, text: str, sentence: str) -> None:
    """What is missing, unknown or of another form is named, and nothing is asked."""
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=sentence):
        experiments.read_plan(path)


@pytest.mark.parametrize(
    ("arms", "sentence"),
    [
        ([{"model": "gpt-6-luna"}], "two arms"),
        ([{"input_mode": "text", "model": "o9"}], "not allowed"),
        ([{"input_mode": "text", "model": "gpt-9-unheard-of"}], "no price list knows"),
        ([{"input_mode": "text"}, {"input_mode": "text", "repeats": 1}], "same arm twice"),
    ],
)
def test_arms_that_are_none_are_refused_before_anything_is_asked(tmp_path: Path, arms: list[dict[str, Any]], sentence: str) -> None:
    """An arm has one input mode and a price, and stands once in a plan."""
    plan = experiments.Plan.model_validate({"name": "p", "max_usd": 1, "arm": arms})
    with pytest.raises(SettingsError, match=sentence):
        experiments.parts(plan, settings_for(tmp_path, "http://127.0.0.1:9"))


def test_without_paths_and_labels_a_plan_has_no_documents(tmp_path: Path) -> None:
    """It says what to do."""
    plan = experiments.Plan.model_validate({"name": "p", "max_usd": 1, "arm": [{"input_mode": "text"}]})
    with pytest.raises(SettingsError, match="autod labels import"):
        experiments.documents(plan, Settings(home=tmp_path))


def test_prompt_versions_are_compared_line_by_line(place: tuple[Path, Path, str, Path]) -> None:
    """A version against itself differs in nothing; one that is not there is named."""
    home, _, _, _ = place
    version = one(home, "select min(prompt_hash) from prompt_versions")
    with store.reading(home) as con:
        assert experiments.prompt_difference(con, version[:6], version).is_empty()
        with pytest.raises(SettingsError, match="begins 0 prompt versions"):
            experiments.prompt_difference(con, version, "nothing")
