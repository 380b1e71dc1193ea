"""A cloud assembly, as any CDK application leaves it in cdk.out: its stacks, with nested ones and those of stages."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

# Who writes an assembly counts the major version up; up to here what is read below has kept its form.
NEWEST = 99


class AssemblyError(Exception):
    """Something is no cloud assembly, or a part of it is missing or cannot be read: which file, and what to do."""


@dataclass(frozen=True)
class Resource:
    """`path` is its construct's, without a last `/Resource`; where the template has none, the logical ID.

    `source` is the line of code that made it, e.g. `stacks/costs.py:31`; empty where that is not known.
    """

    logical_id: str
    type: str
    path: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """What else the template says of it: `DeletionPolicy`, `DependsOn`, `Metadata`..."""
    source: str = ""


@dataclass(frozen=True)
class Stack:
    """`name` says where it is: `Stage/Stack`, and for a nested stack its parent's name and its own construct's."""

    name: str
    region: str
    """Empty where the application leaves it to who deploys."""
    template: Mapping[str, Any]
    resources: Mapping[str, Resource]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """By the path of the construct, with a slash before it: what constructs noted, waivers among it."""


@dataclass(frozen=True)
class Assembly:
    folder: Path
    stacks: Mapping[str, Stack]

    @cached_property
    def validation(self) -> Mapping[str, Any]:
        """What validation plugins (cdk-nag, the governance pack) said at synth: `validation-report.json`, or {}."""
        path = self.folder / "validation-report.json"
        return _object(path) if path.exists() else {}


def read(folder: Path) -> Assembly:
    """Raises AssemblyError."""
    if not (folder / "manifest.json").is_file():
        raise AssemblyError(f"{folder} holds no manifest.json: name the folder that `cdk synth` wrote, such as cdk.out")
    return Assembly(folder, {stack.name: stack for stack in _stacks(folder, "")})


def stack_of(template: Mapping[str, Any], name: str = "Stack", region: str = "us-east-1") -> Stack:
    """A stack of which there is the template alone."""
    return Stack(name, region, template, _resources(template, {}))


def _stacks(folder: Path, stage: str) -> Iterator[Stack]:
    manifest = _object(folder / "manifest.json")
    version = str(manifest.get("version", ""))
    if not version.split(".")[0].isdigit() or int(version.split(".")[0]) > NEWEST:
        raise AssemblyError(
            f"{folder / 'manifest.json'} has the schema version {version!r}; known are up to {NEWEST}.x"
        )
    for name, artifact in manifest.get("artifacts", {}).items():
        properties = artifact.get("properties", {})
        match artifact.get("type"):
            case "cdk:cloud-assembly":
                yield from _stacks(folder / properties["directoryName"], f"{artifact.get('displayName', name)}/")
            case "aws:cloudformation:stack":
                metadata = artifact.get("metadata", {})
                if further := artifact.get("additionalMetadataFile"):
                    metadata = _object(folder / further)
                region = artifact.get("environment", "").rpartition("/")[2].replace("unknown-region", "")
                shown = stage + artifact.get("displayName", name).removeprefix(stage)
                yield from _nested(folder, properties["templateFile"], shown, region, metadata)


def _nested(folder: Path, file: str, name: str, region: str, metadata: Mapping[str, Any]) -> Iterator[Stack]:
    """A stack and those within it."""
    template = _object(folder / file)
    stack = Stack(name, region, template, _resources(template, metadata), metadata)
    yield stack
    for resource in stack.resources.values():
        asset = resource.attributes.get("Metadata", {}).get("aws:asset:path")
        if resource.type == "AWS::CloudFormation::Stack" and asset:
            inner = resource.path.rpartition("/")[2].removesuffix(".NestedStackResource").removesuffix(".NestedStack")
            yield from _nested(folder, asset, f"{name}/{inner}", region, metadata)


def _resources(template: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Resource]:
    del metadata
    found = {}
    for logical_id, raw in template.get("Resources", {}).items():
        path = raw.get("Metadata", {}).get("aws:cdk:path", logical_id).removesuffix("/Resource")
        attributes = {key: value for key, value in raw.items() if key not in ("Type", "Properties")}
        found[logical_id] = Resource(logical_id, raw["Type"], path, raw.get("Properties", {}), attributes)
    return found


def _object(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise AssemblyError(f"{path} is missing: synthesize anew") from None
    except ValueError as error:
        raise AssemblyError(f"{path} is no JSON ({error}): synthesize anew") from None
    if not isinstance(found, dict):
        raise AssemblyError(f"{path} holds no JSON object: synthesize anew")
    return found
