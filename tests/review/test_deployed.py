"""What the account has as the base, drift and Access Analyzer's word; botocore checks every request and answer."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import NoCredentialsError
from botocore.stub import ANY, Stubber

from rehearsal.embedded import EmbeddedCloud
from review.cloud_assembly import Assembly, AssemblyError, Stack, stack_of
from review.deployed import Deployed, deployed
from review.drift import drift
from review.new_access import new_access
from review.pairs import pairs
from review.yaml_template import parsed

ACCOUNT = "111122223333"
ARN = f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack/data/1"
TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "x"}}


class Account:
    """Stubbed clients, each made once; calls must come in the order in which they are told."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[Any, Stubber]] = {}
        self.regions: set[str] = set()
        self("sts", "")
        self.tells("sts", "get_caller_identity", {"Account": ACCOUNT})

    def __call__(self, service: str, region: str) -> Any:
        self.regions.add(region)
        if service not in self._made:
            client = boto3.client(service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
            stubber = Stubber(client)
            stubber.activate()
            self._made[service] = client, stubber
        return self._made[service][0]

    def tells(self, service: str, call: str, answer: dict[str, Any], asked: dict[str, Any] | None = None) -> None:
        self(service, "eu-west-1")
        self._made[service][1].add_response(call, answer, asked)

    def refuses(self, service: str, call: str, code: str, message: str = "no") -> None:
        self(service, "eu-west-1")
        self._made[service][1].add_client_error(call, code, message)

    def stack(self, template: Any, arn: str = ARN, status: str = "UPDATE_COMPLETE") -> None:
        described = {"StackName": "data", "StackId": arn, "StackStatus": status, "CreationTime": 0}
        self.tells("cloudformation", "describe_stacks", {"Stacks": [described]}, {"StackName": "data"})
        self.template(template, arn)

    def template(self, template: Any, arn: str) -> None:
        body = template if isinstance(template, str) else json.dumps(template)
        asked = {"StackName": arn, "TemplateStage": "Original"}
        self.tells("cloudformation", "get_template", {"TemplateBody": body}, asked)

    def nothing_left(self) -> None:
        for _, stubber in self._made.values():
            stubber.assert_no_pending_responses()


@pytest.fixture
def account() -> Iterator[Account]:
    made = Account()
    yield made
    made.nothing_left()


def head(resources: dict[str, Any], name: str = "Prod/Data", **more: Any) -> Assembly:
    stack = replace(stack_of({"Resources": resources}, name, "eu-west-1"), deployed_as="data", **more)
    return Assembly(Path("cdk.out"), {name: stack})


def test_a_stack_is_asked_for_as_it_was_sent_and_has_the_heads_name(account: Account) -> None:
    account.stack({"Resources": {"T": TOPIC}})
    found = deployed(head({"T": TOPIC, "U": TOPIC}), account)
    assert list(found.base.stacks["Prod/Data"].resources) == ["T"]
    assert found.ids == {"Prod/Data": ARN}
    assert found.base.notes == ()
    assert found.base.validation == {}
    assert account.regions == {"", "eu-west-1"}


def test_a_template_sent_in_yaml_is_read_too(account: Account) -> None:
    account.stack(
        "Resources:\n  T:\n    Type: AWS::SNS::Topic\n    Properties: {DisplayName: !Sub 'x-${AWS::Region}'}\n"
    )
    found = deployed(head({"T": TOPIC}), account)
    assert found.base.stacks["Prod/Data"].resources["T"].properties == {"DisplayName": {"Fn::Sub": "x-${AWS::Region}"}}


def test_yaml_is_read_as_cloudformation_does() -> None:
    text = "A: 2012-10-17\nB: !GetAtt X.Y.Z\nC: !If [a, !Ref b, !Join ['', [c]]]\nD: !Condition e"
    read = {"A": "2012-10-17", "B": {"Fn::GetAtt": ["X", "Y.Z"]}, "D": {"Condition": "e"}}
    assert parsed(text) == read | {"C": {"Fn::If": ["a", {"Ref": "b"}, {"Fn::Join": ["", ["c"]]}]}}
    for wrong in ("a: [", "a: !!python/object:x {}", "[" * 600 + "]" * 600):
        with pytest.raises(ValueError, match=r"."):
            parsed(wrong)


def test_characters_that_get_template_loses_are_the_heads(account: Account) -> None:
    def names(*values: str) -> dict[str, Any]:
        return {"T": {"Type": "AWS::SNS::Topic", "Properties": {"Tags": [{"Key": v} for v in values]}}}

    account.stack({"Resources": names("Hello?????", "a?", "b?")})
    found = deployed(head(names("Helloこんにちは", "ab", "b?")), account)
    assert found.base.stacks["Prod/Data"].resources["T"].properties["Tags"] == [
        {"Key": "Helloこんにちは"},
        {"Key": "a?"},
        {"Key": "b?"},
    ]
    assert found.base.notes == ("Prod/Data: 1 texts are compared without characters beyond ASCII",)


def test_nested_stacks_are_asked_for_by_their_own_ids(account: Account) -> None:
    metadata = {"aws:cdk:path": "Prod/Data/Net.NestedStack/Net.NestedStackResource"}
    outer = {"N": {"Type": "AWS::CloudFormation::Stack", "Metadata": metadata}}
    account.stack({"Resources": outer})
    summary = {
        "LogicalResourceId": "N",
        "PhysicalResourceId": "arn:inner",
        "ResourceType": "AWS::CloudFormation::Stack",
    }
    summary |= {"LastUpdatedTimestamp": 0, "ResourceStatus": "CREATE_COMPLETE"}
    account.tells("cloudformation", "list_stack_resources", {"StackResourceSummaries": [summary]}, {"StackName": ARN})
    account.template({"Resources": {"T": TOPIC}}, "arn:inner")
    found = deployed(head(outer), account)
    assert list(found.base.stacks) == ["Prod/Data", "Prod/Data/Net"]
    assert found.ids["Prod/Data/Net"] == "arn:inner"


def test_a_stack_that_is_not_there_is_all_new(account: Account) -> None:
    account.refuses("cloudformation", "describe_stacks", "ValidationError", "Stack with id data does not exist")
    found = deployed(head({"T": TOPIC}), account)
    assert (found.base.stacks, found.base.notes) == ({}, ())
    assert list(found.head.stacks) == ["Prod/Data"]


def test_a_stack_that_cannot_be_asked_about_is_left_out_of_both_sides(account: Account) -> None:
    account.refuses("cloudformation", "describe_stacks", "AccessDenied", "not authorized")
    found = deployed(head({"T": TOPIC}), account)
    assert (found.base.stacks, found.head.stacks) == ({}, {})
    assert "Prod/Data could not be asked about (AccessDenied: " in found.base.notes[0]


def test_a_stack_of_another_account_is_left_out(account: Account) -> None:
    found = deployed(head({"T": TOPIC}, account="999988887777"), account)
    assert found.head.stacks == {}
    assert found.base.notes == (
        f"Prod/Data is of account 999988887777, and the credentials are of {ACCOUNT}: it is left out of this review",
    )


def test_a_template_that_cannot_be_read_leaves_its_stack_out(account: Account) -> None:
    account.stack("just words")
    found = deployed(head({"T": TOPIC}), account)
    assert found.head.stacks == {}
    assert "has a deployed template that cannot be read (it is no object)" in found.base.notes[0]


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED", "UPDATE_IN_PROGRESS"])
def test_a_stack_that_may_not_take_an_update_is_noted(account: Account, status: str) -> None:
    account.stack({"Resources": {}}, status=status)
    found = deployed(head({}), account)
    assert found.base.notes == (f"Prod/Data: its status is {status}; it may not take an update",)


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"])
def test_other_statuses_are_not(account: Account, status: str) -> None:
    account.stack({"Resources": {}}, status=status)
    assert deployed(head({}), account).base.notes == ()


def test_without_credentials_it_says_what_to_do() -> None:
    def client(service: str, region: str) -> Any:
        raise NoCredentialsError

    with pytest.raises(AssemblyError, match="sign in, for example with `aws sso login`"):
        deployed(head({}), client)


def test_refused_credentials_say_so() -> None:
    account = Account()
    account._made.clear()
    account.refuses("sts", "get_caller_identity", "ExpiredToken")
    with pytest.raises(AssemblyError, match="AWS refused the credentials"):
        deployed(head({}), account)


def found_in(account: Account) -> Deployed:
    account.stack({"Resources": {"T": TOPIC, "U": TOPIC}})
    return deployed(head({"T": TOPIC, "U": TOPIC}), account)


def status(state: str, **more: Any) -> dict[str, Any]:
    return {"StackId": ARN, "StackDriftDetectionId": "d", "DetectionStatus": state, "Timestamp": 0, **more}


def drifted(logical_id: str, state: str, **more: Any) -> dict[str, Any]:
    told = {"StackId": ARN, "LogicalResourceId": logical_id, "ResourceType": "AWS::SNS::Topic", "Timestamp": 0}
    return {**told, "StackResourceDriftStatus": state, **more}


def test_drift_is_waited_for_and_told_without_values(account: Account) -> None:
    found = found_in(account)
    account.tells("cloudformation", "detect_stack_drift", {"StackDriftDetectionId": "d"}, {"StackName": ARN})
    for state in ("DETECTION_IN_PROGRESS", "DETECTION_COMPLETE"):
        asked = {"StackDriftDetectionId": "d"}
        account.tells("cloudformation", "describe_stack_drift_detection_status", status(state), asked)
    difference = {"PropertyPath": "/Policy/Statement/0/Action", "ExpectedValue": "secret-a", "ActualValue": "secret-b"}
    one = drifted("T", "MODIFIED", PropertyDifferences=[{**difference, "DifferenceType": "NOT_EQUAL"}])
    pages = [{"StackResourceDrifts": [one], "NextToken": "2"}, {"StackResourceDrifts": [drifted("U", "DELETED")]}]
    for page in pages:
        account.tells("cloudformation", "describe_stack_resource_drifts", page)
    findings, notes = drift(found, account, between_seconds=0)
    assert notes == ()
    assert [(each.rule, each.severity, each.place.logical_id) for each in findings] == [
        ("drift-modified", "medium", "T"),
        ("drift-deleted", "high", "U"),
    ]
    assert "Policy.Statement.0.Action" in findings[0].message
    assert "secret" not in f"{findings}"


def test_drift_is_not_waited_for_without_end_and_failures_are_noted(account: Account) -> None:
    found = found_in(account)
    account.tells("cloudformation", "detect_stack_drift", {"StackDriftDetectionId": "d"})
    account.tells("cloudformation", "describe_stack_drift_detection_status", status("DETECTION_IN_PROGRESS"))
    assert drift(found, account, wait_seconds=-1) == ((), ("Prod/Data: its drift was not known within -1 s",))
    account.refuses("cloudformation", "detect_stack_drift", "AccessDenied")
    assert "its drift cannot be detected (" in drift(found, account)[1][0]
    account.tells("cloudformation", "detect_stack_drift", {"StackDriftDetectionId": "d"})
    failed = status("DETECTION_FAILED", DetectionStatusReason="one of its types")
    account.tells("cloudformation", "describe_stack_drift_detection_status", failed)
    account.refuses("cloudformation", "describe_stack_resource_drifts", "Throttling")
    findings, notes = drift(found, account)
    assert findings == ()
    assert "known in part (one of its types)" in notes[0]
    assert "its drift cannot be asked about" in notes[1]


def role_policy(*resources: Any, action: str = "s3:GetObject") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": list(resources)}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    policy = {"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "p", "PolicyDocument": document}}
    return {"P": policy, "B": {"Type": "AWS::S3::Bucket"}}


def changed(before: dict[str, Any], after: dict[str, Any]) -> Any:
    return pairs(head(before), head(after))


def test_access_analyzer_is_asked_about_each_changed_policy_with_arns_for_references(account: Account) -> None:
    bucket = {"Fn::Join": ["", [{"Fn::GetAtt": ["B", "Arn"]}, "/*"]]}
    key = {"Fn::Sub": "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/1"}
    reason = {"description": "New access in the statement with index: 0.", "statementIndex": 0}
    answer = {"result": "FAIL", "message": "The modified permissions grant new access.", "reasons": [reason]}

    def document(*resources: str) -> str:
        return json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": list(resources)}],
            }
        )

    expected = {
        "existingPolicyDocument": document("arn:aws:s3:::b/*"),
        "newPolicyDocument": document("arn:aws:s3:::b/*", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"),
        "policyType": "IDENTITY_POLICY",
    }
    account("sts", "").get_caller_identity()
    account.tells("accessanalyzer", "check_no_new_access", answer, expected)
    findings, notes = new_access(changed(role_policy(bucket), role_policy(bucket, key)), account, ACCOUNT)
    assert notes == ()
    assert [each.rule for each in findings] == ["access-analyzer-new-access"]
    assert "New access in the statement with index: 0." in findings[0].message


def test_unchanged_and_new_policies_are_not_asked_about_and_unknown_values_are_noted(account: Account) -> None:
    account("sts", "").get_caller_identity()
    same = role_policy("*")
    assert new_access(changed(same, same), account, ACCOUNT) == ((), ())
    assert new_access(changed({}, same), account, ACCOUNT) == ((), ())
    _, notes = new_access(changed(same, role_policy({"Fn::If": ["C", "a", "b"]})), account, ACCOUNT)
    assert "depends on Fn::If, which is known at deployment: Access Analyzer was not asked" in notes[0]
    account.tells("accessanalyzer", "check_no_new_access", {"result": "PASS", "message": "none"})
    account.refuses("accessanalyzer", "check_no_new_access", "AccessDeniedException")
    wider = role_policy("*", action="s3:*")
    assert new_access(changed(wider, same), account, ACCOUNT) == ((), ())
    assert "Access Analyzer gave no answer" in new_access(changed(same, wider), account, ACCOUNT)[1][0]


@pytest.mark.parametrize("trust", [True, False])
def test_a_roles_trust_and_inline_policies_are_of_their_kinds(account: Account, trust: bool) -> None:
    def role(action: str) -> dict[str, Any]:
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action}]}
        inline = [{"PolicyName": "p", "PolicyDocument": document}, "odd"]
        properties = {"AssumeRolePolicyDocument": document} if trust else {"Policies": inline}
        return {"R": {"Type": "AWS::IAM::Role", "Properties": properties}}

    account("sts", "").get_caller_identity()
    kind = "RESOURCE_POLICY" if trust else "IDENTITY_POLICY"
    asked = {"existingPolicyDocument": ANY, "newPolicyDocument": ANY, "policyType": kind}
    account.tells("accessanalyzer", "check_no_new_access", {"result": "PASS", "message": "none"}, asked)
    assert new_access(changed(role("a:B"), role("a:C")), account, ACCOUNT) == ((), ())


def test_stacks_without_a_name_in_cloudformation_are_not_asked_about(account: Account) -> None:
    assembly = head({})
    inner = Stack("Prod/Data/Net", "eu-west-1", {}, {})
    account.stack({"Resources": {}})
    found = deployed(replace(assembly, stacks={**assembly.stacks, "Prod/Data/Net": inner}), account)
    assert list(found.base.stacks) == ["Prod/Data"]


@pytest.mark.slow
def test_the_embedded_cloud_has_what_was_deployed_and_tells_its_drift(tmp_path: Path) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 30}}
    then = {"Resources": {"Q": queue, "T": {"Type": "AWS::SNS::Topic"}}}
    now = {"Q": {**queue, "Properties": {"VisibilityTimeout": 60}}}
    with EmbeddedCloud("eu-west-1", tmp_path) as cloud:
        cloud.start()
        cloudformation = cloud.client("cloudformation")
        cloudformation.create_stack(StackName="data", TemplateBody=json.dumps(then))
        cloudformation.get_waiter("stack_create_complete").wait(StackName="data", WaiterConfig={"Delay": 1})
        sqs = cloud.client("sqs")
        [url] = sqs.list_queues()["QueueUrls"]

        def client(service: str, region: str) -> Any:
            assert region in ("", "eu-west-1")
            return cloud.client(service)

        found = deployed(head(now), client)
        assert found.base.stacks["Prod/Data"].template == then
        assert found.base.notes == ()
        assert {pair.place.logical_id for pair in pairs(found.base, found.head) if pair.before != pair.after} == {
            "Q",
            "T",
        }
        assert drift(found, client, between_seconds=0.1) == ((), ())
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "45"})
        [finding] = drift(found, client, between_seconds=0.1)[0]
        assert (finding.place.logical_id, finding.rule) == ("Q", "drift-modified")
        assert "VisibilityTimeout" in finding.message
        absent = replace(found.head.stacks["Prod/Data"], deployed_as="absent")
        assert deployed(replace(found.head, stacks={"Prod/Data": absent}), client).base.stacks == {}
