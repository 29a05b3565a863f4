"""Runs, kills, loads, compressions, lost databases and purges in any order: the record is what was written, and no answer is asked for again."""

import shutil
import tempfile
import uuid
from decimal import Decimal
from functools import cache
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from autod_lib import journal, purge, store
from autod_lib.ingest import RECEIVED_SQL, WITHDRAWN_SQL
from autod_lib.journal import Journal

from .pipeline import rows, settings_for

STEPS = ("read", "started", "finished", "extracted", "settled", "ended")
DOCUMENTS = st.sampled_from("abc")


@cache
def empty() -> Path:
    """A database in which nothing has happened."""
    home = Path(tempfile.mkdtemp())
    store.load(home)
    return store.database(home)


class Record(RuleBasedStateMachine):
    """A workspace, and beside it what should be in it."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.lose_the_database()
        self.spent: dict[str, Decimal] = {}
        self.unsettled = 0
        self.received: set[str] = set()  # answered, and their run was killed before it had read the answer
        self.read: set[str] = set()
        self.purged: set[str] = set()

    def teardown(self) -> None:
        """Leaves nothing behind."""
        shutil.rmtree(self.home)

    @rule(document=DOCUMENTS, until=st.sampled_from(STEPS))
    def run(self, document: str, until: str) -> None:
        """A run that is killed behind one of its steps, or ends."""
        sha256, key, call_id, reached = document * 64, f"key {document}", str(uuid.uuid4()), STEPS.index(until)
        about = {"document_sha256": sha256, "request_key": key, "is_simulated": False}
        with Journal(self.home) as segment:
            segment.write("run_started", command="ingest", is_simulated=False)
            if sha256 in self.purged:
                segment.write("purge", document_sha256=sha256, state="taken_back")
            segment.write("deletion", document_sha256=sha256, is_deleted=False)
            segment.write("sighting", document_sha256=sha256, path=f"/in/secret-{document}.pdf")
            segment.write("document_read", document_sha256=sha256, file_name=f"secret-{document}.pdf", status="readable")
            if reached >= 1:
                segment.write("call_started", call_id=call_id, cost_upper_usd="0.5", **about)
            if reached >= 2:
                body = f"secret words of {document}"
                end = {"status": "answered", "outcome": "completed", "cost_usd": "0.25", "body": body, "finished_at": journal.now()}
                segment.write("call_finished", call_id=call_id, **about, **end)
            if reached >= 3:
                segment.write("extraction", call_id=call_id, is_valid=True, issuer=f"secret issuer of {document}", **about)
            if reached >= 4:
                segment.write("document_status", status="processed", **about)
            if reached >= 5:
                segment.write("run_finished", state="finished")
        self.read.add(sha256)
        self.purged.discard(sha256)
        self.unsettled += reached == 1
        if reached >= 2:
            self.spent[sha256] = self.spent.get(sha256, Decimal(0)) + Decimal("0.25")
            self.received |= {call_id} if reached == 2 else set()

    @rule()
    def load(self) -> None:
        """Loads what is behind; the same again adds nothing."""
        store.load(self.home)
        assert store.load(self.home).events == 0

    @rule()
    def lose_the_database(self) -> None:
        """Somebody deletes it; whoever reads next makes it again."""
        shutil.copyfile(empty(), store.database(self.home))

    @rule()
    def pack(self) -> None:
        """Compresses every segment, as a load does a day later."""
        store.load(self.home)
        for segment in journal.segments(self.home):
            if segment.suffix != ".gz":
                journal.pack(segment)

    @rule(document=DOCUMENTS)
    def take_away(self, document: str) -> None:
        """Deletes a document and purges it."""
        sha256 = document * 64
        if sha256 not in self.read:
            return
        away = settings_for(self.home, "http://127.0.0.1:9/v1")
        purge.delete(away, [sha256])
        assert purge.purge(away, days=0).documents == [sha256]
        self.read.discard(sha256)
        self.purged.add(sha256)
        of_others = [call for (call,) in rows(self.home, "select call_id::varchar from calls_finished where document_sha256 <> ?", sha256)]
        self.received &= set(of_others)

    @invariant()
    def the_record_is_what_was_written(self) -> None:
        """Money to the cent, what is known, what is refused, what is answered and not read yet."""
        with store.reading(self.home) as con:
            spent = dict(
                con.execute("select document_sha256, sum(cost_usd) from cost_by_document where cost_usd is not null group by all").fetchall()
            )
            unsettled = con.execute("select count(*) from calls_unsettled").fetchall()
            known = {sha256 for (sha256,) in con.execute("select document_sha256 from documents").fetchall()}
            received = {str(call_id) for _, call_id, *_ in con.execute(RECEIVED_SQL, {"simulated": False}).fetchall()}
            refused = {sha256 for sha256, is_purged in con.execute(WITHDRAWN_SQL).fetchall() if is_purged}
        words = [f"secret-{sha256[0]}.pdf" for sha256 in self.purged] + [f"secret words of {sha256[0]}" for sha256 in self.purged]
        said = "".join(str(event) for segment in journal.segments(self.home) for piece in journal.read(segment) for event in piece.events)

        assert spent == self.spent
        assert unsettled == [(self.unsettled,)]
        assert (known, refused, received) == (self.read, self.purged, self.received)
        assert [word for word in words if word in said] == []


TestRecord = Record.TestCase
TestRecord.settings = settings(max_examples=3, stateful_step_count=6, deadline=None)
