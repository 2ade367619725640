"""What the application keeps for its handlers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from nasd.clock import Clock
from nasd.server.access import Access
from nasd.server.base import Flows
from nasd.server.metrics import Meter


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """`stopping` is set when the daemon begins to stop: streams without an end of their own end then."""

    flows: Flows
    access: Access
    meter: Meter
    clock: Clock
    openapi: dict[str, Any]
    names: frozenset[str]
    stopping: asyncio.Event
    keep_alive_s: float


PARTS: web.AppKey[Parts] = web.AppKey("nasd_parts", Parts)
