"""One side of a review as what costs is found in it: every stack's values, and which resource names which."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from config.prices import REGION
from controls.pricing.prices import Prices, Rate
from review.cloud_assembly import Resource, Stack
from review.cost.values import Values, references
from review.nesting import Key, nested_stacks

_DEEPEST = 5  # exports of what is imported itself; they may lead in a circle
_NAMES = {
    "AWS::SageMaker::Endpoint": "EndpointName",
    "AWS::SageMaker::EndpointConfig": "EndpointConfigName",
    "AWS::SageMaker::InferenceComponent": "InferenceComponentName",
    "AWS::SageMaker::Pipeline": "PipelineName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}


@dataclass(frozen=True)
class Trigger:
    """What starts a run: `runs` a month, None if the schedule cannot be read; `parameters` as it hands them over."""

    runs: float | None
    expression: str
    parameters: Mapping[str, Any]


class Side:
    """`stacks` are all that there are; nested ones follow their parents."""

    def __init__(self, stacks: Iterable[Stack], prices: Prices) -> None:
        self.stacks = {stack.name: stack for stack in stacks}
        self._prices = prices
        self._values: dict[str, Values] = {}
        self.triggers: Mapping[Key, list[Trigger]] = {}
        self._subnets: dict[str, list[tuple[Any, Any]]] = {}

    def values(self, stack: Stack) -> Values:
        if stack.name not in self._values:
            region = stack.region if re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", stack.region) else ""
            self._values[stack.name] = Values(stack, region, self._given(stack))
        return self._values[stack.name]

    def rate(self, stack: Stack, component: str, instance_type: str) -> Rate:
        """What one instance costs by the hour; without a region, in us-east-1."""
        return self._prices.rate(stack.region or REGION, component, instance_type)

    def named(self, stack: Stack, value: Any, kind: str) -> Iterator[Key]:
        """Resources of `kind` that `value` refers to, or names as their ARN's last part or their name."""
        yield from self.named_by(stack, self.values(stack).text(value), kind)

    def named_by(self, stack: Stack, text: str, kind: str, depth: int = 0) -> Iterator[Key]:
        """Those that a text of `Values.text` does."""
        for reference in references(text):
            if reference.startswith("import "):
                exported = self._exports.get((stack.environment, reference.removeprefix("import ")))
                if exported and depth < _DEEPEST:
                    home, value = exported
                    yield from self.named_by(home, self.values(home).text(value), kind, depth + 1)
            else:
                found = stack.resources.get(reference.split(".")[0])
                if found and found.type == kind:
                    yield stack.name, found.logical_id
        for part in dict.fromkeys((text, re.split(r"[:/]", text)[-1])):
            # The same name may stand in several stages and regions.
            if keys := self._by_name.get((kind, part.lower())):
                yield min(keys, key=lambda key: (key[0] != stack.name, _stage(key[0]) != _stage(stack.name)))

    def of_kind(self, kind: str) -> list[tuple[Stack, Resource]]:
        return self._kinds.get(kind, [])

    def subnets(self, stack: Stack) -> list[tuple[Any, Any]]:
        """The zone and the network of each of the stack's, as they are written."""
        if stack.name not in self._subnets:
            values, of = self.values(stack), [r for s, r in self.of_kind("AWS::EC2::Subnet") if s.name == stack.name]
            pairs = [(values.raw(r.properties, "AvailabilityZone"), values.raw(r.properties, "VpcId")) for r in of]
            self._subnets[stack.name] = pairs
        return self._subnets[stack.name]

    def _given(self, stack: Stack) -> dict[str, Any]:
        """What the parent of a nested stack says of its parameters, as far as that is known."""
        if stack.name not in self._parents:
            return {}
        outer, logical_id = self._parents[stack.name]
        values = self.values(self.stacks[outer])
        handed = self.stacks[outer].resources[logical_id].properties.get("Parameters")
        return {name: values.of(value) for name, value in handed.items()} if isinstance(handed, dict) else {}

    @cached_property
    def _parents(self) -> dict[str, Key]:
        return {child: key for key, child in nested_stacks(self.stacks)}

    @cached_property
    def configurations_in_use(self) -> set[Key]:
        """Those of endpoints, of which an endpoint of these stacks is made."""
        return {
            key
            for stack, endpoint in self.of_kind("AWS::SageMaker::Endpoint")
            for key in self.named(
                stack,
                self.values(stack).raw(endpoint.properties, "EndpointConfigName"),
                "AWS::SageMaker::EndpointConfig",
            )
        }

    @cached_property
    def _kinds(self) -> dict[str, list[tuple[Stack, Resource]]]:
        found: dict[str, list[tuple[Stack, Resource]]] = defaultdict(list)
        for stack in self.stacks.values():
            for resource in stack.resources.values():
                found[resource.type].append((stack, resource))
        return found

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], list[Key]]:
        found: dict[tuple[str, str], list[Key]] = defaultdict(list)
        for kind, name in _NAMES.items():
            for stack, resource in self.of_kind(kind):
                told = self.values(stack).at(resource.properties, name)
                if isinstance(told, str) and told:
                    found[kind, told.lower()].append((stack.name, resource.logical_id))
        return found

    @cached_property
    def _exports(self) -> dict[tuple[str, str], tuple[Stack, Any]]:
        """By environment and name."""
        found: dict[tuple[str, str], tuple[Stack, Any]] = {}
        for stack in self.stacks.values():
            outputs = stack.template.get("Outputs")
            for output in outputs.values() if isinstance(outputs, dict) else ():
                match output:
                    case {"Export": {"Name": name}, "Value": value}:
                        found[stack.environment, self.values(stack).text(name)] = stack, value
        return found


def _stage(name: str) -> str:
    return name.partition("/")[0] if "/" in name else ""
