"""One permission of a role, and the reason for a wildcard in it."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from aws_cdk import Reference, Stack, Tokenization
from aws_cdk import aws_iam as iam

from sluice.waiver import accept_all


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
