"""Which contents are pictures worth a look."""

from __future__ import annotations

import pytest

from nasd.domain.pictures import in_words, is_picture


@pytest.mark.parametrize(
    ("metadata", "worth"),
    [
        ({"format": "jpeg", "width": "4032", "height": "3024"}, True),
        ({"format": "png", "width": "24", "height": "24"}, True),
        ({"format": "ico", "width": "16", "height": "16"}, False),
        ({"format": "png", "width": "2000", "height": "1"}, False),
        ({"width": "100", "height": "100", "media": "video"}, False),
        ({"format": "png", "width": "-50", "height": "x"}, False),
        ({}, False),
    ],
)
def test_icons_and_other_files_are_not(metadata: dict[str, str], worth: bool) -> None:
    assert is_picture(metadata) is worth


def test_a_picture_in_words() -> None:
    metadata = {"format": "png", "width": "64", "height": "48"}
    assert in_words(metadata, "IMG 1") == "Picture of 64 × 48 pixels: IMG 1"
    assert in_words({}, "memo") == "memo"
