"""Disks that are unmounted, replaced, remounted and come back, under a real daemon on real mounts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from nasd import wire
from nasd.client import Client
from nasd.errors import NotFound
from tests.wired.disks import Disk, Kind, Namespace, cannot_mount
from tests.wired.process import DaemonProcess, paths_found, settled, until
from tests.wired.test_know import found, vectors_made

LETTERS = {
    "Letters/warranty.md": "The guarantee period of the dishwasher is five years.\n",
    "Letters/rent.txt": "The rent of the flat in Harbour Street is 840 euros a month.\n",
    "notes.txt": "The heron stood on the pier all morning.\n",
}


class Bay:
    """A place where disks are mounted, and a daemon that sees them."""

    def __init__(self, namespace: Namespace, folder: Path, kind: Kind, daemon: DaemonProcess) -> None:
        self.kind = kind
        self.namespace = namespace
        self.point = folder / "media" / "usb"
        self.daemon = daemon
        self._folder = folder

    def disk(self, name: str) -> Disk:
        return Disk(self.namespace, self._folder / name, self.kind)

    async def start(self) -> None:
        command = self.daemon.arguments("run", "--port", "0")
        self.daemon.start(arguments=self.namespace.inside(*command))
        await self.daemon.ready()

    def elsewhere(self, disk: Disk) -> Path:
        """The disk's files, mounted where the daemon does not look."""
        return disk.mount(self._folder / "workbench")

    def put_away(self, disk: Disk) -> None:
        disk.unmount(self._folder / "workbench")


def fill(root: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")


@pytest.fixture
def make_bay(tmp_path: Path, make_daemon: Callable[..., DaemonProcess]) -> Iterator[Callable[..., Bay]]:
    namespaces: list[Namespace] = []

    def make(kind: Kind, *, config: str = "", with_model: bool = False) -> Bay:
        if why := cannot_mount(kind):
            pytest.skip(why)
        namespaces.append(Namespace())
        fast = "[watch]\nsettle_seconds = 0.2\n"
        daemon = make_daemon(config=config + fast, with_model=with_model)
        return Bay(namespaces[-1], tmp_path, kind, daemon)

    yield make
    for namespace in namespaces:
        namespace.end()


@pytest.fixture
def kind() -> Kind:
    """Real disks where the machine permits, else bound folders."""
    return "bind" if cannot_mount("loop") else "loop"


@pytest.fixture
def bay(make_bay: Callable[..., Bay], kind: Kind) -> Bay:
    return make_bay(kind)


def is_state(client: Client, state: str, word: str = "") -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        volume = await client.volume("usb")
        return volume.state == state and word in (volume.detail or "")

    return holds


async def counts(client: Client) -> wire.CoverageOut:
    return (await client.volume("usb")).coverage


@pytest.mark.parametrize("kind", ["loop", "bind"])
async def test_a_disk_that_is_unmounted_is_not_forgotten_and_thaws_when_it_is_back(
    make_bay: Callable[..., Bay], kind: Kind
) -> None:
    bay = make_bay(kind)
    disk = bay.disk("one")
    root = disk.mount(bay.point)
    fill(root, LETTERS)
    await bay.start()
    bay.daemon.cli("volume", "add", str(bay.point))
    async with bay.daemon.client() as client:
        await settled(client, semantic=False)
        before = await counts(client)
        assert (before.files, before.searchable) == (3, 3)

        disk.unmount(bay.point)  # an idle daemon holds nothing open
        await until(is_state(client, "frozen", "not mounted"), "an unmounted disk freezes its volume")
        assert await counts(client) == before, "nothing is forgotten"
        shown = (await client.search(wire.SearchIn(query="heron", mode="lexical"))).hits
        assert [(hit.file.path, hit.file.volume_state) for hit in shown] == [("notes.txt", "frozen")]
        assert "frozen" in bay.daemon.cli("search", "heron", "--mode", "lexical").stdout
        told = bay.daemon.cli("status").stdout
        assert "frozen" in told
        assert "The disk is not mounted" in told
        assert "nasd volume resume" in told
        fill(bay.namespace.seen(bay.point), {"stray.txt": "A walrus under the mount point.\n"})

        # What happens to the disk in another machine is seen once it is back.
        other = bay.elsewhere(disk)
        fill(other, {"new.txt": "A pelican came by.\n", "notes.txt": "The cormorant dried its wings.\n"})
        (other / "Letters" / "rent.txt").unlink()
        bay.put_away(disk)
        disk.mount(bay.point)
        await until(is_state(client, "active"), "a disk that is back thaws its volume by itself")
        await until(lambda: found(client, "pelican", ["new.txt"]), "what came meanwhile is found")
        await until(lambda: found(client, "cormorant", ["notes.txt"]), "what changed meanwhile is found")
        await settled(client, semantic=False)
        assert await paths_found(client, "heron") == []
        assert await paths_found(client, "Harbour") == []
        assert await paths_found(client, "walrus") == []
        shown = (await client.search(wire.SearchIn(query="pelican", mode="lexical"))).hits
        assert [hit.file.volume_state for hit in shown] == ["active"]

        # And it is watched again.
        fill(root, {"again.txt": "A kingfisher flew up.\n"})
        await until(lambda: found(client, "kingfisher", ["again.txt"]), "events come again")


async def test_a_disk_that_is_missing_at_the_start_is_not_forgotten(bay: Bay) -> None:
    disk = bay.disk("one")
    fill(disk.mount(bay.point), LETTERS)
    await bay.start()
    bay.daemon.cli("volume", "add", str(bay.point))
    async with bay.daemon.client() as client:
        await settled(client, semantic=False)
        before = await counts(client)
    assert bay.daemon.terminate() == 0
    disk.unmount(bay.point)
    await bay.start()
    async with bay.daemon.client() as client:
        await until(is_state(client, "frozen", "not mounted"), "a missing disk freezes its volume")
        assert await counts(client) == before
        assert await paths_found(client, "heron") == ["notes.txt"]
        # A volume that is away is not one that there is not.
        for name, code in (("usb", 0), ("usc", 4)):
            asked = bay.daemon.cli("search", "heron", "--volume", name, check=False)
            assert asked.returncode == code, asked.stderr
        with pytest.raises(NotFound, match="usc"):
            await client.files(volume="usc")
    # Nor once its mount point is taken away, and the daemon is killed.
    bay.daemon.kill()
    bay.point.rmdir()
    await bay.start()
    async with bay.daemon.client() as client:
        await until(is_state(client, "frozen", "missing"), "a missing folder freezes its volume")
        assert await counts(client) == before
        disk.mount(bay.point)
        await until(is_state(client, "active"), "it is back")
        await settled(client, semantic=False)
        assert await counts(client) == before


async def test_a_disk_at_another_path_embeds_nothing_again(
    make_bay: Callable[..., Bay], kind: Kind, tmp_path: Path
) -> None:
    """By the configuration, which moves the volume, and by command, as another volume."""
    places = [tmp_path / "media" / name for name in ("usb", "elsewhere", "a third")]
    config = f'[[volumes]]\nname = "usb"\npath = "{places[0]}"\n'
    bay = make_bay(kind, config=config, with_model=True)
    disk = bay.disk("disk")
    root = disk.mount(places[0])
    fill(root, LETTERS)
    await bay.start()
    async with bay.daemon.client() as client:
        await settled(client)
        made = vectors_made(bay.daemon)
        ids = {entry.path: entry.id for entry in (await client.files()).items}
    bay.daemon.terminate()
    disk.unmount(places[0])
    disk.mount(places[1])
    config = bay.daemon.config_file.read_text("utf-8").replace(str(places[0]), str(places[1]))
    bay.daemon.config_file.write_text(config, "utf-8")
    await bay.start()
    async with bay.daemon.client() as client:
        await settled(client)
        volume_now = await client.volume("usb")
        assert (volume_now.state, volume_now.path) == ("active", str(places[1]))
        assert {entry.path: entry.id for entry in (await client.files()).items} == ids
        assert vectors_made(bay.daemon) == made

        disk.unmount(places[1])
        await until(is_state(client, "frozen"), "it is gone from there")
        disk.mount(places[2])
        bay.daemon.cli("volume", "add", str(places[2]), "--name", "third")
        status = await settled(client)
        assert vectors_made(bay.daemon) == made
        assert status.coverage.files == 2 * len(ids), "both volumes hold the same files"
        hits = (await client.search(wire.SearchIn(query="heron", mode="semantic"))).hits
        assert {hit.file.path for hit in hits if hit.rank == 1} == {"notes.txt"}


async def test_another_disk_at_the_same_path_is_taken_only_when_its_owner_says_so(bay: Bay) -> None:
    one, two = bay.disk("one"), bay.disk("two")
    fill(one.mount(bay.point), LETTERS)
    await bay.start()
    bay.daemon.cli("volume", "add", str(bay.point))
    async with bay.daemon.client() as client:
        await settled(client, semantic=False)
        one.unmount(bay.point)
        fill(two.mount(bay.point), {"stranger.txt": "An ibis that nobody knows.\n"})
        await until(is_state(client, "frozen", "Another filesystem"), "another disk freezes the volume")
        assert (await counts(client)).files == 3
        assert await paths_found(client, "ibis") == []

        # The first one comes back and goes again; nothing was taken from the other.
        two.unmount(bay.point)
        one.mount(bay.point)
        await until(is_state(client, "active"), "the former disk thaws it")
        await settled(client, semantic=False)
        assert (await counts(client)).files == 3
        one.unmount(bay.point)
        two.mount(bay.point)
        await until(is_state(client, "frozen", "Another filesystem"), "and the other freezes it again")

        bay.daemon.cli("volume", "resume", "usb")
        await until(lambda: found(client, "ibis", ["stranger.txt"]), "what its owner accepts is taken")
        await settled(client, semantic=False)
        assert (await counts(client)).files == 1
        assert await paths_found(client, "heron") == []
        two.unmount(bay.point)
        one.mount(bay.point)
        await until(is_state(client, "frozen", "Another filesystem"), "now the first is the stranger")


async def test_a_disk_that_is_suddenly_empty_freezes(bay: Bay) -> None:
    disk = bay.disk("one")
    fill(disk.mount(bay.point), LETTERS)
    await bay.start()
    bay.daemon.cli("volume", "add", str(bay.point))
    async with bay.daemon.client() as client:
        await settled(client, semantic=False)
        disk.unmount(bay.point)
        await until(is_state(client, "frozen"), "it is unmounted")
        emptied = bay.elsewhere(disk)
        for name in ("Letters", "notes.txt"):
            path = emptied / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        bay.put_away(disk)
        disk.mount(bay.point)
        await until(is_state(client, "frozen", "is empty, though 3 files"), "an emptied disk is not believed")
        assert await paths_found(client, "heron") == ["notes.txt"]
        bay.daemon.cli("volume", "resume", "usb")

        async def empty() -> bool:
            return (await counts(client)).files == 0 and await is_state(client, "active")()

        await until(empty, "its owner says that it is meant to be empty")


async def test_a_disk_that_becomes_read_only_freezes(make_bay: Callable[..., Bay]) -> None:
    bay = make_bay("loop")
    disk = bay.disk("one")
    root = disk.mount(bay.point, ",errors=remount-ro")
    fill(root, LETTERS)
    await bay.start()
    bay.daemon.cli("volume", "add", str(bay.point))
    async with bay.daemon.client() as client:
        await settled(client, semantic=False)
        bay.namespace.run("mount", "-o", "remount,ro", str(bay.point))
        await until(is_state(client, "frozen", "read-only"), "a disk made read-only freezes its volume")
        assert await paths_found(client, "heron") == ["notes.txt"]
        bay.namespace.run("mount", "-o", "remount,rw", str(bay.point))
        await until(is_state(client, "active"), "writable again, it thaws")
        await settled(client, semantic=False)

        # As the kernel does it when the disk fails; no mount is changed by it, so that a look has to tell.
        device = bay.namespace.run("findmnt", "-n", "-o", "SOURCE", str(bay.point)).stdout.strip()
        fail = Path(f"/sys/fs/ext4/{Path(device).name}/trigger_fs_error")
        if not fail.exists():
            pytest.skip("this kernel's ext4 has no trigger_fs_error")
        fail.write_text("for a test\n")
        bay.daemon.cli("volume", "scan", "usb")
        await until(is_state(client, "frozen", "read-only"), "a failing disk freezes its volume")
        assert (await counts(client)).files == 3
        bay.daemon.cli("volume", "resume", "usb")
        await until(is_state(client, "active"), "its owner accepts it")
        await settled(client, semantic=False)
        assert (await counts(client)).files == 3
        assert (await client.volume("usb")).state == "active"


async def test_a_disk_that_goes_while_it_is_scanned_and_read_loses_nothing(bay: Bay) -> None:
    disk = bay.disk("one")
    root = disk.mount(bay.point)
    many = {f"year {n % 40}/letter {n}.txt": f"Letter {n} of the heron.\n" * 40 for n in range(600)}
    fill(root, many)
    await bay.start()
    bay.daemon.cli("volume", "add", str(bay.point))
    async with bay.daemon.client() as client:

        async def some_are_read() -> bool:
            return (await client.status()).coverage.searchable >= 20

        await until(some_are_read, "reading has begun")
        disk.unmount_by_force(bay.point)
        await until(is_state(client, "frozen", "not mounted"), "the disk went in the middle of reading")
        left = await counts(client)
        assert left.files == len(many)
        assert left.failed == 0, "a disk that is away is no failure of its files"
        disk.mount(bay.point)
        await settled(client, semantic=False)
        whole = await counts(client)
        assert (whole.files, whole.searchable, whole.failed) == (len(many), len(many), 0)

        for _ in range(4):
            await client.scan_volume("usb")
            disk.unmount_by_force(bay.point)
            await until(is_state(client, "frozen", "not mounted"), "the disk went around a scan")
            assert await counts(client) == whole
            disk.mount(bay.point)
            await until(is_state(client, "active"), "it is back")
            disk.unmount_by_force(bay.point)
            disk.mount(bay.point)  # too quick for anybody to see
            await settled(client, semantic=False)
            assert await counts(client) == whole


async def test_a_disk_within_a_volume_that_goes_hides_its_folder_alone(bay: Bay) -> None:
    volume = bay.point
    volume.mkdir(parents=True)
    (volume / "own.txt").write_text("A marmot of the house itself.\n", "utf-8")
    inner = volume / "stick"
    disk = bay.disk("one")
    root = disk.mount(inner)
    fill(root, LETTERS)
    await bay.start()
    bay.daemon.cli("volume", "add", str(volume))
    async with bay.daemon.client() as client:
        await settled(client, semantic=False)
        assert (await counts(client)).files == 4
        disk.unmount(inner)
        await until(is_state(client, "active", "'stick' is missing"), "the volume says which disk is missing")
        (volume / "own.txt").write_text("A badger of the house itself.\n", "utf-8")
        await until(lambda: found(client, "badger", ["own.txt"]), "the rest goes on")
        bay.daemon.cli("volume", "scan", "usb")
        await settled(client, semantic=False)
        assert (await counts(client)).files == 4
        assert await paths_found(client, "heron") == ["stick/notes.txt"]
        assert await is_state(client, "active", "'stick' is missing")(), "as long as it is so"

        changed = bay.elsewhere(disk)
        fill(changed, {"notes.txt": "The cormorant dried its wings.\n"})
        bay.put_away(disk)
        disk.mount(inner)
        await until(lambda: found(client, "cormorant", ["stick/notes.txt"]), "it is back, and looked at")
        await settled(client, semantic=False)
        assert (await counts(client)).files == 4
        assert (await client.volume("usb")).detail is None


@pytest.mark.parametrize("manner", ["plain", "polled"])
async def test_nothing_on_an_idle_disk_is_held_open(bay: Bay, manner: str) -> None:
    """Not by the daemon and not by its children, whatever they have done before."""
    disk = bay.disk("one")
    fill(disk.mount(bay.point), LETTERS)
    await bay.start()
    watch = ["--watch", "poll"] if manner == "polled" else []
    bay.daemon.cli("volume", "add", str(bay.point), *watch)
    async with bay.daemon.client() as client:
        await settled(client, semantic=False)
        entry = (await client.files(path="notes.txt")).items[0]
        await client.why(str(bay.point / "nothing there"))
        assert (await client.file(entry.id)).path == "notes.txt"
        device = os.stat(bay.namespace.seen(bay.point)).st_dev
        assert bay.daemon.process is not None
        for pid in family(bay.daemon.process.pid):
            held = [path for path in handles(pid) if bay.kind == "loop" and device_of(path) == device]
            assert held == []
        disk.unmount(bay.point)


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def handles(pid: int) -> list[Path]:
    """What a process has open, and where it stands."""
    return [*Path(f"/proc/{pid}/fd").iterdir(), Path(f"/proc/{pid}/cwd"), Path(f"/proc/{pid}/root")]


def device_of(path: Path) -> int | None:
    try:
        return path.stat().st_dev
    except OSError:
        return None
