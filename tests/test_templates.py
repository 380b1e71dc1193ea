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
# W3010: zones come from the configuration, because looking them up would need credentials while synthesizing.
# W3005: CDK makes a function depend on its role's policies, and names the role again there.
EXPLAINED = ["W3005", "W3010"]

pytestmark = pytest.mark.parametrize("sample", SAMPLES)


def nag(folder: Any) -> dict[str, Any]:
    report = json.loads((folder / "validation-report.json").read_text("utf-8"))
    [found] = [plugin for plugin in report["pluginReports"] if plugin["pluginName"] == "AwsSolutions"]
    return found


def test_nag_has_no_finding_that_is_not_accepted(synthesize: Callable[[str], Any], sample: str) -> None:
    report = nag(synthesize(sample).folder)
    assert not [
        (violation["ruleName"], construct["constructPath"])
        for violation in report["violations"]
        for construct in violation["violatingConstructs"]
    ]
    assert report["conclusion"] == "success"


def test_each_acceptance_suppresses_a_finding(synthesize: Callable[[str], Any], sample: str) -> None:
    synthesis = synthesize(sample)
    suppressed = {
        (violation["acknowledgedAt"], violation["acknowledgedId"])
        for violation in nag(synthesis.folder)["suppressedViolations"]
    }
    assert suppressed
    ours = {(path, rule) for path, rule in synthesis.acknowledged if not rule.startswith("CloudFormation-Validate::")}
    assert ours == suppressed


def test_cfn_lint_passes_in_the_samples_region(synthesize: Callable[[str], Any], sample: str) -> None:
    runner = Runner(ConfigMixIn(regions=[SAMPLES[sample]], ignore_checks=EXPLAINED))
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


def test_every_resource_of_ours_carries_the_platforms_tag(synthesize: Callable[[str], Any], sample: str) -> None:
    synthesis = synthesize(sample)
    for template in synthesis.templates.values():
        for resource in template["Resources"].values():
            tags = resource["Properties"].get("Tags", [])
            tags = [{"Key": key, "Value": tags[key]} for key in tags] if isinstance(tags, dict) else tags
            assert not tags or {"Key": "sluice:platform", "Value": synthesis.platform.prefix} in tags
