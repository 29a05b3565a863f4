"""The ledger against the invoice: it balances to the token, each discrepancy is named, and the parts always add up."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autod_lib import journal, store
from autod_lib.errors import SettingsError
from autod_lib.invoice import Charged, Invoice, Tokens, Used
from autod_lib.local_api import running
from autod_lib.local_api.billing import DISCREPANCIES, key_id
from autod_lib.reconcile import STEPS, Call, Cell, Reconciliation, compare, own_key_of, reconcile, usd_of

from .local_api.test_billing import DAY_S, admin_of, today
from .pipeline import autod, begin, make_inbox, one, rows, run, settings_for

DAY = date(2026, 11, 3)
MODEL = "gpt-6-luna"
KEY = (DAY, MODEL)
NAMED = {  # what each seeded discrepancy is called
    "foreign-calls": "other_keys",
    "missing-calls": "not_shown",
    "tier": "service_tier",
    "more-output": "tokens",
    "price": "price",
    "rounding": "rounding",
    "other-service": "other_services",
    "phantom": "unexplained",
}


@contextmanager
def api(folder: Path, **options: Any) -> Iterator[str]:
    """A server over the log of that folder; several after each other know the same."""
    with running(answers="canned", log=folder / "log.jsonl", **options) as base:
        yield base


def by_step(result: Reconciliation) -> dict[str, Decimal]:
    """USD by step."""
    return {name: sum(step.usd for step in result.steps if step.name == name) for name in dict.fromkeys(step.name for step in result.steps)}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a workspace in which 8 documents were asked, in two tiers, and the log of the API that answered."""
    folder = tmp_path_factory.mktemp("reconcile")
    with api(folder) as base:
        run(make_inbox(folder / "in", 5, lines=3), settings_for(folder / "home", base))
        run(make_inbox(folder / "in2", 3, lines=3, first=5), settings_for(folder / "home", base, service_tier="flex"))
    return folder


@pytest.fixture
def folder(asked: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    shutil.copytree(asked, tmp_path / "copy")
    return tmp_path / "copy"


def compared(folder: Path, *, settle: bool = False, discrepancies: str = "", **given: Any) -> Reconciliation:
    """Compares yesterday and today, as a run may have gone on past midnight."""
    day = datetime.now(UTC).date()
    with api(folder, discrepancies=discrepancies) as base:
        return reconcile(settings_for(folder / "home", base, **given), day - timedelta(days=1), day, settle=settle)


def test_it_balances_to_the_token(folder: Path) -> None:
    """Models, tiers and cache reads and writes: ledger and invoice are one, and what the provider shows is what its own log says."""
    result = compared(folder)

    assert result.is_balanced
    assert result.ledger_usd == result.invoice_usd == one(folder / "home", "select sum(cost_usd) from api_calls") > 0
    assert sum(row["provider_calls"] for row in result.cells()) == 8 + one(folder / "home", "select count(*) - 8 from api_calls")
    assert {row["service_tier"] for row in result.cells()} == {"standard", "flex"}
    for row in result.cells():
        assert [row[f"ledger_{name}"] for name in ("calls", "input_tokens", "output_tokens")] == [
            row[f"provider_{name}"] for name in ("calls", "input_tokens", "output_tokens")
        ]
    assert "agree to the token" in result.sentences()[1]
    assert [row["step"] for row in result.waterfall()] == ["ledger", "invoice"]


def test_a_batch_balances_too(folder: Path) -> None:
    """At half the price, by day of the answers' own time, whenever they are collected; until then its calls are unsettled and nothing is proved."""
    home, inbox = folder / "home", make_inbox(folder / "in5", 3, lines=3, first=60)
    day = datetime.now(UTC).date()
    with api(folder) as base:
        under = settings_for(home, base)
        assert autod("batch", "submit", inbox, home=home, address=base, OPENAI_API_KEY="local").returncode == 0
        until = time.monotonic() + 60
        while (waiting := reconcile(under, day - timedelta(days=1), day, settle=True)).is_balanced:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert {step.name for step in waiting.steps} == {"unsettled"}
        assert waiting.proofs == []
        assert autod("batch", "collect", "--wait", home=home, address=base, OPENAI_API_KEY="local").returncode == 0
    result = compared(folder)

    assert "batch" in {row["service_tier"] for row in result.cells()}
    assert result.is_balanced


@pytest.mark.parametrize("name", DISCREPANCIES)
def test_each_seeded_discrepancy_is_named(folder: Path, name: str) -> None:
    """One name for each, the parts add up to the invoice that the provider itself would add up, and only a charge of nobody is unexplained."""
    result = compared(folder, discrepancies=name)

    assert set(by_step(result)) == {NAMED[name]}
    assert result.is_explained == (name != "phantom")
    with api(folder, discrepancies=name) as base:
        raw = admin_of(base).admin.organization.usage.with_raw_response.costs(start_time=today() - DAY_S, group_by=["line_item", "api_key_id"])
    page = json.loads(raw.content, parse_float=Decimal)
    assert result.invoice_usd == sum(line["amount"]["value"] for bucket in page["data"] for line in bucket["results"])


def test_discrepancies_of_several_kinds_are_told_apart(folder: Path) -> None:
    """Other keys, another tier, another price and another service at once."""
    result = compared(folder, discrepancies="foreign-calls,more-output,price,other-service")

    assert list(by_step(result)) == ["other_keys", "tokens", "price", "other_services"]
    assert result.own_key == key_id("local")
    assert all(step.sentence for step in result.steps)


def test_calls_of_another_key_are_told_by_its_id_where_it_is_known(folder: Path) -> None:
    """AUTOD_API_KEY_ID decides; a wrong one makes all calls those of others, and ours are not shown."""
    wrong = compared(folder, api_key_id="key_nobody")

    assert set(by_step(wrong)) == {"other_keys", "not_shown"}
    assert sum(by_step(wrong).values()) == 0


def _with_faults(folder: Path, faults: str, count: int = 4) -> None:
    with api(folder, faults=faults) as base:
        run(make_inbox(folder / "in3", count, lines=3, first=20), settings_for(folder / "home", base, attempts=1, in_flight=1, cache_warming="none"))


def test_unsettled_calls_that_were_billed_are_named_and_can_be_settled(folder: Path) -> None:
    """Two answers that never arrived: what they cost is told, `settle` closes them with it, and from then on everything balances."""
    home = folder / "home"
    _with_faults(folder, "drop-after=first2")
    before = rows(home, "select call_id, cost_upper_usd from calls_unsettled order by all")
    assert len(before) == 2
    named = compared(folder)

    (step,) = named.steps
    assert (step.name, step.calls) == ("unsettled", 2)
    assert 0 < step.usd <= sum(upper for _, upper in before)
    assert rows(home, "select call_id, cost_upper_usd from calls_unsettled order by all") == before, "a comparison changes no call"
    assert rows(home, "from calls_reconciled") == []
    open_usd = "select open_usd from budget_status where period = 'month'"
    assert one(home, open_usd) == sum(upper for _, upper in before)

    compared(folder, settle=True)

    assert rows(home, "from calls_unsettled") == []
    assert one(home, open_usd) == 0
    kept = rows(home, "select call_id, is_billed, calls_together, cost_upper_usd from calls_reconciled order by all")
    assert kept == [(call_id, True, 2, upper) for call_id, upper in before], "none is dropped"
    assert one(home, "select sum(cost_usd) from calls_reconciled") == step.usd
    ends = rows(
        home,
        "select status, outcome, cost_usd = uncached_usd + cached_usd + cache_write_usd + output_usd from api_calls where outcome = 'reconciled'",
    )
    assert ends == [("answered", "reconciled", True)] * 2
    assert one(home, "select sum(cost_usd) from cost_by_day") == named.invoice_usd
    again = compared(folder, settle=True)
    assert again.is_balanced
    assert one(home, "select count(*) from call_reconciliations") == 2, "nothing is noted twice"


def test_unsettled_calls_that_were_not_billed_are_settled_as_failed(folder: Path) -> None:
    """Killed in flight before the API answered: it shows nothing of these calls, so they cost nothing; their bound leaves the budget."""
    home = folder / "home"
    with api(folder, latency=3) as base:
        process = begin("ingest", make_inbox(folder / "in4", 3, lines=3, first=40), home=home, address=base, AUTOD_CACHE_WARMING="none")
        until = time.monotonic() + 60
        while not any('"call_started"' in path.read_text() for path in (home / "journal").glob("*.jsonl") if journal.is_alive(path)):
            assert time.monotonic() < until
            time.sleep(0.05)
        process.kill()
        process.communicate()
    lost = one(home, "select count(*) from calls_unsettled")
    assert lost > 0
    result = compared(folder, settle=True)

    assert result.is_balanced
    assert {(proof.is_billed, proof.together) for proof in result.proofs} == {(False, lost)}
    assert f"how {lost} unsettled calls ended" in result.sentences()[-1]
    assert rows(home, "select distinct status, outcome, cost_usd from api_calls where outcome = 'reconciled'") == [("failed", "reconciled", None)]
    assert one(home, "select count(*) from calls_unsettled") == 0


def test_which_of_several_unsettled_calls_was_billed_is_not_guessed(folder: Path) -> None:
    """One billed, one not: the sum is told, and neither is settled."""
    _with_faults(folder, "drop-after=first1")
    with journal.Journal(folder / "home") as segment:
        segment.write("run_started", command="ingest", is_simulated=True)
        lost = {"call_id": uuid4(), "model": MODEL, "is_simulated": True, "cost_upper_usd": "0.01", "estimate_usd": "0.001"}
        segment.write("call_started", **lost, service_tier_asked="default")
    result = compared(folder, settle=True)

    assert [(step.name, step.calls) for step in result.steps] == [("unsettled", 1)]
    assert "1 of 2 unsettled calls" in result.steps[0].sentence
    assert result.proofs == []
    assert one(folder / "home", "select count(*) from calls_unsettled") == 2


def test_answers_without_a_known_cost_are_named(folder: Path) -> None:
    """No usage in the answer, or another model's name: the ledger has NULL, the provider billed it."""
    _with_faults(folder, "no-usage=first2,other-model=first4")
    assert one(folder / "home", "select count(*) from api_calls where status = 'answered' and cost_usd is null") == 4
    result = compared(folder)

    assert [(step.name, step.calls) for step in result.steps] == [("cost_unknown", 4)]
    assert result.is_explained


def test_an_answer_billed_in_another_tier_than_it_said_is_named(folder: Path) -> None:
    """The answer named priority, the provider booked the default tier."""
    _with_faults(folder, "other-tier=first2")
    result = compared(folder)

    assert list(by_step(result)) == ["service_tier"]
    assert by_step(result)["service_tier"] < 0


def test_an_export_works_without_a_key(folder: Path) -> None:
    """The dashboard's files instead of the endpoints: usage alone, costs alone, and days that are not in it."""
    with api(folder) as base:
        endpoints = admin_of(base).admin.organization.usage.with_raw_response
        usage = endpoints.completions(start_time=today() - DAY_S, group_by=["model", "service_tier", "batch", "api_key_id"]).content
        costs = endpoints.costs(start_time=today() - DAY_S, group_by=["line_item"]).content
    (folder / "usage.json").write_bytes(usage)
    (folder / "costs.json").write_bytes(costs)
    under, day = settings_for(folder / "home", "http://127.0.0.1:9/v1"), datetime.now(UTC).date()
    for files in (["usage.json"], ["costs.json"], ["usage.json", "costs.json"]):
        result = reconcile(under, day - timedelta(days=1), day, exports=[folder / name for name in files])
        assert result.is_balanced, files
        assert result.source == ", ".join(files)
    with pytest.raises(SettingsError, match=r"costs\.json says nothing of 2026-01-01"):
        reconcile(under, date(2026, 1, 1), date(2026, 1, 1), exports=[folder / "costs.json"])
    with pytest.raises(SettingsError, match="lies before"):
        reconcile(under, day, day - timedelta(days=1))


def test_the_command_prints_both_forms_and_its_exit_status(folder: Path) -> None:
    """0 when all is explained, 1 when something is not, 2 for a day that is none; figures of the newest comparison stand in the record."""
    home, day = folder / "home", str(datetime.now(UTC).date() - timedelta(days=1))
    to = str(datetime.now(UTC).date())
    with api(folder, discrepancies="phantom") as base:
        odd = autod("reconcile", "--from", day, "--to", to, home=home, address=base)
    assert odd.returncode == 1
    assert "unexplained" in odd.stdout
    (alert,) = rows(home, "select severity, component, dedupe_key from alerts")
    assert alert == ("warning", "reconcile", "unexplained")
    assert one(home, "select usd from reconciliation_waterfall where step = 'unexplained'") == Decimal("0.01") * len(
        {*rows(home, "select day_utc from reconciliation where step = 'unexplained'")}
    )

    with api(folder) as base:
        good = autod("reconcile", "--from", day, "--to", to, "--json", home=home, address=base)
        wrong = autod("reconcile", "--from", "yesterday", home=home, address=base)
    told = json.loads(good.stdout)
    assert good.returncode == 0
    assert (told["balanced"], told["simulated"], told["ledger_usd"]) == (True, True, told["invoice_usd"])
    assert wrong.returncode == 2
    assert rows(home, "select distinct step from reconciliation_waterfall order by all") == [("invoice",), ("ledger",)]


# Pure comparisons: cells and invoices made by hand.


def cell(requests: int = 0, **unknown: int) -> Cell:
    """A cell of so many usual calls in the standard tier, and of calls whose cost is not known."""
    made = Cell()
    if requests:
        made.tokens["standard"] = usual(requests)
        made.usd["standard"] = usd_of(MODEL, DAY, "standard", usual(requests)) or Decimal(0)
    for name, count in unknown.items():
        setattr(made, name, [Call(UUID(int=place), Decimal("0.0003"), Decimal("0.002")) for place in range(count)])
    return made


def usual(requests: int) -> Tokens:
    """So many calls of one size."""
    return Tokens(requests, 1000 * requests, 1500 * requests, 0, 0, 300 * requests)


def used(tokens: Tokens, tier: str | None = "standard", key: str | None = "key_a", model: str = MODEL) -> Used:
    """A row of usage."""
    return Used(DAY, model, tier, key, tokens)


def told(*rows_: Used, costs: list[Charged] | None = None) -> Invoice:
    """An invoice."""
    return Invoice("by hand", list(rows_), costs)


def steps_of(ledger: dict[Any, Cell], invoice: Invoice, own_key: str | None = None, *, is_simulated: bool = True) -> list[tuple[str, int, Decimal]]:
    """The steps of a comparison: name, calls, USD."""
    result = compare(ledger, invoice, DAY, DAY, own_key=own_key, is_simulated=is_simulated)
    return [(step.name, step.calls, step.usd) for step in result.steps]


def test_a_snapshot_is_its_alias() -> None:
    """The provider may name the model by its date."""
    assert steps_of({KEY: cell(2)}, told(used(usual(2), model=f"{MODEL}-2026-08-07"))) == []


def test_usage_without_tiers_or_lifetimes_is_compared_without_them() -> None:
    """An older export tells neither: what it does not tell is no difference."""
    ledger = {KEY: cell(2)}
    ledger[KEY].tokens = {"": usual(2)}
    ledger[KEY].usd = {"": ledger[KEY].usd["standard"]}

    assert steps_of(ledger, told(used(usual(2), tier=None))) == []


def test_tokens_that_nobody_prices_are_no_agreement() -> None:
    """A difference that costs nothing by our lists is still a difference."""
    key = (DAY, "gpt-9-unheard-of")
    ledger = {key: Cell()}
    ledger[key].tokens["standard"] = usual(1)

    assert steps_of(ledger, told(used(usual(1).plus(Tokens(output=5)), model=key[1]))) == [("tokens", 0, Decimal(0))]


def test_several_kinds_of_further_calls_share_what_they_cost() -> None:
    """One without a usage, one unsettled and one that is nobody's: by their estimates, the rest to the last; together exact."""
    found = steps_of({KEY: cell(2, unknown=1, unsettled=1)}, told(used(usual(5))))

    assert [(name, calls) for name, calls, _ in found] == [("cost_unknown", 1), ("unsettled", 1), ("not_in_ledger", 1)]
    assert [usd for *_, usd in found][:2] == [Decimal("0.0003")] * 2
    assert sum(usd for *_, usd in found) == usd_of(MODEL, DAY, "standard", usual(3))


def test_a_model_that_nobody_prices_is_explained_by_its_charge() -> None:
    """Its calls have no cost in the ledger, and what the provider charges for them is told as that."""
    key = (DAY, "gpt-9-unheard-of")
    line = Charged(DAY, "gpt-9-unheard-of, input", "key_a", Decimal("0.5"))
    found = steps_of({key: cell(unknown=3)}, told(used(usual(3), model=key[1]), costs=[line]))

    assert sorted(found) == [("cost_unknown", 0, Decimal("0.5")), ("cost_unknown", 3, Decimal(0))]


def test_costs_alone_explain_no_more_than_they_can() -> None:
    """Without usage a surplus within the bounds of unsettled calls may be theirs; beyond it, it is unexplained."""
    ledger = {KEY: cell(2, unsettled=1)}
    own = sum(ledger[KEY].usd.values())
    for surplus, name in ((Decimal("0.002"), "unsettled"), (Decimal("0.00200001"), "unexplained"), (Decimal("-0.001"), "unexplained")):
        invoice = Invoice("by hand", None, [Charged(DAY, f"{MODEL}, input", None, own + surplus)])
        assert [found[0] for found in steps_of(ledger, invoice)] == [name]


def test_a_day_whose_costs_name_no_model_is_compared_as_a_whole() -> None:
    """An export of totals by day: two models, one amount."""
    other = (DAY, "gpt-5-mini")
    ledger = {KEY: cell(2), other: cell(1)}
    total = sum(usd for each in ledger.values() for usd in each.usd.values())
    rows_ = [used(usual(2)), used(usual(1), model="gpt-5-mini")]

    assert steps_of(ledger, told(*rows_, costs=[Charged(DAY, None, None, total)])) == []
    (step,) = steps_of(ledger, told(*rows_, costs=[Charged(DAY, None, None, total * 2)]))
    assert step == ("price", 0, total)


def test_our_key_is_told_only_when_one_alone_can_be_ours() -> None:
    """It has at least every call of the ledger; two that have are one too many, and none is none."""
    ledger = {KEY: cell(3)}
    small, large, larger = used(usual(1), key="key_s"), used(usual(3), key="key_l"), used(usual(9), key="key_x")

    assert own_key_of(ledger, told(small, large)) == "key_l"
    assert own_key_of(ledger, told(small, large, larger)) is None
    assert own_key_of(ledger, told(small)) is None
    assert own_key_of({}, told(small)) is None


@pytest.mark.parametrize(("hours", "proves"), [(47, False), (48, True)])
def test_of_real_money_a_day_proves_nothing_before_its_usage_is_whole(hours: int, proves: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Usage is told late: that a call is not shown is proof a day after its day has ended, of simulated money at once."""
    monkeypatch.setattr(journal, "now", lambda: datetime(2026, 11, 3, tzinfo=UTC) + timedelta(hours=hours))

    def proofs(*, is_simulated: bool) -> int:
        return len(compare({KEY: cell(2, unsettled=1)}, told(used(usual(2))), DAY, DAY, own_key=None, is_simulated=is_simulated).proofs)

    assert proofs(is_simulated=False) == proves
    assert proofs(is_simulated=True) == 1


@pytest.mark.parametrize(("input_tokens", "own_key", "proves"), [(18_500, "key_a", 1), (18_501, "key_a", 0), (18_500, None, 0)])
def test_a_further_call_proves_an_unsettled_one_within_its_bound_and_of_our_key(input_tokens: int, own_key: str | None, proves: int) -> None:
    """One that cost more than the unsettled one can have cost, or that may be anybody's, is not taken for it."""
    further = Tokens(1, input_tokens, 0, 0, 0, 300)  # the bound is 0.002 USD
    result = compare({KEY: cell(2, unsettled=1)}, told(used(usual(2).plus(further))), DAY, DAY, own_key=own_key, is_simulated=True)

    assert len(result.proofs) == proves


COUNTS = st.integers(0, 3)
TOKENS = st.builds(Tokens, COUNTS, *[st.integers(0, 10_000)] * 5)
TIERS = st.sampled_from(["standard", "flex", "priority", "batch"])
MODELS = st.sampled_from([MODEL, "gpt-5-mini", "gpt-9-unheard-of"])
CENTS = st.integers(-5, 10**6).map(lambda number: Decimal(number) / 10**7)
LINES = st.builds(
    Charged,
    st.just(DAY),
    st.sampled_from([None, f"{MODEL}, input", "gpt-5-mini, output", "storage"]),
    st.sampled_from([None, "key_a", "key_b"]),
    CENTS,
    st.none() | COUNTS,
)


@given(
    st.dictionaries(MODELS, st.tuples(st.dictionaries(TIERS, TOKENS, max_size=2), COUNTS, COUNTS), max_size=3),
    st.lists(st.builds(used, TOKENS, TIERS, st.sampled_from([None, "key_a", "key_b"]), MODELS), max_size=5),
    st.none() | st.lists(LINES, max_size=6),
    st.sampled_from([None, "key_a"]),
)
def test_the_parts_always_add_up(
    made: dict[str, tuple[dict[str, Tokens], int, int]], usage: list[Used], costs: list[Charged] | None, own_key: str | None
) -> None:
    """Whatever ledger and invoice say: ledger + steps = the invoice's own sum, every step has a name and a sentence, and nothing raises."""
    ledger = {}
    for model, (by_tier, unknown, unsettled) in made.items():
        one_cell = cell(unknown=unknown, unsettled=unsettled)
        for tier, tokens in by_tier.items():
            one_cell.tokens[tier], one_cell.usd[tier] = tokens, usd_of(model, DAY, tier, tokens) or Decimal(0)
        ledger[DAY, model] = one_cell
    result = compare(ledger, Invoice("made", usage, costs), DAY, DAY, own_key=own_key, is_simulated=True)

    if costs is not None:
        assert result.invoice_usd == sum((line.usd for line in costs), Decimal(0))
    assert sum(row["usd"] for row in result.waterfall()[:-1]) == result.invoice_usd
    assert all(step.name in STEPS and step.sentence for step in result.steps)
    for proof in result.proofs:
        assert isinstance(proof.usd, Decimal)


def test_a_call_counts_for_the_day_of_its_answer(tmp_path: Path) -> None:
    """Answered a second before midnight by the API's clock and recorded a second after it: it is in the old day's invoice."""
    late = datetime(2026, 11, 3, 23, 59, 59, tzinfo=UTC)
    with journal.Journal(tmp_path) as segment:
        segment.write("run_started", command="ingest", is_simulated=True)
        start = {"call_id": uuid4(), "model": MODEL, "is_simulated": True, "logged_at": late}
        segment.write("call_started", **start)
        tokens = {"input_tokens": 2500, "cached_tokens": 1500, "cache_write_tokens": 0, "output_tokens": 300, "price_tier": "standard"}
        cost = {"cost_usd": usd_of(MODEL, DAY, "standard", usual(1)), "body": json.dumps({"created_at": int(late.timestamp())})}
        times = {"started_at": late, "finished_at": late + timedelta(seconds=2)}
        segment.write("call_finished", **start | tokens | cost | times, status="answered", outcome="completed")
        segment.write("run_finished", state="finished")
    usage = tmp_path / "usage.csv"
    head = "start_time_iso,num_model_requests,model,batch,service_tier,input_tokens,input_cached_tokens,output_tokens"
    usage.write_text(f"{head}\n2026-11-03T00:00:00Z,1,{MODEL},False,default,2500,1500,300\n")
    store.load(tmp_path)

    assert reconcile(settings_for(tmp_path, "http://127.0.0.1:9/v1"), DAY, DAY, exports=[usage]).is_balanced
