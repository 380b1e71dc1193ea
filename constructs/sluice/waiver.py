"""How a finding of cdk-nag or cfn-lint is accepted, beside the resource that it is about."""

from collections.abc import Iterable, Mapping

from aws_cdk import Acknowledgment, CfnResource, Validations
from constructs import IConstruct


def accept(scope: IConstruct, rule: str, reason: str) -> None:
    """Accepts `rule` (e.g. `AwsSolutions-L1` or `NIST.800.53.R5-LambdaInsideVPC`) on `scope` and all below it."""
    accept_each(scope, {rule: reason})


def accept_all(scope: IConstruct, rules: Iterable[str], reason: str) -> None:
    """Accepts several findings for one reason."""
    accept_each(scope, dict.fromkeys(rules, reason))


def accept_each(scope: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accepts each rule for its own reason; at once, because each question to CDK takes time."""
    accepted = [Acknowledgment(id=f"{rule.partition('-')[0]}::{rule}", reason=why) for rule, why in reasons.items()]
    Validations.of(scope).acknowledge(*accepted)


def accept_lint(scope: IConstruct, check: str, reason: str) -> None:
    """Accepts cfn-lint's `check` (e.g. `W3010`) on the resource of `scope`, at synth and for whoever lints later."""
    Validations.of(scope).acknowledge(Acknowledgment(id=f"CloudFormation-Validate::{check}", reason=reason))
    resource = scope.node.default_child
    assert isinstance(resource, CfnResource)
    resource.add_metadata("cfn-lint", {"config": {"ignore_checks": [check]}})
