"""What an ended run has left in the artifact bucket: its evaluation, other small documents, the training's report."""

import json
import tarfile
from collections.abc import Iterator
from typing import Any

DOCUMENTS = ("evaluation.json", "bias.json", "explanation.json", "leaderboard.json", "metrics.json", "report.html")
REPORT = "inside/report.html"
# What is larger is left out, and the run says so. The archive is read only up to the report, and never held whole.
DOCUMENT_BYTES, REPORT_BYTES, ARCHIVE_BYTES = 5_000_000, 20_000_000, 500_000_000


class LeftOutError(Exception):
    """Something that cannot be recorded; the message says what and why."""


class Results:
    """Reads one bucket; what lies elsewhere is not looked for."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def documents(self, uri: str) -> Iterator[str]:
        """The URIs below `uri` of what is named as DOCUMENTS are."""
        bucket, prefix = split(uri)
        if bucket != self._bucket:
            return
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix.rstrip("/") + "/"):
            for entry in page.get("Contents", []):
                if name(entry["Key"]) in DOCUMENTS:
                    yield f"s3://{bucket}/{entry['Key']}"

    def read(self, uri: str) -> bytes:
        """Raises LeftOutError."""
        bucket, key = split(uri)
        if bucket != self._bucket:
            raise LeftOutError(f"{uri} is not in {self._bucket}")
        answer = self._s3.get_object(Bucket=bucket, Key=key)
        if answer["ContentLength"] > DOCUMENT_BYTES:
            raise LeftOutError(f"{name(key)} has {answer['ContentLength']} bytes, more than {DOCUMENT_BYTES}")
        return answer["Body"].read()

    def report(self, uri: str) -> bytes | None:
        """The report in the output archive of a training job, if it has one. Raises LeftOutError."""
        bucket, key = split(uri)
        # Listed first: to ask for an object that is not there takes the permission to list anyway.
        listed = self._s3.list_objects_v2(Bucket=bucket, Prefix=key) if bucket == self._bucket else {}
        if not any(entry["Key"] == key for entry in listed.get("Contents", [])):
            return None
        answer = self._s3.get_object(Bucket=bucket, Key=key)
        if answer["ContentLength"] > ARCHIVE_BYTES:
            raise LeftOutError(f"{name(key)} has {answer['ContentLength']} bytes, more than {ARCHIVE_BYTES}")
        try:
            return _member(answer["Body"])
        except (tarfile.TarError, EOFError) as error:
            raise LeftOutError(f"{name(key)} is no archive: {error}") from error


def _member(archive: Any) -> bytes | None:
    with tarfile.open(fileobj=archive, mode="r|gz") as stream:
        for member in stream:
            if member.name.removeprefix("./") != REPORT or not member.isfile():
                continue
            if member.size > REPORT_BYTES:
                raise LeftOutError(f"{REPORT} has {member.size} bytes, more than {REPORT_BYTES}")
            content = stream.extractfile(member)
            return content.read() if content else None
    return None


def evaluated(document: bytes) -> tuple[dict[str, float], dict[str, str]]:
    """Metrics and tags of an evaluation.json; the champion's metrics are `champion/<name>`. Raises LeftOutError."""
    try:
        told = json.loads(document)
        metrics = numbers(told["metrics"])
        champion = told.get("champion") or {}
        metrics |= {f"champion/{each}": value for each, value in numbers(champion.get("metrics", {})).items()}
        better = {f"sluice.{each}": str(told[each]) for each in ("better", "reason") if each in told}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LeftOutError(f"evaluation.json is not of the shape that is agreed: {error!r}") from error
    return metrics, better


def examined(document: bytes) -> tuple[dict[str, float], dict[str, str]]:
    """Metrics and tags of a monitor's metrics.json; each kind's figures are `<kind>/<name>`. Raises LeftOutError."""
    try:
        told = json.loads(document)
        kinds = {f"{kind}/{each}": value for kind, found in told["kinds"].items() for each, value in found.items()}
        drifted = {f"{kind}/drifted": float(found["drifted"]) for kind, found in told["kinds"].items()}
        metrics = {**numbers({**kinds, "rows": told["rows"]}), **drifted}
        tags = {"sluice.state": told["state"], "sluice.causes": "; ".join(told["causes"])}
        tags |= {"sluice.package-version": str(told["package_version"])}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LeftOutError(f"metrics.json is not of the shape that is agreed: {error!r}") from error
    return metrics, {name: value for name, value in tags.items() if value}


def numbers(metrics: dict[str, Any]) -> dict[str, float]:
    """Those that are numbers, given as such or as {"value": number}."""
    plain = {each: value.get("value") if isinstance(value, dict) else value for each, value in metrics.items()}
    return {n: float(v) for n, v in plain.items() if isinstance(v, int | float) and not isinstance(v, bool)}


def split(uri: str) -> tuple[str, str]:
    """Bucket and key."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def name(key: str) -> str:
    return key.rsplit("/", 1)[-1]
