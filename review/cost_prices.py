"""Prices that a review needs and the platform's own tables lack, in one place: USD, of us-east-1 unless `source` says
otherwise. What is in no document that can be named has no price here, and is listed as unpriced."""

import re
from collections.abc import Iterable

from config.control_prices import METRIC
from config.prices import ALARM_METRIC, DASHBOARD, HOURS, INTERFACE_ENDPOINT, KEY, LOGS_KEPT, LOGS_TAKEN_IN, Price

__all__ = [
    "ALARM_METRIC",
    "DASHBOARD",
    "HOURS",
    "INTERFACE_ENDPOINT",
    "KEY",
    "LOGS_KEPT",
    "LOGS_TAKEN_IN",
    "METRIC",
    "Price",
]

NAT_GATEWAY = Price(0.045, "gateway and hour", "2026-06", "aws.amazon.com/vpc/pricing")
PUBLIC_ADDRESS = Price(0.005, "address and hour", "2026-02", "aws.amazon.com/vpc/pricing")
SECRET = Price(0.40, "secret and month", "2026", "aws.amazon.com/secrets-manager/pricing")
READ_CAPACITY = Price(0.00013, "read capacity unit and hour", "2024", "aws.amazon.com/dynamodb/pricing/provisioned")
WRITE_CAPACITY = Price(0.00065, "write capacity unit and hour", "2024", "aws.amazon.com/dynamodb/pricing/provisioned")
# Of a bill: notebook instances, endpoints, training jobs and warm pools alike; processing jobs cost less.
ML_STORAGE = Price(0.154, "GB and month", "2023-12", "AWS bill in sagemaker-ssh-helper, eu-west-1")
# Spaces, as the platform's meter counts them: above the 0.112 that AWS told for gp2.
SPACE_STORAGE = Price(0.15, "GB and month", "2026", "as controls.inventory.studio has it, above AWS's 0.112")
# By size. Only Small was told; the others are as the platform's meter takes them, rather too much than too little.
MLFLOW = {
    "Small": Price(0.642, "server and hour", "2026-07", "aws.amazon.com/sagemaker/ai/pricing"),
    "Medium": Price(1.4, "server and hour", "2026", "as controls.inventory.mlflow estimates it"),
    "Large": Price(2.8, "server and hour", "2026", "as controls.inventory.mlflow estimates it"),
}
MLFLOW_TOLD = ("Small",)

# What spot saves: the lower quartile of the types in the platform's table by EC2's spot advisor of 2025-06 for
# us-east-1, which has 49 to 86 % for them. AWS says that SageMaker's prices for spot are not EC2's.
SPOT_SAVING = 0.58
SPOT_SOURCE = "EC2's spot advisor, 2025-06"


def as_of(dates: Iterable[str]) -> str:
    """The span of dates such as 2026, 2026-03 and 2026-09-24; empty for none."""
    found = sorted({date for date in dates if re.fullmatch(r"\d{4}(-\d\d){0,2}", date)})
    return "" if not found else found[0] if len(found) == 1 else f"{found[0]} to {found[-1]}"
