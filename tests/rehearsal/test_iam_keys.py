"""Every condition key of the IAM table over HTTP: the value that a policy names, another one, and none.

The table is written from AWS's Service Authorization Reference, "Actions, resources, and condition keys for Amazon
SageMaker" (data of 2026-09-26), not from the code. A key whose field a request lacks is absent, so that an Allow that
asks for it does not match.
"""

import json
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from rehearsal.embedded import ACCOUNT
from rehearsal.sagemaker import iam

PREFIX = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:"
NOBODY = f"arn:aws:iam::{ACCOUNT}:role/nobody"  # past IAM the service refuses this role: nothing is started
VPC = {"SecurityGroupIds": ["sg-0"], "Subnets": ["subnet-0"]}
FILES = {"FileSystemId": "fs-00000000", "FileSystemAccessMode": "rw", "FileSystemType": "EFS", "DirectoryPath": "/none"}
SOURCE = {"S3DataType": "S3Prefix", "S3Uri": "s3://none/in"}
STAGE = {"Stage": "none", "StageStatus": "none"}
CLUSTER = {"InstanceCount": 1, "VolumeSizeInGB": 1, "InstanceType": "ml.c5.large"}

# Operation: its resource, the member that names it, and what else the request cannot do without.
CALLS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "CreateTrainingJob": (
        "training-job/{n}",
        "TrainingJobName",
        {
            "RoleArn": NOBODY,
            "AlgorithmSpecification": {"TrainingInputMode": "File"},
            "OutputDataConfig": {"S3OutputPath": "s3://none/out"},
            "InputDataConfig": [{"ChannelName": "c", "DataSource": {"FileSystemDataSource": FILES}}],
            "ResourceConfig": {
                "InstanceGroups": [{"InstanceCount": 1, "InstanceGroupName": "g", "InstanceType": "ml.p3"}]
            },
            "StoppingCondition": {},
            "VpcConfig": VPC,
        },
    ),
    "CreateHyperParameterTuningJob": (
        "hyper-parameter-tuning-job/{n}",
        "HyperParameterTuningJobName",
        {
            "HyperParameterTuningJobConfig": {
                "Strategy": "Random",
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1},
            },
            "TrainingJobDefinition": {
                "RoleArn": NOBODY,
                "AlgorithmSpecification": {"TrainingInputMode": "File"},
                "OutputDataConfig": {"S3OutputPath": "s3://none/out"},
                "InputDataConfig": [{"ChannelName": "c", "DataSource": {"FileSystemDataSource": FILES}}],
                "ResourceConfig": {
                    "InstanceGroups": [{"InstanceCount": 1, "InstanceGroupName": "g", "InstanceType": "ml.p3"}]
                },
                "StoppingCondition": {},
                "VpcConfig": VPC,
            },
        },
    ),
    "CreateProcessingJob": (
        "processing-job/{n}",
        "ProcessingJobName",
        {
            "RoleArn": NOBODY,
            "AppSpecification": {"ImageUri": "x/none:1"},
            "ProcessingResources": {"ClusterConfig": CLUSTER},
            "ProcessingOutputConfig": {"Outputs": []},
            "NetworkConfig": {"VpcConfig": VPC},
        },
    ),
    "CreateAutoMLJobV2": (
        "automl-job/{n}",
        "AutoMLJobName",
        {
            "RoleArn": NOBODY,
            "AutoMLJobInputDataConfig": [{"DataSource": {"S3DataSource": SOURCE}}],
            "OutputDataConfig": {"S3OutputPath": "s3://none/out"},
            "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": "t"}},
            "SecurityConfig": {"VpcConfig": VPC},
        },
    ),
    "CreateTransformJob": (
        "transform-job/{n}",
        "TransformJobName",
        {
            "ModelName": "none",
            "TransformInput": {"DataSource": {"S3DataSource": SOURCE}},
            "TransformOutput": {"S3OutputPath": "s3://none/out"},
            "TransformResources": {"InstanceType": "ml.c5.large", "InstanceCount": 1},
        },
    ),
    "CreateModel": ("model/{n}", "ModelName", {"ExecutionRoleArn": NOBODY, "VpcConfig": VPC}),
    "CreateEndpointConfig": (
        "endpoint-config/{n}",
        "EndpointConfigName",
        {
            "ProductionVariants": [
                {"VariantName": "v", "ServerlessConfig": {"MaxConcurrency": 100, "MemorySizeInMB": 6144}}
            ],
            "VpcConfig": VPC,
        },
    ),
    # The endpoint is a second resource of the same action.
    "CreateInferenceComponent": ("*", "InferenceComponentName", {"EndpointName": "none", "VariantName": "v"}),
    "CreateMonitoringSchedule": (
        "monitoring-schedule/{n}",
        "MonitoringScheduleName",
        {
            "MonitoringScheduleConfig": {
                "MonitoringJobDefinition": {
                    "MonitoringInputs": [{"EndpointInput": {"EndpointName": "none", "LocalPath": "/opt/ml/in"}}],
                    "MonitoringOutputConfig": {
                        "MonitoringOutputs": [{"S3Output": {"S3Uri": "s3://none/out", "LocalPath": "/opt/ml/out"}}]
                    },
                    "MonitoringResources": {"ClusterConfig": CLUSTER},
                    "MonitoringAppSpecification": {"ImageUri": "x/none:1"},
                    "NetworkConfig": {"VpcConfig": VPC},
                    "RoleArn": NOBODY,
                }
            }
        },
    ),
    "CreateModelPackage": ("model-package*/{n}*", "ModelPackageGroupName", {"ModelLifeCycle": STAGE}),
    "UpdateModelPackage": ("model-package/{n}/1", "ModelPackageArn", {"ModelLifeCycle": STAGE}),
    "CreateNotebookInstance": (
        "notebook-instance/{n}",
        "NotebookInstanceName",
        {"RoleArn": NOBODY, "InstanceType": "ml.c5.large"},
    ),
    "CreateDomain": ("domain/*", "DomainName", {"AuthMode": "SSO", "DefaultUserSettings": {}}),
    "UpdateDomain": ("domain/{n}", "DomainId", {}),
    "CreateUserProfile": ("user-profile/{n}/ann", "DomainId", {"UserProfileName": "ann"}),
    "UpdateUserProfile": ("user-profile/{n}/ann", "DomainId", {"UserProfileName": "ann"}),
    "CreateSpace": ("space/{n}/own", "DomainId", {"SpaceName": "own"}),
    "UpdateSpace": ("space/{n}/own", "DomainId", {"SpaceName": "own"}),
    "CreateApp": (
        "app/{n}/ann/JupyterLab/default",
        "DomainId",
        {"UserProfileName": "ann", "AppType": "JupyterLab", "AppName": "default"},
    ),
    "DescribePipeline": ("pipeline/{n}", "PipelineName", {}),
    "StartPipelineExecution": ("pipeline/{n}", "PipelineName", {}),
    "InvokeEndpoint": ("endpoint/{n}", "EndpointName", {"Body": "1"}),
}
# One key a line: where the request carries it (`=` is the key's own name), the value that is allowed, one that is not;
# what the policy says where it is not the value itself.
_VPC = """
VpcSecurityGroupIds {0}.SecurityGroupIds.0 sg-1 sg-2
VpcSubnets {0}.Subnets.0 subnet-1 subnet-2
"""
_STUDIO = """
ImageArns {0}.KernelGatewayAppSettings.DefaultResourceSpec.SageMakerImageArn arn:image/1 arn:image/2
ImageVersionArns {0}.JupyterLabAppSettings.DefaultResourceSpec.SageMakerImageVersionArn arn:version/1 arn:version/2
InstanceTypes {0}.JupyterLabAppSettings.DefaultResourceSpec.InstanceType ml.t3.medium ml.p4d.24xlarge
StudioLifecycleConfigArns {0}.JupyterServerAppSettings.LifecycleConfigArns.0 arn:config/1 arn:config/2
"""
_USER = """
DomainSharingOutputKmsKeyArn {0}.SharingSettings.S3KmsKeyId arn:key/1 arn:key/2
VpcSecurityGroupIds {0}.SecurityGroups.0 sg-1 sg-2
"""
_PACKAGE = """
CustomerMetadataProperties/team CustomerMetadataProperties.team blue red
ModelApprovalStatus ModelApprovalStatus Rejected Approved
ModelLifeCycle:Stage ModelLifeCycle.Stage Test Production
ModelLifeCycle:StageStatus ModelLifeCycle.StageStatus Open Done
"""
_MONITORED = "MonitoringScheduleConfig.MonitoringJobDefinition"
KEYS = {
    "CreateTrainingJob": _VPC.format("VpcConfig")
    + """
        EnableRemoteDebug RemoteDebugConfig.EnableRemoteDebug false true
        FileSystemAccessMode InputDataConfig.0.DataSource.FileSystemDataSource.FileSystemAccessMode ro rw
        FileSystemDirectoryPath InputDataConfig.0.DataSource.FileSystemDataSource.DirectoryPath /mine /theirs
        FileSystemId InputDataConfig.0.DataSource.FileSystemDataSource.FileSystemId fs-11111111 fs-22222222
        FileSystemType InputDataConfig.0.DataSource.FileSystemDataSource.FileSystemType FSxLustre EFS
        InstanceTypes ResourceConfig.InstanceType ml.m5.large ml.p4d.24xlarge
        InstanceTypes ResourceConfig.InstanceGroups.0.InstanceType ml.m5.large ml.p4d.24xlarge
        InterContainerTrafficEncryption EnableInterContainerTrafficEncryption true false
        KeepAlivePeriod ResourceConfig.KeepAlivePeriodInSeconds 60 3600
        MaxRuntimeInSeconds StoppingCondition.MaxRuntimeInSeconds 3600 7200
        NetworkIsolation EnableNetworkIsolation true false
        OutputKmsKeyArn OutputDataConfig.KmsKeyId arn:key/1 arn:key/2
        VolumeKmsKeyArn ResourceConfig.VolumeKmsKeyId arn:key/1 arn:key/2
    """,
    "CreateHyperParameterTuningJob": _VPC.format("TrainingJobDefinition.VpcConfig")
    + """
        FileSystemAccessMode {0}.InputDataConfig.0.DataSource.FileSystemDataSource.FileSystemAccessMode ro rw
        FileSystemDirectoryPath {0}.InputDataConfig.0.DataSource.FileSystemDataSource.DirectoryPath /mine /theirs
        FileSystemId {0}.InputDataConfig.0.DataSource.FileSystemDataSource.FileSystemId fs-11111111 fs-22222222
        FileSystemType {0}.InputDataConfig.0.DataSource.FileSystemDataSource.FileSystemType FSxLustre EFS
        InstanceTypes {0}.ResourceConfig.InstanceType ml.m5.large ml.p4d.24xlarge
        InstanceTypes {0}.HyperParameterTuningResourceConfig.InstanceType ml.m5.large ml.p4d.24xlarge
        InterContainerTrafficEncryption {0}.EnableInterContainerTrafficEncryption true false
        MaxRuntimeInSeconds {0}.StoppingCondition.MaxRuntimeInSeconds 3600 7200
        NetworkIsolation {0}.EnableNetworkIsolation true false
        OutputKmsKeyArn {0}.OutputDataConfig.KmsKeyId arn:key/1 arn:key/2
        VolumeKmsKeyArn {0}.ResourceConfig.VolumeKmsKeyId arn:key/1 arn:key/2
    """.format("TrainingJobDefinition"),
    "CreateProcessingJob": _VPC.format("NetworkConfig.VpcConfig")
    + """
        InstanceTypes ProcessingResources.ClusterConfig.InstanceType ml.m5.large ml.p4d.24xlarge
        InterContainerTrafficEncryption NetworkConfig.EnableInterContainerTrafficEncryption true false
        MaxRuntimeInSeconds StoppingCondition.MaxRuntimeInSeconds 3600 7200
        NetworkIsolation NetworkConfig.EnableNetworkIsolation true false
        OutputKmsKeyArn ProcessingOutputConfig.KmsKeyId arn:key/1 arn:key/2
        VolumeKmsKeyArn ProcessingResources.ClusterConfig.VolumeKmsKeyId arn:key/1 arn:key/2
    """,
    "CreateAutoMLJobV2": _VPC.format("SecurityConfig.VpcConfig")
    + """
        InterContainerTrafficEncryption SecurityConfig.EnableInterContainerTrafficEncryption true false
        OutputKmsKeyArn OutputDataConfig.KmsKeyId arn:key/1 arn:key/2
        VolumeKmsKeyArn SecurityConfig.VolumeKmsKeyId arn:key/1 arn:key/2
    """,
    "CreateTransformJob": """
        InstanceTypes TransformResources.InstanceType ml.m5.large ml.p4d.24xlarge
        ModelArn ModelName good bad model/good
        OutputKmsKeyArn TransformOutput.KmsKeyId arn:key/1 arn:key/2
        VolumeKmsKeyArn TransformResources.VolumeKmsKeyId arn:key/1 arn:key/2
    """,
    "CreateModel": _VPC.format("VpcConfig") + "NetworkIsolation EnableNetworkIsolation true false",
    "CreateEndpointConfig": _VPC.format("VpcConfig")
    + """
        AcceleratorTypes ProductionVariants.0.AcceleratorType ml.eia2.medium ml.eia2.large
        InstanceTypes ProductionVariants.0.InstanceType ml.m5.large ml.p4d.24xlarge
        ModelArn ProductionVariants.0.ModelName good bad model/good
        NetworkIsolation EnableNetworkIsolation true false
        ServerlessMaxConcurrency ProductionVariants.0.ServerlessConfig.MaxConcurrency 5 6
        ServerlessMemorySize ProductionVariants.0.ServerlessConfig.MemorySizeInMB 1024 2048
        VolumeKmsKeyArn KmsKeyId arn:key/1 arn:key/2
    """,
    "CreateInferenceComponent": "ModelArn Specification.ModelName good bad model/good",
    "CreateMonitoringSchedule": _VPC.format(f"{_MONITORED}.NetworkConfig.VpcConfig")
    + f"""
        InstanceTypes {_MONITORED}.MonitoringResources.ClusterConfig.InstanceType ml.m5.large ml.p4d.24xlarge
        InterContainerTrafficEncryption {_MONITORED}.NetworkConfig.EnableInterContainerTrafficEncryption true false
        MaxRuntimeInSeconds {_MONITORED}.StoppingCondition.MaxRuntimeInSeconds 3600 7200
        NetworkIsolation {_MONITORED}.NetworkConfig.EnableNetworkIsolation true false
        OutputKmsKeyArn {_MONITORED}.MonitoringOutputConfig.KmsKeyId arn:key/1 arn:key/2
        VolumeKmsKeyArn {_MONITORED}.MonitoringResources.ClusterConfig.VolumeKmsKeyId arn:key/1 arn:key/2
    """,
    "CreateModelPackage": _PACKAGE,
    "UpdateModelPackage": _PACKAGE
    + "CustomerMetadataPropertiesToRemove CustomerMetadataPropertiesToRemove.0 old owner",
    "CreateNotebookInstance": """
        AcceleratorTypes AcceleratorTypes.0 ml.eia2.medium ml.eia2.large
        DirectInternetAccess DirectInternetAccess Disabled Enabled
        InstanceTypes InstanceType ml.t3.medium ml.p3.16xlarge
        MinimumInstanceMetadataServiceVersion InstanceMetadataServiceConfiguration.= "2" "1"
        NotebookInstanceLifecycleConfigArns LifecycleConfigName good bad notebook-instance-lifecycle-config/good
        RootAccess RootAccess Disabled Enabled
        VolumeKmsKeyArn KmsKeyId arn:key/1 arn:key/2
        VpcSecurityGroupIds SecurityGroupIds.0 sg-1 sg-2
        VpcSubnets SubnetId subnet-1 subnet-2
    """,
    "CreateDomain": _STUDIO.format("DefaultUserSettings")
    + _USER.format("DefaultUserSettings")
    + """
        AppNetworkAccessType AppNetworkAccessType VpcOnly PublicInternetOnly
        AuthMode AuthMode IAM SSO
        InstanceTypes DefaultSpaceSettings.JupyterLabAppSettings.DefaultResourceSpec.InstanceType ml.c5.large ml.p3
        VolumeKmsKeyArn KmsKeyId arn:key/1 arn:key/2
        VpcSecurityGroupIds DomainSettings.SecurityGroupIds.0 sg-1 sg-2
        VpcSubnets SubnetIds.0 subnet-1 subnet-2
    """,
    "UpdateDomain": _STUDIO.format("DefaultUserSettings")
    + _USER.format("DefaultUserSettings")
    + """
        AppNetworkAccessType AppNetworkAccessType VpcOnly PublicInternetOnly
        VpcSubnets SubnetIds.0 subnet-1 subnet-2
    """,
    "CreateUserProfile": _STUDIO.format("UserSettings") + _USER.format("UserSettings"),
    "UpdateUserProfile": _STUDIO.format("UserSettings") + _USER.format("UserSettings"),
    "CreateSpace": _STUDIO.format("SpaceSettings")
    + """
        OwnerUserProfileArn OwnershipSettings.OwnerUserProfileName ann bob user-profile/{n}/ann
        RemoteAccess SpaceSettings.RemoteAccess DISABLED ENABLED
        SpaceSharingType SpaceSharingSettings.SharingType Private Shared
    """,
    "UpdateSpace": _STUDIO.format("SpaceSettings") + "RemoteAccess SpaceSettings.RemoteAccess DISABLED ENABLED",
    "CreateApp": """
        ImageArns ResourceSpec.SageMakerImageArn arn:image/1 arn:image/2
        ImageVersionArns ResourceSpec.SageMakerImageVersionArn arn:version/1 arn:version/2
        InstanceTypes ResourceSpec.InstanceType ml.t3.medium ml.p4d.24xlarge
        StudioLifecycleConfigArns ResourceSpec.LifecycleConfigArn arn:config/1 arn:config/2
    """,
    "DescribePipeline": "PipelineVersionId PipelineVersionId 1 2",
    "StartPipelineExecution": "PipelineVersionId PipelineVersionId 1 2",
    "InvokeEndpoint": "TargetModel TargetModel a.tar.gz b.tar.gz",
}

_MANY = "ForAnyValue:"
OPERATORS = {  # by the reference's types; a String unless named here
    **dict.fromkeys(("EnableRemoteDebug", "InterContainerTrafficEncryption", "NetworkIsolation"), "Bool"),
    **dict.fromkeys(("KeepAlivePeriod", "MaxRuntimeInSeconds"), "NumericLessThanEquals"),
    **dict.fromkeys(("ServerlessMaxConcurrency", "ServerlessMemorySize"), "NumericLessThanEquals"),
    **dict.fromkeys(("OutputKmsKeyArn", "VolumeKmsKeyArn", "DomainSharingOutputKmsKeyArn"), "ArnEquals"),
    **dict.fromkeys(("ModelArn", "OwnerUserProfileArn"), "ArnEquals"),
    **dict.fromkeys(("ImageArns", "ImageVersionArns", "StudioLifecycleConfigArns"), f"{_MANY}ArnEquals"),
    "NotebookInstanceLifecycleConfigArns": f"{_MANY}ArnEquals",
    **dict.fromkeys(("AcceleratorTypes", "InstanceTypes", "VpcSecurityGroupIds", "VpcSubnets"), f"{_MANY}StringEquals"),
    "CustomerMetadataPropertiesToRemove": f"{_MANY}StringEquals",
}
LINES = [
    (operation, f"k{number}", *line.split())
    for operation, table in KEYS.items()
    for number, line in enumerate(filter(str.strip, table.splitlines()))
]
# What the service keeps of a resource; test_iam_policies.py shows those.
STORED = {"OwnerUserProfileArn", "SpaceSharingType", "CurrentModelLifeCycleStage", "CurrentModelLifeCycleStageStatus"}


def value(word: str) -> Any:
    try:
        return json.loads(word)
    except ValueError:
        return word.replace("arn:", "arn:aws:kms:us-east-1:111122223333:")


def request(operation: str, name: str, key: str, path: str, word: str | None) -> dict[str, Any]:
    """A request for the resource of a line, with `word` where the line says, or without it."""
    _, naming, members = CALLS[operation]
    named = f"{PREFIX}model-package/{name}/1" if naming == "ModelPackageArn" else name
    members = json.loads(json.dumps(members | {naming: named}))
    if word is None:
        return members
    *steps, last = path.replace("=", key).split(".")
    at: Any = members
    for step, following in zip(steps, [*steps, last][1:], strict=True):
        if isinstance(at, list):
            at += [{}] if int(step) == len(at) else []
            at = at[int(step)]
        else:
            at = at.setdefault(step, [] if following.isdigit() else {})
    if isinstance(at, list):
        at[:] = [value(word)]
    else:
        at[last] = value(word)
    return members


def code(client: Any, operation: str, members: dict[str, Any]) -> str:
    try:
        getattr(client, xform_name(operation))(**members)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"


@pytest.fixture(scope="module")
def conditioned(make_role: Any, assume: Any) -> dict[str, dict[str, Any]]:
    """For each number of a line the clients of a role that holds one statement an operation: that line's."""
    numbers: dict[str, list[dict[str, Any]]] = {}
    for operation, name, key, _, good, _, *said in LINES:
        wanted = PREFIX + said[0].replace("{n}", name) if said else str(value(good)).replace("True", "true")
        condition = {OPERATORS.get(key, "StringEquals"): {f"sagemaker:{key}": wanted.replace("False", "false")}}
        resource = PREFIX + CALLS[operation][0].replace("{n}", name)
        allow = {"Effect": "Allow", "Action": f"sagemaker:{operation}", "Resource": resource, "Condition": condition}
        numbers.setdefault(name, []).append(allow)
    return {
        name: {s: assume(arn, s) for s in ("sagemaker", "sagemaker-runtime")}
        for name, statements in numbers.items()
        for arn in [make_role(f"keys-{name}", statements)]
    }


@pytest.mark.parametrize("line", LINES, ids=lambda line: "-".join(line[:3]))
def test_a_condition_key_has_the_requests_value_and_is_absent_without_one(
    conditioned: dict[str, dict[str, Any]], line: tuple[str, ...]
) -> None:
    operation, name, key, path, good, bad = line[:6]
    client = conditioned[name]["sagemaker-runtime" if operation == "InvokeEndpoint" else "sagemaker"]
    assert code(client, operation, request(operation, name, key, path, good)) != "AccessDeniedException"
    assert code(client, operation, request(operation, name, key, path, bad)) == "AccessDeniedException"
    assert code(client, operation, request(operation, name, key, path, None)) == "AccessDeniedException"


def test_every_key_of_the_table_has_a_line() -> None:
    shown = {(operation, key.replace("/team", "/*")) for operation, _, key, *_ in LINES}
    assert shown <= iam.KEYS
    assert {key for _, key in iam.KEYS - shown} <= STORED | {"CurrentCustomerMetadataProperties/*"}
