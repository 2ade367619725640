"""Real inotify on real folders. A marker file closes each wait: events come in order, so when its hint is
there, all earlier ones are."""

from __future__ import annotations

import errno
import os
import shutil
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, Mask, WatchDescriptor

from nasd.watch.base import Hint, Watcher
from nasd.watch.budget import WatchBudget, max_user_watches
from nasd.watch.open import open_file
from nasd.watch.rules import Rules
from nasd.watch.scan import scan
from nasd.watch.watchdog_source import WatchdogWatcher

PATIENCE_S = 30.0


class Listening:
    def __init__(self, root: Path, *, rules: Rules | None = None, budget: WatchBudget | None = None) -> None:
        self.root = root
        self.watcher = WatchdogWatcher(rules, budget=budget)
        self._hints: list[Hint] = []
        self._came = threading.Condition()
        self._markers = 0
        self.watcher.start(str(root), self._take)

    def _take(self, hint: Hint) -> None:
        with self._came:
            self._hints.append(hint)
            self._came.notify_all()

    def wait_for(self, condition: Callable[[list[Hint]], bool]) -> list[Hint]:
        with self._came:
            assert self._came.wait_for(lambda: condition(self._hints), PATIENCE_S), self._hints
            hints, self._hints = self._hints, []
        return hints

    def hints(self) -> list[Hint]:
        """Those since the last call."""
        self._markers += 1
        marker = f"marker-{self._markers}"
        (self.root / marker).mkdir()
        hints = self.wait_for(lambda hints: any(hint.path == marker.encode() for hint in hints))
        return [hint for hint in hints if not hint.path.startswith(b"marker-")]

    def paths(self) -> set[bytes]:
        return {hint.path for hint in self.hints()}


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    folder = tmp_path / "volume"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "file.txt").write_text("text")
    return folder


@pytest.fixture
def listening(volume: Path) -> Iterator[Listening]:
    listening = Listening(volume)
    yield listening
    listening.watcher.stop()


def test_it_is_a_watcher() -> None:
    watcher: Watcher = WatchdogWatcher()
    watcher.stop()
    assert watcher.trouble is None


def test_a_saved_file_is_told_and_that_it_was_closed(listening: Listening, volume: Path) -> None:
    (volume / "a" / "b" / "new.txt").write_text("text")
    hints = listening.hints()
    assert {hint.path for hint in hints} == {b"a/b/new.txt"}
    assert hints[-1].closed
    assert not any(hint.tree or hint.gone for hint in hints)


def test_reading_is_no_echo(listening: Listening, volume: Path) -> None:
    handle = open_file(str(volume), b"a/file.txt")
    os.read(handle, 100)
    os.close(handle)
    (volume / "a" / "file.txt").read_text()
    assert len(list(scan(str(volume), Rules.build()))) == 1
    assert listening.hints() == []


def test_changes_of_rights_and_links_are_told(listening: Listening, volume: Path) -> None:
    (volume / "a" / "file.txt").chmod(0o600)
    os.link(volume / "a" / "file.txt", volume / "a" / "b" / "hard.txt")
    assert {b"a/file.txt", b"a/b/hard.txt"} <= listening.paths()


def test_deletion_is_told_as_such(listening: Listening, volume: Path) -> None:
    (volume / "a" / "file.txt").unlink()
    assert listening.hints() == [Hint(path=b"a/file.txt", gone=True)]
    shutil.rmtree(volume / "a")
    assert Hint(path=b"a", tree=True, gone=True) in listening.hints()
    assert listening.watcher.watches == 3  # the volume and two markers


def test_a_moved_file_is_told_at_both_ends(listening: Listening, volume: Path) -> None:
    (volume / "a" / "file.txt").rename(volume / "moved.txt")
    hints = listening.hints()
    assert hints[-2:] == [Hint(path=b"a/file.txt", gone=True), Hint(path=b"moved.txt", closed=True)]


def test_a_moved_folder_is_watched_at_its_new_place(listening: Listening, volume: Path) -> None:
    (volume / "a").rename(volume / "z")
    hints = listening.hints()
    assert hints[-2:] == [Hint(path=b"a", tree=True, gone=True), Hint(path=b"z", tree=True)]
    (volume / "z" / "b" / "later.txt").write_text("text")
    assert listening.paths() == {b"z/b/later.txt"}


def test_both_ends_of_a_moved_folder_are_told_before_it_is_watched(
    listening: Listening, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For that may take long, and the old end looked at alone meanwhile would seem deleted."""
    told_before: list[list[Hint]] = []
    add = listening.watcher._add

    def slow(parent: Any, name: bytes, path: bytes, rules: Rules) -> Any:
        if path == b"z":
            told_before.append(list(listening._hints))
        return add(parent, name, path, rules)

    monkeypatch.setattr(listening.watcher, "_add", slow)
    (volume / "a").rename(volume / "z")
    listening.hints()
    assert told_before[0][-2:] == [Hint(path=b"a", tree=True, gone=True), Hint(path=b"z", tree=True)]


def test_a_folder_moved_into_one_that_was_just_made(listening: Listening, volume: Path) -> None:
    (volume / "new").mkdir()
    (volume / "a").rename(volume / "new" / "a")
    listening.hints()
    (volume / "new" / "a" / "b" / "later.txt").write_text("text")
    assert listening.paths() == {b"new/a/b/later.txt"}
    assert listening.watcher.watches == 6


def test_what_is_moved_in_and_out(listening: Listening, volume: Path, tmp_path: Path) -> None:
    (tmp_path / "outside" / "deep").mkdir(parents=True)
    (tmp_path / "outside").rename(volume / "inside")
    (volume / "a").rename(tmp_path / "away")
    assert {Hint(path=b"inside", tree=True), Hint(path=b"a", tree=True, gone=True)} <= set(listening.hints())
    (tmp_path / "away" / "b" / "x").write_text("not ours any more")
    (volume / "inside" / "deep" / "y").write_text("ours")
    assert listening.paths() == {b"inside/deep/y"}


def test_a_new_folder_is_watched_with_all_that_came_at_once(listening: Listening, volume: Path) -> None:
    (volume / "1" / "2" / "3").mkdir(parents=True)
    (volume / "1" / "2" / "3" / "x").write_text("text")
    assert any(hint.tree and b"1/2/3".startswith(hint.path) for hint in listening.hints())
    (volume / "1" / "2" / "3" / "y").write_text("text")
    assert listening.paths() == {b"1/2/3/y"}


def test_names_that_are_not_utf8(listening: Listening, volume: Path) -> None:
    folder = os.path.join(os.fsencode(volume), b"bad-\xff")
    os.mkdir(folder)
    assert listening.paths() == {b"bad-\xff"}
    with open(os.path.join(folder, b"\xfe.txt"), "w") as file:
        file.write("text")
    assert listening.paths() == {b"bad-\xff/\xfe.txt"}


def test_ignored_folders_take_no_watch_and_give_no_hint(volume: Path) -> None:
    (volume / "node_modules" / "deep").mkdir(parents=True)
    (volume / ".nasdignore").write_text("/private/\n")
    (volume / "private").mkdir()
    listening = Listening(volume)
    try:
        assert listening.watcher.watches == 3
        (volume / "node_modules" / "x").write_text("text")
        (volume / "private" / "x").write_text("text")
        (volume / "a" / "__pycache__").mkdir()
        assert listening.hints() == []
        assert listening.watcher.watches == 4  # with the marker
    finally:
        listening.watcher.stop()


def test_other_rules_change_what_is_watched(listening: Listening, volume: Path) -> None:
    (volume / ".nasdignore").write_text("/a/\n")
    assert Hint(path=b"", tree=True) in listening.hints()
    (volume / "a" / "x").write_text("text")
    assert listening.hints() == []
    (volume / ".nasdignore").unlink()
    assert Hint(path=b"", tree=True) in listening.hints()
    (volume / "a" / "b" / "y").write_text("text")
    assert listening.paths() == {b"a/b/y"}


def test_links_are_not_followed(listening: Listening, volume: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (volume / "link").symlink_to(tmp_path / "outside")
    (volume / "loop").symlink_to(volume)
    listening.hints()
    (tmp_path / "outside" / "x").write_text("text")
    assert listening.hints() == []


def test_lost_events_make_all_of_it_a_hint_and_all_watches_new(listening: Listening, volume: Path) -> None:
    inotify = listening.watcher._inotify
    assert inotify is not None
    before = listening.watcher.watches
    inotify.handle_event(InotifyEvent(WatchDescriptor(-1), Mask(InotifyConstants.IN_Q_OVERFLOW), 0, b""))
    assert listening.wait_for(bool) == [Hint(path=b"", tree=True)]
    assert listening.watcher.watches == before
    (volume / "a" / "b" / "x").write_text("text")
    assert listening.paths() == {b"a/b/x"}


def test_without_a_single_watch_it_is_refused_with_a_cure(volume: Path) -> None:
    budget = WatchBudget(0)
    with pytest.raises(OSError, match=r"max_user_watches.*poll") as caught:
        Listening(volume, budget=budget)
    assert caught.value.errno == errno.ENOSPC
    assert budget.used == 0


def test_where_watches_run_out_only_the_rest_is_unwatched(volume: Path) -> None:
    (volume / "c" / "d" / "e").mkdir(parents=True)
    budget = WatchBudget(4)  # the volume, a, a/b or c, c/d: whatever comes first, one branch is left over
    listening = Listening(volume, budget=budget)
    try:
        unwatched = listening.watcher.unwatched
        assert listening.watcher.trouble is None
        assert unwatched and listening.watcher.watches == 4
        folders = {b"a", b"a/b", b"c", b"c/d", b"c/d/e"}
        hidden = {one for one in folders for top in unwatched if one == top or one.startswith(top + b"/")}
        assert len(folders - hidden) == 3, "the volume itself has the fourth"
        for folder in folders:
            (volume / os.fsdecode(folder) / "new.txt").write_text("text")
        seen = listening.paths()
        assert {one + b"/new.txt" for one in folders - hidden} <= seen
        assert not {one + b"/new.txt" for one in hidden} & seen

        (volume / "more" / "still").mkdir(parents=True)
        assert b"more" in listening.paths()
        assert b"more" in listening.watcher.unwatched
        shutil.rmtree(volume / "more")
        listening.hints()
        assert b"more" not in listening.watcher.unwatched
    finally:
        listening.watcher.stop()
    assert budget.used == 0


def test_what_was_unwatched_is_watched_when_there_is_room_again(volume: Path) -> None:
    budget = WatchBudget(2)
    listening = Listening(volume, budget=budget)
    try:
        assert listening.watcher.unwatched == (b"a/b",)
        budget.limit = 10
        listening.watcher.widen()
        assert Hint(path=b"a/b", tree=True) in listening.hints(), "what came before is looked at once"
        assert listening.watcher.unwatched == ()
        (volume / "a" / "b" / "x").write_text("text")
        assert listening.paths() == {b"a/b/x"}
    finally:
        listening.watcher.stop()
    assert budget.used == 0


def test_a_folder_that_goes_away_is_trouble(listening: Listening, volume: Path, tmp_path: Path) -> None:
    volume.rename(tmp_path / "elsewhere")
    assert Hint(path=b"", tree=True) in listening.wait_for(bool)
    assert listening.watcher.trouble is not None


def test_a_missing_folder_or_a_file_cannot_be_watched(volume: Path) -> None:
    for path in (volume / "missing", volume / "a" / "file.txt"):
        with pytest.raises(OSError, match="directory"):
            Listening(path)


def test_nothing_comes_after_stop_and_nothing_is_left(volume: Path) -> None:
    handles, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    budget = WatchBudget()
    listening = Listening(volume, budget=budget)
    listening.hints()
    listening.watcher.stop()
    (volume / "a" / "x").write_text("text")
    assert listening._hints == []
    assert budget.used == 0
    assert len(os.listdir("/proc/self/fd")) == handles
    assert threading.active_count() == threads


def test_a_storm_of_moves_leaves_every_folder_watched(listening: Listening, volume: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for turn in range(40):
            (volume / f"n{turn}").mkdir()
            (volume / "a").rename(volume / f"n{turn}" / "a")
            (volume / f"n{turn}" / "a").rename(volume / "a")
            if turn % 3 == 0:
                shutil.rmtree(volume / f"n{turn}")
        listening.hints()
    assert listening.watcher.trouble is None
    (volume / "a" / "b" / "x").write_text("text")
    assert listening.paths() == {b"a/b/x"}
    folders = sum(len(inner) for _, inner, _ in os.walk(volume)) + 1
    assert listening.watcher.watches == folders


def test_the_budget_is_half_of_what_the_kernel_gives() -> None:
    assert WatchBudget().limit == max_user_watches() // 2 > 0
