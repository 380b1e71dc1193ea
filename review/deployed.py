"""What the account really has, as the base of a review (`--against deployed`): the templates that stacks were last
deployed with.

Not verified against AWS, for want of an account: the shapes of requests and answers are botocore's, and the embedded
cloud answers the calls below; how CloudFormation words "does not exist" is quoted from its documentation. GetTemplate
gives each character beyond ASCII back as `?` (aws-cloudformation/cloudformation-coverage-roadmap#814); a text that
differs from the head's in nothing else is taken to be the head's.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from review.cloud_assembly import Assembly, AssemblyError, Stack, nested_name
from review.template import Resource, resources_of

# What the credentials have to allow; drift also needs to read each resource that it looks at.
ACTIONS = ("cloudformation:DescribeStacks", "cloudformation:GetTemplate", "cloudformation:ListStackResources")
# After these the stack cannot be updated, or something else is being done to it.
_UNFIT = re.compile(r"^ROLLBACK_|^CREATE_FAILED|^DELETE_|^REVIEW_|ROLLBACK_FAILED$|IN_PROGRESS$")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")

Clients = Callable[[str, str], Any]
"""Gives boto3's client of a service in a region; an empty region is the credentials' own."""


@dataclass(frozen=True)
class Deployed:
    """`base` holds what is deployed of the stacks in `head`, which has lost those that could not be asked about."""

    base: Assembly
    head: Assembly
    account: str
    ids: Mapping[str, str] = field(default_factory=dict)
    """By the stack's name, its ARN or name in CloudFormation; nested ones too."""


def clients() -> Clients:
    """Those of the credentials at hand. Raises AssemblyError if boto3 does not find a region."""
    import boto3  # 0.2 s that a review without credentials does not have
    from botocore.exceptions import BotoCoreError

    session = boto3.Session()

    def client(service: str, region: str) -> Any:
        try:
            return session.client(service, region_name=region or None)
        except BotoCoreError as error:
            raise AssemblyError(f"AWS cannot be asked ({error}): set AWS_REGION or name a profile") from None

    return client


def deployed(head: Assembly, client: Clients) -> Deployed:
    """Raises AssemblyError where there are no credentials, or the account cannot be reached."""
    from botocore.exceptions import BotoCoreError, ClientError

    first = next((stack.region for stack in head.stacks.values() if stack.region), "")
    try:
        account = client("sts", first).get_caller_identity()["Account"]
        asked = _Asked(client, account)
        for stack in head.stacks.values():
            if stack.deployed_as:
                asked.ask(stack, head)
    except ClientError as error:
        raise AssemblyError(
            f"AWS refused the credentials ({error}): sign in, for example with `aws sso login`"
        ) from None
    except BotoCoreError as error:
        raise AssemblyError(
            f"AWS cannot be asked ({error}): sign in, for example with `aws sso login`, or compare with a branch"
        ) from None
    kept = {name: stack for name, stack in head.stacks.items() if name not in asked.skipped}
    base = Assembly(Path("deployed"), asked.stacks, tuple(asked.notes))
    return Deployed(base, replace(head, stacks=kept), account, asked.ids)


@dataclass
class _Asked:
    client: Clients
    account: str
    stacks: dict[str, Stack] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def ask(self, stack: Stack, head: Assembly) -> None:
        """About a stack of the head and those within it."""
        from botocore.exceptions import ClientError

        if stack.account and stack.account != self.account:
            self._skip(stack, head, f"is of account {stack.account}, and the credentials are of {self.account}")
            return
        cloudformation = self.client("cloudformation", stack.region)
        try:
            [found] = cloudformation.describe_stacks(StackName=stack.deployed_as)["Stacks"]
            if _UNFIT.search(found["StackStatus"]):
                self.notes.append(f"{stack.name}: its status is {found['StackStatus']}; it may not take an update")
            if found["StackStatus"] != "REVIEW_IN_PROGRESS":  # it has had a change set and no resources yet
                self._read(cloudformation, found.get("StackId") or stack.deployed_as, stack, head)
        except ClientError as error:
            if not _is_absent(error):
                self._skip(stack, head, f"could not be asked about ({error.response['Error'].get('Code')}: {error})")
        except ValueError as error:
            self._skip(stack, head, f"has a deployed template that cannot be read ({error})")

    def _read(self, cloudformation: Any, stack_id: str, like: Stack, head: Assembly) -> None:
        """`like` is the head's stack. Raises ClientError and ValueError."""
        # As it was sent, like the head's: Processed has transforms applied and loops unrolled, and would show each.
        answer = cloudformation.get_template(StackName=stack_id, TemplateStage="Original")
        template, mended = _mended(_object(answer["TemplateBody"]), like.template)
        if mended:
            self.notes.append(f"{like.name}: {mended} texts are compared without characters beyond ASCII")
        resources = resources_of(template, like.name, {}, self.notes)
        self.stacks[like.name] = replace(like, template=template, resources=resources, metadata={}, assets={})
        self.ids[like.name] = stack_id
        inner = [each for each in resources.values() if each.type == "AWS::CloudFormation::Stack"]
        physical = _physical(cloudformation, stack_id) if inner else {}
        for resource in inner:
            name = nested_name(like.name, resource)
            within = head.stacks.get(name) or Stack(name, like.region, {}, {}, account=like.account)
            if resource.logical_id in physical:
                self._read(cloudformation, physical[resource.logical_id], within, head)

    def _skip(self, stack: Stack, head: Assembly, why: str) -> None:
        self.notes.append(f"{stack.name} {why}: it is left out of this review")
        names = {name for name in head.stacks if name == stack.name or name.startswith(f"{stack.name}/")}
        self.skipped |= names
        for name in names:
            self.stacks.pop(name, None)


def _is_absent(error: Any) -> bool:
    """Whether CloudFormation means that there is no such stack, which it says as of a wrong parameter."""
    told = error.response["Error"]
    return told.get("Code") == "ValidationError" and "does not exist" in told.get("Message", "")


def _physical(cloudformation: Any, stack_id: str) -> dict[str, str]:
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_id)
    found = (each for page in pages for each in page["StackResourceSummaries"])
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found if each.get("PhysicalResourceId")}


def _object(body: Any) -> dict[str, Any]:
    """The template; botocore has read it where it is JSON. Raises ValueError."""
    if isinstance(body, str):
        from review.yaml_template import parsed

        body = parsed(body)
    if not isinstance(body, dict):
        raise ValueError("it is no object")
    return body


def _mended(value: Any, like: Any) -> tuple[Any, int]:
    """`value` with the characters that GetTemplate lost, where `like` has them; and in how many texts."""
    if isinstance(value, Mapping) and isinstance(like, Mapping):
        pairs = {key: _mended(inner, like.get(key)) for key, inner in value.items()}
        return {key: inner for key, (inner, _) in pairs.items()}, sum(count for _, count in pairs.values())
    if isinstance(value, list) and isinstance(like, list) and len(value) == len(like):
        each = [_mended(*both) for both in zip(value, like, strict=True)]
        return [inner for inner, _ in each], sum(count for _, count in each)
    if isinstance(value, str) and isinstance(like, str) and value != like and _BEYOND_ASCII.sub("?", like) == value:
        return like, 1
    return value, 0


def resource_in(assembly: Assembly, stack: str, logical_id: str) -> Resource | None:
    found = assembly.stacks.get(stack)
    return found.resources.get(logical_id) if found else None
