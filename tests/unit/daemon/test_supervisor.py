from __future__ import annotations

import asyncio

from nasd.daemon.supervisor import Supervisor
from nasd.flows.events import Hub
from tests.fakes.clock import ManualClock


async def test_a_service_that_fails_is_news_and_starts_again() -> None:
    hub = Hub(ManualClock())
    supervisor = Supervisor(hub, ManualClock())
    runs = 0
    again = asyncio.Event()

    async def flaky() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise RuntimeError("the cable was pulled")
        again.set()
        await asyncio.Event().wait()

    events = hub.subscribe()
    listening = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    supervisor.add("flaky", flaky)
    supervisor.start()
    event = await asyncio.wait_for(listening, 10)
    assert (event.type, event.data["service"]) == ("service.failed", "flaky")
    assert "the cable was pulled" in supervisor.states()["flaky"]
    await asyncio.wait_for(again.wait(), 10)
    assert supervisor.states() == {"flaky": "running"}
    await supervisor.stop()
    assert supervisor.states() == {"flaky": "stopped"}


async def test_services_stop_in_the_reverse_of_their_order() -> None:
    supervisor = Supervisor(Hub(ManualClock()), ManualClock())
    ended: list[str] = []

    def service(name: str) -> None:
        async def run() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(name)

        supervisor.add(name, run)

    for name in ("first", "second", "third"):
        service(name)
    supervisor.start()
    await asyncio.sleep(0)
    await supervisor.stop()
    assert ended == ["third", "second", "first"]
