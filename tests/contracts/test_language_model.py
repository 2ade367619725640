"""What every language model promises."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from nasd.llm.base import (
    Finish,
    LanguageModel,
    Message,
    ModelBusy,
    ModelGone,
    Piece,
    Prompt,
    PromptTooLong,
)
from nasd.llm.gguf import read_header
from nasd.llm.local import LONGEST_QUEUE, LlamaModel, Weights
from nasd.llm.memory import footprint
from nasd.llm.ollama import OllamaModel
from nasd.llm.remote import OpenAiModel
from tests.fakes.llm_servers import CONTEXT, MODEL, Script, ollama_app, openai_app, serving
from tests.fakes.tiny_gguf import REPLY

SYSTEM = Message(role="system", text="You answer from the passages alone.\n" + "1: five years\n" * 30)
QUESTION = Message(role="user", text="How long does the warranty run?")
LONG_S = 20.0
"""That what must happen happens in: never a measure of speed."""


@dataclass
class Rig:
    """A model, and hands on what it runs on."""

    model: LanguageModel
    kill: Callable[[], Awaitable[None]]
    sent: Callable[[], int]


Make = Callable[[bool], AbstractAsyncContextManager[Rig]]


@pytest.fixture(params=["llama", "openai", "ollama"])
def rig(request: pytest.FixtureRequest, tiny_gguf: Path, endless_gguf: Path) -> Make:
    @asynccontextmanager
    async def local(endless: bool) -> AsyncIterator[Rig]:
        model = local_model(endless_gguf if endless else tiny_gguf)

        async def kill() -> None:
            assert model.pid is not None
            os.kill(model.pid, signal.SIGKILL)

        yield Rig(model, kill, lambda: 0)
        await model.close()

    @asynccontextmanager
    async def remote(endless: bool) -> AsyncIterator[Rig]:
        script = Script(endless=endless)
        make = openai_app if request.param == "openai" else ollama_app
        async with serving(lambda: make(script)) as server:
            model = (
                OpenAiModel(server.url, MODEL)
                if request.param == "openai"
                else OllamaModel(server.url, MODEL, context=CONTEXT)
            )

            async def kill() -> None:
                for transport in script.open:
                    transport.abort()
                await server.down()
                await server.up()

            yield Rig(model, kill, lambda: len(script.seen))
            await model.close()

    return local if request.param == "llama" else remote


def local_model(file: Path, context: int = CONTEXT) -> LlamaModel:
    weights = Weights(
        name=MODEL,
        file=file,
        fingerprint="0" * 64,
        context=context,
        footprint=footprint(read_header(file), context),
    )
    return LlamaModel(weights, threads=1, available=lambda: None)


def asking(*messages: Message, tokens: int = 100, asker: str = "") -> Prompt:
    return Prompt(messages=messages or (SYSTEM, QUESTION), max_tokens=tokens, asker=asker)


async def all_of(stream: AsyncGenerator[Piece, None]) -> tuple[str, Finish]:
    pieces = [piece async for piece in stream]
    *texts, last = pieces
    assert isinstance(last, Finish)
    assert all(isinstance(text, str) and text for text in texts)
    return "".join(map(str, texts)), last


async def first_of(stream: AsyncGenerator[Piece, None]) -> Piece:
    async with asyncio.timeout(LONG_S):
        return await anext(stream)


async def test_it_says_who_it_is(rig: Make) -> None:
    async with rig(False) as one:
        info = await one.model.info()
        assert (info.name, info.context) == (MODEL, CONTEXT)
        assert one.model.name == MODEL
        assert not one.model.elsewhere


async def test_a_reply_comes_bit_by_bit_and_ends_with_its_figures(rig: Make) -> None:
    async with rig(False) as one:
        pieces = [piece async for piece in one.model.stream(asking())]
        assert len(pieces) > 5
        text, finish = "".join(map(str, pieces[:-1])), pieces[-1]
        assert text == REPLY
        assert isinstance(finish, Finish)
        assert finish.reason == "stop"
        assert finish.usage.prompt_tokens > 10
        assert finish.usage.completion_tokens > 5
        assert one.model.state.phase == "ready"
        assert one.model.state.answering == 0


async def test_tokens_are_counted_before_anything_is_sent(rig: Make) -> None:
    async with rig(False) as one:
        few = await one.model.count_tokens([QUESTION])
        more = await one.model.count_tokens([SYSTEM, QUESTION])
        assert 0 < few < more
        _, finish = await all_of(one.model.stream(asking()))
        assert more >= finish.usage.prompt_tokens
        if (await one.model.info()).exact:
            assert more == finish.usage.prompt_tokens


async def test_a_reply_is_no_longer_than_allowed(rig: Make) -> None:
    async with rig(True) as one:
        text, finish = await all_of(one.model.stream(asking(tokens=3)))
        assert finish.reason == "length"
        assert finish.usage.completion_tokens == 3
        assert text
        assert len(text) < len(REPLY)


async def test_too_long_a_prompt_is_refused_with_figures_and_not_sent(rig: Make) -> None:
    async with rig(False) as one:
        long = Message(role="user", text="warranty, five years; " * 3000)
        with pytest.raises(PromptTooLong) as caught:
            await all_of(one.model.stream(asking(long)))
        assert caught.value.tokens > CONTEXT
        assert (caught.value.context, caught.value.max_tokens) == (CONTEXT, 100)
        with pytest.raises(PromptTooLong):  # the reply needs its room, too
            await all_of(one.model.stream(asking(QUESTION, tokens=CONTEXT)))
        assert one.sent() == 0


async def test_closing_a_reply_stops_the_model(rig: Make) -> None:
    async with rig(True) as one:
        for _ in range(3):
            async with aclosing(one.model.stream(asking(tokens=3000))) as stream:
                assert await first_of(stream)
            assert one.model.state.answering == 0


async def test_cancelling_the_reader_stops_the_model(rig: Make) -> None:
    async with rig(True) as one:
        began = asyncio.Event()

        async def read() -> None:
            async with aclosing(one.model.stream(asking(tokens=3000))) as stream:
                async for _ in stream:
                    began.set()

        reader = asyncio.create_task(read())
        async with asyncio.timeout(LONG_S):
            await began.wait()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert one.model.state.answering == 0
        async with aclosing(one.model.stream(asking(tokens=3000))) as stream:
            assert await first_of(stream)


async def test_what_dies_in_the_middle_says_so_and_the_next_question_is_answered(rig: Make) -> None:
    async with rig(True) as one:
        with pytest.raises(ModelGone):
            async with aclosing(one.model.stream(asking(tokens=3000))) as stream:
                await first_of(stream)
                await one.kill()
                async with asyncio.timeout(LONG_S):
                    async for _ in stream:
                        pass
        text, _ = await all_of(one.model.stream(asking(tokens=20)))
        assert REPLY.startswith(text[:20])


async def test_too_many_questions_are_refused_at_once(rig: Make) -> None:
    async with rig(True) as one:
        await all_of(one.model.stream(asking(tokens=2)))
        prompts = [asking(tokens=3000, asker=str(number % 3)) for number in range(LONGEST_QUEUE + 4)]
        streams = [one.model.stream(prompt) for prompt in prompts]
        readers = [asyncio.create_task(first_of(stream)) for stream in streams]
        refused = one.model.stream(asking(tokens=3000))
        async with asyncio.timeout(LONG_S):
            while one.model.state.waiting < LONGEST_QUEUE:
                await asyncio.sleep(0.01)
        with pytest.raises(ModelBusy):
            await first_of(refused)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        for stream in streams:
            await stream.aclose()
        assert (one.model.state.waiting, one.model.state.answering) == (0, 0)


async def test_after_its_end_nothing_is_answered(rig: Make) -> None:
    async with rig(False) as one:
        await all_of(one.model.stream(asking()))
        await one.model.close()
        with pytest.raises(ModelGone):
            await all_of(one.model.stream(asking()))
