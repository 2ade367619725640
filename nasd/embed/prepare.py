"""Preparing a model in a process of its own: `python -m nasd.embed.prepare --model NAME --into FOLDER`.

sentence-transformers loads the model, torch exports it, ONNX Runtime quantises it, and the result is
accepted only if it agrees with the reference. Standard output carries one JSON object a line:
`{"stage", "step", "steps"}` while it works, then `{"done": true}` or `{"error": {...}}`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nasd.embed.agreement import QUERIES, TEXTS, agrees, compare
from nasd.embed.base import NotExportable, Vectors
from nasd.embed.export import MAX_TOKENS, export, load, quantise
from nasd.embed.manifest import (
    GRAPH_FILE,
    MANIFEST_FILE,
    TOKENIZER_FILE,
    Agreement,
    Manifest,
    file_sha256,
    fingerprint,
    manifest_json,
)
from nasd.embed.onnx import OnnxEmbedder
from nasd.embed.source import locate
from nasd.errors import ModelError, NasdError

STAGES = ("load", "export", "quantise", "check", "write")


def prepare(name: str, into: Path, progress: Callable[[str], None]) -> Manifest:
    """Writes the prepared model as folder `into`, replacing what is there, all or nothing.

    Raises ModelError: no such model, wrong weights; its subclass `NotExportable`; OSError: disk."""
    progress("load")
    source = locate(name)
    model = load(source)
    facts = _read_facts(name, model)
    into.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{into.name}-", suffix=".part", dir=into.parent))
    try:
        progress("export")
        exported = work / "fp32.onnx"
        export(model, exported)
        progress("quantise")
        quantised = work / "int8.onnx"
        quantise(exported, quantised)
        progress("check")
        (work / TOKENIZER_FILE).write_text(model.tokenizer.backend_tokenizer.to_str(), "utf-8")
        chosen = _choose(facts, model, work, {"onnx-int8": quantised, "onnx-fp32": exported})
        progress("write")
        _publish(work, into)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return chosen


def _read_facts(name: str, model: Any) -> Manifest:
    """The manifest as far as the model's own configuration tells it. Refuses what ranks differently once
    its vectors have unit length, and what a text tokenizer alone cannot feed."""
    if not getattr(model.tokenizer, "is_fast", False):
        raise NotExportable("The model has no fast tokenizer.")
    if any(getattr(module, "include_prompt", True) is False for module in model):
        raise NotExportable("The model leaves its prompt out of the pooling.")
    sample = model.encode(list(TEXTS[:4]), show_progress_bar=False)
    lengths = (sample**2).sum(axis=1) ** 0.5
    if model.similarity_fn_name != "cosine" and abs(lengths - 1).max() > 1e-3:
        raise ModelError(
            f"The model compares vectors of differing lengths by {model.similarity_fn_name}; "
            "nasd compares by cosine alone.",
            cure="Choose another model.",
        )
    prompts = {key: text or "" for key, text in model.prompts.items()}
    default = prompts.get(model.default_prompt_name or "", "")
    document = next((prompts[key] for key in ("document", "passage", "corpus") if key in prompts), default)
    return Manifest(
        name=name,
        fingerprint="",
        dimension=int(sample.shape[1]),
        max_tokens=min(int(model.max_seq_length or MAX_TOKENS), MAX_TOKENS),
        serving="",
        prompt_query=prompts.get("query", default),
        prompt_document=document,
        similarity=str(model.similarity_fn_name),
        agreement=Agreement(cosine_min=0, cosine_mean=0, neighbours=0, first=0),
    )


def _choose(facts: Manifest, model: Any, work: Path, variants: dict[str, Path]) -> Manifest:
    """Completes `work` with the first of `variants` that agrees with the reference."""
    import numpy as np

    options = {"show_progress_bar": False, "normalize_embeddings": True}
    reference = np.vstack(
        [model.encode_document(list(TEXTS), **options), model.encode_query(list(QUERIES), **options)]
    )
    refused = []
    for serving, graph in variants.items():
        if not graph.exists():
            continue
        graph.replace(work / GRAPH_FILE)
        manifest = _describe(facts, serving, work)
        _write(work / MANIFEST_FILE, manifest)
        try:
            agreement = compare(reference, _serve(work))
        except ModelError as error:
            refused.append(f"{serving}: {error.detail}")
            continue
        if agrees(agreement):
            accepted = replace(manifest, agreement=agreement)
            _write(work / MANIFEST_FILE, accepted)
            for leftover in variants.values():
                leftover.unlink(missing_ok=True)
            return accepted
        refused.append(f"{serving}: cosine {agreement.cosine_min}, neighbours {agreement.neighbours}")
    raise NotExportable(f"The exported model does not agree with the original ({'; '.join(refused)}).")


def _serve(folder: Path) -> Vectors:
    """What the daemon would get from the folder as it is."""
    import numpy as np

    embedder = OnnxEmbedder(folder)
    try:
        return np.vstack([embedder.embed_documents(TEXTS), *(embedder.embed_query(text) for text in QUERIES)])
    finally:
        embedder.close()


def _describe(facts: Manifest, serving: str, work: Path) -> Manifest:
    files = {name: file_sha256(work / name) for name in (GRAPH_FILE, TOKENIZER_FILE)}
    return replace(
        facts,
        serving=serving,
        files=files,
        fingerprint=fingerprint(
            files, query=facts.prompt_query, document=facts.prompt_document, max_tokens=facts.max_tokens
        ),
        versions={name: version(name) for name in ("sentence-transformers", "torch", "onnx", "onnxruntime")},
    )


def _write(path: Path, manifest: Manifest) -> None:
    path.write_text(manifest_json(manifest), "utf-8")


def _publish(work: Path, into: Path) -> None:
    """Everything on disk, then one rename. A folder that is there already steps aside first; a crash
    between the two renames leaves no model, and it is prepared again."""
    for path in (*work.iterdir(), work):
        _fsync(path)
    if into.exists():
        aside = Path(tempfile.mkdtemp(prefix=f".{into.name}-", suffix=".old", dir=into.parent))
        into.replace(aside)
        work.replace(into)
        shutil.rmtree(aside, ignore_errors=True)
    else:
        work.replace(into)
    _fsync(into.parent)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _protocol_stream() -> Iterator[Callable[[dict[str, Any]], None]]:
    """The real standard output for JSON lines alone; whatever the libraries print goes to standard error."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as stream:
        os.dup2(2, 1)

        def say(line: dict[str, Any]) -> None:
            stream.write(json.dumps(line) + "\n")
            stream.flush()

        yield say


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m nasd.embed.prepare")
    parser.add_argument("--model", required=True)
    parser.add_argument("--into", required=True, type=Path)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with _protocol_stream() as say:

        def progress(stage: str) -> None:
            say({"stage": stage, "step": STAGES.index(stage) + 1, "steps": len(STAGES)})

        try:
            manifest = prepare(options.model, options.into, progress)
        except NasdError as error:
            kind = "not_exportable" if isinstance(error, NotExportable) else "model"
            say({"error": {"kind": kind, "detail": error.detail, "cure": error.cure}})
            return 1
        except OSError as error:
            say(
                {
                    "error": {
                        "kind": "disk",
                        "detail": f"The prepared model cannot be written: {error.strerror}.",
                    }
                }
            )
            return 1
        say({"done": True, "fingerprint": manifest.fingerprint})
    return 0


if __name__ == "__main__":
    sys.exit(main())
