"""Songs, recordings and films by their tags: title, artist, album, year, duration. Nothing is decoded; that
there is sound to be transcribed is noted down."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import PurePosixPath

from tinytag import ParseError, TinyTag, UnsupportedFormatError

from nasd.domain.passages import Block
from nasd.domain.speech import UNHEARD_FROM
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.flow import squeeze

_MOST_CHARS = 1000
_FIELDS = ("title", "artist", "album", "albumartist", "composer", "genre", "year", "track", "comment")


class MediaReader:
    name = "media"
    version = 2

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        try:
            tag = TinyTag.get(filename=source.name, file_obj=source.stream, image=False)
        except UnsupportedFormatError as error:
            suffix = PurePosixPath(source.name).suffix.lstrip(".").lower() or source.kind
            raise ReadError(
                f"The tags of {suffix} files are not read; the file is found by its name.",
                reason="unsupported",
            ) from error
        except ParseError as error:
            raise ReadError(f"Its tags cannot be read: {str(error)[:200]}", reason="malformed") from error
        found: dict[str, str] = {}
        for name in _FIELDS:
            value = getattr(tag, name, None)
            text = squeeze(str(value).replace("\0", " "))[:_MOST_CHARS] if value is not None else ""
            if text:
                found[name] = text
        seconds = tag.duration
        if seconds is not None and math.isfinite(seconds) and seconds > 0:
            notes.metadata["duration_s"] = f"{seconds:.1f}"
        notes.metadata.update(found)
        notes.metadata["media"] = source.kind
        notes.metadata[UNHEARD_FROM] = "0.0"
        if source.kind == "audio" and not found and not seconds:
            raise ReadError("Neither sound nor tags are found in it.", reason="malformed")
        artist, title = found.get("artist"), found.get("title")
        notes.title = f"{artist}: {title}" if artist and title else title
        text = describe(found, source.kind, seconds)
        if text:
            yield Block(text=text)


def describe(found: dict[str, str], kind: str, seconds: float | None) -> str:
    """The tags in a few sentences, by which the file is found; empty without any."""
    if not found:
        return ""
    what = "Video" if kind == "video" else "Audio"
    head = f"{what}: {found['title']}" if "title" in found else what
    if artist := found.get("artist") or found.get("albumartist"):
        head += f" by {artist}"
    parts = [head]
    if album := found.get("album"):
        parts.append(f"album {album}")
    parts += [f"{name} {found[name]}" for name in ("composer", "genre", "year", "track") if name in found]
    if seconds is not None and math.isfinite(seconds) and seconds > 0:
        parts.append(f"{spoken(seconds)} long")
    text = ", ".join(parts) + "."
    return f"{text} {found['comment']}" if "comment" in found else text


def spoken(seconds: float) -> str:
    """Hours, minutes and seconds as "4:05" or "1:02:03"."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
