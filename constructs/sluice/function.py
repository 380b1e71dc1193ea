"""A Lambda function of the platform, with everything that each of them needs around it."""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

import jsii
from aws_cdk import (
    AssetHashType,
    Aws,
    BundlingOptions,
    DockerImage,
    Duration,
    ILocalBundling,
    RemovalPolicy,
)
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from sluice.waiver import accept

ROOT = Path(__file__).parents[2]
CONTROLS = ROOT / "lambda" / "controls"
DEPENDENCIES = ROOT / "build" / "functions"
LOCK = ROOT / "requirements" / "functions.txt"


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
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
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
        accept(self.function, "AwsSolutions-L1", "Python 3.13 is supported; functions are tested for 3.11 to 3.13")

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
    """The one package of all functions: `lambda/controls` and what it depends on, put together without Docker.

    Its hash is that of our sources and of the lock file of what they depend on, so an unchanged package is not made
    again: copying and hashing 375 files would be a fifth of the time of a synth.
    """
    return lambda_.Code.from_asset(
        str(CONTROLS),
        asset_hash_type=AssetHashType.CUSTOM,
        asset_hash=_fingerprint(),
        bundling=BundlingOptions(image=DockerImage.from_registry("never-run"), local=_Copy()),
    )


def _fingerprint() -> str:
    digest = hashlib.sha256(LOCK.read_bytes())
    for path in sorted(CONTROLS.rglob("*.py")):
        digest.update(str(path.relative_to(CONTROLS)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@jsii.implements(ILocalBundling)
class _Copy:
    def try_bundle(self, output_dir: str, options: object = None, **_: object) -> bool:
        if not DEPENDENCIES.is_dir():
            raise FileNotFoundError(f"{DEPENDENCIES.relative_to(ROOT)} is missing: run `make setup`")
        # Bytecode would make the hash of the package differ from machine to machine; powertools' web framework is half
        # of it, and no function answers a web request.
        unwanted = shutil.ignore_patterns("__pycache__", "bin", "event_handler")
        shutil.copytree(DEPENDENCIES, output_dir, ignore=unwanted, dirs_exist_ok=True)
        shutil.copytree(CONTROLS, Path(output_dir) / "controls", ignore=unwanted)
        return True
