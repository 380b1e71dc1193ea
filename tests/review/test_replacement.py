"""What forces a replacement, by both sources, and where they disagree."""

from pathlib import Path

import pytest

from review.cdk_specification import DRAWN, drawn, text
from review.replacement import Force, Forcing, _files, _of_cdk, _of_schema, forcing, schema

CONFIG = "AWS::SageMaker::EndpointConfig"

# By SageMaker type: the paths where the sources do not say the same. Compared at the properties' top alone, as
# cloudformation-diff does, Cluster, CodeRepository, ComputeQuota and Device would stand here as well: their nested
# properties are create-only by both sources.
DISAGREEMENTS = {
    "AWS::SageMaker::App": {"Tags"},
    "AWS::SageMaker::AppImageConfig": {"Tags"},
    "AWS::SageMaker::Domain": {"AppNetworkAccessType", "SubnetIds", "Tags", "VpcId"},
    "AWS::SageMaker::FeatureGroup": {"OnlineStoreConfig"},
    "AWS::SageMaker::MlflowTrackingServer": {"MlflowVersion", "RoleArn"},
    "AWS::SageMaker::ModelPackage": {"ModelCard", "SourceUri"},
    "AWS::SageMaker::UserProfile": {"Tags"},
    "AWS::SageMaker::Workteam": {"MemberDefinitions/CognitoMemberDefinition/CognitoUserPool"},
}


@pytest.mark.slow
def test_the_drawn_file_is_what_the_pinned_command_line_holds() -> None:
    assert Path(DRAWN).read_text("utf-8") == text(drawn()), "type: .venv/bin/python -m review.cdk_specification"


def test_sagemakers_disagreements_are_those_known() -> None:
    found: dict[str, set[str]] = {}
    for kind in (kind for kind in _files() if kind.startswith("AWS::SageMaker::")):
        sources = [source for source in (_of_schema(kind), _of_cdk(kind)) if source]
        for path in {path for source in sources for path in source.always | source.sometimes}:
            if "disagree" in forcing(kind, path).why:
                found.setdefault(kind, set()).add("/".join(path))
    assert found == DISAGREEMENTS


@pytest.mark.parametrize(
    ("kind", "path", "force"),
    [
        (CONFIG, ("ProductionVariants", "*", "InitialInstanceCount"), Force.WILL),
        (CONFIG, ("Tags", "*", "Value"), Force.NONE),
        ("AWS::SageMaker::Endpoint", ("EndpointConfigName",), Force.NONE),
        ("AWS::SageMaker::Endpoint", ("EndpointName",), Force.WILL),
        ("AWS::SageMaker::Cluster", ("Orchestrator", "Eks", "ClusterArn"), Force.WILL),
        ("AWS::SageMaker::Device", ("Device", "DeviceName"), Force.WILL),
        ("AWS::SageMaker::Device", ("Device", "Description"), Force.NONE),
        # Nine of ten places of this type update the Domain; the tenth, RStudio's, replaces it.
        ("AWS::SageMaker::Domain", ("DefaultUserSettings", "JupyterLabAppSettings", "DefaultResourceSpec"), Force.NONE),
        (
            "AWS::SageMaker::Domain",
            ("DomainSettings", "RStudioServerProDomainSettings", "DefaultResourceSpec", "InstanceType"),
            Force.WILL,
        ),
        ("AWS::S3::Bucket", ("BucketName",), Force.WILL),
        ("AWS::DynamoDB::Table", ("KeySchema", "*", "AttributeName"), Force.MAY),
        ("AWS::Lambda::Function", ("Timeout",), Force.NONE),
        ("Custom::Anything", ("Anything",), Force.NONE),
        ("Vendor::Made::Thing", ("Anything",), Force.MAY),
    ],
)
def test_a_path_forces_what_the_sources_say(kind: str, path: tuple[str, ...], force: Force) -> None:
    assert forcing(kind, path).force is force


def test_what_cannot_be_looked_into_may_hold_a_create_only_property() -> None:
    assert forcing("AWS::SageMaker::Device", ("Device",)) == Forcing(Force.NONE)
    assert forcing("AWS::SageMaker::Device", ("Device",), opaque=True).force is Force.MAY


def test_a_type_of_nobody_is_said_to_be_unknown() -> None:
    assert forcing("Vendor::Made::Thing", ("Any",)).why == "no source knows this type"


def test_where_all_properties_are_one_intrinsic_any_may_have_changed() -> None:
    assert forcing("AWS::DynamoDB::Table", (), opaque=True).force is Force.MAY
    assert schema("Vendor::Made::Thing") == {}
