"""The roles of a workload: what its jobs and its endpoint run as, and what starts the jobs."""

from collections.abc import Iterable, Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from sluice.arn import arn
from sluice.network import Network
from sluice.permission import Role, allow, allow_grants, deny, from_this_account, starts_compute

_JOBS = {"ProcessingJob": "processing-job", "TrainingJob": "training-job"}
_AT_CREATION = {"Null": {"sagemaker:TaggingAction": "false"}}
# Of a workload's folder: what its models are judged by once they are served, and what its runs are handed of that.
_EVIDENCE = ("capture/*", "monitor/*", "*/begin/*")
JOB_LOGS = ("/aws/sagemaker/ProcessingJobs", "/aws/sagemaker/TrainingJobs")


class WorkloadRole(Role):
    """What SageMaker runs a workload as: its jobs, or its endpoint. Starts with `log_groups`, nothing else."""

    def __init__(
        self, scope: Construct, id: str, *, workload: str, description: str, log_groups: Sequence[str]
    ) -> None:
        super().__init__(scope, id, assumed_by=from_this_account("sagemaker.amazonaws.com"), description=description)
        self._workload = workload
        allow(
            self,
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            [arn(self, "logs", f"log-group:{group}*") for group in log_groups],
            wildcard="SageMaker names the log streams",
        )
        # The metrics of instances go to a namespace of the same name.
        namespaces = ["/".join(group.split("/")[:4]) for group in log_groups]
        allow(
            self,
            ["cloudwatch:PutMetricData"],
            ["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": namespaces}},
            wildcard="PutMetricData has no resource level; the condition names the namespaces",
        )

    def allow_code(self, code: assets.Asset) -> None:
        """Read the one object that holds the scripts."""
        allow(self, ["s3:GetObject"], [code.bucket.arn_for_objects(code.s3_object_key)])
        self._allow_listing(code.bucket, code.s3_object_key)

    def allow_data(self, bucket: s3.IBucket, *, write: bool, prefix: str | None = None) -> None:
        """Read, and with `write` also write, what is under `prefix` (the workload's own) in `bucket`.

        Without a `prefix` not the evidence there by which others judge the workload's models.
        """
        writing = ["s3:PutObject", "s3:AbortMultipartUpload"]
        actions = ["s3:GetObject", *(writing if write else ())]
        within = f"{self._workload}/*" if prefix is None else f"{prefix}*"
        objects = bucket.arn_for_objects(within)
        allow(self, actions, [objects], wildcard="One prefix, where runs name what they write")
        if write and prefix is None:
            deny(self, writing, [bucket.arn_for_objects(f"{self._workload}/{place}") for place in _EVIDENCE])
        self._allow_listing(bucket, within)

    def allow_key(self, key: kms.IKey) -> None:
        """Encrypt and decrypt, and let the volumes of instances do so."""
        key.grant(self, "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey")
        allow_grants(self, key)

    def allow_network(self, network: Network) -> None:
        """Put network interfaces in `network`."""
        interfaces = self._ec2("network-interface", ["*"])
        places = [*self._ec2("subnet", network.subnet_ids), *self._ec2("security-group", network.security_group_ids)]
        allow(
            self,
            ["ec2:CreateNetworkInterface"],
            [*interfaces, *places],
            wildcard="Network interfaces get their ids when they are made, in these subnets",
        )
        allow(
            self,
            [
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
                "ec2:DeleteNetworkInterfacePermission",
            ],
            interfaces,
            conditions={"ArnEquals": {"ec2:Vpc": self._ec2("vpc", [network.vpc.vpc_id])[0]}},
            wildcard="Network interfaces get their ids when they are made; the condition names the VPC",
        )
        described = ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
        allow(
            self,
            [f"ec2:Describe{kind}" for kind in described],
            ["*"],
            wildcard="Describe actions of EC2 have no resource level",
        )

    def allow_images(self, uris: Iterable[str]) -> None:
        """Pull the images `uris`, such as 111122223333.dkr.ecr.us-east-1.<suffix>/kmeans:1."""
        pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        allow(self, pull, [self._image(uri) for uri in uris])
        allow(self, ["ecr:GetAuthorizationToken"], ["*"], wildcard="GetAuthorizationToken has no resource level")

    def _image(self, uri: str) -> str:
        registry, _, repository = uri.partition("/")
        account, _, _, region = registry.split(".")[:4]
        _, partition, _ = arn(self, "ecr", "").split(":", 2)
        return f"arn:{partition}:ecr:{region}:{account}:repository/{repository.partition(':')[0]}"

    def _allow_listing(self, bucket: s3.IBucket, prefix: str) -> None:
        allow(self, ["s3:ListBucket"], [bucket.bucket_arn], conditions={"StringLike": {"s3:prefix": prefix}})

    def _ec2(self, resource: str, names: Sequence[str]) -> list[str]:
        return [arn(self, "ec2", f"{resource}/{name}") for name in names]


class PipelineRole(Role):
    """What a pipeline runs as: starts jobs of `kinds` that SageMaker names after it, and hands them `job_role`."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        workload: str,
        job_role: iam.IRole,
        kinds: Sequence[str] = tuple(_JOBS),
    ) -> None:
        super().__init__(
            scope,
            id,
            assumed_by=from_this_account("sagemaker.amazonaws.com"),
            description=f"Steps of the pipeline {workload}",
        )
        starts_compute(self)
        self._own = {"StringEquals": {"aws:ResourceTag/sluice:workload": workload}}
        jobs = [self._arn(_JOBS[kind], "pipelines-*") for kind in kinds]
        self._allow_jobs(
            [f"Create{kind}" for kind in kinds], [f"{v}{k}" for v in ("Describe", "Stop") for k in kinds], jobs
        )
        passed_to = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        allow(self, ["iam:PassRole"], [job_role.role_arn], conditions=passed_to)

    def allow_tuning(self) -> None:
        """Search for hyperparameters. The training jobs are SageMaker's own: what starts them needs no other right.

        A tuning job's name has 32 characters at most, so SageMaker leaves `pipelines-` out and begins it with the
        twelve of the execution's ID, as the artifacts of public runs show; AWS documents neither. Nor does it say
        who asks for the list of a search's training jobs, of which a pipeline takes the best.
        """
        searches = [self._arn("hyper-parameter-tuning-job", name) for name in ("pipelines-*", "?" * 12 + "-*")]
        noun = "HyperParameterTuningJob"
        self._allow_jobs([f"Create{noun}"], [f"Describe{noun}", f"Stop{noun}", f"ListTrainingJobsFor{noun}"], searches)

    def _allow_jobs(self, making: Sequence[str], others: Sequence[str], jobs: Sequence[str]) -> None:
        """Make `jobs`, and do `others` with those of them that bear the workload's tag, as all that its runs make."""
        named = "SageMaker names the jobs of a pipeline after its execution; the condition keeps to the workload's"
        allow(self, [f"sagemaker:{action}" for action in making], jobs, wildcard=named)
        allow(self, ["sagemaker:AddTags"], jobs, conditions=_AT_CREATION, wildcard=named)
        allow(self, [f"sagemaker:{action}" for action in others], jobs, conditions=self._own, wildcard=named)

    def allow_registration(self, group: str, *, models: s3.IBucket, workload: str) -> None:
        """Register models that lie under the workload's prefix in `models` in the package group `group`."""
        packages = [self._arn("model-package", f"{group}/*")]
        allow(self, ["sagemaker:CreateModelPackage"], packages, wildcard="SageMaker numbers the versions of a group")
        allow(self, ["sagemaker:CreateModelPackage"], [self._arn("model-package-group", group)])
        # The registry reads what it registers as the one who registers it.
        own = models.arn_for_objects(f"{workload}/*")
        allow(self, ["s3:GetObject"], [own], wildcard="The workload's own prefix; runs name what they write")

    def _arn(self, resource: str, name: str) -> str:
        return arn(self, "sagemaker", f"{resource}/{name}")
