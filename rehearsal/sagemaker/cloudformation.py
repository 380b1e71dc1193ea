"""CloudFormation's view of the SageMaker kinds: one row a type, the rest follows from the botocore model."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.sagemaker import shapes
from rehearsal.sagemaker.kinds import BY_NOUN, Kind
from rehearsal.sagemaker.service import Service, identifier
from rehearsal.sagemaker.store import AwsError, Record

Properties = dict[str, Any]
Provisioner = dict[str, Callable[..., Any]]

_PATIENCE_SECONDS = 3600  # real ones; a stack's resource may pass through states at the pace of the cloud's clock


@dataclass(frozen=True)
class Type:
    """A CloudFormation type: what `Ref` gives, what `GetAtt` gives, which properties replace it."""

    noun: str
    ref: str
    attributes: tuple[str, ...]
    create_only: tuple[str, ...]


TYPES = {
    "AWS::SageMaker::Domain": Type(
        "Domain",
        "DomainId",
        ("DomainArn", "DomainId", "HomeEfsFileSystemId", "Url"),
        ("AuthMode", "DomainName", "KmsKeyId", "VpcId"),
    ),
    "AWS::SageMaker::UserProfile": Type(
        "UserProfile",
        "UserProfileName",
        ("UserProfileArn",),
        ("DomainId", "UserProfileName", "SingleSignOnUserIdentifier", "SingleSignOnUserValue"),
    ),
    "AWS::SageMaker::ModelPackageGroup": Type(
        "ModelPackageGroup",
        "ModelPackageGroupArn",
        ("ModelPackageGroupArn", "CreationTime", "ModelPackageGroupStatus"),
        ("ModelPackageGroupName", "ModelPackageGroupDescription"),
    ),
    "AWS::SageMaker::Pipeline": Type("Pipeline", "PipelineName", ("PipelineName",), ("PipelineName",)),
}


def provisioner(type_name: str, service: Service) -> Provisioner:
    """`create`, `update` and `delete` as the CloudFormation engine calls them. They raise ValueError on a refusal."""
    row = TYPES[type_name]
    kind = BY_NOUN[row.noun]

    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Properties]:
        request = _request(f"Create{row.noun}", properties)
        if kind.key[-1] not in request and kind.key[-1] != "DomainId":
            request[kind.key[-1]] = f"{stack_name}-{logical_id}-{identifier(8)}"[:63]
        answer = _call(service, f"Create{row.noun}", request)
        record = service.store.by_arn(answer[kind.arn_member])
        _wait(kind, record)
        return _identity(record)

    def update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> tuple[str, Properties]:
        record = _find(physical_id, old)
        request = _request(f"Update{row.noun}", new)
        _call(service, f"Update{row.noun}", {**{name: record[name] for name in kind.key}, **request})
        record["Tags"] = new.get("Tags", [])
        _wait(kind, record)
        return _identity(record)

    def delete(physical_id: str, properties: Properties) -> None:
        try:
            record = _find(physical_id, properties)
        except AwsError:
            return  # gone already is what was asked for
        request = {name: record[name] for name in kind.key}
        if row.noun == "Pipeline":
            request["ClientRequestToken"] = identifier(32)
        _call(service, f"Delete{row.noun}", request)
        _wait(kind, record)

    def _find(physical_id: str, properties: Mapping[str, Any]) -> Record:
        return service.store.find(row.noun, **{**properties, kind.key[-1]: physical_id})

    def _identity(record: Record) -> tuple[str, Properties]:
        return record[row.ref], {name: record[name] for name in row.attributes if name in record}

    return {"create": create, "update": update, "delete": delete}


def _wait(kind: Kind, record: Record) -> None:
    """Until the resource has left its passing state, or is gone. Raises ValueError when it failed, or never does."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while record.get(kind.status) in kind.passing:
        if time.monotonic() > deadline:
            raise ValueError(f"Resource did not stabilize: {record[kind.arn_member]} is {record[kind.status]}.")
        time.sleep(0.02)
    if record.get(kind.status) == "Failed":
        raise ValueError(f"Resource {record[kind.arn_member]} failed: {record.get('FailureReason')}")


def _request(operation: str, properties: Mapping[str, Any]) -> Properties:
    """The API request that a resource's properties ask for: same names, except for a pipeline's definition."""
    members = shapes.input_members(operation)
    request = {name: _typed(members[name], value) for name, value in properties.items() if name in members}
    if "PipelineDefinition" in request:
        body = properties["PipelineDefinition"]["PipelineDefinitionBody"]
        request["PipelineDefinition"] = body if isinstance(body, str) else json.dumps(body)
    if "ClientRequestToken" in members:
        request["ClientRequestToken"] = identifier(32)
    return request


def _typed(shape: Any, value: Any) -> Any:
    """CloudFormation may hand numbers and booleans on as strings."""
    if shape.type_name == "structure" and isinstance(value, dict):
        return {n: _typed(shape.members[n], v) if n in shape.members else v for n, v in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [_typed(shape.member, item) for item in value]
    if shape.type_name in ("integer", "long") and isinstance(value, str):
        return int(value)
    if shape.type_name == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    return value


def _call(service: Service, operation: str, request: Properties) -> Properties:
    try:
        return service.call(operation, request)
    except AwsError as error:
        raise ValueError(f"Resource handler returned message: {error.message} (SageMaker, {error.code})") from error
