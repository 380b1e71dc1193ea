"""Every template of every partition keeps the rules of cdk-nag and cfn-lint, and names no other partition."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from cfnlint.config import ConfigMixIn
from cfnlint.decode.decode import decode_str
from cfnlint.runner import Runner

SAMPLES = {"team": "us-east-1", "china": "cn-north-1", "govcloud": "us-gov-west-1"}
# What CloudFormation has no tags for, or what is no resource of its own in AWS.
UNTAGGED = {
    "AWS::EC2::SubnetRouteTableAssociation": "joins two tagged resources",
    "AWS::IAM::ManagedPolicy": "has no tags in CloudFormation",
    "AWS::IAM::Policy": "is part of its role",
    "AWS::KMS::Alias": "is a name of its key",
    "AWS::Lambda::EventInvokeConfig": "is part of its function",
    "AWS::Lambda::Permission": "is part of its function's policy",
    "AWS::S3::BucketPolicy": "is part of its bucket",
    "AWS::SNS::TopicPolicy": "is part of its topic",
    "AWS::SQS::QueuePolicy": "is part of its queue",
    "Custom::RuntimeResources": "is a call of our own function",
}

pytestmark = pytest.mark.parametrize("sample", SAMPLES)


def test_nag_has_no_finding_that_is_not_accepted(synthesize: Callable[[str], Any], sample: str) -> None:
    assert not synthesize(sample).findings()


def test_each_acceptance_suppresses_a_finding_and_says_why(synthesize: Callable[[str], Any], sample: str) -> None:
    synthesis = synthesize(sample)
    accepted = synthesis.accepted()
    assert accepted
    assert all(acceptance.reason.strip() for acceptance in accepted)
    ours = {(path, rule) for path, rule in synthesis.acknowledged if not rule.startswith("CloudFormation-Validate::")}
    assert ours == {(acceptance.path, acceptance.rule) for acceptance in accepted}


def test_each_acceptance_is_on_one_resource(synthesize: Callable[[str], Any], sample: str) -> None:
    covered: dict[tuple[str, str], set[str]] = {}
    for acceptance in synthesize(sample).accepted():
        covered.setdefault((acceptance.path, acceptance.rule), set()).add(acceptance.construct)
    assert not {acceptance: constructs for acceptance, constructs in covered.items() if len(constructs) > 1}


def test_cfn_lint_passes_in_the_samples_region(synthesize: Callable[[str], Any], sample: str) -> None:
    runner = Runner(ConfigMixIn(regions=[SAMPLES[sample]]))
    findings = {}
    for path in sorted(synthesize(sample).folder.glob("*.template.json")):
        template, broken = decode_str(path.read_text("utf-8"))
        findings[path.name] = [str(match) for match in broken or runner.validate_template(template or {})]
    assert findings
    assert not {name: found for name, found in findings.items() if found}


def test_no_template_names_another_partition(synthesize: Callable[[str], Any], sample: str) -> None:
    partition = {"team": "aws", "china": "aws-cn", "govcloud": "aws-us-gov"}[sample]
    named = set(re.findall(r"arn:([\w-]+):", json.dumps(synthesize(sample).templates)))
    assert named == {partition}


def test_every_resource_but_those_without_tags_carries_all_tags_of_the_platform(
    synthesize: Callable[[str], Any], sample: str
) -> None:
    synthesis = synthesize(sample)
    wanted = set(synthesis.platform.tags.items())
    assert not [
        (name, resource["Type"])
        for template in synthesis.templates.values()
        for name, resource in template["Resources"].items()
        if resource["Type"] not in UNTAGGED and not wanted <= tags(resource)
    ]


def tags(resource: dict[str, Any]) -> set[tuple[str, str]]:
    found = resource["Properties"].get("Tags", [])
    return set(found.items()) if isinstance(found, dict) else {(tag["Key"], tag["Value"]) for tag in found}
