"""What every reader promises, on every reader."""

from __future__ import annotations

import inspect
import io

import pytest

from nasd.domain.passages import Role
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.kinds import kind_of, sniff, supported
from nasd.extract.registry import READERS, load_reader
from nasd.extract.samples import samples


def _source(kind: str, data: bytes) -> Source:
    return Source(name="any", size=len(data), kind=kind, stream=io.BytesIO(data))


@pytest.fixture(params=READERS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_it_is_listed_with_a_sample(kind: str) -> None:
    assert supported(kind)
    assert kind in samples()
    assert sniff(samples()[kind], kind) == kind
    assert kind_of(f"x.{'txt' if kind == 'text' else 'py' if kind == 'code' else kind}").name in (
        kind,
        "unknown",
    )


def test_blocks_hold_text_between_white_space(kind: str) -> None:
    blocks = list(load_reader(kind).read(_source(kind, samples()[kind]), Notes()))
    assert blocks
    for block in blocks:
        assert block.text == block.text.strip()
        assert block.after == "" or block.after.isspace()
        assert (block.level > 0) == (block.role is Role.HEADING)


def test_it_reads_as_it_is_asked(kind: str) -> None:
    reader = load_reader(kind)
    found = reader.read(_source(kind, samples()[kind]), Notes())
    assert inspect.isgenerator(found)
    next(found)
    found.close()


def test_it_reads_the_same_twice(kind: str) -> None:
    reader = load_reader(kind)
    one, two = Notes(), Notes()
    first = list(reader.read(_source(kind, samples()[kind]), one))
    assert list(reader.read(_source(kind, samples()[kind]), two)) == first
    assert one == two


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\xff\xfe", b"PK\x03\x04", b"%PDF-1.4", b"<", bytes(range(256))]
)
def test_foreign_bytes_end_in_blocks_or_a_read_error(kind: str, data: bytes) -> None:
    try:
        blocks = list(load_reader(kind).read(_source(kind, data), Notes()))
    except ReadError as error:
        assert error.reason in ("malformed", "encrypted", "too_large", "unsupported")
    else:
        assert all(isinstance(block.text, str) for block in blocks)


def test_every_prefix_of_a_sample_ends(kind: str) -> None:
    data = samples()[kind]
    for end in range(0, len(data), max(1, len(data) // 40)):
        try:
            list(load_reader(kind).read(_source(kind, data[:end]), Notes()))
        except ReadError as error:
            assert error.detail
