"""Which kinds of files have pages that can be drawn. Known to the daemon without loading what draws them."""

from __future__ import annotations

GRAY, WEBP = "gray", "webp"
FORMS = (GRAY, WEBP)
DRAWN_KINDS = frozenset({"image", "pdf"})
