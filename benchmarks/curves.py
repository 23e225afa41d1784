"""Small pictures as SVG: curves with bands, and bars of gains, which need no library to draw."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

_WIDTH: Final = 420
_HEIGHT: Final = 240
_LEFT, _TOP = 56, 44
_COLOURS: Final = ("#1f77b4", "#d62728", "#2ca02c")
_ROW: Final = 24
_NAME: Final = 330


@dataclass(frozen=True)
class Point:
    """A gain in points, and its 95 %."""

    gain: float
    low: float
    high: float


def draw_curves(
    curves: Mapping[str, Sequence[Point]], places: Sequence[str], title: str, path: Path
) -> None:
    """Gains over named places, all curves over the same ones; 0 is marked."""
    least, most = _range(point for curve in curves.values() for point in curve)

    def at(place: int, value: float) -> tuple[float, float]:
        x = _LEFT + place * _WIDTH / (len(places) - 1)
        return x, _TOP + _HEIGHT * (most - value) / (most - least)

    height = _TOP + _HEIGHT + 48 + 18 * len(curves)
    parts = [_opening(_LEFT + _WIDTH + 24, height, title)]
    parts += _grid(least, most, lambda value: at(0, value)[1], _LEFT, _LEFT + _WIDTH)
    for place, name in enumerate(places):
        x, y = at(place, 0)[0], _TOP + _HEIGHT + 18
        parts.append(f'<text x="{x:.0f}" y="{y}" text-anchor="middle">{escape(name)}</text>')
    for number, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        upper = [at(place, point.high) for place, point in enumerate(curve)]
        lower = [at(place, point.low) for place, point in enumerate(curve)]
        middle = [at(place, point.gain) for place, point in enumerate(curve)]
        band = _points([*upper, *reversed(lower)])
        parts.append(f'<polygon points="{band}" fill="{colour}" opacity=".15"/>')
        parts.append(
            f'<polyline points="{_points(middle)}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        y = _TOP + _HEIGHT + 44 + 18 * number
        parts.append(f'<rect x="{_LEFT}" y="{y - 9}" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{_LEFT + 16}" y="{y}">{escape(name)}</text>')
    path.write_text("\n".join([*parts, "</svg>\n"]), encoding="utf-8")


def draw_bars(groups: Mapping[str, Mapping[str, Point]], title: str, path: Path) -> None:
    """For each name one bar per group, with its interval; 0 is marked."""
    names = list(next(iter(groups.values())))
    least, most = _range(point for group in groups.values() for point in group.values())

    def across(value: float) -> float:
        return _NAME + (_WIDTH - 40) * (value - least) / (most - least)

    bar = _ROW / (len(groups) + 1)
    bottom = _TOP + _ROW * len(names)
    parts = [_opening(_NAME + _WIDTH, bottom + 40 + 18 * len(groups), title)]
    zero = across(0)
    parts.append(f'<line x1="{zero:.1f}" y1="{_TOP}" x2="{zero:.1f}" y2="{bottom}" stroke="#888"/>')
    for row, name in enumerate(names):
        top = _TOP + row * _ROW
        parts.append(
            f'<text x="{_NAME - 10}" y="{top + 15}" text-anchor="end">{escape(name)}</text>'
        )
        for number, group in enumerate(groups.values()):
            point, colour = group[name], _COLOURS[number % len(_COLOURS)]
            y = top + 3 + number * bar
            left, right = sorted((zero, across(point.gain)))
            parts.append(
                f'<rect x="{left:.1f}" y="{y:.1f}" width="{right - left:.1f}"'
                f' height="{bar - 2:.1f}" fill="{colour}"/>'
            )
            middle = y + bar / 2 - 1
            low, high = across(point.low), across(point.high)
            parts.append(
                f'<line x1="{low:.1f}" y1="{middle:.1f}" x2="{high:.1f}" y2="{middle:.1f}"'
                ' stroke="#333"/>'
            )
    parts += [
        f'<text x="{across(tick):.1f}" y="{bottom + 16}" text-anchor="middle">{tick:+g}</text>'
        for tick in _ticks(least, most)
    ]
    for number, name in enumerate(groups):
        y, colour = bottom + 38 + 18 * number, _COLOURS[number % len(_COLOURS)]
        parts.append(f'<rect x="{_NAME}" y="{y - 9}" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{_NAME + 16}" y="{y}">{escape(name)}</text>')
    path.write_text("\n".join([*parts, "</svg>\n"]), encoding="utf-8")


def _opening(width: int, height: int, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        ' font-family="sans-serif" font-size="12">\n'
        '<rect width="100%" height="100%" fill="white"/>\n'
        f'<text x="12" y="22" font-size="14">{escape(title)}</text>'
    )


def _grid(
    least: float, most: float, height_of: Callable[[float], float], left: float, right: float
) -> Iterable[str]:
    for tick in _ticks(least, most):
        y, colour = height_of(tick), "#888" if tick == 0 else "#ddd"
        yield f'<line x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="{colour}"/>'
        yield f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:+g}</text>'


def _range(points: Iterable[Point]) -> tuple[float, float]:
    """With room, and with 0."""
    found = list(points)
    least = min(0.0, *(point.low for point in found))
    most = max(0.0, *(point.high for point in found))
    room = 0.05 * (most - least) or 1.0
    return least - room, most + room


def _ticks(least: float, most: float) -> list[int]:
    step = next(size for size in (1, 2, 5, 10, 20, 50) if (most - least) / size <= 10)
    first = -int(-least // step) if least < 0 else 0
    return [step * k for k in range(first, int(most // step) + 1)]


def _points(places: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
