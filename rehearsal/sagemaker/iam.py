"""What IAM checks for a SageMaker call, read from `iam.toml`: resources, roles passed, condition keys."""

import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from rehearsal.sagemaker.store import AwsError, Record, Store

_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_RESOURCES = {name: arn for arn, names in _TABLE["on"].items() for name in names.split()}
_MULTIVALUED = frozenset(_TABLE["multivalued"]["keys"].split())

ROWS = frozenset(_RESOURCES)
"""The operations that the table has a row for."""
KEYS = frozenset((operation, key) for operation, keys in _TABLE["keys"].items() for key in keys)
"""Operations with the condition keys that they have of the service's own, without `sagemaker:`."""


def resource(operation: str, request: Mapping[str, Any], arn_prefix: str) -> str:
    """The ARN that a call is authorized on; '*' where the action has no resource level."""
    template = _RESOURCES.get(operation, "*")
    # A request that lacks the name is refused for that later; here it names every resource.
    return "*" if template == "*" else next(_arns(template, request, arn_prefix, lacking=["*"]))


def further(operation: str, request: Mapping[str, Any], arn_prefix: str) -> Iterator[str]:
    """The other resources that the same action is checked on, such as the configuration that is deployed."""
    if operation in _TABLE["also"]:
        yield from _arns(_TABLE["also"][operation], request, arn_prefix, lacking=[])


def granted(operation: str, request: Mapping[str, Any], arn_prefix: str, store: Store) -> Iterator[str]:
    """The ARNs of the keys that whoever calls must be allowed to give SageMaker grants of."""
    if operation in _TABLE["grants"]:
        for key in _texts(_search(_TABLE["grants"][operation], _stored(request, arn_prefix, store))):
            yield key if key.startswith("arn:") else f"{arn_prefix.replace(':sagemaker:', ':kms:')}key/{key}"


def conditions(operation: str, request: Mapping[str, Any], arn_prefix: str, store: Store) -> dict[str, Any]:
    """The service's own condition keys of a call, with the values as IAM compares them: text, or a list of texts."""
    found: dict[str, Any] = {}
    members = {**request, **_stored(request, arn_prefix, store)}
    for key, path in _TABLE["keys"].get(operation, {}).items():
        if key.endswith("/*"):
            properties = _search(path, members)
            if isinstance(properties, dict):
                found |= {f"sagemaker:{key[:-1]}{name}": str(value) for name, value in properties.items()}
            continue
        is_arn = "{" in path
        values = list(_arns(path, members, arn_prefix, lacking=[])) if is_arn else _texts(_search(path, members))
        if values:
            found[f"sagemaker:{key}"] = values if key in _MULTIVALUED or len(values) > 1 else values[0]
    return found


def resource_tags(arn: str, store: Store) -> dict[str, str]:
    """The tags of a resource as condition keys, under both of their names; none for what does not exist."""
    tags = (_record(arn, store) or {}).get("Tags", [])
    return {f"{service}:ResourceTag/{t['Key']}": t["Value"] for t in tags for service in ("aws", "sagemaker")}


def _arns(template: str, request: Mapping[str, Any], arn_prefix: str, *, lacking: list[str]) -> Iterator[str]:
    """The ARNs of a template, one for each value; where a request gives an ARN for a name, that ARN."""
    parts = re.split(r"\{(.*?)\}", template)
    values = [_texts(_search(path, request)) or lacking for path in parts[1::2]]
    for names in itertools.product(*values):
        if parts[-1] == "" and names[-1].startswith("arn:"):
            yield names[-1]
            continue
        short = [name.rsplit("/", 1)[-1] if name.startswith("arn:") else name for name in names]
        yield arn_prefix + "".join(itertools.chain.from_iterable(zip(parts[::2], [*short, ""], strict=True)))


def _stored(request: Mapping[str, Any], arn_prefix: str, store: Store) -> dict[str, Record | None]:
    arns = {noun: next(_arns(t, request, arn_prefix, lacking=[]), "") for noun, t in _TABLE["stored"].items()}
    return {noun: _record(arn, store) for noun, arn in arns.items() if arn}


def _record(arn: str, store: Store) -> Record | None:
    try:
        return store.by_arn(arn)
    except AwsError:
        return None


def _search(path: str, members: Mapping[str, Any]) -> Any:
    try:
        return jmespath.search(path, dict(members))
    except JMESPathError:
        return None  # text where the model has a number: the service refuses the request for that


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, bool):
        return [str(value).lower()]
    return [] if value is None else [str(value)]
