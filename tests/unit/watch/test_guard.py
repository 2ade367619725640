from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nasd.errors import Conflict, InvalidRequest
from nasd.watch.guard import Observed, check_new_volume, fences, identity_of, judge, observe_volume
from nasd.watch.mounts import Mount, parse_mountinfo

HOME = "ext4:00ab /home"


def seen(identity: str = HOME, *, empty: bool = False) -> Observed:
    return Observed(exists=True, is_dir=True, readable=True, empty=empty, identity=identity)


def mount(
    point: bytes, source: str, *, fstype: str = "xfs", root: bytes = b"/", device: str = "8:1"
) -> Mount:
    return Mount(point=point, root=root, fstype=fstype, source=source, device=device)


def test_the_same_volume_is_believed() -> None:
    verdict = judge(HOME, seen(), 5)
    assert not verdict.frozen
    assert verdict.identity == HOME


def test_a_new_volume_is_remembered() -> None:
    assert judge(None, seen(), 0).identity == HOME
    assert not judge(None, seen(empty=True), 0).frozen


@pytest.mark.parametrize(
    ("observed", "word"),
    [
        (Observed(exists=False), "missing"),
        (Observed(exists=True), "A file lies"),
        (Observed(exists=True, is_dir=True, identity=HOME), "cannot be read"),
        (Observed(exists=True, is_dir=True, error="Input/output error", identity=HOME), "Input/output error"),
        (seen("ext4:00cd /home"), "Another filesystem"),
        (seen("ext4:00cd /", empty=True), "not mounted"),
        (seen("ext4:00ab /other"), "Another filesystem"),
        (seen(empty=True), "empty"),
    ],
)
def test_what_freezes_a_volume_says_what_was_seen(observed: Observed, word: str) -> None:
    verdict = judge(HOME, observed, 5)
    assert verdict.frozen
    assert verdict.identity == HOME
    assert word in (verdict.detail or "")
    assert "known and searchable" in (verdict.detail or "")


def test_a_filesystem_that_became_read_only_freezes_and_one_that_always_was_does_not() -> None:
    def at(*, read_only: bool) -> str:
        disk = Mount(
            point=b"/srv", root=b"/", fstype="xfs", source="/dev/sda1", device="8:1", read_only=read_only
        )
        return identity_of("/srv", [disk])

    writable, failed = at(read_only=False), at(read_only=True)
    verdict = judge(writable, seen(failed), 5)
    assert verdict.frozen
    assert verdict.identity == writable
    assert "read-only" in (verdict.detail or "")
    assert not judge(writable, seen(failed), 0).frozen, "nothing is known that could be lost"
    accepted = judge(None, seen(failed), 0)
    assert accepted.identity == failed
    assert not judge(accepted.identity, seen(failed), 5).frozen
    assert judge(failed, seen(writable), 5).identity == writable, "from now on it is known as writable"


def test_only_the_filesystem_counts_not_a_view_of_it() -> None:
    lines = (
        b"30 1 8:1 / /srv ro,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
        b"31 1 8:2 / /mnt rw,relatime - ext4 /dev/sdb1 ro,errors=remount-ro\n"
    )
    assert [mount.read_only for mount in parse_mountinfo(lines)] == [False, True]


def test_a_folder_emptied_before_our_eyes_is_believed() -> None:
    assert judge(HOME, seen(empty=True), 3, witnessed=2).frozen
    assert not judge(HOME, seen(empty=True), 3, witnessed=3).frozen


def test_what_its_owner_accepted_is_believed_but_not_what_comes_after_it() -> None:
    assert not judge(HOME, seen(empty=True), 5, accepted=True).frozen
    assert judge(HOME, seen("ext4:00cd /", empty=True), 5, accepted=True).frozen
    assert judge(HOME, seen("ext4:00cd /home"), 0, accepted=True).frozen


def test_an_identity_that_cannot_be_told_is_no_reason_to_freeze() -> None:
    assert not judge(HOME, seen("unknown"), 5).frozen


def test_a_disk_inside_that_is_missing_hides_its_folder_alone() -> None:
    system, disk = mount(b"/", "/dev/sda1"), mount(b"/srv/usb", "/dev/sdb1", device="8:17")
    both = identity_of("/srv", [system, disk])
    without = identity_of("/srv", [system])
    verdict = judge(both, seen(without), 5)
    assert not verdict.frozen
    assert verdict.blind == (b"usb",)
    assert "usb" in (verdict.detail or "")
    assert verdict.identity == both, "it is still expected back"
    assert judge(verdict.identity, seen(both), 5).blind == ()
    assert judge(without, seen(both), 5).identity == both
    other = identity_of("/srv", [system, mount(b"/srv/usb", "/dev/sdx9")])
    assert judge(both, seen(other), 5).blind == (b"usb",)


def test_an_identity_is_of_the_filesystem_not_of_the_path() -> None:
    here = identity_of("/srv/docs", [mount(b"/srv", "/dev/mapper/a")])
    bound = identity_of("/mnt", [mount(b"/mnt", "/dev/mapper/a", root=b"/docs", device="0:99")])
    assert here == bound
    assert here != identity_of("/srv/docs", [mount(b"/srv", "/dev/mapper/b")])
    assert "\n" not in identity_of(
        "/srv", [mount(b"/", "/dev/sda1"), mount(b"/srv/x", "tmpfs", fstype="tmpfs")]
    )


def test_observing_real_folders(tmp_path: Path) -> None:
    assert observe_volume(str(tmp_path / "missing")) == Observed(exists=False)
    (tmp_path / "file").write_text("text")
    assert observe_volume(str(tmp_path / "file")) == Observed(exists=True)
    folder = tmp_path / "folder"
    (folder / "lost+found").mkdir(parents=True)
    observed = observe_volume(str(folder))
    assert observed.is_dir and observed.readable and observed.empty
    assert observed.identity == identity_of(str(folder)) == identity_of(str(folder) + "/")
    (folder / "a.txt").write_text("text")
    assert not observe_volume(str(folder)).empty


REMOUNT = """
import os, subprocess, sys
from nasd.watch.guard import identity_of, judge, observe_volume
volume, disk, other = sys.argv[1:]
def bind(source):
    subprocess.run(["mount", "--bind", source, volume], check=True)
bind(disk)
before = observe_volume(volume)
known = judge(None, before, 0).identity
print(judge(known, before, 1).frozen)
subprocess.run(["umount", volume], check=True)
print(judge(known, observe_volume(volume), 1).frozen)
bind(other)
print(judge(known, observe_volume(volume), 1).frozen)
subprocess.run(["umount", volume], check=True)
bind(disk)
print(judge(known, observe_volume(volume), 1).frozen)
"""


def test_real_mounts_that_go_change_and_come_back(tmp_path: Path) -> None:
    allowed = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "true"], capture_output=True, check=False
    )
    if allowed.returncode:
        pytest.skip("this machine lets nobody make a mount namespace")
    folders = [tmp_path / name for name in ("volume", "disk", "other")]
    for folder in folders:
        folder.mkdir()
    (folders[1] / "a.txt").write_text("text")
    (folders[2] / "b.txt").write_text("text")
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", sys.executable, "-c", REMOUNT, *map(str, folders)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False", "True", "True", "False"]


@pytest.fixture
def state(tmp_path: Path) -> str:
    folder = tmp_path / "home" / ".local" / "state" / "nasd"
    folder.mkdir(parents=True)
    return str(folder)


def test_a_good_volume_is_given_by_its_real_path(tmp_path: Path, state: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "link").symlink_to("docs")
    assert check_new_volume(f"{tmp_path}/link/../link/", state, []) == str(tmp_path / "docs")


def test_a_home_with_the_state_in_it_is_accepted_and_the_state_fenced(tmp_path: Path, state: str) -> None:
    home = str(tmp_path / "home")
    assert check_new_volume(home, state, []) == home
    assert fences(home, state, "/elsewhere") == (b".local/state/nasd",)


def test_what_cannot_be_a_volume_is_said_with_its_reason(tmp_path: Path, state: str) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "dangling").symlink_to("nowhere")
    inside = Path(state) / "inside"
    inside.mkdir()
    for path, word in [
        (str(tmp_path / "missing"), "no such folder"),
        (str(tmp_path / "file"), "not a folder"),
        (str(tmp_path / "dangling"), "looked at"),
        ("relative", "absolute"),
        ("/a\0b", "absolute"),
        ("/", "whole system"),
        ("/proc/self", "no files"),
        ("/sys", "no files"),
        ("/dev", "no files"),
        (state, "state folder"),
        (str(inside), "state folder"),
    ]:
        with pytest.raises(InvalidRequest, match=word) as caught:
            check_new_volume(path, state, [])
        assert "path" in caught.value.fields
        assert caught.value.cure


def test_volumes_do_not_cover_each_other(tmp_path: Path, state: str) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "ab").mkdir()
    existing = [("mine", str(tmp_path / "a"))]
    for path, word in [("a", "already"), ("a/b", "covers it"), ("", "would cover")]:
        with pytest.raises(Conflict, match=word) as caught:
            check_new_volume(str(tmp_path / path), state, existing)
        assert "'mine'" in str(caught.value)
    assert check_new_volume(str(tmp_path / "ab"), state, existing) == str(tmp_path / "ab")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_refused(tmp_path: Path, state: str) -> None:
    (tmp_path / "shut").mkdir(mode=0o000)
    with pytest.raises(InvalidRequest, match="cannot be read"):
        check_new_volume(str(tmp_path / "shut"), state, [])
    assert not observe_volume(str(tmp_path / "shut")).readable
