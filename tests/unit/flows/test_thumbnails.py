"""Thumbnails are kept by content, bounded, and never drawn from other bytes than those that were read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from nasd.domain.files import FileRecord, file_stat
from nasd.errors import NotFound, ReadError
from nasd.extract.base import Picture
from nasd.flows.thumbnails import EDGE, Thumbnails
from nasd.store.contents import Content
from tests.fakes.catalogue import NOW
from tests.fakes.flows import file_record


class FakeLane:
    """Answers what `Thumbnails` asks the catalogue."""

    def __init__(self) -> None:
        self.files: dict[int, FileRecord] = {}
        self.contents: dict[int, Content] = {}

    async def read(self, ask: Any, number: int) -> Any:
        return self.files[number] if ask.__name__ == "file_by_id" else self.contents.get(number)


class FakeDrawer:
    def __init__(self) -> None:
        self.drawn: list[str] = []
        self.error: ReadError | None = None

    def draw(self, fd: int, *, name: str, kind: str, page: int, edge: int, form: str) -> Picture:
        self.drawn.append(name)
        assert (page, edge, form) == (1, EDGE, "webp")
        if self.error is not None:
            raise self.error
        return Picture(width=1, height=1, form=form, data=os.pread(fd, 1000, 0))


class FakeInside:
    """Has taken out every member already."""

    def __init__(self, folder: Path) -> None:
        self.taken = folder / "taken"
        self.error: ReadError | None = None

    async def path_of(self, root: str, member: FileRecord) -> Path:
        if self.error is not None:
            raise self.error
        return self.taken


class World:
    def __init__(self, folder: Path, most_bytes: int = 1 << 20) -> None:
        self.root = folder / "volume"
        self.root.mkdir()
        self.cache = folder / "state" / "thumbnails"
        self.lane, self.drawer, self.inside = FakeLane(), FakeDrawer(), FakeInside(folder)
        self.here = True
        self.thumbnails = Thumbnails(
            self.lane,  # type: ignore[arg-type]
            self.drawer,
            self.inside,  # type: ignore[arg-type]
            self.cache,
            root_of=lambda number: str(self.root) if self.here else None,
            most_bytes=most_bytes,
        )

    def put(self, number: int, data: bytes, **changed: object) -> None:
        path = self.root / f"{number}.jpg"
        path.write_bytes(data)
        stat = file_stat(os.fsencode(path.name), path.stat())
        self.lane.files[number] = file_record(
            number, stat.path,
            **{"kind": "image", "size": stat.size, "mtime_ns": stat.mtime_ns, "inode": stat.inode,
               "ctime_ns": stat.ctime_ns, "content_id": number, **changed},
        )  # fmt: skip
        self.lane.contents[number] = Content(
            id=number, digest=f"{number:064x}", reader="image/1", title=None, chars=0, passages=0, notes=(),
            metadata={}, embedded_by=None, created=NOW,
        )  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_it_is_drawn_once_and_then_needs_no_disk(world: World) -> None:
    world.put(1, b"pixels")
    assert await world.thumbnails.of_file(1) == (b"pixels", f"{1:064x}")
    world.here = False
    assert (await world.thumbnails.of_file(1))[0] == b"pixels"
    assert world.drawer.drawn == ["1.jpg"]


async def test_other_bytes_are_not_kept_under_the_digest(world: World) -> None:
    world.put(1, b"pixels")
    (world.root / "1.jpg").write_bytes(b"something else")
    with pytest.raises(NotFound):
        await world.thumbnails.of_file(1)
    assert not list(world.cache.rglob("*.webp"))


async def test_what_cannot_be_drawn_is_tried_once(world: World) -> None:
    world.put(1, b"pixels")
    world.drawer.error = ReadError("It is damaged.", reason="malformed")
    for _ in range(2):
        with pytest.raises(NotFound, match=r"It is damaged\."):
            await world.thumbnails.of_file(1)
    assert len(world.drawer.drawn) == 1


async def test_a_passing_failure_is_tried_again(world: World) -> None:
    world.put(1, b"pixels")
    world.drawer.error = ReadError("Stopping.", reason="crashed", temporary=True)
    with pytest.raises(NotFound):
        await world.thumbnails.of_file(1)
    world.drawer.error = None
    assert (await world.thumbnails.of_file(1))[0] == b"pixels"


async def test_a_member_of_a_container_is_drawn_from_where_it_was_taken_out_to(world: World) -> None:
    world.put(1, b"not this", parent_id=9)
    world.inside.taken.write_bytes(b"pixels")
    assert (await world.thumbnails.of_file(1))[0] == b"pixels"
    world.inside.taken.unlink()
    assert (await world.thumbnails.of_file(1))[0] == b"pixels", "kept by its digest"


async def test_a_member_that_cannot_be_taken_out_has_none(world: World) -> None:
    world.put(1, b"not this", parent_id=9)
    with pytest.raises(NotFound):
        await world.thumbnails.of_file(1)
    world.inside.error = ReadError("It is locked.", reason="encrypted")
    with pytest.raises(NotFound, match="locked"):
        await world.thumbnails.of_file(1)
    assert world.drawer.drawn == []


@pytest.mark.parametrize("changed", [{"kind": "text"}, {"content_id": None}])
async def test_files_without_one(world: World, changed: dict[str, object]) -> None:
    world.put(1, b"pixels", **changed)
    with pytest.raises(NotFound):
        await world.thumbnails.of_file(1)
    assert world.drawer.drawn == []


async def test_a_volume_that_is_away(world: World) -> None:
    world.put(1, b"pixels")
    world.here = False
    with pytest.raises(NotFound):
        await world.thumbnails.of_file(1)


async def test_the_cache_is_bounded_and_the_oldest_asked_for_go_first(tmp_path: Path) -> None:
    world = World(tmp_path, most_bytes=1000)
    for number in range(1, 4):
        world.put(number, bytes([number]) * 300)
        await world.thumbnails.of_file(number)
    for number, age in ((1, 300), (2, 400), (3, 500)):
        (kept,) = world.cache.rglob(f"{number:064x}-*.webp")
        os.utime(kept, (age, age))
    await world.thumbnails.of_file(1)  # asked for again: the newest now
    world.put(4, bytes([4]) * 300)
    await world.thumbnails.of_file(4)
    left = sorted(int(path.name[:64], 16) for path in world.cache.rglob("*.webp"))
    assert left == [1, 3, 4]


async def test_a_state_folder_that_takes_nothing_still_shows_the_picture(world: World) -> None:
    world.cache.parent.mkdir(parents=True)
    world.cache.write_bytes(b"a file stands in the way")
    world.put(1, b"pixels")
    assert (await world.thumbnails.of_file(1))[0] == b"pixels"
