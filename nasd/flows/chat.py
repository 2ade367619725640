"""Chats of OpenAI clients: the files answer as one model, the bare language model as another."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import numpy as np
import numpy.typing as npt

from nasd.answer.prompt import place_words
from nasd.domain.chat import FILES_MODEL, ChatEnd, ChatModel, ChatPiece, ChatWish
from nasd.domain.files import display_path
from nasd.domain.search import Answer, Citation, Filters
from nasd.errors import InvalidRequest, NotFound, Unavailable
from nasd.flows.ask import Ask
from nasd.flows.models import Models
from nasd.flows.writing import HoldsModel, Turn
from nasd.llm.base import LanguageModel, Message, Prompt

REPLY_TOKENS = 1024
"""Of a bare model's reply, where the client names no bound; less where the context has less room."""

SHORTEST_REPLY = 16
QUOTE_SHOWN = 240
"""Characters of a quote under an answer."""

_SOURCES = re.compile(r"\n+\*\*Sources\*\*\n.*", re.DOTALL)
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|])")


class Chat:
    def __init__(self, ask: Ask, language: HoldsModel, models: Models) -> None:
        self._ask = ask
        self._language = language
        self._models = models

    def models(self) -> Sequence[ChatModel]:
        """What can be asked for now, the files first."""
        found = [ChatModel(id=FILES_MODEL, owner="nasd", purpose="chat")]
        if self._language.model is not None:
            found.append(ChatModel(id=self._language.model.name, owner="local", purpose="chat"))
        if self._models.embedder is not None:
            found.append(ChatModel(id=self._models.name, owner="local", purpose="embedding"))
        return found

    async def reply(self, wish: ChatWish) -> AsyncGenerator[ChatPiece, None]:
        """The reply bit by bit, last a `ChatEnd`. `NotFound` for a model that is not there, `InvalidRequest`
        without a question; what a language model raises."""
        steps = self._from_files(wish) if wish.model == FILES_MODEL else self._bare(wish)
        async with aclosing(steps):
            async for piece in steps:
                yield piece

    async def embed(self, model: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """float32 (n, dimension), as documents. `NotFound` for another model than the one that answers."""
        embedder = self._models.embedder
        if embedder is None:
            raise Unavailable("The embedding model is not ready.", cure="nasd wait --for semantic")
        if model not in (self._models.name, FILES_MODEL):
            raise NotFound(
                f"There is no embedding model {model!r}.", cure=f"It is called {self._models.name}."
            )
        return await asyncio.to_thread(embedder.embed_documents, list(texts))

    async def _from_files(self, wish: ChatWish) -> AsyncGenerator[ChatPiece, None]:
        question, history = conversation(wish)
        answer: Answer | None = None
        steps = self._ask.stream(
            question, filters=Filters(), answerer="auto", history=history, asker=wish.asker
        )
        async for name, value in steps:
            if name == "token":
                yield str(value)
            elif isinstance(value, Answer) and name == "done":
                answer = value
        assert answer is not None
        if answer.citations:
            yield sources(answer.citations)
        yield ChatEnd(reason="stop", answer=answer)

    async def _bare(self, wish: ChatWish) -> AsyncGenerator[ChatPiece, None]:
        model = self._language.model
        if model is None or model.name != wish.model:
            raise NotFound(
                f"There is no model {wish.model!r}.", cure="GET /v1/models lists those that are there."
            )
        messages = [Message(role=one.role, text=one.text) for one in wish.messages]
        prompt = Prompt(
            messages=messages,
            max_tokens=wish.max_tokens or await _room(model, messages),
            temperature=wish.temperature,
            top_p=wish.top_p,
            seed=wish.seed,
            stop=wish.stop,
            asker=wish.asker,
        )
        async with aclosing(model.stream(prompt)) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    yield piece
                else:
                    yield ChatEnd(
                        reason=piece.reason,
                        prompt_tokens=piece.usage.prompt_tokens,
                        completion_tokens=piece.usage.completion_tokens,
                    )


def conversation(wish: ChatWish) -> tuple[str, list[Turn]]:
    """The last thing that a person said, and what was said before in pairs. A system's words are left out:
    the files answer by rules of their own."""
    turns: list[Turn] = []
    asked: str | None = None
    for one in wish.messages:
        if one.role == "user":
            asked = one.text
        elif one.role == "assistant" and asked is not None:
            turns.append((asked, _SOURCES.sub("", one.text)))
            asked = None
    if asked is None or not asked.strip():
        raise InvalidRequest(
            "There is no question: the last message is not a user's.", fields={"messages": "no question"}
        )
    return asked.strip(), turns


def sources(citations: Sequence[Citation]) -> str:
    """Citations as Markdown, under an answer."""
    lines = ["\n\n**Sources**\n"]
    for one in citations:
        quote = " ".join(one.quote.split())
        shown = quote if len(quote) <= QUOTE_SHOWN else f"{quote[:QUOTE_SHOWN].rstrip()}…"
        place = place_words(one.passage.passage.place)
        name = _escaped(f"{one.file.volume}:{display_path(one.file.path)}")
        lines.append(f"- [{one.n}] {name}{place}: “{_escaped(shown)}”")
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """Text that a Markdown reader shows as it is: no link, picture or markup comes out of a file."""
    return _MARKDOWN.sub(r"\\\1", text).replace("://", ":\u200b//")


async def _room(model: LanguageModel, messages: Sequence[Message]) -> int:
    info = await model.info()
    free = info.context - await model.count_tokens(messages)
    return max(SHORTEST_REPLY, min(REPLY_TOKENS, free))
