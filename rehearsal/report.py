"""The rehearsal's report as one HTML file that needs nothing else."""

from collections import Counter
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape


def write(path: Path, result: dict[str, Any], pictures: dict[str, Any]) -> None:
    """Render what a story did. `pictures` may lack whatever a failed story never reached."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(), undefined=StrictUndefined
    )
    page = environment.get_template("report.html.jinja").render(
        **result,
        clusters=_clusters(pictures.get("digits", [])),
        purity=pictures.get("purity"),
        made=_by_service(pictures.get("made", [])),
        sweep=[_flat(entry) for entry in pictures.get("sweep", [])],
        kept=pictures.get("kept", []),
        outcomes=pictures.get("outcomes", []),
        runs=pictures.get("runs"),
        monitors=pictures.get("monitors"),
        pages=pictures.get("pages", {}),
    )
    path.write_text(page)


def _clusters(digits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The images of each cluster side by side; the commonest label first, strangers marked."""
    groups: dict[int, list[dict[str, Any]]] = {}
    for digit in digits:
        groups.setdefault(digit["cluster"], []).append(digit)
    found = []
    for number, members in sorted(groups.items()):
        label = Counter(m["label"] for m in members).most_common(1)[0][0]
        images = [{"stranger": m["label"] != label, "label": m["label"], "path": _ink(m["pixels"])} for m in members]
        found.append({"number": number, "label": label, "images": sorted(images, key=lambda i: i["stranger"])})
    return found


def _ink(pixels: list[float]) -> list[tuple[int, int, float]]:
    """Column, row and darkness (0 to 1) of the pixels of an 8 x 8 image that are not white."""
    return [(i % 8, i // 8, round(v / 16, 2)) for i, v in enumerate(pixels) if v]


def _by_service(names: list[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        service, _, rest = name.partition(" ")
        groups.setdefault(service, []).append(rest)
    return groups


def _flat(entry: dict[str, Any]) -> dict[str, str]:
    """A DynamoDB item as plain words."""
    return {name: str(next(iter(value.values()))) for name, value in sorted(entry.items())}
