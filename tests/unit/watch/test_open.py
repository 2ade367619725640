from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from nasd.domain.files import FileStat
from nasd.errors import ReadError
from nasd.watch.open import observe, open_file, unchanged


def reason(root: Path, path: bytes, expected: FileStat | None = None) -> str:
    with pytest.raises(ReadError) as caught:
        open_file(str(root), path, expected)
    return caught.value.reason


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    folder = tmp_path / "volume"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "b.txt").write_text("inside")
    (tmp_path / "secret.txt").write_text("outside")
    return folder


def test_a_file_is_opened_and_read(volume: Path) -> None:
    expected = observe(str(volume), b"a/b.txt")
    assert expected is not None
    handle = open_file(str(volume), b"a/b.txt", expected)
    try:
        assert os.read(handle, 100) == b"inside"
        assert unchanged(handle, expected)
        (volume / "a" / "b.txt").write_text("inside!")
        assert not unchanged(handle, expected)
    finally:
        os.close(handle)
    assert reason(volume, b"a/b.txt", expected) == "changing"


def test_reading_leaves_the_access_time(volume: Path) -> None:
    path = volume / "a" / "b.txt"
    os.utime(path, (1, 2_000_000_000))
    handle = open_file(str(volume), b"a/b.txt")
    os.read(handle, 100)
    os.close(handle)
    assert path.stat().st_atime == 1


@pytest.mark.parametrize(
    "path",
    [b"../secret.txt", b"a/../../secret.txt", b"/etc/passwd", b"", b"a//b.txt", b"a/b\0.txt", b"a/./b.txt"],
)
def test_no_path_leads_out(volume: Path, path: bytes) -> None:
    assert observe(str(volume), path) is None
    assert reason(volume, path) == "changing"


def test_no_link_leads_out(volume: Path, tmp_path: Path) -> None:
    (volume / "link.txt").symlink_to(tmp_path / "secret.txt")
    (volume / "out").symlink_to(tmp_path)
    (volume / "in").symlink_to("a")
    for path in (b"link.txt", b"out/secret.txt", b"in/b.txt"):
        assert observe(str(volume), path) is None
    assert reason(volume, b"link.txt") == "unreadable"
    assert reason(volume, b"out/secret.txt") == "changing"
    assert reason(volume, b"in/b.txt") == "changing"


def test_what_is_not_a_regular_file_neither_hangs_nor_opens(volume: Path) -> None:
    os.mkfifo(volume / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(volume / "sock"))
        for path in (b"fifo", b"sock", b"a"):
            assert observe(str(volume), path) is None
            assert reason(volume, path) == "unreadable"


def test_what_is_gone_may_come_back(volume: Path) -> None:
    assert observe(str(volume), b"nothing") is None
    assert observe(str(volume), b"a/b.txt/c") is None
    with pytest.raises(ReadError) as caught:
        open_file(str(volume), b"nothing")
    assert caught.value.reason == "changing"
    assert caught.value.temporary


def test_a_missing_volume_is_not_a_missing_file(volume: Path) -> None:
    missing = str(volume / "missing")
    with pytest.raises(OSError, match="No such file"):
        observe(missing, b"a/b.txt")
    with pytest.raises(ReadError) as caught:
        open_file(missing, b"a/b.txt")
    assert caught.value.reason == "unreadable"


def test_no_handle_is_left_open(volume: Path) -> None:
    os.mkfifo(volume / "fifo")
    before = len(os.listdir("/proc/self/fd"))
    for path in (b"fifo", b"nothing", b"x/y/z", b"a", b"a/b.txt/c"):
        observe(str(volume), path)
        reason(volume, path)
    assert len(os.listdir("/proc/self/fd")) == before
