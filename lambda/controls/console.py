"""Addresses of AWS's console. A pipeline execution has none: only Studio shows it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

_HOSTS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
# The jobs of a tuning are training jobs whose names begin with its own.
_GROUPS = {
    "ProcessingJob": "/aws/sagemaker/ProcessingJobs",
    "TrainingJob": "/aws/sagemaker/TrainingJobs",
    "TransformJob": "/aws/sagemaker/TransformJobs",
    "TuningJob": "/aws/sagemaker/TrainingJobs",
}


def logs(metadata: Mapping[str, Any]) -> Iterator[str]:
    """The log of what a step started, by its metadata in ListPipelineExecutionSteps."""
    for kind, told in metadata.items():
        if kind in _GROUPS:
            yield log(told["Arn"], _GROUPS[kind], told["Arn"].rpartition("/")[2])
        elif kind == "Lambda":
            yield log(told["Arn"], f"/aws/lambda/{told['Arn'].split(':')[6]}")


def task_logs(arn: str, task: Mapping[str, Any]) -> Iterator[str]:
    """The log of what a task of the state machine's execution `arn` calls or looks at, by its TaskScheduled event.

    An AutoML job has none of its own: its jobs' names begin with its own, as AWS's consoles show and no page says.
    """
    asked = json.loads(task.get("parameters", "{}"))  # the embedded cloud tells none
    for kind, group in {**_GROUPS, "AutoMLJob": "/aws/sagemaker/ProcessingJobs"}.items():
        if name := asked.get(f"{kind}Name"):
            yield log(arn, group, name)
    if function := asked.get("FunctionName"):
        yield log(arn, f"/aws/lambda/{function.rpartition(':')[2]}")


def log(arn: str, group: str, stream: str = "") -> str:
    """The log group in the partition and region of `arn`; its streams that begin with `stream`."""
    query = quote(f"?logStreamNameFilter={stream}", safe="") if stream else ""
    shown = quote(quote(group, safe=""), safe="").replace("%", "$") + query.replace("%", "$")
    return f"{_home(arn, 'cloudwatch')}#logsV2:log-groups/log-group/{shown}"


def machine_execution(arn: str) -> str:
    """The execution of a state machine."""
    return f"{_home(arn, 'states')}#/v2/executions/details/{arn}"


def stored(uri: str, partition: str, region: str) -> str:
    """The object `uri` of S3."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return f"https://{_HOSTS[partition]}/s3/object/{bucket}?region={region}&prefix={quote(key)}"


def _home(arn: str, service: str) -> str:
    _, partition, _, region, *_ = arn.split(":")
    return f"https://{_HOSTS[partition]}/{service}/home?region={region}"
