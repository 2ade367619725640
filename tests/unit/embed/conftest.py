from __future__ import annotations

from pathlib import Path

import pytest

from nasd.embed.store import PreparedModel, Progress, prepare
from tests.fakes.tiny_model import make_tiny_model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("source") / "tiny")


@pytest.fixture(scope="session")
def prepared_tiny(
    tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[PreparedModel, list[Progress]]:
    steps: list[Progress] = []
    return prepare(tmp_path_factory.mktemp("state") / "models", str(tiny_model), steps.append), steps


@pytest.fixture(scope="session")
def prepared_multilingual(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PreparedModel]:
    """The model as sentence-transformers has it, and as it is served."""
    source = make_tiny_model(tmp_path_factory.mktemp("source") / "multilingual", "xlm-roberta")
    return source, prepare(tmp_path_factory.mktemp("state") / "models", str(source))
