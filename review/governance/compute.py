"""Jobs: the steps of pipelines, and monitors."""

from collections.abc import Callable, Iterator
from typing import Any

from review.governance import definition, jobs
from review.governance.checks import TRUE, as_number, at_most, if_set, judged, must, present
from review.governance.jobs import MONITORS, SCHEDULE, Job
from review.governance.rule import ASKED, KEPT, Check, Found, Rule, View
from review.governance.values import ABSENT, Unknown
from review.model import Severity

PIPELINE = "AWS::SageMaker::Pipeline"
# Built-in algorithms cannot checkpoint; without one SageMaker lets a spot job wait this long.
WAIT_WITHOUT_CHECKPOINT = 3600


def _each(check: Callable[[Job], Iterator[Found]]) -> Check:
    return lambda view: (found for job in jobs.of(view) for found in check(job))


def _isolated(job: Job) -> Iterator[Found]:
    return must(job.isolation, TRUE, "must be true")(job.view) if job.isolation else iter(())


def _in_vpc(job: Job) -> Iterator[Found]:
    return present(job.vpc, says="must be set")(job.view) if job.vpc else iter(())


def _keys(job: Job) -> Iterator[Found]:
    return present(job.volume_key, job.output_key, says="must name a KMS key")(job.view)


def _encrypted(job: Job) -> Iterator[Found]:
    """Only where there is traffic: of one instance there is none."""
    counts = [case.value for path in job.count for case in job.view.at(path) if case.value is not ABSENT]
    if job.encryption and any(isinstance(count, Unknown) or (as_number(count) or 1) > 1 for count in counts):
        yield from must(job.encryption, TRUE, "must be true: the job has several instances")(job.view)


def _types(job: Job) -> Iterator[Found]:
    fits = getattr(job.view.settings, job.use).holds
    for path in job.instance:
        yield from if_set(path, fits, f"must be an instance type that {job.use} may use")(job.view)


def _counts(job: Job) -> Iterator[Found]:
    limit = job.view.settings.instances
    for path in job.count:
        yield from if_set(path, at_most(limit), f"must be {limit} at most")(job.view)


def _runtime(job: Job) -> Iterator[Found]:
    hours = job.view.settings.runtime_hours
    if job.runtime:
        yield from must(job.runtime, at_most(hours * 3600), f"must be {hours} hours at most")(job.view)


def _readable(view: View) -> Iterator[Found]:
    for body in definition.bodies(view.properties, view.stack.template):
        if body.parsed is None:
            yield Found("PipelineDefinition", f"PipelineDefinition {body.problem}: no rule can read its steps")


def _trainings(view: View) -> Iterator[View]:
    return (job.view for job in jobs.of_pipeline(view) if job.isolation == "EnableNetworkIsolation")


def _spot(view: View) -> Iterator[Found]:
    """A spot job is bounded in waiting, and does not begin anew each time that it loses its instances."""
    hours = view.settings.spot_wait_hours
    for job in _trainings(view):
        if not any(TRUE(case.value) for case in job.at("EnableManagedSpotTraining")):
            continue
        wait = "StoppingCondition.MaxWaitTimeInSeconds"
        yield from must(wait, at_most(hours * 3600), f"must be {hours} hours at most")(job)
        if all(case.value is ABSENT for case in job.at("CheckpointConfig.S3Uri")):
            says = f"must be {WAIT_WITHOUT_CHECKPOINT} at most, as the job has no CheckpointConfig"
            [*waits] = (case for case in job.at(wait) if case.value is not ABSENT)
            yield from judged(waits, at_most(WAIT_WITHOUT_CHECKPOINT), says)


def _tuning(view: View) -> Iterator[Found]:
    settings = view.settings
    for step in view.steps:
        if step.kind == "Tuning":
            limits = "HyperParameterTuningJobConfig.ResourceLimits"
            bounds = (
                ("MaxNumberOfTrainingJobs", settings.tuning_jobs),
                ("MaxParallelTrainingJobs", settings.tuning_parallel),
            )
            for name, limit in bounds:
                yield from must(f"{limits}.{name}", at_most(limit), f"must be {limit} at most")(step.view)
        if step.kind == "AutoML":
            yield from _candidates(step.view, settings.tuning_jobs)


def _candidates(view: View, limit: int) -> Iterator[Found]:
    holder = "AutoMLJobConfig" if "AutoMLJobConfig" in view.known else "AutoMLProblemTypeConfig.TabularJobConfig"
    return must(f"{holder}.CompletionCriteria.MaxCandidates", at_most(limit), f"must be {limit} at most")(view)


def _approval(view: View) -> Iterator[Found]:
    for step in view.steps:
        if step.kind == "RegisterModel" or "ModelApprovalStatus" in step.view.known:
            path = "ModelApprovalStatus"
            yield from if_set(path, lambda value: value != "Approved", "must be left to somebody's decision")(step.view)


def _remote(view: View) -> Iterator[Found]:
    for job in _trainings(view):
        path = "RemoteDebugConfig.EnableRemoteDebug"
        yield from if_set(path, lambda value: not TRUE(value), "must not be true")(job)


def _warm(view: View) -> Iterator[Found]:
    limit = view.settings.idle_minutes * 60
    for job in _trainings(view):
        yield from if_set("ResourceConfig.KeepAlivePeriodInSeconds", at_most(limit), f"must be {limit} at most")(job)


def _parallel(view: View) -> Iterator[Found]:
    return present("ParallelismConfiguration.MaxParallelExecutionSteps", says="must be set")(view)


def _config(*names: str) -> dict[str, Any]:
    return {"config": tuple(f"sagemaker-{name}" for name in names)}


_MONITORS = (*MONITORS, SCHEDULE)
RULES = (
    Rule(
        "SLUICE-PIPE-01",
        "A pipeline's definition can be read",
        Severity.MEDIUM,
        (PIPELINE,),
        "What runs, on what and for how long is in it; a definition elsewhere changes without a review.",
        "Write it into the template: PipelineDefinitionBody as a string, an Fn::Sub or an Fn::Join.",
        _readable,
        "A definition that is not in the template is this finding.",
    ),
    Rule(
        "SLUICE-PIPE-02",
        "Jobs of a pipeline are isolated from the network",
        Severity.HIGH,
        (PIPELINE,),
        "A training or processing container holds your data and packages of others; isolated, it can send it nowhere.",
        "Set EnableNetworkIsolation to true (in NetworkConfig for processing).",
        _each(_isolated),
    ),
    Rule(
        "SLUICE-PIPE-03",
        "Jobs of a pipeline run in a VPC",
        Severity.HIGH,
        (PIPELINE,),
        "Data is then read and written through endpoints whose policies say which buckets there are.",
        "Set VpcConfig with subnets and security groups (in NetworkConfig for processing, SecurityConfig for AutoML).",
        _each(_in_vpc),
        KEPT,
    ),
    Rule(
        "SLUICE-PIPE-04",
        "Volumes and outputs of a pipeline's jobs have a key of the account's own",
        Severity.MEDIUM,
        (PIPELINE,),
        "They hold the data and the model.",
        "Set VolumeKmsKeyId and the output's KmsKeyId in each step.",
        _each(_keys),
        KEPT,
    ),
    Rule(
        "SLUICE-PIPE-05",
        "Instances of one job encrypt what they tell each other",
        Severity.MEDIUM,
        (PIPELINE,),
        "Gradients and shards are the data in another form.",
        "Set EnableInterContainerTrafficEncryption to true where a job has several instances.",
        _each(_encrypted),
        f"{ASKED} A number of instances that is not known counts as several.",
    ),
    Rule(
        "SLUICE-PIPE-06",
        "Jobs run on allowed instance types",
        Severity.MEDIUM,
        (PIPELINE,),
        "One accelerated type in one step can cost what the rest of the platform does.",
        "Choose an allowed type, or allow it in the settings (`training`, `processing`). Give a parameter EnumValues.",
        _each(_types),
        f"{ASKED} A pipeline's parameter is chosen by whoever starts it: only its EnumValues bound it.",
    ),
    Rule(
        "SLUICE-PIPE-07",
        "Jobs have few instances",
        Severity.MEDIUM,
        (PIPELINE,),
        "IAM has no condition on their number, so that the definition is where it is bounded.",
        "Lower InstanceCount, or raise the setting `instances`.",
        _each(_counts),
    ),
    Rule(
        "SLUICE-PIPE-08",
        "Jobs end by themselves",
        Severity.MEDIUM,
        (PIPELINE,),
        "Without a limit a job that hangs runs for a day, or for as long as the quota allows.",
        "Set StoppingCondition.MaxRuntimeInSeconds, at most the setting `runtime_hours`.",
        _each(_runtime),
    ),
    Rule(
        "SLUICE-PIPE-09",
        "Spot trainings can go on where they stopped",
        Severity.MEDIUM,
        (PIPELINE,),
        "Without a checkpoint each interruption begins anew, and the saving is spent on repetition.",
        "Set CheckpointConfig.S3Uri and write to it; without one, MaxWaitTimeInSeconds is an hour at most.",
        _spot,
        f"{ASKED} Whether spot is used must be known for the rule to ask.",
    ),
    Rule(
        "SLUICE-PIPE-10",
        "Searches are bounded",
        Severity.MEDIUM,
        (PIPELINE,),
        "A tuning step is a training times the number of its jobs; IAM has no condition on that number.",
        "Set ResourceLimits, or MaxCandidates of AutoML, within the settings `tuning_jobs` and `tuning_parallel`.",
        _tuning,
    ),
    Rule(
        "SLUICE-PIPE-11",
        "A pipeline does not approve the model that it made",
        Severity.HIGH,
        (PIPELINE,),
        "Approval is what deploys; it has to be somebody's, or a gate's that can refuse.",
        "Register with PendingManualApproval.",
        _approval,
    ),
    Rule(
        "SLUICE-PIPE-12",
        "Nobody opens a shell in a training container",
        Severity.MEDIUM,
        (PIPELINE,),
        "Remote debugging is a way to the data that no policy on buckets sees.",
        "Leave RemoteDebugConfig out.",
        _remote,
    ),
    Rule(
        "SLUICE-PIPE-13",
        "Warm pools do not wait for long",
        Severity.LOW,
        (PIPELINE,),
        "An instance that is kept warm is paid for, and nobody sees it among the jobs.",
        "Lower KeepAlivePeriodInSeconds, or raise the setting `idle_minutes`.",
        _warm,
    ),
    Rule(
        "SLUICE-PIPE-14",
        "A pipeline says how many steps run at once",
        Severity.LOW,
        (PIPELINE,),
        "A loop or a wide graph otherwise starts all its jobs together.",
        "Set ParallelismConfiguration.MaxParallelExecutionSteps.",
        _parallel,
        KEPT,
    ),
    Rule(
        "SLUICE-MON-01",
        "Monitors are isolated from the network",
        Severity.HIGH,
        _MONITORS,
        "They read the requests of users.",
        "Set NetworkConfig.EnableNetworkIsolation to true.",
        _each(_isolated),
        **_config(
            "data-quality-job-isolation",
            "model-quality-job-definition-isolation",
            "model-bias-job-isolation",
            "model-explainability-job-network-isolation",
            "monitoring-schedule-isolation",
        ),
    ),
    Rule(
        "SLUICE-MON-02",
        "Monitors with several instances encrypt what these tell each other",
        Severity.MEDIUM,
        _MONITORS,
        "Shards of captured requests pass between them.",
        "Set NetworkConfig.EnableInterContainerTrafficEncryption to true.",
        _each(_encrypted),
        f"{ASKED} A number of instances that is not known counts as several.",
        **_config(
            "data-quality-job-encrypt-in-transit",
            "model-quality-job-encrypt-in-transit",
            "model-bias-job-encrypt-in-transit",
            "model-explainability-job-encrypt-in-transit",
            "monitoring-schedule-traffic-encryption",
        ),
    ),
    Rule(
        "SLUICE-MON-03",
        "Monitors run in a VPC",
        Severity.MEDIUM,
        _MONITORS,
        "Captured data is then read through endpoints whose policies say which buckets there are.",
        "Set NetworkConfig.VpcConfig.",
        _each(_in_vpc),
        KEPT,
    ),
    Rule(
        "SLUICE-MON-04",
        "Volumes and reports of monitors have a key of the account's own",
        Severity.MEDIUM,
        _MONITORS,
        "They hold samples and statistics of the requests.",
        "Set VolumeKmsKeyId and the output's KmsKeyId.",
        _each(_keys),
        KEPT,
    ),
    Rule(
        "SLUICE-MON-05",
        "Monitors run on allowed instance types, few of them, and end by themselves",
        Severity.MEDIUM,
        _MONITORS,
        "They run every hour or day, unseen.",
        "Choose an allowed type (setting `processing`) and set StoppingCondition.MaxRuntimeInSeconds.",
        _each(lambda job: (found for check in (_types, _counts, _runtime) for found in check(job))),
    ),
)
