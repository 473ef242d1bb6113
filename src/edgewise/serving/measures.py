"""What is counted and timed, in the form that Prometheus reads."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
"""Ends of the classes of latencies, s."""


class Measures:
    """The figures of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.requests = Counter(
            "edgewise_requests", "requests answered", ("method", "address", "status"), registry=self.registry
        )
        self.latency = Histogram(
            "edgewise_request_seconds",
            "from a request to its answer",
            ("address",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.stages = Histogram(
            "edgewise_stage_seconds",
            "of the stages of a request",
            ("model", "stage"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.decisions = Counter(
            "edgewise_decisions",
            "decisions; degraded ones are the reference rule's",
            ("model", "policy", "degraded"),
            registry=self.registry,
        )
        self.outside = Counter(
            "edgewise_outside", "decisions on input outside of what was trained on", ("model",), registry=self.registry
        )
        self.batch = Histogram(
            "edgewise_batch_size",
            "questions decided together",
            ("model",),
            buckets=(1, 2, 4, 8, 16, 32, 64),
            registry=self.registry,
        )
        self.shadows = Counter(
            "edgewise_shadow_decisions",
            "decisions of shadow models, by whether they agree",
            ("model", "shadow", "policy", "agrees"),
            registry=self.registry,
        )
        self.queue = Gauge("edgewise_queue", "requests that wait", registry=self.registry)
        self.sessions = Gauge("edgewise_sessions", "open sessions in memory", registry=self.registry)
        self.models = Gauge(
            "edgewise_model", "1 for the policy that a model has now", ("model", "policy"), registry=self.registry
        )
        self.ready = Gauge("edgewise_ready", "1 if the server is ready", registry=self.registry)

    def text(self) -> bytes:
        """All figures."""
        return generate_latest(self.registry)
