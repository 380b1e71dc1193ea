"""What a template's values are before it is deployed: parameters by their defaults, conditions by those, and the
intrinsic functions as far as these carry. What depends on the account or on who deploys stays UNKNOWN."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from review.cloud_assembly import Stack
from review.cost_conditions import UNKNOWN, Conditions

# Functions within functions; what is deeper, or leads in a circle, is not known.
_DEEPEST = 30
_MOST = 1e12  # nobody asks for so many of anything
_REFERENCE = re.compile(r"\$\{(!?)([^}]*)\}")
_PSEUDO = {"AWS::Partition": ("aws", "aws-cn", "aws-us-gov"), "AWS::URLSuffix": ("amazonaws.com", "amazonaws.com.cn")}


class Values:
    """Those of one stack; `given` are the values that its parent hands to its parameters, if it is nested."""

    def __init__(self, stack: Stack, region: str, given: Mapping[str, Any] | None = None) -> None:
        self._region = region
        self._given = given or {}
        self._parameters = _mapping(stack.template.get("Parameters"))
        self._mappings = _mapping(stack.template.get("Mappings"))
        self._depth = 0
        self._conditions = Conditions(_mapping(stack.template.get("Conditions")), self.of)

    def at(self, value: Any, *path: str | int) -> Any:
        """What stands there. None: absent; UNKNOWN: the template alone does not tell."""
        found = self.of(value)
        for part in path:
            if found is UNKNOWN:
                return UNKNOWN
            if isinstance(part, str) and isinstance(found, Mapping):
                found = self.of(found.get(part))
            elif isinstance(part, int) and isinstance(found, list) and part < len(found):
                found = self.of(found[part])
            else:
                return None
        return found

    def raw(self, value: Any, name: str) -> Any:
        """A member as it is written: what refers to another resource has no value yet."""
        found = self.of(value)
        return found.get(name) if isinstance(found, Mapping) else None

    def items(self, value: Any, *path: str | int) -> list[Any]:
        """The members of a list there, without those that are absent; of anything else none."""
        found = self.at(value, *path)
        members = [self.of(each) for each in found] if isinstance(found, list) else []
        return [each for each in members if each is not None]

    def number(self, value: Any, *path: str | int, default: float | None = None) -> float | None:
        """None if what stands there is no usable number from 0 upwards, `default` if nothing does."""
        found = self.at(value, *path)
        if found is None:
            return default
        if isinstance(found, bool) or not isinstance(found, int | float | str):
            return None
        try:
            number = float(found)
        except (ValueError, OverflowError):
            return None
        return number if 0 <= number < _MOST else None

    def text(self, value: Any, *path: str) -> str:
        """A string; what is not known in it stands as `<LogicalId>` or `<LogicalId.Attribute>`."""
        found = self.raw(self.at(value, *path[:-1]), path[-1]) if path else value
        return self._bounded(lambda: self._text(found), "<>")

    def of(self, value: Any) -> Any:
        """Itself, or what the intrinsic function that it is gives."""
        if not isinstance(value, Mapping) or len(value) != 1:
            return value
        [(function, argument)] = value.items()
        known = getattr(self, _FUNCTIONS.get(function, ""), None)
        if known is None:
            return UNKNOWN if isinstance(function, str) and function.startswith("Fn::") else value
        return self._bounded(lambda: known(argument), UNKNOWN)

    def holds(self, condition: Any) -> bool | None:
        """Whether the condition of that name does; None if that depends on who deploys."""
        return self._conditions.holds(condition)

    def _bounded(self, ask: Callable[[], Any], otherwise: Any) -> Any:
        if self._depth >= _DEEPEST:
            return otherwise
        self._depth += 1
        try:
            return ask()
        finally:
            self._depth -= 1

    def _ref(self, name: Any) -> Any:
        if not isinstance(name, str):
            return UNKNOWN
        if name == "AWS::NoValue":
            return None
        if name == "AWS::Region":
            return self._region or UNKNOWN
        if name in _PSEUDO:
            china, gov = self._region.startswith("cn-"), self._region.startswith("us-gov-")
            return _PSEUDO[name][min(china + 2 * gov, len(_PSEUDO[name]) - 1) if name == "AWS::Partition" else china]
        if name in self._given:
            return self._given[name]
        parameter = _mapping(self._parameters.get(name))
        default = parameter.get("Default", UNKNOWN)
        kind = str(parameter.get("Type", ""))
        if kind.startswith("AWS::SSM::Parameter"):
            return UNKNOWN  # its default is where the value lies
        if isinstance(default, str) and ("List" in kind):
            return [part.strip() for part in default.split(",")] if default else UNKNOWN
        return default

    def _if(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 3:
            return UNKNOWN
        holds = self._conditions.holds(argument[0])
        if holds is not None:
            return self.of(argument[1] if holds else argument[2])
        either, other = self.of(argument[1]), self.of(argument[2])
        return either if either == other else UNKNOWN

    def _find_in_map(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) < 3:
            return UNKNOWN
        found: Any = self._mappings
        for key in argument[:3]:
            found = _mapping(found).get(str(self.of(key)), UNKNOWN)
        return found

    def _select(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 2:
            return UNKNOWN
        index, members = self.number(argument[0]), self.of(argument[1])
        if index is None or not isinstance(members, list) or index >= len(members):
            return UNKNOWN
        return self.of(members[int(index)])

    def _split(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str) or not argument[0]:
            return UNKNOWN
        whole = self.of(argument[1])
        return whole.split(argument[0]) if isinstance(whole, str) else UNKNOWN

    def _join(self, argument: Any) -> Any:
        return _if_whole(self.text({"Fn::Join": argument}))

    def _sub(self, argument: Any) -> Any:
        return _if_whole(self.text({"Fn::Sub": argument}))

    def _text(self, value: Any) -> str:
        match value:
            case {"Fn::Join": [str(by), parts]} if len(value) == 1:
                parts = self.of(parts)
                return by.join(map(self.text, parts)) if isinstance(parts, list) else "<>"
            case {"Fn::Sub": [str(template), variables]} if len(value) == 1:
                return self._filled(template, _mapping(variables))
            case {"Fn::Sub": str(template)} if len(value) == 1:
                return self._filled(template, {})
            case {"Fn::GetAtt": [*parts]} if len(value) == 1:
                return f"<{'.'.join(map(str, parts))}>"
            case {"Fn::GetAtt": str(attribute)} if len(value) == 1:
                return f"<{attribute}>"
            case {"Fn::ImportValue": name} if len(value) == 1:
                return f"<import {self.text(name)}>"
        found = self.of(value)
        if found is UNKNOWN:
            return f"<{value['Ref']}>" if isinstance(value, Mapping) and isinstance(value.get("Ref"), str) else "<>"
        return found if isinstance(found, str) else "" if found is None else str(found)

    def _filled(self, template: str, variables: Mapping[str, Any]) -> str:
        def one(found: re.Match[str]) -> str:
            if found[1]:
                return f"${{{found[2]}}}"
            name = found[2].strip()
            if name in variables:
                return self.text(variables[name])
            return f"<{name}>" if "." in name else self.text({"Ref": name})

        return _REFERENCE.sub(one, template)


_FUNCTIONS = {
    "Ref": "_ref",
    "Fn::If": "_if",
    "Fn::FindInMap": "_find_in_map",
    "Fn::Select": "_select",
    "Fn::Split": "_split",
    "Fn::Join": "_join",
    "Fn::Sub": "_sub",
}


def references(text: str) -> Iterator[str]:
    """What `Values.text` could not know, without its brackets: logical IDs with attributes, and `import` of exports."""
    return (found[1] for found in re.finditer(r"<([^<>]+)>", text))


def _if_whole(text: str) -> Any:
    return UNKNOWN if re.search(r"<[^<>]*>", text) else text


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
