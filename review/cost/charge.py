"""What one resource costs, and the small questions that every price asks."""

import re
from dataclasses import dataclass
from typing import Any, TypeGuard

from controls.pricing.prices import Rate

TYPE_UNKNOWN = "instance type is not known from the template"
COUNT_UNKNOWN = "number of instances is not known from the template"
_TYPE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9-]+")
_DATE = re.compile(r"\b20\d\d(?:-\d\d){0,2}$")


@dataclass(frozen=True)
class Charge:
    """USD a month of one resource, in use and idle. None: it has no figure, and `unpriced` says why.

    `dates` are those of its prices.
    """

    usd: float | None = None
    idle: float | None = None
    assumption: str = ""
    estimated: bool = False
    unpriced: str = ""
    dates: tuple[str, ...] = ()


def dated(rate: Rate) -> tuple[str, ...]:
    """The date that the basis of a rate ends with."""
    found = _DATE.search(rate.basis)
    return (found[0],) if found else ()


def guessed(rate: Rate) -> str:
    """How an estimate was made; empty for a rate that is in the table."""
    return f" ({rate.basis})" if rate.estimated else ""


def is_type(value: Any) -> TypeGuard[str]:
    """Whether it is an instance type in the form of SageMaker's."""
    return isinstance(value, str) and _TYPE.fullmatch(value) is not None
