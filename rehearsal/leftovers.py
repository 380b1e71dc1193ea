"""What exists in the embedded cloud, service by service, as names that two looks can be compared by."""

import json
from collections.abc import Iterator
from typing import Any

from rehearsal.embedded import EmbeddedCloud

# service, operation, list in the answer, member that names one
_LISTS = (
    ("s3", "list_buckets", "Buckets", "Name"),
    ("dynamodb", "list_tables", "TableNames", ""),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("sqs", "list_queues", "QueueUrls", ""),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("events", "list_rules", "Rules", "Name"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    ("ec2", "describe_subnets", "Subnets", "SubnetId"),
    ("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    ("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    ("kms", "list_aliases", "Aliases", "AliasName"),
    ("stepfunctions", "list_state_machines", "stateMachines", "name"),
    ("scheduler", "list_schedules", "Schedules", "Name"),
    ("ssm", "describe_parameters", "Parameters", "Name"),
    ("sagemaker", "list_domains", "Domains", "DomainArn"),
    ("sagemaker", "list_user_profiles", "UserProfiles", "UserProfileName"),
    ("sagemaker", "list_pipelines", "PipelineSummaries", "PipelineArn"),
    ("sagemaker", "list_model_package_groups", "ModelPackageGroupSummaryList", "ModelPackageGroupArn"),
    ("sagemaker", "list_models", "Models", "ModelArn"),
    ("sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigArn"),
    ("sagemaker", "list_endpoints", "Endpoints", "EndpointArn"),
    ("sagemaker", "list_mlflow_apps", "Summaries", "Arn"),
    ("sagemaker", "list_notebook_instances", "NotebookInstances", "NotebookInstanceArn"),
)

_RETAINABLE = {"AWS::S3::Bucket": "s3 Buckets", "AWS::KMS::Key": "kms Keys"}
# SageMaker makes these log groups, beside whatever any stack does, and keeps them when a job or an endpoint is gone.
OUTLIVING = tuple(
    f"logs logGroups /aws/sagemaker/{kind}"
    for kind in ("ProcessingJobs", "TrainingJobs", "TransformJobs", "Endpoints/")
)


class Inventory:
    """Takes stock of one cloud."""

    def __init__(self, cloud: EmbeddedCloud) -> None:
        self._cloud = cloud

    def take(self) -> set[str]:
        """Every resource as `service noun name`. Records of finished jobs are not in it: AWS never deletes those."""
        return set(self._all())

    def _all(self) -> Iterator[str]:
        for service, operation, member, name in _LISTS:
            client = self._cloud.client(service)
            for item in _items(client, operation, member):
                yield f"{service} {member} {item[name] if name else item}"
        yield from self._cloud.control("inert")["inert"]
        kms = self._cloud.client("kms")
        for key in _items(kms, "list_keys", "Keys"):
            state = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]
            if state != "PendingDeletion":
                yield f"kms Keys {key['KeyId']}"

    def retained(self, stacks: list[str]) -> set[str]:
        """The buckets and keys that the stacks' templates keep, whatever happens to the stacks.

        Keys stay because buckets do: a bucket whose key is gone is lost.
        """
        found, formation = set(), self._cloud.client("cloudformation")
        for stack in stacks:
            template = formation.get_template(StackName=stack)["TemplateBody"]
            resources = (json.loads(template) if isinstance(template, str) else template)["Resources"]
            for row in formation.describe_stack_resources(StackName=stack)["StackResources"]:
                if resources[row["LogicalResourceId"]].get("DeletionPolicy") == "Retain":
                    found.add(
                        f"{_RETAINABLE.get(row['ResourceType'], row['ResourceType'])} {row['PhysicalResourceId']}"
                    )
        return found


def _items(client: Any, operation: str, member: str) -> Iterator[Any]:
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate():
            yield from page.get(member, [])
    else:
        yield from getattr(client, operation)().get(member, [])
