"""An export that a stack imports is neither changed nor removed by an update, as in AWS.

ministack holds this only when the exporting stack is deleted, and never forgets an export that an update removed.
"""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import handlers, stacks


def mend() -> None:
    """Hang the check where an update resolves its outputs: in AWS, too, that is after its resources are made."""
    plain = stacks._resolve_stack_outputs

    def resolve(*arguments: Any) -> tuple[list[Any], dict[str, Any]]:
        outputs, exports = plain(*arguments)
        name, stack_id = arguments[-2:]
        ours = {key: row for key, row in cloudformation._exports.items() if row["StackId"] == stack_id}
        for export, row in ours.items():
            if exports.get(export, {}).get("Value") != row["Value"] and (importer := _importer(export, name)):
                verb = "updated" if export in exports else "deleted"
                raise ValueError(f"Export {export} cannot be {verb} as it is in use by {importer}")
        for export in ours.keys() - exports.keys():
            del cloudformation._exports[export]
        return outputs, exports

    stacks._resolve_stack_outputs = resolve


def _importer(export: str, exporter: str) -> str | None:
    """A stack other than `exporter` that imports `export`."""
    for name, stack in cloudformation._stacks.items():
        alive = name != exporter and stack.get("StackStatus") != "DELETE_COMPLETE"
        if alive and export in handlers._imported_export_names(stack, name):
            return name
    return None
