"""CLIP and its like, each side in a child process of its own: the one sees nothing but pixels, the other
reads nothing but queries."""

from __future__ import annotations

import struct
from functools import cached_property
from pathlib import Path

import numpy as np

from nasd.errors import ReadError
from nasd.extract.base import Picture
from nasd.extract.serving import ServingChild
from nasd.extract.vision.base import Vector
from nasd.extract.vision.preprocessing import read_preprocessing

_CHILD = "nasd.extract.vision.clip_child"
_PICTURE_S, _TEXT_S = 300.0, 60.0
_KEPT_S = 900.0
"""A query that comes later waits for the side of texts to be loaded again: a second for a small CLIP."""

MOST_DIMENSIONS = 8192
MOST_TEXT_BYTES = 16_384
SIZE = struct.Struct(">II")
LENGTH = struct.Struct(">I")


class Clip:
    """The `PictureEncoder` of a model folder, whose files the caller has checked. Raises `ModelError` when it
    does not say how pictures are to be prepared."""

    def __init__(self, name: str, fingerprint: str, folder: Path, *, threads: int = 1) -> None:
        self.name = name
        self.fingerprint = fingerprint
        seen = read_preprocessing(folder)
        self.edge = 2 * max(seen.width, seen.height, seen.shortest or 0)  # of what is not square, enough
        self._pictures = ServingChild(
            *(_CHILD, str(folder), "pictures", str(threads)),
            what="The process that looks at pictures",
            wall_s=_PICTURE_S,
        )
        self._texts = ServingChild(
            *(_CHILD, str(folder), "texts", str(threads)),
            what="The process that reads queries for pictures",
            wall_s=_TEXT_S,
            idle_s=_KEPT_S,
        )

    @cached_property
    def dimension(self) -> int:
        """Asks the model, the first time."""
        return len(self.embed_text("picture"))

    def embed_picture(self, picture: Picture) -> Vector:
        with self._pictures.turn():
            return parse_vector(self._pictures.ask(SIZE.pack(picture.width, picture.height) + picture.data))

    def embed_text(self, text: str) -> Vector:
        data = text.encode("utf-8", "replace")[:MOST_TEXT_BYTES]
        with self._texts.turn():
            return parse_vector(self._texts.ask(LENGTH.pack(len(data)) + data))

    def close(self) -> None:
        """Ends the children, whatever they do; what they are asked fails as temporary."""
        self._pictures.close()
        self._texts.close()


def parse_vector(payload: bytes) -> Vector:
    """What a child sent. Raises `ReadError` when it is no vector of unit length."""
    found = np.frombuffer(payload, "<f4") if len(payload) % 4 == 0 else np.empty(0, np.float32)
    if not 0 < len(found) <= MOST_DIMENSIONS or not abs(float(np.linalg.norm(found)) - 1) < 1e-3:
        raise ReadError("The picture model sent no vector.", reason="crashed")
    return found.astype(np.float32)
