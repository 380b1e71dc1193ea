"""Apps, spaces and profiles as AWS tells of them, odd cases included.

Sources: the API reference of each operation; what others have paid for (aws/amazon-sagemaker-feedback#113 and #140,
aws-samples/cloudformation-studio-domain#2).
"""

import time
from typing import Any

import pytest

from rehearsal.embedded import EmbeddedCloud
from rehearsal.sagemaker import studio
from rehearsal.sagemaker.kinds import DAY_SECONDS
from tests.rehearsal.world import PACE_SECONDS, World, refused


def app(world: World, where: str = "UserProfileName", kind: str = "JupyterLab", **more: Any) -> dict[str, Any]:
    """A request that names an app of the world's profile or space."""
    return {
        "DomainId": world.names["DomainId"],
        where: world.names[where],
        "AppType": kind,
        "AppName": "default",
        **more,
    }


def started(world: World, **request: Any) -> str:
    arn = world.service.call("CreateApp", request)["AppArn"]
    world.settle("App", arn)
    return arn


def test_an_app_in_a_space_names_no_profile_so_a_list_by_profile_never_tells_of_it() -> None:
    world = World("App")
    started(world, **app(world, "SpaceName"))
    started(world, **app(world, "UserProfileName"))
    told = world.service.call("DescribeApp", app(world, "SpaceName"))
    assert "UserProfileName" not in told and told["SpaceName"] == world.names["SpaceName"]
    listed = {
        name: [(a.get("UserProfileName"), a.get("SpaceName")) for a in world.pages(filters)]
        for name, filters in {
            "profile": {"UserProfileNameEquals": world.names["UserProfileName"]},
            "space": {"SpaceNameEquals": world.names["SpaceName"]},
            "domain": {"DomainIdEquals": world.names["DomainId"]},
            "elsewhere": {"DomainIdEquals": "d-elsewhere"},
        }.items()
    }
    assert listed == {
        "profile": [("owner", None)],
        "space": [(None, "room")],
        "domain": [(None, "room"), ("owner", None)],
        "elsewhere": [],
    }


@pytest.mark.parametrize("operation", ["CreateApp", "DescribeApp", "DeleteApp"])
def test_an_app_is_of_a_profile_or_of_a_space(operation: str) -> None:
    world = World("App")
    both = app(world, "SpaceName") | app(world, "UserProfileName")
    neither = {name: value for name, value in both.items() if name not in ("SpaceName", "UserProfileName")}
    for request in (both, neither):
        answer = refused(world, operation, request)
        assert answer.code == "ValidationException" and "exactly one of UserProfileName and SpaceName" in answer.message


def test_an_app_never_opened_has_no_time_of_activity() -> None:
    world = World("App")
    arn = world.service.call("CreateApp", app(world))["AppArn"]
    assert "LastHealthCheckTimestamp" not in world.service.call("DescribeApp", app(world))
    world.settle("App", arn)
    told = world.service.call("DescribeApp", app(world))
    assert told["LastHealthCheckTimestamp"] == pytest.approx(told["CreationTime"] + PACE_SECONDS, abs=5)
    assert "LastUserActivityTimestamp" not in told


@pytest.mark.parametrize(
    ("user", "health"),
    [(100.0, 200.0), (200.0, 200.0), (None, 200.0), (None, None)],
    ids=["used", "checked without activity", "never opened", "never checked"],
)
def test_a_test_sets_when_an_app_was_used_and_checked(user: float | None, health: float | None) -> None:
    world = World("App")
    studio.set_activity(world.service, started(world, **app(world)), user, health)
    told = world.service.call("DescribeApp", app(world))
    assert (told.get("LastUserActivityTimestamp"), told.get("LastHealthCheckTimestamp")) == (user, health)


def test_only_an_app_has_activity() -> None:
    world = World("App")
    with pytest.raises(ValueError, match="no app arn"):
        studio.set_activity(world.service, world.host.arn("space/d/s"), 1.0, 1.0)


def test_a_deleted_app_is_told_of_for_a_day_and_holds_nothing_up() -> None:
    world = World("App")
    started(world, **app(world, "SpaceName"))
    world.service.call("DeleteApp", app(world, "SpaceName"))
    assert "App(s)" in refused(world, "DeleteSpace", world_space(world)).message  # it is Deleting
    world.service.clock.advance(PACE_SECONDS)
    assert world.service.call("DescribeApp", app(world, "SpaceName"))["Status"] == "Deleted"
    world.service.clock.advance(DAY_SECONDS - 60)
    assert [row["Status"] for row in world.pages({})] == ["Deleted"]
    world.service.clock.advance(60)
    assert world.pages({}) == []
    assert refused(world, "DescribeApp", app(world, "SpaceName")).code == "ResourceNotFound"
    world.service.call("DeleteSpace", world_space(world))


def world_space(world: World) -> dict[str, Any]:
    return {"DomainId": world.names["DomainId"], "SpaceName": world.names["SpaceName"]}


def test_an_app_started_again_within_a_day_keeps_its_time_of_creation() -> None:
    world = World("App")
    started(world, **app(world))
    first = world.service.call("DescribeApp", app(world))["CreationTime"]
    world.service.call("DeleteApp", app(world))
    world.service.clock.advance(DAY_SECONDS / 2)
    started(world, **app(world))
    told = world.service.call("DescribeApp", app(world))
    assert (told["Status"], told["CreationTime"]) == ("InService", first)
    world.service.clock.advance(DAY_SECONDS)  # the day of the one before is over
    assert world.service.call("DescribeApp", app(world))["Status"] == "InService"
    world.service.call("DeleteApp", app(world))
    world.service.clock.advance(PACE_SECONDS)
    world.service.clock.advance(DAY_SECONDS)
    started(world, **app(world))
    assert world.service.call("DescribeApp", app(world))["CreationTime"] > first


def test_a_space_may_have_no_owner_and_one_that_has_keeps_its_profile() -> None:
    world = World("Space")
    free, owned = world.make(), {"OwnershipSettings": {"OwnerUserProfileName": "owner"}}
    arn = world.make(**owned, SpaceSharingSettings={"SharingType": "Private"})
    world.settle("Space", free)
    told = {row["SpaceName"]: row.get("OwnershipSettingsSummary") for row in world.pages({})}
    names = {key: world.service.store.by_arn(value)["SpaceName"] for key, value in (("free", free), ("owned", arn))}
    assert told == {names["free"]: None, names["owned"]: {"OwnerUserProfileName": "owner"}}
    profile = {"DomainId": world.names["DomainId"], "UserProfileName": "owner"}
    answer = refused(world, "DeleteUserProfile", profile)
    assert answer.code == "ResourceInUse" and "Space(s)" in answer.message
    world.service.call("DeleteSpace", {"DomainId": world.names["DomainId"], "SpaceName": names["owned"]})
    world.service.clock.advance(PACE_SECONDS)
    world.service.call("DeleteUserProfile", profile)


def test_a_space_is_owned_by_a_profile_that_is_there_and_says_how_it_is_shared() -> None:
    world = World("Space")
    space = {"DomainId": world.names["DomainId"], "SpaceName": "mine"}
    nobody = {
        "OwnershipSettings": {"OwnerUserProfileName": "nobody"},
        "SpaceSharingSettings": {"SharingType": "Private"},
    }
    assert "Could not find user profile" in refused(world, "CreateSpace", {**space, **nobody}).message
    for name in nobody:
        assert "given together" in refused(world, "CreateSpace", {**space, name: nobody[name]}).message


@pytest.mark.parametrize(
    ("own", "profile", "domain", "expected"),
    [
        ("ml.c5.large", "ml.m5.large", "ml.r5.large", "ml.c5.large"),
        (None, "ml.m5.large", "ml.r5.large", "ml.m5.large"),
        (None, None, "ml.r5.large", "ml.r5.large"),
        (None, None, None, None),
    ],
)
def test_a_kernel_gateway_takes_its_instance_type_from_the_nearest_who_gives_one(
    own: str | None, profile: str | None, domain: str | None, expected: str | None
) -> None:
    world = World("App")

    def spec(instance_type: str | None) -> dict[str, Any]:
        return {"DefaultResourceSpec": {"InstanceType": instance_type}} if instance_type else {}

    who = {"DomainId": world.names["DomainId"]}
    settings = {"DefaultUserSettings": {"KernelGatewayAppSettings": spec(domain)}}
    world.service.call("UpdateDomain", {**who, **settings})
    world.service.clock.advance(PACE_SECONDS)
    settings = {"UserSettings": {"KernelGatewayAppSettings": spec(profile)}}
    world.service.call("UpdateUserProfile", {**who, "UserProfileName": "owner", **settings})
    world.service.clock.advance(PACE_SECONDS)
    request = app(world, kind="KernelGateway", **({"ResourceSpec": {"InstanceType": own}} if own else {}))
    if expected is None:
        assert "InstanceType" in refused(world, "CreateApp", request).message
    else:
        started(world, **request)
        assert world.pages({})[0]["ResourceSpec"]["InstanceType"] == expected


def test_a_space_runs_apps_of_its_own_type_on_its_own_instance_type() -> None:
    world = World("Space")
    settings = {
        "AppType": "CodeEditor",
        "CodeEditorAppSettings": {"DefaultResourceSpec": {"InstanceType": "ml.m5.xlarge"}},
    }
    arn = world.make(SpaceSettings=settings)
    world.settle("Space", arn)
    world.names["SpaceName"] = world.service.store.by_arn(arn)["SpaceName"]
    assert "is for CodeEditor apps" in refused(world, "CreateApp", app(world, "SpaceName")).message
    world.service.call("CreateApp", app(world, "SpaceName", "CodeEditor"))
    told = world.service.call("DescribeApp", app(world, "SpaceName", "CodeEditor"))
    assert told["ResourceSpec"]["InstanceType"] == "ml.m5.xlarge"


def test_nothing_is_made_in_a_domain_that_is_not_in_service() -> None:
    world = World("App")
    world.service.call("UpdateDomain", {"DomainId": world.names["DomainId"]})
    for operation, request in {
        "CreateApp": app(world),
        "CreateSpace": {"DomainId": world.names["DomainId"], "SpaceName": "new"},
        "CreateUserProfile": {"DomainId": world.names["DomainId"], "UserProfileName": "new"},
    }.items():
        assert "is Updating, not InService" in refused(world, operation, request).message


def test_an_update_of_a_domains_settings_leaves_what_it_does_not_name() -> None:
    world = World("Domain")
    arn = world.make(DomainSettings={"SecurityGroupIds": ["sg-1"], "ExecutionRoleIdentityConfig": "DISABLED"})
    world.settle("Domain", arn)
    who = world.who(world.service.store.by_arn(arn))
    change = {"DomainSettingsForUpdate": {"ExecutionRoleIdentityConfig": "USER_PROFILE_NAME"}}
    world.service.call("UpdateDomain", {**who, **change})
    told = world.service.call("DescribeDomain", who)["DomainSettings"]
    assert told == {"SecurityGroupIds": ["sg-1"], "ExecutionRoleIdentityConfig": "USER_PROFILE_NAME"}


def test_a_domain_may_say_what_becomes_of_its_file_system() -> None:
    world = World("UserProfile")
    told = world.service.call("DescribeDomain", {"DomainId": world.names["DomainId"]})
    assert told["HomeEfsFileSystemId"].startswith("fs-")
    retention = {"RetentionPolicy": {"HomeEfsFileSystem": "Delete"}}
    world.service.call("DeleteDomain", {"DomainId": world.names["DomainId"], **retention})
    world.service.clock.advance(PACE_SECONDS)
    assert world.service.store.all("Domain") == []


def test_activity_is_set_over_the_control_api(cloud: EmbeddedCloud) -> None:
    sagemaker = cloud.client("sagemaker")
    cloud.control("pace", seconds=0)
    try:
        domain = sagemaker.create_domain(DomainName="used", AuthMode="IAM", DefaultUserSettings={})["DomainId"]
        _until(sagemaker.describe_domain, DomainId=domain)
        sagemaker.create_user_profile(DomainId=domain, UserProfileName="user")
        _until(sagemaker.describe_user_profile, DomainId=domain, UserProfileName="user")
        who = {"DomainId": domain, "UserProfileName": "user", "AppType": "JupyterServer", "AppName": "default"}
        arn = sagemaker.create_app(**who)["AppArn"]
        _until(sagemaker.describe_app, **who)
        cloud.control("activity", app=arn, user=1_000_000, health=2_000_000)
        told = sagemaker.describe_app(**who)
        assert told["LastUserActivityTimestamp"].timestamp() == 1_000_000
        assert told["LastHealthCheckTimestamp"].timestamp() == 2_000_000
    finally:
        cloud.control("pace", seconds=0.1)


def _until(describe: Any, **who: str) -> None:
    deadline = time.monotonic() + 20
    while describe(**who)["Status"] != "InService":
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("propagation", "where", "expected"),
    [
        ("DISABLED", "UserProfileName", {"team": "own", "cost": "domain", "who": "profile"}),
        ("DISABLED", "SpaceName", {"team": "own", "cost": "domain"}),
        ("ENABLED", "SpaceName", {"team": "own", "cost": "domain"}),
    ],
)
def test_an_app_has_the_tags_of_its_domain_and_profile_and_a_space_only_where_they_propagate(
    propagation: str, where: str, expected: dict[str, str]
) -> None:
    """API reference, CreateDomain and CreateUserProfile, Tags: "also added to all Apps"."""
    world = World("App")
    who = {"DomainId": world.names["DomainId"]}
    world.service.call("UpdateDomain", {**who, "TagPropagation": propagation})
    world.service.clock.advance(PACE_SECONDS)
    for arn, value in (("domain/{0}", "domain"), ("user-profile/{0}/owner", "profile")):
        keys = {"domain": ("team", "cost"), "profile": ("team", "who")}[value]
        tags = [{"Key": key, "Value": value} for key in keys]
        world.service.call("AddTags", {"ResourceArn": world.host.arn(arn.format(who["DomainId"])), "Tags": tags})
    arn = started(world, **app(world, where), Tags=[{"Key": "team", "Value": "own"}])
    assert tags_of(world, arn) == expected
    space = world.service.call("CreateSpace", {**who, "SpaceName": "new"})["SpaceArn"]
    assert tags_of(world, space) == ({"team": "domain", "cost": "domain"} if propagation == "ENABLED" else {})


def tags_of(world: World, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in world.service.call("ListTags", {"ResourceArn": arn})["Tags"]}


def test_a_profile_that_is_going_owns_no_new_space() -> None:
    world = World("Space")
    who = {"DomainId": world.names["DomainId"]}
    world.service.call("DeleteUserProfile", {**who, "UserProfileName": "owner"})
    owned = {"OwnershipSettings": {"OwnerUserProfileName": "owner"}, "SpaceSharingSettings": {"SharingType": "Private"}}
    answer = refused(world, "CreateSpace", {**who, "SpaceName": "late", **owned})
    assert "is Deleting, not InService" in answer.message


def test_a_list_tells_a_spaces_settings_as_they_are_now() -> None:
    world = World("Space")
    arn = world.make(SpaceSettings={"AppType": "CodeEditor"})
    world.settle("Space", arn)
    name = world.service.store.by_arn(arn)["SpaceName"]
    change = {"DomainId": world.names["DomainId"], "SpaceName": name, "SpaceSettings": {"AppType": "JupyterLab"}}
    world.service.call("UpdateSpace", change)
    assert [row["SpaceSettingsSummary"]["AppType"] for row in world.pages({})] == ["JupyterLab"]
