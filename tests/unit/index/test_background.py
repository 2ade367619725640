"""What stands out of the usual nearness of pictures and texts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from nasd.index.background import DEVIATIONS, ENOUGH_PICTURES, TEXTS, Background, threshold

DIMENSION = 256
Vectors = npt.NDArray[np.float32]


class World:
    """Unit vectors as models make them: pictures in one cone, texts in another, each with much of its own."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(7)
        self.cones = {name: self.draw() for name in ("pictures", "texts")}

    def draw(self) -> Vectors:
        return self.unit(self.random.standard_normal(DIMENSION).astype(np.float32))

    def unit(self, vector: Vectors) -> Vectors:
        return np.asarray(vector / np.linalg.norm(vector, axis=-1, keepdims=True), np.float32)

    def near(self, cone: str, *about: Vectors) -> Vectors:
        return self.unit(self.cones[cone] + self.draw() + sum(about, np.zeros(DIMENSION, np.float32)))

    def many(self, cone: str, count: int, *about: Vectors) -> Vectors:
        return np.stack([self.near(cone, *about) for _ in range(count)])


@pytest.fixture
def world() -> World:
    return World()


def test_a_picture_of_what_is_asked_for_stands_out_of_those_that_are_not(world: World) -> None:
    subject = world.draw()
    pictures = np.vstack([world.many("pictures", 100), world.many("pictures", 5, subject)])
    above = Background(world.many("texts", len(TEXTS)), pictures).deviations(
        world.near("texts", subject), pictures
    )
    assert above[100:].min() > threshold(len(pictures))
    assert above[:100].max() < threshold(len(pictures))


def test_one_picture_alone_is_judged(world: World) -> None:
    right = wrong = 0
    for _ in range(200):
        subject = world.draw()
        picture = world.many("pictures", 1, subject)
        background = Background(world.many("texts", len(TEXTS)), picture)
        right += int(background.deviations(world.near("texts", subject), picture)[0] > DEVIATIONS)
        wrong += int(background.deviations(world.near("texts"), picture)[0] > DEVIATIONS)
    assert right > 190
    assert wrong < 6


def test_all_but_a_quarter_may_be_what_is_asked_for(world: World) -> None:
    subject = world.draw()
    pictures = np.vstack([world.many("pictures", 30), world.many("pictures", 60, subject)])
    above = Background(world.many("texts", len(TEXTS)), pictures).deviations(
        world.near("texts", subject), pictures
    )
    assert (above[30:] > threshold(len(pictures))).all()


def test_a_query_that_is_near_to_all_pictures_finds_none(world: World) -> None:
    pictures = world.many("pictures", ENOUGH_PICTURES)
    query = world.near("texts", world.cones["pictures"])
    background = Background(world.many("texts", len(TEXTS)), pictures)
    usual = (pictures @ query).mean()
    assert usual > (pictures @ world.near("texts")).mean() + 0.2, "it is near to them"
    assert background.deviations(query, pictures).max() < threshold(len(pictures))


def test_a_picture_that_is_near_to_all_texts_is_not_found_for_that(world: World) -> None:
    pictures = np.vstack([world.many("pictures", 40), world.near("pictures", world.cones["texts"])[None]])
    query = world.near("texts")
    assert int((pictures @ query).argmax()) == 40, "it is the nearest"
    above = Background(world.many("texts", len(TEXTS)), pictures).deviations(query, pictures)
    assert above[40] < threshold(len(pictures))


def test_a_model_that_tells_no_text_from_another_has_a_background_too(world: World) -> None:
    text = world.near("texts")
    pictures = world.many("pictures", 3)
    above = Background(np.stack([text] * 4), pictures).deviations(text, pictures)
    assert np.allclose(above, 0, atol=1e-3)


def test_the_more_pictures_the_more_is_asked_of_each() -> None:
    assert threshold(0) == threshold(1) == threshold(50) == DEVIATIONS
    assert DEVIATIONS < threshold(1_000) < threshold(100_000) < 5


def test_the_texts_are_distinct() -> None:
    assert len(set(TEXTS)) == len(TEXTS)
