"""What a job may not ask for: what AWS refuses beyond its model, and what this cloud does not do, by name."""

import re
from typing import Any

import jmespath

from rehearsal.sagemaker.store import AwsError, Record

# What this cloud does not do, as a JMESPath that finds something then.
_NOT_EMULATED = {
    "TrainingJob": {
        "RetryStrategy": "RetryStrategy",
        "AlgorithmSpecification.AlgorithmName": "AlgorithmSpecification.AlgorithmName",
        "A training job without AlgorithmSpecification.TrainingImage": "!AlgorithmSpecification.TrainingImage || null",
        "ContainerArguments without ContainerEntrypoint": (
            "AlgorithmSpecification.ContainerArguments && !AlgorithmSpecification.ContainerEntrypoint || null"
        ),
        "ResourceConfig without InstanceType and InstanceCount": (
            "!(ResourceConfig.InstanceType && ResourceConfig.InstanceCount) || null"
        ),
        "InputDataConfig.CompressionType": "InputDataConfig[?CompressionType && CompressionType != 'None']",
        "InputDataConfig.InputMode": "InputDataConfig[?InputMode && InputMode != 'File']",
        "InputDataConfig.DataSource": "InputDataConfig[?DataSource.S3DataSource.S3DataType != 'S3Prefix']",
        "InputDataConfig.RecordWrapperType": "InputDataConfig[?RecordWrapperType && RecordWrapperType != 'None']",
        "InputDataConfig.ShuffleConfig": "InputDataConfig[?ShuffleConfig]",
        "OutputDataConfig.CompressionType": "OutputDataConfig.CompressionType == 'NONE' || null",
        "TrainingInputMode": "AlgorithmSpecification.TrainingInputMode != 'File' || null",
        "CheckpointConfig.LocalPath outside /opt/ml": (
            "CheckpointConfig.LocalPath && !starts_with(CheckpointConfig.LocalPath, '/opt/ml/') || null"
        ),
        "DebugRuleConfigurations": "DebugRuleConfigurations",
        "TensorBoardOutputConfig": "TensorBoardOutputConfig",
        "ProfilerRuleConfigurations": "ProfilerRuleConfigurations",
        "ServerlessJobConfig": "ServerlessJobConfig",
        "MlflowConfig": "MlflowConfig",
        "ModelPackageConfig": "ModelPackageConfig",
    },
    "ProcessingJob": {
        "S3InputMode": "ProcessingInputs[?S3Input.S3InputMode && S3Input.S3InputMode != 'File']",
        "S3CompressionType": "ProcessingInputs[?S3Input.S3CompressionType && S3Input.S3CompressionType != 'None']",
        "S3DataDistributionType": "ProcessingInputs[?S3Input.S3DataDistributionType == 'ShardedByS3Key']",
        "S3DataType": "ProcessingInputs[?S3Input.S3DataType == 'ManifestFile']",
        "DatasetDefinition": "ProcessingInputs[?DatasetDefinition]",
        "S3UploadMode": "ProcessingOutputConfig.Outputs[?S3Output.S3UploadMode != 'EndOfJob']",
        "FeatureStoreOutput": "ProcessingOutputConfig.Outputs[?FeatureStoreOutput]",
    },
    "TransformJob": {
        "SplitType": "contains(['RecordIO', 'TFRecord'], TransformInput.SplitType || 'None') || null",
        "CompressionType": "TransformInput.CompressionType == 'Gzip' || null",
        "S3DataType": "TransformInput.DataSource.S3DataSource.S3DataType != 'S3Prefix' || null",
        "InputFilter": "DataProcessing.InputFilter != null && DataProcessing.InputFilter != '$' || null",
        "OutputFilter": "DataProcessing.OutputFilter != null && DataProcessing.OutputFilter != '$' || null",
        "JoinSource": "DataProcessing.JoinSource == 'Input' || null",
        "DataCaptureConfig": "DataCaptureConfig",
        "MaxPayloadInMB 0": "MaxPayloadInMB == `0` || null",
    },
}


def check(noun: str, record: Record) -> None:
    """Refuse a new job. Raises AwsError."""
    for member, path in _NOT_EMULATED[noun].items():
        if jmespath.search(path, record):
            raise AwsError("ValidationException", f"{member} as asked for is not emulated by this cloud.")
    {"TrainingJob": _check_training, "TransformJob": _check_transform}.get(noun, lambda record: None)(record)


def _check_training(record: Record) -> None:
    """The rules of AWS, StoppingCondition; the first message is AWS's own as reported, the second is not."""
    spot, stopping = record.get("EnableManagedSpotTraining", False), record.get("StoppingCondition", {})
    wait = stopping.get("MaxWaitTimeInSeconds")
    if wait is not None and not spot:
        raise AwsError(
            "ValidationException",
            "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true",
        )
    if spot and (wait is None or wait < stopping.get("MaxRuntimeInSeconds", 0)):
        raise AwsError(
            "ValidationException",
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds",
        )
    for definition in record["AlgorithmSpecification"].get("MetricDefinitions", []):
        _check_metric(definition)


def _check_metric(definition: dict[str, Any]) -> None:
    name, text = definition["Name"], definition["Regex"]
    try:
        groups = re.compile(text).groups
    except re.error as error:
        raise AwsError(
            "ValidationException", f"The regex '{text}' of the metric {name} is invalid: {error}."
        ) from error
    if not groups:  # AWS reads the value from the group and does not say what it does without one
        raise AwsError("ValidationException", f"Metric {name}: a regex without a group is not emulated by this cloud.")


def _check_transform(record: Record) -> None:
    """AWS, CreateTransformJob: a batch strategy needs a split; payloads times their number is 100 MB at most."""
    transform_input, payload = record["TransformInput"], record.get("MaxPayloadInMB", 6)
    if record.get("BatchStrategy") and transform_input.get("SplitType", "None") == "None":
        raise AwsError("ValidationException", "BatchStrategy needs a SplitType of Line, RecordIO or TFRecord.")
    if payload * max(1, record.get("MaxConcurrentTransforms", 1)) > 100:
        raise AwsError("ValidationException", "MaxConcurrentTransforms * MaxPayloadInMB cannot exceed 100 MB.")
