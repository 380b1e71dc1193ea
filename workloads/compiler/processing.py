"""The steps that take part in every pipeline beside the training: Begin, and processing steps."""

# pyright: reportMissingImports=false

from collections.abc import Mapping, Sequence

from sagemaker.core.lambda_helper import Lambda
from sagemaker.core.network import NetworkConfig
from sagemaker.core.processing import Processor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaStep
from sagemaker.mlops.workflow.steps import ProcessingStep

from workloads.compiler import asl
from workloads.compiler.plan import CODE, KEY, SECURITY_GROUPS, SUBNETS, Plan, image

FOLDER = "/opt/ml/processing"
# Empty: the live data; else the manifest of an earlier run, whose data this one uses again.
MANIFEST = ParameterString(name="Manifest", default_value="")
ANSWERS = ("DataUri", "ManifestUri", "ChampionModel", "ChampionVersion")
ROWS = {"recent": "RecentUri", "champion-test": "ChampionTestUri"}  # input of Evaluate -> what Begin answers
EVALUATION = PropertyFile(name="Evaluation", output_name="evaluation", path="evaluation.json")


def begin(plan: Plan) -> LambdaStep:
    """The step that fixes what this run reads, and which model it has to beat; with a monitor also on which rows."""
    asked: dict[str, object] = {
        "workload": plan.name,
        "execution": ExecutionVariables.PIPELINE_EXECUTION_ID,
        "path": plan.workload.data.path,
        "manifest": MANIFEST,
    }
    if monitor := plan.workload.monitor:
        asked |= {"began": ExecutionVariables.START_DATETIME, "source": monitor.source}
        asked |= {"window_hours": str(monitor.window_hours), "delay_hours": str(monitor.label_delay_hours)}
    answers = (*ANSWERS, *ROWS.values()) if monitor else ANSWERS
    return LambdaStep(
        name="Begin",
        lambda_func=Lambda(function_arn="${BeginFunctionArn}"),
        inputs=asked,
        outputs=[LambdaOutput(name) for name in answers],
    )


def told(begin: LambdaStep, name: str) -> object:
    """What Begin answers as `name`."""
    return begin.properties.Outputs[name]


def data(plan: Plan) -> str:
    """Where the data lies in a job that takes it as its input `data`: a file, or a folder where that is given."""
    return asl.data(plan.workload.data.path)


def preprocess(plan: Plan, begin: LambdaStep, arguments: Sequence[object], outputs: Sequence[str]) -> ProcessingStep:
    """`preprocess`, or on Spark `preprocess_spark`, over the run's data and its manifest."""
    settings, inputs = plan.workload.process, {"data": told(begin, "DataUri"), "manifest": told(begin, "ManifestUri")}
    spark = settings.engine == "spark"
    command = ["preprocess_spark" if spark else "preprocess", "--input", data(plan), *arguments]
    using = "${SparkImage}" if spark else "${SklearnImage}"
    return _step(plan, "Preprocess", using, command, inputs, outputs, instances=settings.instance_count)


def evaluate(
    plan: Plan,
    begin: LambdaStep,
    model: object,
    test: object,
    extra: Sequence[str] = (),
    learned: Mapping[str, object] | None = None,
) -> ProcessingStep:
    """`evaluate` of `model` and of the champion on the same data; without a champion no file of it is there.

    With a monitor also on the rows that it found labels of, but for those that the model has `learned` from.
    """
    metric = plan.workload.metric
    inputs: dict[str, object] = {"model": model, "champion": told(begin, "ChampionModel"), "test": test}
    command = ["evaluate", "--model", f"{FOLDER}/input/model/model.tar.gz"]
    command += ["--champion", f"{FOLDER}/input/champion/model.tar.gz"]
    command += ["--champion-version", told(begin, "ChampionVersion"), "--test", f"{FOLDER}/input/test"]
    command += ["--metric", metric.name, "--direction", metric.direction, *extra]
    command += ["--worst", str(metric.worst)] if metric.worst is not None else []
    if monitor := plan.workload.monitor:
        for name, answer in ROWS.items():
            inputs[name] = told(begin, answer)
            command += [f"--{name}", f"{FOLDER}/input/{name}"]
        for name, uri in (learned or {}).items():
            inputs[name] = uri
            command += ["--trained", f"{FOLDER}/input/{name}"]
        command += ["--margin", str(monitor.retrain.margin), "--segment-limit", str(monitor.retrain.segment_limit)]
    command += ["--output", f"{FOLDER}/output/evaluation"]
    using = image(plan.workload, "process")
    return _step(plan, "Evaluate", using, command, inputs, ["evaluation"], files=[EVALUATION])


def output(step: ProcessingStep, name: str) -> object:
    """Where a step's output `name` lies; using it makes the user run after that step."""
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def file(step: ProcessingStep, name: str, path: str) -> Join:
    """Where the file `path` of a step's output `name` lies."""
    return Join(on="/", values=[output(step, name), path])


def _step(
    plan: Plan,
    name: str,
    using: str,
    command: Sequence[object],
    inputs: Mapping[str, object],
    outputs: Sequence[str],
    *,
    files: Sequence[PropertyFile] = (),
    instances: int = 1,
) -> ProcessingStep:
    run = processor(plan, using, instances).run(
        inputs=[source("code", CODE), *(source(given, uri) for given, uri in inputs.items())],
        outputs=[_output(plan, name.lower(), made) for made in outputs],
        arguments=list(command),
    )
    return ProcessingStep(
        name=name,
        step_args=run,
        property_files=list(files),
        cache_config=plan.cache(),
        retry_policies=plan.retries(job=True),
    )


def processor(plan: Plan, using: str, instances: int) -> Processor:
    settings = plan.workload.process
    return Processor(
        role=plan.role,
        image_uri=using,
        # SageMaker names the downloaded file after the last part of its key; Python runs a zip by its __main__.py.
        # Spark hands a file that ends in .py to Python; that it does so with such a zip is not verified.
        entrypoint=["smspark-submit" if using == "${SparkImage}" else "python3", f"{FOLDER}/input/code/${{CodeKey}}"],
        instance_type=settings.instance_type,
        instance_count=instances,
        volume_size_in_gb=settings.volume_gb,
        volume_kms_key=KEY,
        output_kms_key=KEY,
        max_runtime_in_seconds=settings.max_run_seconds,
        base_job_name=plan.name,
        network_config=NetworkConfig(
            enable_network_isolation=True,
            encrypt_inter_container_traffic=True,
            subnets=SUBNETS,
            security_group_ids=SECURITY_GROUPS,
        ),
        sagemaker_session=plan.session,
    )


def source(name: str, uri: object, *, listed: bool = False) -> ProcessingInput:
    """What lies under `uri` as the input `name` of a job; `listed`: what the manifest at `uri` lists."""
    kind = "ManifestFile" if listed else "S3Prefix"
    given = ProcessingS3Input(s3_uri=uri, local_path=f"{FOLDER}/input/{name}", s3_data_type=kind, s3_input_mode="File")
    return ProcessingInput(input_name=name, s3_input=given)


def _output(plan: Plan, step: str, name: str) -> ProcessingOutput:
    target = ProcessingS3Output(
        s3_uri=plan.uri(f"{step}/{name}"), local_path=f"{FOLDER}/output/{name}", s3_upload_mode="EndOfJob"
    )
    return ProcessingOutput(output_name=name, s3_output=target)
