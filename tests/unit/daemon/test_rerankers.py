"""Cross-encoders: what is no such model is refused before anything runs, and the settings choose."""

from __future__ import annotations

from pathlib import Path

import pytest

from nasd.config import Settings, load
from nasd.daemon.rerankers import import_reranker, reranker_finder
from nasd.errors import InvalidRequest, ModelError
from nasd.weights.folder import Wanted, bring


def settings(state: Path, rerank: str = "auto") -> Settings:
    return load(None, state, {}, overrides={"search": {"rerank": rerank}})


def test_a_folder_without_a_model_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="holds no sentence-transformers model"):
        import_reranker(settings(tmp_path / "state"), tmp_path, name=None, licence=None)
    assert not (tmp_path / "state" / "models").exists()


def test_nothing_is_found_where_nothing_was_brought(tmp_path: Path) -> None:
    find = reranker_finder(settings(tmp_path), tmp_path / "models")
    assert find is not None and find() is None
    assert reranker_finder(settings(tmp_path, "off"), tmp_path / "models") is None


def test_a_model_that_was_changed_is_not_served(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "model.onnx").write_bytes(b"graph")
    models = tmp_path / "models"
    wanted = [Wanted(name="model.onnx", sources=("model.onnx",))]
    made = bring(models, "rerank", source, wanted, name="pairs", licence=None, check=lambda _: None)
    (made.folder / "model.onnx").write_bytes(b"another")
    find, other = (reranker_finder(settings(tmp_path, name), models) for name in ("pairs", "others"))
    assert find is not None and other is not None and other() is None
    with pytest.raises(ModelError, match="missing or damaged"):
        find()
