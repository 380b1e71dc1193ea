"""A Studio domain whose idle apps stop by themselves."""

from collections.abc import Mapping

from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from config.guardrails import Persona
from config.schema import Studio as StudioSettings
from sluice.network import Network
from sluice.personas import PersonaRole
from sluice.waiver import accept

# SageMaker's own least idle time.
_MIN_IDLE_MINUTES = 60


class Studio(Construct):
    """The domain `name` inside `network`, and a profile for each configured user with the role of its persona.

    `roles` has a role for each persona; who has no persona's settings (the domain's default) only looks.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        settings: StudioSettings,
        roles: Mapping[Persona, PersonaRole],
        network: Network,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        self.domain = sagemaker.CfnDomain(
            self,
            "Resource",
            domain_name=name,
            auth_mode="IAM",
            app_network_access_type="PublicInternetOnly" if network.internet else "VpcOnly",
            vpc_id=network.vpc.vpc_id,
            subnet_ids=network.subnet_ids,
            kms_key_id=key.key_arn,
            # What a user makes in Studio carries this platform's tags, which the sweep goes by.
            tag_propagation="ENABLED",
            domain_settings=sagemaker.CfnDomain.DomainSettingsProperty(
                execution_role_identity_config="USER_PROFILE_NAME"
            ),
            default_user_settings=_user_settings(settings, roles["viewer"], network),
        )
        if network.internet:
            accept(
                self.domain, "SLUICE-DOM-01", "For trying out: the configuration chooses a public network, and says why"
            )
        for user in settings.users:
            sagemaker.CfnUserProfile(
                self,
                f"User-{user.name}",
                domain_id=self.domain.attr_domain_id,
                user_profile_name=user.name,
                user_settings=sagemaker.CfnUserProfile.UserSettingsProperty(
                    execution_role=roles[user.persona].role_arn
                ),
            )


def _user_settings(
    settings: StudioSettings, role: PersonaRole, network: Network
) -> sagemaker.CfnDomain.UserSettingsProperty:
    shutdown = sagemaker.CfnDomain.AppLifecycleManagementProperty(
        idle_settings=sagemaker.CfnDomain.IdleSettingsProperty(
            lifecycle_management="ENABLED",
            idle_timeout_in_minutes=settings.idle_minutes,
            min_idle_timeout_in_minutes=_MIN_IDLE_MINUTES,
            max_idle_timeout_in_minutes=settings.max_idle_minutes,
        )
    )
    return sagemaker.CfnDomain.UserSettingsProperty(
        execution_role=role.role_arn,
        security_groups=network.security_group_ids,
        studio_web_portal="ENABLED",
        default_landing_uri="studio::",
        jupyter_lab_app_settings=sagemaker.CfnDomain.JupyterLabAppSettingsProperty(app_lifecycle_management=shutdown),
        code_editor_app_settings=sagemaker.CfnDomain.CodeEditorAppSettingsProperty(app_lifecycle_management=shutdown),
    )
