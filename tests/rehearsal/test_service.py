"""The embedded SageMaker over HTTP: a whole workload, refusals as AWS words them, permissions that bind."""

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from rehearsal.embedded import ACCOUNT, ROOT, EmbeddedCloud

DIGITS = ROOT / "workloads" / "digits"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"


def wait_for(look: Any, states: tuple[str, ...], member: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (answer := look())[member] not in states:
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)
    return answer


@pytest.fixture(scope="session")
def trained(cloud: EmbeddedCloud, role: str, digits: dict[str, str]) -> dict[str, Any]:
    """The digits pipeline after one execution: the model packages, the execution's ARN and answer."""
    sagemaker, text = cloud.client("sagemaker"), (DIGITS / "pipeline.json").read_text()
    group = "digits-trained"  # its own: clients of other tests register in the common one
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    for name, value in (digits | {"PackageGroup": group}).items():
        text = text.replace("${" + name + "}", value)
    sagemaker.create_pipeline(PipelineName="digits", PipelineDefinition=text, RoleArn=role, ClientRequestToken="t" * 32)
    arn = sagemaker.start_pipeline_execution(PipelineName="digits")["PipelineExecutionArn"]
    answer = wait_for(
        lambda: sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn),
        ("Succeeded", "Failed"),
        "PipelineExecutionStatus",
    )
    packages = sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    return {"execution": answer, "packages": packages, "arn": arn}


@pytest.mark.slow
def test_the_pipeline_trains_on_two_instances_and_registers_one_package(
    cloud: EmbeddedCloud, trained: dict[str, Any]
) -> None:
    assert trained["execution"]["PipelineExecutionStatus"] == "Succeeded", trained["execution"].get("FailureReason")
    assert [p["ModelApprovalStatus"] for p in trained["packages"]] == ["PendingManualApproval"]
    sagemaker = cloud.client("sagemaker")
    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=trained["arn"], SortOrder="Ascending")[
        "PipelineExecutionSteps"
    ]
    assert [(s["StepName"], s["StepStatus"]) for s in steps] == [
        (n, "Succeeded") for n in ("Begin", "Preprocess", "Train", "Evaluate", "Better", "Register")
    ]
    run = trained["arn"].rsplit("/", 1)[-1]
    key = f"digits/{run}/preprocess/baseline/data.json"
    read = json.loads(cloud.client("s3").get_object(Bucket="workload", Key=key)["Body"].read())
    assert [(file["name"], file["rows"]) for file in read["files"]] == [("digits.csv", 1797)] and read["begin"] == {}
    name = steps[2]["Metadata"]["TrainingJob"]["Arn"].rsplit("/", 1)[-1]
    job = sagemaker.describe_training_job(TrainingJobName=name)
    assert job["TrainingJobStatus"] == "Completed" and job["ResourceConfig"]["InstanceCount"] == 2
    assert job["BillableTimeInSeconds"] <= job["TrainingTimeInSeconds"]
    streams = cloud.client("logs").describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs")["logStreams"]
    assert {s["logStreamName"].rsplit("-", 1)[0] for s in streams} >= {f"{name}/algo-1", f"{name}/algo-2"}


@pytest.mark.slow
def test_the_package_tells_how_its_model_came_about_and_has_a_card(
    cloud: EmbeddedCloud, trained: dict[str, Any]
) -> None:
    arn = trained["packages"][0]["ModelPackageArn"]
    package = cloud.client("sagemaker").describe_model_package(ModelPackageName=arn)
    origin = {"champion_version": "0", "manifest": "s3://workload/manifest.json"}
    assert package["CustomerMetadataProperties"].items() >= origin.items()
    assert package["MetadataProperties"]["GeneratedBy"] == trained["arn"]
    quality = package["ModelMetrics"]["ModelQuality"]["Statistics"]
    assert package["DriftCheckBaselines"]["ModelQuality"]["Statistics"] == quality
    card = package["ModelCard"]
    assert card["ModelCardStatus"] == "Draft"
    content = json.loads(card["ModelCardContent"])
    assert content["evaluation_details"][0]["datasets"] == [quality["S3Uri"]]
    model = package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    assert content["model_overview"]["model_artifact"] == [model]
    assert content["training_details"]["training_job_details"]["training_arn"].partition(":training-job/")[2] in model


@pytest.mark.parametrize(
    ("operation", "request_members", "code", "words"),
    [
        ("describe_endpoint", {"EndpointName": "none"}, "ValidationException", "Could not find endpoint"),
        ("describe_pipeline", {"PipelineName": "none"}, "ResourceNotFound", "Could not find pipeline"),
        (
            "create_endpoint",
            {"EndpointName": "a_b", "EndpointConfigName": "x"},
            "ValidationException",
            "'endpointName' failed to satisfy constraint: Member must satisfy regular",
        ),
        ("list_clusters", {}, "UnknownOperationException", "ListClusters is not emulated"),
        (
            "start_pipeline_execution",
            {"PipelineName": "digits", "PipelineParameters": [{"Name": "K", "Value": "3"}]},
            "ValidationException",
            "not declared",
        ),
    ],
)
@pytest.mark.slow
def test_refusals_carry_awss_code_and_the_members_path(
    cloud: EmbeddedCloud,
    trained: dict[str, Any],
    operation: str,
    request_members: dict[str, Any],
    code: str,
    words: str,
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(cloud.client("sagemaker"), operation)(**request_members)
    assert refused.value.response["Error"]["Code"] == code
    assert words in refused.value.response["Error"]["Message"]


def test_a_request_without_its_name_is_refused_by_the_service_too(cloud: EmbeddedCloud) -> None:
    raw: Any = boto3.client(
        "sagemaker",
        region_name=cloud.region,
        endpoint_url=cloud.url,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="rehearsal",
        config=Config(parameter_validation=False),
    )
    with pytest.raises(ClientError, match="'endpointName' failed to satisfy constraint: Member must not be null"):
        raw.describe_endpoint()


def test_a_job_on_an_image_without_a_runner_fails_with_a_reason(cloud: EmbeddedCloud, role: str) -> None:
    sagemaker = cloud.client("sagemaker")
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    sagemaker.create_processing_job(
        ProcessingJobName="none",
        RoleArn=role,
        AppSpecification={"ImageUri": "x/unknown:1", "ContainerEntrypoint": ["true"]},
        ProcessingResources={"ClusterConfig": cluster},
    )
    answer = wait_for(
        lambda: sagemaker.describe_processing_job(ProcessingJobName="none"),
        ("Completed", "Failed"),
        "ProcessingJobStatus",
    )
    assert answer["ProcessingJobStatus"] == "Failed" and "no runner for image 'x/unknown:1'" in answer["FailureReason"]


def test_stopping_a_job_ends_its_process(cloud: EmbeddedCloud, role: str) -> None:
    sagemaker = cloud.client("sagemaker")
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    application = {"ImageUri": IMAGE, "ContainerEntrypoint": ["python3", "-c", "import time; time.sleep(300)"]}
    sagemaker.create_processing_job(
        ProcessingJobName="slow",
        RoleArn=role,
        AppSpecification=application,
        ProcessingResources={"ClusterConfig": cluster},
    )
    deadline = time.monotonic() + 20
    while not _running("time.sleep(300)"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    sagemaker.stop_processing_job(ProcessingJobName="slow")
    answer = wait_for(
        lambda: sagemaker.describe_processing_job(ProcessingJobName="slow"),
        ("Completed", "Failed", "Stopped"),
        "ProcessingJobStatus",
    )
    assert answer["ProcessingJobStatus"] == "Stopped"
    assert not _running("time.sleep(300)")


@pytest.mark.slow
def test_a_job_whose_role_may_not_write_fails_with_the_refusal(
    cloud: EmbeddedCloud, make_role: Any, trained: dict[str, Any]
) -> None:
    sagemaker, reader = (
        cloud.client("sagemaker"),
        make_role("reader", [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]),
    )
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    application = {"ImageUri": IMAGE, "ContainerEntrypoint": ["touch", "/opt/ml/processing/output/x"]}
    target = {"S3Uri": "s3://workload/out", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
    sagemaker.create_processing_job(
        ProcessingJobName="unwritable",
        RoleArn=reader,
        AppSpecification=application,
        ProcessingResources={"ClusterConfig": cluster},
        ProcessingOutputConfig={"Outputs": [{"OutputName": "o", "S3Output": target}]},
    )
    answer = wait_for(
        lambda: sagemaker.describe_processing_job(ProcessingJobName="unwritable"),
        ("Completed", "Failed"),
        "ProcessingJobStatus",
    )
    assert answer["ProcessingJobStatus"] == "Failed" and "AccessDenied" in answer["FailureReason"]


def test_what_a_job_asks_for_and_is_not_emulated_is_refused_by_name(cloud: EmbeddedCloud, role: str) -> None:
    sagemaker = cloud.client("sagemaker")
    with pytest.raises(ClientError, match="S3InputMode as asked for is not emulated"):
        sagemaker.create_processing_job(
            ProcessingJobName="piped",
            RoleArn=role,
            AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["true"]},
            ProcessingResources={
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
            },
            ProcessingInputs=[
                {
                    "InputName": "i",
                    "S3Input": {
                        "S3Uri": "s3://workload/x",
                        "LocalPath": "/opt/ml/processing/i",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "Pipe",
                    },
                }
            ],
        )
    step = {"Name": "Called", "Type": "Callback", "Arguments": {}}
    with pytest.raises(ClientError, match="Step Called: type Callback"):
        sagemaker.create_pipeline(
            PipelineName="called",
            PipelineDefinition=json.dumps({"Steps": [step]}),
            RoleArn=role,
            ClientRequestToken="c" * 32,
        )


def test_a_stop_that_comes_before_the_process_is_not_lost(cloud: EmbeddedCloud, role: str) -> None:
    sagemaker = cloud.client("sagemaker")
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    application = {"ImageUri": IMAGE, "ContainerEntrypoint": ["python3", "-c", "import time; time.sleep(301)"]}
    sagemaker.create_processing_job(
        ProcessingJobName="early",
        RoleArn=role,
        AppSpecification=application,
        ProcessingResources={"ClusterConfig": cluster},
    )
    sagemaker.stop_processing_job(ProcessingJobName="early")
    look = partial(sagemaker.describe_processing_job, ProcessingJobName="early")
    assert wait_for(look, ("Completed", "Failed", "Stopped"), "ProcessingJobStatus")["ProcessingJobStatus"] == "Stopped"
    assert not _running("time.sleep(301)")


def _running(words: str) -> bool:
    commands = (path for path in Path("/proc").glob("[0-9]*/cmdline"))
    return any(words.encode() in _read(path) for path in commands)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def as_role(cloud: EmbeddedCloud, arn: str, service: str) -> Any:
    """A client under a role that the account's root has assumed."""
    given = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return boto3.client(
        service,
        region_name=cloud.region,
        endpoint_url=cloud.url,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
        config=Config(retries={"max_attempts": 0}),
    )


def test_permissions_bind_on_the_condition_key_and_the_passed_role(
    cloud: EmbeddedCloud, role: str, make_role: Any
) -> None:
    small = {"ForAllValues:StringEquals": {"sagemaker:InstanceTypes": ["ml.m5.large"]}}
    passing = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    start = {
        "Effect": "Allow",
        "Action": "sagemaker:CreateProcessingJob",
        "Resource": "arn:aws:sagemaker:*:*:processing-job/mine-*",
        "Condition": small,
    }
    pass_role = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role, "Condition": passing}
    starter = as_role(cloud, make_role("starter", [start, pass_role]), "sagemaker")
    no_pass = as_role(cloud, make_role("no-pass", [start]), "sagemaker")

    def create(client: Any, name: str, instance_type: str) -> str:
        cluster = {"InstanceCount": 1, "InstanceType": instance_type, "VolumeSizeInGB": 1}
        application = {"ImageUri": IMAGE, "ContainerEntrypoint": ["true"]}
        try:
            client.create_processing_job(
                ProcessingJobName=name,
                RoleArn=role,
                AppSpecification=application,
                ProcessingResources={"ClusterConfig": cluster},
            )
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "created"

    assert create(starter, "mine-1", "ml.m5.large") == "created"
    assert create(starter, "mine-2", "ml.p4d.24xlarge") == "AccessDeniedException"
    assert create(starter, "theirs", "ml.m5.large") == "AccessDeniedException"
    assert create(no_pass, "mine-3", "ml.m5.large") == "AccessDeniedException"


@pytest.mark.parametrize("body", [b"nonsense", b"[1]", b"\xff"])
def test_a_body_that_is_no_json_object_is_refused_as_such(cloud: EmbeddedCloud, body: bytes) -> None:
    raw = cloud.client("sagemaker")

    def replace(request: Any, **_: Any) -> None:
        request.data = body

    raw.meta.events.register("before-sign.sagemaker.ListModels", replace)
    with pytest.raises(ClientError) as refused:
        raw.list_models()
    assert refused.value.response["Error"]["Code"] == "SerializationException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_bucket_for_tls_alone_serves_a_role(cloud: EmbeddedCloud, role: str) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="tls-alone")
    everything = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::tls-alone/*"}
    plain = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    s3.put_bucket_policy(
        Bucket="tls-alone", Policy=json.dumps({"Version": "2012-10-17", "Statement": [everything | plain]})
    )
    as_role(cloud, role, "s3").put_object(Bucket="tls-alone", Key="k", Body=b"1")
