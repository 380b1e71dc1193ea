"""When something was last used, by what AWS measures of it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from controls.inventory.place import RETRY_TIME, Place, Row

_PERIOD_SECONDS = 300
_QUERIES_A_CALL = 500  # AWS's limit of GetMetricData

Dimensions = Mapping[str, str]


def last_invoked(place: Place, wanted: Mapping[str, Sequence[Dimensions]]) -> dict[str, datetime | None]:
    """By name, when anything of the dimensions given for it was last invoked, or how far back nothing was.

    None when CloudWatch cannot say, or no dimensions are given.
    """
    begin = place.now - place.policy.longest_idle()
    asked = [(name, dimensions) for name, each in wanted.items() for dimensions in each]
    last: dict[str, datetime | None] = {name: begin if each else None for name, each in wanted.items()}
    for first in range(0, len(asked), _QUERIES_A_CALL):
        names = {f"q{i}": pair for i, pair in enumerate(asked[first : first + _QUERIES_A_CALL])}
        for identifier, when in _answers(place, begin, {i: each for i, (_, each) in names.items()}).items():
            name, _ = names[identifier]
            known = last[name]
            last[name] = max(known, when) if known and when else None
    return last


def _answers(place: Place, begin: datetime, queries: Mapping[str, Dimensions]) -> dict[str, datetime | None]:
    """Of each query the last time with a value; None where it was not answered completely."""
    pages = (
        place.client("cloudwatch")
        .get_paginator("get_metric_data")
        .paginate(
            MetricDataQueries=[_query(identifier, each) for identifier, each in queries.items()],
            StartTime=begin,
            EndTime=place.now + RETRY_TIME,
        )
    )
    found, states = dict.fromkeys(queries, begin), dict.fromkeys(queries, "")
    for result in (result for page in pages for result in page["MetricDataResults"]):
        used = [at for at, value in zip(result["Timestamps"], result["Values"], strict=True) if value > 0]
        found[result["Id"]] = max([*used, found[result["Id"]]])
        states[result["Id"]] = result["StatusCode"]  # a query is PartialData until its last page
    return {identifier: found[identifier] if state == "Complete" else None for identifier, state in states.items()}


def _query(identifier: str, dimensions: Dimensions) -> Row:
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    metric = {"Namespace": "AWS/SageMaker", "MetricName": "Invocations", "Dimensions": named}
    return {"Id": identifier, "MetricStat": {"Metric": metric, "Period": _PERIOD_SECONDS, "Stat": "Sum"}}


NOTEBOOK_LOGS = "/aws/sagemaker/NotebookInstances"


def last_jupyter_entry(place: Place, name: str) -> datetime | None:
    """When Jupyter last wrote to its log (kernels started, notebooks saved); None without a log.

    SageMaker has no metric of a notebook instance's use.
    """
    page: dict[str, Any] | None = place.described(
        "get_log_events",
        service="logs",
        logGroupName=NOTEBOOK_LOGS,
        logStreamName=f"{name}/jupyter.log",
        limit=1,
        startFromHead=False,
    )
    if not page or not page["events"]:
        return None
    return datetime.fromtimestamp(page["events"][-1]["timestamp"] / 1000, UTC)
