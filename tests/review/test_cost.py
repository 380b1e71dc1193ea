"""What single resources cost a month, and what is said where that cannot be known."""

from typing import Any

import pytest

from config.control_prices import METRIC
from controls.inventory.mlflow import _SIZES
from controls.inventory.studio import _GB_MONTH
from controls.pricing.prices import Prices
from review.cost.free import BY_USE, FREE
from review.cost.prices import MLFLOW, SPACE_STORAGE, as_of
from tests.review.costing import assembly, between, line, named, of, stack

NOTEBOOK = "AWS::SageMaker::NotebookInstance"
T3, M5 = 0.05, 0.23


@pytest.mark.parametrize(
    ("kind", "properties", "usd", "idle"),
    [
        (NOTEBOOK, {"InstanceType": "ml.t3.medium"}, T3 * 168 + 5 * 0.154, 5 * 0.154),
        (NOTEBOOK, {"InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": "50"}, M5 * 168 + 7.7, 7.7),
        ("AWS::SageMaker::App", {"ResourceSpec": {"InstanceType": "ml.m5.xlarge"}}, M5 * 168, 0),
        ("AWS::SageMaker::UserProfile", {}, T3 * 168, 0),
        ("AWS::SageMaker::Space", {}, 0.75, 0.75),
        ("AWS::SageMaker::MlflowTrackingServer", {"TrackingServerSize": "Small"}, 0.642 * 730, 0.642 * 730),
        ("AWS::SageMaker::MlflowTrackingServer", {}, 0.642 * 730, 0.642 * 730),
        ("AWS::KMS::Key", {"EnableKeyRotation": True}, 1, 1),
        ("AWS::EC2::NatGateway", {}, 32.85, 32.85),
        ("AWS::EC2::EIP", {}, 3.65, 3.65),
        ("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b"]}, 14.6, 14.6),
        ("AWS::SecretsManager::Secret", {}, 0.4, 0.4),
        ("AWS::SecretsManager::Secret", {"ReplicaRegions": [{"Region": "eu-west-1"}]}, 0.8, 0.8),
        ("AWS::CloudWatch::Dashboard", {}, 3, 3),
        ("AWS::CloudWatch::Alarm", {"MetricName": "Errors", "Period": 300}, 0.1, 0.1),
        ("AWS::Logs::MetricFilter", {}, METRIC.usd, 0),
        (
            "AWS::DynamoDB::Table",
            {"ProvisionedThroughput": {"ReadCapacityUnits": 10, "WriteCapacityUnits": 5}},
            (10 * 0.00013 + 5 * 0.00065) * 730,
            (10 * 0.00013 + 5 * 0.00065) * 730,
        ),
    ],
)
def test_a_resource_costs_so_much_in_use_and_idle(kind: str, properties: Any, usd: float, idle: float) -> None:
    found = line(kind, properties)
    assert (found.before, found.after) == (pytest.approx(usd), pytest.approx(usd))
    assert found.idle_after == pytest.approx(idle)
    assert not found.unpriced


@pytest.mark.parametrize(
    ("kind", "properties", "why"),
    [
        (NOTEBOOK, {"InstanceType": {"Ref": "Asked"}}, "instance type is not known from the template"),
        (NOTEBOOK, {"InstanceType": "large"}, "instance type is not known from the template"),
        (NOTEBOOK, {}, "instance type is not known from the template"),
        (NOTEBOOK, {"InstanceType": "ml.t3.medium", "VolumeSizeInGB": {"Ref": "Asked"}}, "its volume is not known"),
        ("AWS::SageMaker::MlflowTrackingServer", {"TrackingServerSize": {"Ref": "Asked"}}, "its size is not known"),
        ("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Interface", "SubnetIds": {"Ref": "Asked"}}, "its subnets"),
        ("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "GatewayLoadBalancer"}, "no price of a GatewayLoadBalancer"),
        ("AWS::CloudWatch::Alarm", {"Period": 10}, "high resolution"),
        ("AWS::CloudWatch::Alarm", {"Metrics": {"Ref": "Asked"}}, "its metrics are not known"),
        ("AWS::DynamoDB::Table", {"BillingMode": "PAY_PER_REQUEST"}, "by use"),
        ("AWS::DynamoDB::Table", {}, "its capacity is not known"),
        ("AWS::S3::Bucket", {}, "by use: what is stored"),
        ("AWS::Lambda::Version", {"ProvisionedConcurrencyConfig": {}}, "provisioned concurrency"),
        ("AWS::SSM::Parameter", {"Tier": "Advanced"}, "advanced parameter"),
        ("AWS::RDS::DBInstance", {}, "no price of AWS::RDS::DBInstance is known here"),
        ("Acme::Made::Up", {}, "no price of Acme::Made::Up is known here"),
        ("AWS::SageMaker::Cluster", {"InstanceGroups": [{"InstanceCount": 1}]}, "instance type is not known"),
        ("AWS::SageMaker::Cluster", {}, "its instances are not known"),
    ],
)
def test_what_cannot_be_priced_is_listed_with_why_and_never_as_nothing(kind: str, properties: Any, why: str) -> None:
    found = line(kind, properties)
    assert (found.before, found.after, found.idle_before, found.idle_after) == (None, None, None, None)
    assert why in found.unpriced


@pytest.mark.parametrize("kind", [f"{kind}Any" if kind.endswith("::") else kind for kind in FREE])
def test_what_costs_nothing_by_itself_is_not_listed(kind: str) -> None:
    assert not of(stack({"Thing": (kind, {})})).lines


def test_every_kind_without_a_price_has_a_reason() -> None:
    assert all({**FREE, **BY_USE}.values())
    assert not FREE.keys() & BY_USE.keys()


def test_a_gateway_of_a_network_is_not_listed() -> None:
    assert not of(stack({"S3": ("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Gateway"})})).lines


def test_an_alarm_counts_the_metrics_that_it_looks_at() -> None:
    metrics = [
        {"Id": "a", "MetricStat": {"Period": 60}},
        {"Id": "b", "MetricStat": {"Period": 60}},
        {"Expression": "a"},
    ]
    assert line("AWS::CloudWatch::Alarm", {"Metrics": metrics}).after == pytest.approx(0.2)


def test_a_profile_works_on_the_type_that_is_its_own_or_else_its_domains() -> None:
    settings = {"JupyterLabAppSettings": {"DefaultResourceSpec": {"InstanceType": "ml.m5.xlarge"}}}
    own = {"JupyterLabAppSettings": {"DefaultResourceSpec": {"InstanceType": "ml.g5.xlarge"}}}
    cost = of(
        stack(
            {
                "Studio": ("AWS::SageMaker::Domain", {"DefaultUserSettings": settings}),
                "Ada": ("AWS::SageMaker::UserProfile", {"DomainId": {"Fn::GetAtt": ["Studio", "DomainId"]}}),
                "Grace": ("AWS::SageMaker::UserProfile", {"DomainId": {"Ref": "Studio"}, "UserSettings": own}),
            }
        )
    )
    assert named(cost, "Ada").after == pytest.approx(M5 * 168)
    assert named(cost, "Grace").after == pytest.approx(1.41 * 168)


def test_a_type_by_a_parameter_is_priced_by_its_default() -> None:
    parameters = {"Kind": {"Type": "String", "Default": "ml.t3.medium"}}
    found = line(NOTEBOOK, {"InstanceType": {"Ref": "Kind"}}, Parameters=parameters)
    assert found.idle_after == pytest.approx(0.77) and not found.unpriced


def test_what_a_condition_leaves_out_costs_nothing_and_what_it_may_leave_out_says_so() -> None:
    template = {"Asked": {"Type": "String"}, "Env": {"Type": "String", "Default": "dev"}}
    conditions = {"Prod": {"Fn::Equals": [{"Ref": "Env"}, "prod"]}, "Maybe": {"Fn::Equals": [{"Ref": "Asked"}, "x"]}}
    raw = stack({"Out": ("AWS::KMS::Key", {}), "In": ("AWS::KMS::Key", {})}, Parameters=template, Conditions=conditions)
    raw.resources["Out"].attributes["Condition"] = "Prod"  # pyright: ignore[reportIndexIssue]
    raw.resources["In"].attributes["Condition"] = "Maybe"  # pyright: ignore[reportIndexIssue]
    [found] = of(raw).lines
    assert found.place.logical_id == "In" and found.assumption == "if Maybe holds"


@pytest.mark.parametrize(
    ("region", "estimated"), [("us-east-1", False), ("eu-west-1", True), ("cn-north-1", True), ("", True)]
)
def test_a_borrowed_price_is_marked(region: str, estimated: bool) -> None:
    found = line("AWS::KMS::Key", {}, region=region)
    assert found.estimated is estimated
    assert ("us-east-1's price" in found.assumption) is estimated


def test_instances_follow_their_region() -> None:
    assert line(NOTEBOOK, {"InstanceType": "ml.t3.medium"}, region="ap-south-1").after == pytest.approx(
        0.054 * 168 + 0.77
    )
    china = line(NOTEBOOK, {"InstanceType": "ml.t3.medium"}, region="cn-north-1")
    assert china.estimated and china.after == pytest.approx(
        Prices.read().rate("cn-north-1", "Notebook", "ml.t3.medium").usd_per_hour * 168 + 0.77
    )
    told = of(stack({"Key": ("AWS::KMS::Key", {})}, region="cn-north-1")).assumptions
    assert any("CNY" in each for each in told)


def test_what_the_meter_counts_by_costs_the_same_in_a_review() -> None:
    assert SPACE_STORAGE.usd == _GB_MONTH
    assert {size: price.usd for size, price in MLFLOW.items()} == {**_SIZES, "Small": MLFLOW["Small"].usd}
    assert MLFLOW["Small"].usd <= _SIZES["Small"]


def test_lines_that_change_come_first_by_the_size_of_the_change() -> None:
    base = stack(
        {
            "Stays": ("AWS::EC2::NatGateway", {}),
            "Grows": (NOTEBOOK, {"InstanceType": "ml.t3.medium"}),
            "Goes": ("AWS::KMS::Key", {}),
            "Bucket": ("AWS::S3::Bucket", {}),
        }
    )
    head = stack(
        {
            "Bucket": ("AWS::S3::Bucket", {}),
            "Queue": ("AWS::SQS::Queue", {}),
            "Stays": ("AWS::EC2::NatGateway", {}),
            "Grows": (NOTEBOOK, {"InstanceType": "ml.g5.xlarge"}),
        }
    )
    cost = between(assembly(base), assembly(head))
    assert [each.place.logical_id for each in cost.lines] == ["Grows", "Goes", "Queue", "Stays", "Bucket"]
    assert (named(cost, "Goes").before, named(cost, "Goes").after) == (1, None)
    assert cost.after - cost.before == pytest.approx((1.41 - T3) * 168 - 1)


def test_what_is_no_longer_known_says_what_it_was() -> None:
    base, head = (stack({"N": (NOTEBOOK, {"InstanceType": kind})}) for kind in ("ml.t3.medium", {"Ref": "Asked"}))
    [found] = between(assembly(base), assembly(head)).lines
    assert found.after is None and found.before is not None
    assert found.unpriced == "instance type is not known from the template"
    [back] = between(assembly(head), assembly(base)).lines
    assert back.unpriced == "before: instance type is not known from the template"


def test_the_dates_of_the_prices_are_told() -> None:
    assert of(stack({"N": (NOTEBOOK, {"InstanceType": "ml.t3.medium"})})).as_of == "2023-12 to 2026-09-24"
    assert as_of([]) == "" and as_of(["2026", "2026"]) == "2026"
