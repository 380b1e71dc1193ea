"""S3 as a job sees it: what its role may read is downloaded, what it made is uploaded under the same role."""

import json
import tarfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# Before 3.11.4, which Debian 12 does not have, Python knows no filters.
SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}


def split(uri: str) -> tuple[str, str]:
    """('bucket', 'key or prefix') of an s3:// URI."""
    parts = urlsplit(uri)
    return parts.netloc, parts.path.lstrip("/")


def listing(s3: Any, bucket: str, prefix: str) -> list[str]:
    """The keys under a prefix, sorted; the empty objects that stand for folders are none."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return sorted(item["Key"] for page in pages for item in page.get("Contents", []) if not item["Key"].endswith("/"))


def keys(s3: Any, uri: str) -> list[str]:
    """The keys under a prefix, sorted. Raises FileNotFoundError when there are none, as a job fails then."""
    found = listing(s3, *split(uri))
    if not found:
        raise FileNotFoundError(f"no S3 objects found under {uri}")
    return found


def download(s3: Any, uri: str, folder: Path, chosen: list[str] | None = None) -> None:
    """Copy a prefix, or the chosen keys of it, into a folder; file names are relative to the prefix."""
    bucket, prefix = split(uri)
    for key in keys(s3, uri) if chosen is None else chosen:
        target = folder / relative(key, prefix)
        target.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, key, str(target))


def download_listed(s3: Any, uri: str, folder: Path) -> None:
    """Copy what the manifest at `uri` lists into a folder: [{"prefix": URI}, key behind it, ...].

    Source of the form: API_S3DataSource. Raises FileNotFoundError for a manifest of another form, or one of nothing.
    """
    bucket, key = split(uri)
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        first, *listed = json.loads(content)
        place, prefix = split(first["prefix"])
    except (ValueError, KeyError, TypeError) as error:
        raise FileNotFoundError(f"{uri} is no manifest: {error!r}") from error
    if not listed:
        raise FileNotFoundError(f"the manifest {uri} lists nothing")
    download(s3, f"s3://{place}/{prefix}", folder, [prefix + name for name in listed])


def relative(key: str, prefix: str) -> str:
    """A key as seen from the prefix that was asked for; the file name where the prefix is the whole key.

    Raises FileNotFoundError for a key that would be a file outside the folder that it goes to.
    """
    found = key[len(prefix) :].lstrip("/") or key.rsplit("/", 1)[-1]
    if ".." in found.split("/"):
        raise FileNotFoundError(f"the S3 object {key} would be written outside its folder")
    return found


def download_tar(s3: Any, uri: str, folder: Path) -> None:
    """Unpack an archive into a folder. Raises tarfile.TarError for what is none."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder.with_name(f"{folder.name}.tar.gz")
    s3.download_file(*split(uri), str(archive))
    with tarfile.open(archive) as tar:
        tar.extractall(folder, **SAFELY)
    archive.unlink()


def upload(s3: Any, folder: Path, uri: str, kms_key: str | None) -> None:
    """Copy the files of a folder under a prefix."""
    bucket, prefix = split(uri)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        key = f"{prefix.rstrip('/')}/{path.relative_to(folder).as_posix()}"
        s3.upload_file(str(path), bucket, key, ExtraArgs=encryption(kms_key))


def upload_tar(s3: Any, folders: list[Path], uri: str, kms_key: str | None, scratch: Path) -> None:
    """Pack the same folder of every instance into one archive, as AWS packs /opt/ml/model, and put it at a URI."""
    archive = scratch / uri.rsplit("/", 1)[-1]
    with tarfile.open(archive, "w:gz") as tar:
        for path in sorted(path for folder in folders for path in folder.iterdir()):
            tar.add(path, arcname=path.name)
    bucket, key = split(uri)
    s3.upload_file(str(archive), bucket, key, ExtraArgs=encryption(kms_key))


def encryption(kms_key: str | None) -> dict[str, str]:
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
