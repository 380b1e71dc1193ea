"""Kinds in which nothing runs: inference components with their endpoint, tracking servers, lifecycle configurations."""

from typing import Any

import pytest

from rehearsal.sagemaker.store import AwsError
from tests.rehearsal.world import PACE_SECONDS, ROLE, World

SCALING = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 2}


@pytest.fixture
def hosting() -> World:
    """An endpoint that shrinks to nothing, in service as its processes would bring it there."""
    world = World("InferenceComponent")
    record = world.service.store.find("Endpoint", EndpointName="world")
    count = {"CurrentInstanceCount": 1, "DesiredInstanceCount": 1}
    world.service.move(
        "Endpoint",
        record,
        "InService",
        ProductionVariants=[{"VariantName": "main", "ManagedInstanceScaling": SCALING, **count}],
    )
    return world


def told(world: World, name: str) -> dict[str, Any]:
    return world.service.call("DescribeInferenceComponent", {"InferenceComponentName": name})


def instances(world: World) -> int:
    endpoint = world.service.call("DescribeEndpoint", {"EndpointName": "world"})
    return endpoint["ProductionVariants"][0]["CurrentInstanceCount"]


def copies(world: World, name: str, number: int) -> None:
    asked = {"InferenceComponentName": name, "DesiredRuntimeConfig": {"CopyCount": number}}
    world.service.call("UpdateInferenceComponentRuntimeConfig", asked)


def test_an_endpoint_has_no_instances_while_no_component_has_copies(hosting: World) -> None:
    names = []
    for number in range(2):
        arn = hosting.make(number)
        hosting.settle("InferenceComponent", arn)
        names.append(arn.rsplit("/", 1)[-1])
    for name, left in zip(names, (1, 0), strict=True):
        copies(hosting, name, 0)
        assert told(hosting, name)["RuntimeConfig"] == {"DesiredCopyCount": 0, "CurrentCopyCount": 1}
        assert told(hosting, name)["InferenceComponentStatus"] == "Updating"
        hosting.service.clock.advance(PACE_SECONDS)
        assert told(hosting, name)["RuntimeConfig"] == {"DesiredCopyCount": 0, "CurrentCopyCount": 0}
        assert instances(hosting) == left
    copies(hosting, names[0], 1)
    hosting.service.clock.advance(PACE_SECONDS)
    assert instances(hosting) == 1


def test_a_component_in_passing_is_not_changed(hosting: World) -> None:
    name = hosting.make().rsplit("/", 1)[-1]
    with pytest.raises(AwsError, match="is Creating, not InService"):
        copies(hosting, name, 0)


def test_an_endpoint_with_components_is_not_deleted(hosting: World) -> None:
    hosting.make()
    with pytest.raises(AwsError, match=r"InferenceComponent\(s\) are associated"):
        hosting.service.call("DeleteEndpoint", {"EndpointName": "world"})


def test_a_variant_with_a_model_hosts_no_components() -> None:
    world = World("Endpoint")
    world.settle("Endpoint", world.make())
    endpoint = world.service.store.all("Endpoint")[0]["EndpointName"]
    asked = {
        "InferenceComponentName": "c",
        "EndpointName": endpoint,
        "VariantName": "main",
        "Specification": {"ModelName": "world"},
        "RuntimeConfig": {"CopyCount": 1},
    }
    with pytest.raises(AwsError, match="hosts no inference components"):
        world.service.call("CreateInferenceComponent", asked)


def test_a_tracking_server_is_active_unless_it_is_stopped() -> None:
    world = World("MlflowTrackingServer")
    arn = world.make()
    name = {"TrackingServerName": arn.rsplit("/", 1)[-1]}
    seen = []
    for verb in ("", "Stop", "Start"):
        if verb:
            world.service.call(f"{verb}MlflowTrackingServer", name)
        world.service.clock.advance(PACE_SECONDS)
        answer = world.service.call("DescribeMlflowTrackingServer", name)
        seen.append((answer["TrackingServerStatus"], answer["IsActive"]))
    assert seen == [("Created", "Active"), ("Stopped", "Inactive"), ("Started", "Active")]


def test_a_lifecycle_configuration_stays_while_settings_name_it() -> None:
    world = World("UserProfile")
    asked = {
        "StudioLifecycleConfigName": "setup",
        "StudioLifecycleConfigContent": "ZWNobw==",
        "StudioLifecycleConfigAppType": "JupyterLab",
    }
    arn = world.service.call("CreateStudioLifecycleConfig", asked)["StudioLifecycleConfigArn"]
    settings = {"ExecutionRole": ROLE, "JupyterLabAppSettings": {"LifecycleConfigArns": [arn]}}
    profile = {"DomainId": world.names["DomainId"], "UserProfileName": "ann"}
    world.service.call("CreateUserProfile", {**profile, "UserSettings": settings})
    world.service.clock.advance(PACE_SECONDS)
    with pytest.raises(AwsError) as refused:
        world.service.call("DeleteStudioLifecycleConfig", {"StudioLifecycleConfigName": "setup"})
    assert refused.value.code == "ResourceInUse"
    world.service.call("DeleteUserProfile", profile)
    world.service.clock.advance(PACE_SECONDS)
    world.service.call("DeleteStudioLifecycleConfig", {"StudioLifecycleConfigName": "setup"})
    assert world.service.store.all("StudioLifecycleConfig") == []


def test_a_notebook_instance_tells_its_lifecycle_configuration_which_is_there() -> None:
    world = World("NotebookInstance")
    asked = {"InstanceType": "ml.t3.medium", "RoleArn": ROLE, "LifecycleConfigName": "setup"}
    with pytest.raises(AwsError, match="setup"):
        world.service.call("CreateNotebookInstance", {"NotebookInstanceName": "desk", **asked})
    world.service.call("CreateNotebookInstanceLifecycleConfig", {"NotebookInstanceLifecycleConfigName": "setup"})
    world.service.call("CreateNotebookInstance", {"NotebookInstanceName": "desk", **asked})
    member = "NotebookInstanceLifecycleConfigName"
    told = world.service.call("DescribeNotebookInstance", {"NotebookInstanceName": "desk"})
    [listed] = world.service.call("ListNotebookInstances", {f"{member}Contains": "set"})["NotebookInstances"]
    assert told[member] == listed[member] == "setup"
    assert world.service.call("ListNotebookInstances", {f"{member}Contains": "other"})["NotebookInstances"] == []


def test_a_monitoring_schedule_tells_the_endpoint_that_it_watches() -> None:
    world = World("MonitoringSchedule")
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}
    watched = {"EndpointName": "served", "LocalPath": "/opt/ml/processing/in"}
    output = {"S3Output": {"S3Uri": "s3://b/o", "LocalPath": "/opt/ml/processing/out"}}
    definition = {
        "MonitoringInputs": [{"EndpointInput": watched}],
        "MonitoringOutputConfig": {"MonitoringOutputs": [output]},
        "MonitoringResources": {"ClusterConfig": cluster},
        "MonitoringAppSpecification": {"ImageUri": "image"},
        "RoleArn": ROLE,
    }
    config = {"MonitoringJobDefinition": definition, "MonitoringType": "DataQuality"}
    world.service.call("CreateMonitoringSchedule", {"MonitoringScheduleName": "m", "MonitoringScheduleConfig": config})
    rows = world.service.call("ListMonitoringSchedules", {"EndpointName": "served"})["MonitoringScheduleSummaries"]
    assert [(row["MonitoringScheduleName"], row["MonitoringType"]) for row in rows] == [("m", "DataQuality")]
    assert world.service.call("ListMonitoringSchedules", {"EndpointName": "x"})["MonitoringScheduleSummaries"] == []
