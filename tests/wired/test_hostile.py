"""Files made to do harm, and what a file system can hold beside files, next to normal ones."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from nasd import wire
from nasd.client import Client
from nasd.domain.files import display_path
from nasd.extract.kinds import kind_of, supported
from tests.wired.process import DaemonProcess, paths_found, settled, until
from tests.wired.test_collections import all_files, found

pytestmark = [pytest.mark.corpus, pytest.mark.timeout(1200)]

MOST_GROWTH = 1 << 30
SOFT_RATE = 0.9
TRAP = b"Trap note"


class Weighed:
    """The most memory that a process had, and every child it ever had."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.start = self.most = self._process.memory_info().rss
        self.children: set[psutil.Process] = set()
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            try:
                self.most = max(self.most, self._process.memory_info().rss)
                self.children |= set(self._process.children(recursive=True))
            except psutil.NoSuchProcess:
                return
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def left(self) -> list[psutil.Process]:
        return [child for child in self.children if child.is_running()]


async def everything(client: Client) -> dict[str, wire.FileEntry]:
    return {entry.path: entry for entry in await all_files(client)}


async def text_of(client: Client, entry: wire.FileEntry) -> str:
    if entry.state != "indexed":
        return ""
    return (await client.file_text(entry.id)).text


async def normal_files_are_found(client: Client) -> None:
    for query, path in (
        ("guarantee period", "normal/Letters/warranty.md"),
        ("rent Harbour Street", "normal/Letters/rent.txt"),
        ("sourdough", "normal/bread.html"),
        ("electricity", "normal/costs.csv"),
    ):
        assert path in await paths_found(client, query), path


async def test_hostile_files_cost_themselves_and_nothing_else(
    daemon: DaemonProcess, folder: Path, corpora: Path, tmp_path: Path
) -> None:
    root = tmp_path / "hostile"
    shutil.copytree(corpora / "hostile" / "files", root / "files")
    shutil.copytree(folder, root / "normal")
    assert daemon.process is not None
    weighed = Weighed(daemon.process.pid)
    daemon.cli("volume", "add", str(root))
    async with daemon.client() as client:
        await settled(client)
        await normal_files_are_found(client)
        entries = await everything(client)
        wrong, soft = [], []
        for line in (corpora / "hostile" / "expected.jsonl").read_text("utf-8").splitlines():
            case = json.loads(line)
            entry = entries.get(case["path"])
            outcome = "unknown" if entry is None else await judge(client, case, entry)
            if case.get("soft"):
                soft.append(outcome is None)
            elif outcome is not None:
                wrong.append((case["path"], case["expect"], outcome))
        status = await client.status()
        assert status.services
        assert set(status.services.values()) == {"running"}
    print(
        f"memory {weighed.start >> 20} MiB, at most {weighed.most >> 20} MiB; soft {sum(soft)} of {len(soft)}"
    )
    assert wrong == []
    assert sum(soft) >= SOFT_RATE * len(soft)
    assert weighed.most - weighed.start < MOST_GROWTH
    assert daemon.terminate() == 0
    await weighed.stop()
    assert weighed.left() == []


async def judge(client: Client, case: dict[str, Any], entry: wire.FileEntry) -> str | None:
    """What is wrong with what became of a file, if anything."""
    text = await text_of(client, entry)
    for phrase in case.get("must_not_contain") or ():
        if found(phrase, text):
            return f"holds {phrase!r}"
    if entry.state == "pending" or (entry.state in ("failed", "skipped") and not entry.detail):
        return f"{entry.state}, {entry.reason}"
    read = supported(kind_of(case["path"]).name)
    match case["expect"]:
        case "ok" if read:
            missing = [phrase for phrase in case.get("must_contain") or () if not found(phrase, text)]
            return f"{entry.state} {entry.reason}: lacks {missing}" if missing else None
        case "reject" if entry.state == "indexed" and text.strip():
            return f"was indexed: {text[:60]!r}"
        case "locked" if read and entry.reason != "encrypted":
            return f"{entry.state} {entry.reason}"
    return None


async def test_traps_of_the_file_system(
    daemon: DaemonProcess, folder: Path, corpora: Path, tmp_path: Path
) -> None:
    root = tmp_path / "traps"
    script = corpora / "hostile" / "make_traps.sh"
    subprocess.run(["bash", str(script), str(root)], check=True, capture_output=True, timeout=120)
    shutil.copytree(folder, root / "normal")
    notes, others, unreadable = on_disk(root)
    assert len(notes) > 25
    assert daemon.process is not None
    weighed = Weighed(daemon.process.pid)
    daemon.cli("volume", "add", str(root), "--name", "traps")
    try:
        async with daemon.client() as client:
            await settled(client, semantic=False)
            entries = await everything(client)
            assert set(entries) == notes | others | unreadable
            for path in notes:
                assert "blue ledger" in await text_of(client, entries[path]), path
            for path in unreadable:
                assert entries[path].state == "failed"
                assert entries[path].detail
            for name in ("sparse-huge.txt", "sparse-huge.pdf"):
                assert (entries[name].state, entries[name].reason) == ("skipped", "too_large")
            await normal_files_are_found(client)
            # Nothing that a link leads to was read.
            assert await paths_found(client, "nologin") == []
            outside = (await client.why("traps:link-to-etc/passwd")).verdict
            assert outside == "unknown"
            found_notes: set[str] = set()
            for path in sorted(notes):
                if not set(path) & set("*?[]\\"):
                    filters = wire.FiltersIn(path=path)
                    reply = await client.search(wire.SearchIn(query="blue ledger shelf", filters=filters))
                    assert [hit.file.path for hit in reply.hits] == [path]
                    found_notes.add(path)
            assert len(found_notes) > 20

            # They may also come, change and go while it watches.
            os.mkfifo(root / "normal" / "later.txt")
            (root / "normal" / "Letters" / "rent.txt").unlink()
            (root / "normal" / "Letters" / "rent.txt").symlink_to("/etc/passwd")

            async def gone() -> bool:
                return await paths_found(client, "Harbour Street") == []

            await until(gone, "a file that became a link is gone")
            await settled(client, semantic=False)
            assert set(await everything(client)) == (notes | others | unreadable) - {
                "normal/Letters/rent.txt"
            }
    finally:
        (root / "nodir").chmod(0o755)
    assert not list(root.rglob("pwned"))
    assert weighed.most - weighed.start < MOST_GROWTH
    assert daemon.terminate() == 0
    await weighed.stop()
    assert weighed.left() == []


def on_disk(root: Path) -> tuple[set[str], set[str], set[str]]:
    """The regular files that have to be known: notes, others, and those that this user may not read."""
    notes, others, unreadable = set(), set(), set()
    for above, folders, names in os.walk(os.fsencode(root)):
        folders[:] = [name for name in folders if name not in (b"node_modules", b".git", b"__pycache__")]
        for name in names:
            path = os.path.join(above, name)
            if not stat.S_ISREG(os.lstat(path).st_mode):
                continue
            shown = display_path(os.path.relpath(path, os.fsencode(root)))
            if not os.access(path, os.R_OK):
                unreadable.add(shown)
                continue
            with open(path, "rb") as file:
                (notes if file.read(len(TRAP)) == TRAP else others).add(shown)
    return notes, others, unreadable
