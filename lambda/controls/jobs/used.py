"""How long a job in progress has been on its instances, which is what it will be billed for."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

# Of a training job. Starting, Pending and Interrupted wait for capacity.
# Source: AWS, DescribeTrainingJob, SecondaryStatusTransitions. Not verified: that the times between are not billed.
_ON_INSTANCES = ("Downloading", "Training", "Uploading", "Stopping")


def used_seconds(noun: str, told: Mapping[str, Any], now: datetime) -> int:
    """Of a job that `told` describes; `noun` is TrainingJob, ProcessingJob or TransformJob, of others it is 0."""
    match noun:
        case "TrainingJob":
            phases = [each for each in told.get("SecondaryStatusTransitions", []) if each["Status"] in _ON_INSTANCES]
            spans = [each.get("EndTime", now) - each["StartTime"] for each in phases]
        case "ProcessingJob" | "TransformJob":
            begun = told.get(f"{noun.removesuffix('Job')}StartTime")
            spans = [now - begun] if begun else []
        case _:
            spans = []
    return int(sum((max(span, timedelta()) for span in spans), timedelta()).total_seconds())
