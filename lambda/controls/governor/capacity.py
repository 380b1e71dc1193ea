"""Whether a spot job ended because there was no capacity, and what it would cost at most to go on on demand."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from controls.governor import rerun
from controls.jobs import jobs
from controls.jobs.jobs import FALLBACK_OF_TAG, Answer
from controls.pricing.prices import Prices
from controls.resource import Kind, Resource


@dataclass(frozen=True)
class Lack:
    """`finished` trainings of a search need not be made again; `note` is what people should know."""

    reason: str
    most_usd: float
    finished: int = 0
    note: str = ""


def lack(sagemaker: Any, job: Answer, resource: Resource, prices: Prices, *, execution: str) -> Lack | None:
    """None for a job that ended otherwise, that is not spot, or that is somebody else's to start again.

    A search is answered as a whole, and Autopilot takes no spot. What goes on for another job never goes on once more.
    `execution` made the job, if any did: a step that may be tried again for lack of capacity is left to that.
    """
    if FALLBACK_OF_TAG in resource.tags or "TuningJobArn" in job or "AutoMLJobArn" in job:
        return None
    if resource.kind is Kind.TUNING_JOB:
        return _of_search(sagemaker, job, resource, prices)
    if resource.kind is not Kind.TRAINING_JOB or not jobs.is_spot(job) or not (reason := lacked(job)):
        return None
    if execution and "CapacityError" in reason:
        return None  # two jobs would write the same checkpoints
    hours = jobs.run_seconds(job) / 3600
    note = "" if job.get("CheckpointConfig") else "it has no CheckpointConfig, so it begins anew"
    return Lack(reason, hours * resource.usd_per_hour, note=note)


def lacked(job: Answer) -> str:
    """Why a training job lacked capacity; empty where it did not."""
    status, reason = job["TrainingJobStatus"], job.get("FailureReason", "")
    if status == "Stopped" and job.get("SecondaryStatus") == "MaxWaitTimeExceeded":
        return "MaxWaitTimeExceeded"
    return reason if status == "Failed" and "CapacityError" in reason else ""


def _of_search(sagemaker: Any, job: Answer, resource: Resource, prices: Prices) -> Lack | None:
    """A search with less than half of its trainings finished, of which some lacked capacity."""
    each = jobs.definitions(Kind.TUNING_JOB, job)
    # Who stopped the search did not want it to go on.
    if job["HyperParameterTuningJobStatus"] == "Stopped" or not all(map(jobs.is_spot, each)):
        return None
    rows = list(_trainings(sagemaker, resource.name))
    finished = sum(row["TrainingJobStatus"] == "Completed" for row in rows)
    wanted = jobs.trainings(Kind.TUNING_JOB, job) or len(rows)
    if 2 * finished >= wanted or not any(_lacked_row(sagemaker, row) for row in rows):
        return None
    dearest = max(
        jobs.rate(Kind.TUNING_JOB, one, prices, resource.region).usd_per_hour * jobs.run_seconds(one) for one in each
    )
    reason = f"only {finished} of {wanted} trainings finished, for lack of capacity"
    counted = finished if rerun.starts_from_others(job) else 0
    return Lack(reason, dearest / 3600 * (wanted - counted), counted)


def _trainings(sagemaker: Any, name: str) -> Iterator[Answer]:
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    for page in pages.paginate(HyperParameterTuningJobName=name):
        yield from page["TrainingJobSummaries"]


def _lacked_row(sagemaker: Any, row: Answer) -> bool:
    """The list tells no secondary status, so of a training that was stopped before it told a metric it is asked for."""
    if row["TrainingJobStatus"] == "Stopped" and "FinalHyperParameterTuningJobObjectiveMetric" not in row:
        job = jobs.describe(sagemaker, Kind.TRAINING_JOB, row["TrainingJobName"])
        return bool(job and lacked(job))
    return row["TrainingJobStatus"] == "Failed" and "CapacityError" in row.get("FailureReason", "")
