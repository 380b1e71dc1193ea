"""What the sweep does to an idle resource. A resource that is gone already counts as done."""

from typing import Any

from botocore.exceptions import ClientError

from controls.policy import Action
from controls.refusals import is_missing
from controls.resource import Kind, Resource


def perform(action: Action, sagemaker: Any, resource: Resource) -> str:
    """Carry out `action` on the resource; "done", or "gone" when there was nothing left to end."""
    try:
        match action, resource.kind:
            case Action.DELETE, Kind.ENDPOINT:
                # Its configuration and its model stay: they cost nothing and promotion finds them again.
                sagemaker.delete_endpoint(EndpointName=resource.name)
            case Action.STOP, Kind.NOTEBOOK_INSTANCE:
                sagemaker.stop_notebook_instance(NotebookInstanceName=resource.name)
            case _:
                raise ValueError(f"no way to {action} {resource.kind} {resource.name}")
    except ClientError as error:
        if is_missing(error):
            return "gone"
        raise
    return "done"
