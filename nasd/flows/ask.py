"""Ask: search, then an answer whose every sentence stands in a file, or an honest refusal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from nasd.answer.base import Answerer
from nasd.clock import Clock
from nasd.domain.search import Answer, Filters, Mode, SearchResult
from nasd.errors import InvalidRequest
from nasd.flows.models import Models
from nasd.flows.search import Search

EVIDENCE = 20
"""Passages an answer is looked for in."""


class Ask:
    def __init__(self, search: Search, models: Models, answerer: Answerer, clock: Clock) -> None:
        self._search = search
        self._models = models
        self._answerer = answerer
        self._clock = clock

    async def ask(self, question: str, *, filters: Filters, answerer: str) -> Answer:
        began = self._clock.monotonic()
        found = await self._find(question, filters, answerer)
        return await self._answer(question, found, began)

    async def stream(
        self, question: str, *, filters: Filters, answerer: str
    ) -> AsyncIterator[tuple[str, object]]:
        """("passages", SearchResult), ("token", str)…, ("citation", Citation)…, ("done", Answer)."""
        began = self._clock.monotonic()
        found = await self._find(question, filters, answerer)
        yield "passages", found
        answer = await self._answer(question, found, began)
        for position, sentence in enumerate(answer.sentences):
            yield "token", sentence.text if position == 0 else f" {sentence.text}"
        if not answer.sentences:
            yield "token", answer.text
        for citation in answer.citations:
            yield "citation", citation
        yield "done", answer

    async def _find(self, question: str, filters: Filters, answerer: str) -> SearchResult:
        if answerer == "llm":
            raise InvalidRequest(
                "There is no language model in this version.",
                cure="Use the extractive answerer (auto does).",
                fields={"answerer": "llm is not available"},
            )
        # What no person sees is no evidence, and no answerer ever gets it: it may be there to mislead one.
        return await self._search.search(
            question, k=EVIDENCE, mode=Mode.HYBRID, filters=filters, prose=True, hidden=False
        )

    async def _answer(self, question: str, found: SearchResult, began: float) -> Answer:
        embed = None if self._models.embedder is None else self._embed
        answer = await asyncio.to_thread(self._answerer.answer, question, found.hits, embed)
        took_ms = round((self._clock.monotonic() - began) * 1000, 2)
        return replace(answer, coverage=found.coverage, took_ms=took_ms)

    def _embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """The question first, as a query; the rest as documents."""
        embedder = self._models.embedder
        assert embedder is not None
        question = embedder.embed_query(texts[0])[np.newaxis, :]
        return np.concatenate([question, embedder.embed_documents(texts[1:])])
