"""Whole applications: nested stacks, exports, moves, long policies, odd forms."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.cloud_assembly import Assembly, Resource, Stack, stack_of
from review.model import Finding
from review.pairs import Pair, pairs
from review.security import security

QUEUE = "arn:aws:sqs:us-east-1:1:q"


def assembly(**templates: Any) -> Assembly:
    return Assembly(Path(), {name: stack_of(each, name) for name, each in templates.items()})


def reviewed(base: Assembly, head: Assembly) -> list[str]:
    return sorted(f"{each.rule} {each.severity}" for each in security(pairs(base, head)))


def role(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    policies = [{"PolicyName": "p", "PolicyDocument": {"Statement": [statement]}}]
    return {"Type": "AWS::IAM::Role", "Properties": {"Policies": policies, **more}}


def resources(**found: Any) -> dict[str, Any]:
    return {"Resources": found}


def parent(path: str = "Inner", **parameters: Any) -> dict[str, Any]:
    """`path`: of the nested stack's construct, within the stack."""
    nested = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": "u", "Parameters": parameters},
        "Metadata": {"aws:cdk:path": f"App/{path}.NestedStack/Inner.NestedStackResource"},
    }
    return resources(Nested=nested, One={"Type": "AWS::SQS::Queue"}, Two={"Type": "AWS::SQS::Queue"})


def nested(of: Assembly) -> Assembly:
    return Assembly(Path(), {name.replace("_", "/"): each for name, each in _renamed(of)})


def _renamed(of: Assembly) -> Any:
    for name, each in of.stacks.items():
        shown = name.replace("_", "/")
        yield shown, Stack(shown, each.region, each.template, each.resources)


def test_what_a_parent_hands_to_a_nested_stack_is_followed() -> None:
    inner = resources(R=role("sqs:SendMessage", {"Ref": "Given"}))
    base = nested(assembly(App=parent(Given={"Fn::GetAtt": ["One", "Arn"]}), App_Inner=inner))
    head = nested(assembly(App=parent(Given={"Fn::GetAtt": ["Two", "Arn"]}), App_Inner=inner))
    assert reviewed(base, head) == ["iam-narrowed low", "iam-widened high"]
    assert reviewed(base, base) == []


def test_a_nested_stack_may_lie_deep_in_other_constructs() -> None:
    inner = resources(R=role("sqs:SendMessage", {"Ref": "Given"}))
    given = ({"Fn::GetAtt": [name, "Arn"]} for name in ("One", "Two"))
    base, head = (nested(assembly(App=parent("A/B/Inner", Given=each), App_A_B_Inner=inner)) for each in given)
    assert reviewed(base, head) == ["iam-narrowed low", "iam-widened high"]


def test_the_role_of_a_parent_gets_a_policy_in_a_nested_stack() -> None:
    document = {"Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
    policy = {"Type": "AWS::IAM::Policy", "Properties": {"Roles": [{"Ref": "Given"}], "PolicyDocument": document}}
    outer = parent(Given={"Ref": "R"})
    outer["Resources"]["R"] = role("sqs:SendMessage", QUEUE)
    base = nested(assembly(App=outer, App_Inner=resources()))
    head = nested(assembly(App=outer, App_Inner=resources(P=policy)))
    [found] = security(pairs(base, head))
    assert (found.rule, found.place.logical_id) == ("iam-widened", "R")


def test_an_export_is_followed_to_what_it_names() -> None:
    output = {"Value": {"Fn::GetAtt": ["Q", "Arn"]}, "Export": {"Name": "A:Q"}}
    first = {"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}, "Outputs": {"O": output}}
    renamed = {**first, "Outputs": {"O2": {**output, "Export": {"Name": "A:Q2"}}}}
    base = assembly(A=first, B=resources(R=role("sqs:SendMessage", {"Fn::ImportValue": "A:Q"})))
    head = assembly(A=renamed, B=resources(R=role("sqs:SendMessage", {"Fn::ImportValue": "A:Q2"})))
    assert reviewed(base, head) == []


def test_an_export_is_of_the_importing_stacks_region() -> None:
    def queues(exported: str) -> dict[str, Any]:
        made = {name: {"Type": "AWS::SQS::Queue"} for name in ("One", "Two")}
        output = {"Value": {"Fn::GetAtt": [exported, "Arn"]}, "Export": {"Name": "queue"}}
        return {"Resources": made, "Outputs": {"O": output}}

    def side(exported: str) -> Assembly:
        west = stack_of(queues(exported), "West", "us-west-2")
        reader = resources(R=role("sqs:SendMessage", {"Fn::ImportValue": "queue"}))
        found = (west, stack_of(reader, "Reader", "us-west-2"), stack_of(queues("One"), "East", "us-east-1"))
        return Assembly(Path(), {each.name: each for each in found})

    assert reviewed(side("One"), side("Two")) == ["iam-narrowed low", "iam-widened high"]


def test_what_has_moved_to_another_logical_id_is_the_same_thing() -> None:
    before = stack_of(
        resources(Old={"Type": "AWS::S3::Bucket"}, R=role("s3:GetObject", {"Fn::GetAtt": ["Old", "Arn"]}))
    )
    after = stack_of(resources(New={"Type": "AWS::S3::Bucket"}, R=role("s3:GetObject", {"Fn::GetAtt": ["New", "Arn"]})))
    moved = Pair(before, after, before.resources["Old"], after.resources["New"])
    same = Pair(before, after, before.resources["R"], after.resources["R"])
    assert security((moved, same)) == ()


@pytest.mark.slow
def test_a_policy_of_ten_thousand_characters_is_compared_whole() -> None:
    names = [f"arn:aws:s3:::data-{n}" for n in range(120)]
    actions = ["s3:Get*", "s3:List*"]
    statements = [{"Effect": "Allow", "Action": actions, "Resource": [f"{name}/*", name]} for name in names]
    whole = role("sqs:SendMessage", QUEUE)
    whole["Properties"]["Policies"][0]["PolicyDocument"]["Statement"] = statements
    split = role("sqs:SendMessage", QUEUE)
    split["Properties"]["Policies"][0]["PolicyDocument"]["Statement"] = [
        {**each, "Resource": resource, "Action": action}
        for each in reversed(statements)
        for resource in each["Resource"]
        for action in each["Action"]
    ]
    assert len(str(statements)) > 10_000
    assert reviewed(assembly(A=resources(R=whole)), assembly(A=resources(R=split))) == []
    split["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][7]["Action"] = "s3:*"
    assert reviewed(assembly(A=resources(R=whole)), assembly(A=resources(R=split))) == ["iam-widened high"]


def test_a_message_names_the_principal_the_actions_and_the_resource_in_one_line() -> None:
    queue, arn = {"Type": "AWS::SQS::Queue"}, {"Fn::GetAtt": ["Q", "Arn"]}
    base, head = (assembly(A=resources(R=role(each, arn), Q=queue)) for each in ("sqs:SendMessage", "sqs:*"))
    [found] = security(pairs(base, head))
    assert found.message.startswith("Role R may now do sqs:* (") and "<A Q.Arn>" in found.message


def test_more_conditions_than_can_be_tried_are_said_to_be_unreadable() -> None:
    many = [{"Fn::If": [f"C{n}", "a", "b"]} for n in range(9)]
    base, head = (assembly(A=resources(R=role(action, many))) for action in ("sqs:SendMessage", "sqs:*"))
    assert reviewed(base, head) == ["iam-widened medium"]


KEYS = """
    Effect Action NotAction Resource Principal Condition StringLike aws:x Statement Ref Fn::If Fn::Sub Fn::Join
    Fn::GetAtt Fn::ImportValue Fn::ForEach::X Fn::Transform Roles Groups Subnets
""".split()  # noqa: SIM905
NAMES = """
    Policies ManagedPolicyArns PermissionsBoundary AssumeRolePolicyDocument PolicyDocument Roles Role RoleName
    KeyPolicy SecurityGroupIngress SecurityGroupEgress GroupId Bucket BucketEncryption VpcConfig
    PipelineDefinition Parameters Principal FunctionName EnableNetworkIsolation RetentionInDays RouteTableId
    GatewayId Users Groups
""".split()  # noqa: SIM905
TYPES = """
    IAM::Role IAM::User IAM::Policy IAM::RolePolicy IAM::ManagedPolicy S3::BucketPolicy KMS::Key
    EC2::SecurityGroup EC2::SecurityGroupIngress SageMaker::Pipeline SageMaker::Model Lambda::Permission
    Lambda::Function CloudFormation::Stack EC2::Route EC2::VPCEndpoint Logs::LogGroup S3::Bucket
    IAM::UserToGroupAddition Events::EventBusPolicy
""".split()  # noqa: SIM905
TEXTS = ("", "*", "Allow", "arn:aws:s3:::ü/*", "s3:Get*", "a\nb", "R", "{", "Retain")
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 99) | st.sampled_from(TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=12,
)
PROPERTIES = JUNK | st.dictionaries(st.sampled_from(NAMES), JUNK, max_size=4)


@st.composite
def junk(draw: st.DrawFn) -> Assembly:
    found = {
        name: Resource(name, f"AWS::{draw(st.sampled_from(TYPES))}", name, draw(PROPERTIES)) for name in ("R", "S", "T")
    }
    template = {"Conditions": draw(JUNK), "Outputs": draw(JUNK)}
    return Assembly(Path(), {"A": Stack("A", "us-east-1", template, found)})


@pytest.mark.slow
@settings(max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "20")), deadline=None)
@given(junk(), junk())
def test_whatever_a_template_holds_is_read_or_said_to_be_unreadable(base: Assembly, head: Assembly) -> None:
    found: tuple[Finding, ...] = security(pairs(base, head))
    assert all(each.message and "\n" not in each.message for each in found)
    assert security(pairs(base, base)) == ()


def test_a_role_that_could_do_nothing_leaves_nothing_behind() -> None:
    denying = role("s3:GetObject", "*")
    denying["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]["Effect"] = "Deny"
    assert reviewed(assembly(A=resources(R=denying)), assembly(A=resources())) == []
    assert reviewed(assembly(A=resources(R=role("s3:GetObject", "*"))), assembly(A=resources())) == ["iam-narrowed low"]
