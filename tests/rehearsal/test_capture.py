"""Data capture: which lines reach S3, where, in which encoding, and under whose permission.

Layout and lines are those of AWS, "Capture data from real-time endpoint"; the encodings are those of
API_CaptureContentTypeHeader and API_DataCaptureConfig.
"""

import base64
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.embedded import EmbeddedCloud
from rehearsal.sagemaker import capture
from rehearsal.sagemaker.clock import Clock
from tests.rehearsal.serving import Serving, log_events

pytestmark = pytest.mark.slow

BOTH = [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]
TEXT = {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]}


def config(**more: Any) -> dict[str, Any]:
    own = {"EnableCapture": True, "InitialSamplingPercentage": 100, "DestinationS3Uri": "s3://captured/data"}
    return {**own, "CaptureOptions": BOTH, "CaptureContentTypeHeader": TEXT, **more}


@pytest.fixture(scope="module")
def bucket(cloud: EmbeddedCloud) -> Iterator[Any]:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="captured")
    yield s3


def keys(s3: Any, prefix: str) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket="captured", Prefix=prefix).get("Contents", [])]


def lines(s3: Any, key: str) -> list[dict[str, Any]]:
    return [json.loads(text) for text in s3.get_object(Bucket="captured", Key=key)["Body"].read().splitlines()]


def test_requests_are_captured_by_the_hour_of_the_clouds_clock(
    cloud: EmbeddedCloud, serving: Serving, bucket: Any
) -> None:
    models = {"main": serving.model("captured", 4)}
    told = serving.endpoint("captured", models, DataCaptureConfig=config())["DataCaptureConfig"]
    assert told == {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 100,
        "DestinationS3Uri": "s3://captured/data",
        "KmsKeyId": "",
    }
    before = cloud.control("advance", seconds=0)["now"]
    assert serving.distance("captured", InferenceId="first", CustomAttributes="trace=7") == ("main", 4.0)
    assert serving.distance("captured", 1) == ("main", 3.0)
    after = cloud.control("advance", seconds=capture.BUFFER_SECONDS + 1)["now"]
    [key] = keys(bucket, "data/")
    found = re.fullmatch(
        r"data/captured/main/(\d{4}/\d\d/\d\d/\d\d/\d\d-\d\d)-\d{3}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.jsonl",
        key,
    )
    assert found
    moment = datetime.strptime(found[1], "%Y/%m/%d/%H/%M-%S").replace(tzinfo=UTC).timestamp()
    assert int(before) <= moment <= after
    first, second = lines(bucket, key)
    assert first["captureData"]["endpointInput"] == {
        "observedContentType": "text/csv",
        "mode": "INPUT",
        "data": "0",
        "encoding": "CSV",
    }
    output = first["captureData"]["endpointOutput"]
    assert (output["observedContentType"], output["mode"], output["encoding"]) == ("application/json", "OUTPUT", "JSON")
    assert json.loads(output["data"])["predictions"] == [{"closest_cluster": 0.0, "distance_to_cluster": 4.0}]
    assert first["eventVersion"] == "0"
    event = first["eventMetadata"]
    assert (event["inferenceId"], event["customAttributes"]) == ("first", ["trace=7"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["inferenceTime"])
    assert set(second["eventMetadata"]) == {"eventId", "inferenceTime"}
    assert event["eventId"] != second["eventMetadata"]["eventId"]

    cloud.control("advance", seconds=3600)
    serving.distance("captured", 2)
    cloud.control("advance", seconds=capture.BUFFER_SECONDS + 1)
    hours = {key.rsplit("/", 1)[0] for key in keys(bucket, "data/")}
    assert len(hours) == 2


def test_what_is_still_collected_is_written_when_the_endpoint_is_deleted(serving: Serving, bucket: Any) -> None:
    capturing = config(DestinationS3Uri="s3://captured/deleted/", CaptureContentTypeHeader={})
    del capturing["CaptureContentTypeHeader"]
    serving.endpoint("deleted", {"main": serving.model("deleted", 1)}, DataCaptureConfig=capturing)
    serving.distance("deleted", 5)
    serving.sagemaker.delete_endpoint(EndpointName="deleted")
    deadline = time.monotonic() + 20
    while not (found := keys(bucket, "deleted/deleted/main/")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    [line] = lines(bucket, found[0])
    # "If no headers are specified SageMaker AI will by default base64 encode when capturing the data."
    assert line["captureData"]["endpointInput"]["encoding"] == "BASE64"
    assert base64.b64decode(line["captureData"]["endpointInput"]["data"]) == b"5"


def test_a_role_that_may_not_write_loses_the_capture_and_the_log_says_so(
    cloud: EmbeddedCloud, serving: Serving, bucket: Any, make_role: Any
) -> None:
    reader = make_role("serves-only", [{"Effect": "Allow", "Action": ["s3:GetObject", "logs:*"], "Resource": "*"}])
    model = serving.model("no-capture", 1, reader)
    capturing = config(DestinationS3Uri="s3://captured/none")
    serving.endpoint("no-capture", {"main": model}, DataCaptureConfig=capturing)
    assert serving.distance("no-capture") == ("main", 1.0)
    cloud.control("advance", seconds=capture.BUFFER_SECONDS + 1)
    deadline = time.monotonic() + 20
    while not any("data capture: 1 lines" in e["message"] for e in log_events(cloud, "no-capture")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert keys(bucket, "none") == []
    assert serving.distance("no-capture") == ("main", 1.0)


def test_captured_data_are_encrypted_with_the_key_of_the_configuration(
    cloud: EmbeddedCloud, serving: Serving, bucket: Any
) -> None:
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    capturing = config(DestinationS3Uri="s3://captured/keyed", KmsKeyId=key)
    told = serving.endpoint("keyed", {"main": serving.model("keyed", 1)}, DataCaptureConfig=capturing)
    assert told["DataCaptureConfig"]["KmsKeyId"] == key
    serving.distance("keyed")
    cloud.control("advance", seconds=capture.BUFFER_SECONDS + 1)
    [found] = keys(bucket, "keyed/")
    assert bucket.head_object(Bucket="captured", Key=found)["SSEKMSKeyId"] == key


def test_an_update_can_turn_the_capture_off(serving: Serving, bucket: Any) -> None:
    models = {"main": serving.model("switched", 1)}
    serving.endpoint("switched", models, DataCaptureConfig=config(DestinationS3Uri="s3://captured/on"))
    off = config(EnableCapture=False, DestinationS3Uri="s3://captured/off")
    serving.config("switched-off", models, DataCaptureConfig=off)
    serving.sagemaker.update_endpoint(EndpointName="switched", EndpointConfigName="switched-off")
    told = serving.settled("switched")["DataCaptureConfig"]
    assert (told["EnableCapture"], told["CaptureStatus"]) == (False, "Stopped")
    serving.distance("switched")
    serving.sagemaker.delete_endpoint(EndpointName="switched")
    assert keys(bucket, "on/") == keys(bucket, "off/") == []


def test_a_destination_that_is_no_s3_uri_is_refused(serving: Serving) -> None:
    with pytest.raises(ClientError, match="DestinationS3Uri that is not s3:// is not emulated"):
        capturing = config(DestinationS3Uri="https://captured.s3.amazonaws.com/x")
        serving.config("by-https", {"main": serving.model("by-https", 1)}, DataCaptureConfig=capturing)


@pytest.mark.parametrize(
    ("content_type", "body", "types", "encoding", "data"),
    [
        ("text/csv", b"1,2\n", TEXT, "CSV", "1,2\n"),
        ("text/csv; charset=utf-8", b"0.02", TEXT, "CSV", "0.02"),  # as the sample of AWS's page has it
        ("application/json", b'{"a": 1}', TEXT, "JSON", '{"a": 1}'),
        ("application/jsonlines", b"{}", {"JsonContentTypes": ["application/jsonlines"]}, "JSON", "{}"),
        ("text/csv", b"1", {"JsonContentTypes": ["application/json"]}, "BASE64", "MQ=="),
        ("image/png", b"\xff", TEXT, "BASE64", "/w=="),
    ],
)
def test_only_what_is_listed_as_csv_or_json_is_kept_as_text(
    content_type: str, body: bytes, types: dict[str, list[str]], encoding: str, data: str
) -> None:
    capturing = config(CaptureContentTypeHeader=types, CaptureOptions=[{"CaptureMode": "Input"}])
    text = capture.line(capturing, {"ContentType": content_type}, body, "x/y", b"answer", 1645000000)
    assert json.loads(text)["captureData"] == {
        "endpointInput": {"observedContentType": content_type, "mode": "INPUT", "data": data, "encoding": encoding}
    }


def test_output_alone_or_both_by_one_option_can_be_captured() -> None:
    for mode, sides in (("Output", {"endpointOutput"}), ("InputAndOutput", {"endpointInput", "endpointOutput"})):
        text = capture.line(config(CaptureOptions=[{"CaptureMode": mode}]), {}, b"1", "text/csv", b"2", 0)
        assert set(json.loads(text)["captureData"]) == sides


def test_the_sampling_percentage_is_the_share_that_is_captured() -> None:
    written: list[str] = []

    class Bucket:
        def put_object(self, *, Body: bytes, **_: Any) -> None:  # noqa: N803
            written.extend(Body.decode().splitlines())

    for percentage, least, most in ((0, 0, 0), (25, 380, 620), (100, 2000, 2000)):
        # Binomial with n = 2000, p = 1/4: 500 expected, standard deviation 19.4; bounds at six of them.
        written.clear()
        sampled = config(InitialSamplingPercentage=percentage)
        capturing = capture.Capture(sampled, "e/v", Clock(), Bucket, lambda text: None)
        for _ in range(2000):
            capturing.keep({"ContentType": "text/csv"}, b"1", "text/csv", b"2")
        capturing.flush()
        assert least <= len(written) <= most
