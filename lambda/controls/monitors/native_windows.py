"""What SageMaker's own monitors found in a window, read from the files that their jobs write.

Data quality has drifted by the rule of our own engine, with a violated constraint for a feature that changed; the other
kinds compare one figure each, so any violation of theirs is drift. Sources: AWS, "Schema for Violations", "Schema for
Statistics", "Bias Drift Violations". Nobody has held this against files of an account.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from controls.monitors.windows import DATA_QUALITY, Window, WindowError, document

VIOLATIONS, STATISTICS = "constraint_violations.json", "statistics.json"
FOLDER = "native"  # of a workload's monitor, with one for each kind
_OF_THE_TABLE = ("missing_column_check", "extra_column_check")
_MOST_CAUSES, _LONGEST = 5, 500  # of one kind; characters


def read(s3: Any, detail: dict[str, Any], now: datetime, monitors: dict[str, dict[str, Any]]) -> tuple[str, Window]:
    """The workload, and what lies in <workload>/monitor/native/<kind>/.../.

    `monitors` has of each workload its kinds, critical features, minimum_rows and drift_share. Raises WindowError, and
    ClientError where the statistics of data quality are not there yet: the event comes again.
    """
    bucket, key = detail["bucket"]["name"], detail["object"]["key"]
    workload, *parts = key.split("/")
    if parts[:2] != ["monitor", FOLDER] or len(parts) < 4 or parts[-1] != VIOLATIONS or workload not in monitors:
        raise WindowError(f"s3://{bucket}/{key} is not where violations lie")
    kind, settings = parts[2], monitors[workload]
    if kind not in settings["kinds"]:
        raise WindowError(f"s3://{bucket}/{key} is of {kind}, which is not examined of {workload}")
    try:
        violations = document(s3, bucket, key)["violations"]
        if kind == DATA_QUALITY:
            statistics = document(s3, bucket, f"{key.rpartition('/')[0]}/{STATISTICS}")
            window = _of_features(violations, statistics, settings, now)
        else:
            told = _told(kind, [_worded(each) for each in violations])
            window = Window(start=now, end=now, state="examined", native=kind, **told)
    except (KeyError, TypeError, AttributeError) as error:
        raise WindowError(f"s3://{bucket}/{key} is not of the shape that is documented: {error!r}") from error
    return workload, replace(window, report=f"s3://{bucket}/{key}")


def _of_features(
    violations: list[dict[str, Any]], statistics: dict[str, Any], settings: dict[str, Any], now: datetime
) -> Window:
    """What is told of data quality."""
    rows = int(statistics["dataset"]["item_count"])
    common: dict[str, Any] = {"start": now, "end": now, "native": DATA_QUALITY}
    if rows < settings["minimum_rows"]:
        return Window(state="too-little" if rows else "no-traffic", figures={"Rows": float(rows)}, **common)
    names, critical = [feature["name"] for feature in statistics["features"]], settings["critical"]
    violated = {str(each["feature_name"]).strip() for each in violations}
    changed = violated & {*names}
    share = len(changed) / len(names) if names else 0.0
    # What is of no feature that is known is of the table: columns that are missing or more.
    decisive = {*critical} | violated - {*names}
    causes = [
        _worded(each)
        for each in violations
        if each["constraint_check_type"] in _OF_THE_TABLE or str(each["feature_name"]).strip() in decisive
    ]
    if changed and share >= settings["drift_share"]:
        causes = [f"{len(changed)} of {len(names)} features violate their constraints", *causes]
    absent = [name for name in critical if name not in names]
    figures = {"Rows": float(rows), "DriftShare": share}
    figures |= {f"Drifted {name}": float(name in violated) for name in critical if name in names}
    faults = {DATA_QUALITY: f"the model has no feature {', '.join(absent)}"} if absent else {}
    return Window(state="examined", figures=figures, faults=faults, **_told(DATA_QUALITY, causes), **common)


def _told(kind: str, causes: list[str]) -> dict[str, Any]:
    shown = tuple(f"{kind}: {cause}"[:_LONGEST] for cause in causes[:_MOST_CAUSES])
    return {"kinds": {kind: bool(causes)}, "causes": shown}


def _worded(violation: dict[str, Any]) -> str:
    names = ("feature_name", "facet", "facet_value", "label", "metric_name")
    of = [str(violation[name]).strip() for name in names if violation.get(name)]
    return f"{' '.join(of)}: {violation['description']}"
