from __future__ import annotations

import pytest

from nasd.domain.passages import Block, Document, Passage, Role
from nasd.extract.headings import Headings, plain
from nasd.extract.passages import cut
from nasd.extract.splitting import split_text
from tests.unit.extract.reading import read


def _count(text: str) -> int:
    return len(text.split())


def _cut(*blocks: Block, target: int = 20, most: int = 24) -> tuple[Passage, ...]:
    document = Document(blocks=blocks)
    passages = cut(document, count_tokens=_count, target_tokens=target, max_tokens=most)
    assert "".join(p.text + p.gap for p in passages) == document.text.lstrip()
    assert all(document.text[p.char_start : p.char_end] == p.text for p in passages)
    assert all(p.tokens <= most for p in passages)
    assert [p.ordinal for p in passages] == list(range(len(passages)))
    return passages


def _words(count: int, word: str = "word") -> str:
    return " ".join([word] * count)


def _heading(text: str, level: int = 1, **where: int) -> Block:
    return Block(text=text, role=Role.HEADING, level=level, **where)  # type: ignore[arg-type]


def test_nothing_yields_nothing() -> None:
    assert _cut() == ()
    assert _cut(Block(text="", after="  \n")) == ()


def test_a_short_document_is_one_passage() -> None:
    (passage,) = _cut(Block(text="", after="\n\n"), Block(text="one two", line_start=3, line_end=3))
    assert (passage.char_start, passage.text, passage.gap, passage.tokens) == (2, "one two", "\n\n", 2)
    assert (passage.place.line_start, passage.place.line_end) == (3, 3)


def test_paragraphs_join_in_parts_of_like_size() -> None:
    passages = _cut(*(Block(text=_words(5)) for _ in range(12)))
    assert [p.tokens for p in passages] == [20, 20, 20]
    passages = _cut(*(Block(text=_words(5)) for _ in range(7)))
    assert sorted(p.tokens for p in passages) == [15, 20]


def test_pages_slides_and_sheets_are_never_crossed() -> None:
    for field, values in (("page", (1, 2)), ("slide", (1, 2)), ("sheet", ("a", "b"))):
        blocks = [Block(text="tiny", **{field: value}) for value in values]  # type: ignore[arg-type]
        passages = _cut(*blocks)
        assert [getattr(p.place, field) for p in passages] == list(values)


def test_a_heading_begins_a_passage_and_goes_with_its_text() -> None:
    passages = _cut(
        Block(text=_words(15)),
        _heading("Alpha"),
        Block(text=_words(15)),
        _heading("Beta"),
        Block(text=_words(15)),
    )
    assert [p.place.heading for p in passages] == [None, "Alpha", "Beta"]
    assert passages[1].text.startswith("Alpha\n\nword")


def test_the_path_of_headings() -> None:
    passages = _cut(
        _heading("One"),
        _heading("Deep", 3),
        Block(text=_words(18)),
        _heading("Two", 2),
        Block(text=_words(18)),
        _heading("Next"),
        Block(text=_words(18)),
    )
    assert [p.place.heading for p in passages] == ["One › Deep", "One › Two", "Next"]


def test_short_sections_join_and_keep_a_true_heading() -> None:
    blocks = [_heading("Top"), Block(text="intro")]
    for name in "abc":
        blocks += [_heading(name, 2), Block(text=f"about {name}")]
    blocks += [_heading("Other"), Block(text="else")]
    passages = _cut(*blocks)
    assert [(p.place.heading, p.tokens) for p in passages] == [("Top", 11), ("Other", 2)]


def test_the_end_of_a_chapter_takes_no_part_of_the_next() -> None:
    passages = _cut(
        _heading("One"), _heading("Sub", 2), Block(text=_words(14)), _heading("Last", 2), Block(text="end"),
        _heading("Two"), Block(text="begin"),
    )  # fmt: skip
    assert [p.place.heading for p in passages] == ["One › Sub", "One › Last", "Two"]


def test_a_heading_alone_is_no_passage() -> None:
    passages = _cut(_heading("Lonely"), _heading("Real"), *(Block(text=_words(12)) for _ in range(3)))
    assert passages[0].text.startswith("Lonely\n\nReal\n\nword")
    passages = _cut(Block(text="text", page=1), _heading("At the foot", page=1), Block(text="over", page=2))
    assert [p.text for p in passages] == ["text\n\nAt the foot", "over"]
    assert [p.place.heading for p in passages] == [None, "At the foot"]


def test_headings_do_not_reach_into_other_slides_and_sheets() -> None:
    passages = _cut(_heading("Title", slide=1), Block(text="a", slide=1), Block(text="b", slide=2))
    assert [p.place.heading for p in passages] == ["Title", None]
    passages = _cut(_heading("Title", page=1), Block(text="a", page=1), Block(text="b", page=2))
    assert [p.place.heading for p in passages] == ["Title", "Title"]


def test_rows_carry_the_names_of_their_columns() -> None:
    lines = ["Name,City"] + [f"person {n},town {n}" for n in range(40)]
    blocks, _ = read("csv", "\n".join(lines).encode())
    passages = _cut(*blocks)
    assert len(passages) > 5
    assert all(p.place.heading == "Name | City" for p in passages)
    assert passages[0].text.startswith("Name | City\n")
    assert (passages[-1].place.line_end, passages[0].place.line_start) == (41, 1)


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    text = " ".join(f"Sentence {n} has just six words." for n in range(20))
    passages = _cut(Block(text=text))
    assert all(p.text.startswith("Sentence") and p.text.endswith("words.") for p in passages)
    assert {p.gap for p in passages[:-1]} == {" "}


def test_code_is_cut_between_lines_and_they_are_counted() -> None:
    for newline in ("\n", "\r\n", "\r"):
        text = newline.join(f"line number {n} of code" for n in range(10, 40))
        passages = _cut(Block(text=text, role=Role.CODE, line_start=10, line_end=39))
        for passage in passages:
            lines = passage.text.split(newline)
            assert lines[0] == f"line number {passage.place.line_start} of code"
            assert lines[-1] == f"line number {passage.place.line_end} of code"


def test_text_without_sentences_is_cut_between_words() -> None:
    passages = _cut(Block(text=_words(500)))
    assert all(set(p.text.split()) == {"word"} for p in passages)
    assert min(p.tokens for p in passages) >= 10


def test_text_without_any_break_is_cut_by_its_length() -> None:
    passages = _cut(Block(text="x" * 5000))
    assert len(passages) >= 5000 // (20 * 24)
    assert all(len(p.text) <= 20 * 24 + 20 for p in passages)


def test_each_text_is_counted_a_few_times_only() -> None:
    counted = 0

    def count(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return len(text.split())

    blocks = [Block(text=_words(30) + ". " + _words(300)), *(Block(text=_words(9)) for _ in range(100))]
    document = Document(blocks=tuple(blocks))
    cut(document, count_tokens=count, target_tokens=20, max_tokens=24)
    assert counted < 4 * len(document.text)


@pytest.mark.parametrize(("target", "most"), [(0, 10), (11, 10), (-1, -1)])
def test_sizes_that_make_no_sense_are_refused(target: int, most: int) -> None:
    with pytest.raises(ValueError, match="target_tokens"):
        cut(Document(blocks=()), count_tokens=_count, target_tokens=target, max_tokens=most)


def test_parts_cover_a_text_but_for_white_space() -> None:
    text = "First one. Second one!  Third?\nfourth line\n\nfifth 、終わり。次の文。"
    for most in (1, 2, 3, 50):
        parts = list(split_text(text, Role.PARAGRAPH, _count, most, most))
        covered = "".join(text[p.start : p.end] for p in parts)
        assert "".join(covered.split()) == "".join(text.split())
        assert all(p.tokens <= most for p in parts)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("## Two ##", "Two"),
        ("# C#", "C#"),
        ("Set\n===", "Set"),
        ("plain  words", "plain words"),
        ("#hashtag", "#hashtag"),
        ("a" * 100 + " " + "b" * 100, "a" * 100 + " …"),
    ],
)
def test_headings_as_people_say_them(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_what_paths_share() -> None:
    assert Headings.shared([("a", "b"), ("a", "b", "c")]) == "a › b"
    assert Headings.shared([("a",), ("b",)]) is None
    assert Headings.shared([]) is None
