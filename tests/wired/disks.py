"""Disks that come and go: a mount namespace of its own, in which a daemon runs and disks are mounted.

As root, a disk is a file with ext4 on a loop device; else, and where there are no loop devices, a folder that
is bound to the place, which a user namespace lets anybody do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Literal

Kind = Literal["loop", "bind"]
SIZE = 24 << 20


class Namespace:
    """Lives until `end`, and with it all that is mounted in it: nothing is left on the machine."""

    def __init__(self) -> None:
        """Raises OSError where nobody may make one."""
        self._as_root = os.geteuid() == 0
        how = ["-m"] if self._as_root else ["-U", "-r", "-m"]
        command = ["unshare", *how, "--propagation", "private", "sh", "-c", "echo begun; exec cat"]
        self._holder = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != b"begun\n":
            self.end()
            raise OSError("no mount namespace is to be had")

    def inside(self, *command: str) -> list[str]:
        """A command as it is run in the namespace."""
        how = ["-m"] if self._as_root else ["-U", "--preserve-credentials", "-m"]
        return ["nsenter", "-t", str(self._holder.pid), *how, "--", *command]

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(self.inside(*command), capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done

    def seen(self, path: Path) -> Path:
        """A path in the namespace, for who stands outside of it."""
        return Path(f"/proc/{self._holder.pid}/root{path}")

    def end(self) -> None:
        self._holder.kill()
        self._holder.wait(10)
        for pipe in (self._holder.stdin, self._holder.stdout):
            if pipe is not None:
                pipe.close()


class Disk:
    """Made empty, and mounted nowhere."""

    def __init__(self, namespace: Namespace, folder: Path, kind: Kind) -> None:
        self.kind = kind
        self._namespace = namespace
        self._source = folder
        if kind == "loop":
            self._source = folder.with_suffix(".ext4")
            with self._source.open("xb") as file:
                file.truncate(SIZE)
            subprocess.run(["mkfs.ext4", "-q", "-F", str(self._source)], check=True, capture_output=True)
        else:
            folder.mkdir()

    def mount(self, point: Path, options: str = "") -> Path:
        """Mounts it and returns where its files are seen."""
        point.mkdir(parents=True, exist_ok=True)
        how = ["-o", "loop" + options] if self.kind == "loop" else ["--bind"]
        self._namespace.run("mount", *how, str(self._source), str(point))
        return self._namespace.seen(point)

    def unmount(self, point: Path) -> None:
        """Raises OSError when somebody holds something on it open."""
        self._namespace.run("umount", str(point))

    def unmount_by_force(self, point: Path) -> None:
        """As when it is pulled out: whoever has a file open keeps it."""
        self._namespace.run("umount", "--lazy", str(point))


@cache
def cannot_mount(kind: Kind) -> str | None:
    """Why disks of this kind are not to be had here; None when they are."""
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        return "unshare and nsenter (util-linux) are not installed"
    if kind == "loop" and os.geteuid() != 0:
        return "loop devices are root's"
    if kind == "loop" and shutil.which("mkfs.ext4") is None:
        return "mkfs.ext4 (e2fsprogs) is not installed"
    try:
        namespace = Namespace()
    except OSError as error:
        return f"this machine lets nobody make a mount namespace: {error}"
    with tempfile.TemporaryDirectory(prefix="nasd-mount-") as folder:
        try:
            disk = Disk(namespace, Path(folder, "disk"), kind)
            disk.mount(Path(folder, "point"))
            disk.unmount(Path(folder, "point"))
        except (OSError, subprocess.CalledProcessError) as error:
            return f"nothing can be mounted here: {error}"
        finally:
            namespace.end()
    return None
