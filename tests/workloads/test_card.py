"""The model card of each committed registration fits what AWS says of the cards of model packages.

Members, lengths and choices as in AWS, "View and Update the Details of a Model Version", "Model package model card
schema". The page itself was not at hand: they are also those of the SageMaker SDK's shapes of a card.
"""

import json
from pathlib import Path
from typing import Any

import pytest

WORKLOADS = Path(__file__).parents[2] / "workloads"
# Those that end in a registration step.
REGISTERING = sorted(
    path.parent.name for path in WORKLOADS.glob("*/pipeline.json") if "RegisterModel" in path.read_text()
)
ARN = "arn:aws:sagemaker:us-east-1:111122223333:training-job/a"
# A text's most characters; the choices; or what a list or object holds.
SCHEMA: dict[str, Any] = {
    "model_overview": {"model_creator": 1024, "model_artifact": [1024]},
    "intended_uses": {
        "purpose_of_model": 2048,
        "intended_uses": 2048,
        "factors_affecting_model_efficiency": 2048,
        "risk_rating": ("High", "Medium", "Low", "Unknown"),
        "explanations_for_risk_rating": 2048,
    },
    "training_details": {
        "objective_function": {
            "function": {"function": ("Maximize", "Minimize"), "facet": 63, "condition": 63},
            "notes": 1024,
        },
        "training_observations": 1024,
        "training_job_details": {
            "training_arn": 1024,
            "training_datasets": [1024],
            "training_environment": {"container_image": [1024]},
            "user_provided_hyper_parameters": [{"name": 255, "value": 255}],
        },
    },
    "evaluation_details": [
        {"name": 63, "evaluation_observation": 2096, "evaluation_job_arn": 256, "datasets": [1024], "metadata": {}}
    ],
}


def misfits(value: Any, schema: Any, place: str = "card") -> list[str]:
    """Where `value` is not what the schema says."""
    if isinstance(schema, dict):
        unknown = [f"{place}.{name}" for name in value if name not in schema]
        return unknown + [m for n in value if n in schema for m in misfits(value[n], schema[n], f"{place}.{n}")]
    if isinstance(schema, list):
        return [m for index, entry in enumerate(value) for m in misfits(entry, schema[0], f"{place}[{index}]")]
    fits = value in schema if isinstance(schema, tuple) else isinstance(value, str) and 0 < len(value) <= schema
    return [] if fits else [place]


def card(workload: str) -> dict[str, Any]:
    """ModelCard of the workload's registration, with an ARN for each value of the run."""
    better = json.loads((WORKLOADS / workload / "pipeline.json").read_text())["Steps"][-1]
    [register] = better["Arguments"]["IfSteps"]
    found = register["Arguments"]["ModelCard"]
    join = found["ModelCardContent"]["Std:Join"]
    assert join["On"] == ""
    content = "".join(value if isinstance(value, str) else ARN for value in join["Values"])
    return {**found, "ModelCardContent": json.loads(content)}


@pytest.mark.parametrize("workload", REGISTERING)
def test_a_card_is_a_draft_that_fits_the_schema(workload: str) -> None:
    found = card(workload)
    assert found["ModelCardStatus"] == "Draft"
    assert misfits(found["ModelCardContent"], SCHEMA) == []
    assert set(found["ModelCardContent"]) == set(SCHEMA)


def test_a_card_that_does_not_fit_is_found() -> None:
    wrong = {
        "model_overview": {"model_name": "x"},
        "intended_uses": {"risk_rating": "Some", "intended_uses": "x" * 2049},
    }
    assert misfits(wrong, SCHEMA) == [
        "card.model_overview.model_name",
        "card.intended_uses.risk_rating",
        "card.intended_uses.intended_uses",
    ]


def test_hyperparameters_that_are_searched_for_are_not_told_as_fixed() -> None:
    job = card("tabular")["ModelCardContent"]["training_details"]["training_job_details"]
    assert [given["name"] for given in job["user_provided_hyper_parameters"]] == ["iterations", "seed"]
