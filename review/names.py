"""Physical names that a template fixes, and those that two resources cannot both have."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from review.cloud_assembly import Resource, Stack
from review.replacement import schema
from review.values import ABSENT, CLOSE, OPEN, plain

# What is unique in all regions of an account.
_GLOBAL = ("AWS::IAM::", "AWS::CloudFront::", "AWS::Route53::HostedZone", "AWS::S3::Bucket")
# Their names may be had twice, or are their parents' to tell apart in ways no schema shows.
_SHARED = frozenset({
    "AWS::IAM::Policy", "AWS::EC2::VPC", "AWS::Route53::RecordSet", "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::Lambda::Permission", "AWS::CloudFormation::Stack", "AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api",
    "AWS::Cognito::UserPool", "AWS::Cognito::UserPoolClient", "AWS::CloudFront::Distribution", "AWS::EC2::Instance",
})  # fmt: skip
# Names that stand under another property than their type's, and what they are unique within.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "AWS::EC2::SecurityGroup": ("GroupName", "VpcId"),
    "AWS::Events::Rule": ("Name", "EventBusName"),
    "AWS::IAM::RolePolicy": ("PolicyName", "RoleName"),
    "AWS::KMS::Alias": ("AliasName",),
    "AWS::SageMaker::UserProfile": ("UserProfileName", "DomainId"),
    **{
        f"AWS::SageMaker::{kind}JobDefinition": ("JobDefinitionName",)
        for kind in ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
    },
    "AWS::SageMaker::Space": ("SpaceName", "DomainId"),
    "AWS::SageMaker::App": ("AppName", "AppType", "DomainId", "UserProfileName"),
}
# The same in every stack of an account and region; other references tell one stack's name from another's.
_ANYWHERE = ("AWS::AccountId", "AWS::Region", "AWS::Partition", "AWS::URLSuffix")


class Name(NamedTuple):
    """`key` is equal for two that cannot both exist; `text` is the name itself, as a plain value."""

    property: str
    text: str
    key: tuple[str, ...]


@cache
def name_properties(kind: str) -> tuple[str, ...]:
    """The property that holds a type's name, and those that it is unique within; empty where there is no such name."""
    if kind in _SHARED:
        return ()
    if kind in _NAMES:
        return _NAMES[kind]
    found = schema(kind)
    identifiers, fixed = (
        [pointer.split("/")[2] for pointer in found.get(key, ()) if pointer.count("/") == 2]
        for key in ("primaryIdentifier", "createOnlyProperties")
    )
    read_only = {pointer.rpartition("/")[2] for pointer in found.get("readOnlyProperties", ())}
    own = f"{kind.rpartition('::')[2]}Name"
    written = [name for name in identifiers if name not in read_only]
    for name in (own, "Name", *(name for name in written if name.endswith("Name"))):
        if name in written or (name in fixed and name in (own, "Name")):
            return name, *(other for other in written if other != name)
    return ()


def fixed_name(resource: Resource, stack: Stack) -> Name | None:
    """The name that the template gives it; None where CloudFormation makes one, or a reference decides it."""
    properties = name_properties(resource.type)
    if not properties or not isinstance(resource.properties, Mapping):
        return None
    first, *scope = (plain(resource.properties.get(name), stack.template.get("Mappings")) for name in properties)
    if not isinstance(first, str) or not first or not _is_fixed(first):
        return None
    region = "" if resource.type.startswith(_GLOBAL) else stack.region
    # All accounts share the names of buckets.
    where = f"{'' if resource.type == 'AWS::S3::Bucket' else stack.account}/{region}"
    within = [f"{stack.name}:{part}" if _is_local(part) else str(part) for part in scope if part is not ABSENT]
    text = first.replace(f"{OPEN}AWS::StackName{CLOSE}", stack.deployed_as or stack.name)
    return Name(
        properties[0], first, (resource.type, where, f"{stack.name}:{text}" if _is_local(text) else text, *within)
    )


def references_of(text: str) -> Iterator[str]:
    for part in text.split(OPEN)[1:]:
        yield part.partition(CLOSE)[0]


def _is_fixed(text: str) -> bool:
    """A name with a resource's attribute in it changes along with that; one of parameters stays."""
    return all("." not in name and not name.startswith("{") for name in references_of(text))


def _is_local(value: Any) -> bool:
    return not isinstance(value, str) or any(name not in _ANYWHERE for name in references_of(value))
