"""Frames between a process and its model: four bytes of big-endian length, a JSON object, and as many raw
bytes as its `size` says."""

from __future__ import annotations

import json
from typing import IO, Any

MAX_HEADER = 256 << 20
"""A length beyond this is not one: something else wrote to the stream."""


def write_frame(stream: IO[bytes], header: dict[str, Any], payload: bytes = b"") -> None:
    text = json.dumps({**header, "size": len(payload)}).encode()
    stream.write(len(text).to_bytes(4, "big") + text + payload)
    stream.flush()


def read_frame(stream: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """None at the end of the stream, even within a frame. Raises ValueError on what is no frame."""
    prefix = stream.read(4)
    if len(prefix) < 4:
        return None
    length = int.from_bytes(prefix, "big")
    if length > MAX_HEADER:
        raise ValueError("a frame is too long")
    text = stream.read(length)
    if len(text) < length:
        return None
    header = json.loads(text)
    payload = stream.read(header["size"])
    return (header, payload) if len(payload) == header["size"] else None
