"""The answer of a custom resource to CloudFormation, sent to the address that its event brings."""

import json
import time
import urllib.request
from typing import Any

_ATTEMPTS = 3
_REASON_LENGTH = 1000  # CloudFormation refuses an answer of more than 4 KB


def send(event: dict[str, Any], *, physical_id: str, failure: str | None) -> None:
    """Report success, or `failure` as the reason. Raises OSError when CloudFormation cannot be reached."""
    body = {
        "Status": "FAILED" if failure else "SUCCESS",
        "Reason": (failure or "")[:_REASON_LENGTH],
        "PhysicalResourceId": physical_id,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    # The address is signed for an empty content type.
    request = urllib.request.Request(
        event["ResponseURL"], data=json.dumps(body).encode(), headers={"Content-Type": ""}, method="PUT"
    )
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            urllib.request.urlopen(request, timeout=10).close()
            return
        except OSError:
            if attempt == _ATTEMPTS:
                raise
            time.sleep(attempt)
