"""Switches of security that a change turns the less safe way: encryption, isolation, retention, deletion..."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from review import steps
from review.cloud_assembly import Resource, Stack
from review.iam.branches import variants
from review.iam.patterns import CLOSE, HARD, OPEN, shown
from review.iam.principals import properties
from review.iam.references import References
from review.model import Finding, Kind, Severity
from review.pairs import Pair

# Types of which a deletion loses what no template makes anew.
_STATEFUL = (
    "AWS::S3", "AWS::DynamoDB", "AWS::RDS", "AWS::EFS", "AWS::KMS", "AWS::SageMaker", "AWS::Logs",
    "AWS::SecretsManager",
    "AWS::ECR", "AWS::Cognito", "AWS::OpenSearch", "AWS::Neptune", "AWS::DocDB", "AWS::EC2::Volume", "AWS::Backup",
    "AWS::Kinesis", "AWS::Redshift", "AWS::Glue", "AWS::FSx", "AWS::Timestream",
)  # fmt: skip
# Where CloudFormation takes a snapshot unless told otherwise.
_SNAPSHOT = ("AWS::RDS::DBCluster", "AWS::RDS::DBInstance")
_NAMES = ("Name", "VariantName", "Id", "ModelName", "DeviceName", "Key")
_UNSURE = object()


# How a value is ranked, where it is not by a list: it is there; it is true; it is false; the greater the number.
_SET, _TRUE, _FALSE, _MORE = "set", "true", "false", "more"
_FIX = "Ask why; put the value back, or say in the pull request what protects this now."
_FIX_PUBLIC = "Ask who must reach this from outside, and how they are known."
_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Switch(NamedTuple):
    """As review/switches.yaml says it, one path each."""

    rule: str
    types: tuple[str, ...]
    path: str
    better: str | tuple[str, ...]
    said: str
    absent: str = ""
    severity: Severity = Severity.HIGH


@cache
def switches() -> tuple[Switch, ...]:
    raw = yaml.load(Path(__file__).with_suffix(".yaml").read_bytes(), _YAML)
    return tuple(
        Switch(
            each["rule"],
            tuple(each["types"]),
            path,
            tuple(each["better"]) if isinstance(each["better"], list) else each["better"],
            each["said"],
            each.get("absent", ""),
            Severity(each.get("severity", "high")),
        )
        for each in raw
        for path in (each["path"] if isinstance(each["path"], list) else [each["path"]])
    )


@dataclass(frozen=True)
class _Turned:
    switch: Switch
    path: str
    before: str
    after: str
    certain: bool


def findings(base: References, head: References, pairs: tuple[Pair, ...]) -> Iterator[Finding]:
    for pair in pairs:
        if pair.before and pair.after and pair.before.type == pair.after.type and not _same(pair.before, pair.after):
            yield from _told(pair, "", list(_turned(pair)))
            for inner, switched in _steps(pair, base, head):
                yield from _told(pair, inner, switched)


def _same(before: Resource, after: Resource) -> bool:
    return before.properties == after.properties and before.attributes == after.attributes


def _turned(pair: Pair) -> Iterator[_Turned]:
    assert pair.before and pair.after and pair.stack_after
    old, new = (_with_attributes(each) for each in (pair.before, pair.after))
    yield from turned(old, new, pair.after.type, pair.stack_after)


def _with_attributes(resource: Resource) -> dict[str, Any]:
    kept = ("DeletionPolicy", "UpdateReplacePolicy")
    return {**properties(resource), **{f"@{k}": resource.attributes[k] for k in kept if k in resource.attributes}}


def turned(old: Mapping[str, Any], new: Mapping[str, Any], kind: str, stack: Stack) -> Iterator[_Turned]:
    """The switches that are less safe in `new`, in any of the ways in which the template's conditions turn out."""
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    both = {"old": {key: old[key] for key in keys if key in old}, "new": {key: new[key] for key in keys if key in new}}
    try:
        chosen = [each for _, each in variants(both, stack)]
    except ValueError:
        chosen = [both]
    found: dict[tuple[str, str], _Turned] = {}
    for each in chosen:
        before, after = _nodes(each.get("old", {})), _nodes(each.get("new", {}))
        for switch in _of(kind):
            for path in _paths(switch, before, after):
                if turn := _compared(switch, path, before, after, kind):
                    found.setdefault((switch.rule, turn.path), turn)
    whole = [turn.path for turn in found.values() if turn.switch.better == _SET]
    yield from (turn for turn in found.values() if not any(turn.path.startswith(f"{path}.") for path in whole))


@cache
def _of(kind: str) -> list[Switch]:
    return [
        each
        for each in switches()
        if any(kind == name or (name.endswith("*") and kind.startswith(name[:-1])) for name in each.types)
    ]


def _nodes(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Everything within a value by where it is; the items of a list by their name, or by their number."""
    found = {path: value}
    if isinstance(value, Mapping) and not steps.is_function(value):
        for key, each in value.items():
            found |= _nodes(each, (*path, key))
    elif isinstance(value, list):
        for n, each in enumerate(value):
            name = next((each[k] for k in _NAMES if isinstance(each, Mapping) and isinstance(each.get(k), str)), str(n))
            found |= _nodes(each, (*path, f"[{name}]"))
            if name == str(n):
                found |= _nodes(each, (*path, name)) if n == 0 else {}
    return found


def _paths(
    switch: Switch, before: Mapping[tuple[str, ...], Any], after: Mapping[tuple[str, ...], Any]
) -> list[tuple[str, ...]]:
    if not switch.path.startswith("**."):
        return [tuple(switch.path.split("."))]
    end = tuple(switch.path.removeprefix("**.").split("."))
    return [path for path in dict.fromkeys([*before, *after]) if path[-len(end) :] == end and "0" not in path]


def _compared(
    switch: Switch,
    path: tuple[str, ...],
    before: Mapping[tuple[str, ...], Any],
    after: Mapping[tuple[str, ...], Any],
    kind: str,
) -> _Turned | None:
    old, new = before.get(path), after.get(path)
    if old == new or any(each.startswith("[") and path[: n + 1] not in after for n, each in enumerate(path)):
        return None
    if path not in before and any(each.startswith("[") and path[: n + 1] not in before for n, each in enumerate(path)):
        return None  # in an item of a list that is new
    was, now = _rank(switch, old, kind), _rank(switch, new, kind)
    if was is _UNSURE or (now is not _UNSURE and now >= was):
        return None
    best = was if now is _UNSURE else None
    if now is _UNSURE and best == 0:
        return None
    return _Turned(switch, ".".join(path), _said(old), _said(new), now is not _UNSURE)


def _rank(switch: Switch, value: Any, kind: str) -> Any:
    """The greater, the safer. `_UNSURE`: only the deployment knows."""
    if switch.better == _SET:
        return int(value is not None and value != "" and value != [] and value != {})
    if value is None:
        value = "Snapshot" if switch.path == "@DeletionPolicy" and kind in _SNAPSHOT else switch.absent
    if isinstance(value, Mapping | list) or any(mark in str(value) for mark in (OPEN, HARD, CLOSE)):
        return _UNSURE
    text = str(value)
    if switch.better in (_TRUE, _FALSE):
        return int((text.lower() == "true") == (switch.better == _TRUE))
    if switch.better == _MORE:
        return float(text) if text.replace(".", "", 1).isdigit() or text == "inf" else _UNSURE
    order = switch.better
    return order.index(text) if text in order else order.index("other") if "other" in order else _UNSURE


def _said(value: Any) -> str:
    """A switch's value; what is no plain word is not shown."""
    if value is None:
        return "not set"
    return str(value) if isinstance(value, bool | int | float | str) and len(str(value)) < 40 else "set"


def _told(pair: Pair, inner: str, found: list[_Turned]) -> Iterator[Finding]:
    """One finding for each rule, with all that it is about."""
    groups: dict[tuple[str, bool], list[_Turned]] = {}
    for each in found:
        groups.setdefault((each.switch.rule, each.certain), []).append(each)
    for (rule, certain), group in groups.items():
        switch = group[0].switch
        names = ", ".join(_change(each) for each in group[:3]) + (
            f" and {len(group) - 3} more" if len(group) > 3 else ""
        )
        unsure = "" if certain else "look whether "
        yield Finding(
            kind=Kind.NETWORK_OPENED if rule == "public-access" else Kind.SWITCH,
            severity=_severity(pair, switch) if certain else Severity.MEDIUM,
            rule=rule,
            place=pair.place,
            message=f"{pair.place.path}{inner}: {unsure}{switch.said} ({names}).",
            fix=_FIX_PUBLIC if rule == "public-access" else _FIX,
        )


def _change(each: _Turned) -> str:
    if each.switch.better == _SET:
        return f"{each.path.removeprefix('@')} is gone"
    return f"{each.path.removeprefix('@')}: {each.before} -> {each.after}"


def _severity(pair: Pair, switch: Switch) -> Severity:
    if switch.rule == "switch-deletion-policy" and not pair.place.type.startswith(_STATEFUL):
        return Severity.LOW
    return switch.severity


def _steps(pair: Pair, base: References, head: References) -> Iterator[tuple[str, list[_Turned]]]:
    """The same switches within the steps of a pipeline's or a state machine's definition."""
    assert pair.before and pair.after and pair.stack_before and pair.stack_after
    if pair.after.type not in steps.DEFINITIONS:
        return
    before, after = (
        steps.definition(resource, stack, side)
        for resource, stack, side in ((pair.before, pair.stack_before, base), (pair.after, pair.stack_after, head))
    )
    if before is None or after is None:
        if properties(pair.before) != properties(pair.after):
            switch = Switch("switch-definition", (), "", _SET, "its steps changed: they are not in the template")
            yield "", [_Turned(switch, "definition", "", "", False)]
        return
    old = dict(steps.named(before, ""))
    for name, step in steps.named(after, ""):
        if name in old and old[name] != step:
            yield f" step {name}", [*turned(old[name], step, "step", pair.stack_after), *_swapped(old[name], step)]


def _swapped(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[_Turned]:
    """Which role a step's text means is not known here."""
    if old.get("RoleArn") != new.get("RoleArn"):
        switch = Switch("switch-role-swapped", (), "RoleArn", "", "its other role may do more")
        yield _Turned(switch, "RoleArn", *(shown(str(each.get("RoleArn"))) for each in (old, new)), certain=False)
