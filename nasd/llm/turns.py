"""Whose question comes next: askers take turns, and one who asks much waits for those who ask little."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from nasd.llm.base import ModelBusy


class Turns:
    """For one event loop. At most `slots` have their turn at once and at most `longest` wait."""

    def __init__(self, slots: int, longest: int) -> None:
        self._free = slots
        self._slots = slots
        self._longest = longest
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}  # in the order of their next turn

    @property
    def taken(self) -> int:
        return self._slots - self._free

    @property
    def waiting(self) -> int:
        return sum(map(len, self._queues.values()))

    @asynccontextmanager
    async def turn(self, asker: str) -> AsyncGenerator[None, None]:
        """Waits for a turn and has it for the block. Raises ModelBusy at once when too many wait."""
        await self._enter(asker)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, asker: str) -> None:
        if self._free and not self._queues:
            self._free -= 1
            return
        if self.waiting >= self._longest:
            raise ModelBusy(
                f"{self.waiting} questions wait for the language model already.", retry_after_s=10
            )
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(asker, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # the turn came in the same moment: for the next one
                self._leave()
            else:
                self._forget(asker, mine)
            raise

    def _leave(self) -> None:
        self._free += 1
        while self._free and self._queues:
            asker = next(iter(self._queues))
            queue = self._queues.pop(asker)
            first = queue.popleft()
            if queue:
                self._queues[asker] = queue  # behind all others
            if not first.done():
                self._free -= 1
                first.set_result(None)

    def _forget(self, asker: str, mine: asyncio.Future[None]) -> None:
        queue = self._queues.get(asker)
        if queue is not None and mine in queue:
            queue.remove(mine)
            if not queue:
                del self._queues[asker]
