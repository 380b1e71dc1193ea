"""Policy variables, such as ${aws:PrincipalTag/team}, which ministack compares as plain text.

Source: IAM User Guide, "IAM policy elements: Variables and tags". A variable that the request lacks matches nothing,
unless the policy gives it a default: ${aws:PrincipalTag/team, 'none'}.
"""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import dataclasses
import re
from typing import Any

from ministack.core import iam_evaluator

_VARIABLE = re.compile(r"\$\{([^},]+)(?:,\s*'([^']*)')?\}")
_NOTHING = "\0"  # in no ARN and no value of a request
_plain_match = iam_evaluator._first_match


def mend() -> None:
    """Let every policy be read with its variables filled from the request."""
    iam_evaluator._first_match = lambda context, statements, effect: _plain_match(
        context, [_filled(statement, context) for statement in statements], effect
    )


def _filled(statement: Any, context: Any) -> Any:
    if "${" not in f"{statement.resources}{statement.not_resources}{statement.conditions}":
        return statement

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [fill(item) for item in value]
        return _VARIABLE.sub(known, value) if isinstance(value, str) else value

    def known(found: re.Match[str]) -> str:
        name, default = found.groups()
        if name in ("*", "?", "$"):
            return name
        value = iam_evaluator._resolve_condition_key(name, context)
        return value if isinstance(value, str) else (default if default is not None else _NOTHING)

    return dataclasses.replace(
        statement,
        resources=fill(statement.resources),
        not_resources=fill(statement.not_resources),
        conditions=fill(statement.conditions),
    )
