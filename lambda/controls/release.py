"""What serves one approved model package: the requests for its model and endpoint configuration. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

VARIANT = "AllTraffic"


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """How the models of one workload are hosted. Of `capture_percent` of the requests a copy goes to `capture_uri`.

    `baseline`: where SageMaker's own monitors look for it, as `controls.monitors.baselines.point` takes it; empty:
    nowhere.
    """

    tags: Mapping[str, str]
    workload: str
    instance_type: str
    instance_count: int
    role_arn: str
    key_arn: str
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]
    capture_uri: str = ""
    capture_percent: int = 0
    baseline: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def capture(self) -> dict[str, Any]:
        """The member of an endpoint configuration by which requests and answers are kept, if they are to be."""
        if not self.capture_percent:
            return {}
        captured: dict[str, Any] = {
            "EnableCapture": True,
            "InitialSamplingPercentage": self.capture_percent,
            "DestinationS3Uri": self.capture_uri,
            "KmsKeyId": self.key_arn,
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            # Of these types as text, which is read without decoding; of all others in base64.
            "CaptureContentTypeHeader": {
                "CsvContentTypes": ["text/csv"],
                "JsonContentTypes": ["application/json"],
            },
        }
        return {"DataCaptureConfig": captured}


@dataclass(frozen=True, kw_only=True)
class Package:
    """One version of a model package group."""

    arn: str
    version: int


@dataclass(frozen=True)
class Release:
    """The requests that bring a package into service. Model and endpoint configuration share one name.

    The name holds a hash of everything that is asked for, because neither of the two can be changed once it exists.
    """

    name: str
    model: dict[str, Any]
    config: dict[str, Any]
    tags: list[dict[str, str]]


def plan(group: str, package: Package, hosting: Hosting) -> Release:
    told = {**hosting.tags, "sluice:workload": hosting.workload, "sluice:managed-by": "promotion"}
    tags = [{"Key": key, "Value": value} for key, value in told.items()]
    model: dict[str, Any] = {
        "PrimaryContainer": {"ModelPackageName": package.arn},
        "ExecutionRoleArn": hosting.role_arn,
        "EnableNetworkIsolation": True,
        "VpcConfig": {"Subnets": list(hosting.subnet_ids), "SecurityGroupIds": list(hosting.security_group_ids)},
        "Tags": tags,
    }
    variant: dict[str, Any] = {
        "VariantName": VARIANT,
        "InstanceType": hosting.instance_type,
        "InitialInstanceCount": hosting.instance_count,
        "InitialVariantWeight": 1.0,
    }
    config: dict[str, Any] = {"KmsKeyId": hosting.key_arn, "Tags": tags, **hosting.capture}
    asked = json.dumps([model, variant, config], sort_keys=True).encode()
    name = f"{group}-v{package.version}-{hashlib.sha256(asked).hexdigest()[:8]}"
    return Release(
        name,
        {"ModelName": name, **model},
        {"EndpointConfigName": name, "ProductionVariants": [{**variant, "ModelName": name}], **config},
        tags,
    )
