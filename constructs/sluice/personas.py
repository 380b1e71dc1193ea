"""What each kind of person may do in Studio."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Tags
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from config.guardrails import Persona
from sluice.arn import arn
from sluice.permission import Role, allow, from_this_account, starts_compute

_OWN_PROFILE = "user-profile/${sagemaker:DomainId}/${sagemaker:UserProfileName}"
_LISTS = "These lists have no resource level"


_SAGEMAKER = from_this_account("sagemaker.amazonaws.com")


class PersonaRole(Role):
    """The execution role of every user of one persona. Starts with what all personas may do: look."""

    def __init__(self, scope: Construct, id: str, *, persona: Persona, prefix: str, team: str) -> None:
        super().__init__(
            scope,
            id,
            description=f"{prefix}: Studio users who are {persona}",
            assumed_by=_SAGEMAKER,
        )
        # Studio names the user in the session, so that the audit trail does.
        assert self.assume_role_policy is not None
        self.assume_role_policy.add_statements(
            iam.PolicyStatement(actions=["sts:SetSourceIdentity"], principals=[_SAGEMAKER])
        )
        self._prefix = prefix
        self._ours = {"StringEquals": {"aws:ResourceTag/sluice:team": team}}
        Tags.of(self).add("sluice:persona", persona)
        allow(self, [f"sagemaker:List{kind}" for kind in _LISTED], ["*"], wildcard=_LISTS)
        allow(
            self,
            [
                *(f"sagemaker:Describe{kind}" for kind in _DESCRIBED),
                *(f"sagemaker:List{kind}" for kind in _LISTED_WITHIN),
            ],
            self._named("endpoint", "model-package", "model-package-group", "pipeline"),
            wildcard="What belongs to this platform; runs and versions are named by SageMaker",
        )
        allow(
            self,
            ["sagemaker:DescribeProcessingJob", "sagemaker:DescribeTrainingJob"],
            [self._arn("processing-job", "*"), self._arn("training-job", "*")],
            conditions=self._ours,
            wildcard="SageMaker names the jobs of pipelines; the condition keeps to the team's",
        )

    def allow_reading(self, *buckets: s3.IBucket, key: kms.IKey) -> None:
        """Read what is in `buckets`, all of which are encrypted with `key`."""
        allow(self, ["s3:ListBucket"], [bucket.bucket_arn for bucket in buckets])
        objects = [bucket.arn_for_objects("*") for bucket in buckets]
        allow(self, ["s3:GetObject"], objects, wildcard="Everything in this bucket is there for the team to read")
        key.grant(self, "kms:Decrypt")

    def allow_pipelines(self) -> None:
        """Start, stop and retry this platform's pipelines."""
        starts_compute(self)
        allow(
            self,
            [f"sagemaker:{verb}PipelineExecution" for verb in ("Start", "Stop", "Retry")],
            self._named("pipeline"),
            wildcard="Pipelines of this platform with their executions",
        )
        # Where Autopilot trains, a state machine stands for the pipeline.
        kinds = {"Start": "stateMachine", "Stop": "execution", "Describe": "execution"}
        for verb, kind in kinds.items():
            machines = [arn(self, "states", f"{kind}:{self._prefix}-*")]
            allow(
                self, [f"states:{verb}Execution"], machines, wildcard="State machines of this platform and their runs"
            )

    def allow_predictions(self) -> None:
        """Ask this platform's endpoints."""
        allow(self, ["sagemaker:InvokeEndpoint"], self._named("endpoint"), wildcard="Endpoints of this platform")

    def allow_runs(self) -> None:
        """Look at recorded runs and compare them, in MLflow's own pages too.

        MLflow Apps know one action for everything, so who may read may also write and delete.
        """
        allow(self, ["sagemaker:ListMlflowApps"], ["*"], wildcard=_LISTS)
        allow(
            self,
            [
                f"sagemaker:{action}"
                for action in ("CallMlflowAppApi", "CreatePresignedMlflowAppUrl", "DescribeMlflowApp")
            ],
            [self._arn("mlflow-app", "*")],
            conditions={"StringEquals": {"aws:ResourceTag/sluice:platform": self._prefix}},
            wildcard="SageMaker names the apps; the condition keeps to the platform's",
        )

    def allow_experiments(self, job_role: iam.IRole) -> None:
        """Run training and processing jobs of one's own, named after this platform, as `job_role`."""
        self._allow_jobs("Processing", "Training")
        passed_to = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        allow(self, ["iam:PassRole"], [job_role.role_arn], conditions=passed_to)

    def allow_batches(self, workloads: Sequence[str]) -> None:
        """Have batches answered by models of these workloads that promotion has made, all of approved versions.

        A transform job runs as its model does, so no role is handed out.
        """
        models = [self._arn("model", f"{self._prefix}-{name}-v*") for name in workloads]
        self._allow_jobs("Transform", conditions={"ArnLike": {"sagemaker:ModelArn": models}})
        allow(
            self,
            ["sagemaker:DescribeTransformJob"],
            self._named("transform-job"),
            conditions=self._ours,
            wildcard="Jobs that people name; the condition keeps to the team's",
        )
        allow(self, ["sagemaker:ListModels", "sagemaker:ListTransformJobs"], ["*"], wildcard=_LISTS)

    def _allow_jobs(self, *kinds: str, conditions: Mapping[str, Any] | None = None) -> None:
        """Make jobs that are named after this platform, and stop those of the team."""
        starts_compute(self)
        jobs = self._named(*(f"{kind.lower()}-job" for kind in kinds))
        making = [f"sagemaker:Create{kind}Job" for kind in kinds]
        allow(self, making, jobs, conditions=conditions, wildcard="Jobs that people name")
        allow(
            self,
            [f"sagemaker:Stop{kind}Job" for kind in kinds],
            jobs,
            conditions=self._ours,
            wildcard="Jobs that people name; the condition keeps to the team's",
        )
        allow(
            self,
            ["sagemaker:AddTags"],
            jobs,
            conditions={"Null": {"sagemaker:TaggingAction": "false"}},
            wildcard="Tags that jobs get while they are being created, and at no other time",
        )

    def allow_approval(self) -> None:
        """Approve and reject model packages of this platform."""
        # The permissions boundary goes by this tag: whoever else is granted the action cannot approve.
        Tags.of(self).add("sluice:approves", "true")
        allow(
            self,
            ["sagemaker:UpdateModelPackage"],
            self._named("model-package"),
            wildcard="Model packages of this platform, whose numbers are given when they are registered",
        )

    def allow_studio(self, domain_id: str, *, key: kms.IKey, instance_types: Sequence[str]) -> None:
        """Open Studio as oneself; with `instance_types`, also run private spaces of one's own there, on these."""
        domain, profile = self._arn("domain", domain_id), self._arn("user-profile", f"{domain_id}/*")
        spaces, apps = self._arn("space", f"{domain_id}/*"), self._arn("app", f"{domain_id}/*")
        look = [f"sagemaker:Describe{kind}" for kind in ("Domain", "UserProfile", "Space", "App")]
        allow(self, look, [domain, profile, spaces, apps], wildcard="Everything in this domain, to look at")
        if not instance_types:
            return
        starts_compute(self)
        own = {
            "ArnLike": {"sagemaker:OwnerUserProfileArn": arn(self, "sagemaker", _OWN_PROFILE)},
            "StringEquals": {"sagemaker:SpaceSharingType": ["Private"]},
            # Whoever names no type gets the smallest.
            "ForAllValues:StringEquals": {"sagemaker:InstanceTypes": list(instance_types)},
        }
        allow(
            self,
            [
                "sagemaker:CreateSpace",
                "sagemaker:UpdateSpace",
                "sagemaker:DeleteSpace",
                "sagemaker:CreateApp",
                "sagemaker:DeleteApp",
            ],
            [spaces, apps],
            conditions=own,
            wildcard="Users name their spaces themselves; the condition keeps each to private ones of their own",
        )
        allow(
            self,
            ["sagemaker:AddTags"],
            [spaces, apps],
            conditions={"Null": {"sagemaker:TaggingAction": "false"}},
            wildcard="Tags that spaces and apps get while they are being created, and at no other time",
        )
        # Without a condition: kms:GrantIsForAWSResource and kms:ViaService both break the making of a space.
        key.grant(self, "kms:CreateGrant", "kms:DescribeKey", "kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext")

    def _named(self, *resources: str) -> list[str]:
        return [self._arn(resource, f"{self._prefix}-*") for resource in resources]

    def _arn(self, resource: str, name: str) -> str:
        return arn(self, "sagemaker", f"{resource}/{name}")


_DESCRIBED = (
    "Endpoint",
    "ModelPackage",
    "ModelPackageGroup",
    "Pipeline",
    "PipelineExecution",
)
_LISTED_WITHIN = ("ModelPackages", "PipelineExecutions", "PipelineExecutionSteps")
_LISTED = (
    "Apps",
    "Domains",
    "Endpoints",
    "ModelPackageGroups",
    "Pipelines",
    "ProcessingJobs",
    "Spaces",
    "TrainingJobs",
    "UserProfiles",
)
