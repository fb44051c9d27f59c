"""Prometheus metrics of the gateway, in a registry of its own."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from r3mes_ray.serving.records import AnswerEnd, Part, ServedExpert
from r3mes_ray.serving.reports import EngineReport

_STAGES = ("embed", "route", "retrieve", "adapter", "first_token", "total")
_CACHE_COUNTERS = (
    "slot_hits",
    "ram_hits",
    "fetches",
    "prefetches",
    "slot_evictions",
    "ram_evictions",
    "slot_bytes",
    "ram_bytes",
    "refused",
)
_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0)


class ServingMetrics:
    """Counts answers as they end, and renders them with what the parts say of themselves."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = self._counter("requests", "Answers by expert and outcome", "expert", "outcome")
        self._tokens = self._counter("tokens", "Tokens of finished answers", "kind")
        self._stages = Histogram(
            "r3mes_stage_seconds", "Seconds of an answer by stage", ["stage"], buckets=_SECONDS, registry=self._registry
        )
        self._engine = self._gauge("engine", "What the engine replicas do, summed", "state")
        self._forms = self._gauge("engine_info", "Engine replicas by how they compute", "kind", "weights", "dtype")
        self._cache = self._gauge("adapter_cache", "Counters and bytes of the adapter caches, summed", "figure")
        self._versions = self._gauge("expert_version", "Version that is served", "expert")
        self._parts = self._gauge("part_up", "1 where a part can do its work", "part")

    def finished(self, end: AnswerEnd) -> None:
        """Count an answer that ended well."""
        self._requests.labels(end.record.expert or "base", "ok").inc()
        self._tokens.labels("prompt").inc(end.prompt_tokens)
        self._tokens.labels("completion").inc(end.completion_tokens)
        for stage in _STAGES:
            self._stages.labels(stage).observe(getattr(end.record.timings, f"{stage}_s"))

    def failed(self, outcome: str) -> None:
        """Count an answer that did not: by its error's name, or `cancelled`."""
        self._requests.labels("", outcome).inc()

    def render(self, parts: Sequence[Part], experts: Sequence[ServedExpert], reports: Sequence[EngineReport]) -> bytes:
        """The text format of Prometheus."""
        for gauge in (self._versions, self._parts, self._forms):
            gauge.clear()
        for part in parts:
            self._parts.labels(part.name).set(part.ok)
        for expert in experts:
            self._versions.labels(expert.current.expert).set(expert.current.version)
        for figure in ("running", "waiting", "steps", "generated_tokens", "prompt_tokens"):
            self._engine.labels(figure).set(sum(getattr(report.engine, figure) for report in reports))
        for form in (report.form for report in reports if report.form is not None):
            self._forms.labels(form.kind, form.weights, form.dtype).inc()
        for figure in _CACHE_COUNTERS:
            self._cache.labels(figure).set(sum(getattr(report.cache, figure) for report in reports))
        for figure in ("resident", "in_ram", "pinned"):
            self._cache.labels(figure).set(sum(len(getattr(report.cache, figure)) for report in reports))
        return generate_latest(self._registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"r3mes_{name}", text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"r3mes_{name}", text, labels, registry=self._registry)
