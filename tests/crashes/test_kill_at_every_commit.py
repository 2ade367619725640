"""`kill -9` before and after each kind of commit, then a restart: nothing lost, nothing double, nothing shown
that is gone."""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
import signal
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from nasd import wire
from nasd.client import Client
from nasd.embed.store import PreparedModel
from nasd.errors import NasdError
from nasd.words.tantivy_words import TantivyWords
from tests.crashes.killed import KillAt, run_daemon

TIMEOUT_S = 180.0
ANIMALS = ("heron", "marmot", "osprey", "lynx", "otter", "badger", "wolf", "stork", "ibex", "zoo")


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a person could see."""

    files: dict[str, tuple[str, bool, str]]  # path: state, found by meaning, digest
    found: dict[str, list[str]]
    passages: int
    vectors: int
    indexed: int
    words: dict[str, int]  # entries of each index of words


class Ground:
    """A state folder, a volume and the processes over them."""

    def __init__(self, root: Path, model: PreparedModel) -> None:
        self.root = root
        self.volume = root / "home"
        self.state_dir = root / "state"
        self.config_file = root / "nasd.toml"
        self.trace = root / "trace"
        self.log = root / "log"
        self._model = model
        # A warm process to fork daemons from: a start costs 0.2 s instead of 1.5 s.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(
            ["nasd.daemon.run", "uvloop", "onnxruntime", "tests.crashes.killed"]
        )
        self.process: BaseProcess | None = None
        self.reached: list[str] = []

    def fresh(self) -> None:
        for folder in (self.volume, self.state_dir):
            shutil.rmtree(folder, ignore_errors=True)
        self.state_dir.mkdir()
        shutil.copytree(self._model.folder, self.state_dir / "models" / self._model.folder.name)
        self.volume.mkdir()
        self.config_file.write_text(f'[[volumes]]\nname = "home"\npath = "{self.volume}"\n', "utf-8")
        first_state(self.volume)

    def start(self, kill_at: KillAt | None = None) -> BaseProcess:
        arguments = (self.config_file, self.state_dir, self.log, kill_at, self.trace)
        process = self._context.Process(target=run_daemon, args=arguments)
        process.start()
        self.process = process
        return process

    async def outcome(self) -> Outcome:
        """Starts a daemon, waits until it has nothing left to do, and stops it. `reached` are the
        transactions up to there, in order."""
        process = self.start()
        async with asyncio.timeout(TIMEOUT_S), Client.open(socket=self.state_dir / "nasd.sock") as client:
            while True:
                assert process.is_alive(), self.log.read_text()[-3000:]
                try:
                    status = await client.status()
                    if status.state == "ready" and status.pending_semantic == 0:
                        break
                except NasdError:
                    pass
                await asyncio.sleep(0.05)
            files: dict[str, tuple[str, bool, str]] = {}
            for entry in (await client.files()).items:
                detail = await client.file(entry.id)
                files[entry.path] = (detail.state, detail.semantic, detail.digest or "")
            found = {}
            for query in ANIMALS:
                for mode in ("lexical", "semantic"):
                    reply = await client.search(wire.SearchIn.model_validate({"query": query, "mode": mode}))
                    # Which files, not in which order: equal passages rank by their ids, and readers race.
                    found[f"{mode} {query}"] = sorted({hit.file.path for hit in reply.hits})
            indexed = status.index.vectors
        # Not what is saved at a stop: a daemon that is killed does not come that far.
        self.reached = self.trace.read_text().split()
        process.terminate()
        process.join(TIMEOUT_S)
        assert process.exitcode == 0, self.log.read_text()[-3000:]
        with closing(sqlite3.connect(self.state_dir / "catalogue.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            assert connection.execute("SELECT count(*) FROM jobs WHERE state != 'parked'").fetchone() == (0,)
            live = "FROM passages p JOIN contents c ON c.id = p.content_id WHERE c.orphaned IS NULL"
            passages = connection.execute(f"SELECT count(*) {live}").fetchone()[0]
            vectors = connection.execute(
                f"SELECT count(*) FROM vectors WHERE passage_id IN (SELECT p.id {live})"
            ).fetchone()[0]
            doubles = "SELECT count(*) - count(DISTINCT digest || reader) FROM contents"
            assert connection.execute(doubles).fetchone() == (0,)
            assert connection.execute("SELECT count(*) FROM word_changes").fetchone() == (0,)
        words = {}
        for name, positions in (("passages", True), ("contents", False), ("paths", True)):
            index = TantivyWords.load(self.state_dir / "words" / name, positions=positions)
            words[name] = len(index)
            index.close()
        self.trace.unlink()
        return Outcome(files, found, passages, vectors, indexed, words)

    def end(self) -> None:
        if self.process is not None and self.process.is_alive():
            self.process.kill()
            self.process.join(10)


def first_state(volume: Path) -> None:
    (volume / "Birds").mkdir()
    (volume / "Birds" / "heron.txt").write_text("The heron stands in the shallow water and waits.\n")
    (volume / "Birds" / "osprey.md").write_text(
        "# Osprey\n\nThe osprey dives for fish.\n\n" + "It circles. " * 400
    )
    (volume / "marmot.html").write_text("<h1>Marmot</h1><p>The marmot whistles on the slope.</p>")
    (volume / "copy.txt").write_text("The heron stands in the shallow water and waits.\n")
    (volume / "broken.pdf").write_bytes(b"%PDF-1.7\nno document follows\n" * 10)
    (volume / "song.mp3").write_bytes(b"ID3\x04" + bytes(100))
    pack(volume / "zoo.zip", {"wolf.txt": "The wolf howls at the moon.\n", "stork.txt": "The stork nests.\n"})


def second_state(volume: Path) -> None:
    """Renamed, changed, deleted, new, mended."""
    (volume / "Birds").rename(volume / "Vögel")
    (volume / "marmot.html").unlink()
    (volume / "copy.txt").write_text("The lynx leaves no trace in the snow.\n")
    (volume / "otter.csv").write_text("animal,place\notter,river\n")
    (volume / "broken.pdf").unlink()
    (volume / "badger.txt").write_text("The badger digs at night.\n")
    pack(volume / "zoo.zip", {"wolf.txt": "The wolf howls at the moon.\n", "ibex.txt": "The ibex climbs.\n"})


def pack(path: Path, members: dict[str, str]) -> None:
    """The same bytes each time."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name), text)


@pytest.fixture
def ground(tmp_path: Path, prepared_model: PreparedModel) -> Iterator[Ground]:
    ground = Ground(tmp_path, prepared_model)
    yield ground
    ground.end()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["each", "all"])
async def test_kill_and_restart(ground: Ground, every: bool) -> None:
    """The first occurrence of each transaction; in the long form, every read and every change of files."""
    ground.fresh()
    expected_first = await ground.outcome()
    names_first = ground.reached
    assert expected_first.files["Birds/heron.txt"][:2] == ("indexed", True)
    assert expected_first.vectors == expected_first.passages == expected_first.indexed
    assert expected_first.words["passages"] == expected_first.passages
    kept = ground.root / "kept"
    shutil.copytree(ground.state_dir, kept, ignore=shutil.ignore_patterns("*.sock"))
    second_state(ground.volume)
    expected_second = await ground.outcome()
    names_second = ground.reached
    assert expected_second.found["lexical marmot"] == []
    assert expected_second.found["lexical lynx"] == ["copy.txt"]
    assert expected_first.found["lexical stork"] == ["zoo.zip!/stork.txt"]
    assert expected_second.found["lexical stork"] == []
    assert expected_second.found["lexical ibex"] == ["zoo.zip!/ibex.txt"]

    wanted = {"commit_read", "commit_vectors", "commit_embedded", "apply_changes", "claim", "commit_failure"}
    # Killed before forgetting, the index of words has what the catalogue still says it lacks.
    wanted |= {"keep_content", "change_all", "forget_changed"}
    assert wanted <= {*names_first, *names_second}

    for kill_at in kill_points(names_first, every):
        ground.fresh()
        await killed(ground, kill_at)
        assert await ground.outcome() == expected_first, kill_at
    for kill_at in kill_points(names_second, every):
        shutil.rmtree(ground.state_dir)
        shutil.rmtree(ground.volume)
        shutil.copytree(kept, ground.state_dir)
        ground.volume.mkdir()
        first_state(ground.volume)
        second_state(ground.volume)
        await killed(ground, kill_at)
        assert await ground.outcome() == expected_second, kill_at


async def killed(ground: Ground, kill_at: KillAt) -> None:
    process = ground.start(kill_at)
    await asyncio.to_thread(process.join, TIMEOUT_S)
    assert process.exitcode == -signal.SIGKILL, (kill_at, ground.log.read_text()[-3000:])


def kill_points(names: list[str], every: bool) -> list[KillAt]:
    """Where to kill: what a run's trace of transactions offers. Idle claims differ from run to run, and what
    was not reached once a run is over would never kill."""
    # Facts are kept now and then, by the clock.
    counts = {name: names.count(name) for name in names if name != "set_fact"}
    counts["claim"] = 2
    points = []
    for name, most in counts.items():
        # Batches may fall together or apart; the first of each is always reached.
        for count in range(1, most + 1) if every and name in ("commit_read", "apply_changes") else [1]:
            points += [KillAt(name=name, count=count), KillAt(name=name, count=count, after=True)]
    return points
