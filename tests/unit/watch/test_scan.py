from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from nasd.domain.files import FileStat, file_stat
from nasd.watch.base import ScanProblem, Skipped
from nasd.watch.rules import Rules
from nasd.watch.scan import explain, scan

RULES = Rules.build()
Item = FileStat | Skipped | ScanProblem


def write(path: Path, text: str = "text") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def paths(items: Iterable[Item]) -> list[bytes]:
    return [item.path for item in items if isinstance(item, FileStat)]


def test_what_is_seen_of_a_file(tmp_path: Path) -> None:
    found = os.stat(write(tmp_path / "a" / "b.txt", "five!"))
    assert list(scan(str(tmp_path), RULES)) == [
        FileStat(
            path=b"a/b.txt",
            size=5,
            mtime_ns=found.st_mtime_ns,
            inode=found.st_ino,
            ctime_ns=found.st_ctime_ns,
        )
    ]


def test_a_time_that_no_catalogue_holds_is_held_at_the_limit(tmp_path: Path) -> None:
    """Filesystems keep times up to the year 2446 and later, SQLite whole numbers of 64 bits."""
    os.utime(write(tmp_path / "future.txt"), ns=(0, 14 * 10**18))
    (found,) = scan(str(tmp_path), RULES)
    assert isinstance(found, FileStat)
    assert found.mtime_ns == (1 << 63) - 1


def test_inodes_wider_than_the_catalogue_stay_apart(tmp_path: Path) -> None:
    real = os.stat(write(tmp_path / "a.txt"))

    def with_inode(inode: int) -> FileStat:
        return file_stat(
            b"a.txt", os.stat_result((real.st_mode, inode, *real[2:10]), {"st_mtime_ns": 5, "st_ctime_ns": 5})
        )

    assert with_inode(5).inode == 5
    wide = {with_inode(inode).inode for inode in ((1 << 64) - 1, 1 << 63, (1 << 63) - 1)}
    assert wide == {-1, -(1 << 63), (1 << 63) - 1}


def test_files_come_in_the_order_of_their_paths(tmp_path: Path) -> None:
    names = ["a.txt", "a/z", "a/b/c", "a-b", "a b/x", "a0", "Z", "é", "a/b.txt", "a!/q"]
    for name in names:
        write(tmp_path / name)
    assert paths(scan(str(tmp_path), RULES)) == sorted(name.encode() for name in names)


def test_ignored_folders_are_not_met_and_ignored_files_say_why(tmp_path: Path) -> None:
    write(tmp_path / "node_modules" / "x.md")
    write(tmp_path / "work" / "draft.log")
    write(tmp_path / "work" / "keep.log")
    write(tmp_path / "work" / ".nasdignore", "!keep.log\n")
    write(tmp_path / ".gitignore", "*.log\n")
    seen = list(scan(str(tmp_path), RULES))
    assert paths(seen) == [b".gitignore", b"work/.nasdignore", b"work/keep.log"]
    assert [(item.stat.path, item.rule) for item in seen if isinstance(item, Skipped)] == [
        (b"work/draft.log", "'*.log' (.gitignore)")
    ]


def test_links_are_not_followed(tmp_path: Path) -> None:
    volume, outside = tmp_path / "volume", tmp_path / "outside"
    write(outside / "secret.txt")
    write(volume / "real.txt")
    (volume / "folder").symlink_to(outside)
    (volume / "file.txt").symlink_to(outside / "secret.txt")
    (volume / "loop").symlink_to(volume)
    assert paths(scan(str(volume), RULES)) == [b"real.txt"]
    assert list(scan(str(volume), RULES, below=b"folder")) == []
    assert list(scan(str(volume), RULES, below=b"loop/real.txt")) == []
    assert list(scan(str(volume), RULES, below=b"folder/secret.txt")) == []


def test_the_part_below_a_folder_or_a_single_file(tmp_path: Path) -> None:
    write(tmp_path / ".nasdignore", "*.log\n/b/hidden/\n")
    for name in ("a/1", "b/2", "b/c/3", "b/x.log", "b/hidden/4"):
        write(tmp_path / name)
    seen = list(scan(str(tmp_path), RULES, below=b"b"))
    assert paths(seen) == [b"b/2", b"b/c/3"]
    assert [item.stat.path for item in seen if isinstance(item, Skipped)] == [b"b/x.log"]
    assert paths(scan(str(tmp_path), RULES, below=b"b/c/3")) == [b"b/c/3"]
    assert list(scan(str(tmp_path), RULES, below=b"b/hidden")) == []
    assert list(scan(str(tmp_path), RULES, below=b"b/hidden/4")) == []
    assert list(scan(str(tmp_path), RULES, below=b"gone/x")) == []


def test_a_missing_volume_is_not_an_empty_one(tmp_path: Path) -> None:
    for below in (b"", b"a", b"a/b"):
        (problem,) = scan(str(tmp_path / "missing"), RULES, below=below)
        assert isinstance(problem, ScanProblem)
        assert problem.path == below


def test_a_stopped_scan_says_that_it_knows_nothing_of_the_rest(tmp_path: Path) -> None:
    for folder in range(5):
        write(tmp_path / str(folder) / "file")
    looks = iter([False, False, True])
    seen = list(scan(str(tmp_path), RULES, should_stop=lambda: next(looks)))
    assert paths(seen) == [b"0/file", b"1/file"]
    assert isinstance(seen[-1], ScanProblem)
    assert seen[-1].path == b""


def test_a_folder_whose_ignore_file_cannot_be_used_is_not_read(tmp_path: Path) -> None:
    write(tmp_path / "a" / "secret.txt")
    write(tmp_path / "a" / ".nasdignore", "x" * 300_000)
    write(tmp_path / "b.txt")
    problem, stat = scan(str(tmp_path), RULES)
    assert isinstance(problem, ScanProblem) and problem.path == b"a"
    assert "256 KiB" in problem.detail
    assert isinstance(stat, FileStat) and stat.path == b"b.txt"


def test_a_link_or_folder_named_like_an_ignore_file_is_none(tmp_path: Path) -> None:
    write(tmp_path / "rules", "*.txt\n")
    (tmp_path / ".gitignore").symlink_to("rules")
    (tmp_path / ".nasdignore").mkdir()
    write(tmp_path / "a.txt")
    assert paths(scan(str(tmp_path), RULES)) == [b"a.txt", b"rules"]


AS_NOBODY = """
import os, sys
from nasd.watch.base import ScanProblem
from nasd.watch.rules import Rules
from nasd.watch.scan import scan
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
for item in scan(sys.argv[1], Rules.build()):
    print(isinstance(item, ScanProblem), item.path.decode())
"""


def test_folders_that_may_not_be_listed_are_reported() -> None:
    with tempfile.TemporaryDirectory() as name:  # root's own temporary folders are closed to others
        top = Path(name)
        top.chmod(0o755)
        write(top / "open" / "a")
        write(top / "shut" / "b")
        write(top / "listed" / "c")
        (top / "shut").chmod(0o000)
        (top / "listed").chmod(0o444)
        try:
            done = subprocess.run(
                [sys.executable, "-c", AS_NOBODY, name], capture_output=True, text=True, check=True
            )
        finally:
            (top / "shut").chmod(0o700)
            (top / "listed").chmod(0o700)
    assert done.stdout.splitlines() == ["True listed/c", "False open/a", "True shut"]


def test_why_a_path_is_left_out_also_one_that_does_not_exist(tmp_path: Path) -> None:
    write(tmp_path / "work" / ".gitignore", "build/\n")
    decision = explain(str(tmp_path), RULES, b"work/build/out/app.js")
    assert decision is not None and decision.ignored
    assert decision.path == b"work/build"
    assert str(decision) == "'build/' (work/.gitignore)"
    assert explain(str(tmp_path), RULES, b"work/src/app.js") is None


@pytest.mark.corpus
def test_traps(tmp_path: Path, corpora: Path) -> None:
    traps = tmp_path / "traps"
    subprocess.run(["bash", str(corpora / "hostile" / "make_traps.sh"), str(traps)], check=True)
    try:
        seen = list(scan(str(traps), RULES))
    finally:
        (traps / "nodir").chmod(0o755)
    found = paths(seen)
    assert len(found) == len(set(found))
    assert found == sorted(found)
    expected = set()
    for folder, folders, names in os.walk(os.fsencode(traps)):
        folders[:] = [name for name in folders if name not in (b"node_modules", b".git", b"__pycache__")]
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                expected.add(os.path.relpath(path, os.fsencode(traps)))
    problems = [item.path for item in seen if isinstance(item, ScanProblem)]
    assert set(found) | {b"nodir/in.txt"} == expected
    assert problems == ([] if b"nodir/in.txt" in found else [b"nodir"])
    assert b"bad-\xff\xfe.txt" in found
    assert not any(b"fifo" in path or b"sock" in path or b"link" in path for path in found)
    sizes = {item.path: item.size for item in seen if isinstance(item, FileStat)}
    assert sizes[b"sparse-huge.txt"] == 12 * 2**30


@pytest.mark.parametrize("comes_back", [True, False])
@pytest.mark.parametrize("met", [1, 5, 11])
def test_a_disk_that_goes_during_a_scan_makes_no_file_missing(
    tmp_path: Path, *, met: int, comes_back: bool
) -> None:
    """Even if it is back before the end."""
    root, away = tmp_path / "disk", tmp_path / "away"
    for folder in "abc":
        for name in "1234":
            write(root / folder / f"{name}.txt")
    items = scan(str(root), RULES)
    seen = [next(items) for _ in range(met)]
    root.rename(away)
    root.mkdir()
    if comes_back:
        seen += [item for item, _ in zip(items, range(1), strict=False)]
        root.rmdir()
        away.rename(root)
    seen += items
    files = paths(seen)
    whole = len(files) == 12
    assert whole or any(isinstance(item, ScanProblem) and item.path == b"" for item in seen)
    assert comes_back or not whole


def test_a_part_that_is_scanned_while_the_disk_goes_is_not_missing(tmp_path: Path) -> None:
    root = tmp_path / "disk"
    write(root / "a" / "1.txt")
    write(root / "a" / "b" / "2.txt")
    items = scan(str(root), RULES, below=b"a")
    first = next(items)
    root.rename(tmp_path / "away")
    root.mkdir()
    assert isinstance(first, FileStat)
    assert [item.path for item in items if isinstance(item, ScanProblem)][-1] == b"a"
