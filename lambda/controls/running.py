"""How many runs of a workload go on at once. What starts runs may start one twice, or before the last has ended."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

_LONGEST = timedelta(days=28)  # AWS's limit for a training job; what began earlier is not looked at
_ENDED = {"Succeeded", "Failed", "Stopped"}
Begun = tuple[datetime, str]  # when, and the ARN


class TooManyRunsError(RuntimeError):
    """Others were first."""


def refuse_surplus(running: Iterator[Begun], execution: str, most: int) -> None:
    """Raises TooManyRunsError if `most` other runs began before `execution`: those that are first go on.

    By time and then by ARN, so that of runs that ask at once exactly the surplus is refused. A run that its own list
    does not have yet is the last of all.
    """
    ordered = sorted(running)
    before = [arn for _, arn in ordered]
    own = next((place for place, arn in enumerate(before) if arn.replace("/", ":").endswith(f":{execution}")), None)
    before = before[:own]
    if len(before) >= most:
        raise TooManyRunsError(
            f"{len(before)} of {most} that may run at once: {', '.join(before)}. Start this run again when one has "
            "ended, or raise run.parallel_runs in workload.yaml"
        )


def pipeline_runs(sagemaker: Any, pipeline: str) -> Iterator[Begun]:
    """The executions of a pipeline that have not ended."""
    since = datetime.now(UTC) - _LONGEST
    pages = sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=pipeline, CreatedAfter=since)
    for run in (run for page in pages for run in page["PipelineExecutionSummaries"]):
        if run["PipelineExecutionStatus"] not in _ENDED:
            yield run["StartTime"], run["PipelineExecutionArn"]


def machine_runs(states: Any, machine: str) -> Iterator[Begun]:
    """The executions of a state machine that have not ended."""
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter="RUNNING")
    for run in (run for page in pages for run in page["executions"]):
        yield run["startDate"], run["executionArn"]
