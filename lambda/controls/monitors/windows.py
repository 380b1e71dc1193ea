"""What a window showed, read from what the monitor's script wrote: metrics.json, as docs/monitoring.md has it."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

DATA_QUALITY = "data-quality"  # the kind that is examined always
STATES = ("examined", "too-little", "no-traffic")
UNCAPTURED = "captures nothing: it does once a version is approved, be it the same again"
_MOST_CAUSES, _LONGEST = 20, 500


class WindowError(RuntimeError):
    """A result that is not of the shape that is agreed."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """`kinds` has those that could be judged, with whether they drifted; `figures` the metrics beside those.

    `faults`: by kind, or `endpoint`, why it could not be examined. `package_version` is 0 where nothing is served.
    `native`: the kind that one of SageMaker's own jobs examined, each of which has windows of its own.
    """

    start: datetime
    end: datetime
    state: str
    kinds: dict[str, bool] = field(default_factory=dict[str, bool])
    figures: dict[str, float] = field(default_factory=dict[str, float])
    causes: tuple[str, ...] = ()
    faults: dict[str, str] = field(default_factory=dict[str, str])
    report: str = ""
    package_version: int | None = None
    native: str = ""


def absent(end: datetime) -> Window:
    """Nothing is served: there is nothing that could drift."""
    return Window(start=end, end=end, state="absent", figures={"Rows": 0.0, "Faults": 0.0}, package_version=0)


def uncaptured(end: datetime, kinds: list[str]) -> Window:
    """What is served is asked, and nobody knows what: none of `kinds` can be examined."""
    figures = {"Rows": 0.0, "Faults": float(len(kinds))}
    return Window(start=end, end=end, state="uncaptured", figures=figures, faults={"endpoint": UNCAPTURED})


def read(s3: Any, uri: str, critical: list[str]) -> Window:
    """The window whose metrics.json lies in `uri`; `critical` are the features that it is to tell of.

    Raises WindowError.
    """
    bucket, _, folder = uri.removeprefix("s3://").partition("/")
    told = document(s3, bucket, f"{folder}/metrics.json")
    try:
        start, end = (datetime.fromisoformat(told["window"][name]) for name in ("start", "end"))
        return Window(
            start=start,
            end=end,
            state=_state(told["state"]),
            kinds={name: bool(kind["drifted"]) for name, kind in told["kinds"].items() if kind.get("enough", True)},
            figures=_figures(told, critical),
            faults={kind: str(why)[:_LONGEST] for kind, why in told.get("faults", {}).items()},
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


def _figures(told: dict[str, Any], critical: list[str]) -> dict[str, float]:
    figures, kinds = {"Rows": float(told["rows"])}, told["kinds"]
    if told["state"] == "examined":
        figures["Faults"] = float(_faults(told, critical))
    if quality := kinds.get(DATA_QUALITY):
        figures["DriftShare"] = float(quality["share"])
        known = [feature for feature in quality["features"] if feature["critical"]]
        figures |= {f"Drifted {feature['name']}": float(feature["drifted"]) for feature in known}
    if (answers := kinds.get("model-quality")) and answers.get("value") is not None:
        figures["Quality"] = float(answers["value"])
    labelled = [kind["unlabelled_share"] for kind in kinds.values() if "unlabelled_share" in kind]
    return figures | ({"Unlabelled": float(labelled[0])} if labelled else {})


def _faults(told: dict[str, Any], critical: list[str]) -> int:
    """How many kinds, and features of `critical`, could not be examined."""
    faults, quality = told.get("faults", {}), told["kinds"].get(DATA_QUALITY)
    if not quality:
        return len(faults)
    # Where features are not there, that is what its own fault says.
    missing = {*critical} - {feature["name"] for feature in quality["features"]}
    return len(faults) - (DATA_QUALITY in faults and bool(missing)) + len(missing)


def document(s3: Any, bucket: str, key: str) -> Any:
    """What the object says. Raises WindowError where it is no JSON."""
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        return json.loads(content)
    except ValueError as error:
        raise WindowError(f"s3://{bucket}/{key} is no JSON: {error}") from error
