"""Models that are brought: whole or not at all, and checked before they are used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nasd.errors import Conflict, InvalidRequest, ModelError
from nasd.weights.folder import MANIFEST, Brought, Wanted, bring, brought, verify

WANTED = (
    Wanted(name="graph.onnx", sources=("graph.onnx", "graph_int8.onnx")),
    Wanted(name="words.json", sources=("words.json",)),
    Wanted(name="more.onnx", sources=("more.onnx",), needed=False),
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny-model"
    (folder / "onnx").mkdir(parents=True)
    (folder / "onnx" / "graph_int8.onnx").write_bytes(b"graph")
    (folder / "words.json").write_bytes(b"{}")
    (folder / "README.md").write_text("---\ntags: [a]\nlicense: apache-2.0\n---\ntext\n", "utf-8")
    (folder / "secret.txt").write_bytes(b"not part of it")
    return folder


def _bring(models: Path, source: Path, **given: str | None) -> Brought:
    options = {"name": None, "licence": None} | given
    return bring(models, "speech", source, WANTED, check=lambda folder: None, **options)


def test_a_model_is_copied_with_its_digests_and_its_licence(tmp_path: Path, source: Path) -> None:
    models = tmp_path / "models"
    made = _bring(models, source)
    assert made.folder == models / "speech" / "tiny-model"
    assert sorted(path.name for path in made.folder.iterdir()) == ["graph.onnx", MANIFEST, "words.json"]
    assert (made.manifest.licence, made.manifest.kind) == ("apache-2.0", "speech")
    assert brought(models, "speech") == (made,)
    assert brought(models, "picture") == ()
    verify(made)
    assert len(made.manifest.fingerprint) == 32


def test_name_and_licence_can_be_given(tmp_path: Path, source: Path) -> None:
    made = _bring(tmp_path / "models", source, name="mine", licence="MIT")
    assert (made.manifest.name, made.manifest.licence) == ("mine", "MIT")
    (source / "README.md").unlink()
    assert _bring(tmp_path / "models", source).manifest.licence == "not stated"


def test_a_damaged_file_is_seen_before_use(tmp_path: Path, source: Path) -> None:
    made = _bring(tmp_path / "models", source)
    (made.folder / "graph.onnx").write_bytes(b"other")
    with pytest.raises(ModelError, match=r"graph\.onnx .* is missing or damaged"):
        verify(made)
    (made.folder / "graph.onnx").unlink()
    with pytest.raises(ModelError):
        verify(made)


def test_a_manifest_cannot_point_elsewhere(tmp_path: Path, source: Path) -> None:
    made = _bring(tmp_path / "models", source)
    values = json.loads((made.folder / MANIFEST).read_text("utf-8"))
    values["files"] = {"../../outside": "0" * 64}
    (made.folder / MANIFEST).write_text(json.dumps(values), "utf-8")
    (again,) = brought(tmp_path / "models", "speech")
    with pytest.raises(ModelError):
        verify(again)


@pytest.mark.parametrize("text", ["", "[]", '{"format": 9}', '{"format": 1, "name": "x"}'])
def test_what_is_no_manifest_is_no_model(tmp_path: Path, source: Path, text: str) -> None:
    made = _bring(tmp_path / "models", source)
    (made.folder / MANIFEST).write_text(text, "utf-8")
    assert brought(tmp_path / "models", "speech") == ()


def test_a_missing_file_is_named_and_nothing_is_left(tmp_path: Path, source: Path) -> None:
    (source / "words.json").unlink()
    with pytest.raises(ModelError, match=r"lacks words\.json"):
        _bring(tmp_path / "models", source)
    assert not (tmp_path / "models" / "speech").exists()


def test_a_model_that_cannot_be_used_leaves_nothing(tmp_path: Path, source: Path) -> None:
    def refuse(folder: Path) -> None:
        assert (folder / "graph.onnx").read_bytes() == b"graph"
        raise ModelError("It cannot be used.")

    with pytest.raises(ModelError):
        bring(tmp_path / "models", "speech", source, WANTED, name=None, licence=None, check=refuse)
    assert list((tmp_path / "models" / "speech").iterdir()) == []


def test_one_name_is_one_model(tmp_path: Path, source: Path) -> None:
    _bring(tmp_path / "models", source)
    with pytest.raises(Conflict, match="already"):
        _bring(tmp_path / "models", source)


@pytest.mark.parametrize("name", ["../x", ".hidden", "a b", "x" * 70])
def test_names_that_are_none(tmp_path: Path, source: Path, name: str) -> None:
    with pytest.raises(InvalidRequest):
        _bring(tmp_path / "models", source, name=name)


def test_a_folder_is_needed(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no folder"):
        _bring(tmp_path / "models", tmp_path / "nowhere")
