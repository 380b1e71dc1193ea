"""A role, one permission of it, and the reason for a wildcard in that."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Aws, Tags
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from sluice.waiver import accept, accept_all


class Role(iam.Role):
    """A role of the platform; `options` are those of CDK's role."""

    def __init__(self, scope: Construct, id: str, *, assumed_by: iam.IPrincipal, **options: Any) -> None:
        super().__init__(scope, id, assumed_by=assumed_by, **options)
        accept(
            self,
            "NIST.800.53.R5-IAMNoInlinePolicy",
            "Made for this role alone: inline, it goes with the role and can be attached to no other",
        )


# Asked for once: each question to CDK takes time.
_ACCOUNT, _HERE = Aws.ACCOUNT_ID, f"{Aws.REGION}.{Aws.URL_SUFFIX}"


def from_this_account(service: str) -> iam.ServicePrincipal:
    """The principal of a service that tells on whose account's behalf it assumes a role; any other's is refused."""
    return iam.ServicePrincipal(service, conditions={"StringEquals": {"aws:SourceAccount": _ACCOUNT}})


def allow(
    role: iam.Role,
    actions: Sequence[str],
    resources: Sequence[str],
    *,
    conditions: Mapping[str, Any] | None = None,
    wildcard: str | None = None,
) -> None:
    """Let `role` do `actions` on `resources`; `wildcard` says why some of these resources hold a `*`."""
    # One question to CDK, where a statement and its addition to the role are two: there are hundreds.
    iam.Grant.add_to_principal(
        grantee=role, actions=list(actions), resource_arns=list(resources), conditions=dict(conditions or {})
    )
    if wildcard:
        accept_all(role, [f"AwsSolutions-IAM5[Resource::{name}]" for name in resources if "*" in name], wildcard)


def deny(role: iam.Role, actions: Sequence[str], resources: Sequence[str]) -> None:
    """Whatever else allows it."""
    role.add_to_principal_policy(
        iam.PolicyStatement(effect=iam.Effect.DENY, actions=list(actions), resources=list(resources))
    )


def allow_key(role: iam.Role, key: kms.IKey, service: str, *uses: str) -> None:
    """Let `role` use `key` through the AWS service `service` (e.g. `s3`) alone, e.g. for `Decrypt`."""
    through = {"StringEquals": {"kms:ViaService": f"{service}.{_HERE}"}}
    allow(role, [f"kms:{use}" for use in uses], [key.key_arn], conditions=through)


def starts_compute(role: iam.Role) -> None:
    """Mark `role` as one that starts what costs by the hour: `controls.spending.freeze` freezes what bears this tag."""
    Tags.of(role).add("sluice:starts-compute", "true")


def allow_grants(role: iam.Role, key: kms.IKey) -> None:
    """Let AWS services that act for `role` be given grants of `key`, for the volumes of instances; nobody else."""
    for_aws = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    allow(role, ["kms:CreateGrant"], [key.key_arn], conditions=for_aws)
