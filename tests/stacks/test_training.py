"""The deployed pipeline: its definition with every placeholder filled, and the two roles that it needs."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment
from aws_cdk.assertions import Match, Template

import stacks.training
from config.load import ROOT, load_workload
from config.schema import Platform
from config.tuning import Choices, Tuning
from config.workload import Schedule
from stacks.foundation import FoundationStack
from stacks.training import TrainingStack


@pytest.fixture
def training(app_templates: Mapping[str, Template]) -> Template:
    return app_templates["training"]


@pytest.fixture
def substitution(training: Template) -> list[Any]:
    [pipeline] = training.find_resources("AWS::SageMaker::Pipeline").values()
    return pipeline["Properties"]["PipelineDefinition"]["PipelineDefinitionBody"]["Fn::Sub"]


def statements(training: Template, action: str, of: str = "Pipelinedigits") -> list[dict[str, Any]]:
    """Those of the roles whose logical names begin so."""
    return [
        statement
        for name, policy in training.find_resources("AWS::IAM::Policy").items()
        if name.startswith(of)
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if action == statement["Action"] or action in statement["Action"]
    ]


def test_pipeline_and_package_group_have_the_workloads_name(training: Template) -> None:
    training.has_resource_properties("AWS::SageMaker::Pipeline", {"PipelineName": "sluice-dev-digits"})
    training.has_resource_properties(
        "AWS::SageMaker::ModelPackageGroup", {"ModelPackageGroupName": "sluice-dev-digits"}
    )


def test_every_placeholder_is_filled_and_nothing_is_given_in_vain(substitution: list[Any]) -> None:
    body, values = substitution
    assert set(re.findall(r"\$\{(\w+)\}", body)) == values.keys()


def test_the_filled_definition_is_the_committed_one(substitution: list[Any]) -> None:
    body, values = substitution
    filled = body
    for name in values:
        filled = filled.replace(f"${{{name}}}", 'a","b' if name in ("SubnetIds", "SecurityGroupIds") else name)
    definition = json.loads(filled)
    committed = json.loads((ROOT / "workloads" / "digits" / "pipeline.json").read_text("utf-8"))
    assert [step["Name"] for step in definition["Steps"]] == [step["Name"] for step in committed["Steps"]]
    [train] = [step["Arguments"] for step in definition["Steps"] if step["Type"] == "Training"]
    assert train["VpcConfig"] == {"SecurityGroupIds": ["a", "b"], "Subnets": ["a", "b"]}


def test_the_images_are_those_of_the_region(substitution: list[Any]) -> None:
    assert ".dkr.ecr.us-east-1." in substitution[1]["KmeansImage"]
    assert ".dkr.ecr.us-east-1." in substitution[1]["SklearnImage"]


def test_jobs_read_one_object_of_the_bootstrap_bucket(training: Template) -> None:
    resources = [resource for s in statements(training, "s3:GetObject") for resource in s["Resource"]]
    [code] = [str(resource) for resource in resources if "cdk-hnb659fds-assets" in str(resource)]
    assert "*" not in code


def test_jobs_touch_only_their_own_prefix(training: Template) -> None:
    for statement in statements(training, "s3:PutObject"):
        assert str(statement["Resource"]).count("/digits/*") == 1
    for statement in statements(training, "s3:ListBucket"):
        assert statement["Condition"]["StringLike"]["s3:prefix"] != "*"


def test_the_pipeline_passes_the_job_role_to_sagemaker_only(training: Template) -> None:
    [statement] = statements(training, "iam:PassRole")
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    assert re.search(r"JobRole", str(statement["Resource"]))


def test_the_pipeline_makes_only_jobs_that_sagemaker_names_after_it(training: Template) -> None:
    [statement] = statements(training, "sagemaker:CreateTrainingJob")
    assert all("/pipelines-*" in str(resource) for resource in statement["Resource"])


@pytest.mark.parametrize("kind", ["ProcessingJob", "TrainingJob", "HyperParameterTuningJob"])
def test_a_pipeline_looks_at_and_stops_jobs_of_its_own_workload_only(grown: Template, kind: str) -> None:
    ours = {"StringEquals": {"aws:ResourceTag/sluice:workload": "digits"}}
    actions = [f"sagemaker:{verb}{kind}" for verb in ("Describe", "Stop")]
    if kind == "HyperParameterTuningJob":
        actions.append(f"sagemaker:ListTrainingJobsFor{kind}")
    found = [statement for action in actions for statement in statements(grown, action, of="Pipelinedigits")]
    assert len(found) == len(actions) and all(statement["Condition"] == ours for statement in found)


def test_roles_are_taken_by_sagemaker_for_this_account_only(training: Template) -> None:
    ours = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    trust = {"Principal": {"Service": "sagemaker.amazonaws.com"}, "Condition": ours}
    document = Match.object_like({"Statement": [Match.object_like(trust)]})
    roles = training.find_resources("AWS::IAM::Role", {"Properties": {"AssumeRolePolicyDocument": document}})
    assert sorted(name[:17] for name in roles) == ["PipelinedigitsJob", "PipelinedigitsRol"]


def test_the_pipeline_calls_the_function_that_a_run_begins_with_and_no_other(training: Template) -> None:
    [statement] = statements(training, "lambda:InvokeFunction")
    [arn] = [statement["Resource"]["Fn::GetAtt"][0]]
    assert training.to_json()["Resources"][arn]["Properties"]["FunctionName"] == "sluice-dev-begin"


def test_no_more_steps_run_at_once_than_the_workload_says(training: Template) -> None:
    limit = {"ParallelismConfiguration": {"MaxParallelExecutionSteps": 2}}
    training.has_resource_properties("AWS::SageMaker::Pipeline", limit)


def heard(training: Template, function: str) -> dict[str, Any]:
    """The pattern of the one rule that calls it."""
    functions = training.find_resources("AWS::Lambda::Function", {"Properties": {"FunctionName": function}})
    [pattern] = [
        rule["Properties"]["EventPattern"]
        for rule in training.find_resources("AWS::Events::Rule").values()
        if rule["Properties"]["Targets"][0]["Arn"]["Fn::GetAtt"][0] in functions
    ]
    return pattern


def test_what_fails_and_what_alerts_is_heard_by_one_function(training: Template) -> None:
    pattern = heard(training, "sluice-dev-tell")
    assert sorted(pattern["source"]) == ["aws.s3", "aws.sagemaker"]
    alert, run = pattern["detail"]["$or"]
    assert alert["object"] == {"key": [{"wildcard": "digits/*/checkpoints/*/alerts/*.json"}]}
    assert run["currentPipelineExecutionStatus"] == ["Failed"] and ":pipeline/sluice-dev-'" in str(run)


def watched(training: Template) -> list[set[str]]:
    """By alarm, the functions whose dead letters it has, by the first word of their logical names."""
    found = []
    for alarm in training.find_resources("AWS::CloudWatch::Alarm").values():
        metrics = [row["MetricStat"]["Metric"] for row in alarm["Properties"]["Metrics"] if "MetricStat" in row]
        named = [str(metric["Dimensions"]) for metric in metrics]
        words = ("Begin", "Tell", "Experiments", "Cancel")
        found.append({word for word in words if sum(word in name for name in named)})
        assert len(metrics) <= 10  # AWS takes no more
    return found


def test_one_alarm_tells_when_what_tells_or_records_fails(training: Template) -> None:
    assert watched(training) == [{"Tell", "Experiments"}]


def test_what_cancels_a_search_is_in_the_alarm(grown: Template) -> None:
    assert watched(grown) == [{"Tell", "Experiments", "Cancel"}]


def test_more_functions_than_an_alarm_can_watch_have_two(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "workloads").mkdir()
    automl = load_workload(ROOT / "workloads" / "automl" / "workload.yaml")
    for name in ("a", "b", "c", "d"):
        (tmp_path / "workloads" / name).symlink_to(ROOT / "workloads" / "automl")
    monkeypatch.setattr(stacks.training, "ROOT", tmp_path)
    template = template_of(platform.model_copy(update={"workloads": dict.fromkeys("abcd", automl)}))
    assert watched(template) == [{"Tell", "Experiments", "Cancel"}, {"Cancel"}]


def test_only_a_workload_that_tunes_may_search(training: Template) -> None:
    assert statements(training, "sagemaker:CreateHyperParameterTuningJob") == []


def test_without_workloads_nothing_of_a_run_is_there(platform: Platform) -> None:
    template = template_of(platform.model_copy(update={"workloads": {}, "experiments": "off"}))
    assert {resource["Type"] for resource in template.to_json()["Resources"].values()} == {"AWS::SSM::Parameter"}


def template_of(platform: Platform) -> Template:
    app = App(context={"aws:cdk:bundling-stacks": []})
    common: dict[str, Any] = {"platform": platform, "env": Environment(region=platform.region)}
    foundation = FoundationStack(app, "Foundation", **common)
    return Template.from_stack(TrainingStack(app, "Training", foundation=foundation, **common))


@pytest.fixture(scope="module")
def grown(platform: Platform) -> Template:
    """Digits with a search, a schedule and tags, beside a workload that Autopilot trains."""
    digits, automl = platform.workloads["digits"], load_workload(ROOT / "workloads" / "automl" / "workload.yaml")
    ranges = {"k": Choices(type="categorical", values=("9", "10"))}
    tuning = Tuning(max_jobs=2, parallel_jobs=1, ranges=ranges)
    schedule = Schedule(expression="cron(0 3 ? * MON *)", time_zone="Europe/Berlin")
    more = {"tuning": tuning, "schedule": schedule, "tags": {"project": "mail"}}
    workloads = {"digits": digits.model_copy(update=more), "automl": automl}
    return template_of(platform.model_copy(update={"workloads": workloads}))


def test_a_search_and_its_list_of_jobs_are_allowed_under_names_that_sagemaker_gives(grown: Template) -> None:
    for verb in ("Create", "Describe", "Stop", "ListTrainingJobsFor"):
        [statement] = statements(grown, f"sagemaker:{verb}HyperParameterTuningJob")
        names = [
            str(resource).split(":hyper-parameter-tuning-job/")[1].split("'")[0] for resource in statement["Resource"]
        ]
        assert names == ["pipelines-*", "????????????-*"]


def test_a_schedule_starts_its_own_pipeline_in_its_time_zone_and_buries_what_cannot_start(grown: Template) -> None:
    grown.has_resource_properties(
        "AWS::Scheduler::Schedule",
        {
            "ScheduleExpression": "cron(0 3 ? * MON *)",
            "ScheduleExpressionTimezone": "Europe/Berlin",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "KmsKeyArn": Match.any_value(),
            "Target": Match.object_like({"DeadLetterConfig": Match.any_value(), "RetryPolicy": Match.any_value()}),
        },
    )
    [start] = statements(grown, "sagemaker:StartPipelineExecution", of="Scheduledigits")
    assert str(start["Resource"]).count(":pipeline/sluice-dev-digits'") == 1
    [send] = statements(grown, "sqs:SendMessage", of="Scheduledigits")
    assert send["Resource"]["Fn::GetAtt"][0].startswith("Tell")


def test_the_workloads_tags_are_on_its_resources_and_on_what_a_run_starts(grown: Template) -> None:
    tag = {"Key": "project", "Value": "mail"}
    [pipeline] = grown.find_resources("AWS::SageMaker::Pipeline").values()
    named = {"Properties": {"ModelPackageGroupName": "sluice-dev-digits"}}
    [group] = grown.find_resources("AWS::SageMaker::ModelPackageGroup", named).values()
    assert tag in pipeline["Properties"]["Tags"] and tag in group["Properties"]["Tags"]
    body = json.loads(pipeline["Properties"]["PipelineDefinition"]["PipelineDefinitionBody"]["Fn::Sub"][0])
    started = [step["Arguments"]["Tags"] for step in body["Steps"] if step["Type"] in ("Processing", "Training")]
    assert started and all(tag in tags for tags in started)


def test_a_workload_keeps_its_package_group_when_it_changes_its_algorithm(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[dict[str, Any]] = []
    for sample in ("tabular", "automl"):
        folder = tmp_path / sample / "workloads"
        folder.mkdir(parents=True)
        (folder / "switched").symlink_to(ROOT / "workloads" / sample)
        monkeypatch.setattr(stacks.training, "ROOT", tmp_path / sample)
        workload = load_workload(folder / "switched" / "workload.yaml")
        template = template_of(platform.model_copy(update={"workloads": {"switched": workload}})).to_json()
        found.append({name: resource["Type"] for name, resource in template["Resources"].items()})
    before, after = found
    [group] = [name for name, kind in before.items() if kind == "AWS::SageMaker::ModelPackageGroup"]
    assert after[group] == before[group]
    # CloudFormation changes no type under one logical name.
    assert all(before[name] == after[name] for name in before.keys() & after.keys())


def test_what_autopilot_trains_has_no_pipeline_and_its_state_machine_is_heard(grown: Template) -> None:
    grown.resource_count_is("AWS::SageMaker::Pipeline", 1)
    *_, machine = heard(grown, "sluice-dev-tell")["detail"]["$or"]
    assert machine["status"] == ["FAILED", "TIMED_OUT"] and "stateMachine:sluice-dev-'" in str(machine)
