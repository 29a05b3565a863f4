"""Policies kept by name and run over the real SDK and the loopback server: what stands, what it costs, and that nothing is paid twice."""

import csv
import hashlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from autod_lib import bought, cli, journal, labels, local_api, prompt
from autod_lib.document import FIELDS
from autod_lib.errors import SettingsError
from autod_lib.ingest import ingest
from autod_lib.labels import Label
from autod_lib.policies import PERSON, Policy, Promise
from autod_lib.report import Options
from autod_lib.settings import Settings

from .pipeline import answered, begin, make_inbox, one, rows, settings_for, state_columns
from .test_recovery import end, nothing_is_paid_twice, wait_for

SMALL, LARGE = ({"model": model, "input_mode": "text"} for model in ("gpt-6-luna", "gpt-6-sol"))
RULES_SAY: dict[str, Any] = dict.fromkeys(FIELDS)


def by_rules(pages: Any, name: str, page_count: int | None) -> dict[str, Any]:
    """Rules that are sure of every second document."""
    about = {"schema_version": "1", "file_name": name, "page_count": page_count, "doc_type": "Receipt", "extraction_quality": "good"}
    lists: dict[str, Any] = {"action_items": [], "deadlines": [], "tags": []}
    sure = 0.95 if int(name[8:11]) % 2 else 0.4
    return RULES_SAY | about | lists | {"confidence_score": sure, "total_amount": None, "requires_review": False}


def never(*_: Any) -> dict[str, Any]:
    """Rules that nobody asks."""
    raise AssertionError("no stage is rules")


@dataclass
class Place:
    """A workspace with an inbox of eight invoices, and a server that answers from known values."""

    home: Path
    inbox: Path
    address: str
    log: Path

    def settings(self, **given: Any) -> Settings:
        """Those of the workspace, with what is given."""
        return settings_for(self.home, self.address, **{"input_mode": "text"} | given)

    def arm(self, asked: dict[str, Any]) -> str:
        """The name of an arm."""
        own = self.settings(**asked)
        return prompt.arm(own, own.input_mode)

    def save(self, name: str, policy: Policy, field: str = "total_amount", **further: Any) -> bought.Bought:
        """Saves a policy with an invented test."""
        usd = Decimal("12.5")
        promise = Promise(further.pop("target", 0.9), 0.9, policy, 40, 1, 0.92, usd, usd - 1, usd + 1, 22)
        return bought.save(self.settings(), name, promise, field, is_simulated=True, **further)

    def run(self, name: str, **options: Any) -> bought.Ran:
        """Runs the newest of a name over the inbox."""
        return bought.run(bought.find(self.home, name), [self.inbox], self.settings(), Options(**options), never)

    def confidence(self, asked: dict[str, Any]) -> dict[str, float]:
        """What an arm stated of each document that it answered."""
        return dict(rows(self.home, "select document_sha256, confidence_score from extractions where arm = ?", self.arm(asked)))


@contextmanager
def placed(folder: Path, latency: float = 0.0) -> Iterator[Place]:
    """The small arm is right in half of the totals, the large one in all; both have answered one document already, asked by nobody's policy."""
    inbox = make_inbox(folder / "inbox", 8, lines=2)
    truth = folder / "truth.csv"
    with truth.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["file", "sha256", "doc_type", "total_amount"])
        writer.writeheader()
        for path in sorted(inbox.iterdir()):
            sha = hashlib.sha256(path.read_bytes()).hexdigest()
            writer.writerow({"file": path.name, "sha256": sha, "doc_type": "Invoice", "total_amount": "360.00"})
    log = folder / "server.jsonl"
    with local_api.running(log=log, latency=latency, answers="oracle", truth=truth, accuracy="gpt-6-luna=0.5,gpt-6-sol=1") as address:
        made = Place(folder / "home", inbox, address, log)
        for asked in (SMALL, LARGE):
            ingest([inbox / "invoice-000.pdf"], made.settings(**asked), Options(experiment="before"))
        yield made


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place whose server answers at once."""
    with placed(tmp_path_factory.mktemp("bought")) as made:
        yield made


def test_a_cascade_asks_the_dearer_arm_only_where_the_cheaper_is_not_sure(place: Place) -> None:
    """Each document is asked once a stage; what stands has the arm and the policy; a run again costs exactly nothing; a new version begins anew."""
    before = len(answered(place.log))
    saved = place.save("invoices", Policy((place.arm(SMALL), place.arm(LARGE)), (0.8,)))
    assert (saved.version, saved.policy.thresholds, saved.usd_a_thousand) == (1, (0.8,), Decimal("12.5"))

    priced = bought.price(saved, [place.inbox], place.settings(), Options(), never)
    assert (priced.documents, priced.usd()["expected_usd"], priced.usd()["low_usd"]) == (8, Decimal("0.1"), Decimal("0.092"))
    assert [(row["documents"], row["known"]) for row in priced.rows] == [(7, 1), (7, 1), (14, 2)]
    assert len(answered(place.log)) == before

    poor = place.run("invoices", max_usd=Decimal("0.004"))
    assert (poor.exit_status, poor.report.cost_usd <= Decimal("0.004")) == (3, True)
    assert poor.report.pending
    done = place.run("invoices")
    unsure = {sha for sha, sure in place.confidence(SMALL).items() if sure < 0.8}
    assert 0 < len(unsure) < 8, "else this test tells nothing"
    assert (done.exit_status, sum(state_columns(done.report)), done.report.failed, done.report.pending) == (0, 8, 0, 0)
    assert place.confidence(LARGE).keys() - unsure <= {one(place.home, "select document_sha256 from documents where file_name = 'invoice-000.pdf'")}
    assert len(answered(place.log)) - before == len(place.confidence(SMALL)) + len(place.confidence(LARGE)) - 2, "every request was paid once"
    standing = {
        sha: (arm, policy, version)
        for sha, arm, policy, version in rows(
            place.home, "select document_sha256, arm, policy, policy_version from documents where processing_status = 'processed'"
        )
    }
    assert standing == {sha: (place.arm(LARGE if sha in unsure else SMALL), "invoices", 1) for sha in place.confidence(SMALL)}

    again = place.run("invoices")
    assert (again.report.calls, again.report.cost_usd, state_columns(again.report)) == (0, 0, (0, 8, 0, 0))
    assert len(again.stages) == 1, "where nothing is left, no further stage is begun"
    newer = place.save("invoices", Policy((place.arm(LARGE),)))
    assert [(each.version, each.is_newest) for each in bought.saved(place.home)] == [(2, True), (1, False)]
    place.run("invoices")
    assert rows(place.home, "select distinct arm, policy_version from documents") == [(place.arm(LARGE), newer.version)]


def test_a_policy_that_is_killed_within_and_between_its_stages_loses_and_repeats_nothing(tmp_path: Path) -> None:
    """kill -9 while the first stage asks, when it has ended, and while the second asks: the same command ends as if nothing had been."""
    with placed(tmp_path, latency=0.1) as place:
        place.save("invoices", Policy((place.arm(SMALL), place.arm(LARGE)), (0.8,)))

        def told() -> str:
            return "".join(path.read_text() for path in journal.segments(place.home))

        before, ends, large = answered(place.log), told().count('"run_finished"'), f'"arm":"{place.arm(LARGE)}"'
        asked = told().count(large)
        moments: list[Callable[[], bool]] = [
            lambda: len(answered(place.log)) > len(before) + 2,
            lambda: told().count('"run_finished"') > ends,
            lambda: told().count(large) > asked + 1,
        ]
        for moment in moments:
            process = begin("ingest", place.inbox, "--policy", "invoices", "--in-flight", "1", home=place.home, address=place.address)
            wait_for(moment, process)
            assert process.poll() is None, "it ended before it could be killed"
            os.killpg(process.pid, signal.SIGKILL)
            end(process)
        done = place.run("invoices")

        nothing_is_paid_twice(place.home, answered(place.log), in_flight=1, kills=len(moments))
        unsure = {sha for sha, sure in place.confidence(SMALL).items() if sure < 0.8}
        assert 0 < len(unsure) < 8
        assert (done.exit_status, done.report.failed, done.report.pending) == (0, 0, 0)
        standing = dict(rows(place.home, "select document_sha256, arm from documents where processing_status = 'processed' and policy = 'invoices'"))
        assert standing == {sha: place.arm(LARGE if sha in unsure else SMALL) for sha in place.confidence(SMALL)}
        assert len(standing) == 8


def test_rules_are_asked_first_and_a_person_last(place: Place) -> None:
    """What rules are sure of costs nothing and stands, what nobody is sure of is in the review queue with the reason."""
    saved = place.save("careful", Policy(("rules", place.arm(SMALL), PERSON), (0.9, 0.8)), person_usd=Decimal("0.4"))
    assert saved.person_usd == Decimal("0.4")
    calls = len(answered(place.log))
    done = bought.run(saved, [place.inbox], place.settings(), Options(), by_rules)

    assert (done.exit_status, done.report.pending, len(answered(place.log))) == (0, 0, calls), "the ledger has all that the small arm says"
    unsure = {sha for sha, sure in place.confidence(SMALL).items() if sure < 0.8}
    by_name = dict(rows(place.home, "select document_sha256, file_name from documents"))
    ruled = {sha for sha, name in by_name.items() if int(name[8:11]) % 2}
    told = {
        sha: state
        for sha, *state in rows(
            place.home, "select document_sha256, arm, doc_type, processing_status, is_simulated from documents where policy = 'careful'"
        )
    }
    assert all(told[sha] == ["rules", "Receipt", "processed", True] for sha in ruled)
    assert {sha for sha, state in told.items() if state[2] == "needs_review"} == unsure - ruled
    assert {
        sha for (sha,) in rows(place.home, "select document_sha256 from review_queue where error_sentence like '%A person is its last stage.%'")
    } == (unsure - ruled)
    assert done.report.needs_review == len(unsure - ruled)


def test_a_vote_asks_two_and_a_third_where_they_disagree(place: Place) -> None:
    """Who agrees in the field stands; the rest is for the third, here a person; answers that are there are not asked again."""
    saved = place.save("vote", Policy((place.arm(SMALL), place.arm(LARGE), PERSON), is_vote=True))
    done = bought.run(saved, [place.inbox], place.settings(), Options(), never)
    totals = [
        dict(rows(place.home, "select document_sha256, total_amount from extractions where arm = ?", place.arm(asked))) for asked in (SMALL, LARGE)
    ]
    differ = {sha for sha in totals[0] if totals[0][sha] != totals[1][sha]}

    assert 0 < len(differ) < 8
    assert done.report.cost_usd == 0
    assert {sha for (sha,) in rows(place.home, "select document_sha256 from documents where policy = 'vote' and needs_review")} == differ
    assert one(place.home, "select count(*) from documents where policy = 'vote' and processing_status = 'processed'") == 8 - len(differ)


def test_only_what_was_promised_is_saved_and_run(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """No promise, no name, an arm of another prompt, the other kind of money: each is refused before anything is asked."""
    small = place.arm(SMALL)
    none = Promise(0.9, 0.9, None, 40, 9, 0.0, None, None, None, 22)
    for promise, name, sentence in (
        (none, "x", "Nothing was promised"),
        (Promise(0.9, 0.9, Policy((PERSON,)), 40, 0, 0.9, None, None, None, 22), "x", "a person who reads every document"),
        (None, "x", "Nothing was promised"),
        (none, "a\nb", "is no name of a policy"),
    ):
        with pytest.raises(SettingsError, match=sentence):
            bought.save(place.settings(), name, promise, "total_amount", is_simulated=True)
    with pytest.raises(SettingsError, match="asked otherwise now"):
        place.save("x", Policy(("gpt-6-luna · text · low · 000000",)))
    with pytest.raises(SettingsError, match="no policy 'x'; saved are:"):
        bought.find(place.home, "x")
    kept = place.save("small", Policy((small,)))
    with pytest.raises(SettingsError, match="tested on simulated answers"):
        bought.run(kept, [place.inbox], place.settings(simulated=False, api_key="k"), Options(), never)
    monkeypatch.setattr(prompt, "DEVELOPER", "another")
    prompt.version.cache_clear()
    with pytest.raises(SettingsError, match="nothing was asked"):
        bought.run(kept, [place.inbox], place.settings(), Options(), never)
    monkeypatch.undo()
    prompt.version.cache_clear()


def test_the_commands_show_and_run_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """`policy` lists and shows, `ingest --policy` prices and runs, and says so as one JSON object."""
    monkeypatch.setenv("AUTOD_HOME", str(place.home))
    monkeypatch.setenv("OPENAI_BASE_URL", place.address)
    monkeypatch.setenv("AUTOD_READERS", "1")
    place.save("told", Policy((place.arm(SMALL), place.arm(LARGE)), (0.8,)))

    def said(*words: str, status: int = 0) -> str:
        done = CliRunner().invoke(cli.app, list(words))
        assert done.exit_code == status, done.output
        return done.stdout

    assert "'told' (version 1)" in said("policy")
    assert json.loads(said("policy", "told", "--json"))["stages"][0]["least"] == 0.8
    assert "8 documents: 0.1000 simulated USD expected (0.0920 to 0.1080)" in said("ingest", str(place.inbox), "--policy", "told", "--dry-run")
    done = json.loads(said("ingest", str(place.inbox), "--policy", "told", "--json"))
    assert (done["policy"], done["policy_version"], done["documents"], done["cost_usd"], done["calls"]) == ("told", 1, 8, "0", 0)
    refused = CliRunner().invoke(cli.app, ["ingest", str(place.inbox), "--policy", "told", "--model", "gpt-6-sol"])
    assert isinstance(refused.exception, SettingsError)


def test_a_promise_is_held_against_what_was_labelled_since(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each policy: what stands of it is right or wrong, a person is right, labels of before count for none; and it says what it takes to tell."""
    small, large = place.arm(SMALL), place.arm(LARGE)
    for name, policy in {
        "all large": Policy((large,)),
        "all small": Policy((small,)),
        "with a person": Policy(("rules", large, PERSON), (0.9, 2.0)),
        "not run": Policy((small,)),
    }.items():
        kept = place.save(name, policy, person_usd=Decimal("0.4") if PERSON in policy.stages else None, target=0.55)
        if name != "not run":
            bought.run(kept, [place.inbox], place.settings(), Options(), by_rules)
    found = rows(place.home, "select document_sha256, total_amount from extractions where arm = ? and is_valid", small)
    labels.record(place.home, [Label(sha, "total_amount", "360.00") for sha, _ in found])
    late = place.save("late", Policy((large,)))
    bought.run(late, [place.inbox], place.settings(), Options(), never)

    columns = "name, documents, labelled, right_documents, verdict, labels_needed, usd_a_thousand_since"
    told = {row[0]: row[1:] for row in rows(place.home, f"select {columns} from policy_promises where is_newest")}
    spent = dict(rows(place.home, "select document_sha256, cost_usd from cost_by_document_and_arm where arm = ?", large))
    unruled = {sha for sha, name in rows(place.home, "select document_sha256, file_name from documents") if int(name[8:11]) % 2 == 0}
    right = sum(total == 360 for _, total in found)
    assert 0 < right < 8
    assert told["all large"] == (8, 8, 8, "kept", None, round(sum(spent.values()) * 125, 6))
    assert told["all small"][:3] == (8, 8, right)
    assert told["with a person"][:3] == (8, 8, 4), "rules know no total, a person knows all"
    assert told["with a person"][-1] == round(200 + sum(spent[sha] for sha in unruled) * 125, 6)
    assert told["not run"] == (0, 0, 0, "too few labels to tell", 5, None)
    assert told["late"][:4] == (8, 0, 0, "too few labels to tell")
    assert told["careful"][3] == "not kept"

    monkeypatch.setenv("AUTOD_HOME", str(place.home))
    shown = CliRunner().invoke(cli.app, ["policy", "all large"]).stdout
    assert "of 8 labelled since it was saved 100.0% are right (67.6% to 100.0%): kept: 55.0% at 12.5000 simulated USD" in shown
    assert json.loads(CliRunner().invoke(cli.app, ["policy", "late", "--json"]).stdout)["kept"]["labelled"] == 0
