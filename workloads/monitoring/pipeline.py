"""The pipeline that examines one window of what a workload's model was asked: Watch -> Examine -> Conclude.

Compiled for each workload that has a monitor, by `sluice pipelines compile`, as its monitor.json. Watch says what is
served, and so what to compare with: where nothing is, only that is noted.
"""

# pyright: reportMissingImports=false

from sagemaker.core.lambda_helper import Lambda
from sagemaker.core.shapes import ProcessingOutput, ProcessingS3Output
from sagemaker.core.workflow.conditions import ConditionEquals
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep, Step

from config.monitoring import Monitor, watched
from config.workload import Workload
from workloads.compiler import processing
from workloads.compiler.plan import CODE, Plan
from workloads.compiler.processing import FOLDER, told

ANSWERS = ("BaselineUri", "ModelUri", "EvaluationUri", "LabelsUri", "OutputUri")
# Inputs of Examine that are given as lists of objects, by the monitor's source, and what Watch answers of each.
CAPTURED = {"endpoint": {"capture": "CaptureUri"}, "batch": {"asked": "AskedUri", "answered": "AnsweredUri"}}
# When the schedule says that the run begins; of a run that somebody starts nothing, and it begins when it does.
DUE = ParameterString(name="Due", default_value="")


def build(name: str, workload: Workload, session: PipelineSession, role: str) -> Pipeline:
    """The pipeline of the monitor of the workload `name`; its job runs as `role`. No call leaves the machine."""
    monitor = workload.monitor
    assert monitor is not None, name
    run = workload.run.model_copy(update={"cache_days": 0})  # each step's result is of its own window
    plan = Plan(name, workload.model_copy(update={"process": monitor.process, "run": run}), session, role)
    watch = _watch(plan, monitor)
    examine = _examine(plan, watch, monitor)
    served = ConditionEquals(told(watch, "Served"), "true")
    concluded, absent = _conclude(plan, watch, "Conclude", [examine]), _conclude(plan, watch, "Absent", [])
    choice = ConditionStep(name="Served", conditions=[served], if_steps=[examine, concluded], else_steps=[absent])
    return Pipeline(
        name=f"{name}-monitor",
        parameters=[DUE],
        steps=[watch, choice],
        sagemaker_session=session,
        pipeline_experiment_config=None,
    )


def _watch(plan: Plan, monitor: Monitor) -> LambdaStep:
    captured = CAPTURED[monitor.source].values()
    return LambdaStep(
        name="Watch",
        lambda_func=Lambda(function_arn="${WatchFunctionArn}"),
        inputs={
            "workload": plan.name,
            "due": DUE,
            # Not the moment of the call: a step that is tried again examines the same window.
            "began": ExecutionVariables.START_DATETIME,
            **watched(monitor, plan.workload.data.segment, plan.workload.metric.name),
        },
        outputs=[LambdaOutput(name) for name in ("Served", "End", "WatchUri", *captured, *ANSWERS)],
    )


def _examine(plan: Plan, watch: LambdaStep, monitor: Monitor) -> ProcessingStep:
    given = {"watch": "WatchUri", "baseline": "BaselineUri"}
    listed = dict(CAPTURED[monitor.source])
    command = ["examine"]
    for name in (*listed, "baseline"):
        command += [f"--{name}", f"{FOLDER}/input/{name}"]
    command += ["--watch", f"{FOLDER}/input/watch/watch.json"]
    if {*monitor.kinds} != {"data-quality"}:
        given["model"] = "ModelUri"
        command += ["--model", f"{FOLDER}/input/model/model.tar.gz"]
    if "model-quality" in monitor.kinds:
        given["evaluation"] = "EvaluationUri"
        command += ["--evaluation", f"{FOLDER}/input/evaluation/evaluation.json"]
    if monitor.wants_labels:
        listed["labels"] = "LabelsUri"
        command += ["--labels", f"{FOLDER}/input/labels"]
    target = ProcessingS3Output(
        s3_uri=told(watch, "OutputUri"), local_path=f"{FOLDER}/output/window", s3_upload_mode="EndOfJob"
    )
    run = processing.processor(plan, "${MonitorImage}", 1).run(
        inputs=[
            processing.source("code", CODE),
            *(processing.source(name, told(watch, answer)) for name, answer in given.items()),
            *(processing.source(name, told(watch, answer), listed=True) for name, answer in listed.items()),
        ],
        outputs=[ProcessingOutput(output_name="window", s3_output=target)],
        arguments=[*command, "--output", f"{FOLDER}/output/window"],
    )
    return ProcessingStep(name="Examine", step_args=run, retry_policies=plan.retries(job=True))


def _conclude(plan: Plan, watch: LambdaStep, name: str, after: list[Step]) -> LambdaStep:
    """Tells what was found, or why nothing could be."""
    return LambdaStep(
        name=name,
        lambda_func=Lambda(function_arn="${ConcludeFunctionArn}"),
        inputs={
            "workload": plan.name,
            "end": told(watch, "End"),
            "now": ExecutionVariables.CURRENT_DATETIME,
            "served": told(watch, "Served"),
            "output": told(watch, "OutputUri"),
        },
        outputs=[LambdaOutput("State")],
        depends_on=after,
    )
