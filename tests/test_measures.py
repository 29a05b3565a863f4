"""What a monitoring system is told: that it can be read, that it is what the record says, and that a file of it is whole."""

import shutil
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as plain_families

from autod_lib import store
from autod_lib.errors import WorkspaceUnusable
from autod_lib.measures import openmetrics, write_textfile
from autod_lib.settings import Settings

from . import ledger
from .pipeline import autod, rows


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of both kinds of money, an outage and runs that ended badly."""
    home = tmp_path_factory.mktemp("measured") / "home"
    ledger.WORKSPACES["full"](home)
    ledger.write(home, first_day=ledger.FIRST_DAY, days=1, a_day=3, simulated=True, seed=9)
    store.load(home)
    return home


def told(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by its name and labels, read by the strict parser."""
    samples = [sample for family in openmetrics_families(text) for sample in family.samples]
    found = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}
    assert len(found) == len(samples)
    return found


def test_the_text_is_openmetrics_and_says_what_the_record_says(home: Path) -> None:
    """Counters with their ending, labels of both kinds of money, health of every part; the parser of the format takes it all."""
    text = openmetrics(Settings(home=home))
    found = told(text)

    assert text.endswith("# EOF\n")
    for status, is_simulated, calls in rows(home, "select status, is_simulated, count(*) from api_calls group by all"):
        assert found["autod_calls_total", (("simulated", str(is_simulated).lower()), ("status", status))] == calls
    for model, usd in rows(home, "select model, sum(cost_usd) from api_calls where cost_usd is not null and not is_simulated group by all"):
        assert found["autod_cost_usd_total", (("model", model), ("simulated", "false"))] == pytest.approx(float(usd))
    assert found["autod_health", (("part", "database"),)] == 0
    assert found["autod_health", (("part", "last run"),)] in (0, 1)
    assert found["autod_database_bytes", ()] > 0
    names = {name for name, _ in found}
    assert {"autod_outages_total", "autod_errors_total", "autod_retries_total", "autod_breaker_open", "autod_window_latency_seconds"} <= names
    assert {"autod_budget_left_usd", "autod_backlog_documents", "autod_last_run_timestamp_seconds", "autod_disk_free_bytes"} <= names


def test_a_file_for_a_node_exporter_is_whole_or_as_it_was(home: Path, tmp_path: Path) -> None:
    """In the older format that it reads, with the same samples; nothing is left beside it; a folder that is missing is told."""
    path = tmp_path / "autod.prom"
    path.write_text("old")
    ended = autod("metrics", "--textfile", path, home=home)

    assert (ended.returncode, ended.stdout) == (0, "")
    samples = [sample for family in plain_families(path.read_text()) for sample in family.samples]
    assert {sample.name for sample in samples} == {name for name, _ in told(openmetrics(Settings(home=home)))}
    assert [entry.name for entry in tmp_path.iterdir()] == ["autod.prom"]
    assert path.stat().st_mode & 0o444 == 0o444
    with pytest.raises(WorkspaceUnusable, match="cannot be written"):
        write_textfile(Settings(home=home), tmp_path / "nowhere" / "autod.prom")


def test_a_database_that_cannot_be_read_is_a_metric_too(home: Path, tmp_path: Path) -> None:
    """The monitoring sees it, instead of seeing nothing."""
    copy = Path(shutil.copytree(home, tmp_path / "home"))
    store.database(copy).write_text("x" * 20_000)

    found = told(openmetrics(Settings(home=copy)))

    assert found["autod_health", (("part", "database"),)] == 2
    assert "autod_calls_total" not in {name for name, _ in found}
