from __future__ import annotations

import numpy as np

from nasd.embed.once import Once
from tests.fakes.embedder import HashingEmbedder


def test_each_text_is_embedded_once_and_in_its_place() -> None:
    embedder, once = HashingEmbedder(), Once()
    texts = ["a heron", "a lynx", "a heron", "a marmot", "a lynx"]
    assert np.array_equal(once.embed(embedder, texts), HashingEmbedder().embed_documents(texts))
    assert embedder.embedded == 3
    once.embed(embedder, texts)
    assert embedder.embedded == 3


def test_another_embedder_begins_anew() -> None:
    first, second, once = HashingEmbedder(), HashingEmbedder(32), Once()
    assert once.embed(first, ["a heron"]).shape == (1, 64)
    assert once.embed(second, ["a heron"]).shape == (1, 32)
    assert (first.embedded, second.embedded) == (1, 1)


def test_only_so_many_are_remembered_and_a_batch_may_have_more() -> None:
    embedder, once = HashingEmbedder(), Once(2)
    texts = [f"word{number}" for number in range(5)]
    assert once.embed(embedder, texts).shape == (5, 64)
    once.embed(embedder, texts[3:])
    assert embedder.embedded == 5
    once.embed(embedder, texts[:1])
    assert embedder.embedded == 6


def test_no_text_no_vector() -> None:
    assert Once().embed(HashingEmbedder(), []).shape == (0, 64)
