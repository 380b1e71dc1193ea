"""Data capture: what an endpoint was asked and what it answered, as JSON lines in S3.

Sources: AWS, "Capture data from real-time endpoint" (layout in S3, lines), API_DataCaptureConfig and
API_CaptureContentTypeHeader (what is captured, in which encoding).
"""

import base64
import itertools
import json
import random
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.sagemaker import storage
from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.store import AwsError, Record

BUFFER_SECONDS = 5.0  # of the cloud's clock; AWS does not say for how long it collects lines


class Capture:
    """Collects the lines of one variant and writes them to the destination of its endpoint's configuration."""

    def __init__(
        self, config: Record, folder: str, clock: Clock, open_s3: Callable[[], Any], say: Callable[[str], None]
    ) -> None:
        """`folder` is `<endpoint>/<variant>`; `say` takes what goes wrong."""
        self._config, self._folder, self._clock = config, folder, clock
        self._open_s3, self._say = open_s3, say
        self._lines: list[tuple[float, str]] = []
        self._lock = threading.Lock()

    def keep(self, request: Mapping[str, str], body: bytes, content_type: str, answer: bytes) -> None:
        """Capture a request and its answer, if the sampling chooses it."""
        if not enabled(self._config) or random.random() * 100 >= self._config["InitialSamplingPercentage"]:
            return
        now = self._clock.now()
        text = line(self._config, request, body, content_type, answer, now)
        with self._lock:
            first = not self._lines
            self._lines.append((now, text))
        if first:
            self._clock.after(BUFFER_SECONDS, self.flush)

    def flush(self) -> None:
        """Write what was collected. As in AWS, a role that may not write loses it; the variant's log says so."""
        with self._lock:
            lines, self._lines = self._lines, []
        for hour, group in itertools.groupby(lines, lambda item: f"{_moment(item[0]):%Y-%m-%dT%H}"):
            items = list(group)
            try:
                self._write(items[0][0], "".join(f"{text}\n" for _, text in items))
            except (ClientError, BotoCoreError, AwsError) as error:
                self._say(f"data capture: {len(items)} lines of {hour} are lost: {error}")

    def _write(self, began: float, content: str) -> None:
        bucket, prefix = storage.split(self._config["DestinationS3Uri"])
        moment = _moment(began)
        name = f"{moment:%Y/%m/%d/%H/%M-%S}-{moment.microsecond // 1000:03}-{uuid.uuid4()}.jsonl"
        key = "/".join(part for part in (prefix.rstrip("/"), self._folder, name) if part)
        self._open_s3().put_object(
            Bucket=bucket, Key=key, Body=content.encode(), **storage.encryption(self._config.get("KmsKeyId"))
        )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def enabled(config: Record) -> bool:
    """API_DataCaptureConfig: EnableCapture defaults to enabled."""
    return config.get("EnableCapture", True)


def summary(config: Record) -> Record:
    """The DataCaptureConfig of DescribeEndpoint."""
    return {
        "EnableCapture": enabled(config),
        "CaptureStatus": "Started" if enabled(config) else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }


def line(config: Record, request: Mapping[str, str], body: bytes, content_type: str, answer: bytes, now: float) -> str:
    """One captured request. `request` has the members of InvokeEndpoint."""
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    types = config.get("CaptureContentTypeHeader", {})
    data = {}
    if modes & {"Input", "InputAndOutput"}:
        data["endpointInput"] = _side(types, "INPUT", request.get("ContentType", ""), body)
    if modes & {"Output", "InputAndOutput"}:
        data["endpointOutput"] = _side(types, "OUTPUT", content_type, answer)
    event: dict[str, Any] = {"eventId": str(uuid.uuid4())}
    if "CustomAttributes" in request:
        event["customAttributes"] = [request["CustomAttributes"]]  # the list is not verified
    if "InferenceId" in request:
        event["inferenceId"] = request["InferenceId"]
    event["inferenceTime"] = f"{_moment(now):%Y-%m-%dT%H:%M:%SZ}"
    return json.dumps({"captureData": data, "eventMetadata": event, "eventVersion": "0"}, separators=(",", ":"))


def _side(types: Mapping[str, list[str]], mode: str, content_type: str, content: bytes) -> dict[str, str]:
    """A type that is listed as CSV or JSON is kept as text, any other in base64; parameters of a type do not count."""
    media = content_type.split(";")[0].strip()
    encoding = "BASE64"
    for name, listed in (("CSV", "CsvContentTypes"), ("JSON", "JsonContentTypes")):
        encoding = name if media in types.get(listed, []) else encoding
    text = base64.b64encode(content).decode() if encoding == "BASE64" else content.decode(errors="replace")
    return {"observedContentType": content_type, "mode": mode, "data": text, "encoding": encoding}
