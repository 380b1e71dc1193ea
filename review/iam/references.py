"""What the values of a template say, with references followed through parameters, outputs and exports."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from review.cloud_assembly import Resource, Stack
from review.iam.branches import mapping
from review.iam.patterns import token

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
        output = mapping(child.template, "Outputs").get(attribute.removeprefix("Outputs."))
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
            for name, value in mapping(self.stacks[parent].resources[logical_id].properties, "Parameters").items()
        }

    @cached_property
    def _exports(self) -> dict[str, tuple[Any, Stack]]:
        found = {}
        for stack in self.stacks.values():
            for output in mapping(stack.template, "Outputs").values():
                if isinstance(output, dict) and isinstance(export := output.get("Export"), dict) and "Value" in output:
                    name = export.get("Name")
                    found[name if isinstance(name, str) else self.text(name, stack, _DEPTH - 2)] = (
                        output["Value"],
                        stack,
                    )
        return found
