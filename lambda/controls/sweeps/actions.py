"""What may be done to a resource, from which states, and with which permission. What is gone already is done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from controls.judgement.policy import Action
from controls.refusals import is_in_use, is_missing, is_over
from controls.resource import JOBS, RUNNING, Kind, Resource


@dataclass(frozen=True)
class Deed:
    """One call of `service`. `states`: those that it may start from; of what has no state, none."""

    permission: str
    operation: str
    arguments: Callable[[Resource], dict[str, Any]]
    states: frozenset[str] = frozenset()
    service: str = "sagemaker"


def _named(noun: str) -> Callable[[Resource], dict[str, Any]]:
    return lambda resource: {f"{noun}Name": resource.name}


def _app(resource: Resource) -> dict[str, Any]:
    return {name: value for name, value in resource.detail.items() if name != "parent"}


def _no_copies(resource: Resource) -> dict[str, Any]:
    return {"InferenceComponentName": resource.name, "DesiredRuntimeConfig": {"CopyCount": 0}}


def _running(kind: Kind, action: Action, verb: str, noun: str) -> tuple[tuple[Kind, Action], Deed]:
    deed = Deed(f"sagemaker:{verb.title()}{noun}", f"{verb}_{_snake(noun)}", _named(noun), frozenset(RUNNING[kind]))
    return (kind, action), deed


def _unneeded(kind: Kind, noun: str) -> tuple[tuple[Kind, Action], Deed]:
    return (kind, Action.DELETE), Deed(f"sagemaker:Delete{noun}", f"delete_{_snake(noun)}", _named(noun))


def _snake(noun: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in noun).lstrip("_")


DEEDS: dict[tuple[Kind, Action], Deed] = {
    (Kind.APP, Action.DELETE): Deed("sagemaker:DeleteApp", "delete_app", _app, frozenset(RUNNING[Kind.APP])),
    (Kind.INFERENCE_COMPONENT, Action.SCALE_TO_ZERO): Deed(
        "sagemaker:UpdateInferenceComponentRuntimeConfig",
        "update_inference_component_runtime_config",
        _no_copies,
        frozenset(RUNNING[Kind.INFERENCE_COMPONENT]),
    ),
    (Kind.MLFLOW_SERVER, Action.STOP): Deed(
        "sagemaker:StopMlflowTrackingServer",
        "stop_mlflow_tracking_server",
        _named("TrackingServer"),
        frozenset(RUNNING[Kind.MLFLOW_SERVER]),
    ),
    (Kind.AUTOML_JOB, Action.STOP): Deed(
        "sagemaker:StopAutoMLJob", "stop_auto_ml_job", _named("AutoMLJob"), frozenset(RUNNING[Kind.AUTOML_JOB])
    ),
    (Kind.MODEL_PACKAGE, Action.DELETE): Deed(
        "sagemaker:DeleteModelPackage", "delete_model_package", lambda resource: {"ModelPackageName": resource.arn}
    ),
    (Kind.LOG_GROUP, Action.DELETE): Deed(
        "logs:DeleteLogGroup", "delete_log_group", lambda resource: {"logGroupName": resource.name}, service="logs"
    ),
    **dict(
        (
            # Its configuration and its models stay, and bring it back; see `restoring`.
            _running(Kind.ENDPOINT, Action.DELETE, "delete", "Endpoint"),
            _running(Kind.NOTEBOOK_INSTANCE, Action.STOP, "stop", "NotebookInstance"),
            _running(Kind.TRAINING_JOB, Action.STOP, "stop", "TrainingJob"),
            _running(Kind.TUNING_JOB, Action.STOP, "stop", "HyperParameterTuningJob"),
            _running(Kind.PROCESSING_JOB, Action.STOP, "stop", "ProcessingJob"),
            _running(Kind.TRANSFORM_JOB, Action.STOP, "stop", "TransformJob"),
            _unneeded(Kind.ENDPOINT_CONFIG, "EndpointConfig"),
            _unneeded(Kind.MODEL, "Model"),
            _unneeded(Kind.LIFECYCLE_CONFIG, "StudioLifecycleConfig"),
            _unneeded(Kind.NOTEBOOK_LIFECYCLE_CONFIG, "NotebookInstanceLifecycleConfig"),
            _unneeded(Kind.IMAGE, "Image"),
            _unneeded(Kind.MONITORING_SCHEDULE, "MonitoringSchedule"),
        )
    ),
}


def perform(action: Action, client: Callable[[str], Any], resource: Resource) -> str:
    """done; gone: there was nothing left to end; spared: its state, or AWS itself, does not allow it."""
    deed = DEEDS[resource.kind, action]
    if deed.states and resource.status not in deed.states:
        return "spared"
    try:
        getattr(client(deed.service), deed.operation)(**deed.arguments(resource))
    except ClientError as error:
        if is_missing(error) or (resource.kind in JOBS and is_over(error)):
            return "gone"
        if is_in_use(error):
            return "spared"
        raise
    return "done"
