"""Members are judged like files, by path, kind and rule; what is known is not read again."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from nasd.clock import SystemClock
from nasd.config import PolicyRule
from nasd.domain.files import FileState
from nasd.domain.jobs import JobKind
from nasd.domain.passages import Document
from nasd.errors import ReadError
from nasd.extract.sandbox import Sandbox
from nasd.flows.admission import Admission
from nasd.flows.members import Unpacked, Unpacking
from nasd.store import contents, files, queue
from nasd.store.contents import NewContent
from nasd.store.lane import Lane
from nasd.store.upgrade import database_path, upgrade
from nasd.watch.rules import Rules
from tests.fakes.catalogue import NOW, add_volume, new_content, see, seen
from tests.unit.extract.reading import package


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


@pytest_asyncio.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Lane]:
    upgrade(tmp_path, NOW)
    lane = Lane(database_path(tmp_path))
    yield lane
    await lane.close()


class Ground:
    """A volume with one archive in it, and what was made of it."""

    def __init__(self, lane: Lane, box: Sandbox, root: Path) -> None:
        self._lane, self._box, self.root = lane, box, root
        self.made: list[bytes] = []

    def _make(self, document: Document, path: bytes) -> NewContent:
        self.made.append(path)
        return new_content(document.text)

    async def unpack(
        self, data: bytes, *, policy: tuple[PolicyRule, ...] = (), ignore: tuple[str, ...] = ()
    ) -> Unpacked:
        volume = await add_volume(self._lane)
        await see(self._lane, volume, seen("d/a.zip", kind="archive"))
        (job,) = await self._lane.write(queue.claim, JobKind.READ, 1, NOW)
        file = await self._lane.read(files.file_by_id, job.subject_id)
        unpacking = Unpacking(
            self._lane,
            self._box,
            Admission(policy, SystemClock()),
            SystemClock(),
            rules_of=lambda name: Rules.build(ignore),
        )
        with tempfile.TemporaryFile() as opened:
            opened.write(data)
            opened.flush()
            return await unpacking.unpack(job, opened.fileno(), str(self.root), file, "archive", self._make)


@pytest.fixture
def ground(lane: Lane, box: Sandbox, tmp_path: Path) -> Ground:
    (tmp_path / "home" / "d").mkdir(parents=True)
    return Ground(lane, box, tmp_path / "home")


def told(found: Unpacked) -> dict[str, tuple[FileState, str | None]]:
    return {one.path.decode(): (one.state, one.reason) for one in found.members}


async def test_the_policy_speaks_of_members_by_their_paths(ground: Ground) -> None:
    rule = PolicyRule.model_validate({"name": "tax", "match": {"path": "**/Tax/**"}, "embed": False})
    found = await ground.unpack(package({"Tax/2024.txt": "income", "b.txt": "open"}), policy=(rule,))
    assert told(found) == {
        "d/a.zip!/Tax/2024.txt": (FileState.SKIPPED, "policy"),
        "d/a.zip!/b.txt": (FileState.INDEXED, None),
    }
    assert found.members[0].detail is not None
    assert "tax" in found.members[0].detail
    assert ground.made == [b"d/a.zip!/b.txt"]


async def test_ignore_rules_speak_of_members_and_of_folders_above_them(ground: Ground) -> None:
    (ground.root / "d" / ".nasdignore").write_text("*.log\n")
    data = package({"n/node_modules/x.js": "x", "a.log": "l", "own/b.txt": "b", "c.txt": "c", "._c.txt": "m"})
    found = await ground.unpack(data, ignore=("own/",))
    assert {path: reason for path, (_, reason) in told(found).items()} == {
        "d/a.zip!/n/node_modules/x.js": "rule",
        "d/a.zip!/a.log": "rule",
        "d/a.zip!/own/b.txt": "rule",
        "d/a.zip!/c.txt": None,
        "d/a.zip!/._c.txt": "rule",
    }


async def test_what_the_catalogue_knows_is_not_read_again(ground: Ground, lane: Lane) -> None:
    data = package({"a.txt": "same", "b.txt": "same", "c.txt": "other"})
    found = await ground.unpack(data)
    assert ground.made == [b"d/a.zip!/a.txt", b"d/a.zip!/c.txt"]
    first, second, _ = found.members
    assert (first.digest, first.reader) == (second.digest, second.reader)
    assert first.digest is not None
    assert first.reader is not None
    kept = await lane.read(contents.find_content, first.digest, first.reader)
    assert kept is not None
    assert await lane.read(files.page_files) != ()


async def test_what_cannot_be_opened_raises(ground: Ground) -> None:
    with pytest.raises(ReadError) as caught:
        await ground.unpack(b"Rar!\x1a\x07\x00" + bytes(99))
    assert caught.value.reason == "unsupported"
