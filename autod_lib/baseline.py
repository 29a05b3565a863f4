"""The rules baseline: what the labelled documents say by rules alone, free of charge, as an arm beside those of the API.

Decided here: that such an answer is of neither kind of money, so that it is compared with real and with simulated answers alike, and stands for a
document in the view `documents` only where a saved policy has said so. Reads each labelled document from where it was last seen, by the guarded
reader, and writes the answers to the journal. Called by the command `evaluate`, which hands in the rules, and by ingest.py for a stage that is
rules. Calls no API.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from . import journal, pdf, store
from .document import SCHEMA_VERSION, validate
from .report import Rules, first_columns
from .settings import Settings

ARM: Final = "rules"
# Labelled documents that have an answer and none by rules, and where each was seen last.
WANTED_SQL: Final = f"""
select document_sha256, arg_max(path, last_seen_at) as path
from sightings
where problem is null and document_sha256 in (select document_sha256 from label_statements)
      and document_sha256 in (select document_sha256 from extractions)
      and document_sha256 not in (select document_sha256 from extractions where arm = '{ARM}')
group by document_sha256 order by document_sha256"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What rules say of a document, with the names that an answer of the API has; it is of no call and of neither kind of money."""

    record: dict[str, Any] | None
    problems: list[str]
    text: str
    message: str = ""
    error_kind: None = None
    call_id: None = None
    is_simulated: None = None

    @property
    def outcome(self) -> str:
        """completed or invalid."""
        return "invalid" if self.record is None else "completed"


def answer(rules: Rules, pages_text: Sequence[str], file_name: str, page_count: int | None) -> Answer:
    """What rules say of a document by the text of its pages, held against the record's rules as every answer is."""
    text = orjson.dumps(rules(pages_text, file_name, page_count)).decode()
    return Answer(*validate(text), text)


def read_by_rules(settings: Settings, rules: Rules) -> int:
    """Answers every labelled document by rules that has no such answer yet; returns how many. A file that changed or cannot be read is left out.

    Raises: WorkspaceUnusable, WorkspaceBusy, ReaderUnavailable.
    """
    with store.reading(settings.home) as con:
        wanted = con.execute(WANTED_SQL).fetchall()
    readings = pdf.read_all([(path, None) for _, path in wanted], pdf.limits_for(settings)) if wanted else []
    answers = []
    for (sha, path), reading in zip(wanted, readings, strict=True):
        if reading.document_sha256 == sha and reading.pages_text is not None:
            answers.append((sha, answer(rules, reading.pages_text, Path(path).name, reading.page_count)))
    if answers:
        with journal.Journal(settings.home) as segment:
            segment.write("run_started", **first_columns("evaluate", {"rules": True}))
            for sha, said in answers:
                segment.write(
                    "extraction",
                    **(said.record or {}) | {"schema_version": SCHEMA_VERSION},
                    document_sha256=sha,
                    arm=ARM,
                    input_mode="text",
                    is_valid=said.record is not None,
                    review_reasons=said.problems,
                    raw_answer=said.text if said.record is None else None,
                )
            segment.write("run_finished", exit_status=0, state="finished", seconds=0.0, summary={"read_by_rules": len(answers)})
        store.load(settings.home)
    return len(answers)
