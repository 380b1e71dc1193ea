"""Events of SageMaker say what AWS documents, and arrive as they are written.

AWS, "Events that Amazon SageMaker AI sends to Amazon EventBridge"; for models and endpoint configurations, which have
no example there, the members of EventBridge's schema registry as the CDK's event patterns spell them.
"""

import re
import time
from typing import Any

import pytest

from rehearsal.embedded import ACCOUNT, EmbeddedCloud
from rehearsal.sagemaker import events

PREFIX = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
SECONDS, MILLISECONDS, ISO = 1583831889.05, 1583831889050, "2020-03-10T09:18:09Z"
VARIANT = {"VariantName": "main", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}

# The detail that AWS's examples show, and the record behind it: what Describe answers.
DOCUMENTED: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "TrainingJob",
        "SageMaker Training Job State Change",
        {
            "TrainingJobName": "kmeans-1",
            "TrainingJobArn": PREFIX + "training-job/kmeans-1",
            "TrainingJobStatus": "Failed",
            "SecondaryStatus": "Failed",
            "FailureReason": "AlgorithmError: why",
            "HyperParameters": {"k": "10"},
            "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
            "RoleArn": "arn:aws:iam::123456789012:role/SMRole",
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 3, "VolumeSizeInGB": 20},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            "EnableManagedSpotTraining": True,
            "BillableTimeInSeconds": 5,
            "CreationTime": SECONDS,
            "TrainingStartTime": SECONDS,
            "TrainingEndTime": SECONDS,
            "LastModifiedTime": SECONDS,
            "SecondaryStatusTransitions": [],
            "Tags": [{"Key": "team", "Value": "blue"}],
        },
        {
            "CreationTime": str(MILLISECONDS),
            "TrainingStartTime": str(MILLISECONDS),
            "TrainingEndTime": str(MILLISECONDS),
            "LastModifiedTime": str(MILLISECONDS),
            "Tags": {"team": "blue"},
            "EnableManagedSpotTraining": None,
            "BillableTimeInSeconds": None,
        },
    ),
    (
        "HyperParameterTuningJob",
        "SageMaker HyperParameter Tuning Job State Change",
        {
            "HyperParameterTuningJobName": "016bffd3-6d71-4d3a-9710-0a332b2",
            "HyperParameterTuningJobArn": PREFIX + "hyper-parameter-tuning-job/x",
            "TrainingJobDefinition": {
                "StaticHyperParameters": {},
                "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
                "RoleArn": "roleArn",
                "OutputDataConfig": {"S3OutputPath": "s3://b/o"},
                "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
            },
            "HyperParameterTuningJobStatus": "Completed",
            "CreationTime": SECONDS,
            "LastModifiedTime": SECONDS,
            "TrainingJobStatusCounters": {"Completed": 1, "InProgress": 0},
            "ObjectiveStatusCounters": {"Succeeded": 1, "Pending": 0, "Failed": 0},
            "HyperParameterTuningJobConfig": {"Strategy": "Random"},
            "Tags": [],
        },
        {
            "CreationTime": str(MILLISECONDS),
            "LastModifiedTime": str(MILLISECONDS),
            "HyperParameterTuningJobConfig": None,
            "Tags": {},
        },
    ),
    (
        "TransformJob",
        "SageMaker Transform Job State Change",
        {
            "TransformJobName": "myjob",
            "TransformJobArn": PREFIX + "transform-job/myjob",
            "TransformJobStatus": "Failed",
            "FailureReason": "failed why 1",
            "ModelName": "i am a beautiful model",
            "MaxConcurrentTransforms": 5,
            "MaxPayloadInMB": 10,
            "BatchStrategy": "MultiRecord",
            "Environment": {"environment1": "environment2"},
            "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/i"}}},
            "TransformOutput": {"S3OutputPath": "s3://b/o"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 3},
            "CreationTime": SECONDS,
            "TransformStartTime": SECONDS,
            "TransformEndTime": SECONDS,
        },
        {"CreationTime": ISO, "TransformStartTime": ISO, "TransformEndTime": ISO, "Tags": {}},
    ),
    (
        "Endpoint",
        "SageMaker Endpoint State Change",
        {
            "EndpointName": "MyEndpoint",
            "EndpointArn": PREFIX + "endpoint/myendpoint",
            "EndpointConfigName": "MyEndpointConfig",
            "ProductionVariants": [{"VariantName": "main", "DesiredWeight": 1.0, "DesiredInstanceCount": 1}],
            "EndpointStatus": "InService",
            "CreationTime": SECONDS,
            "LastModifiedTime": SECONDS,
        },
        {
            "EndpointStatus": "IN_SERVICE",
            "CreationTime": MILLISECONDS,
            "LastModifiedTime": MILLISECONDS,
            "Tags": {},
        },
    ),
    (
        "ModelPackage",
        "SageMaker Model Package State Change",
        {
            "ModelPackageGroupName": "versionedmp",
            "ModelPackageVersion": 2,
            "ModelPackageArn": PREFIX + "model-package/versionedmp/2",
            "CreationTime": SECONDS,
            "InferenceSpecification": {"Containers": [{"Image": "image", "ModelDataUrl": "s3://b/model.tar.gz"}]},
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            "CertifyForMarketplace": False,
            "ModelApprovalStatus": "Rejected",
            "MetadataProperties": {"GeneratedBy": PREFIX + "pipeline/p/execution/e"},
            "ModelMetrics": {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://b/e"}}},
            "LastModifiedTime": SECONDS,
            "Tags": [{"Key": "team", "Value": "blue"}],
        },
        {"CreationTime": ISO, "LastModifiedTime": ISO, "Tags": None},
    ),
]


@pytest.mark.parametrize(("noun", "detail_type", "record", "written"), DOCUMENTED, ids=[row[0] for row in DOCUMENTED])
def test_a_state_change_is_written_as_awss_example(
    noun: str, detail_type: str, record: dict[str, Any], written: dict[str, Any]
) -> None:
    """`written` is what the event writes in another way than the API, or, with None, leaves out."""
    told = events.state_change(noun, record)
    detail = {name: value for name, value in (record | written).items() if value is not None}
    assert told == (detail_type, detail, [record[f"{noun}Arn"]])


PIPELINE, EXECUTION = PREFIX + "pipeline/p", PREFIX + "pipeline/p/execution/p4jn9xou8a8s"


def test_the_event_of_an_execution_is_written_as_awss_example() -> None:
    record = {
        "PipelineArn": PIPELINE,
        "PipelineExecutionArn": EXECUTION,
        "PipelineExecutionDisplayName": "SomeDisplayName",
        "PipelineExecutionDescription": "SomeDescription",
        "StartTime": SECONDS,
        "LastModifiedTime": SECONDS + 60,
    }
    detail = {
        "pipelineExecutionDisplayName": "SomeDisplayName",
        "currentPipelineExecutionStatus": "Succeeded",
        "previousPipelineExecutionStatus": "Executing",
        "executionStartTime": ISO,
        "executionEndTime": "2020-03-10T09:19:09Z",
        "pipelineExecutionDescription": "SomeDescription",
        "pipelineArn": PIPELINE,
        "pipelineExecutionArn": EXECUTION,
    }
    told = events.execution_change(record, "Executing", "Succeeded")
    assert told == ("SageMaker Model Building Pipeline Execution Status Change", detail, [PIPELINE, EXECUTION])


def test_the_event_of_a_step_is_written_as_awss_example_with_its_failure_or_its_cache_hit() -> None:
    entry = {
        "StepName": "first",
        "StepType": "Processing",
        "StepStatus": "Succeeded",
        "StartTime": SECONDS,
        "EndTime": SECONDS + 60,
        "Metadata": {"ProcessingJob": {"Arn": PREFIX + "processing-job/x"}},
    }
    detail = {
        "metadata": {"processingJob": {"arn": PREFIX + "processing-job/x"}},
        "stepStartTime": ISO,
        "stepEndTime": "2020-03-10T09:19:09Z",
        "stepName": "first",
        "stepType": "Processing",
        "previousStepStatus": "Executing",
        "currentStepStatus": "Succeeded",
        "pipelineArn": PIPELINE,
        "pipelineExecutionArn": EXECUTION,
    }
    execution = {"PipelineArn": PIPELINE, "PipelineExecutionArn": EXECUTION}
    told = events.step_change(execution, entry, "Executing")
    assert told == ("SageMaker Model Building Pipeline Execution Step Status Change", detail, [PIPELINE, EXECUTION])
    failed = events.step_change(execution, entry | {"StepStatus": "Failed", "FailureReason": "why"}, "Executing")[1]
    assert failed["failureReason"] == "why"
    hit = events.step_change(execution, entry | {"CacheHitResult": {"SourcePipelineExecutionArn": "a"}}, "Executing")[1]
    assert "cacheHitResult" in hit


def test_an_event_arrives_with_its_envelope_and_the_clouds_time(cloud: EmbeddedCloud, bus: Any, role: str) -> None:
    url, sagemaker = bus.listen("heard", "model/heard"), cloud.client("sagemaker")
    now = cloud.control("advance", seconds=7200)["now"]
    tags = [{"Key": "team", "Value": "blue"}]
    container = {"Image": IMAGE, "ModelDataUrl": "s3://b/model.tar.gz"}
    sagemaker.create_model(ModelName="heard", ExecutionRoleArn=role, PrimaryContainer=container, Tags=tags)
    [event] = bus.received(url, 1)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", event.pop("id"))
    written = time.strptime(event.pop("time"), "%Y-%m-%dT%H:%M:%SZ")
    assert abs(time.mktime(written) - time.timezone - now) < 5
    detail = event.pop("detail")
    assert event == {
        "version": "0",
        "detail-type": "SageMaker Model State Change",
        "source": "aws.sagemaker",
        "account": ACCOUNT,
        "region": "us-east-1",
        "resources": [PREFIX + "model/heard"],
    }
    assert abs(detail.pop("CreationTime") / 1000 - now) < 5
    assert detail == {
        "ModelName": "heard",
        "ModelArn": PREFIX + "model/heard",
        "PrimaryContainer": container,
        "ExecutionRoleArn": role,
        "Tags": {"team": "blue"},
    }


def test_creation_change_and_deletion_are_told_with_awss_words(cloud: EmbeddedCloud, bus: Any, role: str) -> None:
    kinds = ("model", "endpoint-config", "endpoint", "model-package", "notebook-instance")
    urls, sagemaker = {kind: bus.listen(f"told-{kind}", f"{kind}/told") for kind in kinds}, cloud.client("sagemaker")

    def told(kind: str, count: int, status: str = "") -> list[tuple[str, str]]:
        found = bus.received(urls[kind], count)
        return [(event["detail-type"], event["detail"].get(status, "")) for event in found]

    sagemaker.create_model(ModelName="told", ExecutionRoleArn=role, PrimaryContainer={"Image": IMAGE})
    sagemaker.create_endpoint_config(EndpointConfigName="told", ProductionVariants=[VARIANT | {"ModelName": "told"}])
    sagemaker.create_endpoint(EndpointName="told", EndpointConfigName="told")
    kind = "SageMaker Endpoint State Change"  # the model has no data, so it cannot be served
    assert told("endpoint", 2, "EndpointStatus") == [(kind, "CREATING"), (kind, "FAILED")]
    sagemaker.delete_endpoint(EndpointName="told")
    assert told("endpoint", 2, "EndpointStatus") == [(kind, "DELETING"), (kind, "DELETED")]
    sagemaker.delete_endpoint_config(EndpointConfigName="told")
    assert told("endpoint-config", 2) == [("SageMaker Endpoint Config State Change", "")] * 2
    sagemaker.delete_model(ModelName="told")
    assert told("model", 2) == [("SageMaker Model State Change", "")] * 2
    sagemaker.create_model_package_group(ModelPackageGroupName="told")
    package = sagemaker.create_model_package(ModelPackageGroupName="told")["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    kind = "SageMaker Model Package State Change"
    assert told("model-package", 2, "ModelApprovalStatus") == [(kind, "PendingManualApproval"), (kind, "Approved")]
    sagemaker.create_notebook_instance(NotebookInstanceName="told", InstanceType="ml.t3.medium", RoleArn=role)
    [(kind, status), *_] = told("notebook-instance", 1, "NotebookInstanceStatus")
    assert kind == "SageMaker Notebook Instance State Change"
    assert status in ("Pending", "InService")


def test_a_jobs_events_tell_its_start_and_its_end(cloud: EmbeddedCloud, bus: Any, role: str) -> None:
    url, sagemaker = bus.listen("job", "processing-job/told", "training-job/told"), cloud.client("sagemaker")
    sagemaker.create_processing_job(
        ProcessingJobName="told",
        RoleArn=role,
        AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["true"]},
        ProcessingResources={"ClusterConfig": CLUSTER},
    )
    first, *_, last = bus.received(url, 2)
    assert first["detail-type"] == last["detail-type"] == "SageMaker Processing Job State Change"
    assert [e["detail"]["ProcessingJobStatus"] for e in (first, last)] == ["InProgress", "Completed"]
    assert last["detail"]["ProcessingEndTime"] >= last["detail"]["CreationTime"] > 1e12
    sagemaker.create_training_job(
        TrainingJobName="told",
        RoleArn=role,
        AlgorithmSpecification={"TrainingImage": "x/unknown:1", "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": "s3://b/o"},
        ResourceConfig=CLUSTER,
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    found = bus.received(url, 2)
    while found[-1]["detail"]["TrainingJobStatus"] == "InProgress":
        found += bus.received(url, 1)
    assert found[0]["detail"]["TrainingJobStatus"] == "InProgress"
    assert found[-1]["detail"]["TrainingJobStatus"] == "Failed"
    assert "x/unknown:1" in found[-1]["detail"]["FailureReason"]
    assert re.fullmatch(r"\d{13}", found[-1]["detail"]["CreationTime"])
