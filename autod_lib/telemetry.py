"""Traces and metrics of the API's calls for OpenTelemetry, made of what the journal writes anyway.

Decided here: when calls are told (an OTLP endpoint is set by the standard variables, and the extra `otel` is installed), and what a call is in the
semantic conventions for generative AI: a span `chat MODEL`, its tokens and its duration. Promised: with no endpoint nothing is imported and a call
costs nothing; no text of a document, no answer and no key is told; whatever becomes of it fails no run. Called by journal.py, which hands on every
event that it has written. Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/openai and …/gen-ai-metrics.
"""

import logging
import os
import threading
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from . import __version__

CALLS: Final = ("call_started", "call_finished")  # the first brings what is needed before a request leaves
SIGNALS: Final = ("TRACES", "METRICS")
TOKENS: Final = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_tokens": "gen_ai.usage.cache_creation.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
}
# Of the conventions: powers of 4 for tokens, of 2 for seconds.
TOKEN_BOUNDS: Final = [4**power for power in range(14)]
SECOND_BOUNDS: Final = [0.01 * 2**power for power in range(14)]
CLOSE_S: Final = 5.0  # a collector that does not answer keeps no run longer
log = logging.getLogger("autod")


def listener(run_id: str) -> "Calls | None":
    """Who hears the events of a run; None unless the OTEL_ variables name an endpoint, speaking HTTP."""
    wanted = [signal for signal in SIGNALS if _is_wanted(signal, os.environ)]
    return Calls(run_id, wanted) if wanted else None


def _is_wanted(signal: str, environ: Mapping[str, str]) -> bool:
    endpoint = environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    is_disabled = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return bool(endpoint) and not is_disabled and environ.get(f"OTEL_{signal}_EXPORTER", "otlp") == "otlp"


class Calls:
    """The calls of one run on their way to a collector, beside the work; exporters, samplers and limits are as the OTEL_ variables say."""

    def __init__(self, run_id: str, signals: list[str]) -> None:
        self.run_id, self.signals = run_id, signals
        self._server: dict[str, Any] = {}
        self._tracer: Any = None
        self._tokens: Any = None
        self._seconds: Any = None
        self._providers: list[Any] | None = None  # None: no call was made yet

    def hear(self, kind: str, columns: Mapping[str, Any]) -> None:
        """Takes an event that is in the journal. Raises nothing: the first fault is logged, and nothing is told from there on."""
        if kind == "run_started" and columns.get("base_url"):
            parts = urlsplit(columns["base_url"])
            self._server = {"server.address": parts.hostname, "server.port": parts.port or (443 if parts.scheme == "https" else 80)}
        elif kind in CALLS and self.signals:
            try:
                if self._providers is None:
                    self._begin()
                if kind == "call_finished":
                    self._tell(columns)
            except ImportError:
                self.signals = []
                log.warning("OTEL_ variables name an endpoint, but the extra is not installed; no call is told. Run: pip install 'autod[otel]'")
            except Exception as error:
                self.signals = []
                log.warning("no further call is told to OpenTelemetry: %s: %s", type(error).__name__, error)

    def close(self) -> None:
        """Hands on what is left, and waits for it no longer than CLOSE_S."""
        ends = [threading.Thread(target=provider.shutdown, daemon=True) for provider in self._providers or ()]
        for end in ends:
            end.start()
        until = time.monotonic() + CLOSE_S
        for end in ends:
            end.join(max(0.0, until - time.monotonic()))
        if any(end.is_alive() for end in ends):
            log.warning("the collector of OpenTelemetry had not taken everything after %g s; the run does not wait for it", CLOSE_S)

    def _begin(self) -> None:
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource

        self._providers = []
        own = {"service.name": "autod", "service.version": __version__, "service.instance.id": self.run_id}
        resource = Resource.create().merge(Resource(own)).merge(OTELResourceDetector().detect())
        if "TRACES" in self.signals:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor

            tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
            tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
            self._tracer = tracers.get_tracer("autod", __version__)
            self._providers.append(tracers)
        if "METRICS" in self.signals:
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
            from opentelemetry.sdk.metrics import MeterProvider
            from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

            meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource, shutdown_on_exit=False)
            meter = meters.get_meter("autod", __version__)
            bounds = "explicit_bucket_boundaries_advisory"
            self._tokens = meter.create_histogram("gen_ai.client.token.usage", "{token}", "Tokens a call used.", **{bounds: TOKEN_BOUNDS})
            self._seconds = meter.create_histogram("gen_ai.client.operation.duration", "s", "How long a call took.", **{bounds: SECOND_BOUNDS})
            self._providers.append(meters)

    def _tell(self, columns: Mapping[str, Any]) -> None:
        about = self._server | {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": columns["model"],
            "gen_ai.response.model": columns["model_answered"],
            "error.type": None if columns["outcome"] == "completed" else columns["error_kind"] or columns["outcome"],
            "autod.is_simulated": columns["is_simulated"],
        }
        about = {name: value for name, value in about.items() if value is not None}
        if self._tokens is not None:
            for kind in ("input", "output"):
                if (count := columns[f"{kind}_tokens"]) is not None:
                    self._tokens.record(count, about | {"gen_ai.token.type": kind})
        if columns["latency_ms"] is None:  # of a batch: nobody waited for it
            return
        if self._seconds is not None:
            self._seconds.record(columns["latency_ms"] / 1000, about)
        if self._tracer is not None:
            self._span(columns, about)

    def _span(self, columns: Mapping[str, Any], about: dict[str, Any]) -> None:
        from opentelemetry.trace import SpanKind, StatusCode

        further = {
            "gen_ai.output.type": "json",
            "gen_ai.response.id": columns["response_id"],
            "openai.request.service_tier": columns["service_tier_asked"],
            "openai.response.service_tier": columns["service_tier"],
            "http.response.status_code": columns["http_status"],
            "autod.run_id": self.run_id,
            "autod.call_id": str(columns["call_id"]),
            "autod.purpose": columns["purpose"],
            "autod.attempt": columns["attempt"],
            "autod.outcome": columns["outcome"],
            "autod.document_sha256": columns["document_sha256"],
            "autod.cost_usd": None if columns["cost_usd"] is None else float(columns["cost_usd"]),
            **{name: columns[column] for column, name in TOKENS.items()},
        }
        ended = int(columns["finished_at"].timestamp() * 1e9)
        span = self._tracer.start_span(
            f"chat {columns['model']}",
            kind=SpanKind.CLIENT,
            attributes=about | {name: value for name, value in further.items() if value is not None},
            start_time=ended - int(columns["latency_ms"] * 1e6),
        )
        if "error.type" in about:
            span.set_status(StatusCode.ERROR, about["error.type"])
        span.end(ended)
