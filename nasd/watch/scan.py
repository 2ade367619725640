"""Looking at what is on a volume. Only names and stats are read here, and the ignore files on the way.

Entries come in the order of their paths' bytes, so that a scan can be compared with the catalogue row by row
in little memory. Links are not followed, so there are no loops. Filesystems mounted inside a volume belong to
it, except those that hold no files, such as proc.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator

from nasd.domain.files import FileStat, display_path, file_stat
from nasd.watch.base import ScanProblem, Skipped
from nasd.watch.mounts import PSEUDO, mount_of, read_mounts
from nasd.watch.open import look
from nasd.watch.rules import Decision, Rules

_LARGEST_IGNORE_FILE = 256 * 1024
_LOOK_UP_EVERY = 1024  # files between two looks at should_stop


def scan(
    root: str,
    rules: Rules,
    *,
    below: bytes = b"",
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[FileStat | Skipped | ScanProblem]:
    """All regular files of a volume, or of the part of it at `below`, which may also be a single file.

    `rules` are those of the volume's root. What lies in an ignored folder is not met at all. A folder that
    cannot be listed, or whose ignore files cannot be read, is one ScanProblem: nothing is known below it. A
    scan that is told to stop, or on whose way another disk came to lie at the volume's path, ends with a
    ScanProblem for all that it was to look at.
    """
    base = os.fsencode(root)
    try:
        ground = os.lstat(_join(base, b"."))
        if below:
            found = look(root, below)
            outer = descend(root, rules, below) if found else rules
            if found is None or isinstance(outer, Decision):
                return
            rules = outer
            if stat.S_ISREG(found.st_mode):
                yield _judged(file_stat(below, found), rules)
                return
            if not stat.S_ISDIR(found.st_mode) or rules.ignores(below, folder=True):
                return
    except OSError as error:
        yield ScanProblem(path=below, detail=_sentence(below, error))
        return
    yield from _walk(base, below, rules, ground, should_stop)


def _walk(
    base: bytes, top: bytes, rules: Rules, ground: os.stat_result, should_stop: Callable[[], bool]
) -> Iterator[FileStat | Skipped | ScanProblem]:
    """`ground` is the stat of the volume's folder at the beginning."""
    waiting: list[tuple[bytes, Rules, Iterator[bytes]]] = []
    met = 0

    def enter(folder: bytes, rules: Rules) -> Iterator[ScanProblem]:
        try:
            inner, keys = list_folder(base, folder, rules)
        except FileNotFoundError as error:
            if folder == top:
                yield ScanProblem(path=folder, detail=_sentence(folder, error))
            elif moved := _other_ground(base, ground):
                yield ScanProblem(path=top, detail=moved)
        except OSError as error:
            yield ScanProblem(path=folder, detail=_sentence(folder, error))
        else:
            waiting.append((folder + b"/" if folder else b"", inner, iter(keys)))

    yield from enter(top, rules)
    while waiting:
        prefix, inner, keys = waiting[-1]
        for key in keys:
            met += 1
            if met % _LOOK_UP_EVERY == 0 and should_stop():
                yield ScanProblem(path=top, detail="The scan was stopped before its end.")
                return
            path = prefix + key
            if key.endswith(b"/"):
                path = path[:-1]
                if inner.ignores(path, folder=True):
                    continue
                if not holds_files(base, path, ground.st_dev):
                    continue
                if should_stop():
                    yield ScanProblem(path=top, detail="The scan was stopped before its end.")
                    return
                yield from enter(path, inner)
                break
            try:
                found = os.lstat(_join(base, path))
            except (FileNotFoundError, NotADirectoryError):
                # Gone since its folder was listed, or its whole disk is: perhaps for a moment only.
                if moved := _other_ground(base, ground):
                    yield ScanProblem(path=top, detail=moved)
                    return
                continue
            except OSError as error:
                yield ScanProblem(path=path, detail=_sentence(path, error))
                continue
            if stat.S_ISREG(found.st_mode):
                yield _judged(file_stat(path, found), inner)
        else:
            waiting.pop()
    if moved := _other_ground(base, ground):
        yield ScanProblem(path=top, detail=moved)


def _other_ground(base: bytes, ground: os.stat_result) -> str | None:
    """What to say when another folder lies at the volume's path than at the beginning: then a file that is
    not found is not gone."""
    try:
        now = os.lstat(_join(base, b"."))
    except OSError as error:
        return _sentence(b"", error)
    if (now.st_dev, now.st_ino) == (ground.st_dev, ground.st_ino):
        return None
    return "While the volume was scanned, its disk was unmounted or replaced."


def list_folder(base: bytes, folder: bytes, rules: Rules) -> tuple[Rules, list[bytes]]:
    """The rules inside a folder, and its regular files and folders (with a slash at the end) in the order in
    which their paths sort. Raises OSError when the folder or an ignore file in it cannot be read."""
    keys = []
    ignoring = []
    with os.scandir(_join(base, folder)) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                keys.append(entry.name)
                if entry.name in rules.names:
                    ignoring.append(entry.name)
            elif entry.is_dir(follow_symlinks=False):
                keys.append(entry.name + b"/")
    keys.sort()
    texts = {name: _read_ignore_file(base, folder, name) for name in ignoring}
    return rules.enter(folder, texts), keys


def descend(root: str, rules: Rules, path: bytes) -> Rules | Decision:
    """The rules of the folder that holds `path`, or the decision that ignores a folder above it.

    Raises OSError when an ignore file on the way cannot be read.
    """
    base = os.fsencode(root)
    above = b""
    for name in path.split(b"/"):
        if above:
            decision = rules.ignores(above, folder=True)
            if decision:
                return decision
        texts = {}
        for ignoring in rules.names:
            try:
                if stat.S_ISREG(os.lstat(_join(base, _join(above, ignoring))).st_mode):
                    texts[ignoring] = _read_ignore_file(base, above, ignoring)
            except (FileNotFoundError, NotADirectoryError):
                continue
        rules = rules.enter(above, texts)
        above = _join(above, name)
    return rules


def explain(root: str, rules: Rules, path: bytes, *, folder: bool = False) -> Decision | None:
    """The decision about one path of a volume, from whichever rule speaks first on the way down to it; None:
    no rule speaks of it. `decision.ignored` tells whether it is kept out.

    Raises OSError when an ignore file on the way cannot be read.
    """
    rules_or_decision = descend(root, rules, path)
    if isinstance(rules_or_decision, Decision):
        return rules_or_decision
    return rules_or_decision.decide(path, folder=folder)


def _judged(seen: FileStat, rules: Rules) -> FileStat | Skipped:
    decision = rules.ignores(seen.path, folder=False)
    return Skipped(stat=seen, rule=str(decision)) if decision else seen


def holds_files(base: bytes, path: bytes, device: int) -> bool:
    """Whether a folder is to be entered: not if it is a link by now, or the mount point of a filesystem like
    proc. `device` is that of the volume's root. True when it cannot be told: entering it will."""
    try:
        found = os.lstat(_join(base, path))
    except OSError:
        return True
    if not stat.S_ISDIR(found.st_mode):
        return False
    if found.st_dev == device:
        return True
    mount = mount_of(os.path.realpath(_join(base, path)), read_mounts())
    return mount is None or mount.fstype not in PSEUDO


def _read_ignore_file(base: bytes, folder: bytes, name: bytes) -> bytes:
    """An ignore file's content. One that cannot be read hides its folder: to read what its owner wanted kept
    out is worse than to read too little."""
    path = _join(base, _join(folder, name))
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb", closefd=True) as file:  # noqa: PTH123 - a handle, not a path
        content = file.read(_LARGEST_IGNORE_FILE + 1)
    if len(content) > _LARGEST_IGNORE_FILE:
        raise OSError(errno.EFBIG, f"{display_path(name)} is larger than {_LARGEST_IGNORE_FILE // 1024} KiB")
    return content


def _join(base: bytes, path: bytes) -> bytes:
    if not base or not path:
        return base or path
    return base + path if base.endswith(b"/") else base + b"/" + path


def _sentence(path: bytes, error: OSError) -> str:
    reason = error.strerror or "it cannot be read"
    where = f"{display_path(path)!r}" if path else "The volume's folder"
    return f"{where} cannot be looked at: {reason}."
