"""What AWS refuses of a tuning job beyond its model. What this cloud does not do is in not_emulated.py.

Two messages are AWS's own as reported (aws/sagemaker-python-sdk#3932, aws/amazon-sagemaker-operator-for-k8s#123).
That a range of one value and a choice given twice are refused is said in aws/amazon-sagemaker-feedback#195; AWS's words
for that and for the rest are not verified.
"""

import math
from collections.abc import Iterator
from typing import Any

from rehearsal.sagemaker import job_requests
from rehearsal.sagemaker.store import AwsError, Record
from rehearsal.sagemaker.tuning_search import combinations


def check(record: Record) -> None:
    """Refuse a new tuning job. Raises AwsError with all that is wrong with its ranges at once."""
    config, definition = record["HyperParameterTuningJobConfig"], record["TrainingJobDefinition"]
    metrics = [each["Name"] for each in definition["AlgorithmSpecification"].get("MetricDefinitions", [])]
    if config["HyperParameterTuningJobObjective"]["MetricName"] not in metrics:
        raise _refusal(
            "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric "
            "definitions."
        )
    job_requests.check("TrainingJob", definition)
    found = list(_problems(config["ParameterRanges"], definition.get("StaticHyperParameters", {})))
    if found:
        raise _refusal("; ".join(found))
    _check_limits(config)


def _check_limits(config: dict[str, Any]) -> None:
    limits, there_are = config["ResourceLimits"], combinations(config["ParameterRanges"])
    most, at_once = limits.get("MaxNumberOfTrainingJobs"), limits["MaxParallelTrainingJobs"]
    if config["Strategy"] == "Grid":  # AWS on grid search: "If specified, the value ... should equal the total number"
        if any(config["ParameterRanges"].get(f"{kind}ParameterRanges") for kind in ("Integer", "Continuous")):
            raise _refusal("Strategy Grid takes CategoricalParameterRanges only.")
        if most not in (None, there_are):
            raise _refusal(
                f"MaxNumberOfTrainingJobs {most} must be {there_are}, the number of combinations, or left out."
            )
        return
    if at_once > most:
        raise _refusal(f"MaxParallelTrainingJobs {at_once} must not be greater than MaxNumberOfTrainingJobs {most}.")
    if there_are < most:
        raise _refusal(
            "You don't have enough combinations of hyperparameter ranges. The total number of hyperparameter "
            f"combinations for the provided ranges [{float(there_are)}] must be equal or greater than the value of "
            f"MaxNumberOfJobs, [{most}]. Provide additional ranges."
        )


def _problems(ranges: dict[str, Any], static: dict[str, str]) -> Iterator[str]:
    names = [each["Name"] for kind in ranges.values() for each in kind]
    if not names:
        yield "ParameterRanges has no range: give at least one hyperparameter to tune"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"Hyperparameter {name} has more than one range"
    for name in sorted({*names} & {*static}):
        yield f"Hyperparameter {name} is both static and tuned"
    for each in ranges.get("CategoricalParameterRanges", []):
        if len({*each["Values"]}) < len(each["Values"]):
            yield f"Hyperparameter {each['Name']} has a value more than once: {', '.join(each['Values'])}"
    for each in ranges.get("IntegerParameterRanges", []):
        yield from _range_problems(each, int)
    for each in ranges.get("ContinuousParameterRanges", []):
        yield from _range_problems(each, float)


def _range_problems(each: dict[str, str], number: type[int] | type[float]) -> Iterator[str]:
    """ScalingType: AWS, "Define Hyperparameter Ranges", Hyperparameter Scaling."""
    name, scaling = each["Name"], each.get("ScalingType", "Auto")
    try:
        low, high = number(each["MinValue"]), number(each["MaxValue"])
    except ValueError:
        kind = "a whole number" if number is int else "a number"
        yield f"MinValue {each['MinValue']} or MaxValue {each['MaxValue']} of hyperparameter {name} is not {kind}"
        return
    if not low < high or math.isinf(high - low):
        yield f"MinValue {each['MinValue']} of hyperparameter {name} must be less than its MaxValue {each['MaxValue']}"
    if scaling == "Logarithmic" and low <= 0:
        yield f"Hyperparameter {name}: ScalingType Logarithmic needs values greater than 0"
    if scaling == "ReverseLogarithmic" and (number is int or not 0 <= low <= high < 1):
        yield f"Hyperparameter {name}: ScalingType ReverseLogarithmic needs a continuous range within 0 <= x < 1"


def _refusal(message: str) -> AwsError:
    return AwsError("ValidationException", message)
