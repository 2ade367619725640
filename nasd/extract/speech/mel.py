"""What Whisper hears: the logarithm of a sound's power in bands of the mel scale, ten milliseconds apart.

The figures are Whisper's own (OpenAI, 2022; the filters are Slaney's, as librosa builds them); a test holds
the result equal to that of the reference implementation.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from nasd.extract.base import SOUND_RATE

WINDOW, HOP = 400, 160  # samples: 25 ms, every 10 ms
FRAMES = 3000  # of the half minute that the encoder takes
_LOG_FROM_HZ, _LINEAR = 1000.0, 200.0 / 3  # of Slaney's scale: linear below, logarithmic above
_LOG_STEP = np.log(6.4) / 27

Array = npt.NDArray[np.float32]


def log_mel(samples: Array, bands: int) -> Array:
    """float32 of shape (bands, 3000), about -1 to 1.5, of at most half a minute of samples between -1 and 1;
    silence follows them."""
    padded = np.zeros(FRAMES * HOP, np.float32)
    padded[: len(samples)] = samples[: len(padded)]
    padded = np.pad(padded, WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:FRAMES]
    # Periodic, as PyTorch's: the last sample would be the first of the next period.
    spectrum = np.fft.rfft(frames * np.hanning(WINDOW + 1)[:-1].astype(np.float32), axis=1)
    power = np.abs(spectrum).astype(np.float32) ** 2
    logs = np.log10(np.maximum(filters(bands) @ power.T, 1e-10))
    logs = np.maximum(logs, logs.max() - 8.0)
    return np.asarray((logs + 4.0) / 4.0, np.float32)


@cache
def filters(bands: int) -> Array:
    """float32 of shape (bands, 201): triangles of equal area over the frequencies of a spectrum."""
    frequencies = np.linspace(0.0, SOUND_RATE / 2, WINDOW // 2 + 1)
    edges = _hertz(np.linspace(0.0, _mel(SOUND_RATE / 2), bands + 2))
    rise = (frequencies[None, :] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - frequencies[None, :]) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0.0, np.minimum(rise, fall))
    return (triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


def _mel(hertz: float) -> float:
    if hertz < _LOG_FROM_HZ:
        return hertz / _LINEAR
    return float(_LOG_FROM_HZ / _LINEAR + np.log(hertz / _LOG_FROM_HZ) / _LOG_STEP)


def _hertz(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    bend = _LOG_FROM_HZ / _LINEAR
    return np.where(mels < bend, mels * _LINEAR, _LOG_FROM_HZ * np.exp(_LOG_STEP * (mels - bend)))
