"""What CDK's specification says forces a replacement, drawn out of the pinned CDK command line.

`python -m review.cdk_specification` writes `review/cdk_specification.json` anew after a new version is pinned. The
specification itself is 16 MB and takes 0.4 s and 100 MB to read; what a review asks of it are these 300 KB.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SPECIFICATION = Path("node_modules/aws-cdk/db.json.gz")
DRAWN = Path(__file__).with_suffix(".json")


def drawn(specification: Path = SPECIFICATION) -> dict[str, dict[str, str]]:
    """By type, by property path (`A/B`): `yes` or `maybe`. The key `` lists the type's properties, in one string."""
    schema = json.loads(gzip.decompress(specification.read_bytes()))["schema"]
    definitions = {entity["$id"]: entity for entity in schema["typeDefinition"]["entities"]}
    return {
        entity["cloudFormationType"]: {"": " ".join(sorted(entity["properties"]))} | dict(_forcing(entity, definitions))
        for entity in sorted(schema["resource"]["entities"], key=lambda entity: entity["cloudFormationType"])
    }


def text(found: Mapping[str, Mapping[str, str]]) -> str:
    """A type a line, so that a new version's difference can be read."""
    lines = (f"{json.dumps(name)}: {json.dumps(paths, separators=(',', ':'))}" for name, paths in found.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _forcing(entity: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Below a property that always forces nothing else needs to be said.

    A nested type that stands in more than one place carries the marks of all of them (a Domain's `DefaultResourceSpec`
    replaces it in one of ten), so its marks count nowhere: there the other source speaks alone.
    """
    found = list(_walked(entity, definitions))
    places = Counter(owner for owner, _ in {(owner, path.rpartition("/")[0]) for path, _, owner in found})
    for path, force, owner in found:
        if force != "no" and places[owner] == 1:
            yield path, force


def _walked(
    entity: Mapping[str, Any], definitions: Mapping[str, Any], path: str = "", above: frozenset[str] = frozenset()
) -> Iterator[tuple[str, str, str]]:
    """Path, force and the type that holds the property. `above` ends types that hold themselves."""
    for name, found in sorted(entity["properties"].items()):
        here, force = f"{path}/{name}" if path else name, found.get("causesReplacement", "no")
        yield here, force, entity["$id"]
        if force != "yes":
            for reference in _referred(found["type"]):
                if reference not in above:
                    yield from _walked(definitions[reference], definitions, here, above | {reference})


def _referred(kind: Mapping[str, Any]) -> Iterator[str]:
    if kind["type"] == "ref":
        yield kind["reference"]["$ref"]
    for inner in (kind.get("element"), *kind.get("types", ())):
        if inner:
            yield from _referred(inner)


if __name__ == "__main__":
    DRAWN.write_text(text(drawn()), "utf-8")
