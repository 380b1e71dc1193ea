"""What a synthesized platform grants, in the embedded cloud without its stacks: roles with their policies and boundary.

The few resources that a test makes by hand stand for those of the templates.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from controls import clients
from rehearsal.embedded import ACCOUNT, EmbeddedCloud

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


class Granted:
    """`prefix` is the platform's; `made` what stands for resources, by the logical id's beginning and an attribute.

    Such as `StorageData.Arn`, or `StorageData.Ref`.
    """

    def __init__(
        self, cloud: EmbeddedCloud, prefix: str, templates: Mapping[str, Any], made: Mapping[str, str]
    ) -> None:
        self._cloud, self._prefix, self._templates, self._made = cloud, prefix, templates, dict(made)
        exports = [each for template in templates.values() for each in template.get("Outputs", {}).values()]
        self._exports = {each["Export"]["Name"]: each["Value"] for each in exports if "Export" in each}
        self._boundary = ""

    def role(self, stack: str, start: str) -> str:
        """The ARN of a role like the one of a stack whose logical id is `start` and a hash."""
        [(logical, role)] = [
            (name, each["Properties"])
            for name, each in self._templates[stack]["Resources"].items()
            if each["Type"] == "AWS::IAM::Role" and re.fullmatch(rf"{start}[0-9A-F]{{8}}", name)
        ]
        iam, policies = self._cloud.client("iam"), self._of_type(stack, "AWS::IAM::Policy")
        named = f"{self._prefix}-{stack}-{logical}"[:64]
        arn = iam.create_role(
            RoleName=named,
            AssumeRolePolicyDocument=json.dumps(TRUST),
            PermissionsBoundary=self._bound(),
            Tags=role["Tags"],
        )["Role"]["Arn"]
        for policy in policies:
            if {"Ref": logical} in policy["Roles"]:
                document = json.dumps(self.resolved(policy["PolicyDocument"]))
                iam.put_role_policy(RoleName=named, PolicyName="own", PolicyDocument=document)
        self._made[f"{logical}.Arn"] = arn
        return arn

    def definition(self, stack: str) -> dict[str, str]:
        """The values that the one pipeline of a stack is filled with, by placeholder."""
        [pipeline] = self._of_type(stack, "AWS::SageMaker::Pipeline")
        return self.resolved(pipeline["PipelineDefinition"]["PipelineDefinitionBody"]["Fn::Sub"][1])

    @contextmanager
    def function(self, stack: str, verb: str, role_arn: str) -> Iterator[None]:
        """In here `controls.<verb>` has the environment and the permissions of the deployed function."""
        functions, handler = self._of_type(stack, "AWS::Lambda::Function"), f"controls.{verb}.handler"
        [made] = [function for function in functions if function["Handler"] == handler]
        with self.acting(role_arn, **self.resolved(made["Environment"]["Variables"])):
            yield

    @contextmanager
    def acting(self, role_arn: str, **variables: str) -> Iterator[None]:
        """In here clients that are given nothing are the cloud's, under a role."""
        with pytest.MonkeyPatch.context() as patched:
            for name, value in {**variables, "AWS_ENDPOINT_URL": self._cloud.url}.items():
                patched.setenv(name, value)
            given = self._cloud.control("session", role=role_arn)
            clients.client.cache_clear()
            patched.setattr(boto3, "DEFAULT_SESSION", boto3.Session(region_name=self._cloud.region, **given))
            yield
        clients.client.cache_clear()

    def resolved(self, value: Any) -> Any:
        match value:
            case {"Fn::ImportValue": str(name)}:
                return self.resolved(self._exports[name])
            case {"Ref": str(name)}:
                return self._known(name, "Ref")
            case {"Fn::GetAtt": [name, attribute]}:
                return self._known(name, attribute)
            case {"Fn::Join": [separator, parts]}:
                return separator.join(map(self.resolved, parts))
            case {"Fn::Sub": str(text)}:
                return text.replace("${AWS::AccountId}", ACCOUNT)
            case dict():
                return {name: self.resolved(each) for name, each in value.items()}
            case list():
                return [self.resolved(each) for each in value]
            case _:
                return value

    def _known(self, logical: str, attribute: str) -> str:
        """What nothing stands for is named by its logical id, which grants nothing."""
        pseudo = {"AWS::AccountId": ACCOUNT, "AWS::Region": self._cloud.region, "AWS::URLSuffix": "amazonaws.com"}
        found = [
            value
            for (start, told), value in ((name.split("."), value) for name, value in self._made.items())
            if logical.startswith(start) and told == attribute
        ]
        return pseudo.get(logical) or next(iter(found), logical)

    def _bound(self) -> str:
        if not self._boundary:
            [policy] = self._of_type("foundation", "AWS::IAM::ManagedPolicy")
            document = json.dumps(self.resolved(policy["PolicyDocument"]))
            made = self._cloud.client("iam").create_policy(
                PolicyName=policy["ManagedPolicyName"], PolicyDocument=document
            )
            self._boundary = made["Policy"]["Arn"]
        return self._boundary

    def _of_type(self, stack: str, kind: str) -> list[dict[str, Any]]:
        return [each["Properties"] for each in self._templates[stack]["Resources"].values() if each["Type"] == kind]
