"""The sweep against an in-memory cloud, with the environment that its stack gives it."""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controls import sweep
from controls.settings import MissingSettingError

EVENT = {"time": "2026-11-23T12:00:00Z"}
FOREIGN = {"sluice:platform": "another"}
KEPT = {"sluice:platform": "sluice-dev", "sluice:keep": "2026-12-01"}
PROD = {"sluice:platform": "sluice-dev", "sluice:environment": "prod"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, deployed: dict[str, Any]) -> None:
    for name, value in deployed["sweep"].environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def observing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_MODE", "observe")


def outcomes(cloud: Any) -> list[tuple[str, str]]:
    return sorted((item["name"], item["outcome"]) for item in cloud.ledger.values())


def test_an_idle_endpoint_is_deleted_and_an_idle_notebook_instance_is_stopped(cloud: Any) -> None:
    cloud.endpoint("digits")
    cloud.notebook("desk")
    answer = sweep.handler(EVENT, None)
    assert not cloud.endpoints
    assert cloud.notebooks["desk"]["NotebookInstanceStatus"] == "Stopping"
    assert outcomes(cloud) == [("desk", "done"), ("digits", "done")]
    assert answer["mode"] == "enforce"
    assert [(f["name"], f["outcome"]) for f in answer["findings"]] == [("digits", "done"), ("desk", "done")]


def test_in_another_partition_what_idles_is_ended_and_recorded_under_its_own_arn(chinese_cloud: Any) -> None:
    chinese_cloud.endpoint("digits")
    sweep.handler(EVENT, None)
    assert not chinese_cloud.endpoints
    assert {resource.split(":")[1] for resource, _ in chinese_cloud.ledger} == {"aws-cn"}


def test_what_is_ended_was_recorded_first(cloud: Any) -> None:
    cloud.endpoint("digits")
    sweep.handler(EVENT, None)
    writes = [call for call in cloud.calls if call.writes]
    assert [call.operation for call in writes] == ["PutItem", "DeleteEndpoint", "PutItem"]
    assert writes[0].params["Item"]["outcome"] == {"S": "planned"}


@pytest.mark.usefixtures("observing")
def test_observe_reports_and_records_but_changes_nothing(cloud: Any) -> None:
    cloud.endpoint("digits")
    answer = sweep.handler(EVENT, None)
    assert [(f["name"], f["action"], f["outcome"]) for f in answer["findings"]] == [
        ("digits", "delete-endpoint", "observed")
    ]
    assert outcomes(cloud) == [("digits", "observed")]
    assert cloud.endpoints["digits"]["EndpointStatus"] == "InService"


worlds = st.lists(
    st.tuples(
        st.sampled_from(["endpoint", "notebook"]),
        st.sampled_from([FOREIGN, KEPT, PROD, {"sluice:platform": "sluice-dev"}, {}]),
        st.sampled_from(["InService", "Updating", "Failed"]),
        st.sampled_from([5, 600]),
        st.booleans(),
    ),
    max_size=6,
)


def build(cloud: Any, world: list[tuple[str, dict[str, str], str, int, bool]]) -> list[str]:
    """Makes the resources of `world`; the names of those that may be ended."""
    idle = []
    for i, (kind, tags, status, minutes, used) in enumerate(world):
        name = getattr(cloud, kind)(f"{kind}-{i}", minutes=minutes, status=status, tags=tags)
        now = sweep.datetime.fromisoformat(EVENT["time"])
        if used and kind == "endpoint":
            cloud.invocations[name, "AllTraffic"] = [(now - timedelta(minutes=20), 3)]
        elif used:
            cloud.jupyter[name] = now - timedelta(minutes=20)
        if tags == {"sluice:platform": "sluice-dev"} and status == "InService" and minutes == 600 and not used:
            idle.append(name)
    return idle


WORLD_SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)


@WORLD_SETTINGS
@given(world=worlds)
def test_in_any_world_exactly_what_is_idle_and_ours_is_ended(new_cloud: Callable[[], Any], world: Any) -> None:
    cloud = new_cloud()
    idle = build(cloud, world)
    sweep.handler(EVENT, None)
    ended = [call.params for call in cloud.calls if call.writes and call.operation != "PutItem"]
    assert sorted(name for params in ended for name in params.values()) == sorted(idle)


@WORLD_SETTINGS
@given(world=worlds)
def test_in_any_world_observe_writes_to_nothing_but_the_ledger(
    new_cloud: Callable[[], Any], observing: None, world: Any
) -> None:
    cloud = new_cloud()
    idle = build(cloud, world)
    sweep.handler(EVENT, None)
    assert {call.operation for call in cloud.calls if call.writes} <= {"PutItem"}
    assert [name for name, _ in outcomes(cloud)] == sorted(idle)


def test_the_same_event_again_does_nothing_more(cloud: Any) -> None:
    cloud.endpoint("digits")
    sweep.handler(EVENT, None)
    ledger = dict(cloud.ledger)
    assert sweep.handler(EVENT, None)["findings"] == []
    assert cloud.ledger == ledger


def test_every_variant_counts_as_use(cloud: Any) -> None:
    cloud.endpoint("digits")
    cloud.endpoints["digits"]["ProductionVariants"] = [{"VariantName": "champion"}, {"VariantName": "challenger"}]
    now = sweep.datetime.fromisoformat(EVENT["time"])
    cloud.invocations["digits", "challenger"] = [(now - timedelta(minutes=100), 1)]
    assert sweep.handler(EVENT, None)["findings"] == []


def test_use_that_is_older_than_the_window_or_of_another_endpoint_does_not_count(cloud: Any) -> None:
    cloud.endpoint("digits")
    now = sweep.datetime.fromisoformat(EVENT["time"])
    cloud.invocations["digits", "AllTraffic"] = [(now - timedelta(minutes=121), 5)]
    cloud.invocations["other", "AllTraffic"] = [(now, 5)]
    assert len(sweep.handler(EVENT, None)["findings"]) == 1


def test_a_retried_event_spares_what_was_used_after_it(cloud: Any) -> None:
    cloud.endpoint("digits")
    now = sweep.datetime.fromisoformat(EVENT["time"])
    cloud.invocations["digits", "AllTraffic"] = [(now + timedelta(minutes=30), 1)]
    assert sweep.handler(EVENT, None)["findings"] == []


@pytest.mark.parametrize("spoil", ["tag", "use", "change"])
def test_what_changes_at_the_last_moment_is_spared(cloud: Any, spoil: str) -> None:
    cloud.endpoint("digits")
    now = sweep.datetime.fromisoformat(EVENT["time"])
    cloud.meanwhile["PutItem"] = {
        "tag": lambda: cloud.tags[cloud.endpoints["digits"]["EndpointArn"]].update({"sluice:keep": "2027-01-01"}),
        "use": lambda: cloud.invocations.update({("digits", "AllTraffic"): [(now, 1)]}),
        "change": lambda: cloud.endpoints["digits"].update(EndpointStatus="Updating"),
    }[spoil]
    sweep.handler(EVENT, None)
    assert "digits" in cloud.endpoints
    assert outcomes(cloud) == [("digits", "spared")]


@pytest.mark.parametrize("moment", ["PutItem", "DeleteEndpoint"])
def test_what_is_gone_already_counts_as_done(cloud: Any, moment: str) -> None:
    cloud.endpoint("digits")
    cloud.meanwhile[moment] = lambda: cloud.endpoints.clear()
    sweep.handler(EVENT, None)
    assert outcomes(cloud) == [("digits", "gone")]


@pytest.mark.parametrize("operation", ["DescribeEndpoint", "DeleteEndpoint"])
def test_one_bad_resource_stops_no_other_and_is_raised_at_the_end(
    cloud: Any, refusal: Callable[..., Exception], operation: str
) -> None:
    for name in ("first", "bad", "last"):
        cloud.endpoint(name)
    cloud.faults[operation, "bad"] = refusal("User is not authorized", "AccessDeniedException")
    with pytest.raises(sweep.SweepError, match=r"endpoint bad: .*not authorized"):
        sweep.handler(EVENT, None)
    assert list(cloud.endpoints) == ["bad"]
    expected = [("bad", "failed")] if operation == "DeleteEndpoint" else []
    assert outcomes(cloud) == [*expected, ("first", "done"), ("last", "done")]


def test_an_endpoint_whose_metrics_cannot_be_read_is_kept(cloud: Any) -> None:
    cloud.endpoint("digits")
    cloud.metric_state = "InternalError"
    assert sweep.handler(EVENT, None)["findings"] == []


def test_a_notebook_instance_without_a_log_is_kept(cloud: Any) -> None:
    cloud.notebook("desk")
    del cloud.jupyter["desk"]
    cloud.notebook("silent")
    cloud.jupyter["silent"] = None
    assert sweep.handler(EVENT, None)["findings"] == []


def test_asynchronous_and_idle_serverless_endpoints_are_kept(cloud: Any) -> None:
    cloud.endpoint("queue")
    cloud.endpoints["queue"]["AsyncInferenceConfig"] = {}
    cloud.endpoint("serverless")
    cloud.endpoints["serverless"]["ProductionVariants"][0]["CurrentServerlessConfig"] = {"MaxConcurrency": 1}
    cloud.endpoint("provisioned")
    cloud.endpoints["provisioned"]["ProductionVariants"][0]["CurrentServerlessConfig"] = {"ProvisionedConcurrency": 1}
    assert [f["name"] for f in sweep.handler(EVENT, None)["findings"]] == ["provisioned"]


def test_a_missing_setting_is_named(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLUICE_LEDGER_TABLE")
    with pytest.raises(MissingSettingError, match="SLUICE_LEDGER_TABLE"):
        sweep.handler(EVENT, None)


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], deployed: dict[str, SimpleNamespace], compare: Callable[..., None]
) -> None:
    compare(recorded, deployed["sweep"])
