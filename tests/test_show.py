"""What `autod show` says of one document: found by file or hash, on lines that no name can break."""

from collections.abc import Iterator

import duckdb
import pytest

from autod_lib import store
from autod_lib.errors import SettingsError
from autod_lib.journal import Journal
from autod_lib.show import NEXT, describe

from .ledger import HOSTILE_NAME, write

TWIN = "ab" * 31
HOSTILE_PATH = "/inbox/a\nState: processed\x1b[2J.pdf"


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A ledger with a document of each fate."""
    home = tmp_path_factory.mktemp("home")
    write(home, days=4, a_day=6, seed=5)
    with Journal(home, "20261201-000000-0000000a") as journal:
        for number, status in enumerate(NEXT):
            sha = f"{TWIN}{number:02}"
            journal.write("sighting", path=f"/inbox/{status}.pdf", document_sha256=sha)
            journal.write("document_read", document_sha256=sha, file_name=f"{status}.pdf", page_count=1, status="readable")
            journal.write("document_status", document_sha256=sha, status=status, is_simulated=True, sentence="a\nb" if status == "failed" else None)
        journal.write("sighting", path=HOSTILE_PATH, problem="not_a_file", sentence="It is a\nfolder.")
    with store.reading(home) as con:
        yield con


def test_a_document_is_found_by_its_hash_its_beginning_or_its_name(con: duckdb.DuckDBPyConnection) -> None:
    """All of them lead to the same row, with its calls in their order and its paths."""
    sha, path = con.execute("select document_sha256, path from sightings join documents using (document_sha256) where calls > 1 limit 1").fetchall()[
        0
    ]
    found = describe(con, sha)
    assert found.document is not None
    assert describe(con, sha[:16].upper()) == describe(con, path) == found
    assert [call["started_at"] for call in found.calls] == sorted(call["started_at"] for call in found.calls)
    assert len(found.calls) == found.document["calls"]
    assert [place["path"] for place in found.paths] == [path]
    text = "\n".join(found.sentences())
    assert sha in text
    assert f"Cost: {found.document['cost_usd']} USD in {len(found.calls)} calls" in text


@pytest.mark.parametrize("status", NEXT)
def test_every_fate_has_a_next_step(con: duckdb.DuckDBPyConnection, status: str) -> None:
    """The last line says what to do."""
    lines = describe(con, f"{status}.pdf").sentences()
    assert f"State: {status}" in lines
    assert lines[-1] == f"Next: {NEXT[status]}"


def test_what_has_no_hash_is_told_by_its_path(con: duckdb.DuckDBPyConnection) -> None:
    """A folder or a pipe was seen and could not be read."""
    found = describe(con, HOSTILE_PATH)
    assert found.document is None
    (line,) = found.sentences()
    assert line == "/inbox/a\\nState: processed\\x1b[2J.pdf: not_a_file. It is a\\nfolder."


def test_no_name_makes_a_line_of_its_own(con: duckdb.DuckDBPyConnection) -> None:
    """What a document is called or says is data, also on the terminal."""
    for name in (HOSTILE_NAME, "failed.pdf"):
        for line in describe(con, name).sentences():
            assert line.isprintable()


@pytest.mark.parametrize(("name", "told"), [("nothing.pdf", "neither a file that was seen"), (TWIN, "fits several"), ("'; drop table x", "neither")])
def test_what_fits_nothing_or_too_much_is_told(con: duckdb.DuckDBPyConnection, name: str, told: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(SettingsError, match=told):
        describe(con, name)
