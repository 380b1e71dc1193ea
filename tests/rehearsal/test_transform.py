"""Transform jobs and the script server: every object through a model's container, as CreateTransformJob says."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.embedded import EmbeddedCloud
from rehearsal.sagemaker.transform import batches
from tests.rehearsal.jobbing import ENDED, SKLEARN, Workshop, lines, packed, text, until

pytestmark = pytest.mark.slow

# Answers each request with what came: so many lines, and the sum of each line's numbers.
ECHO = """
import time
def model_fn(folder):
    return open(folder + '/code/inference.py').read()
def input_fn(body, kind):
    if body.startswith('bad'):
        raise ValueError('bad record')
    if body.startswith('slow'):
        time.sleep(300)
    return [line for line in body.split('\\n') if line]
def predict_fn(data, model):
    return [str(sum(float(v) for v in line.split(','))) for line in data]
def output_fn(prediction, accept):
    return ' '.join(prediction) + f' ({len(prediction)})', accept
"""
CENTRE = """
import numpy as np
class Model:
    def predict(self, rows):
        return np.atleast_2d(rows).sum(axis=1)
def model_fn(folder):
    return Model()
"""


@pytest.fixture(scope="module")
def model(cloud: EmbeddedCloud, role: str) -> Callable[[str, str], str]:
    cloud.client("s3").create_bucket(Bucket="jobs")

    def make(name: str, script: str) -> str:
        key = f"models/{name}.tar.gz"
        cloud.client("s3").put_object(Bucket="jobs", Key=key, Body=packed(code__inference=script))
        container = {"Image": SKLEARN, "ModelDataUrl": f"s3://jobs/{key}"}
        cloud.client("sagemaker").create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
        return name

    return make


@pytest.fixture(scope="module")
def echo(model: Callable[[str, str], str]) -> str:
    return model("echo", ECHO)


def put(cloud: EmbeddedCloud, prefix: str, **files: str) -> str:
    for name, content in files.items():
        cloud.client("s3").put_object(Bucket="jobs", Key=f"{prefix}/{name}.csv", Body=content.encode())
    return f"s3://jobs/{prefix}/"


def request(name: str, model_name: str, uri: str, **more: Any) -> dict[str, Any]:
    source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}, "ContentType": "text/csv"}
    return {
        "TransformJobName": name,
        "ModelName": model_name,
        "TransformInput": source | more.pop("TransformInput", {}),
        "TransformOutput": {"S3OutputPath": f"s3://jobs/{name}-out"} | more.pop("TransformOutput", {}),
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": more.pop("instances", 1)},
        **more,
    }


def carry_out(cloud: EmbeddedCloud, asked: dict[str, Any]) -> dict[str, Any]:
    sagemaker, name = cloud.client("sagemaker"), asked["TransformJobName"]
    sagemaker.create_transform_job(**asked)
    until(lambda: sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"] in ENDED)
    return sagemaker.describe_transform_job(TransformJobName=name)


def test_every_object_becomes_an_out_object(cloud: EmbeddedCloud, echo: str) -> None:
    uri = put(cloud, "whole", a="1,2\n3,4\n", b="5,5\n")
    job = carry_out(cloud, request("whole", echo, uri, instances=2))
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert text(cloud, "whole-out/a.csv.out") == "3.0 7.0 (2)"
    assert text(cloud, "whole-out/b.csv.out") == "10.0 (1)"
    assert job["CreationTime"] <= job["TransformStartTime"] <= job["TransformEndTime"]
    summaries = cloud.client("sagemaker").list_transform_jobs(NameContains="whole")["TransformJobSummaries"]
    assert [s["TransformJobStatus"] for s in summaries] == ["Completed"]
    assert any(line.startswith("stand-in: ") for line in lines(cloud, "TransformJob", "whole"))


@pytest.mark.parametrize(
    ("strategy", "assembled", "expected"),
    [
        ("SingleRecord", "Line", "3.0 (1)\n7.0 (1)\n"),
        ("SingleRecord", "None", "3.0 (1)7.0 (1)"),
        ("MultiRecord", "Line", "3.0 7.0 (2)\n"),
    ],
)
def test_lines_are_sent_alone_or_together_and_answers_assembled(
    cloud: EmbeddedCloud, echo: str, strategy: str, assembled: str, expected: str
) -> None:
    name = f"lines-{strategy}-{assembled}"
    uri = put(cloud, name, a="1,2\n3,4\n")
    asked = request(
        name,
        echo,
        uri,
        BatchStrategy=strategy,
        TransformInput={"SplitType": "Line"},
        TransformOutput={"AssembleWith": assembled},
    )
    job = carry_out(cloud, asked)
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert text(cloud, f"{name}-out/a.csv.out") == expected


def test_a_batch_is_as_many_lines_as_fit() -> None:
    assert list(batches(b"aa\nbb\ncc\n", 5, 5)) == [b"aa\nbb", b"cc"]
    assert list(batches(b"aa\nbb\ncc\n", 1, 5)) == [b"aa", b"bb", b"cc"]
    assert list(batches(b"aaaaaaaa\nb", 5, 5)) == [b"aaaaaaaa", b"b"]
    assert list(batches(b"", 5, 5)) == []


def test_an_object_that_fails_fails_the_job_and_leaves_the_others(cloud: EmbeddedCloud, echo: str) -> None:
    uri = put(cloud, "mixed", a="bad", b="1,1")
    job = carry_out(cloud, request("mixed", echo, uri, ModelClientConfig={"InvocationsMaxRetries": 0}))
    assert job["TransformJobStatus"] == "Failed"
    assert "1 of 2 objects failed" in job["FailureReason"] and "bad record" in job["FailureReason"]
    kept = cloud.client("s3").list_objects_v2(Bucket="jobs", Prefix="mixed-out/")["Contents"]
    assert [item["Key"] for item in kept] == ["mixed-out/b.csv.out"]


def test_a_payload_beyond_the_limit_fails(cloud: EmbeddedCloud, echo: str) -> None:
    uri = put(cloud, "large", a="1\n" * 700_000)
    job = carry_out(cloud, request("large", echo, uri, MaxPayloadInMB=1))
    assert job["TransformJobStatus"] == "Failed" and "MaxPayloadInMB" in job["FailureReason"]


def test_a_stopped_job_stores_nothing(cloud: EmbeddedCloud, echo: str) -> None:
    sagemaker = cloud.client("sagemaker")
    uri = put(cloud, "halted", a="1,2", b="slow")
    sagemaker.create_transform_job(**request("halted", echo, uri))
    until(lambda: any("POST /invocations" in line for line in lines(cloud, "TransformJob", "halted")))
    sagemaker.stop_transform_job(TransformJobName="halted")
    until(lambda: sagemaker.describe_transform_job(TransformJobName="halted")["TransformJobStatus"] in ENDED)
    assert sagemaker.describe_transform_job(TransformJobName="halted")["TransformJobStatus"] == "Stopped"
    assert "Contents" not in cloud.client("s3").list_objects_v2(Bucket="jobs", Prefix="halted-out/")


def test_the_default_functions_read_csv_and_json_and_write_what_is_accepted(
    cloud: EmbeddedCloud, model: Callable[[str, str], str]
) -> None:
    name = model("defaults", CENTRE)
    as_csv = request("d-csv", name, put(cloud, "d-csv", a="1,2\n3,4"), TransformOutput={"Accept": "text/csv"})
    assert carry_out(cloud, as_csv)["TransformJobStatus"] == "Completed"
    assert text(cloud, "d-csv-out/a.csv.out").split() == ["3.0", "7.0"]
    uri = put(cloud, "d-json", a=json.dumps([[1, 2], [3, 4]]))
    as_json = request("d-json", name, uri, TransformInput={"ContentType": "application/json"})
    assert carry_out(cloud, as_json)["TransformJobStatus"] == "Completed"
    assert json.loads(text(cloud, "d-json-out/a.csv.out")) == [3, 7]
    unread = request("d-xml", name, put(cloud, "d-xml", a="<a/>"), TransformInput={"ContentType": "text/xml"})
    assert "HTTP 415" in carry_out(cloud, unread)["FailureReason"]


def test_a_model_whose_script_does_not_load_fails_the_job(
    cloud: EmbeddedCloud, model: Callable[[str, str], str]
) -> None:
    name = model("broken", "import no_such_module")
    job = carry_out(cloud, request("broken", name, put(cloud, "broken", a="1")))
    assert job["TransformJobStatus"] == "Failed" and "no_such_module" in job["FailureReason"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"ModelName": "none"}, "Could not find model"),
        ({"DataProcessing": {"JoinSource": "Input"}}, "JoinSource as asked for is not emulated"),
        ({"DataProcessing": {"InputFilter": "$[1:]"}}, "InputFilter as asked for is not emulated"),
        ({"TransformInput": {"SplitType": "RecordIO"}}, "SplitType as asked for is not emulated"),
        ({"BatchStrategy": "SingleRecord"}, "BatchStrategy needs a SplitType"),
        ({"MaxConcurrentTransforms": 30}, "cannot exceed 100 MB"),
    ],
)
def test_what_a_transform_job_may_not_ask_for_is_refused(
    cloud: EmbeddedCloud, echo: str, more: dict[str, Any], words: str
) -> None:
    asked = dict(more)
    model_name = asked.pop("ModelName", echo)
    with pytest.raises(ClientError, match=words):
        cloud.client("sagemaker").create_transform_job(**request("refused", model_name, "s3://jobs/whole/", **asked))


def test_the_states_are_told_to_the_event_bus(workshop: Workshop) -> None:
    container = {"Image": "x/unknown:1", "ModelDataUrl": "s3://jobs/x.tar.gz"}
    role = "arn:aws:iam::111122223333:role/everything"
    workshop.service.call("CreateModel", {"ModelName": "m", "ExecutionRoleArn": role, "PrimaryContainer": container})
    workshop.service.call("CreateTransformJob", request("told", "m", "s3://jobs/whole/"))
    assert "no runner for image" in workshop.ended("told", "TransformJob")["FailureReason"]
    kind = "SageMaker Transform Job State Change"
    told = [detail["TransformJobStatus"] for name, detail in workshop.host.events if name == kind]
    assert told == ["InProgress", "Failed"]
