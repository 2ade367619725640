"""Containers through the confined child: asked for, read, limited; one bad member costs one member."""

from __future__ import annotations

import gzip
import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from blake3 import blake3

from nasd.errors import ReadError
from nasd.extract.base import Found, Hashed, Limits, Member
from nasd.extract.sandbox import Sandbox
from tests.unit.extract.reading import package

Answer = Callable[[Found | Hashed], bool]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


def everything(_: Found | Hashed) -> bool:
    return True


def unpacked(
    box: Sandbox, data: bytes, kind: str = "archive", name: str = "a.zip", answer: Answer = everything
) -> dict[str, Member]:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        talk = box.unpack(file.fileno(), name=name, kind=kind)
        found: dict[str, Member] = {}
        reply: bool | None = None
        while True:
            try:
                told = talk.send(reply)
            except StopIteration:
                return found
            reply = None
            if isinstance(told, Member):
                found[told.found.path] = told
            else:
                reply = answer(told)


def outcome(member: Member) -> str:
    if member.error is not None:
        return member.error.reason
    return member.document.text if member.document is not None else "known"


def test_members_of_members_come_before_what_holds_them_and_the_container_last(box: Sandbox) -> None:
    inner = package({"c.txt": "deep"})
    mail = (
        b"Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nbody\n--b\n"
        b"Content-Disposition: attachment; filename=d.txt\n\ninvoice\n--b--\n"
    )
    found = unpacked(box, package({"b.txt": "flat", "n/in.zip": inner, "m.eml": mail}))
    assert list(found) == ["b.txt", "n/in.zip!/c.txt", "n/in.zip", "m.eml!/d.txt", "m.eml", ""]
    assert outcome(found["n/in.zip!/c.txt"]) == "deep"
    assert outcome(found["m.eml"]).startswith("Subject: s")
    assert outcome(found["m.eml!/d.txt"]) == "invoice"
    hashed = found["b.txt"].hashed
    assert hashed is not None
    assert (hashed.digest, hashed.kind, hashed.reader) == (blake3(b"flat").hexdigest(), "text", "text/1")
    assert found["b.txt"].found.size == 4


def test_what_is_not_wanted_is_not_told_of_and_what_is_known_is_not_read(box: Sandbox) -> None:
    asked: list[str] = []

    def answer(told: Found | Hashed) -> bool:
        if isinstance(told, Found):
            asked.append(told.path)
            return told.path != "no.txt"
        return told.found.path != "known.zip"

    known = package({"new.txt": "inside"})
    found = unpacked(box, package({"no.txt": "x", "known.zip": known}), answer=answer)
    assert asked == ["no.txt", "known.zip", "known.zip!/new.txt"]
    assert list(found) == ["known.zip!/new.txt", "known.zip", ""]
    assert found["known.zip"].document is None
    assert found["known.zip"].error is None


def test_one_bad_member_costs_one_member(box: Sandbox) -> None:
    good = package({"a.txt": "first " * 50, "b.txt": "second " * 50, "c.txt": "third " * 50})
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        start = archive.getinfo("b.txt").header_offset + 40
    damaged = good[:start] + bytes([byte ^ 0xFF for byte in good[start : start + 8]]) + good[start + 8 :]
    found = unpacked(box, damaged)
    assert outcome(found["a.txt"]).startswith("first")
    assert outcome(found["b.txt"]) == "malformed"
    assert outcome(found["c.txt"]).startswith("third")


def test_a_locked_member_is_told_by_itself(box: Sandbox) -> None:
    data = bytearray(package({"locked.txt": "secret", "open.txt": "plain"}))
    for at in (data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8):
        data[at] |= 1
    found = unpacked(box, bytes(data))
    assert outcome(found["locked.txt"]) == "encrypted"
    assert outcome(found["open.txt"]) == "plain"


def test_names_twice_there_are_told_apart_and_unsafe_ones_are_only_names(box: Sandbox) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "one")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.txt", "two")
        archive.writestr("../../etc/a.txt", "three")
    found = unpacked(box, buffer.getvalue())
    assert [(path, outcome(one)) for path, one in found.items()] == [
        ("a.txt", "one"),
        ("a (2).txt", "two"),
        ("_/_/etc/a.txt", "three"),
        ("", ""),
    ]


def test_a_truncated_archive_gives_what_it_has_and_a_note(box: Sandbox) -> None:
    import random
    import tarfile

    noise = random.Random(1)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in ("a.txt", "b.txt"):
            data = " ".join(f"{noise.getrandbits(60)}" for _ in range(40_000)).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    whole = buffer.getvalue()
    found = unpacked(box, whole[: len(whole) * 3 // 4], name="a.tgz")
    assert found["a.txt"].document is not None
    assert outcome(found["b.txt"]) == "malformed"
    assert found[""].document is not None
    assert "Only 2 files" in found[""].document.notes[0]


def test_what_is_no_container_is_refused_whole(box: Sandbox) -> None:
    for data, reason in (
        (b"PK\x03\x04" + bytes(100), "malformed"),
        (b"Rar!\x1a\x07\x00" + bytes(99), "unsupported"),
    ):
        with pytest.raises(ReadError) as caught:
            unpacked(box, data)
        assert caught.value.reason == reason


def test_a_bomb_ends_as_a_reason(box: Sandbox) -> None:
    found = unpacked(box, gzip.compress(bytes(200 << 20), 1), name="zeros.txt.gz")
    assert outcome(found["zeros.txt"]) == "too_large"


@pytest.fixture
def limited() -> Iterator[Callable[..., Sandbox]]:
    made: list[Sandbox] = []

    def make(**limits: object) -> Sandbox:
        made.append(Sandbox(replace(Limits(), **limits)))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for sandbox in made:
        sandbox.close()


def test_limits_of_the_whole_leave_what_was_read_and_say_so(limited: Callable[..., Sandbox]) -> None:
    three = package({f"{n}.txt": f"text {n}" for n in range(3)})
    found = unpacked(limited(members=2), three)
    assert list(found) == ["0.txt", "1.txt", ""]
    assert found[""].document is not None
    assert "more than 2 files" in found[""].document.notes[0]

    large = package({"0.txt": "small", "1.txt": "large " * 100_000, "2.txt": "never"})
    found = unpacked(limited(inflated_bytes=100_000), large)
    assert outcome(found["0.txt"]) == "small"
    assert outcome(found["1.txt"]) == "too_large"
    assert "2.txt" not in found

    found = unpacked(limited(member_bytes=1000), package({"0.txt": "x" * 2000, "1.txt": "fits"}))
    assert [outcome(found[name]) for name in ("0.txt", "1.txt")] == ["too_large", "fits"]


def test_containers_within_containers_have_a_limit(limited: Callable[..., Sandbox]) -> None:
    data = package({"end.txt": "here"})
    for _ in range(3):
        data = package({"in.zip": data})
    found = unpacked(limited(depth=3), data)
    assert outcome(found["in.zip!/in.zip!/in.zip"]) == "too_large"
    assert unpacked(limited(depth=4), data)["in.zip!/in.zip!/in.zip!/end.txt"].document is not None


def test_a_member_that_needs_too_much_memory_costs_one_member(limited: Callable[..., Sandbox]) -> None:
    rows = "".join(f"<p>{n}</p>" for n in range(400_000))
    data = package({"a.txt": "before", "hungry.html": rows, "z.txt": "after"})
    found = unpacked(limited(memory_bytes=60 << 20), data)
    assert outcome(found["a.txt"]) == "before"
    assert outcome(found["hungry.html"]) == "memory"
    assert outcome(found["z.txt"]) == "after"


def test_a_member_that_takes_too_long_costs_one_member(limited: Callable[..., Sandbox]) -> None:
    slow = "<div>" * 200_000 + "x"
    data = package({"a.txt": "before", "slow.html": slow * 20, "z.txt": "after"})
    found = unpacked(limited(wall_s=0.5), data)
    assert outcome(found["a.txt"]) == "before"
    assert outcome(found["slow.html"]) in ("time", "crashed", "memory")
    assert outcome(found["z.txt"]) == "after"


def test_a_whole_that_takes_too_long_is_cut_short(limited: Callable[..., Sandbox]) -> None:
    found = unpacked(limited(container_wall_s=0.0), package({"a.txt": "text"}))
    assert list(found) == [""]
    assert found[""].document is not None
    assert "not read" in found[""].document.notes[0]


def test_whoever_has_heard_enough_ends_the_child(box: Sandbox) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(package({"a.txt": "one", "b.txt": "two"}))
        file.flush()
        talk = box.unpack(file.fileno(), name="a.zip", kind="archive")
        assert isinstance(next(talk), Found)
        talk.close()
    assert outcome(unpacked(box, package({"c.txt": "three"}))["c.txt"]) == "three"
