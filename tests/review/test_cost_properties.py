"""What holds for any stacks: nothing raises, nothing is below zero, a swap mirrors, more never costs less.

25 examples each; 2,000 with `SLUICE_PROFILE=nightly`.
"""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from review.cloud_assembly import Assembly
from review.cost.cost import _BY_INSTANCE, _FLAT
from review.model import Cost
from tests.review.costing import assembly, between, of, stack

EXAMPLES = {"default": 25, "nightly": 2_000}[os.environ.get("SLUICE_PROFILE", "default")]
ANY_PACE = settings(
    deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
KINDS = sorted({*_BY_INSTANCE, *_FLAT, "AWS::SageMaker::EndpointConfig", "AWS::EC2::Subnet", "AWS::Events::Rule"})
IDS = ["A", "B", "C", "D", "E"]
# Words that the readers look for, so that random properties reach deep.
NAMES = [
    "InstanceType", "InitialInstanceCount", "InstanceCount", "ProductionVariants", "ServerlessConfig", "Metrics",
    "MetricStat", "Period", "EndpointConfigName", "PipelineDefinition", "PipelineDefinitionBody", "DefinitionString",
    "Definition", "States", "Resource", "Arguments", "ResourceConfig", "StoppingCondition", "VolumeSizeInGB",
    "MonitoringScheduleConfig", "MonitoringJobDefinition", "ScheduleConfig", "ScheduleExpression", "SubnetIds",
    "VpcEndpointType", "ProvisionedThroughput", "GlobalSecondaryIndexes", "ReadCapacityUnits", "WriteCapacityUnits",
    "TrackingServerSize", "SpaceSettings", "UserSettings", "InstanceGroups", "Steps", "Type", "Targets", "Arn",
    "Ref", "Fn::If", "Fn::Sub", "Fn::Join", "Fn::GetAtt", "Fn::FindInMap", "Fn::Select", "Fn::Split", "Fn::Transform",
    "ManagedInstanceScaling", "MinInstanceCount", "ReplicaRegions", "BillingMode", "Tier", "DefinitionSubstitutions",
]  # fmt: skip
WORDS = [
    "ml.m5.xlarge",
    "ml.g5.xlarge",
    "Interface",
    "Yes",
    "Small",
    "2",
    "rate(1 day)",
    '{"Steps": []}',
    "é",
    "",
    *IDS,
]
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 10**9), st.floats(), st.sampled_from(WORDS), st.text(max_size=5)
)
anything: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=8,
)
properties = st.dictionaries(st.sampled_from(NAMES), anything, max_size=4)
resources = st.dictionaries(st.sampled_from(IDS), st.tuples(st.sampled_from(KINDS), properties), max_size=4)
templates = st.fixed_dictionaries(
    {}, optional={"Parameters": anything, "Conditions": anything, "Mappings": anything, "Outputs": anything}
)
regions = st.sampled_from(["us-east-1", "eu-west-1", "cn-north-1", "nowhere", ""])
stacks = st.builds(lambda found, region, more: stack(found, region=region, **more), resources, regions, templates)
assemblies: st.SearchStrategy[Assembly] = st.builds(assembly, stacks)

VARIANT = {"VariantName": "A", "InstanceType": "ml.m5.xlarge"}
# One of each kind with a figure.
PRICED: list[tuple[str, dict[str, Any]]] = [
    ("AWS::KMS::Key", {}),
    ("AWS::EC2::NatGateway", {}),
    ("AWS::CloudWatch::Alarm", {}),
    ("AWS::SageMaker::NotebookInstance", {"InstanceType": "ml.g5.xlarge"}),
    ("AWS::SageMaker::UserProfile", {}),
    ("AWS::SageMaker::MlflowTrackingServer", {"TrackingServerSize": "Large"}),
    ("AWS::SageMaker::Cluster", {"InstanceGroups": [{"InstanceType": "ml.p5.48xlarge", "InstanceCount": 2}]}),
]


def figures(cost: Cost) -> list[float]:
    single = [(line.before, line.after, line.idle_before, line.idle_after) for line in cost.lines]
    totals = (cost.before, cost.after, cost.idle_before, cost.idle_after)
    return [figure for figures in (*single, totals) for figure in figures if figure is not None]


@pytest.mark.slow
@ANY_PACE
@given(assemblies)
def test_what_does_not_change_costs_the_same(found: Assembly) -> None:
    cost = between(found, found)
    assert (cost.before, cost.idle_before) == (cost.after, cost.idle_after)
    assert all((line.before, line.idle_before) == (line.after, line.idle_after) for line in cost.lines)
    assert not any("before: " in line.unpriced + line.assumption for line in cost.lines)


@pytest.mark.slow
@ANY_PACE
@given(assemblies, assemblies)
def test_a_swap_mirrors_and_nothing_is_below_zero(base: Assembly, head: Assembly) -> None:
    there, back = between(base, head), between(head, base)
    assert (there.before, there.after) == (back.after, back.before)
    assert (there.idle_before, there.idle_after) == (back.idle_after, back.idle_before)
    mirrored = {(line.place.logical_id, line.after, line.before) for line in back.lines}
    assert {(line.place.logical_id, line.before, line.after) for line in there.lines} == mirrored
    assert all(figure >= 0 for figure in figures(there))


@pytest.mark.slow
@ANY_PACE
@given(stacks, st.sampled_from(PRICED))
def test_one_more_with_a_price_never_costs_less(found: Any, more: tuple[str, dict[str, Any]]) -> None:
    added = stack({"New": more}, name="Other")
    before, after = of(found), of(found, added)
    assert after.after > before.after
    assert after.idle_after >= before.idle_after


@pytest.mark.slow
@ANY_PACE
@given(assemblies)
def test_without_a_figure_there_is_a_reason_and_totals_are_the_sums(found: Assembly) -> None:
    cost = between(assembly(), found)
    assert all(line.unpriced for line in cost.lines if line.after is None)
    assert cost.before == 0 and abs(cost.after - sum(line.after or 0 for line in cost.lines)) <= 1e-6 * max(
        1, cost.after
    )


@pytest.mark.slow
def test_of_three_thousand_resources_each_that_costs_has_its_line() -> None:
    many: dict[str, Any] = {}
    for number in range(100):
        many |= {f"{kind.rpartition('::')[2]}{number}": (kind, given) for kind, given in PRICED}
        many[f"Config{number}"] = ("AWS::SageMaker::EndpointConfig", {"ProductionVariants": [VARIANT]})
        many[f"Endpoint{number}"] = ("AWS::SageMaker::Endpoint", {"EndpointConfigName": {"Ref": f"Config{number}"}})
        many[f"Rule{number}"] = ("AWS::Events::Rule", {"ScheduleExpression": "rate(1 day)", "Targets": [{"Arn": "x"}]})
    whole = assembly(*(stack(many, name=f"Stack{number}") for number in range(3)))
    assert len(between(whole, whole).lines) == 3 * 800
