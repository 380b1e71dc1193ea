"""What SageMaker's own monitors compare with: the baseline of the version that is served, where their jobs look for it.

A version brings what its run has measured. That becomes the files that Model Monitor and Clarify read: of data quality
without the target, which no request has; of model quality a threshold; of bias the measures by segment and the
configuration of Clarify's job. Sources: AWS, "Schema for Constraints (constraints.json file)", "Model quality metrics",
"Analysis results", "Parameters to monitor bias drift"; the members of model quality's constraints as AWS's samples read
them.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from controls.release import Package

Document = dict[str, Any]

# What the model may lose before it counts: the same as of our own engine, docs/monitoring-statistics.md.
_LESS_ACCURACY, _MORE_ERROR = 0.02, 1.05
_BEFORE_TRAINING, _AFTER_TRAINING = ("DPL",), ("DPPL", "DI", "AD")


class BaselineError(RuntimeError):
    """A served version does not bring what a monitor compares with: the monitor keeps an older version's."""


def point(
    sagemaker: Any, s3: Any, package: Package, *, bucket: str, folder: str, kinds: Sequence[str], target: str
) -> None:
    """Put the baseline of `package` into `folder`. Raises BaselineError, with nothing put, where it lacks something."""
    described = sagemaker.describe_model_package(ModelPackageName=package.arn)
    brought = Brought(s3, package, described.get("DriftCheckBaselines", {}))
    try:
        files = {name: content for kind in kinds for name, content in _MADE[kind](brought, target).items()}
    except (KeyError, TypeError, ValueError) as error:
        raise BaselineError(f"a report of {package.arn} is not of the shape that is agreed: {error!r}") from error
    for name, content in files.items():
        body = json.dumps(content, separators=(",", ":")).encode()
        s3.put_object(Bucket=bucket, Key=f"{folder}{name}", Body=body)


class Brought:
    """The reports that came with a model package."""

    def __init__(self, s3: Any, package: Package, reports: Mapping[str, Any]) -> None:
        self._s3, self._package, self._reports = s3, package, reports

    def read(self, part: str, name: str) -> Document:
        """One of DriftCheckBaselines. Raises BaselineError where the package has none."""
        uri = self._reports.get(part, {}).get(name, {}).get("S3Uri")
        if not uri:
            raise BaselineError(f"{self._package.arn} has no {name} of {part}: train and approve a new version")
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return json.loads(self._s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def data_quality(brought: Brought, target: str) -> dict[str, Document]:
    made = {"statistics.json": "Statistics", "data-quality.json": "Constraints"}
    found = {name: brought.read("ModelDataQuality", member) for name, member in made.items()}
    return {
        name: {**told, "features": [each for each in told["features"] if each["name"] != target]}
        for name, told in found.items()
    }


def model_quality(brought: Brought, target: str) -> dict[str, Document]:
    """Of classes the accuracy, of numbers the error on the test rows, with some room."""
    measured = brought.read("ModelQuality", "Statistics")["metrics"]
    if "accuracy" in measured:
        problem, metric, limit = "multiclass_classification", "accuracy", measured["accuracy"]["value"] - _LESS_ACCURACY
    elif "rmse" in measured:
        problem, metric, limit = "regression", "rmse", measured["rmse"]["value"] * _MORE_ERROR
    else:
        raise ValueError(f"neither accuracy nor rmse is among {', '.join(measured)}")
    worse = "GreaterThanThreshold" if metric == "rmse" else "LessThanThreshold"
    constraint = {metric: {"threshold": limit, "comparison_operator": worse}}
    return {"model-quality.json": {"version": 0.0, f"{problem}_constraints": constraint}}


def bias(brought: Brought, target: str) -> dict[str, Document]:
    """Clarify's analysis of the test rows, and what it is to analyse: each value of the segment against all others."""
    report = brought.read("Bias", "PostTrainingConstraints")
    if report["positive"] is None:
        raise ValueError("bias is of models of two classes")
    names = [each["name"] for each in brought.read("ModelDataQuality", "Constraints")["features"]]
    columns = [name for name in names if name != target]
    config = {
        "version": "1.0",
        "headers": [*columns, target],
        "label": target,
        "label_values_or_threshold": [report["positive"]],
        "facet": [{"name_or_index": report["segment"]}],
    }
    analysis = {
        "version": "1.0",
        "pre_training_bias_metrics": _measures(report, target, _BEFORE_TRAINING),
        "post_training_bias_metrics": _measures(report, target, _AFTER_TRAINING),
    }
    return {"analysis_config.json": config, "bias.json": analysis}


def _measures(report: Document, target: str, names: Sequence[str]) -> Document:
    found = [
        {
            "value_or_threshold": str(each["value"]),
            "metrics": [{"name": name, "value": each[name]} for name in names if each.get(name) is not None],
        }
        for each in report["values"]
        if each["value"] is not None
    ]
    positive = str(report["positive"])
    return {"label": target, "label_value_or_threshold": positive, "facets": {report["segment"]: found}}


_MADE = {"data-quality": data_quality, "model-quality": model_quality, "bias": bias}
