"""What every embedder promises: the fake, the prepared model, the model in its own process, a server."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from nasd.embed.base import Embedder
from nasd.embed.onnx import OnnxEmbedder
from nasd.embed.remote import RemoteEmbedder
from nasd.embed.sentence import SentenceEmbedder
from nasd.embed.source import DEFAULT_MODEL
from nasd.embed.store import PreparedModel
from tests.fakes.embedder import HashingEmbedder
from tests.fakes.embedding_server import embedding_server

TEXTS = [
    "The rent is due on the first of the month.",
    "",
    "Bake the bread in the oven.",
    "Der Mietvertrag läuft im Mai aus. 契約は三月に終了します。 \N{GRINNING FACE}",
    "bread " * 40,
    "x",
    "Bake the bread in the oven.",
]
REAL = pytest.mark.real_model


@pytest.fixture(
    scope="module",
    params=[
        "hashing",
        "remote",
        pytest.param("onnx", marks=REAL),
        pytest.param("sentence-transformers", marks=REAL),
    ],
)
def embedder(request: pytest.FixtureRequest) -> Iterator[Embedder]:
    match request.param:
        case "hashing":
            yield HashingEmbedder(64)
        case "remote":
            with embedding_server() as url:
                yield from _closing(RemoteEmbedder(url, "hashing"))
        case "onnx":
            prepared: PreparedModel = request.getfixturevalue("prepared_model")
            yield from _closing(OnnxEmbedder(prepared.folder))
        case _:
            yield from _closing(SentenceEmbedder(DEFAULT_MODEL))


def _closing(embedder: Embedder) -> Iterator[Embedder]:
    try:
        yield embedder
    finally:
        embedder.close()


def test_it_says_what_it_is(embedder: Embedder) -> None:
    info = embedder.info
    assert info.name
    assert info.fingerprint
    assert info.serving
    assert info.dimension > 1
    assert info.max_tokens > 8


def test_documents_become_unit_rows_in_the_order_given(embedder: Embedder) -> None:
    vectors = embedder.embed_documents(TEXTS)
    assert str(vectors.dtype) == "float32"
    assert vectors.shape == (len(TEXTS), embedder.info.dimension)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    assert np.allclose(vectors[2], vectors[6], atol=1e-5)
    for text, row in zip(TEXTS, vectors, strict=True):
        assert row @ embedder.embed_documents([text])[0] > 0.999


def test_no_documents_are_no_rows(embedder: Embedder) -> None:
    vectors = embedder.embed_documents([])
    assert str(vectors.dtype) == "float32"
    assert vectors.shape == (0, embedder.info.dimension)


def test_many_documents_keep_their_order(embedder: Embedder) -> None:
    texts = [f"Note {number} about item {number * 7}" for number in range(70)]
    vectors = embedder.embed_documents(texts)
    for number in (0, 31, 32, 63, 64, 69):
        assert int(np.argmax(vectors @ embedder.embed_documents([texts[number]])[0])) == number


def test_a_query_is_one_unit_vector_near_what_it_asks_for(embedder: Embedder) -> None:
    query = embedder.embed_query("When is the rent due?")
    assert str(query.dtype) == "float32"
    assert query.shape == (embedder.info.dimension,)
    assert np.linalg.norm(query) == pytest.approx(1, abs=1e-4)
    near, _, far, *_ = embedder.embed_documents(TEXTS) @ query
    assert near > far + 0.1


def test_a_text_beyond_the_limit_is_served(embedder: Embedder) -> None:
    beyond = "bread " * (3 * embedder.info.max_tokens)
    vectors = embedder.embed_documents([beyond, beyond + "and a contract about rent"])
    if embedder.info.serving != "remote":
        assert np.allclose(vectors[0], vectors[1], atol=1e-4)
    assert np.linalg.norm(embedder.embed_query(beyond)) == pytest.approx(1, abs=1e-4)


def test_tokens_are_counted_without_special_ones_and_without_a_limit(embedder: Embedder) -> None:
    assert embedder.count_tokens("") == 0
    assert embedder.count_tokens("bread") >= 1
    assert embedder.count_tokens("bread " * 2000) >= 2000
    if embedder.info.serving in ("onnx-int8", "sentence-transformers"):
        assert embedder.count_tokens("the bread") == 2


def test_text_that_is_no_valid_unicode_is_served(embedder: Embedder) -> None:
    assert embedder.embed_documents(["a lone \ud800 surrogate"]).shape == (1, embedder.info.dimension)
    assert embedder.embed_query("\udcff").shape == (embedder.info.dimension,)
    assert embedder.count_tokens("\ud800") >= 0


def test_threads_do_not_disturb_each_other(embedder: Embedder) -> None:
    alone = [embedder.embed_documents([text])[0] for text in TEXTS]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda text: embedder.embed_documents([text])[0], TEXTS * 2))
        queries = list(pool.map(embedder.embed_query, TEXTS[:1] * 4))
    for number, vector in enumerate(together):
        assert np.allclose(vector, alone[number % len(TEXTS)], atol=1e-5)
    assert all(np.allclose(query, queries[0], atol=1e-5) for query in queries)


@pytest.mark.parametrize("text", ["x" * 5000, "\n\t ", "\x00\x01", "a\N{ZERO WIDTH JOINER}b"])
def test_odd_texts_have_unit_vectors(embedder: Embedder, text: str) -> None:
    assert np.linalg.norm(embedder.embed_documents([text])[0]) == pytest.approx(1, abs=1e-4)
