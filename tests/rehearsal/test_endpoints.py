"""Endpoints over HTTP: which variant answers, what an update costs the callers, what CloudWatch hears of it."""

import re
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal import processes
from rehearsal.embedded import ACCOUNT, EmbeddedCloud
from rehearsal.sagemaker import container_log
from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.container_log import ContainerLog
from rehearsal.sagemaker.endpoints import Variant
from rehearsal.sagemaker.serving_container import ServingContainer
from tests.rehearsal.serving import KMEANS, Serving, log_events, refusal

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shared(serving: Serving) -> dict[str, Any]:
    """An endpoint of two variants, three to one; the heavy one has its centre at 1, the light one at 2."""
    models = {"heavy": serving.model("at-1", 1), "light": serving.model("at-2", 2)}
    answer = serving.endpoint("shared", models, weights={"heavy": 3, "light": 1}, InitialInstanceCount=2)
    assert answer["EndpointStatus"] == "InService", answer.get("FailureReason")
    return answer


def test_requests_are_shared_among_the_variants_by_weight(serving: Serving, shared: dict[str, Any]) -> None:
    answers = Counter(serving.distance("shared") for _ in range(400))
    assert set(answers) == {("heavy", 1.0), ("light", 2.0)}
    # Binomial with n = 400, p = 3/4: 300 expected, standard deviation 8.7; six of them are one chance in 5e8.
    assert 248 <= answers["heavy", 1.0] <= 352
    weights = {v["VariantName"]: (v["CurrentWeight"], v["CurrentInstanceCount"]) for v in shared["ProductionVariants"]}
    assert weights == {"heavy": (3.0, 2), "light": (1.0, 2)}


def test_a_request_that_names_a_variant_reaches_that_one(serving: Serving, shared: dict[str, Any]) -> None:
    assert {serving.distance("shared", TargetVariant="light") for _ in range(20)} == {("light", 2.0)}
    refused = refusal(serving.runtime.invoke_endpoint, EndpointName="shared", Body=b"1", TargetVariant="none")
    assert refused["Error"]["Code"] == "ValidationError" and "none" in refused["Error"]["Message"]


def test_an_endpoint_serves_a_model_package_until_it_is_deleted(serving: Serving) -> None:
    serving.model("packaged", 3)
    serving.sagemaker.create_model_package_group(ModelPackageGroupName="served")
    container = {"Image": KMEANS, "ModelDataUrl": "s3://models/packaged/model.tar.gz"}
    types = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["application/json"]}
    package = serving.sagemaker.create_model_package(
        ModelPackageGroupName="served", InferenceSpecification={"Containers": [container], **types}
    )["ModelPackageArn"]
    models = {"main": serving.model("by-package", None, ModelPackageName=package)}
    answer = serving.endpoint("by-package", models)
    assert answer["EndpointStatus"] == "InService", answer.get("FailureReason")
    assert serving.distance("by-package") == ("main", 3.0)
    serving.sagemaker.delete_endpoint(EndpointName="by-package")
    refused = refusal(serving.runtime.invoke_endpoint, EndpointName="by-package", Body=b"1")
    assert refused["Error"]["Message"] == f"Endpoint by-package of account {ACCOUNT} not found."


def test_an_update_loses_no_request_and_a_failed_one_leaves_the_old_variants(serving: Serving) -> None:
    models = [serving.model(f"version-{centre}", centre) for centre in (1, 2)]
    assert serving.endpoint("updated", {"main": models[0]})["EndpointStatus"] == "InService"
    serving.config("second", {"main": models[1]})
    serving.config("broken", {"main": serving.model("empty", None)})

    def update(config: str) -> tuple[dict[str, Any], list[float]]:
        """The endpoint after an update, and the distances that two callers saw from before it until after it."""
        seen: list[float] = []
        over = threading.Event()

        def call() -> None:
            while not over.is_set():
                seen.append(serving.distance("updated")[1])

        with ThreadPoolExecutor(2) as pool:
            callers = [pool.submit(call) for _ in range(2)]
            serving.sagemaker.update_endpoint(EndpointName="updated", EndpointConfigName=config)
            during = refusal(serving.sagemaker.update_endpoint, EndpointName="updated", EndpointConfigName=config)
            answer, most = serving.settled("updated"), len(seen)
            deadline = time.monotonic() + 20
            while len(seen) < most + 10 and time.monotonic() < deadline:
                time.sleep(0.01)
            over.set()
        assert "Cannot update in-progress endpoint" in during["Error"]["Message"]
        assert [caller.exception() for caller in callers] == [None, None]
        return answer, seen

    # API_EndpointMetadata, FailureReason: "the status is InService but update operation fails".
    answer, seen = update("broken")
    assert (answer["EndpointStatus"], answer["EndpointConfigName"]) == ("InService", "updated")
    assert "production variant main did not pass the ping health check" in answer["FailureReason"]
    assert set(seen) == {1.0}
    answer, seen = update("second")
    assert (answer["EndpointStatus"], answer["EndpointConfigName"]) == ("InService", "second")
    assert "FailureReason" not in answer
    assert set(seen) == {1.0, 2.0} and seen[-1] == 2.0


def test_a_container_ends_when_its_last_request_is_answered(tmp_path: Path) -> None:
    (tmp_path / "serve.log").touch()
    process = processes.start(["sleep", "60"], env={}, cwd=tmp_path, log=tmp_path / "serve.log")
    log = threading.Thread(target=process.wait)
    log.start()
    variant = Variant("main", 1.0, 1, ServingContainer(0, process, tmp_path), log, None)
    variant.take()
    ending = threading.Thread(target=variant.end)
    ending.start()
    ending.join(0.3)
    assert ending.is_alive() and process.poll() is None
    variant.leave()
    ending.join(20)
    assert not ending.is_alive() and process.poll() is not None and not tmp_path.exists()


def test_an_endpoint_that_cannot_be_created_fails_with_its_reason(
    cloud: EmbeddedCloud, serving: Serving, make_role: Any
) -> None:
    answer = serving.endpoint("unborn", {"main": serving.model("nothing", None)})
    assert answer["EndpointStatus"] == "Failed"
    assert "The primary container for production variant main did not pass the ping" in answer["FailureReason"]
    refused = refusal(serving.runtime.invoke_endpoint, EndpointName="unborn", Body=b"1")
    assert refused["Error"]["Message"] == f"Endpoint unborn of account {ACCOUNT} not found."
    refused = refusal(serving.sagemaker.update_endpoint, EndpointName="unborn", EndpointConfigName="unborn")
    assert refused["Error"]["Code"] == "ValidationException"
    names = [e["message"] for e in log_events(cloud, "unborn")]
    assert any("model_algo-1" in line for line in names), "the container's own words are in the log"

    barred = make_role("cannot-read-models", [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}])
    answer = serving.endpoint("unread", {"main": serving.model("unreadable", 1, barred)})
    assert answer["EndpointStatus"] == "Failed" and "403" in answer["FailureReason"]


def test_what_a_container_prints_is_in_the_log_of_its_endpoint(
    cloud: EmbeddedCloud, serving: Serving, shared: dict[str, Any]
) -> None:
    serving.distance("shared", TargetVariant="light")
    deadline = time.monotonic() + 20
    while not (lines := [e for e in log_events(cloud, "shared") if e["logStreamName"].startswith("light/")]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert {bool(re.fullmatch(r"light/i-[0-9a-f]{17}", e["logStreamName"])) for e in lines} == {True}
    assert any("/ping" in e["message"] for e in lines)


def sums(cloud: EmbeddedCloud, endpoint: str, variant: str) -> dict[str, float]:
    """The sum of every metric of a variant, so far."""
    cloudwatch, now = cloud.client("cloudwatch"), time.time()
    dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
    names = sorted({m["MetricName"] for m in cloudwatch.list_metrics(Namespace="AWS/SageMaker")["Metrics"]})
    queries = []
    for i, name in enumerate(names):
        metric = {"Namespace": "AWS/SageMaker", "MetricName": name, "Dimensions": dimensions}
        queries.append({"Id": f"m{i}", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Sum"}})
    found = cloudwatch.get_metric_data(
        MetricDataQueries=queries, StartTime=now - 7200, EndTime=now + 30 * 86400
    )  # a test may have moved the cloud's clock on
    return {names[int(r["Id"][1:])]: sum(r["Values"]) for r in found["MetricDataResults"]}


def test_each_request_is_counted_for_its_variant(
    cloud: EmbeddedCloud, serving: Serving, shared: dict[str, Any]
) -> None:
    """AWS, "Monitor SageMaker AI with CloudWatch", endpoint invocation metrics."""
    serving.distance("shared", TargetVariant="light")
    before = sums(cloud, "shared", "light")
    ask = {"EndpointName": "shared", "ContentType": "text/csv", "TargetVariant": "light"}
    serving.distance("shared", TargetVariant="light")
    serving.distance("shared", TargetVariant="heavy")
    for body in ("1,2,3", "1,2,3", "not a number"):  # each a 400
        assert refusal(serving.runtime.invoke_endpoint, **ask, Body=body)["Error"]["Code"] == "ModelError"
    after = sums(cloud, "shared", "light")
    grown = {name: after[name] - before[name] for name in after}
    assert grown.pop("ModelLatency") > 0 and grown.pop("OverheadLatency") > 0
    assert grown == {
        "Invocations": 4,
        "InvocationsPerInstance": 2,  # 1/instances per request
        "Invocation4XXErrors": 3,
        "Invocation5XXErrors": 0,
        "InvocationModelErrors": 3,
    }


def test_a_models_refusal_is_told_as_aws_tells_it(serving: Serving, shared: dict[str, Any]) -> None:
    refused = refusal(
        serving.runtime.invoke_endpoint, EndpointName="shared", ContentType="text/plain", Body="x", Accept="text/csv"
    )
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert (refused["OriginalStatusCode"], refused["OriginalMessage"]) == (415, "only text/csv is served here")
    assert refused["LogStreamArn"].endswith(f":{ACCOUNT}:log-group:/aws/sagemaker/Endpoints/shared")
    assert refused["Error"]["Message"].startswith(
        'Received client error (415) from primary with message "only text/csv is served here". See https://us-east-1.'
    )


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"EnableNetworkIsolation": True}, "EnableNetworkIsolation"),
        ({"weights": {"main": 0}}, "all 0"),
        ({"InitialInstanceCount": 1, "ShadowProductionVariants": []}, "ShadowProductionVariants"),
    ],
)
def test_a_configuration_that_is_not_emulated_is_refused_by_name(
    serving: Serving, more: dict[str, Any], name: str
) -> None:
    model = f"for-{name.lower().replace(' ', '-')}"
    if "ShadowProductionVariants" in more:
        shadow = {"VariantName": "shadow", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        more["ShadowProductionVariants"] = [shadow]
    with pytest.raises(ClientError, match=f"{name} .*not emulated"):
        serving.config("refused", {"main": serving.model(model, 1)}, **more)


def test_an_update_that_is_not_emulated_is_refused_by_name(serving: Serving, shared: dict[str, Any]) -> None:
    ask = {"EndpointName": "shared", "EndpointConfigName": "shared"}
    for more in (
        {"RetainAllVariantProperties": True},
        {"ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DataCaptureConfig"}]},
        {"DeploymentConfig": {"RollingUpdatePolicy": _ROLLING}},
    ):
        with pytest.raises(ClientError, match=f"{next(iter(more))} .*not emulated"):
            serving.sagemaker.update_endpoint(**ask, **more)
    assert serving.settled("shared")["EndpointStatus"] == "InService"


_ROLLING = {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 0}


def test_a_role_that_may_not_write_logs_loses_them_and_serves(
    cloud: EmbeddedCloud, serving: Serving, make_role: Any
) -> None:
    mute = make_role("reads-models", [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}])
    assert serving.endpoint("mute", {"main": serving.model("mute", 1, mute)})["EndpointStatus"] == "InService"
    assert serving.distance("mute") == ("main", 1.0)
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix="/aws/sagemaker/Endpoints/mute")["logGroups"]
    assert groups == []


def test_lines_that_cannot_be_written_are_lost_and_later_ones_are_written(tmp_path: Path) -> None:
    written: list[str] = []
    refused = ClientError({"Error": {"Code": "AccessDeniedException"}}, "CreateLogGroup")

    class Logs:
        exceptions = SimpleNamespace(ResourceAlreadyExistsException=KeyError)

        def create_log_group(self, **_: Any) -> None:
            raise KeyError("it exists")

        def create_log_stream(self, **_: Any) -> None: ...
        def put_log_events(self, *, logEvents: list[dict[str, Any]], **_: Any) -> None:  # noqa: N803
            written.extend(event["message"] for event in logEvents)

    answers: list[Any] = [refused, Logs()]

    def open_logs() -> Any:
        if isinstance(answer := answers.pop(0), ClientError):
            raise answer
        return answer

    log = ContainerLog(tmp_path / "log", "group", "stream", open_logs, Clock())
    log.say("first")
    log.carry(to_the_end=True)
    assert written == []
    for text in ("second", "", "third"):
        log.say(text)
        log.carry(to_the_end=True)
    assert written == ["second", " ", "third"]


def test_an_endpoint_without_capacity_fails_in_awss_words(cloud: EmbeddedCloud, serving: Serving) -> None:
    with cloud.faults(no_capacity=["ml.m5.large"]):
        answer = serving.endpoint("crowded", {"main": serving.model("crowded", 1)})
    assert answer["EndpointStatus"] == "Failed"
    assert "Unable to provision requested ML compute capacity due to InsufficientInst" in answer["FailureReason"]


def test_a_full_chunk_of_a_log_is_cut_between_lines(cloud: EmbeddedCloud, tmp_path: Path) -> None:
    line, path = "x" * 999, tmp_path / "log"
    path.write_text(f"{line}\n" * 600 + "unfinished")
    log = ContainerLog(path, "cut", "one", lambda: cloud.client("logs"), Clock())
    assert log.carry(to_the_end=False) == [line] * 600
    assert log.carry(to_the_end=True) == ["unfinished"]
    path.write_text("y" * (container_log.CHUNK_BYTES + 5))
    log = ContainerLog(path, "cut", "two", lambda: cloud.client("logs"), Clock())
    assert [len(part) for part in log.carry(to_the_end=True)] == [container_log.CHUNK_BYTES, 5]


def test_an_asynchronous_endpoint_is_not_invoked_directly(serving: Serving) -> None:
    output = {"OutputConfig": {"S3OutputPath": "s3://models/out"}}
    told = serving.endpoint("queued", {"main": serving.model("queued", 1)}, AsyncInferenceConfig=output)
    assert (told["EndpointStatus"], told["AsyncInferenceConfig"]) == ("InService", output)
    with pytest.raises(ClientError, match="is asynchronous"):
        serving.runtime.invoke_endpoint(EndpointName="queued", ContentType="text/csv", Body=b"1")
    serving.sagemaker.delete_endpoint(EndpointName="queued")


def test_a_serverless_endpoint_answers_and_tells_its_size(serving: Serving) -> None:
    size = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
    variant = {"VariantName": "main", "ModelName": serving.model("small", 1), "ServerlessConfig": size}
    serving.sagemaker.create_endpoint_config(EndpointConfigName="small", ProductionVariants=[variant])
    serving.sagemaker.create_endpoint(EndpointName="small", EndpointConfigName="small")
    [told] = serving.settled("small")["ProductionVariants"]
    assert told["CurrentServerlessConfig"] == size and "CurrentInstanceCount" not in told
    serving.runtime.invoke_endpoint(EndpointName="small", ContentType="text/csv", Body=b"1")
    serving.sagemaker.delete_endpoint(EndpointName="small")


def test_an_endpoint_for_components_is_in_service_without_a_model(serving: Serving, role: str) -> None:
    scaling = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 1}
    variant = {"VariantName": "main", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    config = {"EndpointConfigName": "hosts", "ProductionVariants": [{**variant, "ManagedInstanceScaling": scaling}]}
    with pytest.raises(ClientError, match="needs an ExecutionRoleArn"):
        serving.sagemaker.create_endpoint_config(**config)
    serving.sagemaker.create_endpoint_config(**config, ExecutionRoleArn=role)
    serving.sagemaker.create_endpoint(EndpointName="hosts", EndpointConfigName="hosts")
    told = serving.settled("hosts")
    assert (told["EndpointStatus"], told["ProductionVariants"][0]["ManagedInstanceScaling"]) == ("InService", scaling)
    with pytest.raises(ClientError, match="inference components is not emulated"):
        serving.runtime.invoke_endpoint(EndpointName="hosts", ContentType="text/csv", Body=b"1")
    serving.sagemaker.delete_endpoint(EndpointName="hosts")
