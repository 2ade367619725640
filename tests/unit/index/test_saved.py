"""A crash at any write leaves the former state; damage anywhere is noticed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from nasd.index.faiss_index import FaissIndex, IndexAbsent, IndexDamaged
from tests.fakes.steps import Crash, crash_at

DIMENSION = 8
VECTORS = np.random.default_rng(0).standard_normal((400, DIMENSION)).astype(np.float32)


def numbers(*limits: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(*limits, dtype=np.int64)


def saved_index(directory: Path) -> FaissIndex:
    index = FaissIndex.empty("model", DIMENSION)
    index.add(numbers(100), VECTORS[:100])
    index.add(numbers(200, 220), VECTORS[200:220])
    index.remove(numbers(10, 13))
    index.save(directory)
    return index


def test_a_crash_at_any_step_leaves_the_former_or_the_new_state(tmp_path: Path) -> None:
    outcomes = []
    step = 0
    while True:
        step += 1
        directory = tmp_path / str(step)
        index = saved_index(directory)
        former = index.ids().tolist()
        index.add(numbers(300, 390), VECTORS[300:390])
        index.remove(numbers(50, 60))
        with pytest.MonkeyPatch.context() as monkeypatch:
            steps_taken = crash_at(monkeypatch, step)
            try:
                index.save(directory)
            except Crash:
                crashed = True
            else:
                crashed = False
        ids = FaissIndex.load(directory, "model", DIMENSION).ids().tolist()
        assert ids in (former, index.ids().tolist())
        outcomes.append(ids == former)
        if not crashed:
            assert steps_taken() == step - 1
            break
        index.save(directory)
        assert FaissIndex.load(directory, "model", DIMENSION).ids().tolist() == index.ids().tolist()
    assert outcomes[0] is True
    assert outcomes[-1] is False
    assert outcomes == sorted(outcomes, reverse=True)
    assert len(outcomes) > 10


def test_a_flipped_bit_or_a_missing_end_anywhere_is_noticed(tmp_path: Path) -> None:
    saved_index(tmp_path)
    files = sorted(path for path in tmp_path.iterdir())
    assert len(files) >= 3
    for path in files:
        whole = path.read_bytes()
        for at in {0, len(whole) // 3, len(whole) // 2, len(whole) - 1}:
            damaged = bytearray(whole)
            damaged[at] ^= 0x04
            path.write_bytes(damaged)
            with pytest.raises(IndexDamaged):
                FaissIndex.load(tmp_path, "model", DIMENSION)
            path.write_bytes(whole[:at])
            with pytest.raises(IndexDamaged):
                FaissIndex.load(tmp_path, "model", DIMENSION)
        path.unlink()
        with pytest.raises(IndexAbsent if path.name == "index.json" else IndexDamaged):
            FaissIndex.load(tmp_path, "model", DIMENSION)
        path.write_bytes(whole)
    assert len(FaissIndex.load(tmp_path, "model", DIMENSION)) == 117


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"blake3": 1}', '{"blake3": null, "format": 1}'])
def test_a_manifest_that_is_none_is_damaged(tmp_path: Path, text: str) -> None:
    saved_index(tmp_path)
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(IndexDamaged):
        FaissIndex.load(tmp_path, "model", DIMENSION)


def test_saving_again_writes_only_what_is_new(tmp_path: Path) -> None:
    index = FaissIndex.empty("model", DIMENSION)
    index.add(numbers(300), VECTORS[:300])
    index.save(tmp_path)
    (first,) = tmp_path.glob("*.rows")
    before = first.stat()
    index.add(numbers(300, 310), VECTORS[300:310])
    index.save(tmp_path)
    assert len(list(tmp_path.glob("*.rows"))) == 2
    assert first.stat().st_ino == before.st_ino
    again = FaissIndex.load(tmp_path, "model", DIMENSION)
    again.save(tmp_path)
    assert first.stat().st_ino == before.st_ino


def test_what_is_no_longer_named_is_removed(tmp_path: Path) -> None:
    index = saved_index(tmp_path)
    (tmp_path / "left.rows.part").write_bytes(b"of a crash")
    (tmp_path / "keep.txt").write_text("not ours")
    index.remove(index.ids())
    index.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.json", "keep.txt"]


def test_a_save_that_fails_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = saved_index(tmp_path)
    index.add(numbers(300, 350), VECTORS[300:350])

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            index.save(tmp_path)
    assert len(FaissIndex.load(tmp_path, "model", DIMENSION)) == 117
    index.save(tmp_path)
    assert len(FaissIndex.load(tmp_path, "model", DIMENSION)) == 167
