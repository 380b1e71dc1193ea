"""The pairs of tests/review/corpus: two templates, or applications of several stacks, and what a review must say.

A file is one theme. A case is small because what its two sides share stands once: in a `frame` the text `$` (or
`$name`) is where they differ, and what is not given there is absent. `repeat` makes a list long.
"""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bench.figure import ROOT

FOLDER = ROOT / "tests" / "review" / "corpus"
_ABSENT = object()


class _Loader(yaml.CSafeLoader):
    """A policy's version stays the text that it is."""


_Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, kw_only=True)
class Expected:
    """By logical ID, with `Stack/` before it where there are several stacks. `a or b`: either; `a?`: may be said.

    `lines` are parts of what a change's lines must say, `never` what no part of the review may hold.
    """

    changes: Mapping[str, str]
    findings: Mapping[str, list[str]] = field(default_factory=dict)
    cost: str = ""
    lines: Mapping[str, list[str]] = field(default_factory=dict)
    code_only: list[str] = field(default_factory=list)
    never: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Case:
    """`base` and `head` map each file of an assembly to its content. `cdk`: what CDK's own `permissionsBroadened` or
    `cdk diff` says of it, where that is known."""

    theme: str
    title: str
    base: Mapping[str, Any]
    head: Mapping[str, Any]
    expect: Expected
    cdk: str = ""

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Both sides as folders in the form of cdk.out."""
        for name, files in (("base", self.base), ("head", self.head)):
            for file, content in files.items():
                path = folder / name / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
        return folder / "base", folder / "head"


@cache
def cases() -> tuple[Case, ...]:
    return tuple(case for path in sorted(FOLDER.glob("*.yaml")) for case in _of(path))


def _of(path: Path) -> Iterator[Case]:
    told = yaml.load(path.read_text("utf-8"), _Loader)
    for raw in told["cases"]:
        unknown = raw.keys() - {"title", "frame", "base", "head", "expect", "cdk"}
        assert not unknown, f"{path.name}: {raw['title']}: {unknown}"
        frame = told["frames"][raw["frame"]] if "frame" in raw else None
        base, head = (_files(_filled(frame, raw.get(side)) if frame else raw[side]) for side in ("base", "head"))
        yield Case(
            theme=told["theme"],
            title=raw["title"],
            base=base,
            head=head,
            expect=Expected(**raw["expect"]),
            cdk=raw.get("cdk", ""),
        )


def _filled(frame: Any, given: Any) -> Any:
    """The frame with what is given in place of `$`, or of each `$name`."""
    if isinstance(frame, str) and frame.startswith("$"):
        if frame == "$":
            return _ABSENT if given is None else deepcopy(given)
        return deepcopy(given[frame[1:]]) if given and frame[1:] in given else _ABSENT
    if isinstance(frame, dict):
        filled = {key: _filled(value, given) for key, value in frame.items()}
        return {key: value for key, value in filled.items() if value is not _ABSENT}
    if isinstance(frame, list):
        return [value for each in frame if (value := _filled(each, given)) is not _ABSENT]
    return frame


def _files(side: Mapping[str, Any]) -> dict[str, Any]:
    """The files of an assembly. `side` is a template, its resources alone, or {stacks, stages, files}."""
    side = _repeated(side)
    if not side.keys() & {"stacks", "stages"}:
        return _assembly({"Stack": side}, {})
    files = _assembly(side.get("stacks", {}), side.get("stages", {}))
    for stage, stacks in side.get("stages", {}).items():
        files |= {f"assembly-{stage}/{name}": content for name, content in _assembly(stacks, {}, f"{stage}/").items()}
    return files | {name: _template(content) for name, content in side.get("files", {}).items()}


def _assembly(stacks: Mapping[str, Any], stages: Mapping[str, Any], within: str = "") -> dict[str, Any]:
    artifacts: dict[str, Any] = {
        f"{within.replace('/', '-')}{name}": {
            "type": "aws:cloudformation:stack",
            "environment": "aws://111122223333/us-east-1",
            "properties": {"templateFile": f"{name}.template.json"},
            "displayName": f"{within}{name}",
        }
        for name in stacks
    }
    for stage in stages:
        artifacts[f"assembly-{stage}"] = {
            "type": "cdk:cloud-assembly",
            "properties": {"directoryName": f"assembly-{stage}", "displayName": stage},
        }
    templates = {f"{name}.template.json": _template(raw) for name, raw in stacks.items()}
    return {"manifest.json": {"version": "55.0.0", "artifacts": artifacts}, **templates}


def _template(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    return raw if "Resources" in raw else {"Resources": raw}


def _repeated(value: Any) -> Any:
    """With each `{repeat: {times, of}}` of a list in full; `%d` in it is the number."""
    if isinstance(value, dict):
        return {key: _repeated(each) for key, each in value.items()}
    if not isinstance(value, list):
        return value
    found = []
    for each in value:
        if isinstance(each, dict) and each.keys() == {"repeat"}:
            text = json.dumps(each["repeat"]["of"])
            found += [json.loads(text.replace("%d", f"{n:03}")) for n in range(each["repeat"]["times"])]
        else:
            found.append(_repeated(each))
    return found
