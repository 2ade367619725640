"""Sound that the installed program decodes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from nasd.errors import ReadError
from nasd.extract.base import SOUND_RATE, Sound
from nasd.extract.speech import ffmpeg
from nasd.extract.speech.ffmpeg import AnyListener, Ffmpeg
from tests.fakes.speech import ScriptedListener, recorded

PROGRAM = shutil.which("ffmpeg")
needs_ffmpeg = pytest.mark.skipif(ffmpeg.find() is None, reason="ffmpeg is not installed, or does not run")
UNKNOWN = ReadError("libsndfile does not decode its sound.", reason="unsupported")


def _encoded(folder: Path, name: str, *options: str) -> Path:
    """Ten seconds of 400 Hz and ten of 1800 Hz, as the program itself encodes them."""
    assert PROGRAM is not None
    (folder / "raw.wav").write_bytes(recorded((400, 10.0), (1800, 10.0)))
    command = [PROGRAM, "-v", "error", "-i", str(folder / "raw.wav"), *options, str(folder / name)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return folder / name


def _listen(listener: Ffmpeg | AnyListener, path: Path, start_s: float = 0.0, span_s: float = 5.0) -> Sound:
    handle = os.open(path, os.O_RDONLY)
    try:
        return listener.listen(handle, name=path.name, kind="video", start_s=start_s, span_s=span_s)
    finally:
        os.close(handle)


def _loudest_hertz(sound: Sound) -> float:
    values = np.frombuffer(sound.samples, "<i2").astype(float)
    return float(np.abs(np.fft.rfft(values)).argmax() * SOUND_RATE / len(values))


@pytest.fixture
def program() -> Ffmpeg:
    found = ffmpeg.find()
    assert found is not None
    return found


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("memo.m4a", ("-c:a", "aac")),
        ("film.mp4", ("-f", "lavfi", "-i", "color=size=64x64:duration=20", "-c:v", "mpeg4", "-c:a", "aac")),
        ("film.mkv", ("-c:a", "aac")),
    ],
)
def test_a_stretch_of_what_libsndfile_does_not_decode(
    tmp_path: Path, program: Ffmpeg, name: str, options: tuple[str, ...]
) -> None:
    path = _encoded(tmp_path, name, *options)
    first = _listen(program, path)
    assert (len(first.samples), first.ended) == (2 * 5 * SOUND_RATE, False)
    assert _loudest_hertz(first) == pytest.approx(400, abs=2)
    last = _listen(program, path, start_s=12.0, span_s=30.0)
    assert last.ended
    assert len(last.samples) / 2 / SOUND_RATE == pytest.approx(8.0, abs=0.2)
    assert _loudest_hertz(last) == pytest.approx(1800, abs=2)
    assert _listen(program, path, start_s=60.0) == Sound(samples=b"", ended=True)


@needs_ffmpeg
def test_a_film_without_sound_has_none(tmp_path: Path, program: Ffmpeg) -> None:
    silent = tmp_path / "silent.mp4"
    assert PROGRAM is not None
    command = [PROGRAM, "-v", "error", "-f", "lavfi", "-i", "color=size=64x64:duration=1", "-c:v", "mpeg4"]
    subprocess.run([*command, str(silent)], check=True, stdin=subprocess.DEVNULL)
    assert _listen(program, silent) == Sound(samples=b"", ended=True)


@needs_ffmpeg
def test_what_is_no_sound_is_malformed(tmp_path: Path, program: Ffmpeg) -> None:
    path = tmp_path / "a.m4a"
    path.write_bytes(b"\0\0\0\x18ftypM4A " + bytes(500))
    with pytest.raises(ReadError) as caught:
        _listen(program, path)
    assert (caught.value.reason, caught.value.temporary) == ("malformed", False)


@needs_ffmpeg
def test_it_reads_no_other_file(tmp_path: Path, program: Ffmpeg) -> None:
    _encoded(tmp_path, "other.ts", "-c:a", "aac")
    path = tmp_path / "list.m3u8"
    path.write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:20\n#EXT-X-VERSION:3\n#EXTINF:20,\n"
        f"file://{tmp_path}/other.ts\n#EXT-X-ENDLIST\n",
        "utf-8",
    )
    try:
        assert _listen(program, path).samples == b""
    except ReadError as error:
        assert error.reason == "malformed"


@needs_ffmpeg
def test_after_its_end_it_fails_as_temporary(tmp_path: Path, program: Ffmpeg) -> None:
    path = tmp_path / "a.m4a"
    path.write_bytes(b"x")
    program.close()
    with pytest.raises(ReadError) as caught:
        _listen(program, path)
    assert caught.value.temporary


def test_the_other_listener_is_asked_first(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"x")
    first = ScriptedListener(8.0)
    assert _listen(AnyListener(first, lambda: None), path, start_s=4.0).ended
    assert first.asked == [4.0]
    first.fails = ReadError("Its sound is damaged.", reason="malformed")
    with pytest.raises(ReadError, match="damaged"):
        _listen(AnyListener(first, lambda: None), path)


def test_without_the_program_it_says_what_to_install(tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    path.write_bytes(b"x")
    first = ScriptedListener(8.0)
    first.fails = UNKNOWN
    with pytest.raises(ReadError, match="apt install ffmpeg") as caught:
        _listen(AnyListener(first, lambda: None), path)
    assert caught.value.reason == "unsupported"
