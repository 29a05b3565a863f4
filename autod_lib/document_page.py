"""One document's page: its pages as images, what every arm answered beside the label, and every call, label and alert about it.

Decided here: how many arms stand side by side, and that a value is marked right or wrong by the view scored_fields alone. The image is of the file as
it lies at one of its paths, if its bytes are still those that were read; a process of its own draws it (page_image.py). Called by the notebooks.
Writes nothing.
"""

import json
import textwrap
from base64 import b64encode
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import duckdb
import polars as pl

from . import journal, metrics, page_image, store
from .document import FIELDS
from .errors import SettingsError
from .page import CALLS, Html, count, escape, table, visible, words, wrapped
from .pdf import guarded_environment
from .settings import Settings

ARMS: Final = 3  # that stand side by side, the newest first
LETTERS: Final = 240  # of a value, before it is cut
OF_ITSELF: Final = ("schema_version", "file_name", "page_count")  # fields that say nothing of what is in it
MARKS: Final = {True: "✓ ", False: "✗ ", None: ""}
OF_THESE: Final = "document_sha256 in (select unnest($shas))"
SOUGHT: Final = ("issuer", "recipient", "primary_date", "secondary_date", "total_amount", "currency")  # values that a page spells out
ANSWERS_SQL: Final = f"""
from extractions where {OF_THESE}
qualify row_number() over (partition by document_sha256, arm, is_simulated order by logged_at desc, run_id desc, seq desc) = 1
order by document_sha256, arm = 'rules', logged_at desc, arm"""
STATES_SQL: Final = f"""
select document_sha256, arg_max_null(status, (logged_at, run_id, seq)) as status, arg_max_null(sentence, (logged_at, run_id, seq)) as sentence,
       list(distinct run_id) as runs
from document_statuses where {OF_THESE} group by document_sha256"""
READ_SQL: Final = f"""
select document_sha256, arg_min_null(file_name, (logged_at, run_id, seq)) as file_name,
       arg_max_null(page_count, (logged_at, run_id, seq)) as page_count, arg_max_null(text_layer, (logged_at, run_id, seq)) as text_layer
from documents_read where {OF_THESE} group by document_sha256"""
ALERTS_SQL: Final = (
    "select run_id, logged_at, severity, component, message from alerts where run_id in (select unnest($runs)) order by logged_at desc"
)


def document(settings: Settings, name: str, *, images: int = 1) -> Html:
    """The page of one document, by the beginning of its hash or by its file name, with its first `images` pages.

    Raises: SettingsError when nothing or more than one document fits, WorkspaceUnusable.
    """
    sql = "select document_sha256, file_name from documents_read where starts_with(document_sha256, lower($name)) or file_name = $name"
    with store.reading(settings.home) as con:
        found = dict(con.execute(f"{sql} order by all", {"name": name}).fetchall()) if name else {}
    if len(found) != 1:
        fits = f"fits several documents: {', '.join(sha[:12] for sha in sorted(found)[:5])}" if found else "fits no document that was read"
        raise SettingsError(f"{name!r} {fits}. Give the beginning of its SHA-256, as the tables of documents show it, or its file name.")
    return pages(settings, list(found), images=images, is_open=True)


def pages(settings: Settings, shas: Sequence[str], *, images: int = 1, arms: Sequence[str] = (), is_open: bool = False) -> Html:
    """The pages of these documents, each to be unfolded and named as tables that link documents lead to it; a sentence without any.

    Takes whole hashes, in the order to be shown; each with its first `images` pages, or the one where most of its values stand, and with the answers
    of these `arms` first, then the newest.
    """
    shas = list(dict.fromkeys(shas))
    if not shas:
        return words("No document to show.")
    with store.reading(settings.home) as con:
        known = _Known(con, shas, arms)
    return wrapped("".join(_fold(settings, known, sha, images, is_open) for sha in shas))


class _Known:
    """What the record holds of some documents, by hash."""

    def __init__(self, con: duckdb.DuckDBPyConnection, shas: list[str], arms: Sequence[str]) -> None:
        def by_document(sql: str) -> dict[str, list[dict[str, Any]]]:
            found: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for row in store.rows(con, sql, {"shas": shas}):
                found[row["document_sha256"]].append(row)
            return found

        self.read = {sha: rows[0] for sha, rows in by_document(READ_SQL).items()}
        self.states = {sha: rows[0] for sha, rows in by_document(STATES_SQL).items()}
        place = {arm: number for number, arm in enumerate(arms)}
        self.answers = {sha: sorted(rows, key=lambda row: place.get(row["arm"], len(arms))) for sha, rows in by_document(ANSWERS_SQL).items()}
        self.paths = by_document(f"from sightings where {OF_THESE} order by last_seen_at desc, path")
        self.scored = by_document(f"from scored_fields where {OF_THESE} order by field")
        self.labels = by_document(f"from labels_by_labeller where {OF_THESE} order by field, labeller")
        self.truth = by_document(f"from labels_current where {OF_THESE} order by field")
        calls = metrics.read(con, f"from api_calls where {OF_THESE} order by started_at", {"shas": shas})
        self.calls = {str(sha): frame for (sha,), frame in calls.group_by("document_sha256")}
        runs = sorted({run for state in self.states.values() for run in state["runs"]})
        self.alerts = metrics.read(con, ALERTS_SQL, {"runs": runs})


def _fold(settings: Settings, known: _Known, sha: str, images: int, is_open: bool) -> str:
    read, state = known.read.get(sha, {}), known.states.get(sha, {})
    status = str(state.get("status") or "pending")
    about = [sha[:12], "labelled" if status == "needs_review" and known.truth.get(sha) else status.replace("_", " ")]  # a label ends the wait
    if read.get("page_count"):
        about.append(f"{count(read['page_count'], 'page', 'pages')}, text layer {read['text_layer'] or 'unknown'}")
    name = visible(str(read.get("file_name") or sha[:12]))
    told = f"<p>{escape(state['sentence'])}</p>" if state.get("sentence") else ""
    places = "".join(f"<code>{escape(row['path'])}</code> {escape(row['problem'] or '')}<br>" for row in known.paths.get(sha, [])[:3])
    under = _calls(known, sha) + _labels(known, sha) + _alerts(known, sha)
    return (
        f'<details class="autod-document"{" open" if is_open else ""}><summary><b>{escape(name)}</b> · {escape(" · ".join(about))}</summary>'
        f'<div class="autod-beside" id="document-{escape(sha[:12])}"><div>{_images(settings, known, sha, images)}</div>'
        f"<div>{told}<p>{places}</p>{_answers(known, sha).markup}</div><div>{under.markup}</div></div></details>"
    )


def _images(settings: Settings, known: _Known, sha: str, images: int) -> str:
    if images < 1:
        return ""
    paths = [journal.text_path(row["path"]) for row in known.paths.get(sha, []) if row["problem"] is None]
    newest = (known.answers.get(sha) or [{}])[0]
    values = {field: None if newest.get(field) is None else str(newest[field]) for field in SOUGHT}
    drawn = []
    for number in range(1, images + 1):
        shown = page_image.look(
            paths,
            sha,
            values,
            guarded_environment(),
            number=None if images == 1 else number,
            seconds=settings.reader_seconds,
            memory_bytes=settings.reader_memory_bytes,
            max_bytes=settings.max_pdf_bytes,
        )
        if shown.problem:
            return f"<p>{escape(shown.problem)}</p>"
        drawn.append(_image(shown))
        if number >= shown.count:
            break
    return "".join(drawn)


def _image(shown: page_image.Page) -> str:
    """A page with a frame around each value that was found on it, which names the field."""
    frames = "".join(
        f'<rect x="{100 * place.left:.2f}%" y="{100 * place.top:.2f}%" width="{100 * (place.right - place.left):.2f}%" '
        f'height="{100 * (place.bottom - place.top):.2f}%"><title>{escape(field.replace("_", " "))}</title></rect>'
        for field, places in shown.places.items()
        for place in places
        if place.page == shown.number
    )
    text = f"page {shown.number} of {shown.count}"
    source = f"data:image/png;base64,{b64encode(shown.png).decode()}"
    return f'<figure><img alt="{text}" src="{source}"><svg aria-hidden="true">{frames}</svg><figcaption>{text}</figcaption></figure>'


def _answers(known: _Known, sha: str) -> Html:
    """Field by field what the arms answered, each marked right or wrong where there is a label, and the label."""
    answers = known.answers.get(sha, [])[:ARMS]
    right = {(row["field"], row["arm"]): row["is_right"] for row in known.scored.get(sha, [])}
    truth = {row["field"]: "(none)" if row["is_absent"] else row["value"] for row in known.truth.get(sha, [])}
    names = {f"answer_{place}": answer["arm"] + (" (simulated)" if answer["is_simulated"] else "") for place, answer in enumerate(answers)}
    rows = []
    for field in (name for name in FIELDS if name not in OF_ITSELF):
        said = [_text(answer[field]) for answer in answers]
        if truth.get(field) is None and not any(said):
            continue
        marked = [MARKS[right.get((field, answer["arm"]))] + (text or "–") for answer, text in zip(answers, said, strict=True)]
        rows.append({"field": field.replace("_", " "), "label": truth.get(field)} | dict(zip(names, marked, strict=True)))
    schema = dict.fromkeys(("field", "label", *names), pl.String)
    note = "✓ right, ✗ wrong, by the label; (none): the document has no such value" if truth else "nobody has labelled it"
    return table(pl.DataFrame(rows, schema=schema), {"field": "field", "label": "label"} | names, title="What was read", note=note)


def _text(value: Any) -> str | None:
    """A value as people read it; None where there is none."""
    if value is None or value == "[]":
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal | float):
        return f"{value:.2f}" if value == round(value, 2) else f"{value}"
    if isinstance(value, str) and value.startswith("["):
        value = "; ".join(_item(item) for item in json.loads(value))
    return textwrap.shorten(str(value), LETTERS, placeholder=" …")


def _item(item: Any) -> str:
    return ", ".join(str(part) for part in item.values() if part is not None) if isinstance(item, dict) else str(item)


def _calls(known: _Known, sha: str) -> Html:
    calls = known.calls.get(sha)
    if calls is None:
        return wrapped("<p>No call was made about it.</p>")
    columns = [name for name in CALLS if name != "document_sha256"] + ["run_id"]
    return table(calls, columns, title="Calls", subtitle="every one about this document", is_simulated=bool(calls["is_simulated"].all()))


def _labels(known: _Known, sha: str) -> Html:
    labels = known.labels.get(sha)
    if not labels:
        return Html("")
    who = ("labeller", "source", "labelled_at")
    rows = [{"field": row["field"], "label": "(none)" if row["is_absent"] else row["value"]} | {name: row[name] for name in who} for row in labels]
    return table(pl.DataFrame(rows, infer_schema_length=None), title="Labels", subtitle="who says what is true")


def _alerts(known: _Known, sha: str) -> Html:
    runs = known.states.get(sha, {}).get("runs", [])
    found = known.alerts.filter(pl.col("run_id").is_in(runs))
    return table(found.drop("run_id"), title="Alerts", subtitle="of the runs that worked on it") if found.height else Html("")
