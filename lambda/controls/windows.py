"""What a window showed, read from what the monitor's script wrote, or from the files of SageMaker Model Monitor.

Sources: docs/monitoring.md for metrics.json; AWS, "Schema for Violations (constraint_violations.json file)" and "Schema
for Statistics", for the latter's, of which nobody has held this against files of an account.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

VIOLATIONS, STATISTICS = "constraint_violations.json", "statistics.json"
NATIVE = "native"  # the folder of a workload's monitor that SageMaker's own jobs write to, with one for each kind
STATES = ("examined", "too-little", "no-traffic")
UNCAPTURED = "captures nothing: it does once a version is approved, be it the same again"
_MOST_CAUSES, _LONGEST = 20, 500


class WindowError(RuntimeError):
    """A result that is not of the shape that is agreed."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """`kinds` has those that could be judged, with whether they drifted; `figures` the metrics beside those.

    `faults`: by kind, or `endpoint`, why it could not be examined. `package_version` is 0 where nothing is served.
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
    told = _document(s3, bucket, f"{folder}/metrics.json")
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
    if quality := kinds.get("data-quality"):
        figures["DriftShare"] = float(quality["share"])
        known = [feature for feature in quality["features"] if feature["critical"]]
        figures |= {f"Drifted {feature['name']}": float(feature["drifted"]) for feature in known}
    if (answers := kinds.get("model-quality")) and answers.get("value") is not None:
        figures["Quality"] = float(answers["value"])
    labelled = [kind["unlabelled_share"] for kind in kinds.values() if "unlabelled_share" in kind]
    return figures | ({"Unlabelled": float(labelled[0])} if labelled else {})


def _faults(told: dict[str, Any], critical: list[str]) -> int:
    """How many kinds, and features of `critical`, could not be examined."""
    faults, quality = told.get("faults", {}), told["kinds"].get("data-quality")
    if not quality:
        return len(faults)
    # Where features are not there, that is what its own fault says.
    missing = {*critical} - {feature["name"] for feature in quality["features"]}
    return len(faults) - ("data-quality" in faults and bool(missing)) + len(missing)


def native(
    s3: Any, detail: dict[str, Any], now: datetime, monitors: dict[str, dict[str, list[str]]]
) -> tuple[str, Window]:
    """The workload, and what one of SageMaker's own jobs found: <workload>/monitor/native/<kind>/.../violations.

    Any violation is drift. `monitors` has the critical features of each workload. Raises WindowError, and ClientError
    where statistics of data quality are not there yet.
    """
    bucket, key = detail["bucket"]["name"], detail["object"]["key"]
    parts = key.split("/")
    if parts[1:3] != ["monitor", NATIVE] or len(parts) < 5 or parts[-1] != VIOLATIONS or parts[0] not in monitors:
        raise WindowError(f"s3://{bucket}/{key} is not where violations lie")
    workload, kind = parts[0], parts[3]
    try:
        violations = _document(s3, bucket, key)["violations"]
        causes = [f"{kind}: {_named(each)}{each['description']}"[:_LONGEST] for each in violations]
        violated = {str(each.get("feature_name")).strip() for each in violations}
        figures = dict[str, float]()
        if kind == "data-quality":
            figures |= {"Rows": _counted(s3, bucket, f"{key.rpartition('/')[0]}/{STATISTICS}")}
            figures |= {f"Drifted {name}": float(name in violated) for name in monitors[workload]["critical"]}
    except (KeyError, TypeError) as error:
        raise WindowError(f"s3://{bucket}/{key} is not of the shape that is documented: {error!r}") from error
    return workload, Window(
        start=now,
        end=now,
        state="examined",
        kinds={kind: bool(causes)},
        figures=figures,
        causes=tuple(causes[:_MOST_CAUSES]),
        report=f"s3://{bucket}/{key}",
    )


def _named(violation: dict[str, Any]) -> str:
    """Of what it is: a feature, or a metric, for bias of a segment's value and for attributions of a label."""
    told = (violation.get(name) for name in ("feature_name", "facet", "facet_value", "label", "metric_name"))
    name = " ".join(str(each).strip() for each in told if each)
    return f"{name}: " if name else ""


def _counted(s3: Any, bucket: str, key: str) -> float:
    """The rows of the window, as the statistics of data quality tell."""
    return float(_document(s3, bucket, key)["dataset"]["item_count"])


def _document(s3: Any, bucket: str, key: str) -> Any:
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        return json.loads(content)
    except ValueError as error:
        raise WindowError(f"s3://{bucket}/{key} is no JSON: {error}") from error
