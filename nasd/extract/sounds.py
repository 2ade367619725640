"""Decodes a stretch of a recording: for transcription. Runs in the confined child.

libsndfile decodes WAV, AIFF, FLAC, MP3, Ogg Vorbis and Opus. Films, and recordings in AAC or AMR, are left to
`nasd.extract.speech.ffmpeg`.
"""

from __future__ import annotations

import soundfile
from numpy import fft, float32, frombuffer, nan_to_num, rint
from numpy.typing import NDArray

from nasd.errors import ReadError
from nasd.extract.base import SOUND_RATE, Sound, Source

_OWN = (b"RIFF", b"FORM", b"fLaC", b"OggS", b"ID3")
_MOST_VALUES = 30_000_000  # of all channels of a stretch: half a minute of five channels at 192 kHz


def listen(source: Source, *, start_ms: int, span_ms: int) -> Sound:
    """The stretch of `span_ms` milliseconds that begins at `start_ms`. Raises `ReadError`: unsupported,
    malformed, too_large."""
    head = source.stream.read(4)
    source.stream.seek(0)
    try:
        recording = soundfile.SoundFile(source.stream)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        # libsndfile says the same of formats that it does not know and of damaged files.
        if head.startswith(_OWN):
            raise ReadError(f"Its sound is damaged: {str(error)[:200]}", reason="malformed") from error
        raise ReadError("libsndfile does not decode its sound.", reason="unsupported") from error
    with recording:
        rate, channels = recording.samplerate, recording.channels
        wanted = rate * span_ms // 1000
        if wanted * channels > _MOST_VALUES:
            raise ReadError(
                f"Its sound has {channels} channels at {rate:,} Hz: that is too much.", reason="too_large"
            )
        first = rate * start_ms // 1000
        if first >= recording.frames:
            return Sound(samples=b"", ended=True)
        buffer = bytearray(4 * wanted * channels)
        try:
            recording.seek(first)
            got = recording.buffer_read_into(buffer, dtype="float32")  # lossy formats go beyond 1
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise ReadError(f"Its sound is damaged: {str(error)[:200]}", reason="malformed") from error
        ended = got < wanted or first + got >= recording.frames
    values = frombuffer(buffer, dtype=float32, count=got * channels).reshape(got, channels)
    mono = nan_to_num(resampled(values.mean(axis=1), rate))
    return Sound(samples=rint(mono * 32767).clip(-32768, 32767).astype("<i2").tobytes(), ended=ended)


def resampled(samples: NDArray[float32], rate: int) -> NDArray[float32]:
    """One channel at `rate` samples a second as one at `SOUND_RATE`. By its spectrum, of which what the new
    rate cannot carry is left out; the silence added at the end keeps the beginning from echoing there."""
    if rate == SOUND_RATE or not len(samples):
        return samples
    seconds = len(samples) // rate + 1
    spectrum = fft.rfft(samples, n=seconds * rate)
    wanted = seconds * SOUND_RATE
    scaled = fft.irfft(spectrum[: wanted // 2 + 1], n=wanted) * (SOUND_RATE / rate)
    return scaled[: len(samples) * SOUND_RATE // rate].astype(float32)
