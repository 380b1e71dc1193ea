"""Policies on resources: what each subject (a bucket, a key, a function) lets others do, before and after."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from review.cloud_assembly import Resource, Stack
from review.iam import told
from review.iam.identity import place, unread
from review.iam.principals import properties
from review.iam.references import References, Target, guarded
from review.iam.statements import ANYONE, Policy, Statement, policy
from review.iam.widening import Widening, settled, widenings
from review.model import Finding, Kind, Place, Severity

# Where each type keeps its policy, and the property that says whose it is; empty: its own.
_HOLDERS: Mapping[str, tuple[str, str]] = {
    "AWS::S3::BucketPolicy": ("PolicyDocument", "Bucket"),
    "AWS::S3::AccessPoint": ("Policy", ""),
    "AWS::S3Tables::TableBucketPolicy": ("ResourcePolicy", "TableBucketARN"),
    "AWS::KMS::Key": ("KeyPolicy", ""),
    "AWS::KMS::ReplicaKey": ("KeyPolicy", ""),
    "AWS::SQS::QueuePolicy": ("PolicyDocument", "Queues"),
    "AWS::SQS::QueueInlinePolicy": ("PolicyDocument", "Queue"),
    "AWS::SNS::TopicPolicy": ("PolicyDocument", "Topics"),
    "AWS::SNS::TopicInlinePolicy": ("PolicyDocument", "TopicArn"),
    "AWS::SecretsManager::ResourcePolicy": ("ResourcePolicy", "SecretId"),
    "AWS::ECR::Repository": ("RepositoryPolicyText", ""),
    "AWS::ECR::RegistryPolicy": ("PolicyText", ""),
    "AWS::SageMaker::ModelPackageGroup": ("ModelPackageGroupPolicy", ""),
    "AWS::EC2::VPCEndpoint": ("PolicyDocument", ""),
    "AWS::Logs::ResourcePolicy": ("PolicyDocument", ""),
    "AWS::Events::EventBusPolicy": ("Statement", "EventBusName"),
    "AWS::EFS::FileSystem": ("FileSystemPolicy", ""),
    "AWS::DynamoDB::Table": ("ResourcePolicy.PolicyDocument", ""),
    "AWS::Kinesis::ResourcePolicy": ("ResourcePolicy", "ResourceArn"),
    "AWS::Backup::BackupVault": ("AccessPolicy", ""),
    "AWS::OpenSearchService::Domain": ("AccessPolicies", ""),
    "AWS::ApiGateway::RestApi": ("Policy", ""),
    "AWS::Lambda::Permission": ("", "FunctionName"),
    "AWS::Lambda::LayerVersionPermission": ("", "LayerVersionArn"),
    "AWS::EC2::VPCEndpointService": ("", ""),
}
_ENDPOINT = "AWS::EC2::VPCEndpoint"
_EVERYTHING = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}
# What CloudFormation or the service puts where there is no policy.
_DEFAULTS: Mapping[str, Any] = {
    _ENDPOINT: _EVERYTHING,
    "AWS::KMS::Key": {
        "Statement": {
            "Effect": "Allow", "Principal": {"AWS": {"Ref": "AWS::AccountId"}}, "Action": "kms:*", "Resource": "*",
        }
    },
}  # fmt: skip
_ASK = "Ask who needs this, and name that principal, with a source condition if it is a service or not ours."
# A Permission's property and the condition that it becomes.
_CONDITIONS = {
    "SourceArn": ("ArnLike", "AWS:SourceArn"),
    "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
    "OrganizationId": ("StringEquals", "aws:PrincipalOrgID"),
    "EventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "InvokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
}
# Conditions that leave of anyone somebody.
_RESTRICTING = ("aws:source", "aws:principal", "aws:vpc", "kms:calleraccount", "kms:viaservice", "aws:userid")


@dataclass
class _Subject:
    """What is protected, with its policy on one side. `place` is that of the (first) holder of the policy."""

    place: Place
    references: References
    documents: list[tuple[Any, Stack]] = field(default_factory=list)
    written: bool = False
    """Whether a template says it: else it is what the service puts there."""

    @cached_property
    def policy(self) -> Policy:
        return sum((policy(each, stack, self.references) for each, stack in self.documents), Policy())


Key = tuple[str, str]


def findings(base: References, head: References, rewired: bool) -> Iterator[Finding]:
    """`rewired`: what references lead through has changed, so that equal texts may differ."""
    before, after = _subjects(base), _subjects(head)
    for key in dict.fromkeys([*after, *before]):
        old, new = before.get(key), after.get(key)
        if old and new and not rewired and [each for each, _ in old.documents] == [each for each, _ in new.documents]:
            continue
        if new and not old:
            old_too = _exists(key, base)
            yield from _compared(Policy(), new) if old_too else _new(new)
        elif old and not new and _exists(key, head):
            yield from _compared(old.policy, _Subject(old.place, head))
        elif old and new:
            if old.written and not new.written and new.place.type == _ENDPOINT:
                yield from _dropped(old, new)
            else:
                yield from _compared(old.policy, new)


def _subjects(references: References) -> dict[Key, _Subject]:
    found: dict[Key, _Subject] = {}
    for stack in references.stacks.values():
        for resource in stack.resources.values():
            if resource.type in _HOLDERS:
                for key in _owners(resource, stack, references):
                    subject = found.setdefault(key, _Subject(place(stack, resource), references))
                    document = _document(resource)
                    subject.written = subject.written or document is not None
                    content = document if document is not None else _DEFAULTS.get(resource.type)
                    if content is not None:
                        subject.documents.append((content, stack))
    return found


def _owners(resource: Resource, stack: Stack, references: References) -> Iterator[Key]:
    """A kind and a text for each thing that the policy is about."""
    owner = _HOLDERS[resource.type][1]
    if not owner:
        own = references.key(stack.name, resource.logical_id)
        yield resource.type, f"{own.stack} {own.logical_id}"
    for _, each in guarded(properties(resource).get(owner), stack):
        if target := references.target(each, stack):
            key = references.key(target[0].name, target[1].logical_id)
            yield target[1].type, f"{key.stack} {key.logical_id}"
        else:
            yield resource.type, references.text(each, stack)


def _exists(key: Key, references: References) -> bool:
    """Whether the subject is there without a policy; what is known by its name alone always is."""
    stack, _, logical_id = key[1].partition(" ")
    if not logical_id or key[0] in ("AWS::S3::BucketPolicy", "AWS::Lambda::Permission"):
        return True
    wanted = Target(stack, logical_id)
    return any(
        references.key(each.name, resource) == wanted
        for each in references.stacks.values()
        for resource in each.resources
    )


def _document(resource: Resource) -> Any:
    given = properties(resource)
    if resource.type in ("AWS::Lambda::Permission", "AWS::Lambda::LayerVersionPermission"):
        return _permission(given)
    path = _HOLDERS[resource.type][0]
    value: Any = given
    for name in path.split(".") if path else ():
        value = value.get(name) if isinstance(value, Mapping) else None
    if resource.type == "AWS::Events::EventBusPolicy" and value is not None:
        return {"Statement": value}
    return value if path else None


def _permission(given: Mapping[str, Any]) -> Any:
    """The statement that Lambda makes of it."""
    principal = given.get("Principal")
    kind = "Service" if isinstance(principal, str) and "amazonaws" in principal else "AWS"
    if isinstance(principal, dict):
        kind = "Service" if "URLSuffix" in str(principal) else "AWS"
    conditions: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, (operator, key) in _CONDITIONS.items():
        if name in given:
            conditions[operator][key] = given[name]
    statement = {
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else {kind: principal},
        "Action": given.get("Action"),
        "Resource": "*",
        "Condition": dict(conditions),
    }
    return {"Statement": statement}


def _dropped(old: _Subject, new: _Subject) -> Iterator[Finding]:
    if not widenings(old.policy, new.policy):
        return
    message = f"VPC endpoint {new.place.path} has no policy any more: everyone may do everything through it."
    fix = "Ask why, and put back the policy that names the accounts or the resources."
    yield _finding("endpoint-policy-dropped", Severity.HIGH, new.place, message, fix, Kind.NETWORK_OPENED)


def _compared(base: Policy, new: _Subject) -> Iterator[Finding]:
    title = f"The policy of {_subject(new.place)}"
    less = widenings(new.policy, base)
    wider = settled(widenings(base, new.policy), less)
    for certain in (True, False):
        if found := [each for each in wider if not each.denied and each.certain == certain]:
            verb = "now lets" if certain else "changes: look whether it now lets"
            severity = Severity.HIGH if certain else Severity.MEDIUM
            message = f"{title} {verb} {_who(found)} do {told.extent(found)}."
            yield _finding(
                "resource-policy-widened",
                severity,
                new.place,
                message,
                _ASK,
            )
    if found := [each for each in wider if each.denied]:
        message = f"{title} no longer denies {told.extent(found)}."
        fix = "Ask why the Deny is gone or weaker; anyone whose own policy allows this can do it now."
        yield _finding("deny-weakened", Severity.HIGH, new.place, message, fix)
    if less:
        message = f"{title} lets others do less: {told.extent(less)}."
        fix = "Nothing to do; see that who uses it still can."
        yield _finding("iam-narrowed", Severity.LOW, new.place, message, fix, Kind.IAM_NARROWED)
    yield from unread(base, new.policy, new.place, title, "resource-policy-widened")


def _new(new: _Subject) -> Iterator[Finding]:
    """Of a new resource only what lets in anyone, or another account."""
    for each in new.policy.statements:
        if not each.allows or new.place.type == _ENDPOINT:
            continue
        if is_public(each):
            actions = ", ".join(each.actions.texts[:3])
            message = f"The policy of {_subject(new.place)}, which is new, lets anyone do {actions}."
            yield _finding(
                "resource-policy-widened",
                Severity.HIGH,
                new.place,
                message,
                _ASK,
            )


def is_public(statement: Statement) -> bool:
    anyone = ANYONE in statement.principals.texts or statement.principals.inverted
    restricted = any(
        clause.key.startswith(_RESTRICTING) and not clause.negative and not clause.if_exists and clause.values != ("*",)
        for clause in statement.condition
        if clause.key not in ("aws:securetransport", "lambda:functionurlauthtype")
    )
    return anyone and not restricted


def _who(found: Sequence[Widening]) -> str:
    if any(is_public(each.statement) for each in found):
        return "anyone"
    return told.who(list(dict.fromkeys(text for each in found for text in each.statement.principals.texts)))


def _subject(where: Place) -> str:
    return where.path.removesuffix("/Policy")


def _finding(
    rule: str, severity: Severity, where: Place, message: str, fix: str, kind: Kind = Kind.IAM_WIDENED
) -> Finding:
    return Finding(kind=kind, severity=severity, rule=rule, place=where, message=message, fix=fix)
