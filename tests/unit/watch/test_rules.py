from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nasd.errors import InvalidRequest
from nasd.watch.patterns import Malformed, parse
from nasd.watch.rules import BUILT_IN, Rules, built_in_rule


def ignored(rules: Rules, path: bytes, *, folder: bool = False) -> bool:
    return rules.ignores(path, folder=folder) is not None


def test_a_built_in_rule_names_itself() -> None:
    decision = Rules.build().ignores(b"code/node_modules", folder=True)
    assert decision is not None
    assert str(decision) == "'node_modules/' (built in)"


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        (b"@eaDir", True),
        (b"a/#recycle", True),
        (b".Trash-1000", True),
        (b"home/u/.local/share/Trash", True),
        (b"$Recycle.Bin", True),
        (b"x/THUMBS.DB", False),
        (b"film.mkv.part", False),
        (b"~$letter.docx", False),
        (b".~lock.letter.odt#", False),
        (b"._photo.jpg", False),
        (b"repo/.git", True),
        (b"repo/.git", False),
    ],
)
def test_what_is_left_out_without_being_asked(path: bytes, folder: bool) -> None:
    if path == b"repo/.git" and not folder:  # a file of that name is no repository
        assert not ignored(Rules.build(), path)
    else:
        assert ignored(Rules.build(), path, folder=folder)


@pytest.mark.parametrize(
    "path",
    [b"Trash", b"share/Trash/letter.txt", b".hidden.txt", b"part", b"tmp", b"a.partly", b"git/x", b"~lock"],
)
def test_what_only_looks_like_a_built_in_rule_is_read(path: bytes) -> None:
    assert not ignored(Rules.build(), path, folder=True)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [line.strip("\\*/") for line in BUILT_IN] + ["a", "b.txt", "Trash", "share", ".local"]
        ),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(["", "x", ".y"]),
    st.booleans(),
)
def test_built_in_rules_mean_what_they_say_as_gitignore(parts: list[str], more: str, folder: bool) -> None:
    name = (more if more == "x" else "") + parts[-1] + (more if more == ".y" else "")
    path = "/".join([*parts[:-1], name])
    expected = False
    for line in BUILT_IN:
        pattern = parse(("**/" if "/" in line[:-1] else "") + line.lower())
        assert pattern is not None, "not a comment"
        expected |= pattern.matches(path.lower(), name.rpartition("/")[2].lower(), folder=folder)
    last = path.rpartition("/")[2]
    assert (built_in_rule(path, last, folder=folder) is not None) == expected


def test_the_owner_has_the_last_word() -> None:
    rules = Rules.build(["!node_modules/", "Private/"]).enter(
        b"", {b".nasdignore": b"!Private/\nnode_modules\n"}
    )
    assert not ignored(rules, b"node_modules", folder=True)
    assert ignored(rules, b"Private", folder=True)


def test_deeper_files_win_and_say_where_they_are() -> None:
    outer = Rules.build().enter(b"", {b".gitignore": b"*.log\n/build/\n"})
    inner = outer.enter(b"work", {b".gitignore": b"!keep.log\n", b".nasdignore": b"secret.log\n"})
    assert ignored(outer, b"a.log")
    assert ignored(outer, b"build", folder=True)
    assert not ignored(inner, b"work/build", folder=True)
    assert not ignored(inner, b"work/keep.log")
    decision = inner.ignores(b"work/secret.log", folder=False)
    assert decision is not None
    assert str(decision) == "'secret.log' (work/.nasdignore)"
    taken_in = inner.decide(b"work/keep.log", folder=False)
    assert taken_in is not None and not taken_in.ignored


def test_gitignore_can_be_switched_off() -> None:
    texts = {b".gitignore": b"a\n", b".nasdignore": b"b\n"}
    rules = Rules.build(gitignore=False).enter(b"", texts)
    assert not ignored(rules, b"a")
    assert ignored(rules, b"b")


def test_no_rule_opens_a_fence() -> None:
    rules = Rules.build(["!state/"], fences=[b"home/state"])
    assert ignored(rules, b"home/state", folder=True)
    assert not ignored(rules, b"state", folder=True)


def test_names_that_are_not_utf8() -> None:
    rules = Rules.build().enter(b"", {b".nasdignore": b"bad-\xff*\n"})
    assert ignored(rules, b"bad-\xff\xfe.txt")
    assert not ignored(rules, b"bad-\xfe\xff.txt")


@pytest.mark.parametrize("line", ["[abc", "a\\", "a//b", "[[:nothing:]]"])
def test_a_configured_rule_that_cannot_match_is_refused(line: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Rules.build(["*.iso", line])
    assert "ignore" in caught.value.fields


def test_a_hostile_pattern_cannot_stall_matching() -> None:
    pattern = parse("*a" * 60 + "b")
    deep = parse("**/a/" * 60 + "b")
    assert pattern is not None and deep is not None
    # a translation that backtracks would need longer than the universe is old
    assert not pattern.matches("a" * 255, "a" * 255, folder=False)
    assert not deep.matches("a/" * 2000 + "c", "c", folder=False)
    assert deep.matches("a/" * 60 + "b", "b", folder=False)


LINES = st.text(alphabet="ab.*?/[]!-\\", min_size=1, max_size=9).filter(lambda line: "***" not in line)
PATHS = st.lists(st.text(alphabet="ab.-", min_size=1, max_size=3), min_size=1, max_size=3).filter(
    lambda parts: not any(part in (".", "..") for part in parts)
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    try:
        subprocess.run(["git", "init", "-q", str(folder)], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("git is not installed: its own judgement cannot be asked")
    return folder


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, min_size=1, max_size=4), st.lists(PATHS, min_size=1, max_size=12))
def test_git_judges_the_same(repository: Path, lines: list[str], paths: list[list[str]]) -> None:
    """git check-ignore on paths that do not exist: it takes each as a file in folders."""
    for line in lines:
        if "/" in line and ("[" in line or "\\" in line):
            return  # a slash inside brackets, or escaped, is not supported
    (repository / ".gitignore").write_text("\n".join(lines) + "\n")
    names = sorted({"/".join(parts) for parts in paths})
    asked = subprocess.run(
        ["git", "-C", str(repository), "check-ignore", "--no-index", "--stdin", "-z"],
        input="\0".join(names).encode() + b"\0",
        capture_output=True,
        check=False,
    )
    by_git = set(asked.stdout.decode().split("\0")) - {""}
    rules = Rules.build().enter(b"", {b".gitignore": ("\n".join(lines)).encode()})
    mine = set()
    for name in names:
        parts = name.split("/")
        for depth in range(1, len(parts) + 1):
            decision = rules.decide("/".join(parts[:depth]).encode(), folder=depth < len(parts))
            if decision and decision.ignored and decision.origin != "built in":
                mine.add(name)
                break
    assert mine == by_git


def test_comments_blanks_and_escapes() -> None:
    assert parse("# a comment") is None
    assert parse("   ") is None
    assert parse("/") is None
    hash_name, space_name = parse("\\#name"), parse("name\\ ")
    assert hash_name is not None and hash_name.matches("#name", "#name", folder=False)
    assert space_name is not None and space_name.matches("name ", "name ", folder=False)
    with pytest.raises(Malformed):
        parse("name\\")
