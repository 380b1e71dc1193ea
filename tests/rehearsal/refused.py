"""What of each creation's request this cloud refuses by name, acts upon, and merely keeps."""

# Operation -> paths below the request; `*` is every item of a list. test_refusals.py asks for each.
REFUSED = {
    "CreateDomain": (
        "AppSecurityGroupManagement",
        "DomainSettings.RStudioServerProDomainSettings",
        "DomainSettings.TrustedIdentityPropagationSettings",
        "DomainSettings.UnifiedStudioSettings",
    ),
    "UpdateDomain": (
        "AppSecurityGroupManagement",
        "HomeEfsFileSystemCreation",
        "DomainSettingsForUpdate.RStudioServerProDomainSettingsForUpdate",
        "DomainSettingsForUpdate.TrustedIdentityPropagationSettings",
        "DomainSettingsForUpdate.UnifiedStudioSettings",
    ),
    "CreateUserProfile": ("SingleSignOnUserIdentifier", "SingleSignOnUserValue"),
    "CreateSpace": ("SpaceSettings.SpaceManagedResources",),
    "CreateApp": ("RecoveryMode", "ResourceSpec.TrainingPlanArn"),
    "CreateNotebookInstance": ("AcceleratorTypes",),
    "CreateModel": (
        "Containers",
        "InferenceExecutionConfig",
        *(
            f"PrimaryContainer.{name}"
            for name in (
                "Mode",
                "MultiModelConfig",
                "ModelDataSource",
                "AdditionalModelDataSources",
                "InferenceSpecificationName",
                "ImageConfig",
                "ContainerMetricsConfig",
            )
        ),
    ),
    "CreateModelPackageGroup": ("ManagedConfiguration",),
    "CreateModelPackage": (
        "CertifyForMarketplace",
        "ValidationSpecification",
        "SourceAlgorithmSpecification",
        "SourceUri",
        "ManagedStorageType",
    ),
    "UpdateModelPackage": (
        "CustomerMetadataPropertiesToRemove",
        "AdditionalInferenceSpecificationsToAdd",
        "SourceUri",
        "ModelPackageRegistrationType",
    ),
    "CreateEndpointConfig": (
        "ShadowProductionVariants",
        "ExplainerConfig",
        "ExecutionRoleArn",
        "VpcConfig",
        "EnableNetworkIsolation",
        "MetricsConfig",
        *(
            f"ProductionVariants.*.{name}"
            for name in (
                "ManagedInstanceScaling",
                "InstancePools",
                "CoreDumpConfig",
                "AcceleratorType",
                "RoutingConfig",
                "CapacityReservationConfig",
                "AcceleratorPartitionLayouts",
                "ModelDataDownloadTimeoutInSeconds",
                "VariantInstanceProvisionTimeoutInSeconds",
                "EnableSSMAccess",
            )
        ),
    ),
    "CreateInferenceComponent": (
        "Specifications",
        *(
            f"Specification.{name}"
            for name in (
                "InstanceType",
                "Container",
                "BaseInferenceComponentName",
                "DataCacheConfig",
                "SchedulingConfig",
            )
        ),
    ),
    "CreateEndpoint": ("DeploymentConfig",),
    "UpdateEndpoint": (
        "DeploymentConfig",
        "RetainAllVariantProperties",
        "ExcludeRetainedVariantProperties",
        "RetainDeploymentConfig",
    ),
    "CreateTrainingJob": (
        "RetryStrategy",
        "DebugHookConfig.HookParameters",
        "DebugHookConfig.CollectionConfigurations",
        "DebugRuleConfigurations",
        "TensorBoardOutputConfig",
        "ProfilerConfig",
        "ProfilerRuleConfigurations",
        "ServerlessJobConfig",
        "MlflowConfig",
        "ModelPackageConfig",
        "ExperimentConfig",
        "RemoteDebugConfig.EnableRemoteDebug",
        "SessionChainingConfig.EnableSessionTagChaining",
        "StoppingCondition.MaxPendingTimeInSeconds",
        "OutputDataConfig.CompressionType",
        "CheckpointConfig.LocalPath",
        *(
            f"AlgorithmSpecification.{name}"
            for name in ("AlgorithmName", "TrainingImageConfig", "TrainingInputMode", "ContainerArguments")
        ),
        *(
            f"ResourceConfig.{name}"
            for name in (
                "KeepAlivePeriodInSeconds",
                "InstanceGroups",
                "TrainingPlanArn",
                "InstancePlacementConfig",
                "InstancePreferences",
                "SelectedInstanceType",
                "SelectedInstanceCount",
            )
        ),
        *(
            f"InputDataConfig.*.{name}"
            for name in (
                "CompressionType",
                "InputMode",
                "RecordWrapperType",
                "ShuffleConfig",
                "DataSource.FileSystemDataSource",
                "DataSource.DatasetSource",
                "DataSource.S3DataSource.S3DataType",
                "DataSource.S3DataSource.AttributeNames",
                "DataSource.S3DataSource.InstanceGroupNames",
                "DataSource.S3DataSource.ModelAccessConfig",
                "DataSource.S3DataSource.HubAccessConfig",
            )
        ),
    ),
    "CreateProcessingJob": (
        "ExperimentConfig",
        *(
            f"ProcessingResources.ClusterConfig.{name}"
            for name in ("InstancePreferences", "SelectedInstanceType", "SelectedInstanceCount")
        ),
        *(
            f"ProcessingInputs.*.{name}"
            for name in (
                "AppManaged",
                "DatasetDefinition",
                "S3Input.S3InputMode",
                "S3Input.S3CompressionType",
                "S3Input.S3DataDistributionType",
                "S3Input.LocalPath",
            )
        ),
        *(
            f"ProcessingOutputConfig.Outputs.*.{name}"
            for name in ("AppManaged", "FeatureStoreOutput", "S3Output.S3UploadMode", "S3Output.LocalPath")
        ),
    ),
    "CreateTransformJob": (
        "ExperimentConfig",
        "MaxPayloadInMB",
        "TransformInput.SplitType",
        "TransformInput.CompressionType",
        "TransformInput.DataSource.S3DataSource.S3DataType",
        "DataProcessing.InputFilter",
        "DataProcessing.OutputFilter",
        "DataProcessing.JoinSource",
    ),
    "CreateMlflowApp": ("ModelRegistrationMode",),
    "UpdateMlflowApp": ("ModelRegistrationMode",),
    "CreateAutoMLJobV2": (
        "ModelDeployConfig",
        "AutoMLComputeConfig",
        *(
            f"AutoMLProblemTypeConfig.{name}"
            for name in (
                "ImageClassificationJobConfig",
                "TextClassificationJobConfig",
                "TimeSeriesForecastingJobConfig",
                "TextGenerationJobConfig",
            )
        ),
        *(
            f"AutoMLProblemTypeConfig.TabularJobConfig.{name}"
            for name in (
                "FeatureSpecificationS3Uri",
                "GenerateCandidateDefinitionsOnly",
                "SampleWeightAttributeName",
                "CandidateGenerationConfig",
            )
        ),
        "AutoMLJobInputDataConfig.*.CompressionType",
        "AutoMLJobInputDataConfig.*.ContentType",
        "AutoMLJobInputDataConfig.*.DataSource.S3DataSource.S3DataType",
    ),
    "CreatePipeline": ("PipelineDefinitionS3Location", "PipelineVersionAliases"),
    "UpdatePipeline": ("PipelineDefinitionS3Location", "PipelineVersionAliases"),
    "StartPipelineExecution": (
        "SelectiveExecutionConfig",
        "PipelineVersionId",
        "PipelineVersionAlias",
        "MlflowExperimentName",
        "RoleArn",
    ),
}
# A tuning job's requests hold those of its training jobs, but for what AWS's model leaves out there.
_NOT_TUNED = (
    "DebugHookConfig",
    "DebugRuleConfigurations",
    "TensorBoardOutputConfig",
    "Profiler",
    "ServerlessJobConfig",
    "MlflowConfig",
    "ModelPackageConfig",
    "ExperimentConfig",
    "RemoteDebugConfig",
    "SessionChainingConfig",
    "AlgorithmSpecification.TrainingImageConfig",
    "AlgorithmSpecification.Container",
)
_CONFIG = "HyperParameterTuningJobConfig"
REFUSED["CreateHyperParameterTuningJob"] = (
    "TrainingJobDefinitions",
    "WarmStartConfig",
    "Autotune",
    f"{_CONFIG}.Strategy",
    f"{_CONFIG}.StrategyConfig",
    f"{_CONFIG}.ParameterRanges.AutoParameters",
    f"{_CONFIG}.TuningJobCompletionCriteria.ConvergenceDetected.CompleteOnConvergence",
    "TrainingJobDefinition.TuningObjective",
    "TrainingJobDefinition.HyperParameterRanges",
    "TrainingJobDefinition.HyperParameterTuningResourceConfig",
    *(f"TrainingJobDefinition.{path}" for path in REFUSED["CreateTrainingJob"] if not path.startswith(_NOT_TUNED)),
)

# What the model lets out and this cloud does not.
NEEDED = {
    "CreateAutoMLJobV2": ("AutoMLProblemTypeConfig.TabularJobConfig", "AutoMLJobInputDataConfig.*.DataSource"),
    "CreateModel": ("ExecutionRoleArn",),
    "CreateInferenceComponent": ("VariantName", "Specification.ModelName", "RuntimeConfig"),
    "CreateTrainingJob": (
        "AlgorithmSpecification.TrainingImage",
        "ResourceConfig.InstanceType",
        "ResourceConfig.InstanceCount",
        "InputDataConfig.*.DataSource.S3DataSource",
    ),
    "CreateHyperParameterTuningJob": (
        "TrainingJobDefinition",
        f"{_CONFIG}.HyperParameterTuningJobObjective",
        f"{_CONFIG}.ParameterRanges",
        f"{_CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs",
        "TrainingJobDefinition.AlgorithmSpecification.TrainingImage",
        "TrainingJobDefinition.ResourceConfig.InstanceType",
        "TrainingJobDefinition.InputDataConfig.*.DataSource.S3DataSource",
    ),
    "CreateProcessingJob": (
        "AppSpecification.ContainerEntrypoint",
        "ProcessingResources.ClusterConfig.InstanceType",
        "ProcessingResources.ClusterConfig.InstanceCount",
        "ProcessingInputs.*.S3Input",
        "ProcessingInputs.*.S3Input.LocalPath",
        "ProcessingOutputConfig.Outputs.*.S3Output",
        "ProcessingOutputConfig.Outputs.*.S3Output.LocalPath",
    ),
}

# Operation -> what has an effect here, or is checked: paths as above, of a whole member or of a part.
EFFECT = {
    "CreateDomain": (
        "AuthMode DomainName DefaultUserSettings DefaultSpaceSettings HomeEfsFileSystemCreation TagPropagation Tags"
    ),
    "CreateUserProfile": "DomainId UserProfileName UserSettings Tags",
    "CreateSpace": (
        "DomainId SpaceName OwnershipSettings SpaceSharingSettings Tags SpaceSettings.AppType "
        "SpaceSettings.JupyterServerAppSettings SpaceSettings.KernelGatewayAppSettings "
        "SpaceSettings.CodeEditorAppSettings SpaceSettings.JupyterLabAppSettings"
    ),
    "CreateApp": "DomainId UserProfileName SpaceName AppType AppName Tags ResourceSpec.InstanceType",
    "CreateModel": (
        "ModelName ExecutionRoleArn Tags PrimaryContainer.Image PrimaryContainer.ModelDataUrl "
        "PrimaryContainer.Environment PrimaryContainer.ModelPackageName"
    ),
    "CreateEndpointConfig": (
        "EndpointConfigName Tags DataCaptureConfig ProductionVariants.*.VariantName ProductionVariants.*.ModelName "
        "ProductionVariants.*.InitialInstanceCount ProductionVariants.*.InitialVariantWeight "
        "ProductionVariants.*.InstanceType ProductionVariants.*.ContainerStartupHealthCheckTimeoutInSeconds "
        "ProductionVariants.*.ServerlessConfig AsyncInferenceConfig"
    ),
    "CreateInferenceComponent": (
        "InferenceComponentName EndpointName VariantName Tags RuntimeConfig Specification.ModelName"
    ),
    "CreateMonitoringSchedule": "MonitoringScheduleName MonitoringScheduleConfig Tags",
    "CreateStudioLifecycleConfig": "StudioLifecycleConfigName StudioLifecycleConfigAppType Tags",
    "CreateImage": "ImageName RoleArn Tags",
    "CreateMlflowTrackingServer": "TrackingServerName RoleArn Tags",
    "CreateEndpoint": "EndpointName EndpointConfigName Tags",
    "CreateModelPackageGroup": "ModelPackageGroupName Tags",
    "CreateModelPackage": (
        "ModelPackageName ModelPackageGroupName Tags InferenceSpecification ModelApprovalStatus ModelLifeCycle "
        "CustomerMetadataProperties ModelMetrics"
    ),
    "CreateTrainingJob": (
        "TrainingJobName HyperParameters RoleArn Tags Environment EnableManagedSpotTraining "
        "AlgorithmSpecification.TrainingImage AlgorithmSpecification.ContainerEntrypoint "
        "AlgorithmSpecification.MetricDefinitions "
        "InputDataConfig.*.ChannelName InputDataConfig.*.ContentType InputDataConfig.*.DataSource.S3DataSource.S3Uri "
        "InputDataConfig.*.DataSource.S3DataSource.S3DataDistributionType "
        "OutputDataConfig.KmsKeyId OutputDataConfig.S3OutputPath ResourceConfig.InstanceType "
        "ResourceConfig.InstanceCount StoppingCondition.MaxRuntimeInSeconds StoppingCondition.MaxWaitTimeInSeconds "
        "CheckpointConfig.S3Uri"
    ),
    "CreateHyperParameterTuningJob": (
        "HyperParameterTuningJobName Tags HyperParameterTuningJobConfig.HyperParameterTuningJobObjective "
        "HyperParameterTuningJobConfig.ResourceLimits HyperParameterTuningJobConfig.TrainingJobEarlyStoppingType "
        "HyperParameterTuningJobConfig.ParameterRanges.IntegerParameterRanges "
        "HyperParameterTuningJobConfig.ParameterRanges.ContinuousParameterRanges "
        "HyperParameterTuningJobConfig.ParameterRanges.CategoricalParameterRanges "
        "HyperParameterTuningJobConfig.TuningJobCompletionCriteria.TargetObjectiveMetricValue "
        "HyperParameterTuningJobConfig.TuningJobCompletionCriteria.BestObjectiveNotImproving "
        "HyperParameterTuningJobConfig.RandomSeed TrainingJobDefinition.DefinitionName "
        "TrainingJobDefinition.StaticHyperParameters TrainingJobDefinition.RoleArn TrainingJobDefinition.Environment "
        "TrainingJobDefinition.EnableManagedSpotTraining TrainingJobDefinition.AlgorithmSpecification.TrainingImage "
        "TrainingJobDefinition.AlgorithmSpecification.MetricDefinitions "
        "TrainingJobDefinition.InputDataConfig.*.ChannelName TrainingJobDefinition.InputDataConfig.*.ContentType "
        "TrainingJobDefinition.InputDataConfig.*.DataSource.S3DataSource.S3Uri "
        "TrainingJobDefinition.InputDataConfig.*.DataSource.S3DataSource.S3DataDistributionType "
        "TrainingJobDefinition.OutputDataConfig.KmsKeyId TrainingJobDefinition.OutputDataConfig.S3OutputPath "
        "TrainingJobDefinition.ResourceConfig.InstanceType TrainingJobDefinition.ResourceConfig.InstanceCount "
        "TrainingJobDefinition.StoppingCondition.MaxRuntimeInSeconds "
        "TrainingJobDefinition.StoppingCondition.MaxWaitTimeInSeconds TrainingJobDefinition.CheckpointConfig.S3Uri"
    ),
    "CreateProcessingJob": (
        "ProcessingJobName RoleArn Tags Environment AppSpecification StoppingCondition "
        "ProcessingInputs.*.S3Input.S3Uri ProcessingInputs.*.S3Input.S3DataType ProcessingOutputConfig.KmsKeyId "
        "ProcessingOutputConfig.Outputs.*.OutputName ProcessingOutputConfig.Outputs.*.S3Output.S3Uri "
        "ProcessingResources.ClusterConfig.InstanceType ProcessingResources.ClusterConfig.InstanceCount"
    ),
    "CreateTransformJob": (
        "TransformJobName ModelName Tags MaxConcurrentTransforms ModelClientConfig BatchStrategy Environment "
        "TransformInput.ContentType TransformInput.DataSource.S3DataSource.S3Uri TransformOutput "
        "TransformResources.InstanceType TransformResources.InstanceCount DataCaptureConfig"
    ),
    "CreateMlflowApp": "Name ArtifactStoreUri RoleArn Tags",
    "CreateAutoMLJobV2": (
        "AutoMLJobName RoleArn Tags OutputDataConfig AutoMLJobObjective DataSplitConfig "
        "AutoMLJobInputDataConfig.*.ChannelType AutoMLJobInputDataConfig.*.DataSource.S3DataSource.S3Uri "
        "AutoMLProblemTypeConfig.TabularJobConfig.CompletionCriteria AutoMLProblemTypeConfig.TabularJobConfig.Mode "
        "AutoMLProblemTypeConfig.TabularJobConfig.ProblemType "
        "AutoMLProblemTypeConfig.TabularJobConfig.TargetAttributeName"
    ),
    "CreatePipeline": "PipelineName PipelineDefinition ClientRequestToken RoleArn Tags ParallelismConfiguration",
    "StartPipelineExecution": "PipelineName PipelineParameters ClientRequestToken ParallelismConfiguration",
    "CreateNotebookInstance": (
        "NotebookInstanceName RoleArn Tags SubnetId DirectInternetAccess SecurityGroupIds InstanceType "
        "LifecycleConfigName"
    ),
    "CreateNotebookInstanceLifecycleConfig": "NotebookInstanceLifecycleConfigName Tags",
}
# What is a record in AWS too, as far as anything in this cloud can see: told back and no more.
INERT = {
    "CreateDomain": (
        "SubnetIds VpcId AppNetworkAccessType HomeEfsFileSystemKmsKeyId KmsKeyId DomainSettings.SecurityGroupIds "
        "DomainSettings.ExecutionRoleIdentityConfig DomainSettings.DockerSettings DomainSettings.AmazonQSettings "
        "DomainSettings.IpAddressType"
    ),
    "CreateSpace": (
        "SpaceDisplayName SpaceSettings.SpaceStorageSettings SpaceSettings.CustomFileSystems SpaceSettings.RemoteAccess"
    ),
    "CreateApp": (
        "ResourceSpec.SageMakerImageArn ResourceSpec.SageMakerImageVersionArn ResourceSpec.SageMakerImageVersionAlias "
        "ResourceSpec.LifecycleConfigArn"
    ),
    "CreateModel": "VpcConfig EnableNetworkIsolation PrimaryContainer.ContainerHostname",
    "CreateEndpointConfig": "KmsKeyId ProductionVariants.*.VolumeSizeInGB ProductionVariants.*.InferenceAmiVersion",
    "CreateInferenceComponent": "Specification.StartupParameters Specification.ComputeResourceRequirements",
    "CreateStudioLifecycleConfig": "StudioLifecycleConfigContent",
    "CreateNotebookInstanceLifecycleConfig": "OnCreate OnStart",
    "CreateImage": "Description DisplayName",
    "CreateMlflowTrackingServer": (
        "ArtifactStoreUri TrackingServerSize MlflowVersion AutomaticModelRegistration WeeklyMaintenanceWindowStart "
        "S3BucketOwnerAccountId S3BucketOwnerVerification"
    ),
    "CreateModelPackageGroup": "ModelPackageGroupDescription",
    "CreateModelPackage": (
        "AdditionalInferenceSpecifications ClientToken Domain DriftCheckBaselines MetadataProperties ModelCard "
        "ModelPackageDescription ModelPackageRegistrationType SamplePayloadUrl SecurityConfig SkipModelValidation Task"
    ),
    "CreateTrainingJob": (
        "EnableInterContainerTrafficEncryption EnableNetworkIsolation VpcConfig InfraCheckConfig "
        "DebugHookConfig.LocalPath DebugHookConfig.S3OutputPath "
        "AlgorithmSpecification.EnableSageMakerMetricsTimeSeries "
        "ResourceConfig.VolumeSizeInGB ResourceConfig.VolumeKmsKeyId"
    ),
    "CreateHyperParameterTuningJob": (
        "TrainingJobDefinition.VpcConfig TrainingJobDefinition.EnableNetworkIsolation "
        "TrainingJobDefinition.EnableInterContainerTrafficEncryption "
        "TrainingJobDefinition.ResourceConfig.VolumeSizeInGB TrainingJobDefinition.ResourceConfig.VolumeKmsKeyId"
    ),
    "CreateProcessingJob": (
        "NetworkConfig ProcessingInputs.*.InputName ProcessingResources.ClusterConfig.VolumeSizeInGB "
        "ProcessingResources.ClusterConfig.VolumeKmsKeyId"
    ),
    "CreateAutoMLJobV2": "SecurityConfig",
    "CreateTransformJob": "TransformResources.VolumeKmsKeyId TransformResources.TransformAmiVersion",
    "CreateMlflowApp": "AccountDefaultStatus DefaultDomainIdList KmsKeyId WeeklyMaintenanceWindowStart",
    "CreatePipeline": "PipelineDescription PipelineDisplayName",
    "StartPipelineExecution": "PipelineExecutionDescription PipelineExecutionDisplayName",
    "CreateNotebookInstance": (
        "AdditionalCodeRepositories DefaultCodeRepository InstanceMetadataServiceConfiguration IpAddressType KmsKeyId "
        "PlatformIdentifier RootAccess VolumeSizeInGB"
    ),
}
