"""What a change does to each resource: replaced, kept, moved, refused, and what follows from that."""

import json
from pathlib import Path
from typing import Any

import pytest

from review.cloud_assembly import Assembly, stack_of
from review.difference import Difference, difference
from review.model import Action, Change, Severity


def assembly(**templates: dict[str, Any]) -> Assembly:
    return Assembly(Path("absent"), {name: stack_of(template, name) for name, template in templates.items()})


def resources(**found: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": found}


def made(kind: str, properties: dict[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties or {}, **attributes}


def compared(before: dict[str, Any], after: dict[str, Any]) -> Difference:
    return difference(assembly(Stack=before), assembly(Stack=after))


def by_id(found: Difference) -> dict[str, Change]:
    return {change.place.logical_id: change for change in found.changes}


def rules(found: Difference) -> dict[str, Severity]:
    return {finding.rule: finding.severity for finding in found.findings}


def serving(model: str, *, named: bool = False, endpoint: str = "e") -> dict[str, Any]:
    """A model, its endpoint configuration and the endpoint."""
    name = {"EndpointConfigName": "config"} if named else {}
    variant = {"ModelName": {"Fn::GetAtt": ["Model", "ModelName"]}, "InitialInstanceCount": 1, "VariantName": "v"}
    return resources(
        Model=made("SageMaker::Model", {"PrimaryContainer": {"Image": model}}),
        Config=made("SageMaker::EndpointConfig", {"ProductionVariants": [variant], **name}),
        Endpoint=made(
            "SageMaker::Endpoint",
            {"EndpointName": endpoint, "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}},
        ),
    )


def test_the_same_twice_has_no_difference() -> None:
    assert compared(serving("a"), serving("a")) == Difference((), (), ())


def test_a_new_model_replaces_the_configuration_and_updates_the_endpoint() -> None:
    found = by_id(compared(serving("a"), serving("b")))
    assert {name: change.action for name, change in found.items()} == {
        "Model": Action.REPLACE, "Config": Action.REPLACE, "Endpoint": Action.UPDATE,
    }  # fmt: skip
    assert found["Config"].causes == ("Model",)
    assert found["Endpoint"].causes == ("Config", "Model")
    [forcing] = found["Model"].properties
    assert (forcing.name, forcing.before, forcing.after, forcing.replaces) == (
        "PrimaryContainer.Image", "a", "b", "create-only",
    )  # fmt: skip
    assert "Model is replaced" in found["Config"].properties[0].replaces


def test_a_configuration_with_a_fixed_name_collides_with_itself() -> None:
    found = compared(serving("a", named=True), serving("b", named=True))
    assert rules(found) == {"name-collision": Severity.HIGH}
    # Its name stays, so that nothing follows for the endpoint.
    assert "Endpoint" not in by_id(found)


def test_another_name_replaces_an_endpoint_without_a_collision() -> None:
    found = compared(serving("a"), serving("a", endpoint="f"))
    assert by_id(found)["Endpoint"].action is Action.REPLACE
    assert rules(found) == {"replaced": Severity.MEDIUM}


@pytest.mark.parametrize(
    ("attributes", "action", "severity"),
    [
        ({}, Action.DESTROY, Severity.HIGH),
        ({"DeletionPolicy": "Delete"}, Action.DESTROY, Severity.HIGH),
        ({"DeletionPolicy": "Snapshot"}, Action.DESTROY, Severity.HIGH),
        ({"DeletionPolicy": "Retain"}, Action.ORPHAN, Severity.MEDIUM),
        ({"DeletionPolicy": "RetainExceptOnCreate"}, Action.ORPHAN, Severity.MEDIUM),
    ],
)
def test_the_deployed_policy_decides_what_a_removal_does(
    attributes: dict[str, str], action: Action, severity: Severity
) -> None:
    topic = made("SNS::Topic")
    found = compared(
        resources(Table=made("DynamoDB::Table", {"TableName": "t"}, **attributes), Topic=topic), resources(Topic=topic)
    )
    assert by_id(found)["Table"].action is action
    assert by_id(found)["Table"].stateful
    assert list(rules(found).values()) == [severity]


def test_a_retained_old_bucket_is_not_called_lost() -> None:
    old, new = (
        resources(Data=made("S3::Bucket", {"BucketName": name}, UpdateReplacePolicy="Retain")) for name in ("a", "b")
    )
    [finding] = compared(old, new).findings
    assert finding.rule == "replaced" and "stays in the account" in finding.message


def test_a_changed_type_under_one_logical_id_is_refused() -> None:
    found = compared(resources(It=made("SNS::Topic")), resources(It=made("SQS::Queue")))
    assert by_id(found)["It"].action is Action.REPLACE
    assert "type-changed" in rules(found)


def test_where_the_sources_disagree_a_replacement_is_possible_only() -> None:
    domain = {"DomainName": "d", "AuthMode": "IAM", "VpcId": "v", "AppNetworkAccessType": "VpcOnly"}
    found = compared(
        resources(Domain=made("SageMaker::Domain", domain)),
        resources(Domain=made("SageMaker::Domain", domain | {"AppNetworkAccessType": "PublicInternetOnly"})),
    )
    assert by_id(found)["Domain"].action is Action.MAY_REPLACE
    assert by_id(found)["Domain"].properties[0].replaces.startswith("sources disagree")
    assert rules(found) == {"may-be-replaced": Severity.HIGH, "name-collision": Severity.MEDIUM}


def test_a_condition_around_a_create_only_property_makes_a_replacement_possible() -> None:
    def table(key: Any) -> dict[str, Any]:
        return resources(Key=made("SageMaker::Domain", {"KmsKeyId": key}))

    both = compared(table({"Fn::If": ["C", "a", "b"]}), table({"Fn::If": ["C", "x", "y"]}))
    one = compared(table({"Fn::If": ["C", "a", "b"]}), table({"Fn::If": ["C", "x", "b"]}))
    assert by_id(both)["Key"].action is Action.REPLACE
    assert by_id(one)["Key"].action is Action.MAY_REPLACE
    assert "condition" in by_id(one)["Key"].properties[0].replaces


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"Fn::Join": ["", ["a-", {"Ref": "P"}]]}, {"Fn::Sub": "a-${P}"}),
        ({"Fn::GetAtt": "B.Arn"}, {"Fn::GetAtt": ["B", "Arn"]}),
        ({"Ref": "P"}, {"Fn::Sub": "${P}"}),
        ({"Fn::FindInMap": ["M", "a", "b"]}, "found"),
        (7, "7"),
        (True, "true"),
        ({"Fn::Select": [1, ["x", "y"]]}, "y"),
        ({"Fn::Sub": ["${X}-z", {"X": {"Ref": "P"}}]}, {"Fn::Sub": "${P}-z"}),
    ],
)
def test_another_way_to_write_a_value_is_no_change(before: Any, after: Any) -> None:
    old, new = (
        resources(Topic=made("SNS::Topic", {"TopicName": value})) | {"Mappings": {"M": {"a": {"b": "found"}}}}
        for value in (before, after)
    )
    assert compared(old, new).changes == ()


def test_a_changed_mapping_is_a_change_of_those_who_look_into_it() -> None:
    topic = resources(Topic=made("SNS::Topic", {"TopicName": {"Fn::FindInMap": ["M", "a", "b"]}}))
    old, new = (topic | {"Mappings": {"M": {"a": {"b": value}}}} for value in ("one", "two"))
    found = compared(old, new)
    assert by_id(found)["Topic"].action is Action.REPLACE
    assert found.notes == ('Stack: mapping M {"a": {"b": "one"}} → {"a": {"b": "two"}}',)


def test_a_changed_condition_may_replace_what_it_chooses_and_what_it_makes() -> None:
    parts = resources(
        Chosen=made("SNS::Topic", {"TopicName": {"Fn::If": ["C", "a", "b"]}}),
        Made=made("SNS::Topic", {}, Condition="Of"),
        Other=made("SNS::Topic", {"DisplayName": {"Fn::If": ["D", "a", "b"]}}),
    )
    old, new = (
        parts
        | {"Conditions": {"C": {"Fn::Equals": [{"Ref": "P"}, value]}, "Of": {"Fn::Not": [{"Condition": "C"}]}, "D": {}}}
        for value in ("x", "y")
    )
    found = by_id(compared(old, new))
    assert {name: change.action for name, change in found.items()} == {
        "Chosen": Action.MAY_REPLACE, "Made": Action.MAY_REPLACE,
    }  # fmt: skip


def test_items_are_compared_by_their_names_whatever_their_order() -> None:
    def tagged(**tags: str) -> dict[str, Any]:
        return resources(T=made("SNS::Topic", {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}))

    [change] = compared(tagged(b="2", c="3"), tagged(n="0", c="3", b="4")).changes
    assert {(each.name, each.before, each.after) for each in change.properties} == {
        ("Tags[b].Value", "2", "4"),
        ("Tags[].Key", None, "n"), ("Tags[n].Value", None, "0"),
    }  # fmt: skip


def test_order_and_notes_are_no_change() -> None:
    old = resources(A=made("SNS::Topic"), B=made("SNS::Topic", DependsOn=["A"], Metadata={"x": 1}))
    new = resources(B=made("SNS::Topic", DependsOn="C", Metadata={"x": 2}), A=made("SNS::Topic"))
    assert compared(old, new) == Difference((), (), ())


def with_path(path: str, kind: str, properties: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    return made(kind, properties, Metadata={"aws:cdk:path": f"Stack/{path}/Resource"}, **attributes)


KEPT_BUCKET = {"BucketEncryption": {"A": 1}, "VersioningConfiguration": {"Status": "Enabled"}, "Tags": [{"a": "b"}]}


def test_a_renamed_construct_is_moved_and_made_anew() -> None:
    reader = {"TopicName": "t", "DisplayName": {"Ref": "Old"}}
    found = compared(
        resources(Old=with_path("Old", "S3::Bucket", KEPT_BUCKET), Topic=made("SNS::Topic", reader)),
        resources(
            New=with_path("New", "S3::Bucket", KEPT_BUCKET),
            Topic=made("SNS::Topic", reader | {"DisplayName": {"Ref": "New"}}),
        ),
    )
    change = by_id(found)["New"]
    assert (change.action, change.moved_from, set(by_id(found))) == (Action.MOVE, "Stack/Old", {"New", "Topic"})
    assert by_id(found)["Topic"].causes == ("New",)
    assert rules(found) == {"moved": Severity.HIGH}


def test_what_a_moved_resource_changes_beside_its_place_is_told() -> None:
    old = with_path("Data", "S3::Bucket", KEPT_BUCKET | {"LoggingConfiguration": {"Destination": {"Ref": "Logs"}}})
    new = with_path("Data", "S3::Bucket", {"LoggingConfiguration": {"Destination": {"Ref": "Logs"}}})
    logs = made("S3::Bucket", {"BucketName": "logs"})
    [change] = compared(resources(Old=old, Logs=logs), resources(New=new, Logs=logs)).changes
    assert change.moved_from == "Stack/Old"
    assert {each.name for each in change.properties} == {
        "BucketEncryption.A", "VersioningConfiguration.Status", "Tags[].a",
    }  # fmt: skip


def test_a_moved_resource_with_a_fixed_name_collides() -> None:
    named = KEPT_BUCKET | {"BucketName": {"Fn::Sub": "data-${AWS::AccountId}"}}
    other = made("SNS::Topic")
    found = difference(
        assembly(A=resources(Data=made("S3::Bucket", named), X=other), B=resources(X=other)),
        assembly(
            A=resources(X=other), B=resources(Bucket=made("S3::Bucket", {"BucketName": named["BucketName"]}), X=other)
        ),
    )
    assert by_id(found)["Bucket"].moved_from == "A/Data"
    assert rules(found) == {"moved": Severity.HIGH, "name-collision": Severity.HIGH}


def test_two_different_things_are_not_taken_for_one_that_moved() -> None:
    found = compared(
        resources(Old=with_path("Old", "SNS::Topic", {})), resources(New=with_path("New", "SNS::Topic", {}))
    )
    assert {change.action for change in found.changes} == {Action.ADD, Action.DESTROY}


def test_names_in_two_regions_or_domains_do_not_collide() -> None:
    profile = {"UserProfileName": "ada", "DomainId": {"Ref": "One"}}
    domains = {name: made("SageMaker::Domain", {"DomainName": name}) for name in ("One", "Two")}
    found = compared(
        resources(A=made("SageMaker::UserProfile", profile), **domains),
        resources(
            A=made("SageMaker::UserProfile", profile),
            B=made("SageMaker::UserProfile", profile | {"DomainId": {"Ref": "Two"}}),
            **domains,
        ),
    )
    assert found.findings == ()


def exporting(value: Any, *, export: bool = True, kind: str = "x") -> dict[str, Any]:
    return resources(Role=made("IAM::Role", {"Path": f"/{kind}/"})) | {
        "Outputs": {"Out": {"Value": value, "Export": {"Name": "role"}}} if export else {}
    }


IMPORTING = resources(
    Model=made("SageMaker::Model", {"ExecutionRoleArn": {"Fn::ImportValue": "role"}}),
)
ARN = {"Fn::GetAtt": ["Role", "Arn"]}


def test_a_replaced_exporter_reaches_the_importer_and_is_refused() -> None:
    found = difference(assembly(A=exporting(ARN), B=IMPORTING), assembly(A=exporting(ARN, kind="y"), B=IMPORTING))
    assert by_id(found)["Model"].action is Action.REPLACE
    assert by_id(found)["Model"].causes == ("Role",)
    assert rules(found)["export-in-use"] is Severity.HIGH


def test_a_removed_export_is_refused_while_it_is_imported() -> None:
    base = assembly(A=exporting(ARN), B=IMPORTING)
    kept = difference(base, assembly(A=exporting(ARN, export=False), B=IMPORTING))
    gone = difference(base, assembly(A=exporting(ARN, export=False), B=resources()))
    assert rules(kept)["export-in-use"] is Severity.HIGH
    assert rules(gone)["export-in-use"] is Severity.MEDIUM


def nested(role_path: str, template: str) -> Assembly:
    """A role of the parent goes into a nested stack as a parameter; its model's name comes back as an output."""
    parent = resources(
        Role=made("IAM::Role", {"Path": role_path}),
        Inner=with_path(
            "Inner.NestedStack/Inner.NestedStackResource",
            "CloudFormation::Stack",
            {"TemplateURL": f"https://x/{template}.json", "Parameters": {"Role": ARN}},
        ),
        Config=made(
            "SageMaker::EndpointConfig",
            {"ProductionVariants": [{"ModelName": {"Fn::GetAtt": ["Inner", "Outputs.Name"]}}]},
        ),
    )
    child = resources(Model=made("SageMaker::Model", {"ExecutionRoleArn": {"Ref": "Role"}})) | {
        "Parameters": {"Role": {"Type": "String"}},
        "Outputs": {"Name": {"Value": {"Fn::GetAtt": ["Model", "ModelName"]}}},
    }
    return Assembly(Path("absent"), {"Stack": stack_of(parent), "Stack/Inner": stack_of(child, "Stack/Inner")})


def test_a_replacement_goes_into_a_nested_stack_and_out_again() -> None:
    found = by_id(difference(nested("/a/", "0" * 64), nested("/b/", "1" * 64)))
    assert {name: change.action for name, change in found.items()} == {
        "Role": Action.REPLACE, "Model": Action.REPLACE, "Config": Action.REPLACE,
    }  # fmt: skip
    assert found["Config"].causes == ("Model", "Role")


def test_a_nested_stacks_new_template_is_no_change_by_itself() -> None:
    assert difference(nested("/a/", "0" * 64), nested("/a/", "1" * 64)) == Difference((), (), ())


def test_a_stack_that_leaves_the_application_is_not_destroyed() -> None:
    bucket = resources(Data=made("S3::Bucket"), Topic=made("SNS::Topic", {"DisplayName": "d"}))
    found = difference(assembly(A=bucket, B=IMPORTING), assembly(B=IMPORTING))
    assert {change.action for change in found.changes} == {Action.ORPHAN}
    assert rules(found) == {"orphaned": Severity.MEDIUM}
    assert "leaves the application" in found.notes[0]


def test_a_renamed_stack_is_made_anew_and_said_once() -> None:
    stack = resources(Data=made("S3::Bucket"), More=made("S3::Bucket", {"BucketName": {"Ref": "P"}}))
    found = difference(assembly(Old=stack), assembly(New=stack))
    assert {(change.action, change.moved_from) for change in found.changes} == {
        (Action.MOVE, "Old/Data"), (Action.MOVE, "Old/More"),
    }  # fmt: skip
    assert [finding.rule for finding in found.findings if finding.rule != "name-collision"] == ["moved"]


def test_state_comes_first_then_the_gravest_whatever_the_order_of_the_template() -> None:
    old = resources(
        T=made("SNS::Topic", {"DisplayName": "a"}), B=made("S3::Bucket"), R=made("IAM::Role", {"Path": "/a/"}),
        K=made("KMS::Key", {"Description": "a"}),
    )  # fmt: skip
    new = resources(
        K=made("KMS::Key", {"Description": "b"}), T=made("SNS::Topic", {"DisplayName": "b"}),
        R=made("IAM::Role", {"Path": "/b/"}), N=made("SNS::Topic", {"DisplayName": "n"}),
    )  # fmt: skip
    turned = ({"Resources": dict(reversed(side["Resources"].items()))} for side in (old, new))
    found = compared(old, new)
    assert [change.place.logical_id for change in found.changes] == ["B", "K", "R", "T", "N"]
    assert compared(*turned) == found


def test_a_hidden_parameters_default_is_masked() -> None:
    def stack(default: str) -> dict[str, Any]:
        return resources() | {"Parameters": {"Word": {"Type": "String", "NoEcho": True, "Default": default}}}

    [note] = compared(stack("hunter2"), stack("hunter3")).notes
    assert "hunter" not in note and "parameter Word" in note


def joined(text: str) -> dict[str, Any]:
    return {"Fn::Join": ["", [text, {"Ref": "P"}]]}


PAIR = [{"Name": "DB_PASSWORD", "Value": "SECRET"}]
STEP = {"Name": "A", "Arguments": {"Environment": {"HF_TOKEN": "SECRET"}, "More": PAIR}}
STATES = json.dumps({"States": {"A": {"Parameters": {"ApiKey": "SECRET"}}}})


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("SSM::Parameter", {"Name": "/db/password", "Type": "String", "Value": "SECRET"}),
        ("ECS::TaskDefinition", {"ContainerDefinitions": [{"Environment": PAIR}]}),
        ("Lambda::Function", {"Environment": {"Variables": {"SLACK_TOKEN": "SECRET"}}}),
        ("Lambda::Function", {"Environment": {"Variables": {"SLACK_TOKEN": joined("SECRET")}}}),
        ("RDS::DBInstance", {"MasterUserPassword": {"Fn::If": ["C", "SECRET", "x"]}}),
        ("SecretsManager::Secret", {"SecretString": {"Fn::Sub": "SECRET-${AWS::Region}"}}),
        ("SageMaker::Pipeline", {"PipelineDefinition": {"PipelineDefinitionBody": json.dumps({"Steps": [STEP]})}}),
        ("StepFunctions::StateMachine", {"DefinitionString": STATES}),
        ("CloudFormation::Stack", {"Parameters": {"DbPassword": "SECRET"}}),
        ("CodeBuild::Project", {"Environment": {"EnvironmentVariables": PAIR}}),
    ],
)
def test_no_secret_stands_in_a_change(kind: str, properties: dict[str, Any]) -> None:
    def of(word: str) -> dict[str, Any]:
        return json.loads(json.dumps(resources(X=made(kind, properties))).replace("SECRET", word))

    other = resources(X=made(kind, {}))
    for before, after in ((of("hunter2"), of("swordfish")), (of("hunter2"), other), (other, of("swordfish"))):
        text = repr(compared(before, after))
        assert "X" in by_id(compared(before, after))
        assert "hunter2" not in text and "swordfish" not in text


def test_cdks_word_to_itself_is_no_change() -> None:
    old, new = (resources(CDKMetadata=made("CDK::Metadata", {"Analytics": value})) for value in ("a", "b"))
    assert compared(old, new) == compared(old, resources()) == Difference((), (), ())


def test_a_nested_stack_that_is_not_at_hand_is_told_by_its_template() -> None:
    old, new = (
        resources(N=made("CloudFormation::Stack", {"TemplateURL": f"https://x/{digit * 64}.json"})) for digit in "01"
    )
    [change] = compared(old, new).changes
    assert change.properties[0].name == "TemplateURL" and not change.code_only
