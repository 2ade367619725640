"""What is done to a picture before a model sees it, as the export's `preprocessor_config.json` says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nasd.errors import ModelError

if TYPE_CHECKING:
    from PIL.Image import Image

PREPROCESSOR = "preprocessor_config.json"

_BICUBIC = 3
_MOST_PIXELS = 2048  # of an edge: what is larger is no size that a model sees


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """The model sees `width` by `height` pixels, out of the middle of the picture scaled until its shorter
    edge has `shortest` of them; None: of the whole picture, whatever its proportions. A value of 0 to 255 is
    multiplied by `scale`, less `mean`, divided by `deviation` (of red, green and blue). `resample` is a
    filter as Pillow numbers them."""

    width: int
    height: int
    shortest: int | None
    resample: int
    scale: float
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def pixels(self, image: Image) -> npt.NDArray[np.float32]:
        """float32 (1, 3, height, width) of an image in RGB."""
        from PIL.Image import Resampling

        shown = image.resize((self.width, self.height), Resampling(self.resample), box=self._box(image.size))
        mean, deviation = np.array(self.mean, np.float32), np.array(self.deviation, np.float32)
        values = (np.asarray(shown, np.float32) * np.float32(self.scale) - mean) / deviation
        return np.ascontiguousarray(values.transpose(2, 0, 1)[None], np.float32)

    def _box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """What is seen of a picture: cut before it is scaled, so that a long strip never becomes a long
        picture."""
        if self.shortest is None:
            return 0, 0, *size
        scale = min(size) / self.shortest
        width, height = min(self.width * scale, size[0]), min(self.height * scale, size[1])
        left, top = (size[0] - width) / 2, (size[1] - height) / 2
        return left, top, left + width, top + height


def read_preprocessing(folder: Path) -> Preprocessing:
    """Raises `ModelError` when the file is missing or says something else."""
    try:
        told = json.loads((folder / PREPROCESSOR).read_text("utf-8"))
        return parse(told)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{PREPROCESSOR} of the picture model cannot be used: {error}") from error


def parse(told: Mapping[str, Any]) -> Preprocessing:
    """From what an image processor of CLIP, SigLIP or the like writes down. Raises `KeyError`, `TypeError` or
    `ValueError`."""
    size = told["size"]
    shortest = size if isinstance(size, int) else size.get("shortest_edge")
    seen = size
    if told.get("do_center_crop", "crop_size" in told):
        seen = told["crop_size"]
        if shortest is None and (size["height"], size["width"]) != _edges(seen):
            raise ValueError("it scales and cuts in a way that is not known")
    else:
        shortest = None
    height, width = _edges(seen)
    if not all(1 <= edge <= _MOST_PIXELS for edge in (height, width, shortest or 1)):
        raise ValueError("no size of a picture")
    rescaled = bool(told.get("do_rescale", True))
    normalised = bool(told.get("do_normalize", True))
    return Preprocessing(
        width=width,
        height=height,
        shortest=shortest,
        resample=int(told.get("resample", _BICUBIC)),
        scale=float(told.get("rescale_factor", 1 / 255)) if rescaled else 1.0,
        mean=_channels(told["image_mean"]) if normalised else (0.0,) * 3,
        deviation=_channels(told["image_std"]) if normalised else (1.0,) * 3,
    )


def _edges(size: Any) -> tuple[int, int]:
    """Height and width."""
    if isinstance(size, int):
        return size, size
    if "shortest_edge" in size:
        return int(size["shortest_edge"]), int(size["shortest_edge"])
    return int(size["height"]), int(size["width"])


def _channels(values: Any) -> tuple[float, ...]:
    if len(values) != 3:
        raise ValueError("it is not for pictures in colour")
    return tuple(float(value) for value in values)
