"""Whatever the text, its units are spans of it, and every quote is verbatim."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nasd.answer.extractive import ExtractiveAnswerer
from nasd.answer.sentences import MAX_UNIT, split
from tests.fakes.hits import hit

PIECES = st.sampled_from(
    ["Mr. ", "A sentence. ", "J. ", "3. ", "2,400 1,800", "\n", "\n\n", "\r\n", "\t", " | ", "- ", "# ", "。",
     "؟ ", "e.g. ", "“Quoted.” ", "word ", "Total $ 5 $ 6\n", "\u2028", "\x0c", "ไทย", "北京", "x" * 700,
     "...", "!? "]
)  # fmt: skip
TEXT = st.one_of(st.text(), st.lists(PIECES | st.text(max_size=3), max_size=30).map("".join))


@given(text=TEXT)
def test_units_lie_in_order_without_overlap_and_hold_every_word(text: str) -> None:
    end = 0
    for span in split(text):
        assert end <= span.start < span.end <= len(text)
        assert span.end - span.start <= MAX_UNIT
        assert not text[span.start].isspace()
        assert not text[span.end - 1].isspace()
        assert not any(character.isalnum() for character in text[end : span.start])
        end = span.end
    assert not any(character.isalnum() for character in text[end:])


@given(question=TEXT, texts=st.lists(TEXT, max_size=4))
def test_every_quote_is_verbatim_and_numbered(question: str, texts: list[str]) -> None:
    hits = [hit(text, rank=rank) for rank, text in enumerate(texts, 1)]
    answer = ExtractiveAnswerer().answer(question, hits, None)
    assert answer.abstained == (not answer.citations) == (not answer.sentences)
    assert [citation.n for citation in answer.citations] == list(range(1, len(answer.citations) + 1))
    for citation in answer.citations:
        text = citation.passage.passage.text
        assert citation.quote == text[citation.quote_start : citation.quote_end] != ""
    assert {n for sentence in answer.sentences for n in sentence.citations} == {
        citation.n for citation in answer.citations
    }


@given(text=TEXT, position=st.integers(min_value=0))
def test_the_words_of_a_sentence_find_it(text: str, position: int) -> None:
    """A sentence with a rare word in it is quoted when that word is asked for."""
    at = position % (len(text) + 1)
    passage = f"{text[:at]}\n\nThe zyxomma flies at dusk.\n\n{text[at:]}"
    answer = ExtractiveAnswerer().answer("When does the zyxomma fly?", [hit(passage)], None)
    assert any("The zyxomma flies at dusk." in citation.quote for citation in answer.citations)
