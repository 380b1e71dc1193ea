"""What this cloud refuses by name because it would do nothing here."""

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
    "CreateNotebookInstance": ("LifecycleConfigName", "AcceleratorTypes"),
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
        "AsyncInferenceConfig",
        "ExplainerConfig",
        "ExecutionRoleArn",
        "VpcConfig",
        "EnableNetworkIsolation",
        "MetricsConfig",
        *(
            f"ProductionVariants.*.{name}"
            for name in (
                "ServerlessConfig",
                "ManagedInstanceScaling",
                "InstancePools",
                "CoreDumpConfig",
                "AcceleratorType",
                "RoutingConfig",
                "CapacityReservationConfig",
                "AcceleratorPartitionLayouts",
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
