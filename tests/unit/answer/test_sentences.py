"""Where one quotable unit ends and the next begins."""

from __future__ import annotations

import pytest

from nasd.answer.sentences import MAX_UNIT, split


def cut(text: str) -> list[str]:
    return [" ".join(text[span.start : span.end].split()) for span in split(text)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["Mr. Smith paid $3.50 to Apple Inc. in the U.S. on Jan. 5, 2021.", "The rest was free."],
        ["J. R. R. Tolkien wrote it!", "Really?", "Yes…", '"What?" he asked.', "Nobody knew."],
        ["He said “go.”", "Then he left (see Fig. 3 on p. 12).", "It grew by 0.5 per cent."],
        ["The St. Louis team won.", "Yahoo! is a company.", "It is in the U.S.", "The end."],
        ["He earned a Ph.D. in 1990 from the Univ. of X.", "It ended at 5 p.m. on Monday."],
        ["This was shown.[12]", "Later it was not."],
        ["Die Garantie gilt z. B. bis zum 3. Oktober 2024.", "Sie beträgt ca. 5 Jahre."],
        ["¿Cuándo empezó?", "Empezó en 1990."],
        ["Elle a dit « oui ».", "Il est parti."],
        ["यह पहला वाक्य है।", "यह दूसरा है।"],
        ["كم عدد اللاعبين؟", "كان العدد ثلاثة."],
        ["Τι είναι αυτό\u037e", "Είναι βιβλίο."],
    ],
)
def test_prose_is_cut_at_its_sentences(sentences: list[str]) -> None:
    assert cut(" ".join(sentences)) == sentences


def test_han_and_kana_need_no_space_after_a_full_stop() -> None:
    assert cut("他出生于1990年。他住在北京！“真的吗？”她问。") == [
        "他出生于1990年。", "他住在北京！", "“真的吗？”", "她问。",
    ]  # fmt: skip


def test_lines_wrapped_in_a_paragraph_are_one_text() -> None:
    text = (
        "This is a hard wrapped paragraph of plain text whose lines\n"
        "are about sixty columns wide, as was usual in mail and on\n"
        "Usenet. It has a second sentence.\n"
        "\n"
        "Bosch\nMain Street 5\n12345 City"
    )
    assert cut(text) == [
        "This is a hard wrapped paragraph of plain text whose lines are about sixty columns wide, as was "
        "usual in mail and on Usenet.",
        "It has a second sentence.",
        "Bosch",
        "Main Street 5",
        "12345 City",
    ]


def test_rows_of_a_table_are_units_of_their_own() -> None:
    text = (
        "Three Months Ended\n2021 2022\nNet sales $ 65,557 $ 78,843\nOperating expenses 64,677 79,255\n"
        "Operating income (loss) $ 880 $ (412)"
    )
    spans = split(text)
    assert [text[span.start : span.end] for span in spans] == text.splitlines()
    assert [span.row for span in spans] == [False, True, True, True, True]
    assert {span.paragraph for span in spans} == {0}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("name\tage\nBob\t5", ["name age", "Bob 5"]),
        ("| a | b |\n|---|---|\n| x | 3. Y |", ["a | b", "x | 3. Y"]),
        ("Name      Age\nBob       5", ["Name Age", "Bob 5"]),
    ],
)
def test_cells_make_a_row(text: str, rows: list[str]) -> None:
    assert cut(text) == rows
    assert all(span.row for span in split(text))


def test_items_and_headings_stand_alone_without_their_marks() -> None:
    text = "## Details\n- Guarantee period: 5 years\n- Power: 230 V\n1. First step. Do it.\n2. Second"
    assert cut(text) == [
        "Details", "Guarantee period: 5 years", "Power: 230 V", "1. First step.", "Do it.", "2. Second",
    ]  # fmt: skip


def test_a_unit_is_never_longer_than_its_bound() -> None:
    for text in ("word " * 2_000, "x" * 5_000, "clause; " * 900, "ภาษาไทย " * 500):
        spans = split(text)
        assert len(spans) > 1
        assert all(span.end - span.start <= MAX_UNIT for span in spans)


@pytest.mark.parametrize("text", ["", " \n\n ", "---", "| |", "* * *", "…", "\x00"])
def test_text_without_words_has_no_units(text: str) -> None:
    assert split(text) == []
