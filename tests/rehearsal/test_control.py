"""The control API: what it answers, and what it refuses by name."""

from collections.abc import Iterator
from typing import Any

from rehearsal.embedded import EmbeddedCloud
from rehearsal.sagemaker import calls


def counted(cloud: EmbeddedCloud, **wanted: str) -> int:
    """How often calls were made that have all of these members."""
    found: Iterator[dict[str, Any]] = iter(cloud.control("calls")["calls"])
    return sum(call["count"] for call in found if wanted.items() <= call.items())


def test_calls_are_counted_per_operation_client_and_role(cloud: EmbeddedCloud, role: str) -> None:
    root, in_role = {"agent": "Boto3", "role": ""}, {"agent": "Boto3", "role": role.rsplit("/", 1)[-1]}
    before = counted(cloud, operation="ListModels", **root), counted(cloud, operation="ListModels", **in_role)
    cloud.client("sagemaker").list_models()
    caller = cloud.as_role("sagemaker", role)
    caller.list_models()
    caller.list_models()
    after = counted(cloud, operation="ListModels", **root), counted(cloud, operation="ListModels", **in_role)
    assert after == (before[0] + 1, before[1] + 2)
    listed = cloud.control("calls")["calls"]
    assert listed == sorted(listed, key=lambda c: (c["operation"], c["agent"], c["role"]))


def test_cloudformation_is_a_client_of_its_own(cloud: EmbeddedCloud) -> None:
    before = counted(cloud, operation="CreateModelPackageGroup", agent="cloudformation")
    template = (
        '{"Resources": {"Group": {"Type": "AWS::SageMaker::ModelPackageGroup",'
        ' "Properties": {"ModelPackageGroupName": "counted"}}}}'
    )
    formation = cloud.client("cloudformation")
    formation.create_stack(StackName="counted", TemplateBody=template)
    formation.get_waiter("stack_create_complete").wait(StackName="counted", WaiterConfig={"Delay": 1})
    assert counted(cloud, operation="CreateModelPackageGroup", agent="cloudformation") == before + 1


def test_a_client_is_named_by_its_first_product_and_the_sdk_by_itself() -> None:
    assert calls.agent("aws-cli/1.44.2 md/Botocore#1.42.2 ua/2.1") == "aws-cli"
    assert calls.agent("aws-sdk-js/3.632.0 ua/2.0 os/linux#6") == "aws-sdk-js"
    assert calls.agent("Boto3/1.40 md/Botocore#1.40 lib/AWS-SageMaker-Python-SDK#3.0") == "sagemaker"
    assert calls.agent("") == "unknown"
