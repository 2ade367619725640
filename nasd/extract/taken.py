"""In the parent: what the confined child sends of members that are taken out, checked, made pieces."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Collection, Generator, Iterator

from nasd.domain.files import INSIDE
from nasd.errors import ReadError
from nasd.extract.base import Limits, Piece
from nasd.extract.conversation import Patience
from nasd.extract.frames import BOTH, INTO, NO, YES, BadFrame, Exit, Frames, unpack_bytes, unpack_text
from nasd.extract.received import REASONS

_PORTION = 1 << 18
_MOST_PENDING = 1 << 20  # a frame is one chunk of a member, in base64

Talk = Generator[Piece, None, Exit | None]


class Taken:
    """Takes messages; gives answers and pieces."""

    def __init__(self, paths: Collection[str], limits: Limits) -> None:
        self._waiting = set(paths)
        self._limits = limits
        self._open = [""]  # the container, and the members that are not at their end
        self._size = 0  # of the one that comes just now

    @property
    def finished(self) -> bool:
        """Nothing more is wanted."""
        return not self._waiting

    def answer(self, message: dict[str, object]) -> bytes | None:
        """What is said to a member that was found; None to any other message. Raises `BadFrame`."""
        told = message.get("member")
        if told is None:
            return None
        path = told[0] if isinstance(told, list) and told else None
        if not isinstance(path, str) or not path or not path.startswith(self._prefix()):
            raise BadFrame("a member of an unsafe name")
        wanted = path in self._waiting
        within = any(other.startswith(path + INSIDE) for other in self._waiting)
        if not wanted and not within:
            return NO
        if len(self._open) > self._limits.depth:
            raise BadFrame("more members than may be")
        self._open.append(path)
        self._size = 0
        return BOTH if wanted and within else YES if wanted else INTO

    def take(self, message: dict[str, object]) -> Iterator[Piece]:
        """The pieces of a message. Raises `BadFrame`; `ReadError` when it is of the container itself, or when
        a member has more bytes than it may."""
        if not self._open:
            raise BadFrame("something after the end")
        path = self._open[-1]
        if "bytes" in message:
            if path not in self._waiting:
                raise BadFrame("bytes that nobody asked for")
            data = unpack_bytes(message["bytes"])
            self._size += len(data)
            if self._size > self._limits.taken_bytes:
                raise ReadError("The file is larger than what is taken out.", reason="too_large")
            yield Piece(path=path, data=data)
        elif "whole" in message:
            if path not in self._waiting:
                raise BadFrame("an end that nobody waits for")
            self._waiting.discard(path)
            yield Piece(path=path, ended=True)
        elif "end" in message:
            self._open.pop()
            yield from self._left(
                path, ReadError("It is not there any more.", reason="changing", temporary=True)
            )
        elif isinstance(error := message.get("error"), dict):
            reason, detail = str(error.get("reason")), (unpack_text(error.get("detail")) or "")[:500]
            told = ReadError(detail, reason=reason if reason in REASONS else "malformed")
            if not path:
                raise told
            self._open.pop()
            yield from self._left(path, told)
        else:
            raise BadFrame("an unknown message")

    def _prefix(self) -> str:
        return self._open[-1] + INSIDE if self._open and self._open[-1] else ""

    def _left(self, path: str, error: ReadError) -> Iterator[Piece]:
        """A member is at its end: what was to come of it, and of what lies in it, will not come any more."""
        lost = [one for one in self._waiting if not path or one == path or one.startswith(path + INSIDE)]
        for one in sorted(lost):
            self._waiting.discard(one)
            yield Piece(path=one, error=error)


def converse(result: socket.socket, life: socket.socket, taken: Taken, limits: Limits) -> Talk:
    """Yields pieces and passes the answers on, until nothing more is wanted; gives how the child ended when
    it ended before (None: the warm process is no more). Raises `ReadError`: time, crashed, what the container
    itself is about."""
    patience = Patience(limits.container_wall_s, limits.wall_s)
    frames = Frames()
    poll = select.poll()
    poll.register(result, select.POLLIN)
    poll.register(life, select.POLLIN)
    while True:
        began = time.monotonic()
        ready = {fd for fd, _ in poll.poll(patience.next_s * 1000)}
        patience.spend(time.monotonic() - began)
        if result.fileno() in ready:
            data = b""
            with contextlib.suppress(ConnectionResetError):
                data = result.recv(_PORTION)
            if not data:
                poll.unregister(result)
                continue
            patience.member_s = 0.0
            yield from _heard(data, frames, result, taken)
            if taken.finished:
                return None
        elif life.fileno() in ready:
            report = life.recv(4096)
            return Exit.decode(report) if report else None


def _heard(data: bytes, frames: Frames, result: socket.socket, taken: Taken) -> Iterator[Piece]:
    try:
        for message in frames.feed(data):
            if (answer := taken.answer(message)) is None:
                yield from taken.take(message)
                continue
            with contextlib.suppress(OSError):  # it has ended: its life line says how
                result.sendall(answer)
        if frames.pending > _MOST_PENDING:
            raise BadFrame("a piece of another size")
    except BadFrame as error:
        raise ReadError(f"The reading process sent {error}.", reason="crashed") from error
