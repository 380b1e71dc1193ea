"""One embedded cloud for all tests of this folder, with a role that SageMaker may take."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.embedded import ACCOUNT, EmbeddedCloud
from tests.rehearsal.jobbing import Workshop

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"},
    ],
}


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud("us-east-1", tmp_path_factory.mktemp("cloud")) as running:
        running.start()
        yield running


@pytest.fixture(scope="session")
def make_role(cloud: EmbeddedCloud) -> Callable[[str, list[dict[str, Any]]], str]:
    """Makes a role with one inline policy, trusted by SageMaker and by the account; gives its ARN."""

    def make(name: str, statements: list[dict[str, Any]]) -> str:
        iam = cloud.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        iam.put_role_policy(
            RoleName=name,
            PolicyName="own",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
        )
        return arn

    return make


@pytest.fixture(scope="session")
def role(make_role: Callable[[str, list[dict[str, Any]]], str]) -> str:
    """A role that may do everything, for tests about something else than permissions."""
    return make_role("everything", [{"Effect": "Allow", "Action": "*", "Resource": "*"}])


@pytest.fixture
def workshop(cloud: EmbeddedCloud, role: str, tmp_path: Path) -> Workshop:
    """Jobs in this process, with a clock and faults of their own; the bucket `jobs` is there."""
    cloud.client("s3").create_bucket(Bucket="jobs")
    return Workshop(cloud, role, tmp_path)
