"""Which host names a browser may have asked for, and what it may do with the reply."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from typing import Final

from aiohttp import web

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


async def secure(_request: web.Request, response: web.StreamResponse) -> None:
    """Headers for every reply; what a handler has set stands. No software's version is told."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "nasd"


def own_names(configured: Iterable[str] = ()) -> frozenset[str]:
    """Names of this machine: localhost, its host name, that with ".local" (mDNS), and those configured."""
    host = socket.gethostname().lower()
    bare = host.partition(".")[0]
    return frozenset({"localhost", host, bare, f"{bare}.local", *(name.lower() for name in configured)})


def host_allowed(header: str | None, names: frozenset[str]) -> bool:
    """Whether a `Host` header names this daemon. A page of a foreign site whose name was made to point at
    this address (DNS rebinding) sends that site's name; an address in numbers cannot be such a name."""
    if not header:
        return False
    host = header.lower()
    if host.startswith("["):
        literal, closed, port = host[1:].partition("]")
        return bool(closed) and (not port or _is_port(port)) and _is_address(literal)
    name, colon, digits = host.partition(":")
    if colon and not _is_port(colon + digits):
        return False
    return name.removesuffix(".") in names or _is_address(name)


def _is_port(text: str) -> bool:
    return text[0] == ":" and text[1:].isdecimal() and text.isascii()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
