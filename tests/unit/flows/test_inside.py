"""Members' bytes: taken out once, kept for a while, never others than those that were read."""

from __future__ import annotations

import os
from collections.abc import Collection, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from nasd.domain.files import FileRecord, file_stat
from nasd.errors import DiskFull, ReadError, StateError
from nasd.extract.base import Piece
from nasd.extract.sandbox import Sandbox
from nasd.flows import kept
from nasd.flows.inside import Inside
from nasd.flows.kept import Kept
from nasd.store.contents import Content
from tests.fakes.catalogue import NOW
from tests.fakes.flows import file_record
from tests.unit.extract.reading import package

MEMBERS: dict[str, bytes | str] = {"a.txt": "first", "n/b.txt": "second", "c.txt": "third"}


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


class FakeLane:
    def __init__(self) -> None:
        self.files: dict[int, FileRecord] = {}
        self.contents: dict[int, Content] = {}

    async def read(self, ask: Any, number: int) -> Any:
        return self.files[number] if ask.__name__ == "file_by_id" else self.contents.get(number)


class World:
    """A volume with one archive, and the rows of its members: number 1 is the archive, then its members."""

    def __init__(self, folder: Path, box: Sandbox, most_bytes: int = 1 << 20) -> None:
        self.root = folder / "volume"
        self.root.mkdir()
        self.state = folder / "state" / "members"
        self.lane = FakeLane()
        self._box = box
        self.walks = 0
        self.inside = Inside(self.lane, self, self.state, most_bytes=most_bytes)  # type: ignore[arg-type]

    def take(self, fd: int, *, name: str, kind: str, paths: Collection[str]) -> Generator[Piece, None, None]:
        self.walks += 1
        return self._box.take(fd, name=name, kind=kind, paths=paths)

    def put(self, data: bytes, names: Sequence[str] = tuple(MEMBERS)) -> list[FileRecord]:
        path = self.root / "a.zip"
        path.write_bytes(data)
        found = path.stat()
        stat = file_stat(b"a.zip", found)
        self.lane.files[1] = file_record(
            1, b"a.zip", kind="archive", size=stat.size, mtime_ns=stat.mtime_ns, inode=stat.inode,
            ctime_ns=stat.ctime_ns,
        )  # fmt: skip
        members = []
        for number, name in enumerate(names, start=2):
            content_id = number if name in MEMBERS else None
            if content_id is not None:
                data = str(MEMBERS[name]).encode()
                self.lane.contents[number] = Content(
                    id=number, digest=blake3(data).hexdigest(), reader="text/1", title=None, chars=0,
                    passages=0, notes=(), metadata={}, embedded_by=None, created=NOW,
                )  # fmt: skip
            members.append(
                file_record(number, b"a.zip!/" + name.encode(), parent_id=1, content_id=content_id)
            )
        return members

    def kept(self) -> list[Path]:
        return sorted(path for path in self.state.rglob("*") if path.is_file())


@pytest.fixture
def world(tmp_path: Path, box: Sandbox) -> World:
    return World(tmp_path, box)


async def test_a_member_is_taken_out_once(world: World) -> None:
    _, second, _ = world.put(package(MEMBERS))
    path = await world.inside.path_of(str(world.root), second)
    assert path.read_bytes() == b"second"
    assert world.kept() == [path]
    assert await world.inside.path_of(str(world.root), second) == path
    assert world.walks == 1
    (world.root / "a.zip").unlink()
    with pytest.raises(ReadError, match="changed"):
        await world.inside.path_of(str(world.root), second)


async def test_one_walk_serves_those_that_are_asked_for_next(world: World) -> None:
    first, second, third = world.put(package(MEMBERS))

    async def beside() -> Sequence[FileRecord]:
        return [first, second]

    path = await world.inside.path_of(str(world.root), third, beside)
    assert path.read_bytes() == b"third"
    assert sorted(one.read_bytes() for one in world.kept()) == [b"first", b"second", b"third"]


async def test_another_version_of_the_container_is_another_file(world: World) -> None:
    first, *_ = world.put(package(MEMBERS))
    before = await world.inside.path_of(str(world.root), first)
    (first,) = world.put(package({"a.txt": "first", "more": "x"}), ["a.txt"])
    after = await world.inside.path_of(str(world.root), first)
    assert before != after
    assert after.read_bytes() == b"first"


async def test_other_bytes_than_those_that_were_read_are_not_served(world: World) -> None:
    first, *_ = world.put(package({**MEMBERS, "a.txt": "changed"}))
    with pytest.raises(ReadError) as caught:
        await world.inside.path_of(str(world.root), first)
    assert (caught.value.reason, caught.value.temporary) == ("changing", True)
    os.utime(world.root / "a.zip", (1, 1))
    with pytest.raises(ReadError) as caught:
        await world.inside.path_of(str(world.root), first)
    assert caught.value.reason == "changing"
    assert world.kept() == []


async def test_one_that_was_not_read_can_be_had_too_and_one_that_cannot_says_why(world: World) -> None:
    big, bomb = world.put(package({"film.bin": "x", "bomb": bytes(60 << 20)}), ["film.bin", "bomb"])
    assert (await world.inside.path_of(str(world.root), big)).read_bytes() == b"x"
    with pytest.raises(ReadError) as caught:
        await world.inside.path_of(str(world.root), bomb)
    assert caught.value.reason == "too_large"
    assert len(world.kept()) == 1


async def test_what_lies_in_a_compressed_file_is_found_after_a_rename(world: World) -> None:
    import gzip

    (member,) = world.put(gzip.compress(b"log"), ["app.log"])
    assert (await world.inside.path_of(str(world.root), member)).read_bytes() == b"log"


async def test_what_is_kept_is_bounded(tmp_path: Path, box: Sandbox) -> None:
    world = World(tmp_path, box, most_bytes=12)
    first, second, third = world.put(package(MEMBERS))
    oldest = await world.inside.path_of(str(world.root), first)
    os.utime(oldest, (1, 1))
    await world.inside.path_of(str(world.root), second)
    newest = await world.inside.path_of(str(world.root), third)
    assert oldest not in world.kept()
    assert newest in world.kept()
    assert sum(path.stat().st_size for path in world.kept()) <= 12


def test_what_is_larger_than_the_bound_stays_until_the_next(tmp_path: Path) -> None:
    box = Kept(tmp_path / "kept", most_bytes=10)
    with box.making() as file:
        file.write(b"x" * 50)
        path = box.keep("ab12", file)
    assert path.read_bytes() == b"x" * 50
    assert box.find("ab12") == path
    assert box.find("cd34") is None
    with box.making() as file:
        file.write(b"y")
        box.keep("cd34", file)
    assert box.find("ab12") is None


def test_a_disk_with_little_room_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_SPARE_BYTES", 1 << 62)
    with pytest.raises(DiskFull), Kept(tmp_path / "kept", most_bytes=10).making():
        raise AssertionError("nothing may be written")
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(StateError), Kept(tmp_path / "file", most_bytes=10).making():
        raise AssertionError("nothing may be written")


def test_what_was_not_finished_is_gone(tmp_path: Path) -> None:
    box = Kept(tmp_path / "kept", most_bytes=10)
    with pytest.raises(ZeroDivisionError), box.making() as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert [path for path in (tmp_path / "kept").rglob("*") if path.is_file()] == []
