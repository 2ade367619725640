"""Opening one file of a volume so that nothing else can be opened in its place.

Each folder on the way is opened by name within the one above it, without following links, so that no link
and no folder swapped meanwhile leads out of the volume. (Filesystems mounted within it are entered.)
"""

from __future__ import annotations

import errno
import os
import stat

from nasd.domain.files import FileStat, file_stat
from nasd.errors import ReadError

_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class NotInVolume(OSError):
    """The path leads nowhere within the volume: a part of it is missing, a link or not a folder."""


def observe(root: str, path: bytes) -> FileStat | None:
    """What is at one path of a volume; None when no regular file is there (nothing, a folder, a link, a pipe,
    or a way to it that leads through a link).

    Raises OSError when that cannot be told: the volume's folder is missing, a folder on the way cannot be
    entered, the disk fails. Then nothing may be concluded.
    """
    found = look(root, path)
    return file_stat(path, found) if found and stat.S_ISREG(found.st_mode) else None


def look(root: str, path: bytes) -> os.stat_result | None:
    """The stat of whatever is at one path, a link as itself; None when nothing is there, or when the way to
    it leads through a link. Raises OSError as `observe` does."""
    try:
        folder, name = _enter(root, path)
    except NotInVolume:
        return None
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ENAMETOOLONG):
            return None
        raise
    finally:
        os.close(folder)


def open_file(root: str, path: bytes, expected: FileStat | None = None) -> int:
    """A file descriptor to read a regular file by, which the caller closes. The access time is left alone
    where the kernel permits. A pipe or device put in the file's place does not block.

    Raises ReadError: "changing" when it is gone or not what `expected` says (size, times and inode), else
    "unreadable".
    """
    try:
        folder, name = _enter(root, path)
    except NotInVolume:
        raise _changing("The file is not there any more.") from None
    except OSError as error:
        raise _unreadable(error) from error
    try:
        handle = _open(folder, name)
    except FileNotFoundError:
        raise _changing("The file is not there any more.") from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EISDIR):
            raise _not_regular() from None
        if error.errno == errno.EWOULDBLOCK:
            raise _changing("The file is held by another program just now.") from None
        raise _unreadable(error) from error
    finally:
        os.close(folder)
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise _not_regular()
    if expected is not None and file_stat(path, found) != expected:
        os.close(handle)
        raise _changing("The file has changed since it was looked at.")
    return handle


def unchanged(handle: int, expected: FileStat) -> bool:
    """Whether an open file still is what was expected: to be asked after its last byte was read."""
    return file_stat(expected.path, os.fstat(handle)) == expected


def _enter(root: str, path: bytes) -> tuple[int, bytes]:
    """A handle of the folder that holds `path`, and the name within it."""
    *folders, name = path.split(b"/")
    if any(part in (b"", b".", b"..") or b"\0" in part for part in (*folders, name)):
        raise NotInVolume(errno.ENOENT, "not a path within a volume")
    handle = os.open(root, _FOLDER)
    for part in folders:
        try:
            inner = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=handle)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG):
                raise NotInVolume(error.errno, error.strerror) from None
            raise
        finally:
            os.close(handle)
        handle = inner
    return handle, name


def _open(folder: int, name: bytes) -> int:
    try:
        return os.open(name, _FILE | os.O_NOATIME, dir_fd=folder)
    except PermissionError as error:
        if error.errno != errno.EPERM:  # EPERM: the access time is not ours to keep
            raise
        return os.open(name, _FILE, dir_fd=folder)


def _changing(detail: str) -> ReadError:
    return ReadError(detail, reason="changing", temporary=True)


def _not_regular() -> ReadError:
    return ReadError("It is not a regular file.", reason="unreadable")


def _unreadable(error: OSError) -> ReadError:
    if error.errno in (errno.EACCES, errno.EPERM):
        return ReadError(
            "The file may not be read by the user that nasd runs as.",
            reason="unreadable",
            temporary=True,
            cure="Give that user read permission on the file and on the folders above it.",
        )
    return ReadError(
        f"The file cannot be opened: {error.strerror or error}.", reason="unreadable", temporary=True
    )
