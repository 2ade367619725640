"""Passages tile their document, whatever it is made of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nasd.domain.passages import Block, Document, Role
from nasd.extract.passages import cut

_SPACE = st.text(alphabet=" \n\r\t\u00a0\u2028", max_size=3)
_TEXT = st.one_of(
    st.text(alphabet="ab.!? \n\r。é\U0001f986", max_size=60),
    st.text(max_size=30),
    st.integers(0, 200).map(lambda n: "word " * n),
    st.integers(0, 400).map(lambda n: "x" * n),
    st.integers(0, 60).map(lambda n: "A sentence here. " * n),
)
_BLOCK = st.builds(
    Block,
    text=_TEXT,
    after=_SPACE,
    role=st.sampled_from(Role),
    level=st.integers(0, 3),
    page=st.none() | st.integers(1, 3),
    slide=st.none() | st.integers(1, 2),
    sheet=st.none() | st.sampled_from(["a", "b"]),
    line_start=st.none() | st.integers(1, 9),
)
_SIZES = st.integers(1, 30).flatmap(lambda target: st.tuples(st.just(target), st.integers(target, 40)))


@given(blocks=st.lists(_BLOCK, max_size=12), sizes=_SIZES)
def test_passages_tile_the_document(blocks: list[Block], sizes: tuple[int, int]) -> None:
    def count(text: str) -> int:
        return len(text.split())

    document = Document(blocks=tuple(blocks))
    target, most = sizes
    passages = cut(document, count_tokens=count, target_tokens=target, max_tokens=most)
    text = document.text
    assert "".join(p.text + p.gap for p in passages) == text.lstrip()
    at = len(text) - len(text.lstrip())
    for passage in passages:
        assert passage.char_start == at
        assert text[passage.char_start : passage.char_end] == passage.text == passage.text.strip() != ""
        assert passage.gap.strip() == ""
        assert count(passage.text) <= passage.tokens <= most
        at = passage.char_end + len(passage.gap)


@given(blocks=st.lists(_BLOCK, max_size=12), sizes=_SIZES)
def test_no_passage_crosses_a_page_a_slide_or_a_sheet(blocks: list[Block], sizes: tuple[int, int]) -> None:
    document = Document(blocks=tuple(blocks))
    passages = cut(
        document, count_tokens=lambda text: len(text.split()), target_tokens=sizes[0], max_tokens=sizes[1]
    )
    at = 0
    spans = []
    for block in blocks:
        if block.text.strip():
            spans.append((at, at + len(block.text), block))
        at += len(block.text) + len(block.after)
    for passage in passages:
        for start, end, block in spans:
            if start < passage.char_end and passage.char_start < end:
                inside = document.text[max(start, passage.char_start) : min(end, passage.char_end)]
                if inside.strip():
                    place = passage.place
                    assert (place.page, place.slide, place.sheet) == (block.page, block.slide, block.sheet)
