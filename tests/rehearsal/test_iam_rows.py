"""Every row of the IAM table over HTTP: the call that a policy on exactly that resource allows, and one that it denies.

The tables here are written from AWS's Service Authorization Reference, "Actions, resources, and condition keys for
Amazon SageMaker" (data of 2026-09-26), not from the code.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from rehearsal.embedded import ACCOUNT, EmbeddedCloud
from rehearsal.sagemaker import iam
from tests.rehearsal.studying import Studio

pytestmark = pytest.mark.slow

PREFIX = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:"
DENIED = "AccessDeniedException"
TAGS = [{"Key": "team", "Value": "blue"}]

SOON = {"Delay": 0.05, "MaxAttempts": 400}
CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
# What a creation cannot do without. An image without a runner: nothing is started for it.
JOB: dict[str, dict[str, Any]] = {
    "CreateProcessingJob": {
        "RoleArn": "{role}",
        "AppSpecification": {"ImageUri": "x/none:1", "ContainerEntrypoint": ["true"]},
        "ProcessingResources": {"ClusterConfig": CLUSTER},
    },
    "CreateTrainingJob": {
        "RoleArn": "{role}",
        "AlgorithmSpecification": {"TrainingImage": "x/none:1", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://none/out"},
        "ResourceConfig": CLUSTER,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    },
    "CreateAutoMLJobV2": {
        "RoleArn": "{role}",
        "AutoMLJobInputDataConfig": [
            {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://none/i"}}}
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://none/out"},
        "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": "t"}},
    },
    "CreateHyperParameterTuningJob": {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Grid",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 1},
            "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "kind", "Values": ["a"]}]},
        },
        "TrainingJobDefinition": {
            "RoleArn": "{role}",
            "AlgorithmSpecification": {
                "TrainingImage": "x/none:1",
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(.*)"}],
            },
            "OutputDataConfig": {"S3OutputPath": "s3://none/out"},
            "ResourceConfig": CLUSTER,
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        },
    },
    "CreateTransformJob": {
        "ModelName": "{n}",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://none/in"}}},
        "TransformOutput": {"S3OutputPath": "s3://none/out"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    },
}
MODEL = {"ExecutionRoleArn": "{role}", "PrimaryContainer": {"Image": "x/none:1"}}
VARIANT = {"VariantName": "v", "ModelName": "{n}", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
NOTEBOOK = {"InstanceType": "ml.t3.medium", "RoleArn": "{role}"}
PIPELINE = {"PipelineDefinition": '{"Steps": []}', "ClientRequestToken": "{n}" + "t" * 32, "RoleArn": "{role}"}
LIFECYCLE = {"StudioLifecycleConfigContent": "ZWNobw==", "StudioLifecycleConfigAppType": "JupyterLab"}
COMPONENT = {"VariantName": "v", "Specification": {"ModelName": "{n}"}, "RuntimeConfig": {"CopyCount": 1}}
HOST = {"VariantName": "v", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
APP = {"AppType": "JupyterLab", "AppName": "default"}

# Operation: the resource that the reference names, and a request. {n} is the caller's name or another one; `-new` is
# made by the test, `-old` is there to be deleted.
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "CreateModel": ("model/{n}-new", {"ModelName": "{n}-new", **MODEL}),
    "DescribeModel": ("model/{n}", {"ModelName": "{n}"}),
    "DeleteModel": ("model/{n}-old", {"ModelName": "{n}-old"}),
    "CreateEndpointConfig": (
        "endpoint-config/{n}-new",
        {"EndpointConfigName": "{n}-new", "ProductionVariants": [VARIANT]},
    ),
    "DescribeEndpointConfig": ("endpoint-config/{n}", {"EndpointConfigName": "{n}"}),
    "DeleteEndpointConfig": ("endpoint-config/{n}-old", {"EndpointConfigName": "{n}-old"}),
    "CreateEndpoint": ("endpoint/{n}-new", {"EndpointName": "{n}-new", "EndpointConfigName": "{n}"}),
    "DescribeEndpoint": ("endpoint/{n}", {"EndpointName": "{n}"}),
    "UpdateEndpoint": ("endpoint/{n}", {"EndpointName": "{n}", "EndpointConfigName": "{n}"}),
    "DeleteEndpoint": ("endpoint/{n}-old", {"EndpointName": "{n}-old"}),
    "InvokeEndpoint": ("endpoint/{n}", {"EndpointName": "{n}", "Body": "1"}),
    "InvokeEndpointAsync": ("endpoint/{n}", {"EndpointName": "{n}", "InputLocation": "s3://none/in"}),
    "InvokeEndpointWithResponseStream": ("endpoint/{n}", {"EndpointName": "{n}", "Body": "1"}),
    "CreateModelPackageGroup": ("model-package-group/{n}-new", {"ModelPackageGroupName": "{n}-new"}),
    "DescribeModelPackageGroup": ("model-package-group/{n}", {"ModelPackageGroupName": "{n}"}),
    "DeleteModelPackageGroup": ("model-package-group/{n}-old", {"ModelPackageGroupName": "{n}-old"}),
    "CreateModelPackage": ("model-package/{n}/*", {"ModelPackageGroupName": "{n}"}),
    "DescribeModelPackage": ("model-package/{n}/1", {"ModelPackageName": PREFIX + "model-package/{n}/1"}),
    "UpdateModelPackage": ("model-package/{n}/1", {"ModelPackageArn": PREFIX + "model-package/{n}/1"}),
    "DeleteModelPackage": ("model-package/{n}/2", {"ModelPackageName": PREFIX + "model-package/{n}/2"}),
    "ListModelPackages": ("model-package/{n}/*", {"ModelPackageGroupName": "{n}"}),
    "CreateTrainingJob": ("training-job/{n}-new", {"TrainingJobName": "{n}-new", **JOB["CreateTrainingJob"]}),
    "DescribeTrainingJob": ("training-job/{n}", {"TrainingJobName": "{n}"}),
    "StopTrainingJob": ("training-job/{n}", {"TrainingJobName": "{n}"}),
    "CreateHyperParameterTuningJob": (
        "hyper-parameter-tuning-job/{n}-new",
        {"HyperParameterTuningJobName": "{n}-new", **JOB["CreateHyperParameterTuningJob"]},
    ),
    "DescribeHyperParameterTuningJob": ("hyper-parameter-tuning-job/{n}", {"HyperParameterTuningJobName": "{n}"}),
    "ListTrainingJobsForHyperParameterTuningJob": (
        "hyper-parameter-tuning-job/{n}",
        {"HyperParameterTuningJobName": "{n}"},
    ),
    "StopHyperParameterTuningJob": ("hyper-parameter-tuning-job/{n}", {"HyperParameterTuningJobName": "{n}"}),
    "CreateProcessingJob": ("processing-job/{n}-new", {"ProcessingJobName": "{n}-new", **JOB["CreateProcessingJob"]}),
    "DescribeProcessingJob": ("processing-job/{n}", {"ProcessingJobName": "{n}"}),
    "StopProcessingJob": ("processing-job/{n}", {"ProcessingJobName": "{n}"}),
    "CreateAutoMLJobV2": ("automl-job/{n}-new", {"AutoMLJobName": "{n}-new", **JOB["CreateAutoMLJobV2"]}),
    "DescribeAutoMLJobV2": ("automl-job/{n}", {"AutoMLJobName": "{n}"}),
    "StopAutoMLJob": ("automl-job/{n}", {"AutoMLJobName": "{n}"}),
    "CreateTransformJob": ("transform-job/{n}-new", {"TransformJobName": "{n}-new", **JOB["CreateTransformJob"]}),
    "DescribeTransformJob": ("transform-job/{n}", {"TransformJobName": "{n}"}),
    "StopTransformJob": ("transform-job/{n}", {"TransformJobName": "{n}"}),
    "CreatePipeline": ("pipeline/{n}-new", {"PipelineName": "{n}-new", **PIPELINE}),
    "DescribePipeline": ("pipeline/{n}", {"PipelineName": "{n}"}),
    "UpdatePipeline": ("pipeline/{n}", {"PipelineName": "{n}"}),
    "DeletePipeline": ("pipeline/{n}-old", {"PipelineName": "{n}-old", "ClientRequestToken": "d" * 32}),
    "StartPipelineExecution": ("pipeline/{n}", {"PipelineName": "{n}", "ClientRequestToken": "s" * 32}),
    "ListPipelineExecutions": ("pipeline/{n}", {"PipelineName": "{n}"}),
    "DescribePipelineExecution": ("{execution}", {"PipelineExecutionArn": PREFIX + "{execution}"}),
    "ListPipelineExecutionSteps": ("{execution}", {"PipelineExecutionArn": PREFIX + "{execution}"}),
    "ListPipelineParametersForExecution": ("{execution}", {"PipelineExecutionArn": PREFIX + "{execution}"}),
    "StopPipelineExecution": (
        "{execution}",
        {"PipelineExecutionArn": PREFIX + "{execution}", "ClientRequestToken": "e" * 32},
    ),
    "CreateNotebookInstance": ("notebook-instance/{n}-new", {"NotebookInstanceName": "{n}-new", **NOTEBOOK}),
    "DescribeNotebookInstance": ("notebook-instance/{n}", {"NotebookInstanceName": "{n}"}),
    "StopNotebookInstance": ("notebook-instance/{n}", {"NotebookInstanceName": "{n}"}),
    "StartNotebookInstance": ("notebook-instance/{n}", {"NotebookInstanceName": "{n}"}),
    "DeleteNotebookInstance": ("notebook-instance/{n}-old", {"NotebookInstanceName": "{n}-old"}),
    "DescribeDomain": ("domain/{domain}", {"DomainId": "{domain}"}),
    "UpdateDomain": ("domain/{domain}", {"DomainId": "{domain}"}),
    "DeleteDomain": ("domain/{domain-old}", {"DomainId": "{domain-old}"}),
    "CreateUserProfile": ("user-profile/{domain}/new", {"DomainId": "{domain}", "UserProfileName": "new"}),
    "DescribeUserProfile": ("user-profile/{domain}/ann", {"DomainId": "{domain}", "UserProfileName": "ann"}),
    "UpdateUserProfile": ("user-profile/{domain}/ann", {"DomainId": "{domain}", "UserProfileName": "ann"}),
    "DeleteUserProfile": ("user-profile/{domain}/bob", {"DomainId": "{domain}", "UserProfileName": "bob"}),
    "CreateSpace": ("space/{domain}/new", {"DomainId": "{domain}", "SpaceName": "new"}),
    "DescribeSpace": ("space/{domain}/own", {"DomainId": "{domain}", "SpaceName": "own"}),
    "UpdateSpace": ("space/{domain}/own", {"DomainId": "{domain}", "SpaceName": "own"}),
    "DeleteSpace": ("space/{domain}/old", {"DomainId": "{domain}", "SpaceName": "old"}),
    "CreateApp": (
        "app/{domain}/own/JupyterLab/default",
        {"DomainId": "{domain}", "SpaceName": "own", **APP},
    ),
    "DescribeApp": (
        "app/{domain}/ann/JupyterLab/default",
        {"DomainId": "{domain}", "UserProfileName": "ann", **APP},
    ),
    "DeleteApp": (
        "app/{domain}/ann/JupyterLab/default",
        {"DomainId": "{domain}", "UserProfileName": "ann", **APP},
    ),
    "CreateStudioLifecycleConfig": (
        "studio-lifecycle-config/{n}-new",
        {"StudioLifecycleConfigName": "{n}-new", **LIFECYCLE},
    ),
    "DescribeStudioLifecycleConfig": ("studio-lifecycle-config/{n}", {"StudioLifecycleConfigName": "{n}"}),
    "DeleteStudioLifecycleConfig": ("studio-lifecycle-config/{n}-old", {"StudioLifecycleConfigName": "{n}-old"}),
    "CreateNotebookInstanceLifecycleConfig": (
        "notebook-instance-lifecycle-config/{n}-new",
        {"NotebookInstanceLifecycleConfigName": "{n}-new"},
    ),
    "DescribeNotebookInstanceLifecycleConfig": (
        "notebook-instance-lifecycle-config/{n}",
        {"NotebookInstanceLifecycleConfigName": "{n}"},
    ),
    "DeleteNotebookInstanceLifecycleConfig": (
        "notebook-instance-lifecycle-config/{n}-old",
        {"NotebookInstanceLifecycleConfigName": "{n}-old"},
    ),
    "CreateImage": ("image/{n}-new", {"ImageName": "{n}-new", "RoleArn": "{role}"}),
    "DescribeImage": ("image/{n}", {"ImageName": "{n}"}),
    "DeleteImage": ("image/{n}-old", {"ImageName": "{n}-old"}),
    "CreateMonitoringSchedule": (
        "monitoring-schedule/{n}-new",
        {"MonitoringScheduleName": "{n}-new", "MonitoringScheduleConfig": {}},
    ),
    "DescribeMonitoringSchedule": ("monitoring-schedule/{n}", {"MonitoringScheduleName": "{n}"}),
    "DeleteMonitoringSchedule": ("monitoring-schedule/{n}-old", {"MonitoringScheduleName": "{n}-old"}),
    "CreateMlflowTrackingServer": (
        "mlflow-tracking-server/{n}-new",
        {"TrackingServerName": "{n}-new", "ArtifactStoreUri": "s3://none/mlflow", "RoleArn": "{role}"},
    ),
    "DescribeMlflowTrackingServer": ("mlflow-tracking-server/{n}", {"TrackingServerName": "{n}"}),
    "StopMlflowTrackingServer": ("mlflow-tracking-server/{n}", {"TrackingServerName": "{n}"}),
    "StartMlflowTrackingServer": ("mlflow-tracking-server/{n}", {"TrackingServerName": "{n}"}),
    "DeleteMlflowTrackingServer": ("mlflow-tracking-server/{n}-old", {"TrackingServerName": "{n}-old"}),
    "CreateInferenceComponent": (
        "inference-component/{n}-new",
        {"InferenceComponentName": "{n}-new", "EndpointName": "{n}-host", **COMPONENT},
    ),
    "DescribeInferenceComponent": ("inference-component/{n}", {"InferenceComponentName": "{n}"}),
    "UpdateInferenceComponentRuntimeConfig": (
        "inference-component/{n}",
        {"InferenceComponentName": "{n}", "DesiredRuntimeConfig": {"CopyCount": 0}},
    ),
    "DeleteInferenceComponent": ("inference-component/{n}-old", {"InferenceComponentName": "{n}-old"}),
    "DescribeMlflowApp": ("{app}", {"Arn": PREFIX + "{app}"}),
    "CreatePresignedMlflowAppUrl": ("{app}", {"Arn": PREFIX + "{app}"}),
    "UpdateMlflowApp": ("{app}", {"Arn": PREFIX + "{app}"}),
    "DeleteMlflowApp": ("{app}", {"Arn": PREFIX + "{app}"}),
    "AddTags": ("model/{n}", {"ResourceArn": PREFIX + "model/{n}", "Tags": TAGS}),
    "ListTags": ("model/{n}", {"ResourceArn": PREFIX + "model/{n}"}),
    "DeleteTags": ("model/{n}", {"ResourceArn": PREFIX + "model/{n}", "TagKeys": ["none"]}),
}
ALSO = {  # a second resource of the same call
    "CreateEndpoint": "endpoint-config/{n}",
    "CreateInferenceComponent": "endpoint/{n}-host",
    "UpdateEndpoint": "endpoint-config/{n}",
    "CreateModelPackage": "model-package-group/{n}",
}
# Past IAM these are refused by the service; every other call of a served operation succeeds.
REFUSED = {
    **dict.fromkeys(
        ("StopTrainingJob", "StopProcessingJob", "StopTransformJob", "StopHyperParameterTuningJob", "StopAutoMLJob"),
        "ValidationException",  # over
    ),
    "UpdateEndpoint": "ValidationException",  # the endpoint has failed
    "InvokeEndpoint": "ValidationError",  # the endpoint has failed
    "InvokeEndpointAsync": "UnknownOperationException",
    "InvokeEndpointWithResponseStream": "UnknownOperationException",
}
RUNTIME = {name for name in ROWS if name.startswith("Invoke")}
# The action has no resource level: a policy that names one grants nothing.
_LISTED = """Apps AutoMLJobs Domains EndpointConfigs Endpoints HyperParameterTuningJobs Images InferenceComponents
MlflowApps MlflowTrackingServers ModelPackageGroups Models MonitoringSchedules NotebookInstanceLifecycleConfigs
NotebookInstances Pipelines ProcessingJobs Spaces StudioLifecycleConfigs TrainingJobs TransformJobs UserProfiles"""
LISTS = [*(f"List{kind}" for kind in _LISTED.split()), "ListCandidatesForAutoMLJob"]


def code(client: Any, operation: str, members: dict[str, Any]) -> str:
    try:
        getattr(client, xform_name(operation))(**members)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"


def filled(value: Any, words: dict[str, str]) -> Any:
    text = json.dumps(value)
    for name, word in words.items():
        text = text.replace("{" + name + "}", word)
    return json.loads(text)


def allow(operation: str, *resources: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": f"sagemaker:{operation}", "Resource": [PREFIX + r for r in resources]}


@pytest.fixture(scope="module")
def owners(cloud: EmbeddedCloud, role: str) -> Iterator[dict[str, dict[str, str]]]:
    """What is there beforehand, the same for two owners; gives the words to fill into the rows of each."""
    sagemaker = cloud.client("sagemaker")
    yield {owner: _belongings(sagemaker, owner, role) for owner in ("mine", "theirs")}
    for owner in ("mine", "theirs"):
        for component in sagemaker.list_inference_components(NameContains=owner)["InferenceComponents"]:
            sagemaker.delete_inference_component(InferenceComponentName=component["InferenceComponentName"])
        cloud.control("advance", seconds=60)
        for left in sagemaker.list_endpoints(NameContains=owner)["Endpoints"]:
            sagemaker.delete_endpoint(EndpointName=left["EndpointName"])


def _belongings(sagemaker: Any, n: str, role: str) -> dict[str, str]:
    words, studio = {"n": n, "role": role}, Studio(sagemaker)
    for suffix in ("", "-old"):
        name = {"n": n + suffix, "role": role}
        sagemaker.create_model(ModelName=n + suffix, **filled(MODEL, name))
        sagemaker.create_endpoint_config(EndpointConfigName=n + suffix, ProductionVariants=[filled(VARIANT, name)])
        sagemaker.create_endpoint(EndpointName=n + suffix, EndpointConfigName=n + suffix)
        sagemaker.create_model_package_group(ModelPackageGroupName=n + suffix)
        sagemaker.create_pipeline(PipelineName=n + suffix, **filled(PIPELINE, name))
        words["domain" + suffix] = studio.domain(n + suffix, *(() if suffix else ("ann", "bob")))
    hosts = {"EndpointConfigName": f"{n}-host", "ProductionVariants": [HOST]}
    sagemaker.create_endpoint_config(**hosts, ExecutionRoleArn=role)
    sagemaker.create_endpoint(EndpointName=f"{n}-host", EndpointConfigName=f"{n}-host")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=f"{n}-host", WaiterConfig=SOON)
    for suffix in ("", "-old"):
        sagemaker.create_studio_lifecycle_config(StudioLifecycleConfigName=n + suffix, **LIFECYCLE)
        sagemaker.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=n + suffix)
        sagemaker.create_image(ImageName=n + suffix, RoleArn=role)
        sagemaker.create_monitoring_schedule(MonitoringScheduleName=n + suffix, MonitoringScheduleConfig={})
        store = {"ArtifactStoreUri": "s3://none/mlflow", "RoleArn": role}
        sagemaker.create_mlflow_tracking_server(TrackingServerName=n + suffix, **store)
        component = {"InferenceComponentName": n + suffix, "EndpointName": f"{n}-host"}
        sagemaker.create_inference_component(**component, **filled(COMPONENT, words))
    for suffix in ("", "-old", "-stopped"):
        sagemaker.create_notebook_instance(NotebookInstanceName=n + suffix, **filled(NOTEBOOK, words))
    for suffix in ("-old", "-stopped"):
        sagemaker.get_waiter("notebook_instance_in_service").wait(NotebookInstanceName=n + suffix, WaiterConfig=SOON)
        sagemaker.stop_notebook_instance(NotebookInstanceName=n + suffix)
        sagemaker.get_waiter("notebook_instance_stopped").wait(NotebookInstanceName=n + suffix, WaiterConfig=SOON)
    for _ in range(2):
        sagemaker.create_model_package(ModelPackageGroupName=n)
    for space in ("own", "old"):
        studio.space(words["domain"], space, "ann")
    studio.app(DomainId=words["domain"], UserProfileName="ann", **APP)
    sagemaker.create_transform_job(TransformJobName=n, **filled(JOB["CreateTransformJob"], words))
    sagemaker.create_auto_ml_job_v2(AutoMLJobName=n, **filled(JOB["CreateAutoMLJobV2"], words))
    sagemaker.create_training_job(TrainingJobName=n, **filled(JOB["CreateTrainingJob"], words))
    sagemaker.create_processing_job(ProcessingJobName=n, **filled(JOB["CreateProcessingJob"], words))
    tuning = {"HyperParameterTuningJobName": n}
    sagemaker.create_hyper_parameter_tuning_job(**tuning, **filled(JOB["CreateHyperParameterTuningJob"], words))
    execution = sagemaker.start_pipeline_execution(PipelineName=n)["PipelineExecutionArn"]
    _until(lambda: sagemaker.describe_training_job(TrainingJobName=n)["TrainingJobStatus"] == "Failed")
    _until(lambda: sagemaker.describe_auto_ml_job_v2(AutoMLJobName=n)["AutoMLJobStatus"] == "Failed")
    _until(lambda: sagemaker.describe_transform_job(TransformJobName=n)["TransformJobStatus"] == "Failed")
    _until(lambda: sagemaker.describe_processing_job(ProcessingJobName=n)["ProcessingJobStatus"] == "Failed")
    told = sagemaker.describe_hyper_parameter_tuning_job
    _until(lambda: told(**tuning)["HyperParameterTuningJobStatus"] == "Failed")
    for name in (n, f"{n}-old"):
        _until(lambda name=name: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Failed")
    app = sagemaker.create_mlflow_app(Name=n, ArtifactStoreUri="s3://none/mlflow", RoleArn=role)["Arn"]
    _until(lambda: sagemaker.describe_mlflow_app(Arn=app)["Status"] == "Created")
    words["app"] = app.removeprefix(PREFIX)
    asked = {"PipelineExecutionArn": execution}
    _until(lambda: sagemaker.describe_pipeline_execution(**asked)["PipelineExecutionStatus"] == "Succeeded")
    return words | {"execution": execution.removeprefix(PREFIX)}


def _until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def scoped(make_role: Any, assume: Any, role: str, owners: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Clients by service: every row allowed on the owner's own resource and nothing else."""
    rows = [
        allow(o, *([filled(r, owners["mine"]) for r in (main, ALSO.get(o, main))])) for o, (main, _) in ROWS.items()
    ]
    passing = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    passes = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role, "Condition": passing}
    arn = make_role("rows", [*rows, passes])
    return {service: assume(arn, service) for service in ("sagemaker", "sagemaker-runtime")}


def test_what_is_served_has_a_row_and_a_row_is_served(cloud: EmbeddedCloud) -> None:
    served = set(cloud.control("operations")["operations"])
    assert served - iam.ROWS == set(), "look these up in the reference and add them to rehearsal/sagemaker/iam.toml"
    assert iam.ROWS - served - RUNTIME == set()
    assert {*ROWS, *LISTS, "CreateDomain", "CreateMlflowApp"} == iam.ROWS


@pytest.mark.parametrize("operation", ROWS)
def test_a_row_allows_its_own_resource_and_denies_another(
    scoped: dict[str, Any], owners: dict[str, dict[str, str]], operation: str
) -> None:
    client, request = scoped["sagemaker-runtime" if operation in RUNTIME else "sagemaker"], ROWS[operation][1]
    assert code(client, operation, filled(request, owners["theirs"])) == DENIED
    wanted = REFUSED.get(operation, "done")
    deadline = time.monotonic() + 10
    while (outcome := code(client, operation, filled(request, owners["mine"]))) != wanted:
        # What another row has changed passes through a state that allows no change.
        assert (
            outcome in ("ResourceInUse", "ValidationException", "ConflictException") and time.monotonic() < deadline
        ), outcome
        time.sleep(0.05)


@pytest.mark.parametrize("operation", ALSO)
def test_one_of_two_resources_is_not_enough(
    make_role: Any, assume: Any, owners: dict[str, dict[str, str]], operation: str
) -> None:
    main, request = ROWS[operation]
    for name, resource in (("main", main), ("also", ALSO[operation])):
        arn = make_role(f"half-{name}-{operation}", [allow(operation, filled(resource, owners["mine"]))])
        assert code(assume(arn), operation, filled(request, owners["mine"])) == DENIED


@pytest.fixture(scope="module")
def listers(make_role: Any, assume: Any, owners: dict[str, dict[str, str]]) -> tuple[Any, Any]:
    """One that may call the operations without a resource level on everything, one that may on a resource only."""
    actions = [f"sagemaker:{name}" for name in LISTS]
    return tuple(
        assume(make_role(f"lists-{name}", [{"Effect": "Allow", "Action": actions, "Resource": resource}]))
        for name, resource in (("all", "*"), ("one", PREFIX + "*/mine"))
    )  # type: ignore[return-value]


@pytest.mark.parametrize("operation", LISTS)
def test_a_list_is_allowed_on_everything_or_not_at_all(listers: tuple[Any, Any], operation: str) -> None:
    may, may_not = listers
    request = {"AutoMLJobName": "mine"} if operation == "ListCandidatesForAutoMLJob" else {}
    outcome = code(may, operation, request)
    assert outcome == "done"
    assert code(may_not, operation, request) == DENIED


def test_a_domain_is_made_by_whoever_may_make_any(make_role: Any, assume: Any) -> None:
    request = {"DomainName": "any", "AuthMode": "IAM", "DefaultUserSettings": {}}
    assert code(assume(make_role("domains", [allow("CreateDomain", "domain/*")])), "CreateDomain", request) == "done"
    arn = make_role("domain", [allow("CreateDomain", "domain/d-known")])
    assert code(assume(arn), "CreateDomain", request) == DENIED


def test_an_mlflow_app_is_made_by_whoever_may_make_any(
    cloud: EmbeddedCloud, make_role: Any, assume: Any, role: str
) -> None:
    request = {"Name": "any", "ArtifactStoreUri": "s3://none/mlflow", "RoleArn": role}
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role}
    arn = make_role("app", [allow("CreateMlflowApp", "mlflow-app/app-KNOWN"), passing])
    assert code(assume(arn), "CreateMlflowApp", request) == DENIED
    arn = make_role("apps", [allow("CreateMlflowApp", "mlflow-app/*"), passing])
    assert code(assume(arn), "CreateMlflowApp", request) == "done"
    sagemaker = cloud.client("sagemaker")
    [made] = [app for app in sagemaker.list_mlflow_apps()["Summaries"] if app["Name"] == "any"]
    _until(lambda: sagemaker.describe_mlflow_app(Arn=made["Arn"])["Status"] == "Created")
    sagemaker.delete_mlflow_app(Arn=made["Arn"])
