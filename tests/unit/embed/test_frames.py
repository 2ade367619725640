from __future__ import annotations

import io

import pytest

from nasd.embed.frames import read_frame, write_frame


def test_a_frame_comes_back_as_it_was() -> None:
    stream = io.BytesIO()
    write_frame(stream, {"op": "query", "texts": ["ü\n"]}, b"\x00\xff")
    write_frame(stream, {"op": "next"})
    stream.seek(0)
    assert read_frame(stream) == ({"op": "query", "texts": ["ü\n"], "size": 2}, b"\x00\xff")
    assert read_frame(stream) == ({"op": "next", "size": 0}, b"")
    assert read_frame(stream) is None


def test_a_frame_cut_short_anywhere_is_the_end() -> None:
    stream = io.BytesIO()
    write_frame(stream, {"op": "query"}, b"payload")
    whole = stream.getvalue()
    assert [read_frame(io.BytesIO(whole[:end])) for end in range(len(whole))] == [None] * len(whole)


@pytest.mark.parametrize("data", [b"Traceback (most recent call last)", b"\x00\x00\x00\x03abc"])
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_frame(io.BytesIO(data))
