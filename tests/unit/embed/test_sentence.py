from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from nasd.embed.onnx import OnnxEmbedder
from nasd.embed.sentence import SentenceEmbedder
from nasd.embed.store import PreparedModel, Progress
from nasd.errors import ModelError

pytestmark = pytest.mark.real_model


def test_it_serves_the_same_vectors_as_the_prepared_model(
    tiny_model: Path, prepared_tiny: tuple[PreparedModel, list[Progress]]
) -> None:
    texts = ["rent in the contract", "reset the router", "query: bread"]
    model = SentenceEmbedder(str(tiny_model))
    prepared = OnnxEmbedder(prepared_tiny[0].folder)
    assert np.einsum("ij,ij->i", model.embed_documents(texts), prepared.embed_documents(texts)).min() > 0.99
    assert model.embed_query("rent") @ prepared.embed_query("rent") > 0.99
    assert [model.count_tokens(text) for text in texts] == [prepared.count_tokens(text) for text in texts]
    assert (model.info.dimension, model.info.max_tokens) == (32, 40)
    assert model.info.fingerprint != prepared.info.fingerprint
    assert "torch" not in sys.modules
    model.close()
    prepared.close()


def test_a_process_that_died_is_started_anew(tiny_model: Path) -> None:
    embedder = SentenceEmbedder(str(tiny_model))
    before = embedder.embed_query("rent")
    assert embedder._child is not None
    os.kill(embedder._child.pid, signal.SIGKILL)
    embedder._child.wait()
    with pytest.raises(ModelError, match="process ended"):
        embedder.embed_query("rent")
    assert np.allclose(embedder.embed_query("rent"), before, atol=1e-5)
    embedder.close()
    with pytest.raises(ModelError, match="closed"):
        embedder.embed_query("rent")
    embedder.close()


def test_an_unknown_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no embedding model"):
        SentenceEmbedder(str(tmp_path))
