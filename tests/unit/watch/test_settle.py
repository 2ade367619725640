from __future__ import annotations

from nasd.domain.files import FileStat
from nasd.watch.base import Hint
from nasd.watch.settle import Settler


def file(path: bytes, size: int = 1, mtime_s: float = 0.0) -> FileStat:
    return FileStat(path=path, size=size, mtime_ns=int(mtime_s * 1e9), inode=1)


def test_a_saved_file_is_due_a_second_after_its_last_event() -> None:
    settler = Settler()
    for at in (0.0, 0.3, 0.6):
        settler.hint(Hint(path=b"a"), at)
    assert settler.next_due() == 1.6
    assert settler.due(1.5) == []
    assert settler.due(1.6) == [Hint(path=b"a")]
    assert settler.due(9.0) == []
    assert settler.next_due() is None


def test_a_closed_file_is_due_sooner_unless_it_is_written_again() -> None:
    settler = Settler()
    settler.hint(Hint(path=b"a"), 0.0)
    settler.hint(Hint(path=b"a", closed=True), 0.1)
    assert settler.next_due() == 0.1 + 0.2
    settler.hint(Hint(path=b"a"), 0.2)
    assert settler.next_due() == 1.2


def test_a_file_that_is_never_quiet_is_looked_at_after_the_longest_delay() -> None:
    settler = Settler(longest_s=5.0)
    at = 0.0
    while not (due := settler.due(at)):
        settler.hint(Hint(path=b"log"), at)
        at += 0.5
    assert due == [Hint(path=b"log")]
    assert at == 5.0


def test_hints_below_a_tree_fold_into_it() -> None:
    settler = Settler()
    settler.hint(Hint(path=b"a/b/c"), 0.0)
    settler.hint(Hint(path=b"ab"), 0.0)
    settler.hint(Hint(path=b"a", tree=True), 0.5)
    settler.hint(Hint(path=b"a/d"), 0.75)
    assert len(settler) == 2
    assert settler.due(1.0) == [Hint(path=b"ab")]
    assert settler.due(1.75) == [Hint(path=b"a", tree=True)]


def test_a_burst_in_one_folder_becomes_its_tree() -> None:
    settler = Settler(burst=10)
    for number in range(11):
        settler.hint(Hint(path=b"a/%d" % number), 0.0)
    settler.hint(Hint(path=b"b/1"), 0.0)
    assert settler.due(1.0) == [Hint(path=b"a", tree=True), Hint(path=b"b/1")]


def test_a_burst_over_many_folders_becomes_the_whole_volume() -> None:
    settler = Settler(most=50)
    for number in range(60):
        settler.hint(Hint(path=b"%d/x" % number), 0.0)
    assert settler.due(1.0) == [Hint(path=b"", tree=True)]


def test_a_long_copy_is_looked_at_on_the_way() -> None:
    settler = Settler(burst=10, longest_tree_s=10.0)
    looked = []
    for step in range(300):
        settler.hint(Hint(path=b"a/%d" % step), step / 10)
        looked += [step / 10 for _ in settler.due(step / 10)]
    assert 2 <= len(looked) <= 3


def test_both_ends_of_a_move_are_looked_at_in_one_go() -> None:
    settler = Settler()
    settler.hint(Hint(path=b"old", gone=True), 0.0)
    settler.hint(Hint(path=b"new", closed=True), 0.01)
    assert [hint.path for hint in settler.due(0.2)] == [b"new", b"old"]


def test_an_old_file_is_taken_at_once() -> None:
    assert Settler().take(file(b"a", mtime_s=100.0), now=0.0, wall_ns=101_000_000_000)


def test_a_fresh_file_is_taken_when_it_stood_still() -> None:
    settler = Settler()
    stat = file(b"a", mtime_s=100.0)
    assert not settler.take(stat, now=0.0, wall_ns=100_500_000_000)
    assert settler.due(1.0) == [Hint(path=b"a")]
    assert settler.take(stat, now=1.0, wall_ns=101_500_000_000)
    assert settler.next_due() is None


def test_a_file_of_tomorrow_is_taken_by_two_equal_looks() -> None:
    settler = Settler()
    stat = file(b"a", mtime_s=1e6)
    assert not settler.take(stat, now=0.0, wall_ns=0)
    assert not settler.take(stat, now=0.5, wall_ns=0)
    assert settler.take(stat, now=1.0, wall_ns=0)


def test_a_slowly_written_file_is_taken_when_it_is_done_however_late() -> None:
    settler = Settler()
    now, size = 0.0, 1
    stat = file(b"a", size, mtime_s=1e6)
    while not settler.take(stat, now=now, wall_ns=0):
        (again,) = settler.due(settler.next_due() or 0.0)
        assert again.path == b"a"
        now += 1.0
        if now <= 500:
            size += 1
        stat = file(b"a", size, mtime_s=1e6)
    assert now == 501.0


def test_looks_at_files_that_went_away_are_forgotten() -> None:
    settler = Settler(longest_s=10.0)
    for number in range(50):
        settler.take(file(b"%d" % number, mtime_s=1e6), now=0.0, wall_ns=0)
    assert len(settler.due(1.0)) == 50
    settler.due(100.0)
    assert settler._looks == {}
