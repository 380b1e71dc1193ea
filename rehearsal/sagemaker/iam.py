"""What IAM checks for a SageMaker call: the resource ARN and the condition keys.

Source: AWS, Service Authorization Reference, "Actions, resources, and condition keys for Amazon SageMaker".
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import jmespath

from rehearsal.sagemaker.kinds import BY_NOUN, BY_OPERATION
from rehearsal.sagemaker.store import Store

# Condition key -> where the request carries it. A key that the request lacks is absent, as in AWS.
_KEYS: dict[str, dict[str, str]] = {
    "CreateTrainingJob": {
        "sagemaker:InstanceTypes": "[ResourceConfig.InstanceType]",
        "sagemaker:MaxRuntimeInSeconds": "StoppingCondition.MaxRuntimeInSeconds",
        "sagemaker:NetworkIsolation": "EnableNetworkIsolation",
        "sagemaker:InterContainerTrafficEncryption": "EnableInterContainerTrafficEncryption",
        "sagemaker:OutputKmsKeyArn": "OutputDataConfig.KmsKeyId",
        "sagemaker:VolumeKmsKeyArn": "ResourceConfig.VolumeKmsKeyId",
        "sagemaker:VpcSubnets": "VpcConfig.Subnets",
        "sagemaker:VpcSecurityGroupIds": "VpcConfig.SecurityGroupIds",
    },
    "CreateProcessingJob": {
        "sagemaker:InstanceTypes": "[ProcessingResources.ClusterConfig.InstanceType]",
        "sagemaker:MaxRuntimeInSeconds": "StoppingCondition.MaxRuntimeInSeconds",
        "sagemaker:NetworkIsolation": "NetworkConfig.EnableNetworkIsolation",
        "sagemaker:InterContainerTrafficEncryption": "NetworkConfig.EnableInterContainerTrafficEncryption",
        "sagemaker:OutputKmsKeyArn": "ProcessingOutputConfig.KmsKeyId",
        "sagemaker:VolumeKmsKeyArn": "ProcessingResources.ClusterConfig.VolumeKmsKeyId",
        "sagemaker:VpcSubnets": "NetworkConfig.VpcConfig.Subnets",
        "sagemaker:VpcSecurityGroupIds": "NetworkConfig.VpcConfig.SecurityGroupIds",
    },
    "CreateModel": {
        "sagemaker:NetworkIsolation": "EnableNetworkIsolation",
        "sagemaker:VpcSubnets": "VpcConfig.Subnets",
        "sagemaker:VpcSecurityGroupIds": "VpcConfig.SecurityGroupIds",
    },
    "CreateEndpointConfig": {
        "sagemaker:InstanceTypes": "ProductionVariants[].InstanceType",
        "sagemaker:ModelArn": "ProductionVariants[].ModelName",
        "sagemaker:VolumeKmsKeyArn": "KmsKeyId",
    },
    "CreateModelPackage": {"sagemaker:ModelApprovalStatus": "ModelApprovalStatus"},
    "UpdateModelPackage": {"sagemaker:ModelApprovalStatus": "ModelApprovalStatus"},
}


def resource(operation: str, request: Mapping[str, Any], arn_prefix: str, store: Store) -> str:
    """The ARN that a call is authorized on; '*' where the action has no resource level."""
    if "ResourceArn" in request:
        return request["ResourceArn"]
    if operation == "ListPipelineExecutionSteps":
        return request.get("PipelineExecutionArn", "*")
    if operation == "ListModelPackages":
        return "*"
    kind = BY_OPERATION.get(operation)
    if kind is None or (operation.startswith("List") and operation != "ListPipelineExecutions"):
        return "*"
    if kind.noun == "PipelineExecution":
        if "PipelineExecutionArn" in request:
            return request["PipelineExecutionArn"]
        kind = BY_NOUN["Pipeline"]
    members = dict(request)
    if operation == "CreateDomain":
        members["DomainId"] = "*"
    if operation == "CreateModelPackage":
        members["ModelPackageVersion"] = "*"
    if kind.noun == "ModelPackage" and operation != "CreateModelPackage":
        return str(request.get("ModelPackageName") or request.get("ModelPackageArn"))
    given = str(members.get(kind.key[-1], "*"))
    if given.startswith("arn:"):
        return given
    # A request that lacks the name is refused for that later; here it names every resource.
    return arn_prefix + kind.arn.format_map(defaultdict(lambda: "*", members))


def further(operation: str, request: Mapping[str, Any], arn_prefix: str, store: Store) -> list[tuple[str, str]]:
    """The actions and resources that AWS checks beside the main one: tags at creation, the configuration deployed."""
    if operation not in BY_OPERATION:
        return []
    checks = []
    if operation in ("CreateEndpoint", "UpdateEndpoint") and "EndpointConfigName" in request:
        checks.append((operation, f"{arn_prefix}endpoint-config/{request['EndpointConfigName']}"))
    if operation.startswith("Create") and request.get("Tags"):
        checks.append(("AddTags", resource(operation, request, arn_prefix, store)))
    return checks


def conditions(operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """The service's own condition keys of a call, with the values as IAM compares them."""
    found = {}
    for key, path in _KEYS.get(operation, {}).items():
        value = jmespath.search(path, dict(request))
        values = [_text(v) for v in value if v is not None] if isinstance(value, list) else value
        if values not in (None, []):
            found[key] = values if isinstance(values, list) else _text(values)
    return found


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
