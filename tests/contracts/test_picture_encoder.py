"""What every picture encoder promises."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from nasd.errors import ReadError
from nasd.extract.base import Picture
from nasd.extract.vision.base import PictureEncoder
from nasd.extract.vision.clip import Clip
from tests.fakes.vision import COLOURS, ScriptedEncoder, drawn, make_picture_model


@pytest.fixture(scope="module", params=["scripted", "pair", "both"])
def encoder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PictureEncoder]:
    if request.param == "scripted":
        yield ScriptedEncoder()
        return
    folder = tmp_path_factory.mktemp("model") / "colours"
    found = Clip("colours 1", "f", make_picture_model(folder, both=request.param == "both"))
    yield found
    found.close()


def test_it_says_who_it_is(encoder: PictureEncoder) -> None:
    assert encoder.name and encoder.fingerprint
    assert encoder.edge > 0


def test_vectors_have_unit_length_and_one_dimension(encoder: PictureEncoder) -> None:
    for vector in (
        encoder.embed_picture(drawn("red")),
        encoder.embed_text("a red car"),
        encoder.embed_text(""),
    ):
        assert vector.shape == (encoder.dimension,)
        assert vector.dtype == np.float32
        assert abs(float(np.linalg.norm(vector)) - 1) < 1e-3


def test_a_picture_is_nearest_to_the_text_that_tells_what_it_shows(encoder: PictureEncoder) -> None:
    texts = np.stack([encoder.embed_text(name) for name in COLOURS])
    for number, name in enumerate(COLOURS):
        for size in ((12, 8), (8, 8), (3, 90)):
            assert int((texts @ encoder.embed_picture(drawn(name, *size))).argmax()) == number


def test_one_picture_is_seen_alike_each_time(encoder: PictureEncoder) -> None:
    once, again = encoder.embed_picture(drawn("blue")), encoder.embed_picture(drawn("blue"))
    assert np.allclose(once, again, atol=1e-6)


@pytest.mark.parametrize("side", ["pictures", "texts"])
def test_after_its_end_it_fails_as_temporary(tmp_path_factory: pytest.TempPathFactory, side: str) -> None:
    engine = Clip("colours 1", "f", make_picture_model(tmp_path_factory.mktemp("model") / "colours"))
    engine.close()
    with pytest.raises(ReadError) as caught:
        if side == "pictures":
            engine.embed_picture(drawn("red"))
        else:
            engine.embed_text("red")
    assert caught.value.temporary


def test_what_is_no_picture_costs_one_question(tmp_path_factory: pytest.TempPathFactory) -> None:
    engine = Clip("colours 1", "f", make_picture_model(tmp_path_factory.mktemp("model") / "colours"))
    try:
        with pytest.raises(ReadError) as caught:
            engine.embed_picture(Picture(width=50_000, height=50_000, form="rgb", data=b""))
        assert caught.value.reason == "crashed"
        assert engine.embed_picture(drawn("red")).shape == (engine.dimension,)
    finally:
        engine.close()
