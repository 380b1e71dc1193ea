"""One embedded cloud for all tests of this folder, with a role that SageMaker may take."""

import io
import json
import secrets
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from rehearsal.embedded import ACCOUNT, ROOT, EmbeddedCloud
from sluice import archive
from tests.rehearsal.bus import Bus
from tests.rehearsal.jobbing import Workshop
from tests.rehearsal.pipelining import Run, ended
from tests.rehearsal.searching import Searching
from tests.rehearsal.serving import Serving

DIGITS = ROOT / "workloads" / "digits"

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
def assume(cloud: EmbeddedCloud) -> Callable[..., Any]:
    """Gives a client, of SageMaker unless told, under a role that the account's root has assumed."""

    def client(role_arn: str, service: str = "sagemaker") -> Any:
        given = cloud.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
        return boto3.client(
            service,
            region_name=cloud.region,
            endpoint_url=cloud.url,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
            config=Config(retries={"max_attempts": 0}),
        )

    return client


@pytest.fixture(scope="session")
def role(make_role: Callable[[str, list[dict[str, Any]]], str]) -> str:
    """A role that may do everything, for tests about something else than permissions."""
    return make_role("everything", [{"Effect": "Allow", "Action": "*", "Resource": "*"}])


def begins(cloud: EmbeddedCloud, name: str, data: str, **champion: str) -> str:
    """The ARN of a function `name` that answers as Begin does for the object `data`, and of a champion as is told."""
    uri = "s3://workload/manifest.json"
    answer = {"DataUri": f"s3://workload/{data}", "ManifestUri": uri, "ChampionModel": uri, "ChampionVersion": "0"}
    answer |= {"RecentUri": uri, "ChampionTestUri": uri, **champion}
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", f"def handler(event, context):\n    return {answer!r}\n")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    settings: dict[str, Any] = {"Runtime": "python3.13", "Handler": "index.handler", "Role": role}
    functions = cloud.client("lambda")
    return functions.create_function(FunctionName=name, Code={"ZipFile": code.getvalue()}, **settings)["FunctionArn"]


@pytest.fixture(scope="session")
def digits(cloud: EmbeddedCloud, role: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The values of the digits definition's placeholders, with its data, its code and its package group in place."""
    s3, folder = cloud.client("s3"), tmp_path_factory.mktemp("digits")
    s3.create_bucket(Bucket="workload")
    cloud.run(
        [str(ROOT / ".venv-cloud/bin/python"), str(DIGITS / "data.py"), str(folder / "digits.csv")], folder / "log"
    )
    s3.upload_file(str(folder / "digits.csv"), "workload", "digits/digits.csv")
    s3.upload_file(str(archive.write(folder / "code.py", {"": DIGITS / "scripts"})), "workload", "code.py")
    cloud.client("sagemaker").create_model_package_group(ModelPackageGroupName="digits")
    images = json.loads((DIGITS / "images.json").read_text())
    s3.put_object(Bucket="workload", Key="manifest.json", Body=b"{}")
    return {name: regions["us-east-1"] for name, regions in images.items()} | {
        "BeginFunctionArn": begins(cloud, "begins", "digits/digits.csv"),
        "DataBucket": "workload",
        "ArtifactBucket": "workload",
        "KeyArn": cloud.client("kms").create_key()["KeyMetadata"]["Arn"],
        "ExecutionRoleArn": role,
        "PackageGroup": "digits",
        "CodeBucket": "workload",
        "CodeKey": "code.py",
        "SecurityGroupIds": "sg-12345678",
        "SubnetIds": 'subnet-12345678","subnet-87654321',
    }


@pytest.fixture(scope="session")
def serving(cloud: EmbeddedCloud, role: str) -> Serving:
    """Makes models and endpoints."""
    return Serving(cloud, role)


@pytest.fixture(scope="session")
def searching(cloud: EmbeddedCloud, role: str) -> Searching:
    """Makes tuning jobs."""
    return Searching(cloud, role)


@pytest.fixture
def workshop(cloud: EmbeddedCloud, role: str, tmp_path: Path) -> Workshop:
    """Jobs in this process, with a clock and faults of their own; the bucket `jobs` is there."""
    cloud.client("s3").create_bucket(Bucket="jobs")
    return Workshop(cloud, role, tmp_path)


@pytest.fixture(scope="session")
def bus(cloud: EmbeddedCloud) -> Bus:
    return Bus(cloud)


@pytest.fixture(scope="session")
def create(cloud: EmbeddedCloud, role: str) -> Callable[..., None]:
    def make(name: str, steps: list[Any], parameters: Any = (), role_arn: str = role) -> None:
        given = [{"Name": "Role", "Type": "String", "DefaultValue": role}, *parameters]
        cloud.client("sagemaker").create_pipeline(
            PipelineName=name,
            PipelineDefinition=json.dumps({"Version": "2020-12-01", "Parameters": given, "Steps": steps}),
            RoleArn=role_arn,
            ClientRequestToken=secrets.token_hex(16),
        )

    return make


@pytest.fixture(scope="session")
def start(cloud: EmbeddedCloud) -> Run:
    """Runs a pipeline to its end: the execution, and its steps by name in the order of their start."""

    def run(name: str, **more: Any) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        arn = cloud.client("sagemaker").start_pipeline_execution(PipelineName=name, **more)["PipelineExecutionArn"]
        return ended(cloud, arn)

    return run
