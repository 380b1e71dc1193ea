"""What AWS refuses of a job beyond its model. What this cloud does not do is in not_emulated.py."""

import re
from typing import Any

from rehearsal.sagemaker.store import AwsError, Record


def check(noun: str, record: Record) -> None:
    """Refuse a new job. Raises AwsError."""
    checks = {"TrainingJob": _check_training, "TransformJob": _check_transform, "AutoMLJobV2": _check_automl}
    checks.get(noun, lambda record: None)(record)


def _check_training(record: Record) -> None:
    """The rules of AWS, StoppingCondition; the first message is AWS's own as reported, the second is not."""
    spot, stopping = record.get("EnableManagedSpotTraining", False), record.get("StoppingCondition", {})
    wait = stopping.get("MaxWaitTimeInSeconds")
    if wait is not None and not spot:
        raise AwsError(
            "ValidationException",
            "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true",
        )
    if spot and (wait is None or wait < stopping.get("MaxRuntimeInSeconds", 0)):
        raise AwsError(
            "ValidationException",
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds",
        )
    for definition in record["AlgorithmSpecification"].get("MetricDefinitions", []):
        _check_metric(definition)


def _check_metric(definition: dict[str, Any]) -> None:
    name, text = definition["Name"], definition["Regex"]
    try:
        groups = re.compile(text).groups
    except re.error as error:
        raise AwsError(
            "ValidationException", f"The regex '{text}' of the metric {name} is invalid: {error}."
        ) from error
    if not groups:  # AWS reads the value from the group and does not say what it does without one
        raise AwsError("ValidationException", f"Metric {name}: a regex without a group is not emulated by this cloud.")


def _check_transform(record: Record) -> None:
    """AWS, CreateTransformJob: a batch strategy needs a split; payloads times their number is 100 MB at most."""
    transform_input, payload = record["TransformInput"], record.get("MaxPayloadInMB", 6)
    if record.get("BatchStrategy") and transform_input.get("SplitType", "None") == "None":
        raise AwsError("ValidationException", "BatchStrategy needs a SplitType of Line, RecordIO or TFRecord.")
    if payload * max(1, record.get("MaxConcurrentTransforms", 1)) > 100:
        raise AwsError("ValidationException", "MaxConcurrentTransforms * MaxPayloadInMB cannot exceed 100 MB.")


def _check_automl(record: Record) -> None:
    """The rules of AWS, TabularJobConfig (ProblemType), AutoMLJobChannel (ChannelType) and DataSplitConfig."""
    asked = record["AutoMLProblemTypeConfig"]["TabularJobConfig"]
    if ("ProblemType" in asked) != ("AutoMLJobObjective" in record):
        raise AwsError("ValidationException", "Give both ProblemType and AutoMLJobObjective, or neither of them.")
    channels = [channel.get("ChannelType", "training") for channel in record["AutoMLJobInputDataConfig"]]
    if sorted(channels) not in (["training"], ["training", "validation"]):
        told = ", ".join(channels)
        raise AwsError("ValidationException", f"One channel is training and one may be validation; given: {told}.")
    if len(channels) > 1 and "DataSplitConfig" in record:
        raise AwsError("ValidationException", "DataSplitConfig cannot be given beside a channel for validation.")
