from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from textual.message import Message

from nasd import wire
from nasd.client import Client
from nasd.errors import NotPermitted, Unavailable
from tests.tui.scripted import ScriptedDaemon
from tests.tui.specimens import NOW, events, status
from tui.daemon import Daemon
from tui.feed import Feed, backoff_s
from tui.messages import EventsArrived, LinkChanged, StatusArrived


class Ear:
    def __init__(self) -> None:
        self.heard: list[Message] = []

    def post_message(self, message: Message) -> bool:
        self.heard.append(message)
        return True

    def statuses(self) -> list[wire.StatusOut]:
        return [one.status for one in self.heard if isinstance(one, StatusArrived)]

    def links(self) -> list[str]:
        return [one.link.state for one in self.heard if isinstance(one, LinkChanged)]


def told(ear: Ear) -> list[int]:
    batches = [one.fresh for one in ear.heard if isinstance(one, EventsArrived)]
    return [event.id for batch in batches for event in batch]


class Turnstile:
    """Lets the feed pass only when it is poked, and notes how long it meant to wait."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.passed = 0

    async def __call__(self, woken: asyncio.Event, seconds: float) -> None:
        self.waits.append(seconds)
        await woken.wait()
        self.passed += 1


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(feed: Feed) -> AsyncIterator[None]:
    task = asyncio.create_task(feed.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_the_wait_doubles_up_to_a_limit() -> None:
    assert [backoff_s(attempt) for attempt in (0, 1, 2, 3, 4, 99)] == [1, 2, 4, 8, 15, 15]


async def test_a_listener_hears_how_things_stand_and_then_each_change(daemon: ScriptedDaemon) -> None:
    feed, ear = Feed(daemon.connect, pause=Turnstile()), Ear()
    async with running(feed):
        await until(lambda: feed.link.state == "up")
        feed.join(ear)
        await until(lambda: len(ear.statuses()) >= 2)
        changed = status(memory_bytes=1)
        daemon.answers_status = changed
        feed.poke()
        await until(lambda: ear.statuses()[-1] == changed)
        assert ear.links() == ["up"]


async def test_nobody_listening_means_nobody_asking(daemon: ScriptedDaemon) -> None:
    turnstile, ear = Turnstile(), Ear()
    feed = Feed(daemon.connect, pause=turnstile)
    async with running(feed):
        await until(lambda: feed.link.state == "up")
        feed.join(ear)
        await until(lambda: len(daemon.asked("status")) == 2)
        feed.leave(ear)
        feed.poke()
        await until(lambda: turnstile.passed == 2)
        assert len(daemon.asked("status")) == 2
        feed.join(ear)
        await until(lambda: len(daemon.asked("status")) == 3)


async def test_a_daemon_that_goes_away_is_said_with_a_cure_and_found_again(daemon: ScriptedDaemon) -> None:
    turnstile, ear = Turnstile(), Ear()
    feed = Feed(daemon.connect, pause=turnstile)
    async with running(feed):
        feed.join(ear)
        await until(lambda: feed.link.state == "up")
        await daemon.leave()
        await until(lambda: feed.link.state == "down")
        assert feed.link.detail.startswith("No daemon answers")
        assert "nasd run" in feed.link.cure
        with pytest.raises(Unavailable, match="nasd run"):
            _ = feed.daemon
        for _ in range(3):
            waited = len(turnstile.waits)
            feed.poke()
            await until(lambda waited=waited: len(turnstile.waits) > waited)
        assert turnstile.waits[-4:] == [1, 2, 4, 8]
        daemon.come_back()
        feed.poke()
        await until(lambda: feed.link.state == "up")
        assert feed.daemon is daemon
    assert ear.links() == ["connecting", "up", "down", "up"]


async def test_a_loss_without_a_cure_still_says_what_to_do(daemon: ScriptedDaemon) -> None:
    daemon.away = Unavailable("The daemon is stopping.")
    feed = Feed(daemon.connect, pause=Turnstile())
    async with running(feed):
        await until(lambda: feed.link.state == "down")
    assert feed.link.cure == "Start it with `nasd run`, or `systemctl start nasd`."


async def test_a_cure_is_not_said_twice(daemon: ScriptedDaemon) -> None:
    daemon.away = Unavailable("No daemon answers at /run/x; start it with `nasd run`.")
    feed = Feed(daemon.connect, pause=Turnstile())
    async with running(feed):
        await until(lambda: feed.link.state == "down")
    assert feed.link.cure == ""


async def test_events_arrive_together_and_go_on_after_the_last_one_seen(daemon: ScriptedDaemon) -> None:
    feed, ear = Feed(daemon.connect, pause=Turnstile()), Ear()
    async with running(feed):
        feed.join(ear)
        await until(lambda: any(isinstance(one, EventsArrived) for one in ear.heard))
        assert list(feed.events) == events()
        await daemon.leave()
        await until(lambda: feed.link.state == "down")
        daemon.come_back()
        feed.poke()
        await until(lambda: daemon.asked("events")[-1] == len(events()))
        await daemon.happen(wire.EventOut(id=99, type="scan.done", at=NOW))
        await until(lambda: 99 in told(ear))
    assert told(ear) == [*range(1, len(events()) + 1), 99]


async def test_news_of_a_volume_brings_a_new_status_at_once(daemon: ScriptedDaemon) -> None:
    daemon.remembered = []
    feed, ear = Feed(daemon.connect, pause=Turnstile()), Ear()
    async with running(feed):
        feed.join(ear)
        await until(lambda: len(daemon.asked("status")) == 2)
        await daemon.happen(wire.EventOut(id=1, type="volume.added", at=NOW))
        await until(lambda: len(daemon.asked("status")) == 3)


async def test_another_run_of_the_daemon_counts_its_events_anew(daemon: ScriptedDaemon) -> None:
    feed, ear = Feed(daemon.connect, pause=Turnstile()), Ear()
    async with running(feed):
        feed.join(ear)
        await until(lambda: len(feed.events) == len(events()))
        await daemon.leave()
        await until(lambda: feed.link.state == "down")
        daemon.answers_status = status(started=NOW + timedelta(seconds=5))
        daemon.remembered = [wire.EventOut(id=1, type="index.rebuilt", at=NOW)]
        daemon.come_back()
        feed.poke()
        await until(lambda: [event.type for event in feed.events] == ["index.rebuilt"])


async def test_a_token_that_may_not_see_events_still_sees_the_status(daemon: ScriptedDaemon) -> None:
    daemon.refusals["events"] = NotPermitted("Events need the scope admin.")
    feed, ear = Feed(daemon.connect, pause=Turnstile()), Ear()
    async with running(feed):
        feed.join(ear)
        await until(lambda: len(ear.statuses()) >= 2)
        assert feed.link.state == "up"


@pytest.mark.parametrize(
    "name", [name for name, value in vars(Daemon).items() if inspect.isfunction(value) and name[0] != "_"]
)
def test_the_client_has_every_method_that_the_ui_asks(name: str) -> None:
    wanted = inspect.signature(getattr(Daemon, name)).parameters.values()
    offered = inspect.signature(getattr(Client, name)).parameters
    by_place = [one for one in wanted if one.kind is one.POSITIONAL_ONLY]
    assert len(offered) >= len(by_place)
    assert {one.name for one in wanted if one.kind is one.KEYWORD_ONLY} <= set(offered)
