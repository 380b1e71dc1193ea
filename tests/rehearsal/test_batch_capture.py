"""Data capture of transform jobs: which manifests lie where, what is put at the answers, and under whose permission."""

import json
import re
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest

from rehearsal.embedded import EmbeddedCloud
from tests.rehearsal.jobbing import SKLEARN, packed, text
from tests.rehearsal.test_transform import carry_out, put, request

pytestmark = pytest.mark.slow

# Answers each line in the form that is accepted; asked for a list, with JSON that is no object.
SUMS = """
import json
def model_fn(folder):
    return None
def input_fn(body, kind):
    return [sum(map(float, line.split(','))) for line in body.splitlines()]
def predict_fn(rows, model):
    return rows
def output_fn(rows, accept):
    if accept == 'application/x-list':
        return json.dumps(rows), accept
    if accept == 'text/csv':
        return '\\n'.join(f'{row},0.5' for row in rows), accept
    return '\\n'.join(json.dumps({'output': row}) for row in rows), accept
"""
ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
Job = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def job(cloud: EmbeddedCloud, role: str) -> Job:
    """Carries out a transform job with data capture, of two objects with a line each unless told."""
    s3, sagemaker = cloud.client("s3"), cloud.client("sagemaker")
    s3.create_bucket(Bucket="jobs")
    s3.put_object(Bucket="jobs", Key="models/sums.tar.gz", Body=packed(code__inference=SUMS))

    def run(name: str, accept: str = "text/csv", *, under: str = role, uri: str = "", **capture: Any) -> dict[str, Any]:
        container = {"Image": SKLEARN, "ModelDataUrl": "s3://jobs/models/sums.tar.gz"}
        model = f"captured-{name}"
        sagemaker.create_model(ModelName=model, ExecutionRoleArn=under, PrimaryContainer=container)
        asked = request(
            name,
            model,
            uri or put(cloud, f"asked/{name}", a="1,2\n3,4\n", b__c="5,6\n"),
            BatchStrategy="MultiRecord",
            DataCaptureConfig={"DestinationS3Uri": f"s3://jobs/captured/{name}/"} | capture,
            TransformInput={"SplitType": "Line"},
            TransformOutput={"AssembleWith": "Line", "Accept": accept},
        )
        return carry_out(cloud, asked)

    return run


def manifests(cloud: EmbeddedCloud, name: str) -> dict[str, Any]:
    """By the place below the destination."""
    prefix = f"captured/{name}/"
    found = cloud.client("s3").list_objects_v2(Bucket="jobs", Prefix=prefix).get("Contents", [])
    return {item["Key"].removeprefix(prefix): json.loads(text(cloud, item["Key"])) for item in found}


def test_manifests_of_the_hour_of_the_jobs_start_name_what_was_read_and_written(cloud: EmbeddedCloud, job: Job) -> None:
    told = job("listed")
    assert told["TransformJobStatus"] == "Completed", told.get("FailureReason")
    assert told["DataCaptureConfig"]["DestinationS3Uri"] == "s3://jobs/captured/listed/"
    found = manifests(cloud, "listed")
    hour = f"{told['TransformStartTime'].astimezone(UTC):%Y/%m/%d/%H}"
    assert [re.fullmatch(rf"(\w+)/{hour}/{ID}\.json", place)[1] for place in sorted(found)] == ["input", "output"]  # type: ignore[index]
    read, written = (found[place] for place in sorted(found))
    assert read == [{"prefix": "s3://jobs/asked/listed/"}, "a.csv", "b__c.csv"]
    assert written == [{"prefix": "s3://jobs/listed-out/"}, "a.csv.out", "b__c.csv.out"]
    assert text(cloud, "listed-out/a.csv.out") == "3.0,0.5\n7.0,0.5\n", "without GenerateInferenceId nothing is added"


def test_of_one_object_the_manifest_names_it_in_its_folder(cloud: EmbeddedCloud, job: Job) -> None:
    uri = put(cloud, "asked/alone", a="1,2\n", ab="1,2\n")
    assert job("alone", uri=f"{uri}a.csv")["TransformJobStatus"] == "Completed"
    assert [{"prefix": uri}, "a.csv"] in manifests(cloud, "alone").values()


@pytest.mark.parametrize(
    ("accept", "pattern"),
    [
        ("text/csv", rf"3\.0,0\.5, {ID},TIME\n7\.0,0\.5, {ID},TIME\n"),
        (
            "application/jsonlines",
            "".join(rf'{{"output": {n}\.0, "SageMakerInferenceId": "{ID}", TIME}}\n' for n in (3, 7)),
        ),
    ],
)
def test_each_answer_gets_an_id_and_the_time_of_the_jobs_start(
    cloud: EmbeddedCloud, job: Job, accept: str, pattern: str
) -> None:
    name = f"identified-{accept.rpartition('/')[2]}"
    told = job(name, accept, GenerateInferenceId=True)
    assert told["TransformJobStatus"] == "Completed", told.get("FailureReason")
    began = f"{told['TransformStartTime'].astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    time = began if accept == "text/csv" else f'"SageMakerInferenceTime": "{began}"'
    answers = text(cloud, f"{name}-out/a.csv.out")
    assert re.fullmatch(pattern.replace("TIME", time), answers)
    assert len(set(re.findall(ID, answers))) == 2


def test_an_id_at_an_answer_that_has_no_place_for_it_is_refused(job: Job) -> None:
    told = job("no-place", "application/x-list", GenerateInferenceId=True)
    assert told["TransformJobStatus"] == "Failed" and "is not emulated" in told["FailureReason"]


def test_manifests_are_encrypted_with_the_key_that_is_named(cloud: EmbeddedCloud, job: Job) -> None:
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    assert job("keyed", KmsKeyId=key)["TransformJobStatus"] == "Completed"
    for place in manifests(cloud, "keyed"):
        head = cloud.client("s3").head_object(Bucket="jobs", Key=f"captured/keyed/{place}")
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)


def test_a_job_whose_role_may_not_write_there_fails(cloud: EmbeddedCloud, job: Job, make_role: Any) -> None:
    places = [f"arn:aws:s3:::jobs/{place}" for place in ("models/*", "asked/*", "uncaptured-out/*")]
    allowed = [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": places},
        {"Effect": "Allow", "Action": ["s3:ListBucket", "logs:*"], "Resource": "*"},
    ]
    told = job("uncaptured", under=make_role("batches-elsewhere", allowed))
    assert told["TransformJobStatus"] == "Failed" and "s3:PutObject" in told["FailureReason"]
    assert text(cloud, "uncaptured-out/a.csv.out") and manifests(cloud, "uncaptured") == {}


def test_a_job_of_which_an_object_fails_captures_nothing(cloud: EmbeddedCloud, job: Job) -> None:
    uri = put(cloud, "asked/half", a="1,2\n", b="no number\n")
    assert job("half", uri=uri)["TransformJobStatus"] == "Failed"
    assert manifests(cloud, "half") == {}
