"""Server-sent events, as the HTML standard has them: lines in, (id, event, data) out."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass

from nasd.errors import NasdError

LONGEST_LINE = 64 << 20
"""Bytes of one line: an answer arrives as one, with all its passages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One event. `id` is the last one seen on the stream, "" when there was none."""

    id: str
    event: str
    data: str


async def frames(chunks: AsyncIterable[bytes]) -> AsyncIterator[Frame]:
    """Events of a stream, cut anywhere into chunks. An event that the stream's end cuts off is dropped, as
    are comments and events without data. `NasdError` for a line longer than `LONGEST_LINE`."""
    last_id, event, data = "", "", list[str]()
    async for line in _lines(chunks):
        if not line:
            if data:
                yield Frame(id=last_id, event=event or "message", data="\n".join(data))
            event, data = "", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "event":
            event = value
        elif name == "id" and "\0" not in value:
            last_id = value


async def _lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[str]:
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        if b"\n" in chunk:
            *whole, rest = held.split(b"\n")
            held = bytearray(rest)
            for line in whole:
                yield line.removesuffix(b"\r").decode("utf-8", "replace")
        if len(held) > LONGEST_LINE:
            raise NasdError("The daemon sent an event that is too long to take in.")
