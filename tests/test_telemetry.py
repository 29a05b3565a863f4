"""Calls told to OpenTelemetry: a real receiver of OTLP over HTTP on this machine gets spans and metrics, and whatever becomes of it, no run fails."""

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autod_lib import telemetry
from autod_lib.local_api import running

from .pipeline import answering, make_inbox, reply, rows, run, settings_for

OFF = """
import sys
from pathlib import Path
from autod_lib.journal import Journal
with Journal(Path(sys.argv[1])) as segment:
    segment.write("call_started", model="m")
    segment.write("call_finished", model="m")
print([name for name in sys.modules if name.startswith(("opentelemetry", "google"))])"""


def attributes(of: Any) -> dict[str, Any]:
    """Attributes of a span or a point, as plain values."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in of.attributes}


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the one variable that turns it on."""
    return lambda address: monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address.removesuffix("/v1"))


def test_each_call_is_a_span_and_adds_to_tokens_and_durations(tmp_path: Path, endpoint: Callable[[str], None]) -> None:
    """Three documents, the first attempt of one refused: what the ledger says of its four calls is what the collector gets, and no text or key."""
    trace_service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason="the extra otel is not installed")
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    got: dict[str, list[bytes]] = {}

    def collect(handler: Any, body: bytes) -> None:
        got.setdefault(handler.path, []).append(body)
        reply(handler, 200, b"", content_type="application/x-protobuf")

    home = tmp_path / "home"
    with answering(collect) as (collector, _), running(faults="503=first1") as address:
        endpoint(collector)
        report = run(make_inbox(tmp_path / "in", 3, lines=3), settings_for(home, address, in_flight=1, longest_wait_s=0.01))
    spans = [
        (group.resource, span)
        for body in got["/v1/traces"]
        for group in trace_service.ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]
    newest = ExportMetricsServiceRequest.FromString(got["/v1/metrics"][-1]).resource_metrics[0].scope_metrics[0].metrics
    points = {metric.name: [(attributes(point), point.sum, point.count) for point in metric.histogram.data_points] for metric in newest}
    ledger = rows(
        home,
        "select call_id::varchar, document_sha256, model, model_answered, error_kind, input_tokens, cached_tokens, output_tokens, cost_usd::double, "
        "epoch_us(finished_at), latency_ms from api_calls order by started_at, call_id",
    )

    assert (report.processed, len(spans), len(ledger)) == (3, 4, 4)
    assert {attributes(resource)["service.name"] for resource, _ in spans} == {"autod"}
    for (_, span), row in zip(sorted(spans, key=lambda pair: pair[1].start_time_unix_nano), ledger, strict=True):
        call_id, document, model, answered, error, tokens_in, cached, tokens_out, cost, ended_us, latency_ms = row
        told = attributes(span)
        assert (span.name, span.kind, told["gen_ai.operation.name"], told["gen_ai.provider.name"]) == (f"chat {model}", 3, "chat", "openai")
        assert (told["autod.call_id"], told["autod.document_sha256"], told["autod.run_id"]) == (call_id, document, report.run_id)
        assert (told["gen_ai.request.model"], told.get("gen_ai.response.model"), told.get("error.type")) == (model, answered, error)
        usage = [told.get(f"gen_ai.usage.{name}") for name in ("input_tokens", "cache_read.input_tokens", "output_tokens")]
        assert (*usage, told.get("autod.cost_usd")) == (tokens_in, cached, tokens_out, cost)
        assert (span.status.code == 2) == (error is not None)
        assert span.end_time_unix_nano / 1e3 == pytest.approx(ended_us, abs=1)
        assert (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6 == pytest.approx(latency_ms, abs=0.01)
        assert (told["server.address"], told["autod.is_simulated"]) == ("127.0.0.1", True)
    used = {told["gen_ai.token.type"]: total for told, total, _ in points["gen_ai.client.token.usage"]}
    assert used == {"input": report.input_tokens, "output": report.output_tokens}
    lasted = {told.get("error.type"): (total, count) for told, total, count in points["gen_ai.client.operation.duration"]}
    assert {error: count for error, (_, count) in lasted.items()} == {None: 3, "http_503": 1}
    assert sum(total for total, _ in lasted.values()) == pytest.approx(sum(row[-1] for row in ledger) / 1000)
    everything = b"".join(body for bodies in got.values() for body in bodies)
    assert b"Alder" not in everything
    assert b"invoice-00" not in everything


def test_without_an_endpoint_nothing_of_it_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor with one that the variables turn off; a call then costs one look at None."""
    done = subprocess.run([sys.executable, "-c", OFF, tmp_path], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr

    assert telemetry.listener("run") is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    for name, value, signals in (
        ("OTEL_SERVICE_NAME", "night", ["TRACES", "METRICS"]),
        ("OTEL_METRICS_EXPORTER", "none", ["TRACES"]),
        ("OTEL_TRACES_EXPORTER", "none", []),
    ):
        monkeypatch.setenv(name, value)
        heard = telemetry.listener("run")
        assert (heard.signals if heard else []) == signals
    monkeypatch.delenv("OTEL_TRACES_EXPORTER")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert telemetry.listener("run") is None


def test_a_collector_that_is_away_fails_and_delays_no_run(
    tmp_path: Path, endpoint: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody listens at its address: the run is what it would be, and ends within the time limit. Without the extra one line says what to install."""
    endpoint("http://127.0.0.1:9")
    monkeypatch.setattr(telemetry, "CLOSE_S", 0.2)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")  # what goes on behind it ends with the test
    inbox = make_inbox(tmp_path / "in", 2, lines=3)
    with running(answers="canned") as address:
        under = settings_for(tmp_path / "home", address)
        begun = time.monotonic()
        assert run(inbox, under, limit=1).processed == 1
        assert time.monotonic() - begun < 10

        monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
        with caplog.at_level(logging.WARNING, "autod"):
            assert run(inbox, under, limit=1).processed == 1
    assert [record.getMessage() for record in caplog.records if "autod[otel]" in record.getMessage()] == [
        "OTEL_ variables name an endpoint, but the extra is not installed; no call is told. Run: pip install 'autod[otel]'"
    ]
