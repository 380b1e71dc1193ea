"""What the training jobs of a tuning job have come to: objective, best one, counters, when to stop one early."""

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from rehearsal.sagemaker import listing
from rehearsal.sagemaker.store import Record, Store

SIGNIFICANT = 0.01  # API_BestObjectiveNotImproving: "by 1% or greater over prior training jobs"
_RUNNING = ("InProgress", "Stopping")


def ended(job: Record) -> bool:
    return job["TrainingJobStatus"] not in _RUNNING


class Objective:
    """The metric that a tuning job is about, as its training jobs print it, and its direction."""

    def __init__(self, config: Record) -> None:
        self.type: str = config["HyperParameterTuningJobObjective"]["Type"]
        self.metric: str = config["HyperParameterTuningJobObjective"]["MetricName"]

    def better(self, value: float, than: float) -> bool:
        return value > than if self.type == "Maximize" else value < than

    def emitted(self, job: Record) -> list[float]:
        """Every value in the order of the log; AWS does not say what comes of a value that is no number."""
        return [value for name, value in job.get("_Measured", []) if name == self.metric and math.isfinite(value)]

    def final(self, job: Record) -> float | None:
        """API_FinalHyperParameterTuningJobObjectiveMetric: "the latest objective metric emitted"."""
        values = self.emitted(job) if ended(job) else []
        return values[-1] if values else None

    def best(self, jobs: Iterable[Record]) -> Record | None:
        """DescribeHyperParameterTuningJob: the one "that completed with the best"; none that was stopped, then."""
        found: Record | None = None
        for job in jobs:
            value = self.final(job)
            if value is None or job["TrainingJobStatus"] != "Completed":
                continue
            if found is None or self.better(value, self.final(found) or 0.0):
                found = job
        return found

    def not_improving(self, values: Sequence[float]) -> int:
        """How many of the last jobs, in the order of their ends, are not better by more than 1 % than the best before.

        Whether AWS starts to count anew with an improvement is not verified.
        """
        count, best = 0, values[0] if values else 0.0
        for value in values[1:]:
            improves = self.better(value, best) and abs(value - best) > SIGNIFICANT * abs(best)
            count = 0 if improves else count + 1
            best = value if self.better(value, best) else best
        return count

    def hopeless(self, values: Sequence[float], done: int, previous: Iterable[Record]) -> bool:
        """The median rule of AWS, "Stop Training Jobs Early", How Early Stopping Works; each value is an epoch's.

        The first `done` epochs are judged already. Of the previous jobs those count that completed and came that far.
        That AWS wants no more of them than one is not verified.
        """
        told = [self.emitted(other) for other in previous if other["TrainingJobStatus"] == "Completed"]
        for epoch, value in list(enumerate(values, 1))[done:]:
            averages = [statistics.fmean(earlier[:epoch]) for earlier in told if len(earlier) >= epoch]
            if averages and self.better(statistics.median(averages), value):
                return True
        return False

    def summary(self, job: Record) -> Record:
        """A training job as HyperParameterTrainingJobSummary tells of it."""
        value, metric = self.final(job), {"Type": self.type, "MetricName": self.metric}
        status = "Pending" if not ended(job) else "Failed" if value is None else "Succeeded"
        told = {} if value is None else {"FinalHyperParameterTuningJobObjectiveMetric": {**metric, "Value": value}}
        return {**job, **job["_Tuned"], **told, "ObjectiveStatus": status}

    def progress(self, jobs: Sequence[Record]) -> Record:
        """The members of DescribeHyperParameterTuningJob that change while the jobs run."""
        rows = [self.summary(job) for job in jobs]
        states = [_counter(job) for job in jobs]
        counters = ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")
        objectives = [row["ObjectiveStatus"] for row in rows]
        best = self.best(jobs)
        return {
            "TrainingJobStatusCounters": {name: states.count(name) for name in counters},
            "ObjectiveStatusCounters": {name: objectives.count(name) for name in ("Succeeded", "Pending", "Failed")},
            **({"BestTrainingJob": self.summary(best)} if best else {}),
        }


def _counter(job: Record) -> str:
    """API_TrainingJobStatusCounters: an error can be retried "only if ... an internal service error occurred"."""
    if job["TrainingJobStatus"] != "Failed":
        return "InProgress" if not ended(job) else job["TrainingJobStatus"]
    return "RetryableError" if job["FailureReason"].startswith("InternalServerError") else "NonRetryableError"


def list_jobs(store: Store, request: dict[str, Any]) -> dict[str, Any]:
    """ListTrainingJobsForHyperParameterTuningJob. Its orders and defaults are those of the API reference."""
    operation, sort = "ListTrainingJobsForHyperParameterTuningJob", request.get("SortBy", "Name")
    tuning = store.find("HyperParameterTuningJob", operation, **request)
    objective, arn = Objective(tuning["HyperParameterTuningJobConfig"]), tuning["HyperParameterTuningJobArn"]
    rows = [objective.summary(job) for job in store.all("TrainingJob") if job.get("TuningJobArn") == arn]
    if "StatusEquals" in request:
        rows = [row for row in rows if row["TrainingJobStatus"] == request["StatusEquals"]]
    if sort == "FinalObjectiveMetricValue":  # those without one are not listed
        rows = [row for row in rows if row["ObjectiveStatus"] == "Succeeded"]

    def place(row: Record) -> tuple[Any, ...]:
        value = row.get("FinalHyperParameterTuningJobObjectiveMetric", {}).get("Value")
        first = {"Status": row["TrainingJobStatus"], "CreationTime": row["CreationTime"], "Name": ""}
        return (value if sort == "FinalObjectiveMetricValue" else first[sort]), row["TrainingJobName"]

    found, more = listing.page(rows, place, request, operation)
    return {"TrainingJobSummaries": found, **more}
