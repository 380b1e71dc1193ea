"""A platform synthesized in this process with cdk-nag's rule packs and the governance pack, and what they say."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from aws_cdk import App, Validations
from cloudformation_validate import CompositeEngine, PseudoParameterOverrides, Severity, ValidateConfig

from app import build
from config.load import ROOT
from config.schema import Platform
from review import packs
from review.governance.plugin import SluiceGovernance
from review.waivers import PACK

PACKS = ("AwsSolutions", "NIST.800.53.R5", PACK)


class Accepted(NamedTuple):
    """A finding on `construct` that a waiver covers: where the waiver is, its rule (prefixed by the pack), and why."""

    path: str
    rule: str
    reason: str
    construct: str


class Synthesis(NamedTuple):
    """What one synthesis left behind. `templates` is keyed by the stack's last part, e.g. `studio`."""

    platform: Platform
    folder: Path
    templates: Mapping[str, dict[str, Any]]
    acknowledged: frozenset[tuple[str, str]]
    """Path of the construct and rule of every waiver, whether or not it covers a finding."""

    def findings(self) -> list[tuple[str, str]]:
        """Rule and path of the construct of every finding that no waiver covers."""
        return [
            (violation["ruleName"], construct["constructPath"])
            for report in self._nag()
            for violation in report["violations"]
            for construct in violation["violatingConstructs"]
        ]

    def accepted(self) -> list[Accepted]:
        return [
            Accepted(found["acknowledgedAt"], found["acknowledgedId"], found["reason"], construct["constructPath"])
            for report in self._nag()
            for found in report.get("suppressedViolations", ())
            for construct in found["violatingConstructs"]
        ]

    def invalid(self) -> list[str]:
        """What cloudformation-validate warns of, but for what a resource accepts in its metadata for cfn-lint."""
        region = self.platform.region
        config = ValidateConfig(
            severity_level=Severity.WARN, pseudo_parameter_overrides=PseudoParameterOverrides(region=region)
        )
        found = []
        for path in sorted(self.folder.glob("*.template.json")):
            resources = json.loads(path.read_text("utf-8"))["Resources"]
            for each in _validator().validate_template(str(path), config).diagnostics:
                resource = resources.get(each.entity.logical_id, {}) if each.entity else {}
                lint = resource.get("Metadata", {}).get("cfn-lint", {}).get("config", {})
                if each.rule_id not in lint.get("ignore_checks", ()):
                    found.append(f"{path.name}: {each.rule_id} {each.message}")
        return found

    def _nag(self) -> Iterator[dict[str, Any]]:
        """The report of each pack. Raises KeyError if one of cdk-nag's has not run.

        CDK writes none of a pack that finds nothing and has nothing accepted: here the governance pack may be one.
        """
        report = json.loads((self.folder / "validation-report.json").read_text("utf-8"))
        by_name = {plugin["pluginName"]: plugin for plugin in report["pluginReports"]}
        for pack in PACKS:
            yield by_name.get(pack, {"violations": []}) if pack == PACK else by_name[pack]


@cache  # it compiles its rules once
def _validator() -> CompositeEngine:
    return CompositeEngine()


def synthesize(platform: Platform, folder: Path) -> Synthesis:
    """Writes the assembly of `platform` into `folder`; findings do not stop it."""
    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    # Findings are read from the report, which says more than an exception would.
    context |= {
        "aws:cdk:bundling-stacks": [],
        "aws:cdk:enable-path-metadata": True,  # as the CDK command line does
        "@aws-cdk/core:failSynthOnValidationErrors": False,
    }
    app = App(outdir=str(folder), context=context)
    build(app, platform)
    packs.add(app)
    Validations.of(app).add_plugins(SluiceGovernance())
    app.synth()
    templates = {
        path.name.removeprefix(f"{platform.prefix}-").removesuffix(".template.json"): json.loads(
            path.read_text("utf-8")
        )
        for path in sorted(folder.glob("*.template.json"))
    }
    acknowledged = frozenset(
        (node.node.path, rule)
        for node in app.node.find_all()
        for entry in node.node.metadata
        if entry.type == Validations.ACKNOWLEDGED_RULES_METADATA_KEY
        for rule in entry.data
    )
    return Synthesis(platform, folder, templates, acknowledged)
