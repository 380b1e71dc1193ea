"""What the values of a template say, with references followed through parameters, outputs and exports."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from review.cloud_assembly import Resource, Stack
from review.iam.patterns import token

# Name of a condition's definition and whether it holds.
Guard = frozenset[tuple[str, bool]]
ALWAYS: Guard = frozenset()
NO_VALUE = {"Ref": "AWS::NoValue"}
_SUB = re.compile(r"\$\{(!?)([^}]*)\}")
_DEPTH = 12  # of references that lead to references


@dataclass(frozen=True)
class Target:
    """A resource that a value refers to, by the name of its stack and its logical ID in the base."""

    stack: str
    logical_id: str


@dataclass
class References:
    """One side of a review. `renames`: a resource's key here and in the base, where that was another."""

    stacks: Mapping[str, Stack]
    renames: Mapping[Target, Target] = field(default_factory=dict)

    def key(self, stack: str, logical_id: str) -> Target:
        return self.renames.get(Target(stack, logical_id), Target(stack, logical_id))

    def text(self, value: Any, stack: Stack, depth: int = 0) -> str:
        """A value as one text, tokens within it (review.iam.patterns)."""
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return str(value).lower()
        if not isinstance(value, dict) or len(value) != 1 or depth > _DEPTH:
            return str(value) if isinstance(value, int | float) else token(json.dumps(value, sort_keys=True))
        [(function, argument)] = value.items()
        match function, argument:
            case "Ref", str():
                return self._ref(argument, stack, depth)
            case "Fn::GetAtt", [str(of), str(attribute)]:
                return self._attribute(of, attribute, stack, depth)
            case "Fn::GetAtt", str():
                return (
                    self._attribute(*argument.split(".", 1), stack=stack, depth=depth) if "." in argument else argument
                )
            case "Fn::Join", [str(separator), list(parts)]:
                return separator.join(self.text(part, stack, depth + 1) for part in parts)
            case "Fn::Sub", str():
                return self._sub(argument, {}, stack, depth)
            case "Fn::Sub", [str(body), dict(given)]:
                return self._sub(body, given, stack, depth)
            case "Fn::ImportValue", _:
                return self._import(self.text(argument, stack, depth + 1), depth)
            case "Fn::Select", [(int() | str()) as index, {"Fn::Split": [str(separator), inner]}]:
                parts = self.text(inner, stack, depth + 1).split(separator)
                if str(index).isdigit() and int(index) < len(parts):
                    return parts[int(index)]
        return token(f"{function} {self._inner(argument, stack, depth)}")

    def target(self, value: Any, stack: Stack, depth: int = 0) -> tuple[Stack, Resource] | None:
        """The resource of the application that a Ref or a GetAtt leads to."""
        if not isinstance(value, dict) or len(value) != 1 or depth > _DEPTH:
            return None
        [(function, argument)] = value.items()
        match function, argument:
            case "Fn::Sub", str() if found := re.fullmatch(r"\$\{([^}!]*)\}", argument):
                name, _, attribute = found[1].partition(".")
                return self.target({"Fn::GetAtt": [name, attribute]} if attribute else {"Ref": name}, stack, depth + 1)
            case "Fn::GetAtt", str():
                return self.target({"Fn::GetAtt": argument.split(".", 1)}, stack, depth + 1)
            case ("Ref", str(of)) | ("Fn::GetAtt", [str(of), *_]) if of in stack.resources:
                resource = stack.resources[of]
                if function == "Fn::GetAtt" and (inner := self._output(stack, resource, str(argument[-1]))):
                    return self.target(*inner, depth + 1)
                return stack, resource
            case "Ref", str():
                inner = self._parameters.get((stack.name, argument))
                return self.target(*inner, depth + 1) if inner else None
            case "Fn::ImportValue", _:
                inner = self._exports.get(self.text(argument, stack, depth + 1))
                return self.target(*inner, depth + 1) if inner else None
        return None

    def _ref(self, name: str, stack: Stack, depth: int) -> str:
        if name in stack.resources:
            return self._resource(stack, stack.resources[name], "")
        if inner := self._parameters.get((stack.name, name)):
            return self.text(*inner, depth + 1)
        return self._pseudo(name, stack) or token(name if name.startswith("AWS::") else f"{stack.name} {name}")

    def _pseudo(self, name: str, stack: Stack) -> str:
        """A pseudo parameter's value, where the stack's region tells it."""
        if not stack.region:
            return ""
        partition = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
        return {
            "AWS::Region": stack.region,
            "AWS::Partition": next((v for k, v in partition.items() if stack.region.startswith(k)), "aws"),
            "AWS::URLSuffix": "amazonaws.com.cn" if stack.region.startswith("cn-") else "amazonaws.com",
        }.get(name, "")

    def _attribute(self, of: str, attribute: str, stack: Stack, depth: int) -> str:
        resource = stack.resources.get(of)
        if not resource:
            return token(f"{stack.name} {of}.{attribute}")
        if inner := self._output(stack, resource, attribute):
            return self.text(*inner, depth + 1)
        return self._resource(stack, resource, attribute)

    def _resource(self, stack: Stack, resource: Resource, attribute: str) -> str:
        """A bucket's ARN is made of its name, since policies write both."""
        if resource.type == "AWS::S3::Bucket" and attribute == "Arn":
            partition = self._pseudo("AWS::Partition", stack) or token("AWS::Partition")
            return f"arn:{partition}:s3:::{self._resource(stack, resource, '')}"
        names = [key for key in resource.properties if key.endswith("Name")] if resource.properties else []
        name = resource.properties.get("BucketName") if resource.type == "AWS::S3::Bucket" and not attribute else None
        if isinstance(name, str):
            return name
        key = self.key(stack.name, resource.logical_id)
        return token(f"{key.stack} {key.logical_id}{'.' * bool(attribute)}{attribute}", hard=not names)

    def _sub(self, body: str, given: Mapping[str, Any], stack: Stack, depth: int) -> str:
        def put(found: re.Match[str]) -> str:
            name = found[2].strip()
            if found[1]:
                return f"${{{name}}}"
            if name in given:
                return self.text(given[name], stack, depth + 1)
            of, _, attribute = name.partition(".")
            return self._attribute(of, attribute, stack, depth) if attribute else self._ref(name, stack, depth)

        return _SUB.sub(put, body)

    def _import(self, name: str, depth: int) -> str:
        inner = self._exports.get(name)
        return self.text(*inner, depth + 1) if inner else token(f"import {name}")

    def _inner(self, argument: Any, stack: Stack, depth: int) -> str:
        if isinstance(argument, list):
            return " ".join(self._inner(each, stack, depth + 1) for each in argument)
        return self.text(argument, stack, depth + 1)

    def _output(self, stack: Stack, resource: Resource, attribute: str) -> tuple[Any, Stack] | None:
        """What a nested stack gives out under `Outputs.<name>`."""
        child = self._nested.get((stack.name, resource.logical_id))
        if resource.type != "AWS::CloudFormation::Stack" or not child or not attribute.startswith("Outputs."):
            return None
        output = _mapping(child.template, "Outputs").get(attribute.removeprefix("Outputs."))
        return (output["Value"], child) if isinstance(output, dict) and "Value" in output else None

    @cached_property
    def _nested(self) -> dict[tuple[str, str], Stack]:
        """Nested stacks by their parent's name and their own logical ID there."""
        found = {}
        for stack in self.stacks.values():
            for resource in stack.resources.values():
                if resource.type == "AWS::CloudFormation::Stack":
                    path = resource.path.rpartition("/")[2]
                    name = path.removesuffix(".NestedStackResource").removesuffix(".NestedStack")
                    if child := self.stacks.get(f"{stack.name}/{name}"):
                        found[stack.name, resource.logical_id] = child
        return found

    @cached_property
    def _parameters(self) -> dict[tuple[str, str], tuple[Any, Stack]]:
        """What parents hand to nested stacks, by the nested stack's name and the parameter's."""
        return {
            (child.name, name): (value, self.stacks[parent])
            for (parent, logical_id), child in self._nested.items()
            for name, value in _mapping(self.stacks[parent].resources[logical_id].properties, "Parameters").items()
        }

    @cached_property
    def _exports(self) -> dict[str, tuple[Any, Stack]]:
        found = {}
        for stack in self.stacks.values():
            for output in _mapping(stack.template, "Outputs").values():
                if isinstance(output, dict) and isinstance(export := output.get("Export"), dict) and "Value" in output:
                    name = export.get("Name")
                    found[name if isinstance(name, str) else self.text(name, stack, _DEPTH - 2)] = (
                        output["Value"],
                        stack,
                    )
        return found


def guarded(value: Any, stack: Stack, guard: Guard = ALWAYS) -> Iterator[tuple[Guard, Any]]:
    """The items of a list, or the one value, with the conditions of the template under which each is there."""
    if value is None or value == NO_VALUE:
        return
    if isinstance(value, list):
        for each in value:
            yield from guarded(each, stack, guard)
    elif isinstance(value, dict) and isinstance(argument := value.get("Fn::If"), list) and len(argument) == 3:
        name = _condition(argument[0], stack)
        for holds, branch in ((True, argument[1]), (False, argument[2])):
            if (name, not holds) not in guard:
                yield from guarded(branch, stack, guard | {(name, holds)})
    else:
        yield guard, value


def variants(value: Any, stack: Stack, limit: int = 32) -> list[tuple[Guard, Any]]:
    """A whole value once for each way in which the conditions in it can turn out. Raises ValueError past `limit`."""
    names = sorted(_names(value))
    if 2 ** len(names) > limit:
        raise ValueError(f"more than {limit} combinations of conditions")
    found = [(ALWAYS, value)]
    for name in names:
        found = [
            (guard | {(_condition(name, stack), holds)}, _chosen(each, name, holds))
            for guard, each in found
            for holds in (True, False)
        ]
    return found


def _names(value: Any) -> set[str]:
    if isinstance(value, list):
        return {name for each in value for name in _names(each)}
    if not isinstance(value, dict):
        return set()
    own = value.get("Fn::If")
    mine = {own[0]} if isinstance(own, list) and len(own) == 3 and isinstance(own[0], str) else set()
    return mine | {name for each in value.values() for name in _names(each)}


def _chosen(value: Any, name: str, holds: bool) -> Any:
    if isinstance(value, list):
        chosen = [(_chosen(each, name, holds), each) for each in value]
        return [each for each, _ in chosen if each != NO_VALUE]
    if not isinstance(value, dict):
        return value
    own = value.get("Fn::If")
    if isinstance(own, list) and len(own) == 3 and own[0] == name:
        return _chosen(own[1 if holds else 2], name, holds)
    inner = {key: _chosen(each, name, holds) for key, each in value.items()}
    return {key: each for key, each in inner.items() if each != NO_VALUE}


def _condition(name: Any, stack: Stack) -> str:
    """A condition is what it says, whatever its name."""
    definition = _mapping(stack.template, "Conditions").get(str(name))
    return json.dumps(definition, sort_keys=True) if definition is not None else str(name)


def _mapping(value: Any, key: str) -> Mapping[str, Any]:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def flat(values: Iterable[Any]) -> list[Any]:
    """Lists within lists, as an Fn::If leaves them, as one."""
    return [inner for each in values for inner in (flat(each) if isinstance(each, list) else [each])]
