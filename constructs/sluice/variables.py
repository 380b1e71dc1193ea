"""What a function is told by its environment variables, for all of which Lambda has 4 KB."""

import json

_MOST_BYTES = 4096  # AWS, "Lambda quotas"
_OTHERS_BYTES = 600  # names, and what only a deployment knows, at the most


class TooManyVariablesError(Exception):
    """The function cannot be told of all that there is."""


def refuse_too_large(verb: str, about: str, *told: object) -> None:
    """Raises TooManyVariablesError if the variables of the function `verb` may not hold `told`, which is `about`."""
    size = sum(len(json.dumps(each, separators=(",", ":"))) for each in told) + _OTHERS_BYTES
    if size > _MOST_BYTES:
        raise TooManyVariablesError(
            f"{about}: variables of {verb} may take {size} bytes, and Lambda allows {_MOST_BYTES}. Put some of the "
            "workloads on a platform of their own"
        )
