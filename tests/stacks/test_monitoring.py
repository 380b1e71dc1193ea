"""The stack of monitors: what runs when, what is told of it, and that nothing is there without a monitor."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Environment, Stack
from aws_cdk.assertions import Annotations, Match, Template
from aws_cdk.aws_events import CfnRule
from aws_cdk.aws_kms import Key
from aws_cdk.aws_s3 import Bucket
from aws_cdk.aws_sns import Topic

from config.monitoring import Monitor, Retrain
from controls.monitors.conclusion import PERIOD
from review import synthesis as synthesized
from review.policies import roles, unexplained
from sluice.alerts import AlertTopic
from sluice.cost_ledger import CostLedger
from sluice.monitor_alarms import MonitorAlarms
from sluice.monitor_functions import Conclude
from sluice.retraining import Retraining
from sluice.variables import TooManyVariablesError

pytestmark = pytest.mark.slow  # three platforms are synthesized

NAME = "sluice-dev-tabular"


@pytest.fixture(scope="module")
def monitored(synthesize: Callable[[str], Any]) -> Any:
    return synthesize("monitored")


@pytest.fixture(scope="module")
def monitoring(monitored: Any) -> Template:
    return Template.from_json(monitored.templates["monitoring"])


@pytest.fixture(scope="module")
def acting(monitored: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The stack of a platform that retrains by itself, with all four kinds, examined by SageMaker's own jobs."""
    platform = monitored.platform
    tabular = platform.workloads["tabular"]
    kinds = ("data-quality", "model-quality", "bias", "attribution")
    retrain = Retrain(mode="enforce", approve="machine")
    monitor = tabular.monitor.model_copy(update={"kinds": kinds, "retrain": retrain})
    changes: dict[str, Any] = {
        "workloads": {"tabular": tabular.model_copy(update={"monitor": monitor})},
        "monitoring": platform.monitoring.model_copy(update={"engine": "sagemaker-model-monitor"}),
    }
    made = synthesized.synthesize(platform.model_copy(update=changes), tmp_path_factory.mktemp("acting"))
    return dict(made.templates["monitoring"])


def of_type(template: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in template["Resources"].values() if each["Type"] == kind]


def granted(template: dict[str, Any], action: str) -> list[str]:
    """The resources, as text, on which some role may do it."""
    statements = [s for p in of_type(template, "AWS::IAM::Policy") for s in p["PolicyDocument"]["Statement"]]
    return [json.dumps(s["Resource"]) for s in statements if action in s["Action"] or action == s["Action"]]


def test_without_a_monitor_nothing_is_captured_and_only_a_parameter_is_left(synthesis: Any) -> None:
    left = synthesis.templates["monitoring"]["Resources"].values()
    assert [(each["Type"], each["Properties"]["Value"]) for each in left] == [("AWS::SSM::Parameter", "[]")]
    assert "capture" not in json.dumps(synthesis.templates["serving"])


def test_what_a_monitor_imports_is_exported_without_one_too(synthesis: Any, monitored: Any) -> None:
    """CloudFormation removes no export that is imported, and the stack that exports is updated first."""
    imported = set(re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(monitored.templates["monitoring"])))
    outputs = [out for template in synthesis.templates.values() for out in template.get("Outputs", {}).values()]
    assert len(imported) > 5 and imported <= {out["Export"]["Name"] for out in outputs if "Export" in out}


def test_the_schedule_starts_the_monitors_pipeline_which_examines_in_isolation(monitoring: Template) -> None:
    monitoring.has_resource_properties(
        "AWS::Scheduler::Schedule",
        {
            "Name": f"{NAME}-monitor",
            "ScheduleExpression": "cron(0 2 ? * * *)",
            "Target": Match.object_like({"DeadLetterConfig": Match.any_value()}),
        },
    )
    [schedule] = monitoring.find_resources("AWS::Scheduler::Schedule").values()
    asked = json.loads(schedule["Properties"]["Target"]["Input"])
    assert asked["PipelineName"] == f"{NAME}-monitor"
    assert asked["PipelineParameters"] == [{"Name": "Due", "Value": "<aws.scheduler.scheduled-time>"}]
    assert 32 <= len(asked["ClientRequestToken"]) <= 128
    [pipeline] = monitoring.find_resources("AWS::SageMaker::Pipeline").values()
    body = json.loads(pipeline["Properties"]["PipelineDefinition"]["PipelineDefinitionBody"]["Fn::Sub"][0])
    examine = body["Steps"][1]["Arguments"]["IfSteps"][0]["Arguments"]
    assert examine["NetworkConfig"]["EnableNetworkIsolation"] is True
    assert {"Key": "sluice:workload", "Value": "tabular"} in examine["Tags"]


def test_the_job_writes_to_the_monitors_folder_alone_and_reads_the_workloads(monitored: Any) -> None:
    written = granted(monitored.templates["monitoring"], "s3:PutObject")
    assert written and all("/tabular/monitor/" in resource for resource in written)
    assert all("/tabular/" in resource for resource in granted(monitored.templates["monitoring"], "s3:GetObject")[1:])


def test_a_monitor_of_bias_alone_may_read_the_labels_and_nothing_else_of_the_data(
    monitored: Any, tmp_path: Path
) -> None:
    tabular = monitored.platform.workloads["tabular"]
    data = tabular.data.model_copy(update={"segment": "alcohol"})
    monitor = tabular.monitor.model_copy(update={"kinds": ("data-quality", "bias")})
    workloads = {"tabular": tabular.model_copy(update={"monitor": monitor, "data": data})}
    made = synthesized.synthesize(monitored.platform.model_copy(update={"workloads": workloads}), tmp_path)
    read = [each for each in granted(made.templates["monitoring"], "s3:GetObject") if "Data" in each]
    assert read and all("/tabular/labels/*" in each for each in read)


def test_the_endpoints_requests_are_captured_and_only_there_may_it_write(monitored: Any) -> None:
    serving = monitored.templates["serving"]
    [promote] = [f for f in of_type(serving, "AWS::Lambda::Function") if f["FunctionName"].endswith("-promote")]
    told = json.dumps(promote["Environment"]["Variables"]["SLUICE_WORKLOADS"])
    assert told.count("capture_percent") == told.count("/tabular/capture") == 1
    assert [r for r in granted(serving, "s3:PutObject") if "/tabular/capture/*" not in r] == []
    assert len(granted(serving, "s3:PutObject")) == 1


def test_where_batches_are_examined_their_folders_are_all_that_is_granted_beside(
    monitored: Any, tmp_path: Path
) -> None:
    tabular = monitored.platform.workloads["tabular"]
    monitor = tabular.monitor.model_copy(update={"source": "batch", "kinds": ("data-quality",)})
    changes = {"workloads": {"tabular": tabular.model_copy(update={"monitor": monitor})}}
    made = synthesized.synthesize(monitored.platform.model_copy(update=changes), tmp_path)
    templates, accepted = made.templates, made.accepted()
    assert made.findings() == [] and not [each for role in roles(templates) for each in unexplained(role, accepted)]
    assert "capture_percent" not in json.dumps(templates["serving"])
    [written] = granted(templates["serving"], "s3:PutObject")
    assert re.findall(r'"/([^"]*)"', written) == ["tabular/batch/*", "tabular/capture/batch/*"]
    [asked] = [each for each in granted(templates["monitoring"], "s3:GetObject") if "StorageData" in each]
    assert re.findall(r'StorageData\w*"}, "/([^"]*)"', asked) == ["tabular/batch/*"]
    [asked] = [each for each in granted(templates["serving"], "s3:GetObject") if "StorageData" in each]
    assert re.findall(r'StorageData\w*"}, "/([^"]*)"', asked) == ["tabular/batch/*"]


def test_drift_holds_its_alarm_until_a_window_says_otherwise_and_tells_nobody_itself(monitoring: Template) -> None:
    alarm = {"AlarmName": f"{NAME}-drift", "TreatMissingData": "ignore", "AlarmActions": Match.absent()}
    monitoring.has_resource_properties("AWS::CloudWatch::Alarm", alarm)


def test_each_conclusion_has_a_period_of_that_alarm_for_itself(monitoring: Template) -> None:
    alarm = {"AlarmName": f"{NAME}-drift", "Period": int(PERIOD.total_seconds()), "Statistic": "Maximum"}
    monitoring.has_resource_properties("AWS::CloudWatch::Alarm", alarm)


def test_silence_is_told_as_insufficient_data_which_no_alarm_turns_to_before_a_first_window(
    monitoring: Template,
) -> None:
    silence = {"AlarmName": f"{NAME}-silent", "TreatMissingData": "missing", "EvaluationPeriods": 26}
    told = {"InsufficientDataActions": [Match.any_value()], "AlarmActions": Match.absent()}
    monitoring.has_resource_properties("AWS::CloudWatch::Alarm", silence | told)


def test_what_could_not_be_examined_is_told_once_and_until_it_can_be(monitoring: Template) -> None:
    alarm = {"AlarmName": f"{NAME}-faults", "MetricName": "Faults", "TreatMissingData": "ignore"}
    monitoring.has_resource_properties("AWS::CloudWatch::Alarm", alarm | {"AlarmActions": [Match.any_value()]})


def test_a_window_that_leaves_hours_unexamined_is_warned_about() -> None:
    def told(hours: int) -> list[Any]:
        stack = Stack()
        common: dict[str, Any] = {"prefix": "p", "workload": "wine", "alerts": Topic(stack, "Topic")}
        MonitorAlarms(stack, "Alarms", settings=Monitor(window_hours=hours), **common)
        return Annotations.from_stack(stack).find_warning("*", Match.any_value())

    assert told(24) == told(48) == []
    [warning] = told(1)
    assert "Not examined: up to 23 hours of what wine is asked between two windows" in str(warning.entry.data)


def test_more_than_the_variables_of_a_function_hold_is_refused_at_synth() -> None:
    """A feature's name has 200 characters at most, and a monitor ten of them."""
    stack = Stack()
    key, bucket = Key(stack, "Key"), Bucket(stack, "Bucket")
    common: dict[str, Any] = {"prefix": "p", "key": key, "artifact_bucket": bucket}
    common |= {"ledger": CostLedger(stack, "Ledger", key=key)}
    wide = dict.fromkeys("ab", Monitor(critical=tuple(f"{number}{'x' * 199}" for number in range(10))))
    told = r"2 monitors with 20 critical features: variables of conclude may take \d+ bytes, and Lambda allows 4096"
    with pytest.raises(TooManyVariablesError, match=told):
        Conclude(stack, "Conclude", monitors=wide, native=False, **common)
    many = {f"w{number:019}": Monitor() for number in range(30)}
    alerts = AlertTopic(stack, "Alerts", key=key, emails=[])
    alarms = {name: f"sluice-dev-{name}-drift" for name in many}
    with pytest.raises(TooManyVariablesError, match="30 monitors: variables of retrain"):
        Retraining(stack, "Retraining", monitors=many, alarms=alarms, alerts=alerts, **common)


def test_what_many_monitors_have_heard_is_within_what_a_rule_may_say() -> None:
    """As many with the longest names as the variables of `retrain` hold; EventBridge takes 2,048 characters."""
    prefix = "p" * 16
    many = {f"w{number:019}": Monitor() for number in range(19)}
    stack = Stack(env=Environment(region="ap-southeast-1", account="111122223333"))
    key = Key(stack, "Key")
    Retraining(
        stack,
        "Retraining",
        prefix=prefix,
        monitors=many,
        alarms={name: f"{prefix}-{name}-drift" for name in many},
        ledger=CostLedger(stack, "Ledger", key=key),
        artifact_bucket=Bucket(stack, "Bucket"),
        alerts=AlertTopic(stack, "Alerts", key=key, emails=[]),
        key=key,
    )
    rules = [each for each in stack.node.find_all() if isinstance(each, CfnRule)]
    patterns = [json.dumps(stack.resolve(each.event_pattern), separators=(",", ":")) for each in rules]
    assert max(map(len, patterns)) <= 2048


def test_drift_is_looked_at_when_the_alarm_changes_when_a_run_ends_and_every_quarter_of_an_hour(
    monitoring: Template,
) -> None:
    monitoring.has_resource_properties(
        "AWS::Events::Rule",
        {"EventPattern": Match.object_like({"source": ["aws.cloudwatch"], "detail": {"alarmName": [f"{NAME}-drift"]}})},
    )
    ended = Match.object_like({"currentPipelineExecutionStatus": ["Succeeded", "Failed", "Stopped"]})
    pattern = Match.object_like({"source": ["aws.sagemaker"], "detail": ended})
    monitoring.has_resource_properties("AWS::Events::Rule", {"EventPattern": pattern})
    monitoring.has_resource_properties("AWS::Events::Rule", {"ScheduleExpression": "cron(0/15 * * * ? *)"})


def test_what_only_observes_may_start_and_approve_nothing(monitored: Any) -> None:
    template = monitored.templates["monitoring"]
    started = granted(template, "sagemaker:StartPipelineExecution")
    assert [resource for resource in started if "tabular-monitor" not in resource] == []
    assert granted(template, "sagemaker:UpdateModelPackage") == []
    assert "sluice:approves" not in json.dumps(template)


def test_what_acts_and_approves_may_do_both_for_its_own_workload_and_bears_the_tag_for_it(
    acting: dict[str, Any],
) -> None:
    [started] = granted(acting, "sagemaker:StartPipelineExecution")
    [approved] = granted(acting, "sagemaker:UpdateModelPackage")
    assert f"pipeline/{NAME}" in started and f"model-package/{NAME}/*" in approved
    tagged = [r for r in of_type(acting, "AWS::IAM::Role") if {"Key": "sluice:approves", "Value": "true"} in r["Tags"]]
    assert len(tagged) == 1


def test_no_value_of_the_training_or_serving_stack_is_imported(monitored: Any) -> None:
    """Else a workload could not be removed: its export would be in use here."""
    told = json.dumps(monitored.templates["monitoring"])
    assert "sluice-dev-training:" not in told and "sluice-dev-serving:" not in told


def test_the_dashboard_shows_traffic_latency_errors_drift_quality_and_retrains(monitoring: Template) -> None:
    [dashboard] = monitoring.find_resources("AWS::CloudWatch::Dashboard").values()
    shown = json.dumps(dashboard["Properties"]["DashboardBody"])
    for name in ("Invocations", "ModelLatency", "Invocation5XXErrors", "DataQualityDrifted", "ModelQualityDrifted"):
        assert name in shown
    for name in ("DriftShare", "Unlabelled", "Quality", "ExecutionStarted"):
        assert name in shown


def test_each_of_sagemakers_own_jobs_has_a_definition_and_a_schedule_of_it(acting: dict[str, Any]) -> None:
    definitions = {
        each["Type"].removeprefix("AWS::SageMaker::").removesuffix("JobDefinition"): each["Properties"]
        for each in acting["Resources"].values()
        if each["Type"].endswith("JobDefinition")
    }
    schedules = of_type(acting, "AWS::SageMaker::MonitoringSchedule")
    assert {*definitions} == {"DataQuality", "ModelQuality", "ModelBias"}, "Clarify's attributions need a network"
    for noun, definition in definitions.items():
        [schedule] = [s for s in schedules if s["MonitoringScheduleConfig"]["MonitoringType"] == noun]
        assert schedule["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"] == definition["JobDefinitionName"]
        assert definition["NetworkConfig"]["EnableNetworkIsolation"] is True
        [asked] = [value["EndpointInput"] for key, value in definition.items() if key.endswith("JobInput")]
        assert asked.get("InferenceAttribute") == (None if noun == "DataQuality" else "0")
        assert definition["JobResources"]["ClusterConfig"]["VolumeKmsKeyId"]
        assert len(definition["JobDefinitionName"]) <= 63
    [rule] = [r for r in of_type(acting, "AWS::Events::Rule") if r.get("EventPattern", {}).get("source") == ["aws.s3"]]
    assert "constraint_violations.json" in json.dumps(rule["EventPattern"])


def sized(platform: Any) -> dict[str, Any]:
    tabular = platform.workloads["tabular"]
    process = tabular.monitor.process.model_copy(update={"volume_gb": 30})
    monitor = tabular.monitor.model_copy(update={"process": process})
    return {"workloads": {"tabular": tabular.model_copy(update={"monitor": monitor})}}


@pytest.mark.parametrize("change", [sized, lambda platform: {"owner": "others"}], ids=["settings", "tags"])
def test_a_definition_is_named_by_what_is_in_it(
    synthesize: Callable[[str], Any], tmp_path: Path, change: Callable[[Any], dict[str, Any]]
) -> None:
    native = synthesize("native-monitors")
    other = synthesized.synthesize(native.platform.model_copy(update=change(native.platform)), tmp_path)

    def names(found: Any) -> set[str]:
        kind = "AWS::SageMaker::DataQualityJobDefinition"
        return {each["JobDefinitionName"] for each in of_type(found.templates["monitoring"], kind)}

    assert len(names(native) | names(other)) == 2


def told_of(found: Any, group: str) -> dict[str, Any]:
    """What promotion is told of one group."""
    [promote] = [
        f
        for f in of_type(found.templates["serving"], "AWS::Lambda::Function")
        if f["FunctionName"].endswith("-promote")
    ]
    told = promote["Environment"]["Variables"]["SLUICE_WORKLOADS"]["Fn::Join"][1]
    return json.loads("".join(part if isinstance(part, str) else "given" for part in told))[group]


def test_only_where_sagemakers_own_jobs_examine_promotion_brings_them_their_baseline(
    synthesize: Callable[[str], Any], monitored: Any
) -> None:
    native = synthesize("native-monitors")
    kinds = ["data-quality", "model-quality"]
    assert told_of(native, NAME)["baseline"] == {
        "bucket": "given",
        "folder": "tabular/monitor/baseline/",
        "kinds": kinds,
        "target": "target",
    }
    made = granted(native.templates["serving"], "s3:PutObject")
    assert [part for part in made if "/tabular/monitor/baseline/" in part]
    assert "baseline" not in told_of(monitored, NAME)
    assert "monitor/baseline" not in json.dumps(monitored.templates["serving"])


def test_sagemakers_own_jobs_read_what_was_captured_and_their_baseline_and_write_their_results(
    acting: dict[str, Any],
) -> None:
    [role] = [name for name in acting["Resources"] if name.startswith("MonitortabularRole") and "Policy" in name]
    statements = acting["Resources"][role]["Properties"]["PolicyDocument"]["Statement"]
    read = [json.dumps(s["Resource"]) for s in statements if s["Action"] == "s3:GetObject"]
    written = [json.dumps(s["Resource"]) for s in statements if "s3:PutObject" in s["Action"]]
    assert any("/tabular/capture/" in each for each in read) and any(
        "/tabular/monitor/baseline/" in each for each in read
    )
    assert written and all("/tabular/monitor/native/" in each for each in written)
