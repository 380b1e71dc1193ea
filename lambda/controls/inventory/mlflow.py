"""MLflow tracking servers, which cost by the hour, and Apps, which do not."""

from collections.abc import Iterator
from datetime import datetime

from controls.inventory.place import Place, Row
from controls.resource import Kind, Resource

# USD an hour, above what us-east-1 was told to cost (Small 0.642). Not verified: the price list names no sizes.
_SIZES = {"Small": 0.7, "Medium": 1.4, "Large": 2.8}


def mlflow(place: Place, *, jobs_run: bool) -> Iterator[Resource]:
    """`jobs_run`: that some job is in progress, which may be writing to any server."""
    rows = place.listed("list_mlflow_tracking_servers", "TrackingServerSummaries")
    ours = (row for row in rows if place.ours(row["TrackingServerArn"]))
    busy_at = place.now if jobs_run else None
    yield from place.each(
        Kind.MLFLOW_SERVER, ours, lambda row: tracking_server(place, row["TrackingServerName"], busy_at)
    )
    apps = (row for row in place.listed("list_mlflow_apps", "Summaries") if place.ours(row["Arn"]))
    yield from place.each(Kind.MLFLOW_APP, apps, lambda row: _app(place, row))


def tracking_server(place: Place, name: str, busy_at: datetime | None) -> Resource | None:
    """As it is now. Nothing tells whether it is used, so `idle_since` is None unless it may be, at `busy_at`."""
    told = place.described("describe_mlflow_tracking_server", TrackingServerName=name)
    if told is None:
        return None
    active = told.get("IsActive") != "Inactive"
    return place.resource(
        Kind.MLFLOW_SERVER,
        name,
        told["TrackingServerArn"],
        status=told["TrackingServerStatus"],
        created_at=told["CreationTime"],
        changed_at=told.get("LastModifiedTime", told["CreationTime"]),
        instance_count=1,
        usd_per_hour=_SIZES.get(told.get("TrackingServerSize", "Small"), max(_SIZES.values())) if active else 0.0,
        estimated=active,
        idle_since=busy_at,
    )


def _app(place: Place, row: Row) -> Resource:
    return place.resource(
        Kind.MLFLOW_APP,
        row["Name"],
        row["Arn"],
        status=row["Status"],
        created_at=row["CreationTime"],
        changed_at=row.get("LastModifiedTime", row["CreationTime"]),
    )
