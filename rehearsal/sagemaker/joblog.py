"""The log of a job as CloudWatch shows it, line by line while the job runs, and the metrics that are read from it.

Names: AWS, "Log Groups and Streams that Amazon SageMaker AI Sends to Amazon CloudWatch Logs"; metrics are in the
namespace `/aws/sagemaker/TrainingJobs` with the dimension TrainingJobName, where the SageMaker Python SDK reads them.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.sagemaker.run import Run

CHUNK_BYTES = 512 * 1024  # at a time: PutLogEvents takes 1 MB and 10,000 events
EVENTS = 5_000


class JobLog:
    """Follows the log files of one attempt; each is a stream `<job>/<host>-<epoch>`, written under the job's role."""

    def __init__(self, run: Run, role_arn: str, files: Sequence[tuple[str, Path]]) -> None:
        self._run, self._role = run, role_arn
        self._group, self._logs = f"/aws/sagemaker/{run.noun}s", run.client("logs", role_arn)
        epoch = int(run.service.clock.now())
        self._streams = {f"{run.name}/{host}-{epoch}": path for host, path in files}
        self._read = dict.fromkeys(self._streams, 0)
        self._made: set[str] = set()
        definitions = run.record.get("AlgorithmSpecification", {}).get("MetricDefinitions", [])
        self._metrics = [(d["Name"], re.compile(d["Regex"])) for d in definitions]

    def follow(self, *, to_the_end: bool = False) -> None:
        """Write what is new. The last line waits for its end, unless the process has ended."""
        for stream, path in self._streams.items():
            while lines := self._new_lines(stream, path, to_the_end):
                now = self._run.service.clock.now()
                self._put(stream, lines, now)
                self._measure(lines, now)

    def _new_lines(self, stream: str, path: Path, to_the_end: bool) -> list[str]:
        if not path.exists():
            return []
        with path.open("rb") as log:
            log.seek(self._read[stream])
            chunk = log.read(CHUNK_BYTES)
        if not to_the_end and len(chunk) < CHUNK_BYTES:
            chunk = chunk[: chunk.rfind(b"\n") + 1]
        self._read[stream] += len(chunk)
        return chunk.decode(errors="replace").splitlines()

    def _put(self, stream: str, lines: list[str], now: float) -> None:
        if "LogFault" in self._run.record:
            return
        try:
            if stream not in self._made:
                _ignore_existing(self._logs.create_log_group, logGroupName=self._group)
                _ignore_existing(self._logs.create_log_stream, logGroupName=self._group, logStreamName=stream)
                self._made.add(stream)
            for start in range(0, len(lines), EVENTS):
                events = [{"timestamp": int(now * 1000), "message": line or " "} for line in lines[start:][:EVENTS]]
                self._logs.put_log_events(logGroupName=self._group, logStreamName=stream, logEvents=events)
        except (ClientError, BotoCoreError) as error:  # as in AWS, a role that may not write logs loses the log
            self._run.record["LogFault"] = str(error)

    def _measure(self, lines: list[str], now: float) -> None:
        found = [metric for line in lines for metric in self._values(line)]
        if not found:
            return
        data = [{"MetricName": name, "Value": value, "Timestamp": now} for name, value in found]
        with self._run.service.lock:
            last = {metric["MetricName"]: metric for metric in self._run.record.get("FinalMetricDataList", [])}
            last |= {metric["MetricName"]: metric for metric in data}
            self._run.record["FinalMetricDataList"] = list(last.values())
        dimensions = [{"Name": "TrainingJobName", "Value": self._run.name}]
        metrics: list[dict[str, Any]] = [{**metric, "Dimensions": dimensions} for metric in data]
        try:
            client = self._run.client("cloudwatch", self._role)
            client.put_metric_data(Namespace="/aws/sagemaker/TrainingJobs", MetricData=metrics)
        except (ClientError, BotoCoreError) as error:  # a role that may not publish metrics loses them
            self._run.record["MetricFault"] = str(error)

    def _values(self, line: str) -> Iterator[tuple[str, float]]:
        for name, pattern in self._metrics:
            for match in pattern.finditer(line):
                try:
                    yield name, float(match.group(1))
                except (TypeError, ValueError):  # what the group caught is no number
                    continue


def _ignore_existing(call: Any, **arguments: str) -> None:
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise
