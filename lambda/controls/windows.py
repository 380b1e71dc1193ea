"""What a window showed, read from what the monitor's script wrote: metrics.json, as docs/monitoring.md has it."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

STATES = ("examined", "too-little", "no-traffic", "absent")
_MOST_CAUSES, _LONGEST = 20, 500


class WindowError(RuntimeError):
    """A result that is not of the shape that is agreed."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """`kinds` has those that could be judged, with whether they drifted; `figures` the metrics beside those."""

    start: datetime
    end: datetime
    state: str
    kinds: dict[str, bool] = field(default_factory=dict[str, bool])
    figures: dict[str, float] = field(default_factory=dict[str, float])
    causes: tuple[str, ...] = ()
    report: str = ""
    package_version: int | None = None


def absent(end: datetime) -> Window:
    """Nothing is served: there is nothing that could drift."""
    return Window(start=end, end=end, state="absent", figures={"Rows": 0.0}, package_version=0)


def read(s3: Any, uri: str, end: datetime) -> Window:
    """The window whose metrics.json lies in `uri`. Raises WindowError."""
    bucket, _, folder = uri.removeprefix("s3://").partition("/")
    told = document(s3, bucket, f"{folder}/metrics.json")
    try:
        return Window(
            start=datetime.fromisoformat(told["window"]["start"]),
            end=end,
            state=_state(told["state"]),
            kinds={name: bool(kind["drifted"]) for name, kind in told["kinds"].items() if kind.get("enough", True)},
            figures=_figures(told),
            causes=tuple(str(cause)[:_LONGEST] for cause in told["causes"][:_MOST_CAUSES]),
            report=f"{uri}/report.html",
            package_version=int(told["package_version"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WindowError(f"{uri}/metrics.json is not of the shape that is agreed: {error!r}") from error


def _state(told: str) -> str:
    if told not in STATES:
        raise ValueError(told)
    return told


def _figures(told: dict[str, Any]) -> dict[str, float]:
    figures, kinds = {"Rows": float(told["rows"])}, told["kinds"]
    if quality := kinds.get("data-quality"):
        figures["DriftShare"] = float(quality["share"])
        critical = [feature for feature in quality["features"] if feature["critical"]]
        figures |= {f"Drifted {feature['name']}": float(feature["drifted"]) for feature in critical}
    if (answers := kinds.get("model-quality")) and answers.get("value") is not None:
        figures["Quality"] = float(answers["value"])
    labelled = [kind["unlabelled_share"] for kind in kinds.values() if "unlabelled_share" in kind]
    return figures | ({"Unlabelled": float(labelled[0])} if labelled else {})


def document(s3: Any, bucket: str, key: str) -> Any:
    """What the object says. Raises WindowError where it is no JSON."""
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        return json.loads(content)
    except ValueError as error:
        raise WindowError(f"s3://{bucket}/{key} is no JSON: {error}") from error
