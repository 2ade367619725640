"""Domain values as they cross HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasd import render, wire
from nasd.domain.files import FileState
from nasd.errors import InvalidRequest, NotFound
from tests.fakes.flows import file_record

NUMBERS = st.integers(0, 2**63 - 1)


@given(NUMBERS)
def test_ids_come_back(number: int) -> None:
    assert render.decode_file_id(render.encode_file_id(number)) == number
    assert render.decode_passage_id(render.encode_passage_id(number)) == number
    assert render.decode_cursor(render.encode_cursor(number)) == number


@given(st.text())
def test_text_is_no_id_unless_it_is_the_one_form_of_it(text: str) -> None:
    try:
        number = render.decode_file_id(text)
    except NotFound:
        return
    assert render.encode_file_id(number) == text


@pytest.mark.parametrize("text", ["", "f_", "f_00", "f_-1", "f_A", "f_1 ", "f_1\n", "f_٣", "f_1y2p0ij32e8e8"])
def test_malformed_ids(text: str) -> None:
    with pytest.raises(NotFound):
        render.decode_file_id(text)
    with pytest.raises(NotFound):
        render.decode_passage_id(text.replace("f", "p"))
    with pytest.raises(InvalidRequest):
        render.decode_cursor(text.replace("f", "c"))


def test_no_cursor_is_the_beginning() -> None:
    assert render.decode_cursor(None) == 0


@pytest.mark.parametrize(
    ("mtime_ns", "expected"),
    [
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (1_714_644_672_123_456_789, datetime(2024, 5, 2, 10, 11, 12, 123456, tzinfo=UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        (2**63 - 1, datetime(2262, 4, 11, 23, 47, 16, 854775, tzinfo=UTC)),
        (10**30, datetime.max.replace(tzinfo=UTC)),
        (-(10**30), datetime.min.replace(tzinfo=UTC)),
    ],
)
def test_times_of_files(mtime_ns: int, expected: datetime) -> None:
    assert render.modified_at(mtime_ns) == expected


@given(st.binary(max_size=60), st.integers())
def test_any_file_can_be_shown(path: bytes, mtime_ns: int) -> None:
    shown = render.file_entry(file_record(1, path, mtime_ns=mtime_ns, state=FileState.FAILED))
    assert wire.FileEntry.model_validate_json(shown.model_dump_json()) == shown
    assert shown.modified.tzinfo is not None
