"""IAM Access Analyzer's own word on each policy that changes: CheckNoNewAccess, as an option beside review.security.

Not verified against AWS: the shapes are botocore's. AWS charges for each call (0.0020 USD in 2026). A policy of a
template names resources by references; they stand here as ARNs made of the type and the logical ID, the same on both
sides, so that what is compared is what the policies say of each other.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from review.deployed import Clients
from review.model import Finding, Kind, Place, Severity
from review.pairs import Pair
from review.template import Resource

ACTIONS = ("access-analyzer:CheckNoNewAccess",)
# Which property of a type holds a policy, and of which kind it is.
POLICIES = {
    "AWS::IAM::Policy": (("PolicyDocument", "IDENTITY_POLICY"),),
    "AWS::IAM::ManagedPolicy": (("PolicyDocument", "IDENTITY_POLICY"),),
    "AWS::IAM::RolePolicy": (("PolicyDocument", "IDENTITY_POLICY"),),
    "AWS::IAM::UserPolicy": (("PolicyDocument", "IDENTITY_POLICY"),),
    "AWS::IAM::GroupPolicy": (("PolicyDocument", "IDENTITY_POLICY"),),
    "AWS::IAM::Role": (("AssumeRolePolicyDocument", "RESOURCE_POLICY"), ("Policies", "IDENTITY_POLICY")),
    "AWS::S3::BucketPolicy": (("PolicyDocument", "RESOURCE_POLICY"),),
    "AWS::SQS::QueuePolicy": (("PolicyDocument", "RESOURCE_POLICY"),),
    "AWS::SNS::TopicPolicy": (("PolicyDocument", "RESOURCE_POLICY"),),
    "AWS::KMS::Key": (("KeyPolicy", "RESOURCE_POLICY"),),
}
# ARNs whose form is not `arn:partition:service:region:account:kind/name`.
_FORMS = {
    "AWS::S3::Bucket": "arn:{p}:s3:::{n}",
    "AWS::IAM::Role": "arn:{p}:iam::{a}:role/{n}",
    "AWS::IAM::User": "arn:{p}:iam::{a}:user/{n}",
    "AWS::Lambda::Function": "arn:{p}:lambda:{r}:{a}:function:{n}",
    "AWS::SNS::Topic": "arn:{p}:sns:{r}:{a}:{n}",
    "AWS::SQS::Queue": "arn:{p}:sqs:{r}:{a}:{n}",
    "AWS::Logs::LogGroup": "arn:{p}:logs:{r}:{a}:log-group:{n}:*",
    "AWS::StepFunctions::StateMachine": "arn:{p}:states:{r}:{a}:stateMachine:{n}",
    "AWS::SecretsManager::Secret": "arn:{p}:secretsmanager:{r}:{a}:secret:{n}",
}
# Of these Ref gives the ARN.
_REF_IS_ARN = {"AWS::SNS::Topic", "AWS::IAM::ManagedPolicy", "AWS::SecretsManager::Secret"}
_SUBSTITUTED = re.compile(r"\$\{([^!}][^}]*)\}")


class _UnknownError(Exception):
    """A value that only a deployment knows; its name."""


def new_access(pairs: Iterable[Pair], client: Clients, account: str) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """A finding for each changed policy that allows more than before, and notes on those that could not be asked about.

    New policies and new roles are not asked about: everything that they allow is new.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    findings, notes = [], []
    for pair in pairs:
        for title, kind, before, after in _changed(pair):
            name = f"{pair.place.stack}: {title} of {pair.place.logical_id}"
            try:
                old, new = (_rendered(each, pair, account) for each in (before, after))
                region = pair.stack_after.region if pair.stack_after else ""
                answer = client("accessanalyzer", region).check_no_new_access(
                    existingPolicyDocument=json.dumps(old), newPolicyDocument=json.dumps(new), policyType=kind
                )
            except _UnknownError as unknown:
                notes.append(
                    f"{name} depends on {unknown}, which is known at deployment: Access Analyzer was not asked"
                )
            except (ClientError, BotoCoreError) as error:
                notes.append(f"{name}: Access Analyzer gave no answer ({error})")
            else:
                if answer["result"] == "FAIL":
                    findings.append(_finding(pair.place, title, answer))
    return tuple(findings), tuple(notes)


def _finding(place: Place, title: str, answer: Mapping[str, Any]) -> Finding:
    told = "; ".join(each["description"] for each in answer.get("reasons", ()) if each.get("description"))
    return Finding(
        kind=Kind.IAM_WIDENED,
        severity=Severity.HIGH,
        rule="access-analyzer-new-access",
        place=place,
        message=f"IAM Access Analyzer finds access in {title} that was not there before: {told or answer['message']}",
    )


def _changed(pair: Pair) -> Iterator[tuple[str, str, Any, Any]]:
    """The name, kind and both documents of each policy that the resource has before and after."""
    if not pair.before or not pair.after or pair.before.type != pair.after.type:
        return
    for name, kind in POLICIES.get(pair.after.type, ()):
        before, after = (_documents(each, name) for each in (pair.before, pair.after))
        for title in after:
            if title in before and before[title] != after[title]:
                yield title, kind, before[title], after[title]


def _documents(resource: Resource, name: str) -> dict[str, Any]:
    value = resource.properties.get(name)
    if name != "Policies":
        return {name: value} if isinstance(value, dict) else {}
    inline = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    return {f"policy {each.get('PolicyName')}": each.get("PolicyDocument") for each in inline}


@dataclass(frozen=True)
class _Names:
    resources: Mapping[str, Resource]
    partition: str
    region: str
    account: str

    def pseudo(self, name: str) -> str | None:
        known = {"Partition": self.partition, "Region": self.region, "AccountId": self.account}
        known["URLSuffix"] = "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"
        return known.get(name.removeprefix("AWS::"))

    def arn(self, resource: Resource) -> str:
        _, service, kind = (*resource.type.split("::"), "", "")[:3]
        form = _FORMS.get(resource.type, f"arn:{{p}}:{service.lower()}:{{r}}:{{a}}:{kind.lower()}/{{n}}")
        return form.format(p=self.partition, r=self.region, a=self.account, n=resource.logical_id.lower())

    def reference(self, name: str, attribute: str = "") -> str:
        """Raises _UnknownError."""
        if not attribute and (value := self.pseudo(name)) is not None:
            return value
        if not (resource := self.resources.get(name)):
            raise _UnknownError(name)
        if attribute == "Arn" or attribute.endswith("Arn") or (not attribute and resource.type in _REF_IS_ARN):
            return self.arn(resource)
        return f"{name}{attribute}".lower()


def _rendered(document: Any, pair: Pair, account: str) -> Any:
    """Raises _UnknownError."""
    stack = pair.stack_after
    assert stack  # both sides have the resource
    region = stack.region or "us-east-1"
    partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    # Names of both sides: a role that the head drops is still a name in the base's policy.
    before = pair.stack_before.resources if pair.stack_before else {}
    return _value(document, _Names({**before, **stack.resources}, partition, region, stack.account or account))


def _value(value: Any, names: _Names) -> Any:
    match value:
        case {"Ref": str(name)} if len(value) == 1:
            return names.reference(name)
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return names.reference(name, attribute)
        case {"Fn::Join": [str(between), list(parts)]}:
            return between.join(str(_value(part, names)) for part in parts)
        case {"Fn::Sub": str(pattern)}:
            return _SUBSTITUTED.sub(lambda found: names.reference(*found[1].split(".", 1)), pattern)
        case dict():
            if function := next((key for key in value if key.startswith("Fn::") or key == "Ref"), None):
                raise _UnknownError(function)
            return {key: _value(inner, names) for key, inner in value.items()}
        case list():
            return [_value(inner, names) for inner in value]
    return value
