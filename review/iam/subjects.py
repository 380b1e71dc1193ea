"""What policies on resources are about: a bucket, a key, a function; whichever resource of a template says it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from review.cloud_assembly import Resource, Stack
from review.iam.branches import guarded
from review.iam.identity import place
from review.iam.principals import properties
from review.iam.references import References, Target
from review.iam.statements import Policy, policy
from review.model import Place

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
ENDPOINT = "AWS::EC2::VPCEndpoint"
_EVERYTHING = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}
# What CloudFormation or the service puts where there is no policy.
_DEFAULTS: Mapping[str, Any] = {
    ENDPOINT: _EVERYTHING,
    "AWS::KMS::Key": {
        "Statement": {
            "Effect": "Allow", "Principal": {"AWS": {"Ref": "AWS::AccountId"}}, "Action": "kms:*", "Resource": "*",
        }
    },
}  # fmt: skip
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


@dataclass
class Subject:
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


def subjects(references: References) -> dict[Key, Subject]:
    found: dict[Key, Subject] = {}
    for stack in references.stacks.values():
        for resource in stack.resources.values():
            if resource.type in _HOLDERS:
                for key in _owners(resource, stack, references):
                    subject = found.setdefault(key, Subject(place(stack, resource), references))
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


def exists(key: Key, references: References) -> bool:
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
