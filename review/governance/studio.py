"""Studio: domains, profiles, spaces, apps and what starts with them."""

from collections.abc import Iterator

from review.governance.checks import at_most, if_set, judged, must, one_of, present, when
from review.governance.rule import ASKED, KEPT, Found, Rule, View
from review.governance.values import ABSENT
from review.model import Severity

DOMAIN, PROFILE = "AWS::SageMaker::Domain", "AWS::SageMaker::UserProfile"
SPACE, APP = "AWS::SageMaker::Space", "AWS::SageMaker::App"
# Where a resource keeps what it sets for apps, and the apps that stop by themselves.
HOLDERS = {
    DOMAIN: ("DefaultUserSettings", "DefaultSpaceSettings"),
    PROFILE: ("UserSettings",),
    SPACE: ("SpaceSettings",),
}
IDLING = ("JupyterLabAppSettings", "CodeEditorAppSettings")
CLASSIC = ("JupyterServerAppSettings", "KernelGatewayAppSettings")


def _idle(view: View) -> Iterator[Found]:
    """A domain has it on; profiles and spaces do not switch it off; nobody waits longer than the limit."""
    limit = view.settings.idle_minutes
    for holder in HOLDERS[view.resource.type]:
        for app in IDLING:
            idle = f"{holder}.{app}.AppLifecycleManagement.IdleSettings"
            needed = holder == "DefaultUserSettings"
            on = one_of("ENABLED") if needed else lambda value: value is ABSENT or one_of("ENABLED")(value)
            yield from judged(view.at(f"{idle}.LifecycleManagement"), on, "must be ENABLED")
            for minutes in ("IdleTimeoutInMinutes", "MaxIdleTimeoutInMinutes"):
                path = f"{idle}.{minutes}"
                yield from if_set(path, at_most(limit), f"must be {limit} minutes at most")(view)


def _instances(view: View) -> Iterator[Found]:
    paths = ["ResourceSpec.InstanceType"] if view.resource.type == APP else []
    for holder in HOLDERS.get(view.resource.type, ()):
        paths += [f"{holder}.{app}.DefaultResourceSpec.InstanceType" for app in (*IDLING, *CLASSIC)]
    for path in paths:
        yield from if_set(path, view.settings.studio.holds, "must be an instance type that Studio may use")(view)


def _volumes(view: View) -> Iterator[Found]:
    limit = view.settings.volume_gb
    path = {
        DOMAIN: "DefaultUserSettings.SpaceStorageSettings.DefaultEbsStorageSettings.MaximumEbsVolumeSizeInGb",
        PROFILE: "UserSettings.SpaceStorageSettings.DefaultEbsStorageSettings.MaximumEbsVolumeSizeInGb",
        SPACE: "SpaceSettings.SpaceStorageSettings.EbsStorageSettings.EbsVolumeSizeInGb",
    }[view.resource.type]
    yield from if_set(path, at_most(limit), f"must be {limit} GB at most")(view)


def _shares(view: View) -> bool:
    holder = HOLDERS[view.resource.type][0]
    return any(
        case.value not in (ABSENT, "Disabled") for case in view.at(f"{holder}.SharingSettings.NotebookOutputOption")
    )


def _classic(view: View) -> Iterator[Found]:
    holder = HOLDERS[view.resource.type][0]
    landing = f"{holder}.DefaultLandingUri"
    says = "must not lead to Studio Classic"
    yield from if_set(landing, lambda value: "JupyterServer" not in str(value), says)(view)
    yield from if_set(f"{holder}.StudioWebPortal", one_of("ENABLED"), "must be ENABLED: without it there is Classic")(
        view
    )


RULES = (
    Rule(
        "SLUICE-DOM-01",
        "Studio reaches the network through the VPC alone",
        Severity.HIGH,
        (DOMAIN,),
        "With PublicInternetOnly every notebook has a way out that no security group, endpoint policy or log sees.",
        "Set AppNetworkAccessType to VpcOnly and give the VPC endpoints for what Studio needs.",
        must("AppNetworkAccessType", one_of("VpcOnly"), "must be VpcOnly"),
        config=("sagemaker-domain-in-vpc",),
    ),
    Rule(
        "SLUICE-DOM-02",
        "A domain's file system has a key of the account's own",
        Severity.MEDIUM,
        (DOMAIN,),
        "Home folders hold data and credentials. A key of AWS cannot be withdrawn, shared or followed in the log.",
        "Set KmsKeyId. It can be set only when the domain is made.",
        present("KmsKeyId", says="must name a KMS key"),
        KEPT,
    ),
    Rule(
        "SLUICE-DOM-03",
        "Idle apps stop by themselves",
        Severity.MEDIUM,
        (DOMAIN, PROFILE, SPACE),
        "An app that nobody uses costs as much as another; over nights and weekends that is most of the bill.",
        "On the domain set IdleSettings to ENABLED, with a limit, for JupyterLab and Code Editor.",
        _idle,
    ),
    Rule(
        "SLUICE-DOM-04",
        "What users do is logged under their own names",
        Severity.MEDIUM,
        (DOMAIN,),
        "Without a source identity CloudTrail shows one role for all who share it, and no profile.",
        "Set ExecutionRoleIdentityConfig to USER_PROFILE_NAME and allow sts:SetSourceIdentity in the trust.",
        must("DomainSettings.ExecutionRoleIdentityConfig", one_of("USER_PROFILE_NAME"), "must be USER_PROFILE_NAME"),
    ),
    Rule(
        "SLUICE-DOM-05",
        "Spaces and apps take over the tags of domain and profile",
        Severity.LOW,
        (DOMAIN,),
        "What people make in Studio is most of its cost, and without tags that cost belongs to nobody.",
        "Set TagPropagation to ENABLED.",
        must("TagPropagation", one_of("ENABLED"), "must be ENABLED"),
    ),
    Rule(
        "SLUICE-DOM-06",
        "Studio Classic is not used",
        Severity.MEDIUM,
        (DOMAIN, PROFILE),
        "Studio Classic takes no new work; its apps can only be stopped and deleted.",
        "Drop the Classic landing page and set StudioWebPortal to ENABLED.",
        _classic,
    ),
    Rule(
        "SLUICE-DOM-07",
        "Shared notebook outputs are encrypted with the account's own key",
        Severity.MEDIUM,
        (DOMAIN, PROFILE),
        "Outputs of cells hold rows of data, and sharing copies them to a bucket.",
        "Set SharingSettings.S3KmsKeyId, or NotebookOutputOption to Disabled.",
        when(
            _shares,
            lambda view: present(
                f"{HOLDERS[view.resource.type][0]}.SharingSettings.S3KmsKeyId", says="must name a KMS key"
            )(view),
        ),
        KEPT,
    ),
    Rule(
        "SLUICE-DOM-08",
        "Docker in Studio takes images from trusted accounts alone",
        Severity.MEDIUM,
        (DOMAIN,),
        "Whoever runs any image runs any code, with the role of the user.",
        "Set DockerSettings.VpcOnlyTrustedAccounts, or EnableDockerAccess to DISABLED.",
        when(
            lambda view: any(
                case.value not in (ABSENT, "DISABLED")
                for case in view.at("DomainSettings.DockerSettings.EnableDockerAccess")
            ),
            present("DomainSettings.DockerSettings.VpcOnlyTrustedAccounts", says="must name the accounts"),
        ),
        KEPT,
    ),
    Rule(
        "SLUICE-DOM-09",
        "Apps have security groups that somebody chose",
        Severity.MEDIUM,
        (DOMAIN,),
        "In a VPC the way of an app is its security group's; without one, nobody has said what it may reach.",
        "Set DefaultUserSettings.SecurityGroups.",
        present("DefaultUserSettings.SecurityGroups", says="must name a security group"),
        KEPT,
    ),
    Rule(
        "SLUICE-STU-01",
        "Apps are not those of Studio Classic",
        Severity.MEDIUM,
        (APP,),
        "JupyterServer and KernelGateway belong to Studio Classic, in which nothing new can be started.",
        "Use the types JupyterLab or CodeEditor, in a space.",
        must("AppType", lambda value: value not in ("JupyterServer", "KernelGateway"), "must not be of Studio Classic"),
    ),
    Rule(
        "SLUICE-STU-02",
        "Studio runs on allowed instance types",
        Severity.MEDIUM,
        (DOMAIN, PROFILE, SPACE, APP),
        "An app may run for weeks; on a large accelerator that costs more than the training that it prepares.",
        "Choose an allowed type, or allow it in the settings (`studio`). Larger work belongs into a job.",
        _instances,
    ),
    Rule(
        "SLUICE-STU-03",
        "Volumes of spaces are bounded",
        Severity.LOW,
        (DOMAIN, PROFILE, SPACE),
        "A volume costs by its size while its space exists, whether or not an app runs.",
        "Lower the size, or the limit's setting (`volume_gb`); keep data in S3.",
        _volumes,
        f"{ASKED} Not set means SageMaker's own default, which is small.",
    ),
)
