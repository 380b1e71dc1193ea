"""Records each run that has ended in MLflow: jobs run isolated and cannot do it themselves.

A run is known by its execution's ARN, so an event that comes twice finds the run that the first one made.
"""

import os
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger

from controls import clients, settings
from controls.runs import autopilot, batches
from controls.runs.ended import Ended, Try
from controls.runs.mlflow import Mlflow, Run
from controls.runs.pipeline import PipelineRun
from controls.runs.results import Results, split

logger = Logger(service="record")

EXECUTION, WORKLOAD, RECORDED = "sluice.execution", "sluice.workload", "sluice.recorded"
CHANGED = "sluice.params-after-retry"
PARENT, TRY = "mlflow.parentRunId", "sluice.try"


@dataclass(frozen=True)
class Settings:
    platform: str
    app_arn: str
    artifact_bucket: str


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """The execution that `event` is about and what was done: recorded | recorded-already | goes-on."""
    config = settings.read(Settings, os.environ)
    ended = _read(event, config)
    outcome = "goes-on"
    if ended:
        mlflow = Mlflow(config.app_arn, clients.session().get_credentials())
        outcome = record(mlflow, clients.client("s3"), f"{config.platform}/{ended.workload}", ended)
    logger.info("ended run", resources=event["resources"], outcome=outcome)
    return {"execution": event["resources"][-1], "outcome": outcome}


def _read(event: dict[str, Any], config: Settings) -> Ended | None:
    detail, found = event["detail"], Results(clients.client("s3"), config.artifact_bucket)
    if event["source"] == "aws.states":
        workload = detail["stateMachineArn"].rsplit(":", 1)[-1].removeprefix(f"{config.platform}-")
        return autopilot.read(detail, workload, found, config.artifact_bucket)
    workload = detail["pipelineArn"].rsplit("/", 1)[-1].removeprefix(f"{config.platform}-")
    return PipelineRun(clients.client("sagemaker"), found, detail["pipelineExecutionArn"]).read(workload)


def record(mlflow: Mlflow, s3: Any, experiment: str, ended: Ended) -> str:
    """recorded | recorded-already. What a first attempt has left half done is completed."""
    place = mlflow.make_experiment(experiment)
    run = _the_run(mlflow, place, ended)
    if run.tags.get(RECORDED) == ended.stamp:
        return "recorded-already"
    params, kept = _unchanged(run, ended.params)
    mlflow.log(run.id, at=ended.ended, params=params, metrics=ended.metrics, tags={**ended.tags, **kept})
    bucket, prefix = split(run.artifact_uri)
    for path, content in ended.files.items():
        s3.put_object(Bucket=bucket, Key=f"{prefix}/{path}", Body=content, ContentType=_kind(path))
    if ended.tries:
        _record_tries(mlflow, place, run.id, ended.tries)
    mlflow.end(run.id, ended.status, ended.ended)
    mlflow.log(run.id, tags={RECORDED: ended.stamp})
    return "recorded"


def _the_run(mlflow: Mlflow, experiment: str, ended: Ended) -> Run:
    """Of the runs that two events at once may have made, the one whose id is least stays."""
    known = {EXECUTION: ended.execution}
    found = list(mlflow.runs(experiment, known))
    if not found:
        # The tries of a run have no workload, so that a list of a workload's runs is not one of its tries.
        made = mlflow.start(experiment, ended.name, ended.started, {**known, WORKLOAD: ended.workload})
        found = list(mlflow.runs(experiment, known)) or [made]
    first, *others = sorted(found, key=lambda run: run.id)
    for other in others:
        mlflow.delete(other.id)
    return first


def _unchanged(run: Run, params: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """`params` without those that the run has otherwise, from before a retry, and a tag that tells their new values.

    MLflow never changes a parameter.
    """
    wanted = batches.taken(params)
    other = {name: value for name, value in wanted.items() if run.params.get(name, value) != value}
    told = "; ".join(f"{name}={value}" for name, value in sorted(other.items()))
    return {name: value for name, value in wanted.items() if name not in other}, {CHANGED: told} if other else {}


def _record_tries(mlflow: Mlflow, experiment: str, parent: str, tries: list[Try]) -> None:
    there = {run.tags.get(TRY): run for run in mlflow.runs(experiment, {PARENT: parent})}
    for each in tries:
        known = {PARENT: parent, TRY: each.name}
        run = there.get(each.name) or mlflow.start(experiment, each.name, each.started, known)
        if run.status == "RUNNING":
            mlflow.log(run.id, at=each.ended, params=each.params, metrics=each.metrics, tags=each.tags)
            mlflow.end(run.id, each.status, each.ended)


def _kind(path: str) -> str:
    return "text/html" if path.endswith(".html") else "application/json"
