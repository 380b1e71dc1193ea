"""What may be done to a resource, from which states, and with which permission. What is gone already is done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from controls.ledger import Item, Ledger
from controls.policy import RUNNING, Action
from controls.refusals import is_in_use, is_missing, is_over, is_taken
from controls.resource import JOBS, Kind, Resource


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
            # Its configuration and its models stay, and bring it back; see `restore`.
            _running(Kind.ENDPOINT, Action.DELETE, "delete", "Endpoint"),
            _running(Kind.NOTEBOOK_INSTANCE, Action.STOP, "stop", "NotebookInstance"),
            _running(Kind.TRAINING_JOB, Action.STOP, "stop", "TrainingJob"),
            _running(Kind.TUNING_JOB, Action.STOP, "stop", "HyperParameterTuningJob"),
            _running(Kind.PROCESSING_JOB, Action.STOP, "stop", "ProcessingJob"),
            _running(Kind.TRANSFORM_JOB, Action.STOP, "stop", "TransformJob"),
            _unneeded(Kind.ENDPOINT_CONFIG, "EndpointConfig"),
            _unneeded(Kind.MODEL, "Model"),
            _unneeded(Kind.LIFECYCLE_CONFIG, "StudioLifecycleConfig"),
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


def keep_restorable(ledger: Ledger, endpoint: Resource, rule: str, at: str) -> None:
    """Remember what brings an endpoint back, before it is deleted."""
    ledger.remember(
        "restorable",
        endpoint.arn,
        endpoint=endpoint.name,
        configuration=endpoint.detail["configuration"],
        tags=dict(endpoint.tags),
        rule=rule,
        region=endpoint.region,
        account=endpoint.arn.split(":")[4],
        usd_per_hour=endpoint.usd_per_hour,
        ended_at=at,
    )


def restore(sagemaker: Any, ledger: Ledger, item: Item) -> str:
    """Make the endpoint of a `restorable` item again; restored, or lost: its configuration was deleted meanwhile.

    Repeated, it does no more. What is not in the configuration, such as the targets of automatic scaling, was lost
    with the endpoint.
    """
    tags = [{"Key": key, "Value": value} for key, value in item["tags"].items() if not key.startswith("aws:")]
    outcome = "restored"
    try:
        sagemaker.create_endpoint(EndpointName=item["endpoint"], EndpointConfigName=item["configuration"], Tags=tags)
    except ClientError as error:
        if is_missing(error):
            outcome = "lost"
        elif not is_taken(error):
            raise
    ledger.enter(
        item["at"],
        kind=Kind.ENDPOINT,
        name=item["endpoint"],
        region=item["region"],
        owner=item["tags"].get("sluice:owner", ""),
        team=item["tags"].get("sluice:team", ""),
        workload=item["tags"].get("sluice:workload", ""),
        action="restore",
        rule=item["rule"],
        reason=f"ended at {item['ended_at']}",
        outcome=outcome,
    )
    ledger.forget("restorable", item["at"])
    return outcome
