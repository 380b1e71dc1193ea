"""The model card that is registered with a model.

Its schema is the simplified one of model packages: AWS, "View and Update the Details of a Model Version", model package
model card schema. That the service takes a card that is joined together at run time is not verified.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from config.workload import Script
from workloads.compiler.plan import Plan, text

MOST, MOST_FACET = 255, 63  # characters of a hyperparameter's name and value, and of an objective's name


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a model when the pipeline runs: URIs and ARNs, which need no escape in JSON."""

    model: object
    image: str
    training_job: object
    training_data: object
    evaluation_job: object
    evaluation: object


def card(plan: Plan, facts: Facts) -> dict[str, object]:
    """ModelCard of a CreateModelPackage request: a draft, to be completed by who approves the model."""
    values: list[object] = []

    def mark(value: object) -> str:
        values.append(value)
        return f"\0{len(values) - 1}\0"

    content = json.dumps(_content(plan, facts), sort_keys=True, default=mark)
    parts = re.split(r"\\u0000(\d+)\\u0000", content)
    joined = text(*(values[int(part)] if index % 2 else part for index, part in enumerate(parts)))
    return {"ModelCardContent": joined, "ModelCardStatus": "Draft"}


def _content(plan: Plan, facts: Facts) -> dict[str, Any]:
    return {
        "model_overview": {"model_creator": f"pipeline of the workload {plan.name}", "model_artifact": [facts.model]},
        "intended_uses": {
            "purpose_of_model": plan.workload.description,
            "intended_uses": "What the workload's endpoint is asked for",
            "risk_rating": "Unknown",
            "explanations_for_risk_rating": "Nobody has rated it: whoever approves the model does",
        },
        "training_details": _training(plan, facts),
        "evaluation_details": [
            {
                "name": "Evaluate",
                "evaluation_job_arn": facts.evaluation_job,
                "evaluation_observation": "The model and the champion of its group, on the same held-out data",
                "datasets": [facts.evaluation],
            }
        ],
    }


def _training(plan: Plan, facts: Facts) -> dict[str, Any]:
    metric = plan.workload.metric
    kept = "lowest" if metric.direction == "minimize" else "highest"
    return {
        "objective_function": {
            "function": {"function": metric.direction.capitalize(), "facet": metric.name[:MOST_FACET]},
            "notes": f"The model with the {kept} {metric.name} is kept",
        },
        "training_job_details": {
            "training_arn": facts.training_job,
            "training_datasets": [facts.training_data],
            "training_environment": {"container_image": [facts.image]},
            "user_provided_hyper_parameters": _hyperparameters(plan),
        },
    }


def _hyperparameters(plan: Plan) -> list[dict[str, str]]:
    """Those that workload.yaml fixes; what a search chose stands in the package's metadata."""
    algorithm, search = plan.workload.algorithm, plan.workload.tuning
    given = algorithm.hyperparameters if isinstance(algorithm, Script) else algorithm.model_dump(exclude={"name"})
    tuned = search.ranges if search else {}
    return [{"name": name[:MOST], "value": str(value)[:MOST]} for name, value in given.items() if name not in tuned]
