"""A cloud assembly, as any CDK application leaves it in cdk.out: its stacks, with nested ones and those of stages."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from review.assets import assets_of, nested_template
from review.json_file import AssemblyError, mapping, read_object, text
from review.lines import Files, root_of, sources
from review.template import Resource, resources_of

__all__ = ["Assembly", "AssemblyError", "Resource", "Stack", "read", "stack_of"]

# Who writes an assembly counts the major version up; up to here what is read below has kept its form.
NEWEST = 99
REPORTS = ("validation-report.json", "policy-validation-report.json")


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
    assets: Mapping[str, Path] = field(default_factory=dict)
    """Files and folders that are uploaded with it, by their hashes; those that are there."""
    account: str = ""
    deployed_as: str = ""
    """Its name in CloudFormation; empty for a nested stack, which CloudFormation names itself."""

    @property
    def environment(self) -> str:
        """Within which the names of exports are unique."""
        return f"{self.account}/{self.region}"


@dataclass(frozen=True)
class Assembly:
    folder: Path
    stacks: Mapping[str, Stack]
    notes: tuple[str, ...] = ()
    """What could not be looked at, and why."""
    made_in: Path | None = None
    """The folder of the application, where it was synthesized elsewhere than into it."""

    @property
    def application(self) -> Path:
        """The folder that has cdk.json and what else the application is told by."""
        return self.made_in or self.folder.parent

    @cached_property
    def validation(self) -> Mapping[str, Any]:
        """What validation plugins (cdk-nag, the governance pack) said at synth: `validation-report.json`, or {}.

        Raises AssemblyError."""
        paths = (self.folder / name for name in REPORTS)
        return next((read_object(path) for path in paths if path.exists()), {})


def read(folder: Path, root: Path | None = None, made_in: Path | None = None) -> Assembly:
    """`root` is the repository from which lines of code are named; else the one that `folder` is in.

    `made_in`: as Assembly has it. Raises AssemblyError."""
    if not (folder / "manifest.json").is_file():
        raise AssemblyError(f"{folder} holds no manifest.json: name the folder that `cdk synth` wrote, such as cdk.out")
    reader = _Reader(root or root_of(folder))
    stacks = {}
    for stack in reader.stacks(folder, ""):
        if stack.name in stacks:
            raise AssemblyError(f"{folder} holds two stacks named {stack.name}: synthesize anew into an empty folder")
        stacks[stack.name] = stack
    return Assembly(folder, stacks, tuple(dict.fromkeys(reader.notes)), made_in)


def stack_of(template: Mapping[str, Any], name: str = "Stack", region: str = "us-east-1") -> Stack:
    """A stack of which there is the template alone."""
    return Stack(name, region, template, resources_of(template, name, {}, []))


class _Reader:
    def __init__(self, root: Path) -> None:
        self.files = Files(root)
        self.notes: list[str] = []
        self._open: list[Path] = []
        """The folders and templates that are being read, the outermost first."""

    def stacks(self, folder: Path, stage: str) -> Iterator[Stack]:
        path = folder / "manifest.json"
        with self._within(path):
            manifest = read_object(path)
            _check_version(path, manifest)
            artifacts = manifest.get("artifacts", {})
            if not isinstance(artifacts, dict):
                raise AssemblyError(f"{path} has artifacts that are no object: synthesize anew")
            self._note_missing(manifest)
            for name, artifact in artifacts.items():
                yield from self._artifact(folder, stage, name, mapping(artifact), artifacts)

    def _artifact(
        self, folder: Path, stage: str, name: str, artifact: Mapping[str, Any], artifacts: Mapping[str, Any]
    ) -> Iterator[Stack]:
        properties = mapping(artifact.get("properties"))
        shown = text(artifact.get("displayName")) or text(properties.get("displayName")) or name
        match artifact.get("type"):
            case "cdk:cloud-assembly":
                inner = stage + shown.removeprefix("assembly-").removeprefix(stage)
                yield from self.stacks(folder / _file(folder, name, properties, "directoryName"), f"{inner}/")
            case "aws:cloudformation:stack":
                _, _, environment = text(artifact.get("environment")).partition("aws://")
                account, _, region = environment.partition("/")
                stack = Stack(
                    stage + shown.removeprefix(stage),
                    region.replace("unknown-region", ""),
                    {},
                    {},
                    self._metadata(folder, artifact),
                    assets_of(folder, artifact, artifacts, self.notes),
                    account.replace("unknown-account", ""),
                    text(properties.get("stackName")) or name,
                )
                yield from self._with_nested(folder, folder / _file(folder, name, properties, "templateFile"), stack)
            case str():
                pass
            case _:
                self.notes.append(f"{folder / 'manifest.json'}: {name} has no type and is not looked at")

    def _metadata(self, folder: Path, artifact: Mapping[str, Any]) -> Mapping[str, Any]:
        """Older CDKs keep it in the manifest; newer ones can be told to put it into a file of its own."""
        own = mapping(artifact.get("metadata"))
        further = text(artifact.get("additionalMetadataFile"))
        if not further:
            return own
        try:
            return {**own, **read_object(folder / further)}
        except AssemblyError as error:
            self.notes.append(f"{error}; lines of code and waivers of this stack are not known")
            return own

    def _with_nested(
        self, folder: Path, path: Path, outer: Stack, lines: Mapping[str, str] | None = None
    ) -> Iterator[Stack]:
        """A stack, of which `outer` tells all but the template, and those within it."""
        with self._within(path):
            template = read_object(path)
            lines = sources(outer.metadata, self.files) if lines is None else lines
            resources = resources_of(template, outer.name, lines, self.notes)
            yield replace(outer, template=template, resources=resources)
            for resource in resources.values():
                if resource.type != "AWS::CloudFormation::Stack":
                    continue
                inner = replace(outer, name=nested_name(outer.name, resource), deployed_as="")
                if file := nested_template(folder, resource, outer.assets):
                    yield from self._with_nested(folder, file, inner, lines)
                else:
                    self.notes.append(f"{inner.name}: this nested stack's template is not in {folder}; not looked at")

    def _within(self, path: Path) -> "_Opened":
        return _Opened(self._open, path)

    def _note_missing(self, manifest: Mapping[str, Any]) -> None:
        missing = manifest.get("missing")
        for each in missing if isinstance(missing, list) else ():
            key = text(mapping(each).get("key")) or "something"
            self.notes.append(
                f"CDK looked up {key} and had no answer, so that templates hold stand-ins: commit cdk.context.json"
            )


class _Opened:
    """Refuses what holds itself."""

    def __init__(self, around: list[Path], path: Path) -> None:
        self._around, self._path = around, Path(os.path.abspath(path))  # noqa: PTH100 (it takes any name)

    def __enter__(self) -> None:
        if self._path in self._around:
            raise AssemblyError(f"{self._path} holds itself: synthesize anew")
        self._around.append(self._path)

    def __exit__(self, *_: object) -> None:
        self._around.remove(self._path)


def nested_name(parent: str, resource: Resource) -> str:
    """`Parent/Network` for the construct `Parent/Network`, which CDK gives two more levels."""
    path = resource.path
    if path.endswith(".NestedStackResource"):
        path = path.rpartition("/")[0].removesuffix(".NestedStack")
    return f"{parent}/{path.removeprefix(f'{parent}/')}"


def _file(folder: Path, name: str, properties: Mapping[str, Any], key: str) -> str:
    if not (found := text(properties.get(key))):
        raise AssemblyError(f"{folder / 'manifest.json'} does not say the {key} of {name}: synthesize anew")
    return found


def _check_version(path: Path, manifest: Mapping[str, Any]) -> None:
    version = str(manifest.get("version", ""))
    major = version.split(".")[0]
    if not major.isdecimal() or int(major[:9]) > NEWEST:
        raise AssemblyError(
            f"{path} has the schema version {version[:40]!r}; known are up to {NEWEST}.x: use a newer Sluice, or an "
            "older CDK"
        )
