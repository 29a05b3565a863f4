"""How often the answers agree with the labels, as the views have it, for commands and scripts. What counts as right is the view scoring_rules."""

from pathlib import Path
from typing import Any, Final

from . import store

VIEWS: Final = {
    "scoring_rules": "field",
    "accuracy_in_use": "field, is_simulated",
    "accuracy_by_field": "arm, field, is_simulated",
    "confusion": "arm, truth, answer, is_simulated",
    "calibration": "arm, bin, is_simulated",
    "label_agreement": "field, labeller, other_labeller",
    "label_contradictions": "document_sha256, field, other_labeller",
}


def evaluation(home: Path) -> dict[str, Any]:
    """Each of VIEWS as a list of rows, in a total order."""
    with store.reading(home) as con:
        return {view: store.rows(con, f"from {view} order by {order}") for view, order in VIEWS.items()}
