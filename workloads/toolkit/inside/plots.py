"""Pictures as inline SVG: colours come from the page's variables, so they are legible in light and in dark."""

import math
from html import escape

WIDTH, WIDE, HEIGHT = 460, 1400, 230
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 10, 38
ACROSS, DOWN = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM


def losses_chart(records, fired):
    """The losses over steps, on a logarithmic axis where they span more than two decades, and when rules fired."""
    names = list(dict.fromkeys(name for one in records for name in one["losses"]))
    lines = [[(one["step"], one["losses"].get(name, math.nan)) for one in records] for name in names]
    lines = [[point for point in line if math.isfinite(point[1])] for line in lines]
    values = [value for line in lines for _, value in line]
    if not values:
        return "<p>No loss was finite.</p>"
    low, high = min(values), max(values)
    decades = low > 0 and high / low > 100
    low, high = (math.floor(math.log10(low)), math.ceil(math.log10(high))) if decades else _range(low, high)
    steps = records[0]["step"], records[-1]["step"]

    def place(step, value):
        height = ((math.log10(value) if decades else value) - low) / (high - low)
        return f"{_along(step, *steps):.1f},{TOP + DOWN * (1 - height):.1f}"

    levels = [(at, f"1e{at}") for at in range(int(low), int(high) + 1)] if decades else _levels(low, high, 5)
    parts = [rung(TOP + DOWN * (high - at) / (high - low), name, WIDE) for at, name in levels]
    marks = [int(at) for at, _ in _levels(*steps, 12) if at == int(at)] if steps[1] > steps[0] else [steps[0]]
    parts.append(step_axis([_along(step, *steps) for step in marks], marks, WIDE))
    for number, line in enumerate(lines):
        points = " ".join(place(*point) for point in line)
        parts.append(f'<polyline class="line line{number % 4}" points="{points}"/>')
    parts += [_fired(number, one, steps) for number, one in enumerate(fired)]
    keys = "".join(f'<span class="key line{at % 4}">{escape(name)}</span>' for at, name in enumerate(names))
    up = "loss, logarithmic" if decades else "loss"
    return f'<p class="keys">{keys}</p>' + svg(parts, WIDE, up)


def rung(y, name, width):
    """A horizontal line of the grid with what it stands for."""
    return (
        f'<line class="grid" x1="{LEFT}" x2="{width - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{name}</text>'
    )


def step_axis(places, steps, width):
    """The numbers of steps below a picture."""
    marks = "".join(
        f'<text x="{x:.1f}" y="{TOP + DOWN + 16}" text-anchor="middle">{steps[at]}</text>'
        for at, x in enumerate(places)
    )
    return f'{marks}<text x="{(LEFT + width - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">step</text>'


def svg(parts, width, up):
    """The picture of its parts, with the name of its vertical axis."""
    name = f'<text transform="translate(11 {TOP + DOWN / 2}) rotate(-90)" text-anchor="middle">{escape(up)}</text>'
    return f'<svg viewBox="0 0 {width} {HEIGHT}" role="img">{"".join(parts)}{name}</svg>'


def _fired(number, one, steps):
    x = _along(min(max(one["step"], steps[0]), steps[1]), *steps)
    # A name is written towards the middle, each on a line of its own.
    anchor, apart = ("end", -5) if x > WIDE / 2 else ("start", 5)
    name = escape(one["symptom"].replace("_", " "))
    return (
        f'<line class="fired" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{TOP + DOWN}"/>'
        f'<text class="fired" x="{x + apart:.1f}" y="{TOP + 12 + 14 * number}" text-anchor="{anchor}">{name}</text>'
    )


def _range(low, high):
    edge = (high - low) * 0.05 or abs(high) * 0.1 or 1.0
    return (0.0 if low >= 0 else low - edge), high + edge


def _levels(low, high, most):
    """At most so many round numbers, and one, from low to high, with their names."""
    rough = (high - low) / most
    decade = 10.0 ** math.floor(math.log10(rough))
    apart = next(factor * decade for factor in (1, 2, 5, 10) if factor * decade >= rough)
    return [(apart * at, f"{apart * at:.4g}") for at in range(math.ceil(low / apart), math.floor(high / apart) + 1)]


def _along(step, first, last):
    return LEFT + (WIDE - LEFT - RIGHT) * (step - first) / max(1, last - first)
