from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui import literal

ANYTHING = st.text(st.characters(codec=None), max_size=200)


def controls(text: str) -> list[str]:
    return [
        one for one in text if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") and one != "\xad"
    ]


@given(ANYTHING)
def test_a_line_keeps_its_length_and_holds_no_control(text: str) -> None:
    safe = literal.line(text)
    assert len(safe) == len(text)
    assert not [
        one for one in safe if ord(one) < 32 or 0x7F <= ord(one) < 0xA0 or 0xD800 <= ord(one) < 0xE000
    ]


@given(ANYTHING)
def test_lines_keep_their_length_and_only_line_ends_control(text: str) -> None:
    safe = literal.lines(text)
    assert len(safe) == len(text)
    assert set(controls(safe)) & {"\x1b", "\x07", "\x9b", "\r", "\u202e", "\u2066"} == set()
    safe.encode()


def test_an_escape_sequence_is_seen_and_not_carried_out() -> None:
    assert literal.line("\x1b[31mred\x07\n") == "␛[31mred␇␊"
    assert literal.lines("a\r\nb\rc\td") == "a \nb\nc d"


def test_characters_that_turn_a_name_around_are_replaced() -> None:
    assert literal.line("invoice\u202efdp.exe") == "invoice\ufffdfdp.exe"


def test_marked_text_is_never_markup() -> None:
    content = literal.marked("[bold]x[/bold] [link=y]", [(0, 6)], "bold")
    assert content.plain == "[bold]x[/bold] [link=y]"
    assert [(span.start, span.end) for span in content.spans] == [(0, 6)]


def test_spans_outside_the_text_are_left_out() -> None:
    content = literal.marked("short", [(-1, 2), (3, 3), (2, 9), (1, 3)], "bold")
    assert [(span.start, span.end) for span in content.spans] == [(1, 3)]


@given(st.text("ab \n\t", max_size=120), st.integers(5, 60), st.data())
def test_a_snippet_fits_and_its_spans_show_what_they_mark(text: str, width: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    shown, spans = literal.snippet(text, [(start, end)], width)
    assert len(shown) <= width + 1
    assert "\n" not in shown
    for first, last in spans:
        assert shown[first:last].split() == text[start:end].split() or "…" in shown


def test_a_snippet_begins_near_what_was_found() -> None:
    text = "word " * 100 + "needle in the hay " + "straw " * 100
    at = text.index("needle")
    shown, spans = literal.snippet(text, [(at, at + 6)], 40)
    assert shown.startswith("…") and shown.endswith("…")
    assert [shown[first:last] for first, last in spans] == ["needle"]
    assert len(shown) <= 40


def test_a_path_is_split_at_its_last_slash() -> None:
    assert literal.split_path("a/b/c.txt") == ("a/b/", "c.txt")
    assert literal.split_path("c.txt") == ("", "c.txt")
    assert literal.split_path("a/evil\n.txt") == ("a/", "evil␊.txt")


@given(st.text(max_size=60), st.integers(0, 40))
def test_the_tail_of_a_path_fits(text: str, width: int) -> None:
    assert cell_len(literal.tail(text, width)) <= width


def test_the_tail_of_a_path_is_its_end() -> None:
    assert literal.tail("/mnt/archive/2024/scans", 12) == "…/2024/scans"
    assert literal.tail("/srv", 12) == "/srv"
