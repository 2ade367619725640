"""Whatever is hinted is looked at: in time, and never before its last word has been heard."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from nasd.watch.base import Hint
from nasd.watch.compare import covered
from nasd.watch.settle import TOGETHER_S, Settler

PATHS = st.lists(st.sampled_from([b"a", b"b", b"c", b"ab"]), max_size=4).map(b"/".join)
HINTS = st.builds(Hint, path=PATHS, tree=st.booleans(), closed=st.booleans(), gone=st.booleans())
STEPS = st.lists(st.tuples(st.floats(min_value=0.0, max_value=3.0), st.one_of(HINTS, st.none())), max_size=60)
LONGEST = 6.0


@settings(deadline=None)
@given(STEPS, st.integers(min_value=1, max_value=4), st.integers(min_value=2, max_value=12))
def test_every_hint_is_covered_in_time(steps: list[tuple[float, Hint | None]], burst: int, most: int) -> None:
    settler = Settler(1.0, LONGEST, longest_tree_s=3.0, burst=burst, most=most)
    now = 0.0
    owed: list[tuple[float, Hint]] = []

    def look() -> None:
        nonlocal owed
        at = settler.next_due()
        due = settler.due(now)
        assert bool(due) == (at is not None and at <= now)
        assert [hint.path for hint in due] == sorted({hint.path for hint in due})
        trees = {hint.path for hint in due if hint.tree}
        exact = {hint.path for hint in due}
        owed = [
            (since, hint)
            for since, hint in owed
            if not (covered(hint.path, trees) or (not hint.tree and hint.path in exact))
        ]
        assert all(now < since + LONGEST for since, _ in owed), "a hint waits longer than it may"

    for passed, hint in steps:
        # as the daemon does it: it sleeps until something is due
        end = now + passed
        while (at := settler.next_due()) is not None and at <= end:
            now = max(now, at)
            look()
        now = end
        if hint is None:
            look()
        else:
            settler.hint(hint, now)
            owed.append((now, hint))
            assert settler.next_due() is not None
    while (at := settler.next_due()) is not None:
        now = max(now, at)
        look()
    assert owed == []
    assert len(settler) == 0
    assert settler._entries == {}
    assert settler._queue == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(min_value=0.0, max_value=0.9), PATHS), min_size=1, max_size=30))
def test_nothing_is_due_while_it_is_busy(steps: list[tuple[float, bytes]]) -> None:
    settler = Settler(1.0, 1000.0, longest_tree_s=1000.0)
    now, last = 0.0, dict[bytes, float]()
    for passed, path in steps:
        now += passed
        for hint in settler.due(now):
            assert now - last.pop(hint.path) >= 1.0 - TOGETHER_S - 1e-9
        settler.hint(Hint(path=path), now)
        last[path] = now
    for hint in settler.due(now + 1.0):
        last.pop(hint.path)
    assert not last
