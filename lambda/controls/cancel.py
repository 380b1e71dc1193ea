"""Ends what an execution of an Autopilot state machine has left running: one that was aborted, timed out or failed.

Names are derived from the execution, as the state machine derives them (workloads/automl/pipeline.py), so nothing has
to be kept, and doing it again does no harm.
"""

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from controls import clients, settings
from controls.refusals import is_missing

logger = Logger(service="cancel")

PAUSE_SECONDS = 10
_STEPS = {"ProcessingJob": ("preprocess", "evaluate"), "TransformJob": ("challenger", "champion")}


@dataclass(frozen=True)
class Settings:
    """`stem` begins the name of everything that the state machine starts."""

    stem: str


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The run and what was ended. Any error is raised: Lambda tries again."""
    config = settings.read(Settings, os.environ)
    run = run_of(config.stem, event["detail"]["executionArn"])
    # An execution that failed has had the answer of its last call.
    again = event["detail"]["status"] != "FAILED"
    ended = cancel(clients.client("sagemaker"), run, partial(time.sleep, PAUSE_SECONDS) if again else None)
    logger.info("cancelled", execution=event["detail"]["name"], run=run, ended=ended)
    return {"run": run, "ended": ended}


def run_of(stem: str, execution_arn: str) -> str:
    return f"{stem}-{hashlib.sha256(execution_arn.encode()).hexdigest()[:12]}"


def cancel(sagemaker: Any, run: str, pause: Callable[[], None] | None) -> list[str]:
    """What was stopped or deleted.

    With `pause` it looks again after it: a call that was under way when the execution ended may take effect later.
    """
    ended = _stop_jobs(sagemaker, run)
    if pause:
        pause()
        ended += _stop_jobs(sagemaker, run)
    for suffix in _STEPS["TransformJob"]:
        if _done(sagemaker.delete_model, ModelName=f"{run}-{suffix}") is not None:
            ended.append(f"Model {run}-{suffix}")
    return ended


def _stop_jobs(sagemaker: Any, run: str) -> list[str]:
    found = [("AutoMLJob", run, sagemaker.describe_auto_ml_job_v2, sagemaker.stop_auto_ml_job)]
    found += [("ProcessingJob", f"{run}-{s}", *_calls(sagemaker, "processing")) for s in _STEPS["ProcessingJob"]]
    found += [("TransformJob", f"{run}-{s}", *_calls(sagemaker, "transform")) for s in _STEPS["TransformJob"]]
    ended = []
    for kind, name, describe, stop in found:
        named = {f"{kind}Name": name}
        job = _done(describe, **named)
        if job and job[f"{kind}Status"] == "InProgress":
            stop(**named)
            ended.append(f"{kind} {name}")
    return ended


def _calls(sagemaker: Any, kind: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    return getattr(sagemaker, f"describe_{kind}_job"), getattr(sagemaker, f"stop_{kind}_job")


def _done(call: Callable[..., Any], **named: str) -> dict[str, Any] | None:
    """The call's answer; nothing where there is no such thing."""
    try:
        return call(**named)
    except ClientError as error:
        if is_missing(error):
            return None
        raise
