"""The SageMaker types in stacks: creation, update in place, replacement, roll-back and deletion."""

import copy
import json
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from rehearsal.embedded import EmbeddedCloud
from rehearsal.sagemaker.cloudformation import TYPES

SERIAL = count()
DONE = ("COMPLETE", "FAILED")
DEFINITION = json.dumps(
    {"Version": "2020-12-01", "Steps": [{"Name": "F", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}]}
)
IDLE = {"LifecycleManagement": "ENABLED", "IdleTimeoutInMinutes": "120"}


class Stack:
    """One stack of the SageMaker types; each test has its own names."""

    def __init__(self, cloud: EmbeddedCloud, name: str, role: str) -> None:
        self.name, self._cloudformation = name, cloud.client("cloudformation")
        self.sagemaker = cloud.client("sagemaker")
        lab = {"AppLifecycleManagement": {"IdleSettings": IDLE}}
        settings = {"ExecutionRole": role, "JupyterLabAppSettings": lab}
        domain = {"DomainName": name, "AuthMode": "IAM", "VpcId": "vpc-1", "SubnetIds": ["subnet-1"]}
        domain |= {"DefaultUserSettings": settings, "DomainSettings": {"ExecutionRoleIdentityConfig": "DISABLED"}}
        profile = {"DomainId": {"Ref": "Domain"}, "UserProfileName": "ada", "UserSettings": {"ExecutionRole": role}}
        group = {"ModelPackageGroupName": name, "Tags": [{"Key": "team", "Value": "blue"}]}
        pipeline = {"PipelineName": name, "PipelineDefinition": {"PipelineDefinitionBody": DEFINITION}, "RoleArn": role}
        pipeline |= {"PipelineDescription": "first", "ParallelismConfiguration": {"MaxParallelExecutionSteps": "2"}}
        self.resources: dict[str, Any] = {
            "Domain": _resource("Domain", domain),
            "Profile": _resource("UserProfile", profile),
            "Group": _resource("ModelPackageGroup", group),
            "Pipeline": _resource("Pipeline", pipeline, DependsOn="Group"),
        }

    def properties(self, logical_id: str) -> dict[str, Any]:
        return self.resources[logical_id]["Properties"]

    def only(self, *logical_ids: str) -> "Stack":
        self.resources = {name: self.resources[name] for name in logical_ids}
        return self

    def deploy(self, given: dict[str, Any] | None = None) -> str:
        """Create or update the stack, from the template `given` or of its resources; its status when that is over."""
        outputs: dict[str, Any] = {name: {"Value": {"Ref": name}} for name in self.resources}
        for name, resource in self.resources.items():
            for attribute in TYPES[resource["Type"]].attributes:
                outputs[f"{name}{attribute}"] = {"Value": {"Fn::GetAtt": [name, attribute]}}
        template = json.dumps(given or {"Resources": self.resources, "Outputs": outputs})
        exists = self._describe() is not None
        call = self._cloudformation.update_stack if exists else self._cloudformation.create_stack
        call(StackName=self.name, TemplateBody=template)
        return self._over()["StackStatus"]

    def delete(self) -> None:
        self._cloudformation.delete_stack(StackName=self.name)
        deadline = time.monotonic() + 30
        while self._describe() is not None:
            assert time.monotonic() < deadline, self.reasons()
            time.sleep(0.05)

    def outputs(self) -> dict[str, str]:
        return {o["OutputKey"]: o["OutputValue"] for o in self._over()["Outputs"]}

    def physical(self) -> dict[str, str]:
        found = self._cloudformation.describe_stack_resources(StackName=self.name)["StackResources"]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}

    def reasons(self) -> str:
        """What went wrong, or why something was done."""
        events = self._cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events)

    def _describe(self) -> Any:
        try:
            return self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError:
            return None

    def _over(self) -> Any:
        deadline = time.monotonic() + 60
        while not (stack := self._describe())["StackStatus"].endswith(DONE):
            assert time.monotonic() < deadline, stack
            time.sleep(0.05)
        return stack


def _resource(noun: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Type": f"AWS::SageMaker::{noun}", "Properties": properties, **more}


@pytest.fixture
def stack(cloud: EmbeddedCloud, role: str) -> Iterator[Stack]:
    """A stack of its own for each test; it is gone after it."""
    made = Stack(cloud, f"stack-{next(SERIAL)}", role)
    yield made
    made.delete()


def describe(stack: Stack, noun: str) -> Callable[[], dict[str, Any]]:
    """Looks at what the stack made."""
    client, ids = stack.sagemaker, stack.physical()
    if noun == "Domain":
        return lambda: client.describe_domain(DomainId=ids["Domain"])
    if noun == "Profile":
        name, _, domain = ids["Profile"].partition("|")
        return lambda: client.describe_user_profile(DomainId=domain, UserProfileName=name)
    if noun == "Group":
        return lambda: client.describe_model_package_group(ModelPackageGroupName=ids["Group"])
    return lambda: client.describe_pipeline(PipelineName=ids["Pipeline"])


def gone(look: Callable[[], Any]) -> bool:
    try:
        look()
    except ClientError as error:
        return error.response["Error"]["Code"] in ("ResourceNotFound", "ValidationException")
    return False


@pytest.mark.parametrize("type_name", TYPES)
def test_each_type_has_the_identity_attributes_and_replacing_properties_of_its_schema(type_name: str) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_name).schema

    def names(key: str) -> set[str]:
        paths = [path.removeprefix("/properties/") for path in schema.get(key) or []]
        return {path for path in paths if "/" not in path}  # RStudio's nested ones are not emulated

    row = TYPES[type_name]
    assert list(row.ref) == [path.removeprefix("/properties/") for path in schema["primaryIdentifier"]]
    assert set(row.create_only) == names("createOnlyProperties")
    assert set(row.attributes) <= names("readOnlyProperties")
    assert row.name in schema["required"]


def test_a_stack_makes_every_type_and_its_outputs_name_them(stack: Stack, role: str) -> None:
    assert stack.deploy() == "CREATE_COMPLETE", stack.reasons()
    domain, profile = describe(stack, "Domain")(), describe(stack, "Profile")()
    group, pipeline = describe(stack, "Group")(), describe(stack, "Pipeline")()
    assert stack.outputs() == {
        "Domain": domain["DomainId"],
        "DomainDomainArn": domain["DomainArn"],
        "DomainDomainId": domain["DomainId"],
        "DomainHomeEfsFileSystemId": domain["HomeEfsFileSystemId"],
        "DomainUrl": domain["Url"],
        "Profile": f"ada|{domain['DomainId']}",
        "ProfileUserProfileArn": profile["UserProfileArn"],
        "Group": group["ModelPackageGroupArn"],
        "GroupModelPackageGroupArn": group["ModelPackageGroupArn"],
        "GroupModelPackageGroupStatus": "Completed",
        "GroupCreationTime": stack.outputs()["GroupCreationTime"],
        "Pipeline": stack.name,
    }
    assert (domain["DomainName"], profile["UserSettings"]["ExecutionRole"]) == (stack.name, role)
    idle = domain["DefaultUserSettings"]["JupyterLabAppSettings"]["AppLifecycleManagement"]["IdleSettings"]
    assert idle["IdleTimeoutInMinutes"] == 120, "a number that came as text"
    assert pipeline["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 2}
    assert pipeline["PipelineDefinition"] == DEFINITION and pipeline["RoleArn"] == role
    tags = stack.sagemaker.list_tags(ResourceArn=group["ModelPackageGroupArn"])["Tags"]
    assert {"Key": "team", "Value": "blue"} in tags


def test_a_changed_property_that_may_change_is_updated_in_place(stack: Stack) -> None:
    assert stack.deploy() == "CREATE_COMPLETE", stack.reasons()
    before = stack.physical()
    domain = stack.properties("Domain")
    domain["DefaultUserSettings"]["JupyterLabAppSettings"]["AppLifecycleManagement"]["IdleSettings"] = {
        **IDLE,
        "IdleTimeoutInMinutes": 60,
    }
    domain["DomainSettings"] = {"ExecutionRoleIdentityConfig": "USER_PROFILE_NAME"}
    domain["SubnetIds"] = ["subnet-1", "subnet-2"]
    stack.properties("Profile")["UserSettings"]["SecurityGroups"] = ["sg-1"]
    stack.properties("Group")["Tags"] = [{"Key": "team", "Value": "red"}]
    stack.properties("Pipeline")["PipelineDescription"] = "second"
    assert stack.deploy() == "UPDATE_COMPLETE", stack.reasons()
    assert stack.physical() == before
    now = describe(stack, "Domain")()
    idle = now["DefaultUserSettings"]["JupyterLabAppSettings"]["AppLifecycleManagement"]["IdleSettings"]
    assert idle["IdleTimeoutInMinutes"] == 60 and now["SubnetIds"] == ["subnet-1", "subnet-2"]
    assert now["DomainSettings"]["ExecutionRoleIdentityConfig"] == "USER_PROFILE_NAME"
    assert describe(stack, "Profile")()["UserSettings"]["SecurityGroups"] == ["sg-1"]
    tags = stack.sagemaker.list_tags(ResourceArn=before["Group"])["Tags"]
    assert {"Key": "team", "Value": "red"} in tags and {"Key": "team", "Value": "blue"} not in tags
    pipeline = describe(stack, "Pipeline")()
    assert pipeline["PipelineDescription"] == "second" and pipeline["PipelineDefinition"] == DEFINITION


def test_a_changed_create_only_property_replaces_and_the_old_one_is_deleted(stack: Stack) -> None:
    assert stack.deploy() == "CREATE_COMPLETE", stack.reasons()
    old = {noun: describe(stack, noun) for noun in stack.resources}
    stack.properties("Domain")["DomainName"] += "-new"
    stack.properties("Profile")["UserProfileName"] = "grace"
    stack.properties("Group")["ModelPackageGroupName"] += "-new"
    stack.properties("Pipeline")["PipelineName"] += "-new"
    assert stack.deploy() == "UPDATE_COMPLETE", stack.reasons()
    assert {noun: gone(look) for noun, look in old.items()} == dict.fromkeys(old, True)
    assert describe(stack, "Domain")()["DomainName"] == f"{stack.name}-new"
    assert describe(stack, "Profile")()["DomainId"] == stack.outputs()["Domain"]
    assert stack.outputs()["Pipeline"] == f"{stack.name}-new"
    assert "requires the creation of a new physical resource" in stack.reasons()


@pytest.mark.parametrize(
    ("noun", "changed"),
    [
        ("Domain", {"KmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/1"}),
        ("Group", {"ModelPackageGroupDescription": "other"}),
    ],
)
def test_a_replacement_under_the_same_name_collides_and_is_rolled_back(
    stack: Stack, noun: str, changed: dict[str, Any]
) -> None:
    assert stack.only(noun).deploy() == "CREATE_COMPLETE", stack.reasons()
    before = stack.physical()
    stack.properties(noun).update(changed)
    assert stack.deploy() == "UPDATE_ROLLBACK_COMPLETE"
    assert f"with identifier '{stack.name}' already exists" in stack.reasons()
    assert stack.physical() == before and not gone(describe(stack, noun))


def test_a_deleted_stack_takes_its_resources_along_but_for_those_to_retain(stack: Stack) -> None:
    stack.resources["Group"]["DeletionPolicy"] = "Retain"
    assert stack.deploy() == "CREATE_COMPLETE", stack.reasons()
    looks = {noun: describe(stack, noun) for noun in stack.resources}
    stack.delete()
    assert {noun: gone(look) for noun, look in looks.items()} == {
        "Domain": True,
        "Profile": True,
        "Group": False,
        "Pipeline": True,
    }


def test_a_failed_creation_leaves_nothing(stack: Stack) -> None:
    callback = json.dumps({"Steps": [{"Name": "A", "Type": "Callback", "Arguments": {}}]})
    stack.properties("Pipeline")["PipelineDefinition"] = {"PipelineDefinitionBody": callback}
    stack.resources["Pipeline"]["DependsOn"] = ["Group", "Profile"]
    assert stack.deploy() == "ROLLBACK_COMPLETE"
    assert "type Callback" in stack.reasons()
    names = [d["DomainName"] for d in stack.sagemaker.list_domains()["Domains"]]
    groups = stack.sagemaker.list_model_package_groups(NameContains=stack.name)["ModelPackageGroupSummaryList"]
    assert stack.name not in names and groups == []


def test_a_failed_update_brings_the_old_values_back(stack: Stack) -> None:
    assert stack.deploy() == "CREATE_COMPLETE", stack.reasons()
    before = stack.physical()
    stack.properties("Domain")["SubnetIds"] = ["subnet-9"]
    stack.properties("Group")["Tags"] = [{"Key": "team", "Value": "red"}]
    stack.properties("Pipeline")["RoleArn"] = "arn:aws:iam::111122223333:role/nobody"
    stack.properties("Pipeline")["PipelineDescription"] = "never"
    stack.resources["Extra"] = _resource("ModelPackageGroup", {"ModelPackageGroupName": f"{stack.name}-extra"})
    stack.resources["Pipeline"]["DependsOn"] = ["Group", "Domain", "Extra"]
    assert stack.deploy() == "UPDATE_ROLLBACK_COMPLETE"
    assert "Could not assume role" in stack.reasons()
    assert stack.physical() == before
    assert describe(stack, "Domain")()["SubnetIds"] == ["subnet-1"]
    assert describe(stack, "Pipeline")()["PipelineDescription"] == "first"
    tags = stack.sagemaker.list_tags(ResourceArn=before["Group"])["Tags"]
    assert {"Key": "team", "Value": "blue"} in tags
    groups = stack.sagemaker.list_model_package_groups(NameContains=stack.name)["ModelPackageGroupSummaryList"]
    assert [group["ModelPackageGroupName"] for group in groups] == [stack.name]


def test_what_was_deleted_outside_the_stack_is_missed_by_an_update_and_not_by_a_deletion(stack: Stack) -> None:
    assert stack.only("Pipeline", "Group").deploy() == "CREATE_COMPLETE", stack.reasons()
    stack.sagemaker.delete_pipeline(PipelineName=stack.name, ClientRequestToken="d" * 32)
    stack.properties("Pipeline")["PipelineDescription"] = "second"
    assert "ROLLBACK" in stack.deploy()
    assert f"with identifier '{stack.name}' was not found" in stack.reasons()
    stack.delete()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Colour": "red"}, "extraneous key [Colour] is not permitted"),
        ({"ClientRequestToken": "c" * 32}, "extraneous key [ClientRequestToken] is not permitted"),
        ({"ParallelismConfiguration": {"Most": 1}}, "Unknown member 'parallelismConfiguration.most'"),
        ({"ParallelismConfiguration": {"MaxParallelExecutionSteps": "two"}}, "must be of type integer"),
        ({"PipelineDefinition": {"PipelineDefinitionS3Location": {"Bucket": "b", "Key": "k"}}}, "is emulated"),
        ({"PipelineName": None}, "'pipelineName' failed to satisfy constraint: Member must not be null"),
    ],
)
def test_properties_that_the_type_does_not_take_are_refused_by_name(
    stack: Stack, change: dict[str, Any], words: str
) -> None:
    stack.only("Pipeline")
    del stack.resources["Pipeline"]["DependsOn"]
    properties = {**stack.properties("Pipeline"), **copy.deepcopy(change)}
    stack.resources["Pipeline"]["Properties"] = {n: v for n, v in properties.items() if v is not None}
    assert stack.deploy() == "ROLLBACK_COMPLETE"
    assert words in stack.reasons()


def exporting(stack: Stack, value: str | None) -> dict[str, Any]:
    """A template that exports `value`; with None it exports nothing."""
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value or "none"}}
    outputs = {"Out": {"Value": value, "Export": {"Name": f"{stack.name}-out"}}} if value else {}
    return {"Resources": {"Parameter": parameter}, "Outputs": outputs}


@pytest.mark.parametrize(("value", "verb"), [("b", "updated"), (None, "deleted")])
def test_an_export_in_use_is_neither_changed_nor_removed_until_its_importer_lets_go(
    cloud: EmbeddedCloud, role: str, stack: Stack, value: str | None, verb: str
) -> None:
    importer = Stack(cloud, f"stack-{next(SERIAL)}", role)
    imported = exporting(importer, None)
    imported["Resources"]["Parameter"]["Properties"]["Value"] = {"Fn::ImportValue": f"{stack.name}-out"}
    assert stack.deploy(exporting(stack, "a")) == "CREATE_COMPLETE", stack.reasons()
    assert importer.deploy(imported) == "CREATE_COMPLETE", importer.reasons()
    assert stack.deploy(exporting(stack, value)) == "UPDATE_ROLLBACK_COMPLETE"
    assert f"Export {stack.name}-out cannot be {verb} as it is in use by {importer.name}" in stack.reasons()
    importer.delete()
    assert stack.deploy(exporting(stack, value)) == "UPDATE_COMPLETE", stack.reasons()


def test_an_export_that_an_update_removed_can_no_longer_be_imported(
    cloud: EmbeddedCloud, role: str, stack: Stack
) -> None:
    assert stack.deploy(exporting(stack, "a")) == "CREATE_COMPLETE", stack.reasons()
    assert stack.deploy(exporting(stack, None)) == "UPDATE_COMPLETE", stack.reasons()
    importer = Stack(cloud, f"stack-{next(SERIAL)}", role)
    imported = exporting(importer, None)
    imported["Resources"]["Parameter"]["Properties"]["Value"] = {"Fn::ImportValue": f"{stack.name}-out"}
    assert importer.deploy(imported) == "ROLLBACK_COMPLETE"
    importer.delete()
