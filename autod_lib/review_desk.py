"""The desk of a review in JupyterLab: the page beside the fields, all of it by keyboard.

Decided here: what the browser is told and which of its messages are obeyed: one that was sent before the last answer arrived is not, so that no key
accepts what nobody has seen. The script and its style are in templates/, read when a desk is made, and reach nothing outside the page. What an action
means is decided in review.py.
"""

import json
import time
from dataclasses import asdict
from importlib.resources import files
from typing import Any, Final

from . import labels
from .document import DocType
from .page import share, visible
from .review import FIELDS, Document, Session

QUICK_S: Final = 1.0  # how long a figure may take to be made anew after each document


class Desk:
    """What a desk shows of a session, and what it does on a message; `widget` is what a notebook displays."""

    def __init__(self, session: Session) -> None:
        import anywidget
        import traitlets

        class Widget(anywidget.AnyWidget):
            _esm = (files("autod_lib") / "templates" / "review.js").read_text()
            _css = (files("autod_lib") / "templates" / "review.css").read_text()
            shown = traitlets.Dict().tag(sync=True)
            picture = traitlets.Bytes().tag(sync=True)

        self.session = session
        self._message = ""
        self._step = 0
        self._accuracy = _sentence(session.before)
        self._is_quick = True
        self._number: int | None = None
        self.widget = Widget()
        self.widget.on_msg(lambda _widget, content, _buffers: self.on_message(content))
        self._show()

    def on_message(self, content: dict[str, Any]) -> None:
        """Does what a key asked for, if it was asked of what is shown."""
        if content.get("step") != self._step:
            return
        session, do, number = self.session, content.get("do"), None
        if do == "undo":
            self._message = session.undo()
        elif do == "end":
            session.close()
            self._message = "The session is recorded. What comes next begins another."
        elif session.document is not None and do in ("accept", "skip"):
            self._message = session.accept() if do == "accept" else session.skip()
            self._measure()
        elif session.document is not None and do in ("correct", "absent"):
            text = labels.ABSENT if do == "absent" else str(content.get("text", ""))
            self._message = session.correct(str(content.get("field")), text)
            number = self._number
        elif session.document is not None and do == "page":
            number = int(content.get("number", 1))
        self._show(number)

    def _measure(self) -> None:
        """The accuracy anew, at the end in any case; between documents as long as nobody has to wait for it."""
        if self._is_quick or self.session.document is None:
            begun = time.monotonic()
            before, now = _sentence(self.session.before), _sentence(self.session.accuracy())
            self._accuracy = now if now == before else f"{before} before, {now} now"
            self._is_quick = time.monotonic() - begun < QUICK_S

    def _show(self, number: int | None = None) -> None:
        session, document = self.session, self.session.document
        self._step += 1
        shown: dict[str, Any] = {
            "step": self._step,
            "labeller": session.labeller,
            "message": visible(self._message),
            "accuracy": self._accuracy,
            "can_undo": session.can_undo,
            "place": session.place,
            "documents": len(session.documents),
        }
        picture = b""
        if document is not None:
            page = session.look(number)
            self._number, picture = page.number, page.png
            places = {name: [asdict(place) for place in found] for name, found in page.places.items()}
            shown["document"] = {
                "name": visible(document.file_name),
                "sha256": document.document_sha256,
                "why": visible(document.why),
                "is_random": document.is_random,
                "fields": _fields(document),
                "places": places,
                "number": page.number,
                "count": page.count,
                "problem": visible(page.problem),
            }
        with self.widget.hold_sync():
            self.widget.picture = picture
            self.widget.shown = json.loads(json.dumps(shown))


def desk(session: Session) -> Any:
    """The widget of a session, to be displayed in JupyterLab."""
    return Desk(session).widget


def _fields(document: Document) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "value": None if (value := document.values[name]) is None else visible(value),
            "is_said": name in document.said,
            "is_sought": value is not None and name not in ("doc_type", "language_detected"),  # which no page need spell out
            "other": f"{who} says {visible(says or 'none')}" if (who, says) != ("", None) else "",
            "choices": list(DocType) if name == "doc_type" else [],
        }
        for name in FIELDS
        for who, says in (document.others.get(name, ("", None)),)
    ]


def _sentence(accuracy: Any) -> str:
    """How right all labelled values are, in a few words. Takes metrics.accuracy_in_use."""
    every = accuracy.filter(accuracy["field"] == "(all)")
    labelled, right = int(every["labelled"].sum()), int(every["right_answers"].sum())
    return f"{share(right / labelled)} of {labelled} labelled values right" if labelled else "nothing labelled"
