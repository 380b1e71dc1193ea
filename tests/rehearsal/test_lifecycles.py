"""States, what may be done in them, what keeps something from being deleted.

The tables are AWS's, from the API reference of each operation, or from error messages of AWS that users have reported:
aws/amazon-sagemaker-examples#1094, hashicorp/terraform-provider-aws#16767, aws/amazon-sagemaker-feedback#113.
"""

import json
import time

import pytest

from rehearsal.embedded import EmbeddedCloud
from rehearsal.sagemaker import shapes
from tests.rehearsal.world import PACE_SECONDS, World, least, operate, refused

# Kind, the state that an operation begins in, the operation, the state at once, the state after the pace.
PASSAGES = [
    ("Domain", "", "Create", "Pending", "InService"),
    ("Domain", "InService", "Update", "Updating", "InService"),
    ("Domain", "InService", "Delete", "Deleting", None),
    ("UserProfile", "", "Create", "Pending", "InService"),
    ("UserProfile", "InService", "Update", "Updating", "InService"),
    ("UserProfile", "InService", "Delete", "Deleting", None),
    ("Space", "", "Create", "Pending", "InService"),
    ("Space", "InService", "Delete", "Deleting", None),
    ("App", "", "Create", "Pending", "InService"),
    ("App", "InService", "Delete", "Deleting", "Deleted"),
    ("NotebookInstance", "", "Create", "Pending", "InService"),
    ("NotebookInstance", "InService", "Stop", "Stopping", "Stopped"),
    ("NotebookInstance", "Stopped", "Start", "Pending", "InService"),
    ("NotebookInstance", "Failed", "Start", "Pending", "InService"),
    ("NotebookInstance", "Stopped", "Delete", "Deleting", None),
    ("NotebookInstance", "Failed", "Delete", "Deleting", None),
    ("Endpoint", "InService", "Delete", "Deleting", None),
    ("Endpoint", "Failed", "Delete", "Deleting", None),
    ("MlflowApp", "", "Create", "Creating", "Creating"),
    ("MlflowApp", "Created", "Update", "Updating", "Updated"),
    ("MlflowApp", "Created", "Delete", "Deleting", None),
    ("MlflowApp", "CreateFailed", "Delete", "Deleting", None),
    ("ModelPackageGroup", "", "Create", "Completed", "Completed"),
    ("Pipeline", "", "Create", "Active", "Active"),
]
# State of a notebook instance, operation that is refused in it, states that it may begin in, state that it leads to.
WRONG_OF_NOTEBOOKS = [
    ("Stopping", "Start", "Stopped, Failed", "Pending"),
    ("InService", "Start", "Stopped, Failed", "Pending"),
    ("Pending", "Stop", "InService", "Stopping"),
    ("Stopping", "Stop", "InService", "Stopping"),
    ("Failed", "Stop", "InService", "Stopping"),
    ("InService", "Delete", "Stopped, Failed", "Deleting"),
]
# Kind, state, operation that is refused in it, code, words. What AWS says of Studio's kinds is not documented.
WRONG = [
    *(
        (
            "NotebookInstance",
            state,
            verb,
            "ValidationException",
            f"Status ({state}) not in ([{origins}]). Unable to transition to ({to}) for Notebook Instance ({{arn}}).",
        )
        for state, verb, origins, to in WRONG_OF_NOTEBOOKS
    ),
    ("Endpoint", "Creating", "Delete", "ValidationException", 'Cannot delete in-progress endpoint "{arn}".'),
    ("Endpoint", "Updating", "Update", "ValidationException", 'Cannot update in-progress endpoint "{arn}".'),
    ("Domain", "Pending", "Delete", "ResourceInUse", "Pending"),
    ("Domain", "Updating", "Update", "ResourceInUse", "Updating"),
    ("Domain", "Deleting", "Delete", "ResourceInUse", "Deleting"),
    ("UserProfile", "Pending", "Delete", "ResourceInUse", "Pending"),
    ("Space", "Deleting", "Delete", "ResourceInUse", "Deleting"),
    ("App", "Deleting", "Delete", "ResourceInUse", "Deleting"),
    ("MlflowApp", "Creating", "Delete", "ValidationException", "Creating"),
    ("MlflowApp", "Updating", "Update", "ConflictException", "Updating"),
]
# What cannot go, what holds it, the code: errors that the model lists for the operation.
HELD = [
    ("Domain", "UserProfile", "ResourceInUse"),
    ("Domain", "Space", "ResourceInUse"),
    ("Domain", "App", "ResourceInUse"),
    ("UserProfile", "App", "ResourceInUse"),
    ("Space", "App", "ResourceInUse"),
    ("ModelPackageGroup", "ModelPackage", "ConflictException"),
    ("Pipeline", "PipelineExecution", "ConflictException"),
]
# What may go although something names it: "You must not delete an EndpointConfig in use" is advice, not a check.
FREE = [("Model", "EndpointConfig"), ("EndpointConfig", "Endpoint")]
TOKEN = {"ClientRequestToken": "t" * 32}


@pytest.mark.parametrize(("noun", "before", "verb", "at_once", "then"), PASSAGES)
def test_a_state_passes_at_the_pace_of_the_clock(
    noun: str, before: str, verb: str, at_once: str, then: str | None
) -> None:
    world = World(noun)
    service, kind = world.service, world.kind
    arn = world.make()
    record = service.store.by_arn(arn)
    if before:
        world.settle(noun, arn)
        service.move(noun, record, before)
        operate(world, verb, arn)
    assert service.call(f"Describe{noun}", world.who(record))[kind.status] == at_once
    service.clock.advance(PACE_SECONDS / 2)
    assert service.call(f"Describe{noun}", world.who(record))[kind.status] == at_once
    service.clock.advance(PACE_SECONDS / 2)
    if then is None:
        refused(world, f"Describe{noun}", world.who(record))
        assert world.pages({}) == []
    else:
        assert service.call(f"Describe{noun}", world.who(record))[kind.status] == then


@pytest.mark.parametrize(("noun", "state", "verb", "code", "words"), WRONG)
def test_what_may_not_be_done_in_a_state_is_refused(noun: str, state: str, verb: str, code: str, words: str) -> None:
    world = World(noun)
    arn = world.make()
    record = world.service.store.by_arn(arn)
    world.service.move(noun, record, state)
    answer = refused(world, f"{verb}{noun}", {**world.who(record), **world.further(verb)})
    assert answer.code == code and words.replace("{arn}", arn) in answer.message
    assert record[world.kind.status] == state


@pytest.mark.parametrize(("noun", "holder", "code"), HELD)
def test_what_something_depends_on_cannot_be_deleted(noun: str, holder: str, code: str) -> None:
    world = World(holder)
    service = world.service
    arn = world.make(**({"Owned": noun == "Space"} if holder == "App" else {}))
    world.settle(holder, arn)
    parent = service.store.all(noun)[0]
    who = {name: parent[name] for name in parent if name in shapes.operation(f"Delete{noun}").input_shape.members}  # type: ignore[union-attr]
    who |= TOKEN if noun == "Pipeline" else {}
    answer = refused(world, f"Delete{noun}", who)
    assert answer.code == code
    expected = f"Unable to delete {noun} [{parent[f'{noun}Arn']}] because "
    assert answer.message.startswith(expected) and f"{holder}(s)" in answer.message
    assert answer.message.endswith(" are associated with it.")


@pytest.mark.parametrize(("noun", "user"), FREE)
def test_what_aws_lets_go_while_it_is_used_goes(noun: str, user: str) -> None:
    world = World(user)
    world.settle(user, world.make())
    world.service.call(f"Delete{noun}", {f"{noun}Name": world.names[f"{noun}Name"]})
    assert world.service.store.all(noun) == []


def test_a_pipeline_whose_executions_have_ended_goes_with_them() -> None:
    world = World("PipelineExecution")
    arn = world.make()
    world.service.move("PipelineExecution", world.service.store.by_arn(arn), "Succeeded")
    world.service.call("DeletePipeline", {"PipelineName": world.names["PipelineName"], **TOKEN})
    assert refused(world, "DescribePipelineExecution", {"PipelineExecutionArn": arn}).code == "ResourceNotFound"


def test_events_are_sent_of_each_state_of_an_endpoint_and_a_notebook_instance() -> None:
    world = World("Endpoint")
    arn = world.make()
    world.settle("Endpoint", arn)
    operate(world, "Delete", arn)
    world.service.clock.advance(PACE_SECONDS)
    sent = [detail["EndpointStatus"] for kind, detail in world.host.heard if kind == "SageMaker Endpoint State Change"]
    assert sent == ["CREATING", "IN_SERVICE", "DELETING", "DELETED"]
    world = World("NotebookInstance")
    arn = world.make()
    world.settle("NotebookInstance", arn)
    operate(world, "Stop", arn)
    world.service.clock.advance(PACE_SECONDS)
    assert [d["NotebookInstanceStatus"] for _, d in world.host.heard] == ["Pending", "InService", "Stopping", "Stopped"]


TEMPLATE = {
    "Resources": {
        "Domain": {
            "Type": "AWS::SageMaker::Domain",
            "Properties": {
                "DomainName": "paced",
                "AuthMode": "IAM",
                "VpcId": "vpc-12345678",
                "SubnetIds": ["subnet-12345678"],
                "DefaultUserSettings": {},
            },
        },
        "Profile": {
            "Type": "AWS::SageMaker::UserProfile",
            "Properties": {"DomainId": {"Ref": "Domain"}, "UserProfileName": "someone"},
        },
    }
}


def test_cloudformation_waits_until_resources_are_in_service_and_until_they_are_gone(cloud: EmbeddedCloud) -> None:
    formation, sagemaker = cloud.client("cloudformation"), cloud.client("sagemaker")
    cloud.control("pace", seconds=600)
    try:
        formation.create_stack(StackName="paced", TemplateBody=json.dumps(TEMPLATE))
        seen = _watched(cloud, "Pending")
        assert seen == "CREATE_COMPLETE"
        [domain] = [d for d in sagemaker.list_domains()["Domains"] if d["DomainName"] == "paced"]
        profile = sagemaker.describe_user_profile(DomainId=domain["DomainId"], UserProfileName="someone")
        assert (domain["Status"], profile["Status"]) == ("InService", "InService")
        formation.delete_stack(StackName="paced")
        assert _watched(cloud, "Deleting") == "DELETE_COMPLETE"
        assert [d for d in sagemaker.list_domains()["Domains"] if d["DomainName"] == "paced"] == []
    finally:
        cloud.control("pace", seconds=0.1)


def _watched(cloud: EmbeddedCloud, passing: str) -> str:
    """The stack's last status. While it is in progress, calls are answered; a passing state that they show passes."""
    formation, sagemaker = cloud.client("cloudformation"), cloud.client("sagemaker")
    stack = formation.describe_stacks(StackName="paced")["Stacks"][0]["StackId"]
    seen, status, deadline = set(), "unknown", time.monotonic() + 30
    while time.monotonic() < deadline:
        status = formation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        if not status.endswith("IN_PROGRESS"):
            assert seen == {"paced", "someone"}
            return status
        rows = sagemaker.list_domains()["Domains"] + sagemaker.list_user_profiles()["UserProfiles"]
        names = {row.get("DomainName") or row["UserProfileName"] for row in rows if row["Status"] == passing}
        if names:
            seen |= names
            cloud.control("advance", seconds=600)
        time.sleep(0.05)
    raise AssertionError(f"the stack is still {status}")


@pytest.mark.parametrize("noun", ["Pipeline", "PipelineExecution", "ModelPackage"])
def test_a_call_that_is_repeated_with_its_token_makes_nothing_new(noun: str) -> None:
    world = World(noun)
    token = {"ClientToken" if noun == "ModelPackage" else "ClientRequestToken": "s" * 32}
    operation = f"{'Start' if noun == 'PipelineExecution' else 'Create'}{noun}"
    request = world.fitted(least(noun, 0)) | token
    first = world.service.call(operation, request)
    assert world.service.call(operation, request) == first
    assert len(world.service.store.all(noun)) == 1
    other = dict.fromkeys(token, "t" * 32) | ({"PipelineName": "other"} if noun == "Pipeline" else {})
    assert world.service.call(operation, request | other) != first


def test_a_token_of_what_is_gone_makes_it_anew() -> None:
    world = World("Pipeline")
    request = world.fitted(least("Pipeline", 0)) | {"ClientRequestToken": "s" * 32}
    world.service.call("CreatePipeline", request)
    world.service.call("DeletePipeline", {"PipelineName": request["PipelineName"], "ClientRequestToken": "d" * 32})
    world.service.call("CreatePipeline", request)
    assert len(world.service.store.all("Pipeline")) == 1


def test_an_update_adds_metadata_to_a_model_package() -> None:
    world = World("ModelPackage")
    arn = world.make(CustomerMetadataProperties={"a": "1", "b": "1"})
    world.service.call("UpdateModelPackage", {"ModelPackageArn": arn, "CustomerMetadataProperties": {"b": "2"}})
    told = world.service.call("DescribeModelPackage", {"ModelPackageName": arn})
    assert told["CustomerMetadataProperties"] == {"a": "1", "b": "2"}
