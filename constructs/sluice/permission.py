"""A role, one permission of it, and the reason for a wildcard in that."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from aws_cdk import Aws, Reference, Stack, Tokenization
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from sluice.waiver import accept, accept_all


class Role(iam.Role):
    """A role of the platform; `options` are those of CDK's role."""

    def __init__(self, scope: Construct, id: str, *, assumed_by: iam.IPrincipal, **options: Any) -> None:
        super().__init__(scope, id, assumed_by=assumed_by, **options)
        accept(
            self,
            "NIST.800.53.R5-IAMNoInlinePolicy",
            "Made for this role alone: inline, it goes with the role and can be attached to no other",
        )


def from_this_account(service: str) -> iam.ServicePrincipal:
    """The principal of a service that tells on whose account's behalf it assumes a role; any other's is refused."""
    return iam.ServicePrincipal(service, conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}})


def allow(
    role: iam.Role,
    actions: Sequence[str],
    resources: Sequence[str],
    *,
    conditions: Mapping[str, Any] | None = None,
    wildcard: str | None = None,
) -> None:
    """Let `role` do `actions` on `resources`; `wildcard` says why some of these resources hold a `*`."""
    role.add_to_policy(
        iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=dict(conditions or {}))
    )
    if wildcard:
        stack = Stack.of(role)
        wide = [as_reported(stack, resource) for resource in resources if "*" in resource]
        accept_all(role, [f"AwsSolutions-IAM5[Resource::{resource}]" for resource in wide], wildcard)


def allow_grants(role: iam.Role, key: kms.IKey) -> None:
    """Let AWS services that act for `role` be given grants of `key`, for the volumes of instances; nobody else."""
    for_aws = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    allow(role, ["kms:CreateGrant"], [key.key_arn], conditions=for_aws)


def as_reported(stack: Stack, text: str) -> str:
    """`text` with its tokens written as cdk-nag writes them: <LogicalId.Attribute>, or the name of an export."""
    return re.sub(r"\$\{Token\[[^\]]+\]\}", lambda token: _shown(stack, token[0]), text)


@cache  # a few tokens (the account first of all) make up most of a stack's ARNs, and each question to CDK takes 1 ms
def _shown(stack: Stack, text: str) -> str:
    [token] = Tokenization.reverse_string(text).tokens
    if isinstance(token, Reference) and Stack.of(token.target) is not stack:
        return stack.resolve(Stack.of(token.target).export_value(token))["Fn::ImportValue"]
    [(kind, name)] = stack.resolve(token).items()
    return f"<{name if kind == 'Ref' else '.'.join(name)}>"
