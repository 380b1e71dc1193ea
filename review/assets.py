"""What is uploaded with a stack: files and folders by their hashes, and the templates of nested stacks among them."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from review.json_file import AssemblyError, is_there, mapping, read_object, text
from review.template import Resource

_HASH = re.compile(r"[0-9a-f]{32,64}")


def assets_of(
    folder: Path, artifact: Mapping[str, Any], artifacts: Mapping[str, Any], notes: list[str]
) -> dict[str, Path]:
    """The files of a stack's asset manifest, and those that CDK 1 notes in its metadata; adds to `notes`."""
    found = {}
    for name, path in (*_listed(folder, artifact, artifacts, notes), *_noted(folder, artifact)):
        if is_there(path):
            found[name] = path
        else:
            notes.append(f"{path} is missing: what changes within it is not told")
    return found


def nested_template(folder: Path, resource: Resource, assets: Mapping[str, Path]) -> Path | None:
    """The file that holds the template of a nested stack, or None."""
    named = text(mapping(resource.attributes.get("Metadata")).get("aws:asset:path"))
    if named and is_there(folder / named):
        return folder / named
    # Without asset metadata the template's address tells its hash.
    for name in _HASH.findall(json.dumps(resource.properties.get("TemplateURL", ""))):
        if name in assets:
            return assets[name]
    return None


def _listed(
    folder: Path, artifact: Mapping[str, Any], artifacts: Mapping[str, Any], notes: list[str]
) -> Iterator[tuple[str, Path]]:
    needs = artifact.get("dependencies")
    for need in needs if isinstance(needs, list) else ():
        other = mapping(artifacts.get(text(need)))
        file = text(mapping(other.get("properties")).get("file"))
        if other.get("type") != "cdk:asset-manifest" or not file:
            continue
        try:
            manifest = read_object(folder / file)
        except AssemblyError as error:
            notes.append(f"{error}; what changes within assets is not told")
            continue
        for kind, key in (("files", "path"), ("dockerImages", "directory")):
            for name, asset in mapping(manifest.get(kind)).items():
                if path := text(mapping(mapping(asset).get("source")).get(key)):
                    yield name, folder / path


def _noted(folder: Path, artifact: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    for entries in mapping(artifact.get("metadata")).values():
        for entry in entries if isinstance(entries, list) else ():
            data = mapping(mapping(entry).get("data"))
            name, path = text(data.get("sourceHash") or data.get("id")), text(data.get("path"))
            if mapping(entry).get("type") == "aws:cdk:asset" and name and path:
                yield name, folder / path
