from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nasd.domain.files import WatchMode
from nasd.watch.mounts import (
    choose,
    filesystem_type,
    lies_on,
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


@pytest.mark.parametrize(
    ("options", "read_only"),
    [
        ("rw,relatime", False),
        ("ro,relatime", True),
        ("rw,errors=remount-ro", False),
        ("rw,emergency_ro", True),
        ("rw,shutdown", True),
    ],
)
def test_a_filesystem_that_takes_no_writes_is_known(options: str, read_only: bool) -> None:
    (mount,) = parse_mountinfo(f"30 1 8:1 / /srv rw - ext4 /dev/sda1 {options}\n".encode())
    assert mount.read_only is read_only


def test_only_what_is_mounted_at_or_in_a_folder_is_news_for_it() -> None:
    mounts = parse_mountinfo(MOUNTINFO)
    elsewhere = parse_mountinfo(MOUNTINFO + b"40 22 0:60 / /mnt rw - tmpfs none rw\n")
    inside = parse_mountinfo(MOUNTINFO + b"40 22 0:60 / /srv/my\\040photos/2011 rw - ext4 /dev/sdd1 rw\n")
    photos = lies_on("/srv/my photos", mounts)
    assert photos[0] is not None and photos[0].source == "/dev/sdb1"
    assert photos == lies_on("/srv/my photos", elsewhere)
    assert photos != lies_on("/srv/my photos", inside)


HEAR = """
import select, subprocess, sys
from nasd.watch.mounts import MountTable
table = MountTable()
def told():
    told = bool(select.select([table.fileno()], [], [], 0)[0])
    table.heard()
    return told
print(told(), told())
for command in (
    ["mount", "-t", "tmpfs", "none", sys.argv[1]],
    ["mount", "-o", "remount,ro", sys.argv[1]],
    ["umount", sys.argv[1]],
):
    subprocess.run(command, check=True)
    print(told(), told())
table.close()
"""


def test_what_is_mounted_and_unmounted_is_told_once(tmp_path: Path) -> None:
    unshare = ["unshare", "--mount", "--map-root-user"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody make a mount namespace")
    done = subprocess.run(
        [*unshare, sys.executable, "-c", HEAR, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["False False", *["True False"] * 3]


def test_inode_numbers() -> None:
    assert stable_inodes("ext4") and stable_inodes("nfs4")
    assert not stable_inodes("vfat") and not stable_inodes("fuse.sshfs") and not stable_inodes("cifs")


def test_this_machine(tmp_path: Path) -> None:
    assert filesystem_type("/proc") == "proc"
    lines = Path("/proc/self/mountinfo").read_text("utf-8").splitlines()
    if any(line.split()[4] == "/" for line in lines):  # not so within a chroot
        assert filesystem_type(str(tmp_path)) not in ("", "proc")
