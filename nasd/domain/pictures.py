"""Pictures that a model looks at: which contents are ones, and whether it was done, as their metadata say."""

from __future__ import annotations

from collections.abc import Mapping

PICTURE_MODEL = "picture_model"
"""In a content's metadata: the model that looked at it last, such as "clip-b32 (53aa5117)"."""

LEAST_EDGE = 24
"""Pixels of a picture that shows anything: smaller ones are icons and spacers."""


def is_picture(metadata: Mapping[str, str]) -> bool:
    """Whether a content is a picture that is worth a look."""
    if "format" not in metadata:  # only the reader of pictures notes one
        return False
    edges = (metadata.get("width", ""), metadata.get("height", ""))
    return all(edge.isdecimal() and int(edge) >= LEAST_EDGE for edge in edges)


def in_words(metadata: Mapping[str, str], name: str) -> str:
    """What stands for a file without text in a list of what was found: its name, and a picture's size."""
    if not is_picture(metadata):
        return name
    return f"Picture of {metadata['width']} × {metadata['height']} pixels: {name}"
