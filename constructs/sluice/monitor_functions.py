"""What a monitor's run begins and ends with: which window is examined, and what it showed."""

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from config.monitoring import Monitor
from sluice.arn import arn
from sluice.cost_ledger import CostLedger
from sluice.function import HandlerFunction
from sluice.permission import allow, allow_key
from sluice.variables import refuse_too_large

_VERSIONS = "Names end in the version of the model package, known only at run time"
_MOST = Duration.minutes(10)  # AWS, "Pipelines steps": what a Lambda step calls may run for so long


class Watch(Construct):
    """The function `watch`: it looks at what the endpoints of `monitors` serve, and notes what a job is to read."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        monitors: Mapping[str, Monitor],
        data_bucket: s3.IBucket,
        artifact_bucket: s3.IBucket,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        buckets = {"data_bucket": data_bucket.bucket_name, "artifact_bucket": artifact_bucket.bucket_name}
        self.handler = HandlerFunction(
            self,
            "Function",
            prefix=prefix,
            verb="watch",
            key=key,
            timeout=_MOST,
            environment={"platform": prefix, **buckets},
        )
        role, names = self.handler.role, {name: f"{prefix}-{name}" for name in monitors}
        endpoints = [names[name] for name, monitor in monitors.items() if monitor.source == "endpoint"]
        if endpoints:
            self._allow_endpoints(endpoints)
        packages = [self._arn(f"model-package/{name}/*") for name in names.values()]
        numbered = "SageMaker numbers the versions of a group"
        allow(role, ["sagemaker:DescribeModelPackage"], packages, wildcard=numbered)
        if batches := [name for name, monitor in monitors.items() if monitor.source == "batch"]:
            groups = [f"{part}/{names[n]}{end}" for n in batches for part, end in (("", "/*"), ("-group", ""))]
            listed = [self._arn(f"model-package{group}") for group in groups]
            allow(role, ["sagemaker:ListModelPackages"], listed, wildcard=numbered)
            told = [artifact_bucket.arn_for_objects(f"{name}/capture/batch/*") for name in batches]
            allow(role, ["s3:GetObject"], told, wildcard="SageMaker names the manifests of what it captures")
            allow_key(role, key, "s3", "Decrypt")
        _allow_listing(role, artifact_bucket, [f"{name}/capture/*" for name in monitors])
        labelled = [f"{name}/{monitor.labels}*" for name, monitor in monitors.items() if monitor.wants_labels]
        if labelled:
            _allow_listing(role, data_bucket, labelled)
        noted = [artifact_bucket.arn_for_objects(f"{name}/monitor/*/watch/*") for name in monitors]
        allow(role, ["s3:PutObject"], noted, wildcard="Each window has a folder of its own")
        allow_key(role, key, "s3", "GenerateDataKey")

    def _allow_endpoints(self, names: list[str]) -> None:
        role = self.handler.role
        allow(role, ["sagemaker:DescribeEndpoint"], [self._arn(f"endpoint/{name}") for name in names])
        configs = [self._arn(f"endpoint-config/{name}-v*") for name in names]
        allow(role, ["sagemaker:DescribeEndpointConfig"], configs, wildcard=_VERSIONS)
        models = [self._arn(f"model/{name}-v*") for name in names]
        allow(role, ["sagemaker:DescribeModel"], models, wildcard=_VERSIONS)

    def _arn(self, resource: str) -> str:
        return arn(self, "sagemaker", resource)


class Conclude(Construct):
    """The function `conclude`: metrics of each window, and the last one in `ledger`.

    `native`: it is called when a job of SageMaker Model Monitor has written its violations.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        monitors: Mapping[str, Monitor],
        ledger: CostLedger,
        artifact_bucket: s3.IBucket,
        key: kms.IKey,
        native: bool,
    ) -> None:
        super().__init__(scope, id)
        told = {name: _told(monitor, native) for name, monitor in monitors.items()}
        features = sum(len(monitor.critical) for monitor in monitors.values())
        refuse_too_large("conclude", f"{len(monitors)} monitors with {features} critical features", told)
        self.handler = HandlerFunction(
            self,
            "Function",
            prefix=prefix,
            verb="conclude",
            key=key,
            timeout=Duration.minutes(2),
            environment={
                "platform": prefix,
                "ledger_table": ledger.table_name,
                "monitors": json.dumps(told, separators=(",", ":")),
            },
        )
        role = self.handler.role
        ledger.grant(role, "GetItem", "PutItem")
        folder = "monitor/native" if native else "monitor"
        results = [artifact_bucket.arn_for_objects(f"{name}/{folder}/*") for name in monitors]
        allow(role, ["s3:GetObject"], results, wildcard="Each window has a folder of its own")
        allow_key(role, key, "s3", "Decrypt")
        if native:
            self._hear(list(monitors), artifact_bucket)

    def _hear(self, workloads: list[str], bucket: s3.IBucket) -> None:
        keys = [{"wildcard": f"{name}/monitor/native/*/constraint_violations.json"} for name in workloads]
        pattern = events.EventPattern(
            source=["aws.s3"],
            detail_type=["Object Created"],
            detail={"bucket": {"name": [bucket.bucket_name]}, "object": {"key": keys}},
        )
        events.Rule(self, "Rule", event_pattern=pattern, targets=[targets.LambdaFunction(self.handler.function)])


def _told(monitor: Monitor, native: bool) -> dict[str, Any]:
    """What `conclude` is told of a monitor."""
    told = {"kinds": monitor.kinds, "critical": monitor.critical}
    if not native:
        return told
    late = {"delay_hours": monitor.label_delay_hours, "overdue_hours": monitor.overdue_after_hours}
    return {**told, "minimum_rows": monitor.minimum_rows, "drift_share": monitor.drift_share, **late}


def _allow_listing(role: iam.Role, bucket: s3.IBucket, prefixes: list[str]) -> None:
    allow(role, ["s3:ListBucket"], [bucket.bucket_arn], conditions={"StringLike": {"s3:prefix": prefixes}})
