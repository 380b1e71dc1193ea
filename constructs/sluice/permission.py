"""One permission of a role, and the reason for a wildcard in it."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Reference, Stack, Token, Tokenization
from aws_cdk import aws_iam as iam
from constructs import IConstruct

from sluice.waiver import accept


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
        for resource in resources:
            if "*" in resource:
                accept(role, f"AwsSolutions-IAM5[Resource::{_as_reported(role, resource)}]", wildcard)


def _as_reported(scope: IConstruct, text: str) -> str:
    """`text` with its tokens written as cdk-nag writes them: <LogicalId.Attribute>, or the name of an export."""
    for token in Tokenization.reverse_string(text).tokens:
        if isinstance(token, Reference) and Stack.of(token.target) is not Stack.of(scope):
            shown = Stack.of(scope).resolve(Stack.of(token.target).export_value(token))["Fn::ImportValue"]
        else:
            [(kind, name)] = Stack.of(scope).resolve(token).items()
            shown = f"<{name if kind == 'Ref' else '.'.join(name)}>"
        text = text.replace(Token.as_string(token), shown)
    return text
