"""Numbers for a monitoring system: what the record, the files of the workspace and the health of its parts say, as OpenMetrics text or a file.

Decided here: what no record holds (sizes, the disk, health) and the two forms: OpenMetrics for whoever asks, the older text format for the textfile
collector of a node exporter, which reads no other. What the metrics of the record mean is decided in the view `measures`. Promised: a file is there
whole or as it was before; a database that cannot be read is a metric too. Called by the command `metrics`. Writes nothing into the workspace.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import orjson
from prometheus_client import CollectorRegistry, write_to_textfile
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest

from . import __version__, doctor, journal, store
from .errors import AutodError, WorkspaceUnusable
from .settings import Settings

SEVERITY: Final = {"healthy": 0, "degraded": 1, "unhealthy": 2}


class _Collected:
    """What was read at one instant, as prometheus_client asks for it."""

    def __init__(self, families: list[Metric]) -> None:
        self.families = families

    def collect(self) -> Iterator[Metric]:
        """The families of metrics."""
        return iter(self.families)


def _gauge(name: str, what: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, what)
    family.add_metric([], value)
    return family


def _of_record(settings: Settings) -> list[Metric]:
    with store.reading(settings.home) as con:
        rows = con.execute("select name, kind, help, labels, value from measures where value is not null order by name, labels").fetchall()
    families: dict[str, Metric] = {}
    for name, kind, what, labels, value in rows:
        named = {
            label: str(text).lower() if isinstance(text, bool) else str(text) for label, text in orjson.loads(labels).items() if text is not None
        }
        form = CounterMetricFamily if kind == "counter" else GaugeMetricFamily
        family = families.setdefault(name, form(name, what))
        family.add_sample(f"{name}_total" if kind == "counter" else name, named, value)
    return list(families.values())


def _of_files(settings: Settings) -> list[Metric]:
    database, segments = store.database(settings.home), journal.segments(settings.home)
    sizes = [path.stat().st_size for path in (database, database.with_name(f"{database.name}.wal")) if path.exists()]
    return [
        _gauge("autod_database_bytes", "Size of the database with its log.", sum(sizes)),
        _gauge("autod_journal_bytes", "Size of the journal.", sum(path.stat().st_size for path in segments)),
        _gauge("autod_journal_segments", "Segments of the journal: one a run.", len(segments)),
        _gauge("autod_disk_free_bytes", "Room on the disk of the workspace.", shutil.disk_usage(doctor.existing(settings.home)).free),
    ]


def registry(settings: Settings) -> CollectorRegistry:
    """Everything there is to tell at this instant."""
    health = GaugeMetricFamily("autod_health", "Health of each part: 0 healthy, 1 degraded, 2 unhealthy.", labels=["part"])
    checks = doctor.examine(settings)
    for part in dict.fromkeys(check.part for check in checks):
        health.add_metric([part], max(SEVERITY[check.state] for check in checks if check.part == part))
    info = GaugeMetricFamily("autod_info", "Version, in its label; always 1.", labels=["version"])
    info.add_metric([__version__], 1)
    families = [info, health, *_of_files(settings)]
    with suppress(AutodError):  # the health of the database tells it
        families += _of_record(settings)
    found = CollectorRegistry(auto_describe=False)
    found.register(_Collected(families))
    return found


def openmetrics(settings: Settings) -> str:
    """Everything in the OpenMetrics text format."""
    text: bytes = generate_latest(registry(settings))  # type: ignore[no-untyped-call]
    return text.decode()


def write_textfile(settings: Settings, path: Path) -> None:
    """Everything in the Prometheus text format, for the textfile collector of a node exporter: written beside, then moved in its place.

    Raises: WorkspaceUnusable when it cannot be written; what was there stays.
    """
    try:
        write_to_textfile(str(path), registry(settings))
        path.chmod(0o644)  # another user reads it
    except OSError as error:
        raise WorkspaceUnusable(
            f"The metrics {str(path)!r} cannot be written ({error.strerror}). Make its folder and let this user write there."
        ) from error
