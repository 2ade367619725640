from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from nasd.embed.source import DEFAULT_MODEL, check_weights, locate
from nasd.errors import ModelError


def test_the_default_model_is_found_and_its_weights_checked() -> None:
    folder = locate(DEFAULT_MODEL)
    assert (folder / "modules.json").is_file()
    assert (folder / "model.safetensors").stat().st_size > 80_000_000


def test_a_folder_is_a_model_when_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no embedding model"):
        locate(str(tmp_path))
    (tmp_path / "modules.json").write_text("[]")
    assert locate(str(tmp_path)) == tmp_path.resolve()


@pytest.mark.parametrize("name", ["", "all-minilm", "sentence-transformers/all-MiniLM-L6-v2", "/nowhere"])
def test_an_unknown_model_is_refused_with_what_there_is(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=DEFAULT_MODEL):
        locate(name)


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"weights")
    check_weights(path, hashlib.sha256(b"weights").hexdigest())
    path.write_bytes(b"Weights")
    with pytest.raises(ModelError, match="not the expected ones"):
        check_weights(path, hashlib.sha256(b"weights").hexdigest())
    path.unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        check_weights(path, "")
