from __future__ import annotations

import json
import re
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasd.embed.agreement import COSINE_MIN, agrees
from nasd.embed.base import NotExportable
from nasd.embed.manifest import MANIFEST_FILE
from nasd.embed.onnx import OnnxEmbedder
from nasd.embed.pick import open_embedder
from nasd.embed.sentence import SentenceEmbedder
from nasd.embed.source import DEFAULT_MODEL
from nasd.embed.store import PreparedModel, Progress, find, folder_of, prepare, sweep
from nasd.errors import ConfigError, ModelError, StateError, Unavailable

pytestmark = pytest.mark.real_model

Tiny = tuple[PreparedModel, list[Progress]]


@pytest.fixture
def models(prepared_tiny: Tiny, tmp_path: Path) -> Path:
    """A folder of models of the test's own."""
    shutil.copytree(prepared_tiny[0].folder.parent, tmp_path / "models")
    return tmp_path / "models"


def test_the_default_model_is_prepared_from_its_package(prepared_model: PreparedModel) -> None:
    manifest = prepared_model.manifest
    assert (manifest.name, manifest.dimension, manifest.max_tokens) == (DEFAULT_MODEL, 384, 256)
    assert manifest.serving == "onnx-int8"
    assert agrees(manifest.agreement)
    assert len(manifest.fingerprint) == 32
    assert (manifest.prompt_query, manifest.prompt_document) == ("", "")
    assert sorted(path.name for path in prepared_model.folder.iterdir()) == [
        "manifest.json",
        "model.onnx",
        "tokenizer.json",
    ]


def test_the_graph_says_nothing_of_where_it_was_made(prepared_model: PreparedModel) -> None:
    graph = (prepared_model.folder / "model.onnx").read_bytes()
    assert b"site-packages" not in graph
    assert re.search(rb"[\w./-]{4,}\.pyc?\b", graph) is None, "weights may hold those letters by chance"


def test_any_sentence_transformers_folder_is_prepared_as_it_is_configured(prepared_tiny: Tiny) -> None:
    prepared, steps = prepared_tiny
    assert (prepared.manifest.dimension, prepared.manifest.max_tokens) == (32, 40)
    assert (prepared.manifest.prompt_query, prepared.manifest.prompt_document) == ("query: ", "passage: ")
    assert [(step.stage, step.step, step.steps) for step in steps] == [
        ("load", 1, 5),
        ("export", 2, 5),
        ("quantise", 3, 5),
        ("check", 4, 5),
        ("write", 5, 5),
    ]
    embedder = OnnxEmbedder(prepared.folder)
    assert not np.allclose(embedder.embed_query("rent"), embedder.embed_documents(["rent"])[0], atol=1e-3)
    assert np.allclose(np.linalg.norm(embedder.embed_documents(["rent", ""]), axis=1), 1, atol=1e-4)
    embedder.close()
    assert [path.name for path in prepared.folder.parent.iterdir()] == [prepared.folder.name]


def test_preparing_again_gives_the_same_fingerprint(
    prepared_tiny: Tiny, models: Path, tiny_model: Path
) -> None:
    again = prepare(models, str(tiny_model))
    first = prepared_tiny[0].manifest
    assert replace(again.manifest, measured=()) == replace(first, measured=())
    assert [one.serving for one in again.manifest.measured] == [one.serving for one in first.measured]
    assert [path.name for path in models.iterdir()] == [again.folder.name]


def test_a_multilingual_model_is_a_drop_in(prepared_multilingual: tuple[Path, PreparedModel]) -> None:
    source, prepared = prepared_multilingual
    manifest = prepared.manifest
    assert (manifest.dimension, manifest.max_tokens, manifest.similarity) == (48, 64, "dot")
    assert (manifest.prompt_query, manifest.prompt_document) == ("query: ", "passage: ")
    served, original = OnnxEmbedder(prepared.folder), SentenceEmbedder(str(source))
    texts = ["rent", "Der Vertrag läuft im Mai aus.", "Погода", "契約は三月に終了", "bread " * 90, ""]
    near = np.einsum("ij,ij->i", served.embed_documents(texts), original.embed_documents(texts))
    assert near.min() > COSINE_MIN
    assert served.embed_query("明天") @ original.embed_query("明天") > COSINE_MIN
    assert [served.count_tokens(text) for text in texts] == [original.count_tokens(text) for text in texts]
    served.close()
    original.close()


def test_every_way_of_serving_is_measured(prepared_tiny: Tiny) -> None:
    measured = prepared_tiny[0].manifest.measured
    assert {"onnx-int8", "onnx-fp32"} <= {one.serving for one in measured}
    for one in measured:
        assert one.bytes > 0
        assert (one.passages_s is None) == (one.refused is not None)


def test_a_missing_or_damaged_model_is_not_found(models: Path, tiny_model: Path) -> None:
    name = str(tiny_model)
    folder = folder_of(models, name)
    assert find(models, name) is not None
    assert find(models, DEFAULT_MODEL) is None
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        path.write_bytes(whole[:-10])
        assert find(models, name) is None
        path.unlink()
        assert find(models, name) is None
        path.write_bytes(whole)
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    changes: list[dict[str, object]] = [{"format": 99}, {"name": "another"}, {"files": {}}, {"more": 1}]
    for change in changes:
        (folder / MANIFEST_FILE).write_text(json.dumps(manifest | change))
        assert find(models, name) is None
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
    assert find(models, name) is not None


def test_an_unknown_model_is_refused_in_the_parents_words(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no embedding model 'nothing'") as refused:
        prepare(tmp_path / "models", "nothing")
    assert refused.value.cure is not None
    assert list((tmp_path / "models").iterdir()) == []


def test_a_broken_model_is_refused_and_leaves_nothing(tmp_path: Path, tiny_model: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(tiny_model, broken)
    (broken / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0garbage!")
    with pytest.raises(ModelError, match="cannot load the model") as refused:
        prepare(tmp_path / "models", str(broken))
    assert not isinstance(refused.value, NotExportable)
    assert list((tmp_path / "models").iterdir()) == []


def test_a_model_that_cannot_be_exported_is_served_by_sentence_transformers(
    tmp_path: Path, tiny_model: Path
) -> None:
    odd = tmp_path / "odd"
    shutil.copytree(tiny_model, odd)
    pooling = odd / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps(json.loads(pooling.read_text()) | {"include_prompt": False}))
    with pytest.raises(NotExportable, match="prompt"):
        open_embedder(tmp_path / "models", str(odd), serve="onnx")
    embedder = open_embedder(tmp_path / "models", str(odd))
    assert embedder.info.serving == "sentence-transformers"
    assert embedder.embed_query("rent").shape == (32,)
    embedder.close()


def test_the_prepared_model_serves(models: Path, tiny_model: Path, prepared_tiny: Tiny) -> None:
    embedder = open_embedder(models, str(tiny_model), threads=1)
    assert embedder.info.serving in ("onnx-int8", "onnx-fp32")  # whichever was measured to be the faster
    assert embedder.info.fingerprint == prepared_tiny[0].manifest.fingerprint
    embedder.close()
    with pytest.raises(ConfigError, match="cannot be 'tensorflow'"):
        open_embedder(models, str(tiny_model), serve="tensorflow")


def test_preparing_can_be_stopped(tmp_path: Path, tiny_model: Path) -> None:
    stop = threading.Event()
    with pytest.raises(Unavailable, match="stopped"):
        prepare(tmp_path / "models", str(tiny_model), lambda _: stop.set(), stop=stop)
    sweep(tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_preparing_has_a_time_limit(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(ModelError, match="ended early"):
        prepare(tmp_path / "models", str(tiny_model), timeout_seconds=0)


def test_a_folder_that_cannot_be_made_is_a_state_error(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(StateError, match="cannot be written"):
        prepare(tmp_path / "models", DEFAULT_MODEL)


def test_what_an_interrupted_preparation_left_is_swept(models: Path, tiny_model: Path) -> None:
    for left in (".tiny-ab.part", ".tiny-cd.old", ".scratch-ef"):
        (models / left).mkdir()
        (models / left / "file").write_text("x")
    sweep(models)
    assert [path.name for path in models.iterdir()] == [folder_of(models, str(tiny_model)).name]


@pytest.mark.parametrize("name", ["../../etc", "/srv/models/my model", "..", ".hidden", "a/b", "ü" * 300])
def test_no_name_leads_out_of_the_folder_of_models(name: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, name)
    assert folder.parent == tmp_path
    assert not folder.name.startswith(".")
    assert folder != folder_of(tmp_path, name + "x")
