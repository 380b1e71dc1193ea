"""Tags of every kind: AddTags, ListTags, DeleteTags."""

from typing import Any

from rehearsal.sagemaker import listing
from rehearsal.sagemaker.store import AwsError, Store

# AWS General Reference, "Tagging AWS resources"; the model limits a request, not the resource.
MOST = 50


def checked(tags: list[dict[str, str]]) -> list[dict[str, str]]:
    """The tags, if they may be on one resource together. Raises AwsError."""
    keys = [tag["Key"] for tag in tags]
    if len(keys) != len(set(keys)):
        raise AwsError("ValidationException", f"Tag keys must be unique per resource: {', '.join(sorted(keys))}")
    if any(key.lower().startswith("aws:") for key in keys):
        raise AwsError("ValidationException", "aws: prefixed tag key names are not allowed for external use.")
    if len(keys) > MOST:
        raise AwsError("ValidationException", f"A resource can have {MOST} tags at most; this makes {len(keys)}.")
    return tags


def list_tags(store: Store, request: dict[str, Any]) -> dict[str, Any]:
    held = store.by_arn(request["ResourceArn"]).get("Tags", [])
    rows, more = listing.page(held, lambda tag: (tag["Key"],), {"MaxResults": MOST, **request}, "ListTags")
    return {"Tags": rows, **more}


def add_tags(store: Store, request: dict[str, Any]) -> dict[str, Any]:
    record = store.by_arn(request["ResourceArn"])
    merged = {tag["Key"]: tag for tag in [*record.get("Tags", []), *checked(request["Tags"])]}
    record["Tags"] = checked(list(merged.values()))
    return {"Tags": record["Tags"]}


def delete_tags(store: Store, request: dict[str, Any]) -> dict[str, Any]:
    record = store.by_arn(request["ResourceArn"])
    record["Tags"] = [tag for tag in record.get("Tags", []) if tag["Key"] not in request["TagKeys"]]
    return {}
