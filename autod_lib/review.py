"""A review: documents in the order of what a look is worth, and what a person says of each, as labels.

Decided here: what accepting, correcting and skipping mean, what of it is recorded, and how long a pause is. Promised: every action is in the journal
when its method returns, labels and action in one write, and needs no lock of the workspace; nobody's label is replaced but the labeller's own;
what was done last can be taken back. The order is the macro review_order, what a label is labels.py. Used by the notebook 32_review through
review_desk.py. Calls no API.
"""

import atexit
import getpass
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from . import journal, labels, metrics, page_image, store
from .errors import SettingsError, WorkspaceBusy
from .page import share as percent
from .pdf import guarded_environment
from .report import start_columns
from .settings import Settings

FIELDS: Final = ("doc_type", "issuer", "recipient", "primary_date", "secondary_date", "total_amount", "currency", "language_detected")
"""What is reviewed: the single values. Lists are labelled by file, where each item has its place."""

SOURCE: Final = "review"
PAUSE_S: Final = 300.0
"""Time after which nobody is thought to be looking."""

HOW: Final = "To review by keyboard, open this notebook in JupyterLab (autod lab) and run it there. Run without a screen, it writes nothing."


def is_seen(shown: str = "auto", environ: Mapping[str, str] = os.environ) -> bool:
    """Whether somebody sees the notebook: `yes`, `no`, or `auto`: JupyterLab has started its kernel, and no run of autoD.

    Raises: SettingsError for any other word.
    """
    if shown not in ("auto", "yes", "no"):
        raise SettingsError(f"shown={shown!r}: must be auto, yes or no.")
    return shown == "yes" or (shown == "auto" and "JPY_SESSION_NAME" in environ and "AUTOD_PARENT_RUN" not in environ)


def queue(con: Any, *, size: int, share: float, is_simulated: bool | None = None) -> pl.DataFrame:
    """metrics.review_order with why each document is there, in words, as the column `why`.

    Raises: SettingsError when `size` is below 1 or `share` is not 0 to 1.
    """
    if size < 1 or not 0 <= share <= 1:
        raise SettingsError(f"size={size}, share={share}: at least one document, and a share of 0 to 1.")
    order = metrics.review_order(con, is_simulated=is_simulated, size=size, share=share)
    return order.with_columns(pl.Series("why", [_why(row) for row in order.iter_rows(named=True)], pl.String))


def _why(row: Mapping[str, Any]) -> str:
    if row["is_random"]:
        return "drawn at random: nobody was asked to look at it"
    told = [str(reason) for reason in json.loads(row["review_reasons"] or "[]")] or [row["error_sentence"] or "it needs review"]
    stated, used = row["confidence_score"], row["confidence_used"]
    if stated is None:
        told.append("its confidence is not known")
    elif used != stated:
        told.append(f"such a confidence is right in {percent(used)}")
    return "; ".join(told)


@dataclass
class Document:
    """A document under review: its fields as text (None: no value), which of them this session has labelled, and what others say of them."""

    document_sha256: str
    file_name: str
    why: str
    is_random: bool
    paths: list[Path]
    values: dict[str, str | None]
    said: set[str] = field(default_factory=set)
    others: dict[str, tuple[str, str | None]] = field(default_factory=dict)  # labeller and value that count, by field


@dataclass(frozen=True)
class _Done:
    """What can be taken back."""

    action: str
    place: int
    given: tuple[tuple[str, int], ...]  # run and place of each label
    values: dict[str, str | None]
    said: frozenset[str]


class Session:
    """One person's review, document by document; its events are one run, begun with the first action and ended by `close`."""

    def __init__(
        self,
        settings: Settings,
        *,
        labeller: str = "",
        size: int = 50,
        share: float = 0.2,
        is_simulated: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes the documents that wait now; an empty `labeller` is the login name.

        Raises: SettingsError for a size or share that makes no sense; WorkspaceBusy, WorkspaceUnusable.
        """
        self.settings = settings
        self.labeller = labeller.strip() or _login()
        self.place = 0
        self._kind = is_simulated
        self._arguments = {"labeller": self.labeller, "size": size, "share": share}
        self._clock = clock
        self._segment: journal.Journal | None = None
        self._begun = self._since = clock()
        self._history: list[_Done] = []
        with store.reading(settings.home) as con:
            waiting = queue(con, size=size, share=share, is_simulated=is_simulated)
            self.documents = _documents(con, waiting)
            self.before = metrics.accuracy_in_use(con, is_simulated=is_simulated)
        self._meet()
        atexit.register(self.close)

    @property
    def document(self) -> Document | None:
        """The document whose turn it is; None when all are done."""
        return self.documents[self.place] if self.place < len(self.documents) else None

    @property
    def can_undo(self) -> bool:
        """Whether there is anything to take back."""
        return bool(self._history)

    def accept(self) -> str:
        """All values of this document that nobody corrected here are right, an absent one rightly absent: a label for each; then the next."""
        document = self._here()
        given = {name: value for name, value in document.values.items() if name not in document.said}
        told = self._record("accept", given)
        self._go(self.place + 1)
        return f"{document.file_name}: {len(given)} values accepted.{told}"

    def correct(self, name: str, text: str) -> str:
        """A value of this document is another: a label. `labels.ABSENT` says that it has none. What cannot be a value is told and not recorded."""
        document = self._here()
        if name not in document.values:
            return f"{name!r} is no field that is reviewed here."
        value, problem = labels.stored(name, text.strip())
        if problem or not text.strip():
            return f"{name}: {text[:60]!r} was not recorded: {problem or 'nothing was typed; x says that the document has none'}."
        told = self._record("correct", {name: value})
        document.values[name] = value
        document.said.add(name)
        return f"{name} is {'absent' if value is None else repr(value)}.{told}"

    def skip(self) -> str:
        """Leaves this document as it is; then the next."""
        document = self._here()
        self._record("skip", {})
        self._go(self.place + 1)
        return f"{document.file_name}: skipped."

    def undo(self) -> str:
        """Takes back the last action and its labels; what the labeller said before counts again."""
        if not self._history:
            return "There is nothing to take back."
        done = self._history.pop()
        self.place = done.place
        document = self._here()
        events = [
            ("label_withdrawn", {"document_sha256": document.document_sha256, "label_run_id": run_id, "label_seq": seq}) for run_id, seq in done.given
        ]
        names = sorted(done.values) if done.given else []
        self._write([*events, self._action(document, done.action, names, is_undo=True)])
        document.values |= done.values
        document.said = set(done.said)
        self._meet()
        return f"{document.file_name}: {done.action} taken back."

    def accuracy(self) -> pl.DataFrame:
        """metrics.accuracy_in_use as it is now."""
        with store.reading(self.settings.home) as con:
            return metrics.accuracy_in_use(con, is_simulated=self._kind)

    def look(self, number: int | None = None) -> page_image.Page:
        """A page of this document as an image, with where its values stand; the first of theirs without a number."""
        document = self._here()
        return page_image.look(
            document.paths,
            document.document_sha256,
            document.values,
            guarded_environment(),
            number=number,
            seconds=self.settings.reader_seconds,
            memory_bytes=self.settings.reader_memory_bytes,
            max_bytes=self.settings.max_pdf_bytes,
        )

    def close(self) -> None:
        """Ends the run of this session, if it began one; what comes after it is a new one."""
        segment, self._segment = self._segment, None
        if segment is not None:
            with segment:
                segment.write("run_finished", exit_status=0, state="finished", seconds=round(self._clock() - self._begun, 3))
            self._load(segment)

    def _here(self) -> Document:
        assert self.document is not None
        return self.document

    def _go(self, place: int) -> None:
        self.place = place
        if self.document is None:
            self.close()
        self._meet()

    def _meet(self) -> None:
        """Asks what others have said of the document whose turn it is: they may have been at it meanwhile."""
        self._since = self._clock()
        if self.document is not None:
            with store.reading(self.settings.home) as con:
                self.document.others = _others(con, self.document.document_sha256, self.labeller)

    def _record(self, action: str, given: Mapping[str, str | None]) -> str:
        """Writes an action and its labels; returns what is to be said of other labellers, after a blank."""
        document = self._here()
        sha = document.document_sha256
        events = [("label", labels.Label(sha, name, value, self.labeller, SOURCE).columns()) for name, value in given.items()]
        before = {name: document.values[name] for name in given}
        run_id, first = self._write([*events, self._action(document, action, sorted(given), is_undo=False)])
        places = tuple((run_id, first + number) for number in range(len(events)))
        self._history.append(_Done(action, self.place, places, before, frozenset(document.said)))
        with store.reading(self.settings.home) as con:
            document.others = _others(con, sha, self.labeller)
        against = [f"{name} ({who} says {says or labels.ABSENT!r})" for name, (who, says) in document.others.items() if given.get(name, says) != says]
        return f" Recorded beside another labeller's, which counts until somebody settles it: {', '.join(against)}." if against else ""

    def _action(self, document: Document, action: str, names: list[str], *, is_undo: bool) -> tuple[str, dict[str, Any]]:
        now = self._clock()
        seconds, self._since = min(now - self._since, PAUSE_S), now
        told = {"labeller": self.labeller, "action": action, "is_undo": is_undo, "fields": names, "is_random": document.is_random}
        return "review_action", {"document_sha256": document.document_sha256, "seconds": round(seconds, 3)} | told

    def _write(self, events: list[tuple[str, dict[str, Any]]]) -> tuple[str, int]:
        """Writes events at once, in a run of this session; returns the run and the place of the first."""
        if self._segment is None:
            self._segment = journal.Journal(self.settings.home)
            self._segment.write("run_started", **start_columns(self.settings, "review", self._arguments))
            self._begun = self._since
        first = self._segment.events
        self._segment.write_all(events)
        self._load(self._segment)
        return self._segment.run_id, first

    def _load(self, segment: journal.Journal) -> None:
        with suppress(WorkspaceBusy):  # the journal has it, and the next reader loads it
            store.load(self.settings.home, only=segment.path)


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return labels.UNNAMED


def _documents(con: Any, waiting: pl.DataFrame) -> list[Document]:
    shas = waiting["document_sha256"].to_list()
    known = {row["document_sha256"]: row for row in store.rows(con, "from documents where document_sha256 in (select unnest($shas))", {"shas": shas})}
    paths: dict[str, list[Path]] = {sha: [] for sha in shas}
    places = "from sightings where document_sha256 in (select unnest($shas)) and problem is null order by last_seen_at desc, path"
    for sha, path in con.execute(f"select document_sha256, path {places}", {"shas": shas}).fetchall():
        paths[sha].append(journal.text_path(path))
    return [
        Document(
            row["document_sha256"],
            row["file_name"] or row["document_sha256"][:12],
            row["why"],
            row["is_random"],
            paths[row["document_sha256"]],
            {name: None if (value := known[row["document_sha256"]][name]) is None else _text(name, value) for name in FIELDS},
        )
        for row in waiting.iter_rows(named=True)
    ]


def _text(name: str, value: Any) -> str:
    """A value as a label of it is stored."""
    return f"{value:.2f}" if name == "total_amount" and value == round(value, 2) else str(value)


def _others(con: Any, sha256: str, labeller: str) -> dict[str, tuple[str, str | None]]:
    sql = "select field, labeller, value from labels_current where document_sha256 = ? and labeller <> ? order by field"
    return {name: (who, value) for name, who, value in con.execute(sql, [sha256, labeller]).fetchall()}


def effect(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """What a review has changed of metrics.accuracy_in_use, field by field.

    field str · is_simulated bool · labelled_before, labelled int · accuracy_before, accuracy, accuracy_low, accuracy_high float 0–1.
    """
    old = before.select("field", "is_simulated", pl.col("labelled").alias("labelled_before"), pl.col("accuracy").alias("accuracy_before"))
    joined = after.join(old, on=["field", "is_simulated"], how="left", maintain_order="left")
    columns = ("field", "is_simulated", "labelled_before", "labelled", "accuracy_before", "accuracy", "accuracy_low", "accuracy_high")
    return joined.with_columns(pl.col("labelled_before").fill_null(0)).select(columns)
