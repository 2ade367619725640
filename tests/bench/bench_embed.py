"""What embedding costs and what serving in few bits loses, in one run.

    python -m tests.bench.bench_embed [collection ...] [--passages N] [--rounds N] [--keep FOLDER]

Speed: `SentenceTransformer.encode` with its defaults, and every way in which a prepared model can be served
here, each in a process of its own. They take turns over the same passages, so that what else the machine
does befalls all alike; passages a second is of each one's fastest round, `times` the middle of the rounds'
ratios. The resident size is the process's own after the last round, with torch in the one and without it in
the others.

Quality: nDCG@10 over files (each once, by its best passage) by exact search over the vectors of each
collection, alone; `lost` is relative to fp32. --keep keeps the vectors, so that a run that was ended goes
on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import fmean, median

import numpy as np

from nasd.domain.metrics import ndcg_at
from nasd.domain.passages import embedded_text
from nasd.embed.base import Vectors
from nasd.embed.source import DEFAULT_MODEL, locate
from tests.bench.collections import COLLECTIONS, Collection, load
from tests.bench.processes import sizes
from tests.conftest import CORPORA

DEFAULTS = "SentenceTransformer.encode"
FP32 = "onnx-fp32"
CHUNK = 256


class Contender:
    """A process that embeds the same passages whenever it is told to."""

    def __init__(self, step: str, folder: Path, texts: Path) -> None:
        command = [sys.executable, "-m", "tests.bench.bench_embed", "--step", step]
        self._process = subprocess.Popen(
            [*command, "--folder", str(folder), "--texts", str(texts)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()

    def round(self) -> dict[str, float]:
        """`seconds`, and `bytes` resident."""
        assert self._process.stdin is not None
        self._process.stdin.write("again\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        self._process.communicate()

    def _read(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a contender ended with {self._process.wait()}")
        found: dict[str, float] = json.loads(line)
        return found


def contend(step: str, folder: Path, texts: Path) -> None:
    """The other side of `Contender`."""
    passages = json.loads(texts.read_text("utf-8"))
    embed: Callable[[list[str]], object]
    if step == "reference":
        from sentence_transformers import SentenceTransformer

        embed = SentenceTransformer(str(locate(DEFAULT_MODEL)), local_files_only=True).encode
    else:
        from nasd.embed.onnx import OnnxEmbedder

        embed = OnnxEmbedder(folder).embed_documents
    embed(passages[:4])
    print("{}", flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        embed(passages)
        took = time.perf_counter() - began
        print(json.dumps({"seconds": took, "bytes": sizes(os.getpid())[0]}), flush=True)


def make_variants(folder: Path) -> None:
    """Prepares the default model and leaves every way to serve it as a folder of its own in `folder`."""
    from nasd.embed.export import export, load, quantise
    from nasd.embed.prepare import choose, read_facts, reference_of, variants_of

    model = load(locate(DEFAULT_MODEL))
    exported, quantised = folder / "fp32.onnx", folder / "int8.onnx"
    export(model, exported)
    quantise(exported, quantised)
    tokenizer = model.tokenizer.backend_tokenizer.to_str()
    facts, ways = read_facts(DEFAULT_MODEL, model), variants_of(exported, quantised)
    chosen = choose(facts, tokenizer, reference_of(model), folder, ways)
    (folder / "chosen").write_text(chosen.serving, "utf-8")


def passages_of(collections: Sequence[Collection], count: int) -> list[str]:
    """`count` texts as they are embedded, evenly from all collections."""
    texts = [
        embedded_text(chunk.passage.title, chunk.passage.passage.place.heading, chunk.passage.passage.text)
        for collection in collections
        for chunk in collection.chunks
    ]
    places = np.linspace(0, len(texts) - 1, count).astype(int)
    return [texts[place] for place in places.tolist()]


def measure_speed(folders: dict[str, Path], texts: list[str], rounds: int) -> Iterator[str]:
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()), "texts.json")
        scratch.write_text(json.dumps(texts), "utf-8")
        contenders = {DEFAULTS: stack.enter_context(closing(Contender("reference", scratch.parent, scratch)))}
        for name, folder in folders.items():
            contenders[name] = stack.enter_context(closing(Contender("onnx", folder, scratch)))
        seconds: dict[str, list[float]] = {name: [] for name in contenders}
        resident: dict[str, float] = {}
        for _ in range(rounds):
            for name, contender in contenders.items():
                found = contender.round()
                seconds[name].append(found["seconds"])
                resident[name] = found["bytes"]
    yield f"| {len(texts)} passages, {os.cpu_count()} processors | passages/s | times | RSS |"
    yield "| --- | --- | --- | --- |"
    for name, took in seconds.items():
        ratios = [slow / fast for slow, fast in zip(seconds[DEFAULTS], took, strict=True)]
        speed = len(texts) / min(took)
        yield f"| {name} | {speed:.1f} | {median(ratios):.2f} | {resident[name] / 1e6:.0f} MB |"


def measure_quality(folders: dict[str, Path], collections: Sequence[Collection], keep: Path) -> Iterator[str]:
    others = [name for name in folders if name != FP32]
    yield f"| nDCG@10 | {FP32} | {' | '.join(f'{name} | lost' for name in others)} |"
    yield f"| --- | --- |{' --- | --- |' * len(others)}"
    for collection in collections:
        figures = {name: quality(collection, folder, keep / name) for name, folder in folders.items()}
        cells = [
            f"{figures[name]:.4f} | {(figures[FP32] - figures[name]) / figures[FP32]:.2%}" for name in others
        ]
        yield f"| {collection.name} | {figures[FP32]:.4f} | {' | '.join(cells)} |"


def quality(collection: Collection, folder: Path, keep: Path) -> float:
    from nasd.embed.onnx import OnnxEmbedder

    questions = [question for question in collection.questions if question.relevant]
    with closing(OnnxEmbedder(folder)) as embedder:
        texts = passages_of([collection], len(collection.chunks))
        documents = _vectors(texts, embedder.embed_documents, keep)
        queries = _vectors(
            [question.text for question in questions],
            lambda some: np.stack([embedder.embed_query(text) for text in some]),
            keep,
        )
    paths = [chunk.path for chunk in collection.chunks]
    found = []
    for question, row in zip(questions, queries @ documents.T, strict=True):
        ranking = dict.fromkeys(paths[place] for place in np.argsort(-row, kind="stable").tolist())
        gains = {path: float(question.grades.get(path, 1)) for path in question.relevant}
        found.append(ndcg_at(10, [path for path in ranking if path not in question.ignore], gains))
    return fmean(found)


def _vectors(texts: list[str], embed: Callable[[list[str]], Vectors], keep: Path) -> Vectors:
    """(len(texts), dimension), a chunk at a time, each kept under the digest of its texts."""
    keep.mkdir(parents=True, exist_ok=True)
    parts = []
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        file = keep / f"{hashlib.sha256(json.dumps(chunk).encode()).hexdigest()[:16]}.npy"
        if not file.exists():
            np.save(file, embed(chunk))
        parts.append(np.load(file))
    return np.concatenate(parts)


def compare(given: argparse.Namespace, folder: Path) -> None:
    if not (folder / "chosen").exists():
        subprocess.run(
            [sys.executable, "-m", "tests.bench.bench_embed", "--step", "variants", "--folder", str(folder)],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    folders = {path.parent.name: path.parent for path in sorted(folder.glob("*/manifest.json"))}
    collections = [load(CORPORA, name) for name in given.collections]
    print(f"chosen by `nasd model prepare`: {(folder / 'chosen').read_text('utf-8')}\n")
    for line in measure_speed(folders, passages_of(collections, given.passages), given.rounds):
        print(line, flush=True)
    if given.quality:
        print()
        for line in measure_quality(folders, collections, folder / "vectors"):
            print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("collections", nargs="*", default=COLLECTIONS)
    parser.add_argument("--passages", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--no-quality", dest="quality", action="store_false")
    parser.add_argument("--step", choices=("variants", "reference", "onnx"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--texts", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step == "variants":
        make_variants(given.folder)
    elif given.step is not None:
        contend(given.step, given.folder, given.texts)
    elif given.keep is not None:
        given.keep.mkdir(parents=True, exist_ok=True)
        compare(given, given.keep)
    else:
        with tempfile.TemporaryDirectory() as name:
            compare(given, Path(name))


if __name__ == "__main__":
    main()
