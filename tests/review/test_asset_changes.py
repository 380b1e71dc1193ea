"""Code that changes and nothing else: said as that, with the files that differ."""

import zipfile
from pathlib import Path
from typing import Any

from review.cloud_assembly import Assembly, Stack, stack_of
from review.difference import Difference, difference
from review.model import Action

OLD, NEW = "a" * 64, "b" * 64


def asset(folder: Path, files: dict[str, str], zipped: bool) -> Path:
    if not zipped:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return folder
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return folder.with_suffix(".zip")


def function(digest: str, **changed: Any) -> dict[str, Any]:
    code = {"S3Bucket": {"Fn::Sub": "cdk-assets-${AWS::AccountId}"}, "S3Key": f"{digest}.zip"}
    properties = {"Code": code, "Handler": "controls.sweep.handler", "Timeout": 3, **changed}
    return {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}}}


def compared(
    before: dict[str, Any], after: dict[str, Any], old: Path | None = None, new: Path | None = None
) -> Difference:
    sides = []
    for template, digest, path in ((before, OLD, old), (after, NEW, new)):
        stack = stack_of(template)
        told = Stack("Stack", stack.region, template, stack.resources, {}, {digest: path} if path else {})
        sides.append(Assembly(Path("absent"), {"Stack": told}))
    return difference(*sides)


def test_the_files_that_differ_are_named_the_handlers_own_first(tmp_path: Path) -> None:
    before = {"controls/sweep.py": "1", "controls/base.py": "1", "controls/same.py": "1", "controls/old.py": "1"}
    after = {"controls/sweep.py": "2", "controls/base.py": "2", "controls/same.py": "1", "controls/new.py": "1"}
    for zipped in (False, True):
        old, new = (asset(tmp_path / f"{name}{zipped}", files, zipped) for name, files in (("o", before), ("n", after)))
        [change] = compared(function(OLD), function(NEW), old, new).changes
        assert change.code_only and change.action is Action.UPDATE
        assert change.lines == (
            "controls/sweep.py changed", "controls/base.py changed", "controls/new.py added", "controls/old.py removed",
        )  # fmt: skip


def test_a_folder_of_one_side_and_an_archive_of_the_other_are_compared_too(tmp_path: Path) -> None:
    old = asset(tmp_path / "old", {"a.py": "1", "b.py": "1"}, zipped=False)
    new = asset(tmp_path / "new", {"a.py": "2", "b.py": "1"}, zipped=True)
    assert compared(function(OLD), function(NEW), old, new).changes[0].lines == ("a.py changed",)


def test_a_missing_asset_is_a_note_and_a_broken_one_too(tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"no archive")
    for old in (None, broken):
        found = compared(function(OLD), function(NEW), old, asset(tmp_path / "new", {"a.py": "1"}, zipped=False))
        assert found.changes[0].code_only and found.changes[0].lines == ()
        assert "were not compared" in found.notes[0]


def test_a_setting_beside_the_code_is_no_mere_code_change() -> None:
    [change] = compared(function(OLD), function(NEW, Timeout=4)).changes
    assert not change.code_only
    assert {each.name for each in change.properties} == {"Code.S3Key", "Timeout"}


def test_a_models_image_replaces_it_and_is_not_folded() -> None:
    def model(digest: str) -> dict[str, Any]:
        image = {"Fn::Sub": f"${{AWS::AccountId}}.dkr.ecr.us-east-1.${{AWS::URLSuffix}}/assets:{digest}"}
        return {
            "Resources": {"M": {"Type": "AWS::SageMaker::Model", "Properties": {"PrimaryContainer": {"Image": image}}}}
        }

    [change] = compared(model(OLD), model(NEW)).changes
    assert change.action is Action.REPLACE and not change.code_only


def test_a_layers_new_content_folds_with_the_functions_that_use_it() -> None:
    def stack(digest: str) -> dict[str, Any]:
        layer = {"Content": {"S3Bucket": "b", "S3Key": f"{digest}.zip"}}
        user = {"Type": "AWS::Lambda::Function", "Properties": {"Layers": [{"Ref": "L"}]}}
        return {"Resources": {"L": {"Type": "AWS::Lambda::LayerVersion", "Properties": layer}, "F": user}}

    assert {change.place.logical_id: change.code_only for change in compared(stack(OLD), stack(NEW)).changes} == {
        "L": True, "F": True,
    }  # fmt: skip


def test_a_functions_new_version_and_its_alias_fold_with_the_code() -> None:
    def stack(digest: str, version: str) -> dict[str, Any]:
        path = {"aws:cdk:path": "Stack/F/CurrentVersion/Resource"}
        alias = {"FunctionName": {"Ref": "F"}, "FunctionVersion": {"Fn::GetAtt": [version, "Version"]}, "Name": "live"}
        return {"Resources": function(digest)["Resources"] | {
            version: {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "F"}}, "Metadata": path},
            "Live": {"Type": "AWS::Lambda::Alias", "Properties": alias},
        }}  # fmt: skip

    found = {change.place.logical_id: change for change in compared(stack(OLD, "V1"), stack(NEW, "V2")).changes}
    assert {name: change.code_only for name, change in found.items()} == {"F": True, "V2": True, "Live": True}
    assert found["V2"].moved_from == "Stack/V1"
