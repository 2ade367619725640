"""The runtime of this machine: what the contract does not ask of servers."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from nasd.errors import ModelError
from nasd.llm.base import Finish, Message, ModelAbsent, ModelGone, Prompt, PromptTooLong, Speed
from nasd.llm.fitting import batch_for
from nasd.llm.gguf import read_header
from nasd.llm.local import LlamaModel, Weights
from nasd.llm.memory import BATCH, footprint
from nasd.llm.process import start
from tests.fakes.tiny_gguf import REPLY

CONTEXT = 4096
LONG_S = 20.0
PASSAGES = Message(role="system", text="\n".join(f"[{n}] The dishwasher has {n} years." for n in range(60)))


def weights(file: Path, context: int = CONTEXT) -> Weights:
    header = read_header(file)
    return Weights(
        name="tiny", file=file, fingerprint="f" * 32, context=context, footprint=footprint(header, context)
    )


@asynccontextmanager
async def served(
    file: Path,
    context: int = CONTEXT,
    *,
    available: Callable[[], int | None] = lambda: None,
    allowed: int | None = None,
) -> AsyncIterator[LlamaModel]:
    model = LlamaModel(weights(file, context), threads=1, available=available, allowed=allowed)
    try:
        yield model
    finally:
        await model.close()


def prompt(question: str = "How long?", tokens: int = 40) -> Prompt:
    return Prompt(messages=[PASSAGES, Message(role="user", text=question)], max_tokens=tokens)


async def finish_of(model: LlamaModel, asked: Prompt) -> Finish:
    *_, last = [piece async for piece in model.stream(asked)]
    assert isinstance(last, Finish)
    return last


async def test_what_was_read_before_is_not_read_again(tiny_gguf: Path) -> None:
    async with served(tiny_gguf) as model:
        first = (await finish_of(model, prompt("How long?"))).usage
        again = (await finish_of(model, prompt("How long?"))).usage
        follow_up = (await finish_of(model, prompt("And from which date does it run?"))).usage
        passages = await model.count_tokens([PASSAGES])
        assert first.reused_tokens == 0
        assert again.reused_tokens == again.prompt_tokens - 1  # the last one makes the first word
        assert (follow_up.reused_tokens or 0) >= passages - 3  # the template's own end is the question's
        assert follow_up.prompt_tokens > passages > 500


async def test_a_context_can_be_filled_to_the_last_token(endless_gguf: Path) -> None:
    async with served(endless_gguf, 600) as model:
        question = [Message(role="user", text="How long does the warranty of the dishwasher run?")]
        room = 600 - await model.count_tokens(question)
        usage = (await finish_of(model, Prompt(messages=question, max_tokens=room))).usage
        assert (usage.prompt_tokens, usage.completion_tokens) == (600 - room, room)
        with pytest.raises(PromptTooLong):
            await finish_of(model, Prompt(messages=question, max_tokens=room + 1))


async def test_it_tells_its_speed_once_it_answered(tiny_gguf: Path) -> None:
    async with served(tiny_gguf) as model:
        before = model.speed
        await finish_of(model, prompt())
        assert before is None
        assert model.speed is not None
        assert model.speed.prompt > 0
        assert model.speed.generate > 0


async def test_idle_it_lets_go_of_its_memory_and_comes_back_by_itself(tiny_gguf: Path) -> None:
    async with served(tiny_gguf) as model:
        first = model.state
        await finish_of(model, prompt())
        pid, then = model.pid, model.state
        assert pid is not None
        assert not await model.rest(3600.0)
        assert await model.rest(0.0)
        assert [one.phase for one in (first, then, model.state)] == ["resting", "ready", "resting"]
        assert (then.memory or 0) > 10 << 20
        assert not Path(f"/proc/{pid}").exists()
        assert not await model.rest(0.0)
        text = "".join([piece async for piece in model.stream(prompt()) if isinstance(piece, str)])
        assert text == REPLY


async def test_it_does_not_rest_while_it_answers(endless_gguf: Path) -> None:
    async with served(endless_gguf) as model, aclosing(model.stream(prompt(tokens=2000))) as stream:
        await anext(stream)
        assert not await model.rest(0.0)


async def test_nobody_else_can_speak_to_it(tiny_gguf: Path) -> None:
    async with served(tiny_gguf) as model:
        await model.count_tokens([PASSAGES])
        process = Path(f"/proc/{model.pid}")
        assert model._process is not None
        session = model._process.session
        key = session.headers["Authorization"].removeprefix("Bearer ")
        assert len(key) >= 40
        assert key not in (process / "cmdline").read_text()
        assert key not in (process / "environ").read_text()
        assert b"OMP_WAIT_POLICY=passive" in (process / "environ").read_bytes()
        sockets = {os.readlink(link) for link in (process / "fd").iterdir() if link.exists()}
        inodes = {name[8:-1] for name in sockets if name.startswith("socket:")}
        for table in ("tcp", "tcp6", "udp", "udp6"):
            lines = (process / "net" / table).read_text().splitlines()[1:]
            assert not inodes & {line.split()[9] for line in lines}
        path = Path(session.connector.path)  # type: ignore[union-attr]  # it is a UnixConnector
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0
        headers = {"Authorization": "Bearer wrong", "Origin": "http://evil.example"}
        async with session.post("http://model/tokenize", json={"content": "a"}, headers=headers) as reply:
            assert reply.status == 401
        async with session.get("http://model/", headers={"Origin": "http://evil.example"}) as reply:
            assert reply.status != 200
            assert reply.headers.get("Access-Control-Allow-Origin", "") == ""


async def test_nothing_is_left_of_it(tiny_gguf: Path) -> None:
    async with served(tiny_gguf) as model:
        await model.count_tokens([PASSAGES])
        assert model._process is not None
        path = Path(model._process.session.connector.path)  # type: ignore[union-attr]
        pid = model.pid
    assert not path.parent.exists()
    assert not Path(f"/proc/{pid}").exists()


async def test_a_model_that_does_not_fit_is_refused_with_figures(tiny_gguf: Path) -> None:
    async with served(tiny_gguf, available=lambda: 100 << 20) as model:
        with pytest.raises(ModelAbsent, match="100 MiB are free") as caught:
            await finish_of(model, prompt())
        assert "llm.context" in (caught.value.cure or "")
        assert model.state.phase == "failed"
        assert "100 MiB" in (model.state.detail or "")
        assert model.pid is None
    async with served(tiny_gguf, allowed=50 << 20) as model:
        with pytest.raises(ModelAbsent, match=r"llm\.memory grants 50 MiB"):
            await finish_of(model, prompt())


async def test_memory_that_becomes_free_is_taken(tiny_gguf: Path) -> None:
    free = [1 << 20]
    async with served(tiny_gguf, available=lambda: free[0]) as model:
        with pytest.raises(ModelAbsent):
            await finish_of(model, prompt())
        free[0] = 8 << 30
        assert (await finish_of(model, prompt())).reason == "stop"


async def test_a_damaged_model_is_refused_with_the_runtime_s_words(tiny_gguf: Path, tmp_path: Path) -> None:
    data = tiny_gguf.read_bytes()
    damaged = tmp_path / "model.gguf"
    damaged.write_bytes(data.replace(b"output_norm.weight", b"output_mrom.weight", 1))
    async with served(damaged) as model:
        with pytest.raises(ModelError, match="output_norm") as caught:
            await finish_of(model, prompt())
        assert "nasd model use" in (caught.value.cure or "")


async def test_who_goes_away_while_it_loads_leaves_it_loading(tiny_gguf: Path) -> None:
    async with served(tiny_gguf) as model:
        reader = asyncio.create_task(finish_of(model, prompt()))
        async with asyncio.timeout(LONG_S):
            while model.state.phase != "loading":
                await asyncio.sleep(0)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        still = model.state.phase
        await model.count_tokens([PASSAGES])
        assert (str(still), str(model.state.phase)) == ("loading", "ready")


async def test_closing_it_while_it_loads_leaves_nothing(tiny_gguf: Path) -> None:
    async with served(tiny_gguf) as model:
        reader = asyncio.create_task(finish_of(model, prompt()))
        async with asyncio.timeout(LONG_S):
            while model.state.phase != "loading":
                await asyncio.sleep(0)
        await asyncio.sleep(0.05)  # the process is there by now, or comes
        await model.close()
        with pytest.raises(ModelGone, match="closed"):
            await reader
        assert model.pid is None


async def test_a_process_that_dies_again_and_again_is_left_alone_for_a_while(tiny_gguf: Path) -> None:
    async with served(tiny_gguf) as model:
        for _ in range(2):
            await model.count_tokens([PASSAGES])
            assert model.pid is not None
            assert model._process is not None
            os.kill(model.pid, signal.SIGKILL)
            async with asyncio.timeout(LONG_S):
                await asyncio.shield(model._process.ended)
        with pytest.raises(ModelGone, match="2 times in a row"):
            await model.count_tokens([PASSAGES])


async def test_it_starts_again_by_itself_after_a_death_in_the_middle(endless_gguf: Path) -> None:
    async with served(endless_gguf) as model:
        with pytest.raises(ModelGone):
            async with aclosing(model.stream(prompt(tokens=2000))) as stream:
                await anext(stream)
                before = model.pid
                assert before is not None
                os.kill(before, signal.SIGKILL)
                async for _ in stream:
                    pass
        async with asyncio.timeout(LONG_S):
            while model.pid in (before, None):
                await asyncio.sleep(0.01)
        assert model.state.phase == "ready"


@pytest.mark.parametrize("memory", [20 << 20, 100 << 20])
async def test_a_ceiling_that_is_too_low_says_so(tiny_gguf: Path, memory: int) -> None:
    with pytest.raises(ModelGone) as caught:
        await start(tiny_gguf, context=32768, threads=1, batch=64, memory=memory)
    assert "llm.context" in (caught.value.cure or "")


def test_the_process_ends_with_its_owner(tiny_gguf: Path) -> None:
    script = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from nasd.llm.process import start\n"
        "async def main():\n"
        "    made = await start(Path(sys.argv[1]), context=512, threads=1, batch=32, memory=1 << 30)\n"
        "    print(made.pid, made.session.connector.path, flush=True)\n"
        "    os._exit(1)\n"
        "asyncio.run(main())\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tiny_gguf)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    pid, socket = ran.stdout.split()
    process = Path(f"/proc/{pid}")
    deadline = time.monotonic() + LONG_S
    while process.exists():
        assert time.monotonic() < deadline, "the model's process outlived its owner"
        time.sleep(0.01)
    assert not Path(socket).parent.exists()


@pytest.mark.parametrize(
    ("speed", "batch"),
    [(None, BATCH), (1000.0, BATCH), (128.0, BATCH), (100.0, 32), (40.0, 16), (3.0, 8)],
)
def test_a_step_of_reading_stays_short(speed: float | None, batch: int) -> None:
    assert batch_for(None if speed is None else Speed(prompt=speed, generate=5.0)) == batch
