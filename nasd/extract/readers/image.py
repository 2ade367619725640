"""Pictures by Pillow: what the camera wrote, the size, and which pages wait for text recognition.

No pixel is decoded here. Files that Pillow cannot name are unsupported, or malformed where their first bytes
promise a known format.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

import pi_heif
from PIL import Image, UnidentifiedImageError

from nasd.domain.passages import Block
from nasd.domain.scans import UNREAD_PAGES, format_pages
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.captions import Caption, read_caption
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

_READ_SUFFIXES = frozenset({
    "jpg", "jpeg", "png", "tif", "tiff", "webp", "gif", "bmp", "avif", "heic", "heif", "jp2", "psd", "ico",
})  # fmt: skip

Image.MAX_IMAGE_PIXELS = None  # the size is looked at here before anything is decoded
pi_heif.register_heif_opener()
Image.init()


class ImageReader:
    name = "image"
    version = 2

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        with open_image(source) as image:
            width, height = image.size
            pages = page_count(image)
            notes.metadata["format"] = str(image.format or "").lower()
            notes.metadata["width"], notes.metadata["height"] = str(width), str(height)
            if pages > 1:
                notes.metadata["pages"] = str(pages)
            shot, caption = _shot(image), _caption(image)
        shot, caption = joined(shot, caption)
        place = _describe(shot, caption, notes)
        if head := caption.title or shot.description:
            notes.title = head.split("\n")[0][:120]
        text = describe(shot, caption, place, width, height)
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
        if suffix in _READ_SUFFIXES:
            raise ReadError(
                f"It is named like a picture ({suffix}) but is none.", reason="malformed"
            ) from error
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
        # Pillow's own way for PNG decodes all pixels, in search of tags behind them.
        return read_shot(Image.Image.getexif(image))
    except Exception:  # Pillow raises what it likes on damaged tags; the picture is still one
        return Shot()


def _caption(image: Any) -> Caption:
    try:
        return read_caption(image)
    except Exception:  # as above
        return Caption()


def joined(shot: Shot, caption: Caption) -> tuple[Shot, Caption]:
    """What both tell, once: descriptions, keywords and makers of all of them together."""
    lines = (*(shot.description or "").split("\n"), caption.description or "")
    once = list(dict.fromkeys(line for line in lines if line and line != caption.title))
    words = Caption(keywords=tuple((shot.keywords or "").split(";"))).beside(caption).keywords
    plain = tuple(word for word in words if word not in caption.people)
    shot = replace(
        shot,
        description="\n".join(once) or None,
        keywords="; ".join(plain) or None,
        artist=shot.artist or caption.creator,
        copyright=shot.copyright or caption.rights,
    )
    return shot, caption


def _describe(shot: Shot, caption: Caption, notes: Notes) -> str | None:
    """Fills the metadata; the name of the place."""
    for name in ("taken", "camera", "lens", "description", "keywords", "artist", "copyright"):
        if value := getattr(shot, name):
            notes.metadata[name] = value
    told = {"people": "; ".join(caption.people), "rating": caption.rating, "location": caption.place}
    notes.metadata.update({name: value for name, value in told.items() if value})
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


def describe(shot: Shot, caption: Caption, place: str | None, width: int, height: int) -> str:
    """The picture in a few sentences, by which it is found; empty when nothing but its size is known."""
    parts = [_stopped(text) for text in (caption.title, shot.description) if text]
    if caption.people:
        parts.append(f"In the picture: {_stopped(', '.join(caption.people))}")
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
    if caption.place:
        parts.append(f"Place: {_stopped(caption.place)}")
    if shot.keywords:
        parts.append(f"Keywords: {_stopped(shot.keywords.replace(';', ','))}")
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
