"""A template's value as a short text that may be shown to anyone: what may be secret is masked."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from review.values import ABSENT, CLOSE, OPEN, Leaf, beside

MASK = "***"
LONGEST = 120

# A name with one of these words holds a secret...
_SECRET = re.compile(
    r"(^|[\W_])pass($|[\W_])|pwd|password|passwd|passcode|passphrase|secret|token|credential|(api|access|private|signing|master"
    r"|shared|encryption|account|subscription|license|auth)[\W_]*keys?|privatekey|connection[\W_]*string|webhook|bearer"
    r"|cookie|(^|[\W_])(auth|salt|pin|otp|sas|dsn|pat)($|[\W_])|authorization",
    re.IGNORECASE,
)
# ... unless it ends as the name of something about it does.
_ABOUT = re.compile(
    r"(arns?|names?|ids?|length|policy|enabled|type|types|units?|validity|age|days|hours|minutes|seconds|required|status"
    r"|version|endpoint|duration|expiration|rotation|characters|lambdaarn|source|mode|count|limit|format|kmskey)$",
    re.IGNORECASE,
)
_IN_TEXT = [
    (re.compile(r"-----BEGIN [A-Z ]*-----.*", re.DOTALL), MASK),
    (re.compile(r"\{\{resolve:([\w-]+):.*?\}\}"), r"{{resolve:\1:" + MASK + "}}"),
    (re.compile(r"\b(?:A3T[A-Z0-9]|AKIA|ASIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{12,}"), MASK),
    (re.compile(r"\beyJ[\w-]{5,}(?:\.[\w-]*){0,2}"), MASK),
    (re.compile(r"\b(?:gh[pousr]|github_pat|glpat|xox[a-z]|sk|pk|rk|hf|npm|pypi|AIza|ya29|SG)[-_.]?[\w-]{16,}"), MASK),
    (re.compile(r"(?<=://)[^\s/@:]*:[^\s@]+(?=@)"), MASK),
    (re.compile(r"(?i)([?&](?:sig|signature|token|key|password|secret|code|x-amz-[\w-]+)=)[^&\s\"']+"), r"\1" + MASK),
    (
        re.compile(
            r"(?i)\b(password|passwd|pwd|secret|token|api[_-]?key|accountkey|bearer)(\s*[=:]\s*|\s+)([^\s,;&\"'}]+)"
        ),
        r"\1\2" + MASK,
    ),
]
_HASH = re.compile(r"\b(sha256:)?([0-9a-f]{7})[0-9a-f]{25,}\b")
# More than these are never shown, so that they need no masking.
_ITEMS, _CHARACTERS = LONGEST, 20 * LONGEST
_TOKEN_AT_END = re.compile(r"[^\s\"',;]*$")
_RUNS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_HASHED = re.compile(r"[A-F0-9]{8}$")
_LONG = re.compile(r"[A-Za-z0-9+/_=-]{20,}")


def shown(value: Any, name: str = "") -> str:
    """`name`: the property's, since it tells whether the value is a secret. At most `LONGEST` characters."""
    if value is ABSENT:
        return "absent"
    masked = _masked(value, name)
    text = (
        masked
        if isinstance(masked, str)
        else json.dumps(masked, ensure_ascii=False, separators=(", ", ": "), default=str)
    )
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


@lru_cache(4096)
def is_secret(name: str) -> bool:
    """Whether what has this name should not be seen."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return bool(_SECRET.search(words) or _SECRET.search(name)) and not _ABOUT.search(name)


def shown_leaf(leaf: Leaf) -> tuple[str | None, str | None]:
    """Both sides of a place, None for one where it is absent; all that is around it tells whether it is a secret."""
    name = ""
    for part in leaf.path:
        name = _nested_name(name, part) if part != "*" else name
    name = _more_secret(leaf.called, name)
    before, after = (None if side is ABSENT else shown(side, name) for side in (leaf.before, leaf.after))
    return before, after


def readable(text: str) -> str:
    """A plain text's references as Fn::Sub writes them: `${Bucket.Arn}`."""
    return text.replace(OPEN, "${").replace(CLOSE, "}")


def _masked(value: Any, name: str) -> Any:
    match value:
        case str():
            return _text(value, name)
        case bool() | None:
            return "true" if value else "null" if value is None else "false"
        case int() | float():
            return MASK if is_secret(name) else value
        case list():
            return [_masked(item, name) for item in value[:_ITEMS]]
        case Mapping():
            return _masked_entries(value, name)
        case _:
            return _text(str(value), name)


def _masked_entries(value: Mapping[Any, Any], name: str) -> Any:
    if len(value) == 1:
        [(function, argument)] = value.items()
        if function == "Ref" and isinstance(argument, str):
            return "${" + argument + "}"
        if function == "Fn::GetAtt":
            return "${" + (".".join(map(str, argument)) if isinstance(argument, list) else str(argument)) + "}"
        if isinstance(function, str) and function.startswith("Fn::"):
            return {function: _masked(argument, name)}
    return {
        # A name may be a secret as well, where a map's keys are somebody's own.
        _text(str(key), ""): _masked(item, _more_secret(beside(key, value), _nested_name(name, str(key))))
        for key, item in islice(value.items(), _ITEMS)
    }


def _nested_name(outer: str, inner: str) -> str:
    """All below a secret is secret, apart from what is about it."""
    return f"{inner}_{outer}" if is_secret(outer) and not _ABOUT.search(inner) else inner


def _more_secret(called: str, name: str) -> str:
    return called if is_secret(called) or not name else name


def _text(text: str, name: str) -> str:
    if is_secret(name):
        # References only name where the secret is.
        left = re.sub(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}", "", text)
        return readable(text) if not left.strip() and text else MASK
    if len(text) > _CHARACTERS:
        # Far more than is shown; what the cut goes through is left out, since half a key is not known for one.
        text = _TOKEN_AT_END.sub("", text[:_CHARACTERS]) + "…"
    for pattern, instead in _IN_TEXT:
        text = pattern.sub(instead, text)
    text = _HASH.sub(r"\1\2…", text)
    return readable(_LONG.sub(lambda found: MASK if _is_random(found[0]) else found[0], text))


def _is_random(text: str) -> bool:
    """Whether it reads as a key rather than as words, paths and identifiers.

    Letters and digits of words come in runs, of a name's eight characters of hash at the end apart; random ones do not.
    """
    runs = _RUNS.findall(_HASHED.sub("", text))
    length = sum(map(len, runs))
    mixed = any(run.isdigit() for run in runs) and any(run.islower() or run.istitle() for run in runs)
    return length >= 20 and ((mixed and len(runs) / length > 0.29) or (len(text) >= 100 and max(map(len, runs)) < 12))
