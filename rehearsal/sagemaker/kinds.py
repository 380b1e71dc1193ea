"""The kinds of SageMaker resource, as data: what names one, its ARN, its states.

A kind is taken up because a stack, a function or the story calls it. `Create{noun}`, `Describe{noun}`, `List{plural}`,
`Update{noun}` and `Delete{noun}` follow from the botocore model; only operations named here are served.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

GONE = ""  # the state of what is no more
DAY_SECONDS = 86_400


class Move(NamedTuple):
    """What an operation does to a record's state."""

    origins: tuple[str, ...]  # the states that it may begin in; none: any
    through: str  # the state at once
    to: str | None = None  # the state one pace later; None: whoever does the work says it


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind; member names are those of the botocore model."""

    noun: str
    named: str = ""  # what its members begin with, where that is not the noun
    plural: str
    key: tuple[str, ...]  # the members of a request that say which one
    stored_key: tuple[str, ...]  # the members of a record that those are compared with
    either: tuple[str, ...] = ()  # of these members of the key, each request gives exactly one
    arn: str  # the resource part, with members in braces
    arn_key: str = ""  # the member that holds the ARN, where it is not {noun}Arn
    title: str = ""  # the member that lists call the name, where it is not the last of the key
    any_case: bool = False  # two names that differ in case only collide
    status: str = ""  # the member that holds the state, if it has one
    moves: Mapping[str, Move] = field(default_factory=dict)  # by verb
    wrong_state: str = "Unable to {verb} {noun} [{arn}] in status {status}."
    ended: tuple[str, ...] = ()  # states in which one uses no quota, holds nothing up and goes with its parent
    remembered_seconds: float | None = None  # how long one is told of after it has ended; None: for ever
    operations: frozenset[str]
    # Noun of what cannot be deleted while one of this kind names it -> the member, perhaps nested, that names it.
    parent: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)
    sort: str = "CreationTime"  # what a list is sorted by unless the request says otherwise
    descending: bool = False

    @property
    def arn_member(self) -> str:
        return self.arn_key or f"{self.stem}Arn"

    @property
    def name_member(self) -> str:
        return self.title or self.key[-1]

    @property
    def stem(self) -> str:
        return self.named or self.noun

    @property
    def passing(self) -> set[str]:
        """The states that do not last."""
        return {move.through for move in self.moves.values()} - set(self.ended)

    def resource(self, members: Mapping[str, Any]) -> str:
        """The resource part of the ARN; what is not given reads `*`."""
        known = {name: value for name, value in members.items() if value is not None}
        if self.either:
            known["Owner"] = next((known[name] for name in self.either if name in known), "*")
        return self.arn.format_map(defaultdict(lambda: "*", known))


def _kind(noun: str, key: str, arn: str, verbs: str, *, plural: str = "", stored_key: str = "", **more: Any) -> Kind:
    plural = plural or f"{noun}s"
    called = {"List": plural, "Stop": more.get("named", noun)}
    names = frozenset(f"{verb}{called.get(verb, noun)}" for verb in verbs.split())
    members = tuple(key.split())
    stored = tuple(stored_key.split()) or members
    return Kind(noun=noun, plural=plural, key=members, stored_key=stored, arn=arn, operations=names, **more)


_STUDIO = {
    "Create": Move((), "Pending", "InService"),
    "Update": Move(("InService",), "Updating", "InService"),
    "Delete": Move(("InService", "Failed"), "Deleting", GONE),
}
_JOB_ENDED = ("Completed", "Failed", "Stopped")

# Default orders are those of the API reference; where it says none, ascending as for most.
KINDS: tuple[Kind, ...] = (
    _kind(
        "Domain",
        "DomainId",
        "domain/{DomainId}",
        "Create Describe Update Delete List",
        status="Status",
        moves=_STUDIO,
        defaults={"AppNetworkAccessType": "PublicInternetOnly", "TagPropagation": "DISABLED"},
    ),
    _kind(
        "UserProfile",
        "DomainId UserProfileName",
        "user-profile/{DomainId}/{UserProfileName}",
        "Create Describe Update Delete List",
        status="Status",
        moves=_STUDIO,
        parent={"Domain": "DomainId"},
    ),
    _kind(
        "Space",
        "DomainId SpaceName",
        "space/{DomainId}/{SpaceName}",
        "Create Describe Update Delete List",
        status="Status",
        moves=_STUDIO,
        parent={"Domain": "DomainId", "UserProfile": "OwnershipSettings.OwnerUserProfileName"},
    ),
    _kind(
        "App",
        "DomainId UserProfileName SpaceName AppType AppName",
        "app/{DomainId}/{Owner}/{AppType}/{AppName}",
        "Create Describe Delete List",
        either=("UserProfileName", "SpaceName"),
        status="Status",
        moves={
            "Create": Move((), "Pending", "InService"),
            "Delete": Move(("InService", "Failed", "Pending"), "Deleting", "Deleted"),
        },
        ended=("Deleted",),
        remembered_seconds=DAY_SECONDS,  # API reference, DescribeApp, CreationTime
        parent={"Domain": "DomainId", "UserProfile": "UserProfileName", "Space": "SpaceName"},
    ),
    _kind(
        "Model",
        "ModelName",
        "model/{ModelName}",
        "Create Describe Delete List",
        defaults={"EnableNetworkIsolation": False},
        descending=True,
    ),
    _kind(
        "EndpointConfig",
        "EndpointConfigName",
        "endpoint-config/{EndpointConfigName}",
        "Create Describe Delete List",
        descending=True,
    ),
    _kind(
        "Endpoint",
        "EndpointName",
        "endpoint/{EndpointName}",
        "Create Describe Update Delete List",
        any_case=True,  # API reference, CreateEndpoint, EndpointName
        status="EndpointStatus",
        moves={
            "Create": Move((), "Creating"),
            "Update": Move(("InService",), "Updating"),
            "Delete": Move(("InService", "OutOfService", "Failed", "UpdateRollbackFailed"), "Deleting", GONE),
        },
        wrong_state='Cannot {verb} in-progress endpoint "{arn}".',
        descending=True,
    ),
    _kind(
        "InferenceComponent",
        "InferenceComponentName",
        "inference-component/{InferenceComponentName}",
        "Create Describe Delete List",
        status="InferenceComponentStatus",
        moves={
            "Create": Move((), "Creating", "InService"),
            "Delete": Move(("InService", "Failed"), "Deleting", GONE),
        },
        # Developer guide, "Delete endpoints and resources": components go first. AWS's words are not verified.
        parent={"Endpoint": "EndpointName"},
        descending=True,
    ),
    _kind(
        "MonitoringSchedule",
        "MonitoringScheduleName",
        "monitoring-schedule/{MonitoringScheduleName}",
        "Create Describe Delete List",
        status="MonitoringScheduleStatus",
        moves={"Create": Move((), "Pending", "Scheduled")},
        descending=True,
    ),
    _kind(
        "ModelPackageGroup",
        "ModelPackageGroupName",
        "model-package-group/{ModelPackageGroupName}",
        "Create Describe Delete List",
        status="ModelPackageGroupStatus",
        # CreatedBy is required in the answer, and empty for who is no Studio user.
        defaults={"CreatedBy": {}, "ModelPackageGroupStatus": "Completed"},
    ),
    _kind(
        "ModelPackage",
        "ModelPackageName",
        "model-package/{ModelPackageGroupName}/{ModelPackageVersion}",
        "Create Describe Update Delete List",
        stored_key="_Versioned",  # requests name one by its ARN, or as group/version
        status="ModelPackageStatus",
        parent={"ModelPackageGroup": "ModelPackageGroupName"},
        defaults={"ModelApprovalStatus": "PendingManualApproval", "ModelPackageStatus": "Completed"},
    ),
    _kind(
        "TrainingJob",
        "TrainingJobName",
        "training-job/{TrainingJobName}",
        "Create Describe Stop List",
        status="TrainingJobStatus",
        ended=_JOB_ENDED,
        # Developer guide: a job without a limit ends after a day.
        defaults={"TrainingJobStatus": "InProgress", "StoppingCondition": {"MaxRuntimeInSeconds": DAY_SECONDS}},
    ),
    _kind(
        "HyperParameterTuningJob",
        "HyperParameterTuningJobName",
        "hyper-parameter-tuning-job/{HyperParameterTuningJobName}",
        "Create Describe Stop List",
        status="HyperParameterTuningJobStatus",
        ended=_JOB_ENDED,
        defaults={"HyperParameterTuningJobStatus": "InProgress"},
        sort="HyperParameterTuningJobName",
    ),
    _kind(
        "ProcessingJob",
        "ProcessingJobName",
        "processing-job/{ProcessingJobName}",
        "Create Describe Stop List",
        status="ProcessingJobStatus",
        ended=_JOB_ENDED,
        defaults={"ProcessingJobStatus": "InProgress"},
    ),
    _kind(
        "TransformJob",
        "TransformJobName",
        "transform-job/{TransformJobName}",
        "Create Describe Stop List",
        status="TransformJobStatus",
        ended=_JOB_ENDED,
        defaults={"TransformJobStatus": "InProgress"},
    ),
    _kind(
        "AutoMLJobV2",
        "AutoMLJobName",
        "automl-job/{AutoMLJobName}",
        "Create Describe Stop List",
        named="AutoMLJob",
        plural="AutoMLJobs",
        status="AutoMLJobStatus",
        ended=_JOB_ENDED,
        defaults={"AutoMLJobStatus": "InProgress", "AutoMLJobSecondaryStatus": "Starting"},
        descending=True,  # API reference, ListAutoMLJobs, SortOrder
    ),
    _kind(
        "Pipeline",
        "PipelineName",
        "pipeline/{PipelineName}",
        "Create Describe Update Delete List",
        status="PipelineStatus",
        defaults={"PipelineStatus": "Active"},
        descending=True,
    ),
    _kind(
        "PipelineExecution",
        "PipelineExecutionArn",
        "pipeline/{PipelineName}/execution/{PipelineExecutionId}",
        "Start Describe Stop List",
        status="PipelineExecutionStatus",
        ended=("Succeeded", "Failed", "Stopped"),
        parent={"Pipeline": "PipelineName"},
        defaults={"PipelineExecutionStatus": "Executing"},
        descending=True,
    ),
    _kind(
        "NotebookInstance",
        "NotebookInstanceName",
        "notebook-instance/{NotebookInstanceName}",
        "Create Describe Start Stop Delete List",
        status="NotebookInstanceStatus",
        moves={
            "Create": Move((), "Pending", "InService"),
            "Start": Move(("Stopped", "Failed"), "Pending", "InService"),
            "Stop": Move(("InService",), "Stopping", "Stopped"),
            "Delete": Move(("Stopped", "Failed"), "Deleting", GONE),
        },
        wrong_state="Status ({status}) not in ([{origins}]). "
        "Unable to transition to ({through}) for Notebook Instance ({arn}).",
        # The defaults that the API reference gives for CreateNotebookInstance.
        defaults={
            "VolumeSizeInGB": 5,
            "DirectInternetAccess": "Enabled",
            "RootAccess": "Enabled",
            "IpAddressType": "ipv4",
            "PlatformIdentifier": "notebook-al2023-v1",
        },
        sort="NotebookInstanceName",
    ),
    _kind(
        "NotebookInstanceLifecycleConfig",
        "NotebookInstanceLifecycleConfigName",
        "notebook-instance-lifecycle-config/{NotebookInstanceLifecycleConfigName}",
        "Create Describe Delete List",
    ),
    _kind(
        "StudioLifecycleConfig",
        "StudioLifecycleConfigName",
        "studio-lifecycle-config/{StudioLifecycleConfigName}",
        "Create Describe Delete List",
        descending=True,
    ),
    _kind(
        "Image",
        "ImageName",
        "image/{ImageName}",
        "Create Describe Delete List",
        status="ImageStatus",
        moves={
            "Create": Move((), "CREATING", "CREATED"),
            "Delete": Move(("CREATED", "CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED"), "DELETING", GONE),
        },
        descending=True,
    ),
    _kind(
        "MlflowTrackingServer",
        "TrackingServerName",
        "mlflow-tracking-server/{TrackingServerName}",
        "Create Describe Start Stop Delete List",
        arn_key="TrackingServerArn",
        status="TrackingServerStatus",
        moves={  # which states an operation may begin in AWS does not say
            "Create": Move((), "Creating", "Created"),
            "Start": Move(("Stopped", "StartFailed"), "Starting", "Started"),
            "Stop": Move(("Created", "Started", "Updated", "StopFailed"), "Stopping", "Stopped"),
            "Delete": Move(("Created", "Started", "Updated", "Stopped", "CreateFailed"), "Deleting", GONE),
        },
        defaults={"TrackingServerSize": "Small", "IsActive": "Inactive"},
        descending=True,
    ),
    _kind(
        "MlflowApp",
        "Arn",
        "mlflow-app/{MlflowAppId}",
        "Create Describe Update Delete List",
        arn_key="Arn",
        title="Name",
        status="Status",
        moves={
            "Create": Move((), "Creating"),  # until its server answers
            "Update": Move(("Created", "Updated", "UpdateFailed"), "Updating", "Updated"),
            # AWS does not say how long one that is Deleted is told of: here it is not.
            "Delete": Move(("Created", "CreateFailed", "Updated", "UpdateFailed", "DeleteFailed"), "Deleting", GONE),
        },
    ),
)

BY_NOUN = {kind.noun: kind for kind in KINDS}
BY_OPERATION = {operation: kind for kind in KINDS for operation in kind.operations}
