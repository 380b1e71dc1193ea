"""Every template of every partition keeps the rules of cdk-nag and cfn-lint, and names no other partition."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cfnlint.config import ConfigMixIn
from cfnlint.decode.decode import decode_str
from cfnlint.runner import Runner

SAMPLES = (
    *("team", "minimal", "production", "monitored", "native-monitors"),
    *("china", "china@cn-northwest-1", "govcloud", "govcloud@us-gov-east-1"),
)
PARTITIONS = {"us-east": "aws", "cn-nort": "aws-cn", "us-gov-": "aws-us-gov"}
# What CloudFormation has no tags for, or what is no resource of its own in AWS.
UNTAGGED = {
    "AWS::EC2::SubnetRouteTableAssociation": "joins two tagged resources",
    "AWS::IAM::ManagedPolicy": "has no tags in CloudFormation",
    "AWS::IAM::Policy": "is part of its role",
    "AWS::KMS::Alias": "is a name of its key",
    "AWS::Lambda::EventInvokeConfig": "is part of its function",
    "AWS::Lambda::Permission": "is part of its function's policy",
    "AWS::S3::BucketPolicy": "is part of its bucket",
    "AWS::SNS::Subscription": "is part of its topic",
    "AWS::SNS::TopicPolicy": "is part of its topic",
    "AWS::SQS::QueuePolicy": "is part of its queue",
    "AWS::Scheduler::Schedule": "has the tags of its group",
    "Custom::RuntimeResources": "is a call of our own function",
}

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("sample", SAMPLES)]  # `make check` runs it


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
    synthesis = synthesize(sample)
    runner = Runner(ConfigMixIn(regions=[synthesis.platform.region]))
    findings = {}
    for path in sorted(synthesis.folder.glob("*.template.json")):
        template, broken = decode_str(path.read_text("utf-8"))
        findings[path.name] = [str(match) for match in broken or runner.validate_template(template or {})]
    assert findings
    assert not {name: found for name, found in findings.items() if found}


def test_no_template_names_another_partition(synthesize: Callable[[str], Any], sample: str) -> None:
    """Searched as text, so also in the JSON inside strings, such as the definitions of pipelines."""
    synthesis = synthesize(sample)
    named = set(re.findall(r"arn:([a-z-]+):", json.dumps(synthesis.templates)))
    assert named == {PARTITIONS[synthesis.platform.region[:7]]}


def test_no_template_names_a_host_of_another_partition(synthesize: Callable[[str], Any], sample: str) -> None:
    """But as service principals, which are the same everywhere unless they name a region."""
    synthesis = synthesize(sample)
    region = synthesis.platform.region
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    elsewhere = [
        (path, text)
        for path, text in strings(synthesis.templates)
        for host in re.findall(r"[\w.-]*\bamazonaws\.com(?:\.[a-z]+)*", text)
        if not ({"Principal", "iam:PassedToService"} & set(path) and region not in text)
        and not host.endswith(f".dkr.ecr.{region}.{suffix}")
    ]
    assert not elsewhere


def test_a_sample_with_workloads_runs_images_of_its_own_region(synthesize: Callable[[str], Any], sample: str) -> None:
    synthesis = synthesize(sample)
    images = re.findall(r"\.dkr\.ecr\.([\w-]+)\.", json.dumps(synthesis.templates["training"]))
    assert synthesis.platform.workloads and set(images) == {synthesis.platform.region}


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


def test_interface_endpoints_have_the_names_of_their_partition(synthesize: Callable[[str], Any], sample: str) -> None:
    """In China some begin with `cn.`; which, CDK's own table says, which nobody has held against an account there."""
    synthesis = synthesize(sample)
    region = synthesis.platform.region
    named = {
        resource["Properties"]["ServiceName"]
        for resource in synthesis.templates["foundation"]["Resources"].values()
        if resource["Type"] == "AWS::EC2::VPCEndpoint" and resource["Properties"]["VpcEndpointType"] == "Interface"
    }
    china = "cn." if region.startswith("cn-") else ""
    names = {f"{china}com.amazonaws.{region}.{name}" for name in ("sagemaker.api", "sagemaker.runtime", "sts")}
    assert named == (
        {*names, f"com.amazonaws.{region}.logs"} if synthesis.platform.network.mode == "private" else set()
    )


def strings(part: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every string of a template, with the keys that lead to it."""
    if isinstance(part, dict):
        for key, value in part.items():
            yield from strings(value, (*path, key))
    elif isinstance(part, list):
        for value in part:
            yield from strings(value, path)
    elif isinstance(part, str):
        yield path, part
