"""The search for hyperparameters as a pipeline step."""

# pyright: reportMissingImports=false

from typing import Any

from sagemaker.core.parameter import CategoricalParameter, ContinuousParameter, IntegerParameter, ParameterRange
from sagemaker.core.shapes import BestObjectiveNotImproving, Channel, TuningJobCompletionCriteria
from sagemaker.core.workflow.functions import Join
from sagemaker.mlops.workflow.steps import TuningStep
from sagemaker.train.tuner import HyperparameterTuner

from config.tuning import Choices, Numbers, Tuning
from workloads.compiler.complete import Completed
from workloads.compiler.plan import CODE, KEY, Plan
from workloads.compiler.training import CODE_FOLDER, COMMAND, channel, hyperparameters, metrics, script_trainer

# A tuning's training jobs have no ContainerEntrypoint, so the framework image's own one runs the script: it copies
# this folder to /opt/ml/code and runs a file that ends in .py with all hyperparameters as arguments. Python runs a
# zip of that name by its __main__.py, which takes the command from the environment instead. Source: AWS, SageMaker
# Training Toolkit (entry_point.run, files.download_and_extract). A local folder, since an isolated job reaches no S3.
SCRIPT_MODE = {"sagemaker_program": "${CodeKey}", "sagemaker_submit_directory": CODE_FOLDER}
ENVIRONMENT = {"SLUICE_COMMAND": " ".join(COMMAND)}


class CompletedTuningStep(Completed, TuningStep):
    """A tuning step with what HyperparameterTuner drops of its trainer."""


def tune(plan: Plan, channels: list[Channel]) -> TuningStep:
    """The search that workload.yaml describes, over runs of the workload's own `train`."""
    workload, search = plan.workload, plan.workload.tuning
    assert search is not None
    trainer = script_trainer(plan, "tune", {**hyperparameters(plan), **SCRIPT_MODE})
    trainer.environment = dict(ENVIRONMENT)
    tuner = HyperparameterTuner(
        model_trainer=trainer,
        objective_metric_name=workload.metric.name,
        objective_type=workload.metric.direction.capitalize(),
        metric_definitions=metrics(plan),
        hyperparameter_ranges={name: _range(given) for name, given in search.ranges.items()},
        strategy=search.strategy,
        max_jobs=search.max_jobs,
        max_parallel_jobs=search.parallel_jobs,
        max_runtime_in_seconds=search.max_run_seconds,
        early_stopping_type="Auto" if search.early_stopping else "Off",
        completion_criteria_config=_criteria(search),
    )
    # No CacheConfig: every place of a search holds the execution, so no two requests are the same.
    return CompletedTuningStep(
        dropped(search),
        name="Tune",
        step_args=tuner.tune(inputs=[channel("code", CODE), *channels]),
        retry_policies=plan.retries(job=False),  # AWS: a tuning retries what its jobs end with by itself
    )


def dropped(search: Tuning) -> dict[str, Any]:
    """What HyperparameterTuner 3.27 leaves out: of the trainer key, encryption and isolation, and a seed of 0."""
    definition = {
        "ResourceConfig": {"VolumeKmsKeyId": KEY},
        "EnableInterContainerTrafficEncryption": True,
        "EnableNetworkIsolation": True,
    }
    return {
        "TrainingJobDefinition": definition,
        "HyperParameterTuningJobConfig": {"RandomSeed": search.seed},
    }


def best_model(plan: Plan, step: TuningStep) -> Join:
    """The artifact of the best training job, which lies where TuningStep.get_top_model_s3_uri looks for it."""
    return plan.uri("tune", step.properties.BestTrainingJob.TrainingJobName, "output/model.tar.gz")


def _range(given: Numbers | Choices) -> ParameterRange:
    if isinstance(given, Choices):
        return CategoricalParameter(list(given.values))
    if given.type == "integer":
        return IntegerParameter(int(given.min), int(given.max), scaling_type=given.scale)
    return ContinuousParameter(given.min, given.max, scaling_type=given.scale)


def _criteria(search: Tuning) -> TuningJobCompletionCriteria | None:
    criteria: dict[str, Any] = {}
    if search.target is not None:
        criteria["target_objective_metric_value"] = search.target
    if (most := search.jobs_without_improvement) is not None:
        criteria["best_objective_not_improving"] = BestObjectiveNotImproving(
            max_number_of_training_jobs_not_improving=most
        )
    return TuningJobCompletionCriteria(**criteria) if criteria else None
