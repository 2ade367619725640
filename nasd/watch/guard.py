"""A volume is a filesystem, not a path: whether what lies there now is what was there before.

A mount point without its disk is an ordinary empty folder. Taken at its word it would mean that every file
was deleted; so before anything is concluded from a volume, it is observed and judged here.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nasd.domain.files import display_path
from nasd.errors import Conflict, InvalidRequest
from nasd.watch.mounts import PSEUDO, Mount, mount_of, mounts_below, read_mounts
from nasd.watch.rules import Rules

_KEEPS_ITS_ID = frozenset({"ext2", "ext3", "ext4", "btrfs", "zfs"})
"""Filesystems whose statfs id comes from their UUID (statfs(2) leaves it to each; XFS and FAT use the device
number, which changes). It is readable where /dev and udev's files are hidden from a service."""

_COMES_AND_GOES = frozenset({"overlay", "tmpfs", "ramfs", "squashfs"})
_UDEV = Path("/run/udev/data")
_BY_UUID = Path("/dev/disk/by-uuid")
_LOOKS = 3
_NESTED = "\n"
_READ_ONLY = "!read-only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What lies at a volume's path now. `identity` is None when it is missing; `error` says, in the system's
    words, why it cannot be read where that is not for want of permission."""

    exists: bool
    is_dir: bool = False
    readable: bool = False
    error: str | None = None
    empty: bool = False  # but for what is skipped by built-in rules, such as lost+found
    identity: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`frozen`: conclude nothing, forget nothing; `detail` says what was seen and what to do.

    `blind` are folders of the volume where another disk was mounted that is missing now: conclude nothing of
    what lies below them. `identity` is what to remember for the next time.
    """

    frozen: bool
    detail: str | None = None
    blind: tuple[bytes, ...] = ()
    identity: str | None = None


def observe_volume(path: str) -> Observed:
    """Looks at a volume's folder. Raises nothing: what cannot be looked at is not readable."""
    for _ in range(_LOOKS):
        mounts = read_mounts()
        observed = _observe(path, mounts)
        if read_mounts() == mounts:
            break  # else it was mounted or unmounted meanwhile, and what was seen is half of each
    return observed


def _observe(path: str, mounts: Sequence[Mount]) -> Observed:
    try:
        found = os.stat(path)  # noqa: PTH116 - follows links and wakes an automount
    except (FileNotFoundError, NotADirectoryError):
        return Observed(exists=False)
    except OSError as error:
        return Observed(exists=True, is_dir=True, error=_words(error))
    if not stat.S_ISDIR(found.st_mode):
        return Observed(exists=True)
    rules = Rules.build()
    try:
        with os.scandir(os.fsencode(path)) as entries:
            empty = all(
                rules.ignores(entry.name, folder=entry.is_dir(follow_symlinks=False)) for entry in entries
            )
        os.lstat(f"{path}/.")
    except OSError as error:
        return Observed(exists=True, is_dir=True, error=_words(error), identity=identity_of(path, mounts))
    return Observed(exists=True, is_dir=True, readable=True, empty=empty, identity=identity_of(path, mounts))


def identity_of(path: str, mounts: Sequence[Mount] | None = None) -> str:
    """A name for the filesystem a folder lies on and for its place there, which survives a reboot, a remount
    at another path and another number of the same device. Lines after the first name the disks mounted
    inside the folder, and whether the filesystem is read-only. Opaque: only `judge` reads it."""
    mounts = read_mounts() if mounts is None else mounts
    real = os.path.realpath(os.fsencode(path))
    mount = mount_of(real, mounts)
    if mount is None:
        return "unknown"
    within = real[len(mount.point.rstrip(b"/")) :].lstrip(b"/")
    place = b"/" + b"/".join(part for part in (mount.root.strip(b"/"), within) if part)
    lines = [f"{_filesystem(mount)} {display_path(place)}"]
    for inner in mounts_below(real, mounts):
        if inner.fstype not in _COMES_AND_GOES and not inner.fstype.startswith("fuse."):
            folder = os.path.relpath(inner.point, real)
            lines.append(f"{folder.hex()} {_filesystem(inner)} {display_path(inner.root)}")
    if mount.read_only:
        lines.append(_READ_ONLY)
    return _NESTED.join([lines[0], *sorted(lines[1:])])


def judge(
    remembered: str | None,
    observed: Observed,
    known_files: int,
    *,
    witnessed: int = 0,
    accepted: bool = False,
) -> Verdict:
    """Whether a volume may be believed. Pure.

    `known_files`: how many files the catalogue holds of it. `witnessed`: of how many of them an event told
    one by one that they went, so that a folder emptied before our eyes is believed. `accepted`: its owner
    said that what is `remembered` now is right, empty or not; another filesystem still is not. Without
    anything remembered and known, whatever is there is taken as the volume.
    """
    kept = "Its files stay known and searchable as they were."
    accept = "`nasd volume resume` accepts"
    if not observed.exists:
        return _freeze(
            remembered, f"The folder is missing. {kept} Mount the disk again, or remove the volume."
        )
    if not observed.is_dir:
        return _freeze(remembered, f"A file lies where the folder was. {kept} Put the folder back.")
    if not observed.readable and observed.error is not None:
        return _freeze(
            remembered,
            f"The folder cannot be read: {observed.error}. {kept} Check the disk and how it is connected.",
        )
    if not observed.readable:
        return _freeze(
            remembered,
            f"The folder cannot be read. {kept} Give the user that nasd runs as permission to read it.",
        )
    before, inner_before = _split(remembered)
    now, inner_now = _split(observed.identity)
    if before and now and before != now and known_files and observed.empty and not accepted:
        return _freeze(
            remembered,
            f"The disk is not mounted: the folder is empty and lies on {now} instead of {before}. {kept} "
            f"Mount the disk again; {accept} the empty folder in its place.",
        )
    if before and now and before != now and (known_files or accepted):
        return _freeze(
            remembered,
            f"Another filesystem lies at this path: {now} instead of {before}. {kept} Mount the former disk; "
            f"{accept} this one in its place.",
        )
    if known_files and _is_read_only(observed.identity) and not (before is None or _is_read_only(remembered)):
        return _freeze(
            remembered,
            f"The filesystem has become read-only, as it does when its disk fails. {kept} Check the disk; "
            f"{accept} it as it is.",
        )
    if observed.empty and known_files > witnessed and not accepted:
        files = "1 file was" if known_files == 1 else f"{known_files} files were"
        return _freeze(
            remembered,
            f"The folder is empty, though {files} known. {kept} Mount the disk again; if they were deleted "
            f"on purpose, {accept} that.",
        )
    blind = tuple(sorted(folder for folder, name in inner_before.items() if inner_now.get(folder) != name))
    if not known_files:
        blind, inner_before = (), {}
    detail = None
    if blind:
        folders = ", ".join(repr(display_path(folder)) for folder in blind)
        detail = f"The disk that was mounted at {folders} is missing or another. {kept}"
    identity = _join(now, inner_now | inner_before, read_only=_is_read_only(observed.identity))
    return Verdict(frozen=False, detail=detail, blind=blind, identity=identity)


def check_new_volume(path: str, state_dir: str, existing: Iterable[tuple[str, str]]) -> str:
    """The path, absolute and without links, under which a folder becomes a volume.

    `existing` are the names and paths of the present volumes. Raises InvalidRequest when it cannot be one,
    Conflict when it and another volume cover each other. A folder that holds the state folder is accepted:
    `fences` keeps the state unread.
    """
    if "\0" in path or not path.startswith("/"):
        raise _refuse("it is not an absolute path", "Write the folder's path from the root on.", path)
    if not os.path.lexists(path):
        raise _refuse("there is no such folder", "Check the spelling, and that its disk is mounted.", path)
    real = os.path.realpath(path)
    try:
        is_folder = stat.S_ISDIR(os.stat(real).st_mode)  # noqa: PTH116
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _refuse(f"it cannot be looked at: {reason}", "Check the folders above it.", path) from None
    if not is_folder:
        raise _refuse("it is not a folder", "Name the folder that the file lies in.", path)
    mount = mount_of(os.fsencode(real), read_mounts())
    if real == "/":
        raise _refuse("it is the whole system", "Name the folder that holds your files.", path)
    if _covers("/proc", real) or _covers("/sys", real) or _covers("/dev", real) or _holds_none(mount):
        raise _refuse("it holds no files of yours", "Name the folder that holds your files.", path)
    state = os.path.realpath(state_dir)
    if _covers(state, real):
        raise _refuse(f"it lies in nasd's own state folder {state}", "Choose a folder outside of it.", path)
    try:
        with os.scandir(real) as entries:
            next(entries, None)
        os.lstat(f"{real}/.")
    except OSError:
        cure = "Give the user that nasd runs as permission to list it."
        raise _refuse("it cannot be read", cure, path) from None
    for name, other in existing:
        there = os.path.realpath(other)
        if there == real:
            raise Conflict(f"{real} is the volume {name!r} already.")
        if _covers(there, real):
            raise Conflict(
                f"{real} lies in the volume {name!r} ({there}), which covers it.",
                cure="Search that volume, or remove it first.",
            )
        if _covers(real, there):
            raise Conflict(
                f"{real} would cover the volume {name!r} ({there}).", cure="Remove that volume first."
            )
    return real


def fences(volume_path: str, *private: str) -> tuple[bytes, ...]:
    """Those of nasd's own folders that lie in a volume, relative to it, for `Rules.build`."""
    real = os.path.realpath(volume_path)
    inside = {os.path.realpath(folder) for folder in private}
    return tuple(
        os.fsencode(os.path.relpath(folder, real))
        for folder in sorted(inside)
        if folder != real and _covers(real, folder)
    )


def _filesystem(mount: Mount) -> str:
    if mount.fstype in _KEEPS_ITS_ID:
        try:
            number = os.statvfs(mount.point).f_fsid
        except OSError:
            number = 0
        if number:
            return f"{mount.fstype}:{number & (2**64 - 1):016x}"
    return f"{mount.fstype}:{_uuid(mount) or mount.source}"


def _uuid(mount: Mount) -> str | None:
    """The filesystem's UUID, as udev found it."""
    try:
        for line in (_UDEV / f"b{mount.device}").read_text(errors="replace").splitlines():
            if line.startswith("E:ID_FS_UUID="):
                return line.partition("=")[2]
    except OSError:
        pass
    if not mount.source.startswith("/dev/"):
        return None
    source = os.path.realpath(mount.source)
    try:
        return next((link.name for link in _BY_UUID.iterdir() if os.path.realpath(link) == source), None)
    except OSError:
        return None


def _split(identity: str | None) -> tuple[str | None, dict[bytes, str]]:
    if not identity or identity == "unknown":
        return None, {}
    first, *inner = identity.split(_NESTED)
    nested = {}
    for line in inner:
        if line == _READ_ONLY:
            continue
        folder, _, name = line.partition(" ")
        nested[bytes.fromhex(folder)] = name
    return first, nested


def _join(first: str | None, nested: dict[bytes, str], *, read_only: bool) -> str | None:
    if first is None:
        return None
    lines = [f"{folder.hex()} {name}" for folder, name in nested.items()]
    return _NESTED.join([first, *sorted([*lines, *([_READ_ONLY] if read_only else [])])])


def _words(error: OSError) -> str | None:
    """Why a folder cannot be looked at; None when that is not permitted."""
    return None if isinstance(error, PermissionError) else error.strerror or str(error)


def _is_read_only(identity: str | None) -> bool:
    return identity is not None and _READ_ONLY in identity.split(_NESTED)


def _freeze(remembered: str | None, detail: str) -> Verdict:
    return Verdict(frozen=True, detail=detail, identity=remembered)


def _holds_none(mount: Mount | None) -> bool:
    return mount is not None and mount.fstype in PSEUDO


def _refuse(reason: str, cure: str, path: str) -> InvalidRequest:
    detail = f"{display_path(os.fsencode(path))!r} cannot be a volume: {reason}."
    return InvalidRequest(detail, cure=cure, fields={"path": reason})


def _covers(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
