"""A Lambda function of the platform, with everything that each of them needs around it."""

import io
import os
import zipfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from aws_cdk import AssetStaging, Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IConstruct

from sluice.permission import Role
from sluice.waiver import accept_each, accept_lint

ROOT = Path(__file__).parents[2]
CONTROLS = ROOT / "lambda" / "controls"
DEPENDENCIES = ROOT / "build" / "functions"
PACKAGE = ROOT / "build" / "functions.zip"
_ACCEPTED = {
    "AwsSolutions-L1": "Python 3.13 is supported; functions are tested for 3.11 to 3.13",
    "NIST.800.53.R5-LambdaConcurrency": "An account must keep 100 unreserved, and a new one may have 10 in all: "
    "reserving would fail to deploy there. What invokes this function is a schedule or a few events",
    "NIST.800.53.R5-LambdaInsideVPC": "Calls AWS alone and reaches nothing in the network, where each service that it "
    "calls would need an interface endpoint by the hour",
}
# Bytecode, scripts and the installer's records of them differ from machine to machine; powertools' web framework is
# half of it, and no function answers a web request.
UNWANTED = ("__pycache__", "bin", "event_handler", "RECORD", ".lock")


class HandlerFunction(Construct):
    """Runs `controls.<verb>.handler` as `<prefix>-<verb>`, under a role that may do nothing yet but log.

    An event that fails three times waits in `dead_letters` for two weeks.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        verb: str,
        key: kms.IKey,
        environment: Mapping[str, str],
        timeout: Duration,
    ) -> None:
        super().__init__(scope, id)
        name = f"{prefix}-{verb}"
        self.role = Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.dead_letters = self._dead_letters(key)
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/lambda/{name}",
            encryption_key=key,
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        log_group.grant_write(self.role)
        self.function = lambda_.Function(
            self,
            "Resource",
            function_name=name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            code=package(),
            handler=f"controls.{verb}.handler",
            role=self.role,
            memory_size=512,
            timeout=timeout,
            environment={f"SLUICE_{setting.upper()}": value for setting, value in environment.items()},
            log_group=log_group,
            retry_attempts=2,
            dead_letter_queue=self.dead_letters,
        )
        accept_each(self.function, _ACCEPTED)
        accept_lint(
            self.function, "W3005", "CDK makes a function wait for its role's policies and names the role again"
        )
        _complete(self.function.node.find_child("Code").node.find_child("Stage"))

    def _dead_letters(self, key: kms.IKey) -> sqs.Queue:
        queue = sqs.Queue(
            self,
            "DeadLetters",
            encryption_master_key=key,
            enforce_ssl=True,
            retention_period=Duration.days(14),
            removal_policy=RemovalPolicy.DESTROY,
        )
        # Lambda sends with the role of the function, and only SQS may use the key for it.
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=[key.key_arn],
                conditions={"StringEquals": {"kms:ViaService": f"sqs.{Aws.REGION}.{Aws.URL_SUFFIX}"}},
            )
        )
        return queue


def package() -> lambda_.AssetCode:
    """The one package of all functions: `lambda/controls` and what it depends on, the same bytes on every machine.

    One file, made without Docker: copying and hashing its 320 files would be a fifth of the time of a synth.
    """
    content = _archive(DEPENDENCIES, CONTROLS, UNWANTED)
    if not PACKAGE.is_file() or PACKAGE.read_bytes() != content:
        _replace(PACKAGE, content)
    return lambda_.Code.from_asset(str(PACKAGE))


@cache  # the same for every function of one synth, and 14 ms each
def _archive(dependencies: Path, controls: Path, unwanted: tuple[str, ...]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:  # not compressed: what zlib makes depends on its version
        for name, path in sorted([*_files(dependencies, unwanted), *_files(controls, unwanted, "controls/")]):
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # whoever the function runs as may read it
            target.writestr(entry, path.read_bytes())
    return archive.getvalue()


def _files(folder: Path, unwanted: tuple[str, ...], prefix: str = "") -> Iterator[tuple[str, Path]]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder.relative_to(ROOT)} is missing: run `make setup`")
    for path in folder.iterdir():
        if path.name in unwanted:
            continue
        if path.is_dir():
            yield from _files(path, unwanted, f"{prefix}{path.name}/")
        else:
            yield prefix + path.name, path


def _complete(stage: IConstruct) -> None:
    """Repairs the copy in the assembly, which CDK takes over from an earlier synth by its name alone."""
    assert isinstance(stage, AssetStaging)
    staged = Path(stage.absolute_staged_path)
    if staged.stat().st_size != PACKAGE.stat().st_size:
        _replace(staged, PACKAGE.read_bytes())


def _replace(path: Path, content: bytes) -> None:
    """Writes `path` as a whole or not at all, also if this process ends half-way or another one does the same."""
    made = path.with_name(f"{path.name}.{os.getpid()}")
    made.write_bytes(content)
    made.replace(path)
