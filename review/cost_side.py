"""One side of a review as what costs is found in it: every stack's values, and which resource names which."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeGuard

from config.prices import REGION
from controls.prices import Prices, Rate
from review.cloud_assembly import Resource, Stack
from review.cost_schedule import runs_a_month
from review.cost_values import UNKNOWN, Values, references

Key = tuple[str, str]  # a stack's name and a logical ID
_NAMES = {
    "AWS::SageMaker::Endpoint": "EndpointName",
    "AWS::SageMaker::EndpointConfig": "EndpointConfigName",
    "AWS::SageMaker::InferenceComponent": "InferenceComponentName",
    "AWS::SageMaker::Pipeline": "PipelineName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}
TYPE_UNKNOWN = "instance type is not known from the template"
COUNT_UNKNOWN = "number of instances is not known from the template"
_TYPE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9-]+")
_DATE = re.compile(r"\b20\d\d(?:-\d\d){0,2}$")


@dataclass(frozen=True)
class Charge:
    """USD a month of one resource, in use and idle. None: it has no figure, and `unpriced` says why.

    `dates` are those of its prices.
    """

    usd: float | None = None
    idle: float | None = None
    assumption: str = ""
    estimated: bool = False
    unpriced: str = ""
    dates: tuple[str, ...] = ()


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

    def named_by(self, stack: Stack, text: str, kind: str) -> Iterator[Key]:
        """Those that a text of `Values.text` does."""
        for reference in references(text):
            if reference.startswith("import "):
                if exported := self._exports.get(reference.removeprefix("import ")):
                    yield from self.named(*exported, kind)
            else:
                found = stack.resources.get(reference.split(".")[0])
                if found and found.type == kind:
                    yield stack.name, found.logical_id
        for part in (text, re.split(r"[:/]", text)[-1]):
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

    def triggers(self, stack: Stack, resource: Resource) -> list[Trigger]:
        """Schedules that start it."""
        return self._triggers.get((stack.name, resource.logical_id), [])

    def _given(self, stack: Stack) -> dict[str, Any]:
        """What the parent of a nested stack says of its parameters, as far as that is known."""
        outer, _, inner = stack.name.rpartition("/")
        parent = self.stacks.get(outer)
        for resource in parent.resources.values() if parent else ():
            last = resource.path.rpartition("/")[2].removesuffix(".NestedStackResource").removesuffix(".NestedStack")
            if resource.type == "AWS::CloudFormation::Stack" and parent and last == inner:
                values, handed = self.values(parent), resource.properties.get("Parameters")
                return {name: values.of(value) for name, value in handed.items()} if isinstance(handed, dict) else {}
        return {}

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
    def _exports(self) -> dict[str, tuple[Stack, Any]]:
        found: dict[str, tuple[Stack, Any]] = {}
        for stack in self.stacks.values():
            outputs = stack.template.get("Outputs")
            for output in outputs.values() if isinstance(outputs, dict) else ():
                match output:
                    case {"Export": {"Name": name}, "Value": value}:
                        found[self.values(stack).text(name)] = stack, value
        return found

    @cached_property
    def _triggers(self) -> dict[Key, list[Trigger]]:
        found: dict[Key, list[Trigger]] = defaultdict(list)
        for kind, targets in (("AWS::Scheduler::Schedule", "Target"), ("AWS::Events::Rule", "Targets")):
            for stack, resource in self.of_kind(kind):
                values = self.values(stack)
                expression = values.at(resource.properties, "ScheduleExpression")
                if expression is None or values.at(resource.properties, "State") == "DISABLED":
                    continue
                told = values.at(resource.properties, targets)
                for target in told if isinstance(told, list) else [told]:
                    for key, parameters in self._started(stack, values.of(target)):
                        runs = runs_a_month(expression) if isinstance(expression, str) else None
                        shown = expression if isinstance(expression, str) else "a schedule that is not known"
                        found[key].append(Trigger(runs, shown, parameters))
        return found

    def _started(self, stack: Stack, target: Any) -> Iterator[tuple[Key, Mapping[str, Any]]]:
        values = self.values(stack)
        asked = _object(values.text(target, "Input"))
        handed = values.items(target, "SageMakerPipelineParameters", "PipelineParameterList")
        handed += asked.get("PipelineParameters", []) if isinstance(asked.get("PipelineParameters"), list) else []
        parameters = {values.text(each, "Name"): values.at(each, "Value") for each in handed}
        parameters = {name: value for name, value in parameters.items() if value is not UNKNOWN}
        names = [
            values.text(target, "Arn"),
            *(str(asked.get(name, "")) for name in ("PipelineName", "StateMachineArn")),
        ]
        keys = {
            key
            for text in names
            for kind in ("AWS::SageMaker::Pipeline", "AWS::StepFunctions::StateMachine")
            for key in self.named_by(stack, text, kind)
        }
        return ((key, parameters) for key in sorted(keys))


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _stage(name: str) -> str:
    return name.partition("/")[0] if "/" in name else ""


def dated(rate: Rate) -> tuple[str, ...]:
    """The date that the basis of a rate ends with."""
    found = _DATE.search(rate.basis)
    return (found[0],) if found else ()


def guessed(rate: Rate) -> str:
    """How an estimate was made; empty for a rate that is in the table."""
    return f" ({rate.basis})" if rate.estimated else ""


def is_type(value: Any) -> TypeGuard[str]:
    """Whether it is an instance type in the form of SageMaker's."""
    return isinstance(value, str) and _TYPE.fullmatch(value) is not None
