"""The freeze: one policy that denies new compute, attached to every role of the platform that may start any.

What there is to be attached is read anew each time, so whatever a run left half done the next one finishes, and a role
that is made while the platform is frozen is frozen as well. The policy is all that may be attached: IAM sees to that.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from botocore.exceptions import ClientError

from controls.ledger import Ledger
from controls.spending import budget

STARTS_COMPUTE_TAG = "sluice:starts-compute"


class FreezeError(RuntimeError):
    """`refused`: the roles that were neither frozen nor thawed, with what IAM says; all others were."""

    def __init__(self, refused: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {told}" for name, told in sorted(refused.items())))
        self.refused = refused


@dataclass(frozen=True)
class Freeze:
    """`policy_arn`: the policy that denies. `boundary_arn`: the boundary that every role of the platform has."""

    iam: Any
    policy_arn: str
    boundary_arn: str

    @classmethod
    def of(cls, iam: Any, prefix: str, caller_arn: str) -> Self:
        """That of the platform `prefix` in the partition and account of `caller_arn`, for who is no function of it."""
        _, partition, _, _, account, _ = caller_arn.split(":", 5)
        arns = [f"arn:{partition}:iam::{account}:policy/{prefix}-{name}" for name in ("freeze", "boundary")]
        return cls(iam, *arns)

    def missing(self) -> list[str]:
        """The names of the roles that start compute and are not frozen."""
        frozen = self.attached()
        return [name for name in self._starting() if name not in frozen]

    def attach(self, names: Iterable[str]) -> None:
        """Raises FreezeError at the end, with every other role frozen."""
        self._change("attach_role_policy", names)

    def detach(self) -> list[str]:
        """The names of the roles that were frozen, and no longer are. Raises FreezeError at the end."""
        frozen = self.attached()
        self._change("detach_role_policy", frozen)
        return frozen

    def attached(self) -> list[str]:
        """The names of the roles that are frozen."""
        return sorted(self._roles(self.policy_arn, "PermissionsPolicy"))

    def _starting(self) -> Iterator[str]:
        for name in sorted(self._roles(self.boundary_arn, "PermissionsBoundary")):
            try:
                tags = self.iam.get_role(RoleName=name)["Role"].get("Tags", [])
            except ClientError as error:
                if _is_gone(error):
                    continue
                raise
            if {"Key": STARTS_COMPUTE_TAG, "Value": "true"} in tags:
                yield name

    def _roles(self, policy_arn: str, usage: str) -> set[str]:
        pages = self.iam.get_paginator("list_entities_for_policy").paginate(
            PolicyArn=policy_arn, EntityFilter="Role", PolicyUsageFilter=usage
        )
        return {role["RoleName"] for page in pages for role in page["PolicyRoles"]}

    def _change(self, operation: str, names: Iterable[str]) -> None:
        refused: dict[str, str] = {}
        for name in names:
            try:
                getattr(self.iam, operation)(RoleName=name, PolicyArn=self.policy_arn)
            except ClientError as error:
                if not _is_gone(error):
                    refused[name] = str(error)
        if refused:
            raise FreezeError(refused)


def thaw(ledger: Ledger, freeze: Freeze, *, by: str, now: datetime) -> list[str]:
    """Let the platform compute again until the month ends, whatever it spends; the names of the roles.

    `by`: who decided it. Remembered first: the meter would freeze again what is only detached. A platform that is not
    frozen stays as it is, and may be frozen later; a new limit in the configuration ends the thaw as well.
    Raises FreezeError.
    """
    name = f"{now:%Y-%m}"
    month = budget.recall(ledger, name)
    if month and month.frozen_since:
        thawed = {"frozen_since": "", "thawed_by": by, "thawed_at": now.isoformat()}
        month = budget.revised(ledger, name, lambda known: replace(known, **thawed))
    if month and month.thawed_at and not month.frozen_since:  # else one that was cut off here would leave no word
        reason = f"{month.thawed_by} decided so: the rest of the month has no limit"
        budget.enter(ledger, month, "thaw", "thawed", reason, month.thawed_at, owner=month.thawed_by)
    return freeze.detach()


def _is_gone(error: ClientError) -> bool:
    return error.response["Error"]["Code"] == "NoSuchEntity"
