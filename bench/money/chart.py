"""Draws what other idle limits would bring, as SVG: the avoidable share above, people's restarts below."""

import math
from collections.abc import Callable, Sequence
from html import escape

from bench.money.limits import MINUTES, Curve, Point

_WIDTH, _HEIGHT, _LEFT, _RIGHT = 960, 640, 50, 630
_PANELS = ((86, 310), (380, 570))  # top and bottom
# Okabe and Ito's, told apart by the colour-blind too.
_COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_INK, _GREY = "#222", "#888"


def drawn(curves: Sequence[Curve], *, without: Point, people: int, most: float, samples: str) -> str:
    """`without`: the defaults without off-hours. `most`: the share that may stay avoidable. Each default has a dot."""
    shares, restarts = (lambda point: point.avoidable_share), (lambda point: point.restarts_a_week / people)
    parts = [
        _text(_LEFT, 24, "One idle limit changed, all others at their defaults (dots)", size=17, weight="bold"),
        _text(
            _LEFT,
            44,
            f"{samples}, {people} people; Studio and endpoints, without training; the grace comes on top of a limit",
            fill=_GREY,
        ),
        *_panel(_PANELS[0], "avoidable share", curves, shares, [("at most", most), ("no off-hours", shares(without))]),
        *_panel(_PANELS[1], "restarts a person and week", curves, restarts, [("no off-hours", restarts(without))]),
        _text((_LEFT + _RIGHT) / 2, _HEIGHT - 18, "idle limit", anchor="middle"),
    ]
    for number, curve in enumerate(curves):
        top = _PANELS[0][0] + 4 + 22 * number
        parts.append(_line([(_RIGHT + 100, top), (_RIGHT + 124, top)], _COLOURS[number % len(_COLOURS)], width=2.5))
        parts.append(_text(_RIGHT + 132, top + 4, f"{curve.group.title}: {curve.default.minutes} min"))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">'
    return "\n".join([head, f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>', *parts, "</svg>\n"])


def _panel(
    place: tuple[int, int],
    title: str,
    curves: Sequence[Curve],
    value: Callable[[Point], float],
    levels: Sequence[tuple[str, float]],
) -> list[str]:
    top, bottom = place
    values = [value(point) for curve in curves for point in curve.points] + [level for _, level in levels]
    step = _step(max(values))
    most = step * math.ceil(max(values) / step)

    def at(point: Point) -> tuple[float, float]:
        return _x(point.minutes), bottom - (bottom - top) * value(point) / most

    parts = [_text(_LEFT, top - 12, title, size=13, weight="bold")]
    for number in range(round(most / step) + 1):
        y = bottom - (bottom - top) * number * step / most
        parts.append(_line([(_LEFT, y), (_RIGHT, y)], "#e6e6e6"))
        parts.append(_text(_LEFT - 8, y + 4, f"{number * step:g}", anchor="end"))
    parts += [_text(_x(minutes), bottom + 18, _span(minutes), anchor="middle") for minutes in MINUTES]
    label = 0.0
    for name, level in sorted(levels, key=lambda each: -each[1]):
        y = bottom - (bottom - top) * level / most
        label = max(y + 4, label + 13)  # names of lines that lie close do not cover each other
        parts.append(_line([(_LEFT, y), (_RIGHT, y)], _GREY, dashed=True))
        parts.append(_text(_RIGHT + 6, label, name, fill=_GREY))
    for number, curve in enumerate(curves):
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(_line([at(point) for point in curve.points], colour, width=2))
        x, y = at(curve.default)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}" stroke="#fff"/>')
    return parts


def _x(minutes: int) -> float:
    first, last = math.log(MINUTES[0]), math.log(MINUTES[-1])
    return _LEFT + 10 + (_RIGHT - _LEFT - 20) * (math.log(minutes) - first) / (last - first)


def _span(minutes: int) -> str:
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h"


def _step(most: float) -> float:
    """Round numbers, some five of them."""
    unit = 10.0 ** math.floor(math.log10(most / 5))
    return next(unit * times for times in (1, 2, 5, 10) if unit * times >= most / 5)


def _line(points: Sequence[tuple[float, float]], colour: str, *, width: float = 1, dashed: bool = False) -> str:
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}/>'


def _text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 12,
    anchor: str = "start",
    weight: str = "normal",
    fill: str = _INK,
) -> str:
    style = f'font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="{fill}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'
