"""What every opener of containers promises, on every one."""

from __future__ import annotations

import io

import pytest

from nasd.errors import ReadError
from nasd.extract.base import Notes, Packed, Source
from nasd.extract.kinds import sniff, supported
from nasd.extract.registry import CONTAINERS, entry_of, load_container
from nasd.extract.samples import packed_samples

# Named, as the bytes tell when they were made: two processes of one run have to agree on names.
SAMPLES = [
    pytest.param(kind, data, id=f"{kind}-{number}")
    for kind, lot in packed_samples().items()
    for number, data in enumerate(lot)
]


def members(kind: str, data: bytes) -> list[tuple[Packed, bytes]]:
    source = Source(name="any.gz", size=len(data), kind=kind, stream=io.BytesIO(data))
    found = load_container(kind).members(source, Notes(), lambda count: None)
    return [(packed, packed.open().read()) for packed in found]


def test_each_is_listed_with_a_sample() -> None:
    assert packed_samples().keys() == CONTAINERS.keys()
    for kind, lot in packed_samples().items():
        assert supported(kind)
        assert entry_of(kind) is not None
        assert all(sniff(data, kind) == kind for data in lot)


@pytest.mark.parametrize(("kind", "data"), SAMPLES)
def test_members_have_a_name_and_bytes_and_come_in_the_same_order_twice(kind: str, data: bytes) -> None:
    first = [(packed.name, packed.size, inside) for packed, inside in members(kind, data)]
    assert first
    assert first == [(packed.name, packed.size, inside) for packed, inside in members(kind, data)]
    for name, size, inside in first:
        assert name
        assert size >= 0
        assert inside


@pytest.mark.parametrize(("kind", "data"), SAMPLES)
def test_every_prefix_ends(kind: str, data: bytes) -> None:
    for end in range(0, len(data), max(1, len(data) // 60)):
        try:
            members(kind, data[:end])
        except ReadError as error:
            assert error.reason in ("malformed", "unsupported", "encrypted", "too_large")
        except Exception as error:  # a member's own stream: whoever reads it takes that for a damaged member
            assert type(error).__module__ != "builtins" or isinstance(error, (EOFError, OSError, ValueError))


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 600, b"PK\x03\x04", b"\x1f\x8b", b"BZh9", bytes(range(256)) * 3]
)
@pytest.mark.parametrize("kind", [kind for kind in CONTAINERS if kind != "eml"])
def test_foreign_bytes_are_no_container(kind: str, data: bytes) -> None:
    with pytest.raises((ReadError, EOFError, OSError)) as caught:
        members(kind, data)
    if isinstance(caught.value, ReadError):
        assert caught.value.reason in ("malformed", "unsupported")
