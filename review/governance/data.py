"""Feature groups, the registry of models, MLflow, clusters."""

from collections.abc import Iterator

from review.governance.checks import at_most, if_set, must, one_of, present, when
from review.governance.rule import KEPT, Found, Rule, View
from review.governance.statements import texts
from review.governance.values import ABSENT, Unknown, cases
from review.model import Severity

FEATURES, GROUP = "AWS::SageMaker::FeatureGroup", "AWS::SageMaker::ModelPackageGroup"
PACKAGE, TRACKING, CLUSTER = (
    *("AWS::SageMaker::ModelPackage", "AWS::SageMaker::MlflowTrackingServer", "AWS::SageMaker::Cluster"),
)


def _online(view: View) -> bool:
    """A store in memory takes its key in the same place, but AWS Config asks it of the standard one alone."""
    return any(case.value not in (ABSENT, False, "false") for case in view.at("OnlineStoreConfig.EnableOnlineStore"))


def _offline(view: View) -> bool:
    return view.at("OfflineStoreConfig")[0].value is not ABSENT


def _kept(view: View) -> Iterator[Found]:
    """DeletionPolicy is no property, but it decides over the data all the same."""
    for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
        policy = view.resource.attributes.get(attribute)
        if not isinstance(policy, str) or not policy.startswith("Retain"):
            yield Found(attribute, f"{attribute} must be Retain")


def _opened(view: View) -> Iterator[Found]:
    """A policy that lets everybody, or an account without any condition, use the group's models."""
    for case in view.at("ModelPackageGroupPolicy"):
        given = case.value.get("Statement") if isinstance(case.value, dict) else None
        if isinstance(case.value, Unknown):
            yield Found(
                case.path, f"{case.path} opens the group, and {case.value.source[:60]} decides to whom", certain=False
            )
        for index, statement in enumerate(given if isinstance(given, list) else [given]):
            for each in cases(statement, view.scope, f"{case.path}.Statement.{index}"):
                if isinstance(each.value, dict) and _open(view, each.value):
                    yield Found(each.path, f"{each.path} must not let everybody use the group's models")


def _open(view: View, statement: dict[str, object]) -> bool:
    principal = statement.get("Principal", "*" if "NotPrincipal" in statement else {})
    listed = principal.values() if isinstance(principal, dict) else [principal]
    everybody = "*" in [text for each in listed for text in texts(view, each)]
    return statement.get("Effect") == "Allow" and everybody and not statement.get("Condition")


def _cluster_instances(view: View) -> Iterator[Found]:
    limit, fits = view.settings.instances, view.settings.cluster.holds
    yield from if_set("InstanceGroups.*.InstanceType", fits, "must be an instance type that a cluster may use")(view)
    yield from if_set("InstanceGroups.*.InstanceCount", at_most(limit), f"must be {limit} at most")(view)


def _volume_keys(view: View) -> Iterator[Found]:
    for case in view.at("InstanceGroups.*.InstanceStorageConfigs.*.EbsVolumeConfig"):
        if isinstance(case.value, dict) and "VolumeKmsKeyId" not in case.value:
            yield Found(f"{case.path}.VolumeKmsKeyId", f"{case.path}.VolumeKmsKeyId must name a KMS key")


RULES = (
    Rule(
        "SLUICE-FG-01",
        "Offline feature stores are encrypted with the account's own key",
        Severity.MEDIUM,
        (FEATURES,),
        "The offline store is every value that a feature ever had.",
        "Set OfflineStoreConfig.S3StorageConfig.KmsKeyId.",
        when(_offline, present("OfflineStoreConfig.S3StorageConfig.KmsKeyId", says="must name a KMS key")),
        KEPT,
        ("sagemaker-featuregroup-encryption-at-rest",),
    ),
    Rule(
        "SLUICE-FG-02",
        "Online feature stores are encrypted with the account's own key",
        Severity.MEDIUM,
        (FEATURES,),
        "The online store holds the newest values of each person or thing.",
        "Set OnlineStoreConfig.SecurityConfig.KmsKeyId.",
        when(_online, present("OnlineStoreConfig.SecurityConfig.KmsKeyId", says="must name a KMS key")),
        KEPT,
        ("sagemaker-featuregroup-online-store-encryption",),
    ),
    Rule(
        "SLUICE-FG-03",
        "Features outlive the stack",
        Severity.MEDIUM,
        (FEATURES,),
        "Almost every change of a group replaces it, and the online store goes with it.",
        "Set DeletionPolicy and UpdateReplacePolicy to Retain.",
        _kept,
        "The policies are never references.",
    ),
    Rule(
        "SLUICE-REG-01",
        "Models of a group are not everybody's",
        Severity.HIGH,
        (GROUP,),
        "Whoever may read a package has the model, and whoever may write one can put another in its place.",
        "Name the accounts in Principal, or add a condition on aws:PrincipalOrgID.",
        _opened,
    ),
    Rule(
        "SLUICE-REG-02",
        "A template does not approve models",
        Severity.MEDIUM,
        (PACKAGE,),
        "Approved by a deployment, a version passes the gate without anybody having looked at its figures.",
        "Leave ModelApprovalStatus to PendingManualApproval.",
        if_set("ModelApprovalStatus", lambda value: value != "Approved", "must be left to somebody's decision"),
    ),
    Rule(
        "SLUICE-MLF-01",
        "A tracking server is small until it has to be larger",
        Severity.LOW,
        (TRACKING,),
        "It runs, and costs, all day; an MLflow App (AWS::SageMaker::MlflowApp) has no server.",
        "Set TrackingServerSize to Small, or use an MlflowApp.",
        if_set("TrackingServerSize", one_of("Small"), "must be Small"),
    ),
    Rule(
        "SLUICE-MLF-02",
        "A tracking server registers models under review",
        Severity.LOW,
        (TRACKING,),
        "Automatic registration puts every logged model into the registry, past the pipeline's gate.",
        "Set AutomaticModelRegistration to false.",
        if_set("AutomaticModelRegistration", one_of(False), "must be false"),
    ),
    Rule(
        "SLUICE-HPC-01",
        "A cluster is in a VPC",
        Severity.HIGH,
        (CLUSTER,),
        "Without one its nodes, on which people log in, are in a network that nobody can restrict.",
        "Set VpcConfig with subnets and security groups.",
        present("VpcConfig.Subnets", "VpcConfig.SecurityGroupIds", says="must be set"),
        KEPT,
    ),
    Rule(
        "SLUICE-HPC-02",
        "A cluster's nodes are of allowed types, and few",
        Severity.HIGH,
        (CLUSTER,),
        "Nodes cost from their creation to their deletion, whether or not a job runs.",
        "Choose an allowed type and number, or allow them in the settings (`cluster`, `instances`).",
        _cluster_instances,
    ),
    Rule(
        "SLUICE-HPC-03",
        "A cluster replaces nodes that fail",
        Severity.LOW,
        (CLUSTER,),
        "One faulty accelerator stops a training on all of them.",
        "Set NodeRecovery to Automatic.",
        must("NodeRecovery", one_of("Automatic"), "must be Automatic"),
    ),
    Rule(
        "SLUICE-HPC-04",
        "Further volumes of a cluster have a key of the account's own",
        Severity.MEDIUM,
        (CLUSTER,),
        "Data and checkpoints lie on them.",
        "Set EbsVolumeConfig.VolumeKmsKeyId for each of InstanceStorageConfigs.",
        _volume_keys,
        KEPT,
    ),
)
