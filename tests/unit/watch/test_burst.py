from __future__ import annotations

import gzip
import os
import random

import pytest

from nasd.watch.burst import (
    GONE_MORE_THAN,
    HEAD_BYTES,
    REWRITTEN_AT_LEAST,
    SAMPLES,
    WINDOW_S,
    Burst,
    Rewritten,
    new_ending,
    rewritten_files,
    scrambled,
)

NOISE = random.Random(7).randbytes(HEAD_BYTES)
PROSE = b"The rent of the flat in Harbour Street is 840 euros a month, payable on the third. " * 40


def names(count: int, start: int = 0) -> list[bytes]:
    return [b"%d.txt" % number for number in range(start, start + count)]


def files(count: int, start: int = 0) -> dict[bytes, int]:
    return {path: inode for inode, path in enumerate(names(count, start), start)}


def in_place(paths: list[bytes]) -> list[Rewritten]:
    return [Rewritten(path=path, now_at=path) for path in paths]


# --- deletion ---------------------------------------------------------------------------------------------


def test_few_files_or_a_small_part_may_go() -> None:
    assert Burst().deletion(files(GONE_MORE_THAN), GONE_MORE_THAN, 0.0) is None
    assert Burst().deletion(files(5_000), 10_000, 0.0) is None


def test_most_of_many_files_is_mass_deletion() -> None:
    said = Burst().deletion(files(5_001), 10_000, 0.0)
    assert said is not None
    assert "5,001 of 10,000" in said


def test_it_adds_up_over_some_minutes_and_is_forgotten_later() -> None:
    burst = Burst()
    assert burst.deletion(files(90), 200, 0.0) is None
    assert burst.deletion(files(10, start=90), 110, 60.0) is None
    said = burst.deletion(files(1, start=100), 100, 121.0)
    assert said is not None
    assert "101 of 200 files went within 3 minutes" in said
    slow = Burst()
    assert slow.deletion(files(90), 200, 0.0) is None
    assert slow.deletion(files(80, start=90), 110, WINDOW_S + 1) is None


def test_the_same_files_are_counted_once() -> None:
    burst = Burst()
    for at in range(5):
        assert burst.deletion(files(60), 150, float(at)) is None


def test_what_comes_under_another_name_later_has_not_gone() -> None:
    burst = Burst()
    assert burst.deletion(files(90), 180, 0.0) is None
    burst.came(set(range(90)))
    assert burst.deletion(files(60, start=90), 180, 1.0) is None


def test_its_owner_may_have_it_so() -> None:
    burst = Burst()
    assert burst.deletion(files(90), 180, 0.0) is None
    burst.forget()
    assert burst.deletion(files(60, start=90), 90, 1.0) is None


# --- encryption -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [256, 300, 512, 1000, HEAD_BYTES])
def test_random_bytes_are_scrambled_and_others_are_not(size: int) -> None:
    assert scrambled(NOISE[:size])
    assert scrambled(os.urandom(size))
    for plain in (PROSE, bytes(size), b"%PDF-1.7\n" + NOISE, gzip.compress(NOISE), b"\0\0\0\x18ftyp" + NOISE):
        assert scrambled(plain[:size]) is False
    assert scrambled("Überprüfung der Zählerstände, 日本語の名前。".encode() * 40) is False
    assert scrambled("日本語の名前と住所を書く。".encode("utf-16") * 60) is False


def test_of_a_few_bytes_nothing_can_be_told() -> None:
    assert scrambled(NOISE[:255]) is None


def test_nothing_is_looked_into_while_few_files_change() -> None:
    burst = Burst()
    assert burst.suspects(in_place(names(REWRITTEN_AT_LEAST - 1)), [], 0.0) == []
    assert burst.suspects(in_place(names(REWRITTEN_AT_LEAST - 1)), [], 1.0) == [], "the same files again"
    assert burst.suspects([], [], 2.0) == []
    assert len(burst.suspects(in_place([b"one more.txt"]), [], 3.0)) == SAMPLES


def test_files_that_all_become_noise_are_encrypted() -> None:
    burst = Burst()
    suspects = burst.suspects(in_place(names(400)), [], 0.0)
    assert 0 < len(suspects) <= SAMPLES
    said = burst.encryption({one.now_at: NOISE for one in suspects}, 90.0)
    assert said is not None
    assert "400 files were rewritten within 2 minutes" in said


def test_files_that_stay_readable_are_not() -> None:
    burst = Burst()
    suspects = burst.suspects(in_place(names(400)), [], 0.0)
    assert burst.encryption({one.now_at: PROSE for one in suspects}, 0.0) is None
    assert burst.suspects(in_place(names(1, start=400)), [], 1.0) == [], "not looked into again at once"
    mixed = {one.now_at: NOISE if number % 2 else PROSE for number, one in enumerate(suspects)}
    assert burst.encryption(mixed, 0.0) is None
    assert burst.encryption({}, 0.0) is None


def test_a_new_ending_is_told() -> None:
    burst = Burst()
    renamed = [Rewritten(path=path, now_at=path + b".locked") for path in names(60)]
    suspects = burst.suspects(renamed, [], 0.0)
    said = burst.encryption({one.now_at: NOISE for one in suspects}, 0.0)
    assert said is not None
    assert "60 got the ending '.locked'" in said


def test_a_note_in_several_folders_makes_fewer_files_enough() -> None:
    notes = [b"%d/HOW_TO_DECRYPT.txt" % number for number in range(3)]
    assert Burst().suspects(in_place(names(12)), [], 0.0) == []
    assert Burst().suspects(in_place(names(12)), notes[:2], 0.0) == []
    burst = Burst()
    suspects = burst.suspects(in_place(names(12)), notes, 0.0)
    assert len(suspects) == 12
    said = burst.encryption({one.now_at: NOISE for one in suspects}, 0.0)
    assert said is not None
    assert "HOW_TO_DECRYPT.txt" in said


def test_what_stands_in_for_a_file_under_another_ending() -> None:
    found = rewritten_files(
        [b"same.txt"],
        {b"a/letter.txt", b"a/photo.jpg", b"gone.txt", b"b/x.txt"},
        [b"a/letter.txt.locked", b"a/photo.xyz", b"b/other.txt", b"c/x.txt.locked"],
        [(b"m.doc", b"m.doc.enc"), (b"n.doc", b"elsewhere/n.doc")],
    )
    pairs = {(one.path, one.now_at) for one in found}
    assert pairs == {
        (b"same.txt", b"same.txt"),
        (b"m.doc", b"m.doc.enc"),
        (b"a/letter.txt", b"a/letter.txt.locked"),
        (b"a/photo.jpg", b"a/photo.xyz"),
    }
    assert {new_ending(one) for one in found if one.path != one.now_at} == {b".enc", b".locked", b".xyz"}
