"""CloudFormation types that change no behaviour here: a name and nothing else."""

from typing import Any

INERT: set[str] = set()
INERT_TYPES = ("AWS::EC2::FlowLog",)


def inert(type_name: str) -> dict[str, Any]:
    """The provisioner of such a type."""

    def create(logical_id: str, new: dict[str, Any], stack: str) -> tuple[str, dict[str, str]]:
        INERT.add(f"{type_name} {stack}-{logical_id}")
        return f"{stack}-{logical_id}", {"Arn": f"inert:{stack}-{logical_id}"}

    return {
        "create": create,
        "update": lambda physical_id, old, new, stack: (physical_id, {"Arn": f"inert:{physical_id}"}),
        "delete": lambda physical_id, old: INERT.discard(f"{type_name} {physical_id}"),
    }
