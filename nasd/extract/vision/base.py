"""The picture encoder's promise."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from nasd.extract.base import Picture

Vector = npt.NDArray[np.float32]


class PictureEncoder(Protocol):
    """Turns pictures and texts into vectors of one space, float32 (dimension,), of unit length: the nearer a
    text is to a picture, the better it tells what is in it. In processes of its own, that for pictures at low
    priority. Thread-safe; blocks.

    `name` says which model and which edition of it; `fingerprint` changes whenever the vectors would. A
    picture is in the form "rgb"; none needs an edge of more than `edge` pixels. Raises `ReadError`: "time",
    "crashed"; the next one can be tried after each of them.
    """

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    @property
    def edge(self) -> int: ...

    def embed_picture(self, picture: Picture) -> Vector: ...

    def embed_text(self, text: str) -> Vector: ...

    def close(self) -> None: ...
