"""The lock on the state folder, against real second processes."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nasd.daemon.lock import LOCK_FILE, StateLock
from nasd.errors import Conflict, DiskFull, NasdError, StateError

HOLD = """
import sys
from pathlib import Path
from nasd.daemon.lock import StateLock
with StateLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
ROOT = Path(__file__).parents[3]


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "state")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_it_makes_a_private_folder_and_names_its_holder(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "state"
    with StateLock(folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / LOCK_FILE).stat().st_mode) == 0o600
        assert (folder / LOCK_FILE).read_text() == f"{os.getpid()}\n"


def test_a_second_daemon_is_refused_with_the_first_ones_process_id(
    tmp_path: Path, other: subprocess.Popen[str]
) -> None:
    with pytest.raises(Conflict) as caught:
        StateLock(tmp_path / "state").acquire()
    assert f"process {other.pid}" in caught.value.detail
    assert caught.value.cure
    assert "--state-dir" in caught.value.cure
    assert (tmp_path / "state" / LOCK_FILE).read_text() == f"{other.pid}\n"


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_daemon_that_dies_leaves_nothing_in_the_way(
    tmp_path: Path, other: subprocess.Popen[str], end: signal.Signals
) -> None:
    other.send_signal(end)
    other.wait(30)
    with StateLock(tmp_path / "state"):
        assert (tmp_path / "state" / LOCK_FILE).read_text() == f"{os.getpid()}\n"


def test_release_lets_the_next_one_in_and_may_be_repeated(tmp_path: Path) -> None:
    first, second = StateLock(tmp_path), StateLock(tmp_path)
    first.acquire()
    first.acquire()
    with pytest.raises(Conflict):
        second.acquire()
    first.release()
    first.release()
    with second, pytest.raises(Conflict):
        first.acquire()


def test_children_do_not_keep_the_lock(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        lock = StateLock(tmp_path)
        lock.acquire()
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
            lock.release()
            with StateLock(tmp_path):
                assert child.poll() is None
            child.kill()
        bystander.kill()


def test_a_file_in_its_place_is_said_to_be_no_folder(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("not a folder")
    for folder in (tmp_path / "state", tmp_path / "state" / "below"):
        with pytest.raises(StateError, match="is not a folder"):
            StateLock(folder).acquire()


@pytest.fixture
def nobody() -> Iterator[None]:
    """Without root's right to write anywhere; for any other user as it is."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_a_folder_of_somebody_else_is_said_to_be_so(nobody: None) -> None:
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "state"
        folder.mkdir(mode=0o555)
        with pytest.raises(StateError, match=f"may not be written by user {os.geteuid()}"):
            StateLock(folder).acquire()


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.EROFS, StateError, "read-only file system"),
        (errno.ENOSPC, DiskFull, "No room is left"),
        (errno.EDQUOT, DiskFull, "No room is left"),
        (errno.ENOLCK, StateError, "without locks"),
        (errno.EIO, StateError, "cannot be used"),
    ],
)
@pytest.mark.parametrize("call", ["open", "pwrite"])
def test_what_the_system_refuses_is_explained_with_a_cure(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    number: int,
    kind: type[NasdError],
    words: str,
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(kind, match=words) as caught:
            StateLock(tmp_path).acquire()
    assert caught.value.cure
    with StateLock(tmp_path):
        pass  # nothing was left held by the failed attempt
