"""What happens, told to whoever listens."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from nasd.clock import Clock
from nasd.domain.events import Event

REMEMBERED = 500
QUEUED = 1000  # for one subscriber; a slower one loses the oldest


class Hub:
    """Publishes events to all subscribers of this process and remembers the last ones."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._past: deque[Event] = deque(maxlen=REMEMBERED)
        self._queues: set[asyncio.Queue[Event]] = set()
        # Ids go on rising over a restart, so that a listener that returns misses nothing twice.
        self._next_id = int(clock.now().timestamp() * 1000)

    def publish(self, type: str, **data: str | int | float | bool | None) -> None:
        event = Event(id=self._next_id, type=type, at=self._clock.now(), data=data)
        self._next_id += 1
        self._past.append(event)
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)

    async def subscribe(self, after_id: int | None = None) -> AsyncIterator[Event]:
        queue: asyncio.Queue[Event] = asyncio.Queue(QUEUED)
        if after_id is not None:
            for event in [past for past in self._past if past.id > after_id]:
                queue.put_nowait(event)
        self._queues.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._queues.discard(queue)
