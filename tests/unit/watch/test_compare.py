from __future__ import annotations

import pytest

from nasd.domain.files import FileStat, FileState
from nasd.watch.base import ScanProblem, Skipped
from nasd.watch.compare import Changes, Known, compare, covered, differences


def known(
    path: bytes,
    *,
    size: int = 1,
    inode: int = 1,
    state: FileState = FileState.INDEXED,
    reason: str | None = None,
) -> Known:
    return Known(path=path, size=size, mtime_ns=1, inode=inode, file_id=7, state=state, reason=reason)


def stat(path: bytes, *, size: int = 1, inode: int = 1) -> FileStat:
    return FileStat(path=path, size=size, mtime_ns=1, inode=inode)


def skipped(path: bytes, *, size: int = 1) -> Skipped:
    return Skipped(stat=stat(path, size=size), rule="'*.tmp' (built in)")


def test_nothing_has_changed() -> None:
    assert compare([known(b"a")], [stat(b"a")]).empty


def test_new_changed_gone() -> None:
    changes = compare([known(b"a", inode=1), known(b"b", inode=2)], [stat(b"a", size=2), stat(b"c", inode=3)])
    assert changes == Changes(
        new=(stat(b"c", inode=3),),
        changed=((known(b"a"), stat(b"a", size=2)),),
        gone=(known(b"b", inode=2),),
    )


def test_a_move_is_neither_gone_nor_new() -> None:
    changes = compare([known(b"a", inode=5)], [stat(b"z", inode=5)])
    assert changes == Changes(moved=((known(b"a", inode=5), stat(b"z", inode=5)),))


def test_hard_links_are_not_guessed_at() -> None:
    changes = compare([known(b"a"), known(b"b")], [stat(b"c"), stat(b"d")])
    assert not changes.moved
    assert len(changes.gone) == len(changes.new) == 2


def test_numbers_given_anew_at_each_mount_are_no_change() -> None:
    pair = ([known(b"a", inode=1)], [stat(b"a", inode=2)])
    assert compare(*pair).changed
    assert compare(*pair, trust_inodes=False).empty


def test_what_could_not_be_listed_is_not_gone() -> None:
    records = [known(b"a/x", inode=1), known(b"ab", inode=2), known(b"b", inode=3), known(b"c/d", inode=4)]
    problem = ScanProblem(path=b"a", detail="'a' cannot be looked at.")
    changes = compare(records, [problem], blind=[b"c"])
    assert [record.path for record in changes.gone] == [b"ab", b"b"]
    assert changes.problems == (problem,)
    assert compare(records, [ScanProblem(path=b"", detail="stopped")]).gone == ()


def test_what_lies_under_the_mount_point_of_a_missing_disk_is_not_taken() -> None:
    changes = compare([known(b"disk/a")], [stat(b"disk/a", size=9), stat(b"disk/b")], blind=[b"disk"])
    assert changes.empty


def test_rules_that_come_and_go() -> None:
    by_rule = known(b"a", state=FileState.SKIPPED, reason="rule")
    too_large = known(b"a", state=FileState.SKIPPED, reason="too_large")
    assert compare([by_rule], [skipped(b"a")]).empty
    assert compare([too_large], [stat(b"a")]).empty
    assert compare([by_rule], [stat(b"a")]).changed == ((by_rule, stat(b"a")),)
    assert compare([too_large], [skipped(b"a")]).skipped == ((too_large, skipped(b"a")),)
    assert compare([], [skipped(b"a")]).skipped == ((None, skipped(b"a")),)


def test_sides_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="records"):
        list(differences([known(b"b"), known(b"a")], []))
    with pytest.raises(ValueError, match="scan"):
        list(differences([], [stat(b"b"), stat(b"a")]))


def test_covered() -> None:
    assert covered(b"a/b", [b"a"])
    assert covered(b"a", [b"a"])
    assert covered(b"a", [b""])
    assert not covered(b"ab", [b"a"])
    assert not covered(b"a", [])
