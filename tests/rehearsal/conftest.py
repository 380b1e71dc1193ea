"""One embedded cloud for all tests of this folder, with a role that SageMaker may take."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rehearsal.embedded import ACCOUNT, EmbeddedCloud
from tests.rehearsal.pipelining import Run, ended
from tests.rehearsal.serving import Serving

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


@pytest.fixture(scope="session")
def serving(cloud: EmbeddedCloud, role: str) -> Serving:
    """Makes models and endpoints."""
    return Serving(cloud, role)


@pytest.fixture(scope="session")
def create(cloud: EmbeddedCloud, role: str) -> Callable[..., None]:
    def make(name: str, steps: list[Any], parameters: Any = (), role_arn: str = role) -> None:
        given = [{"Name": "Role", "Type": "String", "DefaultValue": role}, *parameters]
        cloud.client("sagemaker").create_pipeline(
            PipelineName=name,
            PipelineDefinition=json.dumps({"Version": "2020-12-01", "Parameters": given, "Steps": steps}),
            RoleArn=role_arn,
            ClientRequestToken="c" * 32,
        )

    return make


@pytest.fixture(scope="session")
def start(cloud: EmbeddedCloud) -> Run:
    """Runs a pipeline to its end: the execution, and its steps by name in the order of their start."""

    def run(name: str, **more: Any) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        arn = cloud.client("sagemaker").start_pipeline_execution(PipelineName=name, **more)["PipelineExecutionArn"]
        return ended(cloud, arn)

    return run
