"""Hints from inotify, by watchdog's `InotifyFD`.

watchdog's observers watch every folder, also the ignored ones, swallow the error when there are no watches
left, and keep an overflow to themselves. One floor below them, `InotifyFD` reads the events and leaves the
choice of folders to its callers, which is what is needed here: only folders that are read are watched, each
by its own callback, and losses are told.

Reading makes no events that are asked for, so our own reading is no echo.
"""

from __future__ import annotations

import errno
import itertools
import logging
import os
import threading
from collections.abc import Callable

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchDescriptor,
)

from nasd.domain.files import display_path
from nasd.watch.base import Hint
from nasd.watch.budget import NO_INSTANCES, NO_WATCHES, WatchBudget
from nasd.watch.rules import Rules
from nasd.watch.scan import holds_files, list_folder

log = logging.getLogger(__name__)

_MASK = Mask(
    InotifyConstants.IN_CREATE
    | InotifyConstants.IN_MODIFY
    | InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_ATTRIB
    | InotifyConstants.IN_MOVE
    | InotifyConstants.IN_DELETE
    | InotifyConstants.IN_DELETE_SELF
    | InotifyConstants.IN_MOVE_SELF
    | InotifyConstants.IN_ONLYDIR
    | InotifyConstants.IN_DONT_FOLLOW
    | InotifyConstants.IN_EXCL_UNLINK
)
_REWRITTEN = InotifyConstants.IN_CLOSE_WRITE | InotifyConstants.IN_MOVE | InotifyConstants.IN_DELETE
_SETTLED = InotifyConstants.IN_CLOSE_WRITE | InotifyConstants.IN_MOVED_TO
_ids = itertools.count(1)


class WatchdogWatcher:
    """A `Watcher` of one folder and all folders in it that its rules do not ignore.

    `rules` are those of the volume's root; ignore files are read on the way. When watching breaks down while
    it runs (the folder itself gone, an error that nobody foresaw), `trouble` says so in a sentence and a hint
    of the tree concerned goes out; from then on the volume has to be polled. Where watches run out, the
    folders without one are `unwatched`.
    """

    def __init__(self, rules: Rules | None = None, *, budget: WatchBudget | None = None) -> None:
        self.trouble: str | None = None
        self._rules = rules or Rules.build()
        self._budget = budget or WatchBudget()
        self._lock = threading.Lock()
        self._inotify: InotifyFD | None = None
        self._top: _Folder | None = None
        self._base = b""
        self._device = 0
        self._on_hint: Callable[[Hint], None] = _ignore
        self._stopping = False
        self._unwatched: set[bytes] = set()
        self._left: tuple[int, Hint] | None = None  # the cookie of the last move, and where it came from

    @property
    def watches(self) -> int:
        """How many folders are watched."""
        with self._lock:
            return _count(self._top)

    @property
    def unwatched(self) -> tuple[bytes, ...]:
        """The topmost folders that no watch was left for, in the order of their paths."""
        with self._lock:
            return tuple(sorted(self._unwatched))

    def widen(self) -> None:
        """Watches what it can of the folders that are not watched; those that come to be watched have to be
        looked at once more after that."""

        def handle() -> tuple[Hint, ...]:
            hints = []
            for path in sorted(self._unwatched):
                parent = self._find(path.rpartition(b"/")[0])
                if parent is None or self._budget.left == 0:
                    continue
                self._unwatched.discard(path)
                self._watch(parent, path.rpartition(b"/")[2], path, parent.rules)
                hints.append(Hint(path=path, tree=True))
            return tuple(hints)

        if self._unwatched:
            self._guarded(handle, b"")

    def start(self, root: str, on_hint: Callable[[Hint], None]) -> None:
        """Watches a folder; returns when all of it is watched. `on_hint` is called from a thread.

        Raises OSError: ENOSPC when not even the folder itself can be watched, EMFILE when there are too many
        inotify instances, others when the folder cannot be watched. Then nothing is left behind.
        """
        if self._inotify is not None:
            raise RuntimeError("a watcher is started once")
        self._base = os.fsencode(root)
        self._on_hint = on_hint
        try:
            self._inotify = InotifyFD()
        except OSError as error:
            if error.errno == errno.EMFILE:
                raise OSError(errno.EMFILE, NO_INSTANCES) from None
            raise
        self._inotify.start()
        try:
            self._device = os.lstat(_below(self._base, b".")).st_dev
            with self._lock:
                self._watch(None, b"", b"", self._rules)
        except OSError:
            self.stop()
            raise

    def stop(self) -> None:
        """Returns when no further hint can come."""
        self._stopping = True
        inotify = self._inotify
        if inotify is None:
            return
        inotify.stop()
        if threading.current_thread() is not inotify:
            inotify.join()
        with self._lock:
            self._release(self._top)
            self._top = None

    # Everything below runs with the lock held, in the thread of `start` or of inotify.

    def _watch(self, parent: _Folder | None, name: bytes, path: bytes, rules: Rules) -> _Folder | None:
        """Watches a folder, then those in it: in this order, so that what comes between is told as an event.
        Returns None when it is not there, or may not be entered."""
        top = self._add(parent, name, path, rules)
        waiting = [top] if top else []
        while waiting and not self._stopping:
            folder = waiting.pop()
            try:
                folder.rules, keys = list_folder(self._base, folder.path, folder.outer)
            except OSError:
                continue  # a scan says what is wrong there; a change of its permissions is an event
            for key in keys:
                inner = _below(folder.path, key[:-1])
                if key.endswith(b"/") and self._wanted(folder, inner):
                    child = self._add(folder, key[:-1], inner, folder.rules)
                    if child:
                        waiting.append(child)
        return top

    def _add(self, parent: _Folder | None, name: bytes, path: bytes, rules: Rules) -> _Folder | None:
        if not self._budget.take():
            if parent is None:
                raise OSError(errno.ENOSPC, NO_WATCHES)
            self._unwatched.add(path)
            return None
        folder = _Folder(self, parent, name, path, rules)
        assert self._inotify is not None
        try:
            folder.descriptor = self._inotify.add_callback(_below(self._base, path), _MASK, folder, folder.id)
        except OSError as error:
            self._budget.give()
            if error.errno == errno.ENOSPC and parent is not None:
                self._unwatched.add(path)
                return None
            if parent is None:
                if error.errno == errno.ENOSPC:
                    raise OSError(errno.ENOSPC, NO_WATCHES) from None
                raise
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                self.trouble = f"{display_path(path)!r} cannot be watched: {error.strerror}."
            return None
        if folder.descriptor == -1:  # how watchdog tells EACCES
            self._inotify.remove_callbacks([(folder.descriptor, folder.id)])
            self._budget.give()
            if parent is None:
                raise PermissionError(errno.EACCES, "the folder may not be read by the user nasd runs as")
            return None
        if parent is None:
            self._top = folder
        else:
            parent.children[name] = folder
        return folder

    def _wanted(self, folder: _Folder, path: bytes) -> bool:
        return not folder.rules.ignores(path, folder=True) and holds_files(self._base, path, self._device)

    def _find(self, path: bytes) -> _Folder | None:
        """The watched folder at a path."""
        folder = self._top
        for name in path.split(b"/") if path else ():
            folder = folder.children.get(name) if folder else None
        return folder

    def _forget_unwatched(self, below: bytes) -> None:
        if self._unwatched:
            inside = below + b"/"
            self._unwatched = {
                path for path in self._unwatched if below and path != below and not path.startswith(inside)
            }

    def _release(self, folder: _Folder | None) -> None:
        """Ends the watches of a folder and of all in it."""
        if folder is not None:
            self._forget_unwatched(folder.path)
        waiting = [folder] if folder else []
        removed = []
        while waiting:
            one = waiting.pop()
            waiting.extend(one.children.values())
            one.children = {}
            if one.alive:
                one.alive = False
                self._budget.give()
                removed.append((one.descriptor, one.id))
        if folder and folder.parent and folder.parent.children.get(folder.name) is folder:
            del folder.parent.children[folder.name]
        if self._inotify is not None and not self._stopping:
            self._inotify.remove_callbacks(removed)

    def _handle(self, folder: _Folder, event: InotifyEvent) -> tuple[Hint, ...]:
        hint = self._hint(folder, event)
        hints = (hint,) if hint else ()
        if event.is_moved_from and hint:
            self._left = (event.cookie, hint)
        elif event.is_moved_to and self._left and self._left[0] == event.cookie:
            # told once more, so that both ends are due together however long it took to watch the new one
            return (self._left[1], *hints)
        return hints

    def _hint(self, folder: _Folder, event: InotifyEvent) -> Hint | None:
        if not event.name:
            return self._handle_self(folder, event)
        path = _below(folder.path, event.name)
        if event.mask & InotifyConstants.IN_ISDIR:
            return self._handle_folder(folder, event, path)
        if event.name in folder.outer.names and event.mask & _REWRITTEN:
            return self._renew(folder)
        gone = event.is_delete or event.is_moved_from
        return Hint(path=path, closed=bool(event.mask & _SETTLED), gone=gone)

    def _handle_self(self, folder: _Folder, event: InotifyEvent) -> Hint | None:
        if event.mask & InotifyConstants.IN_UNMOUNT or (
            folder.parent is None and (event.is_delete_self or event.is_move_self)
        ):
            if folder.parent is None:
                self.trouble = "The volume's folder was moved, deleted or unmounted."
            return Hint(path=folder.path, tree=True)
        return None

    def _handle_folder(self, folder: _Folder, event: InotifyEvent, path: bytes) -> Hint | None:
        present = folder.children.get(event.name)
        if event.is_delete or event.is_moved_from:
            self._release(present)
            self._forget_unwatched(path)
            return Hint(path=path, tree=True, gone=True)
        came = event.is_create or event.is_moved_to
        if not (came or event.is_attrib) or not self._wanted(folder, path):
            return None
        if event.is_moved_to:
            self._release(present)
            present = None
            if self._left and self._left[0] == event.cookie:
                # To watch a large folder takes a while. If the old place were looked at alone meanwhile, all
                # that was in it would seem deleted.
                for hint in (self._left[1], Hint(path=path, tree=True)):
                    self._on_hint(hint)
        if present is None and path not in self._unwatched:
            present = self._watch(folder, event.name, path, folder.rules)
            came = came or present is not None
        return Hint(path=path, tree=True) if came else None

    def _renew(self, folder: _Folder) -> Hint:
        """Other rules hold below a folder: what they take in must be watched, what they keep out no more."""
        for child in list(folder.children.values()):
            self._release(child)
        self._forget_unwatched(folder.path)
        try:
            folder.rules, keys = list_folder(self._base, folder.path, folder.outer)
        except OSError:
            return Hint(path=folder.path, tree=True)
        for key in keys:
            path = _below(folder.path, key[:-1])
            if key.endswith(b"/") and self._wanted(folder, path):
                self._watch(folder, key[:-1], path, folder.rules)
        return Hint(path=folder.path, tree=True)

    def _recover(self) -> tuple[Hint, ...]:
        """Events were lost, and with them perhaps moves of folders: all watches are made anew."""
        self._release(self._top)
        self._top = None
        if not self._stopping:
            self._watch(None, b"", b"", self._rules)
        return (Hint(path=b"", tree=True),)

    def _guarded(self, handle: Callable[[], tuple[Hint, ...]], otherwise: bytes) -> None:
        """One event: whatever goes wrong, what it spoke of is looked at, and the thread lives on."""
        with self._lock:
            if self._stopping:
                return
            try:
                hints = handle()
            except OSError as error:
                self.trouble = f"Not all folders can be watched: {error.strerror or error}."
                hints = (Hint(path=otherwise, tree=True),)
            except Exception:
                log.exception("an event could not be handled")
                self.trouble = "Watching failed; the log says how."
                hints = (Hint(path=b"", tree=True),)
        for hint in hints:
            if not self._stopping:
                self._on_hint(hint)


class _Folder:
    """A watched folder: the callback that its events come to. `outer` are the rules it was met with, `rules`
    those for what is in it."""

    __slots__ = (
        "alive",
        "children",
        "descriptor",
        "id",
        "name",
        "outer",
        "parent",
        "path",
        "rules",
        "watcher",
    )

    def __init__(
        self, watcher: WatchdogWatcher, parent: _Folder | None, name: bytes, path: bytes, rules: Rules
    ) -> None:
        self.watcher = watcher
        self.parent = parent
        self.name = name
        self.path = path
        self.outer = self.rules = rules
        self.children: dict[bytes, _Folder] = {}
        self.alive = True
        self.id = CallbackId(next(_ids))
        self.descriptor = WatchDescriptor(-1)

    def on_event(self, event: InotifyEvent) -> None:
        def handle() -> tuple[Hint, ...]:
            return self.watcher._handle(self, event) if self.alive else ()

        self.watcher._guarded(handle, self.path)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        def handle() -> tuple[Hint, ...]:
            if self.descriptor == wd:
                self.watcher._release(self)
            return ()

        self.watcher._guarded(handle, self.path)

    def on_queue_overflow(self) -> None:
        if self.parent is None and self.alive:  # once for all folders
            log.warning("events were lost below %s: looking at all of it", display_path(self.watcher._base))
            self.watcher._guarded(self.watcher._recover, b"")


def _below(folder: bytes, name: bytes) -> bytes:
    if not name:
        return folder
    return folder + (b"" if not folder or folder.endswith(b"/") else b"/") + name


def _count(folder: _Folder | None) -> int:
    waiting = [folder] if folder else []
    count = 0
    while waiting:
        count += 1
        waiting.extend(waiting.pop().children.values())
    return count


def _ignore(hint: Hint) -> None:
    """Before a watcher is started nobody listens."""
