"""New ways to the internet, and what of SageMaker lies in a subnet that has one."""

from collections.abc import Iterator, Mapping
from typing import Any

from review.cloud_assembly import Stack
from review.iam.identity import place
from review.iam.principals import properties
from review.iam.references import References, Target
from review.model import Finding, Kind, Place, Severity
from review.pairs import Pair


def findings(base: References, head: References, pairs: tuple[Pair, ...]) -> Iterator[Finding]:
    """A gateway to the internet that is new beside a domain that must not have one, and subnets that get a route."""
    closed = _has_closed_domain(head)
    for pair in pairs:
        if pair.before or not pair.after:
            continue
        gateway = pair.after.type in (
            "AWS::EC2::InternetGateway",
            "AWS::EC2::NatGateway",
            "AWS::EC2::EgressOnlyInternetGateway",
        )
        if gateway and (closed or _had_a_vpc(base)):
            severity = Severity.HIGH if closed else Severity.MEDIUM
            beside = "beside a domain that is VpcOnly" if closed else "beside a VPC that is there"
            yield Finding(
                kind=Kind.NETWORK_OPENED,
                severity=severity,
                rule="egress-opened",
                place=pair.place,
                message=f"{pair.place.path} is a new way to the internet {beside}.",
                fix="Ask what must be reached, and whether a VPC endpoint does it.",
            )
    yield from _public_subnets(base, head)


def _has_closed_domain(references: References) -> bool:
    return any(
        resource.type == "AWS::SageMaker::Domain" and properties(resource).get("AppNetworkAccessType") == "VpcOnly"
        for stack in references.stacks.values()
        for resource in stack.resources.values()
    )


def _had_a_vpc(references: References) -> bool:
    return any(r.type == "AWS::EC2::VPC" for stack in references.stacks.values() for r in stack.resources.values())


def _public_subnets(base: References, head: References) -> Iterator[Finding]:
    """What of SageMaker lies in a subnet from which the internet can be reached directly, and did not."""
    before = {key for key, _ in _exposed(base)}
    for key, where in _exposed(head):
        if key not in before:
            yield Finding(
                kind=Kind.NETWORK_OPENED,
                severity=Severity.HIGH,
                rule="public-access",
                place=where,
                message=f"{where.path} is now in a subnet with a route to an internet gateway.",
                fix="Ask why, and name private subnets.",
            )


def _exposed(references: References) -> Iterator[tuple[Target, Place]]:
    public = _routed(references)
    if not public:
        return
    for stack in references.stacks.values():
        for resource in stack.resources.values():
            if resource.type.startswith("AWS::SageMaker::") and _lies_in(
                properties(resource), public, stack, references
            ):
                yield references.key(stack.name, resource.logical_id), place(stack, resource)


def _routed(references: References) -> set[Target]:
    """Subnets whose route table leads to an internet gateway."""
    tables, of = set(), []
    for stack in references.stacks.values():
        for resource in stack.resources.values():
            given = properties(resource)
            if resource.type == "AWS::EC2::Route" and _is_public(given, stack, references):
                tables.add(_key(given.get("RouteTableId"), stack, references))
            elif resource.type == "AWS::EC2::SubnetRouteTableAssociation":
                of.append(
                    (_key(given.get("RouteTableId"), stack, references), _key(given.get("SubnetId"), stack, references))
                )
    return {subnet for table, subnet in of if table and subnet and table in tables}


def _is_public(given: Mapping[str, Any], stack: Stack, references: References) -> bool:
    gateway = given.get("GatewayId")
    target = references.target(gateway, stack)
    named = isinstance(gateway, str) and gateway.startswith("igw-")
    return named or bool(target and target[1].type == "AWS::EC2::InternetGateway")


def _key(value: Any, stack: Stack, references: References) -> Target | None:
    target = references.target(value, stack)
    return references.key(target[0].name, target[1].logical_id) if target else None


def _lies_in(value: Any, public: set[Target], stack: Stack, references: References) -> bool:
    if isinstance(value, Mapping) and _key(value, stack, references) in public:
        return True
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(_lies_in(each, public, stack, references) for each in inner)
