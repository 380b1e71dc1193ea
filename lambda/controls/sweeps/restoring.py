"""How what was ended comes back: an endpoint is made anew, an inference component gets its copies again.

Of each the ledger remembers under `restorable`, by ARN, what that takes; `restoring` once it was begun.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from controls.inventory.serving import wanted_copies
from controls.ledger import Item, Ledger, members
from controls.refusals import is_missing, is_taken
from controls.resource import Kind, Resource

RESTORABLE = (Kind.ENDPOINT, Kind.INFERENCE_COMPONENT)


def keep(ledger: Ledger, resource: Resource, rule: str, at: str) -> None:
    """Remember what brings it back, before it is ended."""
    ledger.remember(
        "restorable",
        resource.arn,
        kind=resource.kind,
        name=resource.name,
        detail=dict(resource.detail),
        tags=dict(resource.tags),
        rule=rule,
        region=resource.region,
        account=resource.arn.split(":")[4],
        usd_per_hour=resource.usd_per_hour,
        ended_at=at,
    )


def restore(sagemaker: Any, ledger: Ledger, item: Item) -> str:
    """Bring back what a `restorable` item tells of; repeated, it does no more.

    restored | lost: what it needs was deleted meanwhile | there: somebody brought one of that name back, which stays
    as it is | busy: it changes its state just now, and stays restorable. What is not in an endpoint's configuration,
    such as the targets of automatic scaling, was lost with the endpoint.
    """
    outcome = (_component if item["kind"] == Kind.INFERENCE_COMPONENT else _endpoint)(sagemaker, ledger, item)
    if outcome in ("restored", "lost"):
        _enter(ledger, item, outcome)
    if outcome != "busy":
        ledger.forget("restorable", item["at"])
    return outcome


def is_back(ledger: Ledger, item: Item, present: Mapping[str, Resource]) -> bool:
    """Whether it is there, which ends the item, or on its way out. `present`: what there is now, by ARN."""
    found = present.get(item["at"])
    if found is None or found.status == "Deleting":
        return found is not None
    if found.kind is Kind.INFERENCE_COMPONENT and found.detail["copies"] == "0" and not _anew(item, found.created_at):
        return False
    if item.get("restoring"):  # the run that brought it back was cut off before it could say so
        _enter(ledger, item, "restored")
    ledger.forget("restorable", item["at"])
    return True


def _endpoint(sagemaker: Any, ledger: Ledger, item: Item) -> str:
    tags = [{"Key": key, "Value": value} for key, value in item["tags"].items() if not key.startswith("aws:")]
    config = item["detail"]["configuration"]
    if _exists(sagemaker, item["name"]):
        return _found(item)
    _begin(ledger, item)
    try:
        sagemaker.create_endpoint(EndpointName=item["name"], EndpointConfigName=config, Tags=tags)
    except ClientError as error:
        if is_missing(error):
            return "lost"
        if is_taken(error):
            return _found(item)
        raise
    return "restored"


def _exists(sagemaker: Any, endpoint: str) -> bool:
    try:
        sagemaker.describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if is_missing(error):
            return False
        raise
    return True


def _component(sagemaker: Any, ledger: Ledger, item: Item) -> str:
    try:
        told = sagemaker.describe_inference_component(InferenceComponentName=item["name"])
        if wanted_copies(told) or _anew(item, told["CreationTime"]):
            return _found(item)
        if told["InferenceComponentStatus"] != "InService":
            return "busy"
        _begin(ledger, item)
        sagemaker.update_inference_component_runtime_config(
            InferenceComponentName=item["name"], DesiredRuntimeConfig={"CopyCount": int(item["detail"]["copies"])}
        )
    except ClientError as error:
        if is_missing(error):
            return "lost"
        raise
    return "restored"


def _anew(item: Item, created: datetime) -> bool:
    """Whether it is another one, of the same name."""
    return created > datetime.fromisoformat(item["ended_at"])


def _found(item: Item) -> str:
    """What it is when it is there already: who was cut off and begins again finds its own doing."""
    return "restored" if item.get("restoring") else "there"


def _begin(ledger: Ledger, item: Item) -> None:
    ledger.remember("restorable", item["at"], **{**members(item), "restoring": True})


def _enter(ledger: Ledger, item: Item, outcome: str) -> None:
    ledger.enter(
        item["at"],
        kind=item["kind"],
        name=item["name"],
        region=item["region"],
        owner=item["tags"].get("sluice:owner", ""),
        team=item["tags"].get("sluice:team", ""),
        workload=item["tags"].get("sluice:workload", ""),
        action="restore",
        rule=item["rule"],
        reason=f"ended at {item['ended_at']}",
        outcome=outcome,
    )
