"""Endpoints in every form, with what they are made of."""

from typing import TYPE_CHECKING

from rehearsal.stories.awkward.table import Row

if TYPE_CHECKING:
    from rehearsal.stories.awkward.making import Awkward


def endpoint(shop: "Awkward", region: str, row: Row) -> str:
    tags = shop.tags(row)
    if "image" in row:
        model(shop, row["name"], region, tags, row["image"])
    config(shop, region, row, tags)
    names = {"EndpointName": row["name"], "EndpointConfigName": row["name"]}
    return shop.client("sagemaker", region).create_endpoint(**names, Tags=tags)["EndpointArn"]


def config(shop: "Awkward", region: str, row: Row, tags: list[dict[str, str]]) -> str:
    size = {"InstanceType": row.get("instance", "ml.m5.large"), "InitialInstanceCount": row.get("count", 1)}
    more: Row = {"ModelName": row["name"] if "image" in row else "awkward"}
    given: Row = {}
    if row.get("serverless"):
        size = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 2}}
        if "provisioned" in row:
            size["ServerlessConfig"]["ProvisionedConcurrency"] = row["provisioned"]
    if "parts" in row:
        scaling = {
            "Status": "ENABLED",
            "MinInstanceCount": row["parts"]["least"],
            "MaxInstanceCount": max(2, row.get("count", 1)),
        }
        more, given = {"ManagedInstanceScaling": scaling}, {"ExecutionRoleArn": shop.role_arn}
    if row.get("key"):
        given = {"KmsKeyId": shop.key}
    if row.get("async"):
        given = {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://awkward/out"}}}
    variants = [{"VariantName": f"v{i}", **size, **more} for i in range(row.get("variants", 1))]
    asked = {"EndpointConfigName": row["name"], "ProductionVariants": variants, "Tags": tags, **given}
    return shop.client("sagemaker", region).create_endpoint_config(**asked)["EndpointConfigArn"]


def model(shop: "Awkward", name: str, region: str, tags: list[dict[str, str]], image: str) -> str:
    container = {"Image": image, "ModelDataUrl": "s3://awkward/model.tar.gz"}
    asked = {"ExecutionRoleArn": shop.role_arn, "PrimaryContainer": container, "Tags": tags}
    return shop.client("sagemaker", region).create_model(ModelName=name, **asked)["ModelArn"]


def component(shop: "Awkward", region: str, row: Row) -> str:
    return shop.client("sagemaker", region).create_inference_component(
        InferenceComponentName=row["name"],
        EndpointName=row["in"],
        VariantName="v0",
        Specification={"ModelName": "awkward"},
        RuntimeConfig={"CopyCount": row.get("copies", 1)},
        Tags=shop.tags(row),
    )["InferenceComponentArn"]
