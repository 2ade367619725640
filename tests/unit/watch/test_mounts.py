from __future__ import annotations

from pathlib import Path

import pytest

from nasd.domain.files import WatchMode
from nasd.watch.mounts import (
    choose,
    filesystem_type,
    mount_of,
    mounts_below,
    parse_mountinfo,
    stable_inodes,
)

MOUNTINFO = rb"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw - proc proc rw
30 22 8:17 /photos /srv/my\040photos rw,relatime shared:2 master:1 - ext4 /dev/sdb1 rw
31 22 0:50 / /srv/nas rw - nfs4 server:/export rw
32 22 0:51 / /srv/nas/proc rw - proc proc rw
33 22 8:33 / /srv/nas rw - xfs /dev/sdc1 rw
garbage
"""


def test_mountinfo_is_parsed_with_its_escapes_and_optional_fields() -> None:
    mount = parse_mountinfo(MOUNTINFO)[2]
    assert (mount.point, mount.root, mount.fstype) == (b"/srv/my photos", b"/photos", "ext4")
    assert (mount.source, mount.device) == ("/dev/sdb1", "8:17")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (b"/srv/my photos/2011", "/dev/sdb1"),
        (b"/srv/my photos", "/dev/sdb1"),
        (b"/srv/my photosx", "/dev/sda1"),
        (b"/srv/nas/a", "/dev/sdc1"),  # mounted over the NFS
        (b"/", "/dev/sda1"),
    ],
)
def test_the_longest_and_latest_mount_counts(path: bytes, source: str) -> None:
    mount = mount_of(path, parse_mountinfo(MOUNTINFO))
    assert mount is not None and mount.source == source


def test_mounts_inside_a_folder() -> None:
    found = mounts_below(b"/srv", parse_mountinfo(MOUNTINFO))
    assert [mount.source for mount in found] == ["/dev/sdb1", "/dev/sdc1"]


@pytest.mark.parametrize(
    "fstype", ["nfs", "nfs4", "cifs", "smb3", "fuse", "fuse.mergerfs", "fuse.sshfs", "9p"]
)
def test_filesystems_that_tell_nothing_are_polled(fstype: str) -> None:
    assert choose(WatchMode.AUTO, fstype) == "poll"
    assert choose(WatchMode.EVENTS, fstype) == "events"


@pytest.mark.parametrize("fstype", ["ext4", "btrfs", "xfs", "zfs", "tmpfs", "overlay", "fuseblk", "vfat"])
def test_local_filesystems_tell(fstype: str) -> None:
    assert choose(WatchMode.AUTO, fstype) == "events"
    assert choose(WatchMode.POLL, fstype) == "poll"
    assert choose(WatchMode.OFF, fstype) == "off"


def test_inode_numbers() -> None:
    assert stable_inodes("ext4") and stable_inodes("nfs4")
    assert not stable_inodes("vfat") and not stable_inodes("fuse.sshfs") and not stable_inodes("cifs")


def test_this_machine(tmp_path: Path) -> None:
    assert filesystem_type("/proc") == "proc"
    assert filesystem_type(str(tmp_path)) not in ("", "proc")
