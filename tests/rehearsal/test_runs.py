"""A run's first step and what is told of a failed one, deployed: under the functions' own roles, on real events."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk.aws_sagemaker import CfnPipeline

from config.load import ROOT, load
from config.workload import Schedule
from rehearsal.embedded import ACCOUNT, EmbeddedCloud
from sluice.arn import arn
from sluice.begin import Begin
from sluice.schedule import RunSchedule
from sluice.tell import Tell
from stacks.foundation import FoundationStack
from tests.rehearsal.pipelining import Run, ended, fail, listed, process, until

pytestmark = pytest.mark.slow

NAMES = ["runs-dev-digits", "runs-dev-letters"]
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:runs-dev-begin"
ASSETS = f"cdk-hnb659fds-assets-{ACCOUNT}-us-east-1"
PATIENT = {"Delay": 0.2, "MaxAttempts": 300}


class Deployed:
    """The foundation and the two functions. `mail` is the URL of a queue that gets what people are told."""

    def __init__(self, cloud: EmbeddedCloud, folder: Path, role: str) -> None:
        self.cloud, self.s3, self._folder = cloud, cloud.client("s3"), folder
        app = App(outdir=str(folder), context={"aws:cdk:disable-creation-stack-traces": True})
        platform = load(ROOT / "config" / "team.yaml").model_copy(update={"name": "runs"})
        where = Environment(account=ACCOUNT, region="us-east-1")
        foundation = FoundationStack(app, "runs-foundation", platform=platform, env=where)
        runs, hourly = Stack(app, "runs", env=where), Stack(app, "runs-hourly", env=where)
        artifacts, key, data = foundation.artifact_bucket, foundation.key, foundation.data_bucket
        prefixes = {name: f"{name}/digits.csv" for name in ("digits", "letters", "automl")}
        counts: dict[str, Any] = {"parallel_runs": dict.fromkeys(prefixes, 1), "machines": ["automl"]}
        common: dict[str, Any] = {"prefix": "runs-dev", "artifact_bucket": artifacts, "key": key}
        Begin(runs, "Begin", prefixes=prefixes, data_bucket=data, registers=True, **counts, **common)
        heard: dict[str, Any] = {"workloads": ["digits"], "pipelines": True, "state_machines": True}
        tell = Tell(runs, "Tell", alerts=foundation.alerts, **heard, **common)
        definition = {"PipelineDefinitionBody": json.dumps({"Version": "2020-12-01", "Steps": [fail("End")]})}
        pipeline = CfnPipeline(
            hourly, "P", pipeline_name="runs-dev-hourly", role_arn=role, pipeline_definition=definition
        )
        RunSchedule(
            hourly,
            "Schedule",
            name="runs-dev-hourly",
            action="sagemaker:StartPipelineExecution",
            target=arn(hourly, "sagemaker", f"pipeline/{pipeline.ref}"),
            named=arn(hourly, "sagemaker", "pipeline/runs-dev-hourly"),
            schedule=Schedule(expression="rate(1 hour)", time_zone="Europe/Berlin"),
            key=key,
            dead_letters=tell.handler.dead_letters,
        )
        foundation.guardrails.bind(app)
        app.synth()
        self.s3.create_bucket(Bucket=ASSETS)
        for asset in folder.glob("asset.*.zip"):
            self.s3.upload_file(str(asset), ASSETS, asset.name.removeprefix("asset."))
        for name in ("runs-foundation", "runs"):
            self.create(name)
        self.data, self.artifacts = self.published("data-bucket"), self.published("artifact-bucket")

    def create(self, name: str) -> None:
        template = json.loads((self._folder / f"{name}.template.json").read_text())
        template.pop("Parameters", None)
        template.pop("Rules", None)
        self.s3.put_object(Bucket=ASSETS, Key=f"{name}.json", Body=json.dumps(template).encode())
        formation, url = self.cloud.client("cloudformation"), f"https://s3.us-east-1.amazonaws.com/{ASSETS}/{name}.json"
        formation.create_stack(StackName=name, TemplateURL=url, Capabilities=["CAPABILITY_NAMED_IAM"])
        formation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=PATIENT)

    def published(self, name: str) -> str:
        return self.cloud.client("ssm").get_parameter(Name=f"/runs-dev/{name}")["Parameter"]["Value"]

    def upload(self, body: bytes) -> None:
        self.s3.put_object(Bucket=self.data, Key="digits/digits.csv", Body=body)

    def read(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


@pytest.fixture(scope="module")
def deployed(cloud: EmbeddedCloud, role: str, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    return Deployed(cloud, tmp_path_factory.mktemp("runs"), role)


@pytest.fixture(scope="module")
def mail(deployed: Deployed, cloud: EmbeddedCloud, bus: Any) -> Callable[[], tuple[str, str]]:
    """The subject and the text of the next message that people get."""
    url, arn = bus.queue("runs-mail")
    cloud.client("sns").subscribe(TopicArn=deployed.published("alert-topic-arn"), Protocol="sqs", Endpoint=arn)

    waiting: list[dict[str, str]] = []

    def next_one() -> tuple[str, str]:
        if not waiting:
            waiting.extend(bus.received(url, 1))
        message = waiting.pop(0)
        return message["Subject"], message["Message"]

    return next_one


@pytest.fixture(scope="module")
def pipeline(create: Callable[..., None], make_role: Callable[..., str], deployed: Deployed) -> str:
    reason = {"Std:Join": {"On": " ", "Values": ["as told:", {"Get": "Steps.Begin.OutputParameters['DataUri']"}]}}
    manifest = {"Name": "Manifest", "Type": "String", "DefaultValue": ""}
    allowed = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": FUNCTION}
    role = make_role("runs-pipeline", [allowed])
    create(NAMES[0], [begin("digits", {"Get": "Parameters.Manifest"}), fail("End", reason)], [manifest], role)
    return NAMES[0]


def begin(workload: str, manifest: object = "") -> dict[str, Any]:
    """The step, as compiled pipelines have it."""
    given = {"workload": workload, "path": "digits.csv", "manifest": manifest}
    outputs = ("DataUri", "ManifestUri", "ChampionModel", "ChampionVersion")
    return {
        "Name": "Begin",
        "Type": "Lambda",
        "FunctionArn": FUNCTION,
        "Arguments": {**given, "execution": {"Get": "Execution.PipelineExecutionId"}},
        "OutputParameters": [{"OutputName": name, "OutputType": "String"} for name in outputs],
    }


def answer(steps: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {row["Name"]: row["Value"] for row in steps["Begin"]["Metadata"]["Lambda"]["OutputParameters"]}


def test_a_run_notes_its_data_and_can_be_repeated_on_it(
    deployed: Deployed, pipeline: str, start: Run, mail: Callable[[], tuple[str, str]]
) -> None:
    deployed.upload(b"first")
    first = answer(start(pipeline)[1])
    assert first["DataUri"] == f"s3://{deployed.data}/digits/digits.csv" and first["ChampionVersion"] == "0"
    deployed.upload(b"second")
    given = [{"Name": "Manifest", "Value": first["ManifestUri"]}]
    _, steps = start(pipeline, PipelineParameters=given)
    again = answer(steps)
    assert re.fullmatch(rf"s3://{deployed.artifacts}/digits/\w+/begin/data/digits.csv", again["DataUri"])
    assert deployed.read(again["DataUri"]) == b"first"
    assert again["ManifestUri"] == first["ManifestUri"]
    assert json.loads(deployed.read(first["ManifestUri"]))["objects"][0]["key"] == "digits/digits.csv"
    assert {mail()[0], mail()[0]} == {"[runs-dev] digits: a run failed at End"}


def test_preprocessing_is_reused_while_the_data_is_the_same(
    deployed: Deployed, digits: dict[str, str], create: Callable[..., None], start: Run
) -> None:
    body = (ROOT / "workloads" / "digits" / "pipeline.json").read_text("utf-8")
    for name, value in digits.items():
        body = body.replace(f"${{{name}}}", FUNCTION if name == "BeginFunctionArn" else value)
    definition = json.loads(body)
    begin, preprocess, *_ = definition["Steps"]
    cached = {"CacheConfig": {"Enabled": True, "ExpireAfter": "P7D"}}  # as `run: {cache_days: 7}` is compiled
    create("runs-reused", [begin, preprocess | cached], definition["Parameters"])
    table = deployed.s3.get_object(Bucket=digits["DataBucket"], Key="digits/digits.csv")["Body"].read()

    def reused() -> bool:
        run, steps = start("runs-reused")
        assert run["PipelineExecutionStatus"] == "Succeeded", run
        return "CacheHitResult" in steps["Preprocess"]

    deployed.upload(table)
    assert [reused(), reused()] == [False, True]
    deployed.upload(table.replace(b"\n", b"\r\n"))
    assert [reused(), reused()] == [False, True]


def test_the_newest_approved_model_is_the_champion(
    deployed: Deployed, cloud: EmbeddedCloud, pipeline: str, start: Run, mail: Callable[[], tuple[str, str]]
) -> None:
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=pipeline)
    model, image = f"s3://{deployed.artifacts}/digits/model.tar.gz", "683313688378.dkr.ecr.us-east-1.amazonaws.com/x:1"
    deployed.s3.put_object(Bucket=deployed.artifacts, Key="digits/model.tar.gz", Body=b"model")
    specification = {
        "Containers": [{"Image": image, "ModelDataUrl": model}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    sagemaker.create_model_package(
        ModelPackageGroupName=pipeline, ModelApprovalStatus="Approved", InferenceSpecification=specification
    )
    deployed.upload(b"more")
    found = answer(start(pipeline)[1])
    assert (found["ChampionModel"], found["ChampionVersion"]) == (model, "1")
    mail()


def test_a_failed_run_is_told_once_with_step_reason_and_log(
    deployed: Deployed, cloud: EmbeddedCloud, pipeline: str, mail: Callable[[], tuple[str, str]]
) -> None:
    deployed.s3.delete_object(Bucket=deployed.data, Key="digits/digits.csv")
    arn = cloud.client("sagemaker").start_pipeline_execution(PipelineName=pipeline)["PipelineExecutionArn"]
    execution, _ = ended(cloud, arn)
    assert execution["PipelineExecutionStatus"] == "Failed"
    subject, text = mail()
    assert subject == "[runs-dev] digits: a run failed at Begin"
    assert f"there is no object s3://{deployed.data}/digits/digits.csv: upload it" in text
    assert "log: https://console.aws.amazon.com/cloudwatch/" in text and "$252Flambda$252Fruns-dev-begin" in text
    assert arn in text


def test_a_second_run_at_once_is_refused_and_told_and_the_first_goes_on(
    deployed: Deployed,
    cloud: EmbeddedCloud,
    create: Callable[..., None],
    start: Run,
    mail: Callable[[], tuple[str, str]],
) -> None:
    deployed.s3.put_object(Bucket=deployed.data, Key="letters/digits.csv", Body=b"1")
    create(NAMES[1], [begin("letters"), process("Hold", DependsOn=["Begin"])])
    cloud.control("jobs", paused=True)
    first = cloud.client("sagemaker").start_pipeline_execution(PipelineName=NAMES[1])["PipelineExecutionArn"]
    until(lambda: "Hold" in listed(cloud, first))
    second, steps = start(NAMES[1])
    cloud.control("jobs", paused=False)
    assert second["PipelineExecutionStatus"] == "Failed" and first in steps["Begin"]["FailureReason"]
    subject, text = mail()
    assert subject == "[runs-dev] letters: a run failed at Begin" and f"1 of 1 that may run at once: {first}" in text
    assert ended(cloud, first)[0]["PipelineExecutionStatus"] == "Succeeded"
    assert start(NAMES[1])[0]["PipelineExecutionStatus"] == "Succeeded"


def test_a_second_run_of_a_state_machine_at_once_is_refused(
    deployed: Deployed, cloud: EmbeddedCloud, role: str, mail: Callable[[], tuple[str, str]]
) -> None:
    states = cloud.client("stepfunctions")
    deployed.s3.put_object(Bucket=deployed.data, Key="automl/digits.csv", Body=b"1")
    payload = {"workload": "automl", "path": "digits.csv", "manifest": ""}
    payload["execution"] = "{% $states.context.Execution.Name %}"
    call = {"FunctionName": FUNCTION, "Payload": payload}
    invoke = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": call, "Next": "Hold"}
    hold = {"Type": "Wait", "Seconds": 3600, "End": True}
    definition = {"QueryLanguage": "JSONata", "StartAt": "Begin", "States": {"Begin": invoke, "Hold": hold}}
    machine = states.create_state_machine(name="runs-dev-automl", definition=json.dumps(definition), roleArn=role)

    def started(name: str) -> str:
        return states.start_execution(stateMachineArn=machine["stateMachineArn"], name=name)["executionArn"]

    first = started("first")
    until(
        lambda: states.get_execution_history(executionArn=first, reverseOrder=True)["events"][0]["type"][:4] == "Wait"
    )
    second = started("second")
    until(lambda: states.describe_execution(executionArn=second)["status"] == "FAILED")
    subject, text = mail()
    assert subject == "[runs-dev] automl: a run failed at Begin" and f"1 of 1 that may run at once: {first}" in text
    states.stop_execution(executionArn=first)
    states.delete_state_machine(stateMachineArn=machine["stateMachineArn"])


def test_an_alert_that_a_job_writes_is_told_and_nothing_else_that_it_writes(
    deployed: Deployed, mail: Callable[[], tuple[str, str]]
) -> None:
    folder = "digits/x/checkpoints/job-1"
    for key in (f"{folder}/epoch.json", f"experiments/{folder}/alerts/1-dead.json", "digits/alerts/a.json"):
        deployed.s3.put_object(Bucket=deployed.artifacts, Key=key, Body=b"{}")
    body = json.dumps({"epoch": 3, "values": [0.1, 0.2]}).encode()
    deployed.s3.put_object(Bucket=deployed.artifacts, Key=f"{folder}/alerts/1-overfitting.json", Body=body)
    subject, text = mail()
    assert subject == "[runs-dev] digits: training alert overfitting"
    assert "job: job-1" in text and "epoch: 3" in text and "values: [0.1, 0.2]" in text


def test_a_state_machine_that_fails_is_told_with_its_cause(
    deployed: Deployed, cloud: EmbeddedCloud, role: str, mail: Callable[[], tuple[str, str]]
) -> None:
    states = cloud.client("stepfunctions")
    end = {"StartAt": "End", "States": {"End": {"Type": "Fail", "Error": "Search", "Cause": "no candidate"}}}
    machine = states.create_state_machine(name="runs-dev-automl", definition=json.dumps(end), roleArn=role)
    arn = states.start_execution(stateMachineArn=machine["stateMachineArn"], name="night")["executionArn"]
    until(lambda: states.describe_execution(executionArn=arn)["status"] == "FAILED")
    subject, text = mail()
    assert (
        subject == "[runs-dev] automl: a run failed at End"
        and "reason: no candidate" in text
        and "error: Search" in text
    )


def test_a_schedule_starts_runs_under_its_own_role_and_buries_what_it_cannot_start(
    deployed: Deployed, cloud: EmbeddedCloud, bus: Any
) -> None:
    sagemaker, name = cloud.client("sagemaker"), "runs-dev-hourly"

    def runs() -> list[Any]:
        return sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]

    deployed.create("runs-hourly")
    until(lambda: len(runs()) == 1)  # a rate is due at once
    cloud.control("advance", seconds=3600)
    until(lambda: len(runs()) == 2)
    until(lambda: all(run["PipelineExecutionStatus"] == "Failed" for run in runs()))
    sagemaker.delete_pipeline(PipelineName=name, ClientRequestToken="d" * 32)
    cloud.control("advance", seconds=3600)
    [url] = cloud.client("sqs").list_queues(QueueNamePrefix="runs-TellFunctionDeadLetters")["QueueUrls"]
    [letter] = bus.received(url, 1)
    assert letter["source"] == "aws.scheduler"
    cloud.client("scheduler").delete_schedule(Name=name, GroupName=name)
