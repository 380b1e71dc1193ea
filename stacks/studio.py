"""Where people work: the Studio domain, its users and what each may do."""

from typing import get_args

from aws_cdk import CfnOutput, Environment, Stack
from constructs import Construct

from config.guardrails import Persona
from config.schema import Platform
from sluice.personas import PersonaRole
from sluice.studio import Studio
from stacks.foundation import FoundationStack


class StudioStack(Stack):
    def __init__(
        self, scope: Construct, id: str, *, platform: Platform, foundation: FoundationStack, env: Environment
    ) -> None:
        super().__init__(scope, id, env=env, description=f"{platform.prefix}: Studio, its users and their roles")
        roles: dict[Persona, PersonaRole] = {
            persona: PersonaRole(self, persona, persona=persona, prefix=platform.prefix)
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
            role.allow_studio(studio.domain.attr_domain_id, key=foundation.key, work=persona != "viewer")
            role.allow_reading(foundation.data_bucket, foundation.artifact_bucket, key=foundation.key)
        roles["data-scientist"].allow_pipelines()
        roles["ml-engineer"].allow_pipelines()
        roles["ml-engineer"].allow_approval()
        CfnOutput(self, "DomainId", value=studio.domain.attr_domain_id)
