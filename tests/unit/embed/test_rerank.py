"""A cross-encoder is prepared and serves as sentence-transformers would."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from nasd.embed.child import environment
from nasd.embed.prepare_rerank import FURTHEST, least_correlation
from nasd.embed.rerank import FACTS_FILE, Facts, OnnxReranker
from nasd.embed.store import run_child
from nasd.errors import ModelError
from tests.fakes.tiny_model import ROOT, make_tiny_model

QUERIES = ("router reset", "Where is the rent contract?", "")
TEXTS = (
    "the router has a reset button",
    "flour, oven, bread",
    "x",
    "",
    "rent " * 100,  # far beyond what the model reads
    "a text without any of its words: ÄÖ 漢字 \udc80",
)

_ORIGINAL = """
import json, sys, torch
from sentence_transformers import CrossEncoder
model = CrossEncoder(sys.argv[1], device="cpu")
pairs = [tuple(pair) for pair in json.loads(sys.argv[2])]
scores = model.predict(pairs, activation_fn=torch.nn.Identity(), show_progress_bar=False)
print(json.dumps([float(score) for score in scores]))
"""


@pytest.fixture(scope="session")
def cross_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model") / "pairs", "cross-encoder")


@pytest.fixture(scope="session")
def prepared(cross_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("prepared")
    stages: list[str] = []
    arguments = ("--model", str(cross_encoder), "--into", str(into))
    run_child(
        tmp_path_factory.mktemp("state"),
        "nasd.embed.prepare_rerank",
        arguments,
        lambda progress: stages.append(progress.stage),
    )
    assert stages[0] == "load" and stages[-1] == "write"
    return into


def test_scores_are_the_originals(cross_encoder: Path, prepared: Path, tmp_path: Path) -> None:
    pairs = [(query, text) for query in QUERIES for text in TEXTS]
    clean = [(query, text.replace("\udc80", "?")) for query, text in pairs]
    done = subprocess.run(
        [sys.executable, "-P", "-c", _ORIGINAL, str(cross_encoder), json.dumps(clean)],
        env=environment(tmp_path) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    original = json.loads(done.stdout.splitlines()[-1])
    served = OnnxReranker("tiny", prepared)
    try:
        scores = [one for query in QUERIES for one in served.score(query, TEXTS, math.inf)]
    finally:
        served.close()
    assert max(original) - min(original) > 0.1, "or anything would agree"
    assert scores == pytest.approx(original, abs=FURTHEST)


def test_what_serves_is_told(prepared: Path) -> None:
    facts = Facts(**json.loads((prepared / FACTS_FILE).read_text()))
    assert facts.max_tokens == 64
    assert facts.furthest <= FURTHEST
    assert sorted(path.name for path in prepared.iterdir()) == [
        "model.onnx",
        "reranker.json",
        "tokenizer.json",
    ]


def test_only_what_time_is_left_for_is_read(prepared: Path) -> None:
    served = OnnxReranker("tiny", prepared, threads=1)
    try:
        assert len(served.score("rent", TEXTS, 0.0)) == 1
        assert len(served.score("rent", TEXTS, math.inf)) == len(TEXTS)
        assert served.score("rent", (), math.inf) == []
    finally:
        served.close()
    with pytest.raises(ModelError, match="closed"):
        served.score("rent", TEXTS, math.inf)


def test_it_rests_and_comes_back_by_itself(prepared: Path) -> None:
    served = OnnxReranker("tiny", prepared)
    try:
        before = served.score("rent", TEXTS, math.inf)
        assert not served.rest(3600.0)
        assert served.rest(0.0)
        assert not served.rest(0.0)
        assert served.score("rent", TEXTS, math.inf) == before
    finally:
        served.close()


def test_a_damaged_one_is_told(prepared: Path, tmp_path: Path) -> None:
    (tmp_path / FACTS_FILE).write_text((prepared / FACTS_FILE).read_text())
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="cannot be loaded"):
        OnnxReranker("tiny", tmp_path)


def test_a_model_that_labels_is_refused(tmp_path: Path) -> None:
    source = make_tiny_model(tmp_path / "labels", "classifier")
    into = tmp_path / "into"
    into.mkdir()
    arguments = ("--model", str(source), "--into", str(into))
    with pytest.raises(ModelError, match="no cross-encoder that gives a pair one score: it gives 3"):
        run_child(tmp_path / "state", "nasd.embed.prepare_rerank", arguments, lambda _: None)
    assert list(into.iterdir()) == []


def test_orders_are_compared_by_ranks() -> None:
    assert least_correlation([[1, 2, 30]], [[0.1, 0.2, 0.3]]) == pytest.approx(1)
    assert least_correlation([[1, 2, 3], [3, 2, 1]], [[1, 2, 3], [1, 2, 3]]) == pytest.approx(-1)
