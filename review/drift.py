"""What was changed in the account by other ways than CloudFormation, as findings.

Not verified against AWS: the shapes are botocore's, and the embedded cloud answers the calls for some twenty types.
"""

import time
from collections.abc import Iterator
from typing import Any

from review.deployed import Clients, Deployed, resource_in
from review.model import Finding, Kind, Place, Severity

ACTIONS = (
    "cloudformation:DetectStackDrift",
    "cloudformation:DetectStackResourceDrift",
    "cloudformation:DescribeStackDriftDetectionStatus",
    "cloudformation:DescribeStackResourceDrifts",
)
WAIT_SECONDS = 180
BETWEEN_SECONDS = 2
FIX = (
    "put the change into the code or undo it: a deployment leaves it as it is for as long as the template says the same"
)


def drift(
    found: Deployed, client: Clients, wait_seconds: float = WAIT_SECONDS, between_seconds: float = BETWEEN_SECONDS
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Findings, and notes on what was not looked at. All stacks are looked at together, nested ones too."""
    findings: list[Finding] = []
    notes: list[str] = []
    running = _started(found, client, notes)
    deadline = time.monotonic() + wait_seconds
    while running:
        for name in list(running):
            if (said := _ended(found, client, name, running[name])) is not None:
                del running[name]
                notes.extend(said)
                findings.extend(_findings(found, client, name, notes))
        if running and time.monotonic() > deadline:
            break
        if running:
            time.sleep(between_seconds)
    notes.extend(f"{name}: its drift was not known within {wait_seconds:.0f} s" for name in running)
    return tuple(findings), tuple(notes)


def _started(found: Deployed, client: Clients, notes: list[str]) -> dict[str, str]:
    """The detection's ID by the stack's name."""
    from botocore.exceptions import BotoCoreError, ClientError

    running = {}
    for name, stack_id in found.ids.items():
        try:
            answer = _cloudformation(found, client, name).detect_stack_drift(StackName=stack_id)
            running[name] = answer["StackDriftDetectionId"]
        except (ClientError, BotoCoreError) as error:
            notes.append(f"{name}: its drift cannot be detected ({error})")
    return running


def _ended(found: Deployed, client: Clients, name: str, detection: str) -> list[str] | None:
    """Notes, or None if it goes on."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = _cloudformation(found, client, name).describe_stack_drift_detection_status(
            StackDriftDetectionId=detection
        )
    except (ClientError, BotoCoreError) as error:
        return [f"{name}: its drift cannot be asked about ({error})"]
    match answer["DetectionStatus"]:
        case "DETECTION_IN_PROGRESS":
            return None
        case "DETECTION_FAILED":  # of single resources; of the others there are results
            return [f"{name}: its drift is known in part ({answer.get('DetectionStatusReason', 'no reason told')})"]
    return []


def _findings(found: Deployed, client: Clients, name: str, notes: list[str]) -> Iterator[Finding]:
    from botocore.exceptions import BotoCoreError, ClientError

    more: dict[str, Any] = {}
    try:
        while True:
            answer = _cloudformation(found, client, name).describe_stack_resource_drifts(
                StackName=found.ids[name], StackResourceDriftStatusFilters=["MODIFIED", "DELETED"], **more
            )
            for each in answer["StackResourceDrifts"]:
                yield _finding(found, name, each)
            if not answer.get("NextToken"):
                return
            more = {"NextToken": answer["NextToken"]}
    except (ClientError, BotoCoreError) as error:
        notes.append(f"{name}: its drift cannot be asked about ({error})")


def _finding(found: Deployed, stack: str, drifted: dict[str, Any]) -> Finding:
    """Values may be secret, so the names of properties are all that it says."""
    logical_id = drifted["LogicalResourceId"]
    head, base = (resource_in(side, stack, logical_id) for side in (found.head, found.base))
    known = head or base
    place = Place(
        stack=stack,
        logical_id=logical_id,
        type=drifted["ResourceType"],
        path=known.path if known else logical_id,
        source=head.source if head else "",
    )
    gone = drifted["StackResourceDriftStatus"] == "DELETED"
    names = [each["PropertyPath"].strip("/").replace("/", ".") for each in drifted.get("PropertyDifferences", ())]
    return Finding(
        kind=Kind.RULE,
        severity=Severity.HIGH if gone else Severity.MEDIUM,
        rule="drift-deleted" if gone else "drift-modified",
        place=place,
        message="was deleted by other ways than CloudFormation, whose next update of it fails"
        if gone
        else f"was changed by other ways than CloudFormation: {', '.join(names) or 'properties not told'}",
        fix="make it again under the same name, or remove it from the stack and add it anew" if gone else FIX,
    )


def _cloudformation(found: Deployed, client: Clients, name: str) -> Any:
    return client("cloudformation", found.base.stacks[name].region)
