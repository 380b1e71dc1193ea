"""Roles that CloudFormation makes keep their permissions boundary."""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
from typing import Any

from ministack.services import iam
from ministack.services.cloudformation import provisioners


def mend() -> None:
    """ministack's provisioner drops `PermissionsBoundary`, and whatever the role is granted would be unbounded."""
    plain = provisioners._RESOURCE_HANDLERS["AWS::IAM::Role"]

    def bounded(made: tuple[str, dict[str, Any]], properties: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        iam._roles[made[0]]["PermissionsBoundary"] = properties.get("PermissionsBoundary")
        return made

    def create(logical_id: str, new: dict[str, Any], *further: Any) -> tuple[str, dict[str, Any]]:
        return bounded(plain["create"](logical_id, new, *further), new)

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], *further: Any) -> tuple[str, dict[str, Any]]:
        return bounded(plain["update"](physical_id, old, new, *further), new)

    provisioners._RESOURCE_HANDLERS["AWS::IAM::Role"] = {**plain, "create": create, "update": update}
