"""Which variant is accepted. The rest of preparing is tested with real models through `nasd.embed.store`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasd.embed.agreement import QUERIES, TEXTS
from nasd.embed.base import NotExportable, Vectors
from nasd.embed.manifest import Agreement, Measured, read_manifest
from nasd.embed.onnx import OnnxEmbedder
from nasd.embed.prepare import choose, fastest
from nasd.embed.store import PreparedModel, Progress

Tiny = tuple[PreparedModel, list[Progress]]
SAME = Agreement(cosine_min=1, cosine_mean=1, neighbours=1, first=1)


def measured(serving: str, speed: float | None, size: int = 10) -> Measured:
    refused = None if speed is not None else "cosine 0.5"
    return Measured(serving=serving, bytes=size, passages_s=speed, agreement=SAME, refused=refused)


def test_the_fastest_that_agrees_is_chosen() -> None:
    int8, fp32 = measured("onnx-int8", 70.0), measured("onnx-fp32", 30.0, size=40)
    assert fastest((int8, fp32)) == int8
    assert fastest((measured("onnx-int8", 20.0), fp32)) == fp32
    assert fastest((measured("onnx-int8", None), fp32)) == fp32
    assert fastest((measured("onnx-int8", None), measured("onnx-fp32", None))) is None


def test_of_equals_the_smaller_is_chosen() -> None:
    int8, fp32 = measured("onnx-int8", 98.0), measured("onnx-fp32", 100.0, size=40)
    assert fastest((fp32, int8)) == int8


def test_what_made_the_vectors_stays_unless_it_is_far_slower() -> None:
    int8, fp32 = measured("onnx-int8", 70.0), measured("onnx-fp32", 100.0, size=40)
    assert fastest((int8, fp32)) == fp32
    assert fastest((int8, fp32), former="onnx-int8") == int8
    assert fastest((measured("onnx-int8", 30.0), fp32), former="onnx-int8") == fp32
    assert fastest((measured("onnx-int8", None), fp32), former="onnx-int8") == fp32
    assert fastest((int8, fp32), former="onnx-bf16") == fp32


@pytest.fixture
def reference(prepared_tiny: Tiny) -> Vectors:
    embedder = OnnxEmbedder(prepared_tiny[0].folder)
    rows = [embedder.embed_documents(TEXTS), *(embedder.embed_query(text) for text in QUERIES)]
    embedder.close()
    return np.vstack(rows)


@pytest.fixture
def tokenizer(prepared_tiny: Tiny) -> str:
    return (prepared_tiny[0].folder / "tokenizer.json").read_text("utf-8")


@pytest.mark.real_model
def test_a_graph_that_cannot_be_served_is_told_of_and_passed_over(
    tmp_path: Path, prepared_tiny: Tiny, reference: Vectors, tokenizer: str
) -> None:
    prepared, broken = prepared_tiny[0], tmp_path / "int8.onnx"
    broken.write_bytes(b"no graph at all")
    variants = {"onnx-int8": broken, "onnx-fp32": prepared.folder / "model.onnx"}
    chosen = choose(prepared.manifest, tokenizer, reference, tmp_path, variants)
    assert chosen.serving == "onnx-fp32"
    assert chosen.agreement.cosine_min > 0.999
    refused, accepted = chosen.measured
    assert (refused.serving, refused.agreement, refused.passages_s) == ("onnx-int8", None, None)
    assert "cannot be loaded" in (refused.refused or "")
    assert accepted.passages_s is not None and accepted.refused is None
    folder = tmp_path / "onnx-fp32"
    assert chosen == read_manifest(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "model.onnx", "tokenizer.json"]


@pytest.mark.real_model
def test_the_same_graph_served_another_way_is_another_model(
    tmp_path: Path, prepared_tiny: Tiny, reference: Vectors, tokenizer: str
) -> None:
    prepared, marks = prepared_tiny[0], set()
    for serving in ("onnx-bf16", "onnx-fp32"):
        variants = {serving: prepared.folder / "model.onnx"}
        marks.add(choose(prepared.manifest, tokenizer, reference, tmp_path, variants).fingerprint)
    assert len(marks) == 2


@pytest.mark.real_model
def test_what_does_not_agree_is_refused(tmp_path: Path, prepared_tiny: Tiny, tokenizer: str) -> None:
    prepared = prepared_tiny[0]
    rows = np.random.default_rng(0).standard_normal((len(TEXTS) + len(QUERIES), 32)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    graph = prepared.folder / "model.onnx"
    with pytest.raises(NotExportable, match=r"does not agree .*onnx-int8: cosine .*onnx-fp32: cosine"):
        choose(prepared.manifest, tokenizer, rows, tmp_path, {"onnx-int8": graph, "onnx-fp32": graph})
