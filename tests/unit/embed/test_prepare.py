"""Which variant is accepted. The rest of preparing is tested with real models through `nasd.embed.store`."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from nasd.embed.agreement import QUERIES, TEXTS
from nasd.embed.base import NotExportable, Vectors
from nasd.embed.manifest import read_manifest
from nasd.embed.onnx import OnnxEmbedder
from nasd.embed.prepare import _choose
from nasd.embed.store import PreparedModel, Progress

pytestmark = pytest.mark.real_model

Tiny = tuple[PreparedModel, list[Progress]]


class Reference:
    """Stands for the loaded model: gives the vectors it was given."""

    def __init__(self, documents: Vectors, queries: Vectors) -> None:
        self._documents = documents
        self._queries = queries

    def encode_document(self, _texts: list[str], **_options: object) -> Vectors:
        return self._documents

    def encode_query(self, _texts: list[str], **_options: object) -> Vectors:
        return self._queries


@pytest.fixture
def reference(prepared_tiny: Tiny) -> Reference:
    embedder = OnnxEmbedder(prepared_tiny[0].folder)
    queries = np.vstack([embedder.embed_query(text) for text in QUERIES])
    documents = embedder.embed_documents(TEXTS)
    embedder.close()
    return Reference(documents, queries)


@pytest.fixture
def work(tmp_path: Path, prepared_tiny: Tiny) -> Path:
    shutil.copy(prepared_tiny[0].folder / "tokenizer.json", tmp_path)
    return tmp_path


def test_int8_is_taken_when_it_agrees(work: Path, prepared_tiny: Tiny, reference: Reference) -> None:
    prepared = prepared_tiny[0]
    shutil.copy(prepared.folder / "model.onnx", work / "int8.onnx")
    (work / "fp32.onnx").write_bytes(b"not needed")
    variants = {"onnx-int8": work / "int8.onnx", "onnx-fp32": work / "fp32.onnx"}
    chosen = _choose(prepared.manifest, reference, work, variants)
    assert chosen.serving == "onnx-int8"
    assert chosen.agreement.cosine_min > 0.999
    assert chosen == read_manifest(work)
    assert sorted(path.name for path in work.iterdir()) == ["manifest.json", "model.onnx", "tokenizer.json"]


@pytest.mark.parametrize("int8", [b"no graph at all", None])
def test_fp32_is_taken_when_int8_fails(
    work: Path, prepared_tiny: Tiny, reference: Reference, int8: bytes | None
) -> None:
    prepared = prepared_tiny[0]
    if int8 is not None:
        (work / "int8.onnx").write_bytes(int8)
    shutil.copy(prepared.folder / "model.onnx", work / "fp32.onnx")
    variants = {"onnx-int8": work / "int8.onnx", "onnx-fp32": work / "fp32.onnx"}
    chosen = _choose(prepared.manifest, reference, work, variants)
    assert chosen.serving == "onnx-fp32"
    assert chosen == read_manifest(work)
    assert sorted(path.name for path in work.iterdir()) == ["manifest.json", "model.onnx", "tokenizer.json"]


def test_what_does_not_agree_is_refused(work: Path, prepared_tiny: Tiny) -> None:
    prepared = prepared_tiny[0]
    rows = np.random.default_rng(0).standard_normal((len(TEXTS) + len(QUERIES), 32)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    other = Reference(rows[: len(TEXTS)], rows[len(TEXTS) :])
    for name in ("int8.onnx", "fp32.onnx"):
        shutil.copy(prepared.folder / "model.onnx", work / name)
    variants = {"onnx-int8": work / "int8.onnx", "onnx-fp32": work / "fp32.onnx"}
    with pytest.raises(NotExportable, match=r"does not agree .*onnx-int8: cosine .*onnx-fp32: cosine"):
        _choose(prepared.manifest, other, work, variants)
