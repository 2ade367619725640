"""Services: each has a name, is restarted when it fails, and is stopped in the reverse of its order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from nasd.clock import Clock
from nasd.flows.events import Hub

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
STEADY_S = 300.0
"""A service that ran this long is sound again: its next failure begins with the shortest pause."""

Run = Callable[[], Coroutine[Any, Any, None]]


@dataclass(slots=True)
class _Service:
    name: str
    run: Run
    task: asyncio.Task[None] | None = None
    state: str = "stopped"
    failures: int = 0


class Supervisor:
    """A service runs until it is cancelled; one that ends or raises is started again after a pause, which
    doubles. Its failure is an event and a line in the log, never silence."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock
        self._services: list[_Service] = []

    def add(self, name: str, run: Run) -> None:
        self._services.append(_Service(name, run))

    def start(self) -> None:
        for service in self._services:
            service.task = asyncio.create_task(self._keep(service), name=service.name)
            service.state = "running"

    def states(self) -> dict[str, str]:
        """Each service's state: running, or since when and why it is not."""
        return {service.name: service.state for service in self._services}

    async def stop(self) -> None:
        """Cancels all, the last started first, and waits for each."""
        for service in reversed(self._services):
            if service.task is not None:
                service.task.cancel()
                await asyncio.gather(service.task, return_exceptions=True)
                service.state = "stopped"

    async def _keep(self, service: _Service) -> None:
        while True:
            began = self._clock.monotonic()
            try:
                await service.run()
                reason = "it ended"
            except Exception as error:
                log.exception("service %s failed", service.name)
                reason = str(error) or type(error).__name__
            if self._clock.monotonic() - began > STEADY_S:
                service.failures = 0
            pause = min(FIRST_PAUSE_S * 2**service.failures, LONGEST_PAUSE_S)
            service.failures += 1
            service.state = f"starts again in {pause:.0f} s: {reason}"
            self._hub.publish("service.failed", service=service.name, detail=reason)
            await asyncio.sleep(pause)
            service.state = "running"
