"""The deployed governor, under the statements of its own role, brings real spot jobs to their end on demand."""

import importlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rehearsal.embedded import EmbeddedCloud
from sluice import archive, function
from tests.rehearsal.bus import Bus
from tests.rehearsal.jobbing import ENDED, SKLEARN, lines, text, unpacked, until
from tests.rehearsal.searching import PLANE, QUADRATIC, Searching
from tests.rehearsal.test_spot import COUNT

jobs_cloud = importlib.import_module("tests.lambda.jobs_cloud")  # `lambda` is a keyword
governing = importlib.import_module("tests.lambda.governing")
pytestmark = pytest.mark.slow
OURS = [{"Key": "sluice:platform", "Value": "sluice-dev"}, {"Key": "sluice:owner", "Value": "ada"}]
SMALL = ["ml.m5.large"]
TABLE, BUCKET = "jobs-ledger", "jobs-prices"
# What no call of the function shows: its log and its letters are the service's own, and nothing here is encrypted.
_UNUSED = ("logs:", "sqs:", "kms:")


@pytest.fixture(scope="module")
def job_role(make_role: Callable[[str, list[dict[str, Any]]], str]) -> str:
    """A role with a name of the platform's, which are the only ones that the governor may hand on."""
    return make_role("sluice-dev-training-jobs", [{"Effect": "Allow", "Action": "*", "Resource": "*"}])


@pytest.fixture(scope="module")
def mail(cloud: EmbeddedCloud, bus: Bus) -> tuple[str, str]:
    """The ARN of the topic, and the URL of a queue that listens to it."""
    url, arn = bus.queue("jobs-mail")
    topic = cloud.client("sns").create_topic(Name="jobs-alerts")["TopicArn"]
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return topic, url


@pytest.fixture(scope="module")
def ledger(cloud: EmbeddedCloud) -> str:
    """The ARN of the table."""
    keys = (("subject", "HASH"), ("at", "RANGE"))
    made = cloud.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    return made["TableDescription"]["TableArn"]


@pytest.fixture(scope="module")
def governor(cloud: EmbeddedCloud, ledger: str, mail: tuple[str, str]) -> Iterator[None]:
    """The deployed package's function, told of every event about jobs, each twice."""
    deployed = governing.deployed()
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    place = f"arn:aws:s3:::{BUCKET}"
    prices = f"{deployed.environment['SLUICE_ARTIFACT_BUCKET']}.Arn/"
    real = {"Ledger": ledger, "Alerts": mail[0], prices: f"{place}/*", prices[:-1]: place}
    statements = [
        {
            "Effect": "Allow",
            "Action": each.actions,
            "Resource": [next((arn for name, arn in real.items() if r.startswith(name)), r) for r in each.resources],
            **({"Condition": each.conditions} if each.conditions else {}),
        }
        for each in deployed.statements
        if not each.actions[0].startswith(_UNUSED)
    ]
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam, version = cloud.client("iam"), {"Version": "2012-10-17"}
    document = json.dumps({**version, "Statement": [trust]})
    role = iam.create_role(RoleName="governs", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    document = json.dumps({**version, "Statement": statements})
    iam.put_role_policy(RoleName="governs", PolicyName="own", PolicyDocument=document)
    packed = archive.write(
        function.PACKAGE, {"": function.DEPENDENCIES, "controls/": function.CONTROLS}, unwanted=function.UNWANTED
    )
    own = {"SLUICE_LEDGER_TABLE": TABLE, "SLUICE_TOPIC_ARN": mail[0], "SLUICE_ARTIFACT_BUCKET": BUCKET}
    made = cloud.client("lambda").create_function(
        FunctionName="sluice-dev-govern",
        Runtime="python3.13",
        Role=role,
        Handler="controls.govern.handler",
        Timeout=120,
        Code={"ZipFile": packed.read_bytes()},
        Environment={"Variables": deployed.environment | own},
    )
    pattern = {"source": ["aws.sagemaker"], "detail-type": [*jobs_cloud.DETAIL_TYPES.values()]}
    cloud.client("events").put_rule(Name="govern", EventPattern=json.dumps(pattern))
    cloud.client("events").put_targets(Rule="govern", Targets=[{"Id": "only", "Arn": made["FunctionArn"]}])
    allowed = {"Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com", "StatementId": "rule"}
    cloud.client("lambda").add_permission(FunctionName=made["FunctionArn"], **allowed)
    with cloud.faults(events_twice=True):
        yield
    cloud.client("events").remove_targets(Rule="govern", Ids=["only"])


def count(cloud: EmbeddedCloud, role: str, name: str, pause_at: int) -> None:
    """Add up to 30 as spot with a checkpoint a step; the first attempt waits, for ever, at a step of these if any."""
    s3 = cloud.client("s3")
    s3.put_object(Bucket="jobs", Key="scripts/count/main.py", Body=COUNT.encode())
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://jobs/scripts/count/"}}
    cloud.client("sagemaker").create_training_job(
        TrainingJobName=name,
        RoleArn=role,
        AlgorithmSpecification={
            "TrainingImage": SKLEARN,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "/opt/ml/input/data/main/main.py"],
        },
        InputDataConfig=[{"ChannelName": "main", "DataSource": source}],
        OutputDataConfig={"S3OutputPath": "s3://jobs/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
        EnableManagedSpotTraining=True,
        CheckpointConfig={"S3Uri": "s3://jobs/checkpoints/run"},
        Environment={"CHECKPOINTS": "/opt/ml/checkpoints", "PAUSE_AT": str(pause_at)},
        Tags=OURS,
    )


def described(cloud: EmbeddedCloud, name: str) -> dict[str, Any]:
    return cloud.client("sagemaker").describe_training_job(TrainingJobName=name)


def is_there(cloud: EmbeddedCloud, name: str) -> bool:
    return bool(cloud.client("sagemaker").list_training_jobs(NameContains=name)["TrainingJobSummaries"])


def ended(cloud: EmbeddedCloud, name: str) -> dict[str, Any]:
    until(lambda: described(cloud, name)["TrainingJobStatus"] in ENDED, lambda: described(cloud, name))
    return described(cloud, name)


def checkpoint(cloud: EmbeddedCloud) -> str:
    found = cloud.client("s3").list_objects_v2(Bucket="jobs", Prefix="checkpoints/run/state.json").get("Contents")
    return text(cloud, "checkpoints/run/state.json") if found else ""


def items(cloud: EmbeddedCloud, subject: str) -> list[dict[str, Any]]:
    """What the ledger has under a topic, or as entries about a training job."""
    found = cloud.client("dynamodb").query(
        TableName=TABLE,
        KeyConditionExpression="subject = :s",
        ExpressionAttributeValues={":s": {"S": subject}},
        ConsistentRead=True,
    )["Items"]
    return [{name: next(iter(value.values())) for name, value in item.items()} for item in found]


def began(cloud: EmbeddedCloud, name: str) -> list[int]:
    """From which step each attempt of a job went on."""
    return [int(line.split()[1]) for line in lines(cloud, "TrainingJob", name) if line.startswith("from ")]


def test_a_spot_job_that_loses_its_capacity_is_finished_on_demand_from_its_checkpoint(
    cloud: EmbeddedCloud, governor: None, job_role: str, bus: Bus, mail: tuple[str, str]
) -> None:
    cloud.client("s3").create_bucket(Bucket="jobs")
    with cloud.faults(interrupt_spot_after_seconds=100):
        count(cloud, job_role, "count", pause_at=12)
        until(lambda: '"step": 12' in checkpoint(cloud))
        with cloud.faults(no_spot_capacity=SMALL):
            cloud.control("advance", seconds=101)
            until(lambda: described(cloud, "count")["SecondaryStatus"] == "Starting")
            cloud.control("advance", seconds=7200)
            job = ended(cloud, "count")
            assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")
            until(lambda: is_there(cloud, "count-od"))
            again = ended(cloud, "count-od")
    assert again["TrainingJobStatus"] == "Completed", again.get("FailureReason")
    assert not again["EnableManagedSpotTraining"] and again["CheckpointConfig"] == job["CheckpointConfig"]
    assert began(cloud, "count-od") == [12]
    assert unpacked(cloud, "out/count-od/output/model.tar.gz") == {"sum": "465"}
    tags = cloud.client("sagemaker").list_tags(ResourceArn=again["TrainingJobArn"])["Tags"]
    assert {"Key": "sluice:fallback-of", "Value": "count"} in tags and OURS[1] in tags

    until(lambda: len(items(cloud, "ended-job")) == 2, lambda: items(cloud, "ended-job"))
    [entry] = items(cloud, job["TrainingJobArn"])
    assert (entry["outcome"], entry["rule"], entry["owner"]) == ("saved", "spot", "ada")
    outcomes = [entry["outcome"] for entry in items(cloud, again["TrainingJobArn"])]
    assert sorted(outcomes) == ["ended", "started"], "twice told of each, it counted each once"
    [known] = items(cloud, "fallback")
    assert (known["decision"], known["outcome"]) == ("start", "started")
    subjects = {message["Subject"] for message in bus.taken(mail[1])}
    assert "[sluice-dev] count goes on on demand as count-od" in subjects
    assert "[sluice-dev] count-od has ended: Completed" in subjects


def test_a_retried_step_finds_what_the_job_on_demand_has_finished(
    cloud: EmbeddedCloud, governor: None, job_role: str
) -> None:
    """A retry asks for the step's job anew, under another name, as spot and with the execution's own checkpoints."""
    count(cloud, job_role, "retried", pause_at=0)
    assert ended(cloud, "retried")["TrainingJobStatus"] == "Completed"
    assert began(cloud, "retried") == [30], "nothing is left to train"
    assert unpacked(cloud, "out/retried/output/model.tar.gz") == {"sum": "465"}


def test_a_search_without_spot_capacity_is_made_on_demand(
    cloud: EmbeddedCloud, governor: None, searching: Searching, job_role: str
) -> None:
    definition = {
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 600},
        "RoleArn": job_role,
    }
    with cloud.faults(no_spot_capacity=SMALL):
        searching.tune("search", QUADRATIC, PLANE, jobs=2, definition=definition, Tags=OURS)
        until(lambda: len(searching.jobs("search")) == 2)
        cloud.control("advance", seconds=601)
        assert searching.ended("search")["HyperParameterTuningJobStatus"] == "Failed"
        until(lambda: is_there(cloud, "search-od-"))
        made = searching.ended("search-od")
    assert made["HyperParameterTuningJobStatus"] == "Completed", made.get("FailureReason")
    assert made["TrainingJobStatusCounters"]["Completed"] == 2
    until(lambda: any(each["at"].endswith("/search") and each["done"] for each in items(cloud, "fallback")))
