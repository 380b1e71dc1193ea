"""The tags of everything in a region, a hundred resources a call, and of one resource as it is this moment."""

from collections.abc import Callable, Mapping
from functools import cached_property
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError

from controls.judgement.choices import Policy
from controls.refusals import is_missing
from controls.resource import PLATFORM_TAG

_TYPES = ["sagemaker", "logs:log-group", "elasticfilesystem:file-system"]
_A_PAGE = 100


class Tags:
    """Where the policy is for our own only, those of foreign resources are not read: they have none here.

    Not verified: how long a new tag takes to appear in GetResources. What is about to be ended is asked itself.
    """

    def __init__(self, client: Callable[[str], Any], policy: Policy) -> None:
        self._client, self._policy = client, policy
        self._lock = Lock()  # several lanes ask at once, and all of them are read once

    def of(self, arn: str) -> dict[str, str]:
        with self._lock:
            return self._all.get(_key(arn), {})

    def at(self, *resources: str) -> dict[str, str]:
        """Of resources named as an ARN ends, such as `space/d-1/desk`: all together, a later one's before the first's.

        How AWS writes the type of an app in its ARN is told in two ways; capitals make no difference here.
        """
        with self._lock:
            by_name = self._by_name
        return {key: value for name in resources for key, value in by_name.get(name.lower(), {}).items()}

    def now_of(self, arn: str) -> dict[str, str] | None:
        """As they are now; None when the resource is gone."""
        try:
            if ":logs:" in arn:
                return self._client("logs").list_tags_for_resource(resourceArn=arn)["tags"]
            pages = self._client("sagemaker").get_paginator("list_tags").paginate(ResourceArn=arn)
            return _plain([tag for page in pages for tag in page["Tags"]])
        except ClientError as error:
            if is_missing(error):
                return None
            raise

    @cached_property
    def _all(self) -> Mapping[str, dict[str, str]]:
        platform = [{"Key": PLATFORM_TAG, "Values": [self._policy.platform]}]
        pages = (
            self._client("resourcegroupstaggingapi")
            .get_paginator("get_resources")
            .paginate(
                ResourceTypeFilters=_TYPES,
                TagFilters=platform if self._policy.own_only else [],
                ResourcesPerPage=_A_PAGE,
            )
        )
        return {
            _key(each["ResourceARN"]): _plain(each["Tags"]) for page in pages for each in page["ResourceTagMappingList"]
        }

    @cached_property
    def _by_name(self) -> Mapping[str, dict[str, str]]:
        return {arn.split(":", 5)[5].lower(): tags for arn, tags in self._all.items()}


def _key(arn: str) -> str:
    return arn.removesuffix(":*")  # as some answers of CloudWatch Logs have it


def _plain(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}
