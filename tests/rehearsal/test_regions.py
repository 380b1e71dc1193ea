"""What is made in one region is not seen in another, and time, pace and faults are the same in all."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from rehearsal.embedded import ACCOUNT, EmbeddedCloud

IRELAND = "eu-west-1"


@pytest.fixture(scope="module")
def abroad(cloud: EmbeddedCloud) -> Callable[[str], Any]:
    def client(service: str) -> Any:
        given = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "rehearsal"}
        return boto3.client(service, region_name=IRELAND, endpoint_url=cloud.url, **given)

    return client


@pytest.fixture(scope="module")
def notebooks(cloud: EmbeddedCloud, abroad: Any, role: str) -> dict[str, str]:
    """An instance of the same name at home and abroad: its ARN by region."""
    clients = {cloud.region: cloud.client("sagemaker"), IRELAND: abroad("sagemaker")}
    asked = {"NotebookInstanceName": "regional", "InstanceType": "ml.t3.medium", "RoleArn": role}
    return {
        region: sagemaker.create_notebook_instance(**asked, Tags=[{"Key": "place", "Value": region}])[
            "NotebookInstanceArn"
        ]
        for region, sagemaker in clients.items()
    }


def test_an_arn_names_the_region_that_was_asked(notebooks: dict[str, str]) -> None:
    assert {region: arn.split(":")[3] for region, arn in notebooks.items()} == {r: r for r in notebooks}


def test_each_region_lists_and_describes_its_own(cloud: EmbeddedCloud, abroad: Any, notebooks: dict[str, str]) -> None:
    for region, sagemaker in ((cloud.region, cloud.client("sagemaker")), (IRELAND, abroad("sagemaker"))):
        listed = sagemaker.list_notebook_instances(NameContains="regional")["NotebookInstances"]
        assert [row["NotebookInstanceArn"] for row in listed] == [notebooks[region]]
        told = sagemaker.describe_notebook_instance(NotebookInstanceName="regional")
        assert told["NotebookInstanceArn"] == notebooks[region]
    only_abroad = abroad("sagemaker").create_model_package_group(ModelPackageGroupName="only-abroad")
    assert f":{IRELAND}:" in only_abroad["ModelPackageGroupArn"]
    with pytest.raises(ClientError):
        cloud.client("sagemaker").describe_model_package_group(ModelPackageGroupName="only-abroad")


def test_a_tag_is_found_in_its_region_alone(cloud: EmbeddedCloud, abroad: Any, notebooks: dict[str, str]) -> None:
    for region, tagging in (
        (cloud.region, cloud.client("resourcegroupstaggingapi")),
        (IRELAND, abroad("resourcegroupstaggingapi")),
    ):
        rows = tagging.get_resources(TagFilters=[{"Key": "place"}])["ResourceTagMappingList"]
        assert [row["ResourceARN"] for row in rows] == [notebooks[region]]


def test_the_tags_of_another_region_decide_there(
    cloud: EmbeddedCloud, make_role: Any, notebooks: dict[str, str]
) -> None:
    wanted = {"StringEquals": {"aws:ResourceTag/place": IRELAND}}
    allowed = {"Effect": "Allow", "Action": "sagemaker:StopNotebookInstance", "Resource": "*", "Condition": wanted}
    arn = make_role("stops-abroad", [allowed])
    given = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]

    def stop(region: str) -> str:
        client: Any = boto3.client(
            "sagemaker",
            region_name=region,
            endpoint_url=cloud.url,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )
        try:
            client.stop_notebook_instance(NotebookInstanceName="regional")
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "done"

    cloud.control("advance", seconds=60)  # both are in service
    assert (stop(cloud.region), stop(IRELAND)) == ("AccessDeniedException", "done")


def test_a_job_that_is_paused_abroad_waits_as_well(cloud: EmbeddedCloud, abroad: Any, role: str) -> None:
    cloud.control("jobs", paused=True)
    try:
        abroad("sagemaker").create_processing_job(
            ProcessingJobName="waits-abroad",
            RoleArn=role,
            AppSpecification={"ImageUri": "x/none:1", "ContainerEntrypoint": ["true"]},
            ProcessingResources={
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
            },
        )
        assert cloud.control("jobs", paused=True)["waiting"] == 1
    finally:
        cloud.control("jobs", paused=False)
