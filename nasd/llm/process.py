"""Starting and ending the process that holds a language model, and speaking to it."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import tempfile
from collections import deque
from pathlib import Path

import aiohttp

import nasd
from nasd.errors import ModelError
from nasd.llm.base import ModelGone
from nasd.llm.child import Orders

LOAD_S = 600.0
"""A large model from a slow disk: 5 GB at 10 MB/s."""

END_S = 5.0
_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
_LINES = 12
BASE = "http://model"


def _environment(scratch: str, threads: int) -> dict[str, str]:
    """Waiting threads sleep: spinning ones would take the processors from everything else that nasd does."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {
        "PYTHONPATH": str(Path(nasd.__path__[0]).parent),
        "HOME": scratch,
        "TMPDIR": scratch,
        "OMP_WAIT_POLICY": "passive",
        "OMP_NUM_THREADS": str(threads),
        "MALLOC_ARENA_MAX": "2",
    }


class Process:
    """One that serves. `session` speaks to it and to nothing else."""

    def __init__(
        self,
        child: asyncio.subprocess.Process,
        session: aiohttp.ClientSession,
        scratch: tempfile.TemporaryDirectory[str],
        complaints: asyncio.Task[str],
    ) -> None:
        self._child = child
        self._scratch = scratch
        self._complaints = complaints
        self._ended = asyncio.create_task(child.wait())
        self.session = session

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return not self._ended.done()

    @property
    def ended(self) -> asyncio.Task[int]:
        return self._ended

    async def end(self) -> None:
        """Replies under way break off. Safe to call twice."""
        if self.alive:
            self._child.kill()
        await asyncio.wait([self._ended])
        await self.session.close()
        await self._complaints
        self._scratch.cleanup()


async def start(
    model: Path, *, context: int, threads: int, batch: int, memory: int, load_s: float = LOAD_S
) -> Process:
    """Loads the model in a process of its own. Raises ModelError when the runtime does not take it, ModelGone
    when the process dies over it or takes longer than `load_s` seconds."""
    scratch = tempfile.TemporaryDirectory(prefix="nasd-llm-")  # only its owner may enter
    orders = Orders(
        model=str(model),
        socket=str(Path(scratch.name, "model.sock")),  # the ending says what it is
        key=secrets.token_urlsafe(32),
        context=context,
        threads=threads,
        batch=batch,
        memory=memory,
    )
    try:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-s", "-m", "nasd.llm.child"),
            env=_environment(scratch.name, threads),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        scratch.cleanup()
        raise ModelGone(f"The model's process cannot be started: {error.strerror}.") from error
    complaints = asyncio.create_task(_last_lines(child))
    try:
        said = await asyncio.wait_for(_give_orders(child, orders), load_s)
        if "ready" not in said:  # then it ends by itself, and its status says how
            await asyncio.wait_for(child.wait(), END_S)
    except BaseException as error:
        await _abandon(child, complaints, scratch)
        if isinstance(error, TimeoutError):
            raise ModelGone(f"Loading {model.parent.name} took longer than {load_s:.0f} s.") from None
        raise
    if "ready" not in said:
        await _abandon(child, complaints, scratch)
        raise _refused(model, said, child.returncode or 0, complaints.result())
    session = aiohttp.ClientSession(
        # One connection for each request: the server closes idle ones when it likes.
        connector=aiohttp.UnixConnector(orders.socket, force_close=True),
        headers={"Authorization": f"Bearer {orders.key}"},
        timeout=aiohttp.ClientTimeout(total=None),
        read_bufsize=1 << 16,
    )
    return Process(child, session, scratch, complaints)


async def _give_orders(child: asyncio.subprocess.Process, orders: Orders) -> dict[str, object]:
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(orders.line())
        await child.stdin.drain()
        said = json.loads(await child.stdout.readline() or b"{}")
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


async def _last_lines(child: asyncio.subprocess.Process) -> str:
    """What it complained of last, read to its end so that it never waits for a reader."""
    assert child.stderr is not None
    lines: deque[bytes] = deque(maxlen=_LINES)
    while True:
        try:
            line = await child.stderr.readline()
        except ValueError:  # a line longer than any of interest
            continue
        if not line:
            return b"".join(lines).decode("utf-8", "replace")
        lines.append(line)


async def _abandon(
    child: asyncio.subprocess.Process,
    complaints: asyncio.Task[str],
    scratch: tempfile.TemporaryDirectory[str],
) -> None:
    if child.returncode is None:
        child.kill()
    await child.wait()
    await complaints
    scratch.cleanup()


def _refused(model: Path, said: dict[str, object], status: int, complaints: str) -> Exception:
    errors = [line.split(" E ", 1)[1] for line in complaints.splitlines() if " E " in line]
    reason = errors[0].partition(": ")[2].strip() if errors else ""
    name, more = model.parent.name, "Free some memory, set llm.context lower, or choose a smaller model."
    if "error" not in said:
        return ModelGone(f"The model's process ended while it loaded {name} (status {status}).", cure=more)
    detail = f"{said['error']} {name}{': ' + reason[:200] if reason else ''}."
    if "memory" in reason or "alloc" in reason:
        return ModelGone(detail, cure=more)
    return ModelError(detail, cure="Choose another model with `nasd model use`.")
