"""The serving stack: what may happen at run time, and that nothing of it outlives the stack."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk.assertions import Match, Template
from aws_cdk.aws_sagemaker import CfnModelPackageGroup

from config.load import ROOT, load_workload
from sluice.promotion import refuse_too_many
from sluice.variables import TooManyVariablesError
from stacks.foundation import FoundationStack
from stacks.serving import ServingStack

GROUP = "sluice-dev-digits"
VERBS = ["promote", "teardown"]


@pytest.fixture(scope="module")
def serving(app_templates: Mapping[str, Template]) -> Template:
    return app_templates["serving"]


def allowed(template: Template) -> list[dict[str, Any]]:
    """Every statement of every policy."""
    policies = template.find_resources("AWS::IAM::Policy").values()
    return [s for policy in policies for s in policy["Properties"]["PolicyDocument"]["Statement"]]


def actions(statement: dict[str, Any]) -> list[str]:
    return statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]


@pytest.mark.parametrize("verb", VERBS)
def test_each_function_has_a_runtime_a_dead_letter_queue_and_a_log_group_of_its_own(
    serving: Template, verb: str
) -> None:
    serving.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "FunctionName": f"sluice-dev-{verb}",
            "Handler": f"controls.{verb}.handler",
            "Runtime": "python3.13",
            "Architectures": ["arm64"],
            "DeadLetterConfig": Match.any_value(),
            "LoggingConfig": Match.any_value(),
        },
    )
    serving.has_resource_properties(
        "AWS::Logs::LogGroup",
        {"LogGroupName": f"/aws/lambda/sluice-dev-{verb}", "RetentionInDays": 90, "KmsKeyId": Match.any_value()},
    )


def test_more_endpoints_than_the_functions_variables_hold_are_refused_at_synth() -> None:
    hosting = {"workload": "w" * 20, "instance_type": "ml.m5.large", "instance_count": 1, "role_arn": "${Token[1]}"}
    refuse_too_many({f"sluice-dev-{number:020}": hosting for number in range(10)}, {"sluice:team": "a"})
    with pytest.raises(TooManyVariablesError, match=r"20 endpoints: .* may take \d+ bytes, and Lambda allows 4096"):
        refuse_too_many({f"sluice-dev-{number:020}": hosting for number in range(20)}, {"sluice:team": "a"})


def test_events_are_tried_three_times_and_dead_letters_are_encrypted(serving: Template) -> None:
    serving.all_resources_properties("AWS::Lambda::EventInvokeConfig", {"MaximumRetryAttempts": 2})
    serving.all_resources_properties("AWS::SQS::Queue", {"KmsMasterKeyId": Match.any_value()})


def test_promotion_hears_of_approvals_and_of_settled_endpoints_of_its_own_groups(serving: Template) -> None:
    for kind, detail in (
        ("Model Package", {"ModelPackageGroupName": [GROUP], "ModelApprovalStatus": ["Approved", "Rejected"]}),
        ("Endpoint", {"EndpointName": [GROUP], "EndpointStatus": ["IN_SERVICE", "FAILED"]}),
    ):
        pattern = {"source": ["aws.sagemaker"], "detail-type": [f"SageMaker {kind} State Change"], "detail": detail}
        serving.has_resource_properties("AWS::Events::Rule", {"EventPattern": pattern})


@pytest.fixture(scope="module")
def two(synthesis: Any) -> Template:
    """The stack of a platform with two workloads, of which Autopilot trains one."""
    digits, automl = (load_workload(ROOT / "workloads" / name / "workload.yaml") for name in ("digits", "automl"))
    platform = synthesis.platform.model_copy(update={"workloads": {"digits": digits, "letters": automl}})
    common: dict[str, Any] = {"platform": platform, "env": Environment(region="us-east-1")}
    app = App(context={"aws:cdk:bundling-stacks": []})
    foundation = FoundationStack(app, "Foundation", **common)
    training: Any = Stack(app, "Training")
    training.package_groups = {
        name: CfnModelPackageGroup(training, name, model_package_group_name=f"sluice-dev-{name}")
        for name in platform.workloads
    }
    training.image_uris = {
        name: ["111122223333.dkr.ecr.us-east-1.amazonaws.com/kmeans:1"] for name in platform.workloads
    }
    return Template.from_stack(ServingStack(app, "Serving", foundation=foundation, training=training, **common))


def needs(template: dict[str, Any], name: str) -> set[str]:
    """The logical ids that must exist before `name` and are deleted after it."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        text = json.dumps(template["Resources"][waiting.pop()])
        new = {other for other in template["Resources"] if f'"{other}"' in text} - found
        found |= new
        waiting += new
    return found


def test_each_workload_is_torn_down_on_its_own(two: Template) -> None:
    resources = two.find_resources("Custom::RuntimeResources")
    assert {r["Properties"]["Group"] for r in resources.values()} == {"sluice-dev-digits", "sluice-dev-letters"}
    rules = two.find_resources("AWS::Events::Rule")
    assert rules
    assert all(set(resources) <= set(rule["DependsOn"]) for rule in rules.values())
    for name, resource in resources.items():
        other = next(n for n in resources if n != name)
        assert other not in needs(two.to_json(), name)
        hosting = [d for d in resource["DependsOn"] if d.startswith("Endpoint")]
        assert hosting
        assert not set(hosting) & set(resources[other]["DependsOn"])


def test_only_an_endpoint_of_autopilots_models_may_pull_images_that_nobody_knows_yet(two: Template) -> None:
    pulling = [
        name[:17]
        for name, policy in two.find_resources("AWS::IAM::Policy").items()
        for s in policy["Properties"]["PolicyDocument"]["Statement"]
        if "ecr:BatchGetImage" in actions(s) and "repository/*" in str(s["Resource"])
    ]
    assert pulling == ["EndpointlettersRo"]


def test_teardown_may_remove_a_workload_that_the_template_no_longer_names(serving: Template) -> None:
    removing = [s for s in allowed(serving) if any("Delete" in a for a in actions(s) if a.startswith("sagemaker:"))]
    names = {s["Resource"]["Fn::Join"][1][-1].partition(":")[2].rpartition(":")[2] for s in removing}
    assert names == {
        "endpoint/sluice-dev-*",
        "endpoint-config/sluice-dev-*-v*",
        "model/sluice-dev-*-v*",
        "model-package/sluice-dev-*/*",
        "model-package-group/sluice-dev-*",
    }


def test_on_deletion_events_stop_before_teardown_and_roles_go_after_it(serving: Template) -> None:
    [(name, teardown)] = serving.find_resources("Custom::RuntimeResources").items()
    rules = serving.find_resources("AWS::Events::Rule")
    assert all(name in rule["DependsOn"] for rule in rules.values())
    [role] = [
        f["Properties"]["Role"]["Fn::GetAtt"][0]
        for f in serving.find_resources("AWS::Lambda::Function").values()
        if f["Properties"]["FunctionName"] == "sluice-dev-teardown"
    ]
    policies = serving.find_resources("AWS::IAM::Policy", {"Properties": {"Roles": [{"Ref": role}]}})
    assert policies
    assert {role, *policies} <= needs(serving.to_json(), name)
    hosting = {"AssumeRolePolicyDocument": {"Statement": [{"Principal": {"Service": "sagemaker.amazonaws.com"}}]}}
    roles = serving.find_resources("AWS::IAM::Role", {"Properties": Match.object_like(hosting)})
    assert roles
    assert set(roles) <= set(teardown["DependsOn"])
    assert teardown["Properties"]["Group"] == GROUP
    assert teardown["Properties"]["ServiceTimeout"] == "900"


def test_the_serving_stack_is_deleted_before_the_package_groups(synthesis: Any) -> None:
    manifest = json.loads((synthesis.folder / "manifest.json").read_text("utf-8"))
    assert "sluice-dev-training" in manifest["artifacts"]["sluice-dev-serving"]["dependencies"]


def test_no_value_of_the_training_stack_is_imported(serving: Template) -> None:
    """Else a workload could never be removed: its export would be in use by this stack."""
    assert "sluice-dev-training:" not in json.dumps(serving.to_json())


def test_roles_are_passed_to_sagemaker_only(serving: Template) -> None:
    passing = [s for s in allowed(serving) if "iam:PassRole" in actions(s)]
    assert passing
    for statement in passing:
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        assert statement["Resource"] != "*"


def test_only_actions_without_a_resource_level_are_allowed_on_everything(serving: Template) -> None:
    everywhere = {action for s in allowed(serving) if s["Resource"] == "*" for action in actions(s)}
    assert everywhere == {
        "cloudwatch:PutMetricData",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "ecr:GetAuthorizationToken",
        "sagemaker:ListEndpointConfigs",
        "sagemaker:ListModels",
    }


def test_a_model_only_reads_the_artifacts_of_its_workload(serving: Template) -> None:
    reading = [s for s in allowed(serving) if "s3:GetObject" in actions(s)]
    assert [s["Resource"]["Fn::Join"][1][1] for s in reading] == ["/digits/*"]
    assert not [s for s in allowed(serving) if "s3:PutObject" in actions(s)]


def test_failures_raise_an_alarm(serving: Template) -> None:
    serving.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {"AlarmActions": [Match.any_value()], "TreatMissingData": "notBreaching", "Threshold": 0},
    )
    [alarm] = serving.find_resources("AWS::CloudWatch::Alarm").values()
    watched = [m["MetricStat"]["Metric"]["MetricName"] for m in alarm["Properties"]["Metrics"] if "MetricStat" in m]
    assert sorted(watched) == sorted(["Errors", "ApproximateNumberOfMessagesVisible"] * len(VERBS))
