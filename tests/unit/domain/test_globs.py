from __future__ import annotations

import pytest

from nasd.domain.globs import literal_start, matches, translate


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("a.txt", "a.txt"),
        ("*.pdf", "a.pdf"),
        ("*.pdf", ".pdf"),
        ("Documents/**", "Documents/a.pdf"),
        ("Documents/**", "Documents/x/y/a.pdf"),
        ("Documents/", "Documents/x/a.pdf"),
        ("/Documents/*", "Documents/a"),
        ("**", "a"),
        ("**", "a/b/c"),
        ("**/a", "a"),
        ("**/a", "x/y/a"),
        ("**/*.pdf", "a.pdf"),
        ("**/*.pdf", "x/y/a.pdf"),
        ("a/**/z", "a/z"),
        ("a/**/z", "a/b/c/z"),
        ("**/a/**/b/**", "a/b/c"),
        ("**/a/**/b/**", "x/a/a/y/b/c/d"),
        ("**/a/b", "a/a/b"),
        ("a/**/b/**/c", "a/b/b/c"),
        ("?.txt", "ä.txt"),
        ("[a-c]x[!d]", "bxe"),
        ("[]]", "]"),
        ("[!]a]", "b"),
        ("[x", "[x"),
        ("a[", "a["),
        (r"\*", "*"),
        (r"\[a]", "[a]"),
        ("a\\", "a\\"),
        ("*a*b*", "xxaxxbxx"),
        ("*ab", "aab"),
        ("*.tar.*", "a.tar.b.tar.gz"),
        ("a**b", "axxb"),
        ("a\n*", "a\nb"),
        ("[a-]", "-"),
        ("[\\\\]", "\\"),
        ("[a&&b]", "&"),
    ],
)
def test_fits(glob: str, path: str) -> None:
    assert matches(glob, path)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("*.pdf", "x/a.pdf"),
        ("*.pdf", "a.PDF"),
        ("Documents/**", "Documents"),
        ("Documents/**", "Documents2/a"),
        ("Documents/**", "x/Documents/a"),
        ("Documents/*", "Documents/x/a"),
        ("**/a", "xa"),
        ("**/a", "a/b"),
        ("a/**/z", "az"),
        ("a/**/z", "a/bz"),
        ("a**b", "a/b"),
        ("?", "/"),
        ("a?b", "a/b"),
        ("a[!x]b", "a/b"),
        ("a[/]b", "a/b"),
        ("[z-a]", "b"),
        ("", "a"),
        ("a", "a\n"),
        ("a.b", "axb"),
    ],
)
def test_does_not_fit(glob: str, path: str) -> None:
    assert not matches(glob, path)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("*a" * 200 + "b", "a" * 4000),
        ("**/a/" * 100 + "b", "a/" * 1500 + "c"),
        ("**/*a*/" * 50 + "b", "aaaa/" * 500 + "c"),
        ("?*" * 200 + "b", "a" * 4000),
    ],
)
def test_a_hostile_glob_ends(glob: str, path: str) -> None:
    assert not matches(glob, path)


def test_patterns_are_made_once() -> None:
    assert translate("**/once/*.md") is translate("**/once/*.md")


@pytest.mark.parametrize(
    ("glob", "start"),
    [
        ("Documents/**", "Documents/"),
        ("/Documents/", "Documents/"),
        ("a/b.txt", "a/b.txt"),
        ("**/a", ""),
        ("a?c", "a"),
        ("a[bc]", "a"),
        (r"a\*b", "a"),
    ],
)
def test_every_match_begins_alike(glob: str, start: str) -> None:
    assert literal_start(glob) == start
