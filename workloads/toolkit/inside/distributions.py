"""Histograms over steps, as a map of colours and as ridges behind one another.

The axis of values is that of the bins, log-symmetric. Decades around zero that hold next to nothing are drawn as one.
"""

import base64
import math
import struct
import zlib

from toolkit.inside.plots import ACROSS, DOWN, HEIGHT, LEFT, TOP, WIDTH, rung, step_axis, svg
from toolkit.inside.statistics import BINS_PER_DECADE, SIDE, SMALLEST, ZERO, merged

COLUMNS, RIDGES = 60, 9
COLOURS = {"gradients": (31, 119, 180), "weights": (214, 110, 20)}
NEXT_TO_NOTHING = 0.03  # of the values
TICKS = 8
FEWEST = 4 * BINS_PER_DECADE  # bins on either side, also where all is zero


def heat_map(records, kind, layer):
    """The deeper the colour, the larger the share of the layer's values in that bin at that step."""
    columns = _columns(records, kind, layer, COLUMNS)
    axis = _Axis([counts for _, counts in columns])
    shares = [axis.shares(counts) for _, counts in columns]
    most = axis.most(shares)
    opacity = [[round(255 * math.sqrt(min(1.0, share / most))) for share in column] for column in shares]
    alphas = [[column[at] for column in opacity] for at in reversed(range(axis.size))]
    image = base64.b64encode(_png(alphas, COLOURS[kind])).decode()
    parts = [
        f'<image x="{LEFT}" y="{TOP}" width="{ACROSS}" height="{DOWN}" preserveAspectRatio="none" '
        f'style="image-rendering:pixelated" href="data:image/png;base64,{image}"/>'
    ]
    parts += [rung(TOP + DOWN * (1 - place), name, WIDTH) for place, name in axis.ticks()]
    shown = sorted({round(part * (len(columns) - 1) / 4) for part in range(5)})
    places = [LEFT + ACROSS * (at + 0.5) / len(columns) for at in shown]
    parts.append(step_axis(places, [columns[at][0] for at in shown], WIDTH))
    scale = f'share of values in a bin (square root): 0<i class="{kind}"></i>{most:.0%}+'
    return svg(parts, WIDTH, "value") + f'<p class="scale">{scale}</p>'


def ridges(records, kind, layer):
    """Some of the histograms, the oldest at the back: how the distribution moves and narrows."""
    columns = _columns(records, kind, layer, RIDGES)
    axis = _Axis([counts for _, counts in columns])
    shares = [axis.shares(counts) for _, counts in columns]
    most, apart, wide = axis.most(shares), DOWN / (len(columns) + 1), ACROSS / axis.size
    parts = []
    for place, name in axis.ticks():
        x = LEFT + ACROSS * place
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{TOP + DOWN}"/>')
        parts.append(f'<text x="{x:.1f}" y="{TOP + DOWN + 16}" text-anchor="middle">{name}</text>')
    for number, (step, _) in enumerate(columns):
        floor = TOP + apart * (number + 2)
        heights = [2 * apart * math.sqrt(min(1.0, share / most)) for share in shares[number]]
        points = " ".join(f"{LEFT + wide * (at + 0.5):.1f},{floor - height:.1f}" for at, height in enumerate(heights))
        ends = f"{LEFT},{floor:.1f} {points} {LEFT + ACROSS},{floor:.1f}"
        parts.append(f'<polygon class="ridge {kind}" points="{ends}"><title>step {step}</title></polygon>')
        parts.append(f'<text x="{LEFT - 6}" y="{floor + 2:.1f}" text-anchor="end">{step}</text>')
    parts.append(f'<text x="{LEFT + ACROSS / 2}" y="{HEIGHT - 4}" text-anchor="middle">value</text>')
    return svg(parts, WIDTH, "step") + f'<p class="scale">highest ridge (square root): {most:.0%}+ of values</p>'


class _Axis:
    """The bins that are drawn: without unused ones at the ends, and the innermost `inner` of either side as one."""

    def __init__(self, histograms):
        sides = [sum(counts[ZERO + at] + counts[ZERO - at] for counts in histograms) for at in range(SIDE + 1)]
        used = [at for at in range(SIDE + 1) if sides[at]]
        self.outer = min(SIDE, max(*used, FEWEST) + 1)
        limit, self.inner = NEXT_TO_NOTHING * sum(sides), 0
        while self.inner + BINS_PER_DECADE < self.outer and sum(sides[1 : self.inner + BINS_PER_DECADE + 1]) <= limit:
            self.inner += BINS_PER_DECADE
        self.middle = self.outer - self.inner
        self.size = 2 * self.middle + 1

    def shares(self, counts):
        """By drawn bin, from the lowest values to the highest, the share (0 to 1) of the values."""
        total, middle = max(1, sum(counts)), sum(counts[ZERO - self.inner : ZERO + self.inner + 1])
        drawn = counts[ZERO - self.outer : ZERO - self.inner], counts[ZERO + self.inner + 1 : ZERO + self.outer + 1]
        return [count / total for count in (*drawn[0], middle, *drawn[1])]

    def most(self, columns):
        """The largest share outside the middle bin, beside whose share everything else would often look empty."""
        return max(max(column[: self.middle] + column[self.middle + 1 :]) for column in columns) or 1.0

    def ticks(self):
        """(place, from 0 to 1, and name) of zero and of whole decades, of which some are left out if there are many."""
        decades = [at for at in range(self.inner, self.outer + 1) if at % BINS_PER_DECADE == 0]
        each = max(1, -(-2 * len(decades) // TICKS))
        # From the outside in, and none so near to zero that the names touch.
        chosen = [at for at in decades[::-1][::each] if at - self.inner >= 0.07 * self.size]
        ticks = [(0.5, "0")]
        for at in chosen:
            off = (at - self.inner + 0.5) / self.size
            name = f"1e{SMALLEST + at // BINS_PER_DECADE}"
            ticks += [(0.5 + off, name), (0.5 - off, f"-{name}")]
        return sorted(ticks)


def _columns(records, kind, layer, most):
    """At most so many histograms, each of neighbouring records added up, with the step of the first of them."""
    recorded = [(one["step"], one[kind][layer]) for one in records if layer in one[kind]]
    each = -(-len(recorded) // most)
    groups = [recorded[at : at + each] for at in range(0, len(recorded), each)]
    return [(group[0][0], _or_zero(merged(one for _, one in group))) for group in groups]


def _or_zero(counts):
    # Of an array without a finite value nothing was counted; it is drawn as if all of it were zero.
    return counts if any(counts) else [int(at == ZERO) for at in range(len(counts))]


def _png(alphas, colour):
    """A picture of one colour by its opacity, which lets the page's own background show through."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"".join(bytes((*colour, alpha)) for alpha in row) for row in alphas)
    header = struct.pack(">IIBBBBB", len(alphas[0]), len(alphas), 8, 6, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data
