"""How a finding of cdk-nag, the governance pack or cfn-lint is accepted, beside the resource that it is about."""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from aws_cdk import Acknowledgment, CfnResource, Reference, Stack, Tokenization, Validations
from constructs import IConstruct

_accepted: list[tuple[IConstruct, Mapping[str, str]]] = []


def accept(scope: IConstruct, rule: str, reason: str) -> None:
    """Accepts `rule` (e.g. `AwsSolutions-L1` or `SLUICE-DOM-01`) on `scope` and all below it."""
    accept_each(scope, {rule: reason})


def accept_all(scope: IConstruct, rules: Iterable[str], reason: str) -> None:
    """Accepts several findings for one reason."""
    accept_each(scope, dict.fromkeys(rules, reason))


def accept_each(scope: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accepts each rule for its own reason; in rules that name a resource, tokens may stand."""
    _accepted.append((scope, reasons))


def acknowledge() -> None:
    """Tells CDK what was accepted since the last call. Whoever runs rule packs calls it before.

    Not done at once: it takes a tenth of the time of a synth, and nothing but the packs reads it.
    """
    for scope, reasons in _accepted:
        rules = {_as_reported(scope, rule): reason for rule, reason in reasons.items()}
        told = [Acknowledgment(id=f"{rule.partition('-')[0]}::{rule}", reason=why) for rule, why in rules.items()]
        Validations.of(scope).acknowledge(*told)
    _accepted.clear()


def accept_lint(scope: IConstruct, check: str, reason: str) -> None:
    """Accepts cfn-lint's `check` (e.g. `W3010`) on the resource of `scope`, at synth and for whoever lints later."""
    Validations.of(scope).acknowledge(Acknowledgment(id=f"CloudFormation-Validate::{check}", reason=reason))
    resource = scope.node.default_child
    assert isinstance(resource, CfnResource)
    resource.add_metadata("cfn-lint", {"config": {"ignore_checks": [check]}})


def _as_reported(scope: IConstruct, rule: str) -> str:
    """`rule` with its tokens written as cdk-nag writes them: <LogicalId.Attribute>, or the name of an export."""
    return re.sub(r"\$\{Token\[[^\]]+\]\}", lambda token: _shown(Stack.of(scope), token[0]), rule)


@cache  # a few tokens (the account first of all) make up most of a stack's ARNs
def _shown(stack: Stack, text: str) -> str:
    [token] = Tokenization.reverse_string(text).tokens
    if isinstance(token, Reference) and Stack.of(token.target) is not stack:
        return stack.resolve(Stack.of(token.target).export_value(token))["Fn::ImportValue"]
    [(kind, name)] = stack.resolve(token).items()
    return f"<{name if kind == 'Ref' else '.'.join(name)}>"
