"""kill -9 in the quick form, a few times; the long form, at every step that the journal tells of and at random instants, is `make crash`."""

import random
from pathlib import Path

from .crash import series

QUICK = ("document_read", "call_started", "call_finished", "random", "loaded")


def test_killed_at_any_step_nothing_is_lost_or_paid_twice(tmp_path: Path) -> None:
    """Every document is done, no answer that was received is asked again, and every call in flight at a kill is named with what it can have cost."""
    found = series(tmp_path, iter(QUICK), random.Random(20261126))

    assert found.wrong() == []
    assert found.kills >= 4
    assert 0 < found.named_unsettled <= found.in_flight_at_kill
