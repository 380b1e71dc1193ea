"""The findings as SARIF 2.1.0, as code scanning of GitHub, GitLab and Azure DevOps reads it."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from review.model import Finding, Place, Review, Severity
from review.report.sheet import line
from review.verdict import gravest_first

LEVELS = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
RESULTS = 5_000  # of a run, as GitHub shows
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_SOURCE = re.compile(r"(.+):(\d+)")


def log(review: Review) -> str:
    """Each finding at its line of code; one without such a line at its stack's template."""
    found = gravest_first(review.findings)[:RESULTS]
    rules = {each.rule: each for each in reversed(found)}
    driver = {
        "name": "sluice review",
        "semanticVersion": review.versions.get("sluice", "0"),
        "rules": [_rule(rules[name]) for name in sorted(rules)],
    }
    places = sorted(rules)
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"CDKOUT": {"description": {"text": "The cloud assembly of the head."}}},
        "results": [_result(each, places.index(each.rule)) for each in found],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def source(place: Place) -> tuple[str, int] | None:
    """File and line of the code that made it, where that is known."""
    found = _SOURCE.fullmatch(place.source)
    return (found[1], max(int(found[2]), 1)) if found else None


def _rule(first: Finding) -> dict[str, Any]:
    told = {"text": first.rule}
    return {
        "id": first.rule,
        "shortDescription": told,
        "defaultConfiguration": {"level": LEVELS[first.severity]},
        **({"help": {"text": line(first.fix, 1000)}} if first.fix else {}),
    }


def _result(each: Finding, index: int) -> dict[str, Any]:
    identity = "\0".join((each.rule, each.place.stack, each.place.path, each.message))
    return {
        "ruleId": each.rule,
        "ruleIndex": index,
        "level": LEVELS[each.severity],
        "message": {"text": line(f"{each.message} {each.fix}".strip(), 1000) or each.rule},
        "locations": [dict(_location(each.place))],
        "partialFingerprints": {"sluice/v1": hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()},
    }


def _location(place: Place) -> Iterator[tuple[str, Any]]:
    at = source(place)
    if at:
        yield "physicalLocation", {"artifactLocation": {"uri": quote(at[0])}, "region": {"startLine": at[1]}}
    else:
        template = quote(f"{place.stack.replace('/', '-')}.template.json")
        yield "physicalLocation", {"artifactLocation": {"uri": template, "uriBaseId": "CDKOUT"}}
    name = f"{place.stack}/{place.logical_id}"
    yield "logicalLocations", [{"fullyQualifiedName": line(name, 1000), "kind": "resource"}]
