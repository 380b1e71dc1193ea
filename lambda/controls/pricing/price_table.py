"""The prices that were read from AWS last, which come before those of the package."""

from typing import Any

from controls.pricing.prices import Price, Prices, written

PLACE = "costs/prices.csv"  # in the artifact bucket; no workload may be named so


def text(s3: Any, bucket: str) -> str | None:
    """The table that was written last; None before the first."""
    # Asked for first: who may not list is told of a missing object only that access is denied.
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=PLACE)
    if not any(each["Key"] == PLACE for page in pages for each in page.get("Contents", [])):
        return None
    return s3.get_object(Bucket=bucket, Key=PLACE)["Body"].read().decode("utf-8")


def load(s3: Any, bucket: str) -> Prices:
    """What everything costs, by the newest prices that are known."""
    return Prices.read(text(s3, bucket) or "")


def keep(s3: Any, bucket: str, rows: list[Price]) -> None:
    s3.put_object(Bucket=bucket, Key=PLACE, Body=written(rows).encode("utf-8"), ContentType="text/csv")
