"""What a confined process can still do: tried in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

_TRIES = """
import ctypes, errno, json, mmap, os, resource, signal, socket, sys
from nasd.extract import confine

held = os.open("/proc/self/status", os.O_RDONLY)
confine.limit(memory_bytes=64 << 20, cpu_s=5, open_files=16)
confine.give_up_files_and_network()

def outcome(act):
    try:
        act()
    except MemoryError:
        return "MemoryError"
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"

def execute():
    os.execv("/bin/true", ["true"])

tries = {
    "open": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "list": lambda: os.listdir("/"),
    "write": lambda: os.open("/tmp/x-confined", os.O_WRONLY | os.O_CREAT),
    "tcp": lambda: socket.socket(),
    "unix": lambda: socket.socket(socket.AF_UNIX),
    "exec": execute,
    "memory": lambda: bytearray(256 << 20),
    "some memory": lambda: bytearray(16 << 20),
    "held file": lambda: os.read(held, 10),
}
print(json.dumps({name: outcome(act) for name, act in tries.items()}), flush=True)
"""


def _run(script: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment, check=False)


def test_nothing_but_the_open_file_is_left() -> None:
    done = _run(_TRIES)
    found = json.loads(done.stdout)
    refused = {"EACCES", "EPERM"}
    for name in ("tcp", "unix", "exec"):
        assert found[name] in refused, found
    assert found["memory"] == "MemoryError"
    assert found["some memory"] == "done"
    assert found["held file"] == "done"
    if found["open"] != "done":  # a kernel without landlock leaves files to their permissions
        assert {found["open"], found["list"], found["write"]} <= refused


def test_no_capability_is_left() -> None:
    done = _run(
        "import os\n"
        "from nasd.extract import confine\n"
        "status = os.open('/proc/self/status', os.O_RDONLY)\n"
        "confine.give_up_files_and_network()\n"
        "print(os.read(status, 1 << 16).decode())\n"
    )
    sets = [line.split() for line in done.stdout.decode().splitlines() if line.startswith("Cap")]
    left = {name: int(held, 16) for name, held in sets if name != "CapBnd:"}  # a bound grants nothing
    assert left == {"CapInh:": 0, "CapPrm:": 0, "CapEff:": 0, "CapAmb:": 0}


def test_the_processor_time_ends_a_loop() -> None:
    done = _run(
        "from nasd.extract import confine\n"
        "confine.limit(memory_bytes=64 << 20, cpu_s=1, open_files=16)\n"
        "while True: pass\n"
    )
    assert done.returncode == -24  # SIGXCPU
