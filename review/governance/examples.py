"""What breaks each rule and what keeps it: fragments, and the templates that they become over examples/base.yaml."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from review.governance.settings import Settings
from review.governance.values import intrinsic

DEFAULTS = Settings()
FOLDER = Path(__file__).parent / "examples"


@dataclass(frozen=True)
class Example:
    """Fragments of a template's resources. `besides`: another rule that both break, as there is no way around it."""

    failing: Mapping[str, Any]
    passing: Mapping[str, Any]
    base: Mapping[str, Any]
    besides: str = ""
    settings: Settings = DEFAULTS

    def template(self, fragment: Mapping[str, Any]) -> dict[str, Any]:
        return {"Resources": {name: _definition(each) for name, each in laid_over(self.base, fragment).items()}}


@cache
def examples() -> Mapping[str, Example]:
    """By the rule's id."""
    base = _read("base")
    found = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        if path.stem == "base":
            continue
        given = _read(path.stem)
        own, besides = laid_over(base, given.pop("base", {})), given.pop("besides", "")
        for rule, each in given.items():
            settings = Settings.model_validate(_settings(each.get("settings", {})))
            found[rule] = Example(each["failing"], each["passing"], own, besides, settings)
    return found


def laid_over(base: Any, fragment: Any) -> Any:
    """Maps are merged, None takes a key away, all else takes the other's place."""
    if not (isinstance(base, dict) and isinstance(fragment, dict)) or intrinsic(base) or intrinsic(fragment):
        return deepcopy(fragment)
    merged = deepcopy(base)
    for key, value in fragment.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = laid_over(merged.get(key), value)
    return merged


def _read(stem: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / f"{stem}.yaml").read_text("utf-8"))


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Over the defaults, so that an example names what it changes alone."""
    return laid_over(DEFAULTS.model_dump(mode="json"), given)


def _definition(resource: Any) -> Any:
    """A pipeline's definition as templates have it: JSON, in which references are placeholders."""
    body = resource.get("Properties", {}).get("PipelineDefinition", {}).get("PipelineDefinitionBody")
    if body is None:
        return resource
    steps = [{"Name": name, **step} for name, step in body.get("Steps", {}).items()]
    text = json.dumps({**body, "Steps": steps})
    return laid_over(resource, {"Properties": {"PipelineDefinition": {"PipelineDefinitionBody": {"Fn::Sub": text}}}})
