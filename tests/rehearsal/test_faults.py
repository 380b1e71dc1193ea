"""What goes wrong on purpose goes wrong as in AWS: clients and the cloud itself meet it and get through, or say so.

AWS, "Common Errors" of the SageMaker API: ThrottlingException is HTTP 400, InternalFailure HTTP 500; botocore retries
both ("Retries" of the Boto3 guide). AWS, "Troubleshoot execution issues in Lambda": Runtime.ExitError.
"""

import io
import json
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from rehearsal.embedded import ACCOUNT, EmbeddedCloud

pytestmark = pytest.mark.slow

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
CALLS, RATE = 300, 0.3
STRIKES_AT_ONCE = next(seed for seed in range(100) if Random(seed).random() < 0.2)
SIX_SIGMA = 6 * (CALLS * RATE * (1 - RATE)) ** 0.5


def client(cloud: EmbeddedCloud, service: str = "sagemaker", attempts: int = 1, mode: Any = "standard") -> Any:
    return boto3.client(
        service,
        region_name=cloud.region,
        endpoint_url=cloud.url,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="rehearsal",
        config=Config(retries={"mode": mode, "total_max_attempts": attempts}),
    )


def outcomes(sagemaker: Any, count: int) -> list[tuple[str, int]]:
    """The error code (empty for none) and the HTTP status of so many calls of ListModels."""
    found: list[tuple[str, int]] = []
    for _ in range(count):
        try:
            answer, code = sagemaker.list_models(), ""
        except ClientError as error:
            answer, code = error.response, error.response["Error"]["Code"]
        found.append((code, answer["ResponseMetadata"]["HTTPStatusCode"]))
    return found


@pytest.mark.parametrize(
    ("fault", "refusal"),
    [("throttle_rate", ("ThrottlingException", 400)), ("error_rate", ("InternalFailure", 500))],
)
def test_the_share_that_is_asked_for_is_refused_as_aws_refuses(
    cloud: EmbeddedCloud, fault: str, refusal: tuple[str, int]
) -> None:
    with cloud.faults(**{fault: RATE, "operations": ["ListModels"]}):
        found = outcomes(client(cloud), CALLS)
    assert set(found) == {refusal, ("", 200)}
    assert abs(found.count(refusal) - CALLS * RATE) <= SIX_SIGMA
    assert set(outcomes(client(cloud), 20)) == {("", 200)}


def test_a_throttled_call_is_worded_as_aws_words_it(cloud: EmbeddedCloud) -> None:
    with cloud.faults(throttle_rate=1, operations=["ListModels"]), pytest.raises(ClientError) as refused:
        client(cloud).list_models()
    assert refused.value.response["Error"]["Message"] == "Rate exceeded"


def test_the_same_seed_draws_the_same_and_another_one_differs(cloud: EmbeddedCloud) -> None:
    drawn = []
    for seed in (1, 1, 2):
        with cloud.faults(throttle_rate=0.5, operations=["ListModels"], seed=seed):
            drawn.append(outcomes(client(cloud), 40))
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("mode", ["standard", "adaptive"])
def test_boto3s_retries_get_through_throttling(cloud: EmbeddedCloud, mode: str) -> None:
    caller = client(cloud, attempts=8, mode=mode)
    with cloud.faults(throttle_rate=RATE, operations=["ListModels"], seed=STRIKES_AT_ONCE):
        attempts = [caller.list_models()["ResponseMetadata"]["RetryAttempts"] for _ in range(5)]
    assert attempts[0] > 0


def test_only_the_operations_that_are_named_are_concerned(cloud: EmbeddedCloud) -> None:
    with cloud.faults(throttle_rate=1, operations=["ListModels"]):
        assert client(cloud).list_endpoints()["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert set(outcomes(client(cloud), 5)) == {("ThrottlingException", 400)}


def test_the_runtime_is_throttled_too(cloud: EmbeddedCloud) -> None:
    with cloud.faults(throttle_rate=1, operations=["InvokeEndpoint"]), pytest.raises(ClientError) as refused:
        client(cloud, "sagemaker-runtime").invoke_endpoint(EndpointName="none", Body=b"1")
    assert refused.value.response["Error"]["Code"] == "ThrottlingException"


def test_latency_makes_each_call_wait_and_holds_up_no_other_one(cloud: EmbeddedCloud) -> None:
    caller = client(cloud)

    def timed(_: int) -> float:
        began = time.monotonic()
        caller.list_models()
        return time.monotonic() - began

    with cloud.faults(latency_seconds=1, operations=["ListModels"]), ThreadPoolExecutor(8) as pool:
        began = time.monotonic()
        waited = list(pool.map(timed, range(8)))
        together = time.monotonic() - began
    assert min(waited) >= 1
    assert together < 6  # one after the other, they would take eight seconds at least


def run_pipeline(cloud: EmbeddedCloud, role: str, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A pipeline of one Processing step, run to its end: the execution and its step."""
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    arguments = {
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["true"]},
        "ProcessingResources": {"ClusterConfig": cluster},
        "RoleArn": role,
    }
    steps = [{"Name": "Only", "Type": "Processing", "Arguments": arguments}]
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_pipeline(
        PipelineName=name,
        PipelineDefinition=json.dumps({"Version": "2020-12-01", "Steps": steps}),
        RoleArn=role,
        ClientRequestToken="c" * 32,
    )
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    deadline = time.monotonic() + 120
    while (told := sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn))[
        "PipelineExecutionStatus"
    ] == "Executing":
        assert time.monotonic() < deadline, told
        time.sleep(0.1)
    [step] = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    return told, step


def test_a_pipeline_gets_through_throttling_and_server_errors(cloud: EmbeddedCloud, role: str) -> None:
    def created() -> int:
        return sum(c["count"] for c in cloud.control("calls")["calls"] if c["operation"] == "CreateProcessingJob")

    before, concerned = created(), ["CreateProcessingJob", "DescribeProcessingJob"]
    with cloud.faults(throttle_rate=0.2, error_rate=0.1, operations=concerned, seed=STRIKES_AT_ONCE):
        told, step = run_pipeline(cloud, role, "throttled")
    assert (told["PipelineExecutionStatus"], step["StepStatus"]) == ("Succeeded", "Succeeded")
    assert created() >= before + 2


@pytest.mark.slow
def test_a_pipeline_that_does_not_get_through_fails_by_name(cloud: EmbeddedCloud, role: str) -> None:
    with cloud.faults(throttle_rate=1, operations=["CreateProcessingJob"]):
        told, step = run_pipeline(cloud, role, "refused")
    assert (told["PipelineExecutionStatus"], step["StepStatus"]) == ("Failed", "Failed")
    assert "ThrottlingException" in step["FailureReason"]


@pytest.fixture(scope="module")
def make_function(cloud: EmbeddedCloud) -> Callable[..., str]:
    """Makes a function that sleeps; gives the URL of the queue of its dead letters."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam, sqs = cloud.client("iam"), cloud.client("sqs")

    def make(name: str) -> str:
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr(
                "index.py", "import time\ndef handler(event, context):\n    time.sleep(event['seconds'])\n"
            )
        cloud.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role["Role"]["Arn"],
            Handler="index.handler",
            Timeout=50,
            Code={"ZipFile": code.getvalue()},
            DeadLetterConfig={"TargetArn": arn},
        )
        return url

    return make


def kill(cloud: EmbeddedCloud, name: str, times: int = 1) -> None:
    """Kill running invocations of a function until so many have been killed."""
    killed, deadline = 0, time.monotonic() + 40
    while killed < times:
        assert time.monotonic() < deadline, f"{killed} killed"
        killed += cloud.control("kill-function", name=name)["killed"]
        time.sleep(0.05)
    assert killed == times


def test_who_waits_for_a_function_that_is_killed_is_told_as_by_aws(
    cloud: EmbeddedCloud, make_function: Callable[..., str]
) -> None:
    make_function("killed")
    assert cloud.control("kill-function", name="killed") == {"killed": 0}
    with ThreadPoolExecutor(1) as pool:
        call = client(cloud, "lambda").invoke
        waiting = pool.submit(call, FunctionName="killed", Payload=b'{"seconds": 45}')
        kill(cloud, "killed")
        answer = waiting.result()
    told = json.loads(answer["Payload"].read())
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert told["errorType"] == "Runtime.ExitError"
    assert told["errorMessage"].startswith("RequestId: ")
    assert told["errorMessage"].endswith(" Error: Runtime exited with error: signal: killed")
    answer = client(cloud, "lambda").invoke(FunctionName="killed", Payload=b'{"seconds": 0}')
    assert "FunctionError" not in answer


def test_an_event_whose_function_is_killed_is_retried_twice_and_then_a_dead_letter(
    cloud: EmbeddedCloud, make_function: Callable[..., str]
) -> None:
    url = make_function("killed-thrice")
    client(cloud, "lambda").invoke(
        FunctionName="killed-thrice", InvocationType="Event", Payload=b'{"seconds": 45, "number": 7}'
    )
    kill(cloud, "killed-thrice", times=3)
    answer = cloud.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20, MessageAttributeNames=["All"])
    [letter] = answer["Messages"]
    assert json.loads(letter["Body"]) == {"seconds": 45, "number": 7}
    assert letter["MessageAttributes"]["ErrorMessage"]["StringValue"].endswith("signal: killed")
