"""Turning gray pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nasd.extract.base import Picture


def turned(picture: Picture, rotation: int) -> Picture:
    """A gray picture turned clockwise by 90, 180 or 270 degrees."""
    pixels = np.frombuffer(picture.data, dtype=np.uint8).reshape(picture.height, picture.width)
    pixels = np.rot90(pixels, k=-(rotation // 90))
    return replace(picture, width=pixels.shape[1], height=pixels.shape[0], data=pixels.tobytes())
