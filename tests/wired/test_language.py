"""A language model that comes to a daemon while it runs, and changes to another one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nasd import wire
from nasd.client import Client
from tests.fakes.hub import REVISION, Hub, serving_hub
from tests.wired.process import DaemonProcess, until


async def in_use(client: Client) -> str | None:
    models = [one for one in await client.models() if one.purpose == "language" and one.active]
    return models[0].name if models else None


async def test_a_model_is_pulled_taken_up_and_changed_without_a_restart(
    make_daemon: Callable[..., DaemonProcess], tiny_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    data = tiny_gguf.read_bytes()
    hub = Hub(cuts=[1_000_000])
    hub.put("maker/Tiny-GGUF", "Tiny-F32.gguf", data)
    with serving_hub(hub):
        daemon = make_daemon(config=f'[llm]\nhub = "{hub.url}"\n')
        daemon.start()
        await daemon.ready()
        async with daemon.client() as client:
            offered = [one for one in await client.models() if one.purpose == "language"]
            assert len(offered) >= 5
            assert all((one.state, one.active) == ("missing", False) for one in offered)
            assert all(one.purpose != "language" for one in (await client.status()).models)
            daemon.cli(
                *("model", "pull", f"maker/Tiny-GGUF/Tiny-F32.gguf@{REVISION}"),
                *("--sha256", hashlib.sha256(data).hexdigest()),
            )
            assert len(hub.seen) == 2
            assert await in_use(client) == "tiny-f32"
            daemon.cli("model", "import", str(tiny_gguf), "--name", "second")
            assert await in_use(client) == "tiny-f32"
            made = await client.use_model(wire.ModelUse(name="second"))
            assert (made.name, made.active, made.purpose) == ("second", True, "language")
            listed = daemon.cli("model", "list").stdout
            assert "second (in use)" in listed
    daemon.kill()
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:

        async def again() -> bool:
            return await in_use(client) == "second"

        await until(again, "the chosen model is in use after a restart")
    assert daemon.terminate() == 0
