"""Clients that were written elsewhere drive the embedded cloud unchanged: the AWS CLI, the SageMaker SDK."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal import operations
from rehearsal.embedded import ROOT, EmbeddedCloud, RehearsalError
from tests.rehearsal.clients.run import run

pytestmark = pytest.mark.slow

SDK = """
import json
from sagemaker.core.resources import ModelPackageGroup, Pipeline
groups = [group.model_package_group_name for group in ModelPackageGroup.get_all()]
made = ModelPackageGroup.create(model_package_group_name="sdk-made")
made.refresh()
print(json.dumps({"groups": groups, "status": made.model_package_group_status}))
made.delete()
"""


@pytest.fixture(scope="module", autouse=True)
def record(cloud: EmbeddedCloud) -> Iterator[None]:
    """Leaves what the clients called for `make cloud-operations`."""
    before = cloud.control("calls")["calls"]
    yield
    operations.record(cloud, "clients", before)


def aws(cloud: EmbeddedCloud, home: Path, *arguments: str) -> Any:
    printed = run(cloud, home, str(ROOT / ".venv-clients/bin/aws"), "sagemaker", *arguments, "--output", "json")
    return json.loads(printed) if printed.strip() else None


def test_the_aws_cli_makes_lists_describes_tags_and_deletes(cloud: EmbeddedCloud, tmp_path: Path) -> None:
    made = aws(cloud, tmp_path, "create-model-package-group", "--model-package-group-name", "cli-made")
    arn = made["ModelPackageGroupArn"]
    aws(cloud, tmp_path, "add-tags", "--resource-arn", arn, "--tags", "Key=team,Value=blue")
    assert aws(cloud, tmp_path, "list-tags", "--resource-arn", arn)["Tags"] == [{"Key": "team", "Value": "blue"}]
    listed = aws(cloud, tmp_path, "list-model-package-groups", "--name-contains", "cli-")
    assert [g["ModelPackageGroupArn"] for g in listed["ModelPackageGroupSummaryList"]] == [arn]
    found = aws(cloud, tmp_path, "describe-model-package-group", "--model-package-group-name", "cli-made")
    assert found["ModelPackageGroupStatus"] == "Completed"
    aws(cloud, tmp_path, "delete-model-package-group", "--model-package-group-name", "cli-made")
    listed = aws(cloud, tmp_path, "list-model-package-groups", "--name-contains", "cli-")
    assert listed["ModelPackageGroupSummaryList"] == []


def test_the_sdks_resources_are_listed_made_and_deleted(cloud: EmbeddedCloud, tmp_path: Path) -> None:
    cloud.client("sagemaker").create_model_package_group(ModelPackageGroupName="seen-by-sdk")
    printed = run(cloud, tmp_path, str(ROOT / ".venv-sdk/bin/python"), "-c", SDK)
    told = json.loads(printed.splitlines()[-1])
    assert "seen-by-sdk" in told["groups"]
    assert told["status"] == "Completed"


def test_the_sdk_builds_creates_starts_and_awaits_the_digits_pipeline(
    cloud: EmbeddedCloud, digits: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "values.json").write_text(json.dumps(digits))
    script = str(Path(__file__).parent / "clients" / "sdk_digits.py")
    python = str(ROOT / ".venv-sdk/bin/python")
    told = json.loads(
        run(cloud, tmp_path, python, script, str(tmp_path / "values.json"), PYTHONPATH=str(ROOT)).splitlines()[-1]
    )
    assert told["status"] == "Succeeded"
    ran = ("Begin", "Preprocess", "Train", "Evaluate", "Better", "Register")
    assert told["steps"] == dict.fromkeys(ran, "Succeeded")
    assert told["executions"] == [True]
    assert told["tags"] == ["checked-by", "made-by"]  # upsert of what exists keeps the tags that it had


def test_cdk_deploys_finds_no_difference_and_destroys(tmp_path: Path) -> None:
    """On a cloud of its own: the client tests' shared one has no bootstrap stack."""
    template = {
        "Resources": {
            "Group": {
                "Type": "AWS::SageMaker::ModelPackageGroup",
                "Properties": {"ModelPackageGroupName": "cdk-made", "Tags": [{"Key": "team", "Value": "blue"}]},
            }
        }
    }
    (tmp_path / "app.py").write_text(
        "from aws_cdk import App, Stack, cloudformation_include as include\n"
        "app = App()\nstack = Stack(app, 'Small')\n"
        f"include.CfnInclude(stack, 'Template', template_file={str(tmp_path / 'template.json')!r})\napp.synth()\n"
    )
    (tmp_path / "template.json").write_text(json.dumps(template))
    app = ("--app", f"{ROOT / '.venv/bin/python'} {tmp_path / 'app.py'}", "--output", str(tmp_path / "cdk.out"))
    with EmbeddedCloud("us-east-1", tmp_path / "cloud") as own:
        own.start()
        log, groups = tmp_path / "cdk.log", own.client("sagemaker").list_model_package_groups
        own.cdk("bootstrap", log=log)
        own.cdk("deploy", "--require-approval", "never", *app, log=log)
        [made] = groups()["ModelPackageGroupSummaryList"]
        assert made["ModelPackageGroupName"] == "cdk-made"
        own.cdk("diff", "--fail", *app, log=log)
        template["Resources"]["Group"]["Properties"]["Tags"] = []
        (tmp_path / "template.json").write_text(json.dumps(template))
        with pytest.raises(RehearsalError):
            own.cdk("diff", "--fail", *app, log=log)
        own.cdk("destroy", "--force", *app, log=log)
        assert groups()["ModelPackageGroupSummaryList"] == []
