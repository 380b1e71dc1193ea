"""What the SageMaker service remembers: records by ARN and by the members that name them."""

import re
from collections.abc import Iterator
from typing import Any

from rehearsal.sagemaker import shapes
from rehearsal.sagemaker.kinds import BY_NOUN, KINDS, Kind

Record = dict[str, Any]


class AwsError(Exception):
    """A refusal as AWS words it: an error code, a message, an HTTP status, further members of its shape."""

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.members = code, message, status, members


class Store:
    """All records of one cloud: per kind one dict by ARN, and one by what a request names them with."""

    def __init__(self) -> None:
        self._records: dict[str, dict[str, Record]] = {kind.noun: {} for kind in KINDS}
        self._named: dict[str, dict[tuple[Any, ...], Record]] = {kind.noun: {} for kind in KINDS}

    def add(self, kind: Kind, record: Record, operation: str) -> None:
        """Keep a new record. Raises AwsError when the name is taken by one that has not ended."""
        arn = record[kind.arn_member]
        earlier = self._records[kind.noun].get(_slot(kind, arn))
        if earlier and (kind.remembered_seconds is None or earlier[kind.status] not in kind.ended):
            raise refusal(operation, "ResourceInUse", _taken(kind, arn))
        if earlier:
            # Within the time for which one is remembered, a new one is an update of it (API reference, DescribeApp).
            record["CreationTime"] = earlier["CreationTime"]
            self.remove(kind.noun, earlier)
        self._records[kind.noun][_slot(kind, arn)] = record
        self._named[kind.noun][_key(kind.stored_key, record)] = record

    def find(self, noun: str, operation: str = "", **members: Any) -> Record:
        """The record with these members, where an ARN may stand for a name. Raises AwsError when there is none."""
        kind = BY_NOUN[noun]
        wanted = _key(kind.key, members)
        found = self._named[noun].get(wanted)
        if found is None and len(wanted) == 1:
            found = self._records[noun].get(_slot(kind, str(wanted[0])))
        if found is None:
            name = "/".join(str(value) for value in wanted if value is not None)
            raise refusal(operation, "ResourceNotFound", f'Could not find {_words(kind)} "{name}".')
        return found

    def all(self, noun: str) -> list[Record]:
        return list(self._records[noun].values())

    def remove(self, noun: str, record: Record) -> None:
        kind = BY_NOUN[noun]
        self._records[noun].pop(_slot(kind, record[kind.arn_member]), None)
        self._named[noun].pop(_key(kind.stored_key, record), None)

    def tagged(self) -> Iterator[tuple[str, list[dict[str, str]]]]:
        """Every ARN with its tags."""
        for kind in KINDS:
            for record in self.all(kind.noun):
                yield record[kind.arn_member], record.get("Tags", [])

    def by_arn(self, arn: str) -> Record:
        for kind in KINDS:
            if found := self._records[kind.noun].get(_slot(kind, arn)):
                return found
        raise AwsError("ValidationException", f"The resource {arn} does not exist.")

    def children(self, kind: Kind, record: Record) -> list[tuple[Kind, Record]]:
        """The records that name this one, with their kinds."""
        return [
            (other, child)
            for other in KINDS
            if kind.noun in other.parent
            for child in self.all(other.noun)
            if _nested(child, other.parent[kind.noun]) == record[kind.key[-1]]
            and all(child.get(name) == record[name] for name in kind.key[:-1])
        ]


def refusal(operation: str, code: str, message: str) -> AwsError:
    """AWS names the fault where the operation's model lists it, and says ValidationException elsewhere."""
    named = operation and code in {shape.name for shape in shapes.operation(operation).error_shapes}
    return AwsError(code if named else "ValidationException", message)


def _slot(kind: Kind, arn: str) -> str:
    return arn.lower() if kind.any_case else arn


def _key(names: tuple[str, ...], members: Record) -> tuple[Any, ...]:
    return tuple(members.get(name) for name in names)


def _nested(record: Record, path: str) -> Any:
    found: Any = record
    for name in path.split("."):
        found = (found or {}).get(name)
    return found


def _taken(kind: Kind, arn: str) -> str:
    if kind.stem.endswith("Job"):
        words = _words(kind).capitalize()
        return (
            f"{words} names must be unique within an AWS account and region, and a {words.lower()} with this name "
            f"already exists ({arn})"
        )
    return f'Cannot create already existing {_words(kind)} "{arn}".'


def _words(kind: Kind) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", kind.stem).lower()
