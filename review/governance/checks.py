"""The forms that most rules have, and what they say when a value does not fit."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from review.governance.rule import Check, Found, View
from review.governance.values import ABSENT, Absent, Case, Unknown

Fits = Callable[[Any], bool]


def must(path: str, fits: Fits, says: str) -> Check:
    """What stands at `path` has to fit; an absent value is asked too. `says` ends a sentence: `must be VpcOnly`."""
    return lambda view: judged(view.at(path), fits, says)


def if_set(path: str, fits: Fits, says: str) -> Check:
    """As `must`, but an absent value is fine."""
    return must(path, lambda value: value is ABSENT or fits(value), says)


def present(*paths: str, says: str) -> Check:
    """Something stands at each path: a literal or a reference of any kind, but no key of AWS's own."""

    def check(view: View) -> Iterator[Found]:
        for path in paths:
            yield from judged(view.at(path), _is_there, says, kept=True)

    return check


def _is_there(value: Any) -> bool:
    return value not in (ABSENT, "", []) and not (isinstance(value, str) and "alias/aws/" in value)


def absent(*paths: str, says: str) -> Check:
    """Nothing stands at any of the paths, not even a reference."""

    def check(view: View) -> Iterator[Found]:
        for case in (case for path in paths for case in view.at(path)):
            if case.value is not ABSENT:
                yield Found(case.path, f"{case.path} {says}{_when(case)}")

    return check


def when(applies: Callable[[View], bool], *checks: Check) -> Check:
    return lambda view: (found for check in checks if applies(view) for found in check(view))


def each(*checks: Check) -> Check:
    return lambda view: (found for check in checks for found in check(view))


def judged(found: Iterable[Case], fits: Fits, says: str, *, kept: bool = False) -> Iterator[Found]:
    """`kept`: what is decided elsewhere is fine."""
    for case in found:
        match case.value:
            case Unknown() as unknown if not kept:
                yield from _undecided(case, unknown, fits, says)
            case Unknown():
                pass
            case Absent() if not fits(ABSENT):
                yield Found(case.path, f"{case.path} is not set and {says}{_when(case)}")
            case value if not fits(value):
                yield Found(case.path, f"{case.path}{_shown(value)} {says}{_when(case)}")


def _undecided(case: Case, unknown: Unknown, fits: Fits, says: str) -> Iterator[Found]:
    fitting = [option for option in unknown.options if fits(option)]
    if unknown.complete and len(fitting) == len(unknown.options):
        return
    if unknown.complete and not fitting:
        yield Found(case.path, f"{case.path} {says}, and nothing that {unknown.source} allows fits{_when(case)}")
        return
    yield Found(case.path, f"{case.path} {says}, and {unknown.source} decides it{_when(case)}", certain=False)


def _when(case: Case) -> str:
    return f" (if {case.when})" if case.when else ""


def _shown(value: Any) -> str:
    """Only what cannot be a secret stands in a message."""
    if isinstance(value, bool | int | float):
        return f" ({str(value).lower()})"
    return f" ({value})" if isinstance(value, str) and len(value) <= 40 else ""


def one_of(*allowed: Any) -> Fits:
    """`true` and "true" are one, as they are for CloudFormation."""
    return lambda value: isinstance(value, str | bool | int) and str(value).lower() in {str(a).lower() for a in allowed}


TRUE = one_of(True)


def at_most(limit: float) -> Fits:
    return lambda value: (number := as_number(value)) is not None and number <= limit


def at_least(limit: float) -> Fits:
    return lambda value: (number := as_number(value)) is not None and number >= limit


def as_number(value: Any) -> float | None:
    """CloudFormation takes "2" for 2."""
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
