"""Pictures by Pillow: what the camera wrote, the size, and which pages wait for text recognition.

No pixel is decoded here. Files that Pillow cannot name are unsupported, or malformed where their first bytes
promise a known format.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

import pi_heif
from PIL import Image, UnidentifiedImageError

from nasd.domain.passages import Block
from nasd.domain.scans import UNREAD_PAGES, format_pages
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.exif import Shot, read_shot
from nasd.extract.readers.places import gazetteer

# Only these parsers see a file: others start programs (EPS) or are for what no person keeps.
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "AVIF", "HEIF", "JPEG2000", "PSD", "ICO")
MOST_PIXELS = 200_000_000  # of a picture that is decoded; 600 MB in colour
_MOST_PAGES = 2_000
_LEAST_EDGE, _LEAST_PIXELS = 24, 4_000  # below, no word can stand: icons, spacers
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_KNOWN_HEADS = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"RIFF",
    b"II*\0",
    b"MM\0*",
    b"BM",
    b"8BPS",
    b"\0\0\1\0",
)

Image.MAX_IMAGE_PIXELS = None  # the size is looked at here before anything is decoded
pi_heif.register_heif_opener()
Image.init()


class ImageReader:
    name = "image"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        with open_image(source) as image:
            width, height = image.size
            pages = page_count(image)
            notes.metadata["format"] = str(image.format or "").lower()
            notes.metadata["width"], notes.metadata["height"] = str(width), str(height)
            if pages > 1:
                notes.metadata["pages"] = str(pages)
            shot = _shot(image)
        place = _describe(shot, notes)
        if shot.description:
            notes.title = shot.description.split("\n")[0][:120]
        text = describe(shot, place, width, height)
        if text:
            yield Block(text=text)
        if min(width, height) >= _LEAST_EDGE and width * height >= _LEAST_PIXELS:
            if width * height > MOST_PIXELS:
                notes.warnings.append(
                    f"The picture has {width * height:,} pixels: no text is looked for in it."
                )
            else:
                notes.metadata[UNREAD_PAGES] = format_pages(range(1, pages + 1))


def open_image(source: Source) -> Any:
    """The picture, its pixels not decoded. Raises `ReadError`."""
    head = source.stream.read(16)
    source.stream.seek(0)
    try:
        return Image.open(source.stream, formats=FORMATS)
    except UnidentifiedImageError as error:
        if head.startswith(_KNOWN_HEADS) or head[4:8] == b"ftyp":
            raise ReadError(
                "The picture is damaged: its header cannot be read.", reason="malformed"
            ) from error
        suffix = PurePosixPath(source.name).suffix.lstrip(".").lower()
        raise ReadError(
            f"Pictures in the format {suffix or 'of this file'} are not read.", reason="unsupported"
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # Pillow's plugins let all kinds out
        raise ReadError(f"The picture is damaged: {str(error)[:200]}", reason="malformed") from error


def page_count(image: Any) -> int:
    """Pages of a TIFF; the frames of an animation are one page."""
    if image.format != "TIFF":
        return 1
    try:
        return min(int(getattr(image, "n_frames", 1)), _MOST_PAGES)
    except Exception as error:  # a directory of pages that leads nowhere
        raise ReadError(
            f"The picture's pages cannot be found: {str(error)[:200]}", reason="malformed"
        ) from error


def _shot(image: Any) -> Shot:
    try:
        return read_shot(image.getexif())
    except Exception:  # Pillow raises what it likes on damaged tags; the picture is still one
        return Shot()


def _describe(shot: Shot, notes: Notes) -> str | None:
    """Fills the metadata; the name of the place."""
    for name in ("taken", "camera", "lens", "description", "keywords", "artist", "copyright"):
        if value := getattr(shot, name):
            notes.metadata[name] = value
    if shot.latitude is None or shot.longitude is None:
        return None
    notes.metadata["latitude"] = f"{shot.latitude:.5f}"
    notes.metadata["longitude"] = f"{shot.longitude:.5f}"
    places = gazetteer()
    if places is None:
        notes.warnings.append("No names of places are installed: the place is known by its coordinates only.")
        return None
    found = places.near(shot.latitude, shot.longitude)
    if found is None:
        return None
    notes.metadata["place"] = str(found)
    return str(found)


def describe(shot: Shot, place: str | None, width: int, height: int) -> str:
    """The picture in a few sentences, by which it is found; empty when nothing but its size is known."""
    parts: list[str] = []
    if shot.description:
        parts.append(_stopped(shot.description))
    taken = "Photo taken"
    if shot.taken:
        taken += f" on {spoken(shot.taken)}"
    if place:
        taken += f" in {place}"
    if not place and shot.latitude is not None and shot.longitude is not None:
        taken += f" at {shot.latitude:.4f}, {shot.longitude:.4f}"
    if shot.camera:
        taken += f" with a {shot.camera}"
    if taken != "Photo taken":
        parts.append(taken + ".")
    if shot.keywords:
        parts.append(f"Keywords: {shot.keywords.replace(';', ', ')}.")
    if shot.artist:
        parts.append(f"By {_stopped(shot.artist)}")
    if parts:
        parts.append(f"{width} × {height} pixels.")
    return " ".join(parts)


def spoken(moment: str) -> str:
    """ "2019-06-14T10:32:05" as "Friday, 14 June 2019, 10:32"."""
    at = datetime.fromisoformat(moment)
    return f"{_DAYS[at.weekday()]}, {at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M}"


def _stopped(text: str) -> str:
    return text if text[-1:] in ".!?…" else text + "."
