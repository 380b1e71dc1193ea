"""The files that a review leaves behind."""

from pathlib import Path

from review.model import Review
from review.report.html import page
from review.report.markdown import comment
from review.report.sarif import log

NAMES = ("review.md", "review.html", "review.json", "review.sarif")


def write(review: Review, folder: Path, whole: str) -> None:
    """Each of NAMES into `folder`. Raises OSError."""
    texts = (comment(review, whole=whole), page(review), review.model_dump_json(indent=2) + "\n", log(review))
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in zip(NAMES, texts, strict=True):
        (folder / name).write_text(text, "utf-8", errors="replace")
