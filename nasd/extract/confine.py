"""What the child gives up before it looks at a file: memory, time, files, network, new privileges.

Linux only. Each step that a kernel lacks is skipped: the limits that always exist (address space, processor
time, files, core) hold without it, and the parent's wall clock ends whatever remains.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import stat
import struct
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_SIGKILL = 9
_CAPABILITY_VERSION_3 = 0x20080522  # capset(2): effective, permitted, inheritable, each of 64 bits

# The same numbers on every architecture (Linux 5.13 and later).
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_ADD_RULE = 445
_LANDLOCK_RESTRICT_SELF = 446
_LANDLOCK_CREATE_RULESET_VERSION = 1
_LANDLOCK_RULE_PATH_BENEATH = 1
_READ_FOLDER = 0b1000
_READ_AND_RUN = 0b1101  # execute, read a file, read a folder
_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # how many filesystem rights each ABI version knows

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int) -> None:
    """The kernel kills this process when its parent ends; it ends now if that has happened already.

    Only for a parent with a single thread: the signal follows the thread that forked, not the process.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def limit(*, memory_bytes: int, cpu_s: int, open_files: int) -> None:
    """Hard limits. The address space may grow by `memory_bytes` from what it is now, stacks of threads
    included. At `cpu_s` the kernel sends SIGXCPU, which ends the process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    space = pages * resource.getpagesize() + memory_bytes
    for what, soft, hard in (
        (resource.RLIMIT_AS, space, space),
        (resource.RLIMIT_CPU, cpu_s, cpu_s + 2),
        (resource.RLIMIT_NOFILE, open_files, open_files),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        ceiling = resource.getrlimit(what)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)  # noqa: PLW2901
        resource.setrlimit(what, (soft, hard))


def give_up_files_and_network() -> None:
    """No file can be opened by path, no socket made, no process or program started, from now on and for good.

    Threads can: decoders of HEIC and AVIF pictures need them, and RLIMIT_NPROC would forbid them too to
    who has no privileges. It stands in only where the kernel has no seccomp."""
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _capabilities()
    _landlock()
    if not _seccomp():
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def give_up_network(*, readable: Sequence[str]) -> None:
    """No socket can be made, no file written and no process started, from now on and for good; only what lies
    below `readable` can be read, or run as a program in place of this one. Paths that do not exist are passed
    over."""
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _capabilities()
    _landlock(readable)
    if not _seccomp(programs=True):
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def _capabilities() -> bool:
    """Drops every capability: the service's right to read the files of all users is not the child's, and on a
    kernel without landlock it would reach every file. Whether the kernel took it."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)  # 0: this process
    return bool(_libc.capset(header, (ctypes.c_uint32 * 6)()) == 0)


def _landlock(readable: Sequence[str] = ()) -> bool:
    """Denies every filesystem right but reading and running what lies below `readable`, and TCP; whether the
    kernel took it."""
    version = _libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_CREATE_RULESET_VERSION)
    if version < 1:
        return False
    files = (1 << _FS_RIGHTS.get(version, _FS_RIGHTS[5])) - 1
    fields = [files]
    if version >= 4:
        fields.append(0b11)  # bind and connect TCP
    if version >= 6:
        fields.append(0b11)  # abstract Unix sockets and signals outside this domain
    attributes = struct.pack(f"{len(fields)}Q", *fields)
    ruleset = _libc.syscall(_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        for path in readable:
            _allow(ruleset, path)
        return bool(_libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        is_folder = stat.S_ISDIR(os.fstat(handle).st_mode)
        rights = _READ_AND_RUN if is_folder else _READ_AND_RUN & ~_READ_FOLDER
        rule = struct.pack("=Qi", rights, handle)
        _libc.syscall(_LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(handle)


# System calls that reading a file never needs: socket, connect, bind, listen, ptrace, process_vm_readv,
# process_vm_writev, execve, execveat, io_uring_setup, bpf, keyctl, mount, unshare, setns.
_DENIED = {
    "x86_64": (0xC000003E, (41, 42, 49, 50, 57, 58, 101, 310, 311, 59, 322, 425, 321, 250, 165, 272, 308)),
    "aarch64": (0xC00000B7, (198, 203, 200, 201, 117, 270, 271, 221, 281, 425, 280, 219, 40, 97, 268)),
}
_CLONE, _CLONE3 = {"x86_64": 56, "aarch64": 220}, 435
_CLONE_THREAD = 0x10000
_EXECUTE = {"x86_64": (59, 322), "aarch64": (221, 281)}
_LD_W_ABS, _AND, _JEQ, _JGE, _RET = 0x20, 0x54, 0x15, 0x35, 0x06
_ALLOW, _KILL, _ERRNO_EPERM, _ERRNO_ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _seccomp(*, programs: bool = False) -> bool:
    """Makes the calls in `_DENIED` fail with EPERM, and clone unless it makes a thread; whether the kernel
    took it. Landlock says nothing about UDP, Unix sockets or starting programs by descriptor; this does."""
    entry = _DENIED.get(platform.machine())
    if entry is None:
        return False
    architecture: int = entry[0]
    denied: tuple[int, ...] = entry[1]
    if programs:  # others may be started
        denied = tuple(number for number in denied if number not in _EXECUTE[platform.machine()])
    count = len(denied)
    code = [
        (_LD_W_ABS, 0, 0, 4),  # the architecture: a call in another one's numbering would slip through
        (_JEQ, 1, 0, architecture),
        (_RET, 0, 0, _KILL),
        (_LD_W_ABS, 0, 0, 0),  # the number of the call
        (_JGE, count + 6, 0, 0x40000000),  # x32 numbering
        *((_JEQ, count - at + 5, 0, number) for at, number in enumerate(denied)),
        (_JEQ, 6, 0, _CLONE3),  # its flags cannot be looked at: libraries fall back to clone
        (_JEQ, 0, 3, _CLONE[platform.machine()]),
        (_LD_W_ABS, 0, 0, 16),  # its flags
        (_AND, 0, 0, _CLONE_THREAD),
        (_JEQ, 0, 1, _CLONE_THREAD),
        (_RET, 0, 0, _ALLOW),
        (_RET, 0, 0, _ERRNO_EPERM),
        (_RET, 0, 0, _ERRNO_ENOSYS),
    ]
    packed = b"".join(struct.pack("HBBI", *line) for line in code)
    buffer = ctypes.create_string_buffer(packed, len(packed))
    program = _Program(len(code), ctypes.addressof(buffer))
    return bool(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)
