"""What parent and child say to each other over a container, until the child has ended."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Generator
from dataclasses import dataclass

from nasd.errors import ReadError
from nasd.extract.base import Found, Hashed, Member
from nasd.extract.deaths import nonsense, too_much_text, too_slow
from nasd.extract.frames import NO, YES, BadFrame, Exit, Frames
from nasd.extract.received import Received

_PORTION = 1 << 18

Talk = Generator[Found | Hashed | Member, bool | None, Exit | None]


@dataclass(slots=True)
class Patience:
    """How long is waited for the child: in all, and for one member. Time that the caller takes between is
    not counted."""

    left_s: float
    each_s: float
    member_s: float = 0.0

    @property
    def over(self) -> bool:
        return self.left_s <= 0

    def spend(self, seconds: float) -> None:
        """Raises `ReadError` (time) when it is at its end."""
        self.left_s -= seconds
        self.member_s += seconds
        if self.over:
            raise ReadError("Reading all of it takes too long.", reason="time", temporary=True)
        if self.member_s >= self.each_s:
            raise too_slow(self.each_s)

    @property
    def next_s(self) -> float:
        return min(self.left_s, self.each_s - self.member_s)


def converse(
    result: socket.socket, life: socket.socket, received: Received, patience: Patience, most_pending: int
) -> Talk:
    """Yields what the child finds, passes the answers on, and gives how the child ended; None when the warm
    process is no more. Raises `ReadError`: time, output, crashed (for what no child would send)."""
    frames = Frames()
    poll = select.poll()
    poll.register(result, select.POLLIN)
    poll.register(life, select.POLLIN)
    patience.member_s = 0.0
    listening = True
    while True:
        began = time.monotonic()
        ready = {fd for fd, _ in poll.poll(patience.next_s * 1000)}
        patience.spend(time.monotonic() - began)
        if result.fileno() in ready:
            data = _portion(result)
            if not data:
                poll.unregister(result)
                listening = False
                continue
            yield from _heard(data, frames, result, received, patience)
            if frames.pending > most_pending:
                raise too_much_text()
        elif life.fileno() in ready:
            report = life.recv(4096)
            if not report:
                return None
            result.setblocking(False)
            while listening and (data := _portion(result)):
                yield from _heard(data, frames, result, received, patience)
            return Exit.decode(report)


def _portion(result: socket.socket) -> bytes:
    try:
        return result.recv(_PORTION)
    except (ConnectionResetError, BlockingIOError):
        return b""


def _heard(
    data: bytes, frames: Frames, result: socket.socket, received: Received, patience: Patience
) -> Generator[Found | Hashed | Member, bool | None, None]:
    try:
        for message in frames.feed(data):
            told = received.take(message)
            if told is None:
                continue
            if isinstance(told, Found):
                answer = not received.was_settled(told) and bool((yield told))
                received.want(told, answer)
            elif isinstance(told, Hashed):
                answer = bool((yield told))
                received.want_text(answer)
            else:
                patience.member_s = 0.0
                yield told
                continue
            if isinstance(told, Found):
                patience.member_s = 0.0
            with contextlib.suppress(OSError):  # it has ended: its life line says how
                result.sendall(YES if answer else NO)
    except BadFrame as error:
        raise nonsense(error) from error
