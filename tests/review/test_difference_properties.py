"""Whatever a template holds: no exception, no difference from itself, and the way back mirrors the way there."""

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from review.cloud_assembly import Assembly, stack_of
from review.difference import difference
from review.model import Action

NAMES = ["A", "B", "C", "AWS::Region", "AWS::NoValue"]
FUNCTIONS = [
    "Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join", "Fn::If", "Fn::Select", "Fn::FindInMap", "Fn::ImportValue", "Fn::Split",
    "Fn::GetStackOutput", "Fn::Transform", "Fn::ForEach::X", "Condition",
]  # fmt: skip
PROPERTIES = ["Name", "BucketName", "TopicName", "PipelineDefinition", "Code", "Parameters", "Tags", "DefinitionString"]
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([*NAMES, "${A.Arn}", "${", '{"Steps": [1]}'])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FUNCTIONS), inner, min_size=1, max_size=1)
        | st.dictionaries(st.sampled_from(PROPERTIES), inner, max_size=3)
    ),
    max_leaves=8,
)
kinds = st.sampled_from([
    "AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::SageMaker::Pipeline", "AWS::CloudFormation::Stack", "Custom::X",
    "Vendor::Made::Thing", "AWS::StepFunctions::StateMachine", "AWS::Lambda::Function",
])  # fmt: skip
resources = st.fixed_dictionaries(
    {"Type": kinds},
    optional={
        "Properties": st.dictionaries(st.sampled_from(PROPERTIES), values, max_size=4) | values,
        "DeletionPolicy": st.sampled_from(["Retain", "Delete", "Snapshot"]) | values,
        "Condition": st.sampled_from(NAMES) | values,
        "Metadata": st.just({"aws:cdk:path": "S/X/Resource"}) | values,
    },
)
templates = st.fixed_dictionaries(
    {"Resources": st.dictionaries(st.sampled_from("ABCDE"), resources, max_size=4)},
    optional={
        name: st.dictionaries(st.sampled_from("AB"), values, max_size=2) | values
        for name in ("Outputs", "Parameters", "Mappings", "Conditions", "Transform")
    },
)
applications = st.dictionaries(st.sampled_from(["S", "T", "S/A"]), templates, max_size=2)
GONE = (Action.DESTROY, Action.ORPHAN)


def assembly(templates: dict[str, Any]) -> Assembly:
    return Assembly(Path("absent"), {name: stack_of(template, name) for name, template in templates.items()})


@settings(deadline=None, max_examples=60)
@given(applications, applications)
def test_any_two_applications_have_a_difference_and_its_mirror_image(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    one, other = assembly(first), assembly(second)
    same = difference(one, one)
    assert (same.changes, same.findings) == ((), ())
    there, back = difference(one, other).changes, difference(other, one).changes

    def of(changes: Any, *actions: Action) -> set[tuple[str, str]]:
        return {(change.place.stack, change.place.logical_id) for change in changes if change.action in actions}

    assert of(there, Action.ADD) == of(back, *GONE)
    assert of(there, *GONE) == of(back, Action.ADD)
    assert len(of(there, Action.MOVE)) == len(of(back, Action.MOVE))
