"""Line charts as SVG, both axes logarithmic, drawn without a library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 460, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 34, 46
LEGEND = 20
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Told apart also by the colour-blind (Okabe and Ito, 2008)."""

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    title: str
    x: str
    y: str
    lines: Mapping[str, Points]  # all values above 0


def drawn(panels: Sequence[Panel]) -> str:
    """An SVG document with the panels side by side, each with its legend below."""
    rows = max((len(panel.lines) for panel in panels), default=0)
    width, height = WIDTH * len(panels), HEIGHT + LEGEND * rows
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for number, panel in enumerate(panels):
        parts += [f'<g transform="translate({number * WIDTH} 0)">', *_panel(panel), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def decades(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten around positive values, at least one decade apart; (0, 1) for none."""
    if not values:
        return 0, 1
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _panel(panel: Panel) -> list[str]:
    across = decades([x for points in panel.lines.values() for x, _ in points])
    up = decades([y for points in panel.lines.values() for _, y in points])

    def at(x: float, y: float) -> tuple[float, float]:
        wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        return (
            LEFT + wide * (math.log10(x) - across[0]) / (across[1] - across[0]),
            HEIGHT - BOTTOM - high * (math.log10(y) - up[0]) / (up[1] - up[0]),
        )

    parts = [
        f'<text x="{WIDTH / 2}" y="20" text-anchor="middle" font-size="14">{escape(panel.title)}</text>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(panel.x)}</text>',
        f'<text transform="translate(14 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(panel.y)}</text>",
    ]
    for power in range(across[0], across[1] + 1):
        x, y = at(10.0**power, 10.0 ** up[0])
        parts.append(f'<path d="M{x:.1f} {y:.1f}V{TOP}" stroke="#ddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{y + 16:.1f}" text-anchor="middle">{10.0**power:,g}</text>')
    for power in range(up[0], up[1] + 1):
        x, y = at(10.0 ** across[0], 10.0**power)
        parts.append(f'<path d="M{x:.1f} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{x - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:,g}</text>')
    for number, (name, points) in enumerate(panel.lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        places = [at(*point) for point in sorted(points)]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        if path:
            parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        y = HEIGHT + LEGEND * number
        parts.append(f'<rect x="{LEFT}" y="{y}" width="14" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{LEFT + 20}" y="{y + 7}">{escape(name)}</text>')
    return parts
