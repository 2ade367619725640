"""Which kinds of files have pages that can be drawn. Known to the daemon without loading what draws them."""

from __future__ import annotations

GRAY, RGB, WEBP = "gray", "rgb", "webp"
FORMS = (GRAY, RGB, WEBP)
DRAWN_KINDS = frozenset({"image", "pdf"})
