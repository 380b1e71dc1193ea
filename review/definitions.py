"""Definitions that a template holds as one text (pipelines, state machines, dashboards), read as what they are.

A pipeline is compared step by step and a state machine state by state; each line says what one of them changes.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from review.shown import shown, shown_leaf
from review.values import ABSENT, CLOSE, OPEN, leaves, plain

_BODY = "PipelineDefinitionBody"
# What a reviewer calls some of the arguments; the others go by their paths.
_WORDS = {
    "InstanceType": "instance",
    "InstanceCount": "instances",
    "VolumeSizeInGB": "volume (GB)",
    "EnableManagedSpotTraining": "spot",
    "MaxRuntimeInSeconds": "max run time (s)",
    "MaxWaitTimeInSeconds": "max wait (s)",
    "MaxNumberOfTrainingJobs": "tuning jobs",
    "MaxParallelTrainingJobs": "parallel tuning jobs",
    "TrainingImage": "image",
    "ImageUri": "image",
    "Image": "image",
    "EnableNetworkIsolation": "network isolation",
    "EnableInterContainerTrafficEncryption": "encryption between containers",
    "RoleArn": "role",
}
# So many lines of one definition: a rewritten one is not reviewed line by line.
_LINES = 60
_NESTED_STEPS = ("IfSteps", "ElseSteps", "Steps")
_TOKENS = re.compile(rf'"(?:\\.|[^"\\])*"|{OPEN}[^{CLOSE}]*{CLOSE}')


def lines(kind: str, name: str, before: Any, after: Any) -> list[str] | None:
    """What changes from one plain value of a property to another; None where it holds no definition."""
    old, new = _definition(kind, name, before), _definition(kind, name, after)
    if name in _NAMED.get(kind, ()) and (_is_unreadable(before, old) or _is_unreadable(after, new)):
        return [f"{name} cannot be read as JSON"]
    if (old is None and before is not ABSENT) or (new is None and after is not ABSENT) or (old is None and new is None):
        return None
    if kind == "AWS::SageMaker::Pipeline":
        found = list(_pipeline(old or {}, new or {}))
    elif kind == "AWS::StepFunctions::StateMachine":
        found = list(_machine(old or {}, new or {}))
    else:
        found = [f"{name}: {line}" for line in _places(old or {}, new or {})]
    return found[:_LINES] + ([f"and {len(found) - _LINES} more"] if len(found) > _LINES else [])


def summary(kind: str, name: str, value: Any) -> str:
    """A definition in three words, such as `7 steps`; empty for what is none."""
    found = _definition(kind, name, value)
    if found is None:
        text = value.get(_BODY) if isinstance(value, dict) else value
        return f"a text of {len(text)} characters" if name in _NAMED.get(kind, ()) and isinstance(text, str) else ""
    if kind == "AWS::SageMaker::Pipeline":
        return f"{len(dict(_steps(found.get('Steps'))))} steps"
    if kind == "AWS::StepFunctions::StateMachine":
        return f"{len(dict(_states(found)))} states"
    return f"JSON with {', '.join(sorted(map(str, found))[:3])}"


_NAMED = {
    "AWS::SageMaker::Pipeline": ("PipelineDefinition",),
    "AWS::StepFunctions::StateMachine": ("DefinitionString", "Definition"),
}


def _definition(kind: str, name: str, value: Any) -> Mapping[str, Any] | None:
    if kind in _NAMED:
        if name not in _NAMED[kind]:
            return None
        if isinstance(value, dict):
            return (
                _parsed(value[_BODY]) if _BODY in value else None if "PipelineDefinitionS3Location" in value else value
            )
    return _parsed(value) if isinstance(value, str) else None


def _is_unreadable(value: Any, definition: Any) -> bool:
    """A definition that lies in a bucket is not at hand, which its place tells."""
    return definition is None and (isinstance(value, str) or (isinstance(value, dict) and _BODY in value))


def _parsed(text: Any) -> Mapping[str, Any] | None:
    if not isinstance(text, str) or not text.lstrip().startswith("{"):
        return text if isinstance(text, dict) else None
    # A reference may stand where JSON has a number.
    quoted = _TOKENS.sub(lambda found: found[0] if found[0][0] == '"' else json.dumps(found[0]), text)
    try:
        found = json.loads(quoted, strict=False)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _pipeline(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    old, new = (_named(side.get("Parameters")) for side in (before, after))
    yield from _compared("parameter", old, new)
    old, new = (dict(_steps(side.get("Steps"))) for side in (before, after))
    yield from _compared("step", old, new)
    old, new = ({key: side[key] for key in side if key not in ("Steps", "Parameters")} for side in (before, after))
    yield from (f"pipeline: {line}" for line in _places(old, new))


def _machine(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    yield from _compared("state", dict(_states(before)), dict(_states(after)))
    old, new = ({key: side[key] for key in side if key != "States"} for side in (before, after))
    yield from (f"state machine: {line}" for line in _places(old, new))


def _compared(noun: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in [*(name for name in before if name not in after), *after]:
        if name not in after:
            yield f"{noun} {name} removed{_about(before[name], name)}"
        elif name not in before:
            yield f"{noun} {name} added{_about(after[name], name)}"
        else:
            yield from (f"{noun} {name}: {line}" for line in _places(before[name], after[name], name))


def _places(before: Any, after: Any, within: str = "") -> Iterator[str]:
    for leaf in leaves(_read(plain(before)), _read(plain(after))):
        path = [part for part in leaf.path if part != "Arguments"]
        last = next((part for part in reversed(path) if part != "*"), "")
        # A parameter's default is as secret as the parameter's own name says.
        old, new = shown_leaf(leaf._replace(called=within) if last == "DefaultValue" else leaf)
        what = _WORDS.get(last) or ".".join(path).replace(".*", "[]")
        yield f"{what} {old or 'absent'} → {new or 'absent'}" if old != new else f"{what} changed"


def _read(value: Any) -> Any:
    """A pipeline's own references as texts: `{"Get": "Parameters.Instance"}` is `Parameters.Instance`."""
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(value.get("Get"), str):
            return value["Get"]
        return {key: _read(item) for key, item in value.items()}
    return [_read(item) for item in value] if isinstance(value, list) else value


def _about(found: Any, name: str) -> str:
    """What one that comes or goes is: its type, and what it runs on."""
    if not isinstance(found, Mapping):
        return ""
    flat = {leaf.path[-1]: leaf.after for leaf in leaves(ABSENT, _read(plain(found))) if leaf.path}
    parts = [shown(found["Type"])] if "Type" in found else []
    if "DefaultValue" in found:
        parts.append(f"default {shown(found['DefaultValue'], name)}")
    if "Resource" in found:
        parts.append(shown(found["Resource"]))
    if "InstanceType" in flat:
        parts.append(f"{shown(flat.get('InstanceCount', '1'))} x {shown(flat['InstanceType'])}")
    if flat.get("EnableManagedSpotTraining") == "true":
        parts.append("spot")
    parts += [
        f"{shown(flat[key])} {word}" for key, word in (("MaxNumberOfTrainingJobs", "tuning jobs"),) if key in flat
    ]
    return f" ({', '.join(parts)})" if parts else ""


def _named(items: Any) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for item in items if isinstance(items, list) else ():
        name = str(item.get("Name", "?")) if isinstance(item, Mapping) else "?"
        while name in named:
            name += " again"
        named[name] = (
            {key: inner for key, inner in item.items() if key != "Name"} if isinstance(item, Mapping) else item
        )
    return named


def _steps(items: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Every step by its name, those within conditions too; of these the condition keeps the names alone."""
    for name, step in _named(items).items():
        arguments = step.get("Arguments") if isinstance(step, Mapping) else None
        if not isinstance(arguments, Mapping):
            yield above + name, step
            continue
        inner = {key: arguments[key] for key in _NESTED_STEPS if isinstance(arguments.get(key), list)}
        kept = {**arguments, **{key: list(_named(steps)) for key, steps in inner.items()}}
        yield above + name, {**step, "Arguments": kept}
        for steps in inner.values():
            yield from _steps(steps)


def _states(machine: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    states = machine.get("States") if isinstance(machine, Mapping) else None
    for name, state in states.items() if isinstance(states, Mapping) else ():
        if not isinstance(state, Mapping):
            yield above + name, state
            continue
        inner = [(key, state[key]) for key in ("ItemProcessor", "Iterator") if isinstance(state.get(key), Mapping)]
        branches = state.get("Branches")
        inner += [(f"branch {n}", branch) for n, branch in enumerate(branches, 1)] if isinstance(branches, list) else []
        yield above + name, {key: item for key, item in state.items() if key not in ("Branches", *dict(inner))}
        for key, machine_within in inner:
            within = above + name + (f" {key}" if key.startswith("branch") else "") + "/"
            yield from _states(machine_within, within)
            if isinstance(machine_within, Mapping):
                yield f"{within}*", {key: item for key, item in machine_within.items() if key != "States"}
