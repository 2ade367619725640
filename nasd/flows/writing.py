"""Has the language model write an answer from passages, and lets through what the passages say."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from nasd.answer.claims import ReplyReader
from nasd.answer.prompt import NOT_FOUND, Shown, prepare_passages, question_text, system_text
from nasd.answer.verify import Alike, Verdict, verify
from nasd.clock import Clock
from nasd.config import PolicyRule
from nasd.domain.files import display_path
from nasd.domain.search import Hit
from nasd.embed.vocabulary import share_known
from nasd.flows.events import Hub
from nasd.flows.models import Models
from nasd.llm.base import LanguageModel, Message, ModelAbsent, Prompt, PromptTooLong
from nasd.policy.rules import FileSubject, decide

log = logging.getLogger(__name__)

MOST_PASSAGES = 10
REPLY_TOKENS = 400
FEWEST_TOKENS = 300
"""Of a prompt, however slow the machine: the rules, the question and about one passage."""

MOST_TURNS = 4
"""Earlier questions with their answers that a model is told of."""

KNOWN = 0.5
"""Share of a sentence's words that the embedding model has to know for its say to count."""

Turn = tuple[str, str]
"""A question and its answer."""


class HoldsModel(Protocol):
    @property
    def model(self) -> LanguageModel | None: ...

    @property
    def detail(self) -> str | None: ...


class Writer:
    """One for the daemon. Its secret marks passages; it changes with every start."""

    def __init__(
        self,
        language: HoldsModel,
        models: Models,
        hub: Hub,
        clock: Clock,
        *,
        policy: Sequence[PolicyRule] = (),
        unsupported: Literal["drop", "mark"] = "drop",
        first_token_s: float = 20.0,
    ) -> None:
        """`unsupported`: what becomes of sentences that no passage supports. `first_token_s`: passages are so
        few that the model has read them within this time, going by its speed so far."""
        self._language = language
        self._models = models
        self._hub = hub
        self._clock = clock
        self._policy = policy
        self._first_token_s = first_token_s
        self._secret = secrets.token_bytes(32)
        self.marks = unsupported == "mark"

    @property
    def ready(self) -> bool:
        model = self._language.model
        return model is not None and model.state.phase not in ("missing", "failed")

    def model(self) -> LanguageModel:
        """Raises ModelAbsent."""
        model = self._language.model
        if model is None:
            raise ModelAbsent(
                f"There is no language model. {self._language.detail or ''}".strip(),
                cure="Ask with the extractive answerer (auto does), or fetch a model: `nasd model list`.",
            )
        return model

    async def write(
        self, question: str, hits: Sequence[Hit], *, history: Sequence[Turn] = (), asker: str = ""
    ) -> AsyncGenerator[tuple[Verdict, Sequence[Shown]], None]:
        """Each sentence of the model with its verdict, as soon as it is complete, and the passages that its
        numbers mean. None where the model says that they do not answer. Raises what `LanguageModel` raises.
        """
        model = self.model()
        prepared = prepare_passages(self._permitted(model, hits)[:MOST_PASSAGES])
        shown, messages = await self._fitting(model, prepared, question, history)
        if not shown:
            return
        if model.elsewhere:
            self._hub.publish(
                "passages.shown",
                model=model.name,
                asker=asker,
                files="\n".join(
                    sorted({f"{one.hit.file.volume}:{display_path(one.hit.file.path)}" for one in shown})
                ),
            )
        evidence = {one.n: one.evidence for one in shown}
        common = _ordinary(question, shown)
        reader = ReplyReader()
        prompt = Prompt(messages=messages, max_tokens=REPLY_TOKENS, asker=asker)
        async with aclosing(model.stream(prompt)) as pieces:
            async for piece in pieces:
                for claim in reader.take(piece) if isinstance(piece, str) else reader.end():
                    if claim.text.strip(".").upper().startswith(NOT_FOUND):
                        return
                    yield (
                        await asyncio.to_thread(
                            verify, claim, evidence, alike=self._alike(claim.text), common=common
                        ),
                        shown,
                    )

    def _permitted(self, model: LanguageModel, hits: Sequence[Hit]) -> list[Hit]:
        """The hits that this model may see: all of them, unless it runs elsewhere."""
        return [hit for hit in hits if not model.elsewhere or self._may_leave(hit)]

    def _may_leave(self, hit: Hit) -> bool:
        file = hit.file
        changed = datetime.fromtimestamp(0, UTC) + timedelta(seconds=file.mtime_ns / 1e9)
        subject = FileSubject(
            volume=file.volume,
            path=display_path(file.path),
            kind=file.kind,
            size=file.size,
            age=self._clock.now() - changed,
        )
        return decide(self._policy, subject).remote_llm

    async def _fitting(
        self, model: LanguageModel, shown: Sequence[Shown], question: str, history: Sequence[Turn]
    ) -> tuple[Sequence[Shown], list[Message]]:
        """As many passages, the best first, as fit into the context and are read in time. Raises
        PromptTooLong where not even the first fits."""
        info = await model.info()
        room = info.context - REPLY_TOKENS
        if model.speed is not None:
            room = min(room, max(FEWEST_TOKENS, int(model.speed.prompt * self._first_token_s)))
        while shown:
            messages = self._messages(shown, question, history)
            tokens = await model.count_tokens(messages)
            if tokens <= room:
                return shown, messages
            if history:
                history = history[1:]
            elif len(shown) > 1:
                shown = shown[: max(1, min(len(shown) - 1, int(len(shown) * room / tokens)))]
            elif tokens <= info.context - REPLY_TOKENS:
                return shown, messages  # slower than wished, but the least that makes sense
            else:
                raise PromptTooLong(tokens=tokens, max_tokens=REPLY_TOKENS, context=info.context)
        return shown, []

    def _messages(self, shown: Sequence[Shown], question: str, history: Sequence[Turn]) -> list[Message]:
        messages = [Message(role="system", text=system_text(shown, self._secret))]
        for asked, answered in history[-MOST_TURNS:]:
            messages += [Message(role="user", text=asked), Message(role="assistant", text=answered)]
        return [*messages, Message(role="user", text=question_text(question))]

    def _alike(self, sentence: str) -> Alike | None:
        """By the embedding model, where there is one that knows the sentence's language."""
        embedder = self._models.embedder
        if embedder is None or share_known(sentence, self._models.count_tokens) < KNOWN:
            return None

        def alike(one: str, other: str) -> float:
            first, second = embedder.embed_documents([one, other])
            return float(first @ second)

        return alike


def _ordinary(question: str, shown: Sequence[Shown]) -> frozenset[str]:
    """Words that somebody writes in lower case: they are no names."""
    text = "\n".join((question, *(one.text for one in shown)))
    return frozenset(word for word in text.split() if word.islower())
