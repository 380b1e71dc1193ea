"""The pipelines of the workloads, and where their models are registered."""

from aws_cdk import Environment, Stack
from constructs import Construct

from config.load import ROOT
from config.schema import Platform
from sluice.pipeline import Pipeline
from stacks.foundation import FoundationStack


class TrainingStack(Stack):
    """For each workload's name, `package_groups`: where its pipeline registers models; `image_uris`: what it runs."""

    def __init__(
        self, scope: Construct, id: str, *, platform: Platform, foundation: FoundationStack, env: Environment
    ) -> None:
        super().__init__(scope, id, env=env, description=f"{platform.prefix}: pipelines and model packages")
        pipelines = {
            name: Pipeline(
                self,
                f"Pipeline-{name}",
                name=f"{platform.prefix}-{name}",
                folder=ROOT / "workloads" / name,
                region=platform.region,
                data_bucket=foundation.data_bucket,
                artifact_bucket=foundation.artifact_bucket,
                key=foundation.key,
                network=foundation.network,
                tags=platform.tags,
            )
            for name in platform.workloads
        }
        self.package_groups = {name: pipeline.package_group for name, pipeline in pipelines.items()}
        self.image_uris = {name: pipeline.image_uris for name, pipeline in pipelines.items()}
