"""The resources that cost money while they idle, as they are now, with what tells whether they are used."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from controls.policy import Policy, is_ours
from controls.prices import Prices
from controls.refusals import is_missing
from controls.resource import Kind, Resource, Warned

NOTEBOOK_LOGS = "/aws/sagemaker/NotebookInstances"

_PERIOD_SECONDS = 300
# Lambda retries an event for this long. Use that begins after the event's own time must spare a resource as well.
_RETRY_TIME = timedelta(hours=6)


class Inventory:
    """Reads only. Foreign resources are listed, and nothing but their tags is looked at."""

    def __init__(
        self,
        sagemaker: Any,
        cloudwatch: Any,
        logs: Any,
        *,
        region: str,
        policy: Policy,
        prices: Prices,
        warned: Mapping[str, Warned],
        now: datetime,
    ) -> None:
        self._sagemaker, self._cloudwatch, self._logs = sagemaker, cloudwatch, logs
        self._region, self._policy, self._prices, self._warned, self._now = region, policy, prices, warned, now

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
        config = self._sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
        types = [v["InstanceType"] for v in config["ProductionVariants"] if "InstanceType" in v]
        busy = not variants or any(map(_has_capacity, variants))
        rates = [self._prices.rate(self._region, "Hosting", each) for each in types]
        return Resource(
            kind=Kind.ENDPOINT,
            name=name,
            arn=arn,
            region=self._region,
            status=endpoint["EndpointStatus"],
            created_at=endpoint["CreationTime"],
            changed_at=endpoint["LastModifiedTime"],
            tags=self._tags(arn),
            instance_type=max(types, default=""),
            instance_count=len(types),
            usd_per_hour=sum(rate.usd_per_hour for rate in rates) or (0.1 if busy else 0.0),
            estimated=any(rate.estimated for rate in rates),
            # An asynchronous endpoint does its work from a queue, which Invocations does not show.
            idle_since=None if "AsyncInferenceConfig" in endpoint else self._last_invoked(name, variants),
            warned=self._warned.get(arn),
        )

    def _last_invoked(self, name: str, variants: list[dict[str, Any]]) -> datetime | None:
        """When any variant was last invoked, or how far back none was; None when CloudWatch cannot say."""
        if not variants:
            return None
        begin = self._now - self._policy.longest_idle()
        queries = [_query(f"v{i}", name, variant["VariantName"]) for i, variant in enumerate(variants)]
        pages = self._cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=begin, EndTime=self._now + _RETRY_TIME
        )
        results = [result for page in pages for result in page["MetricDataResults"]]
        # A query is PartialData until its last page.
        last_states = {result["Id"]: result["StatusCode"] for result in results}
        if set(last_states.values()) != {"Complete"} or len(last_states) != len(queries):
            return None
        return max((time for result in results for time in result["Timestamps"]), default=begin)

    def _notebook_instance(self, name: str, arn: str) -> Resource:
        notebook = self._sagemaker.describe_notebook_instance(NotebookInstanceName=name)
        rate = self._prices.rate(self._region, "Notebook", notebook["InstanceType"])
        return Resource(
            kind=Kind.NOTEBOOK_INSTANCE,
            name=name,
            arn=arn,
            region=self._region,
            status=notebook["NotebookInstanceStatus"],
            created_at=notebook["CreationTime"],
            changed_at=notebook["LastModifiedTime"],
            tags=self._tags(arn),
            instance_type=notebook["InstanceType"],
            instance_count=1,
            usd_per_hour=rate.usd_per_hour,
            estimated=rate.estimated,
            idle_since=self._last_jupyter_entry(name),
            warned=self._warned.get(arn),
        )

    def _last_jupyter_entry(self, name: str) -> datetime | None:
        """When Jupyter last wrote to its log (kernels started, notebooks saved); None without a log.

        SageMaker has no metric of a notebook instance's use.
        """
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
        return datetime.fromtimestamp(page["events"][-1]["timestamp"] / 1000, UTC)


def _has_capacity(variant: dict[str, Any]) -> bool:
    """A serverless variant is billed while idle only for provisioned concurrency."""
    serverless = variant.get("CurrentServerlessConfig")
    return serverless is None or serverless.get("ProvisionedConcurrency", 0) > 0


def _query(identifier: str, endpoint: str, variant: str) -> dict[str, Any]:
    dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
    metric = {"Namespace": "AWS/SageMaker", "MetricName": "Invocations", "Dimensions": dimensions}
    return {"Id": identifier, "MetricStat": {"Metric": metric, "Period": _PERIOD_SECONDS, "Stat": "Sum"}}
