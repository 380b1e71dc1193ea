"""MLflow, where every run of the platform's pipelines can be looked up and compared."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sluice.arn import arn
from sluice.function import HandlerFunction
from sluice.permission import Role, allow
from sluice.waiver import accept

FOLDER = "mlflow"  # of the artifact bucket: no workload may have this name


class Experiments(Construct):
    """An MLflow App named `prefix`, and `handler`, which records each run there when it has ended.

    Jobs run isolated from every network, so none of them could. `autopilot`: runs of the platform's state machines are
    recorded as well.
    """

    def __init__(
        self, scope: Construct, id: str, *, prefix: str, artifact_bucket: s3.IBucket, key: kms.IKey, autopilot: bool
    ) -> None:
        super().__init__(scope, id)
        app = self._app(prefix, artifact_bucket, key)
        self.handler = HandlerFunction(
            self,
            "Function",
            prefix=prefix,
            verb="record",
            key=key,
            # A search of hundreds of jobs takes three calls for each of them.
            timeout=Duration.minutes(10),
            environment={"platform": prefix, "app_arn": app.attr_arn, "artifact_bucket": artifact_bucket.bucket_name},
        )
        self._allow(prefix, app.attr_arn, artifact_bucket, key)
        ended = {"currentPipelineExecutionStatus": ["Succeeded", "Failed", "Stopped"]}
        ours = {"pipelineArn": [{"prefix": arn(self, "sagemaker", f"pipeline/{prefix}-")}]}
        self._on("aws.sagemaker", "SageMaker Model Building Pipeline Execution Status Change", ended | ours)
        if autopilot:
            ended = {"status": ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]}
            ours = {"stateMachineArn": [{"prefix": arn(self, "states", f"stateMachine:{prefix}-")}]}
            self._on("aws.states", "Step Functions Execution Status Change", ended | ours)

    def _app(self, prefix: str, bucket: s3.IBucket, key: kms.IKey) -> sagemaker.CfnMlflowApp:
        """Source of the trust: AWS, "Set up IAM permissions for MLflow Apps", which has no condition.

        So it has none here, unlike the other roles' trust: whether the service tells whose account it acts for is not
        documented, and without the app the whole stack would not deploy. Passing the role takes this account's rights.
        """
        role = Role(
            self,
            "Role",
            description=f"{prefix}: what MLflow reads and writes",
            assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"),
        )
        why = "Whether MLflow tells whose account it acts for is not documented; passing it takes this account's rights"
        accept(role, "SLUICE-ROLE-02", why)
        own = bucket.arn_for_objects(f"{FOLDER}/*")
        kept = "MLflow names what it keeps, in a folder of its own"
        allow(role, ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], [own], wildcard=kept)
        allow(role, ["s3:ListBucket"], [bucket.bucket_arn], conditions={"StringLike": {"s3:prefix": f"{FOLDER}/*"}})
        key.grant(role, "kms:Decrypt", "kms:GenerateDataKey")
        return sagemaker.CfnMlflowApp(
            self,
            "App",
            name=prefix,
            artifact_store_uri=f"s3://{bucket.bucket_name}/{FOLDER}",
            role_arn=role.role_arn,
            # Pipelines register models, and only those that are better than the champion.
            model_registration_mode="AutoModelRegistrationDisabled",
        )

    def _allow(self, prefix: str, app_arn: str, bucket: s3.IBucket, key: kms.IKey) -> None:
        role = self.handler.role
        runs = ("DescribePipelineExecution", "ListPipelineExecutionSteps", "ListPipelineParametersForExecution")
        pipelines = arn(self, "sagemaker", f"pipeline/{prefix}-*")
        executions = "Pipelines of this platform with their executions"
        allow(role, [f"sagemaker:{action}" for action in runs], [pipelines], wildcard=executions)
        # Training jobs of a tuning job bear its tags: AWS, CreateHyperParameterTuningJob.
        tagged = {"StringEquals": {"aws:ResourceTag/sluice:platform": prefix}}
        named = "SageMaker names the jobs of pipelines; the condition keeps to the platform's"
        tuning = arn(self, "sagemaker", "hyper-parameter-tuning-job/*")
        for actions, jobs in (
            (["DescribeTrainingJob"], arn(self, "sagemaker", "training-job/*")),
            (["DescribeProcessingJob"], arn(self, "sagemaker", "processing-job/*")),
            (["DescribeHyperParameterTuningJob", "ListTrainingJobsForHyperParameterTuningJob"], tuning),
        ):
            allow(role, [f"sagemaker:{action}" for action in actions], [jobs], conditions=tagged, wildcard=named)
        results = "What the runs of every workload have left, each under its own name"
        allow(role, ["s3:GetObject"], [bucket.arn_for_objects("*")], wildcard=results)
        allow(role, ["s3:ListBucket"], [bucket.bucket_arn])
        kept = "MLflow numbers its experiments and runs"
        allow(role, ["s3:PutObject"], [bucket.arn_for_objects(f"{FOLDER}/*")], wildcard=kept)
        key.grant(role, "kms:Decrypt", "kms:GenerateDataKey")
        # The one action that stands for MLflow's whole API: AWS, "Data Plane IAM actions supported for MLflow Apps".
        allow(role, ["sagemaker:CallMlflowAppApi"], [app_arn])

    def _on(self, source: str, detail_type: str, detail: dict[str, list[object]]) -> None:
        pattern = events.EventPattern(source=[source], detail_type=[detail_type], detail=detail)
        target = targets.LambdaFunction(self.handler.function)
        events.Rule(self, source.partition(".")[2], event_pattern=pattern, targets=[target])
