"""The pack as a plugin of CDK's validation, for any application in Python:

    from aws_cdk import Validations
    from review.governance.plugin import SluiceGovernance
    Validations.of(app).add_plugins(SluiceGovernance())

A finding stops the synth; what is low, or what the template does not decide, is a warning.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import (
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
    Stack,
)
from constructs import IConstruct

from review.cloud_assembly import Stack as Read
from review.cloud_assembly import stack_of
from review.governance import DEFAULTS, RULES, check
from review.governance.rule import Violation
from review.governance.settings import Settings
from review.model import Severity
from review.waivers import PACK, own

VERSION = "1.0.0"


@jsii.implements(IPolicyValidationPlugin)
class SluiceGovernance:
    """`settings` are written into the report, so that a review of the assembly holds it against the same ones."""

    def __init__(self, settings: Settings = DEFAULTS) -> None:
        self._settings = settings

    @property
    def name(self) -> str:
        return PACK

    @property
    def version(self) -> str:
        return VERSION

    @property
    def rule_ids(self) -> list[str]:
        return [rule.id for rule in RULES]

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        stacks = {each.template_path: _stack(context.app_construct, each) for each in context.stack_templates}
        violations = [
            _told(violation, path)
            for path, stack in stacks.items()
            for violation in check(stack, self._settings, stacks.values())
            if not _accepted(violation)
        ]
        return PolicyValidationPluginReport(
            success=not any(violation.severity == "error" for violation in violations),
            plugin_version=VERSION,
            metadata={"settings": self._settings.model_dump_json()},
            violations=violations,
        )


def _stack(root: IConstruct, told: Any) -> Read:
    """The stack's own tags are in no template: the application is asked for them."""
    template = json.loads(Path(told.template_path).read_text("utf-8"))
    read = stack_of(template, told.stack_construct_path, told.region or "")
    tags = _tags(root, told.stack_construct_path.split("/")) if "AWS::SageMaker::" in json.dumps(template) else []
    entry = {"type": "aws:cdk:stack-tags", "data": tags}
    return Read(read.name, read.region, template, read.resources, {f"/{read.name}": [entry]})


def _tags(root: IConstruct, path: Iterable[str]) -> list[dict[str, str]]:
    construct: IConstruct | None = root
    for part in path:
        construct = construct.node.try_find_child(part) if construct else None
    tags = construct.tags.tag_values() if isinstance(construct, Stack) else {}
    return [{"key": key, "value": value} for key, value in tags.items()]


def _accepted(violation: Violation) -> bool:
    """By the resource's metadata; what is acknowledged in the application is CDK's own to take away."""
    metadata = violation.resource.attributes.get("Metadata")
    return isinstance(metadata, dict) and violation.rule.id in {
        rule.removeprefix(f"{PACK}::") for rule in own(metadata)
    }


def _told(violation: Violation, path: str) -> PolicyViolation:
    rule = violation.rule
    stops = violation.certain and rule.severity is not Severity.LOW
    place = PolicyViolatingResource(
        resource_logical_id=violation.resource.logical_id,
        template_path=path,
        locations=[f"Properties/{violation.path.replace('.', '/')}".removesuffix("/")],
    )
    return PolicyViolation(
        rule_name=rule.id,
        description=f"{rule.title}: {violation.message}",
        fix=rule.fix,
        severity="error" if stops else "warning",
        rule_metadata={"severity": violation.severity.value, "certain": str(violation.certain).lower()},
        violating_resources=[place],
    )
