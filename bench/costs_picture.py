"""`make pictures`: the report of a believable month, drawn in light as docs/costs-report.png."""

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.believable import facts
from bench.figure import ROOT
from controls.reporting.page import page

PAGE = ROOT / "out" / "costs-report.html"
PICTURE = ROOT / "docs" / "costs-report.png"
_SIZE = "1200,1480"
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def write() -> Path:
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(facts()), "utf-8")
    return PAGE


def draw(source: Path, target: Path, size: str = _SIZE, *, dark: bool = False) -> None:
    """Needs Debian's chromium. Raises CalledProcessError."""
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    with tempfile.TemporaryDirectory() as home:
        told = [f"--user-data-dir={home}", f"--window-size={size}", f"--screenshot={target}"]
        command = ["chromium", *QUIET, *scheme, *told, source.as_uri()]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)


if __name__ == "__main__":
    draw(write(), PICTURE)
    sys.stdout.write(f"{PICTURE.relative_to(ROOT)}\n")
