"""Ask: search, then an answer whose every sentence stands in a file, or an honest refusal.

The files' own sentences come at once; where there is a language model, what it writes comes under them, each
sentence checked before it is shown.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from nasd.answer.base import Answerer
from nasd.answer.citing import cite, marked
from nasd.answer.verify import Doubt
from nasd.clock import Clock
from nasd.domain.search import Answer, Citation, Filters, Mode, SearchResult, Sentence
from nasd.embed.vocabulary import share_known
from nasd.errors import InvalidRequest, NasdError
from nasd.flows.followups import standing_alone
from nasd.flows.models import Models
from nasd.flows.search import Search
from nasd.flows.writing import Turn, Writer

log = logging.getLogger(__name__)

EVIDENCE = 20
"""Passages an answer is looked for in."""

KNOWN = 0.3
"""Share of a question's words that the embedding model has to know; below, its cosines say nothing: two texts
in a language it never learnt are all alike."""

Step = tuple[str, object]


class Ask:
    def __init__(
        self, search: Search, models: Models, answerer: Answerer, clock: Clock, writer: Writer | None = None
    ) -> None:
        self._search = search
        self._models = models
        self._answerer = answerer
        self._clock = clock
        self._writer = writer

    async def ask(
        self,
        question: str,
        *,
        filters: Filters,
        answerer: str,
        history: Sequence[Turn] = (),
        asker: str = "",
    ) -> Answer:
        """Raises ModelAbsent when the language model is asked for and there is none."""
        steps = self.stream(question, filters=filters, answerer=answerer, history=history, asker=asker)
        async for name, value in steps:
            if name == "done":
                assert isinstance(value, Answer)
                return value
        raise RuntimeError("an answer ends with what it came to")

    async def stream(
        self,
        question: str,
        *,
        filters: Filters,
        answerer: str,
        history: Sequence[Turn] = (),
        asker: str = "",
    ) -> AsyncIterator[Step]:
        """("passages", SearchResult), ("extractive", Answer) where a model is to write another one,
        ("token", str)…, ("citation", Citation)…, ("done", Answer)."""
        began = self._clock.monotonic()
        writer = self._chosen_writer(answerer)
        looked_for = standing_alone(question, [asked for asked, _ in history])
        # What no person sees is no evidence, and no answerer ever gets it: it may be there to mislead one.
        found = await self._search.search(
            looked_for, k=EVIDENCE, mode=Mode.HYBRID, filters=filters, prose=True, hidden=False
        )
        yield "passages", found
        embed = self._embed if self._knows(looked_for) else None
        answer = await asyncio.to_thread(self._answerer.answer, looked_for, found.hits, embed)
        answer = self._timed(answer, found, began)
        if writer is not None and not answer.abstained:
            yield "extractive", answer
            async with aclosing(_Writing(writer, question, found, history, asker).steps()) as steps:
                written: Answer | None = None
                async for name, value in steps:
                    if isinstance(value, Answer):
                        written = value
                    else:
                        yield name, value
            if written is not None and any(one.supported for one in written.sentences):
                written = replace(written, confidence=answer.confidence)
                for citation in written.citations:
                    yield "citation", citation
                yield "done", self._timed(written, found, began)
                return
            if written is not None:
                answer = replace(answer, notes=written.notes)
        for position, sentence in enumerate(answer.sentences):
            yield "token", sentence.text if position == 0 else f" {sentence.text}"
        if not answer.sentences:
            yield "token", answer.text
        for citation in answer.citations:
            yield "citation", citation
        yield "done", self._timed(answer, found, began)

    def _chosen_writer(self, answerer: str) -> Writer | None:
        if answerer == "llm":
            if self._writer is None:
                raise InvalidRequest(
                    "This daemon has no language model.",
                    cure="Use the extractive answerer (auto does).",
                    fields={"answerer": "llm is not available"},
                )
            self._writer.model()
            return self._writer
        ready = answerer == "auto" and self._writer is not None and self._writer.ready
        return self._writer if ready else None

    def _timed(self, answer: Answer, found: SearchResult, began: float) -> Answer:
        took_ms = round((self._clock.monotonic() - began) * 1000, 2)
        return replace(answer, coverage=found.coverage, took_ms=took_ms)

    def _knows(self, question: str) -> bool:
        """Whether there is an embedding model, and it knows the question's language."""
        if self._models.embedder is None:
            return False
        return share_known(question, self._models.count_tokens) >= KNOWN

    def _embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """The question first, as a query; the rest as documents."""
        embedder = self._models.embedder
        assert embedder is not None
        question = embedder.embed_query(texts[0])[np.newaxis, :]
        return np.concatenate([question, embedder.embed_documents(texts[1:])])


class _Writing:
    """One answer of the model as it comes about."""

    def __init__(
        self, writer: Writer, question: str, found: SearchResult, history: Sequence[Turn], asker: str
    ) -> None:
        self._writer = writer
        self._question = question
        self._found = found
        self._history = history
        self._asker = asker

    async def steps(self) -> AsyncGenerator[Step, None]:
        """("token", str)…, then ("answer", Answer), perhaps without sentences; a model that fails in the
        middle leaves what was supported so far."""
        sentences: list[Sentence] = []
        citations: list[Citation] = []
        notes: list[str] = []
        name = self._writer.model().name
        try:
            write = self._writer.write(
                self._question, self._found.hits, history=self._history, asker=self._asker
            )
            async with aclosing(write) as verdicts:
                async for verdict, shown in verdicts:
                    if verdict.doubt is not None:
                        log.debug("a sentence is not supported: %s", verdict.doubt.value)
                        # An address that no file has is not shown at all: somebody may follow it.
                        if not self._writer.marks or verdict.doubt is Doubt.ADDRESS:
                            continue
                    hits = {one.n: one.hit for one in shown}
                    numbers = tuple(
                        dict.fromkeys(cite(hits[q.n], q.start, q.end, citations) for q in verdict.quotes)
                    )
                    text = marked(verdict.claim.text, numbers) if numbers else verdict.claim.text
                    yield "token", text if not sentences else f" {text}"
                    sentences.append(Sentence(text=text, citations=numbers, supported=verdict.supported))
        except NasdError as error:
            log.warning("the language model did not answer: %s", error)
            notes.append(f"the language model did not answer: {error}")
        if not sentences and not notes:
            notes.append("the language model said nothing that the files support")
        yield (
            "answer",
            Answer(
                text=" ".join(one.text for one in sentences),
                abstained=False,
                answerer=f"llm:{name}",
                sentences=tuple(sentences),
                citations=tuple(citations),
                notes=tuple(notes),
            ),
        )
