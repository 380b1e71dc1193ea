"""The roles of a stack that SageMaker assumes, and what their policies in the same template say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from review.governance.rule import View
from review.governance.values import ABSENT, Unknown, as_map, cases, reference, written

SERVICE = "sagemaker."
POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")


@dataclass(frozen=True)
class Statement:
    """`path` leads to it from the role's properties, or names the policy that holds it."""

    path: str
    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Any]
    principals: tuple[str, ...] = ()
    certain: bool = True
    """False: it stands in a branch, or something in it is decided elsewhere."""

    def condition_keys(self) -> set[str]:
        """The condition keys that it names, in small letters."""
        return {key.lower() for block in self.conditions.values() if isinstance(block, Mapping) for key in block}


def is_assumed_by_sagemaker(view: View) -> bool:
    return any(SERVICE in principal for each in trust(view) for principal in each.principals)


def trust(view: View) -> Iterator[Statement]:
    yield from _document(view, view.known.get("AssumeRolePolicyDocument"), "AssumeRolePolicyDocument")


def granted(view: View) -> Iterator[Statement]:
    """What a role's inline policies, and policies of the same template that are attached to it, allow."""
    for case in view.at("Policies.*.PolicyDocument"):
        yield from (each for each in _document(view, case.value, case.path) if each.allows)
    managed = [case.value for case in view.at("ManagedPolicyArns.*")] if "ManagedPolicyArns" in view.known else []
    names = {source.partition(".")[0] for each in managed if isinstance(each, Unknown) for source in (each.source,)}
    for name, resource in view.stack.resources.items():
        if resource.type in POLICIES and (name in names or _attached(resource.properties, view.resource.logical_id)):
            document = as_map(resource.properties).get("PolicyDocument")
            yield from (each for each in _document(view, document, f"{name}.PolicyDocument") if each.allows)


def _attached(properties: Mapping[str, Any], role: str) -> bool:
    roles = properties.get("Roles")
    listed = roles if isinstance(roles, list) else []
    return role in {reference(each) for each in [*listed, properties.get("RoleName")]}


def _document(view: View, document: Any, path: str) -> Iterator[Statement]:
    for case in cases(document, view.scope, path):
        if not isinstance(case.value, dict):
            continue
        given = case.value.get("Statement")
        for index, each in enumerate(given if isinstance(given, list) else [given]):
            for inner in cases(each, view.scope, f"{path}.Statement.{index}"):
                if isinstance(inner.value, dict):
                    yield _statement(view, inner.value, inner.path)


def _statement(view: View, given: Mapping[str, Any], path: str) -> Statement:
    principal = given.get("Principal", {})
    listed = list(principal.values()) if isinstance(principal, dict) and "Fn::If" not in principal else [principal]
    conditions = given.get("Condition")
    return Statement(
        path,
        given.get("Effect") == "Allow",
        tuple(action.lower() for action in texts(view, given.get("Action", ["*"] if "NotAction" in given else []))),
        tuple(texts(view, given.get("Resource", ["*"] if "NotResource" in given else []))),
        conditions if isinstance(conditions, dict) else {},
        tuple(text for each in listed for text in texts(view, each)),
    )


def texts(view: View, value: Any) -> Iterator[str]:
    """One text or several, each branch of them; `${...}` stands for what only a deployment knows."""
    for case in cases(value, view.scope):
        match case.value:
            case list() as items:
                for item in items:
                    yield from texts(view, item)
            case str() | int() as text:
                yield str(text)
            case Unknown(source=source):
                yield source if "${" in source else f"${{{source}}}"
            case _ if case.value is not ABSENT:
                yield written(case.value, view.scope)[0]
