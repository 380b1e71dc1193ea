"""What a review says, apart from how it is shown: `review.json` is this, and its schema is the version's."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Severity(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Action(StrEnum):
    """What CloudFormation will do to a resource. `may-replace`: the sources disagree, or it depends on the value."""

    ADD = "add"
    UPDATE = "update"
    REPLACE = "replace"
    MAY_REPLACE = "may-replace"
    DESTROY = "destroy"
    ORPHAN = "orphan"  # leaves the stack and stays in the account
    MOVE = "move"  # the same resource under another logical ID: CloudFormation deletes it and makes it anew


class Kind(StrEnum):
    """Of a finding: `--fail-on` names these."""

    DESTRUCTIVE = "destructive"
    COLLISION = "collision"
    IAM_WIDENED = "iam-widened"
    IAM_NARROWED = "iam-narrowed"
    NETWORK_OPENED = "network-opened"
    SWITCH = "switch"  # encryption, isolation, retention... turned the less safe way
    RULE = "finding"
    WAIVER = "waiver"


class Place(_Model):
    """Where something is. `source`: the line of code that made it, such as `stacks/costs.py:31`, or empty."""

    stack: str
    logical_id: str
    type: str
    path: str
    source: str = ""


class PropertyChange(_Model):
    """`before` and `after` are as they may be shown: short, and without what may be secret. None: absent.

    `replaces` says why it forces a replacement, or why it may; empty where it does not.
    """

    name: str
    before: str | None
    after: str | None
    replaces: str = ""


class Change(_Model):
    """`causes`: the resources whose own replacement forces this one (cascade). `lines`: what a pipeline's definition,
    a state machine or a policy changes, read as what it is, a line each."""

    place: Place
    action: Action
    properties: tuple[PropertyChange, ...] = ()
    causes: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    stateful: bool = False
    code_only: bool = False
    moved_from: str = ""


class Finding(_Model):
    """One thing that a reviewer should know. `rule` is stable, e.g. `SLUICE-EP-01` or `iam-widened`."""

    kind: Kind
    severity: Severity
    rule: str
    place: Place
    message: str
    fix: str = ""


class CostLine(_Model):
    """USD a month of one resource before and after; None where it does not exist or cannot be priced.

    `unpriced` says why it cannot be; `assumption` says what the figure rests on. `idle`: were nothing used.
    """

    place: Place
    before: float | None
    after: float | None
    idle_before: float | None = None
    idle_after: float | None = None
    assumption: str = ""
    estimated: bool = False
    unpriced: str = ""


class Cost(_Model):
    """USD a month of all that can be priced, with the lines that change first; `as_of` tells the prices' dates."""

    before: float
    after: float
    idle_before: float
    idle_after: float
    lines: tuple[CostLine, ...]
    as_of: str
    assumptions: tuple[str, ...]


class Verdict(StrEnum):
    BLOCK = "block"
    LOOK = "look"
    FINE = "fine"


class Side(_Model):
    """One of the two that are compared: what was asked for (`main`, `cdk.out`) and its commit, if it has one."""

    name: str
    commit: str = ""


class Review(_Model):
    schema_version: Literal[1] = 1
    base: Side
    head: Side
    verdict: Verdict
    reasons: tuple[str, ...]
    """Why the verdict is not `fine`, the gravest first."""
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    cost: Cost
    notes: tuple[str, ...] = ()
    """What was not looked at, and why: a stack without a region, an asset that is missing..."""
    versions: dict[str, str] = {}
