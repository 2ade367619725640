"""RapidOCR in a child process of its own: it takes 1 GB, so it ends when no page has come for a while.

The child loads its models, gives up files and network, and then sees nothing but pixels.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import struct
import subprocess
import sys
import threading
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from nasd.errors import ReadError
from nasd.extract.base import Picture
from nasd.extract.ocr.base import Recognized, Word
from nasd.extract.ocr.layout import sure_chars
from nasd.extract.ocr.turning import turned

_START_S, _WALL_S, _IDLE_S = 120.0, 180.0, 60.0
_MOST_REPLY = 16 << 20
_LENGTH = struct.Struct(">I")
_TALL = 1.5  # a box higher than wide by this is a line that lies on its side
_NEEDED = ("rapidocr", "cv2", "onnxruntime")


def find() -> Rapid | None:
    """The engine if its packages are installed; they are not loaded here."""
    if any(find_spec(name) is None for name in _NEEDED):
        return None
    try:
        return Rapid(version("rapidocr"))
    except PackageNotFoundError:
        return None


class Rapid:
    """The `Recognizer` of the rapidocr package; its models are in the package."""

    def __init__(self, release: str) -> None:
        self.name = f"rapidocr {release}"
        self._turn = threading.Lock()  # one page at a time
        self._child: subprocess.Popen[bytes] | None = None
        self._idle: threading.Timer | None = None
        self._closed = False

    def recognize(self, picture: Picture, *, any_rotation: bool) -> Recognized:
        with self._turn:
            self._stay()
            try:
                words = self._ask(picture)
                best = Recognized(words=words)
                if any_rotation and words:
                    best = self._turned(picture, best)
            finally:
                self._leave_later()
            return best

    def close(self) -> None:
        """Ends the child, whatever it does; a page that is being recognised fails as temporary."""
        self._closed = True
        self._stay()
        self._kill()

    def _turned(self, picture: Picture, first: Recognized) -> Recognized:
        """Lines that stand tell of a page on its side. The engine itself turns single lines by 180 degrees,
        but then their order is upside down: the first lines are looked at again."""
        standing = sum(1 for word in first.words if word.bottom - word.top > _TALL * (word.right - word.left))
        if standing * 2 <= len(first.words):
            return first
        best = first
        for rotation in (90, 270):
            words = self._ask(turned(picture, rotation))
            if sure_chars(words) > sure_chars(best.words) or best is first:
                best = Recognized(words=words, rotation=rotation)
        return best

    # --- the child ---

    def _ask(self, picture: Picture) -> tuple[Word, ...]:
        child = self._started()
        assert child.stdin is not None
        try:
            child.stdin.write(struct.pack(">II", picture.width, picture.height) + picture.data)
            child.stdin.flush()
            payload = self._answer(child, _WALL_S)
        except (OSError, EOFError) as error:
            self._kill()
            raise ReadError(
                "The recognising process ended while a page was recognised.",
                reason="crashed",
                temporary=self._closed,
            ) from error
        except TimeoutError as error:
            self._kill()
            raise ReadError(
                f"Recognising the page takes longer than {_WALL_S:g} s.", reason="time"
            ) from error
        return parse_lines(payload)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._closed:
            raise ReadError("nasd is stopping.", reason="crashed", temporary=True)
        if self._child is not None and self._child.poll() is None:
            return self._child
        environment = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": "/nonexistent",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MALLOC_ARENA_MAX": "2",
        }
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-s", "-m", "nasd.extract.ocr.rapid_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
        )
        try:
            if self._answer(self._child, _START_S) != b'"ready"':
                raise EOFError
        except (OSError, EOFError, TimeoutError) as error:
            self._kill()
            raise ReadError(
                "The recognising process does not start.", reason="crashed", temporary=True
            ) from error
        return self._child

    def _answer(self, child: subprocess.Popen[bytes], within_s: float) -> bytes:
        deadline = time.monotonic() + within_s
        (length,) = _LENGTH.unpack(_exactly(child, _LENGTH.size, deadline))
        if length > _MOST_REPLY:
            raise EOFError
        return _exactly(child, length, deadline)

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _leave_later(self) -> None:
        self._idle = threading.Timer(_IDLE_S, self._leave)
        self._idle.daemon = True
        self._idle.start()

    def _leave(self) -> None:
        with self._turn:
            self._kill()

    def _kill(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _exactly(child: subprocess.Popen[bytes], count: int, deadline: float) -> bytes:
    assert child.stdout is not None
    handle = child.stdout.fileno()
    data = bytearray()
    while len(data) < count:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([handle], [], [], left)[0]:
            raise TimeoutError
        piece = os.read(handle, count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)


def parse_lines(payload: bytes) -> tuple[Word, ...]:
    """Lines from what the child sent: rows of text, left, top, right, bottom, confidence. Raises `ReadError`
    when it is anything else."""
    try:
        rows = json.loads(payload)
        lines = [
            (str(text), int(left), int(top), int(right), int(bottom), float(sure))
            for text, left, top, right, bottom, sure in rows
        ]
    except (ValueError, TypeError) as error:
        raise ReadError("The recognising process sent no lines.", reason="crashed") from error
    return arrange([line for line in lines if line[0].strip()])


def arrange(lines: list[tuple[str, int, int, int, int, float]]) -> tuple[Word, ...]:
    """Words in reading order: what stands on one height is one line, and a gap begins a paragraph."""
    words: list[Word] = []
    paragraph = number = 0
    before: tuple[int, int] | None = None  # top and bottom of the line above
    for text, left, top, right, bottom, sure in sorted(lines, key=lambda line: (line[2], line[1])):
        height = max(bottom - top, 1)
        middle = (top + bottom) / 2
        same = before is not None and before[0] <= middle <= before[1]
        if not same:
            if before is not None and top - before[1] > 0.8 * height:
                paragraph += 1
            number += 1
            before = (top, bottom)
        words.append(
            Word(
                text=text.strip(), left=left, top=top, right=right, bottom=bottom,
                paragraph=(paragraph,), line=(paragraph, number), confidence=100 * sure,
            )
        )  # fmt: skip
    return tuple(sorted(words, key=lambda word: (word.line, word.left)))
