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
import platform
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nasd.embed.agreement import QUERIES, TEXTS, agrees, compare
from nasd.embed.base import NotExportable, Vectors
from nasd.embed.export import MAX_TOKENS, OPSETS, export, load, quantise
from nasd.embed.manifest import (
    GRAPH_FILE,
    MANIFEST_FILE,
    TOKENIZER_FILE,
    Agreement,
    Manifest,
    Measured,
    file_sha256,
    fingerprint,
    manifest_json,
    read_manifest,
)
from nasd.embed.onnx import OnnxEmbedder
from nasd.embed.prompts import prompts_of
from nasd.embed.source import locate
from nasd.embed.speed import FAR, NEARLY, speeds
from nasd.errors import ModelError, NasdError

STAGES = ("load", "export", "quantise", "check", "write")

Variants = Mapping[str, Path]
"""How a graph would be served, and the graph."""


def prepare(name: str, into: Path, progress: Callable[[str], None]) -> Manifest:
    """Writes the prepared model as folder `into`, replacing what is there, all or nothing.

    Raises ModelError: no such model, wrong weights; its subclass `NotExportable`; OSError: disk."""
    progress("load")
    source = locate(name)
    model = load(source)
    facts = read_facts(name, model)
    reference = reference_of(model)
    tokenizer = model.tokenizer.backend_tokenizer.to_str()
    into.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{into.name}-", suffix=".part", dir=into.parent))
    try:
        former = _serving_of(into)
        chosen = _first_served(model, facts, tokenizer, reference, work, progress, former)
        progress("write")
        _publish(work / chosen.serving, into)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return chosen


def _first_served(
    model: Any,
    facts: Manifest,
    tokenizer: str,
    reference: Vectors,
    work: Path,
    progress: Callable[[str], None],
    former: str | None,
) -> Manifest:
    """Tries one form of the graph after the other. Raises NotExportable when none can be served."""
    refused: list[str] = []
    for opset in OPSETS:
        try:
            progress("export")
            exported = work / "fp32.onnx"
            export(model, exported, opset)
            progress("quantise")
            quantised = work / "int8.onnx"
            quantise(exported, quantised)
            progress("check")
            variants = variants_of(exported, quantised)
            return choose(facts, tokenizer, reference, work, variants, former)
        except NotExportable as error:
            refused.append(error.detail)
    raise NotExportable(" ".join(dict.fromkeys(refused)))


def _serving_of(folder: Path) -> str | None:
    try:
        return read_manifest(folder).serving
    except ModelError:
        return None


def variants_of(exported: Path, quantised: Path) -> Variants:
    """The ways of serving that this machine's processor has; of equals the first is taken. ONNX Runtime
    multiplies in bf16 on Arm alone: on x86 processors with bf16 it has no such kernels."""
    ways = {"onnx-int8": quantised, "onnx-bf16": exported, "onnx-fp32": exported}
    if not (platform.machine() == "aarch64" and _has_bf16()):
        del ways["onnx-bf16"]
    return {serving: graph for serving, graph in ways.items() if graph.exists()}


def _has_bf16() -> bool:
    with contextlib.suppress(OSError):
        return "bf16" in Path("/proc/cpuinfo").read_text().split()
    return False


def read_facts(name: str, model: Any) -> Manifest:
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
    query, document = prompts_of(model)
    return Manifest(
        name=name,
        fingerprint="",
        dimension=int(sample.shape[1]),
        max_tokens=min(int(model.max_seq_length or MAX_TOKENS), MAX_TOKENS),
        serving="",
        prompt_query=query,
        prompt_document=document,
        similarity=str(model.similarity_fn_name),
        agreement=Agreement(cosine_min=0, cosine_mean=0, neighbours=0, first=0),
    )


def reference_of(model: Any) -> Vectors:
    import numpy as np

    query, document = prompts_of(model)
    options = {"show_progress_bar": False, "normalize_embeddings": True}
    return np.vstack(
        [
            model.encode_document(list(TEXTS), prompt=document, **options),
            model.encode_query(list(QUERIES), prompt=query, **options),
        ]
    )


def choose(
    facts: Manifest,
    tokenizer: str,
    reference: Vectors,
    work: Path,
    variants: Variants,
    former: str | None = None,
) -> Manifest:
    """Makes a folder in `work` for each variant, called as it is served, and completes the one that is the
    fastest here of those that agree with the reference; the `former` one unless another is much faster.
    Raises NotExportable when none agrees."""
    measured: dict[str, Measured] = {}
    embedders: dict[str, OnnxEmbedder] = {}
    try:
        for serving, graph in variants.items():
            folder = work / serving
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            os.link(graph, folder / GRAPH_FILE)
            (folder / TOKENIZER_FILE).write_text(tokenizer, "utf-8")
            _write(folder, _describe(facts, serving, folder))
            try:
                embedder = OnnxEmbedder(folder)
                embedders[serving] = embedder
                measured[serving] = _judged(serving, graph, compare(reference, _serve(embedder)))
            except ModelError as error:
                measured[serving] = _refused(serving, graph, error.detail)
        agreeing = {
            serving: embedders[serving] for serving, found in measured.items() if found.refused is None
        }
        for serving, speed in speeds(agreeing).items():
            measured[serving] = replace(measured[serving], passages_s=speed)
    finally:
        for embedder in embedders.values():
            embedder.close()
    best = fastest(tuple(measured.values()), former)
    if best is None or best.agreement is None:
        reasons = "; ".join(f"{one.serving}: {one.refused}" for one in measured.values())
        raise NotExportable(f"The exported model does not agree with the original ({reasons}).")
    manifest = replace(
        _describe(facts, best.serving, work / best.serving),
        agreement=best.agreement,
        measured=tuple(measured.values()),
    )
    _write(work / best.serving, manifest)
    return manifest


def fastest(measured: Sequence[Measured], former: str | None = None) -> Measured | None:
    """Of those that were not refused; of nearly equal ones the smaller, since their order is chance. The
    `former` choice stays unless it is far slower: another one would have everything embedded again."""
    speed = {one.serving: one.passages_s for one in measured if one.passages_s and one.refused is None}
    most = max(speed.values(), default=0.0)
    if former is not None and speed.get(former, 0.0) >= most * FAR and most:
        return next(one for one in measured if one.serving == former)
    near = [one for one in measured if speed.get(one.serving, 0.0) >= most * NEARLY and one.serving in speed]
    return min(near, key=lambda one: one.bytes, default=None)


def _judged(serving: str, graph: Path, agreement: Agreement) -> Measured:
    found = Measured(
        serving=serving, bytes=graph.stat().st_size, passages_s=None, agreement=agreement, refused=None
    )
    if agrees(agreement):
        return found
    return replace(found, refused=f"cosine {agreement.cosine_min}, neighbours {agreement.neighbours}")


def _refused(serving: str, graph: Path, detail: str) -> Measured:
    size = graph.stat().st_size
    return Measured(serving=serving, bytes=size, passages_s=None, agreement=None, refused=detail)


def _serve(embedder: OnnxEmbedder) -> Vectors:
    """What the daemon would get."""
    import numpy as np

    return np.vstack([embedder.embed_documents(TEXTS), *(embedder.embed_query(text) for text in QUERIES)])


def _describe(facts: Manifest, serving: str, folder: Path) -> Manifest:
    files = {name: file_sha256(folder / name) for name in (GRAPH_FILE, TOKENIZER_FILE)}
    return replace(
        facts,
        serving=serving,
        files=files,
        fingerprint=fingerprint(
            files,
            serving=serving,
            query=facts.prompt_query,
            document=facts.prompt_document,
            max_tokens=facts.max_tokens,
        ),
        versions={name: version(name) for name in ("sentence-transformers", "torch", "onnx", "onnxruntime")},
    )


def _write(folder: Path, manifest: Manifest) -> None:
    (folder / MANIFEST_FILE).write_text(manifest_json(manifest), "utf-8")


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
    return speak(lambda progress: prepare(options.model, options.into, progress).fingerprint)


def speak(work: Callable[[Callable[[str], None]], str]) -> int:
    """Does the work of a preparing process and tells of it on standard output; the exit code. `work` is given
    what it tells its stages to, and returns the model's fingerprint."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with _protocol_stream() as say:

        def progress(stage: str) -> None:
            say({"stage": stage, "step": STAGES.index(stage) + 1, "steps": len(STAGES)})

        try:
            fingerprint = work(progress)
        except NasdError as error:
            kind = "not_exportable" if isinstance(error, NotExportable) else "model"
            say({"error": {"kind": kind, "detail": error.detail, "cure": error.cure}})
            return 1
        except OSError as error:
            detail = f"The prepared model cannot be written: {error.strerror}."
            say({"error": {"kind": "disk", "detail": detail}})
            return 1
        say({"done": True, "fingerprint": fingerprint})
    return 0


if __name__ == "__main__":
    sys.exit(main())
