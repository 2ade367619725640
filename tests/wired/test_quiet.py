"""An idle daemon leaves its volumes alone, and a mere touch costs no embedding."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from watchdog.observers.inotify_c import CallbackId, InotifyConstants, InotifyEvent, InotifyFD, Mask

from nasd import wire
from tests.wired.process import DaemonProcess, paths_found, settled, until
from tests.wired.test_know import found, vectors_made

ANY_USE = Mask(
    InotifyConstants.IN_OPEN
    | InotifyConstants.IN_ACCESS
    | InotifyConstants.IN_ATTRIB
    | InotifyConstants.IN_CLOSE_NOWRITE
)


class Uses:
    """Every opening and reading below a folder that the kernel tells of, whoever did it."""

    def __init__(self, root: Path) -> None:
        self.seen: list[InotifyEvent] = []
        self._inotify = InotifyFD()
        self._inotify.start()
        for number, folder in enumerate([root, *(path for path in root.rglob("*") if path.is_dir())]):
            self._inotify.add_callback(os.fsencode(folder), ANY_USE, self, CallbackId(number + 1))

    def on_event(self, event: InotifyEvent) -> None:
        self.seen.append(event)

    def on_watch_deleted(self, wd: object) -> None:
        """Nothing is deleted here."""

    def on_queue_overflow(self) -> None:
        raise AssertionError("more uses than fit the queue")

    def stop(self) -> None:
        self._inotify.stop()
        self._inotify.join()


class Calls:
    """Every call of a process and its threads that names a file, by strace where that is to be had."""

    def __init__(self, pid: int, output: Path) -> None:
        self._output = output
        self._strace: subprocess.Popen[bytes] | None = None
        if shutil.which("strace") is None:
            return
        arguments = ["strace", "-f", "-y", "-qq", "-e", "trace=%file,getdents64,fstat,read,pread64"]
        process = subprocess.Popen([*arguments, "-o", str(output), "-p", str(pid)], stderr=subprocess.PIPE)
        try:
            process.wait(1.0)
        except subprocess.TimeoutExpired:
            self._strace = process  # attached; else it may not trace
        else:
            assert process.stderr is not None
            process.stderr.close()

    @property
    def traced(self) -> bool:
        return self._strace is not None

    def naming(self, folder: Path) -> list[str]:
        if self._strace is None:
            return []
        self._strace.send_signal(signal.SIGINT)
        self._strace.wait(20)
        assert self._strace.stderr is not None
        self._strace.stderr.close()
        lines = self._output.read_text("utf-8", "replace").splitlines()
        assert lines, "it traced nothing"
        return [line for line in lines if str(folder) in line]


async def test_an_idle_daemon_touches_no_volume(
    make_daemon: Callable[..., DaemonProcess], folder: Path, tmp_path: Path
) -> None:
    """While its status is asked, searches run, the index is saved and a watched neighbour changes."""
    daemon = make_daemon(config="[watch]\nsettle_seconds = 0.2\n")
    daemon.start()
    await daemon.ready()
    daemon.cli("volume", "add", str(folder), "--name", "home")
    other = tmp_path / "other"
    other.mkdir()
    daemon.cli("volume", "add", str(other), "--name", "other")
    async with daemon.client() as client:
        await settled(client)
        before = await client.volume("home")
        assert before.last_wake is not None
        assert before.last_wake_cause in ("scan", "read")
        assert daemon.process is not None
        uses, calls = Uses(folder), Calls(daemon.process.pid, tmp_path / "calls")
        try:
            for number in range(4):
                (other / f"{number}.txt").write_text(f"The pelican number {number} came by.\n", "utf-8")
                await until(lambda n=number: found(client, f"pelican {n}", [f"{n}.txt"]), "work goes on")  # type: ignore[misc]
                assert await paths_found(client, "guarantee") == ["Letters/warranty.md"]
                await client.search(wire.SearchIn(query="appliance repair coverage"))
                await client.status()
                await client.volumes()
                (other / f"{number}.txt").unlink()
                await until(lambda n=number: found(client, f"pelican {n}", []), "work goes on")  # type: ignore[misc]
            await settled(client)
            assert uses.seen == []
            assert calls.naming(folder) == []
            after = await client.volume("home")
            assert (after.last_wake, after.last_wake_cause) == (before.last_wake, before.last_wake_cause)
        finally:
            uses.stop()
        assert "last wake" in daemon.cli("volume", "show", "home").stdout

        (folder / "costs.csv").write_text("month,electricity\nMarch,70.10\n", "utf-8")
        await until(lambda: found(client, "March", ["costs.csv"]), "it still watches")
        woken = await client.volume("home")
        assert woken.last_wake is not None
        assert woken.last_wake > before.last_wake
        assert woken.last_wake_cause in ("event", "read")
        # The same means do see it when a volume is touched: a scan opens its folders.
        uses, calls = Uses(folder), Calls(daemon.process.pid, tmp_path / "calls of a scan")
        try:
            await client.scan_volume("home")

            async def scanned() -> bool:
                volume = await client.volume("home")
                return not volume.scanning and volume.last_scan != woken.last_scan

            await until(scanned, "it was scanned")
            assert uses.seen
            assert calls.naming(folder) or not calls.traced
        finally:
            uses.stop()
        page = (await client.files(path="costs.csv")).items
        await client.why(f"{folder}/nothing-there.txt")
        assert page


async def test_a_rewrite_whose_time_was_put_back_is_seen_and_a_touch_embeds_nothing(
    daemon: DaemonProcess, folder: Path
) -> None:
    daemon.cli("volume", "add", str(folder), "--name", "home")
    async with daemon.client() as client:
        await settled(client)
        made = vectors_made(daemon)
        for path in folder.rglob("*.*"):
            path.chmod(0o640)
        (folder / "bread.html").rename(folder / "loaf.html")
        await until(lambda: found(client, "sourdough", ["loaf.html"]), "the new name is shown")
        await settled(client)
        assert vectors_made(daemon) == made

        rent = folder / "Letters" / "rent.txt"
        before = rent.stat()
        rent.write_text(rent.read_text("utf-8").replace("840", "990"), "utf-8")
        os.utime(rent, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert (rent.stat().st_size, rent.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
        daemon.terminate()  # so that nothing but a scan can tell
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        await until(lambda: found(client, "990", ["Letters/rent.txt"]), "the other text is found")
