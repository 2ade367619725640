"""7z archives: of every method that is decoded, of other programs, damaged, locked, larger than they say."""

from __future__ import annotations

import base64
import contextlib
import io
import random
import tempfile

import pytest

from nasd.errors import ReadError
from nasd.extract.base import Limits, Member, Notes, Source
from nasd.extract.containers import sevenzip_coders
from nasd.extract.containers.archives import Archives
from nasd.extract.containers.sevenzip_directory import Bytes
from nasd.extract.sandbox import Sandbox
from tests.fakes.sevenzip import (
    BZIP2,
    COPY,
    DEFLATE,
    DELTA,
    LZMA1,
    LZMA2,
    PPMD,
    X86,
    ZSTD,
    Method,
    number,
    sealed,
    seven_zip,
)

HERON, SECOND = b"The heron stands in the water.\n", b"second"
EXPECTED = {"n/bÃ.txt": HERON, "empty.txt": b"", "c.txt": SECOND}

# What other programs wrote: py7zr 1.1 (a filter and LZMA2, packed directory) …
PY7ZR = (
    "N3q8ryccAAQT/+vnpQAAAAAAAAAVAAAAAAAAANnNcSYBACRUaGUgaGVyb24gc3RhbmRzIGluIHRoZSB3YXRlci4Kc2Vjb25kAOAA"
    "lgB0XQAAgTMHrg/QluR8nzkQnGzqVhqO4c5CG/fcVSNdG2ilNvzVtW/8Q5nE8HRAVdZHAZ6uX8rKJ5sYDSHvDt8wzta34aRS7ZqX"
    "xftgir/gXWIBZQ+Wxv41zO7egUKpTWjgEchMe1pabY9m50478x9W+b1u9AAAAAAXBikBCXwABwsBAAEhIQEYDICXAAA="
)
# … the same with all encrypted, also the directory …
LOCKED = (
    "N3q8ryccAAQutcTr8AAAAAAAAAAqAAAAAAAAAF51avZ9szNhurxiVZwQtGVZFcoSBtdCfNMEHmR0bpUd0Df7R/EVVH130QhzRLBe"
    "K/QqE3jDSVqGEkkAOthWEW1V4OlAvvHcOVyLIdI3NRHLXglJcaQZv+EYM5Xj1qMeaCBPLXMO6a+4CscggN/1aW4LaqVoGnG47FCc"
    "SICpNAURQ2y5pUtuTv0BkrhlY+zn0yVb3jRRAfp51ny9D/V+3m1APMf9Zn+Ho0kV26jv6IZsmV3RLk1Zg+cIBFMdGGbmlVEtKs+U"
    "8tCAy3w5bRpUU3T8Em2G23mhW8HNxShrYaTZDI/JaKt/xa0q0Cxb7DkIv+9OkT8XBjABCYDAAAcLAQABJAbxBwESUw9EcBpy5FOv"
    "Tzr0pZWq9IVsDICzAAA="
)
# … and libarchive 3.6 (LZMA, with a folder and a symbolic link).
LIBARCHIVE = (
    "N3q8ryccAAPh7tXpvgAAAAAAAAAiAAAAAAAAAADgqLcAF5lKhkMW43nzycjTlLE4lwtpk0balre43O7nzEf5EqfjtLHvnDrM1LL4"
    "je17R/gB+ZZ/+lE4AAAAgTMHrg/ReeggoJCgd7D+k4fhqh8nai1M0aQ1RcyKQsdm0VLCxj24+ex4FovA0aC0EO3yvL6DK7t995ZW"
    "xXHTjhBYeQhqYW0GH77yyWzt7Blb7WNZMGwezs1NdUsEjO9hYv6yB9c9gIDwA316KD+Ib6/MStViV3PMustwlnhvYf/9lqgAFwY4"
    "AQmAhgAHCwEAASMDAQEFXQAAgAAMgMEKAanu/6cAAA=="
)
NOISE = random.Random(7).randbytes(300_000)
CODE = bytes(random.Random(8).choices(b"\xe8\xe9\x00\xff\x10\x7fa", k=200_003))
MEMBERS = {"prose.txt": HERON * 4000, "prog.exe": CODE, "noise.bin": NOISE, "last.txt": SECOND}


def uncounted(count: int) -> None:
    """Takes no note of what is inflated."""


def opened(data: bytes, spent: list[int] | None = None) -> dict[str, bytes | str]:
    """Each member's bytes, or the reason why it has none."""
    source = Source(name="a.7z", size=len(data), kind="archive", stream=io.BytesIO(data))
    found: dict[str, bytes | str] = {}
    for packed in Archives().members(source, Notes(), (spent if spent is not None else []).append):
        try:
            with packed.open() as stream:
                found[packed.name] = stream.read()
        except ReadError as error:
            found[packed.name] = error.reason
    return found


@pytest.mark.parametrize("text", [PY7ZR, LIBARCHIVE], ids=["py7zr", "libarchive"])
def test_archives_of_other_programs(text: str) -> None:
    data = base64.b64decode(text)
    assert opened(data) == EXPECTED
    source = Source(name="a.7z", size=len(data), kind="archive", stream=io.BytesIO(data))
    assert all(packed.mtime_ns is not None for packed in Archives().members(source, Notes(), uncounted))


@pytest.mark.parametrize("solid", [True, False])
@pytest.mark.parametrize(
    "methods",
    [(COPY,), (LZMA2,), (LZMA1,), (BZIP2,), (DEFLATE,), (ZSTD,), (X86, LZMA2), (X86, LZMA1), (DELTA, BZIP2),
     (X86, DELTA, LZMA1), (X86, COPY)],
    ids=lambda methods: "+".join(method.number.hex() for method in methods),
)  # fmt: skip
def test_every_method_gives_the_bytes_back(methods: tuple[Method, ...], solid: bool) -> None:
    spent: list[int] = []
    data = seven_zip(MEMBERS, methods=methods, solid=solid)
    assert opened(data, spent) == MEMBERS
    assert sum(spent) == sum(len(one) for one in MEMBERS.values()), "what is inflated is reported, once"


def test_members_are_told_as_they_are_and_links_and_folders_are_none() -> None:
    data = seven_zip(
        {"a.txt": b"a", "empty": b"", "link": b"/etc/passwd"}, folders=["folder"], links=["link"],
        packed_directory=True,
    )  # fmt: skip
    source = Source(name="a.7z", size=len(data), kind="archive", stream=io.BytesIO(data))
    notes = Notes()
    found = {
        packed.name: (packed.size, packed.mtime_ns) for packed in Archives().members(source, notes, uncounted)
    }
    moment = 1_600_000_000 * 1_000_000_000
    assert found == {"a.txt": (1, moment), "empty": (0, moment)}
    assert notes.metadata["archive"] == "7z"


def test_passing_members_over_inflates_no_more_than_lies_before() -> None:
    data = seven_zip(MEMBERS, solid=False)
    source = Source(name="a.7z", size=len(data), kind="archive", stream=io.BytesIO(data))
    spent: list[int] = []
    for packed in Archives().members(source, Notes(), spent.append):
        if packed.name == "last.txt":
            assert packed.open().read() == SECOND
    assert sum(spent) == len(SECOND)


def test_what_is_locked_says_so() -> None:
    assert opened(seven_zip({"a.txt": b"a", "b": b""}, locked=True)) == {"a.txt": "encrypted", "b": b""}
    for data in (base64.b64decode(LOCKED), seven_zip({"a.txt": b"a"}, locked=True, packed_directory=True)):
        with pytest.raises(ReadError) as caught:
            opened(data)
        assert caught.value.reason == "encrypted"


def test_a_method_that_is_not_known_is_named() -> None:
    data = seven_zip({"a.txt": b"a"}, methods=(PPMD,))
    assert opened(data) == {"a.txt": "unsupported"}
    source = Source(name="a.7z", size=len(data), kind="archive", stream=io.BytesIO(data))
    (packed,) = Archives().members(source, Notes(), uncounted)
    with pytest.raises(ReadError, match="PPMd"):
        packed.open()


def test_damage_costs_what_comes_after_it() -> None:
    data = bytearray(seven_zip({"a.txt": HERON, "b.bin": NOISE, "c.txt": SECOND}, solid=False))
    at = bytes(data).index(NOISE[:20])
    data[at + 1000] ^= 0xFF
    assert opened(bytes(data)) == {"a.txt": HERON, "b.bin": "malformed", "c.txt": SECOND}


def test_a_truncated_or_foreign_one_is_malformed() -> None:
    whole = seven_zip({"a.txt": HERON})
    for data in (
        whole[:-1],
        whole[:40],
        whole[:20],
        whole[:6],
        sealed(b"", b"\x05\x00"),
        sealed(b"", b"\x17\0"),
    ):
        try:
            assert opened(data) == {}
        except ReadError as error:
            assert error.reason == "malformed"


def test_every_change_of_a_directory_ends() -> None:
    """Whatever the numbers in it say, with checksums that fit."""
    plain = seven_zip({"a.txt": HERON, "b.txt": SECOND, "e": b""}, methods=(X86, LZMA2), folders=["f"])
    start = int.from_bytes(plain[12:20], "little")
    data, directory = plain[32 : 32 + start], plain[32 + start :]
    outcomes = set()
    for at in range(len(directory)):
        for value in (0, 1, 0x7F, 0xFF, directory[at] ^ 1):
            changed = directory[:at] + bytes((value,)) + directory[at + 1 :]
            try:
                opened(sealed(data, changed))
                outcomes.add("read")
            except ReadError as error:
                outcomes.add(error.reason)
    assert outcomes <= {"read", "malformed", "unsupported", "encrypted", "too_large"}
    assert {"read", "malformed"} <= outcomes


def test_a_dictionary_beyond_all_measure_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    data = seven_zip({"a.bin": NOISE}).replace(b"\x21\x21\1\x08", b"\x21\x21\1\x28")  # 4 GiB, for 300 kB
    start = int.from_bytes(data[12:20], "little")
    again = sealed(data[32 : 32 + start], data[32 + start :])
    assert opened(again) == {"a.bin": NOISE}
    monkeypatch.setattr(sevenzip_coders, "_MOST_DICTIONARY", 1000)
    assert opened(again) == {"a.bin": "too_large"}


def test_numbers_are_read_as_they_are_written() -> None:
    for value in (0, 1, 0x7F, 0x80, 1 << 40, (1 << 63) + 5):
        assert Bytes(number(value)).number() == value
    assert Bytes(b"\x81\x02").number() == 0x102
    assert Bytes(b"\xc1\x02\x03").number() == 0x10302
    with pytest.raises(IndexError):
        Bytes(b"\xff\x01").number()


def test_a_bomb_ends_as_a_reason() -> None:
    box = Sandbox(Limits())
    bomb = seven_zip({"zeros.txt": bytes(60 << 20), "b.txt": HERON}, solid=False)
    try:
        with tempfile.TemporaryFile() as file:
            file.write(bomb)
            file.flush()
            talk = box.unpack(file.fileno(), name="a.7z", kind="archive")
            reasons: dict[str, str | None] = {}
            reply: bool | None = None
            with contextlib.suppress(StopIteration):
                while True:
                    told = talk.send(reply)
                    reply = None if isinstance(told, Member) else True
                    if isinstance(told, Member):
                        reasons[told.found.path] = told.error.reason if told.error else None
    finally:
        box.close()
    assert reasons == {"zeros.txt": "too_large", "b.txt": None, "": None}
