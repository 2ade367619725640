"""A real daemon in a process of its own, for tests to talk to, stop and kill."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from nasd import wire
from nasd.client import Client
from nasd.embed.store import PreparedModel
from nasd.errors import NasdError

TIMEOUT_S = 150.0
"""Less than a test has, so that it can say what it waited for."""


class DaemonProcess:
    """`nasd run` over a state folder. The prepared model is put in place first, as `nasd model prepare`
    would leave it, so that no test waits for an export."""

    def __init__(self, state_dir: Path, model: PreparedModel | None, *, config: str = "") -> None:
        self.state_dir = state_dir
        self.config_file = state_dir.parent / f"{state_dir.name}.toml"
        state_dir.mkdir(parents=True, exist_ok=True)
        self.config_file.write_text(config, "utf-8")
        if model is not None:
            shutil.copytree(model.folder, state_dir / "models" / model.folder.name, dirs_exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None
        self.log = state_dir.parent / f"{state_dir.name}.log"

    @property
    def socket(self) -> Path:
        return self.state_dir / "nasd.sock"

    def arguments(self, *command: str) -> list[str]:
        return [
            *(sys.executable, "-P", "-m", "nasd.cli"),
            *("--config", str(self.config_file), "--state-dir", str(self.state_dir)),
            *command,
        ]

    def start(self, *, arguments: list[str] | None = None) -> None:
        command = arguments or self.arguments("run", "--port", "0")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ)
            )

    async def ready(self) -> None:
        assert self.process is not None
        async with asyncio.timeout(TIMEOUT_S), Client.open(socket=self.socket) as client:
            while True:
                if self.process.poll() is not None:
                    raise AssertionError(f"the daemon ended with {self.process.returncode}:\n{self.tail()}")
                try:
                    if (await client.ready()).ready:
                        return
                except NasdError:
                    pass
                await asyncio.sleep(0.02)

    def tail(self) -> str:
        return self.log.read_text("utf-8", "replace")[-4000:]

    def terminate(self) -> int:
        """An orderly stop; the exit code."""
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(40)
        self.process = None
        return code

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.process = None

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def cli(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command against this daemon."""
        done = subprocess.run(
            self.arguments(*command), capture_output=True, text=True, timeout=120, check=False
        )
        if check and done.returncode != 0:
            raise AssertionError(f"nasd {' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
        return done

    def cli_json(self, *command: str) -> Any:
        return json.loads(self.cli(*command, "--json").stdout)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        async with Client.open(socket=self.socket) as client:
            yield client


async def until(holds: Callable[[], Awaitable[bool]], what: str, *, timeout_s: float = TIMEOUT_S) -> None:
    """Waits for a condition of the daemon's, asking again and again."""
    try:
        async with asyncio.timeout(timeout_s):
            while not await holds():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"after {timeout_s:.0f} s it still was not so that {what}") from None


async def settled(client: Client, *, semantic: bool = True, timeout_s: float = TIMEOUT_S) -> wire.StatusOut:
    """Until nothing is pending; the status then."""
    status = await client.status()

    async def done() -> bool:
        nonlocal status
        status = await client.status()
        return (status.pending_semantic if semantic else status.pending_searchable) == 0

    await until(done, "nothing is pending", timeout_s=timeout_s)
    return status


async def paths_found(client: Client, query: str, mode: str = "lexical") -> list[str]:
    found = await client.search(wire.SearchIn.model_validate({"query": query, "mode": mode}))
    return [hit.file.path for hit in found.hits]
