"""One synthesis of each configuration for the whole session; CDK_VALIDATION and the Node of the project set first."""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

import config.node  # noqa: F401
from config.load import ROOT, load
from config.schema import Platform

if TYPE_CHECKING:
    from aws_cdk.assertions import Template

    from review.synthesis import Synthesis

os.environ.setdefault("CDK_VALIDATION", "false")
# As in the embedded cloud: OpenMP's threads of several trainings at once wait for each other most of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# What fails by chance fails at night, when there are many examples, and not a change that has nothing to do with it.
settings.register_profile("sluice", derandomize=os.environ.get("SLUICE_PROFILE") != "nightly")
settings.load_profile("sluice")


@pytest.fixture(scope="session")
def platform() -> Platform:
    return load(ROOT / "config" / "team.yaml")


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> "Callable[[str], Synthesis]":
    """Synthesizes config/<name>.yaml, once for each name; as `<name>@<region>`, moved to another region."""

    @cache
    def once(name: str) -> "Synthesis":
        # Imported here: most tests do without aws_cdk, whose import takes a second.
        import review.synthesis

        sample, _, region = name.partition("@")
        path, folder = ROOT / "config" / f"{sample}.yaml", tmp_path_factory.mktemp(name)
        if region:
            text = path.read_text("utf-8")
            path = tmp_path_factory.mktemp("config") / path.name
            path.write_text(text.replace(load(ROOT / "config" / path.name).region, region))
        return review.synthesis.synthesize(load(path), folder)

    return once


@pytest.fixture(scope="session")
def synthesis(synthesize: "Callable[[str], Synthesis]") -> "Synthesis":
    return synthesize("team")


@pytest.fixture(scope="session")
def app_templates(synthesis: "Synthesis") -> "Mapping[str, Template]":
    """The templates of config/team.yaml by the last part of the stack's name, e.g. `foundation`."""
    from aws_cdk.assertions import Template

    return {name: Template.from_json(template) for name, template in synthesis.templates.items()}


@pytest.fixture(scope="module")
def session() -> Iterator[None]:
    """The default session that handlers make their clients from, answered by a cloud of the test."""
    from tests.answering import own_session

    with own_session():
        yield
