"""The service answers what botocore's model allows, and refuses what it does not. In-process: no job, step or endpoint
is started.

Requests are generated from the model for every operation that is taken up. HYPOTHESIS_EXAMPLES sets how many a property
gets.
"""

import os
from typing import Any

import pytest
from botocore.model import StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rehearsal.sagemaker import shapes
from rehearsal.sagemaker.kinds import BY_NOUN, KINDS
from rehearsal.sagemaker.service import Service
from rehearsal.sagemaker.store import AwsError
from tests.rehearsal import generated
from tests.rehearsal.world import Record, World, least

pytestmark = pytest.mark.slow

NOUNS = tuple(kind.noun for kind in KINDS)
NOTHING = StructureShape("Nothing", {"type": "structure", "members": {}})
EXAMPLES = settings(
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "20")),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
BROKEN_PER_EXAMPLE = 8
# What Describe tells under another name or with more in it: how to read it there.
ELSEWHERE = {
    "SecurityGroupIds": lambda told: told["SecurityGroups"],
    "RuntimeConfig": lambda told: {"CopyCount": told["RuntimeConfig"]["DesiredCopyCount"]},
    "ResourceSpec": lambda told: {n: v for n, v in told["ResourceSpec"].items() if n != "InstanceType"},
}


def asked(operation: str) -> st.SearchStrategy[Record]:
    shape = shapes.operation(operation).input_shape
    assert shape is not None
    return generated.values(shape)


def answered(service: Service, operation: str, request: Record) -> Record:
    """The answer, which keeps to the output shape."""
    answer = service.call(operation, request)
    assert shapes.problems(shapes.operation(operation).output_shape or NOTHING, answer) == []
    return answer


def agrees(noun: str, told: Record, request: Record) -> None:
    """What was given is told back."""
    members = shapes.output_members(f"Describe{noun}")
    for name, value in request.items():
        if name == "ResourceSpec":
            value = {n: v for n, v in value.items() if n != "InstanceType"}
        if name in ELSEWHERE:
            assert ELSEWHERE[name](told) == value
        elif name in members:
            assert told.get(name) == value, name


@pytest.mark.parametrize("noun", NOUNS)
def test_what_is_made_is_described_listed_tagged_and_removed(noun: str) -> None:
    kind, world = BY_NOUN[noun], World(noun)
    service, verb = world.service, "Start" if noun == "PipelineExecution" else "Create"

    @EXAMPLES
    @given(asked(f"{verb}{noun}"), asked("AddTags"))
    def run(request: Record, tags: Record) -> None:
        request = world.fitted(request)
        arn = answered(service, f"{verb}{noun}", request)[kind.arn_member]
        world.settle(noun, arn)
        who = world.who(service.store.by_arn(arn))
        told = answered(service, f"Describe{noun}", who)
        assert told[kind.arn_member] == arn
        agrees(noun, told, request)
        assert [row[world.shown] for row in world.listed(answered)] == [told[world.shown]]
        _tagged(service, arn, request, tags)
        world.remove(answered, who, arn)
        if f"Delete{noun}" in kind.operations:
            with pytest.raises(AwsError):
                service.call(f"Describe{noun}", who)
        assert service.store.all(noun) == []

    run()


def _tagged(service: Service, arn: str, request: Record, tags: Record) -> None:
    unique = list({tag["Key"]: tag for tag in tags["Tags"]}.values())
    had = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
    answered(service, "AddTags", {"ResourceArn": arn, "Tags": unique})
    told = answered(service, "ListTags", {"ResourceArn": arn})["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in told} == had | {tag["Key"]: tag["Value"] for tag in unique}
    if unique:
        answered(service, "DeleteTags", {"ResourceArn": arn, "TagKeys": [tag["Key"] for tag in unique]})
    told = answered(service, "ListTags", {"ResourceArn": arn})["Tags"]
    assert {tag["Key"] for tag in told} == set(had) - {tag["Key"] for tag in unique}


@pytest.mark.parametrize("noun", [kind.noun for kind in KINDS if f"Update{kind.noun}" in kind.operations])
def test_what_an_update_gives_is_told_back(noun: str) -> None:
    kind, world = BY_NOUN[noun], World(noun)
    service = world.service

    @EXAMPLES
    @given(asked(f"Create{noun}"), asked(f"Update{noun}"))
    def run(first: Record, second: Record) -> None:
        arn = answered(service, f"Create{noun}", world.fitted(first))[kind.arn_member]
        world.settle(noun, arn)
        who = world.who(service.store.by_arn(arn))
        name = {"ModelPackageArn": arn} if noun == "ModelPackage" else who
        change = {**world.fitted(second, f"Update{noun}"), **name}
        answered(service, f"Update{noun}", change)
        world.settle(noun, arn)
        told = answered(service, f"Describe{noun}", who)
        settings = change.pop("DomainSettingsForUpdate", {})
        added = change.pop("CustomerMetadataProperties", {})
        agrees(noun, told, change)
        assert told.get("CustomerMetadataProperties", {}).items() >= added.items()
        assert {n: told.get("DomainSettings", {}).get(n) for n in settings} == settings
        world.remove(answered, who, arn)

    run()


@pytest.mark.parametrize("noun", NOUNS)
def test_every_list_is_whole_in_each_order_and_page_size(noun: str) -> None:
    kind, world = BY_NOUN[noun], World(noun)
    rows = world.several(7)
    members = shapes.input_members(f"List{kind.plural}")
    orders = getattr(members.get("SortBy"), "enum", None) or [None]
    for order in orders:
        for direction in getattr(members.get("SortOrder"), "enum", None) or [None]:  # images: ASCENDING
            wanted = {n: v for n, v in (("SortBy", order), ("SortOrder", direction)) if v}
            in_capitals = "".join(word.title() for word in (order or "").split("_"))
            member = {"Name": kind.name_member, "Status": kind.status}.get(order or "", order)
            member = in_capitals if (order or "").isupper() else member
            found = world.pages({**wanted, "MaxResults": 3})
            assert found == world.pages({**wanted, "MaxResults": 100})
            assert sorted(row[world.shown] for row in found) == sorted(row[world.shown] for row in rows)
            held = {row[world.shown]: row for row in rows}
            places = [held[row[world.shown]][member] for row in found] if member else []
            assert places == sorted(places, reverse=str(direction).title() == "Descending")


@pytest.mark.parametrize("noun", NOUNS)
def test_every_filter_tells_those_that_fit_or_is_refused_by_name(noun: str) -> None:
    kind, world = BY_NOUN[noun], World(noun)
    rows = world.several(5)
    chosen = rows[2]
    tried = set()
    for name in set(shapes.input_members(f"List{kind.plural}")) - {"NextToken", "MaxResults", "SortBy", "SortOrder"}:
        value, fits = world.filtered(name, chosen)
        try:
            found = world.pages({name: value})
        except AwsError as refused:
            assert refused.message == f"List{kind.plural} does not filter by {name}={value} in this cloud."
            assert name in REFUSED_FILTERS
            continue
        tried.add(name)
        assert {row[world.shown] for row in found} == {row[world.shown] for row in rows if fits(row)}, name
    assert not tried & REFUSED_FILTERS


@pytest.mark.parametrize("noun", NOUNS)
def test_any_list_is_answered_in_its_shape_or_its_filter_is_refused(noun: str) -> None:
    kind, world = BY_NOUN[noun], World(noun)
    world.several(3)
    operation = f"List{kind.plural}"

    @EXAMPLES
    @given(asked(operation))
    def run(request: Record) -> None:
        request = {n: v for n, v in request.items() if n not in REFUSED_FILTERS | {"NextToken"}}
        if (
            request.get("CrossAccountFilterOption") == "CrossAccount"
            or request.get("ModelPackageType") == "Unversioned"
        ):
            with pytest.raises(AwsError, match="does not filter by"):
                world.service.call(operation, request)
            return
        if noun == "PipelineExecution":
            request["PipelineName"] = world.names["PipelineName"]
        answered(world.service, operation, request)

    run()


REFUSED_FILTERS = {"ManagedBy", "PipelineVersionAlias", "DefaultForDomainId"}


@pytest.mark.parametrize("operation", sorted(World("Domain").service.operations()))
def test_an_invalid_request_is_refused_with_the_members_path(operation: str) -> None:
    service = World("Domain").service
    shape = shapes.operation(operation).input_shape
    assert shape is not None

    @EXAMPLES
    @given(asked(operation), st.randoms(use_true_random=False))
    def run(request: Record, random: Any) -> None:
        ways = list(generated.breakages(shape, request))
        for path, value, words in random.sample(ways, min(BROKEN_PER_EXAMPLE, len(ways))):
            with pytest.raises(AwsError) as refused:
                service.call(operation, generated.put(request, path, value))
            assert refused.value.code == "ValidationException"
            found = refused.value.message.split("; ")
            assert any(f"'{generated.told(path)}'" in part and words in part for part in found), (path, value)

    run()


def test_a_key_that_breaks_its_pattern_is_refused_with_its_path() -> None:
    world = World("ProcessingJob")
    request = world.fitted({**least("ProcessingJob", 0), "Environment": {"1 bad": "value"}})
    with pytest.raises(
        AwsError, match=r"'environment\.1 bad\.key' failed to satisfy constraint: Member must satisfy reg"
    ):
        world.service.call("CreateProcessingJob", request)
