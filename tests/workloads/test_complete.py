"""Additions to the SDK's requests stand at their places, and are reported once the SDK makes them itself."""

import pytest

from workloads.compiler.complete import Completed, MergeError, merged


class Step:
    """What stands for a step of the SDK."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def arguments(self) -> dict[str, object]:
        return {"RoleArn": self.name, "ResourceConfig": {"InstanceCount": 1}, "Environment": None}


class CompletedStep(Completed, Step):
    pass


def test_additions_are_merged_into_what_the_step_asks_for() -> None:
    step = CompletedStep({"ResourceConfig": {"VolumeKmsKeyId": "key"}, "Environment": {"A": "1"}}, name="role")
    assert step.arguments == {
        "RoleArn": "role",
        "ResourceConfig": {"InstanceCount": 1, "VolumeKmsKeyId": "key"},
        "Environment": {"A": "1"},
    }


def test_the_request_itself_is_left_as_it_is() -> None:
    request = {"ResourceConfig": {"InstanceCount": 1}}
    merged(request, {"ResourceConfig": {"VolumeKmsKeyId": "key"}})
    assert request == {"ResourceConfig": {"InstanceCount": 1}}


@pytest.mark.parametrize("there", [False, 0, "", "other"])
def test_what_the_sdk_makes_by_itself_is_not_overwritten(there: object) -> None:
    with pytest.raises(MergeError, match=r"the SDK gives ResourceConfig\.VolumeKmsKeyId by itself now"):
        merged({"ResourceConfig": {"VolumeKmsKeyId": there}}, {"ResourceConfig": {"VolumeKmsKeyId": "key"}})
