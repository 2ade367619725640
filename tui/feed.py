"""The one line between the UI and its daemon: polls the status, follows the events, comes back by itself."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from textual.message import Message

from nasd import wire
from nasd.errors import NasdError, NotPermitted, Unavailable
from tui.daemon import Connect, Daemon
from tui.messages import EventsArrived, Link, LinkChanged, StatusArrived

POLL_S = 1.5
BATCH_S = 0.2  # a busy index sends hundreds of events a second; the eye needs five
EVENTS_KEPT = 200
RATES_KEPT = 120
LONGEST_WAIT_S = 15.0
NEWS_OF_STATUS = ("volume.", "scan.", "model.", "index.")
CURE = "Start it with `nasd run`, or `systemctl start nasd`."


def backoff_s(attempt: int) -> float:
    """Seconds to wait after failed attempt number `attempt`, from 0: 1, 2, 4, 8, then 15."""
    return min(LONGEST_WAIT_S, 2.0 ** min(attempt, 10))


class Listener(Protocol):
    def post_message(self, message: Message) -> bool: ...


class Feed:
    """Holds the latest `status`, `events` and `link`, and tells every listener of each change.

    The status is polled only while somebody listens. `pause` waits for a number of seconds, or less when
    woken by `poke`; it is given so that tests need not wait.
    """

    def __init__(
        self, connect: Connect, *, pause: Callable[[asyncio.Event, float], Awaitable[None]] | None = None
    ) -> None:
        self.link = Link(state="connecting")
        self.status: wire.StatusOut | None = None
        self.events: deque[wire.EventOut] = deque(maxlen=EVENTS_KEPT)
        self.rates: deque[float] = deque(maxlen=RATES_KEPT)  # passages/s, one at each poll
        self._connect = connect
        self._pause = pause or _wait_for
        self._daemon: Daemon | None = None
        self._listeners: list[Listener] = []
        self._listened = asyncio.Event()
        self._poked = asyncio.Event()
        self._last_event = 0  # so that a new daemon also tells what it still remembers
        self._fresh: list[wire.EventOut] = []

    @property
    def daemon(self) -> Daemon:
        """The daemon to ask now; `Unavailable` while there is none."""
        if self._daemon is None:
            raise Unavailable(
                self.link.detail or "Not connected to the daemon yet.", cure=self.link.cure or CURE
            )
        return self._daemon

    def join(self, listener: Listener) -> None:
        """From now on `listener` is told of every change; first of how things stand."""
        if listener not in self._listeners:
            self._listeners.append(listener)
        listener.post_message(LinkChanged(self.link))
        if self.status is not None:
            listener.post_message(StatusArrived(self.status))
        self._listened.set()
        self.poke()

    def leave(self, listener: Listener) -> None:
        if listener in self._listeners:
            self._listeners.remove(listener)
        if not self._listeners:
            self._listened.clear()

    def poke(self) -> None:
        """Ask for the status, or try to reconnect, now."""
        self._poked.set()

    async def run(self) -> None:
        """Connects, follows and reconnects until cancelled."""
        attempt = 0
        while True:
            try:
                async with self._connect() as daemon:
                    self._take_status(await daemon.status())
                    self._daemon = daemon
                    attempt = 0
                    self._set_link(Link(state="up"))
                    await self._follow(daemon)
            except NasdError as error:
                self._set_link(Link(state="down", detail=error.detail, cure=_cure(error)))
            finally:
                self._daemon = None
            await self._pause(self._poked, backoff_s(attempt))
            self._poked.clear()
            attempt += 1

    async def _follow(self, daemon: Daemon) -> None:
        """Polls and listens side by side until either finds the daemon gone."""
        tasks = [asyncio.create_task(self._poll(daemon)), asyncio.create_task(self._listen(daemon))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _poll(self, daemon: Daemon) -> None:
        while True:
            await self._pause(self._poked, POLL_S)
            await self._listened.wait()
            self._poked.clear()  # before asking: what is done meanwhile needs an answer of its own
            self._take_status(await daemon.status())

    async def _listen(self, daemon: Daemon) -> None:
        while True:
            try:
                async for event in daemon.events(self._last_event):
                    self._take_event(event)
            except NotPermitted:
                return  # a token without this scope: the dashboard still has the status
            # The stream ended without an error: the daemon may be stopping, or has dropped a slow reader.
            self._take_status(await daemon.status())
            await asyncio.sleep(POLL_S)

    def _take_status(self, status: wire.StatusOut) -> None:
        if self.status is not None and self.status.started != status.started:
            self._last_event = 0  # another run of the daemon counts its events anew
            self.events.clear()
        self.status = status
        self.rates.append(status.queue.passages_per_s)
        self._tell(lambda: StatusArrived(status))

    def _take_event(self, event: wire.EventOut) -> None:
        self._last_event = event.id
        self.events.append(event)
        if not self._fresh:
            asyncio.get_running_loop().call_later(BATCH_S, self._tell_events)
        self._fresh.append(event)

    def _tell_events(self) -> None:
        fresh, self._fresh = tuple(self._fresh[-EVENTS_KEPT:]), []
        self._tell(lambda: EventsArrived(fresh))
        if any(event.type.startswith(NEWS_OF_STATUS) for event in fresh):
            self.poke()

    def _set_link(self, link: Link) -> None:
        if link != self.link:
            self.link = link
            self._tell(lambda: LinkChanged(link))

    def _tell(self, make: Callable[[], Message]) -> None:
        for listener in tuple(self._listeners):
            listener.post_message(make())


def _cure(error: NasdError) -> str:
    if error.cure:
        return error.cure
    return CURE if isinstance(error, Unavailable) and "nasd run" not in error.detail else ""


async def _wait_for(woken: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        pass
