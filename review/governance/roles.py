"""Roles that SageMaker assumes, and what roles may do with SageMaker."""

import re
from collections.abc import Iterator

from review.governance.rule import Found, Rule, View
from review.governance.statements import Statement, granted, is_assumed_by_sagemaker, texts, trust
from review.governance.values import ABSENT
from review.model import Severity

ROLE = "AWS::IAM::Role"
TOO_WIDE = re.compile(r"((Administrator|PowerUser)Access|(IAM|AmazonS3|AmazonSageMaker)FullAccess)$")
SOURCE = {"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"}
STARTS = re.compile(
    r"sagemaker:(\*|create(\*|trainingjob|processingjob|transformjob|hyperparametertuningjob|automljob.*|endpointconfig"
    r"|notebookinstance|app|cluster|space))$"
)
BOUNDS = {
    *("sagemaker:instancetypes", "sagemaker:vpcsubnets", "sagemaker:volumekmskeyarn", "sagemaker:networkisolation"),
    *("aws:calledvia", "aws:calledviafirst", "aws:resourcetag/owner"),
}
PRESIGNED = ("sagemaker:createpresigneddomainurl", "sagemaker:createpresignednotebookinstanceurl")
IDENTITY = re.compile(r"aws:(principaltag|sourceip|sourcevpc|username|userid)|sagemaker:resourcetag|aws:resourcetag")


def _assumed(view: View) -> Iterator[Statement]:
    return granted(view) if is_assumed_by_sagemaker(view) else iter(())


def _managed(view: View) -> Iterator[Found]:
    if not is_assumed_by_sagemaker(view) or "ManagedPolicyArns" not in view.known:
        return
    for case in view.at("ManagedPolicyArns.*"):
        for text in texts(view, case.value) if case.value is not ABSENT else ():
            if found := TOO_WIDE.search(text):
                yield Found(case.path, f"{case.path} must not be {found[1]}")


def _trust(view: View) -> Iterator[Found]:
    for statement in trust(view):
        named = [each for each in statement.principals if "sagemaker." in each]
        if statement.allows and named and not statement.condition_keys() & SOURCE:
            yield Found(statement.path, f"{statement.path} must ask for aws:SourceAccount or aws:SourceArn")


def _open_trust(view: View) -> Iterator[Found]:
    if is_assumed_by_sagemaker(view):
        for statement in trust(view):
            if statement.allows and "*" in statement.principals and not statement.conditions:
                yield Found(statement.path, f"{statement.path} must not let everybody assume the role")


def _passing(view: View) -> Iterator[Found]:
    for statement in granted(view):
        if not _has(statement, "iam:passrole"):
            continue
        if any(resource in ("*",) or resource.endswith(":role/*") for resource in statement.resources):
            yield Found(statement.path, f"{statement.path} must name the roles that may be passed")
        elif "iam:passedtoservice" not in statement.condition_keys():
            yield Found(statement.path, f"{statement.path} must ask for iam:PassedToService")


def _everything(view: View) -> Iterator[Found]:
    for statement in _assumed(view):
        wide = [action for action in statement.actions if re.fullmatch(r"\*|[\w*-]+:\*", action)]
        if wide and "*" in statement.resources:
            yield Found(statement.path, f"{statement.path} must not allow {wide[0]} on every resource")


def _buckets(view: View) -> Iterator[Found]:
    """All buckets: `*`, or an ARN whose bucket is a pattern that begins with anything."""
    everywhere = re.compile(r"\*$|arn:.*:s3:::\*")
    for statement in _assumed(view):
        reads = [
            each for each in statement.actions if re.match(r"s3:(\*|get\*|getobject|put\*|putobject|delete)", each)
        ]
        if reads and any(everywhere.match(resource) for resource in statement.resources):
            yield Found(statement.path, f"{statement.path} must name the buckets ({reads[0]})")


def _presigned(view: View) -> Iterator[Found]:
    for statement in granted(view):
        found = [action for action in PRESIGNED if _has(statement, action)]
        if found and "*" in statement.resources and not any(IDENTITY.match(key) for key in statement.condition_keys()):
            yield Found(statement.path, f"{statement.path} must name the profiles or notebooks that it opens")


def _unbounded(view: View) -> Iterator[Found]:
    if all(case.value is ABSENT for case in view.at("PermissionsBoundary")):
        for statement in _assumed(view):
            starts = [action for action in statement.actions if STARTS.match(action)]
            if starts and not statement.condition_keys() & BOUNDS:
                yield Found(statement.path, f"{statement.path} must bound what {starts[0]} may start")


def _has(statement: Statement, action: str) -> bool:
    pattern = (re.escape(each).replace(r"\*", ".*").replace(r"\?", ".") for each in statement.actions)
    return any(re.fullmatch(each, action) for each in pattern)


_READ = "Policies of the same template are read, each branch of them; those elsewhere are not judged."
RULES = (
    Rule(
        "SLUICE-ROLE-01",
        "No role of SageMaker's has one of AWS's policies for everything",
        Severity.HIGH,
        (ROLE,),
        "AmazonSageMakerFullAccess reads every bucket with sagemaker in its name and starts any instance; what runs in "
        "a notebook or a job has all of that.",
        "Grant the actions and resources that the job needs.",
        _managed,
        "ARNs are read by their last part, so that the partition may be a token; a policy elsewhere is not judged.",
    ),
    Rule(
        "SLUICE-ROLE-02",
        "A role's trust in SageMaker is for this account's resources",
        Severity.MEDIUM,
        (ROLE,),
        "SageMaker acts for every account. Without a condition, a resource of another one may have it use the role.",
        "Add a condition on aws:SourceAccount, and on aws:SourceArn where the resource is known.",
        _trust,
        "A condition whose value is decided elsewhere counts.",
    ),
    Rule(
        "SLUICE-ROLE-03",
        "A role of SageMaker's cannot be assumed by everybody",
        Severity.HIGH,
        (ROLE,),
        "The principal * without a condition is every AWS account.",
        "Name the service, or the accounts.",
        _open_trust,
        _READ,
    ),
    Rule(
        "SLUICE-ROLE-04",
        "Roles pass named roles to named services",
        Severity.HIGH,
        (ROLE,),
        "Who may pass any role has the rights of the strongest one.",
        "Name the roles in Resource, and add a condition on iam:PassedToService.",
        _passing,
        f"{_READ} Looked at are all roles of the application: those who start a job pass its role.",
    ),
    Rule(
        "SLUICE-ROLE-05",
        "No role of SageMaker's may do all of a service on every resource",
        Severity.HIGH,
        (ROLE,),
        "Notebooks and containers run code that nobody has read; it has the role's rights.",
        "List actions and resources.",
        _everything,
        _READ,
    ),
    Rule(
        "SLUICE-ROLE-06",
        "Studio users and jobs read and write named buckets",
        Severity.HIGH,
        (ROLE,),
        "With all buckets in reach, data of one team is in the notebooks of another, and logs can be rewritten.",
        "Name the buckets, and the prefixes if teams share one.",
        _buckets,
        _READ,
    ),
    Rule(
        "SLUICE-ROLE-07",
        "A presigned URL opens one's own Studio or notebook",
        Severity.HIGH,
        (ROLE,),
        "The URL logs in as the profile: who may make it for every profile works as anybody.",
        "Name the profiles, or tie them to the caller by a tag (aws:PrincipalTag, sagemaker:ResourceTag).",
        _presigned,
        f"{_READ} Looked at are all roles of the application.",
    ),
    Rule(
        "SLUICE-ROLE-08",
        "What a role may start is bounded",
        Severity.MEDIUM,
        (ROLE,),
        "A notebook that may create any job can spend, and reach, whatever the account can.",
        "Give the role a permissions boundary, or conditions on sagemaker:InstanceTypes, VpcSubnets and keys.",
        _unbounded,
        f"{_READ} A boundary that is decided elsewhere counts.",
    ),
)
