"""Who may write what a workload's models are judged by: the templates' policies, asked of the embedded IAM."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.embedded import EmbeddedCloud
from review.policies import Role, roles

pytestmark = pytest.mark.slow  # the embedded cloud

BUCKET, WINDOW = "evidence", "2026-11-27T02-00-00Z"
OWN = "tabular/e1/train/model.tar.gz"
LABELLED, RESULT = f"tabular/monitor/endpoint/{WINDOW}/labelled.csv", f"tabular/monitor/endpoint/{WINDOW}/metrics.json"
WATCHED = f"tabular/monitor/endpoint/{WINDOW}/watch/watch.json"
CAPTURED = "tabular/capture/sluice-dev-tabular/AllTraffic/2026/11/27/01/1.jsonl"
HANDED = f"tabular/e1/begin/recent/{WINDOW}/labelled.csv"
_ARTIFACTS = re.compile(r"(<|[\w-]+:ExportsOutput\w*)StorageArtifacts\w+(\.Arn>)?")


def policy(role: Role) -> list[dict[str, Any]]:
    """What it may do in S3, in the bucket of this test."""
    found = [each for each in role.statements if any(action.startswith("s3:") for action in each.actions)]
    return [
        {
            "Effect": each.effect,
            "Action": list(each.actions),
            "Resource": [_ARTIFACTS.sub(f"arn:aws:s3:::{BUCKET}", resource) for resource in each.resources],
            "Condition": dict(each.conditions),
        }
        for each in found
    ]


def writes(s3: Any, key: str) -> bool:
    try:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"1")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied", error
        return False
    return True


def test_only_who_captures_and_who_examines_write_the_evidence_of_a_contest(
    cloud: EmbeddedCloud, make_role: Any, synthesize: Callable[[str], Any]
) -> None:
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    may: dict[str, set[str]] = {key: set() for key in (OWN, LABELLED, RESULT, WATCHED, CAPTURED, HANDED)}
    for number, role in enumerate(roles(synthesize("monitored").templates)):
        if statements := policy(role):
            s3 = cloud.as_role("s3", make_role(f"evidence-{number}", statements))
            for key, who in may.items():
                if writes(s3, key):
                    who.add(role.path)
    monitor, watch = ("sluice-dev-monitoring/Monitor-tabular/JobRole", "sluice-dev-monitoring/Watch/Function/Role")
    assert may == {
        OWN: {"sluice-dev-training/Pipeline-tabular/Default/JobRole"},
        LABELLED: {monitor},
        RESULT: {monitor},
        WATCHED: {monitor, watch},
        CAPTURED: {"sluice-dev-serving/Endpoint-tabular/Role"},
        HANDED: {"sluice-dev-training/Begin/Function/Role"},
    }
