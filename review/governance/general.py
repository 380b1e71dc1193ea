"""What holds for every resource of SageMaker: tags, instance families, images, features that AWS has closed."""

import re
from collections.abc import Iterator
from typing import Any

from review.governance import jobs
from review.governance.checks import absent, at_most, judged
from review.governance.compute import PIPELINE
from review.governance.rule import Found, Rule, View
from review.governance.serving import CONFIG, MODEL
from review.governance.values import Unknown, intrinsic, maps
from review.model import Severity

# CloudFormation gives these types of SageMaker tags.
TAGGED = tuple(
    f"AWS::SageMaker::{name}"
    for name in (
        *("App", "AppImageConfig", "Cluster", "CodeRepository", "DataQualityJobDefinition", "Domain", "Endpoint"),
        *("EndpointConfig", "FeatureGroup", "Image", "InferenceComponent", "MlflowTrackingServer", "Model"),
        *("ModelBiasJobDefinition", "ModelCard", "ModelExplainabilityJobDefinition", "ModelPackage", "MlflowApp"),
        *("ModelPackageGroup", "ModelQualityJobDefinition", "MonitoringSchedule", "NotebookInstance", "Pipeline"),
        *("Project", "Space", "StudioLifecycleConfig", "UserProfile", "Workteam", "InferenceExperiment"),
    )
)
CLOSED_TYPES = {
    **dict.fromkeys((*jobs.MONITORS, jobs.SCHEDULE), "Model Monitor is closed to new customers since 2026-07-30"),
    "AWS::SageMaker::Workteam": "Ground Truth is closed to new customers",
    "AWS::SageMaker::DeviceFleet": "Edge Manager has ended",
    "AWS::SageMaker::Device": "Edge Manager has ended",
}
CLOSED_STEPS = {"QualityCheck": "Model Monitor", "ClarifyCheck": "Clarify"}
CLOSED_ARGUMENTS = {"DebugHookConfig": "Debugger", "DebugRuleConfigurations": "Debugger", "ProfilerConfig": "Debugger"}
OLD = re.compile(r"^ml\.(t2|m4|c4|p2|p3|p3dn|r4)\.")
SECRET_NAME = re.compile(r"(secret|passw|token|api_?key|access_?key|private_?key|credential)", re.IGNORECASE)
POINTER = re.compile(r"(arn|name|path|id|uri|url|file)s?$", re.IGNORECASE)
LOGS = re.compile(r"^/aws/sagemaker/")


def _closed(view: View) -> Iterator[Found]:
    if reason := CLOSED_TYPES.get(view.resource.type):
        yield Found("", f"{reason}: an account that has it keeps it, others cannot begin")
    for step in view.steps if view.resource.type == PIPELINE else ():
        used = {CLOSED_STEPS[step.kind]} if step.kind in CLOSED_STEPS else set()
        for job in (step.view, *step.view.part("TrainingJobDefinition")):
            used |= {CLOSED_ARGUMENTS[key] for key in job.known if key in CLOSED_ARGUMENTS}
        for feature in sorted(used):
            yield Found(step.view.prefix, f"{step.view.prefix}: {feature} is closed to new customers")


def _old(view: View) -> Iterator[Found]:
    parts = [(step.view.properties, step.view.prefix) for step in view.steps] if view.resource.type == PIPELINE else []
    for properties, prefix in [*parts, (view.properties, "")]:
        for path, value in _leaves(properties, prefix):
            if isinstance(value, str) and (found := OLD.match(value)):
                yield Found(path, f"{path} ({value}) must not be of the old family {found[1]}")


def _images(view: View) -> Iterator[Found]:
    """An image's tag must be of one image for ever: `latest`, or none, is of whichever came last."""
    if view.resource.type == PIPELINE or view.resource.type in (*jobs.MONITORS, jobs.SCHEDULE):
        found = [case for job in jobs.of(view) if job.image for case in job.view.at(job.image)]
    elif view.resource.type == MODEL:
        found = [case for path in ("PrimaryContainer.Image", "Containers.*.Image") for case in view.at(path)]
    else:
        found = view.at("BaseImage")
    for case in found:
        image = case.value.source if isinstance(case.value, Unknown) else case.value
        if isinstance(image, str) and "/" in image and _floats(image.rpartition("/")[2]):
            yield Found(case.path, f"{case.path} must name a version or a digest of its image")


def _floats(name: str) -> bool:
    return name.endswith(":latest") or not (":" in name or "@" in name or "${" in name)


def _tags(view: View) -> Iterator[Found]:
    keys = _keys(view)
    if keys is None:
        yield Found("Tags", "Tags must name owner, team and cost, and are decided elsewhere", certain=False)
        return
    words = {key.lower().rpartition(":")[2].replace("_", "-").replace(" ", "-") for key in keys}
    if missing := [name for name, known in view.settings.tags.items() if not words & set(known)]:
        yield Found("Tags", f"Tags must name {', '.join(missing)}")


def _keys(view: View) -> set[str] | None:
    """Those of the resource and of its stack; None where the template does not know them."""
    found = {
        str(tag.get("key", tag.get("Key", "")))
        for entries in view.stack.metadata.values()
        for entry in maps(entries)
        if entry.get("type") == "aws:cdk:stack-tags"
        for tag in maps(entry.get("data"))
    }
    for case in view.at("Tags"):
        if isinstance(case.value, dict):
            found |= set(case.value)
        elif isinstance(case.value, Unknown):
            return None
        found |= {str(each.value) for each in view.at("Tags.*.Key")} if isinstance(case.value, list) else set()
    return found


def _secrets(view: View) -> Iterator[Found]:
    places = [(view, path) for path in ("PrimaryContainer.Environment", "Containers.*.Environment", "Environment")]
    for step in view.steps if view.resource.type == PIPELINE else ():
        holders = (step.view, *step.view.part("TrainingJobDefinition"))
        places += [(each, path) for each in holders for path in ("Environment", "HyperParameters")]
    for holder, path in places:
        for case in holder.at(path):
            for name, value in case.value.items() if isinstance(case.value, dict) else ():
                if SECRET_NAME.search(name) and not POINTER.search(name) and _literal(value):
                    yield Found(f"{case.path}.{name}", f"{case.path}.{name} must not hold a secret itself")


def _literal(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and not value.startswith(("{{resolve:", "arn:", "${"))


def _leaves(part: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every value under a key whose name ends in InstanceType(s)."""
    if isinstance(part, dict):
        for key, inner in part.items():
            below = path if intrinsic(part) else f"{path}.{key}".lstrip(".")
            if re.search(r"InstanceTypes?$", key) and not isinstance(inner, dict):
                yield from ((below, each) for each in (inner if isinstance(inner, list) else [inner]))
            elif key.endswith("InstanceType"):
                yield from ((below, each) for each in _strings(inner))
            elif key != "PipelineDefinition":
                yield from _leaves(inner, below)
    elif isinstance(part, list):
        for index, inner in enumerate(part):
            yield from _leaves(inner, f"{path}.{index}")


def _strings(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _strings(inner)


def _log_days(view: View) -> Iterator[Found]:
    """Log groups that SageMaker's jobs and endpoints write into."""
    names = [case.value.source if isinstance(case.value, Unknown) else case.value for case in view.at("LogGroupName")]
    if any(isinstance(name, str) and LOGS.match(name) for name in names):
        limit = view.settings.log_days
        yield from judged(view.at("RetentionInDays"), at_most(limit), f"must be {limit} days at most")


RULES = (
    Rule(
        "SLUICE-GEN-01",
        "Nothing rests on a feature that AWS has closed",
        Severity.LOW,
        (PIPELINE, *CLOSED_TYPES),
        "An account that has not used it before cannot deploy it, and it will not be mended.",
        "Monitor with a processing job of your own, keep rules for training inside the training.",
        _closed,
        "Nothing of it can be unknown.",
    ),
    Rule(
        "SLUICE-GEN-02",
        "Nothing asks for Elastic Inference",
        Severity.HIGH,
        ("AWS::SageMaker::NotebookInstance", CONFIG),
        "The service is gone: the deployment fails.",
        "Leave the accelerator out; choose an inf2 or g6 instance, or serverless.",
        absent("AcceleratorTypes", "ProductionVariants.*.AcceleratorType", says="must not be set"),
        "Any value is one too many.",
    ),
    Rule(
        "SLUICE-GEN-03",
        "Images are named by a version or a digest",
        Severity.MEDIUM,
        (MODEL, PIPELINE, "AWS::SageMaker::ImageVersion", *jobs.MONITORS, jobs.SCHEDULE),
        "Under `latest` tomorrow's job runs other code than the one that was reviewed, and no diff shows it.",
        "Name a tag that is never moved, or better the digest.",
        _images,
        "A text that ends in what a deployment decides passes.",
    ),
    Rule(
        "SLUICE-GEN-04",
        "Resources say whose they are and who pays",
        Severity.LOW,
        TAGGED,
        "A resource without an owner is deleted by nobody, and its cost is everybody's.",
        "Tag the application: Tags.of(app).add(...). The keys are the setting `tags`; a stack's own tags count.",
        _tags,
        "A tag's key must be known; its value may be anything.",
        ("sagemaker-image-tagged", "sagemaker-app-image-config-tagged"),
    ),
    Rule(
        "SLUICE-GEN-05",
        "Instances are of families that are still offered",
        Severity.MEDIUM,
        (*TAGGED, PIPELINE),
        "Old families cost more for less, and where they are gone a job waits for capacity that does not come.",
        "Take the family's successor: t3, m6i, c6i, r6i, g5, g6.",
        _old,
        "What is not written in the template passes.",
    ),
    Rule(
        "SLUICE-GEN-06",
        "Logs of SageMaker are kept for a time that somebody chose",
        Severity.LOW,
        ("AWS::Logs::LogGroup",),
        "Without a retention they are kept, and paid for, for ever.",
        "Set RetentionInDays.",
        _log_days,
    ),
    Rule(
        "SLUICE-GEN-07",
        "Environment and hyperparameters hold no secrets",
        Severity.HIGH,
        (MODEL, PIPELINE),
        "Whoever may describe the model or the job reads them, and they stay in its description.",
        "Pass the ARN of a secret, and read it in the container.",
        _secrets,
        "A reference, a dynamic reference ({{resolve:...}}) or an ARN passes.",
    ),
)
