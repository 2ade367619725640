"""Who is asking, whether he may, and not too often."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import socket
import struct
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from nasd.clock import Clock
from nasd.domain.identity import OWNER, Caller, Scope
from nasd.errors import NotPermitted, TooManyRequests, Unauthenticated
from nasd.server.allowance import Allowance, Rate
from nasd.server.base import DevicesFlow
from nasd.server.routes import Route

_CREDENTIALS: Final = struct.Struct("3i")  # struct ucred: pid, uid, gid
_PROXIED: Final = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """`wrong_tokens` for each address; `work` for each device, in units of one search. The owner on his own
    machine is not held back."""

    wrong_tokens: Rate = field(default_factory=lambda: Rate(burst=10, per_s=0.2))
    work: Rate = field(default_factory=lambda: Rate(burst=200, per_s=50))


class Access:
    """Admits callers. `admins` are the user ids that the Unix socket admits as owner."""

    def __init__(
        self, devices: DevicesFlow, *, admins: frozenset[int], clock: Clock, rates: Rates | None = None
    ) -> None:
        rates = rates or Rates()
        self._devices = devices
        self._admins = admins
        self._wrong = Allowance(rates.wrong_tokens, clock)
        self._work = Allowance(rates.work, clock)
        self._accepted: OrderedDict[bytes, None] = OrderedDict()

    async def admit(self, request: web.Request, route: Route) -> Caller | None:
        """Whoever asks, or None on an open route. `Unauthenticated`, `NotPermitted`, `TooManyRequests`."""
        if route.scope is None:
            return None
        caller = await self.identify(request)
        if not caller.may(route.scope):
            raise NotPermitted(
                f"This needs the scope {route.scope.value!r}, which {caller.name!r} does not have.",
                cure="Ask the owner to pair a device that has it.",
            )
        if route.cost and caller is not OWNER:
            _refuse_for(self._work.take(caller.name, route.cost))
        return caller

    async def identify(self, request: web.Request) -> Caller:
        """`Unauthenticated` or, after too many wrong tokens, `TooManyRequests`."""
        sock = peer_socket(request)
        if sock is not None:
            return self._by_credentials(sock)
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token.strip()
        if kind.lower() != "bearer" or not token:
            raise Unauthenticated(
                "This needs a token.",
                cure="Send it as `Authorization: Bearer …`; nasd device pair NAME makes one.",
            )
        return await self._by_token(token, request.remote or "")

    async def _by_token(self, token: str, peer: str) -> Caller:
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        if digest not in self._accepted:
            # Behind a proxy all share one address: a token that was good before is looked up even while
            # somebody else at that address guesses.
            _refuse_for(self._wrong.wait_s(peer))
        try:
            caller = await self._devices.by_token(token)
        except Unauthenticated:
            self._accepted.pop(digest, None)
            self._wrong.take(peer)
            raise
        self._accepted[digest] = None
        self._accepted.move_to_end(digest)
        if len(self._accepted) > 1024:
            self._accepted.popitem(last=False)
        return caller

    def _by_credentials(self, sock: socket.socket) -> Caller:
        _, uid, _ = _CREDENTIALS.unpack(
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        )
        if uid not in self._admins:
            raise Unauthenticated(
                "This socket admits the daemon's own user and root alone.",
                cure="Ask over the network with a token.",
            )
        return OWNER


def peer_socket(request: web.Request) -> socket.socket | None:
    """The connection's socket when it came over the Unix socket."""
    sock: socket.socket | None = request.get_extra_info("socket")
    return sock if sock is not None and sock.family == socket.AF_UNIX else None


def from_this_machine(request: web.Request) -> bool:
    """Over the Unix socket, or from a loopback address without having passed a proxy."""
    if peer_socket(request) is not None:
        return True
    if any(name in request.headers for name in _PROXIED):
        return False
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


async def may_read_metrics(access: Access, request: web.Request) -> bool:
    """From this machine without a token; from elsewhere with one that may search."""
    if from_this_machine(request):
        return True
    caller = await access.identify(request)
    if not caller.may(Scope.SEARCH):
        raise NotPermitted(f"This needs the scope 'search', which {caller.name!r} does not have.")
    return True


def _refuse_for(wait_s: float) -> None:
    if wait_s > 0:
        seconds = max(1, math.ceil(wait_s))
        raise TooManyRequests("Too many requests.", cure=f"Ask again in {seconds} s.", retry_after_s=seconds)
