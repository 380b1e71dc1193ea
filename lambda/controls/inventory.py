"""The resources that cost money while they idle, as they are now, with what tells whether they are used."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from controls.policy import Kind, Policy, Resource, is_ours
from controls.refusals import is_missing

NOTEBOOK_LOGS = "/aws/sagemaker/NotebookInstances"

_PERIOD_SECONDS = 300
# Lambda retries an event for this long. Use that begins after the event's own time must spare a resource as well.
_RETRY_TIME = timedelta(hours=6)


class Inventory:
    """Reads only. Foreign resources are listed, and nothing but their tags is looked at."""

    def __init__(self, sagemaker: Any, cloudwatch: Any, logs: Any, *, policy: Policy, now: datetime) -> None:
        self._sagemaker, self._cloudwatch, self._logs = sagemaker, cloudwatch, logs
        self._policy, self._now = policy, now

    def ours(self) -> Iterator[tuple[Kind, str, str]]:
        """Kind, name and ARN of each resource in service that carries the platform's tag."""
        for kind, name, arn in self._in_service():
            if is_ours(self._tags(arn), self._policy):
                yield kind, name, arn

    def inspect(self, kind: Kind, name: str, arn: str) -> Resource | None:
        """What `decide` needs to know; None when the resource is gone."""
        try:
            return self._endpoint(name, arn) if kind is Kind.ENDPOINT else self._notebook_instance(name, arn)
        except ClientError as error:
            if is_missing(error):
                return None
            raise

    def _in_service(self) -> Iterator[tuple[Kind, str, str]]:
        for page in self._sagemaker.get_paginator("list_endpoints").paginate(StatusEquals="InService"):
            for summary in page["Endpoints"]:
                yield Kind.ENDPOINT, summary["EndpointName"], summary["EndpointArn"]
        for page in self._sagemaker.get_paginator("list_notebook_instances").paginate(StatusEquals="InService"):
            for summary in page["NotebookInstances"]:
                yield Kind.NOTEBOOK_INSTANCE, summary["NotebookInstanceName"], summary["NotebookInstanceArn"]

    def _tags(self, arn: str) -> dict[str, str]:
        """The tags of a resource; none when it is gone."""
        try:
            pages = list(self._sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn))
        except ClientError as error:
            if is_missing(error):
                return {}
            raise
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}

    def _endpoint(self, name: str, arn: str) -> Resource:
        endpoint = self._sagemaker.describe_endpoint(EndpointName=name)
        variants = endpoint.get("ProductionVariants", [])
        return Resource(
            kind=Kind.ENDPOINT,
            name=name,
            arn=arn,
            status=endpoint["EndpointStatus"],
            changed_at=endpoint["LastModifiedTime"],
            tags=self._tags(arn),
            # An asynchronous endpoint does its work from a queue, which Invocations does not show.
            activity=None if "AsyncInferenceConfig" in endpoint else self._invocations(name, variants),
            costs_when_idle=not variants or any(map(_has_capacity, variants)),
        )

    def _invocations(self, name: str, variants: list[dict[str, Any]]) -> float | None:
        """Invocations of all variants within the idle time; None when CloudWatch cannot say."""
        if not variants:
            return None
        queries = [_query(f"v{i}", name, variant["VariantName"]) for i, variant in enumerate(variants)]
        pages = self._cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries,
            StartTime=self._now - self._policy.idle_time(Kind.ENDPOINT),
            EndTime=self._now + _RETRY_TIME,
        )
        results = [result for page in pages for result in page["MetricDataResults"]]
        # A query is PartialData until its last page.
        last_states = {result["Id"]: result["StatusCode"] for result in results}
        if set(last_states.values()) != {"Complete"} or len(last_states) != len(queries):
            return None
        return sum(sum(result["Values"]) for result in results)

    def _notebook_instance(self, name: str, arn: str) -> Resource:
        notebook = self._sagemaker.describe_notebook_instance(NotebookInstanceName=name)
        return Resource(
            kind=Kind.NOTEBOOK_INSTANCE,
            name=name,
            arn=arn,
            status=notebook["NotebookInstanceStatus"],
            changed_at=notebook["LastModifiedTime"],
            tags=self._tags(arn),
            activity=self._jupyter_entries(name),
        )

    def _jupyter_entries(self, name: str) -> float | None:
        """Whether Jupyter wrote to its log (kernels started, notebooks saved) within the idle time; None without a log.

        SageMaker has no metric of a notebook instance's use.
        """
        since = self._now - self._policy.idle_time(Kind.NOTEBOOK_INSTANCE)
        try:
            page = self._logs.get_log_events(
                logGroupName=NOTEBOOK_LOGS, logStreamName=f"{name}/jupyter.log", limit=1, startFromHead=False
            )
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        if not page["events"]:
            return None
        return float(page["events"][-1]["timestamp"] >= since.timestamp() * 1000)


def _has_capacity(variant: dict[str, Any]) -> bool:
    """A serverless variant is billed while idle only for provisioned concurrency."""
    serverless = variant.get("CurrentServerlessConfig")
    return serverless is None or serverless.get("ProvisionedConcurrency", 0) > 0


def _query(identifier: str, endpoint: str, variant: str) -> dict[str, Any]:
    dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
    metric = {"Namespace": "AWS/SageMaker", "MetricName": "Invocations", "Dimensions": dimensions}
    return {"Id": identifier, "MetricStat": {"Metric": metric, "Period": _PERIOD_SECONDS, "Stat": "Sum"}}
