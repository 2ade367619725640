"""What a daemon tells while it is measured, and waiting for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

from nasd.client import Client

ASK_EVERY_S = 0.02
GIVE_UP_S = 120.0


class Told:
    """The events of a daemon while it is listened to: how many of each type, and the last `scan.done`."""

    def __init__(self, client: Client) -> None:
        self.counts: Counter[str] = Counter()
        self._client = client
        self._scanned: dict[str, int] = {}
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for event in self._client.events():
            self.counts[event.type] += event.data.get("files", 1)
            if event.type == "scan.done":
                volume = event.data["volume"]
                self._scanned[volume] = self._scanned.get(volume, 0) + 1

    def scans(self, volume: str) -> int:
        return self._scanned.get(volume, 0)

    async def until_scanned(self, volume: str, beyond: int) -> None:
        while self.scans(volume) <= beyond:
            if self._task.done():
                raise RuntimeError("the daemon's events broke off") from self._task.exception()
            await asyncio.sleep(0.005)

    async def close(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(GIVE_UP_S):
        while not await holds():
            await asyncio.sleep(ASK_EVERY_S)


class Silent:
    """Shows no progress."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def update(self, status: object, goal: object) -> None:
        return
