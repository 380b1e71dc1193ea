"""What is read of an assembly, and what is said where it cannot be read: never a stack trace."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from review.cloud_assembly import Assembly, AssemblyError, read, stack_of

BUCKET = {"Type": "AWS::S3::Bucket", "Metadata": {"aws:cdk:path": "Data/Bucket/Resource"}}
HASH = "a" * 64


def stack(template: str = "Data.template.json", **more: Any) -> dict[str, Any]:
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://111122223333/eu-west-1",
        "properties": {"templateFile": template},
    }
    return artifact | more


def written(folder: Path, files: Mapping[str, Any]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return folder


def manifest(artifacts: Any, version: Any = "55.0.0") -> dict[str, Any]:
    return {"version": version, "artifacts": artifacts}


def of(folder: Path, resources: Any, **artifact: Any) -> Assembly:
    files = {
        "manifest.json": manifest({"Data": stack(**artifact)}),
        "Data.template.json": {"Resources": resources},
    }
    return read(written(folder, files))


def test_a_stack_has_its_place_its_resources_and_its_assets(tmp_path: Path) -> None:
    assets = {
        "files": {HASH: {"source": {"path": "asset.zip"}}, "b" * 64: {"source": {"path": "gone.zip"}}},
        "dockerImages": {"c" * 64: {"source": {"directory": "image"}}, "d" * 64: {"source": {"executable": ["x"]}}},
    }
    written(tmp_path, {"asset.zip": "", "image/Dockerfile": "", "Data.assets.json": assets})
    artifacts = {
        "Data.assets": {"type": "cdk:asset-manifest", "properties": {"file": "Data.assets.json"}},
        "Data": stack(dependencies=["Data.assets"]),
    }
    files = {"manifest.json": manifest(artifacts), "Data.template.json": {"Resources": {"B1": BUCKET}}}
    assembly = read(written(tmp_path, files))
    found = assembly.stacks["Data"]
    assert (found.region, found.account, found.deployed_as) == ("eu-west-1", "111122223333", "Data")
    assert found.resources["B1"].path == "Data/Bucket"
    assert found.assets == {HASH: tmp_path / "asset.zip", "c" * 64: tmp_path / "image"}
    assert assembly.notes == (f"{tmp_path / 'gone.zip'} is missing: what changes within it is not told",)


@pytest.mark.parametrize("shown", [{"displayName": "Prod"}, {}])
def test_stages_and_nested_stacks_have_names_that_say_where_they_are(tmp_path: Path, shown: dict[str, str]) -> None:
    def nested(path: str, file: str) -> dict[str, Any]:
        metadata = {"aws:cdk:path": path, "aws:asset:path": file}
        return {"Type": "AWS::CloudFormation::Stack", "Metadata": metadata}

    inner = "Prod/Data/Net/Deep.NestedStack/Deep.NestedStackResource"
    outer = {
        "N1": nested("Prod/Data/Net.NestedStack/Net.NestedStackResource", "net.json"),
        "N2": nested("Prod/Data/Other/Net.NestedStack/Net.NestedStackResource", "deep.json"),
        "N3": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://elsewhere/x.json"}},
    }
    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "prod"} | shown}
    files = {
        "manifest.json": manifest({"assembly-Prod": stage}),
        "prod/manifest.json": manifest({"ProdData": stack(displayName="Prod/Data")}),
        "prod/Data.template.json": {"Resources": outer},
        "prod/net.json": {"Resources": {"N": nested(inner, "deep.json")}},
        "prod/deep.json": {"Resources": {"B": BUCKET}},
    }
    assembly = read(written(tmp_path, files))
    assert list(assembly.stacks) == ["Prod/Data", "Prod/Data/Net", "Prod/Data/Net/Deep", "Prod/Data/Other/Net"]
    assert len(assembly.notes) == 1
    assert assembly.notes[0].startswith("Prod/Data/N3: this nested stack's template is not in ")


def test_a_nested_template_is_found_by_its_hash_where_no_metadata_names_it(tmp_path: Path) -> None:
    url = {"Fn::Sub": f"https://s3.${{AWS::Region}}.amazonaws.com/assets/{HASH}.json"}
    artifacts = {
        "A": {"type": "cdk:asset-manifest", "properties": {"file": "a.json"}},
        "Data": stack(dependencies=["A"]),
    }
    files = {
        "manifest.json": manifest(artifacts),
        "a.json": {"files": {HASH: {"source": {"path": "inner.json"}}}},
        "Data.template.json": {
            "Resources": {"N": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}}
        },
        "inner.json": {"Resources": {"B": BUCKET}},
    }
    assert "B" in read(written(tmp_path, files)).stacks["Data/N"].resources


@pytest.mark.parametrize(("version", "where"), [("1.16.0", "metadata"), ("36.0.0", "metadata"), ("55.0.0", "file")])
def test_metadata_is_read_from_the_manifest_or_from_its_file(tmp_path: Path, version: str, where: str) -> None:
    metadata = {"/Data/Bucket/Resource": [{"type": "aws:cdk:logicalId", "data": "B1"}]}
    more = {"metadata": metadata} if where == "metadata" else {"additionalMetadataFile": "m.json"}
    files = {
        "manifest.json": manifest({"Data": stack(**more)}, version),
        "m.json": metadata,
        "Data.template.json": {"Resources": {"B1": BUCKET}},
    }
    assert read(written(tmp_path, files)).stacks["Data"].metadata == metadata


def test_loops_are_unrolled_and_what_only_the_service_knows_is_noted(tmp_path: Path) -> None:
    def topic(name: str) -> dict[str, Any]:
        return {f"T{name}": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::Sub": "x-${N}"}}}}

    inner = {"Fn::ForEach::In": ["M", ["1", "2"], {"Q&{N}${M}": {"Type": "AWS::SQS::Queue"}}]}
    template = {
        "Transform": ["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"],
        "Parameters": {"Names": {"Type": "CommaDelimitedList", "Default": "x, y"}},
        "Resources": {
            "Fn::ForEach::One": ["N", ["a-b", "c"], topic("&{N}") | inner],
            "Fn::ForEach::Two": ["N", {"Ref": "Names"}, topic("${N}")],
            "Fn::ForEach::Three": ["N", {"Fn::Split": [",", "x"]}, topic("Z${N}")],
            "Fn::ForEach::Four": ["N", ["a"]],
            "Fn::Transform": {"Name": "AWS::Include"},
            "List": ["x"],
            "Untyped": {"Properties": {}},
            "Odd": {"Type": "AWS::SNS::Topic", "Properties": ["x"], "Metadata": "x"},
        },
    }
    files = {"manifest.json": manifest({"Data": stack()}), "Data.template.json": template}
    assembly = read(written(tmp_path, files))
    found = assembly.stacks["Data"].resources
    assert list(found) == ["Tab", "Qab1", "Qab2", "Tc", "Qc1", "Qc2", "Tx", "Ty", "TZ${N}", "Odd"]
    assert found["Tab"].properties == {"TopicName": {"Fn::Sub": "x-a-b"}}
    about = ("Serverless", "Three", "Four", "Fn::Transform", "List", "Untyped", "Odd")
    assert all(any(word in note for note in assembly.notes) for word in about)
    assert len(assembly.notes) == len(about)
    assert list(stack_of(template).resources) == list(found)


def test_texts_of_any_script_are_kept_and_half_characters_can_be_written_again(tmp_path: Path) -> None:
    resource = '{"Type": "AWS::SNS::Topic", "Properties": {"D": "données 数据 \\ud83d\\ude00", "H": "\\ud83d!"}}'
    files = {
        "manifest.json": manifest({"Dàta": stack()}),
        "Data.template.json": f'{{"Resources": {{"T": {resource}}}}}',
    }
    properties = read(written(tmp_path, files)).stacks["Dàta"].resources["T"].properties
    assert properties == {"D": "données 数据 😀", "H": "?!"}


DEEP = '{"Resources":' + '{"a":' * 900 + "1" + "}" * 901


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "holds no manifest.json: name the folder"),
        ({"manifest.json": '{"version": "55'}, "manifest.json is no JSON"),
        ({"manifest.json": "[1]"}, "manifest.json holds no JSON object"),
        ({"manifest.json": {}}, "has the schema version ''"),
        ({"manifest.json": manifest({}, "100.0.0")}, "has the schema version '100.0.0'"),
        ({"manifest.json": manifest([])}, "has artifacts that are no object"),
        ({"manifest.json": manifest({"Data": stack()})}, "Data.template.json is missing: synthesize anew"),
        ({"manifest.json": manifest({"Data": stack(properties=[])})}, "does not say the templateFile of Data"),
        ({"manifest.json": manifest({"Data": stack("a\0b")})}, "synthesize anew"),
        ({"manifest.json": manifest({"Data": stack("a" * 5000)})}, "cannot be read"),
        ({"manifest.json": manifest({"Data": stack("."), "x": 1})}, "cannot be read"),
        (
            {"manifest.json": manifest({"S": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}}})},
            "holds itself",
        ),
        ({"manifest.json": manifest({"Data": stack()}), "Data.template.json": DEEP}, "nested deeper than 200 levels"),
        ({"manifest.json": manifest({"Data": stack()}), "Data.template.json": "[" * 100_000}, "Data.template.json"),
        (
            {
                "manifest.json": manifest({"A": stack(displayName="X"), "B": stack(displayName="X")}),
                "Data.template.json": {},
            },
            "holds two stacks named X",
        ),
    ],
)
def test_what_cannot_be_read_is_an_error_that_names_the_file(tmp_path: Path, files: Any, said: str) -> None:
    with pytest.raises(AssemblyError, match=r".") as raised:
        read(written(tmp_path, files))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_of_fifty_megabytes_is_not_read(tmp_path: Path) -> None:
    written(tmp_path, {"manifest.json": manifest({"Data": stack()})})
    with (tmp_path / "Data.template.json").open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(AssemblyError, match=r"Data.template.json has 50 MB, and no more than 40 MB are read"):
        read(tmp_path)


def test_brackets_in_a_text_are_no_depth(tmp_path: Path) -> None:
    code = {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"ZipFile": "[" * 4000}}}
    assert of(tmp_path, {"F": code}).stacks["Data"].resources["F"].properties["Code"]["ZipFile"] == "[" * 4000


def test_unread_metadata_and_failed_look_ups_are_noted(tmp_path: Path) -> None:
    files = {
        "manifest.json": manifest({"Data": stack(additionalMetadataFile="m.json")})
        | {"missing": [{"key": "availability-zones:account=1"}]},
        "m.json": "[",
        "Data.template.json": {},
    }
    notes = read(written(tmp_path, files)).notes
    assert "CDK looked up availability-zones:account=1 and had no answer" in notes[0]
    assert "lines of code and waivers of this stack are not known" in notes[1]


def test_the_report_of_plugins_is_read_under_its_old_name_too(tmp_path: Path) -> None:
    assembly = of(tmp_path, {})
    assert assembly.validation == {}
    written(tmp_path, {"policy-validation-report.json": {"pluginReports": []}})
    assert of(tmp_path, {}).validation == {"pluginReports": []}


ODD = st.sampled_from(
    [None, 0, "", "x", "..", [], ["x"], {}, {"x": {}}, True, 1.5, {"type": "aws:cloudformation:stack"}]
)


def altered(value: Any, at: int, odd: Any) -> tuple[Any, int]:
    """`value` with its `at`-th part replaced."""
    if at == 0:
        return odd, -1
    at -= 1
    if isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        made = {}
        for key, inner in parts:
            made[key], at = altered(inner, at, odd) if at >= 0 else (inner, at)
        return (made if isinstance(value, dict) else list(made.values())), at
    return value, at


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    file=st.sampled_from(["manifest.json", "a.json", "m.json", "Data.template.json"]), at=st.integers(0, 40), odd=ODD
)
def test_a_wrong_type_anywhere_is_an_error_or_is_read(tmp_path: Path, file: str, at: int, odd: Any) -> None:
    trace = ["__init__ (/somewhere/stacks/data.py:3)"]
    note = {"type": "aws:cdk:creationStack", "data": trace}
    nested = {"aws:cdk:path": "Data/N.NestedStack/N.NestedStackResource", "aws:asset:path": "inner.json"}
    files: dict[str, Any] = {
        "manifest.json": manifest(
            {
                "A": {"type": "cdk:asset-manifest", "properties": {"file": "a.json"}},
                "Data": stack(dependencies=["A"], additionalMetadataFile="m.json", displayName="Data"),
            }
        )
        | {"missing": [{"key": "x"}]},
        "a.json": {"files": {HASH: {"source": {"path": "inner.json"}}}, "dockerImages": {}},
        "m.json": {"/Data/B": [note, {"type": "aws:cdk:logicalId", "data": "B", "trace": trace}]},
        "Data.template.json": {
            "Transform": ["AWS::LanguageExtensions"],
            "Parameters": {"P": {"Default": "a,b"}},
            "Resources": {
                "B": BUCKET | {"Properties": {"BucketName": {"Fn::If": ["C", "a", "b"]}}},
                "N": {"Type": "AWS::CloudFormation::Stack", "Metadata": nested},
                "Fn::ForEach::L": ["P", {"Ref": "P"}, {"X${P}": BUCKET}],
            },
        },
        "inner.json": {"Resources": {}},
    }
    files[file] = altered(files[file], at, odd)[0]
    try:
        assembly = read(written(tmp_path, files))
    except AssemblyError as error:
        assert str(tmp_path) in str(error)
        return
    for found in assembly.stacks.values():
        for resource in found.resources.values():
            assert isinstance(resource.type, str)
            assert isinstance(resource.properties, dict)
