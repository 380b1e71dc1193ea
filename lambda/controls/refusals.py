"""What a SageMaker error means. SageMaker says ValidationException for most of them, so the message decides."""

from botocore.exceptions import ClientError

_MISSING = ("could not find", "does not exist", "not found", "recordnotfound")


def is_missing(error: ClientError) -> bool:
    """The resource is not there (any more)."""
    code, message = _parts(error)
    return code in ("ResourceNotFound", "ResourceNotFoundException", "StateMachineDoesNotExist") or (
        code == "ValidationException" and any(words in message for words in _MISSING)
    )


def is_unknown(error: ClientError) -> bool:
    """The region has no such operation, so there is nothing of its kind."""
    return _parts(error)[0] in ("UnknownOperationException", "UnknownOperation")


def is_in_use(error: ClientError) -> bool:
    """AWS itself does not delete it, because something uses it."""
    return _parts(error)[0] in ("ResourceInUse", "ConflictException")


def is_taken(error: ClientError) -> bool:
    """A resource of that name exists already."""
    code, message = _parts(error)
    return code in ("ResourceInUse", "ValidationException") and "already exist" in message


def is_busy(error: ClientError) -> bool:
    """The endpoint is being created, changed or deleted."""
    code, message = _parts(error)
    return code == "ValidationException" and "in-progress" in message


def is_over(error: ClientError) -> bool:
    """The job that should be stopped has ended, or ends already."""
    code, message = _parts(error)
    return code == "ValidationException" and "in status" in message


def _parts(error: ClientError) -> tuple[str, str]:
    details = error.response.get("Error", {})
    return details.get("Code", ""), details.get("Message", "").lower()
