"""Jobs that sleep, lack capacity or wait."""

from typing import TYPE_CHECKING

from rehearsal.stories.awkward.table import IMAGE, SCARCE, Row

if TYPE_CHECKING:
    from rehearsal.stories.awkward.making import Awkward


def job(shop: "Awkward", region: str, row: Row) -> str:
    name, sagemaker = row["name"], shop.client("sagemaker", region)
    seconds, tags = 3600 * row.get("limit_hours", 72), shop.tags(row)
    cluster = {"InstanceType": row.get("instance", "ml.m5.large"), "InstanceCount": 1, "VolumeSizeInGB": 1}
    source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://awkward/in"}}}
    output = {"S3OutputPath": "s3://awkward/out"}
    training: Row = {
        "RoleArn": shop.role_arn,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "OutputDataConfig": output,
        "ResourceConfig": cluster,
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds},
    }
    match row["type"]:
        case "training":
            training["AlgorithmSpecification"]["ContainerEntrypoint"] = ["sleep", "3000"]
            return sagemaker.create_training_job(TrainingJobName=name, Tags=tags, **training)["TrainingJobArn"]
        case "spot":
            training["StoppingCondition"]["MaxWaitTimeInSeconds"] = seconds
            training["AlgorithmSpecification"]["ContainerEntrypoint"] = ["true"]
            training["CheckpointConfig"] = {"S3Uri": f"s3://awkward/checkpoints/{name}"}
            training |= {"EnableManagedSpotTraining": True, "ResourceConfig": {**cluster, "InstanceType": SCARCE}}
            return sagemaker.create_training_job(TrainingJobName=name, Tags=tags, **training)["TrainingJobArn"]
        case "processing":
            return sagemaker.create_processing_job(
                ProcessingJobName=name,
                RoleArn=shop.role_arn,
                AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["sleep", "3000"]},
                ProcessingResources={"ClusterConfig": cluster},
                StoppingCondition={"MaxRuntimeInSeconds": seconds},
                Tags=tags,
            )["ProcessingJobArn"]
        case "automl":
            problem = {"TargetAttributeName": "t", "CompletionCriteria": {"MaxAutoMLJobRuntimeInSeconds": seconds}}
            return sagemaker.create_auto_ml_job_v2(
                AutoMLJobName=name,
                RoleArn=shop.role_arn,
                AutoMLJobInputDataConfig=[source],
                OutputDataConfig=output,
                AutoMLProblemTypeConfig={"TabularJobConfig": problem},
                Tags=tags,
            )["AutoMLJobArn"]
        case "transform":
            return sagemaker.create_transform_job(
                TransformJobName=name,
                ModelName="awkward",
                TransformInput=source,
                TransformOutput=output,
                TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
                Tags=tags,
            )["TransformJobArn"]
        case _:
            training["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "loss", "Regex": "loss=(.*)"}]
            values = {"CategoricalParameterRanges": [{"Name": "kind", "Values": ["a"]}]}
            return sagemaker.create_hyper_parameter_tuning_job(
                HyperParameterTuningJobName=name,
                HyperParameterTuningJobConfig={
                    "Strategy": "Random",
                    "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
                    "ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1},
                    "ParameterRanges": values,
                },
                TrainingJobDefinition=training,
                Tags=tags,
            )["HyperParameterTuningJobArn"]
