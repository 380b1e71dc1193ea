"""Widened and narrowed, held against an evaluator of IAM that shares no code with the review."""

import itertools
import os
from fnmatch import fnmatchcase
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from review.cloud_assembly import stack_of
from review.iam.actions import actions
from review.iam.identity import compared
from review.iam.references import References
from review.iam.statements import Policy, policy
from review.iam.widening import widenings
from review.model import Place

STACK = stack_of({"Resources": {}})
REFERENCES = References({"Stack": STACK})
EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "15"))

ACTIONS = ("sqs:SendMessage", "sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:PurgeQueue")
RESOURCES = ("arn:a", "arn:ab", "arn:b", "arn:ba", "arn:aba")
ACTION_PATTERNS = (*ACTIONS, "sqs:Send*", "sqs:*Message", "SQS:*", "*")
RESOURCE_PATTERNS = (*RESOURCES, "arn:a*", "arn:*a", "arn:?", "arn:a?a", "*")
KEYS: dict[str, tuple[str | None, ...]] = {
    "aws:PrincipalTag/team": (None, "x", "xy", "z"),
    "aws:SourceIp": (None, "10.0.0.1", "10.1.0.1"),
}
CONDITIONS = (
    {"StringEquals": {"aws:PrincipalTag/team": "x"}},
    {"StringEquals": {"aws:PrincipalTag/team": ["x", "z"]}},
    {"StringLike": {"aws:PrincipalTag/team": "x*"}},
    {"StringNotEquals": {"aws:PrincipalTag/team": "x"}},
    {"StringEqualsIfExists": {"aws:PrincipalTag/team": ["x", "xy"]}},
    {"StringNotLike": {"aws:PrincipalTag/team": ["x*", "z"]}},
    {"Null": {"aws:PrincipalTag/team": "true"}},
    {"Null": {"aws:PrincipalTag/team": "false"}},
    {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    {"IpAddress": {"aws:SourceIp": "10.0.0.0/16"}, "StringLike": {"aws:PrincipalTag/team": "*y"}},
    {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/16"}},
)  # fmt: skip
REQUESTS = list(itertools.product(ACTIONS, RESOURCES, *KEYS.values()))


def allowed(document: Any, request: tuple[Any, ...]) -> bool:
    """As AWS documents it: some Allow applies and no Deny does."""
    applying = {each["Effect"] for each in document["Statement"] if applies(each, request)}
    return applying == {"Allow"}


def applies(statement: Any, request: tuple[Any, ...]) -> bool:
    action, resource, *context = request
    matches = {
        "Action": lambda value: any(fnmatchcase(action.lower(), each.lower()) for each in value),
        "Resource": lambda value: any(fnmatchcase(resource, each) for each in value),
    }
    for name, match in matches.items():
        if not (match(statement[name]) if name in statement else not match(statement[f"Not{name}"])):
            return False
    found = dict(zip(KEYS, context, strict=True))
    return all(
        holds(operator, found[key], value if isinstance(value, list) else [value])
        for operator, keys in statement.get("Condition", {}).items()
        for key, value in keys.items()
    )


def holds(operator: str, there: str | None, values: list[str]) -> bool:
    if operator == "Null":
        return (there is None) == (values == ["true"])
    if there is None:
        return "Not" in operator or operator.endswith("IfExists")
    if "Ip" in operator:
        found = any(there.startswith("10.0." if each.endswith("/16") else "10.") for each in values)
    elif "Like" in operator:
        found = any(fnmatchcase(there, each) for each in values)
    else:
        found = there in values
    return found != ("Not" in operator)


def some(values: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True)


@st.composite
def statements(draw: st.DrawFn, plain: bool = False) -> dict[str, Any]:
    inverted = st.just(False) if plain else st.integers(0, 5).map(lambda n: n == 0)
    made: dict[str, Any] = {"Effect": "Allow" if plain else draw(st.sampled_from(("Allow", "Allow", "Deny")))}
    made["NotAction" if draw(inverted) else "Action"] = draw(some(ACTION_PATTERNS))
    made["NotResource" if draw(inverted) else "Resource"] = draw(some(RESOURCE_PATTERNS))
    if not plain and draw(st.booleans()):
        made["Condition"] = draw(st.sampled_from(CONDITIONS))
    return made


def documents(plain: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    return st.lists(statements(plain), max_size=4).map(lambda found: {"Version": "2012-10-17", "Statement": found})


def read(document: Any) -> Policy:
    found = policy(document, STACK, REFERENCES)
    assert not found.unread
    return found


@settings(max_examples=EXAMPLES * 4, deadline=None)
@given(documents(), documents())
def test_what_head_allows_and_base_did_not_is_a_widening(base: Any, head: Any) -> None:
    if any(allowed(head, each) and not allowed(base, each) for each in REQUESTS):
        assert widenings(read(base), read(head))


# Where two patterns differ, one of these shows it: `-` stands for any text that no pattern names.
FAR = ("arn:aba-", "arn:b-", "x", "arn:-", "arn:a-a", "arn:-a", "arn:a-", "arn:--a", "-a")
EVERYTHING = [
    (action, resource, None, None)
    for action in (*actions().of(actions().mask(["sqs:*"])), "s3:GetObject")
    for resource in (*RESOURCES, *FAR)
]


@settings(max_examples=EXAMPLES * 2, deadline=None)
@given(documents(plain=True), documents(plain=True))
def test_policies_without_exotic_features_give_no_false_alarm(base: Any, head: Any) -> None:
    truly = any(allowed(head, each) and not allowed(base, each) for each in EVERYTHING)
    assert any(each.certain for each in widenings(read(base), read(head))) == truly


@settings(max_examples=EXAMPLES, deadline=None)
@given(documents())
def test_a_policy_against_itself_gives_nothing(document: Any) -> None:
    assert not widenings(read(document), read(document))
    turned = {"Statement": list(reversed(document["Statement"]))}
    assert not widenings(read(document), read(turned))


@settings(max_examples=EXAMPLES, deadline=None)
@given(documents(), statements(plain=True))
def test_one_more_allow_narrows_nothing_and_one_less_widens_nothing(document: Any, more: Any) -> None:
    longer = {"Statement": [*document["Statement"], more]}
    assert not widenings(read(longer), read(document))


@settings(max_examples=EXAMPLES, deadline=None)
@given(documents(), st.data())
def test_a_statement_for_each_action_and_resource_says_the_same(document: Any, data: st.DataObject) -> None:
    split = [
        {**each, "Sid": f"S{n}", **({"Action": [a]} if a else {}), **({"Resource": r} if r else {})}
        for each in document["Statement"]
        for n, (a, r) in enumerate(itertools.product(each.get("Action", [None]), each.get("Resource", [None])))
    ]
    shuffled = {"Statement": data.draw(st.permutations(split))}
    assert not widenings(read(document), read(shuffled))
    assert not widenings(read(shuffled), read(document))


@settings(max_examples=EXAMPLES, deadline=None)
@given(documents(), documents())
def test_what_widens_one_way_narrows_the_other(base: Any, head: Any) -> None:
    where = Place(stack="Stack", logical_id="R", type="AWS::IAM::Role", path="R")
    there = {each.rule for each in compared(read(base), read(head), where, "Role R")}
    back = {each.rule for each in compared(read(head), read(base), where, "Role R")}
    for one, other in ((there, back), (back, there)):
        assert bool(one & {"iam-widened", "deny-weakened"}) == ("iam-narrowed" in other)
