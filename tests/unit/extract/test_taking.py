"""Members taken out of containers: byte for byte, under the names they were found by, within limits."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import replace

import pytest

from nasd.domain.files import INSIDE
from nasd.errors import ReadError
from nasd.extract.base import Limits, Piece
from nasd.extract.frames import BOTH, INTO, NO, YES, BadFrame
from nasd.extract.sandbox import Sandbox
from nasd.extract.taken import Taken
from tests.unit.extract.reading import package

NOISE = random.Random(3).randbytes(900_000)
MAIL = (
    b"Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nbody\n--b\n"
    b"Content-Disposition: attachment; filename=d.bin\nContent-Transfer-Encoding: base64\n\n3q2+7w==\n--b--\n"
)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


def taken(
    box: Sandbox, data: bytes, *paths: str, kind: str = "archive", name: str = "a.zip"
) -> dict[str, bytes | str]:
    """Each path's bytes, or the reason why there are none."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        found: dict[str, bytes | str] = {}
        parts: dict[str, bytes] = {}
        for piece in box.take(file.fileno(), name=name, kind=kind, paths=paths):
            if piece.error is not None:
                found[piece.path] = piece.error.reason
            elif piece.ended:
                found[piece.path] = parts.pop(piece.path, b"")
            else:
                parts[piece.path] = parts.get(piece.path, b"") + piece.data
        return found


def test_bytes_come_as_they_are_also_from_deep_within(box: Sandbox) -> None:
    data = package({"a.txt": "a", "noise.bin": NOISE, "in.zip": package({"m.eml": MAIL, "empty": b""})})
    wanted = ("noise.bin", "in.zip!/m.eml!/d.bin", "in.zip!/empty")
    assert taken(box, data, *wanted) == dict(zip(wanted, (NOISE, b"\xde\xad\xbe\xef", b""), strict=True))


def test_a_container_and_what_lies_in_it_are_had_in_one_walk(box: Sandbox) -> None:
    data = package({"m.eml": MAIL, "z.txt": "z"})
    assert taken(box, data, "m.eml", "m.eml!/d.bin") == {"m.eml": MAIL, "m.eml!/d.bin": b"\xde\xad\xbe\xef"}


def test_members_of_one_name_are_told_apart_as_when_they_were_read(box: Sandbox) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for text in (b"first", b"second"):
            info = tarfile.TarInfo("same.txt")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    assert taken(box, buffer.getvalue(), "same (2).txt", name="a.tgz") == {"same (2).txt": b"second"}


def test_what_is_missing_or_locked_or_a_bomb_ends_with_a_reason(box: Sandbox) -> None:
    data = package({"here.txt": "x", "zeros": bytes(60 << 20), "in.zip": package({"c.txt": "c"})})
    assert taken(box, data, "here.txt", "gone.txt", "zeros", "in.zip!/gone", "here.txt!/x") == {
        "here.txt": b"x",
        "here.txt!/x": "unsupported",
        "zeros": "too_large",
        "in.zip!/gone": "changing",
        "gone.txt": "changing",
    }


def test_what_is_no_container_raises(box: Sandbox) -> None:
    with pytest.raises(ReadError) as caught:
        taken(box, b"Rar!\x1a\x07\x00" + bytes(99), "a.txt")
    assert caught.value.reason == "unsupported"
    with pytest.raises(ReadError) as caught:
        taken(box, b"plain text", "a.txt", kind="text", name="a.txt")
    assert caught.value.reason == "unsupported"


def test_who_has_heard_enough_ends_the_child(box: Sandbox) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(gzip.compress(NOISE))
        file.flush()
        pieces = box.take(file.fileno(), name="noise.gz", kind="archive", paths=["noise"])
        assert next(pieces).data
        pieces.close()
    assert taken(box, package({"a.txt": "still here"}), "a.txt") == {"a.txt": b"still here"}


def test_more_bytes_than_a_member_may_have_end_it() -> None:
    box = Sandbox(replace(Limits(), taken_bytes=100_000))
    try:
        assert taken(box, package({"noise.bin": NOISE, "a": "a"}), "noise.bin", "a") == {
            "noise.bin": "too_large",
            "a": b"a",
        }
    finally:
        box.close()


# --- what the parent makes of messages ----------------------------------------------------------------------


def member(path: str) -> dict[str, object]:
    return {"member": [path, 1, None, "text"]}


def test_answers_follow_what_is_wanted() -> None:
    box = Taken({"a", "b!/c", "d", "d!/e"}, Limits())
    assert box.answer(member("x")) == NO
    assert box.answer(member("a")) == YES
    assert list(box.take({"whole": True})) == [Piece(path="a", ended=True)]
    assert list(box.take({"end": {}})) == []
    assert box.answer(member("b")) == INTO
    assert box.answer(member("b!/c")) == YES
    (lost,) = box.take({"error": {"reason": "encrypted", "detail": "locked"}})
    assert lost.path == "b!/c"
    assert list(box.take({"end": {}})) == []
    assert box.answer(member("d")) == BOTH
    assert not box.finished
    rest = list(box.take({"error": {"reason": "strange", "detail": "?"}}))
    assert [(piece.path, piece.error.reason) for piece in rest if piece.error is not None] == [
        ("d", "malformed"),
        ("d!/e", "malformed"),
    ]
    assert box.finished


@pytest.mark.parametrize(
    "message",
    [
        {"bytes": "QQ=="},
        {"whole": True},
        {"blocks": []},
        {"member": "a"},
        {"member": []},
        {"member": [1]},
        {"member": [""]},
    ],
)
def test_what_no_child_says_is_refused(message: dict[str, object]) -> None:
    box = Taken({"a"}, Limits())
    with pytest.raises(BadFrame):
        if box.answer(message) is None:
            list(box.take(message))


def test_members_lie_below_what_is_open_and_bytes_are_counted() -> None:
    box = Taken({"a" + INSIDE + "b"}, replace(Limits(), taken_bytes=2))
    assert box.answer(member("a")) == INTO
    with pytest.raises(BadFrame):
        box.answer(member("b"))
    assert box.answer(member("a!/b")) == YES
    with pytest.raises(BadFrame):
        list(box.take({"bytes": "no base64!"}))
    with pytest.raises(ReadError) as caught:
        list(box.take({"bytes": "QUFB"}))
    assert caught.value.reason == "too_large"
