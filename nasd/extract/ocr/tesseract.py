"""Tesseract, as the distribution installs it: one short process a page, confined to reading its own data.

Measured on two cores with the scans of the shared collection: 0.6 to 3.5 s and 140 MB a page, 95 to 99 % of
the words; RapidOCR took 4 to 20 s and 1 GB for 88 to 96 %.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence

from nasd.errors import ReadError
from nasd.extract.base import Picture
from nasd.extract.ocr.base import Recognized, Word
from nasd.extract.ocr.layout import sure_chars
from nasd.extract.ocr.turning import turned

PROGRAM = "tesseract"
_MOST_LANGUAGES = 4  # each further one costs time and, beyond what the page is written in, accuracy
_MEMORY_BYTES = 2 << 30  # address space; 140 MB are resident
_CPU_S, _WALL_S = 120, 180.0
_GOOD_SHARE = 0.6  # of the letters, that a page which lies right is read with certainty
_LEAST_LETTERS = 12
_NO_LANGUAGES = frozenset({"osd", "equ", "snum"})


class Tesseract:
    """The `Recognizer` of the installed program."""

    def __init__(self, program: str, *, version: str, languages: Sequence[str], finds_rotation: bool) -> None:
        self._program = program
        self._languages = tuple(languages)
        self._mode = "1" if finds_rotation else "3"
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False
        self.name = f"tesseract {version} ({'+'.join(languages)})"

    def recognize(self, picture: Picture, *, any_rotation: bool) -> Recognized:
        first = Recognized(words=self._run(picture, self._mode if any_rotation else "3"))
        if not any_rotation or _good(first.words) or not first.words:
            return first
        # The program's own look at the rotation needs many letters; a page with few is tried each way.
        best = first
        for rotation in (180, 90, 270):
            words = self._run(turned(picture, rotation), "3")
            if sure_chars(words) > 1.3 * sure_chars(best.words):
                best = Recognized(words=words, rotation=rotation)
                if _good(words):
                    break
        return best

    def close(self) -> None:
        """Ends what runs; it fails as temporary."""
        with self._lock:
            self._closed = True
            for process in self._running:
                process.kill()

    def _run(self, picture: Picture, mode: str) -> tuple[Word, ...]:
        command = [
            sys.executable, "-P", "-s", "-m", "nasd.extract.ocr.launch",
            str(_MEMORY_BYTES), str(_CPU_S), self._program, "stdin", "stdout",
            "--psm", mode, "-l", "+".join(self._languages), "tsv",
        ]  # fmt: skip
        environment = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "OMP_THREAD_LIMIT": "1",  # its threads cost twice the processor time for a tenth of the wait
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "PYTHONDONTWRITEBYTECODE": "1",
            **{name: os.environ[name] for name in ("TESSDATA_PREFIX",) if name in os.environ},
        }
        data = b"P5 %d %d 255\n" % (picture.width, picture.height) + picture.data
        pipe = subprocess.PIPE
        with self._lock:
            if self._closed:
                raise ReadError("nasd is stopping.", reason="crashed", temporary=True)
            try:
                process = subprocess.Popen(
                    command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, cwd="/"
                )
            except OSError as error:
                raise ReadError(
                    f"Tesseract cannot be started: {error.strerror or error}.",
                    reason="crashed",
                    temporary=True,
                ) from error
            self._running.add(process)
        try:
            table, said = process.communicate(data, timeout=_WALL_S)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.communicate()
            raise ReadError(
                f"Recognising the page takes longer than {_WALL_S:g} s.", reason="time"
            ) from error
        finally:
            with self._lock:
                self._running.discard(process)
        if process.returncode != 0:
            last = said.decode("utf-8", "replace").strip().rsplit("\n", 1)[-1][:200]
            raise ReadError(
                f"Tesseract ended with {process.returncode}: {last}", reason="crashed", temporary=self._closed
            )
        return parse_tsv(table.decode("utf-8", "replace"))


def find(languages: Sequence[str] | None = None) -> Tesseract | None:
    """The installed program with the wanted languages, by default those that are installed (four at most,
    English last); None when there is no program or none of the languages."""
    program = shutil.which(PROGRAM)
    if program is None:
        return None
    try:
        version = _ask(program, "--version")
        listed = _ask(program, "--list-langs")
    except (OSError, subprocess.SubprocessError):
        return None
    installed = [line.strip() for line in listed.splitlines()[1:] if line.strip()]
    known = [name for name in installed if name not in _NO_LANGUAGES and "/" not in name]
    chosen = [name for name in languages if name in known] if languages else sorted(known, key="eng".__eq__)
    if not chosen:
        return None
    number = re.search(r"\d+(?:\.\d+)+", version)
    return Tesseract(
        program,
        version=number[0] if number else "?",
        languages=chosen[-_MOST_LANGUAGES:],
        finds_rotation="osd" in installed,
    )


def _ask(program: str, option: str) -> str:
    done = subprocess.run([program, option], capture_output=True, timeout=20, check=True)
    return (done.stdout or done.stderr).decode("utf-8", "replace")


def parse_tsv(table: str) -> tuple[Word, ...]:
    """The words of Tesseract's table. Rows that are none (pages, blocks, damaged ones) are passed over."""
    words: list[Word] = []
    for row in table.split("\n"):
        cells = row.split("\t")
        if len(cells) != 12 or cells[0] != "5" or not cells[11].strip():
            continue
        try:
            block, paragraph, line = (int(cell) for cell in cells[2:5])
            left, top, width, height = (int(cell) for cell in cells[6:10])
            confidence = float(cells[10])
        except ValueError:
            continue
        words.append(
            Word(
                text=cells[11].strip(),
                left=left,
                top=top,
                right=left + width,
                bottom=top + height,
                paragraph=(block, paragraph),
                line=(block, paragraph, line),
                confidence=confidence,
            )
        )
    return tuple(words)


def _good(words: Sequence[Word]) -> bool:
    letters = sum(sum(1 for c in word.text if c.isalnum()) for word in words)
    sure = sure_chars(words)
    return sure >= _LEAST_LETTERS and sure >= _GOOD_SHARE * letters
