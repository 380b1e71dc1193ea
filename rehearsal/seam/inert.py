"""CloudFormation types that change no behaviour here: a name and nothing else."""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
from typing import Any

from ministack.services.cloudformation import provisioners

INERT: set[str] = set()


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


def record_metric_math_alarms() -> None:
    """ministack refuses an alarm on metric math; here it is a record that never fires."""
    plain, record = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"], inert("AWS::CloudWatch::Alarm")

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str) -> Any:
        if "Metrics" in new:
            return record["update"](physical_id, old, new, stack)
        return plain["update"](physical_id, old, new, stack, logical_id)

    provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"] = {
        "create": lambda name, new, stack: (record if "Metrics" in new else plain)["create"](name, new, stack),
        "update": update,
        "update_with_logical_id": True,
        "delete": lambda physical_id, old: (record if "Metrics" in old else plain)["delete"](physical_id, old),
    }
