"""What the sweep does to an idle resource. A resource that is gone already counts as done."""

from typing import Any

from botocore.exceptions import ClientError

from controls.policy import Action
from controls.refusals import is_missing


def perform(action: Action, sagemaker: Any, name: str) -> str:
    """Carry out `action` on the resource; "done", or "gone" when there was nothing left to end."""
    try:
        match action:
            case Action.DELETE_ENDPOINT:
                # Its configuration and its model stay: they cost nothing and promotion finds them again.
                sagemaker.delete_endpoint(EndpointName=name)
            case Action.STOP_NOTEBOOK_INSTANCE:
                sagemaker.stop_notebook_instance(NotebookInstanceName=name)
            case Action.KEEP:
                raise ValueError(f"{name} is to be kept; there is nothing to perform")
    except ClientError as error:
        if is_missing(error):
            return "gone"
        raise
    return "done"
