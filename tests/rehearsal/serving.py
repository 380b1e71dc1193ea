"""Models and endpoints for tests that send requests to them."""

import io
import json
import struct
import tarfile
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.embedded import EmbeddedCloud

KMEANS = "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1"


class Serving:
    """Makes models and endpoints in one cloud, under a role."""

    def __init__(self, cloud: EmbeddedCloud, role: str) -> None:
        self.sagemaker, self.runtime = cloud.client("sagemaker"), cloud.client("sagemaker-runtime")
        self._s3, self._role = cloud.client("s3"), role
        self._s3.create_bucket(Bucket="models")

    def model(self, name: str, centre: float | None, role: str = "", **container: Any) -> str:
        """A K-means model with one centre on a line; the distance that it answers says which model answered.

        Without a centre the archive is empty, and the container cannot start.
        """
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            if centre is not None:  # NDArray::Save, version 2: one dense float32 array of 1 x 1 on the CPU, unnamed
                content = struct.pack("<QQQIiI2q3ifQ", 0x112, 0, 1, 0xF993FAC9, 0, 2, 1, 1, 1, 0, 0, centre, 0)
                member = tarfile.TarInfo("model_algo-1")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        self._s3.put_object(Bucket="models", Key=f"{name}/model.tar.gz", Body=packed.getvalue())
        own = {"Image": KMEANS, "ModelDataUrl": f"s3://models/{name}/model.tar.gz"}
        self.sagemaker.create_model(
            ModelName=name, ExecutionRoleArn=role or self._role, PrimaryContainer=container or own
        )
        return name

    def config(self, name: str, models: dict[str, str], weights: dict[str, float] | None = None, **more: Any) -> str:
        """An endpoint configuration of variants, given as {variant: model}."""
        count = more.pop("InitialInstanceCount", 1)
        common = {"InstanceType": "ml.m5.large", "InitialInstanceCount": count}
        variants = [
            {"VariantName": v, "ModelName": m, "InitialVariantWeight": (weights or {}).get(v, 1), **common}
            for v, m in models.items()
        ]
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, **more)
        return name

    def endpoint(self, name: str, models: dict[str, str], **more: Any) -> dict[str, Any]:
        """The description of a new endpoint when nothing is under way any more."""
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=self.config(name, models, **more))
        return self.settled(name)

    def settled(self, name: str) -> dict[str, Any]:
        deadline = time.monotonic() + 120
        while True:
            answer = self.sagemaker.describe_endpoint(EndpointName=name)
            if answer["EndpointStatus"] not in ("Creating", "Updating"):
                return answer
            assert time.monotonic() < deadline, answer
            time.sleep(0.05)

    def distance(self, name: str, point: float = 0, **more: Any) -> tuple[str, float]:
        """(variant, distance of the point to its centre) of one request."""
        answer = self.runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body=f"{point}", **more)
        [row] = json.loads(answer["Body"].read())["predictions"]
        return answer["InvokedProductionVariant"], row["distance_to_cluster"]


def log_events(cloud: EmbeddedCloud, endpoint: str) -> list[dict[str, Any]]:
    """The log of an endpoint, once there is one. AWS: "Log groups and streams that SageMaker AI sends"."""
    logs, group, deadline = cloud.client("logs"), f"/aws/sagemaker/Endpoints/{endpoint}", time.monotonic() + 20
    while time.monotonic() < deadline:
        found = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        events = logs.filter_log_events(logGroupName=group)["events"] if found else []
        if events:
            return events
        time.sleep(0.1)
    return []


def refusal(call: Any, **arguments: Any) -> Any:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response
