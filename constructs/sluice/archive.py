"""Folders as one zip file, the same bytes on every machine, for what runs elsewhere: functions and scripts."""

import io
import os
import zipfile
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path

from aws_cdk import AssetStaging
from aws_cdk import aws_s3_assets as assets
from constructs import Construct, IConstruct

ROOT = Path(__file__).parents[2]
BYTECODE = "__pycache__"


def write(target: Path, folders: Mapping[str, Path], *, unwanted: Collection[str] = ()) -> Path:
    """`target`, a zip of each of `folders` below its key (`` or `name/`), without names in `unwanted` and bytecode.

    Links are followed. One file, because copying and hashing hundreds of files would be a fifth of the time of a synth.
    Raises FileNotFoundError for a folder that is not there.
    """
    content = _archive(tuple(folders.items()), (*unwanted, BYTECODE))
    if not target.is_file() or target.read_bytes() != content:
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, content)
    return target


def asset(scope: Construct, id: str, target: Path, folder: Path) -> assets.Asset:
    """The asset of `folder`, as one file that is made at `target` and whose ending it keeps."""
    packed = write(target, {"": folder})
    made = assets.Asset(scope, id, path=str(packed))
    complete(made.node.find_child("Stage"), packed)
    return made


def complete(stage: IConstruct, source: Path) -> None:
    """Repairs the copy of `source` in the assembly, which CDK takes over from an earlier synth by its name alone."""
    assert isinstance(stage, AssetStaging)
    staged = Path(stage.absolute_staged_path)
    if staged.stat().st_size != source.stat().st_size:
        _replace(staged, source.read_bytes())


@cache  # the same for every function of one synth, and 14 ms each
def _archive(folders: tuple[tuple[str, Path], ...], unwanted: tuple[str, ...]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:  # not compressed: what zlib makes depends on its version
        for name, path in sorted(found for prefix, folder in folders for found in _files(folder, unwanted, prefix)):
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # whoever runs it may read it
            target.writestr(entry, path.read_bytes())
    return archive.getvalue()


def _files(folder: Path, unwanted: tuple[str, ...], prefix: str) -> Iterator[tuple[str, Path]]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder.relative_to(ROOT)} is missing: run `make setup`")
    for path in folder.iterdir():
        if path.name in unwanted:
            continue
        if path.is_dir():
            yield from _files(path, unwanted, f"{prefix}{path.name}/")
        else:
            yield prefix + path.name, path


def _replace(path: Path, content: bytes) -> None:
    """Writes `path` as a whole or not at all, also if this process ends half-way or another one does the same."""
    made = path.with_name(f"{path.name}.{os.getpid()}")
    made.write_bytes(content)
    made.replace(path)
