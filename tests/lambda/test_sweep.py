"""The sweep against an in-memory cloud, with the environment that its stack gives it when all rules are enforced."""

import importlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from controls import clients
from controls.inventory.tags import Tags
from controls.judgement.choices import policy
from controls.settings import MissingSettingError
from controls.sweeps.sweeping import SweepError

sweeping = importlib.import_module("tests.lambda.sweeping")  # `lambda` is a keyword
NOW, OURS, run, outcomes = sweeping.NOW, sweeping.OURS, sweeping.run, sweeping.outcomes
MONTH = timedelta(days=31)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, deployed: dict[str, Any]) -> None:
    for name, value in deployed["sweep"].environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def observing(monkeypatch: pytest.MonkeyPatch, deployed: dict[str, Any]) -> None:
    monkeypatch.setenv("SLUICE_POLICY", sweeping.changed(deployed["sweep"].environment, enforced=[]))


def ended_later(cloud: Any, after: timedelta = timedelta()) -> dict[str, int]:
    """What the sweep did after the grace of the warnings that it gives `after` some time."""
    run(NOW + after)
    return run(NOW + after + timedelta(minutes=61))


def test_a_job_that_ends_before_it_is_stopped_is_gone_and_no_failure(
    cloud: Any, refusal: Callable[..., Exception]
) -> None:
    cloud.job("TrainingJob", "stuck", StoppingCondition={"MaxRuntimeInSeconds": 3600})
    run()
    cloud.faults["StopTrainingJob", "stuck"] = refusal("The request was rejected because the job is in status Stopped.")
    assert run(NOW + timedelta(minutes=61)) == {"gone": 1}


def test_of_many_troubles_the_first_are_told_and_how_many_there_are(
    cloud: Any, refusal: Callable[..., Exception]
) -> None:
    for number in range(30):
        cloud.endpoint(f"endpoint-{number:02}")
        cloud.faults["DescribeEndpoint", f"endpoint-{number:02}"] = refusal("no " * 1000, "AccessDeniedException")
    with pytest.raises(SweepError, match="30 troubles, of which the first 20") as raised:
        run()
    assert len(str(raised.value)) < 12_000


def test_who_idles_is_warned_first_and_ended_after_the_grace(cloud: Any) -> None:
    cloud.endpoint("digits")
    cloud.notebook("desk")
    assert run() == {"warned": 2}
    assert cloud.endpoints["digits"]["EndpointStatus"] == "InService"
    assert run(NOW + timedelta(minutes=59)) == {"warned": 2}
    assert run(NOW + timedelta(minutes=61)) == {"done": 2}
    assert not cloud.endpoints
    assert cloud.notebooks["desk"]["NotebookInstanceStatus"] == "Stopping"


def test_what_it_saves_is_told_by_the_prices_that_were_read_last(cloud: Any, deployed: dict[str, Any]) -> None:
    cloud.endpoint("digits")
    cloud.price(deployed["sweep"].environment["SLUICE_ARTIFACT_BUCKET"], "us-east-1,Hosting,ml.m5.large,0.5")
    run()
    assert [item["usd_per_hour"] for item in cloud.remembered("warned").values()] == [0.5]


def test_a_message_says_what_why_when_what_it_saves_and_how_to_keep_it(cloud: Any) -> None:
    cloud.endpoint("digits", tags={**OURS, "sluice:owner": "ada"})
    cloud.endpoint("letters", tags={**OURS, "sluice:owner": "bob"})
    run()
    run(NOW + timedelta(minutes=10))
    assert [mail["Subject"].split(":")[1] for mail in cloud.mail] == [
        " 1 of ada to be ended or looked at",
        " 1 of bob to be ended or looked at",
    ]
    text = cloud.mail[0]["Message"]
    for words in ("endpoint digits", "unused since 2026-11-23 02:00", "deleted after 2026-11-23 13:00", "USD a month"):
        assert words in text
    assert "sluice keep arn:aws:sagemaker:us-east-1:111122223333:endpoint/digits --until 2026-11-30" in text


def test_what_became_active_again_is_let_go_and_later_warned_anew(cloud: Any) -> None:
    cloud.endpoint("digits")
    run()
    cloud.invocations["digits", "AllTraffic"] = [(NOW + timedelta(minutes=30), 1)]
    assert run(NOW + timedelta(minutes=61)) == {}
    assert not cloud.remembered("warned")
    assert run(NOW + timedelta(hours=10)) == {"warned": 1}


def test_in_another_partition_what_idles_is_ended_and_recorded_under_its_own_arn(chinese_cloud: Any) -> None:
    chinese_cloud.endpoint("digits")
    ended_later(chinese_cloud)
    assert not chinese_cloud.endpoints
    assert {item["at"].split(":")[1] for item in chinese_cloud.remembered("restorable").values()} == {"aws-cn"}


def test_what_is_ended_was_recorded_and_made_restorable_first(cloud: Any) -> None:
    sweeping.warned_before(cloud, cloud.endpoints[cloud.endpoint("digits")]["EndpointArn"])
    run()
    writes = [(call.operation, call.params.get("Item", {})) for call in cloud.calls if call.writes]
    told = [
        (name, item.get("outcome", item.get("subject", {})).get("S")) for name, item in writes if item or name[0] == "D"
    ]
    before = [what for _, what in told[: [name for name, _ in told].index("DeleteEndpoint")]]
    assert before == ["ended", "planned", "restorable"]
    assert {item["planned_at"] for item in cloud.ledger.values() if item.get("outcome") == "done"} == {NOW.isoformat()}


def test_observe_reports_once_a_day_and_changes_nothing(cloud: Any, observing: None) -> None:
    cloud.endpoint("digits")
    assert run() == run(NOW + timedelta(hours=3)) == {"observed": 1}
    assert outcomes(cloud) == [("digits", "observed")]
    assert cloud.endpoints["digits"]["EndpointStatus"] == "InService"
    run(NOW + timedelta(days=1))
    assert outcomes(cloud) == [("digits", "observed")] * 2
    assert {call.service for call in cloud.calls if call.writes} == {"dynamodb"}


def test_every_variant_counts_as_use(cloud: Any) -> None:
    cloud.endpoint("digits")
    cloud.endpoints["digits"]["ProductionVariants"] = [{"VariantName": "champion"}, {"VariantName": "challenger"}]
    cloud.invocations["digits", "challenger"] = [(NOW - timedelta(minutes=100), 1)]
    assert run() == {}


def test_use_that_is_older_than_the_limit_or_of_another_endpoint_or_of_nobody_does_not_count(cloud: Any) -> None:
    cloud.endpoint("digits")
    used = [(NOW - timedelta(minutes=241), 5), (NOW - timedelta(minutes=5), 0)]
    cloud.invocations = {("digits", "AllTraffic"): used, ("other", "AllTraffic"): [(NOW, 5)]}
    assert run() == {"warned": 1}


def test_a_retried_event_spares_what_was_used_after_it(cloud: Any) -> None:
    cloud.endpoint("digits")
    cloud.invocations["digits", "AllTraffic"] = [(NOW + timedelta(minutes=30), 1)]
    assert run() == {}


@pytest.mark.parametrize("spoil", ["tag", "use", "change"])
def test_what_changes_at_the_last_moment_is_spared(cloud: Any, spoil: str) -> None:
    cloud.endpoint("digits")
    arn = cloud.endpoints["digits"]["EndpointArn"]
    sweeping.warned_before(cloud, arn)
    cloud.meanwhile["PutItem"] = {
        "tag": lambda: cloud.tags[arn].update({"sluice:keep": "2027-01-01"}),
        "use": lambda: cloud.invocations.update({("digits", "AllTraffic"): [(NOW, 1)]}),
        "change": lambda: cloud.endpoints["digits"].update(EndpointStatus="Updating"),
    }[spoil]
    assert run() == {"spared": 1}
    assert "digits" in cloud.endpoints
    assert not cloud.remembered("restorable") and not cloud.remembered("ended")


@pytest.mark.parametrize("moment", ["PutItem", "DeleteEndpoint"])
def test_what_is_gone_already_counts_as_done(cloud: Any, moment: str) -> None:
    cloud.endpoint("digits")
    sweeping.warned_before(cloud, cloud.endpoints["digits"]["EndpointArn"])
    cloud.meanwhile[moment] = lambda: cloud.endpoints.clear()
    assert run() == {"gone": 1}
    assert outcomes(cloud) == [("digits", "gone")]


@pytest.mark.parametrize("operation", ["DescribeEndpoint", "DeleteEndpoint"])
def test_one_bad_resource_stops_no_other_and_is_raised_at_the_end(
    cloud: Any, refusal: Callable[..., Exception], operation: str
) -> None:
    for name in ("first", "bad", "last"):
        sweeping.warned_before(cloud, cloud.endpoints[cloud.endpoint(name)]["EndpointArn"])
    cloud.faults[operation, "bad"] = refusal("User is not authorized", "AccessDeniedException")
    with pytest.raises(SweepError, match=r"endpoint.*: .*not authorized"):
        run()
    assert list(cloud.endpoints) == ["bad"]
    expected = [("bad", "failed")] if operation == "DeleteEndpoint" else []
    assert outcomes(cloud) == [*expected, ("first", "done"), ("last", "done")]


def test_while_an_endpoint_cannot_be_read_no_configuration_counts_as_unused(
    cloud: Any, refusal: Callable[..., Exception]
) -> None:
    cloud.endpoint("bad")
    cloud.CreateEndpointConfig("kept", ProductionVariants=[])
    cloud.tags[cloud.arn("endpoint-config/kept")] = OURS
    cloud.faults["DescribeEndpoint", "bad"] = refusal("User is not authorized", "AccessDeniedException")
    for days in (0, 31, 32):
        with pytest.raises(SweepError):
            run(NOW + timedelta(days=days))
    assert "kept" in cloud.configs


def test_while_notebook_instances_cannot_be_read_no_lifecycle_configuration_of_theirs_counts_as_unused(
    cloud: Any, refusal: Callable[..., Exception]
) -> None:
    cloud.notebook_config("kept")
    cloud.notebook("desk")
    cloud.faults["GetLogEvents", "desk/jupyter.log"] = refusal("User is not authorized", "AccessDeniedException")
    for days in (0, 31, 32):
        with pytest.raises(SweepError):
            run(NOW + timedelta(days=days))
    assert cloud.records["NotebookInstanceLifecycleConfigs"]


def test_an_endpoint_whose_metrics_cannot_be_read_is_kept(cloud: Any) -> None:
    cloud.endpoint("digits")
    cloud.metric_state = "InternalError"
    assert run() == {}


def test_a_notebook_instance_without_a_log_is_kept(cloud: Any) -> None:
    cloud.notebook("desk")
    del cloud.jupyter["desk"]
    cloud.notebook("silent")
    cloud.jupyter["silent"] = None
    assert run() == {}


def test_asynchronous_and_idle_serverless_endpoints_are_kept(cloud: Any) -> None:
    cloud.endpoint("queue")
    cloud.endpoints["queue"]["AsyncInferenceConfig"] = {}
    for name, serverless in {"serverless": {"MaxConcurrency": 1}, "provisioned": {"ProvisionedConcurrency": 1}}.items():
        variant = {"VariantName": "v", "ServerlessConfig": {"MemorySizeInMB": 2048, **serverless}}
        cloud.CreateEndpointConfig(name, ProductionVariants=[variant])
        cloud.endpoint(name)
        cloud.endpoints[name] |= {"EndpointConfigName": name, "ProductionVariants": [{"VariantName": "v"}]}
    run()
    assert outcomes(cloud) == [("provisioned", "warned")]


def test_an_app_is_idle_only_since_a_sweep_saw_it_quiet(cloud: Any) -> None:
    cloud.app("desk", minutes=600)
    cloud.app("lab", minutes=20, quiet=False)
    assert run() == {}
    assert run(NOW + timedelta(minutes=239)) == {"warned": 1}  # of lab, whose last use is known
    assert run(NOW + timedelta(minutes=241)) == {"warned": 2}
    assert run(NOW + timedelta(minutes=302)) == {"done": 2}
    assert {app["Status"] for app in cloud.records["Apps"].values()} == {"Deleted"}
    [deletion, _] = [call for call in cloud.calls if call.operation == "DeleteApp"]
    assert deletion.params.keys() == {"DomainId", "SpaceName", "AppType", "AppName"}


def test_an_app_that_was_never_opened_is_idle_since_its_creation(cloud: Any) -> None:
    arn = cloud.app("desk")
    del cloud.records["Apps"][arn]["LastUserActivityTimestamp"]
    assert run() == {"warned": 1}


def test_a_kept_space_keeps_its_apps(cloud: Any) -> None:
    cloud.app("desk", minutes=600, quiet=False)
    cloud.tags[cloud.arn("space/d-1/desk")] = {**OURS, "sluice:keep": "2027-01-01"}
    assert run() == {}


def test_the_owner_of_a_space_is_told_of_its_app(cloud: Any) -> None:
    cloud.app("desk", minutes=600, quiet=False)
    run()
    assert "1 of ada" in cloud.mail[0]["Subject"]


def test_components_are_scaled_to_zero_and_their_endpoint_stays(cloud: Any) -> None:
    scaling = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 2}
    variant = {"VariantName": "AllTraffic", "InstanceType": "ml.m5.large", "ManagedInstanceScaling": scaling}
    cloud.CreateEndpointConfig("shared", ProductionVariants=[variant])
    cloud.endpoint("shared")
    cloud.endpoints["shared"]["EndpointConfigName"] = "shared"
    cloud.component("digits", "shared")
    assert ended_later(cloud) == {"done": 1}
    assert "shared" in cloud.endpoints
    [component] = cloud.records["InferenceComponents"].values()
    assert component["RuntimeConfig"] == {"CurrentCopyCount": 0, "DesiredCopyCount": 0}
    assert run(NOW + timedelta(hours=4)) == {}


def hosting(cloud: Any, **tags: str) -> None:
    """An endpoint of fixed instances, and a component on it."""
    variant = {"VariantName": "AllTraffic", "InstanceType": "ml.m5.large"}
    cloud.CreateEndpointConfig("shared", ProductionVariants=[variant])
    cloud.endpoint("shared", tags={**OURS, **tags})
    cloud.endpoints["shared"]["EndpointConfigName"] = "shared"
    cloud.component("digits", "shared")


def test_the_fixed_instances_of_an_endpoint_with_components_end_with_their_time_to_live(cloud: Any) -> None:
    hosting(cloud, **{"sluice:ttl": "2026-11-22"})
    assert ended_later(cloud) == {"done": 1}
    assert not cloud.endpoints


def test_the_fixed_instances_of_an_endpoint_with_components_end_with_the_budget(cloud: Any) -> None:
    cloud.ledger["budget", "2026-11"] = {"subject": "budget", "at": "2026-11", "frozen_since": NOW.isoformat()}
    hosting(cloud)
    assert ended_later(cloud) == {"done": 1}
    assert not cloud.endpoints


def shrinking(cloud: Any, copies: int = 3) -> dict[str, Any]:
    """A component on an endpoint of two instances, of which one stays without it."""
    hosting(cloud)
    scaling = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2}
    cloud.configs["shared"]["ProductionVariants"][0]["ManagedInstanceScaling"] = scaling
    cloud.endpoints["shared"]["ProductionVariants"][0]["CurrentInstanceCount"] = 2
    [component] = cloud.records["InferenceComponents"].values()
    component["RuntimeConfig"] = dict.fromkeys(("CurrentCopyCount", "DesiredCopyCount"), copies)
    cloud.invocations["digits", ""] = [(EVENING - timedelta(minutes=200), 1)]
    return component


def into_the_night(cloud: Any) -> None:
    run(EVENING - timedelta(minutes=60))
    assert run(EVENING + timedelta(minutes=1)) == {"done": 1}


def test_off_hours_scale_a_component_to_zero_and_the_morning_brings_its_copies_back(cloud: Any) -> None:
    component = shrinking(cloud)
    into_the_night(cloud)
    assert component["RuntimeConfig"]["DesiredCopyCount"] == 0 and "shared" in cloud.endpoints
    assert run(MORNING - timedelta(minutes=2)) == {}
    assert run(MORNING) == {"restored": 1}
    assert component["RuntimeConfig"]["DesiredCopyCount"] == 3
    component["LastModifiedTime"] = MORNING
    assert run(MORNING + timedelta(minutes=10)) == {} and not cloud.remembered("restorable")


def test_of_a_component_all_that_brings_it_back_is_kept(cloud: Any) -> None:
    shrinking(cloud)
    into_the_night(cloud)
    [kept] = cloud.remembered("restorable").values()
    assert kept["detail"] == {"endpoint": "shared", "variant": "AllTraffic", "copies": "3"}
    assert (kept["kind"], kept["name"], kept["rule"]) == ("inference-component", "digits", "off-hours")


def test_off_hours_leave_a_component_alone_that_would_save_nothing(cloud: Any) -> None:
    hosting(cloud)  # its instances stay, however few copies there are
    run(EVENING - timedelta(minutes=60))
    assert run(EVENING + timedelta(minutes=1)) == {}


def test_copies_that_somebody_brought_back_by_night_stay_as_they_are(cloud: Any) -> None:
    component = shrinking(cloud)
    into_the_night(cloud)
    cloud.UpdateInferenceComponentRuntimeConfig({"CopyCount": 1}, InferenceComponentName="digits")
    component["LastModifiedTime"] = EVENING + timedelta(hours=2)
    assert run(EVENING + timedelta(hours=3)) == {}
    cloud.invocations["digits", ""] = [(MORNING, 1)]
    assert run(MORNING) == {}
    assert component["RuntimeConfig"]["DesiredCopyCount"] == 1 and not cloud.remembered("restorable")


def test_copies_that_somebody_brings_back_at_the_last_moment_stay_as_they_are(cloud: Any) -> None:
    component = shrinking(cloud)
    into_the_night(cloud)
    cloud.meanwhile["GetMetricData"] = lambda: component["RuntimeConfig"].update(DesiredCopyCount=5)
    assert run(MORNING) == {}
    assert component["RuntimeConfig"]["DesiredCopyCount"] == 5 and not cloud.remembered("restorable")


def test_a_component_of_the_same_name_made_by_night_stays_as_it_is(cloud: Any) -> None:
    component = shrinking(cloud)
    into_the_night(cloud)
    component["CreationTime"] = EVENING + timedelta(hours=1)
    assert run(MORNING) == {}
    assert component["RuntimeConfig"]["DesiredCopyCount"] == 0 and not cloud.remembered("restorable")


def test_a_component_that_changes_in_the_morning_comes_back_later_and_one_that_is_gone_is_lost(cloud: Any) -> None:
    component = shrinking(cloud)
    into_the_night(cloud)
    component["InferenceComponentStatus"] = "Updating"
    assert run(MORNING) == {}
    cloud.records["InferenceComponents"].clear()
    assert run(MORNING + timedelta(hours=1))["lost"] == 1
    assert not cloud.remembered("restorable")


def test_jobs_that_go_on_beyond_their_own_limits_are_stopped(cloud: Any) -> None:
    spot = {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 86_400}
    cloud.job("TrainingJob", "stuck", StoppingCondition={"MaxRuntimeInSeconds": 3600})
    cloud.job("TrainingJob", "spot", EnableManagedSpotTraining=True, StoppingCondition=spot)
    cloud.job("ProcessingJob", "table", StoppingCondition={"MaxRuntimeInSeconds": 3600})
    limits = {"ResourceLimits": {"MaxRuntimeInSeconds": 3600}}
    cloud.job("HyperParameterTuningJob", "tune", HyperParameterTuningJobConfig=limits)
    criteria = {"TabularJobConfig": {"CompletionCriteria": {"MaxAutoMLJobRuntimeInSeconds": 3600}}}
    cloud.job("AutoMLJob", "auto", AutoMLProblemTypeConfig=criteria)
    cloud.job("TransformJob", "long")
    cloud.job("TrainingJob", "another", tags={"sluice:platform": "another"}, StoppingCondition=spot)
    assert ended_later(cloud) == {"done": 4}
    jobs = [job for plural in cloud.records.values() for job in plural.values()]
    stopping = {
        value for job in jobs for name, value in job.items() if name.endswith("JobName") and "Stopping" in job.values()
    }
    assert stopping == {"stuck", "table", "tune", "auto"}


def left_over(cloud: Any) -> None:
    """One of each kind that nothing needs, and beside it one that something does."""
    cloud.endpoint("digits", tags={**OURS, "sluice:keep": "2027-12-31"})
    for name in ("used", "unused"):
        cloud.CreateEndpointConfig(name, ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": name}])
        cloud.CreateModel(name)
        cloud.tags |= {cloud.arn(f"endpoint-config/{name}"): OURS, cloud.arn(f"model/{name}"): OURS}
        cloud.lifecycle_config(name)
        cloud.notebook_config(name)
        cloud.image(name)
    cloud.notebook("elsewhere", tags={})
    cloud.notebooks["elsewhere"]["NotebookInstanceLifecycleConfigName"] = "used"
    cloud.endpoints["digits"]["EndpointConfigName"] = "used"
    cloud.CreateModel("alone")
    cloud.tags[cloud.arn("model/alone")] = OURS
    images = [{"ImageName": "used", "AppImageConfigName": "x"}]
    lifecycle = {"LifecycleConfigArns": [cloud.arn("studio-lifecycle-config/used")], "CustomImages": images}
    cloud.domain(DefaultUserSettings={"JupyterLabAppSettings": lifecycle})
    cloud.put_profile("ada")
    cloud.space("desk")
    cloud.schedule("watching", "digits")
    cloud.schedule("blind", "gone")
    cloud.log_group("/aws/sagemaker/empty")
    cloud.log_group("/aws/sagemaker/full", size=1)
    cloud.log_group("/aws/sagemaker/retained", retentionInDays=7)
    cloud.file_system("fs-used", "d-1")
    cloud.file_system("fs-gone", "d-0")
    cloud.mlflow_app("records")
    for version in range(1, 13):
        cloud.package(version, "PendingManualApproval" if version > 1 else "Approved")


UNUSED = {"unused", "alone", "blind", "/aws/sagemaker/empty", "sluice-dev-digits/2"}


def test_what_nothing_has_needed_for_a_month_is_deleted_or_told_of(cloud: Any) -> None:
    left_over(cloud)
    assert run() == {}
    cloud.endpoints["digits"]["LastModifiedTime"] = NOW + MONTH - timedelta(hours=1)
    run(NOW + MONTH)
    assert {name for name, outcome in outcomes(cloud) if outcome == "warned"} == {*UNUSED, "desk", "fs-gone"}
    assert run(NOW + MONTH + timedelta(minutes=61)) == {"done": 8, "warned": 2}
    assert {name for name, outcome in outcomes(cloud) if outcome == "done"} == UNUSED
    assert cloud.configs.keys() == {"used"}
    assert cloud.models.keys() == {"used", "unused"}  # the latter is unused only since its configuration is gone
    assert {"fs-gone"} < cloud.file_systems.keys() and len(cloud.packages) == 11


@pytest.mark.parametrize(
    "use",
    [
        lambda cloud: cloud.CreateEndpoint("new", "unused", []),
        lambda cloud: cloud.streams.update({"/aws/sagemaker/empty": ["stream"]}),
        lambda cloud: cloud.endpoint("gone", tags={}),
        lambda cloud: cloud.notebooks["elsewhere"].update(NotebookInstanceLifecycleConfigName="unused"),
        lambda cloud: cloud.packages[cloud.arn("model-package/sluice-dev-digits/2")].update(
            ModelApprovalStatus="Approved"
        ),
    ],
)
def test_what_is_needed_again_at_the_last_moment_is_spared(cloud: Any, use: Callable[[Any], None]) -> None:
    left_over(cloud)
    run()
    run(NOW + MONTH)
    for config in cloud.configs.values():
        config["CreationTime"] = NOW
    end = NOW + MONTH + timedelta(minutes=61)

    def meanwhile() -> None:
        use(cloud)
        for endpoint in cloud.endpoints.values():
            endpoint["LastModifiedTime"] = end

    cloud.meanwhile["DescribeEndpointConfig"] = lambda: None
    cloud.meanwhile["PutItem"] = meanwhile
    assert run(end)["spared"] == 1


def test_a_configuration_that_an_endpoint_is_being_changed_to_is_no_orphan(cloud: Any) -> None:
    left_over(cloud)
    run()
    run(NOW + MONTH)
    cloud.UpdateEndpoint("digits", "unused")
    run(NOW + MONTH + timedelta(minutes=61))
    assert "unused" in cloud.configs
    assert cloud.arn("endpoint-config/unused") not in cloud.remembered("since")


def test_a_configuration_that_a_change_begun_before_the_sweep_goes_to_is_spared(cloud: Any) -> None:
    left_over(cloud)
    run()
    run(NOW + MONTH)
    cloud.meanwhile["PutItem"] = lambda: cloud.UpdateEndpoint("digits", "unused")
    assert run(NOW + MONTH + timedelta(minutes=61))["spared"] == 1
    assert "unused" in cloud.configs


@pytest.mark.parametrize(("status", "kept"), [("InProgress", True), ("Completed", False)])
def test_a_model_is_used_by_transform_jobs_in_progress_and_by_those_of_the_last_month(
    cloud: Any, status: str, kept: bool
) -> None:
    cloud.CreateModel("batch")
    cloud.tags[cloud.arn("model/batch")] = OURS
    cloud.job("TransformJob", "nightly", ModelName="batch", TransformJobStatus=status)
    for days in (0, 20, 31, 62):  # a model is due a month after the job is a month old
        run(NOW + timedelta(days=days))
    assert "batch" in cloud.models
    run(NOW + timedelta(days=63))
    assert ("batch" in cloud.models) is kept


def test_a_model_that_a_transform_job_uses_at_the_last_moment_is_spared(cloud: Any) -> None:
    cloud.CreateModel("batch")
    cloud.tags[cloud.arn("model/batch")] = OURS
    run()
    run(NOW + MONTH)
    cloud.meanwhile["PutItem"] = lambda: cloud.job("TransformJob", "nightly", ModelName="batch")
    assert run(NOW + MONTH + timedelta(minutes=61))["spared"] == 1
    assert "batch" in cloud.models


def test_a_model_that_a_new_configuration_names_is_spared(cloud: Any) -> None:
    left_over(cloud)
    run()
    run(NOW + MONTH)
    end = NOW + MONTH + timedelta(minutes=61)
    variants = [{"VariantName": "v", "ModelName": "alone"}]
    cloud.meanwhile["PutItem"] = lambda: cloud.CreateEndpointConfig(
        "new", ProductionVariants=variants, CreationTime=end
    )
    assert run(end)["spared"] == 1
    assert "alone" in cloud.models


def test_what_aws_itself_does_not_delete_is_spared(cloud: Any, refusal: Callable[..., Exception]) -> None:
    cloud.image("used")
    run()
    run(NOW + MONTH)
    cloud.faults["DeleteImage", "used"] = refusal("Image is in use", "ResourceInUse")
    assert run(NOW + MONTH + timedelta(minutes=61)) == {"spared": 1}


def test_the_configuration_and_the_model_of_an_ended_endpoint_are_no_orphans(cloud: Any) -> None:
    cloud.CreateModel("digits")
    cloud.CreateEndpointConfig(
        "digits",
        ProductionVariants=[{"VariantName": "AllTraffic", "InstanceType": "ml.m5.large", "ModelName": "digits"}],
    )
    cloud.tags |= {cloud.arn("endpoint-config/digits"): OURS, cloud.arn("model/digits"): OURS}
    cloud.endpoint("digits")
    cloud.endpoints["digits"]["EndpointConfigName"] = "digits"
    assert ended_later(cloud) == {"done": 1}
    for days in (1, 40, 41):
        assert run(NOW + timedelta(days=days)) == {}
    assert cloud.configs and cloud.models


def test_a_spent_budget_ends_compute_that_is_not_protected_jobs_too(cloud: Any) -> None:
    cloud.ledger["budget", "2026-11"] = {"subject": "budget", "at": "2026-11", "frozen_since": NOW.isoformat()}
    cloud.endpoint("digits")
    cloud.endpoint("kept", tags={**OURS, "sluice:keep": "2026-12-01"})
    cloud.app("desk", minutes=1, quiet=False)
    cloud.tracking_server("records")
    cloud.job("TrainingJob", "train")
    cloud.job("TransformJob", "transform")
    cloud.job("HyperParameterTuningJob", "tune")
    cloud.mlflow_app("app")
    assert ended_later(cloud) == {"done": 6}
    assert list(cloud.endpoints) == ["kept"]


FOR_US = [{"Key": "sluice:platform", "Value": "sluice-dev"}]
EVENING, MORNING = NOW.replace(hour=19, minute=10), NOW.replace(day=24, hour=6, minute=1)  # 20:10 and 7:01 in Berlin


def test_off_hours_end_an_endpoint_and_the_morning_brings_it_back(cloud: Any) -> None:
    cloud.endpoint("digits", minutes=100, tags={**OURS, "sluice:owner": "ada"})
    cloud.notebook("desk", minutes=100)
    before = dict(cloud.endpoints["digits"])
    assert run(EVENING - timedelta(minutes=60)) == {"warned": 2}
    assert run(EVENING + timedelta(minutes=1)) == {"done": 2}
    assert run(MORNING - timedelta(minutes=2)) == {}
    assert run(MORNING) == {"restored": 1}
    assert cloud.endpoints["digits"]["EndpointConfigName"] == before["EndpointConfigName"]
    assert cloud.tags[before["EndpointArn"]] == {**OURS, "sluice:owner": "ada"}
    cloud.settle("digits")
    cloud.endpoints["digits"]["LastModifiedTime"] = MORNING
    assert run(MORNING + timedelta(minutes=10)) == {}
    assert not cloud.remembered("restorable")


def test_an_endpoint_of_the_same_name_made_at_the_last_moment_stays_as_it_is(cloud: Any) -> None:
    cloud.endpoint("digits", minutes=100)
    run(EVENING - timedelta(minutes=60))
    run(EVENING + timedelta(minutes=1))
    cloud.meanwhile["GetMetricData"] = lambda: None
    cloud.meanwhile["PutItem"] = lambda: cloud.CreateEndpoint("digits", "another", FOR_US)
    assert run(MORNING) == {}
    assert cloud.endpoints["digits"]["EndpointConfigName"] == "another" and not cloud.remembered("restorable")


def test_what_is_in_use_in_the_evening_or_was_started_then_goes_on(cloud: Any) -> None:
    cloud.endpoint("used", minutes=100)
    cloud.invocations["used", "AllTraffic"] = [(EVENING - timedelta(minutes=30), 1)]
    cloud.notebook("late", minutes=-430)  # 19:10 UTC
    run(EVENING)
    assert run(EVENING + timedelta(minutes=20)) == {}


def test_a_tracking_server_is_stopped_in_off_hours_unless_a_job_may_write_to_it(cloud: Any) -> None:
    cloud.tracking_server("records")
    job = cloud.job("TrainingJob", "train", TrainingStartTime=EVENING)
    run(EVENING)
    assert run(EVENING + timedelta(minutes=61)) == {}
    cloud.records["TrainingJobs"][job]["TrainingJobStatus"] = "Completed"
    run(EVENING + timedelta(minutes=62))
    assert run(EVENING + timedelta(minutes=130)) == {"done": 1}


def test_an_endpoint_whose_configuration_is_gone_is_lost_and_told_of_once(cloud: Any) -> None:
    cloud.endpoint("digits", minutes=100)
    run(EVENING - timedelta(minutes=60))
    run(EVENING + timedelta(minutes=1))
    cloud.faults["CreateEndpoint", "digits"] = sweeping.MISSING
    assert run(MORNING) == {"lost": 1}
    assert run(MORNING + timedelta(hours=1)) == {}


def test_something_with_a_time_to_live_goes_after_its_day_in_berlin(cloud: Any) -> None:
    cloud.endpoint("digits", minutes=1, tags={**OURS, "sluice:ttl": "2026-11-23"})
    midnight = NOW + timedelta(hours=11)
    cloud.invocations["digits", "AllTraffic"] = [(midnight, 1)]
    assert run(NOW) == {}
    assert run(midnight - timedelta(minutes=61)) == {}
    assert run(midnight - timedelta(minutes=59)) == {"warned": 1}
    assert run(midnight + timedelta(minutes=2)) == {"done": 1}


def test_many_are_read_at_once_and_one_bad_one_stops_no_other(cloud: Any, refusal: Callable[..., Exception]) -> None:
    for number in range(80):
        cloud.endpoint(f"endpoint-{number}")
    cloud.faults["DescribeEndpoint", "endpoint-40"] = refusal("User is not authorized", "AccessDeniedException")
    with pytest.raises(SweepError, match="not authorized"):
        run()
    assert len(cloud.remembered("warned")) == 79


def test_lanes_that_ask_for_tags_at_once_read_them_once(cloud: Any, deployed: dict[str, Any]) -> None:
    cloud.endpoint("digits")
    tags = Tags(clients.client, policy(deployed["sweep"].environment["SLUICE_POLICY"]))
    cloud.meanwhile["GetResources"] = lambda: time.sleep(0.2)
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(tags.of, [cloud.arn("endpoint/digits")] * 8))
    assert told == [OURS] * 8
    assert [call.operation for call in cloud.calls] == ["GetResources"]


def test_a_missing_setting_is_named(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLUICE_LEDGER_TABLE")
    with pytest.raises(MissingSettingError, match="SLUICE_LEDGER_TABLE"):
        run()


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], deployed: dict[str, SimpleNamespace], compare: Callable[..., None]
) -> None:
    compare(recorded, deployed["sweep"])
