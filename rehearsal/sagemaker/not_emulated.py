"""What this cloud refuses because it would do nothing here, or not what AWS does: one table, one message."""

from typing import Any

import jmespath

from rehearsal.sagemaker.store import AwsError

_CONTAINER = "[PrimaryContainer, Containers[]][]"
_CLUSTER = "ProcessingResources.ClusterConfig"
_TABULAR = "AutoMLProblemTypeConfig.TabularJobConfig"


def _outside(member: str, folder: str) -> str:
    """True, in JMESPath, of a path in a container that is not below the folder."""
    return f"(!starts_with({member} || '', '{folder}') || contains({member} || '', '/..'))"


# Operation -> what it may ask for and would get no effect here, as a JMESPath that finds something then. What is a
# record in AWS too, as far as anything here can see (keys, security groups, sizes, descriptions), is stored.
NOT_EMULATED: dict[str, dict[str, str]] = {
    "CreateDomain": {
        "AuthMode": "AuthMode == 'SSO' || null",
        "AppSecurityGroupManagement": "AppSecurityGroupManagement",
        "DomainSettings.RStudioServerProDomainSettings": "DomainSettings.RStudioServerProDomainSettings",
        "DomainSettings.TrustedIdentityPropagationSettings": "DomainSettings.TrustedIdentityPropagationSettings",
        "DomainSettings.UnifiedStudioSettings": "DomainSettings.UnifiedStudioSettings",
    },
    "UpdateDomain": {
        "AppSecurityGroupManagement": "AppSecurityGroupManagement",
        "HomeEfsFileSystemCreation": "HomeEfsFileSystemCreation",
        "DomainSettingsForUpdate.RStudioServerProDomainSettingsForUpdate": (
            "DomainSettingsForUpdate.RStudioServerProDomainSettingsForUpdate"
        ),
        "DomainSettingsForUpdate.TrustedIdentityPropagationSettings": (
            "DomainSettingsForUpdate.TrustedIdentityPropagationSettings"
        ),
        "DomainSettingsForUpdate.UnifiedStudioSettings": "DomainSettingsForUpdate.UnifiedStudioSettings",
    },
    "CreateUserProfile": {name: name for name in ("SingleSignOnUserIdentifier", "SingleSignOnUserValue")},
    "CreateSpace": {"SpaceSettings.SpaceManagedResources": "SpaceSettings.SpaceManagedResources == 'ENABLED' || null"},
    "CreateApp": {"ResourceSpec.TrainingPlanArn": "ResourceSpec.TrainingPlanArn", "RecoveryMode": "RecoveryMode"},
    "CreateNotebookInstance": {"AcceleratorTypes": "AcceleratorTypes"},
    "CreateModel": {
        "Containers": "Containers[1]",
        "InferenceExecutionConfig": "InferenceExecutionConfig",
        "A model without ExecutionRoleArn": "!ExecutionRoleArn",
        "Mode": f"{_CONTAINER}.Mode | [?@ != 'SingleModel']",
        **{
            name: f"{_CONTAINER}.{name}"
            for name in (
                "MultiModelConfig",
                "ModelDataSource",
                "AdditionalModelDataSources",
                "InferenceSpecificationName",
                "ImageConfig",
                "ContainerMetricsConfig",
            )
        },
    },
    "CreateModelPackageGroup": {"ManagedConfiguration": "ManagedConfiguration"},
    "CreateModelPackage": {
        "CertifyForMarketplace": "CertifyForMarketplace",
        **{
            name: name
            for name in ("ValidationSpecification", "SourceAlgorithmSpecification", "SourceUri", "ManagedStorageType")
        },
    },
    "UpdateModelPackage": {
        name: name
        for name in (
            "CustomerMetadataPropertiesToRemove",
            "AdditionalInferenceSpecificationsToAdd",
            "SourceUri",
            "ModelPackageRegistrationType",
        )
    },
    "CreateEndpointConfig": {
        **{
            name: name
            for name in (
                "ShadowProductionVariants",
                "ExplainerConfig",
                "VpcConfig",
                "EnableNetworkIsolation",
                "MetricsConfig",
            )
        },
        **{
            name: f"ProductionVariants[].{name}"
            for name in (
                "InstancePools",
                "CoreDumpConfig",
                "AcceleratorType",
                "RoutingConfig",
                "CapacityReservationConfig",
                "AcceleratorPartitionLayouts",
                "ModelDataDownloadTimeoutInSeconds",
                "VariantInstanceProvisionTimeoutInSeconds",
            )
        },
        "EnableSSMAccess": "ProductionVariants[?EnableSSMAccess]",
        # These two are for inference components, which take the place of a variant's model.
        "ExecutionRoleArn": "ExecutionRoleArn && ProductionVariants[?ModelName]",
        "ManagedInstanceScaling": "ProductionVariants[?ModelName && ManagedInstanceScaling != null]",
    },
    "CreateInferenceComponent": {
        "Specifications": "Specifications",
        "A component without VariantName": "!VariantName",
        **{f"A component without {name}": f"!({name})" for name in ("Specification.ModelName", "RuntimeConfig")},
        **{
            f"Specification.{name}": f"Specification.{name}"
            for name in (
                "InstanceType",
                "Container",
                "BaseInferenceComponentName",
                "DataCacheConfig",
                "SchedulingConfig",
            )
        },
    },
    "CreateEndpoint": {"DeploymentConfig": "DeploymentConfig"},
    "UpdateEndpoint": {
        name: name
        for name in (
            "DeploymentConfig",
            "RetainAllVariantProperties",
            "ExcludeRetainedVariantProperties",
            "RetainDeploymentConfig",
        )
    },
    "CreateTrainingJob": {
        **{
            name: name
            for name in (
                "RetryStrategy",
                "AlgorithmSpecification.AlgorithmName",
                "AlgorithmSpecification.TrainingImageConfig",
                "DebugRuleConfigurations",
                "DebugHookConfig.HookParameters",
                "DebugHookConfig.CollectionConfigurations",  # the hook alone, as older SDKs send it, collects nothing
                "TensorBoardOutputConfig",
                "ProfilerRuleConfigurations",
                "ServerlessJobConfig",
                "MlflowConfig",
                "ModelPackageConfig",
                "RemoteDebugConfig.EnableRemoteDebug",
                "SessionChainingConfig.EnableSessionTagChaining",
                "StoppingCondition.MaxPendingTimeInSeconds",
                "ResourceConfig.KeepAlivePeriodInSeconds",
                "ResourceConfig.InstanceGroups",
                "ResourceConfig.TrainingPlanArn",
                "ResourceConfig.InstancePlacementConfig",
                "ResourceConfig.InstancePreferences",
                "ResourceConfig.SelectedInstanceType",
                "ResourceConfig.SelectedInstanceCount",
            )
        },
        "ExperimentConfig": "ExperimentConfig || null",  # an empty one, as the SDK may send it, asks for nothing
        "ProfilerConfig": "ProfilerConfig && !(ProfilerConfig.DisableProfiler) || null",
        "TrainingInputMode": "AlgorithmSpecification.TrainingInputMode != 'File'",
        "AlgorithmSpecification without TrainingImage": "!(AlgorithmSpecification.TrainingImage)",
        "ContainerArguments without ContainerEntrypoint": (
            "AlgorithmSpecification.ContainerArguments && !(AlgorithmSpecification.ContainerEntrypoint)"
        ),
        "ResourceConfig without InstanceType": "!(ResourceConfig.InstanceType)",
        "ResourceConfig without InstanceCount": "!(ResourceConfig.InstanceCount)",
        "InputDataConfig.CompressionType": "InputDataConfig[?CompressionType && CompressionType != 'None']",
        "InputDataConfig.InputMode": "InputDataConfig[?InputMode && InputMode != 'File']",
        "InputDataConfig.RecordWrapperType": "InputDataConfig[?RecordWrapperType && RecordWrapperType != 'None']",
        "InputDataConfig.ShuffleConfig": "InputDataConfig[?ShuffleConfig]",
        "InputDataConfig.DataSource.FileSystemDataSource": "InputDataConfig[].DataSource.FileSystemDataSource",
        "InputDataConfig.DataSource.DatasetSource": "InputDataConfig[].DataSource.DatasetSource",
        "InputDataConfig.DataSource without S3DataSource": "InputDataConfig[?!(DataSource.S3DataSource)]",
        "S3DataSource.S3DataType": "InputDataConfig[?DataSource.S3DataSource.S3DataType != 'S3Prefix']",
        **{
            f"S3DataSource.{name}": f"InputDataConfig[].DataSource.S3DataSource.{name} | [?@]"
            for name in ("AttributeNames", "InstanceGroupNames", "ModelAccessConfig", "HubAccessConfig")
        },
        "OutputDataConfig.CompressionType": "OutputDataConfig.CompressionType == 'NONE'",
        "CheckpointConfig.LocalPath outside /opt/ml": (
            f"CheckpointConfig.LocalPath && {_outside('CheckpointConfig.LocalPath', '/opt/ml/')}"
        ),
    },
    "CreateProcessingJob": {
        "ExperimentConfig": "ExperimentConfig || null",
        "AppSpecification without ContainerEntrypoint": "!(AppSpecification.ContainerEntrypoint)",
        **{f"ClusterConfig without {name}": f"!({_CLUSTER}.{name})" for name in ("InstanceType", "InstanceCount")},
        **{
            f"ClusterConfig.{name}": f"{_CLUSTER}.{name}"
            for name in ("InstancePreferences", "SelectedInstanceType", "SelectedInstanceCount")
        },
        "ProcessingInputs.AppManaged": "ProcessingInputs[?AppManaged]",
        "ProcessingInputs.DatasetDefinition": "ProcessingInputs[].DatasetDefinition",
        "ProcessingInputs without S3Input": "ProcessingInputs[?!S3Input]",
        "S3Input.S3InputMode": "ProcessingInputs[?S3Input.S3InputMode && S3Input.S3InputMode != 'File']",
        "S3CompressionType": "ProcessingInputs[?S3Input.S3CompressionType && S3Input.S3CompressionType != 'None']",
        "S3DataDistributionType": "ProcessingInputs[?S3Input.S3DataDistributionType == 'ShardedByS3Key']",
        # API_ProcessingS3Input: "must begin with /opt/ml/processing/". AWS has no such rule for outputs; here any
        # other path is the machine's own.
        "S3Input.LocalPath outside /opt/ml/processing/": (
            f"ProcessingInputs[?{_outside('S3Input.LocalPath', '/opt/ml/processing/')}]"
        ),
        "Outputs.AppManaged": "ProcessingOutputConfig.Outputs[?AppManaged]",
        "Outputs.FeatureStoreOutput": "ProcessingOutputConfig.Outputs[].FeatureStoreOutput",
        "Outputs without S3Output": "ProcessingOutputConfig.Outputs[?!S3Output]",
        "S3Output.S3UploadMode": "ProcessingOutputConfig.Outputs[?S3Output.S3UploadMode != 'EndOfJob']",
        "S3Output.LocalPath outside /opt/ml/processing/": (
            f"ProcessingOutputConfig.Outputs[?{_outside('S3Output.LocalPath', '/opt/ml/processing/')}]"
        ),
    },
    "CreateTransformJob": {
        "ExperimentConfig": "ExperimentConfig || null",
        "SplitType": "contains(['RecordIO', 'TFRecord'], TransformInput.SplitType || 'None')",
        "TransformInput.CompressionType": "TransformInput.CompressionType == 'Gzip'",
        "S3DataType": "TransformInput.DataSource.S3DataSource.S3DataType != 'S3Prefix'",
        "InputFilter": "DataProcessing.InputFilter != null && DataProcessing.InputFilter != '$'",
        "OutputFilter": "DataProcessing.OutputFilter != null && DataProcessing.OutputFilter != '$'",
        "JoinSource": "DataProcessing.JoinSource == 'Input'",
        "MaxPayloadInMB 0": "MaxPayloadInMB == `0`",
    },
    "CreateMlflowApp": {"ModelRegistrationMode": "ModelRegistrationMode == 'AutoModelRegistrationEnabled' || null"},
    "UpdateMlflowApp": {"ModelRegistrationMode": "ModelRegistrationMode == 'AutoModelRegistrationEnabled' || null"},
    "CreateAutoMLJobV2": {
        **{name: name for name in ("ModelDeployConfig", "AutoMLComputeConfig")},
        **{
            name: f"AutoMLProblemTypeConfig.{name}"
            for name in (
                "ImageClassificationJobConfig",
                "TextClassificationJobConfig",
                "TimeSeriesForecastingJobConfig",
                "TextGenerationJobConfig",
            )
        },
        "AutoMLProblemTypeConfig without TabularJobConfig": "!(AutoMLProblemTypeConfig.TabularJobConfig)",
        **{
            f"TabularJobConfig.{name}": f"{_TABULAR}.{name}"
            for name in ("FeatureSpecificationS3Uri", "GenerateCandidateDefinitionsOnly", "SampleWeightAttributeName")
        },
        "TabularJobConfig.CandidateGenerationConfig": f"{_TABULAR}.CandidateGenerationConfig",
        "AutoMLJobInputDataConfig.CompressionType": (
            "AutoMLJobInputDataConfig[?CompressionType && CompressionType != 'None']"
        ),
        "AutoMLJobInputDataConfig.ContentType": (
            "AutoMLJobInputDataConfig[?ContentType && ContentType != 'text/csv;header=present']"
        ),
        "AutoMLJobInputDataConfig without DataSource": "AutoMLJobInputDataConfig[?!DataSource]",
        "AutoMLJobInputDataConfig.S3DataType": (
            "AutoMLJobInputDataConfig[?DataSource.S3DataSource.S3DataType != 'S3Prefix']"
        ),
    },
    "CreatePipeline": {name: name for name in ("PipelineDefinitionS3Location", "PipelineVersionAliases")},
    "UpdatePipeline": {name: name for name in ("PipelineDefinitionS3Location", "PipelineVersionAliases")},
    "StartPipelineExecution": {
        name: name
        for name in (
            "SelectiveExecutionConfig",
            "PipelineVersionId",
            "PipelineVersionAlias",
            "MlflowExperimentName",
            "RoleArn",
        )
    },
}
_TUNING = "HyperParameterTuningJobConfig"
NOT_EMULATED["CreateHyperParameterTuningJob"] = {
    **{name: name for name in ("TrainingJobDefinitions", "WarmStartConfig", "Autotune")},
    "A tuning job without TrainingJobDefinition": "!TrainingJobDefinition",
    "Strategy": f"{_TUNING}.Strategy == 'Hyperband'",
    "StrategyConfig": f"{_TUNING}.StrategyConfig",
    "AutoParameters": f"{_TUNING}.ParameterRanges.AutoParameters",
    "CompleteOnConvergence": (
        f"{_TUNING}.TuningJobCompletionCriteria.ConvergenceDetected.CompleteOnConvergence == 'Enabled'"
    ),
    **{
        f"{_TUNING} without {name}": f"{_TUNING}.{name} == null"
        for name in ("HyperParameterTuningJobObjective", "ParameterRanges")
    },
    "ResourceLimits without MaxNumberOfTrainingJobs": (
        f"{_TUNING}.Strategy != 'Grid' && !({_TUNING}.ResourceLimits.MaxNumberOfTrainingJobs)"
    ),
    **{
        name: f"TrainingJobDefinition.{name}"
        for name in ("TuningObjective", "HyperParameterRanges", "HyperParameterTuningResourceConfig")
    },
    # What its training jobs are refused for.
    **{name: f"TrainingJobDefinition | {path}" for name, path in NOT_EMULATED["CreateTrainingJob"].items()},
}


def refuse_what_does_nothing(operation: str, request: dict[str, Any]) -> None:
    """Raises AwsError that names the member whose effect is not emulated."""
    for member, path in NOT_EMULATED.get(operation, {}).items():
        if jmespath.search(path, request) not in (None, False, []):
            raise AwsError("ValidationException", f"{member} as asked for is not emulated by this cloud.")
