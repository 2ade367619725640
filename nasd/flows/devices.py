"""Devices and their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from nasd.clock import Clock
from nasd.domain.identity import Caller, Device, Scope
from nasd.errors import Unauthenticated
from nasd.identity import tokens
from nasd.store import devices
from nasd.store.lane import Lane

SEEN_EVERY = timedelta(minutes=5)
"""`last_seen` is a hint for people; a write for each request would be too much for it."""


class Devices:
    def __init__(self, lane: Lane, clock: Clock) -> None:
        self._lane = lane
        self._clock = clock

    async def list(self) -> Sequence[Device]:
        return await self._lane.read(devices.all_devices)

    async def get(self, name: str) -> Device:
        return await self._lane.read(devices.device_named, name)

    async def add(self, name: str, scopes: frozenset[Scope]) -> tuple[Device, str]:
        token = tokens.mint()
        device = await self._lane.write(
            devices.add_device,
            name=name,
            token_sha256=tokens.token_hash(token),
            scopes=scopes,
            now=self._clock.now(),
        )
        return device, token

    async def revoke(self, name: str) -> Device:
        return await self._lane.write(devices.revoke_device, name, self._clock.now())

    async def by_token(self, token: str) -> Caller:
        unknown = Unauthenticated(
            "The token is not known, or its device was revoked.",
            cure="Pair the device again: `nasd device pair NAME`.",
        )
        if not tokens.well_formed(token):
            raise unknown
        device = await self._lane.read(devices.device_by_token, tokens.token_hash(token))
        if device is None or device.revoked is not None:
            raise unknown
        await self._note(device.id, device.last_seen)
        return Caller(name=device.name, scopes=device.scopes, device_id=device.id)

    async def _note(self, device_id: int, last_seen: datetime | None) -> None:
        now = self._clock.now()
        if last_seen is None or now - last_seen > SEEN_EVERY:
            await self._lane.write(devices.saw_device, device_id, now)
