"""How often the answers are right, how sure that is, and whether a stated confidence means anything: frames of what no view alone can say.

Decided here: which figures are bootstrapped, by document, and how many labels are called enough. What counts as right is the view scoring_rules;
every count comes from a view; the intervals are those of intervals.py. Called by the command `evaluate` and the notebooks. Writes nothing.
"""

import math
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl

from . import intervals, metrics, store
from .intervals import Estimate

VIEWS: Final = {
    "scoring_rules": "field",
    "accuracy_in_use": "field, is_simulated",
    "accuracy_by_field": "arm, field, is_simulated",
    "accuracy_by_class": "arm, doc_type, is_simulated",
    "accuracy_by_slice": "arm, field, slice, value, is_simulated",
    "confusion": "arm, truth, answer, is_simulated",
    "calibration": "arm, bin, is_simulated",
    "confidence_use": "arm, is_simulated",
    "review_as_classifier": "arm, is_simulated",
    "label_agreement": "field, labeller, other_labeller",
    "label_contradictions": "document_sha256, field, other_labeller",
}
ENDS: Final = ("", "_low", "_high")  # of a figure's columns
WANTED: Final = 0.05  # half the width of the interval that the number of labels needed is told for


def evaluation(home: Path, *, draws: int = intervals.DRAWS) -> dict[str, Any]:
    """Each of VIEWS, and the frames of this module, as lists of rows in a total order."""
    with store.reading(home) as con:
        found: dict[str, Any] = {view: store.rows(con, f"from {view} order by {order}") for view, order in VIEWS.items()}
        found |= {"averages": averages(con, draws=draws).to_dicts(), "confidence": confidence(con, draws=draws).to_dicts()}
        found |= {"weighted": weighted(con).to_dicts(), "precision": precision(con).to_dicts(), "worth": worth(con).to_dicts()}
    return found


def _frame(rows: list[dict[str, Any]], schema: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


def _ends(name: str, found: Estimate) -> dict[str, float | None]:
    return {f"{name}{end}": value for end, value in zip(ENDS, (found.value, found.low, found.high), strict=True)}


def _floats(*names: str) -> dict[str, Any]:
    return {f"{name}{end}": pl.Float64 for name in names for end in ENDS}


def averages(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, draws: int = intervals.DRAWS) -> pl.DataFrame:
    """Averages of each arm, most labels first.

    arm str · is_simulated bool · documents, labelled int · micro (right labels of all labels: the field `(all)` of metrics.accuracy_by_field), macro
    (mean accuracy of the fields) and macro_f1 (mean F1 of the kinds of document that are labelled) float 0–1, each with _low and _high (95 %; of the
    latter two by percentile bootstrap, whole documents drawn).
    """
    import numpy as np

    scored = metrics.scored_fields(con, is_simulated=is_simulated)
    together = metrics.accuracy_by_field(con, is_simulated=is_simulated).filter(field="(all)")
    micro = {(row["arm"], row["is_simulated"]): row for row in together.iter_rows(named=True)}
    rows = []
    for (arm, simulated), every in scored.group_by("arm", "is_simulated", maintain_order=True):
        documents = every["document_sha256"].unique(maintain_order=True)
        place = dict(zip(documents, range(len(documents)), strict=True))
        fields = sorted(set(every["field"]))
        right, labelled = (np.zeros((len(documents), len(fields))) for _ in range(2))
        at = ([place[sha] for sha in every["document_sha256"]], [fields.index(field) for field in every["field"]])
        labelled[at] = 1
        right[at] = every["is_right"].to_numpy()
        kinds = every.filter(pl.col("field") == "doc_type", ~pl.col("is_absent"))
        rows.append(
            {"arm": arm, "is_simulated": simulated, "documents": len(documents), "labelled": every.height}
            | {f"micro{end}": micro[arm, simulated][f"accuracy{end}"] for end in ENDS}
            | _ends("macro", intervals.clustered(_mean_ratio, np.concatenate([right, labelled], axis=1), draws=draws))
            | _ends("macro_f1", intervals.clustered(intervals.macro_f1, _kinds(kinds), draws=draws))
        )
    schema = {"arm": pl.String, "is_simulated": pl.Boolean, "documents": pl.Int64, "labelled": pl.Int64, **_floats("micro", "macro", "macro_f1")}
    return _frame(rows, schema).sort("labelled", "arm", "is_simulated", descending=[True, False, False])


def _mean_ratio(sums: Any) -> Any:
    import numpy as np

    half = sums.shape[-1] // 2
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = sums[..., :half] / sums[..., half:]
    return np.nanmean(shares, axis=-1)


def _kinds(scored: pl.DataFrame) -> Any:
    """Right, answered and labelled of each kind, a row a document; an answer that the label accepts is of the labelled kind."""
    import numpy as np

    truth = scored["truth"].to_list()
    answer = [label if right else said for label, said, right in zip(truth, scored["answer"], scored["is_right"], strict=True)]
    kinds = {kind: place for place, kind in enumerate(sorted({*truth, *filter(None, answer)}))}
    counts = np.zeros((len(truth), 3, len(kinds)))
    for row, (label, said) in enumerate(zip(truth, answer, strict=True)):
        counts[row, 2, kinds[label]] = 1
        if said is not None:
            counts[row, 1, kinds[said]] = 1
            counts[row, 0, kinds[label]] = said == label
    return counts.reshape(len(truth), -1)


def weighted(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """Accuracy of each field over all documents of an arm, whichever of them were labelled.

    Each answered kind, those apart that a person was asked to look at, weighs as often as it was answered.

    arm, field str · is_simulated bool · documents, labelled int · share_covered float 0–1, of the documents of whose like any has a label ·
    accuracy_plain and accuracy float 0–1, the latter weighted, with accuracy_low and accuracy_high (95 %).   Source: the view labelled_by_kind
    """
    rows = []
    strata = metrics.labelled_by_kind(con, is_simulated=is_simulated)
    for (arm, field, simulated), kinds in strata.group_by("arm", "field", "is_simulated", maintain_order=True):
        found, covered = intervals.stratified(kinds.select("documents", "labelled", "right_answers").rows())
        labelled = int(kinds["labelled"].sum())
        row = {"arm": arm, "field": field, "is_simulated": simulated, "documents": int(kinds["documents"].sum()), "labelled": labelled}
        plain = int(kinds["right_answers"].sum()) / labelled if labelled else None
        rows.append(row | {"share_covered": covered, "accuracy_plain": plain} | _ends("accuracy", found))
    counts = {"documents": pl.Int64, "labelled": pl.Int64, "share_covered": pl.Float64, "accuracy_plain": pl.Float64}
    return _frame(rows, {"arm": pl.String, "field": pl.String, "is_simulated": pl.Boolean, **counts, **_floats("accuracy")})


def confidence(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None, draws: int = intervals.DRAWS) -> pl.DataFrame:
    """What the stated and the recalibrated confidence of each arm are worth.

    arm str · confidence str, stated or recalibrated (cross-fitted) · is_simulated bool · labelled int · share_right float 0–1 · ece (expected
    calibration error), brier and auroc float 0–1, each with _low and _high (95 %, percentile bootstrap); auroc is null when all are right or wrong.
    """
    rows = []
    answers = metrics.confidence_crossfitted(con, is_simulated=is_simulated)
    for (arm, simulated), every in answers.group_by("arm", "is_simulated", maintain_order=True):
        for kind, column in (("stated", "confidence_score"), ("recalibrated", "calibrated")):
            known = every.drop_nulls(column)
            if known.height < every.height:
                continue
            stated, right = known[column].to_numpy(), known["is_right"].cast(pl.Float64).to_numpy()
            row = {"arm": arm, "confidence": kind, "is_simulated": simulated, "labelled": every.height, "share_right": float(right.mean())}
            for name, measure in {"ece": intervals.calibration_error, "brier": intervals.brier, "auroc": intervals.separation}.items():
                row |= _ends(name, intervals.resampled(measure, stated, right, draws=draws))
            rows.append(row)
    schema = {"arm": pl.String, "confidence": pl.String, "is_simulated": pl.Boolean, "labelled": pl.Int64, "share_right": pl.Float64}
    return _frame(rows, schema | _floats("ece", "brier", "auroc"))


def worth(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """Whether the API is worth its money, field by field: each arm against the rules baseline on the same documents.

    arm, field str · is_simulated bool · documents int · accuracy, accuracy_by_rules float 0–1 · difference, difference_low, difference_high float
    (95 %, Bonett and Price) · p_value float, exact McNemar, times the fields of the arm (Bonferroni), at most 1 · verdict str: better, worse or not
    decided · cost_a_thousand_usd, cost_a_right_more_usd Decimal.   Source: the view worth_of_api
    """
    rows = []
    pairs = metrics.worth_of_api(con, is_simulated=is_simulated)
    tests = {key: frame.height for key, frame in pairs.group_by("arm", "is_simulated")}
    for row in pairs.iter_rows(named=True):
        found = intervals.paired_difference(row["only_api"], row["only_rules"], row["documents"])
        p_value = min(1.0, intervals.mcnemar(row["only_api"], row["only_rules"]) * tests[row["arm"], row["is_simulated"]])
        better = "better" if row["only_api"] > row["only_rules"] else "worse"
        rows.append(
            {name: row[name] for name in ("arm", "field", "is_simulated", "documents", "cost_a_thousand_usd", "cost_a_right_more_usd")}
            | {"accuracy": row["right_answers"] / row["documents"], "accuracy_by_rules": row["right_by_rules"] / row["documents"]}
            | _ends("difference", found)
            | {"p_value": p_value, "verdict": better if p_value < 1 - intervals.CONFIDENCE else "not decided"}
        )
    schema = {"arm": pl.String, "field": pl.String, "is_simulated": pl.Boolean, "documents": pl.Int64, "accuracy": pl.Float64}
    schema |= {"accuracy_by_rules": pl.Float64, **_floats("difference"), "p_value": pl.Float64, "verdict": pl.String}
    return _frame(rows, schema | dict.fromkeys(("cost_a_thousand_usd", "cost_a_right_more_usd"), pl.Decimal(38, 12)))


def precision(con: duckdb.DuckDBPyConnection, *, is_simulated: bool | None = None) -> pl.DataFrame:
    """How much these labels can tell, and how many would tell more, of the answers in use.

    field str · is_simulated bool · labelled int · accuracy float 0–1 · half_width float, of the 95 % interval · labels_needed int, for a half width
    of WANTED · smallest_difference float, that two samples of so many labels show in four of five cases, null when none is.
    """
    rows = []
    for row in metrics.accuracy_in_use(con, is_simulated=is_simulated).iter_rows(named=True):
        share, worth_each = row["accuracy"], row["labels_in_effect"] / row["labelled"]
        rows.append(
            {name: row[name] for name in ("field", "is_simulated", "labelled", "accuracy")}
            | {
                "half_width": (row["accuracy_high"] - row["accuracy_low"]) / 2,
                "labels_needed": math.ceil(intervals.labels_needed(share, WANTED) / worth_each),
                "smallest_difference": intervals.smallest_difference(share, row["labels_in_effect"]),
            }
        )
    floats = {"accuracy": pl.Float64, "half_width": pl.Float64, "labels_needed": pl.Int64, "smallest_difference": pl.Float64}
    return _frame(rows, {"field": pl.String, "is_simulated": pl.Boolean, "labelled": pl.Int64, **floats})
