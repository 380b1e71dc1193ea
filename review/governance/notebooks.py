"""Notebook instances and the scripts that run when they start."""

import base64
import binascii
import re
from collections.abc import Iterator

from review.governance.checks import judged, must, one_of, present
from review.governance.rule import KEPT, Found, Rule, View
from review.governance.values import written
from review.model import Severity

NOTEBOOK = "AWS::SageMaker::NotebookInstance"
LIFECYCLES = {
    "AWS::SageMaker::NotebookInstanceLifecycleConfig": ("OnCreate.*.Content", "OnStart.*.Content"),
    "AWS::SageMaker::StudioLifecycleConfig": ("StudioLifecycleConfigContent",),
}
_PIPED = re.compile(r"(curl|wget)\b[^\n|;]*\|\s*(sudo\s+)?(ba|z|da)?sh\b|(curl|wget)\b[^\n]*\bhttp://|AKIA[0-9A-Z]{16}")


def _platform(view: View) -> Iterator[Found]:
    known = view.settings.notebook_platforms
    return judged(view.at("PlatformIdentifier"), one_of(*known), f"must be one of {', '.join(known)}")


def _instance(view: View) -> Iterator[Found]:
    fits = view.settings.notebook.holds
    return judged(view.at("InstanceType"), lambda value: fits(str(value)), "must be an allowed instance type")


def _scripts(view: View) -> Iterator[Found]:
    """Scripts are written in base64, which a template often leaves to `Fn::Base64`: then what is in it is read."""
    for path in LIFECYCLES[view.resource.type]:
        for case in view.at(path):
            text = _script(case.value, view)
            if text and (found := _PIPED.search(text)):
                what = "holds an access key" if found[0].startswith("AKIA") else "runs what it downloads unchecked"
                yield Found(case.path, f"{case.path} {what}")


def _script(value: object, view: View) -> str:
    if not isinstance(value, str):
        return "\n".join(_wrapped(view.properties, view))
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return value


def _wrapped(part: object, view: View) -> Iterator[str]:
    if isinstance(part, dict):
        for key, inner in part.items():
            if key == "Fn::Base64":
                yield written(inner, view.scope)[0]
            else:
                yield from _wrapped(inner, view)
    elif isinstance(part, list):
        for inner in part:
            yield from _wrapped(inner, view)


RULES = (
    Rule(
        "SLUICE-NB-01",
        "A notebook has no direct way to the internet",
        Severity.HIGH,
        (NOTEBOOK,),
        "SageMaker's own interface passes by the VPC, its security groups, endpoints and flow logs.",
        "Set DirectInternetAccess to Disabled, with a subnet and a security group.",
        must("DirectInternetAccess", one_of("Disabled"), "must be Disabled"),
        config=("sagemaker-notebook-no-direct-internet-access",),
    ),
    Rule(
        "SLUICE-NB-02",
        "A notebook is in a VPC",
        Severity.HIGH,
        (NOTEBOOK,),
        "Without a subnet it is in a network of SageMaker's, which nobody in the account can restrict.",
        "Set SubnetId and SecurityGroupIds.",
        present("SubnetId", "SecurityGroupIds", says="must be set"),
        KEPT,
        ("sagemaker-notebook-instance-inside-vpc",),
    ),
    Rule(
        "SLUICE-NB-03",
        "Users of a notebook are not root",
        Severity.HIGH,
        (NOTEBOOK,),
        "Root can undo whatever the lifecycle script set up: proxies, agents, the stop when idle.",
        "Set RootAccess to Disabled; what must be installed goes into the lifecycle script, which runs as root.",
        must("RootAccess", one_of("Disabled"), "must be Disabled"),
        config=("sagemaker-notebook-instance-root-access-check",),
    ),
    Rule(
        "SLUICE-NB-04",
        "A notebook's volume has a key of the account's own",
        Severity.MEDIUM,
        (NOTEBOOK,),
        "Data is copied to the volume, which keeps it while the notebook is stopped.",
        "Set KmsKeyId.",
        present("KmsKeyId", says="must name a KMS key"),
        KEPT,
        ("sagemaker-notebook-instance-storage-vol-kms-encrypted", "sagemaker-notebook-instance-kms-key-configured"),
    ),
    Rule(
        "SLUICE-NB-05",
        "A notebook's platform is still mended",
        Severity.MEDIUM,
        (NOTEBOOK,),
        "Older platforms get no more security updates, and without a choice the platform is the account's default.",
        "Set PlatformIdentifier to one of the setting `notebook_platforms`.",
        _platform,
        config=("sagemaker-notebook-instance-platform-version",),
    ),
    Rule(
        "SLUICE-NB-06",
        "A notebook's credentials are given to version 2 of the metadata service alone",
        Severity.MEDIUM,
        (NOTEBOOK,),
        "With version 1, one forged request from a page or a library reads the role's credentials.",
        "Set InstanceMetadataServiceConfiguration.MinimumInstanceMetadataServiceVersion to 2.",
        must("InstanceMetadataServiceConfiguration.MinimumInstanceMetadataServiceVersion", one_of("2"), "must be 2"),
    ),
    Rule(
        "SLUICE-NB-07",
        "A notebook has a lifecycle script, which can stop it when idle",
        Severity.MEDIUM,
        (NOTEBOOK,),
        "A notebook instance never stops by itself; only a script of its own can stop it.",
        "Set LifecycleConfigName to a configuration that stops idle notebooks, or move the work to Studio.",
        present("LifecycleConfigName", says="must name a lifecycle configuration"),
        f"{KEPT} Whether the script stops the notebook is not read from it.",
    ),
    Rule(
        "SLUICE-NB-08",
        "A notebook is of an allowed instance type",
        Severity.MEDIUM,
        (NOTEBOOK,),
        "It runs, and costs, until somebody stops it.",
        "Choose an allowed type, or allow it in the settings (`notebook`).",
        _instance,
    ),
    Rule(
        "SLUICE-NB-09",
        "Lifecycle scripts hold no keys and run nothing that they download unchecked",
        Severity.HIGH,
        tuple(LIFECYCLES),
        "They run as root at each start: who controls the download controls the notebook. Everybody who may describe "
        "the configuration reads its script.",
        "Install from a repository of your own with pinned versions and hashes; take secrets from Secrets Manager.",
        _scripts,
        "What is known of a script is read, also inside Fn::Base64, Fn::Sub and Fn::Join; the rest is not judged.",
    ),
)
