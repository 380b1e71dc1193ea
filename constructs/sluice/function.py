"""A Lambda function of the platform, with everything that each of them needs around it."""

from collections.abc import Mapping
from functools import cache

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from sluice import archive
from sluice.archive import ROOT
from sluice.permission import Role, allow_key
from sluice.waiver import accept_each, accept_lint

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
UNWANTED = ("bin", "event_handler", "RECORD", ".lock")


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
            code=_package(Stack.of(self)),
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
        if code := self.function.node.try_find_child("Code"):  # the first function of a stack stages it for all
            archive.complete(code.node.find_child("Stage"), PACKAGE)

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
        allow_key(self.role, key, "sqs", "Decrypt", "GenerateDataKey")
        return queue


@cache  # CDK reads and copies it anew for each Code, which takes 10 ms; none may serve two stacks
def _package(stack: Stack) -> lambda_.AssetCode:
    """The one package of all functions: `lambda/controls` and what it depends on, made without Docker."""
    archive.write(PACKAGE, {"": DEPENDENCIES, "controls/": CONTROLS}, unwanted=UNWANTED)
    return lambda_.Code.from_asset(str(PACKAGE))
