"""What instances cost is read from AWS every week, for whatever counts with it."""

import json
from collections.abc import Iterable

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from config.instances import partition
from sluice.function import HandlerFunction
from sluice.permission import allow, allow_key

_PLACE = "costs/prices.csv"  # as `controls.pricing.price_table` has it
# Where the Price List API is; GovCloud has none, and its prices are estimated.
_PRICING = {"aws": "us-east-1", "aws-cn": "cn-northwest-1"}


def pricing_region(region: str) -> str | None:
    """Where to ask for the prices of `region`; None where there is nobody to ask."""
    return _PRICING.get(partition(region) or "")


def allow_prices(role: iam.Role, bucket: s3.IBucket, key: kms.IKey, *, write: bool = False) -> None:
    """Let `role` read, and with `write` replace, the table of prices; it may look whether there is one."""
    actions = ["s3:GetObject", *(["s3:PutObject"] if write else [])]
    allow(role, actions, [bucket.arn_for_objects(_PLACE)])
    allow(role, ["s3:ListBucket"], [bucket.bucket_arn], conditions={"StringEquals": {"s3:prefix": _PLACE}})
    allow_key(role, key, "s3", "Decrypt", *(["GenerateDataKey"] if write else []))


class PriceRefresh(Construct):
    """Asks in `asked_in` for the prices of `regions`; an answer that looks wrong changes nothing and is an error."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        asked_in: str,
        regions: Iterable[str],
        artifact_bucket: s3.IBucket,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        self.handler = HandlerFunction(
            self,
            "Function",
            prefix=prefix,
            verb="reprice",
            key=key,
            timeout=Duration.minutes(5),
            environment={
                "artifact_bucket": artifact_bucket.bucket_name,
                "pricing_region": asked_in,
                "regions": json.dumps(sorted(set(regions))),
            },
        )
        lists = "The Price List API has no resource level"
        allow(self.handler.role, ["pricing:GetProducts"], ["*"], wildcard=lists)
        allow_prices(self.handler.role, artifact_bucket, key, write=True)
        # Not by a rate, which is due at the moment of each first deployment.
        events.Rule(
            self,
            "Schedule",
            schedule=events.Schedule.cron(minute="0", hour="4", week_day="MON"),
            targets=[targets.LambdaFunction(self.handler.function)],
        )
