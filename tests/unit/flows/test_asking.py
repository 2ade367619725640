"""Who asks after a file has what is left of it done before what nobody asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nasd.clock import SystemClock
from nasd.domain.files import FileStat
from nasd.domain.jobs import JobKind
from nasd.flows.asking import Asking
from nasd.flows.work import Work
from nasd.store import changes, files, queue
from nasd.store.changes import Seen
from nasd.store.lane import Lane
from nasd.store.upgrade import database_path, upgrade
from tests.fakes.catalogue import NOW, add_volume


@pytest.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Lane]:
    upgrade(tmp_path, NOW)
    lane = Lane(database_path(tmp_path))
    yield lane
    await lane.close()


async def test_the_file_that_is_asked_for_is_read_next(lane: Lane) -> None:
    volume = await add_volume(lane)
    found = [
        Seen(
            stat=FileStat(path=b"%d" % number, size=10, mtime_ns=1, inode=number),
            kind="pdf",
            media_type="application/pdf",
        )
        for number in range(1, 6)
    ]
    await lane.write(
        changes.apply_changes, volume.id, new=found, changed=(), gone=(), priority=queue.BACKLOG, now=NOW
    )
    work = Work(SystemClock())
    asking = Asking(lane, work)
    file = await lane.read(files.file_by_id, 4)
    await asking.hasten(file)
    assert work.to_read.count == 1
    await asking.hasten(file)
    assert work.to_read.count == 1, "nothing changes by asking again"
    (first,) = await lane.write(queue.claim, JobKind.READ, 1, NOW)
    assert first.subject_id == 4
    await asking.hasten(file)  # it is being read
    assert work.to_read.count == 1
