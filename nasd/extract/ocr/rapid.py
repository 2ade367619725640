"""RapidOCR in a child process of its own: it takes 1 GB, so it ends when no page has come for a while.

The child loads its models, gives up files and network, and then sees nothing but pixels.
"""

from __future__ import annotations

import json
import struct
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from nasd.errors import ReadError
from nasd.extract.base import Picture
from nasd.extract.ocr.base import Recognized, Word
from nasd.extract.ocr.layout import sure_chars
from nasd.extract.ocr.turning import turned
from nasd.extract.serving import ServingChild

_WALL_S = 180.0
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
        self._child = ServingChild(
            "nasd.extract.ocr.rapid_child", what="The recognising process", wall_s=_WALL_S
        )

    def recognize(self, picture: Picture, *, any_rotation: bool) -> Recognized:
        with self._child.turn():
            words = self._ask(picture)
            best = Recognized(words=words)
            return self._turned(picture, best) if any_rotation and words else best

    def close(self) -> None:
        """Ends the child, whatever it does; a page that is being recognised fails as temporary."""
        self._child.close()

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

    def _ask(self, picture: Picture) -> tuple[Word, ...]:
        return parse_lines(self._child.ask(struct.pack(">II", picture.width, picture.height) + picture.data))


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
