from __future__ import annotations

from datetime import UTC, datetime

from nasd import wire
from nasd.cli.show import clean, copies_words, one_line, place_words, seconds_words, size_words, snippet


def test_places() -> None:
    place = wire.PlaceOut(page=3, heading="Warranty › Period", line_start=4, line_end=9)
    assert place_words(place) == "page 3 · Warranty › Period · lines 4–9"
    assert place_words(wire.PlaceOut(line_start=4, line_end=4)) == "line 4"
    assert place_words(wire.PlaceOut(sheet="Q1", slide=2, time_s=65)) == "slide 2 · sheet Q1 · at 1 min 5 s"
    assert place_words(wire.PlaceOut()) == ""


def test_a_snippet_is_cut_around_the_highlights() -> None:
    text = "filler words here " * 100 + "the warranty is five years " + "and more of it " * 100
    at = text.index("warranty")
    shown = snippet(text, [(0, 6), (at, at + 8), (at + 12, at + 16)], limit=120)
    assert shown.plain.startswith("…")
    assert shown.plain.endswith("…")
    assert "the warranty is five years" in shown.plain
    assert len(shown.plain) <= 122
    marked = [shown.plain[span.start : span.end] for span in shown.spans if "bold" in str(span.style)]
    assert marked == ["warranty", "five"]


def test_a_short_passage_is_shown_whole_on_one_line() -> None:
    assert snippet("one\ntwo", [(4, 7)]).plain == "one two"
    assert snippet("", []).plain == ""


def test_nothing_that_commands_a_terminal_passes_and_offsets_stay() -> None:
    bad = "a\x1b]0;x\x07b\x9b2Jc\u202ed\re\x00"
    assert len(clean(bad)) == len(bad)
    assert clean(bad) == "a·]0;x·b·2Jc·d·e·"
    assert clean("ä\n\t漢 👍") == "ä\n\t漢 👍"
    assert one_line("a\n\tb") == "a  b"


def test_numbers_for_people() -> None:
    assert [size_words(n) for n in (0, 1023, 1536, 5 << 30)] == ["0 B", "1023 B", "1.5 KiB", "5.0 GiB"]
    spans = [seconds_words(n) for n in (0.4, 59, 61, 3700, 90000)]
    assert spans == ["0 s", "59 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]


def test_where_else_a_text_stands() -> None:
    def file(number: int, path: str) -> wire.FileOut:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return wire.FileOut(
            id=f"f_{number}",
            volume="home",
            path=path,
            kind="text",
            media_type="text/plain",
            size=1,
            modified=at,
        )

    def hit(also: list[wire.FileOut], copies: int) -> wire.HitOut:
        passage = wire.PassageOut(id="p_1", text="x", place=wire.PlaceOut(), char_start=0, char_end=1)
        places = [wire.ElsewhereOut(file=one, passage="p_2", place=wire.PlaceOut()) for one in also]
        return wire.HitOut(
            rank=1, score=1, file=file(1, "a.txt"), passage=passage, copies=copies, also=places
        )

    b, c = file(2, "b.txt"), file(3, "c\x1b.txt")
    assert copies_words(hit([b], 1)) == "also in home:b.txt"
    assert copies_words(hit([b, c, b], 5)) == "also in home:b.txt, home:c·.txt and 2 more places"
    assert copies_words(hit([file(1, "a.txt")], 1)) == "also in 1 more place"
    many = [file(number, f"{number}.txt") for number in range(2, 22)]
    assert copies_words(hit(many, 30)) == "also in home:2.txt, home:3.txt, home:4.txt and 27 more places"
