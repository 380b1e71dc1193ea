"""What every run begins with: a note of the data that it reads, and the model that it has to beat."""

import json
from collections.abc import Collection, Mapping

from aws_cdk import Duration, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from sluice.arn import arn
from sluice.function import HandlerFunction
from sluice.permission import allow, allow_key


class Begin(Construct):
    """The function that runs call first. `prefixes` holds, by workload, what each reads of `data_bucket`.

    `parallel_runs` holds, by workload, how many of its runs may go on at once; of those in `machines` a run is an
    execution of the state machine `<prefix>-<workload>`, of the others one of the pipeline of that name. With
    `registers`, the champion of a workload is looked for in the package group `<prefix>-<workload>`, and for those in
    `monitored` the rows that it is met on.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        prefixes: Mapping[str, str],
        parallel_runs: Mapping[str, int],
        machines: Collection[str] = (),
        monitored: Collection[str] = (),
        data_bucket: s3.IBucket,
        artifact_bucket: s3.IBucket,
        key: kms.IKey,
        registers: bool,
    ) -> None:
        super().__init__(scope, id)
        machine_arns = {name: arn(self, "states", f"stateMachine:{prefix}-{name}") for name in machines}
        self.handler = HandlerFunction(
            self,
            "Function",
            prefix=prefix,
            verb="begin",
            key=key,
            # AWS, "Pipelines steps": what a Lambda step calls may run for ten minutes.
            timeout=Duration.minutes(10),
            environment={
                "platform": prefix,
                "data_bucket": data_bucket.bucket_name,
                "artifact_bucket": artifact_bucket.bucket_name,
                "parallel_runs": json.dumps(dict(parallel_runs)),
                "machines": Stack.of(self).to_json_string(machine_arns),
                "registry": json.dumps(registers),
            },
        )
        pipelines = [arn(self, "sagemaker", f"pipeline/{prefix}-{name}") for name in prefixes if name not in machines]
        for action, counted in (
            ("sagemaker:ListPipelineExecutions", pipelines),
            ("states:ListExecutions", [*machine_arns.values()]),
        ):
            if counted:
                allow(self.handler.role, [action], counted)
        self._allow_data(list(prefixes.values()), data_bucket)
        self._allow_artifacts(list(prefixes), artifact_bucket, key)
        if registers:
            self._allow_registry([f"{prefix}-{workload}" for workload in prefixes])
        if monitored:
            self._allow_rows(sorted(monitored), artifact_bucket)

    def _allow_data(self, prefixes: list[str], bucket: s3.IBucket) -> None:
        role, within = self.handler.role, [bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]
        listing = {"StringEquals": {"s3:prefix": prefixes}}
        allow(role, ["s3:ListBucketVersions"], [bucket.bucket_arn], conditions=listing)
        allow(role, ["s3:GetObjectVersion"], within, wildcard="What workloads read, of which people choose the names")

    def _allow_artifacts(self, workloads: list[str], bucket: s3.IBucket, key: kms.IKey) -> None:
        role = self.handler.role
        noted = [bucket.arn_for_objects(f"{workload}/manifests/*") for workload in workloads]
        allow(role, ["s3:GetObject", "s3:PutObject"], noted, wildcard="Manifests are named by their content")
        copied = [bucket.arn_for_objects(f"{workload}/*/begin/*") for workload in workloads]
        writing = ["s3:PutObject", "s3:AbortMultipartUpload"]
        allow(role, writing, copied, wildcard="Runs are named by SageMaker, when they start")
        allow_key(role, key, "s3", "Decrypt", "GenerateDataKey")

    def _allow_rows(self, workloads: list[str], bucket: s3.IBucket) -> None:
        """`labelled.csv` of windows, and whether there still is what a champion was tested with."""
        role = self.handler.role
        places = [f"{workload}/{place}" for workload in workloads for place in ("monitor/*", "*/preprocess/test/*")]
        allow(role, ["s3:ListBucket"], [bucket.bucket_arn], conditions={"StringLike": {"s3:prefix": places}})
        labelled = [bucket.arn_for_objects(f"{workload}/monitor/*/labelled.csv") for workload in workloads]
        allow(role, ["s3:GetObject"], labelled, wildcard="Windows are named by their end")

    def _allow_registry(self, groups: list[str]) -> None:
        packages = [arn(self, "sagemaker", f"model-package/{group}/*") for group in groups]
        numbered = "SageMaker numbers the versions of a group"
        allow(self.handler.role, ["sagemaker:DescribeModelPackage"], packages, wildcard=numbered)
        listed = [*packages, *(arn(self, "sagemaker", f"model-package-group/{group}") for group in groups)]
        allow(self.handler.role, ["sagemaker:ListModelPackages"], listed, wildcard=numbered)
