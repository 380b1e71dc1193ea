"""The digits pipeline: preprocess -> train (built-in K-means) -> evaluate -> register.

Compiled by `sluice pipelines compile`. What only a deployment knows stands as `${Name}`, which synthesis fills in.
"""

# pyright: reportMissingImports=false

from types import SimpleNamespace

from sagemaker.core.model_registry import create_model_package_from_containers
from sagemaker.core.network import NetworkConfig
from sagemaker.core.processing import Processor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.training.configs import (
    Compute,
    InputData,
    Networking,
    OutputDataConfig,
    S3DataSource,
    StoppingCondition,
)
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep
from sagemaker.train.model_trainer import ModelTrainer

from config.workload import Workload

# Placeholder -> the arguments of `sagemaker.core.image_uris.retrieve` that name its image in each region.
IMAGES = {
    "KmeansImage": {"framework": "kmeans"},
    "SklearnImage": {"framework": "sklearn", "version": "1.9-0", "image_scope": "training"},
}
KEY = "${KeyArn}"
SUBNETS = ["${SubnetIds}"]
SECURITY_GROUPS = ["${SecurityGroupIds}"]
PROCESSING = "/opt/ml/processing"


def build(workload: Workload, session: PipelineSession, role: str) -> Pipeline:
    """The pipeline of `workload`; its jobs run as `role`. No call leaves the machine."""
    preprocess = _preprocess(workload, session, role)
    train = _train(workload, session, role, preprocess)
    evaluate = _evaluate(workload, session, role, preprocess, train)
    register = _register(workload, session, train, evaluate)
    return Pipeline(
        name="digits",
        steps=[preprocess, train, evaluate, register],
        sagemaker_session=session,
        # The default would open a classic Experiment for each run, and that service takes no new accounts.
        pipeline_experiment_config=None,
    )


def _preprocess(workload: Workload, session: PipelineSession, role: str) -> ProcessingStep:
    # Twice as many shards as instances, so that sharding by key leaves no instance without data.
    shards = str(2 * workload.train.instance_count)
    arguments = ["preprocess", "--input", f"{PROCESSING}/input/data/digits.csv"]
    arguments += ["--train", f"{PROCESSING}/output/train", "--test", f"{PROCESSING}/output/test", "--shards", shards]
    run = _processor(workload, session, role).run(
        inputs=[_code(), _input("data", "s3://${DataBucket}/digits/digits.csv")],
        outputs=[_output("train", "preprocess"), _output("test", "preprocess")],
        arguments=arguments,
    )
    return ProcessingStep(name="Preprocess", step_args=run)


def _train(workload: Workload, session: PipelineSession, role: str, preprocess: ProcessingStep) -> TrainingStep:
    trainer = ModelTrainer(
        sagemaker_session=session,
        role=role,
        training_image="${KmeansImage}",
        training_input_mode="File",
        base_job_name="digits",
        hyperparameters={"k": workload.algorithm.k, "feature_dim": workload.algorithm.feature_dim},
        compute=Compute(
            instance_type=workload.train.instance_type,
            instance_count=workload.train.instance_count,
            volume_size_in_gb=workload.train.volume_gb,
            volume_kms_key_id=KEY,
            enable_managed_spot_training=workload.train.spot,
        ),
        networking=Networking(
            subnets=SUBNETS,
            security_group_ids=SECURITY_GROUPS,
            enable_network_isolation=True,
            enable_inter_container_traffic_encryption=True,
        ),
        stopping_condition=StoppingCondition(
            max_runtime_in_seconds=workload.train.max_run_seconds,
            # The service refuses a max wait on a job that is not spot.
            **({"max_wait_time_in_seconds": workload.train.max_wait_seconds} if workload.train.spot else {}),
        ),
        output_data_config=OutputDataConfig(s3_output_path=_run_uri("train"), kms_key_id=KEY),
    )
    data = S3DataSource(
        s3_data_type="S3Prefix",
        s3_uri=_output_uri(preprocess, "train"),
        s3_data_distribution_type="ShardedByS3Key",
    )
    channel = InputData(channel_name="train", data_source=data, content_type="text/csv;label_size=0")
    return TrainingStep(name="Train", step_args=trainer.train(input_data_config=[channel]))


def _evaluate(
    workload: Workload, session: PipelineSession, role: str, preprocess: ProcessingStep, train: TrainingStep
) -> ProcessingStep:
    arguments = ["evaluate", "--model", f"{PROCESSING}/input/model/model.tar.gz"]
    arguments += ["--test", f"{PROCESSING}/input/test", "--output", f"{PROCESSING}/output/evaluation"]
    run = _processor(workload, session, role).run(
        inputs=[
            _code(),
            _input("model", train.properties.ModelArtifacts.S3ModelArtifacts),
            _input("test", _output_uri(preprocess, "test")),
        ],
        outputs=[_output("evaluation", "evaluate")],
        arguments=arguments,
    )
    report = PropertyFile(name="Evaluation", output_name="evaluation", path="evaluation.json")
    return ProcessingStep(name="Evaluate", step_args=run, property_files=[report])


def _register(workload: Workload, session: PipelineSession, train: TrainingStep, evaluate: ProcessingStep) -> ModelStep:
    uri = Join(on="/", values=[_output_uri(evaluate, "evaluation"), "evaluation.json"])
    report = {"ContentType": "application/json", "S3Uri": uri}
    # ModelBuilder.register would write this machine's region into the container's environment.
    session.init_model_step_arguments(SimpleNamespace(sagemaker_session=session))
    package = create_model_package_from_containers(
        session,
        containers=[{"Image": "${KmeansImage}", "ModelDataUrl": train.properties.ModelArtifacts.S3ModelArtifacts}],
        model_package_group_name="${PackageGroup}",
        approval_status="PendingManualApproval",
        content_types=["text/csv"],
        response_types=["application/json"],
        inference_instances=[workload.serve.instance_type],
        model_metrics={"ModelQuality": {"Statistics": report}},
    )
    return ModelStep(name="Register", step_args=package)


def _processor(workload: Workload, session: PipelineSession, role: str) -> Processor:
    return Processor(
        role=role,
        image_uri="${SklearnImage}",
        # SageMaker names the downloaded file after the last part of its key; Python runs a zip by its __main__.py.
        entrypoint=["python3", f"{PROCESSING}/input/code/${{CodeKey}}"],
        instance_type=workload.process.instance_type,
        instance_count=1,
        volume_size_in_gb=workload.process.volume_gb,
        volume_kms_key=KEY,
        output_kms_key=KEY,
        max_runtime_in_seconds=workload.process.max_run_seconds,
        base_job_name="digits",
        network_config=NetworkConfig(
            enable_network_isolation=True,
            encrypt_inter_container_traffic=True,
            subnets=SUBNETS,
            security_group_ids=SECURITY_GROUPS,
        ),
        sagemaker_session=session,
    )


def _code() -> ProcessingInput:
    return _input("code", "s3://${CodeBucket}/${CodeKey}")


def _input(name: str, uri: object) -> ProcessingInput:
    source = ProcessingS3Input(
        s3_uri=uri, local_path=f"{PROCESSING}/input/{name}", s3_data_type="S3Prefix", s3_input_mode="File"
    )
    return ProcessingInput(input_name=name, s3_input=source)


def _output(name: str, step: str) -> ProcessingOutput:
    target = ProcessingS3Output(
        s3_uri=_run_uri(f"{step}/{name}"), local_path=f"{PROCESSING}/output/{name}", s3_upload_mode="EndOfJob"
    )
    return ProcessingOutput(output_name=name, s3_output=target)


def _output_uri(step: ProcessingStep, name: str) -> object:
    """Where a step's output `name` lies; using it makes the user run after that step."""
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def _run_uri(path: str) -> Join:
    """A place of this execution alone, so that no run overwrites another's data."""
    return Join(on="/", values=["s3://${ArtifactBucket}/digits", ExecutionVariables.PIPELINE_EXECUTION_ID, path])
