"""Servers of other makers: what they say, and what goes wrong with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from nasd.errors import ConfigError, ModelError
from nasd.llm.base import (
    Finish,
    Message,
    ModelAbsent,
    ModelBusy,
    ModelGone,
    Piece,
    Prompt,
    PromptTooLong,
)
from nasd.llm.ollama import OllamaModel, speaks_ollama
from nasd.llm.remote import OpenAiModel
from tests.fakes.llm_servers import CONTEXT, MODEL, Script, ollama_app, openai_app, serving
from tests.fakes.tiny_gguf import REPLY

KEY = "sk-very-secret"
ASKED = Prompt(
    messages=[Message(role="system", text="Be brief."), Message(role="user", text="How long?")],
    max_tokens=64,
    temperature=0.5,
    top_p=0.9,
    seed=7,
    stop=["\n\n"],
)


async def all_of(stream: AsyncGenerator[Piece, None]) -> tuple[str, Finish]:
    *texts, last = [piece async for piece in stream]
    assert isinstance(last, Finish)
    return "".join(map(str, texts)), last


# --- OpenAI ---


async def test_what_an_openai_server_is_asked() -> None:
    script = Script(thinks=True)
    async with serving(lambda: openai_app(script)) as server:
        model = OpenAiModel(server.url, MODEL)
        text, finish = await all_of(model.stream(ASKED))
        await model.close()
    assert text == REPLY  # and nothing of what it thought
    assert finish.usage.reused_tokens == 1
    (sent,) = script.seen
    assert sent == {
        "model": MODEL,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How long?"}],
        "max_tokens": 64,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["\n\n"],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


@pytest.mark.parametrize("counting", ["vllm", "llama"])
async def test_a_server_that_counts_is_asked_to(counting: str) -> None:
    script = Script(counting=counting)  # type: ignore[arg-type]
    async with serving(lambda: openai_app(script)) as server:
        model = OpenAiModel(server.url, MODEL)
        info = await model.info()
        counted = await model.count_tokens(ASKED.messages)
        _, finish = await all_of(model.stream(ASKED))
        await model.close()
    assert (info.context, info.exact) == (CONTEXT, True)
    assert counted == finish.usage.prompt_tokens
    assert script.seen[0]["chat_template_kwargs"] == {"enable_thinking": False}


async def test_the_settings_bound_the_context() -> None:
    async with serving(lambda: openai_app(Script())) as server:
        model = OpenAiModel(server.url, MODEL, context=1000)
        assert (await model.info()).context == 1000
        await model.close()
        wide = OpenAiModel(server.url, MODEL, context=1_000_000)
        assert (await wide.info()).context == CONTEXT
        await wide.close()


async def test_without_any_context_it_is_asked_for() -> None:
    async with serving(lambda: openai_app(Script(tells_context=False))) as server:
        model = OpenAiModel(server.url, MODEL)
        with pytest.raises(ModelError, match=r"llm\.context"):
            await model.info()
        await model.close()
        told = OpenAiModel(server.url, MODEL, context=2048)
        assert (await told.info()).context == 2048
        await told.close()


async def test_a_model_that_is_not_there_is_named_with_those_that_are() -> None:
    async with serving(lambda: openai_app(Script())) as server:
        model = OpenAiModel(server.url, "qwen")
        with pytest.raises(ModelAbsent, match=f"no model qwen; it has other, {MODEL}"):
            await model.info()
        assert model.state.phase == "failed"
        await model.close()


async def test_an_estimate_that_was_too_low_is_corrected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nasd.llm.remote.estimate_tokens", lambda messages: 2)
    async with serving(lambda: openai_app(Script())) as server:
        model = OpenAiModel(server.url, MODEL)
        assert await model.count_tokens(ASKED.messages) == 3
        _, finish = await all_of(model.stream(ASKED))
        assert await model.count_tokens(ASKED.messages) >= finish.usage.prompt_tokens * 2 // 3
        await model.close()


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, "This model's maximum context length is 10 tokens", PromptTooLong),
        (400, "stop is not allowed", ModelError),
        (401, "no", ModelError),
        (404, "no", ModelAbsent),
        (429, "slow down", ModelBusy),
        (500, "out of memory", ModelGone),
        (503, "loading", ModelGone),
    ],
)
@pytest.mark.parametrize("kind_of_server", ["openai", "ollama"])
async def test_refusals_say_what_to_do(
    kind_of_server: str, status: int, error: str, kind: type[Exception]
) -> None:
    make = openai_app if kind_of_server == "openai" else ollama_app
    async with serving(lambda: make(Script(status=status, error=error))) as server:
        model = (OpenAiModel if kind_of_server == "openai" else OllamaModel)(server.url, MODEL)
        with pytest.raises(kind) as caught:
            await all_of(model.stream(ASKED))
        await model.close()
    assert "127.0.0.1" in str(caught.value) or kind is PromptTooLong


async def test_a_wrong_key_is_refused_and_no_key_is_told() -> None:
    async with serving(lambda: openai_app(Script(key=KEY))) as server:
        good = OpenAiModel(server.url, MODEL, api_key=KEY)
        assert (await all_of(good.stream(ASKED)))[0] == REPLY
        await good.close()
        bad = OpenAiModel(server.url, MODEL, api_key="sk-other-secret")
        with pytest.raises(ModelError, match="another key") as caught:
            await bad.info()
        assert "sk-other-secret" not in str(caught.value)
        assert "sk-other-secret" not in repr(bad.state)
        await bad.close()


@pytest.mark.parametrize("make", [OpenAiModel, OllamaModel])
async def test_a_server_that_is_not_there(make: type[OpenAiModel] | type[OllamaModel]) -> None:
    model = make("http://127.0.0.1:9/v1", MODEL)
    with pytest.raises(ModelGone, match="does not answer") as caught:
        await all_of(model.stream(ASKED))
    assert "llm.serve.url" in (caught.value.cure or "")
    assert model.state.phase == "failed"
    await model.close()


async def test_a_server_that_says_nothing_is_given_up() -> None:
    script = Script(silent=True)
    async with serving(lambda: openai_app(script)) as server:
        model = OpenAiModel(server.url, MODEL, silence_s=0.2)
        with pytest.raises(ModelGone, match="in time"):
            await all_of(model.stream(ASKED))
        await model.close()
        async with asyncio.timeout(20):
            await script.left.wait()


@pytest.mark.parametrize("kind_of_server", ["openai", "ollama"])
async def test_a_reply_that_breaks_off(kind_of_server: str) -> None:
    make = openai_app if kind_of_server == "openai" else ollama_app
    async with serving(lambda: make(Script(breaks_after=3))) as server:
        model = (OpenAiModel if kind_of_server == "openai" else OllamaModel)(server.url, MODEL)
        heard: list[Piece] = []
        with pytest.raises(ModelGone, match="broke off"):
            async for piece in model.stream(ASKED):
                heard.append(piece)  # noqa: PERF401 - what came before it broke off counts
        await model.close()
    assert REPLY.startswith("".join(map(str, heard)))


@pytest.mark.parametrize("make", [OpenAiModel, OllamaModel])
async def test_a_reader_who_goes_away_is_noticed_by_the_server(
    make: type[OpenAiModel] | type[OllamaModel],
) -> None:
    script = Script(endless=True)
    app = openai_app if make is OpenAiModel else ollama_app
    async with serving(lambda: app(script)) as server:
        model = make(server.url, MODEL)
        stream = model.stream(Prompt(messages=ASKED.messages, max_tokens=3000))
        await anext(stream)
        assert script.answering == 1
        await stream.aclose()
        async with asyncio.timeout(20):
            await script.left.wait()
        await model.close()


@pytest.mark.parametrize("url", ["ftp://a/v1", "http:///v1", "http://user:word@127.0.0.1/v1"])
@pytest.mark.parametrize("make", [OpenAiModel, OllamaModel])
def test_unusable_addresses(make: type[OpenAiModel] | type[OllamaModel], url: str) -> None:
    with pytest.raises(ConfigError, match=r"llm\.serve"):
        make(url, MODEL)


@pytest.mark.parametrize(
    ("url", "elsewhere"),
    [
        ("http://127.0.0.1:1/v1", False),
        ("http://localhost:1/v1", False),
        ("http://[::1]:1/v1", False),
        ("http://192.168.1.5:1/v1", True),
        ("http://box.lan/v1", True),
        ("http://localhost.example/v1", True),
    ],
)
def test_what_leaves_the_machine(url: str, elsewhere: bool) -> None:
    assert OpenAiModel(url, MODEL).elsewhere is elsewhere


# --- Ollama ---


async def test_what_ollama_is_asked() -> None:
    script = Script()
    async with serving(lambda: ollama_app(script)) as server:
        assert await speaks_ollama(server.url)
        model = OllamaModel(server.url, MODEL, context=2048)
        text, finish = await all_of(model.stream(ASKED))
        assert model.speed is None  # so short a reply tells nothing
        await model.close()
    assert (text, finish.reason) == (REPLY, "stop")
    (sent,) = script.seen
    assert sent["options"] == {
        "num_ctx": 2048,
        "num_predict": 64,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["\n\n"],
    }
    assert (sent["truncate"], sent["shift"], sent["think"]) == (False, False, False)


async def test_ollama_takes_no_more_context_than_the_model_has() -> None:
    async with serving(lambda: ollama_app(Script())) as server:
        model = OllamaModel(server.url, MODEL, context=1 << 20)
        assert (await model.info()).context == 131072
        await model.close()


async def test_ollama_without_the_model_says_how_to_get_it() -> None:
    async with serving(lambda: ollama_app(Script())) as server:
        model = OllamaModel(server.url, "qwen")
        with pytest.raises(ModelAbsent, match="ollama pull qwen"):
            await model.info()
        await model.close()


async def test_a_model_that_ollama_hands_on_is_elsewhere() -> None:
    async with serving(lambda: ollama_app(Script(cloud=True))) as server:
        model = OllamaModel(server.url, MODEL)
        assert model.elsewhere  # nobody knows yet
        await model.info()
        assert model.elsewhere
        await model.close()
    async with serving(lambda: ollama_app(Script())) as server:
        model = OllamaModel(server.url, MODEL)
        before = model.elsewhere
        await model.info()
        assert (before, model.elsewhere) == (True, False)
        await model.close()


async def test_other_servers_do_not_speak_ollama() -> None:
    async with serving(lambda: openai_app(Script())) as server:
        assert not await speaks_ollama(server.url)
