"""Where jobs and Studio run, as the configuration says it."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field

from config.section import Finding, Section, Text, repeated
from config.wording import Shape

# What follows the kind in an identifier of EC2; the short form is that of resources from before 2018.
_ID = "([0-9a-f]{8}|[0-9a-f]{17})"
Subnet = Annotated[str, Shape(f"^subnet-{_ID}$", "must be the id of a subnet: subnet-0123456789abcdef0")]
SecurityGroup = Annotated[str, Shape(f"^sg-{_ID}$", "must be the id of a security group: sg-0123456789abcdef0")]

EndpointService = Literal["sagemaker.api", "sagemaker.runtime", "logs", "sts"]


def _vpc_block(cidr: str) -> str:
    try:
        prefix = ipaddress.IPv4Network(cidr).prefixlen
    except ValueError:
        prefix = 0
    if not 16 <= prefix <= 24:
        raise ValueError("must be an IPv4 block of /16 to /24, such as 10.42.0.0/16")
    return cidr


Cidr = Annotated[str, AfterValidator(_vpc_block)]
Zones = Annotated[tuple[str, ...], Field(min_length=2, strict=False)]


def _crowded(raw: Mapping[str, Any]) -> Iterator[Finding]:
    """A block that gives its zones subnets smaller than /28, the smallest that AWS has."""
    zones, size = raw.get("availability_zones"), str(raw.get("cidr")).rpartition("/")[2]
    if isinstance(zones, list) and zones and size.isdigit() and 16 <= int(size) <= 24:
        most = 2 ** (28 - int(size))
        if len(zones) > most:
            yield ("availability_zones",), len(zones), f"zones are more than the {most} that a /{size} has room for"


class PrivateNetwork(Section):
    """A VPC of our own, without a way to the internet for anybody."""

    mode: Literal["private"]
    cidr: Cidr
    availability_zones: Zones
    # What Studio calls from inside the VPC; jobs need none of them. Each costs by the hour and zone.
    interface_endpoints: tuple[EndpointService, ...] = Field(
        default=("sagemaker.api", "sagemaker.runtime", "logs", "sts"), strict=False
    )
    flow_log_days: Literal[30, 90, 180, 365] = 90

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        yield from _crowded(raw)
        for place, service in repeated(raw.get("interface_endpoints")):
            allowed = ", ".join(get_args(EndpointService))
            yield ("interface_endpoints", *place), service, f"is given twice; each of {allowed} may be given once"


class PublicNetwork(Section):
    """For trying out: Studio reaches the internet by SageMaker's own network. Costs nothing at rest.

    Jobs and endpoints of the platform run in a VPC all the same, which leads to S3 and nowhere else: SageMaker gives
    them no public address, so public subnets would give them no internet either. What people start may do without it.
    """

    mode: Literal["public"]
    reason: Text
    cidr: Cidr
    availability_zones: Zones

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        yield from _crowded(raw)


class GivenNetwork(Section):
    """A VPC that exists already; one subnet for each availability zone, in the same order."""

    mode: Literal["given"]
    vpc_id: Annotated[str, Shape(f"^vpc-{_ID}$", "must be the id of a VPC: vpc-0123456789abcdef0")]
    subnet_ids: tuple[Subnet, ...] = Field(min_length=1, strict=False)
    availability_zones: tuple[str, ...] = Field(min_length=1, strict=False)
    security_group_ids: tuple[SecurityGroup, ...] = Field(min_length=1, max_length=5, strict=False)

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        subnets, zones = raw.get("subnet_ids"), raw.get("availability_zones")
        for name in ("subnet_ids", "security_group_ids"):
            for place, value in repeated(raw.get(name)):
                yield (name, *place), value, "is given twice"
        if isinstance(subnets, list) and isinstance(zones, list) and len(subnets) != len(zones):
            yield ("subnet_ids",), subnets, f"must name one subnet for each of the {len(zones)} availability_zones"


AnyNetwork = PrivateNetwork | PublicNetwork | GivenNetwork
