"""Templates at random: nearly valid ones, odd ones, and pairs of them with a part in common."""

import json
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

IDS = ("Alpha", "Beta", "Gamma", "Delta", "Öre")
# Properties that decide over replacement, rights and cost, and some that do not.
PROPERTIES = {
    "AWS::S3::Bucket": ("BucketName", "BucketEncryption", "PublicAccessBlockConfiguration", "Tags"),
    "AWS::DynamoDB::Table": ("TableName", "KeySchema", "BillingMode"),
    "AWS::KMS::Key": ("KeyPolicy", "EnableKeyRotation"),
    "AWS::IAM::Role": (
        "RoleName",
        "AssumeRolePolicyDocument",
        "Policies",
        "ManagedPolicyArns",
        "PermissionsBoundary",
    ),
    "AWS::IAM::Policy": ("PolicyDocument", "Roles", "Users", "PolicyName"),
    "AWS::IAM::ManagedPolicy": ("PolicyDocument", "Roles", "ManagedPolicyName"),
    "AWS::IAM::RolePolicy": ("PolicyDocument", "RoleName", "PolicyName"),
    "AWS::S3::BucketPolicy": ("PolicyDocument", "Bucket"),
    "AWS::EC2::SecurityGroup": ("SecurityGroupIngress", "SecurityGroupEgress", "GroupName", "VpcId"),
    "AWS::EC2::VPCEndpoint": ("PolicyDocument", "VpcId", "ServiceName", "SubnetIds"),
    "AWS::Logs::LogGroup": ("LogGroupName", "RetentionInDays"),
    "AWS::Lambda::Function": ("FunctionName", "Code", "Role", "Environment", "MemorySize"),
    "AWS::Lambda::Url": ("AuthType", "TargetFunctionArn"),
    "AWS::Lambda::Permission": ("Principal", "Action", "FunctionName"),
    "AWS::SageMaker::Domain": ("DomainName", "AuthMode", "SubnetIds", "AppNetworkAccessType", "Tags", "KmsKeyId"),
    "AWS::SageMaker::UserProfile": ("DomainId", "UserProfileName", "Tags", "UserSettings"),
    "AWS::SageMaker::Model": ("ModelName", "PrimaryContainer", "VpcConfig", "EnableNetworkIsolation"),
    "AWS::SageMaker::EndpointConfig": ("ProductionVariants", "KmsKeyId", "EndpointConfigName"),
    "AWS::SageMaker::Endpoint": ("EndpointName", "EndpointConfigName"),
    "AWS::SageMaker::NotebookInstance": ("InstanceType", "RootAccess", "SubnetId", "VolumeSizeInGB"),
    "AWS::SageMaker::Pipeline": ("PipelineName", "PipelineDefinition", "RoleArn"),
    "AWS::SageMaker::ModelPackageGroup": ("ModelPackageGroupName", "ModelPackageGroupDescription"),
    "AWS::CloudFormation::Stack": ("TemplateURL", "Parameters"),
    "Custom::Thing": ("ServiceToken", "Value"),
    "No::Such::Type": ("Value",),
}
texts = st.text(max_size=8) | st.sampled_from(
    ["*", "a", "b", "ml.m5.large", "ml.none.huge", "Retain", "arn:aws:s3:::b/*", "${Alpha}", "${", "0.0.0.0/0", "::/0"]
)
scalars = texts | st.booleans() | st.integers(-5, 400) | st.none() | st.floats(allow_nan=False, allow_infinity=False)
references = st.one_of(
    st.sampled_from(IDS).map(lambda name: {"Ref": name}),
    st.sampled_from(IDS).map(lambda name: {"Fn::GetAtt": [name, "Arn"]}),
    st.sampled_from(IDS).map(lambda name: {"Fn::Sub": f"x-${{{name}.Arn}}-${{AWS::Region}}"}),
    st.sampled_from(IDS).map(lambda name: {"Fn::Join": ["-", ["x", {"Ref": name}]]}),
    st.just({"Ref": "AWS::NoValue"}),
)
# What CloudFormation would refuse, as someone may well write it.
broken_functions = st.one_of(
    st.tuples(st.sampled_from(["Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join", "Fn::If", "Fn::ImportValue"]), scalars).map(
        lambda each: {each[0]: each[1]}
    ),
    st.lists(scalars, max_size=3).map(lambda each: {"Fn::If": each}),
    st.lists(scalars, max_size=3).map(lambda each: {"Fn::Join": each}),
    st.lists(scalars, max_size=3).map(lambda each: {"Fn::Sub": each}),
)
values = st.recursive(
    scalars | references,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(texts, inner, max_size=3),
        st.tuples(inner, inner).map(lambda both: {"Fn::If": ["IsProd", *both]}),
    ),
    max_leaves=6,
)
odd_values = st.recursive(
    scalars | references | broken_functions,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
_lists = st.lists(
    st.sampled_from(["s3:GetObject", "s3:*", "iam:PassRole", "*", "arn:aws:s3:::b/*", "no:Such"]), min_size=1
)
statements = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]), "Action": _lists, "Resource": _lists},
    optional={
        "Principal": st.sampled_from(["*", {"AWS": "*"}, {"Service": "lambda.amazonaws.com"}]),
        "Condition": st.sampled_from(
            [{"Bool": {"aws:SecureTransport": "true"}}, {"StringEquals": {"a:b": ["c", "d"]}}]
        ),
        "Sid": texts,
    },
)
documents = st.lists(
    statements | st.tuples(statements, statements).map(lambda b: {"Fn::If": ["IsProd", *b]}), max_size=3
).map(lambda found: {"Version": "2012-10-17", "Statement": found})
_FITTING = {
    "PolicyDocument": documents,
    "AssumeRolePolicyDocument": documents,
    "KeyPolicy": documents,
    "Policies": st.lists(documents.map(lambda each: {"PolicyName": "p", "PolicyDocument": each}), max_size=2),
    **dict.fromkeys(
        ("SecurityGroupIngress", "SecurityGroupEgress"),
        st.lists(
            st.fixed_dictionaries(
                {
                    "IpProtocol": st.sampled_from(["tcp", "-1", "udp", 6]),
                    "CidrIp": st.sampled_from(["10.0.0.0/8", "10.0.0.0/16", "0.0.0.0/0", "none"]),
                },
                optional={"FromPort": st.integers(-1, 70000), "ToPort": st.integers(-1, 70000)},
            ),
            max_size=3,
        ),
    ),
    "RetentionInDays": st.sampled_from([1, 7, 365]),
    "EnableKeyRotation": st.booleans(),
    "EnableNetworkIsolation": st.booleans(),
    "RootAccess": st.sampled_from(["Enabled", "Disabled"]),
    "AppNetworkAccessType": st.sampled_from(["VpcOnly", "PublicInternetOnly"]),
    "AuthType": st.sampled_from(["NONE", "AWS_IAM"]),
    "PublicAccessBlockConfiguration": st.fixed_dictionaries({}, optional={"BlockPublicAcls": st.booleans()}),
    "Roles": st.lists(st.sampled_from([{"Ref": "Alpha"}, {"Ref": "Beta"}, "outside"]), max_size=2),
    "RoleName": st.sampled_from([{"Ref": "Alpha"}, {"Ref": "Beta"}, "outside"]),
}


def _resource(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    fitting = {name: _FITTING.get(name, values) for name in PROPERTIES[kind]}
    return st.fixed_dictionaries(
        {"Type": st.just(kind), "Properties": st.fixed_dictionaries({}, optional=fitting)},
        optional={
            "DeletionPolicy": st.sampled_from(["Retain", "Delete", "Snapshot"]),
            "Condition": st.just("IsProd"),
            "DependsOn": st.sampled_from(IDS),
        },
    )


resources = st.sampled_from(sorted(PROPERTIES)).flatmap(_resource)
_FRAME = {"Conditions": {"IsProd": {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}}}
templates = st.dictionaries(st.sampled_from(IDS), resources, max_size=4).map(lambda each: {**_FRAME, "Resources": each})
_odd_resources = st.fixed_dictionaries(
    {"Type": st.sampled_from(sorted(PROPERTIES))},
    optional={
        "Properties": st.one_of(
            odd_values,
            st.dictionaries(st.sampled_from(sorted({n for names in PROPERTIES.values() for n in names})), odd_values),
        ),
        "DeletionPolicy": odd_values,
        "Metadata": odd_values,
        "Condition": odd_values,
        "DependsOn": odd_values,
    },
)
odd_templates = st.fixed_dictionaries(
    {},
    optional={
        "Resources": st.dictionaries(
            st.sampled_from([*IDS, "Fn::ForEach::X", "Fn::Transform"]), _odd_resources | odd_values
        )
        | odd_values,
        "Outputs": odd_values,
        "Parameters": odd_values,
        "Conditions": odd_values,
        "Mappings": odd_values,
        "Transform": odd_values,
        "Rules": odd_values,
    },
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two templates, of which the second mostly keeps what the first has."""
    base = draw(templates)
    head = deepcopy(base)
    for name, other in draw(st.dictionaries(st.sampled_from(IDS), st.none() | resources, max_size=2)).items():
        if other is None:
            head["Resources"].pop(name, None)
        elif name in head["Resources"]:  # CloudFormation refuses another type under the same logical ID
            kept = head["Resources"][name]
            kept["Properties"] |= draw(_resource(kept["Type"]))["Properties"]
        else:
            head["Resources"][name] = other
    return base, head


def assembly(template: Any) -> dict[str, str]:
    """The files of an assembly with this template alone."""
    manifest = {
        "version": "55.0.0",
        "artifacts": {
            "Stack": {
                "type": "aws:cloudformation:stack",
                "environment": "aws://unknown-account/us-east-1",
                "properties": {"templateFile": "Stack.template.json"},
            }
        },
    }
    return {"manifest.json": json.dumps(manifest), "Stack.template.json": json.dumps(template)}
