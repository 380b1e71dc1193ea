"""What a deployed function may do and is told, from its template; and what its calls ask of IAM."""

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

cloud = importlib.import_module("tests.lambda.cloud")  # `lambda` is a keyword
ACCOUNT, REGION = cloud.ACCOUNT, cloud.REGION


@dataclass(frozen=True)
class Statement:
    actions: list[str]
    resources: list[str]
    conditions: dict[str, dict[str, str]]


@dataclass(frozen=True)
class Deployed:
    environment: dict[str, str]
    statements: list[Statement]


def functions(template: dict[str, Any]) -> Iterator[tuple[str, Deployed]]:
    """The verb of each function of a stack, and what is deployed of it."""
    for function in _of_type(template, "AWS::Lambda::Function"):
        variables = function.get("Environment", {}).get("Variables", {})
        yield (
            function["Handler"].split(".")[1],
            Deployed(
                {name: _flat(value) for name, value in variables.items()},
                _statements(template, function["Role"]["Fn::GetAtt"][0]),
            ),
        )


def _statements(template: dict[str, Any], role: str) -> list[Statement]:
    policies = [p for p in _of_type(template, "AWS::IAM::Policy") if p["Roles"] == [{"Ref": role}]]
    return [
        Statement(_list(s["Action"]), [_flat(r) for r in _list(s["Resource"])], s.get("Condition", {}))
        for policy in policies
        for s in policy["PolicyDocument"]["Statement"]
    ]


def _of_type(template: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [r["Properties"] for r in template["Resources"].values() if r["Type"] == kind]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _flat(value: Any) -> str:
    """A template's value as one string; what only a deployment knows keeps its logical name."""
    known = {"AWS::Partition": "aws", "AWS::AccountId": ACCOUNT, "AWS::Region": REGION}
    match value:
        case {"Ref": str(name)}:
            return known.get(name, name)
        case {"Fn::GetAtt": [name, attribute]}:
            return f"{name}.{attribute}"
        case {"Fn::ImportValue": str(name)}:
            return re.sub(r".*:ExportsOutput(Ref|FnGetAtt)(\w+?)(Arn)?[0-9A-F]{8}$", _imported, name)
        case {"Fn::Join": [separator, parts]}:
            return separator.join(map(_flat, parts))
        case _:
            return str(value)


def _imported(export: re.Match[str]) -> str:
    """An export is named after what it exports: Ref or GetAtt, the logical name, the attribute, a hash."""
    return export[2] + (".Arn" if export[3] else "")


_PLATFORM = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}  # Lambda's own, for every function
_NAMED = {
    "Endpoint": "endpoint/{EndpointName}",
    "EndpointConfig": "endpoint-config/{EndpointConfigName}",
    "Model": "model/{ModelName}",
    "ModelPackageGroup": "model-package-group/{ModelPackageGroupName}",
    "Pipeline": "pipeline/{PipelineName}",
    "TrainingJob": "training-job/{TrainingJobName}",
    "ProcessingJob": "processing-job/{ProcessingJobName}",
    "HyperParameterTuningJob": "hyper-parameter-tuning-job/{HyperParameterTuningJobName}",
    "NotebookInstance": "notebook-instance/{NotebookInstanceName}",
    "NotebookInstanceLifecycleConfig": "notebook-instance-lifecycle-config/{NotebookInstanceLifecycleConfigName}",
    "AutoMLJob": "automl-job/{AutoMLJobName}",
    "AutoMLJobV2": "automl-job/{AutoMLJobName}",
    "TransformJob": "transform-job/{TransformJobName}",
    "App": "app/{DomainId}/{SpaceName}/{AppType}/{AppName}",
    "Domain": "domain/{DomainId}",
    "Image": "image/{ImageName}",
    "InferenceComponent": "inference-component/{InferenceComponentName}",
    "InferenceComponentRuntimeConfig": "inference-component/{InferenceComponentName}",
    "MlflowTrackingServer": "mlflow-tracking-server/{TrackingServerName}",
    "MonitoringSchedule": "monitoring-schedule/{MonitoringScheduleName}",
    "Space": "space/{DomainId}/{SpaceName}",
    "StudioLifecycleConfig": "studio-lifecycle-config/{StudioLifecycleConfigName}",
    "UserProfile": "user-profile/{DomainId}/{UserProfileName}",
}
# Actions on a kind as a whole, by the ARN that stands for it.
_WHOLE = {
    "DescribeFileSystems": ("elasticfilesystem", "file-system/"),
    "DescribeLogGroups": ("logs", "log-group::log-stream:"),
}


def _asked(call: Any) -> Iterator[tuple[str, str]]:
    """The actions, each with the ARN it is asked for, that AWS checks for one call."""
    operation, params = call.operation, call.params
    action = f"{call.service}:{operation}"
    if call.service == "s3":
        yield from _asked_of_s3(operation, params)
    elif operation in ("Publish", "DescribeExecution", "GetExecutionHistory"):
        yield action.replace("stepfunctions", "states"), params.get("TopicArn") or params["executionArn"]
    elif operation == "ListExecutions":
        yield "states:ListExecutions", params["stateMachineArn"]
    elif operation == "DescribeAlarms":
        yield action, f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"
    elif operation in ("ListPipelineExecutions", "StartPipelineExecution"):
        yield action, cloud.arn(_NAMED["Pipeline"].format(**params))
    elif call.service == "dynamodb":
        yield action, params["TableName"] + ".Arn" + (f"/index/{params['IndexName']}" if "IndexName" in params else "")
    elif call.service == "iam":
        yield from _asked_of_iam(operation, params)
    elif operation in ("GetCostAndUsage", "GetProducts", "GetResources"):
        yield action.replace("resourcegroupstaggingapi", "tag"), "*"
    elif operation == "AssumeRole":
        yield action, params["RoleArn"]
    elif operation in _WHOLE:
        service, resource = _WHOLE[operation]
        yield f"{service}:{operation}", f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"
    elif operation == "ListTagsForResource":
        yield action, params["resourceArn"]
    elif operation in ("DeleteLogGroup", "DescribeLogStreams"):
        yield action, f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{params['logGroupName']}"
    elif operation == "GetParameter":
        yield action, f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{params['Name']}"
    elif operation == "GetLogEvents":
        name = f"{params['logGroupName']}:log-stream:{params['logStreamName']}"
        yield action, f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
    elif "PipelineExecutionArn" in params or operation == "CallMlflowAppApi":
        yield action, params.get("PipelineExecutionArn") or params["Arn"]
    elif operation == "ListTrainingJobsForHyperParameterTuningJob":
        yield action, cloud.arn(_NAMED["HyperParameterTuningJob"].format(**params))
    elif operation in ("ListTags", "AddTags", "DeleteModelPackage", "DescribeModelPackage", "UpdateModelPackage"):
        yield action, next(iter(params.values()))
    elif operation == "ListModelPackages":
        yield action, cloud.arn("model-package/{ModelPackageGroupName}/*".format(**params))
        yield action, cloud.arn(_NAMED["ModelPackageGroup"].format(**params))
    elif "stateMachineArn" in params:
        yield action.replace("stepfunctions", "states"), params["stateMachineArn"]
    elif operation.startswith("List") or operation == "GetMetricData":
        yield action, "*"
    else:
        noun = operation.removeprefix("Create").removeprefix("Describe").removeprefix("Update").removeprefix("Delete")
        own = cloud.arn(_NAMED[noun.removeprefix("Stop")].format(**params))
        yield action, own
        if operation in ("CreateEndpoint", "UpdateEndpoint"):
            yield action, cloud.arn(_NAMED["EndpointConfig"].format(**params))
        if "Tags" in params:
            yield f"sagemaker:AddTags {operation}", own
        for asked in (params, params.get("TrainingJobDefinition", {})):
            for role in ("ExecutionRoleArn", "RoleArn"):
                if role in asked:
                    yield "iam:PassRole", asked[role]


def _asked_of_iam(operation: str, params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """As `_asked`; the policy that is attached or detached follows the action, because IAM asks for it as well."""
    role = f"arn:aws:iam::{ACCOUNT}:role/{params.get('RoleName')}"
    if operation == "ListEntitiesForPolicy":
        yield f"iam:{operation}", params["PolicyArn"]
    elif "PolicyArn" in params:
        yield f"iam:{operation} {params['PolicyArn']}", role
    else:
        yield f"iam:{operation}", role


def _asked_of_s3(operation: str, params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """As `_asked`; the prefix of a listing follows its action, because IAM asks for it as well."""
    bucket = f"{params['Bucket']}.Arn"
    if operation == "ListObjectVersions":
        yield f"s3:ListBucketVersions {params['Prefix']}", bucket
        return
    if operation == "ListObjectsV2":
        yield f"s3:ListBucket {params.get('Prefix', '')}", bucket
        return
    action = {"GetObject": "GetObject", "HeadObject": "GetObjectVersion", "AbortMultipartUpload": operation}
    yield f"s3:{action.get(operation, 'PutObject')}", f"{bucket}/{params['Key']}"
    if "CopySource" in params:
        source, _, version = params["CopySource"].partition("?versionId=")
        place, _, key = unquote(source).partition("/")
        yield "s3:GetObjectVersion" if version else "s3:GetObject", f"{place}.Arn/{key}"


def _context(action: str, tags: dict[str, str]) -> dict[str, str]:
    """The condition keys that AWS fills in for a call on a resource with `tags`."""
    if " " in action:
        about = action.partition(" ")[2]
        return {"s3:prefix": about, "sagemaker:TaggingAction": about, "iam:PolicyARN": about}
    passed_to = {"iam:PassedToService": "sagemaker.amazonaws.com"} if action == "iam:PassRole" else {}
    return {f"aws:ResourceTag/{key}": value for key, value in tags.items()} | passed_to


def _given(call: Any) -> dict[str, str]:
    """The condition keys of the tags that a call gives to what it makes."""
    return {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in call.params.get("Tags", ()) if "Key" in tag}


def covers(
    statement: Statement,
    action: str,
    resource: str,
    tags: dict[str, dict[str, str]],
    given: dict[str, str] | None = None,
) -> bool:
    """Whether `statement` allows it; conditions that nothing is known of here are not met."""
    context = _context(action, tags.get(resource, {})) | (given or {})
    return (
        action.partition(" ")[0] in statement.actions
        and any(fnmatchcase(resource, pattern) for pattern in statement.resources)
        and all(
            _meets(operator, context.get(key), [_flat(each) for each in _list(value)])
            for operator, keys in statement.conditions.items()
            for key, value in keys.items()
        )
    )


def _meets(operator: str, found: str | None, wanted: list[str]) -> bool:
    """`found`: the value of the key; None where there is none."""
    match operator:
        case "StringEquals" | "ArnEquals":
            return found in wanted
        case "StringEqualsIfExists":
            return found is None or found in wanted
        case "StringLike":
            return any(fnmatchcase(found or "", pattern) for pattern in wanted)
        case "StringNotEquals":
            return found not in wanted
        case "Null":
            return (found is None) == (wanted == ["true"])
        case _:
            return False


def key_uses(function: Deployed) -> set[tuple[str, str]]:
    """Each action on a key that a role is allowed, with the condition as `operator key value`."""
    return {
        (action.removeprefix("kms:"), f"{operator} {key} {_flat(value)}")
        for statement in function.statements
        for action in statement.actions
        if action.startswith("kms:")
        for operator, keys in (statement.conditions or {"unconditional": {"": ""}}).items()
        for key, value in keys.items()
    }


def refused(recorded: list[tuple[Any, dict[str, dict[str, str]]]], function: Deployed) -> set[tuple[str, str]]:
    """Each action on a resource that a recorded call needs and the role does not allow."""
    return {
        (action, resource)
        for call, tags in recorded
        for action, resource in _asked(call)
        if not any(covers(each, action, resource, tags, _given(call)) for each in function.statements)
    }


def compare(recorded: list[tuple[Any, dict[str, dict[str, str]]]], function: Deployed) -> None:
    """Assert that the role covers every recorded call, and that each action on each resource was used."""
    denied = refused(recorded, function)
    assert not denied, f"called but not allowed: {sorted(denied)}"
    used = {asked for call, _ in recorded for asked in _asked(call)}
    idle = {
        (action, pattern)
        for statement in function.statements
        for action in statement.actions
        for pattern in statement.resources
        if action not in _PLATFORM
        # AWS services use the key on behalf of the role; no call of ours shows that. See `key_uses`.
        and not action.startswith("kms:")
        and not any(action == a.partition(" ")[0] and fnmatchcase(resource, pattern) for a, resource in used)
    }
    assert not idle, f"allowed but never called: {sorted(idle)}"
