"""What a volume is frozen for, and how its owner has the last word: a real daemon."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from nasd.client import Client
from nasd.watch.burst import GONE_MORE_THAN, REWRITTEN_AT_LEAST
from tests.wired.process import DaemonProcess, paths_found, settled, until

MANY = GONE_MORE_THAN + 20


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    root = tmp_path / "archive"
    for number in range(MANY):
        folder = root / f"year {number % 4}"
        folder.mkdir(parents=True, exist_ok=True)
        text = f"Letter {number} speaks of the heron on the pier. " + "It stood there all day long. " * 20
        (folder / f"letter {number}.txt").write_text(text, "utf-8")
    return root


def is_state(client: Client, state: str, name: str = "archive") -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        return (await client.volume(name)).state == state

    return holds


async def test_mass_deletion_freezes_until_the_owner_accepts_it(daemon: DaemonProcess, archive: Path) -> None:
    daemon.cli("volume", "add", str(archive))
    async with daemon.client() as client:
        known = (await settled(client, semantic=False)).coverage.files
        assert known == MANY
        for number in range(4):
            shutil.rmtree(archive / f"year {number}")
        (archive / "left.txt").write_text("The marmot is left.\n", "utf-8")
        await until(is_state(client, "frozen"), "mass deletion freezes the volume")
        frozen = await client.volume("archive")
        assert frozen.detail is not None
        assert "mass deletion" in frozen.detail
        assert f"{MANY} of" in frozen.detail
        assert frozen.coverage.files >= known, "nothing is forgotten"
        assert await paths_found(client, "letter 17") != []

        # It outlives a restart.
        daemon.terminate()
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        assert (await client.volume("archive")).state == "frozen"
        assert (await settled(client, semantic=False)).coverage.files >= known

        daemon.cli("volume", "resume", "archive")

        async def accepted() -> bool:
            volume = await client.volume("archive")
            return volume.state == "active" and volume.coverage.files == 1

        await until(accepted, "what its owner says is done")
        assert await paths_found(client, "heron") == []
        assert await paths_found(client, "marmot") == ["left.txt"]


@pytest.mark.parametrize("manner", ["in place", "new ending"])
async def test_encryption_freezes_before_it_is_taken_at_its_word(
    daemon: DaemonProcess, archive: Path, manner: str
) -> None:
    daemon.cli("volume", "add", str(archive))
    async with daemon.client() as client:
        await settled(client, semantic=False)
        noise = random.Random(3)
        paths = sorted(archive.rglob("*.txt"))
        for path in paths[: 2 * REWRITTEN_AT_LEAST]:
            path.write_bytes(noise.randbytes(path.stat().st_size))
            if manner == "new ending":
                path.rename(path.with_name(path.name + ".crypted"))
        for folder in archive.iterdir():
            (folder / "HOW TO RECOVER YOUR FILES.txt").write_text("Pay.\n", "utf-8")
        await until(is_state(client, "frozen"), "encryption freezes the volume")
        volume = await client.volume("archive")
        assert "encrypted" in (volume.detail or "")
        if manner == "new ending":
            assert ".crypted" in (volume.detail or "")
        found = await paths_found(client, "heron pier")
        assert found, "the former text is still found"
        left = volume.coverage
        assert left.files + left.skipped + left.failed >= MANY, "nothing is forgotten"


async def test_work_that_only_looks_alike_freezes_nothing(daemon: DaemonProcess, archive: Path) -> None:
    daemon.cli("volume", "add", str(archive))
    async with daemon.client() as client:
        await settled(client, semantic=False)
        for path in archive.rglob("*.txt"):
            path.write_text(path.read_text("utf-8").replace("heron", "osprey"), "utf-8")
        for path in sorted(archive.rglob("*.txt")):
            path.rename(path.with_name(path.name + ".old.txt"))
        (archive / "year 0").rename(archive / "first year")

        async def taken() -> bool:
            page = await client.files(limit=1)
            status = await settled(client, semantic=False)
            return bool(page.items) and await all_at(client, archive) and status.coverage.files == MANY

        try:
            await until(taken, "all of it is known under the new names")
        finally:
            volume = await client.volume("archive")
            assert volume.state == "active", volume.detail
        assert await paths_found(client, "heron") == []


async def all_at(client: Client, root: Path) -> bool:
    known, cursor = set(), None
    while True:
        page = await client.files(limit=200, cursor=cursor)
        known |= {entry.path for entry in page.items if entry.state == "indexed"}
        cursor = page.next_cursor
        if cursor is None:
            return known == {os.path.relpath(path, root) for path in root.rglob("*.txt")}


async def test_an_emptied_volume_is_accepted_and_a_missing_one_cannot_be(
    daemon: DaemonProcess, folder: Path
) -> None:
    daemon.cli("volume", "add", str(folder), "--name", "home")
    async with daemon.client() as client:
        await settled(client, semantic=False)
        away = folder.with_name("away")
        folder.rename(away)
        await client.scan_volume("home")
        await until(is_state(client, "frozen", "home"), "a missing folder freezes the volume")
        refused = daemon.cli("volume", "resume", "home", check=False)
        assert refused.returncode == 1
        assert "missing" in refused.stderr
        folder.mkdir()
        daemon.cli("volume", "resume", "home")

        async def empty() -> bool:
            volume = await client.volume("home")
            return volume.state == "active" and volume.coverage.files == 0

        await until(empty, "the emptied volume is taken as it is")
