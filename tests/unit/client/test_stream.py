"""Server-sent events as the HTML standard has them, however they are cut."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasd.client import stream
from nasd.client.stream import Frame, frames
from nasd.errors import NasdError


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def read(*pieces: bytes) -> list[Frame]:
    return [frame async for frame in frames(chunks(*pieces))]


async def test_fields_comments_and_ends_of_lines() -> None:
    first = b": hello\nid: 7\nevent: a\ndata: one\ndata:two\nretry: 5\nnonsense\n\r\n"
    assert await read(first + b"\ndata:  x\r\n\r\nevent: cut\ndata: off") == [
        Frame(id="7", event="a", data="one\ntwo"),
        Frame(id="7", event="message", data=" x"),
    ]


@given(st.lists(st.integers(0, 60), max_size=8))
async def test_cuts_make_no_difference(cuts: list[int]) -> None:
    whole = "event: a\ndata: é€\n\nid: 2\ndata: b\r\n\r\n: c\n\n".encode()
    at = [0, *sorted(cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(at)]
    assert await read(*pieces) == await read(whole)


async def test_a_line_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "LONGEST_LINE", 100)
    with pytest.raises(NasdError, match="too long"):
        await read(b"x" * 60, b"x" * 60)
