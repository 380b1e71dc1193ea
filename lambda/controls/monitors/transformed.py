"""What batch transform jobs read and wrote in a window, as the manifests of their data capture tell.

Source: AWS, "Capture data from batch transform job". A manifest is written when its job is complete, into the folder
of the hour in which the job began. A window has the manifests that were written in it, so that each is examined once,
however long its job took.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

LONGEST = timedelta(days=7)  # the manifests of jobs that took longer are not found
_APART = timedelta(hours=1)  # the two manifests of one job at most
Period = tuple[datetime, datetime]


class ManifestError(RuntimeError):
    """What was captured cannot be examined; the message names it."""


def objects(
    s3: Any, captured: str, asked: str, answered: str, periods: Sequence[Period]
) -> tuple[dict[str, datetime], list[str]]:
    """Names below `asked`, each with the time when its job was complete, and those of their answers below `answered`.

    All of them are URIs that end in `/`; the answers to `<name>` are `<name>.out`. Raises ManifestError for objects
    that lie elsewhere.
    """
    found = dict[str, datetime]()
    for bucket, key, moment in manifests(s3, f"{captured}input/", periods):
        for name in _names(s3, bucket, key, asked):
            found[name] = max(moment, found.get(name, moment))
    wide = [(start - _APART, end + _APART) for start, end in periods]
    written = manifests(s3, f"{captured}output/", wide)
    answers = {name for bucket, key, _ in written for name in _names(s3, bucket, key, answered)}
    return dict(sorted(found.items())), sorted(answers & {f"{name}.out" for name in found})


def manifests(s3: Any, uri: str, periods: Sequence[Period]) -> Iterator[tuple[str, str, datetime]]:
    """Bucket, key and time of each manifest below `uri` that was written in one of the periods."""
    bucket, prefix = split(uri)
    first = min(start for start, _ in periods) - LONGEST
    asked = {"Bucket": bucket, "Prefix": prefix, "StartAfter": f"{prefix}{first:%Y/%m/%d/%H}"}
    for page in s3.get_paginator("list_objects_v2").paginate(**asked):
        for each in page.get("Contents", []):
            if any(start <= each["LastModified"] < end for start, end in periods):
                yield bucket, each["Key"], each["LastModified"]


def _names(s3: Any, bucket: str, key: str, place: str) -> list[str]:
    """The objects of a manifest, [{"prefix": URI}, name behind it, ...], as they are named below `place`."""
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        first, *listed = json.loads(content)
        prefix = first["prefix"]
    except (ValueError, KeyError, TypeError) as error:
        raise ManifestError(f"s3://{bucket}/{key} is no manifest: {error!r}") from error
    uris = [f"{prefix}{name}" for name in listed]
    if elsewhere := [uri for uri in uris if not uri.startswith(place)]:
        told = f"s3://{bucket}/{key} names {elsewhere[0]}, and {len(elsewhere) - 1} more like it"
        raise ManifestError(f"{told}: the monitor's job may read {place} alone")
    return [uri.removeprefix(place) for uri in uris]


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of an s3:// URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
