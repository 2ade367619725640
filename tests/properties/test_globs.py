"""A glob's pattern agrees with the plainest matcher there is, which tries everything."""

from __future__ import annotations

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from nasd.domain.globs import matches

STEPS = st.one_of(st.just("**"), st.text("ab?*", min_size=1, max_size=5).filter(lambda step: step != "**"))
GLOBS = st.lists(STEPS, min_size=1, max_size=5).map("/".join)
PATHS = st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=6).map("/".join)


@cache
def fits(steps: tuple[str, ...], path: tuple[str, ...]) -> bool:
    if not steps:
        return not path
    if steps[0] == "**":
        below = steps[1:]
        if not below:
            return bool(path)
        return fits(below, path) or (bool(path) and fits(steps, path[1:]))
    return bool(path) and step_fits(steps[0], path[0]) and fits(steps[1:], path[1:])


@cache
def step_fits(step: str, name: str) -> bool:
    if not step:
        return not name
    if step[0] == "*":
        return step_fits(step[1:], name) or (bool(name) and step_fits(step, name[1:]))
    return bool(name) and step[0] in ("?", name[0]) and step_fits(step[1:], name[1:])


@given(GLOBS, PATHS)
def test_globs_agree_with_trying_everything(glob: str, path: str) -> None:
    assert matches(glob, path) == fits(tuple(glob.split("/")), tuple(path.split("/")))


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_glob_fails(glob: str, path: str) -> None:
    assert matches(glob, path) in (True, False)
