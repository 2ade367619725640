"""A state folder, and the volume that belongs to it, with any number of passages: for benches of a whole
daemon.

    python -m tests.bench.made_state FOLDER PASSAGES [--model FOLDER] [--real N] [--vectors FILE.npz]

Writes FOLDER/volume (real files of twenty passages each, which a scan finds unchanged), FOLDER/state (the
catalogue with their vectors; the daemon makes its indexes from it at the first start, which a bench waits
for), and FOLDER/state.toml (`tests.wired.process.DaemonProcess(FOLDER / "state", None, config=...)` takes
them as they are). The first --real passages get the vectors of --model, a prepared model; each one after
them a vector near one of those, at a cosine of about 0.9, as sentences of one subject have. FILE.npz keeps
the real vectors for the next time.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from blake3 import blake3
from sqlalchemy import Connection, create_engine, insert

from nasd.clock import SystemClock
from nasd.domain.files import FileState, WatchMode
from nasd.domain.passages import Passage, Place
from nasd.embed.manifest import Manifest, read_manifest
from nasd.extract.registry import READERS
from nasd.store.contents import insert_passages
from nasd.store.tables import contents, files, vectors
from nasd.store.upgrade import database_path, upgrade
from nasd.store.vectors import model_id
from nasd.store.volumes import add_volume
from tests.bench.million import passages as made
from tests.bench.million import sentences
from tests.conftest import CORPORA

PASSAGES_OF_ONE = 20
FILES_OF_ONE = 100  # in one folder
FILES_AT_ONCE = 500  # in one transaction
NOISE = 0.48
"""Length of what is added to a real vector: cosine 0.9 to it."""

Half = npt.NDArray[np.float16]


def make(
    folder: Path, count: int, model: Path, *, real: int, kept: Path | None = None, corpora: Path = CORPORA
) -> None:
    """Writes everything; `folder` must be empty or absent."""
    state, volume = folder / "state", folder / "volume"
    state.mkdir(parents=True)
    volume.mkdir()
    pool = sentences(corpora)
    manifest = read_manifest(model)
    shutil.copytree(model, state / "models" / manifest.name)
    known = real_vectors(pool, min(real, count), model, kept)
    upgrade(state, SystemClock().now())
    engine = create_engine(f"sqlite:///{database_path(state)}")
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("PRAGMA synchronous = OFF")
            number = _add_volume(connection, volume, manifest)
        texts, rows = made(pool, count), vectors_like(known, count)
        at = 0
        while at < count:
            with engine.begin() as connection:
                for _ in range(FILES_AT_ONCE):
                    part = list(islice(texts, PASSAGES_OF_ONE))
                    if part:
                        _add_file(connection, volume, number, at, part, rows, manifest.fingerprint)
                        at += len(part)
    finally:
        engine.dispose()
    (folder / "state.toml").write_text(settings(volume), "utf-8")


def settings(volume: Path) -> str:
    return f'[[volumes]]\nname = "made"\npath = "{volume}"\n'


def real_vectors(pool: list[str], count: int, model: Path, kept: Path | None) -> Half:
    """Of the first `count` made passages, (count, dimension); from `kept` as far as they are there."""
    from nasd.embed.onnx import OnnxEmbedder

    if kept is not None and kept.exists() and len(there := np.load(kept)["vectors"]) >= count:
        return np.asarray(there[:count])
    texts = list(made(pool, count))
    embedder = OnnxEmbedder(model)
    try:
        found = [embedder.embed_documents(texts[at : at + 256]) for at in range(0, count, 256)]
    finally:
        embedder.close()
    whole = np.concatenate(found).astype(np.float16)
    if kept is not None:
        np.savez(kept, vectors=whole)
    return whole


def vectors_like(known: Half, count: int) -> Iterator[Half]:
    """`count` unit rows: the known ones, then others near them."""
    yield from known[:count]
    chance = np.random.default_rng(7)
    dimension = known.shape[1]
    for _ in range(len(known), count):
        row = known[chance.integers(len(known))].astype(np.float32)
        row += chance.standard_normal(dimension, np.float32) * np.float32(NOISE / dimension**0.5)
        yield (row / np.linalg.norm(row)).astype(np.float16)


def _add_volume(connection: Connection, volume: Path, manifest: Manifest) -> int:
    now = SystemClock().now()
    model_id(
        connection,
        name=manifest.name,
        fingerprint=manifest.fingerprint,
        dimension=manifest.dimension,
        now=now,
    )
    added = add_volume(
        connection,
        name="made",
        path=str(volume),
        watch=WatchMode.AUTO,
        poll_seconds=300,
        ignore=(),
        source="file",
        identity=None,
        now=now,
    )
    return added.id


def _add_file(
    connection: Connection,
    volume: Path,
    number: int,
    first: int,
    texts: list[str],
    rows: Iterator[Half],
    fingerprint: str,
) -> None:
    """One real file, its row, content, passages and vectors; `first` passages are there already, whose ids
    are the numbers up to it."""
    now, order = SystemClock().now(), first // PASSAGES_OF_ONE
    path = f"{order // FILES_OF_ONE:04d}/letter {order:05d}.txt"
    file = volume / path
    file.parent.mkdir(exist_ok=True)
    data = "\n\n".join(texts).encode()
    file.write_bytes(data)
    stat = file.stat()
    content = connection.execute(
        insert(contents).values(
            digest=blake3(data).hexdigest(),
            reader=READERS["text"].label,
            title=None,
            name=file.stem,
            chars=len(data.decode()),
            passages=len(texts),
            notes=[],
            metadata={},
            embedded_by=fingerprint,
            created=now,
        )
    ).lastrowid
    connection.execute(
        insert(files).values(
            volume_id=number,
            path=path.encode(),
            path_text=path,
            size=stat.st_size,
            mtime_ns=stat.st_mtime_ns,
            inode=stat.st_ino,
            ctime_ns=stat.st_ctime_ns,
            kind="text",
            media_type="text/plain",
            state=FileState.INDEXED.value,
            content_id=content,
            first_seen=now,
            changed=now,
        )
    )
    insert_passages(connection, [(content, passage) for passage in _passages(texts)])
    connection.execute(
        insert(vectors),
        [
            {"passage_id": first + place, "model_id": 1, "data": next(rows).tobytes()}
            for place in range(1, len(texts) + 1)
        ],
    )


def _passages(texts: list[str]) -> Iterator[Passage]:
    at = 0
    for ordinal, text in enumerate(texts):
        passage = Passage(
            ordinal=ordinal,
            text=text,
            gap="\n\n",
            char_start=at,
            char_end=at + len(text),
            place=Place(line_start=2 * ordinal + 1, line_end=2 * ordinal + 1),
            tokens=len(text) // 4,
        )
        at += len(text) + 2
        yield passage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("passages", type=int)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--real", type=int, default=5_000)
    parser.add_argument("--vectors", type=Path)
    given = parser.parse_args()
    make(given.folder, given.passages, given.model, real=given.real, kept=given.vectors)


if __name__ == "__main__":
    main()
