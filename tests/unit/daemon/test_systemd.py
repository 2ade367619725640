"""Notifications to systemd, received by a real Unix datagram socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from nasd.daemon.systemd import Notifier, Supervision, read_supervision

PID = 4711


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """NOTIFY_SOCKET as systemd writes it, and the socket behind it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(10)
        if request.param == "path":
            named = str(tmp_path / "notify")
            receiver.bind(named)
        else:
            named = f"@nasd-test-{os.getpid()}"
            receiver.bind("\0" + named[1:])
        yield named, receiver


def test_each_message_arrives_as_systemd_expects_it(manager: tuple[str, socket.socket]) -> None:
    named, receiver = manager
    notifier = Notifier(read_supervision({"NOTIFY_SOCKET": named}, pid=PID))
    received = []
    for sent in (
        notifier.extend_start(90),
        notifier.ready("Serving 2 volumes"),
        notifier.status("Indexing"),
        notifier.beat(),
        notifier.stopping(),
    ):
        assert sent
        received.append(receiver.recv(4096).decode())
    assert received == [
        "EXTEND_TIMEOUT_USEC=90000000",
        "READY=1\nSTATUS=Serving 2 volumes",
        "STATUS=Indexing",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


def test_a_status_cannot_smuggle_in_another_assignment(manager: tuple[str, socket.socket]) -> None:
    named, receiver = manager
    Notifier(read_supervision({"NOTIFY_SOCKET": named}, pid=PID)).status("a file\nMAINPID=1\r\nWATCHDOG=1")
    assert receiver.recv(4096) == b"STATUS=a file MAINPID=1 WATCHDOG=1"


@pytest.mark.parametrize("named", ["", "@", "relative", "vsock:2:1"])
def test_a_socket_that_cannot_be_used_is_none(named: str) -> None:
    assert read_supervision({"NOTIFY_SOCKET": named, "WATCHDOG_USEC": "1000"}, pid=PID) == Supervision()


def test_without_a_manager_every_call_is_silent() -> None:
    notifier = Notifier(read_supervision({}, pid=PID))
    assert not notifier.ready()
    assert not notifier.beat()
    assert notifier.beat_every_s is None


def test_a_manager_that_is_gone_is_no_error(tmp_path: Path) -> None:
    assert not Notifier(Supervision(address=str(tmp_path / "gone"))).status("still here")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"WATCHDOG_USEC": "60000000"}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(PID)}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "²"}, None),
        ({}, None),
    ],
)
def test_beats_are_asked_for_at_half_the_interval(given: dict[str, str], expected: float | None) -> None:
    supervision = read_supervision({"NOTIFY_SOCKET": "/run/systemd/notify", **given}, pid=PID)
    assert supervision.beat_every_s == expected
