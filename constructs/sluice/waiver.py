"""How a cdk-nag finding is accepted, beside the resource that it is about."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def accept(scope: IConstruct, rule: str, reason: str) -> None:
    """Accepts `rule` (e.g. `AwsSolutions-S1`, `AwsSolutions-IAM5[Resource::*]`) on `scope` and all below it."""
    Validations.of(scope).acknowledge(Acknowledgment(id=f"AwsSolutions::{rule}", reason=reason))
