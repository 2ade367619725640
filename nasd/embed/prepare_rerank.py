"""Preparing a cross-encoder in a process of its own, `python -m nasd.embed.prepare_rerank`.

As `nasd.embed.prepare`, whose lines on standard output it speaks, for models that score pairs.
"""

from __future__ import annotations

import argparse
import math
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nasd.embed.agreement import QUERIES, TEXTS
from nasd.embed.base import NotExportable
from nasd.embed.export import MAX_TOKENS, OPSETS, export_modules, quantise
from nasd.embed.manifest import GRAPH_FILE, TOKENIZER_FILE, file_sha256
from nasd.embed.onnx import first_line
from nasd.embed.prepare import speak
from nasd.embed.rerank import FACTS_FILE, OUTPUT, Facts, OnnxReranker, facts_json
from nasd.errors import ModelError

FURTHEST = 1e-4
"""A graph in full precision must score every pair as near to the original, for scores of magnitude 1."""

ORDER_LEAST = 0.95
"""Spearman's rank correlation that int8 must reach for every query; else full precision serves."""

_NOT_A_RERANKER = "The model is no cross-encoder that gives a pair one score"
_TEXTS = (*TEXTS[3:11], *TEXTS[-7:])

Scores = Sequence[Sequence[float]]
"""A row for each of `QUERIES`, with a score for each of `_TEXTS`."""


def prepare(source: Path, into: Path, progress: Callable[[str], None]) -> str:
    """Writes graph, tokenizer and facts into the empty folder `into`; the fingerprint of the graph. Raises
    ModelError, its subclass `NotExportable`, OSError."""
    progress("load")
    model = load(source)
    tokenizer = model.tokenizer.backend_tokenizer.to_str()
    reference = [_reference(model, query) for query in QUERIES]
    refused: list[str] = []
    for opset in OPSETS:
        try:
            progress("export")
            exported, quantised = into / "fp32.onnx", into / "int8.onnx"
            export_modules(
                model,
                [(QUERIES[0], text) for text in _TEXTS[:4]],
                lambda values: values["scores"].reshape(-1).clone(),
                OUTPUT,
                exported,
                opset,
            )
            progress("quantise")
            quantise(exported, quantised)
            progress("check")
            (into / TOKENIZER_FILE).write_text(tokenizer, "utf-8")
            facts = _chosen(into, exported, quantised, reference, int(model.max_seq_length or MAX_TOKENS))
            progress("write")
            (into / FACTS_FILE).write_text(facts_json(facts), "utf-8")
            return file_sha256(into / GRAPH_FILE)[:32]
        except NotExportable as error:
            refused.append(error.detail)
        finally:
            for left in (into / "fp32.onnx", into / "int8.onnx"):
                left.unlink(missing_ok=True)
    raise ModelError(" ".join(dict.fromkeys(refused)), cure="Choose another cross-encoder.")


def load(source: Path) -> Any:
    """The cross-encoder in a folder. Raises ModelError."""
    from sentence_transformers import CrossEncoder

    try:
        model = CrossEncoder(str(source), device="cpu", trust_remote_code=False, local_files_only=True)
        labels, fast = model.num_labels, getattr(model.tokenizer, "is_fast", False)
    except Exception as error:
        raise ModelError(
            f"sentence-transformers cannot load the model: {first_line(error)}",
            cure="Check that the folder holds a complete cross-encoder.",
        ) from error
    if labels != 1:
        raise ModelError(f"{_NOT_A_RERANKER}: it gives {labels}.", cure="Choose another model.")
    if len(list(model)) != 1 or not fast or model.default_prompt_name:
        raise ModelError(
            f"{_NOT_A_RERANKER} from a fast tokenizer's tokens, without a prompt.",
            cure="Choose another model.",
        )
    return model.float().eval()


def _reference(model: Any, query: str) -> list[float]:
    """The original's scores before the activation, which keeps their order."""
    import torch

    pairs = [(query, text) for text in _TEXTS]
    scores = model.predict(pairs, activation_fn=torch.nn.Identity(), show_progress_bar=False)
    return [float(score) for score in scores]


def _chosen(into: Path, exported: Path, quantised: Path, reference: Scores, max_tokens: int) -> Facts:
    """Puts the graph to serve in its place."""
    facts = Facts(max_tokens=min(max_tokens, MAX_TOKENS), serving="onnx-fp32", furthest=0.0, order=1.0)
    scores = _served(into, exported, facts)
    furthest = max(
        abs(a - b)
        for one, other in zip(scores, reference, strict=True)
        for a, b in zip(one, other, strict=True)
    )
    magnitude = max(1.0, *(abs(score) for row in reference for score in row))
    if furthest > FURTHEST * magnitude:
        raise NotExportable(f"The exported model does not agree with the original: off by {furthest:.2g}.")
    facts = replace(facts, furthest=round(furthest, 7))
    if quantised.exists():
        small = replace(facts, serving="onnx-int8")
        order = least_correlation(_served(into, quantised, small), reference)
        if order >= ORDER_LEAST:
            return replace(small, order=round(order, 4))
        _served(into, exported, facts)
    return facts


def _served(into: Path, graph: Path, facts: Facts) -> Scores:
    """What the daemon would get."""
    shutil.copyfile(graph, into / GRAPH_FILE)
    (into / FACTS_FILE).write_text(facts_json(facts), "utf-8")
    served = OnnxReranker("model", into)
    try:
        return [served.score(query, _TEXTS, math.inf) for query in QUERIES]
    finally:
        served.close()


def least_correlation(scores: Scores, reference: Scores) -> float:
    """The least of Spearman's rank correlations between rows."""
    import numpy as np

    def ranks(row: Sequence[float]) -> Any:
        return np.argsort(np.argsort(row)).astype(float)

    return min(
        float(np.corrcoef(ranks(one), ranks(other))[0, 1])
        for one, other in zip(scores, reference, strict=True)
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m nasd.embed.prepare_rerank")
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--into", required=True, type=Path)
    options = parser.parse_args(arguments)
    return speak(lambda progress: prepare(options.model, options.into, progress))


if __name__ == "__main__":
    sys.exit(main())
