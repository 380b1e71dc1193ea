"""`make pictures`: the review of a believable change, drawn for the docs once it is known to be readable."""

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.believable_change import believable
from bench.costs_picture import QUIET, draw
from bench.figure import ROOT
from review.report.html import page

PICTURE = ROOT / "docs" / "review.png"
TOP = ROOT / "docs" / "review-top.png"
"""What one sees first, folded as it comes: for the README."""
WIDE, HIGH, TOP_HIGH, LOWEST_CONTRAST = 1200, 2000, 1160, 4.5  # the contrast of WCAG 2.2's level AA
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
  window: innerWidth, width: root.scrollWidth, height: root.scrollHeight, texts: texts.length,
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


def write() -> tuple[Path, Path]:
    """Both pictures, of a page that is readable in light and in dark."""
    folded = page(believable())
    light, dark = measured(opened(folded)), measured(opened(folded), dark=True)
    for found in (light, dark):
        check(found)
    if light.ground == dark.ground:
        raise UnreadableError("dark mode changes nothing")
    for text, picture, high in ((opened(folded), PICTURE, light.height), (folded, TOP, TOP_HIGH)):
        source = ROOT / "out" / f"{picture.stem}.html"
        source.parent.mkdir(exist_ok=True)
        source.write_text(text, "utf-8")
        draw(source, picture, f"{WIDE},{high}")
    return PICTURE, TOP


if __name__ == "__main__":
    for drawn in write():
        sys.stdout.write(f"{drawn.relative_to(ROOT)}\n")
