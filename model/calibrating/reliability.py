"""The reliability diagram as an SVG, which needs no library to draw and none to look at."""

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Final

from model.calibrating.evidence import Reliability

_SIDE: Final = 320
_LEFT, _TOP = 60, 40
_LETTER: Final = 7
"""Width of a letter of the legend, on the large side: nobody has measured the reader's font."""
_COLOURS: Final = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b")


def draw_reliability(curves: Mapping[str, Reliability], title: str, path: Path) -> None:
    """What was promised (across) against what was found (up), a curve each.

    A perfect calibration lies on the diagonal. The area of a dot is the share of pairs behind it.
    """
    height = _TOP + _SIDE + 60 + 18 * len(curves)
    legend = [
        f"{name}: calibration error {curve.error:.3f} at prior {curve.prior:g}"
        for name, curve in curves.items()
    ]
    width = _LEFT + max([_SIDE, *(16 + _LETTER * len(label) for label in legend)]) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        ' font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="22" font-size="14">{escape(title)}</text>',
        *_axes(),
    ]
    for number, (label, curve) in enumerate(zip(legend, curves.values(), strict=True)):
        colour = _COLOURS[number % len(_COLOURS)]
        parts += _curve(curve, colour)
        y = _TOP + _SIDE + 56 + 18 * number
        parts.append(f'<rect x="{_LEFT}" y="{y - 9}" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{_LEFT + 16}" y="{y}">{escape(label)}</text>')
    path.write_text("\n".join([*parts, "</svg>\n"]), encoding="utf-8")


def _axes() -> Iterable[str]:
    x0, y0, x1, y1 = *_at(0, 0), *_at(1, 1)
    yield f'<rect x="{x0}" y="{y1}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#888"/>'
    yield f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" stroke="#aaa" stroke-dasharray="4 3"/>'
    for tick in (0, 0.2, 0.4, 0.6, 0.8, 1):
        x, y = _at(tick, tick)
        yield f'<text x="{x}" y="{y0 + 16}" text-anchor="middle">{tick:g}</text>'
        yield f'<text x="{x0 - 6}" y="{y + 4}" text-anchor="end">{tick:g}</text>'
    middle_x, middle_y = _at(0.5, 0.5)
    yield f'<text x="{middle_x}" y="{y0 + 34}" text-anchor="middle">probability given</text>'
    yield (
        f'<text x="18" y="{middle_y}" text-anchor="middle"'
        f' transform="rotate(-90 18 {middle_y})">share of the same person</text>'
    )


def _curve(curve: Reliability, colour: str) -> Iterable[str]:
    points = [_at(x, y) for x, y in zip(curve.promised, curve.found, strict=True)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    for (x, y), weight in zip(points, curve.weights, strict=True):
        radius = 2 + 10 * weight**0.5
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}" opacity=".6"/>'


def _at(x: float, y: float) -> tuple[float, float]:
    """Where a point of the unit square lies in the picture."""
    return _LEFT + x * _SIDE, _TOP + (1 - y) * _SIDE
