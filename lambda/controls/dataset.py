"""The data of a run: which versions of which objects it reads, noted so that the run can be repeated."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

# AWS, CopyObject: up to 5 GB in one request; what is larger is copied in parts.
_LARGE = TransferConfig(multipart_threshold=5 * 10**9, multipart_chunksize=5 * 10**9, use_threads=False)
_AT_ONCE = 16
MANIFESTS = "manifests"  # below a workload's part of the artifact bucket


class DatasetError(RuntimeError):
    """The data is not there, or not as an earlier run read it; the message says what to do."""


@dataclass(frozen=True, order=True)
class Version:
    """One version of an object; `size` in bytes. Under a KMS key an ETag tells versions apart and is no MD5."""

    key: str
    version: str
    etag: str
    size: int


@dataclass(frozen=True)
class Dataset:
    """What a workload reads: under its own prefix of `bucket` the object `path`, or the folder, which ends in `/`."""

    bucket: str
    workload: str
    path: str

    @property
    def prefix(self) -> str:
        return f"{self.workload}/{self.path}"

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def within(self, key: str) -> str:
        """The part of a key that a job sees as the name of its file."""
        return key[self.prefix.rfind("/") + 1 :]


def listed(s3: Any, dataset: Dataset) -> tuple[list[Version], set[Version]]:
    """The versions that are current now, by key, and all that S3 still has."""
    current, kept = [], set()
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=dataset.bucket, Prefix=dataset.prefix):
        for row in page.get("Versions", []):
            key = row["Key"]
            # An object's name may begin another's, and the console keeps empty folders as objects that end in `/`.
            if key.endswith("/") or not (dataset.path.endswith("/") or key == dataset.prefix):
                continue
            version = Version(key, row["VersionId"], row["ETag"].strip('"'), row["Size"])
            kept.add(version)
            if row["IsLatest"]:  # what was deleted has a marker for its latest version
                current.append(version)
    return sorted(current), kept


def checked(dataset: Dataset, current: list[Version]) -> list[Version]:
    """`current`, unless there is nothing to read. Raises DatasetError."""
    how = "--recursive FOLDER" if dataset.path.endswith("/") else "FILE"
    if not current:
        raise DatasetError(f"there is no object {dataset.uri}: upload it with `aws s3 cp {how} {dataset.uri}`")
    if not any(version.size for version in current):
        raise DatasetError(f"{dataset.uri} has 0 bytes: upload it again with `aws s3 cp {how} {dataset.uri}`")
    return current


def note(s3: Any, dataset: Dataset, versions: Sequence[Version], bucket: str) -> str:
    """Writes what is read into `bucket`, under the SHA-256 of that text, and gives the URI of this manifest.

    Its member `sha256` is that of the versions alone.
    """
    objects = [asdict(version) for version in versions]
    digest = hashlib.sha256(json.dumps(objects, sort_keys=True).encode()).hexdigest()
    content = json.dumps({**asdict(dataset), "sha256": digest, "objects": objects}, indent=1).encode()
    key = f"{dataset.workload}/{MANIFESTS}/{hashlib.sha256(content).hexdigest()}.json"
    s3.put_object(Bucket=bucket, Key=key, Body=content)
    return f"s3://{bucket}/{key}"


def recalled(s3: Any, uri: str, dataset: Dataset, artifact_bucket: str) -> list[Version]:
    """The versions that the manifest at `uri` names. Raises DatasetError if it is none, or of other data."""
    place = rf"s3://{re.escape(artifact_bucket)}/({re.escape(dataset.workload)}/{MANIFESTS}/[0-9a-f]{{64}}\.json)"
    found = re.fullmatch(place, uri)
    if not found:
        wanted = f"s3://{artifact_bucket}/{dataset.workload}/{MANIFESTS}/SHA256.json"
        raise DatasetError(f"Manifest is {uri!r}; it must be that of an earlier run of {dataset.workload}: {wanted}")
    try:
        told = json.loads(s3.get_object(Bucket=artifact_bucket, Key=found[1])["Body"].read())
        named = Dataset(told["bucket"], told["workload"], told["path"])
        versions = sorted(Version(**row) for row in told["objects"])
    except ClientError as error:
        # Without the permission to list, S3 denies what does not exist.
        if error.response["Error"]["Code"] not in ("AccessDenied", "NoSuchKey"):
            raise
        raise DatasetError(f"{uri} cannot be read: there is no such manifest") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{uri} cannot be read as a manifest: {error!r}") from error
    if named != dataset:
        raise DatasetError(f"{uri} is of {named.uri}; this workload reads {dataset.uri}")
    return versions


def refuse_gone(dataset: Dataset, wanted: Sequence[Version], kept: set[Version]) -> None:
    """Raises DatasetError if S3 no longer has all that is wanted, which has to be of this very data."""
    gone = [version for version in wanted if version not in kept]
    if gone:
        others = f", and {len(gone) - 1} more" if len(gone) > 1 else ""
        raise DatasetError(
            f"version {gone[0].version} of s3://{dataset.bucket}/{gone[0].key} is gone{others}: the run that read it "
            "cannot be repeated; start one without Manifest"
        )


def copy(s3: Any, dataset: Dataset, versions: Iterable[Version], bucket: str, folder: str) -> str:
    """Copies `versions` into `folder` of `bucket`, again if they are there, and gives the URI of the copy."""

    def one(version: Version) -> None:
        source = {"Bucket": dataset.bucket, "Key": version.key, "VersionId": version.version}
        target = f"{folder}/{dataset.within(version.key)}"
        # Without the tags of the source, which take permissions of their own.
        s3.copy(source, bucket, target, ExtraArgs={"TaggingDirective": "REPLACE"}, Config=_LARGE)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(one, versions))
    return f"s3://{bucket}/{folder}/{dataset.within(dataset.prefix)}"
