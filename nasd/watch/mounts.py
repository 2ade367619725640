"""Which filesystem a path lies on, and whether it tells of changes."""

from __future__ import annotations

import os
import re
import select
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nasd.domain.files import WatchMode

MOUNTINFO = Path("/proc/self/mountinfo")

PSEUDO = frozenset(
    {
        *("autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs"),
        *("efivarfs", "fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "rpc_pipefs"),
        *("securityfs", "selinuxfs", "sysfs", "tracefs"),
    }
)
"""Filesystems that hold no files of anybody's."""

_SILENT = frozenset(
    {
        *("9p", "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "drvfs", "fuse", "gfs2", "gpfs", "lustre"),
        *("ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs"),
        "vmhgfs",
    }
)
_UNSTABLE_INODES = frozenset({"exfat", "fuseblk", "msdos", "vfat"})
_NOT_WRITABLE = frozenset({b"ro", b"emergency_ro", b"shutdown"})
"""Options of a filesystem that takes no writes. Over an error of its disk, ext4 is no longer "ro" from Linux
6.15 on: the other two say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One line of mountinfo (proc(5))."""

    point: bytes  # where it is mounted
    root: bytes  # which folder of the filesystem is mounted there
    fstype: str
    source: str
    device: str  # "major:minor"
    read_only: bool = False  # the filesystem itself, not only this view of it


def parse_mountinfo(content: bytes) -> tuple[Mount, ...]:
    """The mounts in /proc/self/mountinfo, in its order: of two at one place, the later covers the former."""
    mounts = []
    for line in content.splitlines():
        head, found, tail = line.partition(b" - ")
        fields, kind = head.split(b" "), tail.split(b" ")
        if found and len(fields) > 5 and len(kind) > 1:
            mounts.append(
                Mount(
                    point=_unescape(fields[4]),
                    root=_unescape(fields[3]),
                    fstype=kind[0].decode(),
                    source=os.fsdecode(_unescape(kind[1])),
                    device=fields[2].decode(),
                    read_only=len(kind) > 2 and not _NOT_WRITABLE.isdisjoint(kind[2].split(b",")),
                )
            )
    return tuple(mounts)


def read_mounts() -> tuple[Mount, ...]:
    """All mounts that this process sees; none where /proc is not there."""
    try:
        return parse_mountinfo(MOUNTINFO.read_bytes())
    except OSError:
        return ()


class MountTable:
    """Tells that something was mounted, unmounted or remounted somewhere, without touching any of it.

    `fileno` is a handle that becomes readable then, until `heard`; it lies on /proc alone. Raises OSError
    where the kernel does not tell (no /proc).
    """

    def __init__(self) -> None:
        self._table = os.open(MOUNTINFO, os.O_RDONLY | os.O_CLOEXEC)
        try:
            # The table itself is always readable: what tells of a change is the priority condition (proc(5)).
            self._epoll = select.epoll()
            self._epoll.register(self._table, select.EPOLLPRI | select.EPOLLET)
            self._epoll.poll(0)
        except OSError:
            os.close(self._table)
            raise

    def fileno(self) -> int:
        return self._epoll.fileno()

    def heard(self) -> None:
        """What was told until now has been taken in."""
        self._epoll.poll(0)

    def close(self) -> None:
        self._epoll.close()
        os.close(self._table)


def lies_on(path: str, mounts: Iterable[Mount]) -> tuple[Mount | None, tuple[Mount, ...]]:
    """The mount that a folder (absolute, without links) lies on, and those inside it. Pure."""
    mounts, folder = tuple(mounts), os.fsencode(path)
    return mount_of(folder, mounts), mounts_below(folder, mounts)


def mount_of(path: bytes, mounts: Iterable[Mount]) -> Mount | None:
    """The mount that an absolute path without links lies on."""
    best: Mount | None = None
    for mount in mounts:
        if _within(path, mount.point) and (best is None or len(mount.point) >= len(best.point)):
            best = mount
    return best


def mounts_below(path: bytes, mounts: Iterable[Mount]) -> tuple[Mount, ...]:
    """The mounts inside a folder, without those that hold no files."""
    found = {mount.point: mount for mount in mounts if mount.point != path and _within(mount.point, path)}
    return tuple(mount for mount in found.values() if mount.fstype not in PSEUDO)


def delivers_events(fstype: str) -> bool:
    """Whether inotify tells of every change there: not where others than this kernel write. (`fuseblk` is a
    local disk, such as NTFS or exFAT.)"""
    return fstype not in _SILENT and not fstype.startswith("fuse.")


def stable_inodes(fstype: str) -> bool:
    """Whether a file keeps its inode number while nobody touches it, also over a remount."""
    return fstype not in _UNSTABLE_INODES and (delivers_events(fstype) or fstype in ("nfs", "nfs4"))


def choose(mode: WatchMode, fstype: str) -> Literal["events", "poll", "off"]:
    """How a volume is watched: as its owner says, else as its filesystem permits."""
    if mode is WatchMode.OFF:
        return "off"
    if mode is WatchMode.POLL:
        return "poll"
    if mode is WatchMode.EVENTS or delivers_events(fstype):
        return "events"
    return "poll"


def filesystem_type(path: str) -> str:
    """The type of the filesystem a path lies on, such as "ext4"; "" where it cannot be told."""
    mount = mount_of(os.path.realpath(os.fsencode(path)), read_mounts())
    return mount.fstype if mount else ""


def _within(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def _unescape(field: bytes) -> bytes:
    return re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), field)
