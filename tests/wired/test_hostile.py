"""Files made to do harm, and what a file system can hold beside files, next to normal ones."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import stat
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from nasd import wire
from nasd.client import Client
from nasd.domain.files import display_path
from nasd.extract.kinds import kind_of, supported
from tests.bench.judging import found
from tests.wired.process import DaemonProcess, paths_found, settled, until

pytestmark = [pytest.mark.corpus, pytest.mark.timeout(2400)]

MakeDaemon = Callable[..., DaemonProcess]
MOST_GROWTH = 1 << 30
SOFT_RATE = 0.9
PATIENCE_S = 900.0
UNGOVERNED = '[load]\nwhen_busy = "run"\nwhen_hot = "run"\n'
TRAP = b"Trap note"
READING = "nasd.extract.child"
CALLS = "socket,connect,sendto,sendmsg,sendmmsg"
_SOCKET = re.compile(r"socket\(AF_(INET6?|PACKET)")
_ELSEWHERE = re.compile(r"(?:connect|sendto|sendmsg|sendmmsg)\(.*sa_family=AF_(?:INET6?|PACKET)")
_LOOPBACK = re.compile(r'inet_addr\("127\.|inet_pton\(AF_INET6, "::1"')


class Weighed:
    """The most memory that a process had, and every process it started: with the most that each had."""

    def __init__(self, daemon: DaemonProcess) -> None:
        assert daemon.process is not None
        self._process = psutil.Process(daemon.process.pid)
        self.start = self.most = self._process.memory_info().rss
        self.children: dict[psutil.Process, int] = {}
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            with suppress(psutil.NoSuchProcess):
                self.most = max(self.most, self._process.memory_info().rss)
                for child in self._process.children(recursive=True):
                    with suppress(psutil.NoSuchProcess):
                        size = child.memory_info().rss
                        self.children[child] = max(size, self.children.get(child, 0))
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @property
    def growth(self) -> int:
        return int(self.most - self.start)

    def left(self) -> list[psutil.Process]:
        return [child for child in self.children if child.is_running()]


@pytest_asyncio.fixture
async def daemon(make_daemon: MakeDaemon) -> AsyncIterator[DaemonProcess]:
    """One that runs and is ready, and does not wait for what else the machine does."""
    daemon = make_daemon(config=UNGOVERNED)
    daemon.start()
    await daemon.ready()
    yield daemon


async def everything(client: Client) -> dict[str, wire.FileEntry]:
    entries: dict[str, wire.FileEntry] = {}
    cursor = None
    while True:
        page = await client.files(limit=200, cursor=cursor)
        entries |= {entry.path: entry for entry in page.items}
        cursor = page.next_cursor
        if cursor is None:
            return entries


async def text_of(client: Client, entry: wire.FileEntry) -> str:
    return (await client.file_text(entry.id)).text if entry.state == "indexed" else ""


async def normal_files_are_found(client: Client) -> None:
    for query, path in (
        ("guarantee period", "normal/Letters/warranty.md"),
        ("rent Harbour Street", "normal/Letters/rent.txt"),
        ("sourdough", "normal/bread.html"),
        ("electricity", "normal/costs.csv"),
    ):
        assert path in await paths_found(client, query), path


def expected(corpora: Path) -> list[dict[str, Any]]:
    lines = (corpora / "hostile" / "expected.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def hostile_volume(corpora: Path, folder: Path, root: Path) -> Path:
    shutil.copytree(corpora / "hostile" / "files", root / "files")
    shutil.copytree(folder, root / "normal")
    return root


async def test_hostile_files_cost_themselves_and_nothing_else(
    daemon: DaemonProcess, folder: Path, corpora: Path, tmp_path: Path
) -> None:
    root = hostile_volume(corpora, folder, tmp_path / "hostile")
    before = sorted(path for path in tmp_path.rglob("*") if daemon.state_dir not in path.parents)
    weighed = Weighed(daemon)
    began = time.monotonic()
    daemon.cli("volume", "add", str(root))
    async with daemon.client() as client:
        await settled(client, semantic=False, timeout_s=PATIENCE_S)
        took = time.monotonic() - began
        await normal_files_are_found(client)
        entries = await everything(client)
        wrong, soft = [], []
        for case in expected(corpora):
            entry = entries.get(case["path"])
            outcome = "unknown" if entry is None else await judge(client, case, entry)
            if case.get("soft"):
                soft.append(outcome is None)
            elif outcome is not None:
                wrong.append((case["path"], case["expect"], outcome))
        await settled(client, timeout_s=PATIENCE_S)
        await normal_files_are_found(client)
        status = await client.status()
        coverage = status.coverage
        seen = coverage.searchable + coverage.pending + coverage.failed + coverage.skipped
        assert seen == len(await everything(client))
        assert status.services
        assert "failed" not in status.services.values()
    heaviest = max(weighed.children.values())
    print(
        f"{len(entries)} files in {took:.0f} s; memory {weighed.start >> 20} MiB, at most"
        f" {weighed.most >> 20} MiB, of a process below it {heaviest >> 20} MiB;"
        f" soft {sum(soft)} of {len(soft)}"
    )
    assert wrong == []
    assert sum(soft) >= SOFT_RATE * len(soft)
    assert weighed.growth < MOST_GROWTH
    assert heaviest < min(case["max_rss_mb"] for case in expected(corpora)) << 20
    assert daemon.terminate() == 0
    await weighed.stop()
    assert weighed.left() == []
    # Nothing was written beside the daemon's own state, in the volume or out of it.
    assert sorted(path for path in tmp_path.rglob("*") if daemon.state_dir not in path.parents) == before


async def judge(client: Client, case: dict[str, Any], entry: wire.FileEntry) -> str | None:
    """What is wrong with what became of a file, if anything."""
    text = await text_of(client, entry)
    for phrase in case.get("must_not_contain") or ():
        if found(phrase, text):
            return f"holds {phrase!r}"
    if entry.state == "pending" or (entry.state in ("failed", "skipped") and not entry.detail):
        return f"{entry.state}, {entry.reason}"
    missing = [phrase for phrase in case.get("must_contain") or () if not found(phrase, text)]
    match case["expect"]:
        case "ok" | "inert" if missing and supported(kind_of(case["path"]).name):
            return f"{entry.state} {entry.reason}: lacks {missing}"
        case "reject" if entry.state == "indexed":
            return f"was indexed: {text[:60]!r}"
        case "locked" if entry.reason != "encrypted":
            return f"{entry.state} {entry.reason}"
    return None


async def test_no_network_is_tried_while_hostile_files_are_read(
    make_daemon: MakeDaemon, folder: Path, corpora: Path, tmp_path: Path
) -> None:
    """Every call to the network of the daemon and all its children, as the kernel sees it."""
    if shutil.which("strace") is None:
        pytest.skip("strace, which shows calls to the network, is not installed")
    root = hostile_volume(corpora, folder, tmp_path / "hostile")
    log = tmp_path / "calls"
    daemon = make_daemon(config=UNGOVERNED, with_model=False)
    # -D: the daemon itself is the process that was started, so that it gets the signals.
    tracing = ["strace", "-D", "-f", "-q", "--seccomp-bpf", "-e", f"trace={CALLS}", "-o", str(log)]
    daemon.start(arguments=[*tracing, *daemon.arguments("run", "--port", "0")])
    await daemon.ready()
    daemon.cli("volume", "add", str(root))
    async with daemon.client() as client:
        await settled(client, semantic=False, timeout_s=PATIENCE_S)
        await normal_files_are_found(client)
    assert daemon.terminate() == 0
    calls = log.read_text("utf-8", "replace").splitlines()
    assert any("AF_UNIX" in call for call in calls)  # it was traced
    assert any(_SOCKET.search(call) for call in calls)  # what it serves its API on
    tried = [call for call in calls if _ELSEWHERE.search(call) and not _LOOPBACK.search(call)]
    assert tried == []


async def test_a_child_that_is_killed_costs_one_file_which_is_tried_again(
    daemon: DaemonProcess, folder: Path
) -> None:
    daemon.cli("volume", "add", str(folder), "--name", "home")
    assert daemon.process is not None
    process = psutil.Process(daemon.process.pid)

    def reading() -> list[psutil.Process]:
        """Children of the warm process."""
        found = []
        with suppress(psutil.NoSuchProcess):
            for child in process.children(recursive=True):
                parent = child.parent()
                if READING in child.cmdline() and parent is not None and READING in parent.cmdline():
                    found.append(child)
        return found

    async with daemon.client() as client:
        await settled(client, semantic=False, timeout_s=PATIENCE_S)
        # From here on this is the one file that is read: no other is hit.
        (folder / "slow.html").write_bytes(b"<p>word <b>and</b> word" * 800_000)

        async def killed() -> bool:
            for child in reading():
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            return (await everything(client)).get("slow.html", None) is not None and (
                (await everything(client))["slow.html"].state == "failed"
            )

        await until(killed, "the file has failed")
        await settled(client, semantic=False, timeout_s=PATIENCE_S)
        entry = (await everything(client))["slow.html"]
        assert (entry.state, entry.reason) == ("failed", "memory")
        why = await client.why("home:slow.html")
        assert why.verdict == "failed"
        assert "tried again later" in why.summary
        assert any(step.what == "job" and step.at is not None for step in why.steps)
        status = await client.status()
        assert (status.queue.retry, status.queue.parked) == (1, 0)
        assert status.services
        assert "failed" not in status.services.values()
    assert daemon.terminate() == 0


async def test_traps_of_the_file_system(
    daemon: DaemonProcess, folder: Path, corpora: Path, tmp_path: Path
) -> None:
    root = tmp_path / "traps"
    script = corpora / "hostile" / "make_traps.sh"
    subprocess.run(["bash", str(script), str(root)], check=True, capture_output=True, timeout=120)
    shutil.copytree(folder, root / "normal")
    notes, others, unreadable = on_disk(root)
    assert len(notes) > 25
    weighed = Weighed(daemon)
    daemon.cli("volume", "add", str(root), "--name", "traps")
    try:
        async with daemon.client() as client:
            await settled(client, semantic=False, timeout_s=PATIENCE_S)
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
            assert (await client.why("traps:link-to-etc/passwd")).verdict == "unknown"
            found_notes: set[str] = set()
            for path in sorted(notes):
                if not set(path) & set("*?[]\\"):
                    filters = wire.FiltersIn(path=path)
                    query = wire.SearchIn(query="blue ledger shelf", mode="lexical", filters=filters)
                    assert [hit.file.path for hit in (await client.search(query)).hits] == [path]
                    found_notes.add(path)
            assert len(found_notes) > 20

            # They may also come, change and go while it watches.
            os.mkfifo(root / "normal" / "later.txt")
            (root / "normal" / "Letters" / "rent.txt").unlink()
            (root / "normal" / "Letters" / "rent.txt").symlink_to("/etc/passwd")

            async def gone() -> bool:
                return await paths_found(client, "Harbour Street") == []

            await until(gone, "a file that became a link is gone")
            await settled(client, semantic=False, timeout_s=PATIENCE_S)
            assert set(await everything(client)) == (notes | others | unreadable) - {
                "normal/Letters/rent.txt"
            }
    finally:
        (root / "nodir").chmod(0o755)
    assert not list(root.rglob("pwned"))
    assert weighed.growth < MOST_GROWTH
    assert daemon.terminate() == 0
    await weighed.stop()
    assert weighed.left() == []


def on_disk(root: Path) -> tuple[set[str], set[str], set[str]]:
    """The regular files that have to be known: notes, others, and those that this user may not read."""
    notes: set[str] = set()
    others: set[str] = set()
    unreadable: set[str] = set()
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
