"""The rules baseline: what the labelled documents say by rules alone, free of charge, as an arm beside those of the API.

Decided here: that such an answer is of neither kind of money, so that it never stands for a document in the view `documents` and is compared with
real and with simulated answers alike. Reads each labelled document from where it was last seen, by the guarded reader, and writes the answers to the
journal. Called by the command `evaluate`, which hands in the rules. Calls no API.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from . import __version__, journal, pdf, store
from .document import SCHEMA_VERSION, validate
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


def read_by_rules(settings: Settings, rules: Callable[[Sequence[str], str, int | None], dict[str, Any]]) -> int:
    """Answers every labelled document by rules that has no such answer yet; returns how many. A file that changed or cannot be read is left out.

    Raises: WorkspaceUnusable, WorkspaceBusy, ReaderUnavailable.
    """
    with store.reading(settings.home) as con:
        wanted = con.execute(WANTED_SQL).fetchall()
    readings = pdf.read_all([(path, None) for _, path in wanted], pdf.limits_for(settings)) if wanted else []
    answers = []
    for (sha, path), reading in zip(wanted, readings, strict=True):
        if reading.document_sha256 == sha and reading.pages_text is not None:
            text = orjson.dumps(rules(reading.pages_text, Path(path).name, reading.page_count)).decode()
            record, problems = validate(text)
            answers.append((sha, record, problems, text))
    if answers:
        with journal.Journal(settings.home) as segment:
            parent = os.environ.get("AUTOD_PARENT_RUN")
            segment.write("run_started", command="evaluate", arguments={"rules": True}, version=__version__, pid=os.getpid(), parent_run_id=parent)
            for sha, record, problems, text in answers:
                segment.write(
                    "extraction",
                    **(record or {}) | {"schema_version": SCHEMA_VERSION},
                    document_sha256=sha,
                    arm=ARM,
                    input_mode="text",
                    is_valid=record is not None,
                    review_reasons=problems,
                    raw_answer=text if record is None else None,
                )
            segment.write("run_finished", exit_status=0, state="finished", seconds=0.0, summary={"read_by_rules": len(answers)})
        store.load(settings.home)
    return len(answers)
