"""Volumes and the files on them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

INSIDE = "!/"
"""Between a container's path and that of a member in it: "letters.zip!/2024/rent.pdf"."""

RULE = "rule"
"""The `reason` of a file that is skipped because of an ignore rule."""

INTERRUPTED = "interrupted"
"""The `reason` of a file that failed because nasd itself ended again and again while it was being read."""


class WatchMode(StrEnum):
    AUTO = "auto"
    EVENTS = "events"
    POLL = "poll"
    OFF = "off"


class VolumeState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"  # by its owner
    FROZEN = "frozen"  # not to be believed: nothing is forgotten until it is back or its owner accepts it


class FileState(StrEnum):
    PENDING = "pending"  # known, its bytes not yet read
    INDEXED = "indexed"  # its current bytes are searchable by words
    FAILED = "failed"  # reading failed; `reason` and `detail` say why
    SKIPPED = "skipped"  # not read on purpose; `detail` says by which rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A watched folder. `identity` names the filesystem it lay on when it was last seen."""

    id: int
    name: str
    path: str  # absolute
    watch: WatchMode = WatchMode.AUTO
    poll_seconds: int = 300
    ignore: tuple[str, ...] = ()
    source: str = "api"  # "file": from nasd.toml, which wins | "api"
    state: VolumeState = VolumeState.ACTIVE
    detail: str | None = None  # why it is frozen
    held: str | None = None  # the burst of changes that it is frozen for until its owner accepts it
    identity: str | None = None
    added: datetime
    last_scan: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStat:
    """What a directory scan sees of one regular file, without opening it. `ctime_ns` is when its bytes or its
    attributes last changed, which no program can set: it gives away a rewrite whose time was put back."""

    path: bytes  # relative to the volume, as the filesystem spells it
    size: int
    mtime_ns: int
    inode: int
    ctime_ns: int = 0  # 0: not told


_EARLIEST_NS, _LATEST_NS = -(1 << 63), (1 << 63) - 1


def file_stat(path: bytes, found: os.stat_result) -> FileStat:
    """What `found` says of the file at `path`, in signed 64-bit numbers, as the catalogue keeps them: inode
    numbers of some filesystems (mergerfs, CIFS) are wider by a bit and are wrapped, times after 2262 and
    before 1677, which others allow, are held at the limit."""
    inode = found.st_ino if found.st_ino < 1 << 63 else found.st_ino - (1 << 64)
    mtime_ns, ctime_ns = found.st_mtime_ns, found.st_ctime_ns
    if not (_EARLIEST_NS <= mtime_ns <= _LATEST_NS and _EARLIEST_NS <= ctime_ns <= _LATEST_NS):
        mtime_ns, ctime_ns = (min(max(at, _EARLIEST_NS), _LATEST_NS) for at in (mtime_ns, ctime_ns))
    return FileStat(path=path, size=found.st_size, mtime_ns=mtime_ns, inode=inode, ctime_ns=ctime_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """A file as the catalogue knows it. `content_id` is what it is searchable by, if anything.

    After a change the former content stays searchable until the new one is read: state is `pending` then
    while `content_id` still names the former.
    """

    id: int
    volume_id: int
    volume: str
    volume_state: VolumeState = VolumeState.ACTIVE
    parent_id: int | None = None  # of a member: the file on the volume that holds it, however deep
    path: bytes
    size: int
    mtime_ns: int
    inode: int
    ctime_ns: int = 0
    kind: str
    media_type: str
    state: FileState
    reason: str | None = None  # stable word: a ReadError reason, RULE, INTERRUPTED or "policy"
    detail: str | None = None  # a sentence for a person
    content_id: int | None = None
    title: str | None = None
    semantic: bool = False  # its content's vectors are there
    first_seen: datetime
    changed: datetime

    @property
    def stat(self) -> FileStat:
        """What was seen of it when it was last looked at."""
        return FileStat(
            path=self.path,
            size=self.size,
            mtime_ns=self.mtime_ns,
            inode=self.inode,
            ctime_ns=self.ctime_ns,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileText:
    """A file with its whole extracted text and what the reader said of it."""

    file: FileRecord
    digest: str
    text: str
    passages: int
    reader: str
    notes: tuple[str, ...]
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBytes:
    """A file with the place where its bytes lie now. `tag` names these very bytes; None where the place's own
    time and size do."""

    file: FileRecord
    path: Path
    tag: str | None = None


def display_path(path: bytes) -> str:
    """A path for people and JSON: UTF-8, with bytes that are not UTF-8 as `\\xNN`."""
    return path.decode("utf-8", "backslashreplace")


def filesystem_path(volume_path: str, path: bytes) -> bytes:
    """The absolute path, as bytes, of a file given by its path within a volume."""
    return os.path.join(os.fsencode(volume_path), path)  # noqa: PTH118 - bytes path
