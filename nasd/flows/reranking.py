"""The last step of a search: a cross-encoder, where there is one, reads the best passages with the query."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Literal

from nasd import wire
from nasd.domain.passages import embedded_text
from nasd.domain.search import Lane
from nasd.embed.rerank import Reranker
from nasd.errors import ModelError
from nasd.flows.choosing import Choice, Group

log = logging.getLogger(__name__)

RERANKED = 20
"""Of the distinct hits: a small cross-encoder needs 10 to 20 ms for each."""

LOOK_S = 15.0
REST_AFTER_S = 300.0

NO_MODEL = (
    "No cross-encoder is installed: hits stay in the order of fusion. "
    "`nasd model import FOLDER --kind rerank` brings one (of sentence-transformers); it is taken up within a "
    "minute."
)


class Reranking:
    """`state` is "off", "missing" (there is no model), "failed" or "ready"."""

    def __init__(
        self,
        find: Callable[[], Reranker | None] | None,
        *,
        seconds: float,
        give_back: Callable[[], None] = lambda: None,
    ) -> None:
        """`find` blocks, and raises `ModelError` for a model that cannot be used; None: switched off.
        `seconds` is what a search may take longer for this. `give_back` hands freed memory to the system."""
        self._find = find
        self._seconds = seconds
        self._give_back = give_back
        self.model: Reranker | None = None
        self.problem: str | None = None
        self.state: Literal["off", "missing", "failed", "ready"] = "off" if find is None else "missing"

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Takes up a model that came, and lets go of the memory of one that nobody asks."""
        if self._find is not None and self.model is None:
            try:
                self.model = await asyncio.to_thread(self._find)
                self.problem = None
                self.state = "missing" if self.model is None else "ready"
            except ModelError as error:
                self._fail(error)
        elif self.model is not None and await asyncio.to_thread(self.model.rest, REST_AFTER_S):
            await asyncio.to_thread(self._give_back)

    async def reorder(self, query: str, choice: Choice) -> None:
        """Puts the first hits into the order in which they answer the query. As many as time is left for; the
        others stay behind them. What was found by what a picture shows keeps its place: it has no text."""
        if self.model is None:
            return
        first = choice.groups[:RERANKED]
        read = [group for group in first if not _seen(group)]
        if len(read) < 2:
            return
        try:
            texts = [_text(group) for group in read]
            scores = await asyncio.to_thread(self.model.score, query, texts, self._seconds)
        except ModelError as error:
            self._fail(error)
            return
        order = sorted(range(len(scores)), key=lambda at: -scores[at])
        ranked = iter([*(read[at] for at in order), *read[len(scores) :]])
        choice.reorder([group if _seen(group) else next(ranked) for group in first])

    def describe(self) -> list[wire.ModelOut]:
        if self._find is None:
            return []
        return [
            wire.ModelOut(
                name="cross-encoder" if self.model is None else self.model.name,
                purpose="reranking",
                state="missing" if self.state == "off" else self.state,
                detail=NO_MODEL if self.state == "missing" else self.problem,
                serving=None if self.model is None else "onnx",
                active=self.model is not None,
            )
        ]

    def close(self) -> None:
        if self.model is not None:
            self.model.close()

    def _fail(self, error: ModelError) -> None:
        if self.problem != str(error):
            log.error("hits are not re-ranked: %s", error)
        self.problem, self.state = str(error), "failed"
        model, self.model = self.model, None
        if model is not None:
            model.close()


def _seen(group: Group) -> bool:
    return Lane.PICTURE in group.shown.fused.ranks


def _text(group: Group) -> str:
    stored = group.shown.passage
    return embedded_text(stored.title, stored.passage.place.heading, stored.passage.text)
