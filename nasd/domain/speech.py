"""Sound in which somebody may speak: how far it has been transcribed, as a content's metadata say."""

from __future__ import annotations

import math

UNHEARD_FROM = "unheard_from"
"""In a content's metadata: the second from which on its sound is still to be transcribed, such as "0.0"."""

SPEECH_ENGINE = "speech"
"""In a content's metadata: what transcribed its sound, such as "whisper-base (sha256 53aa51172d14)"."""

SPEECH_FROM = "speech_from"
"""In a content's metadata: the offset from which on its text was transcribed rather than read."""

SPEECH_LANGUAGE = "speech_language"
"""In a content's metadata: the language that was heard first, such as "de"."""


def parse_second(text: str | None) -> float | None:
    """The second of `UNHEARD_FROM`, or None when it is missing or no such number."""
    try:
        second = float(text or "nan")
    except ValueError:
        return None
    return second if math.isfinite(second) and second >= 0 else None
