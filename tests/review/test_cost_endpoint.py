"""What endpoints cost: variants, scaling, shadows, and what serverless ones leave open."""

from typing import Any

import pytest

from review.model import CostLine
from tests.review.costing import assembly, between, named, of, stack

CONFIG, ENDPOINT = "AWS::SageMaker::EndpointConfig", "AWS::SageMaker::Endpoint"
TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
M5 = 0.23 * 730
ONE = {"VariantName": "AllTraffic", "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1}
NAME = {"Fn::GetAtt": ["Ep", "EndpointName"]}


def serving(*variants: Any, scaled: Any = None, **config: Any) -> CostLine:
    resources: dict[str, Any] = {
        "Config": (CONFIG, {"ProductionVariants": list(variants), **config}),
        "Ep": (ENDPOINT, {"EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}}),
    }
    if scaled:
        resources["Target"] = (TARGET, {"ScalableDimension": "sagemaker:variant:DesiredInstanceCount", **scaled})
    return named(of(stack(resources)), "Ep")


def test_an_endpoint_costs_its_instances_all_month_used_or_not() -> None:
    found = serving({**ONE, "InitialInstanceCount": 2})
    assert (found.after, found.idle_after) == (pytest.approx(2 * M5), pytest.approx(2 * M5))
    assert found.assumption == "AllTraffic: 2 x ml.m5.xlarge, 730 h"


def test_without_a_count_it_has_one_instance_and_its_volume_costs_too() -> None:
    variant = {name: value for name, value in ONE.items() if name != "InitialInstanceCount"}
    assert serving({**variant, "VolumeSizeInGB": 100}).after == pytest.approx(M5 + 15.4)


def test_all_variants_and_shadows_count() -> None:
    found = serving(ONE, {**ONE, "VariantName": "B"}, ShadowProductionVariants=[{**ONE, "VariantName": "C"}])
    assert found.after == pytest.approx(3 * M5)


@pytest.mark.parametrize(
    "named_by",
    [
        {"Fn::Join": ["", ["endpoint/", NAME, "/variant/AllTraffic"]]},
        {"Fn::Sub": "endpoint/${Ep.EndpointName}/variant/AllTraffic"},
        {"Fn::Sub": ["endpoint/${Name}/variant/AllTraffic", {"Name": NAME}]},
    ],
)
def test_auto_scaling_is_taken_halfway_and_idles_at_its_least(named_by: Any) -> None:
    found = serving(ONE, scaled={"ResourceId": named_by, "MinCapacity": 1, "MaxCapacity": 4})
    assert (found.after, found.idle_after) == (pytest.approx(2.5 * M5), pytest.approx(M5))
    assert "halfway between 1 and 4" in found.assumption


def test_scaled_to_zero_it_costs_nothing_idle() -> None:
    by = {"Fn::Sub": "endpoint/${Ep.EndpointName}/variant/AllTraffic"}
    found = serving(ONE, scaled={"ResourceId": by, "MinCapacity": 0, "MaxCapacity": 2})
    assert (found.after, found.idle_after) == (pytest.approx(M5), 0)


def test_scaling_of_another_variant_changes_nothing() -> None:
    by = {"Fn::Sub": "endpoint/${Ep.EndpointName}/variant/Other"}
    assert serving(ONE, scaled={"ResourceId": by, "MinCapacity": 0, "MaxCapacity": 9}).after == pytest.approx(M5)


@pytest.mark.parametrize(
    ("scaling", "use", "idle"),
    [
        ({"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 4}, 2, 0),
        ({"Status": "ENABLED", "MaxInstanceCount": 3}, 2, 1),
        ({"Status": "DISABLED", "MinInstanceCount": 0, "MaxInstanceCount": 4}, 1, 1),
    ],
)
def test_managed_instance_scaling_counts_as_it_may(scaling: Any, use: float, idle: float) -> None:
    found = serving({**ONE, "ManagedInstanceScaling": scaling})
    assert (found.after, found.idle_after) == (pytest.approx(use * M5), pytest.approx(idle * M5))


@pytest.mark.parametrize(
    ("variant", "why"),
    [
        ({"ServerlessConfig": {"MaxConcurrency": 5, "MemorySizeInMB": 2048}}, "by use: serverless"),
        ({"ServerlessConfig": {"ProvisionedConcurrency": 1}}, "no price of serverless provisioned concurrency"),
        ({"InstanceType": {"Ref": "Asked"}}, "instance type is not known from the template"),
        (
            {"InstanceType": "ml.m5.xlarge", "InitialInstanceCount": {"Ref": "Asked"}},
            "number of instances is not known",
        ),
        ({}, "instance type is not known"),
    ],
)
def test_a_variant_without_a_price_says_why(variant: Any, why: str) -> None:
    found = serving({"VariantName": "A", **variant})
    assert found.after is None and why in found.unpriced


def test_what_is_priced_of_an_endpoint_counts_beside_what_is_not() -> None:
    found = serving(ONE, {"VariantName": "Cheap", "ServerlessConfig": {"MaxConcurrency": 5}})
    assert (
        found.after == pytest.approx(M5)
        and found.unpriced == "Cheap: by use: serverless, by requests and their run time"
    )


def test_a_configuration_in_another_stack_is_found_by_its_export_or_its_name() -> None:
    outputs = {"Out": {"Value": {"Fn::GetAtt": ["C", "EndpointConfigName"]}, "Export": {"Name": "exported"}}}
    config = {"EndpointConfigName": "named", "ProductionVariants": [ONE]}
    models = stack({"C": (CONFIG, config)}, name="Models", Outputs=outputs)
    served = stack(
        {
            "A": (ENDPOINT, {"EndpointConfigName": {"Fn::ImportValue": "exported"}}),
            "B": (ENDPOINT, {"EndpointConfigName": "named"}),
            "Lost": (ENDPOINT, {"EndpointConfigName": "elsewhere"}),
        },
        name="Served",
    )
    cost = of(models, served)
    assert named(cost, "A").after == named(cost, "B").after == pytest.approx(M5)
    assert named(cost, "Lost").unpriced == "its endpoint configuration is not part of these stacks"


def test_of_two_stages_with_the_same_names_each_has_its_own() -> None:
    stages = []
    for stage, count in (("Dev", 1), ("Prod", 3)):
        variant = {**ONE, "InitialInstanceCount": count}
        config = {"EndpointConfigName": "same", "ProductionVariants": [variant]}
        stages.append(stack({f"C{stage}": (CONFIG, config)}, name=f"{stage}/Models"))
        stages.append(stack({f"E{stage}": (ENDPOINT, {"EndpointConfigName": "same"})}, name=f"{stage}/Served"))
    cost = of(*stages)
    assert (named(cost, "EDev").after, named(cost, "EProd").after) == (pytest.approx(M5), pytest.approx(3 * M5))


def test_a_change_of_the_configuration_alone_changes_what_the_endpoint_costs() -> None:
    base, head = (
        stack(
            {
                "Config": (CONFIG, {"ProductionVariants": [{**ONE, "InitialInstanceCount": count}]}),
                "Ep": (ENDPOINT, {"EndpointConfigName": {"Ref": "Config"}}),
            }
        )
        for count in (1, 2)
    )
    [found] = between(assembly(base), assembly(head)).lines
    assert (found.before, found.after) == (pytest.approx(M5), pytest.approx(2 * M5))


def test_a_nested_stack_takes_what_its_parent_hands_it() -> None:
    parameters = {"Kind": {"Type": "String"}, "Count": {"Type": "Number", "Default": 1}}
    outer = stack({"Inner": ("AWS::CloudFormation::Stack", {"Parameters": {"Kind": "ml.m5.xlarge", "Count": 2}})})
    variant = {**ONE, "InstanceType": {"Ref": "Kind"}, "InitialInstanceCount": {"Ref": "Count"}}
    inner = stack(
        {
            "Config": (CONFIG, {"ProductionVariants": [variant]}),
            "Ep": (ENDPOINT, {"EndpointConfigName": {"Ref": "Config"}}),
        },
        name="Stack/Inner",
        Parameters=parameters,
    )
    assert named(of(outer, inner), "Ep").after == pytest.approx(2 * M5)
