"""What runs cost: pipelines, state machines and monitors, by schedule or each."""

import json
from typing import Any

import pytest

from config.load import ROOT
from review.cost_prices import SPOT_SAVING
from review.model import CostLine
from tests.review.costing import assembly, between, named, of, stack

PIPELINE, MACHINE = "AWS::SageMaker::Pipeline", "AWS::StepFunctions::StateMachine"
RULE, SCHEDULE = "AWS::Events::Rule", "AWS::Scheduler::Schedule"
M5, G5 = 0.23, 1.408
CLUSTER = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1}
HOUR = {"MaxRuntimeInSeconds": 3600}
PROCESS = {
    "Name": "Prepare",
    "Type": "Processing",
    "Arguments": {"ProcessingResources": {"ClusterConfig": CLUSTER}, "StoppingCondition": HOUR},
}
TRAINING = {"ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2}, "StoppingCondition": HOUR}
TRAIN = {"Name": "Train", "Type": "Training", "Arguments": TRAINING}
DAILY = 365 / 12


def pipeline(*steps: Any, parameters: Any = (), **properties: Any) -> tuple[str, dict[str, Any]]:
    body = json.dumps({"Version": "2020-12-01", "Parameters": list(parameters), "Steps": list(steps)})
    return PIPELINE, {"PipelineName": "train", "PipelineDefinition": {"PipelineDefinitionBody": body}, **properties}


def by_rule(target: Any, expression: str = "rate(1 day)", **more: Any) -> tuple[str, dict[str, Any]]:
    return RULE, {"ScheduleExpression": expression, "Targets": [{"Arn": target, "Id": "x", **more}]}


def daily(*steps: Any) -> CostLine:
    """A pipeline that runs every day."""
    return named(of(stack({"P": pipeline(*steps), "R": by_rule({"Fn::GetAtt": ["P", "Arn"]})})), "P")


def a_run(*steps: Any) -> float:
    found = daily(*steps)
    assert found.after is not None and not found.unpriced
    return found.after / DAILY


def test_without_a_schedule_a_run_has_a_price_and_the_month_has_none() -> None:
    found = named(of(stack({"P": pipeline(PROCESS)})), "P")
    assert (found.after, found.idle_after) == (None, None)
    assert found.assumption == "0.12 USD a run: Prepare: 1 x ml.m5.xlarge, 0.5 h"
    assert found.unpriced == "nothing in these stacks says how often it runs"


def test_a_run_that_grows_dearer_is_told_first_though_the_month_has_no_figure() -> None:
    base, head = (stack({"Key": ("AWS::KMS::Key", {}), "P": pipeline(step)}) for step in (PROCESS, TRAIN))
    first = between(assembly(base), assembly(head)).lines[0]
    assert first.assumption.startswith("1.41 USD a run") and "before: 0.12 USD a run" in first.assumption


@pytest.mark.parametrize(
    "target",
    [
        {"Fn::GetAtt": ["P", "Arn"]},
        {"Ref": "P"},
        {"Fn::Sub": "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:pipeline/${P}"},
        {"Fn::Join": ["", ["arn:aws:sagemaker:us-east-1:", {"Ref": "AWS::AccountId"}, ":pipeline/train"]]},
        "arn:aws:sagemaker:us-east-1:111122223333:pipeline/Train",
    ],
)
def test_a_rule_that_starts_it_makes_a_month_of_runs(target: Any) -> None:
    found = named(of(stack({"P": pipeline(PROCESS), "R": by_rule(target)})), "P")
    assert found.after == pytest.approx(DAILY * 0.5 * M5)
    assert found.idle_after == 0
    assert found.assumption == (
        "30.42 runs a month by rate(1 day), 0.12 USD each, each job 50% of its longest run time: "
        "Prepare: 1 x ml.m5.xlarge, 0.5 h"
    )


@pytest.mark.parametrize(
    "target",
    [
        {"Arn": {"Fn::GetAtt": ["P", "Arn"]}},
        {"Arn": "arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution", "Input": '{"PipelineName": "train"}'},
    ],
)
def test_a_schedule_of_scheduler_does_too_from_another_stack(target: Any) -> None:
    schedule = (SCHEDULE, {"ScheduleExpression": "cron(0 6 ? * MON *)", "Target": target})
    found = named(of(stack({"P": pipeline(PROCESS), "S": schedule})), "P")
    assert found.after == pytest.approx(DAILY / 7 * 0.5 * M5)


def test_several_schedules_add_up_and_one_that_is_off_does_not_count() -> None:
    off = (RULE, {**by_rule({"Ref": "P"})[1], "State": "DISABLED"})
    rules = {"A": by_rule({"Ref": "P"}), "B": by_rule({"Ref": "P"}, "cron(0 0 1 * ? *)"), "C": off}
    found = named(of(stack({"P": pipeline(PROCESS), **rules})), "P")
    assert found.after == pytest.approx((DAILY + 1) * 0.5 * M5)


def test_a_schedule_that_cannot_be_read_leaves_the_month_open() -> None:
    found = named(of(stack({"P": pipeline(PROCESS), "R": by_rule({"Ref": "P"}, "whenever")})), "P")
    assert found.after is None and found.unpriced == "how often it runs is not known: whenever"


def test_parameters_are_taken_as_the_schedule_hands_them_or_by_their_defaults() -> None:
    cluster = {"InstanceType": {"Get": "Parameters.Kind"}, "InstanceCount": {"Get": "Parameters.Count"}}
    step = {**PROCESS, "Arguments": {"ProcessingResources": {"ClusterConfig": cluster}, "StoppingCondition": HOUR}}
    told = [{"Name": "Kind", "DefaultValue": "ml.m5.xlarge"}, {"Name": "Count", "DefaultValue": 2}]
    handed = {"SageMakerPipelineParameters": {"PipelineParameterList": [{"Name": "Count", "Value": "3"}]}}
    p = pipeline(step, parameters=told)
    found = named(of(stack({"P": p, "R": by_rule({"Ref": "P"}, **handed)})), "P")
    assert found.after == pytest.approx(DAILY * 3 * 0.5 * M5)
    assert "0.23 USD a run" in named(of(stack({"P": p})), "P").assumption


def test_spot_a_warm_pool_and_a_volume_count() -> None:
    resources = {**TRAINING["ResourceConfig"], "VolumeSizeInGB": 730}
    assert a_run(TRAIN) == pytest.approx(2 * 0.5 * G5)
    assert a_run({**TRAIN, "Arguments": {**TRAINING, "EnableManagedSpotTraining": True}}) == pytest.approx(
        2 * 0.5 * G5 * (1 - SPOT_SAVING)
    )
    stored = {**TRAIN, "Arguments": {**TRAINING, "ResourceConfig": resources}}
    assert a_run(stored) == pytest.approx(2 * 0.5 * (G5 + 0.154))
    warm = {**TRAINING["ResourceConfig"], "KeepAlivePeriodInSeconds": 1800}
    assert a_run({**TRAIN, "Arguments": {**TRAINING, "ResourceConfig": warm}}) == pytest.approx(2 * (0.5 + 0.5) * G5)


def test_a_cluster_of_several_kinds_counts_them_all() -> None:
    groups = [
        {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
        {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
    ]
    mixed = {**TRAIN, "Arguments": {"ResourceConfig": {"InstanceGroups": groups}, "StoppingCondition": HOUR}}
    assert a_run(mixed) == pytest.approx(0.5 * (M5 + G5))


def test_a_search_counts_each_training_within_its_own_time() -> None:
    limits = {"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 4}
    asked = {"HyperParameterTuningJobConfig": {"ResourceLimits": limits}, "TrainingJobDefinition": TRAINING}
    assert a_run({"Name": "Search", "Type": "Tuning", "Arguments": asked}) == pytest.approx(20 * 2 * 0.5 * G5)
    limits["MaxRuntimeInSeconds"] = 7200
    assert a_run({"Name": "Search", "Type": "Tuning", "Arguments": asked}) == pytest.approx(4 * 2 * 2 * 0.5 * G5)


def test_of_several_definitions_of_a_search_the_dearest_counts() -> None:
    small = {"HyperParameterTuningResourceConfig": CLUSTER, "StoppingCondition": HOUR}
    limits = {"HyperParameterTuningJobConfig": {"ResourceLimits": {"MaxNumberOfTrainingJobs": 2}}}
    asked = {**limits, "TrainingJobDefinitions": [small, TRAINING]}
    assert a_run({"Name": "Search", "Type": "Tuning", "Arguments": asked}) == pytest.approx(2 * 2 * 0.5 * G5)


def test_of_a_condition_the_dearer_way_counts() -> None:
    either = {"Name": "If", "Type": "Condition", "Arguments": {"IfSteps": [PROCESS], "ElseSteps": [TRAIN, PROCESS]}}
    assert a_run(PROCESS, either) == pytest.approx(0.5 * M5 + 2 * 0.5 * G5 + 0.5 * M5)


def test_a_batch_without_a_limit_is_taken_for_half_a_day() -> None:
    step = {"Name": "Batch", "Type": "Transform", "Arguments": {"TransformResources": CLUSTER}}
    found = daily(step)
    assert found.after == pytest.approx(DAILY * 12 * M5) and found.estimated
    assert "no limit is given" in found.assumption


def test_what_a_step_does_not_tell_leaves_the_rest_priced() -> None:
    unknown = {**PROCESS, "Name": "Odd", "Arguments": {"ProcessingResources": {}, "StoppingCondition": HOUR}}
    found = daily(PROCESS, unknown, {"Name": "Spark", "Type": "EMR"})
    assert found.after == pytest.approx(DAILY * 0.5 * M5)
    assert "Odd: its instances are not known from the definition" in found.unpriced
    assert "Spark: a step of the kind EMR has no price here" in found.unpriced


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"PipelineDefinitionS3Location": {"Bucket": "b"}}, "its definition lies in S3"),
        ({"PipelineDefinitionBody": "{not json"}, "its definition is not known"),
        ({"PipelineDefinitionBody": {"Ref": "Asked"}}, "its definition is not known"),
        ({"Ref": "Asked"}, "its definition is not known"),
        (None, "its definition is not known"),
    ],
)
def test_a_definition_that_cannot_be_read_says_so(told: Any, why: str) -> None:
    found = named(of(stack({"P": (PIPELINE, {"PipelineDefinition": told})})), "P")
    assert found.after is None and why in found.unpriced


def machine(state: Any, **properties: Any) -> tuple[str, dict[str, Any]]:
    return MACHINE, {"DefinitionString": json.dumps({"StartAt": "A", "States": {"A": state}}), **properties}


def test_a_state_machine_with_jobs_costs_by_its_schedule_and_one_without_by_use() -> None:
    state = {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync", "Parameters": TRAINING}
    within = {"Type": "Map", "ItemProcessor": {"States": {"B": state}}}
    for each in (state, within):
        found = named(of(stack({"M": machine(each), "R": by_rule({"Ref": "M"})})), "M")
        assert found.after == pytest.approx(DAILY * 2 * 0.5 * G5)
    assert named(of(stack({"M": machine({"Type": "Pass"})})), "M").unpriced == "by use: state transitions"


def test_what_a_definition_substitutes_is_read() -> None:
    asked = {"ResourceConfig": {"InstanceType": "${kind}", "InstanceCount": 1}, "StoppingCondition": HOUR}
    state = {"Resource": "arn:aws:states:::aws-sdk:sagemaker:createTrainingJob", "Arguments": asked}
    given = {"DefinitionSubstitutions": {"kind": {"Ref": "Kind"}}}
    parameters = {"Kind": {"Type": "String", "Default": "ml.g5.xlarge"}}
    found = named(of(stack({"M": machine(state, **given), "R": by_rule({"Ref": "M"})}, Parameters=parameters)), "M")
    assert found.after == pytest.approx(DAILY * 0.5 * G5)


def test_autopilot_costs_its_candidates_on_instances_that_are_assumed() -> None:
    limits = {"MaxCandidates": 6, "MaxRuntimePerTrainingJobInSeconds": 600, "MaxAutoMLJobRuntimeInSeconds": 3600}
    asked = {"AutoMLProblemTypeConfig": {"TabularJobConfig": {"CompletionCriteria": limits}}}
    state = {"Resource": "arn:aws:states:::aws-sdk:sagemaker:createAutoMLJobV2", "Arguments": asked}
    found = named(of(stack({"M": machine(state), "R": by_rule({"Ref": "M"})})), "M")
    assert found.after == pytest.approx(DAILY * 6 * 600 * 0.5 / 3600 * 0.922) and found.estimated
    assert "ml.m5.4xlarge is assumed" in found.assumption


def test_the_projects_own_autopilot_is_read() -> None:
    path = ROOT / "workloads" / "automl" / "pipeline.json"
    found = named(of(stack({"M": (MACHINE, {"DefinitionString": path.read_text("utf-8")})})), "M")
    assert "6 jobs" in found.assumption and found.unpriced == "nothing in these stacks says how often it runs"


def monitoring(schedule: str, **job: Any) -> CostLine:
    definition = {"MonitoringResources": {"ClusterConfig": CLUSTER}, **job}
    config = {"ScheduleConfig": {"ScheduleExpression": schedule}, "MonitoringJobDefinition": definition}
    monitor = ("AWS::SageMaker::MonitoringSchedule", {"MonitoringScheduleConfig": config})
    return named(of(stack({"M": monitor})), "M")


def test_a_monitor_costs_its_jobs() -> None:
    assert monitoring("cron(0 * ? * * *)", StoppingCondition=HOUR).after == pytest.approx(730 * 0.5 * M5)


def test_a_monitor_without_a_limit_ends_before_the_next_begins() -> None:
    assert monitoring("cron(0 * ? * * *)").after == pytest.approx(730 * 0.5 * M5)


def test_a_monitor_may_name_a_definition() -> None:
    kind, schedule = "AWS::SageMaker::DataQualityJobDefinition", {"ScheduleExpression": "cron(0 0 ? * * *)"}
    config = {"ScheduleConfig": schedule, "MonitoringJobDefinitionName": {"Ref": "D"}, "MonitoringType": "DataQuality"}
    resources = {
        "D": (kind, {"JobResources": {"ClusterConfig": CLUSTER}, "StoppingCondition": HOUR}),
        "M": ("AWS::SageMaker::MonitoringSchedule", {"MonitoringScheduleConfig": config}),
    }
    assert named(of(stack(resources)), "M").after == pytest.approx(DAILY * 0.5 * M5)
    del resources["D"]
    assert named(of(stack(resources)), "M").unpriced == "its job definition is not part of these stacks"


def test_a_pipeline_that_a_scheduled_state_machine_starts_runs_as_often() -> None:
    asked = {"PipelineName": "train", "PipelineParameters": [{"Name": "Count", "Value": "2"}]}
    state = {"Resource": "arn:aws:states:::aws-sdk:sagemaker:startPipelineExecution", "Parameters": asked}
    cluster = {**CLUSTER, "InstanceCount": {"Get": "Parameters.Count"}}
    step = {**PROCESS, "Arguments": {"ProcessingResources": {"ClusterConfig": cluster}, "StoppingCondition": HOUR}}
    p = pipeline(step, parameters=[{"Name": "Count", "DefaultValue": 1}])
    found = named(of(stack({"P": p, "M": machine(state), "R": by_rule({"Ref": "M"})})), "P")
    assert found.after == pytest.approx(DAILY * 2 * 0.5 * M5)


def test_exports_that_lead_in_a_circle_end() -> None:
    stacks = []
    for here, there in (("one", "two"), ("two", "one")):
        output = {"Value": {"Fn::ImportValue": there}, "Export": {"Name": here}}
        stacks.append(stack({f"R{here}": by_rule({"Fn::ImportValue": here})}, name=here, Outputs={"Out": output}))
    assert not of(*stacks).lines
