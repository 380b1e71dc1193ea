"""SageMaker's own monitors in the control plane: what CloudFormation demands of them, and the sample as it is deployed.

Nothing runs in them; what a job would write is put where it would write it.
"""

import copy
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from app import build
from config.load import ROOT, load
from config.schema import Platform
from rehearsal.embedded import EmbeddedCloud
from rehearsal.leftovers import Inventory
from rehearsal.sagemaker.native_monitors import CREATE_ONLY
from rehearsal.stories.deployed import Deployed
from tests.rehearsal.conftest import TRUST
from tests.rehearsal.serving import Serving
from tests.rehearsal.test_cloudformation import Stack

pytestmark = pytest.mark.slow

SAMPLE = ROOT / "config" / "native-monitors.yaml"
ENDPOINT = "native-monitored"
SERIAL = count()
MONITORS = "AWS::SageMaker::"


@pytest.fixture(scope="module")
def endpoint(serving: Serving) -> str:
    assert serving.endpoint(ENDPOINT, {"main": serving.model(ENDPOINT, 1.0)})["EndpointStatus"] == "InService"
    return ENDPOINT


def template(role: str, *, name: str, endpoint: str = ENDPOINT, volume_gb: int = 20) -> dict[str, Any]:
    """A definition of data quality and a schedule that runs it."""
    output = {"S3Uri": "s3://models/native", "LocalPath": "/opt/ml/processing/output"}
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": volume_gb}
    definition = {
        "JobDefinitionName": name,
        "DataQualityAppSpecification": {"ImageUri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/analyzer:1"},
        "DataQualityJobInput": {"EndpointInput": {"EndpointName": endpoint, "LocalPath": "/opt/ml/processing/input"}},
        "DataQualityJobOutputConfig": {"MonitoringOutputs": [{"S3Output": output}]},
        "JobResources": {"ClusterConfig": cluster},
        "RoleArn": role,
    }
    config = {
        "MonitoringJobDefinitionName": name,
        "MonitoringType": "DataQuality",
        "ScheduleConfig": {"ScheduleExpression": "cron(0 2 ? * * *)"},
    }
    schedule = {"MonitoringScheduleName": f"{name.rpartition('-')[0]}-daily", "MonitoringScheduleConfig": config}
    return {
        "Resources": {
            "Definition": {"Type": f"{MONITORS}DataQualityJobDefinition", "Properties": definition},
            "Schedule": {"Type": f"{MONITORS}MonitoringSchedule", "Properties": schedule, "DependsOn": "Definition"},
        }
    }


@pytest.fixture
def stack(cloud: EmbeddedCloud, role: str, endpoint: str) -> Iterator[Stack]:
    made = Stack(cloud, f"native-{next(SERIAL)}", role).only()
    yield made
    made.delete()


def there(cloud: EmbeddedCloud, name: str) -> list[str]:
    """The monitors with this in their names: type, ARN, and of a schedule what it runs, ARNs by their last part."""
    listed = [line.removeprefix(MONITORS) for line in cloud.control("inert")["inert"] if line.startswith(MONITORS)]
    parted = [line.split(" ", 2) for line in listed]
    return sorted(" ".join([kind, arn.split(":")[-1], *more]) for kind, arn, *more in parted if name in arn)


@pytest.mark.parametrize("kind", CREATE_ONLY)
def test_what_replaces_a_monitor_is_what_its_types_schema_says(kind: str) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    assert {*CREATE_ONLY[kind]} == {part.removeprefix("/properties/") for part in schema["createOnlyProperties"]}


def test_a_schedule_of_a_definition_or_an_endpoint_that_is_not_there_is_refused(stack: Stack, role: str) -> None:
    missing = template(role, name="missing-1")
    del missing["Resources"]["Definition"], missing["Resources"]["Schedule"]["DependsOn"]
    assert stack.deploy(missing) == "ROLLBACK_COMPLETE"
    assert "Could not find the job definition missing-1" in stack.reasons()
    stack.delete()
    assert stack.deploy(template(role, name="missing-1", endpoint="nobody")) == "ROLLBACK_COMPLETE"
    assert 'Could not find endpoint "nobody"' in stack.reasons()


def test_a_changed_definition_is_a_new_one_and_needs_a_new_name(stack: Stack, cloud: EmbeddedCloud, role: str) -> None:
    assert stack.deploy(template(role, name="sized-1")) == "CREATE_COMPLETE", stack.reasons()
    made = ["DataQualityJobDefinition data-quality-job-definition/sized-1"]
    made += ["MonitoringSchedule monitoring-schedule/sized-daily sized-1"]
    assert there(cloud, "sized-") == made
    assert stack.deploy(template(role, name="sized-1", volume_gb=30)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "'sized-1' already exists" in stack.reasons()
    assert there(cloud, "sized-") == made
    assert stack.deploy(template(role, name="sized-2", volume_gb=30)) == "UPDATE_COMPLETE", stack.reasons()
    assert there(cloud, "sized-") == [line.replace("sized-1", "sized-2") for line in made], "the old one is gone"


def test_a_definition_that_a_schedule_names_is_not_deleted(stack: Stack, cloud: EmbeddedCloud, role: str) -> None:
    given = template(role, name="used-1")
    assert stack.deploy(given) == "CREATE_COMPLETE", stack.reasons()
    without = copy.deepcopy(given)
    del without["Resources"]["Definition"], without["Resources"]["Schedule"]["DependsOn"]
    stack.deploy(without)
    assert "is in use by a monitoring schedule" in stack.reasons()
    assert len(there(cloud, "used-")) == 2
    stack.deploy(given)


def test_what_a_request_has_no_room_for_is_refused(stack: Stack, role: str) -> None:
    wrong = template(role, name="wrong-1")
    wrong["Resources"]["Definition"]["Properties"]["JobResources"]["ClusterConfig"]["VolumeSizeInGB"] = 0
    assert stack.deploy(wrong) == "ROLLBACK_COMPLETE"
    assert "volumeSizeInGB" in stack.reasons()


class Native(Deployed):
    """The sample, whose endpoint serves before its monitors are deployed."""

    def serve(self) -> None:
        trust = json.dumps(TRUST)
        role = self.cloud.client("iam").create_role(RoleName="native-endpoint", AssumeRolePolicyDocument=trust)["Role"]
        serving, name = Serving(self.cloud, role["Arn"]), f"{self.platform.prefix}-tabular"
        allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self.cloud.client("iam").put_role_policy(RoleName="native-endpoint", PolicyName="own", PolicyDocument=policy)
        assert serving.endpoint(name, {"main": serving.model(name, 1.0)})["EndpointStatus"] == "InService"

    def assemble(self, name: str, platform: Platform) -> None:
        """Makes the assembly of `platform` the current one."""
        self.assembly = self.out / name
        app = App(outdir=str(self.assembly), context=json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"])
        build(app, platform)
        app.synth()

    def deploy_monitors(self, log: str) -> None:
        stack = f"{self.platform.prefix}-monitoring"
        self.cdk("deploy", stack, "--require-approval", "never", "--app", str(self.assembly), log=log)

    def conclude(self, kind: str, violations: list[dict[str, str]]) -> None:
        """What a job of SageMaker's writes, where its definition says."""
        s3, bucket = self.cloud.client("s3"), self.published("artifact-bucket")
        folder = f"tabular/monitor/native/{kind}/{self.platform.prefix}-tabular/schedule/2026/11/30/02"
        statistics = {"version": 0, "dataset": {"item_count": 500}, "features": [{"name": "hue"}, {"name": "ash"}]}
        for name, told in (("statistics", statistics), ("constraint_violations", {"violations": violations})):
            s3.put_object(Bucket=bucket, Key=f"{folder}/{name}.json", Body=json.dumps(told).encode())

    def alarm(self) -> str:
        name = f"{self.platform.prefix}-tabular-drift"
        [alarm] = self.cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return alarm["StateValue"]


def sized(platform: Platform, volume_gb: int) -> Platform:
    tabular = platform.workloads["tabular"]
    assert tabular.monitor
    process = tabular.monitor.process.model_copy(update={"volume_gb": volume_gb})
    monitor = tabular.monitor.model_copy(update={"process": process})
    return platform.model_copy(update={"workloads": {"tabular": tabular.model_copy(update={"monitor": monitor})}})


def test_the_sample_is_deployed_changed_heard_and_destroyed_by_the_command_line(tmp_path: Path) -> None:
    with EmbeddedCloud(load(SAMPLE).region, tmp_path) as cloud:
        native = Native(cloud, tmp_path, config=SAMPLE)
        native.start()
        native.serve()
        native.assemble("first", native.platform)
        native.cdk("bootstrap", "--app", str(native.assembly), log="bootstrap")
        native.before = Inventory(cloud).take()
        native.deploy_monitors("first")
        made = there(cloud, "sluice-dev-tabular")
        nouns = ("DataQuality", "ModelQuality")
        definitions = {line.partition("/")[2] for line in made if "Definition " in line}
        assert {name.rpartition("-")[0] for name in definitions} == {f"sluice-dev-tabular-{noun}" for noun in nouns}
        assert {line.rpartition(" ")[2] for line in made if line.startswith("MonitoringSchedule ")} == definitions

        native.assemble("second", sized(native.platform, 30))
        native.deploy_monitors("second")
        after = there(cloud, "sluice-dev-tabular")
        others = {line.partition("/")[2] for line in after if "Definition " in line}
        assert len(after) == 4 and len(others) == 2 and not others & definitions
        assert {line.rpartition(" ")[2] for line in after if line.startswith("MonitoringSchedule ")} == others

        gone = {"feature_name": "ash", "constraint_check_type": "missing_column_check", "description": "1 is missing"}
        native.conclude("model-quality", [])
        native.conclude("data-quality", [gone])
        # Each conclusion has five minutes of the alarm for itself.
        cloud.control("advance", seconds=600)
        native.until(native.alarm, lambda state: state == "ALARM", "the alarm of drift")
        native.destroy()
        assert there(cloud, "") == []
