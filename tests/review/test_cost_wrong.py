"""Stacks that are right but in one place, where anything may stand: priced or listed with a reason, and no stack trace.

100 examples; 8,000 with `SLUICE_PROFILE=nightly`.
"""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from review.cloud_assembly import Assembly
from tests.review.costing import assembly, between, stack
from tests.review.test_cost_properties import ANY_PACE, EXAMPLES, anything, figures

CLUSTER = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1}
JOB = {"ResourceConfig": CLUSTER, "StoppingCondition": {"MaxRuntimeInSeconds": 3600}}
TASK = {"Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync", "Parameters": JOB}
VARIANT = {"VariantName": "A", "InstanceType": "ml.m5.xlarge", "ManagedInstanceScaling": {"MaxInstanceCount": 2}}
SCALED = {"ResourceId": {"Fn::Sub": "endpoint/${E}/variant/A"}, "MinCapacity": 1, "MaxCapacity": 2}
MONITOR = {"MonitoringResources": {"ClusterConfig": CLUSTER}}
SETTINGS = {"JupyterLabAppSettings": {"DefaultResourceSpec": {"InstanceType": "ml.t3.medium"}}}
TUNING = {
    "HyperParameterTuningJobConfig": {"ResourceLimits": {"MaxNumberOfTrainingJobs": 2}},
    "TrainingJobDefinitions": [JOB, {"HyperParameterTuningResourceConfig": {"InstanceConfigs": [CLUSTER]}}],
}
STEPS = [
    {"Name": "T", "Type": "Training", "Arguments": JOB},
    {"Name": "B", "Type": "Transform", "Arguments": {"TransformResources": CLUSTER}},
    {"Name": "P", "Type": "Processing", "Arguments": {"ProcessingResources": {"ClusterConfig": CLUSTER}}},
    {"Name": "S", "Type": "Tuning", "Arguments": TUNING},
    {"Name": "M", "Type": "AutoML", "Arguments": {"AutoMLJobConfig": {"CompletionCriteria": {"MaxCandidates": 1}}}},
    {"Name": "C", "Type": "Condition", "Arguments": {"IfSteps": [{"Name": "X", "Type": "Fail"}], "ElseSteps": []}},
]
RIGHT: dict[str, list[Any]] = {
    "Config": ["AWS::SageMaker::EndpointConfig", {"ProductionVariants": [VARIANT]}],
    "E": ["AWS::SageMaker::Endpoint", {"EndpointConfigName": {"Ref": "Config"}, "EndpointName": "e"}],
    "Scaled": [
        "AWS::ApplicationAutoScaling::ScalableTarget",
        {**SCALED, "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"},
    ],
    "Machine": ["AWS::StepFunctions::StateMachine", {"Definition": {"States": {"A": TASK}}}],
    "Rule": ["AWS::Events::Rule", {"ScheduleExpression": "rate(1 day)", "Targets": [{"Arn": {"Ref": "Pipeline"}}]}],
    "Schedule": ["AWS::Scheduler::Schedule", {"ScheduleExpression": "NOW", "Target": {"Arn": {"Ref": "Machine"}}}],
    "Monitor": [
        "AWS::SageMaker::MonitoringSchedule",
        {
            "MonitoringScheduleConfig": {
                "ScheduleConfig": {"ScheduleExpression": "NOW"},
                "MonitoringJobDefinition": MONITOR,
            }
        },
    ],
    "Flow": ["AWS::EC2::FlowLog", {"ResourceId": {"Ref": "Vpc"}, "LogGroupName": {"Ref": "Logs"}}],
    "Logs": ["AWS::Logs::LogGroup", {"RetentionInDays": 90}],
    "Domain": ["AWS::SageMaker::Domain", {"DefaultUserSettings": SETTINGS}],
    "Ada": ["AWS::SageMaker::UserProfile", {"DomainId": {"Ref": "Domain"}, "UserSettings": {}}],
}


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*way, key)
        yield from places(each, (*way, key))


def changed(whole: Any, way: tuple[Any, ...], value: Any) -> Any:
    whole = copy.deepcopy(whole)
    holder = whole
    for key in way[:-1]:
        holder = holder[key]
    holder[way[-1]] = value
    return whole


def application(resources: dict[str, list[Any]], steps: Any) -> Assembly:
    body = json.dumps({"Steps": steps})
    pipeline = ["AWS::SageMaker::Pipeline", {"PipelineDefinition": {"PipelineDefinitionBody": body}}]
    return assembly(stack({name: (kind, given) for name, (kind, given) in {**resources, "Pipeline": pipeline}.items()}))


def holds(found: Assembly) -> None:
    cost = between(assembly(), found)
    assert all(figure >= 0 for figure in figures(cost))
    assert all(line.unpriced for line in cost.lines if line.after is None)


def test_where_nothing_is_wrong_all_but_a_step_without_limits_has_a_figure() -> None:
    cost = between(assembly(), application(RIGHT, STEPS))
    assert {line.place.logical_id for line in cost.lines if line.after} == {
        "E",
        "Machine",
        "Monitor",
        "Flow",
        "Ada",
        "Pipeline",
    }


@settings(ANY_PACE, max_examples=2 * EXAMPLES)
@given(st.sampled_from([way for way in places(RIGHT) if way[1:2] == (1,)]), anything)
def test_one_wrong_place_of_a_template_raises_nothing(way: tuple[Any, ...], value: Any) -> None:
    holds(application(changed(RIGHT, way, value), STEPS))


@settings(ANY_PACE, max_examples=2 * EXAMPLES)
@given(st.sampled_from([*places(STEPS)]), anything)
def test_one_wrong_place_of_a_definition_raises_nothing(way: tuple[Any, ...], value: Any) -> None:
    holds(application(RIGHT, changed(STEPS, way, value)))
