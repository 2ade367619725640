"""What the vector index costs and how well it finds, at several sizes.

    python -m tests.bench.bench_index VECTORS.npz [--model FOLDER] [--folder FOLDER] [size ...]

VECTORS.npz holds real embeddings, `passages` and `queries`, float16 (n, dimension); with --model, a prepared
model, it is made from the collections first: every passage and every sentence of them, and their questions.
Sizes beyond the real passages are filled with mixtures of two of them: those rows tell about speed and
memory, not about recall, and are marked. Each size is measured in a process of its own, by the daemon's own
way to search, add and open; what --folder holds from an earlier run is used again:

    bytes       resident of the index, for each vector: what the process grew by when it read it
    recall@10   against exact search over the same half-precision vectors, with the 100 best asked for
    p50, p99    of a whole search by vector: codes, vectors from the catalogue, scores (queries one by one)
    least       the fastest of them: what a machine with nothing else to do comes near
    processor   p50 and p99 of the processor's time for one, over all threads: the same however busy it is
    half, 1 %   p50 and p99 with a filter that lets so many through
    open        seconds, and the processor's: files read and checked, and made equal to the catalogue
    add, drop   32 passages until a search finds them, and until it does not: the median and the slowest of 50
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nasd.clock import SystemClock
from nasd.embed.base import ModelInfo
from nasd.flows.events import Hub
from nasd.flows.index import IndexCache
from nasd.index.faiss_index import FaissIndex
from nasd.store.lane import Lane
from nasd.store.upgrade import database_path, upgrade
from tests.bench.collections import COLLECTIONS, load
from tests.bench.processes import sizes as memory_of
from tests.conftest import CORPORA

SIZES = (10_000, 100_000, 1_000_000)
MODEL = 1
DEPTH = 100  # what a search asks of this lane
QUERIES = 1000
NEW = 32  # what embedding adds at a time
ADDITIONS = 50
WARMING = 200
CHUNK = 10_000
PASSAGES_OF_ONE = 20

CONTENT = """INSERT INTO contents (id, digest, reader, name, chars, passages, notes, metadata, created)
    VALUES (?1, ?1, 'bench', '', 0, 20, '[]', '{}', 0)"""
PASSAGE = """INSERT INTO passages (id, content_id, ordinal, text, gap, char_start, char_end, tokens, hidden)
    VALUES (?, ?, ?, '', '', 0, 0, 0, 0)"""

Vectors = npt.NDArray[np.float32]


def embed(model: Path, target: Path) -> None:
    """Writes the real vectors."""
    from nasd.embed.onnx import OnnxEmbedder

    texts: dict[str, None] = {}
    questions: dict[str, None] = {}
    for name in COLLECTIONS:
        collection = load(CORPORA, name)
        for chunk in collection.chunks:
            text = chunk.passage.passage.text
            texts[text] = None
            sentences = [one for one in re.split(r"(?<=[.!?。]) *\s", text) if len(one) > 40]
            texts.update(dict.fromkeys(sentences))
        questions.update(dict.fromkeys(question.text for question in collection.questions))
    embedder = OnnxEmbedder(model, None)
    try:
        parts = list(texts)
        passages = [
            embedder.embed_documents(parts[at : at + 256]).astype(np.float16)
            for at in range(0, len(parts), 256)
        ]
        queries = np.stack([embedder.embed_query(text) for text in questions]).astype(np.float16)
    finally:
        embedder.close()
    np.savez(target, passages=np.concatenate(passages), queries=queries)


def rows(real: npt.NDArray[np.float16], size: int) -> Iterator[npt.NDArray[np.float16]]:
    """`size` unit vectors in chunks: the real ones, then mixtures of two, the first weighing 0.6 to 0.9."""
    random = np.random.default_rng(3)
    for at in range(0, size, CHUNK):
        count = min(CHUNK, size - at)
        there = real[at : at + count]
        left = count - len(there)
        one, other = (real[random.integers(0, len(real), left)].astype(np.float32) for _ in range(2))
        weight = random.uniform(0.6, 0.9, (left, 1)).astype(np.float32)
        mixed = weight * one + (1 - weight) * other
        mixed /= np.linalg.norm(mixed, axis=1, keepdims=True).clip(1e-6)
        yield np.concatenate([there, mixed.astype(np.float16)])


def prepare(folder: Path, real: npt.NDArray[np.float16], queries: Vectors, size: int) -> None:
    """A catalogue of `size` vectors, and which ten are the nearest to each query."""
    upgrade(folder, SystemClock().now())
    best = np.full((len(queries), 10), -2, np.float32)
    nearest = np.zeros((len(queries), 10), np.int64)
    with closing(sqlite3.connect(database_path(folder))) as database:
        database.execute("PRAGMA synchronous = OFF")
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:  # words are another matter
            database.execute(f"DROP TRIGGER {name}")
        first = 1
        for part in rows(real, size):
            ids = np.arange(first, first + len(part))
            database.executemany(CONTENT, ((id_,) for id_ in ids[::PASSAGES_OF_ONE].tolist()))
            content = ids - (ids - first) % PASSAGES_OF_ONE
            database.executemany(PASSAGE, zip(ids.tolist(), content.tolist(), ids.tolist(), strict=True))
            database.executemany(
                "INSERT INTO vectors (passage_id, model_id, data) VALUES (?, ?, ?)",
                ((id_, MODEL, row.tobytes()) for id_, row in zip(ids.tolist(), part, strict=True)),
            )
            database.commit()
            scores = np.concatenate([best, queries @ part.astype(np.float32).T], axis=1)
            known = np.concatenate([nearest, np.broadcast_to(ids, (len(queries), len(ids)))], axis=1)
            top = np.argpartition(-scores, 9, axis=1)[:, :10]
            best, nearest = np.take_along_axis(scores, top, 1), np.take_along_axis(known, top, 1)
            first += len(part)
    np.savez(folder / "truth.npz", queries=queries, nearest=nearest)


async def measure(folder: Path, dimension: int) -> dict[str, Any]:
    """One size, in this process; the index's files are there."""
    lane = Lane(database_path(folder))
    clock = SystemClock()
    info = _info(dimension)
    cache = IndexCache(lane, Hub(clock), folder / "index", load=FaissIndex.load, empty=FaissIndex.empty)
    warm = FaissIndex.empty("warm", dimension)
    warm.add(np.arange(10, dtype=np.int64), np.eye(10, dimension, dtype=np.float32))
    before = _resident()
    alone = FaissIndex.load(folder / "index" / info.fingerprint, info.fingerprint, dimension)
    grown = _resident() - before
    del alone
    began, used = time.perf_counter(), time.process_time()
    await cache.open(info, MODEL)
    opened, worked = time.perf_counter() - began, time.process_time() - used
    truth = np.load(folder / "truth.npz")
    queries, nearest = truth["queries"], truth["nearest"]
    size = len(cache)
    for query in queries[:WARMING]:
        await cache.search(query, DEPTH, None)
    right = 0
    whole: list[float] = []
    processor: list[float] = []
    for query, true in zip(queries, nearest, strict=True):
        began, used = time.perf_counter(), time.process_time()
        ids = list(await cache.search(query, DEPTH, None))
        whole.append(time.perf_counter() - began)
        processor.append(time.process_time() - used)
        right += len(set(ids[:10]) & set(true.tolist()))
    random = np.random.default_rng(1)
    filtered = {}
    for name, share in (("half", 0.5), ("hundredth", 0.01)):
        allowed = np.flatnonzero(random.random(size) < share) + 1
        took = []
        for query in queries[100:400]:
            began = time.perf_counter()
            found = await cache.search(query, DEPTH, allowed)
            took.append(time.perf_counter() - began)
            assert len(found) == min(DEPTH, len(allowed))
        filtered[name] = took
    adding, dropping = await _additions(cache, lane, size, dimension)
    result = {
        "size": size,
        "bytes": grown / size,
        "resident": grown,
        "recall": right / (10 * len(queries)),
        "whole": whole,
        "processor": processor,
        "open": opened,
        "worked": worked,
        "add": adding,
        "drop": dropping,
        **filtered,
    }
    await lane.close()
    return result


async def _additions(
    cache: IndexCache, lane: Lane, size: int, dimension: int
) -> tuple[list[float], list[float]]:
    random = np.random.default_rng(2)
    adding, dropping = [], []
    for turn in range(ADDITIONS):
        ids = np.arange(size + 1 + turn * NEW, size + 1 + (turn + 1) * NEW, dtype=np.int64)
        data = random.standard_normal((NEW, dimension)).astype(np.float32)
        data /= np.linalg.norm(data, axis=1, keepdims=True)
        began = time.perf_counter()
        await cache.add(ids, data)  # a few are exact in memory, so that the catalogue need not know them
        found = await cache.search(data[0], 1, None)
        adding.append(time.perf_counter() - began)
        assert list(found) == [ids[0]]
        index = cache._index
        assert index is not None
        began = time.perf_counter()
        await asyncio.to_thread(index.remove, ids[:1])
        assert list(await cache.search(data[0], 1, None)) != [ids[0]]
        dropping.append(time.perf_counter() - began)
    return adding, dropping


async def build(folder: Path, dimension: int) -> float:
    """Makes the index from the catalogue, and its files; seconds."""
    lane = Lane(database_path(folder))
    cache = IndexCache(
        lane, Hub(SystemClock()), folder / "index", load=FaissIndex.load, empty=FaissIndex.empty
    )
    began = time.perf_counter()
    await cache.open(_info(dimension), MODEL)
    await cache.save()
    await lane.close()
    return time.perf_counter() - began


def _info(dimension: int) -> ModelInfo:
    return ModelInfo(name="bench", fingerprint="bench", dimension=dimension, max_tokens=256, serving="none")


def _resident() -> int:
    return memory_of(os.getpid())[0]


def _row(result: dict[str, Any], real: int) -> str:
    def spread(name: str) -> str:
        took = np.asarray(result[name]) * 1000
        return f"{np.median(took):.1f} / {np.percentile(took, 99):.1f}"

    size = result["size"]
    cells = [
        f"{size:,}",
        f"{result['bytes']:.0f} ({result['resident'] / 1e6:.0f} MB)",
        f"{result['recall']:.4f}{'' if size <= real else ' (mixtures)'}",
        spread("whole"),
        f"{min(result['whole']) * 1000:.1f}",
        spread("processor"),
        spread("half"),
        spread("hundredth"),
        f"{result['open']:.2f} s, {result['worked']:.2f} s of processor; built in {result['built']:.0f} s",
        f"{np.median(result['add']) * 1000:.1f}, {max(result['add']) * 1000:.0f}",
        f"{np.median(result['drop']) * 1000:.1f}, {max(result['drop']) * 1000:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


HEAD = """\
| vectors | bytes each | recall@10 | p50 / p99 ms | least | processor | half | 1 % | open | add ms | drop ms |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--step", choices=("build", "measure"), help=argparse.SUPPRESS)
    parser.add_argument("sizes", type=int, nargs="*", default=SIZES)
    given = parser.parse_intermixed_args()
    if given.step is not None:
        dimension = int(np.load(given.folder / "truth.npz")["queries"].shape[1])
        work = build(given.folder, dimension) if given.step == "build" else measure(given.folder, dimension)
        print(json.dumps(asyncio.run(work)))
        return
    if given.folder is None:
        with tempfile.TemporaryDirectory() as name:
            given.folder = Path(name)
            _compare(given)
    else:
        _compare(given)


def _compare(given: argparse.Namespace) -> None:
    if given.model is not None:
        embed(given.model, given.vectors)
    saved = np.load(given.vectors)
    random = np.random.default_rng(0)
    real = random.permutation(saved["passages"])
    queries = random.permutation(saved["queries"])[:QUERIES].astype(np.float32)
    print(HEAD)
    for size in given.sizes:
        folder = given.folder / str(size)
        built = folder / "built.json"
        if not built.exists():
            folder.mkdir(parents=True)
            prepare(folder, real, queries, size)
            built.write_text(json.dumps(_step("build", given.vectors, folder)))
        result = _step("measure", given.vectors, folder)
        print(_row({**result, "built": json.loads(built.read_text())}, len(real)), flush=True)


def _step(step: str, vectors: Path, folder: Path) -> Any:
    command = [sys.executable, "-m", "tests.bench.bench_index", str(vectors), "--folder", str(folder)]
    done = subprocess.run([*command, "--step", step], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
