"""The answers of `List*`: filtered, sorted and cut as the request asks, by the members of its shape."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterable
from typing import Any

from rehearsal.sagemaker import shapes
from rehearsal.sagemaker.kinds import Kind
from rehearsal.sagemaker.store import AwsError, Record

# What the API reference says for Studio's kinds and for endpoints; for most others it says nothing.
PAGE = 10
_HOW = ("NextToken", "MaxResults", "SortBy", "SortOrder")
_MEMBERS = {
    "Created": "CreationTime",
    "LastModified": "LastModifiedTime",
    "ModifiedTime": "LastModifiedTime",
    "AppType": "StudioLifecycleConfigAppType",
}
_SECRET = secrets.token_bytes(16)

Place = tuple[Any, ...]


def records(kind: Kind, found: Iterable[Record], request: dict[str, Any]) -> dict[str, Any]:
    """The answer of `List{plural}`. Raises AwsError for a filter or an order that this cloud does not know."""
    operation = f"List{kind.plural}"
    output = shapes.output_members(operation)
    member = next(name for name, shape in output.items() if shape.type_name == "list")
    tests = [_test(kind, name, value) for name, value in request.items() if name not in _HOW]
    sort = _sort(kind, request.get("SortBy"))
    rows, more = page(
        [record for record in found if all(test(record) for test in tests)],
        lambda record: (record[sort], record[kind.arn_member]),
        {"SortOrder": "Descending" if kind.descending else "Ascending", **request},
        operation,
    )
    # A list of spaces tells settings as `SpaceSettingsSummary`.
    rows = [{**{f"{name}Summary": value for name, value in row.items()}, **row} for row in rows]
    return {member: shapes.project(output[member], rows), **more}


def page(
    items: list[Record], place: Callable[[Record], Place], request: dict[str, Any], operation: str
) -> tuple[list[Record], dict[str, str]]:
    """The next items after those of the token, and the token for what follows, if anything does.

    `place` gives each item a place of its own in the order; it is what a token remembers, so that nothing is told
    twice or left out when items come and go between two pages.
    """
    descending = request.get("SortOrder", "").title() == "Descending"  # images write it in capitals
    ordered = sorted(items, key=place, reverse=descending)
    scope = json.dumps([operation, {n: v for n, v in request.items() if n not in _HOW[:2]}], sort_keys=True)
    if "NextToken" in request:
        last = _read(request["NextToken"], scope)
        ordered = [item for item in ordered if (place(item) < last if descending else place(item) > last)]
    rows = ordered[: request.get("MaxResults") or PAGE]
    return rows, {"NextToken": _write(place(rows[-1]), scope)} if len(rows) < len(ordered) else {}


def _write(place: Place, scope: str) -> str:
    text = json.dumps(place).encode()
    return base64.urlsafe_b64encode(_seal(text, scope) + text).decode()


def _read(token: str, scope: str) -> Place:
    """A token serves the request that it was given for, with another MaxResults at most."""
    # AWS's own words for a token that it did not give are not documented.
    refused = AwsError("ValidationException", "Invalid NextToken: it was not given for this request.")
    try:
        content = base64.urlsafe_b64decode(token.encode())
    except ValueError:
        raise refused from None
    if not hmac.compare_digest(content[:32], _seal(content[32:], scope)):
        raise refused
    return tuple(json.loads(content[32:]))


def _seal(text: bytes, scope: str) -> bytes:
    return hmac.digest(_SECRET, scope.encode() + b"\0" + text, hashlib.sha256)


def _sort(kind: Kind, wanted: str | None) -> str:
    if wanted is None:
        return kind.sort
    if wanted.isupper():  # images: CREATION_TIME
        wanted = "".join(word.title() for word in wanted.split("_"))
    member = {"Name": kind.name_member, "Status": kind.status}.get(wanted, wanted)
    if member not in ("CreationTime", "LastModifiedTime", kind.name_member, kind.status):
        raise AwsError("ValidationException", f"List{kind.plural} does not sort by {wanted} in this cloud.")
    return member


def _test(kind: Kind, name: str, value: Any) -> Callable[[Record], bool]:
    """What a record must be like for one filter. After is inclusive and Before is not (API reference, ListModels)."""
    known = {*shapes.output_members(f"Describe{kind.noun}"), *shapes.summary_members(f"List{kind.plural}")}
    if name == "StatusEquals":
        return lambda record: record.get(kind.status) == value
    if name in ("PipelineName", "ModelPackageGroupName"):  # an ARN may stand for the name
        wanted = value.rsplit("/", 1)[-1]
        return lambda record: record.get(name) == wanted
    if (name, value) in (
        ("CrossAccountFilterOption", "SameAccount"),
        ("ModelPackageType", "Versioned"),
        ("ModelPackageType", "Both"),
    ):
        return lambda record: True  # there are no others here
    for suffix, holds in _COMPARISONS.items():
        stem = name.removesuffix(suffix)
        member = kind.key[-1] if stem == "Name" else stem if stem in known else _MEMBERS.get(stem, stem)
        if stem != name and member in known:
            return lambda record: holds(record.get(member), value)
    if name in known:
        return lambda record: record.get(name) == value
    if name == "AdditionalCodeRepositoryEquals":
        return lambda record: value in record.get("AdditionalCodeRepositories", [])
    raise AwsError("ValidationException", f"List{kind.plural} does not filter by {name}={value} in this cloud.")


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "Contains": lambda held, part: held is not None and part.lower() in held.lower(),
    "Prefix": lambda held, part: held is not None and held.startswith(part),
    "After": lambda held, moment: held is not None and held >= moment,
    "Before": lambda held, moment: held is not None and held < moment,
    "Equals": lambda held, wanted: held == wanted,
}
