"""What engines print, taken apart; and the launcher's confinement."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nasd.errors import ReadError
from nasd.extract.base import Picture
from nasd.extract.ocr.rapid import arrange, parse_lines
from nasd.extract.ocr.tesseract import parse_tsv
from nasd.extract.ocr.turning import turned

HEAD = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"


def test_the_words_of_a_table() -> None:
    table = "\n".join(
        (HEAD, "1\t1\t0\t0\t0\t0\t0\t0\t100\t100\t-1\t", "5\t1\t2\t1\t3\t1\t10\t20\t30\t8\t91.5\tWord")
    )
    (word,) = parse_tsv(table)
    assert (word.text, word.left, word.top, word.right, word.bottom) == ("Word", 10, 20, 40, 28)
    assert (word.paragraph, word.line, word.confidence) == ((2, 1), (2, 1, 3), 91.5)


@pytest.mark.parametrize(
    "row",
    ["", "5\t1", "5\t1\t2\t1\t3\t1\tx\t20\t30\t8\t91.5\tWord", "5\t1\t2\t1\t3\t1\t10\t20\t30\t8\t91.5\t "],
)
def test_rows_that_are_no_word_are_passed_over(row: str) -> None:
    assert parse_tsv(f"{HEAD}\n{row}\n") == ()


def test_lines_are_put_into_reading_order() -> None:
    lines = [
        ("right", 200, 12, 260, 30, 0.9),
        ("left", 0, 10, 60, 30, 0.9),
        ("below", 0, 34, 60, 54, 0.9),
        ("far", 0, 150, 60, 170, 0.9),
    ]
    words = arrange(lines)
    assert [word.text for word in words] == ["left", "right", "below", "far"]
    assert words[0].line == words[1].line != words[2].line
    assert words[2].paragraph != words[3].paragraph


@pytest.mark.parametrize("payload", [b"", b"{}x", b"[1]", b'[["a", 1]]', b'[["a", "b", 1, 1, 1, 1]]'])
def test_a_child_that_sends_no_lines_is_told_so(payload: bytes) -> None:
    with pytest.raises(ReadError):
        parse_lines(payload)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_turning_and_turning_back(rotation: int) -> None:
    picture = Picture(width=3, height=2, form="gray", data=bytes(range(6)))
    once = turned(picture, rotation)
    assert (once.width, once.height) == ((3, 2) if rotation == 180 else (2, 3))
    assert turned(once, 360 - rotation) == picture
    assert np.frombuffer(turned(picture, 180).data, np.uint8).tolist() == [5, 4, 3, 2, 1, 0]


def test_what_is_launched_has_no_network_and_writes_nothing(tmp_path: Path) -> None:
    target = tmp_path / "written"
    script = (
        "import socket\n"
        "def tried(call):\n"
        "    try:\n        call()\n"
        "    except OSError:\n        return 'refused'\n"
        "    return 'done'\n"
        "print(tried(socket.socket))\n"
        f"print(tried(lambda: open({str(target)!r}, 'w').write('x') and None))\n"
    )
    python = sys.executable
    done = subprocess.run(
        [python, "-P", "-m", "nasd.extract.ocr.launch", str(1 << 30), "20", "/usr/bin/nice"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert int(done.stdout) >= 15
    paths = ":".join(path for path in sys.path if path)
    environment = {"PYTHONPATH": paths, "TESSDATA_PREFIX": sys.base_prefix}
    done = subprocess.run(
        [python, "-P", "-m", "nasd.extract.ocr.launch", str(1 << 30), "20", python, "-S", "-c", script],
        capture_output=True, text=True, timeout=60, check=False, env=environment,
    )  # fmt: skip
    assert done.stdout.split() == ["refused", "refused"], done.stderr
    assert not target.exists() or target.read_bytes() == b""
