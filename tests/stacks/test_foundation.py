"""What the foundation promises: encrypted, closed, kept, and without a way out."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

ONLY_TLS = {"Bool": {"aws:SecureTransport": "false"}}


@pytest.fixture
def foundation(app_templates: Mapping[str, Template]) -> Template:
    return app_templates["foundation"]


def test_the_key_rotates_and_outlives_the_stack(foundation: Template) -> None:
    foundation.has_resource("AWS::KMS::Key", {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"})
    foundation.has_resource_properties("AWS::KMS::Key", {"EnableKeyRotation": True})
    foundation.has_resource_properties("AWS::KMS::Alias", {"AliasName": "alias/sluice-dev"})


def test_every_bucket_is_closed_versioned_kept_and_ends_what_is_old(foundation: Template) -> None:
    closed = dict.fromkeys(["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"], True)
    ending = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
    foundation.all_resources(
        "AWS::S3::Bucket",
        {
            "DeletionPolicy": "Retain",
            "Properties": Match.object_like(
                {
                    "PublicAccessBlockConfiguration": closed,
                    "VersioningConfiguration": {"Status": "Enabled"},
                    "LifecycleConfiguration": {
                        "Rules": Match.array_with(
                            [
                                Match.object_like(
                                    ending
                                    | {"NoncurrentVersionExpiration": {"NoncurrentDays": 30}, "Status": "Enabled"}
                                )
                            ]
                        )
                    },
                }
            ),
        },
    )


def test_data_and_artifacts_are_encrypted_with_the_customer_key_and_logged(foundation: Template) -> None:
    by_key = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": Match.any_value()}}
    encrypted = {"ServerSideEncryptionConfiguration": [by_key | {"BucketKeyEnabled": True}]}
    for prefix in ("data/", "artifacts/"):
        foundation.has_resource_properties(
            "AWS::S3::Bucket",
            {
                "BucketEncryption": encrypted,
                "LoggingConfiguration": {"LogFilePrefix": prefix, "DestinationBucketName": Match.any_value()},
            },
        )


@pytest.mark.parametrize("header", ["", "-aws-kms-key-id"])
def test_data_and_artifacts_refuse_what_names_another_encryption_or_key(foundation: Template, header: str) -> None:
    [key] = foundation.find_resources("AWS::KMS::Key")
    named = f"s3:x-amz-server-side-encryption{header}"
    allowed = [{"Fn::GetAtt": [key, "Arn"]}] if header else ["aws:kms", "aws:kms:dsse"]
    refusal = Match.object_like(
        {
            "Effect": "Deny",
            "Action": "s3:PutObject",
            "Principal": {"AWS": "*"},
            "Condition": {"Null": {named: "false"}, "StringNotEquals": {named: allowed}},
        }
    )
    policies = foundation.find_resources(
        "AWS::S3::BucketPolicy", {"Properties": {"PolicyDocument": {"Statement": Match.array_with([refusal])}}}
    )
    assert len(policies) == 2


def test_production_keeps_what_was_overwritten_and_who_read_it_for_a_year(synthesize: Callable[[str], Any]) -> None:
    for sample, noncurrent, logs in (("minimal", 30, 90), ("production", 365, 365)):
        buckets = synthesize(sample).templates["foundation"]["Resources"].items()
        rules = {
            name: bucket["Properties"]["LifecycleConfiguration"]["Rules"]
            for name, bucket in buckets
            if bucket["Type"] == "AWS::S3::Bucket"
        }
        assert len(rules) == 3
        assert all(each[0]["NoncurrentVersionExpiration"]["NoncurrentDays"] == noncurrent for each in rules.values())
        expiring = {
            name: rule["ExpirationInDays"] for name in rules for rule in rules[name] if "ExpirationInDays" in rule
        }
        assert {name[:17]: days for name, days in expiring.items()} == {"StorageAccessLogs": logs}


@pytest.mark.slow  # a synthesis of its own
def test_what_a_monitor_goes_by_and_finds_has_an_end_and_baselines_have_none(synthesize: Callable[[str], Any]) -> None:
    buckets = synthesize("monitored").templates["foundation"]["Resources"].values()
    rules = [
        rule
        for bucket in buckets
        if bucket["Type"] == "AWS::S3::Bucket"
        for rule in bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    ]
    found = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}
    shown = {f"tabular/monitor/{source}/": 365 for source in ("endpoint", "batch", "native")}
    assert found == {"tabular/capture/": 90, **shown}


def test_only_artifacts_become_cheaper_to_keep(foundation: Template) -> None:
    transition = {"StorageClass": "STANDARD_IA", "TransitionInDays": 90}
    rule = Match.object_like({"Transitions": [transition], "Status": "Enabled"})
    cheaper = foundation.find_resources(
        "AWS::S3::Bucket", {"Properties": {"LifecycleConfiguration": {"Rules": Match.array_with([rule])}}}
    )
    assert [bucket["Properties"]["LoggingConfiguration"]["LogFilePrefix"] for bucket in cheaper.values()] == [
        "artifacts/"
    ]


def test_copies_go_to_the_given_buckets_under_the_given_key_by_one_role(synthesize: Callable[[str], Any]) -> None:
    foundation = Template.from_json(synthesize("production").templates["foundation"])
    copied = {"Status": "Enabled", "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}}}
    for prefix, name in (("data/", "sluice-prod-data-copy"), ("artifacts/", "sluice-prod-artifacts-copy")):
        [bucket] = foundation.find_resources(
            "AWS::S3::Bucket", {"Properties": {"LoggingConfiguration": {"LogFilePrefix": prefix}}}
        ).values()
        [rule] = bucket["Properties"]["ReplicationConfiguration"]["Rules"]
        assert rule.items() >= copied.items()
        assert f":s3:::{name}" in str(rule["Destination"]["Bucket"])
        assert ":kms:us-west-2:" in str(rule["Destination"]["EncryptionConfiguration"])
    assert "ReplicationConfiguration" not in str(synthesize("team").templates["foundation"])


def test_only_what_is_written_to_the_artifacts_is_told_to_eventbridge(foundation: Template) -> None:
    told = {"Properties": {"NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}}}
    [bucket] = foundation.find_resources("AWS::S3::Bucket", told).values()
    assert bucket["Properties"]["LoggingConfiguration"]["LogFilePrefix"] == "artifacts/"


def test_every_bucket_refuses_what_does_not_come_by_tls(foundation: Template) -> None:
    refusal = Match.object_like({"Effect": "Deny", "Action": "s3:*", "Condition": ONLY_TLS})
    policies = foundation.find_resources(
        "AWS::S3::BucketPolicy",
        {"Properties": {"PolicyDocument": {"Statement": Match.array_with([refusal])}}},
    )
    assert len(policies) == len(foundation.find_resources("AWS::S3::Bucket"))


def test_the_network_leads_nowhere_but_to_aws(foundation: Template) -> None:
    for kind in ("InternetGateway", "NatGateway", "EgressOnlyInternetGateway", "Route"):
        foundation.resource_count_is(f"AWS::EC2::{kind}", 0)
    foundation.has_resource_properties("AWS::EC2::VPC", {"CidrBlock": "10.42.0.0/16"})
    for zone in ("us-east-1a", "us-east-1b"):
        foundation.has_resource_properties("AWS::EC2::Subnet", {"AvailabilityZone": zone, "MapPublicIpOnLaunch": False})
    foundation.has_resource_properties("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Gateway"})
    foundation.has_resource_properties("AWS::EC2::FlowLog", {"TrafficType": "ALL"})


def test_only_the_configured_interface_endpoints_exist(foundation: Template) -> None:
    endpoints = foundation.find_resources("AWS::EC2::VPCEndpoint", {"Properties": {"VpcEndpointType": "Interface"}})
    names = {endpoint["Properties"]["ServiceName"] for endpoint in endpoints.values()}
    assert names == {
        f"com.amazonaws.us-east-1.{name}" for name in ("sagemaker.api", "sagemaker.runtime", "logs", "sts")
    }


def test_every_endpoint_lets_only_this_account_reach_only_this_account(synthesize: Callable[[str], Any]) -> None:
    account = {"Ref": "AWS::AccountId"}
    own = {"StringEquals": {"aws:PrincipalAccount": account, "aws:ResourceAccount": account}}
    for sample, count in (("production", 5), ("minimal", 1)):
        foundation = Template.from_json(synthesize(sample).templates["foundation"])
        policies = [
            endpoint["Properties"]["PolicyDocument"]["Statement"]
            for endpoint in foundation.find_resources("AWS::EC2::VPCEndpoint").values()
        ]
        assert len(policies) == count
        others = [statement for policy in policies for statement in policy if statement.get("Condition") != own]
        assert all(statement["Effect"] == "Allow" for policy in policies for statement in policy)
        # The exception is to read, and from buckets of AWS: image layers, JumpStart.
        [exception] = others
        assert exception["Action"] == "s3:GetObject"
        assert {str(resource).rsplit(":s3:::", 1)[1].split("'")[0] for resource in exception["Resource"]} == {
            "prod-us-east-1-starport-layer-bucket/*",
            "jumpstart-cache-prod-us-east-1/*",
        }


def test_a_public_network_costs_nothing_and_lets_studio_alone_out(synthesize: Callable[[str], Any]) -> None:
    templates = {name: Template.from_json(template) for name, template in synthesize("minimal").templates.items()}
    foundation = templates["foundation"]
    for kind in ("InternetGateway", "NatGateway", "Route", "FlowLog", "EIP"):
        foundation.resource_count_is(f"AWS::EC2::{kind}", 0)
    assert not foundation.find_resources("AWS::EC2::VPCEndpoint", {"Properties": {"VpcEndpointType": "Interface"}})
    templates["studio"].has_resource_properties(
        "AWS::SageMaker::Domain", {"AppNetworkAccessType": "PublicInternetOnly", "SubnetIds": Match.any_value()}
    )
    [pipeline] = templates["training"].find_resources("AWS::SageMaker::Pipeline").values()
    assert "SubnetIds" in str(pipeline["Properties"]["PipelineDefinition"])


@pytest.mark.parametrize(("sample", "held"), [("minimal", False), ("production", True)])
def test_jobs_are_held_in_the_network_unless_it_is_public(
    synthesize: Callable[[str], Any], sample: str, held: bool
) -> None:
    foundation = Template.from_json(synthesize(sample).templates["foundation"])
    [boundary] = foundation.find_resources("AWS::IAM::ManagedPolicy").values()
    sids = {statement["Sid"] for statement in boundary["Properties"]["PolicyDocument"]["Statement"]}
    assert sids >= {"Isolation", "Traffic"}
    assert ({"Network", "NetworkMissing"} <= sids) is held
    assert held or not {"Network", "NetworkMissing"} & sids


def test_flow_logs_are_encrypted_and_kept_as_long_as_configured(synthesize: Callable[[str], Any]) -> None:
    for sample, days in (("team", 90), ("production", 365)):
        foundation = Template.from_json(synthesize(sample).templates["foundation"])
        foundation.has_resource_properties(
            "AWS::Logs::LogGroup", {"RetentionInDays": days, "KmsKeyId": Match.any_value()}
        )


def test_security_groups_hold_their_rules_inline_and_nobody_outside_may_come_in(foundation: Template) -> None:
    foundation.resource_count_is("AWS::EC2::SecurityGroupIngress", 0)
    foundation.resource_count_is("AWS::EC2::SecurityGroupEgress", 0)
    for group in foundation.find_resources("AWS::EC2::SecurityGroup").values():
        assert {rule["CidrIp"] for rule in group["Properties"]["SecurityGroupIngress"]} == {"10.42.0.0/16"}


def test_alerts_are_encrypted_with_the_customer_key(foundation: Template) -> None:
    foundation.has_resource_properties("AWS::SNS::Topic", {"KmsMasterKeyId": Match.any_value()})


def test_alarms_of_this_account_alone_may_publish_and_use_the_key_for_it(foundation: Template) -> None:
    cloudwatch = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
    }
    [topic] = foundation.find_resources("AWS::SNS::Topic")
    publish = Match.object_like(cloudwatch | {"Action": "sns:Publish", "Resource": {"Ref": topic}})
    foundation.has_resource_properties(
        "AWS::SNS::TopicPolicy",
        {"Topics": [{"Ref": topic}], "PolicyDocument": {"Statement": Match.array_with([publish])}},
    )
    use = Match.object_like(cloudwatch | {"Action": Match.array_with(["kms:Decrypt", "kms:GenerateDataKey*"])})
    foundation.has_resource_properties("AWS::KMS::Key", {"KeyPolicy": {"Statement": Match.array_with([use])}})


def test_a_given_network_is_used_and_nothing_is_added_to_it(synthesize: Callable[[str], Any]) -> None:
    templates = {name: Template.from_json(template) for name, template in synthesize("govcloud").templates.items()}
    templates["foundation"].resource_count_is("AWS::EC2::VPC", 0)
    templates["foundation"].resource_count_is("AWS::EC2::SecurityGroup", 0)
    templates["studio"].has_resource_properties(
        "AWS::SageMaker::Domain",
        {
            "VpcId": "vpc-0a1b2c3d4e5f60718",
            "SubnetIds": ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"],
            "DefaultUserSettings": Match.object_like({"SecurityGroups": ["sg-0a1b2c3d4e5f60718"]}),
        },
    )


def test_nothing_needs_a_function_of_node(synthesize: Callable[[str], Any]) -> None:
    for template in synthesize("team").templates.values():
        for resource in template["Resources"].values():
            assert "node" not in str(resource["Properties"].get("Runtime", ""))
