"""A believable pull request of a team: what the picture of a review is made of, and what its tests read.

It gives the ranker's endpoint a GPU and a second instance, takes a role's limits away, lets logs go sooner, opens a
port to find a fault, renames a bucket, and trains without spot.
"""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from review.cloud_assembly import Assembly, Stack, stack_of
from review.model import Review, Side

TODAY = date(2026, 11, 27)
SIDES = (Side(name="main", commit="5f2c7e90b1d84a36"), Side(name="faster-ranker", commit="c09ad1f3778e21bb"))
_ROOT = "ranker-prod"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


def believable() -> Review:
    """The whole review, by the engines."""
    base, head = assemblies()
    from review.review import review

    return review(base, head, sides=SIDES, today=TODAY)


def assemblies() -> tuple[Assembly, Assembly]:
    """Before and after."""
    before = {**_data(), **_serving(), **_training()}
    after = deepcopy(before)
    for change in (_faster, _freer, _nosier, _renamed, _dearer):
        change(after)
    after["serving"]["Sweep"]["Properties"]["Code"]["S3Key"] = f"{'9d2e' * 16}.zip"
    after["training"]["Alarm"] = _resource("AWS::CloudWatch::Alarm", "training", "late", 88, **_ALARM)
    return _assembly(before), _assembly(after)


_ALARM = {
    "Namespace": "AWS/SageMaker",
    "MetricName": "TrainingJobsFailed",
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 1,
    "Threshold": 0,
    "Period": 300,
    "Statistic": "Sum",
}


def _faster(stacks: dict[str, Any]) -> None:
    variant = stacks["serving"]["Config"]["Properties"]["ProductionVariants"][0]
    variant |= {"InstanceType": "ml.g5.xlarge", "InitialInstanceCount": 2}
    stacks["serving"]["Model"]["Properties"]["EnableNetworkIsolation"] = False


def _freer(stacks: dict[str, Any]) -> None:
    [read, *_] = stacks["training"]["Grants"]["Properties"]["PolicyDocument"]["Statement"]
    read |= {"Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "Resource": "*"}


def _nosier(stacks: dict[str, Any]) -> None:
    port = {"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "Description": "debugging"}
    stacks["serving"]["Door"]["Properties"]["SecurityGroupIngress"].append(port)


def _renamed(stacks: dict[str, Any]) -> None:
    stacks["data"]["Features"]["Properties"]["BucketName"] = "ranker-prod-features-eu"
    stacks["data"]["Log"]["Properties"]["RetentionInDays"] = 30


def _dearer(stacks: dict[str, Any]) -> None:
    properties = stacks["training"]["Pipeline"]["Properties"]
    definition = json.loads(properties["PipelineDefinition"]["PipelineDefinitionBody"])
    definition["Steps"][0]["Arguments"] |= {"EnableManagedSpotTraining": False}
    definition["Steps"][0]["Arguments"]["ResourceConfig"]["InstanceType"] = "ml.g5.2xlarge"
    properties["PipelineDefinition"]["PipelineDefinitionBody"] = json.dumps(definition)


def _assembly(stacks: Mapping[str, Mapping[str, Any]]) -> Assembly:
    return Assembly(Path("cdk.out"), {f"{_ROOT}-{name}": _stack(name, found) for name, found in stacks.items()})


def _stack(name: str, resources: Mapping[str, Any]) -> Stack:
    lines = {logical_id: each["line"] for logical_id, each in resources.items()}
    template = {"Resources": {i: {k: v for k, v in each.items() if k != "line"} for i, each in resources.items()}}
    made = stack_of(template, f"{_ROOT}-{name}", "eu-central-1")
    known = {i: replace(each, source=f"stacks/{name}.py:{lines[i]}") for i, each in made.resources.items()}
    return replace(made, resources=known)


def _resource(kind: str, stack: str, path: str, line: int, /, **properties: Any) -> dict[str, Any]:
    metadata = {"aws:cdk:path": f"{_ROOT}-{stack}/{path}/Resource"}
    return {"Type": kind, "Properties": properties, "Metadata": metadata, "line": line}


def _ref(name: str, attribute: str = "Arn") -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}


def _data() -> dict[str, Any]:
    encrypted = {
        "ServerSideEncryptionConfiguration": [
            {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": _ref("Key")}}
        ]
    }
    closed = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
    bucket = {
        "BucketName": "ranker-prod-features",
        "BucketEncryption": encrypted,
        "PublicAccessBlockConfiguration": closed,
        "VersioningConfiguration": {"Status": "Enabled"},
    }
    return {
        "data": {
            "Key": _resource("AWS::KMS::Key", "data", "key", 19, EnableKeyRotation=True, KeyPolicy=_key_policy()),
            "Features": _resource("AWS::S3::Bucket", "data", "features", 27, **bucket),
            "Log": _resource("AWS::Logs::LogGroup", "data", "access-log", 41, RetentionInDays=365),
        }
    }


def _key_policy() -> dict[str, Any]:
    root = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    statement = {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _serving() -> dict[str, Any]:
    variant = {
        "VariantName": "live",
        "ModelName": _ref("Model", "ModelName"),
        "InstanceType": "ml.m5.xlarge",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1,
    }
    vpc = {"Subnets": ["subnet-0a1", "subnet-0b2"], "SecurityGroupIds": [_ref("Door", "GroupId")]}
    inside = {"CidrIp": "10.20.0.0/16", "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    model = {
        "ModelName": "ranker-prod",
        "ExecutionRoleArn": _ref("Role"),
        "VpcConfig": vpc,
        "EnableNetworkIsolation": True,
    }
    config = {"ProductionVariants": [variant], "KmsKeyId": "alias/ranker"}
    endpoint = {"EndpointName": "ranker", "EndpointConfigName": _ref("Config", "EndpointConfigName")}
    code = {"S3Bucket": "cdk-assets", "S3Key": f"{'41c7' * 16}.zip"}
    return {
        "serving": {
            "Role": _resource("AWS::IAM::Role", "serving", "role", 22, AssumeRolePolicyDocument=_TRUST),
            "Door": _resource(
                "AWS::EC2::SecurityGroup",
                "serving",
                "door",
                31,
                GroupDescription="ranker",
                VpcId="vpc-0c3",
                SecurityGroupIngress=[inside],
            ),
            "Model": _resource("AWS::SageMaker::Model", "serving", "ranker/model", 47, **model),
            "Config": _resource("AWS::SageMaker::EndpointConfig", "serving", "ranker/config", 58, **config),
            "Endpoint": _resource("AWS::SageMaker::Endpoint", "serving", "ranker/endpoint", 71, **endpoint),
            "Sweep": _resource(
                "AWS::Lambda::Function",
                "serving",
                "warm-up",
                83,
                Code=code,
                Handler="warm.handler",
                Runtime="python3.13",
                Role=_ref("Role"),
            ),
        }
    }


def _training() -> dict[str, Any]:
    read = {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::ranker-prod-features/clicks/*",
    }
    job = {
        "ResourceConfig": {"InstanceType": "ml.m5.2xlarge", "InstanceCount": 2, "VolumeSizeInGB": 50},
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 7200, "MaxWaitTimeInSeconds": 14400},
        "EnableNetworkIsolation": True,
    }
    steps = [{"Name": "train", "Type": "Training", "Arguments": job}]
    body = json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": steps})
    pipeline = {
        "PipelineName": "ranker",
        "PipelineDefinition": {"PipelineDefinitionBody": body},
        "RoleArn": _ref("Role"),
    }
    grants = {"PolicyName": "grants", "Roles": [{"Ref": "Role"}]}
    document = {"Version": "2012-10-17", "Statement": [read]}
    arn = ["arn:aws:sagemaker:eu-central-1:", {"Ref": "AWS::AccountId"}, ":pipeline/", {"Ref": "Pipeline"}]
    target = {"Arn": {"Fn::Join": ["", arn]}, "Id": "ranker", "RoleArn": _ref("Role")}
    daily = {"ScheduleExpression": "rate(1 day)", "State": "ENABLED", "Targets": [target]}
    return {
        "training": {
            "Role": _resource("AWS::IAM::Role", "training", "role", 24, AssumeRolePolicyDocument=_TRUST),
            "Grants": _resource("AWS::IAM::Policy", "training", "role/grants", 33, PolicyDocument=document, **grants),
            "Daily": _resource("AWS::Events::Rule", "training", "daily", 64, **daily),
            "Pipeline": _resource("AWS::SageMaker::Pipeline", "training", "ranker", 52, **pipeline),
        }
    }
