"""What the platform costs at rest, held against what is in the templates."""

from collections.abc import Callable
from typing import Any

import pytest

from config import control_prices, prices
from config.availability import NATIVE_MONITORS
from config.load import ROOT, load
from controls import emf

SAMPLES = ("team", "minimal", "production", "monitored", "china", "govcloud")
EACH = (*SAMPLES, pytest.param("native-monitors", marks=pytest.mark.slow))
PRICED = {
    "AWS::KMS::Key",
    "AWS::EC2::VPCEndpoint",
    "AWS::EC2::FlowLog",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
}
EMITTED = {name for name in vars(emf) if name.isupper()} - {"NAMESPACE"}
# Billed for what is stored or done there, or not billed at all.
FREE_AT_REST = {
    *(f"AWS::EC2::{kind}" for kind in ("RouteTable", "SecurityGroup", "Subnet", "SubnetRouteTableAssociation", "VPC")),
    *(f"AWS::IAM::{kind}" for kind in ("ManagedPolicy", "Policy", "Role")),
    *(f"AWS::Lambda::{kind}" for kind in ("EventInvokeConfig", "Function", "Permission")),
    *(f"AWS::S3::{kind}" for kind in ("Bucket", "BucketPolicy")),
    *(f"AWS::SNS::{kind}" for kind in ("Subscription", "Topic", "TopicPolicy")),
    *(f"AWS::SQS::{kind}" for kind in ("Queue", "QueuePolicy")),
    *(f"AWS::SageMaker::{kind}" for kind in ("Domain", "ModelPackageGroup", "Pipeline", "UserProfile")),
    *NATIVE_MONITORS,  # their jobs cost
    "AWS::SageMaker::MonitoringSchedule",
    # "$0 additional per AWS", in a comparison of 2026-07 (londonaicentre/FLIP#745); AWS's own page was not to be had.
    "AWS::SageMaker::MlflowApp",
    "AWS::DynamoDB::Table",
    "AWS::Events::Rule",
    "AWS::KMS::Alias",
    "AWS::Logs::LogGroup",
    "AWS::SSM::Parameter",
    "AWS::Scheduler::Schedule",
    "AWS::Scheduler::ScheduleGroup",
    "AWS::StepFunctions::StateMachine",
    "Custom::RuntimeResources",
}


def counts(sample: str) -> dict[str, int]:
    rows = prices.at_rest(load(ROOT / "config" / f"{sample}.yaml"))
    return {row.resource: row.count for row in rows}


@pytest.mark.parametrize("sample", EACH)
def test_whatever_costs_at_rest_is_counted_as_often_as_it_is_there(
    synthesize: Callable[[str], Any], sample: str
) -> None:
    resources = [r for t in synthesize(sample).templates.values() for r in t["Resources"].values()]
    assert {resource["Type"] for resource in resources} <= PRICED | FREE_AT_REST

    def found(kind: str) -> list[dict[str, Any]]:
        return [resource["Properties"] for resource in resources if resource["Type"] == kind]

    interfaces = [e for e in found("AWS::EC2::VPCEndpoint") if e["VpcEndpointType"] == "Interface"]
    alarms = found("AWS::CloudWatch::Alarm")
    alarmed = [alarm for alarm in alarms if "MetricName" in alarm]
    alarmed += [m["MetricStat"]["Metric"] for alarm in alarms for m in alarm.get("Metrics", ()) if "MetricStat" in m]
    counted = counts(sample)
    assert counted["key"] == len(found("AWS::KMS::Key"))
    assert counted.get("interface endpoints", 0) == sum(len(e["SubnetIds"]) for e in interfaces)
    assert counted.get("flow logs", 0) == len(found("AWS::EC2::FlowLog"))
    assert counted["metrics of alarms"] == len(alarmed)
    assert counted["dashboard"] == len(found("AWS::CloudWatch::Dashboard"))
    ours = {metric["MetricName"] for metric in alarmed if metric["Namespace"] == "Sluice"}
    shown = "".join(str(each["DashboardBody"]) for each in found("AWS::CloudWatch::Dashboard"))
    assert all(f'"{name}"' in shown for name in ours)
    written = [name for monitor in synthesize(sample).platform.monitors.values() for name in monitor.metrics]
    assert counted.get("metrics of monitors", 0) == len(written) and ours <= {*written}


@pytest.mark.parametrize("sample", EACH)
def test_the_controls_are_counted_as_they_are_in_their_stack(synthesize: Callable[[str], Any], sample: str) -> None:
    synthesis = synthesize(sample)
    resources = [each["Properties"] for each in synthesis.templates["costs"]["Resources"].values()]
    metrics = [m for each in resources if "AlarmDescription" in each for m in each["Metrics"] if "MetricStat" in m]
    counted = {row.resource: row for row in control_prices.at_rest(synthesis.platform)}
    assert counted["metrics of alarms"].count == len(metrics)
    assert counted["custom metrics"].count == (len(EMITTED) if synthesis.platform.costs.budget else 1)
    assert counted["dashboard"].count == sum("DashboardBody" in each for each in resources)


def test_more_to_look_at_costs_more_and_free_tiers_never_make_it_dearer() -> None:
    platform = load(ROOT / "config" / "team.yaml")
    small, large = (control_prices.at_rest(platform, control_prices.Load(n, n)) for n in (1, 1000))
    assert control_prices.total_in_full(small) < control_prices.total_in_full(large)
    assert all(row.usd_per_month <= row.usd_in_full for row in [*small, *large])


def test_the_controls_cost_under_5_usd_a_month_in_each_sample() -> None:
    for sample in SAMPLES:
        rows = control_prices.at_rest(load(ROOT / "config" / f"{sample}.yaml"))
        assert control_prices.with_free_dashboards(rows) < 5


def test_the_minimal_platform_costs_nothing_but_its_key() -> None:
    rows = prices.at_rest(load(ROOT / "config" / "minimal.yaml"))
    assert {row.resource for row in rows if row.usd_per_month} == {"key"}
    assert prices.total(rows) == prices.KEY.usd


def test_each_interface_endpoint_is_paid_in_each_zone() -> None:
    rows = {row.resource: row for row in prices.at_rest(load(ROOT / "config" / "production.yaml"))}
    assert rows["interface endpoints"].usd_per_month == pytest.approx(4 * 3 * 730 * 0.01)
    assert 0 < rows["flow logs"].usd_per_month < 1


def test_a_price_of_another_region_is_borrowed_and_marked() -> None:
    for sample, borrowed in (("china", True), ("govcloud", True), ("team", False)):
        platform = load(ROOT / "config" / f"{sample}.yaml")
        assert {row.borrowed for row in prices.at_rest(platform)} == {borrowed}
        assert (f"those of {platform.region} are not known" in prices.shown(platform)) is borrowed


def test_no_price_is_nothing_and_each_says_where_and_when_it_was_read() -> None:
    modules = (prices, control_prices)
    known = {id(p): p for module in modules for p in vars(module).values() if isinstance(p, prices.Price)}.values()
    assert len(known) == 16
    assert all(price.usd > 0 and price.unit and price.source and price.as_of >= "2025" for price in known)


def test_the_table_adds_up() -> None:
    platform = load(ROOT / "config" / "production.yaml")
    table = prices.shown(platform)
    assert table.startswith("sluice-prod at rest")
    assert f"{prices.total(prices.at_rest(platform)):.2f}" in table.splitlines()[-1]


def test_the_readme_tells_what_the_samples_cost() -> None:
    readme = " ".join((ROOT / "README.md").read_text("utf-8").split())
    for sample in ("minimal", "production"):
        usd = prices.total(prices.at_rest(load(ROOT / "config" / f"{sample}.yaml")))
        assert f"(config/{sample}.yaml) {usd:.0f} USD" in readme
