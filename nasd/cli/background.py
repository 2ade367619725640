"""An event loop in a thread of its own, with one open context, for a prompt in the main thread.

Reading a line with editing and history blocks, and Ctrl-C reaches the main thread alone: so the prompt has
the main thread, and everything that must keep running meanwhile has this one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from nasd.client import Client

T = TypeVar("T")


class Background:
    """Enters the context that `open_context` makes, in its own loop; leaves it at the end.

    What entering raises is raised by `__enter__`; what leaving raises, by `__exit__`.
    """

    def __init__(self, open_context: Callable[[], AbstractAsyncContextManager[Client]]) -> None:
        self._open = open_context
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._entered: Future[Client] = Future()
        self._left: Future[None] = Future()
        self._thread = threading.Thread(target=self._work, name="nasd-try")

    @property
    def value(self) -> Client:
        """What the context gave."""
        return self._entered.result()

    def __enter__(self) -> Background:
        self._thread.start()
        try:
            self._entered.result()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        if error is None:
            self._left.result()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs `work` in the loop and waits. An interruption cancels it first."""
        assert self._loop is not None
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _end(self) -> None:
        if self._loop is not None and self._stop is not None and not self._left.done():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _work(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            if not self._entered.done():
                self._entered.set_exception(error)
            self._left.set_exception(error)
        else:
            self._left.set_result(None)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        entering = asyncio.create_task(self._hold())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait((entering, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not self._entered.done():
            entering.cancel()  # interrupted while it was still starting
        await entering

    async def _hold(self) -> None:
        assert self._stop is not None
        async with self._open() as value:
            self._entered.set_result(value)
            await self._stop.wait()
