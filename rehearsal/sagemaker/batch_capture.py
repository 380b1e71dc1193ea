"""Data capture of transform jobs: manifests of what was read and written, and an id for each answer.

Source: AWS, "Capture data from batch transform job" and API_BatchDataCaptureConfig. Nothing is copied. Below `input/`
and `output/` of the destination, in the folder of the hour in which the job began, lies a list of the objects; both
are written once the job is complete.
"""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rehearsal.sagemaker import storage
from rehearsal.sagemaker.run import JobError
from rehearsal.sagemaker.store import Record


def identified(record: Record, answers: bytes) -> bytes:
    """The answers to one object, each with an id and the time when the job began, if the job asks for that.

    CSV gets two fields, JSON two members. Which of them a line is, is seen by how it begins: AWS does not say how it
    tells them apart. Raises JobError for a line of JSON that is no object, and for what is no text: of neither it says
    what comes of it.
    """
    if not record.get("DataCaptureConfig", {}).get("GenerateInferenceId"):
        return answers
    began = f"{_began(record):%Y-%m-%dT%H:%M:%SZ}"
    try:
        return b"".join(_identified(line.decode(), began) for line in answers.splitlines() if line.strip())
    except (ValueError, TypeError) as error:
        told = f"GenerateInferenceId with the answer {answers[:80]!r} is not emulated by this cloud"
        raise JobError(f"ClientError: {told}: {error}") from error


def _identified(line: str, began: str) -> bytes:
    key = str(uuid.uuid4())
    if line.lstrip()[0] not in ("{", "["):
        return f"{line}, {key},{began}\n".encode()
    return (
        json.dumps(json.loads(line) | {"SageMakerInferenceId": key, "SageMakerInferenceTime": began}).encode() + b"\n"
    )


def write(record: Record, s3: Any, keys: Sequence[str], names: Sequence[str]) -> None:
    """Write both manifests, if the job captures: of the `keys` that it read, and of what it wrote below its output.

    What S3 refuses to the job's role is raised.
    """
    config = record.get("DataCaptureConfig")
    if not config:
        return
    bucket, prefix = storage.split(record["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"])
    folder = f"{prefix.rstrip('/')}/"
    if not all(key.startswith(folder) for key in keys):  # one object, or the beginning of several names
        folder = prefix[: prefix.rfind("/") + 1]
    read = [key.removeprefix(folder) for key in keys]
    target = record["TransformOutput"]["S3OutputPath"].rstrip("/")
    for side, place, listed in (("input", f"s3://{bucket}/{folder}", read), ("output", f"{target}/", names)):
        where, captured = storage.split(config["DestinationS3Uri"])
        name = f"{side}/{_began(record):%Y/%m/%d/%H}/{uuid.uuid4()}.json"
        s3.put_object(
            Bucket=where,
            Key="/".join(part for part in (captured.rstrip("/"), name) if part),
            Body=json.dumps([{"prefix": place}, *listed]).encode(),
            **storage.encryption(config.get("KmsKeyId")),
        )


def _began(record: Record) -> datetime:
    return datetime.fromtimestamp(record["TransformStartTime"], UTC)
