"""The log of a job as CloudWatch shows it, line by line while the job runs, and the metrics that are read from it.

Names: AWS, "Log Groups and Streams that Amazon SageMaker AI Sends to Amazon CloudWatch Logs"; metrics are in the
namespace `/aws/sagemaker/TrainingJobs` with the dimension TrainingJobName, where the SageMaker Python SDK reads them.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.sagemaker.container_log import ContainerLog
from rehearsal.sagemaker.run import Run
from rehearsal.sagemaker.store import AwsError


class JobLog:
    """The logs of one attempt; each file is a stream `<job>/<host>-<epoch>`, written under the job's role."""

    def __init__(self, run: Run, role_arn: str, files: Sequence[tuple[str, Path]]) -> None:
        self._run, self._role = run, role_arn
        group, clock = f"/aws/sagemaker/{run.noun}s", run.service.clock
        open_logs, epoch = partial(run.client, "logs", role_arn), int(clock.now())
        self._logs = [ContainerLog(path, group, f"{run.name}/{host}-{epoch}", open_logs, clock) for host, path in files]
        definitions = run.record.get("AlgorithmSpecification", {}).get("MetricDefinitions", [])
        self._metrics = [(d["Name"], re.compile(d["Regex"])) for d in definitions]

    def follow(self, *, to_the_end: bool = False) -> None:
        """Write what is new, and measure it."""
        for log in self._logs:
            self._measure(log.carry(to_the_end=to_the_end), self._run.service.clock.now())

    def _measure(self, lines: list[str], now: float) -> None:
        found = [metric for line in lines for metric in self._values(line)]
        if not found:
            return
        data = [{"MetricName": name, "Value": value, "Timestamp": now} for name, value in found]
        with self._run.service.lock:
            last = {metric["MetricName"]: metric for metric in self._run.record.get("FinalMetricDataList", [])}
            last |= {metric["MetricName"]: metric for metric in data}
            self._run.record["FinalMetricDataList"] = list(last.values())
            self._run.record.setdefault("_Measured", []).extend(found)  # what a tuning job judges it by
        dimensions = [{"Name": "TrainingJobName", "Value": self._run.name}]
        metrics: list[dict[str, Any]] = [{**metric, "Dimensions": dimensions} for metric in data]
        # A role that may not publish metrics loses them.
        with contextlib.suppress(ClientError, BotoCoreError, AwsError):
            client = self._run.client("cloudwatch", self._role)
            client.put_metric_data(Namespace="/aws/sagemaker/TrainingJobs", MetricData=metrics)

    def _values(self, line: str) -> Iterator[tuple[str, float]]:
        for name, pattern in self._metrics:
            for match in pattern.finditer(line):
                try:
                    yield name, float(match.group(1))
                except (TypeError, ValueError):  # what the group caught is no number
                    continue
