"""What every step of a workload's pipeline has in common: names, places, keys, network, reuse and retries."""

# pyright: reportMissingImports=false

from dataclasses import dataclass
from typing import Any

from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.retry import (
    RetryPolicy,
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.mlops.workflow.steps import CacheConfig

from config.workload import Script, TrainSettings, Workload

KEY = "${KeyArn}"
SUBNETS = ["${SubnetIds}"]
SECURITY_GROUPS = ["${SecurityGroupIds}"]
CODE = "s3://${CodeBucket}/${CodeKey}"

# Arguments of `sagemaker.core.image_uris.retrieve`, which name an image in each region.
KMEANS_IMAGE = {"framework": "kmeans"}
SKLEARN_IMAGE = {"framework": "sklearn", "version": "1.9-0", "image_scope": "training"}
# The newest version that has an image to train with and one to serve with.
PYTORCH_IMAGE = {"framework": "pytorch", "version": "2.6.0", "py_version": "py312"}
SPARK_IMAGE = {"framework": "spark", "version": "3.5", "py_version": "py39", "image_scope": "processing"}
DEBUGGER_IMAGE = {"framework": "debugger"}
# Of SageMaker Model Monitor and of Clarify, which look at bias and attributions for it.
MONITOR_IMAGES = {
    "ModelMonitorImage": {"framework": "model-monitor"},
    "ClarifyImage": {"framework": "clarify", "version": "1.0", "image_scope": "processing"},
}

_CALLS = [StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING]
_ENDS = [SageMakerJobExceptionTypeEnum.INTERNAL_ERROR, SageMakerJobExceptionTypeEnum.CAPACITY_ERROR]
# Capacity comes back in minutes, a throttled call goes through in seconds; both waits double with each attempt.
_CALL_SECONDS, _JOB_SECONDS = 5, 60


@dataclass(frozen=True)
class Plan:
    """The workload `name`, whose jobs run as `role`. No call leaves the machine."""

    name: str
    workload: Workload
    session: PipelineSession
    role: str

    def uri(self, *path: object) -> Join:
        """A place of this execution alone, so that no run overwrites another's data."""
        values = [f"s3://${{ArtifactBucket}}/{self.name}", ExecutionVariables.PIPELINE_EXECUTION_ID, *path]
        return Join(on="/", values=values)

    @property
    def training(self) -> TrainSettings:
        """What workload.yaml says of training jobs; only Autopilot does without."""
        assert self.workload.train is not None, self.name
        return self.workload.train

    def cache(self) -> CacheConfig | None:
        """How long a job's result is reused: AWS compares a step's arguments, not the objects that they point to."""
        days = self.workload.run.cache_days
        return CacheConfig(enable_caching=True, expire_after=f"P{days}D") if days else None

    def retries(self, *, job: bool) -> list[RetryPolicy]:
        """What a step repeats: a call that the service did not take and, of a `job`, an end that was not its fault."""
        most = self.workload.run.retries
        if not most:
            return []
        call = StepRetryPolicy(_CALLS, interval_seconds=_CALL_SECONDS, max_attempts=most)
        end = SageMakerJobStepRetryPolicy(_ENDS, interval_seconds=_JOB_SECONDS, max_attempts=most)
        return [call, end] if job else [call]


def text(*parts: Any) -> Join:
    """The parts joined without anything between. A Join among them is taken apart: nested ones are not verified."""
    flat: list[Any] = []
    for part in parts:
        values, between = (part.values, part.on) if isinstance(part, Join) else ([part], "")
        for index, value in enumerate(values):
            flat += [between, value] if index and between else [value]
    return Join(on="", values=flat)


def image(workload: Workload, use: str) -> str:
    """The image of the framework whose models the workload's scripts `train`, evaluate (`process`) and `serve`."""
    return f"${{Pytorch{use.capitalize()}Image}}" if _is_pytorch(workload) else "${SklearnImage}"


def _is_pytorch(workload: Workload) -> bool:
    return isinstance(workload.algorithm, Script) and workload.algorithm.framework == "pytorch"


def images(workload: Workload) -> dict[str, dict[str, str]]:
    """The images that a workload.yaml asks for beside those of the pipeline: placeholder -> arguments of `retrieve`."""
    spark = {"SparkImage": SPARK_IMAGE} if workload.process.engine == "spark" else {}
    debugger = {"DebuggerImage": DEBUGGER_IMAGE} if workload.debugger else {}
    return {**spark, **debugger, **(_pytorch_images(workload) if _is_pytorch(workload) else {})}


def _pytorch_images(workload: Workload) -> dict[str, dict[str, str]]:
    """An image for each use, because each instance type has one with a GPU's drivers or without."""
    assert workload.train is not None  # only Autopilot does without
    uses = {
        "train": ("training", workload.train.instance_type),
        "process": ("training", workload.process.instance_type),
        "serve": ("inference", workload.serve.instance_type),
    }
    return {
        f"Pytorch{use.capitalize()}Image": {**PYTORCH_IMAGE, "image_scope": scope, "instance_type": instance_type}
        for use, (scope, instance_type) in uses.items()
    }
