"""Widenings as the lines that a reviewer reads."""

from collections.abc import Sequence

from review.iam.actions import actions
from review.iam.managed import UNKNOWN
from review.iam.patterns import shown
from review.iam.references import Target
from review.iam.widening import Widening

_FEW = 3
_LONG = 90  # characters of a resource


def extent(found: Sequence[Widening]) -> str:
    """`s3:PutObject, s3:DeleteObject and 2 more on <Data.Arn>/*, without its conditions; ...`"""
    parts: dict[tuple[str, str], list[Widening]] = {}
    for each in found:
        parts.setdefault((each.resource, _cause(each)), []).append(each)
    lines = [f"{_actions(group)}{_on(resource)}{cause}" for (resource, cause), group in parts.items()]
    more = f"; and {len(lines) - 2} more" if len(lines) > 2 else ""
    return "; ".join(lines[:2]) + more


def _actions(group: Sequence[Widening]) -> str:
    """The patterns as the policy writes them, but those actions alone that are new where it writes more than these."""
    mask = 0
    for each in group:
        mask |= each.mask
    every = actions()
    written = dict.fromkeys(
        text for each in group if not each.statement.actions.inverted for text in each.statement.actions.texts
    )
    texts = [_pattern(text, every.mask([text]), mask) for text in written if every.mask([text]) & mask]
    rest = every.of(mask & ~every.mask(written))
    total = [*texts, *rest]
    if total and total[0].startswith(UNKNOWN):
        return f"what the policy {total[0].removeprefix(UNKNOWN)} holds"
    if len(rest) > 1000:
        kept = next(each.statement.actions.texts for each in group if each.statement.actions.inverted)
        return f"all actions but {_few(list(kept))}"
    return "all actions" if total == ["*"] else shown(_few(total))


def _pattern(text: str, own: int, mask: int) -> str:
    """A pattern, with how many of its actions are meant if not all."""
    count = (own & mask).bit_count()
    return text if count == own.bit_count() or text == "*" else f"{text} ({count} of {own.bit_count()} actions)"


def _few(texts: list[str]) -> str:
    more = f" and {len(texts) - _FEW} more" if len(texts) > _FEW else ""
    return ", ".join(texts[:_FEW]) + more


def _on(resource: str) -> str:
    text = shown(resource)
    return " on all resources" if text == "*" else f" on {text if len(text) <= _LONG else text[: _LONG - 1] + '…'}"


def _cause(each: Widening) -> str:
    match each.why:
        case "conditions":
            keys = sorted({clause.key for clause in each.statement.condition})
            return f" under looser conditions ({', '.join(keys)})" if keys else " without the condition it had"
        case "principals":
            return " by more principals"
    return ""


def who(texts: Sequence[str]) -> str:
    """Principals of a statement, as a reader says them."""
    return _few([_one(each) for each in texts])


def _one(text: str) -> str:
    if text == "*":
        return "anyone"
    kind, _, rest = shown(text).partition(" ")
    if kind != "AWS":
        return rest
    account, _, name = rest.removeprefix("iam::").partition(":")
    of = "this account" if account == "<AWS::AccountId>" else f"account {account}"
    return f"all of {of}" if name == "*" else name if account == "<AWS::AccountId>" else f"{name} of {of}"


def name(key: Target | tuple[str, str]) -> str:
    return key.logical_id if isinstance(key, Target) else key[1]
