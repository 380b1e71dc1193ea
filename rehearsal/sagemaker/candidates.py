"""The candidates of an AutoML job: how one is told, which is the best, and the list of them."""

from collections.abc import Mapping
from typing import Any

from rehearsal.sagemaker import listing
from rehearsal.sagemaker.store import AwsError, Record, Store

# A name that AWS's registries do not have, so that nobody takes the stand-in for an image of Autopilot's.
IMAGE = "stand-in.invalid/sagemaker-scikit-learn:autopilot"
CLASSES = "predicted_label,probability,probabilities,labels"
NOT_OBJECTIVES = ("LogLoss",)  # told among the metrics, by their standard name alone
# What the list is sorted by -> its value in a candidate.
_ORDERS = {"CreationTime": "CreationTime", "Status": "CandidateStatus", "FinalObjectiveMetricValue": ""}


def begun(name: str, now: float) -> Record:
    """A candidate that is being trained. It has no steps: none of the jobs that they would name exists here."""
    return {
        "CandidateName": name,
        "ObjectiveStatus": "Pending",
        "CandidateStatus": "InProgress",
        "CandidateSteps": [],
        "CreationTime": now,
        "LastModifiedTime": now,
    }


def finish(candidate: Record, metrics: Mapping[str, float], analysis: Mapping[str, Any], uri: str, now: float) -> None:
    """Tell its metrics, which are measured on rows that the candidate was not trained with, and its container."""
    objective = analysis["objective"]
    told = [
        {"StandardMetricName": name, "Value": value, "Set": "Validation"}
        | ({} if name in NOT_OBJECTIVES else {"MetricName": name})
        for name, value in sorted(metrics.items())
    ]
    container = {"Image": IMAGE, "ModelDataUrl": uri, "Environment": _environment(analysis["problem"])}
    final = {"MetricName": objective, "StandardMetricName": objective, "Value": metrics[objective]}
    candidate |= {
        "FinalAutoMLJobObjectiveMetric": final | {"Type": "Minimize" if analysis["minimize"] else "Maximize"},
        "ObjectiveStatus": "Succeeded",
        "CandidateProperties": {"CandidateMetrics": told},
        "InferenceContainers": [container],
    }
    end(candidate, "Completed", now)


def end(candidate: Record, status: str, now: float, reason: str | None = None) -> None:
    if candidate["ObjectiveStatus"] == "Pending":
        candidate["ObjectiveStatus"] = "Failed"
    candidate |= {"CandidateStatus": status, "EndTime": now, "LastModifiedTime": now}
    if reason:
        candidate["FailureReason"] = reason


def best(found: list[Record]) -> Record | None:
    """The best of those that are completed; of equals the earlier one."""
    completed = [candidate for candidate in found if candidate["CandidateStatus"] == "Completed"]
    return max(completed, key=_merit, default=None)


def listed(store: Store, request: dict[str, Any]) -> dict[str, Any]:
    """The answer of ListCandidatesForAutoMLJob; without an order that is asked for, as they were made."""
    operation = "ListCandidatesForAutoMLJob"
    record = store.find("AutoMLJobV2", operation, **request)
    wanted = {"StatusEquals": "CandidateStatus", "CandidateNameEquals": "CandidateName"}
    found = [
        candidate
        for candidate in record.get("_Candidates", [])
        if all(candidate[member] == request[name] for name, member in wanted.items() if name in request)
    ]
    order = request.get("SortBy", "CreationTime")
    if order == "FinalObjectiveMetricValue":  # those without a value have no place in that order
        found = [candidate for candidate in found if "FinalAutoMLJobObjectiveMetric" in candidate]
    rows, more = listing.page(
        found, lambda candidate: (_place(candidate, order), candidate["CandidateName"]), request, operation
    )
    return {"Candidates": rows, **more}


def _place(candidate: Record, order: str) -> Any:
    if order not in _ORDERS:
        raise AwsError("ValidationException", f"SortBy {order} is not known.")
    member = _ORDERS[order]
    return candidate[member] if member else candidate["FinalAutoMLJobObjectiveMetric"]["Value"]


def _merit(candidate: Record) -> float:
    final = candidate["FinalAutoMLJobObjectiveMetric"]
    return -final["Value"] if final["Type"] == "Minimize" else final["Value"]


def _environment(problem: str) -> dict[str, str]:
    told = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    if problem == "Regression":
        return told
    return told | {"SAGEMAKER_INFERENCE_SUPPORTED": CLASSES, "SAGEMAKER_INFERENCE_OUTPUT": "predicted_label"}
