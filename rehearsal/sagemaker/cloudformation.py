"""CloudFormation's view of the SageMaker kinds: one row a type, the rest follows from the botocore model.

Source: the types' own schemas in CloudFormation's registry (primaryIdentifier, readOnlyProperties,
createOnlyProperties), with which a test compares the rows.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.sagemaker import shapes
from rehearsal.sagemaker.kinds import BY_NOUN, BY_OPERATION, Kind
from rehearsal.sagemaker.service import Service, identifier
from rehearsal.sagemaker.store import AwsError, Record

Properties = dict[str, Any]
Provisioner = dict[str, Callable[..., Any]]

_PATIENCE_SECONDS = 3600  # real ones; a stack's resource may pass through states at the pace of the cloud's clock


@dataclass(frozen=True)
class Type:
    """A CloudFormation type: its name property, what `Ref` joins, what `GetAtt` gives, which properties replace it."""

    noun: str
    name: str
    ref: tuple[str, ...]
    attributes: tuple[str, ...]
    create_only: tuple[str, ...]


TYPES = {
    "AWS::SageMaker::Domain": Type(
        "Domain",
        "DomainName",
        ("DomainId",),
        ("DomainArn", "DomainId", "HomeEfsFileSystemId", "Url"),
        ("AuthMode", "DomainName", "KmsKeyId"),
    ),
    "AWS::SageMaker::UserProfile": Type(
        "UserProfile",
        "UserProfileName",
        ("UserProfileName", "DomainId"),
        ("UserProfileArn",),
        ("DomainId", "UserProfileName", "SingleSignOnUserIdentifier", "SingleSignOnUserValue"),
    ),
    "AWS::SageMaker::ModelPackageGroup": Type(
        "ModelPackageGroup",
        "ModelPackageGroupName",
        ("ModelPackageGroupArn",),
        ("ModelPackageGroupArn", "CreationTime", "ModelPackageGroupStatus"),
        ("ModelPackageGroupName", "ModelPackageGroupDescription"),
    ),
    "AWS::SageMaker::MlflowApp": Type(
        "MlflowApp",
        "Name",
        ("Arn",),
        ("Arn", "MlflowAppId", "Status", "MlflowVersion", "CreationTime", "LastModifiedTime"),
        ("Name", "RoleArn"),
    ),
    "AWS::SageMaker::Pipeline": Type("Pipeline", "PipelineName", ("PipelineName",), (), ("PipelineName",)),
}
# Where the API's update has another name for a property.
_ON_UPDATE = {"DomainSettings": "DomainSettingsForUpdate"}


def provisioner(type_name: str, service: Service) -> Provisioner:
    """`create`, `update` and `delete` as the CloudFormation engine calls them. They raise ValueError on a refusal."""
    row = TYPES[type_name]
    kind = BY_NOUN[row.noun]

    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Properties]:
        request = requested(f"Create{row.noun}", logical_id, properties)
        same = {name: properties.get(name) for name in (row.name, *(n for n in row.ref if n in properties))}
        if any(all(record.get(n) == v for n, v in same.items()) for record in service.store.all(row.noun)):
            raise ValueError(
                f"Resource of type '{type_name}' with identifier '{properties[row.name]}' already exists. "
                "(HandlerErrorCode: AlreadyExists)"
            )
        answer = _call(service, f"Create{row.noun}", request)
        record = service.store.by_arn(answer[kind.arn_member])
        _wait(kind, record)
        return _identity(record)

    def update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> tuple[str, Properties]:
        record = _find(physical_id)
        if record is None:
            raise ValueError(
                f"Resource of type '{type_name}' with identifier '{physical_id}' was not found. "
                "(HandlerErrorCode: NotFound)"
            )
        requested(f"Create{row.noun}", physical_id, new)  # refuses what the type does not have
        if f"Update{row.noun}" in BY_OPERATION:
            members = shapes.input_members(f"Update{row.noun}")
            changeable = {_ON_UPDATE.get(n, n): v for n, v in new.items() if _ON_UPDATE.get(n, n) in members}
            request = requested(f"Update{row.noun}", physical_id, changeable)
            _call(service, f"Update{row.noun}", {**{name: record[name] for name in kind.key}, **request})
        record["Tags"] = new.get("Tags", [])
        _wait(kind, record)
        return _identity(record)

    def delete(physical_id: str, properties: Properties) -> None:
        record = _find(physical_id)
        if record is None:
            return  # gone already is what was asked for
        request = {name: record[name] for name in kind.key}
        if "ClientRequestToken" in shapes.input_members(f"Delete{row.noun}"):
            request["ClientRequestToken"] = identifier(32)
        _call(service, f"Delete{row.noun}", request)
        _wait(kind, record)

    def _find(physical_id: str) -> Record | None:
        return next((r for r in service.store.all(row.noun) if _identity(r)[0] == physical_id), None)

    def _identity(record: Record) -> tuple[str, Properties]:
        attributes = {name: record[name] for name in row.attributes if name in record}
        return "|".join(record[name] for name in row.ref), attributes

    return {"create": create, "update": update, "delete": delete}


def _wait(kind: Kind, record: Record) -> None:
    """Until the resource has left its passing state, or is gone. Raises ValueError when it failed, or never does."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while record.get(kind.status) in kind.passing:
        if time.monotonic() > deadline:
            raise ValueError(f"Resource did not stabilize: {record[kind.arn_member]} is {record[kind.status]}.")
        time.sleep(0.02)
    if str(record.get(kind.status)).endswith("Failed"):
        raise ValueError(f"Resource {record[kind.arn_member]} failed: {record.get('FailureReason')}")


def requested(operation: str, resource: str, properties: Mapping[str, Any]) -> Properties:
    """The API request that a resource's properties ask for: same names, except for a pipeline's definition.

    Raises ValueError for a property that the request has no room for.
    """
    members = shapes.input_members(operation)
    unknown = sorted(set(properties) - set(members) | set(properties) & {"ClientRequestToken"})
    if unknown:
        raise ValueError(
            f"Properties validation failed for resource {resource} with message: #: extraneous key [{unknown[0]}] is "
            "not permitted (or not emulated by this cloud)"
        )
    request = {name: _typed(members[name], value) for name, value in properties.items()}
    definition = properties.get("PipelineDefinition")
    if isinstance(definition, dict):
        if "PipelineDefinitionBody" not in definition:
            raise ValueError(f"PipelineDefinition of {resource}: only PipelineDefinitionBody is emulated by this cloud")
        body = definition["PipelineDefinitionBody"]
        request["PipelineDefinition"] = body if isinstance(body, str) else json.dumps(body)
    if "ClientRequestToken" in members:
        request["ClientRequestToken"] = identifier(32)
    return request


def _typed(shape: Any, value: Any) -> Any:
    """CloudFormation may hand numbers and booleans on as strings; text that is no such value is left to be refused."""
    if shape.type_name == "structure" and isinstance(value, dict):
        return {n: _typed(shape.members[n], v) if n in shape.members else v for n, v in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [_typed(shape.member, item) for item in value]
    if shape.type_name in ("integer", "long") and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    if shape.type_name == "boolean" and value in ("true", "false"):
        return value == "true"
    if shape.type_name == "string" and isinstance(value, int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value


def _call(service: Service, operation: str, request: Properties) -> Properties:
    service.calls.add(operation, "cloudformation")
    try:
        return service.call(operation, request)
    except AwsError as error:
        raise ValueError(f"Resource handler returned message: {error.message} (SageMaker, {error.code})") from error
