"""The tagging API over SageMaker's resources, page by page as in AWS; ministack answers everything at once."""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import json
import re
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import get_region
from ministack.services import cloudwatch_logs, tagging

from rehearsal.sagemaker import listing
from rehearsal.sagemaker.regions import Regions
from rehearsal.sagemaker.store import AwsError

PAGE = 50  # GetResources, ResourcesPerPage: "By default, up to 50 resources"; at most 100
Tagged = Iterator[tuple[str, list[dict[str, str]]]]


def mend(regions: Regions) -> None:
    """Let policies' conditions and GetResources see the tags of SageMaker's resources."""

    def everywhere() -> Tagged:
        for region in regions.all():
            yield from region.service.store.tagged()

    def here() -> Tagged:
        """What was never tagged is not told of (API reference, GetResources)."""
        yield from ((arn, tags) for arn, tags in regions.at(get_region()).service.store.tagged() if tags)

    tagging._RESOURCE_TAG_COLLECTORS["sagemaker"] = everywhere
    tagging._COLLECTORS["sagemaker"] = here
    tagging._COLLECTORS["logs"] = _log_groups
    tagging._matches_type_filters = _is_of_a_type
    plain = tagging._HANDLERS["GetResources"]

    def paged(asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        how = {"ResourcesPerPage", "PaginationToken"}
        status, headers, body = plain({name: value for name, value in asked.items() if name not in how})
        if status != 200:
            return status, headers, body
        found = json.loads(body)["ResourceTagMappingList"]
        try:
            rows, more = listing.page(found, lambda row: (row["ResourceARN"],), _as_list(asked), "GetResources")
        except AwsError:
            error = {"__type": "PaginationTokenExpiredException", "message": "The PaginationToken is not valid."}
            return 400, headers | {"x-amzn-errortype": error["__type"]}, json.dumps(error).encode()
        told = {"ResourceTagMappingList": rows, "PaginationToken": more.get("NextToken", "")}
        return 200, headers, json.dumps(told).encode()

    tagging._HANDLERS["GetResources"] = paged


def _is_of_a_type(arn: str, types: list[str]) -> bool:
    """`service` or `service:type`; ministack reads the type of `log-group:/name` as `log-group:`."""
    _, _, service, _, _, resource = arn.split(":", 5)
    return not types or service in types or f"{service}:{re.split('[:/]', resource)[0]}" in types


def _log_groups() -> Tagged:
    for group in list(cloudwatch_logs._log_groups.values()):
        if group["tags"]:
            yield group["arn"].removesuffix(":*"), [{"Key": k, "Value": v} for k, v in group["tags"].items()]


def _as_list(asked: dict[str, Any]) -> dict[str, Any]:
    """The request as SageMaker's lists take it."""
    request = {name: asked[name] for name in ("TagFilters", "ResourceTypeFilters", "ResourceARNList") if name in asked}
    token = asked.get("PaginationToken")
    return request | {"MaxResults": asked.get("ResourcesPerPage", PAGE)} | ({"NextToken": token} if token else {})
