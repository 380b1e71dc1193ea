"""Policy documents as statements that can be compared."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from review.cloud_assembly import Stack
from review.iam import conditions
from review.iam.actions import actions
from review.iam.branches import ALWAYS, NO_VALUE, Guard, flat, guarded, variants
from review.iam.patterns import CLOSE, HARD, OPEN, Pattern, pattern, token
from review.iam.references import References

ANYONE = "*"
# An account, which may be a token with colons in it, and what is named there.
_IN_ACCOUNT = re.compile(f"([{OPEN}{HARD}][^{CLOSE}]*{CLOSE}|[^:]*):(.*)")


@dataclass(frozen=True)
class Texts:
    """Those that match one of the texts, or, `inverted`, those that match none of them."""

    texts: tuple[str, ...]
    inverted: bool = False

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        return tuple(pattern(each) for each in self.texts)


ALL = Texts(("*",))


@dataclass(frozen=True)
class Statement:
    """`guard`: the conditions of the template under which it is there. `principals` is ALL in a principal's policy."""

    guard: Guard
    allows: bool
    principals: Texts
    actions: Texts
    resources: Texts
    condition: conditions.Block

    def mask(self) -> int:
        return actions().mask(self.actions.texts, self.actions.inverted)


@dataclass(frozen=True)
class Policy:
    """`unread`: parts that are no statement, as text: a macro, or what is put in at deployment."""

    statements: tuple[Statement, ...] = ()
    unread: tuple[str, ...] = ()

    def __add__(self, other: "Policy") -> "Policy":
        return Policy(self.statements + other.statements, self.unread + other.unread)


def policy(document: Any, stack: Stack, references: References, guard: Guard = ALWAYS) -> Policy:
    """The statements of a PolicyDocument, a JSON text among them; never raises."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return Policy(unread=(document,))
    found, unread = [], []
    for outer, body in guarded(document, stack, guard):
        content = body.get("Statement") if isinstance(body, Mapping) else None
        if content is None or set(body) - {"Version", "Id", "Statement"}:
            unread.append(_plain(body))
        for inner, raw in guarded(content, stack, outer):
            try:
                found += _statements(raw, stack, references, inner)
            except (ValueError, AttributeError, TypeError, KeyError):
                unread.append(_plain(raw))
    return Policy(tuple(dict.fromkeys(found)), tuple(unread))


def _statements(raw: Mapping[str, Any], stack: Stack, references: References, guard: Guard) -> Iterator[Statement]:
    if raw["Effect"] not in ("Allow", "Deny"):
        raise ValueError(raw["Effect"])
    for inner, each in variants({key: value for key, value in raw.items() if key != "Sid"}, stack):
        if any((name, not holds) in guard for name, holds in inner):
            continue
        done = _Reader(each, stack, references)
        condition = done.condition()
        for one in _texts(each.get("Action", each.get("NotAction"))):
            if not isinstance(one, str):
                raise ValueError("an action that is no text")
            actions().learn(one)
        yield Statement(
            guard | inner,
            each["Effect"] == "Allow",
            done.principals(),
            done.texts("Action"),
            done.texts("Resource") if each.keys() & {"Resource", "NotResource"} else ALL,
            condition,
        )


@dataclass(frozen=True)
class _Reader:
    """A statement of which no Fn::If is left."""

    raw: Mapping[str, Any]
    stack: Stack
    references: References

    def texts(self, name: str) -> Texts:
        value = self.raw.get(name, self.raw.get(f"Not{name}"))
        found = {self.references.text(each, self.stack) for each in _texts(value)}
        return Texts(tuple(sorted(found)), name not in self.raw)

    def principals(self) -> Texts:
        inverted = "NotPrincipal" in self.raw
        value = self.raw.get("NotPrincipal" if inverted else "Principal")
        if value is None:
            return ALL
        if value == "*":
            return Texts((ANYONE,), inverted)
        found = set()
        for kind, named in value.items():
            for each in _texts(named):
                found.add(_principal(kind, self.references.text(each, self.stack)))
        return Texts(tuple(sorted(found)), inverted)

    def condition(self) -> conditions.Block:
        given = self.raw.get("Condition") or {}
        return conditions.block(
            {
                operator: {
                    key: [self.references.text(v, self.stack) for v in _texts(value)] for key, value in keys.items()
                }
                for operator, keys in given.items()
            }
        )


def _principal(kind: str, text: str) -> str:
    """`AWS iam::<account>:<rest>`, an account's root being all that is in it, whose own policies then say who."""
    if kind != "AWS":
        return f"{kind} {text}"
    if text == "*":
        return ANYONE
    account = token("AWS::AccountId")
    if text.endswith(f".Arn{CLOSE}") and text[0] in (OPEN, HARD):
        return f"AWS iam::{account}:{text}"  # a role or user of the application
    found = _IN_ACCOUNT.fullmatch(text.rpartition(":iam::")[2])
    if text == account or not found:
        return f"AWS iam::{text}:*"
    return f"AWS iam::{found[1]}:{'*' if found[2] == 'root' else found[2]}"


def _texts(value: Any) -> Iterable[Any]:
    found = flat(value) if isinstance(value, list) else (value,)
    return [each for each in found if each is not None and each != NO_VALUE]


def _plain(raw: Any) -> str:
    return json.dumps(raw, sort_keys=True, default=str)
