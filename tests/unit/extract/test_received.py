"""What a child tells of a container is believed only where it makes sense."""

from __future__ import annotations

from typing import Any

import pytest

from nasd.errors import ReadError
from nasd.extract.base import Found, Hashed, Limits, Member
from nasd.extract.frames import BadFrame
from nasd.extract.received import Received

DIGEST = "0" * 64
END: dict[str, Any] = {"end": {"title": None, "reader": "text/1", "notes": [], "metadata": {}}}


def received(**limits: int) -> Received:
    return Received(Limits(**limits), Found(path="", size=9, mtime_ns=None, kind="archive"))


def member(path: object, size: object = 1, mtime_ns: object = None, kind: object = "text") -> dict[str, Any]:
    return {"member": [path, size, mtime_ns, kind]}


def found(one: Received, path: str) -> None:
    told = one.take(member(path))
    assert isinstance(told, Found)
    one.want(told, True)


def test_a_member_from_its_beginning_to_its_end() -> None:
    one = received()
    found(one, "a.txt")
    hashed = one.take({"hashed": [4, "text", DIGEST, "text/1"]})
    assert isinstance(hashed, Hashed)
    assert hashed.found.size == 4
    one.want_text(True)
    told = one.take(END)
    assert isinstance(told, Member)
    assert (told.hashed, told.error) == (hashed, None)
    assert told.document is not None
    assert not one.finished
    assert isinstance(one.take(END), Member)
    assert one.finished


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../b",
        "a//b",
        "./a",
        "a/",
        "a\x00b",
        "a\nb",
        "x" * 9000,
        7,
        None,
        "\udcff",
    ],
)
def test_unsafe_names_are_refused(path: object) -> None:
    with pytest.raises(BadFrame):
        received().take(member(path))


@pytest.mark.parametrize(
    "message",
    [
        {"member": []},
        {"member": "a.txt"},
        member("a", size=-1),
        member("a", size=True),
        member("a", mtime_ns="now"),
        {"hashed": [1, "text", DIGEST, "text/1"]},
        {"blocks": "text"},
        {"what": 1},
    ],
)
def test_what_makes_no_sense_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(BadFrame):
        received().take(message)


@pytest.mark.parametrize(
    "value",
    [
        [1, "text", "0" * 63, "text/1"],
        [1, "text", DIGEST.upper().replace("0", "A"), "text/1"],
        [1, "text", DIGEST, "pdf/1"],
        [1, "nonsense", DIGEST, "text/1"],
        [-1, "text", DIGEST, "text/1"],
        [],
    ],
)
def test_digests_that_are_none_are_refused(value: list[object]) -> None:
    one = received()
    found(one, "a.txt")
    with pytest.raises(BadFrame):
        one.take({"hashed": value})


def test_a_member_comes_once_and_below_what_is_open() -> None:
    one = received()
    found(one, "a.zip")
    with pytest.raises(BadFrame):
        one.take(member("b.txt"))
    found(one, "a.zip!/b.txt")
    one.take(END)
    with pytest.raises(BadFrame):
        one.take(member("a.zip!/b.txt"))


def test_there_are_no_more_and_no_deeper_ones_than_may_be() -> None:
    one = received(members=1)
    found(one, "a.txt")
    one.take(END)
    with pytest.raises(BadFrame):
        one.take(member("b.txt"))
    deep = received(depth=1)
    found(deep, "a.zip")
    with pytest.raises(BadFrame):
        deep.take(member("a.zip!/b.txt"))


def test_nothing_comes_after_the_end() -> None:
    one = received()
    one.take(END)
    with pytest.raises(BadFrame):
        one.take(END)


def test_a_member_yields_no_more_text_than_a_file() -> None:
    one = received(output_chars=10)
    found(one, "a.txt")
    row = ["x" * 11, "", "paragraph", 0, None, None, None, None, None]
    with pytest.raises((ReadError, BadFrame)):
        one.take({"blocks": [row]})


def test_a_fresh_child_is_not_asked_again_for_what_was_settled() -> None:
    one = received()
    found(one, "a.txt")
    failed = one.fail(ReadError("It crashed.", reason="crashed"))
    assert failed.error is not None
    one.begin()
    told = one.take(member("a.txt"))
    assert isinstance(told, Found)
    assert one.was_settled(told)


def test_what_befalls_the_container_itself_is_raised() -> None:
    with pytest.raises(ReadError, match="crashed"):
        received().fail(ReadError("It crashed.", reason="crashed"))
    with pytest.raises(ReadError) as caught:
        received().take({"error": {"reason": "no such reason", "detail": "d"}})
    assert caught.value.reason == "malformed"
