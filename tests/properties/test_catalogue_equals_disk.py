"""Whatever happens to a volume, and whatever is lost on the way, the catalogue comes to be what is on it."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from nasd.domain.files import VolumeState
from tests.fakes.watched import (
    Killed,
    Passing,
    Watched,
    empty_catalogue,
    patched_observation,
    while_scanning,
)

FOLDERS = ["", "a", "b", "a/c", "b/d/e"]
NAMES = ["x.txt", "y.txt", "z.md", "w", "v.tmp", "x.txt.old"]
TEXTS = [b"", b"heron\n", b"otter\n", b"lynx!\n", b"a longer text of a marmot\n", b"\0\0binary\0"]
IGNORING = [b"*.md\n", b"/a/\n", b"y.*\n!a/y.txt\n"]

folders = st.sampled_from(FOLDERS)
paths = st.builds(os.path.join, folders, st.sampled_from(NAMES))
texts = st.sampled_from(TEXTS)
passing = st.sampled_from(["as they come", "as they come", "as they come", "lost", "doubled"])
templates: list[Path] = []


class CatalogueEqualsDisk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.ground = Path(tempfile.mkdtemp(prefix="nasd-world-", dir=templates[0].parent))
        self.runner = asyncio.Runner()
        self.world: Any = None
        self.mounted = True
        self.lost = False  # hints were, so that only a scan can tell
        self.before: set[bytes] | None = None  # what was known when the disk went

    @initialize(watches=st.sampled_from([1000, 4, 2]))
    def begin(self, watches: int) -> None:
        self.world = Watched(self.ground, catalogue=templates[0], watches=watches)
        self.patch = contextmanager(patched_observation)(lambda: self.world)
        self.patch.__enter__()
        self.runner.run(self.world.open())
        self.runner.run(self.world.settle())

    def path(self, name: str) -> Path:
        return self.world.root / name

    @contextmanager
    def done(self, passing: Passing) -> Any:
        """One change, of which the hints pass as told; impossible ones are no change."""
        self.world.passing = passing
        with suppress(OSError, shutil.Error):
            yield
        self.world.told()
        self.world.passing = "as they come"
        self.lost = self.lost or passing == "lost"

    def told(self) -> None:
        """Whatever was lost, a scan or a start has made good, if there was something to look at."""
        self.lost = self.lost and not self.mounted

    # --- what happens to files ----------------------------------------------------------------------

    @precondition(lambda self: self.mounted)
    @rule(name=paths, text=texts, how=passing)
    def write(self, name: str, text: bytes, how: Passing) -> None:
        with self.done(how):
            self.path(name).parent.mkdir(parents=True, exist_ok=True)
            self.path(name).write_bytes(text)

    @precondition(lambda self: self.mounted)
    @rule(name=paths, text=texts, how=passing)
    def append(self, name: str, text: bytes, how: Passing) -> None:
        with self.done(how), self.path(name).open("ab") as file:
            file.write(text)

    @precondition(lambda self: self.mounted)
    @rule(name=paths, size=st.integers(0, 8), how=passing)
    def truncate(self, name: str, size: int, how: Passing) -> None:
        with self.done(how):
            os.truncate(self.path(name), size)

    @precondition(lambda self: self.mounted)
    @rule(name=paths, how=passing)
    def rewrite_and_put_back_the_time(self, name: str, how: Passing) -> None:
        with self.done(how):
            before = self.path(name).stat()
            data = self.path(name).read_bytes()
            self.path(name).write_bytes(bytes(byte ^ 1 for byte in data))
            os.utime(self.path(name), ns=(before.st_atime_ns, before.st_mtime_ns))

    @precondition(lambda self: self.mounted)
    @rule(name=paths, ahead_s=st.sampled_from([-1e6, 0, 3600]), how=passing)
    def set_time(self, name: str, ahead_s: float, how: Passing) -> None:
        with self.done(how):
            at = self.path(name).stat().st_mtime_ns + int(ahead_s * 1e9)
            os.utime(self.path(name), ns=(at, at))

    @precondition(lambda self: self.mounted)
    @rule(name=paths, text=texts, how=passing)
    def replace(self, name: str, text: bytes, how: Passing) -> None:
        """As programs save: a new file in the place of the old one."""
        with self.done(how):
            part = self.path(name + ".part")
            part.write_bytes(text)
            part.rename(self.path(name))

    @precondition(lambda self: self.mounted)
    @rule(old=paths, new=paths, how=passing)
    def move(self, old: str, new: str, how: Passing) -> None:
        with self.done(how):
            self.path(new).parent.mkdir(parents=True, exist_ok=True)
            self.path(old).rename(self.path(new))

    @precondition(lambda self: self.mounted)
    @rule(old=paths, new=paths, how=passing)
    def swap(self, old: str, new: str, how: Passing) -> None:
        with self.done(how):
            self.path(old).rename(self.path("between"))
            with suppress(OSError):
                self.path(new).rename(self.path(old))
            self.path("between").rename(self.path(new))

    @precondition(lambda self: self.mounted)
    @rule(old=paths, new=paths, how=passing)
    def copy_with_times(self, old: str, new: str, how: Passing) -> None:
        with self.done(how):
            shutil.copy2(self.path(old), self.path(new))

    @precondition(lambda self: self.mounted)
    @rule(old=paths, new=paths, how=passing)
    def link(self, old: str, new: str, how: Passing) -> None:
        with self.done(how):
            os.link(self.path(old), self.path(new))

    @precondition(lambda self: self.mounted)
    @rule(name=paths, how=passing)
    def delete(self, name: str, how: Passing) -> None:
        with self.done(how):
            self.path(name).unlink()

    @precondition(lambda self: self.mounted)
    @rule(name=paths, mode=st.sampled_from([0o600, 0o644, 0o444]), how=passing)
    def chmod(self, name: str, mode: int, how: Passing) -> None:
        with self.done(how):
            self.path(name).chmod(mode)

    @precondition(lambda self: self.mounted)
    @rule(name=paths, kind=st.sampled_from(["pipe", "link", "loop", "folder"]), how=passing)
    def put_what_is_no_file(self, name: str, kind: str, how: Passing) -> None:
        with self.done(how):
            self.path(name).unlink(missing_ok=True)
            if kind == "pipe":
                os.mkfifo(self.path(name))
            elif kind == "folder":
                self.path(name).mkdir()
            else:
                self.path(name).symlink_to("/etc" if kind == "link" else self.world.root)

    # --- what happens to folders ----------------------------------------------------------------------

    @precondition(lambda self: self.mounted)
    @rule(folder=folders, how=passing)
    def make_tree(self, folder: str, how: Passing) -> None:
        with self.done(how):
            (self.path(folder) / "deep" / "er").mkdir(parents=True)
            (self.path(folder) / "deep" / "er" / "x.txt").write_bytes(b"deep\n")

    @precondition(lambda self: self.mounted)
    @rule(folder=st.sampled_from([*FOLDERS[1:], "deep", "a/deep"]), how=passing)
    def remove_tree(self, folder: str, how: Passing) -> None:
        with self.done(how):
            shutil.rmtree(self.path(folder))

    @precondition(lambda self: self.mounted)
    @rule(
        old=st.sampled_from([*FOLDERS[1:], "deep", "a/deep"]),
        into=folders,
        name=st.sampled_from(["a", "b", "moved"]),
        how=passing,
    )
    def move_folder(self, old: str, into: str, name: str, how: Passing) -> None:
        with self.done(how):
            self.path(old).rename(self.path(into) / name)

    @precondition(lambda self: self.mounted)
    @rule(folder=folders, how=passing)
    def come_in_from_outside(self, folder: str, how: Passing) -> None:
        outside = self.ground / "outside"
        shutil.rmtree(outside, ignore_errors=True)
        (outside / "in").mkdir(parents=True)
        (outside / "in" / "y.txt").write_bytes(b"from outside\n")
        with self.done(how):
            outside.rename(self.path(folder) / "came")

    @precondition(lambda self: self.mounted)
    @rule(folder=st.sampled_from(["", "a"]), rules=st.sampled_from(IGNORING), how=passing)
    def ignore(self, folder: str, rules: bytes, how: Passing) -> None:
        with self.done(how):
            (self.path(folder) / ".nasdignore").write_bytes(rules)

    @precondition(lambda self: self.mounted)
    @rule(folder=st.sampled_from(["", "a"]), how=passing)
    def ignore_no_more(self, folder: str, how: Passing) -> None:
        with self.done(how):
            (self.path(folder) / ".nasdignore").unlink()

    # --- what happens to the disk and to the process -----------------------------------------------

    @precondition(lambda self: self.mounted and any(self.world.root.iterdir()))
    @rule(other=st.booleans())
    def unmount(self, other: bool) -> None:
        """An empty folder, or another disk, lies in its place."""
        self.before = self.minded()
        if not self.before:
            # Of a volume of which nothing is known yet, whatever lies there is the volume. What a kill left
            # known may differ from run to run, what a scan finds does not.
            self.scan()
            self.before = self.minded()
        if self.before:
            self.take_away(other)

    def minded(self) -> set[bytes]:
        """The known files for whose sake another disk is not taken for this one: a volume of which all known
        files are left out by rules is as good as a new one."""
        known = self.runner.run(self.world.catalogue())
        return {path for path, outcome in known.items() if outcome[4:] != ("skipped", "rule")}

    def take_away(self, other: bool) -> None:
        self.world.root.rename(self.ground / "away")
        self.world.root.mkdir()
        if other:
            self.world.disk = "disk two"
            (self.world.root / "stranger.txt").write_bytes(b"of another disk\n")
        self.mounted = False

    @precondition(lambda self: not self.mounted)
    @rule()
    def mount(self) -> None:
        self.nothing_was_forgotten()
        self.put_back()
        self.before = None

    def put_back(self) -> None:
        shutil.rmtree(self.world.root)
        (self.ground / "away").rename(self.world.root)
        self.world.disk = "disk one"
        self.mounted = self.lost = True

    @precondition(lambda self: self.mounted and any(self.world.root.iterdir()))
    @rule(at=st.integers(1, 6), other=st.booleans(), comes_back=st.booleans())
    def unmount_while_it_is_scanned(self, at: int, other: bool, comes_back: bool) -> None:
        """For good, or for the time in which an entry or two are looked at."""
        self.scan()
        self.before = self.minded()
        if not self.before:
            return
        back = while_scanning(at + 1, self.put_back) if comes_back else nullcontext()
        with while_scanning(at, lambda: self.take_away(other)), back:
            self.runner.run(self.world.settle(scan=True))
        self.nothing_was_forgotten()
        if comes_back:
            self.before = None

    @rule()
    def wait(self) -> None:
        self.runner.run(self.world.settle())
        if self.mounted and not self.lost:
            self.compare()

    @rule()
    def scan(self) -> None:
        self.world.kill_at = None
        self.runner.run(self.world.settle(scan=True))
        self.told()
        if self.mounted:
            self.compare()

    @precondition(lambda self: self.mounted)
    @rule(at=st.integers(0, 6), old=paths, new=paths, what=st.sampled_from(["write", "delete", "move"]))
    def change_while_it_is_scanned(self, at: int, old: str, new: str, what: str) -> None:
        """What is told of it is due at once, so it is looked at before the scan has come to its end."""
        ways: dict[str, Callable[[], object]] = {
            "write": lambda: self.path(old).write_bytes(b"while it was scanned\n"),
            "delete": lambda: self.path(old).unlink(),
            "move": lambda: self.path(old).rename(self.path(new)),
        }

        def change() -> None:
            with suppress(OSError):
                ways[what]()
            self.world.told()
            self.world.clock.ahead_s += 5.0

        self.world.kill_at = None
        with while_scanning(at, change):
            self.runner.run(self.world.settle(scan=True))
        self.lost = self.world.watch.watching != "events"
        if not self.lost:
            self.compare()

    @precondition(lambda self: self.mounted)
    @rule()
    def overflow(self) -> None:
        self.world.overflow()
        self.lost = self.lost and self.world.watch.watching not in ("events", "events+poll")

    @rule()
    def restart(self) -> None:
        self.runner.run(self.world.drop())
        self.runner.run(self.world.open())
        self.told()

    @rule(commits=st.integers(0, 6), after=st.booleans(), scan=st.booleans())
    def kill(self, commits: int, after: bool, scan: bool) -> None:
        self.world.kill_at = (commits, after)
        with suppress(Killed):
            self.runner.run(self.world.settle(scan=scan))
        self.world.kills += 1
        self.runner.run(self.world.drop())
        self.runner.run(self.world.open())
        self.told()

    # --- what has to hold -------------------------------------------------------------------------------

    def nothing_was_forgotten(self) -> None:
        assert self.before is not None
        assert self.minded() >= self.before

    def compare(self) -> None:
        if self.world.watch.volume.state is VolumeState.FROZEN:
            # Emptied while nobody could tell: never believed, until its owner says so.
            there = {outcome[4:] for outcome in self.world.on_disk().values()}
            assert there <= {("skipped", "rule")}, self.world.watch.volume.detail
            self.runner.run(self.world.accept())
            self.runner.run(self.world.settle())
        known = self.runner.run(self.world.catalogue())
        if any(outcome[-1] == "interrupted" for outcome in known.values()):
            # Killed so often while reading it that it was given up: a scan tries it again.
            self.runner.run(self.world.settle(scan=True))
            known = self.runner.run(self.world.catalogue())
        assert known == self.world.on_disk()
        kinds = 4  # the same bytes may be read once as each of a few kinds
        assert max(self.world.reader.read.values(), default=0) <= kinds + self.world.kills

    def teardown(self) -> None:
        try:
            if self.world is not None:
                if not self.mounted:
                    self.runner.run(self.world.settle())
                    self.mount()
                self.scan()
                self.runner.run(self.world.drop())
        finally:
            if self.world is not None:
                self.patch.__exit__(None, None, None)
            self.runner.close()
            shutil.rmtree(self.ground, ignore_errors=True)


@pytest.mark.timeout(900)
def test_catalogue_equals_disk(tmp_path: Path) -> None:
    """2,000 steps."""
    templates[:] = [empty_catalogue(tmp_path / "template")]
    run_state_machine_as_test(
        CatalogueEqualsDisk,
        settings=settings(
            max_examples=40,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
            database=None,
        ),
    )
