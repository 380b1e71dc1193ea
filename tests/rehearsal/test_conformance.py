"""The service answers what botocore's model allows, and refuses what it does not. In-process, without jobs.

Requests are generated from the model's input shapes for the kinds that start no process. HYPOTHESIS_EXAMPLES sets how
many a property gets.
"""

import os
import re
from itertools import count
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rehearsal.sagemaker import shapes
from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.kinds import BY_NOUN
from rehearsal.sagemaker.service import Service
from rehearsal.sagemaker.store import AwsError

NOUNS = ("Domain", "Model", "ModelPackageGroup", "NotebookInstance")
SERIAL = count()
NOTHING = StructureShape("Nothing", {"type": "structure", "members": {}})
EXAMPLES = settings(
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "20")),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


class Host:
    """A cloud where every role may be passed and no event is heard."""

    def emit(self, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None: ...
    def arn(self, resource: str) -> str:
        return f"arn:aws:sagemaker:us-east-1:000000000000:{resource}"

    def pass_role(self, role_arn: str) -> None: ...
    def client(self, service: str, role_arn: str) -> Any:
        raise AssertionError(f"{service} was called")

    def put_metric(self, namespace: str, name: str, dimensions: dict[str, str], value: float, unit: str) -> None: ...


def values(shape: Shape, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that the shape allows: required members always, optional ones sometimes, near the top only."""
    low = shape.metadata.get("min")
    if isinstance(shape, StructureShape):
        required = {n: values(shape.members[n], depth + 1) for n in shape.required_members}
        optional = {n: values(s, depth + 1) for n, s in shape.members.items() if n not in required}
        return st.fixed_dictionaries(required, optional=optional if depth < 2 else {})
    if isinstance(shape, ListShape):
        return st.lists(values(shape.member, depth + 1), min_size=low or 0, max_size=max(low or 0, 2))
    if isinstance(shape, MapShape):
        return st.dictionaries(
            values(shape.key, depth + 1), values(shape.value, depth + 1), min_size=low or 0, max_size=max(low or 0, 1)
        )
    if shape.type_name == "boolean":
        return st.booleans()
    if shape.type_name in ("integer", "long"):
        return st.integers(low or 0, shape.metadata.get("max", 2**31 - 1))
    if shape.type_name in ("float", "double"):
        return st.floats(low or 0, shape.metadata.get("max", 1e6))
    if shape.type_name == "timestamp":
        return st.integers(0, 2**31 - 1)
    return texts(shape)


def texts(shape: Shape) -> st.SearchStrategy[str]:
    enum = getattr(shape, "enum", None)
    if enum:
        return st.sampled_from(enum)
    low, high = int(shape.metadata.get("min", 1)), int(shape.metadata.get("max", 64))
    plain = st.text("abcdef0123456789", min_size=low, max_size=max(low, min(high, 64)))
    pattern = str(shape.metadata.get("pattern", ""))
    printable = st.characters(min_codepoint=32, max_codepoint=126)
    try:
        re.compile(pattern)
    except re.error:  # Python cannot read Unicode classes: plain text satisfies what the model says with them
        pattern = ""
    found = st.from_regex(pattern, fullmatch=True, alphabet=printable) if pattern else plain
    return found.filter(lambda text: not shapes.problems(shape, text))


def requests(noun: str) -> st.SearchStrategy[dict[str, Any]]:
    """Valid requests of `Create{noun}`; the name is one that no other request has."""
    name = BY_NOUN[noun].key[-1]
    shape = shapes.operation(f"Create{noun}").input_shape
    assert shape is not None
    made = values(shape)
    if name not in shape.members:
        return made
    return made.map(lambda request: {**request, name: f"n{next(SERIAL)}"})


def answered(service: Service, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """The answer, which keeps to the output shape."""
    answer = service.call(operation, request)
    assert shapes.problems(shapes.operation(operation).output_shape or NOTHING, answer) == []
    return answer


def refusal(service: Service, operation: str, request: dict[str, Any]) -> str:
    with pytest.raises(AwsError) as refused:
        service.call(operation, request)
    assert refused.value.code == "ValidationException"
    return refused.value.message


@pytest.mark.parametrize("noun", NOUNS)
def test_what_is_created_is_described_listed_and_deleted(noun: str) -> None:
    kind, service = BY_NOUN[noun], Service(Host(), Clock())

    @EXAMPLES
    @given(requests(noun))
    def run(request: dict[str, Any]) -> None:
        arn = answered(service, f"Create{noun}", request)[kind.arn_member]
        record = service.store.by_arn(arn)
        who = {name: record[name] for name in kind.key}
        told = answered(service, f"Describe{noun}", who)
        assert told[kind.arn_member] == arn
        assert all(told[n] == v for n, v in request.items() if n in told and n not in ("CreationTime",))
        [rows] = [v for v in answered(service, f"List{kind.plural}", {}).values() if isinstance(v, list)]
        assert [row[kind.arn_member] for row in rows] == [arn]
        answered(service, f"Delete{noun}", who)
        with pytest.raises(AwsError):
            service.call(f"Describe{noun}", who)
        assert service.store.all(noun) == []

    run()


@pytest.mark.parametrize("noun", NOUNS)
def test_an_invalid_request_is_refused_with_the_members_name(noun: str) -> None:
    service, operation = Service(Host(), Clock()), f"Create{noun}"
    shape = shapes.operation(operation).input_shape
    assert shape is not None

    @EXAMPLES
    @given(requests(noun))
    def run(request: dict[str, Any]) -> None:
        for member in shape.required_members:
            without = {n: v for n, v in request.items() if n != member}
            assert f"'{member[0].lower()}{member[1:]}'" in refusal(service, operation, without)
        for member in request:
            wrong = {**request, member: object()}
            assert f"'{member[0].lower()}{member[1:]}'" in refusal(service, operation, wrong)
        assert "'nobody'" in refusal(service, operation, {**request, "Nobody": 1})
        assert service.store.all(noun) == []

    run()
