"""What counts as right, field by field, and what the views make of it."""

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from autod_lib import charts, metrics, words
from autod_lib.evaluate import averages, confidence, evaluation, precision, weighted
from autod_lib.journal import Journal
from autod_lib.labels import FIELDS, import_labels
from autod_lib.store import load, reading, writing

from .pipeline import one, rows

SHA = {letter: letter * 64 for letter in "abcdef"}


def answer(home: Path, letter: str, **fields: Any) -> None:
    """A valid answer about a document."""
    with Journal(home) as journal:
        journal.write(
            "extraction",
            call_id=str(uuid.uuid4()),
            document_sha256=SHA[letter],
            arm="an arm",
            is_simulated=False,
            is_valid=True,
            confidence_score=0.9,
            **fields,
        )


def judged(home: Path, field: str) -> list[tuple[Any, ...]]:
    """(document, is_right, is_right_strict) of a field."""
    return rows(home, "select document_sha256[:1], is_right, is_right_strict from scored_fields where field = ? order by all", field)


def test_a_blank_is_not_scored_and_absent_says_that_there_is_none(home: Path, labels: Callable[..., Path]) -> None:
    """Not to have looked and to have found nothing are two things."""
    for letter in "abc":
        answer(home, letter, total_amount="5.00" if letter == "b" else None)
    import_labels(home, labels(f"sha256,doc_type,total_amount\n{SHA['a']},Other,<absent>\n{SHA['b']},Other,<absent>\n{SHA['c']},Other,  \n"))

    assert judged(home, "total_amount") == [("a", True, True), ("b", False, False)]


def test_an_alternative_is_right_but_not_strictly(home: Path, labels: Callable[..., Path]) -> None:
    """A kind that a careful reader could defend counts in one figure and not in the other."""
    answer(home, "a", doc_type="Contract")
    answer(home, "b", doc_type="Agreement")
    answer(home, "c", doc_type="Letter")
    text = "sha256,doc_type,doc_type_also_ok\n" + "".join(f"{SHA[letter]},Agreement,Contract; Report\n" for letter in "abc")
    import_labels(home, labels(text))

    assert judged(home, "doc_type") == [("a", True, False), ("b", True, True), ("c", False, False)]
    [shares] = rows(home, "select accuracy, accuracy_strict from accuracy_by_field where field = 'doc_type'")
    assert shares == (pytest.approx(2 / 3), pytest.approx(1 / 3))


@pytest.fixture(scope="module")
def result(judged_ledger: Path) -> dict[str, Any]:
    """What the command says of them."""
    return evaluation(judged_ledger, draws=100)


@pytest.fixture(scope="module")
def judged_ledger(workspaces: Callable[[str], Path]) -> Path:
    """Three weeks with labels."""
    return workspaces("full")


def test_accuracy_comes_with_the_interval_that_scipy_gives(judged_ledger: Path, result: dict[str, Any]) -> None:
    """Wilson's interval, as other people have it, for every arm and field; that of all fields is wider than if they were independent."""
    from scipy.stats import binomtest

    by_field = result["accuracy_by_field"]

    assert {row["field"] for row in by_field} == {*(field for (field,) in rows(judged_ledger, "select distinct field from labels_log")), "(all)"}
    assert len({row["labelled"] for row in by_field}) > 2
    for row in by_field:
        interval = binomtest(row["right_answers"], row["labelled"]).proportion_ci(method="wilson")
        assert row["accuracy"] == row["right_answers"] / row["labelled"]
        if row["field"] == "(all)":
            assert row["labels_in_effect"] < row["labelled"]
            assert row["accuracy_low"] < interval.low < interval.high < row["accuracy_high"]
        else:
            assert row["labels_in_effect"] == row["labelled"]
            assert (row["accuracy_low"], row["accuracy_high"]) == pytest.approx((interval.low, interval.high), abs=1e-6)
        assert row["f1"] == pytest.approx(2 * row["precision"] * row["recall"] / (row["precision"] + row["recall"]))


def test_an_evaluation_counts_what_scored_fields_lists(judged_ledger: Path, result: dict[str, Any]) -> None:
    """Confusion holds each labelled kind once, calibration those with a confidence, and the accuracy of all fields is theirs together."""
    kinds = one(judged_ledger, "select count(*) from scored_fields where field = 'doc_type'")

    assert sum(row["documents"] for row in result["confusion"]) == kinds
    sure = one(judged_ledger, "select count(*) from scored_fields where field = 'doc_type' and confidence_score between 0 and 1")
    assert sum(row["documents"] for row in result["calibration"]) == sure > 0
    every = sum(row["labelled"] for row in result["accuracy_by_field"] if row["field"] == "(all)")
    assert every == sum(row["labelled"] for row in result["accuracy_by_field"] if row["field"] != "(all)") > 0


NAMES = [  # answered, true, whether that is right
    ("Banque du Rhône SA", "BANQUE DU RHONE, SA.", True),  # accents, case and punctuation apart
    ("Müller & Söhne", "Muller Sohne", True),
    ("Nordlicht Energie", "Nordlicht Energie GmbH", True),  # one within the other
    ("Nordlicht Energie GmbH, Kiel", "Nordlicht Energie GmbH", True),
    ("Volv", "AB Volvo", True),
    ("AB", "AB Volvo", False),  # within, but shorter than four characters
    ("Martha", "Marhta", True),  # Jaro-Winkler 0.961
    ("Alder & Finch Ltd", "Alder & Finch Limited", True),  # 0.969
    ("Dwayne", "Duane", False),  # 0.840
    ("Dixon", "Dicksonx", False),  # 0.813
    ("...", "Alder", False),
    (None, "Alder", False),
]
CODES = [  # field, answered, true, whether that is right
    ("total_amount", "360", "360.00", True),
    ("total_amount", "360.004", "360.00", True),
    ("total_amount", "360.01", "360.00", False),
    ("total_amount", "-5.00", "-5", True),
    ("primary_date", "2026-03-14", "2026-03-14", True),
    ("primary_date", "2026-03-15", "2026-03-14", False),
    ("currency", "EUR", "eur", True),
    ("language_detected", "de", "DE", True),
    ("language_detected", None, "de", False),
]


def scored(home: Path, cases: list[tuple[str, str | None, str, bool]], labels: Callable[..., Path]) -> dict[tuple[str, str | None, str, bool], bool]:
    """Each case (field, answered, true, expected) as a document of its own, and whether it is scored as right."""
    shas = [f"{number:064x}" for number in range(len(cases))]
    with Journal(home) as journal:
        for sha, (field, said, _, _) in zip(shas, cases, strict=True):
            answered = {field: said, "confidence_score": 0.9, "is_valid": True, "is_simulated": False}
            journal.write("extraction", call_id=str(uuid.uuid4()), document_sha256=sha, arm="an arm", **answered)
    table = "".join(f'{sha},"{truth}",{field}\n' for sha, (field, _, truth, _) in zip(shas, cases, strict=True))
    for field in {case[0] for case in cases}:
        lines = [line.rsplit(",", 1)[0] for line in table.splitlines() if line.endswith(field)]
        import_labels(home, labels("\n".join([f"sha256,{field}", *lines])))
    right = dict(rows(home, "select document_sha256, is_right from scored_fields"))
    return {case: right[sha] for sha, case in zip(shas, cases, strict=True)}


def test_a_name_is_right_when_a_person_would_say_so(home: Path, labels: Callable[..., Path]) -> None:
    """Accents, case and punctuation apart; one within the other from four characters on; nearly equal by Jaro-Winkler (0.93)."""
    cases: list[tuple[str, str | None, str, bool]] = [("issuer", *case) for case in NAMES]

    assert scored(home, cases, labels) == {case: case[3] for case in cases}


def test_the_edge_of_nearly_equal_lies_at_0_93(home: Path, labels: Callable[..., Path]) -> None:
    """The similarity is computed here by another library: just above the threshold is right, just below is wrong."""
    from rapidfuzz.distance import JaroWinkler

    pairs = [("abcdefghij", "abcdefgxyz"), ("abcdefghij", "abcdefxhij"), ("abcdefghij", "abcxyfghij"), ("abcdefghij", "axcdexghij")]
    near = {pair: JaroWinkler.similarity(*pair) for pair in pairs}
    cases: list[tuple[str, str | None, str, bool]] = [("issuer", *pair, near[pair] >= 0.93) for pair in pairs]

    assert {case[3] for case in cases} == {True, False}
    assert scored(home, cases, labels) == {case: case[3] for case in cases}


def test_amounts_dates_and_codes_must_be_the_same(home: Path, labels: Callable[..., Path]) -> None:
    """The same cent, the same day, the same code: nothing is nearly right."""
    cases: list[tuple[str, str | None, str, bool]] = list(CODES)

    assert scored(home, cases, labels) == {case: case[3] for case in cases}


def test_every_field_that_can_be_labelled_has_its_rule(result: dict[str, Any]) -> None:
    """The table of rules is what the notebook shows: a field that is scored and not in it would be scored by nothing anybody wrote down."""
    rules = result["scoring_rules"]

    assert {row["field"] for row in rules} == set(FIELDS)
    assert all(row["rule"] for row in rules)
    assert {row["kind"] for row in rules if row["threshold"] is not None} == {"name", "list"}


def actions(*descriptions: str) -> str:
    """A list of actions as an answer has it."""
    return json.dumps([{"description": text, "deadline": None, "priority": "low"} for text in descriptions])


LISTED = [  # field, answered, labelled, (right, answered, true) items
    ("tags", '["Cloth", "green "]', ["green", "cloth"], (2, 2, 2)),
    ("tags", '["cloth", "cloth", "red"]', ["green", "cloth"], (1, 2, 2)),
    ("tags", "[]", ["green"], (0, 0, 1)),
    ("tags", "[]", [], (0, 0, 0)),
    ("tags", '["green"]', [], (0, 1, 0)),
    ("deadlines", '[{"date": "2026-04-13", "description": "x", "type": "payment"}]', ["2026-04-13 payment"], (1, 1, 1)),
    ("deadlines", '[{"date": "2026-04-13", "description": "x", "type": "payment"}]', ["2026-04-13"], (1, 1, 1)),
    ("deadlines", '[{"date": "2026-04-13", "description": "x", "type": "payment"}]', ["2026-04-13 filing"], (0, 1, 1)),
    ("deadlines", '[{"date": "2026-04-14", "description": "x", "type": "payment"}]', ["2026-04-13 payment"], (0, 1, 1)),
    ("action_items", actions("Pay the invoice by bank transfer"), ["Pay the invoice"], (1, 1, 1)),
    ("action_items", actions("Sign the contract"), ["Pay the invoice"], (0, 1, 1)),
    ("action_items", actions("Pay the invoice", "Pay the invoice today"), ["Pay the invoice"], (1, 2, 1)),
]


def test_lists_are_right_as_far_as_their_items_pair(home: Path, tmp_path: Path) -> None:
    """Precision and recall count items; the whole is right only when every item has its like, and none was right where there is none."""
    shas = [f"{number:064x}" for number in range(len(LISTED))]
    with Journal(home) as journal:
        for sha, (field, said, _, _) in zip(shas, LISTED, strict=True):
            given = {field: json.loads(said), "is_valid": True, "is_simulated": False}
            journal.write("extraction", call_id=str(uuid.uuid4()), document_sha256=sha, arm="an arm", **given)
    labelled = [{"sha256": sha, field: truth} for sha, (field, _, truth, _) in zip(shas, LISTED, strict=True)]
    (tmp_path / "labels.json").write_text(json.dumps(labelled))
    assert import_labels(home, tmp_path / "labels.json").problems == []

    found = {sha: (right, score, items) for sha, right, score, *items in rows(home, ITEMS)}

    for sha, (_, said, truth, (right, answered, true)) in zip(shas, LISTED, strict=True):
        f1 = 2 * right / (answered + true) if answered + true else 1
        assert found[sha] == (right == answered == true, f1, [right, answered, true]), (said, truth)


ITEMS = "select document_sha256, is_right, score, items_right, items_answered, items_true from scored_fields"


def test_pairs_of_a_list_never_exceed_the_best_assignment(home: Path) -> None:
    """Pairing each item with its mutual best is never kinder than the assignment that scipy finds to be the best, and seldom much harder."""
    from scipy.optimize import linear_sum_assignment

    random, words = Random(5), "pay sign send keep call file read note".split()  # noqa: SIM905
    cases = [[[" ".join(random.sample(words, 3)) for _ in range(random.randint(1, 4))] for _ in range(2)] for _ in range(40)]
    with Journal(home) as journal:
        for number, (said, truth) in enumerate(cases):
            sha = f"{number:064x}"
            given = {"action_items": json.loads(actions(*said)), "is_valid": True, "is_simulated": False}
            journal.write("extraction", call_id=str(uuid.uuid4()), document_sha256=sha, arm="an arm", **given)
            journal.write("label", document_sha256=sha, field="action_items", value=actions(*truth), is_absent=False)
    matched = dict(rows(home, "select document_sha256, items_right from scored_fields"))
    best = []
    for said, truth in cases:
        alike = [[2 * len({*a.split()} & {*b.split()}) / 6 >= 0.5 for b in set(truth)] for a in set(said)]
        best.append(sum(alike[row][column] for row, column in zip(*linear_sum_assignment(alike, maximize=True), strict=True)))

    pairs = [(matched[f"{number:064x}"], most) for number, most in enumerate(best)]
    assert all(got <= most for got, most in pairs)
    assert sum(got for got, _ in pairs) > 0.8 * sum(most for _, most in pairs) > 0


def test_two_labellers_agree_beyond_chance_as_far_as_cohens_kappa_says(home: Path) -> None:
    """Cohen's kappa against scikit-learn, and the worked example of Fleiss, Levin and Paik (2003, table 18.1): 0.68 of 100 pairs."""
    from sklearn.metrics import cohen_kappa_score

    table = {("a", "a"): 75, ("a", "b"): 1, ("a", "c"): 4, ("b", "a"): 5, ("b", "b"): 4, ("b", "c"): 1, ("c", "a"): 0, ("c", "b"): 0, ("c", "c"): 10}
    pairs = [pair for pair, times in table.items() for _ in range(times)]
    with Journal(home) as journal:
        for number, pair in enumerate(pairs):
            for labeller, value in zip(("anna", "ben"), pair, strict=True):
                said = {"field": "doc_type", "value": value, "is_absent": False, "labeller": labeller}
                journal.write("label", document_sha256=f"{number:064x}", **said)
                journal.write("label", document_sha256=f"{number:064x}", **said | {"field": "currency", "value": "EUR"})

    with reading(home) as con:
        currency, kinds = metrics.label_agreement(con).to_dicts()

    assert (kinds["labeller"], kinds["other_labeller"], kinds["documents"], kinds["agreed"]) == ("anna", "ben", 100, 89)
    assert round(kinds["kappa"], 2) == 0.68
    assert kinds["kappa"] == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)))
    assert (currency["share_agreed"], currency["kappa"]) == (1.0, None)


def stating(home: Path, answers: list[tuple[float | None, bool]], **more: Any) -> None:
    """A labelled answer for each stated confidence, its kind right or wrong; documents of varied hashes."""
    with Journal(home) as journal:
        for number, (confidence, is_right) in enumerate(answers):
            sha = hashlib.sha256(str(number).encode()).hexdigest()
            said = {"doc_type": "Invoice" if is_right else "Letter", "confidence_score": confidence, "is_valid": True, "is_simulated": False}
            journal.write("extraction", call_id=str(uuid.uuid4()), document_sha256=sha, arm="an arm", **said | more)
            journal.write("label", document_sha256=sha, field="doc_type", value="Invoice", is_absent=False)


@pytest.fixture
def overconfident(home: Path) -> Path:
    """400 answers that state 0.5 to 1 and are right half as often."""
    random = Random(11)
    stated = [round(0.5 + random.random() / 2, 2) for _ in range(400)]
    stating(home, [(each, random.random() < each - 0.3) for each in stated])
    return home


def test_recalibration_is_the_isotonic_regression_of_scikit_learn_and_judged_on_other_documents(overconfident: Path) -> None:
    """Fitted in SQL on all labels it has sklearn's values; a document's own label never enters the confidence it is judged by."""
    from sklearn.isotonic import IsotonicRegression

    answers = dict(rows(overconfident, "select document_sha256, (confidence_score, is_right) from scored_fields"))
    fits = {}
    for fold in (-1, 0, 1, 2, 3, 4):
        fitted = [said for sha, said in answers.items() if ord(sha[-1]) % 5 != fold]
        fits[fold] = IsotonicRegression().fit(*zip(*fitted, strict=True))
    for fold, stated, calibrated in rows(overconfident, "select fold, stated_from, calibrated from confidence_map where stated_from > 0"):
        assert calibrated == pytest.approx(fits[fold].predict([stated])[0], abs=1e-9)

    crossfitted = rows(overconfident, "select document_sha256, confidence_score, calibrated from confidence_crossfitted")
    known = [(sha, stated, calibrated) for sha, stated, calibrated in crossfitted if stated in fits[ord(sha[-1]) % 5].X_thresholds_]
    assert len(known) > 50
    assert all(calibrated == pytest.approx(fits[ord(sha[-1]) % 5].predict([stated])[0]) for sha, stated, calibrated in known)


def test_a_recalibrated_confidence_is_used_where_it_is_better(overconfident: Path) -> None:
    """The review queue takes it from the map; the figures tell both, each with an interval around it."""
    sha = "f" * 64
    with Journal(overconfident) as journal:
        said = {"document_sha256": sha, "arm": "an arm", "is_simulated": False}
        journal.write("document_read", document_sha256=sha, file_name="f.pdf", status="readable")
        journal.write("extraction", call_id=str(uuid.uuid4()), confidence_score=0.9, doc_type="Invoice", is_valid=True, request_key="k", **said)
        journal.write("document_status", status="needs_review", request_key="k", **said)

    with reading(overconfident) as con:
        stated, recalibrated = confidence(con, draws=200).to_dicts()
        [use] = metrics.confidence_use(con).to_dicts()
        [waiting] = metrics.review_queue(con).to_dicts()

    assert use["is_used"]
    assert recalibrated["brier"] == pytest.approx(use["brier_calibrated"])
    assert recalibrated["ece"] < 0.1 < stated["ece_low"] < stated["ece"] < stated["ece_high"]
    assert 0.5 < stated["auroc_low"] < stated["auroc"] < 1
    assert waiting["confidence_score"] == 0.9
    assert waiting["confidence_used"] == pytest.approx(0.6, abs=0.15)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([], "No labelled answer states a confidence"),
        ([(0.9, True)] * 4, "All 4 labelled answers are right."),
        ([(0.9, False)] * 4 + [(None, True)], "All 4 labelled answers are wrong."),
        ([(0.9, True), (0.2, False)], "it takes 30 labels"),
        ([(1.0, True), (0.0, False), (1.0, False)] * 40, "Confidence tells right from wrong"),
    ],
)
def test_too_little_to_judge_a_confidence_is_said_in_words_and_breaks_nothing(
    home: Path, answers: list[tuple[float | None, bool]], said: str
) -> None:
    """No labels, one class, all right, all wrong, no confidence: every frame has its columns and every figure is drawn."""
    stating(home, answers)
    with reading(home) as con:
        worth, used = confidence(con, draws=20), metrics.confidence_use(con)
        frames = [averages(con, draws=20), weighted(con), precision(con)]
        drawn = [charts.errors_by_effort(metrics.errors_by_effort(con)), charts.calibration(metrics.calibration(con))]
        drawn += [charts.accuracy_by_slice(metrics.accuracy_by_slice(con)), charts.confusion(metrics.confusion(con))]

    assert said in re.sub("<[^>]*>", "", words.confidence(worth, used, "an arm").markup)
    assert all(frame.height == bool(answers) for frame in frames[:2])
    assert all("<svg" in charts.svg(each) for each in drawn)


def test_a_confidence_that_is_no_number_is_left_out(home: Path) -> None:
    """NaN would make every mean NaN; a value beyond 1 is no probability."""
    stating(home, [(0.9, True), (0.8, False), (0.5, True), (0.4, True)])
    load(home)
    with writing(home) as con:
        con.execute("update extractions set confidence_score = 'nan' where confidence_score = 0.9")
        con.execute("update extractions set confidence_score = 7 where confidence_score = 0.8")

    assert rows(home, "select sum(documents), avg(mean_confidence) from calibration") == [(2, pytest.approx(0.45))]
    assert one(home, "select labels from confidence_use") == 2
    assert one(home, "select max(documents) from errors_by_effort") == 4


def test_errors_are_caught_from_the_least_sure_answer_on(home: Path) -> None:
    """Answers of the same confidence are looked at together; the end of the line has caught all."""
    stating(home, [(0.2, False), (0.2, True), (0.6, False), (0.9, True)], requires_review=False)

    caught = rows(home, "select confidence_score, reviewed, caught, share_reviewed, share_caught from errors_by_effort order by 1")

    assert caught == [(0.2, 2, 1, 0.5, 0.5), (0.6, 3, 2, 0.75, 1.0), (0.9, 4, 2, 1.0, 1.0)]
    assert rows(home, "select asked, precision, recall, share_missed from review_as_classifier") == [(0, None, 0.0, 0.5)]


def test_slices_and_classes_add_up_to_the_whole(judged_ledger: Path, result: dict[str, Any]) -> None:
    """Every label is in each group of slices once; kinds have the precision and recall of scikit-learn."""
    from sklearn.metrics import precision_recall_fscore_support

    whole = {(row["arm"], row["field"]): row for row in result["accuracy_by_field"]}
    arm = max(whole.values(), key=lambda row: row["labelled"])["arm"]
    slices = [row for row in result["accuracy_by_slice"] if row["arm"] == arm]
    assert {row["slice"] for row in slices} == {"doc_type", "language", "pages", "text_layer", "input_mode"}
    for name in ("doc_type", "pages", "input_mode"):
        for field in ("(all)", "issuer"):
            assert sum(row["labelled"] for row in slices if (row["slice"], row["field"]) == (name, field)) == whole[arm, field]["labelled"]

    pairs = rows(judged_ledger, "select truth, answer from scored_fields where field = 'doc_type' and arm = ?", arm)
    classes = [row for row in result["accuracy_by_class"] if row["arm"] == arm]
    kinds = [row["doc_type"] for row in classes]
    expected = precision_recall_fscore_support(*zip(*pairs, strict=True), labels=kinds, zero_division=0)
    for place, row in enumerate(classes):
        assert [row[name] or 0 for name in ("precision", "recall", "f1", "labelled")] == pytest.approx([column[place] for column in expected])
    [mean] = [row for row in result["averages"] if row["arm"] == arm]
    assert mean["micro"] == pytest.approx(whole[arm, "(all)"]["accuracy"])
    assert mean["macro_f1"] == pytest.approx(sum(row["f1"] for row in classes if row["labelled"]) / sum(row["labelled"] > 0 for row in classes))
    assert all(mean[f"{name}_low"] <= mean[name] <= mean[f"{name}_high"] for name in ("micro", "macro", "macro_f1"))


def test_a_review_of_the_doubtful_ones_does_not_speak_for_all(home: Path) -> None:
    """Ten in a hundred were asked about and all labelled, half of them wrong; of the ninety others a random ninth, all right."""
    with Journal(home) as journal:
        for number in range(100):
            sha, asked = f"{number:064x}", number < 10
            said = {"doc_type": "Invoice", "is_valid": True, "is_simulated": False, "requires_review": False}
            reasons = ["confidence 0.4 is below 0.5"] if asked else []
            journal.write("extraction", call_id=str(uuid.uuid4()), document_sha256=sha, arm="an arm", review_reasons=reasons, **said)
            if number < 20:
                journal.write("label", document_sha256=sha, field="doc_type", value="Letter" if number < 5 else "Invoice", is_absent=False)

    with reading(home) as con:
        [row] = weighted(con).to_dicts()

    assert (row["accuracy_plain"], row["accuracy"]) == (0.75, pytest.approx(0.95))
    assert row["share_covered"] == 1


def test_labels_of_one_kind_alone_do_not_speak_for_all(home: Path) -> None:
    """Three in four answers are invoices, yet most labels are on letters: weighted, the invoices count as often as they were answered."""
    with Journal(home) as journal:
        for number in range(80):
            sha, kind = f"{number:064x}", "Invoice" if number < 60 else "Letter"
            said = {"doc_type": kind, "is_valid": True, "is_simulated": False, "requires_review": False, "review_reasons": []}
            journal.write("extraction", call_id=str(uuid.uuid4()), document_sha256=sha, arm="an arm", **said)
            if number % 6 == 0 or number >= 60:
                truth = "Other" if number >= 60 and number % 2 else kind
                journal.write("label", document_sha256=sha, field="doc_type", value=truth, is_absent=False)

    with reading(home) as con:
        [row] = weighted(con).to_dicts()
        sample = metrics.audit_sample(con, size=7)

    assert (row["labelled"], row["accuracy_plain"], row["accuracy"]) == (30, pytest.approx(20 / 30), pytest.approx(0.75 + 0.25 / 2))
    assert row["accuracy_low"] < 0.875 < row["accuracy_high"]
    assert sample.height == 7
    assert all(int(sha, 16) % 6 and int(sha, 16) < 60 for sha in sample["document_sha256"])
