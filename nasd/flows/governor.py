"""Looks at the machine every few seconds and decides how much work in the background goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from nasd.clock import Clock
from nasd.flows.events import Hub
from nasd.flows.work import Work
from nasd.load.base import Limits, Machine, Pace, Share, Verdict
from nasd.load.decide import decide
from nasd.store.lane import Lane

log = logging.getLogger(__name__)

LOOK_S = 5.0
IDLE_LOOK_S = 30.0
"""While nobody has asked for work in the background since the last look."""

SAVE_S = 60.0


class Governor:
    """Besides, keeps what was learned of this machine's rates."""

    def __init__(
        self,
        lane: Lane,
        hub: Hub,
        work: Work,
        clock: Clock,
        *,
        limits: Limits,
        look: Callable[[], Machine],
    ) -> None:
        """`look` blocks for milliseconds; it is called by one thread at a time."""
        self._lane = lane
        self._hub = hub
        self._work = work
        self._clock = clock
        self._look = look
        self._looked = clock.monotonic()
        self.limits = limits
        self.machine = Machine()
        work.turns.change(Verdict(readers=limits.readers))

    async def run(self) -> None:
        await self._work.rates.load(self._lane)
        saved = self._clock.monotonic()
        while True:
            await self.step()
            asked, self._work.turns.asked = self._work.turns.asked, False
            if self._clock.monotonic() - saved >= SAVE_S:
                saved = self._clock.monotonic()
                await self.save()
            await asyncio.sleep(LOOK_S if asked else IDLE_LOOK_S)

    async def step(self) -> None:
        """Looks and decides; tells when that allows something else than before."""
        self.machine = await asyncio.to_thread(self._look)
        now = self._clock.monotonic()
        before = self._work.turns.verdict
        verdict = decide(self.limits, self.machine, before, now=now, since_s=now - self._looked)
        self._looked = now
        if verdict.same_work(before):
            self._work.turns.verdict = verdict
            return
        self._work.turns.change(verdict)
        detail = sentence(verdict) or "all work goes at full pace"
        log.info("load: %s", detail)
        self._hub.publish("load.changed", detail=detail, readers=verdict.readers)
        work = self._work
        for signal in (
            work.to_read,
            work.to_embed,
            work.to_recognise,
            work.to_transcribe,
            work.to_look_at,
        ):
            signal.set()

    async def save(self) -> None:
        await self._work.rates.save(self._lane)


_NAMES = {
    Share.LIGHT: "small texts",
    Share.READ: "other files",
    Share.RECOGNISE: "text recognition",
    Share.TRANSCRIBE: "speech",
    Share.LOOK: "pictures",
    Share.EMBED: "embedding",
}


def sentence(verdict: Verdict) -> str:
    """What waits and what goes slowly, and why; "" when nothing does."""
    parts = []
    for pace, verb in ((Pace.PAUSED, "waiting"), (Pace.SLOW, "slow")):
        by_reason: dict[str, list[str]] = {}
        for share, name in _NAMES.items():
            if verdict.paces[share] is pace:
                by_reason.setdefault(verdict.reasons[share], []).append(name)
        parts += [f"{verb}: {', '.join(names)} ({reason})" for reason, names in by_reason.items()]
    return "; ".join(parts)
