"""The control API: what it answers, and what it refuses by name."""

import dataclasses
import http.client
import json
from typing import Any

import pytest

from rehearsal.embedded import EmbeddedCloud, RehearsalError
from rehearsal.sagemaker import calls
from rehearsal.sagemaker.faults import CHECKS, Faults


def counted(cloud: EmbeddedCloud, **wanted: str) -> int:
    """How often calls were made that have all of these members."""
    return sum(call["count"] for call in cloud.control("calls")["calls"] if wanted.items() <= call.items())


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


REFUSED = [
    ("advance", {}, "seconds: missing"),
    ("advance", {"seconds": -1}, "seconds: -1 is not a number from 0"),
    ("advance", {"seconds": float("nan")}, "seconds: nan is not a number"),
    ("advance", {"seconds": 1e12}, "seconds: 1000000000000.0 is not a number from 0 to"),
    ("advance", {"seconds": "60"}, "seconds: '60' is not a number"),
    ("advance", {"seconds": True}, "seconds: True is not a number"),
    ("advance", {"seconds": 1, "minutes": 2}, "minutes: unknown; known: seconds"),
    ("session", {"role": 7}, "role: 7 is not a text"),
    ("session", {"role": "arn:aws:iam::111122223333:role/nobody"}, "ValidationException: Could not assume role"),
    ("quota", {"kind": "Sofa", "limit": 1}, "kind: 'Sofa' is not one of"),
    ("quota", {"kind": "Endpoint", "limit": -1}, "limit: -1 is not a whole number from 0 on, or null"),
    ("quota", {"kind": "Endpoint", "limit": 1.5}, "limit: 1.5 is not a whole number"),
    ("quota", {"kind": "Endpoint"}, "limit: missing"),
    ("calls", {"since": 1}, "since: unknown; known: none"),
    ("kill-function", {"name": "no-such-function"}, "there is no function 'no-such-function'"),
    ("faults", {"throttle_rate": 1.01}, "throttle_rate: 1.01 is not a number from 0 to 1"),
    ("faults", {"error_rate": "0.3"}, "error_rate: '0.3' is not a number from 0 to 1"),
    ("faults", {"latency_seconds": -0.1}, "latency_seconds: -0.1 is not a number from 0 on"),
    ("faults", {"no_capacity": ["ml.m5.large", "ml.m5.lrage"]}, "no_capacity: ['ml.m5.large', 'ml.m5.lrage'] is not"),
    ("faults", {"no_spot_capacity": "ml.m5.large"}, "no_spot_capacity: 'ml.m5.large' is not a list of instance types"),
    ("faults", {"operations": ["DescribeSofa"]}, "operations: ['DescribeSofa'] is not a list of operations"),
    ("faults", {"operations": [["ListModels"]]}, "operations: [['ListModels']] is not a list of operations"),
    ("faults", {"events_twice": 1}, "events_twice: 1 is not true or false"),
    ("faults", {"seed": -4}, "seed: -4 is not a whole number from 0 on, or null"),
    ("faults", {"reset": False}, "reset: False is not true"),
    ("faults", {"trottle_rate": 0.3}, "trottle_rate: unknown; known: error_rate, events_late_seconds"),
    ("faults", {"error_rate": 2, "events_twice": None}, "; events_twice: None is not true or false"),
]


@pytest.mark.parametrize(("control", "body", "words"), REFUSED)
def test_what_a_control_cannot_take_is_refused_with_member_value_and_what_is_allowed(
    cloud: EmbeddedCloud, control: str, body: dict[str, Any], words: str
) -> None:
    with pytest.raises(RehearsalError) as refused:
        cloud.control(control, **body)
    assert words in str(refused.value)
    assert "(HTTP 400)" in str(refused.value)


def ask(cloud: EmbeddedCloud, path: str, body: Any = None, token: str | None = None) -> tuple[int, dict[str, Any]]:
    """A request to the control API without the client of `EmbeddedCloud`."""
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=10)
    headers = {"x-sluice-token": cloud.token if token is None else token}
    connection.request("POST", f"/_rehearsal/{path}", body=body, headers=headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


@pytest.mark.parametrize("token", ["", "0" * 32])
def test_who_does_not_bear_the_token_is_refused_and_nothing_happens(cloud: EmbeddedCloud, token: str) -> None:
    before = cloud.control("advance", seconds=0)["now"]
    status, told = ask(cloud, "advance", b'{"seconds": 86400}', token)
    assert status == 403
    assert "token" in told["error"]
    assert cloud.control("advance", seconds=0)["now"] < before + 86400


def test_an_unknown_control_is_refused_with_those_that_are_known(cloud: EmbeddedCloud) -> None:
    with pytest.raises(
        RehearsalError, match=r"no control 'fualts'; there are activity, advance, bill, calls, .*\(HTTP 404\)"
    ):
        cloud.control("fualts")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"seconds": ', "the body is not JSON"),
        (b"[1]", "the body is list, not a JSON object"),
        (b"\xff\xfe\x00", "can't decode"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(cloud: EmbeddedCloud, body: bytes, words: str) -> None:
    status, told = ask(cloud, "advance", body)
    assert status == 400
    assert words in told["error"]


def test_a_body_that_comes_in_many_parts_is_read_to_its_end(cloud: EmbeddedCloud) -> None:
    parts = [b'{"seconds"', *[b" " * 65536] * 8, b": -17}"]
    status, told = ask(cloud, "advance", iter(parts))
    assert (status, told["error"][:20]) == (400, "seconds: -17 is not ")


def test_the_clock_is_moved_on_and_tells_its_time(cloud: EmbeddedCloud) -> None:
    before = cloud.control("advance", seconds=0)["now"]
    after = cloud.control("advance", seconds=3600)["now"]
    assert 3600 <= after - before < 3660
    made = cloud.client("sagemaker").create_model_package_group(ModelPackageGroupName="later")
    told = cloud.client("sagemaker").describe_model_package_group(ModelPackageGroupName=made["ModelPackageGroupArn"])
    assert told["CreationTime"].timestamp() >= after - 1


def test_faults_are_told_set_by_name_and_put_back(cloud: EmbeddedCloud) -> None:
    off = cloud.control("faults")["faults"]
    assert off["throttle_rate"] == 0
    assert off["no_capacity"] == []
    now = cloud.control("faults", no_capacity=["ml.p4d.24xlarge"], interrupt_spot_after_seconds=5)["faults"]
    assert now == off | {"no_capacity": ["ml.p4d.24xlarge"], "interrupt_spot_after_seconds": 5}
    assert cloud.control("faults", reset=True)["faults"] == off


def test_one_bad_member_leaves_every_fault_as_it_was(cloud: EmbeddedCloud) -> None:
    before = cloud.control("faults")["faults"]
    with pytest.raises(RehearsalError):
        cloud.control("faults", events_twice=True, latency_seconds=-1)
    assert cloud.control("faults")["faults"] == before


def test_every_fault_can_be_set() -> None:
    names = {member.name for member in dataclasses.fields(Faults) if not member.name.startswith("_")}
    assert names == set(CHECKS)
    Faults().set(**Faults().state())


def test_faults_of_a_block_end_with_it_even_when_it_fails(cloud: EmbeddedCloud) -> None:
    before = cloud.control("faults")["faults"]
    with cloud.faults(events_late_seconds=5):
        with pytest.raises(RuntimeError), cloud.faults(events_late_seconds=9, error_rate=0.5):
            assert cloud.control("faults")["faults"]["events_late_seconds"] == 9
            raise RuntimeError
        assert cloud.control("faults")["faults"] == before | {"events_late_seconds": 5}
    assert cloud.control("faults")["faults"] == before
