"""Parts of state machines that workloads share, in the Amazon States Language with JSONata.

Members of requests are named as in SageMaker's API. What Step Functions documents are the names of Java's SDK
("Learning to use AWS service SDK integrations"); those used here are the same.
"""

from collections.abc import Iterator
from typing import Any

from config.workload import Workload

PROCESSING = "/opt/ml/processing"
# SageMaker's jobs take minutes to come up; each look costs two transitions of the state machine.
JOB_POLL_SECONDS = 30
# What is made has a name or a token, so that asking again makes nothing twice. SageMaker's model knows no throttling,
# which therefore comes under this name: AWS, "Handling errors in Step Functions workflows"; not verified.
THROTTLED = ("SageMaker.ThrottlingException", "SageMaker.SageMakerException")

State = dict[str, Any]


def job(
    name: str,
    kind: str,
    request: State,
    then: str,
    workload: Workload,
    *,
    poll_seconds: int = JOB_POLL_SECONDS,
    keeps: State | None = None,
    suffix: str = "",
) -> Iterator[tuple[str, State]]:
    """Start it, look until it has ended, go on or fail with its reason; `keeps` is assigned once it is completed.

    The AutoML job has the run's own name, the others that and a suffix: lambda/controls/cancel.py knows them.
    """
    stem = kind.removesuffix("V2")
    own = "$run" if kind == "AutoMLJobV2" else f"$run & '-{suffix or name.lower()}'"
    named = {f"{stem}Name": jsonata(own)}
    yield name, task(f"create{kind}", {**request, **named}, f"{name}Wait", workload)
    yield f"{name}Wait", {"Type": "Wait", "Seconds": poll_seconds, "Next": f"{name}Look"}
    # An expression without a result is an error: while the job runs it has told neither reason nor result. Of a
    # processing job the script's own reason is the ExitMessage; its FailureReason says that the logs know.
    reason = " : ".join(
        f"$exists({told}) ? {told}" for told in ("$states.result.ExitMessage", "$states.result.FailureReason")
    )
    ended = f"$states.result.{stem}Status"
    assign = {"status": jsonata(ended), "reason": jsonata(f"{reason} : 'it ended as ' & {ended}")}
    assign |= {key: jsonata(f"$exists({told}) ? {told} : null") for key, told in (keeps or {}).items()}
    yield (
        f"{name}Look",
        task(f"describe{kind}", named, f"{name}Ended", workload, Assign=assign),
    )
    choices = [
        {"Condition": jsonata("$status = 'Completed'"), "Next": then},
        {"Condition": jsonata("$status in ['InProgress', 'Stopping']"), "Next": f"{name}Wait"},
    ]
    yield f"{name}Ended", {"Type": "Choice", "Choices": choices, "Default": f"{name}Failed"}
    cause = jsonata(f"'{name}: ' & $reason")
    yield f"{name}Failed", {"Type": "Fail", "Error": f"{name}Failed", "Cause": cause}


def task(action: str, arguments: State, then: str, workload: Workload, **more: Any) -> State:
    """A call of SageMaker, or of the service that `action` names: `s3:getObject`."""
    service, _, call = action.rpartition(":")
    resource = f"arn:${{Partition}}:states:::aws-sdk:{service or 'sagemaker'}:{call}"
    errors = THROTTLED if call.startswith("create") else ("States.TaskFailed",)
    return {
        "Type": "Task",
        "Resource": resource,
        "Arguments": arguments,
        **retry(workload, *errors),
        "Next": then,
        **more,
    }


def retry(workload: Workload, *errors: str) -> State:
    """The member `Retry` of a state, if the workload repeats anything."""
    most = workload.run.retries
    again = {"ErrorEquals": list(errors), "IntervalSeconds": 5, "MaxAttempts": most, "BackoffRate": 2}
    return {"Retry": [again]} if most else {}


def processing(workload: Workload, words: list[Any], inputs: list[State], outputs: list[State]) -> State:
    process = workload.process
    cluster = {
        "InstanceType": process.instance_type,
        "InstanceCount": 1,
        "VolumeSizeInGB": process.volume_gb,
        "VolumeKmsKeyId": "${KeyArn}",
    }
    entrypoint = ["python3", f"{PROCESSING}/input/code/${{CodeKey}}"]
    return {
        "RoleArn": "${ExecutionRoleArn}",
        "AppSpecification": {
            "ImageUri": "${SklearnImage}",
            "ContainerEntrypoint": entrypoint,
            "ContainerArguments": words,
        },
        "NetworkConfig": {
            "EnableNetworkIsolation": True,
            "EnableInterContainerTrafficEncryption": True,
            "VpcConfig": vpc(),
        },
        "ProcessingInputs": inputs,
        "ProcessingOutputConfig": {"Outputs": outputs, "KmsKeyId": "${KeyArn}"},
        "ProcessingResources": {"ClusterConfig": cluster},
        "StoppingCondition": {"MaxRuntimeInSeconds": process.max_run_seconds},
    }


def data(path: str) -> str:
    """Where `data.path` lies in a job that takes it as its input `data`: a file, or a folder where it ends in `/`.

    A prefix brings along whatever begins with the same name, so a job is told the one file.
    """
    folder = f"{PROCESSING}/input/data"
    return folder if path.endswith("/") else f"{folder}/{path.rpartition('/')[2]}"


def code() -> State:
    return source("code", "s3://${CodeBucket}/${CodeKey}")


def source(name: str, uri: str) -> State:
    place = f"{PROCESSING}/input/{name}"
    return {
        "InputName": name,
        "S3Input": {"S3Uri": uri, "LocalPath": place, "S3DataType": "S3Prefix", "S3InputMode": "File"},
    }


def output(step: str, name: str) -> State:
    uri = jsonata(f"$uri & '/{step}/{name}'")
    target = {"S3Uri": uri, "LocalPath": f"{PROCESSING}/output/{name}", "S3UploadMode": "EndOfJob"}
    return {"OutputName": name, "S3Output": target}


def vpc() -> State:
    return {"Subnets": ["${SubnetIds}"], "SecurityGroupIds": ["${SecurityGroupIds}"]}


def jsonata(expression: str) -> str:
    return f"{{% {expression} %}}"
