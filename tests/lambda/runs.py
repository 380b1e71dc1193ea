"""The part of the in-memory cloud that runs use: objects with their versions, executions, a topic."""
# ruff: noqa: N802, N803 - operations and their parameters are named as AWS names them

import io
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

_PAGE = 2
MORNING = datetime(2026, 11, 23, 9, tzinfo=UTC)


class RefusalError(Exception):
    def __init__(self, message: str, code: str = "ValidationException") -> None:
        super().__init__(message)
        self.code = code


class Runs:
    """`objects` holds by bucket and key the versions of each object, the newest last; `mail` what was published."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.executions: dict[str, dict[str, Any]] = {}
        self.steps: dict[str, list[dict[str, Any]]] = {}
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.mail: list[dict[str, str]] = []
        self.parts: list[str] = []

    def put(self, bucket: str, key: str, body: bytes | None, *, size: int | None = None, at: datetime = MORNING) -> str:
        """Write an object at a moment, or with no body delete it; the version."""
        kept = self.objects.setdefault((bucket, key), [])
        version = {"VersionId": f"{key.rsplit('/', 1)[-1]}-{len(kept)}", "body": body}
        kept.append({**version, "ETag": f'"e{len(kept)}"', "Size": len(body or b"") if size is None else size})
        kept[-1]["LastModified"] = at
        return f"{version['VersionId']}"

    def price(self, bucket: str, *rows: str) -> None:
        """Of instances, as the weekly refresh writes them: such as us-east-1,Training,ml.m5.xlarge,0.24."""
        head = "region,component,instance_type,usd_per_hour,as_of,source"
        self.put(bucket, "costs/prices.csv", "\n".join([head, *(f"{row},2026-11-23,a test" for row in rows)]).encode())

    def names(self, bucket: str) -> list[str]:
        return sorted(key for place, key in self.objects if place == bucket)

    def body(self, bucket: str, key: str, version: str | None = None) -> bytes:
        kept = [v for v in self.objects.get((bucket, key), []) if version in (None, v["VersionId"])]
        if not kept or kept[-1]["body"] is None:
            raise RefusalError("The specified key does not exist.", "NoSuchKey")
        return kept[-1]["body"]

    def ListObjectVersions(self, Bucket: str, Prefix: str, KeyMarker: str = "", **_: Any) -> dict[str, Any]:
        keys = [key for key in self.names(Bucket) if key.startswith(Prefix) and key > KeyMarker]
        page: dict[str, Any] = {"Versions": [], "DeleteMarkers": [], "IsTruncated": len(keys) > _PAGE}
        for key in keys[:_PAGE]:
            for version in self.objects[Bucket, key]:
                row = {"Key": key, "IsLatest": version is self.objects[Bucket, key][-1], **version}
                page["DeleteMarkers" if row.pop("body") is None else "Versions"].append(row)
        return page | ({"NextKeyMarker": keys[_PAGE - 1]} if page["IsTruncated"] else {})

    def ListObjectsV2(self, Bucket: str, Prefix: str, StartAfter: str = "", **_: Any) -> dict[str, Any]:
        keys = [key for key in self.names(Bucket) if key.startswith(Prefix) and key > StartAfter]
        found = [(key, self.objects[Bucket, key][-1]) for key in keys]
        return {"Contents": [{"Key": key, "LastModified": last["LastModified"]} for key, last in found]}

    def GetObject(self, Bucket: str, Key: str, **_: Any) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.body(Bucket, Key))}

    def HeadObject(self, Bucket: str, Key: str, VersionId: str, **_: Any) -> dict[str, Any]:
        [found] = [v for v in self.objects[Bucket, Key] if v["VersionId"] == VersionId]
        return {"ContentLength": found["Size"], "ETag": found["ETag"]}

    def PutObject(self, Bucket: str, Key: str, Body: io.BytesIO, **_: Any) -> None:
        self.put(Bucket, Key, Body.getvalue())

    def CopyObject(self, Bucket: str, Key: str, CopySource: Any, **_: Any) -> None:
        source, _, version = CopySource.partition("?versionId=")
        bucket, key = unquote(source).split("/", 1)
        self.put(Bucket, Key, self.body(bucket, key, version or None))

    def CreateMultipartUpload(self, **_: Any) -> dict[str, str]:
        return {"UploadId": "one"}

    def UploadPartCopy(self, CopySourceRange: str, **_: Any) -> dict[str, Any]:
        self.parts.append(CopySourceRange)
        return {"CopyPartResult": {"ETag": f'"{len(self.parts)}"'}}

    def CompleteMultipartUpload(self, Bucket: str, Key: str, **_: Any) -> None:
        self.put(Bucket, Key, b"whole")

    def AbortMultipartUpload(self, **_: Any) -> None:
        self.parts.clear()

    def DescribePipelineExecution(self, PipelineExecutionArn: str) -> dict[str, Any]:
        return self._execution(PipelineExecutionArn)

    def ListPipelineExecutionSteps(self, PipelineExecutionArn: str, NextToken: str = "0") -> dict[str, Any]:
        rows, end = self.steps[PipelineExecutionArn], int(NextToken) + _PAGE
        more = {"NextToken": str(end)} if end < len(rows) else {}
        return {"PipelineExecutionSteps": rows[int(NextToken) : end]} | more

    def DescribeExecution(self, executionArn: str) -> dict[str, Any]:
        return self._execution(executionArn)

    def ListPipelineExecutions(self, PipelineName: str, CreatedAfter: Any, NextToken: str = "0") -> dict[str, Any]:
        rows = [
            {"PipelineExecutionArn": arn, **run} for arn, run in self.executions.items() if f"/{PipelineName}/" in arn
        ]
        end = int(NextToken) + _PAGE
        more = {"NextToken": str(end)} if end < len(rows) else {}
        return {"PipelineExecutionSummaries": rows[int(NextToken) : end]} | more

    def ListExecutions(self, stateMachineArn: str, statusFilter: str) -> dict[str, Any]:
        name = stateMachineArn.rpartition(":")[2]
        found = {arn: run for arn, run in self.executions.items() if f":{name}:" in arn}
        rows = [{"executionArn": arn, **run} for arn, run in found.items() if run["status"] == statusFilter]
        return {"executions": rows}

    def GetExecutionHistory(self, executionArn: str, reverseOrder: bool, maxResults: int) -> dict[str, Any]:
        events = [{"id": n, **event} for n, event in enumerate(self.history[executionArn], start=1)]
        return {"events": (events[::-1] if reverseOrder else events)[:maxResults]}

    def _execution(self, arn: str) -> dict[str, Any]:
        if arn not in self.executions:
            raise RefusalError(f"Execution {arn} does not exist.", "ResourceNotFound")
        return self.executions[arn]

    def Publish(self, **message: str) -> dict[str, str]:
        self.mail.append(message)
        return {"MessageId": "m"}
