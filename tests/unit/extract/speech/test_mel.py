"""The spectrum that a speech model hears."""

from __future__ import annotations

import numpy as np
import pytest

from nasd.extract.speech.mel import FRAMES, filters, log_mel


def _sweep() -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    seconds = np.arange(16_000 * 5) / 16_000
    rising = 0.4 * np.sin(2 * np.pi * (200 + 300 * seconds) * seconds)
    square = 0.1 * np.sign(np.sin(2 * np.pi * 97 * seconds)) * (seconds > 2)
    return (rising + square).astype(np.float32)


# Of the same sound, by the feature extractor of Whisper's reference implementation: band, frame, value.
REFERENCE = {
    80: ((0, 0, 1.1217), (15, 17, -0.1556), (31, 120, -0.5961), (47, 250, 0.3952), (63, 480, 0.2362)),
    128: ((0, 0, 1.0459), (25, 17, -0.1481), (50, 120, -0.5446), (76, 250, 0.3173), (101, 480, 0.2682)),
}


@pytest.mark.parametrize("bands", REFERENCE)
def test_it_is_that_of_the_reference(bands: int) -> None:
    found = log_mel(_sweep(), bands)
    assert found.shape == (bands, FRAMES)
    assert found.dtype == np.float32
    for band, frame, value in REFERENCE[bands]:
        assert found[band, frame] == pytest.approx(value, abs=2e-4)


def test_filters_cover_every_frequency_but_the_ends() -> None:
    assert (filters(80)[:, 1:-1].sum(axis=0) > 0).all()


def test_silence_and_nothing_are_the_same() -> None:
    assert (log_mel(np.zeros(100, np.float32), 80) == log_mel(np.zeros(0, np.float32), 80)).all()
