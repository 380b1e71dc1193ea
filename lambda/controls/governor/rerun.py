"""The request that starts a spot job once more on demand, made from what SageMaker tells of the job.

Sources: the members of AWS's Create operations and their Describe answers, which have the same shapes (a test holds
them together); AWS, "Run a Warm Start Hyperparameter Tuning Job".
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from controls.jobs.jobs import FALLBACK_OF_TAG, NOUNS, ON_DEMAND_TAG, Answer
from controls.resource import Kind

SUFFIX = "-od"
_LONGEST_NAME = {Kind.TRAINING_JOB: 63, Kind.TUNING_JOB: 32}
_MOST_TAGS, _MOST_PARENTS = 50, 5
# AWS describes warm starts for these two. Not verified: what it says to one by another strategy.
_WARM = ("Bayesian", "Random")


def name_of(kind: Kind, job: Answer) -> str:
    """`<name>-od`, always the same for a job; a name too long for that is cut and told apart by a hash of the ARN."""
    noun = NOUNS[kind]
    name, room = job[f"{noun}Name"], _LONGEST_NAME[kind] - len(SUFFIX)
    if len(name) > room:
        mark = hashlib.sha256(job[f"{noun}Arn"].encode()).hexdigest()[:8]
        name = f"{name[: room - 9].rstrip('-')}-{mark}"
    return name + SUFFIX


def request(kind: Kind, job: Answer, tags: Mapping[str, str], members: set[str], finished: int = 0) -> dict[str, Any]:
    """The same job on demand; `members` are those that the Create operation takes.

    Checkpoints, data, key, network, role and limits stay as they are. With `finished` trainings, a search starts from
    them and makes only the others.
    """
    noun = NOUNS[kind]
    kept = {name: value for name, value in job.items() if name in members and value not in ({}, [], "", None)}
    made = _search(kept, job, finished) if kind is Kind.TUNING_JOB else _on_demand(kept)
    return {**made, f"{noun}Name": name_of(kind, job), "Tags": _tags(tags, job[f"{noun}Name"])}


def starts_from_others(job: Answer) -> bool:
    """Whether a search can start from the trainings of an earlier one."""
    return job["HyperParameterTuningJobConfig"]["Strategy"] in _WARM


def without_metrics(asked: Mapping[str, Any]) -> dict[str, Any]:
    """SageMaker tells the metrics of its own algorithms, and refuses a request that gives them."""
    algorithm = {name: value for name, value in asked["AlgorithmSpecification"].items() if name != "MetricDefinitions"}
    return {**asked, "AlgorithmSpecification": algorithm}


def _on_demand(definition: Answer) -> dict[str, Any]:
    """Not verified: that AWS takes back every member that it tells of a job in any region and of any age."""
    changed: dict[str, Any] = {**definition, "EnableManagedSpotTraining": False}
    stopping = definition.get("StoppingCondition", {})
    changed["StoppingCondition"] = {name: each for name, each in stopping.items() if name != "MaxWaitTimeInSeconds"}
    return changed


def _search(kept: dict[str, Any], job: Answer, finished: int) -> dict[str, Any]:
    if "TrainingJobDefinitions" in kept:
        kept["TrainingJobDefinitions"] = [_on_demand(each) for each in kept["TrainingJobDefinitions"]]
    else:
        kept["TrainingJobDefinition"] = _on_demand(kept["TrainingJobDefinition"])
    if not finished:
        return kept
    config = kept["HyperParameterTuningJobConfig"]
    limits = dict(config["ResourceLimits"])
    if "MaxNumberOfTrainingJobs" in limits:
        rest = limits["MaxNumberOfTrainingJobs"] = limits["MaxNumberOfTrainingJobs"] - finished
        limits["MaxParallelTrainingJobs"] = min(rest, limits["MaxParallelTrainingJobs"])
    kept["HyperParameterTuningJobConfig"] = {**config, "ResourceLimits": limits}
    # A warm start reaches no further back than the searches that it names.
    earlier = kept.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", [])
    parents = [{"HyperParameterTuningJobName": job["HyperParameterTuningJobName"]}, *earlier][:_MOST_PARENTS]
    how = kept.get("WarmStartConfig", {}).get("WarmStartType", "IdenticalDataAndAlgorithm")
    kept["WarmStartConfig"] = {"ParentHyperParameterTuningJobs": parents, "WarmStartType": how}
    return kept


def _tags(tags: Mapping[str, str], name: str) -> list[dict[str, str]]:
    """The job's own, but for AWS's, which nobody may set; of too many the platform's are kept."""
    own = {key: value for key, value in tags.items() if not key.startswith("aws:")}
    ours = {ON_DEMAND_TAG: f"goes on for {name}", FALLBACK_OF_TAG: name}
    first = sorted(own.keys() - ours.keys(), key=lambda key: (not key.startswith("sluice:"), key))
    kept = {key: own[key] for key in first[: _MOST_TAGS - len(ours)]} | ours
    return [{"Key": key, "Value": value} for key, value in kept.items()]
