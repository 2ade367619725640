"""What the styles of a web page say about whether its text can be seen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"([^{}]{1,500})\{([^{}]{0,5000})\}")
_SIMPLE = re.compile(r"(?:[a-z][a-z0-9]*)?(?:[.#][\w-]+)?\Z", re.IGNORECASE)
_LENGTH = re.compile(r"(-?\d*\.?\d+)(px|pt|em|rem|%|in|cm|vw|vh)?")
_HEX = re.compile(r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})\b")
_RGB = re.compile(r"rgba?\(([^)]{1,60})\)")
_NAMES = {
    "white": (255, 255, 255), "snow": (255, 250, 250), "ivory": (255, 255, 240),
    "whitesmoke": (245, 245, 245), "ghostwhite": (248, 248, 255), "black": (0, 0, 0), "red": (255, 0, 0),
    "green": (0, 128, 0),
    "blue": (0, 0, 255), "gray": (128, 128, 128), "grey": (128, 128, 128), "silver": (192, 192, 192),
    "yellow": (255, 255, 0), "navy": (0, 0, 128), "orange": (255, 165, 0), "purple": (128, 0, 128),
}  # fmt: skip
_MAX_CSS = 300_000
_NEAR = 24  # summed over the channels: no eye tells such colours apart
_FAR_PX = 900  # beyond the edge of a page

Colour = tuple[int, int, int]


class Paint(NamedTuple):
    """How text is drawn: colours (None: unknown, such as above a picture) and size, in px where it tells."""

    colour: Colour | None = (0, 0, 0)
    ground: Colour | None = (255, 255, 255)
    size: float = 16.0

    @property
    def unseen(self) -> bool:
        if self.size < 1.5:
            return True
        if self.colour is None or self.ground is None:
            return False
        return sum(abs(a - b) for a, b in zip(self.colour, self.ground, strict=True)) <= _NEAR


def declarations(text: str) -> dict[str, str]:
    """The properties of a style attribute or of a rule's body, in small letters; later ones win."""
    found: dict[str, str] = {}
    for part in text.lower().split(";"):
        name, colon, value = part.partition(":")
        if colon:
            found[name.strip()] = value.replace("!important", "").strip()
    return found


class Sheet:
    """The rules of a page's style sheets whose selectors are a name, a class or an id, and which bear on
    whether text is seen. Rules for other media and states are left out."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._rules: dict[str, dict[str, str]] = {}
        for text in texts:
            for selectors, body in _RULE.findall(_plain(text[:_MAX_CSS])):
                said = {key: value for key, value in declarations(body).items() if key in _BEARING}
                for selector in selectors.split(",") if said else ():
                    if (name := selector.strip()) and _SIMPLE.match(name):
                        self._rules.setdefault(name, {}).update(said)

    def style(self, tag: str, attributes: dict[str, str | None]) -> dict[str, str]:
        """All that is declared for an element, its own style last."""
        found: dict[str, str] = {}
        if self._rules:
            names = [f".{name}" for name in (attributes.get("class") or "").split()[:50]]
            if identity := attributes.get("id"):
                names.append(f"#{identity}")
            for name in (tag, *names, *(tag + name for name in names)):
                found.update(self._rules.get(name, {}))
        if own := attributes.get("style"):
            found.update(declarations(own))
        return found


_BEARING = frozenset({
    "display", "visibility", "opacity", "color", "background", "background-color", "background-image",
    "font-size", "position", "left", "right", "top", "text-indent", "margin-left", "clip", "clip-path",
    "height", "width", "overflow", "font", "max-height", "transform",
})  # fmt: skip


def _plain(css: str) -> str:
    """The rules outside of at-rules: what holds for paper or narrow screens only does not hide anything."""
    css = _COMMENT.sub("", css)
    parts: list[str] = []
    at = 0
    while (start := css.find("@", at)) >= 0:
        parts.append(css[at:start])
        end = start
        depth = 0
        while end < len(css):
            char = css[end]
            depth += (char == "{") - (char == "}")
            end += 1
            if depth <= 0 and char in "};":
                break
        at = end
    parts.append(css[at:])
    return "".join(parts)


def removed(style: dict[str, str]) -> bool:
    """Whether an element and everything in it is not drawn, or not where anybody looks."""
    if not style:
        return False
    if style.get("display") == "none" or style.get("visibility") in ("hidden", "collapse"):
        return True
    if (opacity := _LENGTH.match(style.get("opacity", ""))) is not None and float(opacity[1]) < 0.02:
        return True
    if style.get("position") in ("absolute", "fixed") and any(
        _pixels(style.get(side)) < -_FAR_PX for side in ("left", "top", "right")
    ):
        return True
    if _pixels(style.get("text-indent")) < -_FAR_PX or _pixels(style.get("margin-left")) < -_FAR_PX:
        return True
    clipped = style.get("overflow") == "hidden"
    small = any(0 <= _pixels(style.get(side), 99.0) <= 1 for side in ("height", "width", "max-height"))
    return (clipped and small) or style.get("transform", "").replace(" ", "").startswith("scale(0)")


def painted(style: dict[str, str], outer: Paint) -> Paint:
    """How text in an element is drawn, from its style and what surrounds it."""
    colour, ground, size = outer
    if value := style.get("color"):
        colour = _colour(value) if value != "inherit" else colour
    if (value := style.get("background-color") or style.get("background")) and value != "inherit":
        if "url(" in value or "gradient" in value:
            ground = None
        elif value not in ("transparent", "none", "initial", "unset"):
            ground = _colour(value)
    if "url(" in style.get("background-image", "") or "gradient" in style.get("background-image", ""):
        ground = None
    if (match := _LENGTH.match(style.get("font-size", ""))) is not None:
        number = float(match[1])
        unit = match[2]
        size = (
            number * size if unit == "em" else number * 16 if unit == "rem"
            else size * number / 100 if unit == "%" else number * 4 / 3 if unit == "pt" else number
        )  # fmt: skip
    return Paint(colour, ground, size)


def _pixels(value: str | None, default: float = 0.0) -> float:
    match = _LENGTH.match(value or "")
    if match is None:
        return default
    return float(match[1]) * (16 if match[2] in ("em", "rem") else 10 if match[2] in ("%", "vw", "vh") else 1)


def _colour(value: str) -> Colour | None:
    if (match := _HEX.search(value)) is not None:
        digits = match[1]
        if len(digits) in (3, 4):
            digits = "".join(digit * 2 for digit in digits)
        return (
            None if digits[6:8] == "00" else (int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16))
        )
    if (match := _RGB.search(value)) is not None:
        numbers = re.findall(r"\d*\.?\d+", match[1])
        if len(numbers) >= 3 and "%" not in match[1]:
            red, green, blue = (min(255, int(float(number))) for number in numbers[:3])
            return red, green, blue
        return None
    return _NAMES.get(value.split(maxsplit=1)[0] if value.split() else "")
