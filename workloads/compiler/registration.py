"""The end of a pipeline: a model that is better than the champion is registered, any other one fails the run."""

# pyright: reportMissingImports=false

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from sagemaker.core.model_registry import create_model_package_from_containers
from sagemaker.core.workflow.conditions import ConditionEquals
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import JsonGet
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.lambda_step import LambdaStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep, Step, TrainingStep, TuningStep

from workloads.compiler.card import Facts, card
from workloads.compiler.complete import Completed
from workloads.compiler.plan import CODE, Plan, text
from workloads.compiler.processing import EVALUATION, MANIFEST, file, told
from workloads.compiler.tuning import best_model


@dataclass(frozen=True, kw_only=True)
class Served:
    """How a model is served: its image with its variables, and what it takes and answers."""

    image: str
    environment: Mapping[str, str] = field(default_factory=dict)
    takes: str = "text/csv"
    answers: str = "application/json"


@dataclass(frozen=True, kw_only=True)
class Reports:
    """What a run found out about its model and data: the URI of each report that the workload makes."""

    bias: object | None = None
    explanation: object | None = None
    statistics: object | None = None
    constraints: object | None = None


class CompletedModelStep(Completed, ModelStep):
    """A registration with what create_model_package_from_containers has no argument for."""


def pipeline(plan: Plan, steps: list[Step]) -> Pipeline:
    """The whole of it. `Manifest` is its one parameter."""
    return Pipeline(
        name=plan.name,
        parameters=[MANIFEST],
        steps=steps,
        sagemaker_session=plan.session,
        # The default would open a classic Experiment for each run, and that service takes no new accounts.
        pipeline_experiment_config=None,
    )


def model(plan: Plan, step: TrainingStep | TuningStep) -> object:
    """Where the model lies that a training step made, or the best one of a search."""
    if isinstance(step, TuningStep):
        return best_model(plan, step)
    return step.properties.ModelArtifacts.S3ModelArtifacts


def better(
    plan: Plan,
    begin: LambdaStep,
    train: TrainingStep | TuningStep,
    evaluate: ProcessingStep,
    *,
    data: object,
    served: Served,
    reports: Reports,
    test: object | None = None,
) -> ConditionStep:
    """Register, or NotBetter with the place of the evaluation. `data`: what the model was trained with.

    `test`: the rows that a later challenger is met on as well.
    """
    evaluation = file(evaluate, "evaluation", EVALUATION.path)
    reason = text(
        f"{plan.name}: not registered, because the model is not better; metric and reason lie in ", evaluation
    )
    facts = Facts(
        model=model(plan, train),
        image=served.image,
        training_job=_training_job(train).TrainingJobArn,
        training_data=data,
        evaluation_job=evaluate.properties.ProcessingJobArn,
        evaluation=evaluation,
    )
    return ConditionStep(
        name="Better",
        conditions=[ConditionEquals(JsonGet(evaluate.name, EVALUATION, "better"), True)],
        if_steps=[_register(plan, facts, served, reports, _origin(plan, begin, train, test))],
        else_steps=[FailStep(name="NotBetter", error_message=reason)],
    )


def _register(
    plan: Plan, facts: Facts, served: Served, reports: Reports, origin: dict[str, object]
) -> CompletedModelStep:
    # ModelBuilder.register would write this machine's region into the container's environment.
    plan.session.init_model_step_arguments(SimpleNamespace(sagemaker_session=plan.session))
    container = {"Image": served.image, "ModelDataUrl": facts.model}
    package = create_model_package_from_containers(
        plan.session,
        containers=[container | ({"Environment": dict(served.environment)} if served.environment else {})],
        model_package_group_name="${PackageGroup}",
        approval_status="PendingManualApproval",
        content_types=[served.takes],
        response_types=[served.answers],
        inference_instances=[plan.workload.serve.instance_type],
        model_metrics=_metrics(facts, reports),
        drift_check_baselines=_baselines(facts, reports),
        metadata_properties={"GeneratedBy": ExecutionVariables.PIPELINE_EXECUTION_ARN, "Repository": CODE},
        customer_metadata_properties=origin,
    )
    additions = {"ModelCard": card(plan, facts)}
    return CompletedModelStep(additions, name="Register", step_args=package, retry_policies=plan.retries(job=False))


def _origin(plan: Plan, begin: LambdaStep, train: Step, test: object | None) -> dict[str, object]:
    """Where a model comes from, for those who compare and repeat runs; a champion of version 0 means that none was.

    Of a search also what it chose, as `hyperparameter.NAME`; those that workload.yaml fixes stand on the model card.
    """
    searched: dict[str, object] = {}
    if plan.workload.tuning and isinstance(train, TuningStep):
        best = _training_job(train)
        searched["best_training_job"] = best.TrainingJobName
        for name in plan.workload.tuning.ranges:
            searched[f"hyperparameter.{name}"] = best.TunedHyperParameters[name]
    return {
        "execution": ExecutionVariables.PIPELINE_EXECUTION_ID,
        "manifest": told(begin, "ManifestUri"),
        "champion_version": told(begin, "ChampionVersion"),
        **({} if test is None else {"test": test}),
        **searched,
    }


def _training_job(step: Step) -> Any:
    return step.properties.BestTrainingJob if isinstance(step, TuningStep) else step.properties


def _metrics(facts: Facts, reports: Reports) -> dict[str, object]:
    return _filled(
        ModelQuality={"Statistics": facts.evaluation},
        ModelDataQuality={"Statistics": reports.statistics, "Constraints": reports.constraints},
        Bias={"Report": reports.bias},
        Explainability={"Report": reports.explanation},
    )


def _baselines(facts: Facts, reports: Reports) -> dict[str, object]:
    """What a monitor of the model compares with."""
    return _filled(
        ModelQuality={"Statistics": facts.evaluation},
        ModelDataQuality={"Statistics": reports.statistics, "Constraints": reports.constraints},
        Bias={"PostTrainingConstraints": reports.bias},
        Explainability={"Constraints": reports.explanation},
    )


def _filled(**kinds: dict[str, object | None]) -> dict[str, object]:
    """The kinds of reports with a place for each that there is."""
    made = {
        kind: {
            name: {"ContentType": "application/json", "S3Uri": uri} for name, uri in places.items() if uri is not None
        }
        for kind, places in kinds.items()
    }
    return {kind: places for kind, places in made.items() if places}
