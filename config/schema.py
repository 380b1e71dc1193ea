"""The shape of `config/team.yaml`."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, StringConstraints, ValidationError, field_validator

from config.guardrails import Guardrails, Persona
from config.instances import regions
from config.section import Finding, Positive, Section, TagValue
from config.workload import Workload, WorkloadName

Environment = Literal["dev", "staging", "prod"]

# Together with the environment and a version suffix these stay within the 63 characters of a SageMaker name.
PlatformName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=16)]
UserName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$", max_length=63)]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
Minutes = Annotated[int, Field(ge=1)]
# The bounds of SageMaker's own IdleSettings.
StudioIdleMinutes = Annotated[int, Field(ge=60, le=525600)]

# What follows the kind in an identifier of EC2; the short form is that of resources from before 2018.
_ID = "([0-9a-f]{8}|[0-9a-f]{17})"

EndpointService = Literal["sagemaker.api", "sagemaker.runtime", "logs", "sts"]


def _repeated(values: object, key: str | None = None) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Place and value of each entry of a raw list (or of `key` in its mappings) that an earlier entry has too."""
    seen: list[object] = []
    for index, entry in enumerate(values if isinstance(values, list | tuple) else ()):
        place: tuple[str | int, ...] = (index,)
        if key is not None:
            if not isinstance(entry, Mapping) or key not in entry:
                continue
            entry, place = entry[key], (index, key)
        if entry in seen:
            yield place, entry
        seen.append(entry)


class Alerts(Section):
    emails: tuple[Email, ...] = Field(default=(), strict=False)

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        for place, email in _repeated(raw.get("emails")):
            yield ("emails", *place), email, "is given twice; each address is written to once"


class PrivateNetwork(Section):
    """A VPC of our own, without a way to the internet."""

    mode: Literal["private"]
    cidr: str
    availability_zones: tuple[str, ...] = Field(min_length=2, strict=False)
    # What Studio calls from inside the VPC; jobs need none of them. Each costs by the hour and zone.
    interface_endpoints: tuple[EndpointService, ...] = Field(
        default=("sagemaker.api", "sagemaker.runtime", "logs", "sts"), strict=False
    )

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        for place, service in _repeated(raw.get("interface_endpoints")):
            allowed = ", ".join(get_args(EndpointService))
            yield ("interface_endpoints", *place), service, f"is given twice; each of {allowed} may be given once"

    @field_validator("cidr")
    @classmethod
    def _is_a_vpc_block(cls, cidr: str) -> str:
        try:
            prefix = ipaddress.IPv4Network(cidr).prefixlen
        except ValueError:
            prefix = 0
        if not 16 <= prefix <= 24:
            raise ValueError("must be an IPv4 block of /16 to /24, such as 10.42.0.0/16")
        return cidr


class GivenNetwork(Section):
    """A VPC that exists already; one subnet for each availability zone, in the same order."""

    mode: Literal["given"]
    vpc_id: Annotated[str, StringConstraints(pattern=f"^vpc-{_ID}$")]
    subnet_ids: tuple[Annotated[str, StringConstraints(pattern=f"^subnet-{_ID}$")], ...] = Field(
        min_length=1, strict=False
    )
    availability_zones: tuple[str, ...] = Field(min_length=1, strict=False)
    security_group_ids: tuple[Annotated[str, StringConstraints(pattern=f"^sg-{_ID}$")], ...] = Field(
        min_length=1, max_length=5, strict=False
    )

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        subnets, zones = raw.get("subnet_ids"), raw.get("availability_zones")
        if isinstance(subnets, list) and isinstance(zones, list) and len(subnets) != len(zones):
            yield ("subnet_ids",), subnets, f"must name one subnet for each of the {len(zones)} availability_zones"


class Storage(Section):
    noncurrent_days: Positive = 30
    incomplete_upload_days: Positive = 7
    access_log_days: Positive = 90


class User(Section):
    name: UserName
    persona: Persona


class Studio(Section):
    idle_minutes: StudioIdleMinutes = 120
    max_idle_minutes: StudioIdleMinutes = 240
    users: tuple[User, ...] = Field(default=(), strict=False)

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        for place, name in _repeated(raw.get("users"), "name"):
            yield ("users", *place), name, "is given twice; each user needs a name of its own"
        idle, most = raw.get("idle_minutes", 120), raw.get("max_idle_minutes", 240)
        if isinstance(idle, int) and isinstance(most, int) and idle > most:
            yield ("idle_minutes",), idle, f"must be at most max_idle_minutes ({most})"


class SweepPolicy(Section):
    mode: Literal["observe", "enforce"] = "observe"
    every_hours: Annotated[int, Field(ge=1, le=24)] = 1
    endpoint_idle_minutes: Minutes = 120
    notebook_idle_minutes: Minutes = 120


class Costs(Section):
    sweep: SweepPolicy = SweepPolicy()


class Platform(Section):
    """Everything that the stacks are made from. `workloads` maps a folder's name to what its workload.yaml says."""

    name: PlatformName
    environment: Environment
    region: str
    account: str | None = None
    owner: TagValue
    team: TagValue | None = None
    cost_centre: TagValue | None = None
    alerts: Alerts = Alerts()
    network: Annotated[PrivateNetwork | GivenNetwork, Field(discriminator="mode")]
    storage: Storage = Storage()
    studio: Studio = Studio()
    workloads: dict[WorkloadName, Workload] = {}
    costs: Costs = Costs()
    guardrails: Guardrails = Guardrails()

    @property
    def prefix(self) -> str:
        """What the names of this platform's resources begin with, e.g. `sluice-dev`."""
        return f"{self.name}-{self.environment}"

    @property
    def tags(self) -> dict[str, str]:
        """What every resource of the application is tagged with."""
        return {
            "sluice:platform": self.prefix,
            "sluice:owner": self.owner,
            "sluice:team": self.team or self.owner,
            "sluice:cost-centre": self.cost_centre or self.name,
            "sluice:environment": self.environment,
            "sluice:managed-by": "cdk",
        }

    @field_validator("account", mode="before")
    @classmethod
    def _is_an_account(cls, account: object) -> object:
        # YAML reads unquoted digits as a number, and drops or misreads a leading zero.
        if account is not None and not (isinstance(account, str) and re.fullmatch(r"[0-9]{12}", account)):
            raise ValueError('must be 12 digits in quotes, such as "111122223333", or be left out')
        return account

    @field_validator("region")
    @classmethod
    def _is_a_region(cls, region: str) -> str:
        if region not in regions():
            raise ValueError(f"must be one of {', '.join(sorted(regions()))}")
        return region

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        network, region = raw.get("network"), raw.get("region")
        if isinstance(region, str) and region.startswith("cn-"):
            # CloudFormation has no AWS::SageMaker::ModelPackageGroup there, and what is trained here is registered.
            for name in raw.get("workloads") or ():
                missing = f"needs a model package group, which CloudFormation cannot make in {region}; leave it out"
                yield ("workloads", name), None, missing
        yield from _denied(raw)
        zones = network.get("availability_zones") if isinstance(network, Mapping) else None
        for place, zone in _repeated(zones):
            yield ("network", "availability_zones", *place), zone, "is given twice"
        if not isinstance(zones, list) or not isinstance(region, str) or region not in regions():
            return
        for index, zone in enumerate(zones):
            if not str(zone).startswith(region):
                place = ("network", "availability_zones", index)
                yield place, zone, f"must be a zone of the region, such as {region}a"


def _denied(raw: Mapping[str, Any]) -> Iterator[Finding]:
    """What workloads ask for and the guardrails would deny; guardrails that are wrong by themselves say so instead."""
    try:
        guardrails = Guardrails.model_validate(raw.get("guardrails", {}))
    except ValidationError:
        return
    workloads = raw.get("workloads")
    for name, workload in workloads.items() if isinstance(workloads, Mapping) else ():
        for field, value, allowed in guardrails.breaches(workload) if isinstance(workload, Workload) else ():
            yield ("workloads", name), value, f"is {field} of workloads/{name}/workload.yaml; it must be {allowed}"
