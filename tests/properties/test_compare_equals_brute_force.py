from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from nasd.domain.files import FileStat, FileState
from nasd.watch.base import ScanProblem
from nasd.watch.compare import Known, compare

PATHS = st.lists(st.sampled_from([b"a", b"b", b"a.", b"\xff"]), min_size=1, max_size=3).map(b"/".join)
TRAITS = st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 2))
SIDES = st.dictionaries(PATHS, TRAITS, max_size=8)


@settings(deadline=None)
@given(SIDES, SIDES, st.sets(st.one_of(PATHS, st.just(b"")), max_size=2), st.booleans())
def test_compare_equals_brute_force(
    known: dict[bytes, tuple[int, int, int]],
    seen: dict[bytes, tuple[int, int, int]],
    blind: set[bytes],
    trust_inodes: bool,
) -> None:
    def hidden(path: bytes) -> bool:
        return any(prefix in (b"", path) or path.startswith(prefix + b"/") for prefix in blind)

    def trait(traits: tuple[int, int, int]) -> tuple[int, ...]:
        return traits if trust_inodes else traits[:2]

    records = [
        Known(path=path, size=size, mtime_ns=time, inode=inode, file_id=1, state=FileState.INDEXED)
        for path, (size, time, inode) in sorted(known.items())
    ]
    stats = [
        FileStat(path=path, size=size, mtime_ns=time, inode=inode)
        for path, (size, time, inode) in sorted(seen.items())
    ]
    problems = [ScanProblem(path=path, detail="") for path in sorted(blind)]
    changes = compare(records, [*problems, *stats], trust_inodes=trust_inodes)

    new = {path for path in seen if path not in known and not hidden(path)}
    gone = {path for path in known if path not in seen and not hidden(path)}
    changed = {
        path
        for path in seen
        if path in known and trait(seen[path]) != trait(known[path]) and not hidden(path)
    }
    left = {record.path for record, _ in changes.moved}
    came = {stat.path for _, stat in changes.moved}
    assert {stat.path for stat in changes.new} == new - came
    assert {record.path for record in changes.gone} == gone - left
    assert {record.path for record, _ in changes.changed} == changed
    assert left <= gone and came <= new
    assert all(known[record.path] == seen[stat.path] for record, stat in changes.moved)
