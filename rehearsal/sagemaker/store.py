"""What the SageMaker service remembers: records by ARN, found by the members that name them."""

from collections.abc import Callable, Iterator
from typing import Any

from rehearsal.sagemaker import shapes
from rehearsal.sagemaker.kinds import BY_NOUN, KINDS, Kind

Record = dict[str, Any]

PAGE = 100
_AFTER_BEFORE = {
    "Created": "CreationTime",
    "CreationTime": "CreationTime",
    "LastModifiedTime": "LastModifiedTime",
    "StartTime": "CreationTime",
}


class AwsError(Exception):
    """A refusal as AWS words it: an error code, a message, an HTTP status, further members of its shape."""

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.members = code, message, status, members


class Store:
    """All records of one cloud, one dict a kind."""

    def __init__(self) -> None:
        self._records: dict[str, dict[str, Record]] = {kind.noun: {} for kind in KINDS}

    def add(self, kind: Kind, record: Record, operation: str) -> None:
        """Keep a new record. Raises AwsError when the name is taken."""
        arn = record[kind.arn_member]
        if arn in self._records[kind.noun]:
            raise _refusal(operation, "ResourceInUse", f'Cannot create already existing {_words(kind)} "{arn}".')
        self._records[kind.noun][arn] = record

    def find(self, noun: str, operation: str = "", **members: Any) -> Record:
        """The record with these members, where an ARN may stand for a name. Raises AwsError when there is none."""
        kind, wanted = BY_NOUN[noun], {name: members[name] for name in BY_NOUN[noun].key}
        values = list(wanted.values())
        for record in self._records[noun].values():
            if values == [record[kind.arn_member]] or all(record.get(n) == v for n, v in wanted.items()):
                return record
        raise _refusal(operation, "ResourceNotFound", f'Could not find {_words(kind)} "{"/".join(map(str, values))}".')

    def all(self, noun: str) -> list[Record]:
        return list(self._records[noun].values())

    def remove(self, noun: str, record: Record) -> None:
        self._records[noun].pop(record[BY_NOUN[noun].arn_member], None)

    def tagged(self) -> Iterator[tuple[str, list[dict[str, str]]]]:
        """Every ARN with its tags."""
        for records in list(self._records.values()):
            for arn, record in list(records.items()):
                yield arn, record.get("Tags", [])

    def by_arn(self, arn: str) -> Record:
        for records in self._records.values():
            if arn in records:
                return records[arn]
        raise AwsError("ValidationException", f"The resource {arn} does not exist.")

    def children(self, kind: Kind, record: Record) -> list[Record]:
        """The records that keep this one from being deleted."""
        return [
            child
            for other in KINDS
            if kind.noun in other.parent
            for child in self.all(other.noun)
            if all(child.get(name) == record.get(name) for name in kind.key)
        ]

    def page(self, kind: Kind, request: dict[str, Any]) -> dict[str, Any]:
        """The answer of `List{plural}`: filtered, sorted and cut as the request asks, by the members of its shape."""
        output = shapes.output_members(f"List{kind.plural}")
        member = next(name for name, shape in output.items() if shape.type_name == "list")
        rows = [r for r in self.all(kind.noun) if all(test(r) for test in _filters(kind, request))]
        members = {"Name": kind.key[-1], "Status": kind.status, kind.key[-1]: kind.key[-1]}
        sort = members.get(request.get("SortBy", ""), "CreationTime")
        rows.sort(key=lambda r: r.get(sort) or 0, reverse=request.get("SortOrder") in (None, "Descending"))
        start = int(request.get("NextToken") or 0)
        end = start + int(request.get("MaxResults") or PAGE)
        answer = {member: shapes.project(output[member], rows[start:end])}
        return answer | ({"NextToken": str(end)} if end < len(rows) else {})


def _filters(kind: Kind, request: dict[str, Any]) -> Iterator[Callable[[Record], bool]]:
    for name, value in request.items():
        if name in ("NextToken", "MaxResults", "SortBy", "SortOrder"):
            continue
        if name == "NameContains":
            yield lambda r, v=value: v.lower() in str(r.get(kind.key[-1], "")).lower()
        elif name == "PipelineName":  # of the executions: an ARN may stand for the name
            yield lambda r, v=value: v in (r.get("PipelineName"), r.get("PipelineArn"))
        elif name == "StatusEquals":
            yield lambda r, v=value: r.get(kind.status) == v
        elif name.endswith(("After", "Before")):
            stem = name.removesuffix("After").removesuffix("Before")
            member, sign = _AFTER_BEFORE.get(stem, stem), 1 if name.endswith("After") else -1
            yield lambda r, m=member, v=float(value), s=sign: s * (r.get(m, 0) - v) >= 0
        elif (member := name.removesuffix("Equals")) in shapes.output_members(f"Describe{kind.noun}"):
            yield lambda r, m=member, v=value: v in (r.get(m), r.get(f"{m}Arn"))
        else:
            raise AwsError("ValidationException", f"List{kind.plural} does not filter by {name} in this cloud.")


def _refusal(operation: str, code: str, message: str) -> AwsError:
    """AWS names the fault where the operation's model lists it, and says ValidationException elsewhere."""
    named = operation and code in {shape.name for shape in shapes.operation(operation).error_shapes}
    return AwsError(code if named else "ValidationException", message)


def _words(kind: Kind) -> str:
    return "".join(f" {c.lower()}" if c.isupper() else c for c in kind.noun).strip()
