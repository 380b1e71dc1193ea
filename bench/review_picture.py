"""`make pictures`: the review of a believable change, drawn for the docs once it is known to be readable."""

import json
import re
import struct
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from bench.believable_change import believable
from bench.costs_picture import QUIET, draw
from bench.figure import ROOT
from review.model import Review
from review.report.html import page

PICTURE = ROOT / "docs" / "review.png"
TOP = ROOT / "docs" / "review-top.png"
"""What one sees first, up to the end of what must be looked at: for the README."""
BAR = 160  # of a window that Chromium keeps from the page, and leaves empty in the picture
WIDE, HIGH, LOWEST_CONTRAST = 1200, 2000, 4.5  # the contrast of WCAG 2.2's level AA
# Opens what is folded and measures; the answer stands in the title, as the page's own policy lets no script run.
_MEASURE = """
<script>
const luminance = (colour) => {
  const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (!/rgba\\(.*, 0\\)/.test(colour)) return colour;
  }
  return "rgb(255, 255, 255)";
};
document.querySelectorAll("details").forEach((each) => { each.open = true; });
const texts = [...document.querySelectorAll("body *")].filter((each) =>
  [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
const contrasts = texts.map((each) => {
  const [a, b] = [getComputedStyle(each).color, ground(each)].map(luminance).sort((x, y) => y - x);
  return [(a + 0.05) / (b + 0.05), each.textContent.slice(0, 60)];
}).sort((x, y) => x[0] - y[0]);
const hidden = texts.filter((each) => each.scrollWidth > each.clientWidth + 1
  && getComputedStyle(each).display !== "inline").map((each) => each.textContent.slice(0, 60));
const root = document.documentElement;
document.title = "measured " + JSON.stringify({
  window: innerWidth, width: root.scrollWidth, height: document.body.offsetHeight, texts: texts.length,
  contrast: contrasts[0][0], faintest: contrasts[0][1], cut: hidden,
  ground: getComputedStyle(document.body).backgroundColor,
});
</script>
"""


class UnreadableError(Exception):
    """The page scrolls sideways, cuts a text, or has one that hardly differs from its ground: which."""


@dataclass(frozen=True)
class Measured:
    """Of a page with everything open. `cut` are texts wider than their place, `faintest` has the least contrast."""

    window: int
    width: int
    height: int
    texts: int
    contrast: float
    faintest: str
    cut: list[str]
    ground: str


def opened(text: str) -> str:
    """The page with everything unfolded."""
    return text.replace("<details>", "<details open>")


def measured(text: str, *, dark: bool = False, wide: int = WIDE) -> Measured:
    """Needs Debian's chromium. Raises CalledProcessError, or UnreadableError where nothing was measured."""
    free = re.sub(r"<meta http-equiv=[^>]*>", "", text).replace("</body>", f"{_MEASURE}</body>")
    with tempfile.TemporaryDirectory() as home:
        source = Path(home) / "page.html"
        source.write_text(free, "utf-8", errors="replace")
        scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
        told = [f"--user-data-dir={home}/profile", f"--window-size={wide},{HIGH}", "--dump-dom"]
        command = ["chromium", *QUIET, *scheme, *told, source.as_uri()]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    found = re.search(r"<title>measured (\{.*?\})</title>", done.stdout, re.DOTALL)
    if not found:
        raise UnreadableError("Chromium measured nothing")
    plain = found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return Measured(**json.loads(plain))


def check(found: Measured) -> None:
    """Raises UnreadableError."""
    if found.window != WIDE or found.width > WIDE:
        raise UnreadableError(f"the page is {found.width} px wide in a window of {found.window}")
    if found.cut:
        raise UnreadableError(f"cut off: {found.cut[:5]}")
    if found.contrast < LOWEST_CONTRAST:
        raise UnreadableError(f"{found.faintest!r} has a contrast of {found.contrast:.1f}")


def cropped(png: bytes, high: int) -> bytes:
    """The first `high` lines of a picture: each line is written as its difference from those above it."""
    chunks = dict[bytes, bytes]()
    at = 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        chunks[kind] = chunks.get(kind, b"") + png[at + 8 : at + 8 + length]
        at += length + 12
    wide, _, depth, colours = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    a_line = 1 + wide * {2: 3, 6: 4}[colours] * depth // 8
    lines = zlib.decompress(chunks[b"IDAT"])[: a_line * high]
    head = struct.pack(">II", wide, len(lines) // a_line) + chunks[b"IHDR"][8:]
    kept = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    parts = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in kept
    )
    return png[:8] + b"".join(parts)


def stretched(review: Review) -> Review:
    """With names of some thousand characters without a place to break them."""
    stretch = {"path": "x" * 3000, "source": "y" * 3000 + ".py:1", "stack": "z" * 3000}
    places = {
        name: tuple(each.model_copy(update={"place": each.place.model_copy(update=stretch)}) for each in listed)
        for name, listed in (("changes", review.changes), ("findings", review.findings))
    }
    return review.model_copy(update={**places, "reasons": ("x" * 3000,), "notes": ("x" * 3000,)})


def write() -> tuple[Path, Path]:
    """Both pictures, of a page that is readable in light and in dark."""
    review = believable()
    folded = page(review)
    light, dark = measured(opened(folded)), measured(opened(folded), dark=True)
    for found in (light, dark, measured(opened(page(stretched(review))))):
        check(found)
    if light.ground == dark.ground:
        raise UnreadableError("dark mode changes nothing")
    top = f"{folded[: folded.index('<h2>Cost a month')]}</body></html>"
    for text, picture, high in ((opened(folded), PICTURE, light.height), (top, TOP, measured(top).height)):
        source = ROOT / "out" / f"{picture.stem}.html"
        source.parent.mkdir(exist_ok=True)
        source.write_text(text, "utf-8")
        draw(source, picture, f"{WIDE},{high + BAR}")
        picture.write_bytes(cropped(picture.read_bytes(), high))
    return PICTURE, TOP


if __name__ == "__main__":
    for drawn in write():
        sys.stdout.write(f"{drawn.relative_to(ROOT)}\n")
