"""What systemd is told and what it asks: readiness, status and watchdog beats (sd_notify(3)).

Reading the environment is pure; the one effect is a datagram to the socket that systemd named. Without
systemd every call is silent, so the daemon speaks the same way in a terminal.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass

SEND_TIMEOUT_S = 1.0
"""systemd reads at once; a datagram that waits longer than this is given up rather than hold the loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """What the service manager wants of this process.

    `address` is where notifications go, in the form that a Unix socket takes (abstract names start with a
    zero byte); None without a manager. `beat_every_s` is how often it wants a sign of life, in seconds;
    None when it does not watch.
    """

    address: str | None = None
    beat_every_s: float | None = None


def read_supervision(environ: Mapping[str, str], *, pid: int) -> Supervision:
    """What NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID mean for the process `pid`.

    A beat is asked for at half the watchdog's interval, as sd_watchdog_enabled(3) recommends. Values that
    cannot be understood count as absent, for a daemon must not fail over its supervision.
    """
    named = environ.get("NOTIFY_SOCKET", "")
    address: str | None = None
    if named.startswith("/"):
        address = named
    elif named.startswith("@") and len(named) > 1:
        address = "\0" + named[1:]

    interval = environ.get("WATCHDOG_USEC", "")
    watched = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
    beat_every_s: float | None = None
    if address is not None and watched and interval.isascii() and interval.isdigit() and int(interval) > 0:
        beat_every_s = int(interval) / 2 / 1_000_000
    return Supervision(address=address, beat_every_s=beat_every_s)


class Notifier:
    """Tells the service manager about this process. Each call returns whether the message was delivered."""

    def __init__(self, supervision: Supervision) -> None:
        self._address = supervision.address
        self.beat_every_s = supervision.beat_every_s

    def ready(self, status: str = "") -> bool:
        """Start-up is done: units ordered after this one may start."""
        return self._send("READY=1", *([_status(status)] if status else []))

    def status(self, text: str) -> bool:
        """One line that `systemctl status` shows."""
        return self._send(_status(text))

    def beat(self) -> bool:
        """A sign of life; to be given every `beat_every_s` seconds, and only when the daemon is well."""
        return self._send("WATCHDOG=1")

    def extend_start(self, seconds: float) -> bool:
        """Asks for `seconds` more from now to start or to stop in, before the manager gives up."""
        return self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1_000_000)}")

    def stopping(self) -> bool:
        """An orderly stop has begun."""
        return self._send("STOPPING=1")

    def _send(self, *lines: str) -> bool:
        if self._address is None:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(SEND_TIMEOUT_S)
                sender.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            return False
        return True


def _status(text: str) -> str:
    # A line break would start another assignment.
    return "STATUS=" + " ".join(text.split())
