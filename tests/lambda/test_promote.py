"""Promotion against an in-memory SageMaker: whatever the events, the endpoint ends at the newest approved version."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controls import promote
from controls.settings import MissingSettingError

GROUP = "sluice-dev-digits"
EVENT = {"detail": {"ModelPackageGroupName": GROUP, "ModelApprovalStatus": "Approved"}}
REJECTION = {"detail": {"ModelPackageGroupName": GROUP, "ModelApprovalStatus": "Rejected"}}
SETTLED = {"detail": {"EndpointName": GROUP, "EndpointStatus": "IN_SERVICE"}}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, deployed: dict[str, Any]) -> None:
    for name, value in deployed["promote"].environment.items():
        monkeypatch.setenv(name, value)


def outcome(event: dict[str, Any] = EVENT) -> str:
    return promote.handler(event, None)["outcome"]


def served(cloud: Any) -> str | None:
    """The model package that the endpoint serves, through its configuration and its model."""
    if GROUP not in cloud.endpoints:
        return None
    config = cloud.configs[cloud.endpoints[GROUP]["EndpointConfigName"]]
    return cloud.models[config["ProductionVariants"][0]["ModelName"]]["PrimaryContainer"]["ModelPackageName"]


def test_the_first_approved_version_gets_an_endpoint(cloud: Any) -> None:
    package = cloud.package(1)
    assert outcome() == "created"
    assert served(cloud) == package


def test_in_another_partition_its_own_package_is_served_and_its_own_endpoint_tagged(chinese_cloud: Any) -> None:
    package = chinese_cloud.package(1)
    assert outcome() == "created"
    assert package.startswith("arn:aws-cn:") and served(chinese_cloud) == package
    chinese_cloud.settle(GROUP)
    chinese_cloud.package(2)
    assert outcome() == "updated"
    assert {arn.split(":")[1] for arn in chinese_cloud.tags} == {"aws-cn"}


def test_the_model_is_isolated_in_our_network_and_its_volume_is_encrypted(
    cloud: Any, deployed: dict[str, SimpleNamespace]
) -> None:
    cloud.package(1)
    outcome()
    [model], [config] = cloud.models.values(), cloud.configs.values()
    assert model["EnableNetworkIsolation"] is True
    assert model["VpcConfig"]["Subnets"]
    assert model["VpcConfig"]["SecurityGroupIds"]
    assert config["KmsKeyId"] == deployed["promote"].environment["SLUICE_KEY_ARN"]
    assert config["ProductionVariants"][0]["InstanceType"] == "ml.m5.large"


def test_what_a_monitor_looks_at_is_captured_under_the_platforms_key_and_makes_another_configuration(
    cloud: Any, deployed: dict[str, SimpleNamespace], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.package(1)
    outcome()
    [before] = cloud.configs
    assert "DataCaptureConfig" not in cloud.configs[before]
    cloud.settle(GROUP)
    hosted = json.loads(deployed["promote"].environment["SLUICE_WORKLOADS"])
    hosted[GROUP] |= {"capture_percent": 40, "capture_uri": "s3://artifacts/digits/capture"}
    monkeypatch.setenv("SLUICE_WORKLOADS", json.dumps(hosted))
    assert outcome() == "updated"
    [config] = [config for name, config in cloud.configs.items() if name != before]
    capture = config["DataCaptureConfig"]
    assert capture["EnableCapture"] and capture["InitialSamplingPercentage"] == 40
    assert capture["DestinationS3Uri"] == "s3://artifacts/digits/capture"
    assert capture["KmsKeyId"] == deployed["promote"].environment["SLUICE_KEY_ARN"]
    assert [option["CaptureMode"] for option in capture["CaptureOptions"]] == ["Input", "Output"]


def test_everything_made_carries_the_platforms_tags(cloud: Any, synthesis: Any) -> None:
    cloud.package(1)
    outcome()
    expected = {**synthesis.platform.tags, "sluice:workload": "digits", "sluice:managed-by": "promotion"}
    for made in (*cloud.models.values(), *cloud.configs.values()):
        assert {tag["Key"]: tag["Value"] for tag in made["Tags"]} == expected
    assert cloud.tags[cloud.endpoints[GROUP]["EndpointArn"]] == expected


def test_a_newer_version_updates_the_endpoint_and_the_older_one_stays_for_a_return(cloud: Any) -> None:
    first = cloud.package(1)
    outcome()
    cloud.settle(GROUP)
    second = cloud.package(2)
    assert outcome() == "updated"
    cloud.settle(GROUP)
    assert served(cloud) == second
    cloud.packages[second]["ModelApprovalStatus"] = "Rejected"
    assert outcome() == "updated"
    cloud.settle(GROUP)
    assert served(cloud) == first
    assert len(cloud.configs) == len(cloud.models) == 2


def test_the_newest_is_found_beyond_the_first_page(cloud: Any) -> None:
    newest = [cloud.package(version) for version in (9, 10, 2, 3, 11)][-1]
    outcome()
    assert served(cloud) == newest


def test_a_version_that_is_not_approved_or_not_complete_is_left_alone(cloud: Any) -> None:
    cloud.package(1, "PendingManualApproval")
    cloud.package(2, "Rejected")
    cloud.packages[cloud.package(3)]["ModelPackageStatus"] = "InProgress"
    assert outcome() == "nothing-approved"
    assert not [call for call in cloud.calls if call.writes]


def test_an_event_that_comes_twice_changes_nothing_the_second_time(cloud: Any) -> None:
    cloud.package(1)
    outcome()
    cloud.settle(GROUP)
    cloud.calls.clear()
    assert outcome() == "serving"
    assert not [call for call in cloud.calls if call.writes]


@pytest.mark.parametrize("status", ["Creating", "Updating", "SystemUpdating", "RollingBack"])
def test_a_changing_endpoint_is_left_to_the_event_that_follows(cloud: Any, status: str) -> None:
    cloud.package(1)
    cloud.endpoint(GROUP, status=status)
    assert outcome() == "changing"
    assert not [call for call in cloud.calls if call.writes]


@pytest.mark.parametrize("status", ["Deleting", "Failed", "OutOfService", "UpdateRollbackFailed"])
def test_an_endpoint_that_cannot_be_updated_is_an_error_with_its_reason(cloud: Any, status: str) -> None:
    cloud.package(1)
    cloud.endpoint(GROUP, status=status)
    cloud.endpoints[GROUP]["FailureReason"] = "no capacity"
    with pytest.raises(promote.PromotionError, match=rf"is {status} \(no capacity\)"):
        outcome()


def test_a_rolled_back_update_is_an_error_and_is_not_tried_again_for_ever(cloud: Any) -> None:
    first = cloud.package(1)
    outcome()
    cloud.settle(GROUP)
    cloud.package(2)
    outcome()
    cloud.settle(GROUP, failure="did not pass the ping health check")
    with pytest.raises(promote.PromotionError, match=r"rolled back from sluice-dev-digits-v2-.*ping"):
        outcome()
    assert served(cloud) == first
    third = cloud.package(3)
    assert outcome() == "updated"
    cloud.settle(GROUP)
    assert served(cloud) == third


def serve(cloud: Any, *versions: int) -> None:
    for version in versions:
        cloud.package(version)
        outcome()
        cloud.settle(GROUP)


def test_an_update_that_could_not_be_asked_for_is_tried_again_after_an_older_roll_back(
    cloud: Any, refusal: Callable[..., Exception]
) -> None:
    serve(cloud, 1)
    cloud.package(2)
    outcome()
    cloud.settle(GROUP, failure="did not pass the ping health check")
    third = cloud.package(3)
    cloud.faults["UpdateEndpoint", GROUP] = refusal("Rate exceeded", "ThrottlingException")
    for _ in range(2):
        with pytest.raises(promote.ClientError, match="Rate exceeded"):
            outcome()
    cloud.faults.clear()
    assert outcome() == "updated"
    cloud.settle(GROUP)
    assert served(cloud) == third


def test_after_a_roll_back_an_older_version_can_be_returned_to(cloud: Any) -> None:
    serve(cloud, 1, 2)
    third = cloud.package(3)
    outcome()
    cloud.settle(GROUP, failure="did not pass the ping health check")
    first, second = (name for name in cloud.packages if name != third)
    for rejected in (third, second):
        cloud.packages[rejected]["ModelApprovalStatus"] = "Rejected"
    assert outcome(REJECTION) == "updated"
    cloud.settle(GROUP)
    assert served(cloud) == first


def test_a_rolled_back_version_is_tried_again_once_its_mark_is_removed(cloud: Any) -> None:
    serve(cloud, 1)
    second = cloud.package(2)
    outcome()
    cloud.settle(GROUP, failure="no capacity")
    with pytest.raises(promote.PromotionError, match=f"remove the endpoint's tag {promote.LAST_UPDATE_TAG}"):
        outcome()
    del cloud.tags[cloud.endpoints[GROUP]["EndpointArn"]][promote.LAST_UPDATE_TAG]
    assert outcome() == "updated"
    cloud.settle(GROUP)
    assert served(cloud) == second


@pytest.mark.parametrize("event", [REJECTION, SETTLED])
def test_only_an_approval_brings_back_an_endpoint_that_was_swept(cloud: Any, event: dict[str, Any]) -> None:
    serve(cloud, 1)
    cloud.DeleteEndpoint(GROUP)
    cloud.package(2, "Rejected")
    cloud.calls.clear()
    assert outcome(event) == "absent"
    assert not [call for call in cloud.calls if call.writes]
    assert outcome() == "created"


def test_a_served_version_that_is_rejected_is_replaced_by_the_newest_that_is_approved(cloud: Any) -> None:
    serve(cloud, 1, 2)
    first, second = cloud.packages
    cloud.packages[second]["ModelApprovalStatus"] = "Rejected"
    assert outcome(REJECTION) == "updated"
    cloud.settle(GROUP)
    assert served(cloud) == first
    cloud.package(3, "Rejected")
    assert outcome(REJECTION) == "serving"


def test_the_only_version_stays_in_service_when_it_is_rejected_and_a_warning_says_so(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(cloud, 1)
    [only] = cloud.packages
    cloud.packages[only]["ModelApprovalStatus"] = "Rejected"
    cloud.calls.clear()
    warned: list[dict[str, Any]] = []
    monkeypatch.setattr(promote.logger, "warning", lambda message, **fields: warned.append({message: fields}))
    assert outcome(REJECTION) == "rejected-but-serving"
    assert served(cloud) == only
    assert not [call for call in cloud.calls if call.writes]
    config = cloud.endpoints[GROUP]["EndpointConfigName"]
    assert warned == [{"no version is approved": {"group": GROUP, "still_serving": config}}]


@pytest.mark.parametrize("operation", ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"])
def test_two_promotions_at_once_end_as_one(cloud: Any, operation: str) -> None:
    package = cloud.package(1)
    cloud.meanwhile[operation] = outcome
    outcome()
    assert served(cloud) == package
    assert len(cloud.configs) == len(cloud.models) == 1


def test_an_update_that_another_promotion_began_is_left_to_its_event(cloud: Any) -> None:
    cloud.package(1)
    outcome()
    cloud.settle(GROUP)
    cloud.package(2)
    cloud.meanwhile["UpdateEndpoint"] = outcome
    assert outcome() == "changing"


def test_another_refusal_is_raised(cloud: Any, refusal: Callable[..., Exception]) -> None:
    cloud.package(1)
    cloud.faults["CreateEndpoint", GROUP] = refusal("Account limit", "ResourceLimitExceeded")
    with pytest.raises(promote.ClientError, match="Account limit"):
        outcome()


def test_an_event_of_another_platform_is_an_error(cloud: Any) -> None:
    with pytest.raises(promote.PromotionError, match="other is no workload of sluice-dev"):
        outcome({"detail": {"EndpointName": "other"}})


def test_a_missing_setting_is_named(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLUICE_WORKLOADS")
    with pytest.raises(MissingSettingError, match="SLUICE_WORKLOADS"):
        outcome()


steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["approve", "reject", "register"]), st.integers(1, 6)),
        st.tuples(st.sampled_from(["settle", "deliver"]), st.integers(0, 20)),
    ),
    max_size=30,
)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(steps=steps)
def test_after_any_events_in_any_order_the_newest_approved_version_is_served(
    new_cloud: Callable[[], Any], steps: list[tuple[str, int]]
) -> None:
    """Events are delivered late, out of order and again; each is delivered at least once in the end."""
    cloud = new_cloud()
    for step, number in steps:
        if step == "settle":
            cloud.settle(GROUP)
        elif step == "deliver" and cloud.events:
            promote.handler(cloud.events[number % len(cloud.events)], None)
        elif step != "deliver":
            approval = {"approve": "Approved", "reject": "Rejected", "register": "PendingManualApproval"}[step]
            cloud.package(number, approval)
    for _ in range(4):
        for event in list(cloud.events):
            promote.handler(event, None)
            cloud.settle(GROUP)
    approved = [p for p in cloud.packages.values() if p["ModelApprovalStatus"] == "Approved"]
    if approved:
        newest = max(approved, key=lambda package: package["ModelPackageVersion"])
        assert served(cloud) == newest["ModelPackageArn"]
        assert cloud.endpoints[GROUP]["EndpointStatus"] == "InService"


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], deployed: dict[str, SimpleNamespace], compare: Callable[..., None]
) -> None:
    compare(recorded, deployed["promote"])
