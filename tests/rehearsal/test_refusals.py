"""What is refused: names that are taken, what this cloud would not do, tokens and tags that do not fit, quotas."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rehearsal.sagemaker import shapes
from rehearsal.sagemaker.kinds import BY_NOUN
from tests.rehearsal import generated
from tests.rehearsal.refused import EFFECT, INERT, NEEDED, REFUSED
from tests.rehearsal.world import PACE_SECONDS, World, least, operate, refused


@pytest.mark.parametrize(
    ("noun", "words"),
    [
        ("TrainingJob", "Training job names must be unique within an AWS account and region, and a training job with"),
        ("Endpoint", 'Cannot create already existing endpoint "'),
        ("EndpointConfig", "Cannot create already existing endpoint config"),
        ("UserProfile", "already exist"),
        ("Pipeline", "already exist"),
    ],
)
def test_a_name_is_given_once(noun: str, words: str) -> None:
    world = World(noun)
    request = world.fitted(least(noun, 0))
    world.service.call(f"Create{noun}", request)
    if "ClientRequestToken" in request:
        request["ClientRequestToken"] = "u" * 32
    assert words in refused(world, f"Create{noun}", request).message
    assert len(world.service.store.all(noun)) == 1


def test_endpoints_collide_whatever_the_case_and_domains_by_their_names() -> None:
    world = World("Endpoint")
    request = {"EndpointConfigName": world.names["EndpointConfigName"], "EndpointName": "Mine"}
    world.service.call("CreateEndpoint", request)
    assert "already existing" in refused(world, "CreateEndpoint", {**request, "EndpointName": "mine"}).message
    assert world.service.call("DescribeEndpoint", {"EndpointName": "Mine"})["EndpointName"] == "Mine"
    world = World("UserProfile")
    again = refused(world, "CreateDomain", {"DomainName": "world", "AuthMode": "IAM", "DefaultUserSettings": {}})
    assert again.code == "ResourceInUse"


@pytest.mark.parametrize(("operation", "path"), [(name, path) for name, paths in REFUSED.items() for path in paths])
def test_what_would_do_nothing_is_refused_by_name_and_not_stored(operation: str, path: str) -> None:
    verb, noun = re.fullmatch("(Create|Update|Start)(.*)", operation).groups()  # type: ignore[union-attr]
    world, steps = World(noun), path.split(".")
    world.make()
    record = world.service.store.all(noun)[0]
    request = world.fitted(least(noun, 0))
    if verb == "Update":
        named = {"ModelPackageArn": record["ModelPackageArn"]} if noun == "ModelPackage" else world.who(record)
        request = named | world.further(verb)
    shape: Any = shapes.operation(operation).input_shape
    for step in steps:
        shape = shape.member if step == "*" else shape.members[step]
    meant = MEANT.get(f"{operation}.{path}", MEANT.get(steps[-1], []))
    value = (
        st.sampled_from(meant) if meant else generated.values(shape, 2).filter(lambda given: given not in ([], False))
    )

    @settings(max_examples=2, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(value)
    def run(asked: Any) -> None:
        before = json.dumps(world.service.store.all(noun))
        answer = refused(world, operation, planted(request, steps, asked))
        assert answer.code == "ValidationException" and steps[-1] in answer.message
        assert answer.message.endswith(" as asked for is not emulated by this cloud.")
        assert json.dumps(world.service.store.all(noun)) == before

    run()


@pytest.mark.parametrize(("operation", "path"), [(name, path) for name, paths in NEEDED.items() for path in paths])
def test_what_this_cloud_cannot_do_without_is_asked_for_by_name(operation: str, path: str) -> None:
    noun, steps = operation.removeprefix("Create"), path.split(".")
    world = World(noun)
    request = world.fitted(least(noun, 0))
    place: Any = request
    for step in steps[:-1]:
        place = place[0 if step == "*" else step]
    del place[steps[-1]]
    answer = refused(world, operation, request)
    assert answer.code == "ValidationException" and steps[-1] in answer.message
    assert answer.message.endswith(" as asked for is not emulated by this cloud.")
    assert world.service.store.all(noun) == []


# Where some values of a member are what happens anyway, those that are not.
MEANT: dict[str, list[Any]] = {
    "Mode": ["MultiModel"],
    "ModelRegistrationMode": ["AutoModelRegistrationEnabled"],
    "SpaceManagedResources": ["ENABLED"],
    "Containers": [[{"Image": "a"}, {"Image": "b"}]],
    "TrainingInputMode": ["Pipe", "FastFile"],
    "InputMode": ["Pipe", "FastFile"],
    "S3InputMode": ["Pipe"],
    "CreateTrainingJob.OutputDataConfig.CompressionType": ["NONE"],
    "CompressionType": ["Gzip"],
    "S3CompressionType": ["Gzip"],
    "RecordWrapperType": ["RecordIO"],
    "S3DataType": ["ManifestFile"],
    "ContentType": ["x-application/vnd.amazon+parquet"],
    "S3DataDistributionType": ["ShardedByS3Key"],
    "S3UploadMode": ["Continuous"],
    "Strategy": ["Hyperband"],
    "CompleteOnConvergence": ["Enabled"],
    "CreateHyperParameterTuningJob.TrainingJobDefinition.OutputDataConfig.CompressionType": ["NONE"],
    "CreateHyperParameterTuningJob.TrainingJobDefinition.CheckpointConfig.LocalPath": ["/tmp", "/opt/mlx/a"],
    "CreateTrainingJob.CheckpointConfig.LocalPath": ["/tmp", "/opt/ml", "/opt/mlx/a", "/opt/ml/../../etc"],
    "LocalPath": ["/tmp", "/opt/ml/model", "/opt/ml/processing", "/opt/ml/processing/../../../etc"],
    "SplitType": ["RecordIO", "TFRecord"],
    "InputFilter": ["$[1:]"],
    "OutputFilter": ["$[1:]"],
    "JoinSource": ["Input"],
    "MaxPayloadInMB": [0],
    "ProfilerConfig": [{"S3OutputPath": "s3://b/p"}, {"DisableProfiler": False}],
    "ExperimentConfig": [{"ExperimentName": "e"}],
}


def planted(request: dict[str, Any], steps: list[str], value: Any) -> dict[str, Any]:
    changed = json.loads(json.dumps(request))
    place = changed
    for step in steps[:-1]:
        place = place[0] if step == "*" else place.setdefault(step, {})
    place[steps[-1]] = value
    return changed


def test_sign_on_by_identity_center_is_refused() -> None:
    request = {"DomainName": "sso", "AuthMode": "SSO", "DefaultUserSettings": {}}
    assert "AuthMode as asked for is not emulated" in refused(World("Domain"), "CreateDomain", request).message


def test_a_token_serves_its_own_request_only_and_keeps_its_place_when_rows_go() -> None:
    world = World("Model")
    rows = world.several(6)
    first = world.service.call("ListModels", {"MaxResults": 2, "SortOrder": "Ascending"})
    again = {"SortOrder": "Ascending", "NextToken": first["NextToken"]}
    for wrong in ({"NextToken": "2"}, {"NextToken": "%%"}, {**again, "SortBy": "Name"}, {**again, "NameContains": "n"}):
        assert "Invalid NextToken" in refused(world, "ListModels", wrong).message
    for row in rows[:3]:
        world.service.call("DeleteModel", {"ModelName": row["ModelName"]})
    rest = world.service.call("ListModels", {**again, "MaxResults": 9})
    assert [row["ModelName"] for row in rest["Models"]] == [row["ModelName"] for row in rows[3:]]
    assert "NextToken" not in rest


def test_a_resource_has_fifty_tags_at_most_with_a_key_each_once() -> None:
    world = World("Model")
    arn = world.make()
    tags = [{"Key": f"k{index}", "Value": "v"} for index in range(51)]
    world.service.call("AddTags", {"ResourceArn": arn, "Tags": tags[:50]})
    world.service.call("AddTags", {"ResourceArn": arn, "Tags": [{"Key": "k7", "Value": "new"}]})
    assert "50 tags at most" in refused(world, "AddTags", {"ResourceArn": arn, "Tags": tags[50:]}).message
    held = {t["Key"]: t["Value"] for t in world.service.call("ListTags", {"ResourceArn": arn})["Tags"]}
    assert held == {f"k{index}": "v" for index in range(50)} | {"k7": "new"}
    request = {**world.fitted(least("Model", 1)), "Tags": [tags[0], tags[0]]}
    assert "unique" in refused(world, "CreateModel", request).message


@pytest.mark.parametrize("noun", ["App", "Space"])
def test_a_quota_counts_what_has_not_ended(noun: str) -> None:
    world = World(noun)
    world.service.set_quota(noun, len(world.service.store.all(noun)) + 1)
    arn = world.make()
    request = world.fitted(least(noun, 1))
    assert refused(world, f"Create{noun}", request).code == "ResourceLimitExceeded"
    world.settle(noun, arn)
    operate(world, "Delete", arn)
    assert refused(world, f"Create{noun}", request).code == "ResourceLimitExceeded"
    world.service.clock.advance(PACE_SECONDS)
    world.service.call(f"Create{noun}", request)


def leaves(shape: Any, known: list[str], path: str = "") -> Iterator[str]:
    """The members below a shape, each as far down as something of `known` is below it."""
    for name, member in shape.members.items():
        here, inner = f"{path}{name}", member
        while inner.type_name == "list":
            inner, here = inner.member, f"{here}.*"
        if any(each.startswith(f"{here}.") for each in known):
            yield from leaves(inner, known, f"{here}.")
        else:
            yield f"{path}{name}"


CREATIONS = ["StartPipelineExecution", *sorted(f"Create{noun}" for noun in BY_NOUN if noun != "PipelineExecution")]


@pytest.mark.parametrize("operation", CREATIONS)
def test_every_member_of_a_creation_is_refused_or_has_an_effect_or_is_a_record_in_aws_too(operation: str) -> None:
    said = [*REFUSED.get(operation, ()), *EFFECT[operation].split(), *INERT.get(operation, "").split()]
    assert sorted(leaves(shapes.operation(operation).input_shape, said)) == sorted(said)


def test_what_an_sdk_sends_without_asking_for_anything_is_taken() -> None:
    world = World("TrainingJob")
    asks = {"DebugHookConfig": {"S3OutputPath": "s3://b/d", "CollectionConfigurations": []}, "ExperimentConfig": {}}
    asks |= {"ProfilerConfig": {"DisableProfiler": True}, "RemoteDebugConfig": {"EnableRemoteDebug": False}}
    assert world.make(**asks)


def test_the_variants_of_a_configuration_have_names_of_their_own() -> None:
    world = World("EndpointConfig")
    request = world.fitted(least("EndpointConfig", 0))
    request["ProductionVariants"] *= 2
    assert "must be unique: v0, v0" in refused(world, "CreateEndpointConfig", request).message


def test_a_tag_of_awss_own_is_refused() -> None:
    world = World("Model")
    tags = {"ResourceArn": world.make(), "Tags": [{"Key": "aws:cloudformation:stack-name", "Value": "mine"}]}
    assert "aws: prefixed tag key" in refused(world, "AddTags", tags).message


def test_a_model_is_of_a_package_that_exists() -> None:
    world = World("Model")
    request = world.fitted(least("Model", 0)) | {"PrimaryContainer": {"ModelPackageName": "none/1"}}
    assert 'Could not find model package "none/1"' in refused(world, "CreateModel", request).message
