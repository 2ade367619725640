"""What Prometheus reads: requests as they were answered, and the daemon's numbers at the time of asking."""

from __future__ import annotations

from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest

from nasd import wire

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)


class Meter:
    """Metrics in a registry of their own, so that two applications in one process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Histogram(
            "nasd_http_request_seconds",
            "Time to answer a request, by method, route and status",
            ("method", "route", "status"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._files = self._gauge("nasd_files", "Files by volume and state", "volume", "state")
        self._volume_bytes = self._gauge("nasd_volume_bytes", "Bytes of all files known", "volume")
        self._volume_active = self._gauge("nasd_volume_active", "1 unless paused or frozen", "volume")
        self._queue = self._gauge("nasd_queue_jobs", "Jobs by stage", "stage")
        self._rate = self._gauge("nasd_work_per_second", "Work done at present, by unit", "unit")
        self._pending = self._gauge("nasd_pending", "Changes not yet searchable, by lane", "lane")
        self._vectors = self._gauge("nasd_index_vectors", "Vectors in the index")
        self._ready = self._gauge("nasd_ready", "1 when the daemon is ready")
        self._rss = self._gauge("nasd_resident_memory_bytes", "Resident memory of the daemon")
        self._state = self._gauge("nasd_state_bytes", "Bytes of the state folder")
        self._uptime = self._gauge("nasd_uptime_seconds", "Seconds since the start")

    def observe(self, request: web.Request, status: int, seconds: float) -> None:
        """Routes are counted by their template: an address that anybody makes up is no new series."""
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "(none)"
        method = request.method if request.method in ("GET", "HEAD", "POST", "DELETE") else "(other)"
        self._requests.labels(method, route, str(status)).observe(seconds)

    def render(self, status: wire.StatusOut) -> bytes:
        for gauge in (self._files, self._volume_bytes, self._volume_active):
            gauge.clear()  # volumes that were removed
        for volume in status.volumes:
            counts = volume.coverage
            for state in ("searchable", "semantic", "pending", "failed", "skipped"):
                self._files.labels(volume.name, state).set(getattr(counts, state))
            self._volume_bytes.labels(volume.name).set(volume.size)
            self._volume_active.labels(volume.name).set(volume.state == "active")
        queue = status.queue
        for stage in ("settling", "scanning", "read", "embed", "retry", "parked"):
            self._queue.labels(stage).set(getattr(queue, stage))
        self._rate.labels("files").set(queue.files_per_s)
        self._rate.labels("passages").set(queue.passages_per_s)
        self._pending.labels("words").set(status.pending_searchable)
        self._pending.labels("semantic").set(status.pending_semantic)
        self._vectors.set(status.index.vectors)
        self._ready.set(status.state == "ready")
        self._rss.set(status.memory_bytes)
        self._state.set(status.state_bytes)
        self._uptime.set(status.uptime_s)
        return generate_latest(self.registry)

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        return Gauge(name, what, labels, registry=self.registry)
