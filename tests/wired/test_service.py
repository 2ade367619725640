"""The process itself: locks, stops, bad surroundings, and what it says then."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from nasd import wire
from nasd.client import Client
from nasd.errors import NotPermitted, Unauthenticated
from tests.wired.process import DaemonProcess, paths_found, settled, until

MakeDaemon = Callable[..., DaemonProcess]


async def test_an_orderly_stop_and_a_start_with_everything_there(daemon: DaemonProcess, folder: Path) -> None:
    daemon.cli("volume", "add", str(folder))
    async with daemon.client() as client:
        vectors = (await settled(client)).index.vectors
    assert daemon.terminate() == 0
    assert not daemon.socket.exists()
    (folder / "meanwhile.txt").write_text("A walrus moved in while nobody looked.\n", "utf-8")
    (folder / "bread.html").unlink()
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        status = await settled(client)
        assert await paths_found(client, "walrus") == ["meanwhile.txt"]
        assert await paths_found(client, "sourdough") == []
        assert status.index.vectors == vectors
    assert "built again" not in daemon.tail().rpartition("stopped")[2], "the saved index was used"


@pytest.mark.parametrize("damage", ["missing", "truncated", "flipped"])
async def test_a_damaged_index_comes_back_by_itself(daemon: DaemonProcess, folder: Path, damage: str) -> None:
    daemon.cli("volume", "add", str(folder))
    async with daemon.client() as client:
        vectors = (await settled(client)).index.vectors
        query = "appliance repair coverage duration"
        expected = await paths_found(client, query, "semantic")
    daemon.terminate()
    saved = [path for path in (daemon.state_dir / "index").rglob("*") if path.is_file()]
    assert saved
    for path in saved:
        data = bytearray(path.read_bytes())
        if damage == "missing":
            path.unlink()
        elif damage == "truncated":
            path.write_bytes(data[: len(data) // 2])
        else:
            data[len(data) // 2] ^= 0x40
            path.write_bytes(data)
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        assert (await settled(client)).index.vectors == vectors
        assert await paths_found(client, query, "semantic") == expected


async def test_two_daemons_never_share_a_state_folder(daemon: DaemonProcess) -> None:
    second = daemon.cli("run", "--port", "0", check=False)
    assert second.returncode == 1
    assert daemon.process is not None
    assert str(daemon.process.pid) in second.stderr
    async with daemon.client() as client:
        assert (await client.ready()).ready, "the first is not disturbed"


async def test_a_port_in_use_is_named(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = daemon.cli("run", "--port", str(port), check=False)
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_of_a_newer_version_is_left_alone(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    daemon.cli("db", "upgrade")
    database = daemon.state_dir / "catalogue.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = database.read_bytes()
    done = daemon.cli("run", "--port", "0", check=False)
    assert done.returncode == 1
    assert "newer" in done.stderr
    assert database.read_bytes() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_read_only_state_folder_is_named(make_daemon: MakeDaemon, tmp_path: Path) -> None:
    daemon = make_daemon("readonly", with_model=False)
    done = in_mount_namespace(
        f"mount --bind {daemon.state_dir} {daemon.state_dir} && mount -o remount,ro,bind {daemon.state_dir}",
        daemon.arguments("run", "--port", "0"),
    )
    assert done.returncode == 1, done.stderr
    assert str(daemon.state_dir) in done.stderr
    assert "Traceback" not in done.stderr


def in_mount_namespace(prepare: str, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Runs a command after mounts that nobody else sees. Skips where the kernel does not let us."""
    probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("mount namespaces are not available here")
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", f'{prepare} && exec "$@"', "sh", *command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
async def test_a_full_disk_loses_nothing(make_daemon: MakeDaemon, folder: Path, tmp_path: Path) -> None:
    """The state lies on a filesystem of its own that is filled to the brim, then emptied again."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("mount namespaces are not available here")
    daemon = make_daemon("full")
    kept = tmp_path / "model"
    shutil.move(daemon.state_dir / "models", kept)
    hog = daemon.state_dir / "hog"
    script = (
        f"mount -t tmpfs -o size=60m tmpfs {daemon.state_dir} && cp -r {kept} {daemon.state_dir}/models && "
        'exec "$@"'
    )
    daemon.start(
        arguments=["unshare", "--mount", "sh", "-c", script, "sh", *daemon.arguments("run", "--port", "0")]
    )
    assert daemon.process is not None
    inside = ["nsenter", "--mount", f"--target={daemon.process.pid}"]

    def nasd(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*inside, *daemon.arguments(*command)], capture_output=True, text=True, timeout=120, check=False
        )

    async def answers() -> bool:
        return nasd("status").returncode == 0

    await until(answers, "the daemon answers")
    assert nasd("volume", "add", str(folder)).returncode == 0
    assert nasd("wait", "--timeout", "60").returncode == 0
    fill = (
        f"dd if=/dev/zero of={hog} bs=64k 2>/dev/null; for i in 1 2 3; do cat /dev/zero >> {hog}; done; true"
    )
    subprocess.run([*inside, "sh", "-c", fill], check=False, capture_output=True, timeout=60)
    prose = "\n\n".join(
        f"Paragraph {n} tells of the quokka and of {n * 7} other animals." for n in range(4000)
    )
    (folder / "big.txt").write_text(prose, "utf-8")

    async def noticed() -> bool:
        return "no room left" in daemon.tail()

    await until(noticed, "the full disk is told")
    assert '"warranty.md"' in nasd("search", "guarantee", "--json").stdout.replace("Letters/", "")
    subprocess.run([*inside, "rm", str(hog)], check=True, timeout=60)

    async def caught_up() -> bool:
        return "big.txt" in nasd("search", "quokka", "--mode", "lexical", "--json").stdout

    await until(caught_up, "work goes on by itself when there is room")
    assert nasd("db", "check").returncode == 0


async def test_a_device_may_do_what_its_scopes_say(daemon: DaemonProcess, folder: Path) -> None:
    daemon.cli("volume", "add", str(folder))
    async with daemon.client() as client:
        status = await settled(client)
        device = await client.add_device(wire.DeviceIn(name="kitchen", scopes=["search"]))
    url = f"http://127.0.0.1:{status.port}"
    async with Client.open(url=url, token=device.token) as kitchen:
        assert await paths_found(kitchen, "guarantee") == ["Letters/warranty.md"]
        with pytest.raises(NotPermitted, match="admin"):
            await kitchen.remove_volume("home")
        daemon.cli("device", "revoke", "kitchen")
        with pytest.raises(Unauthenticated):
            await paths_found(kitchen, "guarantee")
    database = daemon.state_dir / "catalogue.db"
    daemon.terminate()
    assert device.token.encode() not in database.read_bytes(), "only a hash is kept"


async def test_the_policy_is_obeyed_also_for_what_was_read_before(
    make_daemon: MakeDaemon, folder: Path
) -> None:
    daemon = make_daemon()
    daemon.start()
    await daemon.ready()
    daemon.cli("volume", "add", str(folder), "--name", "home")
    async with daemon.client() as client:
        await settled(client)
        assert await paths_found(client, "rent") == ["Letters/rent.txt"]
    daemon.terminate()
    daemon.config_file.write_text(
        '[[policy]]\nname = "letters stay unread"\nmatch = {path = "Letters/**"}\nembed = false\n', "utf-8"
    )
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        assert await paths_found(client, "rent") == []
        assert "letters stay unread" in (await client.why(f"{folder}/Letters/rent.txt")).summary
        await settled(client)
    daemon.terminate()
    daemon.config_file.write_text("", "utf-8")
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        await until(lambda: _found(client), "it is read again once it may be")


async def _found(client: Client) -> bool:
    return await paths_found(client, "rent") == ["Letters/rent.txt"]


async def test_configured_volumes_are_there_at_the_start(make_daemon: MakeDaemon, folder: Path) -> None:
    daemon = make_daemon(config=f'[[volumes]]\nname = "home"\npath = "{folder}"\nignore = ["*.csv"]\n')
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        status = await settled(client)
        assert status.coverage.files == 3
        assert "*.csv" in (await client.why("home:costs.csv")).summary
    removal = daemon.cli("volume", "remove", "home", "--yes", check=False)
    assert removal.returncode == 2


def test_a_typo_in_the_configuration_is_found_before_anything_starts(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(config="[server]\nprot = 9000\n")
    done = daemon.cli("run", check=False)
    assert done.returncode == 2
    assert "prot" in done.stderr
    assert "port" in done.stderr
    assert not (daemon.state_dir / "catalogue.db").exists()


@pytest.mark.parametrize("case", ["missing", "file", "state", "twice", "inside"])
async def test_a_bad_volume_is_refused_with_the_reason(
    daemon: DaemonProcess, folder: Path, case: str
) -> None:
    daemon.cli("volume", "add", str(folder))
    path, words = {
        "missing": (folder / "nowhere", "no such folder"),
        "file": (folder / "costs.csv", "not a folder"),
        "state": (daemon.state_dir, "state folder"),
        "twice": (folder, "already"),
        "inside": (folder / "Letters", "covers"),
    }[case]
    done = daemon.cli("volume", "add", str(path), check=False)
    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert len(daemon.cli_json("volume", "list")["items"]) == 1


async def test_the_watchdog_hears_of_readiness_and_of_the_stop(
    make_daemon: MakeDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        daemon = make_daemon()
        daemon.start()
        heard: list[bytes] = []
        while not (any(b"READY=1" in one for one in heard) and heard.count(b"WATCHDOG=1") >= 2):
            heard.append(manager.recv(4096))
        assert b"READY=1" in heard[0]
        assert daemon.terminate() == 0
        while not any(b"STOPPING=1" in one for one in heard):
            heard.append(manager.recv(4096))
