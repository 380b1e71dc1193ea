"""Where people work: the Studio domain, its users and what each may do."""

from typing import get_args

from aws_cdk import Environment, Stack
from constructs import Construct

from config.guardrails import Persona
from config.load import ROOT
from config.schema import Platform
from sluice.definition import images
from sluice.personas import PersonaRole
from sluice.published import Published
from sluice.roles import JOB_LOGS, WorkloadRole
from sluice.studio import Studio
from stacks.foundation import FoundationStack


class StudioStack(Stack):
    def __init__(
        self, scope: Construct, id: str, *, platform: Platform, foundation: FoundationStack, env: Environment
    ) -> None:
        super().__init__(scope, id, env=env, description=f"{platform.prefix}: Studio, its users and their roles")
        roles: dict[Persona, PersonaRole] = {
            persona: PersonaRole(
                self, persona, persona=persona, prefix=platform.prefix, team=platform.tags["sluice:team"]
            )
            for persona in get_args(Persona)
        }
        studio = Studio(
            self,
            "Studio",
            name=platform.prefix,
            settings=platform.studio,
            roles=roles,
            network=foundation.network,
            key=foundation.key,
        )
        for persona, role in roles.items():
            types = platform.guardrails.instance_types.studio.of(persona)
            role.allow_studio(studio.domain.attr_domain_id, key=foundation.key, instance_types=types)
            role.allow_reading(foundation.data_bucket, foundation.artifact_bucket, key=foundation.key)
        experiments = self._experiments(platform, foundation)
        for persona in ("data-scientist", "ml-engineer"):
            roles[persona].allow_predictions()
            if platform.has_experiments:
                roles[persona].allow_runs()
        roles["data-scientist"].allow_pipelines()
        roles["data-scientist"].allow_experiments(experiments)
        if platform.batches:
            roles["data-scientist"].allow_batches(platform.batches)
        # Who approves trains nothing, so nobody approves a model of their own.
        roles["ml-engineer"].allow_approval()
        values = {"domain-id": studio.domain.attr_domain_id, "experiment-role-arn": experiments.role_arn}
        Published(self, "Published", prefix=platform.prefix, values=values)

    def _experiments(self, platform: Platform, foundation: FoundationStack) -> WorkloadRole:
        """What jobs run as that people start themselves: they read all data and write beneath `experiments/`."""
        role = WorkloadRole(
            self,
            "Experiments",
            workload="experiments",
            description=f"{platform.prefix}: jobs that people start themselves",
            log_groups=JOB_LOGS,
        )
        role.allow_data(foundation.data_bucket, write=False, prefix="")
        role.allow_data(foundation.artifact_bucket, write=True)
        role.allow_key(foundation.key)
        role.allow_network(foundation.network)
        folders = [ROOT / "workloads" / name for name in platform.workloads]
        uris = sorted({uri for folder in folders for uri in images(folder, platform.region).values()})
        if uris:
            role.allow_images(uris)
        return role
