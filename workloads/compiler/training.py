"""The training step of a pipeline: a built-in algorithm, the workload's own script, or a search over its runs."""

# pyright: reportMissingImports=false

import json
from collections.abc import Mapping
from typing import Any

from sagemaker.core.shapes import Channel, CheckpointConfig, DataSource, MetricDefinition, S3DataSource
from sagemaker.core.training.configs import Compute, Networking, OutputDataConfig, StoppingCondition
from sagemaker.mlops.workflow.steps import TrainingStep
from sagemaker.train.model_trainer import ModelTrainer

from config.workload import Script
from workloads.compiler.complete import Completed
from workloads.compiler.plan import CODE, KEY, SECURITY_GROUPS, SUBNETS, Plan, image

ML = "/opt/ml"
CODE_FOLDER = f"{ML}/input/data/code"
# The script finds hyperparameters, channels and checkpoints below this folder.
COMMAND = ["train", "--job", ML]


class CompletedTrainingStep(Completed, TrainingStep):
    """A training step with what ModelTrainer has no argument for."""


def channel(name: str, uri: object, *, shard: bool = False, **more: str) -> Channel:
    """The input `name` of training jobs, whole on each instance or, as a `shard`, a part of its objects on each."""
    distribution = "ShardedByS3Key" if shard else "FullyReplicated"
    source = S3DataSource(s3_data_type="S3Prefix", s3_uri=uri, s3_data_distribution_type=distribution)
    return Channel(channel_name=name, data_source=DataSource(s3_data_source=source), **more)


def built_in(plan: Plan, image: str, hyperparameters: Mapping[str, object], channels: list[Channel]) -> TrainingStep:
    """A training job of one of SageMaker's own algorithms."""
    run = trainer(plan, "train", image, hyperparameters).train(input_data_config=channels)
    return TrainingStep(name="Train", step_args=run, cache_config=plan.cache(), retry_policies=plan.retries(job=True))


def script(plan: Plan, channels: list[Channel]) -> TrainingStep:
    """A training job that runs the workload's own `train`, on as many instances as workload.yaml says."""
    made = script_trainer(plan, "train", hyperparameters(plan))
    if definitions := metrics(plan):
        made = made.with_metric_definitions([MetricDefinition(**each) for each in definitions])
    entry = {"ContainerEntrypoint": ["python3", f"{CODE_FOLDER}/${{CodeKey}}"], "ContainerArguments": COMMAND}
    return CompletedTrainingStep(
        {"AlgorithmSpecification": entry, **_debugger(plan)},
        name="Train",
        step_args=made.train(input_data_config=[channel("code", CODE), *channels]),
        cache_config=plan.cache(),
        retry_policies=plan.retries(job=True),
    )


def hyperparameters(plan: Plan) -> dict[str, object]:
    """What the script is told by name: the algorithm's own, the column to predict, what its hook watches for, and the
    pattern by which the service looks for the metric, since the service itself says nothing where it finds none.
    """
    workload = plan.workload
    assert isinstance(workload.algorithm, Script)
    told: dict[str, object] = {"target": workload.data.target}
    if workload.watch:
        told["watch"] = json.dumps(workload.watch, sort_keys=True)
    if workload.metric.pattern:
        told["metric_pattern"] = json.dumps(workload.metric.pattern)  # it may begin with a quote, as JSON does
    return {**workload.algorithm.hyperparameters, **told}


def metrics(plan: Plan) -> list[dict[str, str]]:
    """How the service finds the metric in the log."""
    metric = plan.workload.metric
    return [{"name": metric.name, "regex": metric.pattern}] if metric.pattern else []


def script_trainer(plan: Plan, step: str, hyperparameters: Mapping[str, object]) -> ModelTrainer:
    """The trainer of a script, which resumes from its checkpoints."""
    made = trainer(plan, step, image(plan.workload, "train"), hyperparameters)
    return made.with_checkpoint_config(CheckpointConfig(s3_uri=plan.uri("checkpoints"), local_path=f"{ML}/checkpoints"))


def trainer(plan: Plan, step: str, image: str, hyperparameters: Mapping[str, object]) -> ModelTrainer:
    """What all training jobs have in common: instances, spot, key, network, limits and where the model goes."""
    settings = plan.training
    return ModelTrainer(
        sagemaker_session=plan.session,
        role=plan.role,
        training_image=image,
        training_input_mode="File",
        base_job_name=plan.name,
        hyperparameters=dict(hyperparameters),
        compute=Compute(
            instance_type=settings.instance_type,
            instance_count=settings.instance_count,
            volume_size_in_gb=settings.volume_gb,
            volume_kms_key_id=KEY,
            enable_managed_spot_training=settings.spot,
        ),
        networking=Networking(
            subnets=SUBNETS,
            security_group_ids=SECURITY_GROUPS,
            enable_network_isolation=True,
            enable_inter_container_traffic_encryption=True,
        ),
        stopping_condition=StoppingCondition(
            max_runtime_in_seconds=settings.max_run_seconds,
            # The service refuses a max wait on a job that is not spot.
            **({"max_wait_time_in_seconds": settings.max_wait_seconds} if settings.spot else {}),
        ),
        output_data_config=OutputDataConfig(s3_output_path=plan.uri(step), kms_key_id=KEY),
    )


def _debugger(plan: Plan) -> dict[str, Any]:
    """SageMaker Debugger's own rules, for accounts that had them before 2026-07-30. Validated here, never run."""
    if not plan.workload.debugger:
        return {}
    rules = [
        {
            "RuleConfigurationName": name,
            "RuleEvaluatorImage": "${DebuggerImage}",
            "RuleParameters": {"rule_to_invoke": name},
        }
        for name in plan.workload.debugger
    ]
    return {"DebugHookConfig": {"S3OutputPath": plan.uri("debugger")}, "DebugRuleConfigurations": rules}
