"""What image processors write down, and what becomes of a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nasd.errors import ModelError
from nasd.extract.vision.preprocessing import PREPROCESSOR, parse, read_preprocessing

CLIP = {
    "crop_size": 224,
    "do_center_crop": True,
    "do_normalize": True,
    "do_resize": True,
    "image_mean": [0.48, 0.46, 0.41],
    "image_std": [0.27, 0.26, 0.28],
    "resample": 3,
    "size": 224,
}
SIGLIP = {
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "resample": 3,
    "rescale_factor": 0.00392156862745098,
    "size": {"height": 256, "width": 256},
}


def test_clip_sees_the_middle_of_a_picture() -> None:
    seen = parse(CLIP)
    assert (seen.height, seen.width, seen.shortest) == (224, 224, 224)
    newer = {**CLIP, "size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}}
    assert parse(newer) == seen
    image = Image.new("RGB", (600, 200), "red")
    image.paste("blue", (200, 0, 400, 200))
    values = seen.pixels(image)
    assert values.shape == (1, 3, 224, 224)
    assert values.dtype == np.float32
    middle = values[0, :, 112, 112]
    assert np.allclose(middle, [-0.48 / 0.27, -0.46 / 0.26, (1 - 0.41) / 0.28], atol=1e-3)
    assert np.allclose(values[0, :, 100, 5], middle, atol=1e-3), "no red is seen: it is beside the middle"


def test_siglip_sees_all_of_it() -> None:
    seen = parse(SIGLIP)
    assert (seen.height, seen.width, seen.shortest) == (256, 256, None)
    image = Image.new("RGB", (600, 200), "red")
    image.paste("blue", (200, 0, 400, 200))
    values = seen.pixels(image)
    assert np.allclose(values[0, :, 128, 5], [1, -1, -1], atol=1e-3)
    assert np.allclose(values[0, :, 128, 128], [-1, -1, 1], atol=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (5000, 2), (2, 5000)])
def test_no_shape_makes_more_of_it(size: tuple[int, int]) -> None:
    for told in (CLIP, SIGLIP):
        seen = parse(told)
        assert seen.pixels(Image.new("RGB", size)).shape == (1, 3, seen.height, seen.width)


@pytest.mark.parametrize(
    "told",
    [
        {},
        [],
        {**CLIP, "size": {"longest_edge": 300}},
        {**SIGLIP, "do_center_crop": True, "crop_size": 100},
        {**SIGLIP, "size": {"height": 0, "width": 0}},
        {**SIGLIP, "size": 1_000_000},
        {**SIGLIP, "image_mean": [0.5]},
    ],
)
def test_anything_else_is_refused(tmp_path: Path, told: Any) -> None:
    (tmp_path / PREPROCESSOR).write_text(json.dumps(told), "utf-8")
    with pytest.raises(ModelError, match=PREPROCESSOR):
        read_preprocessing(tmp_path)
    with pytest.raises(ModelError):
        read_preprocessing(tmp_path / "nowhere")
