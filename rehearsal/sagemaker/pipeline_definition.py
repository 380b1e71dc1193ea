"""What a pipeline definition says, and the refusal of one that AWS or this cloud would not carry out.

Source: AWS, "Pipelines steps" and the definitions that the SageMaker SDK writes.
"""

import graphlib
import json
import re
from collections.abc import Iterator
from typing import Any

from rehearsal.sagemaker.store import AwsError

Step = dict[str, Any]

JOBS = {"Training": "TrainingJob", "Processing": "ProcessingJob", "Tuning": "HyperParameterTuningJob"}
SUPPORTED = (*JOBS, "Model", "RegisterModel", "Condition", "Fail", "Lambda")
CACHED = (*JOBS, "Lambda")
RETRIED = (*JOBS, "Model", "RegisterModel")
COMPARISONS = ("Equals", "GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo")
CONDITIONS = (*COMPARISONS, "In", "Not", "Or")
EXECUTION = (
    "PipelineName",
    "PipelineArn",
    "PipelineExecutionId",
    "PipelineExecutionArn",
    "StartDateTime",
    "CurrentDateTime",
)
EXCEPTIONS = (
    "Step.SERVICE_FAULT",
    "Step.THROTTLING",
    "SageMaker.JOB_INTERNAL_ERROR",
    "SageMaker.CAPACITY_ERROR",
    "SageMaker.RESOURCE_LIMIT",
)
# What each function is called with: of each group of members one.
_CALLS = {"Std:Join": (("On",), ("Values",)), "Std:JsonGet": (("Path",), ("PropertyFile", "S3Uri"))}
_TYPES = {"String": str, "Integer": int, "Float": float, "Boolean": lambda text: _BOOLEANS[text.lower()]}
_BOOLEANS = {"true": True, "false": False}
_SECONDS = {"Y": 365 * 86400, "M": 30 * 86400, "W": 7 * 86400, "D": 86400, "TH": 3600, "TM": 60, "TS": 1}
_DURATION = re.compile(r"P?(?P<days>(\d+[YMWD])*)(T(?P<time>(\d+[HMS])+))?", re.IGNORECASE)


def every(steps: list[Step]) -> Iterator[Step]:
    """All steps, those of conditions' branches included."""
    for step in steps:
        yield step
        for branch in branches(step):
            yield from every(branch)


def branches(step: Step) -> tuple[list[Step], list[Step]]:
    """The steps of a Condition step when it holds, and when it does not; none for other steps."""
    if step["Type"] != "Condition":
        return [], []
    return step["Arguments"].get("IfSteps", []), step["Arguments"].get("ElseSteps", [])


def needs(step: Step) -> set[str]:
    """The names of the steps that must end before this one can start."""
    used = step.get("Arguments", {})
    if step["Type"] == "Condition":
        used = used["Conditions"]
    paths = [path for path in _references([used, step.get("FunctionArn")]) if path.startswith("Steps.")]
    return {*(path.split(".")[1].split("[")[0] for path in paths), *step.get("DependsOn", [])}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"Get"}:
            yield value["Get"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def check(text: str) -> None:
    """Refuse a definition that cannot be read, that is no graph, or of which this cloud lacks something. AwsError."""
    try:
        definition = json.loads(text)
        steps = list(every(definition["Steps"]))
        names = [step["Name"] for step in steps]
        for step in steps:
            _check_step(step)
            missing = needs(step) - set(names)
            if missing or names.count(step["Name"]) > 1:
                raise _refusal(f"Step {step['Name']}: unknown steps {sorted(missing)} or a name given twice.")
        _check_references(definition)
        _check_order(steps)
        parameters(definition, {}, complete=False)
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise _refusal(f"The pipeline definition cannot be read: {error!r}.") from error


def _check_step(step: Step) -> None:
    if step["Type"] not in SUPPORTED:
        raise not_emulated(step, f"type {step['Type']} (this cloud runs {', '.join(SUPPORTED)})")
    cache = step.get("CacheConfig", {})
    if cache.get("Enabled"):
        if step["Type"] not in CACHED:
            raise not_emulated(step, f"CacheConfig of type {step['Type']}")
        duration_seconds(cache.get("ExpireAfter"))
    for policy in step.get("RetryPolicies", []):
        if step["Type"] not in RETRIED:
            raise not_emulated(step, f"RetryPolicies of type {step['Type']}")
        for unknown in sorted(set(policy) - {"ExceptionType", "MaxAttempts", "IntervalSeconds", "BackoffRate"}):
            raise not_emulated(step, f"RetryPolicies' {unknown}")
        for unknown in sorted(set(policy["ExceptionType"]) - set(EXCEPTIONS)):
            raise not_emulated(step, f"RetryPolicies' exception type {unknown}")
    for condition in step["Arguments"]["Conditions"] if step["Type"] == "Condition" else []:
        _check_condition(step, condition)
    _check_functions(step, [step.get("Arguments"), step.get("FunctionArn")])
    for file in step.get("PropertyFiles", []):
        _ = file["PropertyFileName"], file["OutputName"], file["FilePath"]
    for output in step.get("OutputParameters", []):
        _ = output["OutputName"]
    if step["Type"] == "Fail":
        _ = step["Arguments"]["ErrorMessage"]
    if step["Type"] == "Lambda":
        _ = step["FunctionArn"]


def _check_condition(step: Step, condition: dict[str, Any]) -> None:
    if condition["Type"] not in CONDITIONS:
        raise not_emulated(step, f"condition type {condition['Type']} (known: {', '.join(CONDITIONS)})")
    members = {"Not": ("Expression",), "Or": ("Conditions",), "In": ("QueryValue", "Values")}
    for name in members.get(condition["Type"], ("LeftValue", "RightValue")):
        if name not in condition:
            raise not_emulated(step, f"condition type {condition['Type']} without {name}")
    if condition["Type"] == "In" and not isinstance(condition["Values"], list):
        raise not_emulated(step, "condition type In with Values that are no list")
    if condition["Type"] == "Not":
        _check_condition(step, condition["Expression"])
    for inner in condition["Conditions"] if condition["Type"] == "Or" else []:
        _check_condition(step, inner)


def _check_functions(step: Step, value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _check_functions(step, item)
    elif isinstance(value, dict):
        for name, call in value.items():
            for alternatives in _CALLS.get(name, ()):
                if not any(member in call for member in alternatives):
                    raise not_emulated(step, f"{name} without {' or '.join(alternatives)}")
            _check_functions(step, call)


def _check_references(definition: dict[str, Any]) -> None:
    known = {f"Parameters.{p['Name']}" for p in declared(definition)} | {f"Execution.{name}" for name in EXECUTION}
    unknown = {path for path in _references(definition["Steps"]) if not path.startswith("Steps.")} - known
    if unknown:
        raise _refusal(f"References to {sorted(unknown)} are not emulated by this cloud; known: {sorted(known)}.")
    functions = set(re.findall(r'"(Std:\w+)":', json.dumps(definition["Steps"]))) - set(_CALLS)
    if functions:
        raise _refusal(f"Functions {sorted(functions)} are not emulated by this cloud.")


def _check_order(steps: list[Step]) -> None:
    order = {step["Name"]: needs(step) for step in steps}
    for step in steps:
        for inner in (*branches(step)[0], *branches(step)[1]):
            order[inner["Name"]].add(step["Name"])
    try:
        graphlib.TopologicalSorter(order).prepare()
    except graphlib.CycleError as error:
        raise _refusal(f"The steps {error.args[1]} wait for each other.") from error


def declared(definition: dict[str, Any]) -> list[dict[str, Any]]:
    return definition.get("Parameters") or []


def parameters(definition: dict[str, Any], given: dict[str, Any], *, complete: bool = True) -> dict[str, Any]:
    """The value of each parameter, of its declared type: as given, else its default. AwsError names what is wrong.

    A complete answer has a value for each; otherwise those without a default are left out.
    """
    known = {p["Name"]: p for p in declared(definition)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise _refusal(f"Pipeline parameters {unknown} are not declared; declared: {sorted(known)}.")
    values = {name: given.get(name, p.get("DefaultValue")) for name, p in known.items()}
    missing = [n for n, value in values.items() if value is None]
    if missing and complete:
        raise _refusal(f"Pipeline parameters {missing} have no default and were not given.")
    return {name: _typed(known[name], value) for name, value in values.items() if value is not None}


def _typed(parameter: dict[str, Any], value: Any) -> Any:
    wanted = parameter["Type"]
    if wanted not in _TYPES:
        raise _refusal(f"Pipeline parameter {parameter['Name']}: type {wanted} is not one of {sorted(_TYPES)}.")
    try:
        typed = _TYPES[wanted](str(value))
    except (ValueError, KeyError) as error:
        raise _refusal(f"Pipeline parameter {parameter['Name']}: {value!r} is not of type {wanted}.") from error
    allowed = parameter.get("EnumValues")
    if allowed and typed not in allowed:
        raise _refusal(f"Pipeline parameter {parameter['Name']}: {value!r} is not one of {allowed}.")
    return typed


def duration_seconds(text: str | None) -> float:
    """The seconds of an ISO 8601 duration as AWS takes it, its P optional ("30d", "PT5M"). None: without end."""
    if text is None:
        return float("inf")
    found = _DURATION.fullmatch(text)
    if not found or not (found["days"] or found["time"]):
        raise _refusal(f"ExpireAfter: {text!r} is not an ISO 8601 duration, such as P30D or PT5M.")
    parts = [(n, u) for n, u in re.findall(r"(\d+)(\D)", found["days"] or "")]
    parts += [(n, f"T{u}") for n, u in re.findall(r"(\d+)(\D)", found["time"] or "")]
    return float(sum(int(number) * _SECONDS[unit.upper()] for number, unit in parts))


def not_emulated(step: Step, what: str) -> AwsError:
    return _refusal(f"Step {step['Name']}: {what} is not emulated by this cloud.")


def _refusal(message: str) -> AwsError:
    return AwsError("ValidationException", message)
