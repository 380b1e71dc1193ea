"""What starts runs by itself: rules and schedules of EventBridge, and state machines that they start in turn."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from review.cloud_assembly import Stack
from review.cost_definition import machine_definition
from review.cost_run import states
from review.cost_schedule import runs_a_month
from review.cost_side import Key, Side, Trigger
from review.cost_values import UNKNOWN

_PIPELINE, _MACHINE = "AWS::SageMaker::Pipeline", "AWS::StepFunctions::StateMachine"


def triggers(side: Side) -> dict[Key, list[Trigger]]:
    """By the pipeline or state machine that they start."""
    found: dict[Key, list[Trigger]] = defaultdict(list)
    for key, trigger in _scheduled(side):
        found[key].append(trigger)
    for stack, resource in side.of_kind(_MACHINE):
        through = found.get((stack.name, resource.logical_id), [])
        definition = machine_definition(side.values(stack), resource) if through else None
        for _, state in states(definition) if definition else ():
            if str(state.get("Resource", "")).endswith(":sagemaker:startPipelineExecution"):
                asked = state.get("Arguments", state.get("Parameters"))
                name = str(asked.get("PipelineName", "")) if isinstance(asked, Mapping) else ""
                parameters = _parameters(side, stack, asked)
                for key in sorted({*side.named_by(stack, name, _PIPELINE)}):
                    found[key] += [replace(trigger, parameters=parameters) for trigger in through]
    return found


def _scheduled(side: Side) -> Iterator[tuple[Key, Trigger]]:
    for kind, targets in (("AWS::Scheduler::Schedule", "Target"), ("AWS::Events::Rule", "Targets")):
        for stack, resource in side.of_kind(kind):
            values = side.values(stack)
            expression = values.at(resource.properties, "ScheduleExpression")
            if expression is None or values.at(resource.properties, "State") == "DISABLED":
                continue
            runs = runs_a_month(expression) if isinstance(expression, str) else None
            shown = expression if isinstance(expression, str) else "a schedule that is not known"
            told = values.at(resource.properties, targets)
            for target in told if isinstance(told, list) else [told]:
                for key, parameters in _started(side, stack, values.of(target)):
                    yield key, Trigger(runs, shown, parameters)


def _started(side: Side, stack: Stack, target: Any) -> Iterator[tuple[Key, Mapping[str, Any]]]:
    """What a target is: a pipeline or state machine by its ARN, or by what a call of AWS's API is told."""
    values = side.values(stack)
    asked = _object(values.text(target, "Input"))
    handed = values.at(target, "SageMakerPipelineParameters", "PipelineParameterList")
    parameters = _parameters(side, stack, asked if handed is None else {"PipelineParameters": handed})
    names = [values.text(target, "Arn"), *(str(asked.get(name, "")) for name in ("PipelineName", "StateMachineArn"))]
    keys = {key for text in names for kind in (_PIPELINE, _MACHINE) for key in side.named_by(stack, text, kind)}
    return ((key, parameters) for key in sorted(keys))


def _parameters(side: Side, stack: Stack, asked: Any) -> dict[str, Any]:
    values = side.values(stack)
    handed = values.items(asked, "PipelineParameters") if isinstance(asked, Mapping) else []
    told = {values.text(each, "Name"): values.at(each, "Value") for each in handed}
    return {name: value for name, value in told.items() if value is not UNKNOWN}


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
