"""What the parent accepts from a child that may be anybody's by then."""

from __future__ import annotations

import struct

import pytest

from nasd.domain.passages import Block, Role
from nasd.extract.frames import (
    BadFrame,
    Exit,
    Frames,
    Job,
    batches,
    frame,
    pack_block,
    unpack_block,
    unpack_blocks,
    unpack_mapping,
    unpack_text,
    unpack_words,
)

_BLOCK = Block(
    text="naïve 茶 🦆",
    after="\r\n",
    role=Role.ROW,
    level=2,
    page=3,
    line_start=4,
    line_end=5,
    sheet="S",
    slide=6,
)


def test_blocks_cross_unchanged() -> None:
    assert unpack_block(pack_block(_BLOCK)) == _BLOCK


def test_frames_arrive_in_any_portions() -> None:
    data = frame({"blocks": [pack_block(_BLOCK)]}) + frame({"end": {}})
    for size in (1, 3, len(data)):
        frames = Frames()
        found = [m for at in range(0, len(data), size) for m in frames.feed(data[at : at + size])]
        assert [list(message) for message in found] == [["blocks"], ["end"]]
        assert unpack_blocks(found[0]["blocks"]) == [_BLOCK]
        assert frames.pending == 0


def test_jobs_and_exits_cross_unchanged() -> None:
    job = Job(name="a\udcff", size=1, kind="pdf", memory_bytes=2, cpu_s=3, open_files=4, output_chars=5)
    assert Job.decode(job.encode()) == job
    ended = Exit(code=None, signal=9, peak_bytes=1, cpu_s=0.5)
    assert Exit.decode(ended.encode()) == ended


def test_text_that_no_store_takes_is_replaced() -> None:
    packed = pack_block(Block(text="a\0b\ud800c"))
    assert packed[0] == "a\ufffdb?c"


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        ["a"],
        ["a", "", "no role", 0, None, None, None, None, None],
        ["a", "", ["row"], 0, None, None, None, None, None],
        [1, "", "row", 0, None, None, None, None, None],
        ["a", None, "row", 0, None, None, None, None, None],
        ["a", "", "row", -1, None, None, None, None, None],
        ["a", "", "row", True, None, None, None, None, None],
        ["a", "", "row", 0, 1.5, None, None, None, None],
        ["a", "", "row", 0, None, 1 << 50, None, None, None],
        ["a", "", "row", 0, None, None, None, 7, None],
        ["\ud800", "", "row", 0, None, None, None, None, None],
    ],
)
def test_what_is_no_block_is_refused(row: object) -> None:
    with pytest.raises(BadFrame):
        unpack_block(row)


@pytest.mark.parametrize("payload", [b"{", b"[]", b"1", b"\xff", b"[" * 100_000])
def test_what_is_no_message_is_refused(payload: bytes) -> None:
    with pytest.raises(BadFrame):
        list(Frames().feed(struct.pack(">I", len(payload)) + payload))


def test_a_huge_frame_is_refused_before_it_is_held() -> None:
    with pytest.raises(BadFrame):
        list(Frames().feed(b"\xff\xff\xff\xff"))


def test_the_rest_is_bounded_and_checked() -> None:
    assert unpack_words(["a" * 900] * 2000) == ("a" * 500,) * 1000
    assert unpack_mapping({"k": "v" * 2000}) == {"k": "v" * 1000}
    assert unpack_text(None) is None
    for call, value in ((unpack_words, "text"), (unpack_mapping, []), (unpack_text, 5), (unpack_blocks, {})):
        with pytest.raises(BadFrame):
            call(value)  # type: ignore[operator]


def test_batches_hold_about_what_they_may() -> None:
    blocks = [Block(text="x" * 40, after="") for _ in range(10)]
    lots = list(batches(iter(blocks), 100))
    assert [len(lot) for lot in lots] == [3, 3, 3, 1]
