"""Memory that nobody needs now goes back to the system: the embedding model sleeps when it is not asked."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from nasd.embed.base import Rests
from nasd.errors import ModelError
from nasd.store.lane import Lane

if TYPE_CHECKING:
    from nasd.flows.models import Models

log = logging.getLogger(__name__)

LOOK_S = 15.0
EASE_AFTER_S = 10.0
REST_AFTER_S = 300.0


class Resting:
    def __init__(
        self,
        models: Models,
        lane: Lane,
        *,
        forget: Callable[[], bool],
        give_back: Callable[[], None],
        ease_words: Callable[[], Awaitable[None]],
        keep: Callable[[], None] = lambda: None,
    ) -> None:
        """`forget` lets go of what stood in for the model before it served, and says whether there was
        anything; `give_back` hands freed memory to the system, `ease_words` what was read of the index of
        words; `keep` is told when all is loaded that will be."""
        self._models = models
        self._lane = lane
        self._forget = forget
        self._give_back = give_back
        self._ease_words = ease_words
        self._keep = keep

    async def run(self) -> None:
        await self._models.ready.wait()
        await self.look()
        await asyncio.to_thread(self._keep)
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        embedder: object = self._models.embedder
        freed = self._forget()
        if isinstance(embedder, Rests):
            try:
                if await asyncio.to_thread(embedder.rest, REST_AFTER_S):
                    await self._lane.ease()
                    await self._ease_words()
                    await asyncio.to_thread(gc.collect)
                    freed = True
                elif await asyncio.to_thread(embedder.ease, EASE_AFTER_S):
                    freed = True
            except ModelError as error:
                log.warning("%s", error)
        if freed:
            await asyncio.to_thread(self._give_back)


def resting_note(embedder: object) -> str | None:
    """For whoever asks about the model."""
    if isinstance(embedder, Rests) and embedder.resting:
        return "not in memory: nothing was asked for five minutes; the next query loads it"
    return None
