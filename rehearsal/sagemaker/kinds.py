"""The kinds of SageMaker resource, as data: what names one, its ARN, its states.

A kind is taken up because a stack, a function or the story calls it. `Create{noun}`, `Describe{noun}`, `List{plural}`,
`Update{noun}` and `Delete{noun}` follow from the botocore model; only operations named here are served.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind; member names are those of the botocore model."""

    noun: str
    plural: str
    key: tuple[str, ...]  # the members of a request that say which one
    arn: str  # the resource part, with members in braces
    status: str = ""  # the member that holds the state, if it has one
    created: str = ""  # its first state
    operations: frozenset[str]
    parent: tuple[str, ...] = ()  # nouns that cannot be deleted while one of this kind names them
    defaults: dict[str, object] = field(default_factory=dict)

    @property
    def arn_member(self) -> str:
        return f"{self.noun}Arn"


def _kind(
    noun: str,
    key: str,
    arn: str,
    verbs: str,
    *,
    plural: str = "",
    status: str = "",
    created: str = "",
    parent: tuple[str, ...] = (),
    defaults: dict[str, object] | None = None,
) -> Kind:
    plural = plural or f"{noun}s"
    names = frozenset(f"{verb}{plural if verb == 'List' else noun}" for verb in verbs.split())
    return Kind(
        noun=noun,
        plural=plural,
        key=tuple(key.split()),
        arn=arn,
        status=status,
        created=created,
        operations=names,
        parent=parent,
        defaults=defaults or {},
    )


KINDS: tuple[Kind, ...] = (
    _kind(
        "Domain",
        "DomainId",
        "domain/{DomainId}",
        "Create Describe Update Delete List",
        status="Status",
        created="InService",
    ),
    _kind(
        "UserProfile",
        "DomainId UserProfileName",
        "user-profile/{DomainId}/{UserProfileName}",
        "Create Describe Update Delete List",
        status="Status",
        created="InService",
        parent=("Domain",),
    ),
    _kind(
        "Model",
        "ModelName",
        "model/{ModelName}",
        "Create Describe Delete List",
        defaults={"EnableNetworkIsolation": False},
    ),
    _kind(
        "EndpointConfig", "EndpointConfigName", "endpoint-config/{EndpointConfigName}", "Create Describe Delete List"
    ),
    _kind(
        "Endpoint",
        "EndpointName",
        "endpoint/{EndpointName}",
        "Create Describe Update Delete List",
        status="EndpointStatus",
        created="Creating",
    ),
    _kind(
        "ModelPackageGroup",
        "ModelPackageGroupName",
        "model-package-group/{ModelPackageGroupName}",
        "Create Describe Delete List",
        status="ModelPackageGroupStatus",
        created="Completed",
        defaults={"CreatedBy": {}},  # required in the answer, and empty for who is no Studio user
    ),
    _kind(
        "ModelPackage",
        "ModelPackageName",
        "model-package/{ModelPackageGroupName}/{ModelPackageVersion}",
        "Create Describe Update Delete List",
        status="ModelPackageStatus",
        created="Completed",
        parent=("ModelPackageGroup",),
        defaults={"ModelApprovalStatus": "PendingManualApproval"},
    ),
    _kind(
        "TrainingJob",
        "TrainingJobName",
        "training-job/{TrainingJobName}",
        "Create Describe Stop List",
        status="TrainingJobStatus",
        created="InProgress",
    ),
    _kind(
        "ProcessingJob",
        "ProcessingJobName",
        "processing-job/{ProcessingJobName}",
        "Create Describe Stop List",
        status="ProcessingJobStatus",
        created="InProgress",
    ),
    _kind(
        "TransformJob",
        "TransformJobName",
        "transform-job/{TransformJobName}",
        "Create Describe Stop List",
        status="TransformJobStatus",
        created="InProgress",
    ),
    _kind(
        "Pipeline",
        "PipelineName",
        "pipeline/{PipelineName}",
        "Create Describe Update Delete List",
        status="PipelineStatus",
        created="Active",
    ),
    _kind(
        "PipelineExecution",
        "PipelineExecutionArn",
        "pipeline/{PipelineName}/execution/{PipelineExecutionId}",
        "Start Describe Stop List",
        status="PipelineExecutionStatus",
        created="Executing",
    ),
    _kind(
        "NotebookInstance",
        "NotebookInstanceName",
        "notebook-instance/{NotebookInstanceName}",
        "Create Describe Start Stop Delete List",
        status="NotebookInstanceStatus",
        created="InService",
    ),
)

BY_NOUN = {kind.noun: kind for kind in KINDS}
BY_OPERATION = {operation: kind for kind in KINDS for operation in kind.operations}
