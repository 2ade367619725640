"""What a camera wrote into a picture: when, with what, where. Pure; every field may be nonsense."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_IFD_EXIF, _IFD_GPS = 0x8769, 0x8825
_DESCRIPTION, _MAKE, _MODEL, _DATE, _ARTIST, _COPYRIGHT = 0x010E, 0x010F, 0x0110, 0x0132, 0x013B, 0x8298
_XP_TITLE, _XP_COMMENT, _XP_KEYWORDS, _XP_SUBJECT = 0x9C9B, 0x9C9C, 0x9C9E, 0x9C9F
_TAKEN, _OFFSET_TAKEN, _LENS, _USER_COMMENT = 0x9003, 0x9011, 0xA434, 0x9286
_MOST_CHARS = 1000
# What programs and cameras write where nobody described anything.
_EMPTY_WORDS = frozenset(
    {"olympus digital camera", "sony dsc", "samsung camera pictures", "default", "ascii"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """What is known of how a picture was made; None or empty where nothing is."""

    taken: str | None = None  # local time, RFC 3339 without or with an offset
    camera: str | None = None
    lens: str | None = None
    latitude: float | None = None  # degrees, south and west negative
    longitude: float | None = None
    description: str | None = None
    keywords: str | None = None
    artist: str | None = None
    copyright: str | None = None

    @property
    def placed(self) -> bool:
        return self.latitude is not None and self.longitude is not None


def read_shot(exif: Any) -> Shot:
    """From Pillow's `Image.Exif`."""
    inner, gps = _ifd(exif, _IFD_EXIF), _ifd(exif, _IFD_GPS)
    latitude, longitude = _position(gps)
    description = _words(exif.get(_DESCRIPTION)) or _wide(exif.get(_XP_TITLE)) or _wide(exif.get(_XP_SUBJECT))
    comment = _wide(exif.get(_XP_COMMENT)) or _comment(inner.get(_USER_COMMENT))
    both = [text for text in dict.fromkeys((description, comment)) if text]
    return Shot(
        taken=_moment(inner.get(_TAKEN), inner.get(_OFFSET_TAKEN)) or _moment(exif.get(_DATE), None),
        camera=camera_name(_words(exif.get(_MAKE)), _words(exif.get(_MODEL))),
        lens=_words(inner.get(_LENS)),
        latitude=latitude,
        longitude=longitude,
        description="\n".join(both) or None,
        keywords=_wide(exif.get(_XP_KEYWORDS)),
        artist=_words(exif.get(_ARTIST)),
        copyright=_words(exif.get(_COPYRIGHT)),
    )


def camera_name(make: str | None, model: str | None) -> str | None:
    """Maker and model, the maker once: "Canon EOS 80D", "NIKON D750", "Apple iPhone 12"."""
    if not make or not model:
        return model or make
    first = make.split()[0]
    return model if first.lower() in model.lower() else f"{make} {model}"


def _ifd(exif: Any, tag: int) -> Mapping[int, Any]:
    try:
        found = exif.get_ifd(tag)
    except Exception:  # a damaged directory is as good as none
        return {}
    return found if isinstance(found, dict) else {}


def _words(value: object) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    text = " ".join(value.replace("\0", " ").split())[:_MOST_CHARS]
    return None if not text or text.lower() in _EMPTY_WORDS else text


def _wide(value: object) -> str | None:
    """Windows' own fields are UTF-16."""
    return _words(value.decode("utf-16-le", "replace")) if isinstance(value, bytes) else _words(value)


def _comment(value: object) -> str | None:
    if not isinstance(value, bytes):
        return _words(value)
    head, rest = value[:8], value[8:]
    if head == b"UNICODE\0":
        return _words(rest.decode("utf-16-le", "replace"))
    return _words(rest) if head == b"ASCII\0\0\0" else None


def _moment(value: object, offset: object) -> str | None:
    text = _words(value)
    if text is None:
        return None
    try:
        at = datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    if at.year < 1826:  # the first photograph; a camera whose clock was never set says 0000
        return None
    zone = _words(offset)
    if zone:
        try:
            return datetime.fromisoformat(at.isoformat() + zone).isoformat()
        except ValueError:
            pass
    return at.isoformat()


def _position(gps: Mapping[int, Any]) -> tuple[float | None, float | None]:
    latitude = _degrees(gps.get(2), gps.get(1), "S", 90.0)
    longitude = _degrees(gps.get(4), gps.get(3), "W", 180.0)
    if latitude is None or longitude is None or (latitude == 0.0 and longitude == 0.0):
        return None, None  # 0, 0 is what receivers without a fix write
    return latitude, longitude


def _degrees(value: object, side: object, negative: str, most: float) -> float | None:
    if not isinstance(value, tuple) or len(value) != 3:
        return None
    try:
        degrees, minutes, seconds = (float(part) for part in value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    total = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(total) or not 0 <= total <= most:
        return None
    return -total if str(side).upper().startswith(negative) else total
